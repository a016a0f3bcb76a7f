//! An honest agent, as far as its handshake and scan; and the messages it is made of, for tests
//! that change one thing in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weir::wire::operation::Operation;

use super::{Reply, Weir, post};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// A cookie as the server issued it.
#[derive(Debug, Clone)]
pub(crate) struct Cookie(pub(crate) Vec<u8>);

impl Cookie {
    /// The cookie as the element `name` of a request.
    pub(crate) fn element(&self, name: &str) -> String {
        let data = STANDARD.encode(&self.0);
        format!(
            "<{name}><Expiration>2099-01-01T00:00:00Z</Expiration>\
             <EncryptedData>{data}</EncryptedData></{name}>"
        )
    }
}

/// A client that went through the handshake.
pub(crate) struct Agent<'w> {
    pub(crate) weir: &'w Weir,
    pub(crate) id: String,
    pub(crate) authorization: Cookie,
    pub(crate) session: Cookie,
    pub(crate) last_change: String,
}

impl<'w> Agent<'w> {
    /// GetConfig, GetAuthorizationCookie, GetCookie, RegisterComputer.
    pub(crate) fn enrol(weir: &'w Weir, id: &str) -> Self {
        Self::named(weir, id, "pc.example.org")
    }

    /// The same, registering with a host name, which is XML.
    pub(crate) fn named(weir: &'w Weir, id: &str, name: &str) -> Self {
        let config = "<protocolVersion>2.90</protocolVersion>";
        let config = call(weir, Operation::GetConfig, config);
        let last_change = config.value("LastChange");
        let identity = format!(
            "<clientId>{id}</clientId><targetGroupName></targetGroupName>\
             <dnsName>pc.example.org</dnsName>"
        );
        let authorization = call(weir, Operation::GetAuthorizationCookie, &identity);
        let authorization = authorization.cookie("CookieData");
        let mut agent =
            Self { weir, id: id.to_owned(), session: Cookie(vec![]), authorization, last_change };
        let request = agent.cookie_request(&STANDARD.encode(&agent.authorization.0), "");
        agent.session = call(weir, Operation::GetCookie, &request).cookie("EncryptedData");
        let registered = agent.register(&format!("<DnsName>{name}</DnsName>"));
        assert_eq!(registered.status, 200, "{}", registered.text);
        agent
    }

    /// A GetCookie with this authorization cookie, and more before it.
    pub(crate) fn cookie_request(&self, data: &str, old_cookie: &str) -> String {
        format!(
            "<authCookies><AuthorizationCookie><PlugInId>SimpleTargeting</PlugInId>\
             <CookieData>{data}</CookieData></AuthorizationCookie></authCookies>{old_cookie}\
             <lastChange>{}</lastChange><currentTime>2026-11-23T00:00:00Z</currentTime>\
             <protocolVersion>2.90</protocolVersion>",
            self.last_change
        )
    }

    /// Registers with these fields of ComputerInfo.
    pub(crate) fn register(&self, info: &str) -> Answer {
        let body = format!("{}<computerInfo>{info}</computerInfo>", self.session.element("cookie"));
        call(self.weir, Operation::RegisterComputer, &body)
    }

    /// A software pass with these parameters.
    pub(crate) fn scan(&self, parameters: &str) -> Answer {
        call(self.weir, Operation::SyncUpdates, &self.scan_request(parameters))
    }

    pub(crate) fn scan_request(&self, parameters: &str) -> String {
        format!(
            "{}<parameters><ExpressQuery>false</ExpressQuery>{parameters}</parameters>",
            self.session.element("cookie")
        )
    }

    /// Scans until nothing more is new, as an agent does that finds everything installed; the ids
    /// it was sent. Panics after the agent's own limit of 200 round trips.
    pub(crate) fn scan_to_the_end(&self) -> Vec<String> {
        let mut cached: Vec<String> = Vec::new();
        let mut installed: Vec<String> = Vec::new();
        let mut session = self.session.clone();
        let list = |name: &str, ids: &[String]| {
            let ids: String = ids.iter().map(|id| format!("<int>{id}</int>")).collect();
            format!("<{name}>{ids}</{name}>")
        };
        for _ in 0..200 {
            let parameters = [
                list("InstalledNonLeafUpdateIDs", &installed),
                list("OtherCachedUpdateIDs", &cached),
            ]
            .concat();
            let body = format!(
                "{}<parameters><ExpressQuery>false</ExpressQuery>{parameters}</parameters>",
                session.element("cookie")
            );
            let answer = call(self.weir, Operation::SyncUpdates, &body);
            assert_eq!(answer.status, 200, "{}", answer.text);
            let new = answer.updates();
            if new.is_empty() {
                cached.extend(installed);
                return cached;
            }
            session = answer.cookie("EncryptedData");
            for (id, is_leaf) in new {
                if is_leaf { cached.push(id) } else { installed.push(id) }
            }
        }
        panic!("the scan does not end");
    }

    /// Reports these `ReportingEvent`s.
    pub(crate) fn report(&self, events: &str) -> Answer {
        let body = format!(
            "{}<clientTime>{}</clientTime><eventBatch>{events}</eventBatch>",
            self.session.element("cookie"),
            now()
        );
        call(self.weir, Operation::ReportEventBatch, &body)
    }
}

/// The present, as agents write it.
pub(crate) fn now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after");
    let now = i64::try_from(now.as_secs()).expect("in range");
    weir::wire::time::DateTime::from_unix(now, 0).expect("in range").to_string()
}

/// An answer of a SOAP service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) reply: Reply,
}

impl From<Reply> for Answer {
    /// Every answer has to be well-formed, whatever of the request it repeats.
    fn from(reply: Reply) -> Self {
        let text = String::from_utf8(reply.body.clone()).expect("UTF-8");
        roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        Self { status: reply.status, text, reply }
    }
}

impl Answer {
    /// The text of the first element with this local name.
    pub(crate) fn value(&self, name: &str) -> String {
        self.values(name).into_iter().next().unwrap_or_else(|| panic!("no {name}: {}", self.text))
    }

    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.text).expect("checked");
        let found = document.descendants().filter(|node| node.tag_name().name() == name);
        found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.values(name).len()
    }

    /// The revisions of `NewUpdates`, and whether each is a leaf.
    pub(crate) fn updates(&self) -> Vec<(String, bool)> {
        let document = roxmltree::Document::parse(&self.text).expect("checked");
        let named = |name: &'static str| {
            move |node: &roxmltree::Node<'_, '_>| {
                node.has_tag_name((weir::wire::operation::Service::Client.namespace(), name))
            }
        };
        let new = document.descendants().find(named("NewUpdates"));
        let infos = new
            .into_iter()
            .flat_map(|new| new.children().filter(named("UpdateInfo")).collect::<Vec<_>>());
        let child = |info: roxmltree::Node<'_, '_>, name| {
            let child = info.children().find(named(name)).expect("a field");
            child.text().unwrap_or_default().to_owned()
        };
        infos.map(|info| (child(info, "ID"), child(info, "IsLeaf") == "true")).collect()
    }

    pub(crate) fn cookie(&self, name: &str) -> Cookie {
        Cookie(STANDARD.decode(self.value(name)).expect("Base64"))
    }

    /// The ErrorCode of a fault, and its Message.
    pub(crate) fn fault(&self) -> (String, String) {
        (self.value("ErrorCode"), self.value("Message"))
    }

    /// Demands a fault in the protocol's form: 500 and this code.
    #[track_caller]
    pub(crate) fn refused(&self, code: &str) {
        assert_eq!(self.status, 500, "{}", self.text);
        assert_eq!(self.fault().0, code, "{}", self.text);
        // The code alone tells the client what to do; how we failed is nobody's business.
        assert!(!self.text.contains("src/") && !self.text.contains("panick"), "{}", self.text);
    }
}

/// Demands that a request's own content is blamed.
#[track_caller]
pub(crate) fn assert_invalid(answer: &Answer) {
    answer.refused("InvalidParameters");
}

/// Calls an operation with the content of its element.
pub(crate) fn call(weir: &Weir, operation: Operation, content: &str) -> Answer {
    let envelope = envelope(operation, content);
    weir.ask(&post(operation.service().path(), &tag(operation), envelope.as_bytes())).into()
}

/// The headers of a SOAP 1.1 request.
pub(crate) fn tag(operation: Operation) -> String {
    let action = operation.action();
    format!("Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"{action}\"\r\n")
}

/// The envelope that calls an operation.
pub(crate) fn envelope(operation: Operation, content: &str) -> String {
    let (name, namespace) = (operation.name(), operation.service().namespace());
    format!(
        "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <s:Body><{name} xmlns=\"{namespace}\">{content}</{name}></s:Body></s:Envelope>"
    )
}

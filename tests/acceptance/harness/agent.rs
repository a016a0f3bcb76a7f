//! An agent: who it is, its cookie, and the calls it makes. The scan is in [`super::scan`], the
//! download in [`super::download`].
//!
//! Every call can be made on its own, in an order that an honest agent would not choose; the
//! sequences that the specification orders are methods of their own.

use std::collections::BTreeMap;

use roxmltree::Document;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::http::Connection;
use super::scan::Revision;
use super::soap::{self, CLIENT, Fault, REPORTING, SIMPLE_AUTH};
use super::xml;

/// A computer with an agent on it.
pub(crate) struct Agent {
    pub(crate) connection: Connection,
    pub(crate) client_id: String,
    pub(crate) dns_name: String,
    /// The groups its policy names.
    pub(crate) target_group: Option<String>,
    /// `LastChange` and `MaxExtendedUpdatesPerRequest` of GetConfig.
    pub(crate) last_change: String,
    pub(crate) max_extended: usize,
    pub(crate) cookie: Cookie,
    /// What it knows of revisions, by their ids on this server.
    pub(crate) cache: BTreeMap<u32, Revision>,
}

/// A cookie as it was issued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) expiration: String,
    pub(crate) data: String,
}

/// An event to report.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) instance: Uuid,
    pub(crate) id: u16,
    /// The update, with its revision number.
    pub(crate) update: Option<(String, u32)>,
    pub(crate) result: i32,
    /// When it happened, by the computer's clock; none for now.
    pub(crate) at: Option<&'static str>,
    /// `MiscData`.
    pub(crate) misc: Vec<String>,
}

impl Event {
    /// The state of all updates at once, as the lists `tag=id;id`.
    pub(crate) fn status(lists: &[(&str, &[String])]) -> Self {
        let lists = lists.iter().filter(|(_, ids)| !ids.is_empty());
        let lists = lists.map(|(tag, ids)| format!("{tag}={}", ids.join(";").to_uppercase()));
        Self { misc: lists.collect(), ..Self::of(156, None) }
    }

    /// An event on one update.
    pub(crate) fn of(id: u16, update: Option<(String, u32)>) -> Self {
        Self { instance: Uuid::new_v4(), id, update, result: 0, at: None, misc: Vec::new() }
    }

    fn xml(&self, client_id: &str, now: &str) -> String {
        let at = self.at.unwrap_or(now);
        let (update, revision) = self.update.clone().unwrap_or((Uuid::nil().to_string(), 0));
        let misc = self.misc.iter().map(|text| format!("<string>{text}</string>"));
        format!(
            "<ReportingEvent><BasicData><TargetID><Sid>{client_id}</Sid></TargetID>\
             <SequenceNumber>0</SequenceNumber><TimeAtTarget>{at}</TimeAtTarget>\
             <EventInstanceID>{}</EventInstanceID><NamespaceID>1</NamespaceID>\
             <EventID>{}</EventID><SourceID>101</SourceID><UpdateID><UpdateID>{update}</UpdateID>\
             <RevisionNumber>{revision}</RevisionNumber></UpdateID>\
             <Win32HResult>{}</Win32HResult><AppName>acceptance</AppName></BasicData>\
             <ExtendedData><MiscData><string>G=1507.2601.30012.0</string>{}</MiscData>\
             <ComputerBrand>QEMU</ComputerBrand><ComputerModel>Standard PC</ComputerModel>\
             <BiosRevision>unknown</BiosRevision>\
             <ProcessorArchitecture>Amd64Compatible</ProcessorArchitecture>\
             <OSVersion><Major>10</Major><Minor>0</Minor><Build>26200</Build>\
             <Revision>65792</Revision><ServicePackMajor>0</ServicePackMajor>\
             <ServicePackMinor>0</ServicePackMinor></OSVersion><OSLocaleID>1033</OSLocaleID>\
             </ExtendedData><PrivateData/></ReportingEvent>",
            self.instance,
            self.id,
            self.result,
            misc.collect::<String>(),
        )
    }
}

/// Now, as agents write it.
fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).expect("a time")
}

impl Agent {
    /// A new computer, which has not spoken to the server yet.
    pub(crate) fn new(connection: Connection, dns_name: &str) -> Self {
        Self {
            connection,
            client_id: Uuid::new_v4().to_string(),
            dns_name: dns_name.to_owned(),
            target_group: None,
            last_change: String::new(),
            max_extended: 0,
            cookie: Cookie::default(),
            cache: BTreeMap::new(),
        }
    }

    /// A new computer after its first handshake and registration.
    pub(crate) fn registered(connection: Connection, dns_name: &str) -> Self {
        let mut agent = Self::new(connection, dns_name);
        agent.introduce();
        agent
    }

    /// GetConfig, GetAuthorizationCookie, GetCookie and RegisterComputer, none of which may fail.
    pub(crate) fn introduce(&mut self) {
        self.handshake().expect("a cookie");
        self.register().expect("registered");
    }

    /// GetConfig, GetAuthorizationCookie and GetCookie: what ConfigChanged orders.
    pub(crate) fn handshake(&mut self) -> Result<(), Fault> {
        self.config()?;
        self.renew()
    }

    /// GetAuthorizationCookie and GetCookie: what CookieExpired orders.
    pub(crate) fn renew(&mut self) -> Result<(), Fault> {
        let authorization = self.authorization_cookie()?;
        self.get_cookie(&authorization)
    }

    /// What InvalidCookie and ServerChanged order: to forget the cookie, and to start over with a
    /// cache whose ids are this server's.
    pub(crate) fn start_over(&mut self) -> Result<(), Fault> {
        self.cookie = Cookie::default();
        self.handshake()?;
        self.refresh_cache()
    }

    /// GetConfig.
    pub(crate) fn config(&mut self) -> Result<(), Fault> {
        let version = "<protocolVersion>2.90</protocolVersion>";
        let text = soap::call(&mut self.connection, CLIENT, "GetConfig", version)?;
        let document = Document::parse(&text).expect("XML");
        let result = element(&document, "GetConfigResult");
        assert_eq!(xml::text(result, "IsRegistrationRequired"), "true");
        let property = |name: &str| {
            let properties = xml::list(result, "Properties").into_iter();
            let mut named = properties.filter(|property| xml::text(*property, "Name") == name);
            xml::text(named.next().expect("the property"), "Value")
        };
        assert_eq!(property("ProtocolVersion"), "3.2");
        self.last_change = xml::text(result, "LastChange");
        self.max_extended = property("MaxExtendedUpdatesPerRequest").parse().expect("a number");
        Ok(())
    }

    /// GetAuthorizationCookie.
    pub(crate) fn authorization_cookie(&mut self) -> Result<String, Fault> {
        let group = self.target_group.as_deref();
        let group = group.map(|name| format!("<targetGroupName>{name}</targetGroupName>"));
        let children = format!(
            "<clientId>{}</clientId>{}<dnsName>{}</dnsName>",
            self.client_id,
            group.unwrap_or_default(),
            self.dns_name
        );
        let connection = &mut self.connection;
        let text = soap::call(connection, SIMPLE_AUTH, "GetAuthorizationCookie", &children)?;
        let document = Document::parse(&text).expect("XML");
        let result = element(&document, "GetAuthorizationCookieResult");
        assert_eq!(xml::text(result, "PlugInId"), "SimpleTargeting");
        Ok(xml::text(result, "CookieData"))
    }

    /// GetCookie, renewing the cookie that the agent has.
    pub(crate) fn get_cookie(&mut self, authorization: &str) -> Result<(), Fault> {
        // At the very first call agents send an old cookie without data.
        let data = match self.cookie.data.as_str() {
            "" => String::new(),
            data => format!("<EncryptedData>{data}</EncryptedData>"),
        };
        let now = now();
        let children = format!(
            "<authCookies><AuthorizationCookie><PlugInId>SimpleTargeting</PlugInId>\
             <CookieData>{authorization}</CookieData></AuthorizationCookie></authCookies>\
             <oldCookie><Expiration>{now}</Expiration>{data}</oldCookie>\
             <lastChange>{}</lastChange><currentTime>{now}</currentTime>\
             <protocolVersion>2.90</protocolVersion>",
            self.last_change
        );
        let text = soap::call(&mut self.connection, CLIENT, "GetCookie", &children)?;
        let document = Document::parse(&text).expect("XML");
        self.cookie = Cookie::read(element(&document, "GetCookieResult"));
        Ok(())
    }

    /// RegisterComputer, with what an agent of Windows 11 says.
    pub(crate) fn register(&mut self) -> Result<(), Fault> {
        let children = format!(
            "{}<computerInfo><DnsName>{}</DnsName><OSMajorVersion>10</OSMajorVersion>\
             <OSMinorVersion>0</OSMinorVersion><OSBuildNumber>26200</OSBuildNumber>\
             <OSServicePackMajorNumber>0</OSServicePackMajorNumber>\
             <OSServicePackMinorNumber>0</OSServicePackMinorNumber><OSLocale>en-US</OSLocale>\
             <ComputerManufacturer>QEMU</ComputerManufacturer>\
             <ComputerModel>Standard PC (Q35 + ICH9, 2009)</ComputerModel>\
             <BiosVersion>unknown</BiosVersion><BiosName>unknown</BiosName>\
             <BiosReleaseDate>2022-02-02T00:00:00Z</BiosReleaseDate>\
             <ProcessorArchitecture>AMD64</ProcessorArchitecture><SuiteMask>256</SuiteMask>\
             <OldProductType>1</OldProductType><NewProductType>48</NewProductType>\
             <SystemMetrics>0</SystemMetrics>\
             <ClientVersionMajorNumber>1507</ClientVersionMajorNumber>\
             <ClientVersionMinorNumber>2601</ClientVersionMinorNumber>\
             <ClientVersionBuildNumber>30012</ClientVersionBuildNumber>\
             <ClientVersionQfeNumber>0</ClientVersionQfeNumber>\
             <OSDescription>Windows 10 Pro</OSDescription></computerInfo>",
            self.cookie_xml(),
            self.dns_name
        );
        soap::call(&mut self.connection, CLIENT, "RegisterComputer", &children).map(drop)
    }

    /// RefreshCache: gives every cached revision its id and deployment on this server. What the
    /// server does not know is forgotten.
    pub(crate) fn refresh_cache(&mut self) -> Result<(), Fault> {
        let identities = self.cache.values().map(|revision| {
            format!(
                "<UpdateIdentity><UpdateID>{}</UpdateID><RevisionNumber>{}</RevisionNumber>\
                 </UpdateIdentity>",
                revision.update_id, revision.revision_number
            )
        });
        let identities: String = identities.collect();
        let children = format!("{}<globalIDs>{identities}</globalIDs>", self.cookie_xml());
        let text = soap::call(&mut self.connection, CLIENT, "RefreshCache", &children)?;
        let document = Document::parse(&text).expect("XML");
        let response = element(&document, "RefreshCacheResponse");
        let mut known = std::mem::take(&mut self.cache);
        for row in xml::list(response, "RefreshCacheResult") {
            let identity = xml::child(row, "GlobalID").expect("an identity");
            let update_id = xml::text(identity, "UpdateID").to_lowercase();
            let old = known.values().find(|old| old.update_id == update_id).map(|old| old.id);
            let old = old.and_then(|id| known.remove(&id)).expect("a revision that was asked for");
            let revision = old.refreshed(row);
            self.cache.insert(revision.id, revision);
        }
        Ok(())
    }

    /// ReportEventBatch: whether the server took the events.
    pub(crate) fn report(&mut self, events: &[Event]) -> Result<bool, Fault> {
        self.report_if_there(events).expect("an answer")
    }

    /// The same to a server that may go away: none when it did.
    pub(crate) fn report_if_there(&mut self, events: &[Event]) -> Option<Result<bool, Fault>> {
        let children = self.report_xml(events);
        let connection = &mut self.connection;
        let answer = soap::call_if_there(connection, REPORTING, "ReportEventBatch", &children)?;
        Some(answer.map(|text| {
            let document = Document::parse(&text).expect("XML");
            let response = element(&document, "ReportEventBatchResponse");
            xml::text(response, "ReportEventBatchResult") == "true"
        }))
    }

    /// The children of ReportEventBatch.
    pub(crate) fn report_xml(&self, events: &[Event]) -> String {
        let now = now();
        let events = events.iter().map(|event| event.xml(&self.client_id, &now));
        format!(
            "{}<clientTime>{now}</clientTime><eventBatch>{}</eventBatch>",
            self.cookie_xml(),
            events.collect::<String>()
        )
    }

    /// The cookie as requests carry it.
    pub(crate) fn cookie_xml(&self) -> String {
        let Cookie { expiration, data } = &self.cookie;
        format!(
            "<cookie><Expiration>{expiration}</Expiration><EncryptedData>{data}</EncryptedData>\
             </cookie>"
        )
    }
}

impl Cookie {
    pub(crate) fn read(node: roxmltree::Node<'_, '_>) -> Self {
        Self { expiration: xml::text(node, "Expiration"), data: xml::text(node, "EncryptedData") }
    }
}

/// The only element called `name`.
pub(crate) fn element<'a, 'i>(document: &'a Document<'i>, name: &str) -> roxmltree::Node<'a, 'i> {
    let mut named = document.descendants().filter(|node| node.tag_name().name() == name);
    let found = named.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(named.next().is_none(), "{name} twice");
    found
}

//! Faults in the protocols' form ([MS-WUSP] 2.2.2.4, [MS-WSUSSS] 2.2.9).
//!
//! The ErrorCode decides what the client does next, so it has to be one that the specification
//! lists for the situation; the id is what a person looks up in the server's log.

use uuid::Uuid;

use crate::wire::body::BodyWriter;
use crate::wire::operation::EnvelopeStyle;
use crate::wire::soap::write::Writer;
use crate::wire::soap::{SoapVersion, write_envelope};

/// What a fault tells the client to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The cookie cannot be decrypted: start over with GetConfig, and call RefreshCache.
    InvalidCookie,
    /// The configuration changed: start over with GetConfig.
    ConfigChanged,
    /// Call RegisterComputer, then SyncUpdates again.
    RegistrationRequired,
    /// This is another server, or it lost its state: start over, and call RefreshCache.
    ServerChanged,
    /// Try again later.
    InternalServerError,
    /// The cookie expired: get a new one.
    CookieExpired,
    /// A parameter is wrong; the message says which.
    InvalidParameters,
    /// The authorization cookie cannot be accepted.
    InvalidAuthorizationCookie,
    /// RegisterComputer was called although GetConfig said not to.
    RegistrationNotRequired,
    /// Try again later.
    ServerBusy,
    /// Call GetFileLocations.
    FileLocationChanged,
    /// Between servers: the protocol's versions do not fit. Give up.
    IncompatibleProtocolVersion,
    /// Between servers: files were asked for that are not known here; the message has their digests.
    FileDigestsMissing,
}

impl ErrorCode {
    /// All codes, in the specifications' order.
    pub const ALL: [Self; 13] = [
        Self::InvalidCookie,
        Self::ConfigChanged,
        Self::RegistrationRequired,
        Self::ServerChanged,
        Self::InternalServerError,
        Self::CookieExpired,
        Self::InvalidParameters,
        Self::InvalidAuthorizationCookie,
        Self::RegistrationNotRequired,
        Self::ServerBusy,
        Self::FileLocationChanged,
        Self::IncompatibleProtocolVersion,
        Self::FileDigestsMissing,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidCookie => "InvalidCookie",
            Self::ConfigChanged => "ConfigChanged",
            Self::RegistrationRequired => "RegistrationRequired",
            Self::ServerChanged => "ServerChanged",
            Self::InternalServerError => "InternalServerError",
            Self::CookieExpired => "CookieExpired",
            Self::InvalidParameters => "InvalidParameters",
            Self::InvalidAuthorizationCookie => "InvalidAuthorizationCookie",
            Self::RegistrationNotRequired => "RegistrationNotRequired",
            Self::ServerBusy => "ServerBusy",
            Self::FileLocationChanged => "FileLocationChanged",
            Self::IncompatibleProtocolVersion => "IncompatibleProtocolVersion",
            Self::FileDigestsMissing => "FileDigestsMissing",
        }
    }

    /// The code of that name, which is case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }

    /// Whether the fault is the server's, not the client's.
    pub fn blames_server(self) -> bool {
        matches!(self, Self::InternalServerError | Self::ServerBusy)
    }
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What the client shall do.
    pub code: ErrorCode,
    /// For `InvalidParameters` the parameter's path.
    pub message: Option<String>,
    /// Identifies this fault, here and in the log.
    pub id: Uuid,
    /// The SOAPAction as the client sent it, its quotes included; that is what the real server
    /// puts here.
    pub method: Option<String>,
    /// The service's own address. Only ASMX services write it.
    pub actor: Option<String>,
}

impl Fault {
    /// The HTTP status of a fault, in both versions of SOAP as the real server has it.
    pub const HTTP_STATUS: u16 = 500;

    /// Writes the fault in its envelope, as the real server's stack of that style writes it.
    pub fn write(&self, style: EnvelopeStyle, version: SoapVersion) -> BodyWriter {
        let mut body = BodyWriter::new();
        let prefix = match style {
            EnvelopeStyle::Wcf => "s",
            EnvelopeStyle::Asmx => "soap",
        };
        write_envelope(&mut body, style, version, false, |out| {
            out.element(&format!("{prefix}:Fault"), |out| match version {
                SoapVersion::V11 => self.write_v11(out, style, prefix),
                SoapVersion::V12 => self.write_v12(out, prefix),
            });
        });
        body
    }

    fn write_v11(&self, out: &mut Writer<'_>, style: EnvelopeStyle, prefix: &str) {
        let blamed = if self.code.blames_server() { "Server" } else { "Client" };
        out.text("faultcode", &format!("{prefix}:{blamed}"));
        out.text("faultstring", &self.reason());
        if let (EnvelopeStyle::Asmx, Some(actor)) = (style, &self.actor) {
            out.text("faultactor", actor);
        }
        out.element("detail", |out| self.write_detail(out));
    }

    fn write_v12(&self, out: &mut Writer<'_>, prefix: &str) {
        let blamed = if self.code.blames_server() { "Receiver" } else { "Sender" };
        out.element(&format!("{prefix}:Code"), |out| {
            out.text(&format!("{prefix}:Value"), &format!("{prefix}:{blamed}"));
        });
        out.element(&format!("{prefix}:Reason"), |out| {
            let text = format!("{prefix}:Text");
            out.element_with(&text, &[("xml:lang", "en")], |out| out.content(&self.reason()));
        });
        out.element(&format!("{prefix}:Detail"), |out| self.write_detail(out));
    }

    /// The real server says `Fault occurred` and nothing more. The code is added because older
    /// agents, other stacks and most logs show only this text.
    fn reason(&self) -> String {
        format!("Fault occurred: {}", self.code.name())
    }

    /// Unqualified elements, says the specification. An absent message is written as an empty
    /// element with both its tags, as recorded.
    fn write_detail(&self, out: &mut Writer<'_>) {
        out.text("ErrorCode", self.code.name());
        match self.message.as_deref().filter(|message| !message.is_empty()) {
            Some(message) => out.text("Message", message),
            None => out.markup("<Message></Message>"),
        }
        out.display("ID", self.id);
        if let Some(method) = &self.method {
            out.text("Method", method);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fault: &Fault, style: EnvelopeStyle, version: SoapVersion) -> String {
        let pieces = fault.write(style, version).finish();
        let bytes: Vec<u8> = pieces.iter().flat_map(|it| it.bytes().expect("whole")).collect();
        String::from_utf8(bytes).expect("a fault is UTF-8")
    }

    fn fault(code: ErrorCode) -> Fault {
        Fault {
            code,
            message: Some("a < b & c".to_owned()),
            id: Uuid::from_u128(1),
            method: Some("\"urn:method\"".to_owned()),
            actor: Some("http://localhost/Service.asmx".to_owned()),
        }
    }

    #[test]
    fn soap_1_2_has_its_own_form() {
        assert_eq!(
            written(&fault(ErrorCode::CookieExpired), EnvelopeStyle::Wcf, SoapVersion::V12),
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><s:Fault>\
             <s:Code><s:Value>s:Sender</s:Value></s:Code>\
             <s:Reason><s:Text xml:lang=\"en\">Fault occurred: CookieExpired</s:Text></s:Reason>\
             <s:Detail><ErrorCode>CookieExpired</ErrorCode><Message>a &lt; b &amp; c</Message>\
             <ID>00000000-0000-0000-0000-000000000001</ID><Method>\"urn:method\"</Method></s:Detail>\
             </s:Fault></s:Body></s:Envelope>"
        );
        let busy = written(&fault(ErrorCode::ServerBusy), EnvelopeStyle::Asmx, SoapVersion::V12);
        assert!(busy.contains("<soap:Value>soap:Receiver</soap:Value>"), "{busy}");
    }

    #[test]
    fn only_the_servers_own_failures_blame_the_server() {
        for code in ErrorCode::ALL {
            let fault = written(&fault(code), EnvelopeStyle::Wcf, SoapVersion::V11);
            let server = matches!(code, ErrorCode::InternalServerError | ErrorCode::ServerBusy);
            assert_eq!(fault.contains("<faultcode>s:Server</faultcode>"), server, "{fault}");
            assert_eq!(fault.contains("<faultcode>s:Client</faultcode>"), !server, "{fault}");
            assert!(!fault.contains("faultactor"), "{fault}");
        }
    }

    #[test]
    fn without_message_and_method_the_one_is_empty_and_the_other_absent() {
        let bare = Fault { message: None, method: None, ..fault(ErrorCode::InvalidCookie) };
        let text = written(&bare, EnvelopeStyle::Wcf, SoapVersion::V11);
        let detail = "<detail><ErrorCode>InvalidCookie</ErrorCode><Message></Message>\
                      <ID>00000000-0000-0000-0000-000000000001</ID></detail>";
        assert!(text.contains(detail), "{text}");
    }
}

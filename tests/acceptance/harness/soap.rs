//! Calls and faults of the three services an agent talks to.

use roxmltree::Document;

use super::http::{Answer, Connection};
use super::xml;

/// A web service, as an agent knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub(crate) path: &'static str,
    namespace: &'static str,
}

pub(crate) const CLIENT: Service = Service {
    path: "/ClientWebService/client.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService",
};
pub(crate) const SIMPLE_AUTH: Service = Service {
    path: "/SimpleAuthWebService/SimpleAuth.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution/Server/SimpleAuthWebService",
};
pub(crate) const REPORTING: Service = Service {
    path: "/ReportingWebService/ReportingWebService.asmx",
    namespace: "http://www.microsoft.com/SoftwareDistribution",
};

/// A fault in the protocol's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) method: String,
}

impl Service {
    /// The request of `operation` with these children.
    pub(crate) fn envelope(&self, operation: &str, children: &str) -> String {
        format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <{operation} xmlns=\"{}\">{children}</{operation}></s:Body></s:Envelope>",
            self.namespace
        )
    }

    /// The headers an agent sends with `operation`.
    pub(crate) fn action(&self, operation: &str) -> String {
        format!("\"{}/{operation}\"", self.namespace)
    }
}

/// Calls `operation`: the response's envelope, or the fault.
pub(crate) fn call(
    connection: &mut Connection,
    service: Service,
    operation: &str,
    children: &str,
) -> Result<String, Fault> {
    call_if_there(connection, service, operation, children).expect("an answer")
}

/// The same with a server that may go away: none when it did.
pub(crate) fn call_if_there(
    connection: &mut Connection,
    service: Service,
    operation: &str,
    children: &str,
) -> Option<Result<String, Fault>> {
    let headers = [
        ("Content-Type", "text/xml; charset=utf-8"),
        ("Accept-Encoding", "xpress"),
        ("User-Agent", "Windows-Update-Agent/1507.2601.30012.0 Client-Protocol/2.90"),
        ("SOAPAction", &service.action(operation)),
    ];
    let body = service.envelope(operation, children);
    connection.send("POST", service.path, &headers, body.as_bytes());
    let answer = connection.receive()?;
    let method = service.action(operation);
    Some(outcome(&answer).inspect_err(|fault| assert_eq!(fault.method, method)))
}

/// The envelope of a good answer, or the fault of another.
pub(crate) fn outcome(answer: &Answer) -> Result<String, Fault> {
    let text = answer.text();
    if answer.status == 200 {
        return Ok(text);
    }
    assert_eq!(answer.status, 500, "{text}");
    let document = Document::parse(&text).expect("XML");
    let detail = document
        .descendants()
        .find(|node| matches!(node.tag_name().name(), "detail" | "Detail"))
        .unwrap_or_else(|| panic!("a fault without detail: {text}"));
    let id = xml::text(detail, "ID");
    assert!(uuid::Uuid::parse_str(&id).is_ok_and(|id| !id.is_nil()), "{text}");
    Err(Fault {
        code: xml::text(detail, "ErrorCode"),
        message: xml::text(detail, "Message"),
        method: xml::text(detail, "Method"),
    })
}

//! Heads of requests: header order and spelling as recorded.

use crate::conformance::head::{Headers, RequestHead};
use crate::wire::operation::{Operation, Service};

/// Which agent asks: what `User-Agent` and the protocol's version follow from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// The agent's version, for example `1507.2601.30012.0`.
    pub version: String,
    /// `MS-CV` up to its last number; none for agents that send none.
    pub correlation: Option<String>,
}

/// The head of a call of `operation`; `sequence` counts the session's calls.
pub fn soap(agency: &Agency, operation: Operation, sequence: u32) -> RequestHead {
    let service = operation.service();
    let target = match service {
        // As agents spell it.
        Service::Client => "/ClientWebService/client.asmx",
        other => other.path(),
    };
    let mut headers = Headers::default();
    let mut set = |name: &str, value: String| headers.set(name, value);
    set("Cache-Control", "no-cache".to_owned());
    set("Connection", "Keep-Alive".to_owned());
    set("Pragma", "no-cache".to_owned());
    set("Content-Type", "text/xml; charset=utf-8".to_owned());
    set("Accept-Encoding", "xpress".to_owned());
    let client = format!(
        "Windows-Update-Agent/{} Client-Protocol/{}",
        agency.version,
        super::PROTOCOL_VERSION
    );
    set("User-Agent", client);
    set("SOAPAction", format!("\"{}/{}\"", operation.namespace(), operation.name()));
    if let (Service::Client, Some(correlation)) = (service, &agency.correlation) {
        set("MS-CV", format!("{correlation}.1.0.0.2.{sequence}"));
    }
    set("Content-Length", String::new());
    set("Host", String::new());
    RequestHead { method: "POST".to_owned(), target: target.to_owned(), headers }
}

/// The head of a request for bytes `first` to `last` of the file at `target`, as Delivery
/// Optimization asks.
pub fn content(agency: &Agency, target: &str, first: u64, last: u64, sequence: u32) -> RequestHead {
    let mut headers = Headers::default();
    let mut set = |name: &str, value: String| headers.set(name, value);
    set("Connection", "Keep-Alive".to_owned());
    set("Accept", "*/*".to_owned());
    set("Range", format!("bytes={first}-{last}"));
    set("User-Agent", "Microsoft-Delivery-Optimization/10.1".to_owned());
    if let Some(correlation) = &agency.correlation {
        set("MS-CV", format!("{correlation}.2.0.0.2.1.1.3.1.1.{sequence}"));
    }
    set("Content-Length", "0".to_owned());
    set("Host", String::new());
    RequestHead { method: "GET".to_owned(), target: target.to_owned(), headers }
}

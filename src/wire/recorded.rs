//! Every recorded request, of whatever service, is read.

use std::path::{Path, PathBuf};

use crate::corpus;
use crate::wire::operation::Service;
use crate::wire::request::Request;
use crate::wire::soap::{SoapVersion, decode, identify, open};

/// Head and body of a recorded request.
pub(crate) struct Recorded {
    pub(crate) name: String,
    head: String,
    pub(crate) body: String,
}

impl Recorded {
    /// Reads `…/request.headers` with `…/request.body`, or a file with both.
    pub(crate) fn load(path: &Path) -> Self {
        let name = path.display().to_string();
        if path.is_dir() {
            let (head, body) = (path.join("request.headers"), path.join("request.body"));
            return Self { name, head: read(&head), body: read(&body) };
        }
        let whole = read(path);
        let (head, body) = whole.split_once("\r\n\r\n").expect("a head and a body");
        Self { name, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn service(&self) -> Option<Service> {
        Service::from_path(self.head.split(' ').nth(1).expect("a path"))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The recorded requests in these folders; none without recordings.
pub(crate) fn all(folders: &[&str]) -> Vec<Recorded> {
    let Some(corpus) = corpus::path() else { return Vec::new() };
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let entries = corpus.join(folder).read_dir().unwrap_or_else(|e| panic!("{folder}: {e}"));
        paths.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    paths.sort();
    paths.iter().map(|path| Recorded::load(path)).collect()
}

#[test]
fn every_recorded_request_is_read() {
    let recorded = all(&[
        "agent-scan",
        "agent-flow",
        "agent-requests",
        "client-basic",
        "server-sync",
        "other-stacks/asmx",
        "other-stacks/zeep",
    ]);
    for request in &recorded {
        let service = request.service().unwrap_or_else(|| panic!("{}: no service", request.name));
        let content_type = request.header("Content-Type");
        let named = identify(service, request.header("SOAPAction"), content_type)
            .unwrap_or_else(|error| panic!("{}: {error}", request.name));
        let body = decode(request.body.as_bytes(), content_type).expect("text");
        let envelope =
            open(&body, service, named).unwrap_or_else(|error| panic!("{}: {error}", request.name));
        assert_eq!(envelope.version, SoapVersion::of_content_type(content_type));
        assert_eq!(Some(envelope.operation), named, "{}", request.name);
        let read = Request::read(envelope);
        assert!(read.is_ok(), "{}: {read:?}", request.name);
    }
    let count = recorded.len();
    assert!(count == 0 || count == 109, "{count} requests");
}

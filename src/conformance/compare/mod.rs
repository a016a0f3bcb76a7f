//! Judging one answer by the recorded one.
//!
//! `equal` is the same bytes. `equivalent` is a different answer from which a client learns the
//! same: every difference is a [`Freedom`], something that two correct servers choose differently.
//! Anything else is `different`, and the first [`Difference`] says where and why. Headers are
//! judged only where an agent acts on them; `Server`, `Date`, `ETag`, `Cache-Control` and their
//! like are every server's own.

mod lists;
mod message;
mod ruling;

use std::collections::BTreeSet;

use serde::Serialize;

use super::carry::Carry;
use super::dialogue::RecordedResponse;
use super::head::ResponseHead;
use super::tree::Tree;

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The same bytes.
    Equal,
    /// Differs only in what a server may choose.
    Equivalent,
    /// Differs in what a client would notice.
    Different,
    /// Accepted, but the recording holds no answer to compare with.
    Unjudged,
}

/// Something that a server may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freedom {
    /// What a cookie holds; it is opaque to everyone else.
    Cookie,
    /// When a cookie expires.
    Expiration,
    /// When the configuration last changed.
    LastChange,
    /// When a deployment was made.
    LastChangeTime,
    /// The server's own number of a revision.
    RevisionId,
    /// The server's own number of a deployment.
    DeploymentId,
    /// Scheme, host and port of content URLs, and of who speaks in a fault.
    Host,
    /// What separates the parts of a multipart answer, and with it the answer's length.
    Boundary,
    /// The share for locally published packages, and whether there is one.
    PackageServerShare,
    /// The number of a fault in the server's log.
    FaultId,
    /// The prose of a fault.
    FaultWording,
    /// What an anchor between servers says; it is opaque to who keeps it, but for its form.
    Anchor,
    /// How well a document is packed.
    Packing,
    /// The order of lists that have none.
    Order,
    /// Prefixes, declarations, white space between elements, `<x/>` or `<x></x>`. Named only when
    /// nothing else explains why the bytes differ.
    Spelling,
}

/// The first difference that no freedom covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where in the answer, for example
    /// `/Envelope/Body/SyncUpdatesResponse/SyncUpdatesResult/Truncated`.
    pub path: String,
    /// What the recording has there; none when it has nothing.
    pub recorded: Option<String>,
    /// What the server under test sent there; none when it sent nothing.
    pub got: Option<String>,
    /// The rule that this breaks.
    pub why: String,
}

impl Difference {
    /// Values are cut to what fits a terminal line or two.
    pub(super) fn new(
        path: impl Into<String>,
        recorded: Option<&str>,
        got: Option<&str>,
        why: impl Into<String>,
    ) -> Self {
        let cut = |text: &str| match text.char_indices().nth(160) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_owned(),
        };
        Self { path: path.into(), recorded: recorded.map(cut), got: got.map(cut), why: why.into() }
    }
}

/// A verdict with its grounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The verdict.
    pub verdict: Verdict,
    /// The freedoms that were used.
    pub freedoms: BTreeSet<Freedom>,
    /// For [`Verdict::Different`], the first difference.
    pub difference: Option<Difference>,
}

impl From<Difference> for Comparison {
    fn from(difference: Difference) -> Self {
        Self {
            verdict: Verdict::Different,
            freedoms: BTreeSet::new(),
            difference: Some(difference),
        }
    }
}

/// An answer of the server under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its head, as it travelled.
    pub head: ResponseHead,
    /// The decoded body; empty when the recording kept none.
    pub body: Vec<u8>,
    /// Bytes of the body on the wire.
    pub wire_length: u64,
}

/// Compares an answer with the recorded one. `carry` learns from both on the way.
pub fn compare(recorded: &RecordedResponse, got: &Answer, carry: &mut Carry) -> Comparison {
    let mut freedoms = BTreeSet::new();
    match judge(recorded, got, carry, &mut freedoms) {
        Ok(()) => {
            let verdict = if freedoms.is_empty() { Verdict::Equal } else { Verdict::Equivalent };
            Comparison { verdict, freedoms, difference: None }
        }
        Err(difference) => Comparison { freedoms, ..Comparison::from(difference) },
    }
}

fn judge(
    recorded: &RecordedResponse,
    got: &Answer,
    carry: &mut Carry,
    freedoms: &mut BTreeSet<Freedom>,
) -> Result<(), Difference> {
    // Whatever the verdict, later requests need what this answer teaches.
    let trees = match recorded.body.as_deref() {
        Some(body) if is_xml(&recorded.head) && !body.is_empty() => {
            let theirs = read(body);
            let ours = read(&got.body);
            if let (Ok(theirs), Ok(ours)) = (&theirs, &ours) {
                carry.learn(theirs, ours);
            }
            Some((theirs, ours))
        }
        _ => None,
    };
    status_and_headers(recorded, got, freedoms)?;
    let Some(body) = &recorded.body else { return Ok(()) };
    match trees {
        None if *body == got.body => Ok(()),
        None => Err(Difference::new("body", None, None, unequal_bytes(body, &got.body))),
        Some((Err(_), _)) if *body == got.body => Ok(()),
        Some((Err(why), _)) => {
            Err(Difference::new("body", None, None, format!("the recording is not XML: {why}")))
        }
        Some((_, Err(why))) => Err(Difference::new("body", None, None, why)),
        Some((Ok(theirs), Ok(ours))) => {
            message::compare(&theirs, &ours, carry, freedoms)?;
            if freedoms.is_empty() && *body != got.body {
                freedoms.insert(Freedom::Spelling);
            }
            Ok(())
        }
    }
}

/// The headers an agent acts on: all SOAP stacks check the type of a message, and downloads hang
/// on ranges and lengths. The length of a message follows from its body.
fn status_and_headers(
    recorded: &RecordedResponse,
    got: &Answer,
    freedoms: &mut BTreeSet<Freedom>,
) -> Result<(), Difference> {
    let (theirs, ours) = (recorded.head.status.to_string(), got.head.status.to_string());
    if theirs != ours {
        return Err(Difference::new("status", Some(&theirs), Some(&ours), "another status"));
    }
    let checked: &[&str] = match (boundary(&recorded.head), boundary(&got.head)) {
        (Some(theirs), Some(ours)) => {
            if theirs != ours {
                freedoms.insert(Freedom::Boundary);
            }
            &["Accept-Ranges"]
        }
        _ if is_xml(&recorded.head) => &["Content-Type"],
        _ => &["Content-Type", "Content-Range", "Content-Length", "Accept-Ranges"],
    };
    for name in checked {
        let (theirs, ours) = (recorded.head.headers.value(name), got.head.headers.value(name));
        let canonical = |value: &str| value.to_ascii_lowercase().replace([' ', '"'], "");
        if theirs.map(canonical) != ours.map(canonical) {
            return Err(Difference::new(*name, theirs, ours, "another header value"));
        }
    }
    Ok(())
}

/// What separates the ranges of an answer that has several.
fn boundary(head: &ResponseHead) -> Option<&str> {
    let (media_type, boundary) = head.headers.value("Content-Type")?.split_once("boundary=")?;
    let is_multipart = media_type.to_ascii_lowercase().starts_with("multipart/byteranges");
    is_multipart.then_some(boundary)
}

fn is_xml(head: &ResponseHead) -> bool {
    head.headers
        .value("Content-Type")
        .is_some_and(|value| value.to_ascii_lowercase().contains("xml"))
}

/// Reads a body as XML, or says why it is none.
pub(in crate::conformance) fn read(body: &[u8]) -> Result<Tree, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    Tree::parse(text).map_err(|error| error.to_string())
}

fn unequal_bytes(recorded: &[u8], got: &[u8]) -> String {
    match recorded.iter().zip(got).position(|(theirs, ours)| theirs != ours) {
        Some(at) => format!("the bytes differ from offset {at}"),
        None => format!("{} bytes instead of {}", got.len(), recorded.len()),
    }
}

#[cfg(test)]
mod tests;

//! A recorded dialogue on disk: one folder an exchange, in the order of their names.
//!
//! ```text
//! 000001/request.headers   the head, CRLF or LF line ends
//! 000001/request.body      the decoded body; absent means empty
//! 000001/response.headers  absent in a recording of requests only
//! 000001/response.body     absent when the body was not kept
//! 000001/meta.json         what the wire looked like; for people, never read back
//! ```
//!
//! Exchanges are read one at a time: a scan of a large catalogue is a thousand pages of up to
//! 50 MB. They are written under a temporary name and renamed, so a folder is always complete.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::head::{HeadError, RequestHead, ResponseHead};

/// Most bytes of a head that is read.
pub const HEAD_LIMIT: u64 = 64 * 1024;

/// Most bytes of a body that is read or kept unless told otherwise: the largest page that a real
/// server was seen to send is 51 MB.
pub const BODY_LIMIT: u64 = 64 * 1024 * 1024;

/// Why a dialogue could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DialogueError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The folder holds no exchange.
    #[error("{0}: no exchange in it (a folder with a request.headers file)")]
    Empty(PathBuf),
    /// A head is not one.
    #[error("{path}: {source}")]
    Head {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: HeadError,
    },
    /// A head is not text.
    #[error("{0}: not UTF-8")]
    NotText(PathBuf),
    /// A file is larger than the limit.
    #[error("{path}: more than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
}

/// A recorded answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedResponse {
    /// Its head; `Content-Length` is that of the decoded body.
    pub head: ResponseHead,
    /// The decoded body, unless it was not kept.
    pub body: Option<Vec<u8>>,
}

/// One request and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The folder's name.
    pub name: String,
    /// Head of the request.
    pub request: RequestHead,
    /// Body of the request.
    pub request_body: Vec<u8>,
    /// The answer, unless only requests were recorded.
    pub response: Option<RecordedResponse>,
}

/// What `meta.json` says about an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meta {
    /// Request method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The SOAPAction header as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soap_action: Option<String>,
    /// Status code of the answer.
    pub status: u16,
    /// Bytes of the request body on the wire.
    pub wire_request_content_length: u64,
    /// Content encoding of the answer on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire_response_content_encoding: Option<String>,
    /// Bytes of the response body on the wire.
    pub wire_response_content_length: u64,
    /// Whether cookies were blanked and hosts replaced.
    pub sanitized: bool,
}

/// A dialogue opened for reading.
#[derive(Debug)]
pub struct Dialogue {
    directory: PathBuf,
    names: Vec<String>,
    body_limit: u64,
}

impl Dialogue {
    /// Lists the exchanges in `directory`. Folders without a `request.headers` are passed over.
    pub fn open(directory: &Path, body_limit: u64) -> Result<Self, DialogueError> {
        let io = |source| DialogueError::Io { path: directory.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(directory).map_err(io)? {
            let entry = entry.map_err(io)?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !hidden && entry.path().join("request.headers").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        if names.is_empty() {
            return Err(DialogueError::Empty(directory.to_owned()));
        }
        names.sort_unstable();
        Ok(Self { directory: directory.to_owned(), names, body_limit })
    }

    /// Names of the exchanges in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads one exchange.
    pub fn read(&self, name: &str) -> Result<Exchange, DialogueError> {
        let folder = self.directory.join(name);
        let path = folder.join("request.headers");
        let request = RequestHead::parse(&read_head(&path)?)
            .map_err(|source| DialogueError::Head { path, source })?;
        let request_body = read_body(&folder.join("request.body"), self.body_limit)?;
        let path = folder.join("response.headers");
        let response = if path.is_file() {
            let head = ResponseHead::parse(&read_head(&path)?)
                .map_err(|source| DialogueError::Head { path, source })?;
            let body = read_body(&folder.join("response.body"), self.body_limit)?;
            Some(RecordedResponse { head, body })
        } else {
            None
        };
        let request_body = request_body.unwrap_or_default();
        Ok(Exchange { name: name.to_owned(), request, request_body, response })
    }
}

/// Writes one exchange into the folder `exchange.name` of `directory`, which must not exist yet.
pub fn write_exchange(
    directory: &Path,
    exchange: &Exchange,
    meta: &Meta,
) -> Result<(), DialogueError> {
    let unfinished = directory.join(format!(".{}.unfinished", exchange.name));
    make_folder(&unfinished)?;
    write(&unfinished.join("request.headers"), exchange.request.to_text().as_bytes())?;
    write(&unfinished.join("request.body"), &exchange.request_body)?;
    if let Some(response) = &exchange.response {
        write(&unfinished.join("response.headers"), response.head.to_text().as_bytes())?;
        if let Some(body) = &response.body {
            write(&unfinished.join("response.body"), body)?;
        }
    }
    let path = unfinished.join("meta.json");
    let mut text = serde_json::to_vec_pretty(meta)
        .map_err(|error| DialogueError::Io { path: path.clone(), source: error.into() })?;
    text.push(b'\n');
    write(&path, &text)?;
    let finished = directory.join(&exchange.name);
    fs::rename(&unfinished, &finished)
        .map_err(|source| DialogueError::Io { path: finished, source })
}

/// The number after the highest that names a folder in `directory`; 1 for an empty one.
pub fn next_number(directory: &Path) -> Result<u64, DialogueError> {
    let io = |source| DialogueError::Io { path: directory.to_owned(), source };
    let mut highest = 0;
    for entry in fs::read_dir(directory).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        if let Some(number) = name.to_str().and_then(|name| name.parse::<u64>().ok()) {
            highest = highest.max(number);
        }
    }
    Ok(highest.saturating_add(1))
}

/// Left-overs of a recorder that was killed are replaced.
fn make_folder(path: &Path) -> Result<(), DialogueError> {
    let io = |source| DialogueError::Io { path: path.to_owned(), source };
    if path.exists() {
        fs::remove_dir_all(path).map_err(io)?;
    }
    fs::create_dir(path).map_err(io)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), DialogueError> {
    fs::write(path, bytes).map_err(|source| DialogueError::Io { path: path.to_owned(), source })
}

fn read_head(path: &Path) -> Result<String, DialogueError> {
    let bytes = read_body(path, HEAD_LIMIT)?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|_| DialogueError::NotText(path.to_owned()))
}

/// None when there is no such file.
fn read_body(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DialogueError> {
    let io = |source| DialogueError::Io { path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if read as u64 > limit {
        return Err(DialogueError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::head::Headers;
    use super::*;

    fn exchange(name: &str) -> (Exchange, Meta) {
        let request = RequestHead::parse("POST /a HTTP/1.1\nHost: h\n\n").unwrap();
        let head =
            ResponseHead { status: 200, reason: "OK".to_owned(), headers: Headers::default() };
        let response = RecordedResponse { head, body: Some(vec![0, 255]) };
        let meta = Meta {
            method: "POST".to_owned(),
            path: "/a".to_owned(),
            soap_action: None,
            status: 200,
            wire_request_content_length: 1,
            wire_response_content_encoding: None,
            wire_response_content_length: 2,
            sanitized: false,
        };
        let (name, request_body) = (name.to_owned(), vec![1]);
        (Exchange { name, request, request_body, response: Some(response) }, meta)
    }

    #[test]
    fn what_is_written_reads_back_in_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        // Left behind by a recorder that was killed.
        fs::create_dir(folder.path().join(".000002.unfinished")).unwrap();
        fs::write(folder.path().join(".000002.unfinished/request.headers"), "GET").unwrap();
        let (second, meta) = exchange("000002");
        write_exchange(folder.path(), &second, &meta).unwrap();
        let (mut first, meta) = exchange("000001");
        first.response = None;
        write_exchange(folder.path(), &first, &meta).unwrap();
        let dialogue = Dialogue::open(folder.path(), BODY_LIMIT).unwrap();
        assert_eq!(dialogue.names(), ["000001", "000002"]);
        assert_eq!(dialogue.read("000001").unwrap(), first);
        assert_eq!(dialogue.read("000002").unwrap(), second);
        assert_eq!(next_number(folder.path()).unwrap(), 3);
        assert!(write_exchange(folder.path(), &second, &meta).is_err(), "nothing is overwritten");
    }

    #[test]
    fn files_over_the_limits_and_bad_heads_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (exchange, meta) = exchange("1");
        write_exchange(folder.path(), &exchange, &meta).unwrap();
        let read = |limit| Dialogue::open(folder.path(), limit).unwrap().read("1");
        assert!(read(2).is_ok());
        assert!(matches!(read(1), Err(DialogueError::TooLarge { limit: 1, .. })));
        let head = folder.path().join("1/request.headers");
        fs::write(&head, "nonsense").unwrap();
        assert!(matches!(read(2), Err(DialogueError::Head { .. })));
        fs::write(&head, [0xff]).unwrap();
        assert!(matches!(read(2), Err(DialogueError::NotText(_))));
        fs::write(&head, vec![b'x'; 70_000]).unwrap();
        assert!(matches!(read(2), Err(DialogueError::TooLarge { limit: HEAD_LIMIT, .. })));
    }
}

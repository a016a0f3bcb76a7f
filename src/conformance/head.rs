//! The head of a message as text: request or status line, then header lines.
//!
//! A recording keeps heads exactly as people read them on the wire, so that it can be made and
//! changed with a text editor. Header order and repetition are kept; names match in any case.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

/// Why a head could not be read. The fault of whoever wrote the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The first line is not a request or status line.
    #[error("'{0}' is not a {1}")]
    FirstLine(String, &'static str),
    /// A line without a colon, or with a name or value that HTTP does not allow.
    #[error("'{0}' is not a header")]
    Header(String),
    /// Something follows the empty line; bodies have a file of their own.
    #[error("text follows the end of the head")]
    Trailing,
}

/// Header lines in the order in which they travelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The value of the first header called `name`, in any letter case.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All headers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Replaces the value of `name` where it stands, or appends the header.
    pub fn set(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes every header called `name` out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    /// The headers of a live message. Bytes that are not UTF-8 become U+FFFD.
    pub fn from_map(map: &HeaderMap) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self(map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect())
    }

    /// The headers for a live message.
    pub fn to_map(&self) -> Result<HeaderMap, HeadError> {
        let mut map = HeaderMap::new();
        for (name, value) in self.iter() {
            let refused = || HeadError::Header(cut(&format!("{name}: {value}")));
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
            map.append(parsed, HeaderValue::from_str(value).map_err(|_| refused())?);
        }
        Ok(map)
    }

    fn parse<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<Self, HeadError> {
        let mut headers = Vec::new();
        for line in lines.by_ref() {
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| HeadError::Header(cut(line)))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        if lines.any(|line| !line.is_empty()) {
            return Err(HeadError::Trailing);
        }
        let headers = Self(headers);
        headers.to_map()?;
        Ok(headers)
    }

    fn write(&self, out: &mut String) {
        for (name, value) in self.iter() {
            out.push_str(name);
            out.push_str(": ");
            out.push_str(value);
            out.push_str("\r\n");
        }
        out.push_str("\r\n");
    }
}

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// For example `POST`.
    pub method: String,
    /// Path and query, as on the request line.
    pub target: String,
    /// The header lines.
    pub headers: Headers,
}

impl RequestHead {
    /// Reads a head with CRLF or LF line ends.
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let mut lines = text.lines();
        let line = lines.next().unwrap_or_default();
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(method), Some(target), Some(version), None)
                if !method.is_empty() && !target.is_empty() && version.starts_with("HTTP/1.") =>
            {
                let headers = Headers::parse(lines)?;
                Ok(Self { method: method.to_owned(), target: target.to_owned(), headers })
            }
            _ => Err(HeadError::FirstLine(cut(line), "request line")),
        }
    }

    /// The head as text with CRLF line ends, the empty line included.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        self.headers.write(&mut text);
        text
    }

    /// The operation that the SOAPAction names, or method and path where there is none.
    pub fn operation(&self) -> String {
        let action = self.headers.value("SOAPAction").map_or("", |value| value.trim_matches('"'));
        match action.rsplit('/').next() {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => format!("{} {}", self.method, self.target),
        }
    }
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The reason phrase; carries no meaning.
    pub reason: String,
    /// The header lines.
    pub headers: Headers,
}

impl ResponseHead {
    /// Reads a head with CRLF or LF line ends.
    pub fn parse(text: &str) -> Result<Self, HeadError> {
        let mut lines = text.lines();
        let line = lines.next().unwrap_or_default();
        let refused = || HeadError::FirstLine(cut(line), "status line");
        let (version, rest) = line.split_once(' ').ok_or_else(refused)?;
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = status.parse().ok().filter(|code| (100..1000).contains(code));
        match status {
            Some(status) if version.starts_with("HTTP/1.") => {
                let headers = Headers::parse(lines)?;
                Ok(Self { status, reason: reason.to_owned(), headers })
            }
            _ => Err(refused()),
        }
    }

    /// The head as text with CRLF line ends, the empty line included.
    pub fn to_text(&self) -> String {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason);
        self.headers.write(&mut text);
        text
    }
}

/// A line in an error message stays readable.
fn cut(line: &str) -> String {
    line.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_alike_with_either_line_end_and_writes_back() {
        let crlf = "POST /a.asmx HTTP/1.1\r\nSOAPAction: \"urn:x/GetConfig\"\r\nHost: h:1\r\n\r\n";
        let head = RequestHead::parse(crlf).unwrap();
        assert_eq!(head, RequestHead::parse(&crlf.replace("\r\n", "\n")).unwrap());
        assert_eq!(head.headers.value("soapaction"), Some("\"urn:x/GetConfig\""));
        assert_eq!(head.operation(), "GetConfig");
        assert_eq!(head.to_text(), crlf);
    }

    #[test]
    fn a_status_line_may_lack_its_reason() {
        let head = ResponseHead::parse("HTTP/1.1 206\nContent-Length: 1\n\n").unwrap();
        assert_eq!((head.status, head.reason.as_str()), (206, ""));
    }

    #[test]
    fn what_is_not_a_head_is_refused() {
        for text in ["", "POST /", "POST / HTTP/2", "GET  HTTP/1.1", "GET / HTTP/1.1 x"] {
            assert!(matches!(RequestHead::parse(text), Err(HeadError::FirstLine(..))), "{text}");
        }
        for text in ["HTTP/1.1", "HTTP/1.1 abc", "HTTP/1.1 99 x", "SIP/2.0 200 OK"] {
            assert!(matches!(ResponseHead::parse(text), Err(HeadError::FirstLine(..))), "{text}");
        }
        for line in ["no colon", "sp ace: x", ": x", " folded: x"] {
            let text = format!("GET / HTTP/1.1\r\n{line}\r\n\r\n");
            assert!(matches!(RequestHead::parse(&text), Err(HeadError::Header(_))), "{line}");
        }
        let trailing = "GET / HTTP/1.1\r\n\r\nbody";
        assert_eq!(RequestHead::parse(trailing), Err(HeadError::Trailing));
    }
}

//! HTTP/1.1 with keep-alive over a socket, with and without TLS: just what an agent uses of it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest decoded answer.
const DECODED: usize = 64 << 20;

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// One side of a connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    /// Bytes of the next answer.
    rest: Vec<u8>,
    /// Whether the connection ended within an answer.
    pub(crate) was_cut: bool,
    /// What URLs on this server start with.
    pub(crate) base: String,
}

/// An answer, its content encoding undone.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Over plain HTTP.
    pub(crate) fn plain(address: &str) -> Self {
        Self::over(connect(address), format!("http://{address}"))
    }

    /// Over TLS, trusting nothing but `root`.
    pub(crate) fn tls(address: &str, root: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(root).expect("a certificate")).expect("a root");
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        Self::over(StreamOwned::new(client, connect(address)), format!("https://{address}"))
    }

    fn over(stream: impl Stream + 'static, base: String) -> Self {
        Self { stream: Box::new(stream), rest: Vec::new(), was_cut: false, base }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.send(method, path, headers, body);
        self.receive().expect("an answer")
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let head = self.head(method, path, headers, body.len());
        self.write(&[head.as_bytes(), body].concat());
    }

    /// The head of a request.
    pub(crate) fn head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) -> String {
        let host = self.base.split("//").nth(1).expect("a host");
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").expect("text");
        }
        write!(head, "Content-Length: {length}\r\n\r\n").expect("text");
        head
    }

    /// Writes bytes as they are. That the other side is gone shows at the answer.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// The next answer; none when the connection ends before or within it.
    pub(crate) fn receive(&mut self) -> Option<Answer> {
        let end = loop {
            match self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if self.read_more() => {}
                None => {
                    self.was_cut = !self.rest.is_empty();
                    return None;
                }
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).expect("a head in ASCII");
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        if status == 100 {
            return self.receive();
        }
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").expect("a length").parse().expect("a number");
        while self.rest.len() < length {
            if !self.read_more() {
                self.was_cut = true;
                return None;
            }
        }
        answer.body = self.rest.drain(..length).collect();
        match answer.header("content-encoding") {
            None => {}
            Some("xpress") => {
                answer.body = weir::wire::xpress::decode(&answer.body, DECODED).expect("xpress");
            }
            Some("gzip") => {
                let mut decoded = Vec::new();
                GzDecoder::new(&answer.body[..]).read_to_end(&mut decoded).expect("gzip");
                answer.body = decoded;
            }
            Some(other) => panic!("an encoding that was not asked for: {other}"),
        }
        Some(answer)
    }

    /// Reads what there is; false at the end of the connection.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 64 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(read) => {
                self.rest.extend_from_slice(&buffer[..read]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the server hangs")
            }
            // A reset is an end like any other.
            Err(_) => false,
        }
    }
}

impl Answer {
    /// The value of a header that appears at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} twice");
        value
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.set_write_timeout(Some(PATIENCE)).expect("set");
    stream.set_nodelay(true).expect("set");
    stream
}

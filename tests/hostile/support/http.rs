//! HTTP by hand: hostile requests are exactly those that no library would send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest that any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection to the server.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes of the next response.
    rest: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("time-out set");
        stream.set_write_timeout(Some(PATIENCE)).expect("time-out set");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, rest: Vec::new() }
    }

    /// Sends bytes. A server that refuses early may have closed its side; the response tells.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn ask(&mut self, request: &[u8]) -> Reply {
        self.send(request);
        self.receive(request.starts_with(b"HEAD ")).expect("a response")
    }

    /// The next response, or none when the connection ends before it.
    pub(crate) fn receive(&mut self, head_only: bool) -> Option<Reply> {
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.read_more() == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.rest.drain(..end).collect()).expect("a textual head");
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut reply = Reply { status, headers, body: Vec::new() };
        if !head_only && status != 100 {
            let length = reply.header("content-length").expect("a length");
            let length: usize = length.parse().expect("a number");
            while self.rest.len() < length {
                assert_ne!(self.read_more(), 0, "the body was cut: {head}");
            }
            reply.body = self.rest.drain(..length).collect();
        }
        Some(reply)
    }

    /// Waits until the server closes the connection.
    pub(crate) fn closed(&mut self) {
        let read = self.read_more();
        assert_eq!(read, 0, "{}", String::from_utf8_lossy(&self.rest));
    }

    fn read_more(&mut self) -> usize {
        let mut chunk = [0; 64 * 1024];
        let read = match self.stream.read(&mut chunk) {
            Ok(read) => read,
            // A reset is an end like any other; a time-out is a hang.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("the server hangs: {error}"),
        };
        self.rest.extend_from_slice(&chunk[..read]);
        read
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A POST with its length. `headers` are whole lines.
pub(crate) fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: wsus.test:8530\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

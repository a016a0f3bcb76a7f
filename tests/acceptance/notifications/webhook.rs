//! A program that takes what a webhook sends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::Value;

/// Longest that a message may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver on a socket of its own.
pub(super) struct Webhook {
    pub(super) url: String,
    posted: mpsc::Receiver<Posted>,
}

/// What was posted.
#[derive(Debug)]
pub(super) struct Posted {
    head: String,
    pub(super) body: String,
}

impl Webhook {
    /// One that answers with these, and from then on with the last of them.
    pub(super) fn start(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}/hook?x=1", listener.local_addr().expect("an address"));
        let (sender, posted) = mpsc::channel();
        thread::spawn(move || {
            let last = answers.last().expect("an answer");
            let answers = answers.iter().chain(std::iter::repeat(last));
            for (stream, answer) in listener.incoming().zip(answers) {
                let mut stream = stream.expect("a connection");
                let taken = Posted::read(&stream);
                let head = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n");
                write!(stream, "{head}Connection: close\r\n\r\n").expect("answered");
                if sender.send(taken).is_err() {
                    return;
                }
            }
        });
        Self { url, posted }
    }

    pub(super) fn next(&self) -> Posted {
        self.posted.recv_timeout(PATIENCE).expect("a message")
    }

    pub(super) fn comes_nothing_for(&self, time: Duration) -> bool {
        self.posted.recv_timeout(time).is_err()
    }
}

impl Posted {
    fn read(stream: impl Read) -> Self {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).expect("a line") > 0, "it ends: {head}");
        }
        let mut posted = Self { head, body: String::new() };
        assert!(posted.head.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{posted:?}");
        assert_eq!(posted.header("Content-Type"), "application/json");
        let length = posted.header("Content-Length").parse().expect("a length");
        let read = reader.take(length).read_to_string(&mut posted.body);
        assert_eq!(read.expect("UTF-8") as u64, length);
        posted
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("no {name}: {self:?}")).1
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The signature is computed here once more, as a receiver would.
    pub(super) fn is_signed_with(&self, secret: &str) {
        let (at, id) = (self.header("X-Weir-Timestamp"), self.header("X-Weir-Delivery"));
        let signed = format!("{at}.{id}.{}", self.body);
        let digits = self.header("X-Weir-Signature").strip_prefix("sha256=").expect("its kind");
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
        let tag: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        let key = |secret: &str| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key(secret), signed.as_bytes(), &tag).expect("signed");
        hmac::verify(&key("another"), signed.as_bytes(), &tag).expect_err("by nobody else");
    }
}

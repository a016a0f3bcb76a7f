//! Stands between a server and its upstream server: counts what is asked, and spoils answers.
//!
//! One connection carries one request, so that an answer ends where its connection does, and
//! whatever becomes of it concerns no other.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// What is done to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// There is none.
    Drop,
    /// This status, and a page that is no SOAP.
    Status(u16),
    /// It ends in the middle of its body.
    Truncate,
    /// It announces more than it has.
    TooLong,
    /// It announces less than it has.
    TooShort,
    /// It begins slowly.
    Drip,
    /// Some bytes of every cabinet in it are others.
    Cabinets,
    /// A fault with this code instead.
    Fault(&'static str),
}

/// A relay on its way.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
}

struct Shared {
    target: Mutex<String>,
    bodies: Mutex<Vec<String>>,
    content: Mutex<u64>,
    /// What is done to how many of the next answers to this operation.
    plan: Mutex<Option<(Spoil, &'static str, usize)>>,
    /// Bytes of the one file there is; all are zero.
    zeros: Mutex<Option<u64>>,
    over: AtomicBool,
}

impl Relay {
    /// To the server at this address.
    pub(crate) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            target: Mutex::new(target.to_owned()),
            bodies: Mutex::default(),
            content: Mutex::default(),
            plan: Mutex::default(),
            zeros: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // Whoever is on either side may be killed at any time.
                thread::spawn(move || shared.carry(stream).ok());
            }
        });
        Self { shared, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The server is at another address now.
    pub(crate) fn redirect(&self, target: &str) {
        *lock(&self.shared.target) = target.to_owned();
    }

    /// Spoils so many of the next answers to `operation`; to any if it is empty.
    pub(crate) fn spoil(&self, spoil: Spoil, operation: &'static str, answers: usize) {
        *lock(&self.shared.plan) = Some((spoil, operation, answers));
    }

    /// Spoils nothing any more; whether all was spoilt that was to be.
    pub(crate) fn behave(&self) -> bool {
        lock(&self.shared.plan).take().is_none_or(|(_, _, left)| left == 0)
    }

    /// Answers requests for content itself, from one file of so many zeros.
    pub(crate) fn serve_zeros(&self, length: u64) {
        *lock(&self.shared.zeros) = Some(length);
    }

    /// Bytes of that file that were sent.
    pub(crate) fn content_bytes(&self) -> u64 {
        *lock(&self.shared.content)
    }

    /// Revisions that were asked for since the last time this was asked.
    pub(crate) fn take_asked(&self) -> usize {
        let bodies = std::mem::take(&mut *lock(&self.shared.bodies));
        let data = bodies.iter().filter(|body| body.contains("<GetUpdateData "));
        data.map(|body| body.matches("<UpdateIdentity>").count()).sum()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn carry(&self, mut client: TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(Duration::from_secs(60)))?;
        let (head, body) = receive(&mut client)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        lock(&self.bodies).push(text.clone());
        let zeros = *lock(&self.zeros);
        if let Some(length) = zeros.filter(|_| head.starts_with("GET /Content/")) {
            return self.zeros(&mut client, &head, length);
        }
        let spoil = self.next(&text);
        match &spoil {
            Some(Spoil::Drop) => return Ok(()),
            Some(Spoil::Status(status)) => {
                let page = format!("HTTP/1.1 {status} No\r\nContent-Length: 5\r\n\r\nsorry");
                return client.write_all(page.as_bytes());
            }
            Some(Spoil::Fault(code)) => return client.write_all(fault(code).as_bytes()),
            _ => {}
        }
        let target = lock(&self.target).clone();
        let mut server = TcpStream::connect(target)?;
        // Not encoded, so that what is to be spoilt can be found.
        let head: String = head
            .split("\r\n")
            .filter(|line| !line.is_empty())
            .filter(|line| !line.to_ascii_lowercase().starts_with("accept-encoding:"))
            .map(|line| format!("{line}\r\n"))
            .collect();
        server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
        server.write_all(&body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        send(&mut client, answer, spoil)
    }

    fn next(&self, body: &str) -> Option<Spoil> {
        let mut plan = lock(&self.plan);
        let (spoil, operation, left) = plan.as_mut()?;
        let is_meant = operation.is_empty() || body.contains(&format!("<{operation} "));
        if !is_meant || *left == 0 {
            return None;
        }
        *left -= 1;
        Some(spoil.clone())
    }

    fn zeros(&self, client: &mut TcpStream, head: &str, length: u64) -> std::io::Result<()> {
        let range = head.to_ascii_lowercase();
        let range = range.split("range: bytes=").nth(1).and_then(|rest| rest.lines().next());
        let (first, last) = range.and_then(|range| range.split_once('-')).expect("a range");
        let (first, last): (u64, u64) =
            (first.parse().expect("a number"), last.trim().parse().expect("a number"));
        let count = last - first + 1;
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {count}\r\n\
             Content-Range: bytes {first}-{last}/{length}\r\nConnection: close\r\n\r\n"
        );
        client.write_all(head.as_bytes())?;
        let block = [0; 64 << 10];
        let mut left = count;
        while left > 0 {
            let some = left.min(block.len() as u64);
            client.write_all(&block[..some as usize])?;
            *lock(&self.content) += some;
            left -= some;
        }
        Ok(())
    }
}

/// The head and the body of a request.
fn receive(client: &mut TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut block = [0; 16 << 10];
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = length(&head).unwrap_or(0);
            while bytes.len() < end + 4 + length {
                match client.read(&mut block)? {
                    0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                    read => bytes.extend_from_slice(&block[..read]),
                }
            }
            return Ok((head, bytes.split_off(end + 4)));
        }
        match client.read(&mut block)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&block[..read]),
        }
    }
}

fn length(head: &str) -> Option<usize> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:"));
    line?.split(':').nth(1)?.trim().parse().ok()
}

fn send(client: &mut TcpStream, answer: Vec<u8>, spoil: Option<Spoil>) -> std::io::Result<()> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |at| at + 4);
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let announce = |change: fn(usize) -> usize| match length(&head) {
        Some(length) => {
            let (old, new) = (format!(": {length}\r\n"), format!(": {}\r\n", change(length)));
            head.replacen(&old, &new, 1)
        }
        None => head.clone(),
    };
    match spoil {
        Some(Spoil::Truncate) => {
            client.write_all(head.as_bytes())?;
            client.write_all(&body[..body.len() / 2])
        }
        Some(Spoil::TooLong) => {
            client.write_all(announce(|length| length + 1000).as_bytes())?;
            client.write_all(body)
        }
        Some(Spoil::TooShort) => {
            client.write_all(announce(|length| length / 2).as_bytes())?;
            client.write_all(body)
        }
        Some(Spoil::Drip) => {
            let slow = answer.len().min(400);
            for byte in &answer[..slow] {
                client.write_all(&[*byte])?;
                thread::sleep(Duration::from_millis(1));
            }
            client.write_all(&answer[slow..])
        }
        Some(Spoil::Cabinets) => {
            client.write_all(head.as_bytes())?;
            client.write_all(with_spoilt_cabinets(body).as_bytes())
        }
        _ => client.write_all(&answer),
    }
}

/// The same with other bytes in the middle of every cabinet.
fn with_spoilt_cabinets(body: &[u8]) -> String {
    const CABINET: &str = "<XmlUpdateBlobCompressed>";
    let body = String::from_utf8_lossy(body);
    let mut parts = body.split(CABINET);
    let mut spoilt = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('<').unwrap_or(part.len());
        let middle = end / 2 / 4 * 4;
        spoilt.push_str(CABINET);
        spoilt.push_str(&part[..middle]);
        spoilt.push_str("AAAAAAAA");
        spoilt.push_str(part.get(middle + 8..).unwrap_or_default());
    }
    spoilt
}

fn fault(code: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope \
         xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault>\
         <faultcode>soap:Client</faultcode><faultstring>spoilt</faultstring><detail>\
         <ErrorCode>{code}</ErrorCode><Message>made by the relay</Message>\
         <ID>14720b83-5998-41f7-b586-6088cd8acd0c</ID><Method>x</Method></detail></soap:Fault>\
         </soap:Body></soap:Envelope>"
    );
    let length = body.len();
    format!(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test holds it and panics")
}

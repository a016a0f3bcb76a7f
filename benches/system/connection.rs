//! One connection of a client, as cheap as can be: requests are bytes that were prepared before,
//! answers are read into one buffer, and only what decides about them is looked at.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use weir::wire::xpress;

use crate::{Failure, Outcome};

/// Most bytes of an answer, decoded.
const MAX_ANSWER: usize = 1 << 30;

/// Bytes that are asked of the system at once.
const READ: usize = 64 * 1024;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Whom to connect to, and how.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: Option<TlsConnector>,
}

/// A keep-alive connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// An answer as it came, complete.
pub(crate) struct Answer<'c> {
    /// The status line and the headers.
    pub(crate) head: &'c str,
    /// The body, encoded or not.
    pub(crate) body: &'c [u8],
}

impl Target {
    /// Plain HTTP.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// HTTPS with the certificate that the server on `data` made. Every server gets the same version
    /// and cipher, and every connection a handshake of its own.
    pub(crate) fn trusting(address: SocketAddr, data: &Path) -> Outcome<Self> {
        let root = CertificateDer::from_pem_file(data.join("tls/root.pem"))?;
        let mut roots = RootCertStore::empty();
        roots.add(root)?;
        let provider =
            CryptoProvider { cipher_suites: vec![TLS13_AES_256_GCM_SHA384], ..default_provider() };
        let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self { address, tls: Some(Arc::new(config).into()) })
    }

    /// Opens a connection, with the handshake.
    pub(crate) async fn connect(&self) -> Outcome<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        self.speak(tcp).await
    }

    /// The same from a certain address of this machine.
    pub(crate) async fn connect_from(&self, source: IpAddr) -> Outcome<Connection> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        self.speak(socket.connect(self.address).await?).await
    }

    async fn speak(&self, tcp: TcpStream) -> Outcome<Connection> {
        tcp.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(tls) => {
                let name = ServerName::from(self.address.ip());
                Box::new(tls.connect(name, tcp).await?)
            }
        };
        Ok(Connection { stream, buffer: Vec::with_capacity(READ) })
    }
}

impl Connection {
    /// Sends a request and reads its answer, which has to say how long it is.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Outcome<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let (head, body) = self.read().await?;
        let text = std::str::from_utf8(&self.buffer[head])?;
        Ok(Answer { head: text, body: &self.buffer[body] })
    }

    /// Reads an answer and returns where head and body are. Nothing may follow it, since no
    /// request is sent before the last was answered.
    async fn read(&mut self) -> Outcome<(Range<usize>, Range<usize>)> {
        self.buffer.clear();
        let mut searched: usize = 0;
        let end = loop {
            self.fill().await?;
            let from = searched.saturating_sub(3);
            let found = self.buffer[from..].windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(position) = found {
                break from + position;
            }
            searched = self.buffer.len();
        };
        let head = std::str::from_utf8(&self.buffer[..end])?;
        let length: usize = header(head, "content-length").ok_or("no length")?.parse()?;
        let whole = end + 4 + length;
        self.buffer.reserve(whole.saturating_sub(self.buffer.len()));
        while self.buffer.len() < whole {
            self.fill().await?;
        }
        if self.buffer.len() > whole {
            return Err("more than one answer".into());
        }
        Ok((0..end, end + 4..whole))
    }

    async fn fill(&mut self) -> Outcome<()> {
        if self.buffer.capacity() - self.buffer.len() < READ / 2 {
            self.buffer.reserve(READ);
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }
}

impl Answer<'_> {
    /// The status code.
    pub(crate) fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// A header's value; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// The body as text, decoded into `out`.
    pub(crate) fn decode<'o>(&'o self, out: &'o mut Vec<u8>) -> Outcome<&'o str> {
        let bytes = match self.header("content-encoding") {
            None => self.body,
            Some("xpress") => {
                *out = xpress::decode(self.body, MAX_ANSWER)?;
                out
            }
            Some(other) => return Err(format!("encoded as {other}").into()),
        };
        Ok(std::str::from_utf8(bytes)?)
    }

    /// The body as text, if the request succeeded.
    pub(crate) fn text(&self) -> Outcome<String> {
        let mut decoded = Vec::new();
        let text = self.decode(&mut decoded)?;
        if self.status() == "200" { Ok(text.to_owned()) } else { Err(self.refusal(text)) }
    }

    /// What to say of an answer that is not as it should be.
    pub(crate) fn refusal(&self, text: &str) -> Failure {
        let shown: String = text.chars().take(2_000).collect();
        format!("answered {}: {shown}", self.status()).into()
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

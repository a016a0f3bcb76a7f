//! The way out through a proxy: `CONNECT` for https, absolute URLs for http (RFC 9110 7.3, 9.3.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ClientError;

/// Most bytes of a proxy's answer to `CONNECT`.
const ANSWER: usize = 16 * 1024;

/// A proxy, with what it wants to know of us.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<String>,
}

impl Proxy {
    /// The proxy at `url`, `http://HOST:PORT`, and who we are to it.
    ///
    /// # Errors
    /// When the URL is another one. A user in it is refused too: URLs end up in logs.
    pub fn new(url: &str, user: Option<(&str, &str)>) -> Result<Self, ClientError> {
        let refused = || ClientError::ProxyUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority = uri.authority().ok_or_else(refused)?;
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if uri.scheme_str() != Some("http") || !plain || authority.as_str().contains('@') {
            return Err(refused());
        }
        let basic = |(name, word): (&str, &str)| {
            format!("Basic {}", BASE64.encode(format!("{name}:{word}")))
        };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authorization: user.map(basic),
        })
    }

    /// Makes of a connection to the proxy one to `server`, which is `HOST:PORT`.
    pub(super) async fn tunnel(
        &self,
        mut stream: TcpStream,
        server: &str,
    ) -> Result<TcpStream, ClientError> {
        let failed = |source| ClientError::Connect { server: server.to_owned(), source };
        let mut request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            // Byte by byte: what follows the head belongs to the server behind the proxy.
            let byte = stream.read_u8().await.map_err(failed)?;
            answer.push(byte);
            if answer.len() > ANSWER {
                return Err(ClientError::TooLarge(ANSWER as u64));
            }
        }
        let line = String::from_utf8_lossy(&answer);
        let line = line.lines().next().unwrap_or_default();
        match line.split(' ').nth(1) {
            Some(status) if status.len() == 3 && status.starts_with('2') => Ok(stream),
            _ => Err(ClientError::Proxy {
                server: server.to_owned(),
                status: line.chars().take(200).collect(),
            }),
        }
    }
}

/// Without the password.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        let proxy = Proxy::new("http://proxy.example:3128", Some(("weir", "secret"))).unwrap();
        assert_eq!((&*proxy.host, proxy.port), ("proxy.example", 3128));
        assert_eq!(proxy.authorization.as_deref(), Some("Basic d2VpcjpzZWNyZXQ="));
        assert!(!format!("{proxy:?}").contains("d2Vp"));
        for url in ["proxy:3128", "https://p:1", "http://u:p@h:1", "http://h/x", "socks5://h:1"] {
            assert!(matches!(Proxy::new(url, None), Err(ClientError::ProxyUrl(_))), "{url}");
        }
    }
}

//! A server that is asked, and the way to it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use hyper::Uri;
use tokio::net::{TcpStream, lookup_host};

use super::address::Reach;
use super::proxy::Proxy;
use super::trust::Trust;
use super::{ClientError, Location};

/// The server that is asked.
#[derive(Clone)]
pub struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authority: String,
    pub(super) tls: Option<Trust>,
    pub(super) proxy: Option<Proxy>,
    /// The socket of this machine that it listens on, if it is not reached over the network.
    pub(super) socket: Option<PathBuf>,
    reach: Reach,
}

impl Server {
    /// The server at `url`, which names scheme, host and port only. `trust` is for https, which
    /// needs it.
    pub fn new(url: &str, trust: Option<Trust>) -> Result<Self, ClientError> {
        let refused = || ClientError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority = uri.authority().ok_or_else(refused)?;
        let whole = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !whole || authority.as_str().contains('@') {
            return Err(refused());
        }
        let (tls, port) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => (Some(trust.ok_or(ClientError::NoTrust)?), 443),
            _ => return Err(refused()),
        };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(port),
            authority: authority.as_str().to_owned(),
            tls,
            proxy: None,
            socket: None,
            reach: Reach::Anywhere,
        })
    }

    /// The server that listens on a socket of this machine.
    pub fn at_socket(path: &Path) -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 80,
            authority: "localhost".to_owned(),
            tls: None,
            proxy: None,
            socket: Some(path.to_owned()),
            reach: Reach::Anywhere,
        }
    }

    /// The server of a location that somebody else chose.
    pub fn of(
        location: &Location,
        trust: Option<Trust>,
        reach: Reach,
    ) -> Result<Self, ClientError> {
        Ok(Self { reach, ..Self::new(&location.origin, trust)? })
    }

    /// The same server, behind a proxy.
    pub fn behind(self, proxy: Option<Proxy>) -> Self {
        Self { proxy, ..self }
    }

    /// Host and port as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Opens a connection that the server's own bytes can travel on: through the proxy's tunnel for
    /// https, and to the proxy itself for http.
    pub(super) async fn open(&self) -> Result<TcpStream, ClientError> {
        let Some(proxy) = &self.proxy else {
            return self.dial(&self.host, self.port, self.reach).await;
        };
        // The proxy resolves names, and answers for where they lead; an address it would only pass on.
        if let Ok(address) = self.host.parse::<IpAddr>()
            && !self.reach.allows((address, self.port).into())
        {
            return Err(ClientError::NotPublic(self.authority.clone()));
        }
        let stream = self.dial(&proxy.host, proxy.port, Reach::Anywhere).await?;
        if self.tls.is_none() {
            return Ok(stream);
        }
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        proxy.tunnel(stream, &format!("{host}:{}", self.port)).await
    }

    async fn dial(&self, host: &str, port: u16, reach: Reach) -> Result<TcpStream, ClientError> {
        let failed = |source| ClientError::Connect { server: self.authority.clone(), source };
        let mut refused = ClientError::NotPublic(self.authority.clone());
        // Connected to as resolved here: asked again, a name server might answer otherwise.
        for address in lookup_host((host, port)).await.map_err(failed)? {
            if !reach.allows(address) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(failed)?;
                    return Ok(stream);
                }
                Err(error) => refused = failed(error),
            }
        }
        Err(refused)
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let server = Server::new("http://weir.example:8530/", None).unwrap();
        assert_eq!((server.authority(), server.port), ("weir.example:8530", 8530));
        let server = Server::new("http://[::1]", None).unwrap();
        assert_eq!((server.host(), server.port), ("::1", 80));
        for url in
            ["weir.example:8530", "ftp://h", "http://h/path", "http://h/?q", "", "/x", "http://u@h"]
        {
            assert!(matches!(Server::new(url, None), Err(ClientError::Url(_))), "{url}");
        }
    }

    #[test]
    fn https_needs_somebody_to_trust() {
        assert!(matches!(Server::new("https://h", None), Err(ClientError::NoTrust)));
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Trust::only(empty.path()), Err(ClientError::Certificates { .. })));
    }

    #[tokio::test]
    async fn what_others_name_must_be_public_as_it_is_resolved() {
        for origin in ["http://localhost:1", "http://127.0.0.1:1", "http://169.254.169.254"] {
            let location = Location::parse(origin).unwrap();
            let server = Server::of(&location, None, Reach::Public).unwrap();
            assert!(matches!(server.open().await, Err(ClientError::NotPublic(_))), "{origin}");
        }
    }
}

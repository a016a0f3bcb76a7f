//! The certificate that is served now, and how another takes its place without a restart.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, ServerConfig};
use time::OffsetDateTime;

use super::authority::{Authority, Issued};
use super::certificates::{CertificateError, describe, end_of, load_pair};

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(10);

/// How often our own certificate's age is looked at.
const RENEWAL_CHECK: Duration = Duration::from_secs(3600);

/// Where the server's certificate comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Made and renewed by us.
    Generated(Authority),
    /// The administrator's own files, in PEM.
    Files {
        /// The certificate, followed by those between it and its root.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The files are to blame.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// rustls refused its configuration.
    #[error("TLS configuration")]
    Configuration(#[source] rustls::Error),
}

/// The certificate that is served now.
#[derive(Debug)]
pub struct Tls {
    source: Source,
    current: ArcSwap<CertifiedKey>,
}

impl Tls {
    /// Loads the certificate, making one first if it is ours to make.
    ///
    /// # Errors
    /// [`TlsError`] names the file.
    pub fn open(source: Source, now: OffsetDateTime) -> Result<Arc<Self>, TlsError> {
        let pair = load(&source, now)?;
        Ok(Arc::new(Self { source, current: ArcSwap::from_pointee(pair) }))
    }

    /// Serves what the files hold now, renewing our own certificate if it is time; returns whether
    /// that is another certificate. New handshakes get it, connections go on with theirs.
    ///
    /// # Errors
    /// [`TlsError`] names the file; the old certificate is then served on.
    pub fn reload(&self, now: OffsetDateTime) -> Result<bool, TlsError> {
        let pair = load(&self.source, now)?;
        let old = self.current.swap(Arc::new(pair));
        Ok(old.cert != self.current.load().cert)
    }

    /// The certificate that is served.
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.current.load().cert.first().cloned()
    }

    /// When the first certificate of the chain that is served ends; none if one cannot be read.
    pub fn expires(&self) -> Option<OffsetDateTime> {
        let current = self.current.load();
        let ends = current.cert.iter().map(|certificate| end_of(certificate));
        ends.collect::<Option<Vec<_>>>()?.into_iter().min()
    }

    /// The configuration of a listener; it follows every reload.
    ///
    /// # Errors
    /// [`TlsError::Configuration`], which no certificate can cause.
    pub fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.ignore_client_order = true;
        // Agents open several connections in a row; tickets spare each but the first a signature.
        config.ticketer = Ticketer::new().map_err(TlsError::Configuration)?;
        Ok(Arc::new(config))
    }

    /// Reloads on SIGHUP, when a file changes, and every hour in case our own certificate is due.
    /// Never returns; what goes wrong is logged and the old certificate stays.
    pub async fn watch(self: Arc<Self>) {
        let mut hangup = Hangup::listen();
        let mut seen = self.stamps();
        let mut checked = Instant::now();
        loop {
            let asked = tokio::time::timeout(POLL, hangup.received()).await.is_ok();
            let found = self.stamps();
            if !asked && found == seen && checked.elapsed() < RENEWAL_CHECK {
                continue;
            }
            (seen, checked) = (found, Instant::now());
            match self.reload(OffsetDateTime::now_utc()) {
                Ok(true) => tracing::info!("serving a new certificate"),
                Ok(false) => {}
                Err(error) => {
                    let cause = error.source().map(ToString::to_string);
                    tracing::error!(%error, cause, "the old certificate stays");
                }
            }
        }
    }

    fn stamps(&self) -> [Option<(SystemTime, u64)>; 2] {
        let (certificate, key) = self.source.files();
        [stamp(&certificate), stamp(&key)]
    }
}

/// The provider, with the cipher suites of 128-bit keys first. They are beyond attack as those of
/// 256 bits are, and every byte of content and every hash of a handshake costs less; Windows asks
/// for the long ones first.
fn provider() -> CryptoProvider {
    let mut provider = default_provider();
    provider.cipher_suites.sort_by_key(|suite| {
        !matches!(
            suite.suite(),
            CipherSuite::TLS13_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        )
    });
    provider
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl Source {
    fn files(&self) -> (PathBuf, PathBuf) {
        match self {
            Self::Generated(authority) => (authority.server_file(), authority.server_key_file()),
            Self::Files { certificate, key } => (certificate.clone(), key.clone()),
        }
    }
}

fn load(source: &Source, now: OffsetDateTime) -> Result<CertifiedKey, TlsError> {
    if let Source::Generated(authority) = source {
        match authority.ensure(now)? {
            Issued::Nothing => {}
            Issued::Server => tracing::info!("issued a new server certificate"),
            Issued::Root => tracing::info!("made a root certificate for clients to trust"),
        }
    }
    let (certificate, key) = source.files();
    let pair = load_pair(&certificate, &key)?;
    let facts = describe(&certificate)?;
    if facts.rsa {
        tracing::warn!(
            "the certificate's key is RSA: Windows 8.1, Windows Server 2012 R2 and older share no \
             cipher suite with this server and will not connect over HTTPS"
        );
    }
    if facts.expires < now {
        tracing::warn!(expired = %facts.expires, "the certificate has expired");
    }
    Ok(pair)
}

/// What changes when a file is replaced or written to.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// SIGHUP, where there is such a thing.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::warn!(%error, "SIGHUP will not reload certificates"))
            .ok();
        Self { signal }
    }

    #[cfg(unix)]
    async fn received(&mut self) {
        let received = match &mut self.signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        // No signal will ever come, now that none came.
        if received.is_none() {
            std::future::pending().await
        }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn received(&mut self) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(tls: &Tls) -> Vec<u8> {
        tls.current.load().cert[0].to_vec()
    }

    #[test]
    fn a_good_new_file_is_served_and_a_broken_one_is_not() {
        let now = OffsetDateTime::now_utc();
        let (data, other) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        let mine = Authority::new(data.path(), &[]);
        let theirs = Authority::new(other.path(), &["other".into()]);
        mine.ensure(now).expect("issued");
        theirs.ensure(now).expect("issued");
        let source = Source::Files { certificate: mine.server_file(), key: mine.server_key_file() };
        let tls = Tls::open(source, now).expect("open");
        let first = served(&tls);
        assert!(!tls.reload(now).expect("same"));

        std::fs::copy(theirs.server_file(), mine.server_file()).expect("half replaced");
        assert!(matches!(
            tls.reload(now),
            Err(TlsError::Certificate(CertificateError::Pair { .. }))
        ));
        std::fs::write(mine.server_file(), "garbage").expect("garbage");
        assert!(matches!(
            tls.reload(now),
            Err(TlsError::Certificate(CertificateError::Pem { .. }))
        ));
        assert_eq!(served(&tls), first);

        std::fs::copy(theirs.server_file(), mine.server_file()).expect("certificate");
        std::fs::copy(theirs.server_key_file(), mine.server_key_file()).expect("key");
        assert!(tls.reload(now).expect("replaced"));
        assert_ne!(served(&tls), first);
    }

    #[test]
    fn our_own_certificate_is_renewed_by_reloading() {
        let now = OffsetDateTime::now_utc();
        let data = tempfile::tempdir().expect("dir");
        let source = Source::Generated(Authority::new(data.path(), &[]));
        let tls = Tls::open(source, now).expect("open");
        assert!(!tls.reload(now).expect("same"));
        assert!(tls.reload(now + time::Duration::days(810)).expect("renewed"));
    }
}

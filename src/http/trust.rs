//! Whose certificates are believed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    self, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::ClientError;

/// Where systems keep the issuers that everybody trusts, in one file.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The issuers that a connection trusts.
#[derive(Clone)]
pub struct Trust(pub(super) TlsConnector);

impl Trust {
    /// The issuers in a PEM file, and nobody else.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate.
    pub fn only(ca_file: &Path) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        add(&mut roots, ca_file)?;
        Self::of(roots, ca_file)
    }

    /// The issuers that the system trusts, and those in `ca_file`. The system's are read from the
    /// file that `SSL_CERT_FILE` names, or from where distributions keep it.
    ///
    /// # Errors
    /// When a file cannot be used, or there is no issuer at all.
    pub fn system(ca_file: Option<&Path>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        let bundle = Self::system_bundle();
        if let Some(bundle) = &bundle {
            add(&mut roots, bundle)?;
        }
        if let Some(ca_file) = ca_file {
            add(&mut roots, ca_file)?;
        }
        match ca_file.or(bundle.as_deref()) {
            Some(path) => Self::of(roots, path),
            None => Err(ClientError::NoTrust),
        }
    }

    /// The PEM file of the issuers that the system trusts, if it has one.
    pub fn system_bundle() -> Option<PathBuf> {
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        named.or_else(|| BUNDLES.iter().map(PathBuf::from).find(|it| it.is_file()))
    }

    /// This certificate and no other, whatever names it has and however old it is.
    ///
    /// # Errors
    /// None in practice: rustls would have to refuse its own defaults.
    pub fn exactly(certificate: CertificateDer<'static>) -> Result<Self, ClientError> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let refused = |error: Error| ClientError::Certificates {
            path: PathBuf::from("the certificate that is served"),
            reason: error.to_string(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Exactly { certificate, algorithms }))
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    fn of(roots: RootCertStore, path: &Path) -> Result<Self, ClientError> {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ClientError::Certificates {
                path: path.to_owned(),
                reason: error.to_string(),
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// Believes whoever has the key of one certificate.
#[derive(Debug)]
struct Exactly {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match *shown == self.certificate {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, shown, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, shown, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), ClientError> {
    let failed = |reason: String| ClientError::Certificates { path: path.to_owned(), reason };
    let before = roots.len();
    for certificate in
        CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(failed("no certificate in it".to_owned()));
    }
    Ok(())
}

//! Reading certificates: pairs that can be served, and the facts that people compare.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION;
use x509_parser::prelude::FromDer;

/// Why a certificate cannot be read. All of these are the administrator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file is absent or not ours to read.
    #[error("{path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The file is not PEM with what was looked for.
    #[error("{path}: no usable PEM block ({error})")]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        error: pem::Error,
    },
    /// The block is not a certificate.
    #[error("{path}: not an X.509 certificate")]
    NotACertificate {
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key cannot be used, or not together.
    #[error("{certificate} and {key} cannot be used together")]
    Pair {
        /// Certificate file.
        certificate: PathBuf,
        /// Key file.
        key: PathBuf,
        /// What rustls said.
        #[source]
        error: rustls::Error,
    },
    /// A new certificate could not be made.
    #[error("cannot make a certificate for {names:?}")]
    Issue {
        /// The names it should have had.
        names: Vec<String>,
        /// What was wrong.
        #[source]
        error: rcgen::Error,
    },
}

/// What a person compares when deciding whether to trust a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Distinguished name of the holder.
    pub subject: String,
    /// Last moment of validity.
    pub expires: OffsetDateTime,
    /// DNS names and addresses it is good for.
    pub names: Vec<String>,
    /// Whether its key is RSA.
    pub rsa: bool,
    /// SHA-1 of the certificate, upper-case hexadecimal: the "Thumbprint" of Windows.
    pub sha1: String,
    /// SHA-256 of the certificate, upper-case hexadecimal.
    pub sha256: String,
}

/// The facts of the first certificate in a PEM file.
///
/// # Errors
/// [`CertificateError`] when there is none.
pub fn describe(path: &Path) -> Result<CertificateFacts, CertificateError> {
    let chain = chain(path)?;
    let not_a_certificate = || CertificateError::NotACertificate { path: path.to_owned() };
    let der = chain.first().ok_or_else(not_a_certificate)?;
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| not_a_certificate())?;
    Ok(CertificateFacts {
        subject: certificate.subject().to_string(),
        expires: certificate.validity().not_after.to_datetime(),
        names: names(&certificate),
        rsa: certificate.public_key().algorithm.algorithm == OID_PKCS1_RSAENCRYPTION,
        sha1: hex(&digest(&SHA1_FOR_LEGACY_USE_ONLY, der)),
        sha256: hex(&digest(&SHA256, der)),
    })
}

/// When a certificate ends, if it is one.
pub(super) fn end_of(der: &CertificateDer<'_>) -> Option<OffsetDateTime> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.validity().not_after.to_datetime())
}

/// A certificate chain and its key, checked to belong together.
///
/// # Errors
/// [`CertificateError`] names the file.
pub fn load_pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let chain = chain(certificate)?;
    let bytes = read(key)?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| CertificateError::Pem { path: key.to_owned(), error })?;
    CertifiedKey::from_der(chain, secret, &default_provider()).map_err(|error| {
        CertificateError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), error }
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let pem = |error| CertificateError::Pem { path: path.to_owned(), error };
    let bytes = read(path)?;
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().map_err(pem)?;
    if chain.is_empty() { Err(pem(pem::Error::NoItemsFound)) } else { Ok(chain) }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| CertificateError::File { path: path.to_owned(), error })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return vec![] };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn hex(digest: &Digest) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

//! The upstream server as an administrator names it, and the way to it.

use std::path::Path;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::error::SyncError;
use super::records::SourceRecord;
use crate::http::{Location, Proxy, Server, Trust};

/// Microsoft's own.
pub const MICROSOFT_UPDATE: &str = "https://sws.update.microsoft.com";

/// SHA-1 of Microsoft Root Certificate Authority 2011, as its file's thumbprint is published.
const MICROSOFT_ROOT_2011: &str = "8F43288AD272F3103B6FB1428485EA3014C0BCFE";

/// What to do where the root certificate of Microsoft Update is needed.
pub const ROOT_INSTRUCTION: &str = "\
The certificate of Microsoft Update is issued under Microsoft Root Certificate Authority 2011, which
other systems than Windows do not trust. Get it from a Windows computer,
  certutil -store root 8f43288ad272f3103b6fb1428485ea3014c0bcfe root2011.cer
or from https://www.microsoft.com/pkiops/docs/repository.htm, make PEM of it,
  openssl x509 -inform der -in root2011.cer -out root2011.pem
and name the file with --ca-file root2011.pem. Weir compares it with its published SHA-1,
8F43288AD272F3103B6FB1428485EA3014C0BCFE, and trusts it for Microsoft Update only.";

/// The server that `source` names, with whom to trust and which way to go.
///
/// # Errors
/// When an address is none, or a file cannot be read.
pub(super) fn server(source: &SourceRecord) -> Result<Server, SyncError> {
    Ok(Server::new(&source.url, trust(source)?)?.behind(proxy(source)?))
}

/// The proxy on the way out, if there is one.
pub(super) fn proxy(source: &SourceRecord) -> Result<Option<Proxy>, SyncError> {
    let Some(url) = &source.proxy else { return Ok(None) };
    let password = match &source.proxy_password_file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| SyncError::Refused(format!("cannot read {path}: {error}")))?,
    };
    let user = source.proxy_user.as_deref().map(|user| (user, password.trim_end()));
    Ok(Some(Proxy::new(url, user)?))
}

fn trust(source: &SourceRecord) -> Result<Option<Trust>, SyncError> {
    if !source.url.starts_with("https:") {
        return Ok(None);
    }
    let ca_file = source.ca_file.as_deref().map(Path::new);
    Ok(Some(match ca_file {
        // A root that only Windows trusts is no reason to trust whoever else it vouches for.
        Some(ca_file) if source.microsoft => Trust::only(ca_file)?,
        ca_file => Trust::system(ca_file)?,
    }))
}

/// Whether everything that `source` says can be used; the upstream server is not asked.
///
/// # Errors
/// What cannot.
pub(super) fn check(source: &SourceRecord) -> Result<(), SyncError> {
    if Location::parse(&source.url).is_none() {
        return Err(SyncError::Refused(format!(
            "'{}' is neither microsoft-update nor http://HOST[:PORT] nor https://HOST[:PORT]",
            source.url
        )));
    }
    if source.microsoft {
        let Some(ca_file) = &source.ca_file else {
            return Err(SyncError::Refused(ROOT_INSTRUCTION.into()));
        };
        if !has_microsoft_root(Path::new(ca_file)) {
            let reason =
                format!("{ca_file} is not that certificate, or not in PEM.\n{ROOT_INSTRUCTION}");
            return Err(SyncError::Refused(reason));
        }
        if source.report {
            let reason = "Microsoft Update is not told of computers";
            return Err(SyncError::Refused(reason.into()));
        }
        if source.replica {
            let reason = "Microsoft Update decides nothing that a replica could take over";
            return Err(SyncError::Refused(reason.into()));
        }
    }
    server(source).map(|_| ())
}

fn has_microsoft_root(path: &Path) -> bool {
    let Ok(certificates) = CertificateDer::pem_file_iter(path) else { return false };
    certificates.flatten().any(|certificate| {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        hex == MICROSOFT_ROOT_2011
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> SourceRecord {
        SourceRecord { url: url.into(), ..SourceRecord::default() }
    }

    #[test]
    fn an_upstream_server_is_an_address_of_http() {
        check(&source("http://wsus.example:8530")).unwrap();
        for url in ["wsus.example", "ftp://h", "http://h/path", "file:///x", ""] {
            assert!(check(&source(url)).is_err(), "{url}");
        }
    }

    #[test]
    fn microsoft_update_needs_its_root_and_says_how_to_get_it() {
        let mut microsoft = SourceRecord { microsoft: true, ..source(MICROSOFT_UPDATE) };
        let told = check(&microsoft).unwrap_err().to_string();
        assert!(told.contains(MICROSOFT_ROOT_2011) && told.contains("--ca-file"), "{told}");
        let other = rcgen::generate_simple_self_signed(["x".to_owned()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), other.cert.pem()).unwrap();
        microsoft.ca_file = Some(file.path().to_string_lossy().into_owned());
        assert!(check(&microsoft).unwrap_err().to_string().contains("is not that certificate"));
    }

    #[test]
    fn the_password_of_a_proxy_is_read_from_its_file() {
        let mut source = source("http://wsus.example:8530");
        source.proxy = Some("http://proxy.example:3128".into());
        source.proxy_user = Some("weir".into());
        source.proxy_password_file = Some("/nonexistent/password".into());
        assert!(check(&source).unwrap_err().to_string().contains("/nonexistent/password"));
    }
}

//! Our own certificate authority: a root that clients are told to trust once, and a server
//! certificate below it that is renewed without anybody noticing.
//!
//! Both are ECDSA P-256: Windows 8.1 and 2012 R2 have no cipher suite in common with us when the
//! certificate is RSA. The root's name carries the host's, so that the roots of two servers can be
//! told apart in the Windows certificate store.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::certificates::{CertificateError, CertificateFacts, describe, load_pair, read};

/// How long the root is valid: replacing it means visiting every client's trust store.
const ROOT_DAYS: i64 = 3650;

/// How long a server certificate is valid: the longest that all TLS stacks accept.
const SERVER_DAYS: i64 = 825;

/// A server certificate with less than this left is renewed.
const RENEW_DAYS: i64 = 30;

/// Certificates start in the past by this much, for clients whose clock is behind.
const CLOCK_SKEW: Duration = Duration::days(1);

/// A directory with our root, our server certificate and their keys.
#[derive(Debug, Clone)]
pub struct Authority {
    dir: PathBuf,
    host: String,
    names: Vec<String>,
}

/// What [`Authority::ensure`] had to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issued {
    /// Everything was there and good.
    Nothing,
    /// A server certificate under the existing root.
    Server,
    /// A root, which clients have to be told to trust, and a server certificate.
    Root,
}

impl Authority {
    /// The authority in `<data>/tls`. Its server certificate is good for this host's name, the
    /// loopback names, and `extra_names`: other DNS names or addresses that clients use.
    pub fn new(data: &Path, extra_names: &[String]) -> Self {
        let host = host_name();
        let mut names = vec![host.clone()];
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        names.extend(extra_names.iter().cloned());
        let mut unique = Vec::with_capacity(names.len());
        for name in names {
            // In a certificate an address is bytes; comparing needs its one spelling.
            let name = name.parse().map_or(name, |address: IpAddr| address.to_string());
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        Self { dir: data.join("tls"), host, names: unique }
    }

    /// The root certificate, which clients trust.
    pub fn root_file(&self) -> PathBuf {
        self.dir.join("root.pem")
    }

    /// The server's certificate.
    pub fn server_file(&self) -> PathBuf {
        self.dir.join("server.pem")
    }

    /// The server's key.
    pub fn server_key_file(&self) -> PathBuf {
        self.dir.join("server.key")
    }

    fn root_key_file(&self) -> PathBuf {
        self.dir.join("root.key")
    }

    /// What to compare before trusting the root.
    ///
    /// # Errors
    /// [`CertificateError`] when there is none yet.
    pub fn root(&self) -> Result<CertificateFacts, CertificateError> {
        describe(&self.root_file())
    }

    /// Makes what is missing, damaged, about to expire, or lacks a name. An existing root is never
    /// replaced: clients trust it, so a root that cannot be read is an error.
    ///
    /// # Errors
    /// [`CertificateError`] names the file, or the name that cannot be in a certificate.
    pub fn ensure(&self, now: OffsetDateTime) -> Result<Issued, CertificateError> {
        let new_root = !self.root_file().exists();
        if new_root {
            self.make_root(now)?;
        } else if self.server_is_good(now) {
            return Ok(Issued::Nothing);
        }
        self.make_server(now)?;
        Ok(if new_root { Issued::Root } else { Issued::Server })
    }

    fn server_is_good(&self, now: OffsetDateTime) -> bool {
        let Ok(facts) = describe(&self.server_file()) else { return false };
        facts.expires - now >= Duration::days(RENEW_DAYS)
            && self.names.iter().all(|name| facts.names.contains(name))
            && load_pair(&self.server_file(), &self.server_key_file()).is_ok()
    }

    fn make_root(&self, now: OffsetDateTime) -> Result<(), CertificateError> {
        fs::create_dir_all(&self.dir).map_err(|error| file_error(&self.dir, error))?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&format!("Weir root of {}", self.host));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - CLOCK_SKEW;
        params.not_after = now + Duration::days(ROOT_DAYS);
        let issued = KeyPair::generate()
            .and_then(|key| Ok((params.self_signed(&key)?.pem(), key.serialize_pem())));
        let (certificate, key) = issued.map_err(|error| self.issue_error(error))?;
        // The key first: a root without its key could never be replaced by itself.
        write_durably(&self.root_key_file(), &key)?;
        write_durably(&self.root_file(), &certificate)
    }

    fn make_server(&self, now: OffsetDateTime) -> Result<(), CertificateError> {
        let root = text(&self.root_file())?;
        let root_key = text(&self.root_key_file())?;
        let root_expires = self.root()?.expires;
        let issued = (|| {
            let issuer = Issuer::from_ca_cert_pem(&root, KeyPair::from_pem(&root_key)?)?;
            let mut params = CertificateParams::new(self.names.clone())?;
            params.distinguished_name = name(&self.host);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            params.use_authority_key_identifier_extension = true;
            params.not_before = now - CLOCK_SKEW;
            params.not_after = (params.not_before + Duration::days(SERVER_DAYS)).min(root_expires);
            let key = KeyPair::generate()?;
            Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
        })();
        let (certificate, key) = issued.map_err(|error| self.issue_error(error))?;
        write_durably(&self.server_key_file(), &key)?;
        write_durably(&self.server_file(), &certificate)
    }

    fn issue_error(&self, error: rcgen::Error) -> CertificateError {
        CertificateError::Issue { names: self.names.clone(), error }
    }
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// This host's name as the system knows it.
fn host_name() -> String {
    let usable = |name: String| {
        let name = name.trim().to_ascii_lowercase();
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        (!name.is_empty() && name.bytes().all(valid)).then_some(name)
    };
    fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .and_then(usable)
        .or_else(|| std::env::var("HOSTNAME").ok().and_then(usable))
        .or_else(|| std::env::var("COMPUTERNAME").ok().and_then(usable))
        .unwrap_or_else(|| "localhost".to_owned())
}

fn text(path: &Path) -> Result<String, CertificateError> {
    String::from_utf8(read(path)?)
        .map_err(|error| file_error(path, io::Error::new(io::ErrorKind::InvalidData, error)))
}

/// Writes a file that only we may read, whole or not at all.
fn write_durably(path: &Path, text: &str) -> Result<(), CertificateError> {
    let beside = path.with_extension(format!("new-{}", Uuid::new_v4().simple()));
    let written = write_private(&beside, text).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // The file beside is of no use to anybody, and the first error says more than a second.
        let _ = fs::remove_file(&beside);
        return Err(file_error(path, error));
    }
    let dir = path.parent().unwrap_or(path);
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| file_error(dir, error))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn file_error(path: &Path, error: io::Error) -> CertificateError {
    CertificateError::File { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    #[test]
    fn the_first_start_makes_a_root_and_a_server_certificate_below_it() {
        let data = tempfile::tempdir().expect("dir");
        let authority =
            Authority::new(data.path(), &["wsus.corp.example".into(), "10.1.2.3".into()]);
        assert_eq!(authority.ensure(NOW).expect("issued"), Issued::Root);

        let root = authority.root().expect("root");
        assert!(root.subject.starts_with("CN=Weir root of "), "{}", root.subject);
        assert_eq!(root.expires, NOW + Duration::days(ROOT_DAYS));
        assert_eq!((root.sha1.len(), root.sha256.len(), root.rsa), (40, 64, false));
        let server = describe(&authority.server_file()).expect("server");
        assert_eq!(server.expires, NOW - CLOCK_SKEW + Duration::days(SERVER_DAYS));
        for name in ["localhost", "127.0.0.1", "::1", "wsus.corp.example", "10.1.2.3"] {
            assert!(server.names.iter().any(|n| n == name), "{name} in {:?}", server.names);
        }
        load_pair(&authority.server_file(), &authority.server_key_file()).expect("a pair");
        assert_eq!(fs::read_dir(data.path().join("tls")).expect("dir").count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_us_alone() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().expect("dir");
        let authority = Authority::new(data.path(), &[]);
        authority.ensure(NOW).expect("issued");
        for key in [authority.root_key_file(), authority.server_key_file()] {
            let mode = fs::metadata(&key).expect("key").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", key.display());
        }
    }

    #[test]
    fn the_server_certificate_is_renewed_in_time_and_the_root_stays() {
        let data = tempfile::tempdir().expect("dir");
        let authority = Authority::new(data.path(), &[]);
        authority.ensure(NOW).expect("issued");
        let root = authority.root().expect("root");
        let days_later = |days| NOW + Duration::days(days);

        assert_eq!(authority.ensure(days_later(790)).expect("good"), Issued::Nothing);
        assert_eq!(authority.ensure(days_later(800)).expect("renewed"), Issued::Server);
        let server = describe(&authority.server_file()).expect("server");
        assert_eq!(server.expires, days_later(800) - CLOCK_SKEW + Duration::days(SERVER_DAYS));
        assert_eq!(authority.root().expect("root"), root);

        assert_eq!(authority.ensure(days_later(3600)).expect("renewed"), Issued::Server);
        let server = describe(&authority.server_file()).expect("server");
        assert_eq!(server.expires, root.expires, "never outlives its root");
    }

    #[test]
    fn a_new_name_a_lost_key_or_damage_bring_a_new_server_certificate() {
        let data = tempfile::tempdir().expect("dir");
        let authority = Authority::new(data.path(), &[]);
        authority.ensure(NOW).expect("issued");

        let named = Authority::new(data.path(), &["alias".into(), "fe80:0::1".into()]);
        assert_eq!(named.ensure(NOW).expect("named"), Issued::Server);
        assert_eq!(named.ensure(NOW).expect("same names"), Issued::Nothing);
        fs::remove_file(named.server_key_file()).expect("remove");
        assert_eq!(named.ensure(NOW).expect("key"), Issued::Server);
        fs::write(named.server_file(), "garbage").expect("damage");
        assert_eq!(named.ensure(NOW).expect("certificate"), Issued::Server);
    }

    #[test]
    fn a_root_that_cannot_be_used_is_an_error_and_stays() {
        let data = tempfile::tempdir().expect("dir");
        let authority = Authority::new(data.path(), &[]);
        authority.ensure(NOW).expect("issued");
        fs::write(authority.root_key_file(), "garbage").expect("damage");
        assert_eq!(authority.ensure(NOW).expect("not needed yet"), Issued::Nothing);
        fs::remove_file(authority.server_file()).expect("remove");
        assert!(matches!(authority.ensure(NOW), Err(CertificateError::Issue { .. })));
    }

    #[test]
    fn a_name_that_no_certificate_can_carry_is_an_error() {
        let data = tempfile::tempdir().expect("dir");
        let authority = Authority::new(data.path(), &["wörld".into()]);
        assert!(matches!(authority.ensure(NOW), Err(CertificateError::Issue { .. })));
    }
}

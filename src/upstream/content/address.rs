//! Where a file is to be had.

use crate::http::{ClientError, Location, Reach, Server, Trust};
use crate::metadata::model::UpdateFile;
use crate::upstream::error::SyncError;
use crate::upstream::records::SourceRecord;
use crate::upstream::source;

/// Where to ask for a file ([MS-WSUSSS] 3.2.4.4): the upstream server, or where it says that the file
/// is when it has none itself.
pub(super) fn place(
    source: &SourceRecord,
    catalog_only: bool,
    file: &UpdateFile,
    url: Option<&str>,
) -> Option<Location> {
    match catalog_only {
        true => Location::parse(url?),
        false => Location::parse(&content_url(&source.url, file)),
    }
}

/// Where an upstream server has a file. The specification (3.2.4.4) names the folder by the digest in
/// Base64; a real server has it by the last byte in hexadecimal, as for agents.
fn content_url(origin: &str, file: &UpdateFile) -> String {
    let digest = file.sha1.to_hex();
    let folder = digest.get(38..).unwrap_or_default();
    let extension = file.name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let plain = !extension.is_empty()
        && extension.len() <= 8
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let extension = if plain { extension } else { "bin" };
    format!("{origin}/Content/{folder}/{digest}.{extension}")
}

/// The way to a place. The upstream server may be anywhere, since the administrator named it;
/// everybody else was named by an update or by an answer, and has to be on the public Internet.
pub(super) fn server(source: &SourceRecord, place: &Location) -> Result<Server, SyncError> {
    let own = Location::parse(&source.url);
    if own.is_some_and(|own| own.origin == place.origin) {
        return source::server(source);
    }
    let trust = place.origin.starts_with("https:").then(|| Trust::system(None)).transpose();
    let trust = trust.map_err(|error: ClientError| SyncError::Connection(error))?;
    Ok(Server::of(place, trust, Reach::Public)?.behind(source::proxy(source)?))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;
    use crate::wire::types::Sha1;

    fn file(name: &str) -> UpdateFile {
        let sha1 = Sha1::from_hex("A379D5526FB3A7A0423DA1CD7FC3182A8D448449").unwrap();
        UpdateFile { sha1, sha256: None, name: name.into(), size: 1 }
    }

    #[test]
    fn the_upstream_server_has_files_or_says_where_they_are() {
        let source = SourceRecord { url: "http://uss:8530".into(), ..SourceRecord::default() };
        let url = Some("http://download.example/c/x_1.cab");
        let target = |catalog_only, name: &str, url: Option<&str>| {
            place(&source, catalog_only, &file(name), url).map(|place| place.target)
        };
        let own = "/Content/49/A379D5526FB3A7A0423DA1CD7FC3182A8D448449.cab";
        assert_eq!(target(false, "x.cab", url).as_deref(), Some(own));
        assert_eq!(target(true, "x.cab", url).as_deref(), Some("/c/x_1.cab"));
        assert_eq!(target(true, "x.cab", None), None);
        for url in ["file:///etc/passwd", "\\\\host\\x", "http://user@host/x"] {
            assert_eq!(target(true, "x.cab", Some(url)), None, "{url}");
        }
        let named = target(false, "..\\x.c/../", None).unwrap();
        assert!(named.ends_with("449.bin"), "{named}");
    }

    #[tokio::test]
    async fn only_the_upstream_server_may_be_in_a_private_network() {
        let source = SourceRecord { url: "http://127.0.0.1:9".into(), ..SourceRecord::default() };
        let way = |url: &str| {
            let server = server(&source, &Location::parse(url).unwrap()).unwrap();
            async move {
                let limits = crate::http::ClientLimits::default();
                let request = hyper::Request::get("/").body(Full::<Bytes>::default()).unwrap();
                crate::http::Client::new(server, limits).whole(request, true).await.unwrap_err()
            }
        };
        assert!(matches!(way("http://127.0.0.1:9/x").await, ClientError::Connect { .. }));
        for url in ["http://127.0.0.1:10/x", "http://169.254.169.254/latest", "http://[::1]/x"] {
            assert!(matches!(way(url).await, ClientError::NotPublic(_)), "{url}");
        }
    }
}

//! Extended metadata and the download of files, in the ranges that agents ask for.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use roxmltree::Document;

use super::agent::{Agent, element};
use super::soap::{self, CLIENT, Fault};
use super::xml;

/// Delivery Optimization asks for closed ranges of this length.
const RANGE: usize = 1 << 20;

/// A file as the metadata has it.
#[derive(Debug, Clone)]
pub(crate) struct FileFacts {
    pub(crate) name: String,
    pub(crate) size: usize,
    /// In Base64.
    pub(crate) sha1: String,
    /// In Base64.
    pub(crate) sha256: String,
    pub(crate) url: String,
}

/// What GetExtendedUpdateInfo brought.
#[derive(Debug, Default)]
pub(crate) struct Extended {
    /// Fragments by revision id, in order of arrival.
    pub(crate) fragments: Vec<(u32, String)>,
    /// Every file of the revisions.
    pub(crate) files: Vec<FileFacts>,
    pub(crate) out_of_scope: Vec<u32>,
}

impl Agent {
    /// GetExtendedUpdateInfo, in as many calls as the server's limit asks for.
    pub(crate) fn extended(&mut self, ids: &[u32]) -> Result<Extended, Fault> {
        let mut extended = Extended::default();
        let mut locations = BTreeMap::new();
        for part in ids.chunks(self.max_extended) {
            let part: String = part.iter().map(|id| format!("<int>{id}</int>")).collect();
            let children = format!(
                "{}<revisionIDs>{part}</revisionIDs><infoTypes>\
                 <XmlUpdateFragmentType>Extended</XmlUpdateFragmentType>\
                 <XmlUpdateFragmentType>LocalizedProperties</XmlUpdateFragmentType></infoTypes>\
                 <locales><string>en-US</string><string>en</string></locales>",
                self.cookie_xml()
            );
            let text =
                soap::call(&mut self.connection, CLIENT, "GetExtendedUpdateInfo", &children)?;
            let document = Document::parse(&text).expect("XML");
            let result = element(&document, "GetExtendedUpdateInfoResult");
            extended.out_of_scope.extend(xml::numbers(result, "OutOfScopeRevisionIDs"));
            for update in xml::list(result, "Updates") {
                let id = xml::text(update, "ID").parse().expect("a number");
                extended.fragments.push((id, xml::text(update, "Xml")));
            }
            for location in xml::list(result, "FileLocations") {
                let digest = xml::text(location, "FileDigest");
                let before = locations.insert(digest, xml::text(location, "Url"));
                assert!(before.is_none_or(|url| url == xml::text(location, "Url")));
            }
        }
        for (_, fragment) in &extended.fragments {
            extended.files.extend(files(fragment, &locations));
        }
        let named: BTreeSet<&String> = extended.files.iter().map(|file| &file.sha1).collect();
        assert!(locations.keys().all(|digest| named.contains(digest)), "a location of no file");
        Ok(extended)
    }

    /// Downloads a file range by range and checks it as Windows does.
    pub(crate) fn download(&mut self, file: &FileFacts) -> Vec<u8> {
        let path = file.url.strip_prefix(&self.connection.base);
        let path = path.expect("a URL on the server that was asked").to_owned();
        let mut content = Vec::with_capacity(file.size);
        while content.len() < file.size {
            let first = content.len();
            let last = file.size.min(first + RANGE) - 1;
            let range = format!("bytes={first}-{last}");
            let headers = [("Accept", "*/*"), ("Range", range.as_str())];
            let answer = self.connection.ask("GET", &path, &headers, &[]);
            assert_eq!(answer.status, 206, "{path}");
            let expected = format!("bytes {first}-{last}/{}", file.size);
            assert_eq!(answer.header("content-range"), Some(expected.as_str()));
            assert_eq!(answer.body.len(), last - first + 1);
            content.extend(answer.body);
        }
        assert_eq!(base64_digest(&SHA1_FOR_LEGACY_USE_ONLY, &content), file.sha1, "{path}");
        assert_eq!(base64_digest(&SHA256, &content), file.sha256, "{path}");
        content
    }
}

/// The files that an Extended fragment names. An agent drops an update of which any file has no
/// location, so every one has to have one.
fn files(fragment: &str, locations: &BTreeMap<String, String>) -> Vec<FileFacts> {
    let fragment = xml::rooted(fragment);
    let document = Document::parse(&fragment).expect("a well-formed fragment");
    let files = document.descendants().filter(|node| node.tag_name().name() == "File");
    files
        .map(|file| {
            let attribute = |name| file.attribute(name).expect("an attribute").to_owned();
            let sha256 = xml::child(file, "AdditionalDigest").expect("Windows demands SHA-256");
            let sha1 = attribute("Digest");
            FileFacts {
                name: attribute("FileName"),
                size: attribute("Size").parse().expect("a number"),
                sha256: sha256.text().unwrap_or_default().to_owned(),
                url: locations.get(&sha1).expect("a location").clone(),
                sha1,
            }
        })
        .collect()
}

/// A digest as documents write it.
fn base64_digest(algorithm: &'static Algorithm, bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(digest(algorithm, bytes))
}

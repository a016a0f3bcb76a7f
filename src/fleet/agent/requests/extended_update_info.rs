//! GetExtendedUpdateInfo and GetFileLocations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Cookie, request, revision_ids, strings};
use crate::wire::operation::Operation;
use crate::wire::types::Sha1;

/// What is asked of revisions.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The session's cookie.
    pub cookie: &'a Cookie,
    /// The revisions, ascending.
    pub revision_ids: &'a [u32],
    /// Languages, the preferred first, as in `en-US`, `en`.
    pub locales: &'a [String],
    /// `Name=Value;` pairs that describe the computer.
    pub device_attributes: &'a str,
    /// The country, as in `USA`.
    pub geo_id: &'a str,
    /// `Name=Value;` pairs that describe who asked for the scan.
    pub caller_attributes: &'a str,
}

impl Question<'_> {
    /// The request.
    pub fn write(&self) -> Vec<u8> {
        request(Operation::GetExtendedUpdateInfo, |out| {
            self.cookie.write(out, "cookie");
            revision_ids(out, "revisionIDs", self.revision_ids);
            out.element("infoTypes", |out| {
                out.text("XmlUpdateFragmentType", "Extended");
                out.text("XmlUpdateFragmentType", "LocalizedProperties");
            });
            strings(out, "locales", self.locales.iter().map(String::as_str));
            out.text("deviceAttributes", self.device_attributes);
            out.text("GeoId", self.geo_id);
            out.text("callerAttributes", self.caller_attributes);
        })
    }
}

/// Where files are now.
#[derive(Debug, Clone, Copy)]
pub struct FileLocationsQuestion<'a> {
    /// The session's cookie.
    pub cookie: &'a Cookie,
    /// The files.
    pub files: &'a [Sha1],
}

impl FileLocationsQuestion<'_> {
    /// The request.
    pub fn write(&self) -> Vec<u8> {
        request(Operation::GetFileLocations, |out| {
            self.cookie.write(out, "cookie");
            out.list("fileDigests", self.files, |out, file| {
                out.text("base64Binary", &STANDARD.encode(file.0));
            });
        })
    }
}

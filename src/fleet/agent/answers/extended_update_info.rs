//! Answers to GetExtendedUpdateInfo and GetFileLocations.

use std::sync::Arc;

use super::sequence::{list, revision_ids, sha1, text, value};
use super::{Field, Sequence, optional, read_cookie, required};
use crate::fleet::agent::requests::Cookie;
use crate::fleet::library::{Extended, Library, Localized};
use crate::fleet::referee::Complaint;
use crate::wire::types::Sha1;
use crate::wire::xml::Cursor;

/// What was asked for.
#[derive(Debug, Default)]
pub struct ExtendedUpdateInfo {
    /// Fragments, several of a revision.
    pub updates: Vec<UpdateData>,
    /// Where their files are.
    pub file_locations: Vec<FileLocation>,
    /// Revisions to forget.
    pub out_of_scope: Vec<u32>,
}

/// A fragment of a revision.
#[derive(Debug)]
pub struct UpdateData {
    /// The server's number for the revision.
    pub id: u32,
    /// What it is.
    pub kind: Kind,
}

/// A fragment by its kind.
#[derive(Debug)]
pub enum Kind {
    /// Files and handler.
    Extended(Arc<Extended>),
    /// A title in one language.
    Localized(Arc<Localized>),
    /// What was not asked for.
    Other,
}

/// Where a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLocation {
    /// The file.
    pub digest: Sha1,
    /// Its address.
    pub url: String,
}

/// Reads the answer to GetExtendedUpdateInfo. Fragments are looked up in `library`.
pub fn extended_update_info(
    mut cursor: Cursor<'_>,
    library: &Library,
) -> Result<ExtendedUpdateInfo, Complaint> {
    const RESPONSE: &[Field] = &[required("GetExtendedUpdateInfoResult")];
    const RESULT: &[Field] = &[
        optional("Updates"),
        optional("FileLocations"),
        optional("OutOfScopeRevisionIDs"),
        optional("FileDecryptionData"),
    ];
    let mut info = ExtendedUpdateInfo::default();
    let mut response = Sequence::new("GetExtendedUpdateInfoResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        let mut result = Sequence::new("GetExtendedUpdateInfoResult", RESULT);
        while let Some(field) = result.next(&mut cursor)? {
            match field {
                "Updates" => list(&mut cursor, field, "Update", |cursor| {
                    info.updates.push(update(cursor, library)?);
                    Ok(())
                })?,
                "FileLocations" => info.file_locations = locations(&mut cursor)?,
                "OutOfScopeRevisionIDs" => info.out_of_scope = revision_ids(&mut cursor, field)?,
                _ => super::sequence::skip(&mut cursor)?,
            }
        }
    }
    Ok(info)
}

/// Reads the answer to GetFileLocations, which has a new cookie, too.
pub fn file_locations(mut cursor: Cursor<'_>) -> Result<(Vec<FileLocation>, Cookie), Complaint> {
    const RESPONSE: &[Field] = &[required("GetFileLocationsResult")];
    const RESULT: &[Field] = &[optional("FileLocations"), required("NewCookie")];
    let (mut files, mut cookie) = (Vec::new(), Cookie::default());
    let mut response = Sequence::new("GetFileLocationsResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        let mut result = Sequence::new("GetFileLocationsResult", RESULT);
        while let Some(field) = result.next(&mut cursor)? {
            match field {
                "FileLocations" => files = locations(&mut cursor)?,
                _ => cookie = read_cookie(&mut cursor, "NewCookie")?,
            }
        }
    }
    Ok((files, cookie))
}

fn update(cursor: &mut Cursor<'_>, library: &Library) -> Result<UpdateData, Complaint> {
    const FIELDS: &[Field] = &[required("ID"), required("Xml")];
    let (mut id, mut kind) = (0, Kind::Other);
    let mut fields = Sequence::new("Update", FIELDS);
    while let Some(field) = fields.next(cursor)? {
        match field {
            "ID" => id = value(cursor)?,
            _ => {
                let fragment = text(cursor)?;
                kind = if fragment.starts_with("<ExtendedProperties") {
                    Kind::Extended(library.extended(&fragment)?)
                } else if fragment.starts_with("<LocalizedProperties") {
                    Kind::Localized(library.localized(&fragment)?)
                } else {
                    Kind::Other
                };
            }
        }
    }
    Ok(UpdateData { id, kind })
}

fn locations(cursor: &mut Cursor<'_>) -> Result<Vec<FileLocation>, Complaint> {
    const FIELDS: &[Field] =
        &[required("FileDigest"), required("Url"), optional("FileDigestAlgorithm")];
    let mut locations = Vec::new();
    list(cursor, "FileLocations", "FileLocation", |cursor| {
        let (mut digest, mut url) = (Sha1([0; 20]), String::new());
        let mut fields = Sequence::new("FileLocation", FIELDS);
        while let Some(field) = fields.next(cursor)? {
            match field {
                "FileDigest" => digest = sha1(cursor)?,
                "Url" => url = text(cursor)?,
                _ => super::sequence::skip(cursor)?,
            }
        }
        locations.push(FileLocation { digest, url });
        Ok(())
    })?;
    Ok(locations)
}

//! `File` and `EulaFile`: content by digest.
//!
//! SHA-1 is the address on the wire; Windows 8 and later also verify SHA-256
//! ([MS-WUSP] notes 26 and 44), which older documents do not carry.

use crate::wire::types::{Sha1, Sha256};
use crate::wire::xml::Cursor;

use super::error::DocumentError;
use super::model::{EulaFile, UpdateFile};
use super::namespaces::UPDATE;
use super::values::{attribute, digest, number, required};

/// Most files of one update. The largest update seen has 19.
const FILES: usize = 10_000;

/// Reads the children of the `Files` that `cursor` has stepped onto; `express` becomes those of the
/// files that are express files.
pub(crate) fn read_files(
    cursor: &mut Cursor<'_>,
    files: &mut Vec<UpdateFile>,
    express: &mut Vec<Sha1>,
) -> Result<(), DocumentError> {
    while cursor.enter_child()? {
        if (cursor.namespace(), cursor.local()) != (UPDATE, "File") {
            cursor.skip()?;
            continue;
        }
        if files.len() >= FILES {
            return Err(DocumentError::TooMany { what: "files", limit: FILES });
        }
        let patching_type = attribute(cursor, "File/@PatchingType")?.unwrap_or_default();
        let file = read_file(cursor)?;
        if patching_type.trim().eq_ignore_ascii_case("Express") {
            express.push(file.sha1);
        }
        files.push(file);
    }
    Ok(())
}

/// Reads the `EulaFile` that `cursor` has stepped onto.
pub(super) fn read_eula(cursor: &mut Cursor<'_>) -> Result<EulaFile, DocumentError> {
    let language = required(cursor, "EulaFile/@Language")?;
    let geo_id = attribute(cursor, "EulaFile/@GeoId")?.filter(|id| !id.trim().is_empty());
    Ok(EulaFile { file: read_file(cursor)?, language, geo_id })
}

fn read_file(cursor: &mut Cursor<'_>) -> Result<UpdateFile, DocumentError> {
    let algorithm = attribute(cursor, "File/@DigestAlgorithm")?;
    if let Some(algorithm) = algorithm.filter(|name| !names(name, "SHA1")) {
        return Err(DocumentError::value("File/@DigestAlgorithm", &algorithm, "SHA1"));
    }
    let sha1 = required(cursor, "File/@Digest")?;
    let sha1 = Sha1(digest("File/@Digest", &sha1, "Base64 of the 20 bytes of a SHA-1 digest")?);
    let name = required(cursor, "File/@FileName")?;
    let size = number("File/@Size", &required(cursor, "File/@Size")?, "a number of bytes")?;
    let sha256 = read_additional_digest(cursor)?;
    Ok(UpdateFile { sha1, sha256, name, size })
}

/// Reads the rest of a file element; of several SHA-256 digests the first counts.
fn read_additional_digest(cursor: &mut Cursor<'_>) -> Result<Option<Sha256>, DocumentError> {
    const PLACE: &str = "File/AdditionalDigest";
    let mut sha256 = None;
    while cursor.enter_child()? {
        let is_digest = (cursor.namespace(), cursor.local()) == (UPDATE, "AdditionalDigest");
        let algorithm = attribute(cursor, "AdditionalDigest/@Algorithm")?.unwrap_or_default();
        if is_digest && names(&algorithm, "SHA256") && sha256.is_none() {
            let text = cursor.text()?;
            let expected = "Base64 of the 32 bytes of a SHA-256 digest";
            sha256 = Some(Sha256(digest(PLACE, &text, expected)?));
        } else {
            cursor.skip()?;
        }
    }
    Ok(sha256)
}

/// `SHA1` and `SHA-1` are the same algorithm to every publisher.
fn names(text: &str, algorithm: &str) -> bool {
    text.trim().replace('-', "").eq_ignore_ascii_case(algorithm)
}

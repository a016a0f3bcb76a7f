//! Recorded documents, decoded.

use crate::corpus::files;

/// The files of the recordings' folder `name` decoded as documents.
pub(super) fn documents(name: &str) -> Vec<(String, String)> {
    files(name)
        .into_iter()
        .map(|(name, bytes)| (name, super::text::decode_document(&bytes, bytes.len()).unwrap()))
        .collect()
}

//! Documents as servers below this one take them: as text when they are short, and otherwise in a
//! cabinet, which is made once and kept on disk ([MS-WSUSSS] 3.1.4.6.3.3).

use tracing::warn;

use super::{Places, State, StateError};
use crate::metadata::text::encode_utf16;
use crate::wire::cabinet::pack_blob;
use crate::wire::types::Sha256;

/// Most bytes of UTF-16 that real servers send as text: note 36.
const PLAIN_LIMIT: usize = 5_120;

/// A document for a downstream server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncDocument {
    /// Its text.
    Plain(String),
    /// A cabinet with its text in UTF-16.
    Packed(Vec<u8>),
}

impl State {
    /// The document of a revision, of which the digest is known, for a downstream server
    /// (blocking).
    pub fn sync_document(
        &self,
        places: Places,
        digest: Sha256,
    ) -> Result<SyncDocument, StateError> {
        if let Some(cabinet) = self.packed.get(digest) {
            return Ok(SyncDocument::Packed(cabinet));
        }
        let document = self.document(places)?;
        let text = encode_utf16(&document);
        if text.len() <= PLAIN_LIMIT {
            return Ok(SyncDocument::Plain(document));
        }
        // Documents that can be imported are far below what a cabinet holds.
        let Ok(cabinet) = pack_blob(&text) else { return Ok(SyncDocument::Plain(document)) };
        if let Err(error) = self.packed.put(digest, &cabinet) {
            warn!(%error, "a packed document cannot be kept, and will be packed again");
        }
        Ok(SyncDocument::Packed(cabinet))
    }
}

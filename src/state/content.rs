//! Taking content files in.

use std::io::Read;
use std::sync::Arc;

use super::records::ContentRecord;
use super::{State, StateError, blocking};
use crate::metadata::model::UpdateFile;
use crate::wire::types::Sha1;

/// A file that is now here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedContent {
    /// What the metadata says of it.
    pub file: UpdateFile,
    /// Whether it was not here before.
    pub new: bool,
}

impl State {
    /// Takes in the file that the metadata knows by `sha1`, once length and digests agree.
    ///
    /// # Errors
    /// When no revision names the file, or its bytes are others. Nothing of it stays.
    pub async fn add_content(
        &self,
        sha1: Sha1,
        source: impl Read + Send + 'static,
    ) -> Result<AddedContent, StateError> {
        let published = self.published();
        let not_found = || StateError::NotFound { kind: "file", name: sha1.to_hex() };
        let file = self.file(&published, &sha1)?.ok_or_else(not_found)?;
        let contents = Arc::clone(&self.contents);
        let expected = file.clone();
        blocking(move || contents.add(source, &expected)).await??;
        let size = file.size;
        let new = self
            .writer
            .submit(move |transaction| {
                if transaction.model.contents.contains_key(&sha1) {
                    return Ok(false);
                }
                let changed = transaction.sequence();
                transaction.put_content(sha1, ContentRecord { size, changed });
                Ok(true)
            })
            .await?;
        Ok(AddedContent { file, new })
    }
}

//! Taking content files in.

use std::io::Read;
use std::sync::Arc;

use serde_json::json;

use super::records::{ContentRecord, WantedRecord};
use super::{State, StateError, blocking};
use crate::content::partial::Partial;
use crate::metadata::model::UpdateFile;
use crate::policy::by::By;
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
    /// Takes in the file that the metadata knows by `sha1`, once length and digests agree, because
    /// `by` brings it.
    ///
    /// # Errors
    /// When no revision names the file, or its bytes are others. Nothing of it stays.
    pub async fn add_content(
        &self,
        by: By,
        sha1: Sha1,
        source: impl Read + Send + 'static,
    ) -> Result<AddedContent, StateError> {
        let published = self.published();
        let not_found = || StateError::NotFound { kind: "file", name: sha1.to_hex() };
        let file = self.file(&published, &sha1)?.ok_or_else(not_found)?;
        let contents = Arc::clone(&self.contents);
        let expected = file.clone();
        blocking(move || contents.add(source, &expected)).await??;
        let new = self.note_content(Some(by), sha1, file.size).await?;
        Ok(AddedContent { file, new })
    }

    /// Takes in a file that came in parts, once length and digests agree. What was there of it is
    /// gone in every case.
    ///
    /// # Errors
    /// When its bytes are others than `file` says, or the disk or the store fails.
    pub async fn adopt_content(
        &self,
        partial: Partial,
        file: &UpdateFile,
    ) -> Result<(), StateError> {
        let (contents, expected) = (Arc::clone(&self.contents), file.clone());
        blocking(move || contents.adopt(partial, &expected)).await??;
        self.note_content(None, file.sha1, file.size).await.map(|_| ())
    }

    /// Lets clients have a file that was verified; true if they could not before. `by` is who
    /// brought it, unless it was downloaded.
    pub(super) async fn note_content(
        &self,
        by: Option<By>,
        sha1: Sha1,
        size: u64,
    ) -> Result<bool, StateError> {
        let contents = Arc::clone(&self.contents);
        self.writer
            .submit(move |transaction| {
                if transaction.model.contents.contains_key(&sha1) {
                    return Ok(false);
                }
                // A cleanup that had found the file without a use may have removed this one, too.
                if !contents.contains(&sha1, size) {
                    let reason = "the file was removed as it arrived; it has to come again";
                    return Err(StateError::Refused(reason.into()));
                }
                if let Some(by) = by {
                    transaction
                        .journal(&by, json!({ "add_content": sha1.to_hex(), "bytes": size }));
                }
                let changed = transaction.sequence();
                transaction.put_content(sha1, ContentRecord { size, changed });
                Ok(true)
            })
            .await
    }

    /// Takes note that a downstream server needs these files, as far as they are not here. They
    /// stay noted until they arrive.
    pub async fn want_content(&self, files: Vec<Sha1>) -> Result<(), StateError> {
        self.writer
            .submit(move |transaction| {
                let since = transaction.now;
                for sha1 in files {
                    let model = &transaction.model;
                    if !model.contents.contains_key(&sha1) && !model.wanted.contains_key(&sha1) {
                        transaction.put_wanted(sha1, WantedRecord { since });
                    }
                }
                Ok(())
            })
            .await
    }

    /// The files that downstream servers asked for and that are not here, the one first that was
    /// asked for first.
    pub async fn wanted_content(&self) -> Result<Vec<Sha1>, StateError> {
        self.writer
            .submit(|transaction| {
                let mut wanted: Vec<_> = transaction.model.wanted.iter().collect();
                wanted.sort_by_key(|(_, record)| record.since);
                Ok(wanted.into_iter().map(|(sha1, _)| *sha1).collect())
            })
            .await
    }
}

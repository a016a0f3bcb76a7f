//! Where files come from, as an upstream server told.
//!
//! A catalogue names some 300,000 files, and where they are at Microsoft is asked for by downstream
//! servers and downloads only. So this is the one part of the catalogue that is not in memory: it
//! is read from the store when somebody asks, through the writer, which owns it.

use std::collections::HashMap;

use super::records::FileOrigin;
use super::transaction::Transaction;
use super::{State, StateError};
use crate::store::Tree;
use crate::wire::types::Sha1;

/// Most bytes of an address, and of a key: what is longer is not kept. Microsoft's addresses have
/// some 150.
const ORIGIN_LIMIT: usize = 4096;

impl State {
    /// Keeps where files come from, before or after the revisions that name them arrive. At most
    /// [`Batch::ADVISED_CHANGES`](crate::store::Batch::ADVISED_CHANGES) at a time. What is known
    /// already costs no write; what is neither address nor key is not kept.
    pub async fn set_origins(&self, origins: Vec<(Sha1, FileOrigin)>) -> Result<(), StateError> {
        let origins: Vec<_> = origins.into_iter().filter_map(usable).collect();
        if origins.is_empty() {
            return Ok(());
        }
        self.writer
            .submit(move |transaction: &mut Transaction<'_>| {
                let mut changed = Vec::new();
                for (sha1, origin) in origins {
                    let known = transaction.stored::<FileOrigin>(Tree::Origins, &sha1.0)?;
                    if known.as_ref() != Some(&origin) {
                        changed.push((sha1, origin));
                    }
                }
                changed.iter().for_each(|(sha1, origin)| transaction.put_origin(*sha1, origin));
                Ok(())
            })
            .await
    }

    /// Where those of these files come from of which that is known.
    pub async fn origins(&self, files: Vec<Sha1>) -> Result<HashMap<Sha1, FileOrigin>, StateError> {
        if files.is_empty() {
            return Ok(HashMap::new());
        }
        self.writer
            .submit(move |transaction| {
                let mut origins = HashMap::new();
                for sha1 in files {
                    if let Some(origin) = transaction.stored(Tree::Origins, &sha1.0)? {
                        origins.insert(sha1, origin);
                    }
                }
                Ok(origins)
            })
            .await
    }
}

/// What of an origin is kept, if anything.
fn usable((sha1, origin): (Sha1, FileOrigin)) -> Option<(Sha1, FileOrigin)> {
    let is_address = |url: &String| {
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        matches!(scheme.as_deref(), Some("http" | "https")) && url.len() <= ORIGIN_LIMIT
    };
    let mu_url = origin.mu_url.filter(is_address);
    let decryption_key =
        origin.decryption_key.filter(|key| !key.is_empty() && key.len() <= ORIGIN_LIMIT);
    let is_known = mu_url.is_some() || decryption_key.is_some();
    is_known.then_some((sha1, FileOrigin { mu_url, decryption_key }))
}

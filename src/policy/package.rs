//! Deployment packages: named, versioned sets of content.
//!
//! A package is what a distribution point holds. It lists files, not updates: so a version says for ever
//! the same, and one that was exported can be verified years later, whatever became of its updates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::metadata::model::UpdateFile;

/// Most files of a package: what a record of it holds.
pub const FILES: usize = 4_000;

/// A named set of content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// For ever the same.
    pub id: Uuid,
    /// As administrators call it.
    pub name: String,
    /// 1 when it is made and empty, and one more with each change.
    pub version: u32,
    /// Unix seconds of the last change.
    pub changed: i64,
    /// The files of each update in it, with those of all it bundles.
    pub updates: BTreeMap<Uuid, Vec<UpdateFile>>,
}

impl Package {
    /// Its files, each once.
    pub fn files(&self) -> BTreeMap<[u8; 20], &UpdateFile> {
        self.updates.values().flatten().map(|file| (file.sha1.0, file)).collect()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.files().values().map(|file| file.size).sum()
    }
}

//! Making a data directory of a backup.
//!
//! The backup is read twice: the first time to be sure of every byte of it, the second time to take
//! it. What was made is then opened once, as at any start, before anybody else may open it, and a
//! timeline is begun in it.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::backup::{CONTENT, JOURNAL, TLS, is_certificate_or_key};
use super::{Settings, State, StateError};
use crate::content::files::place_of;
use crate::policy::by::By;
use crate::store::backup::{Header, Item, Reader, Summary};
use crate::store::restoring::Restoring;
use crate::store::{Batch, Change, Store, StoreError, Tree};
use crate::wire::types::Sha1;

/// Bytes of values after which a commit is made, besides [`Batch::ADVISED_CHANGES`].
const BATCH_BYTES: usize = 4 << 20;
/// Bytes that are read at once.
const BUFFER: usize = 1 << 20;

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says of itself.
    pub header: Header,
    /// How much it is, and its digest.
    pub summary: Summary,
    /// Records and removals of records.
    pub records: u64,
    /// Files.
    pub files: u64,
    /// The content files in it.
    contents: HashSet<Sha1>,
}

impl Verified {
    /// What a backup is, for whoever made or restored it.
    pub fn as_json(&self) -> Value {
        let Self { header, summary, records, files, .. } = self;
        json!({
            "created": header.created,
            "version": header.version,
            "content": header.content,
            "records": records,
            "files": files,
            "sha256": summary.sha256,
        })
    }
}

/// Reads a backup from its first to its last byte (blocking).
///
/// # Errors
/// When it is damaged, cut off, or names a file that no backup has.
pub fn verify(backup: &Path) -> Result<Verified, StateError> {
    let (mut reader, header) = open(backup)?;
    let (mut records, mut files) = (0, HashSet::new());
    let mut contents = HashSet::new();
    while let Some(item) = reader.item()? {
        match item {
            Item::Change(_) => records += 1,
            Item::File { path, .. } => {
                let place = place(&path).ok_or_else(|| reader.bad("no backup has such a file"))?;
                contents.extend(place.content);
                if !files.insert(place.path) {
                    return Err(reader.bad("a file comes twice").into());
                }
            }
        }
    }
    let summary = reader.summary().cloned().ok_or_else(|| reader.bad("the end is missing"))?;
    Ok(Verified { header, summary, records, files: files.len() as u64, contents })
}

/// Makes the data directory `data` of a backup. When it fails nobody can open what is there, and
/// another attempt begins anew.
///
/// # Errors
/// As [`verify`]; and when `data` is not empty, the disk fails, or what was made cannot be opened.
pub async fn restore(
    backup: PathBuf,
    data: PathBuf,
    settings: &Settings,
    now: fn() -> i64,
) -> Result<Verified, StateError> {
    let into = data.clone();
    let fill = move || -> Result<_, StateError> {
        let verified = verify(&backup)?;
        let (mut restoring, mut store) = Restoring::begin(&into)?;
        take(&backup, &verified, &mut restoring, &mut store)?;
        restoring.settle()?;
        Ok((verified, restoring, store))
    };
    let (verified, restoring, store) = super::blocking(fill).await??;
    let state = State::with_store(&data, Box::new(store), settings, now)?;
    state.begin_timeline(By::administrator(), verified.as_json()).await?;
    state.close().await;
    drop(state);
    restoring.end()?;
    Ok(verified)
}

fn open(backup: &Path) -> Result<(Reader<BufReader<File>>, Header), StoreError> {
    let file = File::open(backup).map_err(|error| StoreError::io(backup, error))?;
    Reader::begin(BufReader::with_capacity(BUFFER, file))
}

fn take(
    backup: &Path,
    verified: &Verified,
    restoring: &mut Restoring,
    store: &mut dyn Store,
) -> Result<(), StoreError> {
    let (mut reader, _) = open(backup)?;
    let (mut batch, mut bytes) = (Batch::new(), 0);
    while let Some(item) = reader.item()? {
        match item {
            // Without its file a record of content would promise clients what is not here.
            Item::Change(Change::Put { tree: Tree::Contents, key, .. })
                if !is_among(&key, &verified.contents) => {}
            Item::Change(Change::Put { tree, key, value }) => {
                bytes += value.len();
                batch.put(tree, key, value);
            }
            Item::Change(Change::Delete { tree, key }) => batch.delete(tree, key),
            Item::File { path, .. } => {
                let place = place(&path).ok_or_else(|| reader.bad("no backup has such a file"))?;
                restoring.file(&place.path, |file| reader.file(file))?;
            }
        }
        if batch.len() == Batch::ADVISED_CHANGES || bytes >= BATCH_BYTES {
            store.commit(&std::mem::take(&mut batch))?;
            bytes = 0;
        }
    }
    store.commit(&batch)?;
    match reader.summary() == Some(&verified.summary) {
        true => Ok(()),
        false => Err(reader.bad("it changed while it was read")),
    }
}

fn is_among(key: &[u8], contents: &HashSet<Sha1>) -> bool {
    key.try_into().is_ok_and(|sha1| contents.contains(&Sha1(sha1)))
}

/// A file of a backup.
struct Place {
    /// Below the data directory.
    path: PathBuf,
    /// If it is a content file, which.
    content: Option<Sha1>,
}

/// Where a file belongs, if there can be such a file: no other path reaches the file system.
fn place(path: &str) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_name = |name: &str| {
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(harmless)
    };
    let content = match parts.as_slice() {
        ["packs", "documents" | "fragments" | "records", name] if is_name(name) => None,
        [JOURNAL, name] if is_name(name) && name.ends_with(".log") => None,
        [TLS, name] if is_name(name) && is_certificate_or_key(name) => None,
        [CONTENT, folder, name] => {
            let sha1 = Sha1::from_hex(name)?;
            if place_of(&sha1) != Path::new(folder).join(name) {
                return None;
            }
            Some(sha1)
        }
        _ => return None,
    };
    Some(Place { path: parts.iter().collect(), content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_ours_have_a_place() {
        for good in [
            "packs/documents/00000000.pack",
            "journal/00000001.log",
            "tls/root.pem",
            "tls/root.key",
            "content/D3/A94A8FE5CCB19BA61C4C0873D391E987982FBBD3",
        ] {
            let path = place(good).unwrap_or_else(|| panic!("{good}")).path;
            assert_eq!(path, Path::new(good));
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "packs/../x",
            "packs/documents/..",
            "packs/documents/.x",
            "packs/other/x",
            "journal/../x.log",
            "tls/a/b.pem",
            "tls/.pem",
            "tls/x",
            "lock",
            "restoring",
            "sled-0.34-v1/db",
            "content/5A/../x",
            "content/00/A94A8FE5CCB19BA61C4C0873D391E987982FBBD3",
            "content//A94A8FE5CCB19BA61C4C0873D391E987982FBBD3",
        ] {
            assert!(place(bad).is_none(), "{bad}");
        }
    }
}

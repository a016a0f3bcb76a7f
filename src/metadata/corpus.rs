//! Finds the recordings that tests compare with.
//!
//! They are third-party data and not part of this repository: without them the tests that need
//! them say so and pass, except where continuous integration promises that they are there.

use std::path::{Path, PathBuf};

/// The recordings' folder `name`, or none when there are no recordings.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let corpus = match std::env::var_os("WEIR_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    let folder = corpus.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", folder.display());
    eprintln!("skipped: {} is missing", folder.display());
    None
}

/// The files of the recordings' folder `name` by file name, in order; empty without recordings.
pub(super) fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = folder(name) else { return Vec::new() };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The files of [`files`] decoded as documents.
pub(super) fn documents(name: &str) -> Vec<(String, String)> {
    files(name)
        .into_iter()
        .map(|(name, bytes)| (name, super::text::decode_document(&bytes, bytes.len()).unwrap()))
        .collect()
}

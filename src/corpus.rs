//! Finds the recordings that tests compare with.
//!
//! They are third-party data and not part of this repository. `WEIR_CORPUS` says where they are;
//! by default they are beside the project. Without them the tests that need them say so and pass,
//! except in continuous integration, which promises that they are there.

use std::path::{Path, PathBuf};

/// All recordings, or none.
pub(crate) fn path() -> Option<PathBuf> {
    let path = std::env::var_os("WEIR_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    if path.is_dir() {
        return Some(path);
    }
    let promised = std::env::var("CI").as_deref() == Ok("true");
    assert!(!promised, "no recordings at {}", path.display());
    eprintln!("skipped: no recordings at {}", path.display());
    None
}

/// One folder of the recordings, or none without recordings.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = path()?.join(name);
    assert!(folder.is_dir(), "the recordings have no {name}");
    Some(folder)
}

/// The files of a folder by name, in order; empty without recordings.
pub(crate) fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = folder(name) else { return Vec::new() };
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

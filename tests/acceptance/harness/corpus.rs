//! Finds the recordings that the tests compare with; see `src/corpus.rs` for the rules.

use std::path::{Path, PathBuf};

/// A folder of the recordings, or none without recordings.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("WEIR_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    if path.is_dir() {
        let folder = path.join(name);
        assert!(folder.is_dir(), "the recordings have no {name}");
        return Some(folder);
    }
    let promised = std::env::var("CI").as_deref() == Ok("true");
    assert!(!promised, "no recordings at {}", path.display());
    eprintln!("skipped: no recordings at {}", path.display());
    None
}

/// The entries of a folder, in order.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

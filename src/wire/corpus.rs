//! The recordings that tests hold the wire formats against.

use std::path::PathBuf;

/// Where the recordings are: `$WEIR_CORPUS`, or beside the project. They are not part of it, so
/// a test without them says that it skipped; in continuous integration it fails.
pub(crate) fn path() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let path = std::env::var_os("WEIR_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no corpus at {path:?}");
    eprintln!("skipped: no corpus at {path:?}");
    None
}

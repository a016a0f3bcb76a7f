//! Recordings of real agents and a real server, where a checkout has them beside it.

use std::path::{Path, PathBuf};

/// The folder `name` of the corpus; none, with a note, when it is absent outside CI.
pub(super) fn folder(name: &str) -> Option<PathBuf> {
    let corpus = std::env::var_os("WEIR_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    let folder = corpus.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", folder.display());
    eprintln!("skipped: {} is missing", folder.display());
    None
}

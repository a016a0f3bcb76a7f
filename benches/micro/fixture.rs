//! A small generated catalogue and a data directory it was imported into, kept under
//! `target/bench`, because making them under valgrind would take minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use weir::state::{Published, State};
use weir::wire::types::RevisionId;

/// Documents in it.
const DOCUMENTS: &str = "1000";

/// Makes both if they are not there.
pub(crate) fn provide() {
    let root = root();
    if root.exists() {
        return;
    }
    let unfinished = root.with_extension("unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    let catalogue = unfinished.join("catalogue");
    let generate = ["catalogue", "generate", "--preset", "std", "--count", DOCUMENTS, "--out"];
    weir(Command::new(env!("CARGO_BIN_EXE_weir")).args(generate).arg(&catalogue));
    let mut import = Command::new(env!("CARGO_BIN_EXE_weir"));
    weir(import.arg("import").arg(catalogue).arg("--data").arg(unfinished.join("data")));
    fs::rename(unfinished, root).expect("renamed");
}

fn weir(command: &mut Command) {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.expect("the program starts").success(), "{command:?}");
}

/// Another version of the program makes another one.
fn root() -> PathBuf {
    let name = format!("../bench/micro-{}", env!("CARGO_PKG_VERSION").replace('.', "-"));
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The document of a number.
pub(crate) fn document(number: usize) -> String {
    let path = root().join(format!("catalogue/documents/0000/{number:07}.xml"));
    fs::read_to_string(path).expect("a document")
}

/// The largest document.
pub(crate) fn largest_document() -> String {
    let numbers = 0..DOCUMENTS.parse().expect("a number");
    numbers.map(document).max_by_key(String::len).expect("a document")
}

/// What a server answers from.
pub(crate) fn published() -> Arc<Published> {
    let data = root().join("data");
    let state = State::open(&data, &Default::default(), || 0).expect("a data directory");
    state.published()
}

/// The ids of the categories and detectoids of a snapshot: the most that can be installed.
pub(crate) fn markers(published: &Published) -> Vec<RevisionId> {
    let revisions = published.catalog.revisions();
    let markers = revisions.filter(|(index, revision)| {
        use weir::metadata::model::UpdateType::{Category, Detectoid};
        matches!(revision.metadata.update_type, Category | Detectoid)
            && published.catalog.members(*index).is_empty()
    });
    markers.map(|(_, revision)| revision.id).collect()
}

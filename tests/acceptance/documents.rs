//! Real documents give the real server's fragments, byte for byte, however they are imported.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::corpus;
use crate::harness::directory::Directory;

#[test]
fn a_directory_that_nobody_serves_gives_the_recorded_fragments() {
    let directory = Directory::new();
    import_all(&directory);
    every_fragment_is_the_recorded_one(&directory);
}

#[test]
fn a_running_server_gives_the_recorded_fragments() {
    let directory = Directory::new();
    let server = directory.serve(&[]);
    import_all(&directory);
    every_fragment_is_the_recorded_one(&directory);
    // It was the server that answered: without it, nothing else could have opened the directory.
    assert!(directory.data().join("weir.sock").exists());
    server.stop();
    every_fragment_is_the_recorded_one(&directory);
}

fn import_all(directory: &Directory) {
    let (Some(documents), Some(others)) =
        (corpus::folder("documents"), corpus::folder("documents-other"))
    else {
        return;
    };
    let expected = json!({ "revisions": 6, "new": 6, "unchanged": 0, "rejected": [] });
    assert_eq!(directory.import(&[&documents]), expected);
    let expected = json!({ "revisions": 9, "new": 3, "unchanged": 6, "rejected": [] });
    assert_eq!(directory.import(&[&documents, &others]), expected);
}

fn every_fragment_is_the_recorded_one(directory: &Directory) {
    let Some(fragments) = corpus::folder("fragments") else { return };
    let mut compared = 0;
    for path in corpus::entries(&fragments) {
        let (update, revision, kind) = parts(&path);
        let shown = directory.run(&[
            "update",
            "show",
            &update,
            "--revision",
            &revision,
            "--fragment",
            &kind,
        ]);
        assert!(shown.status.success(), "{shown:?}");
        let shown = String::from_utf8(shown.stdout).expect("UTF-8");
        let recorded = fs::read_to_string(&path).expect("readable");
        assert_eq!(blanked(&shown, &recorded), recorded, "{}", path.display());
        compared += 1;
    }
    assert_eq!(compared, 18);
}

/// `<update>-r<revision>.<kind>.xml`, where the kind of localized properties names the language.
fn parts(path: &Path) -> (String, String, String) {
    let name = path.file_name().expect("a name").to_str().expect("UTF-8");
    let [identity, kind, "xml"] = name.split('.').collect::<Vec<_>>()[..] else {
        panic!("not a fragment: {name}");
    };
    let (update, revision) = identity.rsplit_once("-r").expect("a revision");
    let kind = kind.strip_suffix("-en").unwrap_or(kind);
    (update.to_owned(), revision.to_owned(), kind.to_owned())
}

/// `shown` with its link ids blanked where the recording has them blanked.
fn blanked(shown: &str, recorded: &str) -> String {
    const BLANK: &str = "LinkId=REDACTED";
    if !recorded.contains(BLANK) {
        return shown.to_owned();
    }
    let mut parts = shown.split("LinkId=");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(BLANK);
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    text
}

//! Synthetic catalogues from the command line: generated, imported, their content added.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn weir(arguments: &[&str], data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).arg("--json").arg("--data").arg(data);
    command.output().expect("the program runs")
}

fn json(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn profile() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/profiles");
    folder.join("windows-10-22h2-x64.json")
}

#[test]
fn a_catalogue_is_generated_imported_and_served_its_content() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("catalogue");
    let data = directory.path().join("data");
    let profile = profile();
    let mut generate = vec!["catalogue", "generate", "--preset", "tiny", "--content"];
    generate.extend(["--profile", text(&profile), "--out", text(&out)]);
    let made = weir(&generate, &data);
    let manifest = json(&made);
    assert!(made.status.success(), "{manifest}");
    assert_eq!(manifest["documents"], 300);
    assert_eq!((&manifest["refused"], &manifest["repeated"]), (&0.into(), &0.into()));
    let stored = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    assert_eq!(serde_json::from_str::<Value>(&stored).expect("JSON"), manifest);

    let oracle = std::fs::read(out.join("oracle-windows-10-22h2-x64.json")).expect("an oracle");
    let oracle: Value = serde_json::from_slice(&oracle).expect("JSON");
    for list in ["detected", "installed", "needed", "offered"] {
        assert!(oracle[list].as_array().is_some_and(|ids| !ids.is_empty()), "{list}");
    }

    let imported = json(&weir(&["import", text(&out)], &data));
    assert_eq!((&imported["new"], &imported["unchanged"]), (&300.into(), &0.into()));
    assert_eq!(imported["rejected"], Value::Array(Vec::new()));

    let files = files_under(&out.join("content"));
    assert_eq!(manifest["content_files"], files.len());
    let mut add = vec!["content", "add"];
    add.extend(files.iter().map(|file| text(file)));
    let added = json(&weir(&add, &data));
    assert_eq!(added["refused"], Value::Array(Vec::new()));
    assert_eq!(added["added"].as_array().map(Vec::len), Some(files.len()));

    let again = weir(&generate, &data);
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
    assert_eq!(again.status.code(), Some(1));
}

/// The whole of it has 200,000 documents; every part of a catalogue has its mixture.
#[test]
fn a_part_of_the_catalogue_that_is_half_drivers_is_imported() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("catalogue");
    let data = directory.path().join("data");
    let generate = ["catalogue", "generate", "--preset", "mu", "--count", "160"];
    let manifest = json(&weir(&[&generate[..], &["--out", text(&out)]].concat(), &data));
    let imported = json(&weir(&["import", text(&out)], &data));
    assert_eq!(imported["new"], 160, "{imported}");
    assert_eq!(imported["rejected"], Value::Array(Vec::new()));
    let of = |kind: &str| manifest["kinds"][kind].as_u64().unwrap_or_default();
    let updates = of("drivers") + of("leaves") + of("bundles") + of("single");
    assert!(of("drivers") * 2 >= updates, "{manifest}");
    // Some documents are later revisions of a driver that is there, or withdraw one.
    let count = |key: &str| manifest[key].as_u64().expect(key);
    let fewest = of("drivers") - count("later_revisions") - count("expired");
    let listed = json(&weir(&["update", "list"], &data));
    let listed = listed.as_array().expect("updates").iter();
    let drivers = listed.filter(|update| update["type"] == "driver").count() as u64;
    assert!((fewest..=of("drivers")).contains(&drivers), "{drivers}: {manifest}");
}

/// What an importer makes of hostile documents is stated in the manifest beforehand.
#[test]
fn hostile_documents_are_imported_but_for_those_that_contradict_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("catalogue");
    let data = directory.path().join("data");
    let generate = ["catalogue", "generate", "--preset", "hostile", "--out", text(&out)];
    let manifest = json(&weir(&generate, &data));
    let import = weir(&["import", text(&out)], &data);
    let imported = json(&import);
    assert_eq!(import.status.code(), Some(1), "something was refused");
    let rejected = imported["rejected"].as_array().expect("a list");
    let reasons: BTreeSet<&str> = rejected
        .iter()
        .filter_map(|one| one["reason"].as_str())
        .filter_map(|reason| reason.split_once(" is there with other content"))
        .map(|(revision, _)| revision)
        .collect();
    assert_eq!(manifest["refused"], reasons.len(), "{rejected:?}");
    assert_eq!(manifest["refused"], rejected.len());
    assert_eq!(imported["unchanged"], manifest["repeated"]);
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let taken = number(&imported["new"]) + number(&imported["unchanged"]);
    assert_eq!(taken + rejected.len() as u64, number(&manifest["documents"]));

    let profile = profile();
    let elsewhere = directory.path().join("other");
    let mut generate = generate.to_vec();
    generate.truncate(5);
    generate.extend([text(&elsewhere), "--profile", text(&profile)]);
    let refused = weir(&generate, &data);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!elsewhere.exists());
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}

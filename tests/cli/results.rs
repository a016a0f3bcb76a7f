//! What commands answer, the same whether or not a server runs on the directory.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use weir::metadata::fragments;

use super::support::{Server, run, sample, scratch};

/// An update of the sample catalogue, its document and one of its files.
const UPDATE: &str = "7456a8f7-7f21-40e2-a8fa-dde68514c694";
const DOCUMENT: &str = "gauge-2.1.xml";
const CONTENT: &str = "../content/gauge-2.1.exe";

#[test]
fn directories_are_imported_with_those_below_and_quietly() {
    let dir = scratch();
    let below = dir.path().join("import/one/two");
    fs::create_dir_all(&below).expect("directories");
    for (name, to) in [("detectoid-x64.xml", "a.XML"), (DOCUMENT, "one/two/b.xml")] {
        fs::copy(sample().join(name), dir.path().join("import").join(to)).expect("copied");
    }
    fs::write(below.join("README.txt"), "not a document").expect("written");
    std::os::unix::fs::symlink("..", below.join("up")).expect("a link");
    let import = dir.path().join("import");
    let import = import.to_str().expect("a name");

    let data = dir.path().join("data");
    let first = run(&data, &["import", import, "--json"]).succeeded();
    let report =
        |new: u64| json!({ "revisions": 2, "new": new, "unchanged": 2 - new, "rejected": [] });
    assert_eq!((first.json(), first.err.as_str()), (report(2), ""));
    let again = run(&data, &["import", import, "--json"]).succeeded();
    assert_eq!(again.json(), report(0));
    let told = run(&data, &["import", import]).succeeded();
    assert_eq!(told.out, "2 revisions: 0 new, 2 unchanged\n");

    fs::write(below.join("bad.xml"), "<Update/>").expect("written");
    let refused = run(&data, &["import", import, "--json"]);
    let rejected = refused.json()["rejected"].clone();
    assert_eq!((refused.code, rejected.as_array().map(Vec::len)), (Some(1), Some(1)));
    assert!(rejected[0]["source"].as_str().expect("a name").ends_with("one/two/bad.xml"));
    let none = run(&data, &["import", below.join("up").to_str().expect("a name"), "--json"]);
    assert_eq!(none.json()["revisions"], 1, "a link that is named itself is followed");
}

/// Everything an administrator does, as arguments.
fn session() -> Vec<Vec<String>> {
    let content = sample().join(CONTENT);
    let documents = sample();
    let lines = [
        format!("import {}", documents.display()),
        "group create Pilot".into(),
        "group create Pilot".into(),
        format!("update approve {UPDATE} --group pilot --deadline 2027-01-31T03:00:00Z"),
        format!("update approve {UPDATE} --group nobody"),
        format!("content add {}", content.display()),
        format!("content add {}", documents.join(DOCUMENT).display()),
        "content status".into(),
        "content verify".into(),
        format!("update show {UPDATE}"),
        "update decline 4c21514f-5c01-412b-9866-52125b1a0110".into(),
        "update list".into(),
        "group list".into(),
        "group delete Pilot".into(),
        "computer list".into(),
        "computer show nobody".into(),
        format!("update show {UPDATE}"),
    ];
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// Takes out what differs from one run to the next.
fn steady(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "imported" => *value = Value::Null,
                    "id" if value.is_string() => *value = Value::Null,
                    _ => steady(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(steady),
        _ => {}
    }
}

fn answers(data: &Path) -> Vec<(Option<i32>, Value, String)> {
    let answer = |arguments: Vec<String>| {
        let ran = run(data, &[arguments, vec!["--json".to_owned()]].concat());
        let mut out = if ran.out.is_empty() { Value::Null } else { ran.json() };
        steady(&mut out);
        (ran.code, out, ran.err)
    };
    session().into_iter().map(answer).collect()
}

#[test]
fn a_server_on_the_directory_changes_no_answer() {
    let (alone, served) = (scratch(), scratch());
    let without = answers(alone.path());
    let server = Server::start(served.path(), &[]);
    let with = answers(served.path());
    drop(server);
    for ((with, without), asked) in with.iter().zip(&without).zip(session()) {
        assert_eq!(with, without, "{asked:?}");
    }
    let codes: Vec<_> = with.iter().filter_map(|(code, ..)| *code).collect();
    assert_eq!(codes, [0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
}

#[test]
fn a_fragment_is_exactly_what_is_derived_with_and_without_a_server() {
    let dir = scratch();
    let document = fs::read_to_string(sample().join(DOCUMENT)).expect("a document");
    let derived = fragments::derive(&document).expect("derived");
    let german = |(language, _): &&(String, String)| language == "de";
    let (_, localized) = derived.localized.iter().find(german).expect("German");
    let eula = derived.eula.iter().find(|eula| eula.language == "de").expect("German");
    run(dir.path(), &["import", sample().to_str().expect("a name")]).succeeded();

    let check = || {
        for (kind, expected) in [
            ("core", &derived.core),
            ("extended", &derived.extended),
            ("localized", localized),
            ("eula", &eula.xml),
        ] {
            let arguments = ["update", "show", UPDATE, "--fragment", kind, "--locale", "de"];
            assert_eq!(run(dir.path(), &arguments).succeeded().out, *expected, "{kind}");
        }
        let absent = ["update", "show", UPDATE, "--fragment", "localized", "--locale", "xx"];
        assert_eq!(run(dir.path(), &absent).code, Some(1));
    };
    check();
    let _server = Server::start(dir.path(), &[]);
    check();
}

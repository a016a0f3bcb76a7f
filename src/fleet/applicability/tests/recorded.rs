//! Fragments that real servers sent, and those of documents that real publishers wrote.

use super::super::{Core, Truth};
use crate::corpus;
use crate::fleet::catalogue::tests::profiles;
use crate::metadata::fragments::derive;
use crate::metadata::text::decode_document;
use crate::wire::xml::{Cursor, Limits};

/// All Core fragments, by name.
fn fragments() -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let mut fragments = Vec::new();
    for folder in ["fragments", "fragments-other", "cbs"] {
        let files = corpus::files(folder).into_iter();
        let cores = files.filter(|(name, _)| name.contains("core"));
        fragments.extend(cores.map(|(name, bytes)| (name, text(bytes))));
    }
    for folder in ["documents", "documents-other"] {
        for (name, bytes) in corpus::files(folder) {
            let document = decode_document(&bytes, 1 << 24).expect("text");
            fragments.push((name, derive(&document).expect("fragments").core));
        }
    }
    for (folder, exchanges) in
        [("agent-scan", 6..9), ("agent-flow", 12..13), ("client-basic", 5..6)]
    {
        let Some(folder) = corpus::folder(folder) else { continue };
        for exchange in exchanges {
            let path = folder.join(format!("{exchange:06}/response.body"));
            let body = std::fs::read_to_string(&path).expect("a response");
            let delivered = delivered(&body);
            assert!(!delivered.is_empty(), "{}", path.display());
            fragments.extend(delivered.into_iter().map(|xml| (path.display().to_string(), xml)));
        }
    }
    fragments
}

/// The `UpdateInfo/Xml` of a SyncUpdates response.
fn delivered(body: &str) -> Vec<String> {
    let mut cursor = Cursor::new(body, Limits::DOCUMENT);
    let mut found = Vec::new();
    let mut depth = 0;
    loop {
        if !cursor.enter_child().expect("well-formed") {
            if depth == 0 {
                return found;
            }
            depth -= 1;
        } else if cursor.local() == "Xml" {
            found.push(cursor.text().expect("text").into_owned());
        } else {
            depth += 1;
        }
    }
}

#[test]
fn every_recorded_rule_is_known() {
    let machine = profiles().into_iter().find(|profile| profile.name == "windows-11-25h2-x64");
    let machine = machine.expect("the profile of the recorded agent");
    let fragments = fragments();
    let mut undecided = Vec::new();
    for (name, fragment) in &fragments {
        let core = Core::read(fragment).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(core.unknown_rules(), Vec::<&str>::new(), "{name}");
        if core.is_installed(&machine) == Truth::Unknown
            || core.is_installable(&machine) == Truth::Unknown
        {
            undecided.push(name.as_str());
        }
    }
    if !fragments.is_empty() {
        assert!(fragments.len() > 60, "{}", fragments.len());
        // Its manifest was cut, and with it what the package builds on.
        assert_eq!(undecided, ["cbs-dotnet-core-reduced.xml"]);
    }
}

#[test]
fn recorded_rules_come_to_what_they_say() {
    let verdicts = |name: &str| -> Option<(Truth, Truth)> {
        let fragment = corpus::files("fragments-other").into_iter().find(|file| file.0 == name)?;
        let core =
            Core::read(std::str::from_utf8(&fragment.1).expect("UTF-8")).expect("a fragment");
        let machine = profiles().into_iter().find(|own| own.name == "windows-11-25h2-x64")?;
        Some((core.is_installed(&machine), core.is_installable(&machine)))
    };
    // An Itanium processor; a hotfix for Windows XP, whose `IsInstallable` leaves that to others.
    let expected = [
        ("detectoid-2026.core.xml", (Truth::False, Truth::False)),
        ("xp-hotfix.core.xml", (Truth::False, Truth::True)),
        ("category-2026.core.xml", (Truth::True, Truth::False)),
    ];
    for (name, expected) in expected {
        if let Some(verdicts) = verdicts(name) {
            assert_eq!(verdicts, expected, "{name}");
        }
    }
}

//! Documents that list what the code has: every configuration key with its default, every
//! operation.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use weir::admin::api::describe::description;
use weir::admin::api::reference::reference;
use weir::admin::endpoints;
use weir::wire::operation::Operation;

#[test]
fn the_support_matrix_has_every_operation_and_no_other() {
    let mut listed = BTreeSet::new();
    let mut service = String::new();
    for line in include_str!("../docs/protocol-support.md").lines() {
        if let Some((name, _)) = line.split_once(" web service, `/") {
            service = name.to_owned();
        }
        match line.split('|').map(str::trim).collect::<Vec<_>>()[..] {
            // SyncUpdates has a row for each of its passes.
            ["", operation, _section, "yes" | "in form", _checked, _notes, ""] => {
                let operation = operation.split(',').next().unwrap_or_default();
                listed.insert((service.clone(), operation));
            }
            // Ping has one row for three services.
            ["", services, operation, _section, "yes" | "in form", _notes, ""] => {
                listed.extend(services.split(", ").map(|it| (it.to_owned(), operation)));
            }
            _ => {}
        }
    }
    let known = Operation::ALL.iter().map(|it| (format!("{:?}", it.service()), it.name()));
    assert_eq!(listed, known.collect());
}

#[test]
fn every_key_is_documented_with_its_default() {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(["check-config", "--json"])
        .env_remove("WEIR_CONFIG")
        .env_remove("WEIR_DATA")
        .output()
        .expect("weir");
    assert!(output.status.success());
    let mut defaults = BTreeMap::new();
    let printed = serde_json::from_slice(&output.stdout).expect("JSON");
    collect("", &printed, &mut defaults);
    assert_eq!(documented(), defaults);
}

/// `weir openapi --markdown > docs/api-reference.md` writes it anew.
#[test]
fn the_reference_of_the_api_is_that_of_this_api() {
    let made = reference(&description());
    let written = include_str!("../docs/api-reference.md");
    let differs = made.lines().zip(written.lines()).find(|(made, written)| made != written);
    assert_eq!(differs, None, "docs/api-reference.md is not of this version");
    assert_eq!(made.len(), written.len());
    for endpoint in endpoints() {
        assert!(made.contains(&format!("\n### {}\n", endpoint.name)), "{}", endpoint.name);
    }
}

/// All keys that are no tables, in the dotted form of TOML, with their values in JSON.
fn collect(prefix: &str, value: &Value, keys: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                let dot = if prefix.is_empty() { "" } else { "." };
                collect(&format!("{prefix}{dot}{name}"), value, keys);
            }
        }
        value => {
            keys.insert(prefix.to_owned(), value.to_string());
        }
    }
}

/// The first two cells of every row that begins with code.
fn documented() -> BTreeMap<String, String> {
    let rows = include_str!("../docs/configuration.md").lines();
    let rows = rows.filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let (key, rest) = row.split_once("` | `")?;
        let (default, _) = rest.split_once("` |")?;
        Some((key.to_owned(), default.to_owned()))
    })
    .collect()
}

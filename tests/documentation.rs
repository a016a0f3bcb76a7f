//! Documents that list what the code has: every configuration key with its default, every
//! operation.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use weir::wire::operation::Operation;

#[test]
fn every_operation_is_in_the_support_matrix() {
    let rows = include_str!("../docs/protocol-support.md").lines();
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let documented: BTreeSet<&str> = cells
        .filter_map(|cells| match cells[..] {
            ["", operation, _section, "yes" | "in form", _checked, _notes, ""] => Some(operation),
            ["", _service, operation, _section, "no", ""] => Some(operation),
            _ => None,
        })
        // SyncUpdates has a row for each of its passes.
        .filter_map(|operation| operation.split(',').next())
        .collect();
    let known: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(documented, known);
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

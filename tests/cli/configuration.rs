//! Help, usage, the configuration, and what each mistake is answered with.

use std::fs;

use super::support::{run, scratch, weir};

const COMMANDS: &[&[&str]] = &[
    &["serve"],
    &["import"],
    &["update", "list"],
    &["update", "show"],
    &["update", "approve"],
    &["update", "decline"],
    &["group", "list"],
    &["group", "create"],
    &["group", "delete"],
    &["computer", "list"],
    &["computer", "show"],
    &["computer", "move"],
    &["computer", "delete"],
    &["content", "add"],
    &["content", "status"],
    &["content", "verify"],
    &["tls", "show"],
    &["tls", "trust"],
    &["replay"],
    &["record"],
    &["healthcheck"],
    &["check-config"],
];

#[test]
fn every_command_explains_itself_and_every_option() {
    for command in COMMANDS {
        let help = weir().args(*command).arg("--help").output().expect("runs");
        let text = String::from_utf8(help.stdout).expect("UTF-8");
        assert!(help.status.success() && help.stderr.is_empty(), "{command:?}");
        assert!(text.contains(&format!("Usage: weir {}", command.join(" "))), "{text}");
        for option in ["--data <DIR>", "--config <FILE>", "--json"] {
            assert!(text.contains(option), "{option} in {text}");
        }
        let brief = weir().args(*command).arg("-h").output().expect("runs");
        let text = String::from_utf8(brief.stdout).expect("UTF-8");
        for line in text.lines().filter(|line| line.trim_start().starts_with("--")) {
            let words = line.split_whitespace().filter(|word| !word.starts_with(['-', '<']));
            assert!(words.count() >= 2, "{command:?} does not explain {line}");
        }
    }
    let version = weir().arg("--version").output().expect("runs");
    let expected = format!("weir {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(version.stdout).expect("UTF-8"), expected);
}

#[test]
fn exit_codes_tell_whose_turn_it_is() {
    let dir = scratch();
    let data = dir.path().join("data");
    let config = dir.path().join("weir.toml");
    fs::write(&config, "htp = 'off'\n").expect("written");
    let config = config.to_str().expect("a name");
    let nil = "00000000-0000-0000-0000-000000000000";
    for (arguments, code, told) in [
        (&["check-config"][..], 0, ""),
        (&["update", "show", nil], 1, "weir: there is no update"),
        (&["import", "nowhere.xml"], 1, "weir: cannot read nowhere.xml"),
        (&["healthcheck"], 1, "weir: no server runs on this data directory"),
        (&["update", "show", "one"], 2, "error: invalid value 'one'"),
        (&["update", "approve", nil], 2, "--group <NAME>"),
        (&["no-such-command"], 2, "unrecognized subcommand"),
        (&["check-config", "--config", config], 64, "unknown field `htp`"),
        (&["check-config", "--config", "nowhere.toml"], 64, "nowhere.toml"),
        (&["serve", "--http", "8530"], 64, "neither ADDRESS:PORT nor off"),
        (&["serve", "--http", "off", "--https", "off"], 64, "http and https are both off"),
    ] {
        let ran = run(&data, arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(told), "{told} in {ran:?}");
        assert_eq!(ran.out.is_empty(), code != 0, "{ran:?}");
    }
}

#[test]
fn failures_are_json_too_where_that_is_wanted_and_never_on_standard_output() {
    let dir = scratch();
    let ran = run(dir.path(), &["group", "delete", "Nobody", "--json"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("JSON");
    assert_eq!(error["error"], "there is no group 'Nobody'");
}

/// What `check-config` prints is the example of a configuration file: complete, and valid.
#[test]
fn the_printed_configuration_is_one_and_says_the_same() {
    let dir = scratch();
    let defaults = run(dir.path(), &["check-config"]).succeeded();
    for key in ["http = \"0.0.0.0:8530\"", "[tls]", "[log]", "[limits]", "hold_installs = true"] {
        assert!(defaults.out.contains(key), "{key} in {}", defaults.out);
    }
    let file = dir.path().join("weir.toml");
    fs::write(&file, &defaults.out).expect("written");
    let file = file.to_str().expect("a name");
    let again = run(dir.path(), &["check-config", "--config", file]).succeeded();
    assert_eq!(again.out, defaults.out);
    let json = run(dir.path(), &["check-config", "--json"]).succeeded().json();
    assert_eq!(json["limits"]["installed_ids"], 400);
}

#[test]
fn checking_the_configuration_and_health_touches_no_directory() {
    let dir = scratch();
    let data = dir.path().join("data");
    run(&data, &["check-config"]).succeeded();
    assert_eq!(run(&data, &["healthcheck"]).code, Some(1));
    assert!(!data.exists());
}

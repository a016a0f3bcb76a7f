//! The command line and the API hold each other: what one can do the other can, and what works on this
//! machine alone says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use clap::{Command, CommandFactory};
use weir::admin::{Endpoint, endpoints};
use weir::cli::Cli;

use super::support::{run, scratch};

/// Commands that work without a server, or on this machine, for everybody to see. All others ask.
const LOCAL: &[&str] = &[
    "serve",
    "catalogue generate",
    "restore",
    "openapi",
    "completions",
    "manual",
    "tls show",
    "tls trust",
    "replay",
    "record",
    "fleet",
    "check-config",
];

/// What each other command needs besides its name. FILE is a file that is there, FOLDER one that is not,
/// and ID an update.
const NEEDS: &[(&str, &str)] = &[
    ("import", "FILE"),
    ("update list", ""),
    ("update show", "ID"),
    ("update approve", "ID --group Pilot"),
    ("update accept-licence", "ID"),
    ("update tag", "ID tested"),
    ("update decline", "ID"),
    ("update delete", "ID"),
    ("update restore", "ID"),
    ("group list", ""),
    ("group tree", ""),
    ("group create", "Pilot"),
    ("group move", "Pilot"),
    ("group rename", "Pilot Lab"),
    ("group clock", "Pilot +01:00"),
    ("group delete", "Pilot"),
    ("updategroup list", ""),
    ("updategroup create", "March"),
    ("updategroup add", "March ID"),
    ("updategroup remove", "March ID"),
    ("updategroup deploy", "March --group Pilot"),
    ("updategroup withdraw", "March --group Pilot"),
    ("updategroup delete", "March"),
    ("package list", ""),
    ("package show", "Branch"),
    ("package create", "Branch"),
    ("package add", "Branch ID"),
    ("package remove", "Branch ID"),
    ("package export", "Branch FOLDER"),
    ("package verify", "Branch FOLDER"),
    ("package delete", "Branch"),
    ("rule list", ""),
    ("rule add", "Security --title * --group Pilot"),
    ("rule remove", "Security"),
    ("rule preview", "Security"),
    ("rule run", "Security"),
    ("audit list", ""),
    ("audit undo", "1"),
    ("account list", ""),
    ("account create", "ann --role reporter --password-file FILE"),
    ("account password", "ann --password-file FILE"),
    ("account own-password", "ann --old-password-file FILE --password-file FILE"),
    ("account role", "ann reporter"),
    ("account delete", "ann"),
    ("token list", ""),
    ("token create", "dashboard --role reporter"),
    ("token revoke", "dashboard"),
    ("job list", ""),
    ("job show", "1"),
    ("job cancel", "1"),
    ("notification list", ""),
    ("notification set", "ops --topic sync-failed --webhook https://ops.example/weir"),
    ("notification remove", "ops"),
    ("notification test", "ops"),
    ("events", ""),
    ("backup", "FOLDER"),
    ("cleanup preview", ""),
    ("cleanup run", ""),
    ("placement list", ""),
    ("placement add", "--group Pilot --name pc-*"),
    ("placement remove", "1"),
    ("computer list", ""),
    ("computer show", "pc-1"),
    ("computer move", "pc-1 --group Pilot"),
    ("computer delete", "pc-1"),
    ("report updates", ""),
    ("report computers", ""),
    ("report trend", ""),
    ("report sync", ""),
    ("downstream list", ""),
    ("downstream show", "branch.example"),
    ("downstream approve", "branch.example"),
    ("downstream forget", "branch.example"),
    ("content add", "FILE"),
    ("content status", ""),
    ("content verify", ""),
    ("sync source", ""),
    ("sync categories", ""),
    ("sync select", ""),
    ("sync now", ""),
    ("sync report", ""),
    ("sync status", ""),
    ("sync cancel", ""),
    ("sync history", ""),
    ("sync schedule", ""),
    ("healthcheck", ""),
];

/// A server that knows of nothing, and tells what it is asked.
struct Nothing {
    url: String,
    asked: Receiver<String>,
}

impl Nothing {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                let mut reader = BufReader::new(&stream);
                let (mut line, mut length, mut header) = (String::new(), 0, String::new());
                reader.read_line(&mut line).expect("a request");
                while reader.read_line(&mut header).expect("a header") > 2 {
                    let (name, value) = header.split_once(": ").expect("a header");
                    if name.eq_ignore_ascii_case("content-length") {
                        length = value.trim().parse().expect("a length");
                    }
                    header.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                let answer =
                    "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                (&stream).write_all(answer.as_bytes()).expect("answered");
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { url, asked }
    }
}

/// The commands that have none below them.
fn leaves(command: &Command, above: &str) -> Vec<String> {
    let below = command.get_subcommands();
    let named = |it: &Command| format!("{above} {}", it.get_name()).trim().to_owned();
    let found = below.flat_map(|it| match it.has_subcommands() {
        true => leaves(it, &named(it)),
        false => vec![named(it)],
    });
    found.collect()
}

/// The operation that a request is for.
fn operation(line: &str) -> Option<&'static Endpoint> {
    let mut words = line.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path = target.split('?').next()?.strip_prefix("/api/v1")?;
    endpoints().iter().find(|endpoint| {
        let (pattern, parts): (Vec<_>, Vec<_>) =
            (endpoint.route.path.split('/').collect(), path.split('/').collect());
        endpoint.route.method.name() == method
            && pattern.len() == parts.len()
            && pattern.iter().zip(parts).all(|(one, other)| one.starts_with('{') || *one == other)
    })
}

/// A command that asks nobody, or somebody else than `--api` names, would do something other than its
/// caller believes.
#[test]
fn every_command_asks_for_an_operation_or_is_named_as_local() {
    let leaves = leaves(&Cli::command(), "");
    let mut known: Vec<&str> =
        NEEDS.iter().map(|(leaf, _)| *leaf).chain(LOCAL.iter().copied()).collect();
    let mut expected: Vec<&str> = leaves.iter().map(String::as_str).collect();
    known.sort_unstable();
    expected.sort_unstable();
    assert_eq!(known, expected);

    let (scratch, server) = (scratch(), Nothing::start());
    let file = scratch.path().join("file");
    std::fs::write(&file, "a password of some length").expect("written");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    for (leaf, needs) in NEEDS {
        let words = needs.split_whitespace().map(|word| match word {
            "FILE" => path(&file),
            "FOLDER" => path(&scratch.path().join("new")),
            "ID" => "7456a8f7-7f21-40e2-a8fa-dde68514c694".to_owned(),
            word => word.to_owned(),
        });
        let command: Vec<String> = leaf
            .split(' ')
            .map(str::to_owned)
            .chain(words)
            .chain(["--api".to_owned(), server.url.clone()])
            .collect();
        let ran = run(scratch.path(), &command);
        let asked: Vec<String> = server.asked.try_iter().collect();
        let first = asked.first().unwrap_or_else(|| panic!("{leaf} asks nobody: {ran:?}"));
        assert!(operation(first).is_some(), "{leaf} asks for {first}");
        assert_ne!(ran.code, Some(0), "{leaf}: there is no such thing: {ran:?}");
    }
    // What they say would be of this machine and not of the server that is named.
    for command in [&["tls", "show"][..], &["tls", "trust"], &["restore", "backup"]] {
        let ran = run(scratch.path(), &[command, &["--api", &server.url]].concat());
        assert_eq!(ran.code, Some(1), "{command:?}: {ran:?}");
        assert!(ran.err.contains("on the machine"), "{command:?}: {ran:?}");
    }
    assert!(server.asked.try_recv().is_err());
}

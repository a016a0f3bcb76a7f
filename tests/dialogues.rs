//! The recordings in `testdata/dialogues`, replayed against `weir serve --sample`.
//!
//! Each holds what a client that is not ours asked, and what it was answered and accepted. An
//! answer that differs now is a change that such a client would see: mend it, or record anew with
//! `tests/tools/record_dialogues.sh` and explain the difference.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The decisions under which the dialogues were recorded.
const DECISIONS: [&str; 3] = [
    "approve 5becb310-bedf-4963-a355-939d61cd755a --deadline 2027-01-31T03:00:00Z",
    "accept-licence 7456a8f7-7f21-40e2-a8fa-dde68514c694",
    "approve 7456a8f7-7f21-40e2-a8fa-dde68514c694 --action optional",
];

#[test]
fn a_whole_dialogue_over_soap_1_1() {
    assert_eq!(replayed("zeep-soap11"), 29);
}

#[test]
fn a_whole_dialogue_over_soap_1_2() {
    assert_eq!(replayed("zeep-soap12"), 29);
}

#[test]
fn downloads() {
    assert_eq!(replayed("curl-ranges"), 15);
}

/// Replays a dialogue against a server of its own; returns the number of exchanges.
fn replayed(name: &str) -> usize {
    let server = SampleServer::start();
    for decision in DECISIONS {
        let mut command: Vec<&str> = ["update"].into_iter().chain(decision.split(' ')).collect();
        if decision.starts_with("approve") {
            command.extend(["--group", "All Computers"]);
        }
        let output = server.weir(&command);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let dialogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dialogues").join(name);
    let dialogue = dialogue.to_str().expect("a plain path");
    let output = server.weir(&["replay", dialogue, "--against", &server.url, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let exchanges = report["exchanges"].as_array().expect("exchanges");
    let judged =
        |exchange: &&Value| matches!(exchange["verdict"].as_str(), Some("equal" | "equivalent"));
    let others: Vec<&Value> = exchanges.iter().filter(|exchange| !judged(exchange)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(output.status.success());
    exchanges.len()
}

/// `weir serve --sample` on a fresh data directory.
struct SampleServer {
    process: Child,
    data: tempfile::TempDir,
    url: String,
}

impl SampleServer {
    fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let mut process = weir(data.path())
            .args(["serve", "--sample", "--http", "127.0.0.1:0", "--https", "off"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("weir");
        let mut ready = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut ready).expect("a line");
        let ready: Value = serde_json::from_str(&ready).expect("a ready line");
        let url = format!("http://{}", ready["http"].as_str().expect("an address"));
        Self { process, data, url }
    }

    /// Another `weir` on the same data directory.
    fn weir(&self, arguments: &[&str]) -> Output {
        weir(self.data.path()).args(arguments).output().expect("weir")
    }
}

impl Drop for SampleServer {
    fn drop(&mut self) {
        // It may have ended already, which the test has then noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn weir(data: &Path) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_weir")));
    // A developer's own configuration is none of a test's business.
    command.env_remove("WEIR_CONFIG").env_remove("RUST_LOG").arg("--data").arg(data);
    command
}

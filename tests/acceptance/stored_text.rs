//! What a computer says of itself is text, wherever it is shown, whoever wrote it. (That mails are text
//! is shown where they are composed, `notifications/email.rs`.)

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::agent::Agent;
use crate::harness::directory::Directory;
use crate::harness::http::Connection;

/// A script that is also a formula, in JSON that is read as a script, and in a table on a terminal.
const NAME: &str = "=</script><script>alert(\"1\")</script>,x";

/// Longest wait for an event on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// As XML has it.
fn escaped(name: &str) -> String {
    name.replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn a_stored_script_in_a_computers_name_stays_text_everywhere() {
    let directory = Directory::new();
    let server = directory.serve(&["--sample", "--admin", "127.0.0.1:0"]);
    let made = directory.json(&["token", "create", "reader", "--role", "administrator"]);
    let key = format!("Bearer {}", made["token"].as_str().expect("a token"));
    let admin = server.admin.clone().expect("an address");

    let mut events = watch(&admin, &key);
    // It is not taken for a name where it says who it is; what it registers with, it chooses.
    let mut agent = Agent::new(Connection::plain(&server.http), "pc.example");
    agent.handshake().expect("a cookie");
    agent.dns_name = escaped(NAME);
    agent.register().expect("registered");
    let told = std::iter::from_fn(|| {
        let mut line = String::new();
        events.read_line(&mut line).expect("a line");
        Some(line)
    });
    let mut told = told.skip_while(|line| !line.contains("computer_changed"));
    assert_eq!(told.next().expect("an event").trim_end(), "event: computer_changed");
    let data = told.next().expect("its data");
    let data = data.trim_end().strip_prefix("data: ").expect("data");
    let data: Value = serde_json::from_str(data).expect("JSON in one line");
    assert_eq!(data["name"], NAME);

    let client_id = agent.client_id.clone();
    directory.json(&["computer", "move", &client_id, "--group", "Unassigned Computers"]);
    let computer = format!("/api/v1/computers/{client_id}");
    for (path, name) in [
        ("/api/v1/computers", "/0/name"),
        (&*computer, "/name"),
        ("/api/v1/reports/computers", "/rows/0/name"),
    ] {
        let answer = ask(&admin, &key, path);
        assert_eq!(answer.pointer(name), Some(&json!(NAME)), "{path}: {answer}");
    }
    let csv = directory.run(&["report", "computers", "--csv"]);
    let csv = String::from_utf8(csv.stdout).expect("UTF-8");
    let cell = format!("\"'{}\"", NAME.replace('"', "\"\""));
    assert!(csv.contains(&cell), "neither a formula nor two cells: {csv}");
    let table = directory.run(&["computer", "list"]);
    assert!(String::from_utf8(table.stdout).expect("UTF-8").contains(NAME));

    directory.json(&["computer", "delete", &client_id]);
    let audit = directory.json(&["audit", "list", "--mentions", "alert"]);
    assert_eq!(audit[0]["what"]["delete_computer"], json!(client_id), "{audit}");
    assert_eq!(audit.pointer("/0/before/name"), Some(&json!(NAME)), "{audit}");
    let answer = ask(&admin, &key, "/api/v1/audit");
    assert!(answer.to_string().contains("before"), "{answer}");
}

/// What a path has, by an answer that no browser takes for anything but JSON.
fn ask(admin: &str, key: &str, path: &str) -> Value {
    let mut connection = Connection::plain(admin);
    let answer = connection.ask("GET", path, &[("Authorization", key)], b"");
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// The stream of events, from when it says that it watches.
fn watch(admin: &str, key: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(admin).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let head = format!("GET /api/v1/events HTTP/1.1\r\nHost: weir\r\nAuthorization: {key}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("asked");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.contains("watching") {
        assert!(reader.read_line(&mut head).expect("a line") > 0, "{head}");
    }
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    assert!(head.contains("x-content-type-options: nosniff\r\n"), "{head}");
    reader
}

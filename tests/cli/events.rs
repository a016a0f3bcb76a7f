//! Following what happens: who watches is told, and nobody watches longer than they may.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir::metadata::sample;

use super::api::{Api, send};
use super::support::{PATIENCE, Server, run, sample as documents, scratch, weir};

const UPDATE: &str = "7456a8f7-7f21-40e2-a8fa-dde68514c694";

/// `weir events --json`, which is killed with the test.
struct Watcher {
    child: Child,
    lines: mpsc::Receiver<Value>,
}

impl Watcher {
    fn start(data: &Path) -> Self {
        let mut command = weir();
        command.args(["events", "--json", "--data"]).arg(data).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines() {
                let line = line.expect("a line");
                let event = serde_json::from_str(&line).expect("an event a line");
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for an event of this name that fits.
    fn told(&self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        let mut others = BTreeMap::<String, usize>::new();
        while begun.elapsed() < PATIENCE {
            let Ok(event) = self.lines.recv_timeout(PATIENCE) else { break };
            assert!(event["at"].is_string(), "{event}");
            if event["event"] == name && fits(&event) {
                return event;
            }
            *others.entry(event["event"].to_string()).or_default() += 1;
        }
        panic!("nobody was told {name}, but {others:?}");
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_watches_is_told_what_happens() {
    let dir = scratch();
    let data = dir.path();
    let server = Server::start(data, &[]);
    let watcher = Watcher::start(data);
    // From the first event on it watches.
    let begun = Instant::now();
    loop {
        run(data, &["group", "create", &format!("G{}", begun.elapsed().as_millis())]).succeeded();
        if watcher.lines.recv_timeout(Duration::from_millis(200)).is_ok() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not watch");
    }
    run(data, &["group", "create", "Pilot<script>"]).succeeded();
    watcher.told("decided", |event| event.to_string().contains("Pilot<script>"));

    run(data, &[Path::new("import"), &documents()]).succeeded();
    let imported = watcher.told("updates_imported", |_| true);
    assert_eq!(imported["revisions"], 22, "{imported}");
    let name = json!(UPDATE);
    assert!(imported["updates"].as_array().expect("a list").contains(&name), "{imported}");

    let contents = sample::contents();
    let (_, bytes) = contents.first().expect("a file");
    let file = data.join("file");
    std::fs::write(&file, bytes).expect("written");
    run(data, &[Path::new("content"), Path::new("add"), &file]).succeeded();
    let arrived = watcher.told("content_arrived", |_| true);
    assert_eq!(arrived["size"], bytes.len(), "{arrived}");

    run(data, &["update", "approve", UPDATE, "--group", "all computers"]).succeeded();
    watcher.told("decided", |event| event["what"]["approve"]["update"] == UPDATE);
    run(data, &["content", "verify"]).succeeded();
    watcher.told("job", |event| event["state"] == "running");
    let job = watcher.told("job", |event| event["state"] == "done");
    assert_eq!((&job["operation"], &job["done"]), (&json!("VerifyContent"), &json!(1)), "{job}");

    let dialogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/dialogues/zeep-soap11");
    let against = format!("http://{}", server.http());
    run(data, &[Path::new("replay"), &dialogue, Path::new("--against"), Path::new(&against)]);
    let registered = watcher.told("computer_changed", |event| event["new"] == true);
    let of_it = |event: &Value| event["computer"] == registered["computer"];
    let reported = watcher.told("computer_reported", of_it);
    let states = reported["states"].as_object().expect("states");
    assert!(states.values().any(|count| *count != 0), "{reported}");
    watcher.told("counters_changed", |event| event["updates"].as_array().is_some());
    let client_id = registered["computer"].as_str().expect("an id");
    run(data, &["computer", "delete", client_id]).succeeded();
    watcher.told("computer_forgotten", of_it);

    // Who watches does not hold the end up.
    let begun = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().0, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

/// Begins to watch over the network, and reads until it does.
fn watch(api: &Api, header: (&str, &str)) -> TcpStream {
    let mut stream = send(api.address(), "GET /api/v1/events", &[header], None);
    let mut read = Vec::new();
    while !read.ends_with(b": watching\n\n\r\n") {
        let mut byte = [0];
        let come = stream.read_exact(&mut byte);
        assert!(come.is_ok(), "{come:?} after {}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
    stream
}

/// What comes until the stream ends.
fn rest(mut stream: TcpStream) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("it ends");
    rest
}

#[test]
fn so_many_may_watch_and_who_does_not_read_holds_nobody_up() {
    let api = Api::start();
    let token = api.token("watcher", "reporter");
    let key = ("Authorization", token.as_str());
    let mut watchers: Vec<_> = (0..32).map(|_| watch(&api, key)).collect();
    let refused = api.ask("GET /api/v1/events", &[key], None);
    assert_eq!(refused.status, 409, "{refused:?}");
    // Nobody of them reads what happens.
    for number in 0..20 {
        run(api.data(), &["group", "create", &format!("G{number}")]).succeeded();
    }
    watchers.pop();
    let begun = Instant::now();
    while api.begin("GET /api/v1/events", &[key]).status != 200 {
        assert!(begun.elapsed() < PATIENCE, "somebody has left");
    }
}

#[test]
fn a_stream_ends_with_the_token_the_session_and_the_account_that_opened_it() {
    let api = Api::start();
    let token = api.token("watcher", "reporter");
    let other = api.token("other", "reporter");
    api.account("ann", "reporter", "a long password");
    api.account("bob", "reporter", "a long password");
    let session = |name: &str| {
        let answer = api.log_in(name, "a long password");
        let cookie = answer.header("set-cookie").expect("a cookie");
        let csrf = answer.json()["csrf_token"].as_str().expect("a token").to_owned();
        (cookie.split(';').next().expect("a pair").to_owned(), csrf)
    };
    let (ann, csrf) = session("ann");
    let (bob, _) = session("bob");
    let by_other = watch(&api, ("Authorization", &other));

    let by_token = watch(&api, ("Authorization", &token));
    run(api.data(), &["token", "revoke", "watcher"]).succeeded();
    run(api.data(), &["group", "create", "Secret"]).succeeded();
    let told = rest(by_token);
    assert!(!told.contains("Secret"), "{told}");
    assert!(told.ends_with("0\r\n\r\n"), "it ends whole: {told}");

    let by_session = watch(&api, ("Cookie", &ann));
    let headers = [("Cookie", ann.as_str()), ("X-CSRF-Token", csrf.as_str())];
    assert_eq!(api.ask("DELETE /api/v1/session", &headers, None).status, 200);
    rest(by_session);

    let by_account = watch(&api, ("Cookie", &bob));
    run(api.data(), &["account", "delete", "bob"]).succeeded();
    rest(by_account);

    // Another's goes on, and was told all of it.
    let mut told = BufReader::new(by_other);
    let mut line = String::new();
    while !line.contains("delete_account") {
        line.clear();
        assert!(told.read_line(&mut line).expect("more") > 0, "it ended");
    }
}

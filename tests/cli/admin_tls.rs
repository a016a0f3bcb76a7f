//! The door for administrators over TLS, asked by a client that is not ours.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::support::{Server, run, scratch};

/// What curl was answered: the status, the head and the body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Asks with curl, which believes `ca` alone; none when it does not believe whoever answers.
fn curl(ca: &Path, url: &str, arguments: &[&str]) -> Option<Answer> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--max-time", "60", "--cacert"])
        .arg(ca)
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .expect("curl is there");
    // 60: the certificate is by somebody else.
    if output.status.code() == Some(60) {
        return None;
    }
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error} {text}");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

#[test]
fn curl_administers_over_tls_with_a_token_and_within_a_session() {
    let (dir, other) = (scratch(), scratch());
    let server = Server::start(dir.path(), &["--sample", "--admin", "0.0.0.0:0"]);
    let port = server.ready["admin"].as_str().and_then(|it| it.rsplit(':').next()).expect("a port");
    let base = format!("https://localhost:{port}/api/v1");
    let (groups, session) = (format!("{base}/groups"), format!("{base}/session"));
    let ca = dir.path().join("tls/root.pem");
    let ask = |url: &str, arguments: &[&str]| curl(&ca, url, arguments).expect("it is believed");
    let json_type = ["--header", "Content-Type: application/json"];

    // By a token.
    assert_eq!(ask(&groups, &[]).status, 401);
    let made = run(dir.path(), &["token", "create", "curl", "--role", "administrator", "--json"]);
    let token = made.succeeded().json()["token"].as_str().expect("a token").to_owned();
    let bearer = format!("Authorization: Bearer {token}");
    let key = ["--header", bearer.as_str()];
    let create = json!({ "name": "Pilot" }).to_string();
    let created = ask(&groups, &[&key[..], &json_type, &["--data", &create]].concat());
    assert_eq!((created.status, &created.json()["name"]), (200, &json!("Pilot")));
    let listed = ask(&format!("{groups}?filter=name:Pilot"), &key);
    assert_eq!((listed.status, listed.json().as_array().map(Vec::len)), (200, Some(1)));

    // By name and password, with the cookie that curl keeps and the token that it has to repeat.
    let file = dir.path().join("password");
    std::fs::write(&file, "a long password").expect("written");
    let file = file.to_str().expect("a name");
    let account = ["account", "create", "ann", "--role", "administrator", "--password-file", file];
    run(dir.path(), &account).succeeded();
    let jar = dir.path().join("cookies");
    let jar = jar.to_str().expect("a name");
    let cookies = ["--cookie", jar, "--cookie-jar", jar];
    let log_in = json!({ "name": "ann", "password": "a long password" }).to_string();
    let opened = ask(&session, &[&cookies[..], &json_type, &["--data", &log_in]].concat());
    assert_eq!(opened.status, 200);
    let set = opened.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie"));
    let set = set.expect("a cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/api"] {
        assert!(set.contains(attribute), "{set}");
    }
    let csrf = opened.json()["csrf_token"].as_str().expect("a token").to_owned();
    let csrf = format!("X-CSRF-Token: {csrf}");
    let who = ask(&session, &cookies);
    assert_eq!((who.status, &who.json()["name"]), (200, &json!("ann")));
    let create = json!({ "name": "Browser" }).to_string();
    let change = [&cookies[..], &json_type, &["--data", &create]].concat();
    assert_eq!(ask(&groups, &change).status, 403, "without the session's token");
    let wrong = [&change[..], &["--header", "X-CSRF-Token: 0"]].concat();
    assert_eq!(ask(&groups, &wrong).status, 403, "with another");
    assert_eq!(ask(&groups, &[&change[..], &["--header", &csrf]].concat()).status, 200);
    let delete = ["--request", "DELETE"];
    let out = ask(&session, &[&cookies[..], &delete, &["--header", &csrf]].concat());
    assert_eq!((out.status, out.json()), (200, json!({ "ended": true })));
    assert_eq!(ask(&session, &cookies).status, 401, "signed out");
    let told = run(dir.path(), &["audit", "list", "--json"]).succeeded().json();
    let by: Vec<&Value> =
        told.as_array().expect("a list").iter().map(|entry| &entry["by"]).collect();
    assert!(by.contains(&&json!("token curl")) && by.contains(&&json!("ann")), "{by:?}");

    // Somebody else's root vouches for nobody here, neither to curl nor to our own client.
    let stranger = other_root(other.path());
    assert!(curl(&stranger, &groups, &key).is_none());
    let tokens = dir.path().join("token");
    std::fs::write(&tokens, &token).expect("written");
    let remote = |ca: &Path| {
        let (url, tokens) = (format!("https://localhost:{port}"), tokens.to_str().expect("a name"));
        let ca = ca.to_str().expect("a name");
        let api = ["--api", &url, "--api-token-file", tokens, "--api-ca-file", ca];
        run(other.path(), &[&["group", "list"][..], &api].concat())
    };
    remote(&ca).succeeded();
    assert_eq!(remote(&stranger).code, Some(1));
}

/// The root of another server.
fn other_root(data: &Path) -> PathBuf {
    let addresses = ["--http", "off", "--https", "127.0.0.1:0"];
    let server = Server::start_at(data, &addresses, &[]);
    server.signal("TERM");
    server.ended();
    data.join("tls/root.pem")
}

//! The API over the network: who may do what, and that the description keeps its word.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir::admin::api::describe::description;
use weir::admin::api::schema;
use weir::admin::{Endpoint, Method, Role, endpoints};

use super::support::{PATIENCE, Server, run, scratch};

const UPDATE: &str = "7456a8f7-7f21-40e2-a8fa-dde68514c694";

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn of(answer: String) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A server with a door for administrators.
pub(super) struct Api {
    pub(super) server: Server,
    dir: TempDir,
}

impl Api {
    pub(super) fn start() -> Self {
        let dir = scratch();
        let server = Server::start(dir.path(), &["--sample", "--admin", "127.0.0.1:0"]);
        Self { server, dir }
    }

    pub(super) fn data(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn address(&self) -> &str {
        self.server.ready["admin"].as_str().expect("an address")
    }

    pub(super) fn ask(&self, line: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        ask(self.address(), line, headers, body)
    }

    /// The head of an answer that goes on, and then goes away.
    pub(super) fn begin(&self, line: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = send(self.address(), line, headers, None);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        Answer::of(String::from_utf8(head).expect("UTF-8"))
    }

    pub(super) fn token(&self, name: &str, role: &str) -> String {
        let made = run(self.data(), &["token", "create", name, "--role", role, "--json"]);
        format!("Bearer {}", made.succeeded().json()["token"].as_str().expect("a token"))
    }

    pub(super) fn account(&self, name: &str, role: &str, password: &str) {
        let file = self.data().join("password");
        std::fs::write(&file, password).expect("written");
        let file = file.to_str().expect("a name");
        let made = ["account", "create", name, "--role", role, "--password-file", file];
        run(self.data(), &made).succeeded();
    }

    pub(super) fn log_in(&self, name: &str, password: &str) -> Answer {
        let body = json!({ "name": name, "password": password });
        self.ask("POST /api/v1/session", &[], Some(&body))
    }
}

fn ask(address: &str, line: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
    let mut answer = String::new();
    send(address, line, headers, body).read_to_string(&mut answer).expect("an answer");
    Answer::of(answer)
}

pub(super) fn send(
    address: &str,
    line: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut head = format!("{line} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        head.push_str("Content-Type: application/json\r\n");
    }
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("asked");
    stream
}

/// A path of the operation; its fields are those of the sample catalogue where there are such.
fn path_of(endpoint: &Endpoint) -> String {
    let segments = endpoint.route.path.split('/').map(|segment| match segment {
        "{update}" => UPDATE,
        "{fragment}" => "core",
        "{number}" | "{job}" => "1",
        "{sha1}" => "0000000000000000000000000000000000000000",
        field if field.starts_with('{') => "nobody",
        segment => segment,
    });
    format!("/api/v1{}", segments.collect::<Vec<_>>().join("/"))
}

fn line_of(endpoint: &Endpoint) -> String {
    format!("{} {}", endpoint.route.method.name(), path_of(endpoint))
}

/// Every operation with every kind of caller. Changes are asked for without a body: they are not
/// made, since a field is missing or the thing is not there, and that is not 401 or 403.
#[test]
fn every_operation_asks_who_is_there() {
    let api = Api::start();
    api.account("ann", "administrator", "a long password");
    api.account("rita", "reporter", "a long password");
    let (administrator, reporter) = (api.token("a", "administrator"), api.token("r", "reporter"));
    let revoked = api.token("gone", "administrator");
    run(api.data(), &["token", "revoke", "gone"]).succeeded();
    let session = |name: &str| {
        let answer = api.log_in(name, "a long password");
        let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/api"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        (cookie, answer.json()["csrf_token"].as_str().expect("a token").to_owned())
    };
    let (ann, ann_csrf) = session("ann");
    let (rita, rita_csrf) = session("rita");

    let is_log_out = |endpoint: &&Endpoint| endpoint.name == "LogOut";
    let last = endpoints().iter().filter(is_log_out);
    for endpoint in endpoints().iter().filter(|it| !is_log_out(it)).chain(last) {
        let (name, line, needed) = (endpoint.name, line_of(endpoint), endpoint.route.role);
        let status = |headers: &[(&str, &str)]| {
            let answer = match &endpoint.download {
                // It would not end by itself.
                Some(_) => api.begin(&line, headers),
                None => api.ask(&line, headers, None),
            };
            let kind = answer.header("content-type").expect("a type");
            match &endpoint.download {
                Some(download) if answer.status == 200 => assert_eq!(kind, download.media_type),
                _ => assert!(kind.starts_with("application/") && kind.ends_with("json")),
            }
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            let policy = answer.header("content-security-policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none'"), "{name}");
            answer.status
        };
        let refused = |status: u16| matches!(status, 401 | 403);
        if needed.is_none() {
            assert!(!refused(status(&[])), "{name} is for anybody");
            continue;
        }
        assert_eq!(status(&[]), 401, "{name} without a key");
        assert_eq!(status(&[("Authorization", "Bearer weir_0")]), 401, "{name}");
        assert_eq!(status(&[("Authorization", "Basic YWRtaW46YWRtaW4=")]), 401, "{name}");
        assert_eq!(status(&[("Authorization", &revoked)]), 401, "{name} with a revoked token");
        assert_eq!(status(&[("Cookie", "weir_session=0")]), 401, "{name}");
        let reads = endpoint.route.method == Method::Get;
        if !reads {
            assert_eq!(status(&[("Cookie", &ann)]), 403, "{name} without the session's token");
            let other = [("Cookie", ann.as_str()), ("X-CSRF-Token", rita_csrf.as_str())];
            assert_eq!(status(&other), 403, "{name} with another session's token");
        }
        let (by_token, by_session) = (
            status(&[("Authorization", &reporter)]),
            status(&[("Cookie", &rita), ("X-CSRF-Token", &rita_csrf)]),
        );
        if needed == Some(Role::Administrator) {
            assert_eq!((by_token, by_session), (403, 403), "{name} is not for reporters");
        } else {
            assert!(!refused(by_token) && !refused(by_session), "{name} is for reporters");
        }
        let by_token = status(&[("Authorization", &administrator)]);
        let by_session = status(&[("Cookie", &ann), ("X-CSRF-Token", &ann_csrf)]);
        if endpoint.here {
            assert_eq!((by_token, by_session), (403, 403), "{name} is for the server's machine");
            continue;
        }
        assert!(!refused(by_token) && !refused(by_session), "{name}: {by_token} {by_session}");
        assert!(by_token < 500 && by_session < 500, "{name}: {by_token} {by_session}");
    }
    let out = api.ask("GET /api/v1/session", &[("Cookie", &ann)], None);
    assert_eq!(out.status, 401, "signed out");
}

/// What is answered is what the description says, for every operation that can be asked without
/// changing anything.
#[test]
fn the_description_keeps_its_word() {
    let api = Api::start();
    let token = api.token("a", "administrator");
    for arguments in [
        &["group", "create", "<script>alert(1)</script>"][..],
        &["update", "approve", UPDATE, "--group", "all computers"],
        &["updategroup", "create", "ug"],
        &["package", "create", "nobody"],
        &["placement", "add", "--group", "<script>alert(1)</script>", "--name", "x*"],
        &["rule", "add", "nobody", "--title", "*", "--group", "all computers"],
    ] {
        run(api.data(), arguments).succeeded();
    }
    let described = api.ask("GET /api/v1/openapi.json", &[], None);
    assert_eq!(described.json(), description());
    let described = described.json();
    let mut asked = BTreeMap::new();
    for endpoint in endpoints().iter().filter(|it| it.route.method == Method::Get) {
        let line = line_of(endpoint);
        let key = [("Authorization", token.as_str())];
        let answer = match &endpoint.download {
            Some(_) => api.begin(&line, &key),
            None => api.ask(&line, &key, None),
        };
        let operation = &described["paths"][format!("/api/v1{}", endpoint.route.path)]["get"];
        assert_eq!(operation["operationId"], endpoint.name);
        let mut response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "{}: {} is not described", endpoint.name, answer.status);
        if let Some(reference) = response["$ref"].as_str() {
            response = described.pointer(reference.trim_start_matches('#')).expect("a response");
        }
        let kind = answer.header("content-type").expect("a type");
        let expected = &response["content"][kind]["schema"];
        assert!(!expected.is_null(), "{}: {kind} is not described", endpoint.name);
        asked.insert(endpoint.name, answer.status);
        if endpoint.download.is_some() {
            assert_eq!(answer.status, 200, "{answer:?}");
            continue;
        }
        let wrong = schema::check(&described, expected, &answer.json());
        assert!(wrong.is_empty(), "{}: {wrong:?} in {}", endpoint.name, answer.body);
    }
    let good = asked.values().filter(|status| **status == 200).count();
    assert!(good + 3 >= asked.len(), "all but nobody's computer, server and job: {asked:?}");
    let groups = api.ask("GET /api/v1/groups", &[("Authorization", &token)], None);
    assert!(groups.body.contains("<script>alert(1)</script>"), "text stays text");
}

/// Whatever the API can do, the command line can: it carries out the operations, and has no other way.
#[test]
fn every_operation_is_one_of_the_command_line() {
    // Browsers sign in; the description is printed without asking anybody.
    let others = ["LogIn", "ShowSession", "LogOut", "DescribeApi"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(root.join("cli")).expect("a folder").map(|entry| {
        let path = entry.expect("an entry").path();
        std::fs::read_to_string(path).expect("a source file")
    });
    let mut sources: Vec<String> = files.collect();
    sources.push(std::fs::read_to_string(root.join("admin/access.rs")).expect("a source file"));
    let made = |name: &str| {
        let made = format!("{name} {{");
        sources.iter().any(|source| source.contains(&made))
    };
    for endpoint in endpoints() {
        assert_eq!(made(endpoint.name), !others.contains(&endpoint.name), "{}", endpoint.name);
    }
}

#[test]
fn files_of_the_servers_machine_are_not_named_from_elsewhere() {
    let api = Api::start();
    let token = api.token("a", "administrator");
    let key = [("Authorization", token.as_str())];
    let mut source = json!({
        "url": "http://wsus.example", "microsoft": false, "replica": false, "report": false,
        "content": "none", "pull_through": false,
    });
    let set = |source: &Value| {
        let body = json!({ "source": source });
        let answer = api.ask("PUT /api/v1/sync/source", &key, Some(&body));
        (answer.status, answer.json()["detail"].to_string())
    };
    for field in ["ca_file", "proxy_password_file"] {
        source[field] = json!("/etc/hostname");
        let (status, detail) = set(&source);
        assert_eq!(status, 403, "{field}: {detail}");
        source[field] = Value::Null;
    }
    let (status, detail) = set(&source);
    assert_eq!(status, 200, "{detail}");
}

#[test]
fn long_work_is_a_job_and_lists_come_in_parts() {
    let api = Api::start();
    let token = api.token("a", "administrator");
    let key = [("Authorization", token.as_str())];
    let begun = api.ask("POST /api/v1/verify-content", &key, None);
    assert_eq!(begun.status, 202, "{begun:?}");
    let place = begun.header("location").expect("a place").to_owned();
    let job = loop {
        let job = api.ask(&format!("GET {place}"), &key, None).json();
        if job["state"] != "running" {
            break job;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert_eq!((&job["state"], &job["by"]), (&json!("done"), &json!("token a")));
    assert_eq!((&job["done"], &job["result"]["damaged"]), (&job["total"], &json!([])));
    assert!(job["result"]["verified"].as_u64() > Some(0), "{job}");
    let verified = run(api.data(), &["content", "verify", "--json"]).succeeded().json();
    assert_eq!(verified, job["result"], "the command line waits for its job");
    let jobs = run(api.data(), &["job", "list", "--json"]).succeeded().json();
    assert_eq!(jobs.as_array().map(Vec::len), Some(2));

    let all = api.ask("GET /api/v1/updates?sort=title", &key, None);
    let titles = |answer: &Answer| {
        let all = answer.json();
        let titles = all.as_array().expect("a list").iter();
        titles.map(|it| it["title"].as_str().expect("a title").to_owned()).collect::<Vec<_>>()
    };
    let mut parts = Vec::new();
    let mut next = Some("/api/v1/updates?sort=title&limit=3".to_owned());
    while let Some(target) = next {
        let part = api.ask(&format!("GET {target}"), &key, None);
        let total = part.header("x-total-count").and_then(|it| it.parse().ok());
        assert_eq!(total, Some(titles(&all).len()));
        parts.extend(titles(&part));
        let link = part.header("link").map(|link| link.trim_start_matches('<'));
        next = link.and_then(|link| link.split_once('>')).map(|(target, _)| target.to_owned());
    }
    assert!(parts.len() > 3);
    assert_eq!(parts, titles(&all));
    let some = api.ask("GET /api/v1/updates?filter=title:*GAUGE*", &key, None);
    assert!((1..parts.len()).contains(&titles(&some).len()), "{some:?}");
    assert_eq!(api.ask("GET /api/v1/updates?sort=nothing", &key, None).status, 422);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let dir = scratch();
    let script = run(dir.path(), &["completions", "bash"]).succeeded().out;
    assert!(script.contains("updategroup"));
    let pages = dir.path().join("man");
    run(dir.path(), &["manual", pages.to_str().expect("a name")]).succeeded();
    let page = std::fs::read_to_string(pages.join("weir-token-create.1")).expect("a page");
    assert!(page.contains("reporter"), "{page}");
}

#[test]
fn guessing_passwords_ends_soon() {
    let api = Api::start();
    api.account("ann", "administrator", "a long password");
    assert_eq!(api.log_in("ann", "a long password").status, 200);
    for _ in 0..5 {
        let wrong = api.log_in("ann", "a wrong password");
        assert_eq!((wrong.status, wrong.header("set-cookie")), (401, None));
    }
    let locked = api.log_in("ann", "a long password");
    assert_eq!(locked.status, 429);
    let seconds: u64 = locked.header("retry-after").and_then(|it| it.parse().ok()).expect("a time");
    assert!((1..=900).contains(&seconds), "{seconds}");
    let nobody = api.log_in("nobody", "a wrong password");
    assert_eq!(nobody.json()["detail"], "name or password are wrong");
}

/// Whoever is asked for anything by anybody has to be told a password; the old one here.
#[test]
fn people_change_their_own_password() {
    let api = Api::start();
    api.account("rita", "reporter", "a long password");
    let opened = api.log_in("rita", "a long password");
    let cookie = opened.header("set-cookie").and_then(|it| it.split(';').next()).expect("a cookie");
    let change = |name: &str, old: &str, new: &str| {
        let body = json!({ "old_password": old, "password": new });
        api.ask(&format!("PUT /api/v1/accounts/{name}/own-password"), &[], Some(&body))
    };
    assert_eq!(change("rita", "a wrong password", "another password").status, 401);
    assert_eq!(change("nobody", "a long password", "another password").status, 401);
    assert_eq!(change("rita", "a long password", "short").status, 422);
    let changed = change("RITA", "a long password", "another password");
    assert_eq!((changed.status, &changed.json()["name"]), (200, &json!("rita")), "{changed:?}");
    assert_eq!(api.ask("GET /api/v1/session", &[("Cookie", cookie)], None).status, 401);
    assert_eq!(api.log_in("rita", "a long password").status, 401);
    assert_eq!(api.log_in("rita", "another password").status, 200);

    // From another machine, as somebody without a token.
    let away = scratch();
    let write = |name: &str, password: &str| {
        let file = away.path().join(name);
        std::fs::write(&file, password).expect("written");
        file.to_str().expect("a name").to_owned()
    };
    let (old, new) = (write("old", "another password"), write("new", "a third password"));
    let url = format!("http://{}", api.address());
    let files = ["--old-password-file", old.as_str(), "--password-file", new.as_str()];
    let own = [&["account", "own-password", "rita", "--api", &url][..], &files].concat();
    run(away.path(), &own).succeeded();
    assert!(run(away.path(), &own).err.contains("name or password are wrong"));
    assert_eq!(api.log_in("rita", "a third password").status, 200);
    let told = run(api.data(), &["audit", "list", "--json"]).succeeded().json();
    let told: Vec<&Value> = told.as_array().expect("a list").iter().collect();
    let own = told.iter().filter(|it| it["what"]["set_password"] == "rita" && it["by"] == "rita");
    assert_eq!(own.count(), 2, "{told:?}");

    for _ in 0..5 {
        assert_eq!(change("rita", "a wrong password", "another password").status, 401);
    }
    assert_eq!(change("rita", "a third password", "another password").status, 429);
    assert_eq!(api.log_in("rita", "a third password").status, 429, "both are counted as one");
}

#[test]
fn everything_that_somebody_did_is_in_the_audit_trail() {
    let api = Api::start();
    let token = api.token("a", "administrator");
    let key = [("Authorization", token.as_str())];
    run(api.data(), &["rule", "add", "All", "--title", "*", "--group", "all computers"])
        .succeeded();
    for (line, body, status) in [
        ("POST /api/v1/rules/All/run", None, 200),
        ("POST /api/v1/verify-content", None, 202),
        ("DELETE /api/v1/jobs/1", None, 200),
        ("POST /api/v1/sync/runs", Some(json!({ "scope": "everything" })), 409),
        (
            "PUT /api/v1/sync/source",
            Some(json!({ "source": {
            "url": "http://127.0.0.1:9", "microsoft": false, "replica": false, "report": false,
            "content": "none", "pull_through": false,
        } })),
            200,
        ),
        ("POST /api/v1/sync/runs", Some(json!({ "scope": "everything" })), 200),
    ] {
        let answer = api.ask(line, &key, body.as_ref());
        assert_eq!(answer.status, status, "{line}: {answer:?}");
    }
    let told = run(api.data(), &["audit", "list", "--json"]).succeeded().json();
    let told = told.as_array().expect("a list");
    let by = |what: &str| {
        let found = told.iter().filter(|it| it["what"].get(what).is_some());
        found.map(|it| (it["by"].clone(), it["started_by"].clone())).next_back()
    };
    let weir = (json!("weir"), Value::Null);
    assert_eq!((by("import"), by("add_content")), (Some(weir.clone()), Some(weir)), "the sample");
    for what in ["start_job", "sync_source", "start_sync"] {
        assert_eq!(by(what), Some((json!("token a"), Value::Null)), "{what} in {told:?}");
    }
    assert_eq!(by("approve"), Some((json!("rule 'All'"), json!("token a"))));
    let starts = told.iter().filter(|it| it["what"].get("start_sync").is_some()).count();
    assert_eq!(starts, 1, "what did not begin is not noted");
    let job = told.iter().find(|it| it["what"].get("start_job").is_some()).expect("a job");
    assert_eq!(job["what"]["start_job"], json!({ "operation": "VerifyContent", "job": 1 }));
    let list = run(api.data(), &["audit", "list"]).succeeded().out;
    assert!(list.contains("rule 'All', started by token a"), "{list}");
}

#[test]
fn what_takes_no_body_refuses_one_as_it_is_described() {
    let api = Api::start();
    let token = api.token("a", "administrator");
    let key = [("Authorization", token.as_str())];
    let described = description();
    for endpoint in endpoints().iter().filter(|it| !it.route.method.has_body()) {
        let answer = api.ask(&line_of(endpoint), &key, Some(&json!({})));
        let status = if endpoint.here { 403 } else { 400 };
        assert_eq!(answer.status, status, "{}: {answer:?}", endpoint.name);
        let method = endpoint.route.method.name().to_lowercase();
        let operation = &described["paths"][format!("/api/v1{}", endpoint.route.path)][method];
        assert!(operation["responses"][status.to_string()].is_object(), "{}", endpoint.name);
    }
}

#[test]
fn the_first_account_is_told_once_and_clients_have_no_api() {
    let api = Api::start();
    let http = api.server.http().to_string();
    for line in [
        "GET /api/v1/groups",
        "POST /api/v1/groups",
        "DELETE /api/v1/groups/x",
        "PUT /api/v1/groups/x/name",
        "GET /api/v1/openapi.json",
        "POST /api/v1/session",
    ] {
        assert_eq!(ask(&http, line, &[], None).status, 404, "{line}");
    }
    let client = ask(api.address(), "POST /ClientWebService/client.asmx", &[], None);
    assert_eq!(client.status, 404, "and administrators no client's services");
    let token = api.token("cli", "administrator");
    let file = api.data().join("token");
    std::fs::write(&file, token.trim_start_matches("Bearer ")).expect("written");
    let (url, file) = (format!("http://{}", api.address()), file.to_str().expect("a name"));
    let away = scratch();
    let remote = ["group", "create", "Far", "--api", &url, "--api-token-file", file];
    run(away.path(), &remote).succeeded();
    let here = run(api.data(), &["audit", "list", "--json"]).succeeded().json();
    let entry = here.as_array().and_then(|all| all.last()).expect("an entry");
    assert_eq!(entry["by"], "token cli");
    assert!(std::fs::read_dir(away.path()).expect("a folder").next().is_none());

    let data = api.data().to_owned();
    api.server.signal("TERM");
    let Api { server, dir } = api;
    told_once(server, &data);
    drop(dir);
}

/// Looks for the first password in the log, and that the next start tells none.
fn told_once(server: Server, data: &Path) {
    let (_, log) = server.ended();
    let password = log.lines().find_map(|line| line.split("with the password ").nth(1));
    let password = password.unwrap_or_else(|| panic!("{log}")).trim().to_owned();
    let again = Server::start(data, &["--admin", "127.0.0.1:0"]);
    let address = again.ready["admin"].as_str().expect("an address").to_owned();
    let body = json!({ "name": "admin", "password": password });
    assert_eq!(ask(&address, "POST /api/v1/session", &[], Some(&body)).status, 200);
    again.signal("TERM");
    let (_, log) = again.ended();
    assert!(!log.contains("with the password"), "{log}");
}

//! Every recorded request of an agent, and of clients built on other SOAP stacks, is taken.
//!
//! Recordings have their cookies blanked. So each request is sent twice: as it is, where the only
//! acceptable complaint is about the cookie, and with what this server issued in the place of the
//! blanks, where there is none. One recorded request is too much for the real server too, and has
//! to be refused in the same words.

use std::fs;
use std::path::Path;

use crate::harness::agent::Agent;
use crate::harness::corpus;
use crate::harness::directory::Directory;
use crate::harness::http::{Answer, Connection};
use crate::harness::soap::{self, Fault};

/// Lists 600 installed revisions where the real server takes 400.
const TOO_MUCH: &str = "client-basic/000141";

/// A recorded request.
#[derive(Clone)]
struct Recorded {
    name: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[test]
fn every_recorded_request_is_taken() {
    let requests = [dialogues(), other_stacks()].concat();
    if requests.is_empty() {
        return;
    }
    assert_eq!(requests.len(), 56);
    let directory = Directory::new();
    let server = directory.serve(&[]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "recorded.example");
    let authorization = agent.authorization_cookie().expect("a cookie");
    for request in &requests {
        let answer = request.send(&mut agent.connection, &request.body);
        if let Err(Fault { code, message, .. }) = soap::outcome(&answer) {
            let blank = ["InvalidCookie", "InvalidAuthorizationCookie"].contains(&code.as_str());
            assert!(blank, "{}: {code} {message}", request.name);
        }
        let body = filled(&request.body, "EncryptedData", &agent.cookie.data);
        let body = filled(&body, "CookieData", &authorization);
        let body = filled(&body, "lastChange", &agent.last_change);
        let answer = request.send(&mut agent.connection, &body);
        match soap::outcome(&answer) {
            Ok(_) => assert_ne!(request.name, TOO_MUCH),
            Err(_) => assert_eq!(request.name, TOO_MUCH, "{}", answer.text()),
        }
    }
}

#[test]
fn more_installed_revisions_than_the_real_server_takes_are_refused_in_its_words() {
    let requests = dialogues();
    let Some(request) = requests.iter().find(|request| request.name == TOO_MUCH) else { return };
    let directory = Directory::new();
    let server = directory.serve(&[]);
    let mut agent = Agent::registered(Connection::plain(&server.http), "recorded.example");
    let body = filled(&request.body, "EncryptedData", &agent.cookie.data);
    let answer = request.send(&mut agent.connection, &body);
    let fault = soap::outcome(&answer).expect_err("a fault");
    let parameter = "parameters.InstalledNonLeafUpdateIDs";
    assert_eq!((fault.code.as_str(), fault.message.as_str()), ("InvalidParameters", parameter));

    let folder = corpus::folder("client-basic").expect("the request is from there");
    let recorded = fs::read_to_string(folder.join("000141/response.body")).expect("readable");
    // The id is the fault's own; ours also names the code where people look first.
    let comparable = |text: &str| filled(&filled(text, "ID", ""), "faultstring", "");
    assert_eq!(comparable(&answer.text()), comparable(&recorded));
}

impl Recorded {
    /// Sends the request with another body.
    fn send(&self, connection: &mut Connection, body: &str) -> Answer {
        let headers = self.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| (&name[..], &value[..])).collect();
        connection.ask("POST", &self.path, &headers, body.as_bytes())
    }

    fn read(name: String, head: &str, body: String) -> Self {
        let mut lines = head.lines();
        let path = lines.next().expect("a request line").split(' ').nth(1).expect("a path");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let ours = ["content-length", "host"];
        let headers = headers.filter(|(name, _)| !ours.contains(&&*name.to_lowercase()));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { name, path: path.to_owned(), headers: headers.collect(), body }
    }
}

/// The dialogues of agents, and of a plain client, with real servers.
fn dialogues() -> Vec<Recorded> {
    let mut requests = Vec::new();
    for dialogue in ["agent-scan", "agent-flow", "agent-requests", "client-basic"] {
        let Some(folder) = corpus::folder(dialogue) else { continue };
        for exchange in corpus::entries(&folder) {
            let read = |file: &str| fs::read_to_string(exchange.join(file)).expect("readable");
            let name = format!("{dialogue}/{}", file_name(&exchange));
            requests.push(Recorded::read(name, &read("request.headers"), read("request.body")));
        }
    }
    requests
}

/// What zeep and .NET send to the services that are for agents.
fn other_stacks() -> Vec<Recorded> {
    let Some(folder) = corpus::folder("other-stacks") else { return Vec::new() };
    let files = corpus::entries(&folder).into_iter().flat_map(|stack| corpus::entries(&stack));
    let requests = files.map(|file| {
        let text = fs::read_to_string(&file).expect("readable");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        Recorded::read(file_name(&file), head, body.to_owned())
    });
    let for_agents = |request: &Recorded| {
        let services = ["/ClientWebService/", "/SimpleAuthWebService/", "/ReportingWebService/"];
        let service = services.iter().any(|service| request.path.starts_with(service));
        // Downstream servers report to the same service.
        service && !request.name.contains("Rollup")
    };
    requests.filter(for_agents).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// `text` with the content of every element `name` replaced, whatever its prefix.
fn filled(text: &str, name: &str, content: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let end = rest.find('>').expect("a whole tag") + 1;
        let tag = &rest[..end];
        filled.push_str(tag);
        rest = &rest[end..];
        let opened = tag[1..end - 1].split([' ', '/']).next().unwrap_or_default();
        if opened.rsplit(':').next() == Some(name) && !tag.ends_with("/>") {
            filled.push_str(content);
            rest = &rest[rest.find('<').expect("an end")..];
        }
    }
    filled + rest
}

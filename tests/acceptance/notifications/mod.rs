//! Notifications reach a webhook and a mail server of the test's own, over restarts and failures, and
//! nobody is shown a secret.

mod mail;
mod webhook;

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use self::mail::MailServer;
use self::webhook::Webhook;
use crate::harness::agent::{Agent, Event};
use crate::harness::directory::Directory;
use crate::harness::http::Connection;
use crate::harness::sample::*;

const SECRET: &str = "a secret of twenty-two";
/// How long it takes to see that something does not come.
const QUIET: Duration = Duration::from_secs(8);

#[test]
fn a_webhook_is_told_of_synchronizations_signed_over_failures_and_a_restart() {
    let (above, directory) = (Directory::new(), Directory::new());
    directory.configure("[sync]\nretry_seconds = 0\nattempts = 2\n");
    let upstream = above.serve(&["--sample"]);
    let server = directory.serve(&[]);
    let url = format!("http://{}", upstream.http);
    directory.json(&["sync", "source", &url]);
    directory.json(&["sync", "select", "--everything", "true"]);
    let elsewhere = Webhook::start(&["200 OK"]);
    let redirect = Box::leak(format!("302 Found\r\nLocation: {}", elsewhere.url).into_boxed_str());
    let hook = Webhook::start(Box::leak(Box::new(["500 No", redirect, "200 OK"])));
    let secret = directory.beside("secret");
    fs::write(&secret, SECRET).expect("written");
    let secret = secret.to_str().expect("UTF-8");
    let topics = ["--topic", "new-updates", "--topic", "sync-failed"];
    let set = ["notification", "set", "hook", "--webhook", &hook.url, "--secret-file", secret];
    let shown = directory.json(&[&set[..], &topics].concat());
    assert_eq!(shown["secret"], true);

    directory.run(&["sync", "now"]);
    let first = hook.next();
    let data = first.json();
    assert_eq!(
        (&data["event"], first.header("X-Weir-Event")),
        (&json!("new_updates"), "new_updates")
    );
    let updates = data["data"]["updates"].as_array().expect("updates");
    assert!(updates.iter().any(|update| update["update_id"] == GAUGE_21), "{data}");
    first.is_signed_with(SECRET);
    let second = hook.next();
    // It waits now, and a restart does not lose it.
    let listed = directory.json(&["notification", "list"]);
    assert_eq!(listed[0]["waiting"], 1, "{listed}");
    server.stop();
    let server = directory.serve(&[]);
    let third = hook.next();
    third.is_signed_with(SECRET);
    for other in [&second, &third] {
        assert_eq!(other.body, first.body);
        assert_eq!(other.header("X-Weir-Delivery"), first.header("X-Weir-Delivery"));
    }
    assert!(hook.comes_nothing_for(QUIET), "it was taken");
    assert!(elsewhere.comes_nothing_for(Duration::ZERO), "a redirect is not followed");
    let listed = directory.json(&["notification", "list"]);
    assert_eq!((&listed[0]["waiting"], &listed[0]["error"]), (&json!(0), &Value::Null));

    upstream.kill();
    directory.run(&["sync", "now"]);
    let failed = hook.next();
    assert_eq!(failed.json()["event"], "sync_failed");
    assert!(failed.json()["data"]["reason"].is_string());
    for shown in [&["notification", "list"][..], &["audit", "list"]] {
        assert!(!directory.json(shown).to_string().contains(SECRET), "{shown:?}");
    }
    directory.json(&["notification", "test", "hook"]);
    let test = hook.next();
    test.is_signed_with(SECRET);
    assert_eq!((&test.json()["event"], test.header("X-Weir-Event")), (&json!("test"), "test"));
    directory.json(&["notification", "remove", "hook"]);
    directory.run(&["sync", "now"]);
    assert!(hook.comes_nothing_for(QUIET), "nobody wants to know");
    drop(server);
}

#[test]
fn e_mail_tells_of_failures_once_and_is_sent_again_until_it_is_taken() {
    let directory = Directory::new();
    // Only the first mail is refused, and only for the moment.
    let mail = MailServer::start("weir", SECRET, 1);
    directory.trust(&mail.certificate);
    let server = directory.serve(&["--sample"]);
    let password = directory.beside("password");
    fs::write(&password, SECRET).expect("written");
    let password = password.to_str().expect("UTF-8");
    let port = mail.port.to_string();
    let to = ["--to", "Ann <ann@example.com>", "--to", "bob@example.com"];
    let from = ["--from", "Weir <weir@example.com>", "--server", "localhost", "--port", &port];
    let user = ["--user", "weir", "--password-file", password];
    let topics = ["--topic", "installs-failed", "--failing-computers", "2"];
    let set = [&["notification", "set", "mail"][..], &to, &from, &user, &topics].concat();
    directory.json(&set);

    let fail = |name: &str| {
        let mut agent = Agent::registered(Connection::plain(&server.http), name);
        let update = Some((GAUGE_21.to_owned(), 100));
        let failed = Event { result: -2_145_107_934, ..Event::of(182, update) };
        assert_eq!(agent.report(&[Event::status(&[]), failed]), Ok(true));
    };
    fail("one.example");
    assert!(mail.comes_nothing_for(QUIET), "one is below the threshold");
    fail("two.example");
    let refused = mail.next();
    let taken = mail.next();
    assert_eq!(taken.recipients, ["ann@example.com", "bob@example.com"]);
    assert_eq!(taken.sender, "weir@example.com");
    assert!(taken.encrypted && taken.signed_in);
    let header = |name: &str, text: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(it, _)| *it == name).map(|(_, value)| value.to_owned())
    };
    let subject = header("Subject", &taken.text).expect("a subject");
    assert_eq!(subject, "[Weir] 1 updates fail to install");
    assert!(taken.text.contains("2 computers: "), "{}", taken.text);
    assert_eq!(header("Message-ID", &taken.text), header("Message-ID", &refused.text));
    fail("three.example");
    assert!(mail.comes_nothing_for(QUIET), "it is told once");

    directory.json(&["notification", "test", "mail"]);
    assert!(mail.next().text.contains("Nothing happened."));
    // One that the system does not trust is told nothing, least of all the password.
    directory.trust(&MailServer::start("weir", SECRET, 0).certificate);
    server.stop();
    let server = directory.serve(&[]);
    let refused = directory.run(&["notification", "test", "mail"]);
    assert!(!refused.status.success());
    assert!(mail.comes_nothing_for(Duration::ZERO));
    assert!(!refused.stderr.contains(SECRET), "{}", refused.stderr);
    server.stop();
}

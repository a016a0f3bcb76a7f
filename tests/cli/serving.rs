//! `weir serve`: starting, being asked how it is, and stopping.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::support::{Server, run, scratch, weir};

#[test]
fn a_server_answers_probes_and_ends_well_on_either_signal() {
    for signal in ["TERM", "INT"] {
        let dir = scratch();
        let data = dir.path().join("data");
        let server = Server::start(&data, &["--sample"]);
        assert_eq!(
            (server.ready["ready"].as_bool(), server.ready["https"].is_null()),
            (Some(true), true)
        );
        let mode = |path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(data.clone()), 0o700);
        assert_eq!(mode(data.join("weir.sock")), 0o600);

        run(&data, &["healthcheck"]).succeeded();
        assert!(server.get("/healthz").starts_with("HTTP/1.1 200 "));
        let metrics = server.get("/metrics");
        for line in [
            "weir_writable 1\n",
            "weir_revisions 22\n",
            "weir_content_files 12\n",
            "weir_computers 0\n",
            "weir_waiting_changes 0\n",
            "weir_fragment_reads_total 0\n",
        ] {
            assert!(metrics.contains(line), "{line} in {metrics}");
        }
        for name in ["weir_store_bytes ", "weir_published_sequence ", "weir_fragment_cache_bytes "]
        {
            assert!(metrics.contains(name), "{name} in {metrics}");
        }

        server.signal(signal);
        let (code, log) = server.ended();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("stopping"), "{log}");
        assert!(!data.join("weir.sock").exists());
        assert_eq!(run(&data, &["healthcheck"]).code, Some(1));
    }
}

#[test]
fn a_second_server_is_told_who_has_the_directory() {
    let dir = scratch();
    let server = Server::start(dir.path(), &[]);
    let second = run(dir.path(), &["serve", "--http", "127.0.0.1:0", "--https", "off"]);
    assert_eq!((second.code, second.out.as_str()), (Some(1), ""));
    let told = format!("another weir process (pid {}) uses this data directory", server.child.id());
    assert!(second.err.contains(&told), "{}", second.err);
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200 "), "the first goes on");
}

#[test]
fn a_killed_server_leaves_nothing_that_is_in_the_way() {
    let dir = scratch();
    let server = Server::start(dir.path(), &["--sample"]);
    server.signal("KILL");
    server.ended();
    assert!(dir.path().join("weir.sock").exists());
    assert_eq!(run(dir.path(), &["healthcheck"]).code, Some(1));
    let list = run(dir.path(), &["update", "list", "--json"]).succeeded().json();
    assert!(list.as_array().is_some_and(|updates| !updates.is_empty()));
    Server::start(dir.path(), &[]);
}

#[test]
fn administrators_who_say_nothing_do_not_hold_up_the_end() {
    let dir = scratch();
    let config = dir.path().join("weir.toml");
    fs::write(&config, "[limits]\nshutdown_seconds = 1\n").expect("written");
    let server = Server::start(dir.path(), &["--config", config.to_str().expect("a name")]);
    let connect = || UnixStream::connect(dir.path().join("weir.sock")).expect("connected");
    let (_silent, mut halting) = (connect(), connect());
    halting.write_all(b"GET /api/v1/groups HTTP/1.1\r\nHost:").expect("half a request");
    run(dir.path(), &["healthcheck"]).succeeded();
    let begun = Instant::now();
    server.signal("TERM");
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(30), "it waited for the silent ones");
    assert!(log.contains("cut an administrator's request"), "{log}");
}

#[test]
fn what_keeps_a_server_from_starting_is_said_with_its_cause() {
    let dir = scratch();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let ran = run(dir.path(), &["serve", "--http", &address, "--https", "off"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains(&format!("cannot listen on {address}: Address already in use")),
        "{ran:?}"
    );

    let long = dir.path().join("d".repeat(120));
    let ran = run(&long, &["serve", "--http", "127.0.0.1:0", "--https", "off"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("too many for a socket"), "{ran:?}");

    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    let ran = run(&file, &["group", "list"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains(file.to_str().expect("a name")), "{ran:?}");
}

#[test]
fn plain_http_can_be_switched_off() {
    let dir = scratch();
    let server = Server::start_at(dir.path(), &["--http", "off", "--https", "127.0.0.1:0"], &[]);
    assert!(server.ready["http"].is_null() && server.ready["https"].is_string());
    let root = weir().args(["tls", "trust", "--data"]).arg(dir.path()).output().expect("runs");
    let text = String::from_utf8(root.stdout).expect("UTF-8");
    assert!(text.contains("BEGIN CERTIFICATE") && text.contains("WUStatusServer"), "{text}");
}

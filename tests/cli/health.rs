//! `weir healthcheck` and what it asks: every check by its name, found well and found wanting.

use serde_json::Value;

use super::support::{Server, run, scratch};

/// What was found, by the names of the checks.
fn status<'h>(health: &'h Value, name: &str) -> &'h str {
    let mut checks = health["checks"].as_array().expect("checks").iter();
    let check = checks.find(|check| check["name"] == name).unwrap_or_else(|| panic!("{health}"));
    check["status"].as_str().expect("a status")
}

#[test]
fn every_listener_is_asked_and_the_metrics_say_what_was_found() {
    let dir = scratch();
    let data = dir.path().join("data");
    let addresses = ["--http", "127.0.0.1:0", "--https", "0.0.0.0:0"];
    let server = Server::start_at(&data, &addresses, &["--sample", "--admin", "0.0.0.0:0"]);
    let health = run(&data, &["healthcheck", "--json"]).succeeded().json();
    assert_eq!((&health["healthy"], &health["status"]), (&true.into(), &"warn".into()), "{health}");
    for check in health["checks"].as_array().expect("checks") {
        let expected = if check["name"] == "clients_exist" { "warn" } else { "ok" };
        assert_eq!(check["status"], expected, "{check}");
    }
    let text = |name: &str| {
        let mut checks = health["checks"].as_array().expect("checks").iter();
        let check = checks.find(|check| check["name"] == name).expect("a check");
        check["text"].as_str().expect("words").to_owned()
    };
    for name in [
        "client_web_service",
        "simple_auth_web_service",
        "reporting_web_service",
        "server_sync_web_service",
        "dss_auth_web_service",
        "self_update",
    ] {
        assert_eq!(text(name), "answers over http and https", "{name}");
    }
    assert_eq!(text("api"), "answers over the socket and the network");
    assert!(text("certificate").starts_with("the certificate is valid until "));
    let strict = run(&data, &["healthcheck", "--strict"]);
    assert_eq!(strict.code, Some(1));
    assert!(strict.out.contains("no computer has registered yet"), "{strict:?}");
    run(&data, &["healthcheck", "--strict", "--only", "store", "--only", "api"]).succeeded();
    let metrics = server.get("/metrics");
    for line in ["weir_check{check=\"store\"} 0\n", "weir_check{check=\"clients_exist\"} 1\n"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
}

#[test]
fn what_is_configured_is_what_is_found_wanting() {
    let dir = scratch();
    let config = dir.path().join("weir.toml");
    let text = "[health]\ndisk_error_mb = 1000000000\noff = [\"clients_exist\", \"self_update\"]\n\
                certificate_days = 3000\n";
    std::fs::write(&config, text).expect("written");
    let config = ["--config", config.to_str().expect("a name")];
    let data = dir.path().join("data");
    let addresses = ["--http", "off", "--https", "127.0.0.1:0"];
    let server = Server::start_at(&data, &addresses, &config);
    let ran = run(&data, &["healthcheck", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let health = ran.json();
    assert_eq!((&health["healthy"], &health["status"]), (&false.into(), &"error".into()));
    assert_eq!(status(&health, "disk_space"), "error");
    assert_eq!(status(&health, "certificate"), "warn", "{health}");
    assert_eq!(status(&health, "client_web_service"), "ok", "over https alone");
    assert!(!health.to_string().contains("self_update"), "it is off: {health}");
    let one = run(&data, &["healthcheck", "--only", "self_update", "--json"]).succeeded().json();
    assert_eq!(status(&one, "self_update"), "ok");
    server.signal("TERM");
    let (_, log) = server.ended();
    assert!(log.contains("it is not well") && log.contains("disk_space"), "{log}");
}

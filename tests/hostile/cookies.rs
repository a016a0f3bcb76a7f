//! Cookies that this server did not issue, or not for this use.
//!
//! In WSUS the cookie was the way in (CVE-2025-59287), so every way of changing one is tried, and
//! the blob of that attack is sent wherever a client may put bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weir::wire::operation::Operation;

use super::support::{Agent, Answer, Cookie, Weir, assert_invalid, call, shared};

const ID: &str = "7d1f0c57-0000-4000-8000-00000000c001";

/// Where in a cookie the server's id is: a cookie that differs there is another server's.
const SERVER_ID: std::ops::Range<usize> = 6..22;

/// A .NET BinaryFormatter stream as the public attack sends it, grown to `length` bytes.
fn object_graph(length: usize) -> Vec<u8> {
    let mut blob = b"\0\x01\0\0\0\xff\xff\xff\xff\x01\0\0\0\0\0\0\0\x0c\x02\0\0\0".to_vec();
    blob.extend_from_slice(b"ISystem, Version=4.0.0.0, Culture=neutral");
    blob.resize(length, b'A');
    blob
}

fn scan_with(weir: &Weir, cookie: &[u8]) -> Answer {
    let cookie = Cookie(cookie.to_vec()).element("cookie");
    call(weir, Operation::SyncUpdates, &format!("{cookie}<parameters/>"))
}

/// GetCookie with this authorization cookie.
fn exchange(weir: &Weir, agent: &Agent<'_>, cookie: &[u8]) -> Answer {
    call(weir, Operation::GetCookie, &agent.cookie_request(&STANDARD.encode(cookie), ""))
}

/// GetCookie that renews this session cookie.
fn renew(weir: &Weir, agent: &Agent<'_>, cookie: &[u8]) -> Answer {
    let old = Cookie(cookie.to_vec()).element("oldCookie");
    let request = agent.cookie_request(&STANDARD.encode(&agent.authorization.0), &old);
    call(weir, Operation::GetCookie, &request)
}

#[test]
fn a_cookie_with_a_changed_bit_is_refused() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    for at in (0..agent.session.0.len()).step_by(3) {
        let mut forged = agent.session.0.clone();
        forged[at] ^= 1 << (at % 8);
        let code = if SERVER_ID.contains(&at) { "ServerChanged" } else { "InvalidCookie" };
        scan_with(&weir, &forged).refused(code);
        renew(&weir, &agent, &forged).refused(code);
    }
    for at in (0..agent.authorization.0.len()).step_by(3) {
        let mut forged = agent.authorization.0.clone();
        forged[at] ^= 1 << (at % 8);
        exchange(&weir, &agent, &forged).refused("InvalidAuthorizationCookie");
    }
    weir.serves_an_honest_client();
}

#[test]
fn a_cut_or_lengthened_cookie_is_refused() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    let lengths = |cookie: &Cookie| (1..cookie.0.len()).step_by(5).collect::<Vec<_>>();
    for length in lengths(&agent.session) {
        scan_with(&weir, &agent.session.0[..length]).refused("InvalidCookie");
    }
    for length in lengths(&agent.authorization) {
        let cut = &agent.authorization.0[..length];
        exchange(&weir, &agent, cut).refused("InvalidAuthorizationCookie");
    }
    let longer = |cookie: &Cookie| [&cookie.0[..], b"\0"].concat();
    scan_with(&weir, &longer(&agent.session)).refused("InvalidCookie");
    exchange(&weir, &agent, &longer(&agent.authorization)).refused("InvalidAuthorizationCookie");
    weir.serves_an_honest_client();
}

#[test]
fn another_servers_cookies_are_refused() {
    let (weir, other) = (shared(), Weir::start());
    let (agent, stranger) = (Agent::enrol(&weir, ID), Agent::enrol(&other, ID));
    scan_with(&weir, &stranger.session.0).refused("ServerChanged");
    renew(&weir, &agent, &stranger.session.0).refused("ServerChanged");
    exchange(&weir, &agent, &stranger.authorization.0).refused("InvalidAuthorizationCookie");

    // With our own server's id in it, it is one of ours that somebody made up.
    let mut adopted = stranger.session.0.clone();
    adopted[SERVER_ID].copy_from_slice(&agent.session.0[SERVER_ID]);
    scan_with(&weir, &adopted).refused("InvalidCookie");
    weir.serves_an_honest_client();
    other.serves_an_honest_client();
}

#[test]
fn a_cookie_of_one_kind_does_not_pass_for_the_other() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    scan_with(&weir, &agent.authorization.0).refused("InvalidCookie");
    renew(&weir, &agent, &agent.authorization.0).refused("InvalidCookie");
    exchange(&weir, &agent, &agent.session.0).refused("InvalidAuthorizationCookie");
    // Relabelled: the sixth byte says what a cookie is for.
    let mut relabelled = agent.authorization.0.clone();
    relabelled[5] = agent.session.0[5];
    scan_with(&weir, &relabelled).refused("InvalidCookie");
    weir.serves_an_honest_client();
}

#[test]
fn every_operation_that_takes_a_cookie_wants_a_real_one() {
    let weir = shared();
    let forged = Cookie(object_graph(496)).element("cookie");
    for (operation, rest) in [
        (Operation::RegisterComputer, "<computerInfo/>"),
        (Operation::SyncUpdates, "<parameters/>"),
        (Operation::RefreshCache, "<globalIDs/>"),
        (Operation::GetExtendedUpdateInfo, "<revisionIDs/><infoTypes/>"),
        (Operation::GetExtendedUpdateInfo2, "<updateIDs/><infoTypes/>"),
        (Operation::GetFileLocations, "<fileDigests/>"),
        (Operation::SyncPrinterCatalog, ""),
        (Operation::GetTimestamps, ""),
        (Operation::ReportEventBatch, "<clientTime>2026-01-01T00:00:00Z</clientTime><eventBatch/>"),
        (Operation::GetRequiredInventoryType, ""),
        (Operation::ReportInventory, "<clientTime>2026-01-01T00:00:00Z</clientTime>"),
    ] {
        call(&weir, operation, &format!("{forged}{rest}")).refused("InvalidCookie");
        call(&weir, operation, rest).refused("InvalidCookie");
    }
    weir.serves_an_honest_client();
}

#[test]
fn a_cookie_that_is_empty_nil_or_not_base64_is_refused() {
    let weir = shared();
    let agent = Agent::enrol(&weir, ID);
    for cookie in [
        "<cookie/>",
        "<cookie i:nil='true'/>",
        "<cookie><EncryptedData/></cookie>",
        "<cookie><EncryptedData i:nil='1'/></cookie>",
        "<cookie><EncryptedData>!!!!</EncryptedData></cookie>",
        "<cookie><EncryptedData>AAA</EncryptedData></cookie>",
        "<cookie><EncryptedData>&#65;=AA</EncryptedData></cookie>",
        "<cookie><Expiration>tomorrow</Expiration></cookie>",
        "<cookie><EncryptedData>AAAA</EncryptedData><EncryptedData>AAAA</EncryptedData></cookie>",
        "<cookie/><cookie/>",
    ] {
        let body = format!("{cookie}<parameters/>");
        call(&weir, Operation::SyncUpdates, &body).refused("InvalidCookie");
    }
    for data in ["", "!!!!", "AAA", "AAAA"] {
        let request = agent.cookie_request(data, "");
        call(&weir, Operation::GetCookie, &request).refused("InvalidAuthorizationCookie");
    }
    weir.serves_an_honest_client();
}

#[test]
fn an_object_graph_of_a_megabyte_is_refused_wherever_it_is_put() {
    let weir = Weir::start();
    let agent = Agent::enrol(&weir, ID);
    weir.grows_at_most(48, || {
        for _ in 0..4 {
            // The attack's own place. A GetCookie is never that long, so it is not even read.
            let answer = exchange(&weir, &agent, &object_graph(1 << 20));
            assert_eq!((answer.status, answer.fault().0.as_str()), (413, "InvalidParameters"));
            let answer = exchange(&weir, &agent, &object_graph(40 << 10));
            answer.refused("InvalidAuthorizationCookie");
            let answer = renew(&weir, &agent, &object_graph(40 << 10));
            answer.refused("InvalidCookie");

            scan_with(&weir, &object_graph(1 << 20)).refused("InvalidCookie");
            scan_with(&weir, &object_graph((1 << 20) + 1)).refused("InvalidCookie");
            let blob = STANDARD.encode(object_graph(1 << 20));
            let event = format!(
                "<ReportingEvent><ExtendedData><MiscData><string>{blob}</string></MiscData>\
                 </ExtendedData></ReportingEvent>"
            );
            assert_invalid(&agent.report(&event));
        }
    });
    weir.serves_an_honest_client();
}

#[test]
fn a_cookie_of_one_computer_does_not_make_another_remembered() {
    let weir = shared();
    let (agent, other) =
        (Agent::enrol(&weir, ID), Agent::enrol(&weir, &ID.replace("c001", "c002")));
    // The first has everything after one scan; its cookie says so.
    let seen = agent.scan("").cookie("EncryptedData");
    let renewed = renew(&weir, &other, &seen.0);
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let session = renewed.cookie("EncryptedData");
    let stolen = Agent { session, ..Agent::enrol(&weir, &other.id) };
    // Whoever presents a stolen old cookie is still only himself.
    let registered = stolen.register("<DnsName>pc-two.example.org</DnsName>");
    assert_eq!(registered.status, 200, "{}", registered.text);
    let (_, shown) = weir.json(&["computer", "show", ID]);
    assert_eq!(shown["name"], "pc.example.org");
    let (_, shown) = weir.json(&["computer", "show", &other.id]);
    assert_eq!(shown["name"], "pc-two.example.org");
    weir.serves_an_honest_client();
}

//! What nobody honest sends. After each of it, an honest client is served.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use weir::server::Limits;

use super::support::{CLIENT, post, start};

const MIB: usize = 1024 * 1024;
const GET_CONFIG: &str = "SOAPAction: \"http://www.microsoft.com/SoftwareDistribution/Server/\
                          ClientWebService/GetConfig\"\r\n";

#[tokio::test]
async fn a_body_announced_too_long_is_refused_unread() {
    let server = start(Limits::default()).await;
    // 16 KiB is GetConfig's own limit; without a SOAPAction the service's largest holds.
    for (headers, length) in [(GET_CONFIG, 16 * 1024 + 1), ("", 4 * MIB + 1)] {
        let mut client = server.connect().await;
        let head = format!(
            "POST {CLIENT} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        client.send(head.as_bytes()).await;
        let reply = client.receive(false).await.expect("refusal");
        assert_eq!((reply.status, reply.text().as_str()), (413, "fault: too_large"));
        assert_eq!(reply.header("connection"), Some("close"));
    }
    let just = server.ask(&post(CLIENT, GET_CONFIG, &"x".repeat(16 * 1024))).await;
    assert_eq!(just.status, 200);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn the_refusal_reaches_a_client_that_sends_its_whole_body_first() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    let request = post(CLIENT, GET_CONFIG, &"x".repeat(6 * MIB));
    // Linux hands out what was received before a reset, Windows does not: so no reset at all.
    client.stream.write_all(request.as_bytes()).await.expect("taken to its end");
    assert_eq!(client.receive(false).await.expect("refusal").status, 413);
    assert_eq!(client.stream.read(&mut [0]).await.expect("an orderly end"), 0);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn expect_100_continue_for_too_much_never_gets_its_100() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    let head = format!(
        "POST {CLIENT} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        5 * MIB
    );
    client.send(head.as_bytes()).await;
    assert_eq!(client.receive(false).await.expect("refusal").status, 413);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn chunks_without_end_are_cut_at_the_limit() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    let head = format!(
        "POST {CLIENT} HTTP/1.1\r\nHost: h\r\n{GET_CONFIG}Transfer-Encoding: chunked\r\n\r\n"
    );
    client.send(head.as_bytes()).await;
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for _ in 0..8 {
        client.send(chunk.as_bytes()).await;
    }
    assert_eq!(client.receive(false).await.expect("refusal").status, 413);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn broken_chunks_and_compressed_bodies_are_refused() {
    let server = start(Limits::default()).await;
    let broken = format!(
        "POST {CLIENT} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"
    );
    let mut client = server.connect().await;
    client.send(broken.as_bytes()).await;
    if let Some(reply) = client.receive(false).await {
        assert_eq!(reply.status, 408);
    }
    for coding in ["gzip", "xpress", "identity, gzip"] {
        let header = format!("Content-Encoding: {coding}\r\n");
        let reply = server.ask(&post(CLIENT, &header, "x")).await;
        assert_eq!((reply.status, reply.text().as_str()), (415, "fault: encoded"), "{coding}");
    }
    let identity = server.ask(&post(CLIENT, "Content-Encoding: Identity\r\n", "x")).await;
    assert_eq!(identity.status, 200);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn silent_and_slow_heads_are_closed_in_time() {
    let limits = Limits { head_time: Duration::from_millis(300), ..Limits::default() };
    let server = start(limits).await;
    let started = Instant::now();
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    half.send(b"POST /ClientWebService/client.asmx HTTP/1.1\r\nHost: ").await;
    let mut idle = server.connect().await;
    assert_eq!(idle.ask("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").await.status, 200);
    let mut dripping = server.connect().await;
    for byte in b"GET /healthz HTTP/1.1\r\nX: aaaaaaaaaaaaaaa".chunks(4) {
        dripping.send(byte).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    dripping.closed().await;
    silent.closed().await;
    half.closed().await;
    idle.closed().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn a_slow_body_is_refused_in_time() {
    let limits = Limits { body_time: Duration::from_millis(300), ..Limits::default() };
    let server = start(limits).await;
    let mut client = server.connect().await;
    let head = format!("POST {CLIENT} HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
    client.send(head.as_bytes()).await;
    for _ in 0..10 {
        client.send(b"x").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let reply = client.receive(false).await.expect("refusal");
    assert_eq!((reply.status, reply.text().as_str()), (408, "fault: incomplete"));
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn header_bombs_are_refused() {
    let server = start(Limits::default()).await;
    let many: String = (0..100).map(|at| format!("X-{at}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(40 * 1024));
    for bomb in [&many, &long] {
        assert_eq!(server.get("/healthz", bomb).await.status, 431);
    }
    let mut endless = server.connect().await;
    endless.send(b"GET /healthz HTTP/1.1\r\nX: ").await;
    for _ in 0..64 {
        endless.send(&[b'y'; 4096]).await;
    }
    assert_eq!(endless.receive(false).await.map(|reply| reply.status), Some(431));
    let path = format!("/{}", "a".repeat(70_000));
    assert!((400..500).contains(&server.get(&path, "").await.status));
    let usual: String = (0..50).map(|at| format!("X-{at}: y\r\n")).collect();
    assert_eq!(server.get("/healthz", &usual).await.status, 200);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = start(Limits::default()).await;
    for noise in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET / HTTP/1.1\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client.send(noise).await;
        let reply = client.receive(false).await;
        assert!(reply.as_ref().is_none_or(|r| (400..600).contains(&r.status)), "{reply:?}");
    }
    server.serves_an_honest_client().await;
}

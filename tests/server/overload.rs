//! More than the server allows at once.

use std::time::Duration;

use weir::server::Limits;

use super::support::{CLIENT, post, start};

#[tokio::test]
async fn calls_over_the_cap_are_told_when_to_come_back() {
    let server = start(Limits { calls_in_flight: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.send(post(CLIENT, "", "wait").as_bytes()).await;
    server.app.waiting.notified().await;

    let mut second = server.connect().await;
    let reply = second.ask(&post(CLIENT, "", "x")).await;
    assert_eq!((reply.status, reply.text().as_str()), (503, "fault: busy"));
    assert_eq!(reply.header("retry-after"), Some("30"));
    assert_eq!(server.get("/healthz", "").await.status, 200, "health does not depend on load");

    server.app.go_on.notify_one();
    assert_eq!(first.receive(false).await.expect("answer").status, 200);
    assert_eq!(second.ask(&post(CLIENT, "", "x")).await.status, 200, "on the same connection");
}

#[tokio::test]
async fn a_call_whose_client_left_makes_room() {
    let server = start(Limits { calls_in_flight: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.send(post(CLIENT, "", "wait").as_bytes()).await;
    server.app.waiting.notified().await;
    drop(first);
    for _ in 0..100 {
        if server.ask(&post(CLIENT, "", "x")).await.status == 200 {
            let metrics = server.get("/metrics", "").await.text();
            assert!(metrics.contains("operation=\"client\",status=\"4xx\"} 1"), "{metrics}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the abandoned call still holds its place");
}

#[tokio::test]
async fn bodies_share_a_budget_that_only_arrived_bytes_use() {
    let server = start(Limits { bodies_in_memory: 100_000, ..Limits::default() }).await;
    let mut announcing = server.connect().await;
    let head = format!("POST {CLIENT} HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n");
    announcing.send(head.as_bytes()).await;
    server.serves_an_honest_client().await;

    let mut sending = server.connect().await;
    sending.send(head.as_bytes()).await;
    sending.send(&vec![b'x'; 150_000]).await;
    assert_eq!(sending.receive(false).await.expect("refusal").status, 503);
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_their_turn() {
    let limits =
        Limits { connections: 2, head_time: Duration::from_millis(400), ..Limits::default() };
    let server = start(limits).await;
    let _idle = [server.connect().await, server.connect().await, server.connect().await];
    // Waits in the backlog until the idle ones have timed out.
    server.serves_an_honest_client().await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_cut() {
    let limits =
        Limits { stall_time: Duration::from_millis(300), connections: 1, ..Limits::default() };
    let server = start(limits).await;
    let mut deaf = server.connect().await;
    // Far more answers than socket buffers hold, and nobody reads them.
    let request = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    for _ in 0..20 {
        let sending = deaf.send(request.as_bytes());
        if tokio::time::timeout(Duration::from_millis(200), sending).await.is_err() {
            break;
        }
    }
    server.serves_an_honest_client().await;
}

//! Stopping: what has begun is answered, what idles is closed, what lasts too long is cut.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use weir::content::files::digest_of;
use weir::metadata::model::UpdateFile;
use weir::server::{Drained, Limits};

use super::support::{CLIENT, post, start};

#[tokio::test]
async fn an_answer_in_flight_is_not_lost_and_idle_connections_do_not_delay() {
    let server = start(Limits::default()).await;
    let app = server.app.clone();
    let address = server.http;
    let mut untouched = server.connect().await;
    let mut idle = server.connect().await;
    assert_eq!(idle.ask(&post(CLIENT, "", "x")).await.status, 200);
    let mut busy = server.connect().await;
    busy.send(post(CLIENT, "", "wait").as_bytes()).await;
    app.waiting.notified().await;

    let started = Instant::now();
    let ended = server.stop();
    idle.closed().await;
    untouched.closed().await;
    assert!(!ended.is_finished());
    assert!(TcpStream::connect(address).await.is_err(), "still accepting");

    app.go_on.notify_one();
    let reply = busy.receive(false).await.expect("the answer");
    assert_eq!(reply.status, 200);
    busy.closed().await;
    assert_eq!(ended.await.expect("ended"), Drained::Completely);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_download_in_flight_is_finished() {
    let server = start(Limits::default()).await;
    let bytes = vec![7; 20_000_000];
    let found = digest_of(&bytes[..]).expect("memory");
    let file =
        UpdateFile { sha1: found.sha1, sha256: None, name: "big.cab".into(), size: found.length };
    server.app.content.add(&bytes[..], &file).expect("stored");
    let digest = found.sha1.to_hex();
    let mut client = server.connect().await;
    let request =
        format!("GET /Content/{}/{digest}.cab HTTP/1.1\r\nHost: h\r\n\r\n", &digest[38..]);
    client.send(request.as_bytes()).await;
    let mut first = [0; 1000];
    client.stream.read_exact(&mut first).await.expect("begun");

    let ended = server.stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).await.expect("the rest");
    let head = first.windows(4).position(|four| four == b"\r\n\r\n").expect("head") + 4;
    assert_eq!(first.len() - head + rest.len(), bytes.len());
    assert_eq!(ended.await.expect("ended"), Drained::Completely);
}

#[tokio::test]
async fn the_deadline_cuts_what_never_ends() {
    let limits = Limits { shutdown_time: Duration::from_millis(200), ..Limits::default() };
    let server = start(limits).await;
    let app = server.app.clone();
    let mut busy = server.connect().await;
    busy.send(post(CLIENT, "", "wait").as_bytes()).await;
    app.waiting.notified().await;
    assert_eq!(server.stop().await.expect("ended"), Drained::Cut(1));
    assert!(busy.receive(false).await.is_none());
}

//! A client against servers and proxies that say what the test wants.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Serves one connection with `answer` and returns what was asked on it, up to an empty line.
async fn once(listener: TcpListener, answer: &'static str) -> (String, TcpStream) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let asked = head(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    (asked, stream)
}

async fn head(stream: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(asked).unwrap()
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::builder().uri(target).header("Host", "weir.example").body(Full::default()).unwrap()
}

fn limits() -> ClientLimits {
    ClientLimits { body: 10, connect: Duration::from_secs(5), exchange: Duration::from_millis(500) }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

#[tokio::test]
async fn a_proxy_of_plain_http_is_told_for_whom_a_request_is() {
    let (proxy, url) = listener().await;
    let seen = tokio::spawn(once(proxy, OK));
    let proxy = Proxy::new(&url, Some(("weir", "secret"))).unwrap();
    let server = Server::new("http://weir.invalid:8530", None).unwrap().behind(Some(proxy));
    let whole = Client::new(server, limits()).whole(get("/x?y"), true).await.unwrap();
    assert_eq!(whole.body, b"hi");
    let (asked, _) = seen.await.unwrap();
    assert!(asked.starts_with("GET http://weir.invalid:8530/x?y HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("Basic d2VpcjpzZWNyZXQ="), "{asked}");
}

#[tokio::test]
async fn https_asks_a_proxy_for_a_tunnel_and_takes_no_for_an_answer() {
    let ca = rcgen::generate_simple_self_signed(["weir.invalid".to_owned()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca.cert.pem()).unwrap();
    let (proxy, url) = listener().await;
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let seen = tokio::spawn(once(proxy, answer));
    let trust = Trust::only(file.path()).unwrap();
    let proxy = Proxy::new(&url, None).unwrap();
    let server = Server::new("https://weir.invalid", Some(trust)).unwrap().behind(Some(proxy));
    let refused = Client::new(server, limits()).whole(get("/"), true).await.unwrap_err();
    assert!(refused.to_string().contains("407"), "{refused}");
    let (asked, _) = seen.await.unwrap();
    assert!(asked.starts_with("CONNECT weir.invalid:443 HTTP/1.1\r\n"), "{asked}");
}

#[tokio::test]
async fn an_answer_is_limited_in_length_and_time() {
    for (answer, why) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901", "more than 10 bytes"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234", "no answer within"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\n1", "is unknown"),
        ("SSH-2.0\r\n\r\n", "no answer"),
    ] {
        let (server, url) = listener().await;
        let seen = tokio::spawn(once(server, answer));
        let mut client = Client::new(Server::new(&url, None).unwrap(), limits());
        let refused = client.whole(get("/"), true).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
        drop(seen);
    }
}

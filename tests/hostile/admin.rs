//! Nonsense on the administrators' socket.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::support::{Document, Weir, shared};

fn connect(weir: &Weir) -> UnixStream {
    let stream = UnixStream::connect(weir.data().join("weir.sock")).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("time-out set");
    stream
}

/// Sends bytes and reads what is answered until the server closes.
fn ask(weir: &Weir, bytes: &[u8]) -> String {
    let mut stream = connect(weir);
    // A server that has seen enough may have closed its side.
    let _ = stream.write_all(bytes);
    answered(stream)
}

/// Sends bytes, says that no more will come, and reads what is answered.
fn ask_and_leave(weir: &Weir, bytes: &[u8]) -> String {
    let mut stream = connect(weir);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    answered(stream)
}

fn answered(mut stream: UnixStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).expect("UTF-8")
}

/// A request with a body.
fn request(line: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[track_caller]
fn refused(weir: &Weir, bytes: &[u8], status: u16, words: &str) {
    let answer = ask(weir, bytes);
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let problem: serde_json::Value =
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let detail = problem["detail"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(detail.contains(words), "{detail}");
    assert!(detail.len() < 2000, "{detail}");
}

#[test]
fn the_socket_is_for_its_owner_alone() {
    let weir = shared();
    let metadata = std::fs::metadata(weir.data().join("weir.sock")).expect("the socket");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_no_request_is_no_end() {
    let weir = shared();
    for nonsense in [
        &b""[..],
        b"\n",
        &[0xff; 1000],
        b"{\"command\":{\"command\":\"health\"}}\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        b"GET /api/v1/groups HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    ] {
        let answer = ask_and_leave(&weir, nonsense);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    weir.serves_an_honest_client();
}

#[test]
fn what_is_no_operation_is_refused_with_the_reason() {
    let weir = shared();
    let get = |target: &str| request(&format!("GET {target}"), "x/y", b"");
    for target in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/groups",
        "/api/v1/drop_database",
        "/api/v1/groups/../groups",
        "/api/v1/groups/%",
        "/api/v1/groups/%ff/name",
        "/ClientWebService/client.asmx",
        "/healthz",
    ] {
        refused(&weir, &get(target), 404, "there is nothing here");
    }
    refused(&weir, &request("DELETE /api/v1/groups", "x/y", b""), 405, "DELETE is not allowed");
    refused(&weir, &request("HACK /api/v1/groups", "x/y", b""), 405, "HACK is not allowed");
    let update = "4c21514f-5c01-412b-9866-52125b1a0110";
    refused(&weir, &get("/api/v1/updates/..%2F..%2Fx"), 422, "update: has to be a UUID");
    let negative = format!("/api/v1/updates/{update}?revision=-1");
    refused(&weir, &get(&negative), 422, "revision: has to be at least 0");
    refused(&weir, &get("/api/v1/audit?last=1&last=2"), 422, "last: is given twice");
    refused(&weir, &get("/api/v1/audit?first=1"), 422, "first: is not known here");
    refused(&weir, &get("/api/v1/computers/%00%1b%5B2J"), 404, "there is no computer");

    let post = |body: &[u8]| request("POST /api/v1/groups", "application/json", body);
    for body in [&b"{"[..], b"\xff", b"{\"name\":\"a\"", "[".repeat(100_000).as_bytes()] {
        refused(&weir, &post(body), 400, "the body");
    }
    refused(&weir, &post(b"null"), 422, "the body has to be an object");
    refused(&weir, &post(b"[]"), 422, "the body has to be an object");
    refused(&weir, &post(b"{}"), 422, "name: is missing");
    refused(&weir, &post(br#"{"name":7}"#), 422, "name: has to be string");
    refused(&weir, &post(br#"{"name":"a","x":1}"#), 422, "x: is not known here");
    let text = request("POST /api/v1/groups", "text/plain", br#"{"name":"a"}"#);
    refused(&weir, &text, 415, "has to be application/json");
    let sha1 = "0".repeat(40);
    let content = |name: &str, body: &[u8]| {
        request(&format!("PUT /api/v1/content/{name}"), "application/octet-stream", body)
    };
    refused(&weir, &content(&sha1, b"x"), 404, "there is no");
    refused(&weir, &content(&"z".repeat(40), b"x"), 422, "sha1");
    refused(&weir, &content("x", b"x"), 422, "sha1");
    weir.serves_an_honest_client();
}

#[test]
fn a_body_without_end_is_cut_off() {
    let weir = Weir::start();
    let head = "POST /api/v1/groups HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
    weir.grows_at_most(24, || {
        let endless = "x".repeat(8 << 20);
        for _ in 0..3 {
            let announced = format!("{head}Content-Length: 1000000000\r\n\r\n{endless}");
            refused(&weir, announced.as_bytes(), 413, "too long");
            let chunk = format!("{:x}\r\n{endless}\r\n", endless.len());
            let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}");
            refused(&weir, chunked.as_bytes(), 413, "too long");
        }
    });
    let (code, _) = weir.json(&["computer", "list"]);
    assert_eq!(code, 0);
    weir.serves_an_honest_client();
}

#[test]
fn cut_and_lying_frames_are_refused() {
    let weir = shared();
    let files = "application/vnd.weir.files";
    let import = |body: &[u8]| request("POST /api/v1/imports", files, body);
    let document = Document::software(1).xml();
    let mut frame = 5u32.to_le_bytes().to_vec();
    frame.extend(b"a.xml");
    frame.extend((document.len() as u64).to_le_bytes());
    frame.extend(document.as_bytes());
    for length in [1, 3, 4, 8, 9, 16, 17, frame.len() - 1] {
        refused(&weir, &import(&frame[..length]), 400, "the files are cut");
    }
    let announced = |length: u64| {
        let head = format!(
            "POST /api/v1/imports HTTP/1.1\r\nHost: h\r\nContent-Type: {files}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), &frame].concat()
    };
    refused(&weir, &announced(1 << 40), 413, "is the limit");
    // A connection that ends before its body does is owed no answer.
    let broken = ask_and_leave(&weir, &announced(frame.len() as u64 + 1));
    assert!(broken.is_empty() || broken.starts_with("HTTP/1.1 400 "), "{broken}");
    let lying = |at: usize, bytes: &[u8]| {
        let mut frame = frame.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        import(&frame)
    };
    refused(&weir, &lying(0, &[0xff; 4]), 400, "the files are cut");
    refused(&weir, &lying(0, &5000u32.to_le_bytes()), 400, "the files are cut");
    refused(&weir, &lying(9, &[0xff; 8]), 400, "the files are cut");
    refused(&weir, &lying(9, &0u64.to_le_bytes()), 400, "the files are cut");

    let (_, listed) = weir.json(&["update", "list"]);
    assert!(!listed.to_string().contains(&Document::software(1).id.to_string()));
    weir.serves_an_honest_client();
}

#[test]
fn silent_administrators_lock_nobody_out_and_hold_nothing_up() {
    let mut weir = Weir::start();
    let _silent: Vec<UnixStream> = (0..20).map(|_| connect(&weir)).collect();
    let started = Instant::now();
    let (code, _) = weir.json(&["computer", "list"]);
    assert_eq!(code, 0);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    weir.serves_an_honest_client();

    let _silent: Vec<UnixStream> = (0..20).map(|_| connect(&weir)).collect();
    let ended = weir.terminated(Duration::from_secs(15));
    assert!(ended.success(), "{ended}");
}

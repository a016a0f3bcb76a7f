//! Bodies that are too long, compressed, or never complete.

use std::time::{Duration, Instant};

use weir::wire::operation::{Operation, Service};

use super::support::{Answer, Connection, Weir, envelope, post, shared, tag};

fn refusal(connection: &mut Connection) -> Answer {
    connection.receive(false).expect("a refusal").into()
}

/// A head that announces `length` bytes.
fn announcing(operation: Operation, length: &str) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {length}\r\n\r\n",
        operation.service().path(),
        tag(operation)
    )
}

#[test]
fn a_body_over_its_operations_limit_is_refused_before_it_is_sent() {
    let weir = shared();
    for &operation in Operation::ALL {
        let mut connection = weir.connect();
        let length = operation.body_limit() + 1;
        connection.send(announcing(operation, &length.to_string()).as_bytes());
        let answer = refusal(&mut connection);
        assert_eq!(answer.status, 413, "{operation:?}");
        assert_eq!(answer.fault().0, "InvalidParameters", "{operation:?}");
        assert!(answer.fault().1.contains(&(length - 1).to_string()), "{}", answer.text);
        connection.closed();
    }
    for length in ["18446744073709551615", "9223372036854775808"] {
        let mut connection = weir.connect();
        connection.send(announcing(Operation::SyncUpdates, length).as_bytes());
        let status = connection.receive(false).map(|reply| reply.status);
        assert!(matches!(status, None | Some(400 | 413 | 431)), "{length}: {status:?}");
    }
    weir.serves_an_honest_client();
}

#[test]
fn chunks_are_counted() {
    let weir = Weir::configured("[limits]\nbody_seconds = 2");
    // A buffer of the largest, 8 MiB, is there twice while it grows, and the allocator keeps what the
    // operations before it left for a while.
    weir.grows_at_most(40, || {
        for operation in [Operation::GetConfig, Operation::SyncUpdates, Operation::ReportEventBatch]
        {
            let mut connection = weir.connect();
            let head = announcing(operation, "0")
                .replace("Content-Length: 0", "Transfer-Encoding: chunked");
            connection.send(head.as_bytes());
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            for _ in 0..=operation.body_limit() / 0x10000 {
                connection.send(chunk.as_bytes());
            }
            let answer = refusal(&mut connection);
            assert_eq!(answer.status, 413, "{operation:?}");
        }
    });
    // A chunk that announces more than any, and one whose extension never ends.
    for chunk in
        ["ffffffffffffffff\r\n", "fffffffffffffffff\r\n", &format!("1;{}", "x".repeat(100_000))]
    {
        let mut connection = weir.connect();
        let head = announcing(Operation::GetConfig, "0")
            .replace("Content-Length: 0", "Transfer-Encoding: chunked");
        connection.send(format!("{head}{chunk}").as_bytes());
        let status = connection.receive(false).map(|reply| reply.status);
        assert!(matches!(status, None | Some(400 | 408 | 413)), "{status:?}");
    }
    weir.serves_an_honest_client();
}

#[test]
fn an_operations_limit_holds_when_only_the_body_names_it() {
    let weir = shared();
    let padding = " ".repeat(Operation::GetConfig.body_limit());
    let body = envelope(
        Operation::GetConfig,
        &format!("{padding}<protocolVersion>2.90</protocolVersion>"),
    );
    let answer =
        weir.ask(&post(Service::Client.path(), "Content-Type: text/xml\r\n", body.as_bytes()));
    let answer = Answer::from(answer);
    answer.refused("InvalidParameters");
    assert!(answer.fault().1.contains("16384"), "{}", answer.text);
    weir.serves_an_honest_client();
}

#[test]
fn compressed_requests_are_refused_unopened() {
    let weir = shared();
    // 64 MiB of spaces in 64 KiB.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..64 {
        std::io::Write::write_all(&mut bomb, &vec![b' '; 1 << 20]).expect("compressed");
    }
    let bomb = bomb.finish().expect("compressed");
    weir.grows_at_most(16, || {
        for coding in
            ["gzip", "GZIP", "deflate", "xpress", "br", "gzip, gzip", "identity, gzip", "x"]
        {
            let headers = format!("{}Content-Encoding: {coding}\r\n", tag(Operation::SyncUpdates));
            let answer = Answer::from(weir.ask(&post(Service::Client.path(), &headers, &bomb)));
            assert_eq!(answer.status, 415, "{coding}");
            assert_eq!(answer.fault(), ("InvalidParameters".into(), "Content-Encoding".into()));
        }
        // Without a label it is no text.
        let headers = tag(Operation::SyncUpdates);
        let answer = Answer::from(weir.ask(&post(Service::Client.path(), &headers, &bomb)));
        answer.refused("InvalidParameters");
    });
    weir.serves_an_honest_client();
}

#[test]
fn slow_heads_and_bodies_end_in_time() {
    let weir = Weir::configured("[limits]\nhead_seconds = 1\nbody_seconds = 1");
    let started = Instant::now();
    let mut silent = weir.connect();
    let mut half_a_head = weir.connect();
    half_a_head.send(b"POST /ClientWebService/client.asmx HTTP/1.1\r\nHost: ");
    let mut half_a_body = weir.connect();
    half_a_body.send(announcing(Operation::GetConfig, "100").as_bytes());
    half_a_body.send(b"<s:Envelope");
    let mut dripping_head = weir.connect();
    let mut dripping_body = weir.connect();
    dripping_body.send(announcing(Operation::GetConfig, "100").as_bytes());
    // Each byte is a sign of life, and none of them counts.
    for _ in 0..15 {
        dripping_head.send(b"G");
        dripping_body.send(b"<");
        std::thread::sleep(Duration::from_millis(100));
    }
    for body in [&mut half_a_body, &mut dripping_body] {
        let answer = refusal(body);
        assert_eq!(answer.status, 408);
        assert_eq!(answer.fault().1, "the request is incomplete");
        body.closed();
    }
    dripping_head.closed();
    half_a_head.closed();
    silent.closed();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    weir.serves_an_honest_client();
}

#[test]
fn requests_that_two_servers_would_read_differently_are_not_read() {
    let weir = shared();
    let body = envelope(Operation::GetConfig, "<protocolVersion>2.90</protocolVersion>");
    let smuggled = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: -1\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length : 5\r\n",
        " Content-Length: 5\r\n",
    ] {
        let head = format!("POST {} HTTP/1.1\r\nHost: h\r\n{headers}\r\n", Service::Client.path());
        let mut connection = weir.connect();
        connection.send(format!("{head}{body}{smuggled}").as_bytes());
        let reply = connection.receive(false);
        let status = reply.map(|reply| reply.status);
        assert!(matches!(status, None | Some(400 | 408 | 500)), "{headers:?}: {status:?}");
        if status.is_some() {
            connection.closed();
        }
    }
    weir.serves_an_honest_client();
}

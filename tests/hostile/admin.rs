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

/// Sends bytes, says that no more will come, and reads the answer.
fn ask(weir: &Weir, bytes: &[u8]) -> String {
    let mut stream = connect(weir);
    // A server that has seen enough may have closed its side.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).expect("UTF-8")
}

#[track_caller]
fn refused(weir: &Weir, bytes: &[u8], words: &str) {
    let answer = ask(weir, bytes);
    let answer: serde_json::Value =
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let reason = answer["failed"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(reason.contains(words), "{reason}");
    // A command that is none is answered with the names of all that are.
    assert!(reason.len() < 2000, "{reason}");
}

#[test]
fn the_socket_is_for_its_owner_alone() {
    let weir = shared();
    let metadata = std::fs::metadata(weir.data().join("weir.sock")).expect("the socket");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_no_command_is_refused() {
    let weir = shared();
    let unknown = "does not understand";
    refused(&weir, b"", unknown);
    refused(&weir, b"\n", unknown);
    refused(&weir, &[0xff; 1000], unknown);
    refused(&weir, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", unknown);
    refused(&weir, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", unknown);
    for command in [
        "null",
        "[]",
        "{}",
        "\"command\"",
        r#"{"command":"health"}"#,
        r#"{"command":{"command":"drop_database"}}"#,
        r#"{"command":{"command":"show_update","update":"../../x","revision":null}}"#,
        r#"{"command":{"command":"show_update","update":"4c21514f-5c01-412b-9866-52125b1a0110","revision":-1}}"#,
        r#"{"command":{"command":"move_computer","computer":"x","groups":"y"}}"#,
        r#"{"command":{"command":"health"},"import":{"more_follows":false,"length":0}}"#,
        r#"{"import":{"more_follows":false,"length":-1}}"#,
        r#"{"import":{"more_follows":false,"length":1e30}}"#,
        r#"{"add_content":{"sha1":"../../x","length":1}}"#,
        r#"{"add_content":{"sha1":"","length":1}}"#,
        "{\"command\":{\"command\":\"health\"}",
    ] {
        refused(&weir, format!("{command}\n").as_bytes(), unknown);
    }
    refused(&weir, format!("{}\n", "[".repeat(100_000)).as_bytes(), unknown);
    refused(
        &weir,
        format!("{{\"command\":{}1{}}}\n", "[".repeat(200), "]".repeat(200)).as_bytes(),
        unknown,
    );
    let nobody = r#"{"command":{"command":"show_computer","computer":"\u0000\u001b[2J"}}"#;
    refused(&weir, format!("{nobody}\n").as_bytes(), "there is no computer");
    weir.serves_an_honest_client();
}

#[test]
fn a_line_without_end_is_cut_off() {
    let weir = Weir::start();
    weir.grows_at_most(24, || {
        for _ in 0..3 {
            let endless = "x".repeat(8 << 20);
            let answer = ask(&weir, format!("{{\"command\":{{\"command\":\"{endless}").as_bytes());
            // The rest of the line may have pushed the answer out of the way.
            assert!(answer.is_empty() || answer.contains("failed"), "{answer}");
        }
    });
    let (code, _) = weir.json(&["computer", "list"]);
    assert_eq!(code, 0);
    weir.serves_an_honest_client();
}

#[test]
fn cut_and_lying_frames_are_refused() {
    let weir = shared();
    let import = |length: u64, body: &[u8]| {
        let head = format!("{{\"import\":{{\"more_follows\":false,\"length\":{length}}}}}\n");
        [head.as_bytes(), body].concat()
    };
    let document = Document::software(1).xml();
    let mut frame = 5u32.to_le_bytes().to_vec();
    frame.extend(b"a.xml");
    frame.extend((document.len() as u64).to_le_bytes());
    frame.extend(document.as_bytes());
    for length in [1, 3, 4, 8, 9, 16, 17, frame.len() - 1] {
        refused(&weir, &import(length as u64, &frame[..length]), "the files are cut");
        // The same with a connection that ends before the body does.
        refused(&weir, &import(frame.len() as u64, &frame[..length]), "the files are cut");
    }
    refused(&weir, &import(u64::MAX, &frame), "is the limit");
    refused(&weir, &import(1 << 40, &frame), "is the limit");
    let lying = |at: usize, bytes: &[u8]| {
        let mut frame = frame.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        import(frame.len() as u64, &frame)
    };
    refused(&weir, &lying(0, &[0xff; 4]), "the files are cut");
    refused(&weir, &lying(0, &5000u32.to_le_bytes()), "the files are cut");
    refused(&weir, &lying(9, &[0xff; 8]), "the files are cut");
    refused(&weir, &lying(9, &0u64.to_le_bytes()), "the files are cut");

    let sha1 = "0".repeat(40);
    let content =
        format!("{{\"add_content\":{{\"sha1\":\"{sha1}\",\"length\":18446744073709551615}}}}\n");
    refused(&weir, content.as_bytes(), "there is no");
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

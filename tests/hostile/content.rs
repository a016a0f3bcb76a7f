//! Content paths that point elsewhere, and ranges that ask for more than a file.

use std::fs::File;
use std::path::Path;

use weir::content::files::digest_of;

use super::support::{Weir, shared};

/// A content file of the sample: its digest and its length.
fn sample() -> (String, u64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample/content/sluice-4.1.exe");
    let digests = digest_of(File::open(path).expect("the sample")).expect("read");
    (digests.sha1.to_hex(), digests.length)
}

fn folder(sha1: &str) -> &str {
    &sha1[sha1.len() - 2..]
}

fn ask(weir: &Weir, method: &str, target: &[u8]) -> u16 {
    let request = [method.as_bytes(), b" ", target, b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
    let mut connection = weir.connect();
    connection.send(&request);
    let reply = connection.receive(method == "HEAD").expect("a response");
    let body = reply.text();
    assert!(!body.contains("SECRET") && !body.contains("root:"), "{body}");
    reply.status
}

#[test]
fn no_spelling_of_a_path_leaves_the_content() {
    let weir = shared();
    std::fs::write(weir.data().join("secret.txt"), "SECRET").expect("written");
    std::fs::write(weir.data().join("content/secret.txt"), "SECRET").expect("written");
    let (sha1, _) = sample();
    let folder = folder(&sha1);
    assert_eq!(ask(&weir, "GET", format!("/Content/{folder}/{sha1}.exe").as_bytes()), 200);
    let steps = [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%e0%80%ae%e0%80%ae",
        "..%00",
        "..;",
        "...",
        "..%20",
        "..%2f..",
        "..%5c..",
        "..\\..",
        "%2e%2e%5c",
        "\u{ff0e}\u{ff0e}",
        "~",
    ];
    let mut targets: Vec<Vec<u8>> = Vec::new();
    for step in steps {
        for file in ["secret.txt", "etc/passwd", &format!("{sha1}.exe")] {
            targets.push(format!("/Content/{step}/{file}").into_bytes());
            targets.push(format!("/Content/{folder}/{step}/{file}").into_bytes());
            targets.push(format!("/{step}/{step}/{step}/{file}").into_bytes());
            targets.push(format!("/Content/{folder}/{step}{file}").into_bytes());
            targets.push(format!("/SelfUpdate/{step}/{step}/{file}").into_bytes());
        }
    }
    for target in [
        "/Content/secret.txt",
        "/Content/incoming/secret.txt",
        "/content/\\\\server\\share\\x.exe",
        "/Content/49/\\\\?\\C:\\windows\\win.ini",
        "/Content/C:/windows/win.ini",
        "/Content/C:%5cwindows%5cwin.ini",
        "/Content/CON.exe",
        "/Content/00/NUL.exe",
        "http://h/Content/../secret.txt",
        "http://h/..%2fsecret.txt",
        "file:///etc/passwd",
        "//etc/passwd",
        "/%2f%2fetc%2fpasswd",
        "*",
        "/Content//",
        "/Content",
    ] {
        targets.push(target.as_bytes().to_vec());
    }
    targets.push(b"/Content/\xc0\xae\xc0\xae/secret.txt".to_vec());
    targets.push(b"/Content/\xff\xfe".to_vec());
    for target in targets {
        for method in ["GET", "HEAD"] {
            let status = ask(&weir, method, &target);
            let shown = String::from_utf8_lossy(&target);
            assert!(matches!(status, 400 | 404), "{method} {shown}: {status}");
        }
    }
    weir.serves_an_honest_client();
}

#[test]
fn a_file_has_one_address() {
    let weir = shared();
    let (sha1, _) = sample();
    let folder = folder(&sha1);
    for target in [
        format!("/Content/00/{sha1}.exe"),
        format!("/Content/{sha1}.exe"),
        format!("/Content/{folder}/{folder}/{sha1}.exe"),
        format!("/Content/{folder}/{sha1}.exe/x"),
        format!("/Content/{folder}/{sha1}.exe."),
        format!("/Content/{folder}/{sha1}.exe%20"),
        format!("/Content/{folder}/{sha1}.exe%00"),
        format!("/Content/{folder}/{sha1}.exe%00.txt"),
        format!("/Content/{folder}/{sha1}.exe::$DATA"),
        format!("/Content/{folder}/{sha1}.exe:stream"),
        format!("/Content/{folder}/{sha1}:stream.exe"),
        format!("/Content/{folder}/{sha1}~1.exe"),
        format!("/Content/{folder}/{}.exe", &sha1[..39]),
        format!("/Content/{folder}/{sha1}0.exe"),
        format!("/Content/{folder}/ {sha1}.exe").replace(' ', "%20"),
        format!("/Content/{folder}/{}.exe", sha1.replace('A', "%41")),
        format!("/Content/%{:02x}{}/{sha1}.exe", folder.as_bytes()[0], &folder[1..]),
        format!("/Content\\{folder}\\{sha1}.exe"),
        format!("/Content%2f{folder}%2f{sha1}.exe"),
        format!("/Content;x/{folder}/{sha1}.exe"),
        format!("/Content/./{folder}/{sha1}.exe"),
        format!("/x/../Content/{folder}/{sha1}.exe"),
    ] {
        // Where nothing was replaced, the address is the right one.
        if target != format!("/Content/{folder}/{sha1}.exe") {
            let status = ask(&weir, "GET", target.as_bytes());
            assert!(matches!(status, 400 | 404), "{target}: {status}");
        }
    }
    assert_eq!(ask(&weir, "GET", format!("/Content/{folder}/{sha1}").as_bytes()), 403);
    // What is stored but in no catalogue is not served, nor what is in one but not stored.
    let stray = "00000000000000000000000000000000000000FF";
    std::fs::create_dir_all(weir.data().join("content/FF")).expect("a folder");
    std::fs::write(weir.data().join("content/FF").join(stray), "SECRET").expect("written");
    assert_eq!(ask(&weir, "GET", format!("/Content/FF/{stray}.exe").as_bytes()), 404);
    for method in ["PUT", "DELETE", "POST", "PATCH", "PROPFIND", "TRACE", "OPTIONS", "FROB"] {
        let status = ask(&weir, method, format!("/Content/{folder}/{sha1}.exe").as_bytes());
        assert_eq!(status, 405, "{method}");
    }
    // An address may be absolute (RFC 9112 3.2.2); its authority is nobody's business.
    let absolute = format!("http://elsewhere.example/Content/{folder}/{sha1}.exe");
    assert_eq!(ask(&weir, "GET", absolute.as_bytes()), 200);
    weir.serves_an_honest_client();
}

#[test]
fn abused_ranges_cost_at_most_two_files() {
    let weir = shared();
    let (sha1, length) = sample();
    let path = format!("/Content/{}/{sha1}.exe", folder(&sha1));
    let list =
        |range: &dyn Fn(u64) -> String, count| (0..count).map(range).collect::<Vec<_>>().join(",");
    weir.grows_at_most(16, || {
        for (range, expected) in [
            (list(&|at| format!("{at}-{at}"), 500), 416),
            (list(&|_| "0-".into(), 500), 416),
            (list(&|_| "0-".into(), 17), 416),
            (list(&|_| "0-".into(), 3), 416),
            (list(&|at| format!("0-{}", length - 1 - at), 16), 416),
            (list(&|at| format!("-{}", length - at), 16), 416),
            (format!("{length}-"), 416),
            (format!("{length}-{}", length + 5), 416),
            ("-0".into(), 416),
            ("18446744073709551615-".into(), 416),
            ("18446744073709551615-18446744073709551615".into(), 416),
            ("99999999999999999999999-99999999999999999999999".into(), 416),
            ("0-18446744073709551615".into(), 206),
            ("-18446744073709551616".into(), 206),
            ("0-0,-1".into(), 206),
            // Not a range at all: as if it were not there.
            ("5-4".into(), 200),
            ("--1".into(), 200),
            ("0x0-0x1".into(), 200),
            ("+0-1".into(), 200),
            ("0-1;0-1".into(), 200),
            ("\u{665}-\u{666}".into(), 200),
            (",".repeat(8000), 200),
            ("1-2,5-4".into(), 200),
        ] {
            let reply = weir.get(&path, &format!("Range: bytes={range}\r\n"));
            let shown: String = range.chars().take(40).collect();
            assert_eq!(reply.status, expected, "{shown}");
            assert!(reply.body.len() as u64 <= 2 * length + 4096, "{shown}: {}", reply.body.len());
        }
        // A header that says it twice says nothing.
        let reply = weir.get(&path, "Range: bytes=0-0\r\nRange: bytes=0-1\r\n");
        assert_eq!(reply.status, 200);
    });
    weir.serves_an_honest_client();
}

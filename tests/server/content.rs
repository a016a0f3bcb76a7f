//! Content downloads: Delivery Optimization's ranges, BITS, conditions, and nothing but content.

use weir::content::files::digest_of;
use weir::metadata::model::UpdateFile;
use weir::server::Limits;

use super::support::{Reply, Running, start};

/// More than two chunks of the server, and different at every offset.
fn bytes() -> Vec<u8> {
    (0..700_001_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// A server with one stored file, and the file's path.
async fn with_file(bytes: &[u8]) -> (Running, String) {
    let server = start(Limits::default()).await;
    let found = digest_of(bytes).expect("memory");
    let file = UpdateFile {
        sha1: found.sha1,
        sha256: Some(found.sha256),
        name: "setup.exe".into(),
        size: found.length,
    };
    server.app.content.add(bytes, &file).expect("stored");
    let digest = found.sha1.to_hex();
    (server, format!("/Content/{}/{digest}.exe", &digest[38..]))
}

#[tokio::test]
async fn the_whole_file_and_its_headers() {
    let (server, path) = with_file(&bytes()).await;
    let reply = server.get(&path, "").await;
    assert_eq!(reply.status, 200);
    assert!(reply.body == bytes());
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    assert_eq!(reply.header("etag"), Some(&*format!("\"{}\"", &path[12..52])));
    assert!(reply.header("last-modified").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(reply.header("content-encoding"), None);
}

#[tokio::test]
async fn delivery_optimization_fetches_ranges_on_one_connection() {
    let (server, path) = with_file(&bytes()).await;
    let mut agent = server.connect().await;
    for (range, from, to) in [
        ("bytes=524288-700000", 524_288, 700_001),
        ("bytes=0-524287", 0, 524_288),
        ("bytes=700000-", 700_000, 700_001),
        ("bytes=-5", 699_996, 700_001),
        ("BYTES=10-99999999999999999999", 10, 700_001),
    ] {
        let reply = agent
            .ask(&format!(
                "GET {path} HTTP/1.1\r\nConnection: Keep-Alive\r\nAccept: */*\r\nRange: {range}\r\n\
                 User-Agent: Microsoft-Delivery-Optimization/10.1\r\nContent-Length: 0\r\n\
                 Host: wsus:8530\r\n\r\n"
            ))
            .await;
        assert_eq!(reply.status, 206, "{range}");
        assert!(reply.body == bytes()[from..to], "{range}");
        let expected = format!("bytes {from}-{}/700001", to - 1);
        assert_eq!(reply.header("content-range"), Some(&*expected));
    }
}

#[tokio::test]
async fn bits_asks_for_the_length_and_then_for_several_ranges() {
    let (server, path) = with_file(&bytes()).await;
    for header in ["", "Range: bytes=0-4\r\n", "Range: bytes=9999999-\r\n"] {
        let head = server.ask(&format!("HEAD {path} HTTP/1.1\r\nHost: h\r\n{header}\r\n")).await;
        assert_eq!((head.status, head.header("content-length")), (200, Some("700001")));
    }
    let reply = server.get(&path, "Range: bytes=5-9, 600000-600009,-1\r\n").await;
    assert_eq!(reply.status, 206);
    let kind = reply.header("content-type").expect("type");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("boundary");
    let mut expected = Vec::new();
    for (from, to) in [(5, 10), (600_000, 600_010), (700_000, 700_001)] {
        if from != 5 {
            expected.extend_from_slice(b"\r\n");
        }
        expected.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Type: application/octet-stream\r\n\
                 Content-Range: bytes {from}-{}/700001\r\n\r\n",
                to - 1
            )
            .as_bytes(),
        );
        expected.extend_from_slice(&bytes()[from..to]);
    }
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert!(reply.body == expected, "{}", reply.text());
}

#[tokio::test]
async fn ranges_that_cannot_be_had_or_read() {
    let (server, path) = with_file(&bytes()).await;
    let flood = format!("Range: bytes={}\r\n", ["0-"; 12].join(","));
    let many: Vec<String> = (0..17).map(|at| format!("{at}-{at}")).collect();
    let many = format!("Range: bytes={}\r\n", many.join(","));
    for header in ["Range: bytes=700001-\r\n", "Range: bytes=-0\r\n", &flood, &many] {
        let reply = server.get(&path, header).await;
        let total = reply.header("content-range").map(str::to_owned);
        assert_eq!((reply.status, total.as_deref()), (416, Some("bytes */700001")), "{header}");
    }
    for header in
        ["Range: items=0-1\r\n", "Range: bytes=5-4\r\n", "Range: bytes=0-1\r\nRange: bytes=2-3\r\n"]
    {
        assert_eq!(server.get(&path, header).await.status, 200, "{header}");
    }
}

#[tokio::test]
async fn conditions() {
    let (server, path) = with_file(&bytes()).await;
    let first = server.get(&path, "").await;
    let header = |reply: &Reply, name: &str| reply.header(name).expect("header").to_owned();
    let (etag, date) = (header(&first, "etag"), header(&first, "last-modified"));

    let mut client = server.connect().await;
    let request = |header: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n{header}\r\n");
    for header in [format!("If-None-Match: {etag}\r\n"), format!("If-Modified-Since: {date}\r\n")] {
        let reply = client.ask(&request(&header)).await;
        assert_eq!((reply.status, reply.header("etag")), (304, Some(&*etag)), "{header}");
    }
    let same = client.ask(&request(&format!("If-Range: {etag}\r\nRange: bytes=0-0\r\n"))).await;
    assert_eq!((same.status, same.body.len()), (206, 1));
    let other = client.ask(&request("If-Range: \"other\"\r\nRange: bytes=0-0\r\n")).await;
    assert_eq!((other.status, other.body.len()), (200, 700_001));
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let (server, path) = with_file(b"").await;
    let reply = server.get(&path, "").await;
    assert_eq!((reply.status, reply.header("content-length")), (200, Some("0")));
    assert_eq!(server.get(&path, "Range: bytes=0-\r\n").await.status, 416);
}

#[tokio::test]
async fn nothing_but_content_is_reached_in_any_spelling() {
    let (server, path) = with_file(&bytes()).await;
    let digest = &path[12..52];
    let folder = &path[9..11];
    assert_eq!(server.get(&path.to_lowercase(), "").await.status, 200);
    assert_eq!(server.get(path.strip_suffix(".exe").expect("path"), "").await.status, 403);
    for path in [
        format!("/Content/{folder}/../{folder}/{digest}.exe"),
        format!("/Content/%2e%2e/Content/{folder}/{digest}.exe"),
        format!("/Content/{folder}%2f{digest}.exe"),
        format!("/Content/{folder}/..%5c{digest}.exe"),
        format!("/Content/{folder}\\{digest}.exe"),
        format!("/Content/{folder}/{digest}.exe::$DATA"),
        format!("/Content/{folder}/{digest}.exe%00.txt"),
        format!("/Content/{folder}/{digest}.e%78e"),
        format!("/Content/00/{digest}.exe"),
        "/Content/../../../../etc/passwd".into(),
        "/Content/..%2f..%2f..%2fetc%2fpasswd".into(),
        "/Content/..%252f..%252fetc/passwd".into(),
        "/Content/..%c0%af..%c0%afetc/passwd".into(),
        "/Content/incoming/x.exe".into(),
        "/Content//etc/passwd".into(),
        "/Content/C:/boot.ini".into(),
    ] {
        let reply = server.get(&path, "").await;
        assert_eq!(reply.status, 404, "{path}");
    }
    let absent = format!("/Content/AA/{}.cab", "A".repeat(40));
    assert_eq!(server.get(&absent, "").await.status, 404);
    assert_eq!(server.get(&path, "").await.status, 200);
}

/// The recorded downloads of a real agent, whose answers from IIS and another server it took.
#[tokio::test]
async fn recorded_downloads_get_the_recorded_answers() {
    let Some(corpus) = super::support::corpus() else { return };
    let server = start(Limits::default()).await;
    let mut recordings = 0;
    for entry in std::fs::read_dir(corpus.join("content-ranges")).expect("recordings") {
        let dir = entry.expect("entry").path();
        let text = |name: &str| std::fs::read_to_string(dir.join(name)).expect("recorded");
        let request = text("request.headers").replace("\r\n", "\n").replace('\n', "\r\n");
        let response = text("response.headers").to_lowercase();
        let recorded = |name: &str| {
            let value = response.lines().find_map(|line| line.strip_prefix(name));
            value.and_then(|value| value.strip_prefix(": "))
        };
        let total = recorded("content-range").and_then(|range| range.split('/').nth(1));
        sparse_file(&server, &request, total.expect("total").parse().expect("number"));

        let reply = server.ask(&request).await;
        assert_eq!(reply.status, 206, "{}", dir.display());
        for name in ["content-type", "content-length", "content-range", "accept-ranges"] {
            assert_eq!(reply.header(name), recorded(name), "{name} in {}", dir.display());
        }
        for name in ["etag", "date", "last-modified"] {
            assert!(reply.header(name).is_some(), "{name}");
        }
        recordings += 1;
    }
    assert!(recordings >= 7, "{recordings}");
}

/// Puts a file of the right length, and no content, where the server finds it.
fn sparse_file(server: &Running, request: &str, length: u64) {
    let mut path = request.split(' ').nth(1).expect("path").split('/').skip(2);
    let folder = server.app.dir.path().join(path.next().expect("folder"));
    let name = path.next().and_then(|file| file.split('.').next()).expect("digest");
    std::fs::create_dir_all(&folder).expect("folder");
    let file = std::fs::File::create(folder.join(name)).expect("file");
    file.set_len(length).expect("length");
}

//! The one line about each request: complete, and silent about secrets.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use weir::server::Limits;

use super::support::{CLIENT, post, start};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// One thread: the subscriber is that thread's.
#[tokio::test]
async fn one_line_a_request_with_all_that_matters_and_no_secrets() {
    let server = start(Limits::default()).await;
    // A place in the code that is met for the first time, on another test's thread, while the
    // subscriber is set may be remembered as of interest to nobody. So it is met before.
    assert_eq!(server.get("/before", "").await.status, 404);
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(captured.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // Nor may what another thread remembered a moment ago.
    tracing::callsite::rebuild_interest_cache();

    let headers = "SOAPAction: \"http://www.microsoft.com/SoftwareDistribution/Server/\
                   ClientWebService/GetCookie\"\r\nAuthorization: Basic secret\r\n\
                   Cookie: secret\r\nUser-Agent: secret\r\n";
    let path = format!("{CLIENT}?token=secret");
    let reply = server.ask(&post(&path, headers, "secret")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(server.get("/secret/secret?secret", "").await.status, 404);

    let text = String::from_utf8(captured.0.lock().expect("lock").clone()).expect("text");
    assert!(!text.contains("secret"), "{text}");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("json"))
        .filter(|line: &serde_json::Value| line["target"] == "weir::access")
        .collect();
    assert_eq!(lines.len(), 2, "{text}");
    let fields = &lines[0]["fields"];
    assert_eq!(fields["operation"], "GetCookie");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["fault"], "CookieExpired");
    assert_eq!(fields["client"], "0000000000000007");
    assert_eq!(fields["bytes_in"], 6);
    assert_eq!(fields["bytes_out"], reply.body.len());
    assert_eq!(fields["encoding"], "identity");
    assert_eq!(fields["peer"], "127.0.0.1");
    assert!(fields["ms"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(fields.get("cut_short").is_none());
    assert_eq!(lines[1]["fields"]["operation"], "unknown");
}

//! What agents and other SOAP stacks send, and the forms in which they are answered.

use std::io::Read;
use std::sync::atomic::Ordering;

use weir::server::Limits;
use weir::wire::body::Prepared;
use weir::wire::xpress;

use super::support::{CLIENT, post, start, start_with};

const SYNC: &str = "SOAPAction: \"http://www.microsoft.com/SoftwareDistribution/Server/\
                    ClientWebService/SyncUpdates\"\r\nContent-Type: text/xml; charset=utf-8\r\n";

#[tokio::test]
async fn an_agents_call_arrives_whole_and_its_connection_is_kept() {
    let server = start(Limits::default()).await;
    let mut agent = server.connect().await;
    for length in [1, 3, 0] {
        let reply = agent.ask(&post(CLIENT, SYNC, &"x".repeat(length))).await;
        assert_eq!(reply.status, 200);
        let expected =
            format!("Client Some(SyncUpdates) bytes={length} host=Some(\"wsus:8530\") https=false");
        assert_eq!(reply.text(), expected);
        assert_eq!(reply.header("content-type"), Some("text/xml; charset=utf-8"));
        assert_eq!(reply.header("cache-control"), Some("private"));
        assert_eq!(reply.header("vary"), Some("Accept-Encoding"));
        assert_eq!(reply.header("transfer-encoding"), None);
        assert!(reply.header("date").is_some());
    }
}

#[tokio::test]
async fn paths_are_matched_in_any_case_and_with_doubled_slashes() {
    let server = start(Limits::default()).await;
    for (path, service) in [
        ("//CLIENTWEBSERVICE//CLIENT.ASMX", "Client"),
        ("/simpleauthwebservice/simpleauth.asmx", "SimpleAuth"),
        ("/ReportingWebService//ReportingWebService.asmx", "Reporting"),
        ("http://wsus:8530/ClientWebService/client.asmx", "Client"),
    ] {
        let reply = server.ask(&post(path, "", "x")).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.text().starts_with(&format!("{service} None")), "{path}: {}", reply.text());
    }
    let reporting = server.ask(&post("/ReportingWebService/WebService.asmx", "", "x")).await;
    assert_eq!(reporting.header("cache-control"), Some("private, max-age=0"));
}

#[tokio::test]
async fn soap_12_names_its_operation_in_the_content_type() {
    let server = start(Limits::default()).await;
    let header = "Content-Type: application/soap+xml; charset=utf-8; action=\"http://www.microsoft.\
                  com/SoftwareDistribution/Server/ClientWebService/GetConfig\"\r\n";
    let reply = server.ask(&post(CLIENT, header, "x")).await;
    assert!(reply.text().starts_with("Client Some(GetConfig)"), "{}", reply.text());
}

#[tokio::test]
async fn expect_100_continue_is_answered_before_the_body() {
    let server = start(Limits::default()).await;
    let mut client = server.connect().await;
    let head = format!(
        "POST {CLIENT} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    );
    client.send(head.as_bytes()).await;
    assert_eq!(client.receive(false).await.expect("interim").status, 100);
    client.send(b"body").await;
    let reply = client.receive(false).await.expect("final");
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains("bytes=4"));
}

#[tokio::test]
async fn chunked_bodies_are_accepted() {
    let server = start(Limits::default()).await;
    let request = format!(
        "POST {CLIENT} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nTrailer: ignored\r\n\r\n"
    );
    assert!(server.ask(&request).await.text().contains("bytes=8"));
}

#[tokio::test]
async fn responses_come_in_the_encoding_asked_for() {
    let text = "<fragment attribute=\"value\"/>".repeat(2000);
    let mut blocks = Vec::new();
    xpress::encode(text.as_bytes(), &mut blocks);
    let fragment = Prepared::Blocks { bytes: blocks.into(), length: text.len() };
    let server = start_with(Limits::default(), None, Some(fragment)).await;
    let expected = format!("Client None bytes=1 host=Some(\"wsus:8530\") https=false{text}");

    let plain = server.ask(&post(CLIENT, "", "x")).await;
    assert_eq!((plain.header("content-encoding"), plain.text()), (None, expected.clone()));

    let xpress = server.ask(&post(CLIENT, "Accept-Encoding: xpress\r\n", "x")).await;
    assert_eq!(xpress.header("content-encoding"), Some("xpress"));
    assert_eq!(xpress::decode(&xpress.body, 1 << 20).expect("blocks"), expected.as_bytes());

    let gzip = server.ask(&post(CLIENT, "Accept-Encoding: gzip, deflate, br\r\n", "x")).await;
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut decoded = String::new();
    flate2::read::GzDecoder::new(&gzip.body[..]).read_to_string(&mut decoded).expect("gzip");
    assert_eq!(decoded, expected);
    assert!(gzip.body.len() < 1000 && xpress.body.len() < 2000);
}

#[tokio::test]
async fn get_on_a_service_explains_itself() {
    let server = start(Limits::default()).await;
    let reply = server.get(CLIENT, "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    let contract = server.get(&format!("{CLIENT}?WSDL"), "").await;
    assert_eq!(contract.text(), "<wsdl service=\"Client\" at=\"http://h\"/>");
    let forged =
        server.ask(&format!("GET {CLIENT}?wsdl HTTP/1.1\r\nHost: \"><script>\r\n\r\n")).await;
    assert_eq!(forged.text(), "<wsdl service=\"Client\" at=\"http://localhost\"/>");
}

#[tokio::test]
async fn what_else_clients_and_administrators_ask_for() {
    let server = start(Limits::default()).await;
    let version = server.get("/ClientWebService/WusServerVersion.xml", "").await;
    assert_eq!((version.status, version.header("content-type")), (200, Some("text/xml")));
    assert_eq!(server.get("/selfupdate/wuident.cab", "").await.status, 404);
    assert_eq!(server.get("/Inventory/inventoryrules.cab", "").await.status, 404);
    assert_eq!(server.get("/", "").await.status, 404);
    let health = server.get("/healthz", "").await;
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    assert_eq!(server.ask(&post("/healthz", "", "x")).await.status, 405);
    server.app.unwell.store(true, Ordering::Relaxed);
    assert_eq!(server.get("/healthz", "").await.status, 503);

    server.ask(&post(CLIENT, SYNC, "x")).await;
    let metrics = server.get("/metrics", "").await.text();
    assert!(metrics.contains("operation=\"health\",status=\"2xx\"} 1"), "{metrics}");
    assert!(metrics.contains("weir_connections "), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

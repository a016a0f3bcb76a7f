use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::super::canned::{self, Canned};
use super::super::compare::Freedom;
use super::*;
use crate::corpus;

fn options(dialogue: &Path, server: &Canned) -> ReplayOptions {
    ReplayOptions {
        dialogue: dialogue.to_owned(),
        against: server.url.clone(),
        ca_file: server.ca.as_ref().map(|ca| ca.path().to_owned()),
        limits: ClientLimits::default(),
    }
}

/// A dialogue of `count` GetConfig exchanges.
fn small(count: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=count {
        let exchange = folder.path().join(format!("{number:06}"));
        std::fs::create_dir(&exchange).unwrap();
        let write = |name: &str, text: &str| std::fs::write(exchange.join(name), text).unwrap();
        write(
            "request.headers",
            "POST /x.asmx HTTP/1.1\nSOAPAction: \"urn:x/GetConfig\"\nAccept-Encoding: gzip\n\n",
        );
        write("request.body", "<a/>");
        write("response.headers", "HTTP/1.1 200 OK\nContent-Type: text/xml\nConnection: close\n\n");
        write("response.body", "<b/>");
    }
    folder
}

#[tokio::test]
async fn a_recorded_scan_replays_equal_against_its_own_answers() {
    let Some(folder) = corpus::folder("agent-scan") else { return };
    let recorded = Dialogue::open(&folder, ClientLimits::default().body).unwrap();
    let answers = canned::answers(&folder, |_, body| body);
    for server in [Canned::http(answers.clone()).await, Canned::https(answers.clone()).await] {
        let report = replay(options(&folder, &server)).await.unwrap();
        assert_eq!((report.equal, report.exchanges.len()), (10, 10), "{report}");
        assert_eq!(report.exchanges[4].operation, "StartCategoryScan");
        let asked = server.asked();
        for (name, (_, body)) in recorded.names().iter().zip(&asked) {
            assert_eq!(&recorded.read(name).unwrap().request_body, body, "{name}");
        }
        assert_eq!(asked[0].0.value("Host"), server.url.split("//").nth(1));
        assert_eq!(asked[0].0.value("SOAPAction").unwrap().matches('"').count(), 2);
    }
}

#[tokio::test]
async fn another_servers_ids_and_cookies_are_carried_into_later_requests() {
    let Some(folder) = corpus::folder("agent-scan") else { return };
    let answers = canned::answers(&folder, |number, body| {
        body.replace("<ID>108226<", "<ID>7<")
            .replace("<ID>108231<", "<ID>8<")
            .replace("<ID>72571<", "<ID>9<")
            .replace("<EncryptedData>AAAA", &format!("<EncryptedData>B{number:03}"))
            .replace("<CookieData>AAAA", "<CookieData>CCCC")
            .replace("2026-10-04T16:03:35.9967236Z", &format!("2030-01-01T00:00:{number:02}Z"))
    });
    let server = Canned::http(answers).await;
    let report = replay(options(&folder, &server)).await.unwrap();
    assert_eq!((report.equal, report.equivalent), (3, 7), "{report}");
    assert_eq!(report.exchanges[9].freedoms, BTreeSet::from([Freedom::RevisionId]));

    let body = |number: usize| String::from_utf8(server.asked()[number - 1].1.clone()).unwrap();
    assert!(body(3).contains("<CookieData>CCCCAAAA"));
    assert!(
        body(3).contains("<oldCookie><Expiration>2026-10-04T15:03:36Z</Expiration></oldCookie>")
    );
    assert!(body(4).contains("<Expiration>2030-01-01T00:00:03Z</Expiration><EncryptedData>B003"));
    assert!(
        body(7).contains("<InstalledNonLeafUpdateIDs><int>7</int></InstalledNonLeafUpdateIDs>")
    );
    assert!(body(9).contains("<int>7</int><int>8</int>"));
    assert!(body(10).contains("<revisionIDs><int>9</int><int>7</int><int>8</int></revisionIDs>"));
    let length = server.asked()[9].0.value("Content-Length").map(str::to_owned);
    assert_eq!(length, Some(body(10).len().to_string()));
}

#[tokio::test]
async fn downloads_are_judged_by_their_heads() {
    let Some(folder) = corpus::folder("content-ranges") else { return };
    let server = Canned::http(canned::answers(&folder, |_, body| body)).await;
    let report = replay(options(&folder, &server)).await.unwrap();
    assert_eq!((report.equal, report.exchanges.len()), (7, 7), "{report}");
}

#[tokio::test]
async fn requests_without_recorded_answers_are_accepted_or_refused() {
    let Some(folder) = corpus::folder("agent-requests") else { return };
    let Some(answers) = corpus::folder("client-basic") else { return };
    let mut answers = canned::answers(&answers, |_, body| body);
    answers.push(answers[5].clone());
    let server = Canned::http(answers).await;
    let report = replay(options(&folder, &server)).await.unwrap();
    assert_eq!((report.unjudged, report.different), (5, 2), "{report}");
    assert!(report.exchanges[5].difference.as_ref().unwrap().why.contains("InvalidParameters"));
}

#[tokio::test]
async fn a_server_that_closes_every_connection_is_asked_again() {
    let folder = small(3);
    let server = Canned::http(canned::answers(folder.path(), |_, body| body)).await;
    let report = replay(options(folder.path(), &server)).await.unwrap();
    assert_eq!(report.equal, 3, "{report}");
}

#[tokio::test]
async fn an_exchange_without_an_answer_is_different_and_the_next_one_follows() {
    let folder = small(2);
    let server = Canned::http(Vec::new()).await;
    let mut options = options(folder.path(), &server);
    options.limits.exchange = Duration::from_millis(50);
    let report = replay(options).await.unwrap();
    assert_eq!((report.different, server.asked().len()), (2, 2), "{report}");
    assert!(report.exchanges[1].difference.as_ref().unwrap().why.contains("within 50ms"));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_different() {
    let folder = small(1);
    let server = Canned::http(canned::answers(folder.path(), |_, _| "x".repeat(9_000))).await;
    let mut options = options(folder.path(), &server);
    options.limits.body = 8_000;
    let report = replay(options).await.unwrap();
    assert!(report.exchanges[0].difference.as_ref().unwrap().why.contains("8000"), "{report}");
}

#[tokio::test]
async fn without_a_server_or_a_dialogue_there_is_no_report() {
    let folder = small(1);
    let mut server = Canned::http(Vec::new()).await;
    let nothing = tempfile::tempdir().unwrap();
    let empty = replay(options(nothing.path(), &server)).await;
    assert!(matches!(empty, Err(ReplayError::Dialogue(DialogueError::Empty(_)))));
    server.url = "http://127.0.0.1:1".to_owned();
    let refused = replay(options(folder.path(), &server)).await;
    assert!(matches!(refused, Err(ReplayError::Server(ClientError::Connect { .. }))));
}

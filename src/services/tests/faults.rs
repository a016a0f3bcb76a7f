//! The form of a fault, and of what is refused before an operation sees it ([MS-WUSP] 2.2.2.4).

use super::agent::Agent;
use super::server::{Server, call, clock, with_cookie};
use crate::services::call::Refusal;
use crate::wire::operation::Operation;

const SOAP_12: &str = "http://www.w3.org/2003/05/soap-envelope";

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_fault_is_repeated_but_for_the_name_of_the_code() {
    let Some(folder) = crate::corpus::folder("client-basic/000141") else { return };
    let recorded = std::fs::read_to_string(folder.join("response.body")).expect("a recording");
    let request = std::fs::read_to_string(folder.join("request.body")).expect("a recording");
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    let mut call = call(Operation::SyncUpdates, "");
    call.body = with_cookie(&request, &agent.cookie.1).into();
    let answer = server.soap(call).await;
    let expected = recorded
        .replace("81418b4e-82c1-48d0-9504-da01db6148ae", &answer.text_of("ID"))
        .replace("Fault occurred", "Fault occurred: InvalidParameters");
    assert_eq!((answer.status, answer.text), (500, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_in_the_version_of_its_request_and_names_the_action() {
    let server = Server::start(clock!()).await;
    let mut faulty = call(Operation::GetConfig, "");
    let body = String::from_utf8(faulty.body.to_vec()).expect("UTF-8");
    faulty.body = body.replace("http://schemas.xmlsoap.org/soap/envelope/", SOAP_12).into();
    faulty.content_type = Some("application/soap+xml; charset=utf-8".into());
    let action = faulty.soap_action.take();
    let answer = server.soap(faulty.clone()).await;
    assert_eq!(answer.content_type, "application/soap+xml; charset=utf-8");
    assert_eq!(answer.text_of("Value"), "s:Sender");
    assert_eq!(Some(answer.text_of("Method")), action, "also when no header named it");
    answer.is_fault("InvalidParameters", "protocolVersion");
    let id = answer.text_of("ID");
    assert!(uuid::Uuid::try_parse(&id).is_ok());
    assert_ne!(server.soap(faulty).await.text_of("ID"), id);

    let mut good = call(Operation::GetConfig, "<protocolVersion>2.90</protocolVersion>");
    let body = String::from_utf8(good.body.to_vec()).expect("UTF-8");
    good.body = body.replace("http://schemas.xmlsoap.org/soap/envelope/", SOAP_12).into();
    good.content_type = Some("application/soap+xml; charset=utf-8".into());
    let answer = server.soap(good).await.ok();
    assert_eq!(answer.content_type, "application/soap+xml; charset=utf-8");
    assert_eq!(answer.document().root_element().tag_name().namespace(), Some(SOAP_12));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_is_the_clients_fault() {
    let server = Server::start(clock!()).await;
    let good = call(Operation::GetConfig, "<protocolVersion>2.90</protocolVersion>");
    let text = String::from_utf8(good.body.to_vec()).expect("UTF-8");
    for broken in [
        String::new(),
        text[..text.len() - 5].to_owned(),
        format!("<!DOCTYPE x []>{text}"),
        text.replace("GetConfig", "GetConfiguration"),
        text.replace("GetConfig", "GetCookie"),
        text.replace("s:Envelope", "s:Letter"),
    ] {
        let mut call = good.clone();
        call.body = broken.clone().into();
        let answer = server.soap(call).await;
        assert_eq!(answer.text_of("ErrorCode"), "InvalidParameters", "{broken}");
        assert_eq!(answer.text_of("faultcode"), "s:Client");
    }
    let mut long = good.clone();
    long.operation = None;
    long.body = text.replace("2.90", &"2".repeat(20_000)).into();
    let answer = server.soap(long).await;
    answer.is_fault("InvalidParameters", "the request is longer than 16384 bytes");
    server.soap(good).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_faults_with_their_own_status() {
    let server = Server::start(clock!()).await;
    for (refusal, status, code) in [
        (Refusal::Busy, 503, "ServerBusy"),
        (Refusal::TooLarge { limit: 5 }, 413, "InvalidParameters"),
        (Refusal::Incomplete, 408, "InvalidParameters"),
        (Refusal::Encoded, 415, "InvalidParameters"),
    ] {
        let answer = server.services().refuse(&call(Operation::SyncUpdates, ""), refusal);
        assert_eq!((answer.status, answer.outcome.fault), (status, Some(code)));
        assert!(answer.close);
    }
    // The reporting service's faults say who speaks, as the real server's do.
    let answer = server.call(Operation::ReportEventBatch, "").await;
    let path = "/ReportingWebService/ReportingWebService.asmx";
    assert_eq!(answer.text_of("faultactor"), format!("http://wsus.example:8530{path}"));
}

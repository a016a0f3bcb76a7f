//! A scan that is the last one over again is answered without being read, and that must show in
//! nothing: the same request in a form that is always read gets the same answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::agent::{Agent, Hello, Parameters};
use super::documents::Document;
use super::server::{Answer, HOUR, Server, call, clock, with_cookie};
use crate::policy::approval::ApprovalAction::{Block, Install, None as Withdrawn};
use crate::policy::by::By;
use crate::services::call::{Outcome, SoapCall};
use crate::wire::operation::Operation;

const OTHER: &str = "1b5b4f5c-64f1-4c4b-9d0d-0f6e0a4b7a02";

/// The agent's scan with what it has cached.
fn scan(agent: &Agent<'_>, other: &[u32]) -> SoapCall {
    let parameters = Parameters { other, ..Parameters::default() }.write();
    call(Operation::SyncUpdates, &format!("{}{parameters}", agent.cookie_as("cookie")))
}

/// The same in a form that has to be read.
fn spelled_out(call: &SoapCall) -> SoapCall {
    let body = std::str::from_utf8(&call.body).expect("UTF-8");
    let body = body.replace("</Expiration>", "<!-- --></Expiration>");
    SoapCall { body: body.into_bytes().into(), ..call.clone() }
}

/// Whether the scan is answered without being read.
fn is_known(server: &Server, call: &SoapCall) -> bool {
    server.services().scan_again(call, &mut Outcome::default()).is_some()
}

/// Scans in both forms; returns what was told, without the cookie.
async fn told(agent: &mut Agent<'_>, other: &[u32]) -> String {
    let call = scan(agent, other);
    let read = agent.server.soap(spelled_out(&call)).await.ok();
    let answer = agent.server.soap(call).await.ok();
    agent.cookie = (answer.text_of("Expiration"), answer.text_of("EncryptedData"));
    let apart = |answer: &Answer| {
        let document = answer.document();
        let text = document.input_text();
        let cookie = document.descendants().find(|it| it.tag_name().name() == "NewCookie");
        text.replace(&text[cookie.expect("a cookie").range()], "")
    };
    assert_eq!(apart(&answer), apart(&read));
    let state = |answer: &Answer| {
        let cookie = STANDARD.decode(answer.text_of("EncryptedData")).expect("base64");
        let services = agent.server.services();
        services.keyring().open_session(&cookie, agent.server.now()).expect("a cookie")
    };
    assert_eq!(state(&answer), state(&read));
    apart(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_scan_is_known_until_anything_changes() {
    let server = Server::start(clock!()).await;
    let documents = [Document::software(1), Document::software(2)];
    let cached = &server.import(documents).await;
    server.group("Pilot").await;
    let mut agent = Agent::new(&server).await;
    let hello = Hello { client_id: OTHER, ..Hello::default() };
    let mut other = Agent::with(&server, hello).await;

    for change in 0..9 {
        match change {
            0 => {}
            1 => server.approve(1, "All Computers", Install).await,
            2 => server.approve(1, "Pilot", Block).await,
            3 => server.place(OTHER, &["Pilot"]).await,
            4 => server.place(OTHER, &[]).await,
            5 => server.decline(2).await,
            6 => drop(server.import([Document::software(3)]).await),
            7 => drop(server.import([Document::software(1).revision(101)]).await),
            _ => server.approve(1, "All Computers", Withdrawn).await,
        }
        for agent in [&mut agent, &mut other] {
            let moved = matches!(change, 3 | 4).then_some(OTHER);
            if moved.is_some_and(|moved| moved != agent.client_id) {
                assert!(is_known(&server, &scan(agent, cached)), "{change}: another moved");
                continue;
            }
            assert!(!is_known(&server, &scan(agent, cached)), "{change}: told of nothing yet");
            // What an agent is told it takes as told, but keeps what it has cached.
            let first = told(agent, cached).await;
            let second = told(agent, cached).await;
            assert_eq!(told(agent, cached).await, second, "{change}");
            let is_quiet = !second.contains("<UpdateInfo>") && !second.contains("<int>");
            assert_eq!(is_known(&server, &scan(agent, cached)), is_quiet, "{change}: {first}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_request_of_the_same_computer_is_known() {
    let server = Server::start(clock!()).await;
    let cached = &server.import([Document::software(1), Document::software(2)]).await;
    let mut agent = Agent::new(&server).await;
    let hello = Hello { client_id: OTHER, ..Hello::default() };
    let mut other = Agent::with(&server, hello).await;
    for agent in [&mut agent, &mut other] {
        told(agent, cached).await;
        told(agent, cached).await;
    }
    told(&mut other, &cached[..1]).await;

    let known = scan(&agent, cached);
    assert!(is_known(&server, &known));
    assert!(!is_known(&server, &spelled_out(&known)));
    assert!(!is_known(&server, &scan(&agent, &cached[..1])));
    assert!(!is_known(&server, &scan(&other, &cached[..1])), "it was told of something");
    let [body, other_body] = [&known, &scan(&other, cached)].map(|it| it.body.clone());
    let changed = |body: &[u8]| SoapCall { body: body.to_vec().into(), ..known.clone() };
    assert!(is_known(&server, &changed(&other_body)), "its own last quiet one");
    assert!(!is_known(&server, &changed(&body[..body.len() - 1])));
    let trailing = [&body[..], b" "].concat();
    assert!(!is_known(&server, &changed(&trailing)));
    let content_type = Some("text/xml; charset=utf-16".to_owned());
    assert!(!is_known(&server, &SoapCall { content_type, ..known.clone() }));
    let operation = Some(Operation::RefreshCache);
    assert!(!is_known(&server, &SoapCall { operation, ..known.clone() }));

    let declared = [b"<!-- -->", &body[..]].concat();
    assert!(!is_known(&server, &changed(&declared)));

    // What a cookie is checked for holds all the same.
    let text = std::str::from_utf8(&body).expect("UTF-8");
    assert!(!is_known(&server, &changed(with_cookie(text, "AAAA").as_bytes())));
    server.pass(HOUR);
    assert!(!is_known(&server, &known), "it has expired");
    server.soap(known).await.is_fault("CookieExpired", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_that_is_not_here_any_more_is_not_known() {
    let mut server = Server::start(clock!()).await;
    let cached = &server.import([Document::software(1)]).await;
    let mut agent = Agent::new(&server).await;
    told(&mut agent, cached).await;
    told(&mut agent, cached).await;
    let known = scan(&agent, cached);
    assert!(is_known(&server, &known));
    let state = server.services().state();
    state.delete_computer(By::administrator(), agent.client_id).await.expect("deleted");
    assert!(!is_known(&server, &known));
    server.soap(known.clone()).await.is_fault("RegistrationRequired", "");
    server.restart(|_, _| ()).await;
    assert!(!is_known(&server, &known));
}

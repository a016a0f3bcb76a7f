//! The recorded dialogue of a plain client with a real upstream server.

use std::collections::HashSet;

use super::server::{HOUR, MINUTE, Server, clock};
use crate::conformance::carry::Carry;
use crate::conformance::compare::{self, Verdict};
use crate::conformance::dialogue::{Dialogue, RecordedResponse};
use crate::conformance::head::ResponseHead;
use crate::corpus;
use crate::services::Settings;
use crate::services::call::SoapCall;
use crate::state::Importable;
use crate::state::records::FileOrigin;
use crate::wire::operation::Service;
use crate::wire::soap;
use crate::wire::types::Sha1;

/// Every recorded exchange, against a server that holds the documents that it is about.
#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_dialogue_replays() {
    let (Some(folder), Some(documents)) =
        (corpus::folder("server-sync"), corpus::folder("documents"))
    else {
        return;
    };
    let dialogue = Dialogue::open(&folder, 1 << 26).expect("a dialogue");
    let exchanges: Vec<_> =
        dialogue.names().iter().map(|name| dialogue.read(name).expect("an exchange")).collect();
    let languages = Settings { downstream_languages: vec!["en".into()], ..Settings::default() };
    let server = Server::with(clock!(), languages).await;
    let mut importables: Vec<Importable> = Vec::new();
    for entry in std::fs::read_dir(documents).expect("documents") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        importables.push(Importable::new(text).expect("a document"));
    }
    // The one that is recorded as text.
    let text = response(&exchanges[14].response);
    let parsed = roxmltree::Document::parse(&text).expect("XML");
    let blob = parsed.descendants().find(|node| node.has_tag_name((NS, "XmlUpdateBlob")));
    let blob = blob.and_then(|node| node.text()).expect("a document").to_owned();
    importables.push(Importable::new(blob).expect("a document"));
    let held: HashSet<_> = importables.iter().map(|it| it.identity()).collect();
    // Of all others only the lists are recorded.
    const RECORDED_PRODUCT: &str = "8c3fcc84-7410-4a95-8b89-a166a0190486";
    const DEFINITIONS: &str = "e0789628-ce08-4437-be74-2495b842f43b";
    const SECURITY: &str = "0fa1201d-4330-4fa8-8ae9-b877473b6441";
    let mut add = |id: &str, revision: &str, kind: &str, relations: &str| {
        let text = format!(
            "<Update xmlns=\"http://schemas.microsoft.com/msus/2002/12/Update\"><UpdateIdentity \
             UpdateID=\"{id}\" RevisionNumber=\"{revision}\"/><Properties UpdateType=\"{kind}\"/>\
             <Relationships><Prerequisites>{relations}</Prerequisites></Relationships></Update>"
        );
        let document = Importable::new(text).expect("a document");
        if !held.contains(&document.identity()) {
            importables.push(document);
        }
    };
    for category in [RECORDED_PRODUCT, DEFINITIONS, SECURITY] {
        add(category, "1", "Category", "");
    }
    for (number, kind) in [(5, "Category"), (8, "Software")] {
        let named = format!(
            "<UpdateIdentity UpdateID=\"{RECORDED_PRODUCT}\"/>\
             <UpdateIdentity UpdateID=\"{DEFINITIONS}\"/>"
        );
        for (id, revision) in identities(&response(&exchanges[number].response)) {
            add(&id, &revision, kind, if kind == "Software" { &named } else { "" });
        }
    }
    server.state.import(importables, false).await.expect("imported");
    let leaf = Sha1::from_hex("87f5bd0469585006aa5d3a77d1c662fd2895ddcd").expect("a digest");
    let url = "http://download.windowsupdate.com/c/msdownload/update/software/defu/2026/10/\
               am_delta_87f5bd0469585006aa5d3a77d1c662fd2895ddcd.exe";
    let origin = FileOrigin { mu_url: Some(url.into()), decryption_key: None };
    server.state.set_origins(vec![(leaf, origin)]).await.expect("kept");
    server.pass(4 * HOUR + 33 * MINUTE);

    let mut carry = Carry::default();
    for exchange in exchanges {
        let header = |name: &str| exchange.request.headers.value(name).map(str::to_owned);
        let service = Service::from_path(&exchange.request.target).expect("a service");
        let body = String::from_utf8(exchange.request_body).expect("UTF-8");
        let soap_action = header("SOAPAction");
        let call = SoapCall {
            service,
            operation: soap::identify(service, soap_action.as_deref(), None).expect("one"),
            soap_action,
            content_type: header("Content-Type"),
            body: carry.rewrite(&body).expect("a request").into(),
            peer: ([127, 0, 0, 1], 1).into(),
            host: Some("127.0.0.1:8530".into()),
            https: false,
        };
        let answer = server.soap(call).await;
        let recorded = exchange.response.expect("an answer");
        let text = only_recorded(&answer.text, &recorded);
        let head = format!(
            "HTTP/1.1 {} x\nContent-Type: {}\nConnection: close\n\n",
            answer.status, answer.content_type
        );
        let head = ResponseHead::parse(&head).expect("a head");
        let wire_length = text.len() as u64;
        let got = compare::Answer { head, body: text.into_bytes(), wire_length };
        let comparison = compare::compare(&recorded, &got, &mut carry);
        let judged = matches!(comparison.verdict, Verdict::Equal | Verdict::Equivalent);
        assert!(judged, "{}: {comparison:?}", exchange.name);
    }
}

const NS: &str = "http://www.microsoft.com/SoftwareDistribution";

fn response(recorded: &Option<RecordedResponse>) -> String {
    let body = recorded.as_ref().and_then(|it| it.body.clone()).expect("a body");
    String::from_utf8(body).expect("UTF-8")
}

fn identities(text: &str) -> Vec<(String, String)> {
    let parsed = roxmltree::Document::parse(text).expect("XML");
    let texts = |name: &str| {
        let named = parsed.descendants().filter(|node| node.has_tag_name((NS, name)));
        named.map(|node| node.text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    texts("UpdateID").into_iter().zip(texts("RevisionNumber")).collect()
}

/// Recorded lists are cut to 30 entries: of ours those are compared.
fn only_recorded(text: &str, recorded: &RecordedResponse) -> String {
    let theirs = response(&Some(recorded.clone()));
    let known = identities(&theirs);
    let Some((head, rest)) = text.split_once("<NewRevisions>") else { return text.to_owned() };
    if known.len() < 30 {
        return text.to_owned();
    }
    let (list, tail) = rest.split_once("</NewRevisions>").expect("an end");
    let kept = list.split_inclusive("</UpdateIdentity>").filter(|item| {
        known.iter().any(|(id, revision)| {
            item.contains(&format!("<UpdateID>{id}</UpdateID><RevisionNumber>{revision}<"))
        })
    });
    format!("{head}<NewRevisions>{}</NewRevisions>{tail}", kept.collect::<String>())
}

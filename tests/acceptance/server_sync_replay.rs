//! The recorded dialogue of a plain client with a real upstream server replays against this one,
//! faults included.
//!
//! A server is given what the recorded one held as far as it was recorded: whole documents, and of
//! the others their identities. It got all of it before the recorded client came for the first time,
//! which was half an hour before the recording: the dialogue quotes anchors of that visit.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use roxmltree::Document;
use serde_json::Value;
use weir::services::{self, Services};
use weir::state::records::FileOrigin;
use weir::state::{Importable, Settings, State};
use weir::wire::types::Sha1;

use crate::harness::corpus;
use crate::harness::directory::Directory;

/// When the server got its catalogue: 2026-10-04T12:00:00Z.
const CATALOGUE: i64 = 1_791_115_200;

/// Product and classification that the recorded client asked for.
const PRODUCT: &str = "8c3fcc84-7410-4a95-8b89-a166a0190486";
const DEFINITIONS: &str = "e0789628-ce08-4437-be74-2495b842f43b";

/// Recorded lists were cut to so many entries.
const CUT: usize = 30;

/// What was cut from the recorded lists and is known all the same, because its document is
/// recorded, or because the recorded requests name it: by exchange, identities that belong there.
const CUT_AWAY: [(&str, &[(&str, u32)]); 3] = [
    ("000006", &[("dd78b8a1-0b20-45c1-add6-4da72e9364cf", 202), (PRODUCT, 1), (DEFINITIONS, 1)]),
    ("000009", &DEFINITION_UPDATES),
    ("000010", &DEFINITION_UPDATES),
];

/// The bundle that is recorded, and those of its members that are.
const DEFINITION_UPDATES: [(&str, u32); 3] = [
    ("a2fef9b0-7951-4c2c-a42b-9e351dd1c1fe", 200),
    ("266f6222-c89d-43f2-9f8a-69340271e677", 200),
    ("ccb78947-6453-4ecc-9de8-bc0305c98f2d", 200),
];

#[test]
fn every_recorded_exchange_with_a_downstream_server_replays() {
    let (Some(recorded), Some(documents)) =
        (corpus::folder("server-sync"), corpus::folder("documents"))
    else {
        return;
    };
    let directory = Directory::new();
    directory.configure("[downstream]\nlanguages = ['en']\n");
    give(&directory, &recorded, &documents);
    let dialogue = completed(&directory, &recorded);
    let server = directory.serve(&[]);
    let (dialogue, against) =
        (dialogue.to_str().expect("UTF-8"), format!("http://{}", server.http));
    let ended = directory.run(&["replay", dialogue, "--against", &against, "--json"]);

    let report: Value = serde_json::from_slice(&ended.stdout).expect("a report");
    let exchanges = report["exchanges"].as_array().expect("a list");
    assert_eq!(exchanges.len(), corpus::entries(&recorded).len());
    for exchange in exchanges {
        let verdict = &exchange["verdict"];
        assert!(verdict == "equal" || verdict == "equivalent", "{exchange:#}");
    }
    assert!(ended.status.success());
}

/// Gives the server the catalogue.
fn give(directory: &Directory, recorded: &Path, documents: &Path) {
    let mut importables: Vec<Importable> = Vec::new();
    for path in corpus::entries(documents) {
        let text = fs::read_to_string(path).expect("a document");
        importables.push(Importable::new(text).expect("a document"));
    }
    // The one that is recorded as text.
    let answer = answer(&recorded.join("000015"));
    let parsed = Document::parse(&answer).expect("XML");
    let blob = parsed.descendants().find(|node| node.tag_name().name() == "XmlUpdateBlob");
    let blob = blob.and_then(|blob| blob.text()).expect("a document").to_owned();
    importables.push(Importable::new(blob).expect("a document"));
    let mut held: BTreeSet<_> = importables.iter().map(|it| it.identity()).collect();
    let mut add = |(id, revision): (String, u32), kind: &str, categories: &[&str]| {
        let named = categories.iter().map(|id| format!("<UpdateIdentity UpdateID=\"{id}\"/>"));
        let named: String = named.collect();
        let text = format!(
            "<Update xmlns=\"http://schemas.microsoft.com/msus/2002/12/Update\"><UpdateIdentity \
             UpdateID=\"{id}\" RevisionNumber=\"{revision}\"/><Properties UpdateType=\"{kind}\"/>\
             <Relationships><Prerequisites>{named}</Prerequisites></Relationships></Update>"
        );
        let document = Importable::new(text).expect("a document");
        if held.insert(document.identity()) {
            importables.push(document);
        }
    };
    for category in [PRODUCT, DEFINITIONS] {
        add((category.to_owned(), 1), "Category", &[]);
    }
    for category in identities(&self::answer(&recorded.join("000006"))) {
        add(category, "Category", &[]);
    }
    for update in identities(&self::answer(&recorded.join("000009"))) {
        add(update, "Software", &[PRODUCT, DEFINITIONS]);
    }
    // Where Microsoft has the file of one of them.
    let answer = self::answer(&recorded.join("000014"));
    let parsed = Document::parse(&answer).expect("XML");
    let url = parsed.descendants().find(|node| node.tag_name().name() == "MUUrl");
    let mu_url = url.and_then(|url| url.text()).map(str::to_owned);
    let file = Sha1::from_hex("87f5bd0469585006aa5d3a77d1c662fd2895ddcd").expect("a digest");
    let origin = FileOrigin { mu_url, decryption_key: None };

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let state = State::open(&directory.data(), &Settings::default(), || CATALOGUE);
        let state = std::sync::Arc::new(state.expect("a store"));
        // The languages, too, were the same before.
        let settings = services::Settings {
            downstream_languages: vec!["en".into()],
            ..services::Settings::default()
        };
        drop(Services::start(std::sync::Arc::clone(&state), settings).await.expect("started"));
        state
            .import(weir::policy::by::By::administrator(), importables, false)
            .await
            .expect("imported");
        state.set_origins(vec![(file, origin)]).await.expect("kept");
        state.close().await;
    });
}

/// A copy of the dialogue in which the lists that were cut have what is known of the rest.
fn completed(directory: &Directory, recorded: &Path) -> PathBuf {
    let out = directory.beside("server-sync");
    for exchange in corpus::entries(recorded) {
        let to = out.join(exchange.file_name().expect("a name"));
        fs::create_dir_all(&to).expect("a folder");
        for file in corpus::entries(&exchange) {
            let bytes = fs::read(&file).expect("a file");
            fs::write(to.join(file.file_name().expect("a name")), bytes).expect("written");
        }
    }
    for (exchange, away) in CUT_AWAY {
        let whole = answer(&recorded.join(exchange));
        let listed = identities(&whole);
        assert_eq!(listed.len(), CUT, "{exchange} is not cut");
        let more = away.iter().map(|(id, revision)| {
            assert!(!listed.contains(&((*id).to_owned(), *revision)), "{id} is there");
            format!(
                "<UpdateIdentity><UpdateID>{id}</UpdateID>\
                 <RevisionNumber>{revision}</RevisionNumber></UpdateIdentity>"
            )
        });
        let more = format!("{}</NewRevisions>", more.collect::<String>());
        let whole = whole.replace("</NewRevisions>", &more);
        fs::write(out.join(exchange).join("response.body"), whole).expect("written");
    }
    out
}

fn answer(exchange: &Path) -> String {
    fs::read_to_string(exchange.join("response.body")).expect("an answer")
}

fn identities(text: &str) -> Vec<(String, u32)> {
    let parsed = Document::parse(text).expect("XML");
    let texts = |name: &'static str| {
        let named = parsed.descendants().filter(move |node| node.tag_name().name() == name);
        named.map(|node| node.text().unwrap_or_default().to_owned())
    };
    let numbers = texts("RevisionNumber").map(|number| number.parse().expect("a number"));
    texts("UpdateID").zip(numbers).collect()
}

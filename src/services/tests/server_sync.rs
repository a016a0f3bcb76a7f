//! A downstream server synchronizes: the recorded dialogue, and what it does not show.

use std::collections::HashSet;
use std::fmt::Write as _;

use uuid::Uuid;

use super::documents::{Document, id};
use super::server::{Answer, HOUR, MINUTE, START, Server, call, clock};
use crate::conformance::carry::Carry;
use crate::conformance::compare::{self, Verdict};
use crate::conformance::dialogue::{Dialogue, RecordedResponse};
use crate::conformance::head::ResponseHead;
use crate::corpus;
use crate::metadata::model::CategoryType;
use crate::policy::by::By;
use crate::services::Settings;
use crate::services::call::SoapCall;
use crate::state::Importable;
use crate::state::records::FileOrigin;
use crate::wire::operation::{Operation, Service};
use crate::wire::soap;
use crate::wire::types::Sha1;
use crate::wire::wsusss::server_sync::{GetUpdateDataResponse, ServerUpdateData};

const DSS: &str = "6f1c2f6e-3f0b-4d3a-9b1e-0d2f6a1c5e12";

/// A downstream server with its cookie.
pub(super) struct Downstream<'s> {
    server: &'s Server,
    cookie: String,
}

impl<'s> Downstream<'s> {
    pub(super) async fn connect(server: &'s Server) -> Self {
        let cookie = cookie(server, DSS).await.ok().text_of("EncryptedData");
        Self { server, cookie }
    }

    pub(super) async fn call(&self, operation: Operation, children: &str) -> Answer {
        let children = format!("{}{children}", cookie_element(&self.cookie));
        self.server.call(operation, &children).await
    }

    /// The anchor and the identities of a list.
    pub(super) async fn list(&self, filter: &str) -> (String, Vec<String>) {
        let filter = format!("<filter>{filter}</filter>");
        let answer = self.call(Operation::GetRevisionIdList, &filter).await.ok();
        let numbers = answer.texts("RevisionNumber");
        let named = answer.texts("UpdateID").into_iter().zip(numbers);
        let named = named.map(|(id, number)| format!("{}/{number}", number_of(&id)));
        (answer.text_of("Anchor"), named.collect())
    }

    async fn data(&self, identities: &str) -> Answer {
        let ids = format!("<updateIds>{identities}</updateIds>");
        self.call(Operation::GetUpdateData, &ids).await
    }
}

fn number_of(id: &str) -> u128 {
    Uuid::parse_str(id).expect("a GUID").as_u128()
}

fn cookie_element(data: &str) -> String {
    format!("<cookie><EncryptedData>{data}</EncryptedData></cookie>")
}

fn identity(update: u128, revision: u32) -> String {
    format!(
        "<UpdateIdentity><UpdateID>{}</UpdateID><RevisionNumber>{revision}</RevisionNumber></UpdateIdentity>",
        id(update)
    )
}

fn wanted(list: &str, ids: &[(u128, bool)]) -> String {
    let mut text = format!("<{list}>");
    for (update, delta) in ids {
        let id = id(*update);
        let _ = write!(text, "<IdAndDelta><Id>{id}</Id><Delta>{delta}</Delta></IdAndDelta>");
    }
    text + &format!("</{list}>")
}

/// GetAuthorizationCookie and GetCookie.
async fn cookie(server: &Server, dss: &str) -> Answer {
    let identity =
        format!("<accountName>dss.example</accountName><accountGuid>{dss}</accountGuid>");
    let answer = server.call(Operation::DssAuthGetAuthorizationCookie, &identity).await;
    if answer.status != 200 {
        return answer;
    }
    let data = answer.text_of("CookieData");
    let children = format!(
        "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId><CookieData>{data}\
         </CookieData></AuthorizationCookie></authCookies><protocolVersion>1.20</protocolVersion>"
    );
    server.call(Operation::ServerSyncGetCookie, &children).await
}

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

const PRODUCT: u128 = 1;
const OTHER: u128 = 2;
const CLASS: u128 = 3;

async fn with_categories() -> Server {
    let server = Server::start(clock!()).await;
    server
        .import([
            Document::category(PRODUCT, CategoryType::Product),
            Document::category(OTHER, CategoryType::Product),
            Document::category(CLASS, CategoryType::UpdateClassification),
            Document::software(10).filed_under(PRODUCT).filed_under(CLASS),
            Document::software(11).filed_under(OTHER).filed_under(CLASS),
        ])
        .await;
    server
}

#[tokio::test]
async fn only_the_difference_is_listed_and_adding_a_category_refetches_only_it() {
    let server = with_categories().await;
    let dss = Downstream::connect(&server).await;
    let (_, config) = dss.list("<GetConfig>true</GetConfig>").await;
    assert_eq!(config, ["1/1", "2/1", "3/1"]);
    let filter = |anchor: &str, categories: &[(u128, bool)], class: bool| {
        format!(
            "<Anchor>{anchor}</Anchor><GetConfig>false</GetConfig>{}{}",
            wanted("Categories", categories),
            wanted("Classifications", &[(CLASS, class)])
        )
    };
    let (anchor, first) = dss.list(&filter("", &[(PRODUCT, false)], false)).await;
    assert_eq!(first, ["10/1"]);
    let (anchor, second) = dss.list(&filter(&anchor, &[(PRODUCT, true)], true)).await;
    assert!(second.is_empty(), "in the same second");
    server
        .import([
            Document::software(10).revision(2).filed_under(PRODUCT).filed_under(CLASS),
            Document::software(12).filed_under(PRODUCT).filed_under(CLASS),
        ])
        .await;
    let (anchor, third) = dss.list(&filter(&anchor, &[(PRODUCT, true)], true)).await;
    assert_eq!(third, ["10/2", "12/1"]);
    let (_, fourth) = dss.list(&filter(&anchor, &[(PRODUCT, true), (OTHER, false)], true)).await;
    assert_eq!(fourth, ["11/1"]);
}

/// An anchor of another server says nothing of what a server has of ours.
#[tokio::test]
async fn a_server_that_was_told_nothing_here_is_told_everything() {
    let server = with_categories().await;
    server.pass(HOUR);
    let dss = Downstream::connect(&server).await;
    let later = "<Anchor>9438,2026-10-04 12:30:00.000</Anchor><GetConfig>false</GetConfig>";
    assert_eq!(dss.list(later).await.1, ["10/1", "11/1"]);
    assert!(dss.list(later).await.1.is_empty(), "now it was told");
    server.state.forget_downstream(DSS.into(), By::administrator()).await.expect("forgotten");
    assert_eq!(dss.list(later).await.1, ["10/1", "11/1"]);
}

/// After a restore the same numbers are given again; the time tells them apart.
#[tokio::test]
async fn after_a_restore_from_a_backup_nothing_is_missed() {
    let mut server = with_categories().await;
    let dss_id = Uuid::parse_str(DSS).expect("a GUID");
    Downstream::connect(&server).await.list("<GetConfig>false</GetConfig>").await;
    let backup = server.store_as_it_is();
    server.import([Document::software(20)]).await;
    let dss = Downstream::connect(&server).await;
    let (anchor, _) = dss.list("<GetConfig>false</GetConfig>").await;
    server.restore(backup).await;
    server.pass(MINUTE);
    server.import([Document::software(21)]).await;
    let dss = Downstream::connect(&server).await;
    let filter = format!("<Anchor>{anchor}</Anchor><GetConfig>false</GetConfig>");
    assert_eq!(dss.list(&filter).await.1, ["21/1"]);
    assert!(server.state.downstream_server(dss_id).is_some());
}

#[tokio::test]
async fn documents_are_sent_whole_and_the_long_ones_packed() {
    let server = Server::start(clock!()).await;
    let long = "x".repeat(6_000);
    server
        .import([
            Document::software(10).file("content").localized("en", "Short &amp; &lt;plain&gt;"),
            Document::software(11).localized("en", &long),
        ])
        .await;
    let dss = Downstream::connect(&server).await;
    let answer = dss.data(&[identity(10, 1), identity(11, 1), identity(10, 1)].concat()).await.ok();
    let response: GetUpdateDataResponse<'_> = soap::answer(&answer.text).expect("a response");
    let Some(ServerUpdateData { updates: Some(updates), file_urls: Some(urls) }) = response.result
    else {
        panic!("{}", answer.text)
    };
    assert_eq!((updates.len(), urls.len()), (3, 1), "twice asked, twice told; a file once");
    for (update, packed) in updates.iter().zip([false, true, false]) {
        assert_eq!(update.xml_update_blob.is_some(), !packed);
        let bytes = update.document(1 << 20).expect("a document");
        let index = server.state.published().catalog.by_identity(&update.id.expect("an id"));
        let published = server.state.published();
        let places = index.and_then(|index| published.places(index)).expect("a revision");
        let document = server.state.document(places).expect("a document");
        match packed {
            true => assert_eq!(
                *bytes,
                document.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
            ),
            false => assert_eq!(*bytes, *document.as_bytes()),
        }
    }
    assert!(updates[1].file_digest_list.is_none() && updates[0].file_digest_list.is_some());
    assert_eq!((&urls[0].mu_url, urls[0].uss_url.as_deref()), (&None, Some("")));
    // The second time from the files that the first left.
    let again = dss.data(&identity(11, 1)).await.ok();
    assert!(again.text.contains("<XmlUpdateBlobCompressed>TVNDRg"));
}

#[tokio::test]
async fn an_answer_ends_where_it_is_long_enough_but_has_one_document_at_least() {
    let settings = Settings { max_update_data: 20_000, ..Settings::default() };
    let server = Server::with(clock!(), settings).await;
    // Noise in letters, which hardly packs.
    let mut state = 7_u64;
    let noise = |length: usize| -> String {
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + (state >> 33) as u8 % 26)
        };
        std::iter::repeat_with(next).take(length).collect()
    };
    let texts = [30_000, 20_000, 20_000, 20_000].map(noise);
    let [first, second, third, fourth] = &texts;
    server
        .import([
            Document::software(10).localized("en", "").localized("de", first),
            Document::software(11).localized("en", "").localized("de", second),
            Document::software(12).localized("en", "").localized("de", third),
            Document::software(13).localized("en", "").localized("de", fourth),
        ])
        .await;
    let dss = Downstream::connect(&server).await;
    let sent = |answer: &Answer| answer.texts("UpdateID").len();
    let all: String = (10..14).map(|update| identity(update, 1)).collect();
    assert_eq!(sent(&dss.data(&all).await.ok()), 1, "too long, and alone");
    let rest: String = (11..14).map(|update| identity(update, 1)).collect();
    assert_eq!(sent(&dss.data(&rest).await.ok()), 1);
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_fault_with_the_parameters_name() {
    let server = with_categories().await;
    let dss = Downstream::connect(&server).await;
    let asked = |count: usize| identity(10, 1).repeat(count);
    dss.data(&asked(100)).await.ok();
    dss.data(&asked(101)).await.is_fault("InvalidParameters", "updateIds");
    dss.call(Operation::GetUpdateData, "").await.is_fault("InvalidParameters", "updateIds");
    for unknown in [identity(99, 1), identity(10, 9)] {
        dss.data(&[unknown, asked(1)].concat()).await.is_fault("InternalServerError", "");
    }
    dss.call(Operation::GetRevisionIdList, "").await.is_fault("InvalidParameters", "filter");
    let lists = [
        "<Anchor>0,2026-10-04 12:00:00.000</Anchor><GetConfig>true</GetConfig>",
        "<Get63LanguageOnly>true</Get63LanguageOnly>",
        "<GetConfig>false</GetConfig><Categories><IdAndDelta/></Categories>",
    ];
    for filter in lists {
        let answer =
            dss.call(Operation::GetRevisionIdList, &format!("<filter>{filter}</filter>")).await;
        answer.is_fault("InvalidParameters", "filter");
    }
    let anchor = "<configAnchor>x</configAnchor>";
    let answer = dss.call(Operation::GetConfigData, anchor).await;
    answer.is_fault("InvalidParameters", "configAnchor");
    let drivers = "<filter><PnpHardwareIds><HardwareIdAndDelta><Id>pci</Id><Delta>false</Delta>\
                   </HardwareIdAndDelta></PnpHardwareIds></filter>";
    let answer = dss.call(Operation::GetDriverIdList, drivers).await;
    answer.is_fault("InvalidParameters", "filter");
    dss.call(Operation::GetDriverIdList, "<filter><PnpHardwareIds/></filter>").await.ok();
    let sets = format!("<driverSets><guid>{DSS}</guid></driverSets>");
    for (sets, works) in [("<driverSets/>", true), ("", false), (&sets, false)] {
        let answer = dss.call(Operation::GetDriverSetData, sets).await;
        assert_eq!(answer.status == 200, works, "{}", answer.text);
    }
}

#[tokio::test]
async fn authorization_is_checked_and_ends() {
    let server = Server::start(clock!()).await;
    for (name, guid, parameter) in
        [("", DSS, "accountName"), ("a b", DSS, "accountName"), ("dss.example", "x", "accountGuid")]
    {
        let children =
            format!("<accountName>{name}</accountName><accountGuid>{guid}</accountGuid>");
        let answer = server.call(Operation::DssAuthGetAuthorizationCookie, &children).await;
        answer.is_fault("InvalidParameters", parameter);
    }
    let proof = |data: &str, version: &str| {
        format!(
            "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId><CookieData>{data}\
             </CookieData></AuthorizationCookie></authCookies><protocolVersion>{version}\
             </protocolVersion>"
        )
    };
    let identity = format!("<accountName>dss</accountName><accountGuid>{DSS}</accountGuid>");
    let answer = server.call(Operation::DssAuthGetAuthorizationCookie, &identity).await.ok();
    assert_eq!(answer.text_of("PlugInId"), "DssTargeting");
    let data = answer.text_of("CookieData");
    for (children, code, message) in [
        (String::new(), "InvalidParameters", "authCookies"),
        (proof("AAAA", "1.20"), "InvalidAuthorizationCookie", ""),
        (proof(&data, "x"), "InvalidParameters", "protocolVersion"),
        (proof(&data, "2.0"), "IncompatibleProtocolVersion", ""),
    ] {
        server.call(Operation::ServerSyncGetCookie, &children).await.is_fault(code, message);
    }
    let answer = server.call(Operation::ServerSyncGetCookie, &proof(&data, "1.8")).await.ok();
    assert_eq!(answer.text_of("Expiration"), "2026-10-04T16:00:00Z");
    let dss = Downstream { server: &server, cookie: answer.text_of("EncryptedData") };
    server.pass(4 * HOUR - 1);
    dss.call(Operation::GetConfigData, "").await.ok();
    server.pass(1);
    dss.call(Operation::GetConfigData, "").await.is_fault("InvalidCookie", "");
    assert_eq!(server.now(), START + 4 * HOUR);
    // Neither protocol takes the other's.
    for (operation, children) in [
        (Operation::GetConfigData, cookie_element("")),
        (Operation::GetRevisionIdList, "<filter/>".to_owned()),
    ] {
        server.call(operation, &children).await.is_fault("InvalidCookie", "");
    }
}

#[tokio::test]
async fn agents_and_servers_cannot_use_each_others_cookies() {
    let server = Server::start(clock!()).await;
    let dss = Downstream::connect(&server).await;
    let scan = format!("{}<parameters/>", cookie_element(&dss.cookie));
    server.call(Operation::SyncUpdates, &scan).await.is_fault("InvalidCookie", "");
    let identity = "<clientId>a-client</clientId><dnsName>pc</dnsName>";
    let agent = server.call(Operation::GetAuthorizationCookie, identity).await.ok();
    let children = format!(
        "<authCookies><AuthorizationCookie><PlugInId>DssTargeting</PlugInId><CookieData>{}\
         </CookieData></AuthorizationCookie></authCookies><protocolVersion>1.20</protocolVersion>",
        agent.text_of("CookieData")
    );
    let answer = server.call(Operation::ServerSyncGetCookie, &children).await;
    answer.is_fault("InvalidAuthorizationCookie", "");
}

#[tokio::test]
async fn where_approval_is_needed_a_server_waits_for_it() {
    let settings = Settings { approve_downstream: true, ..Settings::default() };
    let server = Server::with(clock!(), settings).await;
    let refused = cookie(&server, DSS).await;
    assert_eq!(refused.fault, Some("InvalidParameters"));
    assert!(refused.text_of("Message").starts_with("accountGuid"), "{}", refused.text);
    server
        .state
        .approve_downstream("dss.example".into(), By::administrator())
        .await
        .expect("approved");
    let dss = Downstream::connect(&server).await;
    dss.call(Operation::GetConfigData, "").await.ok();
    server.state.forget_downstream(DSS.into(), By::administrator()).await.expect("forgotten");
    dss.call(Operation::GetConfigData, "").await.is_fault("InvalidCookie", "");
}

#[tokio::test]
async fn languages_are_told_when_they_changed() {
    let mut server = Server::start(clock!()).await;
    let dss = Downstream::connect(&server).await;
    let config = |anchor: &str| format!("<configAnchor>{anchor}</configAnchor>");
    let answer = dss.call(Operation::GetConfigData, "").await.ok();
    let enabled = answer.texts("Enabled");
    assert!(enabled.len() == 39 && enabled.iter().all(|it| it == "true"));
    let anchor = answer.text_of("NewConfigAnchor");
    let answer = dss.call(Operation::GetConfigData, &config(&anchor)).await.ok();
    assert!(answer.texts("Enabled").is_empty());
    server.pass(MINUTE);
    server.restart(|settings, _| settings.downstream_languages = vec!["de".into()]).await;
    let dss = Downstream::connect(&server).await;
    let answer = dss.call(Operation::GetConfigData, &config(&anchor)).await.ok();
    assert_eq!(answer.texts("Enabled").iter().filter(|it| *it == "true").count(), 1);
}

#[tokio::test]
async fn keys_of_encrypted_files_are_passed_on_and_ping_answers() {
    let server = Server::start(clock!()).await;
    server.import([Document::software(10).file("secret").file("plain")]).await;
    let sha1 = super::documents::digests("secret").sha1;
    let origin = FileOrigin { mu_url: None, decryption_key: Some(vec![1, 2, 3]) };
    server.state.set_origins(vec![(sha1, origin)]).await.expect("kept");
    let dss = Downstream::connect(&server).await;
    let ids = format!("<updateIds>{}</updateIds>", identity(10, 1));
    let answer = dss.call(Operation::GetUpdateDecryptionData, &ids).await.ok();
    assert_eq!(answer.texts("DecryptionKey"), ["AQID"]);
    assert_eq!(answer.texts("FileDigest").len(), 2);
    for operation in [Operation::ServerSyncPing, Operation::DssAuthPing, Operation::ReportingPing] {
        let mut ping = call(operation, "<pingLevel>1</pingLevel>");
        let own = operation.service().namespace();
        let body = String::from_utf8(ping.body.to_vec()).expect("UTF-8");
        ping.body =
            body.replace(&format!("\"{own}\""), &format!("\"{}\"", operation.namespace())).into();
        let answer = server.soap(ping).await.ok();
        assert_eq!(answer.text_of("SuccessFlag"), "true");
    }
}

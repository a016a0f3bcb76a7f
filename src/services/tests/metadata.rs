//! GetExtendedUpdateInfo in both forms, GetFileLocations and RefreshCache
//! ([MS-WUSP] 3.1.5.8 to 3.1.5.10).

use super::agent::{Agent, Hello};
use super::documents::{Document, digests, id};
use super::server::{Answer, Server, clock};
use crate::metadata::model::CategoryType::Product;
use crate::policy::approval::ApprovalAction::Install;
use crate::policy::by::By;
use crate::services::Settings;
use crate::wire::operation::Operation;

fn ids(ids: &[u32]) -> String {
    let ids: String = ids.iter().map(|id| format!("<int>{id}</int>")).collect();
    format!("<revisionIDs>{ids}</revisionIDs>")
}

fn identities(list: &str, updates: &[(u128, u32)]) -> String {
    let identities = updates.iter().map(|(update, revision)| {
        let id = id(*update);
        format!(
            "<UpdateIdentity><UpdateID>{id}</UpdateID><RevisionNumber>{revision}</RevisionNumber></UpdateIdentity>"
        )
    });
    format!("<{list}>{}</{list}>", identities.collect::<String>())
}

fn types(types: &[&str]) -> String {
    let types =
        types.iter().map(|it| format!("<XmlUpdateFragmentType>{it}</XmlUpdateFragmentType>"));
    format!("<infoTypes>{}</infoTypes>", types.collect::<String>())
}

fn locales(locales: &[&str]) -> String {
    let locales: String = locales.iter().map(|it| format!("<string>{it}</string>")).collect();
    format!("<locales>{locales}</locales>")
}

/// The fragments of an answer: which revision, and a text that tells which fragment.
fn fragments(answer: &Answer) -> Vec<(String, String)> {
    answer.texts("ID").into_iter().zip(answer.texts("Xml")).collect()
}

/// The languages of the LocalizedProperties in an answer.
fn languages(answer: &Answer) -> Vec<String> {
    let language = |xml: String| {
        let (_, rest) = xml.split_once("<Language>").expect("a language");
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    answer.texts("Xml").into_iter().map(language).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_revisions_may_be_asked_for_and_no_more() {
    let mut server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1)]).await;
    let types = types(&["Core"]);
    let identity = [(1, 1)];
    for most in [50, 3] {
        server.restart(|settings, _| settings.max_extended_updates = most).await;
        let agent = Agent::new(&server).await;
        let request = format!("{}{types}", ids(&vec![update; most]));
        let answer = agent.call(Operation::GetExtendedUpdateInfo, &request).await.ok();
        assert_eq!(fragments(&answer).len(), most);
        let request = format!("{}{types}", ids(&vec![update; most + 1]));
        let answer = agent.call(Operation::GetExtendedUpdateInfo, &request).await;
        answer.is_fault("InvalidParameters", "revisionIDs");
        let request = format!("{}{types}", identities("updateIDs", &identity.repeat(most)));
        agent.call(Operation::GetExtendedUpdateInfo2, &request).await.ok();
        let request = format!("{}{types}", identities("updateIDs", &identity.repeat(most + 1)));
        let answer = agent.call(Operation::GetExtendedUpdateInfo2, &request).await;
        answer.is_fault("InvalidParameters", "updateIDs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parameters_have_to_be_there() {
    let server = Server::start(clock!()).await;
    let agent = Agent::new(&server).await;
    for (operation, list, name) in [
        (Operation::GetExtendedUpdateInfo, "<revisionIDs/>", "revisionIDs"),
        (Operation::GetExtendedUpdateInfo2, "<updateIDs/>", "updateIDs"),
    ] {
        let ask = |request: String| {
            let agent = &agent;
            async move { agent.call(operation, &request).await }
        };
        ask(types(&["Core"])).await.is_fault("InvalidParameters", name);
        ask(list.to_owned()).await.is_fault("InvalidParameters", "infoTypes");
        for kind in ["Eula", "LocalizedProperties"] {
            let request = format!("{list}{}", types(&["Extended", kind]));
            ask(request.clone()).await.is_fault("InvalidParameters", "locales");
            ask(format!("{request}<locales/>")).await.ok();
        }
        ask(format!("{list}{}", types(&["Core", "Extended", "FileUrl"]))).await.ok();
    }
    let answer = agent.call(Operation::GetFileLocations, "").await;
    answer.is_fault("InvalidParameters", "fileDigests");
    let answer = agent.call(Operation::RefreshCache, "").await;
    answer.is_fault("InvalidParameters", "globalIDs");
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_come_by_kind_and_locations_with_extended_ones() {
    let server = Server::start(clock!()).await;
    let [member, bundle, declined] = server
        .import([
            Document::member(1).localized("en", "Member").file("inner").file("shared"),
            Document::software(2).localized("en", "Bundle").bundles(&[(1, 1)]).file("shared"),
            Document::software(3),
        ])
        .await;
    server.decline(3).await;
    let agent = Agent::new(&server).await;
    let kinds = types(&["Extended", "LocalizedProperties", "Published", "NewKind", "Extended"]);
    let request =
        format!("{}{kinds}{}", ids(&[bundle, declined, member, 4711]), locales(&["en-US", "en"]));
    let answer = agent.call(Operation::GetExtendedUpdateInfo, &request).await.ok();
    let found = fragments(&answer);
    let kinds = found.iter().map(|(id, xml)| (id.parse().expect("a number"), &xml[..9]));
    assert_eq!(
        kinds.collect::<Vec<(u32, &str)>>(),
        [
            (bundle, "<Extended"),
            (member, "<Extended"),
            (bundle, "<Localize"),
            (member, "<Localize")
        ]
    );
    assert_eq!(answer.texts("FileLocation").len(), 2, "one for each distinct file");
    assert_eq!(answer.texts("int"), [declined, 4711].map(|id| id.to_string()));
    let order: Vec<_> = ["<Updates>", "<FileLocations>", "<OutOfScopeRevisionIDs>"]
        .map(|name| answer.text.find(name))
        .into();
    assert!(order.is_sorted() && order[0].is_some());
    assert!(answer.texts("FileDigestAlgorithm").is_empty());

    let request = format!("{}{}", ids(&[bundle]), types(&["Core"]));
    let answer = agent.call(Operation::GetExtendedUpdateInfo, &request).await.ok();
    assert!(fragments(&answer)[0].1.starts_with("<UpdateIdentity"));
    assert!(answer.texts("FileLocations").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_form_goes_by_identity() {
    let server = Server::start(clock!()).await;
    let [update] = server.import([Document::software(1).file("content")]).await;
    let agent = Agent::new(&server).await;
    let asked = identities("updateIDs", &[(1, 1), (1, 2), (9, 1)]);
    let request = format!("{asked}{}", types(&["FileUrl"]));
    let answer = agent.call(Operation::GetExtendedUpdateInfo2, &request).await.ok();
    assert!(answer.texts("Updates").is_empty() && answer.texts("OutOfScopeRevisionIDs").is_empty());
    assert_eq!(answer.text_of("FileDigestAlgorithm"), "SHA1");
    let request = format!("{asked}{}", types(&["Extended", "FileDecryption"]));
    let answer = agent.call(Operation::GetExtendedUpdateInfo2, &request).await.ok();
    assert_eq!(answer.text_of("ID"), update.to_string());
    assert_eq!(answer.texts("FileLocation").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_come_in_the_languages_asked_for_and_in_english() {
    let server = Server::start(clock!()).await;
    let languages_of = |document: Document, languages: &[&str]| {
        languages.iter().fold(document, |document, it| document.localized(it, "Title"))
    };
    let [many, french] = server
        .import([
            languages_of(Document::software(1), &["en", "de", "fr", "pt-br", "zh-tw"]),
            languages_of(Document::software(2).default_language("fr"), &["ja", "fr"]),
        ])
        .await;
    let agent = Agent::new(&server).await;
    let ask = |id: u32, asked: &[&str]| {
        let request =
            format!("{}{}{}", ids(&[id]), types(&["LocalizedProperties"]), locales(asked));
        let agent = &agent;
        async move { languages(&agent.call(Operation::GetExtendedUpdateInfo, &request).await.ok()) }
    };
    assert_eq!(ask(many, &["en-US", "en"]).await, ["en"]);
    assert_eq!(ask(many, &[]).await, ["en"]);
    assert_eq!(ask(many, &["de-AT"]).await, ["en", "de"]);
    assert_eq!(ask(many, &["PT-BR", "zh_TW"]).await, ["en", "pt-br"]);
    assert_eq!(ask(many, &["es"]).await, ["en"]);
    // An agent without a text shows nothing.
    assert_eq!(ask(french, &["en-US", "en"]).await, ["fr"]);
    assert_eq!(ask(french, &["ja"]).await, ["ja"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_licence_a_language_is_for_the_region() {
    let server = Server::start(clock!()).await;
    let document = Document::software(1).eula("en", "", "general").eula("de", "", "allgemein");
    let [update] = server.import([document.eula("de", "CHE", "schweiz")]).await;
    let agent = Agent::new(&server).await;
    let ask = |region: &str| {
        let request =
            format!("{}{}{}{region}", ids(&[update]), types(&["Eula"]), locales(&["de-CH"]));
        let agent = &agent;
        async move {
            let answer = agent.call(Operation::GetExtendedUpdateInfo, &request).await.ok();
            let found: Vec<_> = ["general", "allgemein", "schweiz"]
                .into_iter()
                .filter(|name| answer.texts("Xml").iter().any(|xml| xml.contains(name)))
                .collect();
            (found, answer.texts("FileLocation").len())
        }
    };
    assert_eq!(ask("").await, (vec!["general", "allgemein"], 3));
    assert_eq!(ask("<GeoId>USA</GeoId>").await.0, ["general", "allgemein"]);
    assert_eq!(ask("<GeoId>che</GeoId>").await.0, ["general", "schweiz"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn locations_are_of_twenty_bytes_and_of_known_files() {
    use base64::Engine as _;
    let server = Server::start(clock!()).await;
    server.import([Document::software(1).file("content").eula("en", "", "licence")]).await;
    let agent = Agent::new(&server).await;
    let ask = |digests: &[&[u8]]| {
        let encode = |bytes: &&[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let digests =
            digests.iter().map(|it| format!("<base64Binary>{}</base64Binary>", encode(it)));
        let request = format!("<fileDigests>{}</fileDigests>", digests.collect::<String>());
        let agent = &agent;
        async move { agent.call(Operation::GetFileLocations, &request).await }
    };
    let [content, licence, unknown] = ["content", "licence", "unknown"].map(|it| digests(it).sha1);
    let answer = ask(&[&content.0, &unknown.0, &licence.0, &content.0]).await.ok();
    let url = |sha1: crate::wire::types::Sha1| {
        let hex = sha1.to_hex();
        format!("http://wsus.example:8530/Content/{}/{hex}.cab", &hex[38..])
    };
    assert_eq!(answer.texts("Url"), [url(content), url(licence)]);
    assert_eq!(answer.texts("NewCookie").len(), 1);
    assert!(ask(&[]).await.ok().texts("FileLocations").is_empty());
    for length in [0, 19, 21, 32] {
        let answer = ask(&[&content.0, &[7; 32][..length]]).await;
        answer.is_fault("InvalidParameters", "fileDigests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_start_with_what_the_client_used_or_what_is_configured() {
    let mut server = Server::start(clock!()).await;
    server.import([Document::software(1).file("content")]).await;
    let sha1 = digests("content").sha1.to_hex();
    for (public_url, host, https, base) in [
        (None, Some("wsus.example:8530"), false, "http://wsus.example:8530"),
        (None, Some("[2001:db8::1]:8531"), true, "https://[2001:db8::1]:8531"),
        (None, None, true, "https://localhost"),
        (
            Some("https://updates.example/weir/"),
            Some("10.0.0.7"),
            false,
            "https://updates.example/weir",
        ),
    ] {
        server.restart(|settings, _| settings.public_url = public_url.map(Into::into)).await;
        let agent = Agent::new(&server).await;
        let request = format!("{}{}", identities("updateIDs", &[(1, 1)]), types(&["FileUrl"]));
        let request = format!("{}{request}", agent.cookie_as("cookie"));
        let mut call = super::server::call(Operation::GetExtendedUpdateInfo2, &request);
        (call.host, call.https) = (host.map(Into::into), https);
        let answer = server.soap(call).await.ok();
        assert_eq!(answer.text_of("Url"), format!("{base}/Content/{}/{sha1}.cab", &sha1[38..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_is_refreshed_with_everything_that_is_deployed() {
    let settings = Settings::default();
    let server = Server::with(clock!(), settings).await;
    let [category, member, bundle, _declined] = server
        .import([
            Document::category(1, Product),
            Document::member(2).needs(&[1]),
            Document::software(3).bundles(&[(2, 1)]).filed_under(1),
            Document::software(4),
        ])
        .await;
    server.approve(3, "All Computers", Install).await;
    server.decline(4).await;
    let request = identities("globalIDs", &[(3, 1), (4, 1), (1, 1), (2, 1), (2, 9), (5, 1)]);
    for registered in [true, false] {
        let mut agent = Agent::unregistered(&server, &Hello::default()).await;
        if registered {
            agent.register(26200).await.ok();
        } else {
            server
                .state
                .delete_computer(By::administrator(), agent.client_id.clone())
                .await
                .expect("deleted");
        }
        let answer = agent.call(Operation::RefreshCache, &request).await.ok();
        let rows: Vec<_> =
            answer.texts("RevisionID").into_iter().zip(answer.texts("Action")).collect();
        let row = |id: u32, action: &str| (id.to_string(), action.to_owned());
        assert_eq!(
            rows,
            [row(bundle, "Install"), row(category, "Evaluate"), row(member, "Bundle")]
        );
        assert_eq!(answer.texts("IsLeaf"), ["true", "false", "true"]);
        assert_eq!(answer.texts("UpdateID"), [3, 1, 2].map(|update| id(update).to_string()));
    }
}

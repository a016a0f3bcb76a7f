//! The documents that a downstream server is sent, and the keys of files.

use super::documents::Document;
use super::server::{Answer, Server, call, clock};
use super::server_sync::{Downstream, identity};
use crate::services::Settings;
use crate::state::records::FileOrigin;
use crate::wire::operation::Operation;
use crate::wire::soap;
use crate::wire::wsusss::server_sync::{GetUpdateDataResponse, ServerUpdateData};

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

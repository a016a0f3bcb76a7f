//! Synchronising with what was recorded of a real server.

use std::path::Path;

use super::*;
use crate::corpus;
use crate::metadata::text::decode_document;
use crate::wire::operation::Operation;

fn body(folder: &Path, exchange: u32) -> String {
    let path = folder.join(format!("{exchange:06}/response.body"));
    std::fs::read_to_string(path).unwrap()
}

/// The recorded server: its handshake, its lists, its blobs of five revisions, and its fault for
/// each request that has any other revision in it.
fn recorded(folder: &Path) -> fake::Instead {
    let answer = |exchange| (200, body(folder, exchange));
    let handshake = [answer(1), answer(2), answer(3), answer(5)];
    let categories = answer(6);
    let updates = answer(9);
    let fault = (500, body(folder, 17));
    let blobs: Vec<(String, (u16, String))> = (13..=16)
        .map(|exchange| {
            let answer = answer(exchange);
            let id = answer.1.split("<UpdateID>").nth(1).unwrap();
            (id.split('<').next().unwrap().to_owned(), answer)
        })
        .collect();
    Box::new(move |operation, body| {
        let [auth, dss, cookie, config] = &handshake;
        Some(match operation {
            Operation::GetAuthConfig => auth.clone(),
            Operation::DssAuthGetAuthorizationCookie => dss.clone(),
            Operation::ServerSyncGetCookie => cookie.clone(),
            Operation::GetConfigData => config.clone(),
            Operation::GetRevisionIdList if body.contains("<GetConfig>true<") => categories.clone(),
            Operation::GetRevisionIdList => {
                let listed = blobs.iter().map(|(id, _)| {
                    let number = if id.starts_with("56309036") { 101 } else { 200 };
                    format!(
                        "<UpdateIdentity><UpdateID>{id}</UpdateID>\
                         <RevisionNumber>{number}</RevisionNumber></UpdateIdentity>"
                    )
                });
                let listed: String = listed.collect();
                let list = format!("<NewRevisions>{listed}");
                (200, updates.1.replacen("<NewRevisions>", &list, 1))
            }
            Operation::GetUpdateData if body.matches("<UpdateIdentity>").count() == 1 => {
                let known = blobs.iter().find(|(id, _)| body.contains(id));
                known.map_or_else(|| fault.clone(), |(_, answer)| answer.clone())
            }
            _ => fault.clone(),
        })
    })
}

#[tokio::test]
async fn a_real_servers_answers_make_the_documents_that_it_has() {
    let Some(folder) = corpus::folder("server-sync") else { return };
    let fake = Fake::start().await;
    fake.world().instead = Some(recorded(&folder));
    let pair = Pair::with(fake).await;
    pair.select_everything().await;
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6702, "{run:?}");
    // 30 categories, one of which is there, and 34 updates, of which three are.
    assert_eq!((run.new, run.failures), (4, 59), "{run:?}");
    let reason = &run.failed[0].reason;
    assert!(reason.contains("GetUpdateData") && reason.contains("InternalServerError"), "{reason}");
    let published = pair.state.published();
    let mut compared = 0;
    for (name, bytes) in corpus::files("documents") {
        let Some((id, number)) = name.trim_end_matches(".xml").rsplit_once("-r") else { continue };
        let identity = UpdateIdentity {
            update_id: id.parse().unwrap(),
            revision_number: number.parse().unwrap(),
        };
        let Some(index) = published.catalog.by_identity(&identity) else { continue };
        let document = pair.state.document(published.places(index).unwrap()).unwrap();
        assert_eq!(document, decode_document(&bytes, 1 << 24).unwrap(), "{identity}");
        compared += 1;
    }
    assert_eq!(compared, 3);
    let revisions = published.catalog.indices();
    let files: Vec<_> =
        revisions.flat_map(|index| published.catalog.files(index)).copied().collect();
    let origins = pair.state.origins(files.clone()).await.unwrap();
    assert!(!files.is_empty() && files.iter().all(|file| origins.contains_key(file)));
    for url in origins.values().map(|origin| origin.mu_url.as_deref().unwrap()) {
        assert!(url.starts_with("http://download.windowsupdate.com/"), "{url}");
    }

    // The next time the server is asked from the anchors that it gave.
    pair.sync(Scope::Everything).await;
    let lists = pair.fake.asked(Operation::GetRevisionIdList);
    assert!(lists[2].contains("<Anchor>9438,2026-10-04 16:33:26.671</Anchor>"), "{}", lists[2]);
    assert!(lists[3].contains("<Anchor>9438,2026-10-04 16:33:26.750</Anchor>"), "{}", lists[3]);
    let configs = pair.fake.asked(Operation::GetConfigData);
    assert!(configs[1].contains("<configAnchor>9438,2026-10-04 16:33:26.670</configAnchor>"));
}

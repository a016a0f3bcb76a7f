//! Synchronising with a server that fails, lies or dies.

use super::fake::Misbehaviour::{self, Cut, Fault, Garbage, Silence, Status};
use super::*;
use crate::policy::by::By;
use crate::wire::fault::ErrorCode::*;
use crate::wire::operation::Operation;
use crate::wire::soap::codec::Content;

impl Pair {
    /// Makes the next answers to `operation` what is said.
    fn misbehave(&self, operation: Operation, how: &[Misbehaviour]) {
        self.fake.world().misbehave.insert(operation, how.iter().cloned().collect());
    }
}

#[tokio::test]
async fn what_passes_is_survived() {
    let operations = [
        Operation::GetAuthConfig,
        Operation::ServerSyncGetCookie,
        Operation::GetConfigData,
        Operation::GetRevisionIdList,
        Operation::GetUpdateData,
    ];
    for operation in operations {
        let pair = Pair::new().await;
        pair.select_everything().await;
        pair.misbehave(operation, &[Fault(ServerBusy), Status(503)]);
        let run = pair.sync(Scope::Everything).await;
        assert_eq!((run.status, run.failures), (6702, 0), "{operation:?}: {run:?}");
        let pair = Pair::new().await;
        pair.select_everything().await;
        pair.misbehave(operation, &[Cut, Garbage("<html>proxy</html>")]);
        let run = pair.sync(Scope::Everything).await;
        assert_eq!((run.status, run.failures), (6702, 0), "{operation:?}: {run:?}");
        assert_eq!(pair.revisions(), sample::documents().len(), "{operation:?}");
    }
}

#[tokio::test]
async fn what_lasts_is_said_and_leaves_the_catalogue_as_it_was() {
    for (operation, how, why) in [
        (Operation::GetAuthConfig, Status(404), "HTTP status 404"),
        (
            Operation::ServerSyncGetCookie,
            Fault(IncompatibleProtocolVersion),
            "IncompatibleProtocol",
        ),
        (Operation::GetConfigData, Fault(InternalServerError), "GetConfigData"),
        (Operation::GetRevisionIdList, Fault(ServerBusy), "ServerBusy"),
        (Operation::GetRevisionIdList, Garbage("x"), "GetRevisionIdList"),
        (Operation::GetUpdateData, Fault(ServerBusy), "ServerBusy"),
        (Operation::GetUpdateData, Status(502), "502"),
    ] {
        let pair = Pair::new().await;
        pair.select_everything().await;
        pair.misbehave(operation, &vec![how.clone(); 50]);
        let run = pair.sync(Scope::Everything).await;
        assert_eq!(run.status, 6703, "{operation:?}: {run:?}");
        let reason = run.reason.unwrap();
        assert!(reason.contains(why), "{reason}");
        assert_eq!(pair.revisions(), 0);
        pair.fake.world().misbehave.clear();
        assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
        assert_eq!(pair.revisions(), sample::documents().len());
    }
}

#[tokio::test]
async fn silence_ends() {
    let pair = Pair::new().await;
    pair.misbehave(Operation::GetConfigData, &[Silence]);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6702, "{run:?}");
}

#[tokio::test]
async fn a_cookie_that_is_refused_is_renewed_for_all_connections() {
    let pair = Pair::new().await;
    pair.fake.world().per_answer = 1;
    pair.select_everything().await;
    pair.misbehave(Operation::GetUpdateData, &[Fault(InvalidCookie)]);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.failures), (6702, 0), "{run:?}");
    assert_eq!(pair.fake.asked(Operation::ServerSyncGetCookie).len(), 2);
    assert!(pair.fake.asked(Operation::ServerSyncGetCookie)[1].contains("oldCookie"));
}

#[tokio::test]
async fn a_cookie_that_is_always_refused_is_given_up() {
    let pair = Pair::new().await;
    pair.misbehave(Operation::GetConfigData, &vec![Fault(InvalidCookie); 20]);
    let run = pair.sync(Scope::Everything).await;
    assert!(run.reason.unwrap().contains("InvalidCookie"));
    assert_eq!(pair.fake.asked(Operation::GetConfigData).len(), 4);
}

#[tokio::test]
async fn an_anchor_that_is_not_known_any_more_is_given_up() {
    // A server that is another one knows none of them, which makes all of it to be listed again.
    for (fault, listed) in [(ServerChanged, sample::documents().len()), (InvalidParameters, 11)] {
        let pair = Pair::new().await;
        pair.select_everything().await;
        pair.sync(Scope::Everything).await;
        pair.misbehave(Operation::GetRevisionIdList, &[Fault(fault)]);
        let run = pair.sync(Scope::Everything).await;
        assert_eq!((run.status, run.new), (6702, 0), "{run:?}");
        assert_eq!(run.unchanged, listed as u64, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_lost_what_it_knew_is_asked_for_all_of_it_once() {
    for (operation, fault) in [
        (Operation::GetConfigData, ServerChanged),
        (Operation::GetConfigData, InvalidParameters),
        (Operation::GetRevisionIdList, ServerChanged),
        (Operation::GetUpdateData, ServerChanged),
        (Operation::GetDeployments, ServerChanged),
    ] {
        let pair = Pair::new().await;
        let source = SourceRecord {
            url: pair.fake.url.clone(),
            replica: operation == Operation::GetDeployments,
            ..SourceRecord::default()
        };
        pair.upstream.set_source(By::administrator(), source).await.unwrap();
        pair.fake.world().decided = replica::decided("decided", 9);
        pair.select_everything().await;
        assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
        let (_, document) = sample::documents()[0];
        let text = String::from_utf8(document.to_vec()).unwrap();
        let text = text.replacen("RevisionNumber=\"", "RevisionNumber=\"9", 1);
        pair.fake.world().add(text.as_bytes());
        let before = pair.fake.world().asked.len();
        pair.misbehave(operation, &[Fault(fault)]);
        let run = pair.sync(Scope::Everything).await;
        assert_eq!((run.status, run.new + run.changed), (6702, 1), "{operation:?}: {run:?}");
        assert!(run.events.iter().any(|event| event.id == 6707), "{operation:?}: {run:?}");
        // After the fault nothing is asked with an anchor, and all is listed.
        let asked = pair.fake.world().asked[before..].to_vec();
        let fault = asked.iter().position(|(asked, _)| *asked == operation);
        let after = &asked[fault.unwrap() + 1..];
        let anchors = ["<configAnchor>", "<Anchor>", "<deploymentAnchor>"];
        let has_anchor = |body: &String| anchors.iter().any(|anchor| body.contains(anchor));
        let again = after.iter().skip_while(|(it, _)| *it != Operation::GetConfigData);
        assert!(again.clone().count() >= 3, "{operation:?}");
        assert!(again.clone().all(|(_, body)| !has_anchor(body)), "{operation:?}: {after:?}");
        // And the anchors are good again.
        pair.sync(Scope::Everything).await;
        assert!(has_anchor(pair.fake.asked(Operation::GetConfigData).last().unwrap()));
    }
}

#[tokio::test]
async fn a_server_that_never_knows_us_is_given_up() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    pair.sync(Scope::Everything).await;
    pair.misbehave(Operation::GetConfigData, &[Fault(ServerChanged), Fault(ServerChanged)]);
    let run = pair.sync(Scope::Everything).await;
    assert!(run.status == 6703 && run.reason.unwrap().contains("ServerChanged"));
    assert_eq!(pair.revisions(), sample::documents().len());
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
}

#[tokio::test]
async fn a_cookie_is_renewed_before_it_expires() {
    let pair = Pair::new().await;
    let server = crate::http::Server::new(&pair.fake.url, None).unwrap();
    let settings = settings();
    let account = super::super::authorize::Account::of(&pair.state, &settings).await.unwrap();
    let session = super::super::session::Session::new(server, account, &settings);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut connection = session.connection();
    let mut ask = async || {
        let known = super::super::records::UpstreamRecord::default();
        super::super::configuration::configuration(&mut connection, &known, None).await.unwrap();
        pair.fake.asked(Operation::ServerSyncGetCookie).len()
    };
    let expires = i64::try_from(now.as_secs()).unwrap() + 2;
    pair.fake.world().expires = expires;
    assert_eq!(ask().await, 1);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    // Whoever takes an expired cookie there finds it refused.
    pair.fake.world().expires = expires + 10_000;
    assert_eq!(ask().await, 2);
    assert_eq!(ask().await, 2);
    assert_eq!(pair.fake.asked(Operation::GetConfigData).len(), 3, "none was refused");
}

#[tokio::test]
async fn a_revision_that_is_gone_is_set_aside_and_tried_again() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let phantom = UpdateIdentity { update_id: uuid::Uuid::from_u128(7), revision_number: 1 };
    pair.fake.world().phantoms.push(phantom);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.failures), (6702, 1), "{run:?}");
    assert_eq!(run.failed[0].revision, phantom);
    assert!(run.failed[0].reason.contains("InternalServerError"), "{run:?}");
    assert_eq!(pair.revisions(), sample::documents().len());
    pair.fake.world().phantoms.clear();
    let again = pair.sync(Scope::Everything).await;
    assert_eq!((again.failures, again.failed[0].revision), (1, phantom));
}

#[tokio::test]
async fn a_server_that_has_nothing_of_what_it_lists_is_given_up() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let phantoms = (1..200).map(|number| UpdateIdentity {
        update_id: uuid::Uuid::from_u128(number),
        revision_number: 1,
    });
    pair.fake.world().phantoms.extend(phantoms);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6703, "{run:?}");
    assert!(run.reason.unwrap().contains("one after the other"));
    assert_eq!(pair.revisions(), 0);
}

#[tokio::test]
async fn defective_revisions_are_set_aside_and_the_rest_goes_on() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let all: Vec<UpdateIdentity> = pair.fake.world().documents.keys().copied().collect();
    let other = pair.fake.world().documents[&all[1]].clone();
    {
        let mut world = pair.fake.world();
        // Another revision's document; no document; a cabinet that is none; a damaged cabinet.
        world.documents.insert(all[0], other);
        world.documents.get_mut(&all[2]).unwrap().0 = "<upd:Update".into();
        world.blobs.insert(all[3], Content::Value(b"MSCF".to_vec()));
    }
    // The fake lists by parsing: what is no XML has to stay out of its lists.
    pair.fake.world().documents.remove(&all[2]);
    pair.fake.world().phantoms.push(all[2]);
    let run = pair.sync(Scope::Everything).await;
    assert_eq!((run.status, run.failures), (6702, 3), "{run:?}");
    let reason = |id| run.failed.iter().find(|it| it.revision == id).unwrap().reason.clone();
    assert!(reason(all[0]).contains("is that of"), "{}", reason(all[0]));
    assert!(reason(all[3]).contains("XmlUpdateBlobCompressed"), "{}", reason(all[3]));
    assert_eq!(pair.revisions(), all.len() - 3);
    assert!(!pair.has(&all[0]) && pair.has(&all[1]));
}

#[tokio::test]
async fn what_was_fetched_before_an_interruption_is_not_fetched_again() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    pair.fake.world().per_request = 1;
    pair.sync(Scope::Categories).await;
    let fetched = pair.fake.asked(Operation::GetUpdateData).len();
    let number = pair.upstream.start(By::administrator(), Scope::Everything).await.unwrap();
    while pair.fake.asked(Operation::GetUpdateData).len() < fetched + 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(pair.upstream.cancel());
    let pair = pair.restarted().await;
    assert_eq!(pair.upstream.history().await.unwrap().pop().unwrap().number, number);
    assert_eq!(pair.revisions(), 11, "nobody sees half of it");
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6702, "{run:?}");
    assert_eq!(pair.revisions(), sample::documents().len());
    let asked = pair.fake.asked(Operation::GetUpdateData).len();
    // At most those that were on their way are asked for twice.
    assert!(asked <= sample::documents().len() + 3, "{asked}");
}

#[tokio::test]
async fn only_one_runs_at_a_time_and_it_can_be_called_off() {
    let pair = Pair::new().await;
    pair.misbehave(Operation::GetConfigData, &[Silence]);
    pair.upstream.start(By::administrator(), Scope::Everything).await.unwrap();
    assert!(pair.upstream.start(By::administrator(), Scope::Categories).await.is_err());
    assert!(pair.upstream.cancel());
    pair.upstream.stop().await;
    let run = pair.upstream.history().await.unwrap().pop().unwrap();
    assert_eq!((run.status, run.reason.as_deref()), (385, None));
    let events: Vec<u16> = run.events.iter().map(|event| event.id).collect();
    // It may have been called off before its first phase began.
    assert!(matches!(events[..], [6701, 385] | [6701, 6704, 385]), "{events:?}");
    assert!(!pair.upstream.cancel());
}

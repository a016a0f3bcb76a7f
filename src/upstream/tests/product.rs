//! Every fault in every call: none of them damages anything, all that pass are survived, the others
//! are named, and after each of them all is well again.

use tokio::task::JoinSet;
use uuid::Uuid;

use super::fake::Misbehaviour::{self, Cut, Fault, Garbage, Silence, Status};
use super::node::Node;
use super::*;
use crate::policy::by::By;
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::types::Sha1;

const AUTHORIZING: [Operation; 3] = [
    Operation::GetAuthConfig,
    Operation::DssAuthGetAuthorizationCookie,
    Operation::ServerSyncGetCookie,
];

const SYNCHRONIZING: [Operation; 6] = [
    Operation::GetConfigData,
    Operation::GetRevisionIdList,
    Operation::GetDriverIdList,
    Operation::GetUpdateData,
    Operation::GetUpdateDecryptionData,
    Operation::GetDeployments,
];

const REPORTING: [Operation; 5] = [
    Operation::GetRollupConfiguration,
    Operation::RollupDownstreamServers,
    Operation::RollupComputers,
    Operation::GetOutOfSyncComputers,
    Operation::RollupComputerStatus,
];

fn faults() -> impl Iterator<Item = Misbehaviour> {
    let others = [
        Status(404),
        Status(500),
        Status(503),
        Cut,
        Silence,
        Garbage("<html>proxy</html>"),
        Garbage(""),
    ];
    ErrorCode::ALL.into_iter().map(Fault).chain(others)
}

/// Whether the same call, or authorizing anew where a `cookie` is used, gets over it.
fn passes(fault: &Misbehaviour, cookie: bool) -> bool {
    match fault {
        Fault(ErrorCode::ServerBusy) => true,
        Fault(
            ErrorCode::InvalidCookie
            | ErrorCode::InvalidAuthorizationCookie
            | ErrorCode::CookieExpired
            | ErrorCode::ConfigChanged
            | ErrorCode::RegistrationRequired,
        ) => cookie,
        Fault(_) | Status(404) => false,
        _ => true,
    }
}

impl Fake {
    fn will(&self, operation: Operation, fault: &Misbehaviour) {
        self.world().misbehave.insert(operation, [fault.clone()].into());
    }

    fn did(&self, operation: Operation) -> bool {
        self.world().misbehave[&operation].is_empty()
    }
}

/// An upstream server with two documents.
async fn small() -> (Fake, String, Sha1) {
    let fake = Fake::start().await;
    let (_, first) = sample::documents()[0];
    let (document, _, sha1) = content::document(10);
    fake.world().add(first);
    fake.world().add(document.as_bytes());
    fake.world().decided = replica::decided("decided", 9);
    (fake.world().devices_per_request, fake.world().keys_per_request) = (10, 10);
    (fake, String::from_utf8(first.to_vec()).unwrap(), sha1)
}

async fn synchronizing(operation: Operation) {
    let (fake, first, _) = small().await;
    let pair = Pair::with(fake).await;
    let url = pair.fake.url.clone();
    let source = SourceRecord { url, replica: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    pair.select_everything().await;
    pair.upstream.note_hardware(std::iter::once("usb\\a"), &[]);
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    let cookie = SYNCHRONIZING.contains(&operation);
    for (number, fault) in (1..).zip(faults()) {
        let revision = format!("RevisionNumber=\"{number}");
        let newer = first.replacen("RevisionNumber=\"", &revision, 1);
        // A document whose files have keys says so.
        let newer =
            newer.replacen("<upd:Properties ", "<!-- FileDecryption --><upd:Properties ", 1);
        let newer = pair.fake.world().add(newer.as_bytes());
        pair.fake.will(operation, &fault);
        let run = pair.sync(Scope::Everything).await;
        let what = format!("{fault:?} of {operation:?}: {run:?}");
        assert!(pair.fake.did(operation), "{what}");
        let begins_anew = matches!(fault, Fault(ErrorCode::ServerChanged)) && cookie;
        if passes(&fault, cookie) || begins_anew {
            assert_eq!((run.status, run.failures, &run.reason), (6702, 0, &None), "{what}");
            assert!(pair.has(&newer), "{what}");
            assert_eq!(run.new + run.changed, 1, "{what}");
        } else if run.status == 6703 {
            assert!(run.reason.is_some_and(|reason| reason.contains(operation.label())), "{what}");
        } else {
            // Forgotten anchors are asked for anew; a document that failed is asked for again.
            let again = run.events.iter().any(|event| event.id == 6707) || pair.has(&newer);
            assert!(again || run.failures == 1, "{what}");
        }
        let run = pair.sync(Scope::Everything).await;
        assert_eq!((run.status, run.failures), (6702, 0), "after {what}: {run:?}");
        assert!(pair.has(&newer), "after {what}: {run:?}");
    }
}

async fn downloading() {
    let (fake, _, sha1) = small().await;
    let pair = Pair::with(fake).await;
    for fault in faults() {
        pair.fake.will(Operation::DownloadFiles, &fault);
        let asked = pair.upstream.downloads.ask_for(vec![sha1]).await;
        assert!(pair.fake.did(Operation::DownloadFiles), "{fault:?}");
        let is_news = matches!(fault, Fault(ErrorCode::FileDigestsMissing));
        assert_eq!(asked.is_ok(), passes(&fault, true) || is_news, "{fault:?}: {asked:?}");
        pair.upstream.downloads.ask_for(vec![sha1]).await.unwrap();
    }
}

async fn reporting(operation: Operation) {
    let (fake, ..) = small().await;
    let node = Node::start("middle.example", || 1_800_000_000).await;
    let url = fake.url.clone();
    let source = SourceRecord { url, report: true, ..SourceRecord::default() };
    node.upstream.set_source(By::administrator(), source).await.unwrap();
    let change = SelectionChange { everything: Some(true), ..SelectionChange::default() };
    node.upstream.select(By::administrator(), change).await.unwrap();
    node.computer("pc-1", "").await;
    let update: Uuid = content::UPDATE.parse().unwrap();
    assert_eq!(node.sync().await.status, 6702);
    // From here on there is a number to ask for.
    node.status("pc-1", &[update], &[]).await;
    node.upstream.report().await.unwrap();
    for (number, fault) in faults().enumerate() {
        match number % 2 {
            0 => node.status("pc-1", &[], &[update]).await,
            _ => node.status("pc-1", &[update], &[]).await,
        }
        fake.will(operation, &fault);
        let told = node.upstream.report().await;
        let what = format!("{fault:?} of {operation:?}: {told:?}");
        assert!(fake.did(operation), "{what}");
        assert_eq!(told.is_ok(), passes(&fault, false), "{what}");
        let failed = node.upstream.reported().await.unwrap().unwrap().failed;
        assert_eq!(failed.is_some(), told.is_err(), "{what}: {failed:?}");
        let again = node.upstream.report().await.unwrap();
        assert_eq!(told.map_or(0, |told| told.states) + again.states, 1, "after {what}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_every_call_passes_or_is_named_and_leaves_nothing_behind() {
    let mut cases = JoinSet::new();
    for operation in AUTHORIZING.into_iter().chain(SYNCHRONIZING) {
        cases.spawn(synchronizing(operation));
    }
    for operation in REPORTING {
        cases.spawn(reporting(operation));
    }
    cases.spawn(downloading());
    cases.join_all().await;
}

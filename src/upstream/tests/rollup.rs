//! Reporting to an upstream server, over a chain of three.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use uuid::Uuid;

use super::fake::Misbehaviour;
use super::node::Node;
use crate::admin;
use crate::catalog::Revision;
use crate::computers::UpdateInstallationState::{Installed, NotInstalled, Unknown};
use crate::metadata::model::UpdateType;
use crate::metadata::sample;
use crate::policy::by::By;
use crate::policy::terms::ApprovalAction;
use crate::state::{Decision, Tracked};
use crate::upstream::records::{ContentMode, SourceRecord};
use crate::upstream::{Scope, SelectionChange};
use crate::wire::operation::Operation;

const START: i64 = 1_800_000_000;

/// A clock of this test.
macro_rules! clock {
    () => {{
        static SECONDS: AtomicI64 = AtomicI64::new(START);
        (&SECONDS, (|| SECONDS.load(Ordering::Relaxed)) as fn() -> i64)
    }};
}

async fn chain(now: fn() -> i64) -> [Node; 3] {
    let root = Node::start("root.example", now).await;
    let documents = sample::documents()
        .iter()
        .map(|(name, bytes)| admin::Source { name: (*name).to_owned(), bytes: bytes.to_vec() });
    admin::import_into(&root.state, &By::administrator(), documents.collect(), false)
        .await
        .unwrap();
    let middle = Node::start("middle.example", now).await.below(&root).await;
    let replica = Node::start("replica.example", now).await.below(&middle).await;
    for node in [&middle, &replica] {
        let change = SelectionChange { everything: Some(true), ..SelectionChange::default() };
        node.upstream.select(By::administrator(), change).await.unwrap();
        let run = node.sync().await;
        assert_eq!(run.status, 6702, "{run:?}");
    }
    [root, middle, replica]
}

fn updates(node: &Node) -> Vec<Uuid> {
    let published = node.state.published();
    let tops = published.scope.tops.iter();
    let revisions = tops.filter_map(|index| published.catalog.revision(index));
    let software = |revision: &&Revision| revision.metadata.update_type == UpdateType::Software;
    revisions.filter(software).map(|revision| revision.metadata.identity.update_id).collect()
}

fn tracked(node: &Node, client_id: &str) -> Tracked {
    node.state.computers().find(client_id).expect("a computer")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_computers_report_below_is_seen_at_the_top() {
    let (clock, now) = clock!();
    let [root, middle, replica] = chain(now).await;
    let update = updates(&root)[0];
    clock.fetch_add(60, Ordering::Relaxed);
    replica.computer("pc-1", "Pilot;Office").await;
    replica.status("pc-1", &[update], &[]).await;
    middle.computer("pc-2", "").await;
    let first = replica.upstream.report().await.unwrap();
    assert_eq!((first.computers, first.details, first.states), (1, 1, 1));
    let second = middle.upstream.report().await.unwrap();
    assert_eq!((second.computers, second.details, second.states), (2, 2, 1));

    let seen = tracked(&root, "pc-1");
    assert_eq!(seen.computer.info.dns_name, "pc-1.example");
    assert_eq!(seen.computer.requested_group, "Pilot;Office");
    let replica_id = replica.state.server_id().await.unwrap();
    assert_eq!(seen.below.as_ref().unwrap().parent, replica_id);
    assert_eq!(seen.last_sync(), Some(START + 60));
    assert_eq!(seen.statuses.state(root.state.update_number(&update), START), NotInstalled);
    assert_eq!(seen.statuses.state(None, START + 1), Unknown);

    let servers = root.state.downstream_servers();
    let named = |name: &str| servers.iter().find(|it| it.name == name).expect(name).clone();
    assert_eq!(named("middle.example").parent, None);
    assert_eq!(named("replica.example").parent, Some(named("middle.example").id));
    let reported = named("replica.example").reported.clone().unwrap();
    let summary = reported.summary;
    assert_eq!((summary.computers, summary.computers_in_need, summary.needed), (1, 1, 1));
    assert_eq!((summary.up_to_date, summary.computers_up_to_date), (summary.updates - 1, 0));
    assert_eq!(summary.updates, named("middle.example").reported.clone().unwrap().summary.updates);
    assert_eq!((reported.systems.len(), reported.last_sync), (1, Some(START)));

    // Nothing new costs nothing; what changed comes whole.
    let quiet = middle.upstream.report().await.unwrap();
    assert_eq!((quiet.computers, quiet.details, quiet.states), (2, 0, 0));
    clock.fetch_add(60, Ordering::Relaxed);
    replica.status("pc-1", &[], &[update]).await;
    replica.upstream.report().await.unwrap();
    middle.upstream.report().await.unwrap();
    assert_eq!(
        tracked(&root, "pc-1").statuses.state(root.state.update_number(&update), START),
        Installed
    );
    let reported = |name: &str| {
        let servers = root.state.downstream_servers();
        let server = servers.iter().find(|it| it.name == name).expect(name);
        server.reported.clone().expect("a report").summary
    };
    let all = reported("replica.example");
    assert_eq!((all.up_to_date, all.computers_up_to_date), (all.updates, 1));
    // What a computer has that never reported is not known.
    replica.computer("pc-3", "").await;
    replica.upstream.report().await.unwrap();
    middle.upstream.report().await.unwrap();
    let unknown = reported("replica.example");
    assert_eq!((unknown.up_to_date, unknown.computers_up_to_date), (0, 1));
    for node in [replica, middle, root] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_update_whose_file_does_not_come_is_reported() {
    let (_, now) = clock!();
    let [root, middle, replica] = chain(now).await;
    let source = SourceRecord {
        url: root.url.clone(),
        report: true,
        content: ContentMode::Approved,
        ..SourceRecord::default()
    };
    middle.upstream.set_source(By::administrator(), source).await.unwrap();
    let terms = ApprovalAction::Install.into();
    let decision = Decision::Approve { group: "All Computers".into(), terms };
    let update = updates(&middle)[0];
    middle.state.decide(By::administrator(), update, decision).await.unwrap();
    let sums = || {
        let servers = root.state.downstream_servers();
        let middle = servers.iter().find(|it| it.name == "middle.example").expect("it");
        let summary = middle.reported.clone().expect("a report").summary;
        (summary.approved, summary.needing_files, summary.with_server_errors)
    };
    middle.upstream.report().await.unwrap();
    assert_eq!(sums(), (1, 1, 0), "nobody tried");
    let follow = tokio::spawn(Arc::clone(&middle.upstream).follow_downloads());
    while middle.upstream.downloads().files_failed.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    middle.upstream.report().await.unwrap();
    assert_eq!(sums(), (1, 1, 1), "the root has documents only");
    follow.abort();
    for node in [replica, middle, root] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_upstream_server_lost_is_told_again() {
    let (clock, now) = clock!();
    let [root, middle, replica] = chain(now).await;
    let update = updates(&root)[0];
    clock.fetch_add(60, Ordering::Relaxed);
    middle.computer("pc-1", "").await;
    middle.status("pc-1", &[update], &[]).await;
    middle.upstream.report().await.unwrap();

    // Deleted there: it is deleted here, too.
    root.state.delete_computer(By::administrator(), "pc-1".into()).await.unwrap();
    middle.upstream.report().await.unwrap();
    assert!(middle.state.computers().is_empty() && root.state.computers().is_empty());
    // It asks again.
    middle.computer("pc-1", "").await;
    middle.status("pc-1", &[update], &[]).await;
    middle.upstream.report().await.unwrap();
    assert_eq!(tracked(&root, "pc-1").statuses.rows().count(), 1);

    // The server was forgotten, and its computers with it; then it was restored from a backup, with
    // another number.
    let id = middle.state.server_id().await.unwrap();
    root.state.forget_downstream(id.to_string(), By::administrator()).await.unwrap();
    assert!(root.state.computers().is_empty());
    let report = middle.upstream.report().await.unwrap();
    assert_eq!((report.details, report.states), (1, 1));
    assert_eq!(tracked(&root, "pc-1").statuses.rows().count(), 1);

    // Another upstream server knows nothing.
    let other = Node::start("other.example", now).await;
    let middle = middle.below(&other).await;
    let report = middle.upstream.report().await.unwrap();
    assert_eq!((report.computers, report.details, report.states), (1, 1, 1));
    assert_eq!(tracked(&other, "pc-1").statuses.rows().count(), 1);
    for node in [replica, middle, root, other] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_report_holds_up_no_synchronization() {
    let pair = super::Pair::new().await;
    let url = pair.fake.url.clone();
    let source = SourceRecord { url, report: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    pair.select_everything().await;
    let following = tokio::spawn(Arc::clone(&pair.upstream).follow_reports());
    let silent = [Misbehaviour::Silence, Misbehaviour::Silence, Misbehaviour::Silence];
    pair.fake.world().misbehave.insert(Operation::GetRollupConfiguration, silent.into());
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    while pair.fake.asked(Operation::GetRollupConfiguration).is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It waits for an answer that does not come, and meanwhile this one ends.
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    assert_eq!(pair.fake.asked(Operation::GetRollupConfiguration).len(), 1);
    following.abort();
}

#[tokio::test]
async fn where_nobody_follows_one_synchronization_is_one_report() {
    let pair = super::Pair::new().await;
    let url = pair.fake.url.clone();
    let source = SourceRecord { url, report: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    pair.upstream.report_what_is_due().await;
    assert!(pair.upstream.reported().await.unwrap().is_none());
    pair.sync(Scope::Everything).await;
    for _ in 0..2 {
        pair.upstream.report_what_is_due().await;
        assert_eq!(pair.fake.asked(Operation::GetRollupConfiguration).len(), 1);
    }
}

#[tokio::test]
async fn a_server_of_an_old_version_is_told_nothing() {
    let pair = super::Pair::new().await;
    let url = pair.fake.url.clone();
    let source = SourceRecord { url, report: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), source).await.unwrap();
    pair.fake.world().protocol_version = "1.2";
    for synchronized in [false, true] {
        if synchronized {
            pair.sync(Scope::Categories).await;
        }
        let refused = pair.upstream.report().await.unwrap_err().to_string();
        assert!(refused.contains("1.3") && refused.contains("1.2"), "{refused}");
    }
    assert!(pair.fake.asked(Operation::GetRollupConfiguration).is_empty());
}

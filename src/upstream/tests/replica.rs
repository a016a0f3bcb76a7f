//! A replica of the fake upstream server.

use uuid::Uuid;

use super::*;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::state::Decision;
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::time::DateTime;
use crate::wire::wsusss::server_sync::{
    ServerSyncDeployment, ServerSyncDeploymentResult, ServerSyncTargetGroup,
};

const UPDATE: &str = "450b7a01-9903-4916-8138-db2f7aa8d785";

pub(super) fn decided(anchor: &'static str, guid: u128) -> ServerSyncDeploymentResult<'static> {
    let group = |id, name: &'static str, parent| ServerSyncTargetGroup {
        target_group_id: Some(id),
        name: Some(name.into()),
        parent_group_id: Some(parent),
        is_builtin: Some(parent.is_nil()),
    };
    let pilot = Uuid::from_u128(5);
    let deployment = ServerSyncDeployment {
        update_id: Some(UPDATE.parse().unwrap()),
        revision_number: Some(200),
        action: Some(0),
        admin_name: Some("root admin".into()),
        deadline: Some(DateTime::NEVER),
        is_assigned: Some(true),
        go_live_time: DateTime::from_unix(900, 0),
        deployment_guid: Some(Uuid::from_u128(guid)),
        target_group_id: Some(pilot),
        download_priority: Some(2),
    };
    ServerSyncDeploymentResult {
        anchor: Some(anchor.into()),
        groups: Some(vec![
            group(ALL_COMPUTERS, "All Computers", Uuid::nil()),
            group(pilot, "Pilot", ALL_COMPUTERS),
        ]),
        deployments: Some(vec![deployment]),
        ..ServerSyncDeploymentResult::default()
    }
}

#[tokio::test]
async fn a_replica_takes_decisions_over_and_refuses_its_own() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let update = UPDATE.parse().unwrap();
    pair.sync(Scope::Everything).await;
    let own =
        Decision::Approve { group: "All Computers".into(), terms: ApprovalAction::Install.into() };
    pair.state.decide(By::administrator(), update, own.clone()).await.unwrap();

    pair.fake.world().decided = decided("7", 100);
    let url = pair.fake.url.clone();
    let replica = SourceRecord { url, replica: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), replica).await.unwrap();
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6702, "{run:?}");
    let took_over = run.events.iter().find(|event| event.id == 6706).expect("an event");
    assert!(took_over.text.ends_with("decisions taken over"), "{took_over:?}");
    let policy = pair.state.published().policy.clone();
    let approval = policy.approval(update, Uuid::from_u128(5)).unwrap();
    assert_eq!((approval.guid, &*approval.by), (Uuid::from_u128(100), "root admin"));
    let own_one = policy.approval(update, ALL_COMPUTERS).unwrap();
    assert_eq!(own_one.terms.action, ApprovalAction::None, "what was decided here is over");
    assert!(pair.state.decide(By::administrator(), update, own).await.is_err());

    // The next time only what changed is asked for.
    pair.fake.world().decided.deployments = Some(vec![]);
    pair.fake.world().decided.dead_deployments = Some(vec![Uuid::from_u128(100)]);
    pair.sync(Scope::Everything).await;
    let asked = pair.fake.asked(Operation::GetDeployments);
    assert!(!asked[0].contains("deploymentAnchor") && asked[0].contains("syncAnchor"));
    assert!(asked[1].contains("<deploymentAnchor>7</deploymentAnchor>"), "{}", asked[1]);
    let policy = pair.state.published().policy.clone();
    let approval = policy.approval(update, Uuid::from_u128(5)).unwrap();
    assert_eq!(approval.terms.action, ApprovalAction::None);
}

#[tokio::test]
async fn an_answer_without_groups_takes_none_away() {
    let pair = Pair::new().await;
    pair.select_everything().await;
    let url = pair.fake.url.clone();
    let replica = SourceRecord { url, replica: true, ..SourceRecord::default() };
    pair.upstream.set_source(By::administrator(), replica).await.unwrap();
    pair.fake.world().decided = decided("7", 100);
    pair.sync(Scope::Everything).await;
    pair.fake.world().decided = ServerSyncDeploymentResult::default();
    let run = pair.sync(Scope::Everything).await;
    assert_eq!(run.status, 6703, "{run:?}");
    assert!(pair.state.published().policy.groups.contains_key(&Uuid::from_u128(5)));
    // A server that changed is asked for everything.
    pair.fake.world().decided = decided("1", 101);
    let fault = fake::Misbehaviour::Fault(ErrorCode::ServerChanged);
    pair.fake.world().misbehave.insert(Operation::GetDeployments, [fault].into());
    assert_eq!(pair.sync(Scope::Everything).await.status, 6702);
    let policy = pair.state.published().policy.clone();
    let approval = policy.approval(UPDATE.parse().unwrap(), Uuid::from_u128(5)).unwrap();
    assert_eq!(approval.guid, Uuid::from_u128(101));
}

//! Rules that fill update groups: what they add is deployed wherever the group is, as if a person had
//! added it, except where a person decided on it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::rules::{by, fixture, rule, target};
use super::support::{Document, Fixture, NOW, software, update};
use crate::policy::approval::ApprovalAction::Install;
use crate::policy::rule::Rule;
use crate::policy::target_group::{ALL_COMPUTERS, UNASSIGNED_COMPUTERS};
use crate::policy::terms::{Deadline, Terms};
use crate::policy::update_group::GroupDeployment;
use crate::state::Plan;

const DAY: i64 = 86_400;

/// "October", deployed to Unassigned Computers by `deadline`.
async fn october(fixture: &Fixture, deadline: i64) {
    let state = &fixture.state;
    let id = Uuid::from_u128(5);
    state.create_update_group(by(), id, "October".into()).await.expect("created");
    let terms = Terms { deadline: Some(Deadline::utc(deadline)), ..Install.into() };
    let target = "Unassigned Computers".to_owned();
    state.deploy_update_group(by(), "October".into(), target, terms, true).await.expect("deployed");
}

fn into_october() -> Rule {
    Rule { update_group: Some("October".into()), ..rule() }
}

async fn run(fixture: &Fixture) -> Plan {
    let preview = fixture.state.preview_rule("Good ones").await.expect("a plan");
    let done = fixture.state.run_rule("Good ones", None).await.expect("run");
    assert_eq!(done, preview, "the preview is the action");
    done
}

/// By when an update is to be installed on the computers of a group.
fn deadline(fixture: &Fixture, number: u8, group: Uuid) -> Option<i64> {
    let policy = &fixture.state.published().policy;
    let approval = policy.approval(update(number), group).filter(|it| it.terms.action == Install);
    approval?.terms.deadline.map(|deadline| deadline.at)
}

fn deployments(fixture: &Fixture) -> Vec<GroupDeployment> {
    let policy = &fixture.state.published().policy;
    policy.update_group("October").expect("a group").deployments.clone()
}

#[tokio::test]
async fn what_a_rule_adds_to_a_group_is_deployed_wherever_the_group_is() {
    let fixture = fixture().await;
    october(&fixture, NOW + DAY).await;
    fixture.state.put_rule(by(), into_october()).await.expect("a rule");
    let done = run(&fixture).await;
    let groups = |planned: &crate::state::Planned| {
        planned.deployments.iter().map(|it| it.group).collect::<Vec<_>>()
    };
    let planned: Vec<_> = done.updates.iter().map(|it| (it.update, groups(it))).collect();
    let both = vec![UNASSIGNED_COMPUTERS, ALL_COMPUTERS];
    let expected = [
        (update(1), both.clone()),
        (update(2), both),
        // Somebody blocked it for All Computers.
        (update(3), vec![UNASSIGNED_COMPUTERS]),
    ];
    assert_eq!(planned, expected);
    for number in 1..=3 {
        assert_eq!(deadline(&fixture, number, UNASSIGNED_COMPUTERS), Some(NOW + DAY), "{number}");
    }
    assert_eq!(deadline(&fixture, 1, ALL_COMPUTERS), Some(NOW + 3600));
    assert_eq!(deadline(&fixture, 3, ALL_COMPUTERS), None);
    let made_by: Vec<_> = deployments(&fixture).iter().map(|it| (it.group, it.rule)).collect();
    assert_eq!(made_by, [(UNASSIGNED_COMPUTERS, None), (ALL_COMPUTERS, Some(rule().id))]);
    let again = run(&fixture).await;
    assert!(again.updates.is_empty(), "{again:?}");
    let reason = "it is in the update group already";
    let skipped: Vec<_> = again.skipped.iter().filter(|(_, why)| *why == reason).collect();
    assert_eq!(skipped.len(), 3, "{:?}", again.skipped);
}

#[tokio::test]
async fn what_somebody_enabled_deploys_what_the_rule_adds_later() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let rule = Rule { enables: false, ..into_october() };
    state.put_rule(by(), rule).await.expect("a rule");
    run(&fixture).await;
    assert_eq!(deadline(&fixture, 1, ALL_COMPUTERS), None, "nobody enabled it");
    let terms = Terms { deadline: Some(Deadline::utc(NOW + 9)), ..Install.into() };
    let target = "All Computers".to_owned();
    state.deploy_update_group(by(), "October".into(), target, terms, true).await.expect("deployed");
    fixture.import_new(Document { title: "Good".into(), ..software(6) }).await;
    assert_eq!(run(&fixture).await.updates.len(), 1);
    assert_eq!(deadline(&fixture, 6, ALL_COMPUTERS), Some(NOW + 9), "a person's terms stay");
}

#[tokio::test]
async fn times_count_from_the_run_and_a_deadline_that_has_passed_deploys_nothing_more() {
    let fixture = fixture().await;
    october(&fixture, NOW + 60).await;
    let state = &fixture.state;
    state.put_rule(by(), into_october()).await.expect("a rule");
    assert_eq!(run(&fixture).await.overdue, [] as [Uuid; 0]);

    let fixture = fixture.reopened_at(|| NOW + DAY).await;
    fixture.import_new(Document { title: "Good".into(), ..software(6) }).await;
    let done = run(&fixture).await;
    assert_eq!(done.overdue, [UNASSIGNED_COMPUTERS]);
    let updates: Vec<_> = done.updates.iter().map(|planned| planned.update).collect();
    assert_eq!(updates, [update(6)]);
    assert_eq!(deadline(&fixture, 6, UNASSIGNED_COMPUTERS), None);
    assert_eq!(deadline(&fixture, 6, ALL_COMPUTERS), Some(NOW + DAY + 3600));
    assert_eq!(deadline(&fixture, 1, ALL_COMPUTERS), Some(NOW + 3600), "it was told already");
    let own = deployments(&fixture)[1].terms.deadline;
    assert_eq!(own, Some(Deadline::utc(NOW + DAY + 3600)));
}

#[tokio::test]
async fn what_was_decided_or_deleted_since_it_was_planned_is_left_alone() {
    let fixture = fixture().await;
    october(&fixture, NOW + DAY).await;
    let state = &fixture.state;
    let id = Uuid::from_u128(0x77);
    state.create_group(by(), id, "Pilot".into(), None).await.expect("created");
    let rule = Rule { targets: vec![target(ALL_COMPUTERS), target(id)], ..into_october() };
    state.put_rule(by(), rule).await.expect("a rule");
    let rule = state.published().policy.rule("Good ones").expect("a rule").clone();
    let plan = state.plan(&state.published(), &rule, NOW).await.expect("a plan");
    assert_eq!(plan.updates[0].deployments.len(), 3);

    let (children, members) = (crate::state::Children::Refuse, crate::state::Members::Release);
    state.delete_group(by(), "Pilot".into(), children, members).await.expect("deleted");
    state.decide(by(), update(1), crate::state::Decision::Decline).await.expect("declined");
    let done = state.carry_out_rule(rule, plan, NOW, None).await.expect("done");
    assert_eq!(done, None, "the rule is another one without the group");
    let done = run(&fixture).await;
    let updates: BTreeSet<_> = done.updates.iter().map(|planned| planned.update).collect();
    assert_eq!(updates, BTreeSet::from([update(2), update(3)]));
    let policy = &state.published().policy;
    let of_group = policy.approvals.values().flatten().filter(|it| it.group == id);
    assert_eq!(of_group.count(), 0);
    assert!(policy.is_declined(update(1)));
}

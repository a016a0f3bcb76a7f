//! Rules: the preview is the action, people stand above them, and too much is nothing.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::support::{Document, Fixture, NOW, software, update};
use crate::policy::approval::ApprovalAction::{Block, Install};
use crate::policy::by::By;
use crate::policy::rule::{Criteria, Outcome, Rule, RuleTarget, Schedule};
use crate::policy::target_group::{ALL_COMPUTERS, UNASSIGNED_COMPUTERS};
use crate::policy::terms::{ApprovalAction, Clock, Deadline, DownloadPriority};
use crate::state::{Decision, State, StateError};

pub(super) fn by() -> By {
    By::administrator()
}

pub(super) fn target(group: Uuid) -> RuleTarget {
    RuleTarget {
        group,
        action: Install,
        deadline_after: Some(3600),
        clock: Clock::Utc,
        spread: 0,
        available_after: 0,
        download_priority: DownloadPriority::Normal,
    }
}

/// Deploys all titles that begin with "Good" to All Computers.
pub(super) fn rule() -> Rule {
    Rule {
        id: Uuid::from_u128(77),
        name: "Good ones".into(),
        criteria: Criteria { titles: vec!["good*".into()], ..Criteria::default() },
        schedule: Schedule::Manual,
        targets: vec![target(ALL_COMPUTERS)],
        update_group: None,
        enables: true,
        cap: 10,
        last_run: 0,
        outcome: None,
    }
}

/// Updates 1 to 4 are good, 5 is not; 3 is blocked by somebody, 4 has a licence.
pub(super) async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    for number in 1..=5_u8 {
        let title = if number == 5 { "Bad" } else { "Good" }.to_owned();
        let eula = (number == 4).then_some(9);
        fixture.import_new(Document { title, eula, ..software(number) }).await;
    }
    let block = Decision::Approve { group: "All Computers".into(), terms: Block.into() };
    fixture.state.decide(by(), update(3), block).await.expect("blocked");
    fixture
}

fn approved(fixture: &Fixture) -> BTreeSet<Uuid> {
    let published = fixture.state.published();
    let installs = |it: &&crate::policy::approval::Approval| it.terms.action == Install;
    let all = published.policy.approvals.values().flatten().filter(installs);
    all.map(|approval| approval.update).collect()
}

#[tokio::test]
async fn a_rule_does_what_its_preview_says_and_leaves_what_people_decided() {
    let fixture = fixture().await;
    let state = &fixture.state;
    state.put_rule(by(), rule()).await.expect("a rule");
    let preview = state.preview_rule("GOOD ones").await.expect("a plan");
    let planned: Vec<Uuid> = preview.updates.iter().map(|planned| planned.update).collect();
    assert_eq!(planned, [update(1), update(2)]);
    let skipped =
        [(update(3), "it is decided already"), (update(4), "its licence is not accepted")];
    assert_eq!(preview.skipped, skipped);
    assert_eq!(state.run_rule("Good ones", Some("ann".into())).await.expect("run"), preview);
    assert_eq!(approved(&fixture), BTreeSet::from([update(1), update(2)]));

    let published = state.published();
    let approval = published.policy.approval(update(1), ALL_COMPUTERS).expect("an approval");
    assert_eq!(approval.by, "rule 'Good ones'");
    assert_eq!(approval.terms.deadline, Some(Deadline::utc(NOW + 3600)));
    let entry = fixture.journal().pop().expect("an entry");
    assert_eq!((&entry["by"], &entry["why"]), (&"rule 'Good ones'".into(), &"title good*".into()));
    assert_eq!(entry["started_by"], "ann");

    state.accept_eulas(by(), update(4)).await.expect("accepted");
    assert_eq!(state.run_rule("Good ones", None).await.expect("run").updates.len(), 1);
    assert!(fixture.journal().pop().expect("an entry").get("started_by").is_none());
    assert!(
        state.run_rule("Good ones", None).await.expect("run").updates.is_empty(),
        "all is done"
    );
    let fixture = fixture.reopened().await;
    let kept = &fixture.state.published().policy.rules[&Uuid::from_u128(77)];
    assert_eq!((kept.last_run, &kept.criteria), (NOW, &rule().criteria));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_a_rule_does_not_undo_who_changes_it_meanwhile() {
    let fixture = fixture().await;
    let state = &fixture.state;
    state.put_rule(by(), rule()).await.expect("a rule");
    for cap in 100..300 {
        let changed = Rule { cap, ..rule() };
        let (put, run) =
            tokio::join!(state.put_rule(by(), changed), state.run_rule("good ones", None));
        put.expect("put");
        run.expect("run");
        let policy = &state.published().policy;
        assert_eq!(policy.rule("Good ones").map(|rule| rule.cap), Some(cap));
    }
    // Both plan the same, and one of them does it.
    state.accept_eulas(by(), update(4)).await.expect("accepted");
    let run = || state.run_rule("Good ones", None);
    let (one, other) = tokio::join!(run(), run());
    let done = [one, other].map(|plan| plan.expect("run").updates.len());
    assert_eq!(done.iter().sum::<usize>(), 1, "{done:?}");
}

#[tokio::test]
async fn more_than_its_cap_is_nothing() {
    let fixture = fixture().await;
    let rule = Rule { cap: 1, ..rule() };
    fixture.state.put_rule(by(), rule).await.expect("a rule");
    assert!(fixture.state.preview_rule("Good ones").await.expect("a plan").is_over_cap());
    let refused =
        fixture.state.run_rule("Good ones", None).await.expect_err("over its cap").to_string();
    assert!(refused.contains("2 updates") && refused.contains("cap of 1"), "{refused}");
    assert!(approved(&fixture).is_empty());

    let outcome = |fixture: &Fixture| {
        let policy = &fixture.state.published().policy;
        policy.rule("Good ones").and_then(|rule| rule.outcome.clone())
    };
    let stopped = Some(Outcome { deployed: 0, stopped: Some(refused.clone()) });
    assert_eq!(outcome(&fixture), stopped);
    let run = |who: Option<&str>| fixture.state.run_rule("Good ones", who.map(str::to_owned));
    run(Some("ann")).await.expect_err("over its cap");
    let told = fixture.journal().pop().expect("an entry");
    assert_eq!((&told["by"], &told["why"]), (&"rule 'Good ones'".into(), &refused.into()));
    assert_eq!((&told["name"], &told["started_by"]), (&"Good ones".into(), &"ann".into()));

    fixture.state.put_rule(by(), self::rule()).await.expect("a rule");
    assert_eq!(outcome(&fixture), stopped, "it did not run since");
    fixture.state.run_rule("Good ones", None).await.expect("run");
    let fixture = fixture.reopened().await;
    assert_eq!(outcome(&fixture), Some(Outcome { deployed: 2, stopped: None }));
}

#[tokio::test]
async fn an_update_was_released_when_its_first_revision_was_made_be_it_here_or_not() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let criteria = Criteria { released_within: Some(30), ..rule().criteria };
    state.put_rule(by(), Rule { criteria, ..rule() }).await.expect("a rule");
    let yesterday = "2027-01-14T09:00:00.000Z";
    let good = |number| Document { title: "Good".into(), created: yesterday, ..software(number) };
    fixture.import_new(Document { revision: 2, ..good(1) }).await;
    fixture.import_new(good(6)).await;
    let planned = async |fixture: &Fixture| {
        let plan = fixture.state.preview_rule("Good ones").await.expect("a plan");
        plan.updates.iter().map(|planned| planned.update).collect::<Vec<_>>()
    };
    assert_eq!(planned(&fixture).await, [update(6)], "1 is a year old");
    let plan = State::plan_deletions(&state.published(), NOW);
    let deleted = state.carry_out_deletions(plan, None).await.expect("deleted");
    assert_eq!(deleted.iter().map(|it| it.len()).sum::<usize>(), 1);
    assert_eq!(planned(&fixture).await, [update(6)], "it still is");
    let fixture = fixture.reopened().await;
    assert_eq!(planned(&fixture).await, [update(6)]);
}

#[tokio::test]
async fn rules_run_after_updates_came_in_or_when_their_time_has_come() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let schedules = [
        ("Manual", Schedule::Manual),
        ("Each sync", Schedule::AfterSync),
        ("Hourly", Schedule::At("0 * * * *".parse().expect("a schedule"))),
    ];
    for (name, schedule) in schedules {
        state
            .put_rule(by(), Rule { name: name.into(), schedule, id: Uuid::new_v4(), ..rule() })
            .await
            .expect("a rule");
    }
    let names = |outcomes: Vec<(String, _)>| -> Vec<String> {
        outcomes.into_iter().map(|(name, _): (String, Result<_, StateError>)| name).collect()
    };
    // It was made now, and has not missed anything.
    assert_eq!(names(state.run_due_rules(false).await), [""; 0]);
    assert_eq!(names(state.run_due_rules(true).await), ["Each sync"]);
    assert_eq!(approved(&fixture).len(), 2);
}

#[tokio::test]
async fn an_update_group_is_made_and_filled_and_may_be_left_disabled() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let rule = Rule { update_group: Some("Good of {date}".into()), enables: false, ..rule() };
    state.put_rule(by(), rule).await.expect("a rule");
    assert_eq!(state.run_rule("Good ones", None).await.expect("run").updates.len(), 3);
    assert!(approved(&fixture).is_empty(), "somebody has to enable it");
    let policy = &state.published().policy;
    let group = policy.update_group("Good of 2027-01-15").expect("a group");
    assert_eq!(group.updates, BTreeSet::from([update(1), update(2), update(3)]));
    let terms = group.deployments[0].terms;
    assert!(!group.deployments[0].enabled);

    let (name, target) = (group.name.clone(), "All Computers".to_owned());
    state.deploy_update_group(by(), name, target, terms, true).await.expect("deployed");
    assert_eq!(approved(&fixture).len(), 3, "who deploys a group deploys all of it");
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused() {
    let fixture = fixture().await;
    let bad_target = RuleTarget { action: ApprovalAction::Block, ..target(ALL_COMPUTERS) };
    let take_back = RuleTarget { action: ApprovalAction::None, ..target(ALL_COMPUTERS) };
    for (rule, told) in [
        (Rule { criteria: Criteria::default(), ..rule() }, "without a condition"),
        (Rule { targets: Vec::new(), ..rule() }, "deploys to a group"),
        (Rule { targets: vec![target(Uuid::from_u128(5))], ..rule() }, "there is no group"),
        (Rule { targets: vec![bad_target], ..rule() }, "deadline"),
        (Rule { targets: vec![take_back], ..rule() }, "take decisions back"),
        (Rule { enables: false, ..rule() }, "update group"),
        (Rule { name: " ".into(), ..rule() }, "1 to 256"),
    ] {
        let refused = fixture.state.put_rule(by(), rule).await.expect_err(told).to_string();
        assert!(refused.contains(told), "{refused}");
    }
    assert!(fixture.state.published().policy.rules.is_empty());
    assert!(matches!(fixture.state.preview_rule("x").await, Err(StateError::NotFound { .. })));
    assert!(fixture.state.run_rule("x", None).await.is_err());
    assert!(fixture.state.remove_rule(by(), "x".into()).await.is_err());
}

#[tokio::test]
async fn a_rule_replaced_keeps_what_it_is_and_removed_leaves_what_it_did() {
    let fixture = fixture().await;
    let state = &fixture.state;
    state.put_rule(by(), rule()).await.expect("a rule");
    let other = Rule {
        id: Uuid::from_u128(78),
        name: "GOOD ONES".into(),
        targets: vec![target(UNASSIGNED_COMPUTERS)],
        ..rule()
    };
    let replaced = state.put_rule(by(), other).await.expect("replaced");
    assert_eq!(replaced.id, rule().id);
    state.run_rule("good ones", None).await.expect("run");
    state.remove_rule(by(), "good ones".into()).await.expect("removed");
    assert_eq!(approved(&fixture).len(), 3, "nobody decided for Unassigned Computers");
}

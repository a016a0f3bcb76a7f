//! What cannot be is refused with a reason, and changes nothing by halves.

use std::collections::BTreeSet;
use std::pin::Pin;

use uuid::Uuid;

use super::picture::Picture;
use super::support::{Fixture, NOW, detectoid, registration, software, update};
use crate::policy::by::By;
use crate::policy::rule::{Criteria, Rule, RuleTarget, Schedule};
use crate::policy::target_group::ALL_COMPUTERS;
use crate::policy::terms::ApprovalAction::{Install, None as Nothing, Optional};
use crate::policy::terms::{Clock, Deadline, DownloadPriority, Terms};
use crate::state::{Children, Decision, Members, State, StateError};

fn by() -> By {
    By::administrator()
}

type Attempt<'a> = Pin<Box<dyn Future<Output = Result<(), StateError>> + 'a>>;

fn approve<'a>(state: &'a State, number: u8, group: &str, terms: Terms) -> Attempt<'a> {
    let decision = Decision::Approve { group: group.into(), terms };
    Box::pin(async move { state.decide(by(), update(number), decision).await })
}

fn create<'a>(state: &'a State, name: &'a str, parent: &'a str) -> Attempt<'a> {
    let parent = Some(parent.to_owned());
    Box::pin(async move {
        state.create_group(by(), Uuid::new_v4(), name.into(), parent).await.map(drop)
    })
}

fn place<'a>(state: &'a State, name: &'a str, parent: &'a str) -> Attempt<'a> {
    let parent = Some(parent.to_owned());
    Box::pin(async move { state.move_group(by(), name.into(), parent).await.map(drop) })
}

fn delete<'a>(state: &'a State, name: &'a str) -> Attempt<'a> {
    let (children, members) = (Children::Refuse, Members::Release);
    Box::pin(
        async move { state.delete_group(by(), name.into(), children, members).await.map(drop) },
    )
}

fn join<'a>(state: &'a State, computer: &'a str, group: &'a str) -> Attempt<'a> {
    let groups = vec!["Office".to_owned(), group.to_owned()];
    Box::pin(async move { state.move_computer(by(), computer.into(), groups).await })
}

fn gather<'a>(state: &'a State, name: &'a str, add: &[u8], remove: &[u8]) -> Attempt<'a> {
    let ids = |numbers: &[u8]| numbers.iter().map(|it| update(*it)).collect::<BTreeSet<_>>();
    let (add, remove) = (ids(add), ids(remove));
    Box::pin(
        async move { state.change_update_group(by(), name.into(), add, remove).await.map(drop) },
    )
}

fn rule(criteria: Criteria) -> Rule {
    let target = RuleTarget {
        group: ALL_COMPUTERS,
        action: Install,
        deadline_after: None,
        clock: Clock::Utc,
        spread: 0,
        available_after: 0,
        download_priority: DownloadPriority::Normal,
    };
    Rule {
        id: Uuid::from_u128(80),
        name: "All of it".into(),
        criteria,
        schedule: Schedule::Manual,
        targets: vec![target],
        update_group: None,
        enables: true,
        cap: 1,
        last_run: 0,
        outcome: None,
    }
}

/// Groups Office, with Floor below it, and Kiosks; updates 1 to 3, of which 3 is declined; detectoid 4;
/// a computer, an update group and a rule that matches more than its cap.
async fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let state = &fixture.state;
    for document in [software(1), software(2), software(3), detectoid(4)] {
        fixture.import_new(document).await;
    }
    for (name, parent) in
        [("Office", "All Computers"), ("Floor", "Office"), ("Kiosks", "All Computers")]
    {
        create(state, name, parent).await.expect("a group");
    }
    state.decide(by(), update(3), Decision::Decline).await.expect("declined");
    state.register(registration(1, "")).await.expect("registered");
    state.create_update_group(by(), Uuid::from_u128(9), "October".into()).await.expect("a group");
    gather(state, "October", &[1], &[]).await.expect("added");
    let criteria = Criteria { titles: vec!["*".into()], ..Criteria::default() };
    state.put_rule(by(), rule(criteria)).await.expect("a rule");
    fixture
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_reason_and_nothing_changes() {
    let fixture = fixture().await;
    let state = &fixture.state;
    let past = Terms { deadline: Some(Deadline::utc(NOW - 86_400)), ..Install.into() };
    let offered = Terms { deadline: Some(Deadline::utc(NOW + 86_400)), ..Optional.into() };
    let later = Terms { go_live: Some(NOW + 86_400), ..Nothing.into() };
    let attempts: Vec<(Attempt<'_>, &str)> = vec![
        (approve(state, 9, "Office", Install.into()), "there is no update"),
        (approve(state, 1, "Nowhere", Install.into()), "there is no group 'Nowhere'"),
        (approve(state, 1, "Downstream Servers", Install.into()), "no computer is in"),
        (approve(state, 4, "Office", Install.into()), "category or detectoid"),
        (approve(state, 1, "Office", past), "the deadline is in the past"),
        (approve(state, 1, "Office", offered), "only an install or uninstall has a deadline"),
        (approve(state, 1, "Office", later), "can become available later"),
        (create(state, "office", "All Computers"), "exists"),
        (create(state, " ", "All Computers"), "name"),
        (create(state, "Room", "Nowhere"), "there is no group 'Nowhere'"),
        (create(state, "Room", "Unassigned Computers"), "Unassigned Computers"),
        (place(state, "Office", "Office"), "which is below it or is itself"),
        (place(state, "Office", "Floor"), "which is below it or is itself"),
        (place(state, "Nowhere", "Office"), "there is no group 'Nowhere'"),
        (place(state, "All Computers", "Office"), "built in"),
        (delete(state, "Unassigned Computers"), "built in"),
        (delete(state, "Office"), "has groups below it"),
        (delete(state, "Nowhere"), "there is no group 'Nowhere'"),
        (join(state, "computer-1", "Nowhere"), "there is no group 'Nowhere'"),
        (join(state, "computer-9", "Kiosks"), "there is no computer"),
        (gather(state, "October", &[2, 9], &[]), "there is no update"),
        (gather(state, "October", &[2], &[3]), "there is no update in the group"),
        (gather(state, "November", &[2], &[]), "there is no update group"),
    ];
    let before = Picture::of(state).await;
    let entries = fixture.journal().len();
    for (attempt, why) in attempts {
        let refused = attempt.await.expect_err(why).to_string();
        assert!(refused.contains(why), "'{refused}' does not say '{why}'");
        assert_eq!(fixture.journal().len(), entries, "{why}");
    }
    let matches_nothing = Criteria { titles: vec!["none".into()], ..Criteria::default() };
    let any = Rule { name: "Any".into(), id: Uuid::nil(), ..rule(Criteria::default()) };
    let others: [(Result<(), StateError>, &str); 6] = [
        (state.put_rule(by(), any).await.map(drop), "without a condition"),
        (state.run_rule("Nothing", None).await.map(drop), "there is no rule"),
        (state.undo(by(), 9_999).await.map(drop), "there is no decision"),
        (state.restore_update(by(), update(1)).await, "there is no deleted update"),
        (state.delete_update(by(), update(1)).await.map(drop), "it is not declined"),
        (state.accept_eulas(by(), update(1)).await.map(drop), "no licence"),
    ];
    for (outcome, why) in others {
        let refused = outcome.expect_err(why).to_string();
        assert!(refused.contains(why), "'{refused}' does not say '{why}'");
    }
    assert_eq!(fixture.journal().len(), entries);
    assert_eq!(Picture::of(state).await, before);
    // Of this the rule and the audit trail tell, and nothing else changes.
    let refused = state.run_rule("All of it", None).await.expect_err("over its cap").to_string();
    assert!(refused.contains("cap of 1"), "{refused}");
    assert_eq!(fixture.journal().len(), entries + 1);
    assert_eq!(Picture::of(state).await, before);
    state
        .put_rule(by(), Rule { name: "Few".into(), id: Uuid::nil(), ..rule(matches_nothing) })
        .await
        .expect("a rule");
    assert!(
        state.run_rule("Few", None).await.expect("run").updates.is_empty(),
        "which is no error"
    );
}

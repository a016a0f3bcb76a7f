//! Whatever was done to a state, and whichever commits failed, a restart finds what readers saw.

use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;

use proptest::prelude::*;
use tokio::runtime::Builder;
use uuid::Uuid;

use super::picture::Picture;
use super::support::{Document, Fixture, NOW, address, content, registration, software, update};
use crate::computers::event::Event;
use crate::policy::approval::{ApprovalAction, Source};
use crate::policy::by::By;
use crate::policy::terms::Terms;
use crate::state::{Children, Decision, Members, Published, State, StateError};
use crate::wire::types::{RevisionId, UpdateIdentity};

#[derive(Debug, Clone)]
enum Step {
    Import(Vec<Document>, bool),
    Approve(u8, String, Terms),
    Decline(u8),
    Delete(u8),
    Restore(u8),
    CleanUp,
    CreateGroup(u8, Option<u8>),
    MoveGroup(u8, Option<u8>),
    DeleteGroup(u8, Children, Members),
    Gather(u8, BTreeSet<u8>, BTreeSet<u8>),
    Deploy(u8, String, Terms, bool),
    Withdraw(u8, String),
    Register(u8, String),
    Report(u8, u8, i16),
    Move(u8, Vec<String>),
    DeleteComputer(u8),
    AddContent(u8),
    FailNextCommit,
    Restart,
}

fn group(number: u8) -> String {
    format!("Group {number}")
}

fn documents() -> impl Strategy<Value = Document> {
    let related = || prop::collection::vec(0..6_u8, 0..3);
    let kind = prop::sample::select(vec!["Software", "Software", "Detectoid"]);
    (0..6_u8, 1..3_u32, kind, related(), related(), related(), any::<bool>()).prop_map(
        |(number, revision, kind, prerequisites, bundles, supersedes, has_file)| {
            let software_only = |mut updates: Vec<u8>| {
                updates.retain(|other| kind == "Software" && *other != number);
                updates
            };
            Document {
                revision,
                kind,
                prerequisites: software_only(prerequisites),
                bundles: software_only(bundles),
                supersedes: software_only(supersedes),
                has_file: has_file && kind == "Software",
                ..software(number)
            }
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    use ApprovalAction::{Block, Install, None, Optional, Uninstall};
    let action = prop::sample::select(vec![Install, Uninstall, Optional, Block, None]);
    // Some go live in an hour, which does not come.
    let go_live = prop::option::weighted(0.2, Just(NOW + 3600));
    let terms =
        (action, go_live).prop_map(|(action, go_live)| Terms { go_live, ..Terms::from(action) });
    let deployed = prop::sample::select(vec![Install, Install, Uninstall]).prop_map(Terms::from);
    let numbers = || prop::collection::btree_set(0..6_u8, 0..3);
    let children = prop::sample::select(vec![Children::Refuse, Children::MoveUp, Children::Delete]);
    let members = prop::sample::select(vec![Members::Release, Members::MoveUp]);
    let groups = || (0..3_u8).prop_map(group);
    prop_oneof![
        4 => (prop::collection::vec(documents(), 1..4), any::<bool>())
            .prop_map(|(documents, more)| Step::Import(documents, more)),
        3 => (0..6_u8, groups(), terms).prop_map(|(u, g, a)| Step::Approve(u, g, a)),
        2 => (0..6_u8).prop_map(Step::Decline),
        1 => (0..6_u8).prop_map(Step::Delete),
        1 => (0..6_u8).prop_map(Step::Restore),
        1 => Just(Step::CleanUp),
        2 => (0..3_u8, prop::option::of(0..3_u8)).prop_map(|(g, p)| Step::CreateGroup(g, p)),
        2 => (0..3_u8, prop::option::of(0..3_u8)).prop_map(|(g, p)| Step::MoveGroup(g, p)),
        1 => (0..3_u8, children, members).prop_map(|(g, c, m)| Step::DeleteGroup(g, c, m)),
        3 => (0..2_u8, numbers(), numbers()).prop_map(|(g, add, out)| Step::Gather(g, add, out)),
        3 => (0..2_u8, groups(), deployed, prop::bool::weighted(0.8))
            .prop_map(|(g, target, terms, enabled)| Step::Deploy(g, target, terms, enabled)),
        1 => (0..2_u8, groups()).prop_map(|(g, target)| Step::Withdraw(g, target)),
        3 => (0..4_u8, groups()).prop_map(|(computer, g)| Step::Register(computer, g)),
        2 => (0..4_u8, 0..6_u8, prop::sample::select(vec![147, 156, 182, 184]))
            .prop_map(|(computer, update, event)| Step::Report(computer, update, event)),
        1 => (0..4_u8, prop::collection::vec(groups(), 0..3))
            .prop_map(|(computer, groups)| Step::Move(computer, groups)),
        1 => (0..4_u8).prop_map(Step::DeleteComputer),
        1 => (0..6_u8).prop_map(Step::AddContent),
        2 => Just(Step::FailNextCommit),
        1 => Just(Step::Restart),
    ]
}

fn event(instance: u128, number: u8, event_id: i16) -> Event {
    Event {
        instance: Uuid::from_u128(instance),
        event_id,
        source: 101,
        update: Some(UpdateIdentity { update_id: update(number), revision_number: 1 }),
        at: i64::try_from(instance).expect("few"),
        result: 0,
        app: String::new(),
        strings: Vec::new(),
        misc: vec![("U".to_owned(), update(number).to_string())],
    }
}

async fn take(fixture: Fixture, step: Step, number: u128) -> Fixture {
    let state = &fixture.state;
    let by = By::administrator();
    let outcome = match step {
        Step::Import(documents, more_follows) => {
            let documents = documents.iter().map(Document::importable).collect();
            state.import(By::administrator(), documents, more_follows).await.map(drop)
        }
        Step::Approve(number, group, terms) => {
            let decision = Decision::Approve { group, terms };
            state.decide(by, update(number), decision).await
        }
        Step::Decline(number) => state.decide(by, update(number), Decision::Decline).await,
        Step::Delete(number) => state.delete_update(by, update(number)).await.map(drop),
        Step::Restore(number) => state.restore_update(by, update(number)).await,
        Step::CleanUp => {
            let plan = State::plan_deletions(&state.published(), NOW);
            match state.carry_out_deletions(plan, None).await {
                Ok(_) => state.compact(1).await.map(drop),
                Err(error) => Err(error),
            }
        }
        Step::CreateGroup(number, parent) => {
            let id = Uuid::from_u128(0x2000 + u128::from(number));
            state.create_group(by, id, group(number), parent.map(group)).await.map(drop)
        }
        Step::MoveGroup(number, parent) => {
            state.move_group(by, group(number), parent.map(group)).await.map(drop)
        }
        Step::DeleteGroup(number, children, members) => {
            state.delete_group(by, group(number), children, members).await.map(drop)
        }
        Step::Gather(number, add, remove) => {
            let id = Uuid::from_u128(0x3000 + u128::from(number));
            // It may be there already.
            drop(state.create_update_group(by.clone(), id, group(number)).await);
            let ids = |numbers: BTreeSet<u8>| numbers.into_iter().map(update).collect();
            state.change_update_group(by, group(number), ids(add), ids(remove)).await.map(drop)
        }
        Step::Deploy(number, target, terms, enabled) => {
            state.deploy_update_group(by, group(number), target, terms, enabled).await.map(drop)
        }
        Step::Withdraw(number, target) => {
            state.withdraw_update_group(by, group(number), target).await.map(drop)
        }
        Step::Register(number, group) => state.register(registration(number, &group)).await,
        Step::Report(computer, update, event_id) => {
            let events = vec![event(number, update, event_id)];
            state.report(format!("computer-{computer}"), events, false).await.map(drop)
        }
        Step::Move(number, groups) => {
            state.move_computer(by, format!("computer-{number}"), groups).await
        }
        Step::DeleteComputer(number) => {
            state.delete_computer(by, format!("computer-{number}")).await
        }
        Step::AddContent(number) => {
            let source = Cursor::new(content(number));
            state.add_content(By::administrator(), address(number), source).await.map(drop)
        }
        Step::FailNextCommit => {
            fixture.store.fail_next_commit();
            Ok(())
        }
        Step::Restart => return fixture.reopened().await,
    };
    // Refusing is right for many of these; closing the state is right for none.
    assert!(!matches!(outcome, Err(StateError::Closed(_) | StateError::Stopped)), "{outcome:?}");
    fixture
}

/// Numbers identify: each belongs to one thing for ever.
fn check_numbers(published: &Published, ids: &mut HashMap<RevisionId, UpdateIdentity>) {
    for (_, revision) in published.catalog.revisions() {
        let identity = revision.metadata.identity;
        assert_eq!(*ids.entry(revision.id).or_insert(identity), identity, "an id was used again");
    }
    let here = published.catalog.revisions().map(|(_, revision)| revision.metadata.identity);
    let identities: BTreeSet<_> = here.map(|id| (id.update_id, id.revision_number)).collect();
    assert_eq!(identities.len(), published.catalog.len(), "a revision has a second id");
    let deployments = Picture::deployments(published);
    let distinct: BTreeSet<_> = deployments.iter().collect();
    assert_eq!(distinct.len(), deployments.len(), "a deployment's number was used again");
    let mut revisions = published.catalog.revisions();
    assert!(revisions.all(|(_, revision)| revision.changed <= published.sequence));
}

/// What a deployment of an update group approved ends with it.
fn check_sources(published: &Published) {
    let policy = &published.policy;
    for approval in policy.approvals.values().flatten().filter(|it| it.terms.action.acts()) {
        if let Source::UpdateGroup(id) = approval.source {
            let group = policy.update_groups.get(&id).expect("an update group");
            let deployment = group.deployment_of(approval.update, approval.group);
            assert!(deployment.is_some(), "{approval:?} outlived its deployment");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_restart_finds_what_readers_saw(steps in prop::collection::vec(steps(), 1..25)) {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut fixture = Fixture::new();
            let mut ids = HashMap::new();
            for (number, step) in (1..).zip(steps) {
                fixture = take(fixture, step, number).await;
                check_numbers(&fixture.state.published(), &mut ids);
                check_sources(&fixture.state.published());
            }
            // The last part of whatever import is open.
            while fixture.state.import(By::administrator(), Vec::new(), false).await.is_err() {}
            let before = Picture::of(&fixture.state).await;
            let fixture = fixture.reopened().await;
            assert_eq!(Picture::of(&fixture.state).await, before);
        });
    }
}

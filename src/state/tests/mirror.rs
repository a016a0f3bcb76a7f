//! A replica: what it takes over, and that it decides nothing itself.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, TargetGroup};
use crate::policy::terms::{Deadline, Terms};
use crate::state::State;
use crate::state::mirror::{Mirrored, MirroredDeployment, MirroredGroup};
use crate::state::{Children, Decision, Members};

use super::support::{Fixture, software, update};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn group(number: u128, name: &str, parent: Option<Uuid>) -> MirroredGroup {
    MirroredGroup { id: id(number), name: name.into(), parent }
}

fn all_computers() -> MirroredGroup {
    MirroredGroup { id: ALL_COMPUTERS, name: "All Computers".into(), parent: None }
}

fn install(guid: u128, of: u8, group: Uuid) -> MirroredDeployment {
    let deadline = Some(Deadline::utc(1_900_000_000));
    MirroredDeployment {
        guid: id(guid),
        update: update(of),
        revision_number: 1,
        group,
        terms: Terms { deadline, ..ApprovalAction::Install.into() },
        by: "SERVER\\admin".into(),
    }
}

fn by() -> By {
    By::weir("replica of http://uss")
}

async fn mirror(fixture: &Fixture, mirrored: Mirrored) -> u64 {
    fixture.state.mirror(by(), mirrored).await.expect("taken over")
}

#[tokio::test]
async fn what_is_there_is_here_and_what_is_not_is_not() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    fixture.import_new(software(2)).await;
    let state = &fixture.state;
    let own = By::administrator();
    state.create_group(own.clone(), id(9), "Own".into(), None).await.expect("created");
    let terms = ApprovalAction::Install.into();
    let decision = Decision::Approve { group: "Own".into(), terms };
    state.decide(own.clone(), update(2), decision).await.expect("decided");
    state.decide(own, update(1), Decision::Decline).await.expect("declined");

    let office = group(1, "Office", Some(ALL_COMPUTERS));
    let pilot = group(2, "Pilot", Some(id(1)));
    let first = Mirrored {
        // Children first, as any order may come.
        groups: vec![pilot.clone(), office.clone(), all_computers()],
        deployments: vec![install(100, 1, id(2))],
        complete: true,
        declined: BTreeSet::from([update(2)]),
        eulas: BTreeSet::from([id(77)]),
        ..Mirrored::default()
    };
    assert!(mirror(&fixture, first.clone()).await > 0);
    let policy = state.published().policy.clone();
    assert_eq!(policy.groups.get(&id(2)), Some(&TargetGroup::new(id(2), "Pilot", Some(id(1)))));
    assert!(!policy.groups.contains_key(&id(9)));
    let approval = policy.approval(update(1), id(2)).expect("an approval");
    assert_eq!((approval.guid, &*approval.by, approval.live), (id(100), "SERVER\\admin", true));
    assert_eq!(approval.terms, install(100, 1, id(2)).terms);
    assert!(policy.is_declined(update(2)) && !policy.is_declined(update(1)));
    assert!(policy.eulas.keys().eq([&id(77)]));

    let sequence = state.published().sequence;
    assert_eq!(mirror(&fixture, first).await, 0, "the same again changes nothing");
    assert_eq!(state.published().sequence, sequence);

    // Then only what changed: one deployment is no more, another is new, a group is gone.
    let second = Mirrored {
        groups: vec![all_computers(), office],
        deployments: vec![install(101, 1, ALL_COMPUTERS)],
        dead: BTreeSet::from([id(100)]),
        ..Mirrored::default()
    };
    mirror(&fixture, second).await;
    let policy = state.published().policy.clone();
    assert!(!policy.groups.contains_key(&id(2)) && !policy.is_declined(update(2)));
    assert_eq!(policy.approval(update(1), id(2)), None);
    assert_eq!(policy.approval(update(1), ALL_COMPUTERS).expect("an approval").guid, id(101));
    assert!(policy.dead.values().any(|dead| dead.guid == id(100)));
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.state.published().policy.approvals, policy.approvals);
}

#[tokio::test]
async fn a_deployment_that_ends_is_kept_as_ended_for_those_who_cached_it() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    let groups = vec![all_computers()];
    let one = vec![install(100, 1, ALL_COMPUTERS)];
    let first = Mirrored { groups: groups.clone(), deployments: one, ..Mirrored::default() };
    mirror(&fixture, first).await;
    let dead = BTreeSet::from([id(100)]);
    mirror(&fixture, Mirrored { groups, dead, ..Mirrored::default() }).await;
    let policy = fixture.state.published().policy.clone();
    let approval = policy.approval(update(1), ALL_COMPUTERS).expect("an approval");
    assert_eq!(approval.terms.action, ApprovalAction::None);
}

#[tokio::test]
async fn groups_that_go_in_circles_stand_below_all_computers() {
    let fixture = Fixture::new();
    let groups = vec![
        group(1, "A", Some(id(2))),
        group(2, "B", Some(id(1))),
        group(3, "C", Some(id(77))),
        group(4, "D", Some(id(4))),
        all_computers(),
    ];
    mirror(&fixture, Mirrored { groups, ..Mirrored::default() }).await;
    let policy = fixture.state.published().policy.clone();
    for number in 1..=4 {
        assert_eq!(policy.groups[&id(number)].parent, Some(ALL_COMPUTERS), "{number}");
    }
    assert_eq!(policy.groups.len(), 7);
}

#[tokio::test]
async fn a_replica_decides_nothing_itself() {
    let fixture = Fixture::new();
    fixture.import_new(software(1)).await;
    let state = &fixture.state;
    let own = By::administrator;
    state.create_group(own(), id(9), "Own".into(), None).await.expect("created");
    follow(state, Some("http://uss:8530")).await;
    let fixture = fixture.reopened().await;
    let state = &fixture.state;
    let refused = [
        state.decide(own(), update(1), Decision::Decline).await.err(),
        state.create_group(own(), id(8), "New".into(), None).await.err(),
        state.move_group(own(), "Own".into(), None).await.err(),
        state.rename_group(own(), "Own".into(), "Other".into()).await.err(),
        state.delete_group(own(), "Own".into(), Children::Refuse, Members::Release).await.err(),
        state.accept(own(), BTreeSet::from([id(77)])).await.err(),
        state.create_update_group(own(), id(8), "New".into()).await.err(),
    ];
    for refused in refused {
        let reason = refused.expect("refused").to_string();
        assert!(reason.contains("replica of http://uss:8530"), "{reason}");
    }
    follow(state, None).await;
    state.decide(own(), update(1), Decision::Decline).await.expect("decided");
}

#[tokio::test]
async fn of_several_deployments_that_of_the_latest_revision_counts() {
    let old = MirroredDeployment {
        terms: ApprovalAction::NotApproved.into(),
        ..install(100, 1, ALL_COMPUTERS)
    };
    let new = MirroredDeployment { revision_number: 2, ..install(101, 1, ALL_COMPUTERS) };
    let guid = |fixture: &Fixture| {
        let published = fixture.state.published();
        published.policy.approval(update(1), ALL_COMPUTERS).map(|approval| approval.guid)
    };
    for order in [[old.clone(), new.clone()], [new.clone(), old.clone()]] {
        let fixture = Fixture::new();
        fixture.import_new(software(1)).await;
        let groups = vec![all_computers()];
        let both = Mirrored { groups, deployments: order.to_vec(), ..Mirrored::default() };
        mirror(&fixture, both.clone()).await;
        assert_eq!(guid(&fixture), Some(id(101)));
        // The older one alone, later: it was changed there.
        mirror(&fixture, Mirrored { deployments: vec![old.clone()], ..both }).await;
        assert_eq!(guid(&fixture), Some(id(101)));
    }
}

#[tokio::test]
async fn a_name_that_no_group_may_have_here_is_made_one() {
    let fixture = Fixture::new();
    let groups = vec![
        all_computers(),
        group(1, "Office; Berlin", Some(ALL_COMPUTERS)),
        group(2, "", Some(ALL_COMPUTERS)),
    ];
    mirror(&fixture, Mirrored { groups, ..Mirrored::default() }).await;
    let policy = fixture.state.published().policy.clone();
    let name = |number| policy.groups[&id(number)].name.clone();
    assert_eq!((name(1), name(2)), ("Office, Berlin".to_owned(), id(2).to_string()));
}

async fn follow(state: &State, of: Option<&str>) {
    let of = of.map(str::to_owned);
    let followed = state.records(|records| {
        records.follow(of);
        Ok(())
    });
    followed.await.expect("set");
}

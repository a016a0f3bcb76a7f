//! Conflicts between groups: the rules one by one, and all of them against an obvious model.

use proptest::prelude::*;

use super::*;
use crate::policy::target_group::{ALL_COMPUTERS, TargetGroup};
use crate::policy::terms::{Clock, Deadline, DownloadPriority};
use ApprovalAction::{Block, Install, None as Withdrawn, NotApproved, Optional, Uninstall};

const UPDATE: Uuid = Uuid::from_u128(7);
const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);
/// Below A.
const DEEP: Uuid = Uuid::from_u128(3);

fn policy(decisions: &[(Uuid, ApprovalAction, Option<i64>)]) -> Policy {
    let mut policy = Policy::undecided();
    for (group, parent) in [(A, None), (B, None), (DEEP, Some(A))] {
        policy.groups.insert(group, TargetGroup::new(group, group.to_string(), parent));
    }
    for (number, (group, action, deadline)) in (1..).zip(decisions) {
        let deadline = deadline.map(Deadline::utc);
        let terms = Terms { deadline, ..(*action).into() };
        policy.approvals.entry(UPDATE).or_default().push(approval(number, *group, terms, true));
    }
    policy
}

fn approval(number: u32, group: Uuid, terms: Terms, live: bool) -> Approval {
    Approval {
        deployment_id: number,
        guid: Uuid::from_u128(number.into()),
        update: UPDATE,
        revision_number: 1,
        group,
        terms,
        live,
        by: String::new(),
        source: Source::Decision,
        decided: 0,
        changed: number.into(),
    }
}

fn winner(policy: &Policy, groups: &[Uuid]) -> Option<(ApprovalAction, Option<i64>)> {
    let terms = policy.resolve(UPDATE, &policy.lineage(groups))?.approval?.terms;
    Some((terms.action, terms.deadline.map(|deadline| deadline.at)))
}

#[test]
fn a_group_inherits_from_those_above_unless_it_decided_itself() {
    let inherited = policy(&[(ALL_COMPUTERS, Install, None)]);
    assert_eq!(winner(&inherited, &[DEEP]), Some((Install, None)));
    for not_here in [Block, NotApproved] {
        let policy = policy(&[(ALL_COMPUTERS, Install, None), (A, not_here, None)]);
        assert_eq!(winner(&policy, &[A]), None);
        assert_eq!(winner(&policy, &[DEEP]), None);
        assert_eq!(winner(&policy, &[B]), Some((Install, None)));
    }
    let withdrawn = policy(&[(ALL_COMPUTERS, Install, None), (A, Withdrawn, None)]);
    assert_eq!(winner(&withdrawn, &[A]), Some((Install, None)));
}

#[test]
fn each_rule_outweighs_all_that_follow() {
    let both = |one, other| policy(&[one, other]);
    let deeper = both((DEEP, Block, None), (B, Install, Some(1)));
    assert_eq!(winner(&deeper, &[DEEP, B]), None, "whatever branch it is in");
    for (better, worse) in [
        ((Install, None), (Uninstall, Some(1))),
        ((Optional, None), (Uninstall, Some(1))),
        ((Install, None), (Optional, None)),
        ((Uninstall, None), (Block, None)),
        ((Install, Some(9)), (Install, None)),
        ((Install, Some(5)), (Install, Some(9))),
        ((Uninstall, Some(5)), (Uninstall, Some(9))),
    ] {
        let (one, other) = ((A, better.0, better.1), (B, worse.0, worse.1));
        assert_eq!(winner(&both(one, other), &[A, B]), Some(better), "over {worse:?}");
        let (one, other) = ((B, better.0, better.1), (A, worse.0, worse.1));
        assert_eq!(winner(&both(other, one), &[A, B]), Some(better), "over {worse:?}");
    }
}

#[test]
fn a_withdrawn_approval_still_counts_as_a_change() {
    let withdrawn = policy(&[(A, Withdrawn, None)]);
    let resolve = |group| withdrawn.resolve(UPDATE, &withdrawn.lineage(&[group]));
    let resolved = resolve(A).expect("a decision was looked at");
    assert_eq!((resolved.approval, resolved.changed), (None, 1));
    assert_eq!(resolve(B), None);
}

#[test]
fn what_is_not_live_yet_leaves_what_holds_until_then() {
    let mut policy = policy(&[(A, Install, None)]);
    let later = Terms { go_live: Some(99), ..Uninstall.into() };
    let waiting = approval(2, DEEP, later, false);
    policy.approvals.entry(UPDATE).or_default().push(waiting);
    assert_eq!(winner(&policy, &[DEEP]), Some((Install, None)));
    policy.approvals.get_mut(&UPDATE).expect("approvals")[1].live = true;
    assert_eq!(winner(&policy, &[DEEP]), Some((Uninstall, None)));
}

/// "Given any two", in the words of WSUS: whether `one` overrides `other`.
fn overrides(one: &(usize, Approval), other: &(usize, Approval), utc_offset: i16) -> bool {
    let installs = |it: &Approval| matches!(it.terms.action, Install | Optional);
    let required = |it: &Approval| it.terms.action == Install;
    let removes = |it: &Approval| it.terms.action == Uninstall;
    if one.0 != other.0 {
        return one.0 > other.0;
    }
    let (one, other) = (&one.1, &other.1);
    if installs(one) != installs(other) {
        return installs(one);
    }
    if required(one) != required(other) {
        return required(one);
    }
    if removes(one) != removes(other) {
        return removes(one);
    }
    let blocks = |it: &Approval| it.terms.action == Block;
    if blocks(one) != blocks(other) {
        return blocks(other);
    }
    match (one.terms.deadline, other.terms.deadline) {
        (Some(_), None) => return true,
        (None, Some(_)) => return false,
        (Some(one), Some(other)) if one.instant(utc_offset) != other.instant(utc_offset) => {
            return one.instant(utc_offset) < other.instant(utc_offset);
        }
        _ => {}
    }
    if one.terms.download_priority != other.terms.download_priority {
        return one.terms.download_priority > other.terms.download_priority;
    }
    one.deployment_id < other.deployment_id
}

/// Looks at every group on the way up from every membership, one by one, and lets all decisions
/// found compete with each other.
fn naive(policy: &Policy, groups: &[Uuid]) -> Option<Approval> {
    let mut found: Vec<(usize, Approval)> = Vec::new();
    let mut offset = (0, Uuid::nil(), 0);
    for member in groups {
        let mut way = vec![policy.groups[member].clone()];
        while let Some(parent) = way[way.len() - 1].parent {
            way.push(policy.groups[&parent].clone());
        }
        way.reverse();
        for (depth, group) in way.iter().enumerate() {
            if let Some(minutes) = group.utc_offset {
                offset = offset.max((depth + 1, group.id, minutes));
            }
            let here = policy.approvals[&UPDATE].iter().filter(|it| it.group == group.id);
            let counts = here.filter(|it| it.live && it.terms.action != Withdrawn);
            found.extend(counts.map(|approval| (depth, approval.clone())));
        }
    }
    let beats_all = |one: &&(usize, Approval)| {
        let mut others = found.iter().filter(|other| other.1 != one.1);
        others.all(|other| overrides(one, other, offset.2))
    };
    let winner = found.iter().find(beats_all).map(|(_, approval)| approval.clone());
    assert!(found.is_empty() || winner.is_some(), "nobody overrides all others");
    winner.filter(|approval| matches!(approval.terms.action, Install | Optional | Uninstall))
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let action = vec![Install, Uninstall, Optional, Block, Withdrawn, NotApproved];
    let clock = prop::sample::select(vec![Clock::Utc, Clock::Local]);
    let deadline = prop::option::of((0..3_i64, clock));
    let priority = vec![DownloadPriority::Low, DownloadPriority::Normal, DownloadPriority::High];
    (prop::sample::select(action), deadline, prop::sample::select(priority)).prop_map(
        |(action, deadline, download_priority)| Terms {
            action,
            deadline: deadline
                .map(|(hour, clock)| Deadline { clock, ..Deadline::utc(hour * 3600) }),
            go_live: None,
            download_priority,
        },
    )
}

/// A group's parent (a number below its own, 0 for All Computers), its clock and its decision.
type Branch = (usize, Option<i16>, Option<(Terms, bool)>);

fn branches() -> impl Strategy<Value = Vec<Branch>> {
    let offset = prop::option::of(prop::sample::select(vec![-60_i16, 0, 60]));
    let decision = prop::option::of((any_terms(), prop::bool::weighted(0.8)));
    prop::collection::vec((0..8_usize, offset, decision), 1..9)
}

proptest! {
    #[test]
    fn the_winner_is_that_of_the_obvious_model(
        branches in branches(),
        members in prop::collection::vec(0..9_usize, 0..4),
    ) {
        let mut policy = Policy::undecided();
        policy.approvals.insert(UPDATE, Vec::new());
        let id = |number: usize| match number {
            0 => ALL_COMPUTERS,
            number => Uuid::from_u128(number as u128),
        };
        for (number, (parent, utc_offset, decision)) in (1..).zip(&branches) {
            let group = TargetGroup::new(id(number), "", Some(id(parent % number)));
            policy.groups.insert(group.id, TargetGroup { utc_offset: *utc_offset, ..group });
            if let Some((terms, live)) = decision {
                let approval = approval(number as u32, id(number), *terms, *live);
                policy.approvals.entry(UPDATE).or_default().push(approval);
            }
        }
        let members: Vec<Uuid> =
            members.into_iter().map(|member| id(member % (branches.len() + 1))).collect();
        let resolved = policy.resolve(UPDATE, &policy.lineage(&members));
        prop_assert_eq!(resolved.and_then(|it| it.approval), naive(&policy, &members));
    }
}

//! The counters against a recount, whatever happens.
//!
//! `WEIR_OPERATIONS` sets the number of operations, `WEIR_SEED` where the chance begins.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use super::support::{Fixture, NOW, registration, software, update};
use crate::computers::Counts;
use crate::computers::UpdateInstallationState::{NotApplicable, Unknown};
use crate::computers::event::{Event, STATUS_REPORT};
use crate::metadata::model::UpdateType;
use crate::policy::Policy;
use crate::policy::approval::ApprovalAction;
use crate::policy::by::By;
use crate::policy::target_group::{ALL_COMPUTERS, UNASSIGNED_COMPUTERS};

use crate::state::{Children, Decision, Members, Standing, State, StateError};
use crate::wire::types::RevisionId;

/// Tests of this file share it, and there is one.
static CLOCK: AtomicI64 = AtomicI64::new(NOW);

fn now() -> i64 {
    CLOCK.load(Ordering::Relaxed)
}

const COMPUTERS: u64 = 12;
const UPDATES: u64 = 14;
const GROUPS: u64 = 7;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn group(&mut self) -> String {
        format!("Group {}", self.below(GROUPS))
    }

    fn computer(&mut self) -> u8 {
        self.below(COMPUTERS) as u8
    }

    fn update(&mut self) -> u8 {
        self.below(UPDATES) as u8
    }

    /// A status report, or an event of one update, at or before now.
    fn event(&mut self, instance: u128) -> Event {
        let status = self.below(3) > 0;
        // Also updates that nobody knows.
        let one = |chance: &mut Self| update(chance.below(UPDATES + 3) as u8);
        let kinds: [i16; 5] = [182, 184, 204, 202, 147];
        let event_id =
            if status { STATUS_REPORT } else { kinds[self.below(kinds.len() as u64) as usize] };
        let mut misc = Vec::new();
        for tag in ["U", "V", "h", "g", "W"].into_iter().filter(|_| status) {
            let ids: Vec<String> = (0..self.below(6)).map(|_| one(self).to_string()).collect();
            misc.push((tag.to_owned(), ids.join(";")));
        }
        let revision_number = 1;
        let update_id = one(self);
        Event {
            instance: Uuid::from_u128(instance),
            event_id,
            source: 101,
            update: Some(crate::wire::types::UpdateIdentity { update_id, revision_number }),
            at: now() - self.below(4) as i64,
            result: -(self.below(3) as i32),
            app: String::new(),
            strings: Vec::new(),
            misc,
        }
    }
}

/// Since when an update is offered, found out by looking at it after each operation.
#[derive(Debug, Clone, Copy)]
struct Seen {
    latest: RevisionId,
    declined: bool,
    since: i64,
}

/// Looks at every update once more. A new revision, and the end of a decline, is an offer that no
/// computer has answered yet.
fn look(state: &State, seen: &mut BTreeMap<Uuid, Seen>) {
    let published = state.published();
    let catalog = &published.catalog;
    let before = std::mem::take(seen);
    for (update, index) in (0..).take(catalog.update_count()).filter_map(|it| {
        let index = catalog.latest(it)?;
        Some((catalog.revision(index)?.metadata.identity.update_id, index))
    }) {
        let latest = catalog.revision(index).expect("a revision").id;
        let declined = published.policy.is_declined(update);
        let since = match before.get(&update) {
            Some(before) if before.latest == latest && before.declined <= declined => before.since,
            _ => now(),
        };
        seen.insert(update, Seen { latest, declined, since });
    }
}

/// One operation, which may well be refused.
async fn operate(fixture: Fixture, chance: &mut Chance, number: u64) -> Fixture {
    let state = &fixture.state;
    let by = By::administrator();
    let outcome = match chance.below(100) {
        0..45 => {
            let name = format!("computer-{}", chance.computer());
            let events = vec![chance.event(number.into())];
            state.report(name, events, chance.below(20) == 0).await.map(drop)
        }
        45..55 => {
            let group = if chance.below(2) == 0 { String::new() } else { chance.group() };
            state.register(registration(chance.computer(), &group)).await
        }
        55..63 => {
            let groups = (0..chance.below(3)).map(|_| chance.group()).collect();
            state.move_computer(by, format!("computer-{}", chance.computer()), groups).await
        }
        63..66 => state.delete_computer(by, format!("computer-{}", chance.computer())).await,
        66..71 => {
            let name = chance.group();
            let parent = (chance.below(2) == 0).then(|| chance.group());
            let id = Uuid::from_u128(0x2000 + u128::from(number));
            state.create_group(by, id, name, parent).await.map(drop)
        }
        71..75 => {
            let parent = (chance.below(3) > 0).then(|| chance.group());
            state.move_group(by, chance.group(), parent).await.map(drop)
        }
        75..77 => {
            let children = [Children::MoveUp, Children::Delete][chance.below(2) as usize];
            let members = [Members::Release, Members::MoveUp][chance.below(2) as usize];
            state.delete_group(by, chance.group(), children, members).await.map(drop)
        }
        77..85 => {
            let mut document = software(chance.update());
            document.revision = 1 + chance.below(9) as u32;
            fixture.import(document).await.map(drop)
        }
        85..88 => state.decide(by, update(chance.update()), Decision::Decline).await,
        88..91 => {
            let group = "All Computers".to_owned();
            let approve = Decision::Approve { group, terms: ApprovalAction::Install.into() };
            state.decide(by, update(chance.update()), approve).await
        }
        91..93 => state.delete_update(by, update(chance.update())).await.map(drop),
        93..95 => {
            // It asks for updates, and reports later.
            let name = format!("computer-{}", chance.computer());
            state.computers().find(&name).iter().for_each(|tracked| tracked.touch(now()));
            Ok(())
        }
        95..98 => {
            CLOCK.fetch_add(chance.below(5) as i64, Ordering::Relaxed);
            Ok(())
        }
        98 => {
            fixture.store.fail_next_commit();
            Ok(())
        }
        _ => return fixture.reopened_at(now).await,
    };
    assert!(!matches!(outcome, Err(StateError::Closed(_) | StateError::Stopped)), "{outcome:?}");
    fixture
}

/// Whether a computer in `groups` is in a group or below it.
fn is_in(policy: &Policy, groups: &[Uuid], group: Uuid) -> bool {
    if group == ALL_COMPUTERS {
        return true;
    }
    let own = if groups.is_empty() { vec![UNASSIGNED_COMPUTERS] } else { groups.to_vec() };
    own.into_iter().any(|own| {
        let mut at = policy.groups.get(&own);
        while let Some(here) = at {
            if here.id == group {
                return true;
            }
            at = here.parent.and_then(|parent| policy.groups.get(&parent));
        }
        false
    })
}

/// Every computer and every update looked at.
fn recount(state: &State, seen: &BTreeMap<Uuid, Seen>, group: Uuid) -> Standing {
    let published = state.published();
    let mut computers = state.computers().all();
    computers.retain(|tracked| is_in(&published.policy, &tracked.computer.groups, group));
    let mut updates: BTreeMap<Uuid, Counts> = BTreeMap::new();
    for tracked in &computers {
        for row in state.rows(&tracked.statuses) {
            updates.entry(row.update).or_default().add(row.state, 1);
        }
    }
    for (index, revision) in published.catalog.revisions() {
        let is_offered = published.scope.tops.contains(index)
            && matches!(revision.metadata.update_type, UpdateType::Software | UpdateType::Driver);
        if !is_offered {
            continue;
        }
        let update = revision.metadata.identity.update_id;
        let mut counts = Counts::default();
        for tracked in &computers {
            let rows = state.rows(&tracked.statuses);
            let row = rows.iter().find(|row| row.update == update).map(|row| row.state);
            let told = tracked.statuses.detected.is_some_and(|at| at >= seen[&update].since);
            let without = if told { NotApplicable } else { Unknown };
            counts.add(row.unwrap_or(without), 1);
        }
        updates.insert(update, counts);
    }
    Standing { computers: computers.len() as u64, updates }
}

/// Compares all groups; returns what all computers add up to.
async fn check(state: &State, seen: &BTreeMap<Uuid, Seen>, operation: u64) -> Counts {
    let mut all = Counts::default();
    let groups: Vec<Uuid> = state.published().policy.groups.keys().copied().collect();
    for group in groups {
        let standing = state.standing(group).await.expect("counters");
        let expected = recount(state, seen, group);
        let name = state.published().policy.path(group);
        assert_eq!(standing, expected, "{name} after {operation} operations");
        standing.updates.values().for_each(|counts| all.add_all(counts));
    }
    all
}

#[tokio::test]
async fn counters_equal_a_recount_after_every_kind_of_change() {
    let variable = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().expect("a number"))
    };
    let operations = variable("WEIR_OPERATIONS", 2_000);
    let mut chance = Chance(variable("WEIR_SEED", 1));
    let mut fixture = Fixture::at(now);
    let (mut all, mut seen) = (Counts::default(), BTreeMap::new());
    for number in 1..=operations {
        fixture = operate(fixture, &mut chance, number).await;
        look(&fixture.state, &mut seen);
        if number.is_multiple_of(10) || number == operations {
            all.add_all(&check(&fixture.state, &seen, number).await);
        }
    }
    let fixture = fixture.reopened_at(now).await;
    check(&fixture.state, &seen, operations).await;
    let seen = crate::computers::UpdateInstallationState::ALL.map(|state| all.of(state));
    assert!(seen.iter().all(|count| *count > 0), "a state was never reached: {all:?}");
}

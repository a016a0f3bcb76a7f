//! Everything that readers and administrators can see of a state, in a form that compares.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::computers::event::EventLog;
use crate::computers::{Computer, Statuses};
use crate::policy::approval::{Approval, ApprovalAction, DeadDeployment, Declined};
use crate::policy::cause::Cause;
use crate::policy::target_group::{ALL_COMPUTERS, TargetGroup, effective};
use crate::policy::update_group::UpdateGroup;
use crate::policy::view::Deployment;
use crate::state::records::ContentRecord;
use crate::state::{Places, Published, State};
use crate::wire::types::Sha1;

#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    sequence: u64,
    /// As they are stored.
    records: Vec<(String, Option<Places>)>,
    relations: Vec<Relations>,
    /// What is in scope, software, drivers, members and tops, by our numbers.
    scope: [Vec<u32>; 5],
    groups: BTreeMap<Uuid, TargetGroup>,
    approvals: BTreeMap<Uuid, Vec<Approval>>,
    declined: BTreeMap<Uuid, Declined>,
    exempt: BTreeMap<Uuid, Cause>,
    dead: BTreeMap<u32, DeadDeployment>,
    update_groups: BTreeMap<Uuid, UpdateGroup>,
    contents: BTreeMap<[u8; 20], ContentRecord>,
    views: BTreeMap<Vec<Uuid>, Vec<Option<Deployment>>>,
    computers: BTreeMap<String, (Computer, Statuses, EventLog)>,
}

/// What the catalogue derives of one revision.
#[derive(Debug, PartialEq)]
struct Relations {
    is_leaf: bool,
    members: Vec<u32>,
    parents: Vec<u32>,
    prerequisites: BTreeSet<Uuid>,
}

impl Picture {
    pub(super) async fn of(state: &State) -> Self {
        let published = state.published();
        let mut computers = BTreeMap::new();
        for tracked in state.computers().all() {
            let client_id = tracked.computer.client_id.clone();
            let details = state.computer(client_id.clone()).await.expect("a computer");
            let (computer, statuses) = (&tracked.computer, &tracked.statuses);
            assert!(details.tracked.says_the_same(&tracked), "readers see another {client_id}");
            let seen = (Computer::clone(computer), Statuses::clone(statuses), details.events);
            computers.insert(client_id, seen);
        }
        let policy = &published.policy;
        // An update that nobody decided on any more is as one that nobody ever decided on.
        let approvals = policy.approvals.iter().filter(|(_, approvals)| !approvals.is_empty());
        let contents = published.contents.iter();
        Self {
            sequence: published.sequence,
            records: records(&published),
            relations: relations(&published),
            scope: scope(&published),
            groups: policy.groups.clone(),
            approvals: approvals.map(|(id, approvals)| (*id, approvals.clone())).collect(),
            declined: policy.declined.iter().map(|(id, when)| (*id, when.clone())).collect(),
            exempt: policy.exempt.iter().map(|(id, cause)| (*id, *cause)).collect(),
            dead: policy.dead.as_ref().clone(),
            update_groups: policy.update_groups.as_ref().clone(),
            contents: contents.map(|(Sha1(digest), record)| (*digest, *record)).collect(),
            views: views(&published),
            computers,
        }
    }

    /// Numbers of all deployments, which are given out once.
    pub(super) fn deployments(published: &Published) -> Vec<u32> {
        let revisions = published.catalog.revisions();
        let by_default = revisions.map(|(_, revision)| revision.deployment_id);
        let policy = &published.policy;
        let approved = policy.approvals.values().flatten();
        // What was taken back is dead, and stays for the clients that have it cached.
        let approved = approved.filter(|approval| approval.terms.action != ApprovalAction::None);
        let approved = approved.map(|approval| approval.deployment_id);
        by_default.chain(approved).chain(policy.dead.keys().copied()).collect()
    }
}

fn records(published: &Published) -> Vec<(String, Option<Places>)> {
    let revisions = published.catalog.revisions();
    let shown = revisions.map(|(index, it)| {
        let numbers = (it.id, it.deployment_id, it.imported, it.changed, it.core_bytes);
        (format!("{numbers:?} {:?} {:?}", it.metadata, it.languages), published.places(index))
    });
    shown.collect()
}

fn scope(published: &Published) -> [Vec<u32>; 5] {
    let scope = &published.scope;
    let sets = [&scope.in_scope, &scope.software, &scope.drivers, &scope.members, &scope.tops];
    sets.map(|set| numbers(published, set.iter()))
}

/// Our numbers of revisions: their places change with a restart once some were deleted.
fn numbers(published: &Published, indices: impl Iterator<Item = u32>) -> Vec<u32> {
    indices.map(|index| published.catalog.revision(index).expect("a revision").id.0).collect()
}

fn relations(published: &Published) -> Vec<Relations> {
    let catalog = &published.catalog;
    let relations = |index| Relations {
        is_leaf: catalog.is_leaf(index),
        members: numbers(published, catalog.members(index).iter().copied()),
        parents: numbers(published, catalog.parents(index).iter().copied()),
        prerequisites: catalog
            .prerequisites(index)
            .filter_map(|it| catalog.update_id(it))
            .collect(),
    };
    catalog.revisions().map(|(index, _)| relations(index)).collect()
}

/// The deployments for computers in no group, in each, and in all of them.
fn views(published: &Published) -> BTreeMap<Vec<Uuid>, Vec<Option<Deployment>>> {
    let groups: Vec<Uuid> =
        published.policy.groups.keys().copied().filter(|id| *id != ALL_COMPUTERS).collect();
    let mut sets: BTreeSet<Vec<Uuid>> = groups.iter().map(|id| effective(&[*id])).collect();
    sets.extend([effective(&[]), effective(&groups)]);
    let deployments = |groups: &Vec<Uuid>| {
        let view = published.view(groups);
        let indices = published.catalog.revisions().map(|(index, _)| index);
        indices.map(|index| view.deployment(&published.catalog, &published.scope, index)).collect()
    };
    sets.into_iter().map(|set| (set.clone(), deployments(&set))).collect()
}

//! What administrators decided: target groups, approvals, declined updates.
//!
//! A decision is small and rare, its effect on 150,000 computers is large and asked for all the
//! time. So decisions are kept as they were made ([`Policy`]), and what they mean for the
//! computers of one set of groups is computed once per snapshot (a [`View`](view::View)).

pub mod approval;
pub mod by;
pub mod cause;
pub mod cron;
pub mod eula;
pub mod group_tree;
pub mod package;
pub mod placement;
pub mod rule;
pub mod target_group;
pub mod terms;
pub mod update_group;
pub mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::wire::types::UpdateIdentity;
use approval::{Approval, DeadDeployment, Declined};
use cause::Cause;
use eula::AcceptedEula;
use package::Package;
use placement::Placement;
use rule::Rule;
use target_group::TargetGroup;
use update_group::UpdateGroup;

/// Every decision in force. Immutable once published.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// All groups by id, the built-in ones included.
    pub groups: BTreeMap<Uuid, TargetGroup>,
    /// Approvals by update, at most one for each group.
    pub approvals: HashMap<Uuid, Vec<Approval>>,
    /// Declined updates.
    pub declined: HashMap<Uuid, Declined>,
    /// Updates that this server declined by itself and that somebody approved again, with the cause:
    /// they are not declined for that again.
    pub exempt: HashMap<Uuid, Cause>,
    /// Since when (unix seconds) updates are offered again that were declined. What computers reported
    /// before says nothing of them.
    pub reinstated: Arc<BTreeMap<Uuid, i64>>,
    /// Deployments that are no more, by number, which is the order in which they were made. Shared,
    /// as they only ever become more.
    pub dead: Arc<BTreeMap<u32, DeadDeployment>>,
    /// Licences that were accepted.
    pub eulas: Arc<BTreeMap<Uuid, AcceptedEula>>,
    /// Sets of updates that are deployed as one.
    pub update_groups: Arc<BTreeMap<Uuid, UpdateGroup>>,
    /// Rules that deploy updates by themselves.
    pub rules: Arc<BTreeMap<Uuid, Rule>>,
    /// Words by which administrators mark updates for rules.
    pub tags: Arc<BTreeMap<Uuid, BTreeSet<String>>>,
    /// Where computers go that register for the first time.
    pub placements: Arc<Vec<Placement>>,
    /// Sets of content for distribution points.
    pub packages: Arc<BTreeMap<Uuid, Package>>,
}

impl Policy {
    /// A policy in which nothing was decided: only the built-in groups exist.
    pub fn undecided() -> Self {
        let groups = TargetGroup::built_in().into_iter().map(|group| (group.id, group)).collect();
        Self { groups, ..Self::default() }
    }

    /// The group called `name`, compared without regard to case as WSUS does.
    pub fn group_by_name(&self, name: &str) -> Option<&TargetGroup> {
        let name = name.trim();
        self.groups.values().find(|group| group.name.eq_ignore_ascii_case(name))
    }

    /// The groups of a `;`-separated list as clients send it: those that exist and are not built
    /// in, ascending, each once.
    pub fn groups_named(&self, names: &str) -> Vec<Uuid> {
        let groups = names.split(';').filter_map(|name| self.group_by_name(name));
        let mut ids: Vec<Uuid> =
            groups.filter(|group| !group.is_built_in()).map(|group| group.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The approval of `update` for exactly `group`.
    pub fn approval(&self, update: Uuid, group: Uuid) -> Option<&Approval> {
        self.approvals.get(&update)?.iter().find(|approval| approval.group == group)
    }

    /// The update group called `name`, compared without regard to case.
    pub fn update_group(&self, name: &str) -> Option<&UpdateGroup> {
        let name = name.trim();
        self.update_groups.values().find(|group| group.name.eq_ignore_ascii_case(name))
    }

    /// The package called `name`, compared without regard to case.
    pub fn package(&self, name: &str) -> Option<&Package> {
        let name = name.trim();
        self.packages.values().find(|package| package.name.eq_ignore_ascii_case(name))
    }

    /// The rule called `name`, compared without regard to case.
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        let name = name.trim();
        self.rules.values().find(|rule| rule.name.eq_ignore_ascii_case(name))
    }

    /// How many of the decisions that replicas take over were made, or ended, after a commit.
    pub fn changed_after(&self, commit: u64) -> usize {
        let approvals = self.approvals.values().flatten().map(|approval| approval.changed);
        let declined = self.declined.values().map(|declined| declined.changed);
        let dead = self.dead.values().map(|dead| dead.changed);
        let eulas = self.eulas.values().map(|accepted| accepted.changed);
        let all = approvals.chain(declined).chain(dead).chain(eulas);
        all.filter(|changed| *changed > commit).count()
    }

    /// Since when (unix seconds) a revision is offered that came here then.
    pub fn offered_since(&self, identity: &UpdateIdentity, imported: i64) -> i64 {
        let reinstated = self.reinstated.get(&identity.update_id).copied();
        reinstated.map_or(imported, |reinstated| reinstated.max(imported))
    }

    /// Whether the update is declined.
    pub fn is_declined(&self, update: Uuid) -> bool {
        self.declined.contains_key(&update)
    }
}

//! The oracle: the same answers, written from the specification's words.
//!
//! Slow and plain on purpose. It works on ids and documents, knows no index, and shares nothing
//! with the evaluation it judges.

use std::collections::HashSet;

use uuid::Uuid;

use super::revision::NewRevision;
use crate::metadata::model::{PublicationState, UpdateMetadata, UpdateType};
use crate::wire::types::{RevisionId, UpdateIdentity};

/// All revisions, their ids and identities unique.
pub(super) struct Naive<'a>(pub(super) &'a [NewRevision]);

/// The counterpart of [`Scope`](super::Scope).
#[derive(Debug, PartialEq)]
pub(super) struct NaiveScope {
    pub(super) in_scope: HashSet<RevisionId>,
    pub(super) software: HashSet<RevisionId>,
    pub(super) drivers: HashSet<RevisionId>,
    pub(super) members: HashSet<RevisionId>,
    pub(super) tops: HashSet<RevisionId>,
}

/// The counterpart of [`Delta`](super::Delta).
#[derive(Debug, PartialEq)]
pub(super) struct NaiveDelta {
    pub(super) new: HashSet<RevisionId>,
    pub(super) kept: HashSet<RevisionId>,
    pub(super) out_of_scope: HashSet<RevisionId>,
    pub(super) deployed_out_of_scope: HashSet<RevisionId>,
}

fn named_in_prerequisites(revision: &NewRevision) -> HashSet<Uuid> {
    let mut named = HashSet::new();
    for clause in &revision.metadata.prerequisites {
        named.extend(&clause.alternatives);
    }
    named
}

fn bundled_by(revision: &NewRevision) -> HashSet<UpdateIdentity> {
    let mut bundled = HashSet::new();
    for clause in &revision.metadata.bundled {
        for identity in &clause.alternatives {
            if identity.update_id != update_id(revision) {
                bundled.insert(*identity);
            }
        }
    }
    bundled
}

fn update_id(revision: &NewRevision) -> Uuid {
    revision.metadata.identity.update_id
}

fn number(revision: &NewRevision) -> u32 {
    revision.metadata.identity.revision_number
}

fn only_evaluated(metadata: &UpdateMetadata) -> bool {
    metadata.update_type == UpdateType::Category || metadata.update_type == UpdateType::Detectoid
}

impl<'a> Naive<'a> {
    pub(super) fn with_id(&self, id: RevisionId) -> &'a NewRevision {
        self.0.iter().find(|revision| revision.id == id).expect("an id of this catalogue")
    }

    fn with_identity(&self, identity: UpdateIdentity) -> Option<&'a NewRevision> {
        self.0.iter().find(|revision| revision.metadata.identity == identity)
    }

    /// The revision of an update with the highest number.
    pub(super) fn latest(&self, update: Uuid) -> Option<&'a NewRevision> {
        let of_update = self.0.iter().filter(|revision| update_id(revision) == update);
        of_update.max_by_key(|revision| number(revision))
    }

    /// "There are no entries in the Prerequisite table that have this revision's UpdateID
    /// specified as a PrerequisiteUpdateID."
    pub(super) fn is_leaf(&self, revision: &NewRevision) -> bool {
        for other in self.0 {
            if named_in_prerequisites(other).contains(&update_id(revision)) {
                return false;
            }
        }
        true
    }

    fn is_member_only(&self, update: Uuid) -> bool {
        let mut bundled = false;
        for revision in self.0.iter().filter(|revision| update_id(revision) == update) {
            if revision.metadata.explicitly_deployable {
                return false;
            }
            bundled |=
                self.0.iter().any(|other| bundled_by(other).contains(&revision.metadata.identity));
        }
        bundled
    }

    fn is_in_scope_for_its_own_sake(
        &self,
        revision: &NewRevision,
        declined: &HashSet<Uuid>,
    ) -> bool {
        let update = update_id(revision);
        self.latest(update).is_some_and(|latest| latest.id == revision.id)
            && revision.metadata.publication_state == PublicationState::Published
            && (only_evaluated(&revision.metadata)
                || (!declined.contains(&update) && !self.is_member_only(update)))
    }

    /// See [`Catalog::scope`](super::Catalog::scope).
    pub(super) fn scope(&self, declined: &HashSet<Uuid>) -> NaiveScope {
        let tops = self.0.iter();
        let tops = tops.filter(|revision| self.is_in_scope_for_its_own_sake(revision, declined));
        let tops: HashSet<RevisionId> = tops.map(|revision| revision.id).collect();
        let mut reached = tops.clone();
        loop {
            let mut more = reached.clone();
            for &id in &reached {
                let revision = self.with_id(id);
                let bundled = bundled_by(revision).into_iter();
                more.extend(bundled.filter_map(|id| self.with_identity(id)).map(|r| r.id));
                let named = named_in_prerequisites(revision).into_iter();
                more.extend(named.filter_map(|update| self.latest(update)).map(|r| r.id));
            }
            if more == reached {
                break;
            }
            reached = more;
        }
        let mut in_scope = HashSet::new();
        for &id in &reached {
            let revision = self.with_id(id);
            let mut others = reached.iter().map(|&other| self.with_id(other));
            if !others.any(|r| update_id(r) == update_id(revision) && number(r) > number(revision))
            {
                in_scope.insert(id);
            }
        }
        let is_driver =
            |id: &RevisionId| self.with_id(*id).metadata.update_type == UpdateType::Driver;
        let is_member = |id: &RevisionId| {
            let identity = self.with_id(*id).metadata.identity;
            reached.iter().any(|&parent| bundled_by(self.with_id(parent)).contains(&identity))
        };
        NaiveScope {
            software: in_scope.iter().copied().filter(|id| !is_driver(id)).collect(),
            drivers: in_scope.iter().copied().filter(is_driver).collect(),
            members: in_scope.iter().copied().filter(is_member).collect(),
            tops,
            in_scope,
        }
    }

    /// The one revision of `update` in scope.
    fn in_scope_of(&self, update: Uuid, scope: &NaiveScope) -> Option<&'a NewRevision> {
        let mut in_scope = scope.in_scope.iter().map(|&id| self.with_id(id));
        in_scope.find(|revision| update_id(revision) == update)
    }

    /// See [`Catalog::related`](super::Catalog::related).
    pub(super) fn related(&self, scope: &NaiveScope, filter: &[Uuid]) -> HashSet<RevisionId> {
        let mut categories: HashSet<Uuid> = HashSet::new();
        for &update in filter {
            let revision = self.in_scope_of(update, scope);
            if revision.is_some_and(|r| r.metadata.update_type == UpdateType::Category) {
                categories.insert(update);
            }
        }
        let names_one_of = |revision: &NewRevision, categories: &HashSet<Uuid>| {
            !named_in_prerequisites(revision).is_disjoint(categories)
        };
        loop {
            let before = categories.len();
            for &id in &scope.in_scope {
                let revision = self.with_id(id);
                if revision.metadata.update_type == UpdateType::Category
                    && names_one_of(revision, &categories)
                {
                    categories.insert(update_id(revision));
                }
            }
            if categories.len() == before {
                break;
            }
        }
        let mut related: HashSet<RevisionId> = HashSet::new();
        for &id in &scope.in_scope {
            let revision = self.with_id(id);
            if categories.contains(&update_id(revision)) || names_one_of(revision, &categories) {
                related.insert(id);
            }
        }
        loop {
            let mut more = related.clone();
            for &id in &related {
                let revision = self.with_id(id);
                let mut needed = named_in_prerequisites(revision);
                let bundled = bundled_by(revision).into_iter();
                needed.extend(
                    bundled.filter(|&id| self.with_identity(id).is_some()).map(|id| id.update_id),
                );
                let needed =
                    needed.into_iter().filter_map(|update| self.in_scope_of(update, scope));
                more.extend(needed.map(|revision| revision.id));
            }
            if more == related {
                return related;
            }
            related = more;
        }
    }

    /// The update of the revision a client means by `id`.
    fn update_with_wire_id(&self, id: RevisionId) -> Option<Uuid> {
        self.0.iter().find(|revision| revision.id == id).map(update_id)
    }

    /// "Restrict the resulting set further to those revisions whose prerequisites are satisfied by
    /// the updates whose revision IDs are specified in InstalledNonLeafUpdateIDs", that is, "at
    /// least one update in each CNF disjunctive clause is installed".
    pub(super) fn needed(
        &self,
        scope: &NaiveScope,
        installed: &[RevisionId],
        related: Option<&HashSet<RevisionId>>,
    ) -> HashSet<RevisionId> {
        let installed: HashSet<Uuid> =
            installed.iter().filter_map(|&id| self.update_with_wire_id(id)).collect();
        let mut needed = HashSet::new();
        for &id in &scope.software {
            let mut satisfied = true;
            for clause in &self.with_id(id).metadata.prerequisites {
                satisfied &= clause.alternatives.iter().any(|update| installed.contains(update));
            }
            if satisfied && related.is_none_or(|related| related.contains(&id)) {
                needed.insert(id);
            }
        }
        needed
    }

    /// "Revisions in the NeededRevisions list that are not in the CachedRevisions list", and the
    /// other way round.
    pub(super) fn delta(
        &self,
        scope: &NaiveScope,
        needed: &HashSet<RevisionId>,
        cached: &[RevisionId],
        two_groups: bool,
    ) -> NaiveDelta {
        let is_cached = |id: &RevisionId| cached.contains(id);
        let unneeded = || cached.iter().copied().filter(|sent| !needed.contains(sent));
        let deployed = |sent: RevisionId| two_groups && scope.in_scope.contains(&sent);
        NaiveDelta {
            new: needed.iter().copied().filter(|id| !is_cached(id)).collect(),
            kept: needed.iter().copied().filter(is_cached).collect(),
            out_of_scope: unneeded().filter(|&sent| !deployed(sent)).collect(),
            deployed_out_of_scope: unneeded().filter(|&sent| deployed(sent)).collect(),
        }
    }
}

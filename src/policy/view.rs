//! What is deployed to the computers of one set of groups ([MS-WUSP] 3.1.1 Deployment Table).
//!
//! Nearly every revision is deployed by default, by what it is: only what an administrator decided
//! on is looked up. A fleet has few distinct sets of groups, so a view is built once per snapshot
//! and set, and shared by all their computers.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use uuid::Uuid;

use super::Policy;
use super::approval::{Approval, ApprovalAction};
use super::terms::DownloadPriority;
use crate::catalog::{Catalog, RevisionIndex, Scope};
use crate::metadata::model::UpdateType;
use crate::wire::wusp::types::DeploymentAction;

/// How one revision is deployed to one computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment {
    /// `Deployment/ID`.
    pub id: u32,
    /// What the client is to do.
    pub action: DeploymentAction,
    /// Unix seconds by which.
    pub deadline: Option<i64>,
    /// Seconds over which the deadlines of single computers are spread
    /// ([`spread_for`](super::terms::spread_for)).
    pub spread: u32,
    /// How urgently to fetch the files.
    pub download_priority: DownloadPriority,
    /// Unix seconds; its date is `LastChangeTime`.
    pub decided: i64,
    /// Commit sequence number since which it is as it is.
    pub changed: u64,
}

/// Tells since which commit all files of a revision and of what it bundles are here, or none while
/// some are not.
pub type ContentSince<'a> = &'a dyn Fn(RevisionIndex) -> Option<u64>;

/// The deployments of one set of groups over one snapshot.
#[derive(Debug)]
pub struct View {
    fingerprint: u64,
    decided: HashMap<RevisionIndex, Deployment>,
}

impl View {
    /// Resolves all decisions for computers in `groups` (see
    /// [`effective`](super::target_group::effective)).
    ///
    /// What is to be installed waits until its licences are accepted. With `content_since` it also
    /// waits until its files are here, or agents would fail on downloads that cannot be served.
    pub fn build(
        catalog: &Catalog,
        scope: &Scope,
        policy: &Policy,
        groups: &[Uuid],
        content_since: Option<ContentSince<'_>>,
    ) -> Self {
        let lineage = policy.lineage(groups);
        let mut decided = HashMap::new();
        for update in policy.approvals.keys() {
            let Some(resolved) = policy.resolve(*update, &lineage) else { continue };
            let Some(index) = catalog.update(update).and_then(|u| top_revision(catalog, scope, u))
            else {
                continue;
            };
            let Some(mut deployment) = by_default(catalog, scope, index) else { continue };
            deployment.changed = deployment.changed.max(resolved.changed);
            if let Some(approval) = resolved.approval {
                deployment.approve(&approval, lineage.utc_offset(), || {
                    let content = content_since.map_or(Some(0), |since| since(index))?;
                    Some(content.max(policy.eulas_since(catalog, index)?))
                });
            }
            decided.insert(index, deployment);
        }
        // A server that no longer waits for content tells every computer anew, as if it had moved
        // to another group.
        let waits = u64::from(content_since.is_some());
        Self { fingerprint: lineage.fingerprint() ^ waits, decided }
    }

    /// Tells apart the views of different sets of groups, of groups in different places of the tree,
    /// and those that wait for content from those that do not, across restarts.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// What is to be installed or offered for installation.
    pub fn approved(&self) -> RoaringBitmap {
        let installs = |action| {
            matches!(action, DeploymentAction::Install | DeploymentAction::OptionalInstall)
        };
        let decided = self.decided.iter();
        decided.filter(|(_, it)| installs(it.action)).map(|(index, _)| *index).collect()
    }

    /// How the revision is deployed, or none when it is not in scope.
    pub fn deployment(
        &self,
        catalog: &Catalog,
        scope: &Scope,
        index: RevisionIndex,
    ) -> Option<Deployment> {
        match self.decided.get(&index) {
            Some(deployment) => Some(*deployment),
            None => by_default(catalog, scope, index),
        }
    }
}

impl Deployment {
    /// Makes it what was decided, or leaves it as it is by default while that waits for its files or
    /// licences.
    fn approve(
        &mut self,
        approval: &Approval,
        utc_offset: i16,
        ready_since: impl Fn() -> Option<u64>,
    ) {
        self.id = approval.deployment_id;
        self.decided = approval.decided;
        let terms = &approval.terms;
        let (action, since) = match terms.action {
            ApprovalAction::Install => (DeploymentAction::Install, ready_since()),
            ApprovalAction::Optional => (DeploymentAction::OptionalInstall, ready_since()),
            ApprovalAction::Uninstall => (DeploymentAction::Uninstall, Some(0)),
            ApprovalAction::Block | ApprovalAction::NotApproved | ApprovalAction::None => return,
        };
        if let Some(since) = since {
            self.action = action;
            self.deadline = terms.deadline.map(|deadline| deadline.instant(utc_offset));
            self.spread = terms.deadline.map_or(0, |deadline| deadline.spread);
            self.download_priority = terms.download_priority;
            self.changed = self.changed.max(since);
        }
    }
}

/// The revision that an approval of an update means: the one offered for its own sake. A bundle
/// member cannot be approved; it comes with its bundle.
fn top_revision(catalog: &Catalog, scope: &Scope, update: u32) -> Option<RevisionIndex> {
    let offered = |index: &RevisionIndex| scope.tops.contains(*index);
    catalog.history(update).iter().rev().copied().find(offered)
}

/// The deployment of a revision that nobody decided on.
///
/// Software that is not approved is delivered as PreDeploymentCheck, as WSUS does: clients report
/// its state but do not offer it. What is only there because something else depends on it is
/// Evaluate ([MS-WUSP] 3.1.5.7, Deployment).
fn by_default(catalog: &Catalog, scope: &Scope, index: RevisionIndex) -> Option<Deployment> {
    let revision = catalog.revision(index).filter(|_| scope.in_scope.contains(index))?;
    let action = match revision.metadata.update_type {
        UpdateType::Category | UpdateType::Detectoid => DeploymentAction::Evaluate,
        UpdateType::Software | UpdateType::Driver if scope.members.contains(index) => {
            DeploymentAction::Bundle
        }
        UpdateType::Software | UpdateType::Driver if scope.tops.contains(index) => {
            DeploymentAction::PreDeploymentCheck
        }
        UpdateType::Software | UpdateType::Driver => DeploymentAction::Evaluate,
    };
    Some(Deployment {
        id: revision.deployment_id,
        action,
        deadline: None,
        spread: 0,
        download_priority: DownloadPriority::default(),
        decided: revision.imported,
        changed: revision.changed,
    })
}

#[cfg(test)]
mod tests;

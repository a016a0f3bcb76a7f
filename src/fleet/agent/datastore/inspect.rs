//! What can be said of a store only when a whole scan is over: which revisions go together.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Cached, Datastore};
use crate::fleet::agent::answers::Action;
use crate::fleet::referee::{Complaint, Rule};
use crate::metadata::model::UpdateType;

impl Datastore {
    /// What is wrong with the store as a whole, after a whole scan.
    pub(in crate::fleet::agent) fn inspect(&self, mut complain: impl FnMut(Complaint)) {
        let mut has_parent = HashSet::new();
        for cached in self.revisions.values() {
            has_parent.extend(cached.core.bundled.iter().flatten().copied());
            for update in cached.core.prerequisites.iter().flatten() {
                if let Some((_, target)) = self.update(update)
                    && target.is_leaf
                {
                    let what = format!(
                        "{} is said to be a leaf, and {} depends on it",
                        target.core.identity, cached.core.identity
                    );
                    complain(Complaint::new(Rule::IsLeaf, what));
                }
            }
        }
        for cached in self.revisions.values() {
            let (identity, action) = (cached.core.identity, cached.deployment.action);
            let is_member = has_parent.contains(&identity);
            if !cached.may_be_deployed_so(is_member) {
                let member = if is_member { ", member of a bundle" } else { "" };
                let kind = cached.core.update_type;
                let what = format!("{identity} ({kind:?}{member}) is deployed as {action:?}");
                complain(Complaint::new(Rule::Action, what));
            }
            if action == Action::Bundle && !is_member {
                let what = format!("{identity} is deployed as Bundle, and nothing bundles it");
                complain(Complaint::new(Rule::BundleWithoutParent, what));
            }
            if action == Action::Bundle && !cached.is_leaf && !self.is_needed(&identity.update_id) {
                let what = format!("{identity} is said to be no leaf, and nothing depends on it");
                complain(Complaint::new(Rule::IsLeaf, what));
            }
        }
    }

    /// Whether a cached revision has the update among its prerequisites.
    fn is_needed(&self, update: &Uuid) -> bool {
        let mut needed = self.revisions.values().flat_map(|cached| &cached.core.prerequisites);
        needed.any(|clause| clause.contains(update))
    }
}

impl Cached {
    /// Whether a real server deploys such a revision in this way. A member of a bundle that can be
    /// deployed for its own sake may be approved for itself, too.
    fn may_be_deployed_so(&self, is_member: bool) -> bool {
        let action = self.deployment.action;
        match self.core.update_type {
            UpdateType::Category | UpdateType::Detectoid => action == Action::Evaluate,
            UpdateType::Software if is_member => match action {
                Action::Bundle => true,
                Action::Install | Action::OptionalInstall | Action::Uninstall => {
                    self.core.explicitly_deployable
                }
                Action::PreDeploymentCheck | Action::Block | Action::Evaluate => false,
            },
            UpdateType::Software | UpdateType::Driver => true,
        }
    }
}

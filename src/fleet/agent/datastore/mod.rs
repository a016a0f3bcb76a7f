//! What an agent keeps of the updates that it was sent, and how each stands on the machine.
//!
//! A revision is kept by the server's number for it. Its rules are evaluated when it arrives and
//! again when the machine has changed; what its prerequisites and members make of that is worked
//! out from all revisions together, since they arrive in any order.

mod inspect;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use super::answers::{Action, Deployment, Refreshed, SyncInfo, UpdateInfo};
use crate::fleet::applicability::Core;
use crate::fleet::profile::Profile;
use crate::fleet::referee::{Complaint, Rule};
use crate::metadata::model::UpdateType;
use crate::wire::types::UpdateIdentity;
use settle::by_rules;

/// How an update stands on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fleet::agent) enum Standing {
    /// It has nothing to do with it.
    NotApplicable,
    /// A fact is missing that decides it.
    Unknown,
    /// It can be installed.
    Installable,
    /// It is installed.
    Installed,
}

/// A revision.
#[derive(Debug)]
pub(in crate::fleet::agent) struct Cached {
    /// Its Core fragment.
    pub(in crate::fleet::agent) core: Arc<Core>,
    /// How it is deployed.
    pub(in crate::fleet::agent) deployment: Deployment,
    /// Whether nothing depends on it.
    pub(in crate::fleet::agent) is_leaf: bool,
    /// How it stands.
    pub(in crate::fleet::agent) standing: Standing,
    /// What its own rules say.
    by_rules: Standing,
}

/// What a page is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fleet::agent) enum Half {
    /// Software, categories and detectoids.
    Software,
    /// Drivers.
    Drivers,
}

/// All revisions that an agent has.
#[derive(Debug, Default)]
pub(in crate::fleet::agent) struct Datastore {
    revisions: BTreeMap<u32, Cached>,
    by_update: HashMap<Uuid, u32>,
}

/// What a page changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::fleet::agent) struct Merged {
    /// Revisions that came.
    pub(in crate::fleet::agent) new: usize,
    /// Of these, those that others depend on.
    pub(in crate::fleet::agent) non_leaf: usize,
}

impl Cached {
    fn is_driver(&self) -> bool {
        self.core.update_type == UpdateType::Driver
    }

    fn is_listed_as_installed(&self) -> bool {
        self.standing == Standing::Installed && !self.is_leaf && !self.is_driver()
    }

    /// Whether it is reported on: neither a category nor there for something else.
    pub(in crate::fleet::agent) fn is_reported(&self) -> bool {
        !matches!(self.deployment.action, Action::Evaluate | Action::Bundle | Action::Block)
            && matches!(self.core.update_type, UpdateType::Software | UpdateType::Driver)
    }

    /// Whether it is to be installed, as soon as it can be.
    pub(in crate::fleet::agent) fn is_wanted(&self) -> bool {
        self.deployment.action == Action::Install && self.standing == Standing::Installable
    }
}

impl Datastore {
    /// All revisions by number.
    pub(in crate::fleet::agent) fn iter(&self) -> impl Iterator<Item = (u32, &Cached)> {
        self.revisions.iter().map(|(id, cached)| (*id, cached))
    }

    /// How many revisions there are.
    pub(in crate::fleet::agent) fn len(&self) -> usize {
        self.revisions.len()
    }

    /// Whether there is none.
    pub(in crate::fleet::agent) fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }

    /// A revision by its number.
    pub(in crate::fleet::agent) fn get(&self, id: u32) -> Option<&Cached> {
        self.revisions.get(&id)
    }

    /// The cached revision of an update, with its number.
    pub(in crate::fleet::agent) fn update(&self, update: &Uuid) -> Option<(u32, &Cached)> {
        let id = *self.by_update.get(update)?;
        Some((id, self.revisions.get(&id)?))
    }

    /// The cached revision, with its number.
    pub(in crate::fleet::agent) fn revision(
        &self,
        revision: &UpdateIdentity,
    ) -> Option<(u32, &Cached)> {
        self.update(&revision.update_id).filter(|(_, cached)| cached.core.identity == *revision)
    }

    /// The numbers of those of `revisions` that are cached, ascending.
    pub(in crate::fleet::agent) fn numbers_of(&self, revisions: &[UpdateIdentity]) -> Vec<u32> {
        let known = revisions.iter().filter_map(|revision| self.revision(revision));
        let mut numbers: Vec<u32> = known.map(|(id, _)| id).collect();
        numbers.sort_unstable();
        numbers
    }

    /// `InstalledNonLeafUpdateIDs`.
    pub(in crate::fleet::agent) fn installed_non_leaf(&self) -> Vec<u32> {
        self.numbers(Cached::is_listed_as_installed)
    }

    /// `OtherCachedUpdateIDs`.
    pub(in crate::fleet::agent) fn other_cached(&self) -> Vec<u32> {
        self.numbers(|cached| !cached.is_listed_as_installed() && !cached.is_driver())
    }

    /// `CachedDriverIDs`.
    pub(in crate::fleet::agent) fn cached_drivers(&self) -> Vec<u32> {
        self.numbers(Cached::is_driver)
    }

    fn numbers(&self, wanted: impl Fn(&Cached) -> bool) -> Vec<u32> {
        self.iter().filter(|(_, cached)| wanted(cached)).map(|(id, _)| id).collect()
    }

    /// Takes a page in: first what goes, then what is new, then what changed. What the page should
    /// not have is told to `complain`.
    pub(in crate::fleet::agent) fn merge(
        &mut self,
        page: &SyncInfo,
        half: Half,
        machine: &Profile,
        mut complain: impl FnMut(Complaint),
    ) -> Merged {
        for id in &page.out_of_scope {
            if !self.remove(*id) {
                complain(unknown("OutOfScopeRevisionIDs", *id));
            }
        }
        for id in &page.deployed_out_of_scope {
            if !self.revisions.contains_key(id) {
                complain(unknown("DeployedOutOfScopeRevisionIds", *id));
            }
        }
        // What the page is judged by is what the request said.
        let late = page.new.iter().filter_map(|info| self.late(info));
        late.for_each(&mut complain);
        page.new.iter().filter_map(|info| misplaced(info, half)).for_each(&mut complain);
        let mut merged = Merged::default();
        for info in &page.new {
            match self.insert(info, machine) {
                Ok(()) => {
                    merged.new += 1;
                    merged.non_leaf += usize::from(!info.is_leaf);
                }
                Err(complaint) => complain(complaint),
            }
        }
        for info in &page.changed {
            match self.revisions.get_mut(&info.id) {
                Some(cached) => {
                    cached.deployment = info.deployment;
                    cached.is_leaf = info.is_leaf;
                }
                None => complain(unknown("ChangedUpdates", info.id)),
            }
        }
        merged
    }

    /// Whether a new revision depends on what the request did not list as installed.
    fn late(&self, info: &UpdateInfo) -> Option<Complaint> {
        let core = info.core.as_ref()?;
        let is_listed = |update: &Uuid| {
            self.update(update).is_some_and(|(_, cached)| cached.is_listed_as_installed())
        };
        let unmet = core.prerequisites.iter().find(|clause| !clause.iter().any(is_listed))?;
        let alternatives: Vec<String> = unmet.iter().take(3).map(Uuid::to_string).collect();
        let what = format!("{} needs {}", core.identity, alternatives.join(" or "));
        Some(Complaint::new(Rule::PrerequisiteLate, what))
    }

    fn insert(&mut self, info: &UpdateInfo, machine: &Profile) -> Result<(), Complaint> {
        let Some(core) = &info.core else { return Ok(()) };
        let identity = core.identity;
        if self.revisions.contains_key(&info.id) {
            return Err(Complaint::new(Rule::UpdateTwice, format!("{identity} again")));
        }
        if let Some((_, other)) = self.update(&identity.update_id) {
            let what = format!("{identity} beside {}", other.core.identity);
            return Err(Complaint::new(Rule::TwoRevisions, what));
        }
        let by_rules = by_rules(core, machine);
        let cached = Cached {
            core: Arc::clone(core),
            deployment: info.deployment,
            is_leaf: info.is_leaf,
            standing: by_rules,
            by_rules,
        };
        self.by_update.insert(identity.update_id, info.id);
        self.revisions.insert(info.id, cached);
        Ok(())
    }

    /// Forgets a revision. Says whether it was there.
    pub(in crate::fleet::agent) fn remove(&mut self, id: u32) -> bool {
        let Some(cached) = self.revisions.remove(&id) else { return false };
        let update = cached.core.identity.update_id;
        if self.by_update.get(&update) == Some(&id) {
            self.by_update.remove(&update);
        }
        true
    }

    /// Renumbers the store after RefreshCache. What the server has no row for is forgotten.
    pub(in crate::fleet::agent) fn refresh(
        &mut self,
        rows: &[Refreshed],
        mut complain: impl FnMut(Complaint),
    ) {
        let mut old = std::mem::take(&mut self.revisions);
        let by_update = std::mem::take(&mut self.by_update);
        for Refreshed { identity, info } in rows {
            let known = by_update.get(&identity.update_id).and_then(|id| old.remove(id));
            match known.filter(|cached| cached.core.identity == *identity) {
                Some(cached) => {
                    let (deployment, is_leaf) = (info.deployment, info.is_leaf);
                    self.by_update.insert(identity.update_id, info.id);
                    self.revisions.insert(info.id, Cached { deployment, is_leaf, ..cached });
                }
                None => {
                    let what = format!("RefreshCache has {identity}, which was not asked for");
                    complain(Complaint::new(Rule::UnknownRevision, what));
                }
            }
        }
    }

    /// Evaluates all rules again: the machine has changed.
    pub(in crate::fleet::agent) fn evaluate(&mut self, machine: &Profile) {
        for cached in self.revisions.values_mut() {
            cached.by_rules = by_rules(&cached.core, machine);
        }
        self.settle();
    }
}

/// Whether a new revision is in a page of the other half of a scan.
fn misplaced(info: &UpdateInfo, half: Half) -> Option<Complaint> {
    let core = info.core.as_ref()?;
    let is_driver = core.update_type == UpdateType::Driver;
    let what = match (half, is_driver) {
        (Half::Software, true) => "a driver, comes in a software pass",
        (Half::Drivers, false) => "no driver, comes in a driver pass",
        _ => return None,
    };
    Some(Complaint::new(Rule::Pass, format!("{}, {what}", core.identity)))
}

fn unknown(list: &str, id: u32) -> Complaint {
    let what = format!("{list} has {id}, which is not cached");
    Complaint::new(Rule::UnknownRevision, what)
}

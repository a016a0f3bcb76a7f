//! How revisions stand: by their own rules, and by what they depend on.
//!
//! A standing is three-valued, as rules are: what hangs on an update of which nobody knows whether
//! it is installed is not known either, unless something else rules it out.

use std::collections::HashMap;

use super::{Cached, Datastore, Standing};
use crate::fleet::applicability::{Core, Truth};
use crate::fleet::profile::Profile;
use crate::metadata::model::UpdateType;

/// Deepest chain of prerequisites and bundles that is followed; real ones have about ten links.
const DEPTH: usize = 64;

impl Datastore {
    /// Works out how every revision stands, from its own rules and those of what it depends on.
    pub(in crate::fleet::agent) fn settle(&mut self) {
        let mut settled = HashMap::with_capacity(self.revisions.len());
        let ids: Vec<u32> = self.revisions.keys().copied().collect();
        for id in &ids {
            self.settle_one(*id, &mut settled, 0);
        }
        for (id, cached) in &mut self.revisions {
            cached.standing = settled.get(id).copied().unwrap_or(Standing::NotApplicable);
        }
    }

    fn settle_one(&self, id: u32, settled: &mut HashMap<u32, Standing>, depth: usize) -> Standing {
        if let Some(standing) = settled.get(&id) {
            return *standing;
        }
        let Some(cached) = self.revisions.get(&id) else { return Standing::NotApplicable };
        // Where a circle comes back to, or the chain is too long to be real, nothing is installed.
        settled.insert(id, Standing::NotApplicable);
        if depth >= DEPTH {
            return Standing::NotApplicable;
        }
        let mut standing = |id: Option<u32>| {
            id.map_or(Standing::NotApplicable, |id| self.settle_one(id, settled, depth + 1))
        };
        let clauses = cached.core.prerequisites.iter().map(|clause| {
            let ids = clause.iter().map(|update| self.by_update.get(update).copied());
            Truth::any(ids.map(|id| is_installed(standing(id))))
        });
        let found = match Truth::all(clauses) {
            Truth::True => self.apart(cached, standing),
            Truth::False => Standing::NotApplicable,
            Truth::Unknown => match self.apart(cached, standing) {
                Standing::NotApplicable => Standing::NotApplicable,
                _ => Standing::Unknown,
            },
        };
        settled.insert(id, found);
        found
    }

    /// How a revision stands apart from what it needs.
    fn apart(&self, cached: &Cached, standing: impl FnMut(Option<u32>) -> Standing) -> Standing {
        if cached.core.bundled.is_empty() || cached.by_rules == Standing::NotApplicable {
            return cached.by_rules;
        }
        self.by_members(&cached.core, standing)
    }

    /// A bundle is installed when every clause has an installed member, and installable when every
    /// other clause has one that can be.
    fn by_members(
        &self,
        core: &Core,
        mut standing: impl FnMut(Option<u32>) -> Standing,
    ) -> Standing {
        let mut whole = Standing::Installed;
        for clause in &core.bundled {
            let members = clause.iter().map(|member| Some(self.revision(member)?.0));
            let best = members.map(&mut standing).max_by_key(|standing| match standing {
                Standing::NotApplicable => 0,
                Standing::Unknown => 1,
                Standing::Installable => 2,
                Standing::Installed => 3,
            });
            match best.unwrap_or(Standing::NotApplicable) {
                Standing::Installed => {}
                Standing::Installable if whole != Standing::Unknown => {
                    whole = Standing::Installable;
                }
                Standing::Installable => {}
                Standing::Unknown => whole = Standing::Unknown,
                Standing::NotApplicable => return Standing::NotApplicable,
            }
        }
        whole
    }
}

/// Whether what stands so is installed.
fn is_installed(standing: Standing) -> Truth {
    match standing {
        Standing::Installed => Truth::True,
        Standing::Unknown => Truth::Unknown,
        Standing::NotApplicable | Standing::Installable => Truth::False,
    }
}

/// What a revision's own rules say. Of a bundle this is only whether it can be at all.
pub(super) fn by_rules(core: &Core, machine: &Profile) -> Standing {
    let installable = core.is_installable(machine);
    // The rules of a driver speak of any of the machine's devices: it may be in use by one, worse
    // than what another has, and still be wanted by a third.
    if core.update_type == UpdateType::Driver && installable.is_true() {
        return Standing::Installable;
    }
    let installed = core.is_installed(machine);
    if installed.is_true() {
        return Standing::Installed;
    }
    if core.is_superseded(machine).is_true() {
        return Standing::NotApplicable;
    }
    match (installed, installable) {
        (_, Truth::False) => Standing::NotApplicable,
        (Truth::False, Truth::True) => Standing::Installable,
        _ => Standing::Unknown,
    }
}

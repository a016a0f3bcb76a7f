//! The machine an agent runs on: its profile, and what waits for a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::devices;
use crate::fleet::applicability::{CannotInstall, Core};
use crate::fleet::profile::Profile;

/// A machine.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its facts.
    pub(super) profile: Profile,
    /// `SystemSpec`, which only an installed driver changes.
    pub(super) system_spec: String,
    /// Updates that were installed and wait for a restart, with what they change.
    pending: BTreeMap<Uuid, Vec<Arc<Core>>>,
}

impl Machine {
    /// A machine as a profile describes it.
    pub(super) fn new(profile: Profile) -> Self {
        let system_spec = devices::of(&profile);
        Self { profile, system_spec, pending: BTreeMap::new() }
    }

    /// Whether the update waits for a restart.
    pub(super) fn is_pending(&self, update: &Uuid) -> bool {
        self.pending.contains_key(update)
    }

    /// Installs the `parts` of an update. If it needs a restart, they show only after that.
    ///
    /// # Errors
    /// [`CannotInstall`]; the machine is as it was.
    pub(super) fn install(
        &mut self,
        update: Uuid,
        parts: Vec<Arc<Core>>,
        needs_restart: bool,
    ) -> Result<(), CannotInstall> {
        let mut changed = self.profile.clone();
        parts.iter().try_for_each(|part| part.install(&mut changed))?;
        if needs_restart {
            self.pending.insert(update, parts);
        } else {
            self.take(changed);
        }
        Ok(())
    }

    /// Restarts the machine: what waited for it takes effect. Says whether anything did.
    ///
    /// # Errors
    /// [`CannotInstall`] when an update's parts, each of which could be installed alone, contradict
    /// those of another.
    pub(super) fn restart(&mut self) -> Result<bool, CannotInstall> {
        let pending = std::mem::take(&mut self.pending);
        let mut changed = self.profile.clone();
        pending.values().flatten().try_for_each(|part| part.install(&mut changed))?;
        self.take(changed);
        Ok(!pending.is_empty())
    }

    fn take(&mut self, changed: Profile) {
        if changed.devices != self.profile.devices {
            self.system_spec = devices::of(&changed);
        }
        self.profile = changed;
    }
}

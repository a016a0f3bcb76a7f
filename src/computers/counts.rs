//! How often each state occurs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Compliance, UpdateInstallationState};

/// How many computers, or pairs of computer and update, are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Nobody knows.
    pub unknown: u64,
    /// Not applicable.
    pub not_applicable: u64,
    /// Needed.
    pub not_installed: u64,
    /// Needed, and the files are there.
    pub downloaded: u64,
    /// There.
    pub installed: u64,
    /// Needed; the last attempt failed.
    pub failed: u64,
    /// Installed, and not in effect before a restart.
    pub installed_pending_reboot: u64,
}

impl Counts {
    /// How many are in a state.
    pub fn of(&self, state: UpdateInstallationState) -> u64 {
        match state {
            UpdateInstallationState::Unknown => self.unknown,
            UpdateInstallationState::NotApplicable => self.not_applicable,
            UpdateInstallationState::NotInstalled => self.not_installed,
            UpdateInstallationState::Downloaded => self.downloaded,
            UpdateInstallationState::Installed => self.installed,
            UpdateInstallationState::Failed => self.failed,
            UpdateInstallationState::InstalledPendingReboot => self.installed_pending_reboot,
        }
    }

    /// Adds so many in a state.
    pub fn add(&mut self, state: UpdateInstallationState, more: u64) {
        let count = match state {
            UpdateInstallationState::Unknown => &mut self.unknown,
            UpdateInstallationState::NotApplicable => &mut self.not_applicable,
            UpdateInstallationState::NotInstalled => &mut self.not_installed,
            UpdateInstallationState::Downloaded => &mut self.downloaded,
            UpdateInstallationState::Installed => &mut self.installed,
            UpdateInstallationState::Failed => &mut self.failed,
            UpdateInstallationState::InstalledPendingReboot => &mut self.installed_pending_reboot,
        };
        *count += more;
    }

    /// Adds those of others.
    pub fn add_all(&mut self, others: &Self) {
        for state in UpdateInstallationState::ALL {
            self.add(state, others.of(state));
        }
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        UpdateInstallationState::ALL.into_iter().map(|state| self.of(state)).sum()
    }

    /// What WSUS calls needed: to be installed, downloaded, or waiting for a restart, but not failed.
    pub fn needed(&self) -> u64 {
        self.not_installed + self.downloaded + self.installed_pending_reboot
    }

    /// How many are in a state of compliance.
    pub fn compliance(&self, compliance: Compliance) -> u64 {
        let states = UpdateInstallationState::ALL.into_iter();
        states.filter(|state| state.compliance() == compliance).map(|state| self.of(state)).sum()
    }

    /// What WSUS calls installed or not applicable, in percent; none of nothing.
    pub fn percent_done(&self) -> Option<f64> {
        let (done, total) = (self.installed + self.not_applicable, self.total());
        (total > 0).then(|| done as f64 * 100.0 / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_counted_in_its_place() {
        let mut counts = Counts::default();
        for (number, state) in (1..).zip(UpdateInstallationState::ALL) {
            counts.add(state, number);
        }
        let numbers = UpdateInstallationState::ALL.map(|state| counts.of(state));
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((counts.total(), counts.needed()), (28, 3 + 4 + 7));
        let compliance = [
            Compliance::Unknown,
            Compliance::NotRequired,
            Compliance::Required,
            Compliance::Installed,
        ];
        assert_eq!(compliance.map(|it| counts.compliance(it)), [1, 2, 3 + 4 + 6 + 7, 5]);
        assert_eq!(counts.percent_done(), Some(25.0));
        let mut twice = counts;
        twice.add_all(&counts);
        assert_eq!(twice.total(), 56);
        assert_eq!(Counts::default().percent_done(), None);
    }
}

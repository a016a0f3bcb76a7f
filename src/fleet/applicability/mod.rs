//! What a Core fragment means on a machine.
//!
//! The server evaluates no rules; agents do. This is an agent's half, over a [`Profile`] instead of
//! a Windows: it reads a fragment as SyncUpdates delivers it and says whether the update is
//! installed and whether it can be. Rules are those of the specification's schemas that occur in
//! real catalogues, in the meaning that a real agent was seen to give them.
//!
//! What a profile does not know stays unknown ([`Truth`]), and so does a rule of a kind that is not
//! known here; [`Core::unknown_rules`] names those. Nothing in a fragment can make reading or
//! evaluating it fail otherwise than with an error: nesting and size are bounded by the XML reader.

mod attributes;
mod comparison;
mod driver;
mod error;
mod file;
mod package;
mod patch;
mod product;
mod reach;
mod read;
mod registry;
mod release;
mod rule;
mod system;
#[cfg(test)]
mod tests;
mod truth;
mod wmi;
mod wql;

use uuid::Uuid;

use crate::fleet::profile::Profile;
use crate::metadata::model::{DriverEntry, UpdateType};
use crate::wire::types::UpdateIdentity;

pub use driver::as_scanned;
pub use error::{CannotInstall, CoreError};
pub use truth::Truth;

use package::Package;
use patch::Patch;
use rule::Rule;

/// A Core fragment, read. It changes never, so that all agents that were sent it can share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// Which revision it is.
    pub identity: UpdateIdentity,
    /// What kind of update.
    pub update_type: UpdateType,
    /// Whether the update is offered by itself, not only as part of a bundle.
    pub explicitly_deployable: bool,
    /// Of every clause one update has to be installed, in whatever revision.
    pub prerequisites: Vec<Vec<Uuid>>,
    /// Of every clause one revision has to be installed for the bundle to be.
    pub bundled: Vec<Vec<UpdateIdentity>>,
    /// Updates that it replaces.
    pub superseded: Vec<Uuid>,
    /// `EulaID`: the licence that has to be accepted.
    pub eula: Option<String>,
    rules: Rules,
}

/// `ApplicabilityRules`. A section has one rule, which more than one would be taken for an `And` of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Rules {
    installed: Option<Rule>,
    superseded: Option<Rule>,
    installable: Option<Rule>,
    metadata: Metadata,
}

/// What rules without attributes ask after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Metadata {
    package: Option<Package>,
    application: Option<Uuid>,
    patch: Option<Box<Patch>>,
    drivers: Vec<DriverEntry>,
}

/// What a rule is evaluated with.
#[derive(Debug, Clone, Copy)]
struct Question<'q> {
    machine: &'q Profile,
    metadata: &'q Metadata,
    /// The key that a `RegKeyLoop` is at.
    loop_target: Option<&'q str>,
}

/// For rules that no metadata says anything about.
static NO_METADATA: Metadata =
    Metadata { package: None, application: None, patch: None, drivers: Vec::new() };

impl<'q> Question<'q> {
    /// One about the machine alone.
    fn about(machine: &'q Profile) -> Self {
        Self { machine, metadata: &NO_METADATA, loop_target: None }
    }
}

impl Core {
    /// Reads a fragment: `UpdateIdentity`, `Properties`, `Relationships` and `ApplicabilityRules`,
    /// one after the other, as [`fragments::derive`](crate::metadata::fragments::derive) and other
    /// servers make them.
    ///
    /// # Errors
    /// [`CoreError`]: not well-formed, without identity or properties, or with a relation that
    /// cannot be read. A rule that cannot be read is no error but [unknown](Self::unknown_rules).
    pub fn read(fragment: &str) -> Result<Self, CoreError> {
        read::core(fragment)
    }

    /// Whether the update is on the machine, by its own rules: false without `IsInstalled`. What
    /// its prerequisites or, of a bundle, its members say is for the caller to ask.
    pub fn is_installed(&self, machine: &Profile) -> Truth {
        self.evaluate(self.rules.installed.as_ref(), machine, Truth::False)
    }

    /// Whether the update can be put on the machine, by its own rules. Without `IsInstallable` it
    /// cannot, except that a bundle is then left to its members.
    pub fn is_installable(&self, machine: &Profile) -> Truth {
        let otherwise = Truth::from(!self.bundled.is_empty());
        self.evaluate(self.rules.installable.as_ref(), machine, otherwise)
    }

    /// Whether something else on the machine has taken its place: only Windows Installer updates
    /// and drivers have such a rule, and without it the answer is no.
    pub fn is_superseded(&self, machine: &Profile) -> Truth {
        self.evaluate(self.rules.superseded.as_ref(), machine, Truth::False)
    }

    /// Changes the machine so that [`is_installed`](Self::is_installed) becomes true, as an
    /// installation would: what is there is brought up to date, and only what nothing there can
    /// stand for is added.
    ///
    /// # Errors
    /// [`CannotInstall`] names a rule that cannot be made true; the machine is as it was.
    pub fn install(&self, machine: &mut Profile) -> Result<(), CannotInstall> {
        let Some(rule) = &self.rules.installed else {
            return Err(CannotInstall::NoRule(self.identity));
        };
        let mut changed = machine.clone();
        rule.establish(true, &self.rules.metadata, &mut changed);
        if !self.is_installed(&changed).is_true() {
            let obstacle = rule.obstacle(true, self.question(&changed));
            let rule = format!("{:?}", obstacle.unwrap_or(rule));
            return Err(CannotInstall::Rule { identity: self.identity, rule: cut(rule) });
        }
        *machine = changed;
        Ok(())
    }

    /// Rules whose kind is not known here, or whose attributes do not fit it, as
    /// `b.NameOfRule` or `b.NameOfRule/@Attribute`; each as often as it occurs.
    pub fn unknown_rules(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let Rules { installed, superseded, installable, .. } = &self.rules;
        for rule in [installed, superseded, installable].into_iter().flatten() {
            rule.unknown(&mut names);
        }
        names
    }

    fn evaluate(&self, rule: Option<&Rule>, machine: &Profile, otherwise: Truth) -> Truth {
        rule.map_or(otherwise, |rule| rule.holds(self.question(machine)))
    }

    fn question<'q>(&'q self, machine: &'q Profile) -> Question<'q> {
        Question { metadata: &self.rules.metadata, ..Question::about(machine) }
    }
}

/// The beginning of a rule, for an error.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(200) {
        text.truncate(end);
    }
    text
}

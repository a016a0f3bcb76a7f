//! Releases and attributes of the device: what updates of the unified platform ask for.

use super::Truth;
use super::attributes::{Attributes, Unfit};
use super::comparison::{Comparison, TextComparison};
use super::reach::Reach;
use crate::fleet::profile::{Profile, Version};

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReleaseRule {
    /// `ProductReleaseInstalled`, which is true of later versions, too, and `ProductReleaseVersion`.
    Release { name: Box<str>, comparison: Comparison, version: Version },
    /// `DeviceAttribute`.
    Attribute { name: Box<str>, test: Test },
}

/// How an attribute is compared: as its `Type` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Version(Comparison, Version),
    Number(Comparison, i64),
    Ordered(Comparison, Box<str>),
    Text(TextComparison, Box<str>),
}

impl ReleaseRule {
    /// Reads the rule called `name`; none if it is no rule of this kind.
    pub(super) fn read(name: &str, from: &Attributes<'_>) -> Option<Result<Self, Unfit>> {
        Some(match name {
            "ProductReleaseInstalled" => {
                Self::read_release(from, Ok(Comparison::GreaterThanOrEqualTo))
            }
            "ProductReleaseVersion" => Self::read_release(from, from.comparison()),
            "DeviceAttribute" => Self::read_attribute(from),
            _ => return None,
        })
    }

    fn read_release(
        from: &Attributes<'_>,
        comparison: Result<Comparison, Unfit>,
    ) -> Result<Self, Unfit> {
        let (name, comparison) = (from.name("Name")?, comparison?);
        Ok(Self::Release { name, comparison, version: from.value("Version")? })
    }

    fn read_attribute(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let test = match from.required("Type")?.trim() {
            "Version" => Test::Version(from.comparison()?, from.value("Value")?),
            "Integer" | "Int" | "Number" => Test::Number(from.comparison()?, from.value("Value")?),
            "String" | "Boolean" => match (from.comparison(), from.text_comparison()) {
                (_, Ok(comparison)) => Test::Text(comparison, from.name("Value")?),
                (Ok(comparison), _) => Test::Ordered(comparison, from.name("Value")?),
                (Err(unfit), _) => return Err(unfit),
            },
            _ => return Err(Unfit("Type")),
        };
        Ok(Self::Attribute { name: from.name("Name")?, test })
    }

    pub(super) fn holds(&self, machine: &Profile) -> Truth {
        match self {
            Self::Release { name, comparison, version } => {
                let own = machine.product_releases.get(name);
                own.is_some_and(|own| comparison.holds(own.cmp(version)))
            }
            Self::Attribute { name, test } => {
                machine.device_attributes.get(name).is_some_and(|own| test.holds(own))
            }
        }
        .into()
    }

    /// How near the machine is to what [`ReleaseRule::establish`] makes of it. What a device is,
    /// no installation changes.
    pub(super) fn reach(&self, wanted: bool, machine: &Profile) -> Reach {
        match self {
            Self::Release { name, comparison, version } => {
                let is_possible = !wanted || comparison.witness(*version).is_some();
                Reach::of(is_possible, machine.product_releases.get(name).is_some())
            }
            Self::Attribute { .. } => Reach::Never,
        }
    }

    /// Installs the release, or removes it.
    pub(super) fn establish(&self, wanted: bool, machine: &mut Profile) {
        let Self::Release { name, comparison, version } = self else { return };
        match comparison.witness(*version).filter(|_| wanted) {
            Some(version) => machine.product_releases.insert(name, version),
            None => machine.product_releases.remove(name),
        };
    }
}

impl Test {
    fn holds(&self, own: &str) -> bool {
        match self {
            Self::Version(comparison, version) => {
                own.parse::<Version>().is_ok_and(|own| comparison.holds(own.cmp(version)))
            }
            Self::Number(comparison, number) => {
                own.trim().parse::<i64>().is_ok_and(|own| comparison.holds(own.cmp(number)))
            }
            Self::Ordered(comparison, text) => {
                comparison.holds(own.to_lowercase().as_str().cmp(text))
            }
            Self::Text(comparison, text) => comparison.holds(own, text),
        }
    }
}

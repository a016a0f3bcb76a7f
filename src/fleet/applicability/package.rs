//! Packages of component based servicing.
//!
//! A document asks after "its" package: the manifest in its metadata says which, and which packages
//! it builds on. The agent hands that to the servicing stack; here versions decide.

use super::attributes::{Attributes, Unfit};
use super::comparison::Comparison;
use super::reach::Reach;
use super::{Metadata, Question, Truth};
use crate::fleet::profile::{Profile, Version};
use crate::wire::xml::{Cursor, XmlError};

/// Most packages that one manifest may build on.
const PARENTS: usize = 10_000;

/// A package in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// `name~token~architecture~language~` in lower case, the language of neutral ones left out.
    name: Box<str>,
    version: Version,
}

/// What a manifest says of its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    identity: Identity,
    /// One of these has to be there.
    parents: Box<[(Comparison, Identity)]>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PackageRule {
    /// The document's own package is there, in its version or a later one.
    Installed,
    /// A package that it builds on is there.
    Installable,
    /// The named package is there, in exactly that version.
    InstalledByIdentity(Identity),
}

impl Identity {
    /// Reads an `assemblyIdentity`.
    fn read(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let language = from.text("language").filter(|language| *language != "neutral");
        let name = format!(
            "{}~{}~{}~{}~",
            from.required("name")?,
            from.text("publicKeyToken").unwrap_or_default(),
            from.required("processorArchitecture")?,
            language.unwrap_or_default()
        );
        Ok(Self { name: name.to_lowercase().into(), version: from.value("version")? })
    }

    /// Reads `name~token~architecture~language~version`.
    fn parse(text: &str) -> Option<Self> {
        let (name, version) = text.trim().rsplit_once('~')?;
        let name = format!("{}~", name.to_lowercase()).into();
        Some(Self { name, version: version.parse().ok()? })
    }

    fn version_on(&self, machine: &Profile) -> Option<Version> {
        machine.cbs_packages.get(&self.name).copied()
    }
}

impl Package {
    /// Reads the `assembly` in the `CbsPackageApplicabilityMetadata` that `cursor` has stepped
    /// onto; none if there is no usable one. A manifest can have 47 MB, of which little is needed.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, XmlError> {
        let (mut identity, mut parents) = (None, Vec::new());
        while cursor.enter_child()? {
            if cursor.local() != "assembly" {
                cursor.skip()?;
                continue;
            }
            while cursor.enter_child()? {
                match cursor.local() {
                    "assemblyIdentity" => {
                        identity = identity.or(identity_at(cursor));
                        cursor.skip()?;
                    }
                    "package" => read_parents(cursor, &mut parents)?,
                    _ => cursor.skip()?,
                }
            }
        }
        Ok(identity.map(|identity| Self { identity, parents: parents.into() }))
    }
}

fn read_parents(
    cursor: &mut Cursor<'_>,
    parents: &mut Vec<(Comparison, Identity)>,
) -> Result<(), XmlError> {
    while cursor.enter_child()? {
        if cursor.local() != "parent" {
            cursor.skip()?;
            continue;
        }
        let compare = cursor.element().map(Attributes::of);
        let comparison = match compare.as_ref().and_then(|from| from.text("buildCompare")) {
            Some("EQ") | None => Comparison::EqualTo,
            Some("GT") => Comparison::GreaterThan,
            Some("LT") => Comparison::LessThan,
            Some("LE") => Comparison::LessThanOrEqualTo,
            Some(_) => Comparison::GreaterThanOrEqualTo,
        };
        while cursor.enter_child()? {
            if let Some(identity) = identity_at(cursor).filter(|_| parents.len() < PARENTS) {
                parents.push((comparison, identity));
            }
            cursor.skip()?;
        }
    }
    Ok(())
}

fn identity_at(cursor: &Cursor<'_>) -> Option<Identity> {
    let element = cursor.element().filter(|element| element.local() == "assemblyIdentity")?;
    Identity::read(&Attributes::of(element)).ok()
}

impl PackageRule {
    /// Reads the rule called `name`; none if it is no rule of this kind.
    pub(super) fn read(name: &str, from: &Attributes<'_>) -> Option<Result<Self, Unfit>> {
        Some(match name {
            "CbsPackageInstalled" => Ok(Self::Installed),
            "CbsPackageInstallable" => Ok(Self::Installable),
            "CbsPackageInstalledByIdentity" => from.required("PackageIdentity").and_then(|text| {
                Identity::parse(text).map(Self::InstalledByIdentity).ok_or(Unfit("PackageIdentity"))
            }),
            _ => return None,
        })
    }

    pub(super) fn holds(&self, question: Question<'_>) -> Truth {
        let (machine, package) = (question.machine, question.metadata.package.as_ref());
        match (self, package) {
            (Self::InstalledByIdentity(identity), _) => {
                (identity.version_on(machine) == Some(identity.version)).into()
            }
            (Self::Installed, Some(Package { identity, .. })) => {
                identity.version_on(machine).is_some_and(|own| own >= identity.version).into()
            }
            (Self::Installable, Some(package)) if !package.parents.is_empty() => {
                let is_there = |(comparison, parent): &(Comparison, Identity)| {
                    let own = parent.version_on(machine);
                    own.is_some_and(|own| comparison.holds(own.cmp(&parent.version)))
                };
                package.parents.iter().any(is_there).into()
            }
            // Without a manifest, or without parents in it, only a servicing stack could tell.
            _ => Truth::Unknown,
        }
    }

    /// How near the machine is to what [`PackageRule::establish`] makes of it.
    pub(super) fn reach(&self, question: Question<'_>) -> Reach {
        let identity = self.identity(question.metadata);
        let is_there =
            identity.is_some_and(|identity| identity.version_on(question.machine).is_some());
        Reach::of(identity.is_some(), is_there)
    }

    /// Installs the package, or removes it.
    pub(super) fn establish(&self, wanted: bool, metadata: &Metadata, machine: &mut Profile) {
        let Some(identity) = self.identity(metadata) else { return };
        if wanted {
            machine.cbs_packages.insert(&identity.name, identity.version);
        } else {
            machine.cbs_packages.remove(&identity.name);
        }
    }

    /// The package that an installation brings.
    fn identity<'q>(&'q self, metadata: &'q Metadata) -> Option<&'q Identity> {
        match self {
            Self::Installed => metadata.package.as_ref().map(|package| &package.identity),
            Self::Installable => None,
            Self::InstalledByIdentity(identity) => Some(identity),
        }
    }
}

//! Whole Windows Installer applications and patches, as their metadata describes them.
//!
//! The rules have no attributes: they ask after the application or the patch of their document. A
//! patch says in Windows Installer's own schema (`patch_applicability.xsd`) which products it is
//! for and which other patches it replaces.

use uuid::Uuid;

use super::attributes::Attributes;
use super::comparison::Comparison;
use super::reach::Reach;
use super::{Metadata, Question, Truth};
use crate::fleet::profile::{MsiPatch, MsiProduct, Profile, Version};
use crate::wire::xml::{Cursor, XmlError};

/// Most targets, obsoleted patches and sequences of one patch.
const ROWS: usize = 10_000;

/// Whose state a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Application,
    Patch,
}

/// What a rule asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Installed,
    Superseded,
    Installable,
}

/// A patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Patch {
    code: Uuid,
    /// A code under which it may be there as well.
    fallback: Option<Uuid>,
    targets: Box<[Target]>,
    effect: MsiPatch,
    /// Families and its place in each.
    families: Box<[(Box<str>, Version)]>,
}

/// A product that the patch is for. What is not to be validated is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Target {
    product: Option<Uuid>,
    version: Option<(Comparison, usize, Version)>,
    language: Option<i32>,
    updated_version: Option<Version>,
}

/// The rule called `name` without its schema's prefix; none if it is no rule of this kind.
pub(super) fn rule(name: &str) -> Option<(Subject, State)> {
    Some(match name {
        "MsiApplicationInstalled" => (Subject::Application, State::Installed),
        "MsiApplicationSuperseded" => (Subject::Application, State::Superseded),
        "MsiApplicationInstallable" => (Subject::Application, State::Installable),
        "MsiPatchInstalled" => (Subject::Patch, State::Installed),
        "MsiPatchSuperseded" => (Subject::Patch, State::Superseded),
        "MsiPatchInstallable" => (Subject::Patch, State::Installable),
        _ => return None,
    })
}

/// Whether the application or patch of the document is in that state.
pub(super) fn holds(subject: Subject, state: State, question: Question<'_>) -> Truth {
    let machine = question.machine;
    match (subject, question.metadata.application, &question.metadata.patch) {
        (Subject::Application, Some(code), _) => {
            let is_there = machine.msi_products.contains_key(&code);
            match state {
                State::Installed => is_there.into(),
                State::Installable => (!is_there).into(),
                // The metadata names no successor.
                State::Superseded => Truth::False,
            }
        }
        (Subject::Patch, _, Some(patch)) => match state {
            State::Installed => patch.is_installed(machine).into(),
            State::Superseded => patch.is_superseded(machine).into(),
            State::Installable => {
                let wanted = patch
                    .targets(machine)
                    .any(|(_, product)| !patch.is_on(product) && !patch.is_superseded_on(product));
                wanted.into()
            }
        },
        _ => Truth::Unknown,
    }
}

/// How near the machine is to what [`establish`] makes of it.
pub(super) fn reach(subject: Subject, state: State, question: Question<'_>) -> Reach {
    match (subject, state, question.metadata.application, &question.metadata.patch) {
        (Subject::Application, State::Installed, Some(code), _) => {
            Reach::of(true, question.machine.msi_products.contains_key(&code))
        }
        (Subject::Patch, State::Installed, _, Some(patch)) => {
            let has_target = patch.targets(question.machine).next().is_some();
            Reach::of(has_target, has_target)
        }
        _ => Reach::Never,
    }
}

/// Installs the application or patch of the document, or removes it.
pub(super) fn establish(
    subject: Subject,
    wanted: bool,
    metadata: &Metadata,
    machine: &mut Profile,
) {
    match (subject, metadata.application, &metadata.patch) {
        (Subject::Application, Some(code), _) if wanted => {
            let product = machine.msi_products.entry(code);
            product.or_insert_with(|| Version([1, 0, 0, 0]).into());
        }
        (Subject::Application, Some(code), _) => {
            machine.msi_products.remove(&code);
        }
        (Subject::Patch, _, Some(patch)) => {
            for (code, product) in &mut machine.msi_products {
                let Some(target) = patch.target(*code, product) else { continue };
                if wanted {
                    product.patches.insert(patch.code, patch.effect.clone());
                    product.version = target.updated_version.unwrap_or(product.version);
                } else {
                    product.patches.remove(&patch.code);
                }
            }
        }
        _ => {}
    }
}

/// Reads the `ProductCode` of the `MsiApplicationMetadata` that `cursor` has stepped onto.
pub(super) fn read_application(cursor: &mut Cursor<'_>) -> Result<Option<Uuid>, XmlError> {
    let mut code = None;
    while cursor.enter_child()? {
        let is_code = super::rule::bare(cursor.local()) == "ProductCode";
        let text = cursor.text()?;
        code = code.or(guid(&text).filter(|_| is_code));
    }
    Ok(code)
}

impl Patch {
    /// Reads the `MsiPatchMetadata` that `cursor` has stepped onto; none if there is no patch.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, XmlError> {
        let (mut patch, mut fallback) = (None, None);
        while cursor.enter_child()? {
            match super::rule::bare(cursor.local()) {
                "MsiPatch" => {
                    let from = cursor.element().map(Attributes::of);
                    let code = from.and_then(|from| from.guid("PatchGUID").ok());
                    let read = Self::read_patch(cursor)?;
                    patch = patch.or(code.map(|code| Self { code, ..read }));
                }
                "FallbackPatchCode" => fallback = guid(&cursor.text()?),
                _ => cursor.skip()?,
            }
        }
        Ok(patch.map(|patch| Self { fallback, ..patch }))
    }

    fn read_patch(cursor: &mut Cursor<'_>) -> Result<Self, XmlError> {
        let (mut targets, mut families) = (Vec::new(), Vec::new());
        let mut effect = MsiPatch::default();
        while cursor.enter_child()? {
            match cursor.local() {
                "TargetProduct" if targets.len() < ROWS => targets.push(Target::read(cursor)?),
                "ObsoletedPatch" if effect.obsoletes.len() < ROWS => {
                    effect.obsoletes.extend(guid(&cursor.text()?));
                }
                "SequenceData" if families.len() < ROWS => {
                    let (family, sequence, supersedes) = read_sequence(cursor)?;
                    if supersedes {
                        effect.supersedes.insert(&family, sequence);
                    }
                    families.push((family, sequence));
                }
                _ => cursor.skip()?,
            }
        }
        let (targets, families) = (targets.into(), families.into());
        Ok(Self { targets, families, effect, ..Self::default() })
    }

    /// The products on the machine that it is for.
    fn targets<'a>(
        &'a self,
        machine: &'a Profile,
    ) -> impl Iterator<Item = (&'a Target, &'a MsiProduct)> {
        let products = machine.msi_products.iter();
        products.filter_map(|(code, product)| Some((self.target(*code, product)?, product)))
    }

    fn target(&self, code: Uuid, product: &MsiProduct) -> Option<&Target> {
        self.targets.iter().find(|target| target.fits(code, product))
    }

    fn is_on(&self, product: &MsiProduct) -> bool {
        let codes = [Some(self.code), self.fallback];
        codes.into_iter().flatten().any(|code| product.patches.contains_key(&code))
    }

    /// Whether it is there on any product, whose version it may have changed.
    fn is_installed(&self, machine: &Profile) -> bool {
        machine.msi_products.values().any(|product| self.is_on(product))
    }

    /// Whether all products that it is for have a patch that replaces it, and there is one.
    fn is_superseded(&self, machine: &Profile) -> bool {
        let mut targets = self.targets(machine).peekable();
        targets.peek().is_some() && targets.all(|(_, product)| self.is_superseded_on(product))
    }

    fn is_superseded_on(&self, product: &MsiProduct) -> bool {
        product.patches.values().any(|other| {
            let in_all_families = !self.families.is_empty()
                && self.families.iter().all(|(family, sequence)| {
                    other.supersedes.get(family).is_some_and(|later| later > sequence)
                });
            other.obsoletes.contains(&self.code) || in_all_families
        })
    }
}

impl Target {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, XmlError> {
        let mut target = Self::default();
        while cursor.enter_child()? {
            let name = cursor.local().to_owned();
            let from = cursor.element().map(Attributes::of);
            let says = |name| from.as_ref().and_then(|from| from.text(name));
            let validate = matches!(says("Validate").map(str::trim), Some("true" | "1"));
            let comparison = says("ComparisonType").map(|name| Comparison::named(name.trim()));
            let parts = match says("ComparisonFilter").map(str::trim) {
                Some("Major") => 1,
                Some("MajorMinor") => 2,
                Some("None") => 0,
                _ => 3,
            };
            let text = cursor.text()?;
            match name.as_str() {
                "TargetProductCode" if validate => target.product = guid(&text),
                "TargetVersion" if validate => {
                    let version = text.parse().ok();
                    let comparison = comparison.unwrap_or(Some(Comparison::EqualTo));
                    target.version =
                        comparison.zip(version).map(|(by, version)| (by, parts, version));
                }
                "TargetLanguage" if validate => target.language = text.trim().parse().ok(),
                "UpdatedVersion" => target.updated_version = text.parse().ok(),
                _ => {}
            }
        }
        Ok(target)
    }

    fn fits(&self, code: Uuid, product: &MsiProduct) -> bool {
        let by_version = self.version.is_none_or(|(comparison, parts, wanted)| {
            let own = product.version.0.iter().take(parts);
            comparison.holds(own.cmp(wanted.0.iter().take(parts)))
        });
        let by_language = match (self.language, product.language) {
            (Some(wanted), Some(own)) if wanted != 0 => wanted == own,
            _ => true,
        };
        self.product == Some(code) && by_version && by_language
    }
}

/// Family, sequence, and whether it replaces everything earlier in it (`Attributes` is 1).
fn read_sequence(cursor: &mut Cursor<'_>) -> Result<(Box<str>, Version, bool), XmlError> {
    let (mut family, mut sequence, mut supersedes) = (Box::from(""), Version::default(), false);
    while cursor.enter_child()? {
        let name = cursor.local().to_owned();
        let text = cursor.text()?;
        match name.as_str() {
            "PatchFamily" => family = text.trim().into(),
            "Sequence" => sequence = text.parse().unwrap_or_default(),
            "Attributes" => supersedes = text.trim() == "1",
            _ => {}
        }
    }
    Ok((family, sequence, supersedes))
}

fn guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text.trim()).ok()
}

//! Windows Installer products, their features, components and patches.

use uuid::Uuid;

use super::Truth;
use super::attributes::{Attributes, Unfit};
use super::reach::Reach;
use crate::fleet::profile::{MsiProduct, Profile, Version};
use crate::wire::xml::{Cursor, XmlError};

/// Most features, components and products that one rule may name.
const NAMES: usize = 10_000;

/// A product, and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProductFilter {
    code: Uuid,
    min: Option<Bound>,
    max: Option<Bound>,
    language: Option<i32>,
}

/// A version that is part of the range, unless it is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    version: Version,
    is_excluded: bool,
}

/// Parts of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    names: Names,
    products: Box<[Uuid]>,
    all_names: bool,
    all_products: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Names {
    Features(Box<[Box<str>]>),
    Components(Box<[Uuid]>),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProductRule {
    Installed(ProductFilter),
    PatchInstalled { patch: Uuid, product: ProductFilter },
    PartsInstalled(Parts),
}

impl ProductFilter {
    fn read(from: &Attributes<'_>) -> Result<Self, Unfit> {
        let bound = |version, excluded| {
            let is_excluded = from.flag(excluded)?;
            Ok(from.perhaps(version)?.map(|version| Bound { version, is_excluded }))
        };
        Ok(Self {
            code: from.guid("ProductCode")?,
            min: bound("VersionMin", "ExcludeVersionMin")?,
            max: bound("VersionMax", "ExcludeVersionMax")?,
            language: from.perhaps("Language")?,
        })
    }

    fn holds(&self, machine: &Profile) -> Truth {
        let Some(product) = machine.msi_products.get(&self.code) else { return Truth::False };
        let language = self
            .language
            .map_or(Truth::True, |wanted| product.language.map(|own| own == wanted).into());
        Truth::all([self.admits(product.version).into(), language])
    }

    fn admits(&self, version: Version) -> bool {
        let above = self.min.is_none_or(|min| match min.is_excluded {
            true => version > min.version,
            false => version >= min.version,
        });
        let below = self.max.is_none_or(|max| match max.is_excluded {
            true => version < max.version,
            false => version <= max.version,
        });
        above && below
    }

    /// A version that is admitted.
    fn witness(&self) -> Option<Version> {
        use super::comparison::Step;
        let lowest = self.min.map_or(Some(Version([1, 0, 0, 0])), |min| match min.is_excluded {
            true => min.version.next(),
            false => Some(min.version),
        });
        let highest = self.max.and_then(|max| match max.is_excluded {
            true => max.version.previous(),
            false => Some(max.version),
        });
        lowest.into_iter().chain(highest).find(|version| self.admits(*version))
    }

    fn establish(&self, machine: &mut Profile) {
        let known = machine.msi_products.get(&self.code);
        if known.is_some_and(|product| self.admits(product.version)) && self.language.is_none() {
            return;
        }
        let Some(version) = self.witness() else { return };
        let product = machine.msi_products.entry(self.code).or_default();
        product.version = version;
        product.language = self.language.or(product.language);
    }
}

impl Parts {
    /// Reads the rule that `cursor` has stepped onto.
    fn read(cursor: &mut Cursor<'_>, features: bool) -> Result<Result<Self, Unfit>, XmlError> {
        let flags = cursor.element().map(Attributes::of);
        let flag = |name| flags.as_ref().map_or(Ok(false), |from| from.flag(name));
        let all_names =
            flag(if features { "AllFeaturesRequired" } else { "AllComponentsRequired" });
        let all_products = flag("AllProductsRequired");
        let (mut names, mut components, mut products) = (Vec::new(), Vec::new(), Vec::new());
        let mut unfit = None;
        while cursor.enter_child()? {
            // A rule's children have its prefix in some fragments, and none in others.
            let name = super::rule::bare(cursor.local()).to_owned();
            let text = cursor.text()?;
            if names.len() + components.len() + products.len() >= NAMES {
                unfit = Some(Unfit("Product"));
                continue;
            }
            match (name.as_str(), Uuid::try_parse(text.trim())) {
                ("Feature", _) if features => names.push(text.trim().to_lowercase().into()),
                ("Component", Ok(code)) if !features => components.push(code),
                ("Product", Ok(code)) => products.push(code),
                ("Component", Err(_)) => unfit = Some(Unfit("Component")),
                ("Product", Err(_)) => unfit = Some(Unfit("Product")),
                _ => {}
            }
        }
        Ok(unfit.map_or(Ok(()), Err).and_then(|()| {
            let names = match features {
                true => Names::Features(names.into()),
                false => Names::Components(components.into()),
            };
            let (all_names, all_products) = (all_names?, all_products?);
            Ok(Self { names, products: products.into(), all_names, all_products })
        }))
    }

    fn holds(&self, machine: &Profile) -> Truth {
        let of_product = |code: &Uuid| {
            let Some(product) = machine.msi_products.get(code) else { return Truth::False };
            self.names.of(product, self.all_names)
        };
        let products = self.products.iter().map(of_product);
        if self.all_products { Truth::all(products) } else { Truth::any(products) }
    }
}

impl Names {
    fn of(&self, product: &MsiProduct, all: bool) -> Truth {
        fn among(mut holds: impl Iterator<Item = bool>, all: bool) -> Truth {
            if all { holds.all(|holds| holds) } else { holds.any(|holds| holds) }.into()
        }
        match (self, &product.features, &product.components) {
            (Self::Features(names), Some(own), _) => {
                let is_there = |name: &str| own.iter().any(|own| own.to_lowercase() == name);
                among(names.iter().map(|name| is_there(name)), all)
            }
            (Self::Components(codes), _, Some(own)) => {
                among(codes.iter().map(|code| own.contains(code)), all)
            }
            _ => Truth::Unknown,
        }
    }
}

impl ProductRule {
    /// Reads the rule called `name` without its schema's prefix, which has no children; none if it
    /// is no rule of this kind.
    pub(super) fn read(name: &str, from: &Attributes<'_>) -> Option<Result<Self, Unfit>> {
        Some(match name {
            "MsiProductInstalled" => ProductFilter::read(from).map(Self::Installed),
            "MsiPatchInstalledForProduct" => from.guid("PatchCode").and_then(|patch| {
                Ok(Self::PatchInstalled { patch, product: ProductFilter::read(from)? })
            }),
            _ => return None,
        })
    }

    /// The same for rules that have children: reads up to the end of the element.
    pub(super) fn read_parts(
        name: &str,
        cursor: &mut Cursor<'_>,
    ) -> Result<Option<Result<Self, Unfit>>, XmlError> {
        let features = match name {
            "MsiFeatureInstalledForProduct" => true,
            "MsiComponentInstalledForProduct" => false,
            _ => return Ok(None),
        };
        Ok(Some(Parts::read(cursor, features)?.map(Self::PartsInstalled)))
    }

    pub(super) fn holds(&self, machine: &Profile) -> Truth {
        match self {
            Self::Installed(product) => product.holds(machine),
            Self::PatchInstalled { patch, product } => {
                let own = machine.msi_products.get(&product.code);
                let has_patch = own.is_some_and(|own| own.patches.contains_key(patch));
                Truth::all([has_patch.into(), product.holds(machine)])
            }
            Self::PartsInstalled(parts) => parts.holds(machine),
        }
    }

    /// How near the machine is to what [`ProductRule::establish`] makes of it.
    pub(super) fn reach(&self, wanted: bool, machine: &Profile) -> Reach {
        let product = match self {
            Self::Installed(product) | Self::PatchInstalled { product, .. } => product,
            Self::PartsInstalled(_) => return Reach::Never,
        };
        let is_possible = !wanted || product.witness().is_some();
        Reach::of(is_possible, machine.msi_products.contains_key(&product.code))
    }

    /// Installs the product or patch, or removes it.
    pub(super) fn establish(&self, wanted: bool, machine: &mut Profile) {
        match self {
            Self::Installed(product) if wanted => product.establish(machine),
            Self::Installed(product) => {
                machine.msi_products.remove(&product.code);
            }
            Self::PatchInstalled { patch, product } if wanted => {
                product.establish(machine);
                if let Some(own) = machine.msi_products.get_mut(&product.code) {
                    own.patches.entry(*patch).or_default();
                }
            }
            Self::PatchInstalled { patch, product } => {
                if let Some(own) = machine.msi_products.get_mut(&product.code) {
                    own.patches.remove(patch);
                }
            }
            Self::PartsInstalled(_) => {}
        }
    }
}

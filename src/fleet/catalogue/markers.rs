//! Categories and detectoids: the revisions that install nothing and carry all others.

use uuid::Uuid;

use super::document::{Clause, Document, Handler, Text};
use super::language::LANGUAGES;
use super::line::{Kind, Line};
use super::rule::{Comparison, Rule};
use super::sequence::Marker;
use super::world::{
    DRIVER_PRODUCT, NORWEGIAN, PRODUCTS, SYSTEMS, fixed_id, takes_drivers, takes_drivers_rule,
};
use super::xml::Writer;
use crate::fleet::profile::{Architecture, Profile};
use crate::metadata::model::UpdateType;

const CATEGORY: &str = "http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Category";

/// The revision in which all of them are published.
const REVISION: u32 = 101;

impl Marker {
    /// The update; no seed changes it.
    pub(super) fn id(self) -> Uuid {
        match self {
            Self::Company(company) => company.id(),
            Self::Family(family) => family.id(),
            Self::Classification(classification) => classification.id(),
            Self::Product(product) => PRODUCTS[product].id,
            Self::Application(line) => Line(line).application().0,
            Self::DriverProduct => DRIVER_PRODUCT.0,
            Self::Architecture(Architecture::X86) => {
                uuid::uuid!("3e0afb10-a9fb-4c16-a60e-5790c3803437")
            }
            Self::Architecture(Architecture::X64) => {
                uuid::uuid!("59653007-e2e9-4f71-8525-2ff588527978")
            }
            Self::Architecture(Architecture::Arm64) => fixed_id(0x41, 12),
            Self::Language(position) if position == NORWEGIAN.0 => NORWEGIAN.1,
            Self::Language(position) => fixed_id(0x4c, position as u64),
            Self::System(system) => fixed_id(0x53, system as u64),
            Self::Component(line) => fixed_id(0x44, line),
            Self::Edition(line, code) => fixed_id(0x4544_0000 + code, line),
        }
    }

    /// Whether an agent on the machine finds it installed, given that its prerequisites are.
    pub(super) fn is_on(self, profile: &Profile) -> bool {
        match self {
            Self::Company(_) | Self::Family(_) | Self::Classification(_) => true,
            Self::Product(product) => PRODUCTS[product].is_on(profile),
            Self::Application(line) | Self::Component(line) => Line(line).is_present(profile),
            Self::Edition(line, code) => edition(line, code)
                .is_some_and(|product| profile.msi_products.contains_key(&product)),
            Self::DriverProduct => takes_drivers(profile),
            Self::Architecture(architecture) => profile.architecture == architecture,
            Self::Language(position) => {
                LANGUAGES[position].tags().any(|tag| tag == profile.language)
            }
            Self::System(system) => SYSTEMS[system].is_on(profile),
        }
    }

    /// The document.
    pub(super) fn document(self, published: i64) -> Document {
        let category = self.category_type();
        let update_type =
            if category.is_some() { UpdateType::Category } else { UpdateType::Detectoid };
        let mut document = Document::new(self.id(), REVISION, update_type);
        document.created = published;
        document.prerequisites.extend(self.parent().map(Clause::Category));
        document.installed = Some(self.rule());
        // Microsoft spells the identifier of itself in upper case.
        document.upper_case = matches!(self, Self::Company(_));
        let name = self.name();
        match category {
            Some(category) => {
                document.handler = Some(handler(category));
                document.texts = LANGUAGES.iter().map(|own| text(own.tag, &name)).collect();
            }
            None => {
                document.detectoid_type = Some("Platform");
                document.texts = vec![text("en", &name)];
            }
        }
        document
    }

    fn category_type(self) -> Option<&'static str> {
        match self {
            Self::Company(_) => Some("Company"),
            Self::Family(_) => Some("ProductFamily"),
            Self::Classification(_) => Some("UpdateClassification"),
            Self::Product(_) | Self::Application(_) | Self::DriverProduct => Some("Product"),
            _ => None,
        }
    }

    fn parent(self) -> Option<Uuid> {
        match self {
            Self::Family(family) => Some(family.company().id()),
            Self::Product(_) | Self::DriverProduct => Some(super::world::Family::Windows.id()),
            Self::Application(line) => Some(Line(line).application().2.id()),
            _ => None,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Company(company) => company.name().to_owned(),
            Self::Family(family) => family.name().to_owned(),
            Self::Classification(classification) => classification.name().to_owned(),
            Self::Product(product) => PRODUCTS[product].name.to_owned(),
            Self::Application(line) => Line(line).application().1,
            Self::DriverProduct => DRIVER_PRODUCT.1.to_owned(),
            Self::Architecture(architecture) => format!("{} processor", architecture.label()),
            Self::Language(position) => format!("Windows in {}", LANGUAGES[position].tag),
            Self::System(system) => SYSTEMS[system].name.to_owned(),
            Self::Component(line) => format!("{} is installed", Line(line).component()),
            Self::Edition(line, code) => {
                format!("{}, edition {} is installed", Line(line).component(), code + 1)
            }
        }
    }

    fn rule(self) -> Rule {
        match self {
            Self::Company(_) | Self::Family(_) | Self::Classification(_) => Rule::True,
            Self::Product(product) => PRODUCTS[product].rule(),
            Self::Application(line) | Self::Component(line) => presence_rule(Line(line)),
            Self::Edition(line, code) => edition(line, code).map_or(Rule::True, |product| {
                Rule::MsiProductInstalled { product, min: None, max: None }
            }),
            Self::DriverProduct => takes_drivers_rule(),
            Self::Architecture(architecture) => Rule::Processor(architecture.processor()),
            Self::Language(position) => {
                let mut rules: Vec<Rule> =
                    LANGUAGES[position].tags().map(Rule::WindowsLanguage).collect();
                if rules.len() == 1 { rules.remove(0) } else { Rule::Or(rules) }
            }
            Self::System(system) => SYSTEMS[system].rule(),
        }
    }
}

/// The product code of an edition.
fn edition(line: u64, code: u64) -> Option<Uuid> {
    Line(line).product_codes().nth(usize::try_from(code).ok()?)
}

/// Says what [`Line::is_present`] says.
fn presence_rule(line: Line) -> Rule {
    match line.slot().kind {
        Kind::RegVersion => Rule::And(vec![
            Rule::RegKeyExists { subkey: line.subkey() },
            Rule::RegSz {
                place: line.place("Publisher"),
                comparison: Comparison::EqualTo,
                data: "Weirworks",
            },
        ]),
        Kind::FilePrepended => {
            Rule::RegValueExists { place: line.place("InstallLocation"), kind: "REG_SZ" }
        }
        Kind::Msi => Rule::Or(
            line.product_codes()
                .map(|product| Rule::MsiProductInstalled { product, min: None, max: None })
                .collect(),
        ),
        // Only applications and held-back files have a detectoid; of other kinds there is none.
        _ => Rule::RegValueExists { place: line.place("Build"), kind: "REG_DWORD" },
    }
}

fn text(language: &'static str, title: &str) -> Text {
    Text { language, title: title.to_owned(), description: None }
}

fn handler(category_type: &str) -> Handler {
    let mut data = Writer::default();
    let tag = data.tag("cat:CategoryInformation").with("CategoryType", category_type);
    let holds_updates = matches!(category_type, "Product" | "UpdateClassification");
    tag.shown("ProhibitsSubcategories", holds_updates)
        .shown("ProhibitsUpdates", !holds_updates)
        .end();
    Handler { namespace: CATEGORY, data_type: "cat:Category", data: data.into_text() }
}

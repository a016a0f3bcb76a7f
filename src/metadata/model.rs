//! What the server knows of one update document.
//!
//! These types are what every layer above works with. [`Evaluated`] and the relations are in memory
//! (`catalog`), the rest is read from disk when somebody asks; the document itself stays there. They
//! follow the tables of [MS-WUSP] 3.1.1 and are stored, so a change of a field is a new record
//! version (`store`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::wire::types::{Sha1, Sha256, UpdateIdentity};

/// [MS-WUSP] 3.1.1 Revision Table, `UpdateType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UpdateType {
    /// An installable update or a bundle of them.
    Software,
    /// A device driver.
    Driver,
    /// A company, product family, product or classification.
    Category,
    /// A rule that detects something; installs nothing.
    Detectoid,
}

/// `CategoryInformation/@CategoryType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CategoryType {
    /// A vendor.
    Company,
    /// A family of products.
    ProductFamily,
    /// A product.
    Product,
    /// For example Security Updates.
    UpdateClassification,
    /// No or another type: roots and subcategories.
    Other,
}

/// `Properties/@PublicationState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PublicationState {
    /// Offered by its publisher.
    Published,
    /// Withdrawn by its publisher.
    Expired,
}

/// One "AND clause" of a prerequisite list in conjunctive normal form: at least one of
/// `alternatives` must be installed ([MS-WUSP] 3.1.1 Prerequisite Table).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Prerequisite {
    /// Update ids; any revision of the update counts.
    pub alternatives: Vec<Uuid>,
    /// `AtLeastOne/@IsCategory`.
    pub is_category: bool,
}

/// One "AND clause" of a bundle ([MS-WUSP] 3.1.1 Bundle Table): exact revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleClause {
    /// The revisions of which at least one is to be installed.
    pub alternatives: Vec<UpdateIdentity>,
}

/// One file of an update, or of a EULA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateFile {
    /// The file's address on the wire.
    pub sha1: Sha1,
    /// What its content is verified with, where the document names it.
    pub sha256: Option<Sha256>,
    /// The name as the publisher gave it. Never joined to a path.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
}

/// One licence text ([MS-WUSP] 3.1.1.1 Metadata Table, Eula).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EulaFile {
    /// The text.
    pub file: UpdateFile,
    /// Locale, for example `en`.
    pub language: String,
    /// ISO 3166 three-letter region; none means the rest of the world.
    pub geo_id: Option<String>,
}

/// One row of the Driver Table with the rows that hang on it ([MS-WUSP] 3.1.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverEntry {
    /// Hardware id, as written.
    pub hardware_id: String,
    /// Seconds since 1970 of the driver's date.
    pub ver_date: i64,
    /// The four 16-bit parts of the driver's version in one number.
    pub ver_version: u64,
    /// Device class, for example `Printer`.
    pub class: String,
    /// Who made the driver.
    pub manufacturer: String,
    /// Who provides the driver.
    pub provider: String,
    /// Model of hardware.
    pub model: String,
    /// Certification id.
    pub whql_driver_id: Option<i64>,
    /// `(Arch.OSMajor.OSMinor, score)`; a lower score is better.
    pub feature_scores: Vec<(String, u8)>,
    /// Computer hardware ids the publisher distributes to.
    pub distribution_chids: Vec<Uuid>,
    /// Computer hardware ids the INF targets.
    pub target_chids: Vec<Uuid>,
}

/// Title and description in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalizedText {
    /// Language tag as written.
    pub language: String,
    /// Title.
    pub title: String,
}

/// What a revision is, apart from its relations: the part of its [`UpdateMetadata`] that every scan
/// may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluated {
    /// Which revision this is.
    pub identity: UpdateIdentity,
    /// What kind of update.
    pub update_type: UpdateType,
    /// Whether administrators approve it itself (bundle members are not).
    pub explicitly_deployable: bool,
    /// Withdrawn or not.
    pub publication_state: PublicationState,
    /// For categories, their type.
    pub category_type: Option<CategoryType>,
}

impl From<&UpdateMetadata> for Evaluated {
    fn from(metadata: &UpdateMetadata) -> Self {
        Self {
            identity: metadata.identity,
            update_type: metadata.update_type,
            explicitly_deployable: metadata.explicitly_deployable,
            publication_state: metadata.publication_state,
            category_type: metadata.category_type,
        }
    }
}

/// Everything the server keeps of one document besides the document itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateMetadata {
    /// Which revision this is.
    pub identity: UpdateIdentity,
    /// What kind of update.
    pub update_type: UpdateType,
    /// Whether administrators approve it itself (bundle members are not).
    pub explicitly_deployable: bool,
    /// Withdrawn or not.
    pub publication_state: PublicationState,
    /// Seconds since 1970 of `CreationDate`; 0 when absent.
    pub creation_date: i64,
    /// `Properties/@DefaultPropertiesLanguage`, `en` when absent.
    pub default_language: String,
    /// `Properties/@MsrcSeverity`.
    pub msrc_severity: Option<String>,
    /// `Properties/KBArticleID`.
    pub kb_article_ids: Vec<String>,
    /// `Properties/SecurityBulletinID`.
    pub security_bulletin_ids: Vec<String>,
    /// `Properties/@EulaID`.
    pub eula_id: Option<Uuid>,
    /// `Properties/Language`, in lower case: the languages of Windows that the update is for. Empty
    /// for all of them.
    pub languages: Vec<String>,
    /// Prerequisite clauses in document order.
    pub prerequisites: Vec<Prerequisite>,
    /// Bundle clauses in document order.
    pub bundled: Vec<BundleClause>,
    /// Updates this one replaces.
    pub superseded: Vec<Uuid>,
    /// For categories, their type.
    pub category_type: Option<CategoryType>,
    /// Content files.
    pub files: Vec<UpdateFile>,
    /// Which of these are express files (`File/@PatchingType`): larger files of differences, of which
    /// a client takes a small part. A server has them only if an administrator wants it.
    pub express: Vec<Sha1>,
    /// Licence texts.
    pub eulas: Vec<EulaFile>,
    /// Driver rows.
    pub drivers: Vec<DriverEntry>,
    /// Titles per language, in document order.
    pub titles: Vec<LocalizedText>,
}

impl UpdateMetadata {
    /// All files: what is installed, and the licence texts.
    pub fn files(&self) -> impl Iterator<Item = &UpdateFile> {
        self.files.iter().chain(self.eulas.iter().map(|eula| &eula.file))
    }

    /// The title in `language` if there is one, else in the default language, else the first.
    pub fn title(&self, language: &str) -> &str {
        let in_language =
            |wanted: &str| self.titles.iter().find(|t| t.language.eq_ignore_ascii_case(wanted));
        in_language(language)
            .or_else(|| in_language(&self.default_language))
            .or_else(|| self.titles.first())
            .map_or("", |text| &text.title)
    }
}

//! Update documents, written down in a line each. Updates go by small numbers.

use uuid::Uuid;

use crate::content::files::{Digests, digest_of};
use crate::metadata::model::CategoryType;
use crate::state::Importable;

/// The update id that stands for number `update`.
pub(super) fn id(update: u128) -> Uuid {
    Uuid::from_u128(update)
}

/// The digests of a file with this text.
pub(super) fn digests(text: &str) -> Digests {
    digest_of(text.as_bytes()).expect("readable")
}

/// A document being written: published software that is explicitly deployable, without relations,
/// files or texts, unless told otherwise.
pub(super) struct Document {
    update: u128,
    revision: u32,
    update_type: &'static str,
    explicitly_deployable: bool,
    publication_state: &'static str,
    default_language: &'static str,
    texts: String,
    prerequisites: String,
    bundled: String,
    metadata: String,
    files: String,
    handler: String,
}

impl Document {
    pub(super) fn software(update: u128) -> Self {
        Self {
            update,
            revision: 1,
            update_type: "Software",
            explicitly_deployable: true,
            publication_state: "Published",
            default_language: "en",
            texts: String::new(),
            prerequisites: String::new(),
            bundled: String::new(),
            metadata: String::new(),
            files: String::new(),
            handler: String::new(),
        }
    }

    /// Software that is not there for its own sake.
    pub(super) fn member(update: u128) -> Self {
        Self { explicitly_deployable: false, ..Self::software(update) }
    }

    pub(super) fn detectoid(update: u128) -> Self {
        Self { update_type: "Detectoid", ..Self::member(update) }
    }

    pub(super) fn category(update: u128, category_type: CategoryType) -> Self {
        let handler = format!(r#"<c:CategoryInformation CategoryType="{category_type:?}"/>"#);
        Self { update_type: "Category", handler, ..Self::member(update) }
    }

    /// A driver of class Net.
    pub(super) fn driver(update: u128) -> Self {
        Self { update_type: "Driver", ..Self::software(update) }
    }

    pub(super) fn revision(self, revision: u32) -> Self {
        Self { revision, ..self }
    }

    pub(super) fn expired(self) -> Self {
        Self { publication_state: "Expired", ..self }
    }

    /// Adds a prerequisite clause.
    pub(super) fn needs(mut self, alternatives: &[u128]) -> Self {
        self.prerequisites += &format!("<AtLeastOne>{}</AtLeastOne>", identities(alternatives));
        self
    }

    /// Adds a prerequisite clause with `IsCategory`.
    pub(super) fn filed_under(mut self, category: u128) -> Self {
        let category = identities(&[category]);
        self.prerequisites += &format!(r#"<AtLeastOne IsCategory="true">{category}</AtLeastOne>"#);
        self
    }

    /// Adds bundled revisions.
    pub(super) fn bundles(mut self, members: &[(u128, u32)]) -> Self {
        let members = members.iter().map(|(update, revision)| {
            let id = id(*update);
            format!(r#"<UpdateIdentity UpdateID="{id}" RevisionNumber="{revision}"/>"#)
        });
        self.bundled.extend(members);
        self
    }

    /// Adds a file with this text, called after it.
    pub(super) fn file(mut self, text: &str) -> Self {
        self.files += &file("File", "", text);
        self
    }

    pub(super) fn localized(mut self, language: &str, title: &str) -> Self {
        self.texts += &format!(
            "<LocalizedProperties><Language>{language}</Language><Title>{title}</Title></LocalizedProperties>"
        );
        self
    }

    pub(super) fn default_language(self, default_language: &'static str) -> Self {
        Self { default_language, ..self }
    }

    /// Adds a licence, for one region if `geo_id` names one.
    pub(super) fn eula(mut self, language: &str, geo_id: &str, text: &str) -> Self {
        let mut attributes = format!(r#" Language="{language}""#);
        if !geo_id.is_empty() {
            attributes += &format!(r#" GeoId="{geo_id}""#);
        }
        self.texts += &file("EulaFile", &attributes, text);
        self
    }

    /// Adds a hardware id, and the version by which drivers for it differ.
    pub(super) fn drives(mut self, hardware_id: &str, version: &str, class: &str) -> Self {
        self.metadata += &format!(
            r#"<d:WindowsDriverMetaData HardwareID="{hardware_id}" DriverVerDate="2026-01-01" DriverVerVersion="{version}" Class="{class}" Manufacturer="Weirworks" Provider="Weirworks" Model="M"/>"#
        );
        self
    }

    pub(super) fn importable(self) -> Importable {
        Importable::new(self.text()).expect("a document")
    }

    fn text(self) -> String {
        let Self { update, revision, update_type, explicitly_deployable, .. } = self;
        let Self { publication_state, default_language, texts, prerequisites, bundled, .. } = self;
        let Self { metadata, files, handler, .. } = self;
        let id = id(update);
        format!(
            r#"<Update xmlns="http://schemas.microsoft.com/msus/2002/12/Update" xmlns:c="http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Category" xmlns:d="http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsDriver"><UpdateIdentity UpdateID="{id}" RevisionNumber="{revision}"/><Properties UpdateType="{update_type}" ExplicitlyDeployable="{explicitly_deployable}" PublicationState="{publication_state}" DefaultPropertiesLanguage="{default_language}"/><LocalizedPropertiesCollection>{texts}</LocalizedPropertiesCollection><Relationships><Prerequisites>{prerequisites}</Prerequisites><BundledUpdates>{bundled}</BundledUpdates></Relationships><ApplicabilityRules><Metadata>{metadata}</Metadata></ApplicabilityRules><Files>{files}</Files><HandlerSpecificData>{handler}</HandlerSpecificData></Update>"#
        )
    }
}

fn identities(updates: &[u128]) -> String {
    updates
        .iter()
        .map(|update| format!(r#"<UpdateIdentity UpdateID="{}"/>"#, id(*update)))
        .collect()
}

fn file(element: &str, attributes: &str, text: &str) -> String {
    use base64::Engine as _;
    let digests = digests(text);
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let (sha1, sha256) = (base64(&digests.sha1.0), base64(&digests.sha256.0));
    let size = text.len();
    format!(
        r#"<{element} Digest="{sha1}" DigestAlgorithm="SHA1" FileName="{text}.cab" Size="{size}"{attributes}><AdditionalDigest Algorithm="SHA256">{sha256}</AdditionalDigest></{element}>"#
    )
}

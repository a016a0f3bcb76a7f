//! Update documents, as small as the server takes them, to be made hostile.

use std::fmt::Write;

use uuid::Uuid;

/// A document in the making. Texts are put into the XML as they are.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) id: Uuid,
    revision: u32,
    kind: &'static str,
    title: String,
    relationships: String,
    rules: String,
    files: String,
}

/// The id of the document with this number.
pub(crate) fn id(number: u32) -> Uuid {
    Uuid::from_u128(0x4057_11e0_0000_4000_8000_0000_0000_0000 | u128::from(number))
}

impl Document {
    fn new(number: u32, kind: &'static str) -> Self {
        Self {
            id: id(number),
            revision: 1,
            kind,
            title: format!("Update {number}"),
            relationships: String::new(),
            rules: String::new(),
            files: String::new(),
        }
    }

    /// An update that is offered for its own sake.
    pub(crate) fn software(number: u32) -> Self {
        Self::new(number, "Software")
    }

    pub(crate) fn detectoid(number: u32) -> Self {
        Self::new(number, "Detectoid")
    }

    pub(crate) fn category(number: u32) -> Self {
        Self::new(number, "Category")
    }

    pub(crate) fn titled(self, title: &str) -> Self {
        Self { title: title.to_owned(), ..self }
    }

    /// Each of these updates has to be installed first.
    pub(crate) fn needs(mut self, numbers: &[u32]) -> Self {
        let ids: String =
            numbers.iter().map(|n| format!("<UpdateIdentity UpdateID='{}'/>", id(*n))).collect();
        let _ = write!(self.relationships, "<Prerequisites>{ids}</Prerequisites>");
        self
    }

    /// One of these categories has to be there.
    pub(crate) fn filed_under(mut self, numbers: &[u32]) -> Self {
        let ids: String =
            numbers.iter().map(|n| format!("<UpdateIdentity UpdateID='{}'/>", id(*n))).collect();
        let _ = write!(
            self.relationships,
            "<Prerequisites><AtLeastOne IsCategory='true'>{ids}</AtLeastOne></Prerequisites>"
        );
        self
    }

    /// Consists of revision 1 of each of these.
    pub(crate) fn bundles(mut self, numbers: &[u32]) -> Self {
        let ids: String = numbers
            .iter()
            .map(|n| format!("<UpdateIdentity UpdateID='{}' RevisionNumber='1'/>", id(*n)))
            .collect();
        let _ = write!(self.relationships, "<BundledUpdates>{ids}</BundledUpdates>");
        self
    }

    pub(crate) fn supersedes(mut self, numbers: &[u32]) -> Self {
        let ids: String =
            numbers.iter().map(|n| format!("<UpdateIdentity UpdateID='{}'/>", id(*n))).collect();
        let _ = write!(self.relationships, "<SupersededUpdates>{ids}</SupersededUpdates>");
        self
    }

    /// A file with this name, whose digest is the number.
    pub(crate) fn file(mut self, name: &str, digest: u8) -> Self {
        use base64::Engine as _;
        let digest = base64::engine::general_purpose::STANDARD.encode([digest; 20]);
        let _ = write!(
            self.files,
            "<File Digest='{digest}' DigestAlgorithm='SHA1' FileName='{name}' Size='1'/>"
        );
        self
    }

    /// Puts this XML into the rules.
    pub(crate) fn rules(mut self, xml: &str) -> Self {
        self.rules.push_str(xml);
        self
    }

    pub(crate) fn xml(&self) -> String {
        let Self { id, revision, kind, title, relationships, rules, files } = self;
        format!(
            "<Update xmlns='http://schemas.microsoft.com/msus/2002/12/Update'>\
             <UpdateIdentity UpdateID='{id}' RevisionNumber='{revision}'/>\
             <Properties UpdateType='{kind}' DefaultPropertiesLanguage='en' \
             ExplicitlyDeployable='true' CreationDate='2026-10-04T12:00:00Z'/>\
             <LocalizedPropertiesCollection><LocalizedProperties><Language>en</Language>\
             <Title>{title}</Title></LocalizedProperties></LocalizedPropertiesCollection>\
             <Relationships>{relationships}</Relationships>\
             <ApplicabilityRules>{rules}</ApplicabilityRules><Files>{files}</Files></Update>"
        )
    }
}

//! How documents are spelled.
//!
//! In the form in which publishers write (and servers exchange) them: compact, with prefixes
//! declared again where they are used. The order of sections is the schema's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::content::StoredFile;
use super::document::{Clause, Document, Timestamp};
use super::world::PUBLISHER;
use super::xml::{Tag, Writer};
use crate::metadata::model::UpdateType;

const UPDATE: &str = "http://schemas.microsoft.com/msus/2002/12/Update";
const PUBLISHING: &str = "http://schemas.microsoft.com/msus/2002/12/Publishing";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

impl Document {
    /// The text of the document, in UTF-8 without a declaration.
    pub(super) fn to_xml(&self) -> String {
        let mut out = Writer::default();
        let root = out.tag("upd:Update").declare("pub", PUBLISHING);
        root.declare("upd", UPDATE).children();
        self.identity(out.tag("upd:UpdateIdentity"), self.update_id).revision(self.revision);
        self.write_properties(&mut out);
        self.write_texts(&mut out);
        self.write_relationships(&mut out);
        self.write_rules(&mut out);
        self.write_files(&mut out);
        self.write_handler(&mut out);
        out.close("upd:Update");
        out.into_text()
    }

    fn identity<'w>(&self, tag: Tag<'w>, id: Uuid) -> Tag<'w> {
        match self.upper_case {
            true => tag.with("UpdateID", &id.hyphenated().to_string().to_uppercase()),
            false => tag.shown("UpdateID", id.hyphenated()),
        }
    }

    fn write_properties(&self, out: &mut Writer) {
        let update_type = match self.update_type {
            UpdateType::Software => "Software",
            UpdateType::Driver => "Driver",
            UpdateType::Category => "Category",
            UpdateType::Detectoid => "Detectoid",
        };
        let mut tag = out.tag("upd:Properties").with("UpdateType", update_type);
        tag = tag.with("DefaultPropertiesLanguage", "en");
        if self.explicitly_deployable {
            tag = tag.with("AutoSelectOnWebSites", "true").with("ExplicitlyDeployable", "true");
        }
        tag = tag.perhaps("DetectoidType", self.detectoid_type);
        if let Some((name, version)) = &self.release {
            tag = tag.with("ProductName", name).shown("ReleaseVersion", version);
            tag = tag.with("ReleaseRevision", "1");
        }
        if let Some(handler) = &self.handler {
            tag = tag.with("Handler", handler.namespace);
        }
        if matches!(self.update_type, UpdateType::Software | UpdateType::Driver) {
            let size: u64 = self.files.iter().map(|file| file.size).sum();
            tag = tag.shown("MaxDownloadSize", size).with("MinDownloadSize", "0");
        }
        tag = tag.perhaps("MsrcSeverity", self.severity);
        tag = tag.with("PublicationState", if self.expired { "Expired" } else { "Published" });
        tag = tag.shown("CreationDate", Timestamp(self.created)).shown("PublisherID", PUBLISHER);
        tag.perhaps("EulaID", self.eula_id).children();
        if let Some(behavior) = self.reboot {
            out.tag("upd:InstallationBehavior").with("RebootBehavior", behavior).end();
            out.tag("upd:UninstallationBehavior").with("RebootBehavior", behavior).end();
        }
        if let Some(kb) = self.kb {
            out.text("upd:SupportUrl", &support_url(kb));
            out.text("upd:KBArticleID", &kb.to_string());
        }
        if let Some(bulletin) = &self.bulletin {
            out.text("upd:SecurityBulletinID", bulletin);
        }
        out.close("upd:Properties");
    }

    fn write_texts(&self, out: &mut Writer) {
        out.tag("upd:LocalizedPropertiesCollection").children();
        for text in &self.texts {
            out.tag("upd:LocalizedProperties").children();
            out.text("upd:Language", text.language);
            out.text("upd:Title", &text.title);
            if let Some(description) = &text.description {
                out.text("upd:Description", description);
            }
            if let Some(kb) = self.kb {
                out.text("upd:MoreInfoUrl", &support_url(kb));
                out.text("upd:SupportUrl", &support_url(kb));
            }
            out.close("upd:LocalizedProperties");
        }
        for eula in &self.eulas {
            let tag = with_file(out.tag("upd:EulaFile"), &eula.file);
            tag.with("Language", eula.language).children();
            write_sha256(out, &eula.file);
            out.close("upd:EulaFile");
        }
        out.close("upd:LocalizedPropertiesCollection");
    }

    fn write_relationships(&self, out: &mut Writer) {
        let none = self.superseded.is_empty() && self.prerequisites.is_empty();
        if none && self.bundled.is_empty() {
            return;
        }
        out.tag("upd:Relationships").children();
        if !self.superseded.is_empty() {
            out.tag("upd:SupersededUpdates").children();
            for &id in &self.superseded {
                self.identity(out.tag("upd:UpdateIdentity"), id).end();
            }
            out.close("upd:SupersededUpdates");
        }
        if !self.prerequisites.is_empty() {
            out.tag("upd:Prerequisites").children();
            for clause in &self.prerequisites {
                self.write_clause(out, clause);
            }
            out.close("upd:Prerequisites");
        }
        if !self.bundled.is_empty() {
            out.tag("upd:BundledUpdates").children();
            for members in &self.bundled {
                self.write_members(out, members);
            }
            out.close("upd:BundledUpdates");
        }
        out.close("upd:Relationships");
    }

    fn write_clause(&self, out: &mut Writer, clause: &Clause) {
        let alternatives = match clause {
            Clause::Bare(id) => return self.identity(out.tag("upd:UpdateIdentity"), *id).end(),
            Clause::Category(id) => {
                out.tag("upd:AtLeastOne").with("IsCategory", "true").children();
                std::slice::from_ref(id)
            }
            Clause::Any(ids) => {
                out.tag("upd:AtLeastOne").children();
                ids
            }
        };
        for &id in alternatives {
            self.identity(out.tag("upd:UpdateIdentity"), id).end();
        }
        out.close("upd:AtLeastOne");
    }

    fn write_members(&self, out: &mut Writer, members: &[(Uuid, u32)]) {
        if members.len() != 1 {
            out.tag("upd:AtLeastOne").children();
        }
        for &(id, revision) in members {
            self.identity(out.tag("upd:UpdateIdentity"), id).revision(revision);
        }
        if members.len() != 1 {
            out.close("upd:AtLeastOne");
        }
    }

    fn write_rules(&self, out: &mut Writer) {
        let sections = [
            ("upd:IsInstalled", &self.installed),
            ("upd:IsSuperseded", &self.is_superseded),
            ("upd:IsInstallable", &self.installable),
        ];
        if self.metadata.is_empty() && sections.iter().all(|(_, rule)| rule.is_none()) {
            return;
        }
        out.tag("upd:ApplicabilityRules").children();
        for (name, rule) in sections {
            if let Some(rule) = rule {
                out.tag(name).children();
                rule.write(out);
                out.close(name);
            }
        }
        if !self.metadata.is_empty() {
            out.tag("upd:Metadata").children();
            out.raw(&self.metadata);
            out.close("upd:Metadata");
        }
        out.close("upd:ApplicabilityRules");
    }

    fn write_files(&self, out: &mut Writer) {
        if self.files.is_empty() {
            return;
        }
        out.tag("upd:Files").children();
        for file in &self.files {
            let tag = with_file(out.tag("upd:File"), file);
            tag.shown("Modified", Timestamp(self.created))
                .perhaps("PatchingType", file.patching_type)
                .children();
            write_sha256(out, file);
            out.close("upd:File");
        }
        out.close("upd:Files");
    }

    fn write_handler(&self, out: &mut Writer) {
        let Some(handler) = &self.handler else { return };
        let tag = out.tag("upd:HandlerSpecificData").with("xsi:type", handler.data_type);
        // The prefix of the type is the one that its data uses.
        let tag = match handler.data_type.split_once(':') {
            Some((prefix, _)) => tag.declare(prefix, handler.namespace),
            None => tag,
        };
        let tag = tag.declare("xsi", XSI);
        if handler.data.is_empty() {
            tag.end();
        } else {
            tag.children();
            out.raw(&handler.data);
            out.close("upd:HandlerSpecificData");
        }
    }
}

impl Tag<'_> {
    /// Ends an `UpdateIdentity` that names an exact revision.
    fn revision(self, number: u32) {
        self.shown("RevisionNumber", number).end();
    }
}

fn with_file<'w>(tag: Tag<'w>, file: &StoredFile) -> Tag<'w> {
    let tag = tag.shown("Digest", STANDARD.encode(file.sha1.0)).with("DigestAlgorithm", "SHA1");
    tag.with("FileName", &file.name).shown("Size", file.size)
}

fn write_sha256(out: &mut Writer, file: &StoredFile) {
    out.tag("upd:AdditionalDigest").with("Algorithm", "SHA256").children();
    out.raw(&STANDARD.encode(file.sha256.0));
    out.close("upd:AdditionalDigest");
}

fn support_url(kb: u64) -> String {
    format!("https://support.weirworks.example/kb/{kb}")
}

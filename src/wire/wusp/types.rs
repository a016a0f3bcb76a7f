//! Types that several messages share ([MS-WUSP] 2.2.3).

use std::borrow::Cow;

use uuid::Uuid;

use crate::wire::soap::codec::{Base64, Text, Time};
use crate::wire::soap::message_structure;
use crate::wire::soap::read::{
    Problem, RequestError, Structure, guid, int, next_field, request_structure, required, text,
};
use crate::wire::soap::write::Writer;
use crate::wire::time::DateTime;
use crate::wire::types::{RevisionId, Sha1, UpdateIdentity};
use crate::wire::wusp::limits;
use crate::wire::xml::Cursor;

message_structure! {
    /// A cookie as a client presents it ([MS-WUSP] 2.2.3.5, [MS-WSUSSS] 2.2.4.8).
    ///
    /// Any part may be missing: the first GetCookie of an agent brings an `oldCookie` that has only
    /// an expiry.
    pub struct Cookie {
        /// What the client believes; the truth is inside the encrypted data.
        expiration: DateTime = "Expiration" => Time,
        /// The server's own bytes.
        encrypted_data: Vec<u8> = "EncryptedData" => Base64(limits::COOKIE),
    }
}

message_structure! {
    /// Proof of identity from an authorization plug-in ([MS-WUSP] 2.2.3.4, [MS-WSUSSS] 2.2.4.7).
    pub struct AuthorizationCookie<'a> {
        /// The plug-in: `SimpleTargeting` of agents, `DssTargeting` of servers.
        plug_in_id: Cow<'a, str> = "PlugInId" => Text,
        /// The plug-in's own bytes.
        cookie_data: Vec<u8> = "CookieData" => Base64(limits::COOKIE),
    }
}

/// A cookie as this server issues it ([MS-WUSP] 2.2.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedCookie<'r> {
    /// After this instant the client renews it unasked; written with seven fractional digits.
    pub expiration: DateTime,
    /// Opaque to the client.
    pub encrypted_data: &'r [u8],
}

impl IssuedCookie<'_> {
    pub(crate) fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.element(name, |out| {
            out.display("Expiration", self.expiration.with_ticks());
            out.base64("EncryptedData", self.encrypted_data);
        });
    }
}

/// Reads a revision id: an `xs:int` that some server gave out, so never negative.
pub(crate) fn revision_id(cursor: &mut Cursor<'_>) -> Result<RevisionId, RequestError> {
    let id = int(cursor)?;
    u32::try_from(id).map(RevisionId).map_err(|_| RequestError::value(&id.to_string(), "int"))
}

/// Ids for which there is room from the start, those of a usual rescan; a list may grow further.
const IDS_EXPECTED: usize = 2048;

/// Reads a list of revision ids, at most `cap`, as `list(&["int"], cap, revision_id)` would. The
/// lists of a scan have thousands of entries, all written alike: the first of each run is read as
/// any element is, the others without ado.
pub(crate) fn revision_ids(
    cap: usize,
) -> impl FnOnce(&mut Cursor<'_>) -> Result<Vec<RevisionId>, RequestError> {
    move |cursor| {
        let mut ids = Vec::with_capacity(cap.min(IDS_EXPECTED));
        while next_field(cursor, &["int"])?.is_some() {
            if ids.len() >= cap {
                return Err(RequestError::new(Problem::TooMany(cap)));
            }
            ids.push(revision_id(cursor)?);
            cursor.numbers_alike(cap - ids.len(), |number| ids.push(RevisionId(number)));
        }
        Ok(ids)
    }
}

/// Reads an `UpdateIdentity` or `UpdateRevisionIdentifier`; both its parts are needed.
pub(crate) fn update_identity(cursor: &mut Cursor<'_>) -> Result<UpdateIdentity, RequestError> {
    let parts = UpdateIdentityParts::read(cursor)?;
    Ok(UpdateIdentity {
        update_id: required(parts.update_id, "UpdateID")?,
        revision_number: required(parts.revision_number, "RevisionNumber")?.0,
    })
}

request_structure! {
    /// An [`UpdateIdentity`] before both parts are known to be there. A revision number has the
    /// range of a revision id.
    struct UpdateIdentityParts {
        /// The same for all revisions of the update.
        update_id: Uuid = "UpdateID" => guid,
        /// Grows with every revision.
        revision_number: RevisionId = "RevisionNumber" => revision_id,
    }
}

/// A kind of metadata fragment ([MS-WUSP] 2.2.2.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum XmlUpdateFragmentType {
    /// The whole document; never given to clients.
    Published,
    /// What SyncUpdates sends.
    Core,
    /// Files and handler.
    Extended,
    /// In the contract only.
    VerificationRule,
    /// Title and description in one language.
    LocalizedProperties,
    /// A licence.
    Eula,
    /// The files' locations.
    FileUrl,
    /// The files' keys.
    FileDecryption,
    /// A kind that a newer contract names and this server does not have.
    Unknown,
}

impl XmlUpdateFragmentType {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, RequestError> {
        Ok(match text(cursor)?.trim() {
            "Published" => Self::Published,
            "Core" => Self::Core,
            "Extended" => Self::Extended,
            "VerificationRule" => Self::VerificationRule,
            "LocalizedProperties" => Self::LocalizedProperties,
            "Eula" => Self::Eula,
            "FileUrl" => Self::FileUrl,
            "FileDecryption" => Self::FileDecryption,
            _ => Self::Unknown,
        })
    }
}

/// What the client does with a revision ([MS-WUSP] 2.2.2.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeploymentAction {
    /// Offer it for the user to choose; only to agents of Windows 10 1903 and later.
    OptionalInstall,
    /// Install it.
    Install,
    /// Remove it.
    Uninstall,
    /// Do not offer it, report whether it would be needed.
    PreDeploymentCheck,
    /// Overrides another deployment; sent as `PreDeploymentCheck`, or not at all.
    Block,
    /// Do not offer it and do not report on it: categories and detectoids.
    Evaluate,
    /// It is only there because another update bundles it.
    Bundle,
}

impl DeploymentAction {
    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::OptionalInstall => "OptionalInstall",
            Self::Install => "Install",
            Self::Uninstall => "Uninstall",
            Self::PreDeploymentCheck => "PreDeploymentCheck",
            Self::Block => "Block",
            Self::Evaluate => "Evaluate",
            Self::Bundle => "Bundle",
        }
    }
}

/// How a revision is deployed to the client ([MS-WUSP] 2.2.2.2.4).
///
/// The contract makes it optional on an UpdateInfo, but an agent fails its whole scan when it is
/// missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment<'r> {
    /// This server's number for the deployment.
    pub id: u32,
    /// What the client does.
    pub action: DeploymentAction,
    /// When it has to be done.
    pub deadline: Option<DateTime>,
    /// Whether it happens without a user's choice; the real server always says so.
    pub is_assigned: bool,
    /// When the deployment was made. Only the date is written: agents cannot parse more.
    pub last_change_time: DateTime,
    /// How urgent the download is.
    pub download_priority: Option<&'r str>,
    /// For a driver and a client of protocol 1.6 or later: the hardware it is for.
    pub hardware_ids: &'r [&'r str],
    /// For clients of protocol 1.8 or later, and then zero.
    pub auto_select: Option<u32>,
    /// For clients of protocol 1.8 or later, and then zero.
    pub auto_download: Option<u32>,
    /// For clients of protocol 1.8 or later, and then zero.
    pub supersedence_behavior: Option<u32>,
    /// For clients of protocol 1.8 or later, and then zero; the real server leaves it out.
    pub flag_bitmask: Option<u32>,
}

impl Deployment<'_> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.element("Deployment", |out| {
            out.display("ID", self.id);
            out.text("Action", self.action.name());
            if let Some(deadline) = self.deadline {
                out.display("Deadline", deadline);
            }
            out.display("IsAssigned", self.is_assigned);
            out.display("LastChangeTime", self.last_change_time.date());
            if let Some(priority) = self.download_priority {
                out.text("DownloadPriority", priority);
            }
            out.list("HardwareIds", self.hardware_ids, |out, id| out.text("string", id));
            let numbers = [
                ("AutoSelect", self.auto_select),
                ("AutoDownload", self.auto_download),
                ("SupersedenceBehavior", self.supersedence_behavior),
                ("FlagBitmask", self.flag_bitmask),
            ];
            for (name, number) in numbers {
                if let Some(number) = number {
                    out.display(name, number);
                }
            }
        });
    }
}

/// Where a file can be downloaded ([MS-WUSP] 2.2.2.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLocation<'r> {
    /// The file.
    pub file_digest: Sha1,
    /// Its address, on this server or Microsoft's.
    pub url: Cow<'r, str>,
    /// Says `SHA1` in answers to GetExtendedUpdateInfo2; absent elsewhere.
    pub file_digest_algorithm: Option<&'r str>,
}

impl FileLocation<'_> {
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.element("FileLocation", |out| {
            out.base64("FileDigest", &self.file_digest.0);
            out.text("Url", &self.url);
            if let Some(algorithm) = self.file_digest_algorithm {
                out.text("FileDigestAlgorithm", algorithm);
            }
        });
    }
}

/// Writes an `UpdateIdentity` ([MS-WUSP] 2.2.3.6) as the element `name`.
pub(crate) fn write_update_identity(out: &mut Writer<'_>, name: &str, identity: &UpdateIdentity) {
    out.element(name, |out| {
        out.display("UpdateID", identity.update_id);
        out.display("RevisionNumber", identity.revision_number);
    });
}

/// Writes a list of revision ids, or nothing when it is empty.
pub(crate) fn write_revision_ids(out: &mut Writer<'_>, name: &str, ids: &[RevisionId]) {
    out.list(name, ids, |out, id| out.display("int", id));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::soap::read::list;
    use crate::wire::xml::Limits;

    /// What stands in a list of ids: mostly what agents write, in runs, and whatever else may.
    fn piece() -> impl Strategy<Value = String> {
        let odd = [
            "<int/>",
            "<int></int>",
            "<int> 7 </int>",
            "<int>-1</int>",
            "<int>+5</int>",
            "<int>1 2</int>",
            "<int>&#49;</int>",
            "<int><![CDATA[3]]></int>",
            "<int >4</int>",
            "<int>1<!-- -->2</int>",
            "<int>1<x/>2</int>",
            "<int a='b'>5</int>",
            "<int>6</int >",
            "<int xsi:nil='true'>1</int>",
            "<int xmlns='urn:other'>1</int>",
            "<p:int>8</p:int>",
            "<q:int>9</q:int>",
            "<other>1</other>",
            "<int>1</other>",
            "<int>1<int>2</int></int>",
            "<!-- <int>1</int> -->",
            "<?p?>",
            "text",
            "]]>",
            "&amp;",
            " ",
            "\r\n\t",
            "\u{b}",
            "</int>",
            "<int>",
            "<int>999999999</int>",
            "<int>99999999999</int>",
            "<p:int>3</q:int>",
        ];
        prop_oneof![
            6 => prop::collection::vec(0u32..=99_999_999, 1..6).prop_map(|ids| {
                ids.iter().map(|id| format!("<int>{id}</int>")).collect()
            }),
            1 => prop::collection::vec(any::<u32>(), 1..4).prop_map(|ids| {
                ids.iter().map(|id| format!("\n <p:int>{id}</p:int>")).collect()
            }),
            3 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        ]
    }

    /// Reads the lists of a document one after the other, and says how it ends.
    fn lists(
        text: &str,
        limits: Limits,
        read: &dyn Fn(&mut Cursor<'_>) -> Result<Vec<RevisionId>, RequestError>,
    ) -> (Vec<Vec<RevisionId>>, Result<(), RequestError>) {
        let mut cursor = Cursor::new(text, limits);
        let mut lists = Vec::new();
        let mut whole = || {
            cursor.enter_child()?;
            while cursor.enter_child()? {
                lists.push(read(&mut cursor)?);
            }
            Ok(())
        };
        let outcome = whole().and_then(|()| Ok(cursor.finish()?));
        (lists, outcome)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_run_of_ids_is_read_as_its_elements_are(
            pieces in prop::collection::vec(prop::collection::vec(piece(), 0..6), 0..4),
            cap in 0usize..30,
            elements in 1u32..60,
            cut in prop::option::weighted(0.1, 0usize..400),
        ) {
            let lists_of: String = pieces.iter().map(|it| format!("<l>{}</l>", it.concat())).collect();
            let mut text = format!(
                "<r xmlns:p='{0}' xmlns:q='urn:q' xmlns='{0}' xmlns:xsi='{1}'>{lists_of}</r>",
                "http://www.microsoft.com/SoftwareDistribution",
                crate::wire::xml::XSI,
            );
            if let Some(cut) = cut {
                text.truncate(text.floor_char_boundary(cut));
            }
            let limits = Limits { elements, depth: 4, ..Limits::REQUEST };
            let general = lists(&text, limits, &|cursor| list(&["int"], cap, revision_id)(cursor));
            let runs = lists(&text, limits, &|cursor| revision_ids(cap)(cursor));
            prop_assert_eq!(runs, general, "{}", text);
        }
    }
}

//! One update document: what is in it. How it is spelled is the business of `spelling`.

use time::OffsetDateTime;
use uuid::Uuid;

use super::content::StoredFile;
use super::rule::Rule;
use crate::fleet::profile::Version;
use crate::metadata::model::UpdateType;

/// A prerequisite clause, in one of the three spellings that publishers use.
#[derive(Debug, Clone)]
pub(super) enum Clause {
    /// A bare `UpdateIdentity`.
    Bare(Uuid),
    /// `AtLeastOne`.
    Any(Vec<Uuid>),
    /// `AtLeastOne IsCategory="true"`.
    Category(Uuid),
}

/// Title and description in one language.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) language: &'static str,
    pub(super) title: String,
    pub(super) description: Option<String>,
}

/// A licence text.
#[derive(Debug, Clone)]
pub(super) struct Eula {
    pub(super) language: &'static str,
    pub(super) file: StoredFile,
}

/// What an update is installed with.
#[derive(Debug, Clone)]
pub(super) struct Handler {
    /// The namespace that names it in `Properties/@Handler`.
    pub(super) namespace: &'static str,
    /// `HandlerSpecificData/@xsi:type`.
    pub(super) data_type: &'static str,
    /// Children of `HandlerSpecificData`.
    pub(super) data: String,
}

/// One document.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) update_id: Uuid,
    pub(super) revision: u32,
    /// Whether its identifiers are spelled in upper case, as some publishers do.
    pub(super) upper_case: bool,
    pub(super) update_type: UpdateType,
    pub(super) explicitly_deployable: bool,
    pub(super) expired: bool,
    /// Seconds since 1970.
    pub(super) created: i64,
    pub(super) severity: Option<&'static str>,
    pub(super) kb: Option<u64>,
    pub(super) bulletin: Option<String>,
    pub(super) eula_id: Option<Uuid>,
    /// `ProductName` and `ReleaseVersion` of UUP updates.
    pub(super) release: Option<(String, Version)>,
    pub(super) detectoid_type: Option<&'static str>,
    pub(super) reboot: Option<&'static str>,
    pub(super) texts: Vec<Text>,
    pub(super) eulas: Vec<Eula>,
    pub(super) superseded: Vec<Uuid>,
    pub(super) prerequisites: Vec<Clause>,
    /// Bundle clauses; one of a single member is spelled bare.
    pub(super) bundled: Vec<Vec<(Uuid, u32)>>,
    pub(super) installed: Option<Rule>,
    pub(super) is_superseded: Option<Rule>,
    pub(super) installable: Option<Rule>,
    /// Children of `ApplicabilityRules/Metadata`.
    pub(super) metadata: String,
    pub(super) files: Vec<StoredFile>,
    pub(super) handler: Option<Handler>,
}

impl Document {
    /// An empty document, published, in lower case and not explicitly deployable.
    pub(super) fn new(update_id: Uuid, revision: u32, update_type: UpdateType) -> Self {
        Self {
            update_id,
            revision,
            upper_case: false,
            update_type,
            explicitly_deployable: false,
            expired: false,
            created: 0,
            severity: None,
            kb: None,
            bulletin: None,
            eula_id: None,
            release: None,
            detectoid_type: None,
            reboot: None,
            texts: Vec::new(),
            eulas: Vec::new(),
            superseded: Vec::new(),
            prerequisites: Vec::new(),
            bundled: Vec::new(),
            installed: None,
            is_superseded: None,
            installable: None,
            metadata: String::new(),
            files: Vec::new(),
            handler: None,
        }
    }
}

/// Seconds since 1970 as documents write them.
pub(super) struct Timestamp(pub(super) i64);

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let moment = moment(self.0);
        write!(f, "{}-{:02}-{:02}", moment.year(), u8::from(moment.month()), moment.day())?;
        write!(f, "T{:02}:{:02}:{:02}.000Z", moment.hour(), moment.minute(), moment.second())
    }
}

/// Year and month, as titles begin.
pub(super) fn month(seconds: i64) -> String {
    let moment = moment(seconds);
    format!("{}-{:02}", moment.year(), u8::from(moment.month()))
}

/// A calendar day, as drivers are dated.
pub(super) fn day(seconds: i64) -> String {
    let moment = moment(seconds);
    format!("{}-{:02}-{:02}", moment.year(), u8::from(moment.month()), moment.day())
}

fn moment(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

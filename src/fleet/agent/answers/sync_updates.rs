//! Answers to SyncUpdates and RefreshCache.

use std::sync::Arc;

use super::sequence::{boolean, list, revision_ids, text, value};
use super::{Field, Sequence, optional, read_cookie, required};
use crate::fleet::agent::requests::Cookie;
use crate::fleet::applicability::Core;
use crate::fleet::library::Library;
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::types::UpdateIdentity;
use crate::wire::xml::Cursor;

/// A page of a scan.
#[derive(Debug, Default)]
pub struct SyncInfo {
    /// Revisions to cache.
    pub new: Vec<UpdateInfo>,
    /// Revisions to forget.
    pub out_of_scope: Vec<u32>,
    /// Revisions that are deployed in another way than before.
    pub changed: Vec<UpdateInfo>,
    /// Whether there is more.
    pub truncated: bool,
    /// The cookie for the next call.
    pub cookie: Cookie,
    /// Revisions to keep that the scan's categories do not have.
    pub deployed_out_of_scope: Vec<u32>,
}

/// A revision in a page.
#[derive(Debug)]
pub struct UpdateInfo {
    /// The server's number for it.
    pub id: u32,
    /// How it is deployed.
    pub deployment: Deployment,
    /// Whether nothing depends on it.
    pub is_leaf: bool,
    /// Its Core fragment; none in a revision that only changed.
    pub core: Option<Arc<Core>>,
}

/// How a revision is deployed, as far as an agent acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment {
    /// The server's number for the deployment.
    pub id: u32,
    /// What to do.
    pub action: Action,
}

/// What to do with a revision ([MS-WUSP] 2.2.2.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Install it.
    Install,
    /// Offer it.
    OptionalInstall,
    /// Remove it.
    Uninstall,
    /// Report on it.
    PreDeploymentCheck,
    /// Neither.
    Block,
    /// Evaluate it for what depends on it.
    Evaluate,
    /// Evaluate it for what bundles it.
    Bundle,
}

/// A revision's number on this server.
#[derive(Debug)]
pub struct Refreshed {
    /// The revision.
    pub identity: UpdateIdentity,
    /// Its number, deployment and place in the graph.
    pub info: UpdateInfo,
}

/// Reads the answer to SyncUpdates. Fragments are looked up in `library`.
pub fn sync_updates(mut cursor: Cursor<'_>, library: &Library) -> Result<SyncInfo, Complaint> {
    const RESPONSE: &[Field] = &[required("SyncUpdatesResult")];
    const RESULT: &[Field] = &[
        optional("NewUpdates"),
        optional("OutOfScopeRevisionIDs"),
        optional("ChangedUpdates"),
        required("Truncated"),
        required("NewCookie"),
        optional("DeployedOutOfScopeRevisionIds"),
        optional("DriverSyncNotNeeded"),
    ];
    let mut info = SyncInfo::default();
    let mut response = Sequence::new("SyncUpdatesResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        let mut result = Sequence::new("SyncUpdatesResult", RESULT);
        while let Some(field) = result.next(&mut cursor)? {
            match field {
                "NewUpdates" => info.new = updates(&mut cursor, field, Some(library))?,
                "ChangedUpdates" => info.changed = updates(&mut cursor, field, None)?,
                "OutOfScopeRevisionIDs" => info.out_of_scope = revision_ids(&mut cursor, field)?,
                "DeployedOutOfScopeRevisionIds" => {
                    info.deployed_out_of_scope = revision_ids(&mut cursor, field)?;
                }
                "Truncated" => info.truncated = boolean(&mut cursor)?,
                "NewCookie" => info.cookie = read_cookie(&mut cursor, "NewCookie")?,
                _ => {
                    let _: bool = boolean(&mut cursor)?;
                }
            }
        }
    }
    if info.truncated && info.new.is_empty() {
        return Err(Complaint::new(Rule::EmptyPage, "Truncated is true and NewUpdates is empty"));
    }
    Ok(info)
}

/// Reads the answer to RefreshCache.
pub fn refresh_cache(mut cursor: Cursor<'_>) -> Result<Vec<Refreshed>, Complaint> {
    const RESPONSE: &[Field] = &[required("RefreshCacheResult")];
    const ROW: &[Field] =
        &[required("RevisionID"), required("GlobalID"), required("IsLeaf"), required("Deployment")];
    let mut rows = Vec::new();
    let mut response = Sequence::new("RefreshCacheResponse", RESPONSE);
    while response.next(&mut cursor)?.is_some() {
        list(&mut cursor, "RefreshCacheResult", "RefreshCacheResult", |cursor| {
            let mut row = Sequence::new("RefreshCacheResult", ROW);
            let (mut id, mut is_leaf, mut identity, mut deployed) = (0, false, None, None);
            while let Some(field) = row.next(cursor)? {
                match field {
                    "RevisionID" => id = value(cursor)?,
                    "GlobalID" => identity = Some(update_identity(cursor)?),
                    "IsLeaf" => is_leaf = boolean(cursor)?,
                    _ => deployed = Some(deployment(cursor)?),
                }
            }
            if let (Some(identity), Some(deployment)) = (identity, deployed) {
                let info = UpdateInfo { id, deployment, is_leaf, core: None };
                rows.push(Refreshed { identity, info });
            }
            Ok(())
        })?;
    }
    Ok(rows)
}

/// Reads a list of updates: with their fragments if there is a `library` to look them up in.
fn updates(
    cursor: &mut Cursor<'_>,
    parent: &'static str,
    library: Option<&Library>,
) -> Result<Vec<UpdateInfo>, Complaint> {
    let mut updates = Vec::new();
    list(cursor, parent, "UpdateInfo", |cursor| {
        updates.push(update_info(cursor, library)?);
        Ok(())
    })?;
    Ok(updates)
}

fn update_info(
    cursor: &mut Cursor<'_>,
    library: Option<&Library>,
) -> Result<UpdateInfo, Complaint> {
    const NEW: &[Field] =
        &[required("ID"), required("Deployment"), required("IsLeaf"), required("Xml")];
    const CHANGED: &[Field] =
        &[required("ID"), required("Deployment"), required("IsLeaf"), optional("Xml")];
    let (mut id, mut is_leaf, mut core) = (0, false, None);
    let mut deployed = None;
    let mut fields = Sequence::new("UpdateInfo", if library.is_some() { NEW } else { CHANGED })
        .under(Rule::Deployment);
    while let Some(field) = fields.next(cursor)? {
        match (field, library) {
            ("ID", _) => id = value(cursor)?,
            ("Deployment", _) => deployed = Some(deployment(cursor)?),
            ("IsLeaf", _) => is_leaf = boolean(cursor)?,
            (_, Some(library)) => core = Some(library.core(&text(cursor)?)?),
            _ => super::sequence::skip(cursor)?,
        }
    }
    let deployment =
        deployed.ok_or_else(|| Complaint::new(Rule::Deployment, "UpdateInfo: none"))?;
    Ok(UpdateInfo { id, deployment, is_leaf, core })
}

/// Reads a Deployment: seven elements that agents need, in order, and four that may be there.
fn deployment(cursor: &mut Cursor<'_>) -> Result<Deployment, Complaint> {
    const FIELDS: &[Field] = &[
        required("ID"),
        required("Action"),
        optional("Deadline"),
        required("IsAssigned"),
        required("LastChangeTime"),
        optional("DownloadPriority"),
        optional("HardwareIds"),
        required("AutoSelect"),
        required("AutoDownload"),
        required("SupersedenceBehavior"),
        optional("FlagBitmask"),
        optional("ClientBehaviors"),
    ];
    let mut deployment = Deployment { id: 0, action: Action::Evaluate };
    let mut fields = Sequence::new("Deployment", FIELDS).under(Rule::Deployment);
    while let Some(field) = fields.next(cursor)? {
        match field {
            "ID" => deployment.id = value(cursor)?,
            "Action" => deployment.action = value(cursor)?,
            "IsAssigned" => {
                let _: bool = boolean(cursor)?;
            }
            "LastChangeTime" => check_date(&text(cursor)?)?,
            "Deadline" => {
                let _: crate::wire::time::DateTime = value(cursor)?;
            }
            "AutoSelect" | "AutoDownload" | "SupersedenceBehavior" => {
                let _: u32 = value(cursor)?;
            }
            _ => super::sequence::skip(cursor)?,
        }
    }
    Ok(deployment)
}

/// `2026-10-04` and nothing else.
fn check_date(text: &str) -> Result<(), Complaint> {
    let day = time::macros::format_description!("[year]-[month]-[day]");
    match time::Date::parse(text, day) {
        Ok(_) => Ok(()),
        Err(_) => Err(Complaint::new(Rule::LastChangeTime, format!("'{text}' is not a date"))),
    }
}

fn update_identity(cursor: &mut Cursor<'_>) -> Result<UpdateIdentity, Complaint> {
    const FIELDS: &[Field] = &[required("UpdateID"), required("RevisionNumber")];
    let mut identity = UpdateIdentity { update_id: uuid::Uuid::nil(), revision_number: 0 };
    let mut fields = Sequence::new("GlobalID", FIELDS);
    while let Some(field) = fields.next(cursor)? {
        match field {
            "UpdateID" => identity.update_id = value(cursor)?,
            _ => identity.revision_number = value(cursor)?,
        }
    }
    Ok(identity)
}

impl std::str::FromStr for Action {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "Install" => Self::Install,
            "OptionalInstall" => Self::OptionalInstall,
            "Uninstall" => Self::Uninstall,
            "PreDeploymentCheck" => Self::PreDeploymentCheck,
            "Block" => Self::Block,
            "Evaluate" => Self::Evaluate,
            "Bundle" => Self::Bundle,
            _ => return Err(()),
        })
    }
}

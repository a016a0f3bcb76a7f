//! Answers, read as strictly as the contract is written.
//!
//! What reads requests in `wire` is lenient, as a server has to be. An agent of Windows reads by
//! the schema: elements in their order, all that are required, none that it does not know. So do
//! these; what is not like that becomes a [`Complaint`] and ends what the agent was doing.

mod config;
mod extended_update_info;
mod sequence;
mod sync_updates;
#[cfg(test)]
mod tests;

pub use config::{Config, authorization_cookie, config, cookie, preferred_categories};
pub use extended_update_info::{
    ExtendedUpdateInfo, FileLocation, Kind, UpdateData, extended_update_info, file_locations,
};
pub use sync_updates::{
    Action, Deployment, Refreshed, SyncInfo, UpdateInfo, refresh_cache, sync_updates,
};

use crate::fleet::agent::requests::Cookie;
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::operation::Operation;
use crate::wire::soap::{AnswerError, ReceivedFault, open_answer};
use crate::wire::xml::Cursor;

use sequence::{Field, Sequence, optional, required};

/// What a request was answered with, if not with its response.
#[derive(Debug)]
pub enum Unexpected {
    /// A fault, which says what to do.
    Fault(Box<ReceivedFault>),
    /// Nothing that an agent can use.
    Complaint(Complaint),
}

impl From<Complaint> for Unexpected {
    fn from(complaint: Complaint) -> Self {
        Self::Complaint(complaint)
    }
}

/// Steps onto the response of `operation` in an answer.
pub fn open(text: &str, operation: Operation) -> Result<Cursor<'_>, Unexpected> {
    open_answer(text, operation).map_err(|error| match error {
        AnswerError::Fault(fault) => Unexpected::Fault(fault),
        other => Complaint::new(Rule::Envelope, format!("{}: {other}", operation.name())).into(),
    })
}

/// Reads a response that has no content: RegisterComputer's.
pub fn nothing(mut cursor: Cursor<'_>) -> Result<(), Complaint> {
    Sequence::new("RegisterComputerResponse", &[]).next(&mut cursor).map(drop)
}

/// Reads what ReportEventBatch says: whether the events were taken.
pub fn report_event_batch(mut cursor: Cursor<'_>) -> Result<bool, Complaint> {
    const FIELDS: &[Field] = &[required("ReportEventBatchResult")];
    let mut fields = Sequence::new("ReportEventBatchResponse", FIELDS);
    let mut taken = false;
    while fields.next(&mut cursor)?.is_some() {
        taken = sequence::boolean(&mut cursor)?;
    }
    Ok(taken)
}

/// Reads a cookie in the element that `cursor` stepped onto.
fn read_cookie(cursor: &mut Cursor<'_>, parent: &'static str) -> Result<Cookie, Complaint> {
    const FIELDS: &[Field] = &[required("Expiration"), required("EncryptedData")];
    let mut fields = Sequence::new(parent, FIELDS);
    let mut cookie = Cookie::default();
    while let Some(field) = fields.next(cursor)? {
        let text = sequence::text(cursor)?;
        match field {
            "Expiration" => cookie.expiration = text,
            _ => cookie.encrypted_data = text,
        }
    }
    if cookie.encrypted_data.is_empty() {
        return Err(Complaint::new(Rule::Cookie, format!("{parent} is empty")));
    }
    if cookie.expiration.parse::<crate::wire::time::DateTime>().is_err() {
        let what = format!("{parent} expires at '{}'", cookie.expiration);
        return Err(Complaint::new(Rule::Cookie, what));
    }
    Ok(cookie)
}

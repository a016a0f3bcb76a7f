//! What was decided, and undoing it.

use serde_json::{Value, json};

use super::AdminError;
use super::updates::instant;
use crate::policy::by::By;
use crate::state::{AuditEntry, AuditFilter, State};

/// Most entries of one answer.
const LISTED: usize = 10_000;

pub(super) async fn list(
    state: &State,
    last: usize,
    mentions: Option<String>,
) -> Result<Value, AdminError> {
    let filter = AuditFilter { last: last.min(LISTED), mentions };
    Ok(state.audit(filter).await?.into_iter().map(show).collect())
}

pub(super) async fn undo(state: &State, number: u64) -> Result<Value, AdminError> {
    let undone = state.undo(By::administrator(), number).await?;
    Ok(json!({ "undone": show(undone) }))
}

fn show(entry: AuditEntry) -> Value {
    let mut what = entry.value;
    let mut take = |name: &str| what.as_object_mut().and_then(|fields| fields.remove(name));
    let (by, why, before) = (take("by"), take("why"), take("before"));
    json!({
        "number": entry.number,
        "at": instant(entry.at),
        "by": by,
        "why": why,
        "what": what,
        "before": before,
    })
}

//! What was decided, and undoing it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::instant;
use super::{AdminError, Call, Operation, Route};
use crate::state::{AuditEntry, AuditFilter};

/// Most entries of one answer.
const LISTED: usize = 10_000;

/// The latest decisions, oldest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListAudit {
    /// Most of them, the latest; 50 if it is not said.
    pub last: Option<usize>,
    /// Only those that name this: an update's id, a rule, a computer.
    pub mentions: Option<String>,
}

impl Operation for ListAudit {
    type Answer = Vec<Decision>;
    const ROUTE: Route = Route::get("/audit");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let last = self.last.unwrap_or(50).min(LISTED);
        let filter = AuditFilter { last, mentions: self.mentions };
        Ok(call.state().audit(filter).await?.into_iter().map(Decision::of).collect())
    }
}

/// Undo an approval, a decline, a deletion or the move of a computer, if nothing else was decided
/// since.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct UndoDecision {
    /// Its number.
    pub number: u64,
}

impl Operation for UndoDecision {
    type Answer = Undone;
    const ROUTE: Route = Route::post("/audit/{number}/undo");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let undone = call.state().undo(call.by(), self.number).await?;
        Ok(Undone { undone: Decision::of(undone) })
    }
}

/// What was undone.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// The decision.
    pub undone: Decision,
}

/// One decision.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Its number; they never come again.
    pub number: u64,
    /// When.
    pub at: Option<String>,
    /// Who decided.
    pub by: Option<String>,
    /// Who had it decided, where a rule or a cleanup decided that somebody ran by hand.
    pub started_by: Option<String>,
    /// Why, where there is a reason to tell.
    pub why: Option<String>,
    /// What was decided, as the journal has it.
    pub what: Value,
    /// What was there before, where something was.
    pub before: Option<Value>,
}

impl Decision {
    fn of(entry: AuditEntry) -> Self {
        let mut what = entry.value;
        let mut take = |name: &str| what.as_object_mut().and_then(|fields| fields.remove(name));
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let (by, started_by) = (text(take("by")), text(take("started_by")));
        let (why, before) = (text(take("why")), take("before"));
        Self { number: entry.number, at: instant(entry.at), by, started_by, why, what, before }
    }
}

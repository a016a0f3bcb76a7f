//! What happens because time passes: decisions that go live.
//!
//! It is a change like any other, made by the writer, so that clients are told of it as of any
//! other and nothing else has to look at a clock.

use super::model::Model;
use super::transaction::Transaction;

/// Whether some decision went live by `now` (unix seconds) and nobody was told yet.
pub(super) fn is_due(model: &Model, now: i64) -> bool {
    model.waiting.first().is_some_and(|(at, _)| *at <= now)
}

/// Lets everything count whose time has come.
pub(super) fn go_live(transaction: &mut Transaction<'_>) {
    let now = transaction.now;
    // Storing a decision that is live takes it off the list.
    while let Some(&(_, update)) = transaction.model.waiting.first().filter(|(at, _)| *at <= now) {
        let is_due = |at: Option<i64>| at.is_some_and(|at| at <= now);
        let mut record = transaction.model.decision(update);
        let changed = transaction.sequence();
        for approval in &mut record.approvals {
            if !approval.live && is_due(approval.terms.go_live) {
                approval.live = true;
                approval.changed = changed;
            }
        }
        transaction.put_decision(record);
    }
}

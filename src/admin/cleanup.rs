//! Cleaning up.

use serde_json::{Value, json};

use super::AdminError;
use super::updates::deleted;
use crate::state::{CleanupSettings, State};

/// Says what is cleaned up, and does it if `run`.
pub(super) async fn clean_up(
    state: &State,
    settings: CleanupSettings,
    run: bool,
) -> Result<Value, AdminError> {
    let cleanup = match run {
        true => state.clean_up(settings).await?,
        false => state.preview_cleanup(settings).await?,
    };
    let declines = cleanup
        .declines
        .iter()
        .map(|(update, reason)| json!({ "update_id": update, "reason": reason }));
    Ok(json!({
        "done": run,
        "declined": declines.collect::<Value>(),
        "deleted": cleanup.deletions.iter().flat_map(|it| &it.0).map(deleted).collect::<Value>(),
        "computers": cleanup.computers,
    }))
}

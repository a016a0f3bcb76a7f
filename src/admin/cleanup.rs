//! Cleaning up.

use serde_json::{Value, json};

use super::AdminError;
use super::updates::deleted;
use crate::state::{CleanupSettings, State};
use crate::upstream::Upstream;

/// Says what is cleaned up, and does it if `run`.
pub(super) async fn clean_up(
    state: &State,
    upstream: &Upstream,
    settings: CleanupSettings,
    run: bool,
) -> Result<Value, AdminError> {
    let settings =
        CleanupSettings { keep_all_content: upstream.keeps_all_content().await?, ..settings };
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
        "content": {
            "files": cleanup.content.len(),
            "bytes": cleanup.content.iter().map(|(_, length)| length).sum::<u64>(),
        },
        "computers": cleanup.computers,
    }))
}

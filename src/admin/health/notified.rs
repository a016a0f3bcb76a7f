//! Whether those who want to be told are told: a channel that nothing reaches cannot say so itself.

use super::{Found, error, ok, warn};
use crate::admin::Subject;
use crate::notifications::channels;

/// Seconds after which a message that was refused has waited too long.
const LATE: i64 = 3600;
/// Seconds for which messages that nobody got are an error: as long as it takes to be read on Monday.
const RECENT: i64 = 3 * 86_400;

pub(super) async fn delivered(subject: &Subject) -> Found {
    let now = subject.state.now();
    let all = channels(&subject.state).await?;
    if all.channels.is_empty() {
        return ok("nobody wants to be notified");
    }
    let (waiting, counted) = subject.state.outbox().await?;
    let recent = counted.dropped.iter().filter(|(_, dropped)| now - dropped.last <= RECENT);
    if let Some((name, dropped)) = recent.max_by_key(|(_, dropped)| dropped.last) {
        return error(format!("{} messages never reached '{name}'", dropped.count));
    }
    let late = waiting.iter().find(|it| it.error.is_some() && now - it.created > LATE);
    match late {
        Some(message) => warn(format!(
            "messages to '{}' wait for more than an hour: {}",
            message.channel,
            message.error.as_deref().unwrap_or_default()
        )),
        None => ok("messages arrive"),
    }
}

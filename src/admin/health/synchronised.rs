//! Checks of what comes from the upstream server.

use super::{Found, error, ok, warn};
use crate::admin::content::missing;
use crate::admin::{Subject, instant};

const DAY: i64 = 86_400;

pub(super) async fn catalog(subject: &Subject) -> Found {
    if subject.upstream.source().await?.is_none() {
        return ok("no upstream server is configured");
    }
    let mut runs = subject.upstream.history().await?;
    runs.retain(|run| !run.is_cancelled());
    if let Some(last) = runs.last().filter(|run| run.is_failed()) {
        let (at, reason) = (instant(last.ended), last.reason.as_deref().unwrap_or("unknown"));
        let at = at.unwrap_or_default();
        return error(format!("the last synchronization failed at {at}: {reason}"));
    }
    let whole = runs.iter().rev().find(|run| !run.categories_only && !run.is_failed());
    let Some(whole) = whole else { return warn("nothing was ever synchronised") };
    let at = instant(whole.ended).unwrap_or_default();
    let days = subject.monitor.settings().sync_days;
    match subject.state.now() - whole.ended > i64::from(days) * DAY {
        true => warn(format!("the last synchronization ended at {at}, more than {days} days ago")),
        false => ok(format!("the last synchronization ended at {at}")),
    }
}

pub(super) fn content(subject: &Subject) -> Found {
    let downloads = subject.upstream.downloads();
    if let Some(first) = downloads.files_failed.first() {
        return error(format!(
            "{} files did not come; {}: {}",
            downloads.files_failed.len(),
            first.sha1,
            first.reason
        ));
    }
    let missing = missing(&subject.state.published());
    match (missing, downloads.files_on_their_way) {
        (0, _) => ok("all files of approved updates are here"),
        (missing, 0) => warn(format!(
            "{missing} files of approved updates are not here, and none is on its way; \
             `weir content status` lists them"
        )),
        (missing, some) => ok(format!("{missing} files are missing, {some} on their way")),
    }
}

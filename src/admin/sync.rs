//! Synchronising, as an administrator sees it.

use serde_json::{Value, json};

use super::AdminError;
use super::updates::instant;
use crate::upstream::records::{ReportRecord, Run, ScheduleRecord, SetAside, SourceRecord};
use crate::upstream::{SelectionChange, Upstream};

pub(super) async fn source(
    upstream: &Upstream,
    new: Option<SourceRecord>,
) -> Result<Value, AdminError> {
    if let Some(new) = new {
        upstream.set_source(new).await?;
    }
    Ok(serde_json::to_value(upstream.source().await?).unwrap_or_default())
}

pub(super) async fn select(
    upstream: &Upstream,
    change: Option<SelectionChange>,
) -> Result<Value, AdminError> {
    let selection = match change {
        Some(change) => upstream.select(change).await?,
        None => upstream.selection().await?,
    };
    Ok(serde_json::to_value(selection).unwrap_or_default())
}

pub(super) async fn schedule(
    upstream: &Upstream,
    new: Option<ScheduleRecord>,
) -> Result<Value, AdminError> {
    if let Some(new) = new {
        upstream.set_schedule(new).await?;
    }
    Ok(serde_json::to_value(upstream.schedule().await?).unwrap_or_default())
}

pub(super) async fn status(upstream: &Upstream) -> Result<Value, AdminError> {
    let last = upstream.history().await?.pop();
    Ok(json!({
        "running": upstream.running(),
        "downloads": upstream.downloads(),
        "last": last.as_ref().map(run),
        "reported": upstream.reported().await?.as_ref().map(reported),
    }))
}

pub(super) async fn report(upstream: &Upstream) -> Result<Value, AdminError> {
    Ok(reported(&upstream.report().await?))
}

/// What the upstream server was told.
fn reported(report: &ReportRecord) -> Value {
    let mut shown = json!({
        "at": instant(report.at).filter(|_| report.at > 0),
        "upstream": report.server,
        "computers": report.computers,
        "details": report.details,
        "states": report.states,
    });
    if let Some(reason) = &report.failed {
        shown["failed"] = json!(reason);
    }
    shown
}

pub(super) async fn history(upstream: &Upstream) -> Result<Value, AdminError> {
    Ok(upstream.history().await?.iter().rev().map(run).collect())
}

/// One synchronization; what did not happen is left out.
fn run(run: &Run) -> Value {
    let mut shown = json!({
        "number": run.number,
        "status": run.status,
        "began": instant(run.began),
        "ended": instant(run.ended),
        "categories_only": run.categories_only,
        "new": run.new,
        "changed": run.changed,
        "unchanged": run.unchanged,
        "failures": run.failures,
        "failed": run.failed.iter().map(set_aside).collect::<Vec<_>>(),
        "events": run.events.iter().map(|event| json!({
            "time": instant(event.time),
            "id": event.id,
            "text": event.text,
        })).collect::<Vec<_>>(),
    });
    if let Some(reason) = &run.reason {
        shown["reason"] = json!(reason);
    }
    shown
}

fn set_aside(failed: &SetAside) -> Value {
    json!({ "revision": failed.revision.to_string(), "reason": failed.reason })
}

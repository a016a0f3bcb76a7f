//! What happens, as it happens: for live views.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AdminError, Call, Download, Operation, Route};
use crate::state::Told;

/// How often something is sent when nothing happens, so that both sides know that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What happens from now on, as server-sent events. Each has its name as `event`, and as `data` one
/// line of JSON. It ends with the token, the session or the account that asks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct FollowEvents {}

impl Operation for FollowEvents {
    type Answer = ();
    const ROUTE: Route = Route::get("/events");
    const DOWNLOAD: Option<Download> = Some(Download {
        media_type: "text/event-stream",
        description: "Events as they happen, with a comment every 15 seconds in between.",
        endless: true,
        item: Some(|generator| generator.subschema_for::<Told>()),
    });

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let watcher = call.state().events().watch()?;
        let sink = call.sink()?;
        // Whoever has read this misses nothing of what comes after.
        sink.send("retry: 3000\n: watching\n\n").await?;
        loop {
            let event = tokio::select! {
                told = watcher.next() => frame(&told)?,
                () = tokio::time::sleep(HEARTBEAT) => ": alive\n\n".to_owned(),
                () = sink.closed() => return Ok(()),
            };
            sink.send(event).await?;
        }
    }
}

/// JSON has no line ends outside its texts, and writes those inside as `\n`: nothing that a computer
/// says of itself can end a line here.
fn frame(told: &Told) -> Result<String, AdminError> {
    let misunderstood = |error: serde_json::Error| AdminError::Misunderstood(error.to_string());
    let data = serde_json::to_string(told).map_err(misunderstood)?;
    Ok(format!("event: {}\ndata: {data}\n\n", told.what.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Happening;

    #[test]
    fn a_name_with_line_ends_is_one_line() {
        let name = "pc\r\n\r\nevent: health\ndata: {}\u{2028}\u{85}".to_owned();
        let what =
            Happening::ComputerChanged { computer: "x".to_owned(), name: name.clone(), new: true };
        let frame = frame(&Told { at: None, what: what.clone() }).expect("JSON");
        let lines: Vec<&str> = frame.split(['\r', '\n']).collect();
        assert_eq!(lines.len(), 4, "{frame:?}");
        assert_eq!(lines[0], "event: computer_changed");
        let data = lines[1].strip_prefix("data: ").expect("data");
        assert_eq!(serde_json::from_str::<Told>(data).expect("JSON").what, what);
    }
}

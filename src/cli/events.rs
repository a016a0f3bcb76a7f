//! `weir events`.

use std::io;

use clap::Args;
use serde_json::Value;

use super::output::{cell, harmless_json, write_out};
use super::{CliError, Context};
use crate::admin::events::FollowEvents;

/// Most bytes of one event: the longest entry of the audit trail, and then some.
const EVENT_LIMIT: usize = 16 << 20;

/// Follow what happens on a server, one event a line, until it or you end.
#[derive(Debug, Args)]
pub(super) struct Events {}

impl Events {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let access = context.access()?;
        let json = context.output.json;
        let mut lines = Lines::default();
        let each = |piece: &[u8]| {
            for event in lines.take(piece)? {
                write_out(&line(event, json)).map_err(io::Error::other)?;
            }
            Ok(())
        };
        let ended = access.download(FollowEvents {}, each).await;
        access.close().await;
        ended?;
        Err(CliError::Failed("the server tells no more".to_owned()))
    }
}

fn line(mut event: Value, json: bool) -> String {
    if json {
        return format!("{}\n", harmless_json(&event.to_string()));
    }
    let mut take = |name: &str| {
        let fields = event.as_object_mut();
        cell(&fields.and_then(|fields| fields.remove(name)).unwrap_or_default())
    };
    let (at, name) = (take("at"), take("event"));
    format!("{at}  {name:<18}  {}\n", cell(&event))
}

/// Puts the data of events together from pieces that end anywhere.
#[derive(Debug, Default)]
struct Lines(Vec<u8>);

impl Lines {
    /// The events that have ended with this piece.
    fn take(&mut self, piece: &[u8]) -> io::Result<Vec<Value>> {
        self.0.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            if let Some(data) = line.strip_prefix(b"data: ") {
                events.push(serde_json::from_slice(data).map_err(io::Error::other)?);
            }
        }
        if self.0.len() > EVENT_LIMIT {
            return Err(io::Error::other("an event does not end"));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_from_any_pieces() {
        let text = ": watching\n\nevent: a\ndata: {\"event\":\"a\"}\n\n: alive\n\ndata: 7\n\n";
        for length in 1..text.len() {
            let mut lines = Lines::default();
            let pieces = text.as_bytes().chunks(length);
            let events: Vec<Value> = pieces.flat_map(|it| lines.take(it).expect("JSON")).collect();
            assert_eq!(events, [serde_json::json!({ "event": "a" }), 7.into()], "{length}");
        }
    }
}

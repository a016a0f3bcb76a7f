//! Reported events: what is kept of them, for how long, and how a resent one is recognised.
//!
//! As on the real server, an event that names an update is kept, of the others only the latest of
//! each kind, and a status report (156) is not kept at all: its content is the statuses. What is
//! kept is one bounded record a computer, so a flood replaces itself.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::status::LastScan;
use crate::wire::types::UpdateIdentity;

/// Most events kept of one computer.
pub const EVENTS_KEPT: usize = 64;
/// Most instance ids remembered of one computer, to recognise events that are sent again.
pub const INSTANCES_KEPT: usize = 256;
/// Most scans kept of one computer: a fortnight of them, as agents scan every 22 hours.
pub const SCANS_KEPT: usize = 16;
/// Most bytes kept of one string of an event.
pub const STRING_LIMIT: usize = 256;
/// Most replacement strings kept of one event.
const STRINGS_KEPT: usize = 4;

/// `AGENT_STATUS_30` ([MS-WUSP] 2.2.2.3.1): the state of all updates at once.
pub const STATUS_REPORT: i16 = 156;
/// `AGENT_DETECTION_FINISHED`.
pub const DETECTION_FINISHED: i16 = 147;
/// `AGENT_DETECTION_FAILED`.
pub const DETECTION_FAILED: i16 = 148;
/// `AGENT_DETECTION_INIT_FAILED`.
pub const DETECTION_INIT_FAILED: i16 = 157;
/// `AGENT_DETECTION_SERVICE_REG_FAILED`.
pub const DETECTION_SERVICE_REG_FAILED: i16 = 158;
/// `AU_REBOOT_COMPLETED`.
pub const REBOOT_COMPLETED: i16 = 202;

/// One event as the domain sees it, its times corrected to this server's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `EventInstanceID`: the same for every copy of the event.
    pub instance: Uuid,
    /// `EventID`.
    pub event_id: i16,
    /// `SourceID`.
    pub source: i16,
    /// The update it is about.
    pub update: Option<UpdateIdentity>,
    /// Unix seconds when it happened.
    pub at: i64,
    /// `Win32HResult`.
    pub result: i32,
    /// `AppName`.
    pub app: String,
    /// `ReplacementStrings`, bounded.
    pub strings: Vec<String>,
    /// `MiscData` as `(tag, value)`. Not stored: only a status report's lists are used, at once.
    #[serde(skip)]
    pub misc: Vec<(String, String)>,
}

impl Event {
    /// Cuts all texts to their limits.
    pub fn bounded(mut self) -> Self {
        let cut = |text: &mut String| text.truncate(text.floor_char_boundary(STRING_LIMIT));
        cut(&mut self.app);
        self.strings.truncate(STRINGS_KEPT);
        self.strings.iter_mut().for_each(cut);
        self
    }
}

#[cfg(test)]
impl Event {
    /// A status report with these lists, as tests make them; its time is its name too.
    pub(crate) fn status(at: i64, lists: &[(&str, &[Uuid])]) -> Self {
        let list = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(";");
        Self {
            instance: Uuid::from_u128(at.unsigned_abs().into()),
            event_id: STATUS_REPORT,
            source: 101,
            update: None,
            at,
            result: 0,
            app: String::new(),
            strings: Vec::new(),
            misc: lists.iter().map(|(tag, ids)| ((*tag).to_owned(), list(ids))).collect(),
        }
    }
}

/// The events of one computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLog {
    /// Oldest first.
    pub events: VecDeque<Event>,
    /// Ids of the events seen last, oldest first, kept or not.
    instances: VecDeque<Uuid>,
    /// How its scans ended, as they were reported, oldest first.
    pub scans: VecDeque<LastScan>,
}

impl EventLog {
    /// What was kept before scans were.
    pub fn restore(events: VecDeque<Event>, instances: VecDeque<Uuid>) -> Self {
        let scans = events.iter().filter_map(LastScan::of).collect();
        Self { events, instances, scans }
    }

    /// Notes an event. False when it was seen before: then nothing is to be done with it.
    pub fn note(&mut self, event: &Event) -> bool {
        if self.instances.contains(&event.instance) {
            return false;
        }
        if self.instances.len() >= INSTANCES_KEPT {
            self.instances.pop_front();
        }
        self.instances.push_back(event.instance);
        if let Some(scan) = LastScan::of(event) {
            if self.scans.len() >= SCANS_KEPT {
                self.scans.pop_front();
            }
            self.scans.push_back(scan);
        }
        if event.event_id == STATUS_REPORT {
            return true;
        }
        if event.update.is_none() {
            self.events.retain(|old| old.update.is_some() || old.event_id != event.event_id);
        }
        if self.events.len() >= EVENTS_KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event.clone().bounded());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(instance: u128, event_id: i16, update: Option<u128>) -> Event {
        Event {
            instance: Uuid::from_u128(instance),
            event_id,
            source: 101,
            update: update
                .map(|id| UpdateIdentity { update_id: Uuid::from_u128(id), revision_number: 1 }),
            at: 0,
            result: 0,
            app: "x".repeat(1000),
            strings: vec!["é".repeat(1000); 9],
            misc: Vec::new(),
        }
    }

    #[test]
    fn a_resent_event_is_recognised_also_when_it_was_not_kept() {
        let mut log = EventLog::default();
        assert!(log.note(&event(1, STATUS_REPORT, None)));
        assert!(!log.note(&event(1, STATUS_REPORT, None)));
        assert!(log.events.is_empty());
    }

    #[test]
    fn events_without_an_update_replace_their_kind() {
        let mut log = EventLog::default();
        assert!(log.note(&event(1, 147, None)));
        assert!(log.note(&event(2, 182, Some(5))));
        assert!(log.note(&event(3, 182, Some(5))));
        assert!(log.note(&event(4, 147, None)));
        let kept: Vec<_> = log.events.iter().map(|kept| kept.instance.as_u128()).collect();
        assert_eq!(kept, [2, 3, 4]);
    }

    #[test]
    fn the_log_is_bounded_in_every_direction() {
        let mut log = EventLog::default();
        for number in 0..1000 {
            assert!(log.note(&event(number, 182, Some(number))));
        }
        assert_eq!(log.events.len(), EVENTS_KEPT);
        assert_eq!(log.instances.len(), INSTANCES_KEPT);
        let kept = &log.events[0];
        assert!(kept.app.len() <= STRING_LIMIT && kept.strings.len() <= STRINGS_KEPT);
        assert!(kept.strings.iter().all(|text| text.len() <= STRING_LIMIT));
    }
}

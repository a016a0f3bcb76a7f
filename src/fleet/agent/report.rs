//! What an agent reports, and when.
//!
//! A scan that reached the server makes two events: how it went (147), and how every update stands
//! (156). Downloads and installations make their own. Events wait until there is an occasion to
//! send them all.

use std::sync::atomic::Ordering;

use time::OffsetDateTime;

use super::Agent;
use super::answers;
use super::datastore::Standing;
use super::requests::{self, Event};
use super::session::Reader;
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::operation::Operation;
use crate::wire::types::UpdateIdentity;

/// Most events in one report.
const BATCH: usize = 100;

/// `WU_E_PT_EXCEEDED_MAX_SERVER_TRIPS`.
const TOO_MANY_TRIPS: i32 = i32::from_be_bytes([0x80, 0x24, 0x40, 0x10]);

/// `WU_E_PT_ENDPOINT_UNREACHABLE`, which agents were seen to tell of whatever a server does.
const NO_SERVER: i32 = i32::from_be_bytes([0x80, 0x24, 0x04, 0x38]);

/// Something that happened to an update.
#[derive(Debug, Clone)]
pub(super) struct Happening {
    /// The event's number.
    pub(super) id: u16,
    /// The update.
    pub(super) update: UpdateIdentity,
    /// How it went.
    pub(super) result: i32,
    /// What the update is called.
    pub(super) title: String,
    /// Whether it is a bundle.
    pub(super) is_bundle: bool,
    /// The bundle that it is installed for.
    pub(super) part_of: Option<UpdateIdentity>,
    /// Bytes that were downloaded.
    pub(super) bytes: Option<u64>,
}

/// How all updates stand, as event 156 tells it: lists of update ids.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Status {
    /// `U`: can be installed.
    pub(super) installable: Vec<String>,
    /// `V`: are installed.
    pub(super) installed: Vec<String>,
    /// `W`: wait for a restart.
    pub(super) pending_reboot: Vec<String>,
    /// `g`: could not be installed.
    pub(super) failed: Vec<String>,
    /// `h`: are downloaded.
    pub(super) downloaded: Vec<String>,
}

impl Agent {
    /// Takes note of what happened to an update, until the next report.
    pub(super) fn note(&mut self, happening: Happening) {
        let Happening { id, update, result, title, is_bundle, part_of, bytes } = happening;
        let replacement_strings = match (id, part_of) {
            (_, Some(_)) => Vec::new(),
            (182, None) => vec![format!("0x{result:08X}"), title],
            (_, None) => vec![title],
        };
        let mut tags = vec![("Q", if is_bundle { "2" } else { "1" }.to_owned())];
        if let Some(bytes) = bytes {
            tags.push(("B", bytes.to_string()));
        }
        if matches!(id, 183 | 201) {
            tags.push(("D", "1".to_owned()));
        }
        if id == 182 {
            tags.push(("C", "1".to_owned()));
            match part_of {
                Some(UpdateIdentity { update_id, revision_number }) => {
                    let root = update_id.to_string().to_uppercase();
                    tags.push(("M", format!("{root};{revision_number}")));
                    tags.push(("F", result.to_string()));
                }
                None if is_bundle => tags.push(("P", "1".to_owned())),
                None => tags.push(("F", result.to_string())),
            }
        }
        let event = self.event(id, Some(update), result, replacement_strings, tags);
        self.events.push(event);
    }

    /// Takes note of a scan that reached the server, and of how everything stands after it.
    pub(super) fn note_scan(&mut self) {
        let found = self.store.iter().filter(|(_, cached)| cached.is_wanted()).count();
        let tags = vec![
            ("Q", "1".to_owned()),
            ("B", self.store.len().to_string()),
            ("C", "1".to_owned()),
            ("k", "true".to_owned()),
        ];
        let scan = self.event(147, None, 0, vec![found.to_string()], tags);
        let mut tags = vec![("Q", "1".to_owned())];
        let Status { installable, installed, pending_reboot, failed, downloaded } = self.status();
        let lists = [
            ("U", installable),
            ("V", installed),
            ("W", pending_reboot),
            ("g", failed),
            ("h", downloaded),
        ];
        for (tag, list) in lists {
            if !list.is_empty() {
                tags.push((tag, list.join(";")));
            }
        }
        let status = self.event(156, None, 0, Vec::new(), tags);
        self.events.extend([scan, status]);
    }

    /// Takes note of a scan that failed because the server broke this rule.
    pub(super) fn note_failed_scan(&mut self, broken: Rule) {
        let result = match broken {
            Rule::TooManyTrips => TOO_MANY_TRIPS,
            _ => NO_SERVER,
        };
        let tags = vec![("Q", "1".to_owned()), ("O", "1".to_owned()), ("k", "true".to_owned())];
        let strings = vec![format!("0x{result:08X}")];
        let event = self.event(148, None, result, strings, tags);
        self.events.push(event);
    }

    /// How everything stands: software and drivers that are there for their own sake. An update is
    /// in one list only.
    pub(super) fn status(&self) -> Status {
        let mut status = Status::default();
        for (_, cached) in self.store.iter().filter(|(_, cached)| cached.is_reported()) {
            let update = cached.core.identity.update_id;
            let list = if self.machine.is_pending(&update) {
                &mut status.pending_reboot
            } else if cached.standing == Standing::Installed {
                &mut status.installed
            } else if cached.standing != Standing::Installable {
                continue;
            } else if self.failed.contains(&update) {
                &mut status.failed
            } else if self.downloaded.contains(&update) {
                &mut status.downloaded
            } else {
                &mut status.installable
            };
            list.push(update.to_string().to_uppercase());
        }
        let lists = [
            &mut status.installable,
            &mut status.installed,
            &mut status.pending_reboot,
            &mut status.failed,
            &mut status.downloaded,
        ];
        lists.into_iter().for_each(|list| list.sort_unstable());
        status
    }

    /// Sends what waits to be reported.
    pub(super) async fn report(&mut self) -> Result<(), Complaint> {
        while !self.events.is_empty() {
            let build = |agent: &Self| {
                let count = agent.events.len().min(BATCH);
                let reporter = agent.computer.reporter();
                let events = &agent.events[..count];
                requests::report_event_batch(&agent.session.cookie, &now(), &reporter, events)
            };
            let count = self.events.len().min(BATCH);
            let read: Reader<'_, _> = &|cursor, _| answers::report_event_batch(cursor);
            if !self.call(Operation::ReportEventBatch, &build, read).await? {
                let what = "ReportEventBatch answers false";
                return Err(Complaint::new(Rule::ReportRefused, what));
            }
            self.events.drain(..count);
            self.world.statistics.events.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(())
    }

    fn event(
        &mut self,
        id: u16,
        update: Option<UpdateIdentity>,
        result: i32,
        replacement_strings: Vec<String>,
        tags: Vec<(&str, String)>,
    ) -> Event {
        Event {
            time_at_target: now(),
            instance: self.event_ids.uuid(),
            id,
            update,
            result,
            app_name: None,
            replacement_strings,
            misc_data: misc_data(tags, &self.computer),
        }
    }
}

/// `MiscData` in the order in which agents write it: capital letters, names, small letters, the
/// rest.
fn misc_data(mut tags: Vec<(&str, String)>, computer: &super::computer::Computer) -> Vec<String> {
    tags.extend([
        ("G", computer.agency.version.clone()),
        ("J", computer.sampling.to_string()),
        ("K", computer.registration.bios_name.clone()),
        ("L", computer.registration.bios_release_date.trim_end_matches('Z').to_owned()),
        ("T", computer.registration.bios_name.clone()),
        ("c", computer.sku.to_string()),
    ]);
    let zeros = ["m", "o", "p", "q", "r", "w"].map(|tag| (tag, "0".to_owned()));
    tags.extend(zeros);
    tags.extend([("n", "1".to_owned()), ("x", "1".to_owned())]);
    tags.sort_by_key(|(tag, _)| *tag);
    let text = |(tag, value): &(&str, String)| format!("{tag}={value}");
    let is_capital = |(tag, _): &&(&str, String)| tag.starts_with(|c: char| c.is_ascii_uppercase());
    let mut texts: Vec<String> = tags.iter().filter(is_capital).map(text).collect();
    texts.extend(["AppName=UpdateOrchestrator".to_owned(), "CsiErrorType=0".to_owned()]);
    texts.extend(tags.iter().filter(|tag| !is_capital(tag)).map(text));
    let rest = ["dd=0", "ff=0", "WUfBOn=0", "WUfBDS=0", "DisableDS=1", "PauseQU=0", "PauseFU=0"];
    texts.extend(rest.map(str::to_owned));
    texts
}

/// Now, in milliseconds, as an agent writes it.
fn now() -> String {
    let form = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    );
    OffsetDateTime::now_utc().format(form).unwrap_or_default()
}

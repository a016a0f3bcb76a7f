//! What there is to tell: read off what the server knows, against a note of what was told already.
//!
//! Nothing here listens to anything: synchronizations, counters and downloads are looked at again
//! and again, so a restart in between loses nothing. A failure that goes on is told once.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::channel::{Channel, Day, DigestTime, Topic};
use crate::computers::Counts;
use crate::metadata::model::UpdateType;
use crate::policy::target_group::ALL_COMPUTERS;
use crate::state::records::first_version;
use crate::state::{Outgoing, State, StateError};
use crate::upstream::Upstream;
use crate::upstream::records::Run;
use crate::wire::time::DateTime;

/// Most updates, files and computers that one message names.
const NAMED: usize = 50;
/// Most updates, and most files, of which it is noted that their failure was told.
const NOTED: usize = 2000;
const DAY: i64 = 86_400;
/// Days without a sign after which a digest counts a computer as silent.
const SILENT: i64 = 7;

/// What was told already. In `meta`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToldRecord {
    /// The last synchronization that was looked at.
    pub last_run: u64,
    /// By channel, the last digest in Unix seconds.
    pub digests: BTreeMap<String, i64>,
    /// By channel, the updates whose failure was told and goes on.
    pub failing: BTreeMap<String, BTreeSet<Uuid>>,
    /// The files whose failure was told and goes on, by their SHA-1.
    pub files: BTreeSet<String>,
}

first_version! {
    ToldRecord, "note of what was told";
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
struct Notice {
    topic: Topic,
    subject: String,
    lines: Vec<String>,
    data: Value,
}

impl Notice {
    fn to(&self, channel: &Channel, now: i64) -> Outgoing {
        self.called(self.topic.name(), channel, now)
    }

    fn called(&self, event: &str, channel: &Channel, now: i64) -> Outgoing {
        let at = DateTime::from_unix(now, 0).map(|at| at.to_string());
        let data = json!({
            "event": event,
            "at": at,
            "subject": self.subject,
            "data": self.data,
        });
        Outgoing {
            number: 0,
            channel: channel.name.clone(),
            event: event.to_owned(),
            created: now,
            attempts: 0,
            next: now,
            subject: format!("[Weir] {}", self.subject),
            text: format!("{}\n\n{}\n", self.subject, self.lines.join("\n")),
            data: data.to_string(),
            error: None,
        }
    }
}

/// A message that says that messages arrive. It is called so in what is signed, too: by its signature
/// nobody can take it for one of something that happened.
pub(super) fn test(channel: &Channel, now: i64) -> Outgoing {
    let notice = Notice {
        topic: channel.topics.first().copied().unwrap_or(Topic::Digest),
        subject: "Test of a notification".to_owned(),
        lines: vec!["Somebody asked for it. Nothing happened.".to_owned()],
        data: json!({ "test": true }),
    };
    notice.called("test", channel, now)
}

/// What is to be told now, of counters only if `counts`; `told` notes it.
pub(super) async fn gather(
    (state, upstream): (&State, &Upstream),
    channels: &[Channel],
    told: &mut ToldRecord,
    counts: bool,
) -> Result<Vec<Outgoing>, StateError> {
    let now = state.now();
    let mut out = Vec::new();
    let wanted = |topic| channels.iter().filter(move |it: &&Channel| it.topics.contains(&topic));
    let mut tell = |notice: Notice| {
        out.extend(wanted(notice.topic).map(|channel| notice.to(channel, now)));
    };
    let history = upstream.history().await.unwrap_or_default();
    let seen = told.last_run;
    // What one that came to nothing fetched becomes visible with the next that does not.
    let mut since = None;
    for run in &history {
        let began = *since.get_or_insert(run.began);
        if !run.came_to_nothing() {
            since = None;
        }
        if run.number > seen {
            let notices = [sync_failed(run), new_updates(state, run, began)?];
            notices.into_iter().flatten().for_each(&mut tell);
        }
    }
    told.last_run = history.last().map_or(seen, |run| run.number.max(seen));
    if let Some(notice) = content_failed(upstream, told) {
        tell(notice);
    }
    let failing: Vec<_> = wanted(Topic::InstallsFailed).collect();
    let due: Vec<_> = wanted(Topic::Digest).filter(|it| is_due(it, told, now)).collect();
    // Channels that are gone, or are told no more, are forgotten.
    told.failing.retain(|name, _| failing.iter().any(|channel| channel.name == *name));
    told.digests.retain(|name, _| wanted(Topic::Digest).any(|channel| channel.name == *name));
    if !counts || (failing.is_empty() && due.is_empty()) {
        return Ok(out);
    }
    let mut standing = state.standing(ALL_COMPUTERS).await?.updates;
    // What is declined or not here any more, computers still tell of: nobody has to do anything about it.
    let published = state.published();
    let offered: HashSet<Uuid> =
        published.decidable().map(|it| it.metadata.identity.update_id).collect();
    standing.retain(|update, _| offered.contains(update));
    for channel in failing {
        let notice = installs_failed(state, channel, &standing, told);
        out.extend(notice.map(|notice| notice.to(channel, now)));
    }
    for channel in due {
        let first = told.digests.insert(channel.name.clone(), now).is_none();
        // The first is sent when its time comes, not when it is configured.
        if !first {
            out.push(digest(state, &standing, now).to(channel, now));
        }
    }
    Ok(out)
}

fn sync_failed(run: &Run) -> Option<Notice> {
    let reason = run.reason.clone().filter(|_| run.is_failed())?;
    Some(Notice {
        topic: Topic::SyncFailed,
        subject: format!("Synchronization {} failed", run.number),
        lines: vec![reason.clone()],
        data: json!({ "number": run.number, "reason": reason }),
    })
}

fn new_updates(state: &State, run: &Run, since: i64) -> Result<Option<Notice>, StateError> {
    if run.came_to_nothing() || run.new + run.changed == 0 {
        return Ok(None);
    }
    let published = state.published();
    let (mut count, mut named) = (0_u64, Vec::new());
    for (index, revision) in published.catalog.revisions() {
        let metadata = &revision.metadata;
        let is_update = matches!(metadata.update_type, UpdateType::Software | UpdateType::Driver);
        let top = published.scope.tops.contains(index);
        if !is_update || !top || !(since..=run.ended).contains(&revision.imported) {
            continue;
        }
        count += 1;
        if named.len() < NAMED {
            let full = state.metadata_of(&published, index)?;
            named.push((metadata.identity.update_id, full.title("en").to_owned()));
        }
    }
    if count == 0 {
        return Ok(None);
    }
    let mut lines: Vec<String> = named.iter().map(|(_, title)| title.clone()).collect();
    lines.extend(more(count, named.len()));
    let updates: Vec<Value> =
        named.iter().map(|(id, title)| json!({ "update_id": id, "title": title })).collect();
    Ok(Some(Notice {
        topic: Topic::NewUpdates,
        subject: format!("{count} new or changed updates"),
        lines,
        data: json!({ "number": run.number, "count": count, "updates": updates }),
    }))
}

fn content_failed(upstream: &Upstream, told: &mut ToldRecord) -> Option<Notice> {
    let failed = upstream.downloads().files_failed;
    let now: BTreeSet<String> = failed.iter().map(|file| file.sha1.clone()).take(NOTED).collect();
    let new: Vec<_> = failed.iter().filter(|file| !told.files.contains(&file.sha1)).collect();
    told.files.retain(|sha1| now.contains(sha1));
    let new: Vec<_> = new.into_iter().filter(|file| now.contains(&file.sha1)).collect();
    told.files.extend(new.iter().map(|file| file.sha1.clone()));
    if new.is_empty() {
        return None;
    }
    let shown = new.iter().take(NAMED);
    let mut lines: Vec<String> =
        shown.clone().map(|file| format!("{}: {}", file.sha1, file.reason)).collect();
    lines.extend(more(new.len() as u64, lines.len()));
    let files: Vec<_> = shown.map(|it| json!({ "sha1": it.sha1, "reason": it.reason })).collect();
    Some(Notice {
        topic: Topic::ContentFailed,
        subject: format!("{} content files did not come", new.len()),
        lines,
        data: json!({ "count": new.len(), "files": files }),
    })
}

fn installs_failed(
    state: &State,
    channel: &Channel,
    standing: &BTreeMap<Uuid, Counts>,
    told: &mut ToldRecord,
) -> Option<Notice> {
    let least = u64::from(channel.failing_computers.max(1));
    let now: BTreeMap<Uuid, u64> = standing
        .iter()
        .filter(|(_, counts)| counts.failed >= least)
        .map(|(update, counts)| (*update, counts.failed))
        .take(NOTED)
        .collect();
    let known = told.failing.entry(channel.name.clone()).or_default();
    known.retain(|update| now.contains_key(update));
    let new: Vec<(Uuid, u64)> =
        now.into_iter().filter(|(update, _)| known.insert(*update)).collect();
    if new.is_empty() {
        return None;
    }
    let shown = new.iter().take(NAMED);
    let shown: Vec<_> =
        shown.map(|(update, count)| (*update, *count, title(state, *update))).collect();
    let line = |(_, count, title): &(Uuid, u64, String)| format!("{count} computers: {title}");
    let mut lines: Vec<String> = shown.iter().map(line).collect();
    lines.extend(more(new.len() as u64, shown.len()));
    let updates = shown.iter().map(
        |(update, count, title)| json!({ "update_id": update, "title": title, "computers": count }),
    );
    Some(Notice {
        topic: Topic::InstallsFailed,
        subject: format!("{} updates fail to install", new.len()),
        lines,
        data: json!({ "threshold": least, "updates": updates.collect::<Vec<_>>() }),
    })
}

fn digest(state: &State, standing: &BTreeMap<Uuid, Counts>, now: i64) -> Notice {
    let computers = state.computers().all();
    let silent = computers.iter().filter(|it| it.last_heard() < now - SILENT * DAY).count();
    let mut all = Counts::default();
    standing.values().for_each(|counts| all.add_all(counts));
    let mut needed: Vec<(&Uuid, u64)> =
        standing.iter().map(|(update, counts)| (update, counts.needed())).collect();
    needed.retain(|(_, needed)| *needed > 0);
    needed.sort_by_key(|(update, needed)| (std::cmp::Reverse(*needed), **update));
    let (updates, top) = (needed.len(), needed.iter().take(10));
    let top: Vec<_> = top.map(|(id, needed)| (**id, *needed, title(state, **id))).collect();
    let mut lines = vec![
        format!("Computers: {}, of which {silent} were silent for {SILENT} days", computers.len()),
        format!("Updates that computers need: {updates}"),
        format!("Needed: {}", all.needed()),
        format!("Failed: {}", all.failed),
        format!("Waiting for a restart: {}", all.installed_pending_reboot),
        format!("Unknown: {}", all.unknown),
        String::new(),
    ];
    lines.extend(top.iter().map(|(_, needed, title)| format!("{needed} computers need {title}")));
    let top: Vec<_> = top
        .iter()
        .map(|(id, needed, title)| json!({ "update_id": id, "title": title, "needed": needed }))
        .collect();
    let share = all.percent_done().map_or(String::new(), |it| format!(", {it:.0} % installed"));
    Notice {
        topic: Topic::Digest,
        subject: format!("{} computers, {updates} updates needed{share}", computers.len()),
        lines,
        data: json!({
            "computers": computers.len(),
            "silent": silent,
            "updates_needed": updates,
            "states": all,
            "most_needed": top,
        }),
    }
}

/// Whether a digest is due, which it is once after each of its times. A channel that had none yet is
/// due at once, so that its time is noted.
fn is_due(channel: &Channel, told: &ToldRecord, now: i64) -> bool {
    let Some(time) = channel.digest else { return false };
    told.digests.get(&channel.name).is_none_or(|last| *last < last_time(time, now))
}

/// The last time at or before `now`, in Unix seconds.
fn last_time(time: DigestTime, now: i64) -> i64 {
    let midnight = now.div_euclid(DAY);
    let at = |day: i64| day * DAY + i64::from(time.minute) * 60;
    // The first day of 1970 was a Thursday.
    let fits = |day: &i64| match time.day {
        None => true,
        Some(wanted) => {
            let index = usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default();
            Day::ALL.get(index) == Some(&wanted)
        }
    };
    let days = (midnight - 7..=midnight).rev().filter(fits);
    days.map(at).find(|at| *at <= now).unwrap_or(i64::MIN)
}

fn title(state: &State, update: Uuid) -> String {
    let published = state.published();
    let catalog = &published.catalog;
    let revision = catalog.update(&update).and_then(|update| catalog.latest(update));
    let metadata = revision.and_then(|index| state.metadata_of(&published, index).ok());
    metadata.map_or_else(|| update.to_string(), |metadata| metadata.title("en").to_owned())
}

fn more(count: u64, named: usize) -> Option<String> {
    let more = count.saturating_sub(named as u64);
    (more > 0).then(|| format!("and {more} more"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::computers::computer::ComputerInfo;
    use crate::computers::event::Event;
    use crate::metadata::sample;
    use crate::metadata::text::decode_document;
    use crate::notifications::channel::Target;
    use crate::notifications::webhook::Webhook;
    use crate::policy::by::By;
    use crate::state::{Decision, Importable, Registration, Settings};
    use crate::upstream;

    #[test]
    fn a_digest_has_its_times() {
        let noon = |day| DigestTime { day, minute: 720 };
        // 2026-11-29, a Sunday, 06:00.
        let now = 1_795_932_000;
        let ago = |time| now - last_time(time, now);
        assert_eq!(ago(noon(None)), 18 * 3600);
        assert_eq!(ago(DigestTime { day: None, minute: 360 }), 0);
        assert_eq!(ago(noon(Some(Day::Saturday))), 18 * 3600);
        assert_eq!(ago(noon(Some(Day::Sunday))), 7 * DAY - 6 * 3600);
        assert_eq!(ago(noon(Some(Day::Monday))), 6 * DAY - 6 * 3600);
    }

    static NOW: AtomicI64 = AtomicI64::new(1_795_932_000);

    /// As the report on updates counts.
    #[tokio::test]
    async fn what_is_declined_or_not_here_is_in_no_message() {
        const AT: i64 = 1_795_932_000;
        let dir = tempfile::tempdir().expect("a directory");
        let state = State::open(dir.path(), &Settings::default(), || AT).expect("opened");
        let state = Arc::new(state);
        let upstream = Upstream::new(Arc::clone(&state), upstream::Settings::default());
        let documents = sample::documents().iter().map(|(_, bytes)| {
            Importable::new(decode_document(bytes, 1 << 16).expect("text")).expect("a document")
        });
        let by = By::administrator();
        state.import(by.clone(), documents.collect(), false).await.expect("imported");
        let published = state.published();
        let update = published.decidable().next().expect("an update").metadata.identity.update_id;
        let registration = Registration {
            client_id: "pc".to_owned(),
            info: ComputerInfo::default(),
            requested_group: String::new(),
            client_side_targeting: false,
            address: String::new(),
        };
        state.register(registration).await.expect("registered");
        let failed = Event::status(AT, &[("g", &[update, Uuid::from_u128(7)])]);
        assert!(state.report("pc".to_owned(), vec![failed], false).await.expect("reported"));
        let url = "https://weirworks.example".to_owned();
        let channel = Channel {
            name: "c".to_owned(),
            target: Target::Webhook(Webhook { url, secret: None }),
            topics: BTreeSet::from([Topic::InstallsFailed, Topic::Digest]),
            failing_computers: 1,
            digest: Some(DigestTime { day: None, minute: 0 }),
        };
        let told = async || {
            let long_ago = BTreeMap::from([("c".to_owned(), 0)]);
            let mut told = ToldRecord { digests: long_ago, ..ToldRecord::default() };
            let of = (&*state, &*upstream);
            let channels = std::slice::from_ref(&channel);
            let gathered = gather(of, channels, &mut told, true).await.expect("gathered");
            let data = |it: &Outgoing| serde_json::from_str(&it.data).expect("JSON");
            gathered.iter().map(data).collect::<Vec<Value>>()
        };
        let both = told().await;
        assert_eq!(both[0]["data"]["updates"].as_array().map(Vec::len), Some(1), "{both:?}");
        assert_eq!(both[1]["data"]["states"]["failed"], 1, "{both:?}");
        state.decide(by, update, Decision::Decline).await.expect("declined");
        let digest = told().await;
        assert_eq!((digest.len(), &digest[0]["event"]), (1, &json!("digest")), "{digest:?}");
        assert_eq!(digest[0]["data"]["states"]["failed"], 0, "{digest:?}");
        state.close().await;
    }

    #[tokio::test]
    async fn a_digest_is_sent_once_after_each_of_its_times() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = || NOW.load(Ordering::SeqCst);
        let state = State::open(dir.path(), &Settings::default(), now).expect("opened");
        let state = Arc::new(state);
        let upstream = Upstream::new(Arc::clone(&state), upstream::Settings::default());
        let url = "https://weirworks.example".to_owned();
        let channel = Channel {
            name: "d".to_owned(),
            target: Target::Webhook(Webhook { url, secret: None }),
            topics: BTreeSet::from([Topic::Digest]),
            failing_computers: 1,
            digest: Some(DigestTime { day: None, minute: 420 }),
        };
        let mut told = ToldRecord::default();
        let mut look = async |seconds| {
            NOW.fetch_add(seconds, Ordering::SeqCst);
            let of = (&*state, &*upstream);
            let gathered = gather(of, std::slice::from_ref(&channel), &mut told, true).await;
            gathered.expect("gathered")
        };
        assert_eq!(look(0).await, [], "its time has not come");
        assert_eq!(look(3599).await, []);
        let digest = look(1).await;
        assert_eq!((digest.len(), digest[0].event.as_str()), (1, "digest"));
        assert_eq!(digest[0].subject, "[Weir] 0 computers, 0 updates needed");
        let data: Value = serde_json::from_str(&digest[0].data).expect("JSON");
        assert_eq!(data["data"]["computers"], 0);
        assert_eq!(look(60).await, [], "once");
        assert_eq!(look(DAY).await.len(), 1, "and the next day");
        // Days without a server are one digest, not many.
        assert_eq!(look(5 * DAY).await.len(), 1);
        state.close().await;
    }
}

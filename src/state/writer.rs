//! The one thread that changes anything.
//!
//! Changes queue up; the thread takes what has gathered, applies each to its model, commits all of
//! it in one batch, publishes, and only then answers. So a thousand reports cost one flush, what was
//! answered is durable, and nobody ever sees a state that was not.
//!
//! The journal is written before the store: a decision is then never in the store alone, and should
//! the store refuse, an entry that voids the others follows. If a commit fails and the store can
//! still be read, the model, which ran ahead, is read back from it and work goes on. In every other
//! case it is unknown what is durable: all changes are refused until a restart has found out, and
//! readers go on with the last state that was.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::json;
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::{error, warn};

use super::StateError;
use super::downstream::Downstream;
use super::events::{Events, Happening};
use super::groups;
use super::happenings;
use super::health::Health;
use super::library::Library;
use super::model::{Dirty, Model};
use super::published::{ContentHandling, Published};
use super::registry::Registry;
use super::schedule;
use super::staging::{self, CHUNK, Moved, Reveal};
use super::transaction::{Staged, Transaction};
use super::trends;
use crate::store::journal::Journal;
use crate::store::{Store, StoreError};

/// Changes waiting beyond this make their callers wait.
const QUEUE: usize = 1024;
/// Most changes in one commit: bounds the latency of the first.
const GROUP: usize = 256;
/// How often the clock is looked at while something waits for its time: the wall clock, which may be
/// set, so no timer will do.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked at for a new day, while there are computers and nothing else happens.
const DAY_TICK: Duration = Duration::from_secs(3600);

type Apply = Box<dyn FnOnce(&mut Transaction<'_>) -> Finish + Send>;
type Finish = Box<dyn FnOnce(Result<(), &Arc<StoreError>>) + Send>;

enum Job {
    Change(Apply),
    Publish(Publish),
    Stop(oneshot::Sender<()>),
}

/// What was staged is to become visible.
struct Publish {
    reveal: Reveal,
    more_follows: bool,
    answer: oneshot::Sender<Result<Moved, StateError>>,
}

/// Hands changes to the writer thread.
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
    health: Arc<Health>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What the writer thread owns.
pub(super) struct Owned {
    pub(super) store: Box<dyn Store>,
    pub(super) journal: Journal,
    pub(super) model: Model,
    pub(super) library: Arc<Library>,
    pub(super) handling: ContentHandling,
    /// How long an import that lets readers wait may pause before they see what there is of it.
    pub(super) patience: Duration,
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) registry: Arc<Registry>,
    pub(super) downstream: Arc<Downstream>,
    pub(super) health: Arc<Health>,
    pub(super) events: Arc<Events>,
    pub(super) now: fn() -> i64,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(owned: Owned) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let health = Arc::clone(&owned.health);
        let timer = Builder::new_current_thread().enable_time().build()?;
        let run = move || {
            let thread = Thread { owned, deferred: Dirty::default(), due: None };
            thread.run(jobs, &timer);
        };
        let thread = std::thread::Builder::new().name("weir-writer".into()).spawn(run)?;
        Ok(Self { queue, health, thread: std::sync::Mutex::new(Some(thread)) })
    }

    /// Applies `change`; returns once it is durable and published.
    ///
    /// `change` must refuse before it alters anything.
    ///
    /// # Errors
    /// Those of `change`. [`StateError::Store`] when the commit failed: unless the state is closed
    /// since, nothing of the change is there; if it is, a restart tells. [`StateError::Closed`] and
    /// [`StateError::Stopped`] when the writer takes nothing any more.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = oneshot::channel();
        let apply: Apply = Box::new(move |transaction| {
            let before = transaction.staged_changes();
            let outcome = change(transaction);
            debug_assert!(
                outcome.is_ok() || transaction.staged_changes() == before,
                "a change altered something and then refused"
            );
            Box::new(move |committed| {
                let outcome = outcome.and_then(|outcome| match committed {
                    Ok(()) => Ok(outcome),
                    Err(cause) => Err(StateError::Store(Arc::clone(cause))),
                });
                // The caller may have gone; the change stands all the same.
                drop(answer.send(outcome));
            })
        });
        self.queue.send(Job::Change(apply)).await.map_err(|_| self.health.refusal())?;
        answered.await.map_err(|_| self.health.refusal())?
    }

    /// Applies `change` some time, unless too much waits already; nobody is told.
    pub(super) fn offer(&self, change: impl FnOnce(&mut Transaction<'_>) + Send + 'static) {
        let apply: Apply = Box::new(move |transaction| {
            change(transaction);
            Box::new(|_| ())
        });
        drop(self.queue.try_send(Job::Change(apply)));
    }

    /// Lets everybody see what was staged.
    ///
    /// # Errors
    /// As of [`Self::submit`].
    pub(super) async fn publish_staged(
        &self,
        reveal: Reveal,
        more_follows: bool,
    ) -> Result<Moved, StateError> {
        let (answer, answered) = oneshot::channel();
        let publish = Publish { reveal, more_follows, answer };
        self.queue.send(Job::Publish(publish)).await.map_err(|_| self.health.refusal())?;
        answered.await.map_err(|_| self.health.refusal())?
    }

    /// Changes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Lets the queue run dry and ends the thread, which closes the store.
    pub(super) async fn stop(&self) {
        self.health.stop();
        let (done, stopped) = oneshot::channel();
        if self.queue.send(Job::Stop(done)).await.is_ok() {
            drop(stopped.await);
        }
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

/// What the thread has to do next.
enum Next {
    Job(Job),
    /// Nothing, but time has passed.
    Time,
    /// Nobody is left who could want anything.
    End,
}

struct Thread {
    owned: Owned,
    /// Committed, and not published yet.
    deferred: Dirty,
    /// When that has to be published, should the import that lets readers wait not go on.
    due: Option<Instant>,
}

impl Thread {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>, timer: &Runtime) {
        // What went live while no server ran, and what an earlier version left of groups.
        self.pass_time();
        loop {
            let mut next = match self.next(&mut jobs, timer) {
                Next::Job(job) => Some(job),
                Next::Time => {
                    self.pass_time();
                    continue;
                }
                Next::End => return,
            };
            let mut group = Vec::new();
            let (mut stop, mut publish) = (None, None);
            while let Some(job) = next {
                match job {
                    Job::Change(apply) => group.push(apply),
                    Job::Publish(job) => {
                        publish = Some(job);
                        break;
                    }
                    Job::Stop(done) => {
                        stop = Some(done);
                        break;
                    }
                }
                next = if group.len() < GROUP { jobs.try_recv().ok() } else { None };
            }
            self.apply(group);
            if let Some(Publish { reveal, more_follows, answer }) = publish {
                let _ = answer.send(self.publish_staged(&reveal, more_follows));
            }
            if let Some(done) = stop {
                drop(self);
                let _ = done.send(());
                return;
            }
        }
    }

    /// Waits for the next job, as long as nothing else is due.
    fn next(&mut self, jobs: &mut mpsc::Receiver<Job>, timer: &Runtime) -> Next {
        let tick = (!self.owned.model.waiting.is_empty()).then(|| Instant::now() + TICK);
        let day = (!self.owned.model.computers.is_empty()).then(|| Instant::now() + DAY_TICK);
        let Some(until) = self.due.into_iter().chain(tick).chain(day).min() else {
            return jobs.blocking_recv().map_or(Next::End, Next::Job);
        };
        let waiting = async { tokio::time::timeout_at(until, jobs.recv()).await };
        let next = match timer.block_on(waiting) {
            Ok(Some(job)) => Next::Job(job),
            Ok(None) => Next::End,
            Err(_) => Next::Time,
        };
        // A busy queue must not put it off for ever.
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.publish();
        }
        next
    }

    /// Makes the changes whose time has come.
    fn pass_time(&mut self) {
        let now = (self.owned.now)();
        if schedule::is_due(&self.owned.model, now)
            || !self.owned.model.orphans.is_empty()
            || trends::is_due(&self.owned.model, now).is_some()
        {
            self.apply(Vec::new());
        }
    }

    fn apply(&mut self, group: Vec<Apply>) {
        let owned = &mut self.owned;
        if owned.health.is_closed() {
            // Dropped without an answer, which every caller takes for the refusal it is.
            return;
        }
        let mut transaction =
            Transaction::new(&mut owned.model, owned.store.as_ref(), (owned.now)());
        groups::end_orphans(&mut transaction);
        schedule::go_live(&mut transaction);
        trends::note_day(&mut transaction, &owned.published.load());
        let mut finish = Vec::with_capacity(group.len());
        for apply in group {
            transaction.next_change();
            finish.push(apply(&mut transaction));
        }
        let now = transaction.now;
        let staged = transaction.finish();
        match self.commit(&staged, now) {
            Ok(()) => {
                self.show(staged);
                finish.into_iter().for_each(|finish| finish(Ok(())));
            }
            Err(cause) => {
                error!(error = %cause, "a commit failed; what it held was refused");
                self.recover(&cause);
                finish.into_iter().for_each(|finish| finish(Err(&cause)));
            }
        }
    }

    /// Makes `staged` durable.
    fn commit(&mut self, staged: &Staged, now: i64) -> Result<(), Arc<StoreError>> {
        let owned = &mut self.owned;
        if let Some(cause) = &staged.failed {
            return Err(Arc::clone(cause));
        }
        if staged.batch.is_empty() && staged.journal.is_empty() {
            return Ok(());
        }
        let at = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let first = owned.journal.next_sequence();
        if let Err(error) = owned.journal.append(at, &staged.journal) {
            // Nothing can be decided without it, and it opens again only with the process.
            owned.health.close(error.to_string());
            return Err(Arc::new(error));
        }
        let committed = owned.store.commit(&staged.batch);
        if committed.is_err() && !staged.journal.is_empty() {
            let last = owned.journal.next_sequence() - 1;
            let void = json!({ "void": { "from": first, "to": last } });
            if let Err(error) = owned.journal.append(at, &[void]) {
                owned.health.close(error.to_string());
            }
        }
        if let Ok(bytes) = owned.store.size_on_disk() {
            owned.health.store_has(bytes);
        }
        committed.map_err(Arc::new)
    }

    /// Lets readers see what is durable.
    fn show(&mut self, staged: Staged) {
        let Owned { events, model, registry, published, .. } = &self.owned;
        happenings::tell(events, &staged, model, registry, &published.load());
        staged.computers.into_iter().for_each(|tracked| registry.put(tracked));
        staged.removed.iter().for_each(|client_id| registry.remove(client_id));
        for (id, server) in staged.downstream {
            match server {
                Some(server) => self.owned.downstream.put(server),
                None => self.owned.downstream.remove(id),
            }
        }
        self.deferred = self.deferred.and(staged.dirty);
        if !self.deferred.any() {
            return;
        }
        if staged.publish {
            self.publish();
        } else if staged.more_follows {
            self.due = Some(Instant::now() + self.owned.patience);
        }
    }

    /// Moves what was staged to the revisions, in as many commits as it takes, and shows it at once.
    /// Nothing else happens meanwhile, so nobody sees a part of it.
    fn publish_staged(&mut self, reveal: &Reveal, more_follows: bool) -> Result<Moved, StateError> {
        let owned = &mut self.owned;
        if owned.health.is_closed() {
            return Err(owned.health.refusal());
        }
        let mut journal = Vec::new();
        match staging::reveal(
            &mut owned.model,
            owned.store.as_mut(),
            &owned.library,
            (owned.now)(),
            CHUNK,
            reveal,
            &mut journal,
        ) {
            Ok(moved) => {
                let told = Staged { journal, ..Staged::default() };
                match self.commit(&told, (self.owned.now)()) {
                    Ok(()) => self.show(told),
                    // Everything is there; only that the journal does not say so.
                    Err(error) => {
                        warn!(%error, "what took the place of revisions is not journaled")
                    }
                }
                if moved.total() > 0 {
                    let imported = Happening::UpdatesImported {
                        revisions: moved.total(),
                        updates: Vec::new(),
                    };
                    self.deferred.catalog = true;
                    match more_follows {
                        true => self.due = Some(Instant::now() + self.owned.patience),
                        false => self.publish(),
                    }
                    self.owned.events.tell(|| imported);
                }
                Ok(moved)
            }
            Err(cause) => {
                let begun = owned.model.publishing.is_some();
                let cause = Arc::new(cause);
                error!(error = %cause, "what was synchronised could not be made visible");
                match begun {
                    // A part of it was moved: only the next start may show it, together with the rest.
                    true => owned.health.close(cause.to_string()),
                    false => self.recover(&cause),
                }
                Err(StateError::Store(cause))
            }
        }
    }

    fn publish(&mut self) {
        let owned = &self.owned;
        let before = owned.published.load_full();
        let dirty = std::mem::take(&mut self.deferred);
        self.due = None;
        let next = owned.model.publish(owned.handling, Some((&before, dirty)));
        owned.published.store(Arc::new(next));
    }

    /// The model ran ahead of the store: reads back what is really there.
    fn recover(&mut self, cause: &StoreError) {
        let owned = &mut self.owned;
        if owned.health.is_closed() {
            return;
        }
        match Model::load(owned.store.as_ref(), &owned.library) {
            Ok(mut model) => {
                // Readers keep the table that they know.
                owned.model.numbers.replace(model.numbers.read().clone());
                model.numbers = owned.model.numbers.clone();
                // What did not change is shared with readers again, instead of being there twice.
                for tracked in model.computers.values_mut() {
                    match owned.registry.find(&tracked.computer.client_id) {
                        Some(known) if known.says_the_same(tracked) => *tracked = known,
                        _ => owned.registry.put(tracked.clone()),
                    }
                }
                owned.downstream.replace(model.downstream.clone());
                owned.model = model;
                self.deferred = Dirty { catalog: true, policy: true, contents: true };
                self.publish();
                warn!("the state was read back from the store");
            }
            Err(error) => {
                error!(%error, "the store cannot be read back; changes are refused until a restart");
                owned.health.close(cause.to_string());
            }
        }
    }
}

impl Drop for Thread {
    /// A panic ends the thread. Whoever waits, and whoever comes later, is told so.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.owned.health.panicked();
        }
    }
}

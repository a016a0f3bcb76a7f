//! The one thread that changes anything.
//!
//! Changes queue up; the thread takes what has gathered, applies each to its model, commits all of
//! it in one batch, publishes, and only then answers. So a thousand reports cost one flush, what was
//! answered is durable, and nobody ever sees a state that was not.
//!
//! If a commit fails, the model is ahead of the store. It is then read back; should that fail too,
//! every later change is refused with the reason, while readers go on with the last durable state.

use std::sync::Arc;
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use super::StateError;
use super::model::{Dirty, Model};
use super::published::Published;
use super::registry::Registry;
use super::transaction::Transaction;
use crate::store::journal::Journal;
use crate::store::{Store, StoreError};

/// Changes waiting beyond this make their callers wait.
const QUEUE: usize = 1024;
/// Most changes in one commit: bounds the latency of the first.
const GROUP: usize = 256;

type Apply = Box<dyn FnOnce(&mut Transaction<'_>) -> Finish + Send>;
type Finish = Box<dyn FnOnce(Result<(), &StateError>) + Send>;

enum Job {
    Change(Apply),
    Stop(oneshot::Sender<()>),
}

/// Hands changes to the writer thread.
pub(super) struct Writer {
    queue: mpsc::Sender<Job>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What the writer thread owns.
pub(super) struct Owned {
    pub(super) store: Box<dyn Store>,
    pub(super) journal: Journal,
    pub(super) model: Model,
    pub(super) hold_installs: bool,
    pub(super) published: Arc<ArcSwap<Published>>,
    pub(super) registry: Arc<Registry>,
    pub(super) now: fn() -> i64,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(owned: Owned) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let run = move || Thread { owned, deferred: Dirty::default(), broken: None }.run(jobs);
        let thread = std::thread::Builder::new().name("weir-writer".into()).spawn(run)?;
        Ok(Self { queue, thread: std::sync::Mutex::new(Some(thread)) })
    }

    /// Applies `change`; returns once it is durable and published.
    ///
    /// `change` must refuse before it alters anything.
    pub(super) async fn submit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = oneshot::channel();
        let apply: Apply = Box::new(move |transaction| {
            let outcome = change(transaction);
            Box::new(move |committed| {
                let outcome = outcome
                    .and_then(|outcome| committed.map(|()| outcome).map_err(StateError::again));
                // The caller may have gone; the change stands all the same.
                drop(answer.send(outcome));
            })
        });
        self.queue.send(Job::Change(apply)).await.map_err(|_| StateError::Stopped)?;
        answered.await.map_err(|_| StateError::Stopped)?
    }

    /// Lets the queue run dry and ends the thread, which closes the store.
    pub(super) async fn stop(&self) {
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

struct Thread {
    owned: Owned,
    /// Changed since the last publication.
    deferred: Dirty,
    broken: Option<Arc<StoreError>>,
}

impl Thread {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut group = Vec::new();
            let mut stop = None;
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Change(apply) => group.push(apply),
                    Job::Stop(done) => {
                        stop = Some(done);
                        break;
                    }
                }
                next = if group.len() < GROUP { jobs.try_recv().ok() } else { None };
            }
            self.apply(group);
            if let Some(done) = stop {
                drop(self);
                let _ = done.send(());
                return;
            }
        }
    }

    fn apply(&mut self, group: Vec<Apply>) {
        let owned = &mut self.owned;
        let mut transaction =
            Transaction::new(&mut owned.model, owned.store.as_ref(), (owned.now)());
        let mut finish = Vec::with_capacity(group.len());
        if let Some(cause) = &self.broken {
            // Applied to the model only to answer: nothing of it is committed or published.
            let refusal = StateError::Store(Arc::clone(cause));
            finish.extend(group.into_iter().map(|apply| apply(&mut transaction)));
            finish.into_iter().for_each(|finish| finish(Err(&refusal)));
            return;
        }
        finish.extend(group.into_iter().map(|apply| apply(&mut transaction)));
        let at = OffsetDateTime::from_unix_timestamp(transaction.now)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let staged = transaction.finish();
        let committed = match &staged.failed {
            Some(cause) => Err(Arc::clone(cause)),
            None if staged.batch.is_empty() => Ok(()),
            None => owned
                .store
                .commit(&staged.batch)
                .and_then(|()| owned.journal.append(at, &staged.journal))
                .map_err(Arc::new),
        };
        match committed {
            Ok(()) => {
                staged.computers.into_iter().for_each(|tracked| owned.registry.put(tracked));
                staged.removed.iter().for_each(|client_id| owned.registry.remove(client_id));
                self.deferred = self.deferred.and(staged.dirty);
                if self.deferred.any() && !staged.more_follows {
                    self.publish();
                }
                finish.into_iter().for_each(|finish| finish(Ok(())));
            }
            Err(cause) => {
                error!(error = %cause, "a commit failed; what it held was refused");
                let refusal = StateError::Store(Arc::clone(&cause));
                self.recover(cause);
                finish.into_iter().for_each(|finish| finish(Err(&refusal)));
            }
        }
    }

    fn publish(&mut self) {
        let owned = &self.owned;
        let before = owned.published.load_full();
        let dirty = std::mem::take(&mut self.deferred);
        let next = owned.model.publish(owned.hold_installs, Some((&before, dirty)));
        owned.published.store(Arc::new(next));
    }

    /// The model ran ahead of the store: read back what is really there.
    fn recover(&mut self, cause: Arc<StoreError>) {
        match Model::load(self.owned.store.as_ref()) {
            Ok(model) => {
                warn!("the state was read back from the store");
                self.owned.model = model;
            }
            Err(error) => {
                error!(%error, "the store cannot be read back; changes are refused until a restart");
                self.broken = Some(cause);
            }
        }
    }
}

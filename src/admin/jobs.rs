//! Long work: what may take minutes goes on while nobody waits, and tells how far it is.
//!
//! An operation that says so ([`Operation::LONG`]) is answered over HTTP with a job at once; the job
//! has its answer when it is done. The last ones are kept for whoever asks, in memory alone: what
//! they did is durable by itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{AdminError, Call, Endpoint, Operation, Role, Route, explain, instant};
use crate::state::{Happening, State, StateError};

/// Most jobs at once, and most that are kept.
const RUNNING: usize = 8;
const KEPT: usize = 100;
/// How often whoever watches is told how far a job is.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// Most bytes of results that are kept, as JSON: a cleanup names all that it deleted. The latest one is
/// kept however long it is.
const RESULTS: u64 = 16 << 20;

/// How far a job is, and whether it is still wanted.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// So many things are to be done.
    pub fn expect(&self, total: usize) {
        self.total.store(total as u64, Ordering::Relaxed);
    }

    /// One more is done.
    ///
    /// # Errors
    /// [`AdminError::Cancelled`] when no more is wanted.
    pub fn advance(&self) -> Result<(), AdminError> {
        self.done.fetch_add(1, Ordering::Relaxed);
        match self.cancelled.load(Ordering::Relaxed) {
            true => Err(AdminError::Cancelled),
            false => Ok(()),
        }
    }
}

/// The jobs of a server.
#[derive(Debug, Default)]
pub struct Jobs(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    jobs: VecDeque<Arc<Job>>,
}

#[derive(Debug)]
struct Job {
    number: u64,
    operation: &'static str,
    by: String,
    began: i64,
    progress: Arc<Progress>,
    ended: OnceLock<Ended>,
    /// None, too, once later results took its place.
    result: ArcSwapOption<Value>,
}

#[derive(Debug)]
struct Ended {
    at: i64,
    state: JobState,
    error: Option<String>,
    /// Bytes of the result.
    bytes: u64,
}

/// How a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It goes on.
    Running,
    /// It came to its end, and has a result.
    Done,
    /// It failed.
    Failed,
    /// It was called off.
    Cancelled,
}

impl JobState {
    const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ShownJob {
    /// Its number.
    pub job: u64,
    /// The operation that it carries out.
    pub operation: String,
    /// Who asked for it.
    pub by: String,
    /// How it is.
    pub state: JobState,
    /// When it began.
    pub began: Option<String>,
    /// When it ended.
    pub ended: Option<String>,
    /// How many things are done.
    pub done: u64,
    /// How many there are to do; 0 when that is not known.
    pub total: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// The operation's answer, once it is done. Lists leave it out, and it is forgotten when later
    /// ones are so long that not all can be kept.
    pub result: Option<Arc<Value>>,
}

impl Jobs {
    /// Begins to carry out a long operation.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn start(
        &self,
        endpoint: &'static Endpoint,
        fields: Value,
        call: Call,
    ) -> Result<ShownJob, AdminError> {
        let state = Arc::clone(call.state());
        let job = {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if table.jobs.iter().filter(|job| job.ended.get().is_none()).count() >= RUNNING {
                let reason = format!("{RUNNING} jobs are running; wait for one of them");
                return Err(StateError::Refused(reason).into());
            }
            table.last += 1;
            let job = Arc::new(Job {
                number: table.last,
                operation: endpoint.name,
                by: call.by().who,
                began: state.now(),
                progress: Arc::clone(call.progress()),
                ended: OnceLock::new(),
                result: ArcSwapOption::empty(),
            });
            table.jobs.push_back(Arc::clone(&job));
            while table.jobs.len() > KEPT {
                let Some(old) = table.jobs.iter().position(|job| job.ended.get().is_some()) else {
                    break;
                };
                table.jobs.remove(old);
            }
            job
        };
        let shown = job.show();
        let mut told = None;
        job.tell_progress(&state, &mut told);
        let (jobs, call) = (Arc::clone(call.subject()), call.numbered(job.number));
        tokio::spawn(async move {
            let runtime = Handle::current();
            let work = move || runtime.block_on(endpoint.run(fields, call));
            let mut working = tokio::task::spawn_blocking(work);
            let mut look = tokio::time::interval(TOLD_EVERY);
            let outcome = loop {
                tokio::select! {
                    outcome = &mut working => break outcome,
                    _ = look.tick() => job.tell_progress(&state, &mut told),
                }
            };
            let outcome = outcome.unwrap_or_else(|_| Err(StateError::Stopped.into()));
            job.end(state.now(), outcome);
            job.tell_progress(&state, &mut None);
            jobs.jobs.bound_results();
        });
        Ok(shown)
    }

    /// Calls all of them off: the server stops.
    pub fn cancel_all(&self) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for job in &table.jobs {
            job.progress.cancelled.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets the results of those that began first, until the others fit.
    fn bound_results(&self) {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = 0_u64;
        for job in table.jobs.iter().rev() {
            let bytes = job.ended.get().map_or(0, |ended| ended.bytes);
            if kept > 0 && kept.saturating_add(bytes) > RESULTS {
                job.result.store(None);
            } else {
                kept = kept.saturating_add(bytes);
            }
        }
    }

    fn all(&self) -> Vec<ShownJob> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = table.jobs.iter().rev().map(|job| ShownJob { result: None, ..job.show() });
        shown.collect()
    }

    fn find(&self, number: u64) -> Result<Arc<Job>, StateError> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = table.jobs.iter().find(|job| job.number == number).map(Arc::clone);
        found.ok_or_else(|| StateError::NotFound { kind: "job", name: number.to_string() })
    }
}

impl Job {
    fn end(&self, at: i64, outcome: Result<Value, AdminError>) {
        let (state, error, result) = match outcome {
            Ok(result) => (JobState::Done, None, Some(result)),
            Err(AdminError::Cancelled) => (JobState::Cancelled, None, None),
            Err(error) => (JobState::Failed, Some(explain(&error)), None),
        };
        let bytes = result.as_ref().map_or(0, |result| result.to_string().len() as u64);
        // First the result, so that nobody finds the job done without it.
        self.result.store(result.map(Arc::new));
        // It ends once.
        drop(self.ended.set(Ended { at, state, error, bytes }));
    }

    /// Tells whoever watches how far it is, unless that was told last.
    fn tell_progress(&self, state: &State, told: &mut Option<u64>) {
        let done = self.progress.done.load(Ordering::Relaxed);
        if told.replace(done) == Some(done) {
            return;
        }
        state.events().tell(|| Happening::Job {
            job: self.number,
            operation: self.operation.to_owned(),
            state: self
                .ended
                .get()
                .map_or(JobState::Running, |ended| ended.state)
                .name()
                .to_owned(),
            done,
            total: self.progress.total.load(Ordering::Relaxed),
        });
    }

    fn show(&self) -> ShownJob {
        let ended = self.ended.get();
        ShownJob {
            job: self.number,
            operation: self.operation.to_owned(),
            by: self.by.clone(),
            state: ended.map_or(JobState::Running, |ended| ended.state),
            began: instant(self.began),
            ended: ended.and_then(|ended| instant(ended.at)),
            done: self.progress.done.load(Ordering::Relaxed),
            total: self.progress.total.load(Ordering::Relaxed),
            error: ended.and_then(|ended| ended.error.clone()),
            result: ended.and_then(|_| self.result.load_full()),
        }
    }
}

/// The jobs that run and the last that ended, the latest first, without their results.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListJobs {}

impl Operation for ListJobs {
    type Answer = Vec<ShownJob>;
    const ROUTE: Route = Route::get("/jobs");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.jobs().all())
    }
}

/// One job, with its result if it is done.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShowJob {
    /// Its number.
    pub job: u64,
}

impl Operation for ShowJob {
    type Answer = ShownJob;
    const ROUTE: Route = Route::get("/jobs/{job}");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(call.jobs().find(self.job)?.show())
    }
}

/// Call a job off. What cannot be left half done comes to its end first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct CancelJob {
    /// Its number.
    pub job: u64,
}

impl Operation for CancelJob {
    type Answer = ShownJob;
    const ROUTE: Route = Route::delete("/jobs/{job}").for_role(Role::Administrator);

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        let job = call.jobs().find(self.job)?;
        if job.ended.get().is_none() {
            let entry = json!({ "job": job.number, "operation": job.operation, "of": job.by });
            call.state().note(call.by(), json!({ "cancel_job": entry })).await?;
        }
        job.progress.cancelled.store(true, Ordering::Relaxed);
        Ok(job.show())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: u64) -> Arc<Job> {
        Arc::new(Job {
            number,
            operation: "X",
            by: "ann".into(),
            began: 0,
            progress: Arc::default(),
            ended: OnceLock::new(),
            result: ArcSwapOption::empty(),
        })
    }

    #[test]
    fn a_job_tells_how_far_it_is_and_how_it_ended() {
        let running = job(1);
        running.progress.expect(3);
        running.progress.advance().expect("wanted");
        let shown = running.show();
        assert_eq!((shown.state, shown.done, shown.total), (JobState::Running, 1, 3));
        running.progress.cancelled.store(true, Ordering::Relaxed);
        let cancelled = running.progress.advance().expect_err("called off");
        running.end(9, Err(cancelled));
        assert_eq!(running.show().state, JobState::Cancelled);
        let failed = job(2);
        failed.end(9, Err(AdminError::Refused("no".into())));
        assert_eq!(
            (failed.show().state, failed.show().error),
            (JobState::Failed, Some("no".into()))
        );
        let done = job(3);
        done.end(9, Ok(Value::from(7)));
        assert_eq!(done.show().state, JobState::Done);
        assert_eq!(done.show().result.as_deref(), Some(&7.into()));
    }

    #[test]
    fn of_long_results_the_latest_are_kept() {
        let jobs = Jobs::default();
        let half = Value::from("x".repeat(RESULTS as usize / 2 - 2));
        for number in 1..=4 {
            let job = job(number);
            jobs.0.lock().expect("unlocked").jobs.push_back(Arc::clone(&job));
            job.end(0, Ok(half.clone()));
            jobs.bound_results();
        }
        let has = |number| jobs.find(number).expect("a job").show().result.is_some();
        assert_eq!([1, 2, 3, 4].map(has), [false, false, true, true]);
        let whole = job(5);
        jobs.0.lock().expect("unlocked").jobs.push_back(Arc::clone(&whole));
        whole.end(0, Ok(Value::from("x".repeat(RESULTS as usize + 1))));
        jobs.bound_results();
        assert_eq!([3, 4, 5].map(has), [false, false, true]);
        assert!(jobs.all().iter().all(|job| job.result.is_none()), "lists have none");
    }
}

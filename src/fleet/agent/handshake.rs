//! The handshake, and what the faults of [MS-WUSP] 2.2.2.4 order.
//!
//! Every call may be answered with a fault that says what to do first, and so may every call of
//! that. The steps are done in the order in which the specification lists them, each again until it
//! succeeds, and a server that always has another fault is given up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Agent;
use super::answers;
use super::computer::Computer;
use super::requests::{self, Cookie, FileLocationsQuestion};
use super::session::Reader;
use super::trouble::Trouble;
use crate::fleet::referee::{Complaint, Rule};
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::soap::ReceivedFault;
use crate::wire::time::DateTime;

/// Most steps of one recovery. Starting over with a large cache and being told to register takes
/// less than ten.
const STEPS: u32 = 16;

/// Most recoveries within one call.
const RECOVERIES: u32 = 5;

/// How long an agent of this fleet waits when it is told to come again later. Windows waits for
/// minutes.
const LATER: Duration = Duration::from_millis(500);

/// Revisions in one RefreshCache.
const REFRESHED: usize = 200;

/// Digests in one GetFileLocations.
const LOCATED: usize = 100;

/// Something that a fault orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Forget,
    Config,
    Renew,
    RefreshCache,
    Register,
    LocateFiles,
    Wait,
}

/// What a fault orders; none when it is the end.
fn orders(code: ErrorCode) -> Option<&'static [Step]> {
    Some(match code {
        ErrorCode::InvalidCookie | ErrorCode::ServerChanged => {
            &[Step::Forget, Step::Config, Step::Renew, Step::RefreshCache]
        }
        ErrorCode::ConfigChanged => &[Step::Config, Step::Renew],
        ErrorCode::CookieExpired | ErrorCode::InvalidAuthorizationCookie => &[Step::Renew],
        ErrorCode::RegistrationRequired => &[Step::Register],
        ErrorCode::InternalServerError | ErrorCode::ServerBusy => &[Step::Wait],
        ErrorCode::FileLocationChanged => &[Step::LocateFiles],
        ErrorCode::RegistrationNotRequired => &[],
        ErrorCode::InvalidParameters
        | ErrorCode::IncompatibleProtocolVersion
        | ErrorCode::FileDigestsMissing => return None,
    })
}

impl Agent {
    /// Makes a call and reads its answer; when a fault says what to do first, does that and makes
    /// the call again. `build` is asked for the request each time, since the cookie and the
    /// server's numbers may have become others.
    pub(super) async fn call<T>(
        &mut self,
        operation: Operation,
        build: &(dyn Fn(&Self) -> Vec<u8> + Sync),
        read: Reader<'_, T>,
    ) -> Result<T, Complaint> {
        let mut last = String::new();
        for _ in 0..=RECOVERIES {
            match self.attempt(operation, build(self), read).await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Complaint(complaint)) => return Err(complaint),
                Err(Trouble::Busy(time)) => {
                    last = "503".to_owned();
                    self.wait(time).await;
                }
                Err(Trouble::Fault(fault)) => {
                    last = fault.to_string();
                    self.recover(operation, &fault).await?;
                }
            }
        }
        let what = format!("{} is answered {last} whatever is done", operation.name());
        Err(Complaint::new(Rule::FaultRepeated, what))
    }

    /// Brings the session into a state in which the server can be asked: what is cached is used
    /// for as long as it is good.
    pub(super) async fn prepare(&mut self) -> Result<(), Complaint> {
        if self.session.config.is_none() {
            self.carry_out([Step::Config]).await?;
        }
        if self.cookie_is_over() {
            self.carry_out([Step::Renew]).await?;
        }
        let is_required =
            self.session.config.as_ref().is_some_and(|config| config.is_registration_required);
        if is_required && !self.session.is_registered {
            self.carry_out([Step::Register]).await?;
        }
        Ok(())
    }

    /// Whether the clear text of the cookie says that it has expired, by the computer's clock.
    fn cookie_is_over(&self) -> bool {
        let ahead = self.schedule.now().saturating_sub(self.cookie_since);
        let now = (OffsetDateTime::now_utc() + ahead).unix_timestamp();
        let Cookie { expiration, encrypted_data } = &self.session.cookie;
        encrypted_data.is_empty() || seconds(expiration).is_none_or(|time| time <= now)
    }

    async fn recover(
        &mut self,
        operation: Operation,
        fault: &ReceivedFault,
    ) -> Result<(), Complaint> {
        let steps = self.ordered(operation, fault)?;
        self.carry_out(steps.iter().copied()).await
    }

    /// What a fault orders, which has to be something.
    fn ordered(
        &mut self,
        operation: Operation,
        fault: &ReceivedFault,
    ) -> Result<&'static [Step], Complaint> {
        let name = operation.name();
        let Some(code) = fault.code else {
            let what = format!("{name} is answered {fault}");
            return Err(Complaint::new(Rule::FaultCode, what));
        };
        let Some(steps) = orders(code) else {
            return Err(Complaint::new(Rule::Refused, format!("{name} is answered {fault}")));
        };
        if code == ErrorCode::RegistrationNotRequired {
            self.session.is_registered = true;
        }
        self.world.statistics.recovered(code);
        Ok(steps)
    }

    /// Carries out steps in order. A step that is answered with a fault is done again after what
    /// that fault orders.
    async fn carry_out(&mut self, steps: impl IntoIterator<Item = Step>) -> Result<(), Complaint> {
        let mut steps: VecDeque<Step> = steps.into_iter().collect();
        let mut left = STEPS;
        while let Some(step) = steps.front().copied() {
            left = left.checked_sub(1).ok_or_else(|| {
                Complaint::new(Rule::FaultRepeated, format!("{step:?} leads from fault to fault"))
            })?;
            match self.carry_out_one(step).await {
                Ok(()) => drop(steps.pop_front()),
                Err(Trouble::Complaint(complaint)) => return Err(complaint),
                Err(Trouble::Busy(time)) => self.wait(time).await,
                Err(Trouble::Fault(fault)) => {
                    let more = self.ordered(step.operation(), &fault)?;
                    // A fault that orders nothing says that there is nothing to do: the computer
                    // need not register.
                    if more.is_empty() && step == Step::Register {
                        steps.pop_front();
                    }
                    for more in more.iter().rev() {
                        steps.push_front(*more);
                    }
                }
            }
        }
        Ok(())
    }

    async fn carry_out_one(&mut self, step: Step) -> Result<(), Trouble> {
        match step {
            Step::Forget => {
                self.session.cookie = Cookie::default();
                Ok(())
            }
            Step::Config => self.get_config().await,
            Step::Renew => self.renew().await,
            Step::RefreshCache => self.refresh_cache().await,
            Step::Register => self.register().await,
            Step::LocateFiles => self.locate_files().await,
            Step::Wait => {
                self.wait(LATER).await;
                Ok(())
            }
        }
    }

    async fn get_config(&mut self) -> Result<(), Trouble> {
        let read: Reader<'_, _> = &|cursor, _| answers::config(cursor);
        let config = self.attempt(Operation::GetConfig, requests::config(), read).await?;
        self.session.config = Some(config);
        Ok(())
    }

    /// GetAuthorizationCookie and GetCookie.
    async fn renew(&mut self) -> Result<(), Trouble> {
        let group = self.world.settings.target_group.as_deref();
        let body = requests::authorization_cookie(
            &self.computer.client_id,
            group,
            &self.computer.dns_name,
        );
        let read: Reader<'_, _> = &|cursor, _| answers::authorization_cookie(cursor);
        let (plug_in_id, data) =
            self.attempt(Operation::GetAuthorizationCookie, body, read).await?;
        let now = now();
        let mut old = self.session.cookie.clone();
        if old.encrypted_data.is_empty() {
            old.expiration.clone_from(&now);
        }
        let config = self.session.config.as_ref();
        let last_change = config.map_or("", |config| config.last_change.as_str());
        let body = requests::cookie(&plug_in_id, &data, &old, last_change, &now);
        let read: Reader<'_, _> = &|cursor, _| answers::cookie(cursor);
        let cookie = self.attempt(Operation::GetCookie, body, read).await?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        if seconds(&cookie.expiration).is_none_or(|time| time <= now) {
            let what = format!("GetCookie issues a cookie that expired at {}", cookie.expiration);
            return Err(Complaint::new(Rule::Cookie, what).into());
        }
        self.take_cookie(cookie);
        Ok(())
    }

    /// Keeps a cookie for the next call. It expires by the server's clock, which does not run
    /// ahead as the computer's does.
    pub(super) fn take_cookie(&mut self, cookie: Cookie) {
        self.session.cookie = cookie;
        self.cookie_since = self.schedule.now();
    }

    async fn register(&mut self) -> Result<(), Trouble> {
        let Computer { dns_name, registration, .. } = &self.computer;
        let body = requests::register(&self.session.cookie, dns_name, registration);
        let read: Reader<'_, _> = &|cursor, _| answers::nothing(cursor);
        self.attempt(Operation::RegisterComputer, body, read).await?;
        self.session.is_registered = true;
        Ok(())
    }

    /// RefreshCache: gives every cached revision its number on this server.
    async fn refresh_cache(&mut self) -> Result<(), Trouble> {
        let identities = self.store.iter().map(|(_, cached)| cached.core.identity);
        let identities: Vec<_> = identities.collect();
        let mut rows = Vec::with_capacity(identities.len());
        for part in identities.chunks(REFRESHED) {
            let body = requests::refresh_cache(&self.session.cookie, part.iter().copied());
            let read: Reader<'_, _> = &|cursor, _| answers::refresh_cache(cursor);
            rows.extend(self.attempt(Operation::RefreshCache, body, read).await?);
        }
        let (world, name) = (&self.world, &self.computer.dns_name);
        self.store.refresh(&rows, |complaint| world.complain(name, complaint));
        self.details.retain(|revision, _| self.store.revision(revision).is_some());
        Ok(())
    }

    /// GetFileLocations for all files that the agent knows of.
    async fn locate_files(&mut self) -> Result<(), Trouble> {
        let files: Vec<_> = self.locations.keys().copied().collect();
        for part in files.chunks(LOCATED) {
            let cookie = &self.session.cookie;
            let body = FileLocationsQuestion { cookie, files: part }.write();
            let read: Reader<'_, _> = &|cursor, _| answers::file_locations(cursor);
            let answer = self.attempt(Operation::GetFileLocations, body, read).await?;
            self.take_locations(answer.0, |file| part.contains(file));
            self.take_cookie(answer.1);
        }
        Ok(())
    }

    async fn attempt<T>(
        &mut self,
        operation: Operation,
        body: Vec<u8>,
        read: Reader<'_, T>,
    ) -> Result<T, Trouble> {
        let world = Arc::clone(&self.world);
        self.session.call(&world, operation, body, read).await
    }

    async fn wait(&self, time: Duration) {
        self.world.statistics.busy.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(time).await;
    }
}

impl Step {
    /// The call that it makes; the last one where it makes several.
    fn operation(self) -> Operation {
        match self {
            Self::Renew => Operation::GetCookie,
            Self::RefreshCache => Operation::RefreshCache,
            Self::Register => Operation::RegisterComputer,
            Self::LocateFiles => Operation::GetFileLocations,
            Self::Forget | Self::Config | Self::Wait => Operation::GetConfig,
        }
    }
}

/// Unix seconds of a time as servers write it.
fn seconds(text: &str) -> Option<i64> {
    text.parse::<DateTime>().ok().map(DateTime::unix_seconds)
}

/// Now, in whole seconds, as an agent writes it.
fn now() -> String {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0);
    now.ok().and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_default()
}

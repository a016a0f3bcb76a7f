//! One Windows Update Agent and the machine it runs on.
//!
//! From the ground up: `requests` and `answers` are the bytes; `session` makes one call;
//! `handshake` recovers from faults; `datastore` holds what came and how it stands on the
//! `machine`; `scan`, `details`, `download`, `install` and `report` are what an agent does, and
//! `schedule` says when.

pub mod answers;
mod computer;
mod datastore;
mod details;
mod devices;
mod download;
mod handshake;
mod install;
mod machine;
mod report;
pub mod requests;
mod scan;
mod schedule;
mod session;
#[cfg(test)]
mod tests;
mod trouble;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::catalogue::random::Random;
use super::profile::Profile;
use super::referee::Complaint;
use crate::wire::types::UpdateIdentity;
use computer::{Computer, Topic, stream};
use datastore::Datastore;
use details::{Details, Locations};
use machine::Machine;
use requests::Event;
use schedule::{Schedule, Trigger};
use session::Session;

pub use computer::client_id;
pub use schedule::TIME_TO_LIVE;
pub use world::{Settings, World};

/// An agent.
pub struct Agent {
    world: Arc<World>,
    computer: Computer,
    machine: Machine,
    session: Session,
    schedule: Schedule,
    /// When, by the computer's clock, the cookie was issued.
    cookie_since: Duration,
    store: Datastore,
    details: BTreeMap<UpdateIdentity, Details>,
    /// Revisions of which the server said that they are not deployed to this computer.
    out_of_scope: BTreeSet<UpdateIdentity>,
    locations: Locations,
    downloaded: BTreeSet<Uuid>,
    failed: BTreeSet<Uuid>,
    /// Events that wait to be reported.
    events: Vec<Event>,
    event_ids: Random,
    download_order: Random,
    user: Random,
    /// Whether the user puts a restart off until the next scan is over.
    puts_restart_off: bool,
}

impl Agent {
    /// The agent of computer `number`.
    pub fn new(world: Arc<World>, number: u64, profile: Profile) -> Self {
        let seed = world.settings.seed;
        let computer = Computer::new(seed, number, &profile, &world.url);
        let chance = |topic| stream(seed, number, topic);
        Self {
            session: Session::new(&world, computer.agency.clone()),
            schedule: Schedule::new(chance(Topic::Schedule), world.settings.time_to_live),
            machine: Machine::new(profile),
            cookie_since: Duration::ZERO,
            store: Datastore::default(),
            details: BTreeMap::new(),
            out_of_scope: BTreeSet::new(),
            locations: Locations::new(),
            downloaded: BTreeSet::new(),
            failed: BTreeSet::new(),
            events: Vec::new(),
            // Ids of events must not come again in a later run.
            event_ids: Random::keyed(Uuid::new_v4().as_u64_pair().0, &[number]),
            download_order: chance(Topic::Download),
            user: chance(Topic::User),
            puts_restart_off: false,
            world,
            computer,
        }
    }

    /// How long after the start of the run the computer is switched on.
    pub fn arrival(&self, number: u64) -> Duration {
        let spread = self.world.settings.spread;
        let mut random = stream(self.world.settings.seed, number, Topic::Arrival);
        let per_mille = u32::try_from(random.between(0, 999)).unwrap_or(0);
        spread * per_mille / 1_000
    }

    /// The computer's id.
    pub fn client_id(&self) -> &str {
        &self.computer.client_id
    }

    /// The machine as it is now.
    pub fn profile(&self) -> &Profile {
        &self.machine.profile
    }

    /// A day of the computer: what is due is scanned, reported, downloaded, installed. What goes
    /// wrong is told to the referee and ends the day.
    pub async fn live_a_day(&mut self, is_first: bool) {
        if !is_first {
            self.schedule.wait();
        }
        if let Err(complaint) = self.day().await {
            self.note_failed_scan(complaint.rule);
            self.complain(complaint);
        }
        self.session.close();
    }

    async fn day(&mut self) -> Result<(), Complaint> {
        // An inventory program on some computers looks what is known, connected or not.
        if self.user.chance(200) {
            self.scan(Trigger::LookUp).await?;
        }
        if self.schedule.reevaluates() {
            self.scan(Trigger::Reevaluation).await?;
        }
        self.scan(Trigger::Detection).await?;
        self.note_scan();
        self.report().await?;
        if std::mem::take(&mut self.puts_restart_off) {
            self.restart().await?;
        }
        let was_busy = self.install_approved().await?;
        self.puts_restart_off = self.user.chance(250);
        if !self.puts_restart_off {
            self.restart().await?;
        }
        // Some users look whether there is more.
        if was_busy && self.user.chance(500) {
            self.scan(Trigger::Demand).await?;
            self.note_scan();
        }
        self.report().await?;
        if self.user.chance(100)
            && let Some(product) = self.product()
        {
            self.scan_category(product).await?;
        }
        Ok(())
    }

    fn complain(&self, complaint: Complaint) {
        self.world.complain(&self.computer.dns_name, complaint);
    }
}

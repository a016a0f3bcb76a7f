//! The scan: software in rounds, then drivers ([MS-WUSP] 3.1.5.7, 3.2.5).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::Agent;
use super::answers::{self, SyncInfo};
use super::computer::Computer;
use super::datastore::{Half, Merged, Standing};
use super::requests::{self, Cached, Category, DriverPass, Pass, SoftwarePass, SyncUpdates};
use super::schedule::{Trigger, Work};
use super::session::Reader;
use crate::fleet::referee::{Complaint, Rule};
use crate::metadata::model::UpdateType;
use crate::wire::operation::Operation;

/// Beyond this many calls an agent gives up with 0x80244010.
const TRIPS: u32 = 200;

/// `CallerAttributes` of a scan on the agent's own schedule.
const SCHEDULED: &str = "Interactive=0;SheddingAware=1;Id=UpdateOrchestrator;";

/// `CallerAttributes` of a scan that a user asked for.
const INTERACTIVE: &str = "Interactive=1;SheddingAware=1;Id=UpdateOrchestrator;";

/// What a scan is for.
#[derive(Debug, Clone, Copy)]
struct Purpose<'a> {
    /// The categories that it is limited to; none for a whole one.
    filter: &'a [Uuid],
    caller: &'static str,
}

impl Agent {
    /// Scans for a reason, whatever that comes to. Says whether the server was asked.
    pub(super) async fn scan(&mut self, trigger: Trigger) -> Result<bool, Complaint> {
        match self.schedule.work(trigger) {
            Work::LastResult => return Ok(false),
            Work::Evaluate => {
                self.store.evaluate(&self.machine.profile);
                self.world.statistics.local_scans.fetch_add(1, Ordering::Relaxed);
                return Ok(false);
            }
            Work::AskServer => {}
        }
        let caller = if trigger == Trigger::Demand { INTERACTIVE } else { SCHEDULED };
        self.prepare().await?;
        self.scan_online(Purpose { filter: &[], caller }).await?;
        self.describe(caller).await?;
        self.schedule.asked();
        Ok(true)
    }

    /// Scans for the updates of one category: StartCategoryScan, then a filtered scan of those that
    /// the server prefers. Nothing that is cached may get lost by it.
    pub(super) async fn scan_category(&mut self, category: Uuid) -> Result<(), Complaint> {
        self.prepare().await?;
        let has_category_scans =
            self.session.config.as_ref().is_some_and(answers::Config::has_category_scans);
        if !has_category_scans {
            return Ok(());
        }
        let build =
            move |_: &Self| requests::start_category_scan(&[Category { group: 0, id: category }]);
        let read: Reader<'_, _> = &|cursor, _| answers::preferred_categories(cursor);
        let preferred = self.call(Operation::StartCategoryScan, &build, read).await?;
        if preferred.is_empty() {
            return Ok(());
        }
        let updates = self.store.iter().map(|(_, cached)| cached.core.identity.update_id);
        let before: Vec<Uuid> = updates.collect();
        let purpose = Purpose { filter: &preferred, caller: SCHEDULED };
        self.scan_online(purpose).await?;
        let lost = before.iter().filter(|update| self.store.update(update).is_none()).count();
        if lost > 0 {
            let what = format!("a scan for one category makes the agent forget {lost} revisions");
            self.complain(Complaint::new(Rule::UnknownRevision, what));
        }
        self.describe(SCHEDULED).await
    }

    /// The installed product that most updates hang on, if any.
    pub(super) fn product(&self) -> Option<Uuid> {
        let mut products: Vec<Uuid> = Vec::new();
        for (_, cached) in self.store.iter() {
            if cached.core.update_type == UpdateType::Software {
                let needed = cached.core.prerequisites.iter().flatten();
                let categories = needed.filter(|update| {
                    self.store.update(update).is_some_and(|(_, category)| {
                        category.core.update_type == UpdateType::Category
                            && category.standing == Standing::Installed
                    })
                });
                products.extend(categories);
            }
        }
        products.sort_unstable();
        let counted = products.chunk_by(|a, b| a == b);
        counted.max_by_key(|group| group.len()).and_then(|group| group.first().copied())
    }

    async fn scan_online(&mut self, purpose: Purpose<'_>) -> Result<(), Complaint> {
        let is_first = self.store.is_empty();
        self.store.evaluate(&self.machine.profile);
        let mut trips = 0;
        loop {
            let (page, merged) = self.software_pass(purpose, &mut trips).await?;
            if !page.truncated && merged.non_leaf == 0 {
                break;
            }
        }
        loop {
            if !self.driver_pass(purpose, &mut trips).await?.truncated {
                break;
            }
        }
        self.store.settle();
        if purpose.filter.is_empty() {
            let (world, name) = (&self.world, &self.computer.dns_name);
            self.store.inspect(|complaint| world.complain(name, complaint));
        }
        self.world.statistics.scanned(is_first, trips);
        Ok(())
    }

    async fn software_pass(
        &mut self,
        purpose: Purpose<'_>,
        trips: &mut u32,
    ) -> Result<(SyncInfo, Merged), Complaint> {
        let build = move |agent: &Self| {
            let installed = agent.store.installed_non_leaf();
            let other = agent.store.other_cached();
            let pass = Pass::Software(SoftwarePass { other: &other, filter: purpose.filter });
            agent.sync_request(Cached { installed_non_leaf: &installed, pass }, purpose)
        };
        let page = self.sync(&build, trips).await?;
        let merged = self.merge(&page, Half::Software);
        // What a new non-leaf is decides what comes next.
        if merged.non_leaf > 0 {
            self.store.settle();
        }
        Ok((page, merged))
    }

    async fn driver_pass(
        &mut self,
        purpose: Purpose<'_>,
        trips: &mut u32,
    ) -> Result<SyncInfo, Complaint> {
        let build = move |agent: &Self| {
            let profile = &agent.machine.profile;
            let pass = Pass::Drivers(DriverPass {
                system_spec: &agent.machine.system_spec,
                cached_drivers: &agent.store.cached_drivers(),
                filter: purpose.filter,
                computer_hardware_ids: &profile.computer_hardware_ids,
                feature_score_matching_key: &profile.feature_score_key(),
            });
            let installed = agent.store.installed_non_leaf();
            agent.sync_request(Cached { installed_non_leaf: &installed, pass }, purpose)
        };
        let page = self.sync(&build, trips).await?;
        self.merge(&page, Half::Drivers);
        for info in &page.new {
            let Some(cached) = self.store.get(info.id) else { continue };
            if cached.standing == Standing::NotApplicable {
                let what = format!("driver {} is better for no device", cached.core.identity);
                self.complain(Complaint::new(Rule::DriverFits, what));
            }
        }
        Ok(page)
    }

    fn sync_request(&self, cached: Cached<'_>, purpose: Purpose<'_>) -> Vec<u8> {
        let Computer { device_attributes, products, .. } = &self.computer;
        SyncUpdates {
            cookie: &self.session.cookie,
            cached,
            also_perform_regular_sync: purpose.filter.is_empty(),
            device_attributes,
            caller_attributes: purpose.caller,
            products,
        }
        .write()
    }

    async fn sync(
        &mut self,
        build: &(dyn Fn(&Self) -> Vec<u8> + Sync),
        trips: &mut u32,
    ) -> Result<SyncInfo, Complaint> {
        *trips += 1;
        if *trips > TRIPS {
            let what = format!("no end of the scan after {TRIPS} calls");
            return Err(Complaint::new(Rule::TooManyTrips, what));
        }
        let read: Reader<'_, _> = &|cursor, library| answers::sync_updates(cursor, library);
        let mut page = self.call(Operation::SyncUpdates, build, read).await?;
        self.take_cookie(std::mem::take(&mut page.cookie));
        self.world.statistics.revisions.fetch_add(page.new.len() as u64, Ordering::Relaxed);
        Ok(page)
    }

    fn merge(&mut self, page: &SyncInfo, half: Half) -> Merged {
        let world = Arc::clone(&self.world);
        let name = &self.computer.dns_name;
        let complain = |complaint| world.complain(name, complaint);
        for core in page.new.iter().filter_map(|info| info.core.as_ref()) {
            if self.out_of_scope.remove(&core.identity) {
                let what = format!("{} has no details and is sent again", core.identity);
                complain(Complaint::new(Rule::FragmentMissing, what));
            }
        }
        let merged = self.store.merge(page, half, &self.machine.profile, complain);
        if !page.out_of_scope.is_empty() {
            self.details.retain(|revision, _| self.store.revision(revision).is_some());
        }
        merged
    }
}

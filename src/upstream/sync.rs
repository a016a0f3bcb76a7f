//! One synchronization from beginning to end ([MS-WSUSSS] 3.2.4).
//!
//! What is fetched is staged, and becomes visible at the end, all at once and, in a replica, with what was
//! decided on it; the anchors are moved after that. So wherever it is interrupted, nobody has seen a
//! half of it, the next one asks from the same anchors, and fetches only what is not here yet.

use std::collections::HashSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authorize::Account;
use super::configuration::configuration;
use super::deployments::{Decided, deployments};
use super::drivers::{DriverLimits, Question};
use super::error::SyncError;
use super::fetch::Fetch;
use super::following::Occasion;
use super::inventory::Inventory;
use super::progress::{Phase, Progress};
use super::records::{
    AnchorsRecord, DriversRecord, InventoryRecord, SET_ASIDE, SelectionRecord, SetAside,
    SourceRecord, UpstreamRecord, names,
};
use super::revisions::{Filter, Listed, list};
use super::session::{Connection, Session};
use super::settings::Settings;
use super::source;
use crate::policy::by::By;
use crate::state::{Moved, Reveal, State};
use crate::wire::fault::ErrorCode;
use crate::wire::operation::Operation;
use crate::wire::types::UpdateIdentity;

/// What is to be synchronised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everything that is selected.
    Everything,
    /// Only what there is to select: categories, classifications and detectoids.
    Categories,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) moved: Moved,
    /// Listed, and here already.
    pub(super) unchanged: u64,
    /// Listed, and not to be had.
    pub(super) failed: Vec<SetAside>,
    /// Decisions of the upstream server that were not known here; none when it does not decide.
    pub(super) decisions: Option<u64>,
    /// Whether the upstream server did not know what we had of it.
    pub(super) anew: bool,
}

/// What was fetched and nobody sees yet, and what is to be remembered once everybody does.
pub(super) struct Fetched {
    outcome: Outcome,
    reveal: Reveal,
    anchors: AnchorsRecord,
    drivers: Option<Remembered>,
    /// None when the upstream server does not decide.
    decided: Option<Decided>,
}

/// What a synchronization works with.
pub(super) struct Sync<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) settings: &'a Settings,
    pub(super) progress: &'a Arc<Progress>,
    pub(super) account: Account,
    pub(super) source: SourceRecord,
    pub(super) inventory: &'a Inventory,
    pub(super) occasion: Occasion,
}

/// What is to be remembered of drivers.
type Remembered = (Option<InventoryRecord>, DriversRecord);

impl Outcome {
    /// Whether anything is here that was not, or had to be asked for anew.
    pub(super) fn is_news(&self) -> bool {
        self.anew || self.moved.new + self.moved.changed + self.decisions.unwrap_or(0) > 0
    }
}

impl Sync<'_> {
    /// Fetches what there is to fetch. What clients see is as before, whether it ends well or not, or is
    /// dropped on the way.
    ///
    /// # Errors
    /// When it cannot go on.
    pub(super) async fn fetch(&self, scope: Scope) -> Result<Fetched, SyncError> {
        match self.once(scope, false).await {
            Err(error) if forgot_us(&error) => {
                tracing::warn!(%error, "the upstream server is asked from the beginning");
                self.forget_anchors().await?;
                self.once(scope, true).await
            }
            fetched => fetched,
        }
    }

    /// Fetches with the anchors that there are; `anew` when these were forgotten a moment ago.
    async fn once(&self, scope: Scope, anew: bool) -> Result<Fetched, SyncError> {
        let server = source::server(&self.source)?;
        let session = Session::new(server, self.account.clone(), self.settings);
        let mut connection = session.connection();
        let mut anchors = self.anchors().await?;
        let mut outcome = Outcome { anew, ..Outcome::default() };

        self.progress.begin(Phase::Connecting, 0);
        let known: UpstreamRecord = match anchors.configuration {
            Some(_) => self.state.meta(names::UPSTREAM).await?.unwrap_or_default(),
            None => UpstreamRecord::default(),
        };
        let asked = configuration(&mut connection, &known, anchors.configuration.as_deref());
        let (upstream, configuration_anchor, driver_limits) = asked.await?;
        self.state.set_meta(names::UPSTREAM, upstream.clone()).await?;

        let tried_before = std::mem::take(&mut anchors.set_aside);
        // Neither may be there any more, so none of them makes a synchronization hopeless.
        let mut failed_before: HashSet<UpdateIdentity> =
            tried_before.iter().map(|failed| failed.revision).collect();
        failed_before.extend(self.state.wanted_back().await?);
        let fetch = Fetch {
            session: &session,
            state: self.state,
            upstream: &upstream,
            progress: self.progress,
            failed_before: &failed_before,
            workers: self.settings.workers,
        };

        self.progress.begin(Phase::ListingCategories, 0);
        let filter = Filter::configuration(anchors.categories.clone());
        let categories = self.list(&mut connection, filter, &mut outcome).await?;
        let mut listed: HashSet<UpdateIdentity> = categories.revisions.iter().copied().collect();
        self.fetch_some(&fetch, Phase::Categories, categories.revisions, &mut outcome).await?;

        let selection = self.selection().await?;
        let (mut updates_anchor, mut drivers) = (None, None);
        let again = scope == Scope::Everything && self.occasion == Occasion::Wanted;
        if scope == Scope::Everything {
            self.progress.begin(Phase::ListingUpdates, 0);
            let anchor = anchors.updates.clone();
            let mut updates: Vec<_> = failed_before.iter().copied().filter(|_| again).collect();
            if let Some(filter) = Filter::updates(&selection, &anchors.selection, anchor) {
                let there = self.list(&mut connection, filter, &mut outcome).await?;
                updates_anchor = there.anchor;
                updates.extend(there.revisions);
            }
            if self.settings.drivers_by_inventory {
                let asked = self.drivers(&mut connection, &selection, driver_limits, &mut outcome);
                let (revisions, remembered) = asked.await?;
                updates.extend(revisions);
                drivers = Some(remembered);
            }
            listed.extend(updates.iter().copied());
            // What failed as a category a moment ago is not asked for a second time.
            updates.retain(|id| outcome.failed.iter().all(|failed| failed.revision != *id));
            self.fetch_some(&fetch, Phase::Updates, updates, &mut outcome).await?;
        }
        if !again {
            // Not tried again, so not forgotten either.
            anchors.set_aside = tried_before;
            let failed = |id| outcome.failed.iter().any(|failed| failed.revision == id);
            anchors.set_aside.retain(|before| !failed(before.revision));
        }
        // With too much that is missing, all of it is asked for once more.
        let moves_on = outcome.failed.len() + anchors.set_aside.len() <= SET_ASIDE;
        if moves_on {
            anchors.configuration = configuration_anchor;
            anchors.categories = categories.anchor.or(anchors.categories);
            if updates_anchor.is_some() {
                anchors.updates = updates_anchor;
                anchors.selection = selection;
            }
            anchors.set_aside.extend(outcome.failed.iter().cloned());
        }
        let drivers = drivers.filter(|_| moves_on);
        let decided = match self.source.replica && scope == Scope::Everything {
            true => self.decided(&mut connection, &anchors).await?,
            false => None,
        };
        let reveal = match scope {
            Scope::Everything => Reveal::Listed(listed),
            Scope::Categories => Reveal::Configuration,
        };
        Ok(Fetched { outcome, reveal, anchors, drivers, decided })
    }

    /// Lets everybody see what was fetched, together with what was decided on it, and remembers how far
    /// we are. To be carried to its end once begun.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn publish(&self, fetched: Fetched) -> Result<Outcome, SyncError> {
        let Fetched { mut outcome, reveal, mut anchors, drivers, decided } = fetched;
        self.progress.begin(Phase::Publishing, 0);
        outcome.moved = self.state.publish_staged(reveal, decided.is_some()).await?;
        if let Some(decided) = decided {
            self.progress.begin(Phase::Deployments, 0);
            let by = By::weir(format!("replica of {}", self.source.url));
            let changes = self.state.mirror(by, decided.mirrored).await?;
            self.progress.advance(changes);
            anchors.deployments = decided.anchor;
            outcome.decisions = Some(changes);
        }
        self.state.set_meta(names::ANCHORS, anchors).await?;
        if let Some((inventory, drivers)) = drivers {
            // In this order: with an older anchor too much is asked for, and never too little, as what
            // was asked is here.
            if let Some(inventory) = inventory {
                self.state.set_meta(names::INVENTORY, inventory).await?;
            }
            self.state.set_meta(names::DRIVERS, drivers).await?;
        }
        Ok(outcome)
    }

    /// What was decided there ([MS-WSUSSS] 3.2.4.3), on what is known with these anchors.
    async fn decided(
        &self,
        connection: &mut Connection,
        anchors: &AnchorsRecord,
    ) -> Result<Option<Decided>, SyncError> {
        self.progress.begin(Phase::Deployments, 0);
        let sync_anchor = anchors.updates.as_deref().or(anchors.categories.as_deref());
        // Nothing was listed yet, so there is nothing to decide on.
        let Some(sync_anchor) = sync_anchor else { return Ok(None) };
        match deployments(connection, anchors.deployments.as_deref(), sync_anchor).await {
            Err(error) if anchors.deployments.is_some() && error.is_about("anchor") => {
                Ok(Some(deployments(connection, None, sync_anchor).await?))
            }
            decided => Ok(Some(decided?)),
        }
    }

    /// The anchors, if they are this upstream server's.
    async fn anchors(&self) -> Result<AnchorsRecord, SyncError> {
        let url = self.source.url.clone();
        let anchors: Option<AnchorsRecord> = self.state.meta(names::ANCHORS).await?;
        let fresh = AnchorsRecord { url, ..AnchorsRecord::default() };
        Ok(anchors.filter(|anchors| anchors.url == fresh.url).unwrap_or(fresh))
    }

    async fn selection(&self) -> Result<SelectionRecord, SyncError> {
        Ok(self.state.meta(names::SELECTION).await?.unwrap_or_default())
    }

    /// Forgets all anchors, as [MS-WSUSSS] 2.2.9.3 has it for ServerChanged. What was set aside is
    /// not forgotten: it is listed once more, and fails as it did.
    async fn forget_anchors(&self) -> Result<(), SyncError> {
        let AnchorsRecord { url, set_aside, .. } = self.anchors().await?;
        let drivers = DriversRecord { url: url.clone(), ..DriversRecord::default() };
        let anchors = AnchorsRecord { url, set_aside, ..AnchorsRecord::default() };
        self.state.set_meta(names::ANCHORS, anchors).await?;
        Ok(self.state.set_meta(names::DRIVERS, drivers).await?)
    }

    /// Lists revisions; once more without the anchor when the server refuses that one, as a real
    /// server does with an anchor not its own.
    async fn list(
        &self,
        connection: &mut Connection,
        filter: Filter,
        outcome: &mut Outcome,
    ) -> Result<Listed, SyncError> {
        match list(connection, &filter).await {
            Err(error)
                if filter.anchor.is_some()
                    && (error.is_about("anchor") || error.is_about("filter")) =>
            {
                tracing::warn!(%error, "the upstream server is asked from the beginning");
                outcome.anew = true;
                list(connection, &filter.for_the_first_time()).await
            }
            listed => listed,
        }
    }

    /// Lists drivers for the hardware that computers here have, and returns with them what is to be
    /// remembered once they are here: the inventory, if it changed, and how far we are.
    async fn drivers(
        &self,
        connection: &mut Connection,
        selection: &SelectionRecord,
        limits: DriverLimits,
        outcome: &mut Outcome,
    ) -> Result<(Vec<UpdateIdentity>, Remembered), SyncError> {
        let known: Option<InventoryRecord> = self.state.meta(names::INVENTORY).await?;
        let known = known.unwrap_or_default();
        let mut inventory = known.clone();
        self.inventory.merge_into(&mut inventory, self.state.now());
        let before: Option<DriversRecord> = self.state.meta(names::DRIVERS).await?;
        let url = self.source.url.clone();
        let fresh = DriversRecord { url, ..DriversRecord::default() };
        let mut before = before.filter(|before| before.url == fresh.url).unwrap_or(fresh);
        let mut revisions = Vec::new();
        if let Some(question) = Question::about(&inventory, &before, selection, limits) {
            self.progress.begin(Phase::ListingDrivers, 0);
            let (question, drivers) = match question.ask(connection).await {
                Err(error)
                    if question.has_anchor()
                        && (error.is_about("anchor") || error.is_about("filter")) =>
                {
                    tracing::warn!(%error, "the upstream server is asked for all drivers");
                    outcome.anew = true;
                    let question = question.for_the_first_time();
                    let drivers = question.ask(connection).await?;
                    (question, drivers)
                }
                drivers => (question, drivers?),
            };
            question.was_answered(&drivers, &mut inventory, &mut before);
            revisions = drivers.revisions;
        }
        let inventory = (inventory != known).then_some(inventory);
        Ok((revisions, (inventory, before)))
    }

    /// Fetches what of `listed` is not here.
    async fn fetch_some(
        &self,
        fetch: &Fetch<'_>,
        phase: Phase,
        listed: Vec<UpdateIdentity>,
        outcome: &mut Outcome,
    ) -> Result<(), SyncError> {
        let unknown = self.state.unknown(listed).await?;
        outcome.unchanged += unknown.known;
        self.progress.begin(phase, unknown.revisions.len() as u64 + unknown.staged);
        self.progress.advance(unknown.staged);
        outcome.failed.extend(fetch.all(unknown.revisions).await?);
        Ok(())
    }
}

/// Whether none of our anchors means anything to the upstream server, because it is another server or
/// lost what it knew: it says so, or refuses the anchor of its configuration, which is the only
/// parameter of GetConfigData besides the cookie, or the anchor up to which it is to tell decisions.
fn forgot_us(error: &SyncError) -> bool {
    match error {
        SyncError::Fault { operation: Operation::GetConfigData, fault } => {
            matches!(fault.code, Some(ErrorCode::ServerChanged | ErrorCode::InvalidParameters))
        }
        SyncError::Fault { operation: Operation::GetDeployments, .. } => {
            error.code() == Some(ErrorCode::ServerChanged) || error.is_about("anchor")
        }
        _ => error.code() == Some(ErrorCode::ServerChanged),
    }
}

//! A downstream server over an upstream server that can be told to misbehave, and over the
//! recordings of a real one.

mod content;
mod deleted;
mod drivers;
mod fake;
mod faults;
mod flow;
mod following;
mod kill;
mod node;
mod product;
mod publishing;
mod recorded;
mod replica;
mod rollup;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::records::{Run, SourceRecord};
use super::{Patience, Scope, SelectionChange, Settings, Upstream};
use crate::http::ClientLimits;
use crate::metadata::sample;
use crate::policy::by::By;
use crate::state::{self, State};
use crate::store::memory::MemoryStore;
use crate::wire::types::UpdateIdentity;
use fake::Fake;

/// A server with its upstream server.
pub(super) struct Pair {
    pub(super) fake: Fake,
    pub(super) state: Arc<State>,
    pub(super) upstream: Arc<Upstream>,
    store: MemoryStore,
    dir: TempDir,
}

fn settings() -> Settings {
    Settings {
        workers: 3,
        drivers_by_inventory: true,
        limits: ClientLimits {
            body: 4 << 20,
            connect: Duration::from_secs(5),
            exchange: Duration::from_secs(2),
        },
        patience: Patience {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(2),
            attempts: 3,
        },
        ..Settings::default()
    }
}

impl Pair {
    /// A server without anything, whose upstream server has the sample catalogue.
    async fn new() -> Self {
        let fake = Fake::start().await;
        for (_, document) in sample::documents() {
            fake.world().add(document);
        }
        Self::with(fake).await
    }

    async fn with(fake: Fake) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = MemoryStore::new();
        let state = Self::open(&dir, &store, &state::Settings::default());
        let upstream = Upstream::new(Arc::clone(&state), settings());
        let source = SourceRecord { url: fake.url.clone(), ..SourceRecord::default() };
        upstream.set_source(By::administrator(), source).await.unwrap();
        Self { fake, state, upstream, store, dir }
    }

    fn open(dir: &TempDir, store: &MemoryStore, settings: &state::Settings) -> Arc<State> {
        let state = State::with_store(dir.path(), Box::new(store.clone()), settings, || 1_000);
        Arc::new(state.unwrap())
    }

    /// The server after a restart.
    async fn restarted(self) -> Self {
        self.restarted_with(&state::Settings::default()).await
    }

    /// The same with other settings.
    async fn restarted_with(self, settings: &state::Settings) -> Self {
        let Self { fake, state, upstream, store, dir } = self;
        upstream.stop().await;
        state.close().await;
        drop((upstream, state));
        let state = Self::open(&dir, &store, settings);
        let upstream = Upstream::new(Arc::clone(&state), self::settings());
        Self { fake, state, upstream, store, dir }
    }

    async fn select(&self, products: &[&str], classifications: &[&str]) {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let change = SelectionChange {
            products: texts(products),
            classifications: texts(classifications),
            ..SelectionChange::default()
        };
        self.upstream.select(By::administrator(), change).await.unwrap();
    }

    async fn select_everything(&self) {
        let change = SelectionChange { everything: Some(true), ..SelectionChange::default() };
        self.upstream.select(By::administrator(), change).await.unwrap();
    }

    /// Synchronises to the end.
    async fn sync(&self, scope: Scope) -> Run {
        let number = self.upstream.start(By::administrator(), scope).await.unwrap();
        self.ended().await;
        let run = self.upstream.history().await.unwrap().pop().unwrap();
        assert_eq!(run.number, number);
        run
    }

    async fn ended(&self) {
        while self.upstream.running().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn has(&self, identity: &UpdateIdentity) -> bool {
        self.state.published().catalog.by_identity(identity).is_some()
    }

    fn revisions(&self) -> usize {
        self.state.published().catalog.len()
    }
}

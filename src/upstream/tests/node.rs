//! A whole server in this process, to be the upstream server of another.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::settings;
use crate::computers::computer::ComputerInfo;
use crate::computers::event::{Event, STATUS_REPORT};
use crate::policy::by::By;
use crate::server::{Limits, Server};
use crate::services::Services;
use crate::state::{self, Registration, State};
use crate::store::memory::MemoryStore;
use crate::upstream::records::{Run, SourceRecord};
use crate::upstream::{Scope, Upstream};
use crate::{server, services};
use uuid::Uuid;

/// A server with its own upstream server, if it has one.
pub(super) struct Node {
    pub(super) state: Arc<State>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) url: String,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    _dir: TempDir,
}

impl Node {
    /// One that has nothing.
    pub(super) async fn start(name: &str, now: fn() -> i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Box::new(MemoryStore::new());
        let state = State::with_store(dir.path(), store, &state::Settings::default(), now);
        let state = Arc::new(state.unwrap());
        let settings = crate::upstream::Settings { account_name: name.to_owned(), ..settings() };
        let upstream = Upstream::new(Arc::clone(&state), settings);
        let services = Services::start(Arc::clone(&state), services::Settings::default()).await;
        let services = services.unwrap().with_upstream(Arc::clone(&upstream));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings =
            server::Settings { http: Some(address), https: None, limits: Limits::default() };
        let server = Server::bind(settings, None, Arc::new(services), Registry::default()).await;
        let server = server.unwrap();
        let url = format!("http://{}", server.http_address().unwrap());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            server.run(async { drop(stopped.await) }).await;
        });
        Self { state, upstream, url, stop: Some(stop), running, _dir: dir }
    }

    /// Makes `other` its upstream server.
    pub(super) async fn below(self, other: &Self) -> Self {
        let url = other.url.clone();
        let source = SourceRecord { url, report: true, ..SourceRecord::default() };
        self.upstream.set_source(By::administrator(), source).await.unwrap();
        self
    }

    /// Synchronises to the end, and reports.
    pub(super) async fn sync(&self) -> Run {
        self.upstream.start(By::administrator(), Scope::Everything).await.unwrap();
        while self.upstream.running().is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        self.upstream.report().await.unwrap();
        self.upstream.history().await.unwrap().pop().unwrap()
    }

    /// A computer that has been here.
    pub(super) async fn computer(&self, client_id: &str, requested_group: &str) {
        let registration = Registration {
            client_id: client_id.to_owned(),
            info: ComputerInfo {
                dns_name: format!("{client_id}.example"),
                os_version: (10, 0, 26100),
                ..ComputerInfo::default()
            },
            requested_group: requested_group.to_owned(),
            client_side_targeting: true,
            address: "10.0.0.7".to_owned(),
        };
        self.state.register(registration).await.unwrap();
        let tracked = self.state.computers().find(client_id).unwrap();
        tracked.touch(self.state.now());
    }

    /// A status report of one of its computers.
    pub(super) async fn status(&self, client_id: &str, needed: &[Uuid], installed: &[Uuid]) {
        let list = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(";");
        let event = Event {
            instance: Uuid::new_v4(),
            event_id: STATUS_REPORT,
            source: 101,
            update: None,
            at: self.state.now(),
            result: 0,
            app: String::new(),
            strings: Vec::new(),
            misc: vec![("U".into(), list(needed)), ("V".into(), list(installed))],
        };
        assert!(self.state.report(client_id.to_owned(), vec![event], false).await.unwrap());
    }

    pub(super) async fn stop(mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.running.await.unwrap();
        self.upstream.stop().await;
        self.state.close().await;
    }
}

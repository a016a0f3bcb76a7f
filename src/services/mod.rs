//! One file per operation: typed request, domain call, typed response. The only place where wire
//! and domain meet.

pub mod call;
mod clock;
pub mod cookie;
mod deployments;
mod dispatch;
mod drivers;
mod error;
mod extended_update_info;
mod file_locations;
mod get_authorization_cookie;
mod get_config;
mod get_cookie;
mod quiet_scan;
mod refresh_cache;
mod register_computer;
mod report_event_batch;
mod rollup;
mod server_sync;
mod session;
mod start_category_scan;
mod sync_updates;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use error::ServiceError;
pub use get_config::PROTOCOL_VERSION;
pub use server_sync::is_language;

use crate::catalog::PageLimits;
use crate::state::{State, StateError};
use crate::store::value::{NoPrevious, Stored};
use crate::upstream::Upstream;
use crate::wire::time::DateTime;
use crate::wire::wusp::client::ConfigurationProperty;
use cookie::Keyring;
use quiet_scan::Digests;
use rollup::Rollup;
use server_sync::ServerSync;

/// How the services behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Most entries accepted in `InstalledNonLeafUpdateIDs`. 400 is the real server's cap; native
    /// agents stay below 100.
    pub max_installed: usize,
    /// Most revisions in one GetExtendedUpdateInfo, told to clients in GetConfig. 50 is the real
    /// server's.
    pub max_extended_updates: usize,
    /// Size of the first pages of a scan.
    pub page: PageLimits,
    /// What content URLs start with, for servers behind a reverse proxy; none to use the address
    /// that the client itself used.
    pub public_url: Option<String>,
    /// Whether the groups that a computer's own policy names count.
    pub client_side_targeting: bool,
    /// Whether a downstream server may synchronize only once an administrator approved it. Off, as
    /// in WSUS, where any server that reaches the port may.
    pub approve_downstream: bool,
    /// Bytes of documents after which an answer to a downstream server ends. 2,000,000 is the real
    /// server's ([MS-WSUSSS] note 37); the other server asks for the rest again.
    pub max_update_data: usize,
    /// The languages that downstream servers are told there are updates in; none for all.
    pub downstream_languages: Vec<String>,
    /// Most hardware ids by which a downstream server may ask for drivers at once. 0 as in WSUS,
    /// which has them come with their classification alone.
    pub downstream_hardware_ids: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_installed: 400,
            max_extended_updates: 50,
            page: PageLimits::default(),
            public_url: None,
            client_side_targeting: true,
            approve_downstream: false,
            max_update_data: 2_000_000,
            downstream_languages: Vec::new(),
            downstream_hardware_ids: 0,
        }
    }
}

/// The web services over one state.
pub struct Services {
    state: Arc<State>,
    settings: Settings,
    keyring: ArcSwap<Keyring>,
    last_change: DateTime,
    properties: Vec<ConfigurationProperty<'static>>,
    server_sync: Arc<ServerSync>,
    rollup: Rollup,
    digests: Digests,
    upstream: Option<Arc<Upstream>>,
}

/// Name of the keyring in the state's single records.
const KEYRING: &str = "keyring";

impl Stored for Keyring {
    const NAME: &'static str = "keyring record";
    const VERSION: u8 = 1;
    type Previous = NoPrevious;

    fn migrate(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl Services {
    /// Makes the services, with this server's identity and keys from the state; the first start
    /// makes them.
    pub async fn start(state: Arc<State>, settings: Settings) -> Result<Self, StateError> {
        let now = state.now();
        let keyring = match state.meta::<Keyring>(KEYRING).await? {
            Some(keyring) if !keyring.needs_rotation(now) => keyring,
            Some(keyring) => {
                let keyring = keyring.rotated(now);
                state.set_meta(KEYRING, keyring.clone()).await?;
                keyring
            }
            None => {
                let keyring = Keyring::generate(now);
                state.set_meta(KEYRING, keyring.clone()).await?;
                keyring
            }
        };
        let properties = Self::properties(settings.max_extended_updates);
        // Clients echo LastChange and it is compared exactly: whole seconds survive every stack.
        let last_change =
            state.configuration("configuration", format!("{properties:?}"), now).await?;
        let last_change = DateTime::from_unix(last_change, 0).unwrap_or(DateTime::MAX);
        let languages = format!("{:?}", settings.downstream_languages);
        let languages_since = state.configuration("languages", languages, now).await?;
        let server_sync = Arc::new(ServerSync::new(languages_since));
        let keyring = ArcSwap::from_pointee(keyring);
        Ok(Self {
            state,
            settings,
            keyring,
            last_change,
            properties,
            server_sync,
            rollup: Rollup::default(),
            digests: Digests::new(),
            upstream: None,
        })
    }

    /// The same services, with an upstream server to turn to.
    pub fn with_upstream(self, upstream: Arc<Upstream>) -> Self {
        Self { upstream: Some(upstream), ..self }
    }

    /// This server's relation to its upstream server, if there is one.
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        self.upstream.as_ref()
    }

    /// Makes a new key when it is time. Cookies sealed with older keys stay good.
    pub async fn rotate_keys(&self) -> Result<(), StateError> {
        let now = self.now();
        let keyring = self.keyring.load_full();
        if keyring.needs_rotation(now) {
            let rotated = keyring.rotated(now);
            self.state.set_meta(KEYRING, rotated.clone()).await?;
            self.keyring.store(Arc::new(rotated));
        }
        Ok(())
    }

    /// The state behind the services.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// Runs `work`, which takes long or waits for the disk, where it holds up nobody else.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StateError> {
        // Not run at all when the runtime is going away.
        tokio::task::spawn_blocking(work).await.map_err(|_| StateError::Stopped)
    }

    fn now(&self) -> i64 {
        self.state.now()
    }
}

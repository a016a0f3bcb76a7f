//! Whether the server is well: what WSUS's health monitoring looks at (`wsusutil healthmonitoring`), check
//! by check, each with a name, a status and words.
//!
//! Checks are made when somebody asks, and every few minutes by a running server; what was found last
//! is in the metrics, which anybody may read and which therefore make none.

mod fleet;
mod machine;
mod monitor;
mod notified;
mod services;
mod synchronised;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use monitor::{Listeners, Monitor, Percent, Settings};

use super::{AdminError, Call, Operation, Route, Subject, explain};

/// Whether the server is well, check by check.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CheckHealth {
    /// Only these checks; all that are configured without any.
    pub only: Vec<CheckName>,
}

impl Operation for CheckHealth {
    type Answer = Health;
    const ROUTE: Route = Route::get("/health");

    async fn run(self, call: Call) -> Result<Self::Answer, AdminError> {
        Ok(Health::of(call.subject().check(&self.only).await))
    }
}

/// How the server is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Whether no check found an error.
    pub healthy: bool,
    /// The worst that a check found.
    pub status: CheckStatus,
    /// What each check found.
    pub checks: Vec<Check>,
}

impl Health {
    fn of(checks: Vec<Check>) -> Self {
        let status = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
        Self { healthy: status < CheckStatus::Error, status, checks }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it is.
    pub status: CheckStatus,
    /// In words.
    pub text: String,
}

/// How bad something is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Nothing is wrong.
    Ok,
    /// Somebody should look at it.
    Warn,
    /// Something does not work.
    Error,
}

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// The name of a check.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        pub enum CheckName {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl CheckName {
            /// All of them, in the order in which they are made.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As people write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

names! {
    /// Whether changes can be made: asks the writer and waits for its answer.
    Store "store",
    /// Whether the data directory is its owner's alone.
    Permissions "permissions",
    /// How much room is left on the disk.
    DiskSpace "disk_space",
    /// Whether the clock is right, as far as this server can know.
    Clock "clock",
    /// For how long the certificate is valid.
    Certificate "certificate",
    /// Whether the last synchronization went well, not too long ago.
    CatalogSync "catalog_sync",
    /// Whether the files are here that approved updates need.
    ContentSync "content_sync",
    /// Whether there is a computer at all.
    ClientsExist "clients_exist",
    /// Whether there are more computers than this server is meant for.
    TooManyClients "too_many_clients",
    /// How many computers were not heard of for long.
    SilentClients "silent_clients",
    /// How many computers failed to install something.
    InstallFailures "install_failures",
    /// How many computers cannot say what they have and need.
    InventoryFailures "inventory_failures",
    /// Whether whoever is to be notified is.
    Notifications "notifications",
    /// Whether agents of Windows 8.1 and older are answered that look for their own update.
    SelfUpdate "self_update",
    /// The web service for agents.
    ClientWebService "client_web_service",
    /// That where they say who they are.
    SimpleAuthWebService "simple_auth_web_service",
    /// That where they report.
    ReportingWebService "reporting_web_service",
    /// That for downstream servers.
    ServerSyncWebService "server_sync_web_service",
    /// That where these say who they are.
    DssAuthWebService "dss_auth_web_service",
    /// This API.
    Api "api",
}

/// What a check found, before it has a name.
type Found = Result<(CheckStatus, String), AdminError>;

fn ok(text: impl Into<String>) -> Found {
    Ok((CheckStatus::Ok, text.into()))
}

fn warn(text: impl Into<String>) -> Found {
    Ok((CheckStatus::Warn, text.into()))
}

fn error(text: impl Into<String>) -> Found {
    Ok((CheckStatus::Error, text.into()))
}

impl Subject {
    /// Makes these checks, or all that are configured, one round at a time.
    pub async fn check(&self, only: &[CheckName]) -> Vec<Check> {
        let monitor = &self.monitor;
        let _round = monitor.round().await;
        let is_wanted = |name: &CheckName| match only.is_empty() {
            true => !monitor.settings().off.contains(name),
            false => only.contains(name),
        };
        let mut checks = Vec::new();
        for name in CheckName::ALL.iter().copied().filter(is_wanted) {
            // A check that cannot be made says so as one that failed.
            let found = self.make(name).await;
            let (status, text) =
                found.unwrap_or_else(|failed| (CheckStatus::Error, explain(&failed)));
            checks.push(Check { name, status, text });
        }
        monitor.note(&checks);
        checks
    }

    /// Makes all checks again and again; never ends.
    pub async fn follow_health(&self) {
        loop {
            self.check(&[]).await;
            tokio::time::sleep(self.monitor.settings().every).await;
        }
    }

    async fn make(&self, name: CheckName) -> Found {
        match name {
            CheckName::Store => machine::store(self).await,
            CheckName::Permissions => machine::permissions(self),
            CheckName::DiskSpace => machine::disk_space(self),
            CheckName::Clock => machine::clock(self).await,
            CheckName::Certificate => machine::certificate(self),
            CheckName::CatalogSync => synchronised::catalog(self).await,
            CheckName::ContentSync => synchronised::content(self),
            CheckName::ClientsExist => fleet::exist(self),
            CheckName::TooManyClients => fleet::too_many(self),
            CheckName::SilentClients => fleet::silent(self),
            CheckName::InstallFailures => fleet::install_failures(self).await,
            CheckName::InventoryFailures => fleet::inventory_failures(self),
            CheckName::Notifications => notified::delivered(self).await,
            CheckName::SelfUpdate => services::self_update(self).await,
            CheckName::ClientWebService => services::client(self).await,
            CheckName::SimpleAuthWebService => services::simple_auth(self).await,
            CheckName::ReportingWebService => services::reporting(self).await,
            CheckName::ServerSyncWebService => services::server_sync(self).await,
            CheckName::DssAuthWebService => services::dss_auth(self).await,
            CheckName::Api => services::api(self).await,
        }
    }
}

#[cfg(test)]
mod tests;

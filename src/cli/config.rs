//! The configuration file: TOML, every key optional, unknown keys refused.
//!
//! It is complete and checked before anything is opened or bound; what is wrong ends the process
//! with one sentence and exit code 64.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::CliError;
use super::output::Output;
use crate::admin::health::{self, CheckName, Percent};
use crate::http::ClientLimits;
use crate::state::ContentHandling;
use crate::{catalog, server, services, state, upstream};

/// Bytes of a megabyte, as disks are sold.
const MB: u64 = 1_000_000;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// A key has a value that cannot be.
    #[error("configuration: {0}")]
    Invalid(String),
}

/// Everything that can be configured, with its default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Config {
    /// The data directory.
    pub(super) data: PathBuf,
    /// Address of plain HTTP, or `off`.
    pub(super) http: String,
    /// Address of HTTPS, or `off`.
    pub(super) https: String,
    /// What content URLs start with, for servers behind a reverse proxy.
    pub(super) public_url: Option<String>,
    /// Whether the groups that a computer's own policy names count.
    pub(super) client_side_targeting: bool,
    /// Whether an Install waits for its content.
    pub(super) hold_installs: bool,
    /// Whether express files are fetched and kept, too.
    pub(super) express_files: bool,
    /// The listener for administrators.
    pub(super) admin: AdminConfig,
    /// Downstream servers.
    pub(super) downstream: DownstreamConfig,
    /// Certificates.
    pub(super) tls: TlsConfig,
    /// What is cleaned up by itself.
    pub(super) cleanup: CleanupConfig,
    /// What the checks of this server's health go by.
    pub(super) health: HealthConfig,
    /// Logs.
    pub(super) log: LogConfig,
    /// Synchronising with an upstream server.
    pub(super) sync: SyncConfig,
    /// Limits.
    pub(super) limits: LimitsConfig,
}

/// The listener for administrators.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AdminConfig {
    /// Its address, or `off`.
    pub(super) listen: String,
}

/// Downstream servers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DownstreamConfig {
    /// Whether a server may synchronize only once an administrator approved it.
    pub(super) require_approval: bool,
    /// The languages that servers are told there are updates in; none for all.
    pub(super) languages: Vec<String>,
    /// Most hardware ids by which a server may ask for drivers at once; 0 for by classification alone.
    pub(super) hardware_ids: u16,
}

/// Certificates.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TlsConfig {
    /// The administrator's own certificate, in PEM, with its chain.
    pub(super) certificate: Option<PathBuf>,
    /// Its key.
    pub(super) key: Option<PathBuf>,
    /// Further names of the server in the certificate that is made for it.
    pub(super) names: Vec<String>,
}

/// What is cleaned up by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CleanupConfig {
    /// Whether updates that their publisher withdrew are declined.
    pub(super) decline_expired: bool,
    /// Days after which superseded updates that nobody needs are declined; 0 for never.
    pub(super) decline_superseded_days: u32,
    /// Days after which declined updates and replaced revisions are deleted; 0 for never.
    pub(super) delete_days: u32,
    /// Days after which content that nothing needs is removed; 0 for never.
    pub(super) delete_content_days: u32,
    /// Days after which silent computers are forgotten; 0 for never.
    pub(super) forget_computers_days: u32,
}

/// What the checks of this server's health go by. The reasons for the defaults stand with the settings
/// they become.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HealthConfig {
    /// Minutes from one round of checks to the next.
    pub(super) minutes: u64,
    /// Checks that are not made.
    pub(super) off: Vec<CheckName>,
    /// Megabytes of room on the disk below which there is a warning.
    pub(super) disk_warn_mb: u64,
    /// Megabytes below which it is an error.
    pub(super) disk_error_mb: u64,
    /// Days after which the last synchronization is too old.
    pub(super) sync_days: u32,
    /// Most computers that this server is meant for.
    pub(super) computers: u64,
    /// Days after which a computer is silent.
    pub(super) silent_days: u32,
    /// Per cent of silent computers from which on there is a warning.
    pub(super) silent_warn_percent: u8,
    /// Per cent from which on it is an error.
    pub(super) silent_error_percent: u8,
    /// Per cent of computers with a failed installation from which on there is a warning.
    pub(super) install_warn_percent: u8,
    /// Per cent from which on it is an error.
    pub(super) install_error_percent: u8,
    /// Per cent of computers that cannot say what they have from which on there is a warning.
    pub(super) inventory_warn_percent: u8,
    /// Per cent from which on it is an error.
    pub(super) inventory_error_percent: u8,
    /// Days before its end from which on the certificate is warned of.
    pub(super) certificate_days: u32,
}

/// Logs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LogConfig {
    /// A filter as `tracing-subscriber` reads it: `info`, `weir=debug,info`.
    pub(super) level: String,
    /// `text` or `json`.
    pub(super) format: LogFormat,
}

/// Synchronising with an upstream server. The reasons for the defaults stand with the settings they
/// become.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SyncConfig {
    /// Our name towards the upstream server, as DNS writes it.
    pub(super) account_name: Option<String>,
    /// Connections to it at once.
    pub(super) connections: usize,
    /// Most bytes of one of its answers.
    pub(super) answer_bytes: u64,
    /// Seconds until an answer is complete.
    pub(super) answer_seconds: u64,
    /// How often something is tried.
    pub(super) attempts: u32,
    /// Seconds before the second time; twice as many before each other.
    pub(super) retry_seconds: u64,
    /// Whether drivers for the hardware of the computers here are asked for.
    pub(super) drivers_by_inventory: bool,
    /// Seconds from one look at whether it has something new to the next; 0 for never.
    pub(super) follow_seconds: u64,
    /// Minutes from one report to the upstream server to the next.
    pub(super) report_minutes: u64,
    /// Most bytes a second of downloads; 0 for as many as there are.
    pub(super) bytes_per_second: u64,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Limits. The reasons for the defaults stand with the settings they become.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsConfig {
    /// Most entries in `InstalledNonLeafUpdateIDs`.
    pub(super) installed_ids: usize,
    /// Most revisions in one GetExtendedUpdateInfo.
    pub(super) extended_updates: usize,
    /// Updates on the first pages of a scan.
    pub(super) page_updates: u32,
    /// Bytes on the first pages of a scan.
    pub(super) page_bytes: u64,
    /// Connections at once.
    pub(super) connections: usize,
    /// SOAP calls worked on at once.
    pub(super) calls_in_flight: usize,
    /// Bytes of prepared fragments kept in memory.
    pub(super) fragment_cache_bytes: u64,
    /// Seconds until a request's head is complete, and an idle connection is closed.
    pub(super) head_seconds: u64,
    /// Seconds until a request's body is complete.
    pub(super) body_seconds: u64,
    /// Seconds that a shutdown waits for responses in flight.
    pub(super) shutdown_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("./weir-data"),
            http: "0.0.0.0:8530".into(),
            https: "0.0.0.0:8531".into(),
            public_url: None,
            client_side_targeting: true,
            hold_installs: true,
            express_files: false,
            admin: AdminConfig::default(),
            downstream: DownstreamConfig::default(),
            tls: TlsConfig::default(),
            cleanup: CleanupConfig::default(),
            health: HealthConfig::default(),
            log: LogConfig::default(),
            sync: SyncConfig::default(),
            limits: LimitsConfig::default(),
        }
    }
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self { listen: "off".into() }
    }
}

impl Default for CleanupConfig {
    fn default() -> Self {
        Self {
            decline_expired: true,
            decline_superseded_days: 90,
            delete_days: 30,
            delete_content_days: 30,
            forget_computers_days: 0,
        }
    }
}

impl Default for HealthConfig {
    fn default() -> Self {
        let settings = health::Settings::default();
        Self {
            minutes: settings.every.as_secs() / 60,
            off: settings.off,
            disk_warn_mb: settings.disk_warn / MB,
            disk_error_mb: settings.disk_error / MB,
            sync_days: settings.sync_days,
            computers: settings.computers,
            silent_days: settings.silent_days,
            silent_warn_percent: settings.silent.warn,
            silent_error_percent: settings.silent.error,
            install_warn_percent: settings.install_failures.warn,
            install_error_percent: settings.install_failures.error,
            inventory_warn_percent: settings.inventory_failures.warn,
            inventory_error_percent: settings.inventory_failures.error,
            certificate_days: settings.certificate_days,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::Text }
    }
}

impl Default for SyncConfig {
    fn default() -> Self {
        let settings = upstream::Settings::default();
        Self {
            account_name: None,
            connections: settings.workers,
            answer_bytes: settings.limits.body,
            answer_seconds: settings.limits.exchange.as_secs(),
            attempts: settings.patience.attempts,
            retry_seconds: settings.patience.first.as_secs(),
            drivers_by_inventory: settings.drivers_by_inventory,
            follow_seconds: settings.follow_every.map_or(0, |every| every.as_secs()),
            report_minutes: settings.report_every.as_secs() / 60,
            bytes_per_second: settings.bytes_per_second,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let services = services::Settings::default();
        let server = server::Limits::default();
        Self {
            installed_ids: services.max_installed,
            extended_updates: services.max_extended_updates,
            page_updates: services.page.updates,
            page_bytes: services.page.bytes,
            connections: server.connections,
            calls_in_flight: server.calls_in_flight,
            fragment_cache_bytes: state::Settings::default().fragment_cache,
            head_seconds: server.head_time.as_secs(),
            body_seconds: server.body_time.as_secs(),
            shutdown_seconds: server.shutdown_time.as_secs(),
        }
    }
}

impl Config {
    /// Reads the file, if one is named, and lets the command line's data directory win.
    pub(super) fn load(file: Option<&Path>, data: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut config: Self = match file {
            None => Self::default(),
            Some(path) => {
                let unreadable = |reason: String| ConfigError::Unreadable {
                    path: path.display().to_string(),
                    reason,
                };
                let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
                toml::from_str(&text).map_err(|error| unreadable(error.to_string()))?
            }
        };
        if let Some(data) = data {
            config.data = data;
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |reason: &str| Err(ConfigError::Invalid(reason.to_owned()));
        address("http", &self.http)?;
        address("https", &self.https)?;
        self.admin()?;
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return invalid("tls.certificate and tls.key belong together");
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return invalid("public_url has to start with http:// or https://");
        }
        let is_unknown = |tag: &&String| !services::is_language(tag);
        if let Some(tag) = self.downstream.languages.iter().find(is_unknown) {
            return invalid(&format!("downstream.languages: '{tag}' is no language of updates"));
        }
        if self.sync.account_name.as_deref().is_some_and(|name| !upstream::is_dns_name(name)) {
            return invalid("sync.account_name has to be a name as DNS has them");
        }
        let (sync, limits) = (&self.sync, &self.limits);
        let positive = [
            ("health.minutes", self.health.minutes),
            ("sync.connections", sync.connections as u64),
            ("sync.answer_bytes", sync.answer_bytes),
            ("sync.answer_seconds", sync.answer_seconds),
            ("sync.attempts", sync.attempts.into()),
            ("sync.report_minutes", sync.report_minutes),
            ("limits.installed_ids", limits.installed_ids as u64),
            ("limits.extended_updates", limits.extended_updates as u64),
            ("limits.page_updates", limits.page_updates.into()),
            ("limits.page_bytes", limits.page_bytes),
            ("limits.connections", limits.connections as u64),
            ("limits.calls_in_flight", limits.calls_in_flight as u64),
            ("limits.head_seconds", limits.head_seconds),
            ("limits.body_seconds", limits.body_seconds),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => invalid(&format!("{name} has to be at least 1")),
            None => Ok(()),
        }
    }

    /// What is cleaned up.
    pub(super) fn cleanup(&self) -> state::CleanupSettings {
        state::CleanupSettings {
            decline_expired: self.cleanup.decline_expired,
            decline_superseded_days: self.cleanup.decline_superseded_days,
            delete_days: self.cleanup.delete_days,
            delete_now: false,
            delete_content_days: self.cleanup.delete_content_days,
            // What is synchronised says so.
            keep_all_content: false,
            forget_computers_days: self.cleanup.forget_computers_days,
        }
    }

    /// What the checks of this server's health go by.
    pub(super) fn health(&self) -> health::Settings {
        let health = &self.health;
        health::Settings {
            every: Duration::from_secs(health.minutes.saturating_mul(60)),
            off: health.off.clone(),
            disk_warn: health.disk_warn_mb.saturating_mul(MB),
            disk_error: health.disk_error_mb.saturating_mul(MB),
            sync_days: health.sync_days,
            computers: health.computers,
            silent_days: health.silent_days,
            silent: Percent {
                warn: health.silent_warn_percent,
                error: health.silent_error_percent,
            },
            install_failures: Percent {
                warn: health.install_warn_percent,
                error: health.install_error_percent,
            },
            inventory_failures: Percent {
                warn: health.inventory_warn_percent,
                error: health.inventory_error_percent,
            },
            certificate_days: health.certificate_days,
        }
    }

    /// What the state needs of it.
    pub(super) fn state(&self) -> state::Settings {
        state::Settings {
            content: ContentHandling {
                hold_installs: self.hold_installs,
                express_files: self.express_files,
            },
            fragment_cache: self.limits.fragment_cache_bytes,
            ..state::Settings::default()
        }
    }

    /// What the services need of it.
    pub(super) fn services(&self) -> services::Settings {
        services::Settings {
            max_installed: self.limits.installed_ids,
            max_extended_updates: self.limits.extended_updates,
            page: catalog::PageLimits {
                updates: self.limits.page_updates,
                bytes: self.limits.page_bytes,
            },
            public_url: self.public_url.clone(),
            client_side_targeting: self.client_side_targeting,
            max_update_data: services::Settings::default().max_update_data,
            approve_downstream: self.downstream.require_approval,
            downstream_languages: self.downstream.languages.clone(),
            downstream_hardware_ids: self.downstream.hardware_ids,
        }
    }

    /// What synchronising needs of it.
    pub(super) fn upstream(&self) -> upstream::Settings {
        let defaults = upstream::Settings::default();
        let sync = &self.sync;
        upstream::Settings {
            account_name: sync.account_name.clone().unwrap_or(defaults.account_name),
            workers: sync.connections,
            limits: ClientLimits {
                body: sync.answer_bytes,
                exchange: Duration::from_secs(sync.answer_seconds),
                ..defaults.limits
            },
            patience: upstream::Patience {
                attempts: sync.attempts,
                first: Duration::from_secs(sync.retry_seconds),
                ..defaults.patience
            },
            drivers_by_inventory: sync.drivers_by_inventory,
            follow_every: (sync.follow_seconds > 0)
                .then(|| Duration::from_secs(sync.follow_seconds)),
            report_every: Duration::from_secs(sync.report_minutes.saturating_mul(60)),
            bytes_per_second: sync.bytes_per_second,
            ..defaults
        }
    }

    /// Where administrators are listened to.
    pub(super) fn admin(&self) -> Result<Option<SocketAddr>, ConfigError> {
        address("admin.listen", &self.admin.listen)
    }

    /// What the HTTP server needs of it.
    pub(super) fn server(&self) -> Result<server::Settings, ConfigError> {
        let limits = server::Limits {
            head_time: Duration::from_secs(self.limits.head_seconds),
            body_time: Duration::from_secs(self.limits.body_seconds),
            connections: self.limits.connections,
            calls_in_flight: self.limits.calls_in_flight,
            shutdown_time: Duration::from_secs(self.limits.shutdown_seconds),
            ..server::Limits::default()
        };
        Ok(server::Settings {
            http: address("http", &self.http)?,
            https: address("https", &self.https)?,
            limits,
        })
    }

    /// `weir check-config`: the configuration in force, defaults included.
    pub(super) fn print(&self, output: &Output) -> Result<(), CliError> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let text = toml::to_string(self).unwrap_or_default();
        output.print(&value, |_| text)
    }
}

/// An address, or `off`.
fn address(key: &str, text: &str) -> Result<Option<SocketAddr>, ConfigError> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        ConfigError::Invalid(format!("{key} is '{text}', which is neither ADDRESS:PORT nor off"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_a_whole_configuration_and_print_as_one() {
        let config = Config::load(None, None).expect("defaults");
        let printed = toml::to_string(&config).expect("prints");
        let read: Config = toml::from_str(&printed).expect("reads");
        assert_eq!(toml::to_string(&read).expect("prints"), printed);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, named) in [
            ("htp = 'x'", "htp"),
            ("http = '8530'", "http"),
            ("[admin]\nlisten = '8532'", "admin.listen"),
            ("public_url = 'ftp://x'", "public_url"),
            ("[tls]\ncertificate = 'x'", "tls.key"),
            ("[downstream]\nlanguages = ['en', 'xx']", "'xx'"),
            ("[limits]\npage_updates = 0", "page_updates"),
        ] {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            let error = Config::load(Some(file.path()), None).expect_err(text).to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}

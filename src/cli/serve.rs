//! `weir serve`: reads as the table of contents of the process.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use prometheus_client::registry::Registry;
use time::OffsetDateTime;
use tokio::sync::watch;
use tracing::{info, warn};

use super::config::{Config, ConfigError};
use super::metrics::{HealthMetrics, StateMetrics};
use super::output::write_out;
use super::signals::Signals;
use super::{CliError, Context, failed, log_lines};
use crate::admin::health::{Listeners, Monitor};
use crate::admin::{Api, Source, Subject, import_into};
use crate::metadata::sample;
use crate::notifications::Notifier;
use crate::policy::by::By;
use crate::server::tls::{self, Tls};
use crate::server::{AdminListen, AdminServer, Authority, Drained, SOCKET, Server};
use crate::services::Services;
use crate::state::{CleanupSettings, Deletion, State};
use crate::upstream::Upstream;

/// How often it is looked whether a new cookie key is due.
const KEY_CHECK: Duration = Duration::from_secs(3600);
/// How often the schedules of rules are looked at; they have minutes.
const RULE_CHECK: Duration = Duration::from_secs(30);
/// How often is cleaned up.
const CLEANUP_CHECK: Duration = Duration::from_secs(6 * 3600);

/// Run the server.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address of plain HTTP, or `off`. Port 0 picks a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<String>,
    /// Address of HTTPS, or `off`. Port 0 picks a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    https: Option<String>,
    /// Address for administrators, or `off`. Port 0 picks a free one.
    #[arg(long, value_name = "ADDR:PORT")]
    admin: Option<String>,
    /// Import the sample catalogue with its content first.
    #[arg(long)]
    sample: bool,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<(), CliError> {
        let mut config = context.config.clone();
        config.http = self.http.unwrap_or(config.http);
        config.https = self.https.unwrap_or(config.https);
        config.admin.listen = self.admin.unwrap_or(config.admin.listen);
        let settings = config.server()?;
        if settings.http.is_none() && settings.https.is_none() {
            return Err(ConfigError::Invalid("http and https are both off".into()).into());
        }

        let state = State::open(&config.data, &config.state(), now).map_err(|e| failed(&e))?;
        let state = Arc::new(state);
        if self.sample {
            install_sample(&state).await?;
        }
        let upstream = Upstream::new(Arc::clone(&state), config.upstream());
        let services = Services::start(Arc::clone(&state), config.services()).await;
        let services = services.map_err(|error| failed(&error))?;
        let services = Arc::new(services.with_upstream(Arc::clone(&upstream)));
        let admin_address = config.admin()?;
        let admin_tls = admin_address.is_some_and(|address| !address.ip().is_loopback());
        let needs_tls = settings.https.is_some() || admin_tls;
        let certificates = needs_tls.then(|| certificates(&config)).transpose()?;

        let limits = settings.limits.clone();
        let mut metrics = Registry::default();
        metrics.register_collector(Box::new(StateMetrics(Arc::clone(&state))));
        let monitor = Arc::new(Monitor::new(config.health(), state.now()));
        metrics.register_collector(Box::new(HealthMetrics(Arc::clone(&monitor))));
        let server =
            Server::bind(settings, certificates.clone(), Arc::clone(&services), metrics).await;
        let server = server.map_err(|error| failed(&error))?;
        let subject = Subject::new(Arc::clone(&state), Arc::clone(&upstream), Arc::clone(&monitor));
        if admin_address.is_some()
            && let Some((name, password)) = subject.identity.first().await?
        {
            eprintln!("There was no account: made '{name}' with the password {password}");
            eprintln!("It is not told again; `weir account password {name}` sets another.");
        }
        let listen = admin_address.map(|address| AdminListen {
            address,
            tls: certificates.clone().filter(|_| admin_tls),
        });
        let subject = Arc::new(subject);
        let api = Arc::new(Api::new(Arc::clone(&subject)));
        let admin = AdminServer::bind(&config.data, listen, limits, api, server.metrics()).await;
        let admin = admin.map_err(|error| failed(&error))?;
        let admin_address = admin.address();
        monitor.listens(Listeners {
            socket: config.data.join(SOCKET),
            http: server.http_address(),
            https: server.https_address(),
            admin: admin_address.map(|address| (address, admin_tls)),
            certificates: certificates.clone(),
        });
        let mut signals = Signals::catch().map_err(|error| failed(&error))?;

        let (stop, stopped) = watch::channel(());
        let until_stopped = || {
            let mut stopped = stopped.clone();
            // An error means that the sender is gone, which is a stop as well.
            async move { drop(stopped.changed().await) }
        };
        let admin = tokio::spawn(admin.run(until_stopped()));
        let (stopping, streams) = (until_stopped(), Arc::clone(&subject));
        tokio::spawn(async move {
            stopping.await;
            streams.stop();
        });
        let watcher = certificates.map(|certificates| tokio::spawn(certificates.watch()));
        let rotation = tokio::spawn(rotate_keys(Arc::clone(&services)));
        let schedule = tokio::spawn(Arc::clone(&upstream).follow_schedule());
        let following = tokio::spawn(Arc::clone(&upstream).follow());
        let downloads = tokio::spawn(Arc::clone(&upstream).follow_downloads());
        let rules = tokio::spawn(run_rules(Arc::clone(&state)));
        let cleanup =
            tokio::spawn(clean_up(Arc::clone(&state), Arc::clone(&upstream), config.cleanup()));
        let reports = tokio::spawn(Arc::clone(&upstream).follow_reports());
        let notifier = Notifier::new(Arc::clone(&state), Arc::clone(&upstream));
        let notifications = tokio::spawn(notifier.follow());
        let watched = Arc::clone(&subject);
        let health = tokio::spawn(async move { watched.follow_health().await });

        let ready = serde_json::json!({
            "ready": true,
            "http": server.http_address().map(|address| address.to_string()),
            "https": server.https_address().map(|address| address.to_string()),
            "admin": admin_address.map(|address| address.to_string()),
        });
        write_out(&format!("{ready}\n"))?;
        greet(&server, self.sample);

        tokio::spawn(async move {
            signals.next().await;
            info!("stopping; a second signal stops at once");
            let _ = stop.send(());
            signals.next().await;
            warn!("stopped at once; what was acknowledged is durable");
            log_lines::flush();
            std::process::exit(1);
        });
        if let Drained::Cut(connections) = server.run(until_stopped()).await {
            warn!(connections, "the shutdown deadline cut connections");
        }
        subject.jobs.cancel_all();
        if let Ok(Drained::Cut(connections)) = admin.await {
            warn!(connections, "the shutdown deadline cut an administrator's request");
        }
        watcher.iter().for_each(tokio::task::JoinHandle::abort);
        rotation.abort();
        schedule.abort();
        following.abort();
        downloads.abort();
        reports.abort();
        notifications.abort();
        health.abort();
        upstream.stop().await;
        rules.abort();
        cleanup.abort();
        state.close().await;
        Ok(())
    }
}

/// The administrator's own certificate, or else one from our own root.
fn certificates(config: &Config) -> Result<Arc<Tls>, CliError> {
    let source = match (&config.tls.certificate, &config.tls.key) {
        (Some(certificate), Some(key)) => {
            tls::Source::Files { certificate: certificate.clone(), key: key.clone() }
        }
        _ => tls::Source::Generated(Authority::new(&config.data, &config.tls.names)),
    };
    Tls::open(source, OffsetDateTime::now_utc()).map_err(|error| failed(&error))
}

/// Unix seconds by the system's clock.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Imports our own sample catalogue and its content; what is there already stays as it is.
async fn install_sample(state: &Arc<State>) -> Result<(), CliError> {
    let by = By::weir("the sample catalogue was asked for");
    let documents = sample::documents()
        .iter()
        .map(|(name, bytes)| Source { name: (*name).to_owned(), bytes: bytes.to_vec() });
    let report = import_into(state, &by, documents.collect(), false).await?;
    for (_, bytes) in sample::contents() {
        let digests = crate::content::files::digest_of(bytes.as_slice());
        let sha1 = digests.map_err(|error| failed(&error))?.sha1;
        if !state.has_content(&sha1) {
            let added = state.add_content(by.clone(), sha1, std::io::Cursor::new(bytes)).await;
            added.map_err(|error| failed(&error))?;
        }
    }
    info!(new = report.new, unchanged = report.unchanged, "the sample catalogue is here");
    Ok(())
}

/// Tells a person what to do next.
fn greet(server: &Server<Services>, sample: bool) {
    let port = |address: Option<std::net::SocketAddr>| address.map(|address| address.port());
    eprintln!("Point Windows Update policy (WUServer and WUStatusServer) at");
    if let Some(port) = port(server.http_address()) {
        eprintln!("  http://THIS-HOST:{port}");
    }
    if let Some(port) = port(server.https_address()) {
        eprintln!("  https://THIS-HOST:{port}   (after `weir tls trust` on the clients)");
    }
    if sample {
        eprintln!("The sample catalogue is loaded: `weir update list` shows it.");
    }
}

/// Runs the rules whose time has come.
async fn run_rules(state: Arc<State>) {
    loop {
        tokio::time::sleep(RULE_CHECK).await;
        state.run_due_rules(false).await;
    }
}

/// Cleans up again and again, from a while after the start on.
async fn clean_up(state: Arc<State>, upstream: Arc<Upstream>, settings: CleanupSettings) {
    loop {
        tokio::time::sleep(CLEANUP_CHECK).await;
        // When that cannot be known, nothing that may be wanted is removed.
        let keep_all_content = upstream.keeps_all_content().await.unwrap_or(true);
        match state.clean_up(CleanupSettings { keep_all_content, ..settings }, None).await {
            Ok(done) => {
                let deleted: usize = done.deletions.iter().map(Deletion::len).sum();
                let (declined, forgotten) = (done.declines.len(), done.computers.len());
                let files = done.content.len();
                info!(declined, deleted, files, forgotten, "cleaned up");
            }
            Err(error) => warn!(%error, "the cleanup did not end"),
        }
    }
}

async fn rotate_keys(services: Arc<Services>) {
    loop {
        tokio::time::sleep(KEY_CHECK).await;
        if let Err(error) = services.rotate_keys().await {
            warn!(%error, "no new cookie key could be made; the old one stays in use");
        }
    }
}

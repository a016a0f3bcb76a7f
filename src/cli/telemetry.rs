//! Logs, on standard error.

use tracing_subscriber::EnvFilter;

use super::config::{ConfigError, LogConfig, LogFormat};
use super::log_lines::{self, Lines};

/// Starts logging. `RUST_LOG` wins over the configuration.
pub(super) fn start(config: &LogConfig) -> Result<(), ConfigError> {
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| config.level.clone());
    let filter = EnvFilter::try_new(&level)
        .map_err(|error| ConfigError::Invalid(format!("log.level: {error}")))?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Lines);
    log_lines::start()
        .map_err(|error| ConfigError::Invalid(format!("no thread for the log: {error}")))?;
    match config.format {
        LogFormat::Text => logs.with_ansi(false).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}

//! The signals that ask a process to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM. While this exists, neither ends the process by itself, nor does SIGHUP.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Asks for a reload, which whoever has something to reload listens for itself. Caught here so
    /// that it ends no process that has nothing to reload.
    _hangup: Signal,
}

impl Signals {
    /// From now on the signals are noted, those that come before [`Signals::next`] too.
    ///
    /// # Errors
    /// When the system does not let them be caught.
    pub(super) fn catch() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate, _hangup: signal(SignalKind::hangup())? })
    }

    /// Completes with the next of either.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

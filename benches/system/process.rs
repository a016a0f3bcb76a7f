//! A server process of its own, and what the kernel knows of it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::{Outcome, stage};

/// The kernel counts a process's time in hundredths of a second for everybody who asks.
const TICK: Duration = Duration::from_millis(10);

/// A running process that said where it listens. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// Address of plain HTTP.
    pub(crate) http: SocketAddr,
    /// Address of HTTPS.
    pub(crate) https: SocketAddr,
}

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) resident: u64,
    /// The most that was resident since the start or the last [`Process::forget_peak`].
    pub(crate) peak: u64,
}

impl Process {
    /// `weir serve` on a data directory, writing its log, a line a request, into a file beside it.
    pub(crate) fn serve(data: &Path) -> Outcome<Self> {
        let log = File::create(data.with_extension("log"))?;
        let mut command = stage::weir();
        command.args(["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--data"]);
        command.arg(data).stderr(log);
        Self::start(&mut command)
    }

    /// Starts a program and waits for the line that says where it listens.
    pub(crate) fn start(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut process = Self { child, http: nowhere, https: nowhere };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line)
            .map_err(|error| format!("{command:?} did not say that it is ready: {error}"))?;
        let address = |key: &str| -> Outcome<SocketAddr> {
            Ok(ready[key].as_str().ok_or("no address")?.parse()?)
        };
        process.http = address("http")?;
        process.https = address("https")?;
        Ok(process)
    }

    /// Processor time it took so far, in the kernel and out of it.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, can hold anything; times are fields 14 and 15.
        let (_, fields) = stat.rsplit_once(')').ok_or("an odd stat")?;
        let ticks: u32 =
            fields.split(' ').skip(12).take(2).filter_map(|it| it.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// What it has in memory.
    pub(crate) fn memory(&self) -> Outcome<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let of = |name: &str| -> Outcome<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kilobytes = line.and_then(|line| line.split_whitespace().next());
            Ok(kilobytes.ok_or("an odd status")?.parse::<u64>()? * 1024)
        };
        Ok(Memory { resident: of("VmRSS:")?, peak: of("VmHWM:")? })
    }

    /// Starts the peak anew.
    pub(crate) fn forget_peak(&self) -> Outcome<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    /// Stops it as an init system does, and waits until it has ended well.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status()?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}").into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

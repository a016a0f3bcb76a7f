//! `weir` as a process: started, watched, ended.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Agent, Connection, Reply};

/// A running server with the sample catalogue, on ports of the system's choice.
pub(crate) struct Weir {
    child: Child,
    http: SocketAddr,
    /// Holds `data`, the configuration and what the process said.
    dir: TempDir,
}

/// The server that tests share which neither configure nor fill it. It lives while any test uses
/// it.
pub(crate) fn shared() -> Arc<Weir> {
    static SHARED: Mutex<Weak<Weir>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let weir = Arc::new(Weir::start());
        *shared = Arc::downgrade(&weir);
        weir
    })
}

impl Weir {
    pub(crate) fn start() -> Self {
        Self::configured("")
    }

    /// Starts with `configuration`, which is TOML without `[log]`.
    pub(crate) fn configured(configuration: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("weir.toml");
        fs::write(&file, format!("{configuration}\n[log]\nlevel = \"info\"\n")).expect("written");
        let said = fs::File::create(dir.path().join("stderr")).expect("a file");
        let mut child = command(&dir.path().join("data"))
            .args(["serve", "--sample", "--http", "127.0.0.1:0", "--https", "off", "--config"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .expect("started");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut ready).expect("a line");
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap_or_else(|error| {
            panic!(
                "{error}: {ready}{}",
                fs::read_to_string(dir.path().join("stderr")).expect("read")
            )
        });
        let http = ready["http"].as_str().expect("an address").parse().expect("an address");
        Self { child, http, dir }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.http)
    }

    /// Sends one request on a connection of its own.
    pub(crate) fn ask(&self, request: &[u8]) -> Reply {
        self.connect().ask(request)
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> Reply {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: h\r\n{headers}\r\n").as_bytes())
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A place for the test's own files, outside of the data directory.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs another command on the same data directory.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        command(&self.data()).args(arguments).output().expect("ran")
    }

    /// The same, with `--json`; the exit code, and what was printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let output = self.cli(&[arguments, &["--json"]].concat());
        let printed = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().expect("an exit code"), printed)
    }

    /// What every test ends with: the process lives, nothing in it panicked, and a client that
    /// comes now is enrolled and served.
    pub(crate) fn serves_an_honest_client(&self) {
        let agent = Agent::enrol(self, "0e5f5e9f-1f2a-4b8f-9f0e-3f1bd0b59c9b");
        let answer = agent.scan("");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.count("UpdateInfo") > 0, "{}", answer.text);
        let said = fs::read_to_string(self.dir.path().join("stderr")).expect("what was said");
        assert!(!said.contains("panicked"), "{said}");
    }

    /// Asks the process to end, and waits for that.
    pub(crate) fn terminated(&mut self, patience: Duration) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().expect("kill").success());
        let started = Instant::now();
        loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => return status,
                None if started.elapsed() > patience => panic!("still there after {patience:?}"),
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// The most memory the process ever had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a living process");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        peak.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Does something hostile; the process may not grow by more than `mib`.
    pub(crate) fn grows_at_most<T>(&self, mib: u64, attack: impl FnOnce() -> T) -> T {
        // What an ordinary scan costs is not the attack's doing.
        self.serves_an_honest_client();
        let before = self.peak_kib();
        let outcome = attack();
        // The kernel sums pages up from time to time, so a peak may be read as less than before.
        let grown = self.peak_kib().saturating_sub(before) / 1024;
        assert!(grown <= mib, "grew by {grown} MiB");
        outcome
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        // It may have died, which is what a test has then failed for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.env_remove("WEIR_CONFIG").env("WEIR_DATA", data);
    command
}

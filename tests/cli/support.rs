//! Runs the binary, with or without a server of its own on the data directory.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longest that anything in these tests may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A directory for one test; in memory where that is to be had, since these tests are not about
/// disks, and every commit waits for one.
pub(crate) fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    in_memory.unwrap_or_else(|| tempfile::tempdir().expect("a directory"))
}

/// The binary, without what the environment of the tests would change of it.
pub(crate) fn weir() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    for name in ["WEIR_DATA", "WEIR_CONFIG", "RUST_LOG", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command
}

/// What one run said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output, which has to be one JSON value and nothing else.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Runs `weir ARGUMENTS --data DATA`.
pub(crate) fn run(data: &Path, arguments: &[impl AsRef<OsStr>]) -> Ran {
    let output = weir().args(arguments).arg("--data").arg(data).output();
    output.expect("the binary runs").into()
}

/// The documents of the sample catalogue.
pub(crate) fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample/documents")
}

/// A server on a data directory; it is killed with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) ready: Value,
}

impl Server {
    /// Starts one for plain HTTP and waits until it is ready.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_at(data, &["--https", "off", "--http", "127.0.0.1:0"], arguments)
    }

    /// Starts one at these addresses and waits until it is ready.
    pub(crate) fn start_at(data: &Path, addresses: &[&str], arguments: &[&str]) -> Self {
        let mut child = weir()
            .arg("serve")
            .args(addresses)
            .args(arguments)
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let Ok(ready) = serde_json::from_str(&line) else {
            let _ = child.kill();
            panic!("not ready: {line:?} {:?}", Ran::from(child.wait_with_output().expect("ended")));
        };
        Self { child, ready }
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.ready["http"].as_str().and_then(|text| text.parse().ok()).expect("an address")
    }

    /// The answer to a GET, head included.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http()).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n")
            .expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for the end, and returns the exit code and the log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("its log");
        stderr.read_to_string(&mut log).expect("UTF-8");
        (status.code(), log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

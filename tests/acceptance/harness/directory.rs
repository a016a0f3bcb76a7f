//! A data directory, the commands that work on it, and the server that runs on it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// A data directory that goes with its last user, with a configuration file beside it.
pub(crate) struct Directory {
    dir: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Directory {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    /// The data directory itself.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A path beside the data, for the test's own files.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The configuration that everything started from now on reads.
    pub(crate) fn configure(&self, toml: &str) {
        fs::write(self.beside("weir.toml"), toml).expect("written");
    }

    /// The issuers that everything started from now on trusts instead of the system's.
    pub(crate) fn trust(&self, pem: &str) {
        fs::write(self.beside("trusted.pem"), pem).expect("written");
    }

    /// The program with `arguments`, on this data directory.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.args(arguments).arg("--data").arg(self.data());
        let configuration = self.beside("weir.toml");
        if configuration.exists() {
            command.arg("--config").arg(configuration);
        }
        let trusted = self.beside("trusted.pem");
        if trusted.exists() {
            command.env("SSL_CERT_FILE", trusted);
        }
        command.env_remove("WEIR_DATA").env_remove("WEIR_CONFIG").stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, whatever that is.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ended { status: output.status, stdout: output.stdout, stderr }
    }

    /// What a command that has to succeed prints as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
        serde_json::from_slice(&ended.stdout).expect("JSON on standard output")
    }

    /// Imports files or directories, none of which may be rejected.
    pub(crate) fn import(&self, paths: &[&Path]) -> Value {
        let paths: Vec<&str> = paths.iter().map(|path| path.to_str().expect("UTF-8")).collect();
        let report = self.json(&[&["import"], &paths[..]].concat());
        assert_eq!(report["rejected"], serde_json::json!([]));
        report
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let (mut child, log) = self.start(arguments);
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("readable");
        let (http, https, admin) = Default::default();
        let mut server = Server { child, http, https, admin, log };
        let ready: Value = serde_json::from_str(&line).expect("the first line is JSON");
        assert_eq!(ready["ready"], true);
        let address = |key: &str| ready[key].as_str().expect("an address").to_owned();
        server.http = address("http");
        server.https = address("https");
        server.admin = ready["admin"].as_str().unwrap_or_default().to_owned();
        server
    }

    /// Starts a server and kills it so much later, whether or not it is ready.
    pub(crate) fn kill_while_starting(&self, later: Duration) {
        let (mut child, _) = self.start(&[]);
        thread::sleep(later);
        child.kill().expect("killed");
        child.wait().expect("it ends");
    }

    fn start(&self, arguments: &[&str]) -> (Child, PathBuf) {
        let log = self.beside("serve.log");
        let stderr = File::options().create(true).append(true).open(&log).expect("a log");
        let serve = ["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
        let mut command = self.command(&[&serve, arguments].concat());
        let child = command.stdout(Stdio::piped()).stderr(stderr).spawn();
        (child.expect("the program starts"), log)
    }
}

/// A running server. Killed when dropped; its log is shown when the test fails.
pub(crate) struct Server {
    child: Child,
    /// Address of plain HTTP.
    pub(crate) http: String,
    /// Address of HTTPS.
    pub(crate) https: String,
    /// Address for administrators, where one was asked for.
    pub(crate) admin: String,
    log: PathBuf,
}

impl Server {
    /// Asks the server to stop, as an init system does.
    pub(crate) fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    /// Waits until the server has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Stops it in good order.
    pub(crate) fn stop(mut self) {
        self.terminate();
        assert!(self.wait().success());
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!(
                "the server's log ends:\n{}",
                lines[lines.len().saturating_sub(40)..].join("\n")
            );
        }
    }
}

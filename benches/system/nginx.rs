//! Debian's nginx with a configuration of its own, on ports of its own, in the foreground.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::Outcome;

/// How often it is looked whether it listens; it takes some milliseconds.
const TRIES: usize = 100;

/// A running nginx. Stopped when dropped.
pub(crate) struct Nginx {
    child: Child,
    /// Address of plain HTTP.
    pub(crate) http: SocketAddr,
    /// Address of HTTPS.
    pub(crate) https: SocketAddr,
}

/// Its version, if it is installed.
pub(crate) fn find() -> Outcome<String> {
    let output = Command::new("nginx").arg("-v").output();
    let output = output.map_err(|_| "nginx is not installed: apt-get install nginx-light")?;
    let text = String::from_utf8_lossy(&output.stderr);
    Ok(text.trim().trim_start_matches("nginx version: ").to_owned())
}

impl Nginx {
    /// Serves `root` with the certificate in `tls`. What is not set is as Debian has it; files go
    /// to plain connections without being copied, and requests are logged, as ours are.
    pub(crate) fn start(directory: &TempDir, root: &Path, tls: &Path) -> Outcome<Self> {
        let home = directory.path().join("nginx");
        fs::create_dir_all(&home)?;
        let (http, https) = (free()?, free()?);
        let (home_text, root, tls) = (home.display(), root.display(), tls.display());
        // Debian's worker would not be allowed into a directory that is its owner's alone.
        let configuration = format!(
            "user root;\nworker_processes auto;\npid {home_text}/pid;\n\
             error_log {home_text}/error.log;\nevents {{ worker_connections 768; }}\n\
             http {{\n  sendfile on;\n  tcp_nopush on;\n  access_log {home_text}/access.log;\n  \
             keepalive_requests 100000000;\n  server {{\n    listen {http};\n    \
             listen {https} ssl;\n    root {root};\n    ssl_protocols TLSv1.3;\n    \
             ssl_certificate {tls}/server.pem;\n    ssl_certificate_key {tls}/server.key;\n  }}\n}}\n"
        );
        let file = home.join("nginx.conf");
        fs::write(&file, configuration)?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&home).arg("-c").arg(&file).args(["-g", "daemon off;"]);
        let child = command.stdin(Stdio::null()).spawn()?;
        let nginx = Self { child, http, https };
        for _ in 0..TRIES {
            if [http, https].iter().all(|address| TcpStream::connect(address).is_ok()) {
                return Ok(nginx);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("nginx does not listen".into())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed at once, it would leave its workers behind.
        let kill = format!("kill -TERM {}", self.child.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on.
fn free() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

//! The local socket: whoever may open the data directory reaches the server that runs on it.
//!
//! It answers the user that the server runs as, and root, and that is the whole of the
//! authentication: either could as well read the store.

use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// Name of the socket in the data directory.
pub const SOCKET: &str = "weir.sock";

/// The listening side. The file is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    /// The user that the server runs as.
    owner: u32,
}

impl LocalSocket {
    /// Listens in `data`. Only for the holder of the data directory's lock, which makes a file left
    /// by a killed process safe to replace.
    ///
    /// # Errors
    /// Also when the path is longer than the system allows for sockets, about 100 bytes.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if let Err(error) = std::os::unix::net::SocketAddr::from_pathname(&path) {
            let length = path.as_os_str().len();
            let reason = format!(
                "{} has {length} bytes, too many for a socket ({error}); name a data directory \
                 with a shorter path, which may be a symbolic link",
                path.display()
            );
            return Err(io::Error::new(error.kind(), reason));
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::fs::metadata(&path)?.uid();
        Ok(Self { listener, path, owner })
    }

    /// The next connection of somebody who may. The file's permissions keep others out, but only
    /// since a moment after it was made.
    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            let user = stream.peer_cred()?.uid();
            if user == self.owner || user == 0 {
                return Ok(stream);
            }
            tracing::warn!(user, "refused another user on the local socket");
        }
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        // A client finds out at the next connect either way.
        let _ = std::fs::remove_file(&self.path);
    }
}

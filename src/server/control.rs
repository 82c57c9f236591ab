//! The control socket: the same interface for programs on this machine that run as the server's user or as root. Who they
//! are, the kernel says; no password is asked for.

use super::App;
use super::accept::Shutdown;
use super::http::serve_local;
use crate::limits::MAX_CONTROL_CONNECTIONS;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Its name in the data folder.
pub const CONTROL_SOCKET: &str = "control.sock";

/// A control socket that listens.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Listens in the data folder. One that a server left behind which was killed is replaced.
    ///
    /// # Errors
    /// Those of the system: a path of more than 107 bytes, for example.
    pub fn bind(data: &Path) -> io::Result<Self> {
        fs::create_dir_all(data)?;
        let path = data.join(CONTROL_SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Serves until the server ends.
    pub(super) async fn serve(self, app: Arc<App>, mut shutdown: Shutdown) {
        let places = Arc::new(Semaphore::new(MAX_CONTROL_CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let socket = tokio::select! {
                accepted = self.listener.accept() => accepted.map(|(socket, _)| socket),
                () = shutdown.wait() => break,
            };
            let socket = match socket {
                Ok(socket) if is_ours(&socket) => socket,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "the control socket fails");
                    break;
                }
            };
            let app = app.clone();
            tokio::spawn(async move {
                serve_local(socket, app).await;
                drop(place);
            });
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// The other end runs as root or as ourselves.
fn is_ours(socket: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    socket.peer_cred().is_ok_and(|peer| peer.uid() == 0 || peer.uid() == ours)
}

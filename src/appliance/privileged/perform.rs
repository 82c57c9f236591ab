//! What root does for each verb.

use super::{Verb, storage};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where files are written, and which programs are run: as values, so that tests can give others.
#[derive(Debug, Clone)]
pub struct Places {
    /// systemd-networkd's own files.
    pub network: PathBuf,
    /// What may log in by SSH.
    pub keys: PathBuf,
    /// `networkctl`, or what stands for it.
    pub networkctl: PathBuf,
    /// Units of folders of a NAS.
    pub units: PathBuf,
    /// … and how the box proves who it is there.
    pub credentials: PathBuf,
    /// What the system says of disks that are plugged in.
    pub disks: PathBuf,
    /// Which of them may be written to.
    pub writable: PathBuf,
    /// `systemctl`, or what stands for it.
    pub systemctl: PathBuf,
    /// `journalctl`, or what stands for it.
    pub journalctl: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            network: "/etc/systemd/network".into(),
            keys: "/data/ssh/authorized_keys".into(),
            networkctl: "networkctl".into(),
            units: "/etc/systemd/system".into(),
            credentials: "/etc/wiidia-shares".into(),
            disks: "/run/wiidia/disks".into(),
            writable: "/data/wiidia/disks".into(),
            systemctl: "systemctl".into(),
            journalctl: "journalctl".into(),
        }
    }
}

impl Verb {
    pub(super) fn perform(&self, places: &Places) -> io::Result<()> {
        match self {
            Self::Network { wish } => {
                let (file, before) = files(places, &wish.interface);
                // Once kept is kept: a second trial goes back to what was before the first.
                if !before.exists() {
                    let content = fs::read(&file).unwrap_or_default();
                    write(&before, &content, 0o644)?;
                }
                write(&file, wish.to_networkd().as_bytes(), 0o644)?;
                reload(places, &wish.interface)
            }
            Self::NetworkKeep { interface } => remove(&files(places, interface).1),
            Self::NetworkRevert { interface } => {
                let (file, before) = files(places, interface);
                match fs::read(&before) {
                    // Nothing was there.
                    Ok(content) if content.is_empty() => remove(&file)?,
                    Ok(content) => write(&file, &content, 0o644)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(error),
                }
                reload(places, interface)?;
                remove(&before)
            }
            Self::Disk { device, deed } => storage::disk(places, device, *deed),
            Self::AddNetworkFolder { folder } => storage::add(places, folder),
            Self::RemoveNetworkFolder { name } => storage::remove_folder(places, name),
            Self::SshKeys { keys } if keys.is_empty() => remove(&places.keys),
            Self::SshKeys { keys } => write(&places.keys, format!("{}\n", keys.join("\n")).as_bytes(), 0o600),
        }
    }
}

/// The socket's own file, which comes before those of the system, and what was in it before.
fn files(places: &Places, interface: &str) -> (PathBuf, PathBuf) {
    let file = places.network.join(format!("30-page-{interface}.network"));
    let before = places.network.join(format!("30-page-{interface}.before"));
    (file, before)
}

fn reload(places: &Places, interface: &str) -> io::Result<()> {
    for arguments in [&["reload"][..], &["reconfigure", interface]] {
        let done = Command::new(&places.networkctl).args(arguments).output()?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            return Err(io::Error::other(format!("networkctl {}: {said}", arguments.join(" "))));
        }
    }
    Ok(())
}

pub(super) fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let new = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

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
    /// wpa_supplicant's.
    pub wifi: PathBuf,
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
            wifi: "/etc/wpa_supplicant".into(),
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
                files(places, &wish.interface).put(&wish.to_networkd())?;
                reload(places, &wish.interface)
            }
            Self::NetworkKeep { interface } => remove(&files(places, interface).before),
            Self::NetworkRevert { interface } => {
                files(places, interface).bring_back(|| reload(places, interface))
            }
            Self::Wifi { interface, network } => {
                radio(places, interface).put(&network.to_wpa_supplicant("what was chosen on the page"))?;
                join(places, interface)
            }
            Self::WifiKeep { interface } => remove(&radio(places, interface).before),
            Self::WifiRevert { interface } => radio(places, interface).bring_back(|| join(places, interface)),
            Self::WifiForget { interface } => {
                let files = radio(places, interface);
                remove(&files.before)?;
                remove(&files.file)?;
                join(places, interface)
            }
            Self::Disk { device, deed } => storage::disk(places, device, *deed),
            Self::AddNetworkFolder { folder } => storage::add(places, folder),
            Self::RemoveNetworkFolder { name } => storage::remove_folder(places, name),
            Self::SshKeys { keys } if keys.is_empty() => remove(&places.keys),
            Self::SshKeys { keys } => write(&places.keys, format!("{}\n", keys.join("\n")).as_bytes(), 0o600),
        }
    }
}

/// A file on trial, and what was in it before.
struct Trial {
    file: PathBuf,
    before: PathBuf,
    mode: u32,
}

impl Trial {
    /// Puts something else into it.
    fn put(&self, content: &str) -> io::Result<()> {
        // Once kept is kept: a second trial goes back to what was before the first.
        if !self.before.exists() {
            let present = fs::read(&self.file).unwrap_or_default();
            write(&self.before, &present, self.mode)?;
        }
        write(&self.file, content.as_bytes(), self.mode)
    }

    /// Brings back what was before, if there is a trial, and lets it hold.
    fn bring_back(&self, hold: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match fs::read(&self.before) {
            // Nothing was there.
            Ok(content) if content.is_empty() => remove(&self.file)?,
            Ok(content) => write(&self.file, &content, self.mode)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        hold()?;
        remove(&self.before)
    }
}

/// The socket's own file, which comes before those of the system.
fn files(places: &Places, interface: &str) -> Trial {
    let name = |end: &str| places.network.join(format!("30-page-{interface}.{end}"));
    Trial { file: name("network"), before: name("before"), mode: 0o644 }
}

/// The network that a radio joins. There is a password in it.
fn radio(places: &Places, interface: &str) -> Trial {
    let name = |end: &str| places.wifi.join(format!("wpa_supplicant-{interface}.{end}"));
    Trial { file: name("conf"), before: name("before"), mode: 0o600 }
}

/// Lets a radio join what its file says.
fn join(places: &Places, interface: &str) -> io::Result<()> {
    let unit = format!("wiidia-wifi@{interface}.service");
    let done = Command::new(&places.systemctl).args(["restart", &unit]).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(io::Error::other(format!("systemctl restart {unit}: {said}")))
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

//! Disks that are plugged into the box, and folders of a NAS: what is there, and what may be done with it. The system mounts
//! them by units of its own (`/usr/lib/wiidia/disk`, `media-NAME.mount`), and says in files what became of them.

use super::privileged::Verb;
use super::{Appliance, SystemError};
use crate::limits::{MAX_DISK_STATE, MAX_NETWORK_FOLDERS, MAX_PLUGGED_DISKS};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use utoipa::ToSchema;

/// A disk that is plugged in, or a partition of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Disk {
    /// As the kernel calls it: `sdb1`.
    pub device: String,
    /// What it calls itself.
    pub label: String,
    /// `exfat`, `ntfs`, `vfat`, `ext4` …
    pub filesystem: String,
    /// Where its files are; none when it can't be read.
    pub folder: Option<String>,
    /// It may be written to.
    pub writable: bool,
    /// The owner wants it to be written to.
    pub wanted_writable: bool,
    /// Why it is not as it was wanted; none when it is.
    pub reason: Option<String>,
    /// Bytes.
    pub total: Option<u64>,
    /// Bytes.
    pub free: Option<u64>,
}

/// A folder of a NAS, as the owner wants it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkFolder {
    /// What it is called here: its folder below `/media`.
    pub name: String,
    /// By which protocol.
    pub kind: Protocol,
    /// The NAS's name or address.
    pub host: String,
    /// The folder there: a share's name for SMB, a path for NFS.
    pub path: String,
    /// Who one is there, for SMB; none is a guest.
    #[serde(default)]
    pub user: Option<String>,
    /// … and how one proves it.
    #[serde(default)]
    pub password: Option<String>,
    /// It may be written to.
    #[serde(default)]
    pub writable: bool,
}

impl std::fmt::Debug for NetworkFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NetworkFolder")
            .field("name", &self.name)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// By which a folder of a NAS is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Windows' own, which every NAS speaks.
    Smb,
    /// NFS, version 4 or 3.
    Nfs,
}

/// A folder of a NAS that was added, as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AddedFolder {
    /// What it is called.
    pub name: String,
    /// The NAS and the folder there: `//nas/films`, `nas:/films`.
    pub source: String,
    /// Where its files are.
    pub folder: String,
    /// It is there now; if not, it is tried again every minute.
    pub mounted: bool,
    /// Bytes.
    pub total: Option<u64>,
    /// Bytes.
    pub free: Option<u64>,
}

/// What can be done with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskDeed {
    /// Let it be pulled.
    Release,
    /// Check its file system, and mend what can be.
    Repair,
    /// Let it be written to.
    AllowWriting,
    /// Only read it: it may be pulled at any time.
    ForbidWriting,
}

/// A disk's name of the kernel's.
pub(super) fn check_device(name: &str) -> Result<(), String> {
    let good = (2..=20).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if good { Ok(()) } else { Err("this is no disk; choose one of those listed, such as sdb1".to_owned()) }
}

/// A folder's name that is the same in a unit's name, in a path and on the page.
pub(super) fn check_folder_name(name: &str) -> Result<(), String> {
    let good = (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good {
        Ok(())
    } else {
        Err("the folder's name has up to 32 letters (a to z), digits and underscores, such as nas_films"
            .to_owned())
    }
}

impl NetworkFolder {
    /// Checks it, without a look at the network.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), String> {
        check_folder_name(&self.name)?;
        let host = self.host.as_str();
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
        if !(1..=253).contains(&host.len()) || !host.bytes().all(fits) || host.starts_with(['-', '.', ':']) {
            return Err(format!(
                "\"{}\" is no name or address of a NAS; write for example nas.local or 192.168.1.5",
                clean(host)
            ));
        }
        let path = self.path.as_str();
        let odd = |c: char| c.is_control() || matches!(c, '\\' | '"' | '\'' | '%' | '$' | ',' | '#' | ';');
        if path.is_empty()
            || path.len() > 255
            || path.contains(odd)
            || path.split('/').any(|part| part == "..")
        {
            return Err("the folder on the NAS can't be called so; write its share's name for SMB, such as films, or its path for NFS, such as /volume1/films".to_owned());
        }
        match self.kind {
            Protocol::Smb if path.trim_matches('/').is_empty() => {
                return Err("which share of the NAS is it? write its name, such as films".to_owned());
            }
            Protocol::Nfs if !path.starts_with('/') => {
                return Err("a folder by NFS begins with a slash, such as /volume1/films".to_owned());
            }
            Protocol::Nfs if self.user.is_some() || self.password.is_some() => {
                return Err("NFS knows no user and no password; leave both empty, the NAS lets the box in by its address".to_owned());
            }
            _ => {}
        }
        for (what, text, most) in [("user", &self.user, 104), ("password", &self.password, 256)] {
            let Some(text) = text else { continue };
            if text.is_empty() || text.len() > most || text.contains(char::is_control) {
                return Err(format!("the {what} has to have 1 to {most} bytes and no control characters"));
            }
        }
        if self.password.is_some() && self.user.is_none() {
            return Err("whose password is this? write the user too".to_owned());
        }
        Ok(())
    }

    /// As `mount` names it; only of one that was checked.
    pub(super) fn source(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.kind {
            Protocol::Smb => format!("//{host}/{}", self.path.trim_matches('/')),
            Protocol::Nfs => format!("{host}:{}", self.path),
        }
    }

    /// As `systemd.mount(5)` reads it; only of one that was checked. The password is in `credentials`.
    pub(super) fn to_unit(&self, credentials: &Path) -> String {
        let access = if self.writable { "rw" } else { "ro" };
        let (kind, own) = match self.kind {
            Protocol::Smb => {
                let who = match self.user {
                    Some(_) => format!("credentials={}", credentials.display()),
                    None => "guest".to_owned(),
                };
                ("cifs", format!("{who},uid=wiidia,gid=wiidia,file_mode=0664,dir_mode=0775,iocharset=utf8"))
            }
            // A NAS that is switched off must not hold up whoever reads.
            Protocol::Nfs => ("nfs", "timeo=50,retrans=2".to_owned()),
        };
        format!(
            "# Made on the server's page.\n[Unit]\nDescription=Folder of a NAS\n\n[Mount]\nWhat={}\nWhere=/media/{}\nType={kind}\nOptions={access},soft,nosuid,nodev,noexec,{own}\nTimeoutSec=15\n",
            self.source(),
            self.name
        )
    }
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// A disk, from the lines that the system has written of it.
fn disk(text: &str) -> Option<Disk> {
    let field = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(clean_long(value)).filter(|value| !value.is_empty())
    };
    Some(Disk {
        device: field("device").filter(|device| check_device(device).is_ok())?,
        label: field("label").unwrap_or_default(),
        filesystem: field("filesystem").unwrap_or_default(),
        folder: field("folder"),
        writable: field("writable").as_deref() == Some("yes"),
        wanted_writable: field("wanted").as_deref() == Some("yes"),
        reason: field("reason"),
        total: None,
        free: None,
    })
}

fn clean_long(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The names and sources of folders of a NAS, from the unit's text.
fn source_of(unit: &str) -> Option<String> {
    unit.lines().find_map(|line| line.strip_prefix("What=")).map(clean_long)
}

/// Bytes of a folder's disk: all, and free ones.
fn room(folder: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some((disk.f_blocks.saturating_mul(disk.f_frsize), disk.f_bavail.saturating_mul(disk.f_frsize)))
}

fn read_short(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_DISK_STATE).read_to_string(&mut text).ok()?;
    Some(text)
}

fn files(folder: &Path, most: usize) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = listed.take(most).collect();
    files.sort();
    files
}

impl Appliance {
    /// The disks that are plugged in. Blocking: it asks each how full it is.
    ///
    /// # Errors
    /// No box.
    pub fn disks(&self) -> Result<Vec<Disk>, SystemError> {
        self.must_be_here()?;
        let found = files(&self.places.disks, MAX_PLUGGED_DISKS)
            .into_iter()
            .filter_map(|path| disk(&read_short(&path)?));
        Ok(found
            .map(|mut disk| {
                let room = disk.folder.as_deref().and_then(|folder| room(Path::new(folder)));
                disk.total = room.map(|(total, _)| total);
                disk.free = room.map(|(_, free)| free);
                disk
            })
            .collect())
    }

    /// The folders of a NAS that were added. Blocking.
    ///
    /// # Errors
    /// No box.
    pub fn network_folders(&self) -> Result<Vec<AddedFolder>, SystemError> {
        self.must_be_here()?;
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let folder = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.strip_prefix("media-")?.strip_suffix(".mount")?.to_owned();
            check_folder_name(&name).ok()?;
            let folder = format!("/media/{name}");
            let mounted = mounts.lines().any(|line| line.split(' ').nth(1) == Some(folder.as_str()));
            // Whoever asks a NAS that is gone waits.
            let room = if mounted { room(Path::new(&folder)) } else { None };
            Some(AddedFolder {
                source: source_of(&read_short(&path)?)?,
                total: room.map(|(total, _)| total),
                free: room.map(|(_, free)| free),
                name,
                folder,
                mounted,
            })
        };
        Ok(files(&self.places.units, 100 * MAX_NETWORK_FOLDERS).into_iter().filter_map(folder).collect())
    }

    /// Does something with a disk.
    ///
    /// # Errors
    /// There is no such disk, or the system does not let us.
    pub async fn disk(&self, device: &str, deed: DiskDeed) -> Result<(), SystemError> {
        self.ask(&Verb::Disk { device: device.to_owned(), deed }).await
    }

    /// Adds a folder of a NAS, once it could be reached.
    ///
    /// # Errors
    /// Why it can't be: the NAS is not there, has no such folder, or refuses the password.
    pub async fn add_network_folder(&self, folder: NetworkFolder) -> Result<(), SystemError> {
        self.must_be_here()?;
        self.ask(&Verb::AddNetworkFolder { folder }).await
    }

    /// Takes one away.
    ///
    /// # Errors
    /// There is none of that name, or the system does not let us.
    pub async fn remove_network_folder(&self, name: &str) -> Result<(), SystemError> {
        self.ask(&Verb::RemoveNetworkFolder { name: name.to_owned() }).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn folder(json: &str) -> Result<NetworkFolder, String> {
        let folder: NetworkFolder = serde_json::from_str(json).map_err(|error| error.to_string())?;
        folder.check()?;
        Ok(folder)
    }

    #[test]
    fn folders_of_a_nas_become_units_without_passwords() {
        let smb = folder(r#"{"name":"films","kind":"smb","host":"nas.local","path":"/Films auf Platte/","user":"ada","password":"canary, %x"}"#).unwrap();
        let unit = smb.to_unit(Path::new("/etc/wiidia-shares/films"));
        assert!(unit.contains("What=//nas.local/Films auf Platte\nWhere=/media/films\nType=cifs\nOptions=ro,soft,nosuid,nodev,noexec,credentials=/etc/wiidia-shares/films,uid=wiidia"), "{unit}");
        assert!(!unit.contains("canary") && !format!("{smb:?}").contains("canary"));
        let nfs = folder(
            r#"{"name":"films","kind":"nfs","host":"fd00::5","path":"/volume1/films","writable":true}"#,
        )
        .unwrap();
        assert!(nfs.to_unit(Path::new("/x")).contains("What=[fd00::5]:/volume1/films\n"));
        assert!(nfs.to_unit(Path::new("/x")).contains("Options=rw,soft"));
        assert_eq!(source_of(&unit).as_deref(), Some("//nas.local/Films auf Platte"));
    }

    #[test]
    fn folders_that_make_no_sense_or_would_write_other_lines_are_refused() {
        for (json, words) in [
            (r#"{"name":"a-b","kind":"smb","host":"nas","path":"x"}"#, "folder's name"),
            (r#"{"name":"../x","kind":"smb","host":"nas","path":"x"}"#, "folder's name"),
            (r#"{"name":"a","kind":"smb","host":"nas\nWhat=x","path":"x"}"#, "name or address"),
            (r#"{"name":"a","kind":"smb","host":"-o","path":"x"}"#, "name or address"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"x\ny"}"#, "can't be called so"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"x,rw"}"#, "can't be called so"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"../x"}"#, "can't be called so"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"//"}"#, "which share"),
            (r#"{"name":"a","kind":"nfs","host":"nas","path":"x"}"#, "slash"),
            (r#"{"name":"a","kind":"nfs","host":"nas","path":"/x","user":"ada"}"#, "NFS knows"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"x","user":"a\nb"}"#, "control"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"x","password":"b"}"#, "whose"),
            (r#"{"name":"a","kind":"ftp","host":"nas","path":"x"}"#, "ftp"),
            (r#"{"name":"a","kind":"smb","host":"nas","path":"x","options":"suid"}"#, "options"),
        ] {
            let refused = folder(json).unwrap_err();
            assert!(refused.contains(words), "{json}: {refused}");
        }
        for name in ["sdb1", "nvme0n1p1", "mmcblk1p1"] {
            assert_eq!(check_device(name), Ok(()));
        }
        for name in ["", "a", "../sdb1", "sdb1.service", "SDB1", "1sdb", "sdb1 x"] {
            assert!(check_device(name).is_err(), "{name}");
        }
    }

    #[test]
    fn what_the_system_says_of_a_disk_is_read_and_cut_texts_break_nothing() {
        let text = "device=sdb1\nlabel=Films\nfilesystem=exfat\nuuid=1234-5678\nfolder=/media/Films\nwritable=no\nwanted=yes\nreason=it was pulled out while it was written to\n";
        let found = disk(text).unwrap();
        assert_eq!((found.device.as_str(), found.folder.as_deref()), ("sdb1", Some("/media/Films")));
        assert!(
            !found.writable && found.wanted_writable && found.reason.unwrap().starts_with("it was pulled")
        );
        for cut in 0..text.len() {
            let _ = disk(&text[..cut]);
        }
        assert_eq!(disk("device=../x\n"), None);
    }
}

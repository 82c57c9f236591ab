//! Disks and folders of a NAS, as root: files for the service manager, and which of its units it starts. What the units do
//! is in the image (`/usr/lib/wiidia/disk`); nothing is mounted from here.

use super::perform::{Places, remove, write};
use crate::appliance::storage::{DiskDeed, NetworkFolder};
use crate::limits::MAX_NETWORK_FOLDERS;
use std::fs;
use std::io;
use std::process::Command;

pub(super) fn disk(places: &Places, device: &str, deed: DiskDeed) -> io::Result<()> {
    let Ok(state) = fs::read_to_string(places.disks.join(device)) else {
        return Err(io::Error::other(format!(
            "{device} is not plugged in any more; choose one of those listed"
        )));
    };
    let unit = |what: &str| format!("wiidia-disk{what}@{device}.service");
    match deed {
        DiskDeed::Release => systemctl(places, &["start", &unit("-release")]),
        // Takes as long as it takes; what came of it is seen at the disk.
        DiskDeed::Repair => systemctl(places, &["--no-block", "start", &unit("-repair")]),
        DiskDeed::AllowWriting | DiskDeed::ForbidWriting => {
            let uuid = state.lines().find_map(|line| line.strip_prefix("uuid=")).unwrap_or_default();
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            if !(1..=64).contains(&uuid.len()) || !uuid.bytes().all(plain) {
                let text =
                    "this disk has no number of its own, so it can't be told from others; format it anew";
                return Err(io::Error::other(text));
            }
            let flag = places.writable.join(uuid);
            match deed {
                DiskDeed::AllowWriting => write(&flag, b"write\n", 0o644)?,
                _ => remove(&flag)?,
            }
            systemctl(places, &["restart", &unit("")])
        }
    }
}

pub(super) fn add(places: &Places, folder: &NetworkFolder) -> io::Result<()> {
    let (unit, name) = (unit_of(&folder.name), &folder.name);
    let file = places.units.join(&unit);
    if file.exists() {
        let text =
            format!("there is a folder \"{name}\" already; take it away first, or choose another name");
        return Err(io::Error::other(text));
    }
    let of_nas = |name: &str| name.starts_with("media-") && name.ends_with(".mount");
    let there = fs::read_dir(&places.units).into_iter().flatten().flatten();
    if there.filter(|entry| entry.file_name().to_str().is_some_and(of_nas)).count() >= MAX_NETWORK_FOLDERS {
        let text = format!("there are {MAX_NETWORK_FOLDERS} folders already; take some away first");
        return Err(io::Error::other(text));
    }
    let credentials = places.credentials.join(name);
    if let Some(user) = &folder.user {
        let password = folder.password.as_deref().unwrap_or_default();
        write(&credentials, format!("username={user}\npassword={password}\n").as_bytes(), 0o600)?;
    }
    write(&file, folder.to_unit(&credentials).as_bytes(), 0o644)?;
    let started = systemctl(places, &["daemon-reload"]).and_then(|()| systemctl(places, &["start", &unit]));
    started.map_err(|_| {
        let said = Command::new(&places.journalctl)
            .args(["--unit", &unit, "--lines", "8", "--output", "cat", "--no-pager"])
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        // Nothing is left of what did not work.
        let _ = remove(&file);
        let _ = remove(&credentials);
        let _ = systemctl(places, &["daemon-reload"]);
        io::Error::other(reason(&said.unwrap_or_default()))
    })
}

/// What `mount.cifs` and `mount.nfs` say, for people.
fn reason(said: &str) -> String {
    let known = [
        (
            "error(13)",
            "the NAS refuses this name and password; check both, and that the user may see the folder",
        ),
        ("error(2)", "the NAS has no such folder; check how it is called there"),
        ("error(112)", "the NAS does not answer; is it switched on, and is that its name or address?"),
        ("error(113)", "the NAS does not answer; is it switched on, and is that its name or address?"),
        ("error(115)", "the NAS does not answer; is it switched on, and is that its name or address?"),
        ("error(111)", "there is no such service at that address; is the folder shared there?"),
        ("resolve address", "nobody in the network knows this name; try the NAS's address"),
        ("access denied by server", "the NAS does not let the box in; allow its address there"),
        ("timed out", "the NAS does not answer; is it switched on, and is that its name or address?"),
        ("No such file", "the NAS has no such folder; check how it is called there"),
    ];
    let found = known.iter().find(|(sign, _)| said.contains(sign)).map(|(_, text)| (*text).to_owned());
    found.unwrap_or_else(|| {
        let line = said.lines().rev().find(|line| line.contains("mount")).unwrap_or("it can't be mounted");
        line.chars().filter(|c| !c.is_control()).take(200).collect()
    })
}

pub(super) fn remove_folder(places: &Places, name: &str) -> io::Result<()> {
    let unit = unit_of(name);
    let file = places.units.join(&unit);
    if !file.exists() {
        return Err(io::Error::other(format!("there is no folder \"{name}\"; choose one of those listed")));
    }
    // Somebody may be reading from it: it is gone at the next start then.
    let _ = systemctl(places, &["stop", &unit]);
    remove(&file)?;
    remove(&places.credentials.join(name))?;
    systemctl(places, &["daemon-reload"])
}

/// `systemd-escape` leaves such names as they are.
fn unit_of(name: &str) -> String {
    format!("media-{name}.mount")
}

fn systemctl(places: &Places, arguments: &[&str]) -> io::Result<()> {
    let done = Command::new(&places.systemctl).args(arguments).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(io::Error::other(format!("systemctl {}: {said}", arguments.join(" "))))
}

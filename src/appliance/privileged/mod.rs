//! What root does for the server: `wiidiaserver privileged`, which the service manager starts for each call to its socket, with
//! that as standard input and output. It does what is on this list and nothing else, and checks every argument again, because
//! whoever has taken the server over must not have the machine.
//!
//! ```text
//!  server ── {"verb":"network","wish":{…}}\n ──▶ privileged.sock (0660 root:wiidia) ──▶ this, for one line
//!         ◀── {"error":null}\n ─────────────────
//! ```

mod ask;
mod perform;
mod storage;

pub use perform::Places;

use super::WifiNetwork;
use super::network::{NetworkError, Wish, check_interface};
use super::storage::{DiskDeed, NetworkFolder, check_device, check_folder_name};
use crate::limits::{MAX_PRIVILEGED_MESSAGE, MAX_SSH_KEYS};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};

/// Everything that it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Verb {
    /// Gives a socket another address, and keeps what was before.
    Network {
        /// Which, and how.
        wish: Wish,
    },
    /// Forgets what was before.
    NetworkKeep {
        /// Which socket.
        interface: String,
    },
    /// Brings back what was before.
    NetworkRevert {
        /// Which socket.
        interface: String,
    },
    /// Joins a Wi-Fi, and keeps what was before.
    Wifi {
        /// By which radio.
        interface: String,
        /// Which.
        network: WifiNetwork,
    },
    /// Forgets what was before.
    WifiKeep {
        /// Which radio.
        interface: String,
    },
    /// Brings back what was before.
    WifiRevert {
        /// Which radio.
        interface: String,
    },
    /// Joins no Wi-Fi any more.
    WifiForget {
        /// Which radio.
        interface: String,
    },
    /// Does something with a disk that is plugged in.
    Disk {
        /// As the kernel calls it.
        device: String,
        /// What.
        deed: DiskDeed,
    },
    /// Mounts a folder of a NAS, now and at every start, if it could be mounted now.
    AddNetworkFolder {
        /// Which, and how.
        folder: NetworkFolder,
    },
    /// Unmounts one, and forgets its password.
    RemoveNetworkFolder {
        /// What it is called.
        name: String,
    },
    /// Lets these public keys log in by SSH; none switches it off.
    SshKeys {
        /// As in `authorized_keys`.
        keys: Vec<String>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    /// Why not; null when it was done.
    error: Option<String>,
}

impl Verb {
    /// Checks it, without a look at the machine.
    ///
    /// # Errors
    /// What to change.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |error: NetworkError| error.to_string();
        match self {
            Self::Network { wish } => wish.check().map_err(wrong),
            Self::NetworkKeep { interface } | Self::NetworkRevert { interface } => {
                check_interface(interface).map_err(wrong)
            }
            Self::Wifi { interface, network } => {
                check_interface(interface).map_err(wrong)?;
                network.check().map_err(|error| error.to_string())
            }
            Self::WifiKeep { interface }
            | Self::WifiRevert { interface }
            | Self::WifiForget { interface } => check_interface(interface).map_err(wrong),
            Self::Disk { device, .. } => check_device(device),
            Self::AddNetworkFolder { folder } => folder.check(),
            Self::RemoveNetworkFolder { name } => check_folder_name(name),
            Self::SshKeys { keys } => {
                if keys.len() > MAX_SSH_KEYS {
                    return Err(format!("{} keys are too many, expected at most {MAX_SSH_KEYS}", keys.len()));
                }
                keys.iter().try_for_each(|key| check_key(key))
            }
        }
    }
}

/// A line of `authorized_keys` without options, which could run programs.
fn check_key(key: &str) -> Result<(), String> {
    let mut words = key.split(' ');
    let kind = words.next().unwrap_or_default();
    let known =
        ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];
    let body = words.next().unwrap_or_default();
    let good = known.contains(&kind)
        && body.starts_with("AAAA")
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
        && key.len() <= 2000
        && !key.contains(char::is_control);
    if good {
        Ok(())
    } else {
        Err("this is no public key; expected a line such as ssh-ed25519 AAAA… name".to_owned())
    }
}

/// Reads one request, does it, answers. The process's exit says whether it was done.
pub fn serve(input: impl Read, mut output: impl Write, places: &Places) -> bool {
    let error = read(input).and_then(|verb| verb.perform(places).map_err(|error| error.to_string())).err();
    let done = error.is_none();
    let mut line = serde_json::to_vec(&Answer { error }).unwrap_or_default();
    line.push(b'\n');
    let _ = output.write_all(&line).and_then(|()| output.flush());
    done
}

fn read(input: impl Read) -> Result<Verb, String> {
    let mut line = String::new();
    let read = BufReader::new(input.take(MAX_PRIVILEGED_MESSAGE)).read_line(&mut line);
    read.map_err(|error| format!("the request can't be read: {error}"))?;
    let verb: Verb = serde_json::from_str(&line).map_err(|error| format!("this is no request: {error}"))?;
    verb.check()?;
    Ok(verb)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// Places below a folder, with a `networkctl` that writes down how it was called.
    fn places(folder: &TempDir) -> Places {
        let networkctl = folder.path().join("networkctl");
        let script = format!("#!/bin/sh\necho \"$*\" >>{}/calls\n", folder.path().display());
        fs::write(&networkctl, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&networkctl, executable).unwrap();
        let systemctl = folder.path().join("systemctl");
        // What fails does so for mounts of the folder "gone".
        let script = format!(
            "#!/bin/sh\necho \"$*\" >>{0}/calls\ncase \"$*\" in 'start media-gone.mount') exit 1 ;; esac\n",
            folder.path().display()
        );
        fs::write(&systemctl, script).unwrap();
        fs::set_permissions(&systemctl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let journalctl = folder.path().join("journalctl");
        fs::write(&journalctl, "#!/bin/sh\necho 'mount error(13): Permission denied'\n").unwrap();
        fs::set_permissions(&journalctl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let below = |name: &str| folder.path().join(name);
        Places {
            network: below("network"),
            wifi: below("wpa_supplicant"),
            keys: below("ssh/keys"),
            networkctl,
            units: below("units"),
            credentials: below("credentials"),
            disks: below("disks"),
            writable: below("writable"),
            systemctl,
            journalctl,
        }
    }

    fn ask(places: &Places, request: &str) -> Option<String> {
        let mut answer = Vec::new();
        let done = serve(request.as_bytes(), &mut answer, places);
        let answer: Answer = serde_json::from_slice(&answer).unwrap();
        assert_eq!(done, answer.error.is_none());
        answer.error
    }

    const WISH: &str =
        r#"{"verb":"network","wish":{"interface":"eth0","mode":"static","address":"192.168.1.20/24"}}"#;
    const REVERT: &str = r#"{"verb":"network_revert","interface":"eth0"}"#;

    #[test]
    fn an_address_is_tried_and_kept_or_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(&folder);
        let file = places.network.join("30-page-eth0.network");
        assert_eq!(ask(&places, WISH), None);
        assert!(fs::read_to_string(&file).unwrap().contains("Address=192.168.1.20/24"));
        assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap(), "reload\nreconfigure eth0\n");
        // Taken back to nothing: what the system has.
        assert_eq!(ask(&places, REVERT), None);
        assert!(!file.exists());
        // Kept, then another one is tried and taken back.
        assert_eq!(ask(&places, WISH), None);
        assert_eq!(ask(&places, r#"{"verb":"network_keep","interface":"eth0"}"#), None);
        let kept = fs::read(&file).unwrap();
        assert_eq!(ask(&places, &WISH.replace(".20/", ".30/")), None);
        assert_ne!(fs::read(&file).unwrap(), kept);
        assert_eq!(ask(&places, REVERT), None);
        assert_eq!(fs::read(&file).unwrap(), kept);
        // Twice is once.
        assert_eq!(ask(&places, REVERT), None);
        assert_eq!(fs::read(&file).unwrap(), kept);
    }

    #[test]
    fn a_wifi_is_tried_and_kept_or_taken_back_and_nobody_reads_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(&folder);
        let file = places.wifi.join("wpa_supplicant-wlan0.conf");
        let join = |name: &str| {
            let network = format!(r#"{{"name":"{name}","password":"correct horse"}}"#);
            ask(&places, &format!(r#"{{"verb":"wifi","interface":"wlan0","network":{network}}}"#))
        };
        let simply = |verb: &str| ask(&places, &format!(r#"{{"verb":"{verb}","interface":"wlan0"}}"#));
        assert_eq!(join("one"), None);
        assert!(fs::read_to_string(&file).unwrap().contains("psk=\"correct horse\""));
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(simply("wifi_revert"), None);
        assert!(!file.exists(), "there was none before");
        assert_eq!((join("one"), simply("wifi_keep")), (None, None));
        let kept = fs::read(&file).unwrap();
        // Two in a row that fail: what was kept comes back.
        assert_eq!((join("two"), join("three"), simply("wifi_revert")), (None, None, None));
        assert_eq!(fs::read(&file).unwrap(), kept);
        assert_eq!(simply("wifi_revert"), None);
        assert_eq!(fs::read(&file).unwrap(), kept);
        assert_eq!(simply("wifi_forget"), None);
        assert!(!file.exists());
        let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
        assert!(
            calls.lines().all(|call| call == "restart wiidia-wifi@wlan0.service")
                && calls.lines().count() == 7,
            "{calls}"
        );
        for wrong in [
            r#"{"verb":"wifi","interface":"../x","network":{"name":"x"}}"#,
            r#"{"verb":"wifi","interface":"wlan0","network":{"name":"x","password":"a\nb=\"c\"xxxx"}}"#,
            r#"{"verb":"wifi","interface":"wlan0","network":{"name":"x","country":"D\n"}}"#,
        ] {
            assert!(ask(&places, wrong).is_some(), "{wrong}");
        }
        assert!(!file.exists());
    }

    #[test]
    fn what_is_not_on_the_list_or_not_right_is_not_done() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(&folder);
        for request in [
            "",
            "{}",
            "reboot",
            r#"{"verb":"run","command":"id"}"#,
            r#"{"verb":"network","wish":{"interface":"../../x","mode":"dhcp"}}"#,
            r#"{"verb":"network_revert","interface":"a/b"}"#,
            r#"{"verb":"ssh_keys","keys":["command=\"id\" ssh-ed25519 AAAA x"]}"#,
            r#"{"verb":"ssh_keys","keys":["ssh-ed25519 AAAA x\nssh-rsa AAAA y"]}"#,
            r#"{"verb":"ssh_keys","keys":["ssh-ed25519 BBBB"]}"#,
            &format!("{}{}", "x".repeat(MAX_PRIVILEGED_MESSAGE as usize), WISH),
        ] {
            assert!(ask(&places, request).is_some(), "{request}");
        }
        for cut in 0..WISH.len() {
            assert!(ask(&places, &WISH[..cut]).is_some(), "{cut}");
        }
        assert!(!places.network.exists() && !folder.path().join("calls").exists());
    }

    #[test]
    fn keys_let_in_and_none_switches_off() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(&folder);
        let set = r#"{"verb":"ssh_keys","keys":["ssh-ed25519 AAAAC3Nza ada@laptop"]}"#;
        assert_eq!(ask(&places, set), None);
        assert_eq!(fs::read_to_string(&places.keys).unwrap(), "ssh-ed25519 AAAAC3Nza ada@laptop\n");
        assert_eq!(ask(&places, r#"{"verb":"ssh_keys","keys":[]}"#), None);
        assert!(!places.keys.exists());
    }

    #[test]
    fn disks_are_released_checked_and_opened_for_writing_by_their_units() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(&folder);
        fs::create_dir(&places.disks).unwrap();
        let ask_for = |device: &str, deed: &str| {
            ask(&places, &format!(r#"{{"verb":"disk","device":"{device}","deed":"{deed}"}}"#))
        };
        assert!(ask_for("sdb1", "release").is_some_and(|error| error.contains("not plugged in")));
        fs::write(places.disks.join("sdb1"), "device=sdb1\nuuid=1234-ABCD\n").unwrap();
        for deed in ["release", "repair", "allow_writing"] {
            assert_eq!(ask_for("sdb1", deed), None);
        }
        assert_eq!(fs::read_to_string(places.writable.join("1234-ABCD")).unwrap(), "write\n");
        assert_eq!(ask_for("sdb1", "forbid_writing"), None);
        assert!(!places.writable.join("1234-ABCD").exists());
        let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
        let expected = "start wiidia-disk-release@sdb1.service\n--no-block start wiidia-disk-repair@sdb1.service\n\
            restart wiidia-disk@sdb1.service\nrestart wiidia-disk@sdb1.service\n";
        assert_eq!(calls, expected);
        for (state, deed) in
            [("device=sdb1\nuuid=../x\n", "allow_writing"), ("device=sdb1\nuuid=\n", "allow_writing")]
        {
            fs::write(places.disks.join("sdb1"), state).unwrap();
            assert!(ask_for("sdb1", deed).is_some(), "{state}");
        }
    }

    #[test]
    fn folders_of_a_nas_stay_when_they_could_be_mounted_and_leave_nothing_when_not() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(&folder);
        let add = |name: &str| {
            let wish = format!(
                r#"{{"verb":"add_network_folder","folder":{{"name":"{name}","kind":"smb","host":"nas","path":"films","user":"ada","password":"canary"}}}}"#
            );
            ask(&places, &wish)
        };
        assert_eq!(add("films"), None);
        let unit = fs::read_to_string(places.units.join("media-films.mount")).unwrap();
        assert!(unit.contains("What=//nas/films") && !unit.contains("canary"));
        let credentials = places.credentials.join("films");
        assert_eq!(fs::read_to_string(&credentials).unwrap(), "username=ada\npassword=canary\n");
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&credentials).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        let refused = add("gone").unwrap();
        assert!(refused.contains("name and password") && !refused.contains("canary"), "{refused}");
        assert!(!places.units.join("media-gone.mount").exists() && !places.credentials.join("gone").exists());
        assert!(add("films").unwrap().contains("already"));
        let remove = r#"{"verb":"remove_network_folder","name":"films"}"#;
        assert_eq!(ask(&places, remove), None);
        assert!(!credentials.exists() && ask(&places, remove).unwrap().contains("no folder"));
    }
}

//! The helper: `wiidiaserver helper`, which the service manager starts as root for each call to its socket, with that as
//! standard input and output. It does what is on this list and nothing else, and checks every argument again, because
//! whoever has taken the server over must not have the machine.
//!
//! ```text
//!  server ── {"verb":"network","wish":{…}}\n ──▶ helper.sock (0660 root:wiidia) ──▶ this, for one line
//!         ◀── {"error":null}\n ─────────────────
//! ```

use super::network::{NetworkError, Wish, check_interface};
use super::{Appliance, SystemError};
use crate::limits::{MAX_HELPER_MESSAGE, MAX_SSH_KEYS, SYSTEM_CALL_TIMEOUT};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

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

impl Appliance {
    /// Asks the helper.
    pub(super) async fn ask(&self, verb: &Verb) -> Result<(), SystemError> {
        self.must_be_here()?;
        verb.check().map_err(SystemError::Failed)?;
        let asking = async {
            let mut socket = UnixStream::connect(&self.helper).await?;
            let mut line = serde_json::to_vec(verb)?;
            line.push(b'\n');
            socket.write_all(&line).await?;
            let mut answer = String::new();
            tokio::io::BufReader::new(socket.take(MAX_HELPER_MESSAGE)).read_line(&mut answer).await?;
            Ok::<Answer, io::Error>(serde_json::from_str(&answer)?)
        };
        match tokio::time::timeout(SYSTEM_CALL_TIMEOUT, asking).await {
            Ok(Ok(Answer { error: None })) => Ok(()),
            Ok(Ok(Answer { error: Some(error) })) => Err(SystemError::Failed(error)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                Err(SystemError::NotHere("there is no helper".to_owned()))
            }
            Ok(Err(error)) => Err(SystemError::Failed(format!("the helper does not answer: {error}"))),
            Err(_) => Err(SystemError::Failed("the helper does not answer".to_owned())),
        }
    }

    /// Lets these keys log in by SSH.
    ///
    /// # Errors
    /// No box, or one of them is no key.
    pub async fn set_ssh_keys(&self, keys: Vec<String>) -> Result<(), SystemError> {
        self.ask(&Verb::SshKeys { keys }).await
    }

    /// Forgets everything but the library, and starts anew. The system does it while it starts.
    ///
    /// # Errors
    /// No box, or it can't be asked.
    pub async fn forget(&self) -> Result<(), SystemError> {
        self.must_be_here()?;
        let new = self.requests.join("factory-reset.new");
        let asking = async {
            tokio::fs::write(&new, "settings").await?;
            tokio::fs::rename(&new, self.requests.join("factory-reset")).await
        };
        asking.await.map_err(|error| SystemError::Failed(format!("the system can't be asked: {error}")))
    }
}

/// Where the helper writes, and what it runs: as values, so that tests can give others.
#[derive(Debug, Clone)]
pub struct Places {
    /// systemd-networkd's own files.
    pub network: PathBuf,
    /// What may log in by SSH.
    pub keys: PathBuf,
    /// `networkctl`, or what stands for it.
    pub networkctl: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            network: "/etc/systemd/network".into(),
            keys: "/data/ssh/authorized_keys".into(),
            networkctl: "networkctl".into(),
        }
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
    let read = BufReader::new(input.take(MAX_HELPER_MESSAGE)).read_line(&mut line);
    read.map_err(|error| format!("the request can't be read: {error}"))?;
    let verb: Verb = serde_json::from_str(&line).map_err(|error| format!("this is no request: {error}"))?;
    verb.check()?;
    Ok(verb)
}

impl Verb {
    fn perform(&self, places: &Places) -> io::Result<()> {
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

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let new = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// Places below a folder, with a `networkctl` that writes down how it was called.
    fn places(folder: &TempDir) -> Places {
        let networkctl = folder.path().join("networkctl");
        let script = format!("#!/bin/sh\necho \"$*\" >>{}/calls\n", folder.path().display());
        fs::write(&networkctl, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&networkctl, executable).unwrap();
        Places { network: folder.path().join("network"), keys: folder.path().join("ssh/keys"), networkctl }
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
            &format!("{}{}", "x".repeat(MAX_HELPER_MESSAGE as usize), WISH),
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
}

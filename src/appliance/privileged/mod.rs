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

pub use perform::Places;

use super::network::{NetworkError, Wish, check_interface};
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
}

//! Asking yt-dlp what an address means.
//!
//! ```text
//!  ask ─▶ wiidiaserver worker yt-dlp ── seals itself ─▶ python3 -m yt_dlp … ─▶ JSON
//!                                            │ the only port that it reaches
//!                                            └─▶ egress::Proxy ─▶ the internet
//! ```
//!
//! yt-dlp is a thousand programs that read what sites send. It gets an array of arguments and no shell, an empty
//! environment, limits, a process group of its own that is killed when it takes too long, no file but itself and
//! Python, and no network but a proxy which refuses what is not of the internet.

mod answer;
mod process;

pub(super) use answer::Told;
pub use process::worker;

use crate::egress::{Door, Proxy, Reach};
use crate::limits::{MAX_TITLE, MAX_YT_DLP_ANSWER, MAX_YT_DLP_WORDS, YT_DLP_TIMEOUT};
use rustix::process::{Pid, Signal, kill_process_group};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use url::Url;

/// yt-dlp, where it is installed.
#[derive(Debug)]
pub(super) struct YtDlp {
    folder: PathBuf,
    python: PathBuf,
    program: PathBuf,
    /// One at a time: each takes a processor for seconds.
    turn: tokio::sync::Semaphore,
}

/// Why it gives no answer. The texts are shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum YtDlpError {
    /// It says why itself.
    #[error("yt-dlp says: {0}")]
    Says(String),
    /// It broke.
    #[error("yt-dlp broke: {0}; install it anew: wiidiaserver component install yt-dlp")]
    Broken(String),
    /// It cannot be started.
    #[error("yt-dlp can't be started: {0}; it needs Python 3.11 or newer, which [web] python names")]
    Start(String),
    /// It was killed.
    #[error("yt-dlp did not answer within {seconds} s", seconds = YT_DLP_TIMEOUT.as_secs())]
    TooSlow,
    /// What it told is no use.
    #[error("yt-dlp found nothing that can be played from here")]
    NoUse,
}

impl YtDlp {
    pub(super) fn new(folder: PathBuf, python: PathBuf, program: PathBuf) -> Self {
        Self { folder, python, program, turn: tokio::sync::Semaphore::new(1) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn python(&self) -> &Path {
        &self.python
    }

    pub(super) fn is_installed(&self) -> bool {
        self.folder.join("current/yt_dlp").is_dir()
    }

    /// What it knows of an address. A version that breaks is asked no more than once: the one before answers.
    pub(super) async fn ask(&self, url: &Url, door: &Arc<Door>, reach: Reach) -> Result<Told, YtDlpError> {
        let _turn = self.turn.acquire().await.map_err(|error| YtDlpError::Start(error.to_string()))?;
        let answer = self.ask_version(&self.folder.join("current"), url, door, reach).await;
        let previous = self.folder.join("previous");
        match answer {
            Err(YtDlpError::Broken(reason)) if previous.join("yt_dlp").is_dir() => {
                tracing::warn!(reason, "this version of yt-dlp breaks; the one before is asked");
                self.ask_version(&previous, url, door, reach).await
            }
            other => other,
        }
    }

    /// The same of the version in this folder.
    pub(super) async fn ask_version(
        &self,
        version: &Path,
        url: &Url,
        door: &Arc<Door>,
        reach: Reach,
    ) -> Result<Told, YtDlpError> {
        let start = |error: &dyn std::fmt::Display| YtDlpError::Start(error.to_string());
        // Where "current" leads now: it may lead elsewhere while this runs.
        let version = version.canonicalize().map_err(|error| start(&error))?;
        let proxy = Proxy::open(door.clone(), reach).await.map_err(|error| start(&error))?;
        let mut child = Command::new(&self.program)
            .args(["worker", "yt-dlp", "--parent", &std::process::id().to_string()])
            .args(["--port", &proxy.address().port().to_string(), "--python"])
            .arg(&self.python)
            .arg("--folder")
            .arg(&version)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| start(&error))?;
        // Whatever becomes of this future, nothing of the group is left.
        let _group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        let (input, output, words) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let line = format!("{url}\n");
        let conversation = async {
            // Over standard input: an address may hold a password, and everybody can read command lines.
            let asking = async {
                if let Some(mut input) = input {
                    let _ = input.write_all(line.as_bytes()).await;
                }
            };
            let ((), output, words) =
                tokio::join!(asking, all_of(output, MAX_YT_DLP_ANSWER), all_of(words, MAX_YT_DLP_WORDS));
            (output, words, child.wait().await)
        };
        let Ok((output, words, status)) = tokio::time::timeout(YT_DLP_TIMEOUT, conversation).await else {
            return Err(YtDlpError::TooSlow);
        };
        let words = String::from_utf8_lossy(&words).into_owned();
        let ended_well = status.is_ok_and(|status| status.success());
        if !ended_well || output.is_empty() {
            return Err(complaint(&words));
        }
        let told = answer::read(&output).map_err(|error| {
            YtDlpError::Broken(format!("its answer of {} bytes can't be read: {error}", output.len()))
        })?;
        told.ok_or(YtDlpError::NoUse)
    }
}

/// Kills a process group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It fails when all of it has ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// All of a pipe up to `most` bytes; behind that it is read and forgotten, so that the other side does not hang.
async fn all_of(pipe: Option<impl AsyncRead + Unpin>, most: usize) -> Vec<u8> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 16 << 10]);
    let Some(mut pipe) = pipe else { return bytes };
    while let Ok(len @ 1..) = pipe.read(&mut piece).await {
        let room = most.saturating_sub(bytes.len());
        bytes.extend_from_slice(&piece[..len.min(room)]);
    }
    bytes
}

/// Its last error line, without the parts that are for its own developers.
fn complaint(words: &str) -> YtDlpError {
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect::<String>();
    if let Some(error) = words.lines().rev().find_map(|line| line.trim().strip_prefix("ERROR: ")) {
        let error = error.split("; please report this issue").next().unwrap_or(error);
        return YtDlpError::Says(short(error));
    }
    if words.contains("No such file or directory") || words.contains("python3: not found") {
        return YtDlpError::Start(short(words.lines().last().unwrap_or_default()));
    }
    YtDlpError::Broken(short(
        words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_complains_of_is_told_and_what_is_for_its_developers_is_not() {
        let says = "WARNING: x\nERROR: [generic] Unsupported URL: http://h/; please report this issue on https://github.com/…\n";
        assert_eq!(complaint(says), YtDlpError::Says("[generic] Unsupported URL: http://h/".into()));
        let broken = complaint(
            "Traceback (most recent call last):\n  File x\nModuleNotFoundError: No module named 'yt_dlp'\n",
        );
        assert_eq!(broken, YtDlpError::Broken("ModuleNotFoundError: No module named 'yt_dlp'".into()));
        assert!(matches!(
            complaint("yt-dlp: /x/python3: No such file or directory (os error 2)"),
            YtDlpError::Start(_)
        ));
        assert!(matches!(complaint(""), YtDlpError::Broken(_)));
    }
}

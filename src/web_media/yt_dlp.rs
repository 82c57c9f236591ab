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

use super::Direct;
use super::resolver::Entry;
use crate::egress::{Door, Proxy, Reach};
use crate::limits::{
    MAX_LINKS, MAX_TITLE, MAX_WEB_ADDRESS, MAX_YT_DLP_ANSWER, MAX_YT_DLP_WORDS, YT_DLP_TIMEOUT,
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;
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

/// What it told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) title: Option<String>,
    /// Where the media are, and whether they are a stream.
    pub(super) direct: Option<(Direct, bool)>,
    pub(super) entries: Vec<Entry>,
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
        let told: Info = serde_json::from_slice(&output).map_err(|error| {
            YtDlpError::Broken(format!("its answer of {} bytes can't be read: {error}", output.len()))
        })?;
        told.told().ok_or(YtDlpError::NoUse)
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

/// What `-J` prints, as far as it is of use (yt-dlp's README, "OUTPUT TEMPLATE" and `extractor/common.py`).
#[derive(Deserialize, Default)]
struct Info {
    #[serde(rename = "_type", default)]
    kind: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    is_live: Option<bool>,
    #[serde(default)]
    webpage_url: Option<String>,
    #[serde(flatten)]
    format: Format,
    #[serde(default)]
    formats: Option<Vec<Format>>,
    #[serde(default)]
    entries: Option<Vec<Option<Info>>>,
}

#[derive(Deserialize, Default)]
struct Format {
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    manifest_url: Option<String>,
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    vcodec: Option<String>,
    #[serde(default)]
    acodec: Option<String>,
    #[serde(default)]
    height: Option<f64>,
    #[serde(default)]
    tbr: Option<f64>,
    #[serde(default)]
    http_headers: Option<BTreeMap<String, String>>,
}

/// Pictures larger than a television are not asked for.
const TALLEST: f64 = 1080.0;

impl Info {
    fn told(self) -> Option<Told> {
        let title = self.title.as_deref().map(short_title);
        if self.kind.as_deref() == Some("playlist") {
            let infos: Vec<Info> = self.entries?.into_iter().flatten().take(MAX_LINKS).collect();
            let entries = infos.iter().filter_map(Info::entry).collect::<Vec<_>>();
            // An entry that was looked at already has its formats with it.
            let direct = infos.iter().find_map(Info::best);
            return (direct.is_some() || !entries.is_empty()).then_some(Told { title, direct, entries });
        }
        Some(Told { title, direct: Some(self.best()?), entries: Vec::new() })
    }

    fn entry(&self) -> Option<Entry> {
        let addresses = [&self.format.url, &self.webpage_url];
        let url = addresses.into_iter().flatten().find_map(|text| web_url(text))?;
        let duration = self.duration.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Some(Entry { url, title: self.title.as_deref().map(short_title), duration })
    }

    /// The format that suits best, and whether it is a stream.
    fn best(&self) -> Option<(Direct, bool)> {
        let own = self.format.protocol.is_some().then_some(&self.format);
        let all = self.formats.iter().flatten().chain(own);
        let known = all.filter_map(|format| Some((format.rank()?, format)));
        let (_, format) = known
            .max_by(|(one, _), (other, _)| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal))?;
        let is_hls = format.is_hls();
        // Pictures and sound apart are put together by the playlist above them.
        let lacks_half = format.has_no(&format.vcodec) || format.has_no(&format.acodec);
        let text = format.manifest_url.as_ref().filter(|_| is_hls && lacks_half).or(format.url.as_ref())?;
        let headers = format.http_headers.iter().flatten();
        let headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
        let direct = Direct { url: web_url(text)?, headers: headers.into() };
        Some((direct, is_hls || self.is_live == Some(true)))
    }
}

impl Format {
    fn is_hls(&self) -> bool {
        self.protocol.as_deref().is_some_and(|protocol| protocol.starts_with("m3u8"))
    }

    fn has_no(&self, codec: &Option<String>) -> bool {
        codec.as_deref() == Some("none")
    }

    /// The higher, the better; `None`: it cannot be played from here.
    fn rank(&self) -> Option<(u8, bool, f64, bool, f64)> {
        web_url(self.url.as_deref()?)?;
        let is_plain = matches!(self.protocol.as_deref(), Some("http" | "https"));
        let both = !self.has_no(&self.vcodec) && !self.has_no(&self.acodec);
        let class = match (is_plain, self.is_hls(), both) {
            // It can be sought in.
            (true, _, true) => 4,
            (_, true, true) => 3,
            (_, true, false) if self.manifest_url.is_some() && !self.has_no(&self.vcodec) => 2,
            (true, _, false) if !self.has_no(&self.acodec) => 1,
            (true, _, false) if !self.has_no(&self.vcodec) => 0,
            _ => return None,
        };
        let height = self.height.unwrap_or(0.0);
        // Passed on without encoding.
        let passes = self.vcodec.as_deref().is_none_or(|codec| codec.starts_with("avc"));
        let fits = height <= TALLEST;
        Some((class, fits, if fits { height } else { -height }, passes, self.tbr.unwrap_or(0.0)))
    }
}

fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (url.as_str().len() <= 2 * MAX_WEB_ADDRESS && url.host().is_some()).then_some(url)
}

fn short_title(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TITLE).collect()
}

/// The process that becomes yt-dlp: gives up what it does not need, then starts Python in its place. `args` is what follows
/// `yt-dlp` on the command line; of no use to people.
pub fn worker(args: impl Iterator<Item = OsString>) -> ExitCode {
    match become_yt_dlp(args) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("yt-dlp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn become_yt_dlp(args: impl Iterator<Item = OsString>) -> Result<std::convert::Infallible, String> {
    use std::os::unix::process::CommandExt;
    let (mut parent, mut port, mut python, mut folder) = (None, None, None, None);
    let mut args = args;
    while let (Some(option), Some(value)) = (args.next(), args.next()) {
        match option.to_str() {
            Some("--parent") => parent = value.to_str().and_then(|text| text.parse::<i32>().ok()),
            Some("--port") => port = value.to_str().and_then(|text| text.parse::<u16>().ok()),
            Some("--python") => python = Some(PathBuf::from(value)),
            Some("--folder") => folder = Some(PathBuf::from(value)),
            _ => return Err("this command is for the server itself".to_owned()),
        }
    }
    let (Some(parent), Some(port), Some(python), Some(folder)) = (parent, port, python, folder) else {
        return Err("this command is for the server itself".to_owned());
    };
    let mut readable = vec![folder.clone()];
    // A Python that is not the system's has its library beside the folder that it is in.
    let prefix = python.canonicalize().ok().and_then(|python| Some(python.parent()?.parent()?.to_owned()));
    readable.extend(prefix.filter(|prefix| prefix.parent().is_some()));
    crate::pipeline::worker::lock_up_program(parent, port, &readable)?;
    let mut command = std::process::Command::new(&python);
    command.args(["-s", "-B", "-m", "yt_dlp"]).args(arguments(port));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("PYTHONPATH", folder);
    Err(format!("{}: {}", python.display(), command.exec()))
}

/// As in docs/sources.md; the address comes by standard input.
fn arguments(port: u16) -> Vec<String> {
    let fixed = "--ignore-config --no-plugin-dirs --no-cache-dir --no-remote-components --no-js-runtimes --color never \
        --default-search error --no-playlist --flat-playlist --playlist-items 1:100 --socket-timeout 8 --retries 1 \
        --extractor-retries 1 --no-warnings -J --batch-file -";
    let mut arguments: Vec<String> = fixed.split_whitespace().map(str::to_owned).collect();
    arguments.extend(["--proxy".to_owned(), format!("http://127.0.0.1:{port}")]);
    arguments
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn told(json: &str) -> Option<Told> {
        serde_json::from_str::<Info>(json).unwrap().told()
    }

    fn url(told: Option<Told>) -> Option<(String, bool)> {
        told?.direct.map(|(direct, stream)| (direct.url.to_string(), stream))
    }

    #[test]
    fn the_format_that_can_be_sought_in_and_passed_on_is_taken() {
        let json = r#"{"title":"Film","formats":[
            {"url":"https://s/story","protocol":"mhtml","vcodec":"none","acodec":"none"},
            {"url":"https://s/audio","protocol":"https","vcodec":"none","acodec":"mp4a","tbr":128},
            {"url":"https://s/2160","protocol":"https","vcodec":"vp9","acodec":"opus","height":2160},
            {"url":"https://s/720vp9","protocol":"https","vcodec":"vp9","acodec":"opus","height":720},
            {"url":"https://s/720","protocol":"https","vcodec":"avc1.64","acodec":"mp4a","height":720,
             "http_headers":{"Referer":"https://page/"}},
            {"url":"https://s/1080","protocol":"https","vcodec":"avc1.64","acodec":"none","height":1080},
            {"url":"https://s/m.m3u8","protocol":"m3u8_native","vcodec":"avc1","acodec":"mp4a","height":1080}]}"#;
        let found = told(json).unwrap();
        assert_eq!(found.title.as_deref(), Some("Film"));
        let (direct, stream) = found.direct.unwrap();
        assert_eq!((direct.url.as_str(), stream), ("https://s/720", false));
        assert_eq!(*direct.headers, [("Referer".to_owned(), "https://page/".to_owned())]);
        for (json, expected) in [
            (r#"{"url":"http://h/a.mp4","protocol":"http"}"#, Some(("http://h/a.mp4", false))),
            (
                r#"{"url":"http://h/a.m3u8","protocol":"m3u8_native","is_live":true}"#,
                Some(("http://h/a.m3u8", true)),
            ),
            (
                r#"{"formats":[{"url":"https://h/v","manifest_url":"https://h/all","protocol":"m3u8","vcodec":"avc1","acodec":"none"}]}"#,
                Some(("https://h/all", true)),
            ),
            (r#"{"url":"file:///etc/passwd","protocol":"file"}"#, None),
            (r#"{"url":"rtmp://h/a","protocol":"rtmp"}"#, None),
            ("{}", None),
        ] {
            assert_eq!(url(told(json)), expected.map(|(url, stream)| (url.to_owned(), stream)), "{json}");
        }
    }

    #[test]
    fn a_playlist_is_its_entries() {
        let json = r#"{"_type":"playlist","title":"List","entries":[null,
            {"_type":"url","url":"https://s/watch?v=1","title":"One\u0007","duration":61.5},
            {"_type":"url","url":"ytsearch:x","webpage_url":"https://s/2"},{"url":"x"}]}"#;
        let found = told(json).unwrap();
        let entries: Vec<_> =
            found.entries.iter().map(|entry| (entry.url.as_str(), entry.title.as_deref())).collect();
        assert_eq!(entries, [("https://s/watch?v=1", Some("One ")), ("https://s/2", None)]);
        assert_eq!(told(r#"{"_type":"playlist","entries":[]}"#), None);
    }

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

    #[test]
    fn an_answer_cut_anywhere_is_no_answer() {
        let json = r#"{"title":"Film","formats":[{"url":"http://h/a.mp4","protocol":"http"}]}"#;
        for cut in 0..json.len() {
            assert!(serde_json::from_str::<Info>(&json[..cut]).is_err(), "{cut}");
        }
    }
}

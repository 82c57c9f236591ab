//! The configuration file and the command line: everything is checked here, once, and what comes
//! out needs no further checks.
//!
//! ```text
//!  defaults ◀── file (TOML) ◀── flags        the right one wins
//! ```
//!
//! [`parse`] is the only entry: arguments and [`Environment`] in, a [`Command`] out. It reads the
//! configuration file and looks at the folders that it names; it makes and changes nothing.

mod capture;
mod command;
mod command_line;
mod discovery;
mod environment;
mod error;
mod file;
mod help;
mod http;
mod nearest;
mod relay;
mod resolve;
mod shown;
mod source;
mod web;

pub use capture::{Capture, CaptureProblem, Sound};
pub use command::{Command, ComponentAct, ComponentConfig};
pub use command_line::parse;
pub use discovery::Discovery;
pub use environment::{Environment, refuse_root};
pub use error::{ConfigError, Place, Problem};
pub use help::{HELP, VERSION};
pub use relay::{Pull, Push, Relay};
pub use source::{Input, Source, SourceProblem, WrittenSource};
pub use web::Web;

use crate::choice::Preferences;
use crate::limits::{self, PUBLISHER_GRACE};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// A checked configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Folders of the library: absolute, existing, readable, at least one, none twice.
    pub library: Vec<PathBuf>,
    /// Where conversions and state are kept: absolute. It may not exist yet.
    pub data: PathBuf,
    /// Who may change things.
    pub access: Access,
    /// Web page, API and media over HTTP.
    pub http: Http,
    /// The same over TLS, when there is a certificate.
    pub https: Https,
    /// Media over RTMP.
    pub rtmp: Rtmp,
    /// Media over RTMP and TLS; `None`, the default, when there is no certificate.
    pub rtmps: Option<Rtmps>,
    /// Finished conversions.
    pub cache: Cache,
    /// How devices find the server.
    pub discovery: Discovery,
    /// What is known of the library's files, and pictures of them.
    pub index: Index,
    /// What is told about the run.
    pub log: Log,
    /// How media are prepared.
    pub playback: Playback,
    /// Live streams.
    pub live: Live,
    /// Recordings of live streams.
    pub record: Record,
    /// Files that come from outside.
    pub upload: Upload,
    /// Streams from and to other servers.
    pub relay: Relay,
    /// Live sources: on the network, and capture devices.
    pub sources: Vec<Source>,
    /// Addresses of the web that viewers bring.
    pub web: Web,
    /// Run although the user is root; only the flag `--allow-root` sets it.
    pub allow_root: bool,
    /// The configuration file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// What is written in it, or given by a flag: keys with their table, such as `playback.profile`. The page cannot
    /// change these.
    pub written: BTreeSet<String>,
}

impl Default for Config {
    /// Nothing to serve, nowhere to keep anything, and everything else as without a file.
    fn default() -> Self {
        Self {
            web: Web::default(),
            library: Vec::new(),
            data: PathBuf::new(),
            access: Access::default(),
            http: Http::default(),
            https: Https::default(),
            rtmp: Rtmp::default(),
            rtmps: None,
            cache: Cache::default(),
            discovery: Discovery::default(),
            index: Index::default(),
            log: Log::default(),
            playback: Playback::default(),
            live: Live::default(),
            record: Record::default(),
            upload: Upload::default(),
            relay: Relay::default(),
            sources: Vec::new(),
            allow_root: false,
            file: None,
            written: BTreeSet::new(),
        }
    }
}

/// `[access]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Access {
    /// Everybody who reaches the server may change everything. Default: the owner, who has a password.
    pub open: bool,
    /// Names of the internet by which the server may be called. Default none: addresses and the home's names.
    pub names: Vec<String>,
}

/// `[http]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Http {
    /// Address and port; port 0 lets the system choose. Default 0.0.0.0:8080.
    pub listen: SocketAddr,
    /// Pages of the owner's own, served at addresses that are nobody else's: absolute, a folder. Default none.
    pub www: Option<PathBuf>,
    /// Origins outside of the home whose pages may read HLS; `*` is all of them. Default none.
    pub hls_origins: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: everywhere(8080), www: None, hls_origins: Vec::new() }
    }
}

/// `[https]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Https {
    /// Address and port; port 0 lets the system choose. Default 0.0.0.0:8443.
    pub listen: SocketAddr,
    /// Files with the certificate and its key, PEM, absolute. `None`, the default: those that were made or uploaded on the page,
    /// if there are any.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl Default for Https {
    fn default() -> Self {
        Self { listen: everywhere(8443), certificate: None }
    }
}

/// `[rtmp]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rtmp {
    /// Address and port; port 0 lets the system choose. Default 0.0.0.0:1935.
    pub listen: SocketAddr,
}

impl Default for Rtmp {
    fn default() -> Self {
        Self { listen: everywhere(1935) }
    }
}

/// `[rtmps]`: there is one when its certificate is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rtmps {
    /// Address and port; port 0 lets the system choose. Default 0.0.0.0:1936.
    pub listen: SocketAddr,
    /// The file with the certificate and those it was signed with, PEM: absolute.
    pub certificate: PathBuf,
    /// The file with its private key, PEM: absolute.
    pub key: PathBuf,
}

impl Rtmps {
    const LISTEN: SocketAddr = everywhere(1936);
}

/// `[cache]`: megabytes are 1,000,000 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cache {
    /// Finished conversions take at most this much. Default 10,000: about ten films.
    pub limit_mb: u64,
    /// At least this much stays free on the disk. Default 1,000.
    pub keep_free_mb: u64,
    /// Which of them are there after the next start. Default [`Keep::Encoded`].
    pub keep: Keep,
}

/// Which finished conversions are kept for the next start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Keep {
    /// Those whose picture was encoded, and those of sound alone.
    #[default]
    Encoded,
    /// All.
    All,
    /// None.
    Nothing,
}

impl Keep {
    const ALL: [(&'static str, Self); 3] =
        [("encoded", Self::Encoded), ("all", Self::All), ("nothing", Self::Nothing)];

    /// As it is written.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, keep)| *keep == self).map_or("encoded", |(name, _)| name)
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self { limit_mb: 10_000, keep_free_mb: 1_000, keep: Keep::default() }
    }
}

/// `[index]`: megabytes are 1,000,000 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Index {
    /// Files are looked at before anybody asks. Default true.
    pub background: bool,
    /// Pictures take at most this much. Default 1,000: about ten thousand films.
    pub limit_mb: u64,
}

impl Default for Index {
    fn default() -> Self {
        Self { background: true, limit_mb: 1_000 }
    }
}

/// `[log]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Log {
    /// How much is told. Default [`Level::Info`].
    pub level: Level,
    /// More or less from single parts of the program. Default none.
    pub filter: String,
}

impl Log {
    /// Both as `tracing-subscriber`'s `EnvFilter` reads them; [`parse`] has checked that it can.
    pub fn directives(&self) -> String {
        if self.filter.is_empty() {
            return self.level.to_string();
        }
        format!("{},{}", self.level, self.filter)
    }
}

/// How much is told, each with everything above it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Level {
    /// What failed.
    Error,
    /// What will fail, or was odd.
    Warn,
    /// What an owner wants to know.
    #[default]
    Info,
    /// What a developer wants to know.
    Debug,
    /// Every message.
    Trace,
}

impl Level {
    const ALL: [(&'static str, Self); 5] = [
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, level)| level == self).map_or("info", |(name, _)| name);
        f.write_str(name)
    }
}

/// `[playback]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Playback {
    /// Films encoded at the same time, 1 to [`MAX_ENCODINGS`](crate::limits::MAX_ENCODINGS). Those
    /// that need no encoding do not count. Default 2: what a small box manages.
    pub encodings: usize,
    /// How long a seek waits for a conversion that runs already, before another one is started for it. Default
    /// [`SEEK_PATIENCE`](crate::limits::SEEK_PATIENCE).
    pub seek_patience: Duration,
    /// What those get who choose nothing. Default: the `tv` profile, each file's own sound, no subtitles.
    pub preferences: Preferences,
}

impl Default for Playback {
    fn default() -> Self {
        Self { encodings: 2, seek_patience: limits::SEEK_PATIENCE, preferences: Preferences::default() }
    }
}

/// `[live]`
#[derive(Clone, PartialEq, Eq)]
pub struct Live {
    /// What publishers must have as `?key=` behind their stream's name; `None`, the default, lets
    /// everybody on the network publish.
    pub secret: Option<String>,
    /// Applications beside `live` that take streams, each with its secret. Default none.
    pub apps: BTreeMap<String, Option<String>>,
    /// Viewers and recordings wait this long for a publisher to come back. Default 30 s.
    pub grace: Duration,
}

impl Default for Live {
    fn default() -> Self {
        Self { secret: None, apps: BTreeMap::new(), grace: PUBLISHER_GRACE }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "…");
        let apps: BTreeMap<_, _> = self.apps.iter().map(|(app, secret)| (app, hidden(secret))).collect();
        f.debug_struct("Live")
            .field("secret", &hidden(&self.secret))
            .field("apps", &apps)
            .field("grace", &self.grace)
            .finish()
    }
}

/// `[upload]`: megabytes are 1,000,000 bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upload {
    /// Folders of the library that take files, and in which files may be renamed and deleted: absolute, existing. None, the
    /// default: nothing is taken.
    pub folders: Vec<PathBuf>,
    /// No file may be larger. Default 50,000.
    pub largest_mb: u64,
    /// At least this much stays free on the disk. Default 1,000.
    pub keep_free_mb: u64,
}

impl Default for Upload {
    fn default() -> Self {
        Self { folders: Vec::new(), largest_mb: 50_000, keep_free_mb: 1_000 }
    }
}

/// `[record]`: megabytes are 1,000,000 bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where recordings go: absolute, in the library. It may not exist yet. `None`, the default:
    /// nothing is recorded, whoever asks for it.
    pub folder: Option<PathBuf>,
    /// Names of streams that are recorded without being asked, with `*` and `?`. Default none.
    pub streams: Vec<String>,
    /// A recording goes on in another file at this size. Default 3,900: FAT's files end at 4 GB.
    pub split_mb: u64,
    /// … and at this length. Default 6 hours.
    pub split: Duration,
    /// At least this much stays free on the disk. Default 1,000.
    pub keep_free_mb: u64,
    /// Recordings take at most this much, the oldest are deleted for new ones. `None`, the default:
    /// none is ever deleted.
    pub limit_mb: Option<u64>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            folder: None,
            streams: Vec::new(),
            split_mb: 3_900,
            split: Duration::from_secs(6 * 3600),
            keep_free_mb: 1_000,
            limit_mb: None,
        }
    }
}

const fn everywhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

#[cfg(test)]
mod tests;

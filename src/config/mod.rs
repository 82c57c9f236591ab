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
mod command_line;
mod discovery;
mod error;
mod file;
mod help;
mod http;
mod nearest;
mod relay;
mod resolve;
mod source;
mod web;

pub use capture::{Capture, CaptureProblem, Sound};
pub use command_line::parse;
pub use discovery::Discovery;
pub use error::{ConfigError, Place, Problem};
pub use help::{HELP, VERSION};
pub use source::{Input, Source, SourceProblem, WrittenSource};
pub use web::Web;

use crate::choice::{Language, Preferences};
use crate::limits::{self, PUBLISHER_GRACE};
use crate::rtmp_url::RtmpUrl;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, io};

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Run the server.
    Serve(Box<Config>),
    /// The configuration is good: say so and end.
    CheckConfig(Box<Config>),
    /// Do something with a component, and end.
    Component(Box<ComponentConfig>, ComponentAct),
    /// Be a worker process of a running server; the arguments are between the two of them.
    Worker(Vec<OsString>),
    /// List the capture devices of this machine.
    Devices,
    /// Ask the running server whose data folder this is.
    Control {
        /// The data folder.
        data: PathBuf,
        /// What to ask.
        words: Vec<String>,
    },
    /// Be the helper that has root's rights, for one request on standard input.
    Helper,
    /// Take over a file of the box's card, on standard input; the words say which.
    Card(Vec<OsString>),
    /// Print [`VERSION`].
    Version,
    /// Print [`HELP`].
    Help,
}

/// What to do with a component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ComponentAct {
    /// Install a version, or the newest.
    Install(Option<String>),
    /// Go back to the version before.
    Rollback,
    /// Remove it.
    Remove,
    /// Say how it is.
    Status,
}

/// What a component needs of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComponentConfig {
    /// Where state is kept.
    pub data: PathBuf,
    /// `[web]`
    pub web: Web,
    /// As in [`Config`].
    pub allow_root: bool,
}

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

impl fmt::Display for Config {
    /// What counts in the end, for `check-config`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => writeln!(f, "file:      {}", file.display())?,
            None => writeln!(f, "file:      none, only flags and defaults")?,
        }
        for folder in &self.library {
            writeln!(f, "library:   {}", folder.display())?;
        }
        writeln!(f, "data:      {}", self.data.display())?;
        let who = if self.access.open { "everybody in the network" } else { "the owner, by password" };
        writeln!(f, "changes:   {who}")?;
        writeln!(f, "http:      {}", self.http.listen)?;
        if let Some(www) = &self.http.www {
            writeln!(f, "www:       {}", www.display())?;
        }
        if !self.http.hls_origins.is_empty() {
            writeln!(f, "hls:       for pages of {}", self.http.hls_origins.join(", "))?;
        }
        writeln!(f, "rtmp:      {}", self.rtmp.listen)?;
        if let Some(rtmps) = &self.rtmps {
            writeln!(f, "rtmps:     {}", rtmps.listen)?;
        }
        let Cache { limit_mb, keep_free_mb, keep } = self.cache;
        writeln!(f, "cache:     {limit_mb} MB, {keep_free_mb} MB stay free, {} is kept", keep.name())?;
        let looks = if self.index.background { "in the background" } else { "only what is asked for" };
        writeln!(f, "index:     {looks}, {} MB of pictures", self.index.limit_mb)?;
        if !self.discovery.ssdp {
            writeln!(f, "discovery: Windows is not told of this server")?;
        }
        writeln!(f, "encodings: {} at a time", self.playback.encodings)?;
        let preferences = &self.playback.preferences;
        let list = |of: &[Language]| of.iter().map(Language::code).collect::<Vec<_>>().join(", ");
        writeln!(f, "profile:   {}", preferences.profile)?;
        if !preferences.audio_languages.is_empty() {
            writeln!(f, "sound:     {}", list(&preferences.audio_languages))?;
        }
        if !preferences.subtitle_languages.is_empty() {
            writeln!(f, "subtitles: {}", list(&preferences.subtitle_languages))?;
        }
        writeln!(f, "patience:  {} ms", self.playback.seek_patience.as_millis())?;
        let who = |secret: &Option<String>| match secret {
            Some(_) => "those who know the secret",
            None => "everybody",
        };
        writeln!(f, "publish:   {}", who(&self.live.secret))?;
        for (app, secret) in &self.live.apps {
            writeln!(f, "  to {app}: {}", who(secret))?;
        }
        match &self.record.folder {
            Some(folder) if self.record.streams.is_empty() => {
                writeln!(f, "record:    when asked, into {}", folder.display())?;
            }
            Some(folder) => {
                writeln!(f, "record:    {}, into {}", self.record.streams.join(", "), folder.display())?;
            }
            None => writeln!(f, "record:    nothing")?,
        }
        for folder in &self.upload.folders {
            writeln!(f, "upload:    into {}", folder.display())?;
        }
        for pull in &self.relay.pulls {
            let when = if pull.on_demand { "on demand" } else { "always" };
            writeln!(f, "pull:      {} from {}, {when}", pull.name, pull.url)?;
        }
        for push in &self.relay.pushes {
            writeln!(f, "push:      {} to {}", push.stream, push.url_for(&push.stream))?;
        }
        for source in &self.sources {
            let when = if source.on_demand { "on demand" } else { "always" };
            writeln!(f, "source:    {} from {}, {when}", source.name, source.input)?;
        }
        write!(f, "log:       {}", self.log.directives())
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

/// `[relay]`, `[[relay.pull]]`, `[[relay.push]]`
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Relay {
    /// A file with certificates of authorities that are trusted besides the system's, PEM: absolute.
    pub ca: Option<PathBuf>,
    /// From other servers; no name twice.
    pub pulls: Vec<Pull>,
    /// To other servers.
    pub pushes: Vec<Push>,
}

/// `[[relay.pull]]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pull {
    /// What the stream is called here.
    pub name: String,
    /// Where it comes from.
    pub url: RtmpUrl,
    /// Only while somebody watches it; else always. Default on demand.
    pub on_demand: bool,
}

/// `[[relay.push]]`
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// Which stream, or which ones: `*` stands for anything.
    pub stream: String,
    /// Where to, in which `{stream}` stands for the stream's name.
    url: String,
    /// … with a name that any stream may have.
    parsed: RtmpUrl,
    /// The server gets HEVC, AV1, VP9, Opus … although it does not announce them.
    pub any_codec: bool,
}

impl Push {
    /// Stands for the stream's name.
    const PLACE: &str = "{stream}";

    /// The address for a stream of that name.
    pub fn url_for(&self, name: &str) -> RtmpUrl {
        // What every stream can be called was checked; another name that cannot stand in an address only
        // ends up in this one's secret part.
        let name: String = percent_encoding::utf8_percent_encode(name, percent_encoding::CONTROLS)
            .to_string()
            .replace(' ', "%20");
        RtmpUrl::parse(&self.url.replace(Self::PLACE, &name)).unwrap_or_else(|_| self.parsed.clone())
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push").field("stream", &self.stream).field("url", &self.parsed).finish()
    }
}

const fn everywhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// What the process finds around it, as values, so that tests can give others.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// What relative paths of the command line are relative to; absolute.
    pub working_dir: PathBuf,
    /// `$HOME`, for `~` and the defaults below it.
    pub home: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`, else `~/.config`.
    pub config_home: Option<PathBuf>,
    /// `$XDG_STATE_HOME`, else `~/.local/state`.
    pub state_home: Option<PathBuf>,
    /// `$STATE_DIRECTORY` of systemd, its first folder.
    pub state_directory: Option<PathBuf>,
    /// `/etc`, or another folder in tests.
    pub system_config: PathBuf,
}

impl Environment {
    /// The environment of this process. Fails when the working folder was deleted.
    pub fn of_process() -> io::Result<Self> {
        Ok(Self::from_variables(std::env::current_dir()?, |name| std::env::var_os(name)))
    }

    fn from_variables(working_dir: PathBuf, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // The XDG specification says to ignore relative paths; an empty variable is a missing one.
        let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = folder("HOME");
        let below = |path: &str| home.as_ref().map(|home: &PathBuf| home.join(path));
        Self {
            config_home: folder("XDG_CONFIG_HOME").or_else(|| below(".config")),
            state_home: folder("XDG_STATE_HOME").or_else(|| below(".local/state")),
            // systemd.exec(5): several folders are separated by colons.
            state_directory: variable("STATE_DIRECTORY")
                .and_then(|list| std::env::split_paths(&list).next())
                .filter(|path| path.is_absolute()),
            home,
            working_dir,
            system_config: PathBuf::from("/etc"),
        }
    }

    /// The configuration file that is read when no flag names one, if it exists.
    fn default_file(&self) -> Option<PathBuf> {
        [self.config_home.as_deref(), Some(self.system_config.as_path())]
            .into_iter()
            .flatten()
            .map(|folder| folder.join("wiidiaserver/config.toml"))
            .find(|file| file.exists())
    }

    fn default_data(&self) -> Option<PathBuf> {
        let below = |folder: &Path| folder.join("wiidiaserver");
        self.state_directory.clone().or_else(|| self.state_home.as_deref().map(below))
    }
}

/// Refuses to run as root unless `allow` is set: the server opens files that come from the
/// internet, and a mistake in it must not own the machine.
pub fn refuse_root(allow: bool) -> Result<(), ConfigError> {
    refuse_root_as(rustix::process::geteuid().is_root(), allow)
}

fn refuse_root_as(is_root: bool, allow: bool) -> Result<(), ConfigError> {
    if is_root && !allow { Err(ConfigError::new(Place::Everywhere, Problem::Root)) } else { Ok(()) }
}

#[cfg(test)]
mod tests;

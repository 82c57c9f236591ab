//! What is wrong with a configuration, where, and what to do.

use crate::choice::LanguageError;
use crate::limits;
use std::path::PathBuf;
use std::{fmt, io};

/// A configuration that is refused. Displayed as one sentence with its place:
/// `/etc/wiidiaserver/config.toml:4: …` or `--http: …`.
#[derive(Debug, thiserror::Error)]
#[error("{place}{problem}")]
pub struct ConfigError {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub problem: Problem,
}

impl ConfigError {
    pub(super) const fn new(place: Place, problem: Problem) -> Self {
        Self { place, problem }
    }
}

/// Where something was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nowhere in particular.
    Everywhere,
    /// A flag of the command line, with its dashes.
    Flag(&'static str),
    /// A line of the configuration file, from 1.
    Line(PathBuf, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => Ok(()),
            Self::Flag(flag) => write!(f, "{flag}: "),
            Self::Line(file, line) => write!(f, "{}:{line}: ", file.display()),
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A key that nothing reads.
    #[error("unknown key \"{key}\"{}; the keys here are {}", suggestion(nearest.as_deref()), known.join(", "))]
    UnknownKey {
        /// As written.
        key: String,
        /// A known key that differs by a few letters.
        nearest: Option<String>,
        /// All that would be known there.
        known: Vec<String>,
    },
    /// A value of the wrong type or range.
    #[error("{key} does not fit: {message}; write {expected}")]
    WrongValue {
        /// The key with its table.
        key: String,
        /// The TOML reader's words: what was seen and what was expected.
        message: String,
        /// What to write.
        expected: &'static str,
    },
    /// Not TOML.
    #[error("the line cannot be read: {0}; check its quotes, brackets and equals sign")]
    Syntax(String),
    /// Not an address with a port.
    #[error(
        "\"{value}\" is no address with a port{}; \
         0.0.0.0:8080 is reached from the whole network, 127.0.0.1:8080 only from this computer",
        suggestion(nearest.as_deref())
    )]
    Address {
        /// As written.
        value: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// No such rule for finished conversions.
    #[error(
        "keep = \"{value}\" is not known{}; write \"encoded\", \"all\" or \"nothing\"",
        suggestion(nearest.as_deref())
    )]
    Keep {
        /// As written.
        value: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// HTTP and RTMP on one port.
    #[error(
        "HTTP and RTMP both listen on port {0}; give one of them another port, such as --rtmp 0.0.0.0:1935"
    )]
    SamePort(u16),
    /// RTMPS on the port of something else.
    #[error(
        "port {0} is taken by HTTP or RTMP already; give [rtmps] another one, such as listen = \"0.0.0.0:1936\""
    )]
    RtmpsPort(u16),
    /// Half of what TLS needs.
    #[error(
        "[https] has no {0}; TLS needs both: certificate = \"/etc/wiidiaserver/fullchain.pem\" and \
         key = \"/etc/wiidiaserver/privkey.pem\""
    )]
    HttpsLacks(&'static str),
    /// The same for RTMP.
    #[error(
        "[rtmps] has no {0}; TLS needs both: certificate = \"/etc/wiidiaserver/fullchain.pem\" and \
         key = \"/etc/wiidiaserver/privkey.pem\""
    )]
    RtmpsLacks(&'static str),
    /// A source that cannot be.
    #[error(transparent)]
    Source(#[from] super::SourceProblem),
    /// A source without something it needs.
    #[error("this source has no {key}; write {expected}")]
    SourceLacks {
        /// The key that is missing.
        key: &'static str,
        /// A line that would do.
        expected: &'static str,
    },
    /// Two sources, or a source and a relay, for one stream.
    #[error("there are two sources of the stream \"{0}\"; give each a name of its own")]
    SourceTwice(String),
    /// More than [`limits::MAX_SOURCES`].
    #[error("there are {0} sources, expected at most {max}; remove some", max = limits::MAX_SOURCES)]
    ManySources(usize),
    /// Not an address or a network.
    #[error(transparent)]
    WebAllow(crate::egress::ExceptionError),
    /// Not an address.
    #[error("\"{0}\" is no package index; write package_index = \"https://pypi.org\"")]
    PackageIndex(String),
    /// Something is to be done with a component, and it is not said what, or with which.
    #[error(
        "expected one of `component install yt-dlp`, `component install yt-dlp 2026.10.26`, `component rollback yt-dlp`, \
         `component remove yt-dlp` and `component status`, found `component {0}`"
    )]
    Component(String),
    /// A relay without something it needs.
    #[error("this relay has no {key}; write {expected}")]
    RelayLacks {
        /// The key that is missing.
        key: &'static str,
        /// A line that would do.
        expected: &'static str,
    },
    /// A relay's address that is none. The address is not told: it may have a secret in it.
    #[error(transparent)]
    RelayUrl(#[from] crate::rtmp_url::RtmpUrlError),
    /// Not a name for a stream.
    #[error("\"{0}\" can't be the name of a stream; choose one of letters, digits, -, _, . and / within")]
    RelayName(String),
    /// Two pulls for one stream.
    #[error("the stream \"{0}\" is pulled twice; give each pull a name of its own")]
    RelayTwice(String),
    /// Neither of the two.
    #[error("\"{value}\" is no mode{}; write \"on_demand\" (while somebody watches) or \"always\"", suggestion(*nearest))]
    RelayMode {
        /// As written.
        value: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// All streams that a pattern fits would be pushed to one address.
    #[error(
        "\"{0}\" may fit several streams, which can't all go to one address; write {{stream}} in the address where the stream's name belongs"
    )]
    RelayOneAddress(String),
    /// More than [`limits::MAX_RELAY_RULES`].
    #[error("there are {0} relays of one kind, expected at most {max}; remove some", max = limits::MAX_RELAY_RULES)]
    ManyRelays(usize),
    /// Neither of the two.
    #[error(
        "\"{value}\" is no mode of access{}; write \"owner\" (changes need the owner's password) or \"open\" (everybody in the network may change everything)",
        suggestion(nearest.as_deref())
    )]
    AccessMode {
        /// As written.
        value: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// Not the name of a host.
    #[error(
        "\"{0}\" is no name of a host; write it without http:// and without a port, such as media.example.org"
    )]
    HostName(String),
    /// More than [`limits::MAX_HOST_NAMES`].
    #[error("{0} names are too many, expected at most {max}; keep those that people type", max = limits::MAX_HOST_NAMES)]
    ManyNames(usize),
    /// Not one of the levels.
    #[error("\"{value}\" is no log level{}; the levels are error, warn, info, debug and trace", suggestion(nearest.as_deref()))]
    Level {
        /// As written.
        value: String,
        /// A level that differs by a few letters.
        nearest: Option<String>,
    },
    /// Not what `EnvFilter` takes.
    #[error(
        "the log filter \"{value}\" cannot be read ({reason}); \
         write parts and levels such as \"wiidiaserver::rtmp=debug\", separated by commas"
    )]
    Filter {
        /// As written.
        value: String,
        /// The filter's own words.
        reason: String,
    },
    /// Out of range.
    #[error("{0} encodings at once are not possible, expected 1 to {max}; 2 suit a small box", max = limits::MAX_ENCODINGS)]
    Encodings(u64),
    /// No such profile.
    #[error("there is no profile \"{value}\"{}; write tv, small, flash or audio", suggestion(nearest.as_deref()))]
    Profile {
        /// What was written.
        value: String,
        /// What was meant, perhaps.
        nearest: Option<String>,
    },
    /// No language.
    #[error(transparent)]
    Language(LanguageError),
    /// More than [`limits::MAX_CHOICE_LANGUAGES`].
    #[error("{0} languages are too many, expected at most {max}; name the best ones", max = limits::MAX_CHOICE_LANGUAGES)]
    ManyLanguages(usize),
    /// No name for an application of ours.
    #[error(
        "\"{0}\" can't be an application for live streams; choose a name of letters, digits, -, _ and . other than \
         live (its secret is [live] secret) and vod"
    )]
    AppName(String),
    /// Out of range.
    #[error(
        "{0} seconds of grace are not possible, expected 0 to {max}; 30 suit an encoder that reconnects",
        max = limits::MAX_PUBLISHER_GRACE.as_secs()
    )]
    Grace(u64),
    /// The folder of one's own pages that is not there.
    #[error("the folder {} can't be read ({reason}); make it, or correct www in [http]", path.display())]
    Www {
        /// As written, absolute.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// No origin.
    #[error(
        "\"{0}\" is no site; write it as a browser's address bar begins, such as \"https://player.example\", or \"*\" for all"
    )]
    Origin(String),
    /// Recordings that nobody could play.
    #[error(
        "the folder for recordings {} is not in the library, so they could not be played; choose one below a \
         folder of the library, such as {}", folder.display(), example.display()
    )]
    RecordOutside {
        /// As written, absolute.
        folder: PathBuf,
        /// One that would do.
        example: PathBuf,
    },
    /// The folder for recordings is a file.
    #[error("the folder for recordings {} is a file, expected a folder; name another one", .0.display())]
    RecordIsFile(PathBuf),
    /// Files that nobody could find.
    #[error(
        "the folder for uploads {} is not there, or not in the library; make it, or choose one of the library, such as {}",
        folder.display(), example.display()
    )]
    UploadOutside {
        /// As written, absolute.
        folder: PathBuf,
        /// One that would do.
        example: PathBuf,
    },
    /// Streams to be recorded, but no folder.
    #[error("there is no folder for these recordings; say where they go with folder = \"DIR\" in [record]")]
    RecordNowhere,
    /// More than [`limits::MAX_RECORD_PATTERNS`].
    #[error("{0} names of streams are too many, expected at most {max}; use * for any letters", max = limits::MAX_RECORD_PATTERNS)]
    ManyPatterns(usize),
    /// Out of range.
    #[error(
        "recordings can't be split every {0} MB, expected {min} to {max}; 3900 suits every disk",
        min = limits::RECORD_SPLIT_MB.start(), max = limits::RECORD_SPLIT_MB.end()
    )]
    RecordSplitSize(u64),
    /// Out of range.
    #[error(
        "recordings can't be split every {0} minutes, expected {min} to {max}; 360 are four files a day",
        min = limits::RECORD_SPLIT_MINUTES.start(), max = limits::RECORD_SPLIT_MINUTES.end()
    )]
    RecordSplitTime(u64),
    /// Out of range.
    #[error("a patience of {0} ms is not possible, expected 0 to {max}; 1500 suit most", max = limits::MAX_SEEK_PATIENCE.as_millis())]
    SeekPatience(u64),
    /// No folder of the library was named.
    #[error(
        "there is no library yet; say where the films, music and pictures are with --library DIR, \
         or with library = [\"DIR\"] in the configuration file"
    )]
    NoLibrary,
    /// More than [`limits::MAX_LIBRARY_FOLDERS`].
    #[error("the library has {0} folders, expected at most {max}; name a folder above them instead", max = limits::MAX_LIBRARY_FOLDERS)]
    ManyFolders(usize),
    /// A library folder that is not there.
    #[error("the library folder {} does not exist; correct the path, or connect and mount its disk", .0.display())]
    LibraryMissing(PathBuf),
    /// A library folder that is a file.
    #[error("the library folder {} is a file, expected a folder; name the folder it is in", .0.display())]
    LibraryIsFile(PathBuf),
    /// A library folder that cannot be listed.
    #[error("the library folder {} cannot be read ({reason}); let the user who runs the server read it", path.display())]
    LibraryUnreadable {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// The same folder again.
    #[error("the library folder {} is named twice; remove one of them", .0.display())]
    LibraryTwice(PathBuf),
    /// Something in the way of the data folder is a file.
    #[error("the data folder {} cannot be made because {} is a file; name another folder", path.display(), file.display())]
    DataIsFile {
        /// The folder that is wanted.
        path: PathBuf,
        /// It, or a part of its path.
        file: PathBuf,
    },
    /// There is no home to put data in.
    #[error(
        "there is no place for data because $HOME and $STATE_DIRECTORY are not set; name one with --data DIR"
    )]
    NoData,
    /// The configuration file cannot be read.
    #[error("the configuration file {} cannot be read ({reason}); correct the path, or let this user read it", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// Not a configuration file at all.
    #[error("the configuration file {} has {len} bytes, expected at most {max}; is it the right file?", path.display(), max = limits::MAX_CONFIG_FILE)]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        len: u64,
    },
    /// A flag that there is not.
    #[error("there is no flag {flag}{}; wiidiaserver --help lists them", suggestion(*nearest))]
    UnknownFlag {
        /// With its dashes.
        flag: String,
        /// A flag that differs by a few letters.
        nearest: Option<&'static str>,
    },
    /// A flag at the end, without what it needs.
    #[error("{flag} needs a value, such as {flag} {example}")]
    MissingValue {
        /// With its dashes.
        flag: String,
        /// A value that would do.
        example: &'static str,
    },
    /// A value for a flag that takes none.
    #[error("{flag} takes no value, \"{value}\" was given; write {flag} alone")]
    UnexpectedValue {
        /// With its dashes.
        flag: String,
        /// As written.
        value: String,
    },
    /// A word that is no flag and no command.
    #[error("\"{value}\" is no command{}; for a folder of the library write --library DIR, and wiidiaserver --help lists the rest", suggestion(nearest.as_deref()))]
    UnexpectedArgument {
        /// As written.
        value: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// An argument that is not UTF-8 where one is needed.
    #[error("the argument {0:?} is not readable text, expected UTF-8; type it again")]
    NotText(std::ffi::OsString),
    /// Run as root.
    #[error(
        "wiidiaserver does not run as root: it opens files from the internet, and a mistake in one of \
         its decoders would own the whole machine; run it as an ordinary user who can read the \
         library, or insist with --allow-root"
    )]
    Root,
}

pub(super) fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" (did you mean \"{nearest}\"?)"))
}

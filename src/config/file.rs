//! The configuration file as it is written: TOML through serde. Values are checked in
//! [`resolve`](super::resolve), types and names of keys here.

use super::error::{ConfigError, Place, Problem};
use super::nearest::nearest;
use crate::device::Value;
use crate::limits::MAX_CONFIG_FILE;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Every key with what to write there; the tests hold the structs and the example against it.
pub(super) const KEYS: &[(&str, &str)] = &[
    ("library", "a list of folders in quotes, such as [\"/srv/media\"]"),
    ("data", "a folder in quotes, such as \"/var/lib/wiidiaserver\""),
    ("access.mode", "\"owner\" or \"open\""),
    ("access.names", "a list of names in quotes, such as [\"media.example.org\"]"),
    ("http.listen", "an address and a port in quotes, such as \"0.0.0.0:8080\""),
    ("http.www", "a folder in quotes, such as \"/srv/www\""),
    ("http.hls_origins", "a list of sites in quotes, such as [\"https://player.example\"]"),
    ("https.listen", "an address and a port in quotes, such as \"0.0.0.0:8443\""),
    ("https.certificate", "a file in quotes, such as \"/etc/wiidiaserver/fullchain.pem\""),
    ("https.key", "a file in quotes, such as \"/etc/wiidiaserver/privkey.pem\""),
    ("rtmp.listen", "an address and a port in quotes, such as \"0.0.0.0:1935\""),
    ("rtmps.listen", "an address and a port in quotes, such as \"0.0.0.0:1936\""),
    ("rtmps.certificate", "a file in quotes, such as \"/etc/wiidiaserver/fullchain.pem\""),
    ("rtmps.key", "a file in quotes, such as \"/etc/wiidiaserver/privkey.pem\""),
    ("cache.limit_mb", "a number of megabytes without quotes, such as 10000"),
    ("cache.keep_free_mb", "a number of megabytes without quotes, such as 1000"),
    ("cache.keep", "encoded, all or nothing in quotes, such as \"encoded\""),
    ("discovery.ssdp", "true or false without quotes"),
    ("index.background", "true or false without quotes"),
    ("index.limit_mb", "a number of megabytes without quotes, such as 1000"),
    ("log.level", "a level in quotes, such as \"info\""),
    ("log.filter", "parts and levels in quotes, such as \"wiidiaserver::rtmp=debug\""),
    ("live.secret", "a password in quotes, such as \"open sesame\""),
    ("live.apps", "names and passwords, such as { studio = \"open sesame\" }"),
    ("live.grace_seconds", "a number of seconds without quotes, such as 30"),
    ("record.folder", "a folder of the library in quotes, such as \"/srv/media/Recordings\""),
    ("record.streams", "a list of names in quotes, such as [\"camera*\"]"),
    ("record.split_mb", "a number of megabytes without quotes, such as 3900"),
    ("record.split_minutes", "a number of minutes without quotes, such as 360"),
    ("record.keep_free_mb", "a number of megabytes without quotes, such as 1000"),
    ("record.limit_mb", "a number of megabytes without quotes, such as 100000"),
    ("web.open", "true or false without quotes"),
    ("web.allow", "a list of addresses in quotes, such as [\"192.168.1.30\"]"),
    ("web.python", "a program in quotes, such as \"/usr/bin/python3\""),
    ("web.package_index", "an address in quotes, such as \"https://pypi.org\""),
    ("upload.folders", "a list of folders of the library in quotes, such as [\"/srv/media/Inbox\"]"),
    ("upload.largest_mb", "a number of megabytes without quotes, such as 50000"),
    ("upload.keep_free_mb", "a number of megabytes without quotes, such as 1000"),
    ("source.name", "a stream's name in quotes, such as \"door\""),
    ("source.url", "an address in quotes, such as \"rtsp://192.168.1.30/stream1\""),
    ("source.device", "a device's name in quotes, such as \"auto\""),
    ("source.size", "width and height in quotes, such as \"1280x720\""),
    ("source.rate", "a number of pictures a second without quotes, such as 25"),
    ("source.format", "a format in quotes, such as \"mjpeg\""),
    ("source.input", "the name of a socket in quotes, such as \"S-Video\""),
    ("source.standard", "a television standard in quotes, such as \"PAL\""),
    ("source.controls", "names and values, such as { brightness = 128 }"),
    ("source.audio", "\"auto\", \"none\", or a sound card in quotes, such as \"hw:CARD=MS2109,DEV=0\""),
    ("source.slate", "true or false without quotes"),
    ("source.mode", "\"on_demand\" or \"always\""),
    ("source.start_timeout_seconds", "a number of seconds without quotes, such as 15"),
    ("source.stop_delay_seconds", "a number of seconds without quotes, such as 10"),
    ("relay.ca", "a file in quotes, such as \"/etc/wiidiaserver/ca.pem\""),
    ("relay.pull.name", "a stream's name in quotes, such as \"door\""),
    ("relay.pull.url", "an address in quotes, such as \"rtmp://192.168.1.30/live/door\""),
    ("relay.pull.mode", "\"on_demand\" or \"always\""),
    ("relay.push.stream", "a stream's name in quotes, such as \"cam\", or \"*\" for all"),
    ("relay.push.url", "an address in quotes, such as \"rtmps://live.example.net/app/stream-key\""),
    ("relay.push.any_codec", "true or false"),
    ("playback.encodings", "a small number without quotes, such as 2"),
    ("playback.profile", "tv, small, flash or audio in quotes, such as \"tv\""),
    ("playback.audio_languages", "a list of languages in quotes, such as [\"de\", \"en\"]"),
    ("playback.subtitle_languages", "a list of languages in quotes, such as [\"de\"]"),
    ("playback.seek_patience_ms", "a number of milliseconds without quotes, such as 1500"),
];

/// The file's content. What is missing is `None`.
#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Content {
    pub(super) library: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) data: Option<Spanned<String>>,
    pub(super) access: Access,
    pub(super) http: Http,
    pub(super) https: Rtmps,
    pub(super) rtmp: Listen,
    pub(super) rtmps: Rtmps,
    pub(super) cache: Cache,
    pub(super) discovery: Discovery,
    pub(super) index: Index,
    pub(super) log: Log,
    pub(super) playback: Playback,
    pub(super) live: Live,
    pub(super) record: Record,
    pub(super) upload: Upload,
    pub(super) relay: Relay,
    pub(super) web: Web,
    pub(super) source: Vec<Spanned<Source>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Access {
    pub(super) mode: Option<Spanned<String>>,
    pub(super) names: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Live {
    pub(super) secret: Option<String>,
    pub(super) apps: Option<Spanned<BTreeMap<String, String>>>,
    pub(super) grace_seconds: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Record {
    pub(super) folder: Option<Spanned<String>>,
    pub(super) streams: Option<Spanned<Vec<String>>>,
    pub(super) split_mb: Option<Spanned<u64>>,
    pub(super) split_minutes: Option<Spanned<u64>>,
    pub(super) keep_free_mb: Option<u64>,
    pub(super) limit_mb: Option<u64>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Http {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) www: Option<Spanned<String>>,
    pub(super) hls_origins: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Upload {
    pub(super) folders: Option<Vec<Spanned<String>>>,
    pub(super) largest_mb: Option<u64>,
    pub(super) keep_free_mb: Option<u64>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listen {
    pub(super) listen: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rtmps {
    pub(super) listen: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Cache {
    pub(super) limit_mb: Option<u64>,
    pub(super) keep_free_mb: Option<u64>,
    pub(super) keep: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Discovery {
    pub(super) ssdp: Option<bool>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Index {
    pub(super) background: Option<bool>,
    pub(super) limit_mb: Option<u64>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Log {
    pub(super) level: Option<Spanned<String>>,
    pub(super) filter: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Web {
    pub(super) open: Option<bool>,
    pub(super) allow: Vec<Spanned<String>>,
    pub(super) python: Option<Spanned<String>>,
    pub(super) package_index: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Source {
    pub(super) name: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) device: Option<Spanned<String>>,
    pub(super) size: Option<Spanned<String>>,
    pub(super) rate: Option<Spanned<u32>>,
    pub(super) format: Option<Spanned<String>>,
    pub(super) input: Option<Spanned<String>>,
    pub(super) standard: Option<Spanned<String>>,
    pub(super) controls: Option<Spanned<BTreeMap<String, Value>>>,
    pub(super) audio: Option<Spanned<String>>,
    pub(super) slate: Option<bool>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) start_timeout_seconds: Option<Spanned<u64>>,
    pub(super) stop_delay_seconds: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Relay {
    pub(super) ca: Option<Spanned<String>>,
    pub(super) pull: Vec<Spanned<Pull>>,
    pub(super) push: Vec<Spanned<Push>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pull {
    pub(super) name: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) mode: Option<Spanned<String>>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Push {
    pub(super) stream: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) any_codec: Option<bool>,
}

#[derive(Deserialize, Default, Debug)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Playback {
    pub(super) encodings: Option<Spanned<u64>>,
    pub(super) seek_patience_ms: Option<Spanned<u64>>,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) audio_languages: Option<Spanned<Vec<String>>>,
    pub(super) subtitle_languages: Option<Spanned<Vec<String>>>,
}

/// A file that was read, or the absence of one.
#[derive(Default, Debug)]
pub(super) struct File {
    /// Absolute; empty when there is no file.
    pub(super) path: PathBuf,
    text: String,
    pub(super) content: Content,
}

impl File {
    /// Reads a file; `path` is absolute.
    pub(super) fn read(path: PathBuf) -> Result<Self, ConfigError> {
        let text = read_text(&path).map_err(|problem| ConfigError::new(Place::Everywhere, problem))?;
        Self::parse(path, text)
    }

    pub(super) fn parse(path: PathBuf, text: String) -> Result<Self, ConfigError> {
        match toml::from_str(&text) {
            Ok(content) => Ok(Self { path, text, content }),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let problem = problem(error.message(), &text, span.start);
                Err(ConfigError::new(Place::Line(path, line_number(&text, span.start)), problem))
            }
        }
    }

    /// Where a value stands, for errors about it.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        Place::Line(self.path.clone(), line_number(&self.text, span.start))
    }

    /// Every key that is written in it, with its table: `playback.profile`.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        let table: toml::Table = toml::from_str(&self.text).unwrap_or_default();
        let mut keys = BTreeSet::new();
        for (key, value) in &table {
            match value {
                toml::Value::Table(section) => {
                    keys.extend(section.keys().map(|below| format!("{key}.{below}")));
                }
                _ => {
                    keys.insert(key.clone());
                }
            }
        }
        keys
    }

    /// What its relative paths are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let unreadable = |reason| Problem::FileUnreadable { path: path.to_owned(), reason };
    let file = fs::File::open(path).map_err(unreadable)?;
    let len = file.metadata().map_err(unreadable)?.len();
    if len > MAX_CONFIG_FILE {
        return Err(Problem::FileTooLarge { path: path.to_owned(), len });
    }
    let mut text = String::new();
    file.take(MAX_CONFIG_FILE).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Lines count from 1.
fn line_number(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Turns the TOML reader's complaint into ours.
fn problem(message: &str, text: &str, at: usize) -> Problem {
    let message = message.trim().replace('\n', ", ");
    // serde's words: unknown field `a`, expected one of `b`, `c`
    if message.starts_with("unknown field") {
        let mut names = message.split('`').skip(1).step_by(2);
        let key = names.next().unwrap_or_default().to_owned();
        let known: Vec<String> = names.map(str::to_owned).collect();
        let nearest = nearest(&key, known.iter().map(String::as_str)).map(str::to_owned);
        return Problem::UnknownKey { key, nearest, known };
    }
    let key = key_at(text, at);
    match KEYS.iter().find(|(name, _)| *name == key) {
        Some((_, expected)) if message.starts_with("invalid") => {
            Problem::WrongValue { key, message, expected }
        }
        _ => Problem::Syntax(message),
    }
}

/// The key, with its table, on the line of a position.
fn key_at(text: &str, at: usize) -> String {
    let line = line_number(text, at);
    let mut table = "";
    let mut key = "";
    for line in text.lines().take(line).map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.trim_matches('[').split(']').next())
            && !line.contains('=')
            && !line.contains('"')
        {
            table = name.trim();
        } else if let Some((name, _)) = line.split_once('=') {
            // A value may go on over several lines: the last key counts.
            key = name.trim();
        }
    }
    if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") }
}

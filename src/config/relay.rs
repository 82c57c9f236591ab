//! `[relay]`: addresses and names, each checked where it is made.

use super::error::{ConfigError, Problem};
use super::file::{self, File};
use super::nearest::nearest;
use super::{Environment, resolve};
use crate::limits::{MAX_RELAY_RULES, MAX_STREAM_NAME};
use crate::rtmp_url::RtmpUrl;
use std::fmt;
use std::path::PathBuf;
use toml::Spanned;

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

pub(super) fn resolve(file: &File, environment: &Environment) -> Result<Relay, ConfigError> {
    let written = &file.content.relay;
    let ca = written.ca.as_ref().filter(|ca| !ca.get_ref().is_empty());
    let ca = ca.map(|ca| resolve::path(ca.get_ref().as_ref(), file.folder(), environment));
    few(&written.pull, file)?;
    few(&written.push, file)?;
    let mut pulls: Vec<Pull> = Vec::new();
    for rule in &written.pull {
        let pull = pull(rule, file)?;
        if pulls.iter().any(|other| other.name == pull.name) {
            return Err(ConfigError::new(file.place(rule.span()), Problem::RelayTwice(pull.name)));
        }
        pulls.push(pull);
    }
    let pushes = written.push.iter().map(|rule| push(rule, file)).collect::<Result<_, _>>()?;
    Ok(Relay { ca, pulls, pushes })
}

fn few<T>(rules: &[Spanned<T>], file: &File) -> Result<(), ConfigError> {
    match rules.get(MAX_RELAY_RULES) {
        Some(rule) => Err(ConfigError::new(file.place(rule.span()), Problem::ManyRelays(rules.len()))),
        None => Ok(()),
    }
}

fn pull(rule: &Spanned<file::Pull>, file: &File) -> Result<Pull, ConfigError> {
    let file::Pull { name, url, mode } = rule.get_ref();
    let lacks =
        |key, expected| ConfigError::new(file.place(rule.span()), Problem::RelayLacks { key, expected });
    let name =
        name.as_ref().ok_or_else(|| lacks("name", "name = \"door\": what the stream is called here"))?;
    let url = url.as_ref().ok_or_else(|| lacks("url", "url = \"rtmp://192.168.1.30/live/door\""))?;
    if !is_name(name.get_ref()) {
        return Err(ConfigError::new(file.place(name.span()), Problem::RelayName(name.get_ref().clone())));
    }
    let on_demand = match mode {
        None => true,
        Some(mode) => match mode.get_ref().as_str() {
            "on_demand" => true,
            "always" => false,
            value => {
                let nearest = nearest(value, ["on_demand", "always"]);
                let problem = Problem::RelayMode { value: value.to_owned(), nearest };
                return Err(ConfigError::new(file.place(mode.span()), problem));
            }
        },
    };
    Ok(Pull { name: name.get_ref().clone(), url: address(url, url.get_ref(), file)?, on_demand })
}

fn push(rule: &Spanned<file::Push>, file: &File) -> Result<Push, ConfigError> {
    let file::Push { stream, url, any_codec } = rule.get_ref();
    let lacks =
        |key, expected| ConfigError::new(file.place(rule.span()), Problem::RelayLacks { key, expected });
    let stream =
        stream.as_ref().ok_or_else(|| lacks("stream", "stream = \"cam\", or stream = \"*\" for all"))?;
    let url =
        url.as_ref().ok_or_else(|| lacks("url", "url = \"rtmps://live.example.net/app/stream-key\""))?;
    let name = stream.get_ref();
    if !is_name(&name.replace('*', "x")) {
        return Err(ConfigError::new(file.place(stream.span()), Problem::RelayName(name.clone())));
    }
    if name.contains('*') && !url.get_ref().contains(Push::PLACE) {
        return Err(ConfigError::new(file.place(url.span()), Problem::RelayOneAddress(name.clone())));
    }
    let parsed = address(url, &url.get_ref().replace(Push::PLACE, "stream"), file)?;
    let any_codec = any_codec.unwrap_or(false);
    Ok(Push { stream: name.clone(), url: url.get_ref().clone(), parsed, any_codec })
}

fn address(written: &Spanned<String>, text: &str, file: &File) -> Result<RtmpUrl, ConfigError> {
    RtmpUrl::parse(text).map_err(|error| ConfigError::new(file.place(written.span()), error.into()))
}

/// What a stream can be called by everybody: in `rtmp://box/live/<name>` and in a file's name.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (1..=MAX_STREAM_NAME).contains(&name.len())
        && name.chars().all(is_plain)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

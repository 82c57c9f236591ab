//! `[[source]]`, and the same from the interface: live sources, checked where they are made.

use super::capture::{Capture, CaptureProblem};
use super::error::{ConfigError, Problem};
use super::file::{self, File};
use super::nearest::nearest;
use super::relay::is_name;
use crate::device::Value;
use crate::limits::{
    MAX_SOURCES, SOURCE_START_SECONDS, SOURCE_START_TIMEOUT, SOURCE_STOP_DELAY, SOURCE_STOP_SECONDS,
};
use crate::source_url::{SourceUrl, SourceUrlError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use toml::Spanned;

/// A live source: what comes from `input` is the live stream `name` while it is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// What the stream is called.
    pub name: String,
    /// Where it comes from.
    pub input: Input,
    /// It runs while somebody watches, not always.
    pub on_demand: bool,
    /// Longest wait of a viewer for its first picture.
    pub start_timeout: Duration,
    /// It goes on this long after the last viewer has left.
    pub stop_delay: Duration,
    /// Viewers see a picture that says so while nothing comes, instead of waiting.
    pub slate: bool,
}

/// Where a source's pictures and sound come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// An address on the network.
    Network(SourceUrl),
    /// A capture device of this machine.
    Capture(Capture),
}

/// Without the secrets of an address.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(url) => url.fmt(f),
            Self::Capture(capture) => write!(f, "device {}", capture.device),
        }
    }
}

/// A source as it is written: in JSON by the interface, and in the file that keeps those.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenSource {
    /// What the stream is called.
    pub name: String,
    /// Where it comes from, secrets included; or `device`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The capture device that it comes from: its name, or "auto".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Of a device: width and height, "1280x720".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Of a device: pictures a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Of a device: "h264", "mjpeg", "raw", or four letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Of a device: its socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Of a device: a television standard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<String>,
    /// Of a device: what its controls are set to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub controls: BTreeMap<String, Value>,
    /// Of a device: "auto", "none" or a sound card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// "on_demand" or "always".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Longest wait of a viewer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout_seconds: Option<u64>,
    /// Seconds that it goes on after the last viewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_delay_seconds: Option<u64>,
    /// Viewers see a picture that says so while nothing comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slate: Option<bool>,
}

/// Without the address: it may hold a password.
impl fmt::Debug for WrittenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrittenSource").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl WrittenSource {
    /// One that says nothing but its name and address.
    pub(crate) fn of_url(name: &str, url: &str) -> Self {
        Self { name: name.to_owned(), url: Some(url.to_owned()), ..Self::default() }
    }

    pub(crate) fn without_url(self) -> Self {
        Self { url: None, ..self }
    }
}

/// What is wrong with a source. The texts are shown to people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceProblem {
    /// Not a name for a stream.
    #[error("\"{0}\" can't be the name of a source; choose one of letters, digits, -, _, . and / within")]
    Name(String),
    /// Not an address. The address is not told: it may have a password in it.
    #[error(transparent)]
    Url(#[from] SourceUrlError),
    /// What it says of a device.
    #[error(transparent)]
    Capture(#[from] CaptureProblem),
    /// Neither of the two.
    #[error("\"{value}\" is no mode{}; write \"on_demand\" (while somebody watches) or \"always\"", super::error::suggestion(*nearest))]
    Mode {
        /// As written.
        value: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// Out of bounds.
    #[error("start_timeout_seconds = {0} is not possible, expected {min} to {max}; {usual} suit most cameras",
        min = SOURCE_START_SECONDS.start(), max = SOURCE_START_SECONDS.end(), usual = SOURCE_START_TIMEOUT.as_secs())]
    StartTimeout(u64),
    /// Out of bounds.
    #[error("stop_delay_seconds = {0} is not possible, expected {min} to {max}; {usual} let a page be loaded again",
        min = SOURCE_STOP_SECONDS.start(), max = SOURCE_STOP_SECONDS.end(), usual = SOURCE_STOP_DELAY.as_secs())]
    StopDelay(u64),
}

impl Source {
    /// Checks what somebody wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(written: &WrittenSource) -> Result<Self, SourceProblem> {
        if !is_name(&written.name) {
            return Err(SourceProblem::Name(written.name.chars().take(100).collect()));
        }
        let on_demand = match written.mode.as_deref() {
            None | Some("on_demand") => true,
            Some("always") => false,
            Some(value) => {
                let nearest = nearest(value, ["on_demand", "always"]);
                return Err(SourceProblem::Mode { value: value.chars().take(100).collect(), nearest });
            }
        };
        let start = written.start_timeout_seconds.unwrap_or(SOURCE_START_TIMEOUT.as_secs());
        if !SOURCE_START_SECONDS.contains(&start) {
            return Err(SourceProblem::StartTimeout(start));
        }
        let stop = written.stop_delay_seconds.unwrap_or(SOURCE_STOP_DELAY.as_secs());
        if !SOURCE_STOP_SECONDS.contains(&stop) {
            return Err(SourceProblem::StopDelay(stop));
        }
        let input = match Capture::check(written)? {
            Some(capture) => Input::Capture(capture),
            None => Input::Network(SourceUrl::parse(written.url.as_deref().unwrap_or_default())?),
        };
        Ok(Self {
            name: written.name.clone(),
            input,
            on_demand,
            start_timeout: Duration::from_secs(start),
            stop_delay: Duration::from_secs(stop),
            slate: written.slate.unwrap_or(true),
        })
    }

    /// As it is kept.
    pub fn to_written(&self) -> WrittenSource {
        let mut written = WrittenSource {
            name: self.name.clone(),
            mode: Some(if self.on_demand { "on_demand" } else { "always" }.to_owned()),
            start_timeout_seconds: Some(self.start_timeout.as_secs()),
            stop_delay_seconds: Some(self.stop_delay.as_secs()),
            slate: Some(self.slate),
            ..WrittenSource::default()
        };
        match &self.input {
            Input::Network(url) => written.url = Some(url.with_secrets().to_owned()),
            Input::Capture(capture) => capture.write(&mut written),
        }
        written
    }
}

/// The sources of the file; `pulled` are the names that relays take.
pub(super) fn resolve(file: &File, pulled: &[super::Pull]) -> Result<Vec<Source>, ConfigError> {
    let written = &file.content.source;
    if let Some(rule) = written.get(MAX_SOURCES) {
        return Err(ConfigError::new(file.place(rule.span()), Problem::ManySources(written.len())));
    }
    let mut sources: Vec<Source> = Vec::new();
    for rule in written {
        let source = source(rule, file)?;
        let taken = sources.iter().any(|other| other.name == source.name)
            || pulled.iter().any(|pull| pull.name == source.name);
        if taken {
            return Err(ConfigError::new(file.place(rule.span()), Problem::SourceTwice(source.name)));
        }
        sources.push(source);
    }
    Ok(sources)
}

fn source(rule: &Spanned<file::Source>, file: &File) -> Result<Source, ConfigError> {
    let lacks =
        |key, expected| ConfigError::new(file.place(rule.span()), Problem::SourceLacks { key, expected });
    let of_file = rule.get_ref();
    let file::Source { name, url, device, mode, start_timeout_seconds, stop_delay_seconds, .. } = of_file;
    let name = name.as_ref().ok_or_else(|| lacks("name", "name = \"door\": what the stream is called"))?;
    if url.is_none() && device.is_none() {
        let either = "url = \"rtsp://192.168.1.30/stream1\", or device = \"auto\" for a capture stick";
        return Err(lacks("url", either));
    }
    let text = |value: &Option<Spanned<String>>| value.as_ref().map(|text| text.get_ref().clone());
    let written = WrittenSource {
        name: name.get_ref().clone(),
        url: text(url),
        device: text(device),
        size: text(&of_file.size),
        rate: of_file.rate.as_ref().map(|rate| *rate.get_ref()),
        format: text(&of_file.format),
        input: text(&of_file.input),
        standard: text(&of_file.standard),
        controls: of_file.controls.as_ref().map(|controls| controls.get_ref().clone()).unwrap_or_default(),
        audio: text(&of_file.audio),
        mode: text(mode),
        start_timeout_seconds: start_timeout_seconds.as_ref().map(|seconds| *seconds.get_ref()),
        stop_delay_seconds: stop_delay_seconds.as_ref().map(|seconds| *seconds.get_ref()),
        slate: of_file.slate,
    };
    Source::check(&written).map_err(|problem| {
        let span = match &problem {
            SourceProblem::Name(_) => Some(name.span()),
            SourceProblem::Url(_) => url.as_ref().map(Spanned::span),
            SourceProblem::Capture(problem) => of_file.place_of(problem),
            SourceProblem::Mode { .. } => mode.as_ref().map(Spanned::span),
            SourceProblem::StartTimeout(_) => start_timeout_seconds.as_ref().map(Spanned::span),
            SourceProblem::StopDelay(_) => stop_delay_seconds.as_ref().map(Spanned::span),
        };
        ConfigError::new(file.place(span.unwrap_or(rule.span())), problem.into())
    })
}

impl file::Source {
    /// Where that stands.
    fn place_of(&self, problem: &CaptureProblem) -> Option<std::ops::Range<usize>> {
        let of_text = |text: &Option<Spanned<String>>| text.as_ref().map(Spanned::span);
        match problem {
            CaptureProblem::OneOfTwo(_) => of_text(&self.device),
            CaptureProblem::Size(_) => of_text(&self.size),
            CaptureProblem::Rate(_) => self.rate.as_ref().map(Spanned::span),
            CaptureProblem::ManyControls(_) => self.controls.as_ref().map(Spanned::span),
            CaptureProblem::NotOfDevice(key) | CaptureProblem::Word { key, .. } => match *key {
                "device" => of_text(&self.device),
                "size" => of_text(&self.size),
                "rate" => self.rate.as_ref().map(Spanned::span),
                "format" => of_text(&self.format),
                "input" => of_text(&self.input),
                "standard" => of_text(&self.standard),
                "audio" => of_text(&self.audio),
                _ => self.controls.as_ref().map(Spanned::span),
            },
        }
    }
}

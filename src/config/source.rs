//! `[[source]]`, and the same from the interface: live sources, checked where they are made.

use super::error::{ConfigError, Problem};
use super::file::{self, File};
use super::nearest::nearest;
use super::relay::is_name;
use crate::limits::{
    MAX_SOURCES, SOURCE_START_SECONDS, SOURCE_START_TIMEOUT, SOURCE_STOP_DELAY, SOURCE_STOP_SECONDS,
};
use crate::source_url::{SourceUrl, SourceUrlError};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use toml::Spanned;

/// A live source: what comes from `url` is the live stream `name` while it is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// What the stream is called.
    pub name: String,
    /// Where it comes from.
    pub url: SourceUrl,
    /// It runs while somebody watches, not always.
    pub on_demand: bool,
    /// Longest wait of a viewer for its first picture.
    pub start_timeout: Duration,
    /// It goes on this long after the last viewer has left.
    pub stop_delay: Duration,
}

/// A source as it is written: in JSON by the interface, and in the file that keeps those.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenSource {
    /// What the stream is called.
    pub name: String,
    /// Where it comes from, secrets included.
    pub url: String,
    /// "on_demand" or "always".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Longest wait of a viewer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout_seconds: Option<u64>,
    /// Seconds that it goes on after the last viewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_delay_seconds: Option<u64>,
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
        Ok(Self {
            name: written.name.clone(),
            url: SourceUrl::parse(&written.url)?,
            on_demand,
            start_timeout: Duration::from_secs(start),
            stop_delay: Duration::from_secs(stop),
        })
    }

    /// As it is kept.
    pub fn to_written(&self) -> WrittenSource {
        WrittenSource {
            name: self.name.clone(),
            url: self.url.with_secrets().to_owned(),
            mode: Some(if self.on_demand { "on_demand" } else { "always" }.to_owned()),
            start_timeout_seconds: Some(self.start_timeout.as_secs()),
            stop_delay_seconds: Some(self.stop_delay.as_secs()),
        }
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
    let file::Source { name, url, mode, start_timeout_seconds, stop_delay_seconds } = rule.get_ref();
    let name = name.as_ref().ok_or_else(|| lacks("name", "name = \"door\": what the stream is called"))?;
    let url = url.as_ref().ok_or_else(|| lacks("url", "url = \"rtsp://192.168.1.30/stream1\""))?;
    let written = WrittenSource {
        name: name.get_ref().clone(),
        url: url.get_ref().clone(),
        mode: mode.as_ref().map(|mode| mode.get_ref().clone()),
        start_timeout_seconds: start_timeout_seconds.as_ref().map(|seconds| *seconds.get_ref()),
        stop_delay_seconds: stop_delay_seconds.as_ref().map(|seconds| *seconds.get_ref()),
    };
    Source::check(&written).map_err(|problem| {
        let span = match &problem {
            SourceProblem::Name(_) => Some(name.span()),
            SourceProblem::Url(_) => Some(url.span()),
            SourceProblem::Mode { .. } => mode.as_ref().map(Spanned::span),
            SourceProblem::StartTimeout(_) => start_timeout_seconds.as_ref().map(Spanned::span),
            SourceProblem::StopDelay(_) => stop_delay_seconds.as_ref().map(Spanned::span),
        };
        ConfigError::new(file.place(span.unwrap_or(rule.span())), problem.into())
    })
}

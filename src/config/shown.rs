//! A configuration in lines for people. No secret is in them: [`RtmpUrl`](crate::rtmp_url::RtmpUrl) and
//! [`Input`](super::Input) show none.

use super::{Cache, Config};
use crate::choice::Language;
use std::fmt;

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

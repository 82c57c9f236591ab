//! Addresses of live sources on the network, pure.
//!
//! ```text
//!  rtsp://user:password@camera.lan:554/stream1?token=…
//!  scheme  a secret     host       port path    may be a secret
//! ```
//!
//! User, password and query are never displayed; [`SourceUrl::redact`] takes them out of texts of others.

use crate::limits::MAX_SOURCE_URL;
use crate::rtmp_url::{RtmpUrl, RtmpUrlError};
use percent_encoding::percent_decode_str;
use std::fmt;

/// How a source is received.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = SourceKind)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// http, https: files, endless streams, HLS, radio.
    Http,
    /// rtsp, rtsps.
    Rtsp,
    /// udp: MPEG-TS in datagrams.
    Udp,
    /// rtp: MPEG-TS in RTP.
    Rtp,
    /// srt.
    Srt,
    /// rtmp, rtmps: a stream of another server, passed on as it is.
    Rtmp,
}

/// The address of a source.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl {
    /// With its scheme in small letters.
    url: String,
    kind: Kind,
}

/// Why a text is no address of a source. Never repeats the text, which may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SourceUrlError {
    /// No scheme, or an unknown one.
    #[error(
        "the address begins with none of http://, https://, rtsp://, rtsps://, srt://, udp://, rtp://, rtmp://, rtmps://; write for \
         example rtsp://192.168.1.30/stream1"
    )]
    Scheme,
    /// One of RTMP that cannot be.
    #[error(transparent)]
    Rtmp(#[from] RtmpUrlError),
    /// A file.
    #[error("a file is no source; put it into a folder of the library, or serve it by http://")]
    File,
    /// Nothing between the slashes.
    #[error("the address names no server; write for example rtsp://192.168.1.30/stream1")]
    NoHost,
    /// Not a number from 1 to 65535.
    #[error("the address has a port that is none; expected 1 to 65535")]
    BadPort,
    /// These kinds have no usual port.
    #[error("the address lacks a port; write for example udp://239.1.1.1:5000 or srt://192.168.1.30:9000")]
    NoPort,
    /// Blanks and control characters.
    #[error("the address has blanks or line breaks in it; write them as %20, or remove them")]
    Blank,
    /// Longer than any that works.
    #[error("the address has {0} bytes, expected at most {MAX_SOURCE_URL}")]
    TooLong(usize),
}

impl SourceUrl {
    /// Reads an address.
    ///
    /// ```
    /// use wiidiaserver::source_url::SourceUrl;
    /// let url = SourceUrl::parse("RTSP://admin:secret@camera.lan/stream1?token=x").unwrap();
    /// assert_eq!(url.to_string(), "rtsp://camera.lan/stream1?…");
    /// ```
    ///
    /// # Errors
    /// What is missing or wrong, with the form that is expected.
    pub fn parse(text: &str) -> Result<Self, SourceUrlError> {
        if text.len() > MAX_SOURCE_URL {
            return Err(SourceUrlError::TooLong(text.len()));
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(SourceUrlError::Blank);
        }
        let (scheme, rest) = text.split_once("://").ok_or(SourceUrlError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        let kind = match scheme.as_str() {
            "http" | "https" => Kind::Http,
            "rtsp" | "rtsps" => Kind::Rtsp,
            "udp" => Kind::Udp,
            "rtp" => Kind::Rtp,
            "srt" => Kind::Srt,
            "rtmp" | "rtmps" => Kind::Rtmp,
            "file" => return Err(SourceUrlError::File),
            _ => return Err(SourceUrlError::Scheme),
        };
        let url = Self { url: format!("{scheme}://{rest}"), kind };
        url.check()?;
        Ok(url)
    }

    fn check(&self) -> Result<(), SourceUrlError> {
        if self.kind == Kind::Rtmp {
            return Ok(RtmpUrl::parse(&self.url).map(drop)?);
        }
        let (_, host) = self.authority();
        let (name, port) = match host.rsplit_once(':') {
            // The colons of an IPv6 address are in brackets.
            Some((name, port)) if !port.contains(']') => (name, Some(port)),
            _ => (host, None),
        };
        if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) {
            return Err(SourceUrlError::BadPort);
        }
        match self.kind {
            Kind::Http | Kind::Rtsp if name.is_empty() => Err(SourceUrlError::NoHost),
            // Without a name they wait here for a sender.
            Kind::Udp | Kind::Rtp | Kind::Srt if port.is_none() => Err(SourceUrlError::NoPort),
            _ => Ok(()),
        }
    }

    /// How it is received.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The whole address, secrets included: only for whoever opens it, or keeps it.
    pub fn with_secrets(&self) -> &str {
        &self.url
    }

    /// The stream on another RTMP server that it is, if it is one.
    pub fn rtmp(&self) -> Option<RtmpUrl> {
        RtmpUrl::parse(&self.url).ok().filter(|_| self.kind == Kind::Rtmp)
    }

    /// What comes from it comes when the sender likes. The others are read as fast as they are used.
    pub fn pushes(&self) -> bool {
        self.kind != Kind::Http
    }

    /// The host, when it is a name that only multicast DNS knows and TLS does not check it.
    pub fn mdns_host(&self) -> Option<&str> {
        let (_, host) = self.authority();
        let name = host.split(':').next().unwrap_or_default();
        let plain = !self.url.starts_with("https:") && !self.url.starts_with("rtsps:");
        let is_local = name.trim_end_matches('.').to_ascii_lowercase().ends_with(".local");
        (plain && is_local).then_some(name)
    }

    /// The whole address, secrets included, with another host (an IPv6 address in brackets).
    pub fn with_host(&self, other: &str) -> String {
        let (user, host) = self.authority();
        let (scheme, rest) = self.url.split_once("://").unwrap_or((&self.url, ""));
        let after = &rest[user.map_or(0, |user| user.len() + 1) + host.len()..];
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let port = host.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{user}{other}{port}{after}")
    }

    fn after_scheme(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// User and password, and host with port.
    fn authority(&self) -> (Option<&str>, &str) {
        let rest = self.after_scheme();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        }
    }

    /// What stands behind the server's name, without the query.
    pub fn path(&self) -> &str {
        let rest = self.after_scheme();
        let from = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let to = rest.find(['?', '#']).unwrap_or(rest.len());
        &rest[from.min(to)..to]
    }

    /// What stands behind the question mark, with it.
    fn query(&self) -> Option<&str> {
        let rest = self.after_scheme();
        rest.find(['?', '#']).map(|at| &rest[at..]).filter(|query| query.len() > 1)
    }

    /// `text` without the secrets of this address: GStreamer's messages quote addresses.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.replace(&self.url, &self.to_string());
        if let Some(rtmp) = self.rtmp() {
            text = rtmp.hidden_in(&text);
        }
        let mut take_out = |secret: &str| {
            if secret.len() >= MIN_SECRET {
                text = text.replace(secret, "…");
            }
        };
        if let Some(user) = self.authority().0 {
            take_out(user);
            let password = user.split_once(':').map_or("", |(_, password)| password);
            take_out(password);
            take_out(&percent_decode_str(password).decode_utf8_lossy());
        }
        if let Some(query) = self.query() {
            take_out(query);
            for value in
                query.split(['?', '&', '#']).filter_map(|pair| pair.split_once('=')).map(|(_, value)| value)
            {
                // A mode or a number is no secret, and taking out every "1" would leave no text.
                if value.len() >= MIN_SECRET_VALUE {
                    take_out(value);
                    take_out(&percent_decode_str(value).decode_utf8_lossy());
                }
            }
        }
        text
    }
}

/// What is shorter is in every other word, and hides nothing.
const MIN_SECRET: usize = 3;

/// Values of a query that are taken out on their own; SRT's passphrases have 10 and more.
const MIN_SECRET_VALUE: usize = 8;

/// Without user, password and query; that of RTMP without its last part, which is a key as often as a name.
impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rtmp) = self.rtmp() {
            return rtmp.fmt(f);
        }
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        let query = if self.query().is_some() { "?…" } else { "" };
        write!(f, "{scheme}://{}{}{query}", self.authority().1, self.path())
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_or_refused_and_shown_without_secrets() {
        use SourceUrlError as E;
        for (text, expected) in [
            ("http://radio.example/live.mp3", Ok("http://radio.example/live.mp3")),
            ("HTTPS://u:p@h:8443/a/b.m3u8?x=1#t", Ok("https://h:8443/a/b.m3u8?…")),
            ("rtsp://admin:a@b@192.168.1.30/1", Ok("rtsp://192.168.1.30/1")),
            ("rtsp://[fe80::1]/1", Ok("rtsp://[fe80::1]/1")),
            ("rtsp://[fe80::1]:8554", Ok("rtsp://[fe80::1]:8554")),
            ("udp://239.1.1.1:5000", Ok("udp://239.1.1.1:5000")),
            ("udp://@:5000", Ok("udp://:5000")),
            ("srt://box:9000?mode=caller&passphrase=0123456789", Ok("srt://box:9000?…")),
            ("http://h?token=x", Ok("http://h?…")),
            ("srt://box", Err(E::NoPort)),
            ("udp://239.1.1.1:0", Err(E::BadPort)),
            ("http://:80/", Err(E::NoHost)),
            ("http:///x", Err(E::NoHost)),
            ("http://h:99999/", Err(E::BadPort)),
            ("rtmp://h/live/sesame?key=x", Ok("rtmp://h/live/…")),
            ("RTMPS://h:444/a/b/c", Ok("rtmps://h:444/a/b/…")),
            ("rtmp://h/live", Err(E::Rtmp(RtmpUrlError::NoName))),
            ("rtmp://u:p@h/live/x", Err(E::Rtmp(RtmpUrlError::UserInfo))),
            ("file:///etc/passwd", Err(E::File)),
            ("ftp://h/x", Err(E::Scheme)),
            ("camera.lan", Err(E::Scheme)),
            ("", Err(E::Scheme)),
            ("http://h/a b", Err(E::Blank)),
            ("http://h/a\nb", Err(E::Blank)),
        ] {
            let read = SourceUrl::parse(text).map(|url| url.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().map(|shown| *shown), "{text}");
        }
        let long = format!("http://h/{}", "x".repeat(MAX_SOURCE_URL));
        assert_eq!(SourceUrl::parse(&long), Err(E::TooLong(long.len())));
    }

    #[test]
    fn names_of_multicast_dns_can_be_replaced_by_addresses() {
        for (text, host, expected) in [
            ("rtsp://u:p@cam.local:554/a?b", Some("cam.local"), "rtsp://u:p@192.0.2.7:554/a?b"),
            ("http://cam.LOCAL", Some("cam.LOCAL"), "http://192.0.2.7"),
            ("srt://cam.local:9000?x=1", Some("cam.local"), "srt://192.0.2.7:9000?x=1"),
            ("https://cam.local/", None, ""),
            ("http://cam.lan/x.local", None, ""),
        ] {
            let url = SourceUrl::parse(text).unwrap();
            assert_eq!(url.mdns_host(), host, "{text}");
            if host.is_some() {
                assert_eq!(url.with_host("192.0.2.7"), expected);
            }
        }
    }

    #[test]
    fn secrets_are_taken_out_of_other_peoples_texts() {
        let url = SourceUrl::parse("rtsp://admin:s3c%2Fret@h/x?passphrase=abcdefghij").unwrap();
        for text in [
            "cannot open rtsp://admin:s3c%2Fret@h/x?passphrase=abcdefghij (401)",
            "http://admin:s3c%2Fret@h/other refused",
            "password s3c/ret is wrong",
            "key abcdefghij",
        ] {
            let redacted = url.redact(text);
            for secret in ["s3c%2Fret", "s3c/ret", "abcdefghij"] {
                assert!(!redacted.contains(secret), "{redacted}");
            }
        }
        assert_eq!(format!("{url:?}"), "SourceUrl(rtsp://h/x?…)");
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_panics_and_what_is_shown_has_no_password(
            host in "[a-z0-9.]{1,10}", user in "[a-z:%@/?#]{0,8}", tail in ".{0,20}"
        ) {
            if let Ok(url) = SourceUrl::parse(&format!("http://{user}:sesame@{host}/{tail}")) {
                let _ = url.redact(&tail);
                // A slash, a question mark or a hash ends the part that can hold a user.
                if !user.contains(['/', '?', '#']) && !tail.contains('@') {
                    prop_assert!(!url.to_string().contains("sesame"));
                }
            }
            let _ = SourceUrl::parse(&tail);
        }
    }
}

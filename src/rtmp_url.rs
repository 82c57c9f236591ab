//! Addresses of streams on other servers: `rtmp://host:port/app/name`, pure.
//!
//! ```text
//!  rtmps://live.example.net:443/app/instance/name?token=…
//!  scheme  host             port app          name, to the very end
//! ```
//!
//! The name is what stands behind the last slash, as in the two fields "server" and "stream key" of
//! encoders: a platform's key, or a token behind the question mark, is a secret. So an address is only ever
//! displayed without it.

use crate::limits::SHORTEST_SECRET;
use std::fmt;

/// A stream on an RTMP server.
#[derive(Clone, PartialEq, Eq)]
pub struct RtmpUrl {
    /// Over TLS.
    pub tls: bool,
    /// A name or an address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, if it is written.
    pub port: Option<u16>,
    /// All but the last component of the path: `live`, `app/instance`. Not empty.
    pub app: String,
    /// The last component, with its query. Not empty; a secret.
    pub name: String,
}

/// Why a text is no such address. Never repeats the text, which may be a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RtmpUrlError {
    /// Another scheme, or none.
    #[error(
        "the address does not begin with rtmp:// or rtmps://; write rtmp://<server>/<application>/<name>"
    )]
    Scheme,
    /// Nothing between the slashes.
    #[error("the address names no server; write rtmp://<server>/<application>/<name>")]
    NoHost,
    /// A host that none can have.
    #[error("the address has a server's name that cannot be; names have letters, digits, dots and hyphens")]
    BadHost,
    /// Not a number from 1 to 65535.
    #[error("the address has a port that is none; expected 1 to 65535, as in rtmp://<server>:1935/…")]
    BadPort,
    /// `user:password@`.
    #[error(
        "the address has a user and a password in front of the server, which RTMP servers do not take; \
         use the stream key that the server gave you"
    )]
    UserInfo,
    /// No application, or no name.
    #[error("the address lacks the stream's name; write rtmp://<server>/<application>/<name>")]
    NoName,
    /// Blanks and control characters.
    #[error("the address has blanks or line breaks in it; write them as %20, or remove them")]
    Blank,
}

impl RtmpUrl {
    /// Where RTMP listens.
    pub const PORT: u16 = 1935;
    /// Where RTMP over TLS listens.
    pub const TLS_PORT: u16 = 443;

    /// Reads an address.
    ///
    /// ```
    /// use wiidiaserver::rtmp_url::RtmpUrl;
    /// let url = RtmpUrl::parse("rtmp://box.lan/live/cam?key=secret").unwrap();
    /// assert_eq!((url.app.as_str(), url.name.as_str(), url.port()), ("live", "cam?key=secret", 1935));
    /// assert_eq!(url.to_string(), "rtmp://box.lan/live/…");
    /// ```
    ///
    /// # Errors
    /// What is missing or wrong, with the form that is expected.
    pub fn parse(text: &str) -> Result<Self, RtmpUrlError> {
        let (tls, rest) = scheme(text).ok_or(RtmpUrlError::Scheme)?;
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(RtmpUrlError::Blank);
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority_parts(authority)?;
        // A token may have slashes.
        let (path, query) = path.find('?').map_or((path, ""), |at| path.split_at(at));
        let (app, name) = path.trim_matches('/').rsplit_once('/').ok_or(RtmpUrlError::NoName)?;
        let app = app.trim_matches('/');
        if app.is_empty() || name.is_empty() {
            return Err(RtmpUrlError::NoName);
        }
        Ok(Self { tls, host, port, app: app.to_owned(), name: format!("{name}{query}") })
    }

    /// The same stream where a server says that it is: an address with an application (as `tcUrl` has it),
    /// perhaps followed by the stream's name.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn redirected(&self, to: &str) -> Result<Self, RtmpUrlError> {
        let to = to.trim_end_matches('/');
        let bare = self.name.split('?').next().unwrap_or_default();
        match Self::parse(to) {
            Ok(url) if url.name == self.name || url.name == bare => {
                Ok(Self { name: self.name.clone(), ..url })
            }
            _ => Self::parse(&format!("{to}/{}", self.name)),
        }
    }

    /// A text about this stream without its name: servers like to repeat it. Short names stay: they are no
    /// secrets that would hold, and parts of other words.
    pub fn hidden_in(&self, text: &str) -> String {
        let (bare, query) = self.name.split_once('?').unwrap_or((&self.name, ""));
        let secrets = [&*self.name, query].into_iter().chain(query.split(['&', '='])).chain([bare]);
        secrets
            .filter(|secret| secret.len() >= SHORTEST_SECRET)
            .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls { Self::TLS_PORT } else { Self::PORT })
    }

    /// The address without the stream's name: what RTMP calls `tcUrl`.
    pub fn tc_url(&self) -> String {
        let scheme = if self.tls { "rtmps" } else { "rtmp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{host}{port}/{}", self.app)
    }
}

/// Without the name, which may be a secret.
impl fmt::Display for RtmpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.tc_url())
    }
}

impl fmt::Debug for RtmpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme {
        _ if scheme.eq_ignore_ascii_case("rtmp") => Some((false, rest)),
        _ if scheme.eq_ignore_ascii_case("rtmps") => Some((true, rest)),
        _ => None,
    }
}

fn authority_parts(authority: &str) -> Result<(String, Option<u16>), RtmpUrlError> {
    if authority.contains('@') {
        return Err(RtmpUrlError::UserInfo);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(RtmpUrlError::BadHost)?;
            host.parse::<core::net::Ipv6Addr>().map_err(|_| RtmpUrlError::BadHost)?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':').ok_or(RtmpUrlError::BadPort)?)
                },
            )
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err(RtmpUrlError::NoHost);
    }
    if !authority.starts_with('[')
        && !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    {
        return Err(RtmpUrlError::BadHost);
    }
    let port = match port {
        None => None,
        Some(port) => match port.parse() {
            Ok(0) | Err(_) => return Err(RtmpUrlError::BadPort),
            Ok(port) => Some(port),
        },
    };
    Ok((host.to_owned(), port))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_come_apart_as_encoders_take_them() {
        type Row = (&'static str, (bool, &'static str, u16, &'static str, &'static str));
        let table: [Row; 8] = [
            ("rtmp://box/live/cam", (false, "box", 1935, "live", "cam")),
            ("RTMP://box:81/live/cam?key=a/b", (false, "box", 81, "live", "cam?key=a/b")),
            ("rtmps://live.example.net/app/key_1-2", (true, "live.example.net", 443, "app", "key_1-2")),
            (
                "rtmps://live.example.net:443/rtmp/F-1?s_bl=1&a=AbC",
                (true, "live.example.net", 443, "rtmp", "F-1?s_bl=1&a=AbC"),
            ),
            ("rtmp://[::1]:19350/a/b/c", (false, "::1", 19350, "a/b", "c")),
            ("rtmp://[fe80::1]/a/b", (false, "fe80::1", 1935, "a", "b")),
            ("rtmp://192.0.2.1//live//cam/", (false, "192.0.2.1", 1935, "live", "cam")),
            ("rtmp://box/live/mp4:film.mp4", (false, "box", 1935, "live", "mp4:film.mp4")),
        ];
        for (text, (tls, host, port, app, name)) in table {
            let url = RtmpUrl::parse(text).unwrap();
            let got = (url.tls, &*url.host, url.port(), &*url.app, &*url.name);
            assert_eq!(got, (tls, host, port, app, name), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_why_without_its_secret() {
        for (text, error) in [
            ("", RtmpUrlError::Scheme),
            ("http://box/live/sesame", RtmpUrlError::Scheme),
            ("box/live/sesame", RtmpUrlError::Scheme),
            ("rtmp:///live/sesame", RtmpUrlError::NoHost),
            ("rtmp://:1935/live/sesame", RtmpUrlError::NoHost),
            ("rtmp://b%x/live/sesame", RtmpUrlError::BadHost),
            ("rtmp://[::1/live/sesame", RtmpUrlError::BadHost),
            ("rtmp://[box]/live/sesame", RtmpUrlError::BadHost),
            ("rtmp://[::1]x/live/sesame", RtmpUrlError::BadPort),
            ("rtmp://box:0/live/sesame", RtmpUrlError::BadPort),
            ("rtmp://box:99999/live/sesame", RtmpUrlError::BadPort),
            ("rtmp://ann:sesame@box/live/cam", RtmpUrlError::UserInfo),
            ("rtmp://box", RtmpUrlError::NoName),
            ("rtmp://box/live", RtmpUrlError::NoName),
            ("rtmp://box/live/", RtmpUrlError::NoName),
            ("rtmp://box/?sesame", RtmpUrlError::NoName),
            ("rtmp://box/live/ses ame", RtmpUrlError::Blank),
            ("rtmp://box/live/sesame\n", RtmpUrlError::Blank),
        ] {
            assert_eq!(RtmpUrl::parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("sesame"));
        }
    }

    #[test]
    fn a_redirect_keeps_the_name_whichever_form_it_has() {
        let url = RtmpUrl::parse("rtmp://box/live/cam?key=sesame").unwrap();
        for to in [
            "rtmp://other:81/app",
            "rtmp://other:81/app/",
            "rtmp://other:81/app/cam",
            "rtmp://other:81/app/cam?key=sesame",
        ] {
            let url = url.redirected(to).unwrap();
            assert_eq!((&*url.tc_url(), &*url.name), ("rtmp://other:81/app", "cam?key=sesame"), "{to}");
        }
        assert_eq!(url.redirected("http://other/x"), Err(RtmpUrlError::Scheme));
    }

    #[test]
    fn an_address_is_never_shown_with_its_name() {
        let url = RtmpUrl::parse("rtmps://[::1]:4/live/sesame?key=sesame").unwrap();
        assert_eq!(format!("{url} {url:?}"), "rtmps://[::1]:4/live/… rtmps://[::1]:4/live/…");
    }

    #[test]
    fn a_servers_words_are_shown_without_the_name() {
        let url = RtmpUrl::parse("rtmp://box/live/key-12345?token=abcdefghi&a=b").unwrap();
        for (told, shown) in [
            ("no stream key-12345", "no stream …"),
            ("key-12345?token=abcdefghi&a=b is taken", "… is taken"),
            ("wrong token abcdefghi", "wrong token …"),
            ("a box says b", "a box says b"),
        ] {
            assert_eq!(url.hidden_in(told), shown);
        }
        assert_eq!(
            RtmpUrl::parse("rtmp://box/live/cam").unwrap().hidden_in("no camera cam"),
            "no camera cam"
        );
    }

    proptest! {
        #[test]
        fn what_is_read_reads_the_same_again(text in "rtmps?://[a-z.:\\[\\]0-9]{0,9}/[a-z/?=]{0,12}") {
            if let Ok(url) = RtmpUrl::parse(&text) {
                let again = RtmpUrl::parse(&format!("{}/{}", url.tc_url(), url.name));
                prop_assert_eq!(again, Ok(url));
            }
        }
    }
}

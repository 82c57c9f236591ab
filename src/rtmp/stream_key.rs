//! Which live stream a publisher's name means, and the secret that lets it.
//!
//! ```text
//!  live    cam              the stream "cam"
//!  live    cam?key=secret   the same, with a secret; further parameters are left alone
//!  studio  cam?key=other    the stream "studio/cam", when "studio" is an application as well
//!  live    studio/cam       the same stream, opened by the same secret
//! ```

use percent_encoding::percent_decode;
use std::collections::BTreeMap;
use std::fmt;

/// A stream's name and perhaps a secret, from the name in `publish`. Keeps the secret out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamKey {
    /// What stands before the question mark, as sent.
    pub name: Vec<u8>,
    /// The first `key` parameter, percent-decoded.
    pub secret: Option<Vec<u8>>,
}

impl StreamKey {
    /// Reads the name in `publish`. Everything is a key; whether it may be used is not decided here.
    ///
    /// ```
    /// use wiidiaserver::rtmp::StreamKey;
    /// let key = StreamKey::parse(b"cam?key=open%20sesame");
    /// assert_eq!(key.name, b"cam");
    /// assert!(key.opens(b"open sesame"));
    /// ```
    pub fn parse(name: &[u8]) -> Self {
        let mut halves = name.splitn(2, |&byte| byte == b'?');
        let name = halves.next().unwrap_or_default().to_vec();
        let mut parameters = halves.next().unwrap_or_default().split(|&byte| byte == b'&');
        let secret = parameters.find_map(|parameter| parameter.strip_prefix(b"key="));
        Self { name, secret: secret.map(|secret| percent_decode(secret).collect()) }
    }

    /// The secret is this one. How long that takes depends on what was sent alone, not on how much of it
    /// is right.
    pub fn opens(&self, expected: &[u8]) -> bool {
        let Some(secret) = &self.secret else { return false };
        let expected_bytes = expected.iter().cycle().chain(std::iter::repeat(&0));
        let difference = secret.iter().zip(expected_bytes).fold(0, |all, (a, b)| all | (a ^ b));
        // Or the compiler would be free to stop at the first byte that differs.
        (std::hint::black_box(difference) == 0) & (secret.len() == expected.len())
    }
}

/// The applications that take live streams, and the secrets that open them.
#[derive(Clone, Default)]
pub struct LiveApps {
    /// For `live`.
    secret: Option<String>,
    /// The others.
    others: BTreeMap<String, Option<String>>,
}

impl LiveApps {
    /// `live`, opened by `secret`, and `others`. `None` opens to everybody.
    pub fn new(secret: Option<String>, others: BTreeMap<String, Option<String>>) -> Self {
        Self { secret, others }
    }

    /// The stream that `rtmp://box/<app>/<name>` means; `None` when the application takes no streams. What
    /// follows a question mark belongs to the encoder.
    ///
    /// ```
    /// use wiidiaserver::rtmp::LiveApps;
    /// assert_eq!(LiveApps::default().stream(b"live/house", b"cam?key=x").as_deref(), Some("house/cam"));
    /// assert_eq!(LiveApps::default().stream(b"vod", b"cam"), None);
    /// ```
    pub fn stream(&self, app: &[u8], name: &[u8]) -> Option<String> {
        let app = String::from_utf8_lossy(app);
        let app = app.trim_matches('/');
        let (first, folder) = app.split_once('/').unwrap_or((app, ""));
        let first = match first {
            "live" => "",
            other if self.others.contains_key(other) => other,
            _ => return None,
        };
        let name = String::from_utf8_lossy(name);
        let name = name.split('?').next().unwrap_or_default();
        let parts = [first, folder, name].map(|part| part.trim_matches('/'));
        Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"))
    }

    /// What the publisher of a stream must know. It hangs on the stream, not on the address by which it is
    /// published: `live` is no way around another application's secret.
    pub fn secret(&self, stream: &str) -> Option<&str> {
        let of_app = stream.split_once('/').and_then(|(first, _)| self.others.get(first));
        of_app.unwrap_or(&self.secret).as_deref()
    }
}

impl fmt::Debug for LiveApps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entry(&"live").entries(self.others.keys()).finish()
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.secret.is_some() { " with a secret" } else { "" };
        write!(f, "{:?}{secret}", String::from_utf8_lossy(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_secrets_come_apart() {
        type Row = (&'static [u8], &'static [u8], Option<&'static [u8]>);
        let table: [Row; 8] = [
            (b"cam", b"cam", None),
            (b"cam?key=abc", b"cam", Some(b"abc")),
            (b"cam?vhost=x&key=a%26b&key=c", b"cam", Some(b"a&b")),
            (b"cam?key=", b"cam", Some(b"")),
            (b"cam?monkey=abc", b"cam", None),
            (b"cam?key=a?b=c", b"cam", Some(b"a?b=c")),
            (b"?key=abc", b"", Some(b"abc")),
            (b"\xfc", b"\xfc", None),
        ];
        for (sent, name, secret) in table {
            let key = StreamKey::parse(sent);
            assert_eq!((&key.name[..], key.secret.as_deref()), (name, secret), "{key:?}");
        }
    }

    #[test]
    fn only_the_very_secret_opens() {
        let key = StreamKey::parse(b"cam?key=abc");
        assert!(key.opens(b"abc"));
        for wrong in [&b"abd"[..], b"ab", b"abcd", b"abcabc", b""] {
            assert!(!key.opens(wrong));
        }
        assert!(!StreamKey::parse(b"cam?key=abcabc").opens(b"abc"));
        assert!(!StreamKey::parse(b"cam").opens(b""));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", StreamKey::parse(b"cam?key=abc")), "\"cam\" with a secret");
        assert_eq!(format!("{:?}", apps()), r#"{"live", "open", "studio"}"#);
    }

    fn apps() -> LiveApps {
        let others = [("studio".to_owned(), Some("b".to_owned())), ("open".to_owned(), None)];
        LiveApps::new(Some("a".to_owned()), BTreeMap::from(others))
    }

    #[test]
    fn applications_take_streams_by_their_names() {
        for (app, name, stream, secret) in [
            ("live", "cam", Some("cam"), Some("a")),
            ("live/", "cam?token=1", Some("cam"), Some("a")),
            ("live/house", "cam", Some("house/cam"), Some("a")),
            ("studio", "cam?key=b", Some("studio/cam"), Some("b")),
            ("studio/a/", "/cam", Some("studio/a/cam"), Some("b")),
            ("open", "cam", Some("open/cam"), None),
            // No way around a secret.
            ("live", "studio/cam", Some("studio/cam"), Some("b")),
            ("live/studio", "cam", Some("studio/cam"), Some("b")),
            ("open", "../studio/cam", Some("open/../studio/cam"), None),
            ("live", "studio", Some("studio"), Some("a")),
            ("live", "", Some(""), Some("a")),
            ("vod", "cam", None, None),
            ("livestream", "cam", None, None),
            ("", "live/cam", None, None),
        ] {
            let found = apps().stream(app.as_bytes(), name.as_bytes());
            assert_eq!(found.as_deref(), stream, "{app} {name}");
            assert_eq!(
                found.and_then(|s| apps().secret(&s).map(str::to_owned)).as_deref(),
                secret,
                "{app} {name}"
            );
        }
    }
}

//! Addresses of the web as viewers write them where a stream's or a file's name belongs: pure.
//!
//! ```text
//!  https://example.org/film.mp4                as it is; clients that make "https:/" of "https://" are understood
//!  example.org/film.mp4                        the same
//!  https%3A%2F%2Fexample.org%2Ffilm.mp4        percent-encoded
//!  aHR0cHM6Ly9leGFtcGxlLm9yZy9maWxtLm1wNA      base64url (RFC 4648 5), which no client changes
//! ```

use crate::limits::MAX_WEB_ADDRESS;
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::percent_decode_str;
use std::fmt;
use url::Url;

/// The folder in which addresses of the web appear among the library's paths: `web:/<address>`. No folder of a disk
/// that people name so is reached any more, and nobody names one so.
pub const WEB_FOLDER: &str = "web:";

/// The first part of the names of live streams that are made of viewers' addresses.
pub const WEB_STREAMS: &str = "web/";

/// An http or https address, without a fragment.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct WebAddress(Url);

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebAddressError {
    /// Neither an address nor one in disguise.
    #[error(
        "\"{0}\" is no address of the web; write for example https://example.org/film.mp4, percent-encoded or in base64url"
    )]
    NotAnAddress(String),
    /// A scheme that is not fetched.
    #[error("addresses that begin with \"{0}:\" are not played from here; expected https:// or http://")]
    Scheme(String),
    /// Longer than any that works.
    #[error("the address has {0} bytes, expected at most {MAX_WEB_ADDRESS}")]
    TooLong(usize),
}

impl WebAddress {
    /// Reads an address in any of its forms.
    ///
    /// ```
    /// use wiidiaserver::web_address::WebAddress;
    /// let address = WebAddress::parse("aHR0cHM6Ly9leGFtcGxlLm9yZy9hLm1wNA").unwrap();
    /// assert_eq!(address.url().as_str(), "https://example.org/a.mp4");
    /// ```
    ///
    /// # Errors
    /// What is wrong with it, with a form that would do.
    pub fn parse(text: &str) -> Result<Self, WebAddressError> {
        match Self::parse_explicit(text) {
            Err(WebAddressError::NotAnAddress(shown)) => {
                // What people leave out.
                let decoded = percent_decode_str(without_prefix(text.trim())).decode_utf8_lossy();
                let host = decoded.split(['/', '?', ':']).next().unwrap_or_default();
                let may_be =
                    host.contains('.') && !host.starts_with('.') && !host.contains(char::is_whitespace);
                if may_be {
                    Self::of(&format!("https://{decoded}"))
                } else {
                    Err(WebAddressError::NotAnAddress(shown))
                }
            }
            other => other,
        }
    }

    /// The same, but `example.org/film.mp4` is none: it may be a file's name.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_explicit(text: &str) -> Result<Self, WebAddressError> {
        let text = text.trim();
        // Base64 of the longest address, or every byte of it percent-encoded.
        if text.len() > 3 * MAX_WEB_ADDRESS {
            return Err(WebAddressError::TooLong(text.len()));
        }
        let text = without_prefix(text);
        if let Some(address) = whole(text) {
            return Self::of(&address);
        }
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        if let Some(address) = whole(&decoded) {
            return Self::of(&address);
        }
        let bare = text.trim_end_matches('=');
        let in_base64 =
            BASE64URL_NOPAD.decode(bare.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(address) = in_base64.as_deref().and_then(whole) {
            return Self::of(&address);
        }
        match decoded.split_once(':') {
            Some((scheme, rest)) if rest.starts_with("//") => {
                Err(WebAddressError::Scheme(scheme.chars().take(20).collect()))
            }
            _ => Err(WebAddressError::NotAnAddress(decoded.chars().take(60).collect())),
        }
    }

    fn of(text: &str) -> Result<Self, WebAddressError> {
        let not = || WebAddressError::NotAnAddress(text.chars().take(60).collect());
        Self::new(Url::parse(text).map_err(|_| not())?)
    }

    /// From an address that was found somewhere.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn new(mut url: Url) -> Result<Self, WebAddressError> {
        url.set_fragment(None);
        let len = url.as_str().len();
        match url.scheme() {
            _ if len > MAX_WEB_ADDRESS => Err(WebAddressError::TooLong(len)),
            "http" | "https" => Ok(Self(url)),
            other => Err(WebAddressError::Scheme(other.chars().take(20).collect())),
        }
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// In base64url: the form that goes through every client.
    pub fn encoded(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.as_str().as_bytes())
    }

    /// What the live stream of this address is called: short, and the same each time.
    pub fn stream_name(&self) -> String {
        let sum = ring::digest::digest(&ring::digest::SHA256, self.0.as_str().as_bytes());
        format!("{WEB_STREAMS}{}", BASE64URL_NOPAD.encode(&sum.as_ref()[..12]))
    }

    /// For people who have no better title: the last name in it, else its server.
    pub fn name(&self) -> String {
        let last = self.0.path_segments().and_then(|parts| parts.rev().find(|part| !part.is_empty()));
        let last = last.map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
        let host = || self.0.host_str().unwrap_or_default().to_owned();
        let name = last.unwrap_or_else(host);
        name.chars().filter(|letter| !letter.is_control()).take(100).collect()
    }
}

/// FMS's prefixes, which ffmpeg and librtmp put before what ends in ".mp4".
fn without_prefix(text: &str) -> &str {
    let text = text.trim_start_matches('/');
    let prefix = text.get(..4).filter(|prefix| {
        ["mp4:", "flv:", "mp3:", "f4v:"].iter().any(|known| prefix.eq_ignore_ascii_case(known))
    });
    prefix.map_or(text, |prefix| text[prefix.len()..].trim_start_matches('/'))
}

/// The text with the slashes of `https://` as they ought to be, if it begins so.
fn whole(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    let known = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let rest = rest.strip_prefix('/')?.trim_start_matches('/');
    Some(format!("{known}://{rest}"))
}

/// Without user, password and query, which may be secrets.
impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        if url.query().is_some() { f.write_str("?…") } else { Ok(()) }
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebAddress({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_read_in_all_the_forms_that_clients_make_of_them() {
        let film = "https://example.org/a%20b.mp4?x=1&y=2";
        for (text, expected) in [
            (film, film),
            ("https:/example.org/a%20b.mp4?x=1&y=2", film),
            ("HTTPS://Example.org/a%20b.mp4?x=1&y=2#t=5", film),
            ("/https://example.org/a%20b.mp4?x=1&y=2", film),
            ("mp4:https://example.org/a%20b.mp4?x=1&y=2", film),
            ("https%3A%2F%2Fexample.org%2Fa%2520b.mp4%3Fx%3D1%26y%3D2", film),
            ("mp4:https%3a%2f%2fexample.org/a%2520b.mp4%3fx=1%26y=2", film),
            ("aHR0cHM6Ly9leGFtcGxlLm9yZy9hJTIwYi5tcDQ_eD0xJnk9Mg", film),
            ("aHR0cHM6Ly9leGFtcGxlLm9yZy9hJTIwYi5tcDQ_eD0xJnk9Mg==", film),
            ("example.org/a", "https://example.org/a"),
            (" example.org:8080?x ", "https://example.org:8080/?x"),
            ("http://[2001:db8::1]:80/", "http://[2001:db8::1]/"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
        ] {
            let address = WebAddress::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(address.url().as_str(), expected, "{text}");
            assert_eq!(WebAddress::parse(&address.encoded()), Ok(address));
        }
        for (text, expected) in [
            ("", "no address of the web"),
            ("film", "no address of the web"),
            ("films/a.mp4", "no address of the web"),
            ("https://", "no address of the web"),
            ("http://a b/", "no address of the web"),
            ("file:///etc/passwd", "\"file:\""),
            ("rtsp://camera/1", "\"rtsp:\""),
            ("ZmlsZTovLy9ldGMvcGFzc3dk", "no address of the web"),
        ] {
            let error = WebAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let long = format!("https://e.org/{}", "a".repeat(MAX_WEB_ADDRESS));
        assert!(matches!(WebAddress::parse(&long), Err(WebAddressError::TooLong(_))));
    }

    #[test]
    fn what_is_shown_has_no_secrets_and_streams_have_short_names() {
        let address =
            WebAddress::parse("https://user:password@e.org:81/dir/a%20film.mp4?token=secret").unwrap();
        assert_eq!(address.to_string(), "https://e.org:81/dir/a%20film.mp4?…");
        assert_eq!(address.name(), "a film.mp4");
        assert_eq!(WebAddress::parse("https://e.org/?v=1").unwrap().name(), "e.org");
        let name = address.stream_name();
        assert!(name.starts_with(WEB_STREAMS) && name.len() == 20, "{name}");
        assert_eq!(name, address.stream_name());
    }

    proptest! {
        #[test]
        fn every_address_survives_its_encoding(path in "[ -~]{0,60}", text in ".{0,40}") {
            if let Ok(address) = WebAddress::parse(&format!("https://e.org/{path}")) {
                prop_assert_eq!(WebAddress::parse(&address.encoded()).unwrap(), address);
            }
            let _ = WebAddress::parse(&text);
        }
    }
}

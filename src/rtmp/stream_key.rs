//! Which live stream a publisher's name means, and the secret that lets it.
//!
//! ```text
//!  cam              the stream "cam"
//!  cam?key=secret   the same, with a secret; further parameters are left alone
//! ```

use percent_encoding::percent_decode;
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

    /// The secret is this one. Takes as long whatever part of it is wrong; only its length shows.
    pub fn opens(&self, expected: &[u8]) -> bool {
        let Some(secret) = &self.secret else { return false };
        if secret.len() != expected.len() {
            return false;
        }
        let difference = secret.iter().zip(expected).fold(0, |all, (a, b)| all | (a ^ b));
        // Or the compiler would be free to stop at the first byte that differs.
        std::hint::black_box(difference) == 0
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
        for wrong in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!key.opens(wrong));
        }
        assert!(!StreamKey::parse(b"cam").opens(b""));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", StreamKey::parse(b"cam?key=abc")), "\"cam\" with a secret");
    }
}

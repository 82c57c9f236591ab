//! `M-SEARCH`: somebody asks who is there (UPnP Device Architecture 2.0, 1.3.2).

use crate::limits::{MAX_SSDP_DATAGRAM, MAX_SSDP_WAIT};
use std::time::Duration;

/// What somebody asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// For what.
    pub target: Target,
    /// Answers are to be spread over so long.
    pub wait: Duration,
}

/// `ST`: what is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `ssdp:all`
    All,
    /// `upnp:rootdevice`
    Root,
    /// `uuid:…`: one device, in lower case.
    Device(String),
    /// `urn:…`: a kind of device or service.
    Kind(String),
}

/// Why a datagram is no search. Nobody hears of it: it is what other devices say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSearch {
    /// Another message, such as NOTIFY.
    #[error("it does not begin with M-SEARCH * HTTP/1.1")]
    Other,
    /// Longer than [`MAX_SSDP_DATAGRAM`], or no text.
    #[error("it is no text of a datagram's length")]
    Form,
    /// It ends before the empty line.
    #[error("it has no end")]
    Cut,
    /// `MAN` is another one: an extension that we do not know (RFC 2774).
    #[error("its MAN is not \"ssdp:discover\"")]
    Man,
    /// No `ST`, or one that means nothing.
    #[error("its ST is none that the specification has")]
    Target,
}

impl Search {
    /// Reads a datagram.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(datagram: &[u8]) -> Result<Self, NoSearch> {
        if datagram.len() > MAX_SSDP_DATAGRAM {
            return Err(NoSearch::Form);
        }
        let text = std::str::from_utf8(datagram).map_err(|_| NoSearch::Form)?;
        let (head, ends) = text.split_once("\r\n\r\n").map_or((text, false), |(head, _)| (head, true));
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ').filter(|word| !word.is_empty());
        let is_search = first.next() == Some("M-SEARCH") && first.next() == Some("*");
        if !is_search || !first.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
            return Err(NoSearch::Other);
        }
        if !ends {
            return Err(NoSearch::Cut);
        }
        let (mut man, mut wait, mut target) = (None, None, None);
        for line in lines {
            // What is no header of ours, or no header at all, is skipped: devices of twenty years send all kinds of things.
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match name.trim().to_ascii_uppercase().as_str() {
                "MAN" => man = Some(value),
                "MX" => wait = value.parse().ok(),
                "ST" => target = Some(value),
                _ => {}
            }
        }
        if man.map(|man| man.trim_matches('"')) != Some("ssdp:discover") {
            return Err(NoSearch::Man);
        }
        let target = target.and_then(Target::parse).ok_or(NoSearch::Target)?;
        // Without MX, the specification wants silence; there are televisions that leave it out.
        let wait = Duration::from_secs(wait.unwrap_or(1)).min(MAX_SSDP_WAIT);
        Ok(Self { target, wait })
    }
}

impl Target {
    /// The value of `ST`.
    pub fn parse(text: &str) -> Option<Self> {
        let prefix =
            |prefix: &str| text.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
        let printable = text.bytes().all(|b| b.is_ascii_graphic());
        match text {
            "ssdp:all" => Some(Self::All),
            "upnp:rootdevice" => Some(Self::Root),
            _ if !printable => None,
            _ if prefix("uuid:") => Some(Self::Device(text["uuid:".len()..].to_ascii_lowercase())),
            _ if prefix("urn:") => Some(Self::Kind(text.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// As Windows 10 sends it.
    const WINDOWS: &[u8] = b"M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nST:upnp:rootdevice\r\nMan:\"ssdp:discover\"\r\nMX:3\r\n\r\n";
    /// As `gssdp-discover` does.
    const GSSDP: &[u8] = b"M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nMan: \"ssdp:discover\"\r\nST: ssdp:all\r\nMX: 3\r\nUser-Agent: gssdp-discover GSSDP/1.6.2\r\n\r\n";

    #[test]
    fn what_programs_send_is_understood() {
        for (datagram, target, seconds) in [
            (WINDOWS, Target::Root, 3),
            (GSSDP, Target::All, 3),
            (
                b"M-SEARCH * HTTP/1.1\r\nMAN: ssdp:discover\r\nST: UUID:ABCD\r\nMX: 120\r\n\r\n",
                Target::Device("abcd".into()),
                5,
            ),
            (
                b"M-SEARCH * HTTP/1.0\r\nx\r\nMAN: \"ssdp:discover\"\r\nST: urn:dial-multiscreen-org:service:dial:1\r\n\r\n",
                Target::Kind("urn:dial-multiscreen-org:service:dial:1".into()),
                1,
            ),
        ] {
            let search = Search::parse(datagram).unwrap();
            assert_eq!(search, Search { target, wait: Duration::from_secs(seconds) });
        }
    }

    #[test]
    fn anything_else_is_none() {
        for (datagram, why) in [
            (&b""[..], NoSearch::Other),
            (b"NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n", NoSearch::Other),
            (b"HTTP/1.1 200 OK\r\nST: ssdp:all\r\n\r\n", NoSearch::Other),
            (b"M-SEARCH / HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n", NoSearch::Other),
            (b"M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n", NoSearch::Man),
            (b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\n", NoSearch::Target),
            (b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: everything\r\n\r\n", NoSearch::Target),
            (b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: urn:a b\r\n\r\n", NoSearch::Target),
            (b"M-SEARCH * HTTP/1.1\r\nMAN: \xff\r\n\r\n", NoSearch::Form),
            (&[b'M'; MAX_SSDP_DATAGRAM + 1], NoSearch::Form),
        ] {
            assert_eq!(Search::parse(datagram), Err(why), "{:?}", String::from_utf8_lossy(datagram));
        }
    }

    #[test]
    fn what_is_cut_is_none() {
        for cut in 0..WINDOWS.len() {
            assert!(Search::parse(&WINDOWS[..cut]).is_err(), "{cut}");
        }
    }
}

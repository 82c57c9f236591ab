//! What browsers send because of a page, and which page that is: pages of other sites may not do anything here.
//!
//! * `Host` is an address, or a name of the home's network, or one that the owner has named: a name of the internet
//!   that leads here is another site's trick (DNS rebinding), by which its page would have the right origin.
//! * `Origin`, which browsers put on every request that changes something, is this very server's.
//! * `Sec-Fetch-Site`, which newer ones put on every request, names no other site.

use std::net::IpAddr;

/// The headers that say where a request comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// `Host`; old programs send none, browsers always do.
    pub host: Option<&'a str>,
    /// `Origin`; what is no text counts as another site's.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`
    pub site: Option<&'a str>,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// A name that is not the home's.
    #[error(
        "this is not possible by the name \"{0}\"; call the server by its address or its name in the home's network, or write the name into [access] names"
    )]
    Host(String),
    /// Another site's page.
    #[error("another site's page may not do this; open the server's own page")]
    Site,
}

impl Origin<'_> {
    /// Whether this may only look. `names` are those that the owner has given to the server.
    ///
    /// # Errors
    /// The name is another's.
    pub fn may_look(&self, names: &[String]) -> Result<(), OriginError> {
        match self.host {
            Some(host) if !is_ours(host, names) => {
                Err(OriginError::Host(host.chars().take(100).filter(|c| !c.is_control()).collect()))
            }
            _ => Ok(()),
        }
    }

    /// Whether this may change something.
    ///
    /// # Errors
    /// The name is another's, or the page is.
    pub fn may_change(&self, names: &[String]) -> Result<(), OriginError> {
        let host = self.host.unwrap_or_default();
        if !is_ours(host, names) {
            return Err(OriginError::Host(host.chars().take(100).filter(|c| !c.is_control()).collect()));
        }
        if self.site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Err(OriginError::Site);
        }
        match self.origin {
            None => Ok(()),
            Some(origin) => match origin.split_once("://") {
                Some((_, authority)) if authority.eq_ignore_ascii_case(host) => Ok(()),
                _ => Err(OriginError::Site),
            },
        }
    }
}

/// An IP address, a name without dots, one that only a home's network knows (RFC 6762, RFC 8375, and what routers
/// use), or one of `names`.
fn is_ours(host: &str, names: &[String]) -> bool {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if address.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let known = ["local", "lan", "home.arpa", "internal", "home", "fritz.box", "localhost"];
    let ends = |suffix: &str| name.strip_suffix(suffix).is_some_and(|front| front.ends_with('.'));
    let is_word = !name.is_empty() && !name.contains('.');
    is_word || known.into_iter().any(ends) || names.iter().any(|ours| ours.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_home_are_known_from_those_of_the_internet() {
        let names = ["media.example.org".to_owned()];
        for (host, expected) in [
            ("192.168.1.20:8080", true),
            ("192.168.1.20", true),
            ("[fe80::1]:8080", true),
            ("[::1]", true),
            ("localhost:8080", true),
            ("box", true),
            ("box.local", true),
            ("Box.Fritz.Box:80", true),
            ("box.home.arpa.", true),
            ("Media.Example.org:80", true),
            ("evil.example:8080", false),
            ("x.media.example.org", false),
            ("notlocal.example", false),
            ("fritz.box.example", false),
            ("evillocal", true),
            ("1.2.3.4.example", false),
            ("", false),
            (":80", false),
        ] {
            assert_eq!(is_ours(host, &names), expected, "{host}");
            let origin = Origin { host: Some(host), ..Origin::default() };
            assert_eq!(origin.may_look(&names).is_ok(), expected, "{host}");
        }
        assert!(Origin::default().may_look(&[]).is_ok(), "no browser");
    }

    #[test]
    fn other_sites_are_refused() {
        let ours = Some("192.168.1.20:8080");
        for (host, origin, site, expected) in [
            (ours, None, None, true),
            (ours, Some("http://192.168.1.20:8080"), None, true),
            (ours, Some("http://192.168.1.20"), None, false),
            (ours, Some("https://evil.example"), None, false),
            (Some("evil.example"), Some("http://evil.example"), None, false),
            (Some("box"), Some("null"), None, false),
            (Some("box"), Some(""), None, false),
            (Some("box"), None, Some("cross-site"), false),
            (Some("box"), None, Some("same-site"), false),
            (Some("box"), Some("http://box"), Some("same-origin"), true),
            (None, None, None, false),
        ] {
            let from = Origin { host, origin, site };
            assert_eq!(from.may_change(&[]).is_ok(), expected, "{from:?}");
        }
    }
}

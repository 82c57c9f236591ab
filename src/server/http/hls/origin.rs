//! Which other sites' pages may read films and streams.
//!
//! A page of any site that somebody in the house looks at can send requests to this server; whether its script may
//! read the answer is what `Access-Control-Allow-Origin` says. Players on other machines of the home may (a smart
//! TV's browser, a dashboard); the internet's only where the owner has named them, since anything else would let
//! any web site watch the house's cameras. Programs, TVs and iPhones that play without a page's script ask nobody.

use super::super::reply::{Reply, set};
use super::set_text;
use crate::access::Origin;
use hyper::header::{self, HeaderMap};
use std::net::IpAddr;

/// Whether the script of a page of this origin may read.
fn is_permitted(origin: &str, named: &[String]) -> bool {
    if named.iter().any(|named| named == "*" || named.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Some((_, host)) = origin.split_once("://") else { return false };
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        // A name that only a home's network knows.
        Err(_) => Origin { host: Some(host), ..Origin::default() }.may_look(&[]).is_ok(),
    }
}

/// Adds what lets a page of a permitted origin read the answer.
pub(in crate::server::http) fn permit(reply: &mut Reply, request: &HeaderMap, named: &[String]) {
    // A cache must not give one page's answer to another.
    set(reply, header::VARY, "Origin");
    let origin = request.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let everybody = named.iter().any(|named| named == "*");
    if everybody {
        set(reply, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        reply.headers_mut().remove(header::VARY);
    } else if let Some(origin) = origin.filter(|origin| is_permitted(origin, named)) {
        set_text(reply, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.to_owned());
    } else {
        return;
    }
    set(reply, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD");
    set(reply, header::ACCESS_CONTROL_ALLOW_HEADERS, "Range");
    set(reply, header::ACCESS_CONTROL_EXPOSE_HEADERS, "Content-Length, Content-Range, Retry-After");
    set(reply, header::ACCESS_CONTROL_MAX_AGE, "86400");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_may_read_and_the_internet_where_it_is_named() {
        let named = ["https://player.example".to_owned()];
        for (origin, expected) in [
            ("http://192.168.1.7", true),
            ("http://192.168.1.7:3000", true),
            ("http://[fd00::1]:3000", true),
            ("http://localhost:5173", true),
            ("http://tv.local", true),
            ("http://kodi", true),
            ("https://player.example", true),
            ("https://player.example.evil", false),
            ("http://player.example", false),
            ("https://evil.example", false),
            ("http://93.184.216.34", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_permitted(origin, &named), expected, "{origin}");
        }
        assert!(is_permitted("https://evil.example", &["*".to_owned()]));
    }
}

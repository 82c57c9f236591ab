//! The one place where a request is let in or not: before any route is looked into.
//!
//! ```text
//!  Host ─▶ ours?   changes: Origin, Sec-Fetch-Site ─▶ our page?   cookie, token ─▶ who ─▶ may they?
//! ```
//!
//! What a route needs is said beside its address ([`Route::audience`], [`Manage::needs`](super::manage::Manage::needs));
//! what changes something and says nothing needs the owner.

use super::manage::{Manage, apart};
use super::reply::Refusal;
use super::route::{Route, RouteError, parameter};
use crate::access::{Access, Denied, Need, Origin, OriginError, Role, Shown, SignInError, Who};
use crate::server::App;
use data_encoding::BASE64;
use hyper::header::{self, AsHeaderName, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use std::net::IpAddr;

/// The session's cookie.
pub(super) const COOKIE: &str = "wiidia";

/// Who has sent a password along (RFC 7617), where that is a way: in the network folder. It counts as a guess. Whoever sends a
/// wrong one is nobody, and asked again.
pub(super) async fn password(
    app: &App,
    head: &Parts,
    route: &Result<Route, RouteError>,
    address: IpAddr,
) -> Result<Option<Role>, Refusal> {
    let sent = text(&head.headers, header::AUTHORIZATION).and_then(basic);
    let Some(sent) = sent.filter(|_| matches!(route, Ok(Route::Share(_)))) else { return Ok(None) };
    let access = app.access.clone();
    match apart(move || access.password_of_program(&sent, address)).await? {
        Ok(role) => Ok(Some(role)),
        Err(SignInError::Wrong) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Lets a request in, and says who sends it. `method` is one that the route knows; `known` is who has shown a password.
pub(super) fn admit(
    access: &Access,
    head: &Parts,
    route: &Result<Route, RouteError>,
    address: IpAddr,
    known: Option<Role>,
) -> Result<Who, Refusal> {
    let origin = Origin {
        host: head.headers.get(header::HOST).map(|_| text(&head.headers, header::HOST).unwrap_or_default()),
        origin: head
            .headers
            .get(header::ORIGIN)
            .map(|_| text(&head.headers, header::ORIGIN).unwrap_or_default()),
        site: text(&head.headers, HeaderName::from_static("sec-fetch-site")),
    };
    let looks = looks(&head.method);
    match looks {
        true => origin.may_look(access.names())?,
        false => origin.may_change(access.names())?,
    }
    let shown = Shown {
        session: cookie(&head.headers),
        bearer: text(&head.headers, header::AUTHORIZATION).and_then(bearer),
        // An address is no way to change anything: it ends up in histories and logs.
        link: parameter(head.uri.query(), "token").filter(|_| looks),
    };
    let mut who = access.who(shown, address);
    who.role = who.role.max(known);
    access.permit(need(&head.method, route), &who, address)?;
    Ok(who)
}

/// Whether this method only looks (RFC 9110 9.2.1).
fn looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// What a request of this method needs there.
fn need(method: &Method, route: &Result<Route, RouteError>) -> Need {
    match route {
        Ok(Route::Manage(manage)) => manage.need(method),
        Ok(route) if looks(method) => route.audience(),
        // Who may watch may say how far.
        Ok(Route::Positions(_) | Route::Position { .. }) if *method == Method::DELETE => Need::Watch,
        Ok(Route::Position { .. }) if *method == Method::PUT => Need::Watch,
        // There is nothing to be seen there.
        Err(_) if looks(method) => Need::Nothing,
        _ => Need::Own,
    }
}

impl Manage {
    fn need(&self, method: &Method) -> Need {
        let method = if looks(method) { "GET" } else { method.as_str() };
        let found = self.needs().iter().find(|(of, _)| *of == method);
        found.map_or(Need::Own, |(_, need)| *need)
    }
}

/// The session's secret.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    })
}

/// RFC 6750 2.1.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// RFC 7617 2: the password, whatever the name is: there is one owner.
fn basic(value: &str) -> Option<String> {
    let (scheme, code) = value.trim().split_once(' ')?;
    let decoded =
        BASE64.decode(code.trim().as_bytes()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

impl From<OriginError> for Refusal {
    fn from(error: OriginError) -> Self {
        Self::new(StatusCode::FORBIDDEN, error.to_string())
    }
}

impl From<Denied> for Refusal {
    fn from(error: Denied) -> Self {
        let status = match error {
            Denied::SignIn | Denied::SignInToWatch | Denied::FarAway => StatusCode::UNAUTHORIZED,
            Denied::Unclaimed | Denied::Locked | Denied::NotOwner => StatusCode::FORBIDDEN,
        };
        Self::new(status, error.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::access::Mode;
    use hyper::Request;

    /// Every method that HTTP has, but CONNECT, and those of network folders.
    const METHODS: [&str; 15] = [
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "MKCOL",
        "COPY",
        "MOVE",
        "PROPFIND",
        "PROPPATCH",
        "LOCK",
        "UNLOCK",
    ];

    fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn ask(access: &Access, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Who, Refusal> {
        let head = head(method, target, headers);
        let route = Route::decode(head.uri.path(), head.uri.query());
        admit(access, &head, &route, "192.168.1.5".parse().unwrap(), None)
    }

    /// What somebody may do who shows nothing.
    const FREE: [(&str, &str); 7] = [
        ("POST", "/api/v1/claim"),
        ("POST", "/api/v1/session"),
        ("DELETE", "/api/v1/session"),
        ("POST", "/setup/network"),
        ("DELETE", "/api/v1/positions/anna"),
        ("PUT", "/api/v1/positions/anna/films/a.avi"),
        ("DELETE", "/api/v1/positions/anna/films/a.avi"),
    ];

    #[test]
    fn nothing_can_be_changed_by_anybody_but_the_owner_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access::open(Mode::Owner, Vec::new(), folder.path());
        let host = ("host", "box");
        for claimed in [false, true] {
            let owner = claimed.then(|| {
                let address = "192.168.1.5".parse().unwrap();
                let session = access.claim("open sesame", "", address).unwrap();
                let (token, _) = access.make_token("x", Role::Owner).unwrap().unwrap();
                (session.reveal().to_owned(), token.reveal().to_owned())
            });
            for target in Route::EXAMPLES {
                for method in METHODS.into_iter().filter(|method| !["GET", "HEAD"].contains(method)) {
                    let free = FREE.contains(&(method, target));
                    let refused = ask(&access, method, target, &[host]);
                    let status = if claimed { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
                    match refused {
                        Ok(_) => assert!(free, "{method} {target}"),
                        Err(refusal) => {
                            assert!(!free, "{method} {target}");
                            assert_eq!(refusal.status, status, "{method} {target}");
                        }
                    }
                    let Some((owner, token)) = &owner else { continue };
                    let cookie = format!("{COOKIE}={owner}");
                    let cookie = ("cookie", cookie.as_str());
                    assert!(ask(&access, method, target, &[host, cookie]).is_ok(), "{method} {target}");
                    // Another site's page has the browser's cookie with it, if the browser is old.
                    for foreign in [
                        &[host, cookie, ("origin", "http://evil.example")][..],
                        &[host, cookie, ("origin", "null")],
                        &[host, cookie, ("sec-fetch-site", "cross-site")],
                        &[("host", "evil.example"), cookie, ("origin", "http://evil.example")],
                        &[cookie],
                    ] {
                        let refused = ask(&access, method, target, foreign).unwrap_err();
                        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method} {target} {foreign:?}");
                    }
                    // An address opens nothing that changes anything.
                    let with_token = format!("{target}?token={token}");
                    assert_eq!(ask(&access, method, &with_token, &[host]).is_ok(), free, "{method} {target}");
                    let bearer = format!("Bearer {token}");
                    let by_header = [host, ("authorization", bearer.as_str())];
                    assert!(ask(&access, method, target, &by_header).is_ok(), "{method} {target}");
                }
            }
        }
    }

    #[test]
    fn looking_by_another_sites_name_is_refused_everywhere() {
        let access = Access::everybody();
        for target in Route::EXAMPLES {
            let refused = ask(&access, "GET", target, &[("host", "evil.example")]).unwrap_err();
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{target}");
            assert!(ask(&access, "GET", target, &[]).is_ok(), "{target}");
        }
    }

    #[test]
    fn with_a_password_for_viewers_nothing_of_the_house_can_be_seen_without() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access::open(Mode::Owner, Vec::new(), folder.path());
        access.claim("open sesame", "", "192.168.1.5".parse().unwrap()).unwrap();
        access.set_viewers(Some("watch watch")).unwrap();
        let link = access.link().unwrap();
        for target in Route::EXAMPLES {
            let open = ask(&access, "GET", target, &[]).is_ok();
            let public = Route::PUBLIC.contains(target);
            assert_eq!(open, public, "{target}");
            let joint = if target.contains('?') { '&' } else { '?' };
            let with_link = ask(&access, "GET", &format!("{target}{joint}token={link}"), &[]);
            let watched = with_link.is_ok();
            let bearer = format!("Bearer {link}");
            let by_header = ask(&access, "GET", target, &[("authorization", &bearer)]).is_ok();
            assert_eq!(by_header, public, "a link is no token: {target}");
            let (path, query) = target.split_once('?').map_or((*target, None), |(path, q)| (path, Some(q)));
            let needs = need(&Method::GET, &Route::decode(path, query));
            assert_eq!(watched, needs != Need::Own, "{target}");
        }
    }

    #[test]
    fn cookies_and_tokens_are_found_among_others() {
        let headers = |value: &str| {
            let mut map = HeaderMap::new();
            map.append(header::COOKIE, "a=b".parse().unwrap());
            map.append(header::COOKIE, value.parse().unwrap());
            map
        };
        assert_eq!(cookie(&headers("x=y; wiidia=abc; z")), Some("abc"));
        assert_eq!(cookie(&headers("xwiidia=abc")), None);
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
        assert_eq!(basic("Basic YWRhOm9wZW46c2VzYW1l").as_deref(), Some("open:sesame"));
        assert_eq!(basic("basic  OnjDpA== ").as_deref(), Some("xä"));
        for wrong in ["Basic YWRh", "Basic %", "Bearer YWRhOng=", "Basic", "Basic /zo="] {
            assert_eq!(basic(wrong), None, "{wrong}");
        }
    }
}

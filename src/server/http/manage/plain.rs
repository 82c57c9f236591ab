//! `/setup/network`: claiming, signing in and the box's network without JavaScript, for text browsers, old televisions, and
//! the telephone that is all one has when the page does not load. Forms that are sent and answered whole.
//!
//! What a form changes is what the interface changes, by the same functions. Browsers that do not know `SameSite` would
//! send the session with another site's form; so each form of ours carries a word that only our page knows.

use super::{Asked, apart};
use crate::access::{Role, Secret};
use crate::appliance::{Addressing, Interface, SystemError, Wish};
use crate::limits::MAX_ACCESS_BODY;
use crate::server::http::changing::read_form;
use crate::server::http::guard::cookie;
use crate::server::http::reply::{Refusal, Reply, reply, set};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use std::collections::BTreeMap;
use std::fmt::Write;

type Fields = BTreeMap<String, String>;

/// The words of one language.
struct Words {
    code: &'static str,
    title: &'static str,
    claim: &'static str,
    sign_in: &'static str,
    password: &'static str,
    code_field: &'static str,
    go: &'static str,
    interface: &'static str,
    dhcp: &'static str,
    fixed: &'static str,
    address: &'static str,
    gateway: &'static str,
    dns: &'static str,
    try_it: &'static str,
    warning: &'static str,
    trial: &'static str,
    keep: &'static str,
    revert: &'static str,
    not_here: &'static str,
    page: &'static str,
}

const ENGLISH: Words = Words {
    code: "en",
    title: "Network",
    claim: "This server is nobody’s yet. Choose a password of at least 8 characters.",
    sign_in: "Sign in with the owner’s password.",
    password: "Password",
    code_field: "The six digits that the screen at the box shows",
    go: "Go on",
    interface: "Socket",
    dhcp: "Address by the router (DHCP)",
    fixed: "A fixed address",
    address: "Address with its length, such as 192.168.1.20/24",
    gateway: "Router",
    dns: "Name servers, with commas between",
    try_it: "Try it",
    warning: "The box takes the new address at once. Open this page by it and confirm within a minute, or the one before comes back.",
    trial: "The new address is on trial. Seconds left:",
    keep: "Keep it",
    revert: "Go back now",
    not_here: "The network of this machine is looked after by its own system.",
    page: "To the page",
};

const GERMAN: Words = Words {
    code: "de",
    title: "Netzwerk",
    claim: "Dieser Server gehört noch niemandem. Wählen Sie ein Passwort mit mindestens 8 Zeichen.",
    sign_in: "Melden Sie sich mit dem Passwort des Besitzers an.",
    password: "Passwort",
    code_field: "Die sechs Ziffern auf dem Bildschirm am Gerät",
    go: "Weiter",
    interface: "Anschluss",
    dhcp: "Adresse vom Router (DHCP)",
    fixed: "Eine feste Adresse",
    address: "Adresse mit Länge, zum Beispiel 192.168.1.20/24",
    gateway: "Router",
    dns: "Nameserver, mit Kommas dazwischen",
    try_it: "Ausprobieren",
    warning: "Das Gerät nimmt die neue Adresse sofort an. Öffnen Sie diese Seite darunter und bestätigen Sie innerhalb einer Minute, sonst gilt wieder die alte.",
    trial: "Die neue Adresse wird erprobt. Sekunden übrig:",
    keep: "Behalten",
    revert: "Jetzt zurück",
    not_here: "Um das Netzwerk dieses Geräts kümmert sich sein eigenes System.",
    page: "Zur Seite",
};

/// `GET /setup/network`
pub(super) async fn show(asked: &Asked<'_>) -> Reply {
    page(asked, StatusCode::OK, "", &Fields::new()).await
}

/// `POST /setup/network`, whatever form of it was sent. A mistake comes back with what was typed.
pub(super) async fn act(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let fields = read_form(&asked.head.headers, body, MAX_ACCESS_BODY).await?;
    match perform(asked, &fields).await {
        Ok(session) => Ok(back(session)),
        Err(refusal) => Ok(page(asked, refusal.status, &refusal.detail, &fields).await),
    }
}

async fn perform(asked: &Asked<'_>, fields: &Fields) -> Result<Option<Secret>, Refusal> {
    let field = |name: &str| fields.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let (access, address) = (asked.app.access.clone(), asked.address);
    let password = fields.get("password").cloned().unwrap_or_default();
    match field("what").as_str() {
        "claim" => {
            let claimed = super::session::claim_by(asked, password, field("code"), String::new());
            Ok(Some(claimed.await?))
        }
        "session" => Ok(Some(apart(move || access.sign_in(&password, "", address)).await??.1)),
        what => {
            access.permit(crate::access::Need::Own, &asked.who, address)?;
            if fields.get("word") != word(asked).as_ref() {
                let text = "the form is an old one; load the page again, then send it once more";
                return Err(Refusal::new(StatusCode::FORBIDDEN, text));
            }
            let appliance = &asked.app.appliance;
            match what {
                "keep" => appliance.keep_network().await?,
                "revert" => appliance.revert_network().await?,
                _ => appliance.try_network(wish(&field)?).await?,
            }
            Ok(None)
        }
    }
}

fn wish(field: &impl Fn(&str) -> String) -> Result<Wish, Refusal> {
    let address = |text: &str| {
        text.parse().map_err(|_| {
            let text = format!("\"{text}\" is no address; write for example 192.168.1.1");
            Refusal::new(StatusCode::BAD_REQUEST, text)
        })
    };
    let addressing = match field("mode").as_str() {
        "static" => {
            let (gateway, dns) = (field("gateway"), field("dns"));
            let servers = dns.split([',', ' ']).filter(|server| !server.is_empty());
            Addressing::Static {
                address: field("address"),
                gateway: Some(gateway.as_str()).filter(|text| !text.is_empty()).map(address).transpose()?,
                dns: servers.map(address).collect::<Result<_, _>>()?,
            }
        }
        _ => Addressing::Dhcp,
    };
    Ok(Wish { interface: field("interface"), addressing })
}

/// What only a page of ours can know: it changes with the session.
fn word(asked: &Asked<'_>) -> Option<String> {
    cookie(&asked.head.headers).map(|session| asked.app.access.word_for(session))
}

/// Back to the page, so that loading it again sends nothing twice.
fn back(session: Option<Secret>) -> Reply {
    let mut answer = reply("text/plain; charset=utf-8", Bytes::new());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    set(&mut answer, header::LOCATION, "/setup/network");
    if let Some(secret) = session {
        super::session::keep_signed_in(&mut answer, &secret);
    }
    answer
}

async fn page(asked: &Asked<'_>, status: StatusCode, problem: &str, typed: &Fields) -> Reply {
    let accepted = asked.head.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let words = if accepted.unwrap_or_default().trim_start().starts_with("de") { &GERMAN } else { &ENGLISH };
    let mut html = format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{} – Wiidia</title><main><h1>{}</h1>",
        words.code, words.title, words.title
    );
    // Writing to a string can't fail.
    if !problem.is_empty() {
        let _ = write!(html, "<p role=\"alert\"><strong>{}</strong></p>", escaped(problem));
    }
    let access = &asked.app.access;
    if !access.is_claimed() && asked.who.role.is_none() {
        let code = super::setup::code_for(asked).map(|_| words.code_field);
        password_form(&mut html, "claim", words.claim, code, words);
    } else if asked.who.role != Some(Role::Owner) {
        password_form(&mut html, "session", words.sign_in, None, words);
    } else {
        match asked.app.appliance.interfaces().await {
            Ok(interfaces) => {
                let word = word(asked).unwrap_or_default();
                let trial = asked.app.appliance.trial().await;
                network_form(&mut html, &interfaces, trial, &word, typed, words);
            }
            Err(SystemError::NotHere(_)) => {
                let _ = write!(html, "<p>{}</p>", words.not_here);
            }
            Err(error) => {
                let _ = write!(html, "<p>{}</p>", escaped(&error.to_string()));
            }
        }
    }
    let _ = write!(html, "<p><a href=\"/\">{}</a></p></main></html>", words.page);
    let mut answer = reply("text/html; charset=utf-8", Bytes::from(html));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    answer
}

fn password_form(html: &mut String, what: &str, text: &str, code: Option<&str>, words: &Words) {
    let complete = if what == "claim" { "new-password" } else { "current-password" };
    let _ = write!(
        html,
        "<form method=\"post\" action=\"/setup/network\"><p>{text}</p><input type=\"hidden\" name=\"what\" value=\"{what}\">\
         <p><label for=\"password\">{}</label> <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"{complete}\" required></p>",
        words.password
    );
    if let Some(label) = code {
        let _ = write!(
            html,
            "<p><label for=\"code\">{label}</label> <input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"off\" required></p>"
        );
    }
    let _ = write!(html, "<p><button>{}</button></p></form>", words.go);
}

fn network_form(
    html: &mut String,
    interfaces: &[Interface],
    trial: Option<u64>,
    word: &str,
    typed: &Fields,
    words: &Words,
) {
    let hidden = |what: &str| {
        format!(
            "<input type=\"hidden\" name=\"what\" value=\"{what}\"><input type=\"hidden\" name=\"word\" value=\"{word}\">"
        )
    };
    if let Some(seconds) = trial {
        let _ = write!(html, "<p role=\"alert\">{} {seconds}</p>", words.trial);
        for (what, label) in [("keep", words.keep), ("revert", words.revert)] {
            let hidden = hidden(what);
            let _ = write!(
                html,
                "<form method=\"post\" action=\"/setup/network\">{hidden}<p><button>{label}</button></p></form>"
            );
        }
    }
    let value = |name: &str| escaped(typed.get(name).map_or("", String::as_str));
    let _ = write!(
        html,
        "<form method=\"post\" action=\"/setup/network\">{}<p>{}</p>",
        hidden("try"),
        words.warning
    );
    let _ = write!(
        html,
        "<p><label for=\"interface\">{}</label> <select id=\"interface\" name=\"interface\">",
        words.interface
    );
    for interface in interfaces {
        let name = escaped(&interface.name);
        let chosen = if value("interface") == name { " selected" } else { "" };
        let about = escaped(&format!("{}, {}", interface.state, interface.addresses.join(", ")));
        let _ = write!(html, "<option value=\"{name}\"{chosen}>{name} ({about})</option>");
    }
    html.push_str("</select></p>");
    let fixed = value("mode") == "static";
    for (mode, label, on) in [("dhcp", words.dhcp, !fixed), ("static", words.fixed, fixed)] {
        let checked = if on { " checked" } else { "" };
        let _ = write!(
            html,
            "<p><input type=\"radio\" id=\"{mode}\" name=\"mode\" value=\"{mode}\"{checked}> <label for=\"{mode}\">{label}</label></p>"
        );
    }
    for (name, label) in [("address", words.address), ("gateway", words.gateway), ("dns", words.dns)] {
        let _ = write!(
            html,
            "<p><label for=\"{name}\">{label}</label> <input id=\"{name}\" name=\"{name}\" value=\"{}\"></p>",
            value(name)
        );
    }
    let _ = write!(html, "<p><button>{}</button></p></form>", words.try_it);
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_harmless() {
        let mut html = String::new();
        let typed: Fields = [
            ("address".to_owned(), "\"><script>alert(1)</script>".to_owned()),
            ("mode".to_owned(), "static".to_owned()),
        ]
        .into();
        let interfaces = [Interface {
            name: "eth0".into(),
            kind: "ether".into(),
            state: "<b>".into(),
            addresses: vec!["192.168.1.20/24".into()],
        }];
        network_form(&mut html, &interfaces, Some(40), "w0rd", &typed, &ENGLISH);
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        assert!(
            html.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)")
                && html.contains("id=\"static\" name=\"mode\" value=\"static\" checked")
        );
        assert_eq!(html.matches("name=\"word\" value=\"w0rd\"").count(), 3);
    }

    #[test]
    fn forms_become_the_wishes_that_the_interface_takes() {
        let field = |name: &str| match name {
            "interface" => "eth0".to_owned(),
            "mode" => "static".to_owned(),
            "address" => "192.168.1.20/24".to_owned(),
            "dns" => "9.9.9.9, 1.1.1.1".to_owned(),
            _ => String::new(),
        };
        let wish = wish(&field).unwrap();
        assert!(wish.check().is_ok());
        assert!(wish.to_networkd().contains("DNS=9.9.9.9\nDNS=1.1.1.1\n"));
        let wrong = super::wish(&|name: &str| if name == "dns" { "router".into() } else { field(name) });
        assert_eq!(wrong.unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}

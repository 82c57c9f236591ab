//! `wiidiaserver ctl`: what the page does, for whoever is logged in at the machine, over the control socket.
//!
//! ```text
//!  ctl claim | status | log | settings | set <section>.<name> <value> | restart | <METHOD> <path> [<json>]
//! ```

mod http;

use crate::limits::MAX_PASSWORD_BYTES;
use http::{Answer, Call};
use serde_json::{Map, Value, json};
use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

/// What `ctl --help` prints.
pub const HELP: &str = "\
wiidiaserver ctl: look after a running server from its own machine, as its user or as root.

  wiidiaserver ctl status                    whether all is well, or what to do
  wiidiaserver ctl claim                     choose the first password (typed, or on standard input)
  wiidiaserver ctl settings [SECTION]        what is set
  wiidiaserver ctl set SECTION.NAME VALUE    change it, such as: set playback.profile small
                                             VALUE is JSON or a word; null takes the choice back
  wiidiaserver ctl log [WORDS]               the latest lines
  wiidiaserver ctl restart                   start anew, for settings that wait for it
  wiidiaserver ctl GET /api/v1/streams       any address of docs/http-api.md
  wiidiaserver ctl POST /api/v1/recordings '{\"stream\":\"cam\"}'

Flags: --data DIR or --config FILE, as the server has them, when they are not the usual ones.
";

/// Does it: `words` are those behind `ctl`. Returns what to print.
///
/// # Errors
/// What went wrong, for the person at the keyboard.
pub fn run(socket: &Path, words: &[String]) -> Result<String, String> {
    let call = |method: &str, path: &str, body: Option<Value>, tag: Option<&str>| {
        http::call(socket, &Call { method, path, body: body.as_ref(), tag })
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] | ["help"] => Ok(HELP.to_owned()),
        ["status"] => {
            let health = good(call("GET", "/api/v1/health", None, None)?)?;
            let findings = health["findings"].as_array().cloned().unwrap_or_default();
            let lines: Vec<_> = findings.iter().filter_map(|finding| finding["text"].as_str()).collect();
            Ok(if lines.is_empty() { "all is well".to_owned() } else { lines.join("\n") })
        }
        ["claim"] => {
            let password = password()?;
            good(call("POST", "/api/v1/claim", Some(json!({ "password": password })), None)?)?;
            Ok("the server is yours; sign in on its page with this password".to_owned())
        }
        ["settings"] => Ok(shown(&good(call("GET", "/api/v1/settings", None, None)?)?)),
        ["settings", section] => {
            let section = good(call("GET", &format!("/api/v1/settings/{section}"), None, None)?)?;
            Ok(shown(&json!({ "sections": [section] })))
        }
        ["set", name, value] => {
            let (section, name) =
                name.split_once('.').ok_or("expected for example: set playback.profile small")?;
            let path = format!("/api/v1/settings/{section}");
            let present = good(call("GET", &path, None, None)?)?;
            let tag = format!("\"{}\"", present["tag"].as_str().unwrap_or_default());
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            let change = Map::from_iter([(name.to_owned(), value)]);
            let section = good(call("PATCH", &path, Some(Value::Object(change)), Some(&tag))?)?;
            Ok(shown(&json!({ "sections": [section] })))
        }
        ["log"] => log(&good(call("GET", "/api/v1/log", None, None)?)?),
        ["log", sought] => {
            let sought = percent_encoding::utf8_percent_encode(sought, percent_encoding::NON_ALPHANUMERIC);
            log(&good(call("GET", &format!("/api/v1/log?words={sought}"), None, None)?)?)
        }
        ["restart"] => {
            good(call("POST", "/api/v1/restart", None, None)?).map(|_| "it starts anew".to_owned())
        }
        [method, path] if is_method(method) => whole(call(method, path, None, None)?),
        [method, path, body] if is_method(method) => {
            let body = serde_json::from_str(body).map_err(|error| format!("the body is no JSON: {error}"))?;
            whole(call(method, path, Some(body), None)?)
        }
        _ => Err(format!("\"{}\" means nothing here; see wiidiaserver ctl help", words.join(" "))),
    }
}

fn is_method(word: &str) -> bool {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&word)
}

/// The JSON of an answer that is one, else its reason.
fn good(answer: Answer) -> Result<Value, String> {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if (200..300).contains(&answer.status) {
        return Ok(body);
    }
    Err(body["detail"]
        .as_str()
        .map_or_else(|| format!("the server answered {}", answer.status), str::to_owned))
}

/// An answer as it is, or its reason.
fn whole(answer: Answer) -> Result<String, String> {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    good(answer)?;
    let json = serde_json::from_str::<Value>(&text).and_then(|value| serde_json::to_string_pretty(&value));
    Ok(json.unwrap_or(text))
}

fn shown(settings: &Value) -> String {
    let sections = settings["sections"].as_array().cloned().unwrap_or_default();
    let lines = sections.iter().flat_map(|section| {
        let name = section["name"].as_str().unwrap_or_default().to_owned();
        let fields = section["fields"].as_array().cloned().unwrap_or_default();
        fields.into_iter().map(move |field| {
            let locked = field["locked"].as_str().map(|place| format!("   ({place})")).unwrap_or_default();
            format!("{name}.{} = {}{locked}", field["name"].as_str().unwrap_or_default(), field["value"])
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn log(answer: &Value) -> Result<String, String> {
    let lines = answer["lines"].as_array().cloned().unwrap_or_default();
    let lines = lines.iter().map(|line| {
        format!(
            "{:5} {}",
            line["level"].as_str().unwrap_or_default(),
            line["text"].as_str().unwrap_or_default()
        )
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// From standard input: a line, asked for when somebody sits there.
fn password() -> Result<String, String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        eprintln!("The password for changing things (at least 8 characters; it is shown as you type):");
    }
    let mut line = String::new();
    let read = input.lock().take(2 * MAX_PASSWORD_BYTES as u64).read_line(&mut line);
    read.map_err(|error| format!("no password can be read: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

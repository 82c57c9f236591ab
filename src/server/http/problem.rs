//! Problems as RFC 9457 has them: kinds that programs can tell apart, each with an address that explains it.

use super::plain;
use super::reply::{Refusal, Reply, json, reply, set};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct Problem {
    /// The kind of problem: an address below `/problems/`, which explains it. Kinds stay; new ones come.
    #[schema(example = "/problems/not-found")]
    r#type: String,
    /// The kind in words.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A sentence for the person at the screen: what happened, and what to do next.
    detail: String,
    /// What was asked for.
    instance: String,
}

/// A kind of problem.
struct Kind {
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    /// For who looks the kind up.
    meaning: &'static str,
}

/// One for each status that we send; a refusal that has to be told from others of its status has a line more, behind the
/// one that stands for the status.
const KINDS: &[Kind] = &[
    kind(
        "bad-request",
        StatusCode::BAD_REQUEST,
        "The request can't be understood",
        "A path, a parameter or a body is not what is expected there. Change what the detail names.",
    ),
    kind(
        "not-signed-in",
        StatusCode::UNAUTHORIZED,
        "A password is needed",
        "Only those who know the owner's password may do this. Sign in, or send a token.",
    ),
    kind(
        "forbidden",
        StatusCode::FORBIDDEN,
        "This is not allowed",
        "It is switched off, the file may not be read, or another site's page asked for it. The detail says which.",
    ),
    kind(
        "not-found",
        StatusCode::NOT_FOUND,
        "There is nothing here",
        "No file, folder, stream or address of that name. What was there may have been renamed; list its folder.",
    ),
    kind(
        "method-not-allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "This can't be done here",
        "The address knows other methods: they are in the header Allow.",
    ),
    kind(
        "broke-off",
        StatusCode::REQUEST_TIMEOUT,
        "The request broke off",
        "Its body did not come in time. What has come of an upload is kept for a day; go on where it broke off.",
    ),
    kind(
        "gone",
        StatusCode::GONE,
        "It was there and is something else now",
        "A part of a film that has been replaced, or is made in another way by now. Load what named it anew.",
    ),
    kind(
        "length-required",
        StatusCode::LENGTH_REQUIRED,
        "Nobody knows how long it is",
        "Say so in the address or by Content-Length.",
    ),
    kind(
        "conflict",
        StatusCode::CONFLICT,
        "Something is in the way",
        "A name is taken, or what is to be changed is in use or kept elsewhere.",
    ),
    kind(
        "changed-meanwhile",
        StatusCode::PRECONDITION_FAILED,
        "It has changed meanwhile",
        "What If-Match or If-None-Match says does not hold. Get it again, then decide.",
    ),
    kind(
        "too-large",
        StatusCode::PAYLOAD_TOO_LARGE,
        "That is too large",
        "A body is longer than what is taken here.",
    ),
    kind(
        "wrong-media",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "This kind of data is of no use here",
        "A file that cannot be played or shown, or a body of another type than the one that is expected.",
    ),
    kind(
        "no-such-range",
        StatusCode::RANGE_NOT_SATISFIABLE,
        "There are no such bytes",
        "The range lies behind the end.",
    ),
    kind(
        "unprocessable",
        StatusCode::UNPROCESSABLE_ENTITY,
        "What was sent makes no sense",
        "It is well-formed, but its values cannot be.",
    ),
    kind(
        "upgrade-required",
        StatusCode::UPGRADE_REQUIRED,
        "Another protocol is needed",
        "The header Upgrade says which one.",
    ),
    kind(
        "precondition-required",
        StatusCode::PRECONDITION_REQUIRED,
        "Say what is to be replaced",
        "Something is there already. Send its ETag as If-Match to replace it.",
    ),
    kind(
        "too-many-requests",
        StatusCode::TOO_MANY_REQUESTS,
        "That was too often",
        "Wait as long as Retry-After says.",
    ),
    kind(
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The server made a mistake",
        "This is worth a report, with the server's log.",
    ),
    kind(
        "not-here",
        StatusCode::NOT_IMPLEMENTED,
        "This machine can't do that",
        "It is no box of ours, or this is not the interface for it.",
    ),
    kind(
        "system-failed",
        StatusCode::BAD_GATEWAY,
        "The system did not do it",
        "A part of the box's system said no; the detail says what it said.",
    ),
    kind(
        "busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "Not at this moment",
        "A disk does not answer, or too much is going on at once. Try again later.",
    ),
    kind(
        "too-slow",
        StatusCode::GATEWAY_TIMEOUT,
        "It takes too long",
        "A file or a stream has not said in time what is in it. Try again.",
    ),
    kind(
        "no-room",
        StatusCode::INSUFFICIENT_STORAGE,
        "There is no room",
        "The disk is full, or as full as the owner wants it to be.",
    ),
];

const fn kind(name: &'static str, status: StatusCode, title: &'static str, meaning: &'static str) -> Kind {
    Kind { name, status, title, meaning }
}

/// How whoever asks wants to hear of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ear {
    Program,
    /// A person who opened an address in a browser, and no program reads it.
    Person,
    /// A person in the pages without JavaScript.
    Plain,
}

impl Ear {
    fn of(request: &Parts) -> Self {
        let path = request.uri.path();
        match () {
            () if path.starts_with("/plain/") || path == "/plain" => Self::Plain,
            () if !path.starts_with("/api/") && wants_page(&request.headers) => Self::Person,
            () => Self::Program,
        }
    }
}

/// A browser that opens an address says that it wants a page; what a script fetches says so of nothing.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

impl Refusal {
    /// The answer to a request: `application/problem+json`, or the bare sentence for a person who opened an address that is
    /// not of the API.
    pub(super) fn into_reply(self, request: &Parts) -> Reply {
        let title = title(self.status);
        let mut reply = match Ear::of(request) {
            Ear::Plain => plain::problem(title, &self.detail, &request.headers),
            Ear::Person => {
                reply("text/plain; charset=utf-8", Bytes::from(format!("{title}: {}\n", self.detail)))
            }
            Ear::Program => return self.into_problem(request.uri.path()),
        };
        *reply.status_mut() = self.status;
        say_when(&mut reply, self.retry_after);
        reply
    }

    /// The answer as `application/problem+json`.
    pub(super) fn into_problem(self, instance: &str) -> Reply {
        let mut reply = json(&problem(self.status, self.detail, instance));
        *reply.status_mut() = self.status;
        say_when(&mut reply, self.retry_after);
        set(&mut reply, header::CONTENT_TYPE, "application/problem+json");
        reply
    }
}

/// When to ask again, in whole seconds and not at once (RFC 9110 10.2.3).
fn say_when(reply: &mut Reply, wait: Option<Duration>) {
    if let Some(wait) = wait {
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

fn title(status: StatusCode) -> &'static str {
    let kind = KINDS.iter().find(|kind| kind.status == status);
    kind.map(|kind| kind.title).or(status.canonical_reason()).unwrap_or("Error")
}

/// A problem, for answers that say more of it than others.
pub(in crate::server::http) fn problem(status: StatusCode, detail: String, instance: &str) -> Problem {
    let kind = KINDS.iter().find(|kind| kind.status == status);
    Problem {
        r#type: kind.map_or_else(|| "about:blank".to_owned(), |kind| format!("/problems/{}", kind.name)),
        title: title(status),
        status: status.as_u16(),
        detail,
        instance: instance.to_owned(),
    }
}

/// `GET /problems/<kind>`
pub(super) fn explain(name: &str) -> Result<Reply, Refusal> {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        let all: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let detail = format!("there is no such kind of problem; there are {}", all.join(", "));
        return Err(Refusal::new(StatusCode::NOT_FOUND, detail));
    };
    let text = format!("{} ({})\n\n{}\n", kind.title, kind.status.as_u16(), kind.meaning);
    Ok(reply("text/plain; charset=utf-8", Bytes::from(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn kinds_have_names_of_their_own_and_are_in_the_documentation() {
        let names: HashSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        let documentation = include_str!("../../../docs/http-api.md");
        for name in names {
            assert!(documentation.contains(&format!("`{name}`")), "{name} is not in docs/http-api.md");
        }
    }
}

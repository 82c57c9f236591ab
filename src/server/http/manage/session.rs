//! Passwords, sessions, tokens: `/api/v1/claim`, `/session`, `/sessions`, `/tokens`, `/password`, `/viewers`.

use super::{Asked, apart};
use crate::access::{ChangeError, Role, Secret, Session, SignInError, Token};
use crate::limits::MAX_ACCESS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::guard::{COOKIE, cookie};
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};

/// `GET /api/v1/session`
#[derive(Serialize)]
struct State {
    /// Changes need the owner (`owner`), or everybody may do everything (`open`).
    mode: &'static str,
    /// Whether somebody has chosen the first password.
    claimed: bool,
    /// What this browser may do by having signed in.
    role: Option<Role>,
    /// Whether viewers need a password.
    viewers_need_password: bool,
    /// Goes behind addresses for players as `?token=`, while viewers need a password.
    link_token: Option<String>,
}

pub(super) fn state(asked: &Asked<'_>) -> Reply {
    let access = &asked.app.access;
    json(&State {
        mode: access.mode().name(),
        claimed: access.is_claimed(),
        role: asked.who.role,
        viewers_need_password: access.viewers_need_password(),
        link_token: asked.who.role.and_then(|_| access.link()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    password: String,
}

const PASSWORD_EXAMPLE: &str = r#"{"password":"<at least 8 characters>"}"#;

/// `POST /api/v1/claim` with `{"password"}`: 201, and signed in.
pub(super) async fn claim(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let sent: Password = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, PASSWORD_EXAMPLE).await?;
    let (access, agent, address) = (asked.app.access.clone(), agent(asked), asked.address);
    let secret = apart(move || access.claim(&sent.password, &agent, address)).await??;
    Ok(signed_in(asked, Role::Owner, &secret))
}

/// `POST /api/v1/session` with `{"password"}`: 201, and signed in.
pub(super) async fn sign_in(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let sent: Password = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, PASSWORD_EXAMPLE).await?;
    let (access, agent, address) = (asked.app.access.clone(), agent(asked), asked.address);
    let (role, secret) = apart(move || access.sign_in(&sent.password, &agent, address)).await??;
    // The session before, if there was one, is not left behind.
    end_this(asked).await?;
    Ok(signed_in(asked, role, &secret))
}

/// `DELETE /api/v1/session`: 200, signed in or not.
pub(super) async fn sign_out(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    end_this(asked).await?;
    let mut reply = json(&serde_json::json!({}));
    set_cookie(&mut reply, "", 0);
    Ok(reply)
}

async fn end_this(asked: &Asked<'_>) -> Result<(), Refusal> {
    let Some(secret) = cookie(&asked.head.headers).map(str::to_owned) else { return Ok(()) };
    let access = asked.app.access.clone();
    apart(move || access.sign_out(&secret)).await
}

fn signed_in(asked: &Asked<'_>, role: Role, secret: &Secret) -> Reply {
    let access = &asked.app.access;
    let mut reply = json(&State {
        mode: access.mode().name(),
        claimed: true,
        role: Some(role),
        viewers_need_password: access.viewers_need_password(),
        link_token: access.link(),
    });
    *reply.status_mut() = StatusCode::CREATED;
    set_cookie(&mut reply, secret.reveal(), COOKIE_SECONDS);
    reply
}

/// As long as browsers keep any: when a session ends is the server's to say.
const COOKIE_SECONDS: u64 = 400 * 24 * 3600;

/// No `Secure`: the page of a home's network is plain HTTP, and the cookie must reach it.
fn set_cookie(reply: &mut Reply, value: &str, seconds: u64) {
    let cookie = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        reply.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Lets the browser keep a session that a form has begun.
pub(super) fn keep_signed_in(reply: &mut Reply, secret: &Secret) {
    set_cookie(reply, secret.reveal(), COOKIE_SECONDS);
}

fn agent(asked: &Asked<'_>) -> String {
    let agent = asked.head.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.unwrap_or_default().to_owned()
}

/// `GET /api/v1/sessions`
pub(super) fn list(asked: &Asked<'_>) -> Reply {
    #[derive(Serialize)]
    struct Shown {
        id: String,
        role: Role,
        /// Seconds since 1970, by the clock of that moment.
        made: u64,
        /// Seconds since it was used, while the server ran.
        idle: u64,
        agent: String,
        address: String,
        /// It is the one that asks.
        this: bool,
    }
    let shown = |(session, idle): (Session, u64)| Shown {
        id: session.id(),
        role: session.role,
        made: session.made,
        idle,
        this: asked.who.session.as_deref() == Some(&session.id()),
        agent: session.agent,
        address: session.address,
    };
    let sessions: Vec<_> = asked.app.access.sessions().into_iter().map(shown).collect();
    json(&serde_json::json!({ "sessions": sessions }))
}

/// `DELETE /api/v1/sessions/<id>`
pub(super) async fn end(asked: &Asked<'_>, id: String) -> Result<Reply, Refusal> {
    let access = asked.app.access.clone();
    let missing =
        Refusal::new(StatusCode::NOT_FOUND, "there is no such session; it may have ended by itself");
    match apart(move || access.end_sessions(|session| session.id() == id)).await? {
        true => Ok(list(asked)),
        false => Err(missing),
    }
}

/// `DELETE /api/v1/sessions`: all but the one that asks.
pub(super) async fn end_others(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let (access, this) = (asked.app.access.clone(), asked.who.session.clone());
    apart(move || access.end_sessions(|session| Some(session.id()) != this)).await?;
    Ok(list(asked))
}

#[derive(Serialize)]
struct ShownToken {
    id: String,
    name: String,
    role: Role,
    /// Seconds since 1970, by the clock of that moment.
    made: u64,
}

impl From<Token> for ShownToken {
    fn from(token: Token) -> Self {
        Self { id: token.id(), role: token.role, made: token.made, name: token.name }
    }
}

/// `GET /api/v1/tokens`
pub(super) fn tokens(asked: &Asked<'_>) -> Reply {
    let tokens: Vec<_> = asked.app.access.tokens().into_iter().map(ShownToken::from).collect();
    json(&serde_json::json!({ "tokens": tokens }))
}

/// `POST /api/v1/tokens` with `{"name", "role"}`: 201, and the only time that the token is shown.
pub(super) async fn make_token(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        name: String,
        role: Role,
    }
    #[derive(Serialize)]
    struct Made {
        #[serde(flatten)]
        shown: ShownToken,
        token: String,
    }
    const EXAMPLE: &str = r#"{"name":"Kodi","role":"viewer"}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let access = asked.app.access.clone();
    let made = apart(move || access.make_token(&wanted.name, wanted.role)).await??;
    let (secret, token) = made.map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()))?;
    let mut reply = json(&Made { shown: token.into(), token: secret.reveal().to_owned() });
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// `DELETE /api/v1/tokens/<id>`
pub(super) async fn remove_token(asked: &Asked<'_>, id: String) -> Result<Reply, Refusal> {
    let access = asked.app.access.clone();
    match apart(move || access.remove_token(&id)).await?? {
        true => Ok(tokens(asked)),
        false => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such token; look at /api/v1/tokens")),
    }
}

/// `PUT /api/v1/password` with `{"present", "new"}`. The other sessions of the owner end.
pub(super) async fn change_password(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        present: String,
        new: String,
    }
    const EXAMPLE: &str = r#"{"present":"…","new":"<at least 8 characters>"}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let (access, address, this) = (asked.app.access.clone(), asked.address, asked.who.session.clone());
    let change = move || access.change_password(&wanted.present, &wanted.new, this.as_deref(), address);
    apart(change).await??;
    Ok(list(asked))
}

/// `GET /api/v1/viewers`
pub(super) fn viewers(asked: &Asked<'_>) -> Reply {
    json(&serde_json::json!({ "need_password": asked.app.access.viewers_need_password() }))
}

/// `PUT /api/v1/viewers` with `{"password"}`: a text, or null for none.
pub(super) async fn set_viewers(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        // Missing is a mistake, null is a choice.
        #[serde(deserialize_with = "Option::deserialize")]
        password: Option<String>,
    }
    const EXAMPLE: &str = r#"{"password":null}"#;
    let wanted: Wanted = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let access = asked.app.access.clone();
    apart(move || access.set_viewers(wanted.password.as_deref())).await??;
    Ok(viewers(asked))
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        let status = match &error {
            SignInError::TooOften(_) | SignInError::Busy => StatusCode::TOO_MANY_REQUESTS,
            SignInError::Wrong | SignInError::Denied(_) => StatusCode::FORBIDDEN,
            SignInError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        let status = match error {
            ChangeError::SignIn(error) => return error.into(),
            ChangeError::Password(_) => StatusCode::BAD_REQUEST,
            ChangeError::Claimed => StatusCode::CONFLICT,
            ChangeError::FarAway => StatusCode::FORBIDDEN,
            ChangeError::NotKept(_) => StatusCode::INSUFFICIENT_STORAGE,
        };
        Self::new(status, error.to_string())
    }
}

//! Passwords, sessions, tokens: `/api/v1/claim`, `/session`, `/sessions`, `/tokens`, `/password`, `/viewers`.

use super::{Asked, Done, apart};
use crate::access::{ChangeError, Role, Secret, Session, SignInError, Token};
use crate::limits::MAX_ACCESS_BODY;
use crate::server::http::changing::read_json;
use crate::server::http::guard::{COOKIE, cookie};
use crate::server::http::reply::{Refusal, Reply, json};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What this browser may do.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionState)]
pub(in crate::server::http) struct State {
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

/// What this browser may do, and whether anybody owns the server.
#[utoipa::path(get, path = "/api/v1/session", operation_id = "getSession", tag = "managing",
    responses((status = 200, body = State)))]
pub(in crate::server::http) fn state(asked: &Asked<'_>) -> Reply {
    let access = &asked.app.access;
    json(&State {
        mode: access.mode().name(),
        claimed: access.is_claimed(),
        role: asked.who.role,
        viewers_need_password: access.viewers_need_password(),
        link_token: asked.who.role.and_then(|_| access.link()),
    })
}

/// A password.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordEntry)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct Password {
    password: String,
}

/// The first password.
#[derive(Deserialize, ToSchema)]
#[schema(as = FirstPassword)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct First {
    /// At least eight characters.
    password: String,
    /// What the screen at the box shows, where it shows a code.
    #[serde(default)]
    code: Option<String>,
}

const PASSWORD_EXAMPLE: &str = r#"{"password":"<at least 8 characters>"}"#;

/// Chooses the first password, by which the server becomes somebody's; and signs in.
#[utoipa::path(post, path = "/api/v1/claim", operation_id = "claim", tag = "managing",
    request_body = First, responses((status = 201, body = State)))]
pub(in crate::server::http) async fn claim(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let sent: First = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, PASSWORD_EXAMPLE).await?;
    let agent = agent(asked);
    let secret = claim_by(asked, sent.password, sent.code.unwrap_or_default(), agent).await?;
    Ok(signed_in(asked, Role::Owner, &secret))
}

/// The same for a form.
pub(super) async fn claim_by(
    asked: &Asked<'_>,
    password: String,
    code: String,
    agent: String,
) -> Result<Secret, Refusal> {
    let (access, address) = (asked.app.access.clone(), asked.address);
    let shown = super::setup::code_for(asked);
    let claimed = apart(move || {
        if let Some(shown) = shown {
            access.check_code(&shown, &code, address)?;
        }
        access.claim(&password, &agent, address)
    });
    Ok(claimed.await??)
}

/// Signs in.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "signIn", tag = "managing",
    request_body = Password, responses((status = 201, body = State)))]
pub(in crate::server::http) async fn sign_in(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    let sent: Password = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, PASSWORD_EXAMPLE).await?;
    let (access, agent, address) = (asked.app.access.clone(), agent(asked), asked.address);
    let (role, secret) = apart(move || access.sign_in(&sent.password, &agent, address)).await??;
    // The session before, if there was one, is not left behind.
    end_this(asked).await?;
    Ok(signed_in(asked, role, &secret))
}

/// Signs out; who is not signed in, is so afterwards as well.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "signOut", tag = "managing",
    responses((status = 200, body = Done)))]
pub(in crate::server::http) async fn sign_out(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    end_this(asked).await?;
    let mut reply = json(&Done {});
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

/// A browser that somebody has signed in with.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(in crate::server::http) struct ShownSession {
    id: String,
    role: Role,
    /// Seconds since 1970, by the clock of that moment.
    made: u64,
    /// Seconds since it was used, while the server ran.
    idle: u64,
    /// What the browser calls itself.
    agent: String,
    /// From where it was made.
    address: String,
    /// It is the one that asks.
    this: bool,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct Sessions {
    sessions: Vec<ShownSession>,
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/sessions", operation_id = "listSessions", tag = "managing",
    responses((status = 200, body = Sessions)))]
pub(in crate::server::http) fn list(asked: &Asked<'_>) -> Reply {
    let shown = |(session, idle): (Session, u64)| ShownSession {
        id: session.id(),
        role: session.role,
        made: session.made,
        idle,
        this: asked.who.session.as_deref() == Some(&session.id()),
        agent: session.agent,
        address: session.address,
    };
    json(&Sessions { sessions: asked.app.access.sessions().into_iter().map(shown).collect() })
}

/// Ends a session.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", operation_id = "endSession", tag = "managing",
    params(("id" = String, Path)), responses((status = 200, body = Sessions)))]
pub(in crate::server::http) async fn end(asked: &Asked<'_>, id: String) -> Result<Reply, Refusal> {
    let access = asked.app.access.clone();
    let missing =
        Refusal::new(StatusCode::NOT_FOUND, "there is no such session; it may have ended by itself");
    match apart(move || access.end_sessions(|session| session.id() == id)).await? {
        true => Ok(list(asked)),
        false => Err(missing),
    }
}

/// Ends all sessions but the one that asks.
#[utoipa::path(delete, path = "/api/v1/sessions", operation_id = "endOtherSessions", tag = "managing",
    responses((status = 200, body = Sessions)))]
pub(in crate::server::http) async fn end_others(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let (access, this) = (asked.app.access.clone(), asked.who.session.clone());
    apart(move || access.end_sessions(|session| Some(session.id()) != this)).await?;
    Ok(list(asked))
}

/// A token, by which a program comes in.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(in crate::server::http) struct ShownToken {
    id: String,
    /// What it is for.
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

/// The tokens that were made and not taken away.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct Tokens {
    tokens: Vec<ShownToken>,
}

/// A token that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedToken {
    /// What it is for.
    name: String,
    role: Role,
}

/// A token as it was made.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct MadeToken {
    #[serde(flatten)]
    shown: ShownToken,
    /// Itself. It is not shown again.
    token: String,
}

/// Tokens for programs.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "managing",
    responses((status = 200, body = Tokens)))]
pub(in crate::server::http) fn tokens(asked: &Asked<'_>) -> Reply {
    json(&Tokens { tokens: asked.app.access.tokens().into_iter().map(ShownToken::from).collect() })
}

/// Makes a token. It is shown this one time.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "makeToken", tag = "managing",
    request_body = WantedToken, responses((status = 201, body = MadeToken)))]
pub(in crate::server::http) async fn make_token(asked: &Asked<'_>, body: Incoming) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"name":"Kodi","role":"viewer"}"#;
    let wanted: WantedToken = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let access = asked.app.access.clone();
    let made = apart(move || access.make_token(&wanted.name, wanted.role)).await??;
    let (secret, token) = made.map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()))?;
    let mut reply = json(&MadeToken { shown: token.into(), token: secret.reveal().to_owned() });
    *reply.status_mut() = StatusCode::CREATED;
    Ok(reply)
}

/// Takes a token away.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", operation_id = "removeToken", tag = "managing",
    params(("id" = String, Path)), responses((status = 200, body = Tokens)))]
pub(in crate::server::http) async fn remove_token(asked: &Asked<'_>, id: String) -> Result<Reply, Refusal> {
    let access = asked.app.access.clone();
    match apart(move || access.remove_token(&id)).await?? {
        true => Ok(tokens(asked)),
        false => Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such token; look at /api/v1/tokens")),
    }
}

/// Another password for the owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct PasswordChange {
    /// That which holds now.
    present: String,
    /// At least eight characters.
    new: String,
}

/// Changes the owner's password. The other sessions of the owner end.
#[utoipa::path(put, path = "/api/v1/password", operation_id = "changePassword", tag = "managing",
    request_body = PasswordChange, responses((status = 200, body = Sessions)))]
pub(in crate::server::http) async fn change_password(
    asked: &Asked<'_>,
    body: Incoming,
) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"present":"…","new":"<at least 8 characters>"}"#;
    let wanted: PasswordChange = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
    let (access, address, this) = (asked.app.access.clone(), asked.address, asked.who.session.clone());
    let change = move || access.change_password(&wanted.present, &wanted.new, this.as_deref(), address);
    apart(change).await??;
    Ok(list(asked))
}

/// What viewers need.
#[derive(Serialize, ToSchema)]
pub(in crate::server::http) struct Viewers {
    /// Watching needs a password.
    need_password: bool,
}

/// What viewers are to need.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server::http) struct WantedViewers {
    /// Their password; null for none.
    // Missing is a mistake, null is a choice.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    password: Option<String>,
}

/// Whether viewers need a password.
#[utoipa::path(get, path = "/api/v1/viewers", operation_id = "getViewers", tag = "managing",
    responses((status = 200, body = Viewers)))]
pub(in crate::server::http) fn viewers(asked: &Asked<'_>) -> Reply {
    json(&Viewers { need_password: asked.app.access.viewers_need_password() })
}

/// Gives viewers a password, or takes it away.
#[utoipa::path(put, path = "/api/v1/viewers", operation_id = "setViewers", tag = "managing",
    request_body = WantedViewers, responses((status = 200, body = Viewers)))]
pub(in crate::server::http) async fn set_viewers(
    asked: &Asked<'_>,
    body: Incoming,
) -> Result<Reply, Refusal> {
    const EXAMPLE: &str = r#"{"password":null}"#;
    let wanted: WantedViewers = read_json(&asked.head.headers, body, MAX_ACCESS_BODY, EXAMPLE).await?;
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
            ChangeError::FarAway | ChangeError::Code => StatusCode::FORBIDDEN,
            ChangeError::NotKept(_) => StatusCode::INSUFFICIENT_STORAGE,
        };
        Self::new(status, error.to_string())
    }
}

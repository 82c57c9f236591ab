//! HTTP: the page, listings, FLV and fragmented MP4.
//!
//! [`serve`] accepts; `connection` lets hyper and bodies that own the socket take turns at it;
//! `Route::decode` says what an address means; one file per kind of answer makes it. `answer` never
//! fails: refusals become statuses in `reply` alone.

mod body;
mod changing;
mod components;
mod connection;
mod contents;
mod devices;
mod exposition;
mod flv;
mod fmp4;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod handover;
mod index;
mod library;
mod live;
mod live_outgoing;
mod live_viewer;
mod manage;
mod media;
mod metrics;
mod page;
mod picture;
mod recordings;
mod relays;
mod reply;
mod route;
mod seeks;
mod send_file;
mod snapshot;
mod sources;
mod upgrade;
mod watch;
mod web;

use crate::access::{Role, Who};
use crate::choice::Choice;
use crate::limits::{HTTP_HEADER_TIMEOUT, MAX_HTTP_CONNECTIONS, MAX_HTTP_CONNECTIONS_PER_ADDRESS};
use crate::pipeline::Purpose;
use crate::provider::{Client, Takes, Wanted};
use crate::server::App;
use crate::server::accept::{Acceptor, Shutdown};
use body::Body;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use reply::{Refusal, Reply, finish, reply};
use route::{ByteRange, Route, RouteError};
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, UnixStream};
use upgrade::Opening;

/// Serves HTTP until `shutdown`, then lets connections end what they are doing.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: Shutdown) {
    let places = (MAX_HTTP_CONNECTIONS, MAX_HTTP_CONNECTIONS_PER_ADDRESS);
    let mut acceptor = Acceptor::new(listener, places, app.connections.http.clone(), shutdown.clone());
    while let Some((socket, peer, place)) = acceptor.accept().await {
        let (app, shutdown) = (app.clone(), shutdown.clone());
        tokio::spawn(async move {
            connection::serve(socket, peer, app, shutdown, place).await;
        });
    }
    acceptor.drained(places.0).await;
}

/// Serves a program of this machine that runs as the server's user or as root, until it has had enough.
pub(super) async fn serve_local(socket: UnixStream, app: Arc<App>) {
    let service = service_fn(|request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer_local(&app, request).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HTTP_HEADER_TIMEOUT);
    if let Err(error) = http.serve_connection(TokioIo::new(socket), service).await {
        tracing::debug!(%error, "control connection ended");
    }
}

/// Answers a program of this machine that runs as the server's user or as root: the owner, therefore. Media are not for it.
async fn answer_local(app: &App, request: Request<Incoming>) -> Reply {
    let path = request.uri().path();
    if path.starts_with("/api/") || path == "/metrics" {
        let reply = answer_as(app, request, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), true).await;
        // What goes past hyper needs a socket of TCP.
        if !matches!(reply.body(), Body::Socket(_)) {
            return reply;
        }
    }
    let text = "only the interfaces under /api/v1 are served here; media are at the server's HTTP port";
    finish(Refusal::new(StatusCode::NOT_IMPLEMENTED, text).into_reply())
}

async fn answer(app: &App, request: Request<Incoming>, peer: SocketAddr) -> Reply {
    answer_as(app, request, peer, false).await
}

/// `local`: the kernel has said that it is the owner.
async fn answer_as(app: &App, request: Request<Incoming>, peer: SocketAddr, local: bool) -> Reply {
    let (head, body) = request.into_parts();
    let (method, uri) = (&head.method, &head.uri);
    let route = Route::decode(uri.path(), uri.query());
    let allowed: Cow<'static, str> = match &route {
        Ok(Route::Recordings | Route::Sources) => "GET, HEAD, POST".into(),
        Ok(Route::Recording(_)) => "GET, HEAD, DELETE".into(),
        Ok(Route::Source(_)) => "GET, HEAD, PUT, DELETE".into(),
        Ok(Route::Component(_)) => "POST, DELETE".into(),
        Ok(Route::ComponentRollback(_)) => "POST".into(),
        Ok(Route::DeviceControls(_)) => "PUT".into(),
        Ok(Route::Manage(manage)) => manage.allowed().into(),
        _ => "GET, HEAD".into(),
    };
    let result = if allowed.split(", ").any(|one| one == method.as_str()) {
        let who = match local {
            true => Ok(Who { role: Some(Role::Owner), session: None }),
            false => guard::admit(&app.access, &head, &route, peer.ip()),
        };
        match who {
            Ok(who) => admitted(app, route, &head, who, peer, body).await,
            Err(refusal) => Err(refusal),
        }
    } else {
        let text = format!("{method} is not possible here, only {allowed}; see docs/http-api.md");
        Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text))
    };
    let reply = finish(result.unwrap_or_else(|refusal| {
        tracing::info!(%peer, %method, path = uri.path(), status = refusal.status.as_u16(), detail = refusal.detail, "refused");
        app.connections.refusal("http", refusal.status.as_str());
        let not_allowed = refusal.status == StatusCode::METHOD_NOT_ALLOWED;
        let mut reply = refusal.into_reply();
        if not_allowed && let Ok(allowed) = HeaderValue::try_from(&*allowed) {
            reply.headers_mut().insert(header::ALLOW, allowed);
        }
        reply
    }));
    tracing::debug!(%peer, %method, path = uri.path(), status = reply.status().as_u16(), "http");
    reply
}

/// A request whose sender may do this.
async fn admitted(
    app: &App,
    route: Result<Route, RouteError>,
    head: &Parts,
    who: Who,
    peer: SocketAddr,
    body: Incoming,
) -> Result<Reply, Refusal> {
    match (&head.method, route) {
        (_, Err(error)) => Err(error.into()),
        (_, Ok(Route::Manage(manage))) => manage::answer(app, manage, head, who, peer.ip(), body).await,
        (&Method::POST, Ok(Route::Recordings)) => recordings::start(app, &head.headers, body).await,
        (&Method::DELETE, Ok(Route::Recording(key))) => recordings::stop(app, &key),
        (&Method::PUT, Ok(Route::DeviceControls(id))) => devices::control(app, &head.headers, id, body).await,
        (&Method::POST, Ok(Route::Sources)) => sources::add(app, &head.headers, body).await,
        (&Method::PUT, Ok(Route::Source(name))) => sources::put(app, &head.headers, name, body).await,
        (&Method::DELETE, Ok(Route::Source(name))) => sources::remove(app, name).await,
        (&Method::POST, Ok(Route::Component(name))) => {
            components::install(app, &head.headers, &name, body).await
        }
        (&Method::DELETE, Ok(Route::Component(name))) => components::remove(app, &name).await,
        (&Method::POST, Ok(Route::ComponentRollback(name))) => components::roll_back(app, &name).await,
        (_, Ok(route)) => look(app, route, head).await,
    }
}

/// GET and HEAD.
async fn look(app: &App, route: Route, request: &Parts) -> Result<Reply, Refusal> {
    let (providers, headers) = (&app.providers, &request.headers);
    let preferences = app.preferences();
    let browser = |choice: Choice| Wanted::new(&choice, &preferences, Client::Browser);
    match route {
        Route::Page => page::page(headers),
        Route::Asset(name) => page::asset(&name, headers),
        Route::Library(path) => library::list(app, path).await,
        Route::Info(path) => index::info(app, path).await,
        Route::Poster { path, version } => {
            index::picture(app, path, Purpose::Poster, version.as_deref(), headers).await
        }
        Route::Bar { path, version } => {
            index::picture(app, path, Purpose::Bar, version.as_deref(), headers).await
        }
        Route::Index => Ok(index::progress(&app.index)),
        Route::Media { path, choice } => media::media(providers, &path, &browser(choice)?).await,
        Route::Events { path, target, choice } => {
            media::events(providers, &path, &browser(choice)?, target).await
        }
        Route::Flv { path, start, choice } => {
            let range = headers.get(header::RANGE).and_then(|v| ByteRange::parse(v.to_str().ok()?));
            let wanted = Wanted::new(&choice, &preferences, Client::Flv(Takes::default()))?;
            if let Some(stream) = web::stream_of(app, &path).await? {
                return live::flv(app, &stream).await;
            }
            flv::flv(providers, &path, &wanted, start, range).await
        }
        Route::Fmp4 { path, start, choice } => fmp4::fmp4(providers, &path, &browser(choice)?, start).await,
        Route::Live { key, suffix } => match Opening::of(request)? {
            Some(opening) => live::web_socket(app, &key, opening).await,
            None if suffix => live::flv(app, &key).await,
            None => Err(RouteError::Unknown.into()),
        },
        Route::Snapshot { key, fit } => snapshot::picture(app, &key, fit, headers).await,
        Route::Picture { path, fit } => picture::picture(app, &path, fit, headers).await,
        Route::Recordings => Ok(recordings::list(&app.recordings)),
        Route::Recording(key) => recordings::one(&app.recordings, &key),
        Route::Streams => Ok(metrics::list(&app.streams)),
        Route::Relays => Ok(relays::list(&app.relays)),
        Route::Sources => Ok(sources::list(&app.sources)),
        Route::Devices => Ok(devices::list(&app.devices).await),
        Route::DeviceControls(_) => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "controls are listed with their device at /api/v1/devices; PUT changes them",
        )),
        Route::Source(name) => sources::one(&app.sources, &name),
        Route::Web(path) => web::describe(app, &path).await,
        Route::Components => Ok(components::list(app)),
        // Only changed; answered above.
        Route::Component(_) | Route::ComponentRollback(_) => Err(RouteError::Unknown.into()),
        Route::Metrics => Ok(metrics::metrics(app)),
        Route::GetDir(path) => Ok(library::get_dir(providers, path).await),
        Route::Feedback(text) => {
            tracing::info!(text, "feedback from a player");
            Ok(reply("text/plain; charset=utf-8", Bytes::new()))
        }
        Route::CrossDomain => Ok(cross_domain(headers)),
        // Answered before.
        Route::Manage(_) => Err(RouteError::Unknown.into()),
    }
}

/// Flash's permission to read from another port: given to movies from this very host.
fn cross_domain(headers: &HeaderMap) -> Reply {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    let allow = if is_name { format!("<allow-access-from domain=\"{name}\"/>") } else { String::new() };
    let body = format!("<?xml version=\"1.0\"?>\n<cross-domain-policy>{allow}</cross-domain-policy>\n");
    reply("text/x-cross-domain-policy", Body::from(Bytes::from(body)))
}

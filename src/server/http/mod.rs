//! HTTP: the page, listings, FLV and fragmented MP4.
//!
//! [`serve`] accepts; `connection` lets hyper and bodies that own the socket take turns at it;
//! `Route::decode` says what an address means; one file per kind of answer makes it. `answer` never
//! fails: refusals become statuses in `reply` alone, and words in `problem`. What the API under `/api/v1` takes and
//! gives, `openapi` says for programs.

mod about;
mod body;
mod cache;
mod changing;
mod components;
mod conditional;
mod connection;
mod contents;
mod description;
mod devices;
mod download;
pub(super) mod events;
mod exposition;
mod flv;
mod fmp4;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod handover;
mod hls;
mod index;
mod library;
mod licences;
mod live;
mod live_mp4;
mod live_outgoing;
mod live_viewer;
mod manage;
mod media;
mod metrics;
mod mp4;
mod openapi;
mod page;
mod picture;
mod plain;
mod playlist;
mod positions;
mod problem;
mod quarantine;
mod recordings;
mod relays;
mod reply;
mod route;
mod search;
mod seeks;
mod send_file;
mod share;
mod snapshot;
mod sources;
mod subtitles;
mod upgrade;
mod upload;
mod watch;
mod web;
mod wiidiaplayer;
mod www;

use crate::access::{Role, Who};
use crate::choice::Choice;
use crate::library::{LibraryPath, PageQuery};
use crate::limits::{HTTP_HEADER_TIMEOUT, MAX_HTTP_CONNECTIONS, MAX_HTTP_CONNECTIONS_PER_ADDRESS};
use crate::provider::{Client, Takes, Wanted};
use crate::server::App;
use crate::server::accept::{Acceptor, Shutdown};
use crate::websocket;
use body::Body;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
pub use openapi::openapi;
use reply::{Refusal, Reply, finish, reply};
use route::{ByteRange, Route, RouteError};
use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpListener, UnixStream};
use upgrade::Opening;

pub(crate) use hls::Hls;
pub(crate) use mp4::Tables;

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
    let path = request.uri().path().to_owned();
    if path.starts_with("/api/") || path == "/metrics" {
        let reply = answer_as(app, request, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), true).await;
        // What goes past hyper needs a socket of TCP.
        if !matches!(reply.body(), Body::Socket(_)) {
            return reply;
        }
    }
    let text = "only the interfaces under /api/v1 are served here; media are at the server's HTTP port";
    finish(Refusal::new(StatusCode::NOT_IMPLEMENTED, text).into_problem(&path))
}

async fn answer(app: &App, request: Request<Incoming>, peer: SocketAddr) -> Reply {
    answer_as(app, request, peer, false).await
}

/// `local`: the kernel has said that it is the owner.
async fn answer_as(app: &App, request: Request<Incoming>, peer: SocketAddr, local: bool) -> Reply {
    let (head, body) = request.into_parts();
    let (method, uri) = (&head.method, &head.uri);
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let route = Route::decode(uri.path(), uri.query());
    let is_hls = matches!(route, Ok(Route::Hls(_)));
    let is_share = matches!(route, Ok(Route::Share(_)));
    let methods = route.as_ref().map_or(Cow::Borrowed("GET, HEAD"), Route::methods);
    let result = if method == Method::OPTIONS && (route.is_ok() || uri.path() == "*") {
        // OPTIONS * is about the server as a whole (RFC 9110 9.3.7).
        Ok(options())
    } else if methods.split(", ").any(|one| one == method.as_str()) {
        let who = match local {
            true => Ok(Who { role: Some(Role::Owner), session: None }),
            // File managers know names and passwords, and no cookies.
            false => match guard::password(app, &head, &route, peer.ip()).await {
                Ok(known) => guard::admit(&app.access, &head, &route, peer.ip(), known),
                Err(refusal) => Err(refusal),
            },
        };
        match who {
            Ok(who) => admitted(app, route, &head, who, peer, body).await,
            Err(refusal) => Err(refusal),
        }
    } else if let Err(error) = route {
        Err(error.into())
    } else {
        let text = format!("{method} is not possible here, only {methods}; see docs/http-api.md");
        Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text))
    };
    let mut reply = result.unwrap_or_else(|refusal| {
        tracing::info!(%peer, %method, path = uri.path(), status = refusal.status.as_u16(), detail = refusal.detail, "refused");
        app.connections.refusal("http", refusal.status.as_str());
        refusal.into_reply(&head)
    });
    // Some say in a header what would be possible (RFC 9110 15.5.6, RFC 6750 3, RFC 6455 4.4).
    match reply.status() {
        StatusCode::METHOD_NOT_ALLOWED => allow(&mut reply, &methods),
        _ if method == Method::OPTIONS => {
            allow(&mut reply, &methods);
            if is_share {
                share::announce(&mut reply);
            }
        }
        StatusCode::UNAUTHORIZED if is_share => {
            reply::set(
                &mut reply,
                header::WWW_AUTHENTICATE,
                "Basic realm=\"Wiidiaserver\", charset=\"UTF-8\"",
            );
        }
        StatusCode::UNAUTHORIZED => reply::set(&mut reply, header::WWW_AUTHENTICATE, "Bearer"),
        StatusCode::UPGRADE_REQUIRED => {
            reply::set(&mut reply, header::UPGRADE, "websocket");
            reply::set(&mut reply, header::SEC_WEBSOCKET_VERSION, websocket::VERSION);
        }
        _ => {}
    }
    if is_read && !is_share {
        reply = conditional::tagged(reply, &head.headers);
    }
    if is_hls {
        hls::permit(&mut reply, &head.headers, app.hls.origins());
    }
    tracing::debug!(%peer, %method, path = uri.path(), status = reply.status().as_u16(), "http");
    finish(reply)
}

/// The answer to OPTIONS; the methods are added to it.
fn options() -> Reply {
    let mut reply = Response::new(Bytes::new().into());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}

fn allow(reply: &mut Reply, methods: &str) {
    if let Ok(value) = HeaderValue::try_from(format!("{methods}, OPTIONS")) {
        reply.headers_mut().insert(header::ALLOW, value);
    }
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
        // Addresses that are nobody's may be the owner's own pages.
        (_, Err(RouteError::Unknown)) => match www::file(app, head.uri.path(), &head.headers).await {
            Some(answer) => answer,
            None => Err(RouteError::Unknown.into()),
        },
        (_, Err(error)) => Err(error.into()),
        (_, Ok(Route::Share(path))) => share::answer(app, path, head, body).await,
        (_, Ok(Route::Manage(manage))) => manage::answer(app, manage, head, who, peer.ip(), body).await,
        (&Method::GET | &Method::HEAD, Ok(route)) => look(app, route, head, peer).await,
        (&Method::POST, Ok(Route::Recordings)) => recordings::start(app, &head.headers, body).await,
        (&Method::DELETE, Ok(Route::Cache)) => cache::empty(&app.providers).await,
        (&Method::DELETE, Ok(Route::Quarantine(path))) => quarantine::release(&app.providers, path).await,
        (_, Ok(Route::Recording(key))) => recordings::stop(app, &key),
        (&Method::PUT, Ok(Route::DeviceControls(id))) => devices::control(app, &head.headers, id, body).await,
        (&Method::POST, Ok(Route::Sources)) => sources::add(app, &head.headers, body).await,
        (&Method::PUT, Ok(Route::Source(name))) => sources::put(app, &head.headers, name, body).await,
        (_, Ok(Route::Source(name))) => sources::remove(app, name).await,
        (&Method::PUT, Ok(Route::Upload { path, asked })) => {
            upload::take(app, &head.headers, path, asked, body).await
        }
        (_, Ok(Route::Upload { path, .. })) => upload::abandon(app, path).await,
        (&Method::POST, Ok(Route::File(path))) => upload::change(app, &head.headers, path, body).await,
        (_, Ok(Route::File(path))) => upload::remove(app, path).await,
        (_, Ok(Route::Positions(viewer))) => Ok(positions::forget_all(&app.positions, &viewer)),
        (&Method::PUT, Ok(Route::Position { viewer, path })) => {
            positions::put(app, &head.headers, viewer, path, body).await
        }
        (_, Ok(Route::Position { viewer, path })) => positions::forget(&app.positions, &viewer, &path),
        (&Method::POST, Ok(Route::Component(name))) => {
            components::install(app, &head.headers, &name, body).await
        }
        (_, Ok(Route::Component(name))) => components::remove(app, &name).await,
        (_, Ok(Route::ComponentRollback(name))) => components::roll_back(app, &name).await,
        // A line of route/address.rs that nothing stands behind.
        (_, Ok(_)) => Err(RouteError::Unknown.into()),
    }
}

/// GET and HEAD.
async fn look(app: &App, route: Route, request: &Parts, peer: SocketAddr) -> Result<Reply, Refusal> {
    let (providers, headers) = (&app.providers, &request.headers);
    let preferences = app.preferences();
    let browser = |choice: Choice| Wanted::new(&choice, &preferences, Client::Browser);
    match route {
        Route::Page if plain::is_for(headers) => {
            let top = (LibraryPath::default(), PageQuery::default());
            let mut reply = plain::page(app, top.0, top.1, plain::Asked::default(), headers).await?;
            reply::set(&mut reply, header::VARY, "Accept-Language, User-Agent");
            Ok(reply)
        }
        Route::Page => page::page(headers),
        Route::Plain { path, page, asked } => plain::page(app, path, page, asked, headers).await,
        Route::PlainStyle => Ok(plain::style()),
        Route::Description => description::answer(app),
        Route::Licences(name) => manage::apart(move || licences::answer(name.as_deref())).await?,
        Route::Asset(name) => page::asset(&name, headers),
        Route::Library { path, page } => library::list(app, path, page).await,
        Route::Neighbours { path, page } => library::neighbours(app, path, page).await,
        Route::Search(page) => search::search(app, page).await,
        Route::Info(path) => index::info(app, path).await,
        Route::Poster { path, version } => index::poster(app, path, version.as_deref(), headers).await,
        Route::Bar { path, version } => index::bar(app, path, version.as_deref(), headers).await,
        Route::Index => Ok(index::progress(&app.index)),
        Route::Cache => cache::show(providers).await,
        Route::Quarantine(_) => Ok(quarantine::list(providers)),
        Route::Media { path, choice } => media::media(providers, &path, &browser(choice)?).await,
        Route::Events { path, target, choice } => {
            media::events(providers, &path, &browser(choice)?, target).await
        }
        Route::Uploads => Ok(upload::list(&app.uploads)),
        Route::Upload { path, .. } => upload::received(app, path).await,
        Route::File(path) => upload::file(app, path).await,
        Route::Positions(viewer) => Ok(positions::list(&app.positions, &viewer)),
        Route::Position { viewer, path } => positions::one(&app.positions, &viewer, &path),
        Route::LibraryEvents => events::library(app, headers),
        Route::Flv { path, start, choice } => {
            let range = headers.get(header::RANGE).and_then(|v| ByteRange::parse(v.to_str().ok()?));
            let wanted = Wanted::new(&choice, &preferences, Client::Flv(Takes::default()))?;
            if let Some(stream) = web::stream_of(app, &path).await? {
                return live::flv(app, &stream).await;
            }
            flv::flv(providers, &path, &wanted, start, range).await
        }
        Route::Fmp4 { path, start, choice } => fmp4::fmp4(providers, &path, &browser(choice)?, start).await,
        Route::Subtitles { path, track, choice } => {
            subtitles::subtitles(providers, &path, &track, &browser(choice)?).await
        }
        Route::Mp4 { path, choice } => mp4::mp4(app, &path, &browser(choice)?, headers).await,
        Route::Hls(route) => hls::hls(app, route, headers, peer).await,
        Route::Live { key, suffix } => match Opening::of(request)? {
            Some(opening) => live::web_socket(app, &key, opening).await,
            None if suffix => live::flv(app, &key).await,
            None => Err(RouteError::Unknown.into()),
        },
        Route::Download(path) => download::download(app, path, headers).await,
        Route::Playlist { path, wanted } => playlist::playlist(app, path, wanted, headers).await,
        Route::LiveMp4(key) => live_mp4::mp4(app, &key).await,
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
        Route::GetInfo { path, target } => wiidiaplayer::info(app, &path, target).await,
        Route::WiidiaPage { via } => wiidiaplayer::page(app, via, headers).await,
        Route::WiidiaSwf => wiidiaplayer::swf(app, headers).await,
        Route::Feedback(text) => {
            tracing::info!(text, "feedback from a player");
            Ok(reply("text/plain; charset=utf-8", Bytes::new()))
        }
        Route::CrossDomain => Ok(cross_domain(headers)),
        Route::About => Ok(about::about(app)),
        Route::OpenApi => Ok(openapi::committed()),
        Route::ProblemType(kind) => problem::explain(&kind),
        // Answered before.
        Route::Manage(_) | Route::Share(_) => Err(RouteError::Unknown.into()),
    }
}

/// The name and the port by which a request reached this server, if they are ones.
fn host_of(headers: &HeaderMap) -> Option<(&str, Option<u16>)> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse().ok()?)),
        None => (host, None),
    };
    let is_name =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    is_name.then_some((name, port))
}

/// Flash's permission to read from another port: given to movies from this very host.
fn cross_domain(headers: &HeaderMap) -> Reply {
    let allow = |(name, _)| format!("<allow-access-from domain=\"{name}\"/>");
    let allow = host_of(headers).map(allow).unwrap_or_default();
    let body = format!("<?xml version=\"1.0\"?>\n<cross-domain-policy>{allow}</cross-domain-policy>\n");
    reply("text/x-cross-domain-policy", Body::from(Bytes::from(body)))
}

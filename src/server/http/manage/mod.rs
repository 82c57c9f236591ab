//! Looking after the server: who may do what, settings, the machine it runs on. `/api/v1/…`, see docs/http-api.md.
//!
//! The addresses are one table with what each needs beside it; the [`guard`](super::guard) reads it before anything
//! here is asked.

pub(super) mod backup;
pub(super) mod health;
pub(super) mod https;
mod plain;
pub(super) mod session;
pub(super) mod settings;
pub(super) mod setup;
pub(super) mod storage;
pub(super) mod system;
pub(super) mod wifi;

use super::reply::{Refusal, Reply, json};
use crate::access::{Need, Who};
use crate::server::App;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use std::net::IpAddr;
use utoipa::ToSchema;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::server::http) enum Manage {
    /// `/api/v1/setup`: what the page has to know before anybody has signed in.
    Setup,
    /// `/api/v1/claim`: the first password.
    Claim,
    /// `/api/v1/session`: this browser's.
    Session,
    /// `/api/v1/sessions`
    Sessions,
    /// `/api/v1/sessions/<id>`
    OneSession(String),
    /// `/api/v1/tokens`
    Tokens,
    /// `/api/v1/tokens/<id>`
    Token(String),
    /// `/api/v1/password`: the owner's.
    Password,
    /// `/api/v1/viewers`: whether they need a password.
    Viewers,
    /// `/api/v1/settings`
    Settings,
    /// `/api/v1/settings/<section>`
    Section(String),
    /// `/api/v1/restart`
    Restart,
    /// `/api/v1/health`
    Health,
    /// `/api/v1/log`
    Log,
    /// `/api/v1/support`: a file for somebody who helps.
    Support,
    /// `/api/v1/backup`
    Backup,
    /// `/api/v1/restore`
    Restore,
    /// `/api/v1/reset`
    Reset,
    /// `/api/v1/system`: the box.
    System,
    /// `/api/v1/system/power`
    Power,
    /// `/api/v1/system/time`
    Time,
    /// `/api/v1/system/network`
    Network,
    /// `/api/v1/system/wifi`
    Wifi,
    /// `/api/v1/system/update`
    Update,
    /// `/api/v1/system/ssh`
    Ssh,
    /// `/api/v1/system/storage`: disks, and folders of a NAS.
    Storage,
    /// `/api/v1/system/disks/<device>`
    Disk(String),
    /// `/api/v1/system/folders/<name>`: one of a NAS.
    Folder(String),
    /// `/api/v1/https`: its certificate.
    Https,
    /// `/api/v1/https/root`: the authority's, for devices to install.
    Root,
    /// `/setup/network`: the box's network, without JavaScript.
    Plain,
}

/// It is done, or has begun; there is nothing more to say.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {}

/// 202: it goes on after the answer.
fn accepted() -> Reply {
    let mut reply = json(&Done {});
    *reply.status_mut() = StatusCode::ACCEPTED;
    reply
}

/// A request, once it was let in.
pub(super) struct Asked<'a> {
    pub(super) app: &'a App,
    pub(super) head: &'a Parts,
    pub(super) who: Who,
    pub(super) address: IpAddr,
}

impl Manage {
    /// From an address's path, still percent-encoded; `None` when it is none of these.
    pub(in crate::server::http) fn decode(path: &str) -> Option<Self> {
        let name = |prefix: &str| {
            let name = path.strip_prefix(prefix)?;
            Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
        };
        Some(match path {
            "/api/v1/setup" => Self::Setup,
            "/api/v1/claim" => Self::Claim,
            "/api/v1/session" => Self::Session,
            "/api/v1/sessions" => Self::Sessions,
            "/api/v1/tokens" => Self::Tokens,
            "/api/v1/password" => Self::Password,
            "/api/v1/viewers" => Self::Viewers,
            "/api/v1/settings" => Self::Settings,
            "/api/v1/restart" => Self::Restart,
            "/api/v1/health" => Self::Health,
            "/api/v1/log" => Self::Log,
            "/api/v1/support" => Self::Support,
            "/api/v1/backup" => Self::Backup,
            "/api/v1/restore" => Self::Restore,
            "/api/v1/reset" => Self::Reset,
            "/api/v1/system" => Self::System,
            "/api/v1/system/power" => Self::Power,
            "/api/v1/system/time" => Self::Time,
            "/api/v1/system/network" => Self::Network,
            "/api/v1/system/wifi" => Self::Wifi,
            "/api/v1/system/update" => Self::Update,
            "/api/v1/system/ssh" => Self::Ssh,
            "/api/v1/system/storage" => Self::Storage,
            "/api/v1/https" => Self::Https,
            "/api/v1/https/root" => Self::Root,
            "/setup/network" => Self::Plain,
            _ => {
                if let Some(id) = name("/api/v1/sessions/") {
                    Self::OneSession(id)
                } else if let Some(id) = name("/api/v1/tokens/") {
                    Self::Token(id)
                } else if let Some(device) = name("/api/v1/system/disks/") {
                    Self::Disk(device)
                } else if let Some(folder) = name("/api/v1/system/folders/") {
                    Self::Folder(folder)
                } else {
                    Self::Section(name("/api/v1/settings/")?)
                }
            }
        })
    }

    /// The methods there, and what each needs. HEAD is where GET is.
    pub(in crate::server::http) fn needs(&self) -> &'static [(&'static str, Need)] {
        match self {
            Self::Setup => &[("GET", Need::Nothing)],
            Self::Claim => &[("POST", Need::Nothing)],
            // Its forms say themselves which of them need the owner: one is for signing in.
            Self::Plain => &[("GET", Need::Nothing), ("POST", Need::Nothing)],
            Self::Session => &[("GET", Need::Nothing), ("POST", Need::Nothing), ("DELETE", Need::Nothing)],
            Self::Sessions => &[("GET", Need::Own), ("DELETE", Need::Own)],
            Self::OneSession(_) | Self::Token(_) => &[("DELETE", Need::Own)],
            Self::Tokens => &[("GET", Need::Own), ("POST", Need::Own)],
            Self::Password => &[("PUT", Need::Own)],
            Self::Viewers => &[("GET", Need::Own), ("PUT", Need::Own)],
            Self::Settings | Self::Health | Self::Log | Self::Support | Self::System => &[("GET", Need::Own)],
            Self::Section(_) => &[("GET", Need::Own), ("PATCH", Need::Own)],
            Self::Restart | Self::Backup | Self::Restore | Self::Reset | Self::Power => {
                &[("POST", Need::Own)]
            }
            Self::Update => &[("PUT", Need::Own), ("POST", Need::Own)],
            Self::Https | Self::Wifi => {
                &[("GET", Need::Own), ("POST", Need::Own), ("PUT", Need::Own), ("DELETE", Need::Own)]
            }
            Self::Root => &[("GET", Need::Nothing)],
            Self::Time | Self::Ssh => &[("PUT", Need::Own)],
            Self::Storage => &[("GET", Need::Own), ("POST", Need::Own)],
            Self::Disk(_) => &[("POST", Need::Own)],
            Self::Folder(_) => &[("DELETE", Need::Own)],
            Self::Network => &[("PUT", Need::Own), ("POST", Need::Own)],
        }
    }

    /// As `Allow` has it.
    pub(in crate::server::http) fn allowed(&self) -> String {
        let methods = self.needs().iter().map(|(method, _)| match *method {
            "GET" => "GET, HEAD",
            other => other,
        });
        methods.collect::<Vec<_>>().join(", ")
    }
}

/// Answers a request that was let in, by a method that is there.
pub(in crate::server::http) async fn answer(
    app: &App,
    manage: Manage,
    head: &Parts,
    who: Who,
    address: IpAddr,
    body: Incoming,
) -> Result<Reply, Refusal> {
    let asked = Asked { app, head, who, address };
    match (manage, head.method.as_str()) {
        (Manage::Setup, _) => Ok(setup::state(&asked)),
        (Manage::Claim, _) => session::claim(&asked, body).await,
        (Manage::Session, "POST") => session::sign_in(&asked, body).await,
        (Manage::Session, "DELETE") => session::sign_out(&asked).await,
        (Manage::Session, _) => Ok(session::state(&asked)),
        (Manage::Sessions, "DELETE") => session::end_others(&asked).await,
        (Manage::Sessions, _) => Ok(session::list(&asked)),
        (Manage::OneSession(id), _) => session::end(&asked, id).await,
        (Manage::Tokens, "POST") => session::make_token(&asked, body).await,
        (Manage::Tokens, _) => Ok(session::tokens(&asked)),
        (Manage::Token(id), _) => session::remove_token(&asked, id).await,
        (Manage::Password, _) => session::change_password(&asked, body).await,
        (Manage::Viewers, "PUT") => session::set_viewers(&asked, body).await,
        (Manage::Viewers, _) => Ok(session::viewers(&asked)),
        (Manage::Settings, _) => Ok(settings::all(&asked)),
        (Manage::Section(name), "PATCH") => settings::change(&asked, name, body).await,
        (Manage::Section(name), _) => settings::one(&asked, &name),
        (Manage::Health, _) => Ok(health::health(&asked)),
        (Manage::Log, _) => health::lines(&asked),
        (Manage::Support, _) => health::support(&asked).await,
        (Manage::Backup, _) => backup::make(&asked, body).await,
        (Manage::Restore, _) => backup::restore(&asked, body).await,
        (Manage::Reset, _) => backup::reset(&asked, body).await,
        (Manage::System, _) => Ok(system::state(&asked).await),
        (Manage::Power, _) => system::power(&asked, body).await,
        (Manage::Time, _) => system::set_time(&asked, body).await,
        (Manage::Network, "PUT") => system::try_network(&asked, body).await,
        (Manage::Network, _) => system::end_trial(&asked, body).await,
        (Manage::Wifi, "POST") => wifi::search(&asked).await,
        (Manage::Wifi, "PUT") => wifi::join(&asked, body).await,
        (Manage::Wifi, "DELETE") => wifi::forget(&asked).await,
        (Manage::Wifi, _) => wifi::state(&asked).await,
        (Manage::Update, "PUT") => system::upload(&asked, body).await,
        (Manage::Update, _) => system::update(&asked, body).await,
        (Manage::Https, "POST") => https::make(&asked, body).await,
        (Manage::Https, "PUT") => https::upload(&asked, body).await,
        (Manage::Https, "DELETE") => https::remove(&asked).await,
        (Manage::Https, _) => Ok(https::state(&asked)),
        (Manage::Root, _) => https::root(&asked).await,
        (Manage::Plain, "POST") => plain::act(&asked, body).await,
        (Manage::Plain, _) => Ok(plain::show(&asked).await),
        (Manage::Storage, "POST") => storage::add_folder(&asked, body).await,
        (Manage::Storage, _) => storage::state(&asked).await,
        (Manage::Disk(device), _) => storage::disk(&asked, device, body).await,
        (Manage::Folder(name), _) => storage::remove_folder(&asked, name).await,
        (Manage::Ssh, _) => system::ssh(&asked, body).await,
        (Manage::Restart, _) => Ok(setup::restart(&asked)),
    }
}

/// Away from the connections' threads: passwords take a third of a second, and disks have to spin up.
pub(in crate::server::http) async fn apart<T: Send + 'static>(
    act: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(act).await.map_err(|_| broken())
}

fn broken() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "this failed by a mistake of the server's; see its log")
}

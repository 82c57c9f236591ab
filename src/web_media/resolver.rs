//! What an address of the web means: a film, a stream, or a list of them.
//!
//! In this order: the address itself, what its page, feed or playlist leads to, then yt-dlp, where it is installed. What was
//! found is remembered for ten minutes, so that the page, the player and its seeks look once. Whoever asks for the same
//! address meanwhile waits for the same answer.

use super::client::{Answer, Client, FetchError};
use super::film::RemoteFilm;
use super::yt_dlp::{YtDlp, YtDlpError};
use super::{Direct, component};
use crate::egress::{Door, Exception, Reach};
use crate::limits::{
    MAX_LEADS, MAX_RESOLVED, MAX_RESOLVING, MAX_RESOLVING_WAITING, MAX_WEB_PAGE, RESOLVE_TIMEOUT,
    RESOLVED_LIFE, SNIFF, UNRESOLVED_LIFE,
};
use crate::web_address::{WebAddress, WebAddressError};
use crate::web_page::{self, Content, Link};
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use url::Url;

/// What a resolver works with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Addresses that are not of the internet, and where pages and viewers may lead nevertheless.
    pub allow: Vec<Exception>,
    /// Where components are kept.
    pub components: PathBuf,
    /// Python, for yt-dlp.
    pub python: PathBuf,
    /// Our own program.
    pub program: PathBuf,
}

/// Finds out what addresses mean.
#[derive(Debug)]
pub struct Resolver {
    client: Client,
    yt_dlp: YtDlp,
    known: Mutex<HashMap<(WebAddress, Reach), Arc<Slot>>>,
    places: Semaphore,
    waiting: Semaphore,
}

/// One address, and what is known of it. Held while it is looked at.
#[derive(Debug, Default)]
struct Slot(tokio::sync::Mutex<Option<(Instant, Outcome)>>);

type Outcome = Result<Arc<Found>, ResolveError>;

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is called.
    pub title: Option<String>,
    /// What is played; `None` when only [`entries`](Self::entries) are known.
    pub play: Option<Play>,
    /// What else is there: the episodes of a feed, the films of a page. The first is what is played.
    pub entries: Vec<Entry>,
    /// Who found it: "the address itself", "its page", "yt-dlp".
    pub by: &'static str,
}

/// What is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Play {
    /// It has a length and can be read from anywhere.
    Film {
        /// Where it is.
        direct: Direct,
        /// Bytes.
        len: u64,
        /// By which the server tells its versions apart.
        version: Option<String>,
    },
    /// It has neither, or is HLS: it plays from its beginning, or from now.
    Stream {
        /// Where it is.
        direct: Direct,
    },
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its own address.
    pub url: Url,
    /// What it is called.
    pub title: Option<String>,
    /// How long it is, where that is said.
    pub duration: Option<Duration>,
}

/// Why nothing is played. The texts are shown to people.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResolveError {
    /// It cannot be fetched.
    #[error("{0}")]
    Fetch(#[source] Arc<FetchError>),
    /// Its answer broke off.
    #[error("\"{host}\" broke off: {reason}")]
    Broken {
        /// Which server.
        host: String,
        /// What the system said.
        reason: String,
    },
    /// There is nothing in it that we know.
    #[error("no film, song or stream was found at {address}{hint}")]
    Nothing {
        /// Without secrets.
        address: String,
        /// What would help.
        hint: &'static str,
    },
    /// yt-dlp was asked, and says no.
    #[error(transparent)]
    YtDlp(#[from] YtDlpError),
    /// It took too long.
    #[error("nobody has found out within {seconds} s what is at {0}; try again", seconds = RESOLVE_TIMEOUT.as_secs())]
    TooSlow(String),
    /// Too many at once.
    #[error("{MAX_RESOLVING_WAITING} addresses are being looked at already; try again in a minute")]
    Busy,
    /// An address in it is none.
    #[error(transparent)]
    Address(#[from] WebAddressError),
}

/// What to do when nothing is found, and yt-dlp is not there.
const INSTALL_HINT: &str = "; yt-dlp knows a thousand sites more, YouTube among them: install it with \
    `wiidiaserver component install yt-dlp`, or on the page";

impl From<FetchError> for ResolveError {
    fn from(error: FetchError) -> Self {
        Self::Fetch(Arc::new(error))
    }
}

impl Resolver {
    /// A resolver with nothing in mind.
    pub fn new(settings: Settings) -> Self {
        let door = Arc::new(Door::new(settings.allow));
        let folder = component::folder(&settings.components);
        Self {
            client: Client::new(door),
            yt_dlp: YtDlp::new(folder, settings.python, settings.program),
            known: Mutex::default(),
            places: Semaphore::new(MAX_RESOLVING),
            waiting: Semaphore::new(MAX_RESOLVING_WAITING),
        }
    }

    /// What fetches.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What asks yt-dlp.
    pub(super) fn yt_dlp(&self) -> &YtDlp {
        &self.yt_dlp
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(WebAddress, Reach), Arc<Slot>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is at an address.
    ///
    /// # Errors
    /// Why it cannot be played.
    pub async fn find(&self, address: &WebAddress, reach: Reach) -> Result<Arc<Found>, ResolveError> {
        self.find_since(address, reach, None).await
    }

    /// The same, found out after this was called: what was known is no good any more.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub async fn find_anew(&self, address: &WebAddress, reach: Reach) -> Result<Arc<Found>, ResolveError> {
        self.find_since(address, reach, Some(Instant::now())).await
    }

    async fn find_since(
        &self,
        address: &WebAddress,
        reach: Reach,
        since: Option<Instant>,
    ) -> Result<Arc<Found>, ResolveError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| ResolveError::Busy)?;
        let slot = self.slot(address, reach);
        let mut known = slot.0.lock().await;
        if let Some((at, result)) = &*known {
            let life = if result.is_ok() { RESOLVED_LIFE } else { UNRESOLVED_LIFE };
            if at.elapsed() < life && since.is_none_or(|since| *at >= since) {
                return result.clone();
            }
        }
        let _place = self.places.acquire().await.map_err(|_| ResolveError::Busy)?;
        let looking = self.look(address, reach);
        let result = match tokio::time::timeout(RESOLVE_TIMEOUT, looking).await {
            Ok(result) => result.map(Arc::new),
            Err(_) => Err(ResolveError::TooSlow(address.to_string())),
        };
        match &result {
            Ok(found) => {
                tracing::info!(%address, by = found.by, film = matches!(found.play, Some(Play::Film { .. })), "found")
            }
            Err(error) => tracing::info!(%address, %error, "not found"),
        }
        *known = Some((Instant::now(), result.clone()));
        result
    }

    fn slot(&self, address: &WebAddress, reach: Reach) -> Arc<Slot> {
        let mut known = self.known();
        if known.len() >= MAX_RESOLVED {
            // What nobody waits for, and is old or unknown, goes; else anything that nobody waits for.
            let idle = |slot: &Arc<Slot>| Arc::strong_count(slot) == 1;
            let old = |slot: &Arc<Slot>| {
                let known = slot.0.try_lock();
                known.is_ok_and(|known| known.as_ref().is_none_or(|(at, _)| at.elapsed() >= RESOLVED_LIFE))
            };
            known.retain(|_, slot| !(idle(slot) && old(slot)));
            let any = known.iter().find(|(_, slot)| idle(slot)).map(|(key, _)| key.clone());
            if let Some(key) = any.filter(|_| known.len() >= MAX_RESOLVED) {
                known.remove(&key);
            }
        }
        known.entry((address.clone(), reach)).or_default().clone()
    }

    /// The film at an address, for a reel to be made of it. `None`: what is there is no film.
    pub fn film(self: &Arc<Self>, address: &WebAddress, reach: Reach, found: &Found) -> Option<RemoteFilm> {
        let Some(Play::Film { direct, len, version }) = &found.play else { return None };
        let name = found.title.clone().unwrap_or_else(|| address.name());
        let play = (direct.clone(), *len, version.clone());
        Some(RemoteFilm::new(address.clone(), reach, self.clone(), play, name))
    }

    async fn look(&self, address: &WebAddress, reach: Reach) -> Result<Found, ResolveError> {
        let own = self.look_at(&Direct::bare(address.url().clone()), reach, 0).await;
        let error = match own {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        // Sites that turn unknown programs away may know yt-dlp.
        let turned_away = matches!(&error, ResolveError::Fetch(fetch) if fetch.is_about_the_address());
        if !matches!(error, ResolveError::Nothing { .. }) && !turned_away {
            return Err(error);
        }
        if !self.yt_dlp.is_installed() {
            return Err(match error {
                ResolveError::Nothing { address, .. } => {
                    ResolveError::Nothing { address, hint: INSTALL_HINT }
                }
                other => other,
            });
        }
        let told = self.yt_dlp.ask(address.url(), self.client.door(), reach).await?;
        let entries = told.entries;
        let play = match (told.direct, entries.first()) {
            (Some((direct, true)), _) => Some(Play::Stream { direct }),
            (Some((direct, false)), _) => Some(self.play_of(&direct, reach).await?),
            (None, Some(first)) => {
                let first = Box::pin(self.look(&WebAddress::new(first.url.clone())?, reach)).await?;
                first.play
            }
            (None, None) => None,
        };
        if play.is_none() {
            return Err(ResolveError::Nothing { address: address.to_string(), hint: "" });
        }
        Ok(Found { title: told.title, play, entries, by: "yt-dlp" })
    }

    /// Our own ways.
    async fn look_at(&self, direct: &Direct, reach: Reach, depth: usize) -> Result<Found, ResolveError> {
        let mut answer = self.client.get(direct, &[], reach).await?;
        let broken = |error: io::Error| ResolveError::Broken {
            host: direct.url.host_str().unwrap_or_default().to_owned(),
            reason: error.to_string(),
        };
        let mut bytes = answer.beginning(SNIFF).await.map_err(broken)?;
        let kind = answer.header(header::CONTENT_TYPE).map(str::to_owned);
        let mut content = web_page::read(&answer.url, kind.as_deref(), &bytes);
        if content != Content::Media {
            answer.up_to(&mut bytes, MAX_WEB_PAGE).await.map_err(broken)?;
            content = web_page::read(&answer.url, kind.as_deref(), &bytes);
        }
        let by = if depth == 0 { "the address itself" } else { "its page" };
        let alone = |play, title| Ok(Found { title, play: Some(play), entries: Vec::new(), by });
        match content {
            Content::Media => alone(self.play_of_answer(direct, answer, reach).await?, None),
            Content::Hls => alone(Play::Stream { direct: at(direct, &answer.url) }, None),
            Content::Links { title, links } => self.first_of(&answer.url, title, links, reach, depth).await,
            Content::Nothing { .. } => Err(nothing(&direct.url)),
        }
    }

    /// The first of the links that leads to media is what is played.
    async fn first_of(
        &self,
        page: &Url,
        title: Option<String>,
        links: Vec<Link>,
        reach: Reach,
        depth: usize,
    ) -> Result<Found, ResolveError> {
        if depth >= MAX_LEADS {
            return Err(nothing(page));
        }
        let mut error = nothing(page);
        for (index, link) in links.iter().enumerate().take(MAX_LEADS) {
            // Browsers say which site sent them, and some servers ask for it.
            let referer = ("Referer".to_owned(), format!("{}/", page.origin().ascii_serialization()));
            let direct = Direct { url: link.url.clone(), headers: Arc::new([referer]) };
            match Box::pin(self.look_at(&direct, reach, depth + 1)).await {
                Ok(found) => {
                    let several = links.len() > 1;
                    // A page that leads to a list shows the list.
                    let own = links[index..].iter().chain(&links[..index]).filter(|_| several).map(entry);
                    let entries = if found.entries.is_empty() { own.collect() } else { found.entries };
                    let title = if several { title } else { link.title.clone().or(title) };
                    return Ok(Found { title: title.or(found.title), entries, ..found });
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    async fn play_of(&self, direct: &Direct, reach: Reach) -> Result<Play, ResolveError> {
        let answer = self.client.get(direct, &[], reach).await?;
        self.play_of_answer(direct, answer, reach).await
    }

    /// Whether it can be read from anywhere, which servers say and do not always do.
    async fn play_of_answer(
        &self,
        direct: &Direct,
        answer: Answer,
        reach: Reach,
    ) -> Result<Play, ResolveError> {
        let direct = at(direct, &answer.url);
        let ranges =
            answer.header(header::ACCEPT_RANGES).is_none_or(|unit| !unit.trim().eq_ignore_ascii_case("none"));
        let is_radio = answer.headers.keys().any(|name| name.as_str().starts_with("icy-"));
        if answer.length().is_none() || !ranges || is_radio {
            return Ok(Play::Stream { direct });
        }
        drop(answer);
        let part = [(header::RANGE, HeaderValue::from_static("bytes=0-1"))];
        let answer = match self.client.get(&direct, &part, reach).await {
            Ok(answer) => answer,
            Err(_) => return Ok(Play::Stream { direct }),
        };
        match answer.range().filter(|_| answer.status == StatusCode::PARTIAL_CONTENT) {
            Some((0, len)) if len > 0 => {
                let version = answer.header(header::ETAG).or(answer.header(header::LAST_MODIFIED));
                Ok(Play::Film { direct, len, version: version.map(str::to_owned) })
            }
            _ => Ok(Play::Stream { direct }),
        }
    }
}

fn at(direct: &Direct, url: &Url) -> Direct {
    // A password in the address is for its own server, and is not told to where that sends on to; but to itself again.
    let mut url = url.clone();
    if url.host() == direct.url.host() && url.username().is_empty() {
        let _ = url.set_username(direct.url.username());
        let _ = url.set_password(direct.url.password());
    }
    Direct { url, headers: direct.headers.clone() }
}

fn entry(link: &Link) -> Entry {
    Entry { url: link.url.clone(), title: link.title.clone(), duration: link.duration }
}

fn nothing(url: &Url) -> ResolveError {
    let address = WebAddress::new(url.clone()).map(|address| address.to_string());
    ResolveError::Nothing { address: address.unwrap_or_default(), hint: "" }
}

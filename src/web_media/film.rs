//! A film on a web server: its bytes, from wherever they are wanted.
//!
//! Each conversion has a feed of its own, which reads at up to [`MAX_FILM_PLACES`] places at a time, each an answer of the
//! server that goes on as the worker asks for more. A server that breaks off is asked again; an address that has expired
//! is found anew through the page it came from.

use super::Direct;
use super::client::{Answer, Client, FetchError};
use super::places::choose;
use super::resolver::{Play, Resolver};
use crate::egress::Reach;
use crate::limits::{FILM_KEPT, FILM_PAUSE, FILM_TRIES, MAX_FILM_PLACES, MAX_FILM_READ};
use crate::pipeline::{FEED_FAILED, FEED_REQUEST, read_feed_request};
use crate::web_address::WebAddress;
use bytes::BytesMut;
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use std::fmt;
use std::io;
use std::ops::Range;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Handle;

/// A film at an address of the web.
pub struct RemoteFilm {
    /// Where it is found again.
    address: WebAddress,
    reach: Reach,
    resolver: Arc<Resolver>,
    /// Where it is now.
    direct: Mutex<Direct>,
    len: u64,
    version: Option<String>,
    name: String,
    runtime: Handle,
}

/// Which film, in which version. A film that has changed is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteIdentity {
    address: String,
    len: u64,
    version: Option<String>,
}

impl RemoteFilm {
    /// A film that was found to be at `direct`. To be called within a runtime.
    pub(super) fn new(
        address: WebAddress,
        reach: Reach,
        resolver: Arc<Resolver>,
        play: (Direct, u64, Option<String>),
        name: String,
    ) -> Self {
        let (direct, len, version) = play;
        let direct = Mutex::new(direct);
        Self { address, reach, resolver, direct, len, version, name, runtime: Handle::current() }
    }

    /// Bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True for a film of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which film it is.
    pub fn identity(&self) -> RemoteIdentity {
        let address = self.address.encoded();
        RemoteIdentity { address, len: self.len, version: self.version.clone() }
    }

    /// Answers what the worker behind a new socket asks, until it is closed. The socket is the worker's.
    ///
    /// # Errors
    /// When the system has none.
    pub fn feed(self: &Arc<Self>) -> io::Result<StdUnixStream> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let film = self.clone();
        self.runtime.spawn(async move {
            let served = async { serve(&film, UnixStream::from_std(ours)?).await };
            if let Err(error) = served.await {
                tracing::debug!(film = film.name, %error, "a film's feed ended");
            }
        });
        Ok(theirs)
    }

    fn direct(&self) -> Direct {
        self.direct.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn client(&self) -> &Client {
        self.resolver.client()
    }

    /// Finds out where it is now. True when it is elsewhere than `before`.
    async fn find_again(&self, before: &Direct) -> bool {
        if self.direct() != *before {
            return true;
        }
        match self.resolver.find_anew(&self.address, self.reach).await.as_deref() {
            Ok(found) => match &found.play {
                Some(Play::Film { direct, len, .. }) if *len == self.len && direct != before => {
                    *self.direct.lock().unwrap_or_else(PoisonError::into_inner) = direct.clone();
                    tracing::info!(film = self.name, "its address had expired; it was found again");
                    true
                }
                _ => false,
            },
            Err(_) => false,
        }
    }
}

impl fmt::Debug for RemoteFilm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteFilm")
            .field("address", &self.address)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

async fn serve(film: &RemoteFilm, mut socket: UnixStream) -> io::Result<()> {
    let mut reader = Reader { film, places: Vec::new() };
    let mut request = [0; FEED_REQUEST];
    loop {
        match socket.read_exact(&mut request).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        };
        let (offset, len) = read_feed_request(request);
        let end = offset.saturating_add(u64::from(len.min(MAX_FILM_READ))).min(film.len);
        if offset >= end {
            socket.write_all(&0u32.to_le_bytes()).await?;
            continue;
        }
        match reader.read(offset..end).await {
            Ok(bytes) => {
                let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
                socket.write_all(&len.to_le_bytes()).await?;
                socket.write_all(&bytes).await?;
            }
            Err(error) => {
                tracing::warn!(film = film.name, offset, error, "a part of the film does not come");
                let text = error.as_bytes();
                let len = u32::try_from(text.len()).map_err(io::Error::other)?;
                let head = [FEED_FAILED.to_le_bytes(), len.to_le_bytes()].concat();
                socket.write_all(&head).await?;
                socket.write_all(text).await?;
            }
        }
    }
}

/// A place where the film is being read.
struct Place {
    answer: Answer,
    /// Where the first of `kept` is in the film.
    start: u64,
    kept: BytesMut,
}

impl Place {
    fn range(&self) -> Range<u64> {
        self.start..self.start + self.kept.len() as u64
    }

    /// Reads on until it has all of `wanted`.
    async fn read_to(&mut self, wanted: &Range<u64>) -> io::Result<()> {
        while self.range().end < wanted.end {
            let Some(piece) = self.answer.piece().await? else {
                let text = format!("it broke off at byte {}", self.range().end);
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            };
            self.kept.extend_from_slice(&piece);
            // What is skipped over is not gathered.
            self.forget_before(wanted.start.saturating_sub(FILM_KEPT as u64));
        }
        Ok(())
    }

    fn forget_before(&mut self, offset: u64) {
        let past = offset.saturating_sub(self.start).min(self.kept.len() as u64);
        // In larger steps: each one moves what is left.
        if past >= FILM_KEPT as u64 {
            let _ = self.kept.split_to(past as usize);
            self.start += past;
        }
    }
}

struct Reader<'a> {
    film: &'a RemoteFilm,
    /// The one used last comes last.
    places: Vec<Place>,
}

/// Why a place gives nothing.
enum Broken {
    Fetch(FetchError),
    Read(io::Error),
    /// Not the film that it was.
    Changed(String),
}

impl Reader<'_> {
    /// All of these bytes, which the film has. The error is for people.
    async fn read(&mut self, wanted: Range<u64>) -> Result<BytesMut, String> {
        let mut pause = FILM_PAUSE;
        let mut found_again = false;
        for attempt in 1.. {
            let direct = self.film.direct();
            let broken = match self.try_read(&direct, &wanted).await {
                Ok(bytes) => return Ok(bytes),
                Err(broken) => broken,
            };
            let (text, may_pass, expired) = match broken {
                Broken::Fetch(error) => (error.to_string(), error.may_pass(), error.is_about_the_address()),
                Broken::Read(error) => (format!("its server does not go on: {error}"), true, false),
                Broken::Changed(text) => (text, false, false),
            };
            if expired && !found_again {
                found_again = true;
                self.places.clear();
                if self.film.find_again(&direct).await {
                    continue;
                }
            }
            if !may_pass || attempt >= FILM_TRIES {
                return Err(text);
            }
            tracing::debug!(film = self.film.name, text, "asked again");
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(String::new())
    }

    async fn try_read(&mut self, direct: &Direct, wanted: &Range<u64>) -> Result<BytesMut, Broken> {
        let index = choose(self.places.iter().map(Place::range), wanted.start);
        let mut place = match index {
            Some(index) => self.places.remove(index),
            None => self.open(direct, wanted.start).await?,
        };
        // A place that breaks is not put back.
        place.read_to(wanted).await.map_err(Broken::Read)?;
        let at = |offset: u64| (offset - place.start) as usize;
        let bytes = BytesMut::from(&place.kept[at(wanted.start)..at(wanted.end)]);
        place.forget_before(wanted.end.saturating_sub(FILM_KEPT as u64));
        if self.places.len() >= MAX_FILM_PLACES {
            self.places.remove(0);
        }
        self.places.push(place);
        Ok(bytes)
    }

    async fn open(&self, direct: &Direct, from: u64) -> Result<Place, Broken> {
        let range = HeaderValue::try_from(format!("bytes={from}-"));
        let more = range.map(|range| vec![(header::RANGE, range)]).unwrap_or_default();
        let answer = self.film.client().get(direct, &more, self.film.reach).await.map_err(Broken::Fetch)?;
        let start = match answer.range().filter(|_| answer.status == StatusCode::PARTIAL_CONTENT) {
            Some((start, len)) if len == self.film.len && start == from => start,
            Some((_, len)) => {
                return Err(Broken::Changed(format!(
                    "the film has changed on its server: it has {len} bytes now, and had {}; play it again",
                    self.film.len
                )));
            }
            None if from == 0 => 0,
            None => {
                return Err(Broken::Changed(
                    "its server does not give parts of it any more; play it again".into(),
                ));
            }
        };
        Ok(Place { answer, start, kept: BytesMut::new() })
    }
}

//! From what an RTMP client calls a file, and what it takes, to that file's reel.

use crate::choice::Choice;
use crate::flv::codec::{AV01, HVC1, OPUS, VP09};
use crate::library::{Library, LibraryError, LibraryPath};
use crate::limits::MEDIA_INFO_TIMEOUT;
use crate::pipeline::Passes;
use crate::provider::{Client, OpenError, Providers, Takes, Wanted};
use crate::provider::{WebError, is_stream};
use crate::reel::{Codecs, Viewer};
use crate::rtmp::play_path::{self, Candidate, candidates};
use crate::rtmp::{Capabilities, FourCcs, PlayError};
use crate::server::App;
use crate::stream::Stream;
use crate::web_address::{WEB_FOLDER, WebAddress};
use std::borrow::Cow;
use std::sync::Arc;

/// What somebody asks for, in all the places where an address may say it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The application.
    pub(super) app: Vec<u8>,
    /// The query of the URL that the client connected to.
    pub(super) tc_url: Vec<u8>,
    /// The stream's name.
    pub(super) name: Vec<u8>,
    /// What the client plays.
    pub(super) takes: Takes,
}

/// A reel that can be played.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) viewer: Viewer,
    pub(super) codecs: Codecs,
    pub(super) path: LibraryPath,
}

/// Why not. The description is shown to people.
#[derive(Debug)]
pub(super) struct PlayFailure {
    pub(super) error: PlayError,
    pub(super) description: String,
}

impl From<OpenError> for PlayFailure {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::Library(LibraryError::Io { .. }) => PlayError::Unavailable,
            OpenError::Library(_) => PlayError::NotFound,
            OpenError::NotPlayable(_) | OpenError::NoTrack(_) | OpenError::Quarantined { .. } => {
                PlayError::NotMedia
            }
            OpenError::Cache(_) | OpenError::Busy => PlayError::Unavailable,
            OpenError::Web(WebError::Address(_) | WebError::Closed) => PlayError::NotFound,
            OpenError::Web(WebError::Stream(_)) => PlayError::NotMedia,
            OpenError::Web(WebError::Resolve(_)) => PlayError::Unavailable,
        };
        Self { error: kind, description: error.to_string() }
    }
}

/// What the client of a connection plays.
pub(super) fn takes(capabilities: &Capabilities) -> Takes {
    let (video, audio) = (&capabilities.video_four_ccs, &capabilities.audio_four_ccs);
    // A relay's viewers may take less than it passes on.
    let passes = |codes: &FourCcs, code| codes.contains(code) && !capabilities.only_forwards;
    Takes {
        passes: Passes {
            hevc: passes(video, &HVC1),
            av1: passes(video, &AV01),
            vp9: passes(video, &VP09),
            opus: passes(audio, &OPUS),
            // A FourCC says nothing of channels, sizes and fields.
            ..Passes::default()
        },
        only_flash: capabilities.only_flash,
        vp6: capabilities.vp6,
    }
}

/// The address of the web that is asked for: `rtmp://box/web/<address or name>`. `None`: something else.
///
/// A library may have a folder of that name, so only what cannot be a file's name is an address here.
pub(super) fn web_path(app: &App, asked: &Asked) -> Option<(LibraryPath, Choice)> {
    let application = String::from_utf8_lossy(&asked.app);
    // What is chosen may stand behind the application; ffmpeg cuts at any slash.
    let application = application.split('?').next().unwrap_or_default().trim_matches('/');
    let (first, rest) = application.split_once('/').unwrap_or((application, ""));
    let web = app.providers.web().filter(|_| first == "web")?;
    let name = String::from_utf8_lossy(&asked.name);
    let whole: Cow<'_, str> = if rest.is_empty() { name } else { format!("{rest}/{name}").into() };
    let is_plain = |text: &str| text.contains(":/");
    // Behind a question mark stands what is chosen, unless it is the address's own.
    let (text, choice) = match whole.split_once('?').filter(|(text, _)| !is_plain(text)) {
        Some((text, _)) => {
            (text, play_path::choice(&asked.app, &asked.tc_url, &asked.name).unwrap_or_default())
        }
        None => (&*whole, Choice::default()),
    };
    if web.is_named(text) {
        let path = LibraryPath::from_bytes(format!("{WEB_FOLDER}/{text}").as_bytes()).ok()?;
        return Some((path, choice));
    }
    let address = WebAddress::parse_explicit(text).ok()?;
    Some((LibraryPath::of_web(&address), choice))
}

/// The live stream that an address of the web means; `None`: there is a film.
pub(super) async fn web_stream(app: &App, path: &LibraryPath) -> Result<Option<Arc<Stream>>, String> {
    let web = app.providers.web().ok_or_else(|| WebError::Closed.to_string())?;
    let found = web.find(path).await.ok_or_else(|| WebError::Closed.to_string())?;
    let (address, _, found) = found.map_err(|error| error.to_string())?;
    if !is_stream(&found) {
        return Ok(None);
    }
    let name = app.sources.of_viewer(&address)?;
    app.live_stream(&name).await.map(Some)
}

/// Opens what was asked for, and waits until it can be played.
pub(super) async fn open(app: Arc<App>, asked: Asked) -> Result<Opened, PlayFailure> {
    let providers = &app.providers;
    let (choice, path, app_is_folder) = match web_path(&app, &asked) {
        Some((path, choice)) => {
            providers.prepare(&path).await?;
            (choice, path, true)
        }
        None => {
            let choice = play_path::choice(&asked.app, &asked.tc_url, &asked.name).map_err(|error| {
                PlayFailure { error: PlayError::NotMedia, description: error.to_string() }
            })?;
            let (path, app_is_folder) = find(providers, &asked).await?;
            (choice, path, app_is_folder)
        }
    };
    let profile = play_path::profile(&asked.app).filter(|_| !app_is_folder);
    let choice = choice.or(Choice { profile, ..Choice::default() });
    // Only browsers are refused anything.
    let wanted = Wanted::new(&choice, &app.preferences(), Client::Flv(asked.takes))
        .map_err(|error| PlayFailure { error: PlayError::NotMedia, description: error.to_string() })?;
    match tokio::time::timeout(MEDIA_INFO_TIMEOUT, providers.open_started(&path, &wanted)).await {
        Ok(Ok((viewer, codecs))) => Ok(Opened { viewer, codecs, path }),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(PlayFailure {
            error: PlayError::Unavailable,
            description: format!("\"{path}\" has not said what is in it; its disk may be slow, try again"),
        }),
    }
}

/// The file, and whether the application's name is a folder of its path.
async fn find(providers: &Arc<Providers>, asked: &Asked) -> Result<(LibraryPath, bool), PlayFailure> {
    let library = providers.library().clone();
    let candidates = candidates(&asked.app, &asked.name);
    // A disk that has to spin up must not hold up other connections.
    let found = tokio::task::spawn_blocking(move || {
        find_blocking(&library, &candidates).ok_or_else(|| library.check_roots().err())
    });
    match found.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(Some(disk))) => Err(OpenError::from(disk).into()),
        Ok(Err(None)) | Err(_) => Err(PlayFailure {
            error: PlayError::NotFound,
            description: format!(
                "there is no \"{}\" in the library; look at its listing for what is there",
                String::from_utf8_lossy(&asked.name)
            ),
        }),
    }
}

fn find_blocking(library: &Library, candidates: &[Candidate]) -> Option<(LibraryPath, bool)> {
    let paths = || candidates.iter().filter_map(|c| Some((c, LibraryPath::from_bytes(&c.path).ok()?)));
    let file = paths().find_map(|(candidate, path)| {
        let found = match candidate.stem {
            true => library.find_by_stem(&path),
            false if library.is_file(&path) => Some(path),
            false => library.behind_flv(&path),
        };
        Some((found?, candidate.app_is_folder))
    });
    // A folder's name plays what is first in it.
    let first =
        |(c, path): (&Candidate, LibraryPath)| Some((library.first_playable(&path)?, c.app_is_folder));
    file.or_else(|| paths().filter(|(c, _)| !c.stem).find_map(first))
}

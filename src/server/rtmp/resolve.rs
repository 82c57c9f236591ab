//! From what an RTMP client calls a file to that file's reel.

use crate::library::{Library, LibraryError, LibraryPath};
use crate::limits::MEDIA_INFO_TIMEOUT;
use crate::provider::{OpenError, Providers, Wanted};
use crate::reel::{Codecs, Viewer};
use crate::rtmp::PlayError;
use crate::rtmp::play_path::{Candidate, candidates};
use std::sync::Arc;

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
            OpenError::NotPlayable(_) => PlayError::NotMedia,
            OpenError::Cache(_) | OpenError::Busy => PlayError::Unavailable,
        };
        Self { error: kind, description: error.to_string() }
    }
}

/// Opens what `name` on the application `app` means, and waits until it can be played.
pub(super) async fn open(
    providers: Arc<Providers>,
    app: Vec<u8>,
    name: Vec<u8>,
) -> Result<Opened, PlayFailure> {
    let path = find(&providers, app, name).await?;
    let opening = async {
        let viewer = providers.open(&path, Wanted::Flv).await?;
        let started = viewer.reel().started().await;
        started.map(|codecs| (viewer, codecs)).map_err(OpenError::NotPlayable)
    };
    match tokio::time::timeout(MEDIA_INFO_TIMEOUT, opening).await {
        Ok(Ok((viewer, codecs))) => Ok(Opened { viewer, codecs, path }),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(PlayFailure {
            error: PlayError::Unavailable,
            description: format!("\"{path}\" has not said what is in it; its disk may be slow, try again"),
        }),
    }
}

async fn find(providers: &Arc<Providers>, app: Vec<u8>, name: Vec<u8>) -> Result<LibraryPath, PlayFailure> {
    let library = providers.library().clone();
    let asked = String::from_utf8_lossy(&name).into_owned();
    // A disk that has to spin up must not hold up other connections.
    let found = tokio::task::spawn_blocking(move || {
        let found = find_blocking(&library, &candidates(&app, &name));
        found.ok_or_else(|| library.check_roots().err())
    });
    match found.await {
        Ok(Ok(path)) => Ok(path),
        Ok(Err(Some(disk))) => Err(OpenError::from(disk).into()),
        Ok(Err(None)) | Err(_) => Err(PlayFailure {
            error: PlayError::NotFound,
            description: format!(
                "there is no \"{asked}\" in the library; look at its listing for what is there"
            ),
        }),
    }
}

fn find_blocking(library: &Library, candidates: &[Candidate]) -> Option<LibraryPath> {
    let paths = || candidates.iter().filter_map(|c| Some((c, LibraryPath::from_bytes(&c.path).ok()?)));
    let file = paths().find_map(|(candidate, path)| match candidate.stem {
        true => library.find_by_stem(&path),
        false => library.is_file(&path).then_some(path),
    });
    // A folder's name plays what is first in it.
    file.or_else(|| paths().filter(|(c, _)| !c.stem).find_map(|(_, path)| library.first_playable(&path)))
}

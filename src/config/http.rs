//! `[http]`: the folder of pages of one's own, and which other sites may read HLS.

use super::Environment;
use super::error::{ConfigError, Problem};
use super::file::File;
use super::resolve::path;
use std::path::PathBuf;

/// The folder `www`, which has to be one by now: who names it wants what is in it.
pub(super) fn www(file: &File, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    let Some(written) = file.content.http.www.as_ref().filter(|written| !written.get_ref().is_empty()) else {
        return Ok(None);
    };
    let folder = path(written.get_ref().as_ref(), file.folder(), environment);
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(Some(folder)),
        Err(error) => {
            let problem = Problem::Www { path: folder, reason: error };
            Err(ConfigError::new(file.place(written.span()), problem))
        }
    }
}

/// Origins as browsers write them: a scheme, a host, perhaps a port, and no path.
pub(super) fn origins(file: &File) -> Result<Vec<String>, ConfigError> {
    let Some(written) = &file.content.http.hls_origins else { return Ok(Vec::new()) };
    let is_origin = |origin: &str| {
        let host = origin.strip_prefix("https://").or(origin.strip_prefix("http://"));
        let fits = |host: &str| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@\"".contains(&b))
        };
        origin == "*" || host.is_some_and(fits)
    };
    match written.get_ref().iter().find(|origin| !is_origin(origin)) {
        Some(wrong) => Err(ConfigError::new(file.place(written.span()), Problem::Origin(wrong.clone()))),
        None => Ok(written.get_ref().clone()),
    }
}

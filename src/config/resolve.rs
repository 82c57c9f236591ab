//! Flags over file over defaults, each value checked where it is made.

use super::command_line::Flags;
use super::error::{ConfigError, Place, Problem};
use super::file::File;
use super::nearest::nearest;
use super::{
    Access, Cache, ComponentConfig, Config, Discovery, Environment, Http, Https, Index, Keep, Level, Live,
    Log, Playback, Record, Rtmp, Rtmps, Upload,
};
use crate::choice::{Language, Profile};
use crate::limits;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use std::{fs, io};
use toml::Spanned;
use tracing_subscriber::EnvFilter;

pub(super) fn config(flags: &Flags, file: &File, environment: &Environment) -> Result<Config, ConfigError> {
    let content = &file.content;
    let (http, http_place) =
        listen(&flags.http, "--http", &content.http.listen, file, Http::default().listen)?;
    let (rtmp, rtmp_place) =
        listen(&flags.rtmp, "--rtmp", &content.rtmp.listen, file, Rtmp::default().listen)?;
    if http.port() == rtmp.port() && http.port() != 0 && overlap(http, rtmp) {
        let place = if rtmp_place == Place::Everywhere { http_place } else { rtmp_place };
        return Err(ConfigError::new(place, Problem::SamePort(http.port())));
    }
    let rtmps = rtmps(file, environment)?;
    if let (Some(rtmps), Some(written)) = (&rtmps, &content.rtmps.certificate) {
        let taken = [http, rtmp].into_iter().find(|other| {
            other.port() == rtmps.listen.port() && other.port() != 0 && overlap(*other, rtmps.listen)
        });
        if let Some(other) = taken {
            let span = content.rtmps.listen.as_ref().map_or(written.span(), Spanned::span);
            return Err(ConfigError::new(file.place(span), Problem::RtmpsPort(other.port())));
        }
    }
    let (cache, keep) = (Cache::default(), keep(file)?);
    let library = library(flags, file, environment)?;
    let relay = super::relay::resolve(file, environment)?;
    let sources = super::source::resolve(file, &relay.pulls)?;
    Ok(Config {
        record: record(file, &library, environment)?,
        upload: upload(file, &library, environment)?,
        library,
        data: data(flags, file, environment)?,
        access: access(file)?,
        written: written(flags, file),
        http: Http {
            listen: http,
            www: super::http::www(file, environment)?,
            hls_origins: super::http::origins(file)?,
        },
        https: https(file, environment)?,
        rtmp: Rtmp { listen: rtmp },
        rtmps,
        discovery: Discovery { ssdp: content.discovery.ssdp.unwrap_or(Discovery::default().ssdp) },
        index: Index {
            background: content.index.background.unwrap_or(Index::default().background),
            limit_mb: content.index.limit_mb.unwrap_or(Index::default().limit_mb),
        },
        cache: Cache {
            limit_mb: content.cache.limit_mb.unwrap_or(cache.limit_mb),
            keep_free_mb: content.cache.keep_free_mb.unwrap_or(cache.keep_free_mb),
            keep,
        },
        log: log(file)?,
        playback: playback(file)?,
        live: live(file)?,
        relay,
        sources,
        web: super::web::resolve(file, environment)?,
        allow_root: flags.allow_root,
        file: Some(file.path.clone()).filter(|path| !path.as_os_str().is_empty()),
    })
}

fn keep(file: &File) -> Result<Keep, ConfigError> {
    let Some(written) = &file.content.cache.keep else { return Ok(Keep::default()) };
    let name = written.get_ref();
    Keep::ALL.iter().find(|(known, _)| known == name).map(|(_, keep)| *keep).ok_or_else(|| {
        let names = Keep::ALL.map(|(name, _)| name);
        let nearest = nearest(name, names).map(str::to_owned);
        ConfigError::new(file.place(written.span()), Problem::Keep { value: name.clone(), nearest })
    })
}

/// What a component needs: it has no library.
pub(super) fn component(
    flags: &Flags,
    file: &File,
    environment: &Environment,
) -> Result<ComponentConfig, ConfigError> {
    let web = super::web::resolve(file, environment)?;
    Ok(ComponentConfig { data: data(flags, file, environment)?, web, allow_root: flags.allow_root })
}

/// A path as somebody wrote it, absolute: `~/` is their home, and the rest is relative to `base`.
pub(super) fn path(written: &OsStr, base: &Path, environment: &Environment) -> PathBuf {
    let written = Path::new(written);
    let joined = match (written.strip_prefix("~"), &environment.home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => base.join(written),
    };
    // Without "." and doubled slashes, so that the same folder is found to be the same.
    joined.components().collect()
}

fn library(flags: &Flags, file: &File, environment: &Environment) -> Result<Vec<PathBuf>, ConfigError> {
    let written: Vec<(PathBuf, Place)> = if flags.library.is_empty() {
        let list = file.content.library.as_ref().map(Spanned::get_ref);
        let folders = list.into_iter().flatten();
        folders
            .map(|folder| {
                let path = path(folder.get_ref().as_ref(), file.folder(), environment);
                (path, file.place(folder.span()))
            })
            .collect()
    } else {
        let folders = flags.library.iter();
        folders
            .map(|folder| (path(folder, &environment.working_dir, environment), Place::Flag("--library")))
            .collect()
    };
    let Some((_, last_place)) = written.last() else {
        // An empty list in the file is where to look; without one there is only the advice.
        let place = file.content.library.as_ref().map(|list| file.place(list.span()));
        return Err(ConfigError::new(place.unwrap_or(Place::Everywhere), Problem::NoLibrary));
    };
    if written.len() > limits::MAX_LIBRARY_FOLDERS {
        return Err(ConfigError::new(last_place.clone(), Problem::ManyFolders(written.len())));
    }
    let mut library = Vec::with_capacity(written.len());
    for (path, place) in written {
        let checked = if library.contains(&path) {
            Err(Problem::LibraryTwice(path.clone()))
        } else {
            check_readable_folder(&path)
        };
        checked.map_err(|problem| ConfigError::new(place, problem))?;
        library.push(path);
    }
    Ok(library)
}

fn check_readable_folder(path: &Path) -> Result<(), Problem> {
    let unreadable = |reason: io::Error| match reason.kind() {
        io::ErrorKind::NotFound => Problem::LibraryMissing(path.to_owned()),
        _ => Problem::LibraryUnreadable { path: path.to_owned(), reason },
    };
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        fs::read_dir(path).map_err(unreadable)?;
        Ok(())
    } else {
        Err(Problem::LibraryIsFile(path.to_owned()))
    }
}

pub(super) fn data(flags: &Flags, file: &File, environment: &Environment) -> Result<PathBuf, ConfigError> {
    let (data, place) = match (&flags.data, &file.content.data) {
        (Some(written), _) => (path(written, &environment.working_dir, environment), Place::Flag("--data")),
        (None, Some(written)) => {
            let path = path(written.get_ref().as_ref(), file.folder(), environment);
            (path, file.place(written.span()))
        }
        (None, None) => match environment.default_data() {
            Some(path) => (path, Place::Everywhere),
            None => return Err(ConfigError::new(Place::Everywhere, Problem::NoData)),
        },
    };
    // It is made when it is first needed; what exists of it already must be a folder.
    match data.ancestors().find(|part| part.exists()) {
        Some(part) if !part.is_dir() => {
            let problem = Problem::DataIsFile { path: data.clone(), file: part.to_owned() };
            Err(ConfigError::new(place, problem))
        }
        _ => Ok(data),
    }
}

fn listen(
    flag: &Option<OsString>,
    name: &'static str,
    written: &Option<Spanned<String>>,
    file: &File,
    default: SocketAddr,
) -> Result<(SocketAddr, Place), ConfigError> {
    let (value, place) = match (flag, written) {
        (Some(value), _) => (value.to_string_lossy().into_owned(), Place::Flag(name)),
        (None, Some(value)) => (value.get_ref().clone(), file.place(value.span())),
        (None, None) => return Ok((default, Place::Everywhere)),
    };
    match value.trim().parse() {
        Ok(address) => Ok((address, place)),
        Err(_) => {
            let nearest = address_meant_by(value.trim(), default);
            Err(ConfigError::new(place, Problem::Address { value, nearest }))
        }
    }
}

/// HTTP over TLS: by which certificate, when one is given. An empty text stands for none.
fn https(file: &File, environment: &Environment) -> Result<Https, ConfigError> {
    let written = &file.content.https;
    let given = |value: &Option<Spanned<String>>| -> Option<(PathBuf, Place)> {
        let value = value.as_ref().filter(|value| !value.get_ref().is_empty())?;
        Some((path(value.get_ref().as_ref(), file.folder(), environment), file.place(value.span())))
    };
    let (listen, _) = listen(&None, "", &written.listen, file, Https::default().listen)?;
    let certificate = match (given(&written.certificate), given(&written.key)) {
        (Some((certificate, _)), Some((key, _))) => Some((certificate, key)),
        (Some((_, place)), None) => return Err(ConfigError::new(place, Problem::HttpsLacks("key"))),
        (None, Some((_, place))) => return Err(ConfigError::new(place, Problem::HttpsLacks("certificate"))),
        (None, None) => None,
    };
    Ok(Https { listen, certificate })
}

/// RTMP over TLS, when a certificate and its key are given. An empty text stands for none.
fn rtmps(file: &File, environment: &Environment) -> Result<Option<Rtmps>, ConfigError> {
    let written = &file.content.rtmps;
    let given = |value: &Option<Spanned<String>>| -> Option<(PathBuf, Place)> {
        let value = value.as_ref().filter(|value| !value.get_ref().is_empty())?;
        Some((path(value.get_ref().as_ref(), file.folder(), environment), file.place(value.span())))
    };
    let (listen, listen_place) = listen(&None, "", &written.listen, file, Rtmps::LISTEN)?;
    match (given(&written.certificate), given(&written.key)) {
        (Some((certificate, _)), Some((key, _))) => Ok(Some(Rtmps { listen, certificate, key })),
        (Some((_, place)), None) => Err(ConfigError::new(place, Problem::RtmpsLacks("key"))),
        (None, Some((_, place))) => Err(ConfigError::new(place, Problem::RtmpsLacks("certificate"))),
        // The default written out asks for nothing.
        (None, None) if listen == Rtmps::LISTEN => Ok(None),
        (None, None) => Err(ConfigError::new(listen_place, Problem::RtmpsLacks("certificate"))),
    }
}

/// What people write instead of an address with a port.
fn address_meant_by(value: &str, default: SocketAddr) -> Option<String> {
    // First the whole: an IPv6 address alone has colons of its own.
    if let Ok(address) = value.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, default.port()).to_string());
    }
    let (host, port) = match value.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => value.parse().map_or((value, default.port()), |port| ("", port)),
    };
    match host {
        "" if value.is_empty() => None,
        "" | "*" => Some(format!("0.0.0.0:{port}")),
        "localhost" => Some(format!("127.0.0.1:{port}")),
        _ => host.parse().ok().map(|address: IpAddr| SocketAddr::new(address, port).to_string()),
    }
}

/// Whether two sockets with the same port are in each other's way.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified()
}

fn log(file: &File) -> Result<Log, ConfigError> {
    let mut log = Log::default();
    if let Some(written) = &file.content.log.level {
        let value = written.get_ref();
        let found = Level::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        log.level = found.map(|(_, level)| *level).ok_or_else(|| {
            let nearest = nearest(value, Level::ALL.iter().map(|(name, _)| *name)).map(str::to_owned);
            ConfigError::new(file.place(written.span()), Problem::Level { value: value.clone(), nearest })
        })?;
    }
    if let Some(written) = &file.content.log.filter {
        log.filter = written.get_ref().trim().to_owned();
        if let Err(reason) = EnvFilter::try_new(log.directives()) {
            let problem = Problem::Filter { value: log.filter, reason: reason.to_string() };
            return Err(ConfigError::new(file.place(written.span()), problem));
        }
    }
    Ok(log)
}

fn playback(file: &File) -> Result<Playback, ConfigError> {
    let mut playback = Playback::default();
    if let Some(written) = &file.content.playback.encodings {
        playback.encodings = match usize::try_from(*written.get_ref()) {
            Ok(encodings @ 1..=limits::MAX_ENCODINGS) => encodings,
            _ => {
                let problem = Problem::Encodings(*written.get_ref());
                return Err(ConfigError::new(file.place(written.span()), problem));
            }
        };
    }
    if let Some(written) = &file.content.playback.seek_patience_ms {
        playback.seek_patience = Duration::from_millis(*written.get_ref());
        if playback.seek_patience > limits::MAX_SEEK_PATIENCE {
            let problem = Problem::SeekPatience(*written.get_ref());
            return Err(ConfigError::new(file.place(written.span()), problem));
        }
    }
    if let Some(written) = &file.content.playback.profile {
        let value = written.get_ref();
        playback.preferences.profile = Profile::named(value).ok_or_else(|| {
            let nearest = nearest(value, Profile::ALL.map(Profile::name)).map(str::to_owned);
            ConfigError::new(file.place(written.span()), Problem::Profile { value: value.clone(), nearest })
        })?;
    }
    playback.preferences.audio_languages = languages(file, &file.content.playback.audio_languages)?;
    playback.preferences.subtitle_languages = languages(file, &file.content.playback.subtitle_languages)?;
    Ok(playback)
}

fn languages(file: &File, written: &Option<Spanned<Vec<String>>>) -> Result<Vec<Language>, ConfigError> {
    let Some(written) = written else { return Ok(Vec::new()) };
    let refuse = |problem| ConfigError::new(file.place(written.span()), problem);
    let list = written.get_ref();
    if list.len() > limits::MAX_CHOICE_LANGUAGES {
        return Err(refuse(Problem::ManyLanguages(list.len())));
    }
    let languages = list.iter().map(|code| Language::parse(code));
    languages.collect::<Result<_, _>>().map_err(|error| refuse(Problem::Language(error)))
}

fn access(file: &File) -> Result<Access, ConfigError> {
    let mut access = Access::default();
    if let Some(written) = &file.content.access.mode {
        access.open = match written.get_ref().as_str() {
            "owner" => false,
            "open" => true,
            other => {
                let nearest = nearest(other, ["owner", "open"]).map(str::to_owned);
                let problem = Problem::AccessMode { value: other.to_owned(), nearest };
                return Err(ConfigError::new(file.place(written.span()), problem));
            }
        };
    }
    if let Some(written) = &file.content.access.names {
        let names = written.get_ref();
        let refuse = |problem| Err(ConfigError::new(file.place(written.span()), problem));
        if names.len() > limits::MAX_HOST_NAMES {
            return refuse(Problem::ManyNames(names.len()));
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if let Some(wrong) = names.iter().find(|name| name.is_empty() || !name.bytes().all(fits)) {
            return refuse(Problem::HostName(wrong.clone()));
        }
        access.names = names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
    }
    Ok(access)
}

/// What somebody has decided by hand.
fn written(flags: &Flags, file: &File) -> BTreeSet<String> {
    let mut written = file.keys();
    let flags = [
        ("library", !flags.library.is_empty()),
        ("data", flags.data.is_some()),
        ("http.listen", flags.http.is_some()),
        ("rtmp.listen", flags.rtmp.is_some()),
    ];
    written.extend(flags.into_iter().filter(|(_, given)| *given).map(|(key, _)| key.to_owned()));
    written
}

fn live(file: &File) -> Result<Live, ConfigError> {
    let written = &file.content.live;
    let secret = written.secret.clone().filter(|secret| !secret.is_empty());
    let mut live = Live { secret, ..Live::default() };
    if let Some(apps) = &written.apps {
        for (app, secret) in apps.get_ref() {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
            // "vod" is where the library plays.
            if app.is_empty() || !app.bytes().all(fits) || ["live", "vod"].contains(&app.as_str()) {
                return Err(ConfigError::new(file.place(apps.span()), Problem::AppName(app.clone())));
            }
            live.apps.insert(app.clone(), Some(secret.clone()).filter(|secret| !secret.is_empty()));
        }
    }
    if let Some(written) = &written.grace_seconds {
        let seconds = *written.get_ref();
        live.grace = Duration::from_secs(seconds);
        if live.grace > limits::MAX_PUBLISHER_GRACE {
            return Err(ConfigError::new(file.place(written.span()), Problem::Grace(seconds)));
        }
    }
    Ok(live)
}

fn record(file: &File, library: &[PathBuf], environment: &Environment) -> Result<Record, ConfigError> {
    let written = &file.content.record;
    let mut record = Record::default();
    if let Some(folder) = written.folder.as_ref().filter(|folder| !folder.get_ref().is_empty()) {
        let path = path(folder.get_ref().as_ref(), file.folder(), environment);
        let refuse = |problem| Err(ConfigError::new(file.place(folder.span()), problem));
        if path.components().any(|part| part == Component::ParentDir)
            || !library.iter().any(|root| path.starts_with(root))
        {
            let example = library.first().map(|root| root.join("Recordings")).unwrap_or_default();
            return refuse(Problem::RecordOutside { folder: path, example });
        }
        if path.exists() && !path.is_dir() {
            return refuse(Problem::RecordIsFile(path));
        }
        record.folder = Some(path);
    }
    if let Some(streams) = &written.streams {
        record.streams = streams.get_ref().clone();
        let refuse = |problem| Err(ConfigError::new(file.place(streams.span()), problem));
        if record.folder.is_none() && !record.streams.is_empty() {
            return refuse(Problem::RecordNowhere);
        }
        if record.streams.len() > limits::MAX_RECORD_PATTERNS {
            return refuse(Problem::ManyPatterns(record.streams.len()));
        }
    }
    if let Some(split) = &written.split_mb {
        record.split_mb = *split.get_ref();
        if !limits::RECORD_SPLIT_MB.contains(&record.split_mb) {
            let problem = Problem::RecordSplitSize(record.split_mb);
            return Err(ConfigError::new(file.place(split.span()), problem));
        }
    }
    if let Some(split) = &written.split_minutes {
        let minutes = *split.get_ref();
        if !limits::RECORD_SPLIT_MINUTES.contains(&minutes) {
            return Err(ConfigError::new(file.place(split.span()), Problem::RecordSplitTime(minutes)));
        }
        record.split = Duration::from_secs(minutes * 60);
    }
    record.keep_free_mb = written.keep_free_mb.unwrap_or(record.keep_free_mb);
    record.limit_mb = written.limit_mb.filter(|limit| *limit > 0);
    Ok(record)
}

fn upload(file: &File, library: &[PathBuf], environment: &Environment) -> Result<Upload, ConfigError> {
    let written = &file.content.upload;
    let mut upload = Upload::default();
    for folder in written.folders.iter().flatten() {
        let path = path(folder.get_ref().as_ref(), file.folder(), environment);
        if path.components().any(|part| part == Component::ParentDir)
            || !library.iter().any(|root| path.starts_with(root))
            || !path.is_dir()
        {
            let example = library.first().map(|root| root.join("Inbox")).unwrap_or_default();
            let problem = Problem::UploadOutside { folder: path, example };
            return Err(ConfigError::new(file.place(folder.span()), problem));
        }
        upload.folders.push(path);
    }
    upload.largest_mb = written.largest_mb.unwrap_or(upload.largest_mb);
    upload.keep_free_mb = written.keep_free_mb.unwrap_or(upload.keep_free_mb);
    Ok(upload)
}

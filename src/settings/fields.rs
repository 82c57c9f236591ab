//! Every setting of the page, a line each.

use super::field::{Applies, Form, Kind};
use crate::choice::{Language, Profile};
use crate::config::Config;
use crate::limits::MAX_ENCODINGS;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A setting.
#[derive(Debug)]
pub struct Field {
    /// The section it is in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// When a change holds.
    pub applies: Applies,
    /// The TOML file decides the same, by the key `section.name`.
    in_file: bool,
    /// From a configuration.
    pub(super) read: fn(&Config) -> Value,
    /// Into one; the value was checked.
    pub(super) write: fn(&mut Config, &Value),
}

/// Where a box has what is plugged into it, which may be later than the server.
const PLUGGED: &str = "/media";

/// The sections, as the page shows them.
pub const SECTIONS: &[&str] = &["general", "library", "playback", "live", "record", "cache"];

const MB: Kind = Kind::Number { min: 0, max: 100_000_000, unit: "MB" };
const FOLDER: Kind = Kind::Text { form: Form::Folder };
const FOLDERS: Kind = Kind::Lines { form: Form::Folder };

/// All settings.
pub const FIELDS: &[Field] = &[
    page_only("general", "name", Kind::Text { form: Form::HostName }, |_| "".into()),
    page_only("general", "language", Kind::Text { form: Form::PageLanguage }, |_| "".into()),
    page_only("general", "time_zone", Kind::Text { form: Form::TimeZone }, |_| "".into()),
    page_only("general", "greeted", Kind::Flag, |_| false.into()),
    // Those of the file and the command line stay. One that is not there is left out, but for disks: they come later.
    more(
        "folders",
        |_| Value::Array(Vec::new()),
        |config, value| add(&mut config.library, value, |folder| folder.starts_with(PLUGGED)),
    ),
    // Like the library's: those of the file stay.
    more(
        "upload_folders",
        |config| config.upload.folders.iter().map(|f| Value::from(f.display().to_string())).collect(),
        |config, value| add(&mut config.upload.folders, value, |_| false),
    ),
    page_only("library", "share", Kind::Flag, |_| false.into()),
    at_once(
        "playback",
        "profile",
        Kind::Choice { of: &["tv", "small", "flash", "audio"] },
        |config| config.playback.preferences.profile.name().into(),
        |config, value| {
            config.playback.preferences.profile = value.as_str().and_then(Profile::named).unwrap_or_default();
        },
    ),
    at_once(
        "playback",
        "audio_languages",
        Kind::Languages,
        |config| codes(&config.playback.preferences.audio_languages),
        |config, value| config.playback.preferences.audio_languages = languages(value),
    ),
    at_once(
        "playback",
        "subtitle_languages",
        Kind::Languages,
        |config| codes(&config.playback.preferences.subtitle_languages),
        |config, value| config.playback.preferences.subtitle_languages = languages(value),
    ),
    at_restart(
        "playback",
        "encodings",
        Kind::Number { min: 1, max: MAX_ENCODINGS as u64, unit: "films" },
        |config| config.playback.encodings.into(),
        |config, value| config.playback.encodings = number(value) as usize,
    ),
    at_once(
        "live",
        "secret",
        Kind::Secret { min: 6 },
        |config| config.live.secret.clone().unwrap_or_default().into(),
        |config, value| {
            config.live.secret = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        },
    ),
    at_restart(
        "record",
        "folder",
        FOLDER,
        |config| config.record.folder.as_ref().map_or_else(String::new, |f| f.display().to_string()).into(),
        |config, value| config.record.folder = value.as_str().map(PathBuf::from),
    ),
    at_restart(
        "record",
        "streams",
        Kind::Lines { form: Form::StreamNames },
        |config| config.record.streams.iter().map(|name| Value::from(name.as_str())).collect(),
        |config, value| config.record.streams = texts(value).map(str::to_owned).collect(),
    ),
    at_restart(
        "record",
        "limit_mb",
        MB,
        |config| config.record.limit_mb.unwrap_or(0).into(),
        |config, value| config.record.limit_mb = Some(number(value)).filter(|limit| *limit > 0),
    ),
    at_restart(
        "record",
        "keep_free_mb",
        MB,
        |config| config.record.keep_free_mb.into(),
        |config, value| config.record.keep_free_mb = number(value),
    ),
    at_restart(
        "cache",
        "limit_mb",
        MB,
        |config| config.cache.limit_mb.into(),
        |config, value| config.cache.limit_mb = number(value),
    ),
    at_restart(
        "cache",
        "keep_free_mb",
        MB,
        |config| config.cache.keep_free_mb.into(),
        |config, value| config.cache.keep_free_mb = number(value),
    ),
];

type Read = fn(&Config) -> Value;
type Write = fn(&mut Config, &Value);

/// One that no configuration knows: the page, or the box's own system, asks for it.
const fn page_only(section: &'static str, name: &'static str, kind: Kind, read: Read) -> Field {
    Field { section, name, kind, applies: Applies::Now, in_file: false, read, write: |_, _| {} }
}

/// Folders of the library beside those that the file names.
const fn more(name: &'static str, read: Read, write: Write) -> Field {
    let applies = Applies::AtRestart;
    Field { section: "library", name, kind: FOLDERS, applies, in_file: false, read, write }
}

/// One that holds for what is played from now on.
const fn at_once(section: &'static str, name: &'static str, kind: Kind, read: Read, write: Write) -> Field {
    Field { section, name, kind, applies: Applies::Now, in_file: true, read, write }
}

/// One that only a start reads.
const fn at_restart(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    read: Read,
    write: Write,
) -> Field {
    Field { section, name, kind, applies: Applies::AtRestart, in_file: true, read, write }
}

/// Folders that are not among these yet, and can be read or may come later.
fn add(folders: &mut Vec<PathBuf>, value: &Value, may_come: fn(&Path) -> bool) {
    for folder in texts(value).map(PathBuf::from) {
        if !folders.contains(&folder) && (may_come(&folder) || folder.read_dir().is_ok()) {
            folders.push(folder);
        }
    }
}

impl Field {
    /// Where somebody has decided this by hand, if they have.
    pub(super) fn locked(&self, base: &Config) -> Option<String> {
        let key = self.toml_key().filter(|key| base.written.contains(key))?;
        let file =
            base.file.as_ref().map_or_else(|| "the command line".to_owned(), |f| f.display().to_string());
        Some(format!("{key} in {file}"))
    }

    /// The key of the TOML file that decides the same.
    pub(super) fn toml_key(&self) -> Option<String> {
        self.in_file.then(|| format!("{}.{}", self.section, self.name))
    }

    /// What it can be by itself.
    pub(super) fn check_kind(&self, value: &Value) -> Result<Value, String> {
        self.kind.check(value)
    }

    /// … and together with everything else, on this machine.
    pub(super) fn check(&self, value: &Value, config: &Config) -> Result<Value, String> {
        let value = self.check_kind(value)?;
        match (self.section, self.name) {
            ("library", "folders") => {
                for folder in texts(&value) {
                    let unreadable = |error| {
                        format!(
                            "the folder {folder} can't be read ({error}); correct it, or let the server's user read it"
                        )
                    };
                    PathBuf::from(folder).read_dir().map_err(unreadable)?;
                }
            }
            ("library", "upload_folders") => {
                for folder in texts(&value) {
                    let path = PathBuf::from(folder);
                    if !config.library.iter().any(|root| path.starts_with(root)) {
                        return Err(format!(
                            "the folder {folder} is not in the library, so nothing of it would be seen"
                        ));
                    }
                    path.read_dir()
                        .map_err(|error| format!("the folder {folder} can't be read ({error})"))?;
                }
            }
            ("record", "folder") => {
                let path = PathBuf::from(value.as_str().unwrap_or_default());
                if !config.library.iter().any(|root| path.starts_with(root)) {
                    let example =
                        config.library.first().map(|root| root.join("Recordings")).unwrap_or_default();
                    return Err(format!(
                        "the folder is not in the library, so recordings could not be played; choose for example {}",
                        example.display()
                    ));
                }
                if path.exists() && !path.is_dir() {
                    return Err("this is a file, expected a folder; choose another name".to_owned());
                }
            }
            ("record", "streams") if config.record.folder.is_none() && texts(&value).next().is_some() => {
                return Err("say first in which folder recordings go".to_owned());
            }
            _ => {}
        }
        Ok(value)
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn codes(languages: &[Language]) -> Value {
    languages.iter().map(|language| Value::from(language.code())).collect()
}

fn languages(value: &Value) -> Vec<Language> {
    texts(value).filter_map(|code| Language::parse(code).ok()).collect()
}

//! Every setting of the page, a line each.

use super::field::{Applies, Form, Kind};
use crate::choice::{Language, Profile};
use crate::config::Config;
use crate::limits::MAX_ENCODINGS;
use serde_json::Value;
use std::path::PathBuf;

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
    /// The key of the TOML file that decides the same.
    toml: Option<&'static str>,
    /// From a configuration.
    pub(super) read: fn(&Config) -> Value,
    /// Into one; the value was checked.
    pub(super) write: fn(&mut Config, &Value),
}

/// Where a box has what is plugged into it, which may be later than the server.
const PLUGGED: &str = "/media";

/// The sections, as the page shows them.
pub const SECTIONS: &[&str] = &["general", "library", "playback", "live", "record", "cache"];

/// All settings.
pub const FIELDS: &[Field] = &[
    Field {
        section: "general",
        name: "name",
        kind: Kind::Text { form: Form::HostName },
        applies: Applies::Now,
        toml: None,
        read: |_| "".into(),
        write: |_, _| {},
    },
    Field {
        section: "general",
        name: "language",
        kind: Kind::Text { form: Form::PageLanguage },
        applies: Applies::Now,
        toml: None,
        read: |_| "".into(),
        write: |_, _| {},
    },
    Field {
        section: "general",
        name: "time_zone",
        kind: Kind::Text { form: Form::TimeZone },
        applies: Applies::Now,
        toml: None,
        read: |_| "".into(),
        write: |_, _| {},
    },
    Field {
        section: "general",
        name: "greeted",
        kind: Kind::Flag,
        applies: Applies::Now,
        toml: None,
        read: |_| false.into(),
        write: |_, _| {},
    },
    Field {
        section: "library",
        name: "folders",
        kind: Kind::Lines { form: Form::Folder },
        applies: Applies::AtRestart,
        toml: None,
        read: |_| Value::Array(Vec::new()),
        // Those of the file and the command line stay. One that is not there is left out, but for disks: they come later.
        write: |config, value| {
            for folder in texts(value).map(PathBuf::from) {
                let comes_and_goes = folder.starts_with(PLUGGED);
                if !config.library.contains(&folder) && (comes_and_goes || folder.read_dir().is_ok()) {
                    config.library.push(folder);
                }
            }
        },
    },
    Field {
        section: "library",
        name: "upload_folders",
        kind: Kind::Lines { form: Form::Folder },
        applies: Applies::AtRestart,
        toml: None,
        read: |config| config.upload.folders.iter().map(|f| Value::from(f.display().to_string())).collect(),
        // Like the library's: those of the file stay.
        write: |config, value| {
            for folder in texts(value).map(PathBuf::from) {
                if !config.upload.folders.contains(&folder) && folder.read_dir().is_ok() {
                    config.upload.folders.push(folder);
                }
            }
        },
    },
    Field {
        section: "library",
        name: "share",
        kind: Kind::Flag,
        applies: Applies::Now,
        toml: None,
        read: |_| false.into(),
        write: |_, _| {},
    },
    Field {
        section: "playback",
        name: "profile",
        kind: Kind::Choice { of: &["tv", "small", "flash", "audio"] },
        applies: Applies::Now,
        toml: Some("playback.profile"),
        read: |config| config.playback.preferences.profile.name().into(),
        write: |config, value| {
            config.playback.preferences.profile = value.as_str().and_then(Profile::named).unwrap_or_default();
        },
    },
    Field {
        section: "playback",
        name: "audio_languages",
        kind: Kind::Languages,
        applies: Applies::Now,
        toml: Some("playback.audio_languages"),
        read: |config| codes(&config.playback.preferences.audio_languages),
        write: |config, value| config.playback.preferences.audio_languages = languages(value),
    },
    Field {
        section: "playback",
        name: "subtitle_languages",
        kind: Kind::Languages,
        applies: Applies::Now,
        toml: Some("playback.subtitle_languages"),
        read: |config| codes(&config.playback.preferences.subtitle_languages),
        write: |config, value| config.playback.preferences.subtitle_languages = languages(value),
    },
    Field {
        section: "playback",
        name: "encodings",
        kind: Kind::Number { min: 1, max: MAX_ENCODINGS as u64, unit: "films" },
        applies: Applies::AtRestart,
        toml: Some("playback.encodings"),
        read: |config| config.playback.encodings.into(),
        write: |config, value| config.playback.encodings = number(value) as usize,
    },
    Field {
        section: "live",
        name: "secret",
        kind: Kind::Secret { min: 6 },
        applies: Applies::Now,
        toml: Some("live.secret"),
        read: |config| config.live.secret.clone().unwrap_or_default().into(),
        write: |config, value| {
            config.live.secret = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        },
    },
    Field {
        section: "record",
        name: "folder",
        kind: Kind::Text { form: Form::Folder },
        applies: Applies::AtRestart,
        toml: Some("record.folder"),
        read: |config| {
            config.record.folder.as_ref().map_or_else(String::new, |f| f.display().to_string()).into()
        },
        write: |config, value| config.record.folder = value.as_str().map(PathBuf::from),
    },
    Field {
        section: "record",
        name: "streams",
        kind: Kind::Lines { form: Form::StreamNames },
        applies: Applies::AtRestart,
        toml: Some("record.streams"),
        read: |config| config.record.streams.iter().map(|name| Value::from(name.as_str())).collect(),
        write: |config, value| config.record.streams = texts(value).map(str::to_owned).collect(),
    },
    Field {
        section: "record",
        name: "limit_mb",
        kind: Kind::Number { min: 0, max: 100_000_000, unit: "MB" },
        applies: Applies::AtRestart,
        toml: Some("record.limit_mb"),
        read: |config| config.record.limit_mb.unwrap_or(0).into(),
        write: |config, value| config.record.limit_mb = Some(number(value)).filter(|limit| *limit > 0),
    },
    Field {
        section: "record",
        name: "keep_free_mb",
        kind: Kind::Number { min: 0, max: 100_000_000, unit: "MB" },
        applies: Applies::AtRestart,
        toml: Some("record.keep_free_mb"),
        read: |config| config.record.keep_free_mb.into(),
        write: |config, value| config.record.keep_free_mb = number(value),
    },
    Field {
        section: "cache",
        name: "limit_mb",
        kind: Kind::Number { min: 0, max: 100_000_000, unit: "MB" },
        applies: Applies::AtRestart,
        toml: Some("cache.limit_mb"),
        read: |config| config.cache.limit_mb.into(),
        write: |config, value| config.cache.limit_mb = number(value),
    },
    Field {
        section: "cache",
        name: "keep_free_mb",
        kind: Kind::Number { min: 0, max: 100_000_000, unit: "MB" },
        applies: Applies::AtRestart,
        toml: Some("cache.keep_free_mb"),
        read: |config| config.cache.keep_free_mb.into(),
        write: |config, value| config.cache.keep_free_mb = number(value),
    },
];

impl Field {
    /// Where somebody has decided this by hand, if they have.
    pub(super) fn locked(&self, base: &Config) -> Option<String> {
        let key = self.toml.filter(|key| base.written.contains(*key))?;
        let file =
            base.file.as_ref().map_or_else(|| "the command line".to_owned(), |f| f.display().to_string());
        Some(format!("{key} in {file}"))
    }

    #[cfg(test)]
    pub(super) fn toml_key(&self) -> Option<&'static str> {
        self.toml
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

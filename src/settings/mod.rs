//! What the owner changes on the page: one document of the data folder, checked whole.
//!
//! ```text
//!  defaults ◀── settings.json (the page) ◀── TOML and flags      the right one wins, and locks the field
//!
//!  PATCH of a section ─▶ fields: checked ─▶ document: written, synced, renamed ─▶ Config as it is now
//! ```
//!
//! Each [`Field`] is a line of one table: its kind and bounds, where it is in the [`Config`], whether a change holds at
//! once. The document keeps what this version does not know, so that a newer version's settings survive an older one.
//! A section has a tag that changes with it: who changes what somebody else has changed meanwhile is told, and loses
//! nothing.

mod field;
mod fields;

pub use field::{Applies, FieldProblem, Kind};
pub use fields::{FIELDS, Field, SECTIONS};

use crate::config::Config;
use crate::document::{Document, Found};
use crate::limits::MAX_SETTINGS_FILE;
use data_encoding::HEXLOWER;
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use utoipa::ToSchema;

/// The shape of the document. A change that an older version could not leave alone would raise it.
const VERSION: u64 = 1;

/// The settings of one server.
#[derive(Debug)]
pub struct Settings {
    kept: Option<Document>,
    /// As the TOML file, flags and defaults have it.
    base: Config,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// As it is on the disk: `{"version": 1, "sections": {"playback": {…}}}`.
    document: Map<String, Value>,
    /// What is not as it should be, for the page.
    notice: Option<String>,
    /// A change that holds at the next start was made since this one.
    restart: bool,
    /// Goes into tags with a secret, which could be guessed by them otherwise; another one in each run.
    salt: [u8; 16],
}

/// A section, for the page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsSection)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// Changes whenever one of its values does: `If-Match`.
    pub tag: String,
    /// Its fields.
    pub fields: Vec<State>,
}

/// What a field can be set to, by its kind.
#[derive(ToSchema)]
#[allow(dead_code)] // it describes JSON, and is never made
#[serde(untagged)]
enum SettingValue {
    Flag(bool),
    Number(u64),
    Text(String),
    Lines(Vec<String>),
}

/// A field as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Setting)]
pub struct State {
    /// Its name in the section.
    pub name: &'static str,
    /// What holds; of a secret, whether there is one.
    #[schema(value_type = SettingValue)]
    pub value: Value,
    /// What holds without any choice.
    #[schema(value_type = SettingValue)]
    pub default: Value,
    /// Where it was decided by hand, so that the page can't change it.
    pub locked: Option<String>,
    /// What it can be.
    #[schema(value_type = Kind)]
    pub kind: &'static Kind,
    /// When a change holds.
    pub applies: Applies,
}

/// Why a change was refused. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefused {
    /// No such section.
    #[error("there are no settings \"{0}\"; GET /api/v1/settings lists them")]
    Unknown(String),
    /// Somebody else was faster.
    #[error("somebody has changed these settings meanwhile; look at what they are now, then save again")]
    Stale(Box<Section>),
    /// Fields that do not fit.
    #[error("{}", .0.iter().map(|problem| format!("{}: {}", problem.field, problem.message)).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldProblem>),
    /// The disk does not take it.
    #[error("the settings could not be kept: {0}; make room on the disk of the data folder, then try again")]
    NotKept(#[from] io::Error),
}

impl Settings {
    /// None: everything as in that configuration, and nothing is kept.
    pub fn none(base: Config) -> Self {
        Self { kept: None, base, inner: Mutex::new(Inner::new(empty(), None)) }
    }

    /// Those kept in the configuration's data folder.
    pub fn open(base: Config) -> Self {
        let kept = document(&base.data);
        let mut notice = None;
        let document = match kept.read(parse) {
            Found::Latest(document) => document,
            Found::Nothing => empty(),
            Found::Previous(document, reason) => {
                notice = Some(format!(
                    "the latest settings could not be read ({reason}); those before them hold, so your last change may be lost"
                ));
                document
            }
            Found::Unreadable(reason) => {
                notice = Some(format!(
                    "the settings could not be read ({reason}); everything is as it was at first, restore a backup if you have one"
                ));
                empty()
            }
        };
        if let Some(notice) = &notice {
            tracing::error!(file = %kept.path().display(), "{notice}");
        }
        Self { kept: Some(kept), base, inner: Mutex::new(Inner::new(document, notice)) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration with what the page has changed of it.
    pub fn config(&self) -> Config {
        self.inner().config(&self.base)
    }

    /// What is wrong with what was kept, for the owner.
    pub fn notice(&self) -> Option<String> {
        self.inner().notice.clone()
    }

    /// Whether a change waits for the next start.
    pub fn wants_restart(&self) -> bool {
        self.inner().restart
    }

    /// A value that is in no configuration, such as the box's name.
    pub fn value(&self, section: &str, name: &str) -> Value {
        let inner = self.inner();
        FIELDS
            .iter()
            .find(|field| field.section == section && field.name == name)
            .map_or(Value::Null, |field| inner.value(field, &self.base))
    }

    /// Something else waits for the next start as well.
    pub fn note_restart(&self) {
        self.inner().restart = true;
    }

    /// All of them.
    pub fn sections(&self) -> Vec<Section> {
        let inner = self.inner();
        SECTIONS.iter().map(|name| inner.section(name, &self.base)).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn section(&self, name: &str) -> Result<Section, ChangeRefused> {
        let name = known(name)?;
        Ok(self.inner().section(name, &self.base))
    }

    /// Changes some fields of a section; `null` takes a choice back. `tag` is the section's as whoever changes it has
    /// seen it. Returns the section, and the configuration as it is now. Takes as long as the disk does.
    ///
    /// # Errors
    /// Why nothing has changed.
    pub fn change(
        &self,
        name: &str,
        tag: &str,
        changes: &Map<String, Value>,
    ) -> Result<(Section, Config), ChangeRefused> {
        let name = known(name)?;
        let mut inner = self.inner();
        let present = inner.section(name, &self.base);
        if present.tag != tag {
            return Err(ChangeRefused::Stale(Box::new(present)));
        }
        let before = inner.config(&self.base);
        let mut section = inner.kept_section(name).cloned().unwrap_or_default();
        let mut problems = Vec::new();
        let mut later = false;
        for (key, value) in changes {
            let Some(field) = FIELDS.iter().find(|field| field.section == name && field.name == key) else {
                let known = FIELDS.iter().filter(|field| field.section == name);
                let known: Vec<_> = known.map(|field| field.name).collect();
                let message = format!("there is no such setting; there are {}", known.join(", "));
                problems.push(FieldProblem { field: key.chars().take(60).collect(), message });
                continue;
            };
            if let Some(place) = field.locked(&self.base) {
                let message = format!("it is decided by {place}; change it there");
                problems.push(FieldProblem { field: key.clone(), message });
                continue;
            }
            if value.is_null() {
                section.remove(key);
            } else {
                match field.check(value, &before) {
                    Ok(value) => drop(section.insert(key.clone(), value)),
                    Err(message) => problems.push(FieldProblem { field: key.clone(), message }),
                }
            }
            later |= field.applies == Applies::AtRestart;
        }
        if !problems.is_empty() {
            return Err(ChangeRefused::Fields(problems));
        }
        let mut document = inner.document.clone();
        let sections = document.entry("sections").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(sections) = sections {
            sections.insert(name.to_owned(), Value::Object(section));
        }
        if let Some(kept) = &self.kept {
            kept.write(&serde_json::to_vec_pretty(&document).map_err(io::Error::from)?)?;
        }
        inner.document = document;
        inner.notice = None;
        let config = inner.config(&self.base);
        inner.restart |= later && config != before;
        Ok((inner.section(name, &self.base), config))
    }

    /// As it is kept, for a backup. There are secrets in it.
    pub fn document(&self) -> Value {
        Value::Object(self.inner().document.clone())
    }

    /// Takes the place of what is kept. It holds at the next start.
    ///
    /// # Errors
    /// It is no such document, or the disk does not take it.
    pub fn restore(&self, document: &Value) -> Result<(), String> {
        let bytes = serde_json::to_vec(document).map_err(|error| error.to_string())?;
        let parsed = parse(&bytes)?;
        let mut inner = self.inner();
        if let Some(kept) = &self.kept {
            kept.write(&serde_json::to_vec_pretty(&parsed).unwrap_or(bytes))
                .map_err(|error| error.to_string())?;
        }
        inner.document = parsed;
        inner.restart = true;
        Ok(())
    }

    /// Forgets every choice.
    ///
    /// # Errors
    /// The disk does not let it.
    pub fn reset(&self) -> io::Result<()> {
        let mut inner = self.inner();
        if let Some(kept) = &self.kept {
            kept.remove()?;
        }
        inner.document = empty();
        inner.restart = true;
        Ok(())
    }
}

impl Inner {
    fn new(document: Map<String, Value>, notice: Option<String>) -> Self {
        let mut salt = [0; 16];
        // So few bytes come whole and at once (getrandom(2)).
        let _ = getrandom(&mut salt[..], GetRandomFlags::empty());
        Self { document, notice, restart: false, salt }
    }

    fn kept_section(&self, section: &str) -> Option<&Map<String, Value>> {
        self.document.get("sections")?.get(section)?.as_object()
    }

    /// What was chosen and still fits: a newer or older version may have known other bounds.
    fn chosen(&self, field: &Field, base: &Config) -> Option<Value> {
        if field.locked(base).is_some() {
            return None;
        }
        let value = self.kept_section(field.section)?.get(field.name)?;
        field.check_kind(value).ok()
    }

    fn value(&self, field: &Field, base: &Config) -> Value {
        self.chosen(field, base).unwrap_or_else(|| (field.read)(base))
    }

    fn config(&self, base: &Config) -> Config {
        let mut config = base.clone();
        for field in FIELDS {
            if let Some(value) = self.chosen(field, base) {
                (field.write)(&mut config, &value);
            }
        }
        config
    }

    fn section(&self, name: &'static str, base: &Config) -> Section {
        let mut hash = Sha256::new();
        let mut fields = Vec::new();
        for field in FIELDS.iter().filter(|field| field.section == name) {
            let value = self.value(field, base);
            hash.update(field.name);
            hash.update([0]);
            if matches!(field.kind, Kind::Secret { .. }) {
                hash.update(self.salt);
            }
            hash.update(value.to_string());
            hash.update([0]);
            let shown = |value: Value| match field.kind {
                Kind::Secret { .. } => Value::Bool(value.as_str().is_some_and(|text| !text.is_empty())),
                _ => value,
            };
            fields.push(State {
                name: field.name,
                value: shown(value),
                default: shown((field.read)(base)),
                locked: field.locked(base),
                kind: &field.kind,
                applies: field.applies,
            });
        }
        Section { name, tag: HEXLOWER.encode(&hash.finalize()[..10]), fields }
    }
}

fn known(name: &str) -> Result<&'static str, ChangeRefused> {
    let found = SECTIONS.iter().find(|section| **section == name);
    found.copied().ok_or_else(|| ChangeRefused::Unknown(name.chars().take(60).collect()))
}

fn document(data: &Path) -> Document {
    Document::new(data, "settings.json", MAX_SETTINGS_FILE)
}

fn empty() -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("version".into(), VERSION.into());
    document
}

/// A document of this version or another: what is not known stays.
fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    let document: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if document.get("version").and_then(Value::as_u64).is_none() {
        return Err("it has no version".to_owned());
    }
    match document.get("sections") {
        Some(Value::Object(_)) | None => Ok(document),
        Some(_) => Err("its sections are no object".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

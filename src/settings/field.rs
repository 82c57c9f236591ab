//! What a setting can be.

use crate::choice::Language;
use crate::limits::{MAX_CHOICE_LANGUAGES, MAX_SETTING_LIST, MAX_SETTING_TEXT};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use utoipa::ToSchema;

/// The values that a field takes. The page makes its form of this.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = SettingKind)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// What it counts.
        unit: &'static str,
    },
    /// One of these words.
    Choice {
        /// All of them.
        #[schema(value_type = Vec<String>)]
        of: &'static [&'static str],
    },
    /// A line of text.
    Text {
        /// What it has to look like.
        form: Form,
    },
    /// A text that is never shown again.
    Secret {
        /// Characters at least.
        min: usize,
    },
    /// Languages, the best first.
    Languages,
    /// Lines of text.
    Lines {
        /// What each has to look like.
        form: Form,
    },
}

/// What a text has to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettingForm)]
pub enum Form {
    /// The name of a machine in its network (RFC 1123).
    HostName,
    /// A language of the page, or nothing: the browser's.
    PageLanguage,
    /// A time zone's name, or nothing: left alone.
    TimeZone,
    /// A folder with its whole path.
    Folder,
    /// The names of streams, with `*` and `?`.
    StreamNames,
}

/// When a change holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettingApplies)]
pub enum Applies {
    /// At once, or for what is played from now on.
    Now,
    /// When the server starts again.
    AtRestart,
}

/// A field that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Which.
    pub field: String,
    /// Why, and what to do.
    pub message: String,
}

impl Kind {
    /// The value as it is kept, or what to change.
    pub(super) fn check(&self, value: &Value) -> Result<Value, String> {
        match self {
            Self::Flag => match value {
                Value::Bool(_) => Ok(value.clone()),
                _ => Err("expected true or false".to_owned()),
            },
            Self::Number { min, max, unit } => match value.as_u64() {
                Some(number) if (*min..=*max).contains(&number) => Ok(value.clone()),
                _ => Err(format!("expected a whole number of {unit} from {min} to {max}")),
            },
            Self::Choice { of } => match value.as_str() {
                Some(word) if of.contains(&word) => Ok(value.clone()),
                _ => Err(format!("expected one of {}", of.join(", "))),
            },
            Self::Text { form } => form.check(text(value)?).map(Value::from),
            Self::Secret { min } => {
                let text = text(value)?;
                match text.chars().count() {
                    // Nothing takes it away.
                    0 => Ok(Value::from("")),
                    len if len < *min => Err(format!("it has {len} characters, expected at least {min}")),
                    _ if text.contains(char::is_control) => {
                        Err("it has a control character in it".to_owned())
                    }
                    _ => Ok(Value::from(text)),
                }
            }
            Self::Languages => {
                let list = list(value)?;
                if list.len() > MAX_CHOICE_LANGUAGES {
                    return Err(format!("expected at most {MAX_CHOICE_LANGUAGES} languages"));
                }
                let languages = list.into_iter().map(Language::parse).collect::<Result<Vec<_>, _>>();
                let languages = languages.map_err(|error| error.to_string())?;
                Ok(languages.iter().map(|language| Value::from(language.code())).collect())
            }
            Self::Lines { form } => {
                let lines = list(value)?.into_iter().filter(|line| !line.trim().is_empty());
                lines.map(|line| form.check(line).map(Value::from)).collect()
            }
        }
    }
}

fn text(value: &Value) -> Result<&str, String> {
    let text = value.as_str().ok_or("expected a text")?.trim();
    if text.chars().count() > MAX_SETTING_TEXT {
        return Err(format!("expected at most {MAX_SETTING_TEXT} characters"));
    }
    Ok(text)
}

fn list(value: &Value) -> Result<Vec<&str>, String> {
    let list = value.as_array().ok_or("expected a list")?;
    if list.len() > MAX_SETTING_LIST {
        return Err(format!("expected at most {MAX_SETTING_LIST} entries"));
    }
    list.iter().map(text).collect()
}

impl Form {
    fn check(self, text: &str) -> Result<&str, String> {
        let fits = |b: u8, others: &[u8]| b.is_ascii_alphanumeric() || others.contains(&b);
        match self {
            Self::HostName => {
                let good = text.len() <= 63
                    && text.bytes().all(|b| fits(b, b"-"))
                    && !text.starts_with('-')
                    && !text.ends_with('-');
                if good {
                    Ok(text)
                } else {
                    Err("a name in the network has up to 63 letters (a to z), digits and hyphens, and no hyphen at its ends".to_owned())
                }
            }
            Self::PageLanguage if text.is_empty() || ["en", "de"].contains(&text) => Ok(text),
            Self::PageLanguage => Err("expected en, de, or nothing for the browser's own".to_owned()),
            Self::TimeZone => {
                let good = |part: &str| !part.is_empty() && part.bytes().all(|b| fits(b, b"_+-"));
                // Machines without the world's time zones take any name that could be one.
                let known =
                    || jiff::tz::TimeZone::get(text).is_ok() || !Path::new("/usr/share/zoneinfo").exists();
                if text.is_empty() || (text.split('/').all(good) && known()) {
                    Ok(text)
                } else {
                    Err("this is no time zone; expected a name such as Europe/Berlin".to_owned())
                }
            }
            Self::Folder => {
                let whole = text.starts_with('/') && !text.split('/').any(|part| part == "..");
                if whole && !text.contains(char::is_control) {
                    Ok(text)
                } else {
                    Err("expected a folder with its whole path, such as /srv/media".to_owned())
                }
            }
            Self::StreamNames => {
                if text.bytes().all(|b| fits(b, b"-_./*? ")) {
                    Ok(text)
                } else {
                    Err("expected the name of a stream, with * for any letters".to_owned())
                }
            }
        }
    }
}

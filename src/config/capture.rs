//! What a source that captures says of its device, checked.

use super::WrittenSource;
use crate::device::Value;
use crate::limits::{CAPTURE_RATES, CAPTURE_SIDES, MAX_DEVICE_CONTROLS, MAX_DEVICE_WORD};
use std::collections::BTreeMap;

/// Pictures from a capture device of this machine. What is not said is chosen when it starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capture {
    /// Its stable name, one of its links or its node; `auto`: the first there is.
    pub device: String,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Pictures a second.
    pub rate: Option<u32>,
    /// `h264`, `mjpeg`, `raw`, or four letters.
    pub format: Option<String>,
    /// Its socket, by name or place.
    pub input: Option<String>,
    /// A television standard, by name.
    pub standard: Option<String>,
    /// What its controls are set to when it starts, and at once when they are changed.
    pub controls: BTreeMap<String, Value>,
    /// Where its sound comes from.
    pub audio: Sound,
}

/// Where a capture's sound comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Sound {
    /// The sound card behind the same plug, if there is one.
    #[default]
    Matching,
    /// There shall be none.
    None,
    /// This ALSA device: `hw:CARD=MS2109,DEV=0`.
    Named(String),
}

/// What is wrong with it. The texts are shown to people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaptureProblem {
    /// Neither one nor the other.
    #[error(
        "a source needs either url = \"rtsp://…\" or device = \"auto\" (the first capture stick), and this one has {0}"
    )]
    OneOfTwo(&'static str),
    /// A key that means nothing for an address.
    #[error("{0} is about a capture device, and this source comes from an address; leave it out")]
    NotOfDevice(&'static str),
    /// Empty, too long, or with strange characters.
    #[error("{key} = \"{value}\" can't be; {expected}")]
    Word {
        /// The key.
        key: &'static str,
        /// As written.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// No size of a picture.
    #[error("size = \"{0}\" is no size of a picture; write for example size = \"1280x720\"")]
    Size(String),
    /// No rate.
    #[error("rate = {0} is not possible; write a number of pictures a second from {least} to {most}, for example 25",
        least = CAPTURE_RATES.start(), most = CAPTURE_RATES.end())]
    Rate(u32),
    /// More than any device has.
    #[error("{0} controls are set, and no device has more than {MAX_DEVICE_CONTROLS}; leave some out")]
    ManyControls(usize),
}

impl Capture {
    /// What `written` says of a device; `None` when it says nothing of one.
    pub(super) fn check(written: &WrittenSource) -> Result<Option<Self>, CaptureProblem> {
        let Some(device) = &written.device else {
            let keys = [
                ("size", written.size.is_some()),
                ("rate", written.rate.is_some()),
                ("format", written.format.is_some()),
                ("input", written.input.is_some()),
                ("standard", written.standard.is_some()),
                ("controls", !written.controls.is_empty()),
                ("audio", written.audio.is_some()),
            ];
            return match (keys.into_iter().find(|(_, is_there)| *is_there), &written.url) {
                (Some((key, _)), Some(_)) => Err(CaptureProblem::NotOfDevice(key)),
                (_, None) => Err(CaptureProblem::OneOfTwo("neither")),
                (None, Some(_)) => Ok(None),
            };
        };
        if written.url.is_some() {
            return Err(CaptureProblem::OneOfTwo("both"));
        }
        let names = "write \"auto\", or one of the names that `wiidiaserver devices` lists";
        let size = written.size.as_deref().map(size).transpose()?;
        if let Some(rate) = written.rate.filter(|rate| !CAPTURE_RATES.contains(rate)) {
            return Err(CaptureProblem::Rate(rate));
        }
        if written.controls.len() > MAX_DEVICE_CONTROLS {
            return Err(CaptureProblem::ManyControls(written.controls.len()));
        }
        let optional =
            |key, value: &Option<String>| value.as_deref().map(|value| word(key, value, names)).transpose();
        for (name, value) in &written.controls {
            word("controls", name, names)?;
            if let Value::Choice(label) = value {
                word("controls", label, names)?;
            }
        }
        Ok(Some(Self {
            device: word("device", device, names)?,
            size,
            rate: written.rate,
            format: optional("format", &written.format)?,
            input: optional("input", &written.input)?,
            standard: optional("standard", &written.standard)?,
            controls: written.controls.clone(),
            audio: written.audio.as_deref().map(sound).transpose()?.unwrap_or_default(),
        }))
    }

    /// Writes it down.
    pub(super) fn write(&self, written: &mut WrittenSource) {
        written.device = Some(self.device.clone());
        written.size = self.size.map(|(width, height)| format!("{width}x{height}"));
        written.rate = self.rate;
        written.format.clone_from(&self.format);
        written.input.clone_from(&self.input);
        written.standard.clone_from(&self.standard);
        written.controls.clone_from(&self.controls);
        written.audio = match &self.audio {
            Sound::Matching => None,
            Sound::None => Some("none".to_owned()),
            Sound::Named(name) => Some(name.clone()),
        };
    }

    /// Only controls differ: those are changed while pictures go on.
    pub fn differs_in_controls_only(&self, other: &Self) -> bool {
        self != other && Self { controls: other.controls.clone(), ..self.clone() } == *other
    }
}

fn word(key: &'static str, value: &str, expected: &'static str) -> Result<String, CaptureProblem> {
    let fits = (1..=MAX_DEVICE_WORD).contains(&value.len()) && !value.chars().any(char::is_control);
    let value: String = value.chars().take(MAX_DEVICE_WORD).collect();
    if fits { Ok(value) } else { Err(CaptureProblem::Word { key, value, expected }) }
}

fn size(text: &str) -> Result<(u32, u32), CaptureProblem> {
    let side = |side: &str| side.trim().parse().ok().filter(|side| CAPTURE_SIDES.contains(side));
    let sides =
        text.split_once(['x', 'X', '×']).and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.ok_or_else(|| CaptureProblem::Size(text.chars().take(40).collect()))
}

/// Cards only: ALSA's other names can start programs and write files.
fn sound(text: &str) -> Result<Sound, CaptureProblem> {
    let expected = "write \"auto\" (the sound card of the same stick), \"none\", or a card such as \"hw:CARD=MS2109,DEV=0\"";
    match word("audio", text, expected)?.as_str() {
        "auto" => Ok(Sound::Matching),
        "none" => Ok(Sound::None),
        name => {
            let plain = |c: char| c.is_ascii_alphanumeric() || "=,_-".contains(c);
            let of_card =
                name.strip_prefix("hw:").is_some_and(|card| !card.is_empty() && card.chars().all(plain));
            let wrong = || CaptureProblem::Word { key: "audio", value: name.to_owned(), expected };
            of_card.then(|| Sound::Named(name.to_owned())).ok_or_else(wrong)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written(device: &str) -> WrittenSource {
        WrittenSource { device: Some(device.into()), ..WrittenSource::of_url("tv", "") }.without_url()
    }

    #[test]
    fn what_is_written_comes_back() {
        let full = WrittenSource {
            size: Some("1280x720".into()),
            rate: Some(25),
            format: Some("raw".into()),
            input: Some("S-Video".into()),
            standard: Some("PAL".into()),
            controls: [("brightness".to_owned(), Value::Number(3)), ("auto".to_owned(), Value::Switch(true))]
                .into(),
            audio: Some("hw:CARD=MS2109,DEV=0".into()),
            ..written("usb-x-video-index0")
        };
        for source in [full, written("auto"), WrittenSource { audio: Some("none".into()), ..written("auto") }]
        {
            let capture = Capture::check(&source).unwrap().unwrap();
            let mut again = written("");
            capture.write(&mut again);
            assert_eq!(Capture::check(&again).unwrap().unwrap(), capture);
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let wrong = [
            WrittenSource { size: Some("big".into()), ..written("auto") },
            WrittenSource { size: Some("0x100".into()), ..written("auto") },
            WrittenSource { rate: Some(0), ..written("auto") },
            WrittenSource { audio: Some("file:/etc/x".into()), ..written("auto") },
            WrittenSource { audio: Some("hw:1,0;rm".into()), ..written("auto") },
            WrittenSource { url: Some("http://h/".into()), ..written("auto") },
            WrittenSource { input: Some("x\n".into()), ..written("auto") },
            written(""),
            WrittenSource { device: None, ..written("") },
            WrittenSource { rate: Some(25), ..WrittenSource::of_url("a", "http://h/") },
        ];
        for source in wrong {
            assert!(Capture::check(&source).is_err(), "{}", serde_json::to_string(&source).unwrap());
        }
        assert_eq!(Capture::check(&WrittenSource::of_url("a", "http://h/")), Ok(None));
    }

    #[test]
    fn controls_alone_are_told_from_the_rest() {
        let one = Capture::check(&written("auto")).unwrap().unwrap();
        let brighter =
            Capture { controls: [("brightness".to_owned(), Value::Number(3))].into(), ..one.clone() };
        assert!(one.differs_in_controls_only(&brighter));
        assert!(!one.differs_in_controls_only(&one.clone()));
        assert!(!one.differs_in_controls_only(&Capture { rate: Some(25), ..brighter }));
    }
}

//! Sets a device: its socket, its television standard, its controls. It keeps them while it is plugged in, and a video
//! that is running goes on. Blocking.

use super::describe::{control_number, problem};
use super::{ControlKind, Device, ioctl, stand_in};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::{fmt, io};

/// What to set a control to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ControlValue)]
#[serde(untagged)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A number, or that of a choice.
    Number(i64),
    /// A choice by its label.
    Choice(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => on.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Choice(label) => write!(f, "\"{label}\""),
        }
    }
}

/// What to set. What is not said stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// The socket, by its name or its place from 0.
    pub input: Option<String>,
    /// The television standard, by its name.
    pub standard: Option<String>,
    /// Controls by name.
    pub controls: BTreeMap<String, Value>,
}

/// Why something was not set. The texts are shown to people.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSet {
    /// The device cannot be opened.
    #[error("{0}")]
    NotOpened(String),
    /// There is no such socket.
    #[error("it has no input \"{wanted}\", {there}")]
    Input {
        /// As written.
        wanted: String,
        /// Those there are.
        there: String,
    },
    /// There is no such standard.
    #[error("its input does not take the standard \"{wanted}\", {there}")]
    Standard {
        /// As written.
        wanted: String,
        /// Those there are.
        there: String,
    },
    /// There is no such control.
    #[error("it has no control \"{wanted}\", {there}")]
    Control {
        /// As written.
        wanted: String,
        /// Those there are.
        there: String,
    },
    /// The control does not take that.
    #[error("{name} can't be {value}, {expected}")]
    Value {
        /// The control.
        name: String,
        /// As written.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// The driver said no.
    #[error("the device refused to set {what}: {reason}")]
    Refused {
        /// What.
        what: String,
        /// The kernel's word.
        reason: String,
    },
}

/// Sets what `settings` say. Everything is checked before anything is set.
///
/// # Errors
/// All that is wrong; what is not among it has been set only when nothing is.
pub fn set(device: &Device, settings: &Settings) -> Result<(), NotSet> {
    let input = settings.input.as_deref().map(|wanted| input_place(device, wanted)).transpose()?;
    let controls: Vec<(&str, i64)> = settings
        .controls
        .iter()
        .map(|(name, value)| Ok((name.as_str(), number(device, name, value)?)))
        .collect::<Result<_, NotSet>>()?;
    if input.is_none() && settings.standard.is_none() && controls.is_empty() {
        return Ok(());
    }
    if stand_in::is_one(device) {
        return stand_in::set(device, input, &controls).map_err(|error| refused("it", &error));
    }
    let opened = v4l::Device::with_path(&device.node).map_err(|error| NotSet::NotOpened(problem(&error)))?;
    if let Some(place) = input.filter(|place| !device.inputs.get(*place).is_some_and(|input| input.selected))
    {
        ioctl::select_input(&opened, place).map_err(|error| refused("the input", &error))?;
    }
    if let Some(standard) = &settings.standard {
        ioctl::select_standard(&opened, standard).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput => {
                let known =
                    device.inputs.iter().find(|input| input.selected).map(|input| &input.standards[..]);
                let there = there(known.unwrap_or_default().iter().map(String::as_str));
                NotSet::Standard { wanted: standard.clone(), there }
            }
            _ => refused("the standard", &error),
        })?;
    }
    for (name, value) in controls {
        let Some(id) = control_number(&opened, name) else { continue };
        let control = v4l::Control { id, value: v4l::control::Value::Integer(value) };
        opened.set_control(control).map_err(|error| refused(name, &error))?;
    }
    Ok(())
}

fn refused(what: &str, error: &io::Error) -> NotSet {
    NotSet::Refused { what: what.to_owned(), reason: error.to_string() }
}

fn input_place(device: &Device, wanted: &str) -> Result<usize, NotSet> {
    let by_name = device.inputs.iter().position(|input| input.name.eq_ignore_ascii_case(wanted));
    let by_place = || wanted.parse().ok().filter(|place| *place < device.inputs.len());
    by_name.or_else(by_place).ok_or_else(|| {
        let there = there(device.inputs.iter().map(|input| &input.name[..]));
        NotSet::Input { wanted: wanted.to_owned(), there }
    })
}

/// What the driver is told for a value.
fn number(device: &Device, name: &str, value: &Value) -> Result<i64, NotSet> {
    let control = device.controls.iter().find(|control| control.name == name).ok_or_else(|| {
        let there = there(device.controls.iter().map(|control| &control.name[..]));
        NotSet::Control { wanted: name.to_owned(), there }
    })?;
    let wrong =
        |expected: String| Err(NotSet::Value { name: name.to_owned(), value: value.to_string(), expected });
    if control.read_only {
        return wrong("it can only be read".to_owned());
    }
    match (control.kind, value) {
        (ControlKind::Switch, Value::Switch(on)) => Ok(i64::from(*on)),
        (ControlKind::Switch, Value::Number(number @ 0..=1)) => Ok(*number),
        (ControlKind::Switch, _) => wrong("write true or false".to_owned()),
        (ControlKind::Button, Value::Switch(true) | Value::Number(1)) => Ok(1),
        (ControlKind::Button, _) => wrong("it is a button: write true to press it".to_owned()),
        (ControlKind::Menu, _) => {
            let found = control.choices.iter().find(|choice| match value {
                Value::Number(number) => choice.value == *number,
                Value::Choice(label) => choice.label.eq_ignore_ascii_case(label),
                Value::Switch(_) => false,
            });
            match found {
                Some(choice) => Ok(choice.value),
                None => wrong(there(control.choices.iter().map(|choice| &choice.label[..]))),
            }
        }
        (ControlKind::Number, Value::Number(number))
            if (control.minimum..=control.maximum).contains(number) =>
        {
            Ok(*number)
        }
        (ControlKind::Number, _) => {
            wrong(format!("write a number from {} to {}", control.minimum, control.maximum))
        }
    }
}

fn there<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "it has none".to_owned() } else { format!("choose one of: {}", names.join(", ")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Choice, Control, Input};
    use super::*;

    fn device() -> Device {
        let control = |name: &str, kind| Control {
            name: name.into(),
            label: name.into(),
            kind,
            minimum: -10,
            maximum: 10,
            step: 1,
            default: 0,
            value: Some(0),
            choices: Vec::new(),
            read_only: false,
            inactive: false,
        };
        let choice = |value, label: &str| Choice { value, label: label.into() };
        let menu = vec![choice(0, "Disabled"), choice(1, "50 Hz")];
        let socket = |name: &str| Input {
            name: name.into(),
            selected: false,
            no_signal: false,
            standards: Vec::new(),
        };
        Device {
            id: "x".into(),
            name: "X".into(),
            node: "/nonexistent/video0".into(),
            driver: String::new(),
            links: Vec::new(),
            problem: None,
            formats: Vec::new(),
            inputs: vec![socket("Composite"), socket("S-Video")],
            controls: vec![
                control("brightness", ControlKind::Number),
                control("auto", ControlKind::Switch),
                Control { choices: menu, ..control("power_line", ControlKind::Menu) },
                Control { read_only: true, ..control("temperature", ControlKind::Number) },
            ],
            audio: Vec::new(),
        }
    }

    #[test]
    fn values_are_checked_and_refusals_say_what_is_possible() {
        let value =
            |name: &str, value: Value| number(&device(), name, &value).map_err(|error| error.to_string());
        assert_eq!(value("brightness", Value::Number(-10)), Ok(-10));
        assert_eq!(value("auto", Value::Switch(true)), Ok(1));
        assert_eq!(value("auto", Value::Number(0)), Ok(0));
        assert_eq!(value("power_line", Value::Choice("50 hz".into())), Ok(1));
        assert_eq!(value("power_line", Value::Number(0)), Ok(0));
        for (name, wrong, words) in [
            ("brightness", Value::Number(11), "from -10 to 10"),
            ("brightness", Value::Switch(true), "from -10 to 10"),
            ("brightness", Value::Choice("much".into()), "brightness can't be \"much\""),
            ("auto", Value::Number(2), "true or false"),
            ("power_line", Value::Choice("60 Hz".into()), "choose one of: Disabled, 50 Hz"),
            ("temperature", Value::Number(1), "only be read"),
            ("contrast", Value::Number(1), "choose one of: brightness, auto"),
        ] {
            let told = value(name, wrong).unwrap_err();
            assert!(told.contains(words), "{told}");
        }
    }

    #[test]
    fn inputs_are_found_by_name_and_by_place() {
        assert_eq!(input_place(&device(), "s-video"), Ok(1));
        assert_eq!(input_place(&device(), "0"), Ok(0));
        let told = input_place(&device(), "HDMI").unwrap_err().to_string();
        assert!(told.contains("no input \"HDMI\"") && told.contains("Composite, S-Video"), "{told}");
        assert!(input_place(&device(), "2").is_err());
    }

    #[test]
    fn a_device_that_has_gone_says_so() {
        let settings = Settings {
            controls: [("brightness".to_owned(), Value::Number(1))].into(),
            ..Settings::default()
        };
        assert!(set(&device(), &settings).unwrap_err().to_string().contains("not plugged in"));
        assert_eq!(set(&device(), &Settings::default()), Ok(()), "nothing to set");
    }
}

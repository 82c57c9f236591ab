//! Asks one device what it can do. Blocking: a device that hangs holds up whoever asks.

use super::sysfs::Found;
use super::{Choice, Control, ControlKind, Device, Format, Rate, Size, ioctl};
use crate::limits::{MAX_DEVICE_CONTROLS, MAX_DEVICE_FORMATS, MAX_DEVICE_RATES, MAX_DEVICE_SIZES};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use v4l::capability::Flags;
use v4l::control::{self, MenuItem, Type};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;

/// What it is, and what it can do as far as it tells. `None`: no pictures come from it (it shows them, encodes them,
/// or tells about them).
pub(super) fn describe(found: Found) -> Option<Device> {
    let mut device = Device {
        id: found.id,
        name: found.name,
        node: found.node,
        driver: String::new(),
        links: found.links,
        problem: None,
        formats: Vec::new(),
        inputs: Vec::new(),
        controls: Vec::new(),
        audio: found.audio,
    };
    let opened = v4l::Device::with_path(&device.node);
    let opened = opened.and_then(|opened| opened.query_caps().map(|caps| (opened, caps)));
    match opened {
        Ok((opened, caps)) => {
            let captures = Flags::VIDEO_CAPTURE | Flags::VIDEO_CAPTURE_MPLANE;
            if !caps.capabilities.intersects(captures)
                || caps.capabilities.intersects(Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE)
            {
                return None;
            }
            device.driver = caps.driver;
            if !caps.card.is_empty() {
                device.name = caps.card;
            }
            device.formats = formats(&opened, caps.capabilities);
            device.inputs = ioctl::inputs(&opened);
            device.controls = controls(&opened);
        }
        Err(error) => device.problem = Some(problem(&error)),
    }
    Some(device)
}

/// Why a device cannot be opened, and what to do.
pub(super) fn problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "the server may not use it; add the user that it runs as to the group \"video\" (and \"audio\" for the \
             sound), then start it again"
                .to_owned()
        }
        io::ErrorKind::ResourceBusy => "another program uses it; end that program".to_owned(),
        io::ErrorKind::NotFound => "it is not plugged in".to_owned(),
        _ => format!("it does not answer ({error}); unplug it and plug it in again"),
    }
}

fn formats(device: &v4l::Device, capabilities: Flags) -> Vec<Format> {
    // Receivers that are part of a board's chip have planes; sticks have not.
    let listed = if capabilities.contains(Flags::VIDEO_CAPTURE) {
        let listed = device.enum_formats().unwrap_or_default().into_iter();
        listed.take(MAX_DEVICE_FORMATS).map(|format| (format.fourcc, format.description)).collect()
    } else {
        ioctl::planar_formats(device)
    };
    let each = listed.into_iter().map(|(fourcc, description)| {
        let sizes = device.enum_framesizes(fourcc).unwrap_or_default();
        let sizes = sizes.into_iter().take(MAX_DEVICE_SIZES).map(|listed| {
            let (width, height, range_from) = match listed.size {
                FrameSizeEnum::Discrete(size) => (size.width, size.height, None),
                FrameSizeEnum::Stepwise(range) => (
                    range.max_width,
                    range.max_height,
                    Some([range.min_width, range.min_height, range.step_width, range.step_height]),
                ),
            };
            Size { width, height, range_from, rates: rates(device, fourcc, width, height) }
        });
        Format {
            fourcc: fourcc.str().unwrap_or("????").trim_end().to_owned(),
            description,
            sizes: sizes.collect(),
        }
    });
    each.collect()
}

/// From most to fewest.
fn rates(device: &v4l::Device, fourcc: v4l::FourCC, width: u32, height: u32) -> Vec<Rate> {
    let intervals = device.enum_frameintervals(fourcc, width, height).unwrap_or_default();
    let mut rates = Vec::new();
    for interval in intervals.into_iter().take(MAX_DEVICE_RATES) {
        // An interval is the time between two pictures.
        let rate = |interval: v4l::Fraction| Rate(interval.denominator, interval.numerator);
        match interval.interval {
            FrameIntervalEnum::Discrete(interval) => rates.push(rate(interval)),
            FrameIntervalEnum::Stepwise(range) => {
                let (most, fewest) = (rate(range.min), rate(range.max));
                let usual = [60, 50, 30, 25, 24, 15].map(|fps| Rate(fps, 1));
                let within = |rate: &Rate| rate.fps() < most.fps() && rate.fps() > fewest.fps();
                rates.extend([most, fewest].into_iter().chain(usual.into_iter().filter(within)));
            }
        }
    }
    rates.retain(|rate| rate.fps() > 0.0);
    rates.sort_by(|a, b| b.fps().total_cmp(&a.fps()));
    rates.dedup();
    rates
}

fn controls(device: &v4l::Device) -> Vec<Control> {
    // The crate panics at kinds of controls that are newer than itself: then there are none to turn.
    let listed = catch_unwind(AssertUnwindSafe(|| device.query_controls())).ok().and_then(Result::ok);
    let each = listed.unwrap_or_default().into_iter().filter_map(|listed| {
        let kind = match listed.typ {
            Type::Integer | Type::Integer64 | Type::Bitmask => ControlKind::Number,
            Type::Boolean => ControlKind::Switch,
            Type::Menu | Type::IntegerMenu => ControlKind::Menu,
            Type::Button => ControlKind::Button,
            // Headings, texts and tables.
            _ => return None,
        };
        if listed.flags.contains(control::Flags::DISABLED) {
            return None;
        }
        let readable = kind != ControlKind::Button && !listed.flags.contains(control::Flags::WRITE_ONLY);
        let value = if readable { device.control(listed.id).ok().map(|control| control.value) } else { None };
        let value = value.and_then(|value| match value {
            control::Value::Integer(value) => Some(value),
            control::Value::Boolean(on) => Some(on.into()),
            _ => None,
        });
        let choices = listed.items.unwrap_or_default().into_iter().map(|(value, item)| Choice {
            value: value.into(),
            label: match item {
                MenuItem::Name(name) => name,
                MenuItem::Value(value) => value.to_string(),
            },
        });
        Some(Control {
            name: key(&listed.name),
            label: listed.name.clone(),
            kind,
            minimum: listed.minimum,
            maximum: listed.maximum,
            step: listed.step,
            default: listed.default,
            value,
            choices: choices.collect(),
            read_only: listed.flags.contains(control::Flags::READ_ONLY),
            inactive: listed.flags.contains(control::Flags::INACTIVE),
        })
    });
    each.take(MAX_DEVICE_CONTROLS).collect()
}

/// The kernel's number of the control of that name.
pub(super) fn control_number(device: &v4l::Device, name: &str) -> Option<u32> {
    let listed = catch_unwind(AssertUnwindSafe(|| device.query_controls())).ok()?.ok()?;
    listed.into_iter().find(|listed| key(&listed.name) == name).map(|listed| listed.id)
}

/// "White Balance, Automatic" is `white_balance_automatic`, as `v4l2-ctl` has it.
pub(super) fn key(label: &str) -> String {
    let words = label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_named_as_other_tools_name_them() {
        for (label, expected) in [
            ("Brightness", "brightness"),
            ("White Balance, Automatic", "white_balance_automatic"),
            ("Power Line Frequency", "power_line_frequency"),
            ("  Gain (dB) ", "gain_db"),
            ("", ""),
        ] {
            assert_eq!(key(label), expected);
        }
    }

    #[test]
    fn a_device_that_cannot_be_opened_says_what_to_do() {
        let told = |errno: i32| problem(&io::Error::from_raw_os_error(errno));
        assert!(told(libc::EACCES).contains("group \"video\""));
        assert!(told(libc::EBUSY).contains("another program"));
        assert!(told(libc::ENOENT).contains("not plugged in"));
        assert!(told(libc::EIO).contains("unplug it"));
    }
}

//! Devices for people: what `wiidiaserver devices` prints.

use super::{ControlKind, Device, Rate, Size};
use std::fmt;

/// A list of devices, to be printed.
#[derive(Debug)]
pub struct Shown<'a>(pub &'a [Device]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no capture device is plugged in");
        }
        for (n, device) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            one(f, device)?;
        }
        Ok(())
    }
}

fn one(f: &mut fmt::Formatter<'_>, device: &Device) -> fmt::Result {
    writeln!(f, "{}", device.name)?;
    writeln!(f, "  device = \"{}\"", device.id)?;
    writeln!(f, "  now at {}, driver {}", device.node.display(), device.driver)?;
    if let Some(problem) = &device.problem {
        writeln!(f, "  can't be used: {problem}")?;
    }
    for format in &device.formats {
        writeln!(f, "  format {} ({})", format.fourcc, format.description)?;
        for size in &format.sizes {
            writeln!(f, "    {}", size_line(size))?;
        }
    }
    for input in &device.inputs {
        let marks = [(input.selected, ", in use"), (input.no_signal, ", no signal")];
        let marks: String = marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| *mark).collect();
        writeln!(f, "  input \"{}\"{marks}", input.name)?;
        if !input.standards.is_empty() {
            writeln!(f, "    standards {}", input.standards.join(", "))?;
        }
    }
    for control in device.controls.iter().filter(|control| !control.read_only) {
        let now = control.value.map_or("?".to_owned(), |value| value.to_string());
        let takes = match control.kind {
            ControlKind::Number => format!("{now} of {} to {}", control.minimum, control.maximum),
            ControlKind::Switch => if control.value == Some(1) { "true" } else { "false" }.to_owned(),
            ControlKind::Button => "a button".to_owned(),
            ControlKind::Menu => {
                let choices =
                    control.choices.iter().map(|choice| format!("{} {}", choice.value, choice.label));
                format!("{now} of {}", choices.collect::<Vec<_>>().join(", "))
            }
        };
        writeln!(f, "  control {} = {takes}", control.name)?;
    }
    for audio in &device.audio {
        writeln!(f, "  sound \"{}\" ({})", audio.id, audio.name)?;
    }
    Ok(())
}

fn size_line(size: &Size) -> String {
    let rate = |rate: &Rate| {
        let text = format!("{:.2}", rate.fps());
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let rates = size.rates.iter().map(rate).collect::<Vec<_>>().join(", ");
    let from = size.range_from.map(|[width, height, ..]| format!("{width}x{height} to ")).unwrap_or_default();
    let at = if rates.is_empty() { String::new() } else { format!(" at {rates} pictures a second") };
    format!("{from}{}x{}{at}", size.width, size.height)
}

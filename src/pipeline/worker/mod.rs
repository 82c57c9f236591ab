//! The worker process: one file in on stdin, [wire messages](super) out on stdout.
//!
//! `wiidiaserver worker convert|probe|look|texts|equip --start-ns N --parent PID --form JSON`, started by
//! [`Conversion`](super::Conversion) and of no use to people.
//!
//! The file is opened by the server and read here through `/proc/self/fd/0`: the worker needs no
//! path and no right to open one. Nothing here outlives the process, so nothing is cleaned up.

mod adts;
mod capture;
mod codec_config;
mod confine;
mod contents;
mod cover;
mod decide;
mod decoding_times;
mod develop;
mod drawn;
mod drift;
mod encoder;
mod equip;
mod feed;
mod graph;
mod head;
mod keyframe;
mod lane;
mod live;
mod live_source;
mod look;
mod media;
mod media_src;
mod mend;
mod notes;
mod outlet;
mod progress;
mod raster;
mod reorder;
mod seal;
mod seek;
mod select;
mod shortcut;
mod shown_times;
mod slate;
mod snapshot;
mod steady;
mod stretch;
mod tap;
mod texts;
mod tone;
mod verdict;

pub(crate) use confine::Life;

use super::beside::{self, Beside};
use super::equipment::Equipment;
use super::form::Form;
use super::wire::{Failure, Message};
use outlet::Outlet;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Order {
    task: Task,
    /// Stream time to seek to; 0 does not seek.
    start_ns: u64,
    /// What is on stdin is no file, but a socket behind which the server has a film of so many bytes.
    remote_len: Option<u64>,
    /// The process that must still be there.
    parent: Option<i32>,
    /// What shall come out.
    form: Form,
    /// What this machine encodes with, as far as it was measured.
    equipment: Equipment,
    /// Subtitles in files of their own.
    beside: Vec<Beside>,
    /// Files that are one run of bytes; zero: the one on standard input.
    parts: usize,
    /// The time of the file at which the film begins, where that is known: theirs count from there.
    origin_ns: Option<u64>,
    /// Keyframes are put where the file's time and this are together a multiple of their interval.
    grid_ns: u64,
}

/// The word on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Task {
    Convert,
    /// Say what the streams are and stop.
    Probe,
    /// The same, and make pictures of it.
    Look,
    /// The same, and take the text out of it.
    Texts,
    /// Say what this machine encodes with; there is no file.
    Equip,
}

/// The GStreamer that is there: its name and version.
pub fn framework_version() -> String {
    gstreamer::version_string().into()
}

/// Runs a worker; `args` is what follows the word `worker` on the command line.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let mut args = args.peekable();
    if args.next_if(|verb| verb == "live").is_some() {
        return live::main(args);
    }
    if args.next_if(|verb| verb == "slate").is_some() {
        return slate::main(args);
    }
    if args.next_if(|verb| verb == "snapshot").is_some() {
        return snapshot::main(args);
    }
    let order = match parse(args) {
        Ok(order) => order,
        Err(error) => {
            eprintln!("worker: {error}; this command is for the server itself");
            return ExitCode::from(2);
        }
    };
    let life = if matches!(order.task, Task::Look | Task::Texts) {
        confine::Life::OneLook
    } else {
        confine::Life::OneFile
    };
    if let Err(error) = confine::confine(order.parent, life) {
        eprintln!("worker: {error}");
        return ExitCode::FAILURE;
    }
    let outlet = match confine::take_stdout() {
        Ok(pipe) => Arc::new(Outlet::new(pipe)),
        Err(error) => {
            eprintln!("worker: no pipe to the server: {error}");
            return ExitCode::FAILURE;
        }
    };
    let last = graph::run(&order, &outlet).unwrap_or_else(|missing| Message::Failed {
        failure: Failure::NotInstalled,
        text: missing.to_string(),
    });
    outlet.send(&last);
    // Threads of GStreamer are still at work. Joining them could hang, and destructors that run
    // beside them could crash: the server knows all it needs, so leave at once.
    std::process::exit(0)
}

/// For processes that read one file without GStreamer: the limits of `life`, and the same seal, around the
/// standard input.
///
/// # Errors
/// The server has ended, or the process could not be told so. A kernel without Landlock or seccomp is no error.
pub(crate) fn lock_up(parent: i32, life: Life) -> Result<(), String> {
    confine::confine(Some(parent), life).map_err(|error| error.to_string())?;
    // What the kernel lacks, workers of conversions report (`graph`); one report is enough.
    let _ = seal::seal(&std::collections::BTreeSet::new());
    Ok(())
}

/// For a program that is started in this process's place: limits, and a seal that leaves it `readable` for reading, what
/// programs are made of, and connections to one port of this machine.
///
/// # Errors
/// The server has ended, or the process could not be told so. A kernel that cannot seal is no error: it is told on
/// standard error.
pub(crate) fn lock_up_program(parent: i32, port: u16, readable: &[std::path::PathBuf]) -> Result<(), String> {
    confine::confine(Some(parent), Life::OneAnswer).map_err(|error| error.to_string())?;
    if let Err(error) = seal::seal_program(readable, port) {
        eprintln!("worker: less confined than it could be: {error}");
    }
    Ok(())
}

/// For `fuzz/`: a file as its demuxer sees it, read so many bytes at a time.
pub(super) fn mended(file: &[u8], step: usize) -> Vec<u8> {
    let mend = mend::find(&file);
    let mut seen = file.to_vec();
    for (index, piece) in seen.chunks_mut(step.max(1)).enumerate() {
        mend.lay_over((index * step) as u64, piece);
    }
    seen
}

fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Order, String> {
    let task = match args.next().as_deref().and_then(|verb| verb.to_str()) {
        Some("convert") => Task::Convert,
        Some("probe") => Task::Probe,
        Some("look") => Task::Look,
        Some("texts") => Task::Texts,
        Some("equip") => Task::Equip,
        other => {
            return Err(format!("expected `convert`, `probe`, `look`, `texts` or `equip`, found {other:?}"));
        }
    };
    let mut order = Order {
        task,
        start_ns: 0,
        remote_len: None,
        parent: None,
        form: Form::default(),
        equipment: Equipment::default(),
        beside: Vec::new(),
        origin_ns: None,
        grid_ns: 0,
        parts: 0,
    };
    while let Some(option) = args.next() {
        let value = args.next();
        let value = value.as_deref().and_then(|value| value.to_str());
        let bad = || format!("{option:?} needs a whole number, found {value:?}");
        match option.to_str() {
            Some("--start-ns") => order.start_ns = value.and_then(|v| v.parse().ok()).ok_or_else(bad)?,
            Some("--remote-len") => {
                order.remote_len = Some(value.and_then(|v| v.parse().ok()).ok_or_else(bad)?);
            }
            Some("--parent") => order.parent = Some(value.and_then(|v| v.parse().ok()).ok_or_else(bad)?),
            Some("--origin-ns") => {
                order.origin_ns = Some(value.and_then(|v| v.parse().ok()).ok_or_else(bad)?)
            }
            Some("--grid-ns") => order.grid_ns = value.and_then(|v| v.parse().ok()).ok_or_else(bad)?,
            Some("--parts") => {
                // A pattern finds ten.
                let parts = value.and_then(|v| v.parse().ok()).filter(|parts| *parts <= 10);
                order.parts = parts.ok_or_else(bad)?;
            }
            Some("--beside") => {
                order.beside = beside::read().map_err(|error| format!("{option:?}: {error}"))?;
            }
            Some("--form") => {
                let form = serde_json::from_str(value.unwrap_or_default());
                order.form = form.map_err(|error| format!("{option:?} {value:?}: {error}"))?;
            }
            Some("--equipment") => {
                let equipment = serde_json::from_str(value.unwrap_or_default());
                order.equipment = equipment.map_err(|error| format!("{option:?} {value:?}: {error}"))?;
            }
            _ => return Err(format!("unknown option {option:?}")),
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::super::form::Profile;
    use super::*;

    #[test]
    fn the_command_line_is_read_or_refused_with_what_was_expected() {
        let parse = |line: &str| parse(line.split_whitespace().map(OsString::from));
        let order = parse("convert --start-ns 5000 --parent 12").expect("right");
        assert_eq!((order.task, order.start_ns, order.parent), (Task::Convert, 5000, Some(12)));
        let order = parse("convert --remote-len 77").expect("right");
        assert_eq!(order.remote_len, Some(77));
        let order = parse("probe --form {\"profile\":\"small\"}").expect("right");
        assert_eq!((order.task, order.form.profile), (Task::Probe, Profile::Small));
        assert_eq!(parse("look").map(|order| order.task), Ok(Task::Look));
        assert_eq!(parse("texts").map(|order| order.task), Ok(Task::Texts));
        assert_eq!(parse("equip").map(|order| order.task), Ok(Task::Equip));
        for wrong in [
            "",
            "play",
            "convert --start-ns",
            "convert --start-ns -1",
            "probe --parent x",
            "probe -v 1",
            "probe --form x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

//! The worker process: one file in on stdin, [wire messages](super) out on stdout.
//!
//! `wiidiaserver worker convert|probe --start-ns N --parent PID`, started by
//! [`Conversion`](super::Conversion) and of no use to people.
//!
//! The file is opened by the server and read here through `/proc/self/fd/0`: the worker needs no
//! path and no right to open one. Nothing here outlives the process, so nothing is cleaned up.

mod confine;
mod decide;
mod decoding_times;
mod graph;
mod head;
mod keyframe;
mod lane;
mod live;
mod live_source;
mod notes;
mod outlet;
mod seal;
mod seek;
mod tap;
mod verdict;

use super::wire::{Failure, Message};
use outlet::Outlet;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Order {
    /// Say what the streams are and stop.
    probe_only: bool,
    /// Stream time to seek to; 0 does not seek.
    start_ns: u64,
    /// The process that must still be there.
    parent: Option<i32>,
}

/// Runs a worker; `args` is what follows the word `worker` on the command line.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let mut args = args.peekable();
    if args.next_if(|verb| verb == "live").is_some() {
        return live::main(args);
    }
    let order = match parse(args) {
        Ok(order) => order,
        Err(error) => {
            eprintln!("worker: {error}; this command is for the server itself");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = confine::confine(order.parent, confine::Life::OneFile) {
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

fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Order, String> {
    let probe_only = match args.next().as_deref().and_then(|verb| verb.to_str()) {
        Some("convert") => false,
        Some("probe") => true,
        other => return Err(format!("expected `convert` or `probe`, found {other:?}")),
    };
    let mut order = Order { probe_only, start_ns: 0, parent: None };
    while let Some(option) = args.next() {
        let value = args.next();
        let value = value.as_deref().and_then(|value| value.to_str());
        let bad = || format!("{option:?} needs a whole number, found {value:?}");
        match option.to_str() {
            Some("--start-ns") => order.start_ns = value.and_then(|v| v.parse().ok()).ok_or_else(bad)?,
            Some("--parent") => order.parent = Some(value.and_then(|v| v.parse().ok()).ok_or_else(bad)?),
            _ => return Err(format!("unknown option {option:?}")),
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read_or_refused_with_what_was_expected() {
        let parse = |line: &str| parse(line.split_whitespace().map(OsString::from));
        assert_eq!(
            parse("convert --start-ns 5000 --parent 12"),
            Ok(Order { probe_only: false, start_ns: 5000, parent: Some(12) })
        );
        assert_eq!(parse("probe"), Ok(Order { probe_only: true, start_ns: 0, parent: None }));
        for wrong in
            ["", "play", "convert --start-ns", "convert --start-ns -1", "probe --parent x", "probe -v 1"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}

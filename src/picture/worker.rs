//! The process that decodes one picture: the file is its input, the JPEG its output, a reason its last line of
//! stderr.
//!
//! `wiidiaserver worker picture --parent PID W H`, started by [`Pictures`](super::Pictures).

use super::Fit;
use super::render::render;
use crate::pipeline::worker::{Life, lock_up};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Write, stdin, stdout};
use std::os::fd::AsFd;
use std::process::ExitCode;

/// Runs it; `args` is what follows the word `picture`.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: impl Iterator<Item = OsString>) -> Result<(), String> {
    let mut word = || args.next()?.into_string().ok();
    let (Some("--parent"), Some(parent), width, height) = (word().as_deref(), word(), word(), word()) else {
        return Err("expected --parent PID W H; this command is for the server itself".to_owned());
    };
    let parent = parent.parse().map_err(|_| format!("\"{parent}\" is no process"))?;
    let fit = Fit::parse(width.as_deref(), height.as_deref()).map_err(|error| error.to_string())?;
    lock_up(parent, Life::OnePicture)?;
    let file = stdin().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    let jpeg = render(BufReader::new(File::from(file)), fit).map_err(|error| error.to_string())?;
    stdout().write_all(&jpeg).map_err(|error| error.to_string())
}

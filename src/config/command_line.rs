//! The command line: which command, which flags. Their values are checked in
//! `resolve`.

use super::error::{ConfigError, Place, Problem};
use super::file::File;
use super::nearest::nearest;
use super::{Command, ComponentAct, Environment, resolve};
use lexopt::Arg;
use std::ffi::OsString;
use std::path::Path;

/// Every flag, with a value that would do for those that need one.
const FLAGS: [(&str, Option<&str>); 8] = [
    ("--config", Some("/etc/wiidiaserver/config.toml")),
    ("--library", Some("/srv/media")),
    ("--http", Some("0.0.0.0:8080")),
    ("--rtmp", Some("0.0.0.0:1935")),
    ("--data", Some("/var/lib/wiidiaserver")),
    ("--allow-root", None),
    ("--help", None),
    ("--version", None),
];

/// Flags as they were written. A flag that is given again replaces itself, except `--library`.
#[derive(Default, Debug)]
pub(super) struct Flags {
    config: Option<OsString>,
    pub(super) library: Vec<OsString>,
    pub(super) http: Option<OsString>,
    pub(super) rtmp: Option<OsString>,
    pub(super) data: Option<OsString>,
    pub(super) allow_root: bool,
}

/// Reads the command line (without the program's name) and the configuration file it leads to.
pub fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Command, ConfigError> {
    let mut arguments = arguments.into_iter().peekable();
    if arguments.next_if(|first| first == "worker").is_some() {
        return Ok(Command::Worker(arguments.collect()));
    }
    if arguments.peek().is_some_and(|first| first == "privileged") {
        return Ok(Command::Privileged);
    }
    if arguments.next_if(|first| first == "card").is_some() {
        return Ok(Command::Card(arguments.collect()));
    }
    if arguments.next_if(|first| first == "ctl").is_some() {
        return control(arguments, environment);
    }
    let is_devices = arguments.next_if(|first| first == "devices").is_some();
    if is_devices && arguments.peek().is_none() {
        return Ok(Command::Devices);
    }
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut flags = Flags::default();
    let mut is_check = false;
    let mut component: Option<Vec<String>> = None;
    while let Some(argument) = parser.next().map_err(refused)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            // It looks at the machine, and at no configuration.
            Arg::Short(letter) if is_devices => {
                return Err(refused(lexopt::Error::UnexpectedOption(format!("-{letter}"))));
            }
            Arg::Long(name) if is_devices => {
                return Err(refused(lexopt::Error::UnexpectedOption(format!("--{name}"))));
            }
            Arg::Value(value) if is_devices => return Err(unexpected(&value, environment)),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Long("config") => flags.config = Some(parser.value().map_err(refused)?),
            Arg::Long("library") => flags.library.push(parser.value().map_err(refused)?),
            Arg::Long("http") => flags.http = Some(parser.value().map_err(refused)?),
            Arg::Long("rtmp") => flags.rtmp = Some(parser.value().map_err(refused)?),
            Arg::Long("data") => flags.data = Some(parser.value().map_err(refused)?),
            Arg::Long("allow-root") => flags.allow_root = true,
            Arg::Value(value) if component.is_some() => {
                component.iter_mut().for_each(|words| words.push(value.to_string_lossy().into_owned()));
            }
            Arg::Value(value) if value == "check-config" => is_check = true,
            Arg::Value(value) if value == "component" && !is_check => component = Some(Vec::new()),
            Arg::Value(value) => return Err(unexpected(&value, environment)),
            Arg::Short(letter) => return Err(refused(lexopt::Error::UnexpectedOption(format!("-{letter}")))),
            Arg::Long(name) => return Err(refused(lexopt::Error::UnexpectedOption(format!("--{name}")))),
        }
    }
    let file = match &flags.config {
        Some(path) => File::read(resolve::path(path, &environment.working_dir, environment))?,
        None => environment.default_file().map(File::read).transpose()?.unwrap_or_default(),
    };
    if let Some(words) = component {
        let act = component_act(&words)?;
        return Ok(Command::Component(Box::new(resolve::component(&flags, &file, environment)?), act));
    }
    let config = Box::new(resolve::config(&flags, &file, environment)?);
    Ok(if is_check { Command::CheckConfig(config) } else { Command::Serve(config) })
}

/// What follows the word `component`.
fn component_act(words: &[String]) -> Result<ComponentAct, ConfigError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Ok(match words[..] {
        ["install", "yt-dlp"] => ComponentAct::Install(None),
        ["install", "yt-dlp", version] => ComponentAct::Install(Some(version.to_owned())),
        ["rollback", "yt-dlp"] => ComponentAct::Rollback,
        ["remove", "yt-dlp"] => ComponentAct::Remove,
        ["status"] | ["status", "yt-dlp"] => ComponentAct::Status,
        _ => {
            let problem = Problem::Component(words.join(" "));
            return Err(ConfigError::new(Place::Everywhere, problem));
        }
    })
}

/// `ctl`: flags that say which server, then words for it.
fn control(
    arguments: impl Iterator<Item = OsString>,
    environment: &Environment,
) -> Result<Command, ConfigError> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut flags, mut words) = (Flags::default(), Vec::new());
    while let Some(argument) = parser.next().map_err(refused)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => words.insert(0, "help".to_owned()),
            Arg::Long("config") => flags.config = Some(parser.value().map_err(refused)?),
            Arg::Long("data") => flags.data = Some(parser.value().map_err(refused)?),
            Arg::Value(value) => {
                words.push(
                    value
                        .into_string()
                        .map_err(|value| ConfigError::new(Place::Everywhere, Problem::NotText(value)))?,
                );
            }
            other => return Err(refused(other.unexpected())),
        }
    }
    let file = match &flags.config {
        Some(path) => File::read(resolve::path(path, &environment.working_dir, environment))?,
        None => environment.default_file().map(File::read).transpose()?.unwrap_or_default(),
    };
    Ok(Command::Control { data: resolve::data(&flags, &file, environment)?, words })
}

fn unexpected(value: &OsString, environment: &Environment) -> ConfigError {
    let value_text = value.to_string_lossy();
    let is_folder = environment.working_dir.join(Path::new(value)).is_dir();
    let nearest = if is_folder {
        Some(format!("--library {value_text}"))
    } else {
        let words = ["check-config", "component", "devices", "help", "version"];
        nearest(&value_text, words).map(|word| match word {
            "check-config" | "component" | "devices" => word.to_owned(),
            flag => format!("--{flag}"),
        })
    };
    let problem = Problem::UnexpectedArgument { value: value_text.into_owned(), nearest };
    ConfigError::new(Place::Everywhere, problem)
}

/// Turns the parser's complaint into ours.
fn refused(error: lexopt::Error) -> ConfigError {
    let problem = match error {
        lexopt::Error::UnexpectedOption(flag) => {
            let nearest = nearest(&flag, FLAGS.iter().map(|(name, _)| *name));
            Problem::UnknownFlag { flag, nearest }
        }
        lexopt::Error::MissingValue { option } => {
            let flag = option.unwrap_or_default();
            let example = FLAGS.iter().find(|(name, _)| *name == flag).and_then(|(_, example)| *example);
            Problem::MissingValue { flag, example: example.unwrap_or("VALUE") }
        }
        lexopt::Error::UnexpectedValue { option, value } => {
            Problem::UnexpectedValue { flag: option, value: value.to_string_lossy().into_owned() }
        }
        lexopt::Error::NonUnicodeValue(value) => Problem::NotText(value),
        other => Problem::UnexpectedArgument { value: other.to_string(), nearest: None },
    };
    ConfigError::new(Place::Everywhere, problem)
}

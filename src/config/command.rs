//! What the process is to do, as the command line says.

use super::{Config, Web};
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Run the server.
    Serve(Box<Config>),
    /// The configuration is good: say so and end.
    CheckConfig(Box<Config>),
    /// Do something with a component, and end.
    Component(Box<ComponentConfig>, ComponentAct),
    /// Be a worker process of a running server; the arguments are between the two of them.
    Worker(Vec<OsString>),
    /// List the capture devices of this machine.
    Devices,
    /// Ask the running server whose data folder this is.
    Control {
        /// The data folder.
        data: PathBuf,
        /// What to ask.
        words: Vec<String>,
    },
    /// Do what only root may, for one request on standard input.
    Privileged,
    /// Take over a file of the box's card, on standard input; the words say which.
    Card(Vec<OsString>),
    /// Print [`VERSION`](super::VERSION).
    Version,
    /// Print [`HELP`](super::HELP).
    Help,
}

/// What to do with a component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ComponentAct {
    /// Install a version, or the newest.
    Install(Option<String>),
    /// Go back to the version before.
    Rollback,
    /// Remove it.
    Remove,
    /// Say how it is.
    Status,
}

/// What a component needs of the configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComponentConfig {
    /// Where state is kept.
    pub data: PathBuf,
    /// `[web]`
    pub web: Web,
    /// As in [`Config`].
    pub allow_root: bool,
}

//! What the process finds around it: folders by the XDG specification and by systemd, and whose process it is.

use super::{ConfigError, Place, Problem};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// What the process finds around it, as values, so that tests can give others.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// What relative paths of the command line are relative to; absolute.
    pub working_dir: PathBuf,
    /// `$HOME`, for `~` and the defaults below it.
    pub home: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`, else `~/.config`.
    pub config_home: Option<PathBuf>,
    /// `$XDG_STATE_HOME`, else `~/.local/state`.
    pub state_home: Option<PathBuf>,
    /// `$STATE_DIRECTORY` of systemd, its first folder.
    pub state_directory: Option<PathBuf>,
    /// `/etc`, or another folder in tests.
    pub system_config: PathBuf,
}

impl Environment {
    /// The environment of this process. Fails when the working folder was deleted.
    pub fn of_process() -> io::Result<Self> {
        Ok(Self::from_variables(std::env::current_dir()?, |name| std::env::var_os(name)))
    }

    pub(super) fn from_variables(working_dir: PathBuf, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // The XDG specification says to ignore relative paths; an empty variable is a missing one.
        let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = folder("HOME");
        let below = |path: &str| home.as_ref().map(|home: &PathBuf| home.join(path));
        Self {
            config_home: folder("XDG_CONFIG_HOME").or_else(|| below(".config")),
            state_home: folder("XDG_STATE_HOME").or_else(|| below(".local/state")),
            // systemd.exec(5): several folders are separated by colons.
            state_directory: variable("STATE_DIRECTORY")
                .and_then(|list| std::env::split_paths(&list).next())
                .filter(|path| path.is_absolute()),
            home,
            working_dir,
            system_config: PathBuf::from("/etc"),
        }
    }

    /// The configuration file that is read when no flag names one, if it exists.
    pub(super) fn default_file(&self) -> Option<PathBuf> {
        [self.config_home.as_deref(), Some(self.system_config.as_path())]
            .into_iter()
            .flatten()
            .map(|folder| folder.join("wiidiaserver/config.toml"))
            .find(|file| file.exists())
    }

    pub(super) fn default_data(&self) -> Option<PathBuf> {
        let below = |folder: &Path| folder.join("wiidiaserver");
        self.state_directory.clone().or_else(|| self.state_home.as_deref().map(below))
    }
}

/// Refuses to run as root unless `allow` is set: the server opens files that come from the
/// internet, and a mistake in it must not own the machine.
pub fn refuse_root(allow: bool) -> Result<(), ConfigError> {
    refuse_root_as(rustix::process::geteuid().is_root(), allow)
}

pub(super) fn refuse_root_as(is_root: bool, allow: bool) -> Result<(), ConfigError> {
    if is_root && !allow { Err(ConfigError::new(Place::Everywhere, Problem::Root)) } else { Ok(()) }
}

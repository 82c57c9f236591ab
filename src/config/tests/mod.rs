#![allow(clippy::unwrap_used)]

mod command_line;
mod example;
mod read_files;
mod refused_files;

use super::*;
use std::ffi::OsString;
use std::fs;
use tempfile::TempDir;

/// A folder with `films/`, `music/`, `a file`, and an environment that knows nothing else.
struct House {
    folder: TempDir,
    environment: Environment,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("films")).unwrap();
        fs::create_dir(folder.path().join("music")).unwrap();
        fs::write(folder.path().join("a file"), "x").unwrap();
        let environment = Environment {
            working_dir: folder.path().to_owned(),
            state_home: Some(folder.path().join("state")),
            system_config: folder.path().join("etc"),
            ..Environment::default()
        };
        Self { folder, environment }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn parse(&self, arguments: &[&str]) -> Result<Command, ConfigError> {
        parse(arguments.iter().map(OsString::from), &self.environment)
    }

    #[track_caller]
    fn config(&self, arguments: &[&str]) -> Config {
        match self.parse(arguments) {
            Ok(Command::Serve(config)) => *config,
            other => panic!("{other:?}"),
        }
    }

    fn with_file(self, text: &str) -> Self {
        fs::write(self.path("c.toml"), text).unwrap();
        self
    }

    /// The message of a refusal, with this house's path as HOUSE.
    #[track_caller]
    fn refusal(&self, arguments: &[&str]) -> String {
        let error = self.parse(arguments).expect_err("it is refused");
        error.to_string().replace(self.folder.path().to_str().unwrap(), "HOUSE")
    }
}

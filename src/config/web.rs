//! `[web]`: addresses of the web that viewers bring, and what finds out what they mean.

use super::error::{ConfigError, Problem};
use super::file::File;
use super::{Environment, resolve};
use crate::egress::Exception;
use std::path::PathBuf;
use url::Url;

/// `[web]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Web {
    /// Viewers may bring addresses of their own. Default true.
    pub open: bool,
    /// Addresses that are not of the internet, to which pages and viewers may lead nevertheless. Default none.
    pub allow: Vec<Exception>,
    /// Python, for yt-dlp. Default `/usr/bin/python3`.
    pub python: PathBuf,
    /// Where components are fetched from. Default <https://pypi.org>.
    pub package_index: Url,
}

/// Debian's, and that of most others.
const PYTHON: &str = "/usr/bin/python3";

/// The Python Package Index.
const PACKAGE_INDEX: &str = "https://pypi.org/";

impl Default for Web {
    fn default() -> Self {
        let index = Url::parse(PACKAGE_INDEX);
        let package_index = index.unwrap_or_else(|_| unreachable!("{PACKAGE_INDEX} is an address"));
        Self { open: true, allow: Vec::new(), python: PYTHON.into(), package_index }
    }
}

pub(super) fn resolve(file: &File, environment: &Environment) -> Result<Web, ConfigError> {
    let written = &file.content.web;
    let usual = Web::default();
    let mut allow = Vec::new();
    for text in &written.allow {
        let exception = text.get_ref().parse();
        allow.push(
            exception.map_err(|error| ConfigError::new(file.place(text.span()), Problem::WebAllow(error)))?,
        );
    }
    let python = written.python.as_ref().filter(|python| !python.get_ref().is_empty());
    let python = python.map(|python| resolve::path(python.get_ref().as_ref(), file.folder(), environment));
    let package_index = match &written.package_index {
        None => usual.package_index,
        Some(text) => {
            let url = Url::parse(text.get_ref()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            let wrong =
                || ConfigError::new(file.place(text.span()), Problem::PackageIndex(text.get_ref().clone()));
            url.ok_or_else(wrong)?
        }
    };
    Ok(Web {
        open: written.open.unwrap_or(usual.open),
        allow,
        python: python.unwrap_or(usual.python),
        package_index,
    })
}

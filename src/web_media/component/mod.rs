//! Components that are not part of this program and change every few weeks: yt-dlp.
//!
//! ```text
//!  components/yt-dlp/2026.10.26/yt_dlp/…      one folder a version, unpacked and compiled
//!                    2026.9.1/…
//!                    current  ─▶ 2026.10.26   what is used
//!                    previous ─▶ 2026.9.1     what was used before
//! ```
//!
//! A version is fetched by its number, from the package index's own words of it with their SHA-256; unpacked; compiled
//! (Python would take sixteen seconds a call otherwise); and tried on a page of this machine. Only then `current` is
//! switched, by a rename. Whatever fails before leaves what is used as it is.

mod error;
mod trial_page;

pub use error::ComponentError;

use super::client::Client;
use super::yt_dlp::{YtDlp, YtDlpError};
use super::{Direct, Resolver};
use crate::egress::{Door, Reach};
use crate::limits::{COMPONENT_TIMEOUT, MAX_COMPONENT, MAX_PACKAGE_INDEX};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use trial_page::Page;
use url::Url;

/// The one component that there is.
pub const YT_DLP: &str = "yt-dlp";

/// What people are told where they install or use it.
pub const NOTICE: &str = "yt-dlp is a program of its own (https://github.com/yt-dlp/yt-dlp, Unlicense). Whether a site's terms \
    allow what you do with it, and whether the law of your country does, is for you to find out.";

/// Where components are kept, in the data folder.
pub fn in_data(data: &Path) -> PathBuf {
    data.join("components")
}

/// Where the versions of yt-dlp are.
pub(super) fn folder(components: &Path) -> PathBuf {
    components.join(YT_DLP)
}

/// How a component is, as `/api/v1/components` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Component)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// The version that is used.
    pub version: Option<String>,
    /// The version that a rollback goes to.
    pub previous: Option<String>,
    /// What people ought to know.
    pub notice: &'static str,
}

/// Installs, removes and tells of yt-dlp.
#[derive(Debug)]
pub struct Component {
    client: Client,
    index: Url,
    yt_dlp: YtDlp,
    /// Held by one change at a time.
    changing: tokio::sync::Mutex<()>,
}

/// What a package index tells of a project (the JSON interface of <https://pypi.org>).
#[derive(Deserialize)]
struct Project {
    info: About,
    urls: Vec<Archive>,
}

#[derive(Deserialize)]
struct About {
    version: String,
}

#[derive(Deserialize)]
struct Archive {
    filename: String,
    url: String,
    digests: Digests,
}

#[derive(Deserialize)]
struct Digests {
    sha256: String,
}

impl Component {
    /// yt-dlp in the `components` folder, from the package `index`; `python` runs it, through `program`, which is our own.
    pub fn new(components: &Path, index: Url, python: PathBuf, program: PathBuf) -> Self {
        Self {
            client: Client::new(Arc::new(Door::default())),
            index,
            yt_dlp: YtDlp::new(folder(components), python, program),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// The one that a resolver uses.
    pub fn of(resolver: &Resolver, index: Url, program: PathBuf) -> Self {
        let used = resolver.yt_dlp();
        Self {
            client: Client::new(Arc::new(Door::default())),
            index,
            yt_dlp: YtDlp::new(used.folder().to_owned(), used.python().to_owned(), program),
            changing: tokio::sync::Mutex::default(),
        }
    }

    fn folder(&self) -> &Path {
        self.yt_dlp.folder()
    }

    fn disk(&self, reason: io::Error) -> ComponentError {
        ComponentError::Disk { folder: self.folder().to_owned(), reason }
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let leads = |name: &str| {
            let path = self.folder().join(name);
            path.join("yt_dlp").is_dir().then(|| fs::read_link(&path).ok()).flatten()
        };
        let version = |name| leads(name).map(|path: PathBuf| path.to_string_lossy().into_owned());
        Status { name: YT_DLP, version: version("current"), previous: version("previous"), notice: NOTICE }
    }

    /// Installs a version, or the newest, and uses it from now on. Returns which.
    ///
    /// # Errors
    /// Why not; what was used before is still used.
    pub async fn install(&self, version: Option<&str>) -> Result<String, ComponentError> {
        let _changing = self.changing.lock().await;
        let (version, archive) = self.look_up(version).await?;
        fs::create_dir_all(self.folder()).map_err(|error| self.disk(error))?;
        let new = tempfile::Builder::new().prefix(".new-").tempdir_in(self.folder());
        let new = new.map_err(|error| self.disk(error))?;
        let wheel = new.path().join(format!("yt_dlp-{version}-py3-none-any.whl"));
        self.fetch(&archive, &wheel).await?;
        let unpacked = new.path().join("unpacked");
        fs::create_dir(&unpacked).map_err(|error| self.disk(error))?;
        self.python("unpacking it", &["-I", "-m", "zipfile", "-e"], &[&wheel, &unpacked]).await?;
        self.python("compiling it", &["-I", "-m", "compileall", "-q"], &[&unpacked]).await?;
        self.try_out(&version, &unpacked).await?;
        self.switch_to(&version, &unpacked).map_err(|error| self.disk(error))?;
        tracing::info!(version, "yt-dlp is installed");
        Ok(version)
    }

    /// Which version that is, and its archive.
    async fn look_up(&self, version: Option<&str>) -> Result<(String, Archive), ComponentError> {
        let path = match version {
            Some(version) if is_version(version) => format!("pypi/yt-dlp/{version}/json"),
            Some(version) => return Err(ComponentError::Version(version.chars().take(40).collect())),
            None => "pypi/yt-dlp/json".to_owned(),
        };
        let lacks = |what| ComponentError::Index { index: self.index.clone(), what };
        let mut index = self.index.clone();
        if !index.path().ends_with('/') {
            index.set_path(&format!("{}/", index.path()));
        }
        let url = index.join(&path).map_err(|_| lacks("address for yt-dlp"))?;
        let mut answer = self.client.get(&Direct::bare(url), &[], Reach::Anywhere).await?;
        let text = answer.beginning(MAX_PACKAGE_INDEX).await.map_err(ComponentError::Broken)?;
        let project: Project = serde_json::from_slice(&text).map_err(|_| lacks("JSON about yt-dlp"))?;
        let version = Some(project.info.version).filter(|version| is_version(version));
        let version = version.ok_or_else(|| lacks("version of yt-dlp"))?;
        let mut archives = project.urls.into_iter();
        let mut archive = archives
            .find(|archive| archive.filename.ends_with("-py3-none-any.whl"))
            .ok_or_else(|| lacks("wheel of yt-dlp"))?;
        archive.url = answer.url.join(&archive.url).map_err(|_| lacks("address of a wheel"))?.to_string();
        Ok((version, archive))
    }

    /// Fetches an archive and holds it against its sum.
    async fn fetch(&self, archive: &Archive, to: &Path) -> Result<(), ComponentError> {
        let url = Url::parse(&archive.url);
        let url =
            url.map_err(|_| ComponentError::Index { index: self.index.clone(), what: "address of a wheel" })?;
        let mut answer = self.client.get(&Direct::bare(url), &[], Reach::Anywhere).await?;
        let bytes = answer.beginning(MAX_COMPONENT + 1).await.map_err(ComponentError::Broken)?;
        if bytes.len() > MAX_COMPONENT {
            return Err(ComponentError::TooLarge);
        }
        let sum = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let came = HEXLOWER.encode(sum.as_ref());
        let expected = archive.digests.sha256.to_ascii_lowercase();
        if came != expected {
            return Err(ComponentError::Sum { came, expected: expected.chars().take(80).collect() });
        }
        fs::write(to, bytes).map_err(|error| self.disk(error))
    }

    async fn python(&self, step: &'static str, args: &[&str], paths: &[&Path]) -> Result<(), ComponentError> {
        let python = self.yt_dlp.python();
        let failed = |reason: String| ComponentError::Python { python: python.to_owned(), step, reason };
        let mut command = tokio::process::Command::new(python);
        command.args(args).args(paths).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = match tokio::time::timeout(COMPONENT_TIMEOUT, command.output()).await {
            Ok(output) => output.map_err(|error| failed(error.to_string()))?,
            Err(_) => return Err(failed(format!("it takes longer than {} s", COMPONENT_TIMEOUT.as_secs()))),
        };
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        if output.status.success() { Ok(()) } else { Err(failed(last.chars().take(300).collect())) }
    }

    /// Asks this version about a page of our own.
    async fn try_out(&self, version: &str, unpacked: &Path) -> Result<(), ComponentError> {
        let failed = |reason: String| ComponentError::SelfTest { version: version.to_owned(), reason };
        let page = Page::open().await.map_err(|error| failed(error.to_string()))?;
        // Nothing else can be reached while it is tried.
        let allowed = page.address.to_string().parse().map_err(|_| failed("no address".into()))?;
        let door = Arc::new(Door::new(vec![allowed]));
        let url = Url::parse(&format!("http://{}/page", page.address))
            .map_err(|error| failed(error.to_string()))?;
        let told = self.yt_dlp.ask_version(unpacked, &url, &door, Reach::Public).await;
        let told = told.map_err(|error: YtDlpError| failed(error.to_string()))?;
        match &told.direct {
            Some((direct, false)) if direct.url.path() == "/film.mp4" => Ok(()),
            other => Err(failed(format!("it found {other:?} titled {:?}", told.title))),
        }
    }

    /// Puts the version in its place, and uses it.
    fn switch_to(&self, version: &str, unpacked: &Path) -> io::Result<()> {
        let folder = self.folder();
        let place = folder.join(version);
        let before = fs::read_link(folder.join("current")).ok();
        if place.exists() {
            // The same version again, perhaps because the old one is damaged.
            let aside = tempfile::Builder::new().prefix(".old-").tempdir_in(folder)?;
            fs::rename(&place, aside.path().join("old"))?;
        }
        fs::rename(unpacked, &place)?;
        if let Some(before) = before.filter(|before| before != Path::new(version)) {
            point(folder, "previous", &before)?;
        }
        point(folder, "current", Path::new(version))?;
        self.tidy_up();
        fs::File::open(folder)?.sync_all()
    }

    /// Removes versions that nothing leads to, and what was left behind by a power cut.
    fn tidy_up(&self) {
        let status = self.status();
        let kept = |name: &str| {
            ["current", "previous"].contains(&name)
                || [&status.version, &status.previous].into_iter().flatten().any(|version| version == name)
        };
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| !kept(&entry.file_name().to_string_lossy())) {
            // A folder that stays costs room, and is tried again the next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }

    /// Uses the version before from now on; the present one is what a second call goes back to. Returns which.
    ///
    /// # Errors
    /// When there is none.
    pub async fn roll_back(&self) -> Result<String, ComponentError> {
        let _changing = self.changing.lock().await;
        let status = self.status();
        let (Some(version), previous) = (status.previous, status.version) else {
            return Err(ComponentError::NoPrevious);
        };
        let switch = || {
            point(self.folder(), "current", Path::new(&version))?;
            previous.map_or(Ok(()), |previous| point(self.folder(), "previous", Path::new(&previous)))
        };
        switch().map_err(|error| self.disk(error))?;
        tracing::info!(version, "yt-dlp is the one before again");
        Ok(version)
    }

    /// Removes all of it.
    ///
    /// # Errors
    /// When nothing is there, or the disk refuses.
    pub async fn remove(&self) -> Result<(), ComponentError> {
        let _changing = self.changing.lock().await;
        if !self.folder().exists() {
            return Err(ComponentError::NotInstalled);
        }
        fs::remove_dir_all(self.folder()).map_err(|error| self.disk(error))?;
        tracing::info!("yt-dlp is removed");
        Ok(())
    }
}

/// Digits, dots, and what stands behind them in versions for testers.
fn is_version(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

/// Makes `name` lead to `version`, in one step.
fn point(folder: &Path, name: &str, version: &Path) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let _ = fs::remove_file(&new);
    symlink(version, &new)?;
    fs::rename(&new, folder.join(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn component(data: &Path) -> Component {
        Component::new(
            &in_data(data),
            "https://pypi.org".parse().unwrap(),
            "/usr/bin/python3".into(),
            "/bin/false".into(),
        )
    }

    /// As if it had been unpacked.
    fn unpacked(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.join("yt_dlp")).unwrap();
        path
    }

    #[tokio::test]
    async fn versions_are_switched_kept_and_rolled_back() {
        let data = tempfile::tempdir().unwrap();
        let component = component(data.path());
        let folder = component.folder().to_owned();
        assert_eq!(component.status().version, None);
        assert!(matches!(component.roll_back().await, Err(ComponentError::NoPrevious)));
        assert!(matches!(component.remove().await, Err(ComponentError::NotInstalled)));
        for version in ["2026.1.1", "2026.2.2", "2026.3.3", "2026.3.3"] {
            component.switch_to(version, &unpacked(&folder, ".new-x")).unwrap();
        }
        let versions = || {
            let status = component.status();
            (status.version.unwrap_or_default(), status.previous.unwrap_or_default())
        };
        assert_eq!(versions(), ("2026.3.3".into(), "2026.2.2".into()));
        assert!(!folder.join("2026.1.1").exists(), "nothing leads there");
        assert_eq!(component.roll_back().await.unwrap(), "2026.2.2");
        assert_eq!(versions(), ("2026.2.2".into(), "2026.3.3".into()));
        let names = fs::read_dir(&folder).unwrap().count();
        assert_eq!(names, 4, "two versions, two links, and nothing that was on the way");
        component.remove().await.unwrap();
        assert_eq!(component.status().version, None);
    }

    #[tokio::test]
    async fn versions_are_numbers_and_no_paths() {
        let data = tempfile::tempdir().unwrap();
        for wrong in ["", "..", "../x", "1/2", "v1", "1 2", &"1".repeat(41)] {
            let refused = component(data.path()).install(Some(wrong)).await;
            assert!(matches!(refused, Err(ComponentError::Version(_))), "{wrong}");
        }
        assert!(is_version("2026.10.26") && is_version("2026.10.26.dev0"));
    }
}

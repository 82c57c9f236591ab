//! The certificate that the server has signed itself: files in the folder `https` of the data folder, made on the page, and made anew
//! before it ends. Whoever has installed the root need not do anything; HTTPS reads the files again when they have changed.

use super::App;
use crate::authority::{self, AuthorityError, Made};
use crate::document::{Document, Found};
use crate::limits::{CERTIFICATE_RENEWAL_AGE, CERTIFICATE_RENEWAL_INTERVAL, MAX_PEM_FILE};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The authority's certificate.
pub(super) const ROOT: &str = "root.pem";
/// … and its key.
pub(super) const ROOT_KEY: &str = "root-key.pem";
/// What the certificate was made for.
const WISH: &str = "made.json";

/// Certificate and key by which the server speaks HTTPS, unless the configuration names others.
pub fn files(data: &Path) -> (PathBuf, PathBuf) {
    let folder = folder(data);
    (folder.join("certificate.pem"), folder.join("key.pem"))
}

pub(super) fn folder(data: &Path) -> PathBuf {
    data.join("https")
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum OwnCertificateError {
    /// Of names that it can't be for, mostly.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The disk does not take it.
    #[error("it can't be kept: {0}; make room on the disk")]
    NotKept(#[from] io::Error),
}

/// For whom a certificate was made, and when.
#[derive(Debug, Serialize, Deserialize)]
struct Wish {
    names: Vec<String>,
    /// Seconds since 1970.
    made: u64,
}

/// Makes a certificate for these names, signed by the authority, which is made with the first. Takes as long as the disk does.
///
/// # Errors
/// A name that is no home's, or the disk.
pub(super) fn make(data: &Path, names: Vec<String>, now: u64) -> Result<(), OwnCertificateError> {
    let folder = folder(data);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let (root, key) = (read(ROOT), read(ROOT_KEY));
    let Made { root, root_key, certificate, key } =
        authority::make(&names, root.as_deref().zip(key.as_deref()), now)?;
    let wish = serde_json::to_string(&Wish { names, made: now }).map_err(io::Error::from)?;
    // The root last: a certificate without it is no worse than an uploaded one.
    let files = [
        (WISH, wish),
        ("key.pem", key),
        ("certificate.pem", certificate),
        (ROOT_KEY, root_key),
        (ROOT, root),
    ];
    for (name, content) in files {
        Document::new(&folder, name, MAX_PEM_FILE).write(content.as_bytes())?;
    }
    Ok(())
}

/// Makes it anew when it will end soon; whether it did. One that was uploaded is left alone, and so is everything while the clock stands
/// before the day on which it was made.
///
/// # Errors
/// As [`make`].
pub(super) fn renew(data: &Path, now: u64) -> Result<bool, OwnCertificateError> {
    let folder = folder(data);
    if !folder.join(ROOT).exists() || !files(data).0.exists() {
        return Ok(false);
    }
    let parse = |bytes: &[u8]| serde_json::from_slice::<Wish>(bytes).map_err(|error| error.to_string());
    let (Found::Latest(wish) | Found::Previous(wish, _)) =
        Document::new(&folder, WISH, MAX_PEM_FILE).read(parse)
    else {
        return Ok(false);
    };
    if now.saturating_sub(wish.made) < CERTIFICATE_RENEWAL_AGE.as_secs() {
        return Ok(false);
    }
    make(data, wish.names, now)?;
    Ok(true)
}

/// Seconds since 1970, by the machine's clock.
pub(super) fn unix_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Looks now and then, until the server ends.
pub(super) async fn keep_fresh(app: Arc<App>) {
    let mut tick = tokio::time::interval(CERTIFICATE_RENEWAL_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let data = app.settings.config().data;
        match tokio::task::spawn_blocking(move || renew(&data, unix_time())).await {
            Ok(Ok(true)) => {
                tracing::info!("the certificate for HTTPS would have ended soon, so there is another one now")
            }
            Ok(Ok(false)) | Err(_) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the certificate for HTTPS can't be renewed; make another one on the page")
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A day in 2027.
    const MADE: u64 = 1_800_000_000;
    const DAY: u64 = 24 * 3600;

    fn read(data: &Path, name: &str) -> String {
        std::fs::read_to_string(folder(data).join(name)).unwrap()
    }

    #[test]
    fn a_certificate_is_made_anew_before_it_ends_by_the_root_that_devices_have() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        assert!(!renew(data, MADE).unwrap(), "there is none");
        make(data, vec!["box.local".to_owned(), "192.168.1.20".to_owned()], MADE).unwrap();
        let (root, first) = (read(data, ROOT), read(data, "certificate.pem"));
        for days in [0, 1, 365, 739] {
            assert!(!renew(data, MADE + days * DAY).unwrap(), "after {days} days");
        }
        assert!(!renew(data, 0).unwrap(), "the box does not know the date");
        assert!(renew(data, MADE + 741 * DAY).unwrap());
        assert_ne!(read(data, "certificate.pem"), first);
        assert_eq!(read(data, ROOT), root);
        assert!(read(data, WISH).contains("192.168.1.20"));
        let (certificate, key) = files(data);
        super::super::Certificates::load(&certificate, &key).unwrap();
        assert!(!renew(data, MADE + 742 * DAY).unwrap(), "once");
    }

    #[test]
    fn what_was_uploaded_or_taken_away_is_left_alone() {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        make(data, vec!["box.local".to_owned()], MADE).unwrap();
        std::fs::remove_file(folder(data).join(ROOT)).unwrap();
        assert!(!renew(data, MADE + 2000 * DAY).unwrap());
        make(data, vec!["box.local".to_owned()], MADE).unwrap();
        std::fs::remove_file(files(data).0).unwrap();
        assert!(!renew(data, MADE + 2000 * DAY).unwrap());
        assert!(!files(data).0.exists());
        make(data, vec!["box.local".to_owned()], MADE).unwrap();
        for broken in ["", "{}", "{\"names\":[],\"made\":0}"] {
            std::fs::write(folder(data).join(WISH), broken).unwrap();
            let _ = std::fs::remove_file(folder(data).join("made.json.previous"));
            assert!(!renew(data, MADE + 2000 * DAY).is_ok_and(|renewed| renewed), "{broken}");
        }
    }
}

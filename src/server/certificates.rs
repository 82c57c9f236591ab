//! The certificate and key by which this server proves who it is: read from their files, and read again
//! when they have changed, so that renewals need no restart.

use crate::limits::{CERTIFICATE_LOOK_INTERVAL, MAX_PEM_FILE};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{fs, io};

/// A certificate and its key, up to date with their files.
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    /// What the files were when they were last looked at, good or bad.
    seen: [Stamp; 2],
    /// When that was.
    looked: Instant,
}

/// Tells one version of a file from another: inode, size and time of change; zeros when there is none.
type Stamp = (u64, u64, i64, i64);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file that is not there or may not be read.
    #[error("{} cannot be read ({reason}); correct the path, or let the user who runs the server read it", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
    /// Not PEM, or without a certificate.
    #[error("{} has no certificate in it ({reason}); expected PEM: lines that begin with BEGIN CERTIFICATE", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
        /// The reader's words.
        reason: String,
    },
    /// Not PEM, or without a key.
    #[error(
        "{} has no private key in it ({reason}); expected PEM without a password: a line that begins with \
         BEGIN and ends with PRIVATE KEY",
        file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
        /// The reader's words.
        reason: String,
    },
    /// Two files that have nothing to do with each other.
    #[error(
        "the key in {} is not the one of the certificate in {}; name two files that were made together",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A kind of key or certificate that rustls does not take.
    #[error("the certificate in {} cannot be used ({reason}); RSA, ECDSA and Ed25519 can be", file.display())]
    Unusable {
        /// The certificate's file.
        file: PathBuf,
        /// rustls' words.
        reason: rustls::Error,
    },
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// When they cannot be read, or do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        // Before reading: what changes meanwhile is read again.
        let seen = [stamp(certificate), stamp(key)];
        let state = State { config: read(certificate, key)?, seen, looked: Instant::now() };
        Ok(Self { certificate: certificate.into(), key: key.into(), state: Mutex::new(state) })
    }

    /// What to shake hands with now. Looks at both files, but not for every connection of a crowd.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<ServerConfig> {
        if self.is_due(Instant::now()) {
            let this = self.clone();
            // The disk may be slow. A panic there would have been told, and leaves the old certificate.
            let _ = tokio::task::spawn_blocking(move || this.look()).await;
        }
        self.state().config.clone()
    }

    /// Consistent between any two statements.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut state = self.state();
        let is_due = now.saturating_duration_since(state.looked) >= CERTIFICATE_LOOK_INTERVAL;
        if is_due {
            state.looked = now;
        }
        is_due
    }

    /// Reads the files if they have changed. New ones that are no good are logged once, and the old ones stay.
    fn look(&self) {
        let seen = [stamp(&self.certificate), stamp(&self.key)];
        if std::mem::replace(&mut self.state().seen, seen) == seen {
            return;
        }
        match read(&self.certificate, &self.key) {
            Ok(config) => {
                tracing::info!(certificate = %self.certificate.display(), "the certificate was renewed");
                self.state().config = config;
            }
            Err(error) => tracing::warn!(%error, "the renewed certificate is not used; the old one stays"),
        }
    }
}

/// A file's content, if it can be PEM at all: a film is not read into memory.
pub(crate) fn read_pem(file: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: a pipe would be waited for.
    let data = fs::metadata(file)?;
    if !data.is_file() || data.len() > MAX_PEM_FILE {
        let text = format!("it has {} bytes, expected a file of at most {MAX_PEM_FILE}", data.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut content = Vec::new();
    fs::File::open(file)?.take(MAX_PEM_FILE).read_to_end(&mut content)?;
    Ok(content)
}

fn stamp(file: &Path) -> Stamp {
    fs::metadata(file).map_or((0, 0, 0, 0), |data| (data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, CertificateError> {
    let unreadable = |file: &Path, reason| CertificateError::Unreadable { file: file.into(), reason };
    let text = read_pem(certificate).map_err(|reason| unreadable(certificate, reason))?;
    let no_certificate =
        |reason: String| CertificateError::NoCertificate { file: certificate.into(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| no_certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(no_certificate(format!("{} bytes of something else", text.len())));
    }
    let text = read_pem(key).map_err(|reason| unreadable(key, reason))?;
    let private = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| CertificateError::NoKey { file: key.into(), reason: error.to_string() })?;
    let unusable = |reason| match reason {
        rustls::Error::InconsistentKeys(_) => {
            CertificateError::Mismatch { certificate: certificate.into(), key: key.into() }
        }
        reason => CertificateError::Unusable { file: certificate.into(), reason },
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unusable)?;
    // librtmp with GnuTLS (rtmpdump, rtmpsrc) takes a ticket for the end of the connection.
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

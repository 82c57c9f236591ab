//! Certificates of a test's own authority, as files that the server under test can read.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::server::{folder_for_server, free_address};

/// An authority, and what it has signed for `localhost` and 127.0.0.1.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "the test's authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let authority = Self { issuer, folder: folder_for_server() };
        std::fs::write(authority.ca(), authority.issuer.pem()).unwrap();
        authority.sign();
        authority
    }

    /// Signs a new certificate and writes it where the old one was.
    pub(crate) fn sign(&self) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.certificate(), certificate.pem()).unwrap();
        std::fs::write(self.key(), key.serialize_pem()).unwrap();
    }

    /// The authority's own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// An address, and the part of a configuration by which a server speaks TLS there.
    pub(crate) fn rtmps(&self) -> (SocketAddr, String) {
        let address = free_address();
        let toml = |path: &Path| toml_text(path.to_str().unwrap());
        let text = format!(
            "[rtmps]\nlisten = \"{address}\"\ncertificate = {}\nkey = {}\n",
            toml(&self.certificate()),
            toml(&self.key())
        );
        (address, text)
    }
}

fn toml_text(text: &str) -> String {
    format!("'{text}'")
}

//! `GET /api/v1/about`: which program this is, and whose work is in it.

use super::reply::{Reply, json};
use crate::pipeline::framework_version;
use crate::server::App;
use serde::Serialize;
use utoipa::ToSchema;

/// This program.
#[derive(Serialize, ToSchema)]
pub(super) struct About {
    name: &'static str,
    version: &'static str,
    /// Of the program itself, as SPDX writes it.
    licence: &'static str,
    /// What it converts with, by name and version: "GStreamer 1.22.0".
    framework: String,
    /// Since the server began, in seconds.
    uptime: u64,
    /// What others have written, and the program holds.
    crates: Vec<Crate>,
}

/// A part of the program that others have written.
#[derive(Serialize, ToSchema)]
pub(super) struct Crate {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// As SPDX writes it.
    pub(super) licence: &'static str,
}

/// The program: its version, and the licences of its parts.
#[utoipa::path(get, path = "/api/v1/about", operation_id = "about", tag = "server",
    responses((status = 200, body = About)))]
pub(super) fn about(app: &App) -> Reply {
    json(&About {
        name: "Wiidiaserver",
        version: env!("CARGO_PKG_VERSION"),
        licence: env!("CARGO_PKG_LICENSE"),
        framework: framework_version(),
        uptime: app.started.elapsed().as_secs(),
        crates: crates(),
    })
}

/// As build.rs wrote them down.
pub(super) fn crates() -> Vec<Crate> {
    let line = |line: &'static str| {
        let mut parts = line.splitn(3, '\t');
        Some(Crate { name: parts.next()?, version: parts.next()?, licence: parts.next()? })
    };
    include_str!(concat!(env!("OUT_DIR"), "/crates.txt")).lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_licence() {
        let crates = crates();
        assert!(crates.iter().any(|one| one.name == "hyper" && one.licence == "MIT"), "{}", crates.len());
        for one in crates {
            assert!(!one.licence.is_empty() && !one.version.is_empty(), "{} {}", one.name, one.version);
        }
    }
}

//! What the worker takes from itself once GStreamer is loaded and before it looks at the file.
//!
//! Parsers of three dozen formats, written in C, read whatever lies in the library. A file that
//! takes one of them over finds itself in a process that
//!
//! 1. opens nothing but, for reading, what plug-ins are made of (Landlock): the film was open before,
//! 2. has no network, starts no program, signals and inspects no other process (seccomp, and
//!    Landlock's scopes for what seccomp cannot tell apart),
//! 3. leaves nothing behind: it cannot fork, and dies with the server.
//!
//! A worker that reads from the network has another profile: sockets, but fewer settings.
//!
//! Each part is as much as the kernel has; a kernel without either still has [`confine`](super::confine).

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What plug-ins, codecs, fonts and the C library read. What is not there is left out.
const READABLE: [&str; 11] = [
    "/usr",
    "/lib",
    "/lib64",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/sys/devices",
    "/sys/class",
    "/proc/self",
    "/proc/cpuinfo",
];

/// The same for a worker that has the network: no settings of this machine but those that lead to others.
const READABLE_WITH_NETWORK: [&str; 24] = [
    "/usr",
    "/lib",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/sys/devices",
    "/sys/class",
    "/proc/self",
    "/proc/cpuinfo",
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/gnutls",
    "/etc/crypto-policies",
    "/run/systemd/resolve",
    "/run/NetworkManager/resolv.conf",
];

/// Devices of hardware codecs and of the C library's needs.
const DEVICES: [&str; 5] = ["/dev/dri", "/dev/null", "/dev/urandom", "/dev/random", "/dev/zero"];

/// V4L2 codecs (`v4l2h264enc`) are `/dev/video10` and up; Landlock has no patterns.
const MAX_VIDEO_DEVICES: usize = 64;

/// The newest kernel interface that is asked for; older kernels give what they have.
const LANDLOCK: ABI = ABI::V6;

/// The first profile, for a worker that has what it reads open already: no file but what is in the folders `plugins` and what
/// plug-ins are made of, and no network. Seals the calling thread, and the threads that it will start.
///
/// # Errors
/// What the kernel does not have, in words; the other half is in force nevertheless.
pub(super) fn seal(plugins: &BTreeSet<PathBuf>) -> Result<(), String> {
    enforced(close_files(plugins), forbidden::close_calls())
}

/// The second profile, for sources on the network: sockets may be opened and connected, UDP ones bound. In
/// exchange there is no media file, and of `/etc` only what finds names and checks certificates: what a
/// taken-over worker can read it could send away.
///
/// # Errors
/// As [`seal`].
pub(super) fn seal_but_network(plugins: &BTreeSet<PathBuf>) -> Result<(), String> {
    enforced(close_files_but_network(plugins), forbidden::close_calls_but_network())
}

/// The second profile for a source whose address a viewer brought: TCP to one port alone, behind which a gateway of the
/// server fetches for it; no datagrams, so no names.
///
/// Kernels before Linux 6.7 have no rules for TCP (Landlock's fourth interface): there it can be connected to any port.
///
/// # Errors
/// As [`seal`].
pub(super) fn seal_but_port(plugins: &BTreeSet<PathBuf>, port: u16) -> Result<(), String> {
    enforced(close_files_but_port(plugins, port), forbidden::close_calls_but_streams())
}

/// For a program that is started in this process's place: it reads `readable` and what every program reads, connects to
/// one port, and may start other programs, which are sealed in the same way.
///
/// # Errors
/// As [`seal`].
pub(super) fn seal_program(readable: &[PathBuf], port: u16) -> Result<(), String> {
    // What may be read may be run as well.
    enforced(
        close_files_but_port(&readable.iter().cloned().collect(), port),
        forbidden::close_calls_of_program(),
    )
}

/// The folders that GStreamer's plug-ins lie in, which it has to be able to load. To be called once it is initialised.
pub(super) fn plugin_folders() -> BTreeSet<PathBuf> {
    let folder = |plugin: gstreamer::Plugin| Some(plugin.filename()?.parent()?.to_owned());
    gstreamer::Registry::get().plugins().into_iter().filter_map(folder).collect()
}

/// The third profile, for a capture device: no network, and of the devices only `nodes`.
///
/// # Errors
/// As [`seal`].
pub(super) fn seal_but_devices(nodes: &[PathBuf], plugins: &BTreeSet<PathBuf>) -> Result<(), String> {
    enforced(close_files_but_devices(nodes, plugins), forbidden::close_calls())
}

/// The nodes of V4L2 codecs, as far as their names tell: those of a Raspberry Pi are `bcm2835-codec-encode` and the
/// like.
pub(super) fn video_codecs() -> Vec<PathBuf> {
    let is_codec = |number: &usize| {
        let name = std::fs::read_to_string(format!("/sys/class/video4linux/video{number}/name"));
        name.is_ok_and(|name| name.contains("codec") || name.contains("enc"))
    };
    (0..MAX_VIDEO_DEVICES)
        .filter(is_codec)
        .map(|number| PathBuf::from(format!("/dev/video{number}")))
        .collect()
}

fn enforced<E: std::fmt::Display>(
    files: Result<RulesetStatus, RulesetError>,
    calls: Result<(), E>,
) -> Result<(), String> {
    let files = match files {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => Ok(()),
        Ok(RulesetStatus::NotEnforced) => Err("no Landlock in this kernel".to_owned()),
        Err(error) => Err(format!("no Landlock: {error}")),
    };
    files.and(calls.map_err(|error| format!("no seccomp: {error}")))
}

fn close_files(plugins: &BTreeSet<PathBuf>) -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(rules(&READABLE, plugins).map(Ok::<_, RulesetError>))?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn close_files_but_network(plugins: &BTreeSet<PathBuf>) -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(rules(&READABLE_WITH_NETWORK, plugins).map(Ok::<_, RulesetError>))?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn close_files_but_port(more: &BTreeSet<PathBuf>, port: u16) -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(rules(&READABLE_WITH_NETWORK, more).map(Ok::<_, RulesetError>))?
        .add_rule(NetPort::new(port, AccessNet::ConnectTcp))?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn close_files_but_devices(
    nodes: &[PathBuf],
    plugins: &BTreeSet<PathBuf>,
) -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(rules_with(&READABLE_WITH_NETWORK, plugins, nodes.to_vec()).map(Ok::<_, RulesetError>))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// Rules for what may be read, and for the devices.
fn rules(readable: &[&str], plugins: &BTreeSet<PathBuf>) -> impl Iterator<Item = PathBeneath<PathFd>> {
    let video = (0..MAX_VIDEO_DEVICES).map(|n| PathBuf::from(format!("/dev/video{n}")));
    rules_with(readable, plugins, video.collect())
}

/// … with these video devices.
fn rules_with(
    readable: &[&str],
    plugins: &BTreeSet<PathBuf>,
    video: Vec<PathBuf>,
) -> impl Iterator<Item = PathBeneath<PathFd>> + use<> {
    let read = AccessFs::from_read(LANDLOCK);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::ReadDir | AccessFs::IoctlDev;
    let devices = DEVICES.map(PathBuf::from).into_iter().chain(video);
    let readable = readable.iter().map(PathBuf::from).chain(plugins.iter().cloned()).collect::<Vec<_>>();
    // A file has no directory rights: the crate leaves out what does not apply to one.
    let rules =
        readable.into_iter().map(move |path| (path, read)).chain(devices.map(move |path| (path, device)));
    rules.filter_map(|(path, rights)| Some(PathBeneath::new(PathFd::new(path).ok()?, rights)))
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod forbidden;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod forbidden {
    pub(super) fn close_calls() -> Result<(), &'static str> {
        Err("there is no filter for this architecture")
    }

    pub(super) fn close_calls_but_network() -> Result<(), &'static str> {
        close_calls()
    }

    pub(super) fn close_calls_but_streams() -> Result<(), &'static str> {
        close_calls()
    }

    pub(super) fn close_calls_of_program() -> Result<(), &'static str> {
        close_calls()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

//! What the worker takes from itself once GStreamer is loaded and before it looks at the file.
//!
//! Parsers of three dozen formats, written in C, read whatever lies in the library. A file that
//! takes one of them over finds itself in a process that
//!
//! 1. opens nothing but the media file and, for reading, what plug-ins are made of (Landlock),
//! 2. has no network, starts no program, signals and inspects no other process (seccomp, and
//!    Landlock's scopes for what seccomp cannot tell apart),
//! 3. leaves nothing behind: it cannot fork, and dies with the server.
//!
//! A worker that reads from the network has another profile: sockets, but no media file and fewer settings.
//!
//! Each part is as much as the kernel has; a kernel without either still has [`confine`](super::confine).

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
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

/// Seals the calling thread, and the threads that it will start. `media`, if it is a file, its other `parts` and what is in the folders
/// `plugins` stay readable.
///
/// # Errors
/// What the kernel does not have, in words; the other half is in force nevertheless.
pub(super) fn seal(
    media: Option<impl AsFd>,
    parts: &[File],
    plugins: &BTreeSet<PathBuf>,
) -> Result<(), String> {
    enforced(close_files(media.as_ref().map(AsFd::as_fd), parts, plugins), forbidden::close_calls())
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

/// The third profile, for workers that are given bytes over a pipe: no file but what plug-ins are made of, and no
/// network.
///
/// # Errors
/// As [`seal`].
pub(super) fn seal_all(plugins: &BTreeSet<PathBuf>) -> Result<(), String> {
    enforced(close_files(None, &[], plugins), forbidden::close_calls())
}

/// The folders that GStreamer's plug-ins lie in, which it has to be able to load. To be called once it is initialised.
pub(super) fn plugin_folders() -> BTreeSet<PathBuf> {
    let folder = |plugin: gstreamer::Plugin| Some(plugin.filename()?.parent()?.to_owned());
    gstreamer::Registry::get().plugins().into_iter().filter_map(folder).collect()
}

/// The fourth profile, for a capture device: no network, and of the devices only `nodes`.
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

fn close_files(
    media: Option<BorrowedFd<'_>>,
    parts: &[File],
    plugins: &BTreeSet<PathBuf>,
) -> Result<RulesetStatus, RulesetError> {
    // filesrc opens it again through /proc.
    let media = media.map(|media| PathBeneath::new(media, AccessFs::ReadFile));
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .add_rules(media.into_iter().map(Ok::<_, RulesetError>))?
        .add_rules(
            parts.iter().map(|part| Ok::<_, RulesetError>(PathBeneath::new(part, AccessFs::ReadFile))),
        )?
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
mod forbidden {
    use libc::c_long;
    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
        SeccompFilter, SeccompRule,
    };
    use std::collections::BTreeMap;

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Calls that converting never makes. A list of what is allowed would be stricter, and would break
    /// with the next version of any of fifty libraries on one box in ten.
    const FORBIDDEN: &[c_long] = &[
        // being connected to
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        // other programs, other processes
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_kcmp,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        // what is mounted, and names for files that need no path
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_fsconfig,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_fanotify_init,
        // parts of the kernel with a history
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_syslog,
        libc::SYS_quotactl,
        // the clock
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_clock_adjtime,
        // Landlock cannot be undone, but it has nothing to say of these
        libc::SYS_personality,
        libc::SYS_mknodat,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_setxattr,
        libc::SYS_fsetxattr,
    ];

    /// What a worker without the network does not have beside them.
    const NETWORK: &[c_long] = &[libc::SYS_socket, libc::SYS_connect, libc::SYS_bind];

    /// The kinds of socket that a worker with the network may open: the last one tells the C library which
    /// addresses this machine has. Not the Unix ones, behind which other programs of this machine listen.
    const SOCKETS: [i32; 3] = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

    /// Only older architectures have these.
    #[cfg(target_arch = "x86_64")]
    const FORBIDDEN_HERE: &[c_long] = &[
        libc::SYS_fork,
        libc::SYS_vfork,
        libc::SYS_mknod,
        libc::SYS_chmod,
        libc::SYS_chown,
        libc::SYS_lchown,
        libc::SYS_iopl,
        libc::SYS_ioperm,
    ];
    #[cfg(not(target_arch = "x86_64"))]
    const FORBIDDEN_HERE: &[c_long] = &[];

    /// For the calling thread and those it will start.
    pub(super) fn close_calls() -> Result<(), seccompiler::Error> {
        close(NETWORK.iter().map(|call| (*call, Vec::new())).collect())
    }

    /// As [`close_calls`], but sockets of [`SOCKETS`] can be opened, connected and bound.
    pub(super) fn close_calls_but_network() -> Result<(), seccompiler::Error> {
        close(Rules::from([(libc::SYS_socket, vec![other_socket()?])]))
    }

    /// As [`close_calls_but_network`], without datagrams.
    pub(super) fn close_calls_but_streams() -> Result<(), seccompiler::Error> {
        close(Rules::from([(libc::SYS_socket, vec![other_socket()?, datagrams()?])]))
    }

    /// What a program does without that is started in this process's place. It may start others and end them.
    pub(super) fn close_calls_of_program() -> Result<(), seccompiler::Error> {
        let own = [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_rt_sigqueueinfo,
            libc::SYS_rt_tgsigqueueinfo,
            libc::SYS_pidfd_open,
            libc::SYS_pidfd_send_signal,
        ];
        let rest = FORBIDDEN.iter().filter(|call| !own.contains(call));
        let mut rules: Rules = rest.map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_socket, vec![other_socket()?, datagrams()?]);
        seccompiler::apply_filter(&program(rules, libc::EPERM)?)
    }

    /// `socket` for datagrams of IP: the low bits of the kind, behind which are flags.
    fn datagrams() -> Result<SeccompRule, BackendError> {
        let (kinds, datagrams) = (0xf, u64::from(libc::SOCK_DGRAM.unsigned_abs()));
        let netlink = u64::from(libc::AF_NETLINK.unsigned_abs());
        SeccompRule::new(vec![
            SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(kinds), datagrams)?,
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, netlink)?,
        ])
    }

    fn close(mut rules: Rules) -> Result<(), seccompiler::Error> {
        rules.extend(FORBIDDEN.iter().chain(FORBIDDEN_HERE).map(|call| (*call, Vec::new())));
        rules.insert(libc::SYS_clone, vec![makes_a_process()?]);
        // Its flags are behind a pointer, which a filter cannot follow. "Not there" makes the C library use
        // clone instead.
        let not_there = Rules::from([(libc::SYS_clone3, Vec::new())]);
        for (rules, answer) in [(rules, libc::EPERM), (not_there, libc::ENOSYS)] {
            seccompiler::apply_filter(&program(rules, answer)?)?;
        }
        Ok(())
    }

    /// `socket` of a family that is not in [`SOCKETS`].
    fn other_socket() -> Result<SeccompRule, BackendError> {
        let is_not = |family: i32| {
            SeccompCondition::new(
                0,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Ne,
                u64::from(family.unsigned_abs()),
            )
        };
        SeccompRule::new(SOCKETS.into_iter().map(is_not).collect::<Result<_, _>>()?)
    }

    fn program(rules: Rules, answer: i32) -> Result<BpfProgram, BackendError> {
        let answer = SeccompAction::Errno(answer.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into()?)?
            .try_into()
    }

    /// `clone` without `CLONE_THREAD`.
    fn makes_a_process() -> Result<SeccompRule, BackendError> {
        let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
        SeccompRule::new(vec![SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(thread),
            0,
        )?])
    }
}

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
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::process::Command;

    /// As [`sealed`], with the second profile.
    fn sealed_but_network<T: Send + 'static>(attempt: impl FnOnce() -> T + Send + 'static) -> T {
        let sealed = move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            seal_but_network(&BTreeSet::new()).expect("this test needs a kernel with Landlock and seccomp");
            attempt()
        };
        std::thread::spawn(sealed).join().unwrap()
    }

    #[test]
    fn with_the_network_connections_go_out_and_none_come_in() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (out, datagrams, listening, unix) = sealed_but_network(move || {
            let neighbour = std::os::unix::net::UnixStream::connect("/run/dbus/system_bus_socket");
            (
                TcpStream::connect(address),
                UdpSocket::bind("127.0.0.1:0"),
                TcpListener::bind("127.0.0.1:0"),
                neighbour,
            )
        });
        assert!(out.is_ok() && datagrams.is_ok());
        assert_eq!(listening.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(
            unix.unwrap_err().kind(),
            std::io::ErrorKind::PermissionDenied,
            "not even whether it is there"
        );
    }

    #[test]
    fn with_one_port_there_is_no_other_and_no_datagram() {
        let [one, other] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [one, other] = [&one, &other].map(|listener| listener.local_addr().unwrap());
        let attempt = move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            seal_but_port(&BTreeSet::new(), one.port())
                .expect("this test needs a kernel with Landlock and seccomp");
            (TcpStream::connect(one), TcpStream::connect(other), UdpSocket::bind("127.0.0.1:0"))
        };
        let (to_one, to_other, datagrams) = std::thread::spawn(attempt).join().unwrap();
        assert!(to_one.is_ok());
        assert_eq!(to_other.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied, "needs Linux 6.7");
        assert_eq!(datagrams.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_program_in_our_place_reads_what_it_is_and_reaches_one_port() {
        let [one, other] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [one, other] = [&one, &other].map(|listener| listener.local_addr().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let [own, private] = ["own", "private"].map(|name| dir.path().join(name));
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("file"), "mine").unwrap();
        std::fs::write(&private, "private").unwrap();
        let attempt = move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            seal_program(std::slice::from_ref(&own), one.port())
                .expect("this test needs a kernel with Landlock and seccomp");
            let program = Command::new("/usr/bin/env").arg("true").output();
            let settings = File::open("/etc/passwd").is_err() && File::create(own.join("new")).is_err();
            let sockets = (TcpStream::connect(one).is_ok(), TcpStream::connect(other).is_err());
            let datagram = UdpSocket::bind("127.0.0.1:0").is_err();
            (std::fs::read(own.join("file")), File::open(private), settings, sockets, datagram, program)
        };
        let (own, private, settings, sockets, datagram, program) =
            std::thread::spawn(attempt).join().unwrap();
        assert_eq!(own.unwrap(), b"mine");
        assert!(private.is_err() && settings);
        assert_eq!((sockets, datagram), ((true, true), true));
        assert!(program.unwrap().status.success());
    }

    #[test]
    fn with_the_network_there_are_no_files_to_send_away_and_no_programs() {
        let dir = tempfile::tempdir().unwrap();
        let private = dir.path().join("letters");
        std::fs::write(&private, "private").unwrap();
        let (letters, new) = (private.clone(), dir.path().join("new"));
        let (settings, letters, new, plugin, program) = sealed_but_network(move || {
            let settings = File::open("/etc/passwd");
            let program = Command::new("true").spawn().map(drop);
            (settings, File::open(letters), File::create(new), File::open("/usr/bin/env"), program)
        });
        let denied = std::io::ErrorKind::PermissionDenied;
        assert_eq!(settings.unwrap_err().kind(), denied);
        assert_eq!(letters.unwrap_err().kind(), denied);
        assert_eq!(new.unwrap_err().kind(), denied);
        assert!(plugin.is_ok(), "plug-ins are read from there");
        assert!(program.is_err());
    }

    /// Runs `attempt` in a thread of its own that is sealed with `media`, because a seal is for ever.
    fn sealed<T: Send + 'static>(media: &File, attempt: impl FnOnce() -> T + Send + 'static) -> T {
        let media = media.try_clone().unwrap();
        let sealed = move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            seal(Some(&media), &[], &BTreeSet::new())
                .expect("this test needs a kernel with Landlock and seccomp");
            attempt()
        };
        std::thread::spawn(sealed).join().unwrap()
    }

    fn media() -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"film").unwrap();
        file
    }

    #[test]
    fn the_media_file_is_readable_through_proc_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let (film, other) = (dir.path().join("film"), dir.path().join("letters"));
        std::fs::write(&film, "film").unwrap();
        std::fs::write(&other, "private").unwrap();
        let film = File::open(film).unwrap();
        let through_proc = format!("/proc/self/fd/{}", film.as_raw_fd());
        let (beside, new) = (other.clone(), dir.path().join("new"));
        let (again, beside, new, program) = sealed(&film, move || {
            let mut text = String::new();
            let again = File::open(through_proc).and_then(|mut file| file.read_to_string(&mut text));
            (again, File::open(beside), File::create(new), File::open("/usr/bin/env"))
        });
        assert_eq!(again.unwrap(), 4);
        assert_eq!(beside.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(new.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        assert!(program.is_ok(), "plug-ins are read from there");
        assert_eq!(std::fs::read(other).unwrap(), b"private", "others are not sealed");
    }

    #[test]
    fn there_is_no_network() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (out, listening) =
            sealed(&media(), move || (TcpStream::connect(address), TcpListener::bind("127.0.0.1:0")));
        assert_eq!(out.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(listening.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn no_program_starts_and_no_process_is_signalled() {
        let mut neighbour = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&neighbour);
        let (program, signal) = sealed(&media(), move || {
            let signal = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            (Command::new("true").spawn().map(drop), signal)
        });
        assert!(program.is_err());
        assert_eq!(signal, Err(rustix::io::Errno::PERM));
        assert_eq!(neighbour.try_wait().unwrap(), None, "it is still there");
        neighbour.kill().unwrap();
        neighbour.wait().unwrap();
    }

    #[test]
    fn threads_still_start() {
        assert_eq!(sealed(&media(), || std::thread::spawn(|| 7).join().unwrap()), 7);
    }
}

//! System calls that a worker takes from itself, by seccomp.

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
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
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, u64::from(family.unsigned_abs()))
    };
    SeccompRule::new(SOCKETS.into_iter().map(is_not).collect::<Result<_, _>>()?)
}

fn program(rules: Rules, answer: i32) -> Result<BpfProgram, BackendError> {
    let answer = SeccompAction::Errno(answer.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, std::env::consts::ARCH.try_into()?)?.try_into()
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

//! What the worker takes from itself before it touches a file from anywhere.

use crate::limits;
use rustix::process::{Pid, Resource, Rlimit, Signal};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// How long a worker is meant to live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    /// Until its file ends: a loop without end must end.
    OneFile,
    /// Until it has seen enough of its file, which nobody waits for.
    OneLook,
    /// For some seconds, without GStreamer.
    OnePicture,
    /// Until the server has enough: a camera that is encoded runs for months.
    Endless,
    /// For one answer, by a program that is started in our place.
    OneAnswer,
}

/// Limits, low priority, death with the parent. To be called before any library is initialised.
///
/// A limit that the system refuses is left out: the conversion works without.
pub(super) fn confine(parent: Option<i32>, life: Life) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the line above.
    let now = rustix::process::getppid();
    if parent.is_some() && parent.and_then(Pid::from_raw) != now {
        return Err(io::Error::other("the server has ended"));
    }
    let (address_space, cpu) = match life {
        Life::OneFile => (limits::WORKER_ADDRESS_SPACE, Some(limits::WORKER_CPU_TIME)),
        Life::OneLook => (limits::LOOK_ADDRESS_SPACE, Some(limits::LOOK_CPU_TIME)),
        Life::OnePicture => (limits::PICTURE_ADDRESS_SPACE, Some(limits::PICTURE_TIMEOUT)),
        Life::Endless => (limits::WORKER_ADDRESS_SPACE, None),
        Life::OneAnswer => (limits::YT_DLP_ADDRESS_SPACE, Some(limits::YT_DLP_CPU_TIME)),
    };
    let (file_size, files) = match life {
        Life::OneAnswer => (0, Some(limits::YT_DLP_DESCRIPTORS)),
        _ => (limits::WORKER_FILE_SIZE, None),
    };
    let limits = [(Resource::As, address_space), (Resource::Core, 0), (Resource::Fsize, file_size)];
    let limits = limits.into_iter().chain(files.map(|most| (Resource::Nofile, most)));
    for (resource, most) in limits {
        let _ = rustix::process::setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    if let Some(most) = cpu.map(|most| most.as_secs()) {
        // At the first of the two the kernel says SIGXCPU, which tells it apart from what others kill.
        let limit = Rlimit { current: Some(most), maximum: Some(most + 1) };
        let _ = rustix::process::setrlimit(Resource::Cpu, limit);
    }
    let _ = rustix::thread::set_no_new_privs(true);
    // Where memory is short, this goes before the server that everybody watches.
    let _ = std::fs::write("/proc/self/oom_score_adj", limits::WORKER_OOM_SCORE);
    // The disk's turn follows from it as well: ioprio is (nice + 20) / 5 unless set.
    let _ =
        rustix::process::nice(if life == Life::OneLook { limits::LOOK_NICE } else { limits::WORKER_NICE });
    Ok(())
}

/// The pipe to the server, moved away from file descriptor 1, which becomes stderr: a plug-in that
/// prints something must not end up between the messages.
pub(super) fn take_stdout() -> io::Result<File> {
    let pipe = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(pipe.into())
}

//! What this process uses of the machine, as the kernel and the runtime say.

use crate::limits::DESCRIPTORS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// Asks the system for as many descriptors as [`DESCRIPTORS`] says, if it gives them.
pub fn ask_for_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
    // None is without limit.
    let Some(current) = current.filter(|current| *current < wanted) else { return };
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        tracing::warn!(current, wanted, %error, "no more descriptors to be had; many viewers will find no place");
    } else if wanted < DESCRIPTORS {
        tracing::info!(wanted, "the system gives fewer descriptors than the server has places for viewers");
    }
}

/// The figures at a moment.
pub(super) struct ProcessFigures {
    /// Tasks of the runtime: one a connection, and a handful for the server itself.
    pub(super) tasks: usize,
    /// Bytes of memory that are in use and not swapped out, workers apart.
    pub(super) resident_bytes: u64,
    /// Open descriptors.
    pub(super) descriptors: usize,
    /// As many of them may be open; zero is without limit.
    pub(super) most_descriptors: u64,
    /// Threads.
    pub(super) threads: u64,
    /// Processor seconds used, in the program and in the kernel for it.
    pub(super) cpu_seconds: f64,
}

impl ProcessFigures {
    /// Reads them from /proc, which never waits for a disk.
    pub(super) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        Self {
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
            resident_bytes: number("VmRSS") * 1024,
            threads: number("Threads"),
            descriptors: descriptors().unwrap_or(0),
            most_descriptors: getrlimit(Resource::Nofile).current.unwrap_or(0),
            cpu_seconds: cpu_seconds(),
        }
    }
}

fn descriptors() -> io::Result<usize> {
    // But the one by which they are read.
    Ok(std::fs::read_dir("/proc/self/fd")?.count().saturating_sub(1))
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

//! What this process uses of the machine, as the kernel and the runtime say.

use std::io;

/// The figures at a moment.
pub(super) struct ProcessFigures {
    /// Tasks of the runtime: one a connection, and a handful for the server itself.
    pub(super) tasks: usize,
    /// Bytes of memory that are in use and not swapped out, workers apart.
    pub(super) resident_bytes: u64,
    /// Open descriptors.
    pub(super) descriptors: usize,
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

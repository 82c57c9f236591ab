//! What a server costs: processor time and memory of a process and its children, from /proc.

use std::collections::HashMap;
use std::fs;

/// The processes of a server, watched from outside.
pub(crate) struct Cost {
    root: u32,
    /// Run time in ns of every thread when the window began.
    begin: HashMap<u32, u64>,
    /// The latest known. Threads that ended keep what they had.
    latest: HashMap<u32, u64>,
}

impl Cost {
    /// Of the process of that number.
    pub(crate) fn of(root: u32) -> Self {
        Self { root, begin: HashMap::new(), latest: HashMap::new() }
    }

    /// The window begins.
    pub(crate) fn begin(&mut self) {
        self.begin = run_times(self.root);
        self.latest = self.begin.clone();
    }

    /// Looks again. Once a second: threads that end in between take what they used with them, but those
    /// of a runtime idle for longer than that before they do.
    pub(crate) fn look(&mut self) {
        self.latest.extend(run_times(self.root));
    }

    /// Processor seconds since the window began.
    pub(crate) fn seconds(&self) -> f64 {
        let spent = self.latest.iter().map(|(thread, ns)| ns - self.begin.get(thread).unwrap_or(&0).min(ns));
        spent.sum::<u64>() as f64 / 1e9
    }

    /// Resident memory in KB now.
    pub(crate) fn resident_kb(&self) -> u64 {
        family(self.root).into_iter().filter_map(resident_kb).sum()
    }
}

/// A process and everything below it.
fn family(root: u32) -> Vec<u32> {
    let (mut all, mut at) = (vec![root], 0);
    while let Some(&process) = all.get(at) {
        for thread in threads(process) {
            let children = fs::read_to_string(format!("/proc/{process}/task/{thread}/children"));
            all.extend(children.unwrap_or_default().split_whitespace().filter_map(|n| n.parse::<u32>().ok()));
        }
        at += 1;
    }
    all
}

fn threads(process: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn run_times(root: u32) -> HashMap<u32, u64> {
    let mut times = HashMap::new();
    for process in family(root) {
        for thread in threads(process) {
            let line = fs::read_to_string(format!("/proc/{process}/task/{thread}/schedstat"));
            if let Some(ns) = line.ok().and_then(|line| line.split(' ').next()?.parse().ok()) {
                times.insert(thread, ns);
            }
        }
    }
    times
}

fn resident_kb(process: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    rollup.lines().find_map(|line| line.strip_prefix("Rss:")?.split_whitespace().next()?.parse().ok())
}

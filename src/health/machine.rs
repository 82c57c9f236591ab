//! What the kernel says of the machine. Reading it never waits for a disk, but for the disks' own figures.

use crate::limits::MAX_DISKS;
use rustix::fs::statvfs;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use utoipa::ToSchema;

/// The machine at a moment. What it does not have is `None`.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = Machine)]
pub struct Figures {
    /// What its maker calls it.
    pub model: Option<String>,
    /// Degrees Celsius, of the hottest part.
    pub temperature: Option<f32>,
    /// What the firmware of a Raspberry Pi says of its supply and speed.
    pub throttled: Option<Throttled>,
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Bytes that programs can still have.
    pub memory_available: Option<u64>,
    /// Load of the processors since the last look.
    pub processor: Option<Processor>,
    /// Seconds since the machine was started.
    pub uptime: Option<f64>,
    /// The disks of the library and of the data folder, each once.
    pub disks: Vec<Disk>,
    /// The network's sockets.
    pub links: Vec<Link>,
    /// Mistakes that ext4 has found on disks of this machine, ever.
    pub disk_errors: u64,
    /// The clock is set by the network; `None` when nobody knows.
    pub clock_set: Option<bool>,
}

/// As `vcgencmd get_throttled` has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Throttled {
    /// The supply gives too little, now.
    pub under_voltage: bool,
    /// It is slowed down, now.
    pub slowed: bool,
    /// The supply gave too little at some time since the start.
    pub was_under_voltage: bool,
    /// It was slowed down at some time since the start.
    pub was_slowed: bool,
}

/// How busy the processors are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Processor {
    /// How many there are.
    pub count: usize,
    /// Share of their time in use since the last look, 0 to 1.
    pub busy: f32,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = UsedDisk)]
pub struct Disk {
    /// A folder of ours that is on it.
    #[schema(value_type = String)]
    pub folder: PathBuf,
    /// Bytes.
    pub total: u64,
    /// Bytes that we may still use.
    pub free: u64,
    /// Nothing can be written to it.
    pub read_only: bool,
    /// It does not answer, or is not there.
    pub missing: bool,
}

/// A network socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Link {
    /// As the kernel names it.
    pub name: String,
    /// It is a radio.
    pub wireless: bool,
    /// Something is at the other end.
    pub up: bool,
    /// Megabits a second, of a cable.
    pub speed: Option<u64>,
}

/// Time that the processors have been busy, and all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ticks {
    busy: u64,
    all: u64,
}

impl Figures {
    /// Looks. `folders` are those whose disks matter; `before` are the ticks at the last look.
    pub fn now(folders: &[PathBuf], before: &mut Ticks) -> Self {
        let memory = text("/proc/meminfo");
        let stat = text("/proc/stat");
        Self {
            model: fs::read_to_string("/proc/device-tree/model")
                .ok()
                .map(|name| name.trim_matches('\0').to_owned()),
            temperature: hottest(Path::new("/sys/class/thermal")),
            throttled: throttled(),
            memory_total: meminfo(&memory, "MemTotal"),
            memory_available: meminfo(&memory, "MemAvailable"),
            processor: processor(&stat, before),
            uptime: text("/proc/uptime").split_whitespace().next().and_then(|seconds| seconds.parse().ok()),
            disks: disks(folders),
            links: links(Path::new("/sys/class/net")),
            disk_errors: disk_errors(Path::new("/sys/fs/ext4")),
            clock_set: clock_set(),
        }
    }

    /// Share of the memory in use, 0 to 1.
    pub fn memory_used(&self) -> Option<f32> {
        let (total, available) = (self.memory_total?, self.memory_available?);
        (total > 0).then(|| total.saturating_sub(available) as f32 / total as f32)
    }
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn number(path: &Path) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

fn hottest(zones: &Path) -> Option<f32> {
    let zones = entries(zones).filter_map(|zone| number(&zone.join("temp")));
    // Parts without a sensor say zero, or nonsense.
    let thousandths = zones.filter(|thousandths| (1..200_000).contains(thousandths)).max()?;
    Some(thousandths as f32 / 1000.0)
}

fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// `cpu user nice system idle iowait irq softirq steal …`, and a line for each processor (proc(5)).
fn processor(stat: &str, before: &mut Ticks) -> Option<Processor> {
    let first = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = first.split_whitespace().take(8).map_while(|tick| tick.parse().ok()).collect();
    let (idle, waiting) = (*ticks.get(3)?, *ticks.get(4)?);
    let all: u64 = ticks.iter().sum();
    let now = Ticks { busy: all.saturating_sub(idle).saturating_sub(waiting), all };
    let passed = now.all.saturating_sub(before.all);
    let busy = now.busy.saturating_sub(before.busy);
    *before = now;
    let count = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    let busy = if passed == 0 { 0.0 } else { busy as f32 / passed as f32 };
    Some(Processor { count, busy: busy.min(1.0) })
}

fn throttled() -> Option<Throttled> {
    let flags = fs::read_to_string("/sys/devices/platform/soc/soc:firmware/get_throttled").ok();
    if let Some(flags) =
        flags.and_then(|flags| u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).ok())
    {
        return Some(of_flags(flags));
    }
    // Kernels without that file tell of the supply by a sensor (rpi_volt).
    entries(Path::new("/sys/class/hwmon")).find_map(|sensor| {
        let name = fs::read_to_string(sensor.join("name")).ok()?;
        let alarm = number(&sensor.join("in0_lcrit_alarm"))? != 0;
        let of_supply = Throttled { under_voltage: alarm, was_under_voltage: alarm, ..Throttled::default() };
        (name.trim() == "rpi_volt").then_some(of_supply)
    })
}

/// Bits 0 to 3: now; 16 to 19: since the start. Under-voltage, frequency capped, throttled, soft temperature limit.
fn of_flags(flags: u32) -> Throttled {
    Throttled {
        under_voltage: flags & 1 != 0,
        slowed: flags & 0b1110 != 0,
        was_under_voltage: flags & (1 << 16) != 0,
        was_slowed: flags & (0b1110 << 16) != 0,
    }
}

fn disks(folders: &[PathBuf]) -> Vec<Disk> {
    let mut disks: Vec<(u64, Disk)> = Vec::new();
    for folder in folders.iter().take(MAX_DISKS) {
        match statvfs(folder) {
            Ok(all) => {
                if disks
                    .iter()
                    .any(|(id, disk)| *id == all.f_fsid && disk.total == all.f_blocks * all.f_frsize)
                {
                    continue;
                }
                let disk = Disk {
                    folder: folder.clone(),
                    total: all.f_blocks * all.f_frsize,
                    free: all.f_bavail * all.f_frsize,
                    read_only: all.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
                    missing: false,
                };
                disks.push((all.f_fsid, disk));
            }
            Err(_) => {
                let folder = folder.clone();
                disks.push((0, Disk { folder, total: 0, free: 0, read_only: false, missing: true }));
            }
        }
    }
    disks.into_iter().map(|(_, disk)| disk).collect()
}

fn links(net: &Path) -> Vec<Link> {
    let mut links: Vec<Link> = entries(net)
        .filter(|link| link.join("device").exists())
        .filter_map(|link| {
            let up = fs::read_to_string(link.join("operstate")).is_ok_and(|state| state.trim() == "up");
            Some(Link {
                name: link.file_name()?.to_str()?.to_owned(),
                wireless: link.join("wireless").exists() || link.join("phy80211").exists(),
                up,
                speed: number(&link.join("speed")).and_then(|speed| u64::try_from(speed).ok()),
            })
        })
        .collect();
    links.sort_by(|a, b| a.name.cmp(&b.name));
    links
}

fn disk_errors(ext4: &Path) -> u64 {
    let counts = entries(ext4).filter_map(|disk| number(&disk.join("errors_count")));
    counts.filter_map(|count| u64::try_from(count).ok()).sum()
}

/// timesyncd leaves a file when it has set the clock (systemd-timesyncd.service(8)); without it, only systems that use
/// it can be said to wait.
fn clock_set() -> Option<bool> {
    let folder = Path::new("/run/systemd/timesync");
    folder.exists().then(|| folder.join("synchronized").exists())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read_and_cut_ones_are_no_panic() {
        let memory = "MemTotal:        3884392 kB\nMemFree:  1 kB\nMemAvailable:    2000000 kB\n";
        assert_eq!(meminfo(memory, "MemTotal"), Some(3_884_392 * 1024));
        assert_eq!(meminfo(memory, "MemAvailable"), Some(2_000_000 * 1024));
        assert_eq!(meminfo(memory, "Mem"), None);
        let stat = "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1\ncpu1 1\nintr 5\n";
        let mut before = Ticks::default();
        let first = processor(stat, &mut before).unwrap();
        assert_eq!((first.count, first.busy), (2, 0.2));
        let later = "cpu  200 0 200 700 100 0 0 0 0 0\ncpu0 1\ncpu1 1\n";
        assert_eq!(processor(later, &mut before).unwrap().busy, 1.0);
        assert_eq!(processor(later, &mut before).unwrap().busy, 0.0);
        for cut in 0..stat.len() {
            let _ = processor(&stat[..cut], &mut Ticks::default());
        }
        for cut in 0..memory.len() {
            let _ = meminfo(&memory[..cut], "MemAvailable");
        }
    }

    #[test]
    fn a_raspberry_pis_flags_say_now_and_since_the_start() {
        assert_eq!(of_flags(0), Throttled::default());
        let now = of_flags(0x50005);
        assert!(now.under_voltage && now.slowed && now.was_under_voltage && now.was_slowed);
        let past = of_flags(0x10000);
        assert!(past.was_under_voltage && !past.under_voltage && !past.slowed && !past.was_slowed);
    }

    #[test]
    fn disks_are_told_once_and_missing_ones_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let gone = folder.path().join("gone");
        let disks = disks(&[folder.path().to_owned(), inside, gone.clone()]);
        assert_eq!(disks.len(), 2);
        assert!(disks[0].total >= disks[0].free && disks[0].total > 0 && !disks[0].missing);
        assert!(disks[1].missing && disks[1].folder == gone);
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let figures = Figures::now(&["/".into()], &mut Ticks::default());
        assert!(figures.memory_total.unwrap() > figures.memory_available.unwrap());
        assert!(figures.memory_used().unwrap() < 1.0);
        assert!(figures.processor.unwrap().count > 0);
    }
}

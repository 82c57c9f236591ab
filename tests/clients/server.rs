//! The server under test.

use crate::http_client;
use crate::program::wait_until;
use crate::samples::{self, NOBODY, server_program, we_are_root};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server may take this long until it answers: a debug build, on a machine that does something else as well.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Lines of the server's log that a failed test prints.
const LOG_TAIL: usize = 60;

/// A running server, killed when dropped.
pub(crate) struct Server {
    pub(crate) http: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    /// Run by `taskset`, on the first processor.
    on_one_processor: bool,
    child: Child,
    folder: TempDir,
    library: PathBuf,
}

impl Server {
    /// Over the sample library.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::over(samples::library())
    }

    /// Over another folder.
    #[track_caller]
    pub(crate) fn over(library: &Path) -> Self {
        Self::configured(library, "")
    }

    /// With a configuration file of this content.
    #[track_caller]
    pub(crate) fn configured(library: &Path, configuration: &str) -> Self {
        Self::run(server_command(server_program()), library, configuration, None)
    }

    /// … and with RTMP at an address that the configuration may name.
    #[track_caller]
    pub(crate) fn configured_with(library: &Path, configuration: &str, rtmp: Option<SocketAddr>) -> Self {
        Self::run(server_command(server_program()), library, configuration, rtmp)
    }

    /// With capture devices that are files of a folder: see `wiidiaserver::device::stand_in`.
    #[track_caller]
    pub(crate) fn with_stand_ins(devices: &Path, configuration: &str) -> Self {
        let mut command = server_command(server_program());
        command.env(wiidiaserver::device::stand_in::VARIABLE, devices);
        Self::run(command, samples::library(), configuration, None)
    }

    /// With these variables.
    #[track_caller]
    pub(crate) fn with_environment(library: &Path, configuration: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = server_command(server_program());
        command.envs(variables.iter().copied());
        Self::run(command, library, configuration, None)
    }

    /// With so many descriptors, and the right to ask for 8192.
    #[track_caller]
    pub(crate) fn with_descriptors(count: u32) -> Self {
        let mut command = server_command(Path::new("prlimit"));
        command.arg(format!("--nofile={count}:8192")).arg(server_program());
        Self::run(command, samples::library(), "", None)
    }

    /// On one processor, together with its workers.
    #[track_caller]
    pub(crate) fn on_one_processor(library: &Path) -> Self {
        let mut server = Self::run(one_processor(), library, "", None);
        server.on_one_processor = true;
        server
    }

    #[track_caller]
    fn run(command: Command, library: &Path, configuration: &str, rtmp: Option<SocketAddr>) -> Self {
        let folder = folder_for_server();
        let file = folder.path().join("config.toml");
        // Workers of its own accord are no help to tests that count them.
        let quiet = if configuration.contains("[index]") { "" } else { "\n[index]\nbackground = false\n" };
        // Who may change things is tested where it is the subject (access.rs).
        let open = if configuration.contains("[access]") { "" } else { "\n[access]\nmode = \"open\"\n" };
        std::fs::write(&file, format!("{configuration}{quiet}{open}")).unwrap();
        let (http, rtmp) = (free_address(), rtmp.unwrap_or_else(free_address));
        let child = spawn(command, &folder, library, http, rtmp);
        let on_one_processor = false;
        let mut server = Self { http, rtmp, on_one_processor, child, folder, library: library.to_owned() };
        server.wait_for_answer();
        server
    }

    /// Where it keeps what it remembers.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Ends it as systemd does, and starts it again with the same configuration, data and addresses.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.stop_for(Signal::TERM, || {});
    }

    /// Ends it as a power cut does, and starts it again.
    #[track_caller]
    pub(crate) fn restart_after_kill(&mut self) {
        self.stop_for(Signal::KILL, || {});
    }

    /// Ends it, and starts it again when `meanwhile` was done.
    #[track_caller]
    pub(crate) fn restart_after(&mut self, meanwhile: impl FnOnce()) {
        self.stop_for(Signal::TERM, meanwhile);
    }

    #[track_caller]
    fn stop_for(&mut self, signal: Signal, meanwhile: impl FnOnce()) {
        kill(signal, self.child.id());
        self.ended(START_LIMIT);
        meanwhile();
        let command = if self.on_one_processor { one_processor() } else { server_command(server_program()) };
        self.child = spawn(command, &self.folder, &self.library, self.http, self.rtmp);
        self.wait_for_answer();
    }

    #[track_caller]
    fn wait_for_answer(&mut self) {
        let until = Instant::now() + START_LIMIT;
        while http_client::try_get(self.http, "/api/v1/library/").is_none_or(|answer| answer.status != 200) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended at once with {status}");
            }
            assert!(
                Instant::now() < until,
                "the server does not answer on {} after {START_LIMIT:?}",
                self.http
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The RTMP URL of a file. Encoded: ffmpeg cuts an RTMP URL at its first space.
    pub(crate) fn rtmp_url(&self, path: &str) -> String {
        format!("rtmp://{}/vod/{}", self.rtmp, encoded(path))
    }

    /// An HTTP URL: what to do with which file.
    pub(crate) fn http_url(&self, what: &str, path: &str) -> String {
        format!("http://{}/{what}/{}", self.http, encoded(path))
    }

    /// The server's process and those it started, and those they started.
    pub(crate) fn workers(&self) -> Vec<u32> {
        descendants(self.child.id())
    }

    /// Files and sockets that the server has open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// The server's process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills one worker.
    pub(crate) fn kill_one(&self, worker: u32) {
        kill(Signal::KILL, worker);
    }

    /// Kills every worker, as the kernel does when memory is short. Returns how many there were.
    pub(crate) fn kill_workers(&self) -> usize {
        self.signal_workers(Signal::KILL)
    }

    /// Ends every worker as a bug in a decoder does. Returns how many there were.
    pub(crate) fn crash_workers(&self) -> usize {
        self.signal_workers(Signal::SEGV)
    }

    fn signal_workers(&self, signal: Signal) -> usize {
        let workers = self.workers();
        for worker in &workers {
            kill(signal, *worker);
        }
        workers.len()
    }

    /// Asks the server to end, as systemd does.
    pub(crate) fn terminate(&self) {
        kill(Signal::TERM, self.child.id());
    }

    /// Ends the server as a power cut does: it gets no chance to do anything.
    pub(crate) fn kill_at_once(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the server's end.
    #[track_caller]
    pub(crate) fn ended(&mut self, limit: Duration) -> ExitStatus {
        let mut status = None;
        wait_until("the server has ended", limit, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Must still be there and answer.
    #[track_caller]
    pub(crate) fn must_be_well(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the server has ended");
        assert_eq!(http_client::get(self.http, "/api/v1/library/").status, 200);
    }

    /// The same when there is no library to be listed.
    #[track_caller]
    pub(crate) fn must_be_well_without_library(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the server has ended");
        assert_eq!(http_client::get(self.http, "/api/v1/library/").status, 503);
    }

    /// What the server has said up to now.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(log_of(&self.folder)).unwrap_or_default()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for worker in self.workers() {
            kill(Signal::KILL, worker);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("---- the end of what the server said ----");
            for line in &lines[lines.len().saturating_sub(LOG_TAIL)..] {
                eprintln!("{line}");
            }
            eprintln!("-----------------------------------------");
        }
    }
}

/// Starts a server with the configuration in `folder`.
fn spawn(
    mut command: Command,
    folder: &TempDir,
    library: &Path,
    http: SocketAddr,
    rtmp: SocketAddr,
) -> Child {
    let log = std::fs::File::options().append(true).create(true).open(log_of(folder)).unwrap();
    command.arg("--config").arg(folder.path().join("config.toml"));
    command.arg("--library").arg(library);
    command.args(["--http", &http.to_string(), "--rtmp", &rtmp.to_string()]);
    command.arg("--data").arg(folder.path().join("data"));
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap()
}

/// The server's program, or one that starts it, to be run by a user that is not root.
pub(crate) fn server_command(program: &Path) -> Command {
    // GStreamer keeps its list of plug-ins in the cache; making it takes seconds, so the servers share one, and the first
    // of them does not begin with it.
    static SHARED: std::sync::OnceLock<TempDir> = std::sync::OnceLock::new();
    let home = SHARED.get_or_init(|| {
        let home = folder_for_server();
        let mut worker = command_at_home(server_program(), home.path());
        worker.args(["worker", "probe"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // There is no media in nothing, as it says.
        worker.status().unwrap();
        home
    });
    command_at_home(program, home.path())
}

fn command_at_home(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    if we_are_root() {
        // Also drops the supplementary groups, says std.
        command.uid(NOBODY).gid(NOBODY);
    }
    command.env("HOME", home).env("XDG_CACHE_HOME", home.join("cache"));
    command.env_remove("XDG_STATE_HOME").env_remove("STATE_DIRECTORY").env_remove("RUST_LOG");
    command
}

/// The same on one processor.
fn one_processor() -> Command {
    let mut command = server_command(Path::new("taskset"));
    command.args(["--cpu-list", "0"]).arg(server_program());
    command
}

/// A folder that the server's user owns.
pub(crate) fn folder_for_server() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    if we_are_root() {
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

/// An address nothing listens on: below the ports that the kernel gives to outgoing connections.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 20_000 + (std::process::id() % 100) as u16 * 100;
    loop {
        let address =
            SocketAddr::from((Ipv4Addr::LOCALHOST, base + NEXT.fetch_add(1, Ordering::Relaxed) % 2000));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// A path as it stands in a URL.
pub(crate) fn encoded(path: &str) -> String {
    const SEGMENTS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
    utf8_percent_encode(path, SEGMENTS).to_string()
}

fn kill(signal: Signal, process: u32) {
    let process = Pid::from_raw(process as i32).unwrap();
    // It may have ended by itself meanwhile.
    let _ = kill_process(process, signal);
}

fn log_of(folder: &TempDir) -> PathBuf {
    folder.path().join("log")
}

/// All processes below one, by /proc.
fn descendants(of: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let process: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            // "pid (name) state parent …"; the name may have any character in it.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
            let state = fields.next()?;
            (state != "Z").then_some((process, fields.next()?.parse().ok()?))
        })
        .collect();
    let mut found = vec![of];
    let mut looked = 0;
    while let Some(&parent) = found.get(looked) {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(process, _)| *process));
        looked += 1;
    }
    found.split_off(1)
}

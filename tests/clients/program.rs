//! Runs other programs with an end to every wait.

use rustix::process::{Pid, Signal};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a program did.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A program that runs, its output going to files: nobody needs to read for it to go on.
pub(crate) struct Running {
    name: String,
    child: Child,
    stdout: File,
    stderr: File,
    since: Instant,
}

/// No file that a test makes is larger. A client that does not understand an end may write for ever: rtmpsrc did,
/// at 200 MB a second, with another server.
const LARGEST_FILE: &str = "--fsize=200000000";

/// A command from a program's name and arguments.
pub(crate) fn command(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("prlimit");
    command.args([LARGEST_FILE, name]).args(arguments);
    command
}

/// Starts a program without input.
#[track_caller]
pub(crate) fn start(mut command: Command) -> Running {
    let name = format!("{command:?}");
    let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdin(Stdio::null()).stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}; run scripts/install-deps test"));
    Running { name, child, stdout, stderr, since: Instant::now() }
}

/// Runs a program to its end, which must come within `limit`.
#[track_caller]
pub(crate) fn run(name: &str, arguments: &[&str], limit: Duration) -> Finished {
    start(command(name, arguments)).finish(limit)
}

/// As [`run`], and it must succeed.
#[track_caller]
pub(crate) fn succeed(name: &str, arguments: &[&str], limit: Duration) -> Finished {
    let finished = run(name, arguments, limit);
    assert!(
        finished.status.success(),
        "{name} {arguments:?} ended with {} after {:?}:\n{}",
        finished.status,
        finished.took,
        finished.stderr
    );
    finished
}

impl Running {
    /// Waits for the end, which must come within `limit`.
    #[track_caller]
    pub(crate) fn finish(mut self, limit: Duration) -> Finished {
        let until = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                let said = String::from_utf8_lossy(&contents(&mut self.stderr)).into_owned();
                panic!("{} still runs after {limit:?}; it said:\n{said}", self.name);
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let took = self.since.elapsed();
        Finished {
            status,
            stdout: contents(&mut self.stdout),
            stderr: String::from_utf8_lossy(&contents(&mut self.stderr)).into_owned(),
            took,
        }
    }
}

impl Running {
    /// Stops it where it is, as a machine does that is too busy.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// After a pause.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(id, signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contents(file: &mut File) -> Vec<u8> {
    let mut contents = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut contents).unwrap();
    contents
}

/// Waits until `done`, at most for `limit`.
#[track_caller]
pub(crate) fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + limit;
    while !done() {
        assert!(Instant::now() < until, "waited {limit:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

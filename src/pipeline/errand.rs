//! A worker that does one thing, says what came of it and ends: a look at a file, its texts, a picture, a slate. Blocking,
//! for a thread of its own that lives as long as the worker does.

use super::conversion::{Killer, Process};
use super::error::ConversionError;
use super::last_words::LastWords;
use super::wire::{Message, Reader};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// What a worker reads.
pub(super) enum Input<'a> {
    /// A file, which becomes its standard input.
    File(File),
    /// These bytes, one run behind the other.
    Bytes(&'a [&'a [u8]]),
}

/// A worker at work, as its reader sees it.
pub(super) struct Errand {
    process: Arc<Process>,
    pipe: Reader<ChildStdout>,
    words: LastWords,
}

/// The command that starts `program` as a worker of this kind.
pub(super) fn command(program: &Path, verb: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["worker", verb, "--parent", &std::process::id().to_string()]);
    command
}

/// Starts a worker and lets `read` read what it says. It is gone afterwards, and killed after `patience`.
pub(super) fn run<T>(
    mut command: Command,
    input: Input<'_>,
    patience: Duration,
    read: impl FnOnce(&mut Errand) -> Result<T, ConversionError>,
) -> Result<T, ConversionError> {
    let (stdin, bytes) = match input {
        Input::File(file) => (Stdio::from(file), None),
        Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
    };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(ConversionError::Spawn)?;
    let (input, pipes) = (child.stdin.take(), child.stdout.take().zip(child.stderr.take()));
    let process = Arc::new(Process::new(child));
    // From here on an early return must not leave the child behind.
    let outcome = pipes.ok_or_else(|| io::Error::other("no pipes to the worker")).and_then(|(out, err)| {
        let _watchdog = Watchdog::start(Killer(Arc::clone(&process)), patience)?;
        let words = LastWords::listen(err)?;
        if let Some((input, bytes)) = input.zip(bytes) {
            give(input, bytes)?;
        }
        let mut errand = Errand { process: Arc::clone(&process), pipe: Reader::new(out), words };
        Ok(read(&mut errand))
    });
    process.end();
    outcome.map_err(ConversionError::Spawn)?
}

fn give(mut input: ChildStdin, bytes: &[&[u8]]) -> io::Result<()> {
    match bytes.iter().try_for_each(|part| input.write_all(part)) {
        // It has ended already: the other pipes tell how.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

impl Errand {
    /// What the worker says next; `None` when it has done what it was to do.
    ///
    /// # Errors
    /// Why nothing more comes.
    pub(super) fn next(&mut self) -> Result<Option<Message>, ConversionError> {
        match self.pipe.read_message() {
            Ok(Some(Message::End)) => Ok(None),
            Ok(Some(Message::Failed { failure, text })) => Err(ConversionError::from_failure(failure, text)),
            Ok(Some(message)) => Ok(Some(message)),
            Ok(None) => {
                let status = self.process.reap();
                let crashed = || ConversionError::crashed(status, self.words.take());
                Err(self.process.verdict().unwrap_or_else(crashed))
            }
            Err(error) => Err(self.process.verdict().unwrap_or_else(|| ConversionError::from_wire(error))),
        }
    }
}

/// Kills a worker that takes too long, until dropped.
struct Watchdog(#[allow(dead_code)] mpsc::Sender<()>);

impl Watchdog {
    fn start(killer: Killer, patience: Duration) -> io::Result<Self> {
        let (done, waiting) = mpsc::channel::<()>();
        let watch = move || {
            if waiting.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                killer.kill_stalled();
            }
        };
        std::thread::Builder::new().name("look watchdog".into()).spawn(watch)?;
        Ok(Self(done))
    }
}

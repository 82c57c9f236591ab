//! The last lines a worker wrote to stderr: what a report of its death can quote.

use crate::limits;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Reads a worker's stderr on a thread of its own, so that the worker never blocks on it.
#[derive(Debug)]
pub(super) struct LastWords {
    lines: Arc<Mutex<Lines>>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Lines {
    complete: VecDeque<String>,
    current: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.break_line();
            } else if self.current.len() < limits::WORKER_STDERR_LINE {
                self.current.push(byte);
            }
        }
    }

    fn break_line(&mut self) {
        let line = String::from_utf8_lossy(&self.current).trim().to_owned();
        self.current.clear();
        if line.is_empty() {
            return;
        }
        if self.complete.len() == limits::WORKER_STDERR_LINES {
            self.complete.pop_front();
        }
        self.complete.push_back(line);
    }
}

impl LastWords {
    /// Starts reading. Ends by itself when the worker's side is closed.
    pub(super) fn listen(mut stderr: impl Read + Send + 'static) -> std::io::Result<Self> {
        let lines = Arc::new(Mutex::new(Lines::default()));
        let shared = Arc::clone(&lines);
        let reader = std::thread::Builder::new().name("worker stderr".into()).spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n) = stderr.read(&mut chunk) {
                let mut lines = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if n == 0 {
                    lines.break_line();
                    break;
                }
                lines.push(&chunk[..n]);
            }
        })?;
        Ok(Self { lines, reader: Some(reader) })
    }

    /// The lines so far, oldest first. Call it after the worker was reaped: waits for the rest.
    pub(super) fn take(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            // A child of the worker (GStreamer's plug-in scanner) may hold stderr open: wait a
            // moment, not for ever.
            for _ in 0..20 {
                if reader.is_finished() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.complete.drain(..).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept_and_each_is_cut() {
        let mut text: String = (0..100).map(|n| format!("line {n}\n\n")).collect();
        text.push_str(&"x".repeat(10_000));
        let mut words = LastWords::listen(std::io::Cursor::new(text)).unwrap();
        let lines = words.take();
        assert_eq!(lines.len(), limits::WORKER_STDERR_LINES);
        assert_eq!(lines[lines.len() - 2], "line 99");
        assert_eq!(lines[lines.len() - 1].len(), limits::WORKER_STDERR_LINE);
    }
}

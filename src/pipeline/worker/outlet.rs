//! The worker's end of the pipe: several streaming threads write whole messages to it.

use super::super::form::Codec;
use super::super::wire::{Lane, Message, unit_head};
use crate::limits;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Writes messages. Blocks while the server does not read: that is the back-pressure which holds
/// the whole pipeline.
///
/// A remux makes 35,000 units a second, and each write wakes the server: half of its processor time. So after the first
/// units, for which somebody waits, they gather until there are [`WORKER_BATCH`](limits::WORKER_BATCH) bytes or
/// [`flush`](Self::flush) is called, which the clock does.
#[derive(Debug)]
pub(super) struct Outlet {
    pipe: Mutex<Pipe>,
    /// Units may gather.
    gathers: bool,
    units: [AtomicU64; 2],
    /// A unit is being written: the pipeline is held back, not hanging.
    writing: AtomicBool,
    /// The server closed the pipe.
    closed: AtomicBool,
}

#[derive(Debug)]
struct Pipe {
    file: File,
    /// Whole messages that are not written yet.
    gathered: Vec<u8>,
}

impl Outlet {
    pub(super) fn new(pipe: File) -> Self {
        let gathered = Vec::with_capacity(2 * limits::WORKER_BATCH);
        Self {
            pipe: Mutex::new(Pipe { file: pipe, gathered }),
            gathers: true,
            units: Default::default(),
            writing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// As [`new`](Self::new), but nothing gathers: a live source sends few units, and each is waited for.
    pub(super) fn at_once(pipe: File) -> Self {
        Self { gathers: false, ..Self::new(pipe) }
    }

    pub(super) fn send(&self, message: &Message) {
        let mut pipe = self.pipe();
        pipe.gathered.extend_from_slice(&message.encode());
        self.write(&mut pipe, &[]);
    }

    pub(super) fn send_unit(&self, codec: Codec, keyframe: bool, pts_ns: i64, dts_ns: i64, data: &[u8]) {
        let head = unit_head(codec, keyframe, pts_ns, dts_ns, data.len());
        let waited_for = !self.gathers || self.all_units() < limits::WORKER_UNITS_AT_ONCE;
        let mut pipe = self.pipe();
        pipe.gathered.extend_from_slice(&head);
        if waited_for || pipe.gathered.len() + data.len() > limits::WORKER_BATCH {
            self.write(&mut pipe, data);
        } else {
            pipe.gathered.extend_from_slice(data);
        }
        self.units[codec.lane() as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Writes what has gathered.
    pub(super) fn flush(&self) {
        // Whoever holds the pipe writes.
        if let Ok(mut pipe) = self.pipe.try_lock()
            && !pipe.gathered.is_empty()
        {
            self.write(&mut pipe, &[]);
        }
    }

    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Units sent in `lane`.
    pub(super) fn units(&self, lane: Lane) -> u64 {
        self.units[lane as usize].load(Ordering::Relaxed)
    }

    /// Units sent in both lanes.
    pub(super) fn all_units(&self) -> u64 {
        Lane::BOTH.map(|lane| self.units(lane)).iter().sum()
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.load(Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Writes what has gathered and `data` behind it.
    fn write(&self, pipe: &mut Pipe, data: &[u8]) {
        if !self.is_closed() {
            self.writing.store(true, Ordering::Relaxed);
            if write_both(&mut pipe.file, &pipe.gathered, data).is_err() {
                self.closed.store(true, Ordering::Relaxed);
            }
            self.writing.store(false, Ordering::Relaxed);
        }
        pipe.gathered.clear();
    }
}

/// Head and data in one system call where the pipe has room for them.
fn write_both(pipe: &mut File, head: &[u8], data: &[u8]) -> io::Result<()> {
    let written = loop {
        match pipe.write_vectored(&[IoSlice::new(head), IoSlice::new(data)]) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    pipe.write_all(head.get(written..).unwrap_or_default())?;
    pipe.write_all(data.get(written.saturating_sub(head.len())..).unwrap_or_default())
}

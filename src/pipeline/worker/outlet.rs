//! The worker's end of the pipe: several streaming threads write whole messages to it.

use super::super::form::Codec;
use super::super::wire::{Lane, Message, unit_head};
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Writes messages. Blocks while the server does not read: that is the back-pressure which holds
/// the whole pipeline.
#[derive(Debug)]
pub(super) struct Outlet {
    pipe: Mutex<File>,
    units: [AtomicU64; 2],
    /// A unit is being written: the pipeline is held back, not hanging.
    writing: AtomicBool,
    /// The server closed the pipe.
    closed: AtomicBool,
}

impl Outlet {
    pub(super) fn new(pipe: File) -> Self {
        Self {
            pipe: Mutex::new(pipe),
            units: Default::default(),
            writing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn send(&self, message: &Message) {
        self.write(&message.encode(), &[]);
    }

    pub(super) fn send_unit(&self, codec: Codec, keyframe: bool, pts_ns: i64, dts_ns: i64, data: &[u8]) {
        let head = unit_head(codec, keyframe, pts_ns, dts_ns, data.len());
        self.write(&head, data);
        self.units[codec.lane() as usize].fetch_add(1, Ordering::Relaxed);
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

    fn write(&self, head: &[u8], data: &[u8]) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed() {
            return;
        }
        self.writing.store(true, Ordering::Relaxed);
        if write_both(&mut pipe, head, data).is_err() {
            self.closed.store(true, Ordering::Relaxed);
        }
        self.writing.store(false, Ordering::Relaxed);
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

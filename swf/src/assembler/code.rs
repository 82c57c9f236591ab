//! Actions as bytes: strings by their number in a pool, jumps whose distance is filled in at the end.

use super::VERSION;
use crate::Wrong;
use std::collections::HashMap;
use swf::avm1::types::{Action, If, Jump, Push, StoreRegister, Value};
use swf::avm1::write::Writer;

/// Bytes of a jump: its code, the length of its data, and a distance.
const JUMP_LEN: usize = 5;

/// Strings that the pool takes: a reference is two bytes long.
const MOST_STRINGS: usize = u16::MAX as usize;

pub(super) fn write(out: &mut Vec<u8>, action: &Action<'_>) {
    // Writing to memory cannot fail.
    let _ = Writer::new(out, VERSION).write_action(action);
}

/// Every string of the program, once.
#[derive(Default)]
pub(super) struct Pool {
    pub(super) strings: Vec<String>,
    known: HashMap<String, u16>,
}

impl Pool {
    fn index(&mut self, text: &str) -> Option<u16> {
        if let Some(index) = self.known.get(text) {
            return Some(*index);
        }
        let index = u16::try_from(self.strings.len()).ok().filter(|_| self.strings.len() < MOST_STRINGS)?;
        self.strings.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        Some(index)
    }
}

/// A place in the code that is jumped to.
#[derive(Clone, Copy)]
pub(super) struct Label(usize);

/// Actions of one function, or of the frame.
pub(super) struct Code<'a> {
    pub(super) pool: &'a mut Pool,
    bytes: Vec<u8>,
    /// Where labels are, once that is known.
    labels: Vec<Option<usize>>,
    /// Where jumps end, and to which labels they go.
    jumps: Vec<(usize, Label)>,
    /// Loops around the present statement: where `continue` and `break` go.
    pub(super) loops: Vec<(Label, Label)>,
    pub(super) in_function: bool,
    pub(super) line: u32,
}

impl<'a> Code<'a> {
    pub(super) fn new(pool: &'a mut Pool, in_function: bool) -> Self {
        let (bytes, labels, jumps, loops) = Default::default();
        Self { pool, bytes, labels, jumps, loops, in_function, line: 1 }
    }

    /// The bytes, with all distances filled in.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Wrong> {
        for (end, label) in std::mem::take(&mut self.jumps) {
            let target = self.labels[label.0].unwrap_or(self.bytes.len());
            let distance = i16::try_from(target as i64 - end as i64)
                .map_err(|_| self.wrong("this is too far to jump; make smaller functions of it"))?;
            self.bytes[end - 2..end].copy_from_slice(&distance.to_le_bytes());
        }
        if u16::try_from(self.bytes.len()).is_err() {
            return Err(self.wrong("this is longer than the machine takes; make smaller functions of it"));
        }
        Ok(self.bytes)
    }

    pub(super) fn wrong(&self, what: impl Into<String>) -> Wrong {
        Wrong::new(self.line, what)
    }

    pub(super) fn action(&mut self, action: &Action<'_>) {
        write(&mut self.bytes, action);
    }

    pub(super) fn push(&mut self, value: Value<'_>) {
        self.action(&Action::Push(Push { values: vec![value] }));
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Wrong> {
        let index = self.pool.index(text).ok_or_else(|| self.wrong("there are too many strings"))?;
        self.push(Value::ConstantPool(index));
        Ok(())
    }

    pub(super) fn number(&mut self, number: f64) {
        let whole = number as i32;
        // Minus zero is no integer.
        let is_whole = f64::from(whole) == number && (whole != 0 || number.is_sign_positive());
        self.push(if is_whole { Value::Int(whole) } else { Value::Double(number) });
    }

    pub(super) fn count(&mut self, count: usize) {
        // A source has no list of two thousand million values.
        self.push(Value::Int(count as i32));
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label is here.
    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.bytes.len());
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.action(&Action::Jump(Jump { offset: 0 }));
        self.jumps.push((self.bytes.len(), label));
    }

    /// Takes a value from the stack, and jumps if it is true.
    pub(super) fn jump_if(&mut self, label: Label) {
        let before = self.bytes.len();
        self.action(&Action::If(If { offset: 0 }));
        debug_assert_eq!(self.bytes.len() - before, JUMP_LEN);
        self.jumps.push((self.bytes.len(), label));
    }

    /// Takes a value from the stack, and jumps unless it is true.
    pub(super) fn jump_unless(&mut self, label: Label) {
        self.action(&Action::Not);
        self.jump_if(label);
    }

    pub(super) fn store(&mut self, register: u8) {
        self.action(&Action::StoreRegister(StoreRegister { register }));
    }
}

//! Makes a SWF 7 of ActionScript: what Flash Player 7, Flash Lite 3.1 and Ruffle run.
//!
//! ```text
//!  text ── lexer ──▶ tokens ── parser ──▶ statements ── assembler ──▶ AVM1 actions ── movie ──▶ SWF
//! ```
//!
//! The language is the part of ActionScript 1 (ECMAScript 3) that a player needs: functions and closures, objects, arrays,
//! `if`, `while`, `for`, `break`, `continue`. There are no classes, exceptions, regular expressions, `switch`,
//! `for…in` and `with`. Differences: statements end with `;`, arguments are evaluated from the last to the first
//! (the machine's stack wants them in that order), and `getTimer()`, `trace()`, `int()` and `random()` are actions of
//! the machine, so they can only be called.

pub mod assembler;
pub mod lexer;
pub mod movie;
pub mod parser;
pub mod syntax;

use std::fmt;

/// What is wrong with a source, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Line, from 1.
    pub line: u32,
    /// What, and what was expected.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Wrong {}

impl Wrong {
    pub(crate) fn new(line: u32, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// A SWF of this source.
///
/// # Errors
/// Where the source is wrong.
pub fn compile(source: &str) -> Result<Vec<u8>, Wrong> {
    let program = parser::parse(lexer::tokens(source)?)?;
    movie::movie(&assembler::assemble(&program)?)
}

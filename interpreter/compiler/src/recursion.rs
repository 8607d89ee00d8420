//! How deep the compiler's own recursion goes.

use crate::error::{CompileError, Result};

/// Trees nested this deep are compiled on the caller's stack.
pub const SHALLOW: u32 = 1500;

/// Trees nested this deep are compiled at all. CPython's limit depends on the size of its stack and is near this with the
/// usual one.
pub const DEEP: u32 = 50_000;

/// The stack that [`DEEP`] nesting needs.
pub const DEEP_STACK_SIZE: usize = 256 << 20;

/// Counts nested calls.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    depth: u32,
    limit: u32,
}

impl Depth {
    /// No call yet, and `limit` nested ones allowed.
    pub fn new(limit: u32) -> Self {
        Self { depth: 0, limit }
    }

    /// To be called on the way down.
    pub fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > self.limit { Err(CompileError::RecursionTooDeep) } else { Ok(()) }
    }

    /// To be called on the way up. After an error it need not be called.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }
}

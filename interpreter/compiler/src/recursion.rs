//! How deep the compiler's own recursion goes.

use crate::error::{CompileError, Result};

/// Trees may be nested this deep.
const LIMIT: u32 = 2500;

/// Counts nested calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depth(u32);

impl Depth {
    /// To be called on the way down.
    pub fn enter(&mut self) -> Result<()> {
        self.0 += 1;
        if self.0 > LIMIT { Err(CompileError::RecursionTooDeep) } else { Ok(()) }
    }

    /// To be called on the way up. After an error it need not be called.
    pub fn leave(&mut self) {
        self.0 -= 1;
    }
}

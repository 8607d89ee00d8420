//! The native stack of a thread: how far it may be used.
//!
//! Python code that calls Python code takes none of it. What does is native code that calls itself (`repr` of nested
//! lists) or Python code (the key function of `sorted`), and stops where the room is used up.

use crate::exceptions::{Exception, PyResult};
use crate::vm::Vm;

/// What is kept free for native code between two checks, and for what handles the error.
const RESERVE: usize = 512 << 10;
/// What making the error may take beyond that.
const ROOM_FOR_ERROR: usize = 256 << 10;
/// What the thread may have used already where its stack is described.
const USED_BEFORE: usize = 16 << 10;

/// The native stack of a thread. It grows downwards.
#[derive(Clone, Copy, Debug)]
pub struct NativeStack {
    top: usize,
    limit: usize,
}

impl NativeStack {
    /// The stack of the calling thread, of `size` bytes, which has hardly been used yet.
    pub fn of_size(size: usize) -> Self {
        let top = here();
        NativeStack { top, limit: top.saturating_sub(size) + USED_BEFORE + RESERVE.min(size / 4) }
    }

    /// How many bytes there are before calls are refused.
    pub(crate) fn left(self) -> usize {
        here().saturating_sub(self.limit)
    }
}

#[inline(always)]
fn here() -> usize {
    let here = 0u8;
    &raw const here as usize
}

impl Vm {
    /// Whether native recursion may go deeper.
    ///
    /// # Errors
    /// `RecursionError` where the native stack is nearly used up.
    #[inline]
    pub fn check_stack(&self, doing: &str) -> PyResult<()> {
        if here() < self.native_stack.get().limit {
            return Err(self.native_recursion_error(doing));
        }
        Ok(())
    }

    /// Whether both stacks have room for one more call.
    #[inline(always)]
    pub(crate) fn may_call(&self) -> bool {
        self.depth.get() < self.interpreter.recursion_limit.get() && here() >= self.native_stack.get().limit
    }

    #[cold]
    fn native_recursion_error(&self, doing: &str) -> Exception {
        // Making the error may call Python code; give it some room.
        let stack = self.native_stack.get();
        self.native_stack.set(NativeStack { limit: stack.limit.saturating_sub(ROOM_FOR_ERROR), ..stack });
        let used = stack.top.saturating_sub(here()) >> 10;
        let error = self.recursion_error(format!("Stack overflow (used {used} kB){doing}"));
        self.native_stack.set(stack);
        error
    }

    /// How many bytes of native stack there are before calls are refused.
    pub fn stack_left(&self) -> usize {
        self.native_stack.get().left()
    }
}

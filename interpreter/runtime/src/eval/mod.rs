//! Evaluation: frames, calls, and the instructions in two dispatchers.
//!
//! Every instruction is a type that implements [`Instruction`]: a fast path that neither calls nor frees anything,
//! and a slow path for the rest. From these, [`match_loop`] makes one big loop (debug builds) and [`tail_loop`] one
//! function an instruction that ends by jumping to the next (release builds).

pub mod call;
mod construct;
pub mod frame;
pub mod instructions;
pub mod intrinsics;
mod match_loop;
mod native_calls;
pub(crate) mod polymorphic;
pub mod raise;
pub mod specialize;
#[cfg(not(debug_assertions))]
mod tail_loop;
mod watched_loop;
pub mod word;

use crate::eval::frame::Frame;
use crate::exceptions::{Exception, PyResult};
use crate::object::Borrow;
use crate::types::code_body::Unit;
use crate::value::Value;
use crate::vm::Vm;

/// The registers of the evaluation loop.
pub struct State<'v> {
    /// The thread.
    pub vm: &'v Vm,
    /// The running frame.
    pub frame: *mut Frame,
    /// The unit behind the instruction being executed.
    pub next: *const Unit,
    /// Behind the topmost word of the evaluation stack.
    pub stack: *mut u64,
}

/// How to go on after an instruction.
#[derive(Clone, Copy)]
pub enum Flow {
    /// With the next instruction.
    Next,
    /// With the direct path of the same one.
    Direct,
    /// With the slow path of the same one.
    Slow,
    /// With the handler of the exception that was raised.
    Raise,
    /// With the instruction behind an `EXTENDED_ARG`, whose argument is given.
    Extend(u32),
    /// By leaving the loop with a word: a value, or 0 for an exception.
    Leave(u64),
}

/// One instruction.
pub trait Instruction {
    /// The instruction whose slow path this one shares: itself, or the generic one of its family.
    type General: Instruction;

    /// Does the common case if nothing has to be called or freed for it; otherwise changes nothing and answers
    /// [`Flow::Slow`].
    ///
    /// # Safety
    /// The state is that of a frame running verified code, at this instruction.
    #[inline(always)]
    unsafe fn fast(state: &mut State<'_>, argument: u32) -> Flow {
        let _ = (state, argument);
        Flow::Slow
    }

    /// Goes on where `fast` answered [`Flow::Direct`]: may call and free, and hand to what it calls anything but the state
    /// itself, so that the registers need not be in memory. Answers [`Flow::Slow`] only where it changed nothing.
    ///
    /// # Safety
    /// As for `fast`, and the frame knows where it is.
    #[inline(always)]
    unsafe fn direct(state: &mut State<'_>, argument: u32) -> Flow {
        let _ = (state, argument);
        Flow::Slow
    }

    /// Does every case.
    ///
    /// # Safety
    /// As for `fast`.
    unsafe fn slow(state: &mut State<'_>, argument: u32) -> Flow;
}

impl State<'_> {
    /// Pushes a word.
    ///
    /// # Safety
    /// The code's stack size has room for it.
    #[inline(always)]
    pub unsafe fn push(&mut self, word: u64) {
        // SAFETY: as promised.
        unsafe {
            *self.stack = word;
            self.stack = self.stack.add(1);
        }
    }

    /// Pushes a value.
    ///
    /// # Safety
    /// As for `push`.
    #[inline(always)]
    pub unsafe fn push_value(&mut self, value: Value) {
        // SAFETY: as promised.
        unsafe { self.push(value.into_bits()) }
    }

    /// Pops a word.
    ///
    /// # Safety
    /// The stack is not empty.
    #[inline(always)]
    pub unsafe fn pop(&mut self) -> u64 {
        // SAFETY: as promised.
        unsafe {
            self.stack = self.stack.sub(1);
            *self.stack
        }
    }

    /// Pops a value that is not nothing.
    ///
    /// # Safety
    /// As for `pop`.
    #[inline(always)]
    pub unsafe fn pop_value(&mut self) -> Value {
        // SAFETY: as promised.
        unsafe { word::take(self.pop()) }
    }

    /// The word at a depth: 1 is the top.
    ///
    /// # Safety
    /// The stack has as many words.
    #[inline(always)]
    pub unsafe fn at(&self, depth: usize) -> *mut u64 {
        // SAFETY: as promised.
        unsafe { self.stack.sub(depth) }
    }

    /// The value at a depth.
    ///
    /// # Safety
    /// As for `at`, and the word is not nothing and stays while the value is used.
    #[inline(always)]
    pub unsafe fn look<'a>(&self, depth: usize) -> Borrow<'a> {
        // SAFETY: as promised.
        unsafe { word::look(*self.at(depth)) }
    }

    /// Pops and gives back some words, the topmost first.
    ///
    /// # Safety
    /// The stack has as many words.
    #[inline(always)]
    pub unsafe fn drop_words(&mut self, count: usize) {
        for _ in 0..count {
            // SAFETY: as promised.
            unsafe {
                let word = self.pop();
                word::close(word);
            }
        }
    }

    /// Skips the inline cache.
    ///
    /// # Safety
    /// The instruction has a cache of that many units.
    #[inline(always)]
    pub unsafe fn skip(&mut self, units: usize) {
        // SAFETY: as promised.
        self.next = unsafe { self.next.add(units) };
    }

    /// Jumps by a number of units.
    ///
    /// # Safety
    /// The target lies within the code.
    #[inline(always)]
    pub unsafe fn jump(&mut self, units: isize) {
        // SAFETY: as promised.
        self.next = unsafe { self.next.offset(units) };
    }

    /// A unit of the inline cache.
    ///
    /// # Safety
    /// The cache has such a unit.
    #[inline(always)]
    pub unsafe fn cache(&self, index: usize) -> &Unit {
        // SAFETY: as promised.
        unsafe { &*self.next.add(index) }
    }

    /// Two units of the inline cache as one number.
    ///
    /// # Safety
    /// The cache has such units.
    #[inline(always)]
    pub unsafe fn cache_wide(&self, index: usize) -> u32 {
        // SAFETY: as promised; the units may lie at any even address.
        unsafe { self.next.add(index).cast::<u32>().read_unaligned() }
    }

    /// Sets two units of the inline cache.
    ///
    /// # Safety
    /// The cache has such units.
    #[inline(always)]
    pub unsafe fn set_cache_wide(&self, index: usize, value: u32) {
        // SAFETY: as promised.
        unsafe { self.next.add(index).cast_mut().cast::<u32>().write_unaligned(value) }
    }

    /// Makes an exception the raised one.
    #[inline(always)]
    pub fn raise(&self, exception: Exception) -> Flow {
        self.vm.set_raised(exception);
        Flow::Raise
    }
}

/// The word of a result for a direct path: owned, or 0 for the exception, which is the raised one then.
#[inline(always)]
fn raised_or_word(vm: &Vm, result: PyResult) -> u64 {
    match result {
        Ok(value) => value.into_bits(),
        Err(exception) => {
            vm.set_raised(exception);
            0
        }
    }
}

/// Continues with the value, or raises the exception.
#[macro_export]
macro_rules! attempt {
    ($state:expr, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(exception) => return $state.raise(exception),
        }
    };
}

/// Runs a frame with an entry owner until it returns or lets an exception through. Answers the word of the result,
/// owned, or 0 where an exception was raised.
///
/// # Safety
/// The frame is ready to run and the topmost of the thread's, or a generator's.
pub unsafe fn run(vm: &Vm, frame: *mut Frame) -> u64 {
    // SAFETY: as promised.
    unsafe {
        if let Err(error) = vm.enter_call() {
            vm.set_raised(error);
            let owner = (*frame).owner;
            if owner == frame::Owner::Entry {
                call::discard(vm, frame);
            }
            return 0;
        }
        let word = go_on(vm, frame);
        vm.leave_call();
        word
    }
}

/// As [`run`] where the call has been counted in.
///
/// # Safety
/// As for `run`.
#[inline(always)]
pub unsafe fn go_on(vm: &Vm, frame: *mut Frame) -> u64 {
    // SAFETY: as promised.
    unsafe {
        (*frame).previous = vm.frame.get();
        vm.frame.set(frame);
        resume(State { vm, frame, next: (*frame).instruction.add(1), stack: (*frame).stack_pointer })
    }
}

/// As [`run`], with an exception raised at the point where the frame stands.
///
/// # Safety
/// As for `run`; an exception is set as raised.
pub unsafe fn run_raising(vm: &Vm, frame: *mut Frame) -> u64 {
    // SAFETY: as promised.
    unsafe {
        if let Err(error) = vm.enter_call() {
            drop(vm.take_raised());
            vm.set_raised(error);
            return 0;
        }
        (*frame).previous = vm.frame.get();
        vm.frame.set(frame);
        if crate::watch::is_wanted(vm) {
            let thrown = vm.take_raised();
            let told = crate::watch::thrown(vm, frame, thrown.value());
            vm.set_raised(told.err().unwrap_or(thrown));
        }
        let mut state = State { vm, frame, next: (*frame).instruction.add(1), stack: (*frame).stack_pointer };
        let word = match raise::unwind(&mut state) {
            Flow::Leave(word) => word,
            _ => resume(state),
        };
        vm.leave_call();
        word
    }
}

unsafe fn resume(state: State<'_>) -> u64 {
    // SAFETY: as promised by the callers.
    unsafe {
        if crate::watch::is_wanted(state.vm) { watched_loop::run(state) } else { resume_unwatched(state) }
    }
}

/// Goes on in the dispatcher of watched threads until the frame that was entered is left.
///
/// # Safety
/// The state is that of a frame at the beginning of an instruction.
#[cold]
#[inline(never)]
unsafe fn resume_watched(state: &State<'_>) -> Flow {
    let state = State { vm: state.vm, frame: state.frame, next: state.next, stack: state.stack };
    // SAFETY: as promised by the callers.
    Flow::Leave(unsafe { watched_loop::run(state) })
}

#[cfg(debug_assertions)]
unsafe fn resume_unwatched(state: State<'_>) -> u64 {
    // SAFETY: as promised by the callers.
    unsafe { match_loop::run(state) }
}

#[cfg(not(debug_assertions))]
unsafe fn resume_unwatched(state: State<'_>) -> u64 {
    // SAFETY: as promised by the callers.
    unsafe { tail_loop::run(state) }
}

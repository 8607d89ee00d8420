//! The dispatcher of release builds: one function an instruction, each ending with a jump to the next.
//!
//! The functions have the signature of [`Handler`], so that the registers of the evaluation loop stay in machine
//! registers, and calls in tail position become jumps. The fast path of an instruction calls nothing; whatever
//! needs a call is in the slow handler, which is itself reached by a jump. Between the two stand direct handlers: they call
//! functions, but keep the registers to themselves.

use rspy_code::for_each_instruction;

use crate::eval::frame::Frame;
use crate::eval::instructions;
use crate::eval::{Flow, Instruction, State, raise};
use crate::types::code_body::Unit;
use crate::vm::Vm;

type Handler = unsafe fn(&Vm, *mut Frame, *const Unit, *mut u64, u64) -> u64;

/// Goes to the next instruction.
macro_rules! dispatch {
    ($vm:expr, $frame:expr, $next:expr, $stack:expr, $high:expr) => {{
        let unit = (*$next).get();
        let handler = *HANDLERS.get_unchecked((unit & 0xff) as usize);
        handler($vm, $frame, $next.add(1), $stack, $high | (unit >> 8) as u64)
    }};
}

unsafe fn fast<I: Instruction>(
    vm: &Vm,
    frame: *mut Frame,
    next: *const Unit,
    stack: *mut u64,
    argument: u64,
) -> u64 {
    // SAFETY: handlers are only entered at their instruction, whose argument has 32 bits at most.
    unsafe {
        // So it is an index as it is, without being cut first.
        std::hint::assert_unchecked(argument <= u64::from(u32::MAX));
        let mut state = State { vm, frame, next, stack };
        match I::fast(&mut state, argument as u32) {
            Flow::Next => dispatch!(vm, state.frame, state.next, state.stack, 0),
            Flow::Extend(high) => dispatch!(vm, state.frame, state.next, state.stack, high as u64),
            Flow::Direct => direct::<I>(vm, frame, next, stack, argument),
            Flow::Slow => slow::<I::General>(vm, frame, next, stack, argument),
            Flow::Raise => raised(vm, state.frame, state.next, state.stack, 0),
            Flow::Leave(word) => word,
        }
    }
}

#[inline(never)]
unsafe fn direct<I: Instruction>(
    vm: &Vm,
    frame: *mut Frame,
    next: *const Unit,
    stack: *mut u64,
    argument: u64,
) -> u64 {
    // SAFETY: as for `fast`.
    unsafe {
        (*frame).instruction = next.sub(1);
        let mut state = State { vm, frame, next, stack };
        match I::direct(&mut state, argument as u32) {
            Flow::Next => dispatch!(vm, state.frame, state.next, state.stack, 0),
            Flow::Raise => raised(vm, state.frame, state.next, state.stack, 0),
            _ => slow::<I::General>(vm, frame, next, stack, argument),
        }
    }
}

/// The registers after a slow path, and how to go on.
///
/// Slow paths work on a [`State`] in memory. It lives in the frame of a function of its own, which hands it back by
/// value: a handler whose stack frame others could still point into could not be left by a jump.
struct Outcome {
    frame: *mut Frame,
    next: *const Unit,
    stack: *mut u64,
    flow: Flow,
}

#[inline(never)]
unsafe fn perform<I: Instruction>(
    vm: &Vm,
    frame: *mut Frame,
    next: *const Unit,
    stack: *mut u64,
    argument: u64,
) -> Outcome {
    // SAFETY: as for `fast`.
    unsafe {
        (*frame).instruction = next.sub(1);
        let mut state = State { vm, frame, next, stack };
        let flow = I::slow(&mut state, argument as u32);
        Outcome { frame: state.frame, next: state.next, stack: state.stack, flow }
    }
}

/// Does an instruction of a watched thread the slow way; the registers stand before it.
pub(super) unsafe fn perform_in<I: Instruction>(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: as for `fast`.
    unsafe {
        let outcome = perform::<I::General>(state.vm, state.frame, state.next, state.stack, argument as u64);
        (state.frame, state.next, state.stack) = (outcome.frame, outcome.next, outcome.stack);
        outcome.flow
    }
}

#[inline(never)]
unsafe fn slow<I: Instruction>(
    vm: &Vm,
    frame: *mut Frame,
    next: *const Unit,
    stack: *mut u64,
    argument: u64,
) -> u64 {
    // SAFETY: as for `fast`.
    unsafe {
        let Outcome { frame, next, stack, flow } = perform::<I>(vm, frame, next, stack, argument);
        match flow {
            Flow::Next | Flow::Direct | Flow::Slow => dispatch!(vm, frame, next, stack, 0),
            Flow::Extend(high) => dispatch!(vm, frame, next, stack, high as u64),
            Flow::Raise => raised(vm, frame, next, stack, 0),
            Flow::Leave(word) => word,
        }
    }
}

#[inline(never)]
unsafe fn unwind(vm: &Vm, frame: *mut Frame, next: *const Unit, stack: *mut u64) -> Outcome {
    // SAFETY: an exception has been set as raised.
    unsafe {
        let mut state = State { vm, frame, next, stack };
        let flow = raise::unwind(&mut state);
        Outcome { frame: state.frame, next: state.next, stack: state.stack, flow }
    }
}

#[inline(never)]
unsafe fn raised(vm: &Vm, frame: *mut Frame, next: *const Unit, stack: *mut u64, _: u64) -> u64 {
    // SAFETY: an exception has been set as raised.
    unsafe {
        let Outcome { frame, next, stack, flow } = unwind(vm, frame, next, stack);
        match flow {
            Flow::Leave(word) => word,
            _ => dispatch!(vm, frame, next, stack, 0),
        }
    }
}

#[inline(never)]
unsafe fn raise_unknown(vm: &Vm, frame: *mut Frame, next: *const Unit, stack: *mut u64) {
    // SAFETY: as for `fast`.
    unsafe {
        (*frame).instruction = next.sub(1);
        instructions::unknown(&mut State { vm, frame, next, stack });
    }
}

unsafe fn unknown(vm: &Vm, frame: *mut Frame, next: *const Unit, stack: *mut u64, _: u64) -> u64 {
    // SAFETY: as for `fast`.
    unsafe {
        raise_unknown(vm, frame, next, stack);
        raised(vm, frame, next, stack, 0)
    }
}

macro_rules! define_handlers {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:ident, caches $caches:literal,
       pops $pops:expr, pushes $pushes:expr, flags $(Flags::$flag:ident)|+ $(, specialises $family:ident)?;)*) => {
        static HANDLERS: [Handler; 256] = {
            let mut handlers: [Handler; 256] = [unknown; 256];
            $(handlers[$number] = fast::<instructions::$variant>;)*
            handlers
        };
    };
}
for_each_instruction!(define_handlers);

/// Runs until the frame that was entered is left.
pub(super) unsafe fn run(state: State<'_>) -> u64 {
    // SAFETY: the state is that of a frame ready to run.
    unsafe { dispatch!(state.vm, state.frame, state.next, state.stack, 0) }
}

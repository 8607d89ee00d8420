//! The dispatcher of debug builds: one loop around a `match` of all instructions, which watched threads use as well.

use rspy_code::for_each_instruction;

use crate::eval::instructions;
#[cfg(debug_assertions)]
use crate::eval::raise;
use crate::eval::{Flow, Instruction, State};

/// Runs until the frame that was entered is left.
#[cfg(debug_assertions)]
pub(super) unsafe fn run(mut state: State<'_>) -> u64 {
    // SAFETY: the state is that of a frame ready to run.
    unsafe {
        let mut extended = 0u32;
        loop {
            let unit = (*state.next).get();
            state.next = state.next.add(1);
            let argument = extended | u32::from(unit >> 8);
            extended = 0;
            let opcode = unit as u8;
            let (frame, next, stack) = (state.frame, state.next, state.stack);
            let mut flow = step::<false>(opcode, &mut state, argument);
            if let Flow::Slow = flow {
                (state.frame, state.next, state.stack) = (frame, next, stack);
                (*state.frame).instruction = state.next.sub(1);
                flow = step::<true>(opcode, &mut state, argument);
            }
            if let Flow::Raise = flow {
                flow = raise::unwind(&mut state);
            }
            match flow {
                Flow::Next => {}
                Flow::Extend(high) => extended = high,
                Flow::Leave(word) => return word,
                Flow::Direct | Flow::Slow | Flow::Raise => unreachable!("a slow path does every case"),
            }
        }
    }
}

#[cfg(not(debug_assertions))]
use super::tail_loop::perform_in as perform;

/// The slow path as a function of its own: all of them in one would take the compiler long.
#[cfg(debug_assertions)]
#[inline(never)]
unsafe fn perform<I: Instruction>(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: as promised by `run`.
    unsafe { I::General::slow(state, argument) }
}

#[inline(never)]
unsafe fn direct<I: Instruction>(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: as promised by `run`.
    unsafe {
        (*state.frame).instruction = state.next.sub(1);
        I::direct(state, argument)
    }
}

macro_rules! define_step {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:ident, caches $caches:literal,
       pops $pops:expr, pushes $pushes:expr, flags $(Flags::$flag:ident)|+ $(, specialises $family:ident)?;)*) => {
        pub(super) unsafe fn step<const SLOW: bool>(opcode: u8, state: &mut State<'_>, argument: u32) -> Flow {
            // SAFETY: as promised by `run`.
            unsafe {
                match opcode {
                    $($number => if SLOW {
                        perform::<instructions::$variant>(state, argument)
                    } else {
                        match instructions::$variant::fast(state, argument) {
                            Flow::Direct => direct::<instructions::$variant>(state, argument),
                            flow => flow,
                        }
                    },)*
                    _ => instructions::unknown(state),
                }
            }
        }
    };
}
for_each_instruction!(define_step);

//! The instructions, a file by kind.

mod attributes;
mod calls;
mod comparisons;
mod containers;
mod control;
mod exceptions;
mod generators;
mod imports;
mod iteration;
mod matching;
mod operators;
mod stack;
mod variables;

pub use attributes::*;
pub use calls::*;
pub use comparisons::*;
pub use containers::*;
pub use control::*;
pub use exceptions::*;
pub use generators::*;
pub use imports::*;
pub use iteration::*;
pub use matching::*;
pub use operators::*;
pub use stack::*;
pub use variables::*;

use crate::eval::{Flow, State};

/// Defines instructions: `Name(state, argument) { slow path }`,
/// `Name(state, argument) fast { … } slow { … }` or, where the fast path may go on in the direct one,
/// `Name(state, argument) fast { … } direct { … } slow { … }`; a direct path that does every case is the slow one too, and
/// may stand alone. The bodies are unsafe contexts.
macro_rules! instructions {
    () => {};
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) direct $direct:block $($rest:tt)*) => {
        $crate::eval::instructions::instructions! {
            $(#[$meta])*
            $name($state, $argument) fast { $crate::eval::Flow::Direct } direct $direct
            $($rest)*
        }
    };
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) fast $fast:block direct $direct:block slow $slow:block
     $($rest:tt)*) => {
        $crate::eval::instructions::instruction! {
            $(#[$meta])* $name, $name, ($state, $argument) fast $fast direct $direct slow $slow
        }
        $crate::eval::instructions::instructions! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) fast $fast:block direct $direct:block or $base:ident
     $($rest:tt)*) => {
        $crate::eval::instructions::instruction! {
            $(#[$meta])* $name, <$base as $crate::eval::Instruction>::General, ($state, $argument) fast $fast
            direct $direct
            slow { <$base as $crate::eval::Instruction>::slow($state, $argument) }
        }
        $crate::eval::instructions::instructions! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) fast $fast:block direct $direct:block
     $($rest:tt)*) => {
        $crate::eval::instructions::instruction! {
            $(#[$meta])* $name, $name, ($state, $argument) fast $fast direct $direct slow $direct
        }
        $crate::eval::instructions::instructions! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) fast $fast:block slow $slow:block $($rest:tt)*) => {
        $crate::eval::instructions::instruction! {
            $(#[$meta])* $name, $name, ($state, $argument) fast $fast direct { $crate::eval::Flow::Slow } slow $slow
        }
        $crate::eval::instructions::instructions! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) fast $fast:block or $base:ident $($rest:tt)*) => {
        $crate::eval::instructions::instruction! {
            $(#[$meta])* $name, <$base as $crate::eval::Instruction>::General, ($state, $argument) fast $fast
            direct { <$base as $crate::eval::Instruction>::direct($state, $argument) }
            slow { <$base as $crate::eval::Instruction>::slow($state, $argument) }
        }
        $crate::eval::instructions::instructions! { $($rest)* }
    };
    ($(#[$meta:meta])* $name:ident($state:ident, $argument:ident) $slow:block $($rest:tt)*) => {
        $crate::eval::instructions::instructions! {
            $(#[$meta])*
            $name($state, $argument) fast { $crate::eval::Flow::Slow } slow $slow
            $($rest)*
        }
    };
    ($(#[$meta:meta])* $name:ident = $base:path; $($rest:tt)*) => {
        $crate::eval::instructions::instruction! {
            $(#[$meta])* $name, <$base as $crate::eval::Instruction>::General, (state, argument)
            fast { $crate::eval::Flow::Slow }
            direct { <$base as $crate::eval::Instruction>::direct(state, argument) }
            slow { <$base as $crate::eval::Instruction>::slow(state, argument) }
        }
        $crate::eval::instructions::instructions! { $($rest)* }
    };
}
pub(crate) use instructions;

/// Defines one instruction, given which one's slow path it shares.
macro_rules! instruction {
    ($(#[$meta:meta])* $name:ident, $general:ty, ($state:ident, $argument:ident)
     fast $fast:block direct $direct:block slow $slow:block) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        pub struct $name;

        impl $crate::eval::Instruction for $name {
            type General = $general;

            #[inline(always)]
            #[allow(unused_variables, unused_unsafe)]
            unsafe fn fast($state: &mut $crate::eval::State<'_>, $argument: u32) -> $crate::eval::Flow {
                // SAFETY: the state is at this instruction of verified code, so the stack has its operands, names and
                // variables exist, and the words are valid.
                unsafe { $fast }
            }

            #[inline(always)]
            #[allow(unused_variables, unused_unsafe)]
            unsafe fn direct($state: &mut $crate::eval::State<'_>, $argument: u32) -> $crate::eval::Flow {
                // SAFETY: as above.
                unsafe { $direct }
            }

            #[inline(always)]
            #[allow(unused_variables, unused_unsafe)]
            unsafe fn slow($state: &mut $crate::eval::State<'_>, $argument: u32) -> $crate::eval::Flow {
                // SAFETY: as above.
                unsafe { $slow }
            }
        }
    };
}
pub(crate) use instruction;

/// What an opcode that does not exist does.
pub fn unknown(state: &mut State<'_>) -> Flow {
    // SAFETY: the unit before `next` is that of the instruction.
    let opcode = unsafe { (*state.next.sub(1)).get() as u8 };
    state.raise(state.vm.system_error(format!("unknown opcode {opcode}")))
}

//! Instructions for jumps, returns and the beginning of a function.

use std::sync::atomic::Ordering;

use rspy_code::opcode::Opcode;

use crate::attempt;
use crate::eval::frame::{Frame, Owner};
use crate::eval::instructions::instructions;
use crate::eval::{Flow, State, resume_watched, specialize, word};
use crate::types::bool::{false_word, true_word};
use crate::types::none::none_word;
use crate::watch;

/// Leaves the running frame with an owned word.
#[inline(always)]
pub(super) unsafe fn leave(state: &mut State<'_>, word: u64) -> Flow {
    // SAFETY: the frame's stack is empty but for what was popped; the frame below waits at its call.
    unsafe {
        let frame = state.frame;
        let vm = state.vm;
        let previous = (*frame).previous;
        (*frame).stack_pointer = state.stack;
        vm.frame.set(previous);
        let drops_result = (*frame).drops_result;
        match (*frame).owner {
            Owner::Call => {
                Frame::clear(frame);
                vm.frames.pop(frame);
            }
            Owner::Entry => {
                Frame::clear(frame);
                vm.frames.pop(frame);
                return Flow::Leave(word);
            }
            Owner::Generator => {
                vm.pop_handled();
                crate::types::generator::finish_frame(frame);
            }
            Owner::GeneratorEntry => {
                vm.pop_handled();
                crate::types::generator::finish_frame(frame);
                return Flow::Leave(word);
            }
            Owner::FrameObject => unreachable!("a finished frame does not run"),
        }
        vm.leave_call();
        state.frame = previous;
        state.stack = (*previous).stack_pointer;
        state.next = (*previous).instruction.add((*previous).return_offset as usize);
        if drops_result {
            return check_init_result(state, word);
        }
        state.push(word);
        Flow::Next
    }
}

/// Pops a cleared frame that is not the first of its chunk, and goes on with the one below, which gets the result unless it is
/// that of an `__init__`.
#[inline(always)]
unsafe fn go_back(state: &mut State<'_>, frame: *mut Frame, result: u64) -> Flow {
    // SAFETY: the frame below waits at its call; the frame's memory holds what was written until the next is pushed.
    unsafe {
        let (previous, drops_result) = ((*frame).previous, (*frame).drops_result);
        state.vm.frames.pop_quietly(frame);
        go_on_in(state, previous, (!drops_result).then_some(result))
    }
}

/// Goes on with the frame below one that has gone, which gets the result if any.
#[inline(always)]
unsafe fn go_on_in(state: &mut State<'_>, previous: *mut Frame, result: Option<u64>) -> Flow {
    // SAFETY: the frame waits at its call.
    unsafe {
        state.vm.leave_call();
        state.frame = previous;
        state.stack = (*previous).stack_pointer;
        state.next = (*previous).instruction.add((*previous).return_offset as usize);
        if let Some(result) = result {
            state.push(result);
        }
    }
    Flow::Next
}

/// Drops what an `__init__` returned, which must be `None`.
pub(super) unsafe fn check_init_result(state: &State<'_>, word: u64) -> Flow {
    // SAFETY: the word is owned.
    let value = unsafe { word::take(word) };
    if crate::types::none::is_none(&value) {
        return Flow::Next;
    }
    state.raise(
        state.vm.type_error(format!("__init__() should return None, not '{}'", value.type_of().full_name())),
    )
}

/// Looks after whatever asks for attention.
#[cold]
#[inline(never)]
fn attend(state: &State<'_>) -> Result<(), crate::exceptions::Exception> {
    crate::attention::attend(state.vm)
}

#[inline(always)]
fn is_asked(state: &State<'_>) -> bool {
    state.vm.interpreter.requests.load(Ordering::Relaxed) != 0
}

/// A conditional jump on a truth value.
#[inline(always)]
unsafe fn jump_if(state: &mut State<'_>, condition: bool, argument: u32) -> Flow {
    // SAFETY: the target lies within the code.
    unsafe {
        state.skip(1);
        if condition {
            state.jump(argument as isize);
        }
    }
    Flow::Next
}

instructions! {
    /// Begins a function or goes on after `yield` or `await`.
    Resume(state, argument) fast {
        if is_asked(state) {
            return Flow::Slow;
        }
        specialize::settle_plain(state, Opcode::ResumeCheck);
        Flow::Next
    } slow {
        if is_asked(state) {
            attempt!(state, attend(state));
            if watch::is_wanted(state.vm) {
                // The other dispatcher does this instruction, to tell of it.
                state.next = state.next.sub(1);
                return resume_watched(state);
            }
        }
        Flow::Next
    }

    /// `RESUME` with nothing to look after.
    ResumeCheck(state, argument) fast {
        if is_asked(state) { Flow::Slow } else { Flow::Next }
    } or Resume

    /// Returns the value on top.
    ReturnValue(state, _argument) fast {
        // The common frame: called by the loop, no frame object, and nothing that frees when it goes.
        let frame = state.frame;
        if (*frame).owner == Owner::Generator && !(*frame).drops_result {
            return Flow::Direct;
        }
        if (*frame).owner != Owner::Call
            || (*frame).frame_object.get() != 0
            || ((*frame).drops_result && word::untagged(*state.at(1)) != none_word())
        {
            return Flow::Slow;
        }
        let vm = state.vm;
        if !vm.frames.can_pop_quietly(frame) {
            return Flow::Slow;
        }
        let base = Frame::local(frame, 0);
        let count = state.stack.offset_from(base) as usize - 1;
        let mut index = 0;
        while index < count {
            if !word::closes_quietly(*base.add(index)) {
                return Flow::Direct;
            }
            // Two variables may hold the last two references to one object; count down as we look.
            word::close_quietly(*base.add(index));
            *base.add(index) = 0;
            index += 1;
        }
        if (*frame).locals != 0 || !word::closes_quietly((*frame).function) {
            return Flow::Direct;
        }
        let result = word::keep(*state.at(1));
        word::close_quietly((*frame).function);
        vm.frame.set((*frame).previous);
        go_back(state, frame, result)
    } direct {
        // The same frame, but giving its words back frees something: the frame is out of sight by then. Or a generator's.
        let (vm, frame) = (state.vm, state.frame);
        let result = word::keep(state.pop());
        let previous = (*frame).previous;
        (*frame).stack_pointer = state.stack;
        vm.frame.set(previous);
        if (*frame).owner == Owner::Generator {
            vm.pop_handled();
            crate::types::generator::finish_frame(frame);
            return go_on_in(state, previous, Some(result));
        }
        Frame::clear(frame);
        go_back(state, frame, result)
    } slow {
        let word = word::keep(state.pop());
        leave(state, word)
    }

    /// Leaves the evaluation loop; the loop does that by the frame's owner instead.
    InterpreterExit(state, _argument) { super::unknown(state) }

    /// Jumps ahead.
    JumpForward(state, argument) fast {
        state.jump(argument as isize);
        Flow::Next
    } slow { Flow::Next }

    /// Jumps back, looking at what asks for attention.
    JumpBackward(state, argument) fast {
        if is_asked(state) {
            return Flow::Slow;
        }
        specialize::settle_plain(state, Opcode::JumpBackwardNoJit);
        state.skip(1);
        state.jump(-(argument as isize));
        Flow::Next
    } slow {
        attempt!(state, attend(state));
        state.skip(1);
        state.jump(-(argument as isize));
        Flow::Next
    }

    /// Jumps back where there is no second tier.
    JumpBackwardNoJit(state, argument) fast {
        if is_asked(state) {
            return Flow::Slow;
        }
        state.skip(1);
        state.jump(-(argument as isize));
        Flow::Next
    } or JumpBackward

    /// Never made: there is no second tier.
    JumpBackwardJit = JumpBackward;

    /// Jumps back, not to be interrupted.
    JumpBackwardNoInterrupt(state, argument) fast {
        state.jump(-(argument as isize));
        Flow::Next
    } slow { Flow::Next }

    /// Jumps ahead if the truth value on top is true.
    PopJumpIfTrue(state, argument) fast {
        let word = state.pop();
        jump_if(state, word == true_word(), argument)
    } slow { Flow::Next }

    /// Jumps ahead if the truth value on top is false.
    PopJumpIfFalse(state, argument) fast {
        let word = state.pop();
        jump_if(state, word == false_word(), argument)
    } slow { Flow::Next }

    /// Jumps ahead if the value on top is `None`.
    PopJumpIfNone(state, argument) fast {
        let word = *state.at(1);
        if !word::closes_quietly(word) {
            return Flow::Slow;
        }
        word::close_quietly(word);
        state.stack = state.stack.sub(1);
        jump_if(state, word::untagged(word) == none_word(), argument)
    } slow {
        let value = state.pop_value();
        let none = crate::types::none::is_none(&value);
        drop(value);
        jump_if(state, none, argument)
    }

    /// Jumps ahead if the value on top is not `None`.
    PopJumpIfNotNone(state, argument) fast {
        let word = *state.at(1);
        if !word::closes_quietly(word) {
            return Flow::Slow;
        }
        word::close_quietly(word);
        state.stack = state.stack.sub(1);
        jump_if(state, word::untagged(word) != none_word(), argument)
    } slow {
        let value = state.pop_value();
        let none = crate::types::none::is_none(&value);
        drop(value);
        jump_if(state, !none, argument)
    }
}

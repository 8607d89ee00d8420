//! Instructions that only move words: constants, copies, swaps.

use rspy_code::opcode::Opcode;

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::{Flow, specialize, word};
use crate::types::code_verification;
use crate::value::Value;

instructions! {
    /// Never executed: a cell of an inline cache.
    Cache(state, _argument) { super::unknown(state) }

    /// Ends the code, or stands in the place of the first instruction of code that is to be verified.
    Reserved(state, _argument) {
        let code = (*state.frame).code();
        if !code.is_unverified() {
            return super::unknown(state);
        }
        attempt!(state, code_verification::verify(state.vm, code));
        state.next = code.start();
        Flow::Next
    }

    /// Never made: there is no second tier.
    EnterExecutor(state, _argument) { super::unknown(state) }

    /// Does nothing.
    Nop(state, _argument) fast { Flow::Next } slow { Flow::Next }

    /// Marks the path on which a conditional jump does not jump.
    NotTaken(state, _argument) fast { Flow::Next } slow { Flow::Next }

    /// Gives the next instruction's argument eight bits more.
    ExtendedArg(state, argument) fast { Flow::Extend(argument << 8) } slow { Flow::Extend(argument << 8) }

    /// Drops the value on top.
    PopTop(state, _argument) fast {
        let word = *state.at(1);
        if !word::closes_quietly(word) {
            return Flow::Direct;
        }
        word::close_quietly(word);
        state.stack = state.stack.sub(1);
        Flow::Next
    } direct {
        state.drop_words(1);
        Flow::Next
    }

    /// Drops the iterator of a loop.
    PopIter(state, _argument) direct {
        state.drop_words(1);
        Flow::Next
    }

    /// Drops the value left when a loop is exhausted.
    EndFor(state, _argument) {
        state.drop_words(1);
        Flow::Next
    }

    /// Drops the receiver at the end of `yield from`.
    EndSend(state, _argument) direct {
        let value = state.pop();
        let receiver = std::mem::replace(&mut *state.at(1), value);
        word::close(receiver);
        Flow::Next
    }

    /// Pushes the empty word.
    PushNull(state, _argument) fast {
        state.push(0);
        Flow::Next
    } slow { Flow::Next }

    /// Pushes the item at a depth once more.
    Copy(state, argument) fast {
        let word = *state.at(argument as usize);
        state.push(word::duplicate(word));
        Flow::Next
    } slow { Flow::Next }

    /// Swaps the value on top with the one at a depth.
    Swap(state, argument) fast {
        std::ptr::swap(state.at(1), state.at(argument as usize));
        Flow::Next
    } slow { Flow::Next }

    /// Pushes a constant.
    LoadConst(state, argument) fast {
        let word = *(*state.frame).constants.add(argument as usize);
        let form = if word::is_immortal(word) { Opcode::LoadConstImmortal } else { Opcode::LoadConstMortal };
        specialize::settle_plain(state, form);
        state.push(word::borrowed(word));
        Flow::Next
    } slow { Flow::Next }

    /// Pushes an immortal constant.
    LoadConstImmortal(state, argument) fast {
        let word = *(*state.frame).constants.add(argument as usize);
        state.push(word);
        Flow::Next
    } slow { Flow::Next }

    /// Pushes a constant that is counted.
    LoadConstMortal(state, argument) fast {
        let word = *(*state.frame).constants.add(argument as usize);
        state.push(word::borrowed(word));
        Flow::Next
    } slow { Flow::Next }

    /// Pushes the argument as an integer.
    LoadSmallInt(state, argument) fast {
        state.push(Value::int(argument as i32).bits());
        Flow::Next
    } slow { Flow::Next }
}

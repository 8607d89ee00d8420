//! Instructions that compare: rich comparisons, identity, membership.

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::word::exact;
use crate::eval::{Flow, Instruction, State, specialize, word};
use crate::slots::Comparison;
use crate::types::bool::{boolean, false_word, true_word};
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::value::Value;

/// Replaces two operands that own nothing by a truth value.
#[inline(always)]
unsafe fn truth(state: &mut State<'_>, truth: bool) -> Flow {
    // SAFETY: the stack has two operands.
    unsafe {
        state.stack = state.stack.sub(1);
        *state.at(1) = if truth { true_word() } else { false_word() };
        state.skip(1);
    }
    Flow::Next
}

/// Whether the comparison mask in the argument has the bit of an order.
#[inline(always)]
fn holds(argument: u32, less: bool, equal: bool) -> bool {
    // Bits of the mask: 1 unordered, 2 less, 4 greater, 8 equal.
    let outcome = if equal {
        8
    } else if less {
        2
    } else {
        4
    };
    argument & outcome != 0
}

instructions! {
    /// A rich comparison.
    CompareOp(state, argument) {
        specialize::compare_op(state, argument);
        let comparison = Comparison::ALL[(argument >> 5) as usize % 6];
        let result = {
            let left = state.look(2);
            let right = state.look(1);
            state.vm.compare(&left, &right, comparison)
        };
        state.drop_words(2);
        let result = attempt!(state, result);
        let result = if argument & 16 != 0 { boolean(attempt!(state, state.vm.is_true(&result))) } else { result };
        state.push_value(result);
        state.skip(1);
        Flow::Next
    }

    /// Compares ints.
    CompareOpInt(state, argument) fast {
        let (left, right) = (*state.at(2), *state.at(1));
        if left & right & 1 == 0 {
            return Flow::Slow;
        }
        let (left, right) = (left as i64, right as i64);
        truth(state, holds(argument, left < right, left == right))
    } or CompareOp

    /// Compares floats.
    CompareOpFloat(state, argument) fast {
        let (left, right) = (*state.at(2), *state.at(1));
        if left & 3 != 2 || right & 3 != 2 {
            return Flow::Slow;
        }
        let left = Value::from_bits(left).small_float().unwrap_or_default();
        let right = Value::from_bits(right).small_float().unwrap_or_default();
        truth(state, holds(argument, left < right, left == right))
    } or CompareOp

    /// Compares strings for equality.
    CompareOpStr(state, argument) {
        let equal = {
            let (left, right) = (state.look(2), state.look(1));
            match (left.downcast_exact::<Str>(), right.downcast_exact::<Str>()) {
                (Some(left), Some(right)) => Some(left.same_text(right)),
                _ => None,
            }
        };
        let Some(equal) = equal else { return <CompareOp as Instruction>::slow(state, argument) };
        state.drop_words(2);
        state.push(if equal == (argument >> 5 == 2) { true_word() } else { false_word() });
        state.skip(1);
        Flow::Next
    }

    /// `is` or `is not`.
    IsOp(state, argument) fast {
        let (left, right) = (*state.at(2), *state.at(1));
        // Two references to one object may be its last.
        if !word::closes_quietly(left) || !word::closes_quietly(right) || left == right && word::owns(left) {
            return Flow::Slow;
        }
        let same = word::untagged(left) == word::untagged(right);
        word::close_quietly(left);
        word::close_quietly(right);
        state.stack = state.stack.sub(1);
        *state.at(1) = if same == (argument == 0) { true_word() } else { false_word() };
        Flow::Next
    } slow {
        let same = word::untagged(*state.at(2)) == word::untagged(*state.at(1));
        state.drop_words(2);
        state.push_value(boolean(same == (argument == 0)));
        Flow::Next
    }

    /// `in` or `not in`.
    ContainsOp(state, argument) {
        specialize::contains_op(state);
        let result = {
            let item = state.look(2);
            let container = state.look(1);
            state.vm.contains(&container, &item)
        };
        state.drop_words(2);
        let found = attempt!(state, result);
        state.push_value(boolean(found == (argument == 0)));
        state.skip(1);
        Flow::Next
    }

    /// `in` a dict.
    ContainsOpDict(state, argument) fast {
        let (key, container) = (*state.at(2), *state.at(1));
        let Some(dict) = exact::<Dict>(container) else { return Flow::Slow };
        if dict.glance(key).is_none() || !word::closes_quietly(container) || !word::closes_quietly(key) {
            return Flow::Slow;
        }
        word::close_quietly(container);
        word::close_quietly(key);
        *state.at(2) = if argument == 0 { true_word() } else { false_word() };
        state.stack = state.at(1);
        state.skip(1);
        Flow::Next
    } slow {
        let container = state.look(1);
        let Some(dict) = container.downcast_exact::<Dict>() else {
            return <ContainsOp as Instruction>::slow(state, argument);
        };
        let found = { let item = state.look(2); dict.contains(state.vm, &item) };
        state.drop_words(2);
        let found = attempt!(state, found);
        state.push(if found == (argument == 0) { true_word() } else { false_word() });
        state.skip(1);
        Flow::Next
    }

    /// `in` a set.
    ContainsOpSet = ContainsOp;
}

//! Instructions that compare: rich comparisons, identity, membership.

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::word::exact;
use crate::eval::{Flow, Instruction, State, raised_or_word, specialize, word};
use crate::exceptions::PyResult;
use crate::object::Header;
use crate::slots::{Compare, Comparison};
use crate::types::bool::{as_bool, boolean, false_word, true_word};
use crate::types::dict::Dict;
use crate::types::none::is_not_implemented;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Replaces two operands, which own nothing any more, by a truth value.
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

/// The function that compares two objects of one type.
#[inline(always)]
unsafe fn shared_slot(left: u64, right: u64) -> Option<Compare> {
    if !word::is_pointer(left) || !word::is_pointer(right) {
        return None;
    }
    // SAFETY: pointers on the stack are of objects that are alive.
    unsafe {
        let typ = (*(word::untagged(left) as *const Header)).type_of();
        let same = std::ptr::eq(typ, (*(word::untagged(right) as *const Header)).type_of());
        if same { typ.slots().compare.get() } else { None }
    }
}

/// The word of what a type's own comparison answered, 0 where there is an exception; gives the operands back.
#[inline(never)]
unsafe fn settled_word(vm: &Vm, result: PyResult, left: u64, right: u64, argument: u32) -> u64 {
    // SAFETY: the words leave the stack.
    unsafe {
        let result = match result {
            Ok(answer) if is_not_implemented(&answer) => {
                let comparison = Comparison::of_argument(argument);
                vm.compare_reflected(&word::look(left), &word::look(right), comparison)
            }
            other => other,
        };
        word::close(right);
        word::close(left);
        raised_or_word(vm, result.and_then(|answer| asked_truth(vm, answer, argument)))
    }
}

/// The answer of a comparison, or its truth where the instruction asks for that.
#[inline(always)]
fn asked_truth(vm: &Vm, answer: Value, argument: u32) -> PyResult {
    if argument & 16 == 0 || as_bool(&answer).is_some() {
        Ok(answer)
    } else {
        vm.is_true(&answer).map(boolean)
    }
}

/// The word of a comparison's result, 0 where it raised an exception; gives the operands back.
#[inline(never)]
unsafe fn compared_word(vm: &Vm, left: u64, right: u64, argument: u32) -> u64 {
    // SAFETY: the words leave the stack.
    unsafe {
        let comparison = Comparison::of_argument(argument);
        let result = vm.compare(&word::look(left), &word::look(right), comparison);
        word::close(right);
        word::close(left);
        raised_or_word(vm, result.and_then(|answer| asked_truth(vm, answer, argument)))
    }
}

/// Replaces two operands by the result of their comparison.
#[inline(always)]
unsafe fn compare(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the stack has two operands.
    unsafe {
        let word = compared_word(state.vm, *state.at(2), *state.at(1), argument);
        state.stack = state.at(2);
        if word == 0 {
            return Flow::Raise;
        }
        state.push(word);
        state.skip(1);
    }
    Flow::Next
}

instructions! {
    /// A rich comparison.
    CompareOp(state, argument) fast {
        if specialize::is_nearly_due(state) { Flow::Slow } else { Flow::Direct }
    } direct {
        specialize::count_down(state);
        let (left, right) = (state.at(2), state.at(1));
        let Some(slot) = shared_slot(*left, *right) else { return compare(state, argument) };
        let (left_word, right_word) = (*left, *right);
        *left = word::untagged(left_word);
        *right = word::untagged(right_word);
        let comparison = Comparison::of_argument(argument);
        let result = slot(state.vm, &*left.cast::<Value>(), &*right.cast::<Value>(), comparison);
        state.stack = left;
        let word = match result {
            Ok(truth) if as_bool(&truth).is_some() => {
                word::close(right_word);
                word::close(left_word);
                truth.into_bits()
            }
            other => settled_word(state.vm, other, left_word, right_word, argument),
        };
        if word == 0 {
            return Flow::Raise;
        }
        state.push(word);
        state.skip(1);
        Flow::Next
    } slow {
        specialize::compare_op(state, argument);
        compare(state, argument)
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
    CompareOpStr(state, argument) fast {
        let (left, right) = (*state.at(2), *state.at(1));
        let Some(first) = exact::<Str>(left) else { return Flow::Slow };
        let Some(second) = exact::<Str>(right) else { return Flow::Slow };
        // Variables and constants need not be given back, which leaves little to do.
        let same = std::ptr::eq(first, second);
        if word::owns(left) && !first.header().is_immortal()
            || word::owns(right) && !second.header().is_immortal()
            || !same && !first.differs_at_sight(second)
        {
            return Flow::Direct;
        }
        truth(state, same == (argument >> 5 == Comparison::Equal as u32))
    } direct {
        let (left, right) = (*state.at(2), *state.at(1));
        let (Some(first), Some(second)) = (exact::<Str>(left), exact::<Str>(right)) else { return Flow::Slow };
        let same = first.same_text(second);
        word::close(right);
        word::close(left);
        truth(state, same == (argument >> 5 == Comparison::Equal as u32))
    } or CompareOp

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

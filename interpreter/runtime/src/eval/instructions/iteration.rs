//! Instructions for `for` loops.

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::{Flow, State, specialize, word};
use crate::object::{Object, Payload};
use crate::types::iterators::{ListIterator, RangeIterator, TupleIterator};
use crate::value::Value;

/// The iterator on top, if it is exactly of a type.
#[inline(always)]
unsafe fn iterator<'a, T: Payload>(state: &State<'_>) -> Option<&'a Object<T>> {
    // SAFETY: the stack has an iterator.
    unsafe {
        let word = *state.at(1);
        if !word::is_pointer(word) {
            return None;
        }
        let object = &*(word::untagged(word) as *const Object<T>);
        std::ptr::eq(object.type_of(), T::static_type()).then_some(object)
    }
}

/// Jumps behind the loop: past the instruction that drops the end's value.
#[inline(always)]
unsafe fn end(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the target lies within the code.
    unsafe {
        state.skip(1);
        state.jump(argument as isize + 1);
    }
    Flow::Next
}

instructions! {
    /// Calls `iter`.
    GetIter(state, _argument) {
        let result = { let iterable = state.look(1); state.vm.iter(&iterable) };
        state.drop_words(1);
        let iterator = attempt!(state, result);
        state.push_value(iterator);
        Flow::Next
    }

    /// Pushes the next item, or jumps behind the loop.
    ForIter(state, argument) {
        specialize::for_iter(state);
        let next = { let iterator = state.look(1); state.vm.next(&iterator) };
        match attempt!(state, next) {
            Some(value) => {
                state.push_value(value);
                state.skip(1);
                Flow::Next
            }
            None => end(state, argument),
        }
    }

    /// Over a list.
    ForIterList(state, argument) fast {
        let Some(iterator) = iterator::<ListIterator>(state) else { return Flow::Slow };
        let Some(found) = iterator.next_word() else { return Flow::Slow };
        state.push(word::duplicate(found));
        state.skip(1);
        Flow::Next
    } or ForIter

    /// Over a tuple.
    ForIterTuple(state, argument) fast {
        let Some(iterator) = iterator::<TupleIterator>(state) else { return Flow::Slow };
        let Some(found) = iterator.next_word() else { return Flow::Slow };
        state.push(word::duplicate(found));
        state.skip(1);
        Flow::Next
    } or ForIter

    /// Over a range.
    ForIterRange(state, argument) fast {
        let Some(iterator) = iterator::<RangeIterator>(state) else { return Flow::Slow };
        match iterator.peek() {
            Some(number) => {
                let Some(value) = Value::from_small_int(number) else { return Flow::Slow };
                iterator.advance();
                state.push(value.into_bits());
                state.skip(1);
                Flow::Next
            }
            None => end(state, argument),
        }
    } or ForIter

    /// Over a generator.
    ForIterGen(state, argument) fast {
        super::generators::enter_quickly(state, argument)
    } slow {
        match super::generators::enter_for_next(state, argument) {
            Some(flow) => flow,
            None => <ForIter as crate::eval::Instruction>::slow(state, argument),
        }
    }

    /// With `sys.monitoring` at work.
    InstrumentedForIter = ForIter;
    /// With `sys.monitoring` at work.
    InstrumentedEndFor = super::EndFor;
}

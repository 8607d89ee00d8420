//! Instructions for `for` loops.

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::{Flow, State, raised_or_word, specialize, word};
use crate::object::{Object, Payload};
use crate::types::iterators::{ListIterator, RangeIterator, TupleIterator};
use crate::value::Value;
use crate::vm::Vm;

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

/// The word of an object's iterator, 0 where asking raised an exception; gives the object back.
#[inline(never)]
unsafe fn iterator_word(vm: &Vm, word: u64) -> u64 {
    // SAFETY: the word leaves the stack.
    unsafe {
        let iterator = vm.iter(&word::look(word));
        word::close(word);
        raised_or_word(vm, iterator)
    }
}

/// What [`next_word`] answers at the end; no value has that word.
const EXHAUSTED: u64 = word::BORROWED;

/// The word of an iterator's next item, 0 where asking raised an exception.
#[inline(never)]
unsafe fn next_word(vm: &Vm, word: u64) -> u64 {
    // SAFETY: the iterator stays on the stack.
    let iterator = unsafe { word::look(word) };
    match vm.next(&iterator) {
        Ok(Some(value)) => value.into_bits(),
        Ok(None) => EXHAUSTED,
        Err(exception) => {
            vm.set_raised(exception);
            0
        }
    }
}

instructions! {
    /// Calls `iter`.
    GetIter(state, _argument) direct {
        let top = state.at(1);
        let iterator = iterator_word(state.vm, *top);
        if iterator == 0 {
            state.stack = top;
            return Flow::Raise;
        }
        *top = iterator;
        Flow::Next
    }

    /// Pushes the next item, or jumps behind the loop.
    ForIter(state, argument) fast {
        if specialize::is_nearly_due(state) { Flow::Slow } else { Flow::Direct }
    } direct {
        specialize::count_down(state);
        match next_word(state.vm, *state.at(1)) {
            0 => Flow::Raise,
            EXHAUSTED => end(state, argument),
            word => {
                state.push(word);
                state.skip(1);
                Flow::Next
            }
        }
    } slow {
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

//! Instructions that make, fill and unpack containers, and strings out of parts.

use rspy_code::opcode::Opcode;
use rspy_code::operation::{Conversion, UnaryIntrinsic};

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::word::exact;
use crate::eval::{Flow, State, specialize, word};
use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::set::Set;
use crate::types::slice::Slice;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;

/// Takes the topmost words as values, the deepest first.
unsafe fn take_values(state: &mut State<'_>, count: usize) -> Vec<Value> {
    // SAFETY: the stack has as many words, none of them nothing.
    unsafe {
        let start = state.at(count);
        state.stack = start;
        (0..count).map(|index| word::take(*start.add(index))).collect()
    }
}

/// Unpacks a value onto the stack, the first item on top.
unsafe fn unpack(state: &mut State<'_>, value: &Value, before: usize, after: Option<usize>) -> PyResult<()> {
    let vm = state.vm;
    let items = match value.downcast_exact::<Tuple>() {
        Some(tuple) => Some(tuple.items().to_vec()),
        None => value.downcast_exact::<List>().map(|list| list.to_vec()),
    };
    let expected = before + after.unwrap_or(0);
    let mut items = match items {
        Some(items) => items,
        None => {
            let Ok(iterator) = vm.iter(value) else {
                let error = vm.iter(value);
                return match error {
                    Err(error) if error.is_type_error() && value.type_of().slots().iter.get().is_none() => {
                        Err(vm.type_error(format!(
                            "cannot unpack non-iterable {} object",
                            value.type_of().full_name()
                        )))
                    }
                    Err(error) => Err(error),
                    Ok(_) => Ok(()),
                };
            };
            let mut items = Vec::with_capacity(expected);
            while after.is_some() || items.len() <= expected {
                match vm.next(&iterator)? {
                    Some(item) => items.push(item),
                    None => break,
                }
            }
            items
        }
    };
    let length = items.len();
    if after.is_none() && length != expected {
        let known = value.downcast_exact::<Tuple>().is_some()
            || value.downcast_exact::<List>().is_some()
            || value.downcast_exact::<Dict>().is_some();
        return Err(vm.value_error(if length < expected {
            format!("not enough values to unpack (expected {expected}, got {length})")
        } else if known {
            let length = vm.length(value)?;
            format!("too many values to unpack (expected {expected}, got {length})")
        } else {
            format!("too many values to unpack (expected {expected})")
        }));
    }
    if length < expected {
        return Err(vm.value_error(format!(
            "not enough values to unpack (expected at least {expected}, got {length})"
        )));
    }
    // SAFETY: the code's stack size has room for all of them.
    unsafe {
        if let Some(after) = after {
            let tail = items.split_off(length - after);
            for item in tail.into_iter().rev() {
                state.push_value(item);
            }
            let middle = items.split_off(before);
            state.push_value(List::from_vec(middle).into_value());
        }
        for item in items.into_iter().rev() {
            state.push_value(item);
        }
    }
    Ok(())
}

/// Unpacks items onto the stack in the place of their sequence, the first on top.
#[inline(always)]
unsafe fn unpack_quickly(state: &mut State<'_>, sequence: u64, items: &[Value], expected: usize) -> Flow {
    // SAFETY: the code's stack size has room for all of them; the sequence is alive until its word is closed.
    unsafe {
        if items.len() != expected || !word::closes_quietly(sequence) {
            return Flow::Slow;
        }
        state.stack = state.stack.sub(1);
        let mut index = expected;
        while index > 0 {
            index -= 1;
            state.push(word::duplicate(items.get_unchecked(index).bits()));
        }
        word::close_quietly(sequence);
        state.skip(1);
    }
    Flow::Next
}

/// The word of a tuple that takes words over.
#[inline(never)]
unsafe fn tuple_word(start: *const u64, count: usize) -> u64 {
    // SAFETY: the words leave the stack.
    let values = (0..count).map(|index| unsafe { word::take(*start.add(index)) });
    Tuple::from_values(values).into_value().into_bits()
}

/// The word of a list that takes words over.
#[inline(never)]
unsafe fn list_word(start: *const u64, count: usize) -> u64 {
    // SAFETY: the words leave the stack.
    let values = (0..count).map(|index| unsafe { word::take(*start.add(index)) });
    List::from_vec(values.collect()).into_value().into_bits()
}

/// Whether the next instruction makes a tuple of the list on top.
#[inline(always)]
unsafe fn makes_tuple_next(state: &State<'_>) -> bool {
    const NEXT: u16 = (UnaryIntrinsic::ListToTuple as u16) << 8 | Opcode::CallIntrinsic1 as u16;
    // SAFETY: another instruction follows.
    unsafe { (*state.next).get() == NEXT }
}

/// The word of a tuple of the values of a list, which nobody else sees, and of a tuple; both are given back. 0 for something
/// else than these, which stays as it is.
#[inline(never)]
unsafe fn spread_word(list: u64, more: u64) -> u64 {
    // SAFETY: the words are on the stack and leave it.
    unsafe {
        let (Some(first), Some(rest)) = (exact::<List>(list), exact::<Tuple>(more)) else { return 0 };
        if !word::owns(list) || first.header().reference_count() != 1 {
            return 0;
        }
        let tuple = if first.is_empty() {
            rest.to_value()
        } else {
            let first = first.items().take();
            let count = first.len() + rest.items().len();
            let tuple = Tuple::filled(count, |places| {
                first.into_iter().for_each(|value| places.push(value));
                rest.items().iter().for_each(|value| places.push(value.clone()));
            });
            tuple.into_value()
        };
        word::close(list);
        word::close(more);
        tuple.into_bits()
    }
}

instructions! {
    /// Makes a tuple.
    BuildTuple(state, argument) direct {
        let start = state.at(argument as usize);
        *start = tuple_word(start, argument as usize);
        state.stack = start.add(1);
        Flow::Next
    }

    /// Makes a list.
    BuildList(state, argument) direct {
        let start = state.at(argument as usize);
        *start = list_word(start, argument as usize);
        state.stack = start.add(1);
        Flow::Next
    }

    /// Makes a set.
    BuildSet(state, argument) {
        let values = take_values(state, argument as usize);
        let set = Set::new();
        for value in &values {
            attempt!(state, set.add(state.vm, value));
        }
        state.push_value(set.into_value());
        Flow::Next
    }

    /// Makes a dict of alternating keys and values.
    BuildMap(state, argument) {
        let values = take_values(state, argument as usize * 2);
        let dict = Dict::with_capacity(argument as usize);
        let mut values = values.into_iter();
        while let (Some(key), Some(value)) = (values.next(), values.next()) {
            attempt!(state, dict.set(state.vm, &key, value));
        }
        state.push_value(dict.into_value());
        Flow::Next
    }

    /// Makes a slice.
    BuildSlice(state, argument) {
        let step = if argument == 3 { state.pop_value() } else { crate::types::none::none() };
        let stop = state.pop_value();
        let start = state.pop_value();
        state.push_value(Slice::new(start, stop, step).into_value());
        Flow::Next
    }

    /// Joins strings.
    BuildString(state, argument) {
        let values = take_values(state, argument as usize);
        let mut kind = crate::types::string::Kind::Ascii;
        let texts: Vec<&Object<Str>> = values.iter().filter_map(|value| value.downcast::<Str>()).collect();
        for text in &texts {
            kind = kind.max(text.kind());
        }
        let parts: Vec<_> = texts.iter().map(|text| text.characters()).collect();
        let joined = crate::types::string::build::join(&parts, kind);
        state.push_value(joined.into_value());
        Flow::Next
    }

    /// Makes a template string from its strings and its interpolations.
    BuildTemplate(state, _argument) {
        let interpolations = state.pop_value();
        let strings = state.pop_value();
        let template = attempt!(state, crate::types::template::make_template(state.vm, strings, interpolations));
        state.push_value(template);
        Flow::Next
    }

    /// Makes an interpolation of a template string.
    BuildInterpolation(state, argument) {
        let format = if argument & 1 != 0 { state.pop_value() } else { Str::empty().into_value() };
        let expression = state.pop_value();
        let value = state.pop_value();
        let made = crate::types::template::make_interpolation(state.vm, value, expression, argument >> 2, format);
        state.push_value(attempt!(state, made));
        Flow::Next
    }

    /// Formats a value as an f-string does without a format.
    FormatSimple(state, _argument) {
        let value = state.look(1);
        if value.downcast_exact::<Str>().is_some() {
            return Flow::Next;
        }
        let result = state.vm.format(&value, &Str::empty());
        state.drop_words(1);
        let result = attempt!(state, result);
        state.push_value(result.into_value());
        Flow::Next
    }

    /// Formats a value with a format.
    FormatWithSpec(state, _argument) {
        let result = {
            let value = state.look(2);
            let spec = state.look(1);
            match spec.downcast::<Str>() {
                Some(spec) => state.vm.format(&value, spec),
                None => Err(state.vm.type_error("format specification must be str")),
            }
        };
        state.drop_words(2);
        let result = attempt!(state, result);
        state.push_value(result.into_value());
        Flow::Next
    }

    /// `str`, `repr` or `ascii` of the value on top.
    ConvertValue(state, argument) {
        let result = {
            let value = state.look(1);
            match Conversion::from_number(argument) {
                Some(Conversion::Repr) => state.vm.repr(&value),
                Some(Conversion::Ascii) => state.vm.ascii(&value),
                _ => state.vm.str(&value),
            }
        };
        state.drop_words(1);
        let result = attempt!(state, result);
        state.push_value(result.into_value());
        Flow::Next
    }

    /// Appends to the list of a comprehension.
    ListAppend(state, argument) fast {
        let list = &*(word::untagged(*state.at(argument as usize + 1)) as *const Object<List>);
        let items = &mut *list.items().as_ptr();
        let length = items.len();
        if length == items.capacity() {
            return Flow::Slow;
        }
        items.as_mut_ptr().add(length).cast::<u64>().write(word::keep(*state.at(1)));
        items.set_len(length + 1);
        state.stack = state.stack.sub(1);
        Flow::Next
    } slow {
        let value = state.pop_value();
        let list = state.look(argument as usize);
        if let Some(list) = list.downcast::<List>() {
            list.push(value);
        }
        Flow::Next
    }

    /// Adds to the set of a comprehension.
    SetAdd(state, argument) {
        let value = state.pop_value();
        let set = state.look(argument as usize);
        let Some(set) = set.downcast::<Set>() else {
            let message = format!("'{}' object is not a set", set.type_of().full_name());
            return state.raise(state.vm.type_error(message));
        };
        attempt!(state, set.add(state.vm, &value));
        Flow::Next
    }

    /// Adds to the dict of a comprehension.
    MapAdd(state, argument) {
        let value = state.pop_value();
        let key = state.pop_value();
        let dict = state.look(argument as usize);
        if let Some(dict) = dict.downcast::<Dict>() {
            attempt!(state, dict.set(state.vm, &key, value));
        }
        Flow::Next
    }

    /// Extends a list by an iterable. Of the list that stands for the arguments of a call a tuple is made at once.
    ListExtend(state, argument) direct {
        let place = state.at(argument as usize + 1);
        if argument != 1 || !makes_tuple_next(state) {
            return Flow::Slow;
        }
        let tuple = spread_word(*place, *state.at(1));
        if tuple == 0 {
            return Flow::Slow;
        }
        *place = tuple;
        state.stack = place.add(1);
        state.skip(1);
        Flow::Next
    } slow {
        let iterable = state.pop_value();
        let list = state.look(argument as usize);
        if let Some(list) = list.downcast::<List>()
            && let Err(error) = list.extend_from(state.vm, &iterable)
        {
            let slots = iterable.type_of().slots();
            if error.is_type_error() && slots.iter.get().is_none() && slots.item.get().is_none() && slots.get_item.get().is_none() {
                return state.raise(state.vm.type_error(format!(
                    "Value after * must be an iterable, not {}",
                    iterable.type_of().full_name()
                )));
            }
            return state.raise(error);
        }
        Flow::Next
    }

    /// Updates a set from an iterable.
    SetUpdate(state, argument) {
        let iterable = state.pop_value();
        let set = state.look(argument as usize);
        if let Some(set) = set.downcast::<Set>() {
            attempt!(state, set.update_from(state.vm, &iterable));
        }
        Flow::Next
    }

    /// Updates a dict from a mapping.
    DictUpdate(state, argument) {
        let mapping = state.pop_value();
        let dict = state.look(argument as usize);
        if let Some(dict) = dict.downcast::<Dict>()
            && let Err(error) = crate::types::dict::protocol::update_from(state.vm, dict, &mapping)
        {
            if error.is_attribute_error() {
                return state.raise(state.vm.type_error(format!(
                    "'{}' object is not a mapping",
                    mapping.type_of().full_name()
                )));
            }
            return state.raise(error);
        }
        Flow::Next
    }

    /// Merges keyword arguments, refusing duplicates.
    DictMerge(state, argument) {
        let mapping = state.pop_value();
        let depth = argument as usize;
        let callable = crate::object::Borrow::clone_value(&state.look(depth + 3));
        let dict = state.look(depth);
        if let Some(dict) = dict.downcast::<Dict>() {
            attempt!(state, crate::types::dict::protocol::merge_keywords(state.vm, dict, &mapping, &callable));
        }
        Flow::Next
    }

    /// Unpacks an iterable of known length.
    UnpackSequence(state, argument) {
        specialize::unpack_sequence(state, argument);
        let value = state.pop_value();
        attempt!(state, unpack(state, &value, argument as usize, None));
        state.skip(1);
        Flow::Next
    }

    /// Unpacks a pair.
    UnpackSequenceTwoTuple(state, argument) fast {
        let word = *state.at(1);
        if !word::is_pointer(word) {
            return Flow::Slow;
        }
        let object = &*(word::untagged(word) as *const Object<Tuple>);
        if !std::ptr::eq(object.type_of(), <Tuple as crate::object::Payload>::static_type())
            || !word::closes_quietly(word)
        {
            return Flow::Slow;
        }
        let [first, second] = object.items() else { return Flow::Slow };
        let (first, second) = (word::duplicate(first.bits()), word::duplicate(second.bits()));
        word::close_quietly(word);
        *state.at(1) = second;
        state.push(first);
        state.skip(1);
        Flow::Next
    } or UnpackSequence

    /// Unpacks a tuple.
    UnpackSequenceTuple(state, argument) fast {
        let word = *state.at(1);
        let Some(tuple) = exact::<Tuple>(word) else { return Flow::Slow };
        unpack_quickly(state, word, tuple.items(), argument as usize)
    } or UnpackSequence

    /// Unpacks a list.
    UnpackSequenceList(state, argument) fast {
        let word = *state.at(1);
        let Some(list) = exact::<List>(word) else { return Flow::Slow };
        unpack_quickly(state, word, &*list.items().as_ptr(), argument as usize)
    } or UnpackSequence

    /// Unpacks an iterable around a starred target.
    UnpackEx(state, argument) {
        let value = state.pop_value();
        attempt!(state, unpack(state, &value, (argument & 0xff) as usize, Some((argument >> 8) as usize)));
        Flow::Next
    }
}

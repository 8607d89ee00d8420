//! Instructions for arithmetic, subscripts and truth.

use std::ptr::NonNull;

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::word::exact;
use crate::eval::{Flow, State, raised_or_word, specialize, word};
use crate::object::Object;
use crate::types::bool::{boolean, false_word, true_word};
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::none::none_word;
use crate::types::slice::Slice;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Two tagged ints from the top of the stack, tags stripped from the second only: enough to add and compare.
#[inline(always)]
unsafe fn ints(state: &State<'_>) -> Option<(i64, i64)> {
    // SAFETY: the stack has two operands.
    let (left, right) = unsafe { (*state.at(2), *state.at(1)) };
    if left & right & 1 == 0 { None } else { Some((left as i64, right as i64)) }
}

/// Two floats in words from the top of the stack.
#[inline(always)]
unsafe fn floats(state: &State<'_>) -> Option<(f64, f64)> {
    // SAFETY: the stack has two operands; words of floats and ints own nothing.
    unsafe {
        let (left, right) = (*state.at(2), *state.at(1));
        if left & 3 != 2 || right & 3 != 2 {
            return None;
        }
        Some((
            Value::from_bits(left).small_float().unwrap_or_default(),
            Value::from_bits(right).small_float().unwrap_or_default(),
        ))
    }
}

/// Replaces two operands that own nothing by a result.
#[inline(always)]
unsafe fn result(state: &mut State<'_>, word: u64, caches: usize) -> Flow {
    // SAFETY: the stack has two operands.
    unsafe {
        state.stack = state.stack.sub(1);
        *state.at(1) = word;
        state.skip(caches);
    }
    Flow::Next
}

#[inline(always)]
unsafe fn float_result(state: &mut State<'_>, value: f64) -> Flow {
    match Value::from_small_float(value) {
        // SAFETY: as for `result`.
        Some(value) => unsafe { result(state, value.into_bits(), 5) },
        None => Flow::Slow,
    }
}

/// The item of a sequence by an index in a word; closes both operands.
#[inline(always)]
unsafe fn item(state: &mut State<'_>, found: u64) -> Flow {
    // SAFETY: the stack has the container and an index in a word.
    unsafe {
        let container = *state.at(2);
        let found = word::duplicate(found);
        if !word::closes_quietly(container) {
            word::close_quietly(found);
            return Flow::Slow;
        }
        word::close_quietly(container);
        result(state, found, 5)
    }
}

/// Where a slice of a sequence begins and ends, if its bounds are small ints or absent.
fn plain_range(start: &Value, stop: &Value, length: usize) -> Option<(usize, usize)> {
    let position = |bound: &Value, absent: usize| {
        if crate::types::none::is_none(bound) {
            return Some(absent);
        }
        let bound = bound.small_int()?;
        let bound = if bound < 0 { (bound + length as i64).max(0) } else { bound };
        Some((bound as usize).min(length))
    };
    let stop = position(stop, length)?;
    Some((position(start, 0)?.min(stop), stop))
}

/// `sequence[start:stop]` where nothing has to be called for it.
fn plain_slice(sequence: &Value, start: &Value, stop: &Value) -> Option<Value> {
    let length = if let Some(list) = sequence.downcast_exact::<List>() {
        list.len()
    } else if let Some(tuple) = sequence.downcast_exact::<Tuple>() {
        tuple.items().len()
    } else if let Some(bytes) = sequence.downcast_exact::<Bytes>() {
        bytes.len()
    } else if let Some(array) = sequence.downcast_exact::<ByteArray>() {
        array.len()
    } else {
        sequence.downcast_exact::<Str>()?.length()
    };
    let (start, stop) = plain_range(start, stop, length)?;
    Some(if let Some(list) = sequence.downcast_exact::<List>() {
        let part = list.items().borrow()[start..stop].to_vec();
        List::from_vec(part).into_value()
    } else if let Some(tuple) = sequence.downcast_exact::<Tuple>() {
        if stop - start == length {
            return Some(tuple.to_value());
        }
        Tuple::from_slice(&tuple.items()[start..stop]).into_value()
    } else if let Some(bytes) = sequence.downcast_exact::<Bytes>() {
        if stop - start == length {
            return Some(bytes.to_value());
        }
        Bytes::new(&bytes.as_slice()[start..stop]).into_value()
    } else if let Some(array) = sequence.downcast_exact::<ByteArray>() {
        ByteArray::new(array.borrow()[start..stop].to_vec()).into_value()
    } else {
        sequence.downcast_exact::<Str>()?.slice(start, stop).into_value()
    })
}

/// Enters the `__getitem__` of a class whose version is in the cache, as a call.
unsafe fn enter_getitem(state: &mut State<'_>) -> Option<Flow> {
    // SAFETY: the stack has the container and the key, which become the arguments.
    unsafe {
        let word = *state.at(2);
        if !word::is_pointer(word) {
            return None;
        }
        let typ = (*(word::untagged(word) as *const crate::object::Header)).type_of();
        if typ.current_version() == 0 || typ.current_version() != state.cache_wide(1) {
            return None;
        }
        let vm = state.vm;
        let method = typ.lookup(vm, &crate::names::__getitem__)?;
        method.downcast_exact::<crate::types::function::Function>()?;
        if vm.enter_call().is_err() {
            return None;
        }
        let first = state.at(2);
        state.stack = first;
        Some(
            match crate::eval::call::push_frame(vm, method, first, 2, None, crate::eval::frame::Owner::Call) {
                Ok(frame) => super::calls::enter_frame(state, frame, 6),
                Err(error) => {
                    vm.leave_call();
                    state.raise(error)
                }
            },
        )
    }
}

/// Replaces two strings by their concatenation, made in place of the left one; answers whether that could be.
unsafe fn append(state: &mut State<'_>) -> bool {
    // SAFETY: the stack has two operands; the variable gives its reference up and is about to be set.
    unsafe {
        let (left, right) = (*state.at(2), *state.at(1));
        let Some(variable) = specialize::stored_back(state) else { return false };
        let (Some(_), Some(new)) = (exact::<Str>(left), exact::<Str>(right)) else { return false };
        if word::untagged(left) == word::untagged(right) || !word::closes_quietly(left) {
            return false;
        }
        // From here on the variable's reference is the only one that is ours.
        word::close_quietly(left);
        let text = crate::object::Ref::<Str>::from_raw(NonNull::new_unchecked(*variable as *mut Object<Str>));
        match crate::types::string::build::append(text, new) {
            Ok(longer) => {
                *variable = 0;
                let right = state.pop();
                *state.at(1) = longer.into_value().into_bits();
                word::close(right);
                true
            }
            Err(same) => {
                *state.at(2) = word::borrowed(*variable);
                std::mem::forget(same);
                false
            }
        }
    }
}

/// A non-negative index in a word.
#[inline(always)]
fn index(word: u64) -> Option<usize> {
    (word & 1 != 0 && (word as i64) >= 0).then_some((word >> 1) as usize)
}

/// The word of an object's truth, 0 where asking raised an exception; gives the object back.
#[inline(never)]
unsafe fn truth_word(vm: &Vm, word: u64) -> u64 {
    // SAFETY: the word leaves the stack.
    unsafe {
        let truth = vm.is_true(&word::look(word));
        word::close(word);
        match truth {
            Ok(true) => true_word(),
            Ok(false) => false_word(),
            Err(exception) => {
                vm.set_raised(exception);
                0
            }
        }
    }
}

/// The word of a binary operation's result, 0 where it raised an exception; gives the operands back.
#[inline(never)]
unsafe fn operation_word(vm: &Vm, left: u64, right: u64, argument: u32) -> u64 {
    // SAFETY: the words leave the stack.
    unsafe {
        let result = vm.binary_operation_inline(argument, &word::look(left), &word::look(right));
        word::close(right);
        word::close(left);
        raised_or_word(vm, result)
    }
}

/// Replaces two operands by the result of a binary operation.
#[inline(always)]
unsafe fn operate(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the stack has two operands.
    unsafe {
        let word = operation_word(state.vm, *state.at(2), *state.at(1), argument);
        state.stack = state.at(2);
        if word == 0 {
            return Flow::Raise;
        }
        state.push(word);
        state.skip(5);
    }
    Flow::Next
}

instructions! {
    /// A binary or augmented operation.
    BinaryOp(state, argument) fast {
        if specialize::is_nearly_due(state) { Flow::Slow } else { Flow::Direct }
    } direct {
        specialize::count_down(state);
        operate(state, argument)
    } slow {
        specialize::binary_op(state, argument);
        operate(state, argument)
    }

    /// `int + int`.
    BinaryOpAddInt(state, _argument) fast {
        let Some((left, right)) = ints(state) else { return Flow::Slow };
        match left.checked_add(right - 1) {
            Some(sum) => result(state, sum as u64, 5),
            None => Flow::Slow,
        }
    } or BinaryOp

    /// `int - int`.
    BinaryOpSubtractInt(state, _argument) fast {
        let Some((left, right)) = ints(state) else { return Flow::Slow };
        match left.checked_sub(right - 1) {
            Some(difference) => result(state, difference as u64, 5),
            None => Flow::Slow,
        }
    } or BinaryOp

    /// `int * int`.
    BinaryOpMultiplyInt(state, _argument) fast {
        let Some((left, right)) = ints(state) else { return Flow::Slow };
        match (left - 1).checked_mul(right >> 1) {
            Some(product) => result(state, (product | 1) as u64, 5),
            None => Flow::Slow,
        }
    } or BinaryOp

    /// `float + float`.
    BinaryOpAddFloat(state, _argument) fast {
        let Some((left, right)) = floats(state) else { return Flow::Slow };
        float_result(state, left + right)
    } or BinaryOp

    /// `float - float`.
    BinaryOpSubtractFloat(state, _argument) fast {
        let Some((left, right)) = floats(state) else { return Flow::Slow };
        float_result(state, left - right)
    } or BinaryOp

    /// `float * float`.
    BinaryOpMultiplyFloat(state, _argument) fast {
        let Some((left, right)) = floats(state) else { return Flow::Slow };
        float_result(state, left * right)
    } or BinaryOp

    /// `str + str`.
    BinaryOpAddUnicode = BinaryOp;
    /// `name += str`, in place where nobody else has the string.
    BinaryOpInplaceAddUnicode(state, argument) {
        if append(state) {
            state.skip(5);
            return Flow::Next;
        }
        <BinaryOp as crate::eval::Instruction>::slow(state, argument)
    }
    /// Further pairs of types.
    BinaryOpExtend(state, argument) fast {
        // Mixed operands, and the operators without an instruction of their own.
        let (left, right) = (*state.at(2), *state.at(1));
        if left & right & 1 != 0 {
            let (left, right) = (left as i64, right as i64);
            return match argument {
                1 => result(state, (left & right) as u64, 5),
                7 | 20 => result(state, (left | right) as u64, 5),
                12 | 25 => result(state, ((left ^ right) | 1) as u64, 5),
                14 => result(state, (left & right) as u64, 5),
                9 | 22 if (0..126).contains(&right) => result(state, ((left >> (right >> 1)) | 1) as u64, 5),
                2 | 15 if right > 1 && left > 0 => {
                    result(state, ((((left >> 1) / (right >> 1)) << 1) | 1) as u64, 5)
                }
                6 | 19 if right > 1 && left > 0 => {
                    result(state, ((((left >> 1) % (right >> 1)) << 1) | 1) as u64, 5)
                }
                3 | 16 if (1..64).contains(&right) => {
                    let count = right >> 1;
                    let value = left >> 1;
                    let shifted = value << count;
                    if shifted >> count != value || (shifted << 1) >> 1 != shifted {
                        return Flow::Slow;
                    }
                    result(state, ((shifted << 1) | 1) as u64, 5)
                }
                _ => Flow::Slow,
            };
        }
        let number = |word: u64| {
            if word & 1 != 0 {
                Some(((word as i64) >> 1) as f64)
            } else if word & 3 == 2 {
                // SAFETY: the word of a float owns nothing.
                unsafe { Value::from_bits(word) }.small_float()
            } else {
                None
            }
        };
        let (Some(left), Some(right)) = (number(left), number(right)) else { return Flow::Slow };
        match argument {
            0 | 13 => float_result(state, left + right),
            10 | 23 => float_result(state, left - right),
            5 | 18 => float_result(state, left * right),
            11 | 24 if right != 0.0 => float_result(state, left / right),
            _ => Flow::Slow,
        }
    } or BinaryOp

    /// `list[int]`.
    BinaryOpSubscrListInt(state, _argument) fast {
        let Some(list) = exact::<List>(*state.at(2)) else { return Flow::Slow };
        let Some(index) = index(*state.at(1)) else { return Flow::Slow };
        let items = &*list.items().as_ptr();
        match items.get(index) {
            Some(found) => item(state, found.bits()),
            None => Flow::Slow,
        }
    } or BinaryOp

    /// `list[slice]`.
    BinaryOpSubscrListSlice = BinaryOp;

    /// `tuple[int]`.
    BinaryOpSubscrTupleInt(state, _argument) fast {
        let Some(tuple) = exact::<Tuple>(*state.at(2)) else { return Flow::Slow };
        let Some(index) = index(*state.at(1)) else { return Flow::Slow };
        match tuple.items().get(index) {
            Some(found) => item(state, found.bits()),
            None => Flow::Slow,
        }
    } or BinaryOp

    /// `str[int]`.
    BinaryOpSubscrStrInt(state, _argument) {
        if let Some(text) = exact::<Str>(*state.at(2))
            && let Some(index) = index(*state.at(1))
            && index < text.length()
        {
            let character = Str::from_char(text.char_at(index)).into_value();
            state.drop_words(2);
            state.push_value(character);
            state.skip(5);
            return Flow::Next;
        }
        <BinaryOp as crate::eval::Instruction>::slow(state, _argument)
    }

    /// `dict[key]`.
    BinaryOpSubscrDict(state, argument) fast {
        let (container, key) = (*state.at(2), *state.at(1));
        let Some(dict) = exact::<Dict>(container) else { return Flow::Slow };
        let Some(place) = dict.glance(key) else { return Flow::Slow };
        if !word::closes_quietly(container) || !word::closes_quietly(key) {
            return Flow::Slow;
        }
        *state.at(2) = word::duplicate(*place);
        word::close_quietly(container);
        word::close_quietly(key);
        state.stack = state.at(1);
        state.skip(5);
        Flow::Next
    } slow {
        if let Some(dict) = exact::<Dict>(*state.at(2)) {
            let found = { let key = state.look(1); dict.get(state.vm, &key) };
            if let Some(value) = attempt!(state, found) {
                state.drop_words(2);
                state.push_value(value);
                state.skip(5);
                return Flow::Next;
            }
        }
        <BinaryOp as crate::eval::Instruction>::slow(state, argument)
    }

    /// `object[key]` by a method of a Python class.
    BinaryOpSubscrGetitem(state, argument) fast {
        let container = state.at(2);
        if !word::is_pointer(*container) {
            return Flow::Slow;
        }
        let version = (*(word::untagged(*container) as *const crate::object::Header)).type_of().current_version();
        if version == 0 || version != state.cache_wide(1) {
            return Flow::Slow;
        }
        let method = state.vm.interpreter.method_cache.peek(version, &crate::names::__getitem__);
        let Some(method) = exact::<crate::types::function::Function>(method) else { return Flow::Slow };
        super::calls::enter_exactly(state, method, container, 2, container, 6)
    } slow {
        match enter_getitem(state) {
            Some(flow) => flow,
            None => <BinaryOp as crate::eval::Instruction>::slow(state, argument),
        }
    }

    /// `container[start:stop]`.
    BinarySlice(state, _argument) {
        if let Some(part) = plain_slice(&state.look(3), &state.look(2), &state.look(1)) {
            state.drop_words(3);
            state.push_value(part);
            return Flow::Next;
        }
        let stop = state.pop_value();
        let start = state.pop_value();
        let slice = Slice::new(start, stop, crate::types::none::none()).into_value();
        let result = { let container = state.look(1); state.vm.get_item(&container, &slice) };
        state.drop_words(1);
        let result = attempt!(state, result);
        state.push_value(result);
        Flow::Next
    }

    /// `container[start:stop] = value`.
    StoreSlice(state, _argument) {
        if let Some(list) = state.look(3).downcast_exact::<List>()
            && let Some(new) = state.look(4).downcast_exact::<List>().map(|new| new.to_vec())
        {
            // As in CPython a stop before the start inserts at the start.
            let length = list.len();
            let whole = plain_range(&state.look(2), &crate::types::none::none(), length);
            let part = plain_range(&crate::types::none::none(), &state.look(1), length);
            if let (Some((start, _)), Some((_, stop))) = (whole, part) {
                list.replace_range(start, stop.max(start), new);
                state.drop_words(4);
                return Flow::Next;
            }
        }
        let stop = state.pop_value();
        let start = state.pop_value();
        let slice = Slice::new(start, stop, crate::types::none::none()).into_value();
        let result = {
            let container = state.look(1);
            let value = state.look(2);
            state.vm.set_item(&container, &slice, &value)
        };
        state.drop_words(2);
        attempt!(state, result);
        Flow::Next
    }

    /// `container[key] = value`.
    StoreSubscr(state, _argument) {
        specialize::store_subscr(state);
        let result = {
            let key = state.look(1);
            let container = state.look(2);
            let value = state.look(3);
            state.vm.set_item(&container, &key, &value)
        };
        state.drop_words(3);
        attempt!(state, result);
        state.skip(1);
        Flow::Next
    }

    /// `list[int] = value`.
    StoreSubscrListInt(state, _argument) fast {
        let Some(list) = exact::<List>(*state.at(2)) else { return Flow::Slow };
        let Some(index) = index(*state.at(1)) else { return Flow::Slow };
        let items = &mut *list.items().as_ptr();
        let container = *state.at(2);
        let Some(place) = items.get_mut(index) else { return Flow::Slow };
        if !word::closes_quietly(container)
            || !word::closes_quietly(place.bits())
            || place.bits() == word::untagged(container)
        {
            return Flow::Slow;
        }
        word::close_quietly(place.bits());
        let value = word::keep(*state.at(3));
        std::ptr::from_mut(place).cast::<u64>().write(value);
        word::close_quietly(container);
        state.stack = state.stack.sub(3);
        state.skip(1);
        Flow::Next
    } or StoreSubscr

    /// `dict[key] = value`.
    StoreSubscrDict(state, _argument) fast {
        let (value, container, key) = (*state.at(3), *state.at(2), *state.at(1));
        let Some(dict) = exact::<Dict>(container) else { return Flow::Slow };
        let Some(place) = dict.glance(key) else { return Flow::Slow };
        let old = *place;
        // A dict that holds itself would lose its last two references, each of which looks as if another were left.
        if old == word::untagged(container)
            || !word::closes_quietly(container)
            || !word::closes_quietly(key)
            || !word::closes_quietly(old)
        {
            return Flow::Slow;
        }
        *place = word::keep(value);
        word::close_quietly(old);
        word::close_quietly(container);
        word::close_quietly(key);
        state.stack = state.at(3);
        state.skip(1);
        Flow::Next
    } slow {
        let Some(dict) = exact::<Dict>(*state.at(2)) else {
            return <StoreSubscr as crate::eval::Instruction>::slow(state, _argument);
        };
        let result = {
            let key = state.look(1);
            let value = word::take(*state.at(3));
            *state.at(3) = Value::int(0).bits();
            dict.set(state.vm, &key, value)
        };
        state.drop_words(3);
        attempt!(state, result);
        state.skip(1);
        Flow::Next
    }

    /// `del container[key]`.
    DeleteSubscr(state, _argument) {
        let result = {
            let key = state.look(1);
            let container = state.look(2);
            state.vm.delete_item(&container, &key)
        };
        state.drop_words(2);
        attempt!(state, result);
        Flow::Next
    }

    /// `-value`.
    UnaryNegative(state, _argument) fast {
        let word = *state.at(1);
        if word & 1 != 0
            && let Some(negated) = 0i64.checked_sub(word as i64 - 1)
        {
            *state.at(1) = (negated | 1) as u64;
            return Flow::Next;
        }
        if word & 3 == 2
            && let Some(value) = Value::from_bits(word).small_float()
            && let Some(negated) = Value::from_small_float(-value)
        {
            *state.at(1) = negated.into_bits();
            return Flow::Next;
        }
        Flow::Slow
    } slow {
        let result = { let value = state.look(1); state.vm.negative(&value) };
        state.drop_words(1);
        let result = attempt!(state, result);
        state.push_value(result);
        Flow::Next
    }

    /// `~value`.
    UnaryInvert(state, _argument) {
        let result = { let value = state.look(1); state.vm.invert(&value) };
        state.drop_words(1);
        let result = attempt!(state, result);
        state.push_value(result);
        Flow::Next
    }

    /// Negates a truth value.
    UnaryNot(state, _argument) fast {
        let word = state.at(1);
        *word = if *word == true_word() { false_word() } else { true_word() };
        Flow::Next
    } slow { Flow::Next }

    /// Replaces the value on top by its truth.
    ToBool(state, _argument) fast {
        // Bytes have no form of their own.
        let word = *state.at(1);
        if let Some(bytes) = exact::<Bytes>(word)
            && word::closes_quietly(word)
        {
            let truth = if bytes.len() == 0 { false_word() } else { true_word() };
            word::close_quietly(word);
            *state.at(1) = truth;
            state.skip(3);
            return Flow::Next;
        }
        if specialize::is_nearly_due(state) { Flow::Slow } else { Flow::Direct }
    } direct {
        specialize::count_down(state);
        let top = state.at(1);
        let truth = truth_word(state.vm, *top);
        if truth == 0 {
            state.stack = top;
            return Flow::Raise;
        }
        *top = truth;
        state.skip(3);
        Flow::Next
    } slow {
        specialize::to_bool(state);
        let truth = { let value = state.look(1); state.vm.is_true(&value) };
        let truth = attempt!(state, truth);
        state.drop_words(1);
        state.push_value(boolean(truth));
        state.skip(3);
        Flow::Next
    }

    /// The truth of a truth value.
    ToBoolBool(state, _argument) fast {
        let word = *state.at(1);
        if word != true_word() && word != false_word() && word::untagged(word) != true_word() && word::untagged(word) != false_word() {
            return Flow::Slow;
        }
        *state.at(1) = word::untagged(word);
        state.skip(3);
        Flow::Next
    } or ToBool

    /// The truth of an int.
    ToBoolInt(state, _argument) fast {
        let word = *state.at(1);
        if word & 1 == 0 {
            return Flow::Slow;
        }
        *state.at(1) = if word == 1 { false_word() } else { true_word() };
        state.skip(3);
        Flow::Next
    } or ToBool

    /// The truth of a list.
    ToBoolList(state, _argument) fast {
        let word = *state.at(1);
        let Some(list) = exact::<List>(word) else { return Flow::Slow };
        if !word::closes_quietly(word) {
            return Flow::Slow;
        }
        let truth = !(*list.items().as_ptr()).is_empty();
        word::close_quietly(word);
        *state.at(1) = if truth { true_word() } else { false_word() };
        state.skip(3);
        Flow::Next
    } or ToBool

    /// The truth of `None`.
    ToBoolNone(state, _argument) fast {
        if word::untagged(*state.at(1)) != none_word() {
            return Flow::Slow;
        }
        *state.at(1) = false_word();
        state.skip(3);
        Flow::Next
    } or ToBool

    /// The truth of a string.
    ToBoolStr(state, _argument) fast {
        let word = *state.at(1);
        let Some(text) = exact::<Str>(word) else { return Flow::Slow };
        if !word::closes_quietly(word) {
            return Flow::Slow;
        }
        let truth = text.length() != 0;
        word::close_quietly(word);
        *state.at(1) = if truth { true_word() } else { false_word() };
        state.skip(3);
        Flow::Next
    } or ToBool

    /// The truth of an object that is always true.
    ToBoolAlwaysTrue(state, _argument) fast {
        let word = *state.at(1);
        if !word::is_pointer(word) || !word::closes_quietly(word) {
            return Flow::Slow;
        }
        let object = &*(word::untagged(word) as *const crate::object::Header);
        if object.type_of().current_version() != state.cache_wide(1) {
            return Flow::Slow;
        }
        word::close_quietly(word);
        *state.at(1) = true_word();
        state.skip(3);
        Flow::Next
    } or ToBool
}

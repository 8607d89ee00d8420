//! Calls from the evaluator to native functions and methods.
//!
//! The arguments' words on the stack become plain values in place, and are given back when the call has been made. What
//! direct paths call is out of line here, takes words and answers one, so that handlers keep their registers.
//!
//! # Safety argument
//!
//! A handler runs verified code, so a callable, a place for self and the arguments lie on the stack from `base` on, and
//! nobody else writes there until the call has returned. A borrowed word's object is kept alive by a variable
//! ([`word`]); without its tag the word is therefore a value to look at. Each word that owned its reference gives it back
//! once, and the places count as empty afterwards.

use std::sync::atomic::Ordering;

use crate::eval::word::exact;
use crate::eval::{Flow, State, raised_or_word, word};
use crate::exceptions::{Exception, PyResult};
use crate::slots::KeywordNames;
use crate::types::native_function::{NativeFunction, NativeMethod};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::{Vm, request};

/// Turns words into plain values in place, for a native callee. Answers which of the first 64 owned their reference;
/// later ones are made to.
#[inline(always)]
unsafe fn expose(words: *mut u64, count: usize) -> u64 {
    let mut owned = 0;
    // SAFETY: the words are arguments, none of them nothing.
    unsafe {
        for index in 0..count.min(64) {
            let word = *words.add(index);
            if !word::is_pointer(word) {
                continue;
            }
            if word & word::BORROWED == 0 {
                owned |= 1 << index;
            } else {
                *words.add(index) = word & !word::BORROWED;
            }
        }
        for index in 64..count {
            *words.add(index) = word::keep(*words.add(index));
        }
    }
    owned
}

/// Gives back arguments that [`expose`] exposed.
#[inline(always)]
unsafe fn conceal(words: *mut u64, count: usize, owned: u64) {
    let mut left = owned;
    // SAFETY: only words that owned their reference give it back.
    unsafe {
        while left != 0 {
            word::close(*words.add(left.trailing_zeros() as usize));
            left &= left - 1;
        }
        for index in 64..count {
            word::close(*words.add(index));
        }
    }
}

/// Calls something native with the words from `base` on, all of which are given back.
///
/// Stack: callable, self or nothing, arguments.
#[inline(always)]
unsafe fn call_at(
    vm: &Vm,
    base: *mut u64,
    arguments: usize,
    names: KeywordNames<'_>,
    with: impl FnOnce(&Vm, &Value, &[Value], KeywordNames<'_>) -> PyResult,
) -> PyResult {
    // SAFETY: the stack has the callable, a place for self, and the arguments.
    unsafe {
        let (first, count) =
            if *base.add(1) == 0 { (base.add(2), arguments) } else { (base.add(1), arguments + 1) };
        let owned = expose(first, count);
        let callable = *base;
        let result = {
            let callable = word::look(callable);
            let args = std::slice::from_raw_parts(first.cast::<Value>(), count);
            with(vm, &callable, args, names)
        };
        conceal(first, count, owned);
        word::close(callable);
        result
    }
}

/// Calls something native with the topmost words and puts the result in the place of the callable.
#[inline(always)]
pub(super) unsafe fn call_words(
    state: &mut State<'_>,
    arguments: usize,
    names: KeywordNames<'_>,
    with: impl FnOnce(&Vm, &Value, &[Value], KeywordNames<'_>) -> PyResult,
) -> Result<(), Exception> {
    // SAFETY: as for `call_at`.
    unsafe {
        let base = state.at(arguments + 2);
        let result = call_at(state.vm, base, arguments, names, with);
        state.stack = base;
        state.push_value(result?);
        Ok(())
    }
}

/// The word of a native call's result, once signals have been handled; 0 where an exception was raised.
#[inline(always)]
pub(super) fn settled_word(vm: &Vm, result: PyResult) -> u64 {
    raised_or_word(vm, result.and_then(|value| signals_after_call(vm).map(|()| value)))
}

/// Calls a native method; see [`call_at`] and [`settled_word`].
#[inline(never)]
unsafe fn call_native_method_at(vm: &Vm, base: *mut u64, arguments: usize) -> u64 {
    // SAFETY: as promised by the handler.
    unsafe {
        let accepted = exact::<NativeMethod>(*base)
            .filter(|method| *base.add(1) != 0 && method.accepts(&word::look(*base.add(1))));
        let Some(method) = accepted else {
            return settled_word(vm, call_at(vm, base, arguments, None, call_native_method));
        };
        if let Err(error) = vm.check_stack(" while calling a Python object") {
            return settled_word(vm, call_at(vm, base, arguments, None, |_, _, _, _| Err(error)));
        }
        let call = method.definition().call;
        let with = |vm: &Vm, _: &Value, args: &[Value], names: KeywordNames<'_>| call(vm, args, names);
        let result = match arguments {
            0 => call_few::<1>(vm, base, base.add(1), with),
            1 => call_few::<2>(vm, base, base.add(1), with),
            2 => call_few::<3>(vm, base, base.add(1), with),
            _ => call_at(vm, base, arguments, None, with),
        };
        settled_word(vm, result)
    }
}

/// As [`call_at`] with few arguments, self among them, that lie from `first` on; the processor's registers keep their words
/// meanwhile.
#[inline(always)]
unsafe fn call_few<const COUNT: usize>(
    vm: &Vm,
    base: *mut u64,
    first: *mut u64,
    with: impl FnOnce(&Vm, &Value, &[Value], KeywordNames<'_>) -> PyResult,
) -> PyResult {
    // SAFETY: the stack has the callable, self, and the arguments; the values look at them only.
    unsafe {
        let words: [u64; COUNT] = std::array::from_fn(|index| *first.add(index));
        for (index, word) in words.iter().enumerate() {
            *first.add(index) = word::untagged(*word);
        }
        let callable = *base;
        let result = {
            let callable = word::look(callable);
            with(vm, &callable, std::slice::from_raw_parts(first.cast::<Value>(), COUNT), None)
        };
        for word in words {
            word::close(word);
        }
        word::close(callable);
        result
    }
}

/// Calls a native function; what it is bound to goes to the place for self.
#[inline(never)]
unsafe fn call_native_at(vm: &Vm, base: *mut u64, arguments: usize) -> u64 {
    // SAFETY: as promised by the handler.
    unsafe {
        let Some(function) = exact::<NativeFunction>(*base).filter(|_| *base.add(1) == 0) else {
            return settled_word(vm, call_at(vm, base, arguments, None, call_native_function));
        };
        let instance = function.passed_instance();
        let (first, count) = if instance == 0 {
            (base.add(2), arguments)
        } else {
            // The function keeps what it is bound to alive, so that a borrowed word will do.
            *base.add(1) = word::borrowed(instance);
            (base.add(1), arguments + 1)
        };
        let call = function.definition().call;
        let call = |vm: &Vm, _: &Value, args: &[Value], names: KeywordNames<'_>| {
            vm.check_stack(" while calling a Python object")?;
            call(vm, args, names)
        };
        let result = match count {
            1 => call_few::<1>(vm, base, first, call),
            2 => call_few::<2>(vm, base, first, call),
            3 => call_few::<3>(vm, base, first, call),
            _ => call_at(vm, base, arguments, None, call),
        };
        settled_word(vm, result)
    }
}

/// Calls a native function or method with keywords, whose names are given back too; see [`call_at`] and [`settled_word`].
#[inline(never)]
unsafe fn call_with_keywords_at(vm: &Vm, base: *mut u64, arguments: usize, names: u64) -> u64 {
    // SAFETY: as promised by the handler.
    unsafe {
        let result = {
            let tuple = word::look(names);
            let tuple = tuple.downcast_exact::<Tuple>();
            if exact::<NativeMethod>(*base).is_some() {
                call_at(vm, base, arguments, tuple, |vm, method, args, names| {
                    call_native_method(vm, method, args, names)
                })
            } else {
                call_at(vm, base, arguments, tuple, call_native_function)
            }
        };
        word::close(names);
        settled_word(vm, result)
    }
}

/// Calls a class without a place for self; see [`call_at`] and [`settled_word`].
#[inline(never)]
pub(super) unsafe fn call_type_at(vm: &Vm, base: *mut u64, arguments: usize) -> u64 {
    // SAFETY: as promised by the handler.
    unsafe {
        let result = match arguments {
            1 => call_few::<1>(vm, base, base.add(2), Vm::call_with_names),
            _ => call_at(vm, base, arguments, None, Vm::call_with_names),
        };
        settled_word(vm, result)
    }
}

/// Calls a native function with a tuple of arguments; function and tuple are given back. See [`settled_word`].
///
/// Stack: callable, nothing, tuple, nothing.
#[inline(never)]
pub(super) unsafe fn call_spread_at(vm: &Vm, base: *mut u64) -> u64 {
    // SAFETY: as promised by the handler.
    unsafe {
        let (callable, arguments) = (*base, *base.add(2));
        let result = match (exact::<NativeFunction>(callable), exact::<Tuple>(arguments)) {
            (Some(function), Some(arguments)) => vm
                .check_stack("")
                .and_then(|()| NativeFunction::call_with(function, vm, arguments.items(), None)),
            _ => Err(vm.system_error("a native function and a tuple are expected")),
        };
        word::close(arguments);
        word::close(callable);
        settled_word(vm, result)
    }
}

/// Puts the word of a native call's result in the place of the callable.
#[inline(always)]
pub(super) unsafe fn finish_native_call(state: &mut State<'_>, base: *mut u64, word: u64) -> Flow {
    // SAFETY: calls have a cache of three units.
    unsafe {
        state.stack = base;
        if word == 0 {
            return Flow::Raise;
        }
        state.push(word);
        state.skip(3);
    }
    Flow::Next
}

/// The direct path of calls of native methods.
#[inline(always)]
pub(super) unsafe fn native_method(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the stack has the callable, a place for self, and the arguments.
    unsafe {
        let base = state.at(argument as usize + 2);
        let word = call_native_method_at(state.vm, base, argument as usize);
        finish_native_call(state, base, word)
    }
}

/// The direct path of calls of native functions.
#[inline(always)]
pub(super) unsafe fn native_function(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the stack has the callable, a place for self, and the arguments.
    unsafe {
        let base = state.at(argument as usize + 2);
        let word = call_native_at(state.vm, base, argument as usize);
        finish_native_call(state, base, word)
    }
}

/// Whether the direct path of calls with keywords calls what is in a word.
#[inline(always)]
pub(super) unsafe fn takes_keywords_directly(callable: u64) -> bool {
    // SAFETY: the word is on the stack.
    unsafe { exact::<NativeMethod>(callable).is_some() || exact::<NativeFunction>(callable).is_some() }
}

/// The direct path of calls with keywords, whose names are on top.
#[inline(always)]
pub(super) unsafe fn native_with_keywords(state: &mut State<'_>, argument: u32) -> Flow {
    // SAFETY: the stack has the callable, a place for self, the arguments, and the tuple of names.
    unsafe {
        let base = state.at(argument as usize + 3);
        let word = call_with_keywords_at(state.vm, base, argument as usize, *state.at(1));
        finish_native_call(state, base, word)
    }
}

/// Calls the native function of a method descriptor after checking the instance.
#[inline(always)]
fn call_native_method(vm: &Vm, callable: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    let positional = args.len() - names.map_or(0, |names| names.items().len());
    if let Some(method) = callable.downcast_exact::<NativeMethod>()
        && let Some(instance) = args[..positional].first()
        && method.accepts(instance)
    {
        vm.check_stack(" while calling a Python object")?;
        return (method.definition().call)(vm, args, names);
    }
    vm.call_with_names(callable, args, names)
}

#[inline(always)]
fn call_native_function(vm: &Vm, callable: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    if let Some(function) = callable.downcast_exact::<NativeFunction>()
        && !function.passes_instance()
    {
        vm.check_stack(" while calling a Python object")?;
        return (function.definition().call)(vm, args, names);
    }
    vm.call_with_names(callable, args, names)
}

/// Handles the signals that a native function brought about, or that came while it waited: before anything else is done.
#[inline(always)]
pub(super) fn signals_after_call(vm: &Vm) -> PyResult<()> {
    if vm.interpreter.requests.load(Ordering::Relaxed) & request::SIGNAL == 0 {
        return Ok(());
    }
    vm.check_signals()
}

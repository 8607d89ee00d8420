//! Instructions for raising, catching and `with`.

use rspy_code::operation::SpecialMethod;

use crate::attempt;
use crate::eval::instructions::instructions;
use crate::eval::{Flow, State, word};
use crate::exceptions::{self, Exception};
use crate::names;
use crate::object::Object;
use crate::types::bool::boolean;
use crate::types::none::{is_none, none_word};
use crate::types::string::Str;
use crate::value::Value;

fn special_name(method: SpecialMethod) -> &'static Object<Str> {
    match method {
        SpecialMethod::Enter => &names::__enter__,
        SpecialMethod::Exit => &names::__exit__,
        SpecialMethod::AsyncEnter => &names::__aenter__,
        SpecialMethod::AsyncExit => &names::__aexit__,
    }
}

/// The error for an object that is no context manager.
fn no_context_manager(state: &State<'_>, object: &Value, method: SpecialMethod) -> Exception {
    let vm = state.vm;
    let name = object.type_of().full_name();
    let has = |first, second| {
        let typ = object.type_of();
        typ.lookup(vm, first).is_some() && typ.lookup(vm, second).is_some()
    };
    let (protocol, missing, other) = match method {
        SpecialMethod::Enter => ("context manager", "__enter__", has(&names::__aenter__, &names::__aexit__)),
        SpecialMethod::Exit => ("context manager", "__exit__", has(&names::__aenter__, &names::__aexit__)),
        SpecialMethod::AsyncEnter => {
            ("asynchronous context manager", "__aenter__", has(&names::__enter__, &names::__exit__))
        }
        SpecialMethod::AsyncExit => {
            ("asynchronous context manager", "__aexit__", has(&names::__enter__, &names::__exit__))
        }
    };
    let hint = match (other, protocol) {
        (true, "context manager") => {
            " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?"
        }
        (true, _) => " but it supports the context manager protocol. Did you mean to use 'with'?",
        _ => "",
    };
    let missing = format!("(missed {missing} method)");
    vm.type_error(format!("'{name}' object does not support the {protocol} protocol {missing}{hint}"))
}

/// The error where something else stands in the place of an exception, which compiled code never does.
#[cold]
pub(super) fn no_exception(state: &State<'_>) -> Flow {
    state.raise(state.vm.system_error("an exception is expected on the stack"))
}

instructions! {
    /// `raise`.
    RaiseVarargs(state, argument) {
        let vm = state.vm;
        let cause = if argument == 2 { Some(state.pop_value()) } else { None };
        if argument == 0 {
            return match vm.handled_exception() {
                Some(exception) => {
                    // The traceback begins with this frame already.
                    vm.reraising.set(true);
                    state.raise(exception)
                }
                None => state.raise(vm.runtime_error("No active exception to reraise")),
            };
        }
        let raised = state.pop_value();
        match exceptions::prepare_raise(vm, &raised, cause.as_ref()) {
            Ok(exception) | Err(exception) => state.raise(exception),
        }
    }

    /// Raises the exception on top again.
    Reraise(state, argument) {
        let value = state.pop_value();
        if !exceptions::is_exception(&value) {
            return no_exception(state);
        }
        if argument > 0
            && let Some(index) = state.look(argument as usize).small_int()
            && (0..(*state.frame).code().units().len() as i64).contains(&index)
        {
            (*state.frame).instruction = (*state.frame).code().start().offset(index as isize);
        }
        state.vm.reraising.set(true);
        state.raise(Exception::from_value(value))
    }

    /// Makes the exception on top the one being handled.
    PushExcInfo(state, _argument) {
        let exception = state.pop_value();
        if !exceptions::is_exception(&exception) {
            return no_exception(state);
        }
        let level = &*state.vm.handled.get();
        let before = level.value.replace(exception.clone().into_bits());
        state.push(if before == 0 { none_word() } else { before });
        state.push_value(exception);
        Flow::Next
    }

    /// Restores the exception that was being handled before.
    PopExcept(state, _argument) {
        let before = state.pop_value();
        if !is_none(&before) && !exceptions::is_exception(&before) {
            return no_exception(state);
        }
        let level = &*state.vm.handled.get();
        let restored = if is_none(&before) { 0 } else { before.into_bits() };
        let ended = level.value.replace(restored);
        if ended != 0 {
            drop(Value::from_bits(ended));
        }
        Flow::Next
    }

    /// Tests whether an exception matches an `except` clause.
    CheckExcMatch(state, _argument) {
        let matches = {
            let class = state.look(1);
            let exception = state.look(2);
            exceptions::matches(state.vm, &exception, &class)
        };
        state.drop_words(1);
        let matches = attempt!(state, matches);
        state.push_value(boolean(matches));
        Flow::Next
    }

    /// Splits an exception group for `except*`.
    CheckEgMatch(state, _argument) {
        let class = state.pop_value();
        let exception = state.pop_value();
        let (matching, rest) = attempt!(state, exceptions::group::split_for_clause(state.vm, &exception, &class));
        state.push_value(rest);
        if let Some(matching) = matching.as_ref().filter(|matching| exceptions::is_exception(matching)) {
            let level = &*state.vm.handled.get();
            let before = level.value.replace(matching.clone().into_bits());
            if before != 0 {
                drop(Value::from_bits(before));
            }
        }
        state.push_value(matching.unwrap_or_else(crate::types::none::none));
        Flow::Next
    }

    /// Pushes a special method ready to be called.
    LoadSpecial(state, argument) {
        let Some(method) = SpecialMethod::from_number(argument) else { return super::unknown(state) };
        let object = state.pop_value();
        let vm = state.vm;
        match attempt!(state, vm.special_method(&object, special_name(method))) {
            Some((function, true)) => {
                state.push_value(function);
                state.push_value(object);
            }
            Some((bound, false)) => {
                state.push_value(bound);
                state.push(0);
            }
            None => {
                let error = no_context_manager(state, &object, method);
                return state.raise(error);
            }
        }
        Flow::Next
    }

    /// Calls `__exit__` with the exception being handled.
    WithExceptStart(state, _argument) {
        let exception = crate::object::Borrow::clone_value(&state.look(1));
        let (exit, instance) = (*state.at(5), *state.at(4));
        let vm = state.vm;
        let typ = exception.type_of().to_value();
        let traceback = exceptions::traceback_of(&exception);
        let result = {
            let exit = word::look(exit);
            if instance == 0 {
                vm.call(&exit, &[typ, exception, traceback])
            } else {
                let instance = crate::object::Borrow::clone_value(&word::look(instance));
                vm.call(&exit, &[instance, typ, exception, traceback])
            }
        };
        let result = attempt!(state, result);
        state.push_value(result);
        Flow::Next
    }

    /// Pushes a constant that code needs often.
    LoadCommonConstant(state, argument) fast {
        match state.vm.interpreter.common_constants.get() {
            Some(constants) if (argument as usize) < constants.len() => {
                state.push(word::duplicate(constants[argument as usize].bits()));
                Flow::Next
            }
            _ => Flow::Slow,
        }
    } slow { super::unknown(state) }
}

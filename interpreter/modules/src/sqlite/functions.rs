//! Functions and aggregates of Python's that SQL calls.

use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::ProgrammingError;
use super::hooks::{report, text};
use super::library::{Arguments, Callback, Context, Datum, Event};

/// What is said of integers that SQLite cannot hold.
const TOO_LARGE: &str = "Python int too large to convert to SQLite INTEGER";

/// An integer as SQLite keeps it.
///
/// # Errors
/// `OverflowError` where it has more than 64 bits.
pub fn to_integer(vm: &Vm, value: &Value) -> PyResult<i64> {
    match int::borrow_big(value) {
        Some(big) => i64::try_from(&*big).map_err(|_| vm.overflow_error(TOO_LARGE)),
        None => Err(vm.overflow_error(TOO_LARGE)),
    }
}

/// Hands over a value as SQLite keeps it; `None` where it is of no type that SQLite knows.
///
/// # Errors
/// What converting it raises.
pub fn with_datum<R>(vm: &Vm, value: &Value, with: impl FnOnce(Datum<'_>) -> R) -> PyResult<Option<R>> {
    if is_none(value) {
        return Ok(Some(with(Datum::Null)));
    }
    if int::is_int(value) {
        return Ok(Some(with(Datum::Integer(to_integer(vm, value)?))));
    }
    if let Some(number) = float::as_f64(value) {
        return Ok(Some(with(Datum::Real(number))));
    }
    if let Some(string) = value.downcast::<Str>() {
        let utf8 = string.to_utf8(vm)?;
        check_length(vm, utf8.len(), "string")?;
        return Ok(Some(with(Datum::Text(utf8.as_bytes()))));
    }
    if buffer::has_buffer(value) {
        let view: BufferView = buffer::view(vm, value)?;
        check_length(vm, view.len(), "BLOB")?;
        return Ok(Some(with(Datum::Blob(view.as_slice()))));
    }
    Ok(None)
}

fn check_length(vm: &Vm, length: usize, what: &str) -> PyResult<()> {
    if length > i32::MAX as usize {
        return Err(vm.overflow_error(format!("{what} longer than INT_MAX bytes")));
    }
    Ok(())
}

/// A value of SQLite's as Python's.
fn to_value(vm: &Vm, datum: Datum<'_>) -> PyResult {
    Ok(match datum {
        Datum::Null => none(),
        Datum::Integer(number) => int::new(number),
        Datum::Real(number) => float::new(number),
        Datum::Text(bytes) => text(vm, bytes)?,
        Datum::Blob(bytes) => Bytes::new(bytes).into_value(),
        Datum::NoMemory => return Err(vm.memory_error()),
    })
}

fn values_of(vm: &Vm, arguments: &mut Arguments<'_>) -> PyResult<Vec<Value>> {
    (0..arguments.len()).map(|index| to_value(vm, arguments.get(index))).collect()
}

/// Answers what a function returned.
fn answer(vm: &Vm, context: &Context<'_>, value: &Value) -> PyResult<()> {
    match with_datum(vm, value, |datum| context.answer(datum))? {
        Some(()) => Ok(()),
        None => Err(ProgrammingError::error(
            vm,
            format!("User-defined functions cannot return '{}' values to SQLite", value.type_of().full_name()),
        )),
    }
}

/// Answers that something went wrong, and shows it where that is wanted.
fn fail(vm: &Vm, context: &Context<'_>, callback: &Callback, exception: Exception, message: &str) {
    if exception.is_memory_error() {
        context.answer(Datum::NoMemory);
    } else if exception.is_overflow_error() {
        context.fail_as_too_big();
    } else {
        context.fail(message);
    }
    report(vm, exception, &callback.callable);
}

/// Does what SQLite calls a function for.
pub fn run(vm: &Vm, callback: &Callback, event: Event, context: &Context<'_>, arguments: &mut Arguments<'_>) {
    match event {
        Event::Call => {
            let result = values_of(vm, arguments)
                .and_then(|arguments| vm.call(&callback.callable, &arguments))
                .and_then(|value| answer(vm, context, &value));
            if let Err(exception) = result {
                fail(vm, context, callback, exception, "user-defined function raised exception");
            }
        }
        Event::Step => step(vm, callback, context, arguments),
        Event::Inverse => {
            if let Some(instance) = context.instance() {
                let result = values_of(vm, arguments)
                    .and_then(|arguments| vm.call_method_str(&instance, "inverse", &arguments));
                let _ = told(vm, context, callback, "inverse", result);
            }
        }
        Event::Value => {
            if let Some(instance) = context.instance() {
                result_of(vm, callback, context, &instance, "value");
            }
        }
        Event::Finalize => {
            // Without a row there is no instance, nor where making it failed.
            if let Some(instance) = context.take_instance() {
                result_of(vm, callback, context, &instance, "finalize");
            }
        }
    }
}

fn step(vm: &Vm, callback: &Callback, context: &Context<'_>, arguments: &mut Arguments<'_>) {
    let instance = match context.instance() {
        Some(instance) => instance,
        None => match vm.call(&callback.callable, &[]) {
            Ok(instance) => {
                if context.keep_instance(instance.clone()).is_err() {
                    return context.answer(Datum::NoMemory);
                }
                instance
            }
            Err(exception) => {
                let message = "user-defined aggregate's '__init__' method raised error";
                return fail(vm, context, callback, exception, message);
            }
        },
    };
    let name = vm.intern("step");
    let result = vm.get_attribute(&instance, &name).map_err(|error| (error, true)).and_then(|method| {
        let arguments = values_of(vm, arguments).map_err(|error| (error, false))?;
        vm.call(&method, &arguments).map_err(|error| (error, false))
    });
    if let Err((exception, missing)) = result {
        let missing = missing && exception.is_attribute_error();
        fail(vm, context, callback, exception, &message_about("step", missing));
    }
}

fn message_about(method: &str, missing: bool) -> String {
    let what = if missing { "not defined" } else { "raised error" };
    format!("user-defined aggregate's '{method}' method {what}")
}

/// The value of a method's call; answers the failure where there is one.
fn told(vm: &Vm, context: &Context<'_>, callback: &Callback, method: &str, result: PyResult) -> Option<Value> {
    match result {
        Ok(value) => Some(value),
        Err(exception) => {
            let missing = exception.is_attribute_error();
            fail(vm, context, callback, exception, &message_about(method, missing));
            None
        }
    }
}

/// Answers what a method without arguments returns.
fn result_of(vm: &Vm, callback: &Callback, context: &Context<'_>, instance: &Value, method: &str) {
    let result = vm.call_method_str(instance, method, &[]);
    if let Some(value) = told(vm, context, callback, method, result)
        && let Err(exception) = answer(vm, context, &value)
    {
        fail(vm, context, callback, exception, &message_about(method, false));
    }
}

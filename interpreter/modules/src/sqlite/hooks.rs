//! What SQLite asks and tells of: whether something may be done, whether to go on, which statements run, how texts
//! compare.

use std::cell::Cell;

use libsqlite3_sys as c;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult, print};
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::DataError;
use super::library::Callback;
use super::adapters::state;

/// The exception of a collation, until the call of SQLite's that it happened in has ended.
#[derive(Default)]
pub struct Pending {
    exception: GilCell<Option<Value>>,
    /// Whether there is one; looked at after every step.
    there: Cell<bool>,
}

impl Pending {
    fn keep(&self, exception: Exception) {
        self.there.set(true);
        self.exception.set(Some(exception.into_value()));
    }

    /// Takes the exception that happened, if one did.
    pub fn take(&self) -> Option<Exception> {
        self.there.replace(false).then(|| self.exception.take()).flatten().map(Exception::from_value)
    }
}

/// Shows an exception that SQLite cannot be told of where that is wanted, and drops it otherwise.
pub fn report(vm: &Vm, exception: Exception, callable: &Value) {
    if state(vm).shows_tracebacks.get() {
        print::write_unraisable_about(vm, exception, "Exception ignored on sqlite3 callback", callable);
    }
}

/// A text of SQLite's as a string.
pub fn text(vm: &Vm, bytes: &[u8]) -> PyResult {
    Ok(vm.decode_utf8(bytes)?.into_value())
}

/// Whether an action may be done: `SQLITE_OK`, `SQLITE_DENY` or `SQLITE_IGNORE`.
pub fn authorize(vm: &Vm, callback: &Callback, action: i32, names: [Option<&[u8]>; 4]) -> i32 {
    let ask = || -> PyResult<i32> {
        let mut arguments = vec![int::new(i64::from(action))];
        for name in names {
            arguments.push(name.map_or_else(|| Ok(none()), |name| text(vm, name))?);
        }
        let answer = vm.call(&callback.callable, &arguments)?;
        if int::is_int(&answer) { int::to_fixed(vm, &answer, "int") } else { Ok(c::SQLITE_DENY) }
    };
    ask().unwrap_or_else(|exception| {
        report(vm, exception, &callback.callable);
        c::SQLITE_DENY
    })
}

/// Whether to stop.
pub fn progress(vm: &Vm, callback: &Callback) -> bool {
    let answer = vm.call(&callback.callable, &[]).and_then(|answer| vm.is_true(&answer));
    answer.unwrap_or_else(|exception| {
        report(vm, exception, &callback.callable);
        true
    })
}

/// Tells of a statement; the text is not whole where it would be too long with its parameters.
pub fn trace(vm: &Vm, callback: &Callback, statement: &[u8], whole: bool) {
    if !whole {
        let error = DataError::error(vm, "Expanded SQL string exceeds the maximum string length");
        report(vm, error, &callback.callable);
    }
    let told = text(vm, statement).and_then(|statement| vm.call(&callback.callable, &[statement]));
    if let Err(exception) = told {
        report(vm, exception, &callback.callable);
    }
}

/// How two texts compare. An exception waits until SQLite has returned; until then all are equal.
pub fn compare(vm: &Vm, callback: &Callback, left: &[u8], right: &[u8]) -> i32 {
    if callback.pending.there.get() {
        return 0;
    }
    let ask = || -> PyResult<i32> {
        let arguments = [text(vm, left)?, text(vm, right)?];
        let answer = vm.call(&callback.callable, &arguments)?;
        // What is no number says nothing.
        Ok(vm.index(&answer).map_or(0, |answer| int::sign(&answer)))
    };
    ask().unwrap_or_else(|exception| {
        callback.pending.keep(exception);
        0
    })
}

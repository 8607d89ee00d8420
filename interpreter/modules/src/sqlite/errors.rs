//! The exceptions of the module, and which of them a failure of SQLite's raises.

use libsqlite3_sys as c;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Payload, TypeObject};
use rspy_runtime::types::int;
use rspy_runtime::vm::Vm;

use super::codes;
use super::library::{Database, Failure};
use crate::support::exception;

exception! {
    /// The base of the exceptions of the module.
    Error, "Error", "sqlite3", PlainException, weak
}
exception! {
    /// What is to be brought to notice.
    Warning, "Warning", "sqlite3", PlainException, weak
}
exception! {
    /// The interface is used in a wrong way.
    InterfaceError, "InterfaceError", "sqlite3", Error, weak
}
exception! {
    /// Something is wrong with the database.
    DatabaseError, "DatabaseError", "sqlite3", Error, weak
}
exception! {
    /// Something went wrong inside of SQLite.
    InternalError, "InternalError", "sqlite3", DatabaseError, weak
}
exception! {
    /// The operation could not be carried out.
    OperationalError, "OperationalError", "sqlite3", DatabaseError, weak
}
exception! {
    /// The interface is used in a way that is not possible.
    ProgrammingError, "ProgrammingError", "sqlite3", DatabaseError, weak
}
exception! {
    /// A constraint does not hold.
    IntegrityError, "IntegrityError", "sqlite3", DatabaseError, weak
}
exception! {
    /// Data is too large or otherwise not fit.
    DataError, "DataError", "sqlite3", DatabaseError, weak
}
exception! {
    /// SQLite cannot do that.
    NotSupportedError, "NotSupportedError", "sqlite3", DatabaseError, weak
}

/// The class of a kind of failure; none where nothing went wrong, or where memory is used up.
fn class_of(kind: i32) -> Option<&'static TypeObject> {
    Some(match kind {
        // Another thread may have gone on meanwhile.
        c::SQLITE_OK | c::SQLITE_ROW | c::SQLITE_DONE | c::SQLITE_NOMEM => return None,
        c::SQLITE_INTERNAL | c::SQLITE_NOTFOUND => InternalError::static_type(),
        c::SQLITE_ERROR | c::SQLITE_PERM | c::SQLITE_ABORT | c::SQLITE_BUSY | c::SQLITE_LOCKED
        | c::SQLITE_READONLY | c::SQLITE_INTERRUPT | c::SQLITE_IOERR | c::SQLITE_FULL | c::SQLITE_CANTOPEN
        | c::SQLITE_PROTOCOL | c::SQLITE_EMPTY | c::SQLITE_SCHEMA => OperationalError::static_type(),
        c::SQLITE_TOOBIG => DataError::static_type(),
        c::SQLITE_CONSTRAINT | c::SQLITE_MISMATCH => IntegrityError::static_type(),
        c::SQLITE_MISUSE | c::SQLITE_RANGE => InterfaceError::static_type(),
        _ => DatabaseError::static_type(),
    })
}

/// Raises what went wrong, unless nothing did.
///
/// # Errors
/// The exception of the failure.
pub fn raise(vm: &Vm, failure: &Failure) -> PyResult<()> {
    let Some(class) = class_of(failure.kind) else {
        return if failure.kind == c::SQLITE_NOMEM { Err(vm.memory_error()) } else { Ok(()) };
    };
    let exception = vm.new_exception(class, failure.message.as_str());
    let name = codes::name_of(failure.code).unwrap_or_else(|| "unknown".to_owned());
    vm.set_attribute_str(exception.value(), "sqlite_errorcode", &int::new(i64::from(failure.code)))?;
    vm.set_attribute_str(exception.value(), "sqlite_errorname", &vm.new_str(&name))?;
    Err(exception)
}

/// Raises what went wrong last in a database, unless nothing did.
///
/// # Errors
/// The exception of the failure.
pub fn raise_last(vm: &Vm, database: &Database) -> PyResult<()> {
    raise(vm, &database.failure(vm))
}

/// As [`raise`], for a result that comes without a database in that state.
///
/// # Errors
/// The exception of the result.
pub fn raise_result(vm: &Vm, result: i32) -> PyResult<()> {
    raise(vm, &Failure::of_result(result))
}

/// The error of a thread that uses what another thread made.
#[cold]
pub fn wrong_thread(vm: &Vm, made_in: u64) -> Exception {
    let message = format!(
        "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id \
         {made_in} and this is thread id {}.",
        vm.thread_id
    );
    ProgrammingError::error(vm, message)
}

//! The module `_sqlite3`: databases in files and in memory, over SQLite.
//!
//! `library` is the C interface as safe Rust. `connection` (how it is opened in `opening`, its methods in `connection_…`),
//! `cursor`, `row`, `blob` and `statement` are the types; `execute` and `binding` run statements; `functions` and `hooks` are
//! what SQLite calls; `adapters` has what goes from objects to values and back, `errors` the exceptions, `codes` the
//! numbers.

mod adapters;
mod binding;
mod blob;
mod codes;
mod connection;
mod connection_callbacks;
mod connection_databases;
mod connection_methods;
mod cursor;
mod errors;
mod execute;
mod functions;
mod hooks;
mod library;
mod opening;
mod row;
mod statement;

use std::borrow::Cow;

use rspy_macros::pyfunctions;
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::module::Module;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use adapters::{PrepareProtocol, state};
use blob::Blob;
use connection::{Connection, LEGACY_TRANSACTION_CONTROL, PARSE_COLNAMES, PARSE_DECLTYPES, name_of};
use cursor::Cursor;
use errors::{
    DataError, DatabaseError, Error, IntegrityError, InterfaceError, InternalError, NotSupportedError,
    OperationalError, ProgrammingError, Warning,
};
use row::Row;
use statement::Statement;

/// How far threads may share what the module has (PEP 249): connections, too.
const THREAD_SAFETY: i64 = 3;
/// The place of the factory among the positional arguments of `connect`.
const FACTORY: usize = 5;

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Adapt given object to given protocol.
    #[function("adapt(obj, proto=PrepareProtocolType, alt=<unrepresentable>, /)")]
    fn adapt(vm: &Vm, obj: &Value, proto: Option<&Value>, alt: Option<&Value>) -> PyResult {
        let usual = PrepareProtocol::static_type().to_value();
        adapters::adapt(vm, obj, proto.unwrap_or(&usual), alt)
    }

    /// Checks if a string contains a complete SQL statement.
    #[function("complete_statement(statement)")]
    fn complete_statement(vm: &Vm, statement: Cow<'_, str>) -> PyResult<bool> {
        library::is_complete(&name_of(vm, &statement)?).map_err(|_| vm.memory_error())
    }

    /// Open a connection to the SQLite database file 'database'.
    ///
    /// You can use ":memory:" to open a database connection to a database that
    /// resides in RAM instead of on disk.
    ///
    /// Note: Passing more than 1 positional argument to _sqlite3.connect() is
    /// deprecated. Parameters 'timeout', 'detect_types', 'isolation_level',
    /// 'check_same_thread', 'factory', 'cached_statements' and 'uri' will
    /// become keyword-only parameters in Python 3.15.
    #[function(
        "connect(database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, factory=ConnectionType, cached_statements=128, uri=False, *, autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)"
    )]
    fn connect(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        opening::warn_of_positions(vm, "sqlite3.connect", positional.len())?;
        let factory = positional.get(FACTORY).or_else(|| keywords.get("factory")).cloned();
        let factory = factory.unwrap_or_else(|| Connection::static_type().to_value());
        vm.call_with_names(&factory, args, names)
    }

    /// Enable or disable callback functions throwing errors to stderr.
    #[function("enable_callback_tracebacks(enable, /)")]
    fn enable_callback_tracebacks(vm: &Vm, enable: i32) {
        state(vm).shows_tracebacks.set(enable != 0);
    }

    /// Register a function to adapt Python objects to SQLite values.
    #[function("register_adapter(type, adapter, /)")]
    fn register_adapter(vm: &Vm, typ: &Value, adapter: &Value) -> PyResult<()> {
        adapters::register_adapter(vm, typ, adapter)
    }

    /// Register a function to convert SQLite values to Python objects.
    #[function("register_converter(typename, converter, /)")]
    fn register_converter(vm: &Vm, typename: Cow<'_, str>, converter: &Value) -> PyResult<()> {
        let key = vm.call_method_str(&vm.new_str(&typename), "upper", &[])?;
        state(vm).converters.set(vm, &key, converter.clone())
    }
}

native_module! {
    name: "_sqlite3",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [
        Blob, Connection, Cursor, PrepareProtocol, Row, Error, Warning, InterfaceError, DatabaseError, InternalError,
        OperationalError, ProgrammingError, IntegrityError, DataError, NotSupportedError,
    ],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    Statement::static_type().ready(vm);
    for (name, number) in codes::RESULTS {
        module.set_int(vm, &format!("SQLITE_{name}"), i64::from(*number));
    }
    for (name, number) in codes::OTHERS {
        module.set_int(vm, name, i64::from(*number));
    }
    module.set_int(vm, "PARSE_DECLTYPES", i64::from(PARSE_DECLTYPES));
    module.set_int(vm, "PARSE_COLNAMES", i64::from(PARSE_COLNAMES));
    module.set_int(vm, "LEGACY_TRANSACTION_CONTROL", i64::from(LEGACY_TRANSACTION_CONTROL));
    module.set_str(vm, "sqlite_version", library::version());
    module.set_int(vm, "threadsafety", THREAD_SAFETY);
    module.set(vm, "adapters", state(vm).adapters.clone());
    module.set(vm, "converters", state(vm).converters.clone());
    Ok(())
}

//! How connections are opened: what is given, and what is made of it.

use rspy_runtime::arguments::{Bound, InternedNames, Parameters, bind};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::DeprecationWarning;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::{audit, import, paths, warnings};

use super::connection::{Autocommit, Connection, LEGACY_TRANSACTION_CONTROL, LEVELS, Manner};
use super::errors;
use super::library::Database;

/// How a connection is to be opened.
struct Given<'a> {
    path: &'a Value,
    timeout: f64,
    detect_types: i32,
    level: Option<usize>,
    check_same_thread: bool,
    cached_statements: i32,
    uri: bool,
    autocommit: Autocommit,
}

/// What a connection is made with; the factory is looked at by `connect` alone.
static PARAMETERS: Parameters<9> = Parameters {
    function: "Connection",
    names: [
        "database", "timeout", "detect_types", "isolation_level", "check_same_thread", "factory",
        "cached_statements", "uri", "autocommit",
    ],
    required: [true, false, false, false, false, false, false, false, false],
    interned: InternedNames::NONE,
    positional_only: 0,
    positional: 8,
    rest: false,
    keywords: false,
};

impl<'a> Given<'a> {
    fn of(vm: &Vm, bound: &Bound<'a, 9>) -> PyResult<Given<'a>> {
        let [path, timeout, detect_types, level, check_same_thread, _, cached_statements, uri, autocommit] =
            bound.simple;
        let number = |value: Option<&Value>, default| {
            value.map_or(Ok(default), |value| int::to_fixed::<i32>(vm, &vm.index(value)?, "int"))
        };
        Ok(Given {
            path: path.ok_or_else(|| vm.type_error("Connection() missing required argument 'database' (pos 1)"))?,
            timeout: timeout.map_or(Ok(5.0), |timeout| float::to_f64(vm, timeout))?,
            detect_types: number(detect_types, 0)?,
            level: level.map_or(Ok(Some(0)), |level| level_of(vm, level))?,
            check_same_thread: check_same_thread.map_or(Ok(true), |check| vm.is_true(check))?,
            cached_statements: number(cached_statements, 128)?,
            uri: uri.map_or(Ok(false), |uri| vm.is_true(uri))?,
            autocommit: autocommit.map_or(Ok(Autocommit::Legacy), |value| autocommit_of(vm, value))?,
        })
    }
}

/// What is said of arguments by position that will have to be named.
///
/// # Errors
/// The warning where it is an error.
pub fn warn_of_positions(vm: &Vm, function: &str, given: usize) -> PyResult<()> {
    if !(2..=8).contains(&given) {
        return Ok(());
    }
    let message = format!(
        "Passing more than 1 positional argument to {function}() is deprecated. Parameters 'timeout', 'detect_types', \
         'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only \
         parameters in Python 3.15."
    );
    warnings::warn(vm, DeprecationWarning::static_type(), &message, 1)
}

/// The place of an isolation level; none for `None`.
pub fn level_of(vm: &Vm, value: &Value) -> PyResult<Option<usize>> {
    if is_none(value) {
        return Ok(None);
    }
    let Some(text) = value.downcast::<Str>() else {
        return Err(vm.type_error("isolation_level must be str or None"));
    };
    let text = text.to_utf8(vm)?;
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    match LEVELS.iter().position(|(name, _)| name.eq_ignore_ascii_case(&text)) {
        Some(place) => Ok(Some(place)),
        None => Err(vm.value_error(
            "isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'",
        )),
    }
}

pub fn autocommit_of(vm: &Vm, value: &Value) -> PyResult<Autocommit> {
    if value.is(&boolean(true)) {
        return Ok(Autocommit::Enabled);
    }
    if value.is(&boolean(false)) {
        return Ok(Autocommit::Disabled);
    }
    if int::small_value(value) == Some(i64::from(LEGACY_TRANSACTION_CONTROL)) {
        return Ok(Autocommit::Legacy);
    }
    Err(vm.value_error("autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL"))
}

impl Connection {
    /// Opens a connection, or one that was open once more.
    ///
    /// # Errors
    /// SQLite's, and those of the arguments.
    pub fn initialize(
        this: &Object<Connection>,
        vm: &Vm,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult<()> {
        let positional = args.len() - names.map_or(0, |names| names.items().len());
        warn_of_positions(vm, "_sqlite3.Connection", positional)?;
        let given = Given::of(vm, &bind(vm, &PARAMETERS, args, names)?)?;
        Connection::open(this, vm, given)
    }

    fn open(this: &Object<Connection>, vm: &Vm, given: Given<'_>) -> PyResult<()> {
        audit::raise_event(vm, "sqlite3.connect", || vec![given.path.clone()])?;
        let path = paths::to_system(vm, given.path)?;
        if this.is_initialized() {
            this.end(vm)?;
        }
        let patience = (given.timeout * 1000.0) as i32;
        let database = match Database::open(vm, &path, given.uri, patience) {
            Ok(database) => database,
            Err(failure) => {
                errors::raise(vm, &failure)?;
                return Err(vm.memory_error());
            }
        };
        let make = vm.get_attribute_str(&import::import_module(vm, "functools")?, "lru_cache")?;
        let cache = vm.call(&vm.call(&make, &[int::new(i64::from(given.cached_statements))])?, &[this.to_value()])?;
        this.begin(
            vm,
            database.clone(),
            cache,
            Manner {
                detects: given.detect_types,
                level: given.level,
                autocommit: given.autocommit,
                check_same_thread: given.check_same_thread,
            },
        );
        audit::raise_event(vm, "sqlite3.connect/handle", || vec![this.to_value()])?;
        if given.autocommit == Autocommit::Disabled {
            this.run(vm, &database, c"BEGIN")?;
        }
        Ok(())
    }
}

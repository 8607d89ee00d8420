//! The methods of connections that register callbacks: functions, aggregates, collations and hooks.

use std::borrow::Cow;

use rspy_macros::pymethods;
use rspy_runtime::arguments::{InternedNames, Parameters, bind};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::DeprecationWarning;
use rspy_runtime::object::Payload;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings;

use super::connection::{Connection, name_of};
use super::errors::{self, OperationalError, ProgrammingError};
use super::library::{Callback, Hook, Kind};

/// The limit of the number of arguments of functions.
const FUNCTION_ARGUMENTS: i32 = 6;

/// The arguments of a method whose first ones may be given by name, but not for long.
fn bound<'a, const N: usize>(
    vm: &Vm,
    parameters: &Parameters<N>,
    by_position: usize,
    args: &'a [Value],
    names: KeywordNames<'a>,
) -> PyResult<[Option<&'a Value>; N]> {
    let bound = bind(vm, parameters, args, names)?;
    let positional = args.len() - names.map_or(0, |names| names.items().len());
    if positional < by_position {
        warn_of_names(vm, parameters.function, &parameters.names[..by_position])?;
    }
    Ok(bound.simple)
}

/// Parameters that all can be given by position.
const fn parameters<const N: usize>(function: &'static str, names: [&'static str; N]) -> Parameters<N> {
    Parameters {
        function,
        names,
        required: [true; N],
        interned: InternedNames::NONE,
        positional_only: 0,
        positional: N,
        rest: false,
        keywords: false,
    }
}

/// What is said of parameters that are given by name.
fn warn_of_names(vm: &Vm, function: &str, parameters: &[&str]) -> PyResult<()> {
    let quoted: Vec<String> = parameters.iter().map(|name| format!("'{name}'")).collect();
    let (s, shown) = match quoted.as_slice() {
        [one] => ("", one.clone()),
        [first @ .., last] => ("s", format!("{} and {last}", first.join(", "))),
        [] => return Ok(()),
    };
    let message = format!(
        "Passing keyword argument{s} {shown} to _sqlite3.Connection.{function}() is deprecated. Parameter{s} {shown} \
         will become positional-only in Python 3.15."
    );
    warnings::warn(vm, DeprecationWarning::static_type(), &message, 1)
}

fn text_argument(vm: &Vm, function: &str, name: &str, value: &Value) -> PyResult<String> {
    match value.downcast::<Str>() {
        Some(text) => Ok(text.to_utf8(vm)?.into_owned()),
        None => {
            let got = if is_none(value) { "None".to_owned() } else { value.type_of().full_name() };
            Err(vm.type_error(format!("{function}() argument '{name}' must be str, not {got}")))
        }
    }
}

impl Connection {
    fn callback(&self, callable: &Value) -> Option<Callback> {
        let callback = || Callback { callable: callable.clone(), pending: self.pending.clone() };
        (!is_none(callable)).then(callback)
    }

    fn create(
        &self,
        vm: &Vm,
        name: &str,
        (count_name, count): (&str, i32),
        kind: Kind,
        callable: &Value,
    ) -> PyResult<()> {
        let database = self.usable(vm)?;
        let most = database.limit(FUNCTION_ARGUMENTS, -1);
        if !(-1..=most).contains(&count) {
            let message = format!("'{count_name}' must be between -1 and {most}, not {count}");
            return Err(ProgrammingError::error(vm, message));
        }
        let callback = match kind {
            Kind::Window => self.callback(callable),
            // `None` is as good as any other object that cannot be called.
            _ => Some(Callback { callable: callable.clone(), pending: self.pending.clone() }),
        };
        let name = name_of(vm, name)?;
        if database.create_function(vm, &name, count, kind, callback).is_ok() {
            return Ok(());
        }
        match kind {
            Kind::Function { .. } => Err(OperationalError::error(vm, "Error creating function")),
            Kind::Aggregate => Err(OperationalError::error(vm, "Error creating aggregate")),
            Kind::Window => {
                errors::raise_last(vm, &database)?;
                Err(OperationalError::error(vm, "Error creating window function"))
            }
        }
    }

    fn hook(&self, vm: &Vm, hook: Hook, callable: &Value, steps: i32, message: &str) -> PyResult<()> {
        let database = self.usable(vm)?;
        let set = database.set_hook(vm, hook, self.callback(callable), steps);
        set.map_err(|_| OperationalError::error(vm, message))
    }
}

#[pymethods(METHODS_OF_CALLBACKS)]
impl Connection {
    /// Creates a new function.
    ///
    /// Note: Passing keyword arguments 'name', 'narg' and 'func' to
    /// _sqlite3.Connection.create_function() is deprecated. Parameters
    /// 'name', 'narg' and 'func' will become positional-only in
    /// Python 3.15.
    #[method("create_function(self, /, name, narg, func, *, deterministic=False)")]
    fn create_function(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        static PARAMETERS: Parameters<4> = Parameters {
            required: [true, true, true, false],
            positional: 3,
            ..parameters("create_function", ["name", "narg", "func", "deterministic"])
        };
        let [Some(name), Some(count), Some(function), deterministic] = bound(vm, &PARAMETERS, 3, args, names)? else {
            return Err(vm.system_error("an argument is missing"));
        };
        let name = text_argument(vm, "create_function", "name", name)?;
        let count = int::to_fixed::<i32>(vm, &vm.index(count)?, "int")?;
        let deterministic = deterministic.map_or(Ok(false), |deterministic| vm.is_true(deterministic))?;
        self.create(vm, &name, ("narg", count), Kind::Function { deterministic }, function)
    }

    /// Creates a new aggregate.
    ///
    /// Note: Passing keyword arguments 'name', 'n_arg' and 'aggregate_class'
    /// to _sqlite3.Connection.create_aggregate() is deprecated. Parameters
    /// 'name', 'n_arg' and 'aggregate_class' will become positional-only in
    /// Python 3.15.
    #[method("create_aggregate(self, /, name, n_arg, aggregate_class)")]
    fn create_aggregate(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        static PARAMETERS: Parameters<3> = parameters("create_aggregate", ["name", "n_arg", "aggregate_class"]);
        let [Some(name), Some(count), Some(class)] = bound(vm, &PARAMETERS, 3, args, names)? else {
            return Err(vm.system_error("an argument is missing"));
        };
        let name = text_argument(vm, "create_aggregate", "name", name)?;
        let count = int::to_fixed::<i32>(vm, &vm.index(count)?, "int")?;
        self.create(vm, &name, ("n_arg", count), Kind::Aggregate, class)
    }

    /// Creates or redefines an aggregate window function. Non-standard.
    ///
    ///   name
    ///     The name of the SQL aggregate window function to be created or
    ///     redefined.
    ///   num_params
    ///     The number of arguments the step and inverse methods takes.
    ///   aggregate_class
    ///     A class with step(), finalize(), value(), and inverse() methods.
    ///     Set to None to clear the window function.
    #[method("create_window_function(self, name, num_params, aggregate_class, /)")]
    fn create_window_function(
        &self,
        vm: &Vm,
        name: Cow<'_, str>,
        num_params: i32,
        aggregate_class: &Value,
    ) -> PyResult<()> {
        self.create(vm, &name, ("num_params", num_params), Kind::Window, aggregate_class)
    }

    /// Creates a collation function.
    #[method("create_collation(self, name, callback, /)")]
    fn create_collation(&self, vm: &Vm, name: Cow<'_, str>, callback: &Value) -> PyResult<()> {
        let name = name_of(vm, &name)?;
        let database = self.usable(vm)?;
        if !is_none(callback) && !vm.is_callable(callback) {
            return Err(vm.type_error("parameter must be callable"));
        }
        match database.create_collation(vm, &name, self.callback(callback)) {
            Ok(()) => Ok(()),
            Err(result) => {
                errors::raise_last(vm, &database)?;
                errors::raise_result(vm, result)
            }
        }
    }

    /// Set authorizer callback.
    ///
    /// Note: Passing keyword argument 'authorizer_callback' to
    /// _sqlite3.Connection.set_authorizer() is deprecated. Parameter
    /// 'authorizer_callback' will become positional-only in Python 3.15.
    #[method("set_authorizer(self, /, authorizer_callback)")]
    fn set_authorizer(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        static PARAMETERS: Parameters<1> = parameters("set_authorizer", ["authorizer_callback"]);
        let [Some(callback)] = bound(vm, &PARAMETERS, 1, args, names)? else {
            return Err(vm.system_error("an argument is missing"));
        };
        self.hook(vm, Hook::Authorizer, callback, 0, "Error setting authorizer callback")
    }

    /// Set progress handler callback.
    ///
    ///   progress_handler
    ///     A callable that takes no arguments.
    ///     If the callable returns non-zero, the current query is
    ///     terminated, and an exception is raised.
    ///   n
    ///     The number of SQLite virtual machine instructions that are
    ///     executed between invocations of 'progress_handler'.
    ///
    /// If 'progress_handler' is None or 'n' is 0, the progress handler is
    /// disabled.
    ///
    /// Note: Passing keyword argument 'progress_handler' to
    /// _sqlite3.Connection.set_progress_handler() is deprecated. Parameter
    /// 'progress_handler' will become positional-only in Python 3.15.
    #[method("set_progress_handler(self, /, progress_handler, n)")]
    fn set_progress_handler(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        static PARAMETERS: Parameters<2> = parameters("set_progress_handler", ["progress_handler", "n"]);
        let [Some(callback), Some(steps)] = bound(vm, &PARAMETERS, 1, args, names)? else {
            return Err(vm.system_error("an argument is missing"));
        };
        let steps = int::to_fixed::<i32>(vm, &vm.index(steps)?, "int")?;
        self.hook(vm, Hook::Progress, callback, steps, "Error setting progress handler")
    }

    /// Set a trace callback called for each SQL statement (passed as unicode).
    ///
    /// Note: Passing keyword argument 'trace_callback' to
    /// _sqlite3.Connection.set_trace_callback() is deprecated. Parameter
    /// 'trace_callback' will become positional-only in Python 3.15.
    #[method("set_trace_callback(self, /, trace_callback)")]
    fn set_trace_callback(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        static PARAMETERS: Parameters<1> = parameters("set_trace_callback", ["trace_callback"]);
        let [Some(callback)] = bound(vm, &PARAMETERS, 1, args, names)? else {
            return Err(vm.system_error("an argument is missing"));
        };
        self.hook(vm, Hook::Trace, callback, 0, "Error setting trace callback")
    }
}

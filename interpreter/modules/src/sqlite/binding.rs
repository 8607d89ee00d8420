//! Parameters of statements: from a sequence or a mapping to where the statement wants them.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::dict::is_dict;
use rspy_runtime::types::int;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::adapters::prepare;
use super::errors::{self, ProgrammingError};
use super::functions::with_datum;
use super::library::Database;
use super::statement::Statement;

/// Gives a statement its parameters.
///
/// # Errors
/// `ProgrammingError` where they do not fit the statement, and what adapting and reading them raises.
pub fn bind(vm: &Vm, database: &Database, statement: &Statement, parameters: &Value) -> PyResult<()> {
    if let Some(tuple) = parameters.downcast_exact::<Tuple>() {
        check_count(vm, statement, tuple.items().len())?;
        for (index, parameter) in tuple.items().iter().enumerate() {
            bind_positional(vm, database, statement, index, parameter.clone())?;
        }
        return Ok(());
    }
    if is_dict(parameters) {
        return bind_named(vm, database, statement, parameters);
    }
    if !vm.is_sequence(parameters) {
        return Err(ProgrammingError::error(vm, "parameters are of unsupported type"));
    }
    let count = vm.length(parameters)?;
    check_count(vm, statement, count)?;
    for index in 0..count {
        let parameter = vm.get_item(parameters, &int::new(index as i64))?;
        bind_positional(vm, database, statement, index, parameter)?;
    }
    Ok(())
}

fn check_count(vm: &Vm, statement: &Statement, given: usize) -> PyResult<()> {
    let wanted = statement.parameters();
    if given != wanted as usize {
        return Err(ProgrammingError::error(
            vm,
            format!(
                "Incorrect number of bindings supplied. The current statement uses {wanted}, and there are {given} \
                 supplied."
            ),
        ));
    }
    Ok(())
}

fn bind_positional(
    vm: &Vm,
    database: &Database,
    statement: &Statement,
    index: usize,
    parameter: Value,
) -> PyResult<()> {
    let position = index as i32 + 1;
    if let Some(name) = statement.parameter_name(position)
        && !name.to_bytes().starts_with(b"?")
    {
        return Err(ProgrammingError::error(
            vm,
            format!(
                "Binding {position} ('{}') is a named parameter, but you supplied a sequence which requires nameless \
                 (qmark) placeholders.",
                name.to_string_lossy()
            ),
        ));
    }
    bind_one(vm, database, statement, position, parameter)
}

fn bind_named(vm: &Vm, database: &Database, statement: &Statement, parameters: &Value) -> PyResult<()> {
    for position in 1..=statement.parameters() {
        let Some(name) = statement.parameter_name(position) else {
            return Err(ProgrammingError::error(
                vm,
                format!("Binding {position} has no name, but you supplied a dictionary (which has only names)."),
            ));
        };
        let name = String::from_utf8_lossy(&name.to_bytes()[1..]).into_owned();
        let parameter = vm.get_item(parameters, &vm.new_str(&name)).map_err(|error| {
            if !error.is_lookup_error() {
                return error;
            }
            ProgrammingError::error(vm, format!("You did not supply a value for binding parameter :{name}."))
        })?;
        bind_one(vm, database, statement, position, parameter)?;
    }
    Ok(())
}

fn bind_one(
    vm: &Vm,
    database: &Database,
    statement: &Statement,
    position: i32,
    parameter: Value,
) -> PyResult<()> {
    let adapted = prepare(vm, parameter)?;
    match with_datum(vm, &adapted, |datum| statement.bind(position, datum))? {
        Some(Ok(())) => Ok(()),
        Some(Err(result)) => {
            errors::raise_last(vm, database)?;
            errors::raise_result(vm, result)
        }
        None => Err(ProgrammingError::error(
            vm,
            format!(
                "Error binding parameter {position}: type '{}' is not supported",
                adapted.type_of().full_name()
            ),
        )),
    }
}

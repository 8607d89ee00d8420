//! What pickling knows from Python modules: `copyreg`'s tables, the names that Python 2 used, helpers to refer to.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::import_module;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::vm::Vm;

/// A function or another object of a module.
///
/// # Errors
/// Those of the import, and `AttributeError`.
pub fn global(vm: &Vm, module: &str, name: &str) -> PyResult {
    let module = import_module(vm, module)?;
    vm.get_attribute_str(&module, name)
}

/// A dict of a module.
///
/// # Errors
/// `RuntimeError` where it is something else.
pub fn table(vm: &Vm, module: &str, name: &str) -> PyResult<Ref<Dict>> {
    let found = global(vm, module, name)?;
    match found.downcast::<Dict>() {
        Some(dict) => Ok(dict.to_ref()),
        None => Err(vm.runtime_error(format!(
            "{module}.{name} should be a dict, not {}",
            found.type_of().full_name()
        ))),
    }
}

/// Which of the two tables of old names is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// From today's names to those of Python 2.
    ToOld,
    /// From the names of Python 2 to today's.
    ToNew,
}

/// The module and name that an object had in Python 2, or has today.
///
/// # Errors
/// `RuntimeError` where the tables hold something else than names.
pub fn renamed(
    vm: &Vm,
    direction: Direction,
    module: &Object<Str>,
    name: &Object<Str>,
) -> PyResult<(Ref<Str>, Ref<Str>)> {
    let (names, modules) = match direction {
        Direction::ToOld => ("REVERSE_NAME_MAPPING", "REVERSE_IMPORT_MAPPING"),
        Direction::ToNew => ("NAME_MAPPING", "IMPORT_MAPPING"),
    };
    let key = Tuple::from_values([module.to_value(), name.to_value()]).into_value();
    if let Some(pair) = table(vm, "_compat_pickle", names)?.get(vm, &key)? {
        let wrong = |what: String| vm.runtime_error(format!("_compat_pickle.{names} values should be {what}"));
        let Some([module, name]) = pair.downcast::<Tuple>().map(|pair| pair.items()) else {
            return Err(wrong(format!("2-tuples, not {}", pair.type_of().full_name())));
        };
        return match (module.downcast::<Str>(), name.downcast::<Str>()) {
            (Some(module), Some(name)) => Ok((module.to_ref(), name.to_ref())),
            _ => Err(wrong(format!(
                "pairs of str, not ({}, {})",
                module.type_of().full_name(),
                name.type_of().full_name()
            ))),
        };
    }
    match table(vm, "_compat_pickle", modules)?.get(vm, &module.as_value())? {
        None => Ok((module.to_ref(), name.to_ref())),
        Some(found) => match found.downcast::<Str>() {
            Some(module) => Ok((module.to_ref(), name.to_ref())),
            None => Err(vm.runtime_error(format!(
                "_compat_pickle.{modules} values should be strings, not {}",
                found.type_of().full_name()
            ))),
        },
    }
}

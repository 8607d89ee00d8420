//! Modules that hide another of the same name: a frequent reason why a module lacks what a program expects of it.

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Ref};
use crate::types::set::is_any_set;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// What a module's name and place make one suspect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suspicion {
    /// Nothing.
    Nothing,
    /// It lies beside the program, so that it may hide an installed module.
    Beside,
    /// It lies beside the program and has the name of a library module.
    HidesLibrary,
}

/// What to suspect of a module that comes from a file.
///
/// # Errors
/// Those of hashing a name that is no plain string.
pub(crate) fn suspicion(vm: &Vm, name: Option<&Value>, origin: Option<&Object<Str>>) -> PyResult<Suspicion> {
    if !origin.is_some_and(|origin| lies_beside_program(vm, &origin.to_string_lossy())) {
        return Ok(Suspicion::Nothing);
    }
    let library = vm.sys_attribute(&vm.intern("stdlib_module_names")).filter(is_any_set);
    match (library, name) {
        (Some(library), Some(name)) if vm.contains(&library, name)? => Ok(Suspicion::HidesLibrary),
        _ => Ok(Suspicion::Beside),
    }
}

/// Whether a file is a module or package in the folder that the program was started in or from.
fn lies_beside_program(vm: &Vm, origin: &str) -> bool {
    let module = origin.strip_suffix("/__init__.py").unwrap_or(origin);
    let folder = module.rfind('/').map_or("", |slash| &module[..slash]);
    match vm.interpreter.first_path.get().as_deref() {
        None => false,
        Some("") => std::env::current_dir().is_ok_and(|current| current.to_string_lossy() == folder),
        Some(first) => first == folder,
    }
}

/// The file that a spec says its module is from.
///
/// # Errors
/// Those of the spec's attributes.
pub(crate) fn file_origin(vm: &Vm, spec: &Value) -> PyResult<Option<Ref<Str>>> {
    let Some(has_location) = vm.get_attribute_optional(spec, &vm.intern("has_location"))? else {
        return Ok(None);
    };
    if !vm.is_true(&has_location)? {
        return Ok(None);
    }
    let origin = vm.get_attribute_optional(spec, &names::origin)?;
    Ok(origin.and_then(|origin| origin.downcast_into::<Str>().ok()))
}

/// Whether a spec's module is still being imported.
pub(crate) fn is_initializing(vm: &Vm, spec: &Value) -> bool {
    let value = vm.get_attribute_optional(spec, &names::_initializing);
    value.ok().flatten().is_some_and(|value| vm.is_true(&value).unwrap_or(false))
}

//! Modules of the program that may hide another of the same name: errors about what such a module lacks say so.

use crate::exceptions::PyResult;
use crate::names;
use crate::types::set::{FrozenSet, Set};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// What a module may hide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shadowing {
    /// Nothing.
    Nothing,
    /// A module of that name that is installed: it lies in the folder where the program is.
    Installed,
    /// A module of the library.
    Library,
}

/// What the module of a name hides that was loaded from `origin`.
///
/// # Errors
/// What the hash of the name raises.
pub fn shadowing(vm: &Vm, module: Option<&Value>, origin: Option<&Value>) -> PyResult<Shadowing> {
    let Some(origin) = origin.and_then(|origin| origin.downcast::<Str>()) else {
        return Ok(Shadowing::Nothing);
    };
    if !lies_beside_program(vm, &origin.to_string_lossy()) {
        return Ok(Shadowing::Nothing);
    }
    let library = vm.sys_attribute(&vm.intern("stdlib_module_names"));
    let is_set = |names: &Value| names.downcast::<FrozenSet>().is_some() || names.downcast::<Set>().is_some();
    if let (Some(library), Some(module)) = (library.filter(is_set), module)
        && vm.contains(&library, module)?
    {
        return Ok(Shadowing::Library);
    }
    Ok(Shadowing::Installed)
}

/// Whether a file, or its package, lies in the folder that was put on the path for the program.
fn lies_beside_program(vm: &Vm, origin: &str) -> bool {
    let Some(first) = vm.interpreter.first_path.get() else { return false };
    if vm.interpreter.configuration.safe_path {
        return false;
    }
    let file = origin.strip_suffix("/__init__.py").unwrap_or(origin);
    let folder = file.rfind('/').map_or("", |slash| &file[..slash]);
    if first.is_empty() {
        return std::env::current_dir().is_ok_and(|here| here.as_os_str() == folder);
    }
    first == folder
}

/// The file that a spec speaks of, if it speaks of one.
pub fn file_origin(vm: &Vm, spec: &Value) -> Option<Value> {
    let has_location = vm.get_attribute_optional(spec, &vm.intern("has_location")).ok().flatten()?;
    if !vm.is_true(&has_location).unwrap_or(false) {
        return None;
    }
    let origin = vm.get_attribute_optional(spec, &names::origin).ok().flatten();
    origin.filter(|origin| origin.downcast::<Str>().is_some())
}

/// Whether the module of a spec is being imported.
pub fn is_initializing(vm: &Vm, spec: &Value) -> bool {
    let initializing = vm.get_attribute_optional(spec, &names::_initializing).ok().flatten();
    initializing.is_some_and(|value| vm.is_true(&value).unwrap_or(false))
}

/// What the error about a missing name adds of the module that it should be in, if that hides another.
pub fn advice(
    shadowing: Shadowing,
    module: &str,
    origin: Option<&Value>,
    initializes: bool,
) -> Option<String> {
    let origin = origin.and_then(|origin| origin.downcast::<Str>())?.to_string_lossy().into_owned();
    match shadowing {
        Shadowing::Library => Some(format!(
            "consider renaming '{origin}' since it has the same name as the standard library module named '{module}' \
             and prevents importing that standard library module"
        )),
        Shadowing::Installed if initializes => Some(format!(
            "consider renaming '{origin}' if it has the same name as a library you intended to import"
        )),
        _ => None,
    }
}

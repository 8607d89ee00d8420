//! The exceptions of `pickle`, and the notes that tell where in an object pickling failed.

use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::TypeObject;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;

exception! {
    PickleError, "PickleError", "_pickle", PlainException, weak
}

exception! {
    PicklingError, "PicklingError", "_pickle", PickleError, weak
}

exception! {
    UnpicklingError, "UnpicklingError", "_pickle", PickleError, weak
}

/// A type's name with its module, unless that goes without saying.
pub fn qualified_name(vm: &Vm, typ: &TypeObject) -> String {
    let name = typ.qualified_name(vm).to_string_lossy().into_owned();
    let module = vm.get_attribute_optional(&typ.to_value(), &names::__module__).ok().flatten();
    match module.as_ref().and_then(|module| module.downcast::<Str>()) {
        Some(module) if !module.equals_str("builtins") && !module.equals_str("__main__") => {
            format!("{}.{name}", module.to_string_lossy())
        }
        _ => name,
    }
}

/// The qualified name of a value's type.
pub fn type_name(vm: &Vm, value: &Value) -> String {
    qualified_name(vm, value.type_of())
}

/// Tells what was being written when something went wrong.
pub trait Noted<T> {
    /// Adds the note `when serializing TYPE WHAT`.
    ///
    /// # Errors
    /// The same error.
    fn noted(self, vm: &Vm, object: &Value, what: impl FnOnce() -> String) -> PyResult<T>;
}

impl<T> Noted<T> for PyResult<T> {
    #[inline]
    fn noted(self, vm: &Vm, object: &Value, what: impl FnOnce() -> String) -> PyResult<T> {
        match self {
            Ok(done) => Ok(done),
            Err(error) => Err(with_note(vm, error, object, &what())),
        }
    }
}

#[cold]
fn with_note(vm: &Vm, error: Exception, object: &Value, what: &str) -> Exception {
    error.add_note(vm, &format!("when serializing {} {what}", type_name(vm, object)));
    error
}

//! `typing.Generic`: the base of generic classes.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::TypeObject;
use crate::slots::KeywordNames;
use crate::value::Value;
use crate::vm::Vm;

/// Abstract base class for generic types.
///
/// On Python 3.12 and newer, generic classes implicitly inherit from
/// Generic when they declare a parameter list after the class's name.
#[pyclass(name = "Generic", from_module, module = "typing", subclassable)]
pub struct Generic {}

/// Calls a function of `typing` with the class and the arguments of a class method.
fn delegate(vm: &Vm, cls: &TypeObject, name: &str, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    let typing = crate::import::import_module(vm, "typing")?;
    let function = vm.get_attribute_str(&typing, name)?;
    let mut all = vec![cls.to_value()];
    all.extend_from_slice(args);
    vm.call_with_names(&function, &all, names)
}

#[pymethods]
impl Generic {
    /// Parameterizes a generic class.
    #[classmethod("__class_getitem__")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        delegate(vm, cls, "_generic_class_getitem", args, names)
    }

    /// Function to initialize subclasses.
    #[classmethod("__init_subclass__")]
    fn init_subclass(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        delegate(vm, cls, "_generic_init_subclass", args, names)
    }
}

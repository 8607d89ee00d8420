//! `_testmultiphase`: a module with a little of everything, for tests of imports.

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;

exception! {
    /// What the module's functions would raise.
    Error, "error", "_testimportexec", PlainException, weak
}

native_module! {
    name: "_testmultiphase",
    doc: "Test module main",
    functions: [Functions::FUNCTIONS],
    types: [Example, Error],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    module.set_int(vm, "int_const", 1969);
    module.set_str(vm, "str_const", "something different");
    Ok(())
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// foo(i,j)
    ///
    /// Return the sum of i and j.
    #[function("foo(i, j, /)")]
    fn foo(i: i64, j: i64) -> Value {
        int::from_i128(i128::from(i) + i128::from(j))
    }
}

/// A type without anything special.
#[pyclass(name = "Example", module = "_testimportexec", dict, subclassable, tracked)]
pub struct Example;

#[pymethods]
impl Example {
    #[slot(new)]
    fn new(_vm: &Vm, cls: &TypeObject, _args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Example).into_value())
    }

    /// Answer the argument if it is a string.
    #[method("demo(self, argument=None, /)")]
    fn demo(&self, argument: Option<&Value>) -> Option<Value> {
        argument.filter(|argument| argument.downcast::<Str>().is_some()).cloned()
    }
}

//! `_sysconfig`: how the interpreter was built.

use rspy_macros::pyfunctions;
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

native_module! {
    name: "_sysconfig",
    doc: "A helper for the sysconfig module.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |_, _| Ok(()),
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Returns a dictionary containing build variables intended to be exposed by sysconfig.
    #[function("config_vars()")]
    fn config_vars(vm: &Vm) -> Ref<Dict> {
        let variables = Dict::new();
        for name in ["Py_GIL_DISABLED", "Py_DEBUG"] {
            variables.set_str(&vm.intern(name), Value::int(0));
        }
        variables
    }
}

//! What the modules that test extension files have in common, and what `_testinternalcapi` has for their sake.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::import::extension::single_phase;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Makes a class that adds nothing to its base.
pub fn new_class(vm: &Vm, module: &str, name: &str, base: Value) -> PyResult {
    let names = Dict::new();
    names.set_str(&vm.intern("__module__"), vm.new_str(module));
    vm.call(
        &Type::static_type().to_value(),
        &[vm.new_str(name), Tuple::from_values([base]).into_value(), names.into_value()],
    )
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("clear_extension(name, filename, /)")]
    fn clear_extension(vm: &Vm, name: &Object<Str>, filename: &Object<Str>) {
        single_phase::clear(vm, &name.to_string_lossy(), &filename.to_string_lossy());
    }
}

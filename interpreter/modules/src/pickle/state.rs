//! Giving an object that was just made its state: by `__setstate__`, or as attributes.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::Object;
use rspy_runtime::types::descriptors::GetSetDescriptor;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::object::generic_get_attribute;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::intern::intern;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::{TypeFlags, instance};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::errors::UnpicklingError;

/// Gives an object its state.
///
/// # Errors
/// `UnpicklingError` for a state that is no dict, and what the object raises.
pub fn set_state(vm: &Vm, object: &Value, state: &Value) -> PyResult<()> {
    if let Some(method) = vm.get_attribute_optional(object, &names::__setstate__)? {
        return vm.call(&method, std::slice::from_ref(state)).map(drop);
    }
    // A state of two parts has attributes and slots.
    let (attributes, slots) = match state.downcast::<Tuple>().map(|pair| pair.items()) {
        Some([attributes, slots]) => (attributes, Some(slots)),
        _ => (state, None),
    };
    if !is_none(attributes) {
        let Some(attributes) = attributes.downcast::<Dict>() else {
            return Err(UnpicklingError::error(vm, "state is not a dictionary"));
        };
        set_attributes(vm, object, attributes)?;
    }
    let Some(slots) = slots else { return Ok(()) };
    let Some(slots) = slots.downcast::<Dict>() else {
        return Err(UnpicklingError::error(vm, "slot state is not a dictionary"));
    };
    for (name, value) in slots.pairs() {
        match name.downcast::<Str>() {
            Some(name) => vm.set_attribute(object, name, &value)?,
            None => {
                return Err(vm.type_error(format!(
                    "attribute name must be string, not '{}'",
                    name.type_of().full_name()
                )));
            }
        }
    }
    Ok(())
}

fn set_attributes(vm: &Vm, object: &Value, attributes: &Object<Dict>) -> PyResult<()> {
    // Attributes go straight to their places where nothing of the class stands between.
    let own = match has_plain_attributes(vm, object) {
        true => None,
        false => Some(vm.get_attribute(object, &names::__dict__)?),
    };
    let mut at = 0;
    while let Some((next, name, value)) = attributes.next_entry(at) {
        at = next;
        match (name.downcast_exact::<Str>(), &own) {
            (Some(name), None) => {
                instance::set(vm, object, &intern(name), Some(&value))?;
            }
            (Some(name), Some(own)) => vm.set_item(own, intern(name).value(), &value)?,
            (None, Some(own)) => vm.set_item(own, &name, &value)?,
            (None, None) => vm.set_item(&vm.get_attribute(object, &names::__dict__)?, &name, &value)?,
        }
    }
    Ok(())
}

/// Whether an object's `__dict__` is where its attributes are, and nothing else.
pub(super) fn has_plain_attributes(vm: &Vm, object: &Value) -> bool {
    let typ = object.type_of();
    let generic = generic_get_attribute as *const () as usize;
    typ.is_heap()
        && typ.has_flag(TypeFlags::INLINE)
        && typ.has_flag(TypeFlags::HAS_DICT)
        && typ.slots().getattribute.get().is_some_and(|get| get as usize == generic)
        && typ.lookup(vm, &names::__dict__).is_some_and(|found| found.downcast_exact::<GetSetDescriptor>().is_some())
}

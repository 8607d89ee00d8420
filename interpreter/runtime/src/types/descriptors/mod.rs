//! Descriptors: what stands in the dict of a class and decides what an attribute of its instances is.

mod class_method;
mod mapping_proxy;
mod native;
mod property;

pub use class_method::{ClassMethod, StaticMethod};
pub use mapping_proxy::MappingProxy;
pub(crate) use native::native_getter;
pub use native::{GetSetDescriptor, MemberDescriptor, attribute_dict, attribute_weakref};
pub use property::Property;

use crate::exceptions::PyResult;
use crate::names;
use crate::value::Value;
use crate::vm::Vm;

/// Whether an object says that it is an abstract method.
///
/// # Errors
/// What `__isabstractmethod__` raises.
pub fn is_abstract(vm: &Vm, object: Option<&Value>) -> PyResult<bool> {
    let Some(object) = object else { return Ok(false) };
    match vm.get_attribute_optional(object, &names::__isabstractmethod__)? {
        Some(answer) => vm.is_true(&answer),
        None => Ok(false),
    }
}

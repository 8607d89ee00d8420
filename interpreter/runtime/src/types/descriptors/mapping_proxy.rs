//! `mappingproxy`: a mapping that can only be read.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, TypeObject};
use crate::slots::Comparison;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::none::none;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Read-only proxy of a mapping.
#[pyclass(name = "mappingproxy", tracked, mapping, signature = "(mapping)")]
pub struct MappingProxy {
    mapping: Value,
}

impl MappingProxy {
    /// A proxy of a mapping.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(mapping: Value) -> Value {
        Object::new(MappingProxy { mapping }).into_value()
    }

    /// What the proxy shows.
    pub fn mapping(&self) -> &Value {
        &self.mapping
    }
}

/// The mapping behind a proxy; any other value itself.
fn unwrapped(value: &Value) -> &Value {
    value.downcast_exact::<MappingProxy>().map_or(value, |proxy| &proxy.payload().mapping)
}

#[pymethods]
impl MappingProxy {
    #[new("mappingproxy(mapping)")]
    fn new_proxy(vm: &Vm, cls: &TypeObject, mapping: &Value) -> PyResult {
        let is_mapping = mapping.type_of().slots().get_item.get().is_some()
            && mapping.downcast::<List>().is_none()
            && mapping.downcast::<Tuple>().is_none();
        if !is_mapping {
            return Err(vm.type_error(format!(
                "mappingproxy() argument must be a mapping, not {}",
                mapping.type_of().full_name()
            )));
        }
        Ok(Object::with_type(cls, MappingProxy { mapping: mapping.clone() }).into_value())
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        vm.length(&self.mapping)
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        vm.get_item(&self.mapping, key)
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        if let Some(dict) = self.mapping.downcast_exact::<Dict>() {
            return dict.contains(vm, key);
        }
        vm.contains(&self.mapping, key)
    }

    #[slot(iter)]
    fn iter(&self, vm: &Vm) -> PyResult {
        vm.iter(&self.mapping)
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        vm.binary_operation(7, unwrapped(left), unwrapped(right))
    }

    #[slot(inplace_or)]
    fn inplace_or(vm: &Vm, left: &Value, _right: &Value) -> PyResult {
        Err(vm
            .type_error(format!("'|=' is not supported by {}; use '|' instead", left.type_of().full_name())))
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = crate::types::string::build::StrBuilder::new();
        out.push_str("mappingproxy(");
        out.push_object(&*vm.repr(&self.mapping)?);
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(str)]
    fn str(&self, vm: &Vm) -> PyResult {
        vm.str(&self.mapping).map(Into::into)
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        vm.hash(&self.mapping)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        vm.compare(&self.mapping, other, comparison)
    }

    /// Return the value for key if key is in the mapping, else default.
    #[method("get(self, key, default=None, /)")]
    fn get(&self, vm: &Vm, key: &Value, default: &Value) -> PyResult {
        if let Some(dict) = self.mapping.downcast_exact::<Dict>() {
            return Ok(dict.get(vm, key)?.unwrap_or_else(|| default.clone()));
        }
        vm.call_method(&self.mapping, &names::get, &[key.clone(), default.clone()])
    }

    /// a set-like object providing a view on D's keys
    #[method("keys(self, /)")]
    fn keys(&self, vm: &Vm) -> PyResult {
        vm.call_method(&self.mapping, &names::keys, &[])
    }

    /// an object providing a view on D's values
    #[method("values(self, /)")]
    fn values(&self, vm: &Vm) -> PyResult {
        vm.call_method(&self.mapping, &names::values, &[])
    }

    /// a set-like object providing a view on D's items
    #[method("items(self, /)")]
    fn items(&self, vm: &Vm) -> PyResult {
        vm.call_method(&self.mapping, &names::items, &[])
    }

    /// a shallow copy of D
    #[method("copy(self, /)")]
    fn copy(&self, vm: &Vm) -> PyResult {
        vm.call_method(&self.mapping, &names::copy, &[])
    }

    /// See PEP 585
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        crate::types::generic_alias::new(vm, &cls.to_value(), object)
    }

    /// D.__reversed__() -> reverse iterator
    #[method("__reversed__(self, /)")]
    fn reversed(&self, vm: &Vm) -> PyResult {
        let reversed = vm.builtins().get_str(&names::reversed).unwrap_or_else(none);
        vm.call(&reversed, std::slice::from_ref(&self.mapping))
    }
}

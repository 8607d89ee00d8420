//! `method`: a function bound to an instance.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::none::{is_none, none, not_implemented};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A function bound to an instance.
#[pyclass(name = "method", tracked, weak, signature = "(function, instance, /)")]
pub struct BoundMethod {
    function: Value,
    instance: Value,
}

impl BoundMethod {
    /// A bound method.
    pub fn new(function: Value, instance: Value) -> Value {
        Object::new(BoundMethod { function, instance }).into_value()
    }

    /// The function.
    #[inline(always)]
    pub fn function(&self) -> &Value {
        &self.function
    }

    /// The instance.
    #[inline(always)]
    pub fn instance(&self) -> &Value {
        &self.instance
    }
}

#[pymethods]
impl BoundMethod {
    #[new("method(function, instance, /)")]
    fn new_method(vm: &Vm, _cls: &TypeObject, function: &Value, instance: &Value) -> PyResult {
        if !vm.is_callable(function) {
            return Err(vm.type_error("first argument must be callable"));
        }
        if is_none(instance) {
            return Err(vm.type_error("instance must not be None"));
        }
        Ok(BoundMethod::new(function.clone(), instance.clone()))
    }

    #[slot(call)]
    fn call(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(self.instance.clone());
        all.extend_from_slice(args);
        vm.call_with_names(&self.function, &all, names)
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let name = match vm.get_attribute_optional(&self.function, &names::__qualname__)? {
            Some(name) => Some(name),
            None => vm.get_attribute_optional(&self.function, &names::__name__)?,
        };
        let name = match name.as_ref().and_then(|name| name.downcast::<Str>()) {
            Some(name) => name.to_string_lossy().into_owned(),
            None => "?".to_owned(),
        };
        Ok(vm.new_str(&format!("<bound method {name} of {}>", vm.repr(&self.instance)?.to_string_lossy())))
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        let instance = (self.instance.id() >> 4 | self.instance.id() << 60) as i64;
        let hash = instance ^ vm.hash(&self.function)?;
        Ok(if hash == -1 { -2 } else { hash })
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Some(other), Comparison::Equal | Comparison::NotEqual) =
            (other.downcast::<BoundMethod>(), comparison)
        else {
            return Ok(not_implemented());
        };
        let equal = self.instance.is(&other.instance) && vm.same_or_equal(&self.function, &other.function)?;
        Ok(crate::types::bool::boolean(equal == (comparison == Comparison::Equal)))
    }

    #[slot(descriptor_get)]
    fn get(this: &Value, _object: Option<&Value>, _owner: Option<&Value>) -> Value {
        this.clone()
    }

    #[slot(getattribute)]
    fn getattribute(this: &Value, vm: &Vm, name: &Object<Str>) -> PyResult {
        let typ = this.type_of();
        if let Some(found) = typ.lookup(vm, name) {
            return match found.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &found, Some(this), Some(&typ.to_value())),
                None => Ok(found),
            };
        }
        let function = crate::convert::payload_of::<BoundMethod>(this).function.clone();
        vm.get_attribute(&function, name)
    }

    #[getter("__func__", member)]
    fn func(&self) -> Value {
        self.function.clone()
    }

    #[getter("__self__", member)]
    fn get_self(&self) -> Value {
        self.instance.clone()
    }

    #[getter("__doc__")]
    fn doc(&self, vm: &Vm) -> PyResult {
        vm.get_attribute(&self.function, &names::__doc__)
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        let getattr = vm.builtins().get_str(&names::getattr).unwrap_or_else(none);
        let name = vm.get_attribute(&self.function, &names::__name__)?;
        let args = Tuple::from_values([self.instance.clone(), name]);
        Ok(Tuple::from_values([getattr, args.into_value()]).into_value())
    }
}

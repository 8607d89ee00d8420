//! The methods of `tuple`.

use rspy_macros::pymethods;

use crate::exceptions::PyResult;
use crate::object::{Object, Ref, TypeObject};
use crate::types::slice::search_range;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

#[pymethods(MORE_METHODS)]
impl Tuple {
    /// How to copy and pickle it.
    #[method("__getnewargs__(self, /)")]
    fn getnewargs(this: &Object<Tuple>) -> (Ref<Tuple>,) {
        (Tuple::from_slice(this.items()),)
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[method("index(self, value, start=0, stop=sys.maxsize, /)")]
    fn index(&self, vm: &Vm, value: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult<isize> {
        let (start, stop) = search_range(vm, start, stop, self.items().len())?;
        for index in start..stop {
            if vm.same_or_equal(&self.items()[index as usize], value)? {
                return Ok(index);
            }
        }
        Err(vm.value_error("tuple.index(x): x not in tuple"))
    }

    /// Return number of occurrences of value.
    #[method("count(self, value, /)")]
    fn count(&self, vm: &Vm, value: &Value) -> PyResult<usize> {
        let mut count = 0;
        for item in self.items() {
            count += usize::from(vm.same_or_equal(item, value)?);
        }
        Ok(count)
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(cls: &TypeObject, vm: &Vm, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }
}

//! `_tuplegetter`: the attributes of named tuples.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

#[pyclass(name = "_tuplegetter", module = "collections", tracked)]
#[allow(missing_docs)]
pub struct TupleGetter {
    index: isize,
    doc: GilCell<Option<Value>>,
}

#[pymethods]
impl TupleGetter {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        let [index, doc] = args else {
            return Err(vm.type_error(format!("_tuplegetter expected 2 arguments, got {}", args.len())));
        };
        let index =
            vm.index_size(index, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        Ok(Object::with_type(cls, TupleGetter { index, doc: GilCell::new(Some(doc.clone())) }).into_value())
    }

    #[slot(descriptor_get)]
    fn descriptor_get(
        this: &Object<TupleGetter>,
        vm: &Vm,
        object: Option<&Value>,
        _owner: Option<&Value>,
    ) -> PyResult {
        let Some(object) = object.filter(|object| !is_none(object)) else { return Ok(this.to_value()) };
        let Some(tuple) = object.downcast::<Tuple>() else {
            return Err(vm.type_error(format!(
                "descriptor for index '{}' for tuple subclasses doesn't apply to '{}' object",
                this.index,
                object.type_of().full_name()
            )));
        };
        let item = usize::try_from(this.index).ok().and_then(|index| tuple.items().get(index));
        item.cloned().ok_or_else(|| vm.index_error("tuple index out of range"))
    }

    #[slot(descriptor_set)]
    fn descriptor_set(&self, vm: &Vm, _object: &Value, value: Option<&Value>) -> PyResult<()> {
        let message = if value.is_some() { "can't set attribute" } else { "can't delete attribute" };
        Err(vm.bare_attribute_error(message))
    }

    #[slot(repr)]
    fn repr(this: &Object<TupleGetter>, vm: &Vm) -> PyResult<String> {
        let doc = vm.repr(&this.doc.get().unwrap_or_else(none))?;
        Ok(format!("{}({}, {})", this.type_of().name(), this.index, doc.to_string_lossy()))
    }

    #[getter("__doc__", member)]
    fn get_doc(&self) -> Option<Value> {
        self.doc.get()
    }

    #[setter("__doc__")]
    fn set_doc(&self, value: Option<&Value>) -> PyResult<()> {
        self.doc.set(value.cloned());
        Ok(())
    }

    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<TupleGetter>) -> Value {
        let args = [int::new(this.index as i64), this.doc.get().unwrap_or_else(none)];
        Tuple::from_values([this.type_of().to_value(), Tuple::from_values(args).into_value()]).into_value()
    }
}

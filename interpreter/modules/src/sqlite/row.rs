//! `sqlite3.Row`: a row whose columns are found by place and by name.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::Comparison;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, not_implemented};
use rspy_runtime::types::slice::Slice;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::cursor::Cursor;

#[pyclass(name = "Row", module = "sqlite3", tracked, subclassable)]
pub struct Row {
    data: Ref<Tuple>,
    description: Value,
}

impl Row {
    /// The names of the columns.
    fn columns(&self) -> Vec<Value> {
        let description = self.description.downcast::<Tuple>().map_or(&[][..], |tuple| tuple.payload().items());
        let first = |column: &Value| column.downcast::<Tuple>().and_then(|column| column.items().first().cloned());
        description.iter().filter_map(first).collect()
    }
}

/// Whether two names are the same but for the case of ASCII letters.
fn same_name(left: &Object<Str>, right: &Object<Str>) -> bool {
    left.to_wtf8().eq_ignore_ascii_case(&right.to_wtf8())
}

#[pymethods]
impl Row {
    #[new("Row(cursor, data, /)")]
    fn new(cls: &TypeObject, cursor: &Object<Cursor>, data: Ref<Tuple>) -> PyResult {
        let description = cursor.description();
        Ok(Object::with_type(cls, Row { data, description }).into_value())
    }

    /// Returns the keys of the row.
    #[method("keys(self, /)")]
    fn keys(&self) -> Ref<List> {
        List::from_vec(self.columns())
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.data.items().len())
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        if let Some(name) = key.downcast::<Str>() {
            let columns = self.columns();
            let found = columns.iter().position(|column| {
                column.downcast::<Str>().is_some_and(|column| same_name(column, name))
            });
            let value = found.and_then(|place| self.data.items().get(place).cloned());
            return match value {
                Some(value) => Ok(value),
                None if is_none(&self.description) => {
                    let shown = vm.repr(key)?;
                    Err(vm.index_error(format!("No item with key {}", shown.to_string_lossy())))
                }
                None => Err(vm.index_error("No item with that key")),
            };
        }
        if rspy_runtime::types::int::is_int(key) {
            let index = vm.index_size(key, |vm| {
                let name = key.type_of().full_name();
                vm.index_error(format!("cannot fit '{name}' into an index-sized integer"))
            })?;
            let index = if index < 0 { index + self.data.items().len() as isize } else { index };
            let value = usize::try_from(index).ok().and_then(|index| self.data.items().get(index).cloned());
            return value.ok_or_else(|| vm.index_error("tuple index out of range"));
        }
        if key.downcast::<Slice>().is_some() {
            return vm.get_item(self.data.value(), key);
        }
        Err(vm.index_error("Index must be int or string"))
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        let value = usize::try_from(index).ok().and_then(|index| self.data.items().get(index).cloned());
        value.ok_or_else(|| vm.index_error("tuple index out of range"))
    }

    #[slot(iter)]
    fn iter(&self, vm: &Vm) -> PyResult {
        vm.iter(self.data.value())
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        Ok(vm.hash(&self.description)? ^ vm.hash(self.data.value())?)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<Row>() else { return Ok(not_implemented()) };
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(not_implemented());
        }
        if !vm.equal(&self.description, &other.description)? {
            return Ok(boolean(comparison == Comparison::NotEqual));
        }
        vm.compare(self.data.value(), other.data.value(), comparison)
    }
}

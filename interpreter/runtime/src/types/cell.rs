//! `cell`: a variable shared between a function and the functions inside it.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::Comparison;
use crate::types::none::not_implemented;
use crate::value::Value;
use crate::vm::Vm;

/// A variable shared between a function and the functions inside it.
#[pyclass(name = "cell", tracked)]
pub struct CellObject {
    contents: GilCell<Option<Value>>,
}

impl CellObject {
    /// A cell.
    pub fn new(contents: Option<Value>) -> Ref<CellObject> {
        Object::new(CellObject { contents: GilCell::new(contents) })
    }

    /// What is in it.
    #[inline(always)]
    pub fn get(&self) -> Option<Value> {
        self.contents.borrow().clone()
    }

    /// The word of what is in it, 0 for nothing; for the evaluator's fast paths.
    #[inline(always)]
    pub(crate) fn word(&self) -> *mut u64 {
        self.contents.as_ptr().cast()
    }

    /// Puts something in or takes it out; answers what was there.
    #[inline(always)]
    pub fn replace(&self, contents: Option<Value>) -> Option<Value> {
        self.contents.replace(contents)
    }
}

#[pymethods]
impl CellObject {
    #[slot(new)]
    fn new_cell(vm: &Vm, _: &TypeObject, args: &[Value], _: crate::slots::KeywordNames<'_>) -> PyResult {
        match args {
            [] => Ok(CellObject::new(None).into_value()),
            [contents] => Ok(CellObject::new(Some(contents.clone())).into_value()),
            _ => Err(vm.type_error(format!("cell expected at most 1 argument, got {}", args.len()))),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<CellObject>) -> String {
        let address = std::ptr::from_ref(this) as usize;
        match this.get() {
            None => format!("<cell at {address:#x}: empty>"),
            Some(value) => {
                format!("<cell at {address:#x}: {} object at {:#x}>", value.type_of().full_name(), value.id())
            }
        }
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<CellObject>() else { return Ok(not_implemented()) };
        match (self.get(), other.get()) {
            (Some(left), Some(right)) => vm.compare(&left, &right, comparison),
            (left, right) => {
                Ok(crate::types::bool::boolean(comparison.holds(left.is_some().cmp(&right.is_some()))))
            }
        }
    }

    #[getter("cell_contents")]
    fn cell_contents(&self, vm: &Vm) -> PyResult {
        self.get().ok_or_else(|| vm.value_error("cell is empty"))
    }

    #[setter("cell_contents")]
    fn set_cell_contents(&self, value: Option<&Value>) -> PyResult<()> {
        drop(self.replace(value.cloned()));
        Ok(())
    }
}

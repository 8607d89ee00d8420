//! Iterators that need not end: `count`, `cycle` and `repeat`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::make;

/// Return a count object whose .__next__() method returns consecutive values.
#[pyclass(name = "count", module = "itertools", shows_get, tracked, subclassable, signature = "(start=0, step=1)")]
pub struct Count {
    next: GilCell<Option<Value>>,
    step: Value,
}

#[pymethods]
impl Count {
    #[new("count(start=0, step=1)")]
    fn new(vm: &Vm, cls: &TypeObject, start: Option<&Value>, step: Option<&Value>) -> PyResult {
        for number in [start, step].into_iter().flatten() {
            if !is_number(number) {
                return Err(vm.type_error("a number is required"));
            }
        }
        let or = |number: Option<&Value>, default| number.map_or_else(|| int::new(default), Value::clone);
        Ok(make(cls, Count { next: GilCell::new(Some(or(start, 0))), step: or(step, 1) }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(value) = self.next.get() else { return Ok(None) };
        let after = match (value.small_int(), self.step.small_int()) {
            (Some(value), Some(step)) => int::from_i128(i128::from(value) + i128::from(step)),
            _ => vm.add(&value, &self.step)?,
        };
        self.next.set(Some(after));
        Ok(Some(value))
    }

    #[slot(repr)]
    fn repr(this: &Object<Count>, vm: &Vm) -> PyResult<String> {
        let name = this.type_of().name();
        let Some(next) = this.next.get() else { return Ok(format!("{name}()")) };
        let next = vm.repr(&next)?;
        if int::is_int(&this.step) && int::small_value(&this.step) == Some(1) {
            return Ok(format!("{name}({})", next.to_string_lossy()));
        }
        Ok(format!("{name}({}, {})", next.to_string_lossy(), vm.repr(&this.step)?.to_string_lossy()))
    }
}

/// Whether a value can be used where a number is wanted.
fn is_number(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.index.get().is_some()
        || slots.int.get().is_some()
        || slots.float.get().is_some()
        || value.downcast::<rspy_runtime::types::complex::Complex>().is_some()
}

/// Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.
#[pyclass(name = "cycle", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, /)")]
pub struct Cycle {
    /// The iterator, until it has ended.
    iterator: GilCell<Option<Value>>,
    saved: GilCell<Vec<Value>>,
    index: Cell<usize>,
}

#[pymethods]
impl Cycle {
    #[new("cycle(iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value) -> PyResult {
        let iterator = GilCell::new(Some(vm.iter(iterable)?));
        Ok(make(cls, Cycle { iterator, saved: GilCell::default(), index: Cell::new(0) }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if let Some(iterator) = self.iterator.get() {
            if let Some(item) = vm.next(&iterator)? {
                self.saved.borrow_mut().push(item.clone());
                return Ok(Some(item));
            }
            self.iterator.set(None);
        }
        let index = self.index.get();
        let (item, length) = {
            let saved = self.saved.borrow();
            (saved.get(index).cloned(), saved.len())
        };
        self.index.set(if index + 1 >= length { 0 } else { index + 1 });
        Ok(item)
    }
}

/// repeat(object [,times]) -> create an iterator which returns the object
/// for the specified number of times.  If not specified, returns the object
/// endlessly.
#[pyclass(name = "repeat", module = "itertools", shows_get, tracked, subclassable)]
pub struct Repeat {
    element: Value,
    /// How often it is still to come; without end if negative.
    left: Cell<isize>,
}

#[pymethods]
impl Repeat {
    #[new("repeat(object, times=sys.maxsize)")]
    fn new(cls: &TypeObject, object: &Value, times: Option<isize>) -> Value {
        let left = times.map_or(-1, |times| times.max(0));
        make(cls, Repeat { element: object.clone(), left: Cell::new(left) })
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let left = self.left.get();
        if left == 0 {
            return Ok(None);
        }
        if left > 0 {
            self.left.set(left - 1);
        }
        Ok(Some(self.element.clone()))
    }

    #[slot(repr)]
    fn repr(this: &Object<Repeat>, vm: &Vm) -> PyResult<String> {
        let element = vm.repr(&this.element)?;
        let (name, element) = (this.type_of().name(), element.to_string_lossy());
        let left = this.left.get();
        Ok(if left < 0 { format!("{name}({element})") } else { format!("{name}({element}, {left})") })
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self, vm: &Vm) -> PyResult<isize> {
        if self.left.get() < 0 {
            return Err(vm.type_error("len() of unsized object"));
        }
        Ok(self.left.get())
    }
}

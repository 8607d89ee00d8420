//! Iterators that leave items out: `compress`, `dropwhile`, `takewhile`, `filterfalse` and `islice`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bool::{Bool, as_bool};
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::make;

/// Return data elements corresponding to true selector elements.
#[pyclass(name = "compress", module = "itertools", shows_get, tracked, subclassable, signature = "(data, selectors)")]
pub struct Compress {
    data: Value,
    selectors: Value,
}

#[pymethods]
impl Compress {
    #[new("compress(data, selectors)")]
    fn new(vm: &Vm, cls: &TypeObject, data: &Value, selectors: &Value) -> PyResult {
        Ok(make(cls, Compress { data: vm.iter(data)?, selectors: vm.iter(selectors)? }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        loop {
            let Some(item) = vm.next(&self.data)? else { return Ok(None) };
            let Some(selector) = vm.next(&self.selectors)? else { return Ok(None) };
            if vm.is_true(&selector)? {
                return Ok(Some(item));
            }
        }
    }
}

/// Drop items from the iterable while predicate(item) is true.
///
/// Afterwards, return every element until the iterable is exhausted.
#[pyclass(name = "dropwhile", module = "itertools", shows_get, tracked, subclassable, signature = "(predicate, iterable, /)")]
pub struct DropWhile {
    predicate: Value,
    iterator: Value,
    started: Cell<bool>,
}

#[pymethods]
impl DropWhile {
    #[new("dropwhile(predicate, iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, predicate: &Value, iterable: &Value) -> PyResult {
        let iterator = vm.iter(iterable)?;
        Ok(make(cls, DropWhile { predicate: predicate.clone(), iterator, started: Cell::new(false) }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        loop {
            let Some(item) = vm.next(&self.iterator)? else { return Ok(None) };
            if self.started.get() {
                return Ok(Some(item));
            }
            let dropped = vm.call(&self.predicate, std::slice::from_ref(&item))?;
            if !vm.is_true(&dropped)? {
                self.started.set(true);
                return Ok(Some(item));
            }
        }
    }
}

/// Return successive entries from an iterable as long as the predicate evaluates to true for each entry.
#[pyclass(name = "takewhile", module = "itertools", shows_get, tracked, subclassable, signature = "(predicate, iterable, /)")]
pub struct TakeWhile {
    predicate: Value,
    iterator: Value,
    stopped: Cell<bool>,
}

#[pymethods]
impl TakeWhile {
    #[new("takewhile(predicate, iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, predicate: &Value, iterable: &Value) -> PyResult {
        let iterator = vm.iter(iterable)?;
        Ok(make(cls, TakeWhile { predicate: predicate.clone(), iterator, stopped: Cell::new(false) }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if self.stopped.get() {
            return Ok(None);
        }
        let Some(item) = vm.next(&self.iterator)? else { return Ok(None) };
        let taken = vm.call(&self.predicate, std::slice::from_ref(&item))?;
        if vm.is_true(&taken)? {
            return Ok(Some(item));
        }
        self.stopped.set(true);
        Ok(None)
    }
}

/// Return those items of iterable for which function(item) is false.
///
/// If function is None, return the items that are false.
#[pyclass(name = "filterfalse", module = "itertools", shows_get, tracked, subclassable, signature = "(function, iterable, /)")]
pub struct FilterFalse {
    function: Value,
    iterator: Value,
}

#[pymethods]
impl FilterFalse {
    #[new("filterfalse(function, iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, function: &Value, iterable: &Value) -> PyResult {
        Ok(make(cls, FilterFalse { function: function.clone(), iterator: vm.iter(iterable)? }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let plain = is_none(&self.function) || Bool::static_type().is(&self.function);
        loop {
            let Some(item) = vm.next(&self.iterator)? else { return Ok(None) };
            let kept = if plain {
                vm.is_true(&item)?
            } else {
                let answer = vm.call(&self.function, std::slice::from_ref(&item))?;
                as_bool(&answer).map_or_else(|| vm.is_true(&answer), Ok)?
            };
            if !kept {
                return Ok(Some(item));
            }
        }
    }
}

/// islice(iterable, stop) --> islice object
/// islice(iterable, start, stop[, step]) --> islice object
///
/// Return an iterator whose next() method returns selected values from an
/// iterable.  If start is specified, will skip all preceding elements;
/// otherwise, start defaults to zero.  Step defaults to one.  If
/// specified as another value, step determines how many values are
/// skipped between successive calls.  Works like a slice() on a list
/// but returns an iterator.
#[pyclass(name = "islice", module = "itertools", shows_get, tracked, subclassable)]
pub struct Slice {
    iterator: GilCell<Option<Value>>,
    next: Cell<usize>,
    stop: Option<usize>,
    step: usize,
    count: Cell<usize>,
}

impl Slice {
    fn ended(&self) -> Option<Value> {
        self.iterator.set(None);
        None
    }
}

#[pymethods]
impl Slice {
    #[new("islice")]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (args, names) = rspy_runtime::arguments::for_new(cls, Slice::static_type(), args, names);
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("islice() takes no keyword arguments"));
        }
        let (iterable, start, stop, step) = match args {
            [iterable, stop] => (iterable, None, stop, None),
            [iterable, start, stop] => (iterable, Some(start), stop, None),
            [iterable, start, stop, step] => (iterable, Some(start), stop, Some(step)),
            _ => {
                let limit = if args.len() < 2 { "at least 2" } else { "at most 4" };
                return Err(vm.type_error(format!("islice expected {limit} arguments, got {}", args.len())));
            }
        };
        const BOUNDS: &str = "must be None or an integer: 0 <= x <= sys.maxsize.";
        let bad_stop = || vm.value_error(format!("Stop argument for islice() {BOUNDS}"));
        let stop = bound(vm, Some(stop), bad_stop)?;
        let bad_index = || vm.value_error(format!("Indices for islice() {BOUNDS}"));
        let start = bound(vm, start, bad_index)?;
        let (start, stop) = match (start, stop) {
            (Some(start), _) if start < 0 => return Err(bad_index()),
            (_, Some(-1)) => return Err(bad_stop()),
            (_, Some(stop)) if stop < 0 => return Err(if args.len() == 2 { bad_stop() } else { bad_index() }),
            (start, stop) => (start.unwrap_or(0) as usize, stop.map(|stop| stop as usize)),
        };
        let bad_step = || vm.value_error("Step for islice() must be a positive integer or None.");
        let step = bound(vm, step, bad_step)?.unwrap_or(1);
        if step < 1 {
            return Err(bad_step());
        }
        let iterator = GilCell::new(Some(vm.iter(iterable)?));
        Ok(make(cls, Slice { iterator, next: Cell::new(start), stop, step: step as usize, count: Cell::new(0) }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(iterator) = self.iterator.get() else { return Ok(None) };
        if self.stop.is_some_and(|stop| self.count.get() >= stop) {
            return Ok(self.ended());
        }
        while self.count.get() < self.next.get() {
            if vm.next(&iterator)?.is_none() {
                return Ok(self.ended());
            }
            self.count.set(self.count.get() + 1);
        }
        if self.stop.is_some_and(|stop| self.count.get() >= stop) {
            return Ok(self.ended());
        }
        let Some(item) = vm.next(&iterator)? else { return Ok(self.ended()) };
        self.count.set(self.count.get() + 1);
        let next = self.next.get().saturating_add(self.step);
        self.next.set(self.stop.map_or(next, |stop| next.min(stop)));
        Ok(Some(item))
    }
}

/// A bound of a slice, if it is given and not `None`.
fn bound(vm: &Vm, value: Option<&Value>, bad: impl Fn() -> Exception) -> PyResult<Option<isize>> {
    let Some(value) = value.filter(|value| !is_none(value)) else { return Ok(None) };
    match vm.index_size(value, |vm| vm.overflow_error("")) {
        Ok(index) => Ok(Some(index)),
        Err(_) => Err(bad()),
    }
}

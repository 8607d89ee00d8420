//! Iterators that put items together or in a row: `accumulate`, `batched`, `chain`, `pairwise`, `starmap` and
//! `zip_longest`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::TypeObject;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::make;

/// Return series of accumulated sums (or other binary function results).
#[pyclass(name = "accumulate", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, func=None, *, initial=None)")]
pub struct Accumulate {
    iterator: Value,
    function: Option<Value>,
    initial: GilCell<Option<Value>>,
    total: GilCell<Option<Value>>,
}

#[pymethods]
impl Accumulate {
    #[new("accumulate(iterable, func=None, *, initial=None)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value, func: Option<&Value>, initial: Option<&Value>) -> PyResult {
        let iterator = vm.iter(iterable)?;
        let initial = GilCell::new(initial.cloned());
        Ok(make(cls, Accumulate { iterator, function: func.cloned(), initial, total: GilCell::default() }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if let Some(initial) = self.initial.take() {
            self.total.set(Some(initial.clone()));
            return Ok(Some(initial));
        }
        let Some(item) = vm.next(&self.iterator)? else { return Ok(None) };
        let total = match (self.total.get(), &self.function) {
            (None, _) => item,
            (Some(total), None) => vm.add(&total, &item)?,
            (Some(total), Some(function)) => vm.call(function, &[total, item])?,
        };
        self.total.set(Some(total.clone()));
        Ok(Some(total))
    }
}

/// Batch data into tuples of length n. The last batch may be shorter than n.
///
/// Loops over the input iterable and accumulates data into tuples up to size n. If strict is true, a last batch that
/// is shorter raises ValueError.
#[pyclass(name = "batched", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, n, *, strict=False)")]
pub struct Batched {
    iterator: GilCell<Option<Value>>,
    size: usize,
    strict: bool,
}

#[pymethods]
impl Batched {
    #[new("batched(iterable, n, *, strict=False)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value, n: isize, strict: bool) -> PyResult {
        let Some(size) = usize::try_from(n).ok().filter(|&n| n > 0) else {
            return Err(vm.value_error("n must be at least one"));
        };
        Ok(make(cls, Batched { iterator: GilCell::new(Some(vm.iter(iterable)?)), size, strict }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(iterator) = self.iterator.get() else { return Ok(None) };
        let mut batch = Vec::with_capacity(self.size.min(1 << 10));
        while batch.len() < self.size {
            match vm.next(&iterator) {
                Ok(Some(item)) => batch.push(item),
                Ok(None) => {
                    self.iterator.set(None);
                    break;
                }
                Err(error) => {
                    self.iterator.set(None);
                    return Err(error);
                }
            }
        }
        if batch.is_empty() {
            return Ok(None);
        }
        if self.strict && batch.len() < self.size {
            return Err(vm.value_error("batched(): incomplete batch"));
        }
        Ok(Some(Tuple::from_values(batch).into_value()))
    }
}

/// Return a chain object whose .__next__() method returns elements from the
/// first iterable until it is exhausted, then elements from the next
/// iterable, until all of the iterables are exhausted.
#[pyclass(name = "chain", module = "itertools", shows_get, tracked, subclassable, signature = "(*iterables)")]
pub struct Chain {
    source: GilCell<Option<Value>>,
    active: GilCell<Option<Value>>,
}

#[pymethods]
impl Chain {
    #[new("chain(*iterables)")]
    fn new(vm: &Vm, cls: &TypeObject, iterables: &[Value]) -> PyResult {
        let source = vm.iter(Tuple::from_slice(iterables).value())?;
        Ok(make(cls, Chain { source: GilCell::new(Some(source)), active: GilCell::default() }))
    }

    /// Alternative chain() constructor taking a single iterable argument that evaluates lazily.
    #[classmethod("from_iterable(type, iterable, /)")]
    fn from_iterable(vm: &Vm, cls: &TypeObject, iterable: &Value) -> PyResult {
        let source = vm.iter(iterable)?;
        Ok(make(cls, Chain { source: GilCell::new(Some(source)), active: GilCell::default() }))
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        loop {
            let Some(source) = self.source.get() else { return Ok(None) };
            let active = match self.active.get() {
                Some(active) => active,
                None => {
                    let opened = match vm.next(&source) {
                        Ok(Some(iterable)) => vm.iter(&iterable),
                        Ok(None) => {
                            self.source.set(None);
                            return Ok(None);
                        }
                        Err(error) => Err(error),
                    };
                    match opened {
                        Ok(active) => {
                            self.active.set(Some(active.clone()));
                            active
                        }
                        Err(error) => {
                            self.source.set(None);
                            return Err(error);
                        }
                    }
                }
            };
            if let Some(item) = vm.next(&active)? {
                return Ok(Some(item));
            }
            self.active.set(None);
        }
    }
}

/// Return an iterator of overlapping pairs taken from the input iterator.
///
///     s -> (s0,s1), (s1,s2), (s2, s3), ...
#[pyclass(name = "pairwise", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, /)")]
pub struct Pairwise {
    iterator: GilCell<Option<Value>>,
    before: GilCell<Option<Value>>,
}

impl Pairwise {
    fn ended(&self) -> Option<Value> {
        self.iterator.set(None);
        self.before.set(None);
        None
    }
}

#[pymethods]
impl Pairwise {
    #[new("pairwise(iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value) -> PyResult {
        Ok(make(cls, Pairwise { iterator: GilCell::new(Some(vm.iter(iterable)?)), before: GilCell::default() }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(iterator) = self.iterator.get() else { return Ok(None) };
        let before = match self.before.get() {
            Some(before) => before,
            None => {
                let Some(first) = vm.next(&iterator)? else { return Ok(self.ended()) };
                self.before.set(Some(first.clone()));
                // The iterator may have run this one out.
                if self.iterator.borrow().is_none() {
                    self.before.set(None);
                    return Ok(None);
                }
                first
            }
        };
        let Some(item) = vm.next(&iterator)? else { return Ok(self.ended()) };
        self.before.set(Some(item.clone()));
        Ok(Some(Tuple::from_values([before, item]).into_value()))
    }
}

/// Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the
/// given sequence.
#[pyclass(name = "starmap", module = "itertools", shows_get, tracked, subclassable, signature = "(function, iterable, /)")]
pub struct StarMap {
    function: Value,
    iterator: Value,
}

#[pymethods]
impl StarMap {
    #[new("starmap(function, iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, function: &Value, iterable: &Value) -> PyResult {
        Ok(make(cls, StarMap { function: function.clone(), iterator: vm.iter(iterable)? }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(arguments) = vm.next(&self.iterator)? else { return Ok(None) };
        if let Some(tuple) = arguments.downcast_exact::<Tuple>() {
            return vm.call(&self.function, tuple.items()).map(Some);
        }
        let arguments = vm.collect(&arguments)?;
        vm.call(&self.function, &arguments).map(Some)
    }
}

/// Return a zip_longest object whose .__next__() method returns a tuple where
/// the i-th element comes from the i-th iterable argument.  The .__next__()
/// method continues until the longest iterable in the argument sequence
/// is exhausted.  When the shorter iterables are exhausted, the fillvalue
/// is substituted in their place.
#[pyclass(name = "zip_longest", module = "itertools", shows_get, tracked, subclassable, signature = "(*iterables, fillvalue=None)")]
pub struct ZipLongest {
    iterators: GilCell<Vec<Option<Value>>>,
    active: Cell<usize>,
    fill: Value,
}

#[pymethods]
impl ZipLongest {
    #[new("zip_longest(*iterables, **keywords)")]
    fn new(vm: &Vm, cls: &TypeObject, iterables: &[Value], keywords: KeywordArguments<'_>) -> PyResult {
        let mut fill = none();
        for (name, value) in keywords.iter() {
            if !name.downcast::<Str>().is_some_and(|name| name.equals_str("fillvalue")) {
                return Err(vm.type_error("zip_longest() got an unexpected keyword argument"));
            }
            fill = value.clone();
        }
        let iterators = iterables.iter().map(|iterable| vm.iter(iterable).map(Some)).collect::<PyResult<Vec<_>>>()?;
        let active = Cell::new(iterators.len());
        Ok(make(cls, ZipLongest { iterators: GilCell::new(iterators), active, fill }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let count = self.iterators.borrow().len();
        if count == 0 || self.active.get() == 0 {
            return Ok(None);
        }
        let mut items = Vec::with_capacity(count);
        for index in 0..count {
            let iterator = self.iterators.borrow()[index].clone();
            let item = match iterator {
                None => None,
                Some(iterator) => match vm.next(&iterator) {
                    Ok(item) => {
                        if item.is_none() {
                            self.active.set(self.active.get().saturating_sub(1));
                            if self.active.get() == 0 {
                                return Ok(None);
                            }
                            let ended = self.iterators.borrow_mut()[index].take();
                            drop(ended);
                        }
                        item
                    }
                    Err(error) => {
                        self.active.set(0);
                        return Err(error);
                    }
                },
            };
            items.push(item.unwrap_or_else(|| self.fill.clone()));
        }
        Ok(Some(Tuple::from_values(items).into_value()))
    }
}

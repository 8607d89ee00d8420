//! Iterators over sequences, forwards and backwards, and over what a callable returns.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::int;
use crate::types::iterators::{builtin, reduced, reduced_at, reduced_with};
use crate::types::list::List;
use crate::types::none::is_none;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The index that `__setstate__` was given.
fn state_index(vm: &Vm, state: &Value) -> PyResult<isize> {
    vm.index_size(state, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))
}

/// Goes through a list.
#[pyclass(name = "list_iterator", tracked, no_new)]
pub struct ListIterator {
    /// The list; none when the end was reached.
    list: GilCell<Option<Ref<List>>>,
    index: Cell<usize>,
}

impl ListIterator {
    /// An iterator at the beginning of a list.
    #[inline]
    pub fn new(list: Ref<List>) -> Ref<ListIterator> {
        Object::new(ListIterator { list: GilCell::new(Some(list)), index: Cell::new(0) })
    }

    /// The word of the next item, which stays the list's; `None` at the end, which is not noted.
    #[inline(always)]
    pub fn next_word(&self) -> Option<u64> {
        let index = self.index.get();
        let word = self.list.borrow().as_ref()?.items().borrow().get(index)?.bits();
        self.index.set(index + 1);
        Some(word)
    }
}

#[pymethods]
impl ListIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let index = self.index.get();
        let item = match &*self.list.borrow() {
            None => return Ok(None),
            Some(list) => list.get(index),
        };
        match item {
            Some(_) => self.index.set(index + 1),
            None => self.list.set(None),
        }
        Ok(item)
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> usize {
        self.list.borrow().as_ref().map_or(0, |list| list.len().saturating_sub(self.index.get()))
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        match self.list.get() {
            Some(list) => reduced_at(vm, "iter", list.into_value(), int::new(self.index.get() as i64)),
            None => reduced(vm, "iter", Vec::new()),
        }
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = state_index(vm, object)?;
        if let Some(list) = &*self.list.borrow() {
            self.index.set((index.max(0) as usize).min(list.len()));
        }
        Ok(())
    }
}

/// Goes through a list from its end.
#[pyclass(name = "list_reverseiterator", tracked, no_new)]
pub struct ListReverseIterator {
    list: GilCell<Option<Ref<List>>>,
    /// One more than the index of the next item.
    position: Cell<usize>,
}

impl ListReverseIterator {
    /// An iterator at the end of a list.
    pub fn new(list: Ref<List>) -> Ref<ListReverseIterator> {
        let position = list.len();
        Object::new(ListReverseIterator { list: GilCell::new(Some(list)), position: Cell::new(position) })
    }
}

#[pymethods]
impl ListReverseIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let item = match (&*self.list.borrow(), self.position.get()) {
            (Some(list), position @ 1..) => list.get(position - 1),
            _ => None,
        };
        match item {
            Some(_) => self.position.set(self.position.get() - 1),
            None => {
                self.position.set(0);
                self.list.set(None);
            }
        }
        Ok(item)
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> usize {
        let position = self.position.get();
        self.list.borrow().as_ref().map_or(0, |list| if list.len() < position { 0 } else { position })
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        match self.list.get() {
            Some(list) => {
                reduced_at(vm, "reversed", list.into_value(), int::new(self.position.get() as i64 - 1))
            }
            None => reduced(vm, "iter", Vec::new()),
        }
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = state_index(vm, object)?;
        if let Some(list) = &*self.list.borrow() {
            self.position.set((index.max(-1) + 1) as usize);
            self.position.set(self.position.get().min(list.len()));
        }
        Ok(())
    }
}

/// Goes through a tuple.
#[pyclass(name = "tuple_iterator", tracked, no_new)]
pub struct TupleIterator {
    tuple: GilCell<Option<Ref<Tuple>>>,
    index: Cell<usize>,
}

impl TupleIterator {
    /// An iterator at the beginning of a tuple.
    #[inline]
    pub fn new(tuple: Ref<Tuple>) -> Ref<TupleIterator> {
        Object::new(TupleIterator { tuple: GilCell::new(Some(tuple)), index: Cell::new(0) })
    }

    /// The word of the next item, which stays the tuple's; `None` at the end, which is not noted.
    #[inline(always)]
    pub fn next_word(&self) -> Option<u64> {
        let index = self.index.get();
        let word = self.tuple.borrow().as_ref()?.items().get(index)?.bits();
        self.index.set(index + 1);
        Some(word)
    }
}

#[pymethods]
impl TupleIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let index = self.index.get();
        let item = match &*self.tuple.borrow() {
            None => return Ok(None),
            Some(tuple) => tuple.items().get(index).cloned(),
        };
        match item {
            Some(_) => self.index.set(index + 1),
            None => self.tuple.set(None),
        }
        Ok(item)
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self) -> usize {
        self.tuple.borrow().as_ref().map_or(0, |tuple| tuple.items().len() - self.index.get())
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        match self.tuple.get() {
            Some(tuple) => reduced_at(vm, "iter", tuple.into_value(), int::new(self.index.get() as i64)),
            None => reduced_with(vm, "iter", Tuple::empty().into_value()),
        }
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = state_index(vm, object)?;
        if let Some(tuple) = &*self.tuple.borrow() {
            self.index.set((index.max(0) as usize).min(tuple.items().len()));
        }
        Ok(())
    }
}

/// Goes through an object by asking it for the items 0, 1, 2… until it raises IndexError.
#[pyclass(name = "iterator", tracked, no_new)]
pub struct SequenceIterator {
    sequence: GilCell<Option<Value>>,
    index: Cell<isize>,
}

impl SequenceIterator {
    /// An iterator at the beginning of a sequence.
    pub fn new(sequence: Value) -> Ref<SequenceIterator> {
        Object::new(SequenceIterator { sequence: GilCell::new(Some(sequence)), index: Cell::new(0) })
    }
}

/// The item of a sequence at an index, by whichever slot it has.
fn item_of(vm: &Vm, sequence: &Value, index: isize) -> PyResult {
    match sequence.type_of().slots().item.get() {
        Some(item) => item(vm, sequence, index),
        None => vm.get_item(sequence, &int::new(index as i64)),
    }
}

#[pymethods]
impl SequenceIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(sequence) = self.sequence.get() else { return Ok(None) };
        let index = self.index.get();
        if index == isize::MAX {
            return Err(vm.overflow_error("iter index too large"));
        }
        match item_of(vm, &sequence, index) {
            Ok(item) => {
                self.index.set(index + 1);
                Ok(Some(item))
            }
            Err(error) if error.is_index_error() || error.is_stop_iteration() => {
                self.sequence.set(None);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self, vm: &Vm) -> PyResult {
        let Some(sequence) = self.sequence.get() else { return Ok(Value::int(0)) };
        if sequence.type_of().slots().length.get().is_none() {
            return Ok(crate::types::none::not_implemented());
        }
        let length = vm.length(&sequence)? as i64;
        Ok(int::new((length - self.index.get() as i64).max(0)))
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        match self.sequence.get() {
            Some(sequence) => reduced_at(vm, "iter", sequence, int::new(self.index.get() as i64)),
            None => reduced_with(vm, "iter", Tuple::empty().into_value()),
        }
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = state_index(vm, object)?;
        if self.sequence.borrow().is_some() {
            self.index.set(index.max(0));
        }
        Ok(())
    }
}

/// Calls a function until it returns the sentinel.
#[pyclass(name = "callable_iterator", tracked, no_new)]
pub struct CallableIterator {
    /// The function and the sentinel; none when the end was reached.
    source: GilCell<Option<(Value, Value)>>,
}

impl CallableIterator {
    /// What `iter(function, sentinel)` makes.
    pub fn new(function: Value, sentinel: Value) -> Ref<CallableIterator> {
        Object::new(CallableIterator { source: GilCell::new(Some((function, sentinel))) })
    }
}

#[pymethods]
impl CallableIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some((function, _)) = self.source.get() else { return Ok(None) };
        let item = match vm.call(&function, &[]) {
            Err(error) if error.is_stop_iteration() => {
                self.source.set(None);
                return Ok(None);
            }
            result => result?,
        };
        let Some((_, sentinel)) = self.source.get() else { return Ok(None) };
        if vm.same_or_equal(&item, &sentinel)? {
            self.source.set(None);
            return Ok(None);
        }
        Ok(Some(item))
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        match self.source.get() {
            Some((function, sentinel)) => {
                let arguments = Tuple::from_values([function, sentinel]).into_value();
                Ok(Tuple::from_values([builtin(vm, "iter")?, arguments]).into_value())
            }
            None => reduced_with(vm, "iter", Tuple::empty().into_value()),
        }
    }
}

/// Return a reverse iterator over the values of the given sequence.
#[pyclass(name = "reversed", tracked, subclassable, signature = "(sequence, /)")]
pub struct Reversed {
    sequence: GilCell<Option<Value>>,
    /// The index of the next item; negative at the end.
    index: Cell<isize>,
}

#[pymethods]
impl Reversed {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let names = names.filter(|_| std::ptr::eq(cls, Reversed::static_type()));
        let args = crate::arguments::positional(vm, "reversed", args, names, 1, 1)?;
        let sequence = &args[0];
        let not_reversible =
            || vm.type_error(format!("'{}' object is not reversible", sequence.type_of().full_name()));
        if let Some((method, unbound)) = vm.special_method(sequence, &names::__reversed__)? {
            if is_none(&method) {
                return Err(not_reversible());
            }
            return if unbound { vm.call(&method, args) } else { vm.call(&method, &[]) };
        }
        let slots = sequence.type_of().slots();
        let is_sequence = slots.item.get().is_some()
            || (slots.get_item.get().is_some() && sequence.downcast::<crate::types::dict::Dict>().is_none());
        if !is_sequence {
            return Err(not_reversible());
        }
        let index = Cell::new(vm.length(sequence)? as isize - 1);
        Ok(Object::with_type(cls, Reversed { sequence: GilCell::new(Some(sequence.clone())), index })
            .into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(sequence) = self.sequence.get() else { return Ok(None) };
        let index = self.index.get();
        if index >= 0 {
            match item_of(vm, &sequence, index) {
                Ok(item) => {
                    self.index.set(index - 1);
                    return Ok(Some(item));
                }
                Err(error) if error.is_index_error() || error.is_stop_iteration() => {}
                Err(error) => return Err(error),
            }
        }
        self.index.set(-1);
        self.sequence.set(None);
        Ok(None)
    }

    /// Private method returning an estimate of len(list(it)).
    #[method("__length_hint__(self, /)")]
    fn length_hint(&self, vm: &Vm) -> PyResult<isize> {
        let Some(sequence) = self.sequence.get() else { return Ok(0) };
        let position = self.index.get() + 1;
        Ok(if (vm.length(&sequence)? as isize) < position { 0 } else { position })
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Reversed>) -> Value {
        let typ = this.type_of().to_value();
        match this.sequence.get() {
            Some(sequence) => {
                let argument = Tuple::from_values([sequence]).into_value();
                Tuple::from_values([typ, argument, int::new(this.index.get() as i64)]).into_value()
            }
            None => {
                let argument = Tuple::from_values([Tuple::empty().into_value()]).into_value();
                Tuple::from_values([typ, argument]).into_value()
            }
        }
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, object, /)")]
    fn setstate(&self, vm: &Vm, object: &Value) -> PyResult<()> {
        let index = state_index(vm, object)?;
        if let Some(sequence) = self.sequence.get() {
            let last = vm.length(&sequence)? as isize - 1;
            self.index.set(index.clamp(-1, last.max(-1)));
        }
        Ok(())
    }
}

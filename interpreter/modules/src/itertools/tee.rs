//! What `tee` hands out: iterators that read a shared chain of blocks.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::make;

/// Items of a block.
const BLOCK: usize = 57;

/// Data container common to multiple tee objects.
#[pyclass(name = "_tee_dataobject", module = "itertools", shows_get, tracked)]
pub struct TeeData {
    iterator: Value,
    items: GilCell<Vec<Value>>,
    next: GilCell<Option<Ref<TeeData>>>,
    running: Cell<bool>,
}

impl TeeData {
    fn new(iterator: Value) -> Ref<TeeData> {
        Object::new(TeeData {
            iterator,
            items: GilCell::default(),
            next: GilCell::default(),
            running: Cell::new(false),
        })
    }

    /// The item at an index, read when it is first asked for.
    fn item(&self, vm: &Vm, index: usize) -> PyResult<Option<Value>> {
        if let Some(item) = self.items.borrow().get(index) {
            return Ok(Some(item.clone()));
        }
        if self.running.replace(true) {
            return Err(vm.runtime_error("cannot re-enter the tee iterator"));
        }
        let item = vm.next(&self.iterator);
        self.running.set(false);
        let item = item?;
        self.items.borrow_mut().extend(item.clone());
        Ok(item)
    }

    /// The block behind this one.
    fn following(&self) -> Ref<TeeData> {
        if let Some(next) = self.next.get() {
            return next;
        }
        let next = TeeData::new(self.iterator.clone());
        self.next.set(Some(next.clone()));
        next
    }
}

#[pymethods]
impl TeeData {
    #[slot(new)]
    fn construct(vm: &Vm, _cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "_tee_dataobject", names)?;
        let [iterator, values, next] = args else {
            return Err(vm.type_error(format!("_tee_dataobject expected 3 arguments, got {}", args.len())));
        };
        let Some(values) = values.downcast::<List>() else {
            return Err(vm.type_error("_tee_dataobject() argument 2 must be list"));
        };
        let data = TeeData::new(iterator.clone());
        if values.len() > BLOCK {
            return Err(vm.value_error("Invalid arguments"));
        }
        data.items.set(values.to_vec());
        if is_none(next) {
            return Ok(data.into_value());
        }
        match next.downcast::<TeeData>() {
            Some(next) if values.len() == BLOCK => data.next.set(Some(next.to_ref())),
            Some(_) => return Err(vm.value_error("_tee_dataobject shouldn't have a next")),
            None => return Err(vm.type_error("_tee_dataobject shouldn't have a next")),
        }
        Ok(data.into_value())
    }
}

/// Iterator wrapped to make it copyable.
#[pyclass(name = "_tee", module = "itertools", tracked, weak, signature = "(iterable, /)")]
pub struct Tee {
    data: GilCell<Option<Ref<TeeData>>>,
    index: Cell<usize>,
}

impl Tee {
    /// A tee object that reads an iterable; a copy where it is one already.
    pub fn of(vm: &Vm, iterable: &Value) -> PyResult<Ref<Tee>> {
        let iterator = vm.iter(iterable)?;
        if let Some(tee) = iterator.downcast::<Tee>() {
            return Ok(tee.copy_reference());
        }
        Ok(Object::new(Tee { data: GilCell::new(Some(TeeData::new(iterator))), index: Cell::new(0) }))
    }

    /// A tee object that goes on from where this one is.
    pub fn copy_reference(&self) -> Ref<Tee> {
        Object::new(Tee { data: GilCell::new(self.data.get()), index: Cell::new(self.index.get()) })
    }
}

#[pymethods]
impl Tee {
    #[new("_tee(iterable, /)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value) -> PyResult {
        let tee = Tee::of(vm, iterable)?;
        Ok(make(cls, Tee { data: GilCell::new(tee.data.get()), index: Cell::new(tee.index.get()) }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(mut data) = self.data.get() else { return Ok(None) };
        if self.index.get() >= BLOCK {
            data = data.following();
            self.data.set(Some(data.clone()));
            self.index.set(0);
        }
        let item = data.item(vm, self.index.get())?;
        if item.is_some() {
            self.index.set(self.index.get() + 1);
        }
        Ok(item)
    }

    /// Returns an independent iterator.
    #[method("__copy__(self, /)")]
    fn copy(&self) -> Ref<Tee> {
        self.copy_reference()
    }
}

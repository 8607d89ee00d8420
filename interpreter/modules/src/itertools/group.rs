//! `groupby` and the iterators that it hands out.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::make;

/// make an iterator that returns consecutive keys and groups from the iterable
///
///   iterable
///     Elements to divide into groups according to the key function.
///   key
///     A function for computing the group category for each element.
///     If the key function is not specified or is None, the element itself
///     is used for grouping.
#[pyclass(name = "groupby", module = "itertools", shows_get, tracked, subclassable, signature = "(iterable, key=None)")]
pub struct GroupBy {
    iterator: Value,
    key: Option<Value>,
    /// The key of the group handed out last.
    target: GilCell<Option<Value>>,
    /// The item read last that belongs to nobody yet, and its key.
    current_key: GilCell<Option<Value>>,
    current: GilCell<Option<Value>>,
    /// The number of the group that may still give items.
    group: Cell<u64>,
    groups: Cell<u64>,
}

impl GroupBy {
    /// Reads an item; answers whether there was one.
    fn step(&self, vm: &Vm) -> PyResult<bool> {
        let Some(item) = vm.next(&self.iterator)? else { return Ok(false) };
        let key = match &self.key {
            Some(key) => vm.call(key, std::slice::from_ref(&item))?,
            None => item.clone(),
        };
        self.current.set(Some(item));
        self.current_key.set(Some(key));
        Ok(true)
    }
}

#[pymethods]
impl GroupBy {
    #[new("groupby(iterable, key=None)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: &Value, key: Option<&Value>) -> PyResult {
        Ok(make(cls, GroupBy {
            iterator: vm.iter(iterable)?,
            key: key.cloned(),
            target: GilCell::default(),
            current_key: GilCell::default(),
            current: GilCell::default(),
            group: Cell::new(0),
            groups: Cell::new(0),
        }))
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(this: &Object<GroupBy>, vm: &Vm) -> PyResult<Option<Value>> {
        this.group.set(0);
        let key = loop {
            match (this.current_key.get(), this.target.get()) {
                (Some(key), None) => break key,
                (Some(key), Some(target)) if !vm.same_or_equal(&target, &key)? => break key,
                _ => {}
            }
            if !this.step(vm)? {
                return Ok(None);
            }
        };
        this.target.set(Some(key.clone()));
        let number = this.groups.get() + 1;
        this.groups.set(number);
        this.group.set(number);
        let group = Object::new(Grouper { parent: this.to_ref(), key: key.clone(), number });
        Ok(Some(Tuple::from_values([key, group.into_value()]).into_value()))
    }
}

/// The items of one group.
#[pyclass(name = "_grouper", module = "itertools", shows_get, tracked)]
pub struct Grouper {
    parent: Ref<GroupBy>,
    key: Value,
    number: u64,
}

#[pymethods]
impl Grouper {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "_grouper", names)?;
        let [parent, key] = args else {
            return Err(vm.type_error(format!("_grouper expected 2 arguments, got {}", args.len())));
        };
        let Some(parent) = parent.downcast::<GroupBy>() else {
            return Err(vm.type_error(format!(
                "_grouper() argument 1 must be itertools.groupby, not {}",
                parent.type_of().full_name()
            )));
        };
        let number = parent.groups.get() + 1;
        parent.groups.set(number);
        parent.group.set(number);
        let grouper = Grouper { parent: parent.to_ref(), key: key.clone(), number };
        Ok(Object::with_type(cls, grouper).into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let parent = &self.parent;
        if parent.group.get() != self.number {
            return Ok(None);
        }
        if parent.current.borrow().is_none() && !parent.step(vm)? {
            return Ok(None);
        }
        let Some(key) = parent.current_key.get() else { return Ok(None) };
        if !vm.same_or_equal(&self.key, &key)? {
            return Ok(None);
        }
        let item = parent.current.take();
        drop(parent.current_key.take());
        Ok(item)
    }
}

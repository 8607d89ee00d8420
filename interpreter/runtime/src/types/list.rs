//! `list`: a sequence that grows and changes.

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::Comparison;
use crate::types::none::not_implemented;
use crate::types::slice::Slice;
use crate::value::Value;
use crate::vm::Vm;

/// A sequence that grows and changes.
#[pyclass(
    name = "list",
    tracked,
    subclassable,
    sequence,
    match_self,
    signature = "(iterable=(), /)",
    methods(MORE_METHODS)
)]
pub struct List {
    items: GilCell<Vec<Value>>,
}

impl List {
    /// A list of these values.
    pub fn from_vec(items: Vec<Value>) -> Ref<List> {
        Object::new(List { items: GilCell::new(items) })
    }

    /// An empty list.
    pub fn new() -> Ref<List> {
        Self::from_vec(Vec::new())
    }

    /// The values.
    #[inline(always)]
    pub fn items(&self) -> &GilCell<Vec<Value>> {
        &self.items
    }

    /// Number of values.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at an index.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Option<Value> {
        self.items.borrow().get(index).cloned()
    }

    /// Appends a value.
    #[inline(always)]
    pub fn push(&self, value: Value) {
        self.items.borrow_mut().push(value);
    }

    /// Clones of the values.
    pub fn to_vec(&self) -> Vec<Value> {
        self.items.borrow().clone()
    }

    /// Appends everything that an iterable yields.
    ///
    /// # Errors
    /// What iterating raises; what came before it stays appended.
    pub fn extend_from(&self, vm: &Vm, iterable: &Value) -> PyResult<()> {
        if let Some(list) = iterable.downcast_exact::<List>() {
            let more = list.to_vec();
            self.items.borrow_mut().extend(more);
            return Ok(());
        }
        if let Some(tuple) = iterable.downcast_exact::<crate::types::tuple::Tuple>() {
            self.items.borrow_mut().extend_from_slice(tuple.items());
            return Ok(());
        }
        let iterator = vm.iter(iterable)?;
        let hint = vm.length_hint(iterable, 0)?;
        if crate::heap::can_allocate(hint.saturating_mul(8)) {
            self.items.borrow_mut().reserve(hint.min(1 << 20));
        }
        while let Some(item) = vm.next(&iterator)? {
            self.push(item);
        }
        Ok(())
    }

    /// The position that an index means, negative ones from the end.
    fn position(&self, index: isize) -> Option<usize> {
        let length = self.len();
        let index = if index < 0 { index + length as isize } else { index };
        usize::try_from(index).ok().filter(|&index| index < length)
    }

    /// Puts values in the place of those from `start` to before `end`, which must lie within the list.
    pub(crate) fn replace_range(&self, start: usize, end: usize, mut new: Vec<Value>) {
        let mut items = self.items.borrow_mut();
        let removed = if start == 0 && end == items.len() {
            std::mem::replace(&mut *items, new)
        } else if new.len() == end - start {
            items[start..end].swap_with_slice(&mut new);
            new
        } else {
            items.splice(start..end, new).collect()
        };
        drop(items);
        drop(removed);
    }

    fn assign_slice(this: &Object<List>, vm: &Vm, slice: &Slice, value: Option<&Value>) -> PyResult<()> {
        let new = match value {
            None => Vec::new(),
            Some(value) => match value.downcast::<List>() {
                Some(list) => list.to_vec(),
                None => vm.collect_or(value, || vm.type_error("must assign iterable to extended slice"))?,
            },
        };
        let range = slice.indices_in(vm, || this.len())?;
        if range.step == 1 {
            let start = range.start as usize;
            let end = start.max(range.stop.max(0) as usize).min(this.len());
            this.replace_range(start, end, new);
            return Ok(());
        }
        let count = range.count();
        if value.is_none() {
            let mut doomed: Vec<usize> = range.iter().collect();
            doomed.sort_unstable();
            let mut removed = Vec::with_capacity(count);
            let mut items = this.items.borrow_mut();
            let mut next = doomed.iter().peekable();
            let mut kept = Vec::with_capacity(items.len() - count);
            for (index, item) in items.drain(..).enumerate() {
                if next.peek() == Some(&&index) {
                    next.next();
                    removed.push(item);
                } else {
                    kept.push(item);
                }
            }
            *items = kept;
            drop(items);
            drop(removed);
            return Ok(());
        }
        if new.len() != count {
            return Err(vm.value_error(format!(
                "attempt to assign sequence of size {} to extended slice of size {count}",
                new.len()
            )));
        }
        let mut replaced = Vec::with_capacity(count);
        let mut items = this.items.borrow_mut();
        for (index, value) in range.iter().zip(new) {
            replaced.push(std::mem::replace(&mut items[index], value));
        }
        drop(items);
        drop(replaced);
        Ok(())
    }
}

#[pymethods]
impl List {
    #[slot(repr)]
    fn repr(this: &Object<List>, vm: &Vm) -> PyResult {
        if this.is_empty() {
            return Ok(vm.new_str("[]"));
        }
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("[...]")) };
        let mut out = crate::types::string::build::StrBuilder::new();
        out.push('[' as u32);
        let mut index = 0;
        while let Some(item) = this.get(index) {
            if index > 0 {
                out.push_str(", ");
            }
            out.push_object(&*vm.repr(&item)?);
            index += 1;
        }
        out.push(']' as u32);
        Ok(out.finish().into_value())
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<List>() else { return Ok(not_implemented()) };
        if self.len() != other.len() && matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(crate::types::bool::boolean(comparison == Comparison::NotEqual));
        }
        crate::types::tuple::compare_items(vm, |index| self.get(index), |index| other.get(index), comparison)
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.get(index))
            .ok_or_else(|| vm.index_error("list index out of range"))
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        if let Some(slice) = key.downcast::<Slice>() {
            let range = slice.indices_in(vm, || self.len())?;
            let items = self.items.borrow();
            let part: Vec<Value> = if range.step == 1 {
                items[range.start as usize..(range.start as usize + range.count())].to_vec()
            } else {
                range.iter().map(|index| items[index].clone()).collect()
            };
            drop(items);
            return Ok(List::from_vec(part).into_value());
        }
        let index = vm.sequence_index(key, "list indices must be integers or slices, not")?;
        match self.position(index) {
            Some(index) => Ok(self.items.borrow()[index].clone()),
            None => Err(vm.index_error("list index out of range")),
        }
    }

    #[slot(set_item)]
    fn set_item(this: &Object<List>, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        if let Some(slice) = key.downcast::<Slice>() {
            return List::assign_slice(this, vm, slice, value);
        }
        let index = vm.sequence_index(key, "list indices must be integers or slices, not")?;
        let Some(index) = this.position(index) else {
            return Err(vm.index_error("list assignment index out of range"));
        };
        let old = match value {
            Some(value) => std::mem::replace(&mut this.items.borrow_mut()[index], value.clone()),
            None => this.items.borrow_mut().remove(index),
        };
        drop(old);
        Ok(())
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        let mut index = 0;
        while let Some(own) = self.get(index) {
            if vm.same_or_equal(&own, item)? {
                return Ok(true);
            }
            index += 1;
        }
        Ok(false)
    }

    #[slot(concat)]
    fn concat(&self, vm: &Vm, other: &Value) -> PyResult {
        let Some(other_list) = other.downcast::<List>() else {
            return Err(vm.type_error(format!(
                "can only concatenate list (not \"{}\") to list",
                other.type_of().full_name()
            )));
        };
        let mut items = Vec::with_capacity(self.len() + other_list.len());
        items.extend_from_slice(&self.items.borrow());
        items.extend_from_slice(&other_list.items.borrow());
        Ok(List::from_vec(items).into_value())
    }

    #[slot(inplace_concat)]
    fn inplace_concat(this: &Object<List>, vm: &Vm, other: &Value) -> PyResult {
        this.extend_from(vm, other)?;
        Ok(this.to_value())
    }

    #[slot(repeat)]
    fn repeat(&self, vm: &Vm, count: isize) -> PyResult {
        let count = count.max(0) as usize;
        let items = self.to_vec();
        let Some(length) = items
            .len()
            .checked_mul(count)
            .filter(|length| crate::heap::can_allocate(length.saturating_mul(8)))
        else {
            return Err(vm.memory_error());
        };
        let mut repeated = Vec::with_capacity(length);
        if let [item] = &items[..] {
            repeated.resize(length, item.clone());
        } else {
            for _ in 0..count {
                repeated.extend_from_slice(&items);
            }
        }
        Ok(List::from_vec(repeated).into_value())
    }

    #[slot(inplace_repeat)]
    fn inplace_repeat(this: &Object<List>, vm: &Vm, count: isize) -> PyResult {
        let repeated = this.payload().repeat(vm, count)?;
        let new = repeated.downcast::<List>().map(|list| list.items.take()).unwrap_or_default();
        drop(this.items.replace(new));
        Ok(this.to_value())
    }

    #[slot(iter)]
    fn iter(this: &Object<List>) -> Value {
        crate::types::iterators::ListIterator::new(this.to_ref()).into_value()
    }

    #[slot(new)]
    fn new_list(_: &Vm, cls: &TypeObject, _: &[Value], _: crate::slots::KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, List { items: GilCell::new(Vec::new()) }).into_value())
    }

    #[init("list(iterable=(), /)")]
    fn init(this: &Object<List>, vm: &Vm, iterable: Option<&Value>) -> PyResult<()> {
        let old = this.items.take();
        drop(old);
        match iterable {
            Some(iterable) => this.extend_from(vm, iterable),
            None => Ok(()),
        }
    }

    /// Append object to the end of the list.
    #[method("append(self, object, /)")]
    fn append(&self, object: &Value) {
        self.push(object.clone());
    }

    /// Append everything that iterable yields.
    #[method("extend(self, iterable, /)")]
    fn extend(&self, vm: &Vm, iterable: &Value) -> PyResult<()> {
        self.extend_from(vm, iterable)
    }

    /// Insert object before index.
    #[method("insert(self, index, object, /)")]
    fn insert(&self, index: isize, object: &Value) {
        let length = self.len() as isize;
        let index = if index < 0 { (index + length).max(0) } else { index.min(length) };
        self.items.borrow_mut().insert(index as usize, object.clone());
    }

    /// Remove and return the item at index, the last one if none is given.
    ///
    /// Raises IndexError if the list is empty or the index is out of range.
    #[method("pop(self, index=-1, /)")]
    fn pop(&self, vm: &Vm, index: isize) -> PyResult {
        if self.is_empty() {
            return Err(vm.index_error("pop from empty list"));
        }
        match self.position(index) {
            Some(index) => Ok(self.items.borrow_mut().remove(index)),
            None => Err(vm.index_error("pop index out of range")),
        }
    }

    /// Remove all items.
    #[method("clear(self, /)")]
    fn clear(&self) {
        let old = self.items.take();
        drop(old);
    }

    /// Return a shallow copy of the list.
    #[method("copy(self, /)")]
    fn copy(&self) -> Ref<List> {
        List::from_vec(self.to_vec())
    }

    /// Return the item, or the items of the slice.
    #[method("__getitem__(self, index, /)")]
    fn getitem(&self, vm: &Vm, index: &Value) -> PyResult {
        self.get_item(vm, index)
    }
}

/// Whether a type is `list` itself.
pub fn is_exact(typ: &TypeObject) -> bool {
    std::ptr::eq(typ, List::static_type())
}

//! `deque`: a sequence that grows and shrinks at both ends.

use std::cell::Cell;
use std::collections::VecDeque;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, not_implemented};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::{Tuple, compare_items};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// A list-like sequence optimized for data accesses near its endpoints.
#[pyclass(
    name = "deque", shows_get,
    module = "collections",
    tracked,
    weak,
    subclassable,
    sequence,
    signature = "([iterable[, maxlen]])"
)]
pub struct Deque {
    items: GilCell<VecDeque<Value>>,
    /// The most items that are kept.
    limit: Cell<Option<usize>>,
    /// Counts changes of length, so that iterators notice.
    changes: Cell<u64>,
}

/// What runs over a deque that changes meanwhile.
const MUTATED: &str = "deque mutated during iteration";

impl Deque {
    fn with(limit: Option<usize>, items: VecDeque<Value>) -> Deque {
        Deque { items: GilCell::new(items), limit: Cell::new(limit), changes: Cell::new(0) }
    }

    fn len(&self) -> usize {
        self.items.borrow().len()
    }

    fn get(&self, index: usize) -> Option<Value> {
        self.items.borrow().get(index).cloned()
    }

    fn note_change(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    fn push_back(&self, item: Value) {
        self.note_change();
        self.items.borrow_mut().push_back(item);
        if self.limit.get().is_some_and(|limit| self.len() > limit) {
            let fallen = self.items.borrow_mut().pop_front();
            drop(fallen);
        }
    }

    fn push_front(&self, item: Value) {
        self.note_change();
        self.items.borrow_mut().push_front(item);
        if self.limit.get().is_some_and(|limit| self.len() > limit) {
            let fallen = self.items.borrow_mut().pop_back();
            drop(fallen);
        }
    }

    fn extend_with(this: &Object<Deque>, vm: &Vm, iterable: &Value, push: fn(&Deque, Value)) -> PyResult<()> {
        if this.is(iterable) {
            let own: Vec<Value> = this.items.borrow().iter().cloned().collect();
            own.into_iter().for_each(|item| push(this, item));
            return Ok(());
        }
        if this.limit.get() == Some(0) {
            // Only what iterating does besides is wanted.
            return vm.for_each(iterable, |_| Ok(()));
        }
        vm.for_each(iterable, |item| {
            push(this, item);
            Ok(())
        })
    }

    /// A deque of the same class, length limit and items.
    fn duplicate(this: &Object<Deque>, vm: &Vm) -> PyResult {
        if std::ptr::eq(this.type_of(), Deque::static_type()) {
            let items = this.items.borrow().clone();
            return Ok(Object::new(Deque::with(this.limit.get(), items)).into_value());
        }
        let typ = this.type_of().to_value();
        let made = match this.limit.get() {
            None => vm.call(&typ, &[this.to_value()])?,
            Some(limit) => vm.call(&typ, &[this.to_value(), int::new(limit as i64)])?,
        };
        if made.downcast::<Deque>().is_none() {
            return Err(vm.type_error(format!(
                "{}() must return a deque, not {}",
                this.type_of().full_name(),
                made.type_of().full_name()
            )));
        }
        Ok(made)
    }

    /// Repeats the items so many times, as far as the limit allows.
    fn multiply(&self, vm: &Vm, count: isize) -> PyResult<()> {
        let length = self.len();
        let count = count.max(0) as usize;
        if count == 1 || length == 0 {
            return Ok(());
        }
        if count == 0 {
            let old = self.items.take();
            self.note_change();
            drop(old);
            return Ok(());
        }
        let total = length.checked_mul(count).ok_or_else(|| vm.memory_error())?;
        let own: Vec<Value> = self.items.borrow().iter().cloned().collect();
        let kept = self.limit.get().map_or(total, |limit| limit.min(total));
        if !rspy_runtime::heap::can_allocate(kept.saturating_mul(8)) {
            return Err(vm.memory_error());
        }
        let items = (total - kept..total).map(|index| own[index % length].clone()).collect();
        self.note_change();
        drop(self.items.replace(items));
        Ok(())
    }

    /// The position that an index means.
    fn position(&self, vm: &Vm, key: &Value) -> PyResult<usize> {
        if key.type_of().slots().index.get().is_none() {
            return Err(
                vm.type_error(format!("sequence index must be integer, not '{}'", key.type_of().full_name()))
            );
        }
        let index = vm.index_size(key, |vm| {
            vm.index_error(format!("cannot fit '{}' into an index-sized integer", key.type_of().full_name()))
        })?;
        let length = self.len();
        let index = if index < 0 { index + length as isize } else { index };
        usize::try_from(index)
            .ok()
            .filter(|&index| index < length)
            .ok_or_else(|| vm.index_error("deque index out of range"))
    }

    /// The first position from `start` to `stop` whose item equals the value.
    fn find(
        &self,
        vm: &Vm,
        value: &Value,
        start: usize,
        stop: usize,
        mutated: fn(&Vm) -> Exception,
    ) -> PyResult<Option<usize>> {
        let before = self.changes.get();
        for index in start..stop {
            let Some(item) = self.get(index) else { break };
            let equal = vm.same_or_equal(&item, value)?;
            if self.changes.get() != before {
                return Err(mutated(vm));
            }
            if equal {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }
}

fn mutated(vm: &Vm) -> Exception {
    vm.runtime_error(MUTATED)
}

/// A bound of a search: an index of any size, cut to what a sequence can have.
fn bound(vm: &Vm, value: &Value, length: usize) -> PyResult<usize> {
    let index = vm.index(value)?;
    let index = int::small_value(&index).unwrap_or(if int::sign(&index) < 0 { i64::MIN } else { i64::MAX });
    let index = if index < 0 { index.saturating_add(length as i64).max(0) } else { index };
    Ok((index as usize).min(length))
}

#[pymethods]
impl Deque {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, Deque::with(None, VecDeque::new())).into_value())
    }

    #[init("deque(iterable=(), maxlen=None)")]
    fn init(this: &Object<Deque>, vm: &Vm, iterable: Option<&Value>, maxlen: Option<&Value>) -> PyResult<()> {
        let limit = match maxlen {
            None => None,
            Some(limit) if !int::is_int(limit) => return Err(vm.type_error("an integer is required")),
            Some(limit) => {
                let limit = vm.index_size(limit, |vm| {
                    vm.overflow_error("Python int too large to convert to C ssize_t")
                })?;
                Some(usize::try_from(limit).map_err(|_| vm.value_error("maxlen must be non-negative"))?)
            }
        };
        this.limit.set(limit);
        if this.len() > 0 {
            this.clear();
        }
        match iterable {
            Some(iterable) => Deque::extend_with(this, vm, iterable, Deque::push_back),
            None => Ok(()),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<Deque>, vm: &Vm) -> PyResult {
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("[...]")) };
        let items: Vec<Value> = this.items.borrow().iter().cloned().collect();
        let mut out = StrBuilder::new();
        out.push_str(&this.type_of().name());
        out.push_str("(");
        out.push_object(&*vm.repr(List::from_vec(items).value())?);
        if let Some(limit) = this.limit.get() {
            out.push_str(&format!(", maxlen={limit}"));
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<Deque>() else { return Ok(not_implemented()) };
        if self.len() != other.len() && matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(boolean(comparison == Comparison::NotEqual));
        }
        compare_items(vm, |index| self.get(index), |index| other.get(index), comparison)
    }

    #[slot(iter)]
    fn iter(this: &Object<Deque>) -> Value {
        Object::new(DequeIterator { cursor: Cursor::new(this, 0) }).into_value()
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        let index = self.position(vm, key)?;
        self.get(index).ok_or_else(|| vm.index_error("deque index out of range"))
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        let index = self.position(vm, key)?;
        let old = match value {
            Some(value) => Some(std::mem::replace(&mut self.items.borrow_mut()[index], value.clone())),
            None => {
                self.note_change();
                self.items.borrow_mut().remove(index)
            }
        };
        drop(old);
        Ok(())
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        Ok(self.find(vm, item, 0, self.len(), mutated)?.is_some())
    }

    #[slot(concat)]
    fn concat(this: &Object<Deque>, vm: &Vm, other: &Value) -> PyResult {
        if other.downcast::<Deque>().is_none() {
            return Err(vm.type_error(format!(
                "can only concatenate deque (not \"{}\") to deque",
                other.type_of().full_name()
            )));
        }
        let made = Deque::duplicate(this, vm)?;
        if let Some(deque) = made.downcast::<Deque>() {
            Deque::extend_with(deque, vm, other, Deque::push_back)?;
        }
        Ok(made)
    }

    #[slot(inplace_concat)]
    fn inplace_concat(this: &Object<Deque>, vm: &Vm, other: &Value) -> PyResult {
        Deque::extend_with(this, vm, other, Deque::push_back)?;
        Ok(this.to_value())
    }

    #[slot(repeat)]
    fn repeat(this: &Object<Deque>, vm: &Vm, count: isize) -> PyResult {
        let made = Deque::duplicate(this, vm)?;
        if let Some(deque) = made.downcast::<Deque>() {
            deque.multiply(vm, count)?;
        }
        Ok(made)
    }

    #[slot(inplace_repeat)]
    fn inplace_repeat(this: &Object<Deque>, vm: &Vm, count: isize) -> PyResult {
        this.multiply(vm, count)?;
        Ok(this.to_value())
    }

    /// maximum size of a deque or None if unbounded
    #[getter("maxlen")]
    fn maxlen(&self) -> Option<usize> {
        self.limit.get()
    }

    /// Add an element to the right side of the deque.
    #[method("append(self, item, /)")]
    fn append(&self, item: &Value) {
        self.push_back(item.clone());
    }

    /// Add an element to the left side of the deque.
    #[method("appendleft(self, item, /)")]
    fn appendleft(&self, item: &Value) {
        self.push_front(item.clone());
    }

    /// Remove all elements from the deque.
    #[method("clear(self, /)")]
    fn clear(&self) {
        self.note_change();
        let old = self.items.take();
        drop(old);
    }

    /// Return a shallow copy of a deque.
    #[method("__copy__(self, /)")]
    fn copy_special(this: &Object<Deque>, vm: &Vm) -> PyResult {
        Deque::duplicate(this, vm)
    }

    /// Return a shallow copy of a deque.
    #[method("copy(self, /)")]
    fn copy(this: &Object<Deque>, vm: &Vm) -> PyResult {
        Deque::duplicate(this, vm)
    }

    /// Return number of occurrences of value.
    #[method("count(self, value, /)")]
    fn count(&self, vm: &Vm, value: &Value) -> PyResult<usize> {
        let mut count = 0;
        let mut start = 0;
        while let Some(index) = self.find(vm, value, start, self.len(), mutated)? {
            count += 1;
            start = index + 1;
        }
        Ok(count)
    }

    /// Extend the right side of the deque with elements from the iterable.
    #[method("extend(self, iterable, /)")]
    fn extend(this: &Object<Deque>, vm: &Vm, iterable: &Value) -> PyResult<()> {
        Deque::extend_with(this, vm, iterable, Deque::push_back)
    }

    /// Extend the left side of the deque with elements from the iterable.
    #[method("extendleft(self, iterable, /)")]
    fn extendleft(this: &Object<Deque>, vm: &Vm, iterable: &Value) -> PyResult<()> {
        Deque::extend_with(this, vm, iterable, Deque::push_front)
    }

    /// Return first index of value.
    ///
    /// Raises ValueError if the value is not present.
    #[method("index")]
    fn index(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        crate::support::no_keywords(vm, "deque.index", names)?;
        let length = self.len();
        let (value, bounds) = match args {
            [] => return Err(vm.type_error("index expected at least 1 argument, got 0")),
            [value, bounds @ ..] if bounds.len() <= 2 => (value, bounds),
            _ => return Err(vm.type_error(format!("index expected at most 3 arguments, got {}", args.len()))),
        };
        let start = bounds.first().map_or(Ok(0), |start| bound(vm, start, length))?;
        let stop = bounds.get(1).map_or(Ok(length), |stop| bound(vm, stop, length))?;
        self.find(vm, value, start, stop, mutated)?
            .ok_or_else(|| vm.value_error("deque.index(x): x not in deque"))
    }

    /// Insert value before index.
    #[method("insert(self, index, value, /)")]
    fn insert(&self, vm: &Vm, index: isize, value: &Value) -> PyResult<()> {
        let length = self.len();
        if self.limit.get().is_some_and(|limit| length >= limit) {
            return Err(vm.index_error("deque already at its maximum size"));
        }
        let index = if index < 0 { (index + length as isize).max(0) } else { index.min(length as isize) };
        self.note_change();
        self.items.borrow_mut().insert(index as usize, value.clone());
        Ok(())
    }

    /// Remove and return the rightmost element.
    #[method("pop(self, /)")]
    fn pop(&self, vm: &Vm) -> PyResult {
        let item = self.items.borrow_mut().pop_back();
        let item = item.ok_or_else(|| vm.index_error("pop from an empty deque"))?;
        self.note_change();
        Ok(item)
    }

    /// Remove and return the leftmost element.
    #[method("popleft(self, /)")]
    fn popleft(&self, vm: &Vm) -> PyResult {
        let item = self.items.borrow_mut().pop_front();
        let item = item.ok_or_else(|| vm.index_error("pop from an empty deque"))?;
        self.note_change();
        Ok(item)
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Deque>, vm: &Vm) -> PyResult {
        let value = this.to_value();
        let state = vm.call_method_str(&value, "__getstate__", &[])?;
        let args = match this.limit.get() {
            None => Tuple::empty(),
            Some(limit) => Tuple::from_values([Tuple::empty().into_value(), int::new(limit as i64)]),
        };
        let iterator = vm.iter(&value)?;
        Ok(Tuple::from_values([this.type_of().to_value(), args.into_value(), state, iterator]).into_value())
    }

    /// Remove first occurrence of value.
    #[method("remove(self, value, /)")]
    fn remove(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let found = self.find(vm, value, 0, self.len(), |vm| vm.index_error(MUTATED))?;
        let index = found.ok_or_else(|| vm.value_error("deque.remove(x): x not in deque"))?;
        self.note_change();
        let old = self.items.borrow_mut().remove(index);
        drop(old);
        Ok(())
    }

    /// Return a reverse iterator over the deque.
    #[method("__reversed__(self, /)")]
    fn reversed(this: &Object<Deque>) -> Value {
        Object::new(DequeReverseIterator { cursor: Cursor::new(this, 0) }).into_value()
    }

    /// Reverse *IN PLACE*.
    #[method("reverse(self, /)")]
    fn reverse(&self) {
        self.items.borrow_mut().make_contiguous().reverse();
    }

    /// Rotate the deque n steps to the right.  If n is negative, rotates left.
    #[method("rotate(self, n=1, /)")]
    fn rotate(&self, n: isize) {
        let length = self.len();
        if length > 1 {
            self.note_change();
            self.items.borrow_mut().rotate_right(n.rem_euclid(length as isize) as usize);
        }
    }

    /// deques are generic over the type of their contents
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        rspy_runtime::types::generic_alias::new(vm, &cls.to_value(), object)
    }
}

/// Where an iterator of a deque is.
struct Cursor {
    deque: Ref<Deque>,
    /// Items yielded.
    done: Cell<usize>,
    /// Items still to come.
    left: Cell<usize>,
    changes: u64,
}

impl rspy_runtime::gc::Trace for Cursor {
    fn trace(&self, visitor: &mut rspy_runtime::gc::Visitor<'_>) {
        self.deque.trace(visitor);
    }
}

impl Cursor {
    fn new(deque: &Object<Deque>, done: usize) -> Cursor {
        let length = deque.len();
        let done = done.min(length);
        let changes = deque.changes.get();
        Cursor { deque: deque.to_ref(), done: Cell::new(done), left: Cell::new(length - done), changes }
    }

    /// A cursor from the arguments of an iterator's type.
    fn from_arguments(vm: &Vm, args: &[Value]) -> PyResult<Cursor> {
        let Some(first) = args.first() else {
            return Err(vm.type_error("function takes at least 1 argument (0 given)"));
        };
        let Some(deque) = first.downcast::<Deque>() else {
            return Err(vm.type_error(format!(
                "argument 1 must be collections.deque, not {}",
                if is_none(first) { "None".to_owned() } else { first.type_of().full_name() }
            )));
        };
        let done = match args.get(1) {
            Some(done) => {
                vm.index_size(done, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?
            }
            None => 0,
        };
        Ok(Cursor::new(deque, done.max(0) as usize))
    }

    fn next(&self, vm: &Vm, backwards: bool) -> PyResult<Option<Value>> {
        let left = self.left.get();
        if self.deque.changes.get() != self.changes {
            self.left.set(0);
            return Err(mutated(vm));
        }
        if left == 0 {
            return Ok(None);
        }
        let done = self.done.get();
        self.done.set(done + 1);
        self.left.set(left - 1);
        Ok(self.deque.get(if backwards { left - 1 } else { done }))
    }
}

macro_rules! iterators {
    ($($(#[$doc:meta])* $name:ident = $python:tt, $backwards:literal;)*) => {$(
        $(#[$doc])*
        #[pyclass(name = $python, module = "collections", tracked, shows_get)]
        pub struct $name {
            cursor: Cursor,
        }

        #[pymethods]
        impl $name {
            #[slot(new)]
            fn new(vm: &Vm, cls: &TypeObject, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
                Ok(Object::with_type(cls, $name { cursor: Cursor::from_arguments(vm, args)? }).into_value())
            }

            #[slot(iter)]
            fn iter(this: &Value) -> Value {
                this.clone()
            }

            #[slot(next)]
            fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
                self.cursor.next(vm, $backwards)
            }

            /// Private method returning an estimate of len(list(it)).
            #[method("__length_hint__(self, /)")]
            fn length_hint(&self) -> usize {
                self.cursor.left.get()
            }

            /// Return state information for pickling.
            #[method("__reduce__(self, /)")]
            fn reduce(this: &Object<$name>) -> Value {
                let deque = this.cursor.deque.clone();
                let done = deque.len().saturating_sub(this.cursor.left.get());
                let args = Tuple::from_values([deque.into_value(), int::new(done as i64)]).into_value();
                Tuple::from_values([this.type_of().to_value(), args]).into_value()
            }
        }
    )*};
}

iterators! {
    /// Goes through a deque.
    DequeIterator = "_deque_iterator", false;
    /// Goes through a deque from its end.
    DequeReverseIterator = "_deque_reverse_iterator", true;
}

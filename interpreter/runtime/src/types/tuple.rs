//! `tuple`: a fixed sequence of values, kept behind the object.
//!
//! # Safety argument
//!
//! `length` values lie behind the payload; all were written before anyone saw the object and none changes.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::gc::{Trace, Visitor};
use crate::object::{Header, Object, Payload, Ref, TypeObject};
use crate::slots::Comparison;
use crate::types::none::not_implemented;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;

/// A fixed sequence of values.
#[pyclass(
    name = "tuple",
    manual_trace,
    subclassable,
    variable,
    extent,
    sequence,
    match_self,
    signature = "(iterable=(), /)",
    methods(MORE_METHODS)
)]
#[repr(C)]
pub struct Tuple {
    length: usize,
    /// -1 until it is asked for.
    hash: Cell<i64>,
    items: [Value; 0],
}

impl Tuple {
    /// Bytes of the items, which lie behind the payload.
    fn extent(&self) -> usize {
        self.length * 8
    }
}

impl Trace for Tuple {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.items().trace(visitor);
    }
}

impl Trace for &[Value] {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        for item in *self {
            visitor.value(item);
        }
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        for index in 0..self.length {
            // SAFETY: each of the `length` values is dropped once, with the tuple.
            unsafe { self.items.as_mut_ptr().add(index).drop_in_place() }
        }
    }
}

static EMPTY: GilCell<Option<Ref<Tuple>>> = GilCell::new(None);

impl Tuple {
    /// The values.
    #[inline(always)]
    pub fn items(&self) -> &[Value] {
        // SAFETY: `length` values were written behind the payload when the object was made.
        unsafe { std::slice::from_raw_parts(self.items.as_ptr(), self.length) }
    }

    /// The empty tuple.
    pub fn empty() -> Ref<Tuple> {
        if let Some(empty) = &*EMPTY.borrow() {
            return empty.clone();
        }
        let empty = Self::allocate(Tuple::static_type(), 0, false, |_| {});
        empty.header().make_immortal();
        EMPTY.set(Some(empty.clone()));
        empty
    }

    /// A tuple that is to be filled by [`complete`](Self::complete), so that its own items can refer to it.
    pub(crate) fn reserve(length: usize) -> Ref<Tuple> {
        Tuple::from_values((0..length).map(|_| crate::types::none::none()))
    }

    /// Fills a tuple that was reserved, while nobody looks at its items, with constants.
    pub(crate) fn complete(tuple: &Ref<Tuple>, values: Vec<Value>) {
        debug_assert_eq!(tuple.length, values.len());
        tuple.hash.set(-1);
        for (index, value) in values.into_iter().enumerate().take(tuple.length) {
            // SAFETY: the place holds `None`, which needs no drop; nobody borrows the items meanwhile.
            unsafe { tuple.items.as_ptr().cast_mut().add(index).write(value) };
        }
        if !crate::gc::may_lead_to_cycles(tuple.items()) {
            crate::gc::untrack(tuple.as_ptr().cast());
        }
    }

    /// A tuple of constants: the collector does not look at it where it can never be part of a cycle.
    pub(crate) fn of_constants(values: Vec<Value>) -> Ref<Tuple> {
        let is_tracked = crate::gc::may_lead_to_cycles(&values);
        if values.is_empty() {
            return Tuple::empty();
        }
        Self::of_values(Tuple::static_type(), values.into_iter(), is_tracked)
    }

    /// A tuple of values.
    pub fn from_values(values: impl IntoIterator<Item = Value, IntoIter: ExactSizeIterator>) -> Ref<Tuple> {
        let values = values.into_iter();
        if values.len() == 0 {
            return Tuple::empty();
        }
        Self::of_type(Tuple::static_type(), values)
    }

    /// A tuple of so many values, which are given one after the other.
    #[inline]
    pub fn filled(length: usize, give: impl FnOnce(&mut Places<'_>)) -> Ref<Tuple> {
        if length == 0 {
            return Tuple::empty();
        }
        Self::allocate(Tuple::static_type(), length, true, |items| {
            let mut places = Places { next: items, left: length, of: PhantomData };
            give(&mut places);
            assert!(places.left == 0);
        })
    }

    /// A tuple of clones.
    pub fn from_slice(values: &[Value]) -> Ref<Tuple> {
        Self::from_values(values.iter().cloned())
    }

    /// An object of a class derived from `tuple`.
    pub fn of_type(typ: &TypeObject, values: impl ExactSizeIterator<Item = Value>) -> Ref<Tuple> {
        let is_tracked = values.len() > 0 || typ.has_flag(TypeFlags::HEAP);
        Self::of_values(typ, values, is_tracked)
    }

    #[inline]
    fn of_values(
        typ: &TypeObject,
        values: impl ExactSizeIterator<Item = Value>,
        is_tracked: bool,
    ) -> Ref<Tuple> {
        let length = values.len();
        Self::allocate(typ, length, is_tracked, |items| {
            let mut written = 0;
            for (index, value) in values.take(length).enumerate() {
                // SAFETY: there is room for `length` values.
                unsafe { items.add(index).write(value) };
                written = index + 1;
            }
            assert!(written == length);
        })
    }

    /// An object of a native struct sequence: the items behind the visible ones are the type's to trace and drop.
    pub(crate) fn with_hidden(typ: &TypeObject, values: Vec<Value>, visible: usize) -> Ref<Tuple> {
        let tuple = Self::of_type(typ, values.into_iter());
        // SAFETY: nobody else has seen the object yet; its length only gets smaller.
        unsafe {
            let payload = tuple.as_ptr().cast::<u8>().add(size_of::<Header>()).cast::<Tuple>();
            (&raw mut (*payload).length).write(visible.min(tuple.length));
        }
        tuple
    }

    fn allocate(
        typ: &TypeObject,
        length: usize,
        is_tracked: bool,
        fill: impl FnOnce(*mut Value),
    ) -> Ref<Tuple> {
        // SAFETY: the payload and all items are written before the object is seen.
        unsafe {
            let object = if std::ptr::eq(typ, Tuple::static_type()) {
                crate::object::allocate_plain(Tuple::static_type(), size_of::<Object<Tuple>>() + length * 8)
            } else {
                crate::object::allocate(typ, length * 8)
            };
            let payload = object.cast::<u8>().add(size_of::<Header>()).cast::<Tuple>();
            (&raw mut (*payload).length).write(length);
            (&raw mut (*payload).hash).write(Cell::new(-1));
            fill((&raw mut (*payload).items).cast());
            if is_tracked {
                crate::gc::track(object);
            }
            Ref::from_raw(NonNull::new_unchecked(object.cast()))
        }
    }
}

/// The places of a tuple that is being made, which are filled in order.
pub struct Places<'a> {
    next: *mut Value,
    left: usize,
    of: PhantomData<&'a mut [Value]>,
}

impl Places<'_> {
    /// Puts a value in the next place.
    #[inline(always)]
    pub fn push(&mut self, value: Value) {
        assert!(self.left > 0);
        // SAFETY: as many places are left, and nobody has written to the next one yet.
        unsafe {
            self.next.write(value);
            self.next = self.next.add(1);
        }
        self.left -= 1;
    }
}

/// A tuple that an iterator hands out again, with other items, as long as nobody keeps it.
#[derive(Default)]
pub(crate) struct ReusedTuple(GilCell<Option<Ref<Tuple>>>);

impl crate::gc::Trace for ReusedTuple {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.0.trace(visitor);
    }

    fn clear_references(&self) {
        self.0.set(None);
    }
}

impl ReusedTuple {
    /// A tuple of the items. All calls give the same number of them.
    pub(crate) fn with<const N: usize>(&self, items: [Value; N]) -> Value {
        // SAFETY: only the thread that holds the interpreter's lock looks, and only at the count and the pointer.
        let reused = unsafe { (*self.0.as_ptr()).as_ref() };
        match reused {
            Some(tuple) if tuple.header().reference_count() == 1 && tuple.length == N => {
                let tuple = tuple.clone();
                let places = tuple.items.as_ptr().cast_mut();
                // SAFETY: nobody else has the tuple; it has so many items. The old ones go when the tuple is whole.
                let old: [Value; N] = unsafe {
                    let old = places.cast::<[Value; N]>().read();
                    places.cast::<[Value; N]>().write(items);
                    old
                };
                tuple.hash.set(-1);
                crate::gc::track(tuple.as_ptr().cast());
                drop(old);
                tuple.into_value()
            }
            Some(_) => Tuple::from_values(items).into_value(),
            None => {
                let tuple = Tuple::from_values(items);
                self.0.set(Some(tuple.clone()));
                tuple.into_value()
            }
        }
    }
}

/// The hash of a tuple with the hashes of its items (a simplified xxHash, as in CPython).
pub fn combine_hashes(hashes: impl ExactSizeIterator<Item = PyResult<i64>>) -> PyResult<i64> {
    const PRIME_1: u64 = 11_400_714_785_074_694_791;
    const PRIME_2: u64 = 14_029_467_366_897_019_727;
    const PRIME_5: u64 = 2_870_177_450_012_600_261;
    let length = hashes.len() as u64;
    let mut state = PRIME_5;
    for hash in hashes {
        state =
            state.wrapping_add((hash? as u64).wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1);
    }
    state = state.wrapping_add(length ^ (PRIME_5 ^ 3_527_539));
    Ok(if state == u64::MAX { 1_546_275_796 } else { state as i64 })
}

/// Compares two sequences item by item, as tuples and lists do; `get` answers nothing past the end.
pub fn compare_items(
    vm: &Vm,
    left: impl Fn(usize) -> Option<Value>,
    right: impl Fn(usize) -> Option<Value>,
    comparison: Comparison,
) -> PyResult {
    let mut index = 0;
    loop {
        match (left(index), right(index)) {
            (Some(a), Some(b)) => {
                if !vm.same_or_equal(&a, &b)? {
                    // Comparing may have shortened a list: then the lengths decide.
                    if let (a, b) = (left(index), right(index))
                        && (a.is_none() || b.is_none())
                    {
                        return Ok(crate::types::bool::boolean(
                            comparison.holds(a.is_some().cmp(&b.is_some())),
                        ));
                    }
                    return match comparison {
                        Comparison::Equal => Ok(crate::types::bool::boolean(false)),
                        Comparison::NotEqual => Ok(crate::types::bool::boolean(true)),
                        other => vm.compare(&a, &b, other),
                    };
                }
            }
            (a, b) => {
                let order = a.is_some().cmp(&b.is_some());
                return Ok(crate::types::bool::boolean(comparison.holds(order)));
            }
        }
        index += 1;
    }
}

#[pymethods]
impl Tuple {
    #[slot(repr)]
    fn repr(this: &Object<Tuple>, vm: &Vm) -> PyResult {
        if this.items().is_empty() {
            return Ok(vm.new_str("()"));
        }
        let Some(_guard) = vm.enter_repr(&this.as_value()) else { return Ok(vm.new_str("(...)")) };
        let mut out = crate::types::string::build::StrBuilder::new();
        out.push('(' as u32);
        for (index, item) in this.items().iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            out.push_object(&*vm.repr(item)?);
        }
        out.push_str(if this.items().len() == 1 { ",)" } else { ")" });
        Ok(out.finish().into_value())
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        let known = self.hash.get();
        if known != -1 {
            return Ok(known);
        }
        vm.check_stack(" while hashing a tuple")?;
        let hash = combine_hashes(self.items().iter().map(|item| vm.hash(item)))?;
        self.hash.set(hash);
        Ok(hash)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<Tuple>() else { return Ok(not_implemented()) };
        compare_items(
            vm,
            |index| self.items().get(index).cloned(),
            |index| other.items().get(index).cloned(),
            comparison,
        )
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.length)
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        match usize::try_from(index).ok().and_then(|index| self.items().get(index)) {
            Some(item) => Ok(item.clone()),
            None => Err(vm.index_error("tuple index out of range")),
        }
    }

    #[slot(get_item)]
    fn get_item(this: &Object<Tuple>, vm: &Vm, key: &Value) -> PyResult {
        if let Some(slice) = key.downcast::<crate::types::slice::Slice>() {
            let range = slice.indices(vm, this.length)?;
            if range.is_whole(this.length) && std::ptr::eq(this.type_of(), Tuple::static_type()) {
                return Ok(this.to_value());
            }
            let items: Vec<Value> = range.iter().map(|index| this.items()[index].clone()).collect();
            return Ok(Tuple::from_values(items).into_value());
        }
        let index = vm.sequence_index(key, "tuple indices must be integers or slices, not")?;
        let index = if index < 0 { index + this.length as isize } else { index };
        this.item(vm, index)
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        for own in self.items() {
            if vm.same_or_equal(own, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[slot(concat)]
    fn concat(this: &Object<Tuple>, vm: &Vm, other: &Value) -> PyResult {
        let Some(other_tuple) = other.downcast::<Tuple>() else {
            return Err(vm.type_error(format!(
                "can only concatenate tuple (not \"{}\") to tuple",
                other.type_of().full_name()
            )));
        };
        if this.items().is_empty() && other.downcast_exact::<Tuple>().is_some() {
            return Ok(other.clone());
        }
        if other_tuple.items().is_empty() && std::ptr::eq(this.type_of(), Tuple::static_type()) {
            return Ok(this.to_value());
        }
        let mut items = Vec::with_capacity(this.length + other_tuple.length);
        items.extend_from_slice(this.items());
        items.extend_from_slice(other_tuple.items());
        Ok(Tuple::from_values(items).into_value())
    }

    #[slot(repeat)]
    fn repeat(this: &Object<Tuple>, vm: &Vm, count: isize) -> PyResult {
        let exact = std::ptr::eq(this.type_of(), Tuple::static_type());
        if (this.length == 0 || count == 1) && exact {
            return Ok(this.to_value());
        }
        let count = count.max(0) as usize;
        let Some(length) = this
            .length
            .checked_mul(count)
            .filter(|length| crate::heap::can_allocate(length.saturating_mul(8)))
        else {
            return Err(vm.memory_error());
        };
        let mut items = Vec::with_capacity(length);
        for _ in 0..count {
            items.extend_from_slice(this.items());
        }
        Ok(Tuple::from_values(items).into_value())
    }

    #[slot(iter)]
    fn iter(this: &Object<Tuple>) -> Value {
        crate::types::iterators::TupleIterator::new(this.to_ref()).into_value()
    }

    #[new("tuple(iterable=(), /)")]
    fn new(vm: &Vm, cls: &TypeObject, iterable: Option<&Value>) -> PyResult {
        let exact = std::ptr::eq(cls, Tuple::static_type());
        let items = match iterable {
            None if exact => return Ok(Tuple::empty().into_value()),
            None => Vec::new(),
            Some(iterable) if exact && iterable.downcast_exact::<Tuple>().is_some() => {
                return Ok(iterable.clone());
            }
            // What `_make` of named tuples does.
            Some(iterable) if let Some(tuple) = iterable.downcast_exact::<Tuple>() => {
                return Ok(Tuple::of_type(cls, tuple.items().iter().cloned()).into_value());
            }
            Some(iterable) => vm.collect(iterable)?,
        };
        if exact {
            Ok(Tuple::from_values(items).into_value())
        } else {
            Ok(Tuple::of_type(cls, items.into_iter()).into_value())
        }
    }
}

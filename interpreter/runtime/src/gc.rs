//! The cycle collector: what it knows of, and how it finds garbage.
//!
//! Objects that can be part of a cycle are listed in one of two vectors, young or old; an object's header holds
//! its index there, so that it leaves the list in constant time and the collector's working counts are a flat
//! array beside the list.
//!
//! # Safety argument
//!
//! A listed object is alive: it leaves the list before it is freed. A collection subtracts the references among
//! listed objects from their counts; what keeps a positive rest, or is reached from such an object, lives. The
//! others are finalised, checked again, and cleared with a reference held to each, so that nothing is freed
//! while the collector still looks at it.

use std::cell::{Cell, RefCell};

use crate::object::{Header, meta};
use crate::value::Value;
use crate::vm::Vm;

/// What a visitor is given: each object that is referred to.
pub struct Visitor<'a> {
    visit: &'a mut dyn FnMut(*mut Header),
}

impl<'a> Visitor<'a> {
    /// A visitor that calls `visit` with each heap object.
    pub fn new(visit: &'a mut dyn FnMut(*mut Header)) -> Self {
        Visitor { visit }
    }

    /// Visits one value.
    #[inline]
    pub fn value(&mut self, value: &Value) {
        if value.is_object() {
            (self.visit)(value.bits() as *mut Header);
        }
    }

    /// Visits a heap object by address.
    #[inline]
    pub(crate) fn object(&mut self, object: *mut Header) {
        (self.visit)(object);
    }
}

/// Something that can refer to Python objects. Derived by `#[pyclass]` from the fields.
pub trait Trace {
    /// Visits each reference.
    fn trace(&self, visitor: &mut Visitor<'_>);
    /// Lets go of the references that can be part of a cycle.
    fn clear(&self) {}
}

impl Trace for Value {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        visitor.value(self);
    }
}

impl<T> Trace for crate::object::Ref<T> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        visitor.value(self.value());
    }
}

impl<T: Trace> Trace for Option<T> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        if let Some(inner) = self {
            inner.trace(visitor);
        }
    }
}

impl<T: Trace> Trace for Vec<T> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        for item in self {
            item.trace(visitor);
        }
    }
}

impl<T: Trace> Trace for std::collections::VecDeque<T> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        for item in self {
            item.trace(visitor);
        }
    }
}

impl<T: Trace> Trace for Box<T> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        (**self).trace(visitor);
    }
}

impl<T: Trace> Trace for Box<[T]> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        for item in self {
            item.trace(visitor);
        }
    }
}

impl<T: Trace + Default> Trace for crate::cell::GilCell<T> {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        // SAFETY: the collector runs no Python code while it traces, so the inside does not change under it.
        unsafe { (*self.as_ptr()).trace(visitor) }
    }
    fn clear(&self) {
        drop(self.take());
    }
}

impl<A: Trace, B: Trace> Trace for (A, B) {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.0.trace(visitor);
        self.1.trace(visitor);
    }
}

/// Types without references.
macro_rules! trace_nothing {
    ($($name:ty),* $(,)?) => { $(impl Trace for $name { fn trace(&self, _: &mut Visitor<'_>) {} })* };
}
trace_nothing!(
    (),
    bool,
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    u64,
    i64,
    usize,
    isize,
    f64,
    String,
    char,
    &'static str,
    num_bigint::BigInt
);

impl<T: Copy> Trace for Cell<T> {
    fn trace(&self, _: &mut Visitor<'_>) {}
}

/// The state of the collector of one interpreter.
pub struct Collector {
    young: RefCell<Vec<*mut Header>>,
    old: RefCell<Vec<*mut Header>>,
    /// Whether collections happen by themselves (`gc.enable`).
    pub enabled: Cell<bool>,
    /// A collection is under way.
    pub collecting: Cell<bool>,
    /// The three numbers of `gc.set_threshold`.
    pub thresholds: Cell<[i64; 3]>,
    /// Debugging flags of `gc.set_debug`.
    pub debug: Cell<i32>,
    /// Collections, objects collected and objects that could not be, for each generation.
    pub statistics: Cell<[[u64; 3]; 3]>,
    /// Young collections since the last of everything.
    young_runs: Cell<u32>,
    /// The length of the old list after the last collection of everything.
    old_floor: Cell<usize>,
    frozen: RefCell<Vec<*mut Header>>,
}

impl Default for Collector {
    fn default() -> Self {
        Collector {
            young: RefCell::default(),
            old: RefCell::default(),
            enabled: Cell::new(true),
            collecting: Cell::new(false),
            thresholds: Cell::new([2000, 10, 0]),
            debug: Cell::new(0),
            statistics: Cell::default(),
            young_runs: Cell::new(0),
            old_floor: Cell::new(0),
            frozen: RefCell::default(),
        }
    }
}

/// Which objects a collection looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Generation {
    /// Those made since the last collection.
    Young,
    /// All.
    All,
}

/// Lists a new object.
#[inline]
pub(crate) fn track(object: *mut Header) {
    Vm::collector(|collector| {
        // SAFETY: the object is alive and not listed.
        let header = unsafe { &*object };
        if header.has_meta(meta::TRACKED) {
            return;
        }
        let mut young = collector.young.borrow_mut();
        let index = young.len() as u32;
        header.meta.set((header.meta.get() & meta::FINALIZED) | meta::TRACKED | (index << meta::INDEX_SHIFT));
        young.push(object);
        if i64::from(index) >= collector.thresholds.get()[0] {
            drop(young);
            collector.young_is_full();
        }
    });
}

/// Takes an object off its list.
#[inline]
pub(crate) fn untrack(object: *mut Header) {
    // SAFETY: the object is alive.
    let header = unsafe { &*object };
    let bits = header.meta.get();
    if bits & meta::TRACKED == 0 {
        return;
    }
    Vm::collector(|collector| {
        let mut list =
            if bits & meta::OLD != 0 { collector.old.borrow_mut() } else { collector.young.borrow_mut() };
        let index = (bits >> meta::INDEX_SHIFT) as usize;
        list.swap_remove(index);
        if let Some(&moved) = list.get(index) {
            set_index(moved, index);
        }
        header.meta.set(bits & meta::FINALIZED);
    });
}

/// Whether the collector knows the object (`gc.is_tracked`).
pub fn is_tracked(value: &Value) -> bool {
    value.header().is_some_and(|header| {
        header.type_of().has_flag(crate::types::typ::TypeFlags::TRACKED) && header.has_meta(meta::TRACKED)
    })
}

fn set_index(object: *mut Header, index: usize) {
    // SAFETY: listed objects are alive.
    let header = unsafe { &*object };
    let flags = header.meta.get() & ((1 << meta::INDEX_SHIFT) - 1);
    header.meta.set(flags | (index as u32) << meta::INDEX_SHIFT);
}

impl Collector {
    #[cold]
    fn young_is_full(&self) {
        if self.enabled.get() && !self.collecting.get() && self.thresholds.get()[0] > 0 {
            Vm::request_collection();
        }
    }

    /// What a request leads to: the young objects, or all when the old have grown by a quarter.
    pub fn collect_if_due(&self, vm: &Vm) {
        if !self.enabled.get() || self.collecting.get() {
            return;
        }
        let young = self.young.borrow().len() as i64;
        if young < self.thresholds.get()[0] {
            return;
        }
        let runs = self.young_runs.get() + 1;
        self.young_runs.set(runs);
        let old = self.old.borrow().len();
        let every = self.thresholds.get()[1].max(1) as u32;
        if runs > every && old > self.old_floor.get() + self.old_floor.get() / 4 {
            self.collect(vm, Generation::All);
        } else {
            self.collect(vm, Generation::Young);
        }
    }

    /// Number of listed objects: young, old, frozen.
    pub fn counts(&self) -> [usize; 3] {
        [self.young.borrow().len(), self.old.borrow().len(), self.frozen.borrow().len()]
    }

    /// References to all listed objects (`gc.get_objects`).
    pub fn objects(&self, generation: Option<Generation>) -> Vec<Value> {
        let mut found = Vec::new();
        let mut take = |list: &RefCell<Vec<*mut Header>>| {
            for &object in list.borrow().iter() {
                // SAFETY: listed objects are alive; the reference is added first.
                unsafe {
                    (*object).add_reference();
                    found.push(Value::from_bits(object as u64));
                }
            }
        };
        match generation {
            Some(Generation::Young) => take(&self.young),
            Some(Generation::All) => take(&self.old),
            None => {
                take(&self.young);
                take(&self.old);
            }
        }
        found
    }

    /// Moves everything out of the collector's sight (`gc.freeze`).
    pub fn freeze(&self) {
        self.merge_young();
        let mut old = self.old.borrow_mut();
        let mut frozen = self.frozen.borrow_mut();
        for object in old.drain(..) {
            // SAFETY: listed objects are alive.
            unsafe { (*object).meta.set((*object).meta.get() & meta::FINALIZED) };
            frozen.push(object);
        }
    }

    fn merge_young(&self) {
        let mut young = self.young.borrow_mut();
        let mut old = self.old.borrow_mut();
        for object in young.drain(..) {
            let index = old.len();
            old.push(object);
            // SAFETY: listed objects are alive.
            unsafe { (*object).set_meta(meta::OLD) };
            set_index(object, index);
        }
    }

    /// Finds and frees the unreachable objects of a generation; answers how many were found.
    pub fn collect(&self, vm: &Vm, generation: Generation) -> usize {
        if self.collecting.replace(true) {
            return 0;
        }
        let garbage = self.find_garbage(generation);
        let found = self.reclaim(vm, garbage, generation);
        self.young_runs.set(if generation == Generation::All { 0 } else { self.young_runs.get() });
        if generation == Generation::All {
            self.old_floor.set(self.old.borrow().len());
        }
        let which = if generation == Generation::All { 2 } else { 0 };
        let mut statistics = self.statistics.get();
        statistics[which][0] += 1;
        statistics[which][1] += found as u64;
        self.statistics.set(statistics);
        self.collecting.set(false);
        found
    }

    /// The listed objects that nothing outside the list reaches, each with a reference of its own. The living go
    /// to the old list.
    fn find_garbage(&self, generation: Generation) -> Vec<Value> {
        if generation == Generation::All {
            self.merge_young();
        }
        let of_old = generation == Generation::All;
        let list: Vec<*mut Header> =
            if of_old { self.old.borrow().clone() } else { self.young.borrow().clone() };
        let position = |object: *mut Header| -> Option<usize> {
            // SAFETY: referred objects are alive. Types say whether the meta word is the collector's.
            let header = unsafe { &*object };
            if !header.type_of().has_flag(crate::types::typ::TypeFlags::TRACKED) {
                return None;
            }
            let bits = header.meta.get();
            (bits & meta::TRACKED != 0 && (bits & meta::OLD != 0) == of_old)
                .then(|| (bits >> meta::INDEX_SHIFT) as usize)
        };
        // SAFETY: listed objects are alive.
        let mut counts: Vec<u32> =
            list.iter().map(|&object| unsafe { (*object).reference_count() }).collect();
        for &object in &list {
            trace_object(
                object,
                &mut Visitor::new(&mut |to| {
                    if let Some(index) = position(to) {
                        counts[index] = counts[index].saturating_sub(1);
                    }
                }),
            );
        }
        let mut alive: Vec<bool> = counts.iter().map(|&count| count > 0).collect();
        let mut work: Vec<usize> = (0..list.len()).filter(|&index| alive[index]).collect();
        while let Some(index) = work.pop() {
            trace_object(
                list[index],
                &mut Visitor::new(&mut |to| {
                    if let Some(next) = position(to)
                        && !alive[next]
                    {
                        alive[next] = true;
                        work.push(next);
                    }
                }),
            );
        }
        let garbage = list
            .iter()
            .zip(&alive)
            .filter(|&(_, &alive)| !alive)
            .map(|(&object, _)| {
                // SAFETY: listed objects are alive; the reference is added first.
                unsafe {
                    (*object).add_reference();
                    Value::from_bits(object as u64)
                }
            })
            .collect();
        if !of_old {
            self.merge_young();
        }
        garbage
    }

    /// Finalises and clears what was found, unless a finaliser brought it back to life.
    fn reclaim(&self, vm: &Vm, garbage: Vec<Value>, _generation: Generation) -> usize {
        if garbage.is_empty() {
            return 0;
        }
        crate::types::weakref::clear_for_garbage(vm, &garbage);
        for object in &garbage {
            if let Some(header) = object.header()
                && !header.has_meta(meta::FINALIZED)
                && let Some(finalizer) = header.type_of().slots().finalize.get()
            {
                header.set_meta(meta::FINALIZED);
                finalizer(vm, object);
            }
        }
        let garbage = still_garbage(garbage);
        let found = garbage.len();
        for object in &garbage {
            if let Some(header) = object.header() {
                clear_object(header);
            }
        }
        found
    }
}

/// Of objects found unreachable before their finalisers ran, those that still are.
fn still_garbage(garbage: Vec<Value>) -> Vec<Value> {
    let positions: std::collections::HashMap<u64, usize> =
        garbage.iter().enumerate().map(|(index, object)| (object.bits(), index)).collect();
    // One reference of each is the collector's own.
    let mut counts: Vec<u32> = garbage.iter().map(|object| object.reference_count() - 1).collect();
    for object in &garbage {
        trace_object(
            object.bits() as *mut Header,
            &mut Visitor::new(&mut |to| {
                if let Some(&index) = positions.get(&(to as u64)) {
                    counts[index] = counts[index].saturating_sub(1);
                }
            }),
        );
    }
    if counts.iter().all(|&count| count == 0) {
        return garbage;
    }
    let mut alive: Vec<bool> = counts.iter().map(|&count| count > 0).collect();
    let mut work: Vec<usize> = (0..garbage.len()).filter(|&index| alive[index]).collect();
    while let Some(index) = work.pop() {
        trace_object(
            garbage[index].bits() as *mut Header,
            &mut Visitor::new(&mut |to| {
                if let Some(&next) = positions.get(&(to as u64))
                    && !alive[next]
                {
                    alive[next] = true;
                    work.push(next);
                }
            }),
        );
    }
    garbage.into_iter().zip(alive).filter(|(_, alive)| !alive).map(|(object, _)| object).collect()
}

/// Visits everything that an object refers to.
pub(crate) fn trace_object(object: *mut Header, visitor: &mut Visitor<'_>) {
    // SAFETY: the object is alive and its type describes its layout.
    unsafe {
        let typ = (*object).type_of();
        if let Some(trace) = typ.native().trace {
            trace(object, visitor);
        }
        if typ.has_flag(crate::types::typ::TypeFlags::PREFIX) {
            let dict = (*object).dict_word().get();
            if dict != 0 {
                visitor.object(dict as *mut Header);
            }
        }
        if typ.has_flag(crate::types::typ::TypeFlags::HEAP) {
            crate::types::typ::instance::trace_attributes(object, typ, visitor);
            visitor.object(std::ptr::from_ref(typ).cast_mut().cast());
        }
    }
}

/// Everything that an object refers to (`gc.get_referents`).
pub fn referents(value: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    if value.is_object() {
        trace_object(
            value.bits() as *mut Header,
            &mut Visitor::new(&mut |to| {
                // SAFETY: what is referred to is alive; the reference is added first.
                unsafe {
                    (*to).add_reference();
                    found.push(Value::from_bits(to as u64));
                }
            }),
        );
    }
    found
}

fn clear_object(header: &Header) {
    // SAFETY: the caller holds a reference, so the object survives being cleared.
    unsafe {
        let object = std::ptr::from_ref(header).cast_mut();
        let typ = header.type_of();
        if let Some(clear) = typ.native().clear {
            clear(object);
        }
        if typ.has_flag(crate::types::typ::TypeFlags::HEAP) {
            crate::types::typ::instance::drop_attributes(object, typ);
        }
        if typ.has_flag(crate::types::typ::TypeFlags::PREFIX)
            && let Some(dict) = crate::types::typ::instance::existing_dict(header)
        {
            dict.to_ref().clear();
        }
    }
}

//! The cycle collector: what it knows of, and how it finds garbage.
//!
//! Objects that can be part of a cycle are listed in the vector of a generation; an object's header holds the
//! generation and its index there, so that it leaves the list in constant time and the collector's working counts
//! are a flat array beside the list. Who survives a collection goes to the next generation.
//!
//! # Safety argument
//!
//! A listed object is alive: it leaves the list before it is freed. A collection subtracts the references among
//! listed objects from their counts; what keeps a positive rest, or is reached from such an object, lives. The
//! others are finalised, checked again, and cleared with a reference held to each, so that nothing is freed
//! while the collector still looks at it.

mod collect;
mod inspect;

use std::cell::{Cell, RefCell};

use crate::cell::GilCell;
use crate::object::{Header, Ref, meta};
use crate::types::list::List;
use crate::value::Value;
use crate::vm::Vm;

pub use collect::dump_shutdown_statistics;
pub(crate) use collect::may_lead_to_cycles;
pub use inspect::{is_finalized, is_tracked, referents, referrers};

/// What a visitor is given: each object that is referred to.
pub struct Visitor<'a> {
    visit: &'a mut dyn FnMut(*mut Header),
    words: Option<&'a mut dyn FnMut(&Value)>,
}

impl<'a> Visitor<'a> {
    /// A visitor that calls `visit` with each heap object.
    pub fn new(visit: &'a mut dyn FnMut(*mut Header)) -> Self {
        Visitor { visit, words: None }
    }

    /// A visitor that calls `words` with each value that is no heap object, too.
    pub(crate) fn with_words(
        visit: &'a mut dyn FnMut(*mut Header),
        words: &'a mut dyn FnMut(&Value),
    ) -> Self {
        Visitor { visit, words: Some(words) }
    }

    /// Visits one value.
    #[inline]
    pub fn value(&mut self, value: &Value) {
        if value.is_object() {
            (self.visit)(value.bits() as *mut Header);
        } else if let Some(words) = &mut self.words {
            words(value);
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
    fn clear_references(&self) {}
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
    fn clear_references(&self) {
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

/// The youngest generation, to which new objects belong.
pub const YOUNG: usize = 0;
/// The oldest generation that is collected.
pub const OLDEST: usize = 2;
/// What `gc.freeze` took out of the collector's sight.
const FROZEN: usize = 3;

/// Bits of `gc.set_debug`.
pub mod debug {
    /// Statistics are printed during collections.
    pub const STATISTICS: i32 = 1;
    /// Collectable objects are printed.
    pub const COLLECTABLE: i32 = 2;
    /// Uncollectable objects are printed.
    pub const UNCOLLECTABLE: i32 = 4;
    /// What is found is kept in `gc.garbage`.
    pub const SAVE_ALL: i32 = 32;
    /// What helps to find leaks.
    pub const LEAK: i32 = COLLECTABLE | UNCOLLECTABLE | SAVE_ALL;
}

/// What happened to a generation so far.
#[derive(Clone, Copy, Default, Debug)]
pub struct Statistics {
    /// Number of collections.
    pub collections: u64,
    /// Objects found unreachable.
    pub collected: u64,
    /// Unreachable objects that could not be freed.
    pub uncollectable: u64,
}

/// The state of the collector of one interpreter.
pub struct Collector {
    /// The lists, youngest first; the last is the frozen one.
    generations: [RefCell<Vec<*mut Header>>; 4],
    /// Whether collections happen by themselves (`gc.enable`).
    pub enabled: Cell<bool>,
    /// A collection is under way.
    pub collecting: Cell<bool>,
    /// The three numbers of `gc.set_threshold`.
    pub thresholds: Cell<[i64; 3]>,
    /// Debugging flags of `gc.set_debug`.
    pub debug: Cell<i32>,
    /// What happened to each generation.
    pub statistics: Cell<[Statistics; 3]>,
    /// Collections of the generation below since each older generation's last one.
    runs: Cell<[i64; 3]>,
    /// The length of the oldest list after its last collection.
    oldest_floor: Cell<usize>,
    /// `gc.garbage`.
    garbage: GilCell<Option<Ref<List>>>,
    /// `gc.callbacks`.
    callbacks: GilCell<Option<Ref<List>>>,
}

impl Default for Collector {
    fn default() -> Self {
        Collector {
            generations: Default::default(),
            enabled: Cell::new(true),
            collecting: Cell::new(false),
            thresholds: Cell::new([2000, 10, 10]),
            debug: Cell::new(0),
            statistics: Cell::default(),
            runs: Cell::default(),
            oldest_floor: Cell::new(0),
            garbage: GilCell::default(),
            callbacks: GilCell::default(),
        }
    }
}

/// The generation that an object is listed in.
fn generation_of(bits: u32) -> usize {
    ((bits >> meta::GENERATION_SHIFT) & 3) as usize
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
        let mut young = collector.generations[YOUNG].borrow_mut();
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
        let mut list = collector.generations[generation_of(bits)].borrow_mut();
        let index = (bits >> meta::INDEX_SHIFT) as usize;
        list.swap_remove(index);
        if let Some(&moved) = list.get(index) {
            set_index(moved, index);
        }
        header.meta.set(bits & meta::FINALIZED);
    });
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

    /// What a request leads to: a collection of the oldest generation that is due. The oldest of all is due only
    /// when it has grown by a quarter, so that the work stays in proportion.
    pub fn collect_if_due(&self, vm: &Vm) {
        let thresholds = self.thresholds.get();
        let young = self.generations[YOUNG].borrow().len() as i64;
        if !self.enabled.get() || self.collecting.get() || thresholds[0] == 0 || young <= thresholds[0] {
            return;
        }
        let runs = self.runs.get();
        let oldest = self.generations[OLDEST].borrow().len();
        let floor = self.oldest_floor.get();
        let due = if runs[2] > thresholds[2] && oldest > floor + floor / 4 {
            OLDEST
        } else if runs[1] > thresholds[1] {
            1
        } else {
            YOUNG
        };
        self.collect(vm, due);
    }

    /// `gc.get_count`: the young objects, and for the other generations the collections of the one below.
    pub fn progress(&self) -> [i64; 3] {
        let runs = self.runs.get();
        [self.generations[YOUNG].borrow().len() as i64, runs[1], runs[2]]
    }

    /// Number of listed objects in each generation; the last is that of the frozen ones.
    pub fn counts(&self) -> [usize; 4] {
        std::array::from_fn(|generation| self.generations[generation].borrow().len())
    }

    /// `gc.garbage`.
    pub fn garbage(&self) -> Ref<List> {
        self.garbage.borrow_mut().get_or_insert_with(List::new).clone()
    }

    /// `gc.callbacks`.
    pub fn callbacks(&self) -> Ref<List> {
        self.callbacks.borrow_mut().get_or_insert_with(List::new).clone()
    }

    /// Moves everything out of the collector's sight (`gc.freeze`).
    pub fn freeze(&self) {
        for generation in YOUNG..=OLDEST {
            self.merge(generation, FROZEN);
        }
        self.runs.set([0; 3]);
    }

    /// Moves what was frozen back to the oldest generation (`gc.unfreeze`).
    pub fn unfreeze(&self) {
        self.merge(FROZEN, OLDEST);
    }

    /// Moves all objects of a generation to another one.
    fn merge(&self, from: usize, to: usize) {
        let mut from = self.generations[from].borrow_mut();
        let mut list = self.generations[to].borrow_mut();
        for object in from.drain(..) {
            let index = list.len() as u32;
            list.push(object);
            // SAFETY: listed objects are alive.
            let header = unsafe { &*object };
            let flags = header.meta.get() & (meta::FINALIZED | meta::TRACKED);
            header.meta.set(flags | (to as u32) << meta::GENERATION_SHIFT | index << meta::INDEX_SHIFT);
        }
    }
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

//! `set` and `frozenset`: collections of distinct hashable values.

pub mod algebra;
mod iterator;
mod methods;
pub mod table;

use std::cell::Cell;

use rspy_macros::pyclass;

pub use iterator::SetIterator;

use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult};
use crate::gc::{Trace, Visitor};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;
use table::{Found, Probe, Table, Verdict};

/// Build an unordered collection of unique elements.
#[pyclass(
    name = "set",
    manual_trace,
    weak,
    subclassable,
    match_self,
    signature = "(iterable=(), /)",
    methods(SHARED_METHODS)
)]
pub struct Set {
    core: Core,
}

/// Build an immutable unordered collection of unique elements.
#[pyclass(
    name = "frozenset",
    manual_trace,
    weak,
    subclassable,
    match_self,
    signature = "(iterable=(), /)",
    methods(SHARED_METHODS)
)]
pub struct FrozenSet {
    core: Core,
    /// -1 until it is asked for.
    hash: Cell<i64>,
}

/// What both types keep: the table, and a count of its changes for searches that Python code interrupts.
#[derive(Default)]
pub struct Core {
    table: GilCell<Table>,
    changes: Cell<u32>,
}

impl Trace for Set {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.core.trace(visitor);
    }

    fn clear_references(&self) {
        self.core.clear();
    }
}

impl Trace for FrozenSet {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        self.core.trace(visitor);
    }

    fn clear_references(&self) {
        self.core.clear();
    }
}

/// The error for a value that cannot be hashed, as sets tell it.
pub(crate) fn not_an_element(vm: &Vm, value: &Value, error: Exception) -> Exception {
    if !error.is_type_error() {
        return error;
    }
    match vm.str(error.value()) {
        Ok(reason) => vm.type_error(format!(
            "cannot use '{}' as a set element ({})",
            value.type_of().full_name(),
            reason.to_string_lossy()
        )),
        Err(other) => other,
    }
}

/// The hash of a value that is to be an element.
fn element_hash(vm: &Vm, value: &Value) -> PyResult<i64> {
    vm.hash(value).map_err(|error| not_an_element(vm, value, error))
}

impl Core {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        // SAFETY: the collector runs no Python code while it traces.
        let table = unsafe { &*self.table.as_ptr() };
        for key in table.keys() {
            visitor.value(key);
        }
    }

    fn note_change(&self) {
        self.changes.set(self.changes.get().wrapping_add(1));
    }

    /// Number of elements.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.table.borrow().len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, vm: &Vm, key: &Value, hash: i64) -> PyResult<Found> {
        let text = key.downcast_exact::<Str>();
        let mut probe = Probe::new(hash);
        loop {
            let found = self.table.borrow().find(&mut probe, hash, |other| {
                if other.is(key) {
                    Verdict::Same
                } else if let Some(text) = text
                    && let Some(other) = other.downcast_exact::<Str>()
                {
                    if text.same_text(other) { Verdict::Same } else { Verdict::Different }
                } else if other.is_small_int() && key.is_small_int() {
                    Verdict::Different
                } else {
                    Verdict::Ask
                }
            });
            let Found::Unsure(at) = found else { return Ok(found) };
            let before = self.changes.get();
            let Some(other) = self.table.borrow().key_at(at) else { continue };
            let equal = vm.equal(&other, key)?;
            if self.changes.get() != before {
                probe = Probe::new(hash);
            } else if equal {
                return Ok(Found::At(at));
            }
        }
    }

    /// Adds an element whose hash is known.
    ///
    /// # Errors
    /// What comparing elements raises.
    #[inline]
    pub fn add_hashed(&self, vm: &Vm, mut key: Value, hash: i64) -> PyResult<()> {
        match self.table.borrow_mut().insert_at_once(hash, key) {
            Ok(()) => {
                self.note_change();
                return Ok(());
            }
            Err(back) => key = back,
        }
        self.search_and_add(vm, key, hash)
    }

    #[inline(never)]
    fn search_and_add(&self, vm: &Vm, key: Value, hash: i64) -> PyResult<()> {
        let found = {
            let mut table = self.table.borrow_mut();
            table.materialize();
            // Mostly the first look tells, without comparing texts or calling anything.
            table.find(&mut Probe::new(hash), hash, |other| match other {
                _ if other.is(&key) => Verdict::Same,
                _ if other.is_small_int() && key.is_small_int() => Verdict::Different,
                _ => Verdict::Ask,
            })
        };
        let found = if let Found::Unsure(_) = found { self.find(vm, &key, hash)? } else { found };
        if let Found::Unused(at) = found {
            self.note_change();
            self.table.borrow_mut().insert_at(at, hash, key);
        }
        Ok(())
    }

    /// Adds an element.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    pub fn add(&self, vm: &Vm, key: &Value) -> PyResult<()> {
        self.add_owned(vm, key.clone())
    }

    #[inline(always)]
    fn add_owned(&self, vm: &Vm, key: Value) -> PyResult<()> {
        match vm.hash(&key) {
            Ok(hash) => self.add_hashed(vm, key, hash),
            Err(error) => Err(not_an_element(vm, &key, error)),
        }
    }

    /// Whether an element whose hash is known is there.
    ///
    /// # Errors
    /// What comparing elements raises.
    pub fn contains_hashed(&self, vm: &Vm, key: &Value, hash: i64) -> PyResult<bool> {
        Ok(matches!(self.find(vm, key, hash)?, Found::At(_)))
    }

    /// The hash of a value to be looked for: a `set` is taken for the `frozenset` of its elements.
    fn sought_hash(vm: &Vm, key: &Value) -> PyResult<i64> {
        match vm.hash(key) {
            Err(error) if error.is_type_error() => match key.downcast::<Set>() {
                Some(set) => Ok(set.core.unordered_hash()),
                None => Err(not_an_element(vm, key, error)),
            },
            result => result,
        }
    }

    /// Whether an element is there.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    pub fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        let hash = Core::sought_hash(vm, key)?;
        self.contains_hashed(vm, key, hash)
    }

    /// Takes out an element whose hash is known; answers whether it was there.
    ///
    /// # Errors
    /// What comparing elements raises.
    pub fn discard_hashed(&self, vm: &Vm, key: &Value, hash: i64) -> PyResult<bool> {
        let Found::At(at) = self.find(vm, key, hash)? else { return Ok(false) };
        self.note_change();
        let removed = self.table.borrow_mut().remove_at(at);
        Ok(removed.is_some())
    }

    /// Takes out an element; answers whether it was there.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    pub fn discard(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        let hash = Core::sought_hash(vm, key)?;
        self.discard_hashed(vm, key, hash)
    }

    /// Takes out some element.
    pub fn pop(&self) -> Option<Value> {
        self.note_change();
        self.table.borrow_mut().pop()
    }

    /// Takes everything out.
    pub fn clear(&self) {
        self.note_change();
        drop(self.table.take());
    }

    /// The first element at or behind a position: the next position, the hash and the element.
    #[inline]
    pub fn next_entry(&self, position: usize) -> Option<(usize, i64, Value)> {
        self.table.borrow().next(position)
    }

    /// The elements in order.
    pub fn to_vec(&self) -> Vec<Value> {
        self.table.borrow().keys().cloned().collect()
    }

    /// Puts the elements of another set in the place of one's own.
    fn take_over(&self, other: &Core) {
        self.note_change();
        other.note_change();
        let table = other.table.take();
        drop(self.table.replace(table));
    }

    /// The hash of a `frozenset` with these elements: the same for every order.
    pub fn unordered_hash(&self) -> i64 {
        const fn shuffled(hash: u64) -> u64 {
            ((hash ^ 89_869_747) ^ (hash << 16)).wrapping_mul(3_644_798_167)
        }
        let table = self.table.borrow();
        let mut hash = table.hashes().fold(0, |all, hash| all ^ shuffled(hash as u64));
        hash ^= (table.len() as u64 + 1).wrapping_mul(1_927_868_237);
        hash ^= (hash >> 11) ^ (hash >> 25);
        hash = hash.wrapping_mul(69069).wrapping_add(907_133_923);
        if hash == u64::MAX { 590_923_713 } else { hash as i64 }
    }

    /// Adds everything that an iterable yields.
    ///
    /// # Errors
    /// What iterating, hashing or comparing raises; what came before stays added.
    pub fn update(&self, vm: &Vm, iterable: &Value) -> PyResult<()> {
        if let Some(other) = core_of(iterable) {
            return self.merge(vm, other);
        }
        if let Some(dict) = iterable.downcast_exact::<Dict>() {
            return self.merge_keys(vm, dict);
        }
        if let Some(list) = iterable.downcast_exact::<List>() {
            // Hashing may change the list, whose iterator would not mind either.
            let mut index = 0;
            while let Some(key) = list.get(index) {
                self.add_owned(vm, key)?;
                index += 1;
            }
            return Ok(());
        }
        let iterator = vm.iter(iterable)?;
        while let Some(key) = vm.next(&iterator)? {
            self.add_owned(vm, key)?;
        }
        Ok(())
    }

    fn merge(&self, vm: &Vm, other: &Core) -> PyResult<()> {
        if std::ptr::eq(self, other) || other.is_empty() {
            return Ok(());
        }
        self.note_change();
        {
            let mut table = self.table.borrow_mut();
            table.reserve(other.len());
            if table.copy_into_empty(&other.table.borrow()) {
                return Ok(());
            }
        }
        let mut position = 0;
        while let Some((next, hash, key)) = other.next_entry(position) {
            position = next;
            self.add_hashed(vm, key, hash)?;
        }
        Ok(())
    }

    fn merge_keys(&self, vm: &Vm, dict: &Object<Dict>) -> PyResult<()> {
        self.note_change();
        self.table.borrow_mut().reserve(dict.len());
        let mut position = 0;
        while let Some((next, hash, key)) = dict.next_hashed(position) {
            position = next;
            self.add_hashed(vm, key, hash)?;
        }
        Ok(())
    }
}

/// The elements of a `set` or `frozenset`, subclasses included.
#[inline]
pub fn core_of(value: &Value) -> Option<&Core> {
    if let Some(set) = value.downcast::<Set>() {
        return Some(&set.payload().core);
    }
    value.downcast::<FrozenSet>().map(|set| &set.payload().core)
}

/// Whether a value is a `set` or `frozenset`, subclasses included.
pub fn is_any_set(value: &Value) -> bool {
    core_of(value).is_some()
}

/// A new set with the base type of `like`: `set` or `frozenset`, never a subclass.
fn empty_like(like: &Value) -> Value {
    if like.downcast::<Set>().is_some() { Set::new().into_value() } else { FrozenSet::empty().into_value() }
}

impl Set {
    /// An empty set.
    pub fn new() -> Ref<Set> {
        Object::new(Set { core: Core::default() })
    }

    /// An empty object of a class derived from `set`.
    pub fn of_type(typ: &TypeObject) -> Ref<Set> {
        Object::with_type(typ, Set { core: Core::default() })
    }

    /// A set of what an iterable yields.
    ///
    /// # Errors
    /// What iterating, hashing or comparing raises.
    pub fn from_iterable(vm: &Vm, iterable: &Value) -> PyResult<Ref<Set>> {
        let set = Set::new();
        set.core.update(vm, iterable)?;
        Ok(set)
    }

    /// The elements.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.core.is_empty()
    }

    /// Adds an element.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    #[inline]
    pub fn add(&self, vm: &Vm, key: &Value) -> PyResult<()> {
        self.core.add(vm, key)
    }

    /// Whether an element is there.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    pub fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.core.contains(vm, key)
    }

    /// Takes out an element; answers whether it was there.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    pub fn discard(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.core.discard(vm, key)
    }

    /// Adds everything that an iterable yields.
    ///
    /// # Errors
    /// What iterating, hashing or comparing raises; what came before stays added.
    pub fn update_from(&self, vm: &Vm, iterable: &Value) -> PyResult<()> {
        self.core.update(vm, iterable)
    }

    /// The elements in order.
    pub fn to_vec(&self) -> Vec<Value> {
        self.core.to_vec()
    }
}

impl FrozenSet {
    /// An empty frozenset.
    pub fn empty() -> Ref<FrozenSet> {
        FrozenSet::of_type(FrozenSet::static_type())
    }

    /// An empty object of a class derived from `frozenset`; it is filled before anyone sees it.
    pub fn of_type(typ: &TypeObject) -> Ref<FrozenSet> {
        Object::with_type(typ, FrozenSet { core: Core::default(), hash: Cell::new(-1) })
    }

    /// A frozenset of these values.
    ///
    /// # Errors
    /// What hashing or comparing raises.
    pub fn from_values(vm: &Vm, values: impl IntoIterator<Item = Value>) -> PyResult<Ref<FrozenSet>> {
        let set = FrozenSet::empty();
        for value in values {
            set.core.add_owned(vm, value)?;
        }
        Ok(set)
    }

    /// A frozenset of what an iterable yields.
    ///
    /// # Errors
    /// What iterating, hashing or comparing raises.
    pub fn from_iterable(vm: &Vm, iterable: &Value) -> PyResult<Ref<FrozenSet>> {
        let set = FrozenSet::empty();
        set.core.update(vm, iterable)?;
        Ok(set)
    }

    /// The elements.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.core.is_empty()
    }

    /// Whether an element is there.
    ///
    /// # Errors
    /// What hashing or comparing elements raises.
    pub fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        self.core.contains(vm, key)
    }

    /// The elements in order.
    pub fn to_vec(&self) -> Vec<Value> {
        self.core.to_vec()
    }
}

/// Takes out of a set what both share and adds what only the other has.
pub(crate) fn toggle(vm: &Vm, set: &Object<Set>, other: &Object<Set>) -> PyResult<()> {
    algebra::toggle_all(vm, &set.as_value(), &set.core, &other.as_value())
}

//! `dict`: values by key, in the order of insertion.

pub mod protocol;
pub mod table;
pub mod views;

use std::cell::Cell;

use rspy_macros::pyclass;

use crate::cell::GilCell;
use crate::eval::word;
use crate::exceptions::PyResult;
use crate::gc::{Trace, Visitor};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;
use table::{Found, Table, Verdict};

/// Values by key, in the order of insertion.
#[pyclass(name = "dict", manual_trace, subclassable, mapping, match_self, methods(MORE_METHODS))]
pub struct Dict {
    table: GilCell<Table>,
    /// A number that no other set of keys has, 0 until the evaluator asks for one; reset when keys come or go.
    keys_version: Cell<u32>,
    /// Counts changes to the keys, so that a search interrupted by Python code knows whether to begin anew.
    changes: Cell<u32>,
}

impl Trace for Dict {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        // SAFETY: the collector runs no Python code while it traces.
        let table = unsafe { &*self.table.as_ptr() };
        for entry in &table.entries {
            entry.key.trace(visitor);
            entry.value.trace(visitor);
        }
    }

    fn clear_references(&self) {
        self.note_change();
        drop(self.table.take());
    }
}

/// How two keys that are not the same object compare without Python code, if they do.
#[inline(always)]
fn verdict(sought: &Value, key: &Value, plain_text: Option<&Object<Str>>) -> Verdict {
    if key.is(sought) {
        return Verdict::Same;
    }
    if let Some(text) = plain_text
        && let Some(key) = key.downcast_exact::<Str>()
    {
        return if text.same_text(key) { Verdict::Same } else { Verdict::Different };
    }
    if key.is_small_int() && sought.is_small_int() {
        return Verdict::Different;
    }
    Verdict::Ask
}

/// The hash of a key.
#[inline]
fn key_hash(vm: &Vm, key: &Value) -> PyResult<i64> {
    vm.hash(key).map_err(|error| protocol::not_a_key(vm, key, error))
}

impl Dict {
    /// An empty dict.
    pub fn new() -> Ref<Dict> {
        Object::new(Dict::with_table(Table::default()))
    }

    /// An empty dict that the collector does not know: made before there is an interpreter.
    pub fn new_untracked() -> Ref<Dict> {
        Object::new_untracked(Dict::with_table(Table::default()))
    }

    /// An empty dict with room for some entries.
    pub fn with_capacity(capacity: usize) -> Ref<Dict> {
        Object::new(Dict::with_table(Table::with_capacity(capacity)))
    }

    /// An empty object of a class derived from `dict`.
    pub fn of_type(typ: &TypeObject) -> Ref<Dict> {
        Object::with_type(typ, Dict::with_table(Table::default()))
    }

    /// The payload of a dict derived from natively.
    pub fn empty_payload() -> Dict {
        Dict::with_table(Table::default())
    }

    fn with_table(table: Table) -> Dict {
        Dict { table: GilCell::new(table), keys_version: Cell::new(0), changes: Cell::new(0) }
    }

    fn note_change(&self) {
        self.keys_version.set(0);
        self.changes.set(self.changes.get().wrapping_add(1));
    }

    /// Number of keys.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.table.borrow().len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Counts changes to the keys.
    pub fn changes(&self) -> u32 {
        self.changes.get()
    }

    /// Bytes that the dict takes besides the object.
    pub fn memory(&self) -> usize {
        self.table.borrow().memory()
    }

    /// The number of this set of keys, for caches; 0 when numbers have run out.
    pub(crate) fn keys_version(&self, vm: &Vm) -> u32 {
        if self.keys_version.get() == 0 {
            self.keys_version.set(crate::vm::KEYS_VERSIONS.next(vm));
        }
        self.keys_version.get()
    }

    /// The number of this set of keys if it has one, else 0.
    #[inline(always)]
    pub(crate) fn current_keys_version(&self) -> u32 {
        self.keys_version.get()
    }

    /// The value of the entry at a position that [`position_of`](Self::position_of) gave for this version of keys.
    #[inline(always)]
    pub(crate) fn value_at(&self, position: usize) -> Option<Value> {
        self.table.borrow().entries.get(position)?.value.clone()
    }

    /// The word of the value at a position; 0 where there is none. For the evaluator's caches.
    #[inline(always)]
    pub(crate) fn word_at(&self, position: usize) -> u64 {
        // SAFETY: no Python code runs while the reference is alive.
        let table = unsafe { &*self.table.as_ptr() };
        table.entries.get(position).and_then(|entry| entry.value.as_ref()).map_or(0, Value::bits)
    }

    /// The place of the value at a position, if the key there is this very name. For the evaluator's caches.
    #[inline(always)]
    pub(crate) fn place_of_name(&self, position: usize, name: &Object<Str>) -> Option<*mut u64> {
        // SAFETY: no Python code runs while the reference is alive.
        let table = unsafe { &mut *self.table.as_ptr() };
        let entry = table.entries.get_mut(position)?;
        let key = entry.key.as_ref()?;
        (key.bits() == std::ptr::from_ref(name) as u64).then_some((&raw mut entry.value).cast())
    }

    /// The place of a key's value, where the key is the very object that is there and a plain one, and little searching
    /// finds it. Calls nothing: for the evaluator's fast paths.
    ///
    /// # Safety
    /// `key` is a word of the evaluation stack.
    #[inline(always)]
    pub(crate) unsafe fn glance(&self, key: u64) -> Option<*mut u64> {
        let hash = if key & 1 != 0 {
            // Hashes of small ints are the numbers themselves.
            ((key >> 1) < crate::types::int::MODULUS as u64).then_some((key >> 1) as i64)?
        } else {
            // SAFETY: as promised.
            unsafe { word::exact::<Str>(key) }?.known_hash()?
        };
        // SAFETY: no Python code runs while the reference is alive.
        let table = unsafe { &*self.table.as_ptr() };
        table.glance(word::untagged(key), hash).map(|value| std::ptr::from_ref(value).cast_mut().cast())
    }

    /// The position of a name's entry.
    pub(crate) fn position_of(&self, name: &Object<Str>) -> Option<usize> {
        self.find_str(name)
    }

    /// Replaces the value at a position; answers the old one.
    pub(crate) fn replace_at(&self, position: usize, value: Value) -> Option<Value> {
        self.table.borrow_mut().entries[position].value.replace(value)
    }

    /// Searches for a key with its hash.
    fn find(&self, vm: &Vm, key: &Value, hash: i64) -> PyResult<Option<usize>> {
        let text = key.downcast_exact::<Str>();
        let mut done = 0;
        loop {
            let found = self.table.borrow().find(hash, done, |other| verdict(key, other, text));
            match found {
                Found::At(at) => return Ok(Some(at)),
                Found::Absent => return Ok(None),
                Found::Unsure(at, past) => {
                    let before = self.changes.get();
                    let Some(other) = self.table.borrow().entries[at].key.clone() else { continue };
                    let equal = vm.equal(&other, key)?;
                    if self.changes.get() != before {
                        done = 0;
                    } else if equal {
                        return Ok(Some(at));
                    } else {
                        done = past;
                    }
                }
            }
        }
    }

    /// Searches for a name. Keys that are no plain strings are taken for different.
    #[inline]
    fn find_str(&self, name: &Object<Str>) -> Option<usize> {
        let sought = name.as_value();
        let found = self.table.borrow().find(name.hash_value(), 0, |key| {
            if key.is(&sought) {
                return Verdict::Same;
            }
            match key.downcast::<Str>() {
                Some(key) if key.same_text(name) => Verdict::Same,
                _ => Verdict::Different,
            }
        });
        match found {
            Found::At(at) => Some(at),
            _ => None,
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// What hashing or comparing the key raises.
    #[inline]
    pub fn get(&self, vm: &Vm, key: &Value) -> PyResult<Option<Value>> {
        let hash = key_hash(vm, key)?;
        self.get_hashed(vm, key, hash)
    }

    /// The value of a key whose hash is known.
    ///
    /// # Errors
    /// What comparing the key raises.
    #[inline]
    pub fn get_hashed(&self, vm: &Vm, key: &Value, hash: i64) -> PyResult<Option<Value>> {
        match self.find(vm, key, hash)? {
            Some(at) => Ok(self.value_at(at)),
            None => Ok(None),
        }
    }

    /// The value of a name.
    #[inline]
    pub fn get_str(&self, name: &Object<Str>) -> Option<Value> {
        self.value_at(self.find_str(name)?)
    }

    /// Whether a name is there.
    pub fn contains_str(&self, name: &Object<Str>) -> bool {
        self.find_str(name).is_some()
    }

    /// Whether a key is there.
    ///
    /// # Errors
    /// What hashing or comparing the key raises.
    pub fn contains(&self, vm: &Vm, key: &Value) -> PyResult<bool> {
        let hash = key_hash(vm, key)?;
        Ok(self.find(vm, key, hash)?.is_some())
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// What hashing or comparing the key raises.
    #[inline]
    pub fn set(&self, vm: &Vm, key: &Value, value: Value) -> PyResult<()> {
        let hash = key_hash(vm, key)?;
        self.set_hashed(vm, key, hash, value)
    }

    /// Sets the value of a key whose hash is known.
    ///
    /// # Errors
    /// What comparing the key raises.
    #[inline]
    pub fn set_hashed(&self, vm: &Vm, key: &Value, hash: i64, value: Value) -> PyResult<()> {
        match self.find(vm, key, hash)? {
            Some(at) => drop(self.replace_at(at, value)),
            None => {
                self.note_change();
                self.table.borrow_mut().push(hash, key.clone(), value);
            }
        }
        Ok(())
    }

    /// Sets the value of a name.
    pub fn set_str(&self, name: &Object<Str>, value: Value) {
        match self.find_str(name) {
            Some(at) => drop(self.replace_at(at, value)),
            None => {
                self.note_change();
                self.table.borrow_mut().push(name.hash_value(), name.to_value(), value);
            }
        }
    }

    /// The value of a key, set to `default` if it is not there.
    ///
    /// # Errors
    /// What hashing or comparing the key raises.
    pub fn get_or_set(&self, vm: &Vm, key: &Value, default: Value) -> PyResult {
        let hash = key_hash(vm, key)?;
        if let Some(at) = self.find(vm, key, hash)?
            && let Some(value) = self.value_at(at)
        {
            return Ok(value);
        }
        self.note_change();
        self.table.borrow_mut().push(hash, key.clone(), default.clone());
        Ok(default)
    }

    /// Takes a key out; answers its value if it was there.
    ///
    /// # Errors
    /// What hashing or comparing the key raises.
    pub fn remove(&self, vm: &Vm, key: &Value) -> PyResult<Option<Value>> {
        let hash = key_hash(vm, key)?;
        let Some(at) = self.find(vm, key, hash)? else { return Ok(None) };
        self.note_change();
        let taken = self.table.borrow_mut().remove(at);
        Ok(taken.map(|(_, value)| value))
    }

    /// Takes a key out; answers the key as it was in the dict, and its value, if it was there.
    ///
    /// # Errors
    /// What hashing or comparing the key raises.
    pub fn remove_entry(&self, vm: &Vm, key: &Value) -> PyResult<Option<(Value, Value)>> {
        let hash = vm.hash(key)?;
        let Some(at) = self.find(vm, key, hash)? else { return Ok(None) };
        self.note_change();
        let taken = self.table.borrow_mut().remove(at);
        Ok(taken)
    }

    /// Takes a name out; answers its value if it was there.
    pub fn remove_str(&self, name: &Object<Str>) -> Option<Value> {
        let at = self.find_str(name)?;
        self.note_change();
        let taken = self.table.borrow_mut().remove(at);
        taken.map(|(_, value)| value)
    }

    /// Takes the last entry out.
    pub fn pop_last(&self) -> Option<(Value, Value)> {
        let at = self.table.borrow().iter().next_back()?.0;
        self.note_change();
        let mut table = self.table.borrow_mut();
        let taken = table.remove(at);
        table.entries.truncate(at);
        taken
    }

    /// Takes everything out.
    pub fn clear(&self) {
        self.note_change();
        drop(self.table.take());
    }

    /// The first entry at or behind a position: the next position, key and value.
    #[inline]
    pub fn next_entry(&self, position: usize) -> Option<(usize, Value, Value)> {
        let table = self.table.borrow();
        let mut at = position.max(table.first());
        while let Some(entry) = table.entries.get(at) {
            at += 1;
            if let (Some(key), Some(value)) = (&entry.key, &entry.value) {
                return Some((at, key.clone(), value.clone()));
            }
        }
        None
    }

    /// As [`next_entry`](Self::next_entry), but with the key's hash and without the value.
    pub fn next_hashed(&self, position: usize) -> Option<(usize, i64, Value)> {
        let table = self.table.borrow();
        let start = position.max(table.first());
        let entries = table.entries.get(start..)?.iter().enumerate();
        entries.filter_map(|(at, entry)| Some((start + at + 1, entry.hash, entry.key.clone()?))).next()
    }

    /// The last entry before a position: its position, key and value.
    pub fn previous_entry(&self, position: usize) -> Option<(usize, Value, Value)> {
        let table = self.table.borrow();
        let mut at = position.min(table.entries.len());
        while at > 0 {
            at -= 1;
            let entry = &table.entries[at];
            if let (Some(key), Some(value)) = (&entry.key, &entry.value) {
                return Some((at, key.clone(), value.clone()));
            }
        }
        None
    }

    /// Keys and values in order.
    pub fn pairs(&self) -> Vec<(Value, Value)> {
        self.table.borrow().iter().map(|(_, key, value)| (key.clone(), value.clone())).collect()
    }

    /// Keys in order.
    pub fn keys(&self) -> Vec<Value> {
        self.table.borrow().iter().map(|(_, key, _)| key.clone()).collect()
    }

    /// Values in order.
    pub fn values(&self) -> Vec<Value> {
        self.table.borrow().iter().map(|(_, _, value)| value.clone()).collect()
    }

    /// A new plain dict with the same entries.
    pub fn copy(&self) -> Ref<Dict> {
        let copy = self.table.borrow().duplicate();
        Object::new(Dict::with_table(copy))
    }

    /// Takes over all entries of another dict; keys that are there already are replaced or, without
    /// `replace`, kept.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub fn merge(&self, vm: &Vm, other: &Object<Dict>, replace: bool) -> PyResult<()> {
        if std::ptr::eq(self, other.payload()) {
            return Ok(());
        }
        if self.is_empty() {
            let copy = other.table.borrow().duplicate();
            self.note_change();
            drop(self.table.replace(copy));
            return Ok(());
        }
        let before = other.changes.get();
        let mut position = 0;
        loop {
            let next = {
                let table = other.table.borrow();
                let mut at = position;
                loop {
                    match table.entries.get(at) {
                        None => break None,
                        Some(entry) => {
                            at += 1;
                            if let (Some(key), Some(value)) = (&entry.key, &entry.value) {
                                break Some((at, entry.hash, key.clone(), value.clone()));
                            }
                        }
                    }
                }
            };
            let Some((at, hash, key, value)) = next else { return Ok(()) };
            position = at;
            match self.find(vm, &key, hash)? {
                Some(at) if replace => drop(self.replace_at(at, value)),
                Some(_) => {}
                None => {
                    self.note_change();
                    self.table.borrow_mut().push(hash, key, value);
                }
            }
            if other.changes.get() != before {
                return Err(vm.runtime_error("dict mutated during update"));
            }
        }
    }
}

/// Whether a value is a dict or of a class derived from it.
#[inline]
pub fn is_dict(value: &Value) -> bool {
    value.downcast::<Dict>().is_some()
}

/// Whether a type is `dict` itself.
#[inline(always)]
pub fn is_exact(typ: &TypeObject) -> bool {
    std::ptr::eq(typ, Dict::static_type())
}

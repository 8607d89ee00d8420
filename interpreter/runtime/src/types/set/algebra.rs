//! Union, intersection, difference and comparison of sets, in the order of steps that CPython takes them, on which
//! the order of the results depends.

use crate::exceptions::PyResult;
use crate::types::dict::Dict;
use crate::types::set::{Core, core_of, element_hash, empty_like};
use crate::value::Value;
use crate::vm::Vm;

/// A copy with the base type of `set`.
pub(super) fn copy(vm: &Vm, set: &Value) -> PyResult {
    let result = empty_like(set);
    if let (Some(target), Some(source)) = (core_of(&result), core_of(set)) {
        target.merge(vm, source)?;
    }
    Ok(result)
}

/// All elements of `set` and of everything in `others`.
pub(super) fn union(vm: &Vm, set: &Value, others: &[Value]) -> PyResult {
    let result = copy(vm, set)?;
    if let Some(core) = core_of(&result) {
        for other in others {
            if !other.is(set) {
                core.update(vm, other)?;
            }
        }
    }
    Ok(result)
}

/// The elements that `set` shares with everything in `others`.
pub(super) fn intersection_of_all(vm: &Vm, set: &Value, others: &[Value]) -> PyResult {
    let Some((first, rest)) = others.split_first() else { return copy(vm, set) };
    let mut result = intersection(vm, set, first)?;
    for other in rest {
        result = intersection(vm, &result, other)?;
    }
    Ok(result)
}

/// The elements that `set` shares with `other`.
pub(super) fn intersection(vm: &Vm, set: &Value, other: &Value) -> PyResult {
    if set.is(other) {
        return copy(vm, set);
    }
    let result = empty_like(set);
    let (Some(target), Some(own)) = (core_of(&result), core_of(set)) else { return Ok(result) };
    if let Some(theirs) = core_of(other) {
        let (smaller, larger) = if theirs.len() > own.len() { (own, theirs) } else { (theirs, own) };
        let mut position = 0;
        while let Some((next, hash, key)) = smaller.next_entry(position) {
            position = next;
            if larger.contains_hashed(vm, &key, hash)? {
                target.add_hashed(vm, key, hash)?;
            }
        }
        return Ok(result);
    }
    let iterator = vm.iter(other)?;
    while let Some(key) = vm.next(&iterator)? {
        let hash = vm.hash(&key)?;
        if own.contains_hashed(vm, &key, hash)? {
            target.add_hashed(vm, key, hash)?;
        }
    }
    Ok(result)
}

/// The elements of `set` that are in nothing of `others`.
pub(super) fn difference_of_all(vm: &Vm, set: &Value, others: &[Value]) -> PyResult {
    let Some((first, rest)) = others.split_first() else { return copy(vm, set) };
    let result = difference(vm, set, first)?;
    if let Some(core) = core_of(&result) {
        for other in rest {
            remove_all(vm, &result, core, other)?;
        }
    }
    Ok(result)
}

/// The elements of `set` that are not in `other`.
pub(super) fn difference(vm: &Vm, set: &Value, other: &Value) -> PyResult {
    let Some(own) = core_of(set) else { return copy(vm, set) };
    let theirs = core_of(other);
    let dict = other.downcast_exact::<Dict>();
    let size = theirs.map(Core::len).or_else(|| dict.map(|dict| dict.len()));
    if size.is_none_or(|size| own.len() >> 2 > size) {
        let result = copy(vm, set)?;
        if let Some(core) = core_of(&result) {
            remove_all(vm, &result, core, other)?;
        }
        return Ok(result);
    }
    let result = empty_like(set);
    let Some(target) = core_of(&result) else { return Ok(result) };
    let mut position = 0;
    while let Some((next, hash, key)) = own.next_entry(position) {
        position = next;
        let shared = match (theirs, dict) {
            (Some(theirs), _) => theirs.contains_hashed(vm, &key, hash)?,
            (None, Some(dict)) => dict.get_hashed(vm, &key, hash)?.is_some(),
            (None, None) => false,
        };
        if !shared {
            target.add_hashed(vm, key, hash)?;
        }
    }
    Ok(result)
}

/// Takes everything that is in `other` out of the set.
pub(super) fn remove_all(vm: &Vm, set: &Value, core: &Core, other: &Value) -> PyResult<()> {
    if set.is(other) {
        core.clear();
        return Ok(());
    }
    if let Some(theirs) = core_of(other) {
        // Of a much larger set only the shared elements matter.
        let shared = if theirs.len() >> 3 > core.len() { Some(intersection(vm, set, other)?) } else { None };
        let theirs = shared.as_ref().and_then(core_of).unwrap_or(theirs);
        let mut position = 0;
        while let Some((next, hash, key)) = theirs.next_entry(position) {
            position = next;
            core.discard_hashed(vm, &key, hash)?;
        }
    } else {
        let iterator = vm.iter(other)?;
        while let Some(key) = vm.next(&iterator)? {
            let hash = element_hash(vm, &key)?;
            core.discard_hashed(vm, &key, hash)?;
        }
    }
    core.note_change();
    core.table.borrow_mut().sweep();
    Ok(())
}

/// The elements that are in exactly one of both.
pub(super) fn symmetric_difference(vm: &Vm, set: &Value, other: &Value) -> PyResult {
    let result = empty_like(set);
    if let (Some(target), Some(own)) = (core_of(&result), core_of(set)) {
        target.update(vm, other)?;
        toggle(vm, target, own)?;
    }
    Ok(result)
}

/// Takes out what both share and adds what only `other` has.
pub(super) fn toggle_all(vm: &Vm, set: &Value, core: &Core, other: &Value) -> PyResult<()> {
    if set.is(other) {
        core.clear();
        return Ok(());
    }
    if let Some(dict) = other.downcast_exact::<Dict>() {
        let mut position = 0;
        while let Some((next, hash, key)) = dict.next_hashed(position) {
            position = next;
            if !core.discard_hashed(vm, &key, hash)? {
                core.add_hashed(vm, key, hash)?;
            }
        }
        return Ok(());
    }
    if let Some(theirs) = core_of(other) {
        return toggle(vm, core, theirs);
    }
    let theirs = Core::default();
    theirs.update(vm, other)?;
    toggle(vm, core, &theirs)
}

fn toggle(vm: &Vm, core: &Core, theirs: &Core) -> PyResult<()> {
    let mut position = 0;
    while let Some((next, hash, key)) = theirs.next_entry(position) {
        position = next;
        if !core.discard_hashed(vm, &key, hash)? {
            core.add_hashed(vm, key, hash)?;
        }
    }
    Ok(())
}

/// Whether everything in `own` is in `theirs`.
pub(super) fn is_subset(vm: &Vm, own: &Core, theirs: &Core) -> PyResult<bool> {
    if own.len() > theirs.len() {
        return Ok(false);
    }
    let mut position = 0;
    while let Some((next, hash, key)) = own.next_entry(position) {
        position = next;
        if !theirs.contains_hashed(vm, &key, hash)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether everything in the set is in the iterable.
pub(super) fn is_subset_of(vm: &Vm, set: &Value, own: &Core, other: &Value) -> PyResult<bool> {
    if let Some(theirs) = core_of(other) {
        return is_subset(vm, own, theirs);
    }
    let shared = intersection(vm, set, other)?;
    Ok(core_of(&shared).map_or(0, Core::len) == own.len())
}

/// Whether everything in the iterable is in the set.
pub(super) fn is_superset_of(vm: &Vm, own: &Core, other: &Value) -> PyResult<bool> {
    if let Some(theirs) = core_of(other) {
        return is_subset(vm, theirs, own);
    }
    let iterator = vm.iter(other)?;
    while let Some(key) = vm.next(&iterator)? {
        if !own.contains(vm, &key)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether nothing of the iterable is in the set.
pub(super) fn is_disjoint(vm: &Vm, set: &Value, own: &Core, other: &Value) -> PyResult<bool> {
    if set.is(other) {
        return Ok(own.is_empty());
    }
    if let Some(theirs) = core_of(other) {
        let (smaller, larger) = if theirs.len() > own.len() { (own, theirs) } else { (theirs, own) };
        let mut position = 0;
        while let Some((next, hash, key)) = smaller.next_entry(position) {
            position = next;
            if larger.contains_hashed(vm, &key, hash)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let iterator = vm.iter(other)?;
    while let Some(key) = vm.next(&iterator)? {
        let hash = element_hash(vm, &key)?;
        if own.contains_hashed(vm, &key, hash)? {
            return Ok(false);
        }
    }
    Ok(true)
}

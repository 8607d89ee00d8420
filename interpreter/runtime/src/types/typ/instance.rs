//! Attributes of instances: inline behind the object under the type's shared keys, or in a dict of their own.
//!
//! # Safety argument
//!
//! A type with `INLINE` allocates its objects with `inline_capacity` places behind the fixed part, each zero or an
//! owned value, and after them one byte for how many are set and one for each in the order of insertion. The places
//! are in use while the dict word before the header is zero; [`dict`] moves them into a dict once and for all.
//! Shared keys are only ever added to, so a place keeps its name for as long as the type lives.

use std::cell::Cell;

use crate::exceptions::PyResult;
use crate::gc::Visitor;
use crate::object::{Header, Object, Ref, TypeObject};
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;

/// The most attributes that lie inline.
pub const MOST_INLINE: usize = 30;

/// Bytes that `capacity` inline attributes take.
#[inline(always)]
pub const fn inline_size(capacity: usize) -> usize {
    capacity * 8 + (capacity + 1).next_multiple_of(8)
}

/// The place of inline attribute `index`.
///
/// # Safety
/// The type has more than `index` inline attributes.
#[inline(always)]
unsafe fn place(object: *const Header, typ: &TypeObject, index: usize) -> *mut u64 {
    // SAFETY: as promised.
    unsafe { object.cast::<u8>().cast_mut().add(typ.basic_size()).cast::<u64>().add(index) }
}

/// The count and order of the attributes that are set.
#[inline(always)]
unsafe fn order(object: *const Header, typ: &TypeObject) -> *mut u8 {
    // SAFETY: the bytes lie behind the places.
    unsafe { place(object, typ, typ.inline_capacity.get() as usize).cast() }
}

/// Whether the object's attributes lie inline now.
#[inline(always)]
fn is_inline(header: &Header, typ: &TypeObject) -> bool {
    typ.has_flag(TypeFlags::INLINE) && header.dict_word().get() == 0
}

/// Whether the value's attributes lie inline now.
pub fn lies_inline(value: &Value) -> bool {
    value.header().is_some_and(|header| is_inline(header, header.type_of()))
}

/// Words from the header to the place of the attribute, if the type gives it one.
pub(crate) fn place_of(typ: &TypeObject, name: &Object<Str>) -> Option<usize> {
    let index = key_index(typ, name)?;
    Some(typ.basic_size() / 8 + index)
}

fn key_index(typ: &TypeObject, name: &Object<Str>) -> Option<usize> {
    typ.with_heap(|heap| {
        let keys = heap.shared_keys.borrow();
        keys.iter().position(|key| std::ptr::eq(&**key, name)).or_else(|| {
            if name.is_interned() { None } else { keys.iter().position(|key| key.same_text(name)) }
        })
    })?
}

/// The place for the attribute, given out now if there is room.
fn key_index_or_new(typ: &TypeObject, name: &Object<Str>) -> Option<usize> {
    if let Some(index) = key_index(typ, name) {
        return Some(index);
    }
    if !name.is_interned() {
        return None;
    }
    let index = typ.with_heap(|heap| {
        let mut keys = heap.shared_keys.borrow_mut();
        if keys.len() < typ.inline_capacity.get() as usize {
            keys.push(name.to_ref());
            Some(keys.len() - 1)
        } else {
            None
        }
    })??;
    // From now on objects may hide the class's attribute of that name, which caches rely on not to happen.
    if typ.lookup_uncached(name).is_some() {
        typ.modified();
    }
    Some(index)
}

/// Records that the empty place `index` is being set.
#[inline(always)]
pub(crate) unsafe fn note_order(object: *const Header, typ: &TypeObject, index: usize) {
    // SAFETY: there is a byte for each place.
    unsafe {
        let order = order(object, typ);
        let count = *order;
        *order.add(1 + count as usize) = index as u8;
        *order = count + 1;
    }
}

/// The instance attribute `name`, from wherever it lies.
///
/// # Errors
/// What comparing keys of the dict raises.
#[inline]
pub fn get(value: &Value, name: &Object<Str>) -> Option<Value> {
    let header = value.header()?;
    let typ = header.type_of();
    if !typ.has_flag(TypeFlags::HAS_DICT) || !typ.has_flag(TypeFlags::PREFIX) {
        return None;
    }
    if is_inline(header, typ) {
        let index = key_index(typ, name)?;
        // SAFETY: the index is below the capacity; the place is zero or a value owned by the object.
        let bits = unsafe { *place(header, typ, index) };
        if bits == 0 {
            return None;
        }
        // SAFETY: as above.
        return Some(unsafe { (*crate::object::Borrow::from_bits(bits)).clone() });
    }
    existing_dict(header)?.get_str(name)
}

/// The word of the instance attribute `name`, 0 for none. It stays the object's.
#[inline]
pub(crate) fn own_word(header: &Header, typ: &TypeObject, name: &Object<Str>) -> u64 {
    if !typ.has_flag(TypeFlags::HAS_DICT) || !typ.has_flag(TypeFlags::PREFIX) {
        return 0;
    }
    if is_inline(header, typ) {
        // SAFETY: the index is below the capacity.
        return key_index(typ, name).map_or(0, |index| unsafe { *place(header, typ, index) });
    }
    existing_dict(header)
        .map_or(0, |dict| dict.position_of(name).map_or(0, |position| dict.word_at(position)))
}

/// The attribute dict if it exists already.
#[inline]
pub fn existing_dict(header: &Header) -> Option<&Object<Dict>> {
    let word = header.dict_word().get();
    // SAFETY: the word owns a reference to a dict.
    (word != 0).then(|| unsafe { &*(word as *const Object<Dict>) })
}

/// Sets the instance attribute, or deletes it where there is no value. Answers false where it was not there to
/// delete.
///
/// # Errors
/// What the dict raises.
pub fn set(vm: &Vm, object: &Value, name: &Object<Str>, value: Option<&Value>) -> PyResult<bool> {
    let Some(header) = object.header() else { return Ok(false) };
    let typ = header.type_of();
    if is_inline(header, typ) {
        match value {
            Some(value) => {
                if let Some(index) = key_index_or_new(typ, name) {
                    // SAFETY: the index is below the capacity.
                    unsafe {
                        let place = place(header, typ, index);
                        let old = place.replace(value.clone().into_bits());
                        if old == 0 {
                            note_order(header, typ, index);
                        } else {
                            drop(Value::from_bits(old));
                        }
                    }
                    return Ok(true);
                }
            }
            None => {
                let Some(index) = key_index(typ, name) else { return Ok(false) };
                // SAFETY: the index is below the capacity; the order keeps one byte for each set place.
                unsafe {
                    let old = place(header, typ, index).replace(0);
                    if old == 0 {
                        return Ok(false);
                    }
                    let order = order(header, typ);
                    let count = *order as usize;
                    let listed = std::slice::from_raw_parts_mut(order.add(1), count);
                    if let Some(at) = listed.iter().position(|&entry| entry as usize == index) {
                        listed.copy_within(at + 1.., at);
                        *order = (count - 1) as u8;
                    }
                    drop(Value::from_bits(old));
                }
                return Ok(true);
            }
        }
    }
    match value {
        Some(value) => {
            dict(vm, object).set_str(name, value.clone());
            Ok(true)
        }
        None => match existing_dict(header) {
            Some(dict) => Ok(dict.to_ref().remove_str(name).is_some()),
            None => Ok(false),
        },
    }
}

/// The object's attribute dict, made now if need be. The type must have `HAS_DICT`.
pub fn dict(_vm: &Vm, object: &Value) -> Ref<Dict> {
    let Some(header) = object.header() else { return Dict::new() };
    if let Some(dict) = existing_dict(header) {
        return dict.to_ref();
    }
    let typ = header.type_of();
    let dict = Dict::new();
    if typ.has_flag(TypeFlags::INLINE) {
        // SAFETY: the set places are moved out, in their order, and zeroed.
        unsafe {
            let order = order(header, typ);
            for nth in 0..*order as usize {
                let index = *order.add(1 + nth) as usize;
                let bits = place(header, typ, index).replace(0);
                let name = typ.with_heap(|heap| heap.shared_keys.borrow()[index].clone());
                if let Some(name) = name {
                    dict.set_str(&name, Value::from_bits(bits));
                }
            }
            *order = 0;
        }
    }
    header.dict_word().set(dict.clone().into_value().into_bits());
    dict
}

/// Makes `dict` the object's attribute dict.
pub fn replace_dict(vm: &Vm, object: &Value, new: &Object<Dict>) {
    let Some(header) = object.header() else { return };
    let old = dict(vm, object);
    let word: &Cell<u64> = header.dict_word();
    // SAFETY: the word owned the old dict, as `dict` made sure.
    let owned = unsafe { Value::from_bits(word.replace(new.to_value().into_bits())) };
    drop(owned);
    drop(old);
}

/// Number of inline attributes and slots an object refers to, each visited.
///
/// # Safety
/// The object is alive and of the type.
pub(crate) unsafe fn trace_attributes(object: *const Header, typ: &TypeObject, visitor: &mut Visitor<'_>) {
    // SAFETY: every place is zero or a value owned by the object.
    unsafe {
        for_each_place(object, typ, &mut |place| {
            if *place != 0 {
                visitor.value(&crate::object::Borrow::from_bits(*place));
            }
        });
    }
}

/// Lets go of inline attributes and slots.
///
/// # Safety
/// The object is of the type.
pub(crate) unsafe fn drop_attributes(object: *const Header, typ: &TypeObject) {
    // SAFETY: every place is zeroed before its value is dropped.
    unsafe {
        let let_go = |place: *mut u64| {
            let bits = place.replace(0);
            if bits != 0 {
                drop(Value::from_bits(bits));
            }
        };
        if has_slots(typ) {
            for_each_place(object, typ, &mut { let_go });
        } else if is_inline(&*object, typ) {
            for index in 0..typ.inline_capacity.get() as usize {
                let_go(place(object, typ, index));
            }
        }
        if is_inline(&*object, typ) {
            *order(object, typ) = 0;
        }
    }
}

/// Whether objects of the type have `__slots__` members: they make them larger than the native base's.
fn has_slots(typ: &TypeObject) -> bool {
    typ.basic_size() != typ.native().size
}

unsafe fn for_each_place(object: *const Header, typ: &TypeObject, visit: &mut dyn FnMut(*mut u64)) {
    // SAFETY: inline places and slots lie within the object.
    unsafe {
        // Once there is a dict the places are empty, and a change of class may have left fewer of them.
        if is_inline(&*object, typ) {
            for index in 0..typ.inline_capacity.get() as usize {
                visit(place(object, typ, index));
            }
        }
        let mut next = Some(typ);
        while let Some(of) = next {
            let Some(members) = of.with_heap(|heap| heap.members.clone()) else { break };
            for offset in members {
                visit(object.cast_mut().cast::<u8>().offset(offset as isize).cast());
            }
            next = of.base();
        }
    }
}

/// The value of a `__slots__` member; `None` where it is not set.
pub(crate) fn member(object: &Value, offset: i32) -> Option<Value> {
    let header = object.header()?;
    // SAFETY: the caller checked that the object's type has the member at this offset.
    unsafe {
        let bits = *std::ptr::from_ref(header).cast::<u8>().offset(offset as isize).cast::<u64>();
        (bits != 0).then(|| (*crate::object::Borrow::from_bits(bits)).clone())
    }
}

/// Sets or clears a `__slots__` member; answers what was there.
pub(crate) fn set_member(object: &Value, offset: i32, value: Option<Value>) -> Option<Value> {
    let header = object.header()?;
    // SAFETY: as for `member`.
    unsafe {
        let place = std::ptr::from_ref(header).cast::<u8>().cast_mut().offset(offset as isize).cast::<u64>();
        let old = place.replace(value.map_or(0, Value::into_bits));
        (old != 0).then(|| Value::from_bits(old))
    }
}

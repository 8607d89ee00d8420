//! `bool`: `True` and `False`, two immortal objects of a type derived from `int`.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, TypeObject};
use crate::slots::KeywordNames;
use crate::types::int::Int;
use crate::value::Value;
use crate::vm::Vm;

/// The truth values `True` and `False`; a number can be asked for its truth with `bool(x)`.
#[pyclass(name = "bool", extends = Int, int_subclass)]
#[repr(transparent)]
pub struct Bool(Int);

static TRUE: Object<Int> = Object::immortal(std::ptr::without_provenance(8), Int::small(1));
static FALSE: Object<Int> = Object::immortal(std::ptr::without_provenance(8), Int::small(0));

pub(crate) fn bind_types() {
    // SAFETY: a bool has the layout of an int.
    unsafe {
        TRUE.header().set_type(Bool::static_type());
        FALSE.header().set_type(Bool::static_type());
    }
}

/// `True` or `False`.
#[inline(always)]
pub fn boolean(truth: bool) -> Value {
    let object = if truth { &raw const TRUE } else { &raw const FALSE };
    // SAFETY: the objects are immortal statics.
    unsafe { Value::from_bits(object as u64) }
}

/// The word of `True`.
#[inline(always)]
pub fn true_word() -> u64 {
    &raw const TRUE as u64
}

/// The word of `False`.
#[inline(always)]
pub fn false_word() -> u64 {
    &raw const FALSE as u64
}

/// The truth value, if the value is one.
#[inline(always)]
pub fn as_bool(value: &Value) -> Option<bool> {
    if value.bits() == true_word() {
        Some(true)
    } else if value.bits() == false_word() {
        Some(false)
    } else {
        None
    }
}

fn both(left: &Value, right: &Value) -> Option<(bool, bool)> {
    Some((as_bool(left)?, as_bool(right)?))
}

#[pymethods]
impl Bool {
    #[slot(new)]
    fn new(vm: &Vm, _cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("bool() takes no keyword arguments"));
        }
        match args {
            [] => Ok(boolean(false)),
            [value] => Ok(boolean(vm.is_true(value)?)),
            _ => Err(vm.type_error(format!("bool expected at most 1 argument, got {}", args.len()))),
        }
    }

    #[slot(repr)]
    fn repr(this: &Value) -> &'static str {
        if this.bits() == true_word() { "True" } else { "False" }
    }

    #[slot(and)]
    fn and(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        match both(left, right) {
            Some((left, right)) => Ok(boolean(left & right)),
            None => Int::and(vm, left, right),
        }
    }

    #[slot(or)]
    fn or(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        match both(left, right) {
            Some((left, right)) => Ok(boolean(left | right)),
            None => Int::or(vm, left, right),
        }
    }

    #[slot(xor)]
    fn xor(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        match both(left, right) {
            Some((left, right)) => Ok(boolean(left ^ right)),
            None => Int::xor(vm, left, right),
        }
    }

    #[slot(invert)]
    fn invert(this: &Value, vm: &Vm) -> PyResult {
        crate::warnings::warn(
            vm,
            crate::exceptions::deprecation_warning(),
            "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise \
             inversion of the underlying int object and is usually not what you expect from the negation of a bool \
             object. Use the 'not' operator for boolean negation or ~int(x) for the bitwise inversion of the \
             underlying int.",
            1,
        )?;
        let word = this.bits() == true_word();
        Ok(Value::int(!i32::from(word)))
    }
}

//! When two constants of code objects are the same: equal, of the same types, with the same signs of zeros, all the
//! way down.

use crate::exceptions::PyResult;
use crate::types::bool::as_bool;
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::complex::as_parts;
use crate::types::set::FrozenSet;
use crate::types::slice::Slice;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::{float, int, none};
use crate::value::Value;
use crate::vm::Vm;

/// Whether two constants are the same.
///
/// # Errors
/// What comparing other constants raises.
pub fn same_constants(vm: &Vm, left: &Value, right: &Value) -> PyResult<bool> {
    if left.is(right) {
        return Ok(true);
    }
    if !std::ptr::eq(left.type_of(), right.type_of()) {
        return Ok(false);
    }
    if none::is_none(left) || none::is_ellipsis(left) || as_bool(left).is_some() {
        return Ok(false);
    }
    if int::is_exact_int(left)
        || left.downcast_exact::<Str>().is_some()
        || left.downcast_exact::<Bytes>().is_some()
        || left.downcast_exact::<Code>().is_some()
    {
        return vm.equal(left, right);
    }
    if let (Some(left), Some(right)) = (float::as_f64(left), float::as_f64(right)) {
        return Ok(same_float(left, right));
    }
    if let (Some(left), Some(right)) = (as_parts(left), as_parts(right)) {
        return Ok(same_float(left.0, right.0) && same_float(left.1, right.1));
    }
    if let (Some(left), Some(right)) = (left.downcast_exact::<Tuple>(), right.downcast_exact::<Tuple>()) {
        return same_items(vm, left.items(), right.items());
    }
    if left.downcast_exact::<FrozenSet>().is_some() {
        return same_members(vm, &vm.collect(left)?, &vm.collect(right)?);
    }
    if left.downcast_exact::<Slice>().is_some() {
        for part in ["start", "stop", "step"] {
            if !same_constants(vm, &vm.get_attribute_str(left, part)?, &vm.get_attribute_str(right, part)?)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    // Other objects are the same only if they are one.
    Ok(false)
}

/// Equal floats with the same sign; a NaN is only the same as itself.
fn same_float(left: f64, right: f64) -> bool {
    left == right && left.is_sign_negative() == right.is_sign_negative()
}

fn same_items(vm: &Vm, left: &[Value], right: &[Value]) -> PyResult<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (left, right) in left.iter().zip(right) {
        if !same_constants(vm, left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether each member of one set is a member of the other, which has as many.
fn same_members(vm: &Vm, left: &[Value], right: &[Value]) -> PyResult<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for member in left {
        let mut found = false;
        for other in right {
            found = found || same_constants(vm, member, other)?;
        }
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

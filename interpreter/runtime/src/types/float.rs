//! `float`: IEEE 754 double precision, in the word where the exponent allows, else on the heap.

use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::Object;
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::types::int;
use crate::types::none::not_implemented;
use crate::value::Value;
use crate::vm::Vm;

/// A floating-point number.
#[pyclass(name = "float", subclassable, match_self, signature = "(x=0, /)", methods(MORE_METHODS))]
pub struct Float {
    value: f64,
}

/// A `float`.
#[inline(always)]
pub fn new(value: f64) -> Value {
    match Value::from_small_float(value) {
        Some(word) => word,
        None => boxed(value),
    }
}

#[cold]
#[inline(never)]
fn boxed(value: f64) -> Value {
    Object::new(Float { value }).into_value()
}

impl Float {
    /// The payload of a float on the heap.
    pub const fn of(value: f64) -> Float {
        Float { value }
    }
}

/// The number, if the value is a `float` or of a class derived from it.
#[inline(always)]
pub fn as_f64(value: &Value) -> Option<f64> {
    match value.small_float() {
        Some(float) => Some(float),
        None if value.is_small_int() => None,
        None => value.downcast::<Float>().map(|float| float.value),
    }
}

/// Whether the value is a `float` and not of a class derived from it.
pub fn is_exact(value: &Value) -> bool {
    value.small_float().is_some() || value.downcast_exact::<Float>().is_some()
}

/// The number that the value stands for: a `float`, or what `__float__` or `__index__` answer.
///
/// # Errors
/// `TypeError` where the value is no real number, `OverflowError` where an int is too large.
pub fn to_f64(vm: &Vm, value: &Value) -> PyResult<f64> {
    if let Some(float) = as_f64(value) {
        return Ok(float);
    }
    if let Some(int) = value.small_int() {
        return Ok(int as f64);
    }
    let typ = value.type_of();
    if let Some(convert) = typ.slots().float.get() {
        let result = convert(vm, value)?;
        if let Some(float) = result.small_float() {
            return Ok(float);
        }
        return match as_f64(&result) {
            Some(float) => Ok(float),
            None => Err(vm.type_error(format!(
                "{}.__float__ returned non-float (type {})",
                typ.name(),
                result.type_of().name()
            ))),
        };
    }
    if typ.slots().index.get().is_some() {
        let index = vm.index(value)?;
        return int::as_f64(vm, &index);
    }
    Err(vm.type_error(format!("must be real number, not {}", typ.full_name())))
}

/// Operand of an arithmetic operator: a float or an int; `None` for other types.
#[inline(always)]
fn operand(vm: &Vm, value: &Value) -> PyResult<Option<f64>> {
    if let Some(float) = value.small_float() {
        return Ok(Some(float));
    }
    if let Some(int) = value.small_int() {
        return Ok(Some(int as f64));
    }
    if let Some(float) = as_f64(value) {
        return Ok(Some(float));
    }
    if value.downcast::<int::Int>().is_some() { int::as_f64(vm, value).map(Some) } else { Ok(None) }
}

fn binary(vm: &Vm, left: &Value, right: &Value, with: impl FnOnce(f64, f64) -> PyResult) -> PyResult {
    match (operand(vm, left)?, operand(vm, right)?) {
        (Some(left), Some(right)) => with(left, right),
        _ => Ok(not_implemented()),
    }
}

/// `left // right` and `left % right` with the sign of the divisor, as Python defines them.
pub fn divmod(left: f64, right: f64) -> (f64, f64) {
    let mut remainder = left % right;
    let mut quotient = (left - remainder) / right;
    if remainder == 0.0 {
        remainder = 0f64.copysign(right);
    } else if (right < 0.0) != (remainder < 0.0) {
        remainder += right;
        quotient -= 1.0;
    }
    let floored = if quotient == 0.0 {
        0f64.copysign(left / right)
    } else {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    };
    (floored, remainder)
}

/// `left % right` with the sign of the divisor.
pub fn modulo(left: f64, right: f64) -> f64 {
    divmod(left, right).1
}

/// The hash of a number, the same for equal numbers of every type.
pub fn hash(value: f64, identity: u64) -> i64 {
    const BITS: i32 = 61;
    const MODULUS: u64 = (1 << BITS) - 1;
    if !value.is_finite() {
        if value.is_nan() {
            // Distinct objects, distinct hashes.
            let rotated = (identity >> 4) | (identity << 60);
            return if rotated as i64 == -1 { -2 } else { rotated as i64 };
        }
        return if value > 0.0 { 314_159 } else { -314_159 };
    }
    let (mut mantissa, mut exponent) = frexp(value.abs());
    let mut x: u64 = 0;
    while mantissa != 0.0 {
        x = ((x << 28) & MODULUS) | x >> (BITS - 28);
        mantissa *= 268_435_456.0;
        exponent -= 28;
        let y = mantissa as u64;
        mantissa -= y as f64;
        x += y;
        if x >= MODULUS {
            x -= MODULUS;
        }
    }
    let exponent = if exponent >= 0 { exponent % BITS } else { BITS - 1 - (-1 - exponent) % BITS };
    x = ((x << exponent) & MODULUS) | x >> (BITS - exponent);
    let hash = if value < 0.0 { (x as i64).wrapping_neg() } else { x as i64 };
    if hash == -1 { -2 } else { hash }
}

/// Mantissa in `[0.5, 1)` and exponent.
pub fn frexp(value: f64) -> (f64, i32) {
    if value == 0.0 || !value.is_finite() {
        return (value, 0);
    }
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    if exponent == 0 {
        let (mantissa, exponent) = frexp(value * 18_014_398_509_481_984.0);
        return (mantissa, exponent - 54);
    }
    (f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52), exponent - 1022)
}

/// `left ** right` with Python's errors.
///
/// # Errors
/// `ZeroDivisionError` and `OverflowError`.
pub fn power(vm: &Vm, left: f64, right: f64) -> PyResult {
    if right == 0.0 || left == 1.0 {
        return Ok(new(1.0));
    }
    if left == 0.0 && right < 0.0 && right.is_finite() {
        return Err(vm.zero_division_error("zero to a negative power"));
    }
    if left < 0.0 && left.is_finite() && right.is_finite() && right.floor() != right {
        return crate::types::complex::power_of_floats(vm, left, right);
    }
    let result = left.powf(right);
    if result.is_infinite() && left.is_finite() && right.is_finite() {
        return Err(vm.overflow_error_os("Numerical result out of range", 34));
    }
    Ok(new(result))
}

/// Compares a float with an int exactly.
pub(crate) fn order_with_int(float: f64, other: &Value) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering;
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    if let Some(int) = int::small_value(other) {
        if int.unsigned_abs() < 1 << 53 {
            return float.partial_cmp(&(int as f64));
        }
        let whole = float.trunc();
        if whole >= 9.223_372_036_854_775_8e18 {
            return Some(Ordering::Greater);
        }
        if whole < -9.223_372_036_854_775_8e18 {
            return Some(Ordering::Less);
        }
        return Some((whole as i64).cmp(&int).then(float.partial_cmp(&whole)?));
    }
    let big = int::borrow_big(other)?;
    let whole = int::big_from_f64(float.trunc())?;
    Some(whole.cmp(&big).then(float.partial_cmp(&float.trunc())?))
}

#[pymethods]
impl Float {
    #[slot(new)]
    fn make(
        vm: &Vm,
        cls: &crate::object::TypeObject,
        args: &[Value],
        names: crate::slots::KeywordNames<'_>,
    ) -> PyResult {
        super::float_methods::make(vm, cls, args, names)
    }

    /// the real part of a complex number
    #[getter("real")]
    fn real(this: &Value) -> f64 {
        as_f64(this).unwrap_or(0.0)
    }

    /// the imaginary part of a complex number
    #[getter("imag")]
    fn imag(_this: &Value) -> f64 {
        0.0
    }

    #[slot(repr)]
    fn repr(this: &Value) -> String {
        crate::format::float::repr(as_f64(this).unwrap_or(0.0))
    }

    #[slot(hash)]
    fn hash(this: &Value) -> PyResult<i64> {
        Ok(hash(as_f64(this).unwrap_or(0.0), this.bits()))
    }

    #[slot(bool)]
    fn bool(this: &Value) -> PyResult<bool> {
        Ok(as_f64(this).unwrap_or(0.0) != 0.0)
    }

    #[slot(compare)]
    fn compare(this: &Value, other: &Value, comparison: Comparison) -> Value {
        let float = as_f64(this).unwrap_or(0.0);
        let order = if let Some(other) = as_f64(other) {
            float.partial_cmp(&other)
        } else if int::is_int(other) {
            order_with_int(float, other)
        } else {
            return not_implemented();
        };
        boolean(match order {
            Some(order) => comparison.holds(order),
            None => comparison == Comparison::NotEqual,
        })
    }

    #[slot(add)]
    fn add(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| Ok(new(left + right)))
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| Ok(new(left - right)))
    }

    #[slot(multiply)]
    fn multiply(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| Ok(new(left * right)))
    }

    #[slot(true_divide)]
    fn true_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| {
            if right == 0.0 { Err(vm.zero_division_error("division by zero")) } else { Ok(new(left / right)) }
        })
    }

    #[slot(floor_divide)]
    fn floor_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| {
            if right == 0.0 {
                return Err(vm.zero_division_error("division by zero"));
            }
            Ok(new(divmod(left, right).0))
        })
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| {
            if right == 0.0 {
                return Err(vm.zero_division_error("division by zero"));
            }
            Ok(new(divmod(left, right).1))
        })
    }

    #[slot(divmod)]
    fn divmod(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| {
            if right == 0.0 {
                return Err(vm.zero_division_error("division by zero"));
            }
            let (quotient, remainder) = divmod(left, right);
            Ok(crate::types::tuple::Tuple::from_values([new(quotient), new(remainder)]).into_value())
        })
    }

    #[slot(power)]
    fn power(vm: &Vm, left: &Value, right: &Value, modulus: &Value) -> PyResult {
        if !crate::types::none::is_none(modulus) {
            return Err(vm.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
        }
        binary(vm, left, right, |left, right| power(vm, left, right))
    }

    #[slot(negative)]
    fn negative(this: &Value) -> f64 {
        -as_f64(this).unwrap_or(0.0)
    }

    #[slot(positive, float)]
    fn positive(this: &Value) -> f64 {
        as_f64(this).unwrap_or(0.0)
    }

    #[slot(absolute)]
    fn absolute(this: &Value) -> f64 {
        as_f64(this).unwrap_or(0.0).abs()
    }

    #[slot(int)]
    fn int(this: &Value, vm: &Vm) -> PyResult {
        int::from_float(vm, as_f64(this).unwrap_or(0.0))
    }
}

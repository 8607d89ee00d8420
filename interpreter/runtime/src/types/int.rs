//! `int`: 63 bits in the word, larger numbers on the heap over `num-bigint`.
//!
//! An exact `int` that fits the word is always in the word. `bool` and other subclasses keep their number in the
//! object, small or large.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};
use rspy_macros::{pyclass, pymethods};

use crate::exceptions::PyResult;
use crate::object::{Object, TypeObject};
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::types::none::not_implemented;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;

/// A whole number of any size: 0, that of another number without its fraction, or the one that a text shows in some
/// base, which is 10 unless another is given; base 0 is the one that the text's prefix names.
///
/// >>> int('0x20', 0), int('-101', 2), int(-2.5)
/// (32, -5, -2)
#[pyclass(name = "int", subclassable, match_self, int_subclass, methods(MORE_METHODS))]
pub struct Int {
    number: Number,
}

enum Number {
    Small(i64),
    Big(BigInt),
}

impl Int {
    /// The payload of a small number, for objects of subclasses.
    pub const fn small(value: i64) -> Int {
        Int { number: Number::Small(value) }
    }
}

/// An `int`.
#[inline(always)]
pub fn new(value: i64) -> Value {
    match Value::from_small_int(value) {
        Some(word) => word,
        None => big_object(BigInt::from(value)),
    }
}

/// An `int`.
#[inline(always)]
pub fn from_i128(value: i128) -> Value {
    match i64::try_from(value) {
        Ok(small) => new(small),
        Err(_) => big_object(BigInt::from(value)),
    }
}

#[cold]
#[inline(never)]
fn big_object(value: BigInt) -> Value {
    Object::new(Int { number: Number::Big(value) }).into_value()
}

/// An `int` from a big number, in the word where it fits.
pub fn from_big(value: BigInt) -> Value {
    match value.to_i64().and_then(Value::from_small_int) {
        Some(word) => word,
        None => big_object(value),
    }
}

/// An object of a class derived from `int`.
pub fn with_type(typ: &TypeObject, value: &Value) -> Value {
    let number = match small_value(value) {
        Some(small) => Number::Small(small),
        None => Number::Big(borrow_big(value).map(Cow::into_owned).unwrap_or_default()),
    };
    Object::with_type(typ, Int { number }).into_value()
}

/// Whether the value is an `int`, subclasses included.
#[inline(always)]
pub fn is_int(value: &Value) -> bool {
    value.is_small_int() || (value.is_object() && value.type_of().has_flag(TypeFlags::INT_SUBCLASS))
}

/// Whether the value's type is exactly `int`.
#[inline(always)]
pub fn is_exact_int(value: &Value) -> bool {
    value.is_small_int() || value.downcast_exact::<Int>().is_some()
}

/// The number if the value is an `int` of any class and fits 64 bits.
#[inline(always)]
pub fn small_value(value: &Value) -> Option<i64> {
    match value.small_int() {
        Some(small) => Some(small),
        None => small_value_of_object(value),
    }
}

#[inline(never)]
fn small_value_of_object(value: &Value) -> Option<i64> {
    if !is_int(value) {
        return None;
    }
    match &value.downcast::<Int>()?.number {
        Number::Small(small) => Some(*small),
        Number::Big(big) => big.to_i64(),
    }
}

/// The number if the value is an `int` of any class.
pub fn borrow_big(value: &Value) -> Option<Cow<'_, BigInt>> {
    if let Some(small) = value.small_int() {
        return Some(Cow::Owned(BigInt::from(small)));
    }
    if !is_int(value) {
        return None;
    }
    match &value.downcast::<Int>()?.number {
        Number::Small(small) => Some(Cow::Owned(BigInt::from(*small))),
        Number::Big(big) => Some(Cow::Borrowed(big)),
    }
}

/// The value as an exact `int`.
pub fn to_exact(value: &Value) -> Value {
    if is_exact_int(value) {
        return value.clone();
    }
    match small_value(value) {
        Some(small) => new(small),
        None => from_big(borrow_big(value).map(Cow::into_owned).unwrap_or_default()),
    }
}

/// The number that `__index__` answers.
///
/// # Errors
/// `TypeError` where the value is no integer.
pub fn to_big(vm: &Vm, value: &Value) -> PyResult<BigInt> {
    let index = vm.index(value)?;
    Ok(borrow_big(&index).map(Cow::into_owned).unwrap_or_default())
}

/// Conversion to a Rust integer, for arguments. `what` is the C type that messages speak of, or a format's letter where it
/// has messages of its own.
///
/// # Errors
/// `TypeError` where the value is no integer, `OverflowError` where it is out of range.
#[cold]
pub fn to_fixed<T: TryFrom<i128>>(vm: &Vm, value: &Value, what: &str) -> PyResult<T> {
    let index = vm.index(value)?;
    let number = borrow_big(&index).unwrap_or_default();
    if let Some(fits) = number.to_i128().and_then(|number| T::try_from(number).ok()) {
        return Ok(fits);
    }
    let negative = number.is_negative();
    let unsigned = T::try_from(-1i128).is_err();
    Err(match what {
        "i" if negative => vm.overflow_error("signed integer is less than minimum"),
        "i" => vm.overflow_error("signed integer is greater than maximum"),
        "unsigned byte integer" if negative => {
            vm.overflow_error("unsigned byte integer is less than minimum")
        }
        "unsigned byte integer" => vm.overflow_error("unsigned byte integer is greater than maximum"),
        "short integer" if negative => vm.overflow_error("signed short integer is less than minimum"),
        "short integer" => vm.overflow_error("signed short integer is greater than maximum"),
        "index" => vm.overflow_error("cannot fit 'int' into an index-sized integer"),
        _ if unsigned && negative => vm.overflow_error("can't convert negative int to unsigned"),
        _ if unsigned => vm.overflow_error(format!("Python int too large to convert to C {what}")),
        _ => vm.overflow_error(format!("Python int too large to convert to C {what}")),
    })
}

/// The nearest `float`.
///
/// # Errors
/// `OverflowError` where the number is too large.
pub fn as_f64(vm: &Vm, value: &Value) -> PyResult<f64> {
    if let Some(small) = small_value(value) {
        return Ok(small as f64);
    }
    let number = borrow_big(value).unwrap_or_default();
    let float = big_to_f64(&number);
    if float.is_infinite() { Err(vm.overflow_error("int too large to convert to float")) } else { Ok(float) }
}

/// The nearest `float`, ties to even; infinite where the number is too large.
pub fn big_to_f64(number: &BigInt) -> f64 {
    let bits = number.bits();
    if bits <= 64 {
        let magnitude = number.magnitude().to_u64().unwrap_or(0) as f64;
        return if number.is_negative() { -magnitude } else { magnitude };
    }
    if bits > 1024 {
        return if number.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let shift = bits - 64;
    let magnitude = number.magnitude();
    let mut top = (magnitude >> shift).to_u64().unwrap_or(0);
    // A sticky bit stands for everything that was shifted out.
    if magnitude.trailing_zeros().unwrap_or(0) < shift {
        top |= 1;
    }
    let float = top as f64 * 2f64.powi(shift as i32);
    if number.is_negative() { -float } else { float }
}

/// The whole part of a finite float.
pub fn big_from_f64(float: f64) -> Option<BigInt> {
    BigInt::from_f64(float.trunc())
}

/// The whole part of a float.
///
/// # Errors
/// `OverflowError` for infinity, `ValueError` for NaN.
pub fn from_float(vm: &Vm, float: f64) -> PyResult {
    if float.is_nan() {
        return Err(vm.value_error("cannot convert float NaN to integer"));
    }
    if float.is_infinite() {
        return Err(vm.overflow_error("cannot convert float infinity to integer"));
    }
    if float.abs() < 4e18 {
        return Ok(new(float as i64));
    }
    Ok(from_big(big_from_f64(float).unwrap_or_default()))
}

/// The modulus of hashes of numbers.
pub(crate) const MODULUS: i64 = (1 << 61) - 1;

/// The hash: the number modulo 2⁶¹ - 1, with the number's sign, never -1.
pub fn hash(value: &Value) -> i64 {
    let hash = match small_value(value) {
        Some(small @ 0..MODULUS) => return small,
        Some(small) => small % MODULUS,
        None => {
            let number = borrow_big(value).unwrap_or_default();
            (&*number % MODULUS).to_i64().unwrap_or(0)
        }
    };
    if hash == -1 { -2 } else { hash }
}

/// Both operands as big numbers, if both are ints.
fn both<'a>(left: &'a Value, right: &'a Value) -> Option<(Cow<'a, BigInt>, Cow<'a, BigInt>)> {
    Some((borrow_big(left)?, borrow_big(right)?))
}

fn both_small(left: &Value, right: &Value) -> Option<(i64, i64)> {
    Some((small_value(left)?, small_value(right)?))
}

/// A binary operator: on small numbers if possible, else on big ones.
#[inline(always)]
fn binary(
    left: &Value,
    right: &Value,
    small: impl FnOnce(i64, i64) -> Option<i64>,
    big: impl FnOnce(&BigInt, &BigInt) -> BigInt,
) -> Value {
    if let Some((left, right)) = both_small(left, right)
        && let Some(result) = small(left, right)
    {
        return new(result);
    }
    match both(left, right) {
        Some((left, right)) => from_big(big(&left, &right)),
        None => not_implemented(),
    }
}

/// Quotient and remainder, rounded down as Python does.
pub fn floor_divmod(left: i64, right: i64) -> Option<(i64, i64)> {
    let quotient = left.checked_div(right)?;
    let remainder = left.checked_rem(right)?;
    if remainder != 0 && (remainder < 0) != (right < 0) {
        Some((quotient - 1, remainder + right))
    } else {
        Some((quotient, remainder))
    }
}

fn is_zero(value: &Value) -> bool {
    small_value(value) == Some(0)
}

/// The most bits that a result may have before it is taken for a mistake that ends in `MemoryError`.
const MOST_BITS: u64 = 1 << 38;

/// `base ** exponent` for a non-negative exponent.
fn power_big(vm: &Vm, base: &BigInt, exponent: &BigInt) -> PyResult<BigInt> {
    if exponent.is_zero() {
        return Ok(BigInt::from(1));
    }
    if base.magnitude().bits() <= 1 {
        // 0, 1 and -1.
        let odd = exponent.bit(0);
        return Ok(if base.is_negative() && !odd { BigInt::from(1) } else { base.clone() });
    }
    match exponent.to_u32() {
        Some(exponent) if base.bits() * u64::from(exponent) < MOST_BITS => Ok(base.pow(exponent)),
        _ => Err(vm.memory_error()),
    }
}

/// `pow(base, exponent, modulus)`.
fn power_modulo(vm: &Vm, base: &BigInt, exponent: &BigInt, modulus: &BigInt) -> PyResult<BigInt> {
    if modulus.is_zero() {
        return Err(vm.value_error("pow() 3rd argument cannot be 0"));
    }
    let magnitude = modulus.abs();
    let result = if exponent.is_negative() {
        let inverse = base
            .mod_floor(&magnitude)
            .modinv(&magnitude)
            .ok_or_else(|| vm.value_error("base is not invertible for the given modulus"))?;
        inverse.modpow(&-exponent, &magnitude)
    } else {
        base.mod_floor(&magnitude).modpow(exponent, &magnitude)
    };
    Ok(result.mod_floor(modulus))
}

/// Quotient and remainder of positive numbers of nearly the same size: a quotient of one digit, which is worth its own
/// way, since the general algorithm takes numbers apart for it.
fn near_quotient(left: &BigInt, right: &BigInt) -> Option<(BigInt, BigInt)> {
    let (left_bits, right_bits) = (left.bits(), right.bits());
    if right_bits <= 64 || left_bits < right_bits || left_bits - right_bits > 60 {
        return None;
    }
    if left.is_negative() || right.is_negative() {
        return None;
    }
    let (left, right) = (left.magnitude(), right.magnitude());
    // The divisor's leading 64 bits, and the dividend's from the same place on.
    let shift = right_bits - 64;
    let leading = |number: &BigUint| {
        let (digits, bits) = ((shift / 64) as usize, shift % 64);
        let mut number_digits = number.iter_u64_digits().skip(digits);
        let mut next = || u128::from(number_digits.next().unwrap_or(0));
        let (low, middle, high) = (next(), next(), next());
        let both = low | middle << 64;
        if bits == 0 { both } else { both >> bits | high << (128 - bits) }
    };
    // At most two too large, since the divisor's leading bit is set.
    let mut quotient = u64::try_from(leading(left) / leading(right)).ok()?;
    let mut product = right * quotient;
    while product > *left {
        product -= right;
        quotient -= 1;
    }
    Some((BigInt::from(quotient), BigInt::from(left - product)))
}

/// `left / right` correctly rounded.
fn true_divide(vm: &Vm, left: &BigInt, right: &BigInt) -> PyResult<f64> {
    if right.is_zero() {
        return Err(vm.zero_division_error("division by zero"));
    }
    if left.is_zero() {
        return Ok(if right.is_negative() { -0.0 } else { 0.0 });
    }
    let negative = left.is_negative() != right.is_negative();
    let (numerator, denominator) = (left.magnitude(), right.magnitude());
    let difference = numerator.bits() as i64 - denominator.bits() as i64;
    if difference > 1024 {
        return Err(vm.overflow_error("integer division result too large for a float"));
    }
    if difference < -1080 {
        return Ok(if negative { -0.0 } else { 0.0 });
    }
    // A quotient of at least 66 bits, with a sticky bit, rounds once and correctly; subnormals keep fewer bits.
    let shift = 66 - difference;
    let (mut quotient, remainder) = if shift >= 0 {
        (numerator << shift as u64).div_rem(denominator)
    } else {
        numerator.div_rem(&(denominator << (-shift) as u64))
    };
    let bits = quotient.bits() as i64;
    // The exponent of the leading bit of the result decides how many bits it has.
    let leading = bits - 1 - shift;
    let keep = if leading < -1022 { 53 + (leading + 1022) } else { 53 };
    let drop = bits - keep.max(0);
    let mut sticky = !remainder.is_zero();
    if drop > 0 {
        let low = quotient.trailing_zeros().unwrap_or(0) as i64;
        let half_set = quotient.bit((drop - 1) as u64);
        sticky |= low < drop - 1;
        quotient >>= drop as u64;
        if half_set && (sticky || quotient.bit(0)) {
            quotient += 1u32;
        }
    }
    let mantissa = quotient.to_u64().unwrap_or(0) as f64;
    let exponent = drop - shift;
    let result = scale(mantissa, exponent as i32);
    if result.is_infinite() {
        return Err(vm.overflow_error("integer division result too large for a float"));
    }
    Ok(if negative { -result } else { result })
}

/// `mantissa * 2 ** exponent`, exact where the result is representable.
fn scale(mut mantissa: f64, mut exponent: i32) -> f64 {
    while exponent > 1000 {
        mantissa *= 2f64.powi(1000);
        exponent -= 1000;
    }
    while exponent < -1000 {
        mantissa *= 2f64.powi(-1000);
        exponent += 1000;
    }
    mantissa * 2f64.powi(exponent)
}

/// The order of two ints of any class.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let Some((left, right)) = both_small(left, right) {
        return Some(left.cmp(&right));
    }
    let (left, right) = both(left, right)?;
    Some(left.cmp(&right))
}

/// Sign: -1, 0 or 1.
pub fn sign(value: &Value) -> i32 {
    match small_value(value) {
        Some(small) => small.signum() as i32,
        None => match borrow_big(value).unwrap_or_default().sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        },
    }
}

#[pymethods]
impl Int {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: crate::slots::KeywordNames<'_>) -> PyResult {
        super::int_methods::make(vm, cls, args, names)
    }

    /// the real part of a complex number
    #[getter("real")]
    fn real(this: &Value) -> Value {
        to_exact(this)
    }

    /// the imaginary part of a complex number
    #[getter("imag")]
    fn imag(_this: &Value) -> Value {
        Value::int(0)
    }

    /// the numerator of a rational number in lowest terms
    #[getter("numerator")]
    fn numerator(this: &Value) -> Value {
        to_exact(this)
    }

    /// the denominator of a rational number in lowest terms
    #[getter("denominator")]
    fn denominator(_this: &Value) -> Value {
        Value::int(1)
    }

    #[slot(repr)]
    fn repr(this: &Value, vm: &Vm) -> PyResult<String> {
        crate::format::int::to_decimal(vm, this)
    }

    #[slot(hash)]
    fn hash(this: &Value) -> PyResult<i64> {
        Ok(hash(this))
    }

    #[slot(bool)]
    fn bool(this: &Value) -> PyResult<bool> {
        Ok(!is_zero(this))
    }

    #[slot(compare)]
    fn compare(this: &Value, other: &Value, comparison: Comparison) -> Value {
        match order(this, other) {
            Some(order) => boolean(comparison.holds(order)),
            None => not_implemented(),
        }
    }

    #[slot(add)]
    fn add(_: &Vm, left: &Value, right: &Value) -> PyResult {
        Ok(binary(left, right, i64::checked_add, |left, right| left + right))
    }

    #[slot(subtract)]
    fn subtract(_: &Vm, left: &Value, right: &Value) -> PyResult {
        Ok(binary(left, right, i64::checked_sub, |left, right| left - right))
    }

    #[slot(multiply)]
    fn multiply(_: &Vm, left: &Value, right: &Value) -> PyResult {
        Ok(binary(left, right, i64::checked_mul, |left, right| left * right))
    }

    #[slot(floor_divide)]
    fn floor_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        if is_int(left) && is_int(right) && is_zero(right) {
            return Err(vm.zero_division_error("division by zero"));
        }
        Ok(binary(
            left,
            right,
            |l, r| floor_divmod(l, r).map(|r| r.0),
            |l, r| near_quotient(l, r).map_or_else(|| l.div_floor(r), |near| near.0),
        ))
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        if is_int(left) && is_int(right) && is_zero(right) {
            return Err(vm.zero_division_error("division by zero"));
        }
        Ok(binary(
            left,
            right,
            |l, r| floor_divmod(l, r).map(|r| r.1),
            |l, r| near_quotient(l, r).map_or_else(|| l.mod_floor(r), |near| near.1),
        ))
    }

    #[slot(divmod)]
    fn divmod(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        if !is_int(left) || !is_int(right) {
            return Ok(not_implemented());
        }
        let quotient = Int::floor_divide(vm, left, right)?;
        let remainder = Int::remainder(vm, left, right)?;
        Ok(crate::types::tuple::Tuple::from_values([quotient, remainder]).into_value())
    }

    #[slot(true_divide)]
    fn true_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        const EXACT: u64 = 1 << 53;
        if let Some((left, right)) = both_small(left, right)
            && left.unsigned_abs() <= EXACT
            && right.unsigned_abs() <= EXACT
        {
            if right == 0 {
                return Err(vm.zero_division_error("division by zero"));
            }
            return Ok(crate::types::float::new(left as f64 / right as f64));
        }
        match both(left, right) {
            Some((left, right)) => true_divide(vm, &left, &right).map(crate::types::float::new),
            None => Ok(not_implemented()),
        }
    }

    #[slot(power)]
    fn power(vm: &Vm, left: &Value, right: &Value, modulus: &Value) -> PyResult {
        let Some((base, exponent)) = both(left, right) else { return Ok(not_implemented()) };
        if !crate::types::none::is_none(modulus) {
            return match borrow_big(modulus) {
                Some(modulus) => power_modulo(vm, &base, &exponent, &modulus).map(from_big),
                None => Ok(not_implemented()),
            };
        }
        if exponent.is_negative() {
            return crate::types::float::power(vm, as_f64(vm, left)?, as_f64(vm, right)?);
        }
        if let Some((base, exponent)) = both_small(left, right)
            && let Ok(exponent) = u32::try_from(exponent)
            && let Some(result) = base.checked_pow(exponent)
        {
            return Ok(new(result));
        }
        power_big(vm, &base, &exponent).map(from_big)
    }

    #[slot(lshift)]
    fn lshift(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        if !is_int(left) || !is_int(right) {
            return Ok(not_implemented());
        }
        if sign(right) < 0 {
            return Err(vm.value_error("negative shift count"));
        }
        if is_zero(left) {
            return Ok(Value::int(0));
        }
        let Some(count) = small_value(right) else {
            return Err(vm.overflow_error("too many digits in integer"));
        };
        if let Some(small) = small_value(left)
            && count < 62
            && (small << count) >> count == small
        {
            return Ok(new(small << count));
        }
        if count as u64 > MOST_BITS {
            return Err(vm.memory_error());
        }
        let number = borrow_big(left).unwrap_or_default();
        Ok(from_big(&*number << count as u64))
    }

    #[slot(rshift)]
    fn rshift(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        if !is_int(left) || !is_int(right) {
            return Ok(not_implemented());
        }
        if sign(right) < 0 {
            return Err(vm.value_error("negative shift count"));
        }
        let Some(count) = small_value(right) else {
            return Ok(Value::int(if sign(left) < 0 { -1 } else { 0 }));
        };
        if let Some(small) = small_value(left) {
            return Ok(new(small >> count.min(63)));
        }
        let number = borrow_big(left).unwrap_or_default();
        Ok(from_big(&*number >> count as u64))
    }

    #[slot(and)]
    pub(crate) fn and(_: &Vm, left: &Value, right: &Value) -> PyResult {
        Ok(binary(left, right, |left, right| Some(left & right), |left, right| left & right))
    }

    #[slot(or)]
    pub(crate) fn or(_: &Vm, left: &Value, right: &Value) -> PyResult {
        Ok(binary(left, right, |left, right| Some(left | right), |left, right| left | right))
    }

    #[slot(xor)]
    pub(crate) fn xor(_: &Vm, left: &Value, right: &Value) -> PyResult {
        Ok(binary(left, right, |left, right| Some(left ^ right), |left, right| left ^ right))
    }

    #[slot(negative)]
    fn negative(this: &Value) -> Value {
        match small_value(this).and_then(i64::checked_neg) {
            Some(small) => new(small),
            None => from_big(-borrow_big(this).unwrap_or_default().into_owned()),
        }
    }

    #[slot(positive, int, index)]
    fn positive(this: &Value) -> Value {
        to_exact(this)
    }

    #[slot(absolute)]
    fn absolute(this: &Value) -> Value {
        if sign(this) < 0 { Int::negative(this) } else { to_exact(this) }
    }

    #[slot(invert)]
    fn invert(this: &Value) -> Value {
        match small_value(this) {
            Some(small) => new(!small),
            None => from_big(-borrow_big(this).unwrap_or_default().into_owned() - 1),
        }
    }

    #[slot(float)]
    fn float(this: &Value, vm: &Vm) -> PyResult<f64> {
        as_f64(vm, this)
    }
}

//! From Python's numbers, texts and tuples to decimal numbers, and back.

use std::borrow::Cow;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Zero;
use rspy_decimal::{Coefficient, Context as Arithmetic, Decimal as Number, Kind, Rounding, Signals};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::format::digits::decimal_value;
use rspy_runtime::object::Object;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::unicode::is_space;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::context::{Context, size};
use super::number::Decimal;
use super::signals::report;

/// The number that an operand stands for: a `Decimal` or an `int`.
#[inline]
pub fn operand(value: &Value) -> Option<Cow<'_, Number>> {
    if let Some(decimal) = value.downcast::<Decimal>() {
        return Some(Cow::Borrowed(decimal.number()));
    }
    from_int(value).map(Cow::Owned)
}

/// As [`operand`].
///
/// # Errors
/// `TypeError` for other things.
#[inline]
pub fn require_operand<'a>(vm: &Vm, value: &'a Value) -> PyResult<Cow<'a, Number>> {
    operand(value).ok_or_else(|| not_supported(vm, value))
}

#[cold]
fn not_supported(vm: &Vm, value: &Value) -> rspy_runtime::Exception {
    vm.type_error(format!("conversion from {} to Decimal is not supported", value.type_of().full_name()))
}

/// The number of an `int`.
#[inline]
pub fn from_int(value: &Value) -> Option<Number> {
    if let Some(small) = int::small_value(value) {
        return Some(Number::from_i64(small));
    }
    let big = int::borrow_big(value)?;
    Some(Number::from_binary(big.sign() == Sign::Minus, big.magnitude()))
}

/// The exact number of a float.
pub fn from_f64(number: f64) -> Number {
    if number.is_nan() {
        return Number::nan(false, false, Coefficient::ZERO);
    }
    let negative = number.is_sign_negative();
    if number.is_infinite() {
        return Number::infinity(negative);
    }
    // mantissa * 2 ** exponent
    let bits = number.to_bits();
    let biased = (bits >> 52 & 0x7FF) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    if mantissa == 0 {
        return Number::zero(negative, 0);
    }
    let zeros = mantissa.trailing_zeros();
    let (mantissa, exponent) = (mantissa >> zeros, exponent + zeros as i32);
    if exponent >= 0 {
        return Number::from_binary(negative, &(BigUint::from(mantissa) << exponent as u32));
    }
    let places = exponent.unsigned_abs();
    let coefficient = Coefficient::from_binary(&(BigUint::from(5u32).pow(places) * mantissa));
    Number::new(negative, coefficient, -i64::from(places))
}

/// A text with digits of any script as ASCII; `None` where it has other characters.
///
/// `trimmed` leaves white space at the ends and underscores out.
fn ascii(text: &Object<Str>, trimmed: bool) -> Option<Cow<'_, [u8]>> {
    if let Some(plain) = text.as_ascii() {
        let plain = plain.as_bytes();
        if !plain.iter().any(|&byte| byte == b'_' || byte == 0 || is_space(u32::from(byte))) {
            return Some(Cow::Borrowed(plain));
        }
    }
    let characters = text.characters();
    let (mut start, mut end) = (0, characters.iter().len());
    if trimmed {
        while end > 0 && is_space(characters.get(end - 1)) {
            end -= 1;
        }
        while start < end && is_space(characters.get(start)) {
            start += 1;
        }
    }
    let mut bytes = Vec::with_capacity(end - start);
    for c in (start..end).map(|index| characters.get(index)) {
        match c {
            0x5f if trimmed => {}
            0 => return None,
            1..=0x7f => bytes.push(c as u8),
            _ if is_space(c) => bytes.push(b' '),
            _ => bytes.push(b'0' + decimal_value(c)? as u8),
        }
    }
    Some(Cow::Owned(bytes))
}

/// How a number is made of something: exactly, or rounded to a context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Where the largest context has no room for it, that is an invalid operation.
    Exact,
    /// Rounded.
    Rounded,
}

impl Precision {
    fn parse(self, arithmetic: &Arithmetic, text: &[u8], signals: &mut Signals) -> Number {
        match self {
            Precision::Rounded => arithmetic.parse(text, signals),
            Precision::Exact => match Number::parse(text) {
                Some(number) => self.settle(arithmetic, number, signals),
                None => Arithmetic::MAX.parse(text, signals),
            },
        }
    }

    fn settle(self, arithmetic: &Arithmetic, number: Number, signals: &mut Signals) -> Number {
        match self {
            Precision::Rounded => arithmetic.finish(number, signals),
            Precision::Exact => Arithmetic::exactly(number, signals),
        }
    }
}

/// The number of anything that `Decimal()` takes, a `Decimal` apart; signals go to the context.
///
/// # Errors
/// `TypeError` and `ValueError` for what it does not take, and what the context traps.
pub fn from_object(vm: &Vm, value: &Value, context: &Context, precision: Precision) -> PyResult<Number> {
    let arithmetic = context.arithmetic();
    let mut signals = Signals::NONE;
    let number = if let Some(text) = value.downcast::<Str>() {
        match ascii(text, precision == Precision::Exact) {
            Some(text) => precision.parse(&arithmetic, &text, &mut signals),
            None => arithmetic.parse(b"", &mut signals),
        }
    } else if let Some(number) = from_int(value) {
        precision.settle(&arithmetic, number, &mut signals)
    } else if let Some(items) = sequence(value) {
        precision.parse(&arithmetic, &tuple_text(vm, &items)?, &mut signals)
    } else if let Some(number) = float::as_f64(value) {
        report(vm, context, Signals::FLOAT_OPERATION)?;
        let number = from_f64(number);
        if precision == Precision::Rounded { arithmetic.finish(number, &mut signals) } else { number }
    } else {
        return Err(not_supported(vm, value));
    };
    report(vm, context, signals)?;
    Ok(number)
}

/// The items of a tuple or list.
fn sequence(value: &Value) -> Option<Vec<Value>> {
    if let Some(tuple) = value.downcast::<Tuple>() {
        return Some(tuple.items().to_vec());
    }
    value.downcast::<List>().map(|list| list.to_vec())
}

/// The text of a number given as sign, digits and exponent.
fn tuple_text(vm: &Vm, items: &[Value]) -> PyResult<Vec<u8>> {
    let [sign, digits, exponent] = items else {
        return Err(vm.value_error("argument must be a sequence of length 3"));
    };
    let negative = match int::small_value(sign) {
        Some(sign @ (0 | 1)) => sign == 1,
        None if int::is_int(sign) => {
            return Err(vm.overflow_error("Python int too large to convert to C long"));
        }
        _ => return Err(vm.value_error("sign must be an integer with the value 0 or 1")),
    };
    let mut text = vec![if negative { b'-' } else { b'+' }];
    let mut special = true;
    if let Some(letter) = exponent.downcast::<Str>() {
        text.extend_from_slice(match &*letter.to_string_lossy() {
            "F" => b"Inf",
            "n" => b"NaN",
            "N" => b"sNaN",
            _ => {
                return Err(vm.value_error("string argument in the third position must be 'F', 'n' or 'N'"));
            }
        });
    } else if int::is_int(exponent) {
        size(vm, exponent)?;
        special = false;
    } else {
        return Err(vm.value_error("exponent must be an integer"));
    }
    let no_digits = || vm.value_error("coefficient must be a tuple of digits");
    let digits = sequence(digits).ok_or_else(no_digits)?;
    if digits.is_empty() && !special {
        text.push(b'0');
    }
    let infinite = text.ends_with(b"f");
    for digit in digits {
        match int::small_value(&digit) {
            Some(digit @ 0..=9) if !infinite => text.push(b'0' + digit as u8),
            Some(0..=9) => {}
            None if int::is_int(&digit) => {
                return Err(vm.overflow_error("Python int too large to convert to C long"));
            }
            _ => return Err(no_digits()),
        }
    }
    if !special {
        text.extend_from_slice(format!("E{}", size(vm, exponent)?).as_bytes());
    }
    Ok(text)
}

/// The number rounded to a whole one, as an `int`.
///
/// # Errors
/// `ValueError` for NaN, `OverflowError` for infinity, `MemoryError` where the number is too large.
pub fn to_int(vm: &Vm, number: &Number, rounding: Rounding) -> PyResult {
    match number.kind() {
        Kind::Infinite => return Err(vm.overflow_error("cannot convert Infinity to integer")),
        Kind::Quiet | Kind::Signaling => return Err(vm.value_error("cannot convert NaN to integer")),
        Kind::Finite => {}
    }
    let mut signals = Signals::NONE;
    let whole = Arithmetic::MAX.with_rounding(rounding).to_integral_value(number, &mut signals);
    if whole.exponent() == 0
        && let Some(small) = whole.coefficient().to_u64().and_then(|small| i64::try_from(small).ok())
    {
        return Ok(int::new(if whole.is_negative() { -small } else { small }));
    }
    let magnitude = scaled(vm, whole.coefficient(), whole.exponent())?;
    let sign = if whole.is_negative() { Sign::Minus } else { Sign::Plus };
    Ok(int::from_big(BigInt::from_biguint(sign, magnitude)))
}

/// `coefficient * 10 ** exponent` in binary.
fn scaled(vm: &Vm, coefficient: &Coefficient, exponent: i64) -> PyResult<BigUint> {
    match coefficient.checked_shift_left(exponent) {
        Some(shifted) => Ok(shifted.to_binary()),
        None => Err(vm.memory_error()),
    }
}

/// The number as a ratio of whole numbers in lowest terms.
///
/// # Errors
/// As for [`to_int`].
pub fn to_ratio(vm: &Vm, number: &Number) -> PyResult<(BigInt, BigInt)> {
    match number.kind() {
        Kind::Infinite => return Err(vm.overflow_error("cannot convert Infinity to integer ratio")),
        Kind::Quiet | Kind::Signaling => return Err(vm.value_error("cannot convert NaN to integer ratio")),
        Kind::Finite => {}
    }
    let sign = if number.is_negative() { Sign::Minus } else { Sign::Plus };
    if number.exponent() >= 0 || number.is_zero() {
        let numerator = scaled(vm, number.coefficient(), number.exponent())?;
        return Ok((BigInt::from_biguint(sign, numerator), BigInt::from(1)));
    }
    // The denominator is 2 ** places * 5 ** places, without what the numerator has of these factors.
    let places = -number.exponent();
    let zeros = (number.coefficient().trailing_zeros() as i64).min(places);
    let places = (places - zeros) as u64;
    let Ok(fives) = u32::try_from(places) else { return Err(vm.memory_error()) };
    let mut numerator = number.coefficient().shift_right(zeros as usize).0.to_binary();
    let twos = numerator.trailing_zeros().unwrap_or(0).min(places);
    numerator >>= twos;
    let mut common = 0;
    while common < fives && (&numerator % 5u32).is_zero() {
        numerator /= 5u32;
        common += 1;
    }
    let denominator = BigUint::from(5u32).pow(fives - common) << (places - twos);
    Ok((BigInt::from_biguint(sign, numerator), BigInt::from(denominator)))
}

/// The nearest float.
///
/// # Errors
/// `ValueError` for a signaling NaN.
pub fn to_f64(vm: &Vm, number: &Number) -> PyResult<f64> {
    if number.is_signaling_nan() {
        return Err(vm.value_error("cannot convert signaling NaN to float"));
    }
    if number.is_nan() {
        return Ok(if number.is_negative() { -f64::NAN } else { f64::NAN });
    }
    let text = String::from_utf8(number.to_scientific(true)).unwrap_or_default();
    Ok(text.parse().unwrap_or(f64::NAN))
}

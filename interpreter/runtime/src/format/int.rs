//! `int` as text in any base, and back, with the limit on the length of decimal texts.

use std::borrow::Cow;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{Num, One, Zero};

use crate::exceptions::{Exception, PyResult};
use crate::format::digits;
use crate::object::Object;
use crate::types::int;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Decimal texts up to this length are never refused.
pub const UNLIMITED_DIGITS: usize = 640;
/// The limit where nothing else is said.
pub const DEFAULT_LIMIT: i64 = 4300;

/// The most decimal digits that are converted; none where there is no limit.
fn limit(vm: &Vm) -> Option<usize> {
    usize::try_from(vm.interpreter.int_max_str_digits.get()).ok().filter(|&limit| limit > 0)
}

/// An `int` of any class in decimal notation.
///
/// # Errors
/// `ValueError` where that has too many digits.
pub fn to_decimal(vm: &Vm, value: &Value) -> PyResult<String> {
    if let Some(small) = int::small_value(value) {
        return Ok(small.to_string());
    }
    let number = int::borrow_big(value).unwrap_or_default();
    big_to_decimal(vm, &number)
}

/// A big number in decimal notation.
///
/// # Errors
/// `ValueError` where that has too many digits.
pub fn big_to_decimal(vm: &Vm, number: &BigInt) -> PyResult<String> {
    let too_long = |limit: usize| {
        vm.value_error(format!(
            "Exceeds the limit ({limit} digits) for integer string conversion; use sys.set_int_max_str_digits() to increase the limit"
        ))
    };
    // log10(2) from below: a number that is certainly too long is not converted at all.
    let least_digits = (number.bits() as u128 * 301_029 / 1_000_000) as usize;
    match limit(vm) {
        Some(limit) if least_digits > limit.max(UNLIMITED_DIGITS) => Err(too_long(limit)),
        limit => {
            let text = number.to_string();
            let count = text.len() - usize::from(text.starts_with('-'));
            match limit {
                Some(limit) if count > limit && count > UNLIMITED_DIGITS => Err(too_long(limit)),
                _ => Ok(text),
            }
        }
    }
}

/// Whether an `int` is negative, and its digits in base 2, 8 or 16.
pub fn to_base(value: &Value, base: u32, upper: bool) -> (bool, String) {
    let text = match int::small_value(value) {
        Some(small) => {
            let magnitude = small.unsigned_abs();
            let digits = match base {
                2 => format!("{magnitude:b}"),
                8 => format!("{magnitude:o}"),
                _ => format!("{magnitude:x}"),
            };
            (small < 0, digits)
        }
        None => {
            let number = int::borrow_big(value).unwrap_or_default();
            (number.sign() == Sign::Minus, number.magnitude().to_str_radix(base))
        }
    };
    if upper { (text.0, text.1.to_ascii_uppercase()) } else { text }
}

/// `bin`, `oct` and `hex`: the text with its prefix.
pub fn with_prefix(value: &Value, base: u32) -> String {
    let (negative, digits) = to_base(value, base, false);
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        _ => "0x",
    };
    format!("{}{prefix}{digits}", if negative { "-" } else { "" })
}

/// Why a text is no integer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// It has another form.
    Invalid,
    /// It has so many digits.
    TooLong(usize),
}

/// The number that an ASCII text without white space around it means. With base 0 a prefix tells the base.
///
/// # Errors
/// Why it means none.
pub fn parse(text: &str, base: u32, limit: Option<usize>) -> Result<BigInt, ParseError> {
    let (negative, text) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let prefixed = |base: u32| {
        let letter = match base {
            2 => 'b',
            8 => 'o',
            16 => 'x',
            _ => return None,
        };
        let rest = text.strip_prefix('0')?;
        let rest = rest.strip_prefix([letter, letter.to_ascii_uppercase()])?;
        // One underscore may follow the prefix.
        Some((base, rest.strip_prefix('_').unwrap_or(rest)))
    };
    let mut zero_only = false;
    let (base, digits) = match base {
        0 => [2, 8, 16].into_iter().find_map(prefixed).unwrap_or_else(|| {
            zero_only = text.starts_with('0');
            (10, text)
        }),
        base => prefixed(base).unwrap_or((base, text)),
    };
    let number = parse_digits(digits, base, limit)?;
    if zero_only && !number.is_zero() {
        return Err(ParseError::Invalid);
    }
    Ok(BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, number))
}

/// Digits with single underscores between them.
fn parse_digits(text: &str, base: u32, limit: Option<usize>) -> Result<BigUint, ParseError> {
    let valid = |byte: u8| (byte as char).is_digit(base);
    let length = text.bytes().take_while(|&byte| byte == b'_' || valid(byte)).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return Err(ParseError::Invalid);
    }
    let digits = digits.replace('_', "");
    if let Some(limit) = limit
        && !base.is_power_of_two()
        && digits.len() > limit
        && digits.len() > UNLIMITED_DIGITS
    {
        return Err(ParseError::TooLong(digits.len()));
    }
    if !rest.is_empty() {
        return Err(ParseError::Invalid);
    }
    Ok(number_of(&digits, base))
}

/// The number of a text of digits: long ones in halves, so that the cost is that of multiplication.
fn number_of(digits: &str, base: u32) -> BigUint {
    const LONG: usize = 2000;
    if let Ok(small) = u64::from_str_radix(digits, base) {
        return BigUint::from(small);
    }
    if digits.len() <= LONG || base.is_power_of_two() {
        return BigUint::from_str_radix(digits, base).unwrap_or_default();
    }
    // Powers of the base for halves of halves, smallest first.
    let mut powers = vec![(LONG / 2, BigUint::from(base).pow(LONG as u32 / 2))];
    while let Some((length, power)) = powers.last()
        && length * 2 < digits.len()
    {
        let next = (length * 2, power * power);
        powers.push(next);
    }
    halves(digits, base, &powers)
}

fn halves(digits: &str, base: u32, powers: &[(usize, BigUint)]) -> BigUint {
    let Some(((length, power), smaller)) = powers.split_last() else {
        return BigUint::from_str_radix(digits, base).unwrap_or_default();
    };
    if digits.len() <= *length {
        return halves(digits, base, smaller);
    }
    let (high, low) = digits.split_at(digits.len() - length);
    halves(high, base, smaller) * power + halves(low, base, smaller)
}

/// `int(text, base)`; `shown` is the argument as the error shows it.
///
/// # Errors
/// `ValueError` where the base or the text is none.
pub fn parse_int(vm: &Vm, text: &str, base: i64, shown: &Value) -> PyResult {
    if base != 0 && !(2..=36).contains(&base) {
        return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0"));
    }
    if text.len() < 18
        && base == 10
        && let Ok(small) = text.parse::<i64>()
    {
        return Ok(int::new(small));
    }
    let limit = limit(vm);
    match parse(text, base as u32, limit) {
        Ok(number) => Ok(int::from_big(number)),
        Err(ParseError::TooLong(count)) => Err(vm.value_error(format!(
            "Exceeds the limit ({} digits) for integer string conversion: value has {count} digits; use sys.set_int_max_str_digits() to increase the limit",
            limit.unwrap_or(0)
        ))),
        Err(ParseError::Invalid) => Err(invalid_literal(vm, base, shown)),
    }
}

/// `int(text, base)` for a `str`.
///
/// # Errors
/// `ValueError` where the base or the text is none.
pub fn parse_str(vm: &Vm, text: &Object<Str>, base: i64) -> PyResult {
    let shown = text.as_value();
    parse_int(vm, &ascii_text(text), base, &shown)
}

/// `int(text, base)` for bytes; `shown` is the object.
///
/// # Errors
/// `ValueError` where the base or the text is none.
pub fn parse_bytes(vm: &Vm, bytes: &[u8], base: i64, shown: &Value) -> PyResult {
    // Bytes beyond ASCII are no digits of any base.
    let text: String =
        bytes.trim_ascii().iter().map(|&byte| if byte < 0x80 { byte as char } else { '?' }).collect();
    let text = text.trim_matches('\x0b');
    parse_int(vm, text.trim_ascii(), base, shown)
}

/// A text as [`digits::to_ascii`] makes it.
pub fn ascii_text(text: &Object<Str>) -> Cow<'_, str> {
    if let Some(ascii) = text.as_ascii() {
        return Cow::Borrowed(ascii.trim_matches(|c| digits::is_stripped(u32::from(c))));
    }
    let characters = text.characters();
    Cow::Owned(digits::to_ascii((0..characters.len()).map(move |index| characters.get(index))))
}

fn invalid_literal(vm: &Vm, base: i64, shown: &Value) -> Exception {
    const MOST_SHOWN: usize = 200;
    match vm.repr(shown) {
        Ok(text) => {
            let text: String = text.to_string_lossy().chars().take(MOST_SHOWN).collect();
            vm.value_error(format!("invalid literal for int() with base {base}: {text}"))
        }
        Err(error) => error,
    }
}

/// Ten to a power.
pub fn power_of_ten(exponent: u32) -> BigUint {
    if exponent == 0 { BigUint::one() } else { BigUint::from(10u32).pow(exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, base: u32) -> Option<i64> {
        parse(text, base, None).ok().and_then(|number| i64::try_from(number).ok())
    }

    #[test]
    fn bases_and_prefixes() {
        assert_eq!(number("0x_ff", 16), Some(255));
        assert_eq!(number("0xff", 0), Some(255));
        assert_eq!(number("0b1", 16), Some(0xb1));
        assert_eq!(number("-0o17", 0), Some(-15));
        assert_eq!(number("00", 0), Some(0));
        assert_eq!(number("01", 0), None);
        assert_eq!(number("zz", 36), Some(35 * 36 + 35));
        for wrong in ["", "-", "1__0", "_1", "1_", "0x", "0x__1", "12a", "+-1"] {
            assert_eq!(number(wrong, 0), None, "{wrong}");
        }
    }

    #[test]
    fn long_texts() {
        let text = "1234567890".repeat(1234);
        assert_eq!(parse(&text, 10, None), Ok(text.parse().unwrap_or_default()));
        assert_eq!(parse(&text, 10, Some(4300)), Err(ParseError::TooLong(12340)));
    }
}

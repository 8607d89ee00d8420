//! Arithmetic on constants, as the interpreter would do it.
//!
//! Every function gives `None` where the interpreter would raise, where the result would be large, and where computing
//! it early could be noticed; the operation then stays in the code.

mod complex;
mod float;

use std::sync::Arc;

use num_bigint::{BigInt, Sign};
use rspy_code::operation::Binary;
use rspy_code::{Constant, Text};

use complex::Complex;

/// Integers of more bits are computed when the code runs.
const MAXIMUM_INTEGER_BITS: u64 = 128;
/// Tuples of more items are made when the code runs.
const MAXIMUM_COLLECTION: usize = 256;
/// Strings of more characters are made when the code runs.
const MAXIMUM_STRING: usize = 4096;
/// Nested tuples of more items in all are made when the code runs.
const MAXIMUM_TOTAL_ITEMS: i64 = 1024;

/// A number of the types that have a common arithmetic.
enum Number {
    Integer(BigInt),
    Float(f64),
    Complex(Complex),
}

fn integer(constant: &Constant) -> Option<BigInt> {
    match constant {
        Constant::Bool(value) => Some(BigInt::from(u8::from(*value))),
        other => other.to_integer(),
    }
}

fn number(constant: &Constant) -> Option<Number> {
    match constant {
        Constant::Float(value) => Some(Number::Float(*value)),
        Constant::Complex { real, imaginary } => Some(Number::Complex(Complex::new(*real, *imaginary))),
        other => integer(other).map(Number::Integer),
    }
}

/// `left operation right`
pub fn binary(operation: Binary, left: &Constant, right: &Constant) -> Option<Constant> {
    match operation {
        Binary::Add => concatenate(left, right).or_else(|| arithmetic(operation, left, right)),
        Binary::Multiply => {
            if integer(left).is_none() || integer(right).is_some() || number(right).is_some() {
                if integer(right).is_some() && is_sequence(left) {
                    return repeat(left, &integer(right)?);
                }
                return arithmetic(operation, left, right);
            }
            if is_sequence(right) { repeat(right, &integer(left)?) } else { None }
        }
        Binary::Subtract | Binary::TrueDivide | Binary::FloorDivide | Binary::Remainder | Binary::Power => {
            arithmetic(operation, left, right)
        }
        Binary::LeftShift | Binary::RightShift | Binary::And | Binary::Or | Binary::Xor => {
            bitwise(operation, left, right)
        }
        Binary::Subscript => subscript(left, right),
        _ => None,
    }
}

/// `-operand`
pub fn negative(operand: &Constant) -> Option<Constant> {
    Some(match number(operand)? {
        Number::Integer(value) => Constant::from_integer(-value),
        Number::Float(value) => Constant::Float(-value),
        Number::Complex(value) => Complex::new(-value.real, -value.imaginary).into(),
    })
}

/// `+operand`
pub fn positive(operand: &Constant) -> Option<Constant> {
    Some(match number(operand)? {
        Number::Integer(value) => Constant::from_integer(value),
        Number::Float(value) => Constant::Float(value),
        Number::Complex(value) => value.into(),
    })
}

/// `~operand`; of a `bool` it is deprecated, which the running code is to say.
pub fn invert(operand: &Constant) -> Option<Constant> {
    operand.to_integer().map(|value| Constant::from_integer(!value))
}

/// The frozen set of the items, of equal ones the first.
pub fn frozen_set(items: Vec<Constant>) -> Option<Constant> {
    let mut kept: Vec<Constant> = Vec::with_capacity(items.len());
    for item in items {
        if matches!(item, Constant::Slice(_)) {
            return None;
        }
        if !kept.iter().any(|known| equal(known, &item)) {
            kept.push(item);
        }
    }
    Some(Constant::FrozenSet(kept.into()))
}

/// Python's `==`.
pub fn equal(left: &Constant, right: &Constant) -> bool {
    match (left, right) {
        (Constant::Tuple(left), Constant::Tuple(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| equal(left, right))
        }
        _ => match (number(left), number(right)) {
            (Some(Number::Integer(left)), Some(Number::Integer(right))) => left == right,
            (Some(left), Some(right)) => {
                let (left, right) = (as_complex_parts(left), as_complex_parts(right));
                left.is_some() && left == right
            }
            _ => left == right,
        },
    }
}

/// A number's exact real part, as an integer if it is one, and its imaginary part.
fn as_complex_parts(number: Number) -> Option<(Result<BigInt, u64>, u64)> {
    let (real, imaginary) = match number {
        Number::Integer(value) => return Some((Ok(value), 0)),
        Number::Float(value) => (value, 0.0),
        Number::Complex(value) => (value.real, value.imaginary),
    };
    if real.is_nan() || imaginary.is_nan() {
        return None;
    }
    let exact = float::to_integer(real).ok_or(real.to_bits());
    Some((exact, (imaginary + 0.0).to_bits()))
}

fn arithmetic(operation: Binary, left: &Constant, right: &Constant) -> Option<Constant> {
    match (number(left)?, number(right)?) {
        (Number::Integer(left), Number::Integer(right)) => integers(operation, &left, &right),
        (Number::Complex(left), Number::Complex(right)) => complex::binary(operation, left, right),
        (Number::Complex(left), right) => complex::with_real(operation, left, real(right)?),
        (left, Number::Complex(right)) => complex::real_with(operation, real(left)?, right),
        (left, right) => float::binary(operation, real(left)?, real(right)?),
    }
}

fn real(number: Number) -> Option<f64> {
    match number {
        Number::Integer(value) => float::from_integer(&value),
        Number::Float(value) => Some(value),
        Number::Complex(_) => None,
    }
}

fn integers(operation: Binary, left: &BigInt, right: &BigInt) -> Option<Constant> {
    let is_zero = |value: &BigInt| value.sign() == Sign::NoSign;
    let result = match operation {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => {
            if !is_zero(left) && !is_zero(right) && left.bits() + right.bits() > MAXIMUM_INTEGER_BITS {
                return None;
            }
            left * right
        }
        Binary::TrueDivide => return float::divide_integers(left, right).map(Constant::Float),
        Binary::FloorDivide | Binary::Remainder => {
            if is_zero(right) {
                return None;
            }
            let (mut quotient, mut remainder) = (left / right, left % right);
            if !is_zero(&remainder) && (remainder.sign() == Sign::Minus) != (right.sign() == Sign::Minus) {
                quotient -= 1;
                remainder += right;
            }
            if operation == Binary::FloorDivide { quotient } else { remainder }
        }
        Binary::Power => return integer_power(left, right),
        _ => return None,
    };
    Some(Constant::from_integer(result))
}

fn integer_power(base: &BigInt, exponent: &BigInt) -> Option<Constant> {
    if exponent.sign() == Sign::Minus {
        return float::binary(Binary::Power, float::from_integer(base)?, float::from_integer(exponent)?);
    }
    let exponent = u64::try_from(exponent).ok()?;
    if base.sign() != Sign::NoSign && exponent > 0 && base.bits() > MAXIMUM_INTEGER_BITS / exponent {
        return None;
    }
    if base.bits() <= 1 {
        // 0, 1 and -1 to any power, which may be huge.
        let is_one =
            exponent == 0 || base.sign() == Sign::Plus || base.sign() == Sign::Minus && exponent % 2 == 0;
        let value = if is_one {
            1
        } else if base.sign() == Sign::NoSign {
            0
        } else {
            -1
        };
        return Some(Constant::Int(value));
    }
    Some(Constant::from_integer(base.pow(u32::try_from(exponent).ok()?)))
}

fn bitwise(operation: Binary, left: &Constant, right: &Constant) -> Option<Constant> {
    if let (Constant::Bool(left), Constant::Bool(right)) = (left, right) {
        match operation {
            Binary::And => return Some(Constant::Bool(left & right)),
            Binary::Or => return Some(Constant::Bool(left | right)),
            Binary::Xor => return Some(Constant::Bool(left ^ right)),
            _ => {}
        }
    }
    let (left, right) = (integer(left)?, integer(right)?);
    let result = match operation {
        Binary::And => left & right,
        Binary::Or => left | right,
        Binary::Xor => left ^ right,
        Binary::LeftShift => {
            let shift = u64::try_from(&right).ok()?;
            if left.sign() == Sign::NoSign {
                left
            } else if shift > MAXIMUM_INTEGER_BITS || left.bits() > MAXIMUM_INTEGER_BITS - shift {
                return None;
            } else {
                left << shift
            }
        }
        Binary::RightShift => {
            if right.sign() == Sign::Minus {
                return None;
            }
            match u64::try_from(&right) {
                Ok(shift) if shift <= left.bits() => left >> shift,
                _ => BigInt::from(if left.sign() == Sign::Minus { -1 } else { 0 }),
            }
        }
        _ => return None,
    };
    Some(Constant::from_integer(result))
}

fn is_sequence(constant: &Constant) -> bool {
    matches!(constant, Constant::Str(_) | Constant::Bytes(_) | Constant::Tuple(_))
}

fn concatenate(left: &Constant, right: &Constant) -> Option<Constant> {
    Some(match (left, right) {
        (Constant::Str(left), Constant::Str(right)) => {
            Constant::Str(Text::from_bytes(&[left.as_bytes(), right.as_bytes()].concat()).ok()?)
        }
        (Constant::Bytes(left), Constant::Bytes(right)) => {
            Constant::Bytes([&left[..], right].concat().into())
        }
        (Constant::Tuple(left), Constant::Tuple(right)) => {
            Constant::Tuple(left.iter().chain(right.iter()).cloned().collect())
        }
        _ => return None,
    })
}

fn repeat(sequence: &Constant, count: &BigInt) -> Option<Constant> {
    let (length, limit) = match sequence {
        Constant::Tuple(items) => (items.len(), MAXIMUM_COLLECTION),
        Constant::Str(text) => (text.char_count(), MAXIMUM_STRING),
        Constant::Bytes(bytes) => (bytes.len(), MAXIMUM_STRING),
        _ => return None,
    };
    if length == 0 {
        return Some(sequence.clone());
    }
    let count = usize::try_from(count).ok()?;
    if count > limit / length {
        return None;
    }
    Some(match sequence {
        Constant::Tuple(items) => {
            if count > 0 && remaining_items(sequence, MAXIMUM_TOTAL_ITEMS / count as i64) < 0 {
                return None;
            }
            Constant::Tuple((0..count).flat_map(|_| items.iter().cloned()).collect())
        }
        Constant::Str(text) => Constant::Str(Text::from_bytes(&text.as_bytes().repeat(count)).ok()?),
        Constant::Bytes(bytes) => Constant::Bytes(bytes.repeat(count).into()),
        _ => return None,
    })
}

/// What is left of `limit` items when those of a tuple and of tuples in it are taken away.
fn remaining_items(constant: &Constant, limit: i64) -> i64 {
    let Constant::Tuple(items) = constant else { return limit };
    let mut left = limit - items.len() as i64;
    for item in items.iter() {
        if left < 0 {
            break;
        }
        left = remaining_items(item, left);
    }
    left
}

fn subscript(container: &Constant, key: &Constant) -> Option<Constant> {
    let characters = |text: &Text| text.chars().collect::<Vec<u32>>();
    if let Constant::Slice(slice) = key {
        return Some(match container {
            Constant::Str(text) => {
                let characters = characters(text);
                let indices = slice_indices(slice, characters.len())?;
                Constant::Str(Text::from_code_points(indices.map(|index| characters[index])))
            }
            Constant::Bytes(bytes) => {
                Constant::Bytes(slice_indices(slice, bytes.len())?.map(|index| bytes[index]).collect())
            }
            Constant::Tuple(items) => Constant::Tuple(
                slice_indices(slice, items.len())?.map(|index| items[index].clone()).collect(),
            ),
            _ => return None,
        });
    }
    let key = i64::try_from(integer(key)?).ok()?;
    let index = |length: usize| {
        let index = if key < 0 { key + length as i64 } else { key };
        usize::try_from(index).ok().filter(|&index| index < length)
    };
    Some(match container {
        Constant::Str(text) => {
            let characters = characters(text);
            Constant::Str(Text::from_code_points([characters[index(characters.len())?]]))
        }
        Constant::Bytes(bytes) => Constant::Int(i64::from(bytes[index(bytes.len())?])),
        Constant::Tuple(items) => items[index(items.len())?].clone(),
        _ => return None,
    })
}

/// The indices that a slice takes from a sequence of the given length.
fn slice_indices(slice: &Arc<[Constant; 3]>, length: usize) -> Option<impl Iterator<Item = usize> + use<>> {
    let length = length as i64;
    let bound = |constant: &Constant| match constant {
        Constant::None => Some(None),
        other => {
            let value = integer(other)?;
            let huge = if value.sign() == Sign::Minus { i64::MIN / 4 } else { i64::MAX / 4 };
            Some(Some(i64::try_from(&value).unwrap_or(huge).clamp(i64::MIN / 4, i64::MAX / 4)))
        }
    };
    let step = bound(&slice[2])?.unwrap_or(1);
    if step == 0 {
        return None;
    }
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: i64| if bound < 0 { (bound + length).max(lowest) } else { bound.min(highest) };
    let start = bound(&slice[0])?.map_or(if step > 0 { lowest } else { highest }, clamp);
    let stop = bound(&slice[1])?.map_or(if step > 0 { highest } else { lowest }, clamp);
    let mut next = start;
    Some(std::iter::from_fn(move || {
        let current = next;
        let in_range = if step > 0 { current < stop } else { current > stop };
        next += step;
        in_range.then_some(current as usize)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i64) -> Constant {
        Constant::Int(value)
    }

    fn text(value: &str) -> Constant {
        Constant::Str(value.into())
    }

    #[test]
    fn integers_round_down() {
        assert_eq!(binary(Binary::FloorDivide, &int(-7), &int(2)), Some(int(-4)));
        assert_eq!(binary(Binary::Remainder, &int(-7), &int(2)), Some(int(1)));
        assert_eq!(binary(Binary::Remainder, &int(7), &int(-2)), Some(int(-1)));
        assert_eq!(binary(Binary::FloorDivide, &int(1), &int(0)), None);
        assert_eq!(binary(Binary::Power, &int(2), &int(-1)), Some(Constant::Float(0.5)));
        assert_eq!(binary(Binary::TrueDivide, &int(1), &int(3)), Some(Constant::Float(1.0 / 3.0)));
    }

    #[test]
    fn large_results_are_not_computed() {
        assert_eq!(binary(Binary::Power, &int(2), &int(1000)), None);
        assert_eq!(binary(Binary::LeftShift, &int(1), &int(500)), None);
        assert_eq!(binary(Binary::Multiply, &text("ab"), &int(3000)), None);
        assert_eq!(binary(Binary::Multiply, &text("ab"), &int(2)), Some(text("abab")));
    }

    #[test]
    fn sequences_are_indexed() {
        assert_eq!(binary(Binary::Subscript, &text("héllo"), &int(1)), Some(text("é")));
        assert_eq!(binary(Binary::Subscript, &text("abc"), &int(3)), None);
        let reversed = Constant::Slice(Arc::new([Constant::None, Constant::None, int(-1)]));
        assert_eq!(binary(Binary::Subscript, &text("abc"), &reversed), Some(text("cba")));
    }

    #[test]
    fn equal_items_of_sets_are_one() {
        let set = frozen_set(vec![int(1), Constant::Bool(true), Constant::Float(1.0), int(2)]);
        assert_eq!(set, Some(Constant::FrozenSet([int(1), int(2)].into())));
    }
}

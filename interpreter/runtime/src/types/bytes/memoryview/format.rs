//! Items of a memoryview: from bytes to values and back, by native format characters.

use num_bigint::BigInt;

use crate::exceptions::{Exception, PyResult};
use crate::types::bool::boolean;
use crate::types::bytes::Bytes;
use crate::types::int;
use crate::value::Value;
use crate::vm::Vm;

/// The character of a native format: a single one with an optional `@`.
pub(super) fn native_character(format: &str) -> Option<u8> {
    let rest = format.strip_prefix('@').unwrap_or(format);
    match rest.as_bytes() {
        [one] if size_of(*one).is_some() => Some(*one),
        _ => None,
    }
}

/// Bytes of an item.
pub(super) fn size_of(character: u8) -> Option<usize> {
    Some(match character {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'd' | b'P' => 8,
        _ => return None,
    })
}

fn unsupported(vm: &Vm, format: &str) -> Exception {
    vm.not_implemented_error(format!("memoryview: format {format} not supported"))
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

/// The value of an item.
pub(super) fn unpack(vm: &Vm, format: &str, bytes: &[u8]) -> PyResult {
    let Some(character) = native_character(format) else { return Err(unsupported(vm, format)) };
    Ok(match character {
        b'c' => Bytes::new(&bytes[..1]).into_value(),
        b'b' => int::new(i64::from(bytes[0] as i8)),
        b'B' => int::new(i64::from(bytes[0])),
        b'?' => boolean(bytes[0] != 0),
        b'h' => int::new(i64::from(i16::from_ne_bytes(fixed(bytes)))),
        b'H' => int::new(i64::from(u16::from_ne_bytes(fixed(bytes)))),
        b'i' => int::new(i64::from(i32::from_ne_bytes(fixed(bytes)))),
        b'I' => int::new(i64::from(u32::from_ne_bytes(fixed(bytes)))),
        b'l' | b'q' | b'n' => int::new(i64::from_ne_bytes(fixed(bytes))),
        b'L' | b'Q' | b'N' | b'P' => int::from_i128(i128::from(u64::from_ne_bytes(fixed(bytes)))),
        b'e' => crate::types::float::new(half_to_f64(u16::from_ne_bytes(fixed(bytes)))),
        b'f' => crate::types::float::new(f64::from(f32::from_ne_bytes(fixed(bytes)))),
        _ => crate::types::float::new(f64::from_ne_bytes(fixed(bytes))),
    })
}

/// Writes a value as an item.
pub(super) fn pack(vm: &Vm, format: &str, bytes: &mut [u8], value: &Value) -> PyResult<()> {
    let Some(character) = native_character(format) else { return Err(unsupported(vm, format)) };
    let wrong_type = || vm.type_error(format!("memoryview: invalid type for format '{format}'"));
    let wrong_value = || vm.value_error(format!("memoryview: invalid value for format '{format}'"));
    let size = size_of(character).unwrap_or(1);
    match character {
        b'c' => match value.downcast::<Bytes>().map(|item| item.as_slice()) {
            Some([byte]) => bytes[0] = *byte,
            Some(_) => return Err(wrong_value()),
            None => return Err(wrong_type()),
        },
        b'?' => bytes[0] = u8::from(vm.is_true(value)?),
        b'e' | b'f' | b'd' => {
            let float = crate::types::float::to_f64(vm, value)
                .map_err(|error| if error.is_type_error() { wrong_type() } else { error })?;
            match character {
                b'd' => bytes[..8].copy_from_slice(&float.to_ne_bytes()),
                b'f' => {
                    let narrow = float as f32;
                    if narrow.is_infinite() && float.is_finite() {
                        return Err(wrong_value());
                    }
                    bytes[..4].copy_from_slice(&narrow.to_ne_bytes());
                }
                _ => {
                    let half = f64_to_half(float).ok_or_else(wrong_value)?;
                    bytes[..2].copy_from_slice(&half.to_ne_bytes());
                }
            }
        }
        _ => {
            if crate::types::float::as_f64(value).is_some() {
                return Err(wrong_type());
            }
            let number = int::to_big(vm, value)
                .map_err(|error| if error.is_type_error() { wrong_type() } else { error })?;
            let signed = matches!(character, b'b' | b'h' | b'i' | b'l' | b'q' | b'n');
            let bits = size as u32 * 8;
            let (low, high) = if signed {
                (-(BigInt::from(1) << (bits - 1)), (BigInt::from(1) << (bits - 1)) - 1)
            } else {
                (BigInt::from(0), (BigInt::from(1) << bits) - 1)
            };
            if number < low || number > high {
                return Err(wrong_value());
            }
            let wrapped = if number < BigInt::from(0) { number + (BigInt::from(1) << bits) } else { number };
            let word = wrapped.iter_u64_digits().next().unwrap_or(0);
            let little = word.to_le_bytes();
            let target = &mut bytes[..size];
            target.copy_from_slice(&little[..size]);
            if cfg!(target_endian = "big") {
                target.reverse();
            }
        }
    }
    Ok(())
}

/// A half-precision float as a double.
pub fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN.copysign(sign),
        _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// A double as a half-precision float, rounded to even; `None` where it is too large.
pub fn f64_to_half(value: f64) -> Option<u16> {
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    if value.is_nan() {
        return Some(sign | 0x7e00);
    }
    if value.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return Some(sign);
    }
    let (_, exponent) = crate::types::float::frexp(magnitude);
    let exponent = (exponent - 1).max(-14);
    // The unit of the last place of the result.
    let scaled = magnitude * 2f64.powi(10 - exponent);
    let rounded = scaled.round_ties_even();
    let (mut bits, mut exponent) = (rounded as u32, exponent);
    if bits >= 2048 {
        bits >>= 1;
        exponent += 1;
    }
    if exponent > 15 {
        return None;
    }
    if bits < 1024 {
        return Some(sign | bits as u16);
    }
    Some(sign | ((exponent + 15) as u16) << 10 | (bits as u16 & 0x3ff))
}

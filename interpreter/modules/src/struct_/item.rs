//! Single items of all kinds: from bytes to values and back.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::complex;
use rspy_runtime::types::float;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::StructError;
use super::layout::{Kind, Run};

/// The value of an item.
pub fn unpack(run: &Run, bytes: &[u8]) -> Value {
    let big_endian = run.big_endian;
    match run.kind {
        Kind::Character | Kind::Text => Bytes::new(bytes).into_value(),
        Kind::PascalText => {
            let length = bytes.first().map_or(0, |&length| usize::from(length).min(bytes.len() - 1));
            Bytes::new(bytes.get(1..=length).unwrap_or_default()).into_value()
        }
        Kind::Signed => {
            let unused = 64 - 8 * bytes.len() as u32;
            int::new((read(bytes, big_endian) as i64) << unused >> unused)
        }
        Kind::Unsigned | Kind::Pointer => int::from_i128(i128::from(read(bytes, big_endian))),
        Kind::Bool => boolean(bytes != [0]),
        Kind::Float => float::new(read_float(bytes, big_endian)),
        Kind::Complex => {
            let (real, imaginary) = bytes.split_at(bytes.len() / 2);
            complex::new(read_float(real, big_endian), read_float(imaginary, big_endian))
        }
        Kind::Pad => boolean(false),
    }
}

#[inline(always)]
fn read(bytes: &[u8], big_endian: bool) -> u64 {
    let swap = big_endian != cfg!(target_endian = "big");
    if let [byte] = *bytes {
        u64::from(byte)
    } else if let Some(half) = bytes.first_chunk().filter(|_| bytes.len() == 2) {
        let word = u16::from_ne_bytes(*half);
        u64::from(if swap { word.swap_bytes() } else { word })
    } else if let Some(single) = bytes.first_chunk().filter(|_| bytes.len() == 4) {
        let word = u32::from_ne_bytes(*single);
        u64::from(if swap { word.swap_bytes() } else { word })
    } else {
        // No format has numbers of other lengths.
        let word = bytes.first_chunk().map_or(0, |double| u64::from_ne_bytes(*double));
        if swap { word.swap_bytes() } else { word }
    }
}

#[inline(always)]
fn write(bytes: &mut [u8], word: u64, big_endian: bool) {
    let size = bytes.len();
    // The least significant bytes, in the order in which they are to lie.
    let word = if big_endian { word.swap_bytes() >> ((64 - 8 * size) & 63) } else { word };
    match size {
        1 => bytes[0] = word as u8,
        2 => bytes.copy_from_slice(&(word as u16).to_le_bytes()),
        4 => bytes.copy_from_slice(&(word as u32).to_le_bytes()),
        _ => bytes.copy_from_slice(&word.to_le_bytes()),
    }
}

fn read_float(bytes: &[u8], big_endian: bool) -> f64 {
    let word = read(bytes, big_endian);
    match bytes.len() {
        2 => half_to_double(word as u16),
        4 => f64::from(f32::from_bits(word as u32)),
        _ => f64::from_bits(word),
    }
}

/// Writes a value as an item.
pub fn pack(vm: &Vm, run: &Run, value: &Value, bytes: &mut [u8]) -> PyResult<()> {
    let big_endian = run.big_endian;
    match run.kind {
        Kind::Signed | Kind::Unsigned => {
            let number = integer(vm, value)?;
            let bits = 8 * bytes.len() as u32;
            let (least, most) = if run.kind == Kind::Signed {
                (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
            } else {
                (0, (1i128 << bits) - 1)
            };
            match number.to_i128().filter(|number| (least..=most).contains(number)) {
                Some(number) => write(bytes, number as u64, big_endian),
                None => {
                    return Err(StructError::error(
                        vm,
                        format!("'{}' format requires {least} <= number <= {most}", run.code as char),
                    ));
                }
            }
        }
        Kind::Pointer => {
            let number = integer(vm, value)?;
            match number.to_i128().filter(|number| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(number)) {
                Some(number) => write(bytes, number as u64, big_endian),
                None => return Err(StructError::error(vm, "int too large to convert")),
            }
        }
        Kind::Bool => bytes[0] = u8::from(vm.is_true(value)?),
        Kind::Character => match value.downcast::<Bytes>().map(|text| text.as_slice()) {
            Some(&[character]) => bytes[0] = character,
            _ => return Err(StructError::error(vm, "char format requires a bytes object of length 1")),
        },
        Kind::Text => {
            with_text(value, |text| copy_text(text, bytes))
                .ok_or_else(|| StructError::error(vm, "argument for 's' must be a bytes object"))?;
        }
        Kind::PascalText => {
            let (first, rest) = bytes.split_at_mut(usize::from(!bytes.is_empty()));
            let length = with_text(value, |text| copy_text(text, rest))
                .ok_or_else(|| StructError::error(vm, "argument for 'p' must be a bytes object"))?;
            if let [first] = first {
                *first = length.min(rest.len()).min(255) as u8;
            }
        }
        Kind::Float => {
            let number = match float::as_f64(value) {
                Some(number) => number,
                None => float::to_f64(vm, value).map_err(|error| not_a(vm, error, "float"))?,
            };
            write_float(vm, run.code, number, bytes, big_endian)?;
        }
        Kind::Complex => {
            let (real, imaginary) = complex_parts(vm, value)?;
            let (first, second) = bytes.split_at_mut(bytes.len() / 2);
            for (part, number) in [(first, real), (second, imaginary)] {
                // In CPython only one byte order minds numbers that are too large for their room.
                match part.len() {
                    4 if !big_endian => write(part, u64::from((number as f32).to_bits()), big_endian),
                    _ => write_float(vm, b'f', number, part, big_endian)?,
                }
            }
        }
        Kind::Pad => {}
    }
    Ok(())
}

fn not_a(vm: &Vm, _error: Exception, what: &str) -> Exception {
    StructError::error(vm, format!("required argument is not a {what}"))
}

/// The number that an argument stands for.
fn integer(vm: &Vm, value: &Value) -> PyResult<BigInt> {
    if !int::is_int(value) && value.type_of().slots().index.get().is_none() {
        return Err(StructError::error(vm, "required argument is not an integer"));
    }
    int::to_big(vm, value)
}

/// Works on the bytes of a `bytes` object or a `bytearray`.
fn with_text<R>(value: &Value, work: impl FnOnce(&[u8]) -> R) -> Option<R> {
    if let Some(bytes) = value.downcast::<Bytes>() {
        return Some(work(bytes.as_slice()));
    }
    value.downcast::<ByteArray>().map(|bytes| work(&bytes.borrow()))
}

/// Copies as much of a text as there is room for; answers its length.
fn copy_text(text: &[u8], room: &mut [u8]) -> usize {
    let length = text.len().min(room.len());
    room[..length].copy_from_slice(&text[..length]);
    text.len()
}

fn complex_parts(vm: &Vm, value: &Value) -> PyResult<(f64, f64)> {
    complex::to_parts(vm, value).map_err(|error| not_a(vm, error, "complex"))
}

/// Writes a float in two, four or eight bytes.
pub fn write_float(vm: &Vm, code: u8, number: f64, bytes: &mut [u8], big_endian: bool) -> PyResult<()> {
    let too_large = || vm.overflow_error(format!("float too large to pack with {} format", code as char));
    let word = match bytes.len() {
        2 => u64::from(double_to_half(number).ok_or_else(too_large)?),
        4 => {
            let single = number as f32;
            if single.is_infinite() && number.is_finite() {
                return Err(too_large());
            }
            u64::from(single.to_bits())
        }
        _ => number.to_bits(),
    };
    write(bytes, word, big_endian);
    Ok(())
}

/// The number that 16 bits stand for.
pub fn half_to_double(half: u16) -> f64 {
    let sign = if half & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from((half >> 10) & 0x1f);
    let fraction = f64::from(half & 0x3ff);
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        0x1f if half & 0x3ff == 0 => sign * f64::INFINITY,
        // What a NaN carries is kept.
        0x1f => f64::from_bits(u64::from(half & 0x8000) << 48 | 0x7ff0_0000_0000_0000 | u64::from(half & 0x3ff) << 42),
        _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// The number in 16 bits, ties to even; nothing where it is too large.
pub fn double_to_half(number: f64) -> Option<u16> {
    let sign = if number.is_sign_negative() { 0x8000 } else { 0 };
    if number.is_nan() {
        let carried = (number.to_bits() >> 42) as u16 & 0x3ff;
        return Some(sign | 0x7c00 | if carried == 0 { 0x200 } else { carried });
    }
    let magnitude = number.abs();
    if magnitude.is_infinite() {
        return Some(sign | 0x7c00);
    }
    // In units of the last place, which for small numbers is that of subnormal ones.
    let (_, exponent) = float::frexp(magnitude);
    let exponent = if magnitude == 0.0 { -13 } else { exponent.max(-13) };
    let units = (magnitude * 2f64.powi(11 - exponent)).round_ties_even() as u32;
    let biased = (exponent + 13) as u32;
    // A fraction that was rounded up carries into the exponent.
    let bits = (biased << 10) + units;
    (bits < 0x7c00).then_some(sign | bits as u16)
}

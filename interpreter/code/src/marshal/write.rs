//! The primitives of writing marshal bytes.
//!
//! A walker over values calls one method per value. Which objects are shared, and so flagged or written as references,
//! the walker decides: the methods take `flagged`.

use std::fmt;

use num_bigint::BigInt;

use super::{FLAG_REFERENCE, MAXIMUM_DEPTH, code_of};

/// Why a value could not be written. The texts are CPython's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// A value of another type, or one too large for 32-bit sizes.
    Unmarshallable,
    /// Values are nested too deeply.
    TooDeep,
    /// There is a code object and the caller wants none.
    CodeDisallowed,
    /// There are more than 2³¹ - 1 shared objects.
    TooManyObjects,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unmarshallable => "unmarshallable object",
            Self::TooDeep => "object too deeply nested to marshal",
            Self::CodeDisallowed => "marshalling code objects is disallowed",
            Self::TooManyObjects => "too many objects",
        })
    }
}

impl std::error::Error for WriteError {}

/// Collects marshal bytes of one version.
#[derive(Clone, Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    version: u32,
    depth: u32,
}

impl Writer {
    /// An empty writer.
    pub fn new(version: u32) -> Self {
        Self { bytes: Vec::new(), version, depth: 0 }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// The version being written.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether this version writes references; if not, nothing may be flagged.
    pub fn has_references(&self) -> bool {
        self.version >= 3
    }

    /// To be called before each value: counts how deep values are nested.
    pub fn enter(&mut self) -> Result<(), WriteError> {
        self.depth += 1;
        if self.depth > MAXIMUM_DEPTH { Err(WriteError::TooDeep) } else { Ok(()) }
    }

    /// To be called after each value.
    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    fn type_code(&mut self, code: u8, flagged: bool) {
        self.bytes.push(if flagged { code | FLAG_REFERENCE } else { code });
    }

    fn size(&mut self, size: usize) -> Result<(), WriteError> {
        let size = i32::try_from(size).map_err(|_| WriteError::Unmarshallable)?;
        self.int32(size);
        Ok(())
    }

    /// A bare 32-bit number, as in a code object.
    pub fn int32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A value already written elsewhere.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The absent value that ends a dict.
    pub fn null(&mut self) {
        self.bytes.push(code_of::NULL);
    }

    /// `None`
    pub fn none(&mut self) {
        self.bytes.push(code_of::NONE);
    }

    /// `...`
    pub fn ellipsis(&mut self) {
        self.bytes.push(code_of::ELLIPSIS);
    }

    /// The class `StopIteration`.
    pub fn stop_iteration(&mut self) {
        self.bytes.push(code_of::STOP_ITERATION);
    }

    /// `True` or `False`
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { code_of::TRUE } else { code_of::FALSE });
    }

    /// A reference to the flagged value with this number.
    pub fn reference(&mut self, index: usize) -> Result<(), WriteError> {
        let index = i32::try_from(index).map_err(|_| WriteError::TooManyObjects)?;
        self.bytes.push(code_of::REFERENCE);
        self.int32(index);
        Ok(())
    }

    /// What stands for a value that cannot be written.
    pub fn unknown(&mut self, flagged: bool) {
        self.type_code(code_of::UNKNOWN, flagged);
    }

    /// An integer of up to 64 bits.
    pub fn int(&mut self, value: i64, flagged: bool) {
        if let Ok(small) = i32::try_from(value) {
            self.type_code(code_of::INT, flagged);
            self.int32(small);
            return;
        }
        self.type_code(code_of::LONG, flagged);
        let magnitude = value.unsigned_abs();
        let digits = (64 - magnitude.leading_zeros()).div_ceil(15) as i32;
        self.int32(if value < 0 { -digits } else { digits });
        for index in 0..digits {
            let digit = (magnitude >> (15 * index)) as u16 & 0x7FFF;
            self.bytes.extend_from_slice(&digit.to_le_bytes());
        }
    }

    /// An integer of any size.
    pub fn big_int(&mut self, value: &BigInt, flagged: bool) -> Result<(), WriteError> {
        if let Ok(small) = i64::try_from(value) {
            self.int(small, flagged);
            return Ok(());
        }
        self.type_code(code_of::LONG, flagged);
        let digits = i32::try_from(value.bits().div_ceil(15)).map_err(|_| WriteError::Unmarshallable)?;
        self.int32(if value.sign() == num_bigint::Sign::Minus { -digits } else { digits });
        let mut pending = 0u64;
        let mut bits = 0;
        let mut left = digits;
        for word in value.iter_u32_digits() {
            pending |= u64::from(word) << bits;
            bits += 32;
            while bits >= 15 && left > 0 {
                self.bytes.extend_from_slice(&(pending as u16 & 0x7FFF).to_le_bytes());
                pending >>= 15;
                bits -= 15;
                left -= 1;
            }
        }
        if left > 0 {
            self.bytes.extend_from_slice(&(pending as u16 & 0x7FFF).to_le_bytes());
        }
        Ok(())
    }

    /// A float.
    pub fn float(&mut self, value: f64, flagged: bool) {
        if self.version > 1 {
            self.type_code(code_of::BINARY_FLOAT, flagged);
            self.bytes.extend_from_slice(&value.to_le_bytes());
        } else {
            self.type_code(code_of::FLOAT, flagged);
            self.text_float(value);
        }
    }

    /// A complex number.
    pub fn complex(&mut self, real: f64, imaginary: f64, flagged: bool) {
        if self.version > 1 {
            self.type_code(code_of::BINARY_COMPLEX, flagged);
            self.bytes.extend_from_slice(&real.to_le_bytes());
            self.bytes.extend_from_slice(&imaginary.to_le_bytes());
        } else {
            self.type_code(code_of::COMPLEX, flagged);
            self.text_float(real);
            self.text_float(imaginary);
        }
    }

    fn text_float(&mut self, value: f64) {
        let text = seventeen_digits(value);
        self.bytes.push(text.len() as u8);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A bytes object.
    pub fn bytes(&mut self, bytes: &[u8], flagged: bool) -> Result<(), WriteError> {
        self.type_code(code_of::BYTES, flagged);
        self.size(bytes.len())?;
        self.raw(bytes);
        Ok(())
    }

    /// A string, given as UTF-8 in which surrogates may stand.
    pub fn text(&mut self, text: &[u8], interned: bool, flagged: bool) -> Result<(), WriteError> {
        if self.version >= 4 && text.is_ascii() {
            if let Ok(length) = u8::try_from(text.len()) {
                let code = if interned { code_of::SHORT_ASCII_INTERNED } else { code_of::SHORT_ASCII };
                self.type_code(code, flagged);
                self.bytes.push(length);
            } else {
                self.type_code(if interned { code_of::ASCII_INTERNED } else { code_of::ASCII }, flagged);
                self.size(text.len())?;
            }
        } else {
            let code = if interned && self.version >= 3 { code_of::INTERNED } else { code_of::TEXT };
            self.type_code(code, flagged);
            self.size(text.len())?;
        }
        self.raw(text);
        Ok(())
    }

    /// The start of a tuple; its items follow.
    pub fn tuple(&mut self, length: usize, flagged: bool) -> Result<(), WriteError> {
        match u8::try_from(length) {
            Ok(small) if self.version >= 4 => {
                self.type_code(code_of::SMALL_TUPLE, flagged);
                self.bytes.push(small);
                Ok(())
            }
            _ => {
                self.type_code(code_of::TUPLE, flagged);
                self.size(length)
            }
        }
    }

    /// The start of a list; its items follow.
    pub fn list(&mut self, length: usize, flagged: bool) -> Result<(), WriteError> {
        self.type_code(code_of::LIST, flagged);
        self.size(length)
    }

    /// The start of a dict; its keys and values follow, then a null.
    pub fn dict(&mut self, flagged: bool) {
        self.type_code(code_of::DICT, flagged);
    }

    /// The start of a set; its items follow in the order of the bytes each alone is written as.
    pub fn set(&mut self, length: usize, flagged: bool) -> Result<(), WriteError> {
        self.type_code(code_of::SET, flagged);
        self.size(length)
    }

    /// The start of a frozen set; its items follow in the order of the bytes each alone is written as.
    pub fn frozen_set(&mut self, length: usize, flagged: bool) -> Result<(), WriteError> {
        self.type_code(code_of::FROZEN_SET, flagged);
        self.size(length)
    }

    /// The start of a slice; its start, stop and step follow.
    pub fn slice(&mut self, flagged: bool) -> Result<(), WriteError> {
        if self.version < 5 {
            self.unknown(false);
            return Err(WriteError::Unmarshallable);
        }
        self.type_code(code_of::SLICE, flagged);
        Ok(())
    }

    /// The start of a code object; its parts follow.
    pub fn code(&mut self, flagged: bool) {
        self.type_code(code_of::CODE, flagged);
    }
}

/// A float as C's `%.17g` writes it.
fn seventeen_digits(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let fixed = format!("{value:.*}", (16 - exponent) as usize);
        return trim_zeros(&fixed).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs())
}

fn trim_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_text() {
        for (value, text) in [
            (1.0, "1"),
            (0.1, "0.10000000000000001"),
            (-2.5e-7, "-2.4999999999999999e-07"),
            (1e22, "1e+22"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (-0.0, "-0"),
        ] {
            assert_eq!(seventeen_digits(value), text);
        }
    }
}

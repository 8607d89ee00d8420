//! Numbers, text and bytes of a pickle being read.

use num_bigint::BigInt;
use rspy_runtime::codecs::errors::Errors;
use rspy_runtime::codecs::{escape, registry, utf8};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Ref;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::{from_ascii, from_wtf8};
use rspy_runtime::vm::Vm;

use super::errors::UnpicklingError;
use super::load::Machine;
use super::numbers::{float_of_line, int_of_line};
use super::opcodes::*;

impl Machine<'_> {
    /// Numbers but for those that have few bytes.
    pub(super) fn number(&self, vm: &Vm, opcode: u8) -> PyResult {
        match opcode {
            LONG1 => {
                let [count] = self.input.array(vm)?;
                self.signed(vm, usize::from(count))
            }
            LONG4 => {
                let Ok(count) = usize::try_from(i32::from_le_bytes(self.input.array(vm)?)) else {
                    return Err(UnpicklingError::error(vm, "LONG pickle has negative byte count"));
                };
                self.signed(vm, count)
            }
            INT => {
                let line = self.line(vm, 1)?;
                let number = match line.as_slice() {
                    // C sees an empty text, and takes it for 0.
                    [0, ..] => int::new(0),
                    _ => int_of_line(vm, &line).map_err(|error| match error.is_value_error() {
                        true => vm.value_error("could not convert string to int"),
                        false => error,
                    })?,
                };
                // Two characters that C's own function reads to their end.
                match (line.as_slice(), number.small_int()) {
                    ([0, _] | [_, 0 | b'0'..=b'9'], Some(truth @ (0 | 1))) => Ok(boolean(truth == 1)),
                    _ => Ok(number),
                }
            }
            LONG => {
                let mut line = self.line(vm, 1)?;
                // Python 2 marked long numbers.
                if line.last() == Some(&b'L') {
                    line.pop();
                } else {
                    line.push(b'\n');
                }
                int_of_line(vm, &line)
            }
            _ => float_of_line(vm, &self.line(vm, 1)?),
        }
    }

    fn signed(&self, vm: &Vm, count: usize) -> PyResult {
        self.input.take(vm, count, |bytes| {
            if bytes.len() <= 8 {
                let filler = if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 };
                let mut number = [filler; 8];
                number[..bytes.len()].copy_from_slice(bytes);
                return int::new(i64::from_le_bytes(number));
            }
            int::from_big(BigInt::from_signed_bytes_le(bytes))
        })
    }

    /// A length of eight bytes, which must be one that memory could have.
    fn long_size(&self, vm: &Vm, what: &str) -> PyResult<usize> {
        let size = u64::from_le_bytes(self.input.array(vm)?);
        usize::try_from(size).ok().filter(|&size| isize::try_from(size).is_ok()).ok_or_else(|| {
            vm.overflow_error(format!("{what} of {} bytes", isize::MAX))
        })
    }

    /// Text and bytes but for those that have short headers.
    pub(super) fn text(&self, vm: &Vm, opcode: u8) -> PyResult {
        match opcode {
            BINUNICODE8 => {
                let size = self.long_size(vm, "BINUNICODE exceeds system's maximum size")?;
                self.unicode(vm, size)
            }
            UNICODE => {
                let line = self.line(vm, 0)?;
                Ok(escape::decode_raw_unicode(vm, &line, &Errors::strict(), true)?.0.into_value())
            }
            BINBYTES => {
                let size = u32::from_le_bytes(self.input.array(vm)?) as usize;
                self.bytes(vm, size)
            }
            BINBYTES8 => {
                let size = self.long_size(vm, "BINBYTES exceeds system's maximum size")?;
                if size > isize::MAX as usize - 64 {
                    return Err(vm.overflow_error("byte string is too large"));
                }
                self.bytes(vm, size)
            }
            BYTEARRAY8 => {
                let size = self.long_size(vm, "BYTEARRAY8 exceeds system's maximum size")?;
                if size == isize::MAX as usize {
                    return Err(vm.memory_error());
                }
                Ok(ByteArray::new(self.input.vector(vm, size)?).into_value())
            }
            SHORT_BINSTRING => {
                let [size] = self.input.array(vm)?;
                self.old_string(vm, usize::from(size))
            }
            BINSTRING => match usize::try_from(i32::from_le_bytes(self.input.array(vm)?)) {
                Ok(size) => self.old_string(vm, size),
                Err(_) => Err(UnpicklingError::error(vm, "BINSTRING pickle has negative byte count")),
            },
            _ => {
                let line = self.line(vm, 0)?;
                let quoted = match &*line {
                    [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
                    _ => {
                        return Err(UnpicklingError::error(vm, "the STRING opcode argument must be quoted"));
                    }
                };
                let bytes = escape::decode_bytes(vm, quoted, None)?;
                self.decoded(vm, bytes)
            }
        }
    }

    #[inline]
    pub(super) fn unicode(&self, vm: &Vm, size: usize) -> PyResult {
        let text = self.input.take(vm, size, |bytes| match bytes.is_ascii() {
            true => Some(from_ascii(bytes)),
            false => from_wtf8(bytes),
        })?;
        match text {
            Some(text) => Ok(text.into_value()),
            None => self.damaged_text(vm, size),
        }
    }

    /// What UTF-8 with errors is made to, most likely an exception.
    #[cold]
    fn damaged_text(&self, vm: &Vm, size: usize) -> PyResult {
        let errors = Errors::named(&Str::new("surrogatepass"));
        Ok(utf8::decode(vm, &self.input.last(size), &errors, true)?.0.into_value())
    }

    #[inline]
    pub(super) fn bytes(&self, vm: &Vm, size: usize) -> PyResult {
        if size > 0
            && let Some(bytes) = self.input.take_at_hand(size, |bytes| Bytes::new(bytes)) {
            return Ok(bytes.into_value());
        }
        Ok(Bytes::new(self.input.vector(vm, size)?).into_value())
    }

    fn old_string(&self, vm: &Vm, size: usize) -> PyResult {
        let bytes = self.input.take(vm, size, <[u8]>::to_vec)?;
        self.decoded(vm, bytes)
    }

    /// An eight-bit string of Python 2, decoded as the unpickler was told to.
    fn decoded(&self, vm: &Vm, bytes: Vec<u8>) -> PyResult {
        let bytes = Bytes::new(bytes).into_value();
        let (encoding, errors) = (self.unpickler.encoding.get(), self.unpickler.errors.get());
        match (encoding, errors) {
            (Some(encoding), _) if encoding.equals_str("bytes") => Ok(bytes),
            (encoding, errors) => {
                let encoding = encoding.map_or_else(|| vm.new_str("ASCII"), Ref::into_value);
                let errors = errors.map(Ref::into_value);
                registry::decode_bytes(vm, &bytes, Some(&encoding), errors.as_ref())
            }
        }
    }
}

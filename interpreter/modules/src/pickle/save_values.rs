//! Writing numbers, text, bytes and buffers.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::from_latin1;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::buffers::PickleBuffer;
use super::errors::PicklingError;
use super::opcodes::*;
use super::pickler::Pickler;
use super::output::FRAME_TARGET;
use super::registry::global;

/// The longest that protocols before 4 can say.
const LONGEST: usize = 0xffff_ffff;

impl Pickler {
    pub(super) fn save_bool(&self, truth: bool) {
        let mut output = self.output.borrow_mut();
        if self.protocol.get() >= 2 {
            output.byte(if truth { NEWTRUE } else { NEWFALSE });
        } else {
            output.write(if truth { b"I01\n" } else { b"I00\n" });
        }
    }

    #[inline]
    pub(super) fn save_small(&self, vm: &Vm, number: i64, value: &Value) -> PyResult<()> {
        let mut output = self.output.borrow_mut();
        let Ok(short) = i32::try_from(number) else {
            drop(output);
            return self.save_big(vm, value);
        };
        if self.binary.get() == 0 {
            output.byte(INT);
            output.write(format!("{short}\n").as_bytes());
        } else if let Ok(byte) = u8::try_from(short) {
            output.write(&[BININT1, byte]);
        } else if let Ok(word) = u16::try_from(short) {
            output.opcode(BININT2, word.to_le_bytes());
        } else {
            output.opcode(BININT, short.to_le_bytes());
        }
        Ok(())
    }

    /// An `int` that does not fit 32 bits.
    pub(super) fn save_big(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        if self.protocol.get() < 2 {
            let digits = vm.repr(value)?;
            let mut output = self.output.borrow_mut();
            output.byte(LONG);
            output.write(digits.to_string_lossy().as_bytes());
            output.write(b"L\n");
            return Ok(());
        }
        let bytes = int::borrow_big(value).unwrap_or_default().to_signed_bytes_le();
        let mut output = self.output.borrow_mut();
        if let Ok(length) = u8::try_from(bytes.len()) {
            output.opcode(LONG1, [length]);
        } else if let Ok(length) = i32::try_from(bytes.len()) {
            output.opcode(LONG4, length.to_le_bytes());
        } else {
            return Err(vm.overflow_error("int too large to pickle"));
        }
        output.write(&bytes);
        Ok(())
    }

    pub(super) fn save_float(&self, number: f64) {
        let mut output = self.output.borrow_mut();
        if self.binary.get() == 0 {
            output.byte(FLOAT);
            output.write(rspy_runtime::format::float::repr(number).as_bytes());
            output.byte(b'\n');
        } else {
            output.opcode(BINFLOAT, number.to_be_bytes());
        }
    }

    // ----- bytes and text -----

    /// Writes a header and the bytes behind it. Many bytes stay outside of frames and go straight to the file.
    fn write_sized(&self, vm: &Vm, header: &[u8], data: &[u8], whole: Option<&Value>) -> PyResult<()> {
        if data.len() < FRAME_TARGET {
            let mut output = self.output.borrow_mut();
            output.write(header);
            output.write(data);
            return Ok(());
        }
        {
            let mut output = self.output.borrow_mut();
            output.end_frame();
            output.write(header);
        }
        match self.write.get() {
            None => self.output.borrow_mut().write(data),
            Some(write) => {
                self.flush(vm)?;
                let whole = whole.map_or_else(|| Bytes::new(data).into_value(), Value::clone);
                vm.call(&write, &[whole])?;
            }
        }
        self.output.borrow_mut().begin_frame();
        Ok(())
    }

    /// Writes an opcode with a length in as many bytes as it needs, and the bytes behind it. `long` is the opcode for
    /// more than 4 GiB, which old protocols do not have.
    #[inline(always)]
    fn write_counted(
        &self,
        vm: &Vm,
        (short, medium, long): (Option<u8>, u8, u8),
        data: &[u8],
        whole: Option<&Value>,
        what: &str,
    ) -> PyResult<()> {
        match (short, u8::try_from(data.len())) {
            (Some(short), Ok(length)) => {
                let mut output = self.output.borrow_mut();
                output.write(&[short, length]);
                output.write(data);
                Ok(())
            }
            _ => self.write_long(vm, (medium, long), data, whole, what),
        }
    }

    fn write_long(
        &self,
        vm: &Vm,
        (medium, long): (u8, u8),
        data: &[u8],
        whole: Option<&Value>,
        what: &str,
    ) -> PyResult<()> {
        let length = data.len();
        if length <= LONGEST {
            let [a, b, c, d] = (length as u32).to_le_bytes();
            self.write_sized(vm, &[medium, a, b, c, d], data, whole)
        } else if self.protocol.get() >= 4 {
            self.write_sized(vm, &long_header(long, length), data, whole)
        } else {
            Err(vm.overflow_error(format!(
                "serializing a {what} larger than 4 GiB requires pickle protocol 4 or higher"
            )))
        }
    }

    pub(super) fn save_str(&self, vm: &Vm, text: &Object<Str>) -> PyResult<()> {
        if self.binary.get() == 0 {
            let escaped = escaped(text);
            let mut output = self.output.borrow_mut();
            output.byte(UNICODE);
            output.write(&escaped);
            output.byte(b'\n');
        } else {
            match text.as_ascii() {
                Some(ascii) => self.write_text(vm, ascii.as_bytes())?,
                None => self.write_text(vm, &text.to_wtf8())?,
            }
        }
        self.memoize(&text.as_value());
        Ok(())
    }

    #[inline(always)]
    fn write_text(&self, vm: &Vm, encoded: &[u8]) -> PyResult<()> {
        let short = (self.protocol.get() >= 4).then_some(SHORT_BINUNICODE);
        self.write_counted(vm, (short, BINUNICODE, BINUNICODE8), encoded, None, "string")
    }

    pub(super) fn save_bytes(&self, vm: &Vm, bytes: &Object<Bytes>) -> PyResult<()> {
        let value = bytes.as_value();
        if self.protocol.get() >= 3 {
            self.write_bytes(vm, bytes.as_slice(), Some(&value))?;
            self.memoize(&value);
            return Ok(());
        }
        // Python 2 makes a `str` of this and Python 3 `bytes`.
        let (function, args) = if bytes.is_empty() {
            (Bytes::static_type().to_value(), Tuple::empty())
        } else {
            let text = from_latin1(bytes.as_slice()).into_value();
            (global(vm, "codecs", "encode")?, Tuple::from_values([text, vm.intern("latin1").into_value()]))
        };
        self.save_reduction(vm, &[function, args.into_value()], Some(&value))
    }

    fn write_bytes(&self, vm: &Vm, data: &[u8], whole: Option<&Value>) -> PyResult<()> {
        self.write_counted(vm, (Some(SHORT_BINBYTES), BINBYTES, BINBYTES8), data, whole, "bytes object")
    }

    pub(super) fn save_bytearray(&self, vm: &Vm, bytes: &Object<ByteArray>) -> PyResult<()> {
        let value = bytes.as_value();
        let data = bytes.borrow().to_vec();
        if self.protocol.get() >= 5 {
            self.write_sized(vm, &long_header(BYTEARRAY8, data.len()), &data, Some(&value))?;
            self.memoize(&value);
            return Ok(());
        }
        let args =
            if data.is_empty() { Tuple::empty() } else { Tuple::from_values([Bytes::new(data).into_value()]) };
        self.save_reduction(vm, &[ByteArray::static_type().to_value(), args.into_value()], Some(&value))
    }

    pub(super) fn save_buffer(&self, vm: &Vm, buffer: &Object<PickleBuffer>) -> PyResult<()> {
        if self.protocol.get() < 5 {
            return Err(PicklingError::error(vm, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        // The view stays valid whatever the callback does with the buffer.
        let Some(view) = buffer.contiguous(vm)? else {
            return Err(PicklingError::error(
                vm,
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
            ));
        };
        let value = buffer.as_value();
        let in_band = match self.buffer_callback.get() {
            None => true,
            Some(callback) => vm.is_true(&vm.call(&callback, &[value.clone()])?)?,
        };
        if !in_band {
            let mut output = self.output.borrow_mut();
            output.byte(NEXT_BUFFER);
            if view.is_readonly() {
                output.byte(READONLY_BUFFER);
            }
            return Ok(());
        }
        let data = view.as_slice().to_vec();
        if view.is_readonly() {
            self.write_bytes(vm, &data, None)?;
        } else {
            self.write_sized(vm, &long_header(BYTEARRAY8, data.len()), &data, None)?;
        }
        self.memoize(&value);
        Ok(())
    }
}

/// An opcode with a length of eight bytes.
fn long_header(opcode: u8, length: usize) -> [u8; 9] {
    let mut header = [opcode; 9];
    header[1..].copy_from_slice(&(length as u64).to_le_bytes());
    header
}

/// Text with the escapes of raw unicode literals, and further ones for what would end the line.
fn escaped(text: &Object<Str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.length());
    for character in text.characters().iter() {
        match character {
            0 | 0x0a | 0x0d | 0x1a | 0x5c | 0x100..=0xffff => {
                out.extend(format!("\\u{character:04x}").into_bytes());
            }
            0x1_0000.. => out.extend(format!("\\U{character:08x}").into_bytes()),
            _ => out.push(character as u8),
        }
    }
    out
}

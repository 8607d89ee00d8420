//! Bytes as hexadecimal text and back.

use crate::buffer::BufferView;
use crate::exceptions::PyResult;
use crate::types::bytes::Bytes;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// The hexadecimal digits of bytes, with a separator after every so many bytes: counted from the right where the
/// number is positive, from the left where it is negative.
///
/// # Errors
/// `ValueError` and `TypeError` for separators that are no single ASCII character.
pub fn hex_text(vm: &Vm, data: &[u8], separator: Option<&Value>, every: i32) -> PyResult<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let separator = match separator {
        Some(separator) => Some(separator_of(vm, separator)?),
        None => None,
    };
    let group = every.unsigned_abs() as usize;
    let first = if every > 0 && group > 0 { data.len() % group } else { 0 };
    let pair = |byte: &u8| [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]];
    let mut out = Vec::with_capacity(data.len() * 2);
    let separator = match separator {
        Some(separator) if group > 0 => separator,
        _ => {
            data.iter().for_each(|byte| out.extend_from_slice(&pair(byte)));
            return Ok(out);
        }
    };
    for (index, byte) in data.iter().enumerate() {
        if index > 0 && (index + group - first).is_multiple_of(group) {
            out.push(separator);
        }
        out.extend_from_slice(&pair(byte));
    }
    Ok(out)
}

fn separator_of(vm: &Vm, separator: &Value) -> PyResult<u8> {
    if vm.length(separator)? != 1 {
        return Err(vm.value_error("sep must be length 1."));
    }
    let character = match (separator.downcast::<Str>(), separator.downcast::<Bytes>()) {
        (Some(text), _) => text.char_at(0),
        (_, Some(bytes)) => u32::from(bytes.as_slice()[0]),
        _ => return Err(vm.type_error("sep must be str or bytes.")),
    };
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => Ok(byte),
        _ => Err(vm.value_error("sep must be ASCII.")),
    }
}

/// The bytes that hexadecimal text stands for; white space between bytes is skipped.
///
/// # Errors
/// `ValueError` for other characters and for half bytes, `TypeError` for other objects.
pub fn parse_hex(vm: &Vm, source: &Value) -> PyResult<Vec<u8>> {
    if let Some(text) = source.downcast::<Str>() {
        let characters = text.characters();
        return parse(vm, characters.len(), |index| characters.get(index));
    }
    if crate::buffer::has_buffer(source) {
        let view: BufferView = crate::buffer::view(vm, source)?;
        let data = view.as_slice();
        return parse(vm, data.len(), |index| u32::from(data[index]));
    }
    Err(vm.type_error(format!(
        "fromhex() argument must be str or bytes-like, not {}",
        source.type_of().full_name()
    )))
}

fn parse(vm: &Vm, length: usize, character: impl Fn(usize) -> u32) -> PyResult<Vec<u8>> {
    let digit =
        |index: usize| (index < length).then(|| character(index)).and_then(char::from_u32)?.to_digit(16);
    let is_space = |index: usize| matches!(character(index), 0x20 | 0x09..=0x0d);
    let mut out = Vec::with_capacity(length / 2);
    let mut at = 0;
    while at < length {
        if is_space(at) {
            at += 1;
            continue;
        }
        let wrong = |place: usize| {
            vm.value_error(format!("non-hexadecimal number found in fromhex() arg at position {place}"))
        };
        let high = digit(at).ok_or_else(|| wrong(at))?;
        if at + 1 == length {
            return Err(vm.value_error("fromhex() arg must contain an even number of hexadecimal digits"));
        }
        let low = digit(at + 1).ok_or_else(|| wrong(at + 1))?;
        out.push((high << 4 | low) as u8);
        at += 2;
    }
    Ok(out)
}

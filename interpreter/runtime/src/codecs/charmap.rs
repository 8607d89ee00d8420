//! Encodings given by a mapping of characters.

use crate::codecs::errors::Errors;
use crate::codecs::{Decoding, Encoding, Input};
use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::types::bytes::Bytes;
use crate::types::dict::Dict;
use crate::types::int;
use crate::types::none::is_none;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

const UNDEFINED: &str = "character maps to <undefined>";

/// The text of bytes by a mapping: a string indexed by byte, or an object with items.
///
/// # Errors
/// `UnicodeDecodeError` for bytes that are not mapped, unless they are handled; `TypeError` for other values.
pub fn decode(vm: &Vm, input: &[u8], errors: &Errors, mapping: &Value) -> PyResult<Ref<Str>> {
    let mut decoding = Decoding::new(vm, "charmap", errors, input);
    let mut input = Input::Given(input);
    let table = mapping.downcast_exact::<Str>();
    let mut at = 0;
    while at < input.len() {
        let byte = input[at];
        let is_mapped = match table {
            Some(table) => {
                let c = if usize::from(byte) < table.length() {
                    table.char_at(usize::from(byte))
                } else {
                    0xfffe
                };
                if c != 0xfffe {
                    decoding.out.push(c);
                }
                c != 0xfffe
            }
            None => decode_by_item(&mut decoding, mapping, byte)?,
        };
        at = if is_mapped { at + 1 } else { decoding.fail(at, at + 1, UNDEFINED, &mut input)? };
    }
    Ok(decoding.out.finish())
}

/// Appends what an item of the mapping says; answers whether there is one.
fn decode_by_item(decoding: &mut Decoding<'_>, mapping: &Value, byte: u8) -> PyResult<bool> {
    let vm = decoding.vm;
    let item = match vm.get_item(mapping, &Value::int(i32::from(byte))) {
        Err(error) if error.is_lookup_error() => return Ok(false),
        result => result?,
    };
    if is_none(&item) {
        return Ok(false);
    }
    if let Some(text) = item.downcast::<Str>() {
        if text.length() == 1 && text.char_at(0) == 0xfffe {
            return Ok(false);
        }
        decoding.out.push_object(text);
        return Ok(true);
    }
    if !int::is_int(&item) {
        return Err(vm.type_error("character mapping must return integer, None or str"));
    }
    match int::small_value(&item) {
        Some(0xfffe) => Ok(false),
        Some(c @ 0..=0x10_ffff) => {
            decoding.out.push(c as u32);
            Ok(true)
        }
        _ => Err(vm.type_error("character mapping must be in range(0x110000)")),
    }
}

/// The bytes of a character by a mapping; `None` where it has none.
fn encode_one(vm: &Vm, mapping: &Value, c: u32) -> PyResult<Option<Vec<u8>>> {
    let item = match vm.get_item(mapping, &int::new(i64::from(c))) {
        Err(error) if error.is_lookup_error() => return Ok(None),
        result => result?,
    };
    if is_none(&item) {
        return Ok(None);
    }
    if let Some(bytes) = item.downcast::<Bytes>() {
        return Ok(Some(bytes.as_slice().to_vec()));
    }
    if !int::is_int(&item) {
        return Err(vm.type_error(format!(
            "character mapping must return integer, bytes or None, not {}",
            item.type_of().full_name()
        )));
    }
    match int::small_value(&item).and_then(|byte| u8::try_from(byte).ok()) {
        Some(byte) => Ok(Some(vec![byte])),
        None => Err(vm.type_error("character mapping must be in range(256)")),
    }
}

/// The bytes of a text by a mapping from ordinals to bytes.
///
/// # Errors
/// `UnicodeEncodeError` for characters that are not mapped, unless they are handled; `TypeError` for other values.
pub fn encode(vm: &Vm, text: &Object<Str>, errors: &Errors, mapping: &Value) -> PyResult<Vec<u8>> {
    let characters = text.characters();
    let mut encoding = Encoding::new(vm, "charmap", errors, text);
    let mut at = 0;
    while at < characters.len() {
        if let Some(bytes) = encode_one(vm, mapping, characters.get(at))? {
            encoding.out.extend(bytes);
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < characters.len() && encode_one(vm, mapping, characters.get(end))?.is_none() {
            end += 1;
        }
        let mut failure = None;
        at = encoding.fail(at, end, UNDEFINED, |out, c| match encode_one(vm, mapping, c) {
            Ok(Some(bytes)) => {
                out.extend(bytes);
                true
            }
            Ok(None) => false,
            Err(error) => {
                failure = Some(error);
                true
            }
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
    }
    Ok(encoding.out)
}

/// The mapping for encoding that belongs to a decoding table.
///
/// # Errors
/// What filling a dict raises.
pub fn build(vm: &Vm, table: &Object<Str>) -> PyResult<Ref<Dict>> {
    let mapping = Dict::new();
    for (byte, c) in table.characters().iter().take(256).enumerate() {
        if c != 0xfffe {
            mapping.set(vm, &int::new(i64::from(c)), Value::int(byte as i32))?;
        }
    }
    Ok(mapping)
}

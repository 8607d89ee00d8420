//! ASCII and Latin-1.

use crate::codecs::errors::Errors;
use crate::codecs::{Decoding, Encoding, Input};
use crate::exceptions::PyResult;
use crate::object::{Object, Ref};
use crate::types::string::build::{from_ascii, from_latin1};
use crate::types::string::{Kind, Str};
use crate::vm::Vm;

/// The ASCII bytes of a text.
///
/// # Errors
/// `UnicodeEncodeError` for other characters, unless they are handled.
pub fn encode_ascii(vm: &Vm, text: &Object<Str>, errors: &Errors) -> PyResult<Vec<u8>> {
    if text.is_ascii() {
        return Ok(text.bytes().to_vec());
    }
    encode(vm, "ascii", 0x80, "ordinal not in range(128)", text, errors)
}

/// The Latin-1 bytes of a text.
///
/// # Errors
/// `UnicodeEncodeError` for other characters, unless they are handled.
pub fn encode_latin1(vm: &Vm, text: &Object<Str>, errors: &Errors) -> PyResult<Vec<u8>> {
    if text.kind() <= Kind::Latin1 {
        return Ok(text.bytes().to_vec());
    }
    encode(vm, "latin-1", 0x100, "ordinal not in range(256)", text, errors)
}

fn encode(
    vm: &Vm,
    name: &str,
    limit: u32,
    reason: &str,
    text: &Object<Str>,
    errors: &Errors,
) -> PyResult<Vec<u8>> {
    let characters = text.characters();
    let mut encoding = Encoding::new(vm, name, errors, text);
    let mut at = 0;
    while at < characters.len() {
        let c = characters.get(at);
        if c < limit {
            encoding.out.push(c as u8);
            at += 1;
            continue;
        }
        let run = (at..characters.len()).take_while(|&index| characters.get(index) >= limit).count();
        at = encoding.fail(at, at + run, reason, |out, c| {
            out.push(c as u8);
            c < limit
        })?;
    }
    Ok(encoding.out)
}

/// The text of ASCII bytes.
///
/// # Errors
/// `UnicodeDecodeError` for other bytes, unless they are handled.
pub fn decode_ascii(vm: &Vm, input: &[u8], errors: &Errors) -> PyResult<Ref<Str>> {
    if input.is_ascii() {
        return Ok(from_ascii(input));
    }
    let mut decoding = Decoding::new(vm, "ascii", errors, input);
    let mut input = Input::Given(input);
    let mut at = 0;
    while at < input.len() {
        if input[at] < 0x80 {
            decoding.out.push(u32::from(input[at]));
            at += 1;
        } else {
            at = decoding.fail(at, at + 1, "ordinal not in range(128)", &mut input)?;
        }
    }
    Ok(decoding.out.finish())
}

/// The text of Latin-1 bytes.
pub fn decode_latin1(input: &[u8]) -> Ref<Str> {
    from_latin1(input)
}

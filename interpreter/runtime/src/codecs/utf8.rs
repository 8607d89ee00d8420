//! UTF-8.

use crate::codecs::errors::Errors;
use crate::codecs::{Decoded, Decoding, Encoding, Input};
use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::string::Str;
use crate::types::string::build::push_wtf8;
use crate::vm::Vm;

fn is_surrogate(c: u32) -> bool {
    (0xd800..0xe000).contains(&c)
}

/// The bytes of a text.
///
/// # Errors
/// `UnicodeEncodeError` for lone surrogates, unless they are handled.
pub fn encode(vm: &Vm, text: &Object<Str>, errors: &Errors) -> PyResult<Vec<u8>> {
    if text.is_ascii() {
        return Ok(text.bytes().to_vec());
    }
    let characters = text.characters();
    let mut encoding = Encoding::new(vm, "utf-8", errors, text);
    let mut at = 0;
    while at < characters.len() {
        let c = characters.get(at);
        if is_surrogate(c) {
            if errors.escapes_surrogates() && (0xdc80..=0xdcff).contains(&c) {
                encoding.out.push((c - 0xdc00) as u8);
                at += 1;
                continue;
            }
            let run = (at..characters.len()).take_while(|&index| is_surrogate(characters.get(index))).count();
            at = encoding.fail(at, at + run, "surrogates not allowed", |out, c| {
                out.push(c as u8);
                c < 0x80
            })?;
        } else {
            push_wtf8(&mut encoding.out, c);
            at += 1;
        }
    }
    Ok(encoding.out)
}

/// The text of bytes and how many of them were used: all, or where more may follow, all but an unfinished character.
///
/// # Errors
/// `UnicodeDecodeError` for bytes that are no UTF-8, unless they are handled.
pub fn decode(vm: &Vm, input: &[u8], errors: &Errors, is_final: bool) -> PyResult<Decoded> {
    let mut decoding = match std::str::from_utf8(input) {
        Ok(text) => return Ok((Str::new(text), input.len())),
        Err(_) => Decoding::new(vm, "utf-8", errors, input),
    };
    let mut input = Input::Given(input);
    let mut at = 0;
    while at < input.len() {
        let error = match std::str::from_utf8(&input[at..]) {
            Ok(text) => {
                decoding.out.push_str(text);
                break;
            }
            Err(error) => error,
        };
        let valid = at + error.valid_up_to();
        if let Ok(text) = std::str::from_utf8(&input[at..valid]) {
            decoding.out.push_str(text);
        }
        let first = input[valid];
        at = match error.error_len() {
            None if !is_final => return Ok((decoding.out.finish(), valid)),
            // The beginning of a surrogate, which a handler may want to see whole.
            Some(_) if !is_final && matches!(input[valid..], [0xed, 0xa0..=0xbf]) => {
                return Ok((decoding.out.finish(), valid));
            }
            None => decoding.fail(valid, input.len(), "unexpected end of data", &mut input)?,
            Some(length) if (0xc2..0xf5).contains(&first) => {
                decoding.fail(valid, valid + length, "invalid continuation byte", &mut input)?
            }
            Some(_) => decoding.fail(valid, valid + 1, "invalid start byte", &mut input)?,
        };
    }
    Ok((decoding.out.finish(), input.len()))
}

//! Text and bytes with backslash escapes: `unicode_escape`, `raw_unicode_escape` and `escape`.

use crate::codecs::errors::{Errors, backslashed};
use crate::codecs::{Decoded, Decoding, Input};
use crate::exceptions::PyResult;
use crate::object::{Object, Payload};
use crate::types::string::Str;
use crate::vm::Vm;

/// The bytes of a text as it stands in a literal.
pub fn encode_unicode(text: &Object<Str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.length());
    for c in text.characters().iter() {
        match c {
            0x09 => out.extend(b"\\t"),
            0x0a => out.extend(b"\\n"),
            0x0d => out.extend(b"\\r"),
            0x5c => out.extend(b"\\\\"),
            0x20..=0x7e => out.push(c as u8),
            _ => out.extend(backslashed(c).into_bytes()),
        }
    }
    out
}

/// The bytes of a text as it stands in a raw literal: Latin-1, with escapes for the rest.
pub fn encode_raw_unicode(text: &Object<Str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.length());
    for c in text.characters().iter() {
        match c {
            0..=0xff => out.push(c as u8),
            _ => out.extend(backslashed(c).into_bytes()),
        }
    }
    out
}

/// What a single character behind a backslash means.
fn simple(byte: u8) -> Option<u8> {
    Some(match byte {
        b'\\' | b'\'' | b'"' => byte,
        b'b' => 0x08,
        b'f' => 0x0c,
        b't' => b'\t',
        b'n' => b'\n',
        b'r' => b'\r',
        b'v' => 0x0b,
        b'a' => 0x07,
        _ => return None,
    })
}

/// Up to three octal digits at the beginning: their value and how many there are.
fn octal(input: &[u8]) -> (u32, usize) {
    let count = input.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    (input[..count].iter().fold(0, |value, byte| value << 3 | u32::from(byte - b'0')), count)
}

/// The value of hexadecimal digits and how many there are, at most `most`.
fn hexadecimal(input: &[u8], most: usize) -> (u32, usize) {
    let count = input.iter().take(most).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let value =
        input[..count].iter().fold(0, |value, &byte| value << 4 | (byte as char).to_digit(16).unwrap_or(0));
    (value, count)
}

fn warn_invalid(vm: &Vm, what: &str) -> PyResult<()> {
    crate::warnings::warn(
        vm,
        crate::exceptions::hierarchy::DeprecationWarning::static_type(),
        &format!(
            "\"\\{what}\" is an invalid {}escape sequence. Such sequences will not work in the future. ",
            if what.len() == 3 { "octal " } else { "" }
        ),
        1,
    )
}

/// The digits and the message of `\x`, `\u` and `\U`.
fn numbered(byte: u8) -> Option<(usize, &'static str)> {
    match byte {
        b'x' => Some((2, "truncated \\xXX escape")),
        b'u' => Some((4, "truncated \\uXXXX escape")),
        b'U' => Some((8, "truncated \\UXXXXXXXX escape")),
        _ => None,
    }
}

/// The text of bytes with the escapes of a literal, and how many bytes were used.
///
/// # Errors
/// `UnicodeDecodeError` for escapes that are not complete or mean nothing, unless they are handled.
pub fn decode_unicode(vm: &Vm, input: &[u8], errors: &Errors, is_final: bool) -> PyResult<Decoded> {
    let mut decoding = Decoding::new(vm, "unicodeescape", errors, input);
    let mut input = Input::Given(input);
    let mut at = 0;
    while at < input.len() {
        if input[at] != b'\\' {
            decoding.out.push(u32::from(input[at]));
            at += 1;
            continue;
        }
        let start = at;
        let Some(&kind) = input.get(at + 1) else {
            if !is_final {
                return Ok((decoding.out.finish(), start));
            }
            at = decoding.fail(start, input.len(), "\\ at end of string", &mut input)?;
            continue;
        };
        at += 2;
        if kind == b'\n' {
            continue;
        }
        if let Some(meant) = simple(kind) {
            decoding.out.push(u32::from(meant));
        } else if kind.is_ascii_digit() && kind < b'8' {
            let (value, count) = octal(&input[at - 1..]);
            let incomplete = !is_final && count < 3 && at - 1 + count == input.len();
            if incomplete {
                return Ok((decoding.out.finish(), start));
            }
            at += count - 1;
            if value > 0o377 {
                warn_invalid(vm, &format!("{value:o}"))?;
            }
            decoding.out.push(value);
        } else if let Some((digits, message)) = numbered(kind) {
            let (value, count) = hexadecimal(&input[at..], digits);
            at += count;
            if count < digits {
                if !is_final && at == input.len() {
                    return Ok((decoding.out.finish(), start));
                }
                at = decoding.fail(start, at, message, &mut input)?;
            } else if value > 0x10_ffff {
                at = decoding.fail(start, at, "illegal Unicode character", &mut input)?;
            } else {
                decoding.out.push(value);
            }
        } else if kind == b'N' {
            match decode_named(&mut decoding, &mut input, start, is_final)? {
                Some(next) => at = next,
                None => return Ok((decoding.out.finish(), start)),
            }
        } else {
            warn_invalid(vm, &char::from(kind).to_string())?;
            decoding.out.push(u32::from(b'\\'));
            decoding.out.push(u32::from(kind));
        }
    }
    Ok((decoding.out.finish(), at))
}

/// `\N{name}` at `start`; answers where to go on, or nothing where it is not complete yet.
fn decode_named(
    decoding: &mut Decoding<'_>,
    input: &mut Input<'_>,
    start: usize,
    is_final: bool,
) -> PyResult<Option<usize>> {
    let vm = decoding.vm;
    let body = start + 3;
    let malformed = "malformed \\N character escape";
    if input.get(start + 2) != Some(&b'{') {
        if input.len() == start + 2 && !is_final {
            return Ok(None);
        }
        return decoding.fail(start, start + 2, malformed, input).map(Some);
    }
    let Some(length) = memchr::memchr(b'}', &input[body..]) else {
        if !is_final {
            return Ok(None);
        }
        return decoding.fail(start, input.len(), malformed, input).map(Some);
    };
    let end = body + length + 1;
    if length == 0 {
        return decoding.fail(start, end, malformed, input).map(Some);
    }
    let name = crate::types::string::build::from_latin1(&input[body..end - 1]);
    let module = crate::import::import_module(vm, "unicodedata")?;
    match vm.call_method_str(&module, "lookup", &[name.into_value()]) {
        Ok(found) => match found.downcast::<Str>() {
            Some(found) if found.length() == 1 => {
                decoding.out.push_object(found);
                Ok(Some(end))
            }
            _ => decoding.fail(start, end, "unknown Unicode character name", input).map(Some),
        },
        Err(error) if error.is_key_error() => {
            decoding.fail(start, end, "unknown Unicode character name", input).map(Some)
        }
        Err(error) => Err(error),
    }
}

/// The text of Latin-1 bytes with `\u` and `\U` escapes, and how many bytes were used.
///
/// # Errors
/// `UnicodeDecodeError` for escapes that are not complete or mean nothing, unless they are handled.
pub fn decode_raw_unicode(vm: &Vm, input: &[u8], errors: &Errors, is_final: bool) -> PyResult<Decoded> {
    let mut decoding = Decoding::new(vm, "rawunicodeescape", errors, input);
    let mut input = Input::Given(input);
    let mut at = 0;
    while at < input.len() {
        let kind = if input[at] == b'\\' { input.get(at + 1).copied() } else { Some(0) };
        if kind.is_none() && !is_final {
            break;
        }
        let Some((digits, message)) = kind.and_then(numbered).filter(|(digits, _)| *digits > 2) else {
            decoding.out.push(u32::from(input[at]));
            at += 1;
            // A backslash takes the character behind it along, so that `\\u` is no escape.
            if input[at - 1] == b'\\' && at < input.len() {
                decoding.out.push(u32::from(input[at]));
                at += 1;
            }
            continue;
        };
        let start = at;
        let (value, count) = hexadecimal(&input[at + 2..], digits);
        at += 2 + count;
        if count < digits {
            if !is_final && at == input.len() {
                return Ok((decoding.out.finish(), start));
            }
            at = decoding.fail(start, at, message, &mut input)?;
        } else if value > 0x10_ffff {
            at = decoding.fail(start, at, "\\Uxxxxxxxx out of range", &mut input)?;
        } else {
            decoding.out.push(value);
        }
    }
    Ok((decoding.out.finish(), at))
}

/// Bytes with escapes, as `repr` shows them without the quotes.
pub fn encode_bytes(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    for &byte in input {
        match byte {
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\\' | b'\'' => out.extend([b'\\', byte]),
            b' '..=b'~' => out.push(byte),
            _ => out.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    out
}

/// Bytes from text with the escapes of a bytes literal.
///
/// # Errors
/// `ValueError` for escapes that are not complete.
pub fn decode_bytes(vm: &Vm, input: &[u8], errors: Option<&str>) -> PyResult<Vec<u8>> {
    let mut out = Vec::with_capacity(input.len());
    let mut at = 0;
    while at < input.len() {
        if input[at] != b'\\' {
            out.push(input[at]);
            at += 1;
            continue;
        }
        let Some(&kind) = input.get(at + 1) else { return Err(vm.value_error("Trailing \\ in string")) };
        at += 2;
        if kind == b'\n' {
            continue;
        }
        if let Some(meant) = simple(kind) {
            out.push(meant);
        } else if kind.is_ascii_digit() && kind < b'8' {
            let (value, count) = octal(&input[at - 1..]);
            at += count - 1;
            if value > 0o377 {
                warn_invalid(vm, &format!("{value:o}"))?;
            }
            out.push(value as u8);
        } else if kind == b'x' {
            let (value, count) = hexadecimal(&input[at..], 2);
            if count == 2 {
                out.push(value as u8);
            } else {
                match errors {
                    None | Some("strict") => {
                        return Err(vm.value_error(format!("invalid \\x escape at position {}", at - 2)));
                    }
                    Some("replace") => out.push(b'?'),
                    Some("ignore") => {}
                    Some(other) => {
                        return Err(
                            vm.value_error(format!("decoding error; unknown error handling code: {other}"))
                        );
                    }
                }
            }
            at += count;
        } else {
            warn_invalid(vm, &char::from(kind).to_string())?;
            out.extend([b'\\', kind]);
        }
    }
    Ok(out)
}

//! UTF-7 (RFC 2152).

use crate::codecs::errors::Errors;
use crate::codecs::{Decoded, Decoding, Input};
use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::string::Str;
use crate::vm::Vm;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit_of(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Whether a character stands for itself when writing.
fn is_direct(c: u32) -> bool {
    match c {
        0x09 | 0x0a | 0x0d => true,
        0x20..=0x7d => !matches!(c as u8, b'+' | b'\\'),
        _ => false,
    }
}

/// The bytes of a text.
pub fn encode(text: &Object<Str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.length());
    let (mut bits, mut buffer, mut shifted) = (0u32, 0u64, false);
    let mut push_unit = |out: &mut Vec<u8>, bits: &mut u32, buffer: &mut u64, unit: u32| {
        *buffer = *buffer << 16 | u64::from(unit);
        *bits += 16;
        while *bits >= 6 {
            *bits -= 6;
            out.push(ALPHABET[(*buffer >> *bits & 0x3f) as usize]);
        }
        *buffer &= (1 << *bits) - 1;
    };
    for c in text.characters().iter() {
        if is_direct(c) {
            if shifted {
                if bits > 0 {
                    out.push(ALPHABET[(buffer << (6 - bits) & 0x3f) as usize]);
                    (bits, buffer) = (0, 0);
                }
                shifted = false;
                if digit_of(c as u8).is_some() || c == u32::from(b'-') {
                    out.push(b'-');
                }
            }
            out.push(c as u8);
            continue;
        }
        if !shifted {
            out.push(b'+');
            if c == u32::from(b'+') {
                out.push(b'-');
                continue;
            }
            shifted = true;
        }
        if c >= 0x1_0000 {
            push_unit(&mut out, &mut bits, &mut buffer, 0xd7c0 + (c >> 10));
            push_unit(&mut out, &mut bits, &mut buffer, 0xdc00 | c & 0x3ff);
        } else {
            push_unit(&mut out, &mut bits, &mut buffer, c);
        }
    }
    if bits > 0 {
        out.push(ALPHABET[(buffer << (6 - bits) & 0x3f) as usize]);
    }
    if shifted {
        out.push(b'-');
    }
    out
}

/// The state inside a shifted sequence.
#[derive(Default)]
struct Shift {
    bits: u32,
    buffer: u64,
    /// A high surrogate that waits for its partner.
    surrogate: u32,
}

impl Shift {
    /// Takes a digit; appends a character where one is complete.
    fn take(&mut self, digit: u32, push: &mut impl FnMut(u32)) {
        self.buffer = self.buffer << 6 | u64::from(digit);
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = (self.buffer >> self.bits & 0xffff) as u32;
        self.buffer &= (1 << self.bits) - 1;
        let waiting = std::mem::take(&mut self.surrogate);
        if waiting != 0 {
            if (0xdc00..0xe000).contains(&unit) {
                push(0x1_0000 + ((waiting & 0x3ff) << 10 | unit & 0x3ff));
                return;
            }
            push(waiting);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.surrogate = unit;
        } else {
            push(unit);
        }
    }
}

/// The text of bytes and how many of them were used.
///
/// # Errors
/// `UnicodeDecodeError` for sequences that are not well formed, unless they are handled.
pub fn decode(vm: &Vm, input: &[u8], errors: &Errors, is_final: bool) -> PyResult<Decoded> {
    let mut decoding = Decoding::new(vm, "utf7", errors, input);
    let mut input = Input::Given(input);
    let mut shift: Option<Shift> = None;
    let (mut at, mut start) = (0, 0);
    let mut unshifted: Option<Vec<u32>> = None;
    loop {
        while at < input.len() {
            let byte = input[at];
            if let Some(state) = &mut shift {
                if let Some(digit) = digit_of(byte) {
                    let pending = unshifted.get_or_insert_default();
                    state.take(digit, &mut |c| pending.push(c));
                    at += 1;
                    continue;
                }
                for c in unshifted.take().unwrap_or_default() {
                    decoding.out.push(c);
                }
                let state = shift.take().unwrap_or_default();
                let problem = match state.bits {
                    6.. => Some("partial character in base-64 sequence"),
                    1.. if state.buffer != 0 => Some("non-zero padding bits in shift sequence"),
                    _ => None,
                };
                if let Some(problem) = problem {
                    at = decoding.fail(start, at + 1, problem, &mut input)?;
                    continue;
                }
                if state.surrogate != 0 && byte < 0x80 && byte != b'+' {
                    decoding.out.push(state.surrogate);
                }
                if byte == b'-' {
                    at += 1;
                }
            } else if byte == b'+' {
                start = at;
                at += 1;
                match input.get(at) {
                    Some(b'-') => {
                        decoding.out.push(u32::from(b'+'));
                        at += 1;
                    }
                    Some(&next) if digit_of(next).is_none() => {
                        at = decoding.fail(start, at + 1, "ill-formed sequence", &mut input)?;
                    }
                    _ => shift = Some(Shift::default()),
                }
            } else if byte < 0x80 {
                decoding.out.push(u32::from(byte));
                at += 1;
            } else {
                start = at;
                at = decoding.fail(start, at + 1, "unexpected special character", &mut input)?;
            }
        }
        let Some(state) = shift.take() else { return Ok((decoding.out.finish(), at)) };
        if !is_final {
            return Ok((decoding.out.finish(), start));
        }
        for c in unshifted.take().unwrap_or_default() {
            decoding.out.push(c);
        }
        if state.surrogate != 0 || state.bits >= 6 || state.bits > 0 && state.buffer != 0 {
            at = decoding.fail(start, input.len(), "unterminated shift sequence", &mut input)?;
        }
        if at >= input.len() {
            return Ok((decoding.out.finish(), at));
        }
    }
}

//! The module `binascii`: bytes as text and back.

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use rspy_macros::pyfunctions;
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::exceptions::hierarchy::{PlainException, ValueError};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::types::bytes::{Bytes, hex_text};
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;

exception! {
    /// What malformed text raises.
    Error, "Error", "binascii", ValueError, weak
}

exception! {
    /// What incomplete data raises.
    Incomplete, "Incomplete", "binascii", PlainException, weak
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The functions of the module.
struct Functions;

/// Text to be turned into bytes: ASCII, or bytes that hold ASCII.
fn ascii(vm: &Vm, data: &Value) -> PyResult<Vec<u8>> {
    if let Some(text) = data.downcast::<Str>() {
        return match text.as_ascii() {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(vm.value_error("string argument should contain only ASCII characters")),
        };
    }
    match buffer::view(vm, data) {
        Ok(view) => Ok(view.to_vec()),
        Err(_) => Err(vm.type_error(format!(
            "argument should be bytes, buffer or ASCII string, not '{}'",
            data.type_of().full_name()
        ))),
    }
}

/// What each byte stands for in base64; [`NO_DIGIT`] where it is none.
const BASE64_DIGITS: [u8; 256] = digits_of(BASE64);
/// What each lower-case byte stands for as a hexadecimal digit.
const HEX_DIGITS: [u8; 256] = digits_of(b"0123456789abcdef");
const NO_DIGIT: u8 = 0xff;

/// The digit that each byte is in an alphabet.
const fn digits_of(alphabet: &[u8]) -> [u8; 256] {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < alphabet.len() {
        digits[alphabet[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
}

fn base64_digit(c: u8) -> Option<u8> {
    match BASE64_DIGITS[usize::from(c)] {
        NO_DIGIT => None,
        digit => Some(digit),
    }
}

/// Decodes what consists of whole groups of four digits at the beginning, and says how much that was.
fn whole_groups(data: &[u8], out: &mut Vec<u8>) -> usize {
    let mut done = 0;
    for group in data.chunks_exact(4) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| BASE64_DIGITS[usize::from(group[place])]);
        if a | b | c | d > 63 {
            break;
        }
        let word = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        let [_, bytes @ ..] = word.to_be_bytes();
        out.extend_from_slice(&bytes);
        done += 4;
    }
    done
}

fn from_base64(vm: &Vm, data: &[u8], strict: bool) -> PyResult<Vec<u8>> {
    if strict && data.first() == Some(&b'=') {
        return Err(Error::error(vm, "Leading padding not allowed"));
    }
    let mut out = Vec::with_capacity(data.len() / 4 * 3);
    let (mut quad, mut left, mut padding, mut padded) = (0u8, 0u8, 0u8, false);
    let done = whole_groups(data, &mut out);
    for (index, &c) in data.iter().enumerate().skip(done) {
        if c == b'=' {
            padded = true;
            if strict && quad == 0 {
                return Err(Error::error(vm, "Excess padding not allowed"));
            }
            padding = padding.saturating_add(1).min(4);
            if strict && quad >= 2 && quad + padding >= 4 {
                if index + 1 < data.len() {
                    let excess = if data[index + 1] == b'=' { "Excess padding not allowed" } else { "" };
                    let message = match data[index + 1] {
                        b'=' => excess,
                        next if base64_digit(next).is_some() => "Excess data after padding",
                        _ => "Only base64 data is allowed",
                    };
                    return Err(Error::error(vm, message));
                }
                return Ok(out);
            }
            continue;
        }
        let Some(digit) = base64_digit(c) else {
            if strict {
                return Err(Error::error(vm, "Only base64 data is allowed"));
            }
            continue;
        };
        if strict && padded {
            return Err(Error::error(vm, "Discontinuous padding not allowed"));
        }
        padding = 0;
        match quad {
            0 => left = digit,
            1 => {
                out.push(left << 2 | digit >> 4);
                left = digit & 15;
            }
            2 => {
                out.push(left << 4 | digit >> 2);
                left = digit & 3;
            }
            _ => out.push(left << 6 | digit),
        }
        quad = (quad + 1) % 4;
    }
    match quad {
        0 => Ok(out),
        1 => Err(Error::error(
            vm,
            format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                out.len() / 3 * 4 + 1
            ),
        )),
        // What follows a padding is taken for more data where the form is not strict.
        _ if quad + padding >= 4 => Ok(out),
        _ => Err(Error::error(vm, "Incorrect padding")),
    }
}

fn to_base64(data: &[u8], newline: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4 + usize::from(newline));
    let digit = |word: u32, place: u32| BASE64[(word >> (18 - 6 * place)) as usize & 63];
    let mut groups = data.chunks_exact(3);
    for group in &mut groups {
        let word = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        out.extend_from_slice(&[0, 1, 2, 3].map(|place| digit(word, place)));
    }
    match *groups.remainder() {
        [first] => {
            let word = u32::from(first) << 16;
            out.extend_from_slice(&[digit(word, 0), digit(word, 1), b'=', b'=']);
        }
        [first, second] => {
            let word = u32::from(first) << 16 | u32::from(second) << 8;
            out.extend_from_slice(&[digit(word, 0), digit(word, 1), digit(word, 2), b'=']);
        }
        _ => {}
    }
    if newline {
        out.push(b'\n');
    }
    out
}

fn from_hex(vm: &Vm, text: &Value) -> PyResult<Ref<Bytes>> {
    let text = ascii(vm, text)?;
    if text.len() % 2 != 0 {
        return Err(Error::error(vm, "Odd-length string"));
    }
    let digit = |c: u8| HEX_DIGITS[usize::from(c.to_ascii_lowercase())];
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks_exact(2) {
        let (high, low) = (digit(pair[0]), digit(pair[1]));
        if high | low > 15 {
            return Err(Error::error(vm, "Non-hexadecimal digit found"));
        }
        out.push(high << 4 | low);
    }
    Ok(Bytes::new(out))
}

fn to_hex(vm: &Vm, data: &BufferView, sep: Option<&Value>, every: i32) -> PyResult<Ref<Bytes>> {
    Ok(Bytes::new(hex_text(vm, data.as_slice(), sep, every)?))
}

#[pyfunctions]
impl Functions {
    /// Decode a line of uuencoded data.
    #[function("a2b_uu(data, /)")]
    fn a2b_uu(vm: &Vm, data: &Value) -> PyResult<Ref<Bytes>> {
        let data = ascii(vm, data)?;
        let Some((&first, mut rest)) = data.split_first() else {
            return Err(Error::error(vm, "Missing length byte"));
        };
        let length = usize::from(first.wrapping_sub(b' ') & 0x3f);
        let mut out = Vec::with_capacity(length);
        let (mut word, mut bits) = (0u32, 0);
        while out.len() < length {
            // A line that was cut short is filled with zeros.
            let digit = match rest.split_first() {
                None => 0,
                Some((b'\n' | b'\r', _)) => 0,
                Some((&c, tail)) => {
                    rest = tail;
                    if !(b' '..=b' ' + 64).contains(&c) {
                        return Err(Error::error(vm, "Illegal char"));
                    }
                    (c - b' ') & 0x3f
                }
            };
            word = word << 6 | u32::from(digit);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                out.push((word >> bits) as u8);
                word &= (1 << bits) - 1;
            }
        }
        // What pads the last group may follow, and the end of the line.
        if rest.iter().any(|&c| !matches!(c, b' ' | b'`' | b'\n' | b'\r')) {
            return Err(Error::error(vm, "Trailing garbage"));
        }
        Ok(Bytes::new(out))
    }

    /// Uuencode line of data.
    #[function("b2a_uu(data, /, *, backtick=False)")]
    fn b2a_uu(vm: &Vm, data: BufferView, backtick: bool) -> PyResult<Ref<Bytes>> {
        let data = data.as_slice();
        if data.len() > 45 {
            return Err(Error::error(vm, "At most 45 bytes at once"));
        }
        let digit = |digit: u32| if digit == 0 && backtick { b'`' } else { digit as u8 + b' ' };
        let mut out = vec![digit(data.len() as u32)];
        for group in data.chunks(3) {
            let byte = |place: usize| u32::from(*group.get(place).unwrap_or(&0));
            let word = byte(0) << 16 | byte(1) << 8 | byte(2);
            out.extend((0..4).map(|place| digit(word >> (18 - 6 * place) & 63)));
        }
        out.push(b'\n');
        Ok(Bytes::new(out))
    }

    /// Decode a line of base64 data.
    #[function("a2b_base64(data, /, *, strict_mode=False)")]
    fn a2b_base64(vm: &Vm, data: &Value, strict_mode: bool) -> PyResult<Ref<Bytes>> {
        Ok(Bytes::new(from_base64(vm, &ascii(vm, data)?, strict_mode)?))
    }

    /// Base64-code line of data.
    #[function("b2a_base64(data, /, *, newline=True)")]
    fn b2a_base64(data: BufferView, newline: bool) -> Ref<Bytes> {
        Bytes::new(to_base64(data.as_slice(), newline))
    }

    /// Compute CRC-CCITT incrementally.
    #[function("crc_hqx(data, crc, /)")]
    fn crc_hqx(data: BufferView, crc: BigInt) -> u32 {
        let start = (crc & BigInt::from(0xffff)).to_u32().unwrap_or(0);
        data.as_slice().iter().fold(start, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte) << 8, |crc, _| {
                let next = crc << 1;
                (if crc & 0x8000 != 0 { next ^ 0x1021 } else { next }) & 0xffff
            })
        })
    }

    /// Compute CRC-32 incrementally.
    #[function("crc32(data, crc=0, /)")]
    fn crc32(data: BufferView, crc: Option<BigInt>) -> u32 {
        let start = crc.map_or(0, |crc| (crc & BigInt::from(u32::MAX)).to_u32().unwrap_or(0));
        crate::zlib::crc32(start, data.as_slice())
    }

    /// Hexadecimal representation of binary data.
    ///
    /// The return value is a bytes object.  This function is also available as "hexlify()".
    #[function("b2a_hex(data, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn b2a_hex(vm: &Vm, data: BufferView, sep: Option<&Value>, bytes_per_sep: i32) -> PyResult<Ref<Bytes>> {
        to_hex(vm, &data, sep, bytes_per_sep)
    }

    /// Hexadecimal representation of binary data.
    ///
    /// The return value is a bytes object.
    #[function("hexlify(data, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hexlify(vm: &Vm, data: BufferView, sep: Option<&Value>, bytes_per_sep: i32) -> PyResult<Ref<Bytes>> {
        to_hex(vm, &data, sep, bytes_per_sep)
    }

    /// Binary data of hexadecimal representation.
    ///
    /// hexstr must contain an even number of hex digits (upper or lower case).
    /// This function is also available as "unhexlify()".
    #[function("a2b_hex(hexstr, /)")]
    fn a2b_hex(vm: &Vm, hexstr: &Value) -> PyResult<Ref<Bytes>> {
        from_hex(vm, hexstr)
    }

    /// Binary data of hexadecimal representation.
    ///
    /// hexstr must contain an even number of hex digits (upper or lower case).
    #[function("unhexlify(hexstr, /)")]
    fn unhexlify(vm: &Vm, hexstr: &Value) -> PyResult<Ref<Bytes>> {
        from_hex(vm, hexstr)
    }

    /// Decode a string of qp-encoded data.
    #[function("a2b_qp(data, header=False)")]
    fn a2b_qp(vm: &Vm, data: &Value, header: bool) -> PyResult<Ref<Bytes>> {
        Ok(Bytes::new(from_quoted_printable(&ascii(vm, data)?, header)))
    }

    /// Encode a string using quoted-printable encoding.
    ///
    /// On encoding, when istext is set, newlines are not encoded, and white space at end of lines is.  When istext is
    /// not set, \r and \n (CR/LF) are both encoded.  When quotetabs is set, space and tabs are encoded.
    #[function("b2a_qp(data, quotetabs=False, istext=True, header=False)")]
    fn b2a_qp(data: BufferView, quotetabs: bool, istext: bool, header: bool) -> Ref<Bytes> {
        Bytes::new(to_quoted_printable(data.as_slice(), quotetabs, istext, header))
    }
}

fn from_quoted_printable(data: &[u8], header: bool) -> Vec<u8> {
    let digit = |c: Option<&u8>| c.and_then(|&c| (c as char).to_digit(16)).map(|digit| digit as u8);
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    while at < data.len() {
        match data[at] {
            b'=' => {
                at += 1;
                match data.get(at) {
                    None => break,
                    // A soft line break: everything up to the end of the line.
                    Some(b'\n' | b'\r') => {
                        while at < data.len() && data[at] != b'\n' {
                            at += 1;
                        }
                        at += 1;
                    }
                    // Some broken encoders double the sign.
                    Some(b'=') => {
                        out.push(b'=');
                        at += 1;
                    }
                    first => match (digit(first), digit(data.get(at + 1))) {
                        (Some(high), Some(low)) => {
                            out.push(high << 4 | low);
                            at += 2;
                        }
                        _ => out.push(b'='),
                    },
                }
            }
            b'_' if header => {
                out.push(b' ');
                at += 1;
            }
            c => {
                out.push(c);
                at += 1;
            }
        }
    }
    out
}

fn to_quoted_printable(data: &[u8], quote_tabs: bool, is_text: bool, header: bool) -> Vec<u8> {
    const LINE: usize = 76;
    // Lines are broken as the data breaks them first.
    let crlf = memchr::memchr(b'\n', data).is_some_and(|place| place > 0 && data[place - 1] == b'\r');
    let line_break: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let mut out = Vec::with_capacity(data.len() * 2);
    let mut line = 0;
    let mut at = 0;
    let quote = |out: &mut Vec<u8>, c: u8| out.extend_from_slice(format!("={c:02X}").as_bytes());
    while at < data.len() {
        let c = data[at];
        let next = data.get(at + 1).copied();
        let must_quote = c > 126
            || c == b'='
            || (header && c == b'_')
            || (c == b'.'
                && line == 0
                && matches!(next, None | Some(b'\n' | b'\r' | 0)))
            || (!is_text && (c == b'\r' || c == b'\n'))
            || ((c == b'\t' || c == b' ') && next.is_none())
            || (c < 33 && c != b'\r' && c != b'\n' && c != b'\t' && c != b' ')
            || (c < 33 && quote_tabs && c != b'\r' && c != b'\n');
        if must_quote {
            if line + 3 >= LINE {
                out.push(b'=');
                out.extend_from_slice(line_break);
                line = 0;
            }
            quote(&mut out, c);
            at += 1;
            line += 3;
            continue;
        }
        let is_break = is_text && (c == b'\n' || (c == b'\r' && next == Some(b'\n')));
        if is_break {
            line = 0;
            // White space at the end of a line is protected.
            if let Some(&last @ (b' ' | b'\t')) = out.last() {
                out.pop();
                quote(&mut out, last);
            }
            out.extend_from_slice(line_break);
            at += if c == b'\r' { 2 } else { 1 };
            continue;
        }
        if next.is_some_and(|next| next != b'\n') && line + 1 >= LINE {
            out.push(b'=');
            out.extend_from_slice(line_break);
            line = 0;
        }
        line += 1;
        out.push(if header && c == b' ' { b'_' } else { c });
        at += 1;
    }
    out
}

native_module! {
    name: "binascii", doc: "Conversion between binary data and ASCII",
    functions: [Functions::FUNCTIONS], types: [Error, Incomplete], execute: |_, _| Ok(())
}

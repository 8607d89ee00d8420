//! UTF-16 and UTF-32, in both byte orders, with and without a byte order mark.

use crate::codecs::errors::Errors;
use crate::codecs::{Decoded, Decoding, Encoding, Input};
use crate::exceptions::PyResult;
use crate::object::Object;
use crate::types::string::Str;
use crate::vm::Vm;

/// The order of the bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The machine's; with a mark when writing, as a mark says when reading.
    Native,
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

impl Order {
    /// From CPython's number: negative for little, positive for big.
    pub fn from_number(number: i32) -> Order {
        match number {
            0 => Order::Native,
            ..0 => Order::Little,
            1.. => Order::Big,
        }
    }

    /// CPython's number.
    pub const fn number(self) -> i32 {
        match self {
            Order::Native => 0,
            Order::Little => -1,
            Order::Big => 1,
        }
    }

    const fn is_big(self) -> bool {
        match self {
            Order::Native => cfg!(target_endian = "big"),
            Order::Little => false,
            Order::Big => true,
        }
    }

    const fn settled(big: bool) -> Order {
        if big { Order::Big } else { Order::Little }
    }
}

fn push16(out: &mut Vec<u8>, unit: u16, big: bool) {
    out.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
}

fn push32(out: &mut Vec<u8>, unit: u32, big: bool) {
    out.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
}

fn name16(order: Order) -> &'static str {
    ["utf-16-le", "utf-16", "utf-16-be"][(order.number() + 1) as usize]
}

fn name32(order: Order) -> &'static str {
    ["utf-32-le", "utf-32", "utf-32-be"][(order.number() + 1) as usize]
}

/// The UTF-16 bytes of a text.
///
/// # Errors
/// `UnicodeEncodeError` for lone surrogates, unless they are handled.
pub fn encode16(vm: &Vm, text: &Object<Str>, errors: &Errors, order: Order) -> PyResult<Vec<u8>> {
    encode(vm, text, errors, order, name16(order), |out, c, big| {
        if c < 0x1_0000 {
            push16(out, c as u16, big);
        } else {
            push16(out, (0xd7c0 + (c >> 10)) as u16, big);
            push16(out, (0xdc00 | (c & 0x3ff)) as u16, big);
        }
    })
}

/// The UTF-32 bytes of a text.
///
/// # Errors
/// `UnicodeEncodeError` for lone surrogates, unless they are handled.
pub fn encode32(vm: &Vm, text: &Object<Str>, errors: &Errors, order: Order) -> PyResult<Vec<u8>> {
    encode(vm, text, errors, order, name32(order), push32)
}

fn encode(
    vm: &Vm,
    text: &Object<Str>,
    errors: &Errors,
    order: Order,
    name: &str,
    push: impl Fn(&mut Vec<u8>, u32, bool),
) -> PyResult<Vec<u8>> {
    let big = order.is_big();
    let characters = text.characters();
    let mut encoding = Encoding::new(vm, name, errors, text);
    if order == Order::Native {
        push(&mut encoding.out, 0xfeff, big);
    }
    let mut at = 0;
    while at < characters.len() {
        let c = characters.get(at);
        if (0xd800..0xe000).contains(&c) {
            at = encoding.fail(at, at + 1, "surrogates not allowed", |out, c| {
                push(out, c, big);
                !(0xd800..0xe000).contains(&c)
            })?;
        } else {
            push(&mut encoding.out, c, big);
            at += 1;
        }
    }
    Ok(encoding.out)
}

/// The text of UTF-16 bytes, and the byte order that was found.
///
/// # Errors
/// `UnicodeDecodeError` for units that do not fit together, unless they are handled.
pub fn decode16(
    vm: &Vm,
    input: &[u8],
    errors: &Errors,
    order: Order,
    is_final: bool,
) -> PyResult<(Decoded, Order)> {
    let mut at = 0;
    let mut found = order;
    if order == Order::Native && input.len() >= 2 {
        match input[..2] {
            [0xff, 0xfe] => (found, at) = (Order::Little, 2),
            [0xfe, 0xff] => (found, at) = (Order::Big, 2),
            _ => {}
        }
    }
    let big = found.is_big();
    let unit = |input: &[u8], at: usize| {
        let pair = [input[at], input[at + 1]];
        u32::from(if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    let mut decoding = Decoding::new(vm, name16(Order::settled(big)), errors, input);
    let mut input = Input::Given(input);
    while at < input.len() {
        if at + 1 == input.len() {
            if !is_final {
                break;
            }
            at = decoding.fail(at, input.len(), "truncated data", &mut input)?;
            continue;
        }
        let first = unit(&input, at);
        at = match first {
            0xd800..=0xdbff if at + 3 < input.len() => {
                let second = unit(&input, at + 2);
                if (0xdc00..0xe000).contains(&second) {
                    decoding.out.push(0x1_0000 + ((first & 0x3ff) << 10 | second & 0x3ff));
                    at + 4
                } else {
                    decoding.fail(at, at + 2, "illegal UTF-16 surrogate", &mut input)?
                }
            }
            0xd800..=0xdbff if !is_final => break,
            0xd800..=0xdbff => decoding.fail(at, input.len(), "unexpected end of data", &mut input)?,
            0xdc00..=0xdfff => decoding.fail(at, at + 2, "illegal encoding", &mut input)?,
            c => {
                decoding.out.push(c);
                at + 2
            }
        };
    }
    Ok(((decoding.out.finish(), at), found))
}

/// The text of UTF-32 bytes, and the byte order that was found.
///
/// # Errors
/// `UnicodeDecodeError` for units that are no characters, unless they are handled.
pub fn decode32(
    vm: &Vm,
    input: &[u8],
    errors: &Errors,
    order: Order,
    is_final: bool,
) -> PyResult<(Decoded, Order)> {
    let mut at = 0;
    let mut found = order;
    if order == Order::Native && input.len() >= 4 {
        match input[..4] {
            [0xff, 0xfe, 0, 0] => (found, at) = (Order::Little, 4),
            [0, 0, 0xfe, 0xff] => (found, at) = (Order::Big, 4),
            _ => {}
        }
    }
    let big = found.is_big();
    let mut decoding = Decoding::new(vm, name32(Order::settled(big)), errors, input);
    let mut input = Input::Given(input);
    while at < input.len() {
        let &[a, b, c, d, ..] = &input[at..] else {
            if !is_final {
                break;
            }
            at = decoding.fail(at, input.len(), "truncated data", &mut input)?;
            continue;
        };
        let four = [a, b, c, d];
        at = match if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) } {
            0xd800..=0xdfff => decoding.fail(
                at,
                at + 4,
                "code point in surrogate code point range(0xd800, 0xe000)",
                &mut input,
            )?,
            0x11_0000.. => decoding.fail(at, at + 4, "code point not in range(0x110000)", &mut input)?,
            c => {
                decoding.out.push(c);
                at + 4
            }
        };
    }
    Ok(((decoding.out.finish(), at), found))
}

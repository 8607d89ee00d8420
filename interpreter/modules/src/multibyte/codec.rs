//! What a codec does with the next bytes or the next character.

use super::iso2022::{self, Configuration};
use super::tables::{Direct, First, Found, Table, direct, tables};

/// What a codec remembers from one sequence to the next, in the form that programs see.
pub type State = [u8; 8];

/// A codec.
pub struct Codec {
    /// Its name in errors.
    pub name: &'static str,
    /// How it works.
    pub kind: Kind,
}

/// How a codec works.
pub enum Kind {
    /// By its table alone.
    Direct(Table),
    /// By its table, with all other characters in four bytes.
    Gb18030,
    /// By its table, with other syllables composed of letters.
    EucKr,
    /// With a second mode for double bytes (RFC 1843).
    Hz,
    /// With character sets that escape sequences designate.
    Iso2022(Configuration),
}

/// What the next bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// A character, or two, of so many bytes.
    Characters(usize, u32, Option<u32>),
    /// So many bytes that only change the state.
    Nothing(usize),
    /// The beginning of something.
    Unfinished,
    /// So many bytes that mean nothing.
    Illegal(usize),
}

/// What became of the next character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoded {
    /// It, or it and the one behind it, has been written.
    Characters(usize),
    /// The one behind it matters, and is not there yet.
    Unfinished,
    /// It has no place in the encoding.
    Illegal,
}

/// The next characters of a text.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    /// The next.
    pub first: u32,
    /// The one behind it.
    pub second: Option<u32>,
    /// Whether the text ends for good where it ends.
    pub is_final: bool,
}

impl Codec {
    /// The state that encoding and decoding begin with.
    pub fn initial(&self) -> State {
        match &self.kind {
            Kind::Iso2022(_) => iso2022::INITIAL,
            _ => [0; 8],
        }
    }

    /// The state that decoding begins with; ISO 2022 has one more set there.
    pub fn initial_decoder(&self) -> State {
        match &self.kind {
            Kind::Iso2022(_) => iso2022::INITIAL_DECODER,
            _ => [0; 8],
        }
    }

    /// Writes what leads back to the initial state.
    pub fn reset_encoder(&self, state: &mut State, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Hz if state[0] != 0 => {
                out.extend_from_slice(b"~}");
                state[0] = 0;
            }
            Kind::Iso2022(_) => iso2022::reset_encoder(state, out),
            _ => {}
        }
    }

    /// Back to the beginning of a text.
    pub fn reset_decoder(&self, state: &mut State) {
        match &self.kind {
            Kind::Hz => state[0] = 0,
            Kind::Iso2022(_) => iso2022::reset_decoder(state),
            _ => {}
        }
    }

    /// What the next bytes are; there is at least one.
    pub fn decode(&self, state: &mut State, input: &[u8]) -> Decoded {
        match &self.kind {
            Kind::Direct(table) => decode_direct(direct(*table), input),
            Kind::Gb18030 => decode_gb18030(input),
            Kind::EucKr => decode_euc_kr(input),
            Kind::Hz => decode_hz(state, input),
            Kind::Iso2022(configuration) => iso2022::decode(configuration, state, input),
        }
    }

    /// Writes the next character.
    pub fn encode(&self, state: &mut State, ahead: Ahead, out: &mut Vec<u8>) -> Encoded {
        match &self.kind {
            Kind::Direct(table) => encode_direct(direct(*table), ahead, out),
            Kind::Gb18030 => encode_gb18030(ahead, out),
            Kind::EucKr => encode_euc_kr(ahead, out),
            Kind::Hz => encode_hz(state, ahead, out),
            Kind::Iso2022(configuration) => iso2022::encode(configuration, state, ahead, out),
        }
    }
}

/// What a sequence of so many bytes is.
pub(super) fn outcome(found: Found, bytes: usize) -> Decoded {
    match found {
        Found::Characters(first, second) => Decoded::Characters(bytes, first, second),
        Found::Nothing => Decoded::Illegal(1),
        Found::Illegal => Decoded::Illegal(bytes),
    }
}

fn decode_direct(table: &Direct, input: &[u8]) -> Decoded {
    match (table.first(input[0]), input) {
        (First::Character(c), _) => Decoded::Characters(1, c, None),
        (First::Invalid, _) => Decoded::Illegal(1),
        (First::Lead, &[lead, second, ..]) => outcome(table.two(lead, second), 2),
        (First::Lead3, &[lead, second, third, ..]) => outcome(table.three(lead, second, third), 3),
        _ => Decoded::Unfinished,
    }
}

/// Writes a code of one to three bytes.
pub(super) fn push_code(code: u32, out: &mut Vec<u8>) {
    let bytes = code.to_be_bytes();
    let skipped = bytes.iter().take(3).take_while(|byte| **byte == 0).count();
    out.extend_from_slice(&bytes[skipped..]);
}

fn encode_direct(table: &Direct, ahead: Ahead, out: &mut Vec<u8>) -> Encoded {
    let c = ahead.first;
    if c == 0 {
        out.push(0);
        return Encoded::Characters(1);
    }
    if table.begins_pair(c) {
        match ahead.second {
            None if !ahead.is_final => return Encoded::Unfinished,
            Some(second) if let Some(code) = table.encode_pair(c, second) => {
                push_code(code, out);
                return Encoded::Characters(2);
            }
            _ => {}
        }
    }
    match table.encode(c) {
        Some(code) => {
            push_code(code, out);
            Encoded::Characters(1)
        }
        None => Encoded::Illegal,
    }
}

/// The number of the first four-byte sequence beyond the basic plane.
const BEYOND: u32 = 189_000;

fn decode_gb18030(input: &[u8]) -> Decoded {
    let table = direct(Table::Gb18030);
    let &[lead, b'0'..=b'9', ref rest @ ..] = input else { return decode_direct(table, input) };
    if table.first(lead) != First::Lead {
        return decode_direct(table, input);
    }
    let &[third, fourth, ..] = rest else { return Decoded::Unfinished };
    if !(0x81..=0xFE).contains(&third) || !fourth.is_ascii_digit() {
        return Decoded::Illegal(1);
    }
    let digit = |byte: u8| u32::from(byte - b'0');
    let letter = |byte: u8| u32::from(byte - 0x81);
    let index = ((letter(lead) * 10 + digit(input[1])) * 126 + letter(third)) * 10 + digit(fourth);
    let found = match index.checked_sub(BEYOND) {
        Some(beyond) => Some(0x1_0000 + beyond).filter(|&c| c < 0x11_0000),
        None => tables().four_bytes(index),
    };
    found.map_or(Decoded::Illegal(1), |c| Decoded::Characters(4, c, None))
}

fn encode_gb18030(ahead: Ahead, out: &mut Vec<u8>) -> Encoded {
    let written = encode_direct(direct(Table::Gb18030), ahead, out);
    if written != Encoded::Illegal {
        return written;
    }
    let index = match ahead.first.checked_sub(0x1_0000) {
        Some(beyond) => Some(BEYOND + beyond),
        None => tables().four_byte_index(ahead.first),
    };
    let Some(index) = index else { return Encoded::Illegal };
    let (rest, fourth) = (index / 10, index % 10);
    let (rest, third) = (rest / 126, rest % 126);
    let (first, second) = (rest / 10, rest % 10);
    out.extend([0x81 + first as u8, b'0' + second as u8, 0x81 + third as u8, b'0' + fourth as u8]);
    Encoded::Characters(1)
}

/// The bytes of the letters that composed syllables begin with.
const INITIALS: [u8; 19] = [
    0xA1, 0xA2, 0xA4, 0xA7, 0xA8, 0xA9, 0xB1, 0xB2, 0xB3, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xBB, 0xBC, 0xBD, 0xBE,
];
/// The byte of the first vowel; the others follow.
const FIRST_VOWEL: u8 = 0xBF;
const VOWELS: u32 = 21;
/// The bytes of the letters that they end with; the first stands for none.
const FINALS: [u8; 28] = [
    0xD4, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF, 0xB0, 0xB1, 0xB2, 0xB4,
    0xB5, 0xB6, 0xB7, 0xB8, 0xBA, 0xBB, 0xBC, 0xBD, 0xBE,
];
/// The row of letters.
const LETTERS: u8 = 0xA4;
/// In that row, what composed syllables begin with, and what stands for no last letter.
const FILLER: u8 = 0xD4;
const FIRST_SYLLABLE: u32 = 0xAC00;

fn decode_euc_kr(input: &[u8]) -> Decoded {
    if !input.starts_with(&[LETTERS, FILLER]) {
        return decode_direct(direct(Table::EucKr), input);
    }
    let Some(&[_, _, a, initial, b, vowel, c, last]) = input.first_chunk::<8>() else { return Decoded::Unfinished };
    let place = |letters: &[u8], letter: u8| letters.iter().position(|&other| other == letter);
    let initial = place(&INITIALS, initial);
    let vowel = vowel.checked_sub(FIRST_VOWEL).map(u32::from).filter(|&vowel| vowel < VOWELS);
    match (initial, vowel, place(&FINALS, last)) {
        (Some(initial), Some(vowel), Some(last)) if [a, b, c] == [LETTERS; 3] => {
            let syllable = (initial as u32 * VOWELS + vowel) * FINALS.len() as u32 + last as u32;
            Decoded::Characters(8, FIRST_SYLLABLE + syllable, None)
        }
        _ => Decoded::Illegal(1),
    }
}

fn encode_euc_kr(ahead: Ahead, out: &mut Vec<u8>) -> Encoded {
    let written = encode_direct(direct(Table::EucKr), ahead, out);
    if written != Encoded::Illegal || !(FIRST_SYLLABLE..0xD7A4).contains(&ahead.first) {
        return written;
    }
    let (rest, last) = ((ahead.first - FIRST_SYLLABLE) / 28, (ahead.first - FIRST_SYLLABLE) % 28);
    let (initial, vowel) = (rest / VOWELS, rest % VOWELS);
    out.extend([LETTERS, FILLER, LETTERS, INITIALS[initial as usize]]);
    out.extend([LETTERS, FIRST_VOWEL + vowel as u8, LETTERS, FINALS[last as usize]]);
    Encoded::Characters(1)
}

fn decode_hz(state: &mut State, input: &[u8]) -> Decoded {
    let double = state[0] != 0;
    match *input {
        [b'~'] => Decoded::Unfinished,
        [b'~', b'~', ..] if !double => Decoded::Characters(2, u32::from(b'~'), None),
        [b'~', b'\n', ..] if !double => Decoded::Nothing(2),
        [b'~', b'{', ..] if !double => {
            state[0] = 1;
            Decoded::Nothing(2)
        }
        [b'~', b'}', ..] if double => {
            state[0] = 0;
            Decoded::Nothing(2)
        }
        [b'~' | 0x80.., ..] => Decoded::Illegal(1),
        [byte, ..] if !double => Decoded::Characters(1, u32::from(byte), None),
        [lead, second, ..] => outcome(direct(Table::SetGb2312).two(lead, second), 2),
        _ => Decoded::Unfinished,
    }
}

fn encode_hz(state: &mut State, ahead: Ahead, out: &mut Vec<u8>) -> Encoded {
    let c = ahead.first;
    if c < 0x80 {
        if state[0] != 0 {
            out.extend_from_slice(b"~}");
            state[0] = 0;
        }
        out.push(c as u8);
        if c == u32::from(b'~') {
            out.push(b'~');
        }
        return Encoded::Characters(1);
    }
    let Some(code) = direct(Table::Gb2312).encode(c) else { return Encoded::Illegal };
    if state[0] == 0 {
        out.extend_from_slice(b"~{");
        state[0] = 1;
    }
    push_code(code & 0x7F7F, out);
    Encoded::Characters(1)
}

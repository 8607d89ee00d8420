//! ISO 2022: escape sequences designate character sets; some encodings shift between two of them.

use super::codec::{Ahead, Decoded, Encoded, State, outcome, push_code};
use super::tables::{Direct, Table, direct};

const ESCAPE: u8 = 0x1B;
const SHIFT_OUT: u8 = 0x0E;
const SHIFT_IN: u8 = 0x0F;
/// Escape sequences end within so many bytes.
const LONGEST_ESCAPE: usize = 16;

/// The mark of a set of double bytes in the state.
const DOUBLE: u8 = 0x80;
const ASCII: u8 = b'B';

/// The place of the flags in the state; before it are the sets G0 to G3.
const FLAGS: usize = 4;
/// The set G1 is used, not G0.
const SHIFTED: u8 = 1;
/// An escape sequence of no meaning goes through as it is.
const PASSING: u8 = 2;

/// The state of an encoder.
pub const INITIAL: State = [ASCII, ASCII, 0, 0, 0, 0, 0, 0];
/// The state of a decoder.
pub const INITIAL_DECODER: State = [ASCII, ASCII, ASCII, 0, 0, 0, 0, 0];

/// One of the encodings.
pub struct Configuration {
    /// Whether there is shifting to G1.
    pub shifts: bool,
    /// Whether single characters of G2 can be used.
    pub uses_g2: bool,
    /// Whether JIS X 0208 may be announced with its edition.
    pub announces: bool,
    /// The sets, in the order in which they are tried.
    pub sets: &'static [Set],
}

/// A set as an encoding uses it.
pub struct Set {
    /// The last byte of the sequence that designates it, marked where it is of double bytes.
    mark: u8,
    /// G0 or G1.
    is_g1: bool,
    charset: Charset,
}

/// What is in a set.
enum Charset {
    /// Double bytes by a table.
    Double(Table),
    /// As well, where it is used for pairs of characters alone.
    PairsOnly(Table),
    /// Roman letters, with two exceptions.
    Roman,
    /// Half-width katakana.
    Katakana,
    /// Single characters from G2.
    Single,
}

const fn set(mark: u8, charset: Charset) -> Set {
    Set { mark, is_g1: false, charset }
}

/// JIS X 0208.
pub const JISX0208: Set = set(b'B' | DOUBLE, Charset::Double(Table::SetJisX0208));
/// JIS X 0208 by the mark of its first edition.
pub const JISX0208_OLD: Set = set(b'@' | DOUBLE, Charset::Double(Table::SetJisX0208));
/// JIS X 0212.
pub const JISX0212: Set = set(b'D' | DOUBLE, Charset::Double(Table::SetJisX0212));
/// JIS X 0201, Roman.
pub const ROMAN: Set = set(b'J', Charset::Roman);
/// JIS X 0201, katakana.
pub const KATAKANA: Set = set(b'I', Charset::Katakana);
/// KS X 1001.
pub const KSX1001: Set = set(b'C' | DOUBLE, Charset::Double(Table::SetKsX1001));
/// KS X 1001 in G1.
pub const KSX1001_G1: Set = Set { is_g1: true, ..KSX1001 };
/// GB 2312.
pub const GB2312: Set = set(b'A' | DOUBLE, Charset::Double(Table::SetGb2312));
/// ISO 8859-1, of which single characters are used.
pub const LATIN: Set = set(b'A', Charset::Single);
/// ISO 8859-7, of which single characters are used.
pub const GREEK: Set = set(b'F', Charset::Single);
/// JIS X 0213:2000, plane 1, for pairs.
pub const JISX0213_2000_PAIRS: Set = set(b'O' | DOUBLE, Charset::PairsOnly(Table::SetJisX0213Of2000Plane1));
/// JIS X 0213:2000, plane 1.
pub const JISX0213_2000_1: Set = set(b'O' | DOUBLE, Charset::Double(Table::SetJisX0213Of2000Plane1));
/// JIS X 0213:2000, plane 2.
pub const JISX0213_2000_2: Set = set(b'P' | DOUBLE, Charset::Double(Table::SetJisX0213Of2000Plane2));
/// JIS X 0213:2004, plane 1, for pairs.
pub const JISX0213_2004_PAIRS: Set = set(b'Q' | DOUBLE, Charset::PairsOnly(Table::SetJisX0213Of2004Plane1));
/// JIS X 0213:2004, plane 1.
pub const JISX0213_2004_1: Set = set(b'Q' | DOUBLE, Charset::Double(Table::SetJisX0213Of2004Plane1));
/// JIS X 0213:2004, plane 2.
pub const JISX0213_2004_2: Set = set(b'P' | DOUBLE, Charset::Double(Table::SetJisX0213Of2004Plane2));

/// Back to ASCII.
pub fn reset_encoder(state: &mut State, out: &mut Vec<u8>) {
    shift(state, false, out);
    designate_ascii(state, out);
}

/// Back to ASCII.
pub fn reset_decoder(state: &mut State) {
    state[0] = ASCII;
    state[FLAGS] &= !SHIFTED;
}

fn shift(state: &mut State, to_g1: bool, out: &mut Vec<u8>) {
    if (state[FLAGS] & SHIFTED != 0) != to_g1 {
        out.push(if to_g1 { SHIFT_OUT } else { SHIFT_IN });
        state[FLAGS] ^= SHIFTED;
    }
}

fn designate_ascii(state: &mut State, out: &mut Vec<u8>) {
    if state[0] != ASCII {
        out.extend([ESCAPE, b'(', ASCII]);
        state[0] = ASCII;
    }
}

// ----- decoding -----

/// What the next bytes are.
pub fn decode(configuration: &Configuration, state: &mut State, input: &[u8]) -> Decoded {
    let byte = input[0];
    let itself = Decoded::Characters(1, u32::from(byte), None);
    if state[FLAGS] & PASSING != 0 {
        if ends_escape(byte) {
            state[FLAGS] &= !PASSING;
        }
        return itself;
    }
    match byte {
        ESCAPE => match input.get(1) {
            None => Decoded::Unfinished,
            Some(b'(' | b')' | b'$' | b'.' | b'&') => designate(configuration, state, input),
            Some(b'N') if configuration.uses_g2 => match input.get(2) {
                Some(&third) => decode_g2(state, third),
                None => Decoded::Unfinished,
            },
            Some(_) => {
                state[FLAGS] |= PASSING;
                itself
            }
        },
        SHIFT_IN | SHIFT_OUT if configuration.shifts => {
            state[FLAGS] = if byte == SHIFT_OUT { state[FLAGS] | SHIFTED } else { state[FLAGS] & !SHIFTED };
            Decoded::Nothing(1)
        }
        b'\n' => {
            state[FLAGS] &= !SHIFTED;
            itself
        }
        ..0x20 => itself,
        0x80.. => Decoded::Illegal(1),
        _ => decode_by_set(configuration, state[usize::from(state[FLAGS] & SHIFTED)], input),
    }
}

fn decode_by_set(configuration: &Configuration, mark: u8, input: &[u8]) -> Decoded {
    let byte = input[0];
    let single = |c: Option<u32>| c.map_or(Decoded::Illegal(1), |c| Decoded::Characters(1, c, None));
    if mark == ASCII {
        return single(Some(u32::from(byte)));
    }
    let Some(set) = configuration.sets.iter().find(|set| set.mark == mark) else { return Decoded::Illegal(1) };
    match &set.charset {
        Charset::Double(table) | Charset::PairsOnly(table) => match *input {
            [lead, second, ..] => match outcome(direct(*table).two(lead, second), 2) {
                Decoded::Illegal(_) => Decoded::Illegal(2),
                found => found,
            },
            _ => Decoded::Unfinished,
        },
        Charset::Roman => single(Some(match byte {
            b'\\' => 0xA5,
            b'~' => 0x203E,
            byte => u32::from(byte),
        })),
        Charset::Katakana => {
            single(Some(byte).filter(|byte| (0x21..0x60).contains(byte)).map(|byte| 0xFF40 + u32::from(byte)))
        }
        Charset::Single => Decoded::Illegal(1),
    }
}

fn ends_escape(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b'@'
}

/// Follows an escape sequence.
fn designate(configuration: &Configuration, state: &mut State, input: &[u8]) -> Decoded {
    let length = match escape_length(configuration, input) {
        Ok(length) => length,
        Err(outcome) => return outcome,
    };
    let sequence = &input[1..length];
    let (mark, place) = match *sequence {
        [b'$', last] => (last | DOUBLE, 0),
        [b'(', last] => (last, 0),
        [b')', last] => (last, 1),
        [b'.', last] if configuration.uses_g2 => (last, 2),
        [b'$', b'(', last] => (last | DOUBLE, 0),
        [b'$', b')', last] => (last | DOUBLE, 1),
        [_, _, ESCAPE, b'$', b'B'] if configuration.announces => (b'B' | DOUBLE, 0),
        _ => return Decoded::Illegal(length),
    };
    if mark != ASCII && !configuration.sets.iter().any(|set| set.mark == mark) {
        return Decoded::Illegal(length);
    }
    state[place] = mark;
    Decoded::Nothing(length)
}

fn escape_length(configuration: &Configuration, input: &[u8]) -> Result<usize, Decoded> {
    let mut at = 1;
    while at < LONGEST_ESCAPE {
        match input[at.min(input.len())..] {
            [] => return Err(Decoded::Unfinished),
            [byte, ..] if ends_escape(byte) => return Ok(at + 1),
            // The announcement of an edition, in front of the designation itself.
            [b'&', b'@', ..] if configuration.announces => at += 2,
            _ => {}
        }
        at += 1;
    }
    Err(Decoded::Illegal(1))
}

/// A single character of G2.
fn decode_g2(state: &State, byte: u8) -> Decoded {
    let found = match (state[2], byte) {
        (b'A', ..0x80) => Some(u32::from(byte) + 0x80),
        (b'F', _) => greek(byte ^ 0x80),
        (ASCII, ..0x80) => Some(u32::from(byte)),
        _ => None,
    };
    found.map_or(Decoded::Illegal(3), |c| Decoded::Characters(3, c, None))
}

/// ISO 8859-7 as these encodings know it.
fn greek(byte: u8) -> Option<u32> {
    let c = u32::from(byte);
    match byte {
        0xA1 => Some(0x2018),
        0xA2 => Some(0x2019),
        0xAF => Some(0x2015),
        ..0xA0 | 0xA0 | 0xA3 | 0xA6..=0xA9 | 0xAB..=0xAD | 0xB0..=0xB3 | 0xB7 | 0xBB | 0xBD => Some(c),
        0xB4..=0xD1 | 0xD3..=0xFE => Some(c + 0x2D0),
        _ => None,
    }
}

// ----- encoding -----

/// Writes the next character.
pub fn encode(configuration: &Configuration, state: &mut State, ahead: Ahead, out: &mut Vec<u8>) -> Encoded {
    if let Ok(byte @ ..0x80) = u8::try_from(ahead.first) {
        designate_ascii(state, out);
        shift(state, false, out);
        out.push(byte);
        return Encoded::Characters(1);
    }
    for set in configuration.sets {
        let (code, count) = match set.find(ahead) {
            Search::Code(code, count) => (code, count),
            Search::Unfinished => return Encoded::Unfinished,
            Search::Nothing => continue,
        };
        set.enter(state, out);
        push_code(code, out);
        return Encoded::Characters(count);
    }
    Encoded::Illegal
}

/// What a set has for a character.
enum Search {
    /// A code, for so many characters.
    Code(u32, usize),
    Unfinished,
    Nothing,
}

impl Set {
    fn find(&self, ahead: Ahead) -> Search {
        let code = |code: Option<u32>| code.map_or(Search::Nothing, |code| Search::Code(code, 1));
        match &self.charset {
            Charset::Double(table) => {
                let table = direct(*table);
                match find_pair(table, ahead) {
                    Search::Nothing => code(table.encode(ahead.first)),
                    found => found,
                }
            }
            Charset::PairsOnly(table) => find_pair(direct(*table), ahead),
            Charset::Roman => code(match ahead.first {
                0xA5 => Some(0x5C),
                0x203E => Some(0x7E),
                _ => None,
            }),
            Charset::Katakana => {
                code(ahead.first.checked_sub(0xFF40).filter(|byte| (0x21..0x60).contains(byte)))
            }
            Charset::Single => Search::Nothing,
        }
    }

    /// Designates the set and shifts to it.
    fn enter(&self, state: &mut State, out: &mut Vec<u8>) {
        let last = self.mark & !DOUBLE;
        let place = usize::from(self.is_g1);
        if !self.is_g1 {
            shift(state, false, out);
        }
        if state[place] != self.mark {
            let plane = if self.is_g1 { b')' } else { b'(' };
            match self.mark & DOUBLE != 0 {
                true if self.mark == JISX0208.mark => out.extend([ESCAPE, b'$', last]),
                true => out.extend([ESCAPE, b'$', plane, last]),
                false => out.extend([ESCAPE, plane, last]),
            }
            state[place] = self.mark;
        }
        if self.is_g1 {
            shift(state, true, out);
        }
    }
}

fn find_pair(table: &Direct, ahead: Ahead) -> Search {
    if !table.begins_pair(ahead.first) {
        return Search::Nothing;
    }
    match ahead.second {
        Some(second) => {
            table.encode_pair(ahead.first, second).map_or(Search::Nothing, |code| Search::Code(code, 2))
        }
        None if ahead.is_final => Search::Nothing,
        None => Search::Unfinished,
    }
}

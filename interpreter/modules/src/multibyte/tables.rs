//! The tables behind the codecs, as `generate.py` wrote them: unpacked when the first codec is used.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What the script wrote; its head says how.
static PACKED: &[u8] = include_bytes!("tables.bin");

/// More than the tables take unpacked.
const ROOM: usize = 4 << 20;

const INVALID: u16 = 0xFFFF;
const LEAD: u16 = 0xFFFE;
const LEAD3: u16 = 0xFFFD;
const SPECIAL: u16 = 0xFFFF;

/// How many codecs there are sections for.
const CODECS: usize = 16;
/// How many character sets.
const SETS: usize = 8;

/// The codecs, in the order of their sections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Table {
    Gb2312,
    Gbk,
    Gb18030,
    Big5Hkscs,
    ShiftJis,
    Cp932,
    EucJp,
    ShiftJis2004,
    EucJis2004,
    ShiftJisX0213,
    EucJisX0213,
    EucKr,
    Cp949,
    Johab,
    Big5,
    Cp950,
    SetJisX0208,
    SetJisX0212,
    SetKsX1001,
    SetGb2312,
    SetJisX0213Of2000Plane1,
    SetJisX0213Of2000Plane2,
    SetJisX0213Of2004Plane1,
    SetJisX0213Of2004Plane2,
}

/// What a first byte is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum First {
    /// A character by itself.
    Character(u32),
    /// The first of two bytes.
    Lead,
    /// The first of three bytes.
    Lead3,
    /// No byte of the encoding.
    Invalid,
}

/// What a sequence stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// One character, or two.
    Characters(u32, Option<u32>),
    /// Nothing; the first byte is wrong.
    Nothing,
    /// Nothing; the sequence as a whole is wrong.
    Illegal,
}

/// A run of characters that gb18030 writes in four bytes.
#[derive(Clone, Copy, Debug)]
struct Run {
    index: u32,
    first: u32,
    length: u32,
}

/// All tables.
pub struct Tables {
    direct: Vec<Direct>,
    runs: Vec<Run>,
}

/// The mapping of sequences of up to three bytes.
pub struct Direct {
    first: [u16; 256],
    low: u8,
    two: HashMap<u8, Box<[u16]>>,
    three: HashMap<u8, Box<[u16]>>,
    specials: HashMap<u32, (u32, u32)>,
    differing: Vec<(u32, u32)>,
    encoder: OnceLock<Encoder>,
}

/// The mapping of characters.
struct Encoder {
    /// By the character without its last byte; 0 where there is no sequence.
    pages: Vec<Option<Box<[u32; 256]>>>,
    pairs: HashMap<(u32, u32), u32>,
    /// What pairs begin with, in order.
    beginnings: Vec<u32>,
}

/// The tables.
pub fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut plain = Vec::with_capacity(ROOM);
        if zstd_safe::decompress(&mut plain, PACKED).is_err() {
            plain.clear();
        }
        let mut reader = Reader { rest: &plain };
        let direct = (0..CODECS + SETS).map(|_| Direct::read(&mut reader)).collect();
        let count = reader.u32();
        let runs = (0..count)
            .map(|_| Run { index: reader.u32(), first: reader.u32(), length: reader.u32() })
            .collect();
        Tables { direct, runs }
    })
}

/// The mapping of a codec or set.
pub fn direct(table: Table) -> &'static Direct {
    &tables().direct[table as usize]
}

impl Tables {
    /// The character of the basic plane that gb18030 writes as the four-byte sequence with a number.
    pub fn four_bytes(&self, index: u32) -> Option<u32> {
        let place = self.runs.partition_point(|run| run.index <= index).checked_sub(1)?;
        let run = self.runs[place];
        (index - run.index < run.length).then(|| run.first + (index - run.index))
    }

    /// The number of the four-byte sequence for a character of the basic plane.
    pub fn four_byte_index(&self, c: u32) -> Option<u32> {
        self.runs
            .iter()
            .find(|run| (run.first..run.first + run.length).contains(&c))
            .map(|run| run.index + (c - run.first))
    }
}

impl Direct {
    fn read(reader: &mut Reader<'_>) -> Direct {
        let mut first = [INVALID; 256];
        first.fill_with(|| reader.u16());
        let (low, high) = (reader.u8(), reader.u8());
        let width = usize::from(high.saturating_sub(low)) + 1;
        let mut rows = || {
            let count = reader.u16();
            (0..count).map(|_| (reader.u8(), (0..width).map(|_| reader.u16()).collect())).collect()
        };
        let (two, three) = (rows(), rows());
        let count = reader.u32();
        let specials = (0..count).map(|_| (reader.u32(), (reader.u32(), reader.u32()))).collect();
        let count = reader.u32();
        let differing = (0..count).map(|_| (reader.u32(), reader.u32())).collect();
        Direct { first, low, two, three, specials, differing, encoder: OnceLock::new() }
    }

    /// What a first byte is.
    pub fn first(&self, byte: u8) -> First {
        match self.first[usize::from(byte)] {
            INVALID => First::Invalid,
            LEAD => First::Lead,
            LEAD3 => First::Lead3,
            c => First::Character(u32::from(c)),
        }
    }

    /// What two bytes stand for.
    pub fn two(&self, lead: u8, second: u8) -> Found {
        self.found(&self.two, lead, second, u32::from(lead) << 8 | u32::from(second))
    }

    /// What three bytes stand for.
    pub fn three(&self, lead: u8, second: u8, third: u8) -> Found {
        let code = u32::from(lead) << 16 | u32::from(second) << 8 | u32::from(third);
        self.found(&self.three, second, third, code)
    }

    fn found(&self, rows: &HashMap<u8, Box<[u16]>>, row: u8, cell: u8, code: u32) -> Found {
        let place = cell.checked_sub(self.low).map(usize::from);
        let entry = rows.get(&row).and_then(|row| row.get(place?)).copied().unwrap_or(0);
        match entry {
            0 => Found::Nothing,
            SPECIAL => match self.specials.get(&code) {
                Some(&(0, _)) => Found::Illegal,
                Some(&(first, 0)) => Found::Characters(first, None),
                Some(&(first, second)) => Found::Characters(first, Some(second)),
                None => Found::Nothing,
            },
            c => Found::Characters(u32::from(c), None),
        }
    }

    /// The sequence for a character, as a number of one to three bytes.
    pub fn encode(&self, c: u32) -> Option<u32> {
        let page = self.encoder().pages.get((c >> 8) as usize)?.as_ref()?;
        Some(page[(c & 0xFF) as usize]).filter(|&code| code != 0)
    }

    /// Whether a sequence may stand for this character and the next together.
    pub fn begins_pair(&self, c: u32) -> bool {
        self.encoder().beginnings.binary_search(&c).is_ok()
    }

    /// The sequence for two characters together.
    pub fn encode_pair(&self, first: u32, second: u32) -> Option<u32> {
        self.encoder().pairs.get(&(first, second)).copied()
    }

    fn encoder(&self) -> &Encoder {
        self.encoder.get_or_init(|| {
            let mut encoder = Encoder { pages: Vec::new(), pairs: HashMap::new(), beginnings: Vec::new() };
            for (code, &c) in self.first.iter().enumerate().filter(|(_, c)| **c < LEAD3) {
                // 0 is the code of nothing: the null character is put in as different from what the tables say.
                encoder.set(u32::from(c), code as u32, false);
            }
            self.fill(&mut encoder, &self.two, 0);
            let lead3 = self.first.iter().position(|&kind| kind == LEAD3).unwrap_or(0);
            self.fill(&mut encoder, &self.three, (lead3 as u32) << 16);
            for &(c, code) in &self.differing {
                encoder.set(c, code, true);
            }
            encoder.beginnings = encoder.pairs.keys().map(|pair| pair.0).collect();
            encoder.beginnings.sort_unstable();
            encoder
        })
    }

    fn fill(&self, encoder: &mut Encoder, rows: &HashMap<u8, Box<[u16]>>, base: u32) {
        let mut order: Vec<_> = rows.iter().collect();
        order.sort_by_key(|(lead, _)| **lead);
        for (lead, row) in order {
            for place in 0..row.len() {
                let cell = self.low + place as u8;
                let code = base | u32::from(*lead) << 8 | u32::from(cell);
                match self.found(rows, *lead, cell, code) {
                    Found::Characters(c, None) => encoder.set(c, code, false),
                    Found::Characters(first, Some(second)) => {
                        encoder.pairs.insert((first, second), code);
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Encoder {
    fn set(&mut self, c: u32, code: u32, replace: bool) {
        let page = (c >> 8) as usize;
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([0; 256]));
        let place = &mut page[(c & 0xFF) as usize];
        if replace || *place == 0 {
            *place = code;
        }
    }
}

/// Takes numbers off bytes.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk() {
            Some((&bytes, rest)) => {
                self.rest = rest;
                bytes
            }
            None => [0; N],
        }
    }

    fn u8(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::{First, Found, Table, direct, tables};

    #[test]
    fn the_tables_are_whole() {
        let shift_jis = direct(Table::ShiftJis);
        assert_eq!(shift_jis.first(b'a'), First::Character(u32::from(b'a')));
        assert_eq!(shift_jis.two(0x82, 0xA0), Found::Characters(0x3042, None));
        assert_eq!(shift_jis.encode(0x3042), Some(0x82A0));
        assert_eq!(direct(Table::SetJisX0213Of2004Plane1).encode_pair(0xE6, 0x300), Some(0x2B44));
        assert_eq!(tables().four_bytes(0), Some(0x80));
    }
}

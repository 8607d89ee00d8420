//! The line table: where in the source each instruction stands (PEP 626, PEP 657).
//!
//! The table is a sequence of entries, each for one to eight code units. An entry's first byte has its highest bit
//! set, a kind in the next four bits and the number of code units less one in the last three; what follows depends
//! on the kind.

/// A range of source text. Lines count from 1, columns from 0 in bytes of UTF-8; -1 means unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The first line.
    pub line: i32,
    /// The last line.
    pub end_line: i32,
    /// The column of the first byte.
    pub column: i32,
    /// The column behind the last byte.
    pub end_column: i32,
}

impl Location {
    /// No place in the source: an instruction that the compiler made up.
    pub const NONE: Self = Self { line: -1, end_line: -1, column: -1, end_column: -1 };

    /// Stands for the location of the instruction that follows; only inside the compiler.
    pub const NEXT: Self = Self { line: -2, end_line: -2, column: -2, end_column: -2 };

    /// A range of source text.
    pub const fn new(line: i32, end_line: i32, column: i32, end_column: i32) -> Self {
        Self { line, end_line, column, end_column }
    }
}

/// The kinds of entries: 0 to 9 are short forms, 10 to 12 one-line forms.
mod kind {
    pub const ONE_LINE: u8 = 10;
    pub const NO_COLUMNS: u8 = 13;
    pub const LONG: u8 = 14;
    pub const NONE: u8 = 15;
}

/// Writes a line table entry by entry.
#[derive(Clone, Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
    line: i32,
}

impl Encoder {
    /// An empty table for code that starts on `first_line`.
    pub fn new(first_line: i32) -> Self {
        Self { bytes: Vec::new(), line: first_line }
    }

    /// An empty table in memory that was used before.
    pub fn with_memory(first_line: i32, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, line: first_line }
    }

    /// Says that the next `units` code units stand at `location`.
    pub fn push(&mut self, location: Location, mut units: usize) {
        while units > 8 {
            self.entry(location, 8);
            units -= 8;
        }
        if units > 0 {
            self.entry(location, units);
        }
    }

    /// The finished table.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn entry(&mut self, location: Location, units: usize) {
        let Location { line, end_line, column, end_column } = location;
        if line == Location::NONE.line {
            self.start(kind::NONE, units);
            return;
        }
        let delta = line - self.line;
        self.line = line;
        if column < 0 || end_column < 0 {
            if end_line == line || end_line < 0 {
                self.start(kind::NO_COLUMNS, units);
                self.signed(delta);
                return;
            }
        } else if end_line == line {
            if delta == 0 && column < 80 && (column..column + 16).contains(&end_column) {
                self.start((column >> 3) as u8, units);
                self.bytes.push(((column & 7) << 4 | (end_column - column)) as u8);
                return;
            }
            if (0..3).contains(&delta) && column < 128 && end_column < 128 {
                self.start(kind::ONE_LINE + delta as u8, units);
                self.bytes.extend([column as u8, end_column as u8]);
                return;
            }
        }
        self.start(kind::LONG, units);
        self.signed(delta);
        self.unsigned((end_line - line) as u32);
        self.unsigned((column + 1) as u32);
        self.unsigned((end_column + 1) as u32);
    }

    fn start(&mut self, kind: u8, units: usize) {
        self.bytes.push(0x80 | kind << 3 | (units - 1) as u8);
    }

    fn unsigned(&mut self, mut value: u32) {
        while value >= 64 {
            self.bytes.push(0x40 | (value & 0x3F) as u8);
            value >>= 6;
        }
        self.bytes.push(value as u8);
    }

    fn signed(&mut self, value: i32) {
        self.unsigned(if value < 0 { value.unsigned_abs() << 1 | 1 } else { (value as u32) << 1 });
    }
}

/// The table without columns and last lines, as `-X no_debug_ranges` has it.
pub fn without_columns(line_table: &[u8]) -> Vec<u8> {
    // Lines count from far above, so that none of them looks like the absence of one.
    const FIRST: i32 = 1 << 28;
    let mut short = Encoder::new(FIRST);
    let mut decoder = Decoder::new(line_table, FIRST);
    while let Some(entry) = decoder.next() {
        let units = (entry.end - entry.start) as usize;
        if entry.location == Location::NONE {
            short.start(kind::NONE, units);
        } else {
            short.start(kind::NO_COLUMNS, units);
            short.signed(decoder.line.wrapping_sub(short.line));
            short.line = decoder.line;
        }
    }
    short.finish()
}

/// One entry of a line table: code units with a common location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first code unit.
    pub start: u32,
    /// The code unit behind the last.
    pub end: u32,
    /// Where they stand.
    pub location: Location,
}

/// Reads a line table. Ends early at bytes that are no table.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    line: i32,
    unit: u32,
}

impl<'a> Decoder<'a> {
    /// Reads `line_table` of code that starts on `first_line`.
    pub fn new(line_table: &'a [u8], first_line: i32) -> Self {
        Self { bytes: line_table, line: first_line, unit: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn unsigned(&mut self) -> Option<u32> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x3F).checked_shl(shift).unwrap_or(0);
            if byte & 0x40 == 0 {
                return Some(value);
            }
            shift += 6;
        }
    }

    fn signed(&mut self) -> Option<i32> {
        let value = self.unsigned()?;
        let magnitude = (value >> 1) as i32;
        Some(if value & 1 != 0 { -magnitude } else { magnitude })
    }

    fn move_line(&mut self, delta: i32) -> i32 {
        self.line = self.line.wrapping_add(delta);
        self.line
    }

    fn location(&mut self, kind: u8) -> Option<Location> {
        Some(match kind {
            kind::NONE => Location::NONE,
            kind::LONG => {
                let delta = self.signed()?;
                let line = self.move_line(delta);
                let end_line = line.wrapping_add(self.unsigned()? as i32);
                let column = (self.unsigned()? as i32).wrapping_sub(1);
                let end_column = (self.unsigned()? as i32).wrapping_sub(1);
                Location { line, end_line, column, end_column }
            }
            kind::NO_COLUMNS => {
                let delta = self.signed()?;
                let line = self.move_line(delta);
                Location { line, end_line: line, column: -1, end_column: -1 }
            }
            kind::ONE_LINE.. => {
                let line = self.move_line(i32::from(kind - kind::ONE_LINE));
                let column = i32::from(self.byte()?);
                let end_column = i32::from(self.byte()?);
                Location { line, end_line: line, column, end_column }
            }
            _ => {
                let second = self.byte()?;
                let column = i32::from(kind) << 3 | i32::from(second >> 4);
                let end_column = column + i32::from(second & 15);
                Location { line: self.line, end_line: self.line, column, end_column }
            }
        })
    }
}

impl Iterator for Decoder<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let first = self.byte()?;
        let start = self.unit;
        let end = start.wrapping_add(u32::from(first & 7) + 1);
        self.unit = end;
        let location = self.location(first >> 3 & 15)?;
        Some(Entry { start, end, location })
    }
}

/// Where the given code unit stands.
pub fn location_of(line_table: &[u8], first_line: i32, unit: u32) -> Option<Location> {
    Decoder::new(line_table, first_line).find(|entry| entry.end > unit).map(|entry| entry.location)
}

/// The ranges of code units with their lines, as `co_lines` gives them: neighbours on one line in one range, `None` for
/// code without a line.
pub fn lines(line_table: &[u8], first_line: i32) -> impl Iterator<Item = (u32, u32, Option<i32>)> {
    let mut entries = Decoder::new(line_table, first_line).peekable();
    std::iter::from_fn(move || {
        let first = entries.next()?;
        let mut end = first.end;
        while let Some(next) = entries.next_if(|next| next.location.line == first.location.line) {
            end = next.end;
        }
        Some((first.start, end, (first.location.line >= 0).then_some(first.location.line)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let locations = [
            (Location::new(1, 1, 0, 5), 1),
            (Location::new(1, 1, 79, 94), 3),
            (Location::new(2, 2, 100, 120), 20),
            (Location::NONE, 2),
            (Location::new(300, 400, 7, 1000), 1),
            (Location::new(4, 4, -1, -1), 9),
        ];
        let mut encoder = Encoder::new(1);
        for (location, units) in locations {
            encoder.push(location, units);
        }
        let table = encoder.finish();
        let mut unit = 0;
        for (location, units) in locations {
            for _ in 0..units {
                assert_eq!(location_of(&table, 1, unit), Some(location));
                unit += 1;
            }
        }
        assert_eq!(location_of(&table, 1, unit), None);
    }
}

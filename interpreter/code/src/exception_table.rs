//! The exception table: which handler guards which instructions.
//!
//! Entries are sorted and do not overlap. Each is four numbers in six-bit pieces, the most significant first: start,
//! length, handler (all in code units), and the stack depth doubled plus one if the handler wants to know the
//! instruction's offset. The first byte of an entry has its highest bit set, so that a search may start anywhere.

/// An entry of an exception table. Positions count code units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The first guarded code unit.
    pub start: u32,
    /// The code unit behind the last guarded one.
    pub end: u32,
    /// Where the handler starts.
    pub handler: u32,
    /// How deep the stack is cut before the handler runs.
    pub depth: u32,
    /// Whether the offset of the instruction that raised is pushed below the exception.
    pub push_last_instruction: bool,
}

/// Marks the first byte of an entry.
pub(crate) const ENTRY_START: u8 = 0x80;
const MORE: u8 = 0x40;

/// Appends an entry to a table.
pub fn encode(table: &mut Vec<u8>, entry: Entry) {
    let first = table.len();
    for value in [
        entry.start,
        entry.end - entry.start,
        entry.handler,
        entry.depth << 1 | u32::from(entry.push_last_instruction),
    ] {
        let mut shift = 24;
        while shift > 0 && value >> shift == 0 {
            shift -= 6;
        }
        while shift > 0 {
            table.push((value >> shift & 0x3F) as u8 | MORE);
            shift -= 6;
        }
        table.push((value & 0x3F) as u8);
    }
    table[first] |= ENTRY_START;
}

/// Reads a table entry by entry. Ends early at bytes that are no table.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Reads `table` from its start.
    pub fn new(table: &'a [u8]) -> Self {
        Self { bytes: table }
    }

    fn number(&mut self) -> Option<u32> {
        let mut value = 0u32;
        loop {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value = value << 6 | u32::from(byte & 0x3F);
            if byte & MORE == 0 {
                return Some(value);
            }
        }
    }
}

impl Iterator for Decoder<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let start = self.number()?;
        let end = start.wrapping_add(self.number()?);
        let handler = self.number()?;
        let depth = self.number()?;
        Some(Entry { start, end, handler, depth: depth >> 1, push_last_instruction: depth & 1 != 0 })
    }
}

/// Whether the bytes are entries and nothing else, and each entry is marked where it begins and nowhere else.
pub(crate) fn is_marked(table: &[u8]) -> bool {
    let mut decoder = Decoder::new(table);
    loop {
        let rest = decoder.bytes;
        if rest.is_empty() {
            return true;
        }
        if decoder.next().is_none() {
            return false;
        }
        let entry = &rest[..rest.len() - decoder.bytes.len()];
        if entry[0] & ENTRY_START == 0 || entry[1..].iter().any(|byte| byte & ENTRY_START != 0) {
            return false;
        }
    }
}

/// The entry that guards a code unit.
pub fn find(table: &[u8], unit: u32) -> Option<Entry> {
    let entry = Decoder::new(&table[last_entry_not_after(table, unit)..]).next()?;
    (entry.start <= unit && unit < entry.end).then_some(entry)
}

/// Where in the table the last entry stands that does not start after `unit`, by bisection.
fn last_entry_not_after(table: &[u8], unit: u32) -> usize {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let mut middle = low + (high - low) / 2;
        while middle > low && table[middle] & ENTRY_START == 0 {
            middle -= 1;
        }
        let starts_after = Decoder::new(&table[middle..]).number().is_none_or(|start| start > unit);
        if starts_after {
            high = middle;
            continue;
        }
        let next = table[middle + 1..].iter().position(|byte| byte & ENTRY_START != 0);
        match next.map(|offset| middle + 1 + offset) {
            Some(next) if next < high => {
                let next_starts_after =
                    Decoder::new(&table[next..]).number().is_none_or(|start| start > unit);
                if next_starts_after {
                    return middle;
                }
                low = next;
            }
            _ => return middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found() {
        let entries: Vec<Entry> = (0..500)
            .map(|index| Entry {
                start: index * 70,
                end: index * 70 + 50,
                handler: 100_000 + index,
                depth: index % 7,
                push_last_instruction: index % 2 == 0,
            })
            .collect();
        let mut table = Vec::new();
        for &entry in &entries {
            encode(&mut table, entry);
        }
        assert_eq!(Decoder::new(&table).collect::<Vec<_>>(), entries);
        for entry in entries {
            for unit in [entry.start, entry.start + 20, entry.end - 1] {
                assert_eq!(find(&table, unit), Some(entry));
            }
            assert_eq!(find(&table, entry.end), None);
        }
        assert_eq!(find(&[], 3), None);
    }
}

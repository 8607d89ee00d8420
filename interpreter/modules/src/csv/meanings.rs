//! What characters mean in a dialect, looked up by character: most mean nothing, and those are passed over in runs.

use super::dialect::Dialect;

/// Ends a field.
pub const DELIMITER: u8 = 1;
/// Encloses a field.
pub const QUOTE: u8 = 2;
/// Takes the meaning of the next character away.
pub const ESCAPE: u8 = 4;
/// A line feed or carriage return.
pub const LINE_END: u8 = 8;
/// Is skipped in front of a field.
pub const SPACE: u8 = 16;
/// Belongs to what is written behind records.
pub const TERMINATOR: u8 = 32;

/// Meanings of characters, as bits.
#[derive(Debug)]
pub struct Meanings {
    narrow: [u8; 256],
    /// Those beyond the first 256 that mean something.
    wide: Vec<(u32, u8)>,
}

impl Meanings {
    /// No character means anything.
    pub const fn none() -> Meanings {
        Meanings { narrow: [0; 256], wide: Vec::new() }
    }

    /// What the characters mean in a dialect.
    pub fn of(dialect: &Dialect) -> Meanings {
        let mut meanings = Meanings::none();
        meanings.add(dialect.delimiter, DELIMITER);
        dialect.quote.iter().for_each(|&quote| meanings.add(quote, QUOTE));
        dialect.escape.iter().for_each(|&escape| meanings.add(escape, ESCAPE));
        meanings.add('\n' as u32, LINE_END);
        meanings.add('\r' as u32, LINE_END);
        if dialect.skip_space {
            meanings.add(' ' as u32, SPACE);
        }
        dialect.terminator.characters().iter().for_each(|c| meanings.add(c, TERMINATOR));
        meanings
    }

    fn add(&mut self, c: u32, meaning: u8) {
        match self.narrow.get_mut(c as usize) {
            Some(known) => *known |= meaning,
            None => self.wide.push((c, meaning)),
        }
    }

    /// What a character means.
    #[inline(always)]
    pub fn get(&self, c: u32) -> u8 {
        match self.narrow.get(c as usize) {
            Some(&meaning) => meaning,
            None => self.wide.iter().filter(|(wide, _)| *wide == c).fold(0, |all, (_, meaning)| all | meaning),
        }
    }

    /// How many characters come before the first that means one of some things.
    #[inline(always)]
    pub fn length_without<C: Copy + Into<u32>>(&self, characters: &[C], meanings: u8) -> usize {
        let found = characters.iter().position(|&c| self.get(c.into()) & meanings != 0);
        found.unwrap_or(characters.len())
    }
}

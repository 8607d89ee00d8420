//! Sets of characters: the items of a set in a code list, and a table for the first 256 characters made from them.

use super::characters::{Category, Fold, lower_ascii, upper_ascii, upper_unicode};
use super::program::InvalidCode;
use super::words::operator;

/// A set of characters.
pub struct CharSet {
    latin: [bool; 256],
    fold: Fold,
    items: Vec<Item>,
    /// What all characters from 256 on are, where it is the same for all.
    beyond: Option<bool>,
}

#[derive(Clone, PartialEq, Debug)]
enum Item {
    Literal(u32),
    Range(u32, u32),
    /// A range of lower case characters, whose upper case ones count too.
    RangeIgnoringCase(u32, u32),
    Category(Category),
    /// Bits for the first 256 characters.
    Bitmap([u32; 8]),
    /// Bits for the first 65,536 characters: which block of 256 bits, and the blocks.
    BigBitmap(Box<[u8; 256]>, Box<[u32]>),
    /// What follows answers the other way round.
    Negate,
}

impl CharSet {
    /// Reads the items of a set. Answers the set and how many words it took, the ending `FAILURE` included.
    pub fn parse(words: &[u32], fold: Fold) -> Result<(CharSet, usize), InvalidCode> {
        let mut items = Vec::new();
        let mut at = 0;
        let word = |at: usize| words.get(at).copied().ok_or(InvalidCode);
        loop {
            let operator = word(at)?;
            at += 1;
            match operator {
                operator::FAILURE => break,
                operator::NEGATE => items.push(Item::Negate),
                operator::LITERAL => {
                    items.push(Item::Literal(word(at)?));
                    at += 1;
                }
                operator::RANGE => {
                    items.push(Item::Range(word(at)?, word(at + 1)?));
                    at += 2;
                }
                operator::RANGE_UNI_IGNORE => {
                    items.push(Item::RangeIgnoringCase(word(at)?, word(at + 1)?));
                    at += 2;
                }
                operator::CATEGORY => {
                    items.push(Item::Category(Category::new(word(at)?).ok_or(InvalidCode)?));
                    at += 1;
                }
                operator::CHARSET => {
                    let bits = words.get(at..at + 8).ok_or(InvalidCode)?;
                    items.push(Item::Bitmap(std::array::from_fn(|i| bits[i])));
                    at += 8;
                }
                operator::BIGCHARSET => {
                    let count = word(at)? as usize;
                    let index = words.get(at + 1..at + 65).ok_or(InvalidCode)?;
                    let index: Box<[u8; 256]> = Box::new(std::array::from_fn(|i| index[i / 4].to_ne_bytes()[i % 4]));
                    if index.iter().any(|&block| block as usize >= count) {
                        return Err(InvalidCode);
                    }
                    at += 65;
                    let end = count.checked_mul(8).and_then(|size| size.checked_add(at)).ok_or(InvalidCode)?;
                    items.push(Item::BigBitmap(index, words.get(at..end).ok_or(InvalidCode)?.into()));
                    at = end;
                }
                _ => return Err(InvalidCode),
            }
        }
        Ok((CharSet::new(items, fold), at))
    }

    /// The characters that are `literal` without regard to case.
    pub fn literal(literal: u32, fold: Fold, negate: bool) -> CharSet {
        let mut items = vec![Item::Literal(literal)];
        if negate {
            items.insert(0, Item::Negate);
        }
        CharSet::new(items, fold)
    }

    /// The characters of a category.
    pub fn category(category: Category) -> CharSet {
        CharSet::new(vec![Item::Category(category)], Fold::None)
    }

    fn new(items: Vec<Item>, fold: Fold) -> CharSet {
        let beyond = match fold {
            Fold::Unicode => None,
            _ => uniform_beyond_latin(&items),
        };
        let mut set = CharSet { latin: [false; 256], fold, items, beyond };
        set.latin = std::array::from_fn(|c| set.lookup(c as u32));
        set
    }

    /// Whether the character is in the set.
    #[inline(always)]
    pub fn contains(&self, c: u32) -> bool {
        if c < 256 { self.latin[c as usize] } else { self.contains_beyond(c) }
    }

    /// The table for the first 256 characters.
    #[inline(always)]
    pub fn latin(&self) -> &[bool; 256] {
        &self.latin
    }

    /// What all characters from 256 on are, where it is known to be the same for all.
    pub fn beyond(&self) -> Option<bool> {
        self.beyond
    }

    #[inline]
    fn contains_beyond(&self, c: u32) -> bool {
        match self.beyond {
            Some(answer) => answer,
            None => self.lookup(c),
        }
    }

    fn lookup(&self, c: u32) -> bool {
        match self.fold {
            Fold::Locale => {
                let lower = lower_ascii(c);
                let upper = upper_ascii(c);
                match self.items[..] {
                    // A single literal of either case.
                    [Item::Literal(literal)] => c == literal || lower == literal || upper == literal,
                    [Item::Negate, Item::Literal(literal)] => !(c == literal || lower == literal || upper == literal),
                    _ => self.walk(lower) || (upper != lower && self.walk(upper)),
                }
            }
            fold => self.walk(fold.lower(c)),
        }
    }

    fn walk(&self, c: u32) -> bool {
        let mut answer = true;
        for item in &self.items {
            let hit = match item {
                Item::Literal(literal) => c == *literal,
                Item::Range(low, high) => (*low..=*high).contains(&c),
                Item::RangeIgnoringCase(low, high) => {
                    (*low..=*high).contains(&c) || (*low..=*high).contains(&upper_unicode(c))
                }
                Item::Category(category) => category.contains(c),
                Item::Bitmap(bits) => c < 256 && bits[c as usize / 32] & (1 << (c % 32)) != 0,
                Item::BigBitmap(index, blocks) => {
                    c < 0x10000 && {
                        let bit = index[(c >> 8) as usize] as usize * 256 + (c & 255) as usize;
                        blocks[bit / 32] & (1 << (bit % 32)) != 0
                    }
                }
                Item::Negate => {
                    answer = !answer;
                    false
                }
            };
            if hit {
                return answer;
            }
        }
        !answer
    }
}

/// What all characters from 256 on are, if no item tells them apart.
fn uniform_beyond_latin(items: &[Item]) -> Option<bool> {
    let mut answer = true;
    for item in items {
        match item {
            Item::Literal(c) if *c < 256 => {}
            Item::Range(_, high) if *high < 256 => {}
            Item::Bitmap(_) => {}
            Item::Category(category) => {
                // Those of ASCII and the locale have no members there.
                let of_ascii = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].iter().any(|&n| Category::new(n) == Some(*category));
                if !of_ascii {
                    return None;
                }
                if category.contains(256) {
                    return Some(answer);
                }
            }
            Item::Negate => answer = !answer,
            _ => return None,
        }
    }
    Some(!answer)
}

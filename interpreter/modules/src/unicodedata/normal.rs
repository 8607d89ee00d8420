//! Normal forms (Unicode Standard Annex 15).

use super::data::{Version, composition, parts};

/// A normal form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    compatible: bool,
    composed: bool,
}

impl Form {
    /// The form of a name.
    pub fn of_name(name: &str) -> Option<Form> {
        let (compatible, composed) = match name {
            "NFC" => (false, true),
            "NFD" => (false, false),
            "NFKC" => (true, true),
            "NFKD" => (true, false),
            _ => return None,
        };
        Some(Form { compatible, composed })
    }

    /// A text in the form.
    pub fn of_text(self, version: Version, text: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut out = Vec::new();
        for character in text {
            self.decompose(version, character, &mut out);
        }
        order(&mut out);
        if self.composed { compose(&out) } else { out }
    }

    fn decompose(self, version: Version, character: u32, out: &mut Vec<u32>) {
        if character < 0x80 {
            out.push(character);
        } else if let Some(letters) = hangul_letters(character) {
            out.extend(letters.into_iter().filter(|&letter| letter != 0));
        } else if let Some(correction) = version.correction(character) {
            out.push(correction);
        } else {
            match version.decomposition(character) {
                "" => out.push(character),
                decomposition if decomposition.starts_with('<') && !self.compatible => out.push(character),
                decomposition => parts(decomposition).for_each(|part| self.decompose(version, part, out)),
            }
        }
    }
}

const FIRST_SYLLABLE: u32 = 0xac00;
const SYLLABLES: u32 = 11172;
const FIRST_LEADING: u32 = 0x1100;
const FIRST_VOWEL: u32 = 0x1161;
const FIRST_TRAILING: u32 = 0x11a7;
const VOWELS: u32 = 21;
const TRAILINGS: u32 = 28;

/// The two or three letters of a syllable of Hangul; 0 for no third one.
pub fn hangul_letters(character: u32) -> Option<[u32; 3]> {
    let syllable = character.checked_sub(FIRST_SYLLABLE).filter(|&syllable| syllable < SYLLABLES)?;
    let trailing = syllable % TRAILINGS;
    Some([
        FIRST_LEADING + syllable / (VOWELS * TRAILINGS),
        FIRST_VOWEL + syllable % (VOWELS * TRAILINGS) / TRAILINGS,
        if trailing == 0 { 0 } else { FIRST_TRAILING + trailing },
    ])
}

fn hangul_syllable(first: u32, second: u32) -> Option<u32> {
    if (FIRST_LEADING..FIRST_LEADING + 19).contains(&first) && (FIRST_VOWEL..FIRST_VOWEL + VOWELS).contains(&second) {
        let pair = (first - FIRST_LEADING) * VOWELS + (second - FIRST_VOWEL);
        return Some(FIRST_SYLLABLE + pair * TRAILINGS);
    }
    let open = first.checked_sub(FIRST_SYLLABLE).is_some_and(|place| place < SYLLABLES && place % TRAILINGS == 0);
    let trailing = (FIRST_TRAILING + 1..FIRST_TRAILING + TRAILINGS).contains(&second);
    (open && trailing).then(|| first + second - FIRST_TRAILING)
}

fn class(character: u32) -> u8 {
    if character < 0x300 { 0 } else { Version::Current.properties(character).combining }
}

/// Sorts each run of combining characters by their classes.
fn order(text: &mut [u32]) {
    for run in text.split_mut(|&character| class(character) == 0) {
        if run.len() > 1 {
            run.sort_by_key(|&character| class(character));
        }
    }
}

/// Puts characters together, each with the last starter that nothing keeps it from.
fn compose(text: &[u32]) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::with_capacity(text.len());
    let mut starter: Option<usize> = None;
    let mut last_class = 0;
    for &character in text {
        let class = class(character);
        if let Some(place) = starter
            && (place + 1 == out.len() || last_class < class)
            && let Some(whole) =
                hangul_syllable(out[place], character).or_else(|| composition(out[place], character))
        {
            out[place] = whole;
            continue;
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(character);
    }
    out
}

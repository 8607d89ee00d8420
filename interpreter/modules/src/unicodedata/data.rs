//! What Unicode says of characters, read from the text files beside this one, which the build packs, when it is first asked
//! for.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Which version of Unicode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// 16.0.0.
    Current,
    /// 3.2.0, by which internationalised domain names go.
    Old,
}

/// What holds for a run of characters.
#[derive(Debug)]
pub struct Properties {
    first: u32,
    /// The general category.
    pub category: &'static str,
    /// The canonical combining class.
    pub combining: u8,
    /// The bidirectional class; empty for none.
    pub bidirectional: &'static str,
    /// Whether the character is mirrored in text from right to left.
    pub mirrored: u8,
    /// The East Asian width.
    pub width: &'static str,
}

fn code(text: &str) -> u32 {
    u32::from_str_radix(text, 16).unwrap_or(0)
}

/// The text of a file beside this one.
macro_rules! text {
    ($name:literal) => {{
        static TEXT: OnceLock<String> = OnceLock::new();
        let packed = include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".zst"));
        TEXT.get_or_init(|| unpack(packed)).as_str()
    }};
}

fn unpack(packed: &[u8]) -> String {
    let length = zstd_safe::get_frame_content_size(packed).ok().flatten().unwrap_or(0);
    let mut text = Vec::with_capacity(length as usize);
    zstd_safe::decompress(&mut text, packed).expect("the build packed a file");
    String::from_utf8(text).expect("the file is a text")
}

fn decompositions() -> &'static str {
    text!("decompositions")
}

fn read_properties(file: &'static str) -> Vec<Properties> {
    let read = |line: &'static str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or("");
        Properties {
            first: code(next()),
            category: next(),
            combining: next().parse().unwrap_or(0),
            bidirectional: match next() {
                "-" => "",
                class => class,
            },
            mirrored: next().parse().unwrap_or(0),
            width: next(),
        }
    };
    file.lines().map(read).collect()
}

impl Version {
    fn index(self) -> usize {
        self as usize
    }

    /// What holds for a character.
    pub fn properties(self, character: u32) -> &'static Properties {
        static RUNS: [OnceLock<Vec<Properties>>; 2] = [OnceLock::new(), OnceLock::new()];
        let runs = RUNS[self.index()].get_or_init(|| {
            read_properties(match self {
                Version::Current => text!("properties"),
                Version::Old => text!("properties-3.2"),
            })
        });
        // The first run begins with the first character.
        &runs[runs.partition_point(|run| run.first <= character) - 1]
    }

    /// Whether the version knows the character.
    pub fn has(self, character: u32) -> bool {
        self.properties(character).category != "Cn"
    }

    /// A character's number, and whether it is a decimal digit (2), a digit (1) or neither (0).
    pub fn number(self, character: u32) -> Option<(f64, u8)> {
        static NUMBERS: [OnceLock<Vec<(u32, f64, u8)>>; 2] = [OnceLock::new(), OnceLock::new()];
        let numbers = NUMBERS[self.index()].get_or_init(|| {
            let file = match self {
                Version::Current => text!("numbers"),
                Version::Old => text!("numbers-3.2"),
            };
            let read = |line: &str| {
                let mut words = line.split(' ');
                let mut next = || words.next().unwrap_or("");
                (code(next()), next().parse().unwrap_or(0.0), next().parse().unwrap_or(0))
            };
            file.lines().map(read).collect()
        });
        let place = numbers.binary_search_by_key(&character, |(character, ..)| *character).ok()?;
        Some((numbers[place].1, numbers[place].2))
    }

    /// What a character consists of, as Unicode's file says it: a tag where they are merely compatible, then
    /// hexadecimal numbers. Syllables of Hangul follow from their number and are not here.
    pub fn decomposition(self, character: u32) -> &'static str {
        static LINES: OnceLock<Vec<(u32, &'static str)>> = OnceLock::new();
        let lines = LINES.get_or_init(|| {
            let lines = decompositions().lines().filter_map(|line| line.split_once(' '));
            lines.map(|(first, rest)| (code(first), rest)).collect()
        });
        match lines.binary_search_by_key(&character, |(character, _)| *character) {
            Ok(place) if self == Version::Current || self.has(character) => lines[place].1,
            _ => "",
        }
    }

    /// What a character was decomposed into before a corrigendum.
    pub fn correction(self, character: u32) -> Option<u32> {
        if self == Version::Current || !(0x2f868..=0x2f9bf).contains(&character) {
            return None;
        }
        let mut lines = include_str!("corrections-3.2.txt").lines().filter_map(|line| line.split_once(' '));
        lines.find(|(first, _)| code(first) == character).map(|(_, rest)| code(rest))
    }
}

/// The numbers of a decomposition without its tag.
pub fn parts(decomposition: &'static str) -> impl Iterator<Item = u32> {
    decomposition.split(' ').filter(|word| !word.starts_with('<') && !word.is_empty()).map(code)
}

/// The character that two are composed to.
pub fn composition(first: u32, second: u32) -> Option<u32> {
    static PAIRS: OnceLock<HashMap<(u32, u32), u32>> = OnceLock::new();
    let pairs = PAIRS.get_or_init(|| {
        let excluded: Vec<u32> = include_str!("exclusions.txt").lines().map(code).collect();
        let mut pairs = HashMap::new();
        for (whole, rest) in decompositions().lines().filter_map(|line| line.split_once(' ')) {
            let whole = code(whole);
            if rest.starts_with('<') || excluded.binary_search(&whole).is_ok() {
                continue;
            }
            let mut parts = parts(rest);
            if let (Some(first), Some(second)) = (parts.next(), parts.next()) {
                pairs.insert((first, second), whole);
            }
        }
        pairs
    });
    pairs.get(&(first, second)).copied()
}

/// The characters of a name alias or a named sequence.
pub fn further_name(name: &str) -> Option<Vec<u32>> {
    let mut lines = text!("names").lines().filter_map(|line| line.split_once(';'));
    lines.find(|(known, _)| *known == name).map(|(_, codes)| codes.split(';').map(code).collect())
}

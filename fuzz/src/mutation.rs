//! Inputs made at random, from a seed: files of a library, altered, and their code.

use std::fs;
use std::path::Path;

use rspy_code::{Text, pyc};
use rspy_compiler::CompileOptions;
use rspy_syntax::{ParseOptions, Source};

/// Numbers that look random: xorshift with 64 bits.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers that follow from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound.max(1)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Words and signs that sources are made of.
const WORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or",
    "pass", "raise", "return", "try", "while", "with", "yield", "match", "case", "type", "_", "__class__", "super", "print",
    "__debug__", "annotations", "__future__", "x", "0", "1.5e3", "0x1F", "1j", "1_0", "...", "(", ")", "[", "]", "{", "}",
    ":", ",", ";", "+", "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "==", "!=", "<=", ">=", "~", "^", "<<", ">>",
    "**", "+=", "-=", "//", "@", "@=", "->", ":=", "!", "!r", "<>", "\\\n", "\n", "\n    ", "\n\t", "\r", "\x0c", " ", "#",
    "# type: int", "# type: ignore", "'", "\"", "'''", "\"\"\"", "f'", "t'", "rb'", "f\"\"\"", "u'", "{x!r:>{y}}", "{{", "}}",
    "\\N{DIGIT ONE}", "\\x4", "\\777", "\\u12", "\u{e9}", "\u{37e}", "\u{fdfa}", "\u{1F600}", "\0", "# -*- coding: latin-1 -*-\n",
];

/// Files to start from.
pub struct Corpus {
    sources: Vec<Vec<u8>>,
    /// Their code, as marshal bytes.
    codes: Vec<Vec<u8>>,
}

/// Larger files are cut.
const LONGEST: usize = 6000;

impl Corpus {
    /// The Python files below a folder, cut to a size that is quickly gone through, and some programs full of rare syntax.
    pub fn read(folder: &Path) -> Self {
        let mut paths = Vec::new();
        find(folder, &mut paths);
        paths.sort();
        let mut sources: Vec<Vec<u8>> = paths.iter().filter_map(|path| fs::read(path).ok()).collect();
        for source in &mut sources {
            let end = source.iter().take(LONGEST).rposition(|&byte| byte == b'\n').map_or(source.len(), |end| end + 1);
            source.truncate(end);
        }
        sources.push(include_bytes!("../rare.py").to_vec());
        let codes = sources.iter().filter_map(|source| code_of(source)).collect();
        Self { sources, codes }
    }

    /// The files as they are, as inputs of a target.
    pub fn seeds(&self, target: &str) -> Vec<Vec<u8>> {
        let random = &mut Random::new(1);
        match target {
            "marshal" => self.codes.clone(),
            "pyc" => self.codes.iter().map(|code| with_header(code)).collect(),
            _ => self.sources.iter().map(|source| with_choices(random, source)).collect(),
        }
    }

    /// An input of a target: a file, altered in a few places.
    pub fn make(&self, target: &str, random: &mut Random) -> Vec<u8> {
        match target {
            "marshal" => self.altered_code(random),
            "pyc" => {
                let mut file = with_header(&self.altered_code(random));
                if random.below(8) == 0 {
                    alter_bytes(&mut file[..pyc::HEADER_LENGTH], random);
                }
                file
            }
            _ => {
                let mut source = random.pick(&self.sources).clone();
                for _ in 0..=random.below(6) {
                    self.alter_source(&mut source, random);
                }
                with_choices(random, &source)
            }
        }
    }

    fn altered_code(&self, random: &mut Random) -> Vec<u8> {
        let mut code = random.pick(&self.codes).clone();
        for _ in 0..=random.below(8) {
            match random.below(6) {
                0 => code.truncate(random.below(code.len() + 1)),
                1 => {
                    // A piece of other code in the place of one of this.
                    let other = random.pick(&self.codes);
                    let start = random.below(other.len());
                    let piece = &other[start..(start + random.below(200)).min(other.len())];
                    let place = random.below(code.len() + 1);
                    let end = (place + random.below(200)).min(code.len());
                    code.splice(place..end, piece.iter().copied());
                }
                2 if code.len() > 4 => {
                    // A size or a reference.
                    let place = random.below(code.len() - 4);
                    let value = [0, 1, -1, i32::MAX, i32::MIN, code.len() as i32][random.below(6)];
                    code[place..place + 4].copy_from_slice(&value.to_le_bytes());
                }
                _ => alter_bytes(&mut code, random),
            }
        }
        code
    }

    fn alter_source(&self, source: &mut Vec<u8>, random: &mut Random) {
        let place = random.below(source.len() + 1);
        match random.below(10) {
            0..=3 => {
                let word = random.pick(WORDS);
                source.splice(place..place, word.bytes());
            }
            4 | 5 => {
                let end = (place + random.below(20)).min(source.len());
                source.drain(place..end);
            }
            6 => {
                let other = random.pick(&self.sources);
                let start = random.below(other.len());
                let piece = other[start..(start + random.below(300)).min(other.len())].to_vec();
                source.splice(place..place, piece);
            }
            7 => {
                let end = (place + random.below(60)).min(source.len());
                let piece = source[place..end].repeat(1 + random.below(40));
                source.splice(place..place, piece);
            }
            8 => source.truncate(place),
            _ => alter_bytes(source, random),
        }
    }
}

fn alter_bytes(bytes: &mut [u8], random: &mut Random) {
    if !bytes.is_empty() {
        let place = random.below(bytes.len());
        bytes[place] = if random.below(2) == 0 { random.next() as u8 } else { bytes[place] ^ 1 << random.below(8) };
    }
}

fn with_choices(random: &mut Random, source: &[u8]) -> Vec<u8> {
    // Most inputs are modules.
    let choices = if random.below(2) == 0 { random.next() as u8 & !3 } else { random.next() as u8 };
    [&[choices], source].concat()
}

fn with_header(code: &[u8]) -> Vec<u8> {
    let header = pyc::write_header(pyc::Validation::Timestamp { modified: 1, size: 2 });
    [&header[..], code].concat()
}

fn code_of(source: &[u8]) -> Option<Vec<u8>> {
    let parsed = rspy_syntax::parse_module(&Source::Bytes(source), &ParseOptions::default()).ok()?;
    let compiled = rspy_compiler::compile(&parsed.tree, &Text::from("x.py"), &CompileOptions::default()).ok()?;
    rspy_code::marshal::dump_held(&compiled.code, rspy_code::marshal::VERSION).ok()
}

fn find(folder: &Path, paths: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            paths.push(path);
        }
    }
}

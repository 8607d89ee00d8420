//! From the bytes of a document to its text: byte order marks, the declaration, encodings.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::string::Str;
use rspy_runtime::vm::Vm;

use super::problem::Problem;

/// A declaration is looked for in so many bytes.
const LONGEST_DECLARATION: usize = 1024;

/// How bytes become characters.
enum Encoding {
    Utf8,
    Utf16 { big: bool },
    Single(Box<[Option<char>; 256]>),
}

/// Bytes on the way to text.
#[derive(Default)]
pub struct Input {
    /// The encoding by name, whatever the document says.
    name: Option<String>,
    waiting: Vec<u8>,
    encoding: Option<Encoding>,
}

/// What became of bytes: text, and what is wrong with those behind it.
#[derive(Default)]
pub struct Text {
    /// How many bytes of mark there were before it.
    pub mark: usize,
    /// The text.
    pub text: String,
    /// What stopped it.
    pub problem: Option<Problem>,
}

impl Input {
    /// By the name of an encoding that the document's own declaration does not change.
    pub fn with_encoding(name: Option<String>) -> Input {
        Input { name, ..Input::default() }
    }

    /// Whether text has to be made of the bytes: it is told in small pieces then.
    pub fn converts(&self) -> bool {
        !matches!(self.encoding, None | Some(Encoding::Utf8))
    }

    /// Whether the bytes alone say that characters have two of them at least: the declaration must say so, too.
    pub fn is_wide(&self) -> bool {
        self.name.is_none() && matches!(self.encoding, Some(Encoding::Utf16 { .. }))
    }

    /// How many bytes a character takes.
    pub fn width(&self) -> fn(char) -> usize {
        match &self.encoding {
            Some(Encoding::Utf16 { .. }) => |c| 2 * c.len_utf16(),
            Some(Encoding::Single(_)) => |_| 1,
            _ => char::len_utf8,
        }
    }

    /// The text of what was given as text.
    pub fn take_text(&mut self, text: &str) -> Text {
        if self.encoding.is_some() {
            return Text { text: text.to_owned(), ..Text::default() };
        }
        self.encoding = Some(Encoding::Utf8);
        let plain = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        Text { mark: text.len() - plain.len(), text: plain.to_owned(), problem: None }
    }

    /// The text of the next bytes.
    ///
    /// # Errors
    /// What codecs raise.
    pub fn take(&mut self, vm: &Vm, bytes: &[u8], is_final: bool) -> PyResult<Text> {
        self.waiting.extend_from_slice(bytes);
        let mut mark = 0;
        if self.encoding.is_none() {
            let Some(skipped) = self.detect(vm, is_final)? else { return Ok(Text::default()) };
            match skipped {
                Ok(skipped) => mark = skipped,
                Err(problem) => return Ok(Text { problem: Some(problem), ..Text::default() }),
            }
            self.waiting.drain(..mark);
        }
        Ok(Text { mark, ..self.decode(is_final) })
    }

    /// Finds the encoding; answers how many bytes of mark there are, or nothing where more is needed.
    fn detect(&mut self, vm: &Vm, is_final: bool) -> PyResult<Option<Result<usize, Problem>>> {
        if let Some(name) = self.name.as_deref().filter(|name| !is_own_encoding(name)) {
            return Ok(Some(encoding_of_codec(vm, name)?.map(|encoding| {
                self.encoding = Some(encoding);
                0
            })));
        }
        let (encoding, skipped) = match self.waiting[..] {
            [0xFE, 0xFF, ..] => (Encoding::Utf16 { big: true }, 2),
            [0xFF, 0xFE, ..] => (Encoding::Utf16 { big: false }, 2),
            [0xEF, 0xBB, 0xBF, ..] if self.name.is_some() => (Encoding::Utf8, 3),
            [0, b'<', ..] => (Encoding::Utf16 { big: true }, 0),
            [b'<', 0, ..] => (Encoding::Utf16 { big: false }, 0),
            // What may be the beginning of any of these.
            [] | [0 | 0xFE | 0xFF | 0xEF | b'<'] | [0xEF, 0xBB] if !is_final => return Ok(None),
            _ if self.name.is_some() => {
                let name = self.name.clone().unwrap_or_default();
                match encoding_of(vm, &name)? {
                    Ok(encoding) => (encoding, 0),
                    Err(problem) => return Ok(Some(Err(problem))),
                }
            }
            _ => {
                let mark = if self.waiting.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
                match declared(&self.waiting[mark..], is_final) {
                    None => return Ok(None),
                    Some(None) => (Encoding::Utf8, mark),
                    Some(Some(name)) => match encoding_of(vm, &name)? {
                        // Where its own words can be read it is no such thing.
                        Ok(Encoding::Utf16 { .. }) => (Encoding::Utf8, mark),
                        Ok(encoding) => (encoding, mark),
                        Err(problem) => return Ok(Some(Err(problem))),
                    },
                }
            }
        };
        self.encoding = Some(encoding);
        Ok(Some(Ok(skipped)))
    }

    fn decode(&mut self, is_final: bool) -> Text {
        let waiting = std::mem::take(&mut self.waiting);
        let (text, rest, bad) = match &self.encoding {
            Some(Encoding::Utf16 { big }) => decode_utf16(&waiting, *big),
            Some(Encoding::Single(table)) => decode_single(&waiting, table),
            _ => decode_utf8(&waiting),
        };
        let problem = match rest {
            _ if bad => Some(Problem::InvalidToken),
            [] => None,
            _ if is_final => Some(Problem::PartialCharacter),
            _ => None,
        };
        self.waiting = rest.to_vec();
        Text { mark: 0, text, problem }
    }
}

/// The encoding that the declaration names, if there is one; nothing where more is needed.
fn declared(bytes: &[u8], is_final: bool) -> Option<Option<String>> {
    const BEGINNING: &[u8] = b"<?xml";
    if !bytes.starts_with(BEGINNING) {
        return if BEGINNING.starts_with(bytes) && !is_final { None } else { Some(None) };
    }
    let Some(end) = memchr::memmem::find(bytes, b"?>") else {
        return if is_final || bytes.len() > LONGEST_DECLARATION { Some(None) } else { None };
    };
    let text = String::from_utf8_lossy(&bytes[..end]);
    Some(named_encoding(&text))
}

/// The encoding that the text of a declaration names.
fn named_encoding(declaration: &str) -> Option<String> {
    let (_, rest) = declaration.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote).map(|(name, _)| name.to_owned())
}

/// The text, the bytes that are left, and whether they are wrong.
type Decoded<'a> = (String, &'a [u8], bool);

fn decode_utf8(bytes: &[u8]) -> Decoded<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), &[], false),
        Err(error) => {
            let (good, rest) = bytes.split_at(error.valid_up_to());
            (String::from_utf8_lossy(good).into_owned(), rest, error.error_len().is_some())
        }
    }
}

fn decode_utf16(bytes: &[u8], big: bool) -> Decoded<'_> {
    let unit = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let mut text = String::new();
    let mut at = 0;
    while at + 2 <= bytes.len() {
        let first = unit(&bytes[at..]);
        let length = if (0xD800..0xDC00).contains(&first) { 4 } else { 2 };
        if at + length > bytes.len() {
            break;
        }
        let units: Vec<u16> = bytes[at..at + length].chunks_exact(2).map(unit).collect();
        match char::decode_utf16(units).next() {
            Some(Ok(c)) => text.push(c),
            _ => return (text, &bytes[at..], true),
        }
        at += length;
    }
    (text, &bytes[at..], false)
}

fn decode_single<'a>(bytes: &'a [u8], table: &[Option<char>; 256]) -> Decoded<'a> {
    let mut text = String::with_capacity(bytes.len());
    for (at, &byte) in bytes.iter().enumerate() {
        match table[usize::from(byte)] {
            Some(c) => text.push(c),
            None => return (text, &bytes[at..], true),
        }
    }
    (text, &[], false)
}

/// Whether an encoding is one of those that no codec is asked for; a mark at the beginning prevails over them.
fn is_own_encoding(name: &str) -> bool {
    const OWN: [&str; 7] = ["utf-8", "utf8", "utf-16", "utf-16be", "utf-16le", "iso-8859-1", "us-ascii"];
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// The encoding of a name: those of XML itself, or any with one byte a character that codecs know.
fn encoding_of(vm: &Vm, name: &str) -> PyResult<Result<Encoding, Problem>> {
    let single = |decode: fn(u8) -> Option<char>| {
        let mut table = Box::new([None; 256]);
        for (byte, place) in table.iter_mut().enumerate() {
            *place = decode(byte as u8);
        }
        Encoding::Single(table)
    };
    Ok(Ok(match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Encoding::Utf8,
        "utf-16" | "utf-16be" => Encoding::Utf16 { big: true },
        "utf-16le" => Encoding::Utf16 { big: false },
        "iso-8859-1" => single(|byte| Some(char::from(byte))),
        "us-ascii" => single(|byte| Some(char::from(byte)).filter(char::is_ascii)),
        _ => return encoding_of_codec(vm, name),
    }))
}

fn encoding_of_codec(vm: &Vm, name: &str) -> PyResult<Result<Encoding, Problem>> {
    let all: Vec<u8> = (0..=255).collect();
    let arguments = [vm.new_str(name), vm.new_str("replace")];
    let text = vm.call_method_str(Bytes::new(all).value(), "decode", &arguments)?;
    let Some(text) = text.downcast::<Str>().filter(|text| text.length() == 256) else {
        return Err(vm.value_error("multi-byte encodings are not supported"));
    };
    let mut table = Box::new([None; 256]);
    for (place, c) in table.iter_mut().zip(text.characters().iter()) {
        *place = char::from_u32(c).filter(|&c| c != '\u{FFFD}');
    }
    let keeps_markup = (b' '..0x7F)
        .chain(*b"\t\n\r")
        .filter(|byte| !b"$@\\^`{}~".contains(byte))
        .all(|byte| table[usize::from(byte)] == Some(char::from(byte)));
    Ok(if keeps_markup { Ok(Encoding::Single(table)) } else { Err(Problem::UnknownEncoding) })
}

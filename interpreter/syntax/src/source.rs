//! Source text: its encoding (PEP 263) and its line ends.

use std::borrow::Cow;
use std::str::Utf8Error;

use crate::error::{ErrorKind, SyntaxError};
use crate::{Mode, ParseOptions};

/// Decodes bytes in an encoding given by name, or says why it cannot: the error's message.
pub type Decoder<'a> = &'a dyn Fn(&str, &[u8]) -> Result<String, String>;

/// What to parse.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Bytes, which may declare one of the encodings every Python knows: UTF-8, Latin-1, ASCII.
    Bytes(&'a [u8]),
    /// Bytes, which may declare any encoding that the function decodes.
    EncodedBytes(&'a [u8], Decoder<'a>),
    /// As `EncodedBytes`, from a file whose name is shown in errors.
    File(&'a [u8], Decoder<'a>, &'a str),
    /// Text.
    Text(&'a str),
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<'a> Source<'a> {
    /// The text, with `\n` for every line end and, for files, one at the end.
    pub fn decode(&self, mode: Mode, options: &ParseOptions) -> Result<Cow<'a, str>, SyntaxError> {
        let text = match *self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bytes(bytes) | Self::EncodedBytes(bytes, _) if options.ignore_cookie => decode_utf8(bytes)?,
            Self::Bytes(bytes) => decode_bytes(bytes, None)?,
            Self::EncodedBytes(bytes, decoder) => decode_bytes(bytes, Some(decoder))?,
            Self::File(bytes, decoder, name) => {
                // Lines are read one after the other: what is behind a null byte is not looked at.
                let read = bytes.iter().position(|&byte| byte == 0).map_or(bytes, |null| &bytes[..=null]);
                decode_bytes(read, Some(decoder)).map_err(|error| in_file(error, name))?
            }
        };
        Ok(translate_newlines(text, mode == Mode::Module))
    }
}

/// Errors about the encoding of a file tell its name.
fn in_file(mut error: SyntaxError, name: &str) -> SyntaxError {
    if error.message.starts_with("Non-UTF-8 code") {
        error.message = error.message.replacen(" on line ", &format!(" in file {name} on line "), 1);
    }
    // Files are read by codecs that work in steps, which say less.
    if let Some(end) = error.message.find("; use codecs.decode()") {
        error.message.truncate(end);
    }
    error
}

fn decode_bytes<'a>(bytes: &'a [u8], decoder: Option<Decoder<'_>>) -> Result<Cow<'a, str>, SyntaxError> {
    let body = bytes.strip_prefix(BYTE_ORDER_MARK);
    let declared = declared_encoding(body.unwrap_or(bytes));
    if let Some(body) = body {
        return match declared {
            Some((name, line)) if name != "utf-8" => Err(mark_contradicts(body, &name, line)),
            _ => decode_utf8(body),
        };
    }
    let Some((name, _)) = declared.filter(|(name, _)| name != "utf-8") else { return decode_utf8(bytes) };
    match known_encoding(&name) {
        Some(Encoding::Utf8) => {
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| not_decodable(bytes, error))
        }
        Some(Encoding::Ascii) if !bytes.is_ascii() => Err(not_ascii(bytes)),
        Some(Encoding::Latin1) if !bytes.is_ascii() => {
            Ok(bytes.iter().map(|&byte| byte as char).collect::<String>().into())
        }
        Some(Encoding::Ascii | Encoding::Latin1) => decode_utf8(bytes),
        None => match decoder {
            Some(decode) => decode(&name, bytes).map(Cow::Owned).map_err(encoding_error),
            None => Err(encoding_error(format!("unknown encoding: {name}"))),
        },
    }
}

/// Source that declares no encoding must be UTF-8.
fn decode_utf8(bytes: &[u8]) -> Result<Cow<'_, str>, SyntaxError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let at = error.valid_up_to();
        let before = &bytes[..at];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count() as i64;
        let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count() as i64;
        let text = bytes[line_start..].split(|&byte| byte == b'\n').next().unwrap_or_default();
        let message = format!(
            "Non-UTF-8 code starting with '\\x{:02x}' on line {line}, but no encoding declared; \
             see https://peps.python.org/pep-0263/ for details",
            bytes.get(at).copied().unwrap_or_default()
        );
        SyntaxError {
            line,
            column,
            end_line: line,
            end_column: column,
            text: Some(String::from_utf8_lossy(text).into_owned()),
            ..SyntaxError::without_place(ErrorKind::Syntax, message)
        }
    })
}

/// An error without a place: CPython gives these line 0 and column -1.
fn encoding_error(message: String) -> SyntaxError {
    SyntaxError::without_place(ErrorKind::Encoding, message)
}

/// The byte order mark says UTF-8 and the declaration something else.
fn mark_contradicts(body: &[u8], name: &str, line: usize) -> SyntaxError {
    let text = body.split(|&byte| byte == b'\n').nth(line - 1).unwrap_or_default();
    let text = String::from_utf8_lossy(text).trim_end_matches('\r').to_owned();
    SyntaxError {
        line: line as i64,
        column: 0,
        end_line: line as i64,
        end_column: text.chars().count() as i64,
        text: Some(text),
        ..SyntaxError::without_place(ErrorKind::Syntax, format!("encoding problem: {name} with BOM"))
    }
}

fn not_ascii(bytes: &[u8]) -> SyntaxError {
    let at = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or_default();
    encoding_error(format!(
        "'ascii' codec can't decode byte 0x{:02x} in position {at}: ordinal not in range(128)",
        bytes.get(at).copied().unwrap_or_default()
    ))
}

fn not_decodable(bytes: &[u8], error: Utf8Error) -> SyntaxError {
    let at = error.valid_up_to();
    let first = bytes.get(at).copied().unwrap_or_default();
    let (reason, last) = match error.error_len() {
        None => ("unexpected end of data", bytes.len() - 1),
        Some(1) if (0x80..0xC2).contains(&first) || first > 0xF4 => ("invalid start byte", at),
        Some(length) => ("invalid continuation byte", at + length - 1),
    };
    encoding_error(if last == at {
        format!("'utf-8' codec can't decode byte 0x{first:02x} in position {at}: {reason}")
    } else {
        format!("'utf-8' codec can't decode bytes in position {at}-{last}: {reason}")
    })
}

/// The encodings that need no other module.
enum Encoding {
    Utf8,
    Latin1,
    Ascii,
}

/// Recognises an encoding by any of the names Python has for it.
fn known_encoding(name: &str) -> Option<Encoding> {
    let short: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match short.to_ascii_lowercase().as_str() {
        "utf8" | "u8" | "utf" | "utf8ucs2" | "utf8ucs4" | "cp65001" | "utf8sig" => Some(Encoding::Utf8),
        "iso88591" | "latin1" | "latin" | "l1" | "8859" | "iso8859" | "cp819" | "ibm819" | "isoir100"
        | "csisolatin1" | "iso885911987" | "isolatin1" => Some(Encoding::Latin1),
        "ascii" | "usascii" | "646" | "us" | "ansix341968" | "ansix341986" | "cp367" | "csascii"
        | "ibm367" | "iso646us" | "iso646irv1991" | "isoir6" => Some(Encoding::Ascii),
        _ => None,
    }
}

/// The encoding that one of the first two lines declares, in CPython's spelling, and which line does.
pub fn declared_encoding(bytes: &[u8]) -> Option<(String, usize)> {
    let mut lines = bytes.splitn(3, |&byte| byte == b'\n' || byte == b'\r');
    let first = lines.next()?;
    if let Some(name) = encoding_in_line(first) {
        return Some((name, 1));
    }
    if !is_blank_or_comment(first) {
        return None;
    }
    let second = if bytes.get(first.len()..first.len() + 2) == Some(b"\r\n") {
        bytes[first.len() + 2..].split(|&byte| byte == b'\n' || byte == b'\r').next()?
    } else {
        lines.next()?
    };
    encoding_in_line(second).map(|name| (name, 2))
}

fn is_blank_or_comment(line: &[u8]) -> bool {
    let first = line.iter().find(|byte| !matches!(byte, b' ' | b'\t' | 0x0C));
    matches!(first, None | Some(b'#'))
}

fn encoding_in_line(line: &[u8]) -> Option<String> {
    let comment = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | 0x0C))?;
    if line[comment] != b'#' {
        return None;
    }
    let mut rest = &line[comment..];
    while let Some(at) = rest.windows(6).position(|window| window == b"coding") {
        rest = &rest[at + 6..];
        if !matches!(rest.first(), Some(b':' | b'=')) {
            continue;
        }
        let name = rest[1..].iter().skip_while(|byte| matches!(byte, b' ' | b'\t'));
        let name: String = name
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            .map(|&byte| byte as char)
            .collect();
        if !name.is_empty() {
            return Some(normal_name(name));
        }
    }
    None
}

/// One spelling for the many of UTF-8 and Latin-1.
fn normal_name(name: String) -> String {
    let short: String =
        name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let is = |known: &str| short == known || short.starts_with(&format!("{known}-"));
    if is("utf-8") {
        "utf-8".to_owned()
    } else if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") {
        "iso-8859-1".to_owned()
    } else {
        name
    }
}

/// Universal newlines: `\r\n` and `\r` become `\n`. With `ends_line`, the last line ends as well.
fn translate_newlines(text: Cow<'_, str>, ends_line: bool) -> Cow<'_, str> {
    let mut text = text;
    if memchr::memchr(b'\r', text.as_bytes()).is_some() {
        text = text.replace("\r\n", "\n").replace('\r', "\n").into();
    }
    if ends_line && !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    text
}

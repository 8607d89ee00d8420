//! Source text: its encoding (PEP 263) and its line ends.

use std::borrow::Cow;

use crate::error::{ErrorKind, SyntaxError};
use crate::{Mode, ParseOptions};

/// Decodes bytes in an encoding given by name. `None` means that there is no such encoding or that the bytes are not
/// in it.
pub type Decoder<'a> = &'a dyn Fn(&str, &[u8]) -> Option<String>;

/// What to parse.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Bytes, which may declare their encoding.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<'a> Source<'a> {
    /// The text, with `\n` for every line end and, for files, one at the end.
    pub fn decode(&self, mode: Mode, options: &ParseOptions<'_>) -> Result<Cow<'a, str>, SyntaxError> {
        let text = match *self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bytes(bytes) if options.ignore_cookie => decode_utf8(bytes)?,
            Self::Bytes(bytes) => decode_bytes(bytes, options.decoder)?,
        };
        Ok(translate_newlines(text, mode == Mode::Module))
    }
}

fn decode_bytes<'a>(bytes: &'a [u8], decoder: Option<Decoder<'_>>) -> Result<Cow<'a, str>, SyntaxError> {
    let body = bytes.strip_prefix(BYTE_ORDER_MARK);
    let declared = declared_encoding(body.unwrap_or(bytes));
    if let Some(body) = body {
        return match declared {
            Some(name) if name != "utf-8" => {
                Err(encoding_error(format!("encoding problem: {name} with BOM")))
            }
            _ => decode_utf8(body),
        };
    }
    let Some(name) = declared else { return decode_utf8(bytes) };
    match name.as_str() {
        "utf-8" => decode_utf8(bytes),
        "iso-8859-1" => Ok(match bytes.is_ascii() {
            true => decode_utf8(bytes)?,
            false => bytes.iter().map(|&byte| byte as char).collect::<String>().into(),
        }),
        "ascii" | "us-ascii" if bytes.is_ascii() => decode_utf8(bytes),
        _ => match decoder.and_then(|decode| decode(&name, bytes)) {
            Some(text) => Ok(text.into()),
            None => Err(encoding_error(format!("unknown encoding: {name}"))),
        },
    }
}

/// An error without a place: CPython gives these line 0 and column -1.
fn encoding_error(message: String) -> SyntaxError {
    SyntaxError::without_place(ErrorKind::Encoding, message)
}

fn decode_utf8(bytes: &[u8]) -> Result<Cow<'_, str>, SyntaxError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let at = error.valid_up_to();
        let first = bytes.get(at).copied().unwrap_or_default();
        let (reason, last) = match error.error_len() {
            None => ("unexpected end of data", bytes.len() - 1),
            Some(1) if (0x80..0xC2).contains(&first) || first > 0xF4 => ("invalid start byte", at),
            Some(length) => ("invalid continuation byte", at + length - 1),
        };
        let message = match last == at {
            true => format!(
                "(unicode error) 'utf-8' codec can't decode byte 0x{first:02x} in position {at}: {reason}"
            ),
            false => {
                format!("(unicode error) 'utf-8' codec can't decode bytes in position {at}-{last}: {reason}")
            }
        };
        encoding_error(message)
    })
}

/// The encoding that one of the first two lines declares, in CPython's spelling.
pub fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.splitn(3, |&byte| byte == b'\n' || byte == b'\r');
    let first = lines.next()?;
    if let Some(name) = encoding_in_line(first) {
        return Some(name);
    }
    if !is_blank_or_comment(first) {
        return None;
    }
    let second = if bytes.get(first.len()..first.len() + 2) == Some(b"\r\n") {
        bytes[first.len() + 2..].split(|&byte| byte == b'\n' || byte == b'\r').next()?
    } else {
        lines.next()?
    };
    encoding_in_line(second)
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

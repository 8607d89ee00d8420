//! What `bytes` and `bytearray` know of ASCII text: case, classes of characters, padding, tabs.

/// Whether a byte is ASCII white space as `bytes.isspace` and `bytes.split` see it.
pub const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// All bytes in lower case.
pub fn lower(data: &[u8]) -> Vec<u8> {
    data.to_ascii_lowercase()
}

/// All bytes in upper case.
pub fn upper(data: &[u8]) -> Vec<u8> {
    data.to_ascii_uppercase()
}

/// All bytes in the other case.
pub fn swapcase(data: &[u8]) -> Vec<u8> {
    data.iter().map(|byte| if byte.is_ascii_alphabetic() { byte ^ 0x20 } else { *byte }).collect()
}

/// The first byte in upper case, the others in lower case.
pub fn capitalize(data: &[u8]) -> Vec<u8> {
    let mut out = lower(data);
    if let Some(first) = out.first_mut() {
        first.make_ascii_uppercase();
    }
    out
}

/// The first letter of each word in upper case, the others in lower case.
pub fn title(data: &[u8]) -> Vec<u8> {
    let mut inside = false;
    data.iter()
        .map(|byte| {
            let shown = if inside { byte.to_ascii_lowercase() } else { byte.to_ascii_uppercase() };
            inside = byte.is_ascii_alphabetic();
            shown
        })
        .collect()
}

/// Whether words begin in upper case and only there, and there is a letter.
pub fn is_title(data: &[u8]) -> bool {
    let (mut inside, mut seen) = (false, false);
    for byte in data {
        match (byte.is_ascii_uppercase(), byte.is_ascii_lowercase(), inside) {
            (true, _, true) | (_, true, false) => return false,
            (upper, lower, _) => {
                inside = upper || lower;
                seen |= inside;
            }
        }
    }
    seen
}

/// Whether there is a letter of one case and none of the other.
pub fn is_of_case(data: &[u8], is_case: fn(&u8) -> bool, is_other: fn(&u8) -> bool) -> bool {
    data.iter().any(is_case) && !data.iter().any(is_other)
}

/// Whether there are bytes and all are of a class.
pub fn all(data: &[u8], is_class: impl Fn(u8) -> bool) -> bool {
    !data.is_empty() && data.iter().all(|&byte| is_class(byte))
}

/// Fill bytes to the left and to the right.
pub fn pad(data: &[u8], left: usize, right: usize, fill: u8) -> Vec<u8> {
    let mut out = vec![fill; left];
    out.extend_from_slice(data);
    out.resize(out.len() + right, fill);
    out
}

/// How much of the padding of `center` goes to the left.
pub const fn left_of_center(width: usize, length: usize) -> usize {
    let margin = width - length;
    margin / 2 + (margin & width & 1)
}

/// Zeros to the left, behind a sign.
pub fn zfill(data: &[u8], width: usize) -> Vec<u8> {
    let fill = width.saturating_sub(data.len());
    match data {
        [sign @ (b'+' | b'-'), rest @ ..] if fill > 0 => {
            let mut out = vec![*sign];
            out.extend(std::iter::repeat_n(b'0', fill));
            out.extend_from_slice(rest);
            out
        }
        _ => pad(data, fill, 0, b'0'),
    }
}

/// Tabs as spaces up to the next multiple of the tab size; `None` where the result would be too long.
pub fn expand_tabs(data: &[u8], size: i32) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len());
    let mut column = 0usize;
    for &byte in data {
        match byte {
            b'\t' => {
                if size > 0 {
                    let fill = size as usize - column % size as usize;
                    if !crate::heap::can_allocate(out.len() + fill) {
                        return None;
                    }
                    column += fill;
                    out.resize(out.len() + fill, b' ');
                }
            }
            _ => {
                column = if matches!(byte, b'\n' | b'\r') { 0 } else { column + 1 };
                out.push(byte);
            }
        }
    }
    Some(out)
}

/// The range that is left when bytes are stripped from the chosen ends.
pub fn stripped(data: &[u8], is_stripped: impl Fn(u8) -> bool, left: bool, right: bool) -> (usize, usize) {
    let start = if left { data.iter().position(|&byte| !is_stripped(byte)).unwrap_or(data.len()) } else { 0 };
    let end = if right {
        data.iter().rposition(|&byte| !is_stripped(byte)).map_or(start, |last| last + 1)
    } else {
        data.len()
    };
    (start, end.max(start))
}

/// `b'…'` with escapes, without a name around it.
pub fn quoted(data: &[u8]) -> String {
    quoted_with(data, false)
}

/// As [`quoted`], but single quotes are escaped between double ones too, as `bytearray` does.
pub fn quoted_always(data: &[u8]) -> String {
    quoted_with(data, true)
}

fn quoted_with(data: &[u8], always: bool) -> String {
    let quote = if data.contains(&b'\'') && !data.contains(&b'"') { '"' } else { '\'' };
    let mut out = String::with_capacity(data.len() + 3);
    out.push('b');
    out.push(quote);
    for &byte in data {
        match byte {
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' if char::from(byte) == quote || always && byte == b'\'' => {
                out.push('\\');
                out.push(byte as char);
            }
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

//! `repr` of constants.

use std::fmt::Write;

use rspy_code::{Constant, Text};

/// The `repr` of a constant.
pub fn constant(value: &Constant) -> String {
    match value {
        Constant::None => "None".to_owned(),
        Constant::Ellipsis => "Ellipsis".to_owned(),
        Constant::Bool(true) => "True".to_owned(),
        Constant::Bool(false) => "False".to_owned(),
        Constant::Int(value) => value.to_string(),
        Constant::BigInt(value) => value.to_string(),
        Constant::Float(value) => float(*value),
        Constant::Complex { real, imaginary } => complex(*real, *imaginary),
        Constant::Str(value) => text(value),
        Constant::Bytes(value) => bytes(value),
        Constant::Tuple(items) => match &**items {
            [single] => format!("({},)", constant(single)),
            items => format!("({})", list(items)),
        },
        Constant::FrozenSet(items) if items.is_empty() => "frozenset()".to_owned(),
        Constant::FrozenSet(items) => format!("frozenset({{{}}})", list(&items[..])),
        Constant::Slice(items) => format!("slice({})", list(&items[..])),
        Constant::Code(code) => format!("<code object {}>", code.name),
    }
}

fn list(items: &[Constant]) -> String {
    items.iter().map(constant).collect::<Vec<_>>().join(", ")
}

/// The `repr` of a float: the shortest digits that give the same float.
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let fixed = value.to_string();
        return if fixed.contains('.') { fixed } else { format!("{fixed}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn without_fraction(value: f64) -> String {
    let text = float(value);
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn complex(real: f64, imaginary: f64) -> String {
    if real == 0.0 && real.is_sign_positive() {
        return format!("{}j", without_fraction(imaginary));
    }
    let sign = if imaginary.is_sign_negative() || imaginary.is_nan() { "" } else { "+" };
    let sign = if imaginary.is_nan() { "+" } else { sign };
    format!("({}{sign}{}j)", without_fraction(real), without_fraction(imaginary))
}

/// The `repr` of a string.
pub fn string(value: &str) -> String {
    text(&Text::from(value))
}

/// The `repr` of a string.
pub fn text(value: &Text) -> String {
    let contains = |wanted: u8| value.as_bytes().contains(&wanted);
    let quote = if contains(b'\'') && !contains(b'"') { '"' } else { '\'' };
    let mut shown = String::with_capacity(value.len() + 2);
    shown.push(quote);
    for point in value.chars() {
        match char::from_u32(point) {
            Some(character @ ('\\' | '\'' | '"')) if character == '\\' || character == quote => {
                shown.push('\\');
                shown.push(character);
            }
            Some('\n') => shown.push_str("\\n"),
            Some('\r') => shown.push_str("\\r"),
            Some('\t') => shown.push_str("\\t"),
            Some(character) if is_printable(character) => shown.push(character),
            _ => {
                let _ = match point {
                    0..0x100 => write!(shown, "\\x{point:02x}"),
                    0x100..0x10000 => write!(shown, "\\u{point:04x}"),
                    _ => write!(shown, "\\U{point:08x}"),
                };
            }
        }
    }
    shown.push(quote);
    shown
}

/// Whether `repr` shows a character as it is.
fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{A0}' | '\u{AD}' => false,
        // Rust escapes combining characters as well, which Python shows.
        _ => character.escape_debug().len() == 1 || character.is_alphanumeric() || is_combining(character),
    }
}

fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1ACE}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20F0}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{E0100}'..='\u{E01EF}')
}

fn bytes(value: &[u8]) -> String {
    let quote = if value.contains(&b'\'') && !value.contains(&b'"') { '"' } else { '\'' };
    let mut shown = format!("b{quote}");
    for &byte in value {
        match byte {
            b'\\' => shown.push_str("\\\\"),
            b'\n' => shown.push_str("\\n"),
            b'\r' => shown.push_str("\\r"),
            b'\t' => shown.push_str("\\t"),
            _ if char::from(byte) == quote => {
                shown.push('\\');
                shown.push(quote);
            }
            b' '..=b'~' => shown.push(char::from(byte)),
            _ => {
                let _ = write!(shown, "\\x{byte:02x}");
            }
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_shown_as_python_shows_them() {
        assert_eq!(float(1e16), "1e+16");
        assert_eq!(float(123456789012345.0), "123456789012345.0");
        assert_eq!(float(1e-5), "1e-05");
        assert_eq!(complex(0.0, 2.0), "2j");
        assert_eq!(complex(-0.0, 2.5), "(-0+2.5j)");
        assert_eq!(string("it's"), "\"it's\"");
        assert_eq!(string("\u{7f}\n"), "'\\x7f\\n'");
        assert_eq!(bytes(b"a'\xff"), "b\"a'\\xff\"");
    }
}

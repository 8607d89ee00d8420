//! Complex numbers as text: `repr`, and what `complex(text)` takes.

use crate::format::float::{Notation, Style, parse_prefix, render};
use crate::types::complex::arithmetic::{Parts, parts};

/// `repr`: in parentheses unless there is nothing but an imaginary part.
pub fn repr(z: Parts) -> String {
    let text = |x| render(x, Style::new(Notation::Shortest, 0));
    let imaginary = text(z.imaginary);
    if z.real == 0.0 && z.real.is_sign_positive() {
        return format!("{imaginary}j");
    }
    let plus = if imaginary.starts_with('-') { "" } else { "+" };
    format!("({}{plus}{imaginary}j)", text(z.real))
}

/// Why a text is no complex number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseError {
    /// It has another form.
    Malformed,
    /// Underscores are not between digits.
    Underscores,
}

/// The number that an ASCII text without white space around it means.
///
/// # Errors
/// Why it means none.
pub fn parse(text: &str) -> Result<Parts, ParseError> {
    if !text.contains('_') {
        return parse_plain(text).ok_or(ParseError::Malformed);
    }
    let bytes = text.as_bytes();
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let valid = bytes
        .iter()
        .enumerate()
        .all(|(index, &byte)| byte != b'_' || (index > 0 && digit(index - 1) && digit(index + 1)));
    let number =
        if valid { parse_plain(&text.replace('_', "")) } else { return Err(ParseError::Underscores) };
    number.ok_or(ParseError::Malformed)
}

fn parse_plain(text: &str) -> Option<Parts> {
    let text = match text.strip_prefix('(') {
        Some(inner) => {
            inner.strip_suffix(')')?.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b')
        }
        None => text,
    };
    let unit = |rest: &str| (rest == "j" || rest == "J").then_some(());
    let sign = |text: &str| match text.as_bytes().first() {
        Some(b'+') => Some(1.0),
        Some(b'-') => Some(-1.0),
        _ => None,
    };
    let Some((first, length)) = parse_prefix(text) else {
        // A sign and the unit, or the unit alone.
        let imaginary = sign(text);
        unit(&text[usize::from(imaginary.is_some())..])?;
        return Some(parts(0.0, imaginary.unwrap_or(1.0)));
    };
    let rest = &text[length..];
    let Some(one) = sign(rest) else {
        return if rest.is_empty() {
            Some(parts(first, 0.0))
        } else {
            unit(rest).map(|()| parts(0.0, first))
        };
    };
    let (imaginary, length) = parse_prefix(rest).unwrap_or((one, 1));
    unit(&rest[length..])?;
    Some(parts(first, imaginary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(parse("(1+2j)"), Ok(parts(1.0, 2.0)));
        assert_eq!(parse("( 1-j )"), Ok(parts(1.0, -1.0)));
        assert_eq!(parse("-J"), Ok(parts(0.0, -1.0)));
        assert_eq!(parse("1_0+2_0j"), Ok(parts(10.0, 20.0)));
        assert_eq!(parse("1__0"), Err(ParseError::Underscores));
        for wrong in ["", "()", "1 +2j", "1+2", "1j+2", "(1", "1)", "1+-2j", "1e+j", "1.5.5j", "+-1j"] {
            assert_eq!(parse(wrong), Err(ParseError::Malformed), "{wrong}");
        }
        assert_eq!(repr(parts(-0.0, 1.5)), "(-0+1.5j)");
        assert_eq!(repr(parts(0.0, -2.0)), "-2j");
    }
}

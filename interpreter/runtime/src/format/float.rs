//! `float` as decimal text, in the notations of `repr` and of `e`, `f` and `g`, correctly rounded to any precision;
//! and back.

use std::fmt::Write;

/// A notation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notation {
    /// As few digits as tell the number from its neighbours; an exponent where it is shorter.
    Shortest,
    /// One digit, the point, and an exponent.
    Exponent,
    /// No exponent.
    Fixed,
    /// A number of significant digits; an exponent where it is shorter.
    General,
}

/// How a number is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The notation.
    pub notation: Notation,
    /// Digits behind the point, or significant digits in [`Notation::General`].
    pub precision: usize,
    /// Whether the point is always there, and trailing zeros stay.
    pub alternate: bool,
    /// Whether whole numbers end in `.0`.
    pub mark_float: bool,
    /// Whether letters are capitals.
    pub upper: bool,
    /// Whether a number that rounds to zero has no sign.
    pub no_negative_zero: bool,
}

impl Style {
    /// A notation with a precision and nothing else.
    pub const fn new(notation: Notation, precision: usize) -> Style {
        Style {
            notation,
            precision,
            alternate: false,
            mark_float: false,
            upper: false,
            no_negative_zero: false,
        }
    }
}

/// No number has more significant digits than this; behind them are zeros only.
const MOST_DIGITS: usize = 1100;

/// `repr(value)`.
pub fn repr(value: f64) -> String {
    repr_text(value).as_str().to_owned()
}

/// `repr(value)`, on the stack.
pub fn repr_text(value: f64) -> ShortText {
    let mut text = ShortText::default();
    let mut scientific = ShortText::default();
    // There is room for the digits of any number.
    let written = write!(scientific, "{:e}", value.abs()).is_ok();
    match scientific.digits() {
        Some((digits, count, point))
            if written && value.is_finite() && !may_be_odd_tie(&digits[..count], value) =>
        {
            if value.is_sign_negative() {
                text.push(b"-");
            }
            push_shortest(&mut text, &digits[..count], point);
        }
        _ => {
            let style = Style { mark_float: true, ..Style::new(Notation::Shortest, 0) };
            text.push(render(value, style).as_bytes());
        }
    }
    text
}

/// Writes the digits of a number as `repr` does; `point` of them stand before the decimal point.
fn push_shortest(text: &mut ShortText, digits: &[u8], point: i32) {
    const ZEROS: &[u8] = b"0000000000000000";
    let count = digits.len() as i32;
    match point {
        -3..=0 => {
            text.push(b"0.");
            text.push(&ZEROS[..-point as usize]);
            text.push(digits);
        }
        1..=16 if count <= point => {
            text.push(digits);
            text.push(&ZEROS[..(point - count) as usize]);
            text.push(b".0");
        }
        1..=16 => {
            let (whole, fraction) = digits.split_at(point as usize);
            text.push(whole);
            text.push(b".");
            text.push(fraction);
        }
        _ => {
            text.push(&digits[..1]);
            if count > 1 {
                text.push(b".");
                text.push(&digits[1..]);
            }
            // Two digits at least.
            let exponent = point - 1;
            let sign = if exponent < 0 { '-' } else { '+' };
            // There is room for it.
            drop(write!(text, "e{sign}{:02}", exponent.unsigned_abs()));
        }
    }
}

/// A text of a few ASCII characters, as numbers are.
#[derive(Clone, Copy, Default, Debug)]
pub struct ShortText {
    bytes: [u8; 32],
    length: usize,
}

impl ShortText {
    /// A text of at most 32 bytes.
    pub fn of(text: &str) -> ShortText {
        let mut short = ShortText::default();
        short.push(text.as_bytes());
        short
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// The digits of Rust's scientific notation, how many there are, and the position of the point.
    fn digits(&self) -> Option<([u8; 20], usize, i32)> {
        let (mantissa, exponent) = self.as_str().split_once('e')?;
        let mut digits = [0; 20];
        let mut count = 0;
        for &byte in mantissa.as_bytes() {
            if byte != b'.' {
                *digits.get_mut(count)? = byte;
                count += 1;
            }
        }
        Some((digits, count, exponent.parse::<i32>().ok()? + 1))
    }
}

impl std::fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if text.len() > self.bytes.len() - self.length {
            return Err(std::fmt::Error);
        }
        self.push(text.as_bytes());
        Ok(())
    }
}

/// The number's text, with a minus sign if it has one.
pub fn render(value: f64, style: Style) -> String {
    if !value.is_finite() {
        let text = match (value.is_nan(), value < 0.0) {
            (true, _) => "nan",
            (_, false) => "inf",
            (_, true) => "-inf",
        };
        return if style.upper { text.to_uppercase() } else { text.to_owned() };
    }
    let (digits, point) = match style.notation {
        Notation::Shortest => shortest(value.abs()),
        Notation::Exponent => rounded(value, style.precision + 1),
        Notation::General => rounded(value, style.precision.max(1)),
        Notation::Fixed => fixed(value, style.precision),
    };
    let negative =
        value.is_sign_negative() && !(style.no_negative_zero && digits.bytes().all(|digit| digit == b'0'));
    let mut out = String::with_capacity(digits.len() + 8);
    if negative {
        out.push('-');
    }
    place_point(&mut out, &digits, point, style);
    out
}

/// Writes digits of which `point` stand before the decimal point, moved by an exponent where the notation has one.
fn place_point(out: &mut String, digits: &str, point: i32, style: Style) {
    let precision = style.precision.max(1);
    let uses_exponent = match style.notation {
        Notation::Exponent => true,
        Notation::Fixed => false,
        Notation::Shortest => point <= -4 || point > 16,
        Notation::General => point <= -4 || point > clamp(precision) - i32::from(style.mark_float),
    };
    let mut digits = digits;
    let mut zeros = 0;
    match style.notation {
        Notation::General if style.alternate => zeros = precision.saturating_sub(digits.len()),
        Notation::General | Notation::Shortest => {
            let stripped = digits.trim_end_matches('0');
            digits = if stripped.is_empty() { &digits[..1] } else { stripped };
        }
        Notation::Exponent => zeros = style.precision.saturating_add(1).saturating_sub(digits.len()),
        Notation::Fixed => {
            zeros = (clamp(style.precision).saturating_add(point).saturating_sub(clamp(digits.len()))).max(0)
                as usize
        }
    }
    let whole = if uses_exponent { 1 } else { point };
    let total = digits.len() + zeros;
    let digit_at = |index: usize| digits.get(index..=index).unwrap_or("0");
    if whole <= 0 {
        out.push('0');
    } else {
        (0..whole as usize).for_each(|index| out.push_str(digit_at(index)));
    }
    let behind = total as i64 - i64::from(whole.max(0)) + i64::from((-whole).max(0));
    if behind > 0 {
        out.push('.');
        (whole..0).for_each(|_| out.push('0'));
        let from = whole.max(0) as usize;
        out.push_str(digits.get(from..).unwrap_or(""));
        out.extend(std::iter::repeat_n('0', total - from.max(digits.len())));
    } else if style.mark_float && !uses_exponent {
        out.push_str(".0");
    } else if style.alternate {
        out.push('.');
    }
    if uses_exponent {
        let exponent = point - 1;
        out.push(if style.upper { 'E' } else { 'e' });
        out.push(if exponent < 0 { '-' } else { '+' });
        let exponent = exponent.unsigned_abs();
        if exponent < 10 {
            out.push('0');
        }
        out.push_str(&exponent.to_string());
    }
}

fn clamp(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX / 2)
}

/// Digits and the position of the point from Rust's scientific notation.
fn significant(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Zero is 0.0: one digit before the point.
    (digits, exponent + 1)
}

/// As few digits as tell the number from its neighbours.
fn shortest(value: f64) -> (String, i32) {
    let (digits, point) = significant(&format!("{value:e}"));
    if may_be_odd_tie(digits.as_bytes(), value) {
        let text = format!("{:.*e}", digits.len() - 1, value);
        if text.parse() == Ok(value) {
            return significant(&text);
        }
    }
    (digits, point)
}

/// Whether the last digit may have come from a tie: Rust rounds one up, where the even digit is wanted.
fn may_be_odd_tie(digits: &[u8], value: f64) -> bool {
    digits.len() > 14 && digits.last().is_some_and(|digit| digit % 2 == 1) && may_be_tie(value)
}

/// Whether all digits of a number are so few that leaving out the last can be a tie.
fn may_be_tie(value: f64) -> bool {
    const MOST: u128 = 10u128.pow(18);
    let bits = value.to_bits();
    let exponent = (bits >> 52) as i32 - 1075;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let zeros = mantissa.trailing_zeros();
    let fraction_bits = -(exponent + zeros as i32);
    fraction_bits <= 0
        || (fraction_bits <= 25 && u128::from(mantissa >> zeros) * 5u128.pow(fraction_bits as u32) < MOST)
}

/// A number of significant digits, exactly rounded, ties to even.
fn rounded(value: f64, count: usize) -> (String, i32) {
    significant(&format!("{:.*e}", count.min(MOST_DIGITS) - 1, value.abs()))
}

/// All digits down to a number of them behind the point.
fn fixed(value: f64, precision: usize) -> (String, i32) {
    let text = format!("{:.*}", precision.min(MOST_DIGITS), value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    (format!("{whole}{fraction}"), clamp(whole.len()))
}

/// A number's text without white space around it, as `float(…)` takes it: underscores between digits, `inf` and `nan`
/// in any case. Nothing where the text is no number.
pub fn parse(text: &str) -> Option<f64> {
    if !text.contains('_') {
        return parse_plain(text);
    }
    let bytes = text.as_bytes();
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    for (index, &byte) in bytes.iter().enumerate() {
        if byte == b'_' && (index == 0 || !digit(index - 1) || !digit(index + 1)) {
            return None;
        }
    }
    parse_plain(&text.replace('_', ""))
}

/// As [`parse`], without underscores.
pub fn parse_plain(text: &str) -> Option<f64> {
    let (value, length) = parse_prefix(text)?;
    (length == text.len()).then_some(value)
}

/// The number that a text begins with, and its length.
pub fn parse_prefix(text: &str) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let negative = bytes.first() == Some(&b'-');
    let signed = |value: f64| if negative { -value } else { value };
    let begins = |word: &str| {
        bytes.get(sign..sign + word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    for (word, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if begins(word) {
            return Some((signed(value), sign + word.len()));
        }
    }
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let exponent_sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + exponent_sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + exponent_sign + exponent;
        }
    }
    let value: f64 = text[sign..end].parse().ok()?;
    Some((signed(value), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general(value: f64, precision: usize) -> String {
        render(value, Style::new(Notation::General, precision))
    }

    #[test]
    fn repr_is_the_shortest() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (5e-324, "5e-324"),
            (1.5e300, "1.5e+300"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
            (123_456_789.125, "123456789.125"),
            (2f64.powi(53), "9007199254740992.0"),
        ] {
            assert_eq!(repr(value), text);
        }
    }

    #[test]
    fn precisions() {
        assert_eq!(general(1e6, 6), "1e+06");
        assert_eq!(general(100_000.0, 6), "100000");
        assert_eq!(general(0.000_1, 6), "0.0001");
        assert_eq!(general(0.0, 6), "0");
        assert_eq!(render(2.5, Style::new(Notation::Fixed, 0)), "2");
        assert_eq!(render(0.5, Style { alternate: true, ..Style::new(Notation::Fixed, 0) }), "0.");
        assert_eq!(render(1.0, Style { alternate: true, ..Style::new(Notation::General, 6) }), "1.00000");
        assert_eq!(render(12.0, Style { mark_float: true, ..Style::new(Notation::General, 2) }), "1.2e+01");
        assert_eq!(render(1.0, Style::new(Notation::Fixed, 2000)).len(), 2002);
        assert_eq!(render(1.5, Style::new(Notation::Exponent, 1200)).len(), 1206);
    }

    #[test]
    fn texts_of_numbers() {
        assert_eq!(parse("1_000.5e1_0"), Some(1000.5e10));
        for wrong in ["", "_1", "1_", "1__0", "1_.0", "1._0", "e5", ".", "0x1", "1e", "infinit", "1 "] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(parse_prefix("1e+j"), Some((1.0, 1)));
    }
}

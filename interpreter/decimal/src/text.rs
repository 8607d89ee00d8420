//! From text and to text.

use crate::coefficient::{Coefficient, TEXT_ROOM};
use crate::context::{Context, MAX_EMAX, Signals, failed};
use crate::number::{Decimal, Kind};

/// Exponents are cut to this: beyond all limits, and no sum of two leaves the range of the type.
const FARTHEST: i64 = 4 * MAX_EMAX;

impl Decimal {
    /// The number that a text says; `None` where it says none. What is beyond all exponents is cut to one that is still
    /// beyond them.
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        match unsigned.first()? {
            b'0'..=b'9' | b'.' => parse_finite(negative, unsigned),
            _ => parse_special(negative, unsigned),
        }
    }

    /// The text in scientific notation.
    pub fn to_scientific(&self, capitals: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.write(&mut out, capitals, false);
        out
    }

    /// The text in engineering notation: exponents are multiples of three.
    pub fn to_engineering(&self, capitals: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.write(&mut out, capitals, true);
        out
    }

    /// Adds the text to another.
    pub fn write(&self, out: &mut Vec<u8>, capitals: bool, engineering: bool) {
        if self.negative {
            out.push(b'-');
        }
        if self.kind != Kind::Finite {
            self.write_special(out);
            return;
        }
        let mut room = [0; TEXT_ROOM];
        let digits = self.coefficient.text(&mut room);
        let leading = self.exponent + digits.len() as i64;
        // How many digits stand before the point; may be negative.
        let point = if self.exponent <= 0 && leading > -6 {
            leading
        } else if engineering {
            self.engineering_point(leading - 1)
        } else {
            1
        };
        write_digits(out, &digits, point);
        if leading != point {
            write_exponent(out, leading - point, capitals);
        }
    }

    /// The digits before the point in engineering notation.
    fn engineering_point(&self, adjusted: i64) -> i64 {
        if self.coefficient.is_zero() {
            // Zero gets zeros behind the point until the exponent is a multiple of three.
            return match self.exponent.rem_euclid(3) {
                0 => 1,
                1 => -1,
                _ => 0,
            };
        }
        adjusted.rem_euclid(3) + 1
    }

    fn write_special(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.kind {
            Kind::Infinite => b"Infinity",
            Kind::Signaling => b"sNaN",
            _ => b"NaN",
        });
        if !self.coefficient.is_zero() {
            out.extend_from_slice(&self.coefficient.text(&mut [0; TEXT_ROOM]));
        }
    }
}

/// Writes digits with the point behind so many of them, and zeros where there are too few.
pub(crate) fn write_digits(out: &mut Vec<u8>, digits: &[u8], point: i64) {
    let count = digits.len() as i64;
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
    } else if point < count {
        let (whole, fraction) = digits.split_at(point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(digits);
        out.resize(out.len() + (point - count) as usize, b'0');
    }
}

/// Writes an exponent with its letter and sign.
pub(crate) fn write_exponent(out: &mut Vec<u8>, exponent: i64, capitals: bool) {
    out.push(if capitals { b'E' } else { b'e' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    out.extend_from_slice(&Coefficient::from(exponent.unsigned_abs()).text(&mut [0; TEXT_ROOM]));
}

fn parse_finite(negative: bool, text: &[u8]) -> Option<Decimal> {
    let whole = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (mut digits, mut fraction, mut rest) = (&text[..whole], &text[..0], &text[whole..]);
    if let [b'.', behind @ ..] = rest {
        let length = behind.iter().take_while(|c| c.is_ascii_digit()).count();
        (fraction, rest) = behind.split_at(length);
    }
    if digits.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', exponent @ ..] => parse_exponent(exponent)?,
        _ => return None,
    };
    while let [b'0', behind @ ..] = digits {
        digits = behind;
    }
    let coefficient = if fraction.is_empty() {
        Coefficient::from_text(digits)
    } else if digits.len() + fraction.len() <= 40 {
        let mut joined = [0; 40];
        joined[..digits.len()].copy_from_slice(digits);
        joined[digits.len()..digits.len() + fraction.len()].copy_from_slice(fraction);
        Coefficient::from_text(&joined[..digits.len() + fraction.len()])
    } else {
        Coefficient::from_text(&[digits, fraction].concat())
    };
    let exponent = (exponent - fraction.len() as i64).clamp(-FARTHEST, FARTHEST);
    Some(Decimal::new(negative, coefficient, exponent))
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let exponent = digits.iter().fold(0i64, |exponent, digit| {
        exponent.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(FARTHEST)
    });
    Some(if negative { -exponent } else { exponent })
}

fn parse_special(negative: bool, text: &[u8]) -> Option<Decimal> {
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(Decimal::infinity(negative));
    }
    let (signaling, text) = match text {
        [b's' | b'S', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (name, payload) = text.split_at_checked(3)?;
    if !name.eq_ignore_ascii_case(b"nan") || !payload.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Decimal::nan(negative, signaling, Coefficient::from_text(payload)))
}

impl Context {
    /// The number that a text says, rounded.
    pub fn parse(&self, text: &[u8], signals: &mut Signals) -> Decimal {
        match Decimal::parse(text) {
            Some(number) if number.is_nan() => {
                if self.has_room_for_payload(&number) {
                    number
                } else {
                    failed(signals, Signals::CONVERSION_SYNTAX)
                }
            }
            Some(number) => self.finish(number, signals),
            None => failed(signals, Signals::CONVERSION_SYNTAX),
        }
    }

    /// The number itself if the largest context has room for it, else NaN and an invalid operation.
    pub fn exactly(number: Decimal, signals: &mut Signals) -> Decimal {
        let mut reported = Signals::NONE;
        let fitted = Context::MAX.finish(number, &mut reported);
        if reported.has(Signals::INEXACT | Signals::ROUNDED | Signals::CLAMPED) {
            return failed(signals, Signals::INVALID_OPERATION);
        }
        *signals |= reported & Signals::ALL_INVALID;
        fitted
    }
}

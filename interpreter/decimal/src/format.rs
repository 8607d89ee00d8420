//! The language of format specifications, as far as libmpdec understands it.

use std::str::Chars;

use crate::coefficient::{TEXT_ROOM, has_room};
use crate::context::{Context, MAX_PRECISION, Signals};
use crate::number::Decimal;
use crate::text::{write_digits, write_exponent};

/// How a place writes numbers.
#[derive(Clone, Debug, Default)]
pub struct Locale {
    /// The decimal point.
    pub point: String,
    /// What separates groups of digits.
    pub separator: String,
    /// The sizes of the groups from the point on; the last repeats, and [`ENDLESS`] takes all.
    pub grouping: Vec<u8>,
}

/// The size of a group that takes all digits that are left.
const ENDLESS: u8 = 127;

/// Why a number cannot be shown as wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// There is no room for the text.
    OutOfMemory,
    /// The text is beyond what the format allows.
    Limits,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Align {
    Left,
    Right,
    Center,
    /// Padding goes between the sign and the digits.
    Inside,
    /// Zeros go there, and they are grouped as digits are.
    Zeros,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Notation {
    General,
    Exponent,
    Fixed,
    Percent,
}

/// A format specification.
#[derive(Clone, Debug)]
pub struct FormatSpec {
    fill: char,
    align: Align,
    /// What stands before positive numbers.
    sign: Option<char>,
    width: i64,
    precision: Option<i64>,
    notation: Notation,
    upper: bool,
    /// How digits are grouped; numbers are as they are without it.
    pub locale: Option<Locale>,
}

/// The characters of a specification that are still to be read.
struct Reader<'a>(Chars<'a>);

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.0.clone().next()
    }

    fn take_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let c = self.peek().filter(|&c| wanted(c))?;
        self.0.next();
        Some(c)
    }

    /// The number that begins here; `None` where it is too large.
    fn number(&mut self) -> Option<i64> {
        let mut number = 0i64;
        while let Some(digit) = self.take_if(|c| c.is_ascii_digit()) {
            number = number.checked_mul(10)?.checked_add(i64::from(digit as u32 - '0' as u32))?;
        }
        Some(number)
    }
}

fn alignment(c: char) -> Option<Align> {
    Some(match c {
        '<' => Align::Left,
        '>' => Align::Right,
        '^' => Align::Center,
        '=' => Align::Inside,
        _ => return None,
    })
}

impl FormatSpec {
    /// Reads a specification; `None` where it is none. `local` tells how the user's place writes numbers.
    pub fn parse(text: &str, capitals: bool, local: impl FnOnce() -> Locale) -> Option<FormatSpec> {
        let mut reader = Reader(text.chars());
        let mut spec = FormatSpec {
            fill: ' ',
            align: Align::Right,
            sign: None,
            width: 0,
            precision: None,
            notation: Notation::General,
            upper: capitals,
            locale: None,
        };
        // A character that stands before an alignment is what pads, whatever it is.
        let mut behind = reader.0.clone();
        let fill = behind.next();
        if let (Some(fill), Some(align)) = (fill, behind.next().and_then(alignment)) {
            (spec.fill, spec.align, reader.0) = (fill, align, behind);
        }
        let mut aligned = reader.0.as_str().len() < text.len();
        if !aligned && let Some(align) = fill.and_then(alignment) {
            spec.align = align;
            reader.0.next();
            aligned = true;
        }
        spec.sign = reader.take_if(|c| matches!(c, '+' | '-' | ' ')).filter(|&sign| sign != '-');
        if reader.take_if(|c| c == '0').is_some() {
            if aligned {
                return None;
            }
            (spec.fill, spec.align) = ('0', Align::Zeros);
        }
        if reader.peek() == Some('0') {
            return None;
        }
        spec.width = reader.number()?;
        if reader.take_if(|c| c == ',').is_some() {
            spec.locale = Some(Locale { point: ".".into(), separator: ",".into(), grouping: vec![3] });
        }
        if reader.take_if(|c| c == '.').is_some() {
            reader.peek().filter(char::is_ascii_digit)?;
            spec.precision = Some(reader.number()?);
        }
        spec.parse_kind(&mut reader, local)?;
        reader.peek().is_none().then_some(spec)
    }

    fn parse_kind(&mut self, reader: &mut Reader<'_>, local: impl FnOnce() -> Locale) -> Option<()> {
        let Some(kind) = reader.take_if(|c| "EeFfGgNn%".contains(c)) else { return Some(()) };
        self.upper = kind.is_ascii_uppercase();
        self.notation = match kind.to_ascii_lowercase() {
            'e' => Notation::Exponent,
            'f' => Notation::Fixed,
            '%' => Notation::Percent,
            _ => Notation::General,
        };
        if matches!(kind, 'n' | 'N') {
            if self.locale.is_some() {
                return None;
            }
            self.locale = Some(local());
        }
        Some(())
    }
}

impl Context {
    /// The text of a number for a specification; the context tells the rounding.
    ///
    /// # Errors
    /// Where the text is too long.
    pub fn format(&self, number: &Decimal, spec: &FormatSpec) -> Result<String, FormatError> {
        if spec.width > MAX_PRECISION {
            return Err(FormatError::Limits);
        }
        if !has_room(spec.width) {
            return Err(FormatError::OutOfMemory);
        }
        let sign = if number.negative { Some('-') } else { spec.sign };
        if !number.is_finite() {
            return Ok(format_special(number, sign, spec));
        }
        let mut text = self.digits_of(number, spec)?;
        let mut width = text.len();
        if let Some(locale) = &spec.locale {
            let padded = spec.align == Align::Zeros;
            let room = (spec.width as usize).saturating_sub(usize::from(sign.is_some()));
            let least = if padded { room } else { 0 };
            text = localized(&text, locale, least);
            width = text.chars().count();
        }
        width += usize::from(sign.is_some());
        Ok(pad(sign, &text, width, spec.fill, spec.align, spec.width as usize))
    }

    /// The text without a sign.
    fn digits_of(&self, number: &Decimal, spec: &FormatSpec) -> Result<String, FormatError> {
        let mut number = number.clone();
        if spec.notation == Notation::Percent {
            number.exponent += 2;
        }
        let fixed = matches!(spec.notation, Notation::Fixed | Notation::Percent);
        let mut point = 1;
        if let Some(precision) = spec.precision {
            if precision > MAX_PRECISION {
                return Err(FormatError::Limits);
            }
            let mut signals = Signals::NONE;
            match spec.notation {
                Notation::General => number = self.round_to(number, precision.max(1), false, &mut signals),
                Notation::Exponent if number.is_zero() => point = 1 - precision,
                Notation::Exponent => number = self.round_to(number, precision + 1, true, &mut signals),
                Notation::Fixed | Notation::Percent => {
                    number = self.rescale(&number, -precision, &mut signals);
                }
            }
            if signals.has(Signals::OUT_OF_MEMORY) {
                return Err(FormatError::OutOfMemory);
            }
            if signals.has(Signals::ALL_INVALID) {
                return Err(FormatError::Limits);
            }
        }
        if fixed && number.is_zero() && number.exponent > 0 {
            number.exponent = 0;
        }
        let digits = number.coefficient.digits() as i64;
        let leading = digits + number.exponent;
        if fixed || spec.notation == Notation::General && number.exponent <= 0 && leading > -6 {
            point = leading;
        }
        if !has_room(point.max(-point)) {
            return Err(FormatError::OutOfMemory);
        }
        let mut text = Vec::new();
        write_digits(&mut text, &number.coefficient.text(&mut [0; TEXT_ROOM]), point);
        if leading != point || spec.notation == Notation::Exponent {
            write_exponent(&mut text, leading - point, spec.upper);
        }
        if spec.notation == Notation::Percent {
            text.push(b'%');
        }
        Ok(String::from_utf8(text).unwrap_or_default())
    }

    /// The number with so many digits; without `extend` only where it has more.
    fn round_to(&self, number: Decimal, digits: i64, extend: bool, signals: &mut Signals) -> Decimal {
        let excess = number.coefficient.digits() as i64 - digits;
        if number.is_zero() || excess < 0 && !extend || excess == 0 {
            return number;
        }
        let exponent = number.exponent + excess;
        let rounded = self.rescale(&number, exponent, signals);
        if rounded.coefficient.digits() as i64 > digits {
            // Rounding made one digit more.
            return self.rescale(&rounded, exponent + 1, signals);
        }
        rounded
    }
}

fn format_special(number: &Decimal, sign: Option<char>, spec: &FormatSpec) -> String {
    let mut body = String::from_utf8(number.with_sign(false).to_scientific(true)).unwrap_or_default();
    if spec.notation == Notation::Percent {
        body.push('%');
    }
    let width = body.len() + usize::from(sign.is_some());
    let (fill, align) = match spec.align {
        Align::Zeros => (' ', Align::Right),
        align => (spec.fill, align),
    };
    pad(sign, &body, width, fill, align, spec.width as usize)
}

/// A text with the point and the groups of a place, with zeros in front up to a width.
fn localized(text: &str, locale: &Locale, least: usize) -> String {
    let (whole, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let Some(fraction) = rest.strip_prefix('.') else {
        if locale.separator.is_empty() || locale.grouping.is_empty() {
            return text.to_owned();
        }
        return group(whole, locale, least.saturating_sub(rest.len())) + rest;
    };
    let grouped = group(whole, locale, least.saturating_sub(rest.len()));
    [&grouped, &*locale.point, fraction].concat()
}

/// Digits in groups, with zeros in front up to a width that counts separators.
fn group(digits: &str, locale: &Locale, least: usize) -> String {
    let mut groups: Vec<String> = Vec::new();
    let mut sizes = locale.grouping.iter();
    let mut size = sizes.next().copied().unwrap_or(0);
    let (mut left, mut zeros) = (digits.len(), false);
    let mut width = 0;
    // How many more digits the group takes.
    let mut space = usize::from(size);
    loop {
        let taken = if size == 0 || size == ENDLESS { left } else { space.min(left) };
        left -= taken;
        width += taken;
        groups.push(if zeros { "0".repeat(taken) } else { digits[left..left + taken].to_owned() });
        if left == 0 {
            if width >= least {
                break;
            }
            // From here on zeros are taken, which fill the group first.
            (left, zeros) = (least - width, true);
            space = usize::from(size).saturating_sub(taken);
            continue;
        }
        if !locale.separator.is_empty() {
            // A separator counts as one of the zeros, but does not come first.
            if zeros && left > 1 {
                left -= 1;
            }
            groups.push(locale.separator.clone());
            width += 1;
        }
        size = sizes.next().copied().filter(|&size| size != 0).unwrap_or(size);
        space = usize::from(size);
    }
    groups.reverse();
    groups.concat()
}

fn pad(sign: Option<char>, body: &str, width: usize, fill: char, align: Align, wanted: usize) -> String {
    let missing = wanted.saturating_sub(width);
    let (before, inside, behind) = match align {
        Align::Left => (0, 0, missing),
        Align::Right => (missing, 0, 0),
        Align::Center => (missing / 2, 0, missing - missing / 2),
        Align::Inside | Align::Zeros => (0, missing, 0),
    };
    let mut text = String::with_capacity(body.len() + missing + 1);
    text.extend(std::iter::repeat_n(fill, before));
    text.extend(sign);
    text.extend(std::iter::repeat_n(fill, inside));
    text.push_str(body);
    text.extend(std::iter::repeat_n(fill, behind));
    text
}

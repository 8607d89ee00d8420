//! The language of format specifications, as far as libmpdec understands it.

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
struct Reader<'a>(&'a [char]);

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.0.first().copied()
    }

    fn take_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        let c = self.peek().filter(|&c| wanted(c))?;
        self.0 = &self.0[1..];
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
        let characters: Vec<char> = text.chars().collect();
        let mut reader = Reader(&characters);
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
        let mut aligned = true;
        if let Some(align) = characters.get(1).and_then(|&c| alignment(c)) {
            (spec.fill, spec.align) = (characters[0], align);
            reader.0 = &characters[2..];
        } else if let Some(align) = reader.peek().and_then(alignment) {
            spec.align = align;
            reader.0 = &characters[1..];
        } else {
            aligned = false;
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
        reader.0.is_empty().then_some(spec)
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

/// A number's text in its parts.
struct Parts {
    sign: Option<char>,
    whole: String,
    point: bool,
    rest: String,
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
        let mut parts = self.digits_of(number, sign, spec)?;
        let mut width = usize::from(parts.sign.is_some()) + usize::from(parts.point) + parts.rest.len();
        let mut point = ".";
        if let Some(locale) = &spec.locale {
            point = if parts.point { &locale.point } else { "" };
            let least =
                if spec.align == Align::Zeros { (spec.width as usize).saturating_sub(width) } else { 0 };
            if parts.point || !(locale.separator.is_empty() || locale.grouping.is_empty()) {
                parts.whole = group(&parts.whole, locale, least);
            }
        }
        width += parts.whole.chars().count();
        let mut body = parts.whole;
        if parts.point {
            body.push_str(point);
        }
        body.push_str(&parts.rest);
        Ok(pad(parts.sign, &body, width, spec.fill, spec.align, spec.width as usize))
    }

    fn digits_of(
        &self,
        number: &Decimal,
        sign: Option<char>,
        spec: &FormatSpec,
    ) -> Result<Parts, FormatError> {
        let mut number = number.with_sign(false);
        if spec.notation == Notation::Percent {
            number.exponent += 2;
        }
        let negative = sign == Some('-');
        let fixed = matches!(spec.notation, Notation::Fixed | Notation::Percent);
        let mut point = 1;
        if let Some(precision) = spec.precision {
            if precision > MAX_PRECISION {
                return Err(FormatError::Limits);
            }
            let mut signals = Signals::NONE;
            // Rounding looks at the sign.
            number.negative = negative;
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
        let text = String::from_utf8(text).unwrap_or_default();
        let (whole, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
        let (point, rest) = rest.strip_prefix('.').map_or((false, rest), |rest| (true, rest));
        Ok(Parts { sign, whole: whole.to_owned(), point, rest: rest.to_owned() })
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

//! The format mini-language (PEP 3101, 378, 515, 682): parsing a specification, and laying out texts and numbers.

use crate::format::digits::decimal_value;
use crate::format::float::{Notation, Style, render};

/// Floats are not rendered with so many digits or more.
pub(super) const PRECISION_LIMIT: usize = i32::MAX as usize - 1023;

/// Takes the characters of a formatted value.
pub trait Sink {
    /// Appends one character.
    fn push(&mut self, c: u32);
    /// Appends a text.
    fn push_str(&mut self, text: &str) {
        text.chars().for_each(|c| self.push(c as u32));
    }
    /// Appends a character a number of times.
    fn push_repeated(&mut self, c: u32, count: usize) {
        (0..count).for_each(|_| self.push(c));
    }
}

/// What is wrong with a specification, or with it for a value: the text of a `ValueError`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpecError(pub String);

fn error<T>(message: impl Into<String>) -> Result<T, SpecError> {
    Err(SpecError(message.into()))
}

/// What stands between groups of digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grouping {
    /// Nothing.
    None,
    /// A comma between groups of three.
    Comma,
    /// An underscore between groups of three.
    Underscore,
    /// An underscore between groups of four, for binary, octal and hexadecimal numbers.
    UnderscoreFour,
}

impl Grouping {
    const fn separator(self) -> Option<char> {
        match self {
            Grouping::None => None,
            Grouping::Comma => Some(','),
            Grouping::Underscore | Grouping::UnderscoreFour => Some('_'),
        }
    }

    const fn size(self) -> usize {
        match self {
            Grouping::None => usize::MAX,
            Grouping::UnderscoreFour => 4,
            _ => 3,
        }
    }
}

/// A parsed specification.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What fills the width.
    pub fill: u32,
    /// `<`, `>`, `^` or `=`.
    pub align: char,
    /// `+`, `-` or a blank, if one is given.
    pub sign: Option<char>,
    /// `z`: a negative number that rounds to zero has no sign.
    pub no_negative_zero: bool,
    /// `#`.
    pub alternate: bool,
    /// The least width.
    pub width: Option<usize>,
    /// Between groups of digits before the point.
    pub grouping: Grouping,
    /// What follows the point.
    pub precision: Option<usize>,
    /// Between groups of digits behind the point.
    pub fraction_grouping: Grouping,
    /// The presentation type; 0 for none.
    pub kind: u32,
}

/// A position in a specification.
struct Reader<'a> {
    text: &'a [u32],
    position: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.position + ahead).map(|&c| char::from_u32(c).unwrap_or('\u{fffd}'))
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek(0) == Some(c);
        self.position += usize::from(found);
        found
    }

    fn number(&mut self) -> Result<Option<usize>, SpecError> {
        let mut number: Option<usize> = None;
        while let Some(digit) = self.text.get(self.position).and_then(|&c| decimal_value(c)) {
            let next = number.unwrap_or(0).checked_mul(10).and_then(|tens| tens.checked_add(digit as usize));
            match next.filter(|&next| isize::try_from(next).is_ok()) {
                Some(next) => number = Some(next),
                None => return error("Too many decimal digits in format string"),
            }
            self.position += 1;
        }
        Ok(number)
    }

    /// `,` or `_`.
    fn grouping(&mut self) -> Result<Grouping, SpecError> {
        const BOTH: &str = "Cannot specify both ',' and '_'.";
        let mut grouping = Grouping::None;
        if self.take(',') {
            grouping = Grouping::Comma;
        }
        if self.take('_') {
            if grouping != Grouping::None {
                return error(BOTH);
            }
            grouping = Grouping::Underscore;
        }
        if grouping == Grouping::Underscore && self.peek(0) == Some(',') {
            return error(BOTH);
        }
        Ok(grouping)
    }
}

/// A presentation type as messages show it.
fn shown_kind(kind: u32) -> String {
    match kind {
        33..=127 => format!("'{}'", kind as u8 as char),
        _ => format!("'\\x{kind:x}'"),
    }
}

impl Spec {
    /// Parses a specification for a value of a type.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(
        text: &[u32],
        default_kind: Option<char>,
        default_align: char,
        type_name: &str,
    ) -> Result<Spec, SpecError> {
        let mut spec = Spec {
            fill: ' ' as u32,
            align: default_align,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: None,
            grouping: Grouping::None,
            precision: None,
            fraction_grouping: Grouping::None,
            kind: default_kind.map_or(0, |kind| kind as u32),
        };
        let mut reader = Reader { text, position: 0 };
        spec.parse_layout(&mut reader, default_align)?;
        spec.width = reader.number()?;
        spec.grouping = reader.grouping()?;
        if reader.take('.') {
            spec.precision = reader.number()?;
            spec.fraction_grouping = reader.grouping()?;
            if spec.precision.is_none() && spec.fraction_grouping == Grouping::None {
                return error("Format specifier missing precision");
            }
        }
        match &text[reader.position..] {
            [] => {}
            [kind] => spec.kind = *kind,
            _ => {
                let shown: String = text.iter().map(|&c| char::from_u32(c).unwrap_or('\u{fffd}')).collect();
                return error(format!("Invalid format specifier '{shown}' for object of type '{type_name}'"));
            }
        }
        spec.check_grouping()?;
        Ok(spec)
    }

    /// Fill, alignment, sign, `z`, `#` and `0`.
    fn parse_layout(&mut self, reader: &mut Reader<'_>, default_align: char) -> Result<(), SpecError> {
        let alignment = |c: Option<char>| c.filter(|c| matches!(c, '<' | '>' | '=' | '^'));
        let (mut fill_given, mut align_given) = (false, false);
        if let Some(align) = alignment(reader.peek(1)) {
            (self.align, self.fill) = (align, reader.text[reader.position]);
            (fill_given, align_given) = (true, true);
            reader.position += 2;
        } else if let Some(align) = alignment(reader.peek(0)) {
            self.align = align;
            align_given = true;
            reader.position += 1;
        }
        if let Some(sign) = reader.peek(0).filter(|c| matches!(c, ' ' | '+' | '-')) {
            self.sign = Some(sign);
            reader.position += 1;
        }
        self.no_negative_zero = reader.take('z');
        self.alternate = reader.take('#');
        if !fill_given && reader.take('0') {
            self.fill = '0' as u32;
            if !align_given && default_align == '>' {
                self.align = '=';
            }
        }
        Ok(())
    }

    fn check_grouping(&mut self) -> Result<(), SpecError> {
        let kind = char::from_u32(self.kind).unwrap_or('\u{fffd}');
        if let Some(separator) = self.grouping.separator() {
            match kind {
                'd' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F' | '\0' => {}
                'b' | 'o' | 'x' | 'X' if separator == '_' => self.grouping = Grouping::UnderscoreFour,
                _ => return error(format!("Cannot specify '{separator}' with {}.", shown_kind(self.kind))),
            }
        }
        if let Some(separator) = self.fraction_grouping.separator()
            && matches!(kind, 'n')
        {
            return error(format!("Cannot specify '{separator}' with {}.", shown_kind(self.kind)));
        }
        Ok(())
    }

    /// The error for a presentation type that a type does not have.
    pub fn unknown_kind(&self, type_name: &str) -> SpecError {
        SpecError(format!("Unknown format code {} for object of type '{type_name}'", shown_kind(self.kind)))
    }

    /// The presentation type as a character.
    pub fn kind(&self) -> char {
        char::from_u32(self.kind).unwrap_or('\u{fffd}')
    }

    /// Padding before and behind a text of some width.
    fn padding(&self, width: usize) -> (usize, usize) {
        let missing = self.width.unwrap_or(0).saturating_sub(width);
        match self.align {
            '>' => (missing, 0),
            '^' => (missing / 2, missing - missing / 2),
            _ => (0, missing),
        }
    }

    /// Checks the specification for a text; answers how many of its characters are shown, and the padding.
    ///
    /// # Errors
    /// What texts do not have.
    pub fn lay_out_text(&self, length: usize) -> Result<(usize, usize, usize), SpecError> {
        match self.sign {
            Some(' ') => return error("Space not allowed in string format specifier"),
            Some(_) => return error("Sign not allowed in string format specifier"),
            None => {}
        }
        if self.no_negative_zero {
            return error("Negative zero coercion (z) not allowed in string format specifier");
        }
        if self.alternate {
            return error("Alternate form (#) not allowed in string format specifier");
        }
        if self.align == '=' {
            return error("'=' alignment not allowed in string format specifier");
        }
        let shown = self.precision.map_or(length, |precision| precision.min(length));
        let (before, behind) = self.padding(shown);
        Ok((shown, before, behind))
    }

    /// Checks what integers do not have.
    ///
    /// # Errors
    /// What they do not have.
    pub fn check_integer(&self) -> Result<(), SpecError> {
        if self.precision.is_some() {
            return error("Precision not allowed in integer format specifier");
        }
        if self.no_negative_zero {
            return error("Negative zero coercion (z) not allowed in integer format specifier");
        }
        if self.kind() == 'c' {
            if self.sign.is_some() {
                return error("Sign not allowed with integer format specifier 'c'");
            }
            if self.alternate {
                return error("Alternate form (#) not allowed with integer format specifier 'c'");
            }
        }
        Ok(())
    }

    /// Lays out a character as integers are: to the right.
    pub fn character(&self, out: &mut impl Sink, c: u32) {
        let missing = self.width.unwrap_or(0).saturating_sub(1);
        let (before, behind) = if self.align == '=' { (missing, 0) } else { self.padding(1) };
        out.push_repeated(self.fill, before);
        out.push(c);
        out.push_repeated(self.fill, behind);
    }

    /// Lays out an integer's digits.
    pub fn integer(&self, out: &mut impl Sink, negative: bool, digits: &str) {
        let prefix = match self.kind() {
            _ if !self.alternate => "",
            'b' => "0b",
            'o' => "0o",
            'x' => "0x",
            'X' => "0X",
            _ => "",
        };
        let number = Number { negative, prefix, whole: digits, fraction: "", rest: "", point: false };
        number.write(out, self, self.sign);
    }

    /// How a float is rendered for the specification.
    ///
    /// # Errors
    /// Where the precision is beyond all reason.
    pub fn float_style(&self) -> Result<Style, SpecError> {
        if self.precision.is_some_and(|precision| precision >= PRECISION_LIMIT) {
            return error("precision too big");
        }
        let kind = self.kind();
        let notation = match (kind, self.precision) {
            ('\0', None) => Notation::Shortest,
            ('\0' | 'g' | 'G' | 'n', _) => Notation::General,
            ('e' | 'E', _) => Notation::Exponent,
            _ => Notation::Fixed,
        };
        Ok(Style {
            notation,
            precision: self.precision.unwrap_or(6),
            alternate: self.alternate,
            mark_float: false,
            upper: matches!(kind, 'E' | 'F' | 'G'),
            no_negative_zero: self.no_negative_zero,
        })
    }

    /// Lays out a float.
    ///
    /// # Errors
    /// Where the precision is beyond all reason.
    pub fn float(&self, out: &mut impl Sink, value: f64) -> Result<(), SpecError> {
        let style = Style { mark_float: self.kind == 0, ..self.float_style()? };
        let percent = self.kind() == '%';
        let text = render(if percent { value * 100.0 } else { value }, style);
        if self.width.is_none()
            && self.grouping == Grouping::None
            && self.fraction_grouping == Grouping::None
            && !matches!(self.sign, Some('+' | ' '))
        {
            out.push_str(&text);
            if percent {
                out.push('%' as u32);
            }
            return Ok(());
        }
        let mut number = Number::split(&text);
        let rest = format!("{}%", number.rest);
        if percent {
            number.rest = &rest;
        }
        number.write(out, self, self.sign);
        Ok(())
    }

    /// Lays out a complex number.
    ///
    /// # Errors
    /// What complex numbers do not have.
    pub fn complex(&self, out: &mut impl Sink, real: f64, imaginary: f64) -> Result<(), SpecError> {
        let style = self.float_style()?;
        if self.fill == '0' as u32 {
            return error("Zero padding is not allowed in complex format specifier");
        }
        if self.align == '=' {
            return error("'=' alignment flag is not allowed in complex format specifier");
        }
        let plain = self.kind == 0;
        let skip_real = plain && real == 0.0 && !real.is_sign_negative();
        let inner = Spec { fill: 0, align: '<', width: None, ..self.clone() };
        let mut parts: Vec<u32> = Vec::new();
        if plain && !skip_real {
            parts.push('(' as u32);
        }
        if !skip_real {
            Number::split(&render(real, style)).write(&mut parts, &inner, self.sign);
        }
        let sign = if skip_real { self.sign } else { Some('+') };
        Number::split(&render(imaginary, style)).write(&mut parts, &inner, sign);
        parts.push('j' as u32);
        if plain && !skip_real {
            parts.push(')' as u32);
        }
        let (before, behind) = self.padding(parts.len());
        out.push_repeated(self.fill, before);
        parts.iter().for_each(|&c| out.push(c));
        out.push_repeated(self.fill, behind);
        Ok(())
    }
}

impl Sink for Vec<u32> {
    fn push(&mut self, c: u32) {
        Vec::push(self, c);
    }
}

/// The parts of a number's text.
struct Number<'a> {
    negative: bool,
    prefix: &'a str,
    whole: &'a str,
    fraction: &'a str,
    rest: &'a str,
    point: bool,
}

impl<'a> Number<'a> {
    /// The parts of a float's text.
    fn split(text: &'a str) -> Number<'a> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = text.split_at(digits(text));
        let (point, rest) = rest.strip_prefix('.').map_or((false, rest), |rest| (true, rest));
        let (fraction, rest) = if point { rest.split_at(digits(rest)) } else { ("", rest) };
        Number { negative, prefix: "", whole, fraction, rest, point }
    }

    fn write(&self, out: &mut impl Sink, spec: &Spec, sign: Option<char>) {
        let sign = match (self.negative, sign) {
            (true, _) => Some('-'),
            (false, Some(sign @ ('+' | ' '))) => Some(sign),
            _ => None,
        };
        let fraction = group_fraction(self.fraction, spec.fraction_grouping);
        let fixed = usize::from(sign.is_some())
            + self.prefix.len()
            + usize::from(self.point)
            + fraction.len()
            + self.rest.len();
        let zero_filled = spec.fill == '0' as u32 && spec.align == '=';
        let least = if zero_filled { spec.width.unwrap_or(0).saturating_sub(fixed) } else { 0 };
        let whole =
            if self.whole.is_empty() { String::new() } else { group_whole(self.whole, spec.grouping, least) };
        let missing = spec.width.unwrap_or(0).saturating_sub(fixed + whole.len());
        let (before, inside, behind) = match spec.align {
            '=' => (0, missing, 0),
            _ => {
                let (before, behind) = spec.padding(fixed + whole.len());
                (before, 0, behind)
            }
        };
        out.push_repeated(spec.fill, before);
        if let Some(sign) = sign {
            out.push(sign as u32);
        }
        out.push_str(self.prefix);
        out.push_repeated(spec.fill, inside);
        out.push_str(&whole);
        if self.point {
            out.push('.' as u32);
        }
        out.push_str(&fraction);
        out.push_str(self.rest);
        out.push_repeated(spec.fill, behind);
    }
}

/// Digits in groups from the right, with zeros in front up to a width that counts separators.
fn group_whole(digits: &str, grouping: Grouping, least: usize) -> String {
    let Some(separator) = grouping.separator() else {
        return format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
    };
    let size = grouping.size();
    let mut reversed = String::with_capacity(digits.len() * 4 / 3 + 2);
    let mut remaining = digits.bytes().rev();
    let mut left = digits.len();
    let mut least = least as isize;
    loop {
        let count = size.min(left.max(least.max(1) as usize));
        for _ in 0..count {
            reversed.push(remaining.next().unwrap_or(b'0') as char);
        }
        left -= count.min(left);
        least -= count as isize;
        if left == 0 && least <= 0 {
            break;
        }
        reversed.push(separator);
        least -= 1;
    }
    reversed.chars().rev().collect()
}

/// Digits in groups from the left.
fn group_fraction(digits: &str, grouping: Grouping) -> String {
    let Some(separator) = grouping.separator() else { return digits.to_owned() };
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % grouping.size() == 0 {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

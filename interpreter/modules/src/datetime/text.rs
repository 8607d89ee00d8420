//! Times as text: digits into a buffer, ISO 8601 formats written and read.

use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::string::build::{StrBuilder, from_ascii};
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::calendar::{Moment, days_in_month, from_iso_calendar};
use super::delta::TimeDelta;

/// ASCII text of bounded length.
pub struct Digits {
    bytes: [u8; 64],
    length: usize,
}

impl Digits {
    /// No text.
    pub fn new() -> Digits {
        Digits { bytes: [0; 64], length: 0 }
    }

    /// The text.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Appends a character.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// Appends a number with leading zeros. Its further digits are shown where there are more than the width.
    #[inline]
    pub fn number(&mut self, mut number: i32, mut width: usize) {
        let mut limit = 10i64.pow(width as u32);
        while i64::from(number) >= limit {
            width += 1;
            limit *= 10;
        }
        for place in (self.length..self.length + width).rev() {
            self.bytes[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.length += width;
    }

    /// Appends `YYYY-MM-DD`.
    #[inline]
    pub fn date(&mut self, year: i32, month: i32, day: i32) {
        self.number(year, 4);
        self.push(b'-');
        self.number(month, 2);
        self.push(b'-');
        self.number(day, 2);
    }

    /// Appends the time of the day as far as asked.
    #[inline]
    pub fn time(&mut self, moment: &Moment, precision: Precision) {
        let precision = match precision {
            Precision::Auto if moment.microsecond == 0 => Precision::Seconds,
            Precision::Auto => Precision::Microseconds,
            other => other,
        };
        self.number(moment.hour, 2);
        if precision >= Precision::Minutes {
            self.push(b':');
            self.number(moment.minute, 2);
        }
        if precision >= Precision::Seconds {
            self.push(b':');
            self.number(moment.second, 2);
        }
        match precision {
            Precision::Milliseconds => {
                self.push(b'.');
                self.number(moment.microsecond / 1000, 3);
            }
            Precision::Microseconds => {
                self.push(b'.');
                self.number(moment.microsecond, 6);
            }
            _ => {}
        }
    }

    /// Appends an offset from UTC, with something between its parts.
    pub fn offset(&mut self, offset: &TimeDelta, separator: &str) {
        // Offsets are less than a day, so that the whole fits comfortably.
        let total = offset.total();
        self.push(if total < 0 { b'-' } else { b'+' });
        let total = total.unsigned_abs() as i64;
        let (seconds, microseconds) = ((total / 1_000_000) as i32, (total % 1_000_000) as i32);
        self.number(seconds / 3600, 2);
        self.extend(separator);
        self.number(seconds / 60 % 60, 2);
        if seconds % 60 != 0 || microseconds != 0 {
            self.extend(separator);
            self.number(seconds % 60, 2);
        }
        if microseconds != 0 {
            self.push(b'.');
            self.number(microseconds, 6);
        }
    }

    /// Appends text.
    pub fn extend(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.push(byte));
    }

    /// The text as a string.
    pub fn finish(&self) -> Ref<Str> {
        from_ascii(self.as_slice())
    }
}

/// How much of a time of the day is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Precision {
    /// Microseconds where there are some, else seconds.
    Auto,
    /// `HH`
    Hours,
    /// `HH:MM`
    Minutes,
    /// `HH:MM:SS`
    Seconds,
    /// `HH:MM:SS.sss`
    Milliseconds,
    /// `HH:MM:SS.ssssss`
    Microseconds,
}

impl Precision {
    /// What an argument `timespec` asks for.
    ///
    /// # Errors
    /// `ValueError` for an unknown name.
    pub fn of_name(vm: &Vm, name: &Object<Str>) -> PyResult<Precision> {
        Ok(match name.as_ascii() {
            Some("auto") => Precision::Auto,
            Some("hours") => Precision::Hours,
            Some("minutes") => Precision::Minutes,
            Some("seconds") => Precision::Seconds,
            Some("milliseconds") => Precision::Milliseconds,
            Some("microseconds") => Precision::Microseconds,
            _ => return Err(vm.value_error("Unknown timespec value")),
        })
    }
}

/// A date, something, and a time with an offset.
pub fn join(date: &Digits, separator: u32, time: &Digits) -> Ref<Str> {
    if separator < 0x80 {
        let mut whole = Digits::new();
        for &byte in date.as_slice().iter().chain(&[separator as u8]).chain(time.as_slice()) {
            whole.push(byte);
        }
        return whole.finish();
    }
    let mut whole = StrBuilder::new();
    whole.push_characters(Characters::One(date.as_slice()));
    whole.push(separator);
    whole.push_characters(Characters::One(time.as_slice()));
    whole.finish()
}

/// The error for a text that is no ISO format.
pub fn invalid(vm: &Vm, text: &Object<Str>) -> Exception {
    match vm.repr(&text.as_value()) {
        Ok(shown) => vm.value_error(format!("Invalid isoformat string: {}", shown.to_string_lossy())),
        Err(error) => error,
    }
}

/// The text that `fromisoformat` was called with.
pub fn text_argument<'a>(vm: &Vm, argument: &'a Value) -> PyResult<&'a Object<Str>> {
    argument.downcast::<Str>().ok_or_else(|| vm.type_error("fromisoformat: argument must be str"))
}

/// What was read of a time of the day; hours up to 24 and out of range otherwise too.
#[derive(Clone, Copy, Default, Debug)]
#[allow(missing_docs)]
pub struct ReadTime {
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub microsecond: i32,
    /// The offset from UTC in microseconds, if there is one.
    pub offset: Option<i64>,
}

/// A character of a text that is read: a byte of an ASCII text, or a code point of any other.
pub trait Character: Copy {
    /// The code point.
    fn code(self) -> u32;
    /// Bytes in UTF-8; 0 for a lone surrogate.
    fn utf8_length(self) -> usize;

    /// Whether it is an ASCII character.
    #[inline(always)]
    fn is(self, byte: u8) -> bool {
        self.code() == u32::from(byte)
    }

    /// The value of a digit, which is 10 or more for anything else.
    #[inline(always)]
    fn digit(self) -> u32 {
        self.code().wrapping_sub(u32::from(b'0'))
    }
}

impl Character for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        u32::from(self)
    }

    #[inline(always)]
    fn utf8_length(self) -> usize {
        1
    }
}

impl Character for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }

    fn utf8_length(self) -> usize {
        char::from_u32(self).map_or(0, char::len_utf8)
    }
}

/// Reads a text by one of two instances of a function: for ASCII, or for all characters.
pub fn read<R>(text: &Object<Str>, ascii: impl FnOnce(&[u8]) -> R, any: impl FnOnce(&[u32]) -> R) -> R {
    match text.as_ascii() {
        Some(text) => ascii(text.as_bytes()),
        None => any(&text.characters().iter().collect::<Vec<u32>>()),
    }
}

fn has_surrogates<C: Character>(text: &[C]) -> bool {
    text.iter().any(|c| c.utf8_length() == 0)
}

fn digit<C: Character>(text: &[C], at: usize) -> Option<i32> {
    let digit = text.get(at)?.digit();
    (digit < 10).then_some(digit as i32)
}

fn is_at<C: Character>(text: &[C], at: usize, byte: u8) -> bool {
    text.get(at).is_some_and(|c| c.is(byte))
}

/// So many digits from a place on.
#[inline(always)]
fn number<const COUNT: usize, C: Character>(text: &[C], at: usize) -> Option<i32> {
    let digits: &[C; COUNT] = text.get(at..)?.first_chunk()?;
    let (mut number, mut are_digits) = (0u32, true);
    for digit in digits {
        are_digits &= digit.digit() < 10;
        number = number.wrapping_mul(10).wrapping_add(digit.digit());
    }
    are_digits.then_some(number as i32)
}

/// Reads a text that is nothing but a date. Its length in bytes must be one that dates have; CPython does not look
/// whether that is the length of this one.
pub fn read_only_date<C: Character>(text: &[C]) -> Option<(i32, i32, i32)> {
    let size: usize = text.iter().take(11).map(|c| c.utf8_length()).sum();
    if !matches!(size, 7 | 8 | 10) || has_surrogates(text) {
        return None;
    }
    read_date(text)
}

/// Reads a date: `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www-D` and their like. The day may not exist.
fn read_date<C: Character>(text: &[C]) -> Option<(i32, i32, i32)> {
    let year = number::<4, C>(text, 0)?;
    let separated = is_at(text, 4, b'-');
    let mut at = 4 + usize::from(separated);
    if is_at(text, at, b'W') {
        let week = number::<2, C>(text, at + 1)?;
        at += 3;
        let mut day = 1;
        if at < text.len() {
            if separated {
                if !is_at(text, at, b'-') {
                    return None;
                }
                at += 1;
            }
            day = digit(text, at)?;
        }
        return from_iso_calendar(year, week, day).ok();
    }
    let month = number::<2, C>(text, at)?;
    at += 2;
    if separated {
        if !is_at(text, at, b'-') {
            return None;
        }
        at += 1;
    }
    let day = number::<2, C>(text, at)?;
    Some((year, month, day))
}

/// What [`read_clock`] read.
struct Clock {
    parts: [i32; 3],
    microsecond: i32,
    /// Whether something is left over.
    is_rest: bool,
}

/// Reads `HH[:MM[:SS[.fraction]]]` or the same without colons (and then without the point as well).
fn read_clock<C: Character>(text: &[C]) -> Option<Clock> {
    let mut clock = Clock { parts: [0; 3], microsecond: 0, is_rest: false };
    let mut at = 0;
    let mut separated = true;
    for index in 0..3 {
        clock.parts[index] = number::<2, C>(text, at)?;
        at += 2;
        if index == 0 {
            separated = is_at(text, at, b':');
        }
        match &text[at..] {
            [] => return Some(clock),
            &[last] => {
                clock.is_rest = last.code() != 0;
                let is_harmless = last.code() < 0x80 && !last.is(b'.') && !last.is(b',');
                return is_harmless.then_some(clock);
            }
            _ => {}
        }
        if separated && is_at(text, at, b':') {
            if index == 2 {
                return None;
            }
            at += 1;
        } else if is_at(text, at, b'.') || is_at(text, at, b',') {
            if index < 2 {
                return None;
            }
            at += 1;
        } else if separated {
            return None;
        }
    }
    // What is finer than microseconds is cut off.
    let end = text.len().min(at + 6);
    for place in at..at + 6 {
        clock.microsecond = clock.microsecond * 10 + if place < end { digit(text, place)? } else { 0 };
    }
    clock.is_rest = text[end..].iter().any(|c| c.digit() > 9);
    Some(clock)
}

/// Reads a time of the day with an optional offset.
pub fn read_time<C: Character>(text: &[C]) -> Option<ReadTime> {
    if has_surrogates(text) {
        return None;
    }
    let end = text.iter().position(|c| c.is(b'Z') || c.is(b'+') || c.is(b'-')).unwrap_or(text.len());
    let clock = read_clock(&text[..end])?;
    let [hour, minute, second] = clock.parts;
    let read = ReadTime { hour, minute, second, microsecond: clock.microsecond, offset: None };
    // CPython does not mind a rest where an offset follows.
    let Some(&sign) = text.get(end) else { return (!clock.is_rest).then_some(read) };
    let rest = &text[end + 1..];
    if sign.is(b'Z') {
        return rest.is_empty().then_some(ReadTime { offset: Some(0), ..read });
    }
    let offset = read_clock(rest).filter(|offset| !offset.is_rest)?;
    let [hours, minutes, seconds] = offset.parts.map(i64::from);
    let offset = (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + i64::from(offset.microsecond);
    Some(ReadTime { offset: Some(if sign.is(b'-') { -offset } else { offset }), ..read })
}

/// Where the date of a date with time ends.
fn end_of_date<C: Character>(text: &[C]) -> Option<usize> {
    let length = text.len();
    if length == 7 {
        return Some(7);
    }
    if is_at(text, 4, b'-') {
        if !is_at(text, 5, b'W') {
            return Some(10);
        }
        if length > 8 && is_at(text, 8, b'-') {
            return match length {
                9 => None,
                // A hyphen between date and time is likelier than a digit there.
                _ if length > 10 && digit(text, 10).is_some() => Some(8),
                _ => Some(10),
            };
        }
        return Some(8);
    }
    if !is_at(text, 4, b'W') {
        return Some(8);
    }
    let end = (7..length).find(|&at| digit(text, at).is_none()).unwrap_or(length);
    Some(match end {
        _ if end < 9 => end,
        _ if end % 2 == 0 => 7,
        _ => 8,
    })
}

/// Reads a date with an optional time, which any character may separate.
pub fn read_moment<C: Character>(text: &[C]) -> Option<((i32, i32, i32), ReadTime)> {
    if text.len() < 7 {
        return None;
    }
    let end = end_of_date(text)?.min(text.len());
    let date = read_date(&text[..end])?;
    let time = if end < text.len() { read_time(&text[end + 1..])? } else { ReadTime::default() };
    Some((date, time))
}

/// Midnight at the end of a day is midnight at the beginning of the next.
///
/// # Errors
/// `ValueError` where the time is past that midnight.
pub fn roll_over(vm: &Vm, date: &mut (i32, i32, i32), time: &mut ReadTime) -> PyResult<()> {
    let (year, month, day) = *date;
    if time.hour != 24 || !(1..=12).contains(&month) || day > days_in_month(year, month) {
        return Ok(());
    }
    if (time.minute, time.second, time.microsecond) != (0, 0, 0) {
        return Err(beyond_midnight(vm));
    }
    time.hour = 0;
    *date = match (month, day) {
        _ if day < days_in_month(year, month) => (year, month, day + 1),
        (12, _) => (year + 1, 1, 1),
        _ => (year, month + 1, 1),
    };
    Ok(())
}

/// The error for times such as 24:01.
pub fn beyond_midnight(vm: &Vm) -> Exception {
    vm.value_error("minute, second, and microsecond must be 0 when hour is 24")
}

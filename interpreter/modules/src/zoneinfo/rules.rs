//! The rules by which a zone changes its clocks every year, as TZ strings tell them (POSIX, RFC 8536).

use crate::datetime::calendar::{days_in_month, is_leap, ordinal};

/// The ordinal of the first of January 1970.
pub const EPOCH_ORDINAL: i64 = 719_163;

/// A moment of every year.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    day: Day,
    /// Seconds after midnight; may be negative or more than a day.
    time: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Day {
    /// Which occurrence of a weekday, from Sunday, in a month; the fifth is the last.
    Weekday { month: i32, week: i32, weekday: i32 },
    /// A day of the year: from 1 without the 29th of February, or from 0 with it.
    OfYear { day: i64, skips_leap_day: bool },
}

impl Rule {
    /// Seconds from 1970 to the moment in a year, both in local time.
    pub fn in_year(&self, year: i32) -> i64 {
        let day = match self.day {
            Day::Weekday { month, week, weekday } => {
                let first = ordinal(year, month, 1);
                // An ordinal that is a multiple of seven is a Sunday.
                let mut day = (weekday - first).rem_euclid(7) + 1 + (week - 1) * 7;
                if day > days_in_month(year, month) {
                    day -= 7;
                }
                i64::from(first) + i64::from(day) - 1
            }
            Day::OfYear { day, skips_leap_day } => {
                let leap_day = skips_leap_day && day >= 60 && is_leap(year);
                i64::from(ordinal(year, 1, 1)) - 1 + day + i64::from(leap_day)
            }
        };
        (day - EPOCH_ORDINAL) * 86_400 + self.time
    }
}

/// The part of a TZ string that follows the names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changes {
    /// When daylight saving time begins.
    pub start: Rule,
    /// When it ends.
    pub end: Rule,
}

/// A parsed TZ string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TzString {
    /// The name of standard time.
    pub standard: String,
    /// Its offset from UTC in seconds.
    pub offset: i64,
    /// Name and offset of daylight saving time with its rules, if there is one.
    pub daylight: Option<(String, i64, Changes)>,
}

/// What is wrong with a TZ string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// The name of standard time.
    StandardName,
    /// The offset of standard time.
    StandardOffset,
    /// The name of daylight saving time.
    DaylightName,
    /// The offset of daylight saving time.
    DaylightOffset,
    /// There are no rules.
    MissingRules,
    /// One of the rules.
    Rule,
    /// There is something behind the rules.
    Extra,
}

impl Malformed {
    /// The beginning of the message.
    pub const fn message(self) -> &'static str {
        match self {
            Malformed::StandardName => "Invalid STD format in",
            Malformed::StandardOffset => "Invalid STD offset in",
            Malformed::DaylightName => "Invalid DST format in",
            Malformed::DaylightOffset => "Invalid DST offset in",
            Malformed::MissingRules => "Missing transition rules in TZ string:",
            Malformed::Rule => "Malformed transition rule in TZ string:",
            Malformed::Extra => "Extraneous characters at end of TZ string:",
        }
    }
}

/// Text that is eaten from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// A number of so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let digits = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if digits < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(digits);
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// `hh[:mm[:ss]]` with an optional sign: in seconds.
    fn time(&mut self, most_hours: i64) -> Option<i64> {
        let negative = self.eat(b'-');
        if !negative {
            self.eat(b'+');
        }
        let hours = self.number(1, 3).filter(|&hours| hours <= most_hours)?;
        let mut seconds = hours * 3600;
        if self.eat(b':') {
            seconds += self.number(2, 2)? * 60;
            if self.eat(b':') {
                seconds += self.number(2, 2)?;
            }
        }
        Some(if negative { -seconds } else { seconds })
    }

    /// A name: letters, or more in angle brackets.
    fn name(&mut self) -> Option<String> {
        let quoted = self.eat(b'<');
        let is_part = |byte: &u8| {
            byte.is_ascii_alphabetic() || quoted && (byte.is_ascii_digit() || matches!(byte, b'+' | b'-'))
        };
        let length = self.0.iter().take_while(|byte| is_part(byte)).count();
        let (name, rest) = self.0.split_at(length);
        self.0 = rest;
        if length == 0 || quoted && !self.eat(b'>') {
            return None;
        }
        Some(String::from_utf8_lossy(name).into_owned())
    }

    fn rule(&mut self) -> Option<Rule> {
        let day = if self.eat(b'M') {
            let month = self.number(1, 2).filter(|month| (1..=12).contains(month))?;
            let week = self.eat(b'.').then(|| self.number(1, 1)).flatten()?;
            let weekday = self.eat(b'.').then(|| self.number(1, 1)).flatten()?;
            if !(1..=5).contains(&week) || weekday > 6 {
                return None;
            }
            Day::Weekday { month: month as i32, week: week as i32, weekday: weekday as i32 }
        } else {
            let skips_leap_day = self.eat(b'J');
            let day = self.number(1, 3)?;
            if !(i64::from(skips_leap_day)..=365).contains(&day) {
                return None;
            }
            Day::OfYear { day, skips_leap_day }
        };
        let time = if self.eat(b'/') { self.time(167)? } else { 2 * 3600 };
        Some(Rule { day, time })
    }
}

/// Reads a TZ string: `std offset [dst [offset] , start [/time] , end [/time]]`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &[u8]) -> Result<TzString, Malformed> {
    const MOST_HOURS: i64 = 24;
    let mut reader = Reader(text);
    let standard = reader.name().ok_or(Malformed::StandardName)?;
    // Offsets are west of UTC.
    let offset = -reader.time(MOST_HOURS).ok_or(Malformed::StandardOffset)?;
    if reader.0.is_empty() {
        return Ok(TzString { standard, offset, daylight: None });
    }
    let name = reader.name().ok_or(Malformed::DaylightName)?;
    let daylight = match reader.peek() {
        Some(b',') => offset + 3600,
        _ => -reader.time(MOST_HOURS).ok_or(Malformed::DaylightOffset)?,
    };
    let mut rule = || {
        if !reader.eat(b',') {
            return Err(Malformed::MissingRules);
        }
        reader.rule().ok_or(Malformed::Rule)
    };
    let (start, end) = (rule()?, rule()?);
    if !reader.0.is_empty() {
        return Err(Malformed::Extra);
    }
    Ok(TzString { standard, offset, daylight: Some((name, daylight, Changes { start, end })) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_new_york() {
        let parsed = parse(b"EST5EDT,M3.2.0,M11.1.0").expect("a TZ string");
        assert_eq!((parsed.standard.as_str(), parsed.offset), ("EST", -18_000));
        let (name, offset, changes) = parsed.daylight.expect("daylight saving time");
        assert_eq!((name.as_str(), offset), ("EDT", -14_400));
        // 2020-03-08 02:00 and 2020-11-01 02:00.
        assert_eq!(changes.start.in_year(2020), 1_583_632_800);
        assert_eq!(changes.end.in_year(2020), 1_604_196_000);
    }

    #[test]
    fn damaged_strings_are_told_apart() {
        assert_eq!(parse(b"5EST"), Err(Malformed::StandardName));
        assert_eq!(parse(b"EST25"), Err(Malformed::StandardOffset));
        assert_eq!(parse(b"EST5EDT"), Err(Malformed::DaylightOffset));
        assert_eq!(parse(b"EST5EDT4"), Err(Malformed::MissingRules));
        assert_eq!(parse(b"EST5EDT,M13.2.0,M11.1.0"), Err(Malformed::Rule));
        assert_eq!(parse(b"EST5EDT,M3.2.0,M11.1.0,"), Err(Malformed::Extra));
    }
}

//! The proleptic Gregorian calendar as plain numbers: days, ordinals, ISO weeks, and moments moved by a duration.

/// The first year.
pub const MIN_YEAR: i32 = 1;
/// The last year.
pub const MAX_YEAR: i32 = 9999;
/// The ordinal of the last day.
pub const MAX_ORDINAL: i32 = 3_652_059;
/// Seconds of a day.
pub const DAY: i64 = 86_400;

const DAYS_IN_MONTH: [i32; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_MONTH: [i32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Whether a year has 366 days.
#[inline]
pub const fn is_leap(year: i32) -> bool {
    // Of the multiples of 4, those of 25 are those of 100; of these, multiples of 16 are those of 400.
    year & 3 == 0 && (year as u32 % 25 != 0 || year & 15 == 0)
}

/// Days of a month from 1 to 12.
#[inline]
pub const fn days_in_month(year: i32, month: i32) -> i32 {
    if month == 2 && is_leap(year) { 29 } else { DAYS_IN_MONTH[month as usize] }
}

/// Days of the year before a month from 1 to 12.
#[inline]
pub const fn days_before_month(year: i32, month: i32) -> i32 {
    DAYS_BEFORE_MONTH[month as usize] + (month > 2 && is_leap(year)) as i32
}

/// Days before the first of January of a year.
#[inline]
const fn days_before_year(year: i32) -> i32 {
    let before = year - 1;
    before * 365 + before / 4 - before / 100 + before / 400
}

/// The ordinal of a day; that of the first of January of year 1 is 1.
#[inline]
pub const fn ordinal(year: i32, month: i32, day: i32) -> i32 {
    days_before_year(year) + days_before_month(year, month) + day
}

/// Year, month and day of an ordinal from 1.
pub const fn from_ordinal(ordinal: i32) -> (i32, i32, i32) {
    let days = ordinal - 1;
    let (centuries4, days) = (days / 146_097, days % 146_097);
    let (centuries, days) = (days / 36_524, days % 36_524);
    let (years4, days) = (days / 1461, days % 1461);
    let (years, days) = (days / 365, days % 365);
    let year = centuries4 * 400 + centuries * 100 + years4 * 4 + years + 1;
    if years == 4 || centuries == 4 {
        return (year - 1, 12, 31);
    }
    // The guess is right or one month too large.
    let mut month = (days + 50) >> 5;
    let mut before = days_before_month(year, month);
    if before > days {
        month -= 1;
        before = days_before_month(year, month);
    }
    (year, month, days - before + 1)
}

/// The day of the week; Monday is 0.
#[inline]
pub const fn weekday(year: i32, month: i32, day: i32) -> i32 {
    (ordinal(year, month, day) + 6).rem_euclid(7)
}

/// The ordinal of the Monday that begins the ISO year: the week of its first Thursday.
const fn first_iso_monday(year: i32) -> i32 {
    let first = ordinal(year, 1, 1);
    let weekday = (first + 6).rem_euclid(7);
    let monday = first - weekday;
    if weekday > 3 { monday + 7 } else { monday }
}

/// ISO year, week, and day of the week from 1.
pub const fn iso_calendar(year: i32, month: i32, day: i32) -> (i32, i32, i32) {
    let today = ordinal(year, month, day);
    let mut iso_year = year;
    let mut monday = first_iso_monday(year);
    let mut week = (today - monday).div_euclid(7);
    if week < 0 {
        iso_year -= 1;
        monday = first_iso_monday(iso_year);
        week = (today - monday).div_euclid(7);
    } else if week >= 52 && today >= first_iso_monday(year + 1) {
        iso_year += 1;
        monday = first_iso_monday(iso_year);
        week = (today - monday).div_euclid(7);
    }
    (iso_year, week + 1, (today - monday).rem_euclid(7) + 1)
}

/// What is wrong with an ISO date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IsoError {
    /// The year is out of range.
    Year,
    /// The year has no such week.
    Week,
    /// There is no such day of the week.
    Day,
}

/// Year, month and day of an ISO date. The year may be one beyond the last.
///
/// # Errors
/// What is out of range.
pub const fn from_iso_calendar(year: i32, week: i32, day: i32) -> Result<(i32, i32, i32), IsoError> {
    if year < MIN_YEAR || year > MAX_YEAR {
        return Err(IsoError::Year);
    }
    if week < 1 || week > 52 {
        // Years that begin on a Thursday, and leap years that begin on a Wednesday, have a week 53.
        let first = weekday(year, 1, 1);
        if week != 53 || !(first == 3 || first == 2 && is_leap(year)) {
            return Err(IsoError::Week);
        }
    }
    if day < 1 || day > 7 {
        return Err(IsoError::Day);
    }
    Ok(from_ordinal(first_iso_monday(year) + (week - 1) * 7 + day - 1))
}

/// Microseconds of a second.
pub const MILLION: i32 = 1_000_000;

/// Brings a number that is off by at most one limit into the range from 0 to below the limit: the number, and what is carried
/// into the next unit.
#[inline(always)]
pub const fn carry(number: i32, limit: i32) -> (i32, i32) {
    if number < 0 {
        (number + limit, -1)
    } else if number >= limit {
        (number - limit, 1)
    } else {
        (number, 0)
    }
}

/// The day that lies some days after another.
#[inline]
pub fn shift_date(year: i32, month: i32, day: i32, days: i64) -> Option<(i32, i32, i32)> {
    let moved = i64::from(day) + days;
    // A step inside the month needs no ordinals.
    if moved >= 1 && moved <= i64::from(days_in_month(year, month)) && (MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Some((year, month, moved as i32));
    }
    let ordinal = i64::from(ordinal(year, month, 0)) + moved;
    (1..=i64::from(MAX_ORDINAL)).contains(&ordinal).then(|| from_ordinal(ordinal as i32))
}

/// A day and the time of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct Moment {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub microsecond: i32,
}

impl Moment {
    /// The moment that lies a duration after this one; `None` where the calendar has none. The seconds are less than those
    /// of a day and the microseconds less than a million, in either direction.
    #[inline]
    pub fn shifted(&self, days: i32, seconds: i32, microseconds: i32) -> Option<Moment> {
        let (microsecond, carried) = carry(self.microsecond + microseconds, MILLION);
        let (second, carried) = carry(self.second_of_day() as i32 + seconds + carried, DAY as i32);
        let days = i64::from(days) + i64::from(carried);
        let (year, month, day) = shift_date(self.year, self.month, self.day, days)?;
        // Known to be positive, which divides faster.
        let second_of_day = second as u32;
        Some(Moment {
            year,
            month,
            day,
            hour: (second_of_day / 3600) as i32,
            minute: (second_of_day / 60 % 60) as i32,
            second: (second_of_day % 60) as i32,
            microsecond,
        })
    }

    /// Seconds since midnight.
    pub fn second_of_day(&self) -> i64 {
        i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }

    /// The ordinal of the day.
    pub fn ordinal(&self) -> i32 {
        ordinal(self.year, self.month, self.day)
    }

    /// Seconds since the beginning of the day with ordinal 0.
    pub fn seconds(&self) -> i64 {
        i64::from(self.ordinal()) * DAY + self.second_of_day()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_and_dates_are_inverse() {
        let mut expected = (1, 1, 1);
        for day in 1..=MAX_ORDINAL {
            assert_eq!(from_ordinal(day), expected);
            assert_eq!(ordinal(expected.0, expected.1, expected.2), day);
            let (year, month, day) = expected;
            expected = if day < days_in_month(year, month) {
                (year, month, day + 1)
            } else if month < 12 {
                (year, month + 1, 1)
            } else {
                (year + 1, 1, 1)
            };
        }
        assert_eq!(expected, (10_000, 1, 1));
    }

    #[test]
    fn iso_dates_and_dates_are_inverse() {
        for day in (1..MAX_ORDINAL).step_by(5) {
            let (year, month, date) = from_ordinal(day);
            let (iso_year, week, weekday) = iso_calendar(year, month, date);
            if iso_year >= 1 {
                assert_eq!(from_iso_calendar(iso_year, week, weekday), Ok((year, month, date)));
            }
        }
        assert_eq!(iso_calendar(2003, 12, 29), (2004, 1, 1));
        assert_eq!(from_iso_calendar(2003, 53, 1), Err(IsoError::Week));
    }
}

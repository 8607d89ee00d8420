//! Days and times of the day as numbers: each field in bytes of its own, the largest unit first. What is later is greater,
//! and the bytes are those that pickles hold.

use super::calendar;

/// A day: two bytes of year, then month and day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PackedDay(u32);

impl PackedDay {
    /// A day that is known to exist, or comes from a pickle.
    #[inline(always)]
    pub fn new(year: i32, month: i32, day: i32) -> PackedDay {
        PackedDay((year as u32) << 16 | (month as u32) << 8 | day as u32)
    }

    /// The day of a pickle's bytes.
    pub fn from_bytes(bytes: [u8; 4]) -> PackedDay {
        PackedDay(u32::from_be_bytes(bytes))
    }

    /// The bytes for a pickle.
    #[inline(always)]
    pub fn to_bytes(self) -> [u8; 4] {
        self.0.to_be_bytes()
    }

    /// The year.
    #[inline(always)]
    pub fn year(self) -> i32 {
        (self.0 >> 16) as i32
    }

    /// The month.
    #[inline(always)]
    pub fn month(self) -> i32 {
        (self.0 >> 8 & 0xff) as i32
    }

    /// The day of the month.
    #[inline(always)]
    pub fn day(self) -> i32 {
        (self.0 & 0xff) as i32
    }

    /// Year, month and day.
    #[inline(always)]
    pub fn parts(self) -> (i32, i32, i32) {
        (self.year(), self.month(), self.day())
    }

    /// The ordinal.
    #[inline]
    pub fn ordinal(self) -> i32 {
        calendar::ordinal(self.year(), self.month(), self.day())
    }
}

/// A time of the day: hour, minute, second, and three bytes of microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PackedTime(u64);

impl PackedTime {
    /// A time that is known to exist, or comes from a pickle.
    #[inline(always)]
    pub fn new(hour: i32, minute: i32, second: i32, microsecond: i32) -> PackedTime {
        let clock = (hour as u32) << 16 | (minute as u32) << 8 | second as u32;
        PackedTime(u64::from(clock) << 24 | microsecond as u64)
    }

    /// The time of a pickle's bytes.
    pub fn from_bytes([hour, minute, second, high, middle, low]: [u8; 6]) -> PackedTime {
        PackedTime(u64::from_be_bytes([0, 0, hour, minute, second, high, middle, low]))
    }

    /// The bytes for a pickle.
    #[inline(always)]
    pub fn to_bytes(self) -> [u8; 6] {
        let [_, _, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }

    /// The hour.
    #[inline(always)]
    pub fn hour(self) -> i32 {
        (self.0 >> 40 & 0xff) as i32
    }

    /// The minute.
    #[inline(always)]
    pub fn minute(self) -> i32 {
        (self.0 >> 32 & 0xff) as i32
    }

    /// The second.
    #[inline(always)]
    pub fn second(self) -> i32 {
        (self.0 >> 24 & 0xff) as i32
    }

    /// The microsecond.
    #[inline(always)]
    pub fn microsecond(self) -> i32 {
        (self.0 & 0xff_ffff) as i32
    }

    /// Seconds since midnight.
    #[inline]
    pub fn second_of_day(self) -> i32 {
        self.hour() * 3600 + self.minute() * 60 + self.second()
    }
}

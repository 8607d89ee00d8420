//! Clocks and sleeping.

use std::time::Duration;

use super::call::check;
use super::{Errno, Result};

pub(super) fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs().min(i64::MAX as u64) as i64,
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}

/// What a clock shows, in seconds and nanoseconds.
pub fn read_clock(clock: i32) -> Result<(i64, i64)> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written by the call.
    check(unsafe { libc::clock_gettime(clock, &raw mut time) })?;
    Ok((time.tv_sec, time.tv_nsec))
}

/// How finely a clock goes, in seconds and nanoseconds.
pub fn clock_resolution(clock: i32) -> Result<(i64, i64)> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written by the call.
    check(unsafe { libc::clock_getres(clock, &raw mut time) })?;
    Ok((time.tv_sec, time.tv_nsec))
}

/// Sets a clock.
pub fn set_clock(clock: i32, seconds: i64, nanoseconds: i64) -> Result {
    let time = libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    // SAFETY: the time is initialised.
    check(unsafe { libc::clock_settime(clock, &raw const time) }).map(drop)
}

/// Sleeps until the monotonic clock shows a time; a signal ends it with an error.
pub fn sleep_until(seconds: i64, nanoseconds: i64) -> Result {
    let time = libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    // SAFETY: the time is initialised.
    let error = unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const time,
            std::ptr::null_mut(),
        )
    };
    if error == 0 { Ok(()) } else { Err(Errno(error)) }
}

/// The number of the clock that measures a thread's work.
pub fn thread_clock(thread: u64) -> Result<i32> {
    let mut clock = 0;
    // SAFETY: the C library checks the thread as far as it can; CPython passes it on unchecked too.
    match unsafe { libc::pthread_getcpuclockid(thread as libc::pthread_t, &raw mut clock) } {
        0 => Ok(clock),
        error => Err(Errno(error)),
    }
}

/// A time broken down by the calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct BrokenTime {
    pub year: i64,
    /// From 0.
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    /// From 0, which is Sunday.
    pub weekday: i32,
    /// From 0.
    pub day_of_year: i32,
    /// Positive for summer time, 0 for none, negative where it is not known.
    pub summer: i32,
    /// Seconds east of UTC.
    pub offset: i64,
    /// The zone's abbreviation.
    pub zone: String,
}

fn from_tm(time: &libc::tm) -> BrokenTime {
    let zone = if time.tm_zone.is_null() {
        String::new()
    } else {
        // SAFETY: the abbreviation ends with a zero byte and lives until the zone is set again.
        unsafe { std::ffi::CStr::from_ptr(time.tm_zone) }.to_string_lossy().into_owned()
    };
    BrokenTime {
        year: i64::from(time.tm_year) + 1900,
        month: time.tm_mon,
        day: time.tm_mday,
        hour: time.tm_hour,
        minute: time.tm_min,
        second: time.tm_sec,
        weekday: time.tm_wday,
        day_of_year: time.tm_yday,
        summer: time.tm_isdst,
        offset: time.tm_gmtoff,
        zone,
    }
}

fn to_tm(time: &BrokenTime) -> libc::tm {
    // SAFETY: all zeros are a valid time.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    tm.tm_year = (time.year - 1900) as i32;
    tm.tm_mon = time.month;
    tm.tm_mday = time.day;
    tm.tm_hour = time.hour;
    tm.tm_min = time.minute;
    tm.tm_sec = time.second;
    tm.tm_wday = time.weekday;
    tm.tm_yday = time.day_of_year;
    tm.tm_isdst = time.summer;
    tm.tm_gmtoff = time.offset;
    tm
}

/// Breaks a time down in the local zone.
pub fn local_time(seconds: i64) -> Result<BrokenTime> {
    local_tm(seconds).map(|time| from_tm(&time))
}

/// How far the local zone is ahead of UTC at a time, in seconds, and the second that its clocks show.
pub fn local_offset(seconds: i64) -> Result<(i64, i32)> {
    local_tm(seconds).map(|time| (time.tm_gmtoff, time.tm_sec))
}

fn local_tm(seconds: i64) -> Result<libc::tm> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut time = std::mem::zeroed();
        if libc::localtime_r(&raw const seconds, &raw mut time).is_null() {
            return Err(nonzero_error());
        }
        Ok(time)
    }
}

/// Breaks a time down in UTC.
pub fn universal_time(seconds: i64) -> Result<BrokenTime> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut time = std::mem::zeroed();
        if libc::gmtime_r(&raw const seconds, &raw mut time).is_null() {
            return Err(nonzero_error());
        }
        Ok(from_tm(&time))
    }
}

fn nonzero_error() -> Errno {
    match Errno::last() {
        Errno(0) => Errno(libc::EINVAL),
        error => error,
    }
}

/// The seconds of a time in the local zone; `None` where there is no such number.
pub fn seconds_of(time: &BrokenTime) -> Option<i64> {
    let mut tm = to_tm(time);
    // The call sets the weekday where it succeeds.
    tm.tm_wday = -1;
    // SAFETY: the structure is initialised.
    let seconds = unsafe { libc::mktime(&raw mut tm) };
    (seconds != -1 || tm.tm_wday != -1).then_some(seconds)
}

/// Writes a time by a pattern, as the C library does for the locale.
pub fn format_time(pattern: &std::ffi::CStr, time: &BrokenTime) -> Vec<u8> {
    let mut tm = to_tm(time);
    let zone = std::ffi::CString::new(time.zone.as_str()).unwrap_or_default();
    if !time.zone.is_empty() {
        tm.tm_zone = zone.as_ptr();
    }
    let mut room = 1024;
    loop {
        let mut text = vec![0u8; room];
        // SAFETY: the buffer is as long as said, and the zone's abbreviation lives until the call ends.
        let length =
            unsafe { libc::strftime(text.as_mut_ptr().cast(), room, pattern.as_ptr(), &raw const tm) };
        if length > 0 || room >= 256 * pattern.to_bytes().len().max(4) {
            text.truncate(length);
            return text;
        }
        room *= 2;
    }
}

unsafe extern "C" {
    fn tzset();
}

/// Takes notice of a changed `TZ`.
pub fn set_time_zone() {
    // SAFETY: callers hold the interpreter's lock, so nobody changes the environment meanwhile.
    unsafe { tzset() }
}

/// Clock ticks in a second, as `times` counts them.
pub fn ticks_per_second() -> f64 {
    // SAFETY: the call takes a number only.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

/// Times in seconds: own and children's work for the program and for the system, and elapsed.
pub fn process_times() -> Result<[f64; 5]> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut times: libc::tms = std::mem::zeroed();
        let elapsed = libc::times(&raw mut times);
        if elapsed == -1 {
            return Err(Errno::last());
        }
        let ticks = ticks_per_second();
        Ok([times.tms_utime, times.tms_stime, times.tms_cutime, times.tms_cstime, elapsed]
            .map(|t| t as f64 / ticks))
    }
}

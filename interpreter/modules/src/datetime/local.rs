//! The local time of the machine: timestamps, and which of two moments a time that comes twice means.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, BrokenTime, c};
use rspy_runtime::object::Ref;
use rspy_runtime::paths::OrRaise;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::arguments::check_date;
use super::calendar::{DAY, MAX_ORDINAL, Moment, from_ordinal};
use super::delta::TimeDelta;
use super::zone::TimeZone;

/// Seconds from the day with ordinal 0 to 1970.
pub const EPOCH: i64 = 719_163 * DAY;
/// No clock is put back by more.
const MAX_FOLD: i64 = DAY;

/// The fields of a broken down time; leap seconds are cut off.
pub fn moment_of(time: &BrokenTime, microsecond: i32) -> Moment {
    Moment {
        year: i32::try_from(time.year).unwrap_or(i32::MAX),
        month: time.month + 1,
        day: time.day,
        hour: time.hour,
        minute: time.minute,
        second: time.second.min(59),
        microsecond,
    }
}

/// The local time at a timestamp, in seconds since the first moment of 1970.
fn local(vm: &Vm, timestamp: i64) -> PyResult<i64> {
    let (offset, second) = host::local_offset(timestamp).or_raise(vm)?;
    let local = timestamp + offset;
    // The offset tells all, except in the zones that count leap seconds.
    if CALENDAR.contains(&local) && local.rem_euclid(60) == i64::from(second) {
        return Ok(local);
    }
    let moment = moment_of(&host::local_time(timestamp).or_raise(vm)?, 0);
    check_date(vm, moment.year, moment.month, moment.day)?;
    Ok(moment.seconds() - EPOCH)
}

/// What the calendar has, in seconds since 1970.
const CALENDAR: std::ops::Range<i64> = DAY - EPOCH..(MAX_ORDINAL as i64 + 1) * DAY - EPOCH;

/// The moment so many seconds after the first of 1970, if the calendar has it.
fn moment_at(seconds: i64, microsecond: i32) -> Option<Moment> {
    if !CALENDAR.contains(&seconds) {
        return None;
    }
    let since_start = seconds + EPOCH;
    let (days, second) = (since_start / DAY, (since_start % DAY) as i32);
    let (year, month, day) = from_ordinal(days as i32);
    Some(Moment {
        year,
        month,
        day,
        hour: second / 3600,
        minute: second / 60 % 60,
        second: second % 60,
        microsecond,
    })
}

/// The timestamp of a local time, in seconds since 1970.
///
/// # Errors
/// `ValueError` where the time is too near the calendar's ends.
pub fn timestamp(vm: &Vm, moment: &Moment, fold: bool) -> PyResult<i64> {
    let wanted = moment.seconds() - EPOCH;
    let first_offset = local(vm, wanted)? - wanted;
    let first = wanted - first_offset;
    let first_local = if first_offset == 0 { wanted } else { local(vm, first)? };
    let other_offset = if first_local == wanted {
        // One solution; there may be an earlier or a later one.
        let probe = if fold { first + MAX_FOLD } else { first - MAX_FOLD };
        let offset = local(vm, probe)? - probe;
        if offset == first_offset {
            return Ok(first);
        }
        offset
    } else {
        first_local - first
    };
    let second = wanted - other_offset;
    if local(vm, second)? == wanted {
        return Ok(second);
    }
    if first_local == wanted {
        return Ok(first);
    }
    // The time lies in a gap.
    Ok(if fold { first.min(second) } else { first.max(second) })
}

/// The local time of a timestamp, and whether it is the second of two that look the same.
///
/// # Errors
/// `OSError` and `ValueError` where the calendar does not reach.
pub fn local_moment(vm: &Vm, seconds: i64, microsecond: i32) -> PyResult<(Moment, u8)> {
    let now = local(vm, seconds)?;
    let before = local(vm, seconds - MAX_FOLD)?;
    let transition = now - before - MAX_FOLD;
    let fold = transition < 0 && local(vm, seconds + transition)? == now;
    let moment = moment_at(now, microsecond).ok_or_else(|| vm.overflow_error("date value out of range"))?;
    Ok((moment, u8::from(fold)))
}

/// The moment of a timestamp in UTC.
///
/// # Errors
/// `OSError` and `ValueError` where the calendar does not reach.
pub fn universal_moment(vm: &Vm, seconds: i64, microsecond: i32) -> PyResult<Moment> {
    if let Some(moment) = moment_at(seconds, microsecond) {
        return Ok(moment);
    }
    // The library has the error.
    let moment = moment_of(&host::universal_time(seconds).or_raise(vm)?, microsecond);
    check_date(vm, moment.year, moment.month, moment.day)?;
    Ok(moment)
}

/// The zone of the local time at a timestamp.
///
/// # Errors
/// `OSError` where there is none.
pub fn zone_at(vm: &Vm, seconds: i64) -> PyResult {
    let time = host::local_time(seconds).or_raise(vm)?;
    match TimeDelta::of_seconds(vm, time.offset, 0)?.downcast_into() {
        Ok(offset) => TimeZone::of_offset(vm, offset, Some(zone_name(&time))),
        Err(_) => Ok(none()),
    }
}

fn zone_name(time: &BrokenTime) -> Ref<Str> {
    rspy_runtime::paths::decode(time.zone.as_bytes())
}

/// Now, in seconds and microseconds since 1970.
///
/// # Errors
/// `OSError`.
pub fn now(vm: &Vm) -> PyResult<(i64, i32)> {
    let (seconds, nanoseconds) = host::read_clock(c::CLOCK_REALTIME).or_raise(vm)?;
    Ok((seconds, (nanoseconds / 1000) as i32))
}

/// The seconds of a timestamp argument, rounded down.
///
/// # Errors
/// `TypeError`, `ValueError` and `OverflowError` where it is no timestamp.
pub fn seconds_argument(vm: &Vm, timestamp: &Value) -> PyResult<i64> {
    match float::as_f64(timestamp).filter(|_| !int::is_int(timestamp)) {
        Some(number) => whole(vm, number.floor()),
        None => whole_seconds(vm, timestamp),
    }
}

/// The seconds and microseconds of a timestamp argument, rounded to the nearest microsecond, halves to the even one.
///
/// # Errors
/// `TypeError`, `ValueError` and `OverflowError` where it is no timestamp.
pub fn timestamp_argument(vm: &Vm, timestamp: &Value) -> PyResult<(i64, i32)> {
    if int::is_int(timestamp) {
        return Ok((whole_seconds(vm, timestamp)?, 0));
    }
    let Some(number) = float::as_f64(timestamp) else {
        let name = timestamp.type_of().full_name();
        return Err(vm.type_error(format!("argument must be int or float, not {name}")));
    };
    let mut seconds = number.trunc();
    let mut microseconds = (number.fract() * 1e6).round_ties_even();
    if microseconds >= 1e6 {
        microseconds -= 1e6;
        seconds += 1.0;
    } else if microseconds < 0.0 {
        microseconds += 1e6;
        seconds -= 1.0;
    }
    Ok((whole(vm, seconds)?, microseconds as i32))
}

fn whole(vm: &Vm, seconds: f64) -> PyResult<i64> {
    if seconds.is_nan() {
        return Err(vm.value_error("Invalid value NaN (not a number)"));
    }
    if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&seconds) {
        return Err(vm.overflow_error("timestamp out of range for platform time_t"));
    }
    Ok(seconds as i64)
}

fn whole_seconds(vm: &Vm, timestamp: &Value) -> PyResult<i64> {
    let index = vm.index(timestamp)?;
    int::small_value(&index).ok_or_else(|| vm.overflow_error("timestamp out of range for platform time_t"))
}

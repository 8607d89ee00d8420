//! `time`: clocks, sleeping, and times broken down by the calendar.

use std::ffi::CString;

use num_bigint::BigInt;
use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, BrokenTime, c};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::paths::{OrRaise, decode};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

struct_sequence! {
    /// The time value as returned by gmtime(), localtime(), and strptime(), and
    ///  accepted by asctime(), mktime() and strftime().  May be considered as a
    ///  sequence of 9 integers.
    pub struct StructTime("time", "struct_time") {
        visible {
            tm_year: "year, for example, 1993", tm_mon: "month of year, range [1, 12]",
            tm_mday: "day of month, range [1, 31]", tm_hour: "hours, range [0, 23]",
            tm_min: "minutes, range [0, 59]", tm_sec: "seconds, range [0, 61])",
            tm_wday: "day of week, range [0, 6], Monday is 0", tm_yday: "day of year, range [1, 366]",
            tm_isdst: "1 if summer time is in effect, 0 if not, and -1 if unknown",
        }
        unnamed 0
        hidden { tm_zone: "abbreviation of timezone name", tm_gmtoff: "offset from UTC in seconds", }
    }
}

native_module! {
    name: "time",
    doc: "This module provides various functions to manipulate time values.",
    functions: [Functions::FUNCTIONS, Readings::FUNCTIONS],
    types: [],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    structseq::publish::<StructTime>(vm, module);
    module.set_int(vm, "_STRUCT_TM_ITEMS", 11);
    for (name, clock) in CLOCKS {
        module.set_int(vm, name, i64::from(*clock));
    }
    set_zone(vm, module);
    Ok(())
}

const CLOCKS: &[(&str, i32)] = &[
    ("CLOCK_BOOTTIME", c::CLOCK_BOOTTIME),
    ("CLOCK_MONOTONIC", c::CLOCK_MONOTONIC),
    ("CLOCK_MONOTONIC_RAW", c::CLOCK_MONOTONIC_RAW),
    ("CLOCK_PROCESS_CPUTIME_ID", c::CLOCK_PROCESS_CPUTIME_ID),
    ("CLOCK_REALTIME", c::CLOCK_REALTIME),
    ("CLOCK_TAI", c::CLOCK_TAI),
    ("CLOCK_THREAD_CPUTIME_ID", c::CLOCK_THREAD_CPUTIME_ID),
];

const NANOSECONDS: i64 = 1_000_000_000;

/// Sets `timezone`, `altzone`, `daylight` and `tzname` from how the zone is in winter and in summer.
fn set_zone(vm: &Vm, module: &Object<Module>) {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let now = host::read_clock(c::CLOCK_REALTIME).map_or(0, |(seconds, _)| seconds);
    let start = now / YEAR * YEAR;
    let at = |seconds| host::local_time(seconds).unwrap_or_default();
    let (january, july) = (at(start), at(start + YEAR / 2));
    // South of the equator summer time is in January.
    let (standard, summer) = if january.offset > july.offset { (july, january) } else { (january, july) };
    module.set_int(vm, "timezone", -standard.offset);
    module.set_int(vm, "altzone", -summer.offset);
    module.set_int(vm, "daylight", i64::from(standard.offset != summer.offset));
    let names = [vm.new_str(&standard.zone), vm.new_str(&summer.zone)];
    module.set(vm, "tzname", Tuple::from_values(names));
}

/// How a number of seconds is rounded to nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounding {
    /// Towards zero.
    Truncate,
    /// Away from zero.
    Up,
    /// Down.
    Down,
}

/// The nanoseconds of a number of seconds.
pub(crate) fn nanoseconds_of(vm: &Vm, seconds: &Value, rounding: Rounding) -> PyResult<i64> {
    if let Some(number) = float::as_f64(seconds).filter(|_| !int::is_int(seconds)) {
        if number.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let exact = number * 1e9;
        let rounded = match rounding {
            Rounding::Truncate => exact.trunc(),
            Rounding::Up if exact >= 0.0 => exact.ceil(),
            Rounding::Up | Rounding::Down => exact.floor(),
        };
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(rounded as i64);
    }
    if !int::is_int(seconds) {
        return Err(vm.type_error(format!(
            "'{}' object cannot be interpreted as an integer or float",
            seconds.type_of().full_name()
        )));
    }
    int::small_value(seconds)
        .and_then(|seconds| seconds.checked_mul(NANOSECONDS))
        .ok_or_else(|| vm.overflow_error("timestamp too large to convert to C PyTime_t"))
}

/// The whole seconds of a time given as argument, rounded down; the present where none is given.
fn seconds_argument(vm: &Vm, seconds: Option<&Value>) -> PyResult<i64> {
    let Some(seconds) = seconds.filter(|seconds| !is_none(seconds)) else {
        return host::read_clock(c::CLOCK_REALTIME).or_raise(vm).map(|(seconds, _)| seconds);
    };
    if let Some(number) = float::as_f64(seconds).filter(|_| !int::is_int(seconds)) {
        if number.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let whole = number.floor();
        if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole) {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(whole as i64);
    }
    let number = vm.index(seconds)?;
    int::small_value(&number)
        .ok_or_else(|| vm.overflow_error("timestamp out of range for platform time_t"))
}

/// A time as `time.struct_time`.
fn broken_value(vm: &Vm, time: &BrokenTime) -> Value {
    let number = |number: i32| Value::int(number);
    structseq::new::<StructTime>(vec![
        int::new(time.year),
        number(time.month + 1),
        number(time.day),
        number(time.hour),
        number(time.minute),
        number(time.second),
        number((time.weekday + 6) % 7),
        number(time.day_of_year + 1),
        number(time.summer),
        vm.new_str(&time.zone),
        int::new(time.offset),
    ])
}

/// A time from a `struct_time` or a tuple of nine integers.
fn broken_argument(vm: &Vm, function: &str, value: &Value) -> PyResult<BrokenTime> {
    let Some(tuple) = value.downcast::<Tuple>() else {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    };
    let items = tuple.items();
    if items.len() != 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut numbers = [0i32; 9];
    for (number, item) in numbers.iter_mut().zip(items) {
        if int::small_value(&vm.index(item)?).is_none() {
            return Err(vm.overflow_error("Python int too large to convert to C long"));
        }
        *number = int::to_fixed(vm, item, "i")?;
    }
    let [year, month, day, hour, minute, second, weekday, day_of_year, summer] = numbers;
    if year < i32::MIN + 1900 {
        return Err(vm.overflow_error("year out of range"));
    }
    let (mut zone, mut offset) = (String::new(), 0);
    if let Some(time) = value.downcast::<StructTime>() {
        let fields = structseq::fields(time.payload());
        if let Some(name) = fields[9].downcast::<Str>() {
            zone = name.to_string_lossy().into_owned();
        }
        offset = int::small_value(&fields[10]).unwrap_or(0);
    }
    Ok(BrokenTime {
        year: i64::from(year),
        month: month - 1,
        day,
        hour,
        minute,
        second,
        weekday: (weekday + 1) % 7,
        day_of_year: day_of_year - 1,
        summer,
        offset,
        zone,
    })
}

/// Checks the fields for `strftime` and `asctime`; a zero for month, day or day of the year means one.
fn check_fields(vm: &Vm, time: &mut BrokenTime) -> PyResult<()> {
    if time.month == -1 {
        time.month = 0;
    }
    if time.day == 0 {
        time.day = 1;
    }
    if time.day_of_year == -1 {
        time.day_of_year = 0;
    }
    let checks = [
        ((0..=11).contains(&time.month), "month out of range"),
        ((1..=31).contains(&time.day), "day of month out of range"),
        ((0..=23).contains(&time.hour), "hour out of range"),
        ((0..=59).contains(&time.minute), "minute out of range"),
        ((0..=61).contains(&time.second), "seconds out of range"),
        (time.weekday >= 0, "day of week out of range"),
        ((0..=365).contains(&time.day_of_year), "day of year out of range"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, message)) => Err(vm.value_error(*message)),
        None => Ok(()),
    }
}

fn asctime(time: &BrokenTime) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{} {}{:>3} {:02}:{:02}:{:02} {}",
        DAYS[time.weekday as usize],
        MONTHS[time.month as usize],
        time.day,
        time.hour,
        time.minute,
        time.second,
        time.year
    )
}

fn local_or_given(vm: &Vm, function: &str, time: Option<&Value>) -> PyResult<BrokenTime> {
    let mut time = match time {
        Some(time) => broken_argument(vm, function, time)?,
        None => host::local_time(seconds_argument(vm, None)?).or_raise(vm)?,
    };
    check_fields(vm, &mut time)?;
    Ok(time)
}

fn seconds_of_clock(vm: &Vm, clock: i32) -> PyResult<f64> {
    let (seconds, nanoseconds) = host::read_clock(clock).or_raise(vm)?;
    Ok(as_seconds(seconds, nanoseconds))
}

/// As CPython makes a float of nanoseconds: whole seconds are exact.
fn as_seconds(seconds: i64, nanoseconds: i64) -> f64 {
    match seconds.checked_mul(NANOSECONDS) {
        Some(all) if nanoseconds != 0 => (all + nanoseconds) as f64 / 1e9,
        _ => seconds as f64,
    }
}

fn nanoseconds_of_clock(vm: &Vm, clock: i32) -> PyResult {
    let (seconds, nanoseconds) = host::read_clock(clock).or_raise(vm)?;
    Ok(int::from_big(BigInt::from(seconds) * NANOSECONDS + nanoseconds))
}

/// Clocks that `get_clock_info` knows: name, function, number, whether it only goes forward, whether it can be set.
const NAMED_CLOCKS: [(&str, &str, i32, bool, bool); 5] = [
    ("time", "clock_gettime(CLOCK_REALTIME)", c::CLOCK_REALTIME, false, true),
    ("monotonic", "clock_gettime(CLOCK_MONOTONIC)", c::CLOCK_MONOTONIC, true, false),
    ("perf_counter", "clock_gettime(CLOCK_MONOTONIC)", c::CLOCK_MONOTONIC, true, false),
    ("process_time", "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", c::CLOCK_PROCESS_CPUTIME_ID, true, false),
    ("thread_time", "clock_gettime(CLOCK_THREAD_CPUTIME_ID)", c::CLOCK_THREAD_CPUTIME_ID, true, false),
];

/// The functions.
pub struct Functions;

macro_rules! clock_functions {
    ($($(#[$doc:meta])* $seconds:ident $seconds_text:literal $nanoseconds:ident $nanoseconds_text:literal = $clock:expr;)*) => {
        /// Functions that read one clock.
        pub struct Readings;

        #[pyfunctions]
        impl Readings {$(
            $(#[$doc])*
            #[function($seconds_text)]
            fn $seconds(vm: &Vm) -> PyResult<f64> {
                seconds_of_clock(vm, $clock)
            }

            $(#[$doc])*
            #[function($nanoseconds_text)]
            fn $nanoseconds(vm: &Vm) -> PyResult {
                nanoseconds_of_clock(vm, $clock)
            }
        )*}
    };
}
clock_functions! {
    /// The current time since the Epoch.
    time "time()" time_ns "time_ns()" = c::CLOCK_REALTIME;
    /// Monotonic clock, cannot go backward.
    monotonic "monotonic()" monotonic_ns "monotonic_ns()" = c::CLOCK_MONOTONIC;
    /// Performance counter for benchmarking.
    perf_counter "perf_counter()" perf_counter_ns "perf_counter_ns()" = c::CLOCK_MONOTONIC;
    /// Process time for profiling: sum of the kernel and user-space CPU time.
    process_time "process_time()" process_time_ns "process_time_ns()" = c::CLOCK_PROCESS_CPUTIME_ID;
    /// Thread time for profiling: sum of the kernel and user-space CPU time.
    thread_time "thread_time()" thread_time_ns "thread_time_ns()" = c::CLOCK_THREAD_CPUTIME_ID;
}

#[pyfunctions]
impl Functions {
    /// Return the time of the specified clock clk_id as a float.
    #[function("clock_gettime(clk_id, /)")]
    fn clock_gettime(vm: &Vm, clk_id: i32) -> PyResult<f64> {
        seconds_of_clock(vm, clk_id)
    }

    /// Return the time of the specified clock clk_id as nanoseconds (int).
    #[function("clock_gettime_ns(clk_id, /)")]
    fn clock_gettime_ns(vm: &Vm, clk_id: i32) -> PyResult {
        nanoseconds_of_clock(vm, clk_id)
    }

    /// Return the resolution (precision) of the specified clock clk_id.
    #[function("clock_getres(clk_id, /)")]
    fn clock_getres(vm: &Vm, clk_id: i32) -> PyResult<f64> {
        let (seconds, nanoseconds) = host::clock_resolution(clk_id).or_raise(vm)?;
        Ok(seconds as f64 + nanoseconds as f64 * 1e-9)
    }

    /// Set the time of the specified clock clk_id.
    #[function("clock_settime(clk_id, time, /)")]
    fn clock_settime(vm: &Vm, clk_id: i32, time: &Value) -> PyResult<()> {
        let time = nanoseconds_of(vm, time, Rounding::Truncate)?;
        host::set_clock(clk_id, time.div_euclid(NANOSECONDS), time.rem_euclid(NANOSECONDS)).or_raise(vm)
    }

    /// Set the time of the specified clock clk_id with nanoseconds.
    #[function("clock_settime_ns(clk_id, time, /)")]
    fn clock_settime_ns(vm: &Vm, clk_id: i32, time: i64) -> PyResult<()> {
        host::set_clock(clk_id, time.div_euclid(NANOSECONDS), time.rem_euclid(NANOSECONDS)).or_raise(vm)
    }

    /// Return the clk_id of a thread's CPU time clock.
    #[function("pthread_getcpuclockid(thread_id, /)")]
    fn pthread_getcpuclockid(vm: &Vm, thread_id: u64) -> PyResult<i32> {
        host::thread_clock(thread_id).or_raise(vm)
    }

    /// Get information of the specified clock.
    #[function("get_clock_info(name, /)")]
    fn get_clock_info(vm: &Vm, name: &Object<Str>) -> PyResult {
        let found = NAMED_CLOCKS.iter().find(|(known, ..)| name.equals_str(known));
        let Some((_, function, clock, monotonic, adjustable)) = found else {
            return Err(vm.value_error("unknown clock"));
        };
        let (seconds, nanoseconds) = host::clock_resolution(*clock).or_raise(vm)?;
        let types = rspy_runtime::import::import_module(vm, "types")?;
        let class = vm.get_attribute_str(&types, "SimpleNamespace")?;
        let boolean = rspy_runtime::types::bool::boolean;
        vm.call_with_keywords(
            &class,
            &[],
            &[
                ("implementation", vm.new_str(function)),
                ("monotonic", boolean(*monotonic)),
                ("adjustable", boolean(*adjustable)),
                ("resolution", float::new(seconds as f64 + nanoseconds as f64 * 1e-9)),
            ],
        )
    }

    /// Delay execution for a given number of seconds.
    #[function("sleep(object, /)")]
    fn sleep(vm: &Vm, object: &Value) -> PyResult<()> {
        audit::raise_event(vm, "time.sleep", || vec![object.clone()])?;
        let time = nanoseconds_of(vm, object, Rounding::Up)?;
        if time < 0 {
            return Err(vm.value_error("sleep length must be non-negative"));
        }
        let (seconds, nanoseconds) = host::read_clock(c::CLOCK_MONOTONIC).or_raise(vm)?;
        let Some(end) = (seconds * NANOSECONDS + nanoseconds).checked_add(time) else {
            return Err(vm.overflow_error("timestamp too large to convert to C PyTime_t"));
        };
        vm.blocking(|| host::sleep_until(end / NANOSECONDS, end % NANOSECONDS))?.or_raise(vm)
    }

    /// Convert seconds since the Epoch to a time tuple expressing UTC (a.k.a. GMT).
    #[function("gmtime")]
    fn gmtime(vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult {
        let seconds = optional_seconds(vm, "gmtime", args, names)?;
        Ok(broken_value(vm, &host::universal_time(seconds).map(as_utc).or_raise(vm)?))
    }

    /// Convert seconds since the Epoch to a time tuple expressing local time.
    #[function("localtime")]
    fn localtime(vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult {
        let seconds = optional_seconds(vm, "localtime", args, names)?;
        Ok(broken_value(vm, &host::local_time(seconds).or_raise(vm)?))
    }

    /// Convert a time tuple in local time to seconds since the Epoch.
    #[function("mktime(object, /)")]
    fn mktime(vm: &Vm, object: &Value) -> PyResult<f64> {
        let time = broken_argument(vm, "mktime", object)?;
        match host::seconds_of(&time) {
            Some(seconds) => Ok(seconds as f64),
            None => Err(vm.overflow_error("mktime argument out of range")),
        }
    }

    /// Convert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.
    #[function("asctime(tuple=None, /)")]
    fn asctime(vm: &Vm, tuple: Option<&Value>) -> PyResult<String> {
        Ok(asctime(&local_or_given(vm, "asctime", tuple)?))
    }

    /// Convert a time in seconds since the Epoch to a string in local time.
    #[function("ctime(seconds=None, /)")]
    fn ctime(vm: &Vm, seconds: Option<&Value>) -> PyResult<String> {
        let seconds = seconds_argument(vm, seconds)?;
        Ok(asctime(&host::local_time(seconds).or_raise(vm)?))
    }

    /// Convert a time tuple to a string according to a format specification.
    #[function("strftime(format, tuple=None, /)")]
    fn strftime(vm: &Vm, format: &Object<Str>, tuple: Option<&Value>) -> PyResult<Ref<Str>> {
        let mut time = local_or_given(vm, "strftime", tuple)?;
        time.summer = time.summer.clamp(-1, 1);
        let mut out = StrBuilder::new();
        let characters = format.characters();
        let is_plain = |at: usize| matches!(characters.get(at), 1..=0x7f);
        // The C library gets the ASCII parts; zero bytes would end a pattern, and what else there is it might not know.
        let mut at = 0;
        while at < characters.len() {
            let start = at;
            while at < characters.len() && is_plain(at) {
                at += 1;
            }
            let part: Vec<u8> = characters.slice(start, at).iter().map(|c| c as u8).collect();
            if !part.is_empty() {
                let part = CString::new(part).map_err(|_| vm.value_error("embedded null byte"))?;
                out.push_object(&*decode(&host::format_time(&part, &time)));
            }
            while at < characters.len() && !is_plain(at) {
                out.push(characters.get(at));
                at += 1;
            }
        }
        Ok(out.finish())
    }

    /// Parse a string to a time tuple according to a format specification.
    #[function("strptime")]
    fn strptime(vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult {
        let module = rspy_runtime::import::import_module(vm, "_strptime")?;
        let function = vm.get_attribute_str(&module, "_strptime_time")?;
        vm.call_with_names(&function, args, names)
    }

    /// Initialize, or reinitialize, the local timezone to the value stored in os.environ['TZ'].
    #[function("tzset()")]
    fn tzset(vm: &Vm) -> PyResult<()> {
        host::set_time_zone();
        let module = rspy_runtime::import::import_module(vm, "time")?;
        if let Some(module) = module.downcast::<Module>() {
            set_zone(vm, module);
        }
        Ok(())
    }
}

/// UTC as CPython shows it.
fn as_utc(mut time: BrokenTime) -> BrokenTime {
    "UTC".clone_into(&mut time.zone);
    time.offset = 0;
    time.summer = 0;
    time
}

fn optional_seconds(
    vm: &Vm,
    function: &str,
    args: &[Value],
    names: rspy_runtime::slots::KeywordNames<'_>,
) -> PyResult<i64> {
    if names.is_some_and(|names| !names.items().is_empty()) {
        return Err(vm.type_error(format!("time.{function}() takes no keyword arguments")));
    }
    match args {
        [] => seconds_argument(vm, Some(&none())),
        [seconds] => seconds_argument(vm, Some(seconds)),
        _ => Err(vm.type_error(format!("{function}() takes at most 1 argument ({} given)", args.len()))),
    }
}

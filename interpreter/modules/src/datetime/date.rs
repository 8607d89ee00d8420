//! `date`: a day of the calendar.

use std::cell::Cell;
use std::sync::OnceLock;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host;
use rspy_runtime::import::import_module;
use rspy_runtime::names;
use rspy_runtime::native::NativeDef;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::paths::OrRaise;
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::not_implemented;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::hash::hash_bytes;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::arguments::{Parameters, c_int, call_class, check_date, clinic_int, pickled_state};
use super::calendar::{self, IsoError, MAX_ORDINAL, Moment, shift_date};
use super::delta::{TimeDelta, immortal};
use super::iso_calendar::IsoCalendarDate;
use super::moment::DateTime;
use super::packed::PackedDay;
use super::strftime::{self, Formatted};
use super::text::{Digits, invalid, read, read_only_date, text_argument};
use super::local;

/// date(year, month, day) --> date object
#[pyclass(name = "date", module = "datetime", subclassable, static_type)]
#[repr(C)]
pub struct Date {
    /// The hash, or -1 where it has not been asked for.
    pub(super) hash: Cell<i64>,
    pub(super) day: PackedDay,
    /// 1 for the second of two moments that look the same: a `datetime` has it where a `date` has nothing.
    pub(super) fold: u8,
}

static PARAMETERS: Parameters<3> =
    Parameters { function: "function", names: ["year", "month", "day"], required: 3, positional: 3 };

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Date {
    /// The payload for a day, and the fold of a `datetime`.
    #[inline(always)]
    pub(super) fn payload_of(day: PackedDay, fold: u8) -> Date {
        Date { hash: Cell::new(-1), day, fold }
    }

    /// A `date` of a day that is known to exist.
    pub fn plain(year: i32, month: i32, day: i32) -> Value {
        Object::new(Self::payload_of(PackedDay::new(year, month, day), 0)).into_value()
    }

    /// A date of a class: `date`, `datetime`, or one that is called.
    fn of_class(vm: &Vm, class: &TypeObject, (year, month, day): (i32, i32, i32)) -> PyResult {
        if std::ptr::eq(class, Self::static_type()) {
            check_date(vm, year, month, day)?;
            return Ok(Self::plain(year, month, day));
        }
        if std::ptr::eq(class, DateTime::static_type()) {
            check_date(vm, year, month, day)?;
            let (hour, minute, second, microsecond) = (0, 0, 0, 0);
            let moment = Moment { year, month, day, hour, minute, second, microsecond };
            return Ok(DateTime::plain(&moment, None, 0));
        }
        call_class(vm, class, &[year, month, day].map(Value::int), 0)
    }

    /// Year, month and day.
    #[inline]
    pub fn parts(&self) -> (i32, i32, i32) {
        self.day.parts()
    }

    fn weekday_number(&self) -> i32 {
        let (year, month, day) = self.parts();
        calendar::weekday(year, month, day)
    }

    /// The date and a time as `ctime()` shows them.
    pub(super) fn shown_by_ctime(&self, hour: i32, minute: i32, second: i32) -> String {
        let weekday = WEEKDAYS[self.weekday_number() as usize];
        let (year, month, day) = self.parts();
        let month = MONTHS[month as usize - 1];
        format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year:04}")
    }

    fn moved(vm: &Vm, this: &Object<Date>, delta: &TimeDelta, back: bool) -> PyResult {
        let days = i64::from(delta.parts().0);
        let (year, month, day) = this.parts();
        match shift_date(year, month, day, if back { -days } else { days }) {
            Some((year, month, day)) if std::ptr::eq(this.type_of(), Self::static_type()) => {
                Ok(Self::plain(year, month, day))
            }
            Some(date) => Self::of_class(vm, this.type_of(), date),
            None => Err(vm.overflow_error("date value out of range")),
        }
    }

    /// A `time.struct_time`.
    pub(super) fn struct_time(&self, hour: i32, minute: i32, second: i32, summer: i32) -> Value {
        let (year, month, day) = self.parts();
        let day_of_year = calendar::days_before_month(year, month) + day;
        let weekday = self.weekday_number();
        time_tuple([year, month, day, hour, minute, second, weekday, day_of_year, summer])
    }
}

/// A `time.struct_time` of its visible fields.
fn time_tuple(numbers: [i32; 9]) -> Value {
    let mut fields: Vec<Value> = numbers.into_iter().map(Value::int).collect();
    fields.resize(11, rspy_runtime::types::none::none());
    structseq::new::<crate::time::StructTime>(fields)
}

/// The operand as a `date` that is no `datetime`.
fn plain_date(value: &Value) -> Option<&Object<Date>> {
    value.downcast::<Date>().filter(|_| value.downcast::<DateTime>().is_none())
}

static STRFTIME: Parameters<1> =
    Parameters { function: "strftime()", names: ["format"], required: 1, positional: 1 };

/// The argument of `strftime`.
pub(super) fn strftime_argument<'a>(
    vm: &Vm,
    args: &'a [Value],
    names: KeywordNames<'a>,
) -> PyResult<&'a Object<Str>> {
    let bound = STRFTIME.bind(vm, args, names)?;
    let format = bound.object::<Str>(vm, 0)?;
    bound.finish(vm)?;
    Ok(format)
}

/// The arguments of a function that takes a fixed number of them and no keywords.
pub(super) fn exactly<'a>(
    vm: &Vm,
    function: &str,
    args: &'a [Value],
    names: KeywordNames<'_>,
    count: usize,
) -> PyResult<&'a [Value]> {
    crate::support::no_keywords(vm, function, names)?;
    if args.len() == count {
        return Ok(args);
    }
    let plural = if count == 1 { "" } else { "s" };
    Err(vm.type_error(format!("{function}() takes exactly {count} argument{plural} ({} given)", args.len())))
}

/// The argument of a function as text.
pub(super) fn text_at<'a>(vm: &Vm, function: &str, args: &'a [Value], place: usize) -> PyResult<&'a Object<Str>> {
    args[place].downcast::<Str>().ok_or_else(|| {
        let got = args[place].type_of().full_name();
        let got = if got == "NoneType" { "None".to_owned() } else { got };
        vm.type_error(format!("{function}() argument {} must be str, not {got}", place + 1))
    })
}

/// `strptime` of a class, by a function of `_strptime`.
pub(super) fn strptime(
    vm: &Vm,
    function: &str,
    class: &TypeObject,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult {
    let args = exactly(vm, "strptime", args, names, 2)?;
    text_at(vm, "strptime", args, 0)?;
    text_at(vm, "strptime", args, 1)?;
    let module = import_module(vm, "_strptime")?;
    let function = vm.get_attribute_str(&module, function)?;
    vm.call(&function, &[class.to_value(), args[0].clone(), args[1].clone()])
}

/// `__format__`: `str()` for no format, else `strftime`.
pub(super) fn format(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    let args = exactly(vm, "__format__", args, names, 1)?;
    if text_at(vm, "__format__", args, 0)?.length() == 0 {
        return Ok(vm.str(this)?.into_value());
    }
    vm.call_method_str(this, "strftime", args)
}

/// `__replace__` takes what `replace` takes.
pub(super) fn replace_by(
    vm: &Vm,
    methods: &[NativeDef],
    this: &Value,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult {
    let mut all = vec![this.clone()];
    all.extend_from_slice(args);
    match methods.iter().find(|method| method.name == "replace") {
        Some(replace) => (replace.call)(vm, &all, names),
        None => Ok(not_implemented()),
    }
}

/// A number given to `replace`, or what the field is.
pub(super) fn replaced(vm: &Vm, given: Option<&Value>, own: i32) -> PyResult<i32> {
    given.map_or(Ok(own), |given| clinic_int(vm, given))
}

#[pymethods]
impl Date {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if let [state] = args
            && let Some(bytes) = pickled_state::<4>(vm, state, "date", |month| (1..=12).contains(&month), 2)?
        {
            let date = Self::payload_of(PackedDay::from_bytes(bytes), 0);
            return Ok(Object::with_type(cls, date).into_value());
        }
        let bound = PARAMETERS.bind(vm, args, names)?;
        let (year, month, day) = (bound.int(vm, 0)?, bound.int(vm, 1)?, bound.int(vm, 2)?);
        bound.finish(vm)?;
        check_date(vm, year, month, day)?;
        Ok(Object::with_type(cls, Self::payload_of(PackedDay::new(year, month, day), 0)).into_value())
    }

    #[getter("year")]
    fn year(&self) -> i32 {
        self.day.year()
    }

    #[getter("month")]
    fn month(&self) -> i32 {
        self.day.month()
    }

    #[getter("day")]
    fn day(&self) -> i32 {
        self.day.day()
    }

    /// Create a date from a POSIX timestamp.
    ///
    /// The timestamp is a number, e.g. created via time.time(), that is
    /// interpreted as local time.
    #[classmethod("fromtimestamp(type, timestamp, /)")]
    fn fromtimestamp(vm: &Vm, cls: &TypeObject, timestamp: &Value) -> PyResult {
        let seconds = local::seconds_argument(vm, timestamp)?;
        let moment = local::moment_of(&host::local_time(seconds).or_raise(vm)?, 0);
        Self::of_class(vm, cls, (moment.year, moment.month, moment.day))
    }

    /// int -> date corresponding to a proleptic Gregorian ordinal.
    #[classmethod("fromordinal")]
    fn fromordinal(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let ordinal = c_int(vm, &exactly(vm, "fromordinal", args, names, 1)?[0])?;
        if ordinal < 1 {
            return Err(vm.value_error("ordinal must be >= 1"));
        }
        Self::of_class(vm, cls, calendar::from_ordinal(ordinal))
    }

    /// str -> Construct a date from a string in ISO 8601 format.
    #[classmethod("fromisoformat(type, object, /)")]
    fn fromisoformat(vm: &Vm, cls: &TypeObject, object: &Value) -> PyResult {
        let text = text_argument(vm, object)?;
        match read(text, read_only_date, read_only_date) {
            Some(date) => Self::of_class(vm, cls, date),
            None => Err(invalid(vm, text)),
        }
    }

    /// int, int, int -> Construct a date from the ISO year, week number and weekday.
    ///
    /// This is the inverse of the date.isocalendar() function
    #[classmethod("fromisocalendar")]
    fn fromisocalendar(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<3> = Parameters {
            function: "fromisocalendar()",
            names: ["year", "week", "day"],
            required: 3,
            positional: 3,
        };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().enumerate() {
            *number = bound.int(vm, place).map_err(|error| {
                if error.is_overflow_error() {
                    return vm.value_error("ISO calendar component out of range");
                }
                error
            })?;
        }
        bound.finish(vm)?;
        let [year, week, day] = numbers;
        match calendar::from_iso_calendar(year, week, day) {
            Ok(date) => Self::of_class(vm, cls, date),
            Err(IsoError::Year) => Err(vm.value_error(format!("year must be in 1..9999, not {year}"))),
            Err(IsoError::Week) => Err(vm.value_error(format!("Invalid week: {week}"))),
            Err(IsoError::Day) => {
                Err(vm.value_error(format!("Invalid weekday: {day} (range is [1, 7])")))
            }
        }
    }

    /// Current date or datetime:  same as self.__class__.fromtimestamp(time.time()).
    #[classmethod("today(type, /)")]
    fn today(vm: &Vm, cls: &TypeObject) -> PyResult {
        if std::ptr::eq(cls, Self::static_type()) {
            let (seconds, _) = local::now(vm)?;
            let moment = local::moment_of(&host::local_time(seconds).or_raise(vm)?, 0);
            return Self::of_class(vm, cls, (moment.year, moment.month, moment.day));
        }
        let module = import_module(vm, "time")?;
        let time = vm.call_method_str(&module, "time", &[])?;
        vm.call_method_str(&cls.as_value(), "fromtimestamp", &[time])
    }

    /// string, format -> new date parsed from a string (like time.strptime()).
    #[classmethod("strptime")]
    fn strptime(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        strptime(vm, "_strptime_datetime_date", cls, args, names)
    }

    /// Return ctime() style string.
    #[method("ctime(self, /)")]
    fn ctime(&self) -> String {
        self.shown_by_ctime(0, 0, 0)
    }

    /// format -> strftime() style string.
    #[method("strftime")]
    fn strftime(this: &Object<Date>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let pattern = strftime_argument(vm, args, names)?;
        let this_value = this.as_value();
        let tuple = vm.call_method(&this_value, &names::timetuple, &[])?;
        let moment = this_value.downcast::<DateTime>();
        let formatted = Formatted {
            tuple: &tuple,
            year: this.day.year(),
            microsecond: moment.map_or(0, |moment| moment.moment().microsecond),
            zone: moment.and_then(|moment| moment.zone()),
            argument: &this_value,
        };
        strftime::format(vm, pattern, &formatted)
    }

    /// Formats self with strftime.
    #[method("__format__")]
    fn format(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        format(vm, this, args, names)
    }

    /// Return string in ISO 8601 format, YYYY-MM-DD.
    #[method("isoformat(self, /)")]
    fn isoformat(&self) -> Ref<Str> {
        let (year, month, day) = self.parts();
        let mut text = Digits::new();
        text.date(year, month, day);
        text.finish()
    }

    #[slot(str)]
    fn str(this: &Object<Date>, vm: &Vm) -> PyResult {
        if std::ptr::eq(this.type_of(), Self::static_type()) {
            return Ok(this.isoformat().into_value());
        }
        vm.call_method(&this.as_value(), &names::isoformat, &[])
    }

    #[slot(repr)]
    fn repr(this: &Object<Date>) -> String {
        let (year, month, day) = this.parts();
        format!("{}({year}, {month}, {day})", this.type_of().full_name())
    }

    /// Return the day of the week represented by the date.
    /// Monday == 1 ... Sunday == 7
    #[method("isoweekday(self, /)")]
    fn isoweekday(&self) -> i32 {
        self.weekday_number() + 1
    }

    /// Return a named tuple containing ISO year, week number, and weekday.
    #[method("isocalendar(self, /)")]
    fn isocalendar(&self) -> Value {
        let (year, month, day) = self.parts();
        IsoCalendarDate::make(calendar::iso_calendar(year, month, day))
    }

    /// Return the day of the week represented by the date.
    /// Monday == 0 ... Sunday == 6
    #[method("weekday(self, /)")]
    fn weekday(&self) -> i32 {
        self.weekday_number()
    }

    /// Return proleptic Gregorian ordinal.  January 1 of year 1 is day 1.
    #[method("toordinal(self, /)")]
    fn toordinal(&self) -> i32 {
        self.day.ordinal()
    }

    /// Return time tuple, compatible with time.localtime().
    #[method("timetuple(self, /)")]
    fn timetuple(&self) -> Value {
        self.struct_time(0, 0, 0, -1)
    }

    /// Return date with new specified fields.
    #[method("replace(self, /, year=unchanged, month=unchanged, day=unchanged)")]
    fn replace(
        this: &Object<Date>,
        vm: &Vm,
        year: Option<&Value>,
        month: Option<&Value>,
        day: Option<&Value>,
    ) -> PyResult {
        let own = this.parts();
        let date =
            (replaced(vm, year, own.0)?, replaced(vm, month, own.1)?, replaced(vm, day, own.2)?);
        Self::of_class(vm, this.type_of(), date)
    }

    /// The same as replace().
    #[method("__replace__(self, /, **changes)")]
    fn replace_special(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        replace_by(vm, Self::METHODS, this, args, names)
    }

    /// __reduce__() -> (cls, state)
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Date>) -> Ref<Tuple> {
        let state = Tuple::from_values([Bytes::new(this.day.to_bytes()).into_value()]);
        Tuple::from_values([this.type_of().to_value(), state.into_value()])
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        if self.hash.get() == -1 {
            self.hash.set(hash_bytes(&self.day.to_bytes()));
        }
        Ok(self.hash.get())
    }

    #[slot(compare)]
    fn compare(this: &Object<Date>, other: &Value, comparison: Comparison) -> Value {
        match (plain_date(&this.as_value()), plain_date(other)) {
            (Some(this), Some(other)) => boolean(comparison.holds(this.day.cmp(&other.day))),
            _ => not_implemented(),
        }
    }

    #[slot(add)]
    fn add(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        for (date, delta) in [(left, right), (right, left)] {
            if let (Some(date), Some(delta)) = (plain_date(date), delta.downcast::<TimeDelta>()) {
                return Self::moved(vm, date, delta, false);
            }
        }
        Ok(not_implemented())
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(left) = plain_date(left) else { return Ok(not_implemented()) };
        if let Some(right) = plain_date(right) {
            return TimeDelta::normalized(vm, left.day.ordinal() - right.day.ordinal(), 0, 0);
        }
        match right.downcast::<TimeDelta>() {
            Some(delta) => Self::moved(vm, left, delta, true),
            None => Ok(not_implemented()),
        }
    }
}

/// The attributes of `date`.
pub(super) fn set_attributes(vm: &Vm) {
    static BOUNDS: OnceLock<[Value; 3]> = OnceLock::new();
    let [least, most, resolution] = BOUNDS.get_or_init(|| {
        let (year, month, day) = calendar::from_ordinal(MAX_ORDINAL);
        [
            immortal(Object::new(Date::payload_of(PackedDay::new(1, 1, 1), 0))),
            immortal(Object::new(Date::payload_of(PackedDay::new(year, month, day), 0))),
            TimeDelta::constant(1, 0, 0),
        ]
    });
    for (name, value) in [("min", least), ("max", most), ("resolution", resolution)] {
        Date::static_type().dict().set_str(&vm.intern(name), value.clone());
    }
}

/// A `time.struct_time` of a time of the day, on the first day of 1900.
pub(super) fn time_of_day_tuple(hour: i32, minute: i32, second: i32) -> Value {
    time_tuple([1900, 1, 1, hour, minute, second, 0, 1, -1])
}

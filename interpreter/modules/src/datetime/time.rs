//! `time`: a time of the day, in a zone or in none.

use std::cell::Cell;
use std::sync::OnceLock;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::{none, not_implemented};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::string::hash::hash_bytes;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::arguments::{Parameters, c_int, call_class, check_time, pickled_state};
use super::calendar::Moment;
use super::date::{self, exactly, replace_by, replaced, strftime_argument, time_of_day_tuple};
use super::delta::{TimeDelta, immortal};
use super::packed::PackedTime;
use super::strftime::{self, Formatted};
use super::text::{Character, Digits, Precision, ReadTime, beyond_midnight, invalid, read, read_time, text_argument};
use super::zone::{self, TimeZone, zone_argument};

/// time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object
///
/// All arguments are optional. tzinfo may be None, or an instance of
/// a tzinfo subclass. The remaining arguments may be ints.
#[pyclass(name = "time", module = "datetime", subclassable, static_type)]
#[repr(C)]
pub struct Time {
    /// The hash, or -1 where it has not been asked for.
    hash: Cell<i64>,
    time: PackedTime,
    zone: Option<Value>,
    fold: u8,
}

static PARAMETERS: Parameters<6> = Parameters {
    function: "function",
    names: ["hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 0,
    positional: 5,
};

impl Time {
    fn payload_of(time: PackedTime, zone: Option<&Value>, fold: u8) -> Time {
        Time { hash: Cell::new(-1), time, zone: zone.cloned(), fold }
    }

    /// The time of the day of a moment.
    pub(super) fn of_moment(moment: &Moment, zone: Option<&Value>, fold: u8) -> Value {
        let Moment { hour, minute, second, microsecond, .. } = *moment;
        Object::new(Self::payload_of(PackedTime::new(hour, minute, second, microsecond), zone, fold)).into_value()
    }

    /// A time of a class: `time`, or one that is called.
    fn of_class(
        vm: &Vm,
        class: &TypeObject,
        [hour, minute, second, microsecond]: [i32; 4],
        zone: Option<&Value>,
        fold: i32,
    ) -> PyResult {
        if std::ptr::eq(class, Self::static_type()) {
            check_time(vm, hour, minute, second, microsecond, fold)?;
            let time = PackedTime::new(hour, minute, second, microsecond);
            return Ok(Object::new(Self::payload_of(time, zone, fold as u8)).into_value());
        }
        let [hour, minute, second, microsecond] = [hour, minute, second, microsecond].map(Value::int);
        let zone = zone.cloned().unwrap_or_else(none);
        call_class(vm, class, &[hour, minute, second, microsecond, zone], fold)
    }

    /// Hour, minute, second and microsecond.
    pub fn parts(&self) -> [i32; 4] {
        [self.time.hour(), self.time.minute(), self.time.second(), self.time.microsecond()]
    }

    /// The zone, if there is one.
    pub fn zone(&self) -> Option<&Value> {
        self.zone.as_ref()
    }

    /// 1 for the second of two times that look the same.
    pub fn fold(&self) -> u8 {
        self.fold
    }

    fn as_moment(&self) -> Moment {
        let [hour, minute, second, microsecond] = self.parts();
        Moment { year: 1900, month: 1, day: 1, hour, minute, second, microsecond }
    }

    fn offset(&self, vm: &Vm) -> PyResult<Option<Ref<TimeDelta>>> {
        zone::utc_offset(vm, self.zone(), &none())
    }

    fn reduced(this: &Object<Time>, protocol: i32) -> Ref<Tuple> {
        let mut state = this.time.to_bytes();
        if protocol > 3 && this.fold != 0 {
            state[0] |= 0x80;
        }
        let state = Bytes::new(state).into_value();
        let state = match this.zone() {
            None => Tuple::from_values([state]),
            Some(zone) => Tuple::from_values([state, zone.clone()]),
        };
        Tuple::from_values([this.type_of().to_value(), state.into_value()])
    }

    fn shown(&self, vm: &Vm, precision: Precision) -> PyResult<Ref<Str>> {
        let mut text = Digits::new();
        text.time(&self.as_moment(), precision);
        if let Some(offset) = self.offset(vm)? {
            text.offset(&offset, ":");
        }
        Ok(text.finish())
    }

    /// From a pickle's state.
    fn of_state(vm: &Vm, class: &TypeObject, args: &[Value]) -> PyResult<Option<Value>> {
        let (state, zone) = match args {
            [state] => (state, None),
            [state, zone] => (state, Some(zone)),
            _ => return Ok(None),
        };
        let Some(mut state) = pickled_state::<6>(vm, state, "time", |hour| hour & 0x7f < 24, 0)? else {
            return Ok(None);
        };
        let zone = pickled_zone(vm, zone)?;
        let fold = state[0] >> 7;
        state[0] &= 0x7f;
        let time = Self::payload_of(PackedTime::from_bytes(state), zone, fold);
        Ok(Some(Object::with_type(class, time).into_value()))
    }
}

/// Reads a time. The format asks for a T in front; it is taken for granted where no date can be meant.
fn read_only_time<C: Character>(text: &[C]) -> Option<ReadTime> {
    match text {
        [first, rest @ ..] if first.is(b'T') => read_time(rest),
        _ => read_time(text),
    }
}

/// The zone of a pickle's state.
pub(super) fn pickled_zone<'a>(vm: &Vm, zone: Option<&'a Value>) -> PyResult<Option<&'a Value>> {
    zone_argument(vm, zone).map_err(|_| vm.type_error("bad tzinfo state arg"))
}

#[pymethods]
impl Time {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if let Some(time) = Self::of_state(vm, cls, args)? {
            return Ok(time);
        }
        let bound = PARAMETERS.bind(vm, args, names)?;
        let (hour, minute) = (bound.int(vm, 0)?, bound.int(vm, 1)?);
        let (second, microsecond) = (bound.int(vm, 2)?, bound.int(vm, 3)?);
        let fold = bound.int(vm, 5)?;
        bound.finish(vm)?;
        check_time(vm, hour, minute, second, microsecond, fold)?;
        let zone = zone_argument(vm, bound.get(4))?;
        let time = Self::payload_of(PackedTime::new(hour, minute, second, microsecond), zone, fold as u8);
        Ok(Object::with_type(cls, time).into_value())
    }

    #[getter("hour")]
    fn hour(&self) -> i32 {
        self.time.hour()
    }

    #[getter("minute")]
    fn minute(&self) -> i32 {
        self.time.minute()
    }

    #[getter("second")]
    fn second(&self) -> i32 {
        self.time.second()
    }

    #[getter("microsecond")]
    fn microsecond(&self) -> i32 {
        self.time.microsecond()
    }

    #[getter("tzinfo")]
    fn tzinfo(&self) -> Option<Value> {
        self.zone.clone()
    }

    #[getter("fold")]
    fn fold_attribute(&self) -> i32 {
        i32::from(self.fold)
    }

    /// string, format -> new time parsed from a string (like time.strptime()).
    #[classmethod("strptime")]
    fn strptime(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        date::strptime(vm, "_strptime_datetime_time", cls, args, names)
    }

    /// Return string in ISO 8601 format, [HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].
    ///
    /// The optional argument timespec specifies the number of additional terms
    /// of the time to include. Valid options are 'auto', 'hours', 'minutes',
    /// 'seconds', 'milliseconds' and 'microseconds'.
    #[method("isoformat")]
    fn isoformat(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Str>> {
        static PARAMETERS: Parameters<1> =
            Parameters { function: "isoformat()", names: ["timespec"], required: 0, positional: 1 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let precision = match bound.get(0) {
            None => Precision::Auto,
            Some(_) => Precision::of_name(vm, bound.object::<Str>(vm, 0)?)?,
        };
        bound.finish(vm)?;
        self.shown(vm, precision)
    }

    /// format -> strftime() style string.
    #[method("strftime")]
    fn strftime(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let pattern = strftime_argument(vm, args, names)?;
        let [hour, minute, second, microsecond] = self.parts();
        let formatted = Formatted {
            tuple: &time_of_day_tuple(hour, minute, second),
            year: 1900,
            microsecond,
            zone: self.zone.clone(),
            argument: &none(),
        };
        strftime::format(vm, pattern, &formatted)
    }

    /// Formats self with strftime.
    #[method("__format__")]
    fn format(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        date::format(vm, this, args, names)
    }

    /// Return self.tzinfo.utcoffset(self).
    #[method("utcoffset(self, /)")]
    fn utcoffset(&self, vm: &Vm) -> PyResult<Option<Ref<TimeDelta>>> {
        self.offset(vm)
    }

    /// Return self.tzinfo.tzname(self).
    #[method("tzname(self, /)")]
    fn tzname(&self, vm: &Vm) -> PyResult {
        zone::name(vm, self.zone(), &none())
    }

    /// Return self.tzinfo.dst(self).
    #[method("dst(self, /)")]
    fn dst(&self, vm: &Vm) -> PyResult<Option<Ref<TimeDelta>>> {
        zone::dst(vm, self.zone(), &none())
    }

    /// Return time with new specified fields.
    #[method(
        "replace(self, /, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)"
    )]
    fn replace(
        this: &Object<Time>,
        vm: &Vm,
        hour: Option<&Value>,
        minute: Option<&Value>,
        second: Option<&Value>,
        microsecond: Option<&Value>,
        tzinfo: Option<&Value>,
        fold: Option<&Value>,
    ) -> PyResult {
        let own = this.parts();
        let parts = [
            replaced(vm, hour, own[0])?,
            replaced(vm, minute, own[1])?,
            replaced(vm, second, own[2])?,
            replaced(vm, microsecond, own[3])?,
        ];
        let fold = replaced(vm, fold, i32::from(this.fold))?;
        let [hour, minute, second, microsecond] = parts;
        if !std::ptr::eq(this.type_of(), Self::static_type()) {
            return Self::of_class(vm, this.type_of(), parts, tzinfo.or(this.zone()), fold);
        }
        check_time(vm, hour, minute, second, microsecond, fold)?;
        let zone = match tzinfo {
            None => this.zone(),
            Some(zone) => zone_argument(vm, Some(zone))?,
        };
        let time = PackedTime::new(hour, minute, second, microsecond);
        Ok(Object::new(Self::payload_of(time, zone, fold as u8)).into_value())
    }

    /// The same as replace().
    #[method("__replace__(self, /, **changes)")]
    fn replace_special(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        replace_by(vm, Self::METHODS, this, args, names)
    }

    /// string -> time from a string in ISO 8601 format
    #[classmethod("fromisoformat(type, object, /)")]
    fn fromisoformat(vm: &Vm, cls: &TypeObject, object: &Value) -> PyResult {
        let text = text_argument(vm, object)?;
        let Some(mut read) = read(text, read_only_time, read_only_time) else { return Err(invalid(vm, text)) };
        if read.hour == 24 {
            if (read.minute, read.second, read.microsecond) != (0, 0, 0) {
                return Err(beyond_midnight(vm));
            }
            read.hour = 0;
        }
        let zone = read.offset.map(|offset| TimeZone::of_microseconds(vm, offset)).transpose()?;
        let parts = [read.hour, read.minute, read.second, read.microsecond];
        Self::of_class(vm, cls, parts, zone.as_ref(), 0)
    }

    /// __reduce_ex__(proto) -> (cls, state)
    #[method("__reduce_ex__")]
    fn reduce_ex(this: &Object<Time>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Tuple>> {
        let protocol = c_int(vm, &exactly(vm, "__reduce_ex__", args, names, 1)?[0])?;
        Ok(Self::reduced(this, protocol))
    }

    /// __reduce__() -> (cls, state)
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Time>) -> Ref<Tuple> {
        Self::reduced(this, 2)
    }

    #[slot(repr)]
    fn repr(this: &Object<Time>, vm: &Vm) -> PyResult<Ref<Str>> {
        let mut out = StrBuilder::new();
        let [hour, minute, second, microsecond] = this.parts();
        out.push_str(&format!("{}({hour}, {minute}", this.type_of().full_name()));
        if second != 0 || microsecond != 0 {
            out.push_str(&format!(", {second}"));
        }
        if microsecond != 0 {
            out.push_str(&format!(", {microsecond}"));
        }
        if let Some(zone) = this.zone() {
            out.push_str(", tzinfo=");
            out.push_object(&*vm.repr(zone)?);
        }
        if this.fold != 0 {
            out.push_str(", fold=1");
        }
        out.push_str(")");
        Ok(out.finish())
    }

    #[slot(str)]
    fn str(this: &Object<Time>, vm: &Vm) -> PyResult {
        if std::ptr::eq(this.type_of(), Self::static_type()) {
            return Ok(this.shown(vm, Precision::Auto)?.into_value());
        }
        vm.call_method(&this.as_value(), &names::isoformat, &[])
    }

    #[slot(hash)]
    fn hash(this: &Object<Time>, vm: &Vm) -> PyResult<i64> {
        if this.hash.get() != -1 {
            return Ok(this.hash.get());
        }
        // Both of two times that look the same hash as the first.
        let hash = match this.offset(vm)? {
            None => hash_bytes(&this.time.to_bytes()),
            Some(offset) => {
                let (days, seconds, microseconds) = offset.parts();
                let (seconds, microseconds) =
                    (this.time.second_of_day() - seconds, this.time.microsecond() - microseconds);
                vm.hash(&TimeDelta::normalized(vm, -days, seconds, microseconds)?)?
            }
        };
        this.hash.set(hash);
        Ok(hash)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<Time>() else { return Ok(not_implemented()) };
        let same_zone = match (self.zone(), other.zone()) {
            (None, None) => true,
            (Some(own), Some(other)) => own.is(other),
            _ => false,
        };
        if same_zone {
            return Ok(boolean(comparison.holds(self.time.cmp(&other.time))));
        }
        let order = match (self.offset(vm)?, other.offset(vm)?) {
            (None, None) => self.time.cmp(&other.time),
            (Some(own), Some(others)) => {
                let instant = |time: &Time, offset: &TimeDelta| {
                    (i64::from(time.time.second_of_day()) - offset.whole_seconds(), time.time.microsecond())
                };
                if own.parts() == others.parts() {
                    self.time.cmp(&other.time)
                } else {
                    instant(self, &own).cmp(&instant(other, &others))
                }
            }
            _ => {
                return match comparison {
                    Comparison::Equal => Ok(boolean(false)),
                    Comparison::NotEqual => Ok(boolean(true)),
                    _ => Err(vm.type_error("can't compare offset-naive and offset-aware times")),
                };
            }
        };
        Ok(boolean(comparison.holds(order)))
    }
}

/// The attributes of `time`.
pub(super) fn set_attributes(vm: &Vm) {
    static BOUNDS: OnceLock<[Value; 3]> = OnceLock::new();
    let [least, most, resolution] = BOUNDS.get_or_init(|| {
        [
            immortal(Object::new(Time::payload_of(PackedTime::new(0, 0, 0, 0), None, 0))),
            immortal(Object::new(Time::payload_of(PackedTime::new(23, 59, 59, 999_999), None, 0))),
            TimeDelta::constant(0, 0, 1),
        ]
    });
    for (name, value) in [("min", least), ("max", most), ("resolution", resolution)] {
        Time::static_type().dict().set_str(&vm.intern(name), value.clone());
    }
}

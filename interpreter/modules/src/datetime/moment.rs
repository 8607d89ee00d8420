//! `datetime`: a day and a time of it, in a zone or in none. Layout, construction and operators; the methods are in
//! `moment_methods`.

use std::cmp::Ordering;
use std::sync::OnceLock;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::{none, not_implemented};
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::string::hash::hash_bytes;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::arguments::{Parameters, call_class, check_moment, pickled_state};
use super::calendar::Moment;
use super::date::Date;
use super::delta::{TimeDelta, immortal};
use super::packed::{PackedDay, PackedTime};
use super::text::{Digits, Precision, join};
use super::time::pickled_zone;
use super::zone::{self, zone_argument};

/// datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])
///
/// The year, month and day arguments are required. tzinfo may be None, or an
/// instance of a tzinfo subclass. The remaining arguments may be ints.
#[pyclass(
    name = "datetime", module = "datetime", extends = Date, subclassable, static_type, methods(MORE_METHODS)
)]
#[repr(C)]
pub struct DateTime {
    date: Date,
    time: PackedTime,
    zone: GilCell<Option<Value>>,
}

static PARAMETERS: Parameters<9> = Parameters {
    function: "function",
    names: ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 3,
    positional: 8,
};

impl DateTime {
    #[inline]
    fn payload_of(moment: &Moment, zone: Option<&Value>, fold: u8) -> DateTime {
        let Moment { year, month, day, hour, minute, second, microsecond } = *moment;
        DateTime {
            date: Date::payload_of(PackedDay::new(year, month, day), fold),
            time: PackedTime::new(hour, minute, second, microsecond),
            zone: GilCell::new(zone.cloned()),
        }
    }

    /// A `datetime` of a moment that is known to exist.
    #[inline]
    pub fn plain(moment: &Moment, zone: Option<&Value>, fold: u8) -> Value {
        Object::new(Self::payload_of(moment, zone, fold)).into_value()
    }

    /// A moment of a class: `datetime`, or one that is called.
    ///
    /// # Errors
    /// `ValueError` where there is no such moment, and what the class raises.
    pub fn of_class(
        vm: &Vm,
        class: &TypeObject,
        moment: &Moment,
        zone: Option<&Value>,
        fold: i32,
    ) -> PyResult {
        if std::ptr::eq(class, Self::static_type()) {
            check_moment(vm, moment, fold)?;
            return Ok(Self::plain(moment, zone, fold as u8));
        }
        let Moment { year, month, day, hour, minute, second, microsecond } = *moment;
        let mut fields: Vec<Value> =
            [year, month, day, hour, minute, second, microsecond].into_iter().map(Value::int).collect();
        fields.push(zone.cloned().unwrap_or_else(none));
        call_class(vm, class, &fields, fold)
    }

    /// Day and time.
    #[inline]
    pub fn moment(&self) -> Moment {
        let (year, month, day) = self.date.parts();
        Moment {
            year,
            month,
            day,
            hour: self.time.hour(),
            minute: self.time.minute(),
            second: self.time.second(),
            microsecond: self.time.microsecond(),
        }
    }

    /// The day.
    pub fn date(&self) -> &Date {
        &self.date
    }

    /// The zone, if there is one.
    #[inline]
    pub fn zone(&self) -> Option<Value> {
        self.zone.get()
    }

    /// Puts the moment in another zone, while it is still being made.
    pub(super) fn set_zone(&self, zone: Option<Value>) {
        self.zone.set(zone);
    }

    /// 1 for the second of two moments that look the same.
    pub fn fold(&self) -> u8 {
        self.date.fold
    }

    /// The order of moments of the same zone.
    #[inline]
    fn order(&self, other: &DateTime) -> Ordering {
        self.date.day.cmp(&other.date.day).then(self.time.cmp(&other.time))
    }

    /// The moment that lies a duration after or before another, of the same class and in the same zone.
    ///
    /// # Errors
    /// `OverflowError` where the calendar does not reach, and what the class raises.
    pub fn moved(vm: &Vm, this: &Object<DateTime>, delta: &TimeDelta, back: bool) -> PyResult {
        let sign = if back { -1 } else { 1 };
        let (days, seconds, microseconds) = delta.parts();
        let Some(moment) = this.moment().shifted(sign * days, sign * seconds, sign * microseconds) else {
            return Err(vm.overflow_error("date value out of range"));
        };
        if std::ptr::eq(this.type_of(), Self::static_type()) {
            return Ok(Self::plain(&moment, this.zone.borrow().as_ref(), 0));
        }
        Self::of_class(vm, this.type_of(), &moment, this.zone().as_ref(), 0)
    }

    /// The offset from UTC that its zone tells for a moment.
    ///
    /// # Errors
    /// Those of the zone.
    pub fn offset(this: &Object<DateTime>, vm: &Vm) -> PyResult<Option<Ref<TimeDelta>>> {
        zone::utc_offset(vm, this.zone().as_ref(), &this.as_value())
    }

    /// The same moment of the same class with another fold; the class is not called.
    fn with_fold(this: &Object<DateTime>, fold: u8) -> Ref<DateTime> {
        let payload = Self::payload_of(&this.moment(), this.zone().as_ref(), fold);
        Object::with_type(this.type_of(), payload)
    }

    fn same_zone(&self, other: &DateTime) -> bool {
        match (&*self.zone.borrow(), &*other.zone.borrow()) {
            (None, None) => true,
            (Some(own), Some(others)) => own.is(others),
            _ => false,
        }
    }

    /// Whether the zone tells another offset for the moment with the other fold: such a moment equals none of another
    /// zone (PEP 495).
    fn depends_on_fold(this: &Object<DateTime>, vm: &Vm, offset: Option<&TimeDelta>) -> PyResult<bool> {
        let flipped = Self::with_fold(this, 1 - this.fold().min(1));
        let other = Self::offset(&flipped, vm)?;
        Ok(other.map(|other| other.parts()) != offset.map(TimeDelta::parts))
    }

    #[inline(never)]
    fn compute_hash(this: &Object<DateTime>, vm: &Vm) -> PyResult<i64> {
        // Both of two moments that look the same hash as the first.
        let offset = match this.fold() {
            0 => Self::offset(this, vm)?,
            _ => Self::offset(&Self::with_fold(this, 0), vm)?,
        };
        let hash = match offset {
            None => hash_bytes(&this.state()),
            Some(offset) => {
                let (days, seconds, microseconds) = offset.parts();
                let since = TimeDelta::normalized(
                    vm,
                    this.date.day.ordinal() - days,
                    this.time.second_of_day() - seconds,
                    this.time.microsecond() - microseconds,
                )?;
                vm.hash(&since)?
            }
        };
        this.date.hash.set(hash);
        Ok(hash)
    }

    /// Compares moments whose zones are not the same object.
    #[inline(never)]
    fn compare_zones(
        this: &Object<DateTime>,
        vm: &Vm,
        other: &Object<DateTime>,
        comparison: Comparison,
    ) -> PyResult {
        let (own, others) = (Self::offset(this, vm)?, Self::offset(other, vm)?);
        let mut order = match (&own, &others) {
            (None, None) => this.order(other),
            (Some(own), Some(others)) if own.parts() == others.parts() => this.order(other),
            (Some(own), Some(others)) => {
                let since = |moment: Moment, offset: &TimeDelta| {
                    i128::from(moment.seconds()) * 1_000_000 + i128::from(moment.microsecond) - offset.total()
                };
                since(this.moment(), own).cmp(&since(other.moment(), others))
            }
            _ => {
                return match comparison {
                    Comparison::Equal => Ok(boolean(false)),
                    Comparison::NotEqual => Ok(boolean(true)),
                    _ => Err(vm.type_error("can't compare offset-naive and offset-aware datetimes")),
                };
            }
        };
        if matches!(comparison, Comparison::Equal | Comparison::NotEqual)
            && order.is_eq()
            && (Self::depends_on_fold(this, vm, own.as_deref().map(|offset| &**offset))?
                || Self::depends_on_fold(other, vm, others.as_deref().map(|offset| &**offset))?)
        {
            order = Ordering::Greater;
        }
        Ok(boolean(comparison.holds(order)))
    }

    /// The duration from one moment to another, as if both were in the same zone.
    fn difference(vm: &Vm, left: &DateTime, right: &DateTime) -> PyResult {
        TimeDelta::normalized(
            vm,
            left.date.day.ordinal() - right.date.day.ordinal(),
            left.time.second_of_day() - right.time.second_of_day(),
            left.time.microsecond() - right.time.microsecond(),
        )
    }

    #[inline]
    fn state(&self) -> [u8; 10] {
        let mut state = [0; 10];
        let [first @ .., high, low] = self.time.to_bytes();
        // Whole words, since they are read again as such at once.
        let day = u64::from(u32::from_be_bytes(self.date.day.to_bytes()));
        state[..8].copy_from_slice(&(day << 32 | u64::from(u32::from_be_bytes(first))).to_be_bytes());
        state[8..].copy_from_slice(&[high, low]);
        state
    }

    /// What pickling with a protocol writes down.
    pub(super) fn reduced(this: &Object<DateTime>, protocol: i32) -> Ref<Tuple> {
        let mut state = this.state();
        if protocol > 3 && this.fold() != 0 {
            state[2] |= 0x80;
        }
        let state = Bytes::new(state).into_value();
        let state = match this.zone() {
            None => Tuple::from_values([state]),
            Some(zone) => Tuple::from_values([state, zone]),
        };
        Tuple::from_values([this.type_of().to_value(), state.into_value()])
    }

    fn of_state(vm: &Vm, class: &TypeObject, args: &[Value]) -> PyResult<Option<Value>> {
        let (state, zone) = match args {
            [state] => (state, None),
            [state, zone] => (state, Some(zone)),
            _ => return Ok(None),
        };
        let is_month = |month: u32| (1..=12).contains(&(month & 0x7f));
        let Some(state) = pickled_state::<10>(vm, state, "datetime", is_month, 2)? else { return Ok(None) };
        let zone = pickled_zone(vm, zone)?;
        let [high, low, month, day, time @ ..] = state;
        let day = PackedDay::from_bytes([high, low, month & 0x7f, day]);
        let payload = DateTime {
            date: Date::payload_of(day, month >> 7),
            time: PackedTime::from_bytes(time),
            zone: GilCell::new(zone.cloned()),
        };
        Ok(Some(Object::with_type(class, payload).into_value()))
    }

    /// The ISO format with something between date and time.
    pub(super) fn shown(
        this: &Object<DateTime>,
        vm: &Vm,
        separator: u32,
        precision: Precision,
    ) -> PyResult<Ref<Str>> {
        let moment = this.moment();
        let (mut date, mut time) = (Digits::new(), Digits::new());
        date.date(moment.year, moment.month, moment.day);
        time.time(&moment, precision);
        if let Some(offset) = Self::offset(this, vm)? {
            time.offset(&offset, ":");
        }
        Ok(join(&date, separator, &time))
    }
}

#[pymethods]
impl DateTime {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if let Some(moment) = Self::of_state(vm, cls, args)? {
            return Ok(moment);
        }
        let bound = PARAMETERS.bind(vm, args, names)?;
        let moment = Moment {
            year: bound.int(vm, 0)?,
            month: bound.int(vm, 1)?,
            day: bound.int(vm, 2)?,
            hour: bound.int(vm, 3)?,
            minute: bound.int(vm, 4)?,
            second: bound.int(vm, 5)?,
            microsecond: bound.int(vm, 6)?,
        };
        let fold = bound.int(vm, 8)?;
        bound.finish(vm)?;
        check_moment(vm, &moment, fold)?;
        let zone = zone_argument(vm, bound.get(7))?;
        Ok(Object::with_type(cls, Self::payload_of(&moment, zone, fold as u8)).into_value())
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
        self.zone()
    }

    #[getter("fold")]
    fn fold_attribute(&self) -> i32 {
        i32::from(self.fold())
    }

    #[slot(repr)]
    fn repr(this: &Object<DateTime>, vm: &Vm) -> PyResult<Ref<Str>> {
        let Moment { year, month, day, hour, minute, second, microsecond } = this.moment();
        let numbers = [year, month, day, hour, minute, second, microsecond];
        let shown = if microsecond != 0 {
            7
        } else if second != 0 {
            6
        } else {
            5
        };
        let mut text = Digits::new();
        for number in &numbers[..shown] {
            text.extend(", ");
            text.number(*number, 1);
        }
        let mut out = StrBuilder::new();
        out.push_str(&this.type_of().full_name());
        out.push_str("(");
        out.push_characters(Characters::One(&text.as_slice()[2..]));
        if this.fold() != 0 {
            out.push_str(", fold=1");
        }
        if let Some(zone) = this.zone() {
            out.push_str(", tzinfo=");
            out.push_object(&*vm.repr(&zone)?);
        }
        out.push_str(")");
        Ok(out.finish())
    }

    #[slot(str)]
    fn str(this: &Object<DateTime>, vm: &Vm) -> PyResult {
        if std::ptr::eq(this.type_of(), Self::static_type()) {
            return Ok(Self::shown(this, vm, u32::from(b' '), Precision::Auto)?.into_value());
        }
        vm.call_method(&this.as_value(), &names::isoformat, &[vm.new_str(" ")])
    }

    #[slot(hash)]
    fn hash(this: &Object<DateTime>, vm: &Vm) -> PyResult<i64> {
        let known = this.date.hash.get();
        if known != -1 { Ok(known) } else { Self::compute_hash(this, vm) }
    }

    #[slot(compare)]
    fn compare(this: &Object<DateTime>, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<DateTime>() else { return Ok(not_implemented()) };
        if this.same_zone(other) {
            return Ok(boolean(comparison.holds(this.order(other))));
        }
        Self::compare_zones(this, vm, other, comparison)
    }

    #[slot(add)]
    fn add(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        for (moment, delta) in [(left, right), (right, left)] {
            if let (Some(moment), Some(delta)) =
                (moment.downcast::<DateTime>(), delta.downcast::<TimeDelta>())
            {
                return Self::moved(vm, moment, delta, false);
            }
        }
        Ok(not_implemented())
    }

    #[slot(subtract)]
    pub(super) fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(left) = left.downcast::<DateTime>() else { return Ok(not_implemented()) };
        let Some(right) = right.downcast::<DateTime>() else {
            return match right.downcast::<TimeDelta>() {
                Some(delta) => Self::moved(vm, left, delta, true),
                None => Ok(not_implemented()),
            };
        };
        let difference = Self::difference(vm, left, right)?;
        if left.same_zone(right) {
            return Ok(difference);
        }
        let between = match (Self::offset(left, vm)?, Self::offset(right, vm)?) {
            (None, None) => return Ok(difference),
            (Some(left), Some(right)) => left.minus(vm, &right)?,
            _ => return Err(vm.type_error("can't subtract offset-naive and offset-aware datetimes")),
        };
        match (difference.downcast::<TimeDelta>(), between.downcast::<TimeDelta>()) {
            (Some(difference), Some(between)) => difference.minus(vm, between),
            _ => Ok(difference),
        }
    }
}

/// The attributes of `datetime`.
pub(super) fn set_attributes(vm: &Vm) {
    static BOUNDS: OnceLock<[Value; 3]> = OnceLock::new();
    let [least, most, resolution] = BOUNDS.get_or_init(|| {
        let least = Moment { year: 1, month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 };
        let most =
            Moment { year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999 };
        [
            immortal(Object::new(DateTime::payload_of(&least, None, 0))),
            immortal(Object::new(DateTime::payload_of(&most, None, 0))),
            TimeDelta::constant(0, 0, 1),
        ]
    });
    for (name, value) in [("min", least), ("max", most), ("resolution", resolution)] {
        DateTime::static_type().dict().set_str(&vm.intern(name), value.clone());
    }
}

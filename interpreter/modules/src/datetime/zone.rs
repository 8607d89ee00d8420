//! `tzinfo`, the base of classes that tell the offset from UTC, and `timezone`, a fixed offset.

use std::sync::OnceLock;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::none::{is_none, none, not_implemented};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::arguments::Parameters;
use super::delta::{TimeDelta, immortal};
use super::moment::DateTime;
use super::text::Digits;

/// Abstract base class for time zone info objects.
#[pyclass(name = "tzinfo", module = "datetime", subclassable, static_type)]
#[repr(C)]
pub struct TzInfo {}

/// An optional argument that is a zone or `None`.
///
/// # Errors
/// `TypeError` for anything else.
pub fn zone_argument<'a>(vm: &Vm, argument: Option<&'a Value>) -> PyResult<Option<&'a Value>> {
    let Some(zone) = argument.filter(|zone| !is_none(zone)) else { return Ok(None) };
    if zone.downcast::<TzInfo>().is_none() {
        return Err(vm.type_error(format!(
            "tzinfo argument must be None or of a tzinfo subclass, not type '{}'",
            zone.type_of().full_name()
        )));
    }
    Ok(Some(zone))
}

fn out_of_range(vm: &Vm, offset: &Value) -> Exception {
    match vm.repr(offset) {
        Ok(shown) => vm.value_error(format!(
            "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {}",
            shown.to_string_lossy()
        )),
        Err(error) => error,
    }
}

/// The offset from UTC that a zone tells for an argument.
///
/// # Errors
/// What the zone's method raises, `TypeError` and `ValueError` where it answers no offset.
pub fn utc_offset(vm: &Vm, zone: Option<&Value>, argument: &Value) -> PyResult<Option<Ref<TimeDelta>>> {
    match zone {
        None => Ok(None),
        Some(zone) => match zone.downcast_exact::<TimeZone>() {
            Some(fixed) => Ok(Some(fixed.offset.clone())),
            None => offset_by_method(vm, zone, &names::utcoffset, argument),
        },
    }
}

/// The daylight saving part of the offset that a zone tells for an argument.
///
/// # Errors
/// As for [`utc_offset`].
pub fn dst(vm: &Vm, zone: Option<&Value>, argument: &Value) -> PyResult<Option<Ref<TimeDelta>>> {
    match zone {
        None => Ok(None),
        Some(zone) => offset_by_method(vm, zone, &names::dst, argument),
    }
}

fn offset_by_method(
    vm: &Vm,
    zone: &Value,
    name: &Object<Str>,
    argument: &Value,
) -> PyResult<Option<Ref<TimeDelta>>> {
    let answer = vm.call_method(zone, name, std::slice::from_ref(argument))?;
    if is_none(&answer) {
        return Ok(None);
    }
    match answer.downcast_into::<TimeDelta>() {
        Ok(offset) if offset.is_offset() => Ok(Some(offset)),
        Ok(offset) => Err(out_of_range(vm, offset.value())),
        Err(other) => Err(vm.type_error(format!(
            "tzinfo.{}() must return None or timedelta, not '{}'",
            name.to_string_lossy(),
            other.type_of().full_name()
        ))),
    }
}

/// The name that a zone tells for an argument; `None` as Python's.
///
/// # Errors
/// What the zone's method raises, `TypeError` where it answers no text.
pub fn name(vm: &Vm, zone: Option<&Value>, argument: &Value) -> PyResult {
    let Some(zone) = zone else { return Ok(none()) };
    let answer = vm.call_method(zone, &names::tzname, std::slice::from_ref(argument))?;
    if !is_none(&answer) && answer.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "tzinfo.tzname() must return None or a string, not '{}'",
            answer.type_of().full_name()
        )));
    }
    Ok(answer)
}

/// The argument of `fromutc`: a `datetime` in the zone.
///
/// # Errors
/// `TypeError` for no `datetime`, `ValueError` for one in another zone.
pub fn moment_in_zone<'a>(vm: &Vm, zone: &Value, argument: &'a Value) -> PyResult<&'a Object<DateTime>> {
    let Some(moment) = argument.downcast::<DateTime>() else {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    };
    if !moment.zone().is_some_and(|own| own.is(zone)) {
        return Err(vm.value_error("fromutc: dt.tzinfo is not self"));
    }
    Ok(moment)
}

fn must_implement(vm: &Vm, method: &str) -> Exception {
    vm.not_implemented_error(format!("a tzinfo subclass must implement {method}()"))
}

#[pymethods]
impl TzInfo {
    #[slot(new)]
    fn new(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, TzInfo {}).into_value())
    }

    /// datetime -> string name of time zone.
    #[method("tzname(self, object, /)")]
    fn tzname(vm: &Vm, _object: &Value) -> PyResult {
        Err(must_implement(vm, "tzname"))
    }

    /// datetime -> timedelta showing offset from UTC, negative values indicating West of UTC
    #[method("utcoffset(self, object, /)")]
    fn utcoffset(vm: &Vm, _object: &Value) -> PyResult {
        Err(must_implement(vm, "utcoffset"))
    }

    /// datetime -> DST offset as timedelta positive east of UTC.
    #[method("dst(self, object, /)")]
    fn dst(vm: &Vm, _object: &Value) -> PyResult {
        Err(must_implement(vm, "dst"))
    }

    /// datetime in UTC -> datetime in local time.
    #[method("fromutc(self, object, /)")]
    fn fromutc(this: &Value, vm: &Vm, object: &Value) -> PyResult {
        let moment = moment_in_zone(vm, this, object)?;
        let Some(offset) = utc_offset(vm, Some(this), object)? else {
            return Err(vm.value_error("fromutc: non-None utcoffset() result required"));
        };
        let Some(saved) = dst(vm, Some(this), object)? else {
            return Err(vm.value_error("fromutc: non-None dst() result required"));
        };
        let standard = offset.minus(vm, &saved)?;
        let Some(standard) = standard.downcast::<TimeDelta>() else { return Ok(not_implemented()) };
        let local = DateTime::moved(vm, moment, standard, false)?;
        let Some(in_standard) = local.downcast::<DateTime>() else { return Ok(local) };
        match dst(vm, in_standard.zone().as_ref(), &local)? {
            None => {
                Err(vm.value_error("fromutc: tz.dst() gave inconsistent results; cannot convert"))
            }
            Some(saved) if saved.is_zero() => Ok(local),
            Some(saved) => DateTime::moved(vm, in_standard, &saved, false),
        }
    }

    /// -> (cls, state)
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Value, vm: &Vm) -> PyResult<Ref<Tuple>> {
        let args = match vm.get_attribute_optional(this, &names::__getinitargs__)? {
            Some(method) => vm.call(&method, &[])?,
            None => Tuple::empty().into_value(),
        };
        let state = vm.call_method(this, &names::__getstate__, &[])?;
        Ok(Tuple::from_values([this.type_of().to_value(), args, state]))
    }
}

/// Fixed offset from UTC implementation of tzinfo.
#[pyclass(name = "timezone", module = "datetime", extends = TzInfo, static_type)]
#[repr(C)]
pub struct TimeZone {
    base: TzInfo,
    offset: Ref<TimeDelta>,
    name: Option<Ref<Str>>,
}

static PARAMETERS: Parameters<2> =
    Parameters { function: "timezone()", names: ["offset", "name"], required: 1, positional: 2 };

impl TimeZone {
    /// UTC, of which there is only one object without a name.
    pub fn utc() -> Value {
        static UTC: OnceLock<Value> = OnceLock::new();
        UTC.get_or_init(|| match TimeDelta::zero().downcast_into::<TimeDelta>() {
            Ok(offset) => immortal(Self::plain(offset, None)),
            Err(_) => none(),
        })
        .clone()
    }

    fn plain(offset: Ref<TimeDelta>, name: Option<Ref<Str>>) -> Ref<TimeZone> {
        Object::new(TimeZone { base: TzInfo {}, offset, name })
    }

    /// A zone that is never freed, for the attributes of the class.
    pub(super) fn constant(days: i32, seconds: i32) -> Value {
        match TimeDelta::constant(days, seconds, 0).downcast_into::<TimeDelta>() {
            Ok(offset) => immortal(Self::plain(offset, None)),
            Err(_) => none(),
        }
    }

    /// The zone of an offset, with the name that it shows.
    ///
    /// # Errors
    /// `ValueError` where the offset is a day or more.
    pub fn of_offset(vm: &Vm, offset: Ref<TimeDelta>, name: Option<Ref<Str>>) -> PyResult {
        if name.is_none() && offset.is_zero() {
            return Ok(Self::utc());
        }
        if !offset.is_offset() {
            return Err(out_of_range(vm, offset.value()));
        }
        Ok(Self::plain(offset, name).into_value())
    }

    /// The zone of an offset in microseconds.
    ///
    /// # Errors
    /// `ValueError` where the offset is a day or more.
    pub fn of_microseconds(vm: &Vm, microseconds: i64) -> PyResult {
        if microseconds == 0 {
            return Ok(Self::utc());
        }
        match TimeDelta::of_seconds(vm, 0, microseconds)?.downcast_into() {
            Ok(offset) => Self::of_offset(vm, offset, None),
            Err(other) => Ok(other),
        }
    }

    fn shown_name(&self) -> Ref<Str> {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let mut text = Digits::new();
        text.extend("UTC");
        if !self.offset.is_zero() {
            text.offset(&self.offset, ":");
        }
        text.finish()
    }
}

/// Checks the argument of a `timezone`'s method, which it does not use.
fn check_argument(vm: &Vm, method: &str, argument: &Value) -> PyResult<()> {
    if is_none(argument) || argument.downcast::<DateTime>().is_some() {
        return Ok(());
    }
    Err(vm.type_error(format!(
        "{method}(dt) argument must be a datetime instance or None, not {}",
        argument.type_of().full_name()
    )))
}

#[pymethods]
impl TimeZone {
    #[slot(new)]
    fn new(vm: &Vm, _: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = PARAMETERS.bind(vm, args, names)?;
        let offset = bound.object::<TimeDelta>(vm, 0)?;
        let name = match bound.get(1) {
            None => None,
            Some(_) => Some(bound.object::<Str>(vm, 1)?.to_ref()),
        };
        bound.finish(vm)?;
        Self::of_offset(vm, offset.to_ref(), name)
    }

    #[slot(repr)]
    fn repr(this: &Object<TimeZone>, vm: &Vm) -> PyResult {
        if this.is(&Self::utc()) {
            return Ok(vm.new_str("datetime.timezone.utc"));
        }
        let mut out = rspy_runtime::types::string::build::StrBuilder::new();
        out.push_str(&this.type_of().full_name());
        out.push_str("(");
        out.push_object(&*vm.repr(this.offset.value())?);
        if let Some(name) = &this.name {
            out.push_str(", ");
            out.push_object(&*vm.repr(name.value())?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(str)]
    fn str(&self) -> Ref<Str> {
        self.shown_name()
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        vm.hash(self.offset.value())
    }

    #[slot(compare)]
    fn compare(&self, other: &Value, comparison: Comparison) -> Value {
        let equal = match other.downcast::<TimeZone>() {
            Some(other) => self.offset.parts() == other.offset.parts(),
            None => return not_implemented(),
        };
        match comparison {
            Comparison::Equal => boolean(equal),
            Comparison::NotEqual => boolean(!equal),
            _ => not_implemented(),
        }
    }

    /// If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'.
    #[method("tzname(self, object, /)")]
    fn tzname(&self, vm: &Vm, object: &Value) -> PyResult<Ref<Str>> {
        check_argument(vm, "tzname", object)?;
        Ok(self.shown_name())
    }

    /// Return fixed offset.
    #[method("utcoffset(self, object, /)")]
    fn utcoffset(&self, vm: &Vm, object: &Value) -> PyResult<Ref<TimeDelta>> {
        check_argument(vm, "utcoffset", object)?;
        Ok(self.offset.clone())
    }

    /// Return None.
    #[method("dst(self, object, /)")]
    fn dst(&self, vm: &Vm, object: &Value) -> PyResult {
        check_argument(vm, "dst", object)?;
        Ok(none())
    }

    /// datetime in UTC -> datetime in local time.
    #[method("fromutc(self, object, /)")]
    fn fromutc(this: &Object<TimeZone>, vm: &Vm, object: &Value) -> PyResult {
        let moment = moment_in_zone(vm, &this.as_value(), object)?;
        DateTime::moved(vm, moment, &this.offset, false)
    }

    /// pickle support
    #[method("__getinitargs__(self, /)")]
    fn getinitargs(&self) -> Ref<Tuple> {
        let offset = self.offset.value().clone();
        match &self.name {
            None => Tuple::from_values([offset]),
            Some(name) => Tuple::from_values([offset, name.value().clone()]),
        }
    }
}

/// The attributes of `timezone`.
pub(super) fn set_attributes(vm: &Vm) {
    let dict = TimeZone::static_type().dict();
    static BOUNDS: OnceLock<[Value; 2]> = OnceLock::new();
    let [least, most] =
        BOUNDS.get_or_init(|| [TimeZone::constant(-1, 60), TimeZone::constant(0, 86_340)]).clone();
    for (name, value) in [("utc", TimeZone::utc()), ("min", least), ("max", most)] {
        dict.set_str(&vm.intern(name), value);
    }
}

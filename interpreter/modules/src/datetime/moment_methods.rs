//! The methods of `datetime`: ways to make one, conversions, formats.

use rspy_macros::pymethods;
use rspy_runtime::exceptions::{PyResult, deprecation_warning};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::float;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings;

use super::arguments::{Parameters, c_int, check_moment};
use super::calendar::Moment;
use super::date::{self, Date, exactly, replace_by, replaced};
use super::delta::TimeDelta;
use super::local::{self, EPOCH};
use super::moment::DateTime;
use super::packed::PackedDay;
use super::text::{Precision, invalid, read, read_moment, roll_over, text_argument};
use super::time::Time;
use super::zone::{self, TimeZone, zone_argument};

impl DateTime {
    /// The moment of a timestamp in a zone, or in local time.
    fn of_timestamp(
        vm: &Vm,
        class: &TypeObject,
        (seconds, microsecond): (i64, i32),
        zone: Option<&Value>,
    ) -> PyResult {
        let Some(zone) = zone else {
            let (moment, fold) = local::local_moment(vm, seconds, microsecond)?;
            if std::ptr::eq(class, Self::static_type()) {
                return Ok(Self::plain(&moment, None, fold));
            }
            return Self::of_class(vm, class, &moment, None, i32::from(fold));
        };
        let moment = local::universal_moment(vm, seconds, microsecond)?;
        let universal = Self::of_class(vm, class, &moment, Some(zone), 0)?;
        vm.call_method(zone, &names::fromutc, &[universal])
    }

    /// Seconds since 1970 of a moment in UTC.
    fn universal_seconds(moment: &Moment) -> i64 {
        moment.seconds() - EPOCH
    }

    /// The local zone at a moment without a zone.
    fn local_zone(this: &Object<DateTime>, vm: &Vm) -> PyResult {
        let (moment, fold) = (this.moment(), this.fold() != 0);
        let own = local::timestamp(vm, &moment, fold)?;
        let other = local::timestamp(vm, &moment, !fold)?;
        // In a gap the moment is told in the zone before it, with fold in the one after it.
        local::zone_at(vm, if other != own && (other > own) == fold { other } else { own })
    }

    /// The moment in UTC less its offset, still in a zone that is to be replaced.
    fn to_universal(this: &Object<DateTime>, vm: &Vm, offset: &TimeDelta) -> PyResult {
        let moved = Self::moved(vm, this, offset, true)?;
        let Some(moment) = moved.downcast::<DateTime>() else { return Ok(moved) };
        let utc = TimeZone::utc();
        if moment.zone().is_some() {
            moment.set_zone(Some(utc));
            return Ok(moved);
        }
        Self::of_class(vm, moment.type_of(), &moment.moment(), Some(&utc), i32::from(moment.fold()))
    }
}

fn warn_of_naive_utc(vm: &Vm, function: &str, instead: &str) -> PyResult<()> {
    let message = format!(
        "datetime.datetime.{function}() is deprecated and scheduled for removal in a future version. Use \
         timezone-aware objects to represent datetimes in UTC: datetime.datetime.{instead}."
    );
    warnings::warn(vm, deprecation_warning(), &message, 1)
}

/// The character that stands between date and time.
fn separator_argument(vm: &Vm, argument: Option<&Value>) -> PyResult<u32> {
    let Some(argument) = argument else { return Ok(u32::from(b'T')) };
    let wrong = |got: String| {
        vm.type_error(format!("isoformat() argument 1 must be a unicode character, not {got}"))
    };
    match argument.downcast::<Str>() {
        Some(text) if text.length() == 1 => Ok(text.char_at(0)),
        Some(text) => Err(wrong(format!("a string of length {}", text.length()))),
        None if is_none(argument) => Err(wrong("None".to_owned())),
        None => Err(wrong(argument.type_of().full_name())),
    }
}

#[pymethods(MORE_METHODS)]
impl DateTime {
    /// Returns new datetime object representing current time local to tz.
    ///
    ///   tz
    ///     Timezone object.
    ///
    /// If no tz is specified, uses local timezone.
    #[classmethod("now(type, /, tz=None)")]
    fn now(vm: &Vm, cls: &TypeObject, tz: Option<&Value>) -> PyResult {
        let zone = zone_argument(vm, tz)?;
        Self::of_timestamp(vm, cls, local::now(vm)?, zone)
    }

    /// Return a new datetime representing UTC day and time.
    #[classmethod("utcnow(type, /)")]
    fn utcnow(vm: &Vm, cls: &TypeObject) -> PyResult {
        warn_of_naive_utc(vm, "utcnow", "now(datetime.UTC)")?;
        let (seconds, microsecond) = local::now(vm)?;
        let moment = local::universal_moment(vm, seconds, microsecond)?;
        Self::of_class(vm, cls, &moment, None, 0)
    }

    /// timestamp[, tz] -> tz's local time from POSIX timestamp.
    #[classmethod("fromtimestamp")]
    fn fromtimestamp(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<2> = Parameters {
            function: "fromtimestamp()",
            names: ["timestamp", "tz"],
            required: 1,
            positional: 2,
        };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let timestamp = bound.require(vm, 0)?;
        bound.finish(vm)?;
        let zone = zone_argument(vm, bound.get(1))?;
        Self::of_timestamp(vm, cls, local::timestamp_argument(vm, timestamp)?, zone)
    }

    /// Construct a naive UTC datetime from a POSIX timestamp.
    #[classmethod("utcfromtimestamp")]
    fn utcfromtimestamp(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        warn_of_naive_utc(vm, "utcfromtimestamp", "fromtimestamp(timestamp, datetime.UTC)")?;
        let timestamp = &exactly(vm, "utcfromtimestamp", args, names, 1)?[0];
        let (seconds, microsecond) = local::timestamp_argument(vm, timestamp)?;
        let moment = local::universal_moment(vm, seconds, microsecond)?;
        Self::of_class(vm, cls, &moment, None, 0)
    }

    /// string, format -> new datetime parsed from a string (like time.strptime()).
    #[classmethod("strptime")]
    fn strptime(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        date::strptime(vm, "_strptime_datetime_datetime", cls, args, names)
    }

    /// date, time -> datetime with same date and time fields
    #[classmethod("combine")]
    fn combine(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<3> = Parameters {
            function: "combine()",
            names: ["date", "time", "tzinfo"],
            required: 2,
            positional: 3,
        };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let (date, time) = (bound.object::<Date>(vm, 0)?, bound.object::<Time>(vm, 1)?);
        bound.finish(vm)?;
        let zone = match bound.get(2) {
            None => time.zone(),
            Some(zone) => zone_argument(vm, Some(zone))?,
        };
        let (year, month, day) = date.parts();
        let [hour, minute, second, microsecond] = time.parts();
        let moment = Moment { year, month, day, hour, minute, second, microsecond };
        Self::of_class(vm, cls, &moment, zone, i32::from(time.fold()))
    }

    /// string -> datetime from a string in most ISO 8601 formats
    #[classmethod("fromisoformat(type, object, /)")]
    fn fromisoformat(vm: &Vm, cls: &TypeObject, object: &Value) -> PyResult {
        let text = text_argument(vm, object)?;
        let Some((mut date, mut time)) = read(text, read_moment, read_moment) else {
            return Err(invalid(vm, text));
        };
        let zone = time.offset.map(|offset| TimeZone::of_microseconds(vm, offset)).transpose()?;
        roll_over(vm, &mut date, &mut time)?;
        let moment = Moment {
            year: date.0,
            month: date.1,
            day: date.2,
            hour: time.hour,
            minute: time.minute,
            second: time.second,
            microsecond: time.microsecond,
        };
        Self::of_class(vm, cls, &moment, zone.as_ref(), 0)
    }

    /// Return date object with same year, month and day.
    #[method("date(self, /)")]
    fn date_method(&self) -> Value {
        let (year, month, day) = self.date().parts();
        Date::plain(year, month, day)
    }

    /// Return self object with same time and tzinfo=None.
    #[method("time(self, /)")]
    fn time(&self) -> Value {
        Time::of_moment(&self.moment(), None, self.fold())
    }

    /// Return time object with same time and tzinfo.
    #[method("timetz(self, /)")]
    fn timetz(&self) -> Value {
        Time::of_moment(&self.moment(), self.zone().as_ref(), self.fold())
    }

    /// Return ctime() style string.
    #[method("ctime(self, /)")]
    fn ctime(&self) -> String {
        let moment = self.moment();
        self.date().shown_by_ctime(moment.hour, moment.minute, moment.second)
    }

    /// Return time tuple, compatible with time.localtime().
    #[method("timetuple(self, /)")]
    fn timetuple(this: &Object<DateTime>, vm: &Vm) -> PyResult {
        let moment = this.moment();
        let saved = zone::dst(vm, this.zone().as_ref(), &this.as_value())?;
        let summer = saved.map_or(-1, |saved| i32::from(!saved.is_zero()));
        Ok(this.date().struct_time(moment.hour, moment.minute, moment.second, summer))
    }

    /// Return POSIX timestamp as float.
    #[method("timestamp(self, /)")]
    fn timestamp(this: &Object<DateTime>, vm: &Vm) -> PyResult {
        let moment = this.moment();
        if this.zone().is_some() {
            let epoch =
                Moment { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, microsecond: 0 };
            let epoch = DateTime::plain(&epoch, Some(&TimeZone::utc()), 0);
            let since = DateTime::subtract(vm, &this.as_value(), &epoch)?;
            return match since.downcast::<TimeDelta>() {
                Some(since) => since.total_seconds(vm),
                None => Ok(since),
            };
        }
        let seconds = local::timestamp(vm, &moment, this.fold() != 0)?;
        Ok(float::new(seconds as f64 + f64::from(moment.microsecond) / 1e6))
    }

    /// Return UTC time tuple, compatible with time.localtime().
    #[method("utctimetuple(self, /)")]
    fn utctimetuple(this: &Object<DateTime>, vm: &Vm) -> PyResult {
        let mut moment = this.moment();
        if let Some(offset) = Self::offset(this, vm)? {
            let (days, seconds, microseconds) = offset.parts();
            moment = moment
                .shifted(-days, -seconds, -microseconds)
                .ok_or_else(|| vm.overflow_error("date value out of range"))?;
        }
        let date = Date::payload_of(PackedDay::new(moment.year, moment.month, moment.day), 0);
        Ok(date.struct_time(moment.hour, moment.minute, moment.second, 0))
    }

    /// [sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].
    /// sep is used to separate the year from the time, and defaults to 'T'.
    /// The optional argument timespec specifies the number of additional terms
    /// of the time to include. Valid options are 'auto', 'hours', 'minutes',
    /// 'seconds', 'milliseconds' and 'microseconds'.
    #[method("isoformat")]
    fn isoformat(this: &Object<DateTime>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Str>> {
        static PARAMETERS: Parameters<2> =
            Parameters { function: "isoformat()", names: ["sep", "timespec"], required: 0, positional: 2 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let separator = separator_argument(vm, bound.get(0))?;
        let precision = match bound.get(1) {
            None => Precision::Auto,
            Some(_) => Precision::of_name(vm, bound.object::<Str>(vm, 1)?)?,
        };
        bound.finish(vm)?;
        Self::shown(this, vm, separator, precision)
    }

    /// Return self.tzinfo.utcoffset(self).
    #[method("utcoffset(self, /)")]
    fn utcoffset(this: &Object<DateTime>, vm: &Vm) -> PyResult<Option<Ref<TimeDelta>>> {
        Self::offset(this, vm)
    }

    /// Return self.tzinfo.tzname(self).
    #[method("tzname(self, /)")]
    fn tzname(this: &Object<DateTime>, vm: &Vm) -> PyResult {
        zone::name(vm, this.zone().as_ref(), &this.as_value())
    }

    /// Return self.tzinfo.dst(self).
    #[method("dst(self, /)")]
    fn dst(this: &Object<DateTime>, vm: &Vm) -> PyResult<Option<Ref<TimeDelta>>> {
        zone::dst(vm, this.zone().as_ref(), &this.as_value())
    }

    /// Return datetime with new specified fields.
    #[method(
        "replace(self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)"
    )]
    fn replace(
        this: &Object<DateTime>,
        vm: &Vm,
        year: Option<&Value>,
        month: Option<&Value>,
        day: Option<&Value>,
        hour: Option<&Value>,
        minute: Option<&Value>,
        second: Option<&Value>,
        microsecond: Option<&Value>,
        tzinfo: Option<&Value>,
        fold: Option<&Value>,
    ) -> PyResult {
        let own = this.moment();
        let moment = Moment {
            year: replaced(vm, year, own.year)?,
            month: replaced(vm, month, own.month)?,
            day: replaced(vm, day, own.day)?,
            hour: replaced(vm, hour, own.hour)?,
            minute: replaced(vm, minute, own.minute)?,
            second: replaced(vm, second, own.second)?,
            microsecond: replaced(vm, microsecond, own.microsecond)?,
        };
        let fold = replaced(vm, fold, i32::from(this.fold()))?;
        if !std::ptr::eq(this.type_of(), Self::static_type()) {
            let zone = tzinfo.cloned().or_else(|| this.zone());
            return Self::of_class(vm, this.type_of(), &moment, zone.as_ref(), fold);
        }
        check_moment(vm, &moment, fold)?;
        let zone = match tzinfo {
            None => this.zone(),
            Some(zone) => zone_argument(vm, Some(zone))?.cloned(),
        };
        Ok(Self::plain(&moment, zone.as_ref(), fold as u8))
    }

    /// The same as replace().
    #[method("__replace__(self, /, **changes)")]
    fn replace_special(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        replace_by(vm, Self::MORE_METHODS, this, args, names)
    }

    /// tz -> convert to local time in new timezone tz
    #[method("astimezone")]
    fn astimezone(this: &Object<DateTime>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<1> =
            Parameters { function: "astimezone()", names: ["tz"], required: 0, positional: 1 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        bound.finish(vm)?;
        let wanted = zone_argument(vm, bound.get(0))?;
        let mut own = match this.zone() {
            Some(own) => own,
            None => Self::local_zone(this, vm)?,
        };
        // Nothing to do for the zone that the moment is in already.
        if wanted.is_some_and(|wanted| wanted.is(&own)) {
            return Ok(this.to_value());
        }
        let offset = match zone::utc_offset(vm, Some(&own), &this.as_value())? {
            Some(offset) => Some(offset),
            None => {
                own = Self::local_zone(this, vm)?;
                if wanted.is_some_and(|wanted| wanted.is(&own)) {
                    return Ok(this.to_value());
                }
                zone::utc_offset(vm, Some(&own), &this.as_value())?
            }
        };
        let Some(offset) = offset else { return Ok(this.to_value()) };
        let universal = Self::to_universal(this, vm, &offset)?;
        let Some(moment) = universal.downcast::<DateTime>() else { return Ok(universal) };
        let wanted = match wanted {
            Some(wanted) => wanted.clone(),
            None => local::zone_at(vm, Self::universal_seconds(&moment.moment()))?,
        };
        moment.set_zone(Some(wanted.clone()));
        vm.call_method(&wanted, &names::fromutc, std::slice::from_ref(&universal))
    }

    /// __reduce_ex__(proto) -> (cls, state)
    #[method("__reduce_ex__")]
    fn reduce_ex(
        this: &Object<DateTime>,
        vm: &Vm,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult<Ref<Tuple>> {
        let protocol = c_int(vm, &exactly(vm, "__reduce_ex__", args, names, 1)?[0])?;
        Ok(Self::reduced(this, protocol))
    }

    /// __reduce__() -> (cls, state)
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<DateTime>) -> Ref<Tuple> {
        Self::reduced(this, 2)
    }
}

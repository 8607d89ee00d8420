//! `timedelta`: a duration as days, seconds and microseconds.

use std::sync::OnceLock;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::Comparison;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::none::not_implemented;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::{Tuple, combine_hashes};
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::calendar::{DAY, MILLION, carry};
use super::text::Digits;

const SECOND: i64 = MILLION as i64;
const MAX_DAYS: i64 = 999_999_999;
/// `BINARY_OP`'s number of true division.
const TRUE_DIVIDE: u32 = 11;
/// `BINARY_OP`'s number of floor division.
const FLOOR_DIVIDE: u32 = 2;

/// Difference between two datetime values.
///
/// timedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)
///
/// All arguments are optional and default to 0.
/// Arguments may be integers or floats, and may be positive or negative.
#[pyclass(name = "timedelta", module = "datetime", subclassable, static_type)]
pub struct TimeDelta {
    days: i32,
    /// From 0 to one below those of a day.
    seconds: i32,
    /// From 0 to one below a million.
    microseconds: i32,
}

impl TimeDelta {
    /// The duration of no time, of which there is only one object.
    #[inline]
    pub fn zero() -> Value {
        static ZERO: OnceLock<Value> = OnceLock::new();
        ZERO.get_or_init(|| immortal(Object::new(TimeDelta { days: 0, seconds: 0, microseconds: 0 }))).clone()
    }

    /// An object that is never freed, for the attributes of the classes.
    pub(super) fn constant(days: i32, seconds: i32, microseconds: i32) -> Value {
        immortal(Object::new(TimeDelta { days, seconds, microseconds }))
    }

    /// A duration of days, seconds and microseconds, which may be a day and a second too large, or that much below zero.
    ///
    /// # Errors
    /// `OverflowError` where there are too many days.
    #[inline]
    pub fn normalized(vm: &Vm, days: i32, seconds: i32, microseconds: i32) -> PyResult {
        let (microseconds, carried) = carry(microseconds, MILLION);
        let (seconds, carried) = carry(seconds + carried, DAY as i32);
        Self::make(vm, Self::static_type(), i64::from(days) + i64::from(carried), seconds, microseconds)
    }

    /// A duration of seconds and microseconds in any range.
    ///
    /// # Errors
    /// `OverflowError` where there are too many days.
    pub fn of_seconds(vm: &Vm, seconds: i64, microseconds: i64) -> PyResult {
        let total = i128::from(seconds) * i128::from(SECOND) + i128::from(microseconds);
        Self::of_microseconds(vm, Self::static_type(), total)
    }

    #[inline]
    fn make(vm: &Vm, class: &TypeObject, days: i64, seconds: i32, microseconds: i32) -> PyResult {
        if !(-MAX_DAYS..=MAX_DAYS).contains(&days) {
            return Err(too_many_days(vm, days));
        }
        if days == 0 && seconds == 0 && microseconds == 0 && std::ptr::eq(class, Self::static_type()) {
            return Ok(Self::zero());
        }
        let delta = TimeDelta { days: days as i32, seconds, microseconds };
        Ok(Object::with_type(class, delta).into_value())
    }

    /// The duration of so many microseconds.
    fn of_microseconds(vm: &Vm, class: &TypeObject, total: i128) -> PyResult {
        if let Ok(total) = i64::try_from(total) {
            let (seconds, microseconds) = (total.div_euclid(SECOND), total.rem_euclid(SECOND));
            let (days, seconds) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
            return Self::make(vm, class, days, seconds as i32, microseconds as i32);
        }
        let (seconds, microseconds) = (total.div_euclid(SECOND.into()), total.rem_euclid(SECOND.into()));
        let (days, seconds) = (seconds.div_euclid(DAY.into()), seconds.rem_euclid(DAY.into()));
        let days = i64::try_from(days).map_err(|_| too_large(vm))?;
        Self::make(vm, class, days, seconds as i32, microseconds as i32)
    }

    fn of_big(vm: &Vm, class: &TypeObject, total: &BigInt) -> PyResult {
        Self::of_microseconds(vm, class, total.to_i128().ok_or_else(|| too_large(vm))?)
    }

    /// All of it in microseconds.
    pub fn total(&self) -> i128 {
        i128::from(self.whole_seconds()) * i128::from(SECOND) + i128::from(self.microseconds)
    }

    /// The whole seconds in it.
    pub fn whole_seconds(&self) -> i64 {
        i64::from(self.days) * DAY + i64::from(self.seconds)
    }

    /// Days, seconds and microseconds.
    pub fn parts(&self) -> (i32, i32, i32) {
        (self.days, self.seconds, self.microseconds)
    }

    /// Numbers that order durations.
    #[inline(always)]
    fn key(&self) -> (i32, u64) {
        (self.days, (self.seconds as u64) << 32 | self.microseconds as u64)
    }

    /// Whether it is no time at all.
    pub fn is_zero(&self) -> bool {
        self.parts() == (0, 0, 0)
    }

    /// Whether it is strictly less than a day in either direction.
    pub fn is_offset(&self) -> bool {
        self.days == 0 || self.days == -1 && (self.seconds, self.microseconds) != (0, 0)
    }

    /// `self - other`.
    pub fn minus(&self, vm: &Vm, other: &TimeDelta) -> PyResult {
        Self::normalized(
            vm,
            self.days - other.days,
            self.seconds - other.seconds,
            self.microseconds - other.microseconds,
        )
    }

    fn plus(&self, vm: &Vm, other: &TimeDelta) -> PyResult {
        Self::normalized(
            vm,
            self.days + other.days,
            self.seconds + other.seconds,
            self.microseconds + other.microseconds,
        )
    }

    /// `-self`.
    pub fn negated(&self, vm: &Vm) -> PyResult {
        Self::normalized(vm, -self.days, -self.seconds, -self.microseconds)
    }

    fn scaled(&self, vm: &Vm, factor: &Value) -> PyResult {
        if let Some(total) = int::small_value(factor).and_then(|factor| self.total().checked_mul(factor.into())) {
            return Self::of_microseconds(vm, Self::static_type(), total);
        }
        let factor = int::borrow_big(factor).unwrap_or_default();
        Self::of_big(vm, Self::static_type(), &(BigInt::from(self.total()) * factor.as_ref()))
    }

    /// Times a ratio of whole numbers, rounded to the nearest microsecond, halves to the even one.
    fn scaled_by_ratio(&self, vm: &Vm, numerator: &BigInt, denominator: &BigInt) -> PyResult {
        if denominator.is_zero() {
            return Err(vm.zero_division_error("division by zero"));
        }
        let total = BigInt::from(self.total()) * numerator;
        Self::of_big(vm, Self::static_type(), &divide_nearest(&total, denominator))
    }

    fn multiply_by(&self, vm: &Vm, factor: &Value) -> Option<PyResult> {
        if int::is_int(factor) {
            return Some(self.scaled(vm, factor));
        }
        float::as_f64(factor)?;
        Some(ratio_of(vm, factor).and_then(|(numerator, denominator)| {
            self.scaled_by_ratio(vm, &numerator, &denominator)
        }))
    }
}

/// Makes an object one that is never freed.
pub(super) fn immortal<T>(object: Ref<T>) -> Value {
    object.header().make_immortal();
    object.into_value()
}

#[cold]
fn too_many_days(vm: &Vm, days: i64) -> Exception {
    match i32::try_from(days) {
        Ok(days) => vm.overflow_error(format!("days={days}; must have magnitude <= {MAX_DAYS}")),
        Err(_) => too_large(vm),
    }
}

fn too_large(vm: &Vm) -> Exception {
    vm.overflow_error("Python int too large to convert to C int")
}

/// The nearest whole number to a quotient, the even one of two.
fn divide_nearest(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let (quotient, remainder) = dividend.div_mod_floor(divisor);
    let order = (remainder.abs() * 2u32).cmp(&divisor.abs());
    if order.is_gt() || order.is_eq() && quotient.is_odd() { quotient + 1u32 } else { quotient }
}

/// A float as a ratio of whole numbers.
fn ratio(vm: &Vm, number: f64) -> PyResult<(BigInt, BigInt)> {
    if number.is_infinite() {
        return Err(vm.overflow_error("cannot convert Infinity to integer ratio"));
    }
    if number.is_nan() {
        return Err(vm.value_error("cannot convert NaN to integer ratio"));
    }
    let (mut mantissa, mut exponent) = float::frexp(number);
    while mantissa.fract() != 0.0 {
        mantissa *= 2.0;
        exponent -= 1;
    }
    let numerator = BigInt::from_f64(mantissa).unwrap_or_default();
    Ok(match usize::try_from(exponent) {
        Ok(exponent) => (numerator << exponent, BigInt::from(1)),
        Err(_) => (numerator, BigInt::from(1) << exponent.unsigned_abs() as usize),
    })
}

/// What `as_integer_ratio()` of a float of any class answers.
fn ratio_of(vm: &Vm, number: &Value) -> PyResult<(BigInt, BigInt)> {
    if float::is_exact(number) {
        return ratio(vm, float::as_f64(number).unwrap_or(0.0));
    }
    let answer = vm.call_method_str(number, "as_integer_ratio", &[])?;
    let Some(pair) = answer.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "unexpected return type from as_integer_ratio(): expected tuple, got '{}'",
            answer.type_of().full_name()
        )));
    };
    match pair.items() {
        [numerator, denominator] => Ok((int::to_big(vm, numerator)?, int::to_big(vm, denominator)?)),
        _ => Err(vm.value_error("as_integer_ratio() must return a 2-tuple")),
    }
}

/// The operand as a duration.
fn delta(value: &Value) -> Option<&Object<TimeDelta>> {
    value.downcast::<TimeDelta>()
}

/// A sum of microseconds from components of any size.
#[derive(Default)]
struct Sum {
    small: i128,
    big: BigInt,
    /// Less than a microsecond each.
    fractions: f64,
}

impl Sum {
    fn add_whole(&mut self, number: f64, factor: i64) {
        if number.abs() < 9e18 {
            self.small += i128::from(number as i64) * i128::from(factor);
        } else {
            self.big += BigInt::from_f64(number).unwrap_or_default() * factor;
        }
    }

    /// Adds so many units of `factor` microseconds.
    fn add(&mut self, vm: &Vm, name: &str, number: &Value, factor: i64) -> PyResult<()> {
        if let Some(small) = int::small_value(number) {
            self.small += i128::from(small) * i128::from(factor);
            return Ok(());
        }
        if let Some(big) = int::borrow_big(number) {
            self.big += big.as_ref() * factor;
            return Ok(());
        }
        let Some(number) = float::as_f64(number) else {
            return Err(vm.type_error(format!(
                "unsupported type for timedelta {name} component: {}",
                number.type_of().full_name()
            )));
        };
        if number.is_nan() {
            return Err(vm.value_error("cannot convert float NaN to integer"));
        }
        if number.is_infinite() {
            return Err(vm.overflow_error("cannot convert float infinity to integer"));
        }
        self.add_whole(number.trunc(), factor);
        let rest = number.fract();
        if rest != 0.0 {
            let rest = rest * factor as f64;
            self.add_whole(rest.trunc(), 1);
            self.fractions += rest.fract();
        }
        Ok(())
    }

    /// The sum with the fractions rounded, halves so that the result is even.
    fn finish(mut self, vm: &Vm, class: &TypeObject) -> PyResult {
        if self.fractions != 0.0 {
            let mut rounded = self.fractions.round();
            if (rounded - self.fractions).abs() == 0.5 {
                let odd = (self.small & 1 != 0) != self.big.is_odd();
                let odd = f64::from(u8::from(odd));
                rounded = 2.0 * ((self.fractions + odd) * 0.5).round() - odd;
            }
            self.small += rounded as i128;
        }
        if self.big.is_zero() {
            TimeDelta::of_microseconds(vm, class, self.small)
        } else {
            TimeDelta::of_big(vm, class, &(self.big + self.small))
        }
    }
}

#[pymethods]
impl TimeDelta {
    #[new("__new__(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        days: Option<&Value>,
        seconds: Option<&Value>,
        microseconds: Option<&Value>,
        milliseconds: Option<&Value>,
        minutes: Option<&Value>,
        hours: Option<&Value>,
        weeks: Option<&Value>,
    ) -> PyResult {
        let mut sum = Sum::default();
        for (name, number, factor) in [
            ("microseconds", microseconds, 1),
            ("milliseconds", milliseconds, 1000),
            ("seconds", seconds, SECOND),
            ("minutes", minutes, 60 * SECOND),
            ("hours", hours, 3600 * SECOND),
            ("days", days, DAY * SECOND),
            ("weeks", weeks, 7 * DAY * SECOND),
        ] {
            if let Some(number) = number {
                sum.add(vm, name, number, factor)?;
            }
        }
        sum.finish(vm, cls)
    }

    /// Number of days.
    #[getter("days", member)]
    fn days(&self) -> i32 {
        self.days
    }

    /// Number of seconds (>= 0 and less than 1 day).
    #[getter("seconds", member)]
    fn seconds(&self) -> i32 {
        self.seconds
    }

    /// Number of microseconds (>= 0 and less than 1 second).
    #[getter("microseconds", member)]
    fn microseconds(&self) -> i32 {
        self.microseconds
    }

    #[slot(repr)]
    fn repr(this: &Object<TimeDelta>) -> String {
        let named = [("days", this.days), ("seconds", this.seconds), ("microseconds", this.microseconds)];
        let shown: Vec<String> =
            named.iter().filter(|(_, n)| *n != 0).map(|(name, n)| format!("{name}={n}")).collect();
        let shown = if shown.is_empty() { "0".to_owned() } else { shown.join(", ") };
        format!("{}({shown})", this.type_of().full_name())
    }

    #[slot(str)]
    fn str(&self) -> Ref<Str> {
        let mut out = Digits::new();
        if self.days != 0 {
            if self.days < 0 {
                out.push(b'-');
            }
            out.number(self.days.abs(), 1);
            out.extend(if self.days.abs() == 1 { " day, " } else { " days, " });
        }
        out.number(self.seconds / 3600, 1);
        out.push(b':');
        out.number(self.seconds / 60 % 60, 2);
        out.push(b':');
        out.number(self.seconds % 60, 2);
        if self.microseconds != 0 {
            out.push(b'.');
            out.number(self.microseconds, 6);
        }
        out.finish()
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        let parts = [self.days, self.seconds, self.microseconds];
        combine_hashes(parts.into_iter().map(|part| Ok(if part == -1 { -2 } else { i64::from(part) })))
    }

    #[slot(compare)]
    fn compare(&self, other: &Value, comparison: Comparison) -> Value {
        match delta(other) {
            Some(other) => boolean(comparison.holds(self.key().cmp(&other.key()))),
            None => not_implemented(),
        }
    }

    #[slot(bool)]
    fn bool(&self) -> PyResult<bool> {
        Ok(!self.is_zero())
    }

    #[slot(positive)]
    fn positive(&self, vm: &Vm) -> PyResult {
        Self::make(vm, Self::static_type(), self.days.into(), self.seconds, self.microseconds)
    }

    #[slot(negative)]
    fn negative(&self, vm: &Vm) -> PyResult {
        self.negated(vm)
    }

    #[slot(absolute)]
    fn absolute(&self, vm: &Vm) -> PyResult {
        if self.days < 0 { self.negated(vm) } else { self.positive(vm) }
    }

    #[slot(add)]
    fn add(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        match (delta(left), delta(right)) {
            (Some(left), Some(right)) => left.plus(vm, right),
            _ => Ok(not_implemented()),
        }
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        match (delta(left), delta(right)) {
            (Some(left), Some(right)) => left.minus(vm, right),
            _ => Ok(not_implemented()),
        }
    }

    #[slot(multiply)]
    fn multiply(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let product = match (delta(left), delta(right)) {
            (Some(left), _) => left.multiply_by(vm, right),
            (None, Some(right)) => right.multiply_by(vm, left),
            (None, None) => None,
        };
        product.unwrap_or_else(|| Ok(not_implemented()))
    }

    #[slot(floor_divide)]
    fn floor_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(this) = delta(left) else { return Ok(not_implemented()) };
        if let Some(other) = delta(right) {
            let (left, right) = (int::from_i128(this.total()), int::from_i128(other.total()));
            return vm.binary_operation(FLOOR_DIVIDE, &left, &right);
        }
        match int::borrow_big(right) {
            None => Ok(not_implemented()),
            Some(divisor) if divisor.is_zero() => Err(vm.zero_division_error("division by zero")),
            Some(divisor) => {
                Self::of_big(vm, Self::static_type(), &BigInt::from(this.total()).div_floor(&divisor))
            }
        }
    }

    #[slot(true_divide)]
    fn true_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(this) = delta(left) else { return Ok(not_implemented()) };
        if let Some(other) = delta(right) {
            let (left, right) = (int::from_i128(this.total()), int::from_i128(other.total()));
            return vm.binary_operation(TRUE_DIVIDE, &left, &right);
        }
        if let Some(divisor) = int::borrow_big(right) {
            return this.scaled_by_ratio(vm, &BigInt::from(1), &divisor);
        }
        match float::as_f64(right) {
            None => Ok(not_implemented()),
            Some(_) => {
                let (numerator, denominator) = ratio_of(vm, right)?;
                this.scaled_by_ratio(vm, &denominator, &numerator)
            }
        }
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let (Some(left), Some(right)) = (delta(left), delta(right)) else { return Ok(not_implemented()) };
        if right.is_zero() {
            return Err(vm.zero_division_error("division by zero"));
        }
        Self::of_microseconds(vm, Self::static_type(), left.total().mod_floor(&right.total()))
    }

    #[slot(divmod)]
    fn divmod(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let (Some(left), Some(right)) = (delta(left), delta(right)) else { return Ok(not_implemented()) };
        if right.is_zero() {
            return Err(vm.zero_division_error("division by zero"));
        }
        let (quotient, rest) = left.total().div_mod_floor(&right.total());
        let rest = Self::of_microseconds(vm, Self::static_type(), rest)?;
        Ok(Tuple::from_values([int::from_i128(quotient), rest]).into_value())
    }

    /// Total seconds in the duration.
    #[method("total_seconds(self, /)")]
    pub(super) fn total_seconds(&self, vm: &Vm) -> PyResult {
        vm.binary_operation(TRUE_DIVIDE, &int::from_i128(self.total()), &int::new(SECOND))
    }

    /// __reduce__() -> (cls, state)
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<TimeDelta>) -> Ref<Tuple> {
        let state = [this.days, this.seconds, this.microseconds].map(Value::int);
        Tuple::from_values([this.type_of().to_value(), Tuple::from_values(state).into_value()])
    }
}

//! The exponential function and logarithms, correctly rounded to the nearest, halves to even.
//!
//! They are computed on whole numbers that stand for so many units of 10⁻ᵖ, with a few digits more than are wanted;
//! where those do not decide the rounding, again with more (Ziv). No result but the ones that are told apart first is
//! exact, so that this ends.

use std::sync::Mutex;

use crate::coefficient::{Coefficient, has_room};
use crate::context::{Context, Rounding, Signals, failed, shifted_left};
use crate::number::Decimal;

/// By how many units of its last place an approximation may be wrong.
const ERROR: u64 = 1000;
/// The digits beyond the precision that the first attempt has.
const FIRST_GUARD: i64 = 9;

/// Beyond this precision the exponential function is an invalid operation, as in libmpdec.
const MOST_PRECISION: i64 = 1 << 52;

/// A number of units with a sign.
#[derive(Clone)]
struct Fixed {
    negative: bool,
    units: Coefficient,
}

impl Fixed {
    fn add(&self, other: &Fixed) -> Fixed {
        if self.negative == other.negative {
            return Fixed { negative: self.negative, units: self.units.add(&other.units) };
        }
        if self.units.compare(&other.units).is_ge() {
            Fixed { negative: self.negative, units: self.units.subtract(&other.units) }
        } else {
            Fixed { negative: other.negative, units: other.units.subtract(&self.units) }
        }
    }

    fn negate(&self) -> Fixed {
        Fixed { negative: !self.negative, units: self.units.clone() }
    }

    fn divide_word(&self, divisor: u64) -> Fixed {
        Fixed { negative: self.negative, units: self.units.divide(&Coefficient::from(divisor)).0 }
    }

    /// The product of two numbers of units of 10⁻ᵖ.
    fn multiply(&self, other: &Fixed, places: usize) -> Fixed {
        let units = self.units.multiply(&other.units).shift_right(places).0;
        Fixed { negative: self.negative != other.negative, units }
    }

    /// The nearest `f64`, roughly.
    fn to_f64(&self, places: usize) -> f64 {
        let digits = self.units.digits();
        let cut = digits.saturating_sub(18);
        let leading = self.units.shift_right(cut).0.to_u64().unwrap_or(0) as f64;
        let number = leading * 10f64.powi((cut as i64 - places as i64).clamp(-400, 400) as i32);
        if self.negative { -number } else { number }
    }

    fn from_f64(number: f64, places: usize) -> Fixed {
        let units = (number.abs() * 1e15).round() as u64;
        let units = if places >= 15 {
            Coefficient::from(units).shift_left(places - 15)
        } else {
            Coefficient::from(units).shift_right(15 - places).0
        };
        Fixed { negative: number < 0.0, units }
    }
}

/// 1 in units of 10⁻ᵖ.
fn one(places: usize) -> Fixed {
    Fixed { negative: false, units: Coefficient::power_of_ten(places) }
}

/// The inverse hyperbolic tangent of `1 / n`.
fn inverse_tangent(n: u64, places: usize) -> Coefficient {
    let square = Coefficient::from(n * n);
    let mut power = Coefficient::power_of_ten(places).divide(&Coefficient::from(n)).0;
    let mut sum = power.clone();
    let mut odd = 1u64;
    loop {
        power = power.divide(&square).0;
        odd += 2;
        let term = power.divide(&Coefficient::from(odd)).0;
        if term.is_zero() {
            return sum;
        }
        sum = sum.add(&term);
    }
}

/// The logarithm of ten, in units of 10⁻ᵖ, at most one too small.
fn logarithm_of_ten(places: usize) -> Coefficient {
    static KNOWN: Mutex<Option<(usize, Coefficient)>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((known_places, units)) = &*known
        && *known_places >= places
    {
        return units.shift_right(known_places - places).0;
    }
    // (32 / 30) ** 23 * (50 / 48) ** 17 * (162 / 160) ** 10 = 10
    let computed_places = places + places / 4 + 60;
    let inner = computed_places + 20;
    let series = [(46u64, 31), (34, 49), (20, 161)];
    let sum = series.iter().fold(Coefficient::ZERO, |sum, &(factor, n)| {
        sum.add(&inverse_tangent(n, inner).multiply(&Coefficient::from(factor)))
    });
    let units = sum.shift_right(20).0;
    let answer = units.shift_right(computed_places - places).0;
    *known = Some((computed_places, units));
    answer
}

/// `e ** number` for a number below 4 in units of 10⁻ᵖ; wrong by less than a hundred units.
fn exponential(number: &Fixed, places: usize) -> Fixed {
    // Halved until few terms suffice; squaring brings the halvings back and doubles the error each time.
    let halvings = 2 + ((places as f64) * 0.8).sqrt() as u32;
    let guard = halvings as usize * 2 / 5 + 5;
    let inner = places + guard;
    let mut argument = Fixed { negative: number.negative, units: number.units.shift_left(guard) };
    let mut left = halvings;
    while left > 0 {
        let step = left.min(60);
        argument = argument.divide_word(1 << step);
        left -= step;
    }
    // e ** x - 1, which keeps the digits that 1 would push out.
    let mut sum = argument.clone();
    let mut term = argument.clone();
    let mut index = 1;
    loop {
        index += 1;
        term = term.multiply(&argument, inner).divide_word(index);
        if term.units.is_zero() {
            break;
        }
        sum = sum.add(&term);
    }
    let unit = one(inner);
    let mut power = sum.add(&unit);
    for _ in 0..halvings {
        power = power.multiply(&power, inner);
    }
    Fixed { negative: false, units: power.units.shift_right(guard).0 }
}

/// The logarithm of a number between a tenth and ten, in units of 10⁻ᵖ; wrong by less than a hundred units.
fn logarithm(number: &Fixed, places: usize) -> Fixed {
    if places <= 12 {
        return Fixed::from_f64(number.to_f64(places).ln(), places);
    }
    // Halley's step makes three times as many digits right.
    let fewer = places / 3 + 4;
    let estimate = if fewer >= places {
        Fixed::from_f64(number.to_f64(places).ln(), places)
    } else {
        let cut = places - fewer;
        let short = Fixed { negative: false, units: number.units.shift_right(cut).0 };
        let estimate = logarithm(&short, fewer);
        Fixed { negative: estimate.negative, units: estimate.units.shift_left(cut) }
    };
    let power = exponential(&estimate, places);
    let difference = number.add(&power.negate());
    let sum = number.add(&power);
    let step = difference.units.shift_left(places).divide(&sum.units).0;
    estimate.add(&Fixed { negative: difference.negative, units: step.add(&step) })
}

/// A number cut to units of 10⁻ᵖ.
fn units_of(number: &Decimal, places: usize) -> Fixed {
    let shift = number.exponent + places as i64;
    let units = if shift >= 0 {
        number.coefficient.shift_left(shift as usize)
    } else {
        number.coefficient.shift_right(shift.unsigned_abs() as usize).0
    };
    Fixed { negative: number.negative, units }
}

impl Context {
    /// Rounds an approximation that may be wrong by [`ERROR`] units of its last place, if that decides the rounding.
    fn decide(
        &self,
        negative: bool,
        approximation: &Coefficient,
        exponent: i64,
        signals: &mut Signals,
    ) -> Option<Decimal> {
        let error = Coefficient::from(ERROR);
        if approximation.compare(&error).is_lt() {
            return None;
        }
        // Neither a number of the precision nor a half may lie between the bounds.
        let rounded = |bound: Coefficient| {
            let excess = bound.digits() as i64 - self.precision;
            usize::try_from(excess).ok().map(|excess| (excess, bound.shift_right(excess)))
        };
        let low = rounded(approximation.subtract(&error))?;
        if low != rounded(approximation.add(&error))? {
            return None;
        }
        *signals |= Signals::INEXACT | Signals::ROUNDED;
        let context = self.with_rounding(Rounding::HalfEven);
        Some(context.finish_finite(negative, approximation.clone(), exponent, signals))
    }

    /// `e ** number`.
    pub fn exp(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        if number.is_infinite() {
            return if number.negative { Decimal::zero(false, 0) } else { number.clone() };
        }
        if number.is_zero() {
            return Decimal::new(false, Coefficient::ONE, 0);
        }
        let context = self.with_rounding(Rounding::HalfEven);
        let magnitude = number.adjusted() + 1;
        if magnitude > 19 {
            // The result is far beyond all exponents.
            let exponent = if number.negative { self.etiny() - 2 } else { self.emax + 1 };
            return context.finish_finite(false, Coefficient::ONE, exponent, signals);
        }
        let least = Decimal::new(false, Coefficient::from(9u64), -self.precision - 4);
        if number.compare_magnitude(&least).is_le() {
            return self.nearly_one(signals);
        }
        if self.precision > MOST_PRECISION {
            return self.invalid(signals);
        }
        if !has_room(self.precision) {
            return failed(signals, Signals::OUT_OF_MEMORY);
        }
        let mut guard = FIRST_GUARD;
        loop {
            let places = (self.precision + guard) as usize;
            // number = ten_power * ln 10 + rest
            let argument = units_of(number, places + 20);
            let ten = logarithm_of_ten(places + 20);
            let (whole, rest) = argument.units.divide(&ten);
            let whole = whole.to_u64().and_then(|whole| i64::try_from(whole).ok()).unwrap_or(i64::MAX / 4);
            let rest = Fixed { negative: argument.negative, units: rest.shift_right(20).0 };
            let power = exponential(&rest, places);
            let exponent = if number.negative { -whole } else { whole } - places as i64;
            if let Some(result) = context.decide(false, &power.units, exponent, signals) {
                return result;
            }
            guard *= 2;
        }
    }

    /// What the exponential function of a number next to zero is: 1, as long as the precision.
    fn nearly_one(&self, signals: &mut Signals) -> Decimal {
        *signals |= Signals::INEXACT | Signals::ROUNDED;
        let places = self.precision - 1;
        match shifted_left(&Coefficient::ONE, places, signals) {
            Some(coefficient) => self.finish_finite(false, coefficient, -places, signals),
            None => Decimal::plain_nan(),
        }
    }

    /// The natural logarithm.
    pub fn ln(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(result) = self.logarithm_special(number, signals) {
            return result;
        }
        if number.compare_numbers(&Decimal::new(false, Coefficient::ONE, 0)).is_eq() {
            return Decimal::zero(false, 0);
        }
        self.approximate_logarithm(number, signals, |logarithm, _| logarithm)
    }

    /// The logarithm to the base of ten.
    pub fn log10(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(result) = self.logarithm_special(number, signals) {
            return result;
        }
        if number.coefficient.is_power_of_ten() {
            let context = self.with_rounding(Rounding::HalfEven);
            return context.finish(Decimal::from_i64(number.adjusted()), signals);
        }
        self.approximate_logarithm(number, signals, |logarithm, places| {
            let units = logarithm.units.shift_left(places).divide(&logarithm_of_ten(places)).0;
            Fixed { negative: logarithm.negative, units }
        })
    }

    fn logarithm_special(&self, number: &Decimal, signals: &mut Signals) -> Option<Decimal> {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return Some(nan);
        }
        if number.is_zero() {
            return Some(Decimal::infinity(true));
        }
        if number.negative {
            return Some(self.invalid(signals));
        }
        number.is_infinite().then(|| number.clone())
    }

    fn approximate_logarithm(
        &self,
        number: &Decimal,
        signals: &mut Signals,
        finish: impl Fn(Fixed, usize) -> Fixed,
    ) -> Decimal {
        if !has_room(self.precision) {
            return failed(signals, Signals::OUT_OF_MEMORY);
        }
        // number = scaled * 10 ** tens, where the logarithm of `scaled` is at most that of √10 and a bit.
        let digits = number.coefficient.digits() as i64;
        let leading = number.coefficient.shift_right((digits - 2).max(0) as usize).0.to_u64().unwrap_or(0);
        let leading = if digits == 1 { leading * 10 } else { leading };
        let tens = number.adjusted() + i64::from(leading >= 32);
        let scaled = Decimal { exponent: number.exponent - tens, ..number.clone() };
        // Next to 1 the logarithm is small, and its digits begin late.
        let small = if tens == 0 {
            let mut none = Signals::NONE;
            let one = Decimal::new(false, Coefficient::ONE, 0);
            Context::MAX
                .exact_sum(&scaled, &one, true, &mut none)
                .map_or(0, |difference| -difference.adjusted() - 1)
        } else {
            0
        };
        let mut guard = FIRST_GUARD + 20;
        loop {
            let places = (self.precision + guard + small.max(0)) as usize;
            let mut sum = logarithm(&units_of(&scaled, places), places);
            if tens != 0 {
                let units = logarithm_of_ten(places).multiply(&Coefficient::from(tens.unsigned_abs()));
                sum = sum.add(&Fixed { negative: tens < 0, units });
            }
            let sum = finish(sum, places);
            let units = sum.units.shift_right(20).0;
            if let Some(result) = self.decide(sum.negative, &units, 20 - places as i64, signals) {
                return result;
            }
            guard *= 2;
        }
    }
}

//! Changing the exponent: quantize, rounding to whole numbers, reduction, scaling.

use crate::coefficient::Coefficient;
use crate::context::{Context, MAX_EMAX, MAX_PRECISION, MIN_ETINY, Signals, failed, shifted_left};
use crate::limbs::shift::Lost;
use crate::number::Decimal;

impl Context {
    /// The number with the exponent of another.
    pub fn quantize(&self, number: &Decimal, quantum: &Decimal, signals: &mut Signals) -> Decimal {
        if !(number.is_finite() && quantum.is_finite()) {
            if let Some(nan) = self.nan_of(&[number, quantum], signals) {
                return nan;
            }
            if number.is_infinite() && quantum.is_infinite() {
                return number.clone();
            }
            return self.invalid(signals);
        }
        self.quantize_to(number, quantum.exponent, signals)
    }

    /// A finite number with another exponent.
    #[inline]
    pub fn quantize_to(&self, number: &Decimal, exponent: i64, signals: &mut Signals) -> Decimal {
        if exponent > self.emax || exponent < self.etiny() {
            return self.invalid(signals);
        }
        if number.coefficient.is_zero() {
            return self.finish_finite(number.negative, Coefficient::ZERO, exponent, signals);
        }
        let distance = number.exponent - exponent;
        if number.coefficient.digits() as i64 + distance > self.precision {
            return self.invalid(signals);
        }
        let mut reported = Signals::NONE;
        let coefficient = if distance >= 0 {
            match shifted_left(&number.coefficient, distance, signals) {
                Some(coefficient) => coefficient,
                None => return Decimal::plain_nan(),
            }
        } else {
            let (mut kept, lost) = number.coefficient.shift_right((-distance) as usize);
            reported |= Signals::ROUNDED;
            if lost != Lost::Nothing {
                reported |= Signals::INEXACT;
                if self.rounding.grows(number.negative, &kept, lost) {
                    kept.increment();
                    if kept.digits() as i64 > self.precision {
                        return self.invalid(signals);
                    }
                }
            }
            kept
        };
        let adjusted = exponent + coefficient.digits() as i64 - 1;
        if adjusted > self.emax || adjusted < self.etiny() {
            return self.invalid(signals);
        }
        *signals |= reported;
        self.finish_finite(number.negative, coefficient, exponent, signals)
    }

    /// The number with another exponent, whatever the context's limits. The result is for showing.
    pub(crate) fn rescale(&self, number: &Decimal, exponent: i64, signals: &mut Signals) -> Decimal {
        if !(MIN_ETINY - MAX_PRECISION..=MAX_EMAX + 1).contains(&exponent) {
            return self.invalid(signals);
        }
        if !number.is_finite() {
            return number.clone();
        }
        if number.is_zero() {
            return Decimal::zero(number.negative, exponent);
        }
        let distance = number.exponent - exponent;
        if distance < 0 {
            return self.rescale_down(number, exponent, signals);
        }
        match shifted_left(&number.coefficient, distance, signals) {
            _ if number.coefficient.digits() as i64 + distance > MAX_PRECISION + 1 => self.invalid(signals),
            Some(coefficient) => Decimal::new(number.negative, coefficient, exponent),
            None => failed(signals, Signals::OUT_OF_MEMORY),
        }
    }

    /// A finite number with a larger exponent.
    fn rescale_down(&self, number: &Decimal, exponent: i64, signals: &mut Signals) -> Decimal {
        let (mut kept, lost) = number.coefficient.shift_right((exponent - number.exponent) as usize);
        *signals |= Signals::ROUNDED;
        if lost != Lost::Nothing {
            *signals |= Signals::INEXACT;
        }
        if self.rounding.grows(number.negative, &kept, lost) {
            kept.increment();
        }
        Decimal::new(number.negative, kept, exponent)
    }

    /// Rounded to a whole number, which is not reported.
    pub fn to_integral_value(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.rounded_to_whole(number, false, signals)
    }

    /// Rounded to a whole number.
    pub fn to_integral_exact(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.rounded_to_whole(number, true, signals)
    }

    fn rounded_to_whole(&self, number: &Decimal, exact: bool, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        if number.is_infinite() || number.exponent >= 0 {
            return number.clone();
        }
        if number.coefficient.is_zero() {
            return Decimal::zero(number.negative, 0);
        }
        let mut reported = Signals::NONE;
        let rounded = self.rescale_down(number, 0, &mut reported);
        if exact {
            *signals |= reported;
        }
        rounded
    }

    /// The number rounded, without zeros at its end.
    pub fn reduce(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        if number.is_infinite() {
            return number.clone();
        }
        let rounded = self.finish(number.clone(), signals);
        if !rounded.is_finite() {
            return rounded;
        }
        if rounded.is_zero() {
            return Decimal::zero(number.negative, 0);
        }
        let most = if self.clamp { self.etop() } else { self.emax };
        let zeros = (rounded.coefficient.trailing_zeros() as i64).min(most - rounded.exponent);
        if zeros <= 0 {
            return rounded;
        }
        let coefficient = rounded.coefficient.shift_right(zeros as usize).0;
        Decimal::new(rounded.negative, coefficient, rounded.exponent + zeros)
    }

    /// The exponent of the first digit.
    pub fn logb(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        if number.is_infinite() {
            return Decimal::infinity(false);
        }
        if number.is_zero() {
            *signals |= Signals::DIVISION_BY_ZERO;
            return Decimal::infinity(true);
        }
        self.finish(Decimal::from_i64(number.adjusted()), signals)
    }

    /// The number with a whole number added to its exponent.
    pub fn scaleb(&self, number: &Decimal, places: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number, places], signals) {
            return nan;
        }
        if places.is_infinite() || places.exponent != 0 {
            return self.invalid(signals);
        }
        let most = 2 * (self.emax + self.precision);
        let jump = match places.whole_magnitude().and_then(|jump| i64::try_from(jump).ok()) {
            Some(jump) if jump <= most => jump,
            _ => return self.invalid(signals),
        };
        if number.is_infinite() {
            return number.clone();
        }
        let jump = if places.negative { -jump } else { jump };
        // Far beyond any context's limits, and no sum of exponents leaves the range of the type.
        let limit = 2 * MAX_EMAX + MAX_PRECISION;
        let exponent =
            (i128::from(number.exponent) + i128::from(jump)).clamp(-i128::from(limit), i128::from(limit));
        self.finish(Decimal { exponent: exponent as i64, ..number.clone() }, signals)
    }
}

//! Powers.

use std::cmp::Ordering;

use crate::coefficient::{Coefficient, has_room};
use crate::context::{Context, MAX_EMAX, Rounding, Signals, failed, shifted_left};
use crate::limbs::word_digits;
use crate::number::Decimal;

/// An exponent beyond every context's.
const BEYOND: i64 = 2 * MAX_EMAX + 3;
/// The most digits of an exponent's whole part for which the exponential function is within range.
const EXPONENT_DIGITS: i64 = 19;

fn one() -> Decimal {
    Decimal::new(false, Coefficient::ONE, 0)
}

impl Context {
    /// `base ** exponent`.
    pub fn power(&self, base: &Decimal, exponent: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[base, exponent], signals) {
            return nan;
        }
        let whole = exponent.is_integer();
        let negative = whole && base.negative && exponent.is_odd();
        if base.is_zero() {
            return if exponent.is_zero() {
                self.invalid(signals)
            } else if exponent.negative {
                Decimal::infinity(negative)
            } else {
                Decimal::zero(negative, 0)
            };
        }
        if base.negative && !whole {
            return self.invalid(signals);
        }
        if exponent.is_infinite() {
            return match base.compare_numbers(&one()) {
                Ordering::Equal => self.padded_one(false, signals),
                order if order.is_gt() != exponent.negative => Decimal::infinity(false),
                _ => Decimal::zero(false, 0),
            };
        }
        if exponent.is_zero() {
            return Decimal::new(negative, Coefficient::ONE, 0);
        }
        if base.is_infinite() {
            return if exponent.negative { Decimal::zero(negative, 0) } else { Decimal::infinity(negative) };
        }
        if base.compare_magnitude(&one()).is_eq() {
            return self.power_of_one(base, exponent, whole, negative, signals);
        }
        if let Some(exponent) = self.certain_excess(base, exponent) {
            return self.finish(Decimal::new(negative, Coefficient::ONE, exponent), signals);
        }
        if whole {
            self.whole_power(base, exponent, negative, signals)
        } else {
            self.real_power(base, exponent, signals)
        }
    }

    /// 1 with as many digits as the precision, reported as inexact.
    fn padded_one(&self, negative: bool, signals: &mut Signals) -> Decimal {
        *signals |= Signals::INEXACT | Signals::ROUNDED;
        self.one_with_places(self.precision - 1, negative, signals)
    }

    fn one_with_places(&self, places: i64, negative: bool, signals: &mut Signals) -> Decimal {
        match shifted_left(&Coefficient::ONE, places, signals) {
            Some(coefficient) => Decimal::new(negative, coefficient, -places),
            None => failed(signals, Signals::OUT_OF_MEMORY),
        }
    }

    /// A power of a base that is 1 or -1, however it is written.
    fn power_of_one(
        &self,
        base: &Decimal,
        exponent: &Decimal,
        whole: bool,
        negative: bool,
        signals: &mut Signals,
    ) -> Decimal {
        if !whole {
            return self.padded_one(negative, signals);
        }
        if exponent.negative {
            return Decimal::new(negative, Coefficient::ONE, 0);
        }
        // As many places behind the point as the product has, but no more than there is precision for.
        let most = self.precision - 1;
        let places = match exponent.whole_magnitude() {
            _ if base.exponent == 0 => 0,
            Some(exponent) => {
                i64::try_from(i128::from(exponent) * -i128::from(base.exponent)).unwrap_or(i64::MAX)
            }
            None => i64::MAX,
        };
        if places > most {
            *signals |= Signals::ROUNDED;
        }
        self.one_with_places(places.min(most), negative, signals)
    }

    /// An exponent that makes the result overflow or underflow, where bounds of the logarithms tell that it does.
    fn certain_excess(&self, base: &Decimal, exponent: &Decimal) -> Option<i64> {
        let magnitude = base.with_sign(false);
        let adjusted = magnitude.adjusted();
        // A lower bound for the decimal logarithm of the absolute value of the base's decimal logarithm.
        let logarithm = match adjusted {
            1.. => decimal_digits(adjusted) - 1,
            ..-1 => decimal_digits(adjusted + 1) - 1,
            _ => {
                let difference = Context::MAX.exact_sum(&magnitude, &one(), true, &mut Signals::default())?;
                difference.adjusted() - if adjusted == 0 { 2 } else { 1 }
            }
        };
        let grows = (adjusted < 0) == exponent.negative;
        let limit = if grows { self.emax } else { self.etiny() };
        if decimal_digits(limit) >= logarithm + exponent.adjusted() {
            return None;
        }
        Some(if grows { BEYOND } else { self.etiny() - 1 })
    }

    fn whole_power(
        &self,
        base: &Decimal,
        exponent: &Decimal,
        negative: bool,
        signals: &mut Signals,
    ) -> Decimal {
        let extra = exponent.coefficient.digits() as i64 + exponent.exponent + 2;
        let mut context = Context { precision: self.precision + extra, clamp: false, ..*self };
        context.rounding = Rounding::HalfEven;
        let mut base = base.clone();
        if exponent.negative {
            context.precision += 1;
            let mut reported = Signals::NONE;
            base = context.divide(&one(), &base, &mut reported);
            *signals |= reported;
            if reported.has(Signals::ALL_INVALID | Signals::DIVISION_BY_ZERO) {
                return Decimal::plain_nan();
            }
        }
        let power = match exponent.whole_magnitude() {
            Some(exponent) => context.repeated_product(&base, exponent, signals),
            None => context.huge_power(base, exponent, signals),
        };
        if power.is_nan() {
            return power;
        }
        let power = if power.is_infinite() {
            // The context's own rounding decides what overflow gives.
            Decimal::new(negative, Coefficient::ONE, BEYOND)
        } else {
            power.with_sign(negative)
        };
        self.finish(power, signals)
    }

    /// A power by squaring, from the exponent's leading bit on.
    fn repeated_product(&self, base: &Decimal, exponent: u64, signals: &mut Signals) -> Decimal {
        let mut power = base.clone();
        let mut reported = Signals::NONE;
        let mut bit = 1u64 << exponent.ilog2();
        while bit > 1 {
            bit >>= 1;
            power = self.multiply(&power, &power, &mut reported);
            if exponent & bit != 0 {
                power = self.multiply(&power, base, &mut reported);
            }
            if !power.is_finite() || power.is_zero() && reported.has(Signals::CLAMPED) {
                break;
            }
        }
        *signals |= reported;
        power
    }

    /// A power whose exponent does not fit a word, from the exponent's last bit on.
    fn huge_power(&self, mut base: Decimal, exponent: &Decimal, signals: &mut Signals) -> Decimal {
        let mut reported = Signals::NONE;
        let Some(exponent) = shifted_left(&exponent.coefficient, exponent.exponent.max(0), signals) else {
            return failed(signals, Signals::OUT_OF_MEMORY);
        };
        let bits = exponent.to_binary();
        let mut power = one();
        for index in 0..bits.bits() {
            if bits.bit(index) {
                power = self.multiply(&power, &base, &mut reported);
                *signals |= reported;
                if !power.is_finite() || power.is_zero() && reported.has(Signals::CLAMPED) {
                    break;
                }
            }
            base = self.multiply(&base, &base, &mut reported);
        }
        power
    }

    /// A power whose exponent is no whole number: `exp(ln(base) * exponent)`.
    fn real_power(&self, base: &Decimal, exponent: &Decimal, signals: &mut Signals) -> Decimal {
        let digits = base.coefficient.digits() as i64;
        let context = Context::MAX.with_precision(digits.max(self.precision) + 4 + EXPONENT_DIGITS);
        let mut working = Signals::NONE;
        let logarithm = context.ln(base, &mut working);
        let product = context.multiply(&logarithm, exponent, &mut working);
        let mut power = context.exp(&product, signals);
        *signals |= working & Signals::ALL_INVALID;
        *signals |= Signals::INEXACT | Signals::ROUNDED;
        if power.is_nan() {
            return power;
        }
        if power.is_infinite() {
            power = Decimal::new(false, Coefficient::ONE, BEYOND);
        } else if power.compare_numbers(&one()).is_eq() {
            power = self.one_with_places(self.precision - 1, false, signals);
        }
        self.finish(power, signals)
    }

    /// `base ** exponent % modulus` of whole numbers.
    pub fn power_modulo(
        &self,
        base: &Decimal,
        exponent: &Decimal,
        modulus: &Decimal,
        signals: &mut Signals,
    ) -> Decimal {
        if let Some(nan) = self.nan_of(&[base, exponent, modulus], signals) {
            return nan;
        }
        if !(base.is_integer() && exponent.is_integer() && modulus.is_integer())
            || modulus.is_zero()
            || modulus.coefficient.digits() as i64 + modulus.exponent > self.precision
        {
            return self.invalid(signals);
        }
        let negative = base.negative && exponent.is_odd();
        if exponent.is_zero() {
            if base.is_zero() {
                return self.invalid(signals);
            }
            let by_one = modulus.compare_magnitude(&one()).is_eq();
            return Decimal::new(negative, if by_one { Coefficient::ZERO } else { Coefficient::ONE }, 0);
        }
        if exponent.negative {
            return self.invalid(signals);
        }
        if base.is_zero() {
            return Decimal::zero(negative, 0);
        }
        let whole = |number: &Decimal| number.coefficient.shift_right((-number.exponent).max(0) as usize).0;
        if !has_room(modulus.exponent) {
            return failed(signals, Signals::OUT_OF_MEMORY);
        }
        let modulus = whole(modulus).shift_left(modulus.exponent.max(0) as usize).to_binary();
        let ten = num_bigint::BigUint::from(10u32);
        let places = num_bigint::BigUint::from(base.exponent.max(0) as u64);
        let mut power = whole(base).to_binary() % &modulus * ten.modpow(&places, &modulus) % &modulus;
        // The zeros behind the exponent's digits, some at a time: each call has its own preparations.
        let mut zeros = exponent.exponent.max(0) as u64;
        while zeros > 0 {
            let step = zeros.min(1000);
            power = power.modpow(&ten.pow(step as u32), &modulus);
            zeros -= step;
        }
        power = power.modpow(&whole(exponent).to_binary(), &modulus);
        Decimal::from_binary(negative, &power)
    }
}

/// How many digits a number has; 1 for zero.
fn decimal_digits(number: i64) -> i64 {
    word_digits(number.unsigned_abs()) as i64
}

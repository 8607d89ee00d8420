//! Division, integer division, remainders, square roots.

use std::cmp::Ordering;

use crate::coefficient::{Coefficient, has_room};
use crate::context::{Context, Rounding, Signals, failed, shifted_left};
use crate::limbs::shift::Lost;
use crate::number::Decimal;

impl Context {
    /// `left / right`.
    pub fn divide(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        let negative = left.negative != right.negative;
        if !(left.is_finite() && right.is_finite()) {
            return self.divide_special(left, right, signals);
        }
        let ideal = left.exponent - right.exponent;
        if right.coefficient.is_zero() {
            return divide_by_zero(left, negative, signals);
        }
        if left.coefficient.is_zero() {
            return self.finish_finite(negative, Coefficient::ZERO, ideal, signals);
        }
        // One digit more than the precision, and the last is made to tell that there are more behind it.
        let shift = right.coefficient.digits() as i64 - left.coefficient.digits() as i64 + self.precision + 1;
        let (mut quotient, inexact) = match usize::try_from(shift) {
            Ok(places) if has_room(shift) => left.coefficient.divide_shifted(places, &right.coefficient),
            Ok(_) => return self.divide_exactly(left, right, signals),
            Err(_) => {
                let Some(divisor) = shifted_left(&right.coefficient, -shift, signals) else {
                    return failed(signals, Signals::OUT_OF_MEMORY);
                };
                let (quotient, rest) = left.coefficient.divide(&divisor);
                (quotient, !rest.is_zero())
            }
        };
        let mut exponent = ideal - shift;
        if inexact {
            if matches!(quotient.last_digit(), 0 | 5) {
                quotient.increment();
            }
        } else if shift > 0 {
            let zeros = (quotient.trailing_zeros() as i64).min(shift);
            quotient = quotient.shift_right(zeros as usize).0;
            exponent += zeros;
        }
        self.finish_finite(negative, quotient, exponent, signals)
    }

    /// Divides in a context whose precision no memory has room for: that needs a quotient that is exact.
    #[cold]
    fn divide_exactly(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        // Each factor of two or five that the divisor has costs at most one digit.
        let digits = left.coefficient.digits() as i64 + 4 * right.coefficient.digits() as i64;
        let mut reported = Signals::NONE;
        let quotient = Context::MAX.with_precision(digits).divide(left, right, &mut reported);
        if reported.has(Signals::INEXACT | Signals::OUT_OF_MEMORY) {
            return failed(signals, Signals::OUT_OF_MEMORY);
        }
        self.finish(quotient, signals)
    }

    #[cold]
    fn divide_special(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[left, right], signals) {
            return nan;
        }
        let negative = left.negative != right.negative;
        match (left.is_infinite(), right.is_infinite()) {
            (true, true) => self.invalid(signals),
            (true, false) => Decimal::infinity(negative),
            _ => {
                *signals |= Signals::CLAMPED;
                Decimal::zero(negative, self.etiny())
            }
        }
    }

    /// The whole part of `left / right`.
    pub fn divide_integer(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        let negative = left.negative != right.negative;
        if let Some(nan) = self.nan_of(&[left, right], signals) {
            return nan;
        }
        match (left.is_infinite(), right.is_infinite()) {
            (true, true) => return self.invalid(signals),
            (true, false) => return Decimal::infinity(negative),
            (false, true) => return Decimal::zero(negative, 0),
            (false, false) => {}
        }
        if right.coefficient.is_zero() {
            return divide_by_zero(left, negative, signals);
        }
        match self.whole_quotient(left, right, signals) {
            Some((quotient, _)) => self.finish(quotient, signals),
            None => Decimal::plain_nan(),
        }
    }

    /// `left - right * int(left / right)`.
    pub fn remainder(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        match self.check_remainder(left, right, signals) {
            Some(result) => result,
            None => match self.whole_quotient(left, right, signals) {
                Some((_, remainder)) => self.finish(remainder, signals),
                None => Decimal::plain_nan(),
            },
        }
    }

    /// `left - right * n`, where `n` is the whole number nearest to `left / right`, the even one of two.
    pub fn remainder_near(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(result) = self.check_remainder(left, right, signals) {
            return result;
        }
        let Some((quotient, remainder)) = self.whole_quotient(left, right, signals) else {
            return Decimal::plain_nan();
        };
        if remainder.is_zero() || right.adjusted() - remainder.adjusted() > 1 {
            return self.finish(remainder, signals);
        }
        let mut working = Signals::NONE;
        let negative = remainder.negative == right.negative;
        let Some(nearer) =
            Context::MAX.exact_sum(&remainder, right, right.negative != negative, &mut working)
        else {
            return failed(signals, Signals::OUT_OF_MEMORY);
        };
        let remainder = match nearer.compare_magnitude(&remainder) {
            Ordering::Greater => remainder,
            Ordering::Equal if !quotient.coefficient.is_odd() => remainder,
            _ => {
                let digits = quotient.coefficient.digits() as i64;
                if digits == self.precision && quotient.coefficient.is_all_nines() {
                    return failed(signals, Signals::DIVISION_IMPOSSIBLE);
                }
                nearer
            }
        };
        self.finish(remainder, signals)
    }

    /// The whole part of `left / right`, and the remainder.
    pub fn divmod(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> (Decimal, Decimal) {
        let negative = left.negative != right.negative;
        if let Some(nan) = self.nan_of(&[left, right], signals) {
            return (nan.clone(), nan);
        }
        if left.is_infinite() {
            *signals |= Signals::INVALID_OPERATION;
            let quotient =
                if right.is_infinite() { Decimal::plain_nan() } else { Decimal::infinity(negative) };
            return (quotient, Decimal::plain_nan());
        }
        if right.is_infinite() {
            return (Decimal::zero(negative, 0), self.finish(left.clone(), signals));
        }
        if right.coefficient.is_zero() {
            if left.coefficient.is_zero() {
                return (failed(signals, Signals::DIVISION_UNDEFINED), Decimal::plain_nan());
            }
            *signals |= Signals::DIVISION_BY_ZERO | Signals::INVALID_OPERATION;
            return (Decimal::infinity(negative), Decimal::plain_nan());
        }
        match self.whole_quotient(left, right, signals) {
            Some((quotient, remainder)) => (self.finish(quotient, signals), self.finish(remainder, signals)),
            None => (Decimal::plain_nan(), Decimal::plain_nan()),
        }
    }

    /// What a remainder is where no division is needed.
    fn check_remainder(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Option<Decimal> {
        if let Some(nan) = self.nan_of(&[left, right], signals) {
            return Some(nan);
        }
        if left.is_infinite() {
            return Some(self.invalid(signals));
        }
        if right.is_infinite() {
            return Some(self.finish(left.clone(), signals));
        }
        if !right.coefficient.is_zero() {
            return None;
        }
        Some(if left.coefficient.is_zero() {
            failed(signals, Signals::DIVISION_UNDEFINED)
        } else {
            self.invalid(signals)
        })
    }

    /// Quotient and remainder of finite numbers, neither rounded; the divisor is not zero.
    fn whole_quotient(
        &self,
        left: &Decimal,
        right: &Decimal,
        signals: &mut Signals,
    ) -> Option<(Decimal, Decimal)> {
        let negative = left.negative != right.negative;
        let ideal = left.exponent.min(right.exponent);
        if left.coefficient.is_zero() {
            return Some((Decimal::zero(negative, 0), Decimal::zero(left.negative, ideal)));
        }
        let distance = left.adjusted() - right.adjusted();
        if distance < 0 {
            let coefficient = shifted_left(&left.coefficient, left.exponent - ideal, signals)?;
            return Some((Decimal::zero(negative, 0), Decimal::new(left.negative, coefficient, ideal)));
        }
        if distance > self.precision {
            *signals |= Signals::DIVISION_IMPOSSIBLE;
            return None;
        }
        let dividend = shifted_left(&left.coefficient, left.exponent - ideal, signals)?;
        let divisor = shifted_left(&right.coefficient, right.exponent - ideal, signals)?;
        let (quotient, remainder) = dividend.divide(&divisor);
        if quotient.digits() as i64 > self.precision {
            *signals |= Signals::DIVISION_IMPOSSIBLE;
            return None;
        }
        Some((Decimal::new(negative, quotient, 0), Decimal::new(left.negative, remainder, ideal)))
    }

    /// The square root, rounded to the nearest, halves to an even last digit.
    pub fn square_root(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        let ideal = number.exponent.div_euclid(2);
        if number.is_zero() {
            return self.finish(Decimal::zero(number.negative, ideal), signals);
        }
        if number.negative {
            return self.invalid(signals);
        }
        if number.is_infinite() {
            return number.clone();
        }
        if !has_room(2 * self.precision) {
            return self.square_root_exactly(number, signals);
        }
        // An even exponent, and digits such that the root has at least two more than the precision.
        let wanted = 2 * (self.precision + 1);
        let mut shift = wanted - number.coefficient.digits() as i64;
        if (number.exponent - shift) % 2 != 0 {
            shift += 1;
        }
        let (radicand, mut exact) = if shift >= 0 {
            match shifted_left(&number.coefficient, shift, signals) {
                Some(radicand) => (radicand, true),
                None => return failed(signals, Signals::OUT_OF_MEMORY),
            }
        } else {
            let (radicand, lost) = number.coefficient.shift_right((-shift) as usize);
            (radicand, lost == Lost::Nothing)
        };
        let mut root = radicand.square_root();
        exact = exact && root.multiply(&root) == radicand;
        let mut exponent = (number.exponent - shift) / 2;
        if exact {
            let zeros = (root.trailing_zeros() as i64).min((ideal - exponent).max(0));
            root = root.shift_right(zeros as usize).0;
            exponent += zeros;
        } else if matches!(root.last_digit(), 0 | 5) {
            // The last digit tells that there are more behind it.
            root.increment();
        }
        self.with_rounding(Rounding::HalfEven).finish_finite(false, root, exponent, signals)
    }
}

impl Context {
    /// A square root in a context whose precision no memory has room for: that needs a root that is exact.
    #[cold]
    fn square_root_exactly(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        let digits = number.coefficient.digits() as i64;
        let mut reported = Signals::NONE;
        let root = Context::MAX.with_precision(digits).square_root(number, &mut reported);
        if reported.has(Signals::INEXACT) {
            return failed(signals, Signals::OUT_OF_MEMORY);
        }
        self.finish(root, signals)
    }
}

/// What dividing a finite number by zero gives.
#[cold]
fn divide_by_zero(left: &Decimal, negative: bool, signals: &mut Signals) -> Decimal {
    if left.coefficient.is_zero() {
        return failed(signals, Signals::DIVISION_UNDEFINED);
    }
    *signals |= Signals::DIVISION_BY_ZERO;
    Decimal::infinity(negative)
}

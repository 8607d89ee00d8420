//! Addition, subtraction, multiplication, and what follows from them.

use std::cmp::Ordering;

use crate::coefficient::{Coefficient, SMALL_DIGITS};
use crate::context::{Context, Signals, failed, shifted_left};
use crate::number::Decimal;
use crate::rounding::rounds_to_negative_zero;

impl Context {
    /// `left + right`.
    #[inline]
    pub fn add(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.add_signed(left, right, right.negative, signals)
    }

    /// `left - right`.
    #[inline]
    pub fn subtract(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.add_signed(left, right, !right.negative, signals)
    }

    /// `left * right`.
    #[inline]
    pub fn multiply(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        let negative = left.negative != right.negative;
        if !(left.is_finite() && right.is_finite()) {
            return self.multiply_special(left, right, signals);
        }
        let exponent = left.exponent + right.exponent;
        if let Some(product) = left.coefficient.multiply_words(&right.coefficient) {
            return self.finish_finite(negative, product, exponent, signals);
        }
        self.multiply_longer(left, right, negative, exponent, signals)
    }

    /// The product of numbers that do not both fit a word.
    #[inline(never)]
    fn multiply_longer(
        &self,
        left: &Decimal,
        right: &Decimal,
        negative: bool,
        exponent: i64,
        signals: &mut Signals,
    ) -> Decimal {
        if self.precision <= SMALL_DIGITS as i64
            && let Some((kept, dropped, lost)) =
                left.coefficient.multiply_rounded(&right.coefficient, self.precision as usize)
            && (self.emin..=self.emax).contains(&(exponent + dropped as i64 + self.precision - 1))
        {
            return self.finish_rounded(negative, kept, lost, exponent + dropped as i64, signals);
        }
        self.finish_finite(negative, left.coefficient.multiply(&right.coefficient), exponent, signals)
    }

    #[cold]
    fn multiply_special(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[left, right], signals) {
            return nan;
        }
        if left.is_zero() || right.is_zero() {
            return self.invalid(signals);
        }
        Decimal::infinity(left.negative != right.negative)
    }

    /// `left * right + addend`, rounded once.
    pub fn fused_multiply_add(
        &self,
        left: &Decimal,
        right: &Decimal,
        addend: &Decimal,
        signals: &mut Signals,
    ) -> Decimal {
        let product = if left.is_finite() && right.is_finite() {
            let negative = left.negative != right.negative;
            let coefficient = left.coefficient.multiply(&right.coefficient);
            Decimal::new(negative, coefficient, left.exponent + right.exponent)
        } else {
            let mut reported = Signals::NONE;
            let product = self.multiply_special(left, right, &mut reported);
            *signals |= reported;
            if reported.has(Signals::INVALID_OPERATION) {
                return product;
            }
            product
        };
        self.add(&product, addend, signals)
    }

    /// `+number`: the number rounded.
    pub fn plus(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.rounded_copy(number, number.negative, signals)
    }

    /// `-number`, rounded.
    pub fn minus(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.rounded_copy(number, !number.negative, signals)
    }

    /// The absolute value, rounded.
    pub fn abs(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.rounded_copy(number, false, signals)
    }

    /// As adding to zero: zero becomes positive, unless the rounding is towards negative infinity.
    fn rounded_copy(&self, number: &Decimal, negative: bool, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        let negative = negative && (!number.is_zero() || rounds_to_negative_zero(self.rounding));
        self.finish(number.with_sign(negative), signals)
    }

    #[inline]
    fn add_signed(&self, left: &Decimal, right: &Decimal, negative: bool, signals: &mut Signals) -> Decimal {
        if !(left.is_finite() && right.is_finite()) {
            return self.add_special(left, right, negative, signals);
        }
        if left.exponent == right.exponent {
            let sum = self.aligned_sum(left, right, negative);
            return self.finish_finite(sum.negative, sum.coefficient, sum.exponent, signals);
        }
        match self.exact_sum(left, right, negative, signals) {
            Some(sum) => self.finish_finite(sum.negative, sum.coefficient, sum.exponent, signals),
            None => failed(signals, Signals::OUT_OF_MEMORY),
        }
    }

    #[cold]
    fn add_special(&self, left: &Decimal, right: &Decimal, negative: bool, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[left, right], signals) {
            return nan;
        }
        match (left.is_infinite(), right.is_infinite()) {
            (true, true) if left.negative != negative => self.invalid(signals),
            (true, _) => Decimal::infinity(left.negative),
            _ => Decimal::infinity(negative),
        }
    }

    /// The sum of finite numbers, or one that rounds like it.
    pub(crate) fn exact_sum(
        &self,
        left: &Decimal,
        right: &Decimal,
        right_negative: bool,
        signals: &mut Signals,
    ) -> Option<Decimal> {
        if left.exponent == right.exponent {
            return Some(self.aligned_sum(left, right, right_negative));
        }
        let same_sign = left.negative == right_negative;
        let left_is_upper = left.exponent > right.exponent;
        let (upper, lower) = if left_is_upper { (left, right) } else { (right, left) };
        if let Some(aligned) = upper.coefficient.shift_word_left(upper.exponent - lower.exponent) {
            let lower_digits = &lower.coefficient;
            let (left_digits, right_digits) =
                if left_is_upper { (&aligned, lower_digits) } else { (lower_digits, &aligned) };
            let (left, right) = ((left_digits, left.negative), (right_digits, right_negative));
            return Some(self.combine(left, right, same_sign, lower.exponent));
        }
        let mut lower_exponent = lower.exponent;
        let mut stand_in = None;
        if !upper.coefficient.is_zero() {
            // A number that lies wholly below what rounding looks at may be replaced by any such number.
            let digits = upper.coefficient.digits() as i64;
            let below =
                upper.exponent - 1 + if digits > self.precision { 0 } else { digits - self.precision - 1 };
            if lower.adjusted() < below {
                lower_exponent = below;
                stand_in =
                    Some(if lower.coefficient.is_zero() { Coefficient::ZERO } else { Coefficient::ONE });
            }
        }
        let aligned = shifted_left(&upper.coefficient, upper.exponent - lower_exponent, signals)?;
        let lower = stand_in.as_ref().unwrap_or(&lower.coefficient);
        let (left_digits, right_digits) = if left_is_upper { (&aligned, lower) } else { (lower, &aligned) };
        Some(self.combine(
            (left_digits, left.negative),
            (right_digits, right_negative),
            same_sign,
            lower_exponent,
        ))
    }

    /// The sum of numbers with the same exponent.
    #[inline]
    fn aligned_sum(&self, left: &Decimal, right: &Decimal, right_negative: bool) -> Decimal {
        let (left_part, right_part) =
            ((&left.coefficient, left.negative), (&right.coefficient, right_negative));
        self.combine(left_part, right_part, left.negative == right_negative, left.exponent)
    }

    #[inline]
    fn combine(
        &self,
        (left, left_negative): (&Coefficient, bool),
        (right, right_negative): (&Coefficient, bool),
        same_sign: bool,
        exponent: i64,
    ) -> Decimal {
        if same_sign {
            return Decimal::new(left_negative, left.add(right), exponent);
        }
        match left.compare(right) {
            Ordering::Greater => Decimal::new(left_negative, left.subtract(right), exponent),
            Ordering::Less => Decimal::new(right_negative, right.subtract(left), exponent),
            Ordering::Equal => Decimal::zero(rounds_to_negative_zero(self.rounding), exponent),
        }
    }
}

//! Comparison, minimum and maximum.

use std::cmp::Ordering;

use crate::coefficient::Coefficient;
use crate::context::{Context, Signals};
use crate::number::{Decimal, Kind};

impl Decimal {
    /// The numeric order; neither is NaN.
    #[inline]
    pub fn compare_numbers(&self, other: &Decimal) -> Ordering {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return if other.negative { Ordering::Greater } else { Ordering::Less },
            (false, true) => return if self.negative { Ordering::Less } else { Ordering::Greater },
            (false, false) => {}
        }
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
        }
    }

    /// The order of the absolute values; neither is NaN.
    #[inline]
    pub fn compare_magnitude(&self, other: &Decimal) -> Ordering {
        match (self.is_infinite(), other.is_infinite()) {
            (false, false) => {}
            (left, right) => return left.cmp(&right),
        }
        if self.exponent == other.exponent {
            return self.coefficient.compare(&other.coefficient);
        }
        match (self.coefficient.is_zero(), other.coefficient.is_zero()) {
            (false, false) => {}
            (left, right) => return right.cmp(&left),
        }
        self.adjusted().cmp(&other.adjusted()).then_with(|| {
            // As many digits before the point: what is to be shifted is no more than there are digits.
            let distance = self.exponent - other.exponent;
            let places = distance.unsigned_abs() as usize;
            if distance > 0 {
                self.coefficient.shift_left(places).compare(&other.coefficient)
            } else {
                self.coefficient.compare(&other.coefficient.shift_left(places))
            }
        })
    }

    /// The order of all representations (`compare_total`).
    pub fn compare_total(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_total_magnitude(other),
            (true, true) => other.compare_total_magnitude(self),
        }
    }

    /// The order of all representations without their signs.
    pub fn compare_total_magnitude(&self, other: &Decimal) -> Ordering {
        let rank = |number: &Decimal| match number.kind {
            Kind::Finite | Kind::Infinite => 0,
            Kind::Signaling => 1,
            Kind::Quiet => 2,
        };
        rank(self).cmp(&rank(other)).then_with(|| {
            if self.is_nan() {
                self.coefficient.compare(&other.coefficient)
            } else {
                self.compare_magnitude(other).then_with(|| self.exponent.cmp(&other.exponent))
            }
        })
    }

    /// Whether both have the same exponent, or both are infinite, or both NaN.
    pub fn same_quantum(&self, other: &Decimal) -> bool {
        if self.is_finite() && other.is_finite() {
            self.exponent == other.exponent
        } else {
            self.is_infinite() && other.is_infinite() || self.is_nan() && other.is_nan()
        }
    }
}

/// An order as a number: -1, 0 or 1.
pub(crate) fn order_number(order: Ordering) -> Decimal {
    Decimal::new(order.is_lt(), if order.is_eq() { Coefficient::ZERO } else { Coefficient::ONE }, 0)
}

impl Context {
    /// -1, 0 or 1; NaN where an operand is NaN.
    pub fn compare(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        match self.nan_of(&[left, right], signals) {
            Some(nan) => nan,
            None => order_number(left.compare_numbers(right)),
        }
    }

    /// As [`compare`](Self::compare), but any NaN is reported.
    pub fn compare_signal(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        if left.is_nan() || right.is_nan() {
            *signals |= Signals::INVALID_OPERATION;
        }
        self.compare(left, right, signals)
    }

    /// The order of all representations as -1, 0 or 1.
    pub fn compare_total(left: &Decimal, right: &Decimal) -> Decimal {
        order_number(left.compare_total(right))
    }

    /// The same without signs.
    pub fn compare_total_magnitude(left: &Decimal, right: &Decimal) -> Decimal {
        order_number(left.compare_total_magnitude(right))
    }

    /// The greater of two, rounded; a number rather than a quiet NaN.
    pub fn max(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.choose(left, right, signals, Decimal::compare_numbers, Ordering::is_ge)
    }

    /// The lesser of two.
    pub fn min(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.choose(left, right, signals, Decimal::compare_numbers, Ordering::is_lt)
    }

    /// The one with the greater absolute value.
    pub fn max_magnitude(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.choose(left, right, signals, Decimal::compare_magnitude, Ordering::is_ge)
    }

    /// The one with the lesser absolute value.
    pub fn min_magnitude(&self, left: &Decimal, right: &Decimal, signals: &mut Signals) -> Decimal {
        self.choose(left, right, signals, Decimal::compare_magnitude, Ordering::is_lt)
    }

    fn choose(
        &self,
        left: &Decimal,
        right: &Decimal,
        signals: &mut Signals,
        compare: impl Fn(&Decimal, &Decimal) -> Ordering,
        is_left: impl Fn(Ordering) -> bool,
    ) -> Decimal {
        let chosen = if left.is_quiet_nan() && !right.is_nan() {
            right
        } else if right.is_quiet_nan() && !left.is_nan() {
            left
        } else if let Some(nan) = self.nan_of(&[left, right], signals) {
            return nan;
        } else if is_left(compare(left, right).then_with(|| left.compare_total(right))) {
            left
        } else {
            right
        };
        self.finish(chosen.clone(), signals)
    }
}

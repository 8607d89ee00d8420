//! The numbers next to a number, and what can be asked of a number in a context.

use std::cmp::Ordering;

use crate::coefficient::Coefficient;
use crate::context::{Context, Rounding, Signals};
use crate::number::{Decimal, Kind};

impl Context {
    /// The largest number below.
    pub fn next_minus(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.neighbour(number, true, signals)
    }

    /// The smallest number above.
    pub fn next_plus(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.neighbour(number, false, signals)
    }

    fn neighbour(&self, number: &Decimal, below: bool, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number], signals) {
            return nan;
        }
        if number.is_infinite() {
            return if number.negative == below {
                number.clone()
            } else {
                self.largest(number.negative, signals)
            };
        }
        let context = self.with_rounding(if below { Rounding::Floor } else { Rounding::Ceiling });
        let mut reported = Signals::NONE;
        let mut rounded = context.finish(number.clone(), &mut reported);
        if !reported.has(Signals::INEXACT | Signals::ALL_INVALID) {
            let tiny = Decimal::new(below, Coefficient::ONE, self.etiny() - 1);
            rounded = context.add(number, &tiny, &mut reported);
        }
        *signals |= reported & Signals::ALL_INVALID;
        rounded
    }

    /// The number next to one on the way to another.
    pub fn next_toward(&self, number: &Decimal, other: &Decimal, signals: &mut Signals) -> Decimal {
        if let Some(nan) = self.nan_of(&[number, other], signals) {
            return nan;
        }
        let next = match number.compare_numbers(other) {
            Ordering::Equal => return number.with_sign(other.negative),
            Ordering::Less => self.next_plus(number, signals),
            Ordering::Greater => self.next_minus(number, signals),
        };
        if next.is_infinite() {
            *signals |= Signals::OVERFLOW | Signals::ROUNDED | Signals::INEXACT;
        } else if next.adjusted() < self.emin {
            *signals |= Signals::UNDERFLOW | Signals::SUBNORMAL | Signals::ROUNDED | Signals::INEXACT;
            if next.is_zero() {
                *signals |= Signals::CLAMPED;
            }
        }
        next
    }

    /// Whether a number is in the normal range.
    pub fn is_normal(&self, number: &Decimal) -> bool {
        number.is_finite() && !number.is_zero() && number.adjusted() >= self.emin
    }

    /// Whether a number is below the normal range.
    pub fn is_subnormal(&self, number: &Decimal) -> bool {
        number.is_finite() && !number.is_zero() && number.adjusted() < self.emin
    }

    /// The class of a number.
    pub fn number_class(&self, number: &Decimal) -> &'static str {
        match (number.kind, number.negative) {
            (Kind::Quiet, _) => "NaN",
            (Kind::Signaling, _) => "sNaN",
            (Kind::Infinite, true) => "-Infinity",
            (Kind::Infinite, false) => "+Infinity",
            (Kind::Finite, true) if number.is_zero() => "-Zero",
            (Kind::Finite, false) if number.is_zero() => "+Zero",
            (Kind::Finite, true) if self.is_normal(number) => "-Normal",
            (Kind::Finite, false) if self.is_normal(number) => "+Normal",
            (Kind::Finite, true) => "-Subnormal",
            (Kind::Finite, false) => "+Subnormal",
        }
    }
}

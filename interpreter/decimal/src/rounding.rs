//! What ends every operation: rounding to the context's precision and fitting the exponent to its range.

use crate::coefficient::Coefficient;
use crate::context::{Context, Rounding, Signals, failed, shifted_left};
use crate::limbs::shift::Lost;
use crate::number::Decimal;

impl Rounding {
    /// Whether the digits that stay grow by one.
    pub(crate) fn grows(self, negative: bool, kept: &Coefficient, lost: Lost) -> bool {
        if lost == Lost::Nothing {
            return false;
        }
        match self {
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => lost >= Lost::Half,
            Rounding::HalfDown => lost > Lost::Half,
            Rounding::HalfEven => lost > Lost::Half || lost == Lost::Half && kept.is_odd(),
            Rounding::ZeroFiveUp => matches!(kept.last_digit(), 0 | 5),
        }
    }

    /// Whether a number that is too large becomes infinity rather than the largest number.
    fn overflows_to_infinity(self, negative: bool) -> bool {
        match self {
            Rounding::Down | Rounding::ZeroFiveUp => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::Up | Rounding::HalfUp | Rounding::HalfDown | Rounding::HalfEven => true,
        }
    }
}

impl Context {
    /// Fits a result into the context.
    #[inline]
    pub fn finish(&self, result: Decimal, signals: &mut Signals) -> Decimal {
        if !result.is_finite() {
            return if result.is_nan() { self.fit_payload(result) } else { result };
        }
        self.finish_finite(result.negative, result.coefficient, result.exponent, signals)
    }

    /// The number fitted into the context.
    pub fn finish_number(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        self.finish(number.clone(), signals)
    }

    /// As [`finish_number`](Self::finish_number), but a NaN whose payload is too long is a syntax error.
    pub fn adopt(&self, number: &Decimal, signals: &mut Signals) -> Decimal {
        if number.is_nan() && !self.has_room_for_payload(number) {
            return failed(signals, Signals::CONVERSION_SYNTAX);
        }
        self.finish(number.clone(), signals)
    }

    /// Fits a finite result into the context. Most results fit as they are, and are not handed on for that.
    #[inline(always)]
    pub(crate) fn finish_finite(
        &self,
        negative: bool,
        coefficient: Coefficient,
        exponent: i64,
        signals: &mut Signals,
    ) -> Decimal {
        let digits = coefficient.digits() as i64;
        let adjusted = exponent + digits - 1;
        // The top exponent is that of the largest number: below it there is nothing to clamp.
        if digits <= self.precision && adjusted >= self.emin && exponent <= self.etop() {
            return Decimal::new(negative, coefficient, exponent);
        }
        self.finish_misfit(negative, coefficient, exponent, signals)
    }

    #[inline(never)]
    fn finish_misfit(
        &self,
        negative: bool,
        coefficient: Coefficient,
        exponent: i64,
        signals: &mut Signals,
    ) -> Decimal {
        let digits = coefficient.digits() as i64;
        let adjusted = exponent + digits - 1;
        if coefficient.is_zero() {
            return self.finish_zero(negative, exponent, signals);
        }
        if adjusted > self.emax {
            return self.overflow(negative, signals);
        }
        if adjusted < self.emin {
            return self.finish_subnormal(negative, coefficient, exponent, signals);
        }
        if digits > self.precision {
            let dropped = digits - self.precision;
            let (kept, lost) = coefficient.shift_right(dropped as usize);
            return self.finish_rounded(negative, kept, lost, exponent + dropped, signals);
        }
        self.fold(negative, coefficient, exponent, signals)
    }

    /// Ends an operation that has as many digits as the precision, of which some were lost; the exponent is in the
    /// normal range.
    pub(crate) fn finish_rounded(
        &self,
        negative: bool,
        mut kept: Coefficient,
        lost: Lost,
        mut exponent: i64,
        signals: &mut Signals,
    ) -> Decimal {
        *signals |= Signals::ROUNDED;
        if lost != Lost::Nothing {
            *signals |= Signals::INEXACT;
        }
        if self.rounding.grows(negative, &kept, lost) {
            kept.increment();
            if kept.digits() as i64 > self.precision {
                kept = kept.shift_right(1).0;
                exponent += 1;
                if exponent > self.etop() {
                    return self.overflow(negative, signals);
                }
            }
        }
        Decimal::new(negative, kept, exponent)
    }

    /// Moves zeros behind the coefficient where the context clamps exponents.
    fn fold(
        &self,
        negative: bool,
        coefficient: Coefficient,
        exponent: i64,
        signals: &mut Signals,
    ) -> Decimal {
        let excess = exponent - self.etop();
        if !self.clamp || excess <= 0 {
            return Decimal::new(negative, coefficient, exponent);
        }
        match shifted_left(&coefficient, excess, signals) {
            Some(coefficient) => {
                *signals |= Signals::CLAMPED;
                Decimal::new(negative, coefficient, exponent - excess)
            }
            None => Decimal::plain_nan(),
        }
    }

    #[cold]
    fn finish_zero(&self, negative: bool, exponent: i64, signals: &mut Signals) -> Decimal {
        let most = if self.clamp { self.etop() } else { self.emax };
        let fitting = exponent.clamp(self.etiny(), most);
        if fitting != exponent {
            *signals |= Signals::CLAMPED;
        }
        Decimal::zero(negative, fitting)
    }

    #[cold]
    fn overflow(&self, negative: bool, signals: &mut Signals) -> Decimal {
        *signals |= Signals::OVERFLOW | Signals::INEXACT | Signals::ROUNDED;
        if self.rounding.overflows_to_infinity(negative) {
            return Decimal::infinity(negative);
        }
        self.largest(negative, signals)
    }

    /// The largest number.
    pub(crate) fn largest(&self, negative: bool, signals: &mut Signals) -> Decimal {
        match shifted_left(&Coefficient::ONE, self.precision, signals) {
            Some(limit) => Decimal::new(negative, limit.subtract(&Coefficient::ONE), self.etop()),
            None => failed(signals, Signals::OUT_OF_MEMORY),
        }
    }

    #[cold]
    fn finish_subnormal(
        &self,
        negative: bool,
        coefficient: Coefficient,
        exponent: i64,
        signals: &mut Signals,
    ) -> Decimal {
        *signals |= Signals::SUBNORMAL;
        let etiny = self.etiny();
        if exponent >= etiny {
            return self.fold(negative, coefficient, exponent, signals);
        }
        let (mut kept, lost) = coefficient.shift_right((etiny - exponent) as usize);
        *signals |= Signals::ROUNDED;
        if lost != Lost::Nothing {
            *signals |= Signals::INEXACT | Signals::UNDERFLOW;
            if self.rounding.grows(negative, &kept, lost) {
                kept.increment();
            }
            if kept.is_zero() {
                *signals |= Signals::CLAMPED;
            }
        }
        Decimal::new(negative, kept, etiny)
    }
}

/// Whether the sum of a number and its opposite is negative zero.
pub(crate) fn rounds_to_negative_zero(rounding: Rounding) -> bool {
    rounding == Rounding::Floor
}

//! [`Context`] and what it is made of: precision, rounding, exponent limits; and the signals that operations raise.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

use crate::coefficient::Coefficient;
use crate::number::{Decimal, Kind};

/// The largest precision.
pub const MAX_PRECISION: i64 = 999_999_999_999_999_999;
/// The largest exponent of a context.
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
/// The least exponent of a context.
pub const MIN_EMIN: i64 = -MAX_EMAX;
/// The least exponent that a number can have.
pub const MIN_ETINY: i64 = MIN_EMIN - (MAX_PRECISION - 1);

/// How digits that go are accounted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
    /// To the nearest, halves away from zero.
    HalfUp,
    /// To the nearest, halves towards zero.
    HalfDown,
    /// To the nearest, halves to an even last digit.
    HalfEven,
    /// Away from zero where the last digit is 0 or 5, else towards zero.
    ZeroFiveUp,
}

/// A set of signals.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Signals(pub u32);

impl Signals {
    /// None.
    pub const NONE: Signals = Signals(0);
    /// An exponent was changed to fit.
    pub const CLAMPED: Signals = Signals(0x0001);
    /// A text is no number.
    pub const CONVERSION_SYNTAX: Signals = Signals(0x0002);
    /// A number was divided by zero.
    pub const DIVISION_BY_ZERO: Signals = Signals(0x0004);
    /// An integer quotient does not fit the precision.
    pub const DIVISION_IMPOSSIBLE: Signals = Signals(0x0008);
    /// Zero was divided by zero.
    pub const DIVISION_UNDEFINED: Signals = Signals(0x0010);
    /// Digits other than zero were lost.
    pub const INEXACT: Signals = Signals(0x0040);
    /// A context is not valid for an operation.
    pub const INVALID_CONTEXT: Signals = Signals(0x0080);
    /// An operation has no meaning for its operands.
    pub const INVALID_OPERATION: Signals = Signals(0x0100);
    /// A result needs more memory than there is.
    pub const OUT_OF_MEMORY: Signals = Signals(0x0200);
    /// Floats and decimals were mixed.
    pub const FLOAT_OPERATION: Signals = Signals(0x0400);
    /// A result is too large.
    pub const OVERFLOW: Signals = Signals(0x0800);
    /// Digits were lost.
    pub const ROUNDED: Signals = Signals(0x1000);
    /// A result is below the normal range.
    pub const SUBNORMAL: Signals = Signals(0x2000);
    /// A result is below the normal range and inexact.
    pub const UNDERFLOW: Signals = Signals(0x4000);

    /// Everything that counts as an invalid operation.
    pub const ALL_INVALID: Signals = Signals(
        Self::CONVERSION_SYNTAX.0
            | Self::DIVISION_IMPOSSIBLE.0
            | Self::DIVISION_UNDEFINED.0
            | Self::INVALID_CONTEXT.0
            | Self::INVALID_OPERATION.0
            | Self::OUT_OF_MEMORY.0,
    );

    /// Whether any of the others is in the set.
    #[inline]
    pub const fn has(self, others: Signals) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Signals {
    type Output = Signals;
    fn bitor(self, other: Signals) -> Signals {
        Signals(self.0 | other.0)
    }
}

impl BitAnd for Signals {
    type Output = Signals;
    fn bitand(self, other: Signals) -> Signals {
        Signals(self.0 & other.0)
    }
}

impl BitOrAssign for Signals {
    fn bitor_assign(&mut self, other: Signals) {
        self.0 |= other.0;
    }
}

impl Not for Signals {
    type Output = Signals;
    fn not(self) -> Signals {
        Signals(!self.0)
    }
}

/// How results are rounded and which exponents they may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    /// The most digits of a result.
    pub precision: i64,
    /// How results are rounded.
    pub rounding: Rounding,
    /// The least exponent of the first digit of a normal number.
    pub emin: i64,
    /// The largest exponent of the first digit.
    pub emax: i64,
    /// Whether the largest exponent of the last digit is such that numbers fit the interchange formats.
    pub clamp: bool,
}

impl Context {
    /// The context with the largest limits.
    pub const MAX: Context = Context {
        precision: MAX_PRECISION,
        rounding: Rounding::HalfEven,
        emin: MIN_EMIN,
        emax: MAX_EMAX,
        clamp: false,
    };

    /// The least exponent that a last digit may have.
    #[inline]
    pub const fn etiny(&self) -> i64 {
        self.emin - (self.precision - 1)
    }

    /// The exponent of the last digit of the largest number.
    #[inline]
    pub const fn etop(&self) -> i64 {
        self.emax - (self.precision - 1)
    }

    /// The context with another rounding.
    #[must_use]
    pub const fn with_rounding(self, rounding: Rounding) -> Context {
        Context { rounding, ..self }
    }

    /// The context with another precision.
    #[must_use]
    pub const fn with_precision(self, precision: i64) -> Context {
        Context { precision, ..self }
    }

    /// Reports an invalid operation; answers NaN.
    #[cold]
    pub(crate) fn invalid(self, signals: &mut Signals) -> Decimal {
        failed(signals, Signals::INVALID_OPERATION)
    }

    /// What an operation answers where one of its operands is NaN: the first signaling one, else the first quiet one.
    #[inline]
    pub(crate) fn nan_of(self, operands: &[&Decimal], signals: &mut Signals) -> Option<Decimal> {
        if operands.iter().all(|operand| operand.is_finite()) {
            return None;
        }
        let find = |kind| operands.iter().find(|operand| operand.kind == kind);
        let nan = find(Kind::Signaling).or_else(|| find(Kind::Quiet))?;
        if nan.is_signaling_nan() {
            *signals |= Signals::INVALID_OPERATION;
        }
        Some(self.quieted(nan))
    }

    /// The quiet NaN with as much of the payload as the context has room for.
    pub(crate) fn quieted(self, nan: &Decimal) -> Decimal {
        self.fit_payload(Decimal { kind: Kind::Quiet, ..nan.clone() })
    }

    /// Whether a NaN's payload fits.
    pub(crate) fn has_room_for_payload(self, nan: &Decimal) -> bool {
        let most = self.precision - i64::from(self.clamp);
        nan.coefficient.is_zero() || nan.coefficient.digits() as i64 <= most
    }

    /// A NaN with as much of its payload as the context has room for.
    pub(crate) fn fit_payload(self, mut nan: Decimal) -> Decimal {
        if !self.has_room_for_payload(&nan) {
            let most = self.precision - i64::from(self.clamp);
            nan.coefficient = nan.coefficient.low_digits(most as usize);
        }
        nan
    }
}

/// Reports a failure; answers NaN.
#[cold]
pub(crate) fn failed(signals: &mut Signals, signal: Signals) -> Decimal {
    *signals |= signal;
    Decimal::plain_nan()
}

/// The coefficient times a power of ten, if memory has room for it.
#[inline]
pub(crate) fn shifted_left(
    coefficient: &Coefficient,
    count: i64,
    signals: &mut Signals,
) -> Option<Coefficient> {
    let shifted = coefficient.checked_shift_left(count);
    if shifted.is_none() {
        *signals |= Signals::OUT_OF_MEMORY;
    }
    shifted
}

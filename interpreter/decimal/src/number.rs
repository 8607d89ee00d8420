//! [`Decimal`]: a number, infinity or NaN.

use num_bigint::BigUint;

use crate::coefficient::Coefficient;

/// What a [`Decimal`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A number.
    Finite,
    /// Infinity.
    Infinite,
    /// A NaN that goes through operations quietly; the coefficient is its payload.
    Quiet,
    /// A NaN that operations report.
    Signaling,
}

/// A decimal number: `(-1) ** negative * coefficient * 10 ** exponent`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decimal {
    pub(crate) coefficient: Coefficient,
    pub(crate) exponent: i64,
    pub(crate) negative: bool,
    pub(crate) kind: Kind,
}

impl Decimal {
    /// A finite number.
    #[inline]
    pub const fn new(negative: bool, coefficient: Coefficient, exponent: i64) -> Decimal {
        Decimal { coefficient, exponent, negative, kind: Kind::Finite }
    }

    /// Zero with an exponent.
    pub const fn zero(negative: bool, exponent: i64) -> Decimal {
        Decimal::new(negative, Coefficient::ZERO, exponent)
    }

    /// A small whole number.
    #[inline]
    pub fn from_i64(number: i64) -> Decimal {
        Decimal::new(number < 0, Coefficient::from(number.unsigned_abs()), 0)
    }

    /// A whole number.
    pub fn from_binary(negative: bool, magnitude: &BigUint) -> Decimal {
        Decimal::new(negative, Coefficient::from_binary(magnitude), 0)
    }

    /// Infinity.
    pub const fn infinity(negative: bool) -> Decimal {
        Decimal { coefficient: Coefficient::ZERO, exponent: 0, negative, kind: Kind::Infinite }
    }

    /// A NaN with a payload.
    pub const fn nan(negative: bool, signaling: bool, payload: Coefficient) -> Decimal {
        let kind = if signaling { Kind::Signaling } else { Kind::Quiet };
        Decimal { coefficient: payload, exponent: 0, negative, kind }
    }

    /// The NaN that failed operations answer.
    pub const fn plain_nan() -> Decimal {
        Decimal::nan(false, false, Coefficient::ZERO)
    }

    /// Number, infinity or NaN.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether there is a minus sign.
    pub const fn is_negative(&self) -> bool {
        self.negative
    }

    /// The digits of a number, or a NaN's payload.
    pub const fn coefficient(&self) -> &Coefficient {
        &self.coefficient
    }

    /// The exponent of a number's last digit.
    pub const fn exponent(&self) -> i64 {
        self.exponent
    }

    /// Neither infinite nor NaN.
    #[inline]
    pub const fn is_finite(&self) -> bool {
        matches!(self.kind, Kind::Finite)
    }

    /// Plus or minus infinity.
    pub const fn is_infinite(&self) -> bool {
        matches!(self.kind, Kind::Infinite)
    }

    /// NaN of either kind.
    pub const fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Quiet | Kind::Signaling)
    }

    /// A quiet NaN.
    pub const fn is_quiet_nan(&self) -> bool {
        matches!(self.kind, Kind::Quiet)
    }

    /// A signaling NaN.
    pub const fn is_signaling_nan(&self) -> bool {
        matches!(self.kind, Kind::Signaling)
    }

    /// Zero of either sign.
    #[inline]
    pub fn is_zero(&self) -> bool {
        self.is_finite() && self.coefficient.is_zero()
    }

    /// The exponent of the first digit.
    #[inline]
    pub fn adjusted(&self) -> i64 {
        self.exponent + self.coefficient.digits() as i64 - 1
    }

    /// Whether it is a whole number.
    pub fn is_integer(&self) -> bool {
        self.is_finite()
            && (self.exponent >= 0
                || self.coefficient.is_zero()
                || self.coefficient.trailing_zeros() as i64 >= -self.exponent)
    }

    /// Whether a whole number is odd.
    pub fn is_odd(&self) -> bool {
        match usize::try_from(-self.exponent) {
            Err(_) => false,
            Ok(0) => self.coefficient.is_odd(),
            Ok(fraction) => {
                fraction < self.coefficient.digits() && self.coefficient.shift_right(fraction).0.is_odd()
            }
        }
    }

    /// The number with another sign.
    #[must_use]
    pub fn with_sign(&self, negative: bool) -> Decimal {
        Decimal { negative, ..self.clone() }
    }

    /// A whole number's absolute value, if it fits.
    pub(crate) fn whole_magnitude(&self) -> Option<u64> {
        if !self.is_integer() {
            return None;
        }
        if self.coefficient.is_zero() {
            return Some(0);
        }
        match u32::try_from(self.exponent) {
            Ok(exponent) => 10u64.checked_pow(exponent)?.checked_mul(self.coefficient.to_u64()?),
            Err(_) if self.exponent > 0 => None,
            Err(_) => {
                let fraction = usize::try_from(-self.exponent).ok()?;
                self.coefficient.shift_right(fraction).0.to_u64()
            }
        }
    }
}

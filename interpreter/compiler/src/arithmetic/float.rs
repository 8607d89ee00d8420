//! Arithmetic on floats, and their relation to integers.

use num_bigint::{BigInt, BigUint, Sign};
use rspy_code::Constant;
use rspy_code::operation::Binary;

use super::complex::{self, Complex};

/// The nearest float, if the integer is not too large for one.
pub fn from_integer(value: &BigInt) -> Option<f64> {
    if let Ok(small) = i64::try_from(value) {
        return Some(small as f64);
    }
    divide_integers(value, &BigInt::from(1))
}

/// The integer that a float is, if it is one.
pub fn to_integer(value: f64) -> Option<BigInt> {
    if !value.is_finite() || value.fract() != 0.0 {
        return None;
    }
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7FF) as i64 - 1075;
    let mantissa = if exponent == -1075 { 0 } else { bits & ((1 << 52) - 1) | 1 << 52 };
    let magnitude = if exponent >= 0 {
        BigInt::from(mantissa) << exponent
    } else {
        BigInt::from(mantissa >> -exponent.max(-63))
    };
    Some(if value < 0.0 { -magnitude } else { magnitude })
}

/// The nearest float to the quotient.
pub fn divide_integers(left: &BigInt, right: &BigInt) -> Option<f64> {
    if right.sign() == Sign::NoSign {
        return None;
    }
    const EXACT: i64 = 1 << 53;
    if let (Ok(left), Ok(right)) = (i64::try_from(left), i64::try_from(right))
        && (-EXACT..=EXACT).contains(&left)
        && (-EXACT..=EXACT).contains(&right)
    {
        return Some(left as f64 / right as f64);
    }
    // A quotient of 57 bits at least, its lowest set if anything was cut off, rounds as the exact one does.
    let (numerator, denominator) = (left.magnitude(), right.magnitude());
    let shift = 58 - (numerator.bits() as i64 - denominator.bits() as i64);
    let scaled = |value: &BigUint, by: i64| if by > 0 { value << by as u64 } else { value.clone() };
    let (numerator, denominator) = (scaled(numerator, shift), scaled(denominator, -shift));
    let quotient = &numerator / &denominator;
    let is_inexact = &quotient * &denominator != numerator;
    let significant = u64::try_from(&quotient).ok()? | u64::from(is_inexact);
    // Results below the normal range would be rounded twice.
    if shift > 1060 {
        return None;
    }
    let mut magnitude = significant as f64;
    let mut exponent = -shift;
    while exponent != 0 {
        let step = exponent.clamp(-500, 500);
        magnitude *= 2f64.powi(step as i32);
        exponent -= step;
    }
    if magnitude.is_infinite() {
        return None;
    }
    Some(if left.sign() == right.sign() { magnitude } else { -magnitude })
}

/// `left operation right`
pub fn binary(operation: Binary, left: f64, right: f64) -> Option<Constant> {
    let result = match operation {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::TrueDivide => {
            if right == 0.0 {
                return None;
            }
            left / right
        }
        Binary::FloorDivide => divide_and_round(left, right)?.0,
        Binary::Remainder => divide_and_round(left, right)?.1,
        Binary::Power => return power(left, right),
        _ => return None,
    };
    Some(Constant::Float(result))
}

/// Quotient rounded down, and remainder with the divisor's sign.
fn divide_and_round(left: f64, right: f64) -> Option<(f64, f64)> {
    if right == 0.0 {
        return None;
    }
    let mut remainder = left % right;
    let mut quotient = (left - remainder) / right;
    if remainder == 0.0 {
        remainder = 0f64.copysign(right);
    } else if (right < 0.0) != (remainder < 0.0) {
        remainder += right;
        quotient -= 1.0;
    }
    let rounded = if quotient == 0.0 {
        0f64.copysign(left / right)
    } else {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    };
    Some((rounded, remainder))
}

fn power(base: f64, exponent: f64) -> Option<Constant> {
    if base == 0.0 && exponent < 0.0 {
        return None;
    }
    if base < 0.0 && base.is_finite() && exponent.is_finite() && exponent.fract() != 0.0 {
        return complex::binary(Binary::Power, Complex::new(base, 0.0), Complex::new(exponent, 0.0));
    }
    let result = base.powf(exponent);
    if result.is_infinite() && base.is_finite() && exponent.is_finite() {
        return None;
    }
    Some(Constant::Float(result))
}

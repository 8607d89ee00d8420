//! The values of the functions where a part of the argument is infinite or no number, as C99's Annex G and CPython
//! have them.
//!
//! Rows go by the real part and columns by the imaginary one: negative infinity, negative, negative zero, zero,
//! positive, infinity, no number. Where both parts are finite, and where the sign depends on an angle, the table is
//! not asked.

use std::f64::consts::{FRAC_PI_2 as HALF_PI, FRAC_PI_4 as QUARTER_PI, PI};

const THREE_QUARTERS_PI: f64 = 0.75 * PI;
const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
/// Where the function is not defined, which is said before the table is asked.
const DOMAIN: (f64, f64) = (NAN, NAN);
/// What is never asked.
const UNUSED: f64 = f64::NAN;

/// Real and imaginary parts by the kinds of the argument's parts.
pub type Table = [[(f64, f64); 7]; 7];

/// Which row or column a part belongs to.
fn kind(part: f64) -> usize {
    match part {
        _ if part.is_nan() => 6,
        _ if part.is_infinite() => if part > 0.0 { 5 } else { 0 },
        _ if part != 0.0 => if part > 0.0 { 4 } else { 1 },
        _ => if part.is_sign_negative() { 2 } else { 3 },
    }
}

/// The value of a function at an argument that is not finite; `None` for finite ones.
pub fn value(table: &Table, (real, imaginary): (f64, f64)) -> Option<(f64, f64)> {
    (!real.is_finite() || !imaginary.is_finite()).then(|| table[kind(real)][kind(imaginary)])
}

/// Of `acos`.
#[rustfmt::skip]
pub static ACOS: Table = [
    [(THREE_QUARTERS_PI, INF), (PI, INF), (PI, INF), (PI, -INF), (PI, -INF), (THREE_QUARTERS_PI, -INF), (NAN, INF)],
    [(HALF_PI, INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (HALF_PI, -INF), (NAN, NAN)],
    [(HALF_PI, INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (HALF_PI, -INF), (HALF_PI, NAN)],
    [(HALF_PI, INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (HALF_PI, -INF), (HALF_PI, NAN)],
    [(HALF_PI, INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (HALF_PI, -INF), (NAN, NAN)],
    [(QUARTER_PI, INF), (0.0, INF), (0.0, INF), (0.0, -INF), (0.0, -INF), (QUARTER_PI, -INF), (NAN, INF)],
    [(NAN, INF), (NAN, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (NAN, -INF), (NAN, NAN)],
];

/// Of `acosh`.
#[rustfmt::skip]
pub static ACOSH: Table = [
    [(INF, -THREE_QUARTERS_PI), (INF, -PI), (INF, -PI), (INF, PI), (INF, PI), (INF, THREE_QUARTERS_PI), (INF, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, HALF_PI)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, HALF_PI)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -QUARTER_PI), (INF, -0.0), (INF, -0.0), (INF, 0.0), (INF, 0.0), (INF, QUARTER_PI), (INF, NAN)],
    [(INF, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (INF, NAN), (NAN, NAN)],
];

/// Of `asinh`.
#[rustfmt::skip]
pub static ASINH: Table = [
    [(-INF, -QUARTER_PI), (-INF, -0.0), (-INF, -0.0), (-INF, 0.0), (-INF, 0.0), (-INF, QUARTER_PI), (-INF, NAN)],
    [(-INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (-INF, HALF_PI), (NAN, NAN)],
    [(-INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (-INF, HALF_PI), (NAN, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -QUARTER_PI), (INF, -0.0), (INF, -0.0), (INF, 0.0), (INF, 0.0), (INF, QUARTER_PI), (INF, NAN)],
    [(INF, NAN), (NAN, NAN), (NAN, -0.0), (NAN, 0.0), (NAN, NAN), (INF, NAN), (NAN, NAN)],
];

/// Of `atanh`.
#[rustfmt::skip]
pub static ATANH: Table = [
    [(-0.0, -HALF_PI), (-0.0, -HALF_PI), (-0.0, -HALF_PI), (-0.0, HALF_PI), (-0.0, HALF_PI), (-0.0, HALF_PI), (-0.0, NAN)],
    [(-0.0, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (-0.0, HALF_PI), (NAN, NAN)],
    [(-0.0, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (-0.0, HALF_PI), (-0.0, NAN)],
    [(0.0, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (0.0, HALF_PI), (0.0, NAN)],
    [(0.0, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (0.0, HALF_PI), (NAN, NAN)],
    [(0.0, -HALF_PI), (0.0, -HALF_PI), (0.0, -HALF_PI), (0.0, HALF_PI), (0.0, HALF_PI), (0.0, HALF_PI), (0.0, NAN)],
    [(0.0, -HALF_PI), (NAN, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (0.0, HALF_PI), (NAN, NAN)],
];

/// Of `cosh`.
#[rustfmt::skip]
pub static COSH: Table = [
    [DOMAIN, (-INF, INF), (INF, 0.0), (INF, -0.0), (-INF, -INF), DOMAIN, (INF, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, 0.0)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, 0.0)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (-INF, -INF), (INF, -0.0), (INF, 0.0), (-INF, INF), DOMAIN, (INF, NAN)],
    [(NAN, NAN), (NAN, NAN), (NAN, 0.0), (NAN, 0.0), (NAN, NAN), (NAN, NAN), (NAN, NAN)],
];

/// Of `exp`.
#[rustfmt::skip]
pub static EXP: Table = [
    [(0.0, 0.0), (-0.0, -0.0), (0.0, -0.0), (0.0, 0.0), (-0.0, 0.0), (0.0, 0.0), (0.0, 0.0)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (-INF, -INF), (INF, -0.0), (INF, 0.0), (-INF, INF), DOMAIN, (INF, NAN)],
    [(NAN, NAN), (NAN, NAN), (NAN, -0.0), (NAN, 0.0), (NAN, NAN), (NAN, NAN), (NAN, NAN)],
];

/// Of `log`.
#[rustfmt::skip]
pub static LOG: Table = [
    [(INF, -THREE_QUARTERS_PI), (INF, -PI), (INF, -PI), (INF, PI), (INF, PI), (INF, THREE_QUARTERS_PI), (INF, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -HALF_PI), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, HALF_PI), (NAN, NAN)],
    [(INF, -QUARTER_PI), (INF, -0.0), (INF, -0.0), (INF, 0.0), (INF, 0.0), (INF, QUARTER_PI), (INF, NAN)],
    [(INF, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (INF, NAN), (NAN, NAN)],
];

/// Of `sinh`.
#[rustfmt::skip]
pub static SINH: Table = [
    [DOMAIN, (INF, -INF), (-INF, -0.0), (-INF, 0.0), (INF, INF), DOMAIN, (INF, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (0.0, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (0.0, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (-INF, -INF), (INF, -0.0), (INF, 0.0), (-INF, INF), DOMAIN, (INF, NAN)],
    [(NAN, NAN), (NAN, NAN), (NAN, -0.0), (NAN, 0.0), (NAN, NAN), (NAN, NAN), (NAN, NAN)],
];

/// Of `sqrt`.
#[rustfmt::skip]
pub static SQRT: Table = [
    [(INF, -INF), (0.0, -INF), (0.0, -INF), (0.0, INF), (0.0, INF), (INF, INF), (NAN, INF)],
    [(INF, -INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, INF), (NAN, NAN)],
    [(INF, -INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, INF), (NAN, NAN)],
    [(INF, -INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, INF), (NAN, NAN)],
    [(INF, -INF), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (INF, INF), (NAN, NAN)],
    [(INF, -INF), (INF, -0.0), (INF, -0.0), (INF, 0.0), (INF, 0.0), (INF, INF), (INF, NAN)],
    [(INF, -INF), (NAN, NAN), (NAN, NAN), (NAN, NAN), (NAN, NAN), (INF, INF), (NAN, NAN)],
];

/// Of `tanh`.
#[rustfmt::skip]
pub static TANH: Table = [
    [(-1.0, 0.0), (-1.0, 0.0), (-1.0, -0.0), (-1.0, 0.0), (-1.0, -0.0), (-1.0, 0.0), (-1.0, 0.0)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (-0.0, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (0.0, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [(1.0, 0.0), (1.0, 0.0), (1.0, -0.0), (1.0, 0.0), (1.0, -0.0), (1.0, 0.0), (1.0, 0.0)],
    [(NAN, NAN), (NAN, NAN), (NAN, -0.0), (NAN, 0.0), (NAN, NAN), (NAN, NAN), (NAN, NAN)],
];

/// Of `rect`.
#[rustfmt::skip]
pub static RECT: Table = [
    [DOMAIN, (INF, INF), (-INF, 0.0), (-INF, -0.0), (INF, -INF), DOMAIN, (INF, NAN)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [(0.0, 0.0), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (0.0, 0.0), (0.0, 0.0)],
    [(0.0, 0.0), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (0.0, 0.0), (0.0, 0.0)],
    [DOMAIN, (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), (UNUSED, UNUSED), DOMAIN, (NAN, NAN)],
    [DOMAIN, (-INF, -INF), (INF, -0.0), (INF, 0.0), (-INF, INF), DOMAIN, (INF, NAN)],
    [(NAN, NAN), (NAN, NAN), (NAN, 0.0), (NAN, 0.0), (NAN, NAN), (NAN, NAN), (NAN, NAN)],
];


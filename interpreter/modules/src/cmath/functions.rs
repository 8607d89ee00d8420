//! The functions of complex numbers, on pairs of real and imaginary part. The methods are Kahan's ("Branch cuts for
//! complex elementary functions"): they keep the sign of zero on the cuts and neither overflow nor underflow on the way.

use super::special::{self, Table};

/// Real and imaginary part.
pub type Complex = (f64, f64);

/// Why there is no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The function is not defined there.
    Domain,
    /// The result is too large.
    Range,
}

/// A result.
pub type Outcome = Result<Complex, Failure>;

/// Squares of parts beyond this may be too large.
const LARGE: f64 = f64::MAX / 4.0;
const LN_2: f64 = std::f64::consts::LN_2;

fn is_finite((real, imaginary): Complex) -> bool {
    real.is_finite() && imaginary.is_finite()
}

fn is_large((real, imaginary): Complex) -> bool {
    real.abs() > LARGE || imaginary.abs() > LARGE
}

/// A finite result, or the failure that its being infinite means.
fn in_range(z: Complex) -> Outcome {
    if z.0.is_infinite() || z.1.is_infinite() { Err(Failure::Range) } else { Ok(z) }
}

/// The logarithm of the size of a large number.
fn log_of_large((real, imaginary): Complex) -> f64 {
    (real / 2.0).hypot(imaginary / 2.0).ln() + LN_2 * 2.0
}

/// The square root.
pub fn sqrt(z: Complex) -> Outcome {
    if let Some(value) = special::value(&special::SQRT, z) {
        return Ok(value);
    }
    let (real, imaginary) = z;
    if real == 0.0 && imaginary == 0.0 {
        return Ok((0.0, imaginary));
    }
    let (x, y) = (real.abs(), imaginary.abs());
    let size = if x < f64::MIN_POSITIVE && y < f64::MIN_POSITIVE && (x > 0.0 || y > 0.0) {
        // Both are subnormal: scaled up by an odd power of two, which takes the half of the sum with it.
        let x = x * 2f64.powi(53);
        (x + x.hypot(y * 2f64.powi(53))).sqrt() * 2f64.powi(-27)
    } else {
        let x = x / 8.0;
        2.0 * (x + x.hypot(y / 8.0)).sqrt()
    };
    let other = y / (2.0 * size);
    Ok(if real >= 0.0 { (size, other.copysign(imaginary)) } else { (other, size.copysign(imaginary)) })
}

/// The arc cosine.
pub fn acos(z: Complex) -> Outcome {
    if let Some(value) = special::value(&special::ACOS, z) {
        return Ok(value);
    }
    let (real, imaginary) = z;
    if is_large(z) {
        let angle = imaginary.abs().atan2(real);
        let log = log_of_large(z);
        return Ok((angle, if real < 0.0 { -log.copysign(imaginary) } else { log.copysign(-imaginary) }));
    }
    let left = sqrt((1.0 - real, -imaginary))?;
    let right = sqrt((1.0 + real, imaginary))?;
    Ok((2.0 * left.0.atan2(right.0), libm::asinh(right.0 * left.1 - right.1 * left.0)))
}

/// The inverse hyperbolic cosine.
pub fn acosh(z: Complex) -> Outcome {
    if let Some(value) = special::value(&special::ACOSH, z) {
        return Ok(value);
    }
    let (real, imaginary) = z;
    if is_large(z) {
        return Ok((log_of_large(z), imaginary.atan2(real)));
    }
    let left = sqrt((real - 1.0, imaginary))?;
    let right = sqrt((real + 1.0, imaginary))?;
    Ok((libm::asinh(left.0 * right.0 + left.1 * right.1), 2.0 * left.1.atan2(right.0)))
}

/// The inverse hyperbolic sine.
pub fn asinh(z: Complex) -> Outcome {
    if let Some(value) = special::value(&special::ASINH, z) {
        return Ok(value);
    }
    let (real, imaginary) = z;
    if is_large(z) {
        let log = log_of_large(z);
        let size = if imaginary >= 0.0 { log.copysign(real) } else { -log.copysign(-real) };
        return Ok((size, imaginary.atan2(real.abs())));
    }
    let left = sqrt((1.0 + imaginary, -real))?;
    let right = sqrt((1.0 - imaginary, real))?;
    let size = libm::asinh(left.0 * right.1 - right.0 * left.1);
    Ok((size, imaginary.atan2(left.0 * right.0 - left.1 * right.1)))
}

/// The arc sine, by way of the inverse hyperbolic sine of `iz`.
pub fn asin((real, imaginary): Complex) -> Outcome {
    asinh((-imaginary, real)).map(|(real, imaginary)| (imaginary, -real))
}

/// The inverse hyperbolic tangent.
pub fn atanh(z: Complex) -> Outcome {
    if let Some(value) = special::value(&special::ATANH, z) {
        return Ok(value);
    }
    let (real, imaginary) = z;
    if real < 0.0 || real == 0.0 && real.is_sign_negative() {
        return atanh((-real, -imaginary)).map(|(real, imaginary)| (-real, -imaginary));
    }
    let y = imaginary.abs();
    let root = LARGE.sqrt();
    if real > root || y > root {
        // The sign of the angle is that of the imaginary part.
        let half = (real / 2.0).hypot(y / 2.0);
        return Ok((real / 4.0 / half / half, -(std::f64::consts::FRAC_PI_2.copysign(-imaginary))));
    }
    if real == 1.0 && y < f64::MIN_POSITIVE.sqrt() {
        if y == 0.0 {
            return Err(Failure::Domain);
        }
        let size = -(y.sqrt() / y.hypot(2.0).sqrt()).ln();
        return Ok((size, 2f64.atan2(-y).copysign(imaginary) / 2.0));
    }
    let size = log1p(4.0 * real / ((1.0 - real) * (1.0 - real) + y * y)) / 4.0;
    Ok((size, -((-2.0 * imaginary).atan2((1.0 - real) * (1.0 + real) - y * y)) / 2.0))
}

/// The arc tangent, by way of the inverse hyperbolic tangent of `iz`.
pub fn atan((real, imaginary): Complex) -> Outcome {
    atanh((-imaginary, real)).map(|(real, imaginary)| (imaginary, -real))
}

/// Where the real part is infinite and the imaginary one an angle: a value with the signs of cosine and sine.
fn by_angle(table: &Table, z: Complex, value: impl Fn(f64, f64) -> Complex) -> Option<Complex> {
    let (real, imaginary) = z;
    if real.is_infinite() && imaginary.is_finite() && imaginary != 0.0 {
        let (sine, cosine) = imaginary.sin_cos();
        return Some(value(cosine, sine));
    }
    special::value(table, z)
}

/// The larger real parts whose hyperbolic functions are still finite.
fn is_beyond_exponential(real: f64) -> bool {
    real.abs() > LARGE.ln()
}

/// The hyperbolic cosine.
pub fn cosh(z: Complex) -> Outcome {
    let (real, imaginary) = z;
    if !is_finite(z) {
        if imaginary.is_infinite() && !real.is_nan() {
            return Err(Failure::Domain);
        }
        let infinity = f64::INFINITY;
        let value = by_angle(&special::COSH, z, |cosine, sine| {
            let second = infinity.copysign(sine);
            (infinity.copysign(cosine), if real > 0.0 { second } else { -second })
        });
        return Ok(value.unwrap_or(z));
    }
    let (sine, cosine) = imaginary.sin_cos();
    if is_beyond_exponential(real) {
        let less = real - 1f64.copysign(real);
        let e = std::f64::consts::E;
        return in_range((cosine * less.cosh() * e, sine * less.sinh() * e));
    }
    in_range((cosine * real.cosh(), sine * real.sinh()))
}

/// The hyperbolic sine.
pub fn sinh(z: Complex) -> Outcome {
    let (real, imaginary) = z;
    if !is_finite(z) {
        if imaginary.is_infinite() && !real.is_nan() {
            return Err(Failure::Domain);
        }
        let infinity = f64::INFINITY;
        let value = by_angle(&special::SINH, z, |cosine, sine| {
            let first = infinity.copysign(cosine);
            (if real > 0.0 { first } else { -first }, infinity.copysign(sine))
        });
        return Ok(value.unwrap_or(z));
    }
    let (sine, cosine) = imaginary.sin_cos();
    if is_beyond_exponential(real) {
        let less = real - 1f64.copysign(real);
        let e = std::f64::consts::E;
        return in_range((cosine * less.sinh() * e, sine * less.cosh() * e));
    }
    in_range((cosine * real.sinh(), sine * real.cosh()))
}

/// The hyperbolic tangent.
pub fn tanh(z: Complex) -> Outcome {
    let (real, imaginary) = z;
    if !is_finite(z) {
        if imaginary.is_infinite() && real.is_finite() {
            return Err(Failure::Domain);
        }
        let value = by_angle(&special::TANH, z, |cosine, sine| {
            (1f64.copysign(real), 0f64.copysign(2.0 * sine * cosine))
        });
        return Ok(value.unwrap_or(z));
    }
    if is_beyond_exponential(real) {
        let (sine, cosine) = imaginary.sin_cos();
        return Ok((1f64.copysign(real), 4.0 * sine * cosine * (-2.0 * real.abs()).exp()));
    }
    let (flat, slope) = (real.tanh(), imaginary.tan());
    let inverse = 1.0 / real.cosh();
    let product = flat * slope;
    let denominator = 1.0 + product * product;
    Ok((flat * (1.0 + slope * slope) / denominator, slope / denominator * inverse * inverse))
}

/// The cosine, by way of the hyperbolic cosine of `iz`.
pub fn cos((real, imaginary): Complex) -> Outcome {
    cosh((-imaginary, real))
}

/// The sine, by way of the hyperbolic sine of `iz`.
pub fn sin((real, imaginary): Complex) -> Outcome {
    sinh((-imaginary, real)).map(|(real, imaginary)| (imaginary, -real))
}

/// The tangent, by way of the hyperbolic tangent of `iz`.
pub fn tan((real, imaginary): Complex) -> Outcome {
    tanh((-imaginary, real)).map(|(real, imaginary)| (imaginary, -real))
}

/// The exponential function.
pub fn exp(z: Complex) -> Outcome {
    let (real, imaginary) = z;
    if !is_finite(z) {
        if imaginary.is_infinite() && (real.is_finite() || real > 0.0) {
            return Err(Failure::Domain);
        }
        let size = if real > 0.0 { f64::INFINITY } else { 0.0 };
        let value =
            by_angle(&special::EXP, z, |cosine, sine| (size.copysign(cosine), size.copysign(sine)));
        return Ok(value.unwrap_or(z));
    }
    let (sine, cosine) = imaginary.sin_cos();
    if real > LARGE.ln() {
        let size = (real - 1.0).exp();
        let e = std::f64::consts::E;
        return in_range((size * cosine * e, size * sine * e));
    }
    let size = real.exp();
    in_range((size * cosine, size * sine))
}

/// The natural logarithm.
pub fn log(z: Complex) -> Outcome {
    if let Some(value) = special::value(&special::LOG, z) {
        return Ok(value);
    }
    let (x, y) = (z.0.abs(), z.1.abs());
    let angle = z.1.atan2(z.0);
    let size = if x > LARGE || y > LARGE {
        (x / 2.0).hypot(y / 2.0).ln() + LN_2
    } else if x < f64::MIN_POSITIVE && y < f64::MIN_POSITIVE {
        if x == 0.0 && y == 0.0 {
            return Err(Failure::Domain);
        }
        (x * 2f64.powi(53)).hypot(y * 2f64.powi(53)).ln() - 53.0 * LN_2
    } else {
        let size = x.hypot(y);
        if (0.71..=1.73).contains(&size) {
            let (larger, smaller) = (x.max(y), x.min(y));
            log1p((larger - 1.0) * (larger + 1.0) + smaller * smaller) / 2.0
        } else {
            size.ln()
        }
    };
    Ok((size, angle))
}

/// The number with a distance from zero and an angle.
pub fn rect(distance: f64, angle: f64) -> Outcome {
    if !distance.is_finite() || !angle.is_finite() {
        if distance != 0.0 && !distance.is_nan() && angle.is_infinite() {
            return Err(Failure::Domain);
        }
        if distance.is_infinite() && angle.is_finite() && angle != 0.0 {
            let (sine, cosine) = angle.sin_cos();
            let (first, second) = (f64::INFINITY.copysign(cosine), f64::INFINITY.copysign(sine));
            return Ok(if distance > 0.0 { (first, second) } else { (-first, -second) });
        }
        return Ok(special::value(&special::RECT, (distance, angle)).unwrap_or((distance, angle)));
    }
    if angle == 0.0 {
        // The sign of zero is kept.
        return Ok((distance, distance * angle));
    }
    let (sine, cosine) = angle.sin_cos();
    Ok((distance * cosine, distance * sine))
}

/// `log(1 + x)` that keeps the sign of zero.
fn log1p(x: f64) -> f64 {
    if x == 0.0 { x } else { libm::log1p(x) }
}

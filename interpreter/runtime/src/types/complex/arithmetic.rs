//! Arithmetic on complex numbers as pairs of floats, with the rules of C's Annex G for infinities.

/// Real and imaginary part.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parts {
    /// The real part.
    pub real: f64,
    /// The imaginary part.
    pub imaginary: f64,
}

/// An operation's operand: a real number has no imaginary part at all, not one of zero.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// A real number.
    Real(f64),
    /// A complex number.
    Complex(Parts),
}

/// Why an operation has no result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The arguments are outside the operation's domain.
    Domain,
    /// The result is too large.
    Range,
}

/// A complex number.
pub const fn parts(real: f64, imaginary: f64) -> Parts {
    Parts { real, imaginary }
}

/// Infinities become one, everything else zero; the sign stays.
fn boxed(x: f64) -> f64 {
    (if x.is_infinite() { 1.0f64 } else { 0.0 }).copysign(x)
}

fn nan_to_zero(x: f64) -> f64 {
    if x.is_nan() { 0f64.copysign(x) } else { x }
}

impl Operand {
    /// The number with an imaginary part.
    pub const fn widened(self) -> Parts {
        match self {
            Operand::Real(real) => parts(real, 0.0),
            Operand::Complex(parts) => parts,
        }
    }
}

/// `left + right`.
pub fn add(left: Operand, right: Operand) -> Parts {
    match (left, right) {
        (Operand::Real(a), Operand::Real(b)) => parts(a + b, 0.0),
        (Operand::Real(a), Operand::Complex(b)) => parts(a + b.real, b.imaginary),
        (Operand::Complex(a), Operand::Real(b)) => parts(a.real + b, a.imaginary),
        (Operand::Complex(a), Operand::Complex(b)) => parts(a.real + b.real, a.imaginary + b.imaginary),
    }
}

/// `left - right`.
pub fn subtract(left: Operand, right: Operand) -> Parts {
    match (left, right) {
        (Operand::Real(a), Operand::Real(b)) => parts(a - b, 0.0),
        (Operand::Real(a), Operand::Complex(b)) => parts(a - b.real, -b.imaginary),
        (Operand::Complex(a), Operand::Real(b)) => parts(a.real - b, a.imaginary),
        (Operand::Complex(a), Operand::Complex(b)) => parts(a.real - b.real, a.imaginary - b.imaginary),
    }
}

/// `left * right`.
pub fn multiply(left: Operand, right: Operand) -> Parts {
    match (left, right) {
        (Operand::Real(a), Operand::Real(b)) => parts(a * b, 0.0),
        (Operand::Real(a), Operand::Complex(b)) => parts(a * b.real, a * b.imaginary),
        (Operand::Complex(a), Operand::Real(b)) => parts(a.real * b, a.imaginary * b),
        (Operand::Complex(a), Operand::Complex(b)) => product(a, b),
    }
}

fn product(z: Parts, w: Parts) -> Parts {
    let Parts { real: mut a, imaginary: mut b } = z;
    let Parts { real: mut c, imaginary: mut d } = w;
    let (ac, bd, ad, bc) = (a * c, b * d, a * d, b * c);
    let result = parts(ac - bd, ad + bc);
    if !(result.real.is_nan() && result.imaginary.is_nan()) {
        return result;
    }
    // An infinite factor makes the product infinite, even if the parts cancel out to NaN.
    let mut infinite = false;
    if a.is_infinite() || b.is_infinite() {
        (a, b, c, d) = (boxed(a), boxed(b), nan_to_zero(c), nan_to_zero(d));
        infinite = true;
    }
    if c.is_infinite() || d.is_infinite() {
        (c, d, a, b) = (boxed(c), boxed(d), nan_to_zero(a), nan_to_zero(b));
        infinite = true;
    }
    if !infinite && [ac, bd, ad, bc].iter().any(|x| x.is_infinite()) {
        (a, b, c, d) = (nan_to_zero(a), nan_to_zero(b), nan_to_zero(c), nan_to_zero(d));
        infinite = true;
    }
    if infinite { parts(f64::INFINITY * (a * c - b * d), f64::INFINITY * (a * d + b * c)) } else { result }
}

/// `left / right`.
///
/// # Errors
/// [`Failure::Domain`] for division by zero.
pub fn divide(left: Operand, right: Operand) -> Result<Parts, Failure> {
    match (left, right) {
        (_, Operand::Real(0.0)) => Err(Failure::Domain),
        (Operand::Real(a), Operand::Real(b)) => Ok(parts(a / b, 0.0)),
        (Operand::Complex(a), Operand::Real(b)) => Ok(parts(a.real / b, a.imaginary / b)),
        (Operand::Real(a), Operand::Complex(b)) => reciprocal(a, b),
        (Operand::Complex(a), Operand::Complex(b)) => quotient(a, b),
    }
}

/// Smith's algorithm: both are divided by the larger part of the denominator first.
fn quotient(a: Parts, b: Parts) -> Result<Parts, Failure> {
    let (real, imaginary) = (b.real.abs(), b.imaginary.abs());
    let result = if real >= imaginary {
        if real == 0.0 {
            return Err(Failure::Domain);
        }
        let ratio = b.imaginary / b.real;
        let denominator = b.real + b.imaginary * ratio;
        parts((a.real + a.imaginary * ratio) / denominator, (a.imaginary - a.real * ratio) / denominator)
    } else if imaginary >= real {
        let ratio = b.real / b.imaginary;
        let denominator = b.real * ratio + b.imaginary;
        parts((a.real * ratio + a.imaginary) / denominator, (a.imaginary * ratio - a.real) / denominator)
    } else {
        parts(f64::NAN, f64::NAN)
    };
    if !(result.real.is_nan() && result.imaginary.is_nan()) {
        return Ok(result);
    }
    let finite = |z: Parts| z.real.is_finite() && z.imaginary.is_finite();
    let infinite = |z: Parts| z.real.is_infinite() || z.imaginary.is_infinite();
    if infinite(a) && finite(b) {
        let (x, y) = (boxed(a.real), boxed(a.imaginary));
        return Ok(parts(
            f64::INFINITY * (x * b.real + y * b.imaginary),
            f64::INFINITY * (y * b.real - x * b.imaginary),
        ));
    }
    if infinite(b) && finite(a) {
        let (x, y) = (boxed(b.real), boxed(b.imaginary));
        return Ok(parts(0.0 * (a.real * x + a.imaginary * y), 0.0 * (a.imaginary * x - a.real * y)));
    }
    Ok(result)
}

/// A real number divided by a complex one.
fn reciprocal(a: f64, b: Parts) -> Result<Parts, Failure> {
    let (real, imaginary) = (b.real.abs(), b.imaginary.abs());
    let result = if real >= imaginary {
        if real == 0.0 {
            return Err(Failure::Domain);
        }
        let ratio = b.imaginary / b.real;
        let denominator = b.real + b.imaginary * ratio;
        parts(a / denominator, (-a * ratio) / denominator)
    } else if imaginary >= real {
        let ratio = b.real / b.imaginary;
        let denominator = b.real * ratio + b.imaginary;
        parts((a * ratio) / denominator, (-a) / denominator)
    } else {
        parts(f64::NAN, f64::NAN)
    };
    let lost = result.real.is_nan() && result.imaginary.is_nan();
    if lost && a.is_finite() && (real.is_infinite() || imaginary.is_infinite()) {
        let (x, y) = (boxed(b.real), boxed(b.imaginary));
        return Ok(parts(0.0 * (a * x), 0.0 * (-a * y)));
    }
    Ok(result)
}

/// `base ** exponent`.
///
/// # Errors
/// [`Failure::Domain`] for zero to a negative or complex power, [`Failure::Range`] for infinite results.
pub fn power(base: Parts, exponent: Parts) -> Result<Parts, Failure> {
    const MOST_BY_SQUARING: f64 = 100.0;
    let whole = exponent.imaginary == 0.0 && exponent.real == exponent.real.floor();
    let result = if whole && exponent.real.abs() <= MOST_BY_SQUARING {
        power_by_squaring(base, exponent.real as i32)?
    } else {
        general_power(base, exponent)?
    };
    if result.real.is_infinite() || result.imaginary.is_infinite() { Err(Failure::Range) } else { Ok(result) }
}

fn power_by_squaring(base: Parts, exponent: i32) -> Result<Parts, Failure> {
    let mut result = parts(1.0, 0.0);
    let mut square = base;
    let count = exponent.unsigned_abs();
    let mut mask = 1;
    while mask <= count {
        if count & mask != 0 {
            result = product(result, square);
        }
        mask <<= 1;
        square = product(square, square);
    }
    if exponent > 0 { Ok(result) } else { quotient(parts(1.0, 0.0), result) }
}

fn general_power(base: Parts, exponent: Parts) -> Result<Parts, Failure> {
    if exponent.real == 0.0 && exponent.imaginary == 0.0 {
        return Ok(parts(1.0, 0.0));
    }
    if base.real == 0.0 && base.imaginary == 0.0 {
        let undefined = exponent.imaginary != 0.0 || exponent.real < 0.0;
        return if undefined { Err(Failure::Domain) } else { Ok(parts(0.0, 0.0)) };
    }
    let magnitude = base.real.hypot(base.imaginary);
    let angle = base.imaginary.atan2(base.real);
    let mut length = magnitude.powf(exponent.real);
    let mut phase = angle * exponent.real;
    if exponent.imaginary != 0.0 {
        length *= (-angle * exponent.imaginary).exp();
        phase += exponent.imaginary * magnitude.ln();
    }
    if phase.is_infinite() {
        // Its sine and cosine are not defined.
        return Err(Failure::Domain);
    }
    Ok(parts(length * phase.cos(), length * phase.sin()))
}

/// The distance from zero.
///
/// # Errors
/// [`Failure::Range`] where the parts are finite and it is not.
pub fn absolute(z: Parts) -> Result<f64, Failure> {
    if z.real.is_infinite() || z.imaginary.is_infinite() {
        return Ok(f64::INFINITY);
    }
    if z.real.is_nan() || z.imaginary.is_nan() {
        return Ok(f64::NAN);
    }
    let result = z.real.hypot(z.imaginary);
    if result.is_finite() { Ok(result) } else { Err(Failure::Range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_survive() {
        let inf = f64::INFINITY;
        let z = product(parts(inf, f64::NAN), parts(1.0, 1.0));
        assert!(z.real.is_infinite());
        assert_eq!(
            divide(Operand::Complex(parts(1.0, 1.0)), Operand::Complex(parts(inf, inf))),
            Ok(parts(0.0, 0.0))
        );
        assert_eq!(divide(Operand::Real(1.0), Operand::Complex(parts(0.0, 0.0))), Err(Failure::Domain));
    }

    #[test]
    fn real_operands_leave_the_imaginary_part_alone() {
        let z = parts(1.0, -0.0);
        assert!(add(Operand::Real(2.0), Operand::Complex(z)).imaginary.is_sign_negative());
        assert_eq!(power(parts(0.0, 1.0), parts(2.0, 0.0)), Ok(parts(-1.0, 0.0)));
    }
}

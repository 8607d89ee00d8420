//! Arithmetic on complex numbers, with C's rules for mixing them with reals.

use rspy_code::Constant;
use rspy_code::operation::Binary;

/// A complex number.
#[derive(Clone, Copy, Debug)]
pub struct Complex {
    /// The real part.
    pub real: f64,
    /// The imaginary part.
    pub imaginary: f64,
}

impl Complex {
    /// A complex number of these parts.
    pub fn new(real: f64, imaginary: f64) -> Self {
        Self { real, imaginary }
    }

    fn product(self, other: Self) -> Self {
        Self::new(
            self.real * other.real - self.imaginary * other.imaginary,
            self.real * other.imaginary + self.imaginary * other.real,
        )
    }

    /// The quotient by Smith's method.
    fn quotient(self, divisor: Self) -> Option<Self> {
        let (absolute_real, absolute_imaginary) = (divisor.real.abs(), divisor.imaginary.abs());
        if absolute_real >= absolute_imaginary {
            if absolute_real == 0.0 {
                return None;
            }
            let ratio = divisor.imaginary / divisor.real;
            let denominator = divisor.real + divisor.imaginary * ratio;
            Some(Self::new(
                (self.real + self.imaginary * ratio) / denominator,
                (self.imaginary - self.real * ratio) / denominator,
            ))
        } else if absolute_imaginary >= absolute_real {
            let ratio = divisor.real / divisor.imaginary;
            let denominator = divisor.real * ratio + divisor.imaginary;
            Some(Self::new(
                (self.real * ratio + self.imaginary) / denominator,
                (self.imaginary * ratio - self.real) / denominator,
            ))
        } else {
            None
        }
    }

    fn power(self, exponent: Self) -> Option<Self> {
        if exponent.imaginary == 0.0 && exponent.real.fract() == 0.0 && exponent.real.abs() <= 100.0 {
            let power = self.whole_power(exponent.real.abs() as u32);
            return if exponent.real >= 0.0 { Some(power) } else { Self::new(1.0, 0.0).quotient(power) };
        }
        if self.real == 0.0 && self.imaginary == 0.0 {
            return (exponent.real > 0.0 && exponent.imaginary == 0.0).then(|| Self::new(0.0, 0.0));
        }
        let magnitude = self.real.hypot(self.imaginary);
        let mut length = magnitude.powf(exponent.real);
        let angle = self.imaginary.atan2(self.real);
        let mut phase = angle * exponent.real;
        if exponent.imaginary != 0.0 {
            length *= (-angle * exponent.imaginary).exp();
            phase += exponent.imaginary * magnitude.ln();
        }
        Some(Self::new(length * phase.cos(), length * phase.sin()))
    }

    fn whole_power(self, exponent: u32) -> Self {
        let mut result = Self::new(1.0, 0.0);
        let mut square = self;
        let mut mask = 1;
        while mask <= exponent {
            if exponent & mask != 0 {
                result = result.product(square);
            }
            mask <<= 1;
            square = square.product(square);
        }
        result
    }
}

impl From<Complex> for Constant {
    fn from(value: Complex) -> Self {
        Self::Complex { real: value.real, imaginary: value.imaginary }
    }
}

/// A result, unless it is one that the interpreter would correct or refuse.
fn checked(value: Complex) -> Option<Constant> {
    (value.real.is_finite() && value.imaginary.is_finite()).then(|| value.into())
}

/// `left operation right`
pub fn binary(operation: Binary, left: Complex, right: Complex) -> Option<Constant> {
    match operation {
        Binary::Add => Some(Complex::new(left.real + right.real, left.imaginary + right.imaginary).into()),
        Binary::Subtract => {
            Some(Complex::new(left.real - right.real, left.imaginary - right.imaginary).into())
        }
        Binary::Multiply => checked(left.product(right)),
        Binary::TrueDivide => checked(left.quotient(right)?),
        Binary::Power => checked(left.power(right)?),
        _ => None,
    }
}

/// `left operation right`, the right a real number.
pub fn with_real(operation: Binary, left: Complex, right: f64) -> Option<Constant> {
    match operation {
        Binary::Add => Some(Complex::new(left.real + right, left.imaginary).into()),
        Binary::Subtract => Some(Complex::new(left.real - right, left.imaginary).into()),
        Binary::Multiply => Some(Complex::new(left.real * right, left.imaginary * right).into()),
        Binary::TrueDivide if right != 0.0 => {
            Some(Complex::new(left.real / right, left.imaginary / right).into())
        }
        Binary::Power => checked(left.power(Complex::new(right, 0.0))?),
        _ => None,
    }
}

/// `left operation right`, the left a real number.
pub fn real_with(operation: Binary, left: f64, right: Complex) -> Option<Constant> {
    match operation {
        Binary::Add => Some(Complex::new(left + right.real, right.imaginary).into()),
        Binary::Subtract => Some(Complex::new(left - right.real, -right.imaginary).into()),
        Binary::Multiply => Some(Complex::new(left * right.real, left * right.imaginary).into()),
        Binary::TrueDivide => checked(Complex::new(left, 0.0).quotient(right)?),
        Binary::Power => checked(Complex::new(left, 0.0).power(right)?),
        _ => None,
    }
}

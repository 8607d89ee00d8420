//! The module `math`: functions of real numbers. Their integer relatives are in [`integer`], sums and distances in
//! [`sums`], the gamma functions in [`gamma`].

mod gamma;
mod integer;
mod sums;

use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::float::{self, Float};
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions of the module.
struct Math;

fn domain_error(vm: &Vm) -> Exception {
    vm.value_error("math domain error")
}

fn range_error(vm: &Vm) -> Exception {
    vm.overflow_error("math range error")
}

/// A float as error messages show it.
fn shown(vm: &Vm, x: f64) -> String {
    vm.repr(&float::new(x)).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The result of a function that is defined for some inputs only; the message says for which.
fn within(vm: &Vm, x: f64, result: f64, expected: &str) -> PyResult<f64> {
    if (result.is_nan() && !x.is_nan()) || (result.is_infinite() && x.is_finite()) {
        return Err(vm.value_error(format!("{expected}, got {}", shown(vm, x))));
    }
    Ok(result)
}

/// The result of a function that can be too large.
fn in_range(vm: &Vm, x: f64, result: f64) -> PyResult<f64> {
    if result.is_infinite() && x.is_finite() {
        return Err(range_error(vm));
    }
    Ok(result)
}

/// A logarithm of a number, which may be an int of any size.
fn logarithm(vm: &Vm, x: &Value, function: fn(f64) -> f64) -> PyResult<f64> {
    if int::is_int(x) {
        let number = int::borrow_big(x).unwrap_or_default();
        if number.is_negative() || number.is_zero() {
            return Err(vm.value_error("expected a positive input"));
        }
        let float = int::big_to_f64(&number);
        if float.is_finite() {
            return Ok(function(float));
        }
        let (mantissa, exponent) = frexp_big(&number);
        return Ok(function(mantissa) + function(2.0) * exponent as f64);
    }
    let x = float::to_f64(vm, x)?;
    within(vm, x, function(x), "expected a positive input")
}

/// A large number as a fraction from one half to one and a power of two.
fn frexp_big(number: &BigInt) -> (f64, u64) {
    let bits = number.bits();
    let top = int::big_to_f64(&(number >> (bits - 64)));
    (top / 2f64.powi(64), bits)
}

/// What a special method answers, if the type has it.
fn special(vm: &Vm, x: &Value, name: &str) -> PyResult<Option<Value>> {
    vm.call_special(x, &vm.intern(name), &[])
}

/// The number if it is exactly a float.
fn exact_float(x: &Value) -> Option<f64> {
    x.small_float().or_else(|| x.downcast_exact::<Float>().and_then(|_| float::as_f64(x)))
}

fn rounded(vm: &Vm, x: &Value, name: &str, function: fn(f64) -> f64) -> PyResult {
    if exact_float(x).is_none()
        && let Some(result) = special(vm, x, name)?
    {
        return Ok(result);
    }
    int::from_float(vm, function(float::to_f64(vm, x)?))
}

#[pyfunctions]
impl Math {
    /// Return the arc cosine (measured in radians) of x.
    ///
    /// The result is between 0 and pi.
    #[function("acos(x, /)")]
    fn acos(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, x.acos(), "expected a number in range from -1 up to 1")
    }

    /// Return the inverse hyperbolic cosine of x.
    #[function("acosh(x, /)")]
    fn acosh(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, libm::acosh(x), "expected argument value not less than 1")
    }

    /// Return the arc sine (measured in radians) of x.
    ///
    /// The result is between -pi/2 and pi/2.
    #[function("asin(x, /)")]
    fn asin(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, x.asin(), "expected a number in range from -1 up to 1")
    }

    /// Return the inverse hyperbolic sine of x.
    #[function("asinh(x, /)")]
    fn asinh(x: f64) -> f64 {
        libm::asinh(x)
    }

    /// Return the arc tangent (measured in radians) of x.
    ///
    /// The result is between -pi/2 and pi/2.
    #[function("atan(x, /)")]
    fn atan(x: f64) -> f64 {
        x.atan()
    }

    /// Return the arc tangent (measured in radians) of y/x.
    ///
    /// Unlike atan(y/x), the signs of both x and y are considered.
    #[function("atan2(y, x, /)")]
    fn atan2(y: f64, x: f64) -> f64 {
        y.atan2(x)
    }

    /// Return the inverse hyperbolic tangent of x.
    #[function("atanh(x, /)")]
    fn atanh(vm: &Vm, x: f64) -> PyResult<f64> {
        let result = if x.abs() > 1.0 { f64::NAN } else { libm::atanh(x) };
        within(vm, x, result, "expected a number between -1 and 1")
    }

    /// Return the cube root of x.
    #[function("cbrt(x, /)")]
    fn cbrt(x: f64) -> f64 {
        x.cbrt()
    }

    /// Return the ceiling of x as an Integral.
    ///
    /// This is the smallest integer >= x.
    #[function("ceil(x, /)")]
    fn ceil(vm: &Vm, x: &Value) -> PyResult {
        rounded(vm, x, "__ceil__", f64::ceil)
    }

    /// Return a float with the magnitude (absolute value) of x but the sign of y.
    #[function("copysign(x, y, /)")]
    fn copysign(x: f64, y: f64) -> f64 {
        x.copysign(y)
    }

    /// Return the cosine of x (measured in radians).
    #[function("cos(x, /)")]
    fn cos(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, x.cos(), "expected a finite input")
    }

    /// Return the hyperbolic cosine of x.
    #[function("cosh(x, /)")]
    fn cosh(vm: &Vm, x: f64) -> PyResult<f64> {
        in_range(vm, x, x.cosh())
    }

    /// Convert angle x from radians to degrees.
    #[function("degrees(x, /)")]
    fn degrees(x: f64) -> f64 {
        x * (180.0 / std::f64::consts::PI)
    }

    /// Error function at x.
    #[function("erf(x, /)")]
    fn erf(x: f64) -> f64 {
        libm::erf(x)
    }

    /// Complementary error function at x.
    #[function("erfc(x, /)")]
    fn erfc(x: f64) -> f64 {
        libm::erfc(x)
    }

    /// Return e raised to the power of x.
    #[function("exp(x, /)")]
    fn exp(vm: &Vm, x: f64) -> PyResult<f64> {
        in_range(vm, x, x.exp())
    }

    /// Return 2 raised to the power of x.
    #[function("exp2(x, /)")]
    fn exp2(vm: &Vm, x: f64) -> PyResult<f64> {
        in_range(vm, x, x.exp2())
    }

    /// Return exp(x)-1.
    ///
    /// This function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x.
    #[function("expm1(x, /)")]
    fn expm1(vm: &Vm, x: f64) -> PyResult<f64> {
        in_range(vm, x, x.exp_m1())
    }

    /// Return the absolute value of the float x.
    #[function("fabs(x, /)")]
    fn fabs(x: f64) -> f64 {
        x.abs()
    }

    /// Return the floor of x as an Integral.
    ///
    /// This is the largest integer <= x.
    #[function("floor(x, /)")]
    fn floor(vm: &Vm, x: &Value) -> PyResult {
        rounded(vm, x, "__floor__", f64::floor)
    }

    /// Fused multiply-add operation.
    ///
    /// Compute (x * y) + z with a single round.
    #[function("fma(x, y, z, /)")]
    fn fma(vm: &Vm, x: f64, y: f64, z: f64) -> PyResult<f64> {
        let result = x.mul_add(y, z);
        if result.is_finite() {
            return Ok(result);
        }
        if result.is_nan() && !x.is_nan() && !y.is_nan() && !z.is_nan() {
            return Err(vm.value_error("invalid operation in fma"));
        }
        if result.is_infinite() && x.is_finite() && y.is_finite() && z.is_finite() {
            return Err(vm.overflow_error("overflow in fma"));
        }
        Ok(result)
    }

    /// Return fmod(x, y), according to platform C.
    ///
    /// x % y may differ.
    #[function("fmod(x, y, /)")]
    fn fmod(vm: &Vm, x: f64, y: f64) -> PyResult<f64> {
        let result = if y.is_infinite() && x.is_finite() { x } else { x % y };
        if result.is_nan() && !x.is_nan() && !y.is_nan() { Err(domain_error(vm)) } else { Ok(result) }
    }

    /// Return the mantissa and exponent of x, as pair (m, e).
    ///
    /// m is a float and e is an int, such that x = m * 2.**e.
    /// If x is 0, m and e are both 0.  Else 0.5 <= abs(m) < 1.0.
    #[function("frexp(x, /)")]
    fn frexp(x: f64) -> (f64, i32) {
        if x.is_finite() { float::frexp(x) } else { (x, 0) }
    }

    /// Gamma function at x.
    #[function("gamma(x, /)")]
    fn gamma(vm: &Vm, x: f64) -> PyResult<f64> {
        gamma::gamma(x).map_err(|error| gamma_error(vm, x, error))
    }

    /// Determine whether two floating-point numbers are close in value.
    ///
    /// Return True if a is close in value to b, and False otherwise. For the values to be considered close, the
    /// difference between them must be smaller than at least one of the tolerances.
    #[function("isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    fn isclose(vm: &Vm, a: f64, b: f64, rel_tol: f64, abs_tol: f64) -> PyResult<bool> {
        if rel_tol < 0.0 || abs_tol < 0.0 {
            return Err(vm.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        if a.is_infinite() || b.is_infinite() {
            return Ok(false);
        }
        let difference = (b - a).abs();
        Ok(difference <= (rel_tol * b).abs() || difference <= (rel_tol * a).abs() || difference <= abs_tol)
    }

    /// Return True if x is neither an infinity nor a NaN, and False otherwise.
    #[function("isfinite(x, /)")]
    fn isfinite(x: f64) -> bool {
        x.is_finite()
    }

    /// Return True if x is a positive or negative infinity, and False otherwise.
    #[function("isinf(x, /)")]
    fn isinf(x: f64) -> bool {
        x.is_infinite()
    }

    /// Return True if x is a NaN (not a number), and False otherwise.
    #[function("isnan(x, /)")]
    fn isnan(x: f64) -> bool {
        x.is_nan()
    }

    /// Return x * (2**i).
    ///
    /// This is essentially the inverse of frexp().
    #[function("ldexp(x, i, /)")]
    fn ldexp(vm: &Vm, x: f64, i: &Value) -> PyResult<f64> {
        if !int::is_int(i) {
            return Err(vm.type_error("Expected an int as second argument to ldexp."));
        }
        let limit = i64::from(i32::MAX);
        let exponent = int::small_value(i).unwrap_or(if int::sign(i) < 0 { -limit } else { limit });
        if x == 0.0 || !x.is_finite() {
            return Ok(x);
        }
        if exponent >= limit {
            return Err(range_error(vm));
        }
        let result = libm::ldexp(x, exponent.max(-limit) as i32);
        if result.is_infinite() { Err(range_error(vm)) } else { Ok(result) }
    }

    /// Natural logarithm of absolute value of Gamma function at x.
    #[function("lgamma(x, /)")]
    fn lgamma(vm: &Vm, x: f64) -> PyResult<f64> {
        gamma::log_gamma(x).map_err(|error| gamma_error(vm, x, error))
    }

    /// log(x, [base=math.e])
    /// Return the logarithm of x to the given base.
    ///
    /// If the base is not specified, returns the natural logarithm (base e) of x.
    #[function("log")]
    fn log(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("math.log() takes no keyword arguments"));
        }
        match args {
            [x] => Ok(float::new(logarithm(vm, x, f64::ln)?)),
            [x, base] => {
                let (x, base) = (logarithm(vm, x, f64::ln)?, logarithm(vm, base, f64::ln)?);
                if base == 0.0 {
                    return Err(vm.zero_division_error("division by zero"));
                }
                Ok(float::new(x / base))
            }
            [] => Err(vm.type_error("log expected at least 1 argument, got 0")),
            _ => Err(vm.type_error(format!("log expected at most 2 arguments, got {}", args.len()))),
        }
    }

    /// Return the base 10 logarithm of x.
    #[function("log10(x, /)")]
    fn log10(vm: &Vm, x: &Value) -> PyResult<f64> {
        logarithm(vm, x, f64::log10)
    }

    /// Return the natural logarithm of 1+x (base e).
    ///
    /// The result is computed in a way which is accurate for x near zero.
    #[function("log1p(x, /)")]
    fn log1p(vm: &Vm, x: f64) -> PyResult<f64> {
        let result = if x == 0.0 { x } else { x.ln_1p() };
        within(vm, x, result, "expected argument value > -1")
    }

    /// Return the base 2 logarithm of x.
    #[function("log2(x, /)")]
    fn log2(vm: &Vm, x: &Value) -> PyResult<f64> {
        logarithm(vm, x, f64::log2)
    }

    /// Return the fractional and integer parts of x.
    ///
    /// Both results carry the sign of x and are floats.
    #[function("modf(x, /)")]
    fn modf(x: f64) -> (f64, f64) {
        if x.is_infinite() {
            return (0f64.copysign(x), x);
        }
        ((x - x.trunc()).copysign(x), x.trunc())
    }

    /// Return the floating-point value the given number of steps after x towards y.
    ///
    /// If steps is not specified or is None, it defaults to 1.
    #[function("nextafter(x, y, /, *, steps=None)")]
    fn nextafter(vm: &Vm, x: f64, y: f64, steps: Option<&Value>) -> PyResult<f64> {
        let steps = match steps {
            None => 1,
            Some(steps) => {
                let steps = int::to_big(vm, steps)?;
                if steps.is_negative() {
                    return Err(vm.value_error("steps must be a non-negative integer"));
                }
                u64::try_from(steps).unwrap_or(u64::MAX)
            }
        };
        if steps > 0 && x == y {
            // Equal zeros may differ in sign.
            return Ok(y);
        }
        Ok(steps_towards(x, y, steps))
    }

    /// Return x**y (x to the power of y).
    #[function("pow(x, y, /)")]
    fn pow(vm: &Vm, x: f64, y: f64) -> PyResult<f64> {
        let result = x.powf(y);
        if x.is_finite() && y.is_finite() {
            if result.is_nan() || (result.is_infinite() && x == 0.0) {
                return Err(domain_error(vm));
            }
            if result.is_infinite() {
                return Err(range_error(vm));
            }
        }
        Ok(result)
    }

    /// Convert angle x from degrees to radians.
    #[function("radians(x, /)")]
    fn radians(x: f64) -> f64 {
        x * (std::f64::consts::PI / 180.0)
    }

    /// Difference between x and the closest integer multiple of y.
    ///
    /// Return x - n*y where n*y is the closest integer multiple of y. In the case where x is exactly halfway between
    /// two multiples of y, the nearest even value of n is used. The result is always exact.
    #[function("remainder(x, y, /)")]
    fn remainder(vm: &Vm, x: f64, y: f64) -> PyResult<f64> {
        if x.is_nan() || y.is_nan() {
            return Ok(if x.is_nan() { x } else { y });
        }
        if x.is_infinite() || y == 0.0 {
            return Err(domain_error(vm));
        }
        Ok(libm::remainder(x, y))
    }

    /// Return the sine of x (measured in radians).
    #[function("sin(x, /)")]
    fn sin(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, x.sin(), "expected a finite input")
    }

    /// Return the hyperbolic sine of x.
    #[function("sinh(x, /)")]
    fn sinh(vm: &Vm, x: f64) -> PyResult<f64> {
        in_range(vm, x, x.sinh())
    }

    /// Return the square root of x.
    #[function("sqrt(x, /)")]
    fn sqrt(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, x.sqrt(), "expected a nonnegative input")
    }

    /// Return the tangent of x (measured in radians).
    #[function("tan(x, /)")]
    fn tan(vm: &Vm, x: f64) -> PyResult<f64> {
        within(vm, x, x.tan(), "expected a finite input")
    }

    /// Return the hyperbolic tangent of x.
    #[function("tanh(x, /)")]
    fn tanh(x: f64) -> f64 {
        x.tanh()
    }

    /// Truncates the Real x to the nearest Integral toward 0.
    ///
    /// Uses the __trunc__ magic method.
    #[function("trunc(x, /)")]
    fn trunc(vm: &Vm, x: &Value) -> PyResult {
        if let Some(x) = exact_float(x) {
            return int::from_float(vm, x.trunc());
        }
        match special(vm, x, "__trunc__")? {
            Some(result) => Ok(result),
            None => Err(vm.type_error(format!("type {} doesn't define __trunc__ method", x.type_of().full_name()))),
        }
    }

    /// Return the value of the least significant bit of the float x.
    #[function("ulp(x, /)")]
    fn ulp(x: f64) -> f64 {
        let x = x.abs();
        if !x.is_finite() {
            return x;
        }
        let above = x.next_up();
        if above.is_infinite() { x - x.next_down() } else { above - x }
    }
}

fn gamma_error(vm: &Vm, x: f64, error: gamma::GammaError) -> Exception {
    match error {
        gamma::GammaError::Domain => {
            vm.value_error(format!("expected a noninteger or positive integer, got {}", shown(vm, x)))
        }
        gamma::GammaError::Range => range_error(vm),
    }
}

/// The float so many steps from `x` towards `y`.
fn steps_towards(x: f64, y: f64, steps: u64) -> f64 {
    if steps == 0 || x.is_nan() {
        return x;
    }
    if y.is_nan() {
        return y;
    }
    if x == y {
        return y;
    }
    // Floats as integers in the order of their values.
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        i128::from(if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits })
    };
    let (from, to) = (place(x), place(y));
    let steps = i128::from(steps);
    if (to - from).abs() <= steps {
        return y;
    }
    let result = if to > from { from + steps } else { from - steps } as i64;
    let bits = if result < 0 { i64::MIN.wrapping_sub(result) } else { result };
    let float = f64::from_bits(bits as u64);
    if result == 0 { 0f64.copysign(x) } else { float }
}

native_module! {
    name: "math",
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: [Math::FUNCTIONS, integer::Integer::FUNCTIONS, sums::Sums::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        module.set(vm, "pi", float::new(std::f64::consts::PI));
        module.set(vm, "e", float::new(std::f64::consts::E));
        module.set(vm, "tau", float::new(std::f64::consts::TAU));
        module.set(vm, "inf", float::new(f64::INFINITY));
        module.set(vm, "nan", float::new(f64::NAN));
        Ok(())
    }
}

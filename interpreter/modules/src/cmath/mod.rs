//! The module `cmath`: functions of complex numbers.

mod functions;
mod special;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::Object;
use rspy_runtime::types::complex;
use rspy_runtime::types::float;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use functions::{Complex, Failure, Outcome};

native_module! {
    name: "cmath",
    doc: "This module provides access to mathematical functions for complex numbers.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        module.set(vm, name, float::new(number));
    }
    module.set(vm, "infj", complex::new(0.0, f64::INFINITY));
    module.set(vm, "nanj", complex::new(0.0, f64::NAN));
    Ok(())
}

fn raised(vm: &Vm, failure: Failure) -> Exception {
    match failure {
        Failure::Domain => vm.value_error("math domain error"),
        Failure::Range => vm.overflow_error("math range error"),
    }
}

fn apply(vm: &Vm, z: &Value, function: fn(Complex) -> Outcome) -> PyResult {
    let z = complex::to_parts(vm, z)?;
    function(z).map(|(real, imaginary)| complex::new(real, imaginary)).map_err(|failure| raised(vm, failure))
}

/// The operation `/` by CPython's number.
const TRUE_DIVIDE: u32 = 11;

/// The distance from zero.
fn size(vm: &Vm, (real, imaginary): Complex) -> PyResult<f64> {
    let size = real.hypot(imaginary);
    if size.is_infinite() && real.is_finite() && imaginary.is_finite() {
        return Err(raised(vm, Failure::Range));
    }
    Ok(size)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the arc cosine of z.
    #[function("acos(z, /)")]
    fn acos(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::acos)
    }

    /// Return the inverse hyperbolic cosine of z.
    #[function("acosh(z, /)")]
    fn acosh(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::acosh)
    }

    /// Return the arc sine of z.
    #[function("asin(z, /)")]
    fn asin(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::asin)
    }

    /// Return the inverse hyperbolic sine of z.
    #[function("asinh(z, /)")]
    fn asinh(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::asinh)
    }

    /// Return the arc tangent of z.
    #[function("atan(z, /)")]
    fn atan(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::atan)
    }

    /// Return the inverse hyperbolic tangent of z.
    #[function("atanh(z, /)")]
    fn atanh(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::atanh)
    }

    /// Return the cosine of z.
    #[function("cos(z, /)")]
    fn cos(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::cos)
    }

    /// Return the hyperbolic cosine of z.
    #[function("cosh(z, /)")]
    fn cosh(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::cosh)
    }

    /// Return the exponential value e**z.
    #[function("exp(z, /)")]
    fn exp(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::exp)
    }

    /// Return the sine of z.
    #[function("sin(z, /)")]
    fn sin(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::sin)
    }

    /// Return the hyperbolic sine of z.
    #[function("sinh(z, /)")]
    fn sinh(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::sinh)
    }

    /// Return the square root of z.
    #[function("sqrt(z, /)")]
    fn sqrt(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::sqrt)
    }

    /// Return the tangent of z.
    #[function("tan(z, /)")]
    fn tan(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::tan)
    }

    /// Return the hyperbolic tangent of z.
    #[function("tanh(z, /)")]
    fn tanh(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, functions::tanh)
    }

    /// log(z[, base]) -> the logarithm of z to the given base.
    ///
    /// If the base is not specified, returns the natural logarithm (base e) of z.
    #[function("log(z, base=<unrepresentable>, /)")]
    fn log(vm: &Vm, z: &Value, base: Option<&Value>) -> PyResult {
        let natural = apply(vm, z, functions::log)?;
        let Some(base) = base else { return Ok(natural) };
        let base = apply(vm, base, functions::log)?;
        if complex::as_parts(&base).is_some_and(|(real, imaginary)| real == 0.0 && imaginary == 0.0) {
            return Err(raised(vm, Failure::Domain));
        }
        vm.binary_operation(TRUE_DIVIDE, &natural, &base)
    }

    /// Return the base-10 logarithm of z.
    #[function("log10(z, /)")]
    fn log10(vm: &Vm, z: &Value) -> PyResult {
        apply(vm, z, |z| {
            let (real, imaginary) = functions::log(z)?;
            Ok((real / std::f64::consts::LN_10, imaginary / std::f64::consts::LN_10))
        })
    }

    /// Return argument, also known as the phase angle, of a complex.
    #[function("phase(z, /)")]
    fn phase(vm: &Vm, z: &Value) -> PyResult<f64> {
        let (real, imaginary) = complex::to_parts(vm, z)?;
        Ok(imaginary.atan2(real))
    }

    /// Convert a complex from rectangular coordinates to polar coordinates.
    ///
    /// r is the distance from 0 and phi the phase angle.
    #[function("polar(z, /)")]
    fn polar(vm: &Vm, z: &Value) -> PyResult {
        let (real, imaginary) = complex::to_parts(vm, z)?;
        let distance = size(vm, (real, imaginary))?;
        Ok(Tuple::from_values([float::new(distance), float::new(imaginary.atan2(real))]).into_value())
    }

    /// Convert from polar coordinates to rectangular coordinates.
    #[function("rect(r, phi, /)")]
    fn rect(vm: &Vm, r: f64, phi: f64) -> PyResult {
        let (real, imaginary) = functions::rect(r, phi).map_err(|failure| raised(vm, failure))?;
        Ok(complex::new(real, imaginary))
    }

    /// Return True if both the real and imaginary parts of z are finite, else False.
    #[function("isfinite(z, /)")]
    fn isfinite(vm: &Vm, z: &Value) -> PyResult<bool> {
        let (real, imaginary) = complex::to_parts(vm, z)?;
        Ok(real.is_finite() && imaginary.is_finite())
    }

    /// Checks if the real or imaginary part of z not a number (NaN).
    #[function("isnan(z, /)")]
    fn isnan(vm: &Vm, z: &Value) -> PyResult<bool> {
        let (real, imaginary) = complex::to_parts(vm, z)?;
        Ok(real.is_nan() || imaginary.is_nan())
    }

    /// Checks if the real or imaginary part of z is infinite.
    #[function("isinf(z, /)")]
    fn isinf(vm: &Vm, z: &Value) -> PyResult<bool> {
        let (real, imaginary) = complex::to_parts(vm, z)?;
        Ok(real.is_infinite() || imaginary.is_infinite())
    }

    /// Determine whether two complex numbers are close in value.
    ///
    /// For them to be close, their difference must be at most rel_tol times the larger one, or at most abs_tol.
    #[function("isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)")]
    fn isclose(vm: &Vm, a: &Value, b: &Value, rel_tol: f64, abs_tol: f64) -> PyResult<bool> {
        let (a, b) = (complex::to_parts(vm, a)?, complex::to_parts(vm, b)?);
        if rel_tol < 0.0 || abs_tol < 0.0 {
            return Err(vm.value_error("tolerances must be non-negative"));
        }
        if a == b {
            return Ok(true);
        }
        if [a.0, a.1, b.0, b.1].iter().any(|part| part.is_infinite()) {
            return Ok(false);
        }
        let difference = (a.0 - b.0).hypot(a.1 - b.1);
        let (a, b) = (a.0.hypot(a.1), b.0.hypot(b.1));
        Ok(difference <= rel_tol * b || difference <= rel_tol * a || difference <= abs_tol)
    }
}

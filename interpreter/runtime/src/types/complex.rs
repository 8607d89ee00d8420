//! `complex`: a pair of floats.

pub mod arithmetic;
pub mod text;

use rspy_macros::{pyclass, pymethods};

use crate::arguments::{InternedNames, KeywordArguments, Parameters, bind};
use crate::exceptions::{PyResult, deprecation_warning};
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::none::{is_none, not_implemented};
use crate::types::string::Str;
use crate::types::{float, int};
use crate::value::Value;
use crate::vm::Vm;
use arithmetic::{Failure, Operand, Parts, parts};

/// Create a complex number from a string or numbers.
///
/// If a string is given, parse it as a complex number.
/// If a single number is given, convert it to a complex number.
/// If the 'real' or 'imag' arguments are given, create a complex number with these components.
#[pyclass(name = "complex", subclassable, signature = "(real=0, imag=0)")]
pub struct Complex {
    parts: Parts,
}

/// A `complex`.
pub fn new(real: f64, imaginary: f64) -> Value {
    Object::new(Complex { parts: parts(real, imaginary) }).into_value()
}

fn of(parts: Parts) -> Value {
    Object::new(Complex { parts }).into_value()
}

impl Complex {
    /// Real and imaginary part.
    pub const fn parts(&self) -> (f64, f64) {
        (self.parts.real, self.parts.imaginary)
    }

    /// The real part.
    pub const fn real(&self) -> f64 {
        self.parts.real
    }

    /// The imaginary part.
    pub const fn imaginary(&self) -> f64 {
        self.parts.imaginary
    }
}

/// The number, if the value is a `complex` or of a class derived from it.
pub fn as_parts(value: &Value) -> Option<(f64, f64)> {
    value.downcast::<Complex>().map(|complex| complex.parts())
}

/// The number that a value stands for: a complex number, what `__complex__` answers, or a real number.
///
/// # Errors
/// `TypeError` where it stands for none, and what the conversion raises.
pub fn to_parts(vm: &Vm, value: &Value) -> PyResult<(f64, f64)> {
    if let Some(parts) = as_parts(value) {
        return Ok(parts);
    }
    match special(vm, value)? {
        Some(parts) => Ok(parts),
        None => Ok((float::to_f64(vm, value)?, 0.0)),
    }
}

/// What `__complex__` answers, if there is such a method.
fn special(vm: &Vm, value: &Value) -> PyResult<Option<(f64, f64)>> {
    let Some(answer) = vm.call_special(value, &names::__complex__, &[])? else { return Ok(None) };
    let Some(parts) = as_parts(&answer) else {
        return Err(vm.type_error(format!(
            "__complex__ returned non-complex (type {})",
            answer.type_of().full_name()
        )));
    };
    if answer.downcast_exact::<Complex>().is_none() {
        let message = format!(
            "__complex__ returned non-complex (type {}).  The ability to return an instance of a strict subclass of complex is deprecated, and may be removed in a future version of Python.",
            answer.type_of().full_name()
        );
        crate::warnings::warn(vm, deprecation_warning(), &message, 1)?;
    }
    Ok(Some(parts))
}

/// A negative float to a fractional power.
///
/// # Errors
/// `OverflowError` where the result is too large, `ZeroDivisionError` for zero to a negative power.
pub fn power_of_floats(vm: &Vm, base: f64, exponent: f64) -> PyResult {
    power(vm, parts(base, 0.0), parts(exponent, 0.0))
}

fn power(vm: &Vm, base: Parts, exponent: Parts) -> PyResult {
    match arithmetic::power(base, exponent) {
        Ok(result) => Ok(of(result)),
        Err(Failure::Domain) => Err(vm.zero_division_error("zero to a negative or complex power")),
        Err(Failure::Range) => Err(vm.overflow_error("complex exponentiation")),
    }
}

/// An arithmetic operator's operand; nothing for other types.
fn operand(vm: &Vm, value: &Value) -> PyResult<Option<Operand>> {
    if let Some(complex) = value.downcast::<Complex>() {
        return Ok(Some(Operand::Complex(complex.parts)));
    }
    if let Some(float) = float::as_f64(value) {
        return Ok(Some(Operand::Real(float)));
    }
    if int::is_int(value) {
        return Ok(Some(Operand::Real(int::as_f64(vm, value)?)));
    }
    Ok(None)
}

fn binary(vm: &Vm, left: &Value, right: &Value, with: impl FnOnce(Operand, Operand) -> PyResult) -> PyResult {
    let Some(left) = operand(vm, left)? else { return Ok(not_implemented()) };
    let Some(right) = operand(vm, right)? else { return Ok(not_implemented()) };
    with(left, right)
}

fn of_type(class: &TypeObject, (real, imaginary): (f64, f64)) -> Value {
    Object::with_type(class, Complex { parts: parts(real, imaginary) }).into_value()
}

/// Whether a value can be converted to a float.
fn is_real(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.float.get().is_some() || slots.index.get().is_some()
}

fn from_text(vm: &Vm, value: &Object<Str>) -> PyResult<(f64, f64)> {
    match text::parse(&crate::format::int::ascii_text(value)) {
        Ok(parts) => Ok((parts.real, parts.imaginary)),
        Err(text::ParseError::Malformed) => Err(vm.value_error("complex() arg is a malformed string")),
        Err(text::ParseError::Underscores) => {
            let shown = vm.repr(&value.as_value())?;
            Err(vm.value_error(format!("could not convert string to complex: {}", shown.to_string_lossy())))
        }
    }
}

/// `complex(value)`.
fn from_single(vm: &Vm, class: &TypeObject, value: &Value) -> PyResult {
    if value.downcast_exact::<Complex>().is_some() && std::ptr::eq(class, Complex::static_type()) {
        return Ok(value.clone());
    }
    if let Some(text) = value.downcast::<Str>() {
        return Ok(of_type(class, from_text(vm, text)?));
    }
    if let Some(parts) = special(vm, value)? {
        return Ok(of_type(class, parts));
    }
    if let Some(parts) = as_parts(value) {
        return Ok(of_type(class, parts));
    }
    if is_real(value) {
        return Ok(of_type(class, (float::to_f64(vm, value)?, 0.0)));
    }
    Err(vm.type_error(format!(
        "complex() argument must be a string or a number, not {}",
        value.type_of().full_name()
    )))
}

/// One of two components; answers also whether it was complex itself, which is deprecated.
fn component(vm: &Vm, value: &Value, name: &str) -> PyResult<(Parts, bool)> {
    let not_real =
        || format!("complex() argument '{name}' must be a real number, not {}", value.type_of().full_name());
    let converted = if name == "real" { special(vm, value)? } else { None };
    match converted.or_else(|| as_parts(value)) {
        Some((real, imaginary)) => {
            crate::warnings::warn(vm, deprecation_warning(), &not_real(), 1)?;
            Ok((parts(real, imaginary), true))
        }
        None if is_real(value) => Ok((parts(float::to_f64(vm, value)?, 0.0), false)),
        None => Err(vm.type_error(not_real())),
    }
}

/// `complex(real, imag)`.
fn from_components(vm: &Vm, class: &TypeObject, real: Option<&Value>, imaginary: Option<&Value>) -> PyResult {
    if let Some(imaginary) = imaginary
        && !is_real(imaginary)
        && as_parts(imaginary).is_none()
        && real.is_none_or(|real| is_real(real) || as_parts(real).is_some())
    {
        component(vm, imaginary, "imag")?;
    }
    let (mut re, real_is_complex) = match real {
        Some(real) => component(vm, real, "real")?,
        None => (parts(0.0, 0.0), false),
    };
    let Some(imaginary) = imaginary else { return Ok(of_type(class, (re.real, re.imaginary))) };
    let (mut im, imaginary_is_complex) = component(vm, imaginary, "imag")?;
    if imaginary_is_complex {
        re.real -= im.imaginary;
    }
    if real_is_complex {
        im.real += re.imaginary;
    }
    Ok(of_type(class, (re.real, im.real)))
}

#[pymethods]
impl Complex {
    #[slot(new)]
    fn construct(vm: &Vm, class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<2> = Parameters {
            function: "complex",
            names: ["real", "imag"],
            required: [false, false],
            interned: InternedNames::NONE,
            positional_only: 0,
            positional: 2,
            rest: false,
            keywords: false,
        };
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        match positional {
            [] if keywords.is_empty() => Ok(of_type(class, (0.0, 0.0))),
            [value] if keywords.is_empty() => from_single(vm, class, value),
            _ => {
                let bound = bind(vm, &PARAMETERS, args, names)?;
                let [real, imaginary] = bound.simple;
                from_components(vm, class, real, imaginary)
            }
        }
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        text::repr(self.parts)
    }

    #[slot(hash)]
    fn hash(&self, this: &Value) -> PyResult<i64> {
        const IMAGINARY: i64 = 1_000_003;
        let real = float::hash(self.parts.real, this.bits());
        let imaginary = float::hash(self.parts.imaginary, this.bits());
        let hash = real.wrapping_add(IMAGINARY.wrapping_mul(imaginary));
        Ok(if hash == -1 { -2 } else { hash })
    }

    #[slot(bool)]
    fn bool(&self) -> PyResult<bool> {
        Ok(self.parts.real != 0.0 || self.parts.imaginary != 0.0)
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(not_implemented());
        }
        let (real, imaginary) = self.parts();
        let equal = if let Some((other_real, other_imaginary)) = as_parts(other) {
            real == other_real && imaginary == other_imaginary
        } else if let Some(other) = float::as_f64(other) {
            real == other && imaginary == 0.0
        } else if int::is_int(other) {
            imaginary == 0.0 && vm.equal(&float::new(real), other)?
        } else {
            return Ok(not_implemented());
        };
        Ok(boolean(equal == (comparison == Comparison::Equal)))
    }

    #[slot(add)]
    fn add(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| Ok(of(arithmetic::add(left, right))))
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| Ok(of(arithmetic::subtract(left, right))))
    }

    #[slot(multiply)]
    fn multiply(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| Ok(of(arithmetic::multiply(left, right))))
    }

    #[slot(true_divide)]
    fn true_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        binary(vm, left, right, |left, right| match arithmetic::divide(left, right) {
            Ok(result) => Ok(of(result)),
            Err(_) => Err(vm.zero_division_error("division by zero")),
        })
    }

    #[slot(power)]
    fn power(vm: &Vm, left: &Value, right: &Value, modulus: &Value) -> PyResult {
        binary(vm, left, right, |left, right| {
            if !is_none(modulus) {
                return Err(vm.value_error("complex modulo"));
            }
            power(vm, left.widened(), right.widened())
        })
    }

    #[slot(negative)]
    fn negative(&self) -> Value {
        new(-self.parts.real, -self.parts.imaginary)
    }

    #[slot(positive)]
    fn positive(&self, this: &Value) -> Value {
        if this.downcast_exact::<Complex>().is_some() { this.clone() } else { of(self.parts) }
    }

    #[slot(absolute)]
    fn absolute(&self, vm: &Vm) -> PyResult<f64> {
        arithmetic::absolute(self.parts).map_err(|_| vm.overflow_error("absolute value too large"))
    }

    /// the real part of a complex number
    #[getter("real", member)]
    fn real_attribute(&self) -> f64 {
        self.parts.real
    }

    /// the imaginary part of a complex number
    #[getter("imag", member)]
    fn imag_attribute(&self) -> f64 {
        self.parts.imaginary
    }

    /// Convert number to a complex floating-point number.
    #[classmethod("from_number(type, number, /)")]
    fn from_number(vm: &Vm, cls: &TypeObject, number: &Value) -> PyResult {
        if number.downcast_exact::<Complex>().is_some() && std::ptr::eq(cls, Complex::static_type()) {
            return Ok(number.clone());
        }
        let (real, imaginary) = to_parts(vm, number)?;
        if std::ptr::eq(cls, Complex::static_type()) {
            return Ok(new(real, imaginary));
        }
        cls.construct(vm, &[new(real, imaginary)])
    }

    /// Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.
    #[method("conjugate(self, /)")]
    fn conjugate(&self) -> Value {
        new(self.parts.real, -self.parts.imaginary)
    }

    /// Convert this value to exact type complex.
    #[method("__complex__(self, /)")]
    fn complex(&self, this: &Value) -> Value {
        self.positive(this)
    }

    /// The arguments that make the number again.
    #[method("__getnewargs__(self, /)")]
    fn getnewargs(&self) -> (f64, f64) {
        self.parts()
    }

    /// Convert to a string according to format_spec.
    #[method("__format__(self, format_spec, /)")]
    fn format(this: &Object<Complex>, vm: &Vm, format_spec: &Object<Str>) -> PyResult<Ref<Str>> {
        crate::format::builtin::format_complex(vm, this, format_spec)
    }
}

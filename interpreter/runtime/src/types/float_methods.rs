//! Making floats, and the methods of `float`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};
use rspy_macros::pymethods;

use crate::buffer;
use crate::exceptions::PyResult;
use crate::format::hexadecimal::{self, HexError};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::float::{self, Float};
use crate::types::int;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// `float(x=0)` for `float` and what derives from it.
pub(super) fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    let exact = std::ptr::eq(cls, Float::static_type());
    let (args, names) = crate::arguments::for_new(cls, Float::static_type(), args, names);
    let args = crate::arguments::positional(vm, "float", args, names, 0, 1)?;
    if let [x] = args
        && exact
        && float::is_exact(x)
    {
        return Ok(x.clone());
    }
    let number = match args.first() {
        None => 0.0,
        Some(x) => from_object(vm, x)?,
    };
    if exact {
        return Ok(float::new(number));
    }
    Ok(Object::with_type(cls, Float::of(number)).into_value())
}

/// `float(x)`.
///
/// # Errors
/// `TypeError` and `ValueError` where the object is no number and no text of one.
pub fn from_object(vm: &Vm, x: &Value) -> PyResult<f64> {
    let slots = x.type_of().slots();
    if let Some(convert) = slots.float.get()
        && !float::is_exact(x)
    {
        return converted(vm, x, &convert(vm, x)?);
    }
    if let Some(text) = x.downcast::<Str>() {
        return parse(vm, &crate::format::int::ascii_text(text), x);
    }
    if slots.float.get().is_some() || slots.index.get().is_some() {
        return float::to_f64(vm, x);
    }
    if buffer::has_buffer(x) {
        let view = buffer::view(vm, x)?;
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
        let text: String =
            view.as_slice().iter().map(|&byte| if byte < 0x80 { byte as char } else { '?' }).collect();
        return parse(vm, text.trim_matches(|c: char| is_space(&(c as u8))), x);
    }
    Err(vm.type_error(format!(
        "float() argument must be a string or a real number, not '{}'",
        x.type_of().full_name()
    )))
}

/// What `__float__` has answered.
fn converted(vm: &Vm, x: &Value, answer: &Value) -> PyResult<f64> {
    let (of, got) = (x.type_of().name(), answer.type_of().name());
    let Some(number) = float::as_f64(answer) else {
        return Err(vm.type_error(format!("{of}.__float__ returned non-float (type {got})")));
    };
    if !float::is_exact(answer) {
        let message = format!(
            "{of}.__float__ returned non-float (type {got}).  The ability to return an instance of a strict subclass \
             of float is deprecated, and may be removed in a future version of Python."
        );
        crate::warnings::warn(vm, crate::exceptions::deprecation_warning(), &message, 1)?;
    }
    Ok(number)
}

fn parse(vm: &Vm, text: &str, shown: &Value) -> PyResult<f64> {
    match crate::format::float::parse(text) {
        Some(number) => Ok(number),
        None => {
            let shown = vm.repr(shown)?;
            Err(vm.value_error(format!("could not convert string to float: {}", shown.to_string_lossy())))
        }
    }
}

fn value_of(this: &Value) -> f64 {
    float::as_f64(this).unwrap_or(0.0)
}

/// A finite number as `mantissa * 2 ** exponent`.
fn decomposed(number: f64) -> (BigInt, i32) {
    let bits = number.abs().to_bits();
    let exponent = (bits >> 52) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let mantissa = BigInt::from(mantissa);
    (if number < 0.0 { -mantissa } else { mantissa }, exponent.max(1) - 1075)
}

/// The number as a fraction in lowest terms.
fn ratio(number: f64) -> (BigInt, BigInt) {
    let (mantissa, exponent) = decomposed(number);
    if mantissa.is_zero() {
        return (BigInt::zero(), BigInt::one());
    }
    let zeros = mantissa.trailing_zeros().unwrap_or(0) as i32;
    let (mantissa, exponent) = (mantissa >> zeros, exponent + zeros);
    if exponent >= 0 { (mantissa << exponent, BigInt::one()) } else { (mantissa, BigInt::one() << -exponent) }
}

/// The number rounded to a number of decimal places, halves to even; `None` where the result is too large.
fn rounded(number: f64, places: i32) -> Option<f64> {
    if places >= 0 {
        return format!("{number:.*}", places as usize).parse().ok();
    }
    let (numerator, denominator) = ratio(number.abs());
    let unit = BigInt::from(10).pow(places.unsigned_abs()) * denominator;
    let (quotient, remainder) = numerator.div_rem(&unit);
    let twice: BigInt = remainder << 1;
    let up = twice > unit || (twice == unit && quotient.is_odd());
    let quotient = if up { quotient + 1 } else { quotient };
    let text = format!("{quotient}e{}", places.unsigned_abs());
    let magnitude: f64 = text.parse().ok()?;
    magnitude.is_finite().then(|| magnitude.copysign(number))
}

fn built(vm: &Vm, cls: &TypeObject, number: f64) -> PyResult {
    let number = float::new(number);
    if std::ptr::eq(cls, Float::static_type()) { Ok(number) } else { cls.construct(vm, &[number]) }
}

#[pymethods(MORE_METHODS)]
impl Float {
    /// Convert real number to a floating-point number.
    #[classmethod("from_number(type, number, /)")]
    fn from_number(cls: &TypeObject, vm: &Vm, number: &Value) -> PyResult {
        if float::is_exact(number) && std::ptr::eq(cls, Float::static_type()) {
            return Ok(number.clone());
        }
        built(vm, cls, float::to_f64(vm, number)?)
    }

    /// Return self, the complex conjugate of any float.
    #[method("conjugate(self, /)")]
    fn conjugate(this: &Value) -> f64 {
        value_of(this)
    }

    /// Return the Integral closest to x between 0 and x.
    #[method("__trunc__(self, /)")]
    fn trunc(this: &Value, vm: &Vm) -> PyResult {
        int::from_float(vm, value_of(this))
    }

    /// Return the floor as an Integral.
    #[method("__floor__(self, /)")]
    fn floor(this: &Value, vm: &Vm) -> PyResult {
        int::from_float(vm, value_of(this).floor())
    }

    /// Return the ceiling as an Integral.
    #[method("__ceil__(self, /)")]
    fn ceil(this: &Value, vm: &Vm) -> PyResult {
        int::from_float(vm, value_of(this).ceil())
    }

    /// Return the Integral closest to x, rounding half toward even.
    ///
    /// When an argument is passed, work like built-in round(x, ndigits).
    #[method("__round__(self, ndigits=None, /)")]
    fn round(this: &Value, vm: &Vm, ndigits: Option<&Value>) -> PyResult {
        const MOST: isize = 323;
        const LEAST: isize = -308;
        let number = value_of(this);
        let Some(ndigits) = ndigits else { return int::from_float(vm, number.round_ties_even()) };
        let index = vm.index(ndigits)?;
        let places = match int::small_value(&index) {
            Some(small) => small as isize,
            None if int::sign(&index) < 0 => isize::MIN,
            None => isize::MAX,
        };
        if !number.is_finite() || places > MOST {
            return Ok(float::new(number));
        }
        if places < LEAST {
            return Ok(float::new(0.0 * number));
        }
        match rounded(number, places as i32) {
            Some(rounded) => Ok(float::new(rounded)),
            None => Err(vm.overflow_error("rounded value too large to represent")),
        }
    }

    /// Return a pair of integers, whose ratio is exactly equal to the original float.
    ///
    /// The ratio is in lowest terms and has a positive denominator.
    ///
    /// >>> (2.75).as_integer_ratio()
    /// (11, 4)
    #[method("as_integer_ratio(self, /)")]
    fn as_integer_ratio(this: &Value, vm: &Vm) -> PyResult<(BigInt, BigInt)> {
        let number = value_of(this);
        if number.is_infinite() {
            return Err(vm.overflow_error("cannot convert Infinity to integer ratio"));
        }
        if number.is_nan() {
            return Err(vm.value_error("cannot convert NaN to integer ratio"));
        }
        Ok(ratio(number))
    }

    /// Create a floating-point number from a hexadecimal string.
    ///
    /// >>> float.fromhex('0x1.8p3')
    /// 12.0
    #[classmethod("fromhex(type, string, /)")]
    fn fromhex(cls: &TypeObject, vm: &Vm, string: &Value) -> PyResult {
        let Some(text) = string.downcast::<Str>() else {
            return Err(vm.type_error("bad argument type for built-in operation"));
        };
        let text = text.to_utf8(vm)?;
        let text = text.trim_matches(|c: char| matches!(c, ' ' | '\t'..='\r'));
        match hexadecimal::from_hex(text) {
            Ok(number) => built(vm, cls, number),
            Err(error @ HexError::TooLarge) => Err(vm.overflow_error(error.message())),
            Err(error) => Err(vm.value_error(error.message())),
        }
    }

    /// Return a hexadecimal representation of a floating-point number.
    ///
    /// >>> (12.0).hex()
    /// '0x1.8000000000000p+3'
    #[method("hex(self, /)")]
    fn hex(this: &Value) -> String {
        hexadecimal::to_hex(value_of(this))
    }

    /// Return True if the float is an integer.
    #[method("is_integer(self, /)")]
    fn is_integer(this: &Value) -> bool {
        let number = value_of(this);
        number.is_finite() && number.floor() == number
    }

    /// How to copy and pickle it.
    #[method("__getnewargs__(self, /)")]
    fn getnewargs(this: &Value) -> (f64,) {
        (value_of(this),)
    }

    /// You probably don't want to use this function.
    ///
    /// It exists mainly to be used in Python's test suite: it says how numbers of a C type lie in memory.
    #[classmethod("__getformat__(type, typestr, /)")]
    fn getformat(vm: &Vm, typestr: &Object<Str>) -> PyResult<&'static str> {
        if !typestr.equals_str("double") && !typestr.equals_str("float") {
            return Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'"));
        }
        Ok(if cfg!(target_endian = "big") { "IEEE, big-endian" } else { "IEEE, little-endian" })
    }

    /// Formats the float according to format_spec.
    #[method("__format__(self, format_spec, /)")]
    fn format(this: &Value, vm: &Vm, format_spec: &Object<Str>) -> PyResult<Ref<Str>> {
        crate::format::builtin::format_float(vm, this, format_spec)
    }
}

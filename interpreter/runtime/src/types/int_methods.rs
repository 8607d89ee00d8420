//! Making ints, and the methods of `int`.

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use rspy_macros::pymethods;

use crate::arguments::KeywordArguments;
use crate::buffer;
use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::bytes::{ByteArray, Bytes};
use crate::types::int::{self, Int};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// `int(x, base=10)` for `int` and what derives from it.
pub(super) fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    if let ([x], None) = (args, names)
        && std::ptr::eq(cls, Int::static_type())
    {
        return Ok(int::to_exact(&from_object(vm, x)?));
    }
    let (positional, keywords) = KeywordArguments::of_call(args, names);
    let mut base = positional.get(1);
    for (name, value) in keywords.iter() {
        match name.downcast::<Str>() {
            Some(name) if name.equals_str("base") && base.is_none() => base = Some(value),
            Some(name) => {
                let name = name.to_string_lossy();
                return Err(vm.type_error(format!("int() got an unexpected keyword argument '{name}'")));
            }
            None => return Err(vm.type_error("keywords must be strings")),
        }
    }
    let positional = crate::arguments::positional(vm, "int", positional, None, 0, 2)?;
    let number = match (positional.first(), base) {
        (None, None) => Value::int(0),
        (None, Some(_)) => return Err(vm.type_error("int() missing string argument")),
        (Some(x), None) => from_object(vm, x)?,
        (Some(x), Some(base)) => from_text(vm, x, base)?,
    };
    if std::ptr::eq(cls, Int::static_type()) {
        Ok(int::to_exact(&number))
    } else {
        Ok(int::with_type(cls, &number))
    }
}

fn from_text(vm: &Vm, text: &Value, base: &Value) -> PyResult {
    let index = vm.index(base)?;
    let base = int::small_value(&index).unwrap_or(if int::sign(&index) < 0 { i64::MIN } else { i64::MAX });
    if base != 0 && !(2..=36).contains(&base) {
        return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0"));
    }
    if let Some(text) = text.downcast::<Str>() {
        return crate::format::int::parse_str(vm, text, base);
    }
    if text.downcast::<Bytes>().is_some() || text.downcast::<ByteArray>().is_some() {
        let view = buffer::view(vm, text)?;
        return crate::format::int::parse_bytes(vm, view.as_slice(), base, text);
    }
    Err(vm.type_error("int() can't convert non-string with explicit base"))
}

/// `int(x)`.
///
/// # Errors
/// `TypeError` and `ValueError` where the object is no number and no text of one.
pub fn from_object(vm: &Vm, x: &Value) -> PyResult {
    if int::is_exact_int(x) {
        return Ok(x.clone());
    }
    let slots = x.type_of().slots();
    if let Some(convert) = slots.int.get() {
        let number = convert(vm, x)?;
        if int::is_exact_int(&number) {
            return Ok(number);
        }
        let name = number.type_of().full_name();
        if !int::is_int(&number) {
            return Err(vm.type_error(format!("__int__ returned non-int (type {name})")));
        }
        crate::warnings::warn(
            vm,
            crate::exceptions::deprecation_warning(),
            &format!(
                "__int__ returned non-int (type {name}).  The ability to return an instance of a strict subclass of \
                 int is deprecated, and may not be supported in a future version of Python."
            ),
            1,
        )?;
        return Ok(int::to_exact(&number));
    }
    if slots.index.get().is_some() {
        return vm.index(x).map(|number| int::to_exact(&number));
    }
    if let Some(text) = x.downcast::<Str>() {
        return crate::format::int::parse_str(vm, text, 10);
    }
    if buffer::has_buffer(x) {
        let view = buffer::view(vm, x)?;
        let plain = x.downcast::<Bytes>().is_some() || x.downcast::<ByteArray>().is_some();
        let shown = if plain { x.clone() } else { Bytes::new(view.as_slice()).into_value() };
        return crate::format::int::parse_bytes(vm, view.as_slice(), 10, &shown);
    }
    Err(vm.type_error(format!(
        "int() argument must be a string, a bytes-like object or a real number, not '{}'",
        x.type_of().full_name()
    )))
}

/// Whether the lowest byte comes first.
fn is_little(vm: &Vm, order: Option<&Object<Str>>) -> PyResult<bool> {
    match order {
        None => Ok(false),
        Some(order) if order.equals_str("big") => Ok(false),
        Some(order) if order.equals_str("little") => Ok(true),
        Some(_) => Err(vm.value_error("byteorder must be either 'little' or 'big'")),
    }
}

/// The bytes of a number, lowest first, in two's complement where it is signed.
fn little_bytes(vm: &Vm, number: &BigInt, length: usize, signed: bool) -> PyResult<Vec<u8>> {
    if number.is_negative() && !signed {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    let too_big = || vm.overflow_error("int too big to convert");
    let mut bytes = if signed {
        if number.is_zero() { Vec::new() } else { number.to_signed_bytes_le() }
    } else {
        number.to_biguint().map_or_else(Vec::new, |number| number.to_bytes_le())
    };
    if number.is_zero() {
        bytes.clear();
    }
    if bytes.len() > length {
        return Err(too_big());
    }
    bytes.resize(length, if number.is_negative() { 0xff } else { 0 });
    Ok(bytes)
}

/// `round(number, digits)` for a negative number of digits: to a multiple of a power of ten, halves to even.
fn rounded(number: &BigInt, digits: &BigInt) -> BigInt {
    let Some(places) = (-digits).to_u32().filter(|&places| u64::from(places) <= number.bits() / 3 + 1) else {
        return BigInt::zero();
    };
    let unit = BigInt::from(10).pow(places);
    let (quotient, remainder) = number.div_mod_floor(&unit);
    let twice = &remainder << 1;
    let up = twice > unit || (twice == unit && quotient.is_odd());
    (quotient + if up { BigInt::one() } else { BigInt::zero() }) * unit
}

#[pymethods(MORE_METHODS)]
impl Int {
    /// Returns self, the complex conjugate of any int.
    #[method("conjugate(self, /)")]
    fn conjugate(this: &Value) -> Value {
        int::to_exact(this)
    }

    /// Number of bits necessary to represent self in binary.
    ///
    /// >>> (1000).bit_length()
    /// 10
    #[method("bit_length(self, /)")]
    fn bit_length(this: &Value) -> u64 {
        match int::small_value(this) {
            Some(small) => u64::from(64 - small.unsigned_abs().leading_zeros()),
            None => int::borrow_big(this).map_or(0, |number| number.bits()),
        }
    }

    /// Number of ones in the binary representation of the absolute value of self.
    ///
    /// >>> (-7).bit_count()
    /// 3
    #[method("bit_count(self, /)")]
    fn bit_count(this: &Value) -> u64 {
        match int::small_value(this) {
            Some(small) => u64::from(small.unsigned_abs().count_ones()),
            None => int::borrow_big(this).map_or(0, |number| number.magnitude().count_ones()),
        }
    }

    /// Return an array of bytes representing an integer.
    ///
    /// An OverflowError is raised if the integer is not representable with the given number of bytes, and for a
    /// negative integer unless signed is true.
    #[method("to_bytes(self, /, length=1, byteorder='big', *, signed=False)")]
    fn to_bytes(
        this: &Value,
        vm: &Vm,
        length: isize,
        byteorder: Option<&Object<Str>>,
        signed: bool,
    ) -> PyResult<Ref<Bytes>> {
        let little = is_little(vm, byteorder)?;
        let Ok(length) = usize::try_from(length) else {
            return Err(vm.value_error("length argument must be non-negative"));
        };
        let number = int::borrow_big(this).unwrap_or_default();
        let mut bytes = little_bytes(vm, &number, length, signed)?;
        if !little {
            bytes.reverse();
        }
        Ok(Bytes::new(bytes))
    }

    /// Return the integer represented by the given array of bytes.
    #[classmethod("from_bytes(type, /, bytes, byteorder='big', *, signed=False)")]
    fn from_bytes(
        cls: &TypeObject,
        vm: &Vm,
        bytes: &Value,
        byteorder: Option<&Object<Str>>,
        signed: bool,
    ) -> PyResult {
        let little = is_little(vm, byteorder)?;
        let mut data = crate::types::bytes::bytes_of_object(vm, bytes)?;
        if !little {
            data.reverse();
        }
        let number = if signed {
            BigInt::from_signed_bytes_le(&data)
        } else {
            BigInt::from_bytes_le(Sign::Plus, &data)
        };
        let number = int::from_big(number);
        if std::ptr::eq(cls, Int::static_type()) { Ok(number) } else { cls.construct(vm, &[number]) }
    }

    /// Return a pair of integers, whose ratio is equal to the original int.
    ///
    /// >>> (-12).as_integer_ratio()
    /// (-12, 1)
    #[method("as_integer_ratio(self, /)")]
    fn as_integer_ratio(this: &Value) -> (Value, i64) {
        (int::to_exact(this), 1)
    }

    /// Truncating an Integral returns itself.
    #[method("__trunc__(self, /)")]
    fn trunc(this: &Value) -> Value {
        int::to_exact(this)
    }

    /// Flooring an Integral returns itself.
    #[method("__floor__(self, /)")]
    fn floor(this: &Value) -> Value {
        int::to_exact(this)
    }

    /// Ceiling of an Integral returns itself.
    #[method("__ceil__(self, /)")]
    fn ceil(this: &Value) -> Value {
        int::to_exact(this)
    }

    /// Rounding an Integral returns itself.
    ///
    /// Rounding with an ndigits argument also returns an integer.
    #[method("__round__(self, ndigits=None, /)")]
    fn round(this: &Value, vm: &Vm, ndigits: Option<&Value>) -> PyResult {
        let Some(ndigits) = ndigits else { return Ok(int::to_exact(this)) };
        let ndigits = int::to_big(vm, ndigits)?;
        if !ndigits.is_negative() {
            return Ok(int::to_exact(this));
        }
        let number = int::borrow_big(this).unwrap_or_default();
        Ok(int::from_big(rounded(&number, &ndigits)))
    }

    /// How to copy and pickle it.
    #[method("__getnewargs__(self, /)")]
    fn getnewargs(this: &Value) -> Value {
        Tuple::from_values([int::to_exact(this)]).into_value()
    }

    /// Convert to a string according to format_spec.
    #[method("__format__(self, format_spec, /)")]
    fn format(this: &Value, vm: &Vm, format_spec: &Object<Str>) -> PyResult<Ref<Str>> {
        crate::format::builtin::format_int(vm, this, format_spec)
    }

    /// Returns size in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Value) -> u64 {
        // CPython keeps 30 bits in each digit of four bytes, and at least one digit.
        24 + 4 * Int::bit_length(this).div_ceil(30).max(1)
    }

    /// Returns True. Exists for duck type compatibility with float.is_integer.
    #[method("is_integer(self, /)")]
    fn is_integer(_this: &Value) -> bool {
        true
    }
}

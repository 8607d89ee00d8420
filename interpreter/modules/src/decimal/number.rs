//! `Decimal`: construction and what operators do.


use std::cell::Cell;

use rspy_decimal::{Context as Arithmetic, Decimal as Number, Rounding, Signals};
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::none::{is_none, not_implemented};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::from_ascii;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{complex, float};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::context::Context;
use super::convert::{self, Precision, operand};
use super::current::{current, given_or_current};
use super::signals::report;
use crate::datetime::arguments::Parameters;

/// Construct a decimal number.
///
/// The value can be an integer, a string, a tuple of sign, digits and exponent, a float or another Decimal; without
/// one the number is 0. The context plays no part in the conversion, but for what it traps.
#[pyclass(
    name = "Decimal",
    module = "decimal",
    signature = "(value=\"0\", context=None)",
    subclassable,
    methods(UNARY_METHODS, BINARY_METHODS, PREDICATES, FURTHER_METHODS)
)]
pub struct Decimal {
    number: Number,
    /// The hash once it was asked for, else -1, which is no hash.
    hash: Cell<i64>,
}

/// An operation on one number.
pub type Unary = fn(&Arithmetic, &Number, &mut Signals) -> Number;

impl Decimal {
    /// A number as an object.
    #[inline]
    pub fn object(number: Number) -> Value {
        Object::new(Decimal { number, hash: Cell::new(-1) }).into_value()
    }

    /// A number as an object of a class.
    pub fn with_type(class: &TypeObject, number: Number) -> Value {
        Object::with_type(class, Decimal { number, hash: Cell::new(-1) }).into_value()
    }

    /// The number.
    #[inline]
    pub fn number(&self) -> &Number {
        &self.number
    }

    /// The text in a context's way.
    pub fn text(&self, context: &Context) -> Ref<Str> {
        /// Room that is used again and again, as long as it is small.
        static ROOM: GilCell<Vec<u8>> = GilCell::new(Vec::new());
        const MOST_KEPT: usize = 4096;
        let mut room = ROOM.take();
        room.clear();
        self.number.write(&mut room, context.capitals(), false);
        let text = from_ascii(&room);
        if room.capacity() <= MOST_KEPT {
            ROOM.set(room);
        }
        text
    }
}

/// What an operation on one number answers.
///
/// # Errors
/// What the context traps.
#[inline]
pub fn apply_unary(vm: &Vm, context: &Context, number: &Number, operation: Unary) -> PyResult {
    let mut signals = Signals::NONE;
    let result = operation(&context.arithmetic(), number, &mut signals);
    report(vm, context, signals)?;
    Ok(Decimal::object(result))
}

/// What an operation on two numbers answers.
///
/// # Errors
/// What the context traps.
#[inline(always)]
pub fn apply_binary(
    vm: &Vm,
    context: &Context,
    left: &Number,
    right: &Number,
    operation: impl Fn(&Arithmetic, &Number, &Number, &mut Signals) -> Number,
) -> PyResult {
    let mut signals = Signals::NONE;
    let result = operation(&context.arithmetic(), left, right, &mut signals);
    report(vm, context, signals)?;
    Ok(Decimal::object(result))
}

/// Both results of a division.
///
/// # Errors
/// What the context traps.
pub fn apply_divmod(vm: &Vm, context: &Context, left: &Number, right: &Number) -> PyResult {
    let mut signals = Signals::NONE;
    let (quotient, remainder) = context.arithmetic().divmod(left, right, &mut signals);
    report(vm, context, signals)?;
    Ok(Tuple::from_values([Decimal::object(quotient), Decimal::object(remainder)]).into_value())
}

/// A power, with a modulus maybe.
///
/// # Errors
/// What the context traps.
pub fn apply_power(
    vm: &Vm,
    context: &Context,
    base: &Number,
    exponent: &Number,
    modulus: Option<&Number>,
) -> PyResult {
    let mut signals = Signals::NONE;
    let arithmetic = context.arithmetic();
    let result = match modulus {
        Some(modulus) => arithmetic.power_modulo(base, exponent, modulus, &mut signals),
        None => arithmetic.power(base, exponent, &mut signals),
    };
    report(vm, context, signals)?;
    Ok(Decimal::object(result))
}

/// What an operator answers. Operands that are both Decimals are not taken apart from their objects.
#[inline(always)]
fn operator(
    vm: &Vm,
    left: &Value,
    right: &Value,
    operation: impl Fn(&Arithmetic, &Number, &Number, &mut Signals) -> Number + Copy,
) -> PyResult {
    if let (Some(left), Some(right)) = (left.downcast::<Decimal>(), right.downcast::<Decimal>()) {
        return apply_binary(vm, &current(vm), &left.number, &right.number, operation);
    }
    let (Some(left), Some(right)) = (operand(left), operand(right)) else { return Ok(not_implemented()) };
    apply_binary(vm, &current(vm), &left, &right, operation)
}

/// The number that a Decimal is compared with, and by what the Decimal is to be multiplied first.
type Compared = (Number, Option<Number>);

/// What another number is to a comparison; `None` where it is none.
fn compared(
    vm: &Vm,
    this: &Number,
    other: &Value,
    comparison: Comparison,
    context: &Context,
) -> PyResult<Option<Compared>> {
    let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    if let Some(number) = convert::from_int(other) {
        return Ok(Some((number, None)));
    }
    if let Some(number) = float::as_f64(other) {
        if equality {
            context.status().set(context.status().get() | Signals::FLOAT_OPERATION);
        } else {
            report(vm, context, Signals::FLOAT_OPERATION)?;
        }
        return Ok(Some((convert::from_f64(number), None)));
    }
    if equality && let Some((real, imaginary)) = complex::as_parts(other) {
        if imaginary != 0.0 {
            return Ok(None);
        }
        context.status().set(context.status().get() | Signals::FLOAT_OPERATION);
        return Ok(Some((convert::from_f64(real), None)));
    }
    if !vm.is_instance(other, &State::get().rational)? {
        return Ok(None);
    }
    let part = |name| {
        let part = vm.get_attribute_str(other, name)?;
        convert::from_int(&part).ok_or_else(|| vm.type_error("argument must be an integer"))
    };
    let numerator = part("numerator")?;
    let denominator = if this.is_finite() { Some(part("denominator")?) } else { None };
    Ok(Some((numerator, denominator)))
}

/// The answer of a comparison; operands that are NaN are equal to nothing.
fn compare_numbers(
    vm: &Vm,
    left: &Number,
    right: &Number,
    comparison: Comparison,
    context: &Context,
) -> PyResult {
    if left.is_nan() || right.is_nan() {
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if !equality || left.is_signaling_nan() || right.is_signaling_nan() {
            report(vm, context, Signals::INVALID_OPERATION)?;
        }
        return Ok(boolean(comparison == Comparison::NotEqual));
    }
    Ok(boolean(comparison.holds(left.compare_numbers(right))))
}

/// The modulus of hashes, and the inverse of ten modulo it.
const HASH_MODULUS: u64 = (1 << 61) - 1;
const INVERSE_OF_TEN: u64 = 2_075_258_708_292_324_556;

/// A product modulo that of hashes.
fn hash_product(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    // The modulus is one less than a power of two: what is above that counts once more.
    let folded = (product as u64 & HASH_MODULUS) + (product >> 61) as u64;
    if folded >= HASH_MODULUS { folded - HASH_MODULUS } else { folded }
}

/// `base ** exponent` modulo that of hashes.
fn hash_power(base: u64, mut exponent: u64) -> u64 {
    let (mut power, mut square) = (1, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = hash_product(power, square);
        }
        square = hash_product(square, square);
        exponent >>= 1;
    }
    power
}

/// The hash of a number: that of the integer, float or fraction that is equal to it.
fn hash_of(number: &Number) -> i64 {
    let magnitude = if number.is_infinite() {
        314_159
    } else {
        let base = if number.exponent() >= 0 { 10 } else { INVERSE_OF_TEN };
        let power = hash_power(base, number.exponent().unsigned_abs());
        hash_product(number.coefficient().remainder(HASH_MODULUS), power) as i64
    };
    let hash = if number.is_negative() { -magnitude } else { magnitude };
    if hash == -1 { -2 } else { hash }
}

#[pymethods]
impl Decimal {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<2> =
            Parameters { function: "function", names: ["value", "context"], required: 0, positional: 2 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        bound.finish(vm)?;
        let Some(value) = bound.get(0) else {
            given_or_current(vm, bound.get(1))?;
            return Ok(Decimal::with_type(cls, Number::zero(false, 0)));
        };
        let context = given_or_current(vm, bound.get(1))?;
        let exact = std::ptr::eq(cls, Decimal::static_type());
        if let Some(decimal) = value.downcast::<Decimal>() {
            if exact && std::ptr::eq(value.type_of(), cls) {
                return Ok(value.clone());
            }
            return Ok(Decimal::with_type(cls, decimal.number.clone()));
        }
        let number = convert::from_object(vm, value, &context, Precision::Exact)?;
        Ok(Decimal::with_type(cls, number))
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> Ref<Str> {
        let mut text = b"Decimal('".to_vec();
        text.append(&mut self.number.to_scientific(current(vm).capitals()));
        text.extend_from_slice(b"')");
        from_ascii(&text)
    }

    #[slot(str)]
    fn str(&self, vm: &Vm) -> Ref<Str> {
        self.text(&current(vm))
    }

    #[slot(hash)]
    fn hash(this: &Object<Decimal>, vm: &Vm) -> PyResult<i64> {
        let number = &this.number;
        if number.is_signaling_nan() {
            return Err(vm.type_error("Cannot hash a signaling NaN value"));
        }
        if number.is_nan() {
            return Ok(float::hash(f64::NAN, this.as_value().id()));
        }
        if this.hash.get() == -1 {
            this.hash.set(hash_of(number));
        }
        Ok(this.hash.get())
    }

    #[slot(compare)]
    fn rich_compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        if let Some(other) = other.downcast::<Decimal>() {
            let (left, right) = (&self.number, &other.number);
            if !(left.is_nan() || right.is_nan()) {
                return Ok(boolean(comparison.holds(left.compare_numbers(right))));
            }
            return compare_numbers(vm, left, right, comparison, &current(vm));
        }
        let context = current(vm);
        let Some((other, factor)) = compared(vm, &self.number, other, comparison, &context)? else {
            return Ok(not_implemented());
        };
        let Some(factor) = factor else {
            return compare_numbers(vm, &self.number, &other, comparison, &context);
        };
        let product = Number::new(
            self.number.is_negative(),
            self.number.coefficient().multiply(factor.coefficient()),
            self.number.exponent(),
        );
        compare_numbers(vm, &product, &other, comparison, &context)
    }

    #[slot(bool)]
    fn bool(&self) -> PyResult<bool> {
        Ok(!self.number.is_zero())
    }

    #[slot(int)]
    fn int(&self, vm: &Vm) -> PyResult {
        convert::to_int(vm, &self.number, Rounding::Down)
    }

    #[slot(float)]
    fn float(&self, vm: &Vm) -> PyResult<f64> {
        convert::to_f64(vm, &self.number)
    }

    #[slot(negative)]
    fn negative(&self, vm: &Vm) -> PyResult {
        apply_unary(vm, &current(vm), &self.number, Arithmetic::minus)
    }

    #[slot(positive)]
    fn positive(&self, vm: &Vm) -> PyResult {
        apply_unary(vm, &current(vm), &self.number, Arithmetic::plus)
    }

    #[slot(absolute)]
    fn absolute(&self, vm: &Vm) -> PyResult {
        apply_unary(vm, &current(vm), &self.number, Arithmetic::abs)
    }

    #[slot(add)]
    fn add(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, Arithmetic::add)
    }

    #[slot(subtract)]
    fn subtract(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, Arithmetic::subtract)
    }

    #[slot(multiply)]
    fn multiply(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, Arithmetic::multiply)
    }

    #[slot(true_divide)]
    fn true_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, Arithmetic::divide)
    }

    #[slot(floor_divide)]
    fn floor_divide(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, Arithmetic::divide_integer)
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        operator(vm, left, right, Arithmetic::remainder)
    }

    #[slot(divmod)]
    fn divmod(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let (Some(left), Some(right)) = (operand(left), operand(right)) else { return Ok(not_implemented()) };
        apply_divmod(vm, &current(vm), &left, &right)
    }

    #[slot(power)]
    fn power(vm: &Vm, base: &Value, exponent: &Value, modulus: &Value) -> PyResult {
        let (Some(base), Some(exponent)) = (operand(base), operand(exponent)) else {
            return Ok(not_implemented());
        };
        if is_none(modulus) {
            return apply_power(vm, &current(vm), &base, &exponent, None);
        }
        let Some(modulus) = operand(modulus) else { return Ok(not_implemented()) };
        apply_power(vm, &current(vm), &base, &exponent, Some(&modulus))
    }

    #[getter("real")]
    fn real(this: &Value) -> Value {
        this.clone()
    }

    #[getter("imag")]
    fn imaginary(&self) -> Value {
        Decimal::object(Number::zero(false, 0))
    }
}


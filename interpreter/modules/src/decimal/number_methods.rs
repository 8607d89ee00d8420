//! The methods of `Decimal`.

use rspy_decimal::{Context as Arithmetic, Decimal as Number, Kind, Rounding, Signals, TEXT_ROOM};
use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::from_ascii;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{complex, float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::State;
use super::context::{rounding_of, size};
use super::convert::{self, require_operand};
use super::current::{current, given_or_current};
use super::format;
use super::number::{Decimal, apply_binary, apply_unary};
use super::signals::report;
use crate::datetime::arguments::Parameters;

static CONTEXT_ONLY: Parameters<1> =
    Parameters { function: "function", names: ["context"], required: 0, positional: 1 };
static OTHER_AND_CONTEXT: Parameters<2> =
    Parameters { function: "function", names: ["other", "context"], required: 1, positional: 2 };
static ROUNDING_AND_CONTEXT: Parameters<2> =
    Parameters { function: "function", names: ["rounding", "context"], required: 0, positional: 2 };

/// Methods without an operand but the number itself.
macro_rules! unary_methods {
    ($($(#[$meta:meta])* $signature:literal $name:ident = $operation:expr;)*) => {
        #[pymethods(UNARY_METHODS)]
        impl Decimal {
            $(
                $(#[$meta])*
                #[method($signature)]
                fn $name(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                    let bound = CONTEXT_ONLY.bind(vm, args, names)?;
                    bound.finish(vm)?;
                    let context = given_or_current(vm, bound.get(0))?;
                    apply_unary(vm, &context, self.number(), $operation)
                }
            )*
        }
    };
}

unary_methods! {
    /// Return e raised to the power of the number, correctly rounded to the nearest, halves to even.
    "exp(self, /, context=None)" exp = Arithmetic::exp;
    /// Return the natural logarithm, correctly rounded to the nearest, halves to even.
    "ln(self, /, context=None)" ln = Arithmetic::ln;
    /// Return the logarithm to the base of ten, correctly rounded to the nearest, halves to even.
    "log10(self, /, context=None)" log10 = Arithmetic::log10;
    /// Return the largest number of the context that is smaller.
    "next_minus(self, /, context=None)" next_minus = Arithmetic::next_minus;
    /// Return the smallest number of the context that is larger.
    "next_plus(self, /, context=None)" next_plus = Arithmetic::next_plus;
    /// Return the number rounded and without zeros at its end; zero becomes 0E+0.
    "normalize(self, /, context=None)" normalize = Arithmetic::reduce;
    /// Return the square root, correctly rounded to the nearest, halves to even.
    "sqrt(self, /, context=None)" sqrt = Arithmetic::square_root;
    /// Return the exponent of the first digit.
    ///
    /// For zero that is negative infinity, with DivisionByZero; for infinity it is positive infinity.
    "logb(self, /, context=None)" logb = Arithmetic::logb;
    /// Return the number with all its digits, which are zeros and ones, inverted.
    "logical_invert(self, /, context=None)" logical_invert = Arithmetic::logical_invert;
}

/// Methods with another operand.
macro_rules! binary_methods {
    ($($(#[$meta:meta])* $signature:literal $name:ident = $operation:expr;)*) => {
        #[pymethods(BINARY_METHODS)]
        impl Decimal {
            $(
                $(#[$meta])*
                #[method($signature)]
                fn $name(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                    let bound = OTHER_AND_CONTEXT.bind(vm, args, names)?;
                    let other = bound.require(vm, 0)?;
                    bound.finish(vm)?;
                    let context = given_or_current(vm, bound.get(1))?;
                    let other = require_operand(vm, other)?;
                    apply_binary(vm, &context, self.number(), &other, $operation)
                }
            )*
        }
    };
}

binary_methods! {
    /// Compare with another number: -1, 0 or 1 as a Decimal, NaN where one is NaN.
    "compare(self, /, other, context=None)" compare = Arithmetic::compare;
    /// As compare(), but every NaN signals.
    "compare_signal(self, /, other, context=None)" compare_signal = Arithmetic::compare_signal;
    /// Compare by representation: a total order in which numbers with different exponents differ.
    ///
    ///     >>> Decimal('4.0').compare_total(Decimal('4'))
    ///     Decimal('-1')
    ///     >>> Decimal('4').compare_total(Decimal('NaN'))
    ///     Decimal('-1')
    "compare_total(self, /, other, context=None)"
    compare_total = |_, left, right, _| Arithmetic::compare_total(left, right);
    /// As compare_total(), but signs are left out.
    "compare_total_mag(self, /, other, context=None)"
    compare_total_mag = |_, left, right, _| Arithmetic::compare_total_magnitude(left, right);
    /// Return the number with the sign of another.
    ///
    ///     >>> Decimal('7.5').copy_sign(Decimal('-1'))
    ///     Decimal('-7.5')
    "copy_sign(self, /, other, context=None)"
    copy_sign = |_, left, right, _| left.with_sign(right.is_negative());
    /// Return the greater number; a number rather than a quiet NaN.
    "max(self, /, other, context=None)" max = Arithmetic::max;
    /// As max(), but by absolute value.
    "max_mag(self, /, other, context=None)" max_mag = Arithmetic::max_magnitude;
    /// Return the lesser number; a number rather than a quiet NaN.
    "min(self, /, other, context=None)" min = Arithmetic::min;
    /// As min(), but by absolute value.
    "min_mag(self, /, other, context=None)" min_mag = Arithmetic::min_magnitude;
    /// Return the number of the context next to this one, in the direction of the other.
    "next_toward(self, /, other, context=None)" next_toward = Arithmetic::next_toward;
    /// Return what is left of a division by the other when the quotient is rounded to the nearest.
    "remainder_near(self, /, other, context=None)" remainder_near = Arithmetic::remainder_near;
    /// Return the digits that are one in both.
    "logical_and(self, /, other, context=None)" logical_and = Arithmetic::logical_and;
    /// Return the digits that are one in either.
    "logical_or(self, /, other, context=None)" logical_or = Arithmetic::logical_or;
    /// Return the digits that are one in one of the two alone.
    "logical_xor(self, /, other, context=None)" logical_xor = Arithmetic::logical_xor;
    /// Return the number with its digits rotated within the precision, to the left by a positive count.
    "rotate(self, /, other, context=None)" rotate = Arithmetic::rotate;
    /// Return the number with a count added to its exponent.
    "scaleb(self, /, other, context=None)" scaleb = Arithmetic::scaleb;
    /// Return the number with its digits shifted, to the left by a positive count.
    "shift(self, /, other, context=None)" shift = Arithmetic::shift;
}

/// Rounds to a whole number by an optional rounding.
fn to_integral(
    this: &Decimal,
    vm: &Vm,
    args: &[Value],
    names: KeywordNames<'_>,
    operation: super::number::Unary,
) -> PyResult {
    let bound = ROUNDING_AND_CONTEXT.bind(vm, args, names)?;
    bound.finish(vm)?;
    let context = given_or_current(vm, bound.get(1))?;
    let mut arithmetic = context.arithmetic();
    if let Some(rounding) = bound.get(0).filter(|rounding| !is_none(rounding)) {
        arithmetic.rounding = rounding_of(vm, rounding)?;
    }
    let mut signals = Signals::NONE;
    let result = operation(&arithmetic, this.number(), &mut signals);
    report(vm, &context, signals)?;
    Ok(Decimal::object(result))
}

/// Questions about the number alone.
macro_rules! predicates {
    ($($(#[$meta:meta])* $signature:literal $name:ident = $predicate:expr;)*) => {
        #[pymethods(PREDICATES)]
        impl Decimal {
            $(
                $(#[$meta])*
                #[method($signature)]
                fn $name(&self) -> bool {
                    let predicate: fn(&Number) -> bool = $predicate;
                    predicate(self.number())
                }
            )*

            /// Whether the number is finite, not zero and not subnormal.
            #[method("is_normal(self, /, context=None)")]
            fn is_normal(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
                let bound = CONTEXT_ONLY.bind(vm, args, names)?;
                bound.finish(vm)?;
                Ok(given_or_current(vm, bound.get(0))?.arithmetic().is_normal(self.number()))
            }

            /// Whether the number is not zero, but below the normal range of the context.
            #[method("is_subnormal(self, /, context=None)")]
            fn is_subnormal(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
                let bound = CONTEXT_ONLY.bind(vm, args, names)?;
                bound.finish(vm)?;
                Ok(given_or_current(vm, bound.get(0))?.arithmetic().is_subnormal(self.number()))
            }

            /// Whether both numbers have the same exponent, or both are infinite, or both are NaN.
            #[method("same_quantum(self, /, other, context=None)")]
            fn same_quantum(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
                let bound = OTHER_AND_CONTEXT.bind(vm, args, names)?;
                let other = bound.require(vm, 0)?;
                bound.finish(vm)?;
                given_or_current(vm, bound.get(1))?;
                Ok(self.number().same_quantum(&*require_operand(vm, other)?))
            }
        }
    };
}

predicates! {
    /// Whether the encoding is canonical, which every Decimal's is.
    "is_canonical(self, /)" is_canonical = |_| true;
    /// Whether it is a number, neither infinite nor NaN.
    "is_finite(self, /)" is_finite = Number::is_finite;
    /// Whether it is infinite.
    "is_infinite(self, /)" is_infinite = Number::is_infinite;
    /// Whether it is a quiet or signaling NaN.
    "is_nan(self, /)" is_nan = Number::is_nan;
    /// Whether it is a quiet NaN.
    "is_qnan(self, /)" is_qnan = Number::is_quiet_nan;
    /// Whether it is a signaling NaN.
    "is_snan(self, /)" is_snan = Number::is_signaling_nan;
    /// Whether it has a minus sign.
    "is_signed(self, /)" is_signed = Number::is_negative;
    /// Whether it is positive or negative zero.
    "is_zero(self, /)" is_zero = Number::is_zero;
}

/// An object of a class that was asked for, from a plain Decimal.
fn of_class(vm: &Vm, class: &TypeObject, number: Number) -> PyResult {
    let made = Decimal::object(number);
    if std::ptr::eq(class, Decimal::static_type()) {
        return Ok(made);
    }
    vm.call(&class.to_value(), &[made])
}

#[pymethods(FURTHER_METHODS)]
impl Decimal {
    /// Round to the nearest whole number, which is not signaled.
    ///
    /// The rounding is the argument's, or else the context's.
    #[method("to_integral_value(self, /, rounding=None, context=None)")]
    fn to_integral_value(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        to_integral(self, vm, args, names, Arithmetic::to_integral_value)
    }

    /// The older name of to_integral_value().
    #[method("to_integral(self, /, rounding=None, context=None)")]
    fn to_integral(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        to_integral(self, vm, args, names, Arithmetic::to_integral_value)
    }

    /// Round to the nearest whole number; Inexact and Rounded are signaled where that changes something.
    ///
    /// The rounding is the argument's, or else the context's.
    #[method("to_integral_exact(self, /, rounding=None, context=None)")]
    fn to_integral_exact(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        to_integral(self, vm, args, names, Arithmetic::to_integral_exact)
    }

    /// Return the number rounded so that its exponent is that of another.
    ///
    /// Where the digits do not fit the precision, InvalidOperation is signaled. The rounding is the argument's, or
    /// else the context's.
    ///
    ///     >>> Decimal('7.325').quantize(Decimal('.01'), rounding=ROUND_DOWN)
    ///     Decimal('7.32')
    #[method("quantize(self, /, exp, rounding=None, context=None)")]
    fn quantize(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<3> =
            Parameters { function: "function", names: ["exp", "rounding", "context"], required: 1, positional: 3 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let quantum = bound.require(vm, 0)?;
        bound.finish(vm)?;
        let context = given_or_current(vm, bound.get(2))?;
        let mut arithmetic = context.arithmetic();
        if let Some(rounding) = bound.get(1).filter(|rounding| !is_none(rounding)) {
            arithmetic.rounding = rounding_of(vm, rounding)?;
        }
        let quantum = require_operand(vm, quantum)?;
        let mut signals = Signals::NONE;
        let result = arithmetic.quantize(self.number(), &quantum, &mut signals);
        report(vm, &context, signals)?;
        Ok(Decimal::object(result))
    }

    /// Return self * other + third, rounded once.
    ///
    ///     >>> Decimal(4).fma(5, 6)
    ///     Decimal('26')
    #[method("fma(self, /, other, third, context=None)")]
    fn fma(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<3> =
            Parameters { function: "function", names: ["other", "third", "context"], required: 2, positional: 3 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let (other, third) = (bound.require(vm, 0)?, bound.require(vm, 1)?);
        bound.finish(vm)?;
        let context = given_or_current(vm, bound.get(2))?;
        let (other, third) = (require_operand(vm, other)?, require_operand(vm, third)?);
        let mut signals = Signals::NONE;
        let result = context.arithmetic().fused_multiply_add(self.number(), &other, &third, &mut signals);
        report(vm, &context, signals)?;
        Ok(Decimal::object(result))
    }

    /// Return the exponent of the first digit; 0 for infinity and NaN.
    #[method("adjusted(self, /)")]
    fn adjusted(&self) -> i64 {
        if self.number().is_finite() { self.number().adjusted() } else { 0 }
    }

    /// Return the number itself, whose encoding is canonical.
    #[method("canonical(self, /)")]
    fn canonical(this: &Value) -> Value {
        this.clone()
    }

    /// Return the number itself.
    #[method("conjugate(self, /)")]
    fn conjugate(this: &Value) -> Value {
        this.clone()
    }

    /// Return 10, the base of all arithmetic here.
    #[method("radix(self, /)")]
    fn radix(&self) -> Value {
        Decimal::object(Number::from_i64(10))
    }

    /// Return the absolute value, not rounded.
    #[method("copy_abs(self, /)")]
    fn copy_abs(&self) -> Value {
        Decimal::object(self.number().with_sign(false))
    }

    /// Return the number with the other sign, not rounded.
    #[method("copy_negate(self, /)")]
    fn copy_negate(&self) -> Value {
        Decimal::object(self.number().with_sign(!self.number().is_negative()))
    }

    /// Return the name of the number's class.
    ///
    /// It is one of -Infinity, -Normal, -Subnormal, -Zero, +Zero, +Subnormal, +Normal, +Infinity, NaN and sNaN.
    #[method("number_class(self, /, context=None)")]
    fn number_class(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<&'static str> {
        let bound = CONTEXT_ONLY.bind(vm, args, names)?;
        bound.finish(vm)?;
        Ok(given_or_current(vm, bound.get(0))?.arithmetic().number_class(self.number()))
    }

    /// Return the text in engineering notation: the exponent is a multiple of three.
    #[method("to_eng_string(self, /, context=None)")]
    fn to_eng_string(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<Ref<Str>> {
        let bound = CONTEXT_ONLY.bind(vm, args, names)?;
        bound.finish(vm)?;
        let context = given_or_current(vm, bound.get(0))?;
        Ok(from_ascii(&self.number().to_engineering(context.capitals())))
    }

    /// Convert a float or an integer exactly.
    ///
    /// Decimal.from_float(0.1) is not Decimal('0.1'), since 0.1 is no exact binary fraction.
    ///
    ///     >>> Decimal.from_float(0.75)
    ///     Decimal('0.75')
    ///     >>> Decimal.from_float(1e400)
    ///     Decimal('Infinity')
    #[classmethod("from_float(type, f, /)")]
    fn from_float(vm: &Vm, cls: &TypeObject, number: &Value) -> PyResult {
        let converted = match convert::from_int(number) {
            Some(number) => number,
            None => match float::as_f64(number) {
                Some(number) => convert::from_f64(number),
                None => return Err(vm.type_error("argument must be int or float")),
            },
        };
        of_class(vm, cls, converted)
    }

    /// Convert a real number exactly: an integer, a float or a Decimal.
    ///
    ///     >>> Decimal.from_number(12)
    ///     Decimal('12')
    ///     >>> Decimal.from_number(-0.5)
    ///     Decimal('-0.5')
    #[classmethod("from_number(type, number, /)")]
    fn from_number(vm: &Vm, cls: &TypeObject, number: &Value) -> PyResult {
        if number.downcast_exact::<Decimal>().is_some() && std::ptr::eq(cls, Decimal::static_type()) {
            return Ok(number.clone());
        }
        let converted = match float::as_f64(number) {
            Some(number) => {
                report(vm, &current(vm), Signals::FLOAT_OPERATION)?;
                convert::from_f64(number)
            }
            None => require_operand(vm, number)?.into_owned(),
        };
        of_class(vm, cls, converted)
    }

    /// Return sign, digits and exponent as a named tuple.
    #[method("as_tuple(self, /)")]
    fn as_tuple(&self, vm: &Vm) -> PyResult {
        let number = self.number();
        let exponent = match number.kind() {
            Kind::Finite => int::new(number.exponent()),
            Kind::Infinite => vm.new_str("F"),
            Kind::Quiet => vm.new_str("n"),
            Kind::Signaling => vm.new_str("N"),
        };
        let mut room = [0; TEXT_ROOM];
        let text = number.coefficient().text(&mut room);
        // A NaN without payload has no digits at all.
        let text = if number.is_nan() && number.coefficient().is_zero() { &[][..] } else { &*text };
        let digits = text.iter().map(|digit| Value::int(i32::from(digit - b'0')));
        let digits = Tuple::from_values(digits).into_value();
        let sign = Value::int(i32::from(number.is_negative()));
        vm.call(&State::get().decimal_tuple, &[sign, digits, exponent])
    }

    /// Return a pair of integers whose ratio is the number, in lowest terms and with a positive denominator.
    ///
    /// Raise OverflowError for infinity and ValueError for NaN.
    #[method("as_integer_ratio(self, /)")]
    fn as_integer_ratio(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        let (numerator, denominator) = convert::to_ratio(vm, self.number())?;
        Ok(Tuple::from_values([int::from_big(numerator), int::from_big(denominator)]))
    }

    #[method("__copy__(self, /)")]
    fn copy(this: &Value) -> Value {
        this.clone()
    }

    #[method("__deepcopy__(self, object, /)")]
    fn deep_copy(this: &Value, _memo: &Value) -> Value {
        this.clone()
    }

    #[method("__format__")]
    fn format(this: &Object<Decimal>, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "Decimal.__format__", names)?;
        match args {
            [spec] => format::format(vm, this, spec, None),
            [spec, overriding] => format::format(vm, this, spec, Some(overriding)),
            [] => Err(vm.type_error("function takes at least 1 argument (0 given)")),
            _ => {
                Err(vm.type_error(format!("function takes at most 2 arguments ({} given)", args.len())))
            }
        }
    }

    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Decimal>, vm: &Vm) -> Ref<Tuple> {
        let text = this.text(&current(vm)).into_value();
        Tuple::from_values([this.type_of().to_value(), Tuple::from_values([text]).into_value()])
    }

    #[method("__round__")]
    fn round(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "Decimal.__round__", names)?;
        let places = match args {
            [] => return convert::to_int(vm, self.number(), Rounding::HalfEven),
            [places] => places,
            _ => {
                return Err(vm.type_error(format!("function takes at most 1 argument ({} given)", args.len())));
            }
        };
        if !int::is_int(places) {
            return Err(vm.type_error("optional arg must be an integer"));
        }
        let exponent = size(vm, places)?.checked_neg().unwrap_or(i64::MAX);
        let context = current(vm);
        let mut signals = Signals::NONE;
        let quantum = Number::zero(false, exponent);
        let result = context.arithmetic().quantize(self.number(), &quantum, &mut signals);
        report(vm, &context, signals)?;
        Ok(Decimal::object(result))
    }

    #[method("__ceil__(self, /)")]
    fn ceil(&self, vm: &Vm) -> PyResult {
        convert::to_int(vm, self.number(), Rounding::Ceiling)
    }

    #[method("__floor__(self, /)")]
    fn floor(&self, vm: &Vm) -> PyResult {
        convert::to_int(vm, self.number(), Rounding::Floor)
    }

    #[method("__trunc__(self, /)")]
    fn trunc(&self, vm: &Vm) -> PyResult {
        convert::to_int(vm, self.number(), Rounding::Down)
    }

    #[method("__complex__(self, /)")]
    fn complex(&self, vm: &Vm) -> PyResult {
        Ok(complex::new(convert::to_f64(vm, self.number())?, 0.0))
    }

    #[method("__sizeof__(self, /)")]
    fn size_of(&self) -> usize {
        size_of::<Object<Decimal>>() + self.number().coefficient().memory()
    }
}

//! The operations as methods of `Context`.

use rspy_decimal::{Context as Arithmetic, Decimal as Number, Signals};
use rspy_macros::pymethods;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Ref;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::from_ascii;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::context::Context;
use super::convert::{self, Precision, require_operand};
use super::number::{Decimal, apply_binary, apply_divmod, apply_power, apply_unary};
use super::signals::report;
use crate::datetime::arguments::Parameters;

/// Methods with one operand.
macro_rules! unary_methods {
    ($($(#[$meta:meta])* $signature:literal $name:ident = $operation:expr;)*) => {
        #[pymethods(UNARY_METHODS)]
        impl Context {
            $(
                $(#[$meta])*
                #[method($signature)]
                fn $name(&self, vm: &Vm, x: &Value) -> PyResult {
                    apply_unary(vm, self, &*require_operand(vm, x)?, $operation)
                }
            )*
        }
    };
}

unary_methods! {
    /// Return the absolute value of x.
    "abs(self, x, /)" abs = Arithmetic::abs;
    /// Return e ** x.
    "exp(self, x, /)" exp = Arithmetic::exp;
    /// Return the natural logarithm of x.
    "ln(self, x, /)" ln = Arithmetic::ln;
    /// Return the logarithm of x to the base of ten.
    "log10(self, x, /)" log10 = Arithmetic::log10;
    /// Return the exponent of the first digit of x.
    "logb(self, x, /)" logb = Arithmetic::logb;
    /// Return the digits of x, which are zeros and ones, inverted.
    ///
    ///     >>> ExtendedContext.logical_invert(Decimal('101'))
    ///     Decimal('111111010')
    "logical_invert(self, x, /)" logical_invert = Arithmetic::logical_invert;
    /// Return -x, as the operator does.
    "minus(self, x, /)" minus = Arithmetic::minus;
    /// Return the largest number that is smaller than x.
    "next_minus(self, x, /)" next_minus = Arithmetic::next_minus;
    /// Return the smallest number that is larger than x.
    "next_plus(self, x, /)" next_plus = Arithmetic::next_plus;
    /// Return x rounded and without zeros at its end.
    "normalize(self, x, /)" normalize = Arithmetic::reduce;
    /// Return +x, as the operator does.
    "plus(self, x, /)" plus = Arithmetic::plus;
    /// Return the square root of x.
    "sqrt(self, x, /)" sqrt = Arithmetic::square_root;
    /// The older name of to_integral_value().
    "to_integral(self, x, /)" to_integral = Arithmetic::to_integral_value;
    /// Round x to a whole number, which is signaled.
    "to_integral_exact(self, x, /)" to_integral_exact = Arithmetic::to_integral_exact;
    /// Round x to a whole number, which is not signaled.
    "to_integral_value(self, x, /)" to_integral_value = Arithmetic::to_integral_value;
    /// Return the absolute value of x, not rounded.
    "copy_abs(self, x, /)" copy_abs = |_, x, _| x.with_sign(false);
    /// Return x as a Decimal.
    "copy_decimal(self, x, /)" copy_decimal = |_, x, _| x.clone();
    /// Return x with the other sign, not rounded.
    "copy_negate(self, x, /)" copy_negate = |_, x, _| x.with_sign(!x.is_negative());
    "_apply(self, object, /)" apply = Arithmetic::finish_number;
}

/// The arguments of a function that takes so many, all by position.
fn exactly<'a, const N: usize>(vm: &Vm, args: &'a [Value]) -> PyResult<&'a [Value; N]> {
    args.try_into().map_err(|_| {
        vm.type_error(format!("function takes exactly {N} arguments ({} given)", args.len()))
    })
}

/// Methods with two operands.
macro_rules! binary_methods {
    ($($(#[$meta:meta])* $signature:literal $name:ident = $operation:expr;)*) => {
        #[pymethods(BINARY_METHODS)]
        impl Context {
            $(
                $(#[$meta])*
                #[method($signature)]
                fn $name(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
                    crate::support::no_keywords(vm, concat!("Context.", stringify!($name)), names)?;
                    let [x, y] = exactly(vm, args)?;
                    let (x, y) = (require_operand(vm, x)?, require_operand(vm, y)?);
                    apply_binary(vm, self, &x, &y, $operation)
                }
            )*
        }
    };
}

binary_methods! {
    /// Return x + y.
    "add(self, x, y, /)" add = Arithmetic::add;
    /// Compare x with y: -1, 0 or 1, NaN where one is NaN.
    "compare(self, x, y, /)" compare = Arithmetic::compare;
    /// As compare(), but every NaN signals.
    "compare_signal(self, x, y, /)" compare_signal = Arithmetic::compare_signal;
    /// Compare x with y by representation.
    "compare_total(self, x, y, /)" compare_total = |_, x, y, _| Arithmetic::compare_total(x, y);
    /// As compare_total(), but signs are left out.
    "compare_total_mag(self, x, y, /)"
    compare_total_mag = |_, x, y, _| Arithmetic::compare_total_magnitude(x, y);
    /// Return x with the sign of y.
    "copy_sign(self, x, y, /)" copy_sign = |_, x, y, _| x.with_sign(y.is_negative());
    /// Return x / y.
    "divide(self, x, y, /)" divide = Arithmetic::divide;
    /// Return the whole part of x / y.
    "divide_int(self, x, y, /)" divide_int = Arithmetic::divide_integer;
    /// Return the digits that are one in both.
    ///
    ///     >>> ExtendedContext.logical_and(1100, Decimal('1010'))
    ///     Decimal('1000')
    "logical_and(self, x, y, /)" logical_and = Arithmetic::logical_and;
    /// Return the digits that are one in either.
    ///
    ///     >>> ExtendedContext.logical_or(1100, Decimal('1010'))
    ///     Decimal('1110')
    "logical_or(self, x, y, /)" logical_or = Arithmetic::logical_or;
    /// Return the digits that are one in one of the two alone.
    ///
    ///     >>> ExtendedContext.logical_xor(1100, Decimal('1010'))
    ///     Decimal('110')
    "logical_xor(self, x, y, /)" logical_xor = Arithmetic::logical_xor;
    /// Return the greater number.
    "max(self, x, y, /)" max = Arithmetic::max;
    /// Return the number with the greater absolute value.
    "max_mag(self, x, y, /)" max_mag = Arithmetic::max_magnitude;
    /// Return the lesser number.
    "min(self, x, y, /)" min = Arithmetic::min;
    /// Return the number with the lesser absolute value.
    "min_mag(self, x, y, /)" min_mag = Arithmetic::min_magnitude;
    /// Return x * y.
    "multiply(self, x, y, /)" multiply = Arithmetic::multiply;
    /// Return the number next to x in the direction of y.
    "next_toward(self, x, y, /)" next_toward = Arithmetic::next_toward;
    /// Return x with the exponent of y.
    "quantize(self, x, y, /)" quantize = Arithmetic::quantize;
    /// Return what is left of a division, with the sign of x.
    "remainder(self, x, y, /)" remainder = Arithmetic::remainder;
    /// Return what is left of a division whose quotient is rounded to the nearest.
    "remainder_near(self, x, y, /)" remainder_near = Arithmetic::remainder_near;
    /// Return x with its digits rotated by y places.
    "rotate(self, x, y, /)" rotate = Arithmetic::rotate;
    /// Return x with y added to its exponent.
    "scaleb(self, x, y, /)" scaleb = Arithmetic::scaleb;
    /// Return x with its digits shifted by y places.
    "shift(self, x, y, /)" shift = Arithmetic::shift;
    /// Return x - y.
    "subtract(self, x, y, /)" subtract = Arithmetic::subtract;
}

/// Questions about a number.
macro_rules! predicates {
    ($($(#[$meta:meta])* $signature:literal $name:ident = $predicate:expr;)*) => {
        #[pymethods(PREDICATES)]
        impl Context {
            $(
                $(#[$meta])*
                #[method($signature)]
                fn $name(&self, vm: &Vm, x: &Value) -> PyResult<bool> {
                    let predicate: fn(&Arithmetic, &Number) -> bool = $predicate;
                    Ok(predicate(&self.arithmetic(), &*require_operand(vm, x)?))
                }
            )*
        }
    };
}

predicates! {
    /// Whether x is neither infinite nor NaN.
    "is_finite(self, x, /)" is_finite = |_, x| x.is_finite();
    /// Whether x is infinite.
    "is_infinite(self, x, /)" is_infinite = |_, x| x.is_infinite();
    /// Whether x is NaN.
    "is_nan(self, x, /)" is_nan = |_, x| x.is_nan();
    /// Whether x is finite, not zero and not subnormal.
    "is_normal(self, x, /)" is_normal = Arithmetic::is_normal;
    /// Whether x is a quiet NaN.
    "is_qnan(self, x, /)" is_qnan = |_, x| x.is_quiet_nan();
    /// Whether x has a minus sign.
    "is_signed(self, x, /)" is_signed = |_, x| x.is_negative();
    /// Whether x is a signaling NaN.
    "is_snan(self, x, /)" is_snan = |_, x| x.is_signaling_nan();
    /// Whether x is not zero, but below the normal range.
    "is_subnormal(self, x, /)" is_subnormal = Arithmetic::is_subnormal;
    /// Whether x is zero.
    "is_zero(self, x, /)" is_zero = |_, x| x.is_zero();
}

/// An argument that must be a Decimal.
fn require_decimal<'a>(vm: &Vm, value: &'a Value) -> PyResult<&'a Value> {
    if value.downcast::<Decimal>().is_none() {
        return Err(vm.type_error("argument must be a Decimal"));
    }
    Ok(value)
}

#[pymethods(FURTHER_METHODS)]
impl Context {
    /// Return quotient and remainder of x / y.
    #[method("divmod(self, x, y, /)")]
    fn divmod(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "Context.divmod", names)?;
        let [x, y] = exactly(vm, args)?;
        apply_divmod(vm, self, &*require_operand(vm, x)?, &*require_operand(vm, y)?)
    }

    /// Return a ** b, or a ** b % modulo.
    ///
    /// With a modulus all numbers must be whole, b not negative, a and b not both zero, and the modulus not zero and
    /// below 10 ** prec. Without one, a negative a needs a whole b; the result is almost always correctly rounded.
    #[method("power(self, /, a, b, modulo=None)")]
    fn power(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        static PARAMETERS: Parameters<3> =
            Parameters { function: "function", names: ["a", "b", "modulo"], required: 2, positional: 3 };
        let bound = PARAMETERS.bind(vm, args, names)?;
        let (base, exponent) = (bound.require(vm, 0)?, bound.require(vm, 1)?);
        bound.finish(vm)?;
        let (base, exponent) = (require_operand(vm, base)?, require_operand(vm, exponent)?);
        match bound.get(2).filter(|modulus| !is_none(modulus)) {
            None => apply_power(vm, self, &base, &exponent, None),
            Some(modulus) => {
                apply_power(vm, self, &base, &exponent, Some(&*require_operand(vm, modulus)?))
            }
        }
    }

    /// Return x * y + z, rounded once.
    #[method("fma(self, x, y, z, /)")]
    fn fma(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "Context.fma", names)?;
        let [x, y, z] = exactly(vm, args)?;
        let (x, y, z) = (require_operand(vm, x)?, require_operand(vm, y)?, require_operand(vm, z)?);
        let mut signals = Signals::NONE;
        let result = self.arithmetic().fused_multiply_add(&x, &y, &z, &mut signals);
        report(vm, self, signals)?;
        Ok(Decimal::object(result))
    }

    /// Return 10, the base of all arithmetic here.
    #[method("radix(self, /)")]
    fn radix(&self) -> Value {
        Decimal::object(Number::from_i64(10))
    }

    /// Whether the encoding of x is canonical, which every Decimal's is.
    #[method("is_canonical(self, x, /)")]
    fn is_canonical(&self, vm: &Vm, x: &Value) -> PyResult<bool> {
        require_decimal(vm, x)?;
        Ok(true)
    }

    /// Return x, whose encoding is canonical.
    #[method("canonical(self, x, /)")]
    fn canonical(&self, vm: &Vm, x: &Value) -> PyResult {
        Ok(require_decimal(vm, x)?.clone())
    }

    /// Return the name of the class of x.
    #[method("number_class(self, x, /)")]
    fn number_class(&self, vm: &Vm, x: &Value) -> PyResult<&'static str> {
        Ok(self.arithmetic().number_class(&*require_operand(vm, x)?))
    }

    /// Return x as text in scientific notation.
    #[method("to_sci_string(self, x, /)")]
    fn to_sci_string(&self, vm: &Vm, x: &Value) -> PyResult<Ref<Str>> {
        Ok(from_ascii(&require_operand(vm, x)?.to_scientific(self.capitals())))
    }

    /// Return x as text in engineering notation.
    #[method("to_eng_string(self, x, /)")]
    fn to_eng_string(&self, vm: &Vm, x: &Value) -> PyResult<Ref<Str>> {
        Ok(from_ascii(&require_operand(vm, x)?.to_engineering(self.capitals())))
    }

    /// Whether x and y have the same exponent.
    #[method("same_quantum(self, x, y, /)")]
    fn same_quantum(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
        crate::support::no_keywords(vm, "Context.same_quantum", names)?;
        let [x, y] = exactly(vm, args)?;
        Ok(require_operand(vm, x)?.same_quantum(&*require_operand(vm, y)?))
    }

    /// Make a Decimal of anything that Decimal() takes, rounded to the context.
    ///
    /// Unlike there, the text may have no white space and no underscores.
    #[method("create_decimal(self, num=\"0\", /)")]
    fn create_decimal(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "Context.create_decimal", names)?;
        let value = match args {
            [] => return apply_unary(vm, self, &Number::zero(false, 0), Arithmetic::finish_number),
            [value] => value,
            _ => {
                return Err(vm.type_error(format!("function takes at most 1 argument ({} given)", args.len())));
            }
        };
        if let Some(decimal) = value.downcast::<Decimal>() {
            return apply_unary(vm, self, decimal.number(), Arithmetic::adopt);
        }
        Ok(Decimal::object(convert::from_object(vm, value, self, Precision::Rounded)?))
    }

    /// Make a Decimal of a float or an integer, rounded to the context.
    #[method("create_decimal_from_float(self, f, /)")]
    fn create_decimal_from_float(&self, vm: &Vm, number: &Value) -> PyResult {
        let exact = match float::as_f64(number) {
            Some(number) => convert::from_f64(number),
            None if int::is_int(number) => require_operand(vm, number)?.into_owned(),
            None => return Err(vm.type_error("argument must be int or float")),
        };
        apply_unary(vm, self, &exact, Arithmetic::finish_number)
    }
}

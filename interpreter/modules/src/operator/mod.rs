//! The native module `_operator`: the operators as functions, and functions that fetch items and attributes or call
//! methods.

mod getters;

pub use getters::{AttrGetter, ItemGetter, MethodCaller};

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions of `_operator`.
struct Functions;

/// Declares functions that do an operator by its number in `BINARY_OP`.
macro_rules! binary_operators {
    ($($name:ident $signature:literal $number:literal $doc:literal;)*) => {
        #[pyfunctions(BINARY)]
        impl Functions {
            $(#[doc = $doc]
            #[function($signature)]
            fn $name(vm: &Vm, a: &Value, b: &Value) -> PyResult {
                vm.binary_operation($number, a, b)
            })*
        }
    };
}
binary_operators! {
    add "add(a, b, /)" 0 "Same as a + b.";
    and_ "and_(a, b, /)" 1 "Same as a & b.";
    floordiv "floordiv(a, b, /)" 2 "Same as a // b.";
    lshift "lshift(a, b, /)" 3 "Same as a << b.";
    matmul "matmul(a, b, /)" 4 "Same as a @ b.";
    mul "mul(a, b, /)" 5 "Same as a * b.";
    modulo "mod(a, b, /)" 6 "Same as a % b.";
    or_ "or_(a, b, /)" 7 "Same as a | b.";
    pow "pow(a, b, /)" 8 "Same as a ** b.";
    rshift "rshift(a, b, /)" 9 "Same as a >> b.";
    sub "sub(a, b, /)" 10 "Same as a - b.";
    truediv "truediv(a, b, /)" 11 "Same as a / b.";
    xor "xor(a, b, /)" 12 "Same as a ^ b.";
    iadd "iadd(a, b, /)" 13 "Same as a += b.";
    iand "iand(a, b, /)" 14 "Same as a &= b.";
    ifloordiv "ifloordiv(a, b, /)" 15 "Same as a //= b.";
    ilshift "ilshift(a, b, /)" 16 "Same as a <<= b.";
    imatmul "imatmul(a, b, /)" 17 "Same as a @= b.";
    imul "imul(a, b, /)" 18 "Same as a *= b.";
    imod "imod(a, b, /)" 19 "Same as a %= b.";
    ior "ior(a, b, /)" 20 "Same as a |= b.";
    ipow "ipow(a, b, /)" 21 "Same as a **= b.";
    irshift "irshift(a, b, /)" 22 "Same as a >>= b.";
    isub "isub(a, b, /)" 23 "Same as a -= b.";
    itruediv "itruediv(a, b, /)" 24 "Same as a /= b.";
    ixor "ixor(a, b, /)" 25 "Same as a ^= b.";
    getitem "getitem(a, b, /)" 26 "Same as a[b].";
}

/// Declares the comparisons.
macro_rules! comparisons {
    ($($name:ident $signature:literal $comparison:ident $doc:literal;)*) => {
        #[pyfunctions(COMPARISONS)]
        impl Functions {
            $(#[doc = $doc]
            #[function($signature)]
            fn $name(vm: &Vm, a: &Value, b: &Value) -> PyResult {
                vm.compare(a, b, Comparison::$comparison)
            })*
        }
    };
}
comparisons! {
    eq "eq(a, b, /)" Equal "Same as a == b.";
    ne "ne(a, b, /)" NotEqual "Same as a != b.";
    lt "lt(a, b, /)" Less "Same as a < b.";
    le "le(a, b, /)" LessEqual "Same as a <= b.";
    gt "gt(a, b, /)" Greater "Same as a > b.";
    ge "ge(a, b, /)" GreaterEqual "Same as a >= b.";
}

/// Declares the operators with one operand.
macro_rules! unary_operators {
    ($($name:ident $signature:literal $method:ident $doc:literal;)*) => {
        #[pyfunctions(UNARY)]
        impl Functions {
            $(#[doc = $doc]
            #[function($signature)]
            fn $name(vm: &Vm, a: &Value) -> PyResult {
                vm.$method(a)
            })*
        }
    };
}
unary_operators! {
    index "index(a, /)" index "Same as a.__index__()";
    neg "neg(a, /)" negative "Same as -a.";
    pos "pos(a, /)" positive "Same as +a.";
    abs "abs(a, /)" absolute "Same as abs(a).";
    inv "inv(a, /)" invert "Same as ~a.";
    invert "invert(a, /)" invert "Same as ~a.";
}

fn is_sequence(value: &Value) -> bool {
    let slots = value.type_of().slots();
    let is_class = value.type_of().is_heap() && value.downcast::<rspy_runtime::types::dict::Dict>().is_none();
    slots.item.get().is_some() || (slots.get_item.get().is_some() && (is_class || slots.concat.get().is_some()))
}

fn not_concatenable(vm: &Vm, value: &Value) -> Exception {
    vm.type_error(format!("'{}' object can't be concatenated", value.type_of().full_name()))
}

fn iterate(vm: &Vm, sequence: &Value) -> PyResult {
    vm.iter(sequence).map_err(|error| {
        if error.is_type_error() {
            vm.type_error(format!("argument of type '{}' is not iterable", sequence.type_of().full_name()))
        } else {
            error
        }
    })
}

/// Whether the bytes are the same, in a time that depends on the length of the second alone.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let (left, mut different) = if a.len() == b.len() { (a, 0) } else { (b, 1) };
    for (x, y) in left.iter().zip(b) {
        different |= std::hint::black_box(x ^ y);
    }
    different == 0
}

/// Whether two digests are equal, in a time that says nothing of where they differ.
///
/// # Errors
/// `TypeError` where they are neither both ASCII strings nor both bytes-like.
pub fn equal_digests(vm: &Vm, a: &Value, b: &Value) -> PyResult<bool> {
    if let (Some(a), Some(b)) = (a.downcast::<Str>(), b.downcast::<Str>()) {
        let (Some(a), Some(b)) = (a.as_ascii(), b.as_ascii()) else {
            return Err(vm.type_error("comparing strings with non-ASCII characters is not supported"));
        };
        return Ok(same_bytes(a.as_bytes(), b.as_bytes()));
    }
    let has_buffer = |value: &Value| value.type_of().slots().buffer.get().is_some();
    if !has_buffer(a) && !has_buffer(b) {
        return Err(vm.type_error(format!(
            "unsupported operand types(s) or combination of types: '{}' and '{}'",
            a.type_of().full_name(),
            b.type_of().full_name()
        )));
    }
    let (a, b) = (rspy_runtime::buffer::view(vm, a)?, rspy_runtime::buffer::view(vm, b)?);
    Ok(same_bytes(a.as_slice(), b.as_slice()))
}

#[pyfunctions]
impl Functions {
    /// Return True if a is true, False otherwise.
    #[function("truth(a, /)")]
    fn truth(vm: &Vm, a: &Value) -> PyResult<bool> {
        vm.is_true(a)
    }

    /// Same as not a.
    #[function("not_(a, /)")]
    fn not_(vm: &Vm, a: &Value) -> PyResult<bool> {
        vm.is_true(a).map(|truth| !truth)
    }

    /// Same as a is b.
    #[function("is_(a, b, /)")]
    fn is_(a: &Value, b: &Value) -> bool {
        a.is(b)
    }

    /// Same as a is not b.
    #[function("is_not(a, b, /)")]
    fn is_not(a: &Value, b: &Value) -> bool {
        !a.is(b)
    }

    /// Same as a is None.
    #[function("is_none(a, /)")]
    fn is_none(a: &Value) -> bool {
        is_none(a)
    }

    /// Same as a is not None.
    #[function("is_not_none(a, /)")]
    fn is_not_none(a: &Value) -> bool {
        !is_none(a)
    }

    /// Same as b in a (note reversed operands).
    #[function("contains(a, b, /)")]
    fn contains(vm: &Vm, a: &Value, b: &Value) -> PyResult<bool> {
        vm.contains(a, b)
    }

    /// Return the first index of b in a.
    #[function("indexOf(a, b, /)")]
    fn index_of(vm: &Vm, a: &Value, b: &Value) -> PyResult<usize> {
        let iterator = iterate(vm, a)?;
        let mut index = 0;
        while let Some(item) = vm.next(&iterator)? {
            if vm.same_or_equal(&item, b)? {
                return Ok(index);
            }
            index += 1;
        }
        Err(vm.value_error("sequence.index(x): x not in sequence"))
    }

    /// Return the number of items in a which are, or which equal, b.
    #[function("countOf(a, b, /)")]
    fn count_of(vm: &Vm, a: &Value, b: &Value) -> PyResult<usize> {
        let iterator = iterate(vm, a)?;
        let mut count = 0;
        while let Some(item) = vm.next(&iterator)? {
            count += usize::from(vm.same_or_equal(&item, b)?);
        }
        Ok(count)
    }

    /// Same as a[b] = c.
    #[function("setitem(a, b, c, /)")]
    fn setitem(vm: &Vm, a: &Value, b: &Value, c: &Value) -> PyResult<()> {
        vm.set_item(a, b, c)
    }

    /// Same as del a[b].
    #[function("delitem(a, b, /)")]
    fn delitem(vm: &Vm, a: &Value, b: &Value) -> PyResult<()> {
        vm.delete_item(a, b)
    }

    /// Same as a + b, for a and b sequences.
    #[function("concat(a, b, /)")]
    fn concat(vm: &Vm, a: &Value, b: &Value) -> PyResult {
        match a.type_of().slots().concat.get() {
            Some(concat) => concat(vm, a, b),
            None if is_sequence(a) && is_sequence(b) => vm.add(a, b),
            None => Err(not_concatenable(vm, a)),
        }
    }

    /// Same as a += b, for a and b sequences.
    #[function("iconcat(a, b, /)")]
    fn iconcat(vm: &Vm, a: &Value, b: &Value) -> PyResult {
        let slots = a.type_of().slots();
        match slots.inplace_concat.get().or(slots.concat.get()) {
            Some(concat) => concat(vm, a, b),
            None if is_sequence(a) && is_sequence(b) => vm.binary_operation(13, a, b),
            None => Err(not_concatenable(vm, a)),
        }
    }

    /// Return 'a == b'.
    ///
    /// This function uses an approach designed to prevent
    /// timing analysis, making it appropriate for cryptography.
    ///
    /// a and b must both be of the same type: either str (ASCII only),
    /// or any bytes-like object.
    ///
    /// Note: If a and b are of different lengths, or if an error occurs,
    /// a timing attack could theoretically reveal information about the
    /// types and lengths of a and b--but not their values.
    #[function("_compare_digest(a, b, /)")]
    fn compare_digest(vm: &Vm, a: &Value, b: &Value) -> PyResult<bool> {
        equal_digests(vm, a, b)
    }

    /// Return an estimate of the number of items in obj.
    ///
    /// This is useful for presizing containers when building from an iterable.
    ///
    /// If the object supports len(), the result will be exact.
    /// Otherwise, it may over- or under-estimate by an arbitrary amount.
    /// The result will be an integer >= 0.
    #[function("length_hint(obj, default=0, /)")]
    fn length_hint(vm: &Vm, obj: &Value, default: isize) -> PyResult<isize> {
        match vm.length_hint(obj, usize::MAX)? {
            usize::MAX => Ok(default),
            hint => Ok(hint as isize),
        }
    }

    /// Same as obj(*args, **kwargs).
    #[function("call(obj, /, *args, **kwargs)")]
    fn call(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let count = names.map_or(0, |names| names.items().len());
        match args.split_first() {
            Some((callable, rest)) if args.len() > count => vm.call_with_names(callable, rest, names),
            _ => Err(vm.type_error("call expected at least 1 argument, got 0")),
        }
    }
}

native_module! {
    name: "_operator",
    doc: "Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the intrinsic operators of Python.  For example, operator.add(x, y)\nis equivalent to the expression x+y.",
    functions: [Functions::FUNCTIONS, Functions::BINARY, Functions::COMPARISONS, Functions::UNARY],
    types: [AttrGetter, ItemGetter, MethodCaller],
    execute: |_, _| Ok(()),
}

//! Special methods and slots: which name belongs to which slot, how a native slot looks from Python, and how a
//! slot calls a method that a Python class defines.

use std::sync::OnceLock;

use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, TypeObject};
use crate::slots::{Binary, Comparison, KeywordNames, Slot, SlotFunction, Slots};
use crate::types::none::{is_none, is_not_implemented, none, not_implemented};
use crate::types::string::Str;
use crate::types::typ::{Type, TypeFlags};
use crate::value::Value;
use crate::vm::Vm;

/// How a slot's function is called from Python.
pub type Wrapper = fn(&Vm, SlotFunction, &Value, &[Value], KeywordNames<'_>) -> PyResult;

/// A special method.
pub struct SpecialMethod {
    /// Its name.
    pub name: &'static str,
    /// Its name as a string.
    pub interned: fn() -> &'static Object<Str>,
    /// The slot that it fills.
    pub slot: Slot,
    /// What fills the slot where a Python class defines the method.
    pub generic: SlotFunction,
    /// How the slot's function is called from Python.
    pub wrapper: Wrapper,
    /// Its `__text_signature__`.
    pub signature: &'static str,
    /// Its documentation string.
    pub doc: &'static str,
}

fn wrong_count(vm: &Vm, expected: usize, args: &[Value]) -> crate::exceptions::Exception {
    let plural = if expected == 1 { "" } else { "s" };
    vm.type_error(format!("expected {expected} argument{plural}, got {}", args.len()))
}

fn exactly<'a, const N: usize>(vm: &Vm, args: &'a [Value]) -> PyResult<&'a [Value; N]> {
    args.try_into().map_err(|_| wrong_count(vm, N, args))
}

/// The method that overrides a slot, called.
fn call_override(vm: &Vm, this: &Value, name: &Object<Str>, args: &[Value]) -> PyResult {
    match this.type_of().lookup(vm, name) {
        Some(method) => vm.call_found_method(&method, this, args),
        None => Err(vm.no_attribute(this, name)),
    }
}

/// As [`call_override`], with `NotImplemented` where the method is not there.
fn maybe_override(vm: &Vm, this: &Value, name: &Object<Str>, args: &[Value]) -> PyResult {
    match this.type_of().lookup(vm, name) {
        Some(method) => vm.call_found_method(&method, this, args),
        None => Ok(not_implemented()),
    }
}

/// A binary operator of which at least one operand's class defines methods.
fn binary_override(
    vm: &Vm,
    left: &Value,
    right: &Value,
    this: Binary,
    slot: fn(&Slots) -> Option<Binary>,
    name: &Object<Str>,
    reflected: &Object<Str>,
) -> PyResult {
    let is_this =
        |value: &Value| slot(value.type_of().slots()).is_some_and(|other| other as usize == this as usize);
    let (left_type, right_type) = (left.type_of(), right.type_of());
    let mut try_right = !std::ptr::eq(left_type, right_type) && is_this(right);
    if is_this(left) {
        if try_right && right_type.is_subtype(left_type) {
            let overloaded = match (right_type.lookup(vm, reflected), left_type.lookup(vm, reflected)) {
                (Some(right), Some(left)) => !right.is(&left),
                (Some(_), None) => true,
                _ => false,
            };
            if overloaded {
                let result = maybe_override(vm, right, reflected, std::slice::from_ref(left))?;
                if !is_not_implemented(&result) {
                    return Ok(result);
                }
                try_right = false;
            }
        }
        let result = maybe_override(vm, left, name, std::slice::from_ref(right))?;
        if !is_not_implemented(&result) || std::ptr::eq(left_type, right_type) {
            return Ok(result);
        }
    }
    if try_right {
        maybe_override(vm, right, reflected, std::slice::from_ref(left))
    } else {
        Ok(not_implemented())
    }
}

mod wrap {
    //! Wrappers: a slot's function called with Python arguments.

    use super::*;

    fn no_keywords(vm: &Vm, names: KeywordNames<'_>) -> PyResult<()> {
        match names {
            Some(names) if !names.items().is_empty() => {
                Err(vm.type_error("wrapper() takes no keyword arguments"))
            }
            _ => Ok(()),
        }
    }

    macro_rules! function {
        ($function:expr, $($variant:ident)|+) => {
            match $function { $(SlotFunction::$variant(f) => f,)+ _ => unreachable!("the wrapper fits its slot") }
        };
    }

    pub fn unary(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        exactly::<0>(vm, args)?;
        let function = function!(
            function,
            repr | str
                | iter
                | negative
                | positive
                | absolute
                | invert
                | int
                | float
                | index
                | await_
                | aiter
                | anext
        );
        function(vm, this)
    }

    fn as_binary(function: SlotFunction) -> Binary {
        function!(
            function,
            add | subtract
                | multiply
                | remainder
                | divmod
                | lshift
                | rshift
                | and
                | xor
                | or
                | floor_divide
                | true_divide
                | matrix_multiply
                | inplace_add
                | inplace_subtract
                | inplace_multiply
                | inplace_remainder
                | inplace_lshift
                | inplace_rshift
                | inplace_and
                | inplace_xor
                | inplace_or
                | inplace_floor_divide
                | inplace_true_divide
                | inplace_matrix_multiply
                | get_item
                | concat
                | inplace_concat
        )
    }

    pub fn binary(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [other] = exactly(vm, args)?;
        as_binary(function)(vm, this, other)
    }

    pub fn reflected(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [other] = exactly(vm, args)?;
        as_binary(function)(vm, other, this)
    }

    pub fn power(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let function = function!(function, power | inplace_power);
        match args {
            [other] => function(vm, this, other, &none()),
            [other, modulus] => function(vm, this, other, modulus),
            _ => Err(wrong_power_count(vm, args)),
        }
    }

    fn wrong_power_count(vm: &Vm, args: &[Value]) -> crate::exceptions::Exception {
        vm.type_error(format!("expected 1 or 2 arguments, got {}", args.len()))
    }

    pub fn reflected_power(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let function = function!(function, power);
        match args {
            [other] => function(vm, other, this, &none()),
            [other, modulus] => function(vm, other, this, modulus),
            _ => Err(wrong_power_count(vm, args)),
        }
    }

    pub fn length(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        exactly::<0>(vm, args)?;
        Ok(crate::types::int::new(function!(function, length)(vm, this)? as i64))
    }

    pub fn hash(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        exactly::<0>(vm, args)?;
        Ok(crate::types::int::new(function!(function, hash)(vm, this)?))
    }

    pub fn truth(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        exactly::<0>(vm, args)?;
        Ok(crate::types::bool::boolean(function!(function, bool)(vm, this)?))
    }

    pub fn compare<const C: usize>(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [other] = exactly(vm, args)?;
        function!(function, compare)(vm, this, other, Comparison::ALL[C])
    }

    pub fn next(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        exactly::<0>(vm, args)?;
        function!(function, next)(vm, this)?.ok_or_else(|| vm.stop_iteration(none()))
    }

    pub fn call(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        function!(function, call)(vm, this, args, names)
    }

    pub fn init(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        function!(function, init)(vm, this, args, names)?;
        Ok(none())
    }

    fn attribute_name<'a>(vm: &Vm, name: &'a Value) -> PyResult<&'a Object<Str>> {
        name.downcast::<Str>().ok_or_else(|| {
            vm.type_error(format!("attribute name must be string, not '{}'", name.type_of().full_name()))
        })
    }

    pub fn getattribute(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [name] = exactly(vm, args)?;
        function!(function, getattribute)(vm, this, attribute_name(vm, name)?)
    }

    /// `object.__setattr__` and the like must not get around what a more derived native type forbids.
    /// The function behind `__setattr__` of an object: types that do not show their own go by that of `object`.
    fn shown_function(this: &Value, function: crate::slots::SetAttribute) -> crate::slots::SetAttribute {
        let mut next = Some(this.type_of());
        while let Some(typ) = next.filter(|typ| typ.is_heap()) {
            next = typ.base();
        }
        match next
            .filter(|typ| typ.has_flag(TypeFlags::HIDES_SET))
            .and_then(|typ| typ.slots().setattribute.get())
        {
            Some(own) => own,
            None => function,
        }
    }

    fn check_not_bypassed(
        vm: &Vm,
        this: &Value,
        function: crate::slots::SetAttribute,
        what: &str,
    ) -> PyResult<()> {
        let mut typ = this.type_of();
        while typ.is_heap() {
            match typ.base() {
                Some(base) => typ = base,
                None => return Ok(()),
            }
        }
        match typ.slots().setattribute.get() {
            Some(own) if own as usize != function as usize => {
                Err(vm
                    .type_error(format!("can't apply this {what} to {} object", this.type_of().full_name())))
            }
            _ => Ok(()),
        }
    }

    pub fn setattr(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [name, value] = exactly(vm, args)?;
        let function = shown_function(this, function!(function, setattribute));
        check_not_bypassed(vm, this, function, "__setattr__")?;
        let name = crate::types::string::intern::intern(attribute_name(vm, name)?);
        function(vm, this, &name, Some(value)).map(|()| none())
    }

    pub fn delattr(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [name] = exactly(vm, args)?;
        let function = shown_function(this, function!(function, setattribute));
        check_not_bypassed(vm, this, function, "__delattr__")?;
        function(vm, this, attribute_name(vm, name)?, None).map(|()| none())
    }

    pub fn setitem(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [key, value] = exactly(vm, args)?;
        function!(function, set_item | descriptor_set)(vm, this, key, Some(value)).map(|()| none())
    }

    pub fn delitem(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [key] = exactly(vm, args)?;
        function!(function, set_item | descriptor_set)(vm, this, key, None).map(|()| none())
    }

    pub fn contains(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [item] = exactly(vm, args)?;
        Ok(crate::types::bool::boolean(function!(function, contains)(vm, this, item)?))
    }

    pub fn item(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [index] = exactly(vm, args)?;
        let mut index =
            vm.index_size(index, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))?;
        if index < 0 {
            index += vm.length(this)? as isize;
        }
        function!(function, item)(vm, this, index)
    }

    pub fn repeat(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [count] = exactly(vm, args)?;
        let count =
            vm.index_size(count, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))?;
        function!(function, repeat | inplace_repeat)(vm, this, count)
    }

    pub fn get(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let (object, owner) = match args {
            [object] => (object, None),
            [object, owner] => (object, Some(owner)),
            _ => return Err(wrong_count(vm, 1, args)),
        };
        let object = (!is_none(object)).then_some(object);
        let owner = owner.filter(|owner| !is_none(owner));
        if object.is_none() && owner.is_none() {
            return Err(vm.type_error("__get__(None, None) is invalid"));
        }
        function!(function, descriptor_get)(vm, this, object, owner)
    }

    pub fn finalize(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        exactly::<0>(vm, args)?;
        function!(function, finalize)(vm, this);
        Ok(none())
    }

    pub fn buffer(
        vm: &Vm,
        function: SlotFunction,
        this: &Value,
        args: &[Value],
        names: KeywordNames<'_>,
    ) -> PyResult {
        no_keywords(vm, names)?;
        let [flags] = exactly(vm, args)?;
        let flags = vm.index_size(flags, |vm| vm.overflow_error("buffer flags out of range"))?;
        let view = function!(function, buffer)(vm, this, flags as u32)?;
        Ok(crate::types::bytes::memoryview_of(vm, view))
    }

    pub fn new(vm: &Vm, _: SlotFunction, _: &Value, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Err(vm.system_error("__new__ is wrapped by a function of its own"))
    }
}

mod generic {
    //! What fills a slot where a Python class defines the method.

    use super::*;

    macro_rules! unary {
        ($($function:ident $name:ident)*) => {$(
            pub fn $function(vm: &Vm, this: &Value) -> PyResult {
                call_override(vm, this, &names::$name, &[])
            }
        )*};
    }
    unary! {
        negative __neg__ positive __pos__ absolute __abs__ invert __invert__ int __int__ float __float__
        index __index__ await_ __await__ aiter __aiter__ anext __anext__
    }

    pub fn repr(vm: &Vm, this: &Value) -> PyResult {
        call_override(vm, this, &names::__repr__, &[])
    }

    pub fn str(vm: &Vm, this: &Value) -> PyResult {
        call_override(vm, this, &names::__str__, &[])
    }

    macro_rules! binary {
        ($($function:ident $name:ident $reflected:ident)*) => {$(
            pub fn $function(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                binary_override(vm, left, right, $function, |slots| slots.$function.get(), &names::$name, &names::$reflected)
            }
        )*};
    }
    binary! {
        add __add__ __radd__ subtract __sub__ __rsub__ multiply __mul__ __rmul__ remainder __mod__ __rmod__
        divmod __divmod__ __rdivmod__ lshift __lshift__ __rlshift__ rshift __rshift__ __rrshift__
        and __and__ __rand__ xor __xor__ __rxor__ or __or__ __ror__ floor_divide __floordiv__ __rfloordiv__
        true_divide __truediv__ __rtruediv__ matrix_multiply __matmul__ __rmatmul__
    }

    macro_rules! inplace {
        ($($function:ident $name:ident)*) => {$(
            pub fn $function(vm: &Vm, left: &Value, right: &Value) -> PyResult {
                maybe_override(vm, left, &names::$name, std::slice::from_ref(right))
            }
        )*};
    }
    inplace! {
        inplace_add __iadd__ inplace_subtract __isub__ inplace_multiply __imul__ inplace_remainder __imod__
        inplace_lshift __ilshift__ inplace_rshift __irshift__ inplace_and __iand__ inplace_xor __ixor__
        inplace_or __ior__ inplace_floor_divide __ifloordiv__ inplace_true_divide __itruediv__
        inplace_matrix_multiply __imatmul__
    }

    pub fn power(vm: &Vm, left: &Value, right: &Value, modulus: &Value) -> PyResult {
        let is_this = |value: &Value| {
            value.type_of().slots().power.get().is_some_and(|other| other as usize == power as usize)
        };
        if is_none(modulus) {
            let (left_type, right_type) = (left.type_of(), right.type_of());
            let mut try_right = !std::ptr::eq(left_type, right_type) && is_this(right);
            if is_this(left) {
                if try_right && right_type.is_subtype(left_type) {
                    let result = maybe_override(vm, right, &names::__rpow__, std::slice::from_ref(left))?;
                    if !is_not_implemented(&result) {
                        return Ok(result);
                    }
                    try_right = false;
                }
                let result = maybe_override(vm, left, &names::__pow__, std::slice::from_ref(right))?;
                if !is_not_implemented(&result) || std::ptr::eq(left_type, right_type) {
                    return Ok(result);
                }
            }
            return if try_right {
                maybe_override(vm, right, &names::__rpow__, std::slice::from_ref(left))
            } else {
                Ok(not_implemented())
            };
        }
        if is_this(left) {
            let result = maybe_override(vm, left, &names::__pow__, &[right.clone(), modulus.clone()])?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        if is_this(right) && !std::ptr::eq(left.type_of(), right.type_of()) {
            return maybe_override(vm, right, &names::__rpow__, &[left.clone(), modulus.clone()]);
        }
        Ok(not_implemented())
    }

    pub fn inplace_power(vm: &Vm, left: &Value, right: &Value, _: &Value) -> PyResult {
        maybe_override(vm, left, &names::__ipow__, std::slice::from_ref(right))
    }

    pub fn hash(vm: &Vm, this: &Value) -> PyResult<i64> {
        let Some(method) = this.type_of().lookup(vm, &names::__hash__) else { return not_hashable(vm, this) };
        if is_none(&method) {
            return not_hashable(vm, this);
        }
        let result = vm.call_found_method(&method, this, &[])?;
        if !crate::types::int::is_int(&result) {
            return Err(vm.type_error("__hash__ method should return an integer"));
        }
        let hash = match crate::types::int::small_value(&result) {
            Some(small) => small,
            None => crate::types::int::hash(&result),
        };
        Ok(if hash == -1 { -2 } else { hash })
    }

    pub fn bool(vm: &Vm, this: &Value) -> PyResult<bool> {
        if let Some(method) = this.type_of().lookup(vm, &names::__bool__) {
            let result = vm.call_found_method(&method, this, &[])?;
            return crate::types::bool::as_bool(&result).ok_or_else(|| {
                vm.type_error(format!(
                    "__bool__ should return bool, returned {}",
                    result.type_of().full_name()
                ))
            });
        }
        match this.type_of().lookup(vm, &names::__len__) {
            Some(_) => Ok(length(vm, this)? != 0),
            None => Ok(true),
        }
    }

    pub fn length(vm: &Vm, this: &Value) -> PyResult<usize> {
        let result = call_override(vm, this, &names::__len__, &[])?;
        let length = vm.index(&result)?;
        if crate::types::int::sign(&length) < 0 {
            return Err(vm.value_error("__len__() should return >= 0"));
        }
        match crate::types::int::small_value(&length) {
            Some(length) => Ok(length as usize),
            None => Err(vm.overflow_error("cannot fit 'int' into an index-sized integer")),
        }
    }

    pub fn compare(vm: &Vm, this: &Value, other: &Value, comparison: Comparison) -> PyResult {
        let name: &Object<Str> = match comparison {
            Comparison::Less => &names::__lt__,
            Comparison::LessEqual => &names::__le__,
            Comparison::Equal => &names::__eq__,
            Comparison::NotEqual => &names::__ne__,
            Comparison::Greater => &names::__gt__,
            Comparison::GreaterEqual => &names::__ge__,
        };
        maybe_override(vm, this, name, std::slice::from_ref(other))
    }

    pub fn iter(vm: &Vm, this: &Value) -> PyResult {
        match this.type_of().lookup(vm, &names::__iter__) {
            Some(method) if is_none(&method) => {
                Err(vm.type_error(format!("'{}' object is not iterable", this.type_of().full_name())))
            }
            Some(method) => vm.call_found_method(&method, this, &[]),
            None if this.type_of().lookup(vm, &names::__getitem__).is_some() => {
                Ok(crate::types::iterators::SequenceIterator::new(this.clone()).into_value())
            }
            None => Err(vm.type_error(format!("'{}' object is not iterable", this.type_of().full_name()))),
        }
    }

    pub fn next(vm: &Vm, this: &Value) -> PyResult<Option<Value>> {
        call_override(vm, this, &names::__next__, &[]).map(Some)
    }

    pub fn call(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let Some(method) = this.type_of().lookup(vm, &names::__call__) else {
            return Err(vm.no_attribute(this, &names::__call__));
        };
        if method.type_of().has_flag(crate::types::typ::TypeFlags::METHOD_DESCRIPTOR) {
            let mut all = Vec::with_capacity(args.len() + 1);
            all.push(this.clone());
            all.extend_from_slice(args);
            return vm.call_with_names(&method, &all, names);
        }
        let bound = match method.type_of().slots().descriptor_get.get() {
            Some(get) => get(vm, &method, Some(this), Some(&this.type_of().to_value()))?,
            None => method,
        };
        vm.call_with_names(&bound, args, names)
    }

    pub fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let Some(method) = this.type_of().lookup(vm, &names::__init__) else { return Ok(()) };
        let result = if method.type_of().has_flag(crate::types::typ::TypeFlags::METHOD_DESCRIPTOR) {
            let mut all = Vec::with_capacity(args.len() + 1);
            all.push(this.clone());
            all.extend_from_slice(args);
            vm.call_with_names(&method, &all, names)?
        } else {
            let bound = match method.type_of().slots().descriptor_get.get() {
                Some(get) => get(vm, &method, Some(this), Some(&this.type_of().to_value()))?,
                None => method,
            };
            vm.call_with_names(&bound, args, names)?
        };
        if !is_none(&result) {
            return Err(vm.type_error(format!(
                "__init__() should return None, not '{}'",
                result.type_of().full_name()
            )));
        }
        Ok(())
    }

    pub fn new(vm: &Vm, class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let class_value = class.to_value();
        let function = vm.get_attribute(&class_value, &names::__new__)?;
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(class_value);
        all.extend_from_slice(args);
        vm.call_with_names(&function, &all, names)
    }

    /// `__getattribute__`, and `__getattr__` where that does not find the attribute.
    pub fn getattribute(vm: &Vm, this: &Value, name: &Object<Str>) -> PyResult {
        let typ = this.type_of();
        let fallback = typ.lookup(vm, &names::__getattr__);
        let first = match typ.lookup(vm, &names::__getattribute__) {
            Some(method) if !is_native_getattribute(&method) => {
                vm.call_found_method(&method, this, &[name.to_value()])
            }
            Some(_) if typ.is_native_subtype(Type::static_type_()) => {
                crate::types::typ::methods::get_attribute(vm, this, name)
            }
            Some(method) => match native_getattribute(&method) {
                Some(get) => get(vm, this, name),
                None => crate::types::object::generic_get_attribute(vm, this, name),
            },
            None => crate::types::object::generic_get_attribute(vm, this, name),
        };
        let found = match (first, fallback) {
            (Err(error), Some(fallback)) if error.is_attribute_error() => {
                vm.call_found_method(&fallback, this, &[name.to_value()])
            }
            (result, _) => result,
        };
        // What the methods raise may say nothing of what was asked for.
        found.inspect_err(|error| crate::exceptions::attribute_error::complete(error, this, name))
    }

    fn native_getattribute(method: &Value) -> Option<crate::slots::GetAttribute> {
        match method.downcast_exact::<crate::types::native_function::SlotWrapper>()?.function() {
            SlotFunction::getattribute(get) => Some(get),
            _ => None,
        }
    }

    fn is_native_getattribute(method: &Value) -> bool {
        native_getattribute(method).is_some()
    }

    pub fn setattribute(vm: &Vm, this: &Value, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
        match value {
            Some(value) => call_override(vm, this, &names::__setattr__, &[name.to_value(), value.clone()])?,
            None => call_override(vm, this, &names::__delattr__, &[name.to_value()])?,
        };
        Ok(())
    }

    pub fn descriptor_get(vm: &Vm, this: &Value, object: Option<&Value>, owner: Option<&Value>) -> PyResult {
        let object = object.cloned().unwrap_or_else(none);
        let owner = owner.cloned().unwrap_or_else(none);
        match this.type_of().lookup(vm, &names::__get__) {
            // What `__get__` is gets the descriptor as first argument without being bound.
            Some(method) => vm.call(&method, &[this.clone(), object, owner]),
            None => Ok(this.clone()),
        }
    }

    pub fn descriptor_set(vm: &Vm, this: &Value, object: &Value, value: Option<&Value>) -> PyResult<()> {
        match value {
            Some(value) => call_override(vm, this, &names::__set__, &[object.clone(), value.clone()])?,
            None => call_override(vm, this, &names::__delete__, std::slice::from_ref(object))?,
        };
        Ok(())
    }

    pub fn get_item(vm: &Vm, this: &Value, key: &Value) -> PyResult {
        call_override(vm, this, &names::__getitem__, std::slice::from_ref(key))
    }

    pub fn set_item(vm: &Vm, this: &Value, key: &Value, value: Option<&Value>) -> PyResult<()> {
        match value {
            Some(value) => call_override(vm, this, &names::__setitem__, &[key.clone(), value.clone()])?,
            None => call_override(vm, this, &names::__delitem__, std::slice::from_ref(key))?,
        };
        Ok(())
    }

    pub fn item(vm: &Vm, this: &Value, index: isize) -> PyResult {
        call_override(vm, this, &names::__getitem__, &[crate::types::int::new(index as i64)])
    }

    pub fn contains(vm: &Vm, this: &Value, item: &Value) -> PyResult<bool> {
        match this.type_of().lookup(vm, &names::__contains__) {
            Some(method) if is_none(&method) => {
                Err(vm.type_error(format!("'{}' object is not a container", this.type_of().full_name())))
            }
            Some(method) => {
                let result = vm.call_found_method(&method, this, std::slice::from_ref(item))?;
                vm.is_true(&result)
            }
            None => {
                let iterator = vm.iter(this)?;
                while let Some(next) = vm.next(&iterator)? {
                    if vm.same_or_equal(&next, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    pub fn concat(vm: &Vm, this: &Value, other: &Value) -> PyResult {
        call_override(vm, this, &names::__add__, std::slice::from_ref(other))
    }

    pub fn repeat(vm: &Vm, this: &Value, count: isize) -> PyResult {
        call_override(vm, this, &names::__mul__, &[crate::types::int::new(count as i64)])
    }

    pub fn inplace_concat(vm: &Vm, this: &Value, other: &Value) -> PyResult {
        call_override(vm, this, &names::__iadd__, std::slice::from_ref(other))
    }

    pub fn inplace_repeat(vm: &Vm, this: &Value, count: isize) -> PyResult {
        call_override(vm, this, &names::__imul__, &[crate::types::int::new(count as i64)])
    }

    pub fn finalize(vm: &Vm, this: &Value) {
        let Some(method) = this.type_of().lookup(vm, &names::__del__) else { return };
        let raised = vm.raised.replace(0);
        if let Err(error) = vm.call_found_method(&method, this, &[]) {
            crate::exceptions::print::write_unraisable_about(
                vm,
                error,
                "Exception ignored while calling deallocator",
                &method,
            );
        }
        vm.raised.set(raised);
    }

    pub fn buffer(vm: &Vm, this: &Value, flags: u32) -> PyResult<crate::buffer::BufferView> {
        crate::buffer::view_by_method(vm, this, flags)
    }
}

/// Raises the error for objects that cannot be hashed.
pub fn not_hashable(vm: &Vm, value: &Value) -> PyResult<i64> {
    Err(vm.type_error(format!("unhashable type: '{}'", value.type_of().full_name())))
}

impl Type {
    /// The type `type`; a function for closures in this file.
    fn static_type_() -> &'static TypeObject {
        <Type as crate::object::Payload>::static_type()
    }
}

macro_rules! special_methods {
    ($($name:ident $slot:ident $wrapper:expr, $signature:literal, $doc:literal;)*) => {
        /// All special methods that are slots, in the order of introspection.
        pub static SPECIAL_METHODS: &[SpecialMethod] = &[
            $(SpecialMethod {
                name: stringify!($name),
                interned: || &names::$name,
                slot: Slot::$slot,
                generic: SlotFunction::$slot(generic::$slot),
                wrapper: $wrapper,
                signature: $signature,
                doc: $doc,
            },)*
        ];
    };
}

special_methods! {
    __getattribute__ getattribute wrap::getattribute, "($self, name, /)", "Return getattr(self, name).";
    __getattr__ getattribute wrap::getattribute, "", "";
    __setattr__ setattribute wrap::setattr, "($self, name, value, /)", "Implement setattr(self, name, value).";
    __delattr__ setattribute wrap::delattr, "($self, name, /)", "Implement delattr(self, name).";
    __repr__ repr wrap::unary, "($self, /)", "Return repr(self).";
    __hash__ hash wrap::hash, "($self, /)", "Return hash(self).";
    __call__ call wrap::call, "($self, /, *args, **kwargs)", "Call self as a function.";
    __str__ str wrap::unary, "($self, /)", "Return str(self).";
    __lt__ compare wrap::compare::<0>, "($self, value, /)", "Return self<value.";
    __le__ compare wrap::compare::<1>, "($self, value, /)", "Return self<=value.";
    __eq__ compare wrap::compare::<2>, "($self, value, /)", "Return self==value.";
    __ne__ compare wrap::compare::<3>, "($self, value, /)", "Return self!=value.";
    __gt__ compare wrap::compare::<4>, "($self, value, /)", "Return self>value.";
    __ge__ compare wrap::compare::<5>, "($self, value, /)", "Return self>=value.";
    __iter__ iter wrap::unary, "($self, /)", "Implement iter(self).";
    __next__ next wrap::next, "($self, /)", "Implement next(self).";
    __get__ descriptor_get wrap::get, "($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.";
    __set__ descriptor_set wrap::setitem, "($self, instance, value, /)", "Set an attribute of instance to value.";
    __delete__ descriptor_set wrap::delitem, "($self, instance, /)", "Delete an attribute of instance.";
    __init__ init wrap::init, "($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.";
    __new__ new wrap::new, "($type, *args, **kwargs)", "Create and return new object.";
    __del__ finalize wrap::finalize, "($self, /)", "Called when the instance is about to be destroyed.";
    __buffer__ buffer wrap::buffer, "($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.";
    __await__ await_ wrap::unary, "($self, /)", "Return an iterator to be used in await expression.";
    __aiter__ aiter wrap::unary, "($self, /)", "Return an awaitable, that resolves in asynchronous iterator.";
    __anext__ anext wrap::unary, "($self, /)", "Return a value or raise StopAsyncIteration.";
    __add__ add wrap::binary, "($self, value, /)", "Return self+value.";
    __radd__ add wrap::reflected, "($self, value, /)", "Return value+self.";
    __sub__ subtract wrap::binary, "($self, value, /)", "Return self-value.";
    __rsub__ subtract wrap::reflected, "($self, value, /)", "Return value-self.";
    __mul__ multiply wrap::binary, "($self, value, /)", "Return self*value.";
    __rmul__ multiply wrap::reflected, "($self, value, /)", "Return value*self.";
    __mod__ remainder wrap::binary, "($self, value, /)", "Return self%value.";
    __rmod__ remainder wrap::reflected, "($self, value, /)", "Return value%self.";
    __divmod__ divmod wrap::binary, "($self, value, /)", "Return divmod(self, value).";
    __rdivmod__ divmod wrap::reflected, "($self, value, /)", "Return divmod(value, self).";
    __pow__ power wrap::power, "($self, value, mod=None, /)", "Return pow(self, value, mod).";
    __rpow__ power wrap::reflected_power, "($self, value, mod=None, /)", "Return pow(value, self, mod).";
    __neg__ negative wrap::unary, "($self, /)", "-self";
    __pos__ positive wrap::unary, "($self, /)", "+self";
    __abs__ absolute wrap::unary, "($self, /)", "abs(self)";
    __bool__ bool wrap::truth, "($self, /)", "True if self else False";
    __invert__ invert wrap::unary, "($self, /)", "~self";
    __lshift__ lshift wrap::binary, "($self, value, /)", "Return self<<value.";
    __rlshift__ lshift wrap::reflected, "($self, value, /)", "Return value<<self.";
    __rshift__ rshift wrap::binary, "($self, value, /)", "Return self>>value.";
    __rrshift__ rshift wrap::reflected, "($self, value, /)", "Return value>>self.";
    __and__ and wrap::binary, "($self, value, /)", "Return self&value.";
    __rand__ and wrap::reflected, "($self, value, /)", "Return value&self.";
    __xor__ xor wrap::binary, "($self, value, /)", "Return self^value.";
    __rxor__ xor wrap::reflected, "($self, value, /)", "Return value^self.";
    __or__ or wrap::binary, "($self, value, /)", "Return self|value.";
    __ror__ or wrap::reflected, "($self, value, /)", "Return value|self.";
    __int__ int wrap::unary, "($self, /)", "int(self)";
    __float__ float wrap::unary, "($self, /)", "float(self)";
    __iadd__ inplace_add wrap::binary, "($self, value, /)", "Return self+=value.";
    __isub__ inplace_subtract wrap::binary, "($self, value, /)", "Return self-=value.";
    __imul__ inplace_multiply wrap::binary, "($self, value, /)", "Return self*=value.";
    __imod__ inplace_remainder wrap::binary, "($self, value, /)", "Return self%=value.";
    __ipow__ inplace_power wrap::power, "($self, value, /)", "Return self**=value.";
    __ilshift__ inplace_lshift wrap::binary, "($self, value, /)", "Return self<<=value.";
    __irshift__ inplace_rshift wrap::binary, "($self, value, /)", "Return self>>=value.";
    __iand__ inplace_and wrap::binary, "($self, value, /)", "Return self&=value.";
    __ixor__ inplace_xor wrap::binary, "($self, value, /)", "Return self^=value.";
    __ior__ inplace_or wrap::binary, "($self, value, /)", "Return self|=value.";
    __floordiv__ floor_divide wrap::binary, "($self, value, /)", "Return self//value.";
    __rfloordiv__ floor_divide wrap::reflected, "($self, value, /)", "Return value//self.";
    __truediv__ true_divide wrap::binary, "($self, value, /)", "Return self/value.";
    __rtruediv__ true_divide wrap::reflected, "($self, value, /)", "Return value/self.";
    __ifloordiv__ inplace_floor_divide wrap::binary, "($self, value, /)", "Return self//=value.";
    __itruediv__ inplace_true_divide wrap::binary, "($self, value, /)", "Return self/=value.";
    __index__ index wrap::unary, "($self, /)", "Return self converted to an integer, if self is suitable for use as an index into a list.";
    __matmul__ matrix_multiply wrap::binary, "($self, value, /)", "Return self@value.";
    __rmatmul__ matrix_multiply wrap::reflected, "($self, value, /)", "Return value@self.";
    __imatmul__ inplace_matrix_multiply wrap::binary, "($self, value, /)", "Return self@=value.";
    __len__ length wrap::length, "($self, /)", "Return len(self).";
    __getitem__ get_item wrap::binary, "($self, key, /)", "Return self[key].";
    __setitem__ set_item wrap::setitem, "($self, key, value, /)", "Set self[key] to value.";
    __delitem__ set_item wrap::delitem, "($self, key, /)", "Delete self[key].";
    __add__ concat wrap::binary, "($self, value, /)", "Return self+value.";
    __mul__ repeat wrap::repeat, "($self, value, /)", "Return self*value.";
    __rmul__ repeat wrap::repeat, "($self, value, /)", "Return value*self.";
    __getitem__ item wrap::item, "($self, key, /)", "Return self[key].";
    __contains__ contains wrap::contains, "($self, key, /)", "Return bool(key in self).";
    __iadd__ inplace_concat wrap::binary, "($self, value, /)", "Implement self+=value.";
    __imul__ inplace_repeat wrap::repeat, "($self, value, /)", "Implement self*=value.";
}

/// Special methods of a name.
pub fn by_name(name: &str) -> &'static [&'static SpecialMethod] {
    static INDEX: OnceLock<std::collections::HashMap<&'static str, Vec<&'static SpecialMethod>>> =
        OnceLock::new();
    if !name.starts_with("__") {
        return &[];
    }
    let index = INDEX.get_or_init(|| {
        let mut index: std::collections::HashMap<&'static str, Vec<&'static SpecialMethod>> =
            std::collections::HashMap::new();
        for method in SPECIAL_METHODS {
            index.entry(method.name).or_default().push(method);
        }
        index
    });
    index.get(name).map_or(&[], Vec::as_slice)
}

/// Whether a Python method of this name fills the slot. Sequence slots of a class are left to the mapping and
/// number slots, which do the same.
fn filled_by_methods(slot: Slot) -> bool {
    !matches!(slot, Slot::concat | Slot::repeat | Slot::inplace_concat | Slot::inplace_repeat | Slot::item)
}

/// Fills the slots that belong to a special method of the name anew, from what lookup finds.
pub fn update(typ: &TypeObject, name: &str) {
    for method in by_name(name) {
        update_slot(typ, method.slot);
    }
    if name == "__eq__" || name == "__hash__" {
        update_slot(typ, Slot::hash);
    }
}

/// The special methods of each slot that has any.
fn by_slot() -> &'static [(Slot, Vec<&'static SpecialMethod>)] {
    static INDEX: OnceLock<Vec<(Slot, Vec<&'static SpecialMethod>)>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index: Vec<(Slot, Vec<&'static SpecialMethod>)> = Vec::new();
        for method in SPECIAL_METHODS {
            match index.iter_mut().find(|(slot, _)| *slot == method.slot) {
                Some((_, methods)) => methods.push(method),
                None => index.push((method.slot, vec![method])),
            }
        }
        index
    })
}

/// Fills every slot anew, from what lookup finds.
pub fn update_all(typ: &TypeObject) {
    for (slot, methods) in by_slot() {
        resolve(typ, *slot, methods);
    }
}

/// Fills one slot anew, from what lookup finds.
fn update_slot(typ: &TypeObject, slot: Slot) {
    if let Some((_, methods)) = by_slot().iter().find(|(known, _)| *known == slot) {
        resolve(typ, slot, methods);
    }
}

fn resolve(typ: &TypeObject, slot: Slot, methods: &[&SpecialMethod]) {
    let slots = typ.slots();
    let mut native: Option<SlotFunction> = None;
    let mut generic: Option<SlotFunction> = None;
    for method in methods {
        let Some(found) = typ.lookup_uncached((method.interned)()) else { continue };
        if slot == Slot::hash && is_none(&found) {
            slots.hash.set(Some(not_hashable));
            return;
        }
        if slot == Slot::new {
            resolve_new(typ, &found);
            return;
        }
        let wrapper = found.downcast_exact::<crate::types::native_function::SlotWrapper>();
        match wrapper {
            // A native function serves as it is if it comes from a type that this one derives from.
            Some(wrapper) if wrapper.function().slot() == slot && typ.is_native_subtype(wrapper.owner()) => {
                match native {
                    None => native = Some(wrapper.function()),
                    Some(other) if other.address() == wrapper.function().address() => {}
                    Some(_) => generic = Some(method.generic),
                }
            }
            // Another special method under this name.
            Some(wrapper) if wrapper.method_name() != method.name && filled_by_methods(slot) => {
                generic = Some(method.generic);
            }
            // The same method seen as another slot of a native type: that slot has it.
            Some(wrapper) if wrapper.function().slot() != slot && !filled_by_methods(slot) => {}
            Some(wrapper) if wrapper.function().slot() != slot && typ.is_native_subtype(wrapper.owner()) => {}
            _ if filled_by_methods(slot) => generic = Some(method.generic),
            _ => {}
        }
    }
    match generic.or(native) {
        Some(function) => slots.set(function),
        None => slots.clear(slot),
    }
}

fn resolve_new(typ: &TypeObject, found: &Value) {
    let slots = typ.slots();
    // The native function serves as it is where it makes objects of the class's own layout.
    if let Some(owner) = crate::types::native_function::owner_of_native_new(found)
        && let Some(new) = crate::types::native_function::new_for(&owner, typ)
    {
        slots.new.set(Some(new));
    } else {
        slots.new.set(Some(generic::new));
    }
}

/// Whether the slot's function calls a method of a Python class.
pub fn is_generic_new(function: crate::slots::New) -> bool {
    function as usize == generic::new as usize
}

/// The function that looks for `__getattr__`.
pub fn generic_getattribute() -> crate::slots::GetAttribute {
    generic::getattribute
}

/// Whether `__init__` is looked up as a Python method.
pub fn is_generic_init(function: crate::slots::Init) -> bool {
    function as usize == generic::init as usize
}

/// Whether `__call__` is looked up as a Python method.
pub fn is_generic_call(function: crate::slots::Call) -> bool {
    function as usize == generic::call as usize
}

/// Whether `__getitem__` is looked up as a Python method.
pub fn is_generic_get_item(function: crate::slots::Binary) -> bool {
    function as usize == generic::get_item as usize
}

//! The object protocols: what an operator, a builtin function or a statement does with objects of any type.

use std::cmp::Ordering;

use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::{Binary, Comparison, KeywordNames, Slots};
use crate::types::bool::{as_bool, boolean};
use crate::types::descriptors::StaticMethod;
use crate::types::dict::Dict;
use crate::types::function::Function;
use crate::types::int;
use crate::types::list::List;
use crate::types::native_function::NativeFunction;
use crate::types::none::{is_none, is_not_implemented, none, not_implemented};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::{Type, TypeFlags};
use crate::value::Value;
use crate::vm::Vm;

/// A slot of binary operators.
type BinarySlot = fn(&Slots) -> Option<Binary>;

/// One binary operator: its symbol, its slot, and the slot of its augmented form.
struct Operator {
    symbol: &'static str,
    slot: BinarySlot,
    inplace: BinarySlot,
}

/// The binary operators by the argument of `BINARY_OP`.
static OPERATORS: [Operator; 13] = [
    Operator { symbol: "+", slot: |s| s.add.get(), inplace: |s| s.inplace_add.get() },
    Operator { symbol: "&", slot: |s| s.and.get(), inplace: |s| s.inplace_and.get() },
    Operator { symbol: "//", slot: |s| s.floor_divide.get(), inplace: |s| s.inplace_floor_divide.get() },
    Operator { symbol: "<<", slot: |s| s.lshift.get(), inplace: |s| s.inplace_lshift.get() },
    Operator { symbol: "@", slot: |s| s.matrix_multiply.get(), inplace: |s| s.inplace_matrix_multiply.get() },
    Operator { symbol: "*", slot: |s| s.multiply.get(), inplace: |s| s.inplace_multiply.get() },
    Operator { symbol: "%", slot: |s| s.remainder.get(), inplace: |s| s.inplace_remainder.get() },
    Operator { symbol: "|", slot: |s| s.or.get(), inplace: |s| s.inplace_or.get() },
    Operator { symbol: "** or pow()", slot: |_| None, inplace: |_| None },
    Operator { symbol: ">>", slot: |s| s.rshift.get(), inplace: |s| s.inplace_rshift.get() },
    Operator { symbol: "-", slot: |s| s.subtract.get(), inplace: |s| s.inplace_subtract.get() },
    Operator { symbol: "/", slot: |s| s.true_divide.get(), inplace: |s| s.inplace_true_divide.get() },
    Operator { symbol: "^", slot: |s| s.xor.get(), inplace: |s| s.inplace_xor.get() },
];

/// The classes of a tuple or union, any of which will do.
fn alternatives(class: &Value) -> Option<&Object<Tuple>> {
    class.downcast::<Tuple>().or_else(|| crate::types::union::members(class).map(|members| &**members))
}

const ADD: u32 = 0;
const MULTIPLY: u32 = 5;
const POWER: u32 = 8;
const REMAINDER: u32 = 6;
const SUBSCRIPT: u32 = 26;

impl Vm {
    // ----- operators -----

    /// A binary operation by the argument of `BINARY_OP`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn binary_operation(&self, operation: u32, left: &Value, right: &Value) -> PyResult {
        self.binary_operation_inline(operation, left, right)
    }

    /// As [`binary_operation`](Self::binary_operation), for the evaluator.
    #[inline(always)]
    pub(crate) fn binary_operation_inline(&self, operation: u32, left: &Value, right: &Value) -> PyResult {
        match operation {
            SUBSCRIPT => self.get_item(left, right),
            POWER => self.power(left, right, &none()),
            0..=12 => self.binary(operation, left, right),
            21 => self.inplace_power(left, right),
            13..=25 => self.inplace(operation - 13, left, right),
            _ => Err(self.system_error("unknown binary operation")),
        }
    }

    /// Tries the slot of both operands, the right one first where its type derives from the left one's.
    #[inline(always)]
    fn try_binary(&self, slot: BinarySlot, left: &Value, right: &Value) -> PyResult {
        let (left_type, right_type) = (left.type_of(), right.type_of());
        let left_slot = slot(left_type.slots());
        let mut right_slot = None;
        if !std::ptr::eq(left_type, right_type) {
            right_slot = slot(right_type.slots());
            if let (Some(l), Some(r)) = (left_slot, right_slot)
                && l as usize == r as usize
            {
                right_slot = None;
            }
        }
        if let Some(left_slot) = left_slot {
            if let Some(from_right) = right_slot
                && right_type.is_subtype(left_type)
            {
                let result = from_right(self, left, right)?;
                if !is_not_implemented(&result) {
                    return Ok(result);
                }
                right_slot = None;
            }
            let result = left_slot(self, left, right)?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        match right_slot {
            Some(from_right) => from_right(self, left, right),
            None => Ok(not_implemented()),
        }
    }

    #[inline(always)]
    fn binary(&self, operation: u32, left: &Value, right: &Value) -> PyResult {
        let result = self.try_binary(OPERATORS[operation as usize].slot, left, right)?;
        if is_not_implemented(&result) {
            self.binary_of_sequences(operation, left, right)
        } else {
            Ok(result)
        }
    }

    /// What an operation means whose slots have no answer: something for sequences, or an error.
    #[inline(never)]
    fn binary_of_sequences(&self, operation: u32, left: &Value, right: &Value) -> PyResult {
        match operation {
            ADD => {
                if let Some(concat) = left.type_of().slots().concat.get() {
                    return concat(self, left, right);
                }
            }
            MULTIPLY => {
                if let Some(result) = self.try_repeat(left, right, false)? {
                    return Ok(result);
                }
            }
            _ => {}
        }
        Err(self.unsupported(OPERATORS[operation as usize].symbol, left, right))
    }

    fn try_repeat(&self, left: &Value, right: &Value, inplace: bool) -> PyResult<Option<Value>> {
        let (left_slots, right_slots) = (left.type_of().slots(), right.type_of().slots());
        if inplace && let Some(repeat) = left_slots.inplace_repeat.get() {
            return repeat(self, left, self.repeat_count(right)?).map(Some);
        }
        if let Some(repeat) = left_slots.repeat.get() {
            return repeat(self, left, self.repeat_count(right)?).map(Some);
        }
        if let Some(repeat) = right_slots.repeat.get() {
            return repeat(self, right, self.repeat_count(left)?).map(Some);
        }
        Ok(None)
    }

    fn repeat_count(&self, count: &Value) -> PyResult<isize> {
        if count.type_of().slots().index.get().is_none() {
            return Err(self.type_error(format!(
                "can't multiply sequence by non-int of type '{}'",
                count.type_of().full_name()
            )));
        }
        self.index_size(count, |vm| vm.overflow_error("cannot fit 'int' into an index-sized integer"))
    }

    #[inline(never)]
    fn inplace(&self, operation: u32, left: &Value, right: &Value) -> PyResult {
        let operator = &OPERATORS[operation as usize];
        if let Some(inplace) = (operator.inplace)(left.type_of().slots()) {
            let result = inplace(self, left, right)?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        let result = self.try_binary(operator.slot, left, right)?;
        if !is_not_implemented(&result) {
            return Ok(result);
        }
        let slots = left.type_of().slots();
        match operation {
            ADD => {
                if let Some(concat) = slots.inplace_concat.get().or(slots.concat.get()) {
                    return concat(self, left, right);
                }
            }
            MULTIPLY => {
                if let Some(result) = self.try_repeat(left, right, true)? {
                    return Ok(result);
                }
            }
            _ => {}
        }
        Err(self.unsupported(&format!("{}=", operator.symbol), left, right))
    }

    fn unsupported(&self, symbol: &str, left: &Value, right: &Value) -> Exception {
        if symbol == ">>"
            && left.type_of().name() == "builtin_function_or_method"
            && let Ok(name) = self.get_attribute(left, &names::__name__)
            && name.downcast::<Str>().is_some_and(|name| name.equals_str("print"))
        {
            return self.type_error(format!(
                "unsupported operand type(s) for >>: '{}' and '{}'. Did you mean \"print(<message>, file=<output_stream>)\"?",
                left.type_of().full_name(),
                right.type_of().full_name()
            ));
        }
        self.type_error(format!(
            "unsupported operand type(s) for {symbol}: '{}' and '{}'",
            left.type_of().full_name(),
            right.type_of().full_name()
        ))
    }

    /// `left + right`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn add(&self, left: &Value, right: &Value) -> PyResult {
        self.binary_operation(ADD, left, right)
    }

    /// `left % right`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn remainder(&self, left: &Value, right: &Value) -> PyResult {
        self.binary_operation(REMAINDER, left, right)
    }

    /// `divmod(left, right)`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn divmod(&self, left: &Value, right: &Value) -> PyResult {
        let result = self.try_binary(|slots| slots.divmod.get(), left, right)?;
        if is_not_implemented(&result) { Err(self.unsupported("divmod()", left, right)) } else { Ok(result) }
    }

    /// `pow(base, exponent, modulus)`; the modulus may be `None`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn power(&self, base: &Value, exponent: &Value, modulus: &Value) -> PyResult {
        self.power_as("** or pow()", base, exponent, modulus)
    }

    /// As [`power`](Self::power), with the operator for the error.
    fn power_as(&self, symbol: &str, base: &Value, exponent: &Value, modulus: &Value) -> PyResult {
        let (base_type, exponent_type) = (base.type_of(), exponent.type_of());
        let base_slot = base_type.slots().power.get();
        let mut exponent_slot =
            if std::ptr::eq(base_type, exponent_type) { None } else { exponent_type.slots().power.get() };
        if let (Some(b), Some(e)) = (base_slot, exponent_slot)
            && b as usize == e as usize
        {
            exponent_slot = None;
        }
        let mut tried: Vec<crate::slots::Ternary> = Vec::new();
        if let (Some(from_exponent), true) = (exponent_slot, exponent_type.is_subtype(base_type)) {
            tried.push(from_exponent);
            tried.extend(base_slot);
        } else {
            tried.extend(base_slot);
            tried.extend(exponent_slot);
        }
        if !is_none(modulus)
            && let Some(slot) = modulus.type_of().slots().power.get()
            && !tried.iter().any(|other| *other as usize == slot as usize)
        {
            tried.push(slot);
        }
        for slot in tried {
            let result = slot(self, base, exponent, modulus)?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        if is_none(modulus) {
            return Err(self.unsupported(symbol, base, exponent));
        }
        Err(self.type_error(format!(
            "unsupported operand type(s) for ** or pow(): '{}', '{}', '{}'",
            base_type.full_name(),
            exponent_type.full_name(),
            modulus.type_of().full_name()
        )))
    }

    fn inplace_power(&self, base: &Value, exponent: &Value) -> PyResult {
        if let Some(inplace) = base.type_of().slots().inplace_power.get() {
            let result = inplace(self, base, exponent, &none())?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        self.power_as("**=", base, exponent, &none())
    }

    fn unary(&self, value: &Value, slot: Option<crate::slots::Unary>, what: &str) -> PyResult {
        match slot {
            Some(slot) => slot(self, value),
            None => {
                Err(self
                    .type_error(format!("bad operand type for {what}: '{}'", value.type_of().full_name())))
            }
        }
    }

    /// `-value`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn negative(&self, value: &Value) -> PyResult {
        self.unary(value, value.type_of().slots().negative.get(), "unary -")
    }

    /// `+value`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn positive(&self, value: &Value) -> PyResult {
        self.unary(value, value.type_of().slots().positive.get(), "unary +")
    }

    /// `~value`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn invert(&self, value: &Value) -> PyResult {
        self.unary(value, value.type_of().slots().invert.get(), "unary ~")
    }

    /// `abs(value)`.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn absolute(&self, value: &Value) -> PyResult {
        self.unary(value, value.type_of().slots().absolute.get(), "abs()")
    }

    // ----- truth, comparison, hash -----

    /// The truth of a value.
    ///
    /// # Errors
    /// Those of `__bool__` and `__len__`.
    #[inline]
    pub fn is_true(&self, value: &Value) -> PyResult<bool> {
        if let Some(truth) = as_bool(value) {
            return Ok(truth);
        }
        if is_none(value) {
            return Ok(false);
        }
        if let Some(int) = value.small_int() {
            return Ok(int != 0);
        }
        let slots = value.type_of().slots();
        if let Some(truth) = slots.bool.get() {
            return truth(self, value);
        }
        match slots.length.get() {
            Some(length) => Ok(length(self, value)? != 0),
            None => Ok(true),
        }
    }

    /// `left <op> right`, with whatever the objects answer.
    ///
    /// # Errors
    /// Those of the comparison.
    pub fn compare(&self, left: &Value, right: &Value, comparison: Comparison) -> PyResult {
        self.compare_inline(left, right, comparison)
    }

    /// As [`compare`](Self::compare), for a place that compares much.
    #[inline(always)]
    pub(crate) fn compare_inline(&self, left: &Value, right: &Value, comparison: Comparison) -> PyResult {
        if let (Some(a), Some(b)) = (left.small_int(), right.small_int()) {
            return Ok(boolean(comparison.holds(a.cmp(&b))));
        }
        self.check_stack(" in comparison")?;
        let typ = left.type_of();
        if std::ptr::eq(typ, right.type_of())
            && let Some(slot) = typ.slots().compare.get()
        {
            let result = slot(self, left, right, comparison)?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
            return self.compare_reflected(left, right, comparison);
        }
        self.compare_mixed(left, right, comparison)
    }

    /// Compares objects of two types: the right one goes first where its type derives from the left one's.
    #[inline(never)]
    fn compare_mixed(&self, left: &Value, right: &Value, comparison: Comparison) -> PyResult {
        let (left_type, right_type) = (left.type_of(), right.type_of());
        let right_first = right_type.is_subtype(left_type);
        if right_first && let Some(slot) = right_type.slots().compare.get() {
            let result = slot(self, right, left, comparison.swapped())?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        if let Some(slot) = left_type.slots().compare.get() {
            let result = slot(self, left, right, comparison)?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        if right_first {
            return self.compare_identity(left, right, comparison);
        }
        self.compare_reflected(left, right, comparison)
    }

    /// Asks the right operand, when the left one has nothing to say.
    #[inline(never)]
    pub(crate) fn compare_reflected(&self, left: &Value, right: &Value, comparison: Comparison) -> PyResult {
        if let Some(slot) = right.type_of().slots().compare.get() {
            let result = slot(self, right, left, comparison.swapped())?;
            if !is_not_implemented(&result) {
                return Ok(result);
            }
        }
        self.compare_identity(left, right, comparison)
    }

    /// What a comparison means that neither operand implements.
    fn compare_identity(&self, left: &Value, right: &Value, comparison: Comparison) -> PyResult {
        match comparison {
            Comparison::Equal => Ok(boolean(left.is(right))),
            Comparison::NotEqual => Ok(boolean(!left.is(right))),
            _ => Err(self.type_error(format!(
                "'{}' not supported between instances of '{}' and '{}'",
                comparison.symbol(),
                left.type_of().full_name(),
                right.type_of().full_name()
            ))),
        }
    }

    /// The truth of `left <op> right`; the same object is taken to equal itself.
    ///
    /// # Errors
    /// Those of the comparison.
    pub fn compare_truth(&self, left: &Value, right: &Value, comparison: Comparison) -> PyResult<bool> {
        if left.is(right) {
            match comparison {
                Comparison::Equal => return Ok(true),
                Comparison::NotEqual => return Ok(false),
                _ => {}
            }
        }
        let result = self.compare(left, right, comparison)?;
        self.is_true(&result)
    }

    /// The truth of `left == right`.
    ///
    /// # Errors
    /// Those of the comparison.
    pub fn equal(&self, left: &Value, right: &Value) -> PyResult<bool> {
        let result = self.compare(left, right, Comparison::Equal)?;
        self.is_true(&result)
    }

    /// Whether both are the same object or equal, as containers compare.
    ///
    /// # Errors
    /// Those of the comparison.
    #[inline]
    pub fn same_or_equal(&self, left: &Value, right: &Value) -> PyResult<bool> {
        if left.is(right) {
            return Ok(true);
        }
        if left.is_small_int() && right.is_small_int() {
            return Ok(false);
        }
        if let (Some(left), Some(right)) = (left.downcast_exact::<Str>(), right.downcast_exact::<Str>()) {
            return Ok(left.same_text(right));
        }
        self.equal(left, right)
    }

    /// The truth of `left < right`.
    ///
    /// # Errors
    /// Those of the comparison.
    pub fn less(&self, left: &Value, right: &Value) -> PyResult<bool> {
        self.compare_truth(left, right, Comparison::Less)
    }

    /// The order of two values by `<` and `==`.
    ///
    /// # Errors
    /// Those of the comparison.
    pub fn order(&self, left: &Value, right: &Value) -> PyResult<Ordering> {
        if self.less(left, right)? {
            Ok(Ordering::Less)
        } else if self.same_or_equal(left, right)? {
            Ok(Ordering::Equal)
        } else {
            Ok(Ordering::Greater)
        }
    }

    /// The hash of a value.
    ///
    /// # Errors
    /// `TypeError` for unhashable objects, and what `__hash__` raises.
    #[inline]
    pub fn hash(&self, value: &Value) -> PyResult<i64> {
        if let Some(text) = value.downcast_exact::<Str>() {
            return Ok(text.hash_value());
        }
        if value.is_small_int() {
            return Ok(int::hash(value));
        }
        match value.type_of().slots().hash.get() {
            Some(hash) => hash(self, value),
            None if value.type_of().make_ready(self) => self.hash(value),
            None => crate::types::typ::special::not_hashable(self, value),
        }
    }

    // ----- text -----

    /// `repr(value)`.
    ///
    /// # Errors
    /// Those of `__repr__`.
    pub fn repr(&self, value: &Value) -> PyResult<Ref<Str>> {
        self.check_stack(" while getting the repr of an object")?;
        let typ = value.type_of();
        let Some(repr) = typ.slots().repr.get() else {
            return Ok(Str::new(&format!("<{} object at {:#x}>", typ.full_name(), value.id())));
        };
        let result = repr(self, value)?;
        result.downcast_into::<Str>().map_err(|other| {
            self.type_error(format!("__repr__ returned non-string (type {})", other.type_of().full_name()))
        })
    }

    /// `str(value)`.
    ///
    /// # Errors
    /// Those of `__str__`.
    pub fn str(&self, value: &Value) -> PyResult<Ref<Str>> {
        if let Some(text) = value.downcast_exact::<Str>() {
            return Ok(text.to_ref());
        }
        self.check_stack(" while getting the str of an object")?;
        match value.type_of().slots().str.get() {
            Some(str) => str(self, value)?.downcast_into::<Str>().map_err(|other| {
                self.type_error(format!("__str__ returned non-string (type {})", other.type_of().full_name()))
            }),
            None => self.repr(value),
        }
    }

    /// `ascii(value)`.
    ///
    /// # Errors
    /// Those of `__repr__`.
    pub fn ascii(&self, value: &Value) -> PyResult<Ref<Str>> {
        let repr = self.repr(value)?;
        if repr.is_ascii() {
            return Ok(repr);
        }
        let mut out = String::new();
        for c in repr.characters().iter() {
            match c {
                0..=0x7f => out.push(c as u8 as char),
                0x80..=0xff => out.push_str(&format!("\\x{c:02x}")),
                0x100..=0xffff => out.push_str(&format!("\\u{c:04x}")),
                _ => out.push_str(&format!("\\U{c:08x}")),
            }
        }
        Ok(Str::new(&out))
    }

    /// `format(value, spec)`.
    ///
    /// # Errors
    /// Those of `__format__`.
    pub fn format(&self, value: &Value, spec: &Object<Str>) -> PyResult<Ref<Str>> {
        if spec.length() == 0 {
            if let Some(text) = value.downcast_exact::<Str>() {
                return Ok(text.to_ref());
            }
            if value.is_small_int() {
                return self.str(value);
            }
        }
        let Some(method) = value.type_of().lookup(self, &names::__format__) else {
            return Err(self.type_error(format!("Type {} doesn't define __format__", value.type_of().name())));
        };
        let result = self.call_found_method(&method, value, &[spec.to_value()])?;
        result.downcast_into::<Str>().map_err(|other| {
            self.type_error(format!("__format__ must return a str, not {}", other.type_of().full_name()))
        })
    }

    // ----- numbers -----

    /// The `int` that the value is as an index.
    ///
    /// # Errors
    /// `TypeError` where the value is no integer.
    pub fn index(&self, value: &Value) -> PyResult {
        if int::is_int(value) {
            return Ok(value.clone());
        }
        let Some(index) = value.type_of().slots().index.get() else {
            return Err(self.type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                value.type_of().full_name()
            )));
        };
        let result = index(self, value)?;
        if int::is_exact_int(&result) {
            return Ok(result);
        }
        if !int::is_int(&result) {
            return Err(self
                .type_error(format!("__index__ returned non-int (type {})", result.type_of().full_name())));
        }
        crate::warnings::warn(
            self,
            crate::exceptions::deprecation_warning(),
            &format!(
                "__index__ returned non-int (type {}).  The ability to return an instance of a strict subclass of int \
                 is deprecated, and may not be supported in a future version of Python.",
                result.type_of().full_name()
            ),
            1,
        )?;
        Ok(result)
    }

    /// The value as an index, with an error of one's own where it does not fit.
    ///
    /// # Errors
    /// `TypeError` where the value is no integer.
    pub fn index_size(&self, value: &Value, too_large: impl FnOnce(&Vm) -> Exception) -> PyResult<isize> {
        if let Some(small) = value.small_int() {
            return Ok(small as isize);
        }
        let index = self.index(value)?;
        int::small_value(&index).map(|small| small as isize).ok_or_else(|| too_large(self))
    }

    /// The value as an index of a sequence; `what` begins the message for other types.
    ///
    /// # Errors
    /// `TypeError` where the value is no integer, `IndexError` where it does not fit.
    pub fn sequence_index(&self, value: &Value, what: &str) -> PyResult<isize> {
        if let Some(small) = value.small_int() {
            return Ok(small as isize);
        }
        if value.type_of().slots().index.get().is_none() {
            return Err(self.type_error(format!("{what} {}", value.type_of().full_name())));
        }
        self.index_size(value, |vm| {
            vm.index_error(format!(
                "cannot fit '{}' into an index-sized integer",
                value.type_of().full_name()
            ))
        })
    }

    // ----- containers -----

    /// `len(value)`.
    ///
    /// # Errors
    /// `TypeError` where there is no length.
    pub fn length(&self, value: &Value) -> PyResult<usize> {
        match value.type_of().slots().length.get() {
            Some(length) => length(self, value),
            None => {
                Err(self.type_error(format!("object of type '{}' has no len()", value.type_of().full_name())))
            }
        }
    }

    /// A guess at the length of what an iterable yields (PEP 424).
    ///
    /// # Errors
    /// What `__len__` and `__length_hint__` raise, but for `TypeError`.
    pub fn length_hint(&self, value: &Value, default: usize) -> PyResult<usize> {
        if value.type_of().slots().length.get().is_some() {
            return match self.length(value) {
                Err(error) if error.is_type_error() => Ok(default),
                result => result,
            };
        }
        let Some((method, bound)) = self.special_method(value, &names::__length_hint__)? else {
            return Ok(default);
        };
        let result =
            if bound { self.call(&method, std::slice::from_ref(value)) } else { self.call(&method, &[]) };
        let hint = match result {
            Err(error) if error.is_type_error() => return Ok(default),
            result => result?,
        };
        if is_not_implemented(&hint) {
            return Ok(default);
        }
        if !int::is_int(&hint) {
            return Err(self.type_error(format!(
                "__length_hint__ must be an integer, not {}",
                hint.type_of().full_name()
            )));
        }
        let hint =
            self.index_size(&hint, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        usize::try_from(hint).map_err(|_| self.value_error("__length_hint__() should return >= 0"))
    }

    /// `container[key]`.
    ///
    /// # Errors
    /// Those of the container.
    pub fn get_item(&self, container: &Value, key: &Value) -> PyResult {
        let typ = container.type_of();
        let slots = typ.slots();
        if let Some(get) = slots.get_item.get() {
            return get(self, container, key);
        }
        if let Some(item) = slots.item.get() {
            let index = self.sequence_index(key, "sequence index must be integer, not")?;
            return self.item_at(container, index, item);
        }
        if let Some(class) = container.downcast::<Type>() {
            if std::ptr::eq(class, Type::static_type()) {
                return Ok(crate::types::typ::methods::generic_alias(self, container, key));
            }
            if let Some(method) = self.get_attribute_optional(container, &names::__class_getitem__)?
                && !is_none(&method)
            {
                return self.call(&method, std::slice::from_ref(key));
            }
            return Err(self.type_error(format!("type '{}' is not subscriptable", class.full_name())));
        }
        Err(self.type_error(format!("'{}' object is not subscriptable", typ.full_name())))
    }

    fn item_at(&self, container: &Value, index: isize, item: crate::slots::Item) -> PyResult {
        let index = match container.type_of().slots().length.get() {
            Some(length) if index < 0 => index + length(self, container)? as isize,
            _ => index,
        };
        item(self, container, index)
    }

    /// `container[key] = value`.
    ///
    /// # Errors
    /// Those of the container.
    pub fn set_item(&self, container: &Value, key: &Value, value: &Value) -> PyResult<()> {
        match container.type_of().slots().set_item.get() {
            Some(set) => set(self, container, key, Some(value)),
            None => Err(self.unchangeable(container, key, "does not support item assignment", "assignment")),
        }
    }

    /// `del container[key]`.
    ///
    /// # Errors
    /// Those of the container.
    pub fn delete_item(&self, container: &Value, key: &Value) -> PyResult<()> {
        match container.type_of().slots().set_item.get() {
            Some(set) => set(self, container, key, None),
            None => Err(self.unchangeable(container, key, "doesn't support item deletion", "deletion")),
        }
    }

    /// The error of changing an item where none can be: sequences look at the index first, and have a text of their own for it.
    #[cold]
    fn unchangeable(&self, container: &Value, key: &Value, of_sequence: &str, what: &str) -> Exception {
        let typ = container.type_of();
        let slots = typ.slots();
        let is_sequence = typ.is_heap()
            || slots.item.get().is_some()
            || slots.concat.get().is_some()
            || slots.repeat.get().is_some()
            || slots.contains.get().is_some();
        if is_sequence && key.type_of().slots().index.get().is_some() {
            return match self.sequence_index(key, "") {
                Ok(_) => self.type_error(format!("'{}' object {of_sequence}", typ.full_name())),
                Err(error) => error,
            };
        }
        self.type_error(format!("'{}' object does not support item {what}", typ.full_name()))
    }

    /// `item in container`.
    ///
    /// # Errors
    /// Those of the container.
    pub fn contains(&self, container: &Value, item: &Value) -> PyResult<bool> {
        if let Some(contains) = container.type_of().slots().contains.get() {
            return contains(self, container, item);
        }
        let iterator = match self.iter(container) {
            Err(error) if error.is_type_error() && container.type_of().slots().iter.get().is_none() => {
                return Err(self.type_error(format!(
                    "argument of type '{}' is not a container or iterable",
                    container.type_of().full_name()
                )));
            }
            result => result?,
        };
        while let Some(next) = self.next(&iterator)? {
            if self.same_or_equal(&next, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    // ----- iteration -----

    /// `iter(iterable)`.
    ///
    /// # Errors
    /// `TypeError` where the object is not iterable.
    pub fn iter(&self, iterable: &Value) -> PyResult {
        let typ = iterable.type_of();
        if let Some(iter) = typ.slots().iter.get() {
            let iterator = iter(self, iterable)?;
            if iterator.type_of().slots().next.get().is_none() {
                return Err(self.type_error(format!(
                    "iter() returned non-iterator of type '{}'",
                    iterator.type_of().full_name()
                )));
            }
            return Ok(iterator);
        }
        if self.is_sequence(iterable) {
            return Ok(crate::types::iterators::SequenceIterator::new(iterable.clone()).into_value());
        }
        Err(self.type_error(format!("'{}' object is not iterable", typ.full_name())))
    }

    /// Whether items can be asked for by their places: native types say so, and classes of Python that have
    /// `__getitem__` are taken at their word.
    pub fn is_sequence(&self, object: &Value) -> bool {
        let typ = object.type_of();
        let by_python =
            || typ.slots().get_item.get().is_some_and(crate::types::typ::special::is_generic_get_item);
        typ.slots().item.get().is_some() || (by_python() && !typ.is_native_subtype(Dict::static_type()))
    }

    /// The next item of an iterator; `None` at the end.
    ///
    /// # Errors
    /// What the iterator raises, but for `StopIteration`.
    #[inline]
    pub fn next(&self, iterator: &Value) -> PyResult<Option<Value>> {
        match iterator.type_of().slots().next.get() {
            Some(next) => match next(self, iterator) {
                Err(error) if error.is_stop_iteration() => Ok(None),
                result => result,
            },
            None => {
                Err(self
                    .type_error(format!("'{}' object is not an iterator", iterator.type_of().full_name())))
            }
        }
    }

    /// Everything that an iterable yields.
    ///
    /// # Errors
    /// What iterating raises.
    pub fn collect(&self, iterable: &Value) -> PyResult<Vec<Value>> {
        if let Some(tuple) = iterable.downcast_exact::<Tuple>() {
            return Ok(tuple.items().to_vec());
        }
        if let Some(list) = iterable.downcast_exact::<List>() {
            return Ok(list.to_vec());
        }
        let iterator = self.iter(iterable)?;
        let hint = self.length_hint(iterable, 8)?;
        let mut items = Vec::with_capacity(hint.min(1 << 16));
        while let Some(item) = self.next(&iterator)? {
            items.push(item);
        }
        Ok(items)
    }

    /// As [`collect`](Self::collect), with an error of one's own where the object is not iterable.
    ///
    /// # Errors
    /// What iterating raises.
    pub fn collect_or(
        &self,
        iterable: &Value,
        not_iterable: impl FnOnce() -> Exception,
    ) -> PyResult<Vec<Value>> {
        let slots = iterable.type_of().slots();
        if slots.iter.get().is_none() && slots.item.get().is_none() && slots.get_item.get().is_none() {
            return Err(not_iterable());
        }
        self.collect(iterable)
    }

    /// Calls with each item that an iterable yields.
    ///
    /// # Errors
    /// What iterating or the function raises.
    pub fn for_each(&self, iterable: &Value, mut with: impl FnMut(Value) -> PyResult<()>) -> PyResult<()> {
        let iterator = self.iter(iterable)?;
        while let Some(item) = self.next(&iterator)? {
            with(item)?;
        }
        Ok(())
    }

    // ----- attributes -----

    /// `object.name`.
    ///
    /// # Errors
    /// `AttributeError`, and what descriptors raise.
    #[inline]
    pub fn get_attribute(&self, object: &Value, name: &Object<Str>) -> PyResult {
        match object.type_of().slots().getattribute.get() {
            Some(get) => {
                let result = get(self, object, name);
                if let Err(error) = &result {
                    crate::exceptions::attribute_error::add_context(error, object, name);
                }
                result
            }
            None if object.type_of().make_ready(self) => self.get_attribute(object, name),
            None => Err(self.no_attribute(object, name)),
        }
    }

    /// `object.name` by a Rust string.
    ///
    /// # Errors
    /// `AttributeError`, and what descriptors raise.
    pub fn get_attribute_str(&self, object: &Value, name: &str) -> PyResult {
        self.get_attribute(object, &self.intern(name))
    }

    /// `object.name`, or `None` where there is no such attribute.
    ///
    /// # Errors
    /// What descriptors raise, but for `AttributeError`.
    pub fn get_attribute_optional(&self, object: &Value, name: &Object<Str>) -> PyResult<Option<Value>> {
        let get = object.type_of().slots().getattribute.get();
        if get.is_some_and(|get| {
            get as usize == crate::types::object::generic_get_attribute as *const () as usize
        }) {
            return match crate::types::object::find_attribute(self, object, name) {
                Err(error) if error.is_attribute_error() => Ok(None),
                found => found,
            };
        }
        match self.get_attribute(object, name) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_attribute_error() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The error for an attribute that is not there.
    pub fn no_attribute(&self, object: &Value, name: &Object<Str>) -> Exception {
        let text = name.to_string_lossy();
        let message = match object.downcast::<Type>() {
            Some(typ) => format!("type object '{}' has no attribute '{text}'", typ.full_name()),
            None => format!("'{}' object has no attribute '{text}'", object.type_of().full_name()),
        };
        self.attribute_error(message, object, name)
    }

    /// `object.name = value`.
    ///
    /// # Errors
    /// Those of the object.
    pub fn set_attribute(&self, object: &Value, name: &Object<Str>, value: &Value) -> PyResult<()> {
        self.change_attribute(object, name, Some(value))
    }

    /// `del object.name`.
    ///
    /// # Errors
    /// Those of the object.
    pub fn delete_attribute(&self, object: &Value, name: &Object<Str>) -> PyResult<()> {
        self.change_attribute(object, name, None)
    }

    /// Sets an attribute by a Rust string.
    ///
    /// # Errors
    /// Those of the object.
    pub fn set_attribute_str(&self, object: &Value, name: &str, value: &Value) -> PyResult<()> {
        self.set_attribute(object, &self.intern(name), value)
    }

    fn change_attribute(&self, object: &Value, name: &Object<Str>, value: Option<&Value>) -> PyResult<()> {
        let name =
            if name.is_interned() { name.to_ref() } else { crate::types::string::intern::intern(name) };
        match object.type_of().slots().setattribute.get() {
            Some(set) => set(self, object, &name, value),
            None => Err(self.type_error(format!(
                "'{}' object has no attributes ({} .{})",
                object.type_of().full_name(),
                if value.is_some() { "assign to" } else { "del" },
                name.to_string_lossy()
            ))),
        }
    }

    /// A method to be called with the object as first argument (true), or any other attribute (false).
    ///
    /// # Errors
    /// `AttributeError`, and what descriptors raise.
    pub fn get_method(&self, object: &Value, name: &Object<Str>) -> PyResult<(Value, bool)> {
        let typ = object.type_of();
        let get = typ.slots().getattribute.get();
        if !get.is_some_and(|get| {
            get as usize == crate::types::object::generic_get_attribute as *const () as usize
        }) {
            return Ok((self.get_attribute(object, name)?, false));
        }
        if let Some(found) = typ.lookup(self, name)
            && found.type_of().has_flag(TypeFlags::METHOD_DESCRIPTOR)
        {
            if let Some(own) = crate::types::typ::instance::get(object, name) {
                return Ok((own, false));
            }
            return Ok((found, true));
        }
        Ok((self.get_attribute(object, name)?, false))
    }

    /// A special method, looked up in the type; to be called with the object as first argument (true) or bound
    /// already (false).
    ///
    /// # Errors
    /// What descriptors raise.
    pub fn special_method(&self, object: &Value, name: &Object<Str>) -> PyResult<Option<(Value, bool)>> {
        let typ = object.type_of();
        let Some(found) = typ.lookup(self, name) else { return Ok(None) };
        if found.type_of().has_flag(TypeFlags::METHOD_DESCRIPTOR) {
            return Ok(Some((found, true)));
        }
        match found.type_of().slots().descriptor_get.get() {
            Some(get) => Ok(Some((get(self, &found, Some(object), Some(&typ.to_value()))?, false))),
            None => Ok(Some((found, false))),
        }
    }

    /// Calls a special method that the type has; `None` where it has none.
    ///
    /// # Errors
    /// What the method raises.
    pub fn call_special(
        &self,
        object: &Value,
        name: &Object<Str>,
        args: &[Value],
    ) -> PyResult<Option<Value>> {
        match self.special_method(object, name)? {
            None => Ok(None),
            Some((method, true)) => self.call_with_first(&method, object, args).map(Some),
            Some((bound, false)) => self.call(&bound, args).map(Some),
        }
    }

    /// Calls what a lookup in the type found, bound to the object.
    ///
    /// # Errors
    /// What the method raises.
    pub fn call_found_method(&self, method: &Value, object: &Value, args: &[Value]) -> PyResult {
        if method.type_of().has_flag(TypeFlags::METHOD_DESCRIPTOR) {
            return self.call_with_first(method, object, args);
        }
        match method.type_of().slots().descriptor_get.get() {
            Some(get) => {
                let bound = get(self, method, Some(object), Some(&object.type_of().to_value()))?;
                self.call(&bound, args)
            }
            None => self.call(method, args),
        }
    }

    /// Calls `object.name(args…)`.
    ///
    /// # Errors
    /// Those of the lookup and the call.
    pub fn call_method(&self, object: &Value, name: &Object<Str>, args: &[Value]) -> PyResult {
        let (method, unbound) = self.get_method(object, name)?;
        if unbound { self.call_with_first(&method, object, args) } else { self.call(&method, args) }
    }

    /// Calls `object.name(args…)` by a Rust string.
    ///
    /// # Errors
    /// Those of the lookup and the call.
    pub fn call_method_str(&self, object: &Value, name: &str, args: &[Value]) -> PyResult {
        self.call_method(object, &self.intern(name), args)
    }

    // ----- calls -----

    /// Calls with positional arguments.
    ///
    /// # Errors
    /// Those of the call.
    #[inline]
    pub fn call(&self, callable: &Value, args: &[Value]) -> PyResult {
        self.call_with_names(callable, args, None)
    }

    /// Calls with one more argument in front.
    ///
    /// # Errors
    /// Those of the call.
    pub fn call_with_first(&self, callable: &Value, first: &Value, args: &[Value]) -> PyResult {
        self.with_first(first, args, |all| self.call(callable, all))
    }

    /// Does something with values of which one more is in front; a few are put together without an allocation.
    #[inline]
    pub(crate) fn with_first<R>(&self, first: &Value, rest: &[Value], run: impl FnOnce(&[Value]) -> R) -> R {
        const FEW: usize = 6;
        if rest.len() < FEW {
            let mut words = [0u64; FEW];
            words[0] = first.bits();
            for (word, value) in words[1..].iter_mut().zip(rest) {
                *word = value.bits();
            }
            // SAFETY: a value is one word; these look at values that are borrowed until the end, and are never dropped.
            return run(unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), rest.len() + 1) });
        }
        let mut all = Vec::with_capacity(rest.len() + 1);
        all.push(first.clone());
        all.extend_from_slice(rest);
        run(&all)
    }

    /// Calls with arguments of which the last are keyword arguments.
    ///
    /// # Errors
    /// Those of the call.
    #[inline]
    pub fn call_with_names(&self, callable: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        match callable.type_of().slots().call.get() {
            Some(call) => {
                self.check_stack("")?;
                call(self, callable, args, names.filter(|names| !names.items().is_empty()))
            }
            None => Err(self.not_callable(callable)),
        }
    }

    /// The error of calling what cannot be called; for a module that has a function of its name it says so.
    #[cold]
    fn not_callable(&self, callable: &Value) -> Exception {
        let message = format!("'{}' object is not callable", callable.type_of().full_name());
        let suggested = callable.downcast::<crate::types::module::Module>().and_then(|module| {
            let name = module.name()?;
            let found = module.dict().get_str(&self.intern(&name))?;
            self.is_callable(&found).then_some(name)
        });
        self.type_error(match suggested {
            Some(name) => format!("{message}. Did you mean: '{name}.{name}(...)'?"),
            None => message,
        })
    }

    /// Calls with positional arguments and a dict of keyword arguments.
    ///
    /// # Errors
    /// `TypeError` where a keyword is no string unless the callable judges that itself, and those of the call.
    pub fn call_with_dict(&self, callable: &Value, args: &[Value], keywords: &Object<Dict>) -> PyResult {
        if keywords.is_empty() {
            return self.call(callable, args);
        }
        let mut all = args.to_vec();
        let mut keys = Vec::with_capacity(keywords.len());
        for (key, value) in keywords.pairs() {
            if key.downcast::<Str>().is_none() && !takes_any_keys(self, callable) {
                return Err(self.type_error("keywords must be strings"));
            }
            keys.push(key);
            all.push(value);
        }
        self.call_with_names(callable, &all, Some(&Tuple::from_values(keys)))
    }

    /// Calls with positional arguments and keyword arguments given by Rust strings.
    ///
    /// # Errors
    /// Those of the call.
    pub fn call_with_keywords(
        &self,
        callable: &Value,
        args: &[Value],
        keywords: &[(&str, Value)],
    ) -> PyResult {
        let mut all = args.to_vec();
        all.extend(keywords.iter().map(|(_, value)| value.clone()));
        let names: Vec<Value> = keywords.iter().map(|(name, _)| self.intern(name).into_value()).collect();
        self.call_with_names(callable, &all, Some(&Tuple::from_values(names)))
    }

    /// `callable(value)`.
    pub fn is_callable(&self, value: &Value) -> bool {
        value.type_of().slots().call.get().is_some()
    }

    // ----- classes -----

    /// Whether the value's type is or derives from a native type.
    #[inline]
    pub fn is_instance_of(&self, value: &Value, typ: &TypeObject) -> bool {
        value.type_of().is_subtype(typ)
    }

    /// `isinstance(value, class)`.
    ///
    /// # Errors
    /// `TypeError` where the second is no class, and what `__instancecheck__` raises.
    pub fn is_instance(&self, value: &Value, class: &Value) -> PyResult<bool> {
        if value.type_of().is(class) {
            return Ok(true);
        }
        if class.downcast_exact::<Type>().is_some() {
            return self.is_instance_plainly(value, class);
        }
        self.check_stack(" in __instancecheck__")?;
        if let Some(classes) = class.downcast::<Tuple>() {
            return self.is_instance_of_any(value, classes);
        }
        if let Some(classes) = alternatives(class) {
            return self.is_instance_of_any(value, &classes);
        }
        match self.call_special(class, &names::__instancecheck__, std::slice::from_ref(value))? {
            Some(answer) => self.is_true(&answer),
            None => self.is_instance_plainly(value, class),
        }
    }

    fn is_instance_of_any(&self, value: &Value, classes: &Object<Tuple>) -> PyResult<bool> {
        for class in classes.items() {
            if self.is_instance(value, class)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `isinstance` without `__instancecheck__`.
    ///
    /// # Errors
    /// `TypeError` where the second is no class.
    pub fn is_instance_plainly(&self, value: &Value, class: &Value) -> PyResult<bool> {
        if let Some(class) = class.downcast::<Type>() {
            if value.type_of().is_subtype(class) {
                return Ok(true);
            }
            let claimed = self.get_attribute_optional(value, &names::__class__)?;
            return Ok(match claimed.as_ref().and_then(|claimed| claimed.downcast::<Type>()) {
                Some(claimed) => !std::ptr::eq(claimed, value.type_of()) && claimed.is_subtype(class),
                None => false,
            });
        }
        self.check_class(class, "isinstance() arg 2 must be a type, a tuple of types, or a union")?;
        match self.get_attribute_optional(value, &names::__class__)? {
            Some(claimed) => self.derives_abstractly(&claimed, class),
            None => Ok(false),
        }
    }

    fn bases_of(&self, class: &Value) -> PyResult<Option<Ref<Tuple>>> {
        let bases = self.get_attribute_optional(class, &names::__bases__)?;
        Ok(bases.and_then(|bases| bases.downcast_into::<Tuple>().ok()))
    }

    fn check_class(&self, class: &Value, message: &str) -> PyResult<()> {
        if self.bases_of(class)?.is_none() {
            return Err(self.type_error(message));
        }
        Ok(())
    }

    fn derives_abstractly(&self, derived: &Value, class: &Value) -> PyResult<bool> {
        self.check_stack(" in __subclasscheck__")?;
        if derived.is(class) {
            return Ok(true);
        }
        let Some(bases) = self.bases_of(derived)? else { return Ok(false) };
        for base in bases.items() {
            if self.derives_abstractly(base, class)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `issubclass(derived, class)`.
    ///
    /// # Errors
    /// `TypeError` where one is no class, and what `__subclasscheck__` raises.
    pub fn is_subclass(&self, derived: &Value, class: &Value) -> PyResult<bool> {
        if class.downcast_exact::<Type>().is_some() {
            if derived.is(class) {
                return Ok(true);
            }
            return self.is_subclass_plainly(derived, class);
        }
        if let Some(classes) = alternatives(class) {
            self.check_stack(" in __subclasscheck__")?;
            for class in classes.items() {
                if self.is_subclass(derived, class)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        self.check_stack(" in __subclasscheck__")?;
        match self.call_special(class, &names::__subclasscheck__, std::slice::from_ref(derived))? {
            Some(answer) => self.is_true(&answer),
            None => self.is_subclass_plainly(derived, class),
        }
    }

    /// `issubclass` without `__subclasscheck__`.
    ///
    /// # Errors
    /// `TypeError` where one is no class.
    pub fn is_subclass_plainly(&self, derived: &Value, class: &Value) -> PyResult<bool> {
        if let (Some(derived), Some(class)) = (derived.downcast::<Type>(), class.downcast::<Type>()) {
            return Ok(derived.is_subtype(class));
        }
        self.check_class(derived, "issubclass() arg 1 must be a class")?;
        self.check_class(class, "issubclass() arg 2 must be a class, a tuple of classes, or a union")?;
        self.derives_abstractly(derived, class)
    }

    /// Reads an `int` of any class as a Rust integer, with an error of one's own where it does not fit.
    ///
    /// # Errors
    /// As described.
    pub fn small_int(&self, value: &Value, otherwise: impl FnOnce() -> Exception) -> PyResult<i64> {
        int::small_value(value).ok_or_else(otherwise)
    }
}

/// Whether the callable sees keywords that are no strings: CPython hands it the dict.
fn takes_any_keys(vm: &Vm, callable: &Value) -> bool {
    if let Some(typ) = callable.downcast::<Type>() {
        // Python functions see strings only.
        let by_function = |name: &Object<Str>| {
            typ.lookup(vm, name).is_some_and(|found| {
                found.downcast_exact::<Function>().is_some()
                    || found.downcast_exact::<StaticMethod>().is_some()
            })
        };
        return !crate::types::typ::is_constructed_directly(typ)
            && !by_function(&names::__new__)
            && !by_function(&names::__init__);
    }
    callable
        .downcast_exact::<NativeFunction>()
        .is_some_and(|function| matches!(function.definition().name, "__replace__" | "format"))
}

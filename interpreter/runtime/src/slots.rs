//! The slots of a type: the functions behind operators, calls, attribute access and the other protocols, in one
//! table from which [`Slots`], its lookup by name and the special methods follow.

use std::cell::Cell;

use crate::buffer::BufferView;
use crate::exceptions::PyResult;
use crate::object::{Object, TypeObject};
use crate::types::generator::Sent;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The names of keyword arguments: a tuple of `str`, whose values are the last of the arguments.
pub type KeywordNames<'a> = Option<&'a Object<Tuple>>;

/// One operand.
pub type Unary = fn(&Vm, &Value) -> PyResult;
/// Two operands; answers `NotImplemented` for types that it does not know.
pub type Binary = fn(&Vm, &Value, &Value) -> PyResult;
/// Three operands: `pow`.
pub type Ternary = fn(&Vm, &Value, &Value, &Value) -> PyResult;
/// Truth.
pub type Inquiry = fn(&Vm, &Value) -> PyResult<bool>;
/// Length.
pub type Length = fn(&Vm, &Value) -> PyResult<usize>;
/// Hash; never -1.
pub type Hash = fn(&Vm, &Value) -> PyResult<i64>;
/// Rich comparison.
pub type Compare = fn(&Vm, &Value, &Value, Comparison) -> PyResult;
/// Resumes an awaited object with a value; tells what it yields from what it returns (PEP 342) without an exception.
pub type Send = fn(&Vm, &Value, &Value) -> PyResult<Sent>;
/// The next item of an iterator; `None` at the end.
pub type Next = fn(&Vm, &Value) -> PyResult<Option<Value>>;
/// A call: callable, arguments (the keyword ones last), their names.
pub type Call = fn(&Vm, &Value, &[Value], KeywordNames<'_>) -> PyResult;
/// Construction of an object of the type.
pub type New = fn(&Vm, &TypeObject, &[Value], KeywordNames<'_>) -> PyResult;
/// Initialisation.
pub type Init = fn(&Vm, &Value, &[Value], KeywordNames<'_>) -> PyResult<()>;
/// Attribute by name.
pub type GetAttribute = fn(&Vm, &Value, &Object<Str>) -> PyResult;
/// Sets the attribute, or deletes it where there is no value.
pub type SetAttribute = fn(&Vm, &Value, &Object<Str>, Option<&Value>) -> PyResult<()>;
/// Sets the item, or deletes it where there is no value.
pub type SetItem = fn(&Vm, &Value, &Value, Option<&Value>) -> PyResult<()>;
/// Membership.
pub type Contains = fn(&Vm, &Value, &Value) -> PyResult<bool>;
/// Repetition of a sequence.
pub type Repeat = fn(&Vm, &Value, isize) -> PyResult;
/// Item of a sequence by index; negative indexes have had the length added.
pub type Item = fn(&Vm, &Value, isize) -> PyResult;
/// Reading through a descriptor: descriptor, instance, owner.
pub type DescriptorGet = fn(&Vm, &Value, Option<&Value>, Option<&Value>) -> PyResult;
/// The finaliser (PEP 442).
pub type Finalize = fn(&Vm, &Value);
/// A view of the object's memory (PEP 3118).
pub type GetBuffer = fn(&Vm, &Value, u32) -> PyResult<BufferView>;

/// The six rich comparisons, with CPython's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Comparison {
    /// `<`
    Less = 0,
    /// `<=`
    LessEqual = 1,
    /// `==`
    Equal = 2,
    /// `!=`
    NotEqual = 3,
    /// `>`
    Greater = 4,
    /// `>=`
    GreaterEqual = 5,
}

impl Comparison {
    /// All six, by number.
    pub const ALL: [Comparison; 6] = [
        Comparison::Less,
        Comparison::LessEqual,
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::GreaterEqual,
    ];

    /// The comparison of an argument of `COMPARE_OP`.
    #[inline(always)]
    pub fn of_argument(argument: u32) -> Comparison {
        Self::ALL.get((argument >> 5) as usize).copied().unwrap_or(Comparison::Less)
    }

    /// The comparison with the operands exchanged.
    pub const fn swapped(self) -> Comparison {
        match self {
            Comparison::Less => Comparison::Greater,
            Comparison::LessEqual => Comparison::GreaterEqual,
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterEqual => Comparison::LessEqual,
            same => same,
        }
    }

    /// The operator.
    pub const fn symbol(self) -> &'static str {
        ["<", "<=", "==", "!=", ">", ">="][self as usize]
    }

    /// What the comparison says of two things in this order.
    #[inline]
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        // By comparison three bits: whether it holds of what is less, equal, greater. No branch has to be foreseen.
        const ORDERS: u32 = 0o6_4_5_2_3_1;
        ORDERS >> (3 * self as u32 + (order as i32 + 1) as u32) & 1 != 0
    }
}

/// Calls a macro with every slot: `field: Signature`.
#[macro_export]
macro_rules! for_each_slot {
    ($callback:ident) => {
        $callback! {
            repr: Unary, str: Unary, hash: Hash, call: Call, getattribute: GetAttribute, setattribute: SetAttribute,
            compare: Compare, iter: Unary, next: Next, descriptor_get: DescriptorGet, descriptor_set: SetItem,
            init: Init, new: New, finalize: Finalize, buffer: GetBuffer,
            add: Binary, subtract: Binary, multiply: Binary, remainder: Binary, divmod: Binary, power: Ternary,
            negative: Unary, positive: Unary, absolute: Unary, bool: Inquiry, invert: Unary, lshift: Binary,
            rshift: Binary, and: Binary, xor: Binary, or: Binary, int: Unary, float: Unary, index: Unary,
            floor_divide: Binary, true_divide: Binary, matrix_multiply: Binary,
            inplace_add: Binary, inplace_subtract: Binary, inplace_multiply: Binary, inplace_remainder: Binary,
            inplace_power: Ternary, inplace_lshift: Binary, inplace_rshift: Binary, inplace_and: Binary,
            inplace_xor: Binary, inplace_or: Binary, inplace_floor_divide: Binary, inplace_true_divide: Binary,
            inplace_matrix_multiply: Binary,
            length: Length, get_item: Binary, set_item: SetItem, contains: Contains, item: Item, concat: Binary,
            repeat: Repeat, inplace_concat: Binary, inplace_repeat: Repeat,
            await_: Unary, aiter: Unary, anext: Unary, send: Send
        }
    };
}

macro_rules! define_slots {
    ($($field:ident: $signature:ident),* $(,)?) => {
        /// The functions of a type; a slot that is empty means that the type does not have the protocol.
        pub struct Slots { $(#[allow(missing_docs)] pub $field: Cell<Option<$signature>>,)* }

        impl Slots {
            /// No function at all.
            pub const EMPTY: Slots = Slots { $($field: Cell::new(None),)* };

            /// Takes every function of `base` where this has none.
            pub fn inherit(&self, base: &Slots) {
                $(if self.$field.get().is_none() { self.$field.set(base.$field.get()); })*
            }

            /// The function in a slot.
            pub fn get(&self, slot: Slot) -> Option<SlotFunction> {
                match slot { $(Slot::$field => self.$field.get().map(SlotFunction::$field),)* }
            }

            /// Empties a slot.
            pub fn clear(&self, slot: Slot) {
                match slot { $(Slot::$field => self.$field.set(None),)* }
            }

            /// Puts a function where it belongs.
            pub fn set(&self, function: SlotFunction) {
                match function { $(SlotFunction::$field(f) => self.$field.set(Some(f)),)* }
            }
        }

        /// The name of a slot.
        #[allow(missing_docs, non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Slot { $($field,)* }

        /// A function together with the slot it is for.
        #[allow(missing_docs, non_camel_case_types)]
        #[derive(Clone, Copy)]
        pub enum SlotFunction { $($field($signature),)* }

        impl SlotFunction {
            /// The slot that the function is for.
            pub const fn slot(self) -> Slot {
                match self { $(SlotFunction::$field(_) => Slot::$field,)* }
            }

            /// The function's address, to tell functions apart.
            pub fn address(self) -> usize {
                match self { $(SlotFunction::$field(f) => f as usize,)* }
            }
        }
    };
}
for_each_slot!(define_slots);

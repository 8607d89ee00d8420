//! Struct sequences made by native code: tuples whose items have names too, and of which some are reached by name
//! alone (`os.stat_result`, `time.struct_time`).
//!
//! # Safety argument
//!
//! Objects are made by [`new`] alone, with as many values as the type has fields; the tuple's length counts the
//! visible ones. The hidden ones lie behind them, and are traced and dropped by the type that [`struct_sequence!`]
//! declares.

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::types::tuple::Tuple;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;

/// What a struct sequence consists of.
pub struct Description {
    /// Names and meanings of the fields that items of the sequence have.
    pub visible: &'static [&'static str],
    /// How many items without names follow.
    pub unnamed: usize,
    /// Names of the fields that are no items of the sequence.
    pub hidden: &'static [&'static str],
}

impl Description {
    /// Number of items.
    pub const fn length(&self) -> usize {
        self.visible.len() + self.unnamed
    }

    /// Number of fields.
    pub const fn total(&self) -> usize {
        self.length() + self.hidden.len()
    }

    fn name(&self, index: usize) -> Option<&'static str> {
        match index.checked_sub(self.length()) {
            Some(hidden) => self.hidden.get(hidden).copied(),
            None => self.visible.get(index).copied(),
        }
    }

    /// The name of a field by its place among the named ones.
    fn nth_name(&self, index: usize) -> &'static str {
        match index.checked_sub(self.visible.len()) {
            Some(hidden) => self.hidden.get(hidden).copied().unwrap_or(""),
            None => self.visible[index],
        }
    }
}

/// The payload of a struct sequence's type. Implemented by [`struct_sequence!`].
pub trait Structure: Payload {
    /// What it consists of.
    const DESCRIPTION: &'static Description;
    /// The visible items.
    fn tuple(&self) -> &Tuple;
}

/// All fields, hidden ones included.
pub fn fields<T: Structure>(structure: &T) -> &[Value] {
    // SAFETY: as many values as there are fields were written when the object was made.
    unsafe { std::slice::from_raw_parts(structure.tuple().items().as_ptr(), T::DESCRIPTION.total()) }
}

/// Drops the hidden fields; for the type's `Drop`.
pub fn drop_hidden<T: Structure>(structure: &mut T) {
    let length = T::DESCRIPTION.length();
    let items = structure.tuple().items().as_ptr().cast_mut();
    for index in length..T::DESCRIPTION.total() {
        // SAFETY: each hidden value is dropped once, with the object.
        unsafe { items.add(index).drop_in_place() }
    }
}

/// An object of these fields, of which there must be as many as the type has.
pub fn new<T: Structure>(fields: Vec<Value>) -> Value {
    assert_eq!(fields.len(), T::DESCRIPTION.total(), "a struct sequence has a value for each field");
    Tuple::with_hidden(T::static_type(), fields, T::DESCRIPTION.length()).into_value()
}

/// Makes the type ready and sets the attributes that tell of its fields.
pub fn prepare<T: Structure>(vm: &Vm) {
    let typ = T::static_type();
    typ.ready(vm);
    let dict = typ.dict();
    let description = T::DESCRIPTION;
    for (name, number) in [
        ("n_sequence_fields", description.length()),
        ("n_fields", description.total()),
        ("n_unnamed_fields", description.unnamed),
    ] {
        dict.set_str(&vm.intern(name), Value::int(number as i32));
    }
    let names: Vec<Value> = description.visible.iter().map(|name| vm.intern(name).into_value()).collect();
    dict.set_str(&vm.intern("__match_args__"), Tuple::from_values(names).into_value());
}

/// As [`prepare`], for a type of which programs cannot make objects.
pub fn prepare_closed<T: Structure>(vm: &Vm) {
    T::static_type().set_flag(TypeFlags::NO_NEW);
    prepare::<T>(vm);
}

/// Makes the type ready and puts it into a module under its name.
pub fn publish<T: Structure>(vm: &Vm, module: &Object<Module>) {
    prepare::<T>(vm);
    module.set(vm, T::static_type().native().name, T::static_type().to_value());
}

/// The field at an index; what the type's member descriptors read.
pub fn field<T: Structure>(instance: &Value, index: usize) -> PyResult {
    Ok(fields(crate::convert::payload_of::<T>(instance))[index].clone())
}

/// `__repr__`.
pub fn repr<T: Structure>(vm: &Vm, this: &Value) -> PyResult {
    let mut out = StrBuilder::new();
    out.push_str(&T::static_type().full_name());
    out.push_str("(");
    let structure = crate::convert::payload_of::<T>(this);
    for (index, item) in structure.tuple().items().iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(T::DESCRIPTION.nth_name(index));
        out.push_str("=");
        out.push_object(&*vm.repr(item)?);
    }
    out.push_str(")");
    Ok(out.finish().into_value())
}

static CONSTRUCTION: crate::arguments::Parameters<2> = crate::arguments::Parameters {
    function: "structseq",
    names: ["sequence", "dict"],
    required: [true, false],
    interned: crate::arguments::InternedNames::NONE,
    positional_only: 0,
    positional: 2,
    rest: false,
    keywords: false,
};

/// `__new__`: a sequence of the visible fields (and more), and a dict of the others.
pub fn construct<T: Structure>(vm: &Vm, _: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
    let bound = crate::arguments::bind(vm, &CONSTRUCTION, args, names)?;
    let [sequence, dict] = bound.simple;
    let (least, most) = (T::DESCRIPTION.length(), T::DESCRIPTION.total());
    let name = T::static_type().full_name();
    let not_sequence = || vm.type_error("constructor requires a sequence");
    let Some(sequence) = sequence else { return Err(not_sequence()) };
    let mut values = vm.collect_or(sequence, not_sequence)?;
    let dict = match dict {
        None => None,
        Some(dict) => match dict.downcast::<Dict>() {
            Some(dict) => Some(dict),
            None => return Err(vm.type_error(format!("{name}() takes a dict as second arg, if any"))),
        },
    };
    let length = values.len();
    if length < least || length > most {
        let (how, number) = match (least == most, length < least) {
            (true, _) => ("a", least),
            (false, true) => ("an at least", least),
            (false, false) => ("an at most", most),
        };
        return Err(
            vm.type_error(format!("{name}() takes {how} {number}-sequence ({length}-sequence given)"))
        );
    }
    let mut used = 0;
    for index in length..most {
        let named = T::DESCRIPTION.name(index).map(|name| vm.intern(name));
        let given = match (&named, dict) {
            (Some(field), Some(dict)) => dict.get_str(field),
            _ => None,
        };
        used += usize::from(given.is_some());
        values.push(given.unwrap_or_else(none));
    }
    if dict.is_some_and(|dict| dict.len() > used) {
        return Err(vm.type_error(format!("{name}() got duplicate or unexpected field name(s)")));
    }
    Ok(new::<T>(values))
}

/// `__reduce__`.
pub fn reduce<T: Structure>(vm: &Vm, all: &[Value], names: KeywordNames<'_>) -> PyResult {
    crate::arguments::bind(vm, &NO_ARGUMENTS, &all[1..], names)?;
    let structure = crate::convert::payload_of::<T>(&all[0]);
    let dict = Dict::new();
    let length = T::DESCRIPTION.length();
    for (value, name) in fields(structure)[length..].iter().zip(T::DESCRIPTION.hidden) {
        dict.set_str(&vm.intern(name), value.clone());
    }
    let visible = Tuple::from_slice(structure.tuple().items()).into_value();
    let arguments = Tuple::from_values([visible, dict.into_value()]);
    Ok(Tuple::from_values([all[0].type_of().to_value(), arguments.into_value()]).into_value())
}

static NO_ARGUMENTS: crate::arguments::Parameters<0> = crate::arguments::Parameters {
    function: "__reduce__",
    names: [],
    required: [],
    interned: crate::arguments::InternedNames::NONE,
    positional_only: 0,
    positional: 0,
    rest: false,
    keywords: false,
};

/// `__replace__`.
pub fn replace<T: Structure>(vm: &Vm, all: &[Value], names: KeywordNames<'_>) -> PyResult {
    let (positional, changes) = crate::arguments::KeywordArguments::of_call(all, names);
    if positional.len() > 1 {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    if T::DESCRIPTION.unnamed > 0 {
        return Err(vm.type_error(format!(
            "__replace__() is not supported for {} because it has unnamed field(s)",
            T::static_type().full_name()
        )));
    }
    let mut values = fields(crate::convert::payload_of::<T>(&all[0])).to_vec();
    let mut unexpected = Vec::new();
    for (name, value) in changes.iter() {
        let place = name.downcast::<Str>().and_then(|name| {
            (0..values.len())
                .find(|&index| T::DESCRIPTION.name(index).is_some_and(|field| name.equals_str(field)))
        });
        match place {
            Some(place) => values[place] = value.clone(),
            None => unexpected.push(name.clone()),
        }
    }
    if !unexpected.is_empty() {
        let shown = vm.repr(&crate::types::list::List::from_vec(unexpected).into_value())?;
        return Err(vm.type_error(format!("Got unexpected field name(s): {}", shown.to_string_lossy())));
    }
    Ok(new::<T>(values))
}

/// The typed object of a value, if it is one.
pub fn downcast<T: Structure>(value: &Value) -> Option<Ref<T>> {
    value.downcast::<T>().map(Object::to_ref)
}

/// Declares a struct sequence.
///
/// ```ignore
/// struct_sequence! {
///     /// Size of a terminal.
///     pub struct TerminalSize("os", "terminal_size") {
///         visible { columns: "width in characters", lines: "height in characters" }
///         unnamed 0
///         hidden {}
///     }
/// }
/// ```
#[macro_export]
macro_rules! struct_sequence {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident($module:literal, $python_name:literal) {
            visible { $($visible:ident: $visible_doc:literal),* $(,)? }
            unnamed $unnamed:literal
            hidden { $($hidden:ident: $hidden_doc:literal),* $(,)? }
        }
    ) => {
        $(#[doc = $doc])*
        #[repr(C)]
        pub struct $name {
            tuple: $crate::types::tuple::Tuple,
        }

        const _: () = {
            use $crate::native::{Binding, GetSetDef, NativeDef, NativeType};
            use $crate::types::structseq::{self, Description, Structure};
            use $crate::types::typ::TypeFlags;

            #[allow(non_camel_case_types, dead_code)]
            #[repr(usize)]
            enum Visible { $($visible,)* End }
            #[allow(non_camel_case_types, dead_code)]
            #[repr(usize)]
            enum Hidden { $($hidden,)* End }
            const LENGTH: usize = Visible::End as usize + $unnamed;

            impl Structure for $name {
                const DESCRIPTION: &'static Description = &Description {
                    visible: &[$(stringify!($visible)),*],
                    unnamed: $unnamed,
                    hidden: &[$(stringify!($hidden)),*],
                };
                fn tuple(&self) -> &$crate::types::tuple::Tuple {
                    &self.tuple
                }
            }

            impl Drop for $name {
                fn drop(&mut self) {
                    structseq::drop_hidden(self);
                }
            }

            impl $crate::gc::Trace for $name {
                fn trace(&self, visitor: &mut $crate::gc::Visitor<'_>) {
                    for value in structseq::fields(self) {
                        visitor.value(value);
                    }
                }
            }

            static METHODS: &[NativeDef] = &[
                NativeDef {
                    name: "__reduce__",
                    signature: "($self, /)",
                    doc: "",
                    binding: Binding::Method,
                    call: structseq::reduce::<$name>,
                },
                NativeDef {
                    name: "__replace__",
                    signature: "($self, /, **changes)",
                    doc: "Return a copy of the structure with new values for the specified fields.",
                    binding: Binding::Method,
                    call: structseq::replace::<$name>,
                },
            ];

            static ATTRIBUTES: &[GetSetDef] = &[
                $(GetSetDef {
                    name: stringify!($visible),
                    doc: $visible_doc,
                    get: |_, instance| structseq::field::<$name>(instance, Visible::$visible as usize),
                    set: None,
                    member: true,
                },)*
                $(GetSetDef {
                    name: stringify!($hidden),
                    doc: $hidden_doc,
                    get: |_, instance| structseq::field::<$name>(instance, LENGTH + Hidden::$hidden as usize),
                    set: None,
                    member: true,
                },)*
            ];

            static NATIVE: NativeType = NativeType {
                name: $python_name,
                module: $module,
                doc: concat!($($doc, "\n"),*).trim_ascii(),
                signature: "",
                size: size_of::<$crate::object::Object<$name>>(),
                base: Some(<$crate::types::tuple::Tuple as $crate::object::Payload>::static_type),
                flags: TypeFlags::IMMUTABLE.with(TypeFlags::TRACKED).with(TypeFlags::VARIABLE).with(
                    // Those of `sys` are the core's own.
                    if matches!($module.as_bytes(), b"sys" | b"builtins") {
                        TypeFlags::NONE
                    } else {
                        TypeFlags::FROM_MODULE
                    },
                ),
                drop: $crate::object::drop_payload::<$name>,
                deallocate: $crate::object::deallocate_native::<$name>,
                trace: Some($crate::object::trace_payload::<$name>),
                clear: Some($crate::object::clear_payload::<$name>),
                methods: &[METHODS],
                attributes: &[ATTRIBUTES],
            };

            // SAFETY: the description is made from the struct itself; the base's payload is its first field.
            unsafe impl $crate::object::Payload for $name {
                fn static_type() -> &'static $crate::object::TypeObject {
                    static TYPE: $crate::object::TypeObject = $crate::object::Object::immortal(
                        &raw const $crate::types::typ::TYPE,
                        $crate::types::typ::Type::native(
                            &NATIVE,
                            $crate::slots::Slots {
                                repr: ::std::cell::Cell::new(Some(structseq::repr::<$name>)),
                                new: ::std::cell::Cell::new(Some(structseq::construct::<$name>)),
                                ..$crate::slots::Slots::EMPTY
                            },
                        ),
                    );
                    &TYPE
                }
                const TRACKED: bool = true;
                const PREFIX: bool = false;
            }
        };
    };
}

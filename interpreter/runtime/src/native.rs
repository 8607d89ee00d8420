//! How native code describes itself to Python: functions, attributes, types and modules as constant tables.
//! The macros of `rspy-macros` write these tables.

use crate::exceptions::PyResult;
use crate::gc::Visitor;
use crate::object::{Header, TypeObject};
use crate::slots::KeywordNames;
use crate::types::typ::TypeFlags;
use crate::value::Value;
use crate::vm::Vm;

/// A native function: all arguments (for methods `self` first, keyword arguments last) and the keywords' names.
pub type NativeCall = fn(&Vm, &[Value], KeywordNames<'_>) -> PyResult;

/// How a native function is bound when it is found in a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding {
    /// A function of a module.
    Function,
    /// A method: the first argument is an instance of the type.
    Method,
    /// A class method: the first argument is the type.
    ClassMethod,
    /// A static method.
    StaticMethod,
}

/// A native function.
pub struct NativeDef {
    /// Its name.
    pub name: &'static str,
    /// Its parameters as `__text_signature__` shows them, such as `($self, key, default=None, /)`; empty for none.
    pub signature: &'static str,
    /// Its documentation string; empty for none.
    pub doc: &'static str,
    /// How it is bound.
    pub binding: Binding,
    /// The function.
    pub call: NativeCall,
}

/// Reads an attribute of an object.
pub type Getter = fn(&Vm, &Value) -> PyResult;

/// An attribute computed by native code.
pub struct GetSetDef {
    /// Its name.
    pub name: &'static str,
    /// Its documentation string; empty for none.
    pub doc: &'static str,
    /// Reads it.
    pub get: Getter,
    /// Sets it, or deletes it where there is no value; absent for read-only attributes.
    pub set: Option<fn(&Vm, &Value, Option<&Value>) -> PyResult<()>>,
    /// Whether introspection shows a `member_descriptor` (a plain field in CPython) and not a `getset_descriptor`.
    pub member: bool,
}

/// A type made by native code.
pub struct NativeType {
    /// Its name without the module.
    pub name: &'static str,
    /// The module it says it is from.
    pub module: &'static str,
    /// Its documentation string; empty for none.
    pub doc: &'static str,
    /// Its `__text_signature__`; empty for none.
    pub signature: &'static str,
    /// Size of the object with header.
    pub size: usize,
    /// The base, absent for `object` alone.
    pub base: Option<fn() -> &'static TypeObject>,
    /// What holds for the type.
    pub flags: TypeFlags,
    /// Ends the payload.
    pub drop: unsafe fn(*mut Header),
    /// Ends an object of exactly this type.
    pub deallocate: unsafe fn(*mut Header),
    /// Visits what the payload refers to.
    pub trace: Option<unsafe fn(*const Header, &mut Visitor<'_>)>,
    /// Lets go of what the payload refers to.
    pub clear: Option<unsafe fn(*const Header)>,
    /// Methods, in one or more tables.
    pub methods: &'static [&'static [NativeDef]],
    /// Computed attributes.
    pub attributes: &'static [&'static [GetSetDef]],
}

/// A module made by native code.
pub struct NativeModule {
    /// Its full name.
    pub name: &'static str,
    /// Its documentation string; empty for none.
    pub doc: &'static str,
    /// Functions, in one or more tables.
    pub functions: &'static [&'static [NativeDef]],
    /// Types to be made available under their names.
    pub types: &'static [fn() -> &'static TypeObject],
    /// Adds everything else, such as constants.
    pub execute: fn(&Vm, &crate::object::Object<crate::types::module::Module>) -> PyResult<()>,
    /// What else holds for its initialisation, where it is in an extension file.
    pub slots: &'static [crate::import::extension::Slot],
    /// How much state it has for itself, as C counts it; -1 where it cannot be initialised twice.
    pub state_size: i32,
}

impl NativeModule {
    /// A module without anything in it.
    pub const EMPTY: NativeModule = NativeModule {
        name: "",
        doc: "",
        functions: &[],
        types: &[],
        execute: |_, _| Ok(()),
        slots: &[],
        state_size: 0,
    };
}

/// Declares a native module as a `pub static MODULE`.
///
/// ```ignore
/// native_module! {
///     name: "_bisect", doc: "Bisection algorithms.",
///     functions: [Bisect::FUNCTIONS], types: [], execute: |_, _| Ok(())
/// }
/// ```
#[macro_export]
macro_rules! native_module {
    (name: $name:literal, doc: $doc:literal, functions: [$($functions:expr),* $(,)?], types: [$($typ:ty),* $(,)?], execute: $execute:expr $(,)?) => {
        #[doc = concat!("The module `", $name, "`.")]
        pub static MODULE: $crate::native::NativeModule = $crate::native::NativeModule {
            name: $name,
            doc: $doc,
            functions: &[$($functions),*],
            types: &[$(<$typ as $crate::object::Payload>::static_type),*],
            execute: $execute,
            ..$crate::native::NativeModule::EMPTY
        };
    };
}

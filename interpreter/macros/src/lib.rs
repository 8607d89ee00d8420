//! The macros with which native types, functions and modules are declared.
//!
//! ```ignore
//! /// A list of values.
//! #[pyclass(name = "list", module = "builtins", tracked, subclassable, sequence)]
//! pub struct List { items: GilCell<Vec<Value>> }
//!
//! #[pymethods]
//! impl List {
//!     /// Append object to the end of the list.
//!     #[method("append(self, object, /)")]
//!     fn append(&self, object: &Value) { … }
//!
//!     #[slot(length)]
//!     fn length(&self) -> PyResult<usize> { … }
//! }
//! ```
//!
//! * `#[pyclass]` on a struct makes it the payload of a type. Its options: `name = "…"`, `module = "…"`,
//!   `signature = "…"` (the type's `__text_signature__`), `extends = Type` (a native base whose payload is the first
//!   field), `tracked` (the collector looks at it; the fields must be `Trace`, `#[untraced]` leaves a field out),
//!   `weak` and `dict` (weak references and attributes are possible), `subclassable`, `sequence`, `mapping`,
//!   `match_self`, `no_new`, `method_descriptor`, `variable` (objects differ in size), `extent` (a method of that name
//!   says by how many bytes), `manual_trace` (`Trace` is implemented by hand),
//!   `from_module` and `static_type` (whether the dict has `__module__`; types of native modules have it unless told
//!   otherwise), `shows_get`, `shows_set`, `hides_set`, `hides_new`, `hides_del` (which special methods the dict
//!   shows apart from those that are the type's own), `unhashable`, `methods(TABLE, …)` (further tables made by `#[pymethods(TABLE)]`), `no_methods` (there is no `#[pymethods]`).
//! * `#[pymethods]` on an `impl` block makes tables of what is marked in it: `#[method("…")]`,
//!   `#[classmethod("…")]`, `#[staticmethod("…")]`, `#[getter("…")]`, `#[setter("…")]` (with `, member` the attribute
//!   shows as a member), `#[slot(name, …)]`, `#[new("…")]`, `#[init("…")]`.
//! * `#[pyfunctions]` on an `impl` block of a unit struct does the same for the functions of a module, marked
//!   `#[function("…")]`; the table is the constant `FUNCTIONS`, or the one named in `#[pyfunctions(NAME)]`.
//!
//! The text in the mark is the Python signature: it gives the name, which parameters are positional-only or
//! keyword-only, defaults, and `__text_signature__`; the documentation comment becomes `__doc__`. Parameters are
//! bound to the Rust parameters in order. A Rust parameter named `vm` receives the thread's state; `&self`, or a
//! parameter named `this`, the instance (as payload, `&Object<T>` or `&Value`); a parameter named `cls` the type of a
//! class method or `new`. A parameter named `args` together with one named `names` receives all arguments
//! unparsed. `*args` binds to `&[Value]`, `**kwargs` to `KeywordArguments`. A parameter of type `Option` is `None`
//! where the argument is absent; where its default is `None`, also when `None` is given.

mod class;
mod methods;
mod signature;

use proc_macro::TokenStream;

/// Makes a struct the payload of a native type.
#[proc_macro_attribute]
pub fn pyclass(options: TokenStream, item: TokenStream) -> TokenStream {
    class::expand(options.into(), item.into()).unwrap_or_else(|error| error.into_compile_error()).into()
}

/// Makes tables of the marked functions of a native type.
#[proc_macro_attribute]
pub fn pymethods(options: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(options.into(), item.into(), methods::Kind::Type)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// Makes a table of the marked functions of a native module.
#[proc_macro_attribute]
pub fn pyfunctions(options: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(options.into(), item.into(), methods::Kind::Module)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

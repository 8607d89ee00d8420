//! The syntax tree: CPython's `Python.asdl`, described once as data in [`for_each_node!`](crate::for_each_node).
//!
//! The Rust types below are made from that table; Python's `ast` module classes and the conversions in both
//! directions are made from it as well, elsewhere.
//!
//! * A sum type without attributes is an `enum` (`Mod`, `Operator`, …).
//! * A sum type with attributes is a `struct` of a [`Span`] and a kind (`Stmt { span, kind: StmtKind }`).
//! * A product type is a `struct`, with a `span` field when it has attributes.
//!
//! Single children are boxed, repeated ones stand in a `Vec`, optional ones in an `Option`.

mod constant;
mod drop;
mod name;
mod table;

pub use constant::Constant;
pub use name::Name;
pub use rspy_code::Text;

/// Where a node starts and ends: lines from 1, columns in UTF-8 bytes from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column just after the last character.
    pub end_column: u32,
}

impl Span {
    /// The span from the start of `self` to the end of `last`.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { end_line: last.end_line, end_column: last.end_column, ..self }
    }
}

/// The Rust type of one value of an asdl type, unboxed.
macro_rules! asdl_type {
    (identifier) => {
        Name
    };
    (string) => {
        Text
    };
    (int) => {
        i32
    };
    (constant) => {
        Constant
    };
    (stmt) => {
        Stmt
    };
    (expr) => {
        Expr
    };
    (expr_context) => {
        ExprContext
    };
    (boolop) => {
        BoolOp
    };
    (operator) => {
        Operator
    };
    (unaryop) => {
        UnaryOp
    };
    (cmpop) => {
        CmpOp
    };
    (comprehension) => {
        Comprehension
    };
    (excepthandler) => {
        ExceptHandler
    };
    (arguments) => {
        Arguments
    };
    (arg) => {
        Arg
    };
    (keyword) => {
        Keyword
    };
    (alias) => {
        Alias
    };
    (withitem) => {
        WithItem
    };
    (match_case) => {
        MatchCase
    };
    (pattern) => {
        Pattern
    };
    (type_ignore) => {
        TypeIgnore
    };
    (type_param) => {
        TypeParam
    };
}

/// The Rust type of a field: its asdl type with its quantifier.
macro_rules! field_type {
    ([$type:ident *]) => { Vec<asdl_type!($type)> };
    ([$type:ident ? *]) => { Vec<Option<asdl_type!($type)>> };
    ([$type:ident ?]) => { Option<field_type!([$type])> };
    ([expr]) => { Box<Expr> };
    ([arguments]) => { Box<Arguments> };
    ([arg]) => { Box<Arg> };
    ([pattern]) => { Box<Pattern> };
    ([$type:ident]) => { asdl_type!($type) };
}

/// Makes the Rust types of the table.
macro_rules! define_nodes {
    (
        enumerations { $( $enumeration_asdl:ident $enumeration:ident { $( $member:ident ),* } )* }
        sums { $(
            $sum_asdl:ident $sum:ident {
                $( $constructor:ident { $( $field:ident : $type:tt ),* } )*
            }
        )* }
        located_sums { $(
            $located_asdl:ident $located:ident $kind:ident {
                $( $located_constructor:ident { $( $located_field:ident : $located_type:tt ),* } )*
            }
            attributes { $( $located_attribute:ident : $located_attribute_type:tt ),* }
        )* }
        products { $(
            $product_asdl:ident $product:ident { $( $product_field:ident : $product_type:tt ),* }
        )* }
        located_products { $(
            $place_asdl:ident $place:ident { $( $place_field:ident : $place_type:tt ),* }
            attributes { $( $place_attribute:ident : $place_attribute_type:tt ),* }
        )* }
    ) => {
        $(
            #[doc = concat!("`", stringify!($enumeration_asdl), "` of the asdl.")]
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            #[allow(missing_docs)]
            pub enum $enumeration { $( $member ),* }
        )*
        $(
            #[doc = concat!("`", stringify!($sum_asdl), "` of the asdl.")]
            #[derive(Clone, Debug, PartialEq)]
            #[allow(missing_docs)]
            pub enum $sum { $( $constructor { $( $field: field_type!($type) ),* } ),* }
        )*
        $(
            #[doc = concat!("`", stringify!($located_asdl), "` of the asdl, with its place.")]
            #[derive(Clone, Debug, PartialEq)]
            pub struct $located {
                /// Where it stands.
                pub span: Span,
                /// What it is.
                pub kind: $kind,
            }

            #[doc = concat!("The constructors of `", stringify!($located_asdl), "`.")]
            #[derive(Clone, Debug, PartialEq)]
            #[allow(missing_docs)]
            pub enum $kind { $( $located_constructor { $( $located_field: field_type!($located_type) ),* } ),* }
        )*
        $(
            #[doc = concat!("`", stringify!($product_asdl), "` of the asdl.")]
            #[derive(Clone, Debug, PartialEq)]
            #[allow(missing_docs)]
            pub struct $product { $( pub $product_field: field_type!($product_type) ),* }
        )*
        $(
            #[doc = concat!("`", stringify!($place_asdl), "` of the asdl, with its place.")]
            #[derive(Clone, Debug, PartialEq)]
            #[allow(missing_docs)]
            pub struct $place { pub span: Span, $( pub $place_field: field_type!($place_type) ),* }
        )*
    };
}

crate::for_each_node!(define_nodes);

impl Arguments {
    /// A parameter list without parameters.
    pub fn empty() -> Self {
        Self {
            posonlyargs: Vec::new(),
            args: Vec::new(),
            vararg: None,
            kwonlyargs: Vec::new(),
            kw_defaults: Vec::new(),
            kwarg: None,
            defaults: Vec::new(),
        }
    }
}

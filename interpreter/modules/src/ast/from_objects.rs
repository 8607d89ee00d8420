//! Python objects as syntax trees.

use std::sync::Arc;

use rspy_runtime::compile::text_of;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::Payload;
use rspy_runtime::types::bool::Bool;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::complex::Complex;
use rspy_runtime::types::float::Float;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_ellipsis, is_none};
use rspy_runtime::types::set::FrozenSet;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{complex, float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::ast::{self, Constant, Mod, Name, Span, Text};

use super::classes::{Class, Classes};

/// The tree of an object.
///
/// # Errors
/// `TypeError` and `ValueError` where the object is no valid tree.
pub fn tree_of(vm: &Vm, object: &Value) -> PyResult<Mod> {
    let reader = Reader { vm, classes: Classes::get(vm)? };
    match Mod::read(&reader, object)? {
        Some(tree) => Ok(tree),
        None => Err(vm.type_error("expected some sort of mod, but got None")),
    }
}

struct Reader<'a> {
    vm: &'a Vm,
    classes: &'static Classes,
}

impl Reader<'_> {
    fn field(&self, object: &Value, name: &str) -> PyResult<Option<Value>> {
        let name = name.strip_prefix("r#").unwrap_or(name);
        self.vm.get_attribute_optional(object, &self.vm.intern(name))
    }

    fn required(&self, object: &Value, class: &str, name: &str) -> PyResult {
        self.field(object, name)?.ok_or_else(|| {
            let name = name.strip_prefix("r#").unwrap_or(name);
            self.vm.type_error(format!("required field \"{name}\" missing from {class}"))
        })
    }

    fn unexpected<T>(&self, sum: &str, object: &Value) -> PyResult<T> {
        let shown = self.vm.repr(object)?;
        let shown = shown.to_string_lossy();
        Err(self.vm.type_error(format!("expected some sort of {sum}, but got {shown}")))
    }

    /// Where a node stands.
    fn span(&self, object: &Value, typ: &str) -> PyResult<Span> {
        let place = |name: &str| -> PyResult<i32> {
            integer(self.vm, &self.required(object, typ, name)?)
        };
        let (line, column) = (place("lineno")?, place("col_offset")?);
        let needs_end = matches!(typ, "pattern" | "type_param");
        let end = |name: &str, default: i32| -> PyResult<i32> {
            if needs_end {
                return place(name);
            }
            match self.field(object, name)? {
                Some(value) if !is_none(&value) => integer(self.vm, &value),
                _ => Ok(default),
            }
        };
        let (end_line, end_column) = (end("end_lineno", line)?, end("end_col_offset", column)?);
        check_place(self.vm, [line, end_line, column, end_column])?;
        Ok(Span {
            line: line as u32,
            column: column as u32,
            end_line: end_line as u32,
            end_column: end_column as u32,
        })
    }

    fn enter(&self, class: &str) -> PyResult<()> {
        self.vm.check_stack(&format!(" while traversing '{class}' node"))
    }
}

/// Checks that a node ends where or after it starts.
fn check_place(vm: &Vm, [line, end_line, column, end_column]: [i32; 4]) -> PyResult<()> {
    if line > end_line {
        return Err(vm.value_error(format!("AST node line range ({line}, {end_line}) is not valid")));
    }
    if (line < 0 && end_line != line) || (column < 0 && column != end_column) {
        return Err(vm.value_error(format!(
            "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
        )));
    }
    if line == end_line && column > end_column {
        return Err(vm.value_error(format!("line {line}, column {column}-{end_column} is not a valid range")));
    }
    Ok(())
}

fn integer(vm: &Vm, value: &Value) -> PyResult<i32> {
    if !int::is_int(value) {
        let shown = vm.repr(value)?;
        return Err(vm.value_error(format!("invalid integer value: {}", shown.to_string_lossy())));
    }
    int::to_fixed::<i32>(vm, value, "int")
}

/// What an object can be read as. `None` stands for Python's `None` where that can be left out.
trait FromObject: Sized {
    /// What a list of them is called when there is a `None` in it.
    const LISTED: &'static str = "expression";

    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>>;
}

/// A field of a node, from the node.
trait FromField: Sized {
    fn field(reader: &Reader<'_>, object: &Value, class: &str, name: &str) -> PyResult<Self>;
}

fn required_field<T: FromObject>(
    reader: &Reader<'_>,
    object: &Value,
    class: &str,
    name: &str,
) -> PyResult<T> {
    let value = reader.required(object, class, name)?;
    T::read(reader, &value)?.ok_or_else(|| {
        let name = name.strip_prefix("r#").unwrap_or(name);
        reader.vm.value_error(format!("field '{name}' is required for {class}"))
    })
}

impl<T: FromObject> FromField for Box<T> {
    fn field(reader: &Reader<'_>, object: &Value, class: &str, name: &str) -> PyResult<Self> {
        required_field(reader, object, class, name).map(Box::new)
    }
}

impl<T: FromObject> FromField for Option<T> {
    fn field(reader: &Reader<'_>, object: &Value, _: &str, name: &str) -> PyResult<Self> {
        match reader.field(object, name)? {
            Some(value) if !is_none(&value) => T::read(reader, &value),
            _ => Ok(None),
        }
    }
}

impl<T: FromObject> FromField for Vec<T> {
    fn field(reader: &Reader<'_>, object: &Value, class: &str, name: &str) -> PyResult<Self> {
        let Some(value) = reader.field(object, name)? else { return Ok(Vec::new()) };
        let name = name.strip_prefix("r#").unwrap_or(name);
        let Some(list) = value.downcast::<List>() else {
            return Err(reader.vm.type_error(format!(
                "{class} field \"{name}\" must be a list, not a {}",
                value.type_of().full_name()
            )));
        };
        let length = list.len();
        let mut items = Vec::with_capacity(length);
        for index in 0..length {
            let item = list.get(index);
            let read = item.map(|item| T::read(reader, &item)).transpose()?;
            if list.len() != length {
                return Err(reader
                    .vm
                    .runtime_error(format!("{class} field \"{name}\" changed size during iteration")));
            }
            match read.flatten() {
                Some(item) => items.push(item),
                None => {
                    return Err(reader.vm.value_error(format!("None disallowed in {} list", T::LISTED)));
                }
            }
        }
        Ok(items)
    }
}

macro_rules! plain_fields {
    ($($typ:ty),*) => {
        $( impl FromField for $typ {
            fn field(reader: &Reader<'_>, object: &Value, class: &str, name: &str) -> PyResult<Self> {
                required_field(reader, object, class, name)
            }
        } )*
    };
}
plain_fields!(
    Name, Text, i32, Constant, ast::Pattern, ast::ExprContext, ast::BoolOp, ast::Operator, ast::UnaryOp,
    ast::CmpOp
);

impl<T: FromObject> FromObject for Box<T> {
    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
        Ok(T::read(reader, object)?.map(Box::new))
    }
}

/// An item of a list with gaps.
impl FromObject for Option<ast::Expr> {
    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
        ast::Expr::read(reader, object).map(Some)
    }
}

impl FromObject for Name {
    const LISTED: &'static str = "identifier";

    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
        if is_none(object) {
            return Ok(None);
        }
        match object.downcast_exact::<Str>() {
            Some(text) => Ok(Some(Name::from(&*text.to_utf8(reader.vm)?))),
            None => Err(reader.vm.type_error("AST identifier must be of type str")),
        }
    }
}

impl FromObject for Text {
    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
        if is_none(object) {
            return Ok(None);
        }
        match object.downcast_exact::<Str>() {
            Some(text) => Ok(Some(text_of(text))),
            None => Err(reader.vm.type_error("AST string must be of type str")),
        }
    }
}

impl FromObject for i32 {
    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
        integer(reader.vm, object).map(Some)
    }
}

impl FromObject for Constant {
    fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
        constant(reader.vm, object).map(Some)
    }
}

fn constant(vm: &Vm, object: &Value) -> PyResult<Constant> {
    if is_none(object) {
        return Ok(Constant::None);
    }
    if is_ellipsis(object) {
        return Ok(Constant::Ellipsis);
    }
    if is_exactly::<Bool>(object) {
        return Ok(if vm.is_true(object)? { Constant::True } else { Constant::False });
    }
    if int::is_exact_int(object) {
        return Ok(Constant::from(int::to_big(vm, object)?));
    }
    if let Some(value) = float::as_f64(object)
        && is_exactly::<Float>(object)
    {
        return Ok(Constant::Float(value));
    }
    if let Some((real, imag)) = complex::as_parts(object)
        && is_exactly::<Complex>(object)
    {
        return Ok(Constant::Complex { real, imag });
    }
    if let Some(text) = object.downcast_exact::<Str>() {
        return Ok(Constant::Str(text_of(text)));
    }
    if let Some(bytes) = object.downcast_exact::<Bytes>() {
        return Ok(Constant::Bytes(Arc::from(bytes.as_slice())));
    }
    if let Some(tuple) = object.downcast_exact::<Tuple>() {
        return Ok(Constant::Tuple(constants(vm, tuple.items())?));
    }
    if object.downcast_exact::<FrozenSet>().is_some() {
        return Ok(Constant::FrozenSet(constants(vm, &vm.collect(object)?)?));
    }
    Err(vm.type_error(format!("got an invalid type in Constant: {}", object.type_of().name())))
}

fn is_exactly<T: Payload>(object: &Value) -> bool {
    std::ptr::eq(object.type_of(), T::static_type())
}

fn constants(vm: &Vm, items: &[Value]) -> PyResult<Arc<[Constant]>> {
    vm.check_stack(" during compilation")?;
    items.iter().map(|item| constant(vm, item)).collect()
}

/// What `None` in a list of them is complained about.
macro_rules! listed {
    (stmt) => {
        "statement"
    };
    (pattern) => {
        "pattern"
    };
    ($other:ident) => {
        "expression"
    };
}

macro_rules! read_nodes {
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
        $( impl FromObject for ast::$enumeration {
            fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
                match reader.classes.class_of(object) {
                    $( Some(Class::$member) => Ok(Some(ast::$enumeration::$member)), )*
                    _ => reader.unexpected(stringify!($enumeration_asdl), object),
                }
            }
        } )*
        $( impl FromObject for ast::$sum {
            fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
                if is_none(object) {
                    return Ok(None);
                }
                reader.enter(stringify!($sum_asdl))?;
                match reader.classes.class_of(object) {
                    $( Some(Class::$constructor) => Ok(Some(ast::$sum::$constructor {
                        $( $field: FromField::field(
                            reader, object, stringify!($constructor), stringify!($field)
                        )? ),*
                    })), )*
                    _ => reader.unexpected(stringify!($sum_asdl), object),
                }
            }
        } )*
        $( impl FromObject for ast::$located {
            const LISTED: &'static str = listed!($located_asdl);

            fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
                if is_none(object) {
                    return Ok(None);
                }
                reader.enter(stringify!($located_asdl))?;
                let span = reader.span(object, stringify!($located_asdl))?;
                let kind = match reader.classes.class_of(object) {
                    $( Some(Class::$located_constructor) => ast::$kind::$located_constructor {
                        $( $located_field: FromField::field(
                            reader, object, stringify!($located_constructor), stringify!($located_field)
                        )? ),*
                    }, )*
                    _ => return reader.unexpected(stringify!($located_asdl), object),
                };
                Ok(Some(ast::$located { span, kind }))
            }
        } )*
        $( impl FromObject for ast::$product {
            fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
                reader.enter(stringify!($product_asdl))?;
                Ok(Some(ast::$product {
                    $( $product_field: FromField::field(
                        reader, object, stringify!($product_asdl), stringify!($product_field)
                    )? ),*
                }))
            }
        } )*
        $( impl FromObject for ast::$place {
            fn read(reader: &Reader<'_>, object: &Value) -> PyResult<Option<Self>> {
                reader.enter(stringify!($place_asdl))?;
                $( let $place_field = FromField::field(
                    reader, object, stringify!($place_asdl), stringify!($place_field)
                )?; )*
                let span = reader.span(object, stringify!($place_asdl))?;
                Ok(Some(ast::$place { span, $( $place_field ),* }))
            }
        } )*
    };
}
rspy_syntax::for_each_node!(read_nodes);

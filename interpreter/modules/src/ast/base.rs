//! `ast.AST`, the base of all node classes.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::arguments::KeywordArguments;
use rspy_runtime::exceptions::{PyResult, deprecation_warning};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::generic_alias::GenericAlias;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::object::set_dict_attribute;
use rspy_runtime::types::set::Set;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::string::build::StrBuilder;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::instance;
use rspy_runtime::types::union;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::warnings;

use super::classes::{Class, Classes};

#[pyclass(name = "AST", module = "ast", tracked, dict, subclassable)]
#[repr(C)]
pub struct Ast;

/// How deep `repr` shows nodes.
const SHOWN_DEPTH: usize = 3;

fn class_attribute(vm: &Vm, this: &Value, name: &str) -> PyResult {
    vm.get_attribute_str(&this.type_of().to_value(), name)
}

fn optional_class_attribute(vm: &Vm, this: &Value, name: &str) -> PyResult<Option<Value>> {
    vm.get_attribute_optional(&this.type_of().to_value(), &vm.intern(name))
}

fn set_named(vm: &Vm, this: &Value, name: &Value, value: &Value) -> PyResult<()> {
    match name.downcast::<Str>() {
        Some(name) => vm.set_attribute(this, name, value),
        None => Err(vm.type_error(format!("attribute name must be string, not '{}'", name.type_of().full_name()))),
    }
}

fn warn(vm: &Vm, message: &str) -> PyResult<()> {
    warnings::warn(vm, deprecation_warning(), message, 1)
}

fn shown(vm: &Vm, value: &Value) -> PyResult<String> {
    Ok(vm.repr(value)?.to_string_lossy().into_owned())
}

/// The items of a sequence by their places.
fn items(vm: &Vm, sequence: &Value) -> PyResult<Vec<Value>> {
    (0..vm.length(sequence)?).map(|index| vm.get_item(sequence, &Value::int(index as i32))).collect()
}

#[pymethods]
impl Ast {
    #[new("AST(*args, **kwargs)")]
    fn new(cls: &TypeObject, _positional: &[Value], _keywords: KeywordArguments<'_>) -> Value {
        Object::with_type(cls, Ast).into_value()
    }

    #[init("AST(*args, **kwargs)")]
    fn init(this: &Value, vm: &Vm, positional: &[Value], keywords: KeywordArguments<'_>) -> PyResult<()> {
        let fields = class_attribute(vm, this, "_fields")?;
        let count = vm.length(&fields)?;
        let remaining = Set::from_iterable(vm, &fields)?;
        if positional.len() > count {
            return Err(vm.type_error(format!(
                "{} constructor takes at most {count} positional argument{}",
                this.type_of().name(),
                if count == 1 { "" } else { "s" }
            )));
        }
        for (index, value) in positional.iter().enumerate() {
            let name = vm.get_item(&fields, &Value::int(index as i32))?;
            set_named(vm, this, &name, value)?;
            remaining.discard(vm, &name)?;
        }
        for (name, value) in keywords.iter() {
            accept_keyword(vm, this, name, &fields, &remaining)?;
            set_named(vm, this, name, value)?;
        }
        if remaining.is_empty() {
            return Ok(());
        }
        // In the order of the fields rather than of the set.
        let absent: Vec<Value> = items(vm, &fields)?
            .into_iter()
            .filter(|name| remaining.contains(vm, name).unwrap_or(false))
            .collect();
        fill_absent(vm, this, &absent)
    }

    #[slot(repr)]
    fn repr(this: &Value, vm: &Vm) -> PyResult<Ref<Str>> {
        repr_to_depth(vm, this, SHOWN_DEPTH)
    }

    #[getter("__dict__")]
    fn dict(this: &Value, vm: &Vm) -> Ref<Dict> {
        instance::dict(vm, this)
    }

    #[setter("__dict__")]
    fn set_dict(this: &Value, vm: &Vm, value: Option<&Value>) -> PyResult<()> {
        set_dict_attribute(vm, this, value)
    }

    #[method("__reduce__")]
    fn reduce(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let _ = (args, names);
        let class = this.type_of().to_value();
        let Some(dict) = vm.get_attribute_optional(this, &vm.intern("__dict__"))? else {
            return Ok(Tuple::from_values([class, Tuple::empty().into_value()]).into_value());
        };
        let mut arguments = Vec::new();
        if let Some(fields) = optional_class_attribute(vm, this, "_fields")?
            && let Some(dict) = dict.downcast::<Dict>()
        {
            // As many as the instance has: constructing without them would warn of their absence.
            for name in items(vm, &fields)? {
                if !dict.contains(vm, &name)? {
                    break;
                }
                arguments.push(none());
            }
        }
        let state = dict.downcast::<Dict>().map_or_else(none, |dict| dict.copy().into_value());
        Ok(Tuple::from_values([class, Tuple::from_values(arguments).into_value(), state]).into_value())
    }

    /// Return a copy of the AST node with new values for the specified fields.
    #[method("__replace__")]
    fn replace(this: &Value, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let (positional, keywords) = KeywordArguments::of_call(args, names);
        if !positional.is_empty() {
            return Err(vm.type_error("__replace__() takes no positional arguments"));
        }
        let dict = vm.get_attribute_optional(this, &vm.intern("__dict__"))?;
        let dict = dict.and_then(|dict| dict.downcast_into::<Dict>().ok()).unwrap_or_else(Dict::new);
        check_replacements(vm, this, &dict, &keywords)?;
        let payload = Dict::new();
        for names in ["_fields", "_attributes"] {
            let Some(names) = optional_class_attribute(vm, this, names)? else { continue };
            for name in vm.collect(&names)? {
                if let Some(value) = dict.get(vm, &name)? {
                    payload.set(vm, &name, value)?;
                }
            }
        }
        for (name, value) in keywords.iter() {
            payload.set(vm, name, value.clone())?;
        }
        vm.call_with_dict(&this.type_of().to_value(), &[], &payload)
    }
}

/// Checks that a keyword argument of the constructor is a field not yet given, or an attribute.
fn accept_keyword(vm: &Vm, this: &Value, name: &Value, fields: &Value, remaining: &Set) -> PyResult<()> {
    if vm.contains(fields, name)? {
        if !remaining.discard(vm, name)? {
            return Err(vm.type_error(format!(
                "{} got multiple values for argument {}",
                this.type_of().full_name(),
                shown(vm, name)?
            )));
        }
        return Ok(());
    }
    if !vm.contains(&class_attribute(vm, this, "_attributes")?, name)? {
        warn(
            vm,
            &format!(
                "{}.__init__ got an unexpected keyword argument {}. Support for arbitrary keyword arguments is \
                 deprecated and will be removed in Python 3.15.",
                this.type_of().full_name(),
                shown(vm, name)?
            ),
        )?;
    }
    Ok(())
}

/// Gives the fields that the constructor was not given their default, where they have one.
fn fill_absent(vm: &Vm, this: &Value, absent: &[Value]) -> PyResult<()> {
    let Some(types) = optional_class_attribute(vm, this, "_field_types")? else { return Ok(()) };
    let Some(types) = types.downcast::<Dict>() else { return Ok(()) };
    let class = this.type_of().full_name();
    for name in absent {
        let Some(typ) = types.get(vm, name)? else {
            let name = shown(vm, name)?;
            warn(
                vm,
                &format!(
                    "Field {name} is missing from {class}._field_types. This will become an error in Python 3.15."
                ),
            )?;
            continue;
        };
        if union::members(&typ).is_some() {
            continue;
        }
        let classes = Classes::get(vm)?;
        if typ.is(&context_class(classes)) {
            if let Some(load) = &classes.node(Class::Load).singleton {
                set_named(vm, this, name, load)?;
            }
        } else if typ.downcast::<GenericAlias>().is_some() {
            set_named(vm, this, name, &List::new().into_value())?;
        } else {
            let name = shown(vm, name)?;
            warn(
                vm,
                &format!(
                    "{class}.__init__ missing 1 required positional argument: {name}. This will become an error in \
                     Python 3.15."
                ),
            )?;
        }
    }
    Ok(())
}

fn context_class(classes: &Classes) -> Value {
    let found = classes.named.iter().find(|(name, _)| *name == "expr_context");
    found.map_or_else(none, |(_, class)| class.clone().into_value())
}

/// Checks the keyword arguments of `__replace__`, and that with them nothing is missing.
fn check_replacements(
    vm: &Vm,
    this: &Value,
    dict: &Object<Dict>,
    keywords: &KeywordArguments<'_>,
) -> PyResult<()> {
    let class = this.type_of().full_name();
    let expected = Set::new();
    let fields = optional_class_attribute(vm, this, "_fields")?;
    let attributes = optional_class_attribute(vm, this, "_attributes")?;
    for names in [&fields, &attributes].into_iter().flatten() {
        expected.update_from(vm, names)?;
    }
    for (name, _) in keywords.iter() {
        if !expected.discard(vm, name)? {
            let name = shown(vm, name)?;
            return Err(vm.type_error(format!("{class}.__replace__ got an unexpected keyword argument {name}.")));
        }
    }
    for name in dict.keys() {
        expected.discard(vm, &name)?;
    }
    if let Some(attributes) = &attributes {
        for name in vm.collect(attributes)? {
            expected.discard(vm, &name)?;
        }
    }
    if let Some(types) = optional_class_attribute(vm, this, "_field_types")?
        && let Some(types) = types.downcast::<Dict>()
    {
        for (name, typ) in types.pairs() {
            if union::members(&typ).is_some() {
                expected.discard(vm, &name)?;
            }
        }
    }
    let mut missing = expected.to_vec().iter().map(|name| shown(vm, name)).collect::<PyResult<Vec<_>>>()?;
    if missing.is_empty() {
        return Ok(());
    }
    missing.sort();
    Err(vm.type_error(format!(
        "{class}.__replace__ missing {} keyword argument{}: {}.",
        missing.len(),
        if missing.len() == 1 { "" } else { "s" },
        missing.join(", ")
    )))
}

fn repr_to_depth(vm: &Vm, this: &Value, depth: usize) -> PyResult<Ref<Str>> {
    let name = this.type_of().full_name();
    let name = name.strip_prefix("ast.").filter(|_| this.type_of().is_heap()).unwrap_or(&name);
    let guard = if depth == 0 { None } else { vm.enter_repr(this) };
    if guard.is_none() {
        return Ok(Str::new(&format!("{name}(...)")));
    }
    let mut text = StrBuilder::new();
    text.push_str(name);
    text.push_str("(");
    for (index, field) in items(vm, &class_attribute(vm, this, "_fields")?)?.iter().enumerate() {
        let Some(field) = field.downcast::<Str>() else {
            return Err(vm.type_error("attribute name must be string"));
        };
        let value = vm.get_attribute(this, field)?;
        if index > 0 {
            text.push_str(", ");
        }
        text.push_object(field);
        text.push_str("=");
        text.push_object(&*if value.downcast::<List>().is_some() || value.downcast::<Tuple>().is_some() {
            repr_of_sequence(vm, &value, depth - 1)?
        } else {
            repr_of_value(vm, &value, depth - 1)?
        });
    }
    text.push_str(")");
    Ok(text.finish())
}

fn repr_of_value(vm: &Vm, value: &Value, depth: usize) -> PyResult<Ref<Str>> {
    if value.downcast::<Ast>().is_some() { repr_to_depth(vm, value, depth) } else { vm.repr(value) }
}

/// A list or tuple, of which the first and the last item are shown.
fn repr_of_sequence(vm: &Vm, sequence: &Value, depth: usize) -> PyResult<Ref<Str>> {
    let items = items(vm, sequence)?;
    let (open, close) = if sequence.downcast::<List>().is_some() { ("[", "]") } else { ("(", ")") };
    let mut text = StrBuilder::new();
    text.push_str(open);
    if let Some(first) = items.first() {
        text.push_object(&*repr_of_value(vm, first, depth)?);
    }
    if let [_, .., last] = &items[..] {
        text.push_str(if items.len() > 2 { ", ..., " } else { ", " });
        text.push_object(&*repr_of_value(vm, last, depth)?);
    }
    text.push_str(close);
    Ok(text.finish())
}

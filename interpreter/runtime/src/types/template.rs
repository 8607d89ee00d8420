//! Template strings (PEP 750): `string.templatelib.Template` and `Interpolation`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};

use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::KeywordNames;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::string::build::{StrBuilder, concat};
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Template object
#[pyclass(name = "Template", module = "string.templatelib", tracked)]
pub struct Template {
    strings: Ref<Tuple>,
    interpolations: Ref<Tuple>,
}

/// Interpolation object
#[pyclass(name = "Interpolation", module = "string.templatelib", tracked)]
pub struct Interpolation {
    value: Value,
    expression: Value,
    conversion: Value,
    format_spec: Value,
}

/// The non-empty strings and the interpolations of a template, in turn.
#[pyclass(name = "TemplateIter", module = "string.templatelib", tracked, no_new)]
pub struct TemplateIter {
    template: Ref<Template>,
    /// Counts strings and interpolations.
    #[untraced]
    position: Cell<usize>,
}

static MATCH_ARGS: GilCell<bool> = GilCell::new(false);

/// Gives `Interpolation` its `__match_args__`, which only matter once there is an object of the type.
fn prepare(vm: &Vm) {
    if *MATCH_ARGS.borrow() {
        return;
    }
    let fields =
        ["value", "expression", "conversion", "format_spec"].map(|name| vm.intern(name).into_value());
    let class = Interpolation::static_type();
    class.dict().set_str(&names::__match_args__, Tuple::from_values(fields).into_value());
    class.modified();
    MATCH_ARGS.set(true);
}

/// The template of a `t"…"`: tuples of strings and of interpolations, one string more than interpolations.
///
/// # Errors
/// `SystemError` where the arguments are no tuples.
pub fn make_template(vm: &Vm, strings: Value, interpolations: Value) -> PyResult {
    match (strings.downcast_into::<Tuple>(), interpolations.downcast_into::<Tuple>()) {
        (Ok(strings), Ok(interpolations)) => {
            Ok(Object::new(Template { strings, interpolations }).into_value())
        }
        _ => Err(vm.system_error("a template is made of tuples")),
    }
}

/// An interpolation of a `t"…"`; the conversion is 0 for none, 1 for `str`, 2 for `repr`, 3 for `ascii`.
///
/// # Errors
/// `SystemError` for other conversions.
pub fn make_interpolation(
    vm: &Vm,
    value: Value,
    expression: Value,
    conversion: u32,
    format: Value,
) -> PyResult {
    prepare(vm);
    let conversion = match conversion {
        0 => none(),
        1 => vm.new_str("s"),
        2 => vm.new_str("r"),
        3 => vm.new_str("a"),
        other => return Err(vm.system_error(format!("Interpolation() conversion {other} is not known"))),
    };
    Ok(Object::new(Interpolation { value, expression, conversion, format_spec: format }).into_value())
}

/// Collects strings and interpolations; neighbouring strings become one.
#[derive(Default)]
struct Collector {
    strings: Vec<Value>,
    interpolations: Vec<Value>,
}

impl Collector {
    fn string(&mut self, text: &Value) {
        if self.strings.len() > self.interpolations.len() {
            let last = self.strings.pop();
            let joined = match (last.as_ref().and_then(|last| last.downcast::<Str>()), text.downcast::<Str>())
            {
                (Some(last), Some(text)) => concat(last, text).into_value(),
                _ => text.clone(),
            };
            self.strings.push(joined);
        } else {
            self.strings.push(text.clone());
        }
    }

    fn interpolation(&mut self, interpolation: &Value) {
        if self.strings.len() == self.interpolations.len() {
            self.strings.push(Str::empty().into_value());
        }
        self.interpolations.push(interpolation.clone());
    }

    fn finish(mut self) -> Ref<Template> {
        if self.strings.len() == self.interpolations.len() {
            self.strings.push(Str::empty().into_value());
        }
        Object::new(Template {
            strings: Tuple::from_values(self.strings),
            interpolations: Tuple::from_values(self.interpolations),
        })
    }
}

#[pymethods]
impl Template {
    #[slot(new)]
    fn construct(vm: &Vm, _class: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some() {
            return Err(vm.type_error("Template.__new__ only accepts *args arguments"));
        }
        let mut parts = Collector::default();
        for part in args {
            if part.downcast::<Str>().is_some() {
                parts.string(part);
            } else if part.downcast::<Interpolation>().is_some() {
                parts.interpolation(part);
            } else {
                return Err(vm.type_error(format!(
                    "Template.__new__ *args need to be of type 'str' or 'Interpolation', got {}",
                    part.type_of().full_name()
                )));
            }
        }
        Ok(parts.finish().into_value())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = StrBuilder::new();
        out.push_str("Template(strings=");
        out.push_object(&*vm.repr(self.strings.value())?);
        out.push_str(", interpolations=");
        out.push_object(&*vm.repr(self.interpolations.value())?);
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    #[slot(iter)]
    fn iter(this: &Object<Template>) -> Value {
        Object::new(TemplateIter { template: this.to_ref(), position: Cell::new(0) }).into_value()
    }

    #[slot(concat)]
    fn concat(&self, vm: &Vm, other: &Value) -> PyResult {
        let Some(other) = other.downcast::<Template>() else {
            return Err(vm.type_error(format!(
                "can only concatenate string.templatelib.Template (not \"{}\") to string.templatelib.Template",
                other.type_of().full_name()
            )));
        };
        let mut parts = Collector {
            strings: self.strings.items().to_vec(),
            interpolations: self.interpolations.items().to_vec(),
        };
        for (index, string) in other.strings.items().iter().enumerate() {
            parts.string(string);
            if let Some(interpolation) = other.interpolations.items().get(index) {
                parts.interpolation(interpolation);
            }
        }
        Ok(parts.finish().into_value())
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult<(Value, Value)> {
        let module = crate::import::import_module(vm, "string.templatelib")?;
        let function = vm.get_attribute_str(&module, "_template_unpickle")?;
        let args = [self.strings.clone().into_value(), self.interpolations.clone().into_value()];
        Ok((function, Tuple::from_values(args).into_value()))
    }

    /// Template supports [] for generic usage
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }

    /// Strings
    #[getter("strings", member)]
    fn strings(&self) -> Ref<Tuple> {
        self.strings.clone()
    }

    /// Interpolations
    #[getter("interpolations", member)]
    fn interpolations(&self) -> Ref<Tuple> {
        self.interpolations.clone()
    }

    /// Values of interpolations
    #[getter("values")]
    fn values(&self) -> Ref<Tuple> {
        let value =
            |part: &Value| part.downcast::<Interpolation>().map_or_else(none, |part| part.value.clone());
        let values: Vec<Value> = self.interpolations.items().iter().map(value).collect();
        Tuple::from_values(values)
    }
}

#[pymethods]
impl Interpolation {
    #[new("Interpolation(value, expression='', conversion=None, format_spec='')")]
    fn construct(
        vm: &Vm,
        _cls: &TypeObject,
        value: &Value,
        expression: Option<&Object<Str>>,
        conversion: Option<&Object<Str>>,
        format_spec: Option<&Object<Str>>,
    ) -> PyResult {
        prepare(vm);
        if let Some(conversion) = conversion
            && !["s", "a", "r"].iter().any(|known| conversion.equals_str(known))
        {
            return Err(
                vm.value_error("Interpolation() argument 'conversion' must be one of 's', 'a' or 'r'")
            );
        }
        let text =
            |text: Option<&Object<Str>>| text.map_or_else(|| Str::empty().into_value(), Object::to_value);
        Ok(Object::new(Interpolation {
            value: value.clone(),
            expression: text(expression),
            conversion: conversion.map_or_else(none, Object::to_value),
            format_spec: text(format_spec),
        })
        .into_value())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult {
        let mut out = StrBuilder::new();
        out.push_str("Interpolation(");
        for (index, part) in
            [&self.value, &self.expression, &self.conversion, &self.format_spec].iter().enumerate()
        {
            if index > 0 {
                out.push_str(", ");
            }
            out.push_object(&*vm.repr(part)?);
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }

    /// How to pickle it.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<Interpolation>) -> (Value, Value) {
        let fields = [&this.value, &this.expression, &this.conversion, &this.format_spec].map(Value::clone);
        (this.type_of().to_value(), Tuple::from_values(fields).into_value())
    }

    /// Interpolations are generic over the types of their values
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }

    /// Value
    #[getter("value", member)]
    fn value(&self) -> Value {
        self.value.clone()
    }

    /// Expression
    #[getter("expression", member)]
    fn expression(&self) -> Value {
        self.expression.clone()
    }

    /// Conversion
    #[getter("conversion", member)]
    fn conversion(&self) -> Value {
        self.conversion.clone()
    }

    /// Format specifier
    #[getter("format_spec", member)]
    fn format_spec(&self) -> Value {
        self.format_spec.clone()
    }
}

#[pymethods]
impl TemplateIter {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        loop {
            let position = self.position.get();
            let from = if position % 2 == 0 { &self.template.strings } else { &self.template.interpolations };
            let Some(part) = from.items().get(position / 2) else { return Ok(None) };
            self.position.set(position + 1);
            if part.downcast::<Str>().is_none_or(|text| text.length() > 0) {
                return Ok(Some(part.clone()));
            }
        }
    }
}

//! `_string`: the parser of `str.format` for the module `string`.

use std::cell::Cell;

use rspy_macros::{pyclass, pyfunctions, pymethods};

use crate::exceptions::PyResult;
use crate::format::markup::{Key, Markup, Step, Steps};
use crate::native_module;
use crate::object::{Object, Payload, Ref};
use crate::types::bool::boolean;
use crate::types::int;
use crate::types::module::Module;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

native_module! {
    name: "_string",
    doc: "string helper module",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute
}

fn execute(vm: &Vm, _: &Object<Module>) -> PyResult<()> {
    FormatterIterator::static_type().ready(vm);
    FieldNameIterator::static_type().ready(vm);
    Ok(())
}

/// The pieces of a format string, as tuples.
#[pyclass(name = "formatteriterator", module = "builtins", no_new)]
pub struct FormatterIterator {
    text: Vec<u32>,
    position: Cell<usize>,
}

/// The steps of a field's name, as tuples.
#[pyclass(name = "fieldnameiterator", module = "builtins", no_new)]
pub struct FieldNameIterator {
    text: Vec<u32>,
    position: Cell<usize>,
}

fn text_of(characters: &[u32]) -> Value {
    Str::from_code_points(characters).into_value()
}

fn key_of(key: Key<'_>) -> Value {
    match key {
        Key::Index(index) => int::new(index as i64),
        Key::Name(name) => text_of(name),
    }
}

#[pymethods]
impl FormatterIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let mut markup = Markup::new(&self.text, self.position.get());
        let piece = markup.next_piece();
        self.position.set(markup.position());
        let Some(piece) = piece.map_err(|message| vm.value_error(message))? else { return Ok(None) };
        let parts = match &piece.field {
            None => [text_of(piece.literal), none(), none(), none()],
            Some(field) => [
                text_of(piece.literal),
                text_of(field.name),
                text_of(field.spec),
                field.conversion.map_or_else(none, |conversion| Str::from_char(conversion).into_value()),
            ],
        };
        Ok(Some(Tuple::from_values(parts).into_value()))
    }
}

#[pymethods]
impl FieldNameIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let mut steps = Steps::at(&self.text, self.position.get());
        let step = steps.next_step();
        self.position.set(steps.position());
        let step = step.map_err(|message| vm.value_error(message))?;
        Ok(step.map(|step| {
            let (is_attribute, key) = match step {
                Step::Attribute(name) => (true, text_of(name)),
                Step::Item(key) => (false, key_of(key)),
            };
            Tuple::from_values([boolean(is_attribute), key]).into_value()
        }))
    }
}

struct Functions;

fn expect_str<'a>(vm: &Vm, value: &'a Value) -> PyResult<&'a Object<Str>> {
    value
        .downcast::<Str>()
        .ok_or_else(|| vm.type_error(format!("expected str, got {}", value.type_of().full_name())))
}

#[pyfunctions]
impl Functions {
    /// Parse the argument as a format string.
    #[function("formatter_parser(object, /)")]
    fn formatter_parser(vm: &Vm, object: &Value) -> PyResult<Ref<FormatterIterator>> {
        let text = expect_str(vm, object)?.characters().to_vec();
        Ok(Object::new(FormatterIterator { text, position: Cell::new(0) }))
    }

    /// Split the argument as a field name.
    #[function("formatter_field_name_split(object, /)")]
    fn formatter_field_name_split(vm: &Vm, object: &Value) -> PyResult<(Value, Value)> {
        let text: Vec<u32> = expect_str(vm, object)?.characters().to_vec();
        let (first, position) = {
            let (first, steps) = Steps::split(&text).map_err(|message| vm.value_error(message))?;
            (key_of(first), steps.position())
        };
        let rest = Object::new(FieldNameIterator { text, position: Cell::new(position) });
        Ok((first, rest.into_value()))
    }
}

//! The slots of `str`.

use rspy_macros::pymethods;

use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::types::none::not_implemented;
use crate::types::slice::Slice;
use crate::types::string::iterator::{StrAsciiIterator, StrIterator};
use crate::types::string::{Kind, Str, build, parts, quote};
use crate::value::Value;
use crate::vm::Vm;

/// The text again and again.
fn repeated(vm: &Vm, text: &Object<Str>, count: usize) -> PyResult<Ref<Str>> {
    let length = text.length().checked_mul(count).and_then(|length| length.checked_mul(text.kind().width()));
    if !length.is_some_and(crate::heap::can_allocate) {
        return Err(vm.memory_error());
    }
    match text.kind() {
        Kind::Ascii => Ok(build::from_ascii(&text.bytes().repeat(count))),
        Kind::Latin1 => Ok(build::from_latin1(&text.bytes().repeat(count))),
        kind => Ok(build::join(&vec![text.characters(); count], kind)),
    }
}

/// The text of an object that is to be decoded.
fn decoded(
    vm: &Vm,
    object: &Value,
    encoding: Option<&Object<Str>>,
    errors: Option<&Object<Str>>,
) -> PyResult {
    if object.downcast::<Str>().is_some() {
        return Err(vm.type_error("decoding str is not supported"));
    }
    if !crate::buffer::has_buffer(object) {
        return Err(vm.type_error(format!(
            "decoding to str: need a bytes-like object, {} found",
            object.type_of().full_name()
        )));
    }
    let encoding = encoding.map(Object::to_value);
    let errors = errors.map(Object::to_value);
    crate::codecs::decode_bytes(vm, object, encoding.as_ref(), errors.as_ref())
}

#[pymethods]
impl Str {
    #[new("str(object=<unrepresentable>, encoding=<unrepresentable>, errors=<unrepresentable>)")]
    fn make(
        vm: &Vm,
        cls: &TypeObject,
        object: Option<&Value>,
        encoding: Option<&Object<Str>>,
        errors: Option<&Object<Str>>,
    ) -> PyResult {
        let text = match object {
            None => Str::empty().into_value(),
            Some(object) if encoding.is_none() && errors.is_none() => vm.str(object)?.into_value(),
            Some(object) => decoded(vm, object, encoding, errors)?,
        };
        if std::ptr::eq(cls, Str::static_type()) {
            return Ok(text);
        }
        match text.downcast::<Str>() {
            Some(text) => Ok(Str::with_type(cls, text).into_value()),
            None => Ok(text),
        }
    }

    #[slot(repr)]
    fn repr(this: &Object<Str>) -> Ref<Str> {
        quote::quoted(this)
    }

    #[slot(str)]
    fn str(this: &Object<Str>) -> Ref<Str> {
        this.to_exact()
    }

    #[slot(hash)]
    fn hash_of(this: &Object<Str>) -> PyResult<i64> {
        Ok(this.hash_value())
    }

    #[slot(compare)]
    fn compare(this: &Object<Str>, other: &Value, comparison: Comparison) -> Value {
        let Some(other) = other.downcast::<Str>() else { return not_implemented() };
        boolean(match comparison {
            Comparison::Equal => this.same_text(other),
            Comparison::NotEqual => !this.same_text(other),
            ordered => ordered.holds(this.order(other)),
        })
    }

    #[slot(length)]
    fn length_of(this: &Object<Str>) -> PyResult<usize> {
        Ok(this.length())
    }

    #[slot(item)]
    fn item(this: &Object<Str>, vm: &Vm, index: isize) -> PyResult<Ref<Str>> {
        match usize::try_from(index) {
            Ok(index) if index < this.length() => Ok(Str::from_char(this.char_at(index))),
            _ => Err(vm.index_error("string index out of range")),
        }
    }

    #[slot(get_item)]
    fn get_item(this: &Object<Str>, vm: &Vm, key: &Value) -> PyResult<Ref<Str>> {
        if let Some(slice) = key.downcast::<Slice>() {
            let range = slice.indices(vm, this.length())?;
            if range.step == 1 {
                let start = range.start as usize;
                return Ok(this.slice(start, start + range.count()));
            }
            let characters = this.characters();
            let picked: Vec<u32> = range.iter().map(|index| characters.get(index)).collect();
            return Ok(build::from_characters_of(super::Characters::Four(&picked), this.kind()));
        }
        if key.type_of().slots().index.get().is_none() {
            return Err(vm.type_error(format!(
                "string indices must be integers, not '{}'",
                key.type_of().full_name()
            )));
        }
        let index = vm.sequence_index(key, "")?;
        Str::item(this, vm, if index < 0 { index + this.length() as isize } else { index })
    }

    #[slot(contains)]
    fn contains(this: &Object<Str>, vm: &Vm, item: &Value) -> PyResult<bool> {
        let Some(part) = item.downcast::<Str>() else {
            return Err(vm.type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                item.type_of().full_name()
            )));
        };
        Ok(parts::find(this, part, (0, this.length() as isize), false).is_some())
    }

    #[slot(concat)]
    fn concat(this: &Object<Str>, vm: &Vm, other: &Value) -> PyResult<Ref<Str>> {
        match other.downcast::<Str>() {
            Some(other) => Ok(build::concat(this, other)),
            None => Err(vm.type_error(format!(
                "can only concatenate str (not \"{}\") to str",
                other.type_of().full_name()
            ))),
        }
    }

    #[slot(repeat)]
    fn repeat(this: &Object<Str>, vm: &Vm, count: isize) -> PyResult<Ref<Str>> {
        match usize::try_from(count).unwrap_or(0) {
            0 => Ok(Str::empty()),
            1 => Ok(this.to_exact()),
            count => repeated(vm, this, count),
        }
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        match left.downcast::<Str>() {
            Some(template) => crate::format::percent::format_str(vm, template, right).map(Ref::into_value),
            None => Ok(not_implemented()),
        }
    }

    #[slot(iter)]
    fn iter(this: &Object<Str>) -> Value {
        if this.is_ascii() {
            StrAsciiIterator::new(this.to_ref()).into_value()
        } else {
            StrIterator::new(this.to_ref()).into_value()
        }
    }
}

//! The slots of `bytes`.

use rspy_macros::pymethods;

use crate::buffer::{self, BufferView};
use crate::exceptions::{Exception, PyResult};
use crate::object::{Object, Payload, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bool::boolean;
use crate::types::bytes::construct::{self, Made};
use crate::types::bytes::{Bytes, BytesIterator, search, text};
use crate::types::int;
use crate::types::none::not_implemented;
use crate::types::slice::Slice;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// A warning where bytes are taken for text, if such warnings are asked for (`-b`).
pub(super) fn warn(vm: &Vm, message: &str) -> PyResult<()> {
    if vm.interpreter.configuration.bytes_warning == 0 {
        return Ok(());
    }
    crate::warnings::warn(vm, crate::exceptions::hierarchy::BytesWarning::static_type(), message, 1)
}

/// Compares bytes with any object.
pub(super) fn compare(vm: &Vm, own: &[u8], other: &Value, comparison: Comparison, name: &str) -> PyResult {
    if !buffer::has_buffer(other) {
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if equality && vm.interpreter.configuration.bytes_warning > 0 {
            if other.downcast::<Str>().is_some() {
                warn(vm, &format!("Comparison between {name} and string"))?;
            } else if name == "bytes" && int::is_int(other) {
                warn(vm, "Comparison between bytes and int")?;
            }
        }
        return Ok(not_implemented());
    }
    let other = buffer::view(vm, other)?;
    Ok(boolean(comparison.holds(own.cmp(other.as_slice()))))
}

/// What is looked for in bytes: a part, or one byte given by its number.
pub(super) enum Sought {
    Part(BufferView),
    Byte(u8),
}

impl Sought {
    /// The argument of `find`, `count` and the like.
    pub(super) fn from_argument(vm: &Vm, value: &Value) -> PyResult<Sought> {
        if buffer::has_buffer(value) {
            return buffer::view(vm, value).map(Sought::Part);
        }
        if value.type_of().slots().index.get().is_none() {
            return Err(vm.type_error(format!(
                "argument should be integer or bytes-like object, not '{}'",
                value.type_of().full_name()
            )));
        }
        construct::byte(vm, value).map(Sought::Byte)
    }

    /// The operand of `in`.
    pub(super) fn from_operand(vm: &Vm, value: &Value) -> PyResult<Sought> {
        if value.type_of().slots().index.get().is_some() {
            return construct::byte(vm, value).map(Sought::Byte);
        }
        buffer::view(vm, value).map(Sought::Part)
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Sought::Part(view) => view.as_slice(),
            Sought::Byte(byte) => std::slice::from_ref(byte),
        }
    }
}

fn too_long(vm: &Vm) -> Exception {
    vm.memory_error()
}

/// The bytes again and again.
pub(super) fn repeated(vm: &Vm, data: &[u8], count: isize) -> PyResult<Vec<u8>> {
    let count = count.max(0) as usize;
    match data.len().checked_mul(count) {
        Some(length) if crate::heap::can_allocate(length) => Ok(data.repeat(count)),
        _ => Err(too_long(vm)),
    }
}

/// The other operand of `+`.
pub(super) fn operand(vm: &Vm, other: &Value, name: &str) -> PyResult<BufferView> {
    if !buffer::has_buffer(other) {
        return Err(vm.type_error(format!("can't concat {} to {name}", other.type_of().full_name())));
    }
    buffer::view(vm, other)
}

#[pymethods]
impl Bytes {
    #[slot(new)]
    fn make(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let arguments = construct::parse(vm, "bytes", args, names)?;
        let exact = std::ptr::eq(cls, Bytes::static_type());
        if exact
            && let (Some(source), None, None) = (arguments.source, arguments.encoding, arguments.errors)
            && source.downcast_exact::<Bytes>().is_some()
        {
            return Ok(source.clone());
        }
        match construct::make(vm, &arguments, true)? {
            Made::Data(data) => Ok(Bytes::of_type(cls, data).into_value()),
            Made::Object(object) if exact => Ok(object),
            Made::Object(object) => {
                let data = object.downcast::<Bytes>().map_or(&[][..], |bytes| bytes.as_slice());
                Ok(Bytes::of_type(cls, data).into_value())
            }
        }
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        text::quoted(self.as_slice())
    }

    #[slot(str)]
    fn str(&self, vm: &Vm) -> PyResult<String> {
        warn(vm, "str() on a bytes instance")?;
        Ok(text::quoted(self.as_slice()))
    }

    #[slot(hash)]
    fn hash(&self) -> PyResult<i64> {
        if self.hash.get() == -1 {
            self.hash.set(crate::types::string::hash::hash_bytes(self.as_slice()));
        }
        Ok(self.hash.get())
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        match other.downcast::<Bytes>() {
            Some(other) => Ok(boolean(comparison.holds(self.as_slice().cmp(other.as_slice())))),
            None if buffer::has_buffer(other) => Ok(not_implemented()),
            None => compare(vm, self.as_slice(), other, comparison, "bytes"),
        }
    }

    #[slot(iter)]
    fn iter(this: &Object<Bytes>) -> Value {
        BytesIterator::new(this.to_ref()).into_value()
    }

    #[slot(buffer)]
    fn buffer(this: &Object<Bytes>, vm: &Vm, flags: u32) -> PyResult<BufferView> {
        buffer::check_writable(vm, flags, true)?;
        Ok(this.view())
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(template) = left.downcast::<Bytes>() else { return Ok(not_implemented()) };
        Ok(Bytes::new(crate::format::percent::format_bytes(vm, template.as_slice(), right)?).into_value())
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        match usize::try_from(index).ok().and_then(|index| self.as_slice().get(index)) {
            Some(&byte) => Ok(Value::int(i32::from(byte))),
            None => Err(vm.index_error("index out of range")),
        }
    }

    #[slot(get_item)]
    fn get_item(this: &Object<Bytes>, vm: &Vm, key: &Value) -> PyResult {
        let length = this.len();
        if let Some(slice) = key.downcast::<Slice>() {
            let range = slice.indices(vm, length)?;
            if range.is_whole(length) && std::ptr::eq(this.type_of(), Bytes::static_type()) {
                return Ok(this.to_value());
            }
            if range.step == 1 {
                let start = range.start as usize;
                return Ok(Bytes::new(&this.as_slice()[start..start + range.count()]).into_value());
            }
            let part: Vec<u8> = range.iter().map(|index| this.as_slice()[index]).collect();
            return Ok(Bytes::new(part).into_value());
        }
        let index = vm.sequence_index(key, "byte indices must be integers or slices, not")?;
        this.item(vm, if index < 0 { index + length as isize } else { index })
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        let sought = Sought::from_operand(vm, item)?;
        Ok(search::find(self.as_slice(), sought.as_slice()).is_some())
    }

    #[slot(concat)]
    fn concat(vm: &Vm, this: &Value, other: &Value) -> PyResult {
        // The left operand can be any buffer, since `bytes` may be derived from beside other types.
        let left = operand(vm, this, "bytes")?;
        let right = operand(vm, other, "bytes")?;
        if left.is_empty() && other.downcast_exact::<Bytes>().is_some() {
            return Ok(other.clone());
        }
        if right.is_empty() && this.downcast_exact::<Bytes>().is_some() {
            return Ok(this.clone());
        }
        Ok(Bytes::new([left.as_slice(), right.as_slice()].concat()).into_value())
    }

    #[slot(repeat)]
    fn repeat(this: &Object<Bytes>, vm: &Vm, count: isize) -> PyResult {
        let same = count == 1 || this.is_empty();
        if same && std::ptr::eq(this.type_of(), Bytes::static_type()) {
            return Ok(this.to_value());
        }
        // This is a new object even where it is empty.
        Ok(Bytes::of_type(Bytes::static_type(), repeated(vm, this.as_slice(), count)?).into_value())
    }

    /// How to copy and pickle it.
    #[method("__getnewargs__(self, /)")]
    fn getnewargs(&self) -> Value {
        Tuple::from_values([Bytes::new(self.as_slice()).into_value()]).into_value()
    }

    /// Convert this value to exact type bytes.
    #[method("__bytes__(self, /)")]
    fn dunder_bytes(this: &Object<Bytes>) -> Value {
        if std::ptr::eq(this.type_of(), Bytes::static_type()) {
            return this.to_value();
        }
        Bytes::new(this.as_slice()).into_value()
    }
}

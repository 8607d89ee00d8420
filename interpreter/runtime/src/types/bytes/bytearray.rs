//! `bytearray`: bytes that change, unless somebody has a view of them.

use rspy_macros::{pyclass, pymethods};

use crate::buffer::{BufferView, ExportableVec};
use crate::cell::Borrowed;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bytes::constant::{self, Sought};
use crate::types::bytes::construct::{self, Made};
use crate::types::bytes::{ByteArrayIterator, Bytes, search, text};
use crate::types::int;
use crate::types::none::not_implemented;
use crate::types::slice::Slice;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// bytearray(iterable_of_ints) -> bytearray
/// bytearray(string, encoding[, errors]) -> bytearray
/// bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer
/// bytearray(int) -> bytes array of size given by the parameter initialized with null bytes
/// bytearray() -> empty bytes array
///
/// A mutable array of bytes.
#[pyclass(name = "bytearray", subclassable, match_self, methods(SHARED_METHODS))]
pub struct ByteArray {
    pub(super) data: ExportableVec,
}

impl ByteArray {
    /// A `bytearray`.
    pub fn new(data: Vec<u8>) -> Ref<ByteArray> {
        Object::new(ByteArray { data: ExportableVec::new(data) })
    }

    /// The bytes.
    #[inline]
    pub fn borrow(&self) -> Borrowed<'_, Vec<u8>> {
        self.data.borrow()
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.data.borrow().len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The byte at an index.
    pub fn byte_at(&self, index: usize) -> Option<u8> {
        self.data.borrow().get(index).copied()
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// `BufferError` while somebody has a view.
    pub fn extend_from_slice(&self, vm: &Vm, more: &[u8]) -> PyResult<()> {
        self.data.resize(vm)?.extend_from_slice(more);
        Ok(())
    }

    fn position(&self, index: isize) -> Option<usize> {
        let length = self.len() as isize;
        let index = if index < 0 { index + length } else { index };
        (0..length).contains(&index).then_some(index as usize)
    }

    /// The bytes to be assigned to a slice.
    fn assigned(vm: &Vm, value: &Value) -> PyResult<Vec<u8>> {
        if let Some(array) = value.downcast::<ByteArray>() {
            return Ok(array.borrow().clone());
        }
        let bad = || vm.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)");
        if int::is_int(value) || value.downcast::<Str>().is_some() {
            return Err(bad());
        }
        match construct::from_object(vm, value, "bytearray") {
            Err(error)
                if error.is_type_error() && !crate::buffer::has_buffer(value) && vm.iter(value).is_err() =>
            {
                Err(bad())
            }
            result => result,
        }
    }

    fn assign_slice(&self, vm: &Vm, slice: &Slice, value: Option<&Value>) -> PyResult<()> {
        let new = value.map_or_else(|| Ok(Vec::new()), |value| ByteArray::assigned(vm, value))?;
        let range = slice.indices_in(vm, || self.len())?;
        let count = range.count();
        if range.step == 1 {
            let start = range.start as usize;
            let end = start + count;
            if new.len() == count {
                self.data.edit(|data| data[start..end].copy_from_slice(&new));
            } else if new.is_empty() {
                drop(self.data.resize(vm)?.drain(start..end));
            } else {
                self.data.resize(vm)?.splice(start..end, new);
            }
            return Ok(());
        }
        if value.is_none() {
            if count > 0 {
                let doomed: Vec<usize> = range.iter().collect();
                let mut index = 0;
                let mut sorted = doomed;
                sorted.sort_unstable();
                self.data.resize(vm)?.retain(|_| {
                    let keep = sorted.binary_search(&index).is_err();
                    index += 1;
                    keep
                });
            }
            return Ok(());
        }
        if new.is_empty() && count > 0 {
            return self.assign_slice(vm, slice, None);
        }
        if new.len() != count {
            return Err(vm.value_error(format!(
                "attempt to assign bytes of size {} to extended slice of size {count}",
                new.len()
            )));
        }
        self.data.edit(|data| {
            for (index, byte) in range.iter().zip(new) {
                data[index] = byte;
            }
        });
        Ok(())
    }

    /// Adds what `extend` is given.
    fn extend_with(&self, vm: &Vm, source: &Value) -> PyResult<()> {
        if let Some(bytes) = source.downcast_exact::<Bytes>() {
            return self.extend_from_slice(vm, bytes.as_slice());
        }
        if crate::buffer::has_buffer(source) {
            let more = crate::buffer::view(vm, source)?.to_vec();
            return self.extend_from_slice(vm, &more);
        }
        let Ok(iterator) = vm.iter(source) else {
            return match vm.iter(source) {
                Err(error) if error.is_type_error() => {
                    Err(vm
                        .type_error(format!("can't extend bytearray with {}", source.type_of().full_name())))
                }
                Err(error) => Err(error),
                Ok(_) => Ok(()),
            };
        };
        let mut more = Vec::with_capacity(vm.length_hint(source, 32)?.min(1 << 16));
        while let Some(item) = vm.next(&iterator)? {
            match construct::byte(vm, &item) {
                Err(error) if error.is_type_error() && source.downcast::<Str>().is_some() => {
                    return Err(vm.type_error(format!(
                        "expected iterable of integers; got: '{}'",
                        source.type_of().full_name()
                    )));
                }
                byte => more.push(byte?),
            }
        }
        self.extend_from_slice(vm, &more)
    }
}

#[pymethods]
impl ByteArray {
    #[slot(new)]
    fn make(_: &Vm, cls: &TypeObject, _: &[Value], _: KeywordNames<'_>) -> PyResult {
        Ok(Object::with_type(cls, ByteArray { data: ExportableVec::default() }).into_value())
    }

    #[slot(init)]
    fn init(&self, vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let arguments = construct::parse(vm, "bytearray", args, names)?;
        if !self.is_empty() {
            self.data.resize(vm)?.clear();
        }
        if let Made::Data(data) = construct::make(vm, &arguments, false)? {
            *self.data.resize(vm)? = data;
        }
        Ok(())
    }

    #[slot(repr)]
    fn repr(this: &Object<ByteArray>) -> String {
        format!("{}({})", this.type_of().name(), text::quoted_always(&this.borrow()))
    }

    #[slot(str)]
    fn str(this: &Object<ByteArray>, vm: &Vm) -> PyResult<String> {
        constant::warn(vm, "str() on a bytearray instance")?;
        Ok(ByteArray::repr(this))
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let own = self.borrow().clone();
        constant::compare(vm, &own, other, comparison, "bytearray")
    }

    #[slot(iter)]
    fn iter(this: &Object<ByteArray>) -> Value {
        ByteArrayIterator::new(this.to_ref()).into_value()
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[method("__release_buffer__(self, buffer, /)")]
    fn release_buffer(this: &Value, vm: &Vm, buffer: &Value) -> PyResult<()> {
        crate::buffer::release_memoryview(vm, this, buffer)
    }

    #[slot(buffer)]
    fn buffer(this: &Object<ByteArray>, _flags: u32) -> PyResult<BufferView> {
        Ok(BufferView::of_exportable(this, |array| &array.data))
    }

    #[slot(remainder)]
    fn remainder(vm: &Vm, left: &Value, right: &Value) -> PyResult {
        let Some(template) = left.downcast::<ByteArray>() else { return Ok(not_implemented()) };
        let _hold = template.data.hold();
        let template = template.borrow().clone();
        Ok(ByteArray::new(crate::format::percent::format_bytes(vm, &template, right)?).into_value())
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        match usize::try_from(index).ok().and_then(|index| self.byte_at(index)) {
            Some(byte) => Ok(Value::int(i32::from(byte))),
            None => Err(vm.index_error("bytearray index out of range")),
        }
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        if let Some(slice) = key.downcast::<Slice>() {
            let range = slice.indices_in(vm, || self.len())?;
            let data = self.borrow();
            if range.step == 1 {
                let start = range.start as usize;
                return Ok(ByteArray::new(data[start..start + range.count()].to_vec()).into_value());
            }
            return Ok(ByteArray::new(range.iter().map(|index| data[index]).collect()).into_value());
        }
        let index = vm.sequence_index(key, "bytearray indices must be integers or slices, not")?;
        self.item(vm, if index < 0 { index + self.len() as isize } else { index })
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        if let Some(slice) = key.downcast::<Slice>() {
            return self.assign_slice(vm, slice, value);
        }
        let index = vm.sequence_index(key, "bytearray indices must be integers or slices, not")?;
        let byte = match value {
            Some(value) if self.position(index).is_some() => Some(construct::byte(vm, value)?),
            _ => None,
        };
        let Some(position) = self.position(index) else {
            return Err(vm.index_error("bytearray index out of range"));
        };
        match byte {
            Some(byte) => self.data.edit(|data| data[position] = byte),
            None => drop(self.data.resize(vm)?.remove(position)),
        }
        Ok(())
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        let _hold = self.data.hold();
        let sought = Sought::from_operand(vm, item)?;
        Ok(search::find(&self.borrow(), sought.as_slice()).is_some())
    }

    #[slot(concat)]
    fn concat(vm: &Vm, this: &Value, other: &Value) -> PyResult {
        let left = constant::operand(vm, this, "bytearray")?;
        let right = constant::operand(vm, other, "bytearray")?;
        Ok(ByteArray::new([left.as_slice(), right.as_slice()].concat()).into_value())
    }

    #[slot(repeat)]
    fn repeat(&self, vm: &Vm, count: isize) -> PyResult {
        let repeated = constant::repeated(vm, &self.borrow(), count)?;
        Ok(ByteArray::new(repeated).into_value())
    }

    #[slot(inplace_concat)]
    fn inplace_concat(this: &Object<ByteArray>, vm: &Vm, other: &Value) -> PyResult {
        let more = constant::operand(vm, other, "bytearray")?.to_vec();
        this.extend_from_slice(vm, &more)?;
        Ok(this.to_value())
    }

    #[slot(inplace_repeat)]
    fn inplace_repeat(this: &Object<ByteArray>, vm: &Vm, count: isize) -> PyResult {
        let repeated = constant::repeated(vm, &this.borrow(), count)?;
        if repeated.len() != this.len() {
            *this.data.resize(vm)? = repeated;
        }
        Ok(this.to_value())
    }

    /// Returns the number of bytes actually allocated.
    #[method("__alloc__(self, /)")]
    fn alloc(&self) -> usize {
        let length = self.len();
        if length == 0 { 0 } else { self.borrow().capacity().max(length + 1) }
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(this: &Object<ByteArray>, vm: &Vm) -> PyResult {
        ByteArray::reduce_ex(this, vm, 2)
    }

    /// Return state information for pickling.
    #[method("__reduce_ex__(self, proto=0, /)")]
    fn reduce_ex(this: &Object<ByteArray>, vm: &Vm, proto: i32) -> PyResult {
        let state = crate::types::object::default_state(vm, &this.as_value(), false)?;
        let data = this.borrow().clone();
        let arguments = match (data.is_empty(), proto < 3) {
            (true, _) => Tuple::empty(),
            (false, true) => Tuple::from_values([
                crate::types::string::build::from_latin1(&data).into_value(),
                vm.new_str("latin-1"),
            ]),
            (false, false) => Tuple::from_values([Bytes::new(data).into_value()]),
        };
        Ok(Tuple::from_values([this.type_of().to_value(), arguments.into_value(), state]).into_value())
    }

    /// Returns the size of the bytearray object in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(&self) -> usize {
        56 + self.alloc()
    }

    /// Append a single item to the end of the bytearray.
    #[method("append(self, item, /)")]
    fn append(&self, vm: &Vm, item: &Value) -> PyResult<()> {
        let byte = construct::byte(vm, item)?;
        self.extend_from_slice(vm, &[byte])
    }

    /// Remove all items from the bytearray.
    #[method("clear(self, /)")]
    fn clear(&self, vm: &Vm) -> PyResult<()> {
        *self.data.resize(vm)? = Vec::new();
        Ok(())
    }

    /// Return a copy of B.
    #[method("copy(self, /)")]
    fn copy(&self) -> Ref<ByteArray> {
        ByteArray::new(self.borrow().clone())
    }

    /// Append all the items from the iterator or sequence to the end of the bytearray.
    #[method("extend(self, iterable_of_ints, /)")]
    fn extend(&self, vm: &Vm, iterable_of_ints: &Value) -> PyResult<()> {
        self.extend_with(vm, iterable_of_ints)
    }

    /// Insert a single item into the bytearray before the given index.
    #[method("insert(self, index, item, /)")]
    fn insert(&self, vm: &Vm, index: isize, item: &Value) -> PyResult<()> {
        let byte = construct::byte(vm, item)?;
        let length = self.len() as isize;
        let index = if index < 0 { (index + length).max(0) } else { index.min(length) };
        self.data.resize(vm)?.insert(index as usize, byte);
        Ok(())
    }

    /// Remove and return a single item from B.
    ///
    /// If no index argument is given, will pop the last item.
    #[method("pop(self, index=-1, /)")]
    fn pop(&self, vm: &Vm, index: isize) -> PyResult<u8> {
        if self.is_empty() {
            return Err(vm.index_error("pop from empty bytearray"));
        }
        match self.position(index) {
            Some(index) => Ok(self.data.resize(vm)?.remove(index)),
            None => Err(vm.index_error("pop index out of range")),
        }
    }

    /// Remove the first occurrence of a value in the bytearray.
    #[method("remove(self, value, /)")]
    fn remove(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let byte = construct::byte(vm, value)?;
        let place = memchr::memchr(byte, &self.borrow());
        match place {
            Some(place) => drop(self.data.resize(vm)?.remove(place)),
            None => return Err(vm.value_error("value not found in bytearray")),
        }
        Ok(())
    }

    /// Resize the internal buffer of bytearray to len.
    #[method("resize(self, size, /)")]
    fn resize(&self, vm: &Vm, size: isize) -> PyResult<()> {
        let Ok(size) = usize::try_from(size) else {
            return Err(vm.value_error(format!("Can only resize to positive sizes, got {size}")));
        };
        if size == self.len() {
            return Ok(());
        }
        if !crate::heap::can_allocate(size) {
            return Err(vm.memory_error());
        }
        self.data.resize(vm)?.resize(size, 0);
        Ok(())
    }

    /// Reverse the order of the values in B in place.
    #[method("reverse(self, /)")]
    fn reverse(&self) {
        self.data.edit(<[u8]>::reverse);
    }
}

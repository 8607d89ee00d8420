//! The module `array`: sequences of numbers or characters, kept as in C.

mod element;
mod pickling;

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::audit;
use rspy_runtime::buffer::{self, BufferView, ExportableVec, Layout};
use rspy_runtime::cell::{BorrowedMut, GilCell};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::deprecation_warning;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::slots::{Comparison, KeywordNames};
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::bytes::{ByteArray, Bytes};
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{none, not_implemented};
use rspy_runtime::types::slice::Slice;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use element::{CODES, TypeCode};

/// array(typecode [, initializer]) -> array
///
/// Return a new array whose items are restricted by typecode, and
/// initialized from the optional initializer value, which must be a list,
/// string or iterable over elements of the appropriate type.
///
/// Arrays represent basic values and behave very much like lists, except
/// the type of objects stored in them is constrained.
#[pyclass(name = "array", shows_get, module = "array", subclassable, weak, sequence, methods(MORE_METHODS))]
pub struct Array {
    code: TypeCode,
    data: ExportableVec,
}

impl Array {
    fn make(class: &TypeObject, code: TypeCode, data: Vec<u8>) -> Ref<Array> {
        Object::with_type(class, Array { code, data: ExportableVec::new(data) })
    }

    fn plain(code: TypeCode, data: Vec<u8>) -> Ref<Array> {
        Array::make(Array::static_type(), code, data)
    }

    fn len(&self) -> usize {
        self.data.borrow().len() / self.code.size()
    }

    fn get(&self, index: usize) -> Option<Value> {
        let size = self.code.size();
        self.data.borrow().get(index * size..(index + 1) * size).map(|bytes| self.code.get(bytes))
    }

    /// The bytes, to grow or shrink.
    fn resize(&self, vm: &Vm) -> PyResult<BorrowedMut<'_, Vec<u8>>> {
        if self.data.exports() > 0 {
            return Err(vm.buffer_error("cannot resize an array that is exporting buffers"));
        }
        self.data.resize(vm)
    }

    fn bytes(&self) -> Vec<u8> {
        self.data.borrow().clone()
    }

    fn element(&self, vm: &Vm, value: &Value) -> PyResult<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.code.size());
        self.code.put(vm, value, &mut bytes)?;
        Ok(bytes)
    }

    fn push(&self, vm: &Vm, value: &Value) -> PyResult<()> {
        let bytes = self.element(vm, value)?;
        self.resize(vm)?.extend_from_slice(&bytes);
        Ok(())
    }

    fn extend_from(&self, vm: &Vm, source: &Value) -> PyResult<()> {
        if let Some(other) = source.downcast::<Array>() {
            if other.code != self.code {
                return Err(vm.type_error("can only extend with array of same kind"));
            }
            let bytes = other.bytes();
            self.resize(vm)?.extend_from_slice(&bytes);
            return Ok(());
        }
        let iterator = vm.iter(source)?;
        while let Some(item) = vm.next(&iterator)? {
            self.push(vm, &item)?;
        }
        Ok(())
    }

    fn add_bytes(&self, vm: &Vm, bytes: &[u8]) -> PyResult<()> {
        if !bytes.len().is_multiple_of(self.code.size()) {
            return Err(vm.value_error("bytes length not a multiple of item size"));
        }
        self.resize(vm)?.extend_from_slice(bytes);
        Ok(())
    }

    fn add_text(&self, vm: &Vm, text: &Object<Str>) -> PyResult<()> {
        let bytes: Vec<u8> = text.characters().iter().flat_map(u32::to_ne_bytes).collect();
        self.resize(vm)?.extend_from_slice(&bytes);
        Ok(())
    }

    fn text(&self) -> Ref<Str> {
        let data = self.data.borrow();
        let characters: Vec<u32> =
            data.chunks_exact(4).map(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]])).collect();
        Str::from_code_points(&characters)
    }

    /// The position that an index means.
    fn position(&self, index: isize) -> Option<usize> {
        let length = self.len();
        let index = if index < 0 { index + length as isize } else { index };
        usize::try_from(index).ok().filter(|&index| index < length)
    }

    fn index_of(&self, vm: &Vm, value: &Value, start: usize, stop: usize) -> PyResult<Option<usize>> {
        let mut index = start;
        while index < stop {
            let Some(item) = self.get(index) else { break };
            if vm.equal(&item, value)? {
                return Ok(Some(index));
            }
            index += 1;
        }
        Ok(None)
    }

    fn assign_slice(&self, vm: &Vm, slice: &Slice, value: Option<&Value>) -> PyResult<()> {
        let size = self.code.size();
        let new = match value {
            None => Vec::new(),
            Some(value) => match value.downcast::<Array>() {
                Some(other) if other.code == self.code => other.bytes(),
                Some(_) => return Err(vm.type_error("bad argument type for built-in operation")),
                None => {
                    return Err(vm.type_error(format!(
                        "can only assign array (not \"{}\") to array slice",
                        value.type_of().full_name()
                    )));
                }
            },
        };
        let range = slice.indices_in(vm, || self.len())?;
        if range.step == 1 {
            let start = range.start as usize;
            let end = start.max(range.stop.max(0) as usize).min(self.len());
            if new.len() == (end - start) * size {
                self.data.edit(|data| data[start * size..end * size].copy_from_slice(&new));
            } else {
                self.resize(vm)?.splice(start * size..end * size, new);
            }
            return Ok(());
        }
        let count = range.count();
        if value.is_none() {
            let doomed: std::collections::HashSet<usize> = range.iter().collect();
            let kept: Vec<u8> = {
                let data = self.data.borrow();
                let kept = data.chunks_exact(size).enumerate().filter(|(index, _)| !doomed.contains(index));
                kept.flat_map(|(_, bytes)| bytes.to_vec()).collect()
            };
            *self.resize(vm)? = kept;
            return Ok(());
        }
        if new.len() != count * size {
            return Err(vm.value_error(format!(
                "attempt to assign array of size {} to extended slice of size {count}",
                new.len() / size
            )));
        }
        self.data.edit(|data| {
            for (index, bytes) in range.iter().zip(new.chunks_exact(size)) {
                data[index * size..(index + 1) * size].copy_from_slice(bytes);
            }
        });
        Ok(())
    }
}

/// The character that a code argument is.
fn type_character(vm: &Vm, code: &Value) -> PyResult<u32> {
    let got = match code.downcast::<Str>() {
        Some(text) if text.length() == 1 => return Ok(text.char_at(0)),
        Some(text) => format!("a string of length {}", text.length()),
        None => code.type_of().full_name(),
    };
    Err(vm.type_error(format!("array() argument 1 must be a unicode character, not {got}")))
}

/// The type that a character means.
fn type_code(vm: &Vm, character: u32) -> PyResult<TypeCode> {
    TypeCode::new(character).ok_or_else(|| {
        vm.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)")
    })
}

#[pymethods]
impl Array {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let exact = std::ptr::eq(cls, Array::static_type());
        let keywords = names.map_or(0, |names| names.items().len());
        if exact && keywords > 0 {
            return Err(vm.type_error("array.array() takes no keyword arguments"));
        }
        let (code, initial) = match &args[..args.len() - keywords] {
            [code] => (code, None),
            [code, initial] => (code, Some(initial)),
            [] => return Err(vm.type_error("array() takes at least 1 argument (0 given)")),
            more => {
                return Err(vm.type_error(format!("array() takes at most 2 arguments ({} given)", more.len())));
            }
        };
        let character = type_character(vm, code)?;
        audit::raise_event(vm, "array.__new__", || vec![code.clone(), initial.cloned().unwrap_or_else(none)])?;
        let code = type_code(vm, character)?;
        if code.code() == 'u' {
            rspy_runtime::warnings::warn(
                vm,
                deprecation_warning(),
                "The 'u' type code is deprecated and will be removed in Python 3.16",
                1,
            )?;
        }
        let array = Array::make(cls, code, Vec::new());
        let Some(initial) = initial else { return Ok(array.into_value()) };
        if let Some(text) = initial.downcast::<Str>() {
            if !code.is_text() {
                return Err(vm.type_error(format!(
                    "cannot use a str to initialize an array with typecode '{}'",
                    code.code()
                )));
            }
            array.add_text(vm, text)?;
        } else if let Some(other) = initial.downcast::<Array>() {
            if other.code.is_text() && !code.is_text() {
                return Err(vm.type_error(format!(
                    "cannot use a unicode array to initialize an array with typecode '{}'",
                    code.code()
                )));
            }
            if other.code == code {
                let bytes = other.bytes();
                array.add_bytes(vm, &bytes)?;
            } else {
                let mut index = 0;
                while let Some(item) = other.get(index) {
                    array.push(vm, &item)?;
                    index += 1;
                }
            }
        } else if let Some(bytes) = initial.downcast::<Bytes>() {
            array.add_bytes(vm, bytes.as_slice())?;
        } else if let Some(bytes) = initial.downcast::<ByteArray>() {
            let bytes = bytes.borrow().to_vec();
            array.add_bytes(vm, &bytes)?;
        } else {
            array.extend_from(vm, initial)?;
        }
        Ok(array.into_value())
    }

    #[slot(repr)]
    fn repr(this: &Object<Array>, vm: &Vm) -> PyResult<String> {
        let (name, code) = (this.type_of().name(), this.code.code());
        if this.len() == 0 {
            return Ok(format!("{name}('{code}')"));
        }
        let contents = if this.code.is_text() { this.text().into_value() } else { this.tolist().into_value() };
        Ok(format!("{name}('{code}', {})", vm.repr(&contents)?.to_string_lossy()))
    }

    #[slot(compare)]
    fn compare(&self, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let Some(other) = other.downcast::<Array>() else { return Ok(not_implemented()) };
        let same_length = self.len() == other.len();
        if !same_length && matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Ok(boolean(comparison == Comparison::NotEqual));
        }
        rspy_runtime::types::tuple::compare_items(vm, |index| self.get(index), |index| other.get(index), comparison)
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.len())
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.get(index))
            .ok_or_else(|| vm.index_error("array index out of range"))
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, key: &Value) -> PyResult {
        if let Some(slice) = key.downcast::<Slice>() {
            let range = slice.indices_in(vm, || self.len())?;
            let size = self.code.size();
            let data = self.data.borrow();
            let part: Vec<u8> = if range.step == 1 {
                let start = range.start as usize;
                data[start * size..(start + range.count()) * size].to_vec()
            } else {
                range.iter().flat_map(|index| data[index * size..(index + 1) * size].to_vec()).collect()
            };
            return Ok(Array::plain(self.code, part).into_value());
        }
        if key.type_of().slots().index.get().is_none() {
            return Err(vm.type_error("array indices must be integers"));
        }
        let index = vm.sequence_index(key, "array indices must be integers")?;
        self.position(index)
            .and_then(|index| self.get(index))
            .ok_or_else(|| vm.index_error("array index out of range"))
    }

    #[slot(set_item)]
    fn set_item(&self, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        if let Some(slice) = key.downcast::<Slice>() {
            return self.assign_slice(vm, slice, value);
        }
        if key.type_of().slots().index.get().is_none() {
            return Err(vm.type_error("array indices must be integers"));
        }
        let index = vm.sequence_index(key, "array indices must be integers")?;
        let out_of_range = || vm.index_error("array assignment index out of range");
        let size = self.code.size();
        match value {
            Some(value) => {
                let bytes = self.element(vm, value)?;
                let index = self.position(index).ok_or_else(out_of_range)?;
                self.data.edit(|data| data[index * size..(index + 1) * size].copy_from_slice(&bytes));
            }
            None => {
                let index = self.position(index).ok_or_else(out_of_range)?;
                self.resize(vm)?.drain(index * size..(index + 1) * size);
            }
        }
        Ok(())
    }

    #[slot(contains)]
    fn contains(&self, vm: &Vm, item: &Value) -> PyResult<bool> {
        Ok(self.index_of(vm, item, 0, usize::MAX)?.is_some())
    }

    #[slot(concat)]
    fn concat(&self, vm: &Vm, other: &Value) -> PyResult {
        let Some(other_array) = other.downcast::<Array>() else {
            return Err(vm.type_error(format!(
                "can only append array (not \"{}\") to array",
                other.type_of().full_name()
            )));
        };
        if other_array.code != self.code {
            return Err(vm.type_error("bad argument type for built-in operation"));
        }
        let mut bytes = self.bytes();
        bytes.extend_from_slice(&other_array.data.borrow());
        Ok(Array::plain(self.code, bytes).into_value())
    }

    #[slot(inplace_concat)]
    fn inplace_concat(this: &Object<Array>, vm: &Vm, other: &Value) -> PyResult {
        if other.downcast::<Array>().is_none() {
            return Err(vm.type_error(format!(
                "can only extend array with array (not \"{}\")",
                other.type_of().full_name()
            )));
        }
        this.extend_from(vm, other)?;
        Ok(this.to_value())
    }

    #[slot(repeat)]
    fn repeat(&self, vm: &Vm, count: isize) -> PyResult {
        Ok(Array::plain(self.code, self.repeated(vm, count)?).into_value())
    }

    #[slot(inplace_repeat)]
    fn inplace_repeat(this: &Object<Array>, vm: &Vm, count: isize) -> PyResult {
        let bytes = this.repeated(vm, count)?;
        if bytes.len() != this.data.borrow().len() {
            *this.resize(vm)? = bytes;
        }
        Ok(this.to_value())
    }

    #[slot(iter)]
    fn iter(this: &Object<Array>) -> Value {
        Object::new(ArrayIterator { array: GilCell::new(Some(this.to_ref())), index: Cell::new(0) }).into_value()
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[method("__release_buffer__(self, buffer, /)")]
    fn release_buffer(this: &Value, vm: &Vm, buffer: &Value) -> PyResult<()> {
        rspy_runtime::buffer::release_memoryview(vm, this, buffer)
    }

    #[slot(buffer)]
    fn buffer(this: &Object<Array>, _flags: u32) -> PyResult<BufferView> {
        let layout = Layout::flat(&this.code.code().to_string(), this.code.size(), this.len());
        Ok(BufferView::of_exportable(this, |array| &array.data).with_layout(layout))
    }

    /// the typecode character used to create the array
    #[getter("typecode")]
    fn typecode(&self) -> String {
        self.code.code().to_string()
    }

    /// the size, in bytes, of one array item
    #[getter("itemsize")]
    fn itemsize(&self) -> usize {
        self.code.size()
    }
}

impl Array {
    fn repeated(&self, vm: &Vm, count: isize) -> PyResult<Vec<u8>> {
        let count = count.max(0) as usize;
        let length = self.data.borrow().len().checked_mul(count);
        if length.is_none_or(|length| !rspy_runtime::heap::can_allocate(length)) {
            return Err(vm.memory_error());
        }
        Ok(self.data.borrow().repeat(count))
    }
}

#[pymethods(MORE_METHODS)]
impl Array {
    /// Append new value v to the end of the array.
    #[method("append(self, v, /)")]
    fn append(&self, vm: &Vm, v: &Value) -> PyResult<()> {
        self.push(vm, v)
    }

    /// Return a tuple (address, length) giving the current memory address and the length in items of the buffer used
    /// to hold array's contents.
    #[method("buffer_info(self, /)")]
    fn buffer_info(&self) -> (u64, usize) {
        (self.data.borrow().as_ptr() as u64, self.len())
    }

    /// Byteswap all items of the array.
    ///
    /// If the items in the array are not 1, 2, 4, or 8 bytes in size, RuntimeError is raised.
    #[method("byteswap(self, /)")]
    fn byteswap(&self) {
        let size = self.code.size();
        self.data.edit(|data| data.chunks_exact_mut(size).for_each(<[u8]>::reverse));
    }

    /// Remove all items from the array.
    #[method("clear(self, /)")]
    fn clear(&self, vm: &Vm) -> PyResult<()> {
        self.resize(vm)?.clear();
        Ok(())
    }

    /// Return number of occurrences of v in the array.
    #[method("count(self, v, /)")]
    fn count(&self, vm: &Vm, v: &Value) -> PyResult<usize> {
        let (mut count, mut index) = (0, 0);
        while let Some(item) = self.get(index) {
            count += usize::from(vm.equal(&item, v)?);
            index += 1;
        }
        Ok(count)
    }

    /// Append items to the end of the array.
    #[method("extend(self, bb, /)")]
    fn extend(&self, vm: &Vm, bb: &Value) -> PyResult<()> {
        self.extend_from(vm, bb)
    }

    /// Appends items from the string, interpreting it as an array of machine values, as if it had been read from a
    /// file using the fromfile() method.
    #[method("frombytes(self, buffer, /)")]
    fn frombytes(&self, vm: &Vm, source: &Value) -> PyResult<()> {
        let bytes = buffer::view(vm, source)?.to_vec();
        self.add_bytes(vm, &bytes)
    }

    /// Read n objects from the file object f and append them to the end of the array.
    #[method("fromfile(self, f, n, /)")]
    fn fromfile(&self, vm: &Vm, f: &Value, n: isize) -> PyResult<()> {
        let Ok(count) = usize::try_from(n) else { return Err(vm.value_error("negative count")) };
        let Some(wanted) = count.checked_mul(self.code.size()).filter(|&size| size <= isize::MAX as usize) else {
            return Err(vm.memory_error());
        };
        let read = vm.call_method_str(f, "read", &[int::new(wanted as i64)])?;
        let Some(bytes) = read.downcast::<Bytes>() else {
            return Err(vm.type_error("read() didn't return bytes"));
        };
        self.add_bytes(vm, bytes.as_slice())?;
        if bytes.len() != wanted {
            return Err(vm.eof_error("read() didn't return enough bytes"));
        }
        Ok(())
    }

    /// Append items to array from list.
    #[method("fromlist(self, list, /)")]
    fn fromlist(&self, vm: &Vm, list: &Value) -> PyResult<()> {
        let Some(list) = list.downcast::<List>() else { return Err(vm.type_error("arg must be list")) };
        let mut bytes = Vec::new();
        let length = list.len();
        for item in list.to_vec() {
            self.code.put(vm, &item, &mut bytes)?;
            if list.len() != length {
                return Err(vm.runtime_error("list changed size during iteration"));
            }
        }
        self.resize(vm)?.extend_from_slice(&bytes);
        Ok(())
    }

    /// Extends this array with data from the unicode string ustr.
    ///
    /// The array must be a unicode type array; otherwise a ValueError is raised. Use
    /// array.frombytes(ustr.encode(...)) to append Unicode data to an array of some other type.
    #[method("fromunicode(self, ustr, /)")]
    fn fromunicode(&self, vm: &Vm, ustr: &Object<Str>) -> PyResult<()> {
        if !self.code.is_text() {
            return Err(vm.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
        }
        self.add_text(vm, ustr)
    }

    /// Return index of first occurrence of v in the array.
    ///
    /// Raise ValueError if the value is not present.
    #[method("index(self, v, start=0, stop=sys.maxsize, /)")]
    fn index(&self, vm: &Vm, v: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult<usize> {
        let clamp = |value: Option<&Value>, default: isize| -> PyResult<usize> {
            let index = match value {
                None => default,
                Some(value) => rspy_runtime::types::slice::clamped_index(vm, value)?,
            };
            Ok(if index < 0 { (index + self.len() as isize).max(0) as usize } else { index as usize })
        };
        let (start, stop) = (clamp(start, 0)?, clamp(stop, isize::MAX)?);
        self.index_of(vm, v, start, stop)?.ok_or_else(|| vm.value_error("array.index(x): x not in array"))
    }

    /// Insert a new item v into the array before position i.
    #[method("insert(self, i, v, /)")]
    fn insert(&self, vm: &Vm, i: isize, v: &Value) -> PyResult<()> {
        let bytes = self.element(vm, v)?;
        let length = self.len() as isize;
        let index = if i < 0 { (i + length).max(0) } else { i.min(length) } as usize * self.code.size();
        self.resize(vm)?.splice(index..index, bytes);
        Ok(())
    }

    /// Return the i-th element and delete it from the array.
    ///
    /// i defaults to -1.
    #[method("pop(self, i=-1, /)")]
    fn pop(&self, vm: &Vm, i: isize) -> PyResult {
        if self.len() == 0 {
            return Err(vm.index_error("pop from empty array"));
        }
        let index = self.position(i).ok_or_else(|| vm.index_error("pop index out of range"))?;
        let item = self.get(index).ok_or_else(|| vm.index_error("pop index out of range"))?;
        let size = self.code.size();
        self.resize(vm)?.drain(index * size..(index + 1) * size);
        Ok(item)
    }

    /// Remove the first occurrence of v in the array.
    #[method("remove(self, v, /)")]
    fn remove(&self, vm: &Vm, v: &Value) -> PyResult<()> {
        let Some(index) = self.index_of(vm, v, 0, usize::MAX)? else {
            return Err(vm.value_error("array.remove(x): x not in array"));
        };
        let size = self.code.size();
        self.resize(vm)?.drain(index * size..(index + 1) * size);
        Ok(())
    }

    /// Reverse the order of the items in the array.
    #[method("reverse(self, /)")]
    fn reverse(&self) {
        let size = self.code.size();
        self.data.edit(|data| {
            data.reverse();
            data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        });
    }

    /// Convert the array to an array of machine values and return the bytes representation.
    #[method("tobytes(self, /)")]
    fn tobytes(&self) -> Ref<Bytes> {
        Bytes::new(self.bytes())
    }

    /// Write all items (as machine values) to the file object f.
    #[method("tofile(self, f, /)")]
    fn tofile(&self, vm: &Vm, f: &Value) -> PyResult<()> {
        const BLOCK: usize = 64 << 10;
        let bytes = self.bytes();
        if bytes.is_empty() {
            return Ok(());
        }
        for block in bytes.chunks(BLOCK) {
            vm.call_method_str(f, "write", &[Bytes::new(block).into_value()])?;
        }
        Ok(())
    }

    /// Convert array to an ordinary list with the same items.
    #[method("tolist(self, /)")]
    fn tolist(&self) -> Ref<List> {
        List::from_vec(self.data.borrow().chunks_exact(self.code.size()).map(|bytes| self.code.get(bytes)).collect())
    }

    /// Extends this array with data from the unicode string ustr.
    ///
    /// Convert the array to a unicode string. The array must be a unicode type array; otherwise a ValueError is
    /// raised.
    #[method("tounicode(self, /)")]
    fn tounicode(&self, vm: &Vm) -> PyResult<Ref<Str>> {
        if !self.code.is_text() {
            return Err(vm.value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')"));
        }
        let beyond = self.data.borrow().chunks_exact(4).any(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]]) > 0x10_ffff);
        if beyond {
            // The codec says which.
            let bytes = rspy_runtime::types::bytes::Bytes::new(self.bytes()).into_value();
            rspy_runtime::codecs::decode_bytes(vm, &bytes, Some(&vm.new_str("utf-32-le")), None)?;
        }
        Ok(self.text())
    }

    /// Return a copy of the array.
    #[method("__copy__(self, /)")]
    fn copy(&self) -> Ref<Array> {
        Array::plain(self.code, self.bytes())
    }

    /// Return a copy of the array.
    #[method("__deepcopy__(self, unused, /)")]
    fn deepcopy(&self, _unused: &Value) -> Ref<Array> {
        self.copy()
    }

    /// Return state information for pickling.
    #[method("__reduce_ex__(self, value, /)")]
    fn reduce_ex(this: &Object<Array>, vm: &Vm, value: &Value) -> PyResult {
        if !int::is_int(value) {
            return Err(vm.type_error("__reduce_ex__ argument should be an integer"));
        }
        let attributes = vm.get_attribute_optional(&this.as_value(), &vm.intern("__dict__"))?;
        let state = attributes.unwrap_or_else(none);
        let class = this.type_of().to_value();
        let code = vm.new_str(&this.typecode());
        if int::small_value(value).is_some_and(|protocol| protocol < 3) {
            let arguments = Tuple::from_values([code, this.tolist().into_value()]);
            return Ok(Tuple::from_values([class, arguments.into_value(), state]).into_value());
        }
        let function = pickling::reconstructor(vm)?;
        let format = int::new(i64::from(this.code.machine_format()));
        let arguments = Tuple::from_values([class, code, format, this.tobytes().into_value()]);
        Ok(Tuple::from_values([function, arguments.into_value(), state]).into_value())
    }

    /// Size of the array in memory, in bytes.
    #[method("__sizeof__(self, /)")]
    fn sizeof(this: &Object<Array>) -> usize {
        size_of_val(this) + this.data.borrow().capacity()
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }
}

/// Goes through an array.
#[pyclass(name = "arrayiterator", shows_get, module = "array", tracked, no_new)]
pub struct ArrayIterator {
    array: GilCell<Option<Ref<Array>>>,
    index: Cell<usize>,
}

#[pymethods]
impl ArrayIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self) -> PyResult<Option<Value>> {
        let Some(array) = self.array.get() else { return Ok(None) };
        let item = array.get(self.index.get());
        match item {
            Some(_) => self.index.set(self.index.get() + 1),
            None => self.array.set(None),
        }
        Ok(item)
    }

    /// Return state information for pickling.
    #[method("__reduce__(self, /)")]
    fn reduce(&self, vm: &Vm) -> PyResult {
        let iter = vm.builtins().get_str(&vm.intern("iter")).unwrap_or_else(none);
        Ok(match self.array.get() {
            Some(array) => {
                let arguments = Tuple::from_values([array.into_value()]).into_value();
                Tuple::from_values([iter, arguments, int::new(self.index.get() as i64)])
            }
            None => {
                let empty = Tuple::empty().into_value();
                Tuple::from_values([iter, Tuple::from_values([empty]).into_value()])
            }
        }
        .into_value())
    }

    /// Set state information for unpickling.
    #[method("__setstate__(self, state, /)")]
    fn setstate(&self, state: isize) {
        let length = self.array.get().map_or(0, |array| array.len());
        self.index.set(usize::try_from(state).unwrap_or(0).min(length));
    }
}

native_module! {
    name: "array",
    doc: "This module defines an object type which can efficiently represent\nan array of basic values: characters, integers, floating-point\nnumbers.",
    functions: [pickling::Functions::FUNCTIONS], types: [Array],
    execute: |vm, module| {
        ArrayIterator::static_type().ready(vm);
        module.set(vm, "ArrayType", Array::static_type().to_value());
        module.set_str(vm, "typecodes", CODES);
        if let Ok(abstracts) = rspy_runtime::import::import_module(vm, "collections.abc")
            && let Ok(mutable) = vm.get_attribute_str(&abstracts, "MutableSequence")
        {
            vm.call_method_str(&mutable, "register", &[Array::static_type().to_value()])?;
        }
        Ok(())
    }
}

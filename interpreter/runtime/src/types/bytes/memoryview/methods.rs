//! Slots, attributes and methods of `memoryview`, and its iterator.

use std::cell::Cell;
use std::rc::Rc;

use rspy_macros::{pyclass, pymethods};

use super::{MemoryView, Shared, access, format};
use crate::buffer::{self, BufferView, Layout, flags};
use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::object::{Object, Ref, TypeObject};
use crate::slots::Comparison;
use crate::types::bool::boolean;
use crate::types::bytes::{Bytes, hex_text};
use crate::types::int;
use crate::types::none::not_implemented;
use crate::types::slice::search_range;
use crate::types::string::Str;
use crate::types::string::build::from_ascii;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

fn numbers<T: Copy + Into<i128>>(numbers: impl IntoIterator<Item = T>) -> Ref<Tuple> {
    let items: Vec<Value> = numbers.into_iter().map(|number| int::from_i128(number.into())).collect();
    Tuple::from_values(items)
}

/// The items in the order of the first dimension running fastest.
fn fortran_bytes(shared: &Shared) -> Vec<u8> {
    let mut layout = (*shared.layout).clone();
    layout.shape.reverse();
    layout.strides.reverse();
    buffer::gather(shared.view.memory(), shared.offset, &layout)
}

fn cast(vm: &Vm, shared: &Shared, format: &str, shape: Option<Vec<usize>>) -> PyResult<Shared> {
    let layout = &shared.layout;
    if !layout.is_c_contiguous() {
        return Err(vm.type_error("memoryview: casts are restricted to C-contiguous views"));
    }
    if (shape.is_some() || layout.shape.len() != 1) && layout.shape.contains(&0) {
        return Err(vm.type_error("memoryview: cannot cast view with zeros in shape or strides"));
    }
    let dimensions = shape.as_ref().map_or(1, Vec::len);
    if dimensions != 1 && layout.shape.len() != 1 {
        return Err(vm.type_error("memoryview: cast must be 1D -> ND or ND -> 1D"));
    }
    let Some(from) = format::native_character(&layout.format) else {
        return Err(vm.value_error(
            "memoryview: source format must be a native single character format prefixed with an optional '@'",
        ));
    };
    let Some(to) = format::native_character(format) else {
        return Err(vm.value_error(
            "memoryview: destination format must be a native single character format prefixed with an optional '@'",
        ));
    };
    let is_byte = |character: u8| matches!(character, b'b' | b'B' | b'c');
    if !is_byte(from) && !is_byte(to) {
        return Err(vm.type_error("memoryview: cannot cast between two non-byte formats"));
    }
    let itemsize = format::size_of(to).unwrap_or(1);
    let bytes = layout.bytes();
    if !bytes.is_multiple_of(itemsize) {
        return Err(vm.type_error("memoryview: length is not a multiple of itemsize"));
    }
    let shape = shape.unwrap_or_else(|| vec![bytes / itemsize]);
    let product = shape.iter().try_fold(itemsize, |product, &length| product.checked_mul(length));
    if product != Some(bytes) {
        return Err(vm.type_error("memoryview: product(shape) * itemsize != buffer size"));
    }
    let layout = Rc::new(Layout::of_shape(format, itemsize, shape));
    Ok(Shared { view: shared.view.clone(), offset: shared.offset, readonly: shared.readonly, layout })
}

fn one_dimension(vm: &Vm, shared: &Shared, zero: &str, many: &str) -> PyResult<usize> {
    match shared.layout.shape[..] {
        [] => Err(vm.type_error(zero)),
        [length] => Ok(length),
        _ => Err(vm.not_implemented_error(many)),
    }
}

#[pymethods]
impl MemoryView {
    #[new("memoryview(object)")]
    fn make(vm: &Vm, object: &Value) -> PyResult<Ref<MemoryView>> {
        MemoryView::of_object(vm, object, flags::FULL_RO)
    }

    #[slot(repr)]
    fn repr(this: &Object<MemoryView>) -> String {
        let what = if this.is_released() { "released memory" } else { "memory" };
        format!("<{what} at {:#x}>", std::ptr::from_ref(this) as usize)
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        if self.hash.get() == -1 {
            let shared = self.shared(vm)?;
            if !shared.readonly {
                return Err(vm.value_error("cannot hash writable memoryview object"));
            }
            if !matches!(format::native_character(&shared.layout.format), Some(b'b' | b'B' | b'c')) {
                return Err(vm.value_error("memoryview: hashing is restricted to formats 'B', 'b' or 'c'"));
            }
            vm.hash(shared.view.exporter())?;
            self.hash.set(crate::types::string::hash::hash_bytes(&shared.bytes()));
        }
        Ok(self.hash.get())
    }

    #[slot(compare)]
    fn compare(this: &Object<MemoryView>, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let (Comparison::Equal | Comparison::NotEqual) = comparison else { return Ok(not_implemented()) };
        let answer = |equal: bool| Ok(boolean(equal == (comparison == Comparison::Equal)));
        let Some(own) = this.shared.get() else { return answer(this.is(other)) };
        if other.downcast::<MemoryView>().is_some_and(|other| other.is_released()) {
            return answer(false);
        }
        if !buffer::has_buffer(other) {
            return Ok(not_implemented());
        }
        let Ok(theirs) = buffer::view_with(vm, other, flags::FULL_RO) else { return Ok(not_implemented()) };
        answer(access::equal(vm, &own, &theirs)?)
    }

    /// Release the buffer object that exposes the underlying memory of the object.
    #[method("__release_buffer__(self, buffer, /)")]
    fn release_buffer(this: &Value, vm: &Vm, buffer: &Value) -> PyResult<()> {
        crate::buffer::release_memoryview(vm, this, buffer)
    }

    #[slot(buffer)]
    fn buffer(this: &Object<MemoryView>, vm: &Vm, flags: u32) -> PyResult<BufferView> {
        this.export(vm, flags)
    }

    #[slot(length)]
    fn length(&self, vm: &Vm) -> PyResult<usize> {
        let shared = self.shared(vm)?;
        shared.layout.shape.first().copied().ok_or_else(|| vm.type_error("0-dim memory has no length"))
    }

    #[slot(item)]
    fn item(&self, vm: &Vm, index: isize) -> PyResult {
        self.shared(vm)?.item(vm, index)
    }

    #[slot(get_item)]
    fn get_item(this: &Object<MemoryView>, vm: &Vm, key: &Value) -> PyResult {
        access::get(this, vm, key)
    }

    #[slot(set_item)]
    fn set_item(this: &Object<MemoryView>, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
        access::set(this, vm, key, value)
    }

    #[slot(iter)]
    fn iter(this: &Object<MemoryView>, vm: &Vm) -> PyResult<Ref<MemoryIterator>> {
        let shared = this.shared(vm)?;
        let length = one_dimension(
            vm,
            &shared,
            "invalid indexing of 0-dim memory",
            "multi-dimensional sub-views are not implemented",
        )?;
        if format::native_character(&shared.layout.format).is_none() {
            return Err(vm.not_implemented_error(format!(
                "memoryview: format {} not supported",
                shared.layout.format
            )));
        }
        Ok(Object::new(MemoryIterator {
            view: GilCell::new(Some(this.to_ref())),
            index: Cell::new(0),
            length,
        }))
    }

    /// The underlying object of the memoryview.
    #[getter("obj")]
    fn obj(&self, vm: &Vm) -> PyResult {
        Ok(self.shared(vm)?.view.exporter().clone())
    }

    /// The amount of space in bytes that the array would use in a contiguous representation.
    #[getter("nbytes")]
    fn nbytes(&self, vm: &Vm) -> PyResult<usize> {
        Ok(self.shared(vm)?.layout.bytes())
    }

    /// A bool indicating whether the memory is read only.
    #[getter("readonly")]
    fn readonly(&self, vm: &Vm) -> PyResult<bool> {
        Ok(self.shared(vm)?.readonly)
    }

    /// The size in bytes of each element of the memoryview.
    #[getter("itemsize")]
    fn itemsize(&self, vm: &Vm) -> PyResult<usize> {
        Ok(self.shared(vm)?.layout.itemsize)
    }

    /// A string containing the format (in struct module style) for each element in the view.
    #[getter("format")]
    fn format(&self, vm: &Vm) -> PyResult<String> {
        Ok(self.shared(vm)?.layout.format.to_string())
    }

    /// An integer indicating how many dimensions of a multi-dimensional array the memory represents.
    #[getter("ndim")]
    fn ndim(&self, vm: &Vm) -> PyResult<usize> {
        Ok(self.shared(vm)?.layout.shape.len())
    }

    /// A tuple of ndim integers giving the shape of the memory as an N-dimensional array.
    #[getter("shape")]
    fn shape(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        Ok(numbers(self.shared(vm)?.layout.shape.iter().map(|&length| length as u64)))
    }

    /// A tuple of ndim integers giving the size in bytes to access each element for each dimension of the array.
    #[getter("strides")]
    fn strides(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        Ok(numbers(self.shared(vm)?.layout.strides.iter().map(|&stride| stride as i64)))
    }

    /// A tuple of integers used internally for PIL-style arrays.
    #[getter("suboffsets")]
    fn suboffsets(&self, vm: &Vm) -> PyResult<Ref<Tuple>> {
        self.shared(vm)?;
        Ok(Tuple::empty())
    }

    /// A bool indicating whether the memory is C contiguous.
    #[getter("c_contiguous")]
    fn c_contiguous(&self, vm: &Vm) -> PyResult<bool> {
        Ok(self.shared(vm)?.layout.is_c_contiguous())
    }

    /// A bool indicating whether the memory is Fortran contiguous.
    #[getter("f_contiguous")]
    fn f_contiguous(&self, vm: &Vm) -> PyResult<bool> {
        Ok(self.shared(vm)?.layout.is_f_contiguous())
    }

    /// A bool indicating whether the memory is contiguous.
    #[getter("contiguous")]
    fn contiguous(&self, vm: &Vm) -> PyResult<bool> {
        let layout = self.shared(vm)?.layout;
        Ok(layout.is_c_contiguous() || layout.is_f_contiguous())
    }

    /// Release the underlying buffer exposed by the memoryview object.
    #[method("release(self, /)")]
    fn release_method(&self, vm: &Vm) -> PyResult<()> {
        self.release(vm)
    }

    /// Return the data in the buffer as a byte string.
    ///
    /// Order can be 'C', 'F' or 'A'; the data of a Fortran array is kept in its order with 'A'.
    #[method("tobytes(self, /, order='C')")]
    fn tobytes(&self, vm: &Vm, order: Option<&Value>) -> PyResult<Ref<Bytes>> {
        let shared = self.shared(vm)?;
        let order = match order {
            None => 'C',
            Some(value) if crate::types::none::is_none(value) => 'C',
            Some(value) => match value.downcast::<Str>() {
                Some(text) if text.equals_str("C") => 'C',
                Some(text) if text.equals_str("F") => 'F',
                Some(text) if text.equals_str("A") => 'A',
                Some(_) => return Err(vm.value_error("order must be 'C', 'F' or 'A'")),
                None => {
                    return Err(vm.type_error(format!(
                        "tobytes() argument 'order' must be str or None, not {}",
                        value.type_of().full_name()
                    )));
                }
            },
        };
        let fortran = order == 'F'
            || (order == 'A' && shared.layout.is_f_contiguous() && !shared.layout.is_c_contiguous());
        Ok(Bytes::new(if fortran { fortran_bytes(&shared) } else { shared.bytes() }))
    }

    /// Return the data in the buffer as a str of hexadecimal numbers.
    ///
    /// A separator goes between groups of bytes, which are counted from the right unless bytes_per_sep is negative.
    ///
    /// >>> memoryview(b'spam').hex(' ', 3)
    /// '73 70616d'
    #[method("hex(self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
    fn hex(&self, vm: &Vm, sep: Option<&Value>, bytes_per_sep: i32) -> PyResult<Ref<Str>> {
        Ok(from_ascii(&hex_text(vm, &self.shared(vm)?.bytes(), sep, bytes_per_sep)?))
    }

    /// Return the data in the buffer as a list of elements.
    #[method("tolist(self, /)")]
    fn tolist(&self, vm: &Vm) -> PyResult {
        self.shared(vm)?.to_list(vm)
    }

    /// Cast a memoryview to a new format or shape.
    #[method("cast(self, /, format, shape=<unrepresentable>)")]
    fn cast(&self, vm: &Vm, format: &Object<Str>, shape: Option<&Value>) -> PyResult<Ref<MemoryView>> {
        let shared = self.shared(vm)?;
        let shape = shape.map(|shape| access::shape_argument(vm, shape)).transpose()?;
        Ok(MemoryView::of_shared(cast(vm, &shared, &format.to_string_lossy(), shape)?))
    }

    /// Return a readonly version of the memoryview.
    #[method("toreadonly(self, /)")]
    fn toreadonly(&self, vm: &Vm) -> PyResult<Ref<MemoryView>> {
        let mut shared = self.shared(vm)?;
        shared.readonly = true;
        Ok(MemoryView::of_shared(shared))
    }

    /// Create a new memoryview object which references the given object.
    #[classmethod("_from_flags(type, /, object, flags)")]
    fn from_flags(vm: &Vm, object: &Value, flags: i32) -> PyResult<Ref<MemoryView>> {
        MemoryView::of_object(vm, object, flags as u32)
    }

    /// Count the number of occurrences of a value.
    #[method("count(self, value, /)")]
    fn count(this: &Object<MemoryView>, vm: &Vm, value: &Value) -> PyResult<usize> {
        let iterator = vm.iter(&this.as_value())?;
        let mut count = 0;
        while let Some(item) = vm.next(&iterator)? {
            count += usize::from(vm.same_or_equal(&item, value)?);
        }
        Ok(count)
    }

    /// Return the index of the first occurrence of a value.
    ///
    /// Raises ValueError if the value is not present.
    #[method("index(self, value, start=0, stop=sys.maxsize, /)")]
    fn index(&self, vm: &Vm, value: &Value, start: Option<&Value>, stop: Option<&Value>) -> PyResult<isize> {
        let shared = self.shared(vm)?;
        let length = one_dimension(
            vm,
            &shared,
            "invalid lookup on 0-dim memory",
            "multi-dimensional lookup is not implemented",
        )?;
        let (start, stop) = search_range(vm, start, stop, length)?;
        for index in start..stop {
            let item = shared.item(vm, index)?;
            if vm.same_or_equal(&item, value)? {
                return Ok(index);
            }
        }
        Err(vm.value_error("memoryview.index(x): x not found"))
    }

    /// Enter the context; the view is released at its end.
    #[method("__enter__(self, /)")]
    fn enter(this: &Object<MemoryView>, vm: &Vm) -> PyResult {
        this.shared(vm)?;
        Ok(this.to_value())
    }

    /// Release the memory at the end of the context.
    #[method("__exit__(self, /, *exc_info)")]
    fn exit(&self, vm: &Vm, _exc_info: &[Value]) -> PyResult<()> {
        self.release(vm)
    }

    /// See PEP 585.
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(cls: &TypeObject, vm: &Vm, object: &Value) -> Value {
        crate::types::typ::methods::generic_alias(vm, &cls.to_value(), object)
    }
}

/// Goes through a memoryview.
#[pyclass(name = "memory_iterator", tracked, no_new)]
pub struct MemoryIterator {
    view: GilCell<Option<Ref<MemoryView>>>,
    index: Cell<usize>,
    length: usize,
}

#[pymethods]
impl MemoryIterator {
    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        let Some(view) = self.view.get() else { return Ok(None) };
        let index = self.index.get();
        if index >= self.length {
            self.view.set(None);
            return Ok(None);
        }
        let item = view.shared(vm)?.item(vm, index as isize)?;
        self.index.set(index + 1);
        Ok(Some(item))
    }
}

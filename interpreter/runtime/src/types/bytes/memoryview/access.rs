//! Items and parts of a memoryview: indexing, slicing, assignment, comparison.

use std::rc::Rc;

use super::{MemoryView, Shared, format};
use crate::buffer::{self, BufferView, Layout, flags, gather};
use crate::exceptions::{Exception, PyResult};
use crate::object::Object;
use crate::types::int;
use crate::types::list::List;
use crate::types::none::is_ellipsis;
use crate::types::slice::Slice;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// What a subscript means.
enum Key {
    Index(isize),
    /// One index for each dimension.
    Indices(Vec<isize>),
    Slice(crate::types::slice::SliceRange),
    Slices,
    All,
}

impl Shared {
    fn parse(&self, vm: &Vm, key: &Value) -> PyResult<Key> {
        if key.type_of().slots().index.get().is_some() {
            return vm.sequence_index(key, "memoryview: invalid slice key").map(Key::Index);
        }
        if let Some(slice) = key.downcast::<Slice>() {
            let length = self.layout.shape.first().copied().unwrap_or(0);
            return slice.indices(vm, length).map(Key::Slice);
        }
        if is_ellipsis(key) {
            return Ok(Key::All);
        }
        let Some(tuple) = key.downcast::<Tuple>() else { return Err(invalid_key(vm)) };
        let items = tuple.payload().items();
        if items.iter().all(|item| item.type_of().slots().index.get().is_some()) {
            let indices = items.iter().map(|item| vm.sequence_index(item, "")).collect::<PyResult<_>>()?;
            return Ok(Key::Indices(indices));
        }
        if !items.is_empty() && items.iter().all(|item| item.downcast::<Slice>().is_some()) {
            return Ok(Key::Slices);
        }
        Err(invalid_key(vm))
    }

    /// Where the item with these indices begins.
    fn place(&self, vm: &Vm, indices: &[isize]) -> PyResult<usize> {
        let mut place = self.offset as isize;
        for (dimension, &index) in indices.iter().enumerate() {
            let length = self.layout.shape[dimension] as isize;
            let index = if index < 0 { index + length } else { index };
            if !(0..length).contains(&index) {
                return Err(vm.index_error(format!("index out of bounds on dimension {}", dimension + 1)));
            }
            place += index * self.layout.strides[dimension];
        }
        Ok(place as usize)
    }

    fn check_indices(&self, vm: &Vm, indices: &[isize]) -> PyResult<()> {
        let dimensions = self.layout.shape.len();
        if indices.len() < dimensions {
            return Err(vm.not_implemented_error("sub-views are not implemented"));
        }
        if indices.len() > dimensions {
            return Err(vm.type_error(format!(
                "cannot index {dimensions}-dimension view with {}-element tuple",
                indices.len()
            )));
        }
        Ok(())
    }

    fn unpack_at(&self, vm: &Vm, place: usize) -> PyResult {
        let layout = &self.layout;
        format::unpack(vm, &layout.format, &self.view.memory()[place..place + layout.itemsize])
    }

    fn pack_at(&self, vm: &Vm, place: usize, value: &Value) -> PyResult<()> {
        let mut bytes = vec![0; self.layout.itemsize];
        format::pack(vm, &self.layout.format, &mut bytes, value)?;
        self.view.memory_mut()[place..place + bytes.len()].copy_from_slice(&bytes);
        Ok(())
    }

    /// The window on a slice of the first dimension.
    fn sliced(&self, range: crate::types::slice::SliceRange) -> Shared {
        let mut layout = (*self.layout).clone();
        let stride = layout.strides[0];
        let count = range.count();
        let offset =
            if count == 0 { self.offset as isize } else { self.offset as isize + range.start * stride };
        layout.shape[0] = count;
        layout.strides[0] = stride * range.step;
        Shared {
            view: self.view.clone(),
            offset: offset as usize,
            readonly: self.readonly,
            layout: Rc::new(layout),
        }
    }

    /// The item at an index of the only dimension.
    pub(super) fn item(&self, vm: &Vm, index: isize) -> PyResult {
        match self.layout.shape.len() {
            0 => Err(vm.type_error("invalid indexing of 0-dim memory")),
            1 => self.unpack_at(vm, self.place(vm, &[index])?),
            _ => Err(vm.not_implemented_error("multi-dimensional sub-views are not implemented")),
        }
    }

    /// All items in order.
    pub(super) fn bytes(&self) -> Vec<u8> {
        gather(self.view.memory(), self.offset, &self.layout)
    }

    /// The items as nested lists; the item itself where there is no dimension.
    pub(super) fn to_list(&self, vm: &Vm) -> PyResult {
        self.list_from(vm, self.offset as isize, 0)
    }

    fn list_from(&self, vm: &Vm, place: isize, dimension: usize) -> PyResult {
        let Some(&length) = self.layout.shape.get(dimension) else {
            return self.unpack_at(vm, place as usize);
        };
        let stride = self.layout.strides[dimension];
        let items = (0..length as isize)
            .map(|index| self.list_from(vm, place + index * stride, dimension + 1))
            .collect::<PyResult<Vec<_>>>()?;
        Ok(List::from_vec(items).into_value())
    }
}

fn invalid_key(vm: &Vm) -> Exception {
    vm.type_error("memoryview: invalid slice key")
}

/// `view[key]`.
pub(super) fn get(this: &Object<MemoryView>, vm: &Vm, key: &Value) -> PyResult {
    let shared = this.shared(vm)?;
    if shared.layout.shape.is_empty() {
        if key.downcast::<Tuple>().is_some_and(|tuple| tuple.items().is_empty()) {
            return shared.unpack_at(vm, shared.offset);
        }
        if is_ellipsis(key) {
            return Ok(this.to_value());
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    match shared.parse(vm, key)? {
        Key::Index(index) => shared.item(vm, index),
        Key::Indices(indices) => {
            shared.check_indices(vm, &indices)?;
            shared.unpack_at(vm, shared.place(vm, &indices)?)
        }
        Key::Slice(range) => Ok(MemoryView::of_shared(shared.sliced(range)).into_value()),
        Key::Slices => Err(vm.not_implemented_error("multi-dimensional slicing is not implemented")),
        Key::All => Err(invalid_key(vm)),
    }
}

/// `view[key] = value`.
pub(super) fn set(this: &Object<MemoryView>, vm: &Vm, key: &Value, value: Option<&Value>) -> PyResult<()> {
    let shared = this.shared(vm)?;
    if shared.readonly {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    let Some(value) = value else { return Err(vm.type_error("cannot delete memory")) };
    if shared.layout.shape.is_empty() {
        let is_empty = key.downcast::<Tuple>().is_some_and(|tuple| tuple.items().is_empty());
        if is_empty || is_ellipsis(key) {
            return shared.pack_at(vm, shared.offset, value);
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    match shared.parse(vm, key)? {
        Key::Index(_) if shared.layout.shape.len() > 1 => {
            Err(vm.not_implemented_error("sub-views are not implemented"))
        }
        Key::Index(index) => shared.pack_at(vm, shared.place(vm, &[index])?, value),
        Key::Indices(indices) => {
            shared.check_indices(vm, &indices)?;
            shared.pack_at(vm, shared.place(vm, &indices)?, value)
        }
        Key::Slice(range) if shared.layout.shape.len() == 1 => {
            let source = buffer::view_with(vm, value, flags::FULL_RO)?;
            assign(vm, &shared.sliced(range), &source)
        }
        Key::Slice(_) | Key::Slices => {
            Err(vm.not_implemented_error("memoryview slice assignments are currently restricted to ndim = 1"))
        }
        Key::All => Err(invalid_key(vm)),
    }
}

/// Copies items of the same structure.
fn assign(vm: &Vm, target: &Shared, source: &BufferView) -> PyResult<()> {
    let (own, theirs) = (&target.layout, source.layout());
    let same_format = own.format.trim_start_matches('@') == theirs.format.trim_start_matches('@');
    if !same_format || own.itemsize != theirs.itemsize || own.shape != theirs.shape {
        return Err(vm.value_error("memoryview assignment: lvalue and rvalue have different structures"));
    }
    let bytes = source.to_vec();
    let memory = target.view.memory_mut();
    for (item, offset) in bytes.chunks_exact(own.itemsize).zip(own.offsets()) {
        let start = (target.offset as isize + offset) as usize;
        memory[start..start + own.itemsize].copy_from_slice(item);
    }
    Ok(())
}

/// Whether two views have the same shape and equal items.
pub(super) fn equal(vm: &Vm, own: &Shared, other: &BufferView) -> PyResult<bool> {
    let theirs = other.layout();
    if own.layout.shape != theirs.shape {
        return Ok(false);
    }
    let (left, right) = (own.bytes(), other.to_vec());
    let plain = |layout: &Layout| {
        matches!(
            layout.format.trim_start_matches('@'),
            "b" | "B" | "c" | "h" | "H" | "i" | "I" | "l" | "L" | "q" | "Q" | "n" | "N"
        )
    };
    if own.layout.format == theirs.format && plain(&own.layout) {
        return Ok(left == right);
    }
    let left_items = values(vm, &own.layout, &left)?;
    let right_items = values(vm, &theirs, &right)?;
    let (Some(left_items), Some(right_items)) = (left_items, right_items) else { return Ok(false) };
    for (left, right) in left_items.iter().zip(&right_items) {
        if !vm.equal(left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The values of packed items; `None` where nobody understands the format.
fn values(vm: &Vm, layout: &Layout, bytes: &[u8]) -> PyResult<Option<Vec<Value>>> {
    if format::native_character(&layout.format).is_some() {
        let items =
            bytes.chunks_exact(layout.itemsize.max(1)).map(|item| format::unpack(vm, &layout.format, item));
        return items.collect::<PyResult<Vec<_>>>().map(Some);
    }
    let module = crate::import::import_module(vm, "struct")?;
    let format = vm.new_str(&layout.format);
    let mut items = Vec::new();
    for item in bytes.chunks_exact(layout.itemsize.max(1)) {
        let item = crate::types::bytes::Bytes::new(item).into_value();
        match vm.call_method_str(&module, "unpack", &[format.clone(), item]) {
            Ok(value) => items.push(value),
            Err(error) if error.is_exception() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(Some(items))
}

/// The shape that `cast` is given.
pub(super) fn shape_argument(vm: &Vm, shape: &Value) -> PyResult<Vec<usize>> {
    if shape.downcast::<List>().is_none() && shape.downcast::<Tuple>().is_none() {
        return Err(vm.type_error("shape must be a list or a tuple"));
    }
    let items = vm.collect(shape)?;
    if items.len() > 64 {
        return Err(vm.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    items
        .iter()
        .map(|item| {
            if !int::is_int(item) {
                return Err(vm.type_error("memoryview.cast(): elements of shape must be integers"));
            }
            int::small_value(item)
                .and_then(|length| usize::try_from(length).ok())
                .filter(|&length| length > 0)
                .ok_or_else(|| vm.value_error("memoryview.cast(): elements of shape must be integers > 0"))
        })
        .collect()
}

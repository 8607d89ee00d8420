//! The buffer protocol (PEP 3118, PEP 688): views of the memory of `bytes`, `bytearray`, `memoryview`, arrays and
//! Python classes with `__buffer__`.
//!
//! # Safety argument
//!
//! A [`BufferView`] keeps the exporter alive. Memory that can move belongs to an [`ExportableVec`] or an
//! [`ExportableMapping`], which count their views and neither grow, shrink nor move while there is one; immutable memory does not move at all. So the
//! memory that a view points to is there as long as the view. Slices of it are only used by the thread that holds
//! the interpreter's lock, and not across calls that run Python code which could write through another view.

use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

use crate::cell::{Borrowed, BorrowedMut, GilCell};
use crate::exceptions::{Exception, PyResult};
use crate::host::Mapping;
use crate::names;
use crate::object::{Object, Payload};
use crate::types::bytes::{Bytes, MemoryView};
use crate::types::int;
use crate::types::none::none;
use crate::value::Value;
use crate::vm::Vm;

/// What is asked of a buffer, with CPython's numbers.
#[allow(missing_docs)]
pub mod flags {
    pub const SIMPLE: u32 = 0;
    pub const WRITABLE: u32 = 1;
    pub const FORMAT: u32 = 4;
    pub const ND: u32 = 8;
    pub const STRIDES: u32 = 0x10 | ND;
    pub const C_CONTIGUOUS: u32 = 0x20 | STRIDES;
    pub const F_CONTIGUOUS: u32 = 0x40 | STRIDES;
    pub const ANY_CONTIGUOUS: u32 = 0x80 | STRIDES;
    pub const INDIRECT: u32 = 0x100 | STRIDES;
    pub const FULL: u32 = INDIRECT | WRITABLE | FORMAT;
    pub const FULL_RO: u32 = INDIRECT | FORMAT;
}

/// How the items lie in the memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The format of an item in the language of `struct`.
    pub format: Rc<str>,
    /// Bytes of an item.
    pub itemsize: usize,
    /// Items along each dimension.
    pub shape: Vec<usize>,
    /// Bytes from an item to the next along each dimension.
    pub strides: Vec<isize>,
}

impl Layout {
    /// `length` items one after the other.
    pub fn flat(format: &str, itemsize: usize, length: usize) -> Layout {
        Layout { format: format.into(), itemsize, shape: vec![length], strides: vec![itemsize as isize] }
    }

    /// Items of several dimensions, the last running fastest.
    pub fn of_shape(format: &str, itemsize: usize, shape: Vec<usize>) -> Layout {
        let mut strides = vec![0; shape.len()];
        let mut stride = itemsize as isize;
        for (place, &length) in strides.iter_mut().zip(&shape).rev() {
            *place = stride;
            stride *= length as isize;
        }
        Layout { format: format.into(), itemsize, shape, strides }
    }

    /// Number of items.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of all items.
    pub fn bytes(&self) -> usize {
        self.count() * self.itemsize
    }

    /// Whether the items lie one after the other with the last dimension running fastest.
    pub fn is_c_contiguous(&self) -> bool {
        self.is_contiguous(self.shape.iter().zip(&self.strides).rev())
    }

    /// Whether the items lie one after the other with the first dimension running fastest.
    pub fn is_f_contiguous(&self) -> bool {
        self.is_contiguous(self.shape.iter().zip(&self.strides))
    }

    fn is_contiguous<'a>(&self, dimensions: impl Iterator<Item = (&'a usize, &'a isize)>) -> bool {
        if self.count() == 0 {
            return true;
        }
        let mut expected = self.itemsize as isize;
        for (&length, &stride) in dimensions {
            if length > 1 && stride != expected {
                return false;
            }
            expected *= length as isize;
        }
        true
    }

    /// Offsets of all items from the first, the last dimension running fastest.
    pub fn offsets(&self) -> Vec<isize> {
        let mut offsets = vec![0];
        for (&length, &stride) in self.shape.iter().zip(&self.strides) {
            offsets = offsets
                .iter()
                .flat_map(|&base| (0..length as isize).map(move |index| base + index * stride))
                .collect();
        }
        offsets
    }
}

/// What happens when a view is given up.
enum Release {
    Nothing,
    /// One view less is counted.
    Count(NonNull<Cell<usize>>),
    /// One view less is counted in the memoryview that the exporter's `__buffer__` made, and the exporter's
    /// `__release_buffer__` is called with it.
    Method {
        exports: NonNull<Cell<usize>>,
        memoryview: Value,
    },
}

/// An owned view of an exporter's memory.
pub struct BufferView {
    exporter: Value,
    memory: NonNull<u8>,
    size: usize,
    /// Where the first item is.
    offset: usize,
    readonly: bool,
    /// Absent where the items are all the bytes.
    layout: Option<Box<Layout>>,
    release: Release,
}

impl BufferView {
    /// A view of memory that lies inside the exporter and never changes or moves.
    pub fn of_constant<T: Payload>(exporter: &Object<T>, part: fn(&T) -> &[u8]) -> BufferView {
        let memory = part(exporter.payload());
        BufferView {
            memory: NonNull::from(memory).cast(),
            size: memory.len(),
            offset: 0,
            readonly: true,
            layout: None,
            release: Release::Nothing,
            exporter: exporter.to_value(),
        }
    }

    /// A view of bytes that count their views.
    pub fn of_exportable<T: Payload>(exporter: &Object<T>, part: fn(&T) -> &ExportableVec) -> BufferView {
        let bytes = part(exporter.payload());
        bytes.exports.set(bytes.exports.get() + 1);
        let mut memory = bytes.data.borrow_mut();
        BufferView {
            memory: NonNull::from(memory.as_mut_slice()).cast(),
            size: memory.len(),
            offset: 0,
            readonly: false,
            layout: None,
            release: Release::Count(NonNull::from(&bytes.exports)),
            exporter: exporter.to_value(),
        }
    }

    /// A view of mapped pages that count their views.
    pub fn of_mapping<T: Payload>(
        exporter: &Object<T>,
        part: fn(&T) -> &ExportableMapping,
    ) -> Option<BufferView> {
        let pages = part(exporter.payload());
        let (memory, size) =
            pages.mapping.borrow().as_ref().map(|mapping| (mapping.address(), mapping.len()))?;
        pages.exports.set(pages.exports.get() + 1);
        Some(BufferView {
            memory,
            size,
            offset: 0,
            readonly: pages.readonly,
            layout: None,
            release: Release::Count(NonNull::from(&pages.exports)),
            exporter: exporter.to_value(),
        })
    }

    /// A view of memory that belongs to something else.
    ///
    /// # Safety
    /// The memory must stay valid and in its place as long as the exporter lives.
    pub unsafe fn of_foreign(
        exporter: Value,
        memory: NonNull<u8>,
        size: usize,
        readonly: bool,
    ) -> BufferView {
        BufferView { exporter, memory, size, offset: 0, readonly, layout: None, release: Release::Nothing }
    }

    /// A view of what another view shows, which counts itself with `exports`, a count in the exporter.
    pub(crate) fn of_view(
        exporter: Value,
        other: &BufferView,
        offset: usize,
        readonly: bool,
        layout: Layout,
        exports: &Cell<usize>,
    ) -> BufferView {
        exports.set(exports.get() + 1);
        BufferView {
            exporter,
            memory: other.memory,
            size: other.size,
            offset,
            readonly,
            layout: Some(Box::new(layout)),
            release: Release::Count(NonNull::from(exports)),
        }
    }

    /// The same view of items in a layout; they must lie inside the memory.
    #[must_use]
    pub fn with_layout(mut self, layout: Layout) -> BufferView {
        assert!(layout.is_c_contiguous() && layout.bytes() <= self.size);
        self.layout = Some(Box::new(layout));
        self
    }

    /// The same view, through which nothing can be written.
    #[must_use]
    pub fn read_only(mut self) -> BufferView {
        self.readonly = true;
        self
    }

    /// The object whose memory it is.
    pub fn exporter(&self) -> &Value {
        &self.exporter
    }

    /// Whether nothing can be written through the view.
    pub fn is_readonly(&self) -> bool {
        self.readonly
    }

    /// Where the first item lies in the memory.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How the items lie.
    pub fn layout(&self) -> Layout {
        match &self.layout {
            Some(layout) => (**layout).clone(),
            None => Layout::flat("B", 1, self.size),
        }
    }

    /// Bytes of all items.
    #[inline]
    pub fn len(&self) -> usize {
        self.layout.as_ref().map_or(self.size, |layout| layout.bytes())
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the items lie one after the other.
    pub fn is_contiguous(&self) -> bool {
        self.layout.as_ref().is_none_or(|layout| layout.is_c_contiguous())
    }

    /// All of the exporter's memory.
    #[inline]
    pub(crate) fn memory(&self) -> &[u8] {
        // SAFETY: by the module's argument the memory is there as long as the view.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.size) }
    }

    /// All of the exporter's memory, to be written. Only for views that are not read-only.
    #[allow(clippy::mut_from_ref)]
    pub(crate) fn memory_mut(&self) -> &mut [u8] {
        assert!(!self.readonly);
        // SAFETY: as for `memory`; no other slice of it is in use while this one is.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.size) }
    }

    /// The bytes of a contiguous view.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        debug_assert!(self.is_contiguous());
        &self.memory()[self.offset..self.offset + self.len()]
    }

    /// The bytes of a contiguous, writable view.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        debug_assert!(self.is_contiguous());
        let (start, length) = (self.offset, self.len());
        &mut self.memory_mut()[start..start + length]
    }

    /// The bytes of all items in order, wherever they lie.
    pub fn to_vec(&self) -> Vec<u8> {
        match &self.layout {
            Some(layout) if !layout.is_c_contiguous() => gather(self.memory(), self.offset, layout),
            _ => self.as_slice().to_vec(),
        }
    }
}

/// The bytes of all items in the order of the last dimension running fastest.
pub(crate) fn gather(memory: &[u8], offset: usize, layout: &Layout) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.bytes());
    for item in layout.offsets() {
        let start = (offset as isize + item) as usize;
        out.extend_from_slice(&memory[start..start + layout.itemsize]);
    }
    out
}

impl Drop for BufferView {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.release, Release::Nothing) {
            Release::Nothing => {}
            Release::Count(exports) => {
                // SAFETY: the count lies in the exporter, which the view keeps alive.
                let exports = unsafe { exports.as_ref() };
                exports.set(exports.get() - 1);
            }
            Release::Method { exports, memoryview } => {
                // SAFETY: the count lies in the memoryview.
                let exports = unsafe { exports.as_ref() };
                exports.set(exports.get() - 1);
                let exporter = self.exporter.clone();
                Vm::with_current(|vm| release_by_method(vm, &exporter, memoryview));
            }
        }
    }
}

fn release_by_method(vm: &Vm, exporter: &Value, memoryview: Value) {
    let result = vm.call_special(exporter, &names::__release_buffer__, std::slice::from_ref(&memoryview));
    if let Err(error) = result {
        let message =
            format!("Exception ignored in __release_buffer__ of {}", exporter.type_of().full_name());
        crate::exceptions::print::write_unraisable(vm, error, Some(&message), None);
    }
    if let Some(view) = memoryview.downcast::<MemoryView>() {
        view.release_quietly();
    }
}

/// `__release_buffer__` of a native type: gives up a memoryview of the object.
///
/// # Errors
/// `TypeError` for what is no memoryview, `ValueError` for one that is not of the object or given up already.
pub fn release_memoryview(vm: &Vm, exporter: &Value, view: &Value) -> PyResult<()> {
    let Some(memoryview) = view.downcast::<MemoryView>() else {
        return Err(vm.type_error("expected a memoryview object"));
    };
    let object = vm
        .get_attribute_str(view, "obj")
        .map_err(|_| vm.value_error("memoryview's buffer has already been released"))?;
    if crate::types::none::is_none(&object) {
        return Ok(());
    }
    if !object.is(exporter) {
        return Err(vm.value_error("memoryview's buffer is not this object"));
    }
    memoryview.release_quietly();
    Ok(())
}

/// Bytes that others may look at: while someone does, their number does not change.
#[derive(Default)]
pub struct ExportableVec {
    data: GilCell<Vec<u8>>,
    exports: Cell<usize>,
}

/// Keeps bytes from changing in number while it lives.
pub struct Hold<'a>(&'a Cell<usize>);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl ExportableVec {
    /// Counts as a view until what it answers is dropped.
    pub fn hold(&self) -> Hold<'_> {
        self.exports.set(self.exports.get() + 1);
        Hold(&self.exports)
    }

    /// Bytes without views.
    pub fn new(data: Vec<u8>) -> ExportableVec {
        ExportableVec { data: GilCell::new(data), exports: Cell::new(0) }
    }

    /// The bytes.
    #[inline]
    pub fn borrow(&self) -> Borrowed<'_, Vec<u8>> {
        self.data.borrow()
    }

    /// The bytes, to be changed in place.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut [u8]) -> R) -> R {
        edit(&mut self.data.borrow_mut())
    }

    /// Number of views.
    pub fn exports(&self) -> usize {
        self.exports.get()
    }

    /// The bytes, to grow or shrink.
    ///
    /// # Errors
    /// `BufferError` while there are views.
    pub fn resize(&self, vm: &Vm) -> PyResult<BorrowedMut<'_, Vec<u8>>> {
        if self.exports.get() > 0 {
            return Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"));
        }
        Ok(self.data.borrow_mut())
    }
}

/// Mapped pages that others may look at: while someone does, they stay where they are.
pub struct ExportableMapping {
    mapping: GilCell<Option<Mapping>>,
    exports: Cell<usize>,
    readonly: bool,
}

impl ExportableMapping {
    /// Pages without views, which can be written unless told otherwise.
    pub fn new(mapping: Mapping, readonly: bool) -> ExportableMapping {
        ExportableMapping { mapping: GilCell::new(Some(mapping)), exports: Cell::new(0), readonly }
    }

    /// Whether nothing can be written.
    pub fn is_readonly(&self) -> bool {
        self.readonly
    }

    /// Number of views.
    pub fn exports(&self) -> usize {
        self.exports.get()
    }

    /// The pages, until they are given up.
    pub fn borrow(&self) -> Borrowed<'_, Option<Mapping>> {
        self.mapping.borrow()
    }

    /// Changes the bytes in place; nothing where the pages are given up or cannot be written.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut [u8]) -> R) -> Option<R> {
        if self.readonly {
            return None;
        }
        self.mapping.borrow_mut().as_mut().map(|mapping| edit(mapping.as_mut_slice()))
    }

    /// The pages, to be resized or given up; nothing while there are views.
    pub fn exclusive(&self) -> Option<BorrowedMut<'_, Option<Mapping>>> {
        (self.exports.get() == 0).then(|| self.mapping.borrow_mut())
    }
}

/// A contiguous view of an object's bytes.
///
/// # Errors
/// `TypeError` where the object has no buffer, `BufferError` where its bytes do not lie one after the other.
#[inline]
pub fn view(vm: &Vm, value: &Value) -> PyResult<BufferView> {
    if let Some(bytes) = value.downcast_exact::<Bytes>() {
        return Ok(bytes.view());
    }
    view_with(vm, value, flags::SIMPLE)
}

/// A contiguous view of an object's bytes through which they can be written.
///
/// # Errors
/// `TypeError` where the object has no buffer, `BufferError` where it cannot be written.
pub fn writable_view(vm: &Vm, value: &Value) -> PyResult<BufferView> {
    view_with(vm, value, flags::WRITABLE)
}

/// A view of an object's memory.
///
/// # Errors
/// `TypeError` where the object has no buffer, `BufferError` where it has not what the flags ask for.
pub fn view_with(vm: &Vm, value: &Value, flags: u32) -> PyResult<BufferView> {
    match value.type_of().slots().buffer.get() {
        Some(buffer) => buffer(vm, value, flags),
        None => Err(not_bytes_like(vm, value)),
    }
}

/// Whether an object has a buffer.
pub fn has_buffer(value: &Value) -> bool {
    value.type_of().slots().buffer.get().is_some()
}

/// The error for an object without a buffer.
pub fn not_bytes_like(vm: &Vm, value: &Value) -> Exception {
    vm.type_error(format!("a bytes-like object is required, not '{}'", value.type_of().full_name()))
}

/// The error where a read-only buffer is to be written.
pub(crate) fn check_writable(vm: &Vm, requested: u32, readonly: bool) -> PyResult<()> {
    if requested & flags::WRITABLE != 0 && readonly {
        return Err(vm.buffer_error("Object is not writable."));
    }
    Ok(())
}

/// The view that `__buffer__` of a Python class gives.
///
/// # Errors
/// `TypeError` where it answers no memoryview, and what it raises.
pub fn view_by_method(vm: &Vm, exporter: &Value, flags: u32) -> PyResult<BufferView> {
    let answer =
        vm.call_special(exporter, &names::__buffer__, &[int::new(flags as i64)])?.unwrap_or_else(none);
    let Some(memoryview) = answer.downcast::<MemoryView>() else {
        return Err(vm.type_error("__buffer__ returned non-memoryview object"));
    };
    let mut view = memoryview.export(vm, flags)?;
    if let Release::Count(exports) = view.release {
        view.release = Release::Method { exports, memoryview: answer.clone() };
    }
    view.exporter = exporter.clone();
    Ok(view)
}

//! `memoryview`: a view of another object's memory as items of a format in any number of dimensions.

mod access;
mod format;
mod methods;

use std::cell::Cell;
use std::rc::Rc;

use rspy_macros::pyclass;

pub use methods::MemoryIterator;

use crate::buffer::{self, BufferView, Layout, flags};
use crate::cell::GilCell;
use crate::exceptions::{Exception, PyResult};
use crate::gc::{Trace, Visitor};
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::value::Value;
use crate::vm::Vm;

/// Create a new memoryview object which references the given object.
#[pyclass(name = "memoryview", manual_trace, weak, sequence, signature = "(object)")]
pub struct MemoryView {
    shared: GilCell<Option<Shared>>,
    /// Views that were given to others.
    exports: Cell<usize>,
    /// -1 until it is asked for.
    hash: Cell<i64>,
}

/// What a memoryview that is not released has: a view, shared with the slices made of it, and its own window.
#[derive(Clone)]
pub(super) struct Shared {
    pub view: Rc<BufferView>,
    pub offset: usize,
    pub readonly: bool,
    pub layout: Rc<Layout>,
}

impl Trace for MemoryView {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        // SAFETY: the collector runs no Python code while it traces.
        let shared = unsafe { &*self.shared.as_ptr() };
        // One reference to the exporter is held for all slices together; only a sole holder may account for it.
        if let Some(shared) = shared
            && Rc::strong_count(&shared.view) == 1
        {
            visitor.value(shared.view.exporter());
        }
    }
}

/// A memoryview of a view.
pub fn memoryview_of(_: &Vm, view: BufferView) -> Value {
    MemoryView::from_view(view).into_value()
}

impl MemoryView {
    /// A memoryview of a view.
    pub fn from_view(view: BufferView) -> Ref<MemoryView> {
        let shared = Shared {
            offset: view.offset(),
            readonly: view.is_readonly(),
            layout: Rc::new(view.layout()),
            view: Rc::new(view),
        };
        MemoryView::of_shared(shared)
    }

    fn of_shared(shared: Shared) -> Ref<MemoryView> {
        Object::new(MemoryView {
            shared: GilCell::new(Some(shared)),
            exports: Cell::new(0),
            hash: Cell::new(-1),
        })
    }

    /// A memoryview of any object with a buffer. A memoryview of a memoryview looks at the same exporter.
    ///
    /// # Errors
    /// `TypeError` where the object has no buffer.
    pub fn of_object(vm: &Vm, object: &Value, flags: u32) -> PyResult<Ref<MemoryView>> {
        if let Some(other) = object.downcast::<MemoryView>() {
            return Ok(MemoryView::of_shared(other.shared(vm)?));
        }
        if !buffer::has_buffer(object) {
            return Err(vm.type_error(format!(
                "memoryview: a bytes-like object is required, not '{}'",
                object.type_of().full_name()
            )));
        }
        buffer::view_with(vm, object, flags).map(MemoryView::from_view)
    }

    /// What is viewed.
    fn shared(&self, vm: &Vm) -> PyResult<Shared> {
        self.shared.get().ok_or_else(|| released(vm))
    }

    /// Whether the memoryview was released.
    pub fn is_released(&self) -> bool {
        self.shared.borrow().is_none()
    }

    /// Gives the view up.
    ///
    /// # Errors
    /// `BufferError` while others have views of this one.
    pub fn release(&self, vm: &Vm) -> PyResult<()> {
        match self.exports.get() {
            0 => {
                self.release_quietly();
                Ok(())
            }
            1 => Err(vm.buffer_error("memoryview has 1 exported buffer")),
            count => Err(vm.buffer_error(format!("memoryview has {count} exported buffers"))),
        }
    }

    /// Gives the view up if nobody has a view of this one.
    pub(crate) fn release_quietly(&self) {
        if self.exports.get() == 0 {
            let shared = self.shared.replace(None);
            drop(shared);
        }
    }
}

impl Object<MemoryView> {
    /// A view for others, with what the flags ask for.
    ///
    /// # Errors
    /// `ValueError` where the memoryview was released, `BufferError` where it has not what is asked for.
    pub fn export(&self, vm: &Vm, requested: u32) -> PyResult<BufferView> {
        let shared = self.shared(vm)?;
        let layout = &*shared.layout;
        let has = |wanted: u32| requested & wanted == wanted;
        if has(flags::WRITABLE) && shared.readonly {
            return Err(vm.buffer_error("memoryview: underlying buffer is not writable"));
        }
        if has(flags::C_CONTIGUOUS) && !layout.is_c_contiguous() {
            return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous"));
        }
        if has(flags::F_CONTIGUOUS) && !layout.is_f_contiguous() {
            return Err(vm.buffer_error("memoryview: underlying buffer is not Fortran contiguous"));
        }
        if has(flags::ANY_CONTIGUOUS) && !layout.is_c_contiguous() && !layout.is_f_contiguous() {
            return Err(vm.buffer_error("memoryview: underlying buffer is not contiguous"));
        }
        if !has(flags::STRIDES) && !layout.is_c_contiguous() {
            return Err(vm.buffer_error("memoryview: underlying buffer is not C-contiguous"));
        }
        if !has(flags::ND) && has(flags::FORMAT) {
            return Err(
                vm.buffer_error("memoryview: cannot cast to unsigned bytes if the format flag is present")
            );
        }
        let window = BufferView::of_view(
            self.to_value(),
            &shared.view,
            shared.offset,
            shared.readonly,
            layout.clone(),
            &self.exports,
        );
        Ok(window)
    }
}

/// The error of everything that is done with a released memoryview.
pub(super) fn released(vm: &Vm) -> Exception {
    vm.value_error("operation forbidden on released memoryview object")
}

/// Whether a type is `memoryview`.
pub fn is_exact(typ: &TypeObject) -> bool {
    std::ptr::eq(typ, MemoryView::static_type())
}

//! `PickleBuffer`: a buffer that may travel outside of the pickle (PEP 574).

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::{self, BufferView, Layout, flags};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::MemoryView;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// Wrapper for potentially out-of-band buffers
#[pyclass(name = "PickleBuffer", module = "pickle", weak, manual_trace, static_type)]
pub struct PickleBuffer {
    /// The buffer, until it is released.
    view: GilCell<Option<BufferView>>,
}

impl Trace for PickleBuffer {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        if let Some(view) = &*self.view.borrow() {
            visitor.value(view.exporter());
        }
    }

    fn clear_references(&self) {
        drop(self.view.take());
    }
}

impl PickleBuffer {
    /// A view of the object that is wrapped.
    ///
    /// # Errors
    /// `ValueError` where the buffer has been released, and what the object raises.
    pub fn view(&self, vm: &Vm, requested: u32) -> PyResult<BufferView> {
        let exporter = self.view.borrow().as_ref().map(|view| view.exporter().clone());
        match exporter {
            Some(exporter) => buffer::view_with(vm, &exporter, requested),
            None => Err(vm.value_error("operation forbidden on released PickleBuffer object")),
        }
    }

    /// A view of the bytes one after the other; `None` where they do not lie so.
    ///
    /// # Errors
    /// As for [`view`](Self::view).
    pub fn contiguous(&self, vm: &Vm) -> PyResult<Option<BufferView>> {
        let view = self.view(vm, flags::FULL_RO)?;
        let layout = view.layout();
        if !layout.is_c_contiguous() && !layout.is_f_contiguous() {
            return Ok(None);
        }
        let length = view.len();
        Ok(Some(view.with_layout(Layout::flat("B", 1, length))))
    }
}

#[pymethods]
impl PickleBuffer {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::support::no_keywords(vm, "PickleBuffer", names)?;
        let [object] = args else {
            let given = args.len();
            return Err(vm.type_error(format!("PickleBuffer() takes exactly 1 argument ({given} given)")));
        };
        let view = buffer::view_with(vm, object, flags::FULL_RO)?;
        Ok(Object::with_type(cls, PickleBuffer { view: GilCell::new(Some(view)) }).into_value())
    }

    /// Return a memoryview of the raw memory underlying this buffer.
    /// Will raise BufferError is the buffer isn't contiguous.
    #[method("raw(self, /)")]
    fn raw(&self, vm: &Vm) -> PyResult<Ref<MemoryView>> {
        match self.contiguous(vm)? {
            Some(view) => Ok(MemoryView::from_view(view)),
            None => Err(vm.buffer_error("cannot extract raw buffer from non-contiguous buffer")),
        }
    }

    /// Release the underlying buffer exposed by the PickleBuffer object.
    #[method("release(self, /)")]
    fn release(&self) {
        drop(self.view.take());
    }

    #[slot(buffer)]
    fn buffer(&self, vm: &Vm, flags: u32) -> PyResult<BufferView> {
        self.view(vm, flags)
    }
}

//! Memory that buffered streams lend to raw ones: pages that cost nothing until something is read into them.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::{BufferView, ExportableMapping};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{Mapping, c};
use rspy_runtime::object::Object;
use rspy_runtime::types::bytes::ByteArray;
use rspy_runtime::vm::Vm;

/// From how many bytes on pages of their own cost less than filling memory with zeros.
const PAGES_FROM: usize = 32 << 10;

/// Anonymous pages, which nothing but a memoryview's `obj` shows.
#[pyclass(name = "_Exchange", module = "_io")]
struct Exchange {
    pages: ExportableMapping,
}

#[pymethods]
impl Exchange {
    #[slot(buffer)]
    fn buffer(this: &Object<Exchange>, vm: &Vm, _flags: u32) -> PyResult<BufferView> {
        BufferView::of_mapping(this, |exchange| &exchange.pages).ok_or_else(|| vm.memory_error())
    }
}

/// An object with so many writable bytes.
///
/// # Errors
/// `MemoryError`.
pub fn new(vm: &Vm, length: usize) -> PyResult {
    if length < PAGES_FROM {
        return Ok(ByteArray::new(vec![0; length]).into_value());
    }
    let pages = Mapping::new(length, c::PROT_READ | c::PROT_WRITE, c::MAP_PRIVATE | c::MAP_ANONYMOUS, -1, 0)
        .map_err(|_| vm.memory_error())?;
    Ok(Object::new(Exchange { pages: ExportableMapping::new(pages, false) }).into_value())
}

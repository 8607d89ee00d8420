//! `BufferedWriter`.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{BufferedIOBase, finalize_stream};
use super::buffered::{Buffered, buffered_methods, buffered_type, require};

/// A buffer for a writeable sequential RawIO object.
#[pyclass(
    name = "BufferedWriter", hides_new, hides_del, module = "_io", extends = BufferedIOBase, tracked, subclassable,
    signature = "(raw, buffer_size=DEFAULT_BUFFER_SIZE)", methods(SHARED_METHODS, WRITER_METHODS)
)]
#[repr(C)]
pub struct BufferedWriter {
    base: BufferedIOBase,
    pub(super) buffered: Buffered,
}

impl BufferedWriter {
    fn check_raw(vm: &Vm, raw: &Value) -> PyResult<()> {
        require(vm, raw, "writable", "File or stream is not writable.")
    }
}

buffered_methods!(BufferedWriter, SHARED_METHODS);
buffered_type!(BufferedWriter, "BufferedWriter(raw, buffer_size=DEFAULT_BUFFER_SIZE)" {});

/// Methods of streams that can be written.
macro_rules! writing_methods {
    ($name:ident, $table:ident) => {
        #[pymethods($table)]
        impl $name {
            #[method("writable(self, /)")]
            fn writable(&self, vm: &Vm) -> PyResult {
                vm.call_method_str(&self.buffered.raw(vm)?, "writable", &[])
            }

            /// Write buffer to the stream, return the number of bytes.
            #[method("write(self, buffer, /)")]
            fn write(vm: &Vm, this: &Value, buffer: &Value) -> PyResult<usize> {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.raw(vm)?;
                if let Some(bytes) = buffer.downcast::<Bytes>() {
                    return Self::write_bytes(vm, this, bytes.payload().as_slice());
                }
                let view = rspy_runtime::buffer::view(vm, buffer)?;
                Self::write_bytes(vm, this, view.as_slice())
            }

            #[method("flush(self, /)")]
            fn flush(vm: &Vm, this: &Value) -> PyResult<()> {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.check_open(vm, "flush")?;
                buffered.locked(vm, this, || {
                    buffered.flush_pending(vm)?;
                    buffered.unread(vm)
                })
            }
        }

        impl $name {
            /// Writes bytes; for other native code too.
            pub(super) fn write_bytes(vm: &Vm, this: &Value, bytes: &[u8]) -> PyResult<usize> {
                let buffered = &rspy_runtime::convert::object_of::<$name>(this).buffered;
                buffered.check_open(vm, "write to closed file").map_err(|error| {
                    if error.is_value_error() && !buffered.is_closed(vm).unwrap_or(true) {
                        return error;
                    }
                    vm.value_error("write to closed file")
                })?;
                buffered.locked(vm, this, || {
                    // Another thread may have closed it while this one waited.
                    if buffered.is_closed(vm)? {
                        return Err(vm.value_error("write to closed file"));
                    }
                    buffered.unread(vm)?;
                    buffered.write(vm, bytes)
                })
            }
        }
    };
}
pub(super) use writing_methods;

writing_methods!(BufferedWriter, WRITER_METHODS);

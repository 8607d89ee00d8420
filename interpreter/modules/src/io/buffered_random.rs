//! `BufferedRandom`: a buffered stream that is read and written.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::base::{BufferedIOBase, finalize_stream};
use super::buffered::{
    Buffered, buffered_methods, buffered_type, next_line, reading_methods, reading_size, require,
};
use super::buffered_writer::writing_methods;

/// A buffered interface to random access streams.
///
/// The constructor creates a reader and writer for a seekable stream, raw, given in the first argument.
#[pyclass(
    name = "BufferedRandom", hides_new, hides_del, module = "_io", extends = BufferedIOBase, tracked, subclassable,
    signature = "(raw, buffer_size=DEFAULT_BUFFER_SIZE)", methods(SHARED_METHODS, READER_METHODS, WRITER_METHODS)
)]
#[repr(C)]
pub struct BufferedRandom {
    base: BufferedIOBase,
    pub(super) buffered: Buffered,
}

impl BufferedRandom {
    fn check_raw(vm: &Vm, raw: &Value) -> PyResult<()> {
        require(vm, raw, "seekable", "File or stream is not seekable.")?;
        require(vm, raw, "readable", "File or stream is not readable.")?;
        require(vm, raw, "writable", "File or stream is not writable.")
    }
}

buffered_methods!(BufferedRandom, SHARED_METHODS);
reading_methods!(BufferedRandom, READER_METHODS);
writing_methods!(BufferedRandom, WRITER_METHODS);
buffered_type!(BufferedRandom, "BufferedRandom(raw, buffer_size=DEFAULT_BUFFER_SIZE)" {
    #[slot(next)]
    fn next(vm: &Vm, this: &Value) -> PyResult<Option<Value>> {
        let buffered = &rspy_runtime::convert::object_of::<BufferedRandom>(this).buffered;
        buffered.flush_pending(vm)?;
        next_line::<BufferedRandom>(vm, this, |stream| &stream.buffered)
    }
});

//! The module `_bz2`: compression with bzip2, over the crate `bzip2`.

use bzip2::{Action, Compress, Compression, Decompress, Error, Status};
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::vm::Vm;

use crate::decompression::{Feed, Step};

fn failed(vm: &Vm, error: Error) -> Exception {
    match error {
        Error::Data | Error::DataMagic => vm.os_error_message("Invalid data stream"),
        Error::Param => vm.value_error("Internal error - invalid parameters passed to libbzip2"),
        Error::Sequence => {
            vm.runtime_error("Internal error - Invalid sequence of commands sent to libbzip2")
        }
    }
}

/// Create a compressor object for compressing data incrementally.
///
///   compresslevel
///     Compression level, as a number between 1 and 9.
///
/// For one-shot compression, use the compress() function instead.
#[pyclass(name = "BZ2Compressor", module = "_bz2", signature = "(compresslevel=9, /)")]
pub struct Bz2Compressor {
    /// The stream, until it is finished.
    stream: GilCell<Option<Compress>>,
}

/// The least room that is made for output.
const ROOM: usize = 32 * 1024;

impl Bz2Compressor {
    fn run(stream: &mut Compress, mut data: &[u8], action: Action, out: &mut Vec<u8>) -> Result<(), Error> {
        while !data.is_empty() || matches!(action, Action::Finish) {
            if out.capacity() - out.len() < ROOM / 2 {
                out.reserve(ROOM.max(out.len()));
            }
            let before = stream.total_in();
            let status = stream.compress_vec(data, out, action)?;
            data = &data[(stream.total_in() - before) as usize..];
            if status == Status::StreamEnd {
                break;
            }
        }
        Ok(())
    }
}

#[pymethods]
impl Bz2Compressor {
    #[new("BZ2Compressor(compresslevel=9, /)")]
    fn new(vm: &Vm, cls: &TypeObject, compresslevel: i32) -> PyResult {
        if !(1..=9).contains(&compresslevel) {
            return Err(vm.value_error("compresslevel must be between 1 and 9"));
        }
        let stream = Compress::new(Compression::new(compresslevel as u32), 0);
        Ok(Object::with_type(cls, Bz2Compressor { stream: GilCell::new(Some(stream)) }).into_value())
    }

    /// Provide data to the compressor object.
    ///
    /// Returns a chunk of compressed data if possible, or b'' otherwise.
    ///
    /// When you have finished providing data to the compressor, call the
    /// flush() method to finish the compression process.
    #[method("compress(self, data, /)")]
    fn compress(&self, vm: &Vm, data: BufferView) -> PyResult<Ref<Bytes>> {
        let mut stream = self.stream.borrow_mut();
        let Some(stream) = stream.as_mut() else { return Err(vm.value_error("Compressor has been flushed")) };
        let mut out = Vec::new();
        Self::run(stream, data.as_slice(), Action::Run, &mut out).map_err(|error| failed(vm, error))?;
        Ok(Bytes::new(out))
    }

    /// Finish the compression process.
    ///
    /// Returns the compressed data left in internal buffers.
    ///
    /// The compressor object may not be used after this method is called.
    #[method("flush(self, /)")]
    fn flush(&self, vm: &Vm) -> PyResult<Ref<Bytes>> {
        let Some(mut stream) = self.stream.take() else {
            return Err(vm.value_error("Repeated call to flush()"));
        };
        let mut out = Vec::new();
        Self::run(&mut stream, &[], Action::Finish, &mut out).map_err(|error| failed(vm, error))?;
        Ok(Bytes::new(out))
    }
}

/// Create a decompressor object for decompressing data incrementally.
///
/// For one-shot decompression, use the decompress() function instead.
#[pyclass(name = "BZ2Decompressor", module = "_bz2", signature = "()")]
pub struct Bz2Decompressor {
    stream: GilCell<Decompress>,
    feed: Feed,
}

#[pymethods]
impl Bz2Decompressor {
    #[new("BZ2Decompressor()")]
    fn new(cls: &TypeObject) -> Ref<Bz2Decompressor> {
        let stream = GilCell::new(Decompress::new(false));
        Object::with_type(cls, Bz2Decompressor { stream, feed: Feed::new(false) })
    }

    /// True if the end-of-stream marker has been reached.
    #[getter("eof", member)]
    fn eof(&self) -> bool {
        self.feed.ended()
    }

    /// Data found after the end of the compressed stream.
    #[getter("unused_data", member)]
    fn unused_data(&self) -> Ref<Bytes> {
        self.feed.unused()
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter("needs_input", member)]
    fn needs_input(&self) -> bool {
        self.feed.needs_input() && !self.feed.failed()
    }

    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes
    /// of decompressed data.  If this limit is reached and further output
    /// can be produced, *self.needs_input* will be set to ``False``.  In
    /// this case, the next call to *decompress()* may provide *data* as b''
    /// to obtain more of the output.
    #[method("decompress(self, /, data, max_length=-1)")]
    fn decompress(&self, vm: &Vm, data: BufferView, max_length: isize) -> PyResult<Ref<Bytes>> {
        if self.feed.ended() {
            return Err(vm.eof_error("End of stream already reached"));
        }
        if self.feed.failed() {
            return Err(vm.value_error("Decompressor is unusable after a previous error"));
        }
        let most = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut stream = self.stream.borrow_mut();
        let out = self.feed.run(data.as_slice(), most, |input, output| {
            let (read, written) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(input, output)?;
            Ok(Step {
                consumed: (stream.total_in() - read) as usize,
                produced: (stream.total_out() - written) as usize,
                ended: status == Status::StreamEnd,
            })
        });
        out.map(Bytes::new).map_err(|error| failed(vm, error))
    }
}

native_module! {
    name: "_bz2",
    doc: "",
    functions: [], types: [Bz2Compressor, Bz2Decompressor], execute: |_, _| Ok(())
}

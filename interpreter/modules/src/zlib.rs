//! The module `zlib`: the deflate format, bare or in zlib's or gzip's wrapping, over the crate `zlib-rs`.

use std::cell::Cell;

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use zlib_rs::{
    Deflate, DeflateConfig, DeflateError, DeflateFlush, Inflate, InflateError, InflateFlush, Method, Status, Strategy,
};

use crate::support::exception;

exception! {
    /// What bad data and bad settings raise.
    ZlibError, "error", "zlib", PlainException, weak
}

const DEFLATED: i32 = 8;
const MAX_WBITS: i32 = 15;
const BUFFER_SIZE: usize = 16384;

/// An error with zlib's number and, if the library gave one, its message.
fn zlib_error(vm: &Vm, number: i32, doing: &str, message: Option<&str>) -> Exception {
    let message = message.or(match number {
        -5 => Some("incomplete or truncated stream"),
        -2 => Some("inconsistent stream state"),
        -3 => Some("invalid input data"),
        _ => None,
    });
    ZlibError::error(
        vm,
        match message {
            Some(message) => format!("Error {number} {doing}: {message}"),
            None => format!("Error {number} {doing}"),
        },
    )
}

fn inflate_error(vm: &Vm, stream: &Inflate, error: InflateError, doing: &str) -> Exception {
    let number = match error {
        InflateError::NeedDict { .. } => 2,
        InflateError::StreamError => -2,
        InflateError::DataError => -3,
        InflateError::MemError => return vm.memory_error(),
    };
    zlib_error(vm, number, doing, stream.error_message())
}

fn deflate_error(vm: &Vm, stream: &Deflate, error: DeflateError, doing: &str) -> Exception {
    let number = match error {
        DeflateError::StreamError => -2,
        DeflateError::DataError => -3,
        DeflateError::MemError => return vm.memory_error(),
    };
    zlib_error(vm, number, doing, stream.error_message())
}

/// A compressor, if the settings are ones that zlib knows.
fn deflate(level: i32, method: i32, wbits: i32, memory: i32, strategy: i32) -> Option<Deflate> {
    let window_is_known = matches!(wbits, 9..=15 | 25..=31 | -15..=-9 | 8 | 24);
    if !(-1..=9).contains(&level) || method != DEFLATED || !window_is_known || !(1..=9).contains(&memory) {
        return None;
    }
    let strategy = Strategy::try_from(strategy).ok()?;
    Some(Deflate::new_with_config(DeflateConfig {
        level,
        method: Method::Deflated,
        window_bits: wbits,
        mem_level: memory,
        strategy,
    }))
}

/// A decompressor, if the settings are ones that zlib knows.
fn inflate(wbits: i32) -> Option<Inflate> {
    match wbits {
        0 | 8..=15 | 24..=31 | 40..=47 | 16 | 32 => Some(Inflate::new(true, wbits as u8)),
        -15..=-8 => Some(Inflate::new(false, (-wbits) as u8)),
        _ => None,
    }
}

/// Runs a compressor over all of the input and appends what comes out.
fn compress_all(stream: &mut Deflate, mut input: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) -> Result<(), DeflateError> {
    loop {
        let start = out.len();
        let room = input.len().clamp(64, 1 << 16);
        out.resize(start + room, 0);
        let (read, written) = (stream.total_in(), stream.total_out());
        let status = stream.compress(input, &mut out[start..], flush);
        let produced = (stream.total_out() - written) as usize;
        input = &input[(stream.total_in() - read) as usize..];
        out.truncate(start + produced);
        let status = status?;
        // Output space left over means that nothing is pending.
        if status == Status::StreamEnd || (produced < room && input.is_empty()) || status == Status::BufError {
            return Ok(());
        }
    }
}

/// How a run of a decompressor ended.
struct Inflated {
    /// How much of the input was read.
    consumed: usize,
    /// Whether the stream has ended.
    ended: bool,
}

/// Runs a decompressor over input and appends what comes out, at most so many bytes.
fn decompress_some(
    vm: &Vm,
    stream: &mut Inflate,
    dictionary: Option<&[u8]>,
    input: &[u8],
    flush: InflateFlush,
    out: &mut Vec<u8>,
    most: usize,
) -> PyResult<Inflated> {
    const DOING: &str = "while decompressing data";
    let mut consumed = 0;
    let mut room = BUFFER_SIZE;
    loop {
        let start = out.len();
        let size = room.min(most - start);
        if size == 0 {
            return Ok(Inflated { consumed, ended: false });
        }
        out.resize(start + size, 0);
        let (read, written) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(&input[consumed..], &mut out[start..], flush);
        let produced = (stream.total_out() - written) as usize;
        consumed += (stream.total_in() - read) as usize;
        out.truncate(start + produced);
        match status {
            Ok(Status::StreamEnd) => return Ok(Inflated { consumed, ended: true }),
            Ok(_) if produced < size => return Ok(Inflated { consumed, ended: false }),
            Ok(_) => room = (room * 2).min(1 << 24),
            Err(error @ InflateError::NeedDict { .. }) => match dictionary {
                Some(dictionary) => {
                    stream
                        .set_dictionary(dictionary)
                        .map_err(|error| inflate_error(vm, stream, error, "while setting zdict"))?;
                }
                None => return Err(inflate_error(vm, stream, error, DOING)),
            },
            Err(error) => return Err(inflate_error(vm, stream, error, DOING)),
        }
    }
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Compute an Adler-32 checksum of data.
    ///
    /// The returned checksum is an integer.
    #[function("adler32(data, value=1, /)")]
    fn adler32(data: BufferView, value: Option<BigInt>) -> u32 {
        zlib_rs::adler32::adler32(value.map_or(1, |value| low_bits(&value)), data.as_slice())
    }

    /// Compute a CRC-32 checksum of data.
    ///
    /// The returned checksum is an integer.
    #[function("crc32(data, value=0, /)")]
    fn crc32(data: BufferView, value: Option<BigInt>) -> u32 {
        crc32(value.map_or(0, |value| low_bits(&value)), data.as_slice())
    }

    /// Returns a bytes object containing compressed data.
    #[function("compress(data, /, level=-1, wbits=15)")]
    fn compress(vm: &Vm, data: BufferView, level: i32, wbits: i32) -> PyResult<Ref<Bytes>> {
        let Some(mut stream) = deflate(level, DEFLATED, wbits, 8, 0) else {
            return Err(ZlibError::error(vm, "Bad compression level"));
        };
        let mut out = Vec::new();
        compress_all(&mut stream, data.as_slice(), DeflateFlush::Finish, &mut out)
            .map_err(|error| deflate_error(vm, &stream, error, "while compressing data"))?;
        Ok(Bytes::new(out))
    }

    /// Returns a bytes object containing the uncompressed data.
    #[function("decompress(data, /, wbits=15, bufsize=16384)")]
    fn decompress(vm: &Vm, data: BufferView, wbits: i32, bufsize: isize) -> PyResult<Ref<Bytes>> {
        if bufsize < 0 {
            return Err(vm.value_error("bufsize must be non-negative"));
        }
        let Some(mut stream) = inflate(wbits) else {
            return Err(zlib_error(vm, -2, "while preparing to decompress data", None));
        };
        let mut out = Vec::new();
        let input = data.as_slice();
        let flush = InflateFlush::SyncFlush;
        let inflated = decompress_some(vm, &mut stream, None, input, flush, &mut out, usize::MAX)?;
        if !inflated.ended {
            return Err(zlib_error(vm, -5, "while decompressing data", None));
        }
        Ok(Bytes::new(out))
    }

    /// Return a compressor object.
    #[function("compressobj(level=-1, method=8, wbits=15, memLevel=8, strategy=0, zdict=None)")]
    fn compressobj(
        vm: &Vm,
        level: i32,
        method: i32,
        wbits: i32,
        memory: i32,
        strategy: i32,
        zdict: Option<BufferView>,
    ) -> PyResult<Ref<Compress>> {
        let Some(mut stream) = deflate(level, method, wbits, memory, strategy) else {
            return Err(vm.value_error("Invalid initialization option"));
        };
        if let Some(dictionary) = zdict
            && stream.set_dictionary(dictionary.as_slice()).is_err()
        {
            return Err(vm.value_error("Invalid dictionary"));
        }
        Ok(Object::new(Compress { stream: GilCell::new(Some(stream)) }))
    }

    /// Return a decompressor object.
    #[function("decompressobj(wbits=15, zdict=b'')")]
    fn decompressobj(vm: &Vm, wbits: i32, zdict: Option<&Value>) -> PyResult<Ref<Decompress>> {
        let dictionary = zdict.map(|zdict| dictionary(vm, zdict)).transpose()?;
        let Some(stream) = prepared(vm, wbits, dictionary.as_deref())? else {
            return Err(vm.value_error("Invalid initialization option"));
        };
        Ok(Object::new(Decompress {
            stream: GilCell::new(Some(stream)),
            dictionary,
            unused: GilCell::default(),
            unconsumed: GilCell::default(),
            ended: Cell::new(false),
        }))
    }
}

/// The bytes of a dictionary argument.
fn dictionary(vm: &Vm, zdict: &Value) -> PyResult<Box<[u8]>> {
    if !buffer::has_buffer(zdict) {
        return Err(vm.type_error("zdict argument must support the buffer protocol"));
    }
    Ok(buffer::view(vm, zdict)?.to_vec().into())
}

/// A decompressor that has its dictionary already where the stream will not ask for it.
fn prepared(vm: &Vm, wbits: i32, dictionary: Option<&[u8]>) -> PyResult<Option<Inflate>> {
    let Some(mut stream) = inflate(wbits) else { return Ok(None) };
    if let (Some(dictionary), true) = (dictionary, wbits < 0) {
        stream
            .set_dictionary(dictionary)
            .map_err(|error| inflate_error(vm, &stream, error, "while setting zdict"))?;
    }
    Ok(Some(stream))
}

/// The low 32 bits of a number.
fn low_bits(number: &BigInt) -> u32 {
    (number & BigInt::from(u32::MAX)).to_u32().unwrap_or(0)
}

/// The CRC-32 checksum.
pub fn crc32(start: u32, data: &[u8]) -> u32 {
    zlib_rs::crc32::crc32(start, data)
}

/// A compressor.
#[pyclass(name = "Compress", module = "zlib", no_new)]
pub struct Compress {
    /// The stream, until it is finished.
    stream: GilCell<Option<Deflate>>,
}

impl Compress {
    fn run(&self, vm: &Vm, data: &[u8], flush: DeflateFlush, doing: &str) -> PyResult<Ref<Bytes>> {
        let mut stream = self.stream.borrow_mut();
        let Some(stream) = stream.as_mut() else { return Err(zlib_error(vm, -2, doing, None)) };
        let mut out = Vec::new();
        compress_all(stream, data, flush, &mut out).map_err(|error| deflate_error(vm, stream, error, doing))?;
        Ok(Bytes::new(out))
    }
}

#[pymethods]
impl Compress {
    /// Returns a bytes object containing compressed data.
    ///
    /// After calling this function, some of the input data may still be stored in internal buffers for later
    /// processing. Call the flush() method to clear these buffers.
    #[method("compress(self, data, /)")]
    fn compress(&self, vm: &Vm, data: BufferView) -> PyResult<Ref<Bytes>> {
        self.run(vm, data.as_slice(), DeflateFlush::NoFlush, "while compressing data")
    }

    /// Return a bytes object containing any remaining compressed data.
    #[method("flush(self, mode=4, /)")]
    fn flush(&self, vm: &Vm, mode: i32) -> PyResult<Ref<Bytes>> {
        const DOING: &str = "while flushing";
        let flush = match mode {
            0 => return Ok(Bytes::empty()),
            1 => DeflateFlush::PartialFlush,
            2 => DeflateFlush::SyncFlush,
            3 => DeflateFlush::FullFlush,
            4 => DeflateFlush::Finish,
            5 => DeflateFlush::Block,
            _ => return Err(zlib_error(vm, -2, DOING, None)),
        };
        let out = self.run(vm, &[], flush, DOING)?;
        if flush == DeflateFlush::Finish {
            self.stream.set(None);
        }
        Ok(out)
    }
}

/// A decompressor that hands out what it was given too much.
#[pyclass(name = "Decompress", module = "zlib", no_new)]
pub struct Decompress {
    stream: GilCell<Option<Inflate>>,
    dictionary: Option<Box<[u8]>>,
    unused: GilCell<Vec<u8>>,
    unconsumed: GilCell<Vec<u8>>,
    ended: Cell<bool>,
}

impl Decompress {
    fn run(&self, vm: &Vm, data: &[u8], flush: InflateFlush, most: usize) -> PyResult<Ref<Bytes>> {
        if self.ended.get() {
            self.unused.borrow_mut().extend_from_slice(data);
            self.unconsumed.borrow_mut().clear();
            return Ok(Bytes::empty());
        }
        let mut stream = self.stream.borrow_mut();
        let Some(stream) = stream.as_mut() else { return Ok(Bytes::empty()) };
        let mut out = Vec::new();
        let inflated = decompress_some(vm, stream, self.dictionary.as_deref(), data, flush, &mut out, most)?;
        let rest = &data[inflated.consumed..];
        if inflated.ended {
            self.ended.set(true);
            self.unused.borrow_mut().extend_from_slice(rest);
            self.unconsumed.borrow_mut().clear();
        } else {
            *self.unconsumed.borrow_mut() = rest.to_vec();
        }
        Ok(Bytes::new(out))
    }
}

#[pymethods]
impl Decompress {
    #[getter("unused_data", member)]
    fn unused_data(&self) -> Ref<Bytes> {
        Bytes::new(self.unused.get())
    }

    #[getter("unconsumed_tail", member)]
    fn unconsumed_tail(&self) -> Ref<Bytes> {
        Bytes::new(self.unconsumed.get())
    }

    #[getter("eof", member)]
    fn eof(&self) -> bool {
        self.ended.get()
    }

    /// Return a bytes object containing the decompressed version of the data.
    ///
    /// After calling this function, some of the input data may still be stored in internal buffers for later
    /// processing. Call the flush() method to clear these buffers.
    #[method("decompress(self, data, /, max_length=0)")]
    fn decompress(&self, vm: &Vm, data: BufferView, max_length: isize) -> PyResult<Ref<Bytes>> {
        let Ok(most) = usize::try_from(max_length) else {
            return Err(vm.value_error("max_length must be non-negative"));
        };
        self.run(vm, data.as_slice(), InflateFlush::SyncFlush, if most == 0 { usize::MAX } else { most })
    }

    /// Return a bytes object containing any remaining decompressed data.
    #[method("flush(self, length=16384, /)")]
    fn flush(&self, vm: &Vm, length: isize) -> PyResult<Ref<Bytes>> {
        if length <= 0 {
            return Err(vm.value_error("length must be greater than zero"));
        }
        let data = self.unconsumed.get();
        self.run(vm, &data, InflateFlush::Finish, usize::MAX)
    }
}

/// Create a decompressor object for decompressing data incrementally.
#[pyclass(name = "_ZlibDecompressor", module = "zlib", signature = "(wbits=15, zdict=b'')")]
pub struct Decompressor {
    stream: GilCell<Inflate>,
    dictionary: Option<Box<[u8]>>,
    /// Input not read yet.
    pending: GilCell<Vec<u8>>,
    unused: GilCell<Vec<u8>>,
    ended: Cell<bool>,
    needs_input: Cell<bool>,
}

#[pymethods]
impl Decompressor {
    #[new("_ZlibDecompressor(wbits=15, zdict=b'')")]
    fn new(vm: &Vm, cls: &TypeObject, wbits: i32, zdict: Option<&Value>) -> PyResult {
        let dictionary = zdict.map(|zdict| dictionary(vm, zdict)).transpose()?;
        let Some(stream) = prepared(vm, wbits, dictionary.as_deref())? else {
            return Err(vm.value_error("Invalid initialization option"));
        };
        let decompressor = Decompressor {
            stream: GilCell::new(stream),
            dictionary,
            pending: GilCell::default(),
            unused: GilCell::default(),
            ended: Cell::new(false),
            needs_input: Cell::new(true),
        };
        Ok(Object::with_type(cls, decompressor).into_value())
    }

    /// True if the end-of-stream marker has been reached.
    #[getter("eof", member)]
    fn eof(&self) -> bool {
        self.ended.get()
    }

    /// Data found after the end of the compressed stream.
    #[getter("unused_data", member)]
    fn unused_data(&self) -> Ref<Bytes> {
        Bytes::new(self.unused.get())
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter("needs_input", member)]
    fn needs_input(&self) -> bool {
        self.needs_input.get()
    }

    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes of decompressed data. If this limit is
    /// reached and further output can be produced, *self.needs_input* will be set to False. In this case, the next
    /// call to *decompress()* may provide *data* as b'' to obtain more of the output.
    #[method("decompress(self, data, max_length=-1)")]
    fn decompress(&self, vm: &Vm, data: BufferView, max_length: isize) -> PyResult<Ref<Bytes>> {
        if self.ended.get() {
            return Err(vm.eof_error("End of stream already reached"));
        }
        let mut input = self.pending.take();
        input.extend_from_slice(data.as_slice());
        let most = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut out = Vec::new();
        let inflated = decompress_some(
            vm,
            &mut self.stream.borrow_mut(),
            self.dictionary.as_deref(),
            &input,
            InflateFlush::SyncFlush,
            &mut out,
            most,
        )?;
        input.drain(..inflated.consumed);
        if inflated.ended {
            self.ended.set(true);
            self.needs_input.set(false);
            *self.unused.borrow_mut() = input;
        } else {
            // The limit may have cut off output that needs no further input.
            self.needs_input.set(input.is_empty() && out.len() < most);
            *self.pending.borrow_mut() = input;
        }
        Ok(Bytes::new(out))
    }
}

native_module! {
    name: "zlib",
    doc: "The functions in this module allow compression and decompression using the\nzlib library, which is based on GNU zip.",
    functions: [Functions::FUNCTIONS], types: [Decompressor, ZlibError],
    execute: |vm, module| {
        Compress::static_type().ready(vm);
        Decompress::static_type().ready(vm);
        for (name, number) in [
            ("DEFLATED", DEFLATED), ("DEF_BUF_SIZE", BUFFER_SIZE as i32), ("DEF_MEM_LEVEL", 8),
            ("MAX_WBITS", MAX_WBITS), ("Z_BEST_COMPRESSION", 9), ("Z_BEST_SPEED", 1), ("Z_BLOCK", 5),
            ("Z_DEFAULT_COMPRESSION", -1), ("Z_DEFAULT_STRATEGY", 0), ("Z_FILTERED", 1), ("Z_FINISH", 4),
            ("Z_FIXED", 4), ("Z_FULL_FLUSH", 3), ("Z_HUFFMAN_ONLY", 2), ("Z_NO_COMPRESSION", 0),
            ("Z_NO_FLUSH", 0), ("Z_PARTIAL_FLUSH", 1), ("Z_RLE", 3), ("Z_SYNC_FLUSH", 2), ("Z_TREES", 6),
        ] {
            module.set_int(vm, name, i64::from(number));
        }
        module.set_str(vm, "ZLIB_VERSION", "1.3.1");
        module.set_str(vm, "ZLIB_RUNTIME_VERSION", "1.3.1");
        module.set_str(vm, "__version__", "1.0");
        Ok(())
    }
}

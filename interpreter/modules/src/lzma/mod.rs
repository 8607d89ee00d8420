//! The module `_lzma`: compression with LZMA, over the crate `liblzma`.

mod filters;

use std::cell::Cell;

use liblzma::stream::{Action, Check, Error, Status, Stream};
use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::decompression::{Feed, Step};
use crate::support::exception;
use filters::{BRANCH, DEFAULT_PRESET, DELTA, Filter, LZMA1, LZMA2, Lzma, chain, given, prepared, unsigned};

exception! {
    /// Call to liblzma failed.
    LzmaError, "LZMAError", "_lzma", PlainException, weak
}

const FORMAT_AUTO: i32 = 0;
const FORMAT_XZ: i32 = 1;
const FORMAT_ALONE: i32 = 2;
const FORMAT_RAW: i32 = 3;

const CHECK_NONE: i32 = 0;
const CHECK_CRC64: i32 = 4;
const CHECK_ID_MAX: i32 = 15;
const CHECK_UNKNOWN: i32 = CHECK_ID_MAX + 1;

/// The error for a failure of the library.
fn failed(vm: &Vm, error: Error) -> Exception {
    let message = match error {
        Error::Mem => return vm.memory_error(),
        Error::UnsupportedCheck | Error::NoCheck => "Unsupported integrity check",
        Error::MemLimit => "Memory usage limit exceeded",
        Error::Format => "Input format not supported by decoder",
        Error::Options => "Invalid or unsupported options",
        Error::Data => "Corrupt input data",
        _ => "Internal error",
    };
    LzmaError::error(vm, message)
}

/// The check of a number.
fn check_of(number: i32) -> Result<Check, Error> {
    match number {
        CHECK_NONE => Ok(Check::None),
        1 => Ok(Check::Crc32),
        CHECK_CRC64 => Ok(Check::Crc64),
        10 => Ok(Check::Sha256),
        0..=CHECK_ID_MAX => Err(Error::UnsupportedCheck),
        _ => Err(Error::Program),
    }
}

/// LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)
///
/// Create a compressor object for compressing data incrementally.
///
/// format specifies the container format to use for the output. This can
/// be FORMAT_XZ (default), FORMAT_ALONE, or FORMAT_RAW.
///
/// check specifies the integrity check to use. For FORMAT_XZ, the default
/// is CHECK_CRC64. FORMAT_ALONE and FORMAT_RAW do not support integrity
/// checks; for these formats, check must be omitted, or be CHECK_NONE.
///
/// The settings used by the compressor can be specified either as a
/// preset compression level (with the 'preset' argument), or in detail
/// as a custom filter chain (with the 'filters' argument). For FORMAT_XZ
/// and FORMAT_ALONE, the default is to use the PRESET_DEFAULT preset
/// level. For FORMAT_RAW, the caller must always specify a filter chain;
/// the raw compressor does not support preset compression levels.
///
/// preset (if provided) should be an integer in the range 0-9, optionally
/// OR-ed with the constant PRESET_EXTREME.
///
/// filters (if provided) should be a sequence of dicts. Each dict should
/// have an entry for "id" indicating the ID of the filter, plus
/// additional entries for options to the filter.
///
/// For one-shot compression, use the compress() function instead.
#[pyclass(name = "LZMACompressor", module = "_lzma")]
pub struct LzmaCompressor {
    /// The stream, until it is finished.
    stream: GilCell<Option<Stream>>,
}

/// The least room that is made for output.
const ROOM: usize = 32 * 1024;

impl LzmaCompressor {
    fn encoder(
        vm: &Vm,
        format: i32,
        check: i32,
        preset: Option<u32>,
        filters: Option<&Value>,
    ) -> PyResult<Stream> {
        let preset = preset.unwrap_or(DEFAULT_PRESET);
        let stream = match (format, filters) {
            (FORMAT_XZ, filters) => {
                let check = check_of(if check == -1 { CHECK_CRC64 } else { check });
                match filters {
                    None => check.and_then(|check| Stream::new_easy_encoder(preset, check)),
                    Some(filters) => {
                        let filters = prepared(vm, &chain(vm, filters)?)?;
                        check.and_then(|check| Stream::new_stream_encoder(&filters, check))
                    }
                }
            }
            (FORMAT_ALONE, None) => Stream::new_lzma_encoder(&Lzma::of_preset(preset).options(vm)?),
            (FORMAT_ALONE, Some(filters)) => match chain(vm, filters)?.as_slice() {
                [Filter::Lzma { second: false, settings }] => Stream::new_lzma_encoder(&settings.options(vm)?),
                _ => {
                    let message = "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter";
                    return Err(vm.value_error(message));
                }
            },
            (FORMAT_RAW, Some(filters)) => Stream::new_raw_encoder(&prepared(vm, &chain(vm, filters)?)?),
            (FORMAT_RAW, None) => return Err(vm.value_error("Must specify filters for FORMAT_RAW")),
            _ => return Err(vm.value_error(format!("Invalid container format: {format}"))),
        };
        stream.map_err(|error| failed(vm, error))
    }

    fn run(stream: &mut Stream, mut data: &[u8], action: Action, out: &mut Vec<u8>) -> Result<(), Error> {
        let finishes = matches!(action, Action::Finish);
        while !data.is_empty() || finishes {
            if out.capacity() - out.len() < ROOM / 2 {
                out.reserve(ROOM.max(out.len()));
            }
            let before = stream.total_in();
            let status = stream.process_vec(data, out, if finishes { Action::Finish } else { Action::Run })?;
            data = &data[(stream.total_in() - before) as usize..];
            if status == Status::StreamEnd {
                break;
            }
        }
        Ok(())
    }
}

#[pymethods]
impl LzmaCompressor {
    #[new("LZMACompressor(format=1, check=-1, preset=None, filters=None)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        format: i32,
        check: i32,
        preset: Option<&Value>,
        filters: Option<&Value>,
    ) -> PyResult {
        if preset.is_some() && filters.is_some() {
            return Err(vm.value_error("Cannot specify both preset and filter chain"));
        }
        let preset = match preset {
            None => None,
            Some(preset) => Some(unsigned(vm, preset, u64::from(u32::MAX), "uint32_t")? as u32),
        };
        if format != FORMAT_XZ && check != -1 && check != CHECK_NONE {
            return Err(vm.value_error("Integrity checks are only supported by FORMAT_XZ"));
        }
        let stream = Self::encoder(vm, format, check, preset, filters)?;
        Ok(Object::with_type(cls, LzmaCompressor { stream: GilCell::new(Some(stream)) }).into_value())
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
///   format
///     Specifies the container format of the input stream.  If this is
///     FORMAT_AUTO (the default), the decompressor will automatically detect
///     whether the input is FORMAT_XZ or FORMAT_ALONE.  Streams created with
///     FORMAT_RAW cannot be autodetected.
///   memlimit
///     Limit the amount of memory used by the decompressor.  This will cause
///     decompression to fail if the input cannot be decompressed within the
///     given limit.
///   filters
///     A custom filter chain.  This argument is required for FORMAT_RAW, and
///     not accepted with any other format.  When provided, this should be a
///     sequence of dicts, each indicating the ID and options for a single
///     filter.
///
/// For one-shot decompression, use the decompress() function instead.
#[pyclass(
    name = "LZMADecompressor", module = "_lzma",
    signature = "(format=FORMAT_AUTO, memlimit=None, filters=None)"
)]
pub struct LzmaDecompressor {
    stream: GilCell<Stream>,
    feed: Feed,
    check: Cell<i32>,
    /// The beginning of the input, which tells the check.
    head: GilCell<Vec<u8>>,
}

/// Bytes of the header of the format XZ.
const XZ_HEADER: usize = 12;
const XZ_MAGIC: &[u8] = b"\xfd7zXZ\0";
/// Bytes of the header of the format of LZMA alone.
const ALONE_HEADER: usize = 13;

impl LzmaDecompressor {
    /// Learns the check from the header, once it was read.
    fn learn_check(&self, data: &[u8], read: u64) {
        if self.check.get() != CHECK_UNKNOWN {
            return;
        }
        let mut head = self.head.borrow_mut();
        let missing = ALONE_HEADER - head.len().min(ALONE_HEADER);
        head.extend_from_slice(&data[..missing.min(data.len())]);
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        if head.starts_with(XZ_MAGIC) {
            if read >= XZ_HEADER && head.len() > 7 {
                self.check.set(i32::from(head[7] & 0xf));
            }
        } else if read >= ALONE_HEADER {
            self.check.set(CHECK_NONE);
        }
    }
}

#[pymethods]
impl LzmaDecompressor {
    #[new("LZMADecompressor(format=0, memlimit=None, filters=None)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        format: i32,
        memlimit: Option<&Value>,
        filters: Option<&Value>,
    ) -> PyResult {
        let limit = match memlimit {
            None => u64::MAX,
            Some(_) if format == FORMAT_RAW => {
                return Err(vm.value_error("Cannot specify memory limit with FORMAT_RAW"));
            }
            Some(limit) => unsigned(vm, limit, u64::MAX, "uint64_t")?,
        };
        let filters = given(filters);
        if format == FORMAT_RAW && filters.is_none() {
            return Err(vm.value_error("Must specify filters for FORMAT_RAW"));
        }
        if format != FORMAT_RAW && filters.is_some() {
            return Err(vm.value_error("Cannot specify filters except with FORMAT_RAW"));
        }
        let stream = match (format, filters) {
            (FORMAT_AUTO, _) => Stream::new_auto_decoder(limit, 0),
            (FORMAT_XZ, _) => Stream::new_stream_decoder(limit, 0),
            (FORMAT_ALONE, _) => Stream::new_lzma_decoder(limit),
            (FORMAT_RAW, Some(filters)) => Stream::new_raw_decoder(&prepared(vm, &chain(vm, filters)?)?),
            _ => return Err(vm.value_error(format!("Invalid container format: {format}"))),
        };
        let stream = stream.map_err(|error| failed(vm, error))?;
        let check = if matches!(format, FORMAT_AUTO | FORMAT_XZ) { CHECK_UNKNOWN } else { CHECK_NONE };
        let decompressor = LzmaDecompressor {
            stream: GilCell::new(stream),
            feed: Feed::new(true),
            check: Cell::new(check),
            head: GilCell::default(),
        };
        Ok(Object::with_type(cls, decompressor).into_value())
    }

    /// ID of the integrity check used by the input stream.
    #[getter("check", member)]
    fn check(&self) -> i32 {
        self.check.get()
    }

    /// True if the end-of-stream marker has been reached.
    #[getter("eof", member)]
    fn eof(&self) -> bool {
        self.feed.ended()
    }

    /// True if more input is needed before more decompressed data can be produced.
    #[getter("needs_input", member)]
    fn needs_input(&self) -> bool {
        self.feed.needs_input()
    }

    /// Data found after the end of the compressed stream.
    #[getter("unused_data", member)]
    fn unused_data(&self) -> Ref<Bytes> {
        self.feed.unused()
    }

    /// Decompress *data*, returning uncompressed data as bytes.
    ///
    /// If *max_length* is nonnegative, returns at most *max_length* bytes
    /// of decompressed data. If this limit is reached and further output
    /// can be produced, *self.needs_input* will be set to ``False``. In
    /// this case, the next call to *decompress()* may provide *data* as b''
    /// to obtain more of the output.
    #[method("decompress(self, /, data, max_length=-1)")]
    fn decompress(&self, vm: &Vm, data: BufferView, max_length: isize) -> PyResult<Ref<Bytes>> {
        if self.feed.ended() {
            return Err(vm.eof_error("Already at end of stream"));
        }
        let most = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut stream = self.stream.borrow_mut();
        let out = self.feed.run(data.as_slice(), most, |input, output| {
            let (read, written) = (stream.total_in(), stream.total_out());
            let status = stream.process(input, output, Action::Run)?;
            Ok(Step {
                consumed: (stream.total_in() - read) as usize,
                produced: (stream.total_out() - written) as usize,
                ended: status == Status::StreamEnd,
            })
        });
        self.learn_check(data.as_slice(), stream.total_in());
        out.map(Bytes::new).map_err(|error| failed(vm, error))
    }
}

/// The functions of `_lzma`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Test whether the given integrity check is supported.
    ///
    /// Always returns True for CHECK_NONE and CHECK_CRC32.
    #[function("is_check_supported(check_id, /)")]
    fn is_check_supported(check_id: i32) -> bool {
        check_of(check_id).is_ok()
    }

    /// Return a bytes object encoding the options (properties) of the filter specified by *filter* (a dict).
    ///
    /// The result does not include the filter ID itself, only the options.
    #[function("_encode_filter_properties(filter, /)")]
    fn encode_filter_properties(vm: &Vm, filter: &Value) -> PyResult<Ref<Bytes>> {
        Ok(Bytes::new(Filter::of_value(vm, filter)?.properties(vm)?))
    }

    /// Return a dict that describes the filter with the given ID and options (properties).
    #[function("_decode_filter_properties(filter_id, encoded_props, /)")]
    fn decode_filter_properties(vm: &Vm, filter_id: &Value, encoded_props: BufferView) -> PyResult {
        let number = unsigned(vm, filter_id, u64::MAX, "lzma_vli")?;
        Filter::described(vm, number, encoded_props.as_slice())
    }
}

native_module! {
    name: "_lzma",
    doc: "",
    functions: [Functions::FUNCTIONS],
    types: [LzmaCompressor, LzmaDecompressor, LzmaError],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in [
        ("FORMAT_AUTO", FORMAT_AUTO), ("FORMAT_XZ", FORMAT_XZ), ("FORMAT_ALONE", FORMAT_ALONE),
        ("FORMAT_RAW", FORMAT_RAW), ("CHECK_NONE", CHECK_NONE), ("CHECK_CRC32", 1), ("CHECK_CRC64", CHECK_CRC64),
        ("CHECK_SHA256", 10), ("CHECK_ID_MAX", CHECK_ID_MAX), ("CHECK_UNKNOWN", CHECK_UNKNOWN), ("MF_HC3", 3),
        ("MF_HC4", 4), ("MF_BT2", 18), ("MF_BT3", 19), ("MF_BT4", 20), ("MODE_FAST", 1), ("MODE_NORMAL", 2),
        ("PRESET_DEFAULT", DEFAULT_PRESET as i32),
    ] {
        module.set_int(vm, name, i64::from(number));
    }
    module.set_int(vm, "PRESET_EXTREME", 1 << 31);
    for (name, number) in [("FILTER_LZMA2", LZMA2), ("FILTER_DELTA", DELTA)] {
        module.set_int(vm, name, number as i64);
    }
    module.set(vm, "FILTER_LZMA1", int::from_i128(i128::from(LZMA1)));
    for (name, number) in BRANCH {
        module.set_int(vm, &format!("FILTER_{name}"), number as i64);
    }
    Ok(())
}

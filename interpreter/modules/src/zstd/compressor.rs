//! `ZstdCompressor`.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd_safe::{CCtx, InBuffer, OutBuffer, ResetDirective};

use super::ZstdError;
use super::dictionary::{self, Loaded, Use, ZstdDict};
use super::parameters::{set_compression, set_level};

const CONTINUE: i32 = 0;
const FLUSH_BLOCK: i32 = 1;
const FLUSH_FRAME: i32 = 2;

/// Create a compressor object for compressing data incrementally.
///
///   level
///     The compression level to use. Defaults to COMPRESSION_LEVEL_DEFAULT.
///   options
///     A dict object that contains advanced compression parameters.
///   zstd_dict
///     A ZstdDict object, a pre-trained Zstandard dictionary.
///
/// Thread-safe at method level.  For one-shot compression, use the
/// compress() function instead.
#[pyclass(
    name = "ZstdCompressor", module = "compression.zstd",
    signature = "(level=None, options=None, zstd_dict=None)"
)]
pub struct ZstdCompressor {
    // The context goes before what it looks at.
    context: GilCell<CCtx<'static>>,
    _loaded: Loaded,
    last_mode: Cell<i32>,
}

fn failed(vm: &Vm, code: usize) -> Exception {
    let reason = zstd_safe::get_error_name(code);
    ZstdError::error(vm, format!("Unable to compress Zstandard data: {reason}"))
}

impl ZstdCompressor {
    fn run(&self, vm: &Vm, data: &[u8], mode: i32) -> PyResult<Ref<Bytes>> {
        let mut context = self.context.borrow_mut();
        let end = match mode {
            CONTINUE => ZSTD_EndDirective::ZSTD_e_continue,
            FLUSH_BLOCK => ZSTD_EndDirective::ZSTD_e_flush,
            _ => ZSTD_EndDirective::ZSTD_e_end,
        };
        let mut input = InBuffer::around(data);
        let mut out: Vec<u8> = Vec::with_capacity(zstd_safe::compress_bound(data.len()).min(1 << 20));
        loop {
            if out.len() == out.capacity() {
                out.reserve(out.len().max(CCtx::out_size()));
            }
            let position = out.len();
            let mut output = OutBuffer::around_pos(&mut out, position);
            match context.compress_stream2(&mut output, &mut input, end) {
                Ok(rest) => {
                    let done = match mode {
                        CONTINUE => input.pos() == data.len(),
                        _ => rest == 0,
                    };
                    if done {
                        break;
                    }
                }
                Err(code) => {
                    self.last_mode.set(FLUSH_FRAME);
                    let _ = context.reset(ResetDirective::SessionOnly);
                    return Err(failed(vm, code));
                }
            }
        }
        self.last_mode.set(mode);
        Ok(Bytes::new(out))
    }
}

#[pymethods]
impl ZstdCompressor {
    #[new("ZstdCompressor(level=None, options=None, zstd_dict=None)")]
    fn new(
        vm: &Vm,
        cls: &TypeObject,
        level: Option<&Value>,
        options: Option<&Value>,
        zstd_dict: Option<&Value>,
    ) -> PyResult {
        let Some(mut context) = CCtx::try_create() else {
            return Err(ZstdError::error(vm, "Unable to create ZSTD_CCtx instance."));
        };
        if level.is_some() && options.is_some() {
            return Err(vm.type_error("Only one of level or options should be used."));
        }
        let mut chosen = 0;
        if let Some(level) = level {
            if !int::is_int(level) {
                return Err(vm.type_error("invalid type for level, expected int"));
            }
            let Some(number) = int::small_value(level).and_then(|level| i32::try_from(level).ok()) else {
                let (least, most) = (zstd_safe::min_c_level(), zstd_safe::max_c_level());
                return Err(vm.value_error(format!(
                    "illegal compression level; the valid range is [{least}, {most}]"
                )));
            };
            set_level(vm, &mut context, number)?;
            chosen = number;
        }
        if let Some(options) = options {
            let Some(options) = options.downcast::<Dict>() else {
                let got = crate::pickle::type_name(vm, options);
                let message = format!("ZstdCompressor() argument 'options' must be dict, not {got}");
                return Err(vm.type_error(message));
            };
            chosen = set_compression(vm, &mut context, options)?;
        }
        let loaded = match zstd_dict {
            None => Loaded::default(),
            Some(value) => {
                let (dictionary, how) = dictionary::argument(vm, value, Use::Undigested)?;
                ZstdDict::load_for_compression(&dictionary, vm, &mut context, how, chosen)?
            }
        };
        let compressor = ZstdCompressor {
            context: GilCell::new(context),
            _loaded: loaded,
            last_mode: Cell::new(FLUSH_FRAME),
        };
        Ok(Object::with_type(cls, compressor).into_value())
    }

    /// The last mode used to this compressor object, its value can be .CONTINUE,
    /// .FLUSH_BLOCK, .FLUSH_FRAME. Initialized to .FLUSH_FRAME.
    ///
    /// It can be used to get the current state of a compressor, such as, data
    /// flushed, or a frame ended.
    #[getter("last_mode", member)]
    fn last_mode(&self) -> i32 {
        self.last_mode.get()
    }

    /// Provide data to the compressor object.
    ///
    ///   mode
    ///     Can be these 3 values ZstdCompressor.CONTINUE,
    ///     ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME
    ///
    /// Return a chunk of compressed data if possible, or b'' otherwise.
    ///
    /// When you have finished providing data to the compressor, call the
    /// flush() method to finish the compression process.
    #[method("compress(self, /, data, mode=ZstdCompressor.CONTINUE)")]
    fn compress(&self, vm: &Vm, data: BufferView, mode: Option<i32>) -> PyResult<Ref<Bytes>> {
        let mode = mode.unwrap_or(CONTINUE);
        if !(CONTINUE..=FLUSH_FRAME).contains(&mode) {
            return Err(vm.value_error(
                "mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, \
                 ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME.",
            ));
        }
        self.run(vm, data.as_slice(), mode)
    }

    /// Finish the compression process.
    ///
    ///   mode
    ///     Can be these 2 values ZstdCompressor.FLUSH_FRAME,
    ///     ZstdCompressor.FLUSH_BLOCK
    ///
    /// Flush any remaining data left in internal buffers.  Since Zstandard
    /// data consists of one or more independent frames, the compressor
    /// object can still be used after this method is called.
    #[method("flush(self, /, mode=ZstdCompressor.FLUSH_FRAME)")]
    fn flush(&self, vm: &Vm, mode: Option<i32>) -> PyResult<Ref<Bytes>> {
        let mode = mode.unwrap_or(FLUSH_FRAME);
        if !(FLUSH_BLOCK..=FLUSH_FRAME).contains(&mode) {
            return Err(vm.value_error(
                "mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or \
                 ZstdCompressor.FLUSH_BLOCK.",
            ));
        }
        self.run(vm, &[], mode)
    }

    /// Set the uncompressed content size to be written into the frame header.
    ///
    ///   size
    ///     The size of the uncompressed data to be provided to the compressor.
    ///
    /// This method can be used to ensure the header of the frame about to
    /// be written includes the size of the data, unless the
    /// CompressionParameter.content_size_flag is set to False.
    ///
    /// If last_mode != FLUSH_FRAME, then a RuntimeError is raised.
    ///
    /// It is important to ensure that the pledged data size matches the
    /// actual data size.  If they do not match the compressed output data
    /// may be corrupted and the final chunk written may be lost.
    #[method("set_pledged_input_size(self, size, /)")]
    fn set_pledged_input_size(&self, vm: &Vm, size: &Value) -> PyResult<()> {
        const UNKNOWN: u64 = u64::MAX;
        let size = if is_none(size) {
            None
        } else if !int::is_int(size) {
            return Err(vm.type_error("an integer is required"));
        } else {
            let number = int::borrow_big(size).and_then(|number| u64::try_from(number.as_ref()).ok());
            let Some(number) = number.filter(|&number| number < UNKNOWN - 1) else {
                let message = format!("size argument should be a positive int less than {}", UNKNOWN - 1);
                return Err(vm.value_error(message));
            };
            Some(number)
        };
        if self.last_mode.get() != FLUSH_FRAME {
            let message = "set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME";
            return Err(vm.value_error(message));
        }
        match self.context.borrow_mut().set_pledged_src_size(size) {
            Ok(_) => Ok(()),
            Err(code) => {
                let reason = zstd_safe::get_error_name(code);
                let message = format!("Unable to set pledged uncompressed content size: {reason}");
                Err(ZstdError::error(vm, message))
            }
        }
    }
}

/// The attributes of `ZstdCompressor`.
pub fn set_attributes(vm: &Vm) {
    for (name, mode) in [("CONTINUE", CONTINUE), ("FLUSH_BLOCK", FLUSH_BLOCK), ("FLUSH_FRAME", FLUSH_FRAME)] {
        ZstdCompressor::static_type().dict().set_str(&vm.intern(name), Value::int(mode));
    }
}

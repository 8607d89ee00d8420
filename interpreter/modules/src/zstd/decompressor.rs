//! `ZstdDecompressor`.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use zstd_safe::{DCtx, InBuffer, OutBuffer};

use super::ZstdError;
use super::dictionary::{self, Loaded, Use, ZstdDict};
use super::parameters::set_decompression;
use crate::decompression::{Feed, Step};

/// Create a decompressor object for decompressing data incrementally.
///
///   zstd_dict
///     A ZstdDict object, a pre-trained Zstandard dictionary.
///   options
///     A dict object that contains advanced decompression parameters.
///
/// Thread-safe at method level.  For one-shot decompression, use the
/// decompress() function instead.
#[pyclass(
    name = "ZstdDecompressor", module = "compression.zstd", signature = "(zstd_dict=None, options=None)"
)]
pub struct ZstdDecompressor {
    // The context goes before what it looks at.
    context: GilCell<DCtx<'static>>,
    _loaded: Loaded,
    feed: Feed,
}

#[pymethods]
impl ZstdDecompressor {
    #[new("ZstdDecompressor(zstd_dict=None, options=None)")]
    fn new(vm: &Vm, cls: &TypeObject, zstd_dict: Option<&Value>, options: Option<&Value>) -> PyResult {
        let Some(mut context) = DCtx::try_create() else {
            return Err(ZstdError::error(vm, "Unable to create ZSTD_DCtx instance."));
        };
        let loaded = match zstd_dict {
            None => Loaded::default(),
            Some(value) => {
                let (dictionary, how) = dictionary::argument(vm, value, Use::Digested)?;
                ZstdDict::load_for_decompression(&dictionary, vm, &mut context, how)?
            }
        };
        if let Some(options) = options {
            let Some(options) = options.downcast::<Dict>() else {
                let got = crate::pickle::type_name(vm, options);
                let message = format!("ZstdDecompressor() argument 'options' must be dict, not {got}");
                return Err(vm.type_error(message));
            };
            set_decompression(vm, &mut context, options)?;
        }
        let decompressor =
            ZstdDecompressor { context: GilCell::new(context), _loaded: loaded, feed: Feed::new(true) };
        Ok(Object::with_type(cls, decompressor).into_value())
    }

    /// True means the end of the first frame has been reached. If decompress data
    /// after that, an EOFError exception will be raised.
    #[getter("eof", member)]
    fn eof(&self) -> bool {
        self.feed.ended()
    }

    /// If the max_length output limit in .decompress() method has been reached,
    /// and the decompressor has (or may has) unconsumed input data, it will be set
    /// to False. In this case, passing b'' to the .decompress() method may output
    /// further data.
    #[getter("needs_input", member)]
    fn needs_input(&self) -> bool {
        self.feed.needs_input()
    }

    /// A bytes object of un-consumed input data.
    ///
    /// When ZstdDecompressor object stops after a frame is
    /// decompressed, unused input data after the frame.  Otherwise this
    /// will be b''.
    #[getter("unused_data")]
    fn unused_data(&self) -> Ref<Bytes> {
        self.feed.unused()
    }

    /// Decompress *data*, returning uncompressed bytes if possible, or b'' otherwise.
    ///
    ///   data
    ///     A bytes-like object, Zstandard data to be decompressed.
    ///   max_length
    ///     Maximum size of returned data. When it is negative, the size of
    ///     output buffer is unlimited. When it is nonnegative, returns at
    ///     most max_length bytes of decompressed data.
    #[method("decompress(self, /, data, max_length=-1)")]
    fn decompress(&self, vm: &Vm, data: BufferView, max_length: isize) -> PyResult<Ref<Bytes>> {
        if self.feed.ended() {
            return Err(vm.eof_error("Already at the end of a Zstandard frame."));
        }
        let most = usize::try_from(max_length).unwrap_or(usize::MAX);
        let mut context = self.context.borrow_mut();
        let out = self.feed.run(data.as_slice(), most, |input, output| {
            let mut input = InBuffer::around(input);
            let mut output = OutBuffer::around(output);
            let rest = context.decompress_stream(&mut output, &mut input)?;
            Ok(Step { consumed: input.pos(), produced: output.pos(), ended: rest == 0 })
        });
        out.map(Bytes::new).map_err(|code: usize| {
            let reason = zstd_safe::get_error_name(code);
            ZstdError::error(vm, format!("Unable to decompress Zstandard data: {reason}"))
        })
    }
}

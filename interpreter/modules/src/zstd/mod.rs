//! The module `_zstd`: compression with Zstandard (PEP 784), over the crate `zstd-safe`.

mod compressor;
mod decompressor;
mod dictionary;
mod library;
mod parameters;

pub use compressor::ZstdCompressor;
pub use decompressor::ZstdDecompressor;
pub use dictionary::ZstdDict;

use rspy_macros::pyfunctions;
use rspy_runtime::buffer::BufferView;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;
use parameters::{COMPRESSION, STRATEGIES, WINDOW_LOG_MAX};

exception! {
    /// An error occurred in the zstd library.
    ZstdError, "ZstdError", "compression.zstd", PlainException, weak
}

/// The level that is used unless told otherwise.
const DEFAULT_LEVEL: i64 = 3;

/// The sizes of samples, which must add up to all of them.
fn sample_sizes(vm: &Vm, sizes: &Object<Tuple>, samples: &[u8], dict_size: isize) -> PyResult<Vec<usize>> {
    if dict_size <= 0 {
        return Err(vm.value_error("dict_size argument should be positive number."));
    }
    if u32::try_from(sizes.items().len()).is_err() {
        return Err(vm.value_error(format!("The number of samples should be <= {}.", u32::MAX)));
    }
    let mismatch = || vm.value_error("The samples size tuple doesn't match the concatenation's size.");
    let mut numbers = Vec::with_capacity(sizes.items().len());
    for size in sizes.items() {
        if !int::is_int(size) {
            return Err(vm.type_error("an integer is required"));
        }
        let number = int::small_value(size).and_then(|size| usize::try_from(size).ok());
        numbers.push(number.ok_or_else(mismatch)?);
    }
    let sum = numbers.iter().try_fold(0usize, |sum, &size| sum.checked_add(size));
    if sum == Some(samples.len()) { Ok(numbers) } else { Err(mismatch()) }
}

/// The functions of `_zstd`.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Train a Zstandard dictionary on sample data.
    ///
    ///   samples_bytes
    ///     Concatenation of samples.
    ///   samples_sizes
    ///     Tuple of samples' sizes.
    ///   dict_size
    ///     The size of the dictionary.
    #[function("train_dict(samples_bytes, samples_sizes, dict_size, /)")]
    fn train_dict(
        vm: &Vm,
        samples_bytes: &Object<Bytes>,
        samples_sizes: &Object<Tuple>,
        dict_size: isize,
    ) -> PyResult<Ref<Bytes>> {
        let samples = samples_bytes.as_slice();
        let sizes = sample_sizes(vm, samples_sizes, samples, dict_size)?;
        if !rspy_runtime::heap::can_allocate(dict_size as usize) {
            return Err(vm.memory_error());
        }
        let mut dictionary = vec![0u8; dict_size as usize];
        match zstd_safe::train_from_buffer(dictionary.as_mut_slice(), samples, &sizes) {
            Ok(size) => {
                dictionary.truncate(size);
                Ok(Bytes::new(dictionary))
            }
            Err(code) => {
                let reason = zstd_safe::get_error_name(code);
                Err(ZstdError::error(vm, format!("Unable to train the Zstandard dictionary: {reason}")))
            }
        }
    }

    /// Finalize a Zstandard dictionary.
    ///
    ///   custom_dict_bytes
    ///     Custom dictionary content.
    ///   samples_bytes
    ///     Concatenation of samples.
    ///   samples_sizes
    ///     Tuple of samples' sizes.
    ///   dict_size
    ///     The size of the dictionary.
    ///   compression_level
    ///     Optimize for a specific Zstandard compression level, 0 means default.
    #[function(
        "finalize_dict(custom_dict_bytes, samples_bytes, samples_sizes, dict_size, compression_level, /)"
    )]
    fn finalize_dict(
        vm: &Vm,
        custom_dict_bytes: &Object<Bytes>,
        samples_bytes: &Object<Bytes>,
        samples_sizes: &Object<Tuple>,
        dict_size: isize,
        compression_level: i32,
    ) -> PyResult<Ref<Bytes>> {
        let samples = samples_bytes.as_slice();
        let sizes = sample_sizes(vm, samples_sizes, samples, dict_size)?;
        if !rspy_runtime::heap::can_allocate(dict_size as usize) {
            return Err(vm.memory_error());
        }
        let contents = custom_dict_bytes.as_slice();
        library::finalize_dictionary(contents, samples, &sizes, dict_size as usize, compression_level)
            .map(Bytes::new)
            .map_err(|reason| {
                ZstdError::error(vm, format!("Unable to finalize the Zstandard dictionary: {reason}"))
            })
    }

    /// Get CompressionParameter/DecompressionParameter bounds.
    ///
    ///   parameter
    ///     The parameter to get bounds.
    ///   is_compress
    ///     True for CompressionParameter, False for DecompressionParameter.
    #[function("get_param_bounds(parameter, is_compress)")]
    fn get_param_bounds(vm: &Vm, parameter: i32, is_compress: bool) -> PyResult<(i32, i32)> {
        let (kind, bounds) = if is_compress {
            ("compression", parameters::bounds_of_compression(parameter))
        } else {
            ("decompression", parameters::bounds_of_decompression(parameter))
        };
        bounds.map_err(|reason| {
            ZstdError::error(vm, format!("Unable to get zstd {kind} parameter bounds: {reason}"))
        })
    }

    /// Get the size of a Zstandard frame, including the header and optional checksum.
    ///
    ///   frame_buffer
    ///     A bytes-like object, it should start from the beginning of a frame,
    ///     and contains at least one complete frame.
    #[function("get_frame_size(frame_buffer)")]
    fn get_frame_size(vm: &Vm, frame_buffer: BufferView) -> PyResult<usize> {
        zstd_safe::find_frame_compressed_size(frame_buffer.as_slice()).map_err(|code| {
            let reason = zstd_safe::get_error_name(code);
            ZstdError::error(
                vm,
                format!(
                    "Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument \
                     starts from the beginning of a frame, and its length is not less than this complete frame. \
                     Zstd error message: {reason}."
                ),
            )
        })
    }

    /// Get Zstandard frame infomation from a frame header.
    ///
    ///   frame_buffer
    ///     A bytes-like object, containing the header of a Zstandard frame.
    #[function("get_frame_info(frame_buffer)")]
    fn get_frame_info(vm: &Vm, frame_buffer: BufferView) -> PyResult<Ref<Tuple>> {
        let frame = frame_buffer.as_slice();
        let Ok(size) = zstd_safe::get_frame_content_size(frame) else {
            return Err(ZstdError::error(
                vm,
                "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer \
                 argument starts from the beginning of a frame, and its length is not less than the frame header \
                 (6~18 bytes).",
            ));
        };
        let id = zstd_safe::get_dict_id_from_frame(frame).map_or(0, |id| id.get());
        let size = size.map_or_else(none, |size| int::from_i128(i128::from(size)));
        Ok(Tuple::from_values([size, int::new(i64::from(id))]))
    }

    /// Set CompressionParameter and DecompressionParameter types for validity check.
    ///
    ///   c_parameter_type
    ///     CompressionParameter IntEnum type object
    ///   d_parameter_type
    ///     DecompressionParameter IntEnum type object
    #[function("set_parameter_types(c_parameter_type, d_parameter_type)")]
    fn set_parameter_types(vm: &Vm, c_parameter_type: &Value, d_parameter_type: &Value) -> PyResult<()> {
        let class = |value: &Value, name: &str| {
            value.downcast::<Type>().map(Object::to_ref).ok_or_else(|| {
                vm.type_error(format!(
                    "set_parameter_types() argument '{name}' must be type, not {}",
                    value.type_of().full_name()
                ))
            })
        };
        let compression = class(c_parameter_type, "c_parameter_type")?;
        let decompression = class(d_parameter_type, "d_parameter_type")?;
        parameters::set_classes(vm, &compression, &decompression);
        Ok(())
    }
}

native_module! {
    name: "_zstd",
    doc: "Zstandard compression, natively.",
    functions: [Functions::FUNCTIONS],
    types: [ZstdCompressor, ZstdDecompressor, ZstdDict, ZstdError],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    compressor::set_attributes(vm);
    for (number, _, name) in COMPRESSION {
        module.set_int(vm, name, i64::from(number));
    }
    for (index, name) in STRATEGIES.iter().enumerate() {
        module.set_int(vm, name, index as i64 + 1);
    }
    module.set_int(vm, "ZSTD_d_windowLogMax", i64::from(WINDOW_LOG_MAX));
    module.set_int(vm, "ZSTD_CLEVEL_DEFAULT", DEFAULT_LEVEL);
    module.set_int(vm, "ZSTD_DStreamOutSize", zstd_safe::DCtx::out_size() as i64);
    module.set_str(vm, "zstd_version", zstd_safe::version_string());
    module.set_int(vm, "zstd_version_number", i64::from(zstd_safe::version_number()));
    Ok(())
}

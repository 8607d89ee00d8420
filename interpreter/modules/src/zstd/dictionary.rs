//! `ZstdDict`: a dictionary that makes small data smaller.

use std::collections::HashMap;
use std::rc::Rc;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use zstd_safe::{CCtx, CDict, DCtx, DDict};

use super::ZstdError;

/// How a dictionary is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// Prepared for a level.
    Digested = 0,
    /// As it is.
    Undigested = 1,
    /// As if it stood before the data.
    Prefix = 2,
}

/// Represents a Zstandard dictionary.
///
///   dict_content
///     The content of a Zstandard dictionary as a bytes-like object.
///   is_raw
///     If true, perform no checks on *dict_content*, useful for some
///     advanced cases. Otherwise, check that the content represents
///     a Zstandard dictionary created by the zstd library or CLI.
///
/// The dictionary can be used for compression or decompression, and can be
/// shared by multiple ZstdCompressor or ZstdDecompressor objects.
#[pyclass(
    name = "ZstdDict", module = "compression.zstd", signature = "(dict_content, /, *, is_raw=False)"
)]
pub struct ZstdDict {
    content: Ref<Bytes>,
    id: u32,
    /// Prepared for compression, by level.
    compression: GilCell<HashMap<i32, Rc<CDict<'static>>>>,
    /// Prepared for decompression.
    decompression: GilCell<Option<Rc<DDict<'static>>>>,
}

/// What a compressor or decompressor keeps of its dictionary, as long as it may look at it.
#[derive(Default)]
pub struct Loaded {
    _dictionary: Option<Ref<ZstdDict>>,
    _compression: Option<Rc<CDict<'static>>>,
    _decompression: Option<Rc<DDict<'static>>>,
}

/// The dictionary of an argument, and how it is to be used.
///
/// # Errors
/// `TypeError` where the argument is no dictionary.
pub fn argument(vm: &Vm, value: &Value, default: Use) -> PyResult<(Ref<ZstdDict>, Use)> {
    let wrong = || vm.type_error("zstd_dict argument should be a ZstdDict object.");
    if let Some(dictionary) = value.downcast::<ZstdDict>() {
        return Ok((dictionary.to_ref(), default));
    }
    let Some([dictionary, how]) = value.downcast_exact::<Tuple>().map(|pair| pair.items()) else {
        return Err(wrong());
    };
    let Some(dictionary) = dictionary.downcast::<ZstdDict>().filter(|_| int::is_int(how)) else {
        return Err(wrong());
    };
    let number = int::small_value(how).and_then(|number| i32::try_from(number).ok());
    let how = match number {
        Some(0) => Use::Digested,
        Some(1) => Use::Undigested,
        Some(2) => Use::Prefix,
        Some(_) => return Err(wrong()),
        None => return Err(vm.overflow_error("Python int too large to convert to C int")),
    };
    Ok((dictionary.to_ref(), how))
}

fn not_loaded(vm: &Vm, what: &str, code: usize) -> Exception {
    let reason = zstd_safe::get_error_name(code);
    ZstdError::error(vm, format!("Unable to load Zstandard dictionary or prefix for {what}: {reason}"))
}

impl ZstdDict {
    /// The content for a library that is not told how long it lives.
    fn lasting(&self) -> &'static [u8] {
        // SAFETY: bytes do not move or change, and whoever hands the slice to the library keeps the dictionary, and so
        // the bytes, in a [`Loaded`] for as long as the library's context lives.
        unsafe { std::mem::transmute::<&[u8], &'static [u8]>(self.content.as_slice()) }
    }

    /// Has a compressor use the dictionary.
    ///
    /// # Errors
    /// `ZstdError` where the library does not take it.
    pub fn load_for_compression(
        this: &Object<ZstdDict>,
        vm: &Vm,
        context: &mut CCtx<'static>,
        how: Use,
        level: i32,
    ) -> PyResult<Loaded> {
        let mut loaded = Loaded { _dictionary: Some(this.to_ref()), ..Loaded::default() };
        let done = match how {
            Use::Digested => {
                let known = this.compression.borrow().get(&level).cloned();
                let prepared = match known {
                    Some(known) => known,
                    None => {
                        let Some(made) = CDict::try_create(this.content.as_slice(), level) else {
                            let message = "Failed to create a ZSTD_CDict instance from Zstandard dictionary content.";
                            return Err(ZstdError::error(vm, message));
                        };
                        let made = Rc::new(made);
                        this.compression.borrow_mut().insert(level, made.clone());
                        made
                    }
                };
                let done = context.ref_cdict(&prepared);
                loaded._compression = Some(prepared);
                done
            }
            Use::Undigested => context.load_dictionary(this.content.as_slice()),
            Use::Prefix => context.ref_prefix(this.lasting()),
        };
        done.map(|_| loaded).map_err(|code| not_loaded(vm, "compression", code))
    }

    /// Has a decompressor use the dictionary.
    ///
    /// # Errors
    /// `ZstdError` where the library does not take it.
    pub fn load_for_decompression(
        this: &Object<ZstdDict>,
        vm: &Vm,
        context: &mut DCtx<'static>,
        how: Use,
    ) -> PyResult<Loaded> {
        let mut loaded = Loaded { _dictionary: Some(this.to_ref()), ..Loaded::default() };
        let done = match how {
            Use::Digested => {
                let known = this.decompression.borrow().clone();
                let prepared = match known {
                    Some(known) => known,
                    None => {
                        let Some(made) = DDict::try_create(this.content.as_slice()) else {
                            let message = "Failed to create a ZSTD_DDict instance from Zstandard dictionary content.";
                            return Err(ZstdError::error(vm, message));
                        };
                        let made = Rc::new(made);
                        *this.decompression.borrow_mut() = Some(made.clone());
                        made
                    }
                };
                let done = context.ref_ddict(&prepared);
                loaded._decompression = Some(prepared);
                done
            }
            Use::Undigested => context.load_dictionary(this.content.as_slice()),
            Use::Prefix => context.ref_prefix(this.lasting()),
        };
        done.map(|_| loaded).map_err(|code| not_loaded(vm, "decompression", code))
    }

    fn used(this: &Object<ZstdDict>, how: Use) -> Ref<Tuple> {
        Tuple::from_values([this.to_value(), Value::int(how as i32)])
    }
}

#[pymethods]
impl ZstdDict {
    #[new("ZstdDict(dict_content, /, *, is_raw=False)")]
    fn new(vm: &Vm, cls: &TypeObject, dict_content: BufferView, is_raw: bool) -> PyResult {
        let content = dict_content.to_vec();
        if content.len() < 8 {
            return Err(vm.value_error("Zstandard dictionary content too short (must have at least eight bytes)"));
        }
        let id = zstd_safe::get_dict_id(&content).map_or(0, |id| id.get());
        if id == 0 && !is_raw {
            return Err(vm.value_error("invalid Zstandard dictionary"));
        }
        let dictionary = ZstdDict {
            content: Bytes::new(content),
            id,
            compression: GilCell::default(),
            decompression: GilCell::default(),
        };
        Ok(Object::with_type(cls, dictionary).into_value())
    }

    /// The Zstandard dictionary, an int between 0 and 2**32.
    ///
    /// A non-zero value represents an ordinary Zstandard dictionary,
    /// conforming to the standardised format.
    ///
    /// A value of zero indicates a 'raw content' dictionary,
    /// without any restrictions on format or content.
    #[getter("dict_id", member)]
    fn dict_id(&self) -> u32 {
        self.id
    }

    /// The content of a Zstandard dictionary, as a bytes object.
    #[getter("dict_content")]
    fn dict_content(&self) -> Ref<Bytes> {
        self.content.clone()
    }

    /// Load as a digested dictionary to compressor.
    ///
    /// Pass this attribute as zstd_dict argument:
    /// compress(dat, zstd_dict=zd.as_digested_dict)
    #[getter("as_digested_dict")]
    fn as_digested_dict(this: &Object<ZstdDict>) -> Ref<Tuple> {
        Self::used(this, Use::Digested)
    }

    /// Load as an undigested dictionary to compressor.
    ///
    /// Pass this attribute as zstd_dict argument:
    /// compress(dat, zstd_dict=zd.as_undigested_dict)
    #[getter("as_undigested_dict")]
    fn as_undigested_dict(this: &Object<ZstdDict>) -> Ref<Tuple> {
        Self::used(this, Use::Undigested)
    }

    /// Load as a prefix to compressor/decompressor.
    ///
    /// Pass this attribute as zstd_dict argument:
    /// compress(dat, zstd_dict=zd.as_prefix)
    #[getter("as_prefix")]
    fn as_prefix(this: &Object<ZstdDict>) -> Ref<Tuple> {
        Self::used(this, Use::Prefix)
    }

    #[slot(length)]
    fn length(&self) -> PyResult<usize> {
        Ok(self.content.len())
    }

    #[slot(repr)]
    fn repr(&self) -> String {
        format!("<ZstdDict dict_id={} dict_size={}>", self.id, self.content.len())
    }
}

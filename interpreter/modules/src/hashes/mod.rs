//! The modules `_md5`, `_sha1`, `_sha2`, `_sha3` and `_blake2`: hash functions.

mod blake;
mod sha3;

pub use blake::BLAKE2;
pub use sha3::SHA3;

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use sha2::Digest;

/// From how many bytes on CPython would give up its lock.
const GIL_MINIMUM: i64 = 2048;

/// The bytes that a hash function is to read.
fn hashed_bytes(vm: &Vm, data: &Value) -> PyResult<BufferView> {
    if data.downcast::<Str>().is_some() {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    if !buffer::has_buffer(data) {
        return Err(vm.type_error("object supporting the buffer API required"));
    }
    let view = buffer::view_with(vm, data, buffer::flags::ND)?;
    if view.layout().shape.len() > 1 {
        return Err(vm.buffer_error("Buffer must be single dimension"));
    }
    Ok(view)
}

/// The data of a constructor: by position or as `data`, or as `string`.
fn initial_data<'a>(vm: &Vm, data: Option<&'a Value>, string: Option<&'a Value>) -> PyResult<Option<&'a Value>> {
    match (data, string) {
        (Some(_), Some(_)) => Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for \
             removal in a future version.",
        )),
        (data, string) => Ok(data.or(string)),
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

macro_rules! plain_hash {
    ($(#[$meta:meta])* $name:ident: $digest:ty, $python:literal, $module:literal, $shown:literal, block $block:literal) => {
        $(#[$meta])*
        #[pyclass(name = $python, module = $module, no_new)]
        pub struct $name {
            state: GilCell<$digest>,
        }

        impl $name {
            fn make(vm: &Vm, data: Option<&Value>, string: Option<&Value>) -> PyResult<Ref<$name>> {
                let mut state = <$digest>::new();
                if let Some(data) = initial_data(vm, data, string)? {
                    state.update(hashed_bytes(vm, data)?.as_slice());
                }
                Ok(Object::new($name { state: GilCell::new(state) }))
            }
        }

        #[pymethods]
        impl $name {
            /// Return a copy of the hash object.
            #[method("copy(self, /)")]
            fn copy(&self) -> Ref<$name> {
                Object::new($name { state: GilCell::new(self.state.get()) })
            }

            /// Return the digest value as a bytes object.
            #[method("digest(self, /)")]
            fn digest(&self) -> Ref<Bytes> {
                Bytes::new(self.state.get().finalize().to_vec())
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[method("hexdigest(self, /)")]
            fn hexdigest(&self) -> String {
                hexadecimal(&self.state.get().finalize())
            }

            /// Update this hash object's state with the provided string.
            #[method("update(self, obj, /)")]
            fn update(&self, vm: &Vm, obj: &Value) -> PyResult<()> {
                let data = hashed_bytes(vm, obj)?;
                self.state.borrow_mut().update(data.as_slice());
                Ok(())
            }

            #[getter("block_size")]
            fn block_size(&self) -> i32 {
                $block
            }

            #[getter("digest_size")]
            fn digest_size(&self) -> usize {
                <$digest as Digest>::output_size()
            }

            #[getter("name")]
            fn name(&self) -> &'static str {
                $shown
            }
        }
    };
}

plain_hash! {
    /// SHA-224.
    Sha224: sha2::Sha224, "SHA224Type", "_sha2", "sha224", block 64
}
plain_hash! {
    /// SHA-256.
    Sha256: sha2::Sha256, "SHA256Type", "_sha2", "sha256", block 64
}
plain_hash! {
    /// SHA-384.
    Sha384: sha2::Sha384, "SHA384Type", "_sha2", "sha384", block 128
}
plain_hash! {
    /// SHA-512.
    Sha512: sha2::Sha512, "SHA512Type", "_sha2", "sha512", block 128
}
plain_hash! {
    /// SHA-1.
    Sha1: sha1::Sha1, "sha1", "_sha1", "sha1", block 64
}
plain_hash! {
    /// MD5.
    Md5: md5::Md5, "md5", "_md5", "md5", block 64
}

/// The functions of `_sha2`.
struct Sha2Functions;

#[pyfunctions]
impl Sha2Functions {
    /// Return a new SHA-256 hash object; optionally initialized with a string.
    #[function("sha256(data=b'', *, usedforsecurity=True, string=None)")]
    fn sha256(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Sha256>> {
        Sha256::make(vm, data, string)
    }

    /// Return a new SHA-224 hash object; optionally initialized with a string.
    #[function("sha224(data=b'', *, usedforsecurity=True, string=None)")]
    fn sha224(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Sha224>> {
        Sha224::make(vm, data, string)
    }

    /// Return a new SHA-512 hash object; optionally initialized with a string.
    #[function("sha512(data=b'', *, usedforsecurity=True, string=None)")]
    fn sha512(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Sha512>> {
        Sha512::make(vm, data, string)
    }

    /// Return a new SHA-384 hash object; optionally initialized with a string.
    #[function("sha384(data=b'', *, usedforsecurity=True, string=None)")]
    fn sha384(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Sha384>> {
        Sha384::make(vm, data, string)
    }
}

/// The functions of `_sha1`.
struct Sha1Functions;

#[pyfunctions]
impl Sha1Functions {
    /// Return a new SHA1 hash object; optionally initialized with a string.
    #[function("sha1(data=b'', *, usedforsecurity=True, string=None)")]
    fn sha1(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Sha1>> {
        Sha1::make(vm, data, string)
    }
}

/// The functions of `_md5`.
struct Md5Functions;

#[pyfunctions]
impl Md5Functions {
    /// Return a new MD5 hash object; optionally initialized with a string.
    #[function("md5(data=b'', *, usedforsecurity=True, string=None)")]
    fn md5(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Md5>> {
        Md5::make(vm, data, string)
    }
}

/// `_sha2`.
pub mod two {
    use super::*;
    native_module! {
        name: "_sha2", doc: "",
        functions: [Sha2Functions::FUNCTIONS], types: [Sha224, Sha256, Sha384, Sha512],
        execute: |vm, module| {
            module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
            Ok(())
        }
    }
}

/// `_sha1`.
pub mod one {
    use super::*;
    native_module! {
        name: "_sha1", doc: "",
        functions: [Sha1Functions::FUNCTIONS], types: [],
        execute: |vm, module| {
            Sha1::static_type().ready(vm);
            module.set(vm, "SHA1Type", Sha1::static_type().to_value());
            module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
            Ok(())
        }
    }
}

/// `_md5`.
pub mod five {
    use super::*;
    native_module! {
        name: "_md5", doc: "",
        functions: [Md5Functions::FUNCTIONS], types: [],
        execute: |vm, module| {
            Md5::static_type().ready(vm);
            module.set(vm, "MD5Type", Md5::static_type().to_value());
            module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
            Ok(())
        }
    }
}

//! The module `_sha2`: SHA-224, SHA-256, SHA-384 and SHA-512.

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use ::sha2::Digest;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, hexadecimal, initial_data, plain_hash};

plain_hash! {
    /// SHA-224.
    Sha224: ::sha2::Sha224, "SHA224Type", "_sha2", "sha224", block 64
}

plain_hash! {
    /// SHA-256.
    Sha256: ::sha2::Sha256, "SHA256Type", "_sha2", "sha256", block 64
}

plain_hash! {
    /// SHA-384.
    Sha384: ::sha2::Sha384, "SHA384Type", "_sha2", "sha384", block 128
}

plain_hash! {
    /// SHA-512.
    Sha512: ::sha2::Sha512, "SHA512Type", "_sha2", "sha512", block 128
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
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

native_module! {
    name: "_sha2", doc: "",
    functions: [Functions::FUNCTIONS], types: [Sha224, Sha256, Sha384, Sha512],
    execute: |vm, module| {
        module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
        Ok(())
    }
}

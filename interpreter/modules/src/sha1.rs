//! The module `_sha1`: SHA-1.

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use ::sha1::Digest;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, hexadecimal, initial_data, plain_hash};

plain_hash! {
    /// SHA-1.
    Sha1: ::sha1::Sha1, "sha1", "_sha1", "sha1", block 64
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a new SHA1 hash object; optionally initialized with a string.
    #[function("sha1(data=b'', *, usedforsecurity=True, string=None)")]
    fn sha1(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Sha1>> {
        Sha1::make(vm, data, string)
    }
}

native_module! {
    name: "_sha1", doc: "",
    functions: [Functions::FUNCTIONS], types: [],
    execute: |vm, module| {
        Sha1::static_type().ready(vm);
        module.set(vm, "SHA1Type", Sha1::static_type().to_value());
        module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
        Ok(())
    }
}

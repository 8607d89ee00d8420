//! The module `_md5`: MD5.

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use ::md5::Digest;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, hexadecimal, initial_data, plain_hash};

plain_hash! {
    /// MD5.
    Md5: ::md5::Md5, "md5", "_md5", "md5", block 64
}

/// The functions of the module.
struct Functions;

#[pyfunctions]
impl Functions {
    /// Return a new MD5 hash object; optionally initialized with a string.
    #[function("md5(data=b'', *, usedforsecurity=True, string=None)")]
    fn md5(vm: &Vm, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult<Ref<Md5>> {
        Md5::make(vm, data, string)
    }
}

native_module! {
    name: "_md5", doc: "",
    functions: [Functions::FUNCTIONS], types: [],
    execute: |vm, module| {
        Md5::static_type().ready(vm);
        module.set(vm, "MD5Type", Md5::static_type().to_value());
        module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
        Ok(())
    }
}

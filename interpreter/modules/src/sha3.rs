//! The module `_sha3`: SHA-3 and the extendable SHAKE functions.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, hexadecimal, initial_data};
use crate::sponge::Sponge;

/// What follows the message of SHA-3.
const SHA3: u8 = 0x06;

/// What follows the message of SHAKE.
const SHAKE: u8 = 0x1f;

/// A sponge that has absorbed the data of a constructor.
fn filled(vm: &Vm, mut sponge: Sponge, data: Option<&Value>, string: Option<&Value>) -> PyResult<Sponge> {
    if let Some(data) = initial_data(vm, data, string)? {
        sponge.absorb(hashed_bytes(vm, data)?.as_slice());
    }
    Ok(sponge)
}

/// So many bytes of output.
fn squeezed(state: &GilCell<Sponge>, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    state.get().squeeze(&mut out);
    out
}

macro_rules! sponge {
    ($(#[$meta:meta])* $name:ident: $python:literal, $signature:literal, rate $rate:literal, digest $digest:literal) => {
        $(#[$meta])*
        #[pyclass(name = $python, module = "_sha3")]
        pub struct $name {
            state: GilCell<Sponge>,
        }

        #[pymethods]
        impl $name {
            #[new($signature)]
            fn new(vm: &Vm, cls: &TypeObject, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult {
                let state = filled(vm, Sponge::new($rate, SHA3), data, string)?;
                Ok(Object::with_type(cls, $name { state: GilCell::new(state) }).into_value())
            }

            /// Return a copy of the hash object.
            #[method("copy(self, /)")]
            fn copy(&self) -> Ref<$name> {
                Object::new($name { state: GilCell::new(self.state.get()) })
            }

            /// Return the digest value as a bytes object.
            #[method("digest(self, /)")]
            fn digest(&self) -> Ref<Bytes> {
                Bytes::new(squeezed(&self.state, $digest))
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[method("hexdigest(self, /)")]
            fn hexdigest(&self) -> String {
                hexadecimal(&squeezed(&self.state, $digest))
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[method("update(self, data, /)")]
            fn update(&self, vm: &Vm, data: &Value) -> PyResult<()> {
                let data = hashed_bytes(vm, data)?;
                self.state.borrow_mut().absorb(data.as_slice());
                Ok(())
            }

            #[getter("block_size")]
            fn block_size(&self) -> i32 {
                $rate
            }

            #[getter("digest_size")]
            fn digest_size(&self) -> usize {
                $digest
            }

            #[getter("name")]
            fn name(&self) -> &'static str {
                $python
            }

            #[getter("_rate_bits")]
            fn rate_bits(&self) -> i32 {
                $rate * 8
            }

            #[getter("_capacity_bits")]
            fn capacity_bits(&self) -> i32 {
                1600 - $rate * 8
            }

            #[getter("_suffix")]
            fn suffix(&self) -> Ref<Bytes> {
                Bytes::new(vec![SHA3])
            }
        }
    };
}

macro_rules! extendable {
    ($(#[$meta:meta])* $name:ident: $python:literal, $signature:literal, rate $rate:literal) => {
        $(#[$meta])*
        #[pyclass(name = $python, module = "_sha3")]
        pub struct $name {
            state: GilCell<Sponge>,
        }

        #[pymethods]
        impl $name {
            #[new($signature)]
            fn new(vm: &Vm, cls: &TypeObject, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult {
                let state = filled(vm, Sponge::new($rate, SHAKE), data, string)?;
                Ok(Object::with_type(cls, $name { state: GilCell::new(state) }).into_value())
            }

            /// Return a copy of the hash object.
            #[method("copy(self, /)")]
            fn copy(&self) -> Ref<$name> {
                Object::new($name { state: GilCell::new(self.state.get()) })
            }

            /// Return the digest value as a bytes object.
            #[method("digest(self, length)")]
            fn digest(&self, vm: &Vm, length: &Value) -> PyResult<Ref<Bytes>> {
                Ok(Bytes::new(squeezed(&self.state, output_length(vm, length)?)))
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[method("hexdigest(self, length)")]
            fn hexdigest(&self, vm: &Vm, length: &Value) -> PyResult<String> {
                Ok(hexadecimal(&squeezed(&self.state, output_length(vm, length)?)))
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[method("update(self, data, /)")]
            fn update(&self, vm: &Vm, data: &Value) -> PyResult<()> {
                let data = hashed_bytes(vm, data)?;
                self.state.borrow_mut().absorb(data.as_slice());
                Ok(())
            }

            #[getter("block_size")]
            fn block_size(&self) -> i32 {
                $rate
            }

            #[getter("digest_size")]
            fn digest_size(&self) -> i32 {
                0
            }

            #[getter("name")]
            fn name(&self) -> &'static str {
                $python
            }

            #[getter("_rate_bits")]
            fn rate_bits(&self) -> i32 {
                $rate * 8
            }

            #[getter("_capacity_bits")]
            fn capacity_bits(&self) -> i32 {
                1600 - $rate * 8
            }

            #[getter("_suffix")]
            fn suffix(&self) -> Ref<Bytes> {
                Bytes::new(vec![SHAKE])
            }
        }
    };
}

/// How many bytes are asked for.
fn output_length(vm: &Vm, length: &Value) -> PyResult<usize> {
    let number = int::to_big(vm, length)?;
    if number.sign() == num_bigint::Sign::Minus {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    match usize::try_from(number) {
        Ok(length) if length < 1 << 29 => Ok(length),
        Ok(_) => Err(vm.value_error("length is too large")),
        Err(_) => Err(vm.overflow_error("Python int too large for C unsigned long")),
    }
}

sponge! {
    /// SHA3-224 hash object.
    Sha3224: "sha3_224", "sha3_224(data=b'', *, usedforsecurity=True, string=None)", rate 144, digest 28
}
sponge! {
    /// SHA3-256 hash object.
    Sha3256: "sha3_256", "sha3_256(data=b'', *, usedforsecurity=True, string=None)", rate 136, digest 32
}
sponge! {
    /// SHA3-384 hash object.
    Sha3384: "sha3_384", "sha3_384(data=b'', *, usedforsecurity=True, string=None)", rate 104, digest 48
}
sponge! {
    /// SHA3-512 hash object.
    Sha3512: "sha3_512", "sha3_512(data=b'', *, usedforsecurity=True, string=None)", rate 72, digest 64
}
extendable! {
    /// SHAKE-128 hash object.
    Shake128: "shake_128", "shake_128(data=b'', *, usedforsecurity=True, string=None)", rate 168
}
extendable! {
    /// SHAKE-256 hash object.
    Shake256: "shake_256", "shake_256(data=b'', *, usedforsecurity=True, string=None)", rate 136
}

native_module! {
    name: "_sha3", doc: "",
    functions: [], types: [Sha3224, Sha3256, Sha3384, Sha3512, Shake128, Shake256],
    execute: |vm, module| {
        module.set_str(vm, "implementation", "HACL");
        module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
        Ok(())
    }
}

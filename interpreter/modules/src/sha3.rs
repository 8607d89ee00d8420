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
use ::sha3::digest::{ExtendableOutput, Update, XofReader};
use ::sha3::Digest;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, hexadecimal, initial_data};

macro_rules! sponge {
    ($(#[$meta:meta])* $name:ident: $digest:ty, $python:literal, $signature:literal, rate $rate:literal) => {
        $(#[$meta])*
        #[pyclass(name = $python, module = "_sha3")]
        pub struct $name {
            state: GilCell<$digest>,
        }

        #[pymethods]
        impl $name {
            #[new($signature)]
            fn new(vm: &Vm, cls: &TypeObject, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult {
                let mut state = <$digest>::default();
                if let Some(data) = initial_data(vm, data, string)? {
                    Update::update(&mut state, hashed_bytes(vm, data)?.as_slice());
                }
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
                Bytes::new(self.state.get().finalize().to_vec())
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[method("hexdigest(self, /)")]
            fn hexdigest(&self) -> String {
                hexadecimal(&self.state.get().finalize())
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[method("update(self, data, /)")]
            fn update(&self, vm: &Vm, data: &Value) -> PyResult<()> {
                let data = hashed_bytes(vm, data)?;
                Update::update(&mut *self.state.borrow_mut(), data.as_slice());
                Ok(())
            }

            #[getter("block_size")]
            fn block_size(&self) -> i32 {
                $rate / 8
            }

            #[getter("digest_size")]
            fn digest_size(&self) -> usize {
                <$digest as Digest>::output_size()
            }

            #[getter("name")]
            fn name(&self) -> &'static str {
                $python
            }

            #[getter("_rate_bits")]
            fn rate_bits(&self) -> i32 {
                $rate
            }

            #[getter("_capacity_bits")]
            fn capacity_bits(&self) -> i32 {
                1600 - $rate
            }

            #[getter("_suffix")]
            fn suffix(&self) -> Ref<Bytes> {
                Bytes::new(vec![6])
            }
        }
    };
}

macro_rules! extendable {
    ($(#[$meta:meta])* $name:ident: $digest:ty, $python:literal, $signature:literal, rate $rate:literal) => {
        $(#[$meta])*
        #[pyclass(name = $python, module = "_sha3")]
        pub struct $name {
            state: GilCell<$digest>,
        }

        impl $name {
            fn read(&self, vm: &Vm, length: &Value) -> PyResult<Vec<u8>> {
                let length = output_length(vm, length)?;
                let mut out = vec![0; length];
                self.state.get().finalize_xof().read(&mut out);
                Ok(out)
            }
        }

        #[pymethods]
        impl $name {
            #[new($signature)]
            fn new(vm: &Vm, cls: &TypeObject, data: Option<&Value>, _security: bool, string: Option<&Value>) -> PyResult {
                let mut state = <$digest>::default();
                if let Some(data) = initial_data(vm, data, string)? {
                    Update::update(&mut state, hashed_bytes(vm, data)?.as_slice());
                }
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
                Ok(Bytes::new(self.read(vm, length)?))
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[method("hexdigest(self, length)")]
            fn hexdigest(&self, vm: &Vm, length: &Value) -> PyResult<String> {
                Ok(hexadecimal(&self.read(vm, length)?))
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[method("update(self, data, /)")]
            fn update(&self, vm: &Vm, data: &Value) -> PyResult<()> {
                let data = hashed_bytes(vm, data)?;
                Update::update(&mut *self.state.borrow_mut(), data.as_slice());
                Ok(())
            }

            #[getter("block_size")]
            fn block_size(&self) -> i32 {
                $rate / 8
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
                $rate
            }

            #[getter("_capacity_bits")]
            fn capacity_bits(&self) -> i32 {
                1600 - $rate
            }

            #[getter("_suffix")]
            fn suffix(&self) -> Ref<Bytes> {
                Bytes::new(vec![0x1f])
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
    Sha3224: ::sha3::Sha3_224, "sha3_224", "sha3_224(data=b'', *, usedforsecurity=True, string=None)", rate 1152
}
sponge! {
    /// SHA3-256 hash object.
    Sha3256: ::sha3::Sha3_256, "sha3_256", "sha3_256(data=b'', *, usedforsecurity=True, string=None)", rate 1088
}
sponge! {
    /// SHA3-384 hash object.
    Sha3384: ::sha3::Sha3_384, "sha3_384", "sha3_384(data=b'', *, usedforsecurity=True, string=None)", rate 832
}
sponge! {
    /// SHA3-512 hash object.
    Sha3512: ::sha3::Sha3_512, "sha3_512", "sha3_512(data=b'', *, usedforsecurity=True, string=None)", rate 576
}
extendable! {
    /// SHAKE-128 hash object.
    Shake128: ::sha3::Shake128, "shake_128", "shake_128(data=b'', *, usedforsecurity=True, string=None)", rate 1344
}
extendable! {
    /// SHAKE-256 hash object.
    Shake256: ::sha3::Shake256, "shake_256", "shake_256(data=b'', *, usedforsecurity=True, string=None)", rate 1088
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

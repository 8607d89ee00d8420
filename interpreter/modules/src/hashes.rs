//! What the modules of hash functions share: reading of arguments, and the type of a plain hash function.

use num_bigint::{BigInt, Sign};
use rspy_runtime::buffer::{self, BufferView};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// From how many bytes on CPython would give up its lock.
pub const GIL_MINIMUM: i64 = 2048;

/// The bytes that a hash function is to read.
pub fn hashed_bytes(vm: &Vm, data: &Value) -> PyResult<BufferView> {
    if data.downcast::<Str>().is_some() {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    if !buffer::has_buffer(data) {
        return Err(vm.type_error("object supporting the buffer API required"));
    }
    buffer::view(vm, data)
}

/// The data of a constructor: by position or as `data`, or as `string`.
pub fn initial_data<'a>(
    vm: &Vm,
    data: Option<&'a Value>,
    string: Option<&'a Value>,
) -> PyResult<Option<&'a Value>> {
    match (data, string) {
        (Some(_), Some(_)) => Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for \
             removal in a future version.",
        )),
        (data, string) => Ok(data.or(string)),
    }
}

/// A number that may not be negative.
pub fn unsigned(vm: &Vm, number: &BigInt, limit: u64, too_large: &str) -> PyResult<u64> {
    if number.sign() == Sign::Minus {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    u64::try_from(number).ok().filter(|&number| number <= limit).ok_or_else(|| vm.overflow_error(too_large))
}

/// Bytes in hexadecimal digits.
pub fn hexadecimal(digest: &[u8]) -> String {
    let digit = |number| b"0123456789abcdef"[usize::from(number)];
    let mut text = Vec::with_capacity(digest.len() * 2);
    digest.iter().for_each(|byte| text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]));
    String::from_utf8(text).expect("digits are ASCII")
}

/// Declares the type of a hash function without parameters.
macro_rules! plain_hash {
    ($(#[$meta:meta])* $name:ident: $digest:ty, $python:literal, $module:literal, $shown:literal, block $block:literal) => {
        $(#[$meta])*
        #[rspy_macros::pyclass(name = $python, module = $module, no_new)]
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

        #[rspy_macros::pymethods]
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

pub(crate) use plain_hash;

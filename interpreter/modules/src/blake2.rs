//! The module `_blake2`: BLAKE2 with all its parameters.

use num_bigint::BigInt;
use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer::BufferView;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::hashes::{GIL_MINIMUM, hashed_bytes, hexadecimal, initial_data, unsigned};

macro_rules! blake {
    (
        $(#[$meta:meta])* $name:ident, $library:ident, $python:literal, $title:literal, $signature:literal,
        block $block:literal, digest $digest:literal, extra $extra:literal, offset $offset:expr, $offset_error:literal
    ) => {
        $(#[$meta])*
        #[pyclass(name = $python, module = "_blake2")]
        pub struct $name {
            state: GilCell<$library::State>,
            size: usize,
        }

        #[pymethods]
        impl $name {
            #[new($signature)]
            fn new(
                vm: &Vm,
                cls: &TypeObject,
                data: Option<&Value>,
                digest_size: i32,
                key: Option<BufferView>,
                salt: Option<BufferView>,
                person: Option<BufferView>,
                fanout: i32,
                depth: i32,
                leaf_size: Option<BigInt>,
                node_offset: Option<BigInt>,
                node_depth: i32,
                inner_size: i32,
                last_node: bool,
                _security: bool,
                string: Option<&Value>,
            ) -> PyResult {
                let data = initial_data(vm, data, string)?;
                if digest_size <= 0 || digest_size > $digest {
                    return Err(vm.value_error(format!(
                        concat!("digest_size for ", $title, " must be between 1 and {} bytes, here it is {}"),
                        $digest, digest_size
                    )));
                }
                let mut parameters = $library::Params::new();
                parameters.hash_length(digest_size as usize);
                if let Some(salt) = &salt {
                    if salt.len() > $extra {
                        return Err(vm.value_error(format!("maximum salt length is {} bytes", $extra)));
                    }
                    parameters.salt(salt.as_slice());
                }
                if let Some(person) = &person {
                    if person.len() > $extra {
                        return Err(vm.value_error(format!("maximum person length is {} bytes", $extra)));
                    }
                    parameters.personal(person.as_slice());
                }
                let Ok(fanout) = u8::try_from(fanout) else {
                    return Err(vm.value_error("fanout must be between 0 and 255"));
                };
                let Some(depth) = u8::try_from(depth).ok().filter(|&depth| depth > 0) else {
                    return Err(vm.value_error("depth must be between 1 and 255"));
                };
                let zero = BigInt::ZERO;
                let leaf_size =
                    unsigned(vm, leaf_size.as_ref().unwrap_or(&zero), u32::MAX.into(), "leaf_size is too large")?;
                let node_offset =
                    unsigned(vm, node_offset.as_ref().unwrap_or(&zero), $offset, $offset_error)?;
                let Ok(node_depth) = u8::try_from(node_depth) else {
                    return Err(vm.value_error("node_depth must be between 0 and 255"));
                };
                let Some(inner_size) = usize::try_from(inner_size).ok().filter(|&size| size <= $digest) else {
                    return Err(vm.value_error(format!("inner_size must be between 0 and is {}", $digest)));
                };
                if let Some(key) = &key {
                    if key.len() > $digest {
                        return Err(vm.value_error(format!("maximum key length is {} bytes", $digest)));
                    }
                    parameters.key(key.as_slice());
                }
                parameters
                    .fanout(fanout)
                    .max_depth(depth)
                    .max_leaf_length(leaf_size as u32)
                    .node_offset(node_offset)
                    .node_depth(node_depth)
                    .inner_hash_length(inner_size)
                    .last_node(last_node);
                let mut state = parameters.to_state();
                if let Some(data) = data {
                    state.update(hashed_bytes(vm, data)?.as_slice());
                }
                Ok(Object::with_type(cls, $name { state: GilCell::new(state), size: digest_size as usize }).into_value())
            }

            /// Return a copy of the hash object.
            #[method("copy(self, /)")]
            fn copy(&self) -> Ref<$name> {
                Object::new($name { state: GilCell::new(self.state.get()), size: self.size })
            }

            /// Update this hash object's state with the provided bytes-like object.
            #[method("update(self, data, /)")]
            fn update(&self, vm: &Vm, data: &Value) -> PyResult<()> {
                let data = hashed_bytes(vm, data)?;
                self.state.borrow_mut().update(data.as_slice());
                Ok(())
            }

            /// Return the digest value as a bytes object.
            #[method("digest(self, /)")]
            fn digest(&self) -> Ref<Bytes> {
                Bytes::new(self.state.borrow().finalize().as_bytes().to_vec())
            }

            /// Return the digest value as a string of hexadecimal digits.
            #[method("hexdigest(self, /)")]
            fn hexdigest(&self) -> String {
                hexadecimal(self.state.borrow().finalize().as_bytes())
            }

            #[getter("name")]
            fn name(&self) -> &'static str {
                $python
            }

            #[getter("block_size")]
            fn block_size(&self) -> i32 {
                $block
            }

            #[getter("digest_size")]
            fn digest_size(&self) -> usize {
                self.size
            }
        }
    };
}

blake! {
    /// Return a new BLAKE2b hash object.
    Blake2b, blake2b_simd, "blake2b", "Blake2b",
    "blake2b(data=b'', *, digest_size=64, key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, usedforsecurity=True, string=None)",
    block 128, digest 64, extra 16, offset u64::MAX, "Python int too large for C unsigned long long"
}
blake! {
    /// Return a new BLAKE2s hash object.
    Blake2s, blake2s_simd, "blake2s", "Blake2s",
    "blake2s(data=b'', *, digest_size=32, key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, usedforsecurity=True, string=None)",
    block 64, digest 32, extra 8, offset (1 << 48) - 1, "node_offset is too large"
}

native_module! {
    name: "_blake2", doc: "_blake2b provides BLAKE2b for hashlib\n",
    functions: [], types: [Blake2b, Blake2s],
    execute: |vm, module| {
        for (typ, prefix, digest, extra) in
            [(Blake2b::static_type(), "BLAKE2B", 64, 16), (Blake2s::static_type(), "BLAKE2S", 32, 8)]
        {
            for (name, number) in
                [("MAX_DIGEST_SIZE", digest), ("MAX_KEY_SIZE", digest), ("SALT_SIZE", extra), ("PERSON_SIZE", extra)]
            {
                typ.dict().set_str(&vm.intern(name), int::new(number));
                module.set_int(vm, &format!("{prefix}_{name}"), number);
            }
        }
        module.set_int(vm, "_GIL_MINSIZE", GIL_MINIMUM);
        Ok(())
    }
}

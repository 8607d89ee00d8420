//! The types `HASH` and `HASHXOF`: the state of a hash function.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::algorithm::{Algorithm, MOST_BYTES};
use super::shared::{Shared, update_alone};
use crate::hashes::{hashed_bytes, hexadecimal};

/// What a hash function knows of a message.
///
/// Methods:
///
/// update() -- go on with the message
/// digest() -- the digest of the message so far
/// hexdigest() -- the same in hexadecimal digits
/// copy() -- another object that knows the same
///
/// Attributes:
///
/// name -- the name of the hash function
/// digest_size -- how many bytes the digest has
#[pyclass(name = "HASH", module = "_hashlib", signature = "(name, string=b'')", subclassable, no_new)]
pub struct Hash {
    algorithm: &'static Algorithm,
    state: Shared,
}

/// What a hash function knows of a message whose digest is as long as is wanted.
///
/// Methods:
///
/// update() -- go on with the message
/// digest(length) -- so many bytes of the digest of the message so far
/// hexdigest(length) -- the same in hexadecimal digits
/// copy() -- another object that knows the same
///
/// Attributes:
///
/// name -- the name of the hash function
/// digest_size -- 0, as there is no fixed size
#[pyclass(
    name = "HASHXOF", module = "_hashlib", extends = Hash, signature = "(name, string=b'')", subclassable, no_new
)]
#[repr(C)]
pub struct HashXof {
    hash: Hash,
}

impl Hash {
    /// The object for a hash function, which has read some data.
    pub fn make(vm: &Vm, algorithm: &'static Algorithm, data: &[u8]) -> Value {
        let mut state = (algorithm.start)();
        if !data.is_empty() {
            update_alone(vm, &mut state, data);
        }
        Hash { algorithm, state: Shared::new(state) }.into_object()
    }

    fn into_object(self) -> Value {
        if self.algorithm.is_extendable() {
            Object::new(HashXof { hash: self }).into_value()
        } else {
            Object::new(self).into_value()
        }
    }
}

#[pymethods]
impl Hash {
    #[slot(repr)]
    fn repr(this: &Object<Hash>) -> String {
        let value = this.as_value();
        let typ = value.type_of().full_name();
        format!("<{} {typ} object @ {:#x}>", this.payload().algorithm.shown(), value.id())
    }

    /// Go on with the message.
    #[method("update(self, obj, /)")]
    fn update(&self, vm: &Vm, obj: &Value) -> PyResult<()> {
        self.state.update(vm, hashed_bytes(vm, obj)?.as_slice());
        Ok(())
    }

    /// The digest of the message so far.
    #[method("digest(self, /)")]
    fn digest(&self, vm: &Vm) -> PyResult<Ref<Bytes>> {
        Bytes::filled(self.algorithm.digest_size, |room| {
            self.state.get(vm).finish(room);
            Ok(())
        })
    }

    /// The digest of the message so far, in hexadecimal digits.
    #[method("hexdigest(self, /)")]
    fn hexdigest(&self, vm: &Vm) -> String {
        let mut room = [0; MOST_BYTES];
        let room = &mut room[..self.algorithm.digest_size];
        self.state.get(vm).finish(room);
        hexadecimal(room)
    }

    /// Another object that knows the same.
    #[method("copy(self, /)")]
    fn copy(&self, vm: &Vm) -> Value {
        Hash { algorithm: self.algorithm, state: Shared::new(self.state.get(vm)) }.into_object()
    }

    #[getter("digest_size")]
    fn digest_size(&self) -> usize {
        self.algorithm.digest_size
    }

    #[getter("block_size")]
    fn block_size(&self) -> usize {
        self.algorithm.block_size
    }

    #[getter("name")]
    fn name(&self) -> &'static str {
        self.algorithm.shown()
    }
}

/// A number of bytes, which may still be negative.
fn size(vm: &Vm, length: &Value) -> PyResult<isize> {
    let length = int::to_big(vm, length)?;
    isize::try_from(length).map_err(|_| vm.overflow_error("Python int too large to convert to C ssize_t"))
}

impl HashXof {
    fn read(&self, vm: &Vm, length: usize) -> PyResult<Vec<u8>> {
        let mut out = Vec::new();
        out.try_reserve_exact(length).map_err(|_| vm.memory_error())?;
        out.resize(length, 0);
        self.hash.state.get(vm).finish(&mut out);
        Ok(out)
    }
}

#[pymethods]
impl HashXof {
    /// So many bytes of the digest of the message so far.
    #[method("digest(self, length)")]
    fn digest(&self, vm: &Vm, length: &Value) -> PyResult<Ref<Bytes>> {
        /// What a `bytes` object of CPython takes beside its bytes.
        const OVERHEAD: usize = 33;
        let Ok(length) = usize::try_from(size(vm, length)?) else {
            return Err(vm.system_error("Negative size passed to PyBytes_FromStringAndSize"));
        };
        if length > isize::MAX as usize - OVERHEAD {
            return Err(vm.overflow_error("byte string is too large"));
        }
        Ok(Bytes::new(self.read(vm, length)?))
    }

    /// So many bytes of the digest of the message so far, in hexadecimal digits.
    #[method("hexdigest(self, length)")]
    fn hexdigest(&self, vm: &Vm, length: &Value) -> PyResult<String> {
        let length = usize::try_from(size(vm, length)?).map_err(|_| vm.memory_error())?;
        Ok(hexadecimal(&self.read(vm, length)?))
    }

    #[getter("digest_size")]
    fn digest_size(&self) -> usize {
        0
    }
}

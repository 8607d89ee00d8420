//! HMAC (RFC 2104) over any hash function, and the type `HMAC`.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::algorithm::{Algorithm, MOST_BLOCK, MOST_BYTES};
use super::shared::Shared;
use super::state::State;
use crate::hashes::{hashed_bytes, hexadecimal};

/// A hash function with a key: what it knows once the key was read, which is before any message.
#[derive(Clone)]
pub struct Keyed {
    algorithm: &'static Algorithm,
    inner: State,
    outer: State,
}

impl Keyed {
    /// A hash function of fixed length with a key.
    pub fn new(algorithm: &'static Algorithm, key: &[u8]) -> Keyed {
        let mut block = [0; MOST_BLOCK];
        let block = &mut block[..algorithm.block_size];
        if key.len() > block.len() {
            let mut state = (algorithm.start)();
            state.update(key);
            state.finish(&mut block[..algorithm.digest_size]);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let mut padded = |pad: u8| {
            let mut state = (algorithm.start)();
            block.iter_mut().for_each(|byte| *byte ^= pad);
            state.update(block);
            state
        };
        // What the first pad did to the block is undone with the second.
        Keyed { algorithm, inner: padded(0x36), outer: padded(0x36 ^ 0x5c) }
    }

    /// Writes the tag of a message that comes in parts.
    pub fn tag(&self, message: &[&[u8]], out: &mut [u8]) {
        let mut inner = self.inner.clone();
        message.iter().for_each(|part| inner.update(part));
        self.finish(inner, out);
    }

    /// The tag of a message that is as long as a tag, in its place.
    pub fn next(&self, message: &mut [u8]) {
        let mut inner = self.inner.clone();
        inner.update(message);
        self.finish(inner, message);
    }

    /// Writes the tag of what the inner function has read.
    fn finish(&self, inner: State, out: &mut [u8]) {
        inner.finish(out);
        let mut outer = self.outer.clone();
        outer.update(out);
        outer.finish(out);
    }
}

/// What is known of a message with a key.
///
/// Methods:
///
/// update() -- go on with the message
/// digest() -- the tag of the message so far
/// hexdigest() -- the same in hexadecimal digits
/// copy() -- another object that knows the same
///
/// Attributes:
///
/// name -- the name, with that of the hash function
/// digest_size -- how many bytes the tag has
#[pyclass(name = "HMAC", module = "_hashlib", no_new)]
pub struct Hmac {
    keyed: Keyed,
    running: Shared,
}

impl Hmac {
    /// The object for a key, before any message.
    pub fn make(algorithm: &'static Algorithm, key: &[u8]) -> Ref<Hmac> {
        let keyed = Keyed::new(algorithm, key);
        let running = Shared::new(keyed.inner.clone());
        Object::new(Hmac { keyed, running })
    }

    fn finish(&self, vm: &Vm, out: &mut [u8]) {
        self.keyed.finish(self.running.get(vm), out);
    }
}

#[pymethods]
impl Hmac {
    #[slot(repr)]
    fn repr(this: &Object<Hmac>) -> String {
        format!("<{} HMAC object @ {:#x}>", this.payload().keyed.algorithm.shown(), this.as_value().id())
    }

    /// Go on with the message.
    #[method("update(self, msg)")]
    pub fn update(&self, vm: &Vm, msg: &Value) -> PyResult<()> {
        self.running.update(vm, hashed_bytes(vm, msg)?.as_slice());
        Ok(())
    }

    /// The tag of the message so far.
    #[method("digest(self)")]
    fn digest(&self, vm: &Vm) -> PyResult<Ref<Bytes>> {
        Bytes::filled(self.digest_size(), |room| {
            self.finish(vm, room);
            Ok(())
        })
    }

    /// The tag of the message so far, in hexadecimal digits.
    ///
    /// These pass unharmed through mail and other places that are made for text.
    #[method("hexdigest(self)")]
    fn hexdigest(&self, vm: &Vm) -> String {
        let mut room = [0; MOST_BYTES];
        let room = &mut room[..self.digest_size()];
        self.finish(vm, room);
        hexadecimal(room)
    }

    /// Another object that knows the same.
    #[method("copy(self)")]
    fn copy(&self, vm: &Vm) -> Ref<Hmac> {
        Object::new(Hmac { keyed: self.keyed.clone(), running: Shared::new(self.running.get(vm)) })
    }

    #[getter("digest_size")]
    fn digest_size(&self) -> usize {
        self.keyed.algorithm.digest_size
    }

    #[getter("block_size")]
    fn block_size(&self) -> usize {
        self.keyed.algorithm.block_size
    }

    #[getter("name")]
    fn name(&self) -> String {
        format!("hmac-{}", self.keyed.algorithm.shown())
    }
}

//! The state of any hash function as one type, so that what is built upon hash functions exists once.

use digest::core_api::RtVariableCoreWrapper;
use digest::generic_array::GenericArray;
use digest::{FixedOutput, Update, VariableOutput};
use md5::Md5;
use ripemd::Ripemd160;
use sha1::Sha1;
use sha2::{Sha256VarCore, Sha512VarCore};
use sm3::Sm3;

use crate::sponge::Sponge;

/// What a hash function knows of the message so far.
pub struct State(Function);

/// The states by function. Those that differ in their first values and in how much of the result they give share one.
#[derive(Clone)]
enum Function {
    /// MD5.
    Md5(Md5),
    /// SHA-1.
    Sha1(Sha1),
    /// Both, one after the other, as in TLS before version 1.2.
    Md5Sha1(Md5, Sha1),
    /// RIPEMD-160.
    Ripemd160(Ripemd160),
    /// SM3.
    Sm3(Sm3),
    /// SHA-224 and SHA-256.
    Sha256(RtVariableCoreWrapper<Sha256VarCore>),
    /// SHA-384, SHA-512 and the shorter forms of the latter.
    Sha512(RtVariableCoreWrapper<Sha512VarCore>),
    /// BLAKE2b without parameters.
    Blake2b(blake2b_simd::State),
    /// BLAKE2s without parameters.
    Blake2s(blake2s_simd::State),
    /// SHA-3, SHAKE, Keccak.
    Sponge(Sponge),
}

impl Clone for State {
    // Copies are made in many places, and one is a dozen of them.
    #[inline(never)]
    fn clone(&self) -> State {
        State(self.0.clone())
    }
}

impl State {
    /// MD5.
    pub fn md5() -> State {
        State(Function::Md5(Md5::default()))
    }

    /// SHA-1.
    pub fn sha1() -> State {
        State(Function::Sha1(Sha1::default()))
    }

    /// MD5 and SHA-1.
    pub fn md5_sha1() -> State {
        State(Function::Md5Sha1(Md5::default(), Sha1::default()))
    }

    /// RIPEMD-160.
    pub fn ripemd160() -> State {
        State(Function::Ripemd160(Ripemd160::default()))
    }

    /// SM3.
    pub fn sm3() -> State {
        State(Function::Sm3(Sm3::default()))
    }

    /// SHA-224 or SHA-256, by their size.
    pub fn sha256(size: usize) -> State {
        State(Function::Sha256(RtVariableCoreWrapper::new(size).expect("a size that the function has")))
    }

    /// SHA-384, SHA-512, SHA-512/224 or SHA-512/256, by their size.
    pub fn sha512(size: usize) -> State {
        State(Function::Sha512(RtVariableCoreWrapper::new(size).expect("a size that the function has")))
    }

    /// BLAKE2b.
    pub fn blake2b() -> State {
        State(Function::Blake2b(blake2b_simd::State::new()))
    }

    /// BLAKE2s.
    pub fn blake2s() -> State {
        State(Function::Blake2s(blake2s_simd::State::new()))
    }

    /// SHA-3, SHAKE or Keccak, by the size of a block and what follows the message.
    pub fn sponge(rate: u8, suffix: u8) -> State {
        State(Function::Sponge(Sponge::new(rate, suffix)))
    }

    /// Goes on with the message.
    pub fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            Function::Md5(state) => state.update(data),
            Function::Sha1(state) => state.update(data),
            Function::Md5Sha1(first, second) => {
                first.update(data);
                second.update(data);
            }
            Function::Ripemd160(state) => state.update(data),
            Function::Sm3(state) => state.update(data),
            Function::Sha256(state) => state.update(data),
            Function::Sha512(state) => state.update(data),
            Function::Blake2b(state) => {
                state.update(data);
            }
            Function::Blake2s(state) => {
                state.update(data);
            }
            Function::Sponge(state) => state.absorb(data),
        }
    }

    /// Ends the message and writes the result. The room must have the function's size, for those that give as much as
    /// is wanted any.
    pub fn finish(self, out: &mut [u8]) {
        match self.0 {
            Function::Md5(state) => state.finalize_into(GenericArray::from_mut_slice(out)),
            Function::Sha1(state) => state.finalize_into(GenericArray::from_mut_slice(out)),
            Function::Md5Sha1(first, second) => {
                let (left, right) = out.split_at_mut(16);
                first.finalize_into(GenericArray::from_mut_slice(left));
                second.finalize_into(GenericArray::from_mut_slice(right));
            }
            Function::Ripemd160(state) => state.finalize_into(GenericArray::from_mut_slice(out)),
            Function::Sm3(state) => state.finalize_into(GenericArray::from_mut_slice(out)),
            Function::Sha256(state) => state.finalize_variable(out).expect("room for the result"),
            Function::Sha512(state) => state.finalize_variable(out).expect("room for the result"),
            Function::Blake2b(state) => out.copy_from_slice(state.finalize().as_bytes()),
            Function::Blake2s(state) => out.copy_from_slice(state.finalize().as_bytes()),
            Function::Sponge(state) => state.squeeze(out),
        }
    }
}

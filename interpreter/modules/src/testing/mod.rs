//! The modules with which CPython's own tests reach below the language: what of them has a counterpart here.
//!
//! Nothing of the standard library imports them. What they offer in CPython and is about its C interface, its
//! allocators or its extension files is absent.

pub mod capi;
mod crossing;
pub mod extensions;
mod instructions;
pub mod internal;
pub mod limited;
mod misbehaving;
pub mod multi_phase;
pub mod single_phase;
mod variable_counts;

//! Freezes folders of Python files into containers: the standard library into `rspy`, an application behind it.
//!
//! The way through: [`Tree`] finds out what a folder holds, [`compile_file`] compiles one file of it, [`freeze`]
//! does that for all of them on all cores and hands the result to the container's writer (`rspy_archive`).
//! [`parity`] compares what the compiler makes with what CPython was recorded to make, [`mutation`] does that for altered
//! sources.
//!
//! It needs the compiler and not the interpreter: it runs in the build script of the frozen library, before
//! there is an interpreter.

mod cache;
pub mod charset;
mod compile;
mod freeze;
pub mod mutation;
mod output;
pub mod parity;
mod tree;

pub use cache::cache_path;
pub use compile::{CompileFailure, Variant, compile_file, compile_source, compile_variant};
pub use freeze::{FileError, FreezeError, FrozenTree, Options, Progress, freeze};
pub use output::{Purpose, write_atomically};
pub use tree::{Kind, Tree, TreeError, TreeFile};

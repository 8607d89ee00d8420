//! Freezes folders of Python files into containers: the standard library into `rspy`, an application behind it.
//!
//! The way through: [`Tree`] finds out what a folder holds, [`compile_file`] compiles one file of it, [`freeze`]
//! does that for all of them on all cores and hands the result to the container's writer (`rspy_archive`).
//! [`parity`] compares what the compiler makes with what CPython was recorded to make, [`mutation`] does that for altered
//! sources.
//!
//! [`application`] makes executables of programs and what they depend on; [`executable`] knows how a container comes to lie in
//! one, [`image`] puts one into a container image, [`imports`] finds out what code imports.
//!
//! It needs the compiler and not the interpreter: it runs in the build script of the frozen library, before
//! there is an interpreter.

#[cfg(feature = "command")]
pub mod application;
mod cache;
pub mod charset;
mod compile;
pub mod executable;
mod freeze;
#[cfg(feature = "command")]
pub mod image;
pub mod imports;
pub mod mutation;
mod output;
pub mod parity;
#[cfg(feature = "command")]
pub mod store;
mod stored;
mod tree;

pub use cache::cache_path;
pub use compile::{CompileFailure, Variant, compile_file, compile_source, compile_variant};
pub use freeze::{FileError, FreezeError, FrozenTree, Options, Progress, freeze};
pub use output::{Purpose, write_atomically};
pub use tree::{Kind, Tree, TreeError, TreeFile};

//! The heart of rspy: values, heap, types, evaluation, calls, exceptions, imports, threads.
//!
//! The way through: [`value`] says what a value is and [`object`] what lies behind a pointer; [`types`] has the
//! builtin types, a file each, and [`types::typ`] types themselves; [`slots`] the protocols between them and
//! [`protocol`] how they are used; [`eval`] runs code; [`exceptions`] what goes wrong; [`import`] finds modules;
//! [`vm`] holds the state of threads and interpreter.
//!
//! `unsafe` lives in `value`, `object`, `heap`, `allocations`, `cell`, `gc`, `eval` and the files that lay out variable-size objects
//! (`string`, `tuple`, `typ::instance`); each says at its head why it is sound. Everything else is safe Rust on top.

// The macros name the crate by its name, here too.
extern crate self as rspy_runtime;

pub mod abc;
pub mod allocations;
pub mod arguments;
pub mod attention;
pub mod audit;
pub mod buffer;
pub mod builtins;
pub mod cell;
pub mod codecs;
pub mod compile;
pub mod convert;
pub mod eval;
pub mod exceptions;
pub mod exit;
pub mod format;
pub mod frozen_code;
pub mod gc;
pub mod heap;
pub mod host;
pub mod import;
pub mod inspection;
pub mod interpreters;
pub mod marshal;
pub mod names;
pub mod native;
pub mod native_stack;
pub mod object;
pub mod paths;
pub mod plain_code;
pub mod post_mortem;
pub mod protocol;
pub mod remote;
pub mod slots;
pub mod startup;
pub mod sum;
pub mod sys;
pub mod threads;
pub mod types;
pub mod value;
pub mod vm;
pub mod warnings;
pub mod watch;

pub use exceptions::{Exception, PyResult};
pub use object::{Object, Ref};
pub use value::Value;
pub use vm::Vm;

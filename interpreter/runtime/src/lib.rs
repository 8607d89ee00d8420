//! The heart of rspy: values, heap, types, evaluation, calls, exceptions, imports, threads.
//!
//! The way through: [`value`] says what a value is and [`object`] what lies behind a pointer; [`types`] has the
//! builtin types, a file each, and [`types::typ`] types themselves; [`slots`] the protocols between them and
//! [`protocol`] how they are used; [`eval`] runs code; [`exceptions`] what goes wrong; [`import`] finds modules;
//! [`vm`] holds the state of threads and interpreter.
//!
//! `unsafe` lives in `value`, `object`, `heap`, `cell`, `gc`, `eval` and the files that lay out variable-size objects
//! (`string`, `tuple`, `typ::instance`); each says at its head why it is sound. Everything else is safe Rust on top.

// The macros name the crate by its name, here too.
extern crate self as rspy_runtime;

pub mod arguments;
pub mod attention;
pub mod audit;
pub mod attention;

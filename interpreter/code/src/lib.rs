//! Opcodes, code objects as plain data, location and exception tables, marshal and .pyc.

pub mod text;

pub use text::{Text, TextBuilder};

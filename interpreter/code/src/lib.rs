//! Opcodes, code objects as plain data, location and exception tables, marshal and .pyc.

pub mod opcode;
pub mod operation;
pub mod text;

pub use opcode::{Flags, Opcode, PseudoOpcode};
pub use text::{Text, TextBuilder};

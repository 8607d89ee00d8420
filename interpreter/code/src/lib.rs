//! Opcodes, code objects as plain data, location and exception tables, marshal and .pyc.
//!
//! Nothing here depends on another crate of the workspace: the compiler writes these structures, the freezer stores
//! them, the runtime executes them.

pub mod code_object;
pub mod exception_table;
pub mod location;
pub mod marshal;
pub mod opcode;
pub mod operation;
pub mod pyc;
pub mod text;
pub mod verify;

pub use code_object::{CodeObject, Constant};
pub use location::Location;
pub use opcode::{Flags, Opcode, PseudoOpcode};
pub use text::{Text, TextBuilder};

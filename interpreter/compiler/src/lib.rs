//! Syntax tree to symbol tables to instruction graph to code object.
//!
//! [`compile`] is the way in. What it goes through, in this order:
//!
//! * [`future`] reads the future statements, [`finally_warnings`] warns of jumps out of `finally` clauses;
//! * [`symtable`] finds out where every name lives;
//! * [`codegen`] writes a row of instructions for each code object, from the outermost inwards;
//! * [`flowgraph`] makes a graph of it and optimises that;
//! * [`assemble`] lays it out as a code object.
//!
//! The bytes that come out are those of CPython 3.14, so wherever there is a choice it is CPython's that is made.

mod arithmetic;
mod assemble;
mod codegen;
mod constants;
mod docstring;
mod error;
mod finally_warnings;
mod flowgraph;
mod future;
mod instruction_sequence;
mod names;
mod op;
mod percent_format;
mod recursion;
mod representation;
mod symtable;
mod unparse;

use std::sync::Arc;

use rspy_code::{CodeObject, Text};
use rspy_syntax::Warning;
use rspy_syntax::ast::Mod;

pub use error::CompileError;

use future::Futures;
use names::Names;

/// How to compile.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompileOptions {
    /// The optimisation level: 0; 1 leaves out `assert`s; 2 documentation as well.
    pub optimize: u8,
    /// Flags of future features that are in force from outside: bits of [`rspy_code::code_object::flags`].
    pub future_flags: u32,
    /// `PyCF_ALLOW_TOP_LEVEL_AWAIT`: `await` may stand at the top level of a module.
    pub allow_top_level_await: bool,
}

/// What compiling gives.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The code of the module.
    pub code: Arc<CodeObject>,
    /// Warnings that are due.
    pub warnings: Vec<Warning>,
}

/// Compiles a module, an interactive statement or an expression.
pub fn compile(module: &Mod, filename: &Text, options: &CompileOptions) -> Result<Compiled, CompileError> {
    let futures = Futures::from_flags(options.future_flags).collect(module)?;
    let warnings = finally_warnings::collect(module, options.optimize);
    let mut names = Names::new();
    let settings = symtable::Settings {
        futures,
        allow_top_level_await: options.allow_top_level_await,
        optimize: options.optimize,
    };
    let table = symtable::build(module, settings, &mut names)?;
    let settings = codegen::Settings {
        filename: filename.clone(),
        optimize: options.optimize,
        futures,
        flags: options.future_flags & rspy_code::code_object::flags::FUTURES | futures.flags(),
    };
    let (code, warnings) = codegen::generate(module, table, names, settings, warnings)?;
    Ok(Compiled { code, warnings })
}

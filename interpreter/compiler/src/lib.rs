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
pub mod docstring;
mod error;
mod finally_warnings;
mod flowgraph;
mod future;
mod instruction_sequence;
mod names;
mod op;
pub mod percent_format;
mod recursion;
mod representation;
pub mod stages;
mod symtable;
mod unparse;

use std::sync::Arc;

use rspy_code::{CodeObject, Text};
use rspy_syntax::Warning;
use rspy_syntax::ast::Mod;

pub use error::CompileError;
pub use symtable::{ScopeDescription, ScopeKind, describe as describe_symbols};

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
    /// Leave columns out of line tables (`-X no_debug_ranges`).
    pub omit_columns: bool,
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
    match compile_within(module, filename, options, recursion::SHALLOW) {
        Err(CompileError::RecursionTooDeep) => compile_deep(module, filename, options),
        result => result,
    }
}

/// Compiles on a stack of its own, large enough for deep trees.
fn compile_deep(module: &Mod, filename: &Text, options: &CompileOptions) -> Result<Compiled, CompileError> {
    std::thread::scope(|scope| {
        let compile = || compile_within(module, filename, options, recursion::DEEP);
        let thread =
            std::thread::Builder::new().stack_size(recursion::DEEP_STACK_SIZE).spawn_scoped(scope, compile);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Err(CompileError::RecursionTooDeep),
        }
    })
}

fn compile_within(
    module: &Mod,
    filename: &Text,
    options: &CompileOptions,
    recursion_limit: u32,
) -> Result<Compiled, CompileError> {
    let mut warnings = Vec::new();
    match compile_noting(module, filename, options, recursion_limit, &mut warnings) {
        Ok(code) => Ok(Compiled { code, warnings }),
        Err(CompileError::Syntax(mut error)) => {
            error.warnings.append(&mut warnings);
            Err(CompileError::Syntax(error))
        }
        Err(error) => Err(error),
    }
}

/// Compiles, and notes warnings even if that fails.
fn compile_noting(
    module: &Mod,
    filename: &Text,
    options: &CompileOptions,
    recursion_limit: u32,
    warnings: &mut Vec<Warning>,
) -> Result<Arc<CodeObject>, CompileError> {
    // Jumps out of `finally` clauses are warned of before the symbol tables find errors.
    Futures::from_flags(options.future_flags).collect(module)?;
    warnings.extend(finally_warnings::collect(module, options.optimize));
    let Analysed { table, names, settings } = analyse(module, filename, options, recursion_limit)?;
    codegen::generate(module, table, names, settings, warnings)
}

/// What is known of a tree before code is generated.
struct Analysed {
    table: symtable::SymbolTable,
    names: Names,
    settings: codegen::Settings,
}

fn analyse(
    module: &Mod,
    filename: &Text,
    options: &CompileOptions,
    recursion_limit: u32,
) -> Result<Analysed, CompileError> {
    let futures = Futures::from_flags(options.future_flags).collect(module)?;
    let mut names = Names::new();
    let settings = symtable::Settings {
        futures,
        allow_top_level_await: options.allow_top_level_await,
        optimize: options.optimize,
        recursion_limit,
    };
    let table = symtable::build(module, settings, &mut names)?;
    let settings = codegen::Settings {
        filename: filename.clone(),
        optimize: options.optimize,
        futures,
        flags: options.future_flags & rspy_code::code_object::flags::FUTURES | futures.flags(),
        recursion_limit,
        omit_columns: options.omit_columns,
    };
    Ok(Analysed { table, names, settings })
}

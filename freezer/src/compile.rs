//! One source file to marshalled code: the only place that knows the compiler.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use rspy_syntax::{ParseOptions, Source, SyntaxError, parse_module};

/// Why a file has no code.
#[derive(Debug)]
pub enum CompileFailure {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is not Python.
    Syntax(Box<SyntaxError>),
    /// This freezer was built without a compiler.
    NoCompiler,
}

impl fmt::Display for CompileFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileFailure::Unreadable(error) => write!(formatter, "{error}"),
            CompileFailure::Syntax(error) => write!(formatter, "{error}"),
            CompileFailure::NoCompiler => formatter.write_str("this freezer was built without a compiler"),
        }
    }
}

impl std::error::Error for CompileFailure {}

/// Compiles a file to what `marshal` writes of its code object, which bears `display_name` as its file name.
pub fn compile_file(path: &Path, display_name: &str, optimize: u8) -> Result<Vec<u8>, CompileFailure> {
    compile_source(&fs::read(path).map_err(CompileFailure::Unreadable)?, display_name, optimize)
}

/// Compiles the bytes of a source file; its encoding is what it declares.
pub fn compile_source(source: &[u8], _display_name: &str, _optimize: u8) -> Result<Vec<u8>, CompileFailure> {
    let _module = parse_module(&Source::Bytes(source), &ParseOptions::default())
        .map_err(|error| CompileFailure::Syntax(Box::new(error)))?;
    Err(CompileFailure::NoCompiler)
}

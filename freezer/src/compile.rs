//! One source file to marshalled code: the only place that knows the compiler.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use rspy_code::Text;
use rspy_code::marshal::{self, WriteError};
use rspy_compiler::{CompileError, CompileOptions};
use rspy_syntax::{ParseOptions, Source, SyntaxError, parse_module};

/// The version of marshal that code is written in.
const MARSHAL_VERSION: u32 = 5;

/// Why a file has no code.
#[derive(Debug)]
pub enum CompileFailure {
    /// It cannot be read.
    Unreadable(io::Error),
    /// It is not Python.
    Syntax(Box<SyntaxError>),
    /// It is Python and still wrong.
    Compile(CompileError),
    /// Its code cannot be written.
    Marshal(WriteError),
}

impl fmt::Display for CompileFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompileFailure::Unreadable(error) => write!(formatter, "{error}"),
            CompileFailure::Syntax(error) => write!(formatter, "{error}"),
            CompileFailure::Compile(error) => write!(formatter, "{error}"),
            CompileFailure::Marshal(error) => write!(formatter, "{error}"),
        }
    }
}

impl std::error::Error for CompileFailure {}

/// Compiles a file to what `marshal` writes of its code object, which bears `display_name` as its file name.
pub fn compile_file(path: &Path, display_name: &str, optimize: u8) -> Result<Vec<u8>, CompileFailure> {
    compile_source(&fs::read(path).map_err(CompileFailure::Unreadable)?, display_name, optimize)
}

/// Compiles the bytes of a source file; its encoding is what it declares.
pub fn compile_source(source: &[u8], display_name: &str, optimize: u8) -> Result<Vec<u8>, CompileFailure> {
    let parsed = parse_module(&Source::Bytes(source), &ParseOptions::default())
        .map_err(|error| CompileFailure::Syntax(Box::new(error)))?;
    let options = CompileOptions { optimize, ..CompileOptions::default() };
    let compiled = rspy_compiler::compile(&parsed.tree, &Text::from(display_name), &options)
        .map_err(CompileFailure::Compile)?;
    // The bytes of a `.pyc` file, which CPython writes while it holds the code.
    marshal::dump_held(&compiled.code, MARSHAL_VERSION).map_err(CompileFailure::Marshal)
}

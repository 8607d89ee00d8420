//! One source file to marshalled code: the only place that knows the compiler.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rspy_code::marshal::{self, WriteError};
use rspy_code::{CodeObject, Text};
use rspy_compiler::{CompileError, CompileOptions};
use rspy_syntax::{Decoder, ErrorKind, ParseOptions, Source, SyntaxError, parse_module};

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

impl CompileFailure {
    /// What the exception says that CPython would raise: type, message, line, column, end line and end column, with tabs
    /// between. Nothing for failures that are none of CPython's.
    pub fn report(&self) -> Option<String> {
        let error = match self {
            CompileFailure::Syntax(error) => error,
            CompileFailure::Compile(CompileError::Syntax(error)) => error,
            _ => return None,
        };
        let SyntaxError { message, line, column, end_line, end_column, .. } = &**error;
        Some(match error.kind {
            ErrorKind::Encoding => format!("SyntaxError\t{message}\t{line}\t{column}\tNone\tNone"),
            kind => {
                format!("{}\t{message}\t{line}\t{column}\t{end_line}\t{end_column}", exception_name(kind))
            }
        })
    }
}

fn exception_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Syntax | ErrorKind::Encoding => "SyntaxError",
        ErrorKind::Indentation => "IndentationError",
        ErrorKind::Tab => "TabError",
        ErrorKind::IncompleteInput => "_IncompleteInputError",
        ErrorKind::Memory => "MemoryError",
        ErrorKind::UnicodeDecode => "UnicodeDecodeError",
        ErrorKind::Value => "ValueError",
    }
}

/// Compiles a file to what `marshal` writes of its code object, which bears `display_name` as its file name.
pub fn compile_file(path: &Path, display_name: &str, optimize: u8) -> Result<Vec<u8>, CompileFailure> {
    compile_source(&fs::read(path).map_err(CompileFailure::Unreadable)?, display_name, optimize)
}

/// Compiles the bytes of a source file; its encoding is what it declares.
pub fn compile_source(source: &[u8], display_name: &str, optimize: u8) -> Result<Vec<u8>, CompileFailure> {
    let variant = Variant { optimize, ..Variant::default() };
    compile_variant(source, display_name, variant, None).map(|(_, bytes)| bytes)
}

/// Which of several codes is made of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// The optimisation level.
    pub optimize: u8,
    /// Whether columns are left out of line tables, as with `-X no_debug_ranges`.
    pub omit_columns: bool,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 6] = [
        Variant { optimize: 0, omit_columns: false },
        Variant { optimize: 1, omit_columns: false },
        Variant { optimize: 2, omit_columns: false },
        Variant { optimize: 0, omit_columns: true },
        Variant { optimize: 1, omit_columns: true },
        Variant { optimize: 2, omit_columns: true },
    ];
}

impl fmt::Display for Variant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "level {}", self.optimize)?;
        if self.omit_columns { formatter.write_str(" without columns") } else { Ok(()) }
    }
}

/// Compiles the bytes of a source file to a code object, and that to the bytes in a `.pyc` file. The decoder is asked for
/// encodings that are not those every Python knows.
pub fn compile_variant(
    source: &[u8],
    display_name: &str,
    variant: Variant,
    decoder: Option<Decoder<'_>>,
) -> Result<(Arc<CodeObject>, Vec<u8>), CompileFailure> {
    let source = match decoder {
        Some(decoder) => Source::EncodedBytes(source, decoder),
        None => Source::Bytes(source),
    };
    let parsed = parse_module(&source, &ParseOptions::default())
        .map_err(|error| CompileFailure::Syntax(Box::new(error)))?;
    let Variant { optimize, omit_columns } = variant;
    let options = CompileOptions { optimize, omit_columns, ..CompileOptions::default() };
    let compiled = rspy_compiler::compile(&parsed.tree, &Text::from(display_name), &options)
        .map_err(CompileFailure::Compile)?;
    // CPython writes these bytes while it holds the code.
    let dump = if omit_columns { marshal::dump_held_without_columns } else { marshal::dump_held };
    let bytes = dump(&compiled.code, MARSHAL_VERSION).map_err(CompileFailure::Marshal)?;
    Ok((compiled.code, bytes))
}

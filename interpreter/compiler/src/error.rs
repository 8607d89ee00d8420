//! What compiling can report.

use std::fmt;

use rspy_code::Location;
use rspy_syntax::{ErrorKind, SyntaxError};

/// Why a tree could not be compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum CompileError {
    /// The program is wrong: `SyntaxError`.
    Syntax(Box<SyntaxError>),
    /// The tree is nested too deeply: `RecursionError`.
    RecursionTooDeep,
    /// A signature from a type comment is no program: `RuntimeError`.
    FunctionType,
}

/// The result of a step of compilation.
pub type Result<T> = std::result::Result<T, CompileError>;

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::RecursionTooDeep => f.write_str("maximum recursion depth exceeded during compilation"),
            Self::FunctionType => f.write_str("this compiler does not handle FunctionTypes"),
        }
    }
}

impl std::error::Error for CompileError {}

/// A `SyntaxError` about a range of source text. Its columns count bytes, as CPython's compiler counts them.
pub fn syntax_error(location: Location, message: impl Into<String>) -> CompileError {
    CompileError::Syntax(Box::new(located(location, message)))
}

/// The error that stands at `location`.
pub fn located(location: Location, message: impl Into<String>) -> SyntaxError {
    SyntaxError {
        line: i64::from(location.line),
        column: i64::from(location.column) + 1,
        end_line: i64::from(location.end_line),
        end_column: i64::from(location.end_column) + 1,
        ..SyntaxError::without_place(ErrorKind::Syntax, message)
    }
}

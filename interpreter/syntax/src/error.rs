//! What parsing can report: errors and warnings, with the places CPython gives them.

use std::fmt;

/// Which exception an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`.
    Syntax,
    /// `IndentationError`.
    Indentation,
    /// `TabError`.
    Tab,
    /// `_IncompleteInputError`, which only `ALLOW_INCOMPLETE_INPUT` asks for.
    IncompleteInput,
    /// `MemoryError`, without a place: the source nests too deeply.
    Memory,
    /// `UnicodeDecodeError`, which CPython lets through from the format specs of f-strings.
    UnicodeDecode,
    /// `ValueError`, for identifiers that turn into the name of a constant when they are normalised.
    Value,
    /// `SyntaxError` without a place (line 0, column -1, no end): trouble with the source's encoding.
    Encoding,
}

/// An error in the source, with what CPython puts into the exception.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntaxError {
    /// The exception's type.
    pub kind: ErrorKind,
    /// `msg`.
    pub message: String,
    /// `lineno`.
    pub line: i64,
    /// `offset`: in characters, from 1; 0 and -1 say that there is none.
    pub column: i64,
    /// `end_lineno`.
    pub end_line: i64,
    /// `end_offset`.
    pub end_column: i64,
    /// `text`: the line, if it can be shown.
    pub text: Option<String>,
    /// Line and column of the last whole statement before the error, which tracebacks use to suggest keywords.
    pub last_statement: (u32, u32),
    /// Warnings that were due before the error.
    pub warnings: Vec<Warning>,
}

impl SyntaxError {
    /// An error that has no place in the source.
    pub fn without_place(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            line: 0,
            column: -1,
            end_line: 0,
            end_column: 0,
            text: None,
            last_statement: (0, 0),
            warnings: Vec::new(),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {})", self.message, self.line)
    }
}

impl std::error::Error for SyntaxError {}

/// Which warning class to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningCategory {
    /// `SyntaxWarning`.
    Syntax,
    /// `DeprecationWarning`.
    Deprecation,
}

/// A warning to show, and the error to raise should a filter turn it into one.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// The warning's class.
    pub category: WarningCategory,
    /// The warning's text.
    pub message: String,
    /// The line it is about.
    pub line: u32,
    /// The error CPython raises in its place when warnings of this class are errors.
    pub as_error: Box<SyntaxError>,
}

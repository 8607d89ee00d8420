//! Python 3.14 source to tokens to syntax tree, with every SyntaxError.
//!
//! The way through: a [`Source`] is bytes or text; [`source`] finds its encoding and decodes it. [`lexer`] cuts it
//! into [`token`]s, the parser makes the [`ast`] of them. When that fails, a second, slower pass finds CPython's
//! message and place for the error.

pub mod ast;
mod diagnosis;
pub mod error;
pub mod lexer;
mod literal;
mod parser;
pub mod source;
pub mod token;
mod unicode;
mod unicode_ranges;

use ast::Mod;
pub use error::{ErrorKind, SyntaxError, Warning, WarningCategory};
pub use literal::CharacterNames;
use parser::{Failure, Parser, SHALLOW_NESTING};
pub use source::{Decoder, Source};

/// What the source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A file: `exec`.
    Module,
    /// An expression: `eval`.
    Expression,
    /// One interactive statement: `single`.
    Interactive,
    /// A function's signature in a type comment: `func_type`.
    FunctionType,
}

/// How to parse.
#[derive(Clone, Copy, Debug)]
pub struct ParseOptions {
    /// The minor version of Python 3 whose syntax is accepted.
    pub feature_version: u8,
    /// `PyCF_TYPE_COMMENTS`: keep type comments.
    pub type_comments: bool,
    /// `<>` is the inequality operator (`from __future__ import barry_as_FLUFL`).
    pub barry_as_flufl: bool,
    /// `PyCF_ALLOW_INCOMPLETE_INPUT`: source that merely stops too early is an error of its own.
    pub allow_incomplete_input: bool,
    /// `PyCF_DONT_IMPLY_DEDENT`: the end of interactive input does not end its blocks.
    pub dont_imply_dedent: bool,
    /// `PyCF_IGNORE_COOKIE`: the source is UTF-8 whatever it declares.
    pub ignore_cookie: bool,
    /// Most digits a decimal integer may have (`sys.set_int_max_str_digits`); 0 for no limit.
    pub int_max_str_digits: usize,
    /// Finds characters by name, for `\N{…}`.
    pub character_names: CharacterNames,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            feature_version: 14,
            type_comments: false,
            barry_as_flufl: false,
            allow_incomplete_input: false,
            dont_imply_dedent: false,
            ignore_cookie: false,
            int_max_str_digits: 4300,
            character_names: unicode::character_named,
        }
    }
}

/// A tree, and what else came up.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The tree.
    pub tree: T,
    /// Warnings, in the order of their lines.
    pub warnings: Vec<Warning>,
}

/// Parses source in any mode.
pub fn parse(source: &Source<'_>, mode: Mode, options: &ParseOptions) -> Result<Parsed<Mod>, SyntaxError> {
    let text = source.decode(mode, options)?;
    parse_text(&text, mode, options)
}

/// Parses a file's source.
pub fn parse_module(source: &Source<'_>, options: &ParseOptions) -> Result<Parsed<Mod>, SyntaxError> {
    parse(source, Mode::Module, options)
}

/// Nesting that [`diagnosis`] has found CPython to accept, whatever it is.
const DEEP_NESTING: u32 = 10_000;
/// The stack that such nesting needs.
const DEEP_STACK_SIZE: usize = 256 << 20;

fn parse_text(text: &str, mode: Mode, options: &ParseOptions) -> Result<Parsed<Mod>, SyntaxError> {
    match Parser::parse(text, mode, options, SHALLOW_NESTING) {
        Ok((tree, warnings)) => Ok(Parsed { tree, warnings }),
        Err(Failure::Invalid) => Err(diagnosis::diagnose(text, mode, options).unwrap_or_else(unexplained)),
        Err(Failure::TooDeep) => match diagnosis::diagnose(text, mode, options) {
            Some(error) => Err(error),
            None => parse_deep_text(text, mode, options),
        },
    }
}

/// The error for source that only one of the two passes accepts. That would be a mistake in one of them.
fn unexplained() -> SyntaxError {
    SyntaxError::without_place(ErrorKind::Syntax, "invalid syntax")
}

/// Parses source on a thread whose stack is large enough for all the nesting CPython accepts.
fn parse_deep_text(text: &str, mode: Mode, options: &ParseOptions) -> Result<Parsed<Mod>, SyntaxError> {
    let result = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(DEEP_STACK_SIZE)
            .spawn_scoped(scope, || Parser::parse(text, mode, options, DEEP_NESTING));
        thread.ok().and_then(|thread| thread.join().ok())
    });
    match result {
        Some(Ok((tree, warnings))) => Ok(Parsed { tree, warnings }),
        Some(Err(_)) => Err(unexplained()),
        None => Err(SyntaxError::without_place(ErrorKind::Memory, "")),
    }
}

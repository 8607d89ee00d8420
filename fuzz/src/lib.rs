//! What is fuzzed: each target takes any bytes and panics if something is wrong.
//!
//! `cargo fuzz run TARGET --features libfuzzer` looks for such bytes with coverage in view. The binary `mutate` does without
//! a nightly compiler: it alters files of the library at random. `seed` writes the corpus that both start from.
//!
//! * [`tokens`]: the lexer, over a whole text and line by line
//! * [`parser`]: source in every mode to a tree, or to CPython's error
//! * [`compiler`]: source to code, which keeps the evaluator's promises and survives marshal
//! * [`marshal`]: bytes to a code object
//! * [`pyc`]: a file's bytes to its header and code

pub mod mutation;

use std::collections::HashSet;
use std::sync::Arc;

use rspy_code::{CodeObject, Constant, Text, exception_table, location, pyc as pyc_file, verify};
use rspy_compiler::{CompileError, CompileOptions};
use rspy_syntax::lexer::{Input, Lexer, LexerOptions, State};
use rspy_syntax::token::{Token, TokenKind};
use rspy_syntax::{ErrorKind, Mode, ParseOptions, Source, SyntaxError};

/// The targets by name.
pub const TARGETS: [(&str, fn(&[u8])); 5] = [
    ("tokens", tokens),
    ("parser", parser),
    ("compiler", compiler),
    ("marshal", marshal),
    ("pyc", pyc),
];

/// Choices that the first byte of an input makes, a bit each.
struct Choices(u8);

impl Choices {
    /// Takes the first byte.
    fn split(data: &[u8]) -> Option<(Self, &[u8])> {
        let (&first, rest) = data.split_first()?;
        Some((Self(first), rest))
    }

    fn has(&self, bit: u8) -> bool {
        self.0 >> bit & 1 != 0
    }
}

/// A text that is read line by line.
struct Lines<'a> {
    whole: &'a str,
    read: usize,
}

impl Input for Lines<'_> {
    fn bytes(&self) -> &[u8] {
        &self.whole.as_bytes()[..self.read]
    }

    fn more(&mut self) -> bool {
        let rest = &self.whole[self.read..];
        self.read += rest.find('\n').map_or(rest.len(), |index| index + 1);
        !rest.is_empty()
    }
}

/// Cuts a text into tokens, at once and line by line: the tokens are the same, in order, inside the text, and end.
pub fn tokens(data: &[u8]) {
    let Some((choices, data)) = Choices::split(data) else { return };
    let text = String::from_utf8_lossy(data).replace("\r\n", "\n").replace('\r', "\n");
    let options = LexerOptions { type_comments: choices.has(0), extra_tokens: choices.has(1) };
    let whole = all_tokens(Lexer::new(text.as_str(), options), &text);
    let by_line = all_tokens(Lexer::new(Lines { whole: &text, read: 0 }, options), &text);
    assert_eq!(whole, by_line);
}

fn all_tokens<I: Input>(mut lexer: Lexer<I>, text: &str) -> (Vec<Token>, State) {
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token();
        let (start, end) = (token.start as usize, token.end as usize);
        if token.kind != TokenKind::ErrorToken {
            assert!(start <= end && text.get(start..end).is_some(), "{token:?}");
        }
        let is_last = matches!(token.kind, TokenKind::ErrorToken | TokenKind::EndMarker);
        tokens.push(token);
        if is_last {
            let error = lexer.take_error();
            assert!(lexer.state() != State::Error || error.is_some());
            return (tokens, lexer.state());
        }
        // A byte makes a token, an indentation or the end of several, and a line's end.
        assert!(tokens.len() <= 4 * text.len() + 8, "tokens without end");
    }
}

const MODES: [Mode; 4] = [Mode::Module, Mode::Expression, Mode::Interactive, Mode::FunctionType];

/// Parses bytes in some mode with some flags.
pub fn parser(data: &[u8]) {
    let Some((choices, data)) = Choices::split(data) else { return };
    let options = ParseOptions {
        feature_version: if choices.has(2) { 14 } else { 7 },
        type_comments: choices.has(3),
        barry_as_flufl: choices.has(4),
        allow_incomplete_input: choices.has(5),
        dont_imply_dedent: choices.has(6),
        ..ParseOptions::default()
    };
    let mode = MODES[usize::from(choices.0 & 3)];
    let text = String::from_utf8_lossy(data);
    let source = if choices.has(7) { Source::Text(&text) } else { Source::Bytes(data) };
    match rspy_syntax::parse(&source, mode, &options) {
        Ok(_) => {}
        Err(error) => check_error(&error),
    }
}

/// An error says something, and does not come from the two passes of the parser disagreeing.
fn check_error(error: &SyntaxError) {
    let has_place = error.column >= 0 || error.kind != ErrorKind::Syntax;
    assert!(has_place || error.message != "invalid syntax", "only one pass refuses this");
    let needs_message = !matches!(error.kind, ErrorKind::Memory);
    assert!(!needs_message || !error.message.is_empty(), "{error:?}");
}

/// Compiles bytes; what comes out is checked, written and read.
pub fn compiler(data: &[u8]) {
    let Some((choices, data)) = Choices::split(data) else { return };
    let mode = MODES[usize::from(choices.0 & 3) % 3];
    let Ok(parsed) = rspy_syntax::parse(&Source::Bytes(data), mode, &ParseOptions::default()) else { return };
    let options = CompileOptions {
        optimize: (choices.0 >> 2 & 3).min(2),
        allow_top_level_await: choices.has(4),
        omit_columns: choices.has(5),
        ..CompileOptions::default()
    };
    match rspy_compiler::compile(&parsed.tree, &Text::from("fuzz.py"), &options) {
        Ok(compiled) => {
            if let Err(refusal) = verify::verify_all(&compiled.code) {
                panic!("code that is not safe: {refusal:?}");
            }
            // Constants may nest more deeply than marshal writes.
            let Ok(bytes) = rspy_code::marshal::dump(&compiled.code, 5) else { return };
            let read = rspy_code::marshal::load(&bytes).expect("what was written can be read");
            assert!(same_shape(&compiled.code, &read), "what is read is not what was written");
        }
        Err(CompileError::Syntax(error)) => check_error(&error),
        Err(CompileError::RecursionTooDeep | CompileError::FunctionType) => {}
    }
}

/// Whether two code objects are the same, constants aside: a NaN equals nothing.
fn same_shape(left: &CodeObject, right: &CodeObject) -> bool {
    left.code == right.code
        && left.names == right.names
        && left.locals_plus_names == right.locals_plus_names
        && left.line_table == right.line_table
        && left.exception_table == right.exception_table
        && left.constants.len() == right.constants.len()
        && left.constants.iter().zip(right.constants.iter()).all(|pair| match pair {
            (Constant::Code(left), Constant::Code(right)) => same_shape(left, right),
            (Constant::Code(_), _) | (_, Constant::Code(_)) => false,
            _ => true,
        })
}

/// Reads marshal bytes. A code object that is read can be looked into, and verifying it ends. What an outline tells of lies in
/// the bytes.
pub fn marshal(data: &[u8]) {
    if let Ok(outline) = rspy_code::marshal::Outline::of(data) {
        for code in (0..).map_while(|number| outline.code(number)) {
            assert!(code.start.at < code.body.at && code.body.at < code.name.at && code.name.at < code.tables.at);
            assert!(code.tables.at < code.end.at && code.end.at as usize <= data.len());
        }
    }
    if let Ok(code) = rspy_code::marshal::load(data) {
        let mut seen = HashSet::new();
        look_into(&code, &mut seen);
    }
}

fn look_into(code: &Arc<CodeObject>, seen: &mut HashSet<*const CodeObject>) {
    if !seen.insert(Arc::as_ptr(code)) {
        return;
    }
    let end = code.code.len() as u32;
    for entry in location::Decoder::new(&code.line_table, code.first_line) {
        assert!(entry.start <= entry.end);
    }
    let _ = location::lines(&code.line_table, code.first_line).count();
    let _ = location::without_columns(&code.line_table);
    let _ = exception_table::find(&code.exception_table, end);
    let _ = verify::verify_code(code);
    for constant in code.constants.iter() {
        if let Constant::Code(code) = constant {
            look_into(code, seen);
        }
    }
}

/// Reads a `.pyc` file.
pub fn pyc(data: &[u8]) {
    if let Ok((validation, code)) = pyc_file::read_header(data) {
        assert_eq!(pyc_file::write_header(validation), data[..pyc_file::HEADER_LENGTH]);
        marshal(code);
    }
}

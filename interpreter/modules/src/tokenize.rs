//! The module `_tokenize`: the lexer's tokens as Python's `tokenize` shows them.

use std::cell::Cell;
use std::ops::Range;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::codecs::registry;
use rspy_runtime::compile::{show_warnings, source_error};
use rspy_runtime::exceptions::{Exception, PyResult, syntax_error};
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::lexer::{Input, Lexer, LexerOptions, State};
use rspy_syntax::token::{Token, TokenKind};

/// The filename in errors.
const FILENAME: &str = "<string>";

#[pyclass(name = "TokenizerIter", module = "_tokenize", tracked)]
struct TokenizerIter {
    #[untraced]
    extra_tokens: bool,
    #[untraced]
    done: Cell<bool>,
    /// Absent while a token is being made.
    reading: GilCell<Option<Box<Reading>>>,
}

/// The lines that a Python function gives one by one.
struct PythonLines {
    text: String,
    readline: Value,
    encoding: Option<Value>,
    at_end: bool,
    /// Whether the last line had no end of its own.
    implicit_newline: bool,
    error: Option<Exception>,
}

impl Input for PythonLines {
    fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn more(&mut self) -> bool {
        if self.at_end {
            return false;
        }
        match Vm::with_current(|vm| self.read_line(vm)) {
            Ok(has_line) => self.at_end = !has_line,
            Err(error) => {
                self.error = Some(error);
                self.at_end = true;
            }
        }
        !self.at_end
    }
}

impl PythonLines {
    /// Adds a line to the text if there is one.
    fn read_line(&mut self, vm: &Vm) -> PyResult<bool> {
        let raw = match vm.call(&self.readline, &[]) {
            Ok(raw) => raw,
            Err(error) if error.is_stop_iteration() => return Ok(false),
            Err(error) => return Err(error),
        };
        let line = match &self.encoding {
            Some(encoding) => {
                if raw.downcast::<Bytes>().is_none() {
                    return Err(vm.type_error("readline() returned a non-bytes object"));
                }
                registry::decode_bytes(vm, &raw, Some(encoding), Some(&vm.new_str("replace")))?
            }
            None => raw,
        };
        let Some(line) = line.downcast::<Str>() else {
            return Err(vm.type_error("readline() returned a non-string object"));
        };
        let line = line.to_utf8(vm)?;
        if line.is_empty() {
            return Ok(false);
        }
        self.text.push_str(&line);
        self.implicit_newline = !line.ends_with('\n');
        if self.implicit_newline {
            self.text.push('\n');
        }
        Ok(true)
    }
}

/// What was read, and how far the lexer is in it.
struct Reading {
    lexer: Lexer<PythonLines>,
    /// The line shown last, and its number.
    line: Option<(u32, Value)>,
    /// How many characters were counted last, and from where to where.
    counted: (Range<usize>, i64),
    /// Whether reading a line failed, after which nothing can be read any more.
    failed: bool,
}

impl Trace for Reading {
    fn trace(&self, visitor: &mut Visitor<'_>) {
        let lines = self.lexer.input();
        lines.readline.trace(visitor);
        lines.encoding.trace(visitor);
    }
}

impl Reading {
    /// The next token; reads as many lines as that takes.
    fn advance(&mut self, vm: &Vm) -> PyResult<Token> {
        if self.failed {
            return Err(vm.memory_error());
        }
        let token = self.lexer.next_token();
        match self.lexer.input_mut().error.take() {
            None => Ok(token),
            Some(error) => {
                self.failed = true;
                Err(error)
            }
        }
    }

    /// How many characters there are in a range of the text. Counting goes on where it ended last if it started there.
    fn characters(&mut self, range: Range<usize>) -> i64 {
        let (last, count) = &self.counted;
        let (from, before) =
            if last.start == range.start && last.end <= range.end { (last.end, *count) } else { (range.start, 0) };
        let count = before + self.lexer.input().text[from..range.end].chars().count() as i64;
        self.counted = (range, count);
        count
    }

    /// Why the lexer made an `ERRORTOKEN`.
    fn error(&mut self, vm: &Vm) -> Exception {
        let filename = Str::new(FILENAME);
        if let Some(mut error) = self.lexer.take_error() {
            if let Some(text) = &mut error.text {
                text.truncate(text.find('\0').unwrap_or(text.len()));
            }
            return source_error(vm, &error, &filename);
        }
        let seen = &self.lexer.input().text[self.lexer.buffer_start()..self.lexer.read_end()];
        let line = i64::from(self.lexer.line());
        let (typ, message) = match self.lexer.state() {
            State::EndOfFile if self.lexer.has_left_lines() => return unexpected_end(vm, line, 0),
            State::EndOfFile => return unexpected_end(vm, line, seen.len()),
            State::Dedent => (
                syntax_error::IndentationError::static_type(),
                "unindent does not match any outer indentation level",
            ),
            State::TabSpace => (
                syntax_error::TabError::static_type(),
                "inconsistent use of tabs and spaces in indentation",
            ),
            State::TooDeep => (syntax_error::IndentationError::static_type(), "too many levels of indentation"),
            State::LineContinuation => (
                syntax_error::SyntaxError::static_type(),
                "unexpected character after line continuation character",
            ),
            _ => (syntax_error::SyntaxError::static_type(), "unknown tokenization error"),
        };
        let shown = seen.strip_suffix('\n').unwrap_or(seen);
        let column = shown.chars().count() as i64 + 1;
        let details =
            [filename.into_value(), int::new(line), int::new(column), vm.new_str(shown), none(), none()];
        vm.exception_with_args(typ, &[vm.new_str(message), Tuple::from_values(details).into_value()])
    }

    /// The tuple of a token: kind, text, start, end, line. None for the end of an input without lines.
    fn describe(&mut self, vm: &Vm, token: Token, extra_tokens: bool) -> Option<Value> {
        let has_text = token.column != Token::NO_COLUMN || token.end_column != Token::NO_COLUMN;
        let (start, end) = (token.start as usize, token.end as usize);
        let is_trailing = token.kind == TokenKind::EndMarker
            || (token.kind == TokenKind::Dedent && self.lexer.state() == State::EndOfFile);
        let is_string = token.kind.is_string_part();
        let cursor_line_start = self.lexer.line_start();
        let line_start = if is_string { self.lexer.string_line_start() } else { cursor_line_start };
        let number = if is_string { token.line } else { self.lexer.line() };
        let line = if extra_tokens && is_trailing {
            Str::empty().into_value()
        } else {
            self.line(vm, line_start, number)?
        };
        let (mut column, mut end_column) = (-1, -1);
        if has_text && start >= line_start {
            column = self.characters(line_start..start);
        }
        if has_text && end >= cursor_line_start {
            end_column = self.characters(cursor_line_start..end);
        }
        let PythonLines { text: lines, implicit_newline, .. } = self.lexer.input();
        let mut text = if has_text { &lines[start..end] } else { "" };
        let mut line_number = i64::from(number);
        let mut end_line_number = i64::from(self.lexer.line());
        let mut kind = match token.kind as u8 {
            keyword if keyword > TokenKind::ErrorToken as u8 => TokenKind::Name as u8,
            number => number,
        };
        if extra_tokens {
            if is_trailing {
                line_number += 1;
                end_line_number = line_number;
                (column, end_column) = (0, 0);
            }
            match token.kind {
                _ if kind > TokenKind::Dedent as u8 && kind < TokenKind::Operator as u8 => {
                    kind = TokenKind::Operator as u8;
                }
                TokenKind::Newline => {
                    text = match (implicit_newline, lines.as_bytes().get(start)) {
                        (true, _) => "",
                        (false, Some(b'\r')) => "\r\n",
                        (false, _) => "\n",
                    };
                    end_column += 1;
                }
                TokenKind::NonLogicalNewline if *implicit_newline => text = "",
                _ => {}
            }
        }
        let pair = |line: i64, column: i64| Tuple::from_values([int::new(line), int::new(column)]).into_value();
        let fields = [
            int::new(i64::from(kind)),
            vm.new_str(text),
            pair(line_number, column),
            pair(end_line_number, end_column),
            line,
        ];
        Some(Tuple::from_values(fields).into_value())
    }

    /// The line that a token starts in, to where was read; the tokens that start in a line share it.
    fn line(&mut self, vm: &Vm, start: usize, number: u32) -> Option<Value> {
        let current = self.lexer.line();
        let line = match &self.line {
            Some((last, line)) if *last == current => line.clone(),
            None if current == 0 => return None,
            _ => {
                let end = self.lexer.read_end();
                let lines = self.lexer.input();
                let is_cut = lines.implicit_newline && end > start;
                let end = if self.lexer.has_left_lines() { start } else { end - usize::from(is_cut) };
                vm.new_str(&lines.text[start..end])
            }
        };
        self.line = Some((number, line.clone()));
        Some(line)
    }
}

/// The error for a bracket or a string's field that the input ends in.
fn unexpected_end(vm: &Vm, line: i64, column: usize) -> Exception {
    let message = "unexpected EOF in multi-line statement";
    let error = vm.new_exception(syntax_error::SyntaxError::static_type(), message);
    let places = [
        ("filename", vm.new_str(FILENAME)),
        ("lineno", int::new(line)),
        ("offset", int::new(column as i64)),
        ("end_lineno", int::new(line)),
    ];
    for (name, value) in places {
        if let Err(other) = vm.set_attribute_str(error.value(), name, &value) {
            return other;
        }
    }
    error
}

#[pymethods]
impl TokenizerIter {
    #[new("tokenizeriter(readline, /, *, encoding=<unrepresentable>, extra_tokens=<unrepresentable>)")]
    fn new(
        vm: &Vm,
        _cls: &TypeObject,
        readline: Value,
        encoding: Option<&Object<Str>>,
        extra_tokens: Option<bool>,
    ) -> PyResult {
        let Some(extra_tokens) = extra_tokens else {
            return Err(vm.type_error("tokenizeriter() missing required argument 'extra_tokens' (pos 2)"));
        };
        let options = LexerOptions { extra_tokens, ..LexerOptions::default() };
        let lines = PythonLines {
            text: String::new(),
            readline,
            encoding: encoding.map(|encoding| encoding.to_value()),
            at_end: false,
            implicit_newline: false,
            error: None,
        };
        let reading =
            Reading { lexer: Lexer::new(lines, options), line: None, counted: (0..0, 0), failed: false };
        Ok(Object::new(TokenizerIter {
            extra_tokens,
            done: Cell::new(false),
            reading: GilCell::new(Some(Box::new(reading))),
        })
        .into_value())
    }

    #[slot(iter)]
    fn iter(this: &Value) -> Value {
        this.clone()
    }

    #[slot(next)]
    fn next(&self, vm: &Vm) -> PyResult<Option<Value>> {
        if self.done.get() {
            return Ok(None);
        }
        let Some(mut reading) = self.reading.take() else {
            return Err(vm.value_error("tokenizer already executing"));
        };
        let token = reading.advance(vm);
        let result = match token {
            Err(error) => Err(error),
            Ok(token) if token.kind == TokenKind::ErrorToken => Err(reading.error(vm)),
            Ok(token) => {
                self.done.set(token.kind == TokenKind::EndMarker);
                let warnings = reading.lexer.take_warnings();
                let shown = if warnings.is_empty() {
                    Ok(())
                } else {
                    show_warnings(vm, &warnings, &Str::new(FILENAME), &|_| ())
                };
                shown.map(|()| reading.describe(vm, token, self.extra_tokens))
            }
        };
        self.reading.set(Some(reading));
        result
    }
}

native_module! {
    name: "_tokenize", doc: "",
    functions: [], types: [TokenizerIter], execute: |_, _| Ok(())
}

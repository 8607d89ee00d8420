//! Where errors are reported, and the errors of the lexer.

use super::action::Value;
use super::engine::Engine;
use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::State;
use crate::token::{Token, TokenKind};
use crate::unicode::normalize_identifier;

/// A place as CPython's macros take it: columns in bytes from 1; 0 stands for none.
struct Place {
    line: i64,
    column: i64,
    end_line: i64,
    end_column: i64,
}

impl Engine<'_> {
    /// The error found, with the warnings before it.
    pub(super) fn finish(&mut self) -> Option<SyntaxError> {
        let mut error = self.error.take()?;
        error.last_statement = self.last_statement;
        self.warnings.append(&mut self.lexer.warnings);
        error.warnings = std::mem::take(&mut self.warnings);
        Some(error)
    }

    pub(super) fn has_error(&self) -> bool {
        self.error.is_some()
    }

    pub(super) fn forget_error(&mut self) {
        self.error = None;
    }

    /// Whether the lexer ran out of input, inside of a string or not.
    pub(super) fn is_at_end_of_source(&self) -> bool {
        matches!(self.lexer.state(), State::EndOfFile | State::EndOfFileInString | State::EndOfLineInString)
    }

    /// Whether anything but white space and comments follows what was read.
    pub(super) fn has_more_input(&self) -> bool {
        self.source[self.lexer.offset()..].split('\n').any(|line| {
            !matches!(line.trim_start_matches([' ', '\t', '\x0C']).as_bytes().first(), None | Some(b'#'))
        })
    }

    /// Reports an error at the last token read.
    pub(super) fn raise_here(&mut self, kind: ErrorKind, message: &str) {
        match self.tokens.last().copied() {
            Some(token) => self.raise_for_token(kind, token, message),
            None => self.raise(kind, &Place { line: 0, column: 0, end_line: 0, end_column: -1 }, message),
        }
    }

    /// Reports an error at the token at the mark.
    pub(super) fn raise_next(&mut self, message: &str) {
        if self.error.is_some() {
            return;
        }
        if let Some(token) = self.fill() {
            self.raise_for_token(ErrorKind::Syntax, token, message);
        }
    }

    fn raise_for_token(&mut self, kind: ErrorKind, token: Token, message: &str) {
        let column = match token.column {
            Token::NO_COLUMN if self.lexer.column_in_buffer() == 0 => 0,
            Token::NO_COLUMN => self.lexer.column() as i64,
            column => i64::from(column) + 1,
        };
        let end_column = match token.end_column {
            Token::NO_COLUMN => -1,
            column => i64::from(column) + 1,
        };
        let place =
            Place { line: i64::from(token.line), column, end_line: i64::from(token.end_line), end_column };
        self.raise(kind, &place, message);
    }

    /// Reports an error at a token's place.
    pub(super) fn raise_at_token(&mut self, token: Token, message: &str) {
        let value = Value::Token(token);
        self.raise_range(&value, &value, message);
    }

    /// Reports an error from the start of one value to the end of another.
    pub(super) fn raise_range(&mut self, first: &Value, last: &Value, message: &str) {
        let (line, column, _, _) = first.place();
        let (_, _, end_line, end_column) = last.place();
        let place = Place { line, column: column + 1, end_line, end_column: end_column + 1 };
        self.raise(ErrorKind::Syntax, &place, message);
    }

    /// Reports an error from the start of a value to where the lexer is.
    pub(super) fn raise_from(&mut self, first: &Value, message: &str) {
        let (line, column, _, _) = first.place();
        let end_line = i64::from(self.lexer.line());
        let place = Place { line, column: column + 1, end_line, end_column: self.lexer.column() as i64 };
        self.raise(ErrorKind::Syntax, &place, message);
    }

    pub(super) fn raise_missing_colon(&mut self, key: &Value) {
        let (line, _, end_line, end_column) = key.place();
        let place = Place { line, column: end_column, end_line, end_column: 0 };
        self.raise(ErrorKind::Syntax, &place, "':' expected after dictionary key");
    }

    pub(super) fn raise_huge_number(&mut self, token: Token, digits: usize) {
        let limit = self.options.int_max_str_digits;
        let message = format!(
            "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; \
             use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer \
             literals to avoid decimal conversion limits."
        );
        let (line, end_line) = (i64::from(token.line), i64::from(token.end_line));
        self.raise(ErrorKind::Syntax, &Place { line, column: 0, end_line, end_column: 0 }, &message);
    }

    /// Reports an error that is no `SyntaxError`.
    pub(super) fn raise_unicode_error(&mut self, message: String) {
        self.is_stopped = true;
        self.error.get_or_insert(SyntaxError::without_place(ErrorKind::UnicodeDecode, message));
    }

    /// Whether an identifier turns into the name of a constant when it is normalised, which is reported.
    pub(super) fn refuses_identifier(&mut self, token: Token) -> bool {
        let text = &self.source[token.start as usize..token.end as usize];
        let normalized = if text.is_ascii() { None } else { normalize_identifier(text) };
        let Some(name) = normalized.filter(|name| matches!(name.as_str(), "None" | "True" | "False")) else {
            return false;
        };
        self.is_stopped = true;
        let message = format!("identifier field can't represent '{name}' constant");
        self.error.get_or_insert(SyntaxError::without_place(ErrorKind::Value, message));
        true
    }

    /// Whether the error found is final: it is no `SyntaxError`.
    pub(super) fn has_final_error(&self) -> bool {
        let is_final = |error: &SyntaxError| {
            matches!(error.kind, ErrorKind::Memory | ErrorKind::UnicodeDecode | ErrorKind::Value)
        };
        self.error.as_ref().is_some_and(is_final)
    }

    /// Reports the end of the source where more was expected.
    pub(super) fn raise_end_of_file(&mut self) {
        if self.lexer.brackets().is_empty() {
            self.raise_here(ErrorKind::Syntax, "unexpected EOF while parsing");
        } else {
            self.raise_unclosed_bracket();
        }
    }

    fn raise_unclosed_bracket(&mut self) {
        let Some(bracket) = self.lexer.brackets().last().copied() else { return };
        let line = i64::from(bracket.line);
        let place = Place { line, column: i64::from(bracket.column) + 1, end_line: line, end_column: 0 };
        self.raise(ErrorKind::Syntax, &place, &format!("'{}' was never closed", bracket.character as char));
    }

    /// Reports why the lexer made an `ERRORTOKEN`.
    pub(super) fn raise_lexer_error(&mut self) {
        self.is_stopped = true;
        if let Some(error) = self.lexer.take_error() {
            self.error = Some(error);
            return;
        }
        let line = i64::from(self.lexer.line());
        let (kind, column, message) = match self.lexer.state() {
            State::EndOfFile => return self.raise_end_of_file(),
            State::Dedent => {
                let message = "unindent does not match any outer indentation level";
                return self.raise_here(ErrorKind::Indentation, message);
            }
            State::TabSpace => (ErrorKind::Tab, 1, "inconsistent use of tabs and spaces in indentation"),
            State::TooDeep => (ErrorKind::Indentation, 1, "too many levels of indentation"),
            State::LineContinuation => (
                ErrorKind::Syntax,
                (self.lexer.column_in_buffer() as i64 - 1).max(0) + 1,
                "unexpected character after line continuation character",
            ),
            _ => (ErrorKind::Syntax, 1, "unknown parsing error"),
        };
        self.raise(kind, &Place { line, column, end_line: line, end_column: 0 }, message);
    }

    /// Reads the rest of the source: an error of the lexer, or a bracket opened on an earlier line and never closed,
    /// matters more than what was found.
    pub(super) fn check_rest_of_tokens(&mut self) {
        let error_line = self.tokens.last().map_or(0, |token| token.line);
        let found = self.error.take();
        loop {
            match self.lexer.next_token().kind {
                TokenKind::ErrorToken => {
                    if let Some(error) = self.lexer.take_error() {
                        self.error = Some(error);
                    } else if self.lexer.brackets().last().is_some_and(|bracket| error_line > bracket.line) {
                        self.raise_unclosed_bracket();
                    }
                    break;
                }
                TokenKind::EndMarker => break,
                _ => {}
            }
        }
        // An error inside of an f-string is not hidden by what the lexer makes of the rest of the string.
        if self.error.is_none() || self.lexer.is_inside_string() {
            self.error = found;
        }
    }

    /// Reports an error, unless there is one already.
    fn raise(&mut self, kind: ErrorKind, place: &Place, message: &str) {
        self.is_stopped = true;
        if self.error.is_some() {
            return;
        }
        let text = self.line_text(place.line);
        let end_column = match place.end_column {
            column if column > 0 => character_column(&text, column),
            column => column,
        };
        self.error = Some(SyntaxError {
            line: place.line,
            column: character_column(&text, place.column),
            end_line: place.end_line,
            end_column,
            text: Some(text),
            ..SyntaxError::without_place(kind, message)
        });
    }

    /// The text of a line: of the one being read, as far as it was read; of others without their end.
    fn line_text(&self, line: i64) -> String {
        if i64::from(self.lexer.line()) <= line && self.lexer.has_read() {
            return String::from_utf8_lossy(self.lexer.rest_of_line()).into_owned();
        }
        self.source.split('\n').nth((line - 1).max(0) as usize).unwrap_or_default().to_owned()
    }
}

/// Turns a column in bytes into one in characters. Both count from 1.
fn character_column(text: &str, column: i64) -> i64 {
    let bytes = text.as_bytes();
    let end = (column.max(0) as usize).min(bytes.len() + 1);
    let inside = end.min(bytes.len());
    let characters = String::from_utf8_lossy(&bytes[..inside]).chars().count();
    (characters + (end - inside)) as i64
}

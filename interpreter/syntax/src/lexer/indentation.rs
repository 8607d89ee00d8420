//! Indentation: the white space at the start of lines, and the tokens made of it.

use super::{EOF, Input, Lexer, State};
use crate::token::{Token, TokenKind};

const TAB_SIZE: u32 = 8;
/// Deepest nesting of blocks, the top level included.
const MAX_INDENTS: usize = 100;

impl<I: Input> Lexer<I> {
    /// Measures a line's indentation and compares it with the open blocks. Returns only an `ERRORTOKEN`.
    pub(super) fn read_indentation(&mut self) -> Option<Token> {
        self.at_line_start = false;
        let (mut column, mut other_column) = (0, 0);
        // The first backslash decides how deep a line continued before its first token is.
        let mut continued_column = 0;
        let c = loop {
            let c = self.next();
            match u8::try_from(c) {
                Ok(b' ') => {
                    let rest = &self.input.bytes()[self.cursor..self.read_end];
                    let more = rest.iter().take_while(|&&byte| byte == b' ').count();
                    self.cursor += more;
                    column += 1 + more as u32;
                    other_column += 1 + more as u32;
                }
                Ok(b'\t') => {
                    column = (column / TAB_SIZE + 1) * TAB_SIZE;
                    other_column += 1;
                }
                Ok(0x0C) => (column, other_column) = (0, 0),
                Ok(b'\\') => {
                    if continued_column == 0 {
                        continued_column = column;
                    }
                    if !self.continue_line() {
                        return Some(self.empty_token(TokenKind::ErrorToken));
                    }
                }
                _ => break c,
            }
        };
        self.back(c);
        self.is_blank_line = c != EOF && matches!(c as u8, b'#' | b'\n' | b'\r');
        if self.is_blank_line || !self.brackets.is_empty() {
            return None;
        }
        if continued_column != 0 {
            (column, other_column) = (continued_column, continued_column);
        }
        self.compare_indentation(column, other_column)
    }

    fn compare_indentation(&mut self, column: u32, other_column: u32) -> Option<Token> {
        let (mut current, mut other_current) = self.innermost_indent();
        if column > current {
            if self.indents.len() >= MAX_INDENTS {
                return Some(self.fail_with(State::TooDeep));
            }
            if other_column <= other_current {
                return Some(self.fail_with(State::TabSpace));
            }
            self.pending_indents += 1;
            self.indents.push((column, other_column));
            return None;
        }
        while column < current {
            self.pending_indents -= 1;
            self.indents.pop();
            (current, other_current) = self.innermost_indent();
        }
        if column != current {
            return Some(self.fail_with(State::Dedent));
        }
        if other_column != other_current {
            return Some(self.fail_with(State::TabSpace));
        }
        None
    }

    fn innermost_indent(&self) -> (u32, u32) {
        self.indents.last().copied().unwrap_or_default()
    }

    fn fail_with(&mut self, state: State) -> Token {
        self.state = state;
        self.cursor = self.read_end;
        self.empty_token(TokenKind::ErrorToken)
    }

    /// One of the pending `INDENT` or `DEDENT` tokens.
    pub(super) fn indent_token(&mut self) -> Token {
        let kind = if self.pending_indents < 0 {
            self.pending_indents += 1;
            TokenKind::Dedent
        } else {
            self.pending_indents -= 1;
            TokenKind::Indent
        };
        let mut token = self.empty_token(kind);
        if self.options.extra_tokens {
            token.column = self.column() as u32;
            token.end_column = token.column;
            if kind == TokenKind::Indent {
                token.start = self.line_start as u32;
                token.column = 0;
            }
        }
        token
    }
}

//! String literals: plain ones in one token, f-strings and t-strings in pieces.

use memchr::memchr3;

use super::{EOF, Input, Lexer, MAX_STRING_MODES, State};
use crate::token::{Token, TokenKind};

/// Deepest nesting of replacement fields in format specs.
const MAX_EXPRESSION_NESTING: i32 = 3;

/// Which kind of string has replacement fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StringFlavour {
    Format,
    Template,
}

/// The lexer's place inside one f-string or t-string.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringMode {
    pub flavour: StringFlavour,
    /// Whether text comes next, rather than an expression's tokens.
    pub in_text: bool,
    quote: u8,
    quote_size: usize,
    raw: bool,
    /// Where the whole string starts.
    start: usize,
    line_start: usize,
    first_line: u32,
    /// Brackets open since the string's start.
    pub bracket_depth: i32,
    /// Replacement fields the lexer is inside of, less one.
    pub expression_depth: i32,
    pub in_format_spec: bool,
}

impl StringMode {
    fn is_inside_expression(&self) -> bool {
        self.expression_depth >= 0
    }

    fn middle(&self) -> TokenKind {
        match self.flavour {
            StringFlavour::Format => TokenKind::FStringMiddle,
            StringFlavour::Template => TokenKind::TStringMiddle,
        }
    }
}

impl<I: Input> Lexer<I> {
    /// A string whose prefix starts with the letter just read, or `None` if it is an identifier.
    pub(super) fn prefixed_string(&mut self) -> Option<Token> {
        let mut seen = Prefixes::default();
        let mut end = self.token_start;
        while seen.add(self.input.bytes().get(end).copied()?) {
            end += 1;
        }
        let quote = self.input.bytes()[end];
        if end >= self.read_end || !matches!(quote, b'"' | b'\'') {
            return None;
        }
        self.cursor = end + 1;
        if let Some((one, other)) = seen.conflict() {
            let message = format!("'{one}' and '{other}' prefixes are incompatible");
            return Some(self.fail_in_range(self.token_start + 1, self.cursor, &message));
        }
        Some(if seen.format || seen.template {
            let flavour = if seen.template { StringFlavour::Template } else { StringFlavour::Format };
            self.start_string(quote, flavour, seen.raw)
        } else {
            self.plain_string(quote)
        })
    }

    /// The start of an f-string or t-string, whose first quote was read.
    fn start_string(&mut self, quote: u8, flavour: StringFlavour, raw: bool) -> Token {
        self.first_line = self.line;
        self.first_line_start = self.line_start;
        let quote_size =
            if self.input.bytes()[self.cursor..self.read_end].starts_with(&[quote, quote]) { 3 } else { 1 };
        self.cursor += quote_size - 1;
        if self.modes.len() + 1 >= MAX_STRING_MODES {
            return self.fail("too many nested f-strings or t-strings");
        }
        self.modes.push(StringMode {
            flavour,
            in_text: true,
            quote,
            quote_size,
            raw,
            start: self.token_start,
            line_start: self.line_start,
            first_line: self.line,
            bracket_depth: 0,
            expression_depth: -1,
            in_format_spec: false,
        });
        self.token(match flavour {
            StringFlavour::Format => TokenKind::FStringStart,
            StringFlavour::Template => TokenKind::TStringStart,
        })
    }

    /// A string without replacement fields, whose first quote was read.
    pub(super) fn plain_string(&mut self, quote: u8) -> Token {
        self.first_line = self.line;
        self.first_line_start = self.line_start;
        let quote_size = match self.input.bytes()[self.cursor..self.read_end] {
            [first, second, ..] if first == quote && second == quote => {
                self.cursor += 2;
                3
            }
            [first, ..] if first == quote => {
                self.cursor += 1;
                return self.token(TokenKind::String);
            }
            _ => 1,
        };
        let mut quotes = 0;
        let mut has_escaped_quote = false;
        while quotes != quote_size {
            if self.skip_text(quote) {
                quotes = 0;
            }
            let mut c = self.next();
            if self.state == State::Error {
                return self.empty_token(TokenKind::ErrorToken);
            }
            if c == EOF || (quote_size == 1 && c == i32::from(b'\n')) {
                return self.unterminated_string(c, quote, quote_size, has_escaped_quote);
            }
            if c == i32::from(quote) {
                quotes += 1;
                continue;
            }
            quotes = 0;
            if c == i32::from(b'\\') {
                c = self.next();
                has_escaped_quote |= c == i32::from(quote);
                if c == i32::from(b'\r') {
                    self.next();
                }
            }
        }
        self.token(TokenKind::String)
    }

    /// Skips text of the current line that needs no attention. Says whether there was any.
    fn skip_text(&mut self, quote: u8) -> bool {
        let rest = &self.input.bytes()[self.cursor..self.read_end];
        let length = memchr3(quote, b'\\', b'\n', rest).unwrap_or(rest.len());
        self.cursor += length;
        length > 0
    }

    fn unterminated_string(
        &mut self,
        c: i32,
        quote: u8,
        quote_size: usize,
        has_escaped_quote: bool,
    ) -> Token {
        let last_line = self.line;
        self.cursor = self.token_start + 1;
        self.line_start = self.first_line_start;
        self.line = self.first_line;
        // The quote was meant to end the surrounding f-string.
        if self.modes.last().is_some_and(|mode| mode.quote == quote && mode.quote_size == quote_size) {
            let prefix = self.string_prefix();
            return self.fail(&format!("{prefix}-string: expecting '}}'"));
        }
        let token = if quote_size == 3 {
            self.fail(&format!("unterminated triple-quoted string literal (detected at line {last_line})"))
        } else {
            let advice = if has_escaped_quote { "; perhaps you escaped the end quote?" } else { "" };
            self.fail(&format!("unterminated string literal (detected at line {last_line}){advice}"))
        };
        if c == EOF {
            self.state = if quote_size == 3 { State::EndOfFileInString } else { State::EndOfLineInString };
        }
        token
    }

    /// The text of an f-string or t-string up to its end or its next replacement field, or that end.
    pub(super) fn string_text_token(&mut self) -> Token {
        let Some(mode) = self.modes.last().copied() else { return self.regular_token() };
        self.token_start = self.cursor;
        self.token_column = self.column() as u32;
        self.first_line = self.line;
        self.first_line_start = self.line_start;
        let rest = &self.input.bytes()[self.cursor..self.read_end];
        if rest.first() == Some(&b'{') && rest.get(1) != Some(&b'{') {
            return match self.enter_expression() {
                Ok(()) => self.regular_token(),
                Err(token) => token,
            };
        }
        if rest.len() >= mode.quote_size && rest[..mode.quote_size].iter().all(|&byte| byte == mode.quote) {
            self.cursor += mode.quote_size;
            self.modes.pop();
            return self.token(match mode.flavour {
                StringFlavour::Format => TokenKind::FStringEnd,
                StringFlavour::Template => TokenKind::TStringEnd,
            });
        }
        if self.peek() != EOF && self.cursor == self.line_start {
            // The text starts on a line that was only just read.
            self.token_column = 0;
        }
        self.string_text(mode)
    }

    /// Leaves the text for the tokens of a replacement field.
    fn enter_expression(&mut self) -> Result<(), Token> {
        let prefix = self.string_prefix();
        let mut is_too_deep = false;
        if let Some(mode) = self.modes.last_mut() {
            mode.expression_depth += 1;
            is_too_deep = mode.expression_depth >= MAX_EXPRESSION_NESTING;
            mode.in_text = is_too_deep;
        }
        if is_too_deep {
            Err(self.fail(&format!("{prefix}-string: expressions nested too deeply")))
        } else {
            Ok(())
        }
    }

    fn string_text(&mut self, mode: StringMode) -> Token {
        let in_format_spec = mode.in_format_spec && mode.is_inside_expression();
        let middle = mode.middle();
        let mut quotes = 0;
        let mut in_character_name = false;
        while quotes != mode.quote_size {
            self.skip_plain_text(mode.quote, &mut quotes);
            let c = self.next();
            if self.state == State::Error {
                return self.empty_token(TokenKind::ErrorToken);
            }
            if c == EOF || (mode.quote_size == 1 && c == i32::from(b'\n')) {
                return self.unterminated_text(c, mode, in_format_spec);
            }
            let byte = c as u8;
            if byte == mode.quote {
                quotes += 1;
                continue;
            }
            quotes = 0;
            match byte {
                b'{' => return self.text_before_brace(middle, in_format_spec),
                b'}' if in_character_name => return self.token(middle),
                b'}' => {
                    let peek = self.next();
                    if peek == i32::from(b'}') && !in_format_spec && mode.bracket_depth == 0 {
                        return self.token_without_last(middle);
                    }
                    self.back(peek);
                    self.cursor -= 1;
                    self.leave_text();
                    return self.token(middle);
                }
                b'\\' => in_character_name |= self.escape_in_text(mode.raw),
                _ => {}
            }
        }
        self.cursor -= mode.quote_size;
        self.token(middle)
    }

    /// Skips text of the current line that needs no attention.
    fn skip_plain_text(&mut self, quote: u8, quotes: &mut usize) {
        let rest = &self.input.bytes()[self.cursor..self.read_end];
        let is_special = |&byte: &u8| byte == quote || matches!(byte, b'{' | b'}' | b'\\' | b'\n' | b'\r');
        let length = rest.iter().position(is_special).unwrap_or(rest.len());
        if length > 0 {
            *quotes = 0;
        }
        self.cursor += length;
    }

    fn text_before_brace(&mut self, middle: TokenKind, in_format_spec: bool) -> Token {
        let peek = self.next();
        if peek == i32::from(b'{') && !in_format_spec {
            return self.token_without_last(middle);
        }
        self.back(peek);
        self.cursor -= 1;
        if let Err(token) = self.enter_expression() {
            return token;
        }
        if let Some(mode) = self.modes.last_mut() {
            mode.in_format_spec = false;
        }
        self.token(middle)
    }

    /// A token whose text ends one byte before the cursor: the second of two braces is not part of it.
    fn token_without_last(&mut self, kind: TokenKind) -> Token {
        let mut token = self.token(kind);
        token.end -= 1;
        token
    }

    fn leave_text(&mut self) {
        if let Some(mode) = self.modes.last_mut() {
            mode.in_text = false;
            mode.in_format_spec = false;
        }
    }

    /// Reads what a backslash escapes. Says whether it starts a character name.
    fn escape_in_text(&mut self, raw: bool) -> bool {
        let mut peek = self.next();
        if peek == i32::from(b'\r') {
            peek = self.next();
        }
        if peek == i32::from(b'{') || peek == i32::from(b'}') {
            if !raw {
                let c = peek as u8 as char;
                let advice = format!("Did you mean \"\\\\{c}\"? A raw string is also an option.");
                let warning = format!(
                    "\"\\{c}\" is an invalid escape sequence. Such sequences will not work in the future. {advice}"
                );
                self.warn(warning, &format!("\"\\{c}\" is an invalid escape sequence. {advice}"));
            }
            self.back(peek);
            return false;
        }
        if !raw && peek == i32::from(b'N') {
            let peek = self.next();
            if peek == i32::from(b'{') {
                return true;
            }
            self.back(peek);
        }
        false
    }

    fn unterminated_text(&mut self, c: i32, mode: StringMode, in_format_spec: bool) -> Token {
        let prefix = self.string_prefix();
        if in_format_spec && c == i32::from(b'\n') {
            return self.fail(&format!(
                "{prefix}-string: newlines are not allowed in format specifiers for single quoted {prefix}-strings"
            ));
        }
        let last_line = self.line;
        self.cursor = mode.start + 1;
        self.line_start = mode.line_start;
        self.line = mode.first_line;
        if mode.quote_size == 3 {
            let token = self.fail(&format!(
                "unterminated triple-quoted {prefix}-string literal (detected at line {last_line})"
            ));
            if c == EOF {
                self.state = State::EndOfFileInString;
            }
            return token;
        }
        self.fail(&format!("unterminated {prefix}-string literal (detected at line {last_line})"))
    }

    /// Looks at a character that may end a replacement field's expression. Says whether a format spec starts.
    pub(super) fn starts_format_spec(&mut self, byte: u8) -> bool {
        let Some(mode) = self.modes.last_mut() else { return false };
        if byte != b':' || !mode.is_inside_expression() {
            return false;
        }
        let starts = mode.bracket_depth - 1 == mode.expression_depth;
        if starts {
            mode.in_text = true;
            mode.in_format_spec = true;
        }
        starts
    }
}

/// The letters before a string's quote.
#[derive(Default)]
struct Prefixes {
    bytes: bool,
    raw: bool,
    unicode: bool,
    format: bool,
    template: bool,
}

impl Prefixes {
    /// Notes a letter, unless it cannot be part of a prefix or was there before.
    fn add(&mut self, letter: u8) -> bool {
        let flag = match letter | 0x20 {
            b'b' => &mut self.bytes,
            b'u' => &mut self.unicode,
            b'r' => &mut self.raw,
            b'f' => &mut self.format,
            b't' => &mut self.template,
            _ => return false,
        };
        !std::mem::replace(flag, true)
    }

    fn conflict(&self) -> Option<(char, char)> {
        let pairs = [
            (self.unicode && self.bytes, 'u', 'b'),
            (self.unicode && self.raw, 'u', 'r'),
            (self.unicode && self.format, 'u', 'f'),
            (self.unicode && self.template, 'u', 't'),
            (self.bytes && self.format, 'b', 'f'),
            (self.bytes && self.template, 'b', 't'),
            (self.format && self.template, 'f', 't'),
        ];
        pairs.iter().find(|pair| pair.0).map(|&(_, one, other)| (one, other))
    }
}

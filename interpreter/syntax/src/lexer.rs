//! The lexer: source text to tokens, exactly as CPython's tokenizer cuts them.
//!
//! The text is read line by line, because where an error is reported and which part of the line is shown depends
//! on what the tokenizer has seen of it. [`Lexer::next_token`] makes one token; after an `ERRORTOKEN` the lexer's
//! [`State`] and [`Lexer::take_error`] say what went wrong.
//!
//! f-strings and t-strings are lexed with a stack of [`StringMode`]s: text in [`string`], replacement fields as
//! ordinary tokens.

mod indentation;
mod number;
mod operator;
mod string;

use memchr::{memchr, memchr2};

use crate::error::{ErrorKind, SyntaxError, Warning, WarningCategory};
use crate::token::{Token, TokenKind};
use crate::unicode;
use string::{StringFlavour, StringMode};

/// Deepest nesting of brackets.
const MAX_BRACKETS: usize = 200;
/// Deepest nesting of f-strings and t-strings.
const MAX_STRING_MODES: usize = 150;

/// What the lexer does differently for different users.
#[derive(Clone, Copy, Debug, Default)]
pub struct LexerOptions {
    /// Make `TYPE_COMMENT` and `TYPE_IGNORE` tokens.
    pub type_comments: bool,
    /// Make `COMMENT` and `NL` tokens and be lenient, as Python's `tokenize` module wants it.
    pub extra_tokens: bool,
}

/// How the lexer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is more to read.
    Running,
    /// All was read.
    EndOfFile,
    /// All was read while inside a triple-quoted string.
    EndOfFileInString,
    /// All was read while inside a single-quoted string.
    EndOfLineInString,
    /// An error with its own message, see [`Lexer::take_error`].
    Error,
    /// A dedent to a column that no block has.
    Dedent,
    /// Tabs and spaces are mixed so that the indentation is ambiguous.
    TabSpace,
    /// Too many levels of indentation.
    TooDeep,
    /// Something other than a line end follows a backslash.
    LineContinuation,
}

/// A bracket not yet closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bracket {
    pub character: u8,
    pub line: u32,
    pub column: u32,
}

/// What stands for the end of the input among characters.
const EOF: i32 = -1;

const NOWHERE: usize = usize::MAX;

/// Text for a lexer, with `\n` line ends.
pub trait Input {
    /// The text so far: UTF-8.
    fn bytes(&self) -> &[u8];

    /// Adds at least one line to the text, or says that it is complete. It is asked for when the lexer needs the line.
    fn more(&mut self) -> bool {
        false
    }
}

impl Input for &str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// See the module's text.
#[derive(Clone)]
pub struct Lexer<I> {
    input: I,
    options: LexerOptions,
    /// The next byte to read.
    cursor: usize,
    /// The end of what was read so far: the end of the line the cursor is in.
    read_end: usize,
    /// Where the line of the cursor starts.
    line_start: usize,
    /// Where the line of the current token starts.
    buffer_start: usize,
    line: u32,
    /// Where the current token starts.
    token_start: usize,
    token_column: u32,
    /// Where a token that spans lines starts.
    first_line: u32,
    first_line_start: usize,
    state: State,
    error: Option<SyntaxError>,
    /// Warnings found so far.
    pub(crate) warnings: Vec<Warning>,
    at_line_start: bool,
    has_left_lines: bool,
    /// Whether the line has nothing but white space or a comment.
    is_blank_line: bool,
    comment_newline: bool,
    /// `INDENT` (positive) or `DEDENT` (negative) tokens still to make.
    pending_indents: i32,
    /// Columns of the open blocks, with tabs to eight columns and with tabs to one.
    indents: Vec<(u32, u32)>,
    brackets: Vec<Bracket>,
    modes: Vec<StringMode>,
}

impl<'a> Lexer<&'a str> {
    /// The text from the start of the cursor's line to the end of what was read.
    pub(crate) fn rest_of_line(&self) -> &'a [u8] {
        &self.input.as_bytes()[self.line_start..self.read_end]
    }
}

impl<I: Input> Lexer<I> {
    /// A lexer at the start of a text.
    pub fn new(input: I, options: LexerOptions) -> Self {
        Self {
            input,
            options,
            cursor: 0,
            read_end: 0,
            line_start: 0,
            buffer_start: 0,
            line: 0,
            token_start: NOWHERE,
            token_column: Token::NO_COLUMN,
            first_line: 0,
            first_line_start: 0,
            state: State::Running,
            error: None,
            warnings: Vec::new(),
            at_line_start: true,
            has_left_lines: false,
            is_blank_line: false,
            comment_newline: false,
            pending_indents: 0,
            indents: vec![(0, 0)],
            brackets: Vec::new(),
            modes: Vec::new(),
        }
    }

    /// The text, and what it comes from.
    pub fn input(&self) -> &I {
        &self.input
    }

    /// The text, and what it comes from.
    pub fn input_mut(&mut self) -> &mut I {
        &mut self.input
    }

    /// Where the line of the cursor starts in the text.
    pub fn line_start(&self) -> usize {
        self.line_start
    }

    /// Where the line starts in which the last string token, or part of one, starts.
    pub fn string_line_start(&self) -> usize {
        self.first_line_start
    }

    /// Where the line starts in which the current token starts.
    pub fn buffer_start(&self) -> usize {
        self.buffer_start
    }

    /// The end of what was read: the end of the cursor's line.
    pub fn read_end(&self) -> usize {
        self.read_end
    }

    /// Whether the end of the input was found between tokens, where nothing of the last line is held any more.
    pub fn has_left_lines(&self) -> bool {
        self.has_left_lines
    }

    /// The warnings found since they were last asked for.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// The next token. After the end it goes on making `ENDMARKER`s, after an error `ERRORTOKEN`s.
    pub fn next_token(&mut self) -> Token {
        match self.modes.last() {
            Some(mode) if mode.in_text => self.string_text_token(),
            _ => self.regular_token(),
        }
    }

    /// How the lexer stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The error behind [`State::Error`].
    pub fn take_error(&mut self) -> Option<SyntaxError> {
        self.error.take()
    }

    /// The line read last.
    pub fn line(&self) -> u32 {
        self.line
    }

    pub(crate) fn brackets(&self) -> &[Bracket] {
        &self.brackets
    }

    /// Column of the cursor.
    pub(crate) fn column(&self) -> usize {
        self.cursor - self.line_start
    }

    /// Column of the cursor, counted from the line in which the current token starts.
    pub(crate) fn column_in_buffer(&self) -> usize {
        self.cursor - self.buffer_start
    }

    /// Whether anything was read of the current line.
    pub(crate) fn has_read(&self) -> bool {
        self.read_end > self.buffer_start
    }

    /// The byte offset of the cursor.
    pub fn offset(&self) -> usize {
        self.cursor
    }

    /// `f` or `t`, after the innermost string being lexed.
    pub(crate) fn string_prefix(&self) -> char {
        match self.modes.last() {
            Some(mode) if mode.flavour == StringFlavour::Template => 't',
            _ => 'f',
        }
    }

    /// Whether the lexer is inside an f-string or t-string.
    pub(crate) fn is_inside_string(&self) -> bool {
        !self.modes.is_empty()
    }

    /// Makes the end of an interactive statement: all open blocks end.
    pub(crate) fn close_blocks(&mut self) {
        let open = self.indents.len() as i32 - 1;
        if open > 0 {
            self.pending_indents = -open;
            self.indents.truncate(1);
        }
    }

    /// Tokens outside of string text.
    fn regular_token(&mut self) -> Token {
        loop {
            self.token_start = NOWHERE;
            self.token_column = Token::NO_COLUMN;
            self.is_blank_line = false;
            if self.at_line_start
                && let Some(token) = self.read_indentation()
            {
                return token;
            }
            self.token_start = self.cursor;
            if self.pending_indents != 0 {
                return self.indent_token();
            }
            self.peek();
            if let Some(token) = self.token_on_line() {
                return token;
            }
        }
    }

    /// A token of the current line, or `None` when a blank line was skipped.
    fn token_on_line(&mut self) -> Option<Token> {
        loop {
            self.token_start = NOWHERE;
            let mut c = self.next();
            while c == i32::from(b' ') || c == i32::from(b'\t') || c == 0x0C {
                c = self.next();
            }
            self.token_start = self.cursor.wrapping_sub(usize::from(c != EOF));
            self.token_column = (self.token_start - self.line_start) as u32;
            if c == i32::from(b'#') {
                if let Some(token) = self.comment() {
                    return Some(token);
                }
                c = self.next();
            }
            if c == EOF {
                let at_end = self.brackets.is_empty() && self.state == State::EndOfFile;
                let kind = if at_end { TokenKind::EndMarker } else { TokenKind::ErrorToken };
                return Some(self.empty_token(kind));
            }
            let byte = c as u8;
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128.. => return Some(self.identifier_or_string(byte)),
                b'\n' | b'\r' => return self.newline(byte),
                b'0'..=b'9' => return Some(self.number(byte)),
                b'.' => return Some(self.dot()),
                b'"' | b'\'' => return Some(self.plain_string(byte)),
                b'\\' => {
                    if !self.continue_line() {
                        return Some(self.empty_token(TokenKind::ErrorToken));
                    }
                }
                _ => return Some(self.operator(byte)),
            }
        }
    }

    /// Skips a comment up to the line's end, or makes a token of it.
    fn comment(&mut self) -> Option<Token> {
        let rest = &self.input.bytes()[self.cursor..self.read_end];
        self.cursor += memchr(b'\n', rest).unwrap_or(rest.len());
        if self.input.bytes()[self.cursor - 1] == b'\r' {
            self.cursor -= 1;
        }
        if self.options.type_comments
            && let Some(token) = self.type_comment()
        {
            return Some(token);
        }
        if self.options.extra_tokens {
            self.comment_newline = self.is_blank_line;
            return Some(self.token(TokenKind::Comment));
        }
        None
    }

    /// `# type: …`, in which the spaces may be any white space or none.
    fn type_comment(&mut self) -> Option<Token> {
        let text = &self.input.bytes()[..self.cursor];
        let mut at = self.token_start;
        for &expected in b"# type: " {
            if expected == b' ' {
                while at < text.len() && matches!(text[at], b' ' | b'\t') {
                    at += 1;
                }
            } else if text.get(at) == Some(&expected) {
                at += 1;
            } else {
                return None;
            }
        }
        let is_ignore = text[at..].starts_with(b"ignore")
            && text.get(at + 6).is_none_or(|next| next.is_ascii() && !next.is_ascii_alphanumeric());
        let start = if is_ignore { at + 6 } else { at };
        let kind = if is_ignore { TokenKind::TypeIgnore } else { TokenKind::TypeComment };
        let token = Token {
            start: start as u32,
            column: (start - self.line_start) as u32,
            end: self.cursor as u32,
            end_column: self.column() as u32,
            ..self.token(kind)
        };
        if is_ignore && self.is_blank_line {
            self.next();
            self.at_line_start = true;
        }
        Some(token)
    }

    fn newline(&mut self, byte: u8) -> Option<Token> {
        if byte == b'\r' && self.next() != i32::from(b'\n') {
            return Some(self.fail("invalid non-printable character U+000D"));
        }
        self.at_line_start = true;
        if self.is_blank_line || !self.brackets.is_empty() {
            if self.options.extra_tokens {
                self.comment_newline = false;
                return Some(self.token(TokenKind::NonLogicalNewline));
            }
            return None;
        }
        if self.comment_newline && self.options.extra_tokens {
            self.comment_newline = false;
            return Some(self.token(TokenKind::NonLogicalNewline));
        }
        let mut token = self.token(TokenKind::Newline);
        token.end -= 1;
        Some(token)
    }

    fn identifier_or_string(&mut self, first: u8) -> Token {
        if matches!(first | 0x20, b'b' | b'r' | b'u' | b'f' | b't')
            && let Some(token) = self.prefixed_string()
        {
            return token;
        }
        let rest = &self.input.bytes()[self.cursor..self.read_end];
        let length = rest.iter().position(|&byte| !is_identifier_byte(byte)).unwrap_or(rest.len());
        self.cursor += length;
        if self.cursor == self.read_end {
            // CPython finds a word's end by reading the character after it, so it has seen the end of the source.
            self.peek();
        }
        let word = &self.input.bytes()[self.token_start..self.cursor];
        let kind = match TokenKind::keyword(word) {
            Some(keyword) => keyword,
            None if word.is_ascii() => TokenKind::Name,
            None => match self.check_identifier() {
                Ok(()) => TokenKind::Name,
                Err(token) => return token,
            },
        };
        self.token(kind)
    }

    /// Checks an identifier that has characters beyond ASCII (PEP 3131).
    fn check_identifier(&mut self) -> Result<(), Token> {
        if self.options.extra_tokens {
            return Ok(());
        }
        let identifier = self.text(self.token_start, self.cursor);
        let wrong = identifier.char_indices().find(|&(index, character)| match index {
            0 => !unicode::is_identifier_start(character),
            _ => !unicode::is_identifier_continue(character),
        });
        let Some((index, character)) = wrong else { return Ok(()) };
        self.cursor = self.token_start + index + character.len_utf8();
        let point = u32::from(character);
        Err(self.fail(&if unicode::is_printable(character) {
            format!("invalid character '{character}' (U+{point:04X})")
        } else {
            format!("invalid non-printable character U+{point:04X}")
        }))
    }

    /// Reads the line end that must follow a backslash and looks whether another line follows.
    fn continue_line(&mut self) -> bool {
        let mut c = self.next();
        if c == i32::from(b'\r') {
            c = self.next();
        }
        if c != i32::from(b'\n') {
            self.state = State::LineContinuation;
            return false;
        }
        if self.peek() == EOF {
            self.state = State::EndOfFile;
            self.cursor = self.read_end;
            return false;
        }
        true
    }

    /// The next character, reading the next line if the current one is used up.
    #[inline]
    fn next(&mut self) -> i32 {
        if self.cursor == self.read_end && !self.read_line() {
            return EOF;
        }
        let byte = self.input.bytes()[self.cursor];
        self.cursor += 1;
        i32::from(byte)
    }

    /// The next character without reading over it; it may belong to the next line, which is then the current one.
    #[inline]
    fn peek(&mut self) -> i32 {
        if self.cursor == self.read_end && !self.read_line() {
            return EOF;
        }
        i32::from(self.input.bytes()[self.cursor])
    }

    /// Goes back before the character `c` just read.
    #[inline]
    fn back(&mut self, c: i32) {
        self.cursor -= usize::from(c != EOF);
    }

    fn read_line(&mut self) -> bool {
        if self.state != State::Running {
            return false;
        }
        if self.read_end == self.input.bytes().len() && !self.input.more() {
            self.has_left_lines = self.token_start == NOWHERE && !self.is_inside_string();
            self.state = State::EndOfFile;
            return false;
        }
        let rest = &self.input.bytes()[self.read_end..];
        let length = memchr(b'\n', rest).map_or(rest.len(), |index| index + 1);
        let has_null = memchr(0, &rest[..length]).is_some();
        if self.token_start == NOWHERE {
            self.buffer_start = self.cursor;
        }
        self.line_start = self.cursor;
        self.line += 1;
        self.read_end += length;
        if has_null {
            self.fail("source code cannot contain null bytes");
            self.cursor = self.read_end;
            return false;
        }
        true
    }

    /// A token of the text from its start to the cursor.
    #[inline]
    fn token(&self, kind: TokenKind) -> Token {
        Token {
            kind,
            level: self.brackets.len() as u8,
            start: self.token_start as u32,
            end: self.cursor as u32,
            line: if kind.is_string_part() { self.first_line } else { self.line },
            column: self.token_column,
            end_line: self.line,
            end_column: (self.cursor - self.line_start) as u32,
        }
    }

    /// A token that stands for no text.
    fn empty_token(&self, kind: TokenKind) -> Token {
        Token {
            kind,
            level: self.brackets.len() as u8,
            start: self.cursor as u32,
            end: self.cursor as u32,
            line: self.line,
            column: Token::NO_COLUMN,
            end_line: self.line,
            end_column: Token::NO_COLUMN,
        }
    }

    /// Fails at the cursor.
    fn fail(&mut self, message: &str) -> Token {
        self.fail_in_range(self.cursor, self.cursor, message)
    }

    /// Fails at the characters that end at two places of the current line.
    fn fail_in_range(&mut self, end_of_first: usize, end_of_last: usize, message: &str) -> Token {
        if self.state != State::Error {
            let column = self.text_lossy(self.line_start, end_of_first).chars().count();
            let end_column = self.text_lossy(self.line_start, end_of_last).chars().count();
            self.error = Some(self.error_in_line(column, end_column, message));
            self.state = State::Error;
        }
        self.empty_token(TokenKind::ErrorToken)
    }

    fn error_in_line(&self, column: usize, end_column: usize, message: &str) -> SyntaxError {
        let rest = &self.input.bytes()[self.line_start..];
        let line_end = self.line_start + memchr2(b'\n', 0, rest).unwrap_or(rest.len());
        SyntaxError {
            line: i64::from(self.line),
            column: column as i64,
            end_line: i64::from(self.line),
            end_column: end_column as i64,
            text: Some(self.text_lossy(self.line_start, line_end).into_owned()),
            ..SyntaxError::without_place(ErrorKind::Syntax, message)
        }
    }

    /// Records a `SyntaxWarning` about the current line.
    fn warn(&mut self, message: String, error_message: &str) {
        let column = self.text_lossy(self.line_start, self.cursor).chars().count();
        let as_error = Box::new(self.error_in_line(column, column, error_message));
        self.warnings.push(Warning { category: WarningCategory::Syntax, message, line: self.line, as_error });
    }

    fn text(&self, start: usize, end: usize) -> &str {
        std::str::from_utf8(&self.input.bytes()[start..end]).unwrap_or_default()
    }

    /// Text that may end inside a character.
    fn text_lossy(&self, start: usize, end: usize) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.input.bytes()[start..end])
    }
}

/// Whether an identifier may have this byte; which characters beyond ASCII may is checked later.
#[inline]
fn is_identifier_byte(byte: u8) -> bool {
    IDENTIFIER_BYTES[usize::from(byte)]
}

static IDENTIFIER_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte >= 128 || (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

//! The parser: tokens to syntax tree, by recursive descent, without a word about what is wrong.
//!
//! This is the fast path. It says only *that* a source is wrong ([`Failure`]); what the message is and where it
//! points is found afterwards by [`crate::diagnosis`], which goes through the source a second time in CPython's own
//! order. All tokens are made before parsing starts, so looking ahead and going back cost nothing.
//!
//! * [`statement`], [`compound`]: simple and compound statements
//! * [`expression`], [`atom`], [`call`], [`comprehension`]: expressions, from loose to tight
//! * [`parameter`]: parameter lists of functions and lambdas, and type parameters
//! * [`target`]: what can be assigned to and deleted
//! * [`pattern`]: the patterns of `match`
//! * [`string`]: string literals, f-strings, t-strings

mod atom;
mod call;
mod compound;
mod comprehension;
mod expression;
mod names;
mod parameter;
mod pattern;
mod statement;
mod string;
mod target;

use crate::ast::{Expr, ExprKind, Mod, Name, Span, Text, TypeIgnore};
use crate::error::Warning;
use crate::lexer::{Lexer, LexerOptions};
use crate::token::{Token, TokenKind};
use crate::{Mode, ParseOptions};
use names::Names;
pub(crate) use string::escape_warning;

/// Nesting up to which parsing is sure to fit any stack.
pub(crate) const SHALLOW_NESTING: u32 = 200;

/// Why parsing stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The source is wrong, or may be.
    Invalid,
    /// The source nests more deeply than was allowed.
    TooDeep,
}

pub(crate) type Parse<T> = Result<T, Failure>;

/// A position to go back to.
#[derive(Clone, Copy)]
struct Checkpoint {
    position: usize,
    warnings: usize,
}

/// Where a node starts.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    line: u32,
    column: u32,
}

/// See the module's text.
pub(crate) struct Parser<'a> {
    source: &'a str,
    options: &'a ParseOptions,
    tokens: Vec<Token>,
    position: usize,
    names: Names<'a>,
    type_ignores: Vec<TypeIgnore>,
    warnings: Vec<Warning>,
    /// Whether `<>` is the inequality operator.
    barry_as_flufl: bool,
    depth: u32,
    max_depth: u32,
}

impl<'a> Parser<'a> {
    /// Parses `source` in the given mode; nesting beyond `max_depth` fails.
    pub(crate) fn parse(
        source: &'a str,
        mode: Mode,
        options: &'a ParseOptions,
        max_depth: u32,
    ) -> Parse<(Mod, Vec<Warning>)> {
        let mut parser = Self {
            source,
            options,
            tokens: Vec::new(),
            position: 0,
            names: Names::default(),
            type_ignores: Vec::new(),
            warnings: Vec::new(),
            barry_as_flufl: options.barry_as_flufl,
            depth: 0,
            max_depth,
        };
        parser.read_tokens(mode)?;
        let tree = match mode {
            Mode::Module => parser.module()?,
            Mode::Expression => parser.expression_input()?,
            Mode::Interactive => parser.interactive()?,
            Mode::FunctionType => parser.function_type()?,
        };
        parser.warnings.sort_by_key(|warning| warning.line);
        Ok((tree, parser.warnings))
    }

    fn read_tokens(&mut self, mode: Mode) -> Parse<()> {
        let lexer_options = LexerOptions { type_comments: self.options.type_comments, extra_tokens: false };
        let mut lexer = Lexer::new(self.source, lexer_options);
        self.tokens.reserve(self.source.len() / 5 + 16);
        let mut is_started = false;
        loop {
            let mut token = lexer.next_token();
            match token.kind {
                TokenKind::ErrorToken => return Err(Failure::Invalid),
                TokenKind::TypeIgnore => {
                    let tag = self.text(token).into();
                    self.type_ignores.push(TypeIgnore::TypeIgnore { lineno: lexer.line() as i32, tag });
                    continue;
                }
                TokenKind::EndMarker if mode == Mode::Interactive && is_started => {
                    token.kind = TokenKind::Newline;
                    is_started = false;
                    if !self.options.dont_imply_dedent {
                        lexer.close_blocks();
                    }
                    self.tokens.push(token);
                    continue;
                }
                _ => is_started = true,
            }
            self.tokens.push(token);
            if token.kind == TokenKind::EndMarker {
                break;
            }
        }
        self.warnings = lexer.warnings;
        Ok(())
    }

    fn module(&mut self) -> Parse<Mod> {
        let mut body = Vec::new();
        while !self.at(TokenKind::EndMarker) {
            self.statement(&mut body)?;
        }
        Ok(Mod::Module { body, type_ignores: std::mem::take(&mut self.type_ignores) })
    }

    fn expression_input(&mut self) -> Parse<Mod> {
        let body = Box::new(self.expressions()?);
        self.end_of_input()?;
        Ok(Mod::Expression { body })
    }

    fn interactive(&mut self) -> Parse<Mod> {
        let mut body = Vec::new();
        if self.at(TokenKind::Newline) {
            let start = self.start();
            self.bump();
            let kind = crate::ast::StmtKind::Pass {};
            body.push(crate::ast::Stmt { span: self.span_from(start), kind });
        } else if self.statement(&mut body)? {
            self.expect(TokenKind::Newline)?;
        }
        // Only white space and comments may follow.
        let end = self.tokens[self.position - 1].end as usize;
        let is_alone = self.source[end..].split('\n').all(|line| {
            matches!(line.trim_start_matches([' ', '\t', '\x0C']).as_bytes().first(), None | Some(b'#'))
        });
        if is_alone { Ok(Mod::Interactive { body }) } else { Err(Failure::Invalid) }
    }

    fn function_type(&mut self) -> Parse<Mod> {
        self.expect(TokenKind::LeftParen)?;
        let mut argtypes = Vec::new();
        let mut stars = 0;
        while !self.at(TokenKind::RightParen) {
            let kind = self.kind();
            match kind {
                TokenKind::Star if stars == 0 => stars = 1,
                TokenKind::DoubleStar if stars < 2 => stars = 2,
                _ if stars > 0 => return Err(Failure::Invalid),
                _ => {}
            }
            if matches!(kind, TokenKind::Star | TokenKind::DoubleStar) {
                self.bump();
            }
            argtypes.push(self.expression()?);
            if !self.eat(TokenKind::Comma) {
                break;
            }
            if self.at(TokenKind::RightParen) {
                return Err(Failure::Invalid);
            }
        }
        self.expect(TokenKind::RightParen)?;
        self.expect(TokenKind::Arrow)?;
        let returns = Box::new(self.expression()?);
        self.end_of_input()?;
        Ok(Mod::FunctionType { argtypes, returns })
    }

    fn end_of_input(&mut self) -> Parse<()> {
        while self.eat(TokenKind::Newline) {}
        self.expect(TokenKind::EndMarker)?;
        Ok(())
    }

    #[inline]
    fn token(&self) -> Token {
        self.tokens[self.position]
    }

    #[inline]
    fn kind(&self) -> TokenKind {
        self.tokens[self.position].kind
    }

    /// The kind of the token `distance` tokens ahead.
    #[inline]
    fn peek(&self, distance: usize) -> TokenKind {
        self.tokens.get(self.position + distance).map_or(TokenKind::EndMarker, |token| token.kind)
    }

    #[inline]
    fn at(&self, kind: TokenKind) -> bool {
        self.kind() == kind
    }

    #[inline]
    fn bump(&mut self) -> Token {
        let token = self.tokens[self.position];
        if self.position + 1 < self.tokens.len() {
            self.position += 1;
        }
        token
    }

    #[inline]
    fn eat(&mut self, kind: TokenKind) -> bool {
        let is_there = self.at(kind);
        if is_there {
            self.bump();
        }
        is_there
    }

    #[inline]
    fn expect(&mut self, kind: TokenKind) -> Parse<Token> {
        if self.at(kind) { Ok(self.bump()) } else { Err(Failure::Invalid) }
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint { position: self.position, warnings: self.warnings.len() }
    }

    fn rewind(&mut self, checkpoint: Checkpoint) {
        self.position = checkpoint.position;
        self.warnings.truncate(checkpoint.warnings);
    }

    #[inline]
    fn start(&self) -> Start {
        let token = self.token();
        Start { line: token.line, column: token.column }
    }

    /// The span from `start` to the end of the last token that is no line end or indentation.
    #[inline]
    fn span_from(&self, start: Start) -> Span {
        let is_layout = |token: &&Token| {
            !matches!(
                token.kind,
                TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::EndMarker
            )
        };
        let last = self.tokens[..self.position].iter().rev().find(is_layout).copied();
        let (end_line, end_column) =
            last.map_or((start.line, start.column), |token| (token.end_line, token.end_column));
        Span { line: start.line, column: start.column, end_line, end_column }
    }

    /// The span of one token.
    fn span_of(token: Token) -> Span {
        Span {
            line: token.line,
            column: token.column,
            end_line: token.end_line,
            end_column: token.end_column,
        }
    }

    #[inline]
    fn finish(&self, start: Start, kind: ExprKind) -> Expr {
        Expr { span: self.span_from(start), kind }
    }

    fn text(&self, token: Token) -> &'a str {
        &self.source[token.start as usize..token.end as usize]
    }

    /// Whether the current token is the soft keyword `word`.
    #[inline]
    fn at_word(&self, word: &str) -> bool {
        self.at(TokenKind::Name) && self.text(self.token()) == word
    }

    /// An identifier.
    fn name(&mut self) -> Parse<Name> {
        let token = self.expect(TokenKind::Name)?;
        self.intern(token)
    }

    fn intern(&mut self, token: Token) -> Parse<Name> {
        let text = self.text(token);
        self.names.intern(text).ok_or(Failure::Invalid)
    }

    fn type_comment(&mut self) -> Option<Text> {
        if !self.at(TokenKind::TypeComment) {
            return None;
        }
        let token = self.bump();
        Some(self.text(token).into())
    }

    /// Fails unless syntax of Python 3.`minor` is wanted.
    #[inline]
    fn need_version(&self, minor: u8) -> Parse<()> {
        if self.options.feature_version >= minor { Ok(()) } else { Err(Failure::Invalid) }
    }

    /// Runs a parsing function one level deeper.
    #[inline]
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= self.max_depth {
            return Err(Failure::TooDeep);
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Whether the current token can start an expression.
    #[inline]
    fn at_expression(&self) -> bool {
        use TokenKind::{
            Await, Ellipsis, FStringStart, False, Lambda, LeftBrace, LeftBracket, LeftParen, Minus, Name,
            None, Not, Number, Plus, String, TStringStart, Tilde, True,
        };
        matches!(
            self.kind(),
            Name | Number
                | String
                | FStringStart
                | TStringStart
                | LeftParen
                | LeftBracket
                | LeftBrace
                | Minus
                | Plus
                | Tilde
                | Not
                | Lambda
                | Await
                | None
                | True
                | False
                | Ellipsis
        )
    }
}

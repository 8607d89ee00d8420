//! Compound statements: those with blocks.

use super::{Failure, Parse, Parser};
use crate::ast::{ExceptHandler, ExceptHandlerKind, Expr, Stmt, StmtKind, Text, WithItem};
use crate::token::TokenKind;

impl Parser<'_> {
    /// A compound statement, if one starts here.
    #[inline]
    pub(super) fn compound_statement(&mut self) -> Parse<Option<Stmt>> {
        let start = self.start();
        let kind = match self.kind() {
            TokenKind::If => return self.if_statement().map(Some),
            TokenKind::Def | TokenKind::Class | TokenKind::At | TokenKind::Async => {
                return self.definition().map(Some);
            }
            TokenKind::For => self.for_statement(false)?,
            TokenKind::With => self.with_statement(false)?,
            TokenKind::While => self.while_statement()?,
            TokenKind::Try => self.try_statement()?,
            TokenKind::Name if self.at_word("match") => match self.match_statement()? {
                Some(kind) => kind,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        Ok(Some(Stmt { span: self.span_from(start), kind }))
    }

    /// `block`: indented statements, or simple ones on the same line.
    pub(super) fn block(&mut self) -> Parse<Vec<Stmt>> {
        let mut body = Vec::new();
        if !self.eat(TokenKind::Newline) {
            self.simple_statements(&mut body)?;
            return Ok(body);
        }
        self.expect(TokenKind::Indent)?;
        self.nested(|parser| {
            while !parser.eat(TokenKind::Dedent) {
                parser.statement(&mut body)?;
            }
            Ok(body)
        })
    }

    fn colon_block(&mut self) -> Parse<Vec<Stmt>> {
        self.expect(TokenKind::Colon)?;
        self.block()
    }

    fn else_block(&mut self) -> Parse<Vec<Stmt>> {
        if self.eat(TokenKind::Else) { self.colon_block() } else { Ok(Vec::new()) }
    }

    /// `if` with its `elif`s, each of which is an `if` in the one before.
    fn if_statement(&mut self) -> Parse<Stmt> {
        let mut branches = Vec::with_capacity(1);
        while self.at(if branches.is_empty() { TokenKind::If } else { TokenKind::Elif }) {
            if branches.len() >= self.max_depth as usize {
                return Err(Failure::TooDeep);
            }
            let start = self.start();
            self.bump();
            let test = Box::new(self.named_expression()?);
            branches.push((start, test, self.colon_block()?));
        }
        let mut orelse = self.else_block()?;
        loop {
            let Some((start, test, body)) = branches.pop() else { return Err(Failure::Invalid) };
            let kind = StmtKind::If { test, body, orelse };
            let statement = Stmt { span: self.span_from(start), kind };
            if branches.is_empty() {
                return Ok(statement);
            }
            orelse = vec![statement];
        }
    }

    fn while_statement(&mut self) -> Parse<StmtKind> {
        self.bump();
        let test = Box::new(self.named_expression()?);
        let body = self.colon_block()?;
        Ok(StmtKind::While { test, body, orelse: self.else_block()? })
    }

    fn for_statement(&mut self, is_async: bool) -> Parse<StmtKind> {
        self.bump();
        let target = Box::new(self.star_targets()?);
        self.expect(TokenKind::In)?;
        let iter = Box::new(self.star_expressions()?);
        self.expect(TokenKind::Colon)?;
        let type_comment = self.type_comment();
        let body = self.block()?;
        let orelse = self.else_block()?;
        Ok(if is_async {
            StmtKind::AsyncFor { target, iter, body, orelse, type_comment }
        } else {
            StmtKind::For { target, iter, body, orelse, type_comment }
        })
    }

    fn with_statement(&mut self, is_async: bool) -> Parse<StmtKind> {
        self.bump();
        let (items, is_parenthesized) = match self.parenthesized_with_items()? {
            Some(items) => (items, true),
            None => (self.with_items(TokenKind::Colon)?, false),
        };
        self.expect(TokenKind::Colon)?;
        let type_comment = if is_async && is_parenthesized { None } else { self.type_comment() };
        let body = self.block()?;
        Ok(if is_async {
            StmtKind::AsyncWith { items, body, type_comment }
        } else {
            StmtKind::With { items, body, type_comment }
        })
    }

    /// `( items )` if that is what stands before the colon, and not an expression in parentheses.
    fn parenthesized_with_items(&mut self) -> Parse<Option<Vec<WithItem>>> {
        if !self.at(TokenKind::LeftParen) || !self.parentheses_end_before_colon() {
            return Ok(None);
        }
        let checkpoint = self.checkpoint();
        self.bump();
        let items = self.with_items(TokenKind::RightParen);
        match items {
            Ok(items) if self.at(TokenKind::RightParen) && self.peek(1) == TokenKind::Colon => {
                self.bump();
                Ok(Some(items))
            }
            Err(Failure::TooDeep) => Err(Failure::TooDeep),
            _ => {
                self.rewind(checkpoint);
                Ok(None)
            }
        }
    }

    fn parentheses_end_before_colon(&self) -> bool {
        let level = self.token().level;
        let closing = self.tokens[self.position..]
            .iter()
            .position(|token| token.kind == TokenKind::RightParen && token.level + 1 == level);
        closing.is_some_and(|distance| self.peek(distance + 1) == TokenKind::Colon)
    }

    fn with_items(&mut self, end: TokenKind) -> Parse<Vec<WithItem>> {
        let mut items = Vec::with_capacity(1);
        loop {
            let context_expr = Box::new(self.expression()?);
            let optional_vars =
                if self.eat(TokenKind::As) { Some(Box::new(self.star_target()?)) } else { None };
            items.push(WithItem { context_expr, optional_vars });
            if !self.eat(TokenKind::Comma) {
                return Ok(items);
            }
            if self.at(end) {
                return if end == TokenKind::RightParen { Ok(items) } else { Err(Failure::Invalid) };
            }
        }
    }

    fn try_statement(&mut self) -> Parse<StmtKind> {
        self.bump();
        let body = self.colon_block()?;
        let is_star = self.at(TokenKind::Except) && self.peek(1) == TokenKind::Star;
        let mut handlers = Vec::new();
        while self.at(TokenKind::Except) {
            if (self.peek(1) == TokenKind::Star) != is_star {
                return Err(Failure::Invalid);
            }
            handlers.push(self.except_handler(is_star)?);
        }
        let orelse = if handlers.is_empty() { Vec::new() } else { self.else_block()? };
        let mut finalbody = Vec::new();
        if self.eat(TokenKind::Finally) {
            finalbody = self.colon_block()?;
        } else if handlers.is_empty() {
            return Err(Failure::Invalid);
        }
        if is_star {
            self.need_version(11)?;
            return Ok(StmtKind::TryStar { body, handlers, orelse, finalbody });
        }
        Ok(StmtKind::Try { body, handlers, orelse, finalbody })
    }

    fn except_handler(&mut self, is_star: bool) -> Parse<ExceptHandler> {
        let start = self.start();
        self.bump();
        if is_star {
            self.bump();
        }
        let (mut r#type, mut name) = (None, None);
        if is_star || !self.at(TokenKind::Colon) {
            let types_start = self.start();
            let first = self.expression()?;
            if self.eat(TokenKind::As) {
                name = Some(self.name()?);
            }
            let types = if name.is_none() && self.at(TokenKind::Comma) {
                self.need_version(14)?;
                self.tuple_after(types_start, first, Self::at_expression, Self::expression)?
            } else {
                first
            };
            r#type = Some(Box::new(types));
        }
        let body = self.colon_block()?;
        Ok(ExceptHandler {
            span: self.span_from(start),
            kind: ExceptHandlerKind::ExceptHandler { r#type, name, body },
        })
    }

    /// What may have decorators, and what starts with `async`.
    fn definition(&mut self) -> Parse<Stmt> {
        let mut decorators = Vec::new();
        while self.eat(TokenKind::At) {
            decorators.push(self.named_expression()?);
            self.expect(TokenKind::Newline)?;
        }
        let start = self.start();
        let kind = match self.kind() {
            TokenKind::Class => self.class_definition(decorators)?,
            TokenKind::Def => self.function_definition(decorators, false)?,
            TokenKind::Async => {
                self.bump();
                match self.kind() {
                    TokenKind::Def => {
                        self.need_version(5)?;
                        self.function_definition(decorators, true)?
                    }
                    TokenKind::For if decorators.is_empty() => {
                        self.need_version(5)?;
                        self.for_statement(true)?
                    }
                    TokenKind::With if decorators.is_empty() => {
                        self.need_version(5)?;
                        self.with_statement(true)?
                    }
                    _ => return Err(Failure::Invalid),
                }
            }
            _ => return Err(Failure::Invalid),
        };
        Ok(Stmt { span: self.span_from(start), kind })
    }

    fn class_definition(&mut self, decorator_list: Vec<Expr>) -> Parse<StmtKind> {
        self.bump();
        let name = self.name()?;
        let type_params = self.type_parameters()?;
        let (bases, keywords) =
            if self.at(TokenKind::LeftParen) { self.class_arguments()? } else { (Vec::new(), Vec::new()) };
        let body = self.colon_block()?;
        Ok(StmtKind::ClassDef { name, bases, keywords, body, decorator_list, type_params })
    }

    fn function_definition(&mut self, decorator_list: Vec<Expr>, is_async: bool) -> Parse<StmtKind> {
        self.bump();
        let name = self.name()?;
        let type_params = self.type_parameters()?;
        self.expect(TokenKind::LeftParen)?;
        let args = Box::new(self.parameters()?);
        self.expect(TokenKind::RightParen)?;
        let returns = if self.eat(TokenKind::Arrow) { Some(Box::new(self.expression()?)) } else { None };
        self.expect(TokenKind::Colon)?;
        let type_comment = self.function_type_comment();
        let body = self.block()?;
        Ok(if is_async {
            StmtKind::AsyncFunctionDef {
                name,
                args,
                body,
                decorator_list,
                returns,
                type_comment,
                type_params,
            }
        } else {
            StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_comment, type_params }
        })
    }

    /// A type comment behind the colon, or alone on the first line of an indented body.
    fn function_type_comment(&mut self) -> Option<Text> {
        let is_on_next_line = self.at(TokenKind::Newline)
            && self.peek(1) == TokenKind::TypeComment
            && self.peek(2) == TokenKind::Newline
            && self.peek(3) == TokenKind::Indent;
        if is_on_next_line {
            self.bump();
        }
        self.type_comment()
    }
}

//! Simple statements, and the choice between statements.

use super::target::{set_element_context, set_target_context};
use super::{Failure, Parse, Parser, Start};
use crate::ast::{Alias, Expr, ExprContext, ExprKind, Name, Operator, Stmt, StmtKind};
use crate::token::TokenKind;

impl Parser<'_> {
    /// One compound statement, or one line of simple statements. Says whether it was a compound statement.
    pub(super) fn statement(&mut self, body: &mut Vec<Stmt>) -> Parse<bool> {
        if let Some(statement) = self.compound_statement()? {
            body.push(statement);
            return Ok(true);
        }
        self.simple_statements(body)?;
        Ok(false)
    }

    /// Simple statements with semicolons between them, and the end of the line.
    pub(super) fn simple_statements(&mut self, body: &mut Vec<Stmt>) -> Parse<()> {
        loop {
            body.push(self.simple_statement()?);
            if !self.eat(TokenKind::Semicolon) || self.at(TokenKind::Newline) {
                break;
            }
        }
        self.expect(TokenKind::Newline)?;
        Ok(())
    }

    fn simple_statement(&mut self) -> Parse<Stmt> {
        let start = self.start();
        let kind = match self.kind() {
            TokenKind::Import => self.import()?,
            TokenKind::From => self.import_from()?,
            TokenKind::Return => {
                self.bump();
                let value =
                    if self.at_star_expression() { Some(Box::new(self.star_expressions()?)) } else { None };
                StmtKind::Return { value }
            }
            TokenKind::Raise => self.raise()?,
            TokenKind::Pass => self.keyword_statement(StmtKind::Pass {}),
            TokenKind::Break => self.keyword_statement(StmtKind::Break {}),
            TokenKind::Continue => self.keyword_statement(StmtKind::Continue {}),
            TokenKind::Del => {
                self.bump();
                StmtKind::Delete { targets: self.del_targets()? }
            }
            TokenKind::Assert => {
                self.bump();
                let test = Box::new(self.expression()?);
                let msg = if self.eat(TokenKind::Comma) { Some(Box::new(self.expression()?)) } else { None };
                StmtKind::Assert { test, msg }
            }
            TokenKind::Global => {
                self.bump();
                StmtKind::Global { names: self.plain_names()? }
            }
            TokenKind::Nonlocal => {
                self.bump();
                StmtKind::Nonlocal { names: self.plain_names()? }
            }
            TokenKind::Name if self.peek(1) == TokenKind::Name && self.at_word("type") => {
                self.type_alias()?
            }
            _ => self.assignment_or_expression(start)?,
        };
        Ok(Stmt { span: self.span_from(start), kind })
    }

    fn keyword_statement(&mut self, kind: StmtKind) -> StmtKind {
        self.bump();
        kind
    }

    fn raise(&mut self) -> Parse<StmtKind> {
        self.bump();
        if !self.at_expression() {
            return Ok(StmtKind::Raise { exc: None, cause: None });
        }
        let exc = Some(Box::new(self.expression()?));
        let cause = if self.eat(TokenKind::From) { Some(Box::new(self.expression()?)) } else { None };
        Ok(StmtKind::Raise { exc, cause })
    }

    fn plain_names(&mut self) -> Parse<Vec<Name>> {
        let mut names = vec![self.name()?];
        while self.eat(TokenKind::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn type_alias(&mut self) -> Parse<StmtKind> {
        self.need_version(12)?;
        self.bump();
        let token = self.bump();
        let name = Box::new(self.name_expression(token, ExprContext::Store)?);
        let type_params = self.type_parameters()?;
        self.expect(TokenKind::Equal)?;
        let value = Box::new(self.expression()?);
        Ok(StmtKind::TypeAlias { name, type_params, value })
    }

    /// What starts with an expression: assignments of all kinds, and expression statements.
    fn assignment_or_expression(&mut self, start: Start) -> Parse<StmtKind> {
        let is_bare_name = self.at(TokenKind::Name);
        let first = self.annotated_rhs()?;
        match self.kind() {
            TokenKind::Equal => self.assignment(first),
            TokenKind::Colon => self.annotated_assignment(start, first, is_bare_name),
            TokenKind::Newline | TokenKind::Semicolon => Ok(StmtKind::Expr { value: Box::new(first) }),
            kind => match augmented_operator(kind) {
                Some(op) => self.augmented_assignment(first, op),
                None => Err(Failure::Invalid),
            },
        }
    }

    fn assignment(&mut self, first: Expr) -> Parse<StmtKind> {
        let mut targets = Vec::with_capacity(1);
        let mut value = first;
        while self.eat(TokenKind::Equal) {
            set_element_context(&mut value, ExprContext::Store)?;
            targets.push(value);
            value = self.annotated_rhs()?;
        }
        let type_comment = self.type_comment();
        Ok(StmtKind::Assign { targets, value: Box::new(value), type_comment })
    }

    fn annotated_assignment(
        &mut self,
        start: Start,
        mut target: Expr,
        is_bare_name: bool,
    ) -> Parse<StmtKind> {
        check_single_target(&target)?;
        let is_parenthesized = (target.span.line, target.span.column) != (start.line, start.column);
        let simple = is_bare_name && !is_parenthesized && matches!(target.kind, ExprKind::Name { .. });
        self.need_version(6)?;
        set_target_context(&mut target, ExprContext::Store)?;
        self.bump();
        let annotation = Box::new(self.expression()?);
        let value = if self.eat(TokenKind::Equal) { Some(Box::new(self.annotated_rhs()?)) } else { None };
        Ok(StmtKind::AnnAssign { target: Box::new(target), annotation, value, simple: i32::from(simple) })
    }

    fn augmented_assignment(&mut self, mut target: Expr, op: Operator) -> Parse<StmtKind> {
        check_single_target(&target)?;
        if op == Operator::MatMult {
            self.need_version(5)?;
        }
        set_target_context(&mut target, ExprContext::Store)?;
        self.bump();
        let value = Box::new(self.annotated_rhs()?);
        Ok(StmtKind::AugAssign { target: Box::new(target), op, value })
    }

    fn import(&mut self) -> Parse<StmtKind> {
        self.bump();
        let mut names = Vec::with_capacity(1);
        loop {
            let start = self.start();
            let name = self.dotted_name()?;
            let asname = self.as_name()?;
            names.push(Alias { span: self.span_from(start), name, asname });
            if !self.eat(TokenKind::Comma) {
                return Ok(StmtKind::Import { names });
            }
        }
    }

    fn as_name(&mut self) -> Parse<Option<Name>> {
        if self.eat(TokenKind::As) { self.name().map(Some) } else { Ok(None) }
    }

    fn dotted_name(&mut self) -> Parse<Name> {
        let first = self.name()?;
        if !self.at(TokenKind::Dot) {
            return Ok(first);
        }
        let mut dotted = first.to_string();
        while self.eat(TokenKind::Dot) {
            dotted.push('.');
            dotted.push_str(&self.name()?);
        }
        Ok(dotted.into())
    }

    fn import_from(&mut self) -> Parse<StmtKind> {
        self.bump();
        let mut level = 0;
        loop {
            level += match self.kind() {
                TokenKind::Dot => 1,
                TokenKind::Ellipsis => 3,
                _ => break,
            };
            self.bump();
        }
        let module = if level > 0 && self.at(TokenKind::Import) { None } else { Some(self.dotted_name()?) };
        self.expect(TokenKind::Import)?;
        let names = self.import_from_targets()?;
        let is_future = level == 0 && module.as_deref() == Some("__future__");
        if is_future && names.iter().any(|alias| alias.name == "barry_as_FLUFL") {
            self.barry_as_flufl = true;
        }
        Ok(StmtKind::ImportFrom { module, names, level: Some(level) })
    }

    fn import_from_targets(&mut self) -> Parse<Vec<Alias>> {
        if self.at(TokenKind::Star) {
            let token = self.bump();
            return Ok(vec![Alias { span: Self::span_of(token), name: self.names.star(), asname: None }]);
        }
        let is_parenthesized = self.eat(TokenKind::LeftParen);
        let mut names = Vec::with_capacity(1);
        loop {
            let start = self.start();
            let name = self.name()?;
            let asname = self.as_name()?;
            names.push(Alias { span: self.span_from(start), name, asname });
            if !self.eat(TokenKind::Comma) || is_parenthesized && self.at(TokenKind::RightParen) {
                break;
            }
        }
        if is_parenthesized {
            self.expect(TokenKind::RightParen)?;
        }
        Ok(names)
    }
}

/// Annotations and augmented assignments take one name, attribute or subscript.
fn check_single_target(target: &Expr) -> Parse<()> {
    match target.kind {
        ExprKind::Name { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. } => Ok(()),
        _ => Err(Failure::Invalid),
    }
}

fn augmented_operator(kind: TokenKind) -> Option<Operator> {
    Some(match kind {
        TokenKind::PlusEqual => Operator::Add,
        TokenKind::MinusEqual => Operator::Sub,
        TokenKind::StarEqual => Operator::Mult,
        TokenKind::AtEqual => Operator::MatMult,
        TokenKind::SlashEqual => Operator::Div,
        TokenKind::PercentEqual => Operator::Mod,
        TokenKind::AmpersandEqual => Operator::BitAnd,
        TokenKind::BarEqual => Operator::BitOr,
        TokenKind::CircumflexEqual => Operator::BitXor,
        TokenKind::LeftShiftEqual => Operator::LShift,
        TokenKind::RightShiftEqual => Operator::RShift,
        TokenKind::DoubleStarEqual => Operator::Pow,
        TokenKind::DoubleSlashEqual => Operator::FloorDiv,
        _ => return None,
    })
}

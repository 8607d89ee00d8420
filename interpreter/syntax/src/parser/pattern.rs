//! The `match` statement and its patterns (PEP 634).

use super::{Failure, Parse, Parser, Start};
use crate::ast::{
    Constant, Expr, ExprContext, ExprKind, MatchCase, Name, Operator, Pattern, PatternKind, StmtKind, UnaryOp,
};
use crate::token::TokenKind;

impl Parser<'_> {
    /// A `match` statement, if the word `match` starts one here and is not a plain name.
    pub(super) fn match_statement(&mut self) -> Parse<Option<StmtKind>> {
        if !self.may_be_subject() {
            return Ok(None);
        }
        let checkpoint = self.checkpoint();
        self.bump();
        let subject = self.subject();
        let is_match = self.at(TokenKind::Colon)
            && self.peek(1) == TokenKind::Newline
            && self.peek(2) == TokenKind::Indent;
        let subject = match subject {
            Ok(subject) if is_match => Box::new(subject),
            Err(Failure::TooDeep) => return Err(Failure::TooDeep),
            _ => {
                self.rewind(checkpoint);
                return Ok(None);
            }
        };
        for _ in 0..3 {
            self.bump();
        }
        self.need_version(10)?;
        let cases = self.nested(|parser| {
            let mut cases = Vec::new();
            while !parser.eat(TokenKind::Dedent) {
                cases.push(parser.case_block()?);
            }
            Ok(cases)
        })?;
        Ok(Some(StmtKind::Match { subject, cases }))
    }

    /// Whether what follows `match` can be a subject.
    fn may_be_subject(&self) -> bool {
        use TokenKind::{
            Await, Ellipsis, FStringStart, False, Lambda, LeftBrace, LeftBracket, LeftParen, Minus, Name,
            None, Not, Number, Plus, Star, String, TStringStart, Tilde, True,
        };
        matches!(
            self.peek(1),
            Name | Number
                | String
                | FStringStart
                | TStringStart
                | LeftParen
                | LeftBracket
                | LeftBrace
                | Minus
                | Plus
                | Star
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

    fn subject(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first = self.star_named_expression()?;
        let is_starred = matches!(first.kind, ExprKind::Starred { .. });
        if is_starred && !self.at(TokenKind::Comma) {
            return Err(Failure::Invalid);
        }
        self.tuple_after(start, first, Self::at_star_expression, Self::star_named_expression)
    }

    fn case_block(&mut self) -> Parse<MatchCase> {
        if !self.at_word("case") {
            return Err(Failure::Invalid);
        }
        self.bump();
        let pattern = Box::new(self.patterns()?);
        let guard = if self.eat(TokenKind::If) { Some(Box::new(self.named_expression()?)) } else { None };
        self.expect(TokenKind::Colon)?;
        Ok(MatchCase { pattern, guard, body: self.block()? })
    }

    fn finish_pattern(&self, start: Start, kind: PatternKind) -> Pattern {
        Pattern { span: self.span_from(start), kind }
    }

    /// `patterns`: one pattern, or a sequence without brackets.
    fn patterns(&mut self) -> Parse<Pattern> {
        let start = self.start();
        let first = self.maybe_star_pattern()?;
        if !self.at(TokenKind::Comma) {
            return not_starred(first);
        }
        let patterns =
            self.patterns_after(first, |parser| matches!(parser.kind(), TokenKind::Colon | TokenKind::If))?;
        Ok(self.finish_pattern(start, PatternKind::MatchSequence { patterns }))
    }

    fn patterns_after(&mut self, first: Pattern, at_end: fn(&Self) -> bool) -> Parse<Vec<Pattern>> {
        let mut patterns = vec![first];
        while self.eat(TokenKind::Comma) && !at_end(self) {
            patterns.push(self.maybe_star_pattern()?);
        }
        Ok(patterns)
    }

    fn maybe_star_pattern(&mut self) -> Parse<Pattern> {
        if !self.at(TokenKind::Star) {
            return self.pattern();
        }
        let start = self.start();
        self.bump();
        let name = self.capture_name()?;
        Ok(self.finish_pattern(start, PatternKind::MatchStar { name }))
    }

    /// A name to bind, or `_`, which binds nothing.
    fn capture_name(&mut self) -> Parse<Option<Name>> {
        let is_wildcard = self.at_word("_");
        let name = self.name()?;
        if is_wildcard {
            return Ok(None);
        }
        match self.kind() {
            TokenKind::Dot | TokenKind::LeftParen | TokenKind::Equal => Err(Failure::Invalid),
            _ => Ok(Some(name)),
        }
    }

    fn pattern(&mut self) -> Parse<Pattern> {
        self.nested(|parser| {
            let start = parser.start();
            let pattern = parser.or_pattern()?;
            if !parser.eat(TokenKind::As) {
                return Ok(pattern);
            }
            let name = Some(parser.capture_name()?.ok_or(Failure::Invalid)?);
            let kind = PatternKind::MatchAs { pattern: Some(Box::new(pattern)), name };
            Ok(parser.finish_pattern(start, kind))
        })
    }

    fn or_pattern(&mut self) -> Parse<Pattern> {
        let start = self.start();
        let first = self.closed_pattern()?;
        if !self.at(TokenKind::Bar) {
            return Ok(first);
        }
        let mut patterns = vec![first];
        while self.eat(TokenKind::Bar) {
            patterns.push(self.closed_pattern()?);
        }
        Ok(self.finish_pattern(start, PatternKind::MatchOr { patterns }))
    }

    fn closed_pattern(&mut self) -> Parse<Pattern> {
        let start = self.start();
        let kind = match self.kind() {
            TokenKind::Name => self.name_pattern(start)?,
            TokenKind::LeftParen => return self.group_or_sequence(start),
            TokenKind::LeftBracket => {
                self.bump();
                let mut patterns = Vec::new();
                if !self.at(TokenKind::RightBracket) {
                    let first = self.maybe_star_pattern()?;
                    patterns = self.patterns_after(first, |parser| parser.at(TokenKind::RightBracket))?;
                }
                self.expect(TokenKind::RightBracket)?;
                PatternKind::MatchSequence { patterns }
            }
            TokenKind::LeftBrace => self.mapping_pattern()?,
            _ => match self.singleton() {
                Some(value) => PatternKind::MatchSingleton { value },
                None => PatternKind::MatchValue { value: Box::new(self.literal()?) },
            },
        };
        Ok(self.finish_pattern(start, kind))
    }

    fn singleton(&mut self) -> Option<Constant> {
        let constant = match self.kind() {
            TokenKind::None => Constant::None,
            TokenKind::True => Constant::True,
            TokenKind::False => Constant::False,
            _ => return None,
        };
        self.bump();
        Some(constant)
    }

    /// A capture, a wildcard, a dotted name's value, or a class.
    fn name_pattern(&mut self, start: Start) -> Parse<PatternKind> {
        let is_wildcard = self.at_word("_");
        let next = self.peek(1);
        if !matches!(next, TokenKind::Dot | TokenKind::LeftParen | TokenKind::Equal) {
            let name = self.name()?;
            let name = if is_wildcard { None } else { Some(name) };
            return Ok(PatternKind::MatchAs { pattern: None, name });
        }
        if is_wildcard && next == TokenKind::Equal {
            self.bump();
            return Ok(PatternKind::MatchAs { pattern: None, name: None });
        }
        let value = self.name_or_attribute(start)?;
        if self.at(TokenKind::LeftParen) {
            return self.class_pattern(value);
        }
        if self.at(TokenKind::Equal) || !matches!(value.kind, ExprKind::Attribute { .. }) {
            return Err(Failure::Invalid);
        }
        Ok(PatternKind::MatchValue { value: Box::new(value) })
    }

    fn name_or_attribute(&mut self, start: Start) -> Parse<Expr> {
        let token = self.expect(TokenKind::Name)?;
        let mut value = self.name_expression(token, ExprContext::Load)?;
        while self.eat(TokenKind::Dot) {
            let attr = self.name()?;
            let kind = ExprKind::Attribute { value: Box::new(value), attr, ctx: ExprContext::Load };
            value = self.finish(start, kind);
        }
        Ok(value)
    }

    fn group_or_sequence(&mut self, start: Start) -> Parse<Pattern> {
        self.bump();
        if self.eat(TokenKind::RightParen) {
            return Ok(self.finish_pattern(start, PatternKind::MatchSequence { patterns: Vec::new() }));
        }
        let first = self.maybe_star_pattern()?;
        if !self.at(TokenKind::Comma) {
            self.expect(TokenKind::RightParen)?;
            return not_starred(first);
        }
        let patterns = self.patterns_after(first, |parser| parser.at(TokenKind::RightParen))?;
        self.expect(TokenKind::RightParen)?;
        Ok(self.finish_pattern(start, PatternKind::MatchSequence { patterns }))
    }

    fn mapping_pattern(&mut self) -> Parse<PatternKind> {
        self.bump();
        let (mut keys, mut patterns, mut rest) = (Vec::new(), Vec::new(), None);
        while !self.at(TokenKind::RightBrace) {
            if rest.is_some() {
                return Err(Failure::Invalid);
            }
            if self.eat(TokenKind::DoubleStar) {
                rest = Some(self.capture_name()?.ok_or(Failure::Invalid)?);
            } else {
                keys.push(self.mapping_key()?);
                self.expect(TokenKind::Colon)?;
                patterns.push(self.pattern()?);
            }
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::RightBrace)?;
        Ok(PatternKind::MatchMapping { keys, patterns, rest })
    }

    fn mapping_key(&mut self) -> Parse<Expr> {
        let start = self.start();
        if let Some(value) = self.singleton() {
            return Ok(self.finish(start, ExprKind::Constant { value, kind: None }));
        }
        if !self.at(TokenKind::Name) {
            return self.literal();
        }
        let key = self.name_or_attribute(start)?;
        if matches!(key.kind, ExprKind::Attribute { .. }) { Ok(key) } else { Err(Failure::Invalid) }
    }

    fn class_pattern(&mut self, class: Expr) -> Parse<PatternKind> {
        self.bump();
        let (mut patterns, mut kwd_attrs, mut kwd_patterns) = (Vec::new(), Vec::new(), Vec::new());
        while !self.at(TokenKind::RightParen) {
            if self.at(TokenKind::Name) && self.peek(1) == TokenKind::Equal {
                kwd_attrs.push(self.name()?);
                self.bump();
                kwd_patterns.push(self.pattern()?);
            } else if kwd_attrs.is_empty() {
                patterns.push(self.pattern()?);
            } else {
                return Err(Failure::Invalid);
            }
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::RightParen)?;
        Ok(PatternKind::MatchClass { cls: Box::new(class), patterns, kwd_attrs, kwd_patterns })
    }

    /// A string, or a number with a sign, which may be complex.
    fn literal(&mut self) -> Parse<Expr> {
        if matches!(self.kind(), TokenKind::String | TokenKind::FStringStart | TokenKind::TStringStart) {
            return self.strings();
        }
        let start = self.start();
        let real = self.signed_number()?;
        let op = match self.kind() {
            TokenKind::Plus => Operator::Add,
            TokenKind::Minus => Operator::Sub,
            _ => return Ok(real),
        };
        self.bump();
        let imaginary = self.number()?;
        if is_complex(&real) || !is_complex(&imaginary) {
            return Err(Failure::Invalid);
        }
        Ok(self.finish(start, ExprKind::BinOp { left: Box::new(real), op, right: Box::new(imaginary) }))
    }

    fn signed_number(&mut self) -> Parse<Expr> {
        let start = self.start();
        if self.eat(TokenKind::Plus) {
            return Err(Failure::Invalid);
        }
        if !self.eat(TokenKind::Minus) {
            return self.number();
        }
        let operand = Box::new(self.number()?);
        Ok(self.finish(start, ExprKind::UnaryOp { op: UnaryOp::USub, operand }))
    }
}

fn not_starred(pattern: Pattern) -> Parse<Pattern> {
    if matches!(pattern.kind, PatternKind::MatchStar { .. }) { Err(Failure::Invalid) } else { Ok(pattern) }
}

fn is_complex(number: &Expr) -> bool {
    match &number.kind {
        ExprKind::Constant { value, .. } => matches!(value, Constant::Complex { .. }),
        ExprKind::UnaryOp { operand, .. } => is_complex(operand),
        _ => false,
    }
}

//! Parameters of functions and lambdas, and type parameters.

use super::{Failure, Parse, Parser};
use crate::ast::{Arg, Arguments, Expr, ExprContext, ExprKind, Text, TypeParam, TypeParamKind};
use crate::token::TokenKind;

/// Where in a parameter list the parser is.
#[derive(PartialEq)]
enum Part {
    Positional,
    /// After `*`, with a name or bare.
    KeywordOnly,
    /// After `**`.
    End,
}

impl Parser<'_> {
    /// The parameters of a function, without their parentheses.
    pub(super) fn parameters(&mut self) -> Parse<Arguments> {
        self.parameter_list(TokenKind::RightParen)
    }

    /// The parameters of a lambda, up to its colon.
    pub(super) fn lambda_parameters(&mut self) -> Parse<Arguments> {
        self.parameter_list(TokenKind::Colon)
    }

    fn parameter_list(&mut self, end: TokenKind) -> Parse<Arguments> {
        let mut list = Arguments::empty();
        let is_lambda = end == TokenKind::Colon;
        let mut part = Part::Positional;
        let mut needs_keyword_only = false;
        while !self.at(end) {
            if part == Part::End {
                return Err(Failure::Invalid);
            }
            match self.kind() {
                TokenKind::Star if part == Part::Positional => {
                    self.bump();
                    part = Part::KeywordOnly;
                    if self.at(TokenKind::Comma) {
                        needs_keyword_only = true;
                    } else {
                        list.vararg = Some(Box::new(self.variadic_parameter(is_lambda)?));
                    }
                }
                TokenKind::DoubleStar => {
                    self.bump();
                    part = Part::End;
                    if needs_keyword_only {
                        return Err(Failure::Invalid);
                    }
                    list.kwarg = Some(Box::new(self.parameter(is_lambda)?));
                }
                TokenKind::Slash => {
                    let is_misplaced =
                        part != Part::Positional || list.args.is_empty() || !list.posonlyargs.is_empty();
                    if is_misplaced {
                        return Err(Failure::Invalid);
                    }
                    self.need_version(8)?;
                    self.bump();
                    list.posonlyargs = std::mem::take(&mut list.args);
                }
                _ => {
                    let parameter = self.parameter(is_lambda)?;
                    let default = if self.eat(TokenKind::Equal) { Some(self.expression()?) } else { None };
                    if part == Part::KeywordOnly {
                        needs_keyword_only = false;
                        list.kwonlyargs.push(parameter);
                        list.kw_defaults.push(default);
                    } else {
                        if default.is_none() && !list.defaults.is_empty() {
                            return Err(Failure::Invalid);
                        }
                        list.args.push(parameter);
                        list.defaults.extend(default);
                    }
                }
            }
            let has_comma = self.eat(TokenKind::Comma);
            if let Some(comment) = self.type_comment() {
                comment_last_parameter(&mut list, &part, comment)?;
            }
            if !has_comma {
                break;
            }
        }
        if needs_keyword_only || !self.at(end) {
            return Err(Failure::Invalid);
        }
        Ok(list)
    }

    fn parameter(&mut self, is_lambda: bool) -> Parse<Arg> {
        let start = self.start();
        let arg = self.name()?;
        let annotation =
            if !is_lambda && self.eat(TokenKind::Colon) { Some(Box::new(self.expression()?)) } else { None };
        Ok(Arg { span: self.span_from(start), arg, annotation, type_comment: None })
    }

    /// The parameter behind `*`, whose annotation may be starred.
    fn variadic_parameter(&mut self, is_lambda: bool) -> Parse<Arg> {
        let is_starred = !is_lambda && self.peek(1) == TokenKind::Colon && self.peek(2) == TokenKind::Star;
        if !is_starred {
            return self.parameter(is_lambda);
        }
        let start = self.start();
        let arg = self.name()?;
        self.bump();
        let annotation = Some(Box::new(self.star_bitwise_or()?));
        Ok(Arg { span: self.span_from(start), arg, annotation, type_comment: None })
    }

    fn star_bitwise_or(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.expect(TokenKind::Star)?;
        let value = Box::new(self.bitwise_or()?);
        Ok(self.finish(start, ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    /// `[…]` behind the name of a function, class or type alias, if there is one.
    pub(super) fn type_parameters(&mut self) -> Parse<Vec<TypeParam>> {
        let mut parameters = Vec::new();
        if !self.eat(TokenKind::LeftBracket) {
            return Ok(parameters);
        }
        self.need_version(12)?;
        while !self.at(TokenKind::RightBracket) {
            parameters.push(self.type_parameter()?);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::RightBracket)?;
        if parameters.is_empty() { Err(Failure::Invalid) } else { Ok(parameters) }
    }

    fn type_parameter(&mut self) -> Parse<TypeParam> {
        let start = self.start();
        let kind = match self.kind() {
            TokenKind::Star => {
                self.bump();
                let name = self.name()?;
                let default_value =
                    if self.eat(TokenKind::Equal) { Some(Box::new(self.starred_default()?)) } else { None };
                TypeParamKind::TypeVarTuple { name, default_value }
            }
            TokenKind::DoubleStar => {
                self.bump();
                TypeParamKind::ParamSpec { name: self.name()?, default_value: self.type_default()? }
            }
            _ => {
                let name = self.name()?;
                let bound =
                    if self.eat(TokenKind::Colon) { Some(Box::new(self.expression()?)) } else { None };
                TypeParamKind::TypeVar { name, bound, default_value: self.type_default()? }
            }
        };
        Ok(TypeParam { span: self.span_from(start), kind })
    }

    fn starred_default(&mut self) -> Parse<Expr> {
        self.need_version(13)?;
        if self.at(TokenKind::Star) { self.star_bitwise_or() } else { self.expression() }
    }

    fn type_default(&mut self) -> Parse<Option<Box<Expr>>> {
        if !self.eat(TokenKind::Equal) {
            return Ok(None);
        }
        self.need_version(13)?;
        Ok(Some(Box::new(self.expression()?)))
    }
}

/// Gives a type comment to the parameter it stands behind.
fn comment_last_parameter(list: &mut Arguments, part: &Part, comment: Text) -> Parse<()> {
    let last = match part {
        Part::End => list.kwarg.as_deref_mut(),
        Part::KeywordOnly if list.kwonlyargs.is_empty() => list.vararg.as_deref_mut(),
        Part::KeywordOnly => list.kwonlyargs.last_mut(),
        Part::Positional => list.args.last_mut(),
    };
    last.map(|parameter| parameter.type_comment = Some(comment)).ok_or(Failure::Invalid)
}

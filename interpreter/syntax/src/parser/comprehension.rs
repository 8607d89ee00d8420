//! The `for … in … if …` clauses of comprehensions and generator expressions.

use super::{Parse, Parser};
use crate::ast::Comprehension;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Whether a clause follows.
    #[inline]
    pub(super) fn at_comprehension(&self) -> bool {
        self.at(TokenKind::For) || (self.at(TokenKind::Async) && self.peek(1) == TokenKind::For)
    }

    /// One clause or more.
    pub(super) fn comprehensions(&mut self) -> Parse<Vec<Comprehension>> {
        let mut generators = Vec::with_capacity(1);
        while self.at_comprehension() {
            let is_async = self.eat(TokenKind::Async);
            if is_async {
                self.need_version(6)?;
            }
            self.expect(TokenKind::For)?;
            let target = Box::new(self.star_targets()?);
            self.expect(TokenKind::In)?;
            let iter = Box::new(self.disjunction()?);
            let mut ifs = Vec::new();
            while self.eat(TokenKind::If) {
                ifs.push(self.disjunction()?);
            }
            generators.push(Comprehension { target, iter, ifs, is_async: i32::from(is_async) });
        }
        Ok(generators)
    }
}

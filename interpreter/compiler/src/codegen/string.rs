//! f-strings, t-strings and `%` formatting known in advance.

use rspy_code::operation::{Binary, Conversion};
use rspy_code::{Constant, Location, Text};
use rspy_syntax::ast::{self, Expr, ExprKind};

use super::Generator;
use super::expression::constant_value;
use crate::error::Result;
use crate::flowgraph::STACK_USE_GUIDELINE;
use crate::names;
use crate::op::Op;
use crate::percent_format::Piece;
use crate::symtable::location;

impl<'a> Generator<'a> {
    pub(super) fn joined_string(&mut self, values: &'a [Expr], place: Location) -> Result<()> {
        self.join(values.len(), place, |generator, index| generator.expression(&values[index]))
    }

    /// Joins pieces that are generated one by one.
    fn join(
        &mut self,
        count: usize,
        place: Location,
        mut generate: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        if count > STACK_USE_GUIDELINE {
            self.load_constant(Constant::Str(Text::default()), place);
            self.load_method(names::JOIN, place);
            self.emit_argument(Op::BUILD_LIST, 0, place);
            for index in 0..count {
                generate(self, index)?;
                self.emit_argument(Op::LIST_APPEND, 1, place);
            }
            self.emit_argument(Op::CALL, 1, place);
            return Ok(());
        }
        for index in 0..count {
            generate(self, index)?;
        }
        if count > 1 {
            self.emit_argument(Op::BUILD_STRING, count, place);
        } else if count == 0 {
            self.load_constant(Constant::Str(Text::default()), place);
        }
        Ok(())
    }

    pub(super) fn percent_formatted(
        &mut self,
        pieces: &[Piece],
        values: &'a [Expr],
        place: Location,
    ) -> Result<()> {
        let mut values = values.iter();
        self.join(pieces.len(), place, |generator, index| match &pieces[index] {
            Piece::Literal(text) => {
                generator.load_constant(Constant::Str(text.clone()), Location::NONE);
                Ok(())
            }
            Piece::Value { conversion, specification } => {
                let Some(value) = values.next() else { return Ok(()) };
                let place = location(value.span);
                generator.expression(value)?;
                generator.convert(*conversion as i32, place);
                match specification {
                    Some(specification) => {
                        let text = Text::from(specification.as_str());
                        generator.load_constant(Constant::Str(text), Location::NONE);
                        generator.emit(Op::FORMAT_WITH_SPEC, place);
                    }
                    None => generator.emit(Op::FORMAT_SIMPLE, place),
                }
                Ok(())
            }
        })
    }

    fn convert(&mut self, conversion: i32, place: Location) {
        if let Some(conversion) = conversion_of(conversion) {
            self.emit_argument(Op::CONVERT_VALUE, conversion as i32, place);
        }
    }

    pub(super) fn formatted_value(
        &mut self,
        value: &'a Expr,
        conversion: i32,
        specification: Option<&'a Expr>,
        place: Location,
    ) -> Result<()> {
        self.expression(value)?;
        self.convert(conversion, place);
        match specification {
            Some(specification) => {
                self.expression(specification)?;
                self.emit(Op::FORMAT_WITH_SPEC, place);
            }
            None => self.emit(Op::FORMAT_SIMPLE, place),
        }
        Ok(())
    }

    pub(super) fn interpolation(
        &mut self,
        value: &'a Expr,
        source: &'a ast::Constant,
        conversion: i32,
        specification: Option<&'a Expr>,
        place: Location,
    ) -> Result<()> {
        self.expression(value)?;
        self.load_constant(constant_value(source), place);
        let mut argument = 2;
        if let Some(specification) = specification {
            argument += 1;
            self.expression(specification)?;
        }
        if let Some(conversion) = conversion_of(conversion) {
            argument |= (conversion as i32) << 2;
        }
        self.emit_argument(Op::BUILD_INTERPOLATION, argument, place);
        Ok(())
    }

    /// A t-string: its strings and its interpolations alternate, beginning and ending with a string.
    pub(super) fn template_string(&mut self, values: &'a [Expr], place: Location) -> Result<()> {
        let is_interpolation = |value: &Expr| matches!(value.kind, ExprKind::Interpolation { .. });
        let mut string_count = 0;
        let mut follows_interpolation = true;
        let mut index = 0;
        while index < values.len() {
            if is_interpolation(&values[index]) {
                if follows_interpolation {
                    self.load_constant(Constant::Str(Text::default()), place);
                    string_count += 1;
                }
                follows_interpolation = true;
                index += 1;
                continue;
            }
            self.expression(&values[index])?;
            index += 1;
            while index < values.len() && !is_interpolation(&values[index]) {
                self.expression(&values[index])?;
                self.emit_argument(Op::BINARY_OP, Binary::InplaceAdd as i32, place);
                index += 1;
            }
            string_count += 1;
            follows_interpolation = false;
        }
        if follows_interpolation {
            self.load_constant(Constant::Str(Text::default()), place);
            string_count += 1;
        }
        self.emit_argument(Op::BUILD_TUPLE, string_count, place);
        let mut interpolation_count = 0;
        for value in values.iter().filter(|value| is_interpolation(value)) {
            self.expression(value)?;
            interpolation_count += 1;
        }
        self.emit_argument(Op::BUILD_TUPLE, interpolation_count, place);
        self.emit(Op::BUILD_TEMPLATE, place);
        Ok(())
    }
}

/// The conversion that the tree names by its letter.
fn conversion_of(letter: i32) -> Option<Conversion> {
    match u8::try_from(letter).ok()? {
        b's' => Some(Conversion::Str),
        b'r' => Some(Conversion::Repr),
        b'a' => Some(Conversion::Ascii),
        _ => None,
    }
}

//! String literals: decoding, implicit concatenation, and the replacement fields of f-strings and t-strings.

use super::{Failure, Parse, Parser};
use crate::ast::{Constant, Expr, ExprKind, Span};
use crate::error::{ErrorKind, SyntaxError, Warning, WarningCategory};
use crate::literal::{self, InvalidEscape, StringLiteral};
use crate::token::{Token, TokenKind};
use rspy_code::{Text, TextBuilder};

impl Parser<'_> {
    /// One string literal or several in a row.
    pub(super) fn strings(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first_kind = self.kind();
        if first_kind == TokenKind::String && !self.is_string(self.peek(1)) {
            return self.plain_string();
        }
        let mut parts = Vec::new();
        let mut has_fields = false;
        while self.is_string(self.kind()) {
            if (self.kind() == TokenKind::TStringStart) != (first_kind == TokenKind::TStringStart) {
                return Err(Failure::Invalid);
            }
            if self.at(TokenKind::String) {
                parts.push(self.plain_string()?);
            } else {
                has_fields = true;
                self.nested(|parser| parser.field_string(&mut parts))?;
            }
        }
        let span = self.span_from(start);
        let bytes = parts.iter().filter(|part| is_bytes(part)).count();
        if bytes > 0 {
            if has_fields || bytes != parts.len() {
                return Err(Failure::Invalid);
            }
            return Ok(concatenate_bytes(&parts, span));
        }
        if first_kind == TokenKind::TStringStart {
            self.need_version(14)?;
            return Ok(Expr { span, kind: ExprKind::TemplateStr { values: fold_constants(parts) } });
        }
        if has_fields {
            return Ok(Expr { span, kind: ExprKind::JoinedStr { values: fold_constants(parts) } });
        }
        Ok(join_constants(&mut parts, span))
    }

    fn is_string(&self, kind: TokenKind) -> bool {
        matches!(kind, TokenKind::String | TokenKind::FStringStart | TokenKind::TStringStart)
    }

    fn plain_string(&mut self) -> Parse<Expr> {
        let token = self.bump();
        let text = self.text(token);
        let literal = StringLiteral::new(text);
        let value = if literal.is_bytes {
            if !literal.body.is_ascii() {
                return Err(Failure::Invalid);
            }
            let (bytes, invalid) = if literal.is_raw {
                (literal.body.as_bytes().to_vec(), None)
            } else {
                literal::decode_bytes(literal.body).map_err(|_| Failure::Invalid)?
            };
            self.warn_of_escape(token, invalid);
            Constant::Bytes(bytes.into())
        } else {
            Constant::Str(self.decode(token, literal.body, literal.is_raw)?)
        };
        let kind = literal.is_unicode.then(|| Text::from("u"));
        Ok(Expr { span: Self::span_of(token), kind: ExprKind::Constant { value, kind } })
    }

    fn decode(&mut self, token: Token, body: &str, is_raw: bool) -> Parse<Text> {
        if is_raw {
            return Ok(body.into());
        }
        let (text, invalid) =
            literal::decode_text(body, self.options.character_names).map_err(|_| Failure::Invalid)?;
        self.warn_of_escape(token, invalid);
        Ok(text)
    }

    fn warn_of_escape(&mut self, token: Token, invalid: Option<InvalidEscape>) {
        let Some(invalid) = invalid else { return };
        let text = self.text(token);
        self.warnings.extend(escape_warning(token, text, invalid, self.options.feature_version));
    }

    /// An f-string or t-string, whose pieces are appended to `parts`.
    fn field_string(&mut self, parts: &mut Vec<Expr>) -> Parse<()> {
        let opening = self.bump();
        let is_template = opening.kind == TokenKind::TStringStart;
        let is_raw = self.text(opening).bytes().any(|byte| byte | 0x20 == b'r');
        // CPython decodes text only when it has the whole string, and places warnings at its end.
        let mut encoded = Vec::new();
        loop {
            match self.kind() {
                TokenKind::FStringMiddle | TokenKind::TStringMiddle => {
                    let token = self.bump();
                    let text = self.text(token);
                    if !is_raw && text.contains('\\') {
                        encoded.push((parts.len(), text));
                    }
                    parts.push(text_constant(token, text.into()));
                }
                TokenKind::LeftBrace => self.replacement_field(parts, is_template, is_raw)?,
                TokenKind::FStringEnd | TokenKind::TStringEnd => break,
                _ => return Err(Failure::Invalid),
            }
        }
        let closing = self.bump();
        for (index, body) in encoded {
            let decoded = self.decode(closing, body, false)?;
            if let ExprKind::Constant { value, .. } = &mut parts[index].kind {
                *value = Constant::Str(decoded);
            }
        }
        Ok(())
    }

    /// `{expression = !conversion :spec}`.
    fn replacement_field(
        &mut self,
        parts: &mut Vec<Expr>,
        is_interpolation: bool,
        is_raw: bool,
    ) -> Parse<()> {
        let start = self.start();
        let opening = self.bump();
        let value = Box::new(self.annotated_rhs()?);
        let expression_end = self.token().start;
        let is_debug = self.eat(TokenKind::Equal);
        let debug_source_end = self.token().start;
        let mut debug_end = None;
        let mut conversion = -1;
        if self.at(TokenKind::Exclamation) {
            let mark = self.bump();
            let name = self.expect(TokenKind::Name)?;
            debug_end = Some((name.line, name.column));
            conversion = match self.text(name) {
                "s" | "r" | "a" if name.start == mark.end => i32::from(self.text(name).as_bytes()[0]),
                _ => return Err(Failure::Invalid),
            };
        }
        let mut format_spec = None;
        if self.at(TokenKind::Colon) {
            let spec = self.format_spec(is_raw)?;
            debug_end = debug_end.or(Some((spec.span.line, spec.span.column + 1)));
            format_spec = Some(Box::new(spec));
        }
        self.expect(TokenKind::RightBrace)?;
        if is_debug && conversion == -1 && format_spec.is_none() {
            conversion = i32::from(b'r');
        }
        let span = self.span_from(start);
        let source = |end: u32| without_comments(&self.source[opening.end as usize..end as usize]);
        if is_debug {
            let (end_line, end_column) = debug_end.unwrap_or((span.end_line, span.end_column));
            let text = source(debug_source_end);
            let span = Span {
                line: start.line,
                column: start.column + 1,
                end_line,
                end_column: end_column.wrapping_sub(1),
            };
            let value = Constant::Str(text.as_str().into());
            parts.push(Expr { span, kind: ExprKind::Constant { value, kind: None } });
        }
        let kind = if is_interpolation {
            let str = Constant::Str(source(expression_end).into());
            ExprKind::Interpolation { value, str, conversion, format_spec }
        } else {
            ExprKind::FormattedValue { value, conversion, format_spec }
        };
        parts.push(Expr { span, kind });
        Ok(())
    }

    fn format_spec(&mut self, is_raw: bool) -> Parse<Expr> {
        let start = self.start();
        self.bump();
        let mut parts = Vec::new();
        loop {
            match self.kind() {
                TokenKind::FStringMiddle | TokenKind::TStringMiddle => {
                    let token = self.bump();
                    let text = self.text(token);
                    let text = self.decode(token, text, is_raw || !text.contains('\\'))?;
                    parts.push(text_constant(token, text));
                }
                TokenKind::LeftBrace => {
                    self.nested(|parser| parser.replacement_field(&mut parts, false, is_raw))?;
                }
                _ => break,
            }
        }
        let span = self.span_from(start);
        Ok(Expr { span, kind: ExprKind::JoinedStr { values: fold_constants(parts) } })
    }
}

fn text_constant(token: Token, text: Text) -> Expr {
    let kind = ExprKind::Constant { value: Constant::Str(text), kind: None };
    Expr { span: Parser::span_of(token), kind }
}

fn is_bytes(part: &Expr) -> bool {
    matches!(part.kind, ExprKind::Constant { value: Constant::Bytes(_), .. })
}

fn constant_text(part: &Expr) -> Option<&Text> {
    match &part.kind {
        ExprKind::Constant { value: Constant::Str(text), .. } => Some(text),
        _ => None,
    }
}

fn concatenate_bytes(parts: &[Expr], span: Span) -> Expr {
    let pieces = parts.iter().filter_map(|part| match &part.kind {
        ExprKind::Constant { value: Constant::Bytes(bytes), .. } => Some(&**bytes),
        _ => None,
    });
    let value = Constant::Bytes(pieces.flatten().copied().collect());
    Expr { span, kind: ExprKind::Constant { value, kind: None } }
}

/// One constant made of several; its kind is that of the first.
fn join_constants(parts: &mut [Expr], span: Span) -> Expr {
    let mut text = TextBuilder::new();
    for piece in parts.iter().filter_map(constant_text) {
        text.push_text(piece);
    }
    let kind = match parts.first_mut() {
        Some(Expr { kind: ExprKind::Constant { kind, .. }, .. }) => kind.take(),
        _ => None,
    };
    Expr { span, kind: ExprKind::Constant { value: Constant::Str(text.finish()), kind } }
}

/// Joins neighbouring constants and drops empty ones.
fn fold_constants(parts: Vec<Expr>) -> Vec<Expr> {
    let mut values = Vec::with_capacity(parts.len());
    let mut run: Vec<Expr> = Vec::new();
    for part in parts {
        if constant_text(&part).is_some() {
            run.push(part);
            continue;
        }
        end_run(&mut run, &mut values);
        values.push(part);
    }
    end_run(&mut run, &mut values);
    values
}

fn end_run(run: &mut Vec<Expr>, values: &mut Vec<Expr>) {
    let joined = match run.as_mut_slice() {
        [] => return,
        [_] => run.remove(0),
        [first, .., last] => {
            let span = first.span.to(last.span);
            join_constants(run, span)
        }
    };
    run.clear();
    if constant_text(&joined).is_some_and(|text| !text.is_empty()) {
        values.push(joined);
    }
}

/// The source of an expression with its comments left out, as debug fields show it.
fn without_comments(source: &str) -> String {
    let mut result = String::with_capacity(source.len());
    let mut quote = None;
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        result.push(character);
        match character {
            '\\' => result.extend(characters.next()),
            '"' | '\'' if quote.is_none() => quote = Some(character),
            '"' | '\'' if quote == Some(character) => quote = None,
            '#' if quote.is_none() => {
                result.pop();
                if characters.by_ref().any(|skipped| skipped == '\n') {
                    result.push('\n');
                }
            }
            _ => {}
        }
    }
    result
}

/// The warning about the first invalid escape sequence of a literal, unless the lexer has given it.
pub(crate) fn escape_warning(
    token: Token,
    token_text: &str,
    invalid: InvalidEscape,
    feature_version: u8,
) -> Option<Warning> {
    let is_field_string = matches!(
        token.kind,
        TokenKind::FStringMiddle | TokenKind::FStringEnd | TokenKind::TStringMiddle | TokenKind::TStringEnd
    );
    if is_field_string && matches!(invalid.spelling[0], b'{' | b'}') {
        return None;
    }
    let shown = invalid.shown();
    let what = if invalid.is_octal() { "an invalid octal escape" } else { "an invalid escape" };
    let advice = format!("Did you mean \"\\\\{shown}\"? A raw string is also an option.");
    let message =
        format!("\"\\{shown}\" is {what} sequence. Such sequences will not work in the future. {advice}");
    let line = token.line + invalid.lines;
    let mut column = invalid.column as i64;
    if invalid.lines == 0 {
        let first_quote = token_text.bytes().next().filter(|byte| matches!(byte, b'"' | b'\''));
        let quotes = token_text
            .bytes()
            .take_while(|byte| matches!(byte, b'"' | b'\''))
            .filter(|&byte| Some(byte) == first_quote)
            .count();
        column += i64::from(token.column) + quotes as i64;
    }
    let as_error = SyntaxError {
        line: i64::from(line),
        column,
        end_line: i64::from(line),
        end_column: column + 2,
        ..SyntaxError::without_place(ErrorKind::Syntax, format!("\"\\{shown}\" is {what} sequence. {advice}"))
    };
    let category = if feature_version >= 12 { WarningCategory::Syntax } else { WarningCategory::Deprecation };
    Some(Warning { category, message, line, as_error: Box::new(as_error) })
}

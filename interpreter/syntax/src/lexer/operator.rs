//! Operators and brackets.

use super::{Bracket, Input, Lexer, MAX_BRACKETS};
use crate::token::{Token, TokenKind};
use crate::unicode;

impl<I: Input> Lexer<I> {
    /// An operator or bracket whose first character was read.
    pub(super) fn operator(&mut self, first: u8) -> Token {
        if matches!(first, b':' | b'}' | b'!' | b'{') && self.starts_format_spec(first) {
            return self.token(TokenKind::Colon);
        }
        let second = self.next();
        let two = u8::try_from(second).ok().and_then(|second| two_characters(first, second));
        if let Some(kind) = two {
            let third = self.next();
            let three = u8::try_from(third).ok().and_then(|third| three_characters(kind, third));
            if three.is_none() {
                self.back(third);
            }
            return self.token(three.unwrap_or(kind));
        }
        self.back(second);
        match first {
            b'(' | b'[' | b'{' => {
                if self.brackets.len() >= MAX_BRACKETS {
                    return self.fail("too many nested parentheses");
                }
                self.open_bracket(first);
            }
            b')' | b']' | b'}' => {
                if let Err(message) = self.close_bracket(first) {
                    return self.fail(&message);
                }
            }
            _ => {}
        }
        if !unicode::is_printable(first as char) {
            return self.fail(&format!("invalid non-printable character U+{first:04X}"));
        }
        self.token(one_character(first))
    }

    fn open_bracket(&mut self, character: u8) {
        let column = (self.token_start - self.line_start) as u32;
        self.brackets.push(Bracket { character, line: self.line, column });
        if let Some(mode) = self.modes.last_mut() {
            mode.bracket_depth += 1;
        }
    }

    fn close_bracket(&mut self, character: u8) -> Result<(), String> {
        let prefix = self.string_prefix();
        let shown = character as char;
        if character == b'}' && self.modes.last().is_some_and(|mode| mode.bracket_depth == 0) {
            return Err(format!("{prefix}-string: single '}}' is not allowed"));
        }
        let Some(opening) = self.brackets.pop() else {
            if self.options.extra_tokens {
                return Ok(());
            }
            return Err(format!("unmatched '{shown}'"));
        };
        let matches = matches!((opening.character, character), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
        if !self.options.extra_tokens && !matches {
            // A bracket that closes nothing inside of a replacement field does not belong to the field's brace.
            if opening.character == b'{'
                && self.modes.last().is_some_and(|mode| mode.bracket_depth - 1 == mode.expression_depth)
            {
                return Err(format!("{prefix}-string: unmatched '{shown}'"));
            }
            let mut message = format!(
                "closing parenthesis '{shown}' does not match opening parenthesis '{}'",
                opening.character as char
            );
            if opening.line != self.line {
                message += &format!(" on line {}", opening.line);
            }
            return Err(message);
        }
        if let Some(mode) = self.modes.last_mut() {
            mode.bracket_depth -= 1;
            if mode.bracket_depth < 0 {
                return Err(format!("{prefix}-string: unmatched '{shown}'"));
            }
            if character == b'}' && mode.bracket_depth == mode.expression_depth {
                mode.expression_depth -= 1;
                mode.in_text = true;
                mode.in_format_spec = false;
            }
        }
        Ok(())
    }
}

fn one_character(byte: u8) -> TokenKind {
    use TokenKind::{
        Ampersand, At, Bar, Circumflex, Colon, Comma, Dot, Equal, Exclamation, Greater, LeftBrace,
        LeftBracket, LeftParen, Less, Minus, Operator, Percent, Plus, RightBrace, RightBracket, RightParen,
        Semicolon, Slash, Star, Tilde,
    };
    match byte {
        b'(' => LeftParen,
        b')' => RightParen,
        b'[' => LeftBracket,
        b']' => RightBracket,
        b'{' => LeftBrace,
        b'}' => RightBrace,
        b':' => Colon,
        b',' => Comma,
        b';' => Semicolon,
        b'+' => Plus,
        b'-' => Minus,
        b'*' => Star,
        b'/' => Slash,
        b'|' => Bar,
        b'&' => Ampersand,
        b'<' => Less,
        b'>' => Greater,
        b'=' => Equal,
        b'.' => Dot,
        b'%' => Percent,
        b'~' => Tilde,
        b'^' => Circumflex,
        b'@' => At,
        b'!' => Exclamation,
        _ => Operator,
    }
}

fn two_characters(first: u8, second: u8) -> Option<TokenKind> {
    use TokenKind::{
        AmpersandEqual, Arrow, AtEqual, BarEqual, CircumflexEqual, ColonEqual, DoubleSlash, DoubleStar,
        EqualEqual, GreaterEqual, LeftShift, LessEqual, MinusEqual, NotEqual, PercentEqual, PlusEqual,
        RightShift, SlashEqual, StarEqual,
    };
    Some(match (first, second) {
        (b'=', b'=') => EqualEqual,
        (b'!', b'=') => NotEqual,
        (b'<', b'=') => LessEqual,
        (b'>', b'=') => GreaterEqual,
        (b'<', b'<') => LeftShift,
        (b'>', b'>') => RightShift,
        (b'*', b'*') => DoubleStar,
        (b'/', b'/') => DoubleSlash,
        (b'+', b'=') => PlusEqual,
        (b'-', b'=') => MinusEqual,
        (b'*', b'=') => StarEqual,
        (b'/', b'=') => SlashEqual,
        (b'%', b'=') => PercentEqual,
        (b'&', b'=') => AmpersandEqual,
        (b'|', b'=') => BarEqual,
        (b'^', b'=') => CircumflexEqual,
        (b'@', b'=') => AtEqual,
        (b'-', b'>') => Arrow,
        (b':', b'=') => ColonEqual,
        _ => return None,
    })
}

fn three_characters(two: TokenKind, third: u8) -> Option<TokenKind> {
    use TokenKind::{
        DoubleSlash, DoubleSlashEqual, DoubleStar, DoubleStarEqual, LeftShift, LeftShiftEqual, RightShift,
        RightShiftEqual,
    };
    Some(match (two, third) {
        (LeftShift, b'=') => LeftShiftEqual,
        (RightShift, b'=') => RightShiftEqual,
        (DoubleStar, b'=') => DoubleStarEqual,
        (DoubleSlash, b'=') => DoubleSlashEqual,
        _ => return None,
    })
}

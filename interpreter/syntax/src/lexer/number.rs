//! Number literals, and a dot, which may start one.

use super::{EOF, Input, Lexer, is_identifier_byte};
use crate::token::{Token, TokenKind};

impl<I: Input> Lexer<I> {
    /// A dot, an ellipsis, or a number that starts with a dot.
    pub(super) fn dot(&mut self) -> Token {
        let c = self.next();
        if is_digit(c) {
            return self.fraction(c).unwrap_or_else(|error| error);
        }
        if c == i32::from(b'.') {
            let c = self.next();
            if c == i32::from(b'.') {
                return self.token(TokenKind::Ellipsis);
            }
            self.back(c);
        }
        self.back(c);
        self.token(TokenKind::Dot)
    }

    /// A number whose first digit was read.
    pub(super) fn number(&mut self, first: u8) -> Token {
        let result = if first == b'0' { self.number_from_zero() } else { self.decimal_number() };
        result.unwrap_or_else(|error| error)
    }

    fn number_from_zero(&mut self) -> Result<Token, Token> {
        let c = self.next();
        match letter(c) {
            b'x' => self.radix_number("hexadecimal", |byte| byte.is_ascii_hexdigit()),
            b'o' => self.radix_number("octal", |byte| matches!(byte, b'0'..=b'7')),
            b'b' => self.radix_number("binary", |byte| matches!(byte, b'0' | b'1')),
            _ => self.zeros(c),
        }
    }

    fn radix_number(&mut self, name: &str, is_valid: fn(u8) -> bool) -> Result<Token, Token> {
        let valid = |c: i32| u8::try_from(c).is_ok_and(is_valid);
        let mut c = self.next();
        loop {
            if c == i32::from(b'_') {
                c = self.next();
            }
            if !valid(c) {
                return Err(self.invalid_digit(c, name));
            }
            while valid(c) {
                c = self.next();
            }
            if c != i32::from(b'_') {
                break;
            }
        }
        if is_digit(c) {
            return Err(self.invalid_digit(c, name));
        }
        self.end_number(c, name)
    }

    fn invalid_digit(&mut self, c: i32, name: &str) -> Token {
        if is_digit(c) {
            return self.fail(&format!("invalid digit '{}' in {name} literal", c as u8 as char));
        }
        self.back(c);
        self.fail(&format!("invalid {name} literal"))
    }

    /// Zeros, which may start a floating point number but not a decimal integer.
    fn zeros(&mut self, mut c: i32) -> Result<Token, Token> {
        loop {
            if c == i32::from(b'_') {
                c = self.next();
                if !is_digit(c) {
                    return Err(self.invalid_decimal(c));
                }
            }
            if c != i32::from(b'0') {
                break;
            }
            c = self.next();
        }
        let zeros_end = self.cursor;
        let has_other_digits = is_digit(c);
        if has_other_digits {
            c = self.decimal_tail()?;
        }
        match letter(c) {
            b'.' => {
                let c = self.next();
                self.fraction(c)
            }
            b'e' => self.exponent(c),
            b'j' => self.imaginary(),
            _ if has_other_digits && !self.options.extra_tokens => {
                self.back(c);
                let message = "leading zeros in decimal integer literals are not permitted; \
                               use an 0o prefix for octal integers";
                Err(self.fail_in_range(self.token_start + 1, zeros_end, message))
            }
            _ => self.end_number(c, "decimal"),
        }
    }

    fn decimal_number(&mut self) -> Result<Token, Token> {
        let c = self.decimal_tail()?;
        if c == i32::from(b'.') {
            let c = self.next();
            return self.fraction(c);
        }
        self.after_digits(c)
    }

    /// What follows the dot, whose first character `c` was read.
    fn fraction(&mut self, mut c: i32) -> Result<Token, Token> {
        if is_digit(c) {
            c = self.decimal_tail()?;
        }
        self.after_digits(c)
    }

    fn after_digits(&mut self, c: i32) -> Result<Token, Token> {
        match letter(c) {
            b'e' => self.exponent(c),
            b'j' => self.imaginary(),
            _ => self.end_number(c, "decimal"),
        }
    }

    fn exponent(&mut self, e: i32) -> Result<Token, Token> {
        let mut c = self.next();
        if c == i32::from(b'+') || c == i32::from(b'-') {
            c = self.next();
            if !is_digit(c) {
                return Err(self.invalid_decimal(c));
            }
        } else if !is_digit(c) {
            // Not an exponent: `1else`.
            self.back(c);
            self.check_end_of_number(e, "decimal")?;
            self.back(e);
            return Ok(self.token(TokenKind::Number));
        }
        let c = self.decimal_tail()?;
        match letter(c) {
            b'j' => self.imaginary(),
            _ => self.end_number(c, "decimal"),
        }
    }

    fn imaginary(&mut self) -> Result<Token, Token> {
        let c = self.next();
        self.end_number(c, "imaginary")
    }

    fn end_number(&mut self, c: i32, name: &str) -> Result<Token, Token> {
        self.check_end_of_number(c, name)?;
        self.back(c);
        Ok(self.token(TokenKind::Number))
    }

    /// Reads digits and single underscores between them; returns the character after them.
    fn decimal_tail(&mut self) -> Result<i32, Token> {
        loop {
            let mut c = self.next();
            while is_digit(c) {
                c = self.next();
            }
            if c != i32::from(b'_') {
                return Ok(c);
            }
            c = self.next();
            if !is_digit(c) {
                return Err(self.invalid_decimal(c));
            }
        }
    }

    fn invalid_decimal(&mut self, c: i32) -> Token {
        self.back(c);
        self.fail("invalid decimal literal")
    }

    /// Warns of a keyword right behind a number, refuses any other word there. `c` was read.
    fn check_end_of_number(&mut self, c: i32, name: &str) -> Result<(), Token> {
        if self.options.extra_tokens || c == EOF {
            return Ok(());
        }
        let rest = &self.input.bytes()[self.cursor..self.read_end];
        let is_word = |tail: &[u8]| {
            rest.starts_with(tail) && !rest.get(tail.len()).copied().is_some_and(is_identifier_byte)
        };
        let is_keyword = match c as u8 {
            b'a' => is_word(b"nd"),
            b'e' => is_word(b"lse"),
            b'f' => is_word(b"or"),
            b'i' => matches!(rest.first(), Some(b'f' | b'n' | b's')),
            b'o' => is_word(b"r"),
            b'n' => is_word(b"ot"),
            _ => false,
        };
        if is_keyword {
            self.back(c);
            let message = format!("invalid {name} literal");
            self.warn(message.clone(), &message);
            self.next();
        } else if c < 128 && is_identifier_byte(c as u8) {
            self.back(c);
            return Err(self.fail(&format!("invalid {name} literal")));
        }
        Ok(())
    }
}

fn is_digit(c: i32) -> bool {
    (i32::from(b'0')..=i32::from(b'9')).contains(&c)
}

/// The character in lower case if it is a letter; the end of input is like a line end here.
fn letter(c: i32) -> u8 {
    u8::try_from(c).map_or(b'\n', |byte| byte.to_ascii_lowercase())
}

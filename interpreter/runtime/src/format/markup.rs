//! The replacement fields of `str.format` (PEP 3101): a format string in pieces, and a field's name in steps.

use crate::format::digits::decimal_value;

/// What is wrong with a format string: the text of a `ValueError`.
pub type MarkupError = &'static str;

/// Literal text and the field that follows it, if one does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// The text, with braces unescaped.
    pub literal: &'a [u32],
    /// The field.
    pub field: Option<Field<'a>>,
}

/// A replacement field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// What stands before `!` and `:`.
    pub name: &'a [u32],
    /// What follows `!`.
    pub conversion: Option<u32>,
    /// What follows `:`.
    pub spec: &'a [u32],
    /// Whether the specification has fields of its own.
    pub nested: bool,
}

/// The pieces of a format string.
pub struct Markup<'a> {
    text: &'a [u32],
    position: usize,
}

const OPEN: u32 = '{' as u32;
const CLOSE: u32 = '}' as u32;

impl<'a> Markup<'a> {
    /// The pieces of a format string from a position on.
    pub const fn new(text: &'a [u32], position: usize) -> Markup<'a> {
        Markup { text, position }
    }

    /// Where the next piece begins.
    pub const fn position(&self) -> usize {
        self.position
    }

    fn take(&mut self) -> Option<u32> {
        let c = self.text.get(self.position).copied();
        self.position += usize::from(c.is_some());
        c
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// What is wrong with the format string.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'a>>, MarkupError> {
        let start = self.position;
        if start >= self.text.len() {
            return Ok(None);
        }
        let brace = self.text[start..].iter().position(|&c| c == OPEN || c == CLOSE);
        let Some(at) = brace.map(|offset| start + offset) else {
            self.position = self.text.len();
            return Ok(Some(Piece { literal: &self.text[start..], field: None }));
        };
        let (c, next) = (self.text[at], self.text.get(at + 1).copied());
        self.position = at + 1;
        if next == Some(c) {
            // A brace written twice stands for itself; it ends the piece.
            self.position += 1;
            return Ok(Some(Piece { literal: &self.text[start..=at], field: None }));
        }
        if c == CLOSE {
            return Err("Single '}' encountered in format string");
        }
        if next.is_none() {
            return Err("Single '{' encountered in format string");
        }
        let field = self.field()?;
        Ok(Some(Piece { literal: &self.text[start..at], field: Some(field) }))
    }

    fn field(&mut self) -> Result<Field<'a>, MarkupError> {
        let start = self.position;
        let end = loop {
            match self.take().map(character) {
                None => return Err("expected '}' before end of string"),
                Some('{') => return Err("unexpected '{' in field name"),
                Some('[') => {
                    while self.text.get(self.position).is_some_and(|&c| c != ']' as u32) {
                        self.position += 1;
                    }
                }
                Some(c @ ('}' | ':' | '!')) => break c,
                Some(_) => {}
            }
        };
        let name = &self.text[start..self.position - 1];
        let mut field = Field { name, conversion: None, spec: &[], nested: false };
        if end == '}' {
            return Ok(field);
        }
        if end == '!' {
            field.conversion =
                Some(self.take().ok_or("end of string while looking for conversion specifier")?);
            match self.take() {
                Some(CLOSE) => return Ok(field),
                Some(c) if c != ':' as u32 => return Err("expected ':' after conversion specifier"),
                _ => {}
            }
        }
        let start = self.position;
        let mut depth = 1;
        while let Some(c) = self.take() {
            match c {
                OPEN => {
                    field.nested = true;
                    depth += 1;
                }
                CLOSE => {
                    depth -= 1;
                    if depth == 0 {
                        field.spec = &self.text[start..self.position - 1];
                        return Ok(field);
                    }
                }
                _ => {}
            }
        }
        Err("unmatched '{' in format spec")
    }
}

/// The character of a code point; lone surrogates become one that the syntax does not know.
fn character(c: u32) -> char {
    char::from_u32(c).unwrap_or('\u{fffd}')
}

/// A part of a field's name that is a number or a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key<'a> {
    /// An index.
    Index(usize),
    /// A name; the first part of a field's name may be empty.
    Name(&'a [u32]),
}

impl<'a> Key<'a> {
    fn new(text: &'a [u32]) -> Result<Key<'a>, MarkupError> {
        let mut index = 0usize;
        for &c in text {
            let Some(digit) = decimal_value(c) else { return Ok(Key::Name(text)) };
            let next = index.checked_mul(10).and_then(|tens| tens.checked_add(digit as usize));
            match next.filter(|&next| isize::try_from(next).is_ok()) {
                Some(next) => index = next,
                None => return Err("Too many decimal digits in format string"),
            }
        }
        Ok(if text.is_empty() { Key::Name(text) } else { Key::Index(index) })
    }
}

/// A step from a value to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'a> {
    /// `.name`
    Attribute(&'a [u32]),
    /// `[key]`
    Item(Key<'a>),
}

/// The steps that a field's name takes from its first part.
pub struct Steps<'a> {
    text: &'a [u32],
    position: usize,
}

impl<'a> Steps<'a> {
    /// The first part of a field's name, and the steps from there.
    ///
    /// # Errors
    /// What is wrong with the first part.
    pub fn split(name: &'a [u32]) -> Result<(Key<'a>, Steps<'a>), MarkupError> {
        let end = name.iter().position(|&c| c == '.' as u32 || c == '[' as u32).unwrap_or(name.len());
        Ok((Key::new(&name[..end])?, Steps { text: name, position: end }))
    }

    /// The steps in a name from a position on.
    pub const fn at(text: &'a [u32], position: usize) -> Steps<'a> {
        Steps { text, position }
    }

    /// Where the next step begins.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The next step; nothing at the end.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn next_step(&mut self) -> Result<Option<Step<'a>>, MarkupError> {
        let rest = &self.text[self.position..];
        let find = |stop: &[char]| rest[1..].iter().position(|&c| stop.iter().any(|&stop| stop as u32 == c));
        let step = match rest.first().map(|&c| character(c)) {
            None => return Ok(None),
            Some('.') => {
                let length = find(&['.', '[']).unwrap_or(rest.len() - 1);
                self.position += 1 + length;
                Step::Attribute(&rest[1..=length])
            }
            Some('[') => {
                let length = find(&[']']).ok_or("Missing ']' in format string")?;
                self.position += 2 + length;
                Step::Item(Key::new(&rest[1..=length])?)
            }
            Some(_) => return Err("Only '.' or '[' may follow ']' in format field specifier"),
        };
        match step {
            Step::Attribute([]) | Step::Item(Key::Name([])) => Err("Empty attribute in format string"),
            step => Ok(Some(step)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_points(text: &str) -> Vec<u32> {
        text.chars().map(|c| c as u32).collect()
    }

    fn pieces(text: &str) -> Result<usize, MarkupError> {
        let text = code_points(text);
        let mut markup = Markup::new(&text, 0);
        let mut count = 0;
        while markup.next_piece()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn errors() {
        assert_eq!(pieces("x{{y}}z{}{0.a[b].c!s:>{w}}"), Ok(4));
        assert_eq!(pieces("{a[}]}"), Ok(1));
        for (text, message) in [
            ("{", "Single '{' encountered in format string"),
            ("{a:}}", "Single '}' encountered in format string"),
            ("{a", "expected '}' before end of string"),
            ("{a!", "end of string while looking for conversion specifier"),
            ("{a!r", "unmatched '{' in format spec"),
            ("{a!}", "unmatched '{' in format spec"),
            ("{a!rx}", "expected ':' after conversion specifier"),
            ("{a{b}}", "unexpected '{' in field name"),
        ] {
            assert_eq!(pieces(text), Err(message), "{text}");
        }
    }

    #[test]
    fn steps() {
        let name = code_points("a[0].b[c]");
        let (first, mut steps) = Steps::split(&name).expect("valid");
        assert_eq!(first, Key::Name(&name[..1]));
        assert_eq!(steps.next_step(), Ok(Some(Step::Item(Key::Index(0)))));
        assert_eq!(steps.next_step(), Ok(Some(Step::Attribute(&name[5..6]))));
        assert_eq!(steps.next_step(), Ok(Some(Step::Item(Key::Name(&name[7..8])))));
        assert_eq!(steps.next_step(), Ok(None));
        let name = code_points("a[0]b");
        let (_, mut steps) = Steps::split(&name).expect("valid");
        assert!(steps.next_step().is_ok());
        assert!(steps.next_step().is_err());
    }
}

//! The small parts of XML: characters, names, white space, quoted texts, character references.

use super::problem::{Problem, Step, Stop, wrong};

/// White space of XML.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Whether a character may be in a document.
pub fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Whether a name may begin with a character.
pub fn begins_name(c: char) -> bool {
    matches!(c,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// Whether a name may go on with a character.
pub fn continues_name(c: char) -> bool {
    begins_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The first of what may not be in a document.
pub fn find_bad(text: &str) -> Option<usize> {
    let control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Beyond ASCII it is two characters that begin with this byte.
    match text.bytes().any(|byte| control(byte) || byte == 0xEF) {
        false => None,
        true => text.char_indices().find(|(_, c)| !is_character(*c)).map(|(at, _)| at),
    }
}

/// How many bytes from the start are ASCII characters that a name may go on with.
fn plain_name(text: &str) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.');
    text.as_bytes().iter().take_while(|byte| part(byte)).count()
}

/// A place in the text of a token.
#[derive(Clone)]
pub struct Cursor<'a> {
    /// The text from the token's start.
    pub text: &'a str,
    /// The place, in bytes.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start, or behind it.
    pub fn new(text: &'a str, at: usize) -> Self {
        Cursor { text, at }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    ///
    /// # Errors
    /// [`Stop::More`] at the end.
    pub fn peek(&self) -> Step<char> {
        self.rest().chars().next().ok_or(Stop::More)
    }

    /// Goes on by one character.
    ///
    /// # Errors
    /// [`Stop::More`] at the end.
    pub fn next(&mut self) -> Step<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Ok(c)
    }

    /// An error here.
    pub fn wrong<T>(&self, problem: Problem) -> Step<T> {
        wrong(problem, self.at)
    }

    /// Takes a text if it is next; waits where it may become it.
    ///
    /// # Errors
    /// [`Stop::More`] where the text may be cut.
    pub fn take(&mut self, wanted: &str) -> Step<bool> {
        let rest = self.rest();
        if rest.starts_with(wanted) {
            self.at += wanted.len();
            return Ok(true);
        }
        if rest.len() < wanted.len() && wanted.starts_with(rest) { Err(Stop::More) } else { Ok(false) }
    }

    /// Takes a text that must be next.
    ///
    /// # Errors
    /// Where it is not.
    pub fn expect(&mut self, wanted: &str) -> Step {
        for c in wanted.chars() {
            if self.peek()? != c {
                return self.wrong(Problem::InvalidToken);
            }
            self.at += c.len_utf8();
        }
        Ok(())
    }

    /// Skips white space; answers whether there was any.
    ///
    /// # Errors
    /// [`Stop::More`] where it may go on.
    pub fn spaces(&mut self) -> Step<bool> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        self.at += rest.iter().take_while(|byte| is_space(char::from(**byte))).count();
        if self.at == self.text.len() { Err(Stop::More) } else { Ok(self.at > start) }
    }

    /// A name.
    ///
    /// # Errors
    /// Where there is none, or it may go on.
    pub fn name(&mut self) -> Step<&'a str> {
        let start = self.at;
        if !begins_name(self.peek()?) {
            return self.wrong(Problem::InvalidToken);
        }
        self.at += plain_name(self.rest());
        while continues_name(self.peek()?) {
            self.next()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// A text in quotes, without them.
    ///
    /// # Errors
    /// Where there is none, or it is not whole.
    pub fn quoted(&mut self) -> Step<&'a str> {
        let quote = self.peek()?;
        if !matches!(quote, '"' | '\'') {
            return self.wrong(Problem::InvalidToken);
        }
        self.at += 1;
        let rest = self.rest();
        let found = memchr::memchr(quote as u8, rest.as_bytes());
        let part = &rest[..found.unwrap_or(rest.len())];
        if let Some(bad) = find_bad(part) {
            return wrong(Problem::InvalidToken, self.at + bad);
        }
        self.at += part.len() + 1;
        found.map(|_| part).ok_or(Stop::More)
    }

    /// A name, an equals sign, and a text in quotes.
    ///
    /// # Errors
    /// Where one of them is missing.
    pub fn assignment(&mut self) -> Step<(&'a str, &'a str)> {
        let name = self.name()?;
        self.spaces()?;
        self.expect("=")?;
        self.spaces()?;
        Ok((name, self.quoted()?))
    }

    /// The text up to an end mark, which is taken, too.
    ///
    /// # Errors
    /// Where it is not whole, or has what is no character.
    pub fn until(&mut self, end: &str) -> Step<&'a str> {
        let rest = self.rest();
        let found = rest.find(end);
        let part = &rest[..found.unwrap_or(rest.len())];
        if let Some(bad) = find_bad(part) {
            return wrong(Problem::InvalidToken, self.at + bad);
        }
        match found {
            Some(length) => {
                self.at += length + end.len();
                Ok(part)
            }
            None => Err(Stop::More),
        }
    }

    /// What is behind `&` up to the semicolon, as a character or the name of an entity.
    ///
    /// # Errors
    /// Where it is neither, or not whole.
    pub fn reference(&mut self) -> Step<Reference<'a>> {
        if self.peek()? != '#' {
            let name = self.name()?;
            self.expect(";")?;
            return Ok(Reference::Entity(name));
        }
        self.at += 1;
        let radix = if self.peek()? == 'x' {
            self.at += 1;
            16
        } else {
            10
        };
        let start = self.at;
        while self.peek()?.is_digit(radix) {
            self.at += 1;
        }
        let digits = &self.text[start..self.at];
        if digits.is_empty() {
            return self.wrong(Problem::InvalidToken);
        }
        self.expect(";")?;
        let number = u32::from_str_radix(digits, radix).ok();
        match number.and_then(char::from_u32).filter(|&c| is_character(c)) {
            Some(c) => Ok(Reference::Character(c)),
            None => wrong(Problem::BadCharacterReference, 0),
        }
    }
}

/// What a reference means.
pub enum Reference<'a> {
    /// A character by number.
    Character(char),
    /// An entity by name.
    Entity(&'a str),
}

/// What is wrong with a declaration of no known kind, from behind its `<!`.
///
/// # Errors
/// Always.
pub fn unknown_declaration<T>(mut cursor: Cursor<'_>, problem: Problem) -> Step<T> {
    if !cursor.peek()?.is_ascii_alphabetic() {
        return cursor.wrong(Problem::InvalidToken);
    }
    while cursor.peek()?.is_ascii_alphabetic() || cursor.peek()? == '_' {
        cursor.next()?;
    }
    if is_space(cursor.peek()?) { wrong(problem, 0) } else { cursor.wrong(Problem::InvalidToken) }
}

/// The character that one of the five entities of XML itself stands for.
pub fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// A text with the line ends of XML: all are newlines.
pub fn with_newlines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// A public identifier as it is told, with single spaces.
pub fn public_id(text: &str) -> Option<String> {
    let valid = |c: char| {
        matches!(c, ' ' | '\r' | '\n' | 'a'..='z' | 'A'..='Z' | '0'..='9')
            || "-'()+,./:=?;!*#@$_%".contains(c)
    };
    text.chars().all(valid).then(|| text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Reference, public_id};

    #[test]
    fn references_are_characters_or_names() {
        assert!(matches!(Cursor::new("#x41;", 0).reference(), Ok(Reference::Character('A'))));
        assert!(matches!(Cursor::new("lt;", 0).reference(), Ok(Reference::Entity("lt"))));
        assert!(Cursor::new("lt", 0).reference().is_err());
    }

    #[test]
    fn public_identifiers_have_single_spaces() {
        assert_eq!(public_id(" -//A\n//B "), Some("-//A //B".to_owned()));
        assert_eq!(public_id("{"), None);
    }
}

//! Lexing text that is given line by line.

use rspy_syntax::lexer::{Input, Lexer, LexerOptions};
use rspy_syntax::token::{Token, TokenKind};

/// A text of which as much is known as was asked for.
struct Lines<'a> {
    text: &'a str,
    known: usize,
    requests: usize,
}

impl Input for Lines<'_> {
    fn bytes(&self) -> &[u8] {
        &self.text.as_bytes()[..self.known]
    }

    fn more(&mut self) -> bool {
        self.requests += 1;
        let rest = &self.text[self.known..];
        self.known += rest.find('\n').map_or(rest.len(), |index| index + 1);
        !rest.is_empty()
    }
}

fn tokens<I: Input>(lexer: &mut Lexer<I>) -> Vec<Token> {
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token();
        tokens.push(token);
        if matches!(token.kind, TokenKind::EndMarker | TokenKind::ErrorToken) {
            return tokens;
        }
    }
}

#[track_caller]
fn check(text: &str) {
    for extra_tokens in [false, true] {
        let options = LexerOptions { type_comments: true, extra_tokens };
        let whole = tokens(&mut Lexer::new(text, options));
        let mut lexer = Lexer::new(Lines { text, known: 0, requests: 0 }, options);
        assert_eq!(tokens(&mut lexer), whole, "{text:?}");
        // Each line is asked for once, and the end once.
        assert!(lexer.input().requests <= text.lines().count() + 1, "{text:?}");
    }
}

#[test]
fn tokens_do_not_depend_on_how_much_is_known() {
    check("");
    check("if x:\n    y = (1,\n  2)\n\n# comment\nz\n");
    check("x = \\\n  1 + \\\n  2\n");
    check("f'''a\n{b!r:>{c}}\nd''' + t'{x}'\n");
    check("x = '''\nnever closed\n");
    check("x = (\n");
    check("if x:\n        y\n    z\n");
}

#[test]
fn long_strings_are_read_once() {
    check(&format!("x = '''\n{}'''\n", "line\n".repeat(20_000)));
    check(&format!("f'''\n{}'''\n", "line {x}\n".repeat(5_000)));
}

//! Prints the tokens of a file with comments and blank lines, as Python's `tokenize` module shows them.

use rspy_syntax::lexer::{Lexer, LexerOptions};
use rspy_syntax::token::TokenKind;

fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lexer = Lexer::new(text.as_str(), LexerOptions { type_comments: false, extra_tokens: true });
        loop {
            let token = lexer.next_token();
            let spelling = &text[token.start as usize..token.end as usize];
            let column = |column: u32| if column == u32::MAX { -1 } else { i64::from(column) };
            println!(
                "{} {:?} {},{}-{},{}",
                token.kind.name(),
                spelling,
                token.line,
                column(token.column),
                token.end_line,
                column(token.end_column)
            );
            if matches!(token.kind, TokenKind::EndMarker | TokenKind::ErrorToken) {
                break;
            }
        }
    }
}

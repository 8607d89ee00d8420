//! Errors as CPython 3.14 reports them: message, line, offset, end line, end offset.

use rspy_syntax::{ErrorKind, Mode, ParseOptions, Source, SyntaxError, parse};

fn error(source: &str) -> SyntaxError {
    let options = ParseOptions::default();
    parse(&Source::Text(source), Mode::Module, &options).expect_err("this source is wrong")
}

#[track_caller]
fn check(source: &str, message: &str, place: (i64, i64, i64, i64)) {
    let found = error(source);
    assert_eq!(found.message, message, "{source:?}");
    assert_eq!((found.line, found.column, found.end_line, found.end_column), place, "{source:?}");
}

#[test]
fn generic_errors_point_at_the_last_token_read() {
    check("a b", "invalid syntax", (1, 3, 1, 4));
    check("x = 1 +", "invalid syntax", (1, 8, 1, 9));
    check("x <= > y", "invalid syntax", (1, 6, 1, 7));
}

#[test]
fn wrong_forms_have_their_own_messages() {
    check("f(a b)", "invalid syntax. Perhaps you forgot a comma?", (1, 3, 1, 6));
    check("if x = 3: pass", "invalid syntax. Maybe you meant '==' or ':=' instead of '='?", (1, 4, 1, 9));
    check(
        "f() = 1",
        "cannot assign to function call here. Maybe you meant '==' instead of '='?",
        (1, 1, 1, 4),
    );
    check("print a", "Missing parentheses in call to 'print'. Did you mean print(...)?", (1, 1, 1, 8));
    check("f(**a, *b)", "iterable argument unpacking follows keyword argument unpacking", (1, 6, 1, 10));
    check("1 <> 2", "invalid syntax.  Maybe you meant '!=' instead of '<>'?", (1, 3, 1, 5));
    check("f'{}'", "f-string: valid expression required before '}'", (1, 4, 1, 5));
    check("t'a' 'b'", "cannot mix t-string literals with string or bytes literals", (1, 1, 1, 9));
}

#[test]
fn blocks_must_be_indented() {
    let found = error("if x:\npass");
    assert_eq!(found.kind, ErrorKind::Indentation);
    check("if x:\npass", "expected an indented block after 'if' statement on line 1", (2, 1, 2, 5));
    check("try: pass\nelse: pass", "expected 'except' or 'finally' block", (2, 1, 2, 5));
    assert_eq!(error("if x:\n\ty\n        z\n").kind, ErrorKind::Tab);
}

#[test]
fn tokens_go_wrong_before_grammar_does() {
    check("a b\nx = (1,\n", "invalid syntax", (1, 3, 1, 4));
    check("x = (1,\n", "'(' was never closed", (1, 5, 1, 0));
    check("x = 'abc", "unterminated string literal (detected at line 1)", (1, 5, 1, 5));
    check(
        "x = 0777",
        "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers",
        (1, 5, 1, 6),
    );
    check("1 \\ 2", "unexpected character after line continuation character", (1, 4, 1, 0));
}

#[test]
fn incomplete_input_can_be_told_apart() {
    let options =
        ParseOptions { allow_incomplete_input: true, dont_imply_dedent: true, ..ParseOptions::default() };
    let kind =
        |source| parse(&Source::Text(source), Mode::Interactive, &options).map_err(|error| error.kind).err();
    assert_eq!(kind("if x:\n"), Some(ErrorKind::IncompleteInput));
    assert_eq!(kind("x = (\n"), Some(ErrorKind::IncompleteInput));
    assert_eq!(kind("a b\n"), Some(ErrorKind::Syntax));
    assert_eq!(kind("x = 1\n"), None);
}

#[test]
fn nesting_has_limits() {
    check(&"(".repeat(201), "too many nested parentheses", (1, 201, 1, 201));
    assert_eq!(error(&format!("{}1", "-".repeat(20_000))).kind, ErrorKind::Memory);
}

#[test]
fn encodings_are_checked() {
    let options = ParseOptions::default();
    let message = |bytes: &[u8]| {
        parse(&Source::Bytes(bytes), Mode::Module, &options).map_err(|error| error.message).err()
    };
    assert_eq!(message(b"# coding: latin-1\nx = '\xE4'"), None);
    assert_eq!(message(b"# coding: nonsense\n"), Some("unknown encoding: nonsense".to_owned()));
    assert!(
        message(b"x = '\xE4'").is_some_and(|text| text.starts_with("Non-UTF-8 code starting with '\\xe4'"))
    );
}

#[test]
fn identifiers_that_become_constants_are_refused() {
    for source in
        ["𝕋𝕣𝕦𝕖 = 1", "f(𝕋𝕣𝕦𝕖=1)", "def 𝕋𝕣𝕦𝕖(): pass", "a b 𝕋𝕣𝕦𝕖", "print 𝕋𝕣𝕦𝕖", "+ 𝕋𝕣𝕦𝕖", "(𝕋𝕣𝕦𝕖 for x in y"]
    {
        let found = error(source);
        assert_eq!(found.kind, ErrorKind::Value, "{source}");
        assert_eq!(found.message, "identifier field can't represent 'True' constant", "{source}");
    }
    // What is wrong before it counts.
    assert_eq!(error("a b\n𝕋𝕣𝕦𝕖").kind, ErrorKind::Syntax);
}

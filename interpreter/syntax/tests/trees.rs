//! Trees as CPython 3.14 makes them, where that is not obvious.

use rspy_syntax::ast::{Constant, Expr, ExprKind, Mod, Span, StmtKind};
use rspy_syntax::{Mode, ParseOptions, Source, parse};

fn expression(source: &str) -> Expr {
    let parsed =
        parse(&Source::Text(source), Mode::Expression, &ParseOptions::default()).expect("valid source");
    match parsed.tree {
        Mod::Expression { body } => *body,
        other => panic!("not an expression: {other:?}"),
    }
}

fn text(expression: &Expr) -> Option<&str> {
    match &expression.kind {
        ExprKind::Constant { value: Constant::Str(text), .. } => text.as_utf8(),
        _ => None,
    }
}

#[test]
fn neighbouring_constants_of_f_strings_are_one() {
    let joined = expression("'a' f'b{{c{x=}d' 'e'");
    let ExprKind::JoinedStr { values } = &joined.kind else { panic!("{joined:?}") };
    assert_eq!(text(&values[0]), Some("ab{cx="));
    assert_eq!(values[0].span, Span { line: 1, column: 0, end_line: 1, end_column: 13 });
    assert_eq!(text(&values[2]), Some("de"));
}

#[test]
fn lone_surrogates_survive() {
    let string = expression(r"'\ud800'");
    let ExprKind::Constant { value: Constant::Str(text), .. } = &string.kind else { panic!("{string:?}") };
    assert_eq!(text.chars().collect::<Vec<_>>(), [0xD800]);
}

#[test]
fn long_chains_need_no_stack() {
    let sum = expression(&format!("a{}", "+a".repeat(200_000)));
    assert!(matches!(sum.kind, ExprKind::BinOp { .. }));
    drop(sum);
    drop(expression(&format!("a{}", ".b(c)[d]".repeat(50_000))));
}

#[test]
fn soft_keywords_are_names_elsewhere() {
    let source = "match = type = case = 1\nmatch(x)\nmatch[x]: int\ntype X = int\nmatch x:\n  case _: pass\n";
    let parsed = parse(&Source::Text(source), Mode::Module, &ParseOptions::default()).expect("valid source");
    let Mod::Module { body, .. } = parsed.tree else { panic!("not a module") };
    assert!(matches!(body[1].kind, StmtKind::Expr { .. }));
    assert!(matches!(body[2].kind, StmtKind::AnnAssign { .. }));
    assert!(matches!(body[3].kind, StmtKind::TypeAlias { .. }));
    assert!(matches!(body[4].kind, StmtKind::Match { .. }));
}

#[test]
fn invalid_escapes_warn_once_a_literal() {
    let parsed =
        parse(&Source::Text("x = '\\d\\e'\n"), Mode::Module, &ParseOptions::default()).expect("valid source");
    let messages: Vec<_> = parsed.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].starts_with("\"\\d\" is an invalid escape sequence."));
}

#[test]
fn identifiers_are_normalised() {
    let name = expression("ﬁne");
    assert!(matches!(&name.kind, ExprKind::Name { id, .. } if id == "fine"));
}

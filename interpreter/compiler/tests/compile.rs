//! Small programs and the code they become.

use rspy_code::code_object::flags;
use rspy_code::{CodeObject, Constant, Opcode, Text};
use rspy_compiler::{CompileError, CompileOptions, Compiled, compile};
use rspy_syntax::{Mode, ParseOptions, Source};

fn try_compile(source: &str, options: &CompileOptions) -> Result<Compiled, CompileError> {
    let parsed = rspy_syntax::parse(&Source::Text(source), Mode::Module, &ParseOptions::default());
    let tree = parsed.unwrap_or_else(|error| panic!("{source}: {error}")).tree;
    compile(&tree, &Text::from("example.py"), options)
}

fn module(source: &str) -> Compiled {
    try_compile(source, &CompileOptions::default()).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// The code object nested in a module under a name.
fn nested(source: &str, name: &str) -> CodeObject {
    let compiled = module(source);
    let mut found = None;
    compiled.code.walk(&mut |code| {
        if code.name == name {
            found = Some(code.clone());
        }
    });
    found.unwrap_or_else(|| panic!("{source} has no {name}"))
}

/// The names of a code object's instructions, caches left out.
fn instructions(code: &CodeObject) -> Vec<&'static str> {
    let mut names = Vec::new();
    let mut unit = 0;
    while let Some(&number) = code.code.get(2 * unit) {
        let opcode = Opcode::try_from(number).unwrap_or_else(|error| panic!("{error}"));
        names.push(opcode.name());
        unit += 1 + opcode.cache_entries();
    }
    names
}

fn error(source: &str) -> (String, i64, i64) {
    match try_compile(source, &CompileOptions::default()) {
        Err(CompileError::Syntax(error)) => (error.message, error.line, error.column),
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn constants_are_folded() {
    let code = nested("def f(): return 2 ** 10 + len((1, 'a'))", "f");
    let expected = [Constant::Int(1024), Constant::tuple([Constant::Int(1), Constant::Str("a".into())])];
    assert!(expected.iter().all(|constant| code.constants.contains(constant)), "{:?}", code.constants);
}

#[test]
fn locals_are_borrowed_where_that_is_safe() {
    let code = nested("def add(a, b): return a + b", "add");
    assert_eq!(
        instructions(&code),
        ["RESUME", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "BINARY_OP", "RETURN_VALUE"]
    );
    let code = nested("def keep(a): b = a; return b", "keep");
    assert_eq!(instructions(&code), ["RESUME", "LOAD_FAST", "STORE_FAST_LOAD_FAST", "RETURN_VALUE"]);
}

#[test]
fn unbound_locals_are_checked() {
    let code = nested("def f(a):\n    if a: b = 1\n    return b", "f");
    assert!(instructions(&code).contains(&"LOAD_FAST_CHECK"));
}

#[test]
fn comprehensions_are_inlined() {
    let code = nested("def f(a): return [x for x in a]", "f");
    assert!(instructions(&code).contains(&"LOAD_FAST_AND_CLEAR"));
    assert!(!code.constants.iter().any(|constant| matches!(constant, Constant::Code(_))));
}

#[test]
fn private_names_are_mangled() {
    let code = nested("class A:\n    def f(self): return self.__x", "f");
    assert_eq!(code.names.first().map(ToString::to_string).as_deref(), Some("_A__x"));
    assert_eq!(code.qualified_name, "A.f");
    assert_ne!(code.flags & flags::METHOD, 0);
}

#[test]
fn annotations_are_deferred() {
    let annotate = nested("class A:\n    x: int", "__annotate__");
    assert_eq!(annotate.locals_plus_names.first().map(ToString::to_string).as_deref(), Some("format"));
    let compiled = module("from __future__ import annotations\nx: list [ int ]");
    assert!(compiled.code.constants.contains(&Constant::Str("list[int]".into())));
}

#[test]
fn documentation_and_assertions_can_be_left_out() {
    let source = "def f():\n    'About f.'\n    assert x\n    return 1";
    let at = |optimize| {
        let options = CompileOptions { optimize, ..CompileOptions::default() };
        let compiled = try_compile(source, &options).unwrap_or_else(|error| panic!("{error}"));
        let mut shape = (false, false);
        compiled.code.walk(&mut |code| {
            if code.name == "f" {
                shape.0 = code.flags & flags::HAS_DOCSTRING != 0;
                shape.1 = instructions(code).contains(&"RAISE_VARARGS");
            }
        });
        shape
    };
    assert_eq!(at(0), (true, true));
    assert_eq!(at(1), (true, false));
    assert_eq!(at(2), (false, false));
}

#[test]
fn errors_have_their_texts_and_places() {
    assert_eq!(error("return 1"), ("'return' outside function".to_owned(), 1, 1));
    assert_eq!(
        error("def f():\n    x = 1\n    global x").0,
        "name 'x' is assigned to before global declaration"
    );
    assert_eq!(error("f(a=1, a=2)"), ("keyword argument repeated: a".to_owned(), 1, 8));
    assert_eq!(error("from __future__ import braces").0, "not a chance");
}

#[test]
fn warnings_are_given_once() {
    let texts =
        |source| module(source).warnings.into_iter().map(|warning| warning.message).collect::<Vec<_>>();
    assert_eq!(texts("x is 1"), ["\"is\" with 'int' literal. Did you mean \"==\"?"]);
    assert_eq!(texts("try: pass\nfinally: x is 1").len(), 1);
    assert_eq!(texts("def f():\n    try: pass\n    finally: return"), ["'return' in a 'finally' block"]);
}

#[test]
fn deep_trees_compile_or_fail() {
    let sum = |count: usize| format!("x{}", "+x".repeat(count));
    assert!(try_compile(&sum(10_000), &CompileOptions::default()).is_ok());
    let too_deep = try_compile(&sum(200_000), &CompileOptions::default());
    assert_eq!(too_deep.map(|_| ()), Err(CompileError::RecursionTooDeep));
}

#[test]
fn compiled_code_can_go_to_any_thread() {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Compiled>();
    is_shareable::<CompileError>();
}

//! Code that is read piece by piece, in any order, is the code that is read at once.

use num_bigint::BigInt;
use rspy_code::Text;
use rspy_code::marshal::read::read;
use rspy_code::marshal::{self, Builder, CodeHead, CodeParts, Container, Outline, Pieces, ReadError};
use rspy_compiler::CompileOptions;
use rspy_syntax::{Mode, ParseOptions, Source};

const SOURCE: &str = r#"
"""A module."""
import os.path as path
NUMBERS = (1, 2.5, 3j, 10**30, "text", b"bytes", frozenset)
def first(a, /, b=("shared", 1), *, c: int = 3):
    """A function."""
    def inner(d):
        nonlocal b
        return a, b, c, d, ("shared", "constants", 12345, 6.5), b"only bytes" * 2
    return inner if a in {"x", "y", 10.25} else first
class Some:
    name = "é and 名"
    async def method(self, *args, **kwargs):
        return [x async for x in self if path.join("shared", "constants")]
    @property
    def other(self):
        return lambda: ("shared", "constants", 12345, 6.5)[1:2]
def last(a):
    return Some().method(a, b"only bytes", "é and 名", inner=("shared", "constants"))
"#;

/// Values are what they look like; a code object without its body is its number between marks.
struct Shown;

const MARK: char = '§';

impl Builder for Shown {
    type Value = String;
    type Error = ReadError;

    fn none(&mut self) -> String {
        "None".into()
    }

    fn ellipsis(&mut self) -> String {
        "...".into()
    }

    fn stop_iteration(&mut self) -> Result<String, ReadError> {
        Ok("StopIteration".into())
    }

    fn bool(&mut self, value: bool) -> String {
        value.to_string()
    }

    fn int(&mut self, value: i64) -> Result<String, ReadError> {
        Ok(value.to_string())
    }

    fn big_int(&mut self, value: BigInt) -> Result<String, ReadError> {
        Ok(value.to_string())
    }

    fn float(&mut self, value: f64) -> Result<String, ReadError> {
        Ok(format!("{value:?}"))
    }

    fn complex(&mut self, real: f64, imaginary: f64) -> Result<String, ReadError> {
        Ok(format!("{real:?}+{imaginary:?}j"))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<String, ReadError> {
        Ok(format!("b{bytes:?}"))
    }

    fn utf8(&mut self, bytes: &[u8], interned: bool) -> Result<String, ReadError> {
        Ok(format!("u{interned}{bytes:?}"))
    }

    fn latin1(&mut self, bytes: &[u8], interned: bool) -> Result<String, ReadError> {
        Ok(format!("a{interned}{bytes:?}"))
    }

    fn container(
        &mut self,
        kind: Container,
        _reserved: Option<String>,
        items: Vec<String>,
    ) -> Result<String, ReadError> {
        Ok(format!("{kind:?}({})", items.join(", ")))
    }

    fn slice(&mut self, start: String, stop: String, step: String) -> Result<String, ReadError> {
        Ok(format!("slice({start}, {stop}, {step})"))
    }

    fn code(&mut self, parts: CodeParts<String>) -> Result<String, ReadError> {
        let variables = parts.locals_plus_kinds.split_once('[').map_or(0, |(_, kinds)| {
            kinds.trim_end_matches(']').split(", ").filter(|kind| !kind.is_empty()).count()
        });
        let head = CodeHead {
            arg_count: parts.arg_count,
            positional_only_arg_count: parts.positional_only_arg_count,
            keyword_only_arg_count: parts.keyword_only_arg_count,
            stack_size: parts.stack_size,
            flags: parts.flags,
            name: parts.name,
            qualified_name: parts.qualified_name,
            first_line: parts.first_line,
            variables: variables as u32,
            free: 0,
        };
        let body = marshal::CodeBody {
            code: parts.code,
            constants: parts.constants,
            names: parts.names,
            locals_plus_names: parts.locals_plus_names,
            locals_plus_kinds: parts.locals_plus_kinds,
            line_table: parts.line_table,
            exception_table: parts.exception_table,
        };
        Ok(format!("{head:?}{body:?}"))
    }

    fn code_without_body(&mut self, number: usize, head: CodeHead<String>) -> Result<String, ReadError> {
        Ok(format!("{:?}{MARK}{number}{MARK}", CodeHead { free: 0, ..head }))
    }
}

/// Puts bodies in the place of their marks, those of the outer code objects first.
fn with_bodies(text: &str, bodies: &[String]) -> String {
    let Some((before, rest)) = text.split_once(MARK) else { return text.to_owned() };
    let (number, after) = rest.split_once(MARK).unwrap();
    let body = with_bodies(&bodies[number.parse::<usize>().unwrap()], bodies);
    before.to_owned() + &body + &with_bodies(after, bodies)
}

/// What a value looks like once it is shown inside as many others as code objects nest: quotes are escaped again and again.
fn unescaped(text: &str) -> String {
    text.replace(['\\', '"'], "")
}

#[test]
fn pieces_make_the_whole() {
    let parsed = rspy_syntax::parse(&Source::Text(SOURCE), Mode::Module, &ParseOptions::default()).unwrap();
    let compiled =
        rspy_compiler::compile(&parsed.tree, &Text::from("x.py"), &CompileOptions::default()).unwrap();
    let bytes = marshal::dump(&compiled.code, marshal::VERSION).unwrap();
    let whole = read(&mut &bytes[..], &mut Shown, true).unwrap();
    let outline = Outline::of(&bytes).unwrap();
    let count = (0..).take_while(|&number| outline.code(number).is_some()).count();
    assert!(count > 7);
    let orders: [Vec<usize>; 2] = [(0..count).collect(), (0..count).rev().collect()];
    for order in orders {
        let mut references = Vec::new();
        let mut pieces = Pieces { bytes: &bytes, outline: &outline, references: &mut references };
        let root = pieces.read(&mut Shown).unwrap();
        let mut bodies = vec![String::new(); count];
        for number in order {
            bodies[number] = format!("{:?}", pieces.read_body(number, &mut Shown).unwrap());
        }
        assert_eq!(unescaped(&with_bodies(&root, &bodies)), unescaped(&whole));
    }
}

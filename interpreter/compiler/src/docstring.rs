//! Documentation strings: where they are, and their indentation taken away.

use rspy_code::{Location, Text};
use rspy_syntax::ast::{Constant, Expr, ExprKind, Stmt, StmtKind};

use crate::symtable::location;

/// The level of optimisation from which on documentation is left out.
const WITHOUT_DOCSTRINGS: u8 = 2;

/// The string that a body starts with.
fn leading_string(body: &[Stmt]) -> Option<(&Expr, &Text)> {
    let StmtKind::Expr { value } = &body.first()?.kind else { return None };
    match &value.kind {
        ExprKind::Constant { value: Constant::Str(text), .. } => Some((value, text)),
        _ => None,
    }
}

/// A body's documentation, and the expression it stands in.
pub fn docstring(body: &[Stmt], optimize: u8) -> Option<(&Expr, &Text)> {
    if optimize >= WITHOUT_DOCSTRINGS { None } else { leading_string(body) }
}

/// Whether a body has documentation.
pub fn has_docstring(body: &[Stmt], optimize: u8) -> bool {
    docstring(body, optimize).is_some()
}

/// The statements of a body, without its documentation if that is left out.
pub fn body_statements(body: &[Stmt], optimize: u8) -> &[Stmt] {
    let is_left_out = optimize >= WITHOUT_DOCSTRINGS && leading_string(body).is_some();
    &body[usize::from(is_left_out)..]
}

/// Where the statement stands that takes the place of documentation if that was all there is: a `pass`.
pub fn replacing_pass(body: &[Stmt], optimize: u8) -> Option<Location> {
    const LENGTH: i32 = 4;
    let [only] = body else { return None };
    if !body_statements(body, optimize).is_empty() {
        return None;
    }
    let place = location(only.span);
    Some(Location::new(place.line, place.line, place.column, place.column + LENGTH))
}

/// Whether the first of [`body_statements`] is a string that must not be taken for documentation.
pub fn starts_with_plain_string(body: &[Stmt], optimize: u8) -> bool {
    optimize >= WITHOUT_DOCSTRINGS && leading_string(body_statements(body, optimize)).is_some()
}

const TAB_WIDTH: usize = 8;

/// Takes away the indentation that all lines after the first have in common, and that of the first.
///
/// This is `inspect.cleandoc`, except that blank lines at both ends stay, so that line numbers do.
pub fn clean(text: &Text) -> Text {
    let bytes = expand_tabs(text.as_bytes());
    let spaces = |line: &[u8]| line.iter().take_while(|&&byte| byte == b' ').count();
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let margin = lines
        .clone()
        .filter(|line| !matches!(line.get(spaces(line)), None | Some(b'\n')))
        .map(spaces)
        .min()
        .unwrap_or(0);
    let leading = spaces(first);
    if leading == 0 && margin == 0 {
        return Text::from_bytes(&bytes).unwrap_or_default();
    }
    let mut cleaned = first[leading..].to_vec();
    for line in lines {
        cleaned.extend_from_slice(&line[margin.min(spaces(line))..]);
    }
    Text::from_bytes(&cleaned).unwrap_or_default()
}

fn expand_tabs(bytes: &[u8]) -> Vec<u8> {
    if !bytes.contains(&b'\t') {
        return bytes.to_vec();
    }
    let mut expanded = Vec::with_capacity(bytes.len() + 64);
    let mut column = 0;
    for &byte in bytes {
        match byte {
            b'\t' => {
                let width = TAB_WIDTH - column % TAB_WIDTH;
                expanded.resize(expanded.len() + width, b' ');
                column += width;
                continue;
            }
            b'\n' | b'\r' => column = 0,
            // Only a character's first byte takes a column.
            0x80..0xC0 => {}
            _ => column += 1,
        }
        expanded.push(byte);
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_goes() {
        let cleaned = clean(&Text::from("  First\n\n    second\n      third\n  "));
        assert_eq!(cleaned, "First\n\nsecond\n  third\n");
        assert_eq!(clean(&Text::from("One\n\ttwo")), "One\ntwo");
    }
}

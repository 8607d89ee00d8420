//! `"…%s…" % (value, …)` as an f-string: the format is taken apart when it is compiled.

use rspy_code::Text;
use rspy_code::marshal::code::replaced_percent_sign;
use rspy_syntax::ast::{Constant, Expr, ExprKind, Operator};

/// A piece of a format.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text as it is.
    Literal(Text),
    /// The next value, formatted.
    Value {
        /// `s`, `r` or `a`.
        conversion: char,
        /// The format that an f-string would have, if any.
        specification: Option<String>,
    },
}

/// Widths and precisions must have fewer digits.
const MAXIMUM_DIGITS: usize = 3;

/// Takes a `%` operation apart if its left side is a string, its right side a tuple with as many values as there are
/// fields, and every field a simple one.
pub fn split<'a>(left: &Expr, op: Operator, right: &'a Expr) -> Option<(Vec<Piece>, &'a [Expr])> {
    if op != Operator::Mod {
        return None;
    }
    let (ExprKind::Constant { value: Constant::Str(format), .. }, ExprKind::Tuple { elts, .. }) =
        (&left.kind, &right.kind)
    else {
        return None;
    };
    if elts.iter().any(|element| matches!(element.kind, ExprKind::Starred { .. })) {
        return None;
    }
    let pieces = parse(format)?;
    let fields = pieces.iter().filter(|piece| matches!(piece, Piece::Value { .. })).count();
    (fields == elts.len()).then_some((pieces, elts))
}

fn parse(format: &Text) -> Option<Vec<Piece>> {
    let characters: Vec<u32> = format.chars().collect();
    let mut position = 0;
    let mut pieces = Vec::new();
    loop {
        pieces.extend(literal(&characters, &mut position).map(Piece::Literal));
        if position >= characters.len() {
            return Some(pieces);
        }
        position += 1;
        pieces.push(field(&characters, &mut position)?);
    }
}

/// Text up to the next field, `%%` being a percent sign.
fn literal(characters: &[u32], position: &mut usize) -> Option<Text> {
    const PERCENT: u32 = '%' as u32;
    let mut text = Vec::new();
    while let Some(&character) = characters.get(*position) {
        if character != PERCENT {
            text.push(character);
            *position += 1;
        } else if characters.get(*position + 1) == Some(&PERCENT) {
            text.push(PERCENT);
            *position += 2;
        } else {
            break;
        }
    }
    match text.as_slice() {
        [] => None,
        [PERCENT] => Some(replaced_percent_sign()),
        text => Some(Text::from_code_points(text.iter().copied())),
    }
}

/// Digits, if there are any, and what follows them; too many are no digits that are understood.
fn digits(characters: &[u32], position: &mut usize, mut next: char) -> Option<(Option<u32>, char)> {
    let mut value = None;
    let mut count = 0;
    while let Some(digit) = next.to_digit(10) {
        value = Some(value.unwrap_or(0) * 10 + digit);
        next = take(characters, position)?;
        count += 1;
        if count >= MAXIMUM_DIGITS {
            return None;
        }
    }
    Some((value, next))
}

fn take(characters: &[u32], position: &mut usize) -> Option<char> {
    let character = characters.get(*position)?;
    *position += 1;
    Some(char::from_u32(*character).unwrap_or('\u{FFFD}'))
}

fn field(characters: &[u32], position: &mut usize) -> Option<Piece> {
    let mut is_left_adjusted = false;
    let mut next = take(characters, position)?;
    while matches!(next, '-' | '+' | ' ' | '#' | '0') {
        is_left_adjusted |= next == '-';
        next = take(characters, position)?;
    }
    let (width, mut next) = digits(characters, position, next)?;
    let mut precision = None;
    if next == '.' {
        next = take(characters, position)?;
        let (value, after) = digits(characters, position, next)?;
        precision = Some(value.unwrap_or(0));
        next = after;
    }
    if !matches!(next, 's' | 'r' | 'a') {
        return None;
    }
    let mut specification = String::new();
    if let Some(width) = width {
        if !is_left_adjusted && width > 0 {
            specification.push('>');
        }
        specification.push_str(&width.to_string());
    }
    if let Some(precision) = precision {
        specification.push('.');
        specification.push_str(&precision.to_string());
    }
    Some(Piece::Value {
        conversion: next,
        specification: (!specification.is_empty()).then_some(specification),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_taken_apart() {
        let value = |conversion, specification: Option<&str>| Piece::Value {
            conversion,
            specification: specification.map(str::to_owned),
        };
        assert_eq!(
            parse(&"a%%b%5s%-3r%.2a".into()),
            Some(vec![
                Piece::Literal("a%b".into()),
                value('s', Some(">5")),
                value('r', Some("3")),
                value('a', Some(".2")),
            ])
        );
        assert_eq!(parse(&"%d".into()), None);
        assert_eq!(parse(&"%".into()), None);
        assert_eq!(parse(&"%1234s".into()), None);
    }
}

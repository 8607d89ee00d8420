//! What CPython 3.14 answers, recorded line by line in `facts.txt`: the kind of question, its parts and the answer,
//! which begins with `!` for an error.

use crate::format::digits::to_ascii;
use crate::format::float::{parse, repr};
use crate::format::hexadecimal::{from_hex, to_hex};
use crate::format::markup::{Key, Markup, Step, Steps};
use crate::format::spec::{Sink, Spec, SpecError};
use crate::types::complex::arithmetic::{self, Failure, Operand, parts};
use crate::types::complex::text;

fn code_points(text: &str) -> Vec<u32> {
    text.chars().map(|c| c as u32).collect()
}

fn quoted(characters: &[u32]) -> String {
    format!("'{}'", characters.iter().filter_map(|&c| char::from_u32(c)).collect::<String>())
}

fn float(text: &str) -> f64 {
    parse(text).expect("a float")
}

fn operand(text: &str) -> Operand {
    match text.split_once(',') {
        Some((real, imaginary)) => Operand::Complex(parts(float(real), float(imaginary))),
        None => Operand::Real(float(text)),
    }
}

/// `format(value, spec)`; the value's first letter tells its type.
fn formatted(value: &str, spec: &str) -> Result<String, SpecError> {
    let spec = code_points(spec);
    let (kind, value) = value.split_at(1);
    let mut out: Vec<u32> = Vec::new();
    match kind {
        "s" => {
            let spec = Spec::parse(&spec, Some('s'), '<', "str")?;
            if spec.kind() != 's' {
                return Err(spec.unknown_kind("str"));
            }
            let (shown, before, behind) = spec.lay_out_text(value.chars().count())?;
            out.push_repeated(spec.fill, before);
            out.extend(value.chars().take(shown).map(|c| c as u32));
            out.push_repeated(spec.fill, behind);
        }
        "i" => integer(
            &mut out,
            value.parse().expect("an integer"),
            &Spec::parse(&spec, Some('d'), '>', "int")?,
        )?,
        "f" => {
            let spec = Spec::parse(&spec, None, '>', "float")?;
            match spec.kind() {
                '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' | 'n' => spec.float(&mut out, float(value))?,
                _ => return Err(spec.unknown_kind("float")),
            }
        }
        _ => {
            let spec = Spec::parse(&spec, None, '>', "complex")?;
            let (real, imaginary) = value.split_once(' ').expect("two parts");
            match spec.kind() {
                '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' => {
                    spec.complex(&mut out, float(real), float(imaginary))?;
                }
                _ => return Err(spec.unknown_kind("complex")),
            }
        }
    }
    Ok(out.iter().filter_map(|&c| char::from_u32(c)).collect())
}

fn integer(out: &mut Vec<u32>, value: i64, spec: &Spec) -> Result<(), SpecError> {
    let magnitude = value.unsigned_abs();
    match spec.kind() {
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => return spec.float(out, value as f64),
        'b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n' => spec.check_integer()?,
        _ => return Err(spec.unknown_kind("int")),
    }
    let digits = match spec.kind() {
        'c' => {
            let c = u32::try_from(value).ok().filter(|&c| c <= 0x10_ffff);
            spec.character(out, c.ok_or_else(|| SpecError("%c arg not in range(0x110000)".to_owned()))?);
            return Ok(());
        }
        'b' => format!("{magnitude:b}"),
        'o' => format!("{magnitude:o}"),
        'x' => format!("{magnitude:x}"),
        'X' => format!("{magnitude:X}"),
        _ => magnitude.to_string(),
    };
    spec.integer(out, value < 0, &digits);
    Ok(())
}

fn calculated(operator: &str, left: Operand, right: Operand) -> String {
    let result = match operator {
        "+" => Ok(arithmetic::add(left, right)),
        "-" => Ok(arithmetic::subtract(left, right)),
        "*" => Ok(arithmetic::multiply(left, right)),
        "/" => arithmetic::divide(left, right),
        _ => arithmetic::power(left.widened(), right.widened()),
    };
    match result {
        Ok(result) => text::repr(result),
        Err(Failure::Domain) => "!ZeroDivisionError".to_owned(),
        Err(Failure::Range) => "!OverflowError".to_owned(),
    }
}

fn pieces(format: &str) -> Result<String, &'static str> {
    let format = code_points(format);
    let mut markup = Markup::new(&format, 0);
    let mut shown = Vec::new();
    while let Some(piece) = markup.next_piece()? {
        let literal = quoted(piece.literal);
        shown.push(match piece.field {
            None => format!("({literal}, None, None, None)"),
            Some(field) => {
                let conversion = field.conversion.map_or_else(|| "None".to_owned(), |c| quoted(&[c]));
                format!("({literal}, {}, {}, {conversion})", quoted(field.name), quoted(field.spec))
            }
        });
    }
    Ok(format!("[{}]", shown.join(", ")))
}

fn steps(name: &str) -> Result<String, &'static str> {
    let key = |key: Key<'_>| match key {
        Key::Index(index) => index.to_string(),
        Key::Name(name) => quoted(name),
    };
    let name = code_points(name);
    let (first, mut steps) = Steps::split(&name)?;
    let mut shown = vec![key(first)];
    while let Some(step) = steps.next_step()? {
        shown.push(match step {
            Step::Attribute(name) => format!("(True, {})", quoted(name)),
            Step::Item(item) => format!("(False, {})", key(item)),
        });
    }
    Ok(format!("[{}]", shown.join(", ")))
}

fn answer(question: &[&str]) -> String {
    let failed = |message: &str| format!("!{message}");
    let bits = |text: &str| f64::from_bits(text.parse().expect("bits"));
    match question {
        ["F", value, spec] => formatted(value, spec).unwrap_or_else(|error| failed(&error.0)),
        ["R", value] => repr(bits(value)),
        ["H", value] => to_hex(bits(value)),
        ["X", text] => {
            from_hex(text).map_or_else(|error| failed(error.message()), |value| value.to_bits().to_string())
        }
        ["P", text] => parse(text).map_or_else(|| "None".to_owned(), |value| value.to_bits().to_string()),
        ["C", operator, left, right] => calculated(operator, operand(left), operand(right)),
        ["A", value] => arithmetic::absolute(operand(value).widened()).map_or_else(|_| failed(""), repr),
        ["D", text] => match text::parse(&to_ascii(code_points(text).iter().copied())) {
            Ok(value) => text::repr(value),
            Err(text::ParseError::Malformed) => failed("M"),
            Err(text::ParseError::Underscores) => failed("U"),
        },
        ["M", text] => pieces(text).unwrap_or_else(failed),
        ["N", text] => steps(text).unwrap_or_else(failed),
        other => panic!("unknown question {other:?}"),
    }
}

#[test]
fn same_answers_as_recorded() {
    let wrong: Vec<String> = include_str!("facts.txt")
        .lines()
        .filter_map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            let (expected, question) = parts.split_last()?;
            let got = answer(question);
            (got != *expected).then(|| format!("{line:?}: got {got:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Recorded facts: what CPython's `decimal` answered.
//!
//! A line of `facts.txt` has, between semicolons, the operation, precision, rounding, least and largest exponent,
//! clamp, the operands between spaces, the result and the raised signals. `facts.py` beside it records them. The
//! environment variable `DECIMAL_FACTS` may name a file with more of them.

use crate::{Context, Decimal, FormatSpec, Locale, Rounding, Signals};

const SIGNALS: [(&str, Signals); 9] = [
    ("InvalidOperation", Signals::ALL_INVALID),
    ("FloatOperation", Signals::FLOAT_OPERATION),
    ("DivisionByZero", Signals::DIVISION_BY_ZERO),
    ("Overflow", Signals::OVERFLOW),
    ("Underflow", Signals::UNDERFLOW),
    ("Subnormal", Signals::SUBNORMAL),
    ("Inexact", Signals::INEXACT),
    ("Rounded", Signals::ROUNDED),
    ("Clamped", Signals::CLAMPED),
];

fn rounding(name: &str) -> Rounding {
    match name {
        "ROUND_UP" => Rounding::Up,
        "ROUND_DOWN" => Rounding::Down,
        "ROUND_CEILING" => Rounding::Ceiling,
        "ROUND_FLOOR" => Rounding::Floor,
        "ROUND_HALF_UP" => Rounding::HalfUp,
        "ROUND_HALF_DOWN" => Rounding::HalfDown,
        "ROUND_HALF_EVEN" => Rounding::HalfEven,
        "ROUND_05UP" => Rounding::ZeroFiveUp,
        _ => panic!("no rounding: {name}"),
    }
}

fn shown(number: &Decimal) -> String {
    String::from_utf8(number.to_scientific(true)).unwrap()
}

fn evaluate(operation: &str, context: &Context, texts: &[&str], signals: &mut Signals) -> String {
    if operation == "create_decimal" {
        return shown(&context.parse(texts[0].as_bytes(), signals));
    }
    if operation == "format" {
        let spec = FormatSpec::parse(texts[1], true, Locale::default).expect("a specification");
        let number = Decimal::parse(texts[0].as_bytes()).unwrap();
        return context.format(&number, &spec).unwrap_or_else(|error| format!("{error:?}"));
    }
    let operands: Vec<Decimal> = texts.iter().map(|text| Decimal::parse(text.as_bytes()).unwrap()).collect();
    type Unary = fn(&Context, &Decimal, &mut Signals) -> Decimal;
    type Binary = fn(&Context, &Decimal, &Decimal, &mut Signals) -> Decimal;
    let unary: Option<Unary> = match operation {
        "abs" => Some(Context::abs),
        "exp" => Some(Context::exp),
        "ln" => Some(Context::ln),
        "log10" => Some(Context::log10),
        "logb" => Some(Context::logb),
        "logical_invert" => Some(Context::logical_invert),
        "minus" => Some(Context::minus),
        "next_minus" => Some(Context::next_minus),
        "next_plus" => Some(Context::next_plus),
        "normalize" => Some(Context::reduce),
        "plus" => Some(Context::plus),
        "sqrt" => Some(Context::square_root),
        "to_integral_exact" => Some(Context::to_integral_exact),
        "to_integral_value" => Some(Context::to_integral_value),
        _ => None,
    };
    if let Some(unary) = unary {
        return shown(&unary(context, &operands[0], signals));
    }
    let binary: Option<Binary> = match operation {
        "add" => Some(Context::add),
        "compare" => Some(Context::compare),
        "compare_signal" => Some(Context::compare_signal),
        "compare_total" => Some(|_, left, right, _| Context::compare_total(left, right)),
        "compare_total_mag" => Some(|_, left, right, _| Context::compare_total_magnitude(left, right)),
        "divide" => Some(Context::divide),
        "divide_int" => Some(Context::divide_integer),
        "logical_and" => Some(Context::logical_and),
        "logical_or" => Some(Context::logical_or),
        "logical_xor" => Some(Context::logical_xor),
        "max" => Some(Context::max),
        "max_mag" => Some(Context::max_magnitude),
        "min" => Some(Context::min),
        "min_mag" => Some(Context::min_magnitude),
        "multiply" => Some(Context::multiply),
        "next_toward" => Some(Context::next_toward),
        "power" => Some(Context::power),
        "quantize" => Some(Context::quantize),
        "remainder" => Some(Context::remainder),
        "remainder_near" => Some(Context::remainder_near),
        "rotate" => Some(Context::rotate),
        "scaleb" => Some(Context::scaleb),
        "shift" => Some(Context::shift),
        "subtract" => Some(Context::subtract),
        _ => None,
    };
    if let Some(binary) = binary {
        return shown(&binary(context, &operands[0], &operands[1], signals));
    }
    match operation {
        "divmod" => {
            let (quotient, remainder) = context.divmod(&operands[0], &operands[1], signals);
            format!("{} {}", shown(&quotient), shown(&remainder))
        }
        "fma" => shown(&context.fused_multiply_add(&operands[0], &operands[1], &operands[2], signals)),
        "power_modulo" => shown(&context.power_modulo(&operands[0], &operands[1], &operands[2], signals)),
        "same_quantum" => operands[0].same_quantum(&operands[1]).to_string(),
        "number_class" => context.number_class(&operands[0]).to_owned(),
        "to_eng_string" => String::from_utf8(operands[0].to_engineering(true)).unwrap(),
        "to_sci_string" => shown(&operands[0]),
        _ => panic!("no operation: {operation}"),
    }
}

fn check(facts: &str) {
    let (mut wrong, mut all) = (0, 0);
    for line in facts.lines() {
        let fields: Vec<&str> = line.split(';').collect();
        let [operation, precision, rounding_name, emin, emax, clamp, operands, result, raised] = fields[..]
        else {
            panic!("not a fact: {line}");
        };
        let context = Context {
            precision: precision.parse().unwrap(),
            rounding: rounding(rounding_name),
            emin: emin.parse().unwrap(),
            emax: emax.parse().unwrap(),
            clamp: clamp == "1",
        };
        let mut signals = Signals::NONE;
        let texts: Vec<&str> = operands.split(' ').collect();
        let found = evaluate(operation, &context, &texts, &mut signals);
        let reported: Vec<&str> =
            SIGNALS.iter().filter(|(_, signal)| signals.has(*signal)).map(|(name, _)| *name).collect();
        let reported = reported.join(" ");
        all += 1;
        if found != result || reported != raised {
            wrong += 1;
            if wrong <= 40 {
                println!("{line}\n    found {found};{reported}");
            }
        }
    }
    assert_eq!(wrong, 0, "of {all}");
}

#[test]
fn recorded_facts_hold() {
    check(include_str!("facts.txt"));
}

#[test]
fn further_facts_hold() {
    if let Ok(path) = std::env::var("DECIMAL_FACTS") {
        check(&std::fs::read_to_string(path).unwrap());
    }
}

//! Compiles programs given on standard input, one after another, each as its length in a line and then its text; reports
//! for each in a line of JSON the error, the warnings and the marshalled code. An argument says what the programs are:
//! `exec`, `eval` or `single`; a second one, `await`, that `await` may stand at the top level.

use std::fmt::Write as _;
use std::io::Read;

use rspy_code::{Text, marshal};
use rspy_compiler::{CompileError, CompileOptions, compile};
use rspy_syntax::{Mode, ParseOptions, Source, SyntaxError, Warning};

fn main() {
    let mut input = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut input) {
        eprintln!("{error}");
        return;
    }
    let mode = match std::env::args().nth(1).as_deref() {
        Some("eval") => Mode::Expression,
        Some("single") => Mode::Interactive,
        _ => Mode::Module,
    };
    let allow_top_level_await = std::env::args().nth(2).as_deref() == Some("await");
    let options = CompileOptions { allow_top_level_await, ..CompileOptions::default() };
    let mut rest = &input[..];
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let Ok(length) = String::from_utf8_lossy(&rest[..end]).trim().parse::<usize>() else { return };
        let program = &rest[end + 1..end + 1 + length];
        rest = &rest[end + 1 + length..];
        println!("{}", report(program, mode, &options));
    }
}

fn report(program: &[u8], mode: Mode, options: &CompileOptions) -> String {
    let text = String::from_utf8_lossy(program);
    let parsed = rspy_syntax::parse(&Source::Text(&text), mode, &ParseOptions::default());
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return format!("[\"parse\", {}, []]", syntax_error(&error)),
    };
    match compile(&parsed.tree, &Text::from("<x>"), options) {
        Ok(compiled) => {
            let warnings: Vec<String> =
                parsed.warnings.iter().chain(&compiled.warnings).map(warning).collect();
            let bytes = marshal::dump(&compiled.code, marshal::VERSION).unwrap_or_default();
            let mut hexadecimal = String::new();
            for byte in bytes {
                let _ = write!(hexadecimal, "{byte:02x}");
            }
            format!("[\"code\", \"{hexadecimal}\", [{}]]", warnings.join(", "))
        }
        Err(CompileError::Syntax(error)) => format!("[\"compile\", {}, []]", syntax_error(&error)),
        Err(other) => format!("[\"compile\", [{}], []]", quoted(&other.to_string())),
    }
}

fn syntax_error(error: &SyntaxError) -> String {
    format!(
        "[{}, {}, {}, {}, {}]",
        quoted(&error.message),
        error.line,
        error.column,
        error.end_line,
        error.end_column
    )
}

fn warning(warning: &Warning) -> String {
    format!("[\"{:?}Warning\", {}, {}]", warning.category, quoted(&warning.message), warning.line)
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

//! Runs each case as a test: `cargo test -p cases`, with a part of a name to narrow it.
//!
//! `RSPY` names the executable; without it, it is `bin/rspy`. With `CASES_RECORD=1` what the executable does is
//! recorded instead of compared; `CASES_HOME` is its `PYTHONHOME` then (see `tests/cases/record`).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cases::{Case, Interpreter, expected_failures, find_cases};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (found, expected) = match (find_cases(root), expected_failures(root)) {
        (Ok(found), Ok(expected)) => (found, expected),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(name) = expected.keys().find(|&name| found.iter().all(|case| &case.name != name)) {
        eprintln!("expected-failures names {name}, which is no case");
        return ExitCode::FAILURE;
    }
    let executable = std::env::var_os("RSPY").map_or_else(|| root.join("../../bin/rspy"), PathBuf::from);
    let interpreter = Interpreter { executable, home: std::env::var_os("CASES_HOME").map(PathBuf::from) };
    let is_recording = std::env::var_os("CASES_RECORD").is_some();
    let trials = found
        .into_iter()
        .map(|case| {
            let interpreter = interpreter.clone();
            let reason = expected.get(&case.name).cloned();
            let kind = if reason.is_some() { "expected failure" } else { "" };
            Trial::test(case.name.clone(), move || {
                if is_recording {
                    record(&case, &interpreter)
                } else {
                    check(&case, &interpreter, reason.as_deref())
                }
            })
            .with_kind(kind)
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn record(case: &Case, interpreter: &Interpreter) -> Result<(), Failed> {
    case.record(&case.run(interpreter)?)?;
    Ok(())
}

fn check(case: &Case, interpreter: &Interpreter, reason: Option<&str>) -> Result<(), Failed> {
    if !interpreter.executable.is_file() {
        return Err(format!(
            "{}: no such executable; `make build` makes it",
            interpreter.executable.display()
        )
        .into());
    }
    let differences = case.run(interpreter)?.differences(&case.recorded()?);
    match (differences, reason) {
        (None, None) | (Some(_), Some(_)) => Ok(()),
        (Some(differences), None) => Err(differences.into()),
        (None, Some(reason)) => {
            Err(format!("passes now; take it out of expected-failures ({reason})").into())
        }
    }
}

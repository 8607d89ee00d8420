//! Builds each application below `cases` and runs it: `cargo test -p dist --test applications`, with a part of a name to
//! narrow it.
//!
//! A case is a folder. `build` has a line of words for `freezer build` for each executable, beginning with the executable's
//! name; `run` is run by `sh -eu` in a copy of the folder, with the executables beside it. What both print must be what
//! `expected` says, with `<case>` for the folder. `DIST_RECORD=1` writes it anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use dist::{Work, build, copy, root, rspy};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let mut cases: Vec<PathBuf> = match fs::read_dir(root().join("cases")) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect(),
        Err(error) => {
            eprintln!("tests/dist/cases: {error}");
            return ExitCode::FAILURE;
        }
    };
    cases.sort();
    let trials = cases
        .into_iter()
        .map(|case| {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Trial::test(name, move || check(&case))
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(case: &Path) -> Result<(), Failed> {
    if !rspy().is_file() {
        return Err(format!("{}: no such executable; `make build` makes it", rspy().display()).into());
    }
    let found = outcome(case)?;
    let path = case.join("expected");
    if std::env::var_os("DIST_RECORD").is_some() {
        fs::write(path, found)?;
        return Ok(());
    }
    let expected = fs::read_to_string(path)?;
    if found == expected {
        return Ok(());
    }
    let line = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    let line = line.map_or("the end".to_owned(), |number| format!("line {}", number + 1));
    Err(format!("differs at {line}\n--- expected\n{expected}--- found\n{found}").into())
}

/// What building and running print.
fn outcome(case: &Path) -> Result<String, Failed> {
    let work = Work::new()?;
    copy(case, &work.folder)?;
    let mut text = String::new();
    for line in fs::read_to_string(case.join("build"))?.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((name, words)) = words.split_first() else { continue };
        let output = build(&work, &[words, &["-q", "-o", name]].concat())?;
        show(&mut text, &format!("build {name}"), &output)?;
    }
    let folder = &work.folder;
    let mut run = Command::new("sh");
    run.args(["-eu", "run"]).current_dir(folder).env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder);
    show(&mut text, "run", &run.output()?)?;
    Ok(text.replace(&*folder.to_string_lossy(), "<case>"))
}

fn show(text: &mut String, what: &str, output: &Output) -> Result<(), Failed> {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() || what == "run" || !out.is_empty() || !err.is_empty() {
        writeln!(text, "# {what}: {}", output.status)?;
        text.push_str(&out);
        if !err.is_empty() {
            writeln!(text, "# errors")?;
            text.push_str(&err);
        }
    }
    Ok(())
}

//! Cases: programs with the output that CPython gives.
//!
//! A case is a folder with a file `cmd`, below a folder for its area. `cmd` is run by `sh -eu` in a copy of the
//! case's folder, with `$PYTHON` as the interpreter; `stdin`, if it is there, is its input. What it prints and its
//! exit status must be what `stdout`, `stderr` and `status` say, which `tests/cases/record` wrote with CPython as
//! `$PYTHON`. Everything else in the folder is the case's own.
//!
//! Both outputs are normalised before they are compared, so the recorded files hold normalised text. The paths of
//! the interpreter (`<python>`), of its library (`<lib>`) and of the copied folder (`<case>`) always are; the file
//! `rules` declares what else a case needs, a line each:
//!
//! ```text
//! addresses                 0x7f0123456789 becomes 0x…
//! times                     3.21 usec and 0.004s become … usec and …s
//! replace /REGEX/TEXT/      whatever else differs from run to run or from machine to machine
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;

/// The files of a case that are about the case and not part of it.
const OWN: &[&str] = &["cmd", "rules", "stdin", "stdout", "stderr", "status"];

/// How long a case may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A case on disk.
#[derive(Clone, Debug)]
pub struct Case {
    /// The area's and the case's name, as in `json_tool/valid`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// An interpreter to run cases with.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// The executable.
    pub executable: PathBuf,
    /// The folder of its library, where that is not inside the executable: `lib/python3.14` below what becomes
    /// its `PYTHONHOME`.
    pub home: Option<PathBuf>,
}

/// What a case printed, normalised, and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit status, or `signal N`, or `timeout`.
    pub status: String,
}

/// All cases below a folder, by name.
pub fn find_cases(root: &Path) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for area in folders(root)? {
        for folder in folders(&area)? {
            if folder.join("cmd").is_file() {
                let name = format!("{}/{}", file_name(&area), file_name(&folder));
                cases.push(Case { name, folder });
            }
        }
    }
    Ok(cases)
}

/// The cases that are expected to fail, with the reason for each.
pub fn expected_failures(root: &Path) -> io::Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(root.join("expected-failures"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) =
                line.split_once(':').filter(|(_, reason)| !reason.trim().is_empty()).ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("expected-failures: no reason in: {line}"),
                    )
                })?;
            Ok((name.trim().to_owned(), reason.trim().to_owned()))
        })
        .collect()
}

impl Case {
    /// Runs the case and normalises what it printed.
    pub fn run(&self, interpreter: &Interpreter) -> io::Result<Outcome> {
        let unique = format!("rspy-case-{}-{}", std::process::id(), self.name.replace('/', "-"));
        let place = std::env::temp_dir().canonicalize()?.join(unique);
        let outcome = self.run_in(&place, interpreter);
        let removed = fs::remove_dir_all(&place);
        let outcome = outcome?;
        removed?;
        Ok(outcome)
    }

    /// What the case is recorded to print.
    pub fn recorded(&self) -> io::Result<Outcome> {
        let read = |name: &str| fs::read_to_string(self.folder.join(name));
        Ok(Outcome {
            stdout: read("stdout")?,
            stderr: read("stderr")?,
            status: read("status")?.trim().to_owned(),
        })
    }

    /// Makes an outcome the recorded one.
    pub fn record(&self, outcome: &Outcome) -> io::Result<()> {
        fs::write(self.folder.join("stdout"), &outcome.stdout)?;
        fs::write(self.folder.join("stderr"), &outcome.stderr)?;
        fs::write(self.folder.join("status"), format!("{}\n", outcome.status))
    }

    fn run_in(&self, place: &Path, interpreter: &Interpreter) -> io::Result<Outcome> {
        let work = place.join("case");
        fs::create_dir_all(place.join("bin"))?;
        copy(&self.folder, &work, OWN)?;
        // Messages name the interpreter; under one name they are the same for all.
        let python = place.join("bin/python3.14");
        std::os::unix::fs::symlink(interpreter.executable.canonicalize()?, &python)?;
        let input = match fs::File::open(self.folder.join("stdin")) {
            Ok(file) => Stdio::from(file),
            Err(_) => Stdio::null(),
        };
        let mut command = Command::new("sh");
        command.arg("-eu").arg(self.folder.join("cmd").canonicalize()?).current_dir(&work);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("PYTHON", &python);
        command
            .env("HOME", place)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .env("COLUMNS", "80");
        if let Some(home) = &interpreter.home {
            command.env("PYTHONHOME", home);
        }
        let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let status = wait(&mut child)?;
        let rules = Rules::of(self, &work, &python, interpreter)?;
        let text = |reader: thread::JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
        };
        Ok(Outcome { stdout: rules.apply(&text(stdout)), stderr: rules.apply(&text(stderr)), status })
    }
}

impl Outcome {
    /// What differs from what was recorded, for a person to read; nothing if nothing does.
    pub fn differences(&self, recorded: &Outcome) -> Option<String> {
        let mut text = String::new();
        for (what, actual, expected) in [
            ("exit status", &self.status, &recorded.status),
            ("standard output", &self.stdout, &recorded.stdout),
            ("standard error", &self.stderr, &recorded.stderr),
        ] {
            if actual != expected {
                let _ = write!(text, "{what} differs\n{}", first_difference(actual, expected));
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

/// The first line that differs, with what is before it.
fn first_difference(actual: &str, expected: &str) -> String {
    let (actual, expected): (Vec<&str>, Vec<&str>) =
        (actual.split_inclusive('\n').collect(), expected.split_inclusive('\n').collect());
    let common = actual.iter().zip(&expected).take_while(|(one, other)| one == other).count();
    let mut text = String::new();
    for line in &actual[common.saturating_sub(2)..common] {
        let _ = write!(text, "      {line}");
    }
    for (mark, lines) in [("CPython", &expected), ("here", &actual)] {
        let line = lines.get(common).map_or_else(|| "the end".to_owned(), |line| format!("{line:?}"));
        let _ = writeln!(text, "  line {}, {mark}: {line}", common + 1);
    }
    text
}

/// What to replace in an output before it is compared.
struct Rules {
    paths: Vec<(String, &'static str)>,
    patterns: Vec<(Regex, String)>,
}

impl Rules {
    fn of(case: &Case, work: &Path, python: &Path, interpreter: &Interpreter) -> io::Result<Rules> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let real = interpreter.executable.canonicalize()?;
        let mut paths = Vec::new();
        if let Some(home) = &interpreter.home {
            paths.push((text(&home.join("lib/python3.14")), "<lib>"));
        }
        // The library of an executable that is a folder, too.
        paths.push((text(&python.join("lib/python3.14")), "<lib>"));
        paths.push((text(&real.join("lib/python3.14")), "<lib>"));
        paths.push((text(python), "<python>"));
        paths.push((text(&real), "<python>"));
        paths.push((text(work), "<case>"));
        let mut patterns = Vec::new();
        let rules = fs::read_to_string(case.folder.join("rules")).unwrap_or_default();
        for line in rules.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let bad = || io::Error::new(io::ErrorKind::InvalidData, format!("{}: rules: {line}", case.name));
            let mut add = |pattern: &str, text: &str| -> io::Result<()> {
                patterns.push((Regex::new(pattern).map_err(|_| bad())?, text.to_owned()));
                Ok(())
            };
            match line {
                "addresses" => add("0x[0-9a-fA-F]{6,}", "0x…")?,
                "times" => {
                    add(r"\b[0-9]+(\.[0-9]+)? (nsec|usec|msec|sec)\b", "… $2")?;
                    add(r"\b[0-9]+\.[0-9]+s\b", "…s")?;
                }
                _ => {
                    let parts = line.strip_prefix("replace /").and_then(|rest| rest.strip_suffix('/'));
                    let (pattern, replacement) =
                        parts.and_then(|rest| rest.rsplit_once('/')).ok_or_else(bad)?;
                    add(&format!("(?m){pattern}"), replacement)?;
                }
            }
        }
        Ok(Rules { paths, patterns })
    }

    fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (path, name) in &self.paths {
            text = text.replace(path, name);
        }
        for (pattern, replacement) in &self.patterns {
            text = pattern.replace_all(&text, replacement).into_owned();
        }
        text
    }
}

fn wait(child: &mut Child) -> io::Result<String> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            use std::os::unix::process::ExitStatusExt;
            return Ok(match (status.code(), status.signal()) {
                (Some(code), _) => code.to_string(),
                (None, signal) => format!("signal {}", signal.unwrap_or(0)),
            });
        }
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok("timeout".into());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // What was read before an error is what there is to compare.
            let _ = stream.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn copy(from: &Path, to: &Path, without: &[&str]) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if without.iter().any(|&own| name == own) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name), &[])?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

//! The plain prompt (`sys._baserepl`): statements are read from standard input, run in the names of `__main__`, and
//! what they raise is shown. It serves where there is no terminal that `_pyrepl` could edit lines on.

use std::io::Write;

use rspy_syntax::{ErrorKind, Mode, Source};

use crate::compile::{CompileRequest, compile_flags, compile_tree, parse};
use crate::exceptions::syntax_error::SyntaxError;
use crate::exceptions::{Exception, PyResult};
use crate::names;
use crate::object::{Object, Ref};
use crate::types::dict::Dict;
use crate::types::string::Str;
use crate::vm::Vm;
use crate::{host, startup};

/// What messages call the input. Code is named by it and the number of statements before.
const SOURCE_NAME: &str = "<stdin>";

/// Reads statements, runs them and prints their values, until the input ends.
///
/// # Errors
/// `SystemExit`, and what keeps the prompt from being shown.
pub fn run(vm: &Vm, names: &Ref<Dict>) -> PyResult<()> {
    for (name, prompt) in [(&*names::ps1, ">>> "), (&*names::ps2, "... ")] {
        if vm.sys_attribute(name).is_none() {
            vm.set_sys_attribute(&name.to_string_lossy(), vm.new_str(prompt));
        }
    }
    let mut session = Session { vm, names, futures: 0, statements: 0 };
    loop {
        match session.next() {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) if error.is_system_exit() => return Err(error),
            Err(error) => {
                if error.is_keyboard_interrupt() {
                    show("\n");
                }
                startup::status_of(vm, error);
            }
        }
        startup::flush_streams(vm);
    }
}

struct Session<'a> {
    vm: &'a Vm,
    names: &'a Ref<Dict>,
    /// The future features that statements so far have turned on.
    futures: u32,
    statements: usize,
}

impl Session<'_> {
    /// Reads a statement and runs it; answers no at the end of the input.
    fn next(&mut self) -> PyResult<bool> {
        let Some(mut source) = read_line(self.vm, &names::ps1)? else { return Ok(false) };
        let mut at_end = false;
        while self.wants_more(&source) {
            let Some(line) = read_line(self.vm, &names::ps2)? else {
                at_end = true;
                break;
            };
            source.push_str(&line);
        }
        if source.lines().all(is_blank) {
            // It counts all the same.
            self.statements += 1;
        } else {
            self.execute(&source, at_end)?;
        }
        Ok(true)
    }

    /// Whether lines are the beginning of a statement. One with a body ends with an empty line.
    fn wants_more(&self, source: &str) -> bool {
        let Some(lines) = source.strip_suffix('\n') else { return true };
        if lines.lines().all(is_blank) {
            return false;
        }
        let flags = compile_flags::ALLOW_INCOMPLETE_INPUT | compile_flags::DONT_IMPLY_DEDENT;
        let options = self.request(&self.vm.intern(SOURCE_NAME), flags).parse_options(self.vm);
        let parse = |text| rspy_syntax::parse(&Source::Text(text), Mode::Interactive, &options);
        if parse(lines).is_ok() {
            return false;
        }
        parse(source).map_or_else(|error| error.kind == ErrorKind::IncompleteInput, |_| true)
    }

    fn request<'a>(&self, filename: &'a Object<Str>, flags: u32) -> CompileRequest<'a> {
        CompileRequest {
            filename,
            mode: Mode::Interactive,
            flags: self.futures | flags,
            optimize: self.vm.interpreter.configuration.optimize.clamp(0, 2) as u8,
            feature_version: 14,
        }
    }

    /// Runs a statement; at the end of the input its body ends, too.
    fn execute(&mut self, source: &str, at_end: bool) -> PyResult<()> {
        let vm = self.vm;
        let shown = vm.intern(SOURCE_NAME);
        let lines = source.strip_suffix('\n').unwrap_or(source);
        let ended = format!("{lines}\n\n");
        let lines = if at_end { &ended } else { lines };
        let flags = if at_end { 0 } else { compile_flags::DONT_IMPLY_DEDENT };
        let tree = parse(vm, &Source::Text(lines), &self.request(&shown, flags))?;
        let filename = vm.intern(&format!("<stdin-{}>", self.statements));
        self.statements += 1;
        let code = compile_tree(vm, &tree, &self.request(&filename, flags))
            .map_err(|error| with_line(vm, error, source))?;
        self.futures |= code.flags & compile_flags::FUTURES;
        let linecache = crate::import::import_module(vm, "linecache")?;
        let arguments = [code.value().clone(), vm.new_str(source), shown.into_value()];
        vm.call_method_str(&linecache, "_register_code", &arguments)?;
        crate::import::frozen::run_code(vm, code.value(), self.names).map(drop)
    }
}

/// Adds to an error of the compiler the line that it is about.
fn with_line(vm: &Vm, error: Exception, source: &str) -> Exception {
    if !error.is_a::<SyntaxError>() {
        return error;
    }
    let add = || {
        let line = vm.get_attribute_str(error.value(), "lineno")?;
        let line = line.small_int().and_then(|line| usize::try_from(line - 1).ok());
        match line.and_then(|line| source.lines().nth(line)) {
            Some(text) => vm.set_attribute_str(error.value(), "text", &vm.new_str(&format!("{text}\n"))),
            None => Ok(()),
        }
    };
    match add() {
        Ok(()) => error,
        Err(other) => other,
    }
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// Writes to the standard error descriptor; where that fails there is nobody to tell.
fn show(text: &str) {
    drop(std::io::stderr().write_all(text.as_bytes()));
}

/// Shows a prompt on the standard error descriptor and reads a line with its end; `None` at the end of the input. Only
/// the line is taken from the descriptor, so that the statement finds what follows in `sys.stdin`.
fn read_line(vm: &Vm, prompt: &Object<Str>) -> PyResult<Option<String>> {
    if let Some(prompt) = vm.sys_attribute(prompt) {
        // A prompt that cannot be shown as text is none.
        let text = vm.str(&prompt).map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned());
        show(&text);
    }
    let mut line = Vec::new();
    loop {
        let mut byte = [0u8];
        match vm.blocking(|| host::read(0, &mut byte[..]))? {
            Ok(1) => line.push(byte[0]),
            Ok(_) | Err(_) => break,
        }
        if byte[0] == b'\n' {
            break;
        }
    }
    if line.is_empty() {
        show("\n");
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

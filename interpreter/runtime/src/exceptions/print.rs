//! Showing exceptions that nobody handled: `sys.excepthook`, `sys.unraisablehook`, and what stands in for the
//! module `traceback` where that cannot be used.

use std::fmt::Write;

use crate::audit;
use crate::exceptions::raise::shown_class_name;
use crate::exceptions::syntax_error::SyntaxError;
use crate::exceptions::{Exception, PyResult, base_of, traceback};
use crate::names;
use crate::object::Ref;
use crate::types::int;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Entries of a traceback that are alike are shown this often.
const MOST_REPEATED: usize = 3;
/// More entries of a traceback are not shown.
const MOST_ENTRIES: usize = 1000;

/// `sys.stderr`, unless it is missing or `None`.
fn standard_error(vm: &Vm) -> Option<Value> {
    vm.sys_attribute(&names::stderr).filter(|file| !is_none(file))
}

/// Writes to `sys.stderr`; what goes wrong there has nowhere to go.
fn write_error(vm: &Vm, text: &str) {
    if let Some(file) = standard_error(vm) {
        let _ = vm.call_method(&file, &names::write, &[vm.new_str(text)]);
    }
}

fn flush_error(vm: &Vm) {
    if let Some(file) = standard_error(vm) {
        let _ = vm.call_method(&file, &names::flush, &[]);
    }
}

/// `traceback._print_exception_bltin(exception)`.
fn print_with_library(vm: &Vm, exception: &Value) -> PyResult<()> {
    let import = vm
        .builtins()
        .get_str(&names::__import__)
        .ok_or_else(|| vm.import_error("__import__ not found", None, None))?;
    let module = vm.call(&import, &[vm.new_str("traceback")])?;
    vm.call_method_str(&module, "_print_exception_bltin", std::slice::from_ref(exception))?;
    Ok(())
}

/// Shows on `sys.stderr` what is taken for an exception, as `sys.__excepthook__` does.
pub fn print_value(vm: &Vm, value: &Value) {
    if crate::exceptions::is_exception(value) {
        return print_uncaught(vm, &Exception::from_value(value.clone()));
    }
    let found = value.type_of().full_name();
    write_error(vm, &format!("TypeError: print_exception(): Exception expected for value, {found} found\n"));
    flush_error(vm);
}

/// Shows an exception on `sys.stderr`.
pub fn print_uncaught(vm: &Vm, exception: &Exception) {
    if standard_error(vm).is_none() {
        return;
    }
    if print_with_library(vm, exception.value()).is_err() {
        write_error(vm, &plain_text(vm, exception));
    }
    flush_error(vm);
}

/// An exception with its traceback, told without the help of the library: for failures while that is not there.
pub fn plain_text(vm: &Vm, exception: &Exception) -> String {
    let mut out = String::new();
    describe(vm, exception.value(), &mut out, &mut Vec::new());
    out
}

/// Reports an exception that nobody handled: sets `sys.last_exc` and its kin, and calls `sys.excepthook`.
/// `SystemExit` is the caller's business.
pub fn report(vm: &Vm, exception: &Exception) {
    let value = exception.value();
    let information = traceback::information(value);
    vm.set_sys_attribute("last_exc", value.clone());
    for (name, value) in ["last_type", "last_value", "last_traceback"].into_iter().zip(information.items()) {
        vm.set_sys_attribute(name, value.clone());
    }
    let hook = vm.sys_attribute(&names::excepthook);
    let event = || {
        [hook.clone().unwrap_or_else(none)].into_iter().chain(information.items().iter().cloned()).collect()
    };
    match audit::raise_event(vm, "sys.excepthook", event) {
        Ok(()) => {}
        // So a hook has nothing shown.
        Err(error) if error.is_runtime_error() => return,
        Err(error) => write_unraisable(vm, error, Some("Exception ignored in audit hook"), None),
    }
    let Some(hook) = hook else {
        write_error(vm, "sys.excepthook is missing\n");
        return print_uncaught(vm, exception);
    };
    if let Err(failure) = vm.call(&hook, information.items()) {
        write_error(vm, "Error in sys.excepthook:\n");
        print_uncaught(vm, &failure);
        write_error(vm, "\nOriginal exception was:\n");
        print_uncaught(vm, exception);
    }
}

/// Reports an exception that cannot be raised, such as one in a finaliser, to `sys.unraisablehook`. The message says
/// what was being done; the object, if there is one, is shown behind it.
pub fn write_unraisable(vm: &Vm, exception: Exception, message: Option<&str>, object: Option<&Value>) {
    let value = exception.into_value();
    let base = base_of(&value);
    if base.traceback().is_none() {
        base.set_traceback(Some(traceback::of_current_frame(vm)).filter(|entry| !is_none(entry)));
    }
    let information = traceback::information(&value);
    let mut fields = information.items().to_vec();
    fields.push(message.map_or_else(none, |message| vm.new_str(message)));
    fields.push(object.cloned().unwrap_or_else(none));
    let hook = vm.sys_attribute(&names::unraisablehook).filter(|hook| !is_none(hook));
    let Some(hook) = hook else {
        return print_unraisable(vm, &value, message, object);
    };
    let arguments = crate::types::structseq::new::<crate::sys::UnraisableHookArgs>(fields);
    let event = || vec![hook.clone(), arguments.clone()];
    if let Err(failure) = audit::raise_event(vm, "sys.unraisablehook", event) {
        return print_unraisable(vm, failure.value(), Some("Exception ignored in audit hook"), None);
    }
    if let Err(failure) = vm.call(&hook, &[arguments]) {
        print_unraisable(vm, failure.value(), Some("Exception ignored in sys.unraisablehook"), Some(&hook));
    }
}

/// As [`write_unraisable`], with a message that ends with what it speaks of.
pub fn write_unraisable_about(vm: &Vm, exception: Exception, doing: &str, object: &Value) {
    let shown = match vm.repr(object) {
        Ok(shown) => shown.to_string_lossy().into_owned(),
        Err(_) => "<object repr() failed>".to_owned(),
    };
    write_unraisable(vm, exception, Some(&format!("{doing} {shown}")), None);
}

/// What `sys.__unraisablehook__` does with its argument.
///
/// # Errors
/// Those of reading the argument's attributes.
pub fn unraisable_hook(vm: &Vm, arguments: &Value) -> PyResult<()> {
    if arguments.downcast_exact::<crate::sys::UnraisableHookArgs>().is_none() {
        return Err(vm.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    }
    let exception = vm.get_attribute_str(arguments, "exc_value")?;
    let message = vm.get_attribute_str(arguments, "err_msg")?;
    let object = vm.get_attribute_str(arguments, "object")?;
    let message =
        if is_none(&message) { None } else { Some(vm.str(&message)?.to_string_lossy().into_owned()) };
    if crate::exceptions::is_exception(&exception) {
        print_unraisable(vm, &exception, message.as_deref(), Some(&object).filter(|object| !is_none(object)));
    }
    Ok(())
}

fn print_unraisable(vm: &Vm, exception: &Value, message: Option<&str>, object: Option<&Value>) {
    if standard_error(vm).is_none() {
        return;
    }
    match (object, message) {
        (Some(object), message) => {
            let shown = match vm.repr(object) {
                Ok(shown) => shown.to_string_lossy().into_owned(),
                Err(_) => "<object repr() failed>".to_owned(),
            };
            write_error(vm, &format!("{}: {shown}\n", message.unwrap_or("Exception ignored in")));
        }
        (None, Some(message)) => write_error(vm, &format!("{message}:\n")),
        (None, None) => {}
    }
    let mut out = String::new();
    if let Some(traceback) = base_of(exception).traceback() {
        describe_traceback(vm, &traceback, &mut out);
    }
    describe_line(vm, exception, &mut out);
    write_error(vm, &out);
    flush_error(vm);
}

/// A traceback as it stands in front of an exception, without marks under what failed.
pub fn plain_traceback(vm: &Vm, traceback: &Value) -> String {
    let mut out = String::new();
    describe_traceback(vm, traceback, &mut out);
    out
}

/// The exception with what caused it before it.
fn describe(vm: &Vm, exception: &Value, out: &mut String, seen: &mut Vec<u64>) {
    seen.push(exception.bits());
    let base = base_of(exception);
    if let Some(cause) = base.cause() {
        if !seen.contains(&cause.bits()) && vm.check_stack("").is_ok() {
            describe(vm, &cause, out, seen);
            out.push_str("\nThe above exception was the direct cause of the following exception:\n\n");
        }
    } else if let Some(context) = base.context()
        && !base.suppresses_context()
        && !seen.contains(&context.bits())
        && vm.check_stack("").is_ok()
    {
        describe(vm, &context, out, seen);
        out.push_str("\nDuring handling of the above exception, another exception occurred:\n\n");
    }
    if let Some(traceback) = base.traceback() {
        describe_traceback(vm, &traceback, out);
    }
    if let Some(error) = exception.downcast::<SyntaxError>() {
        describe_place(vm, error, out);
    }
    describe_line(vm, exception, out);
    describe_notes(vm, exception, out);
}

fn describe_traceback(vm: &Vm, traceback: &Value, out: &mut String) {
    out.push_str("Traceback (most recent call last):\n");
    let entries = traceback::entries(traceback);
    let skipped = entries.len().saturating_sub(MOST_ENTRIES);
    let mut last = None;
    let mut repeated = 0;
    for entry in &entries[skipped..] {
        let Some(code) = entry.code() else { continue };
        let filename = vm.get_attribute_str(code.value(), "co_filename").ok();
        let filename = filename.and_then(|filename| filename.downcast_into::<Str>().ok());
        let filename = filename.map_or_else(String::new, |filename| filename.to_string_lossy().into_owned());
        let name = vm.get_attribute_str(code.value(), "co_name").ok();
        let name = name.and_then(|name| name.downcast_into::<Str>().ok());
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let line = entry.line(vm).unwrap_or(0);
        let this = Some((filename, line, name));
        if this == last {
            repeated += 1;
        } else {
            describe_repetition(repeated, out);
            repeated = 0;
            last = this;
        }
        if repeated < MOST_REPEATED
            && let Some((filename, line, name)) = &last
        {
            let _ = writeln!(out, "  File \"{filename}\", line {line}, in {name}");
            describe_source(vm, filename, *line, out);
        }
    }
    describe_repetition(repeated, out);
}

fn describe_repetition(repeated: usize, out: &mut String) {
    if repeated >= MOST_REPEATED {
        let more = repeated + 1 - MOST_REPEATED;
        let plural = if more == 1 { "" } else { "s" };
        let _ = writeln!(out, "  [Previous line repeated {more} more time{plural}]");
    }
}

fn describe_source(vm: &Vm, filename: &str, line: i32, out: &mut String) {
    let Ok(index) = usize::try_from(line - 1) else { return };
    if filename.starts_with('<') || !can_open(vm) {
        return;
    }
    let source = match std::fs::read_to_string(filename) {
        Ok(text) => text.lines().nth(index).map(|line| line.trim().to_owned()),
        Err(_) => library_line(vm, filename, line),
    };
    if let Some(source) = source.filter(|source| !source.is_empty()) {
        let _ = writeln!(out, "    {source}");
    }
}

/// Whether the library's way to open files is still there. CPython reads sources by it, and shows none without.
fn can_open(vm: &Vm) -> bool {
    let io = vm.interpreter.modules.get_str(&vm.intern("io"));
    io.is_none_or(|io| matches!(vm.get_attribute_optional(&io, &vm.intern("open")), Ok(Some(_))))
}

/// A line of a file in the frozen library.
fn library_line(vm: &Vm, filename: &str, line: i32) -> Option<String> {
    crate::paths::archived(vm, filename.as_bytes())?;
    let cache = vm.interpreter.modules.get_str(&vm.intern("linecache"))?;
    let line = vm.call_method_str(&cache, "getline", &[vm.new_str(filename), Value::int(line)]).ok()?;
    Some(line.downcast::<Str>()?.to_string_lossy().trim().to_owned())
}

/// File, line and text of a syntax error, with a mark under the column.
fn describe_place(vm: &Vm, error: &SyntaxError, out: &mut String) {
    let text_of = |value: Option<Value>| value.and_then(|value| value.downcast_into::<Str>().ok());
    let number_of = |value: Option<Value>| value.as_ref().and_then(int::small_value);
    let Some(line) = number_of(error.lineno.get()) else { return };
    let filename = text_of(error.filename.get())
        .map_or_else(|| "<string>".to_owned(), |name| name.to_string_lossy().into_owned());
    let _ = writeln!(out, "  File \"{filename}\", line {line}");
    let Some(text) = text_of(error.text.get()) else { return };
    let text = text.to_string_lossy().into_owned();
    let stripped = text.trim_end_matches(['\n', '\r']);
    let shown = stripped.trim_start_matches([' ', '\t', '\x0c']);
    let indent = stripped.chars().count() - shown.chars().count();
    let _ = writeln!(out, "    {shown}");
    if let Some(column) = number_of(error.offset.get()).filter(|&column| column > indent as i64) {
        let start = column as usize - 1 - indent;
        let end = number_of(error.end_offset.get())
            .filter(|&end| end > column && number_of(error.end_lineno.get()) == Some(line))
            .map_or(start + 1, |end| end as usize - 1 - indent);
        let _ = writeln!(out, "    {}{}", " ".repeat(start), "^".repeat(end - start));
    }
    let _ = vm;
}

fn describe_line(vm: &Vm, exception: &Value, out: &mut String) {
    out.push_str(&shown_class_name(vm, exception.type_of()));
    let message: PyResult<Ref<Str>> = match exception.downcast::<SyntaxError>() {
        Some(error) => vm.str(&error.msg.get().unwrap_or_else(none)),
        None => vm.str(exception),
    };
    match message {
        Ok(message) if message.length() == 0 => {}
        Ok(message) => {
            let _ = write!(out, ": {}", message.to_string_lossy());
        }
        Err(_) => out.push_str(": <exception str() failed>"),
    }
    out.push('\n');
}

fn describe_notes(vm: &Vm, exception: &Value, out: &mut String) {
    let Ok(Some(notes)) = vm.get_attribute_optional(exception, &names::__notes__) else { return };
    let Ok(notes) = vm.collect(&notes) else { return };
    for note in notes {
        match vm.str(&note) {
            Ok(text) => {
                let _ = writeln!(out, "{}", text.to_string_lossy());
            }
            Err(_) => out.push_str("<note str() failed>\n"),
        }
    }
}

//! `input()`: a line from standard input.

use crate::audit;
use crate::exceptions::PyResult;
use crate::names;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// Writes a prompt and reads a line, without its end.
///
/// # Errors
/// `EOFError` at the end, and what the streams raise.
pub fn read_line(vm: &Vm, prompt: Option<&Value>) -> PyResult {
    let stream = |name| {
        vm.sys_attribute(name)
            .filter(|stream| !is_none(stream))
            .ok_or_else(|| vm.runtime_error(format!("input(): lost sys.{}", name.to_string_lossy())))
    };
    let stdin = stream(&names::stdin)?;
    let stdout = stream(&names::stdout)?;
    let stderr = stream(&names::stderr)?;
    audit::raise_event(vm, "builtins.input", || vec![prompt.cloned().unwrap_or_else(none)])?;
    // Streams that cannot be flushed are used as they are.
    let _ = vm.call_method(&stderr, &names::flush, &[]);
    if let Some(prompt) = prompt {
        let text = vm.str(prompt)?;
        vm.call_method(&stdout, &names::write, &[text.into_value()])?;
    }
    let _ = vm.call_method(&stdout, &names::flush, &[]);
    let line = vm.call_method(&stdin, &names::readline, &[])?;
    let Some(text) = line.downcast::<Str>() else {
        return Err(vm.type_error("object.readline() returned non-string"));
    };
    let length = text.length();
    if length == 0 {
        return Err(vm.eof_error("EOF when reading a line"));
    }
    let end = if text.char_at(length - 1) == '\n' as u32 { length - 1 } else { length };
    Ok(text.slice(0, end).into_value())
}

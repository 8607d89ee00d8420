//! `SyntaxError`, `IndentationError` and `TabError`: errors with a place in a source text.

use crate::arguments::KeywordArguments;
use crate::exceptions::PyResult;
use crate::exceptions::base;
use crate::exceptions::fields::{derived_types, exception_type};
use crate::exceptions::hierarchy::PlainException;
use crate::slots::KeywordNames;
use crate::types::int;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::string::build::StrBuilder;
use crate::value::Value;
use crate::vm::Vm;

exception_type! {
    /// Invalid syntax.
    class "SyntaxError" SyntaxError: PlainException {
        msg: "msg", "exception msg";
        filename: "filename", "exception filename";
        lineno: "lineno", "exception lineno";
        offset: "offset", "exception offset";
        text: "text", "exception text";
        end_lineno: "end_lineno", "exception end lineno";
        end_offset: "end_offset", "exception end offset";
        print_file_and_line: "print_file_and_line", "exception print_file_and_line";
        metadata: "_metadata", "exception private metadata";
    }
    slots { init: SyntaxError::init, str: SyntaxError::str }
    methods &[];
}

derived_types! { SyntaxError:
    /// Improper indentation.
    class "IndentationError" IndentationError(SyntaxError);
    /// Improper mixture of spaces and tabs.
    class "TabError" TabError(IndentationError);
    /// incomplete input.
    class "_IncompleteInputError" IncompleteInputError(SyntaxError);
}

impl SyntaxError {
    fn init(vm: &Vm, this: &Value, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        base::init(vm, this, args, names)?;
        let (args, _) = KeywordArguments::of_call(args, names);
        let error = crate::convert::payload_of::<SyntaxError>(this);
        if let Some(message) = args.first() {
            error.msg.set(Some(message.clone()));
        }
        if let [_, details] = args {
            error.set_details(vm, &vm.collect(details)?)?;
        }
        Ok(())
    }

    /// File, line, column, text, and optionally the end and what the tokenizer knew.
    fn set_details(&self, vm: &Vm, details: &[Value]) -> PyResult<()> {
        let count = details.len();
        self.end_lineno.set(None);
        self.end_offset.set(None);
        if !(4..=7).contains(&count) {
            let (how, limit) = if count < 4 { ("at least", 4) } else { ("at most", 7) };
            return Err(vm.type_error(format!("function takes {how} {limit} arguments ({count} given)")));
        }
        let get = |index: usize| details.get(index).cloned();
        self.filename.set(get(0));
        self.lineno.set(get(1));
        self.offset.set(get(2));
        self.text.set(get(3));
        self.end_lineno.set(get(4));
        self.end_offset.set(get(5));
        if count == 7 {
            self.metadata.set(get(6));
        }
        if count == 5 {
            return Err(vm.type_error("end_offset must be provided when end_lineno is provided"));
        }
        Ok(())
    }

    fn str(vm: &Vm, this: &Value) -> PyResult {
        let error = crate::convert::payload_of::<SyntaxError>(this);
        let message = vm.str(&error.msg.get().unwrap_or_else(none))?;
        let filename = error.filename.get().filter(|filename| filename.downcast::<Str>().is_some());
        let line = error.lineno.get().filter(int::is_exact_int);
        if filename.is_none() && line.is_none() {
            return Ok(message.into_value());
        }
        let mut out = StrBuilder::new();
        out.push_object(&message);
        out.push_str(" (");
        if let Some(filename) = filename.as_ref().and_then(|filename| filename.downcast::<Str>()) {
            let start =
                filename.characters().iter().rposition(|c| c == '/' as u32).map_or(0, |slash| slash + 1);
            out.push_characters(filename.characters().slice(start, filename.length()));
            if line.is_some() {
                out.push_str(", ");
            }
        }
        if let Some(line) = line {
            let line = int::small_value(&line).unwrap_or(-1);
            out.push_str(&format!("line {line}"));
        }
        out.push_str(")");
        Ok(out.finish().into_value())
    }
}

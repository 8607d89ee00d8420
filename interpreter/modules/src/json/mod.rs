//! The module `_json`: reading and writing JSON.

mod encoder;
mod scanner;
mod text;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use encoder::Encoder;
use scanner::Scanner;

/// The functions of the module.
struct Functions;

/// A string argument.
fn expect_str<'a>(vm: &Vm, value: &'a Value) -> PyResult<&'a Object<Str>> {
    value.downcast::<Str>().ok_or_else(|| {
        vm.type_error(format!("first argument must be a string, not {}", value.type_of().full_name()))
    })
}

#[pyfunctions]
impl Functions {
    /// Return an ASCII-only JSON representation of a Python string.
    #[function("encode_basestring_ascii(object, /)")]
    fn encode_basestring_ascii(vm: &Vm, object: &Value) -> PyResult<Ref<Str>> {
        Ok(text::quoted(expect_str(vm, object)?, text::Escapes::NonAscii))
    }

    /// Return a JSON representation of a Python string.
    #[function("encode_basestring(object, /)")]
    fn encode_basestring(vm: &Vm, object: &Value) -> PyResult<Ref<Str>> {
        Ok(text::quoted(expect_str(vm, object)?, text::Escapes::Needed))
    }

    /// scanstring(string, end, strict=True) -> (string, end)
    ///
    /// Scan the string s for a JSON string. End is the index of the
    /// character in s after the quote that started the JSON string.
    /// Unescapes all valid JSON string escape sequences and raises ValueError
    /// on attempt to decode an invalid string. If strict is False then literal
    /// control characters are allowed in the string.
    ///
    /// Returns a tuple of the decoded string and the index of the character in s
    /// after the end quote.
    #[function("scanstring")]
    fn scanstring(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<(Ref<Str>, usize)> {
        crate::support::no_keywords(vm, "scanstring", names)?;
        let (string, end, strict) = match args {
            [string, end] => (string, end, true),
            [string, end, strict] => (string, end, vm.is_true(strict)?),
            _ => {
                let limit = if args.len() < 2 { "at least 2" } else { "at most 3" };
                return Err(vm.type_error(format!("scanstring() takes {limit} arguments ({} given)", args.len())));
            }
        };
        let end = vm.index_size(end, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        scanner::scan_string(vm, expect_str(vm, string)?, end, strict)
    }
}

/// A `json.JSONDecodeError`.
fn decode_error(vm: &Vm, message: &str, document: &Object<Str>, position: isize) -> Exception {
    let class = rspy_runtime::import::import_module(vm, "json.decoder")
        .and_then(|module| vm.get_attribute_str(&module, "JSONDecodeError"));
    let position = rspy_runtime::types::int::new(position as i64);
    match class.and_then(|class| vm.call(&class, &[vm.new_str(message), document.to_value(), position])) {
        Ok(error) => vm.raised(error),
        Err(error) => error,
    }
}

native_module! {
    name: "_json", doc: "json speedups\n",
    functions: [Functions::FUNCTIONS], types: [],
    execute: |vm, module| {
        Scanner::static_type().ready(vm);
        Encoder::static_type().ready(vm);
        module.set(vm, "make_scanner", Scanner::static_type().to_value());
        module.set(vm, "make_encoder", Encoder::static_type().to_value());
        Ok(())
    }
}

//! `_io`: files and streams.

mod base;
mod buffered;
mod buffered_random;
mod buffered_writer;
mod bytes_io;
mod exchange;
mod file;
mod newline;
mod pair;
mod string_io;
mod text;
mod text_codec;
mod text_position;

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult, hierarchy, os_error};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use base::{BufferedIOBase, IOBase, RawIOBase, TextIOBase};
use buffered::BufferedReader;
use buffered_random::BufferedRandom;
use buffered_writer::BufferedWriter;
use bytes_io::BytesIO;
use file::FileIO;
use newline::IncrementalNewlineDecoder;
use pair::BufferedRWPair;
use string_io::StringIO;
use text::TextIOWrapper;

/// The size of buffers where nobody asks for another.
pub(crate) const DEFAULT_BUFFER_SIZE: usize = 128 * 1024;

native_module! {
    name: "_io",
    doc: "The io module provides the Python interfaces to stream handling. The\nbuiltin open function is defined in \
          this module.",
    functions: [Functions::FUNCTIONS],
    types: [
        IOBase, RawIOBase, BufferedIOBase, TextIOBase, FileIO, BytesIO, StringIO, BufferedReader, BufferedWriter,
        BufferedRandom, BufferedRWPair, TextIOWrapper, IncrementalNewlineDecoder, bytes_io::BytesIOBuffer,
    ],
    execute: execute,
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    module.set_int(vm, "DEFAULT_BUFFER_SIZE", DEFAULT_BUFFER_SIZE as i64);
    module.set(vm, "UnsupportedOperation", unsupported_operation(vm)?);
    module.set(vm, "BlockingIOError", os_error::BlockingIOError::static_type().to_value());
    Ok(())
}

static UNSUPPORTED: GilCell<Option<Value>> = GilCell::new(None);

/// The class `io.UnsupportedOperation`, which has two bases and so is made when first needed.
pub(crate) fn unsupported_operation(vm: &Vm) -> PyResult {
    if let Some(class) = UNSUPPORTED.get() {
        return Ok(class);
    }
    let bases = Tuple::from_values([
        os_error::OsError::static_type().to_value(),
        hierarchy::ValueError::static_type().to_value(),
    ]);
    let namespace = Dict::new();
    namespace.set_str(&vm.intern("__module__"), vm.new_str("io"));
    let arguments = [vm.new_str("UnsupportedOperation"), bases.into_value(), namespace.into_value()];
    let class = vm.call(&Type::static_type().to_value(), &arguments)?;
    UNSUPPORTED.set(Some(class.clone()));
    Ok(class)
}

/// An `io.UnsupportedOperation`.
pub(crate) fn unsupported(vm: &Vm, message: &str) -> Exception {
    match unsupported_operation(vm) {
        Ok(class) => match class.downcast::<Type>() {
            Some(class) => vm.new_exception(class, message),
            None => vm.system_error("io.UnsupportedOperation is no class"),
        },
        Err(error) => error,
    }
}

/// What a mode string asks of `open`.
#[derive(Clone, Copy, Default)]
struct Mode {
    create: bool,
    read: bool,
    write: bool,
    append: bool,
    update: bool,
    text: bool,
    binary: bool,
}

impl Mode {
    fn parse(vm: &Vm, mode: &str) -> PyResult<Mode> {
        let mut parsed = Mode::default();
        for (index, letter) in mode.char_indices() {
            let flag = match letter {
                'x' => &mut parsed.create,
                'r' => &mut parsed.read,
                'w' => &mut parsed.write,
                'a' => &mut parsed.append,
                '+' => &mut parsed.update,
                't' => &mut parsed.text,
                'b' => &mut parsed.binary,
                _ => return Err(vm.value_error(format!("invalid mode: '{mode}'"))),
            };
            *flag = true;
            if mode[..index].contains(letter) {
                return Err(vm.value_error(format!("invalid mode: '{mode}'")));
            }
        }
        Ok(parsed)
    }

    fn raw(self) -> String {
        let letters = [(self.create, 'x'), (self.read, 'r'), (self.write, 'w'), (self.append, 'a'), (self.update, '+')];
        letters.iter().filter(|(set, _)| *set).map(|(_, letter)| *letter).collect()
    }
}

/// The arguments of `open` that concern text.
struct TextArguments<'a> {
    encoding: Option<&'a Value>,
    errors: Option<&'a Value>,
    newline: Option<&'a Value>,
}

fn check_modes(vm: &Vm, mode: Mode, text: &TextArguments<'_>, buffering: i32) -> PyResult<()> {
    if mode.text && mode.binary {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    if [mode.create, mode.read, mode.write, mode.append].iter().filter(|&&set| set).count() > 1 {
        return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
    }
    if mode.binary {
        for (name, given) in [("an encoding", text.encoding), ("an errors", text.errors), ("a newline", text.newline)] {
            if given.is_some() {
                return Err(vm.value_error(format!("binary mode doesn't take {name} argument")));
            }
        }
        if buffering == 1 {
            rspy_runtime::warnings::warn(
                vm,
                hierarchy::RuntimeWarning::static_type(),
                "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
                1,
            )?;
        }
    }
    Ok(())
}

/// Wraps a raw file as the arguments of `open` ask.
fn wrap(vm: &Vm, raw: &Value, mode: Mode, shown_mode: &Value, text: &TextArguments<'_>, buffering: i32) -> PyResult {
    let is_terminal = buffering < 0 && {
        let file = raw.downcast::<FileIO>();
        match file {
            Some(file) => file.is_terminal_for_open(),
            None => vm.is_true(&vm.call_method_str(raw, "isatty", &[])?)?,
        }
    };
    let line_buffering = buffering == 1 && !mode.binary || is_terminal;
    let size = if buffering < 0 || buffering == 1 {
        let preferred = vm.get_attribute_str(raw, "_blksize")?;
        int::small_value(&preferred).unwrap_or(DEFAULT_BUFFER_SIZE as i64).max(DEFAULT_BUFFER_SIZE as i64)
    } else {
        i64::from(buffering)
    };
    if size == 0 {
        if !mode.binary {
            return Err(vm.value_error("can't have unbuffered text I/O"));
        }
        return Ok(raw.clone());
    }
    let class = if mode.update {
        BufferedRandom::static_type()
    } else if mode.create || mode.write || mode.append {
        BufferedWriter::static_type()
    } else if mode.read {
        BufferedReader::static_type()
    } else {
        let shown = vm.repr(shown_mode)?;
        return Err(vm.value_error(format!("unknown mode: {}", shown.to_string_lossy())));
    };
    let buffer = class.construct(vm, &[raw.clone(), int::new(size)])?;
    if mode.binary {
        return Ok(buffer);
    }
    let none = rspy_runtime::types::none::none;
    let given = |value: Option<&Value>| value.cloned().unwrap_or_else(none);
    let arguments = [
        buffer.clone(),
        given(text.encoding),
        given(text.errors),
        given(text.newline),
        rspy_runtime::types::bool::boolean(line_buffering),
    ];
    let wrapper = TextIOWrapper::static_type().construct(vm, &arguments);
    match wrapper {
        Ok(wrapper) => {
            vm.set_attribute_str(&wrapper, "mode", shown_mode)?;
            Ok(wrapper)
        }
        Err(error) => {
            // Whatever closing raises counts less than what made it necessary.
            let _ = vm.call_method_str(&buffer, "close", &[]);
            Err(error)
        }
    }
}

/// The functions of the module.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Open file and return a stream.  Raise OSError upon failure.
    #[function("open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)")]
    fn open(
        vm: &Vm,
        file: &Value,
        mode: Option<&Object<Str>>,
        buffering: i32,
        encoding: Option<&Value>,
        errors: Option<&Value>,
        newline: Option<&Value>,
        closefd: bool,
        opener: Option<&Value>,
    ) -> PyResult {
        for (name, text) in [("encoding", encoding), ("errors", errors), ("newline", newline)] {
            if let Some(text) = text {
                check_text(vm, name, text)?;
            }
        }
        let path = if int::is_int(file) { file.clone() } else { rspy_runtime::paths::fspath(vm, file)? };
        let mode_text = mode.map_or_else(|| Str::new("r"), Object::to_ref);
        let shown_mode = mode_text.to_value();
        let mode = Mode::parse(vm, &mode_text.to_string_lossy())?;
        let text = TextArguments { encoding, errors, newline };
        check_modes(vm, mode, &text, buffering)?;
        let none = rspy_runtime::types::none::none;
        let arguments = [
            path,
            vm.new_str(&mode.raw()),
            rspy_runtime::types::bool::boolean(closefd),
            opener.cloned().unwrap_or_else(none),
        ];
        let raw = FileIO::static_type().construct(vm, &arguments)?;
        match wrap(vm, &raw, mode, &shown_mode, &text, buffering) {
            Ok(stream) => Ok(stream),
            Err(error) => {
                // Whatever closing raises counts less than what made it necessary.
                let _ = vm.call_method_str(&raw, "close", &[]);
                Err(error)
            }
        }
    }

    /// Opens the provided file with the intent to import the contents.
    #[function("open_code(path)")]
    fn open_code(vm: &Vm, path: &Value) -> PyResult {
        if path.downcast::<Str>().is_none() {
            return Err(vm.type_error(format!(
                "open_code() argument 'path' must be str, not {}",
                path.type_of().full_name()
            )));
        }
        Self::open(vm, path, Some(&Str::new("rb")), -1, None, None, None, true, None)
    }

    /// A helper function to choose the text encoding.
    #[function("text_encoding(encoding, stacklevel=2, /)")]
    fn text_encoding(vm: &Vm, encoding: &Value, stacklevel: i32) -> PyResult {
        if !is_none(encoding) {
            return Ok(encoding.clone());
        }
        if vm.interpreter.configuration.warn_default_encoding {
            rspy_runtime::warnings::warn(
                vm,
                hierarchy::EncodingWarning::static_type(),
                "'encoding' argument not specified",
                stacklevel as isize,
            )?;
        }
        Ok(vm.new_str(if vm.interpreter.configuration.utf8_mode { "utf-8" } else { "locale" }))
    }
}

/// An argument that must be `str` or `None`.
fn check_text(vm: &Vm, name: &str, value: &Value) -> PyResult<()> {
    if value.downcast::<Str>().is_some() {
        return Ok(());
    }
    Err(vm.type_error(format!("open() argument '{name}' must be str or None, not {}", value.type_of().full_name())))
}

/// Opens a stream as the builtin `open` does, for the interpreter's own use.
///
/// # Errors
/// Those of `open`.
pub fn open(vm: &Vm, file: &Value, mode: &str, buffering: i32, encoding: Option<&Value>, errors: Option<&Value>) -> PyResult {
    Functions::open(vm, file, Some(&Str::new(mode)), buffering, encoding, errors, None, false, None)
}

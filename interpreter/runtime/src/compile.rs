//! From source to code objects: the compiler's plain data made into values, its errors into exceptions.

use rspy_code::{CodeObject, Constant, Text};
use rspy_compiler::{CompileError, CompileOptions};
use rspy_syntax::{ErrorKind, Mode, ParseOptions, Source, SyntaxError, Warning, WarningCategory};
use rustc_hash::FxHashMap;

use crate::exceptions::{Exception, PyResult, set_implicit_context, syntax_error};
use crate::object::{Object, Payload, Ref};
use crate::types::bytes::Bytes;
use crate::types::code::{Code, CodeFields};
use crate::types::none::{ellipsis, none};
use crate::types::set::FrozenSet;
use crate::types::slice::Slice;
use crate::types::string::{Str, build, intern};
use crate::types::tuple::Tuple;
use crate::types::{bool, complex, float, int};
use crate::value::Value;
use crate::vm::Vm;

/// Flags of `compile()`.
pub mod compile_flags {
    /// Future features.
    pub const FUTURES: u32 = rspy_code::code_object::flags::FUTURES;
    /// Nested scopes, a future feature of long ago (`CO_NESTED`).
    pub const NESTED_SCOPES: u32 = 0x0010;
    /// The source is UTF-8 whatever it declares.
    pub const IGNORE_COOKIE: u32 = 0x0800;
    /// Indentation that ends with the input is left open.
    pub const DONT_IMPLY_DEDENT: u32 = 0x0200;
    /// Make a syntax tree, not code.
    pub const ONLY_AST: u32 = 0x0400;
    /// Keep type comments.
    pub const TYPE_COMMENTS: u32 = 0x1000;
    /// `await` may stand at the top level.
    pub const ALLOW_TOP_LEVEL_AWAIT: u32 = 0x2000;
    /// Input that merely stops too early is an error of its own.
    pub const ALLOW_INCOMPLETE_INPUT: u32 = 0x4000;
    /// Make a syntax tree as the optimiser leaves it.
    pub const OPTIMIZED_AST: u32 = 0x8000 | ONLY_AST;
    /// All of them.
    pub const ALL: u32 = FUTURES
        | NESTED_SCOPES
        | IGNORE_COOKIE
        | DONT_IMPLY_DEDENT
        | ONLY_AST
        | TYPE_COMMENTS
        | ALLOW_TOP_LEVEL_AWAIT
        | ALLOW_INCOMPLETE_INPUT
        | 0x8000;
}

/// What to compile and how.
#[derive(Clone)]
pub struct CompileRequest<'a> {
    /// The name that tracebacks show.
    pub filename: &'a Object<Str>,
    /// A file, an expression or an interactive statement.
    pub mode: Mode,
    /// Flags of `compile()`.
    pub flags: u32,
    /// The optimisation level.
    pub optimize: u8,
    /// The minor version of Python 3 whose syntax is accepted.
    pub feature_version: u8,
}

impl CompileRequest<'_> {
    /// The options of the compiler.
    pub fn compile_options(&self, vm: &Vm) -> CompileOptions {
        CompileOptions {
            optimize: self.optimize,
            future_flags: self.flags & compile_flags::FUTURES,
            allow_top_level_await: self.flags & compile_flags::ALLOW_TOP_LEVEL_AWAIT != 0,
            omit_columns: vm.interpreter.configuration.no_debug_ranges,
        }
    }

    /// The options of the parser.
    pub fn parse_options(&self, vm: &Vm) -> ParseOptions {
        let flag = |bit: u32| self.flags & bit != 0;
        ParseOptions {
            feature_version: self.feature_version,
            type_comments: flag(compile_flags::TYPE_COMMENTS),
            barry_as_flufl: flag(rspy_code::code_object::flags::FUTURE_BARRY_AS_BDFL),
            allow_incomplete_input: flag(compile_flags::ALLOW_INCOMPLETE_INPUT),
            dont_imply_dedent: flag(compile_flags::DONT_IMPLY_DEDENT),
            ignore_cookie: flag(compile_flags::IGNORE_COOKIE),
            int_max_str_digits: vm.interpreter.int_max_str_digits.get().max(0) as usize,
            ..ParseOptions::default()
        }
    }
}

/// A Python string as the compiler's text.
pub fn text_of(text: &Object<Str>) -> Text {
    Text::from_code_points(text.characters().iter())
}

/// The compiler's text as a Python string.
pub fn str_of(text: &Text) -> Ref<Str> {
    build::from_wtf8(text.as_bytes()).unwrap_or_else(Str::empty)
}

/// Parses source into a tree, with its warnings shown.
///
/// # Errors
/// `SyntaxError` and what else parsing raises.
pub fn parse(vm: &Vm, source: &Source<'_>, request: &CompileRequest<'_>) -> PyResult<rspy_syntax::ast::Mod> {
    let decode = |encoding: &str, bytes: &[u8]| decode_text(vm, encoding, bytes);
    let source = with_codecs(source, &decode);
    match rspy_syntax::parse(&source, request.mode, &request.parse_options(vm)) {
        Ok(parsed) => {
            show_warnings(vm, &parsed.warnings, request.filename, &|error| {
                show_line(vm, error, &source, request)
            })?;
            Ok(parsed.tree)
        }
        Err(mut error) => {
            show_warnings(vm, &error.warnings, request.filename, &|error| {
                show_line(vm, error, &source, request)
            })?;
            if let Source::File(bytes, ..) = source
                && error.text.is_some()
            {
                show_line(vm, &mut error, &source, request);
                place_as_in_files(&mut error, is_continued(bytes));
            }
            Err(with_metadata(vm, source_error(vm, &error, request.filename), &error, &source, request))
        }
    }
}

/// Adds to an error what `traceback` needs to suggest keywords: where the last whole statement ended, and the source
/// unless it is a file that can be read again.
fn with_metadata(
    vm: &Vm,
    exception: Exception,
    error: &SyntaxError,
    source: &Source<'_>,
    request: &CompileRequest<'_>,
) -> Exception {
    if !matches!(error.kind, ErrorKind::Syntax | ErrorKind::Indentation | ErrorKind::Tab) {
        return exception;
    }
    let text = match source {
        Source::File(..) => none(),
        _ => match source.decode(request.mode, &request.parse_options(vm)) {
            Ok(text) => vm.new_str(&text),
            Err(_) => return exception,
        },
    };
    let (line, column) = error.last_statement;
    let metadata = Tuple::from_values([int::new(i64::from(line)), int::new(i64::from(column)), text]);
    match vm.set_attribute_str(exception.value(), "_metadata", metadata.value()) {
        Ok(()) => exception,
        Err(other) => other,
    }
}

/// Compiles source to code.
///
/// # Errors
/// `SyntaxError` and what else compiling raises.
pub fn compile_source(vm: &Vm, source: &Source<'_>, request: &CompileRequest<'_>) -> PyResult<Ref<Code>> {
    let decode = |encoding: &str, bytes: &[u8]| decode_text(vm, encoding, bytes);
    let source = with_codecs(source, &decode);
    let tree = parse(vm, &source, request)?;
    compile_tree(vm, &tree, request)
}

/// Compiles the contents of a file to code: as [`compile_source`], with the errors of reading it.
///
/// # Errors
/// `SyntaxError` and what else compiling raises.
pub fn compile_file(vm: &Vm, contents: &[u8], request: &CompileRequest<'_>) -> PyResult<Ref<Code>> {
    let decode = |encoding: &str, bytes: &[u8]| decode_text(vm, encoding, bytes);
    compile_source(vm, &Source::File(contents, &decode, &request.filename.to_string_lossy()), request)
}

/// The source with a decoder for the encodings that it may declare.
fn with_codecs<'a>(source: &Source<'a>, decode: rspy_syntax::Decoder<'a>) -> Source<'a> {
    match *source {
        Source::Bytes(bytes) => Source::EncodedBytes(bytes, decode),
        other => other,
    }
}

/// Text in any encoding that there is a codec for.
fn decode_text(vm: &Vm, encoding: &str, bytes: &[u8]) -> Result<String, String> {
    let bytes = crate::types::bytes::Bytes::new(bytes).into_value();
    match vm.call_method_str(&bytes, "decode", &[vm.new_str(encoding)]) {
        Ok(text) => match text.downcast::<Str>() {
            Some(text) => Ok(text.to_string_lossy().into_owned()),
            None => Err(format!("unknown encoding: {encoding}")),
        },
        Err(error) => match vm.str(error.value()) {
            Ok(message) => Err(message.to_string_lossy().into_owned()),
            Err(_) => Err(format!("unknown encoding: {encoding}")),
        },
    }
}

/// Compiles a tree to code.
///
/// # Errors
/// `SyntaxError` and what else compiling raises.
pub fn compile_tree(
    vm: &Vm,
    tree: &rspy_syntax::ast::Mod,
    request: &CompileRequest<'_>,
) -> PyResult<Ref<Code>> {
    match rspy_compiler::compile(tree, &text_of(request.filename), &request.compile_options(vm)) {
        Ok(compiled) => {
            show_warnings(vm, &compiled.warnings, request.filename, &|error| add_line(vm, error, request))?;
            Ok(code_of(vm, &compiled.code))
        }
        Err(error) => Err(compile_error(vm, error, request)),
    }
}

/// The exception for an error of the compiler; warnings that came before it are shown.
pub fn compile_error(vm: &Vm, error: CompileError, request: &CompileRequest<'_>) -> Exception {
    match error {
        CompileError::Syntax(mut error) => {
            let shown =
                show_warnings(vm, &error.warnings, request.filename, &|error| add_line(vm, error, request));
            if let Err(other) = shown {
                return other;
            }
            if error.text.is_none() {
                add_line(vm, &mut error, request);
            }
            source_error(vm, &error, request.filename)
        }
        CompileError::RecursionTooDeep => vm.recursion_error(error.to_string()),
        CompileError::FunctionType => vm.runtime_error(error.to_string()),
    }
}

/// Adds the line that an error of the compiler is about, from the file of that name if there is one. As in CPython its
/// columns stay counts of bytes, and what the source was compiled from does not matter.
fn add_line(vm: &Vm, error: &mut SyntaxError, request: &CompileRequest<'_>) {
    let Ok(bytes) = std::fs::read(&*request.filename.to_string_lossy()) else { return };
    let decode = |encoding: &str, bytes: &[u8]| decode_text(vm, encoding, bytes);
    show_line(vm, error, &Source::File(&bytes, &decode, ""), request);
}

/// Adds the line of the source that an error is about, with its end if it has one.
fn show_line(vm: &Vm, error: &mut SyntaxError, source: &Source<'_>, request: &CompileRequest<'_>) {
    let is_cut = error.message.ends_with("null bytes") || error.message.starts_with("unterminated triple");
    if is_cut && error.text.is_some() {
        return;
    }
    let options = ParseOptions { ignore_cookie: false, ..request.parse_options(vm) };
    let Ok(text) = source.decode(Mode::Module, &options) else { return };
    let mut text = &*text;
    if let Source::File(bytes, ..) = source
        && !bytes.ends_with(b"\n")
        && !bytes.ends_with(b"\r")
    {
        text = text.strip_suffix('\n').unwrap_or(text);
    }
    let line = usize::try_from(error.line - 1).ok().and_then(|line| text.split_inclusive('\n').nth(line));
    error.text = line.map(|line| line[..line.floor_char_boundary(LONGEST_LINE.min(line.len()))].to_owned());
}

/// Whether the last line of a file continues one that holds more than white space.
fn is_continued(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut before = text.trim_end_matches(['\n', '\r']).lines().rev().skip(1);
    let last = before.find(|line| line.trim_start() != "\\");
    last.is_some_and(|line| line.ends_with('\\'))
}

/// Moves an error to where CPython sees it when it reads a file line by line: at the end of the file the last line is gone
/// already, and an end of line that is not there takes no place.
fn place_as_in_files(error: &mut SyntaxError, continues: bool) {
    let Some(text) = &error.text else { return };
    let line = text.trim_end_matches('\n');
    let length = line.chars().count() as i64;
    if error.end_column == -1 {
        let is_at_end = match &*error.message {
            "unexpected EOF while parsing" => line.trim_start() == "\\" && !continues,
            message => error.column == length + 1 && message.starts_with("expected "),
        };
        if is_at_end {
            error.column = 0;
        }
    } else if line.len() == text.len() && error.end_column == length + 2 {
        error.end_column -= 1;
    }
}

/// The bytes of a line that CPython reads for an error.
const LONGEST_LINE: usize = 999;

/// Shows warnings of the parser or the compiler.
///
/// # Errors
/// What filters make of them: where one is an error, the error in its place, to which `add_line` adds the line.
pub fn show_warnings(
    vm: &Vm,
    warnings: &[Warning],
    filename: &Object<Str>,
    add_line: &dyn Fn(&mut SyntaxError),
) -> PyResult<()> {
    for warning in warnings {
        let category = match warning.category {
            WarningCategory::Syntax => crate::exceptions::hierarchy::SyntaxWarning::static_type(),
            WarningCategory::Deprecation => crate::exceptions::deprecation_warning(),
        };
        let shown = crate::warnings::warn_explicit(
            vm,
            category,
            &vm.new_str(&warning.message),
            &filename.to_value(),
            i64::from(warning.line),
            None,
            None,
        );
        if let Err(error) = shown {
            if vm.is_instance_of(error.value(), category) {
                let mut error = (*warning.as_error).clone();
                if error.text.is_none() {
                    add_line(&mut error);
                }
                return Err(source_error(vm, &error, filename));
            }
            return Err(error);
        }
    }
    Ok(())
}

/// The exception for an error in source.
pub fn source_error(vm: &Vm, error: &SyntaxError, filename: &Object<Str>) -> Exception {
    let typ = match error.kind {
        ErrorKind::Syntax | ErrorKind::Encoding => syntax_error::SyntaxError::static_type(),
        ErrorKind::Indentation => syntax_error::IndentationError::static_type(),
        ErrorKind::Tab => syntax_error::TabError::static_type(),
        ErrorKind::IncompleteInput => syntax_error::IncompleteInputError::static_type(),
        ErrorKind::Memory => {
            return vm.new_exception(
                crate::exceptions::hierarchy::MemoryError::static_type(),
                error.message.clone(),
            );
        }
        ErrorKind::UnicodeDecode | ErrorKind::Value => return vm.value_error(error.message.clone()),
    };
    let optional_text = |text: &Option<String>| text.as_ref().map_or_else(none, |text| vm.new_str(text));
    let message = vm.new_str(&error.message);
    let number = |value: i64| int::new(value);
    let mut details =
        vec![filename.to_value(), number(error.line), number(error.column), optional_text(&error.text)];
    if error.kind != ErrorKind::Encoding {
        details.push(number(error.end_line));
        details.push(number(error.end_column));
    }
    let args = [message, Tuple::from_values(details).into_value()];
    match vm.call(&typ.to_value(), &args) {
        Ok(exception) => {
            set_implicit_context(vm, &exception);
            Exception::from_value(exception)
        }
        Err(other) => other,
    }
}

/// A code object as a value, with everything in it.
pub fn code_of(vm: &Vm, code: &CodeObject) -> Ref<Code> {
    Converter::new(vm).code(code)
}

/// A code object of instructions that the compiler did not write, with constants given as values. It is verified when it
/// first runs.
pub fn code_from_outside(vm: &Vm, code: &CodeObject, constants: Ref<Tuple>) -> Ref<Code> {
    let mut converter = Converter::new(vm);
    Code::from_outside(converter.fields(code, constants))
}

/// A constant of the compiler as a value.
pub fn constant_of(vm: &Vm, constant: &Constant) -> Value {
    Converter::new(vm).constant(constant)
}

/// Makes values of the compiler's plain data. What the compiler holds once becomes one object.
struct Converter<'a> {
    vm: &'a Vm,
    /// What was made, by where its plain data stands, and whether as an interned string.
    made: FxHashMap<(usize, bool), Value>,
    /// Bytes and tuples of names: equal ones are one object.
    bytes: FxHashMap<&'a [u8], Ref<Bytes>>,
    names: FxHashMap<&'a [Text], Ref<Tuple>>,
}

impl<'a> Converter<'a> {
    fn new(vm: &'a Vm) -> Converter<'a> {
        Converter { vm, made: FxHashMap::default(), bytes: FxHashMap::default(), names: FxHashMap::default() }
    }

    fn code(&mut self, code: &'a CodeObject) -> Ref<Code> {
        let constants = self.once(code.constants.as_ptr() as usize, |converter| {
            Tuple::from_values(converter.constants(&code.constants)).into_value()
        });
        let constants = constants.downcast::<Tuple>().map_or_else(Tuple::empty, Object::to_ref);
        Code::new(self.fields(code, constants))
    }

    fn fields(&mut self, code: &'a CodeObject, constants: Ref<Tuple>) -> CodeFields {
        CodeFields {
            arg_count: code.arg_count,
            positional_only_count: code.positional_only_arg_count,
            keyword_only_count: code.keyword_only_arg_count,
            flags: code.flags,
            stack_size: code.stack_size,
            first_line: code.first_line,
            code: code.code.to_vec(),
            constants,
            names: self.names(&code.names),
            variable_names: self.names(&code.locals_plus_names),
            variable_kinds: code.locals_plus_kinds.to_vec(),
            filename: self.name(&code.filename),
            name: self.name(&code.name),
            qualified_name: self.name(&code.qualified_name),
            line_table: self.bytes(&code.line_table),
            exception_table: self.bytes(&code.exception_table),
        }
    }

    fn names(&mut self, texts: &'a [Text]) -> Ref<Tuple> {
        if let Some(made) = self.names.get(texts) {
            return made.clone();
        }
        let values: Vec<Value> = texts.iter().map(|text| self.name(text).into_value()).collect();
        let made = Tuple::from_values(values);
        self.names.insert(texts, made.clone());
        made
    }

    fn bytes(&mut self, bytes: &'a [u8]) -> Ref<Bytes> {
        self.bytes.entry(bytes).or_insert_with(|| Bytes::new(bytes)).clone()
    }

    /// A string that is interned.
    fn name(&mut self, text: &Text) -> Ref<Str> {
        let key = (text.as_bytes().as_ptr() as usize, true);
        if let Some(made) = self.made.get(&key).and_then(|made| made.downcast::<Str>()) {
            return made.to_ref();
        }
        let name = intern::intern(&str_of(text));
        self.made.insert(key, name.to_value());
        name
    }

    fn constant(&mut self, constant: &'a Constant) -> Value {
        match constant {
            Constant::None => none(),
            Constant::Ellipsis => ellipsis(),
            Constant::Bool(truth) => bool::boolean(*truth),
            Constant::Int(small) => int::new(*small),
            Constant::BigInt(big) => int::from_big((**big).clone()),
            Constant::Float(value) => float::new(*value),
            Constant::Complex { real, imaginary } => complex::new(*real, *imaginary),
            Constant::Str(text) if is_name_like(text) => self.name(text).into_value(),
            Constant::Str(text) => {
                self.once(text.as_bytes().as_ptr() as usize, |_| str_of(text).into_value())
            }
            Constant::Bytes(bytes) => self.bytes(bytes).into_value(),
            Constant::Tuple(items) => self.once(items.as_ptr() as usize, |converter| {
                Tuple::from_values(converter.constants(items)).into_value()
            }),
            Constant::FrozenSet(items) => self.once(items.as_ptr() as usize, |converter| {
                let items = converter.constants(items);
                FrozenSet::from_values(converter.vm, items).map_or_else(|_| none(), Ref::into_value)
            }),
            Constant::Slice(parts) => {
                let [start, stop, step] = parts.each_ref().map(|part| self.constant(part));
                Slice::new(start, stop, step).into_value()
            }
            Constant::Code(code) => self.code(code).into_value(),
        }
    }

    fn constants(&mut self, items: &'a [Constant]) -> Vec<Value> {
        items.iter().map(|item| self.constant(item)).collect()
    }

    /// The object made of the data at an address.
    fn once(&mut self, address: usize, make: impl FnOnce(&mut Self) -> Value) -> Value {
        if let Some(made) = self.made.get(&(address, false)) {
            return made.clone();
        }
        let made = make(self);
        self.made.insert((address, false), made.clone());
        made
    }
}

/// Whether a string constant looks like a name, so that CPython interns it.
fn is_name_like(text: &Text) -> bool {
    text.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

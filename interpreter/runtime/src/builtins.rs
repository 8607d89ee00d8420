//! The module `builtins`.

use rspy_macros::pyfunctions;
use rspy_syntax::{Mode, Source};

use crate::arguments::KeywordArguments;
use crate::audit;
use crate::compile::{CompileRequest, compile_flags};
use crate::exceptions::PyResult;
use crate::names;
use crate::object::{Object, Payload, Ref};
use crate::slots::{Comparison, KeywordNames};
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::frame::FrameObject;
use crate::types::generator::asynchronous::NextOrDefault;
use crate::types::int;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::native_function::NativeFunction;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// Whether a value is the `__import__` of this module.
pub fn is_plain_import(value: &Value) -> bool {
    value
        .downcast_exact::<NativeFunction>()
        .is_some_and(|function| std::ptr::eq(function.definition(), &raw const Builtins::FUNCTIONS[0]))
}

/// The globals and locals of the running Python frame, or those of `__main__` where native code called from outside any.
fn running_names(vm: &Vm) -> PyResult<(Ref<Dict>, Value)> {
    let frame = vm.frame.get();
    if frame.is_null() {
        let main = vm
            .interpreter
            .modules
            .get_str(&names::__main__)
            .filter(|_| vm.interpreter.identity.runs_main.get());
        let Some(main) = main.as_ref().and_then(|main| main.downcast::<Module>()) else {
            return Err(vm.system_error("frame does not exist"));
        };
        return Ok((main.dict(), main.dict().into_value()));
    }
    // SAFETY: the innermost frame is alive.
    let object = unsafe { crate::eval::frame::Frame::object(frame) };
    // SAFETY: as above.
    let globals = unsafe { (*frame).globals().to_ref() };
    Ok((globals, FrameObject::locals_snapshot(&object, vm)?))
}

/// Text that a prompt or `print` writes, by way of the file's `write`.
fn write_text(vm: &Vm, file: &Value, text: &Value) -> PyResult<()> {
    vm.call_method(file, &names::write, std::slice::from_ref(text)).map(drop)
}

/// Source code as `compile`, `eval` and `exec` take it.
pub enum SourceText {
    /// Text.
    Text(String),
    /// Bytes with an encoding of their own.
    Bytes(Vec<u8>),
}

impl SourceText {
    /// Reads the argument; `what` and `allowed` are for the message of the error.
    ///
    /// # Errors
    /// `TypeError` for other types, `SyntaxError` for null bytes.
    pub fn of(vm: &Vm, source: &Value, what: &str, allowed: &str) -> PyResult<SourceText> {
        let text = if let Some(text) = source.downcast::<Str>() {
            SourceText::Text(text.to_utf8(vm)?.into_owned())
        } else if let Ok(view) = crate::buffer::view(vm, source) {
            SourceText::Bytes(view.as_slice().to_vec())
        } else {
            return Err(vm.type_error(format!("{what}() arg 1 must be a {allowed} object")));
        };
        let has_null = match &text {
            SourceText::Text(text) => text.contains('\0'),
            SourceText::Bytes(bytes) => bytes.contains(&0),
        };
        if has_null {
            return Err(vm.new_exception(
                crate::exceptions::syntax_error::SyntaxError::static_type(),
                "source code string cannot contain null bytes",
            ));
        }
        Ok(text)
    }

    /// The compiler's view of it.
    pub fn source(&self) -> Source<'_> {
        match self {
            SourceText::Text(text) => Source::Text(text),
            SourceText::Bytes(bytes) => Source::Bytes(bytes),
        }
    }
}

/// Flags of future features that are in force in the running code.
fn inherited_flags(vm: &Vm) -> u32 {
    vm.current_frame().map_or(0, |frame| frame.code().flags & compile_flags::FUTURES)
}

/// The event of compiling: source is shown as bytes; a tree has no file.
fn raise_compile(vm: &Vm, source: &Value, filename: &Value) -> PyResult<()> {
    audit::raise_event(vm, "compile", || {
        let bytes = match source.downcast::<Str>() {
            Some(text) => text.to_utf8(vm).ok().map(|text| Bytes::new(text.as_bytes())),
            None => crate::buffer::view(vm, source).ok().map(|view| Bytes::new(view.as_slice())),
        };
        match bytes {
            Some(bytes) => vec![bytes.into_value(), filename.clone()],
            None => vec![source.clone(), none()],
        }
    })
}

/// Runs source or a code object for `eval` and `exec`.
fn run(
    vm: &Vm,
    source: &Value,
    globals: Option<&Value>,
    locals: Option<&Value>,
    what: &str,
    mode: Mode,
    closure: Option<&Value>,
) -> PyResult {
    let globals = match globals {
        Some(globals) => match globals.downcast::<Dict>() {
            Some(dict) => Some(dict.to_ref()),
            None if what == "eval" && vm.get_attribute_optional(globals, &names::__getitem__)?.is_some() => {
                return Err(vm.type_error("globals must be a real dict; try eval(code, {}, mapping)"));
            }
            None => {
                return Err(vm.type_error(if what == "eval" {
                    "globals must be a dict".to_owned()
                } else {
                    format!("exec() globals must be a dict, not {}", globals.type_of().full_name())
                }));
            }
        },
        None => None,
    };
    let locals = match locals {
        Some(locals) if locals.type_of().slots().get_item.get().is_none() => {
            return Err(vm.type_error(if what == "eval" {
                "locals must be a mapping".to_owned()
            } else {
                format!("locals must be a mapping or None, not {}", locals.type_of().full_name())
            }));
        }
        locals => locals.cloned(),
    };
    let (globals, locals) = match (globals, locals) {
        (Some(globals), Some(locals)) => (globals, locals),
        (Some(globals), None) => (globals.clone(), globals.into_value()),
        (None, locals) => {
            let (globals, own) = running_names(vm)?;
            (globals, locals.unwrap_or(own))
        }
    };
    if !globals.contains_str(&names::__builtins__) {
        globals.set_str(&names::__builtins__, vm.builtins().into_value());
    }
    let code = match source.downcast::<Code>() {
        Some(code) => {
            check_closure(vm, code, closure, what)?;
            code.to_ref()
        }
        None => {
            if closure.is_some() {
                return Err(vm.type_error("closure can only be used when source is a code object"));
            }
            let mut text = SourceText::of(vm, source, what, "string, bytes or code")?;
            if mode == Mode::Expression
                && let SourceText::Text(text) = &mut text
            {
                *text = text.trim_start_matches([' ', '\t']).to_owned();
            }
            let filename = vm.intern("<string>");
            raise_compile(vm, source, filename.value())?;
            let request = CompileRequest {
                filename: &filename,
                mode,
                flags: inherited_flags(vm),
                optimize: vm.interpreter.configuration.optimize.clamp(0, 2) as u8,
                feature_version: 14,
            };
            crate::compile::compile_source(vm, &text.source(), &request)?
        }
    };
    audit::raise_event(vm, "exec", || vec![code.to_value()])?;
    let function = crate::types::function::Function::new(vm, code, globals);
    if let Some(closure) = closure {
        function.set_closure(closure.clone().downcast_into().ok());
    }
    crate::eval::call::run_with_locals(vm, function.value(), locals)
}

fn check_closure(vm: &Vm, code: &Object<Code>, closure: Option<&Value>, what: &str) -> PyResult<()> {
    let needed = code.free_count();
    if what == "eval" && needed > 0 {
        return Err(vm.type_error("code object passed to eval() may not contain free variables"));
    }
    match closure {
        None if needed > 0 => {
            Err(vm.type_error(format!("code object requires a closure of exactly length {needed}")))
        }
        Some(_) if needed == 0 => Err(vm.type_error("cannot use a closure with this code object")),
        Some(closure) => {
            let fits = closure.downcast::<Tuple>().is_some_and(|closure| {
                closure.items().len() == needed
                    && closure
                        .items()
                        .iter()
                        .all(|cell| cell.downcast::<crate::types::cell::CellObject>().is_some())
            });
            if fits {
                Ok(())
            } else {
                Err(vm.type_error(format!("code object requires a closure of exactly length {needed}")))
            }
        }
        None => Ok(()),
    }
}

/// `min` and `max`.
fn extreme(vm: &Vm, args: &[Value], names: KeywordNames<'_>, what: &str, wanted: Comparison) -> PyResult {
    let (positional, keywords) = KeywordArguments::of_call(args, names);
    for (name, _) in keywords.iter() {
        let known =
            name.downcast::<Str>().is_some_and(|name| name.equals_str("key") || name.equals_str("default"));
        if !known {
            let shown =
                name.downcast::<Str>().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            return Err(vm.type_error(format!("{what}() got an unexpected keyword argument '{shown}'")));
        }
    }
    let key = keywords.get("key").filter(|key| !is_none(key));
    let default = keywords.get("default");
    let iterable = match positional {
        [] => return Err(vm.type_error(format!("{what} expected at least 1 argument, got 0"))),
        [iterable] => iterable.clone(),
        several => {
            if default.is_some() {
                return Err(vm.type_error(format!(
                    "Cannot specify a default for {what}() with multiple positional arguments"
                )));
            }
            Tuple::from_slice(several).into_value()
        }
    };
    let iterator = vm.iter(&iterable)?;
    let mut best: Option<(Value, Value)> = None;
    while let Some(item) = vm.next(&iterator)? {
        let measure = match key {
            Some(key) => vm.call(key, std::slice::from_ref(&item))?,
            None => item.clone(),
        };
        let better = match &best {
            None => true,
            Some((_, other)) => {
                let answer = vm.compare(&measure, other, wanted)?;
                vm.is_true(&answer)?
            }
        };
        if better {
            best = Some((item, measure));
        }
    }
    match (best, default) {
        (Some((item, _)), _) => Ok(item),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.value_error(format!("{what}() iterable argument is empty"))),
    }
}

/// An attribute's name, as `getattr` and its like take it.
fn attribute_name<'a>(vm: &Vm, name: &'a Value) -> PyResult<&'a Object<Str>> {
    name.downcast::<Str>().ok_or_else(|| {
        vm.type_error(format!("attribute name must be string, not '{}'", name.type_of().full_name()))
    })
}

struct Builtins;

#[pyfunctions]
impl Builtins {
    /// Import a module.
    ///
    /// It is meant for use by the interpreter; importlib.import_module() imports modules by name.
    #[function("__import__(name, globals=None, locals=None, fromlist=(), level=0)")]
    fn import(
        vm: &Vm,
        name: &Object<Str>,
        globals: Option<&Value>,
        locals: Option<&Value>,
        fromlist: Option<&Value>,
        level: i64,
    ) -> PyResult {
        let _ = locals;
        let globals = globals.and_then(|globals| globals.downcast::<Dict>()).map(Object::to_ref);
        let empty = Tuple::empty().into_value();
        crate::import::import_level(vm, name, globals.as_ref(), fromlist.unwrap_or(&empty), level)
    }

    /// __build_class__(func, name, /, *bases, [metaclass], **kwds) -> class
    ///
    /// Internal helper function used by the class statement.
    #[function("__build_class__")]
    fn build_class(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        crate::types::typ::build::build_class(vm, args, names)
    }

    /// Return the absolute value of the argument.
    #[function("abs(x, /)")]
    fn abs(vm: &Vm, x: &Value) -> PyResult {
        vm.absolute(x)
    }

    /// Return True if bool(x) is True for all values x in the iterable.
    ///
    /// If the iterable is empty, return True.
    #[function("all(iterable, /)")]
    fn all(vm: &Vm, iterable: &Value) -> PyResult<bool> {
        let iterator = vm.iter(iterable)?;
        while let Some(item) = vm.next(&iterator)? {
            if !vm.is_true(&item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Return True if bool(x) is True for any x in the iterable.
    ///
    /// If the iterable is empty, return False.
    #[function("any(iterable, /)")]
    fn any(vm: &Vm, iterable: &Value) -> PyResult<bool> {
        let iterator = vm.iter(iterable)?;
        while let Some(item) = vm.next(&iterator)? {
            if vm.is_true(&item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Return an ASCII-only representation of an object.
    #[function("ascii(obj, /)")]
    fn ascii(vm: &Vm, obj: &Value) -> PyResult<Ref<Str>> {
        vm.ascii(obj)
    }

    /// Return the binary representation of an integer.
    ///
    /// >>> bin(-20)
    /// '-0b10100'
    #[function("bin(number, /)")]
    fn bin(vm: &Vm, number: &Value) -> PyResult<String> {
        Ok(radix_text(&int::to_big(vm, number)?, 2, "0b"))
    }

    /// Call sys.breakpointhook(*args, **kws).
    #[function("breakpoint(*args, **kws)")]
    fn breakpoint(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        match vm.sys_attribute(&names::breakpointhook) {
            Some(hook) => {
                audit::raise_event(vm, "builtins.breakpoint", || vec![hook.clone()])?;
                vm.call_with_names(&hook, args, names)
            }
            None => Err(vm.runtime_error("lost sys.breakpointhook")),
        }
    }

    /// Return whether the object is callable (i.e., some kind of function).
    #[function("callable(obj, /)")]
    fn callable(vm: &Vm, obj: &Value) -> bool {
        vm.is_callable(obj)
    }

    /// Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.
    #[function("chr(i, /)")]
    fn chr(vm: &Vm, i: &Value) -> PyResult<Ref<Str>> {
        let index = vm.index(i)?;
        match int::small_value(&index).and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number <= 0x10_ffff => Ok(Str::from_char(number)),
            _ => Err(vm.value_error("chr() arg not in range(0x110000)")),
        }
    }

    /// Compile source into a code object that can be executed by exec() or eval().
    #[function(
        "compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)"
    )]
    fn compile(
        vm: &Vm,
        source: &Value,
        filename: &Value,
        mode: &Object<Str>,
        flags: i64,
        dont_inherit: bool,
        optimize: i64,
        feature_version: i64,
    ) -> PyResult {
        let filename = filename_text(vm, filename)?;
        if flags & !i64::from(compile_flags::ALL) != 0 {
            return Err(vm.value_error("compile(): unrecognised flags"));
        }
        if !(-1..=2).contains(&optimize) {
            return Err(vm.value_error("compile(): invalid optimize value"));
        }
        let mut flags = flags as u32;
        if !dont_inherit {
            flags |= inherited_flags(vm);
        }
        let kind = match &*mode.to_string_lossy() {
            "exec" => Mode::Module,
            "eval" => Mode::Expression,
            "single" => Mode::Interactive,
            "func_type" => {
                if flags & compile_flags::ONLY_AST == 0 {
                    return Err(vm.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST"));
                }
                Mode::FunctionType
            }
            _ => {
                return Err(vm.value_error(if flags & compile_flags::ONLY_AST != 0 {
                    "compile() mode must be 'exec', 'eval', 'single' or 'func_type'"
                } else {
                    "compile() mode must be 'exec', 'eval' or 'single'"
                }));
            }
        };
        let optimize = if optimize < 0 { i64::from(vm.interpreter.configuration.optimize) } else { optimize };
        let request = CompileRequest {
            filename: &filename,
            mode: kind,
            flags,
            optimize: optimize.clamp(0, 2) as u8,
            feature_version: if feature_version < 0 { 14 } else { feature_version.min(14) as u8 },
        };
        raise_compile(vm, source, filename.value())?;
        if flags & compile_flags::ONLY_AST != 0 && vm.interpreter.tree_hook.get().is_none() {
            // The module sets the hook.
            crate::import::import_module(vm, "_ast")?;
        }
        if let Some(hook) = vm.interpreter.tree_hook.get()
            && let Some(result) = hook(vm, source, &request)
        {
            return result;
        }
        let text = SourceText::of(vm, source, "compile", "string, bytes or AST")?;
        Ok(crate::compile::compile_source(vm, &text.source(), &request)?.into_value())
    }

    /// Deletes the named attribute from the given object.
    #[function("delattr(obj, name, /)")]
    fn delattr(vm: &Vm, obj: &Value, name: &Value) -> PyResult<()> {
        vm.delete_attribute(obj, attribute_name(vm, name)?)
    }

    /// dir([object]) -> list of strings
    ///
    /// Names in the current scope, or attributes of the object.
    #[function("dir")]
    fn dir(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some() {
            return Err(vm.type_error("dir() takes no keyword arguments"));
        }
        let listed = match args {
            [] => {
                let (_, locals) = running_names(vm)?;
                vm.call_method(&locals, &names::keys, &[])?
            }
            [object] => match vm.call_special(object, &names::__dir__, &[])? {
                Some(listed) => listed,
                None => return Err(vm.type_error("object does not provide __dir__")),
            },
            _ => return Err(vm.type_error(format!("dir expected at most 1 argument, got {}", args.len()))),
        };
        let list = List::from_vec(vm.collect(&listed)?).into_value();
        vm.call_method_str(&list, "sort", &[])?;
        Ok(list)
    }

    /// Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.
    #[function("divmod(x, y, /)")]
    fn divmod(vm: &Vm, x: &Value, y: &Value) -> PyResult {
        vm.divmod(x, y)
    }

    /// Evaluate the given source in the context of globals and locals.
    #[function("eval(source, /, globals=None, locals=None)")]
    fn eval(vm: &Vm, source: &Value, globals: Option<&Value>, locals: Option<&Value>) -> PyResult {
        run(vm, source, globals, locals, "eval", Mode::Expression, None)
    }

    /// Execute the given source in the context of globals and locals.
    #[function("exec(source, /, globals=None, locals=None, *, closure=None)")]
    fn exec(
        vm: &Vm,
        source: &Value,
        globals: Option<&Value>,
        locals: Option<&Value>,
        closure: Option<&Value>,
    ) -> PyResult<()> {
        run(vm, source, globals, locals, "exec", Mode::Module, closure).map(drop)
    }

    /// Return type(value).__format__(value, format_spec)
    #[function("format(value, format_spec='', /)")]
    fn format(vm: &Vm, value: &Value, format_spec: Option<&Object<Str>>) -> PyResult<Ref<Str>> {
        let empty = Str::empty();
        vm.format(value, format_spec.unwrap_or(&empty))
    }

    /// getattr(object, name[, default]) -> value
    ///
    /// Get a named attribute from an object.
    #[function("getattr")]
    fn getattr(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some() {
            return Err(vm.type_error("getattr() takes no keyword arguments"));
        }
        match args {
            [object, name] => vm.get_attribute(object, &*interned(vm, name)?),
            [object, name, default] => match vm.get_attribute_optional(object, &*interned(vm, name)?) {
                Ok(found) => Ok(found.unwrap_or_else(|| default.clone())),
                Err(error) if error.is_attribute_error() => Ok(default.clone()),
                Err(error) => Err(error),
            },
            [] | [_] => {
                Err(vm.type_error(format!("getattr expected at least 2 arguments, got {}", args.len())))
            }
            _ => Err(vm.type_error(format!("getattr expected at most 3 arguments, got {}", args.len()))),
        }
    }

    /// Return the dictionary containing the current scope's global variables.
    #[function("globals()")]
    fn globals(vm: &Vm) -> PyResult<Ref<Dict>> {
        running_names(vm).map(|(globals, _)| globals)
    }

    /// Return whether the object has an attribute with the given name.
    #[function("hasattr(obj, name, /)")]
    fn hasattr(vm: &Vm, obj: &Value, name: &Value) -> PyResult<bool> {
        match vm.get_attribute_optional(obj, &*interned(vm, name)?) {
            Ok(found) => Ok(found.is_some()),
            Err(error) if error.is_attribute_error() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Return the hash value for the given object.
    #[function("hash(obj, /)")]
    fn hash(vm: &Vm, obj: &Value) -> PyResult<i64> {
        vm.hash(obj)
    }

    /// Return the hexadecimal representation of an integer.
    ///
    /// >>> hex(48879)
    /// '0xbeef'
    #[function("hex(number, /)")]
    fn hex(vm: &Vm, number: &Value) -> PyResult<String> {
        Ok(radix_text(&int::to_big(vm, number)?, 16, "0x"))
    }

    /// Return the identity of an object.
    #[function("id(obj, /)")]
    fn id(vm: &Vm, obj: &Value) -> PyResult<u64> {
        let id = obj.id();
        audit::raise_event(vm, "builtins.id", || vec![int::from_i128(id.into())])?;
        Ok(id)
    }

    /// Read a string from standard input.  The trailing newline is stripped.
    #[function("input(prompt='', /)")]
    fn input(vm: &Vm, prompt: Option<&Value>) -> PyResult {
        crate::sys::input::read_line(vm, prompt)
    }

    /// Return whether an object is an instance of a class or of a subclass thereof.
    #[function("isinstance(obj, class_or_tuple, /)")]
    fn isinstance(vm: &Vm, obj: &Value, class_or_tuple: &Value) -> PyResult<bool> {
        vm.is_instance(obj, class_or_tuple)
    }

    /// Return whether 'cls' is derived from another class or is the same class.
    #[function("issubclass(cls, class_or_tuple, /)")]
    fn issubclass(vm: &Vm, cls_: &Value, class_or_tuple: &Value) -> PyResult<bool> {
        vm.is_subclass(cls_, class_or_tuple)
    }

    /// iter(iterable) -> iterator
    /// iter(callable, sentinel) -> iterator
    #[function("iter")]
    fn iter(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some() {
            return Err(vm.type_error("iter() takes no keyword arguments"));
        }
        match args {
            [iterable] => vm.iter(iterable),
            [callable, sentinel] => {
                if !vm.is_callable(callable) {
                    return Err(vm.type_error("iter(v, w): v must be callable"));
                }
                Ok(crate::types::iterators::CallableIterator::new(callable.clone(), sentinel.clone())
                    .into_value())
            }
            [] => Err(vm.type_error("iter expected at least 1 argument, got 0")),
            _ => Err(vm.type_error(format!("iter expected at most 2 arguments, got {}", args.len()))),
        }
    }

    /// Return an AsyncIterator for an AsyncIterable object.
    #[function("aiter(async_iterable, /)")]
    fn aiter(vm: &Vm, async_iterable: &Value) -> PyResult {
        let Some(aiter) = async_iterable.type_of().slots().aiter.get() else {
            return Err(vm.type_error(format!(
                "'{}' object is not an async iterable",
                async_iterable.type_of().full_name()
            )));
        };
        let iterator = aiter(vm, async_iterable)?;
        if iterator.type_of().slots().anext.get().is_none() {
            return Err(vm.type_error(format!(
                "aiter() returned not an async iterator of type '{}'",
                iterator.type_of().full_name()
            )));
        }
        Ok(iterator)
    }

    /// Return the next item from the async iterator.
    #[function("anext(aiterator, default=<unrepresentable>, /)")]
    fn anext(vm: &Vm, aiterator: &Value, default: Option<Value>) -> PyResult {
        let Some(anext) = aiterator.type_of().slots().anext.get() else {
            return Err(vm.type_error(format!(
                "'{}' object is not an async iterator",
                aiterator.type_of().full_name()
            )));
        };
        let awaitable = anext(vm, aiterator)?;
        Ok(match default {
            Some(default) => NextOrDefault::new(awaitable, default).into_value(),
            None => awaitable,
        })
    }

    /// Return the number of items in a container.
    #[function("len(obj, /)")]
    fn len(vm: &Vm, obj: &Value) -> PyResult<usize> {
        vm.length(obj)
    }

    /// Return a dictionary containing the current scope's local variables.
    #[function("locals()")]
    fn locals(vm: &Vm) -> PyResult {
        running_names(vm).map(|(_, locals)| locals)
    }

    /// max(iterable, *[, default=obj, key=func]) -> value
    /// max(arg1, arg2, *args, *[, key=func]) -> value
    #[function("max")]
    fn max(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        extreme(vm, args, names, "max", Comparison::Greater)
    }

    /// min(iterable, *[, default=obj, key=func]) -> value
    /// min(arg1, arg2, *args, *[, key=func]) -> value
    #[function("min")]
    fn min(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        extreme(vm, args, names, "min", Comparison::Less)
    }

    /// next(iterator[, default])
    ///
    /// Return the next item from the iterator.
    #[function("next")]
    fn next(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some() {
            return Err(vm.type_error("next() takes no keyword arguments"));
        }
        let (iterator, default) = match args {
            [iterator] => (iterator, None),
            [iterator, default] => (iterator, Some(default)),
            [] => return Err(vm.type_error("next expected at least 1 argument, got 0")),
            _ => return Err(vm.type_error(format!("next expected at most 2 arguments, got {}", args.len()))),
        };
        let Some(next) = iterator.type_of().slots().next.get() else {
            return Err(
                vm.type_error(format!("'{}' object is not an iterator", iterator.type_of().full_name()))
            );
        };
        match (next(vm, iterator), default) {
            (Ok(Some(value)), _) => Ok(value),
            (Ok(None), Some(default)) => Ok(default.clone()),
            (Ok(None), None) => Err(vm.stop_iteration(none())),
            (Err(error), Some(default)) if error.is_stop_iteration() => Ok(default.clone()),
            (Err(error), _) => Err(error),
        }
    }

    /// Return the octal representation of an integer.
    ///
    /// >>> oct(493)
    /// '0o755'
    #[function("oct(number, /)")]
    fn oct(vm: &Vm, number: &Value) -> PyResult<String> {
        Ok(radix_text(&int::to_big(vm, number)?, 8, "0o"))
    }

    /// Return the ordinal value of a character.
    #[function("ord(character, /)")]
    fn ord(vm: &Vm, character: &Value) -> PyResult<u32> {
        if let Some(text) = character.downcast::<Str>() {
            if text.length() == 1 {
                return Ok(text.char_at(0));
            }
            return Err(vm.type_error(format!(
                "ord() expected a character, but string of length {} found",
                text.length()
            )));
        }
        let is_bytes = character.downcast::<crate::types::bytes::Bytes>().is_some()
            || character.downcast::<crate::types::bytes::ByteArray>().is_some();
        if is_bytes {
            let view = crate::buffer::view(vm, character)?;
            return match view.as_slice() {
                [byte] => Ok(u32::from(*byte)),
                bytes => Err(vm.type_error(format!(
                    "ord() expected a character, but string of length {} found",
                    bytes.len()
                ))),
            };
        }
        Err(vm.type_error(format!(
            "ord() expected string of length 1, but {} found",
            character.type_of().full_name()
        )))
    }

    /// Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments.
    #[function("pow(base, exp, mod=None)")]
    fn pow(vm: &Vm, base: &Value, exp: &Value, modulus: Option<&Value>) -> PyResult {
        vm.power(base, exp, modulus.unwrap_or(crate::types::none::none_ref()))
    }

    /// Prints the values to a stream, or to sys.stdout by default.
    #[function("print(*args, sep=' ', end='\\n', file=None, flush=False)")]
    fn print(
        vm: &Vm,
        values: &[Value],
        sep: Option<&Value>,
        end: Option<&Value>,
        file: Option<&Value>,
        flush: Option<&Value>,
    ) -> PyResult<()> {
        let file = match file {
            Some(file) => file.clone(),
            None => match vm.sys_attribute(&names::stdout) {
                Some(file) if is_none(&file) => return Ok(()),
                Some(file) => file,
                None => return Err(vm.runtime_error("lost sys.stdout")),
            },
        };
        let separator = print_option(vm, sep, "sep")?;
        let end = print_option(vm, end, "end")?;
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                write_text(vm, &file, &separator.clone().unwrap_or_else(|| vm.new_str(" ")))?;
            }
            let text = vm.str(value)?;
            write_text(vm, &file, text.value())?;
        }
        write_text(vm, &file, &end.unwrap_or_else(|| vm.new_str("\n")))?;
        if let Some(flush) = flush
            && vm.is_true(flush)?
        {
            vm.call_method(&file, &names::flush, &[])?;
        }
        Ok(())
    }

    /// Return the canonical string representation of the object.
    #[function("repr(obj, /)")]
    fn repr(vm: &Vm, obj: &Value) -> PyResult<Ref<Str>> {
        vm.repr(obj)
    }

    /// Round a number to a given precision in decimal digits.
    #[function("round(number, ndigits=None)")]
    fn round(vm: &Vm, number: &Value, ndigits: Option<&Value>) -> PyResult {
        let args = ndigits.map_or(&[][..], std::slice::from_ref);
        match vm.call_special(number, &names::__round__, args)? {
            Some(rounded) => Ok(rounded),
            None => Err(vm.type_error(format!(
                "type {} doesn't define __round__ method",
                number.type_of().full_name()
            ))),
        }
    }

    /// Sets the named attribute on the given object to the specified value.
    #[function("setattr(obj, name, value, /)")]
    fn setattr(vm: &Vm, obj: &Value, name: &Value, value: &Value) -> PyResult<()> {
        vm.set_attribute(obj, &*interned(vm, name)?, value)
    }

    /// Return a new list containing all items from the iterable in ascending order.
    #[function("sorted(iterable, /, *, key=None, reverse=False)")]
    fn sorted(vm: &Vm, iterable: &Value, key: Option<&Value>, reverse: bool) -> PyResult {
        let list = List::from_vec(vm.collect(iterable)?);
        crate::types::list_methods::sort(vm, &list, key, reverse)?;
        Ok(list.into_value())
    }

    /// Return the sum of a 'start' value (default: 0) plus an iterable of numbers
    #[function("sum(iterable, /, start=0)")]
    fn sum(vm: &Vm, iterable: &Value, start: Option<Value>) -> PyResult {
        let start = start.unwrap_or_else(|| Value::int(0));
        for (text, hint) in
            [("strings", "''.join(seq)"), ("bytes", "b''.join(seq)"), ("bytearray", "b''.join(seq)")]
        {
            let unsuitable = match text {
                "strings" => start.downcast::<Str>().is_some(),
                "bytes" => start.downcast::<crate::types::bytes::Bytes>().is_some(),
                _ => start.downcast::<crate::types::bytes::ByteArray>().is_some(),
            };
            if unsuitable {
                return Err(vm.type_error(format!("sum() can't sum {text} [use {hint} instead]")));
            }
        }
        crate::sum::sum(vm, iterable, start)
    }

    /// vars([object]) -> dictionary
    ///
    /// Without arguments, equivalent to locals(). With an argument, equivalent to object.__dict__.
    #[function("vars")]
    fn vars(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        if names.is_some() {
            return Err(vm.type_error("vars() takes no keyword arguments"));
        }
        match args {
            [] => running_names(vm).map(|(_, locals)| locals),
            [object] => match vm.get_attribute_optional(object, &names::__dict__)? {
                Some(dict) => Ok(dict),
                None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
            },
            _ => Err(vm.type_error(format!("vars expected at most 1 argument, got {}", args.len()))),
        }
    }
}

fn interned(vm: &Vm, name: &Value) -> PyResult<Ref<Str>> {
    Ok(crate::types::string::intern::intern(attribute_name(vm, name)?))
}

fn print_option(vm: &Vm, value: Option<&Value>, what: &str) -> PyResult<Option<Value>> {
    match value {
        None => Ok(None),
        Some(value) if is_none(value) => Ok(None),
        Some(value) if value.downcast::<Str>().is_some() => Ok(Some(value.clone())),
        Some(value) => {
            Err(vm
                .type_error(format!("{what} must be None or a string, not {}", value.type_of().full_name())))
        }
    }
}

/// A file name as `compile` takes it: text, bytes or a path.
pub fn filename_text(vm: &Vm, filename: &Value) -> PyResult<Ref<Str>> {
    if let Some(text) = filename.downcast::<Str>() {
        return Ok(text.to_ref());
    }
    let os = crate::import::import_module(vm, "os")?;
    let decoded = vm.call_method_str(&os, "fsdecode", std::slice::from_ref(filename))?;
    decoded.downcast_into::<Str>().map_err(|_| vm.type_error("filename must be text"))
}

/// A number in another base, with its prefix behind the sign.
fn radix_text(number: &num_bigint::BigInt, base: u32, prefix: &str) -> String {
    let digits = number.magnitude().to_str_radix(base);
    let sign = if number.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    format!("{sign}{prefix}{digits}")
}

crate::native_module! {
    name: "builtins",
    doc: "Built-in functions, types, exceptions, and other objects.",
    functions: [Builtins::FUNCTIONS],
    types: [],
    execute: |vm, module| fill(vm, module),
}

fn fill(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    use crate::types::*;
    module.set(vm, "None", none::none());
    module.set(vm, "True", bool::boolean(true));
    module.set(vm, "False", bool::boolean(false));
    module.set(vm, "Ellipsis", none::ellipsis());
    module.set(vm, "NotImplemented", none::not_implemented());
    module.set(vm, "__debug__", bool::boolean(vm.interpreter.configuration.optimize == 0));
    let types: [&'static crate::object::TypeObject; 30] = [
        object::BaseObject::static_type(),
        typ::Type::static_type(),
        bool::Bool::static_type(),
        bytes::ByteArray::static_type(),
        bytes::Bytes::static_type(),
        bytes::MemoryView::static_type(),
        descriptors::ClassMethod::static_type(),
        complex::Complex::static_type(),
        Dict::static_type(),
        iterators::Enumerate::static_type(),
        iterators::Filter::static_type(),
        float::Float::static_type(),
        set::FrozenSet::static_type(),
        descriptors::Property::static_type(),
        int::Int::static_type(),
        List::static_type(),
        iterators::Map::static_type(),
        range::Range::static_type(),
        iterators::Reversed::static_type(),
        set::Set::static_type(),
        slice::Slice::static_type(),
        descriptors::StaticMethod::static_type(),
        Str::static_type(),
        super_::Super::static_type(),
        Tuple::static_type(),
        iterators::Zip::static_type(),
        module::Module::static_type(),
        function::Function::static_type(),
        none::NoneType::static_type(),
        native_function::NativeFunction::static_type(),
    ];
    for (index, typ) in types.iter().enumerate() {
        typ.ready(vm);
        if index < 26 {
            module.set(vm, typ.native().name, typ.to_value());
        }
    }
    crate::exceptions::startup::add_to_builtins(vm, module);
    Ok(())
}

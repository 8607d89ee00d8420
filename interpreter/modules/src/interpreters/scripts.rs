//! Code that can run in another interpreter: source, or functions whose code needs nothing of where they are from.

use rspy_code::Opcode;
use rspy_code::code_object::flags;
use rspy_runtime::buffer;
use rspy_runtime::compile::{CompileRequest, compile_source};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::function::Function;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::{Mode, Source};

/// An instruction with its whole argument.
pub struct Instruction {
    /// What it does.
    pub opcode: Opcode,
    /// The argument.
    pub argument: usize,
}

/// The instructions of a code object, without caches and prefixes.
///
/// # Errors
/// What asking for the bytes raises.
pub fn instructions(vm: &Vm, code: &Object<Code>) -> PyResult<Vec<Instruction>> {
    let bytes = vm.get_attribute_str(&code.as_value(), "co_code")?;
    let Some(bytes) = bytes.downcast::<Bytes>() else { return Ok(Vec::new()) };
    let mut list = Vec::new();
    let mut units = bytes.as_slice().chunks_exact(2);
    let mut prefix = 0;
    while let Some(&[opcode, argument]) = units.next() {
        let Ok(opcode) = Opcode::try_from(opcode) else { continue };
        let argument = prefix << 8 | usize::from(argument);
        if opcode == Opcode::ExtendedArg {
            prefix = argument;
            continue;
        }
        prefix = 0;
        list.push(Instruction { opcode, argument });
        (0..opcode.cache_entries()).for_each(|_| drop(units.next()));
    }
    Ok(list)
}

/// Whether a function has no state: no closure, no defaults, and no names but its own and those of `builtins`.
///
/// # Errors
/// `ValueError` where it has one.
pub fn check_stateless(vm: &Vm, function: &Object<Function>) -> PyResult<()> {
    if function.defaults().is_some_and(|defaults| !defaults.items().is_empty()) {
        return Err(vm.value_error("defaults not supported"));
    }
    if function.keyword_defaults().is_some_and(|defaults| !defaults.is_empty()) {
        return Err(vm.value_error("keyword defaults not supported"));
    }
    if function.closure().is_some() || !free_names(function.code()).is_empty() {
        return Err(vm.value_error("closures not supported"));
    }
    let (globals, builtins) = (function.globals(), function.builtins());
    let is_foreign = |name: &Object<Str>| globals.contains_str(name) || !builtins.contains_str(name);
    check_globals(vm, function.code(), is_foreign)
}

fn free_names(code: &Object<Code>) -> Vec<u8> {
    let free = rspy_code::code_object::local_kind::FREE;
    code.body().variable_kinds.iter().copied().filter(|kind| kind & free != 0).collect()
}

fn check_globals(vm: &Vm, code: &Object<Code>, is_foreign: impl Fn(&Object<Str>) -> bool) -> PyResult<()> {
    for instruction in instructions(vm, code)? {
        let index = match instruction.opcode {
            Opcode::LoadGlobal => instruction.argument >> 1,
            Opcode::StoreGlobal | Opcode::DeleteGlobal => instruction.argument,
            _ => continue,
        };
        let name = code.body().names.items().get(index).and_then(|name| name.downcast::<Str>());
        if name.is_some_and(&is_foreign) {
            return Err(vm.value_error("globals not supported"));
        }
    }
    Ok(())
}

/// Whether nothing but `None` is ever returned.
fn returns_only_none(vm: &Vm, code: &Object<Code>) -> PyResult<bool> {
    if code.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0 {
        return Ok(false);
    }
    let list = instructions(vm, code)?;
    let loads_none = |instruction: &Instruction| {
        instruction.opcode == Opcode::LoadConst
            && code.body().constants.items().get(instruction.argument).is_some_and(is_none)
    };
    Ok(list
        .windows(2)
        .all(|pair| pair[1].opcode != Opcode::ReturnValue || loads_none(&pair[0])))
}

/// How much of a script must be its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purity {
    /// Functions lose their state.
    Any,
    /// Functions must have none.
    Pure,
}

/// The code of a script: source, a code object, or a function that takes nothing and returns nothing.
///
/// # Errors
/// `TypeError`, `ValueError` and `SyntaxError` where it is none.
pub fn code_of(vm: &Vm, script: &Value, purity: Purity) -> PyResult<Ref<Code>> {
    if let Some(function) = script.downcast::<Function>() {
        if purity == Purity::Pure {
            check_stateless(vm, function)?;
        }
        return checked(vm, function.code());
    }
    if let Some(code) = script.downcast::<Code>() {
        if purity == Purity::Pure {
            check_globals(vm, code, |name| !vm.builtins().contains_str(name))?;
        }
        return checked(vm, code);
    }
    let filename = vm.intern("<script>");
    let request = CompileRequest {
        filename: &filename,
        mode: Mode::Module,
        flags: 0,
        optimize: vm.interpreter.configuration.optimize.clamp(0, 2) as u8,
        feature_version: 14,
    };
    if let Some(text) = script.downcast::<Str>() {
        let bytes = vm.call_method_str(&text.as_value(), "encode", &[])?;
        let bytes = bytes.downcast::<Bytes>().map(|bytes| bytes.as_slice().to_vec()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        return compile_source(vm, &Source::Text(&text), &request);
    }
    if buffer::has_buffer(script) {
        let source = buffer::view(vm, script)?.to_vec();
        return compile_source(vm, &Source::Bytes(&source), &request);
    }
    let shown = vm.repr(script)?;
    Err(vm.type_error(format!("unsupported script {}", shown.to_string_lossy())))
}

fn checked(vm: &Vm, code: &Object<Code>) -> PyResult<Ref<Code>> {
    if !free_names(code).is_empty() {
        return Err(vm.value_error("closures not supported"));
    }
    if code.total_arg_count() > 0 {
        return Err(vm.value_error("code with args not supported"));
    }
    if !returns_only_none(vm, code)? {
        return Err(vm.value_error("code that returns a value is not a script"));
    }
    Ok(code.to_ref())
}

//! The module `_ast`: syntax trees as Python objects, and `compile()` for them.

mod base;
mod classes;
mod from_objects;
mod optimize;
mod to_objects;
mod validate;

use rspy_runtime::builtins::SourceText;
use rspy_runtime::compile::{self as runtime_compile, CompileRequest, compile_flags, parse};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_syntax::Mode;

use base::Ast;
use classes::{Class, Classes};

/// What `compile()` does where trees are asked for or given.
fn compile_hook(vm: &Vm, source: &Value, request: &CompileRequest<'_>) -> Option<PyResult> {
    if source.downcast::<Ast>().is_some() {
        return Some(compile_object(vm, source, request));
    }
    if request.flags & compile_flags::ONLY_AST != 0 {
        return Some(tree_of_source(vm, source, request));
    }
    None
}

fn is_optimized(request: &CompileRequest<'_>) -> bool {
    request.flags & compile_flags::OPTIMIZED_AST == compile_flags::OPTIMIZED_AST
}

fn tree_of_source(vm: &Vm, source: &Value, request: &CompileRequest<'_>) -> PyResult {
    let text = SourceText::of(vm, source, "compile", "string, bytes or AST")?;
    let mut tree = parse(vm, &text.source(), request)?;
    if is_optimized(request) {
        optimize::optimize(&mut tree, request.optimize);
    }
    to_objects::object_of(vm, &tree)
}

/// The tree that an object stands for, checked as the compiler needs it.
///
/// # Errors
/// `TypeError` where it is no tree of that mode, and `ValueError` where it makes no sense.
pub fn tree_for_compiler(vm: &Vm, object: &Value, mode: Mode) -> PyResult<rspy_syntax::ast::Mod> {
    if object.downcast::<Ast>().is_none() {
        return Err(vm.type_error("expected an AST"));
    }
    check_kind(vm, object, mode)?;
    let tree = from_objects::tree_of(vm, object)?;
    validate::check(vm, &tree)?;
    Ok(tree)
}

/// A tree given as an object: compiled, or given back.
fn compile_object(vm: &Vm, object: &Value, request: &CompileRequest<'_>) -> PyResult {
    check_kind(vm, object, request.mode)?;
    if request.flags & compile_flags::OPTIMIZED_AST == compile_flags::ONLY_AST {
        return Ok(object.clone());
    }
    let mut tree = from_objects::tree_of(vm, object)?;
    validate::check(vm, &tree)?;
    if is_optimized(request) {
        optimize::optimize(&mut tree, request.optimize);
        return to_objects::object_of(vm, &tree);
    }
    Ok(runtime_compile::compile_tree(vm, &tree, request)?.into_value())
}

/// Checks that the tree is of the kind that the mode asks for.
fn check_kind(vm: &Vm, object: &Value, mode: Mode) -> PyResult<()> {
    let (class, name) = match mode {
        Mode::Module => (Class::Module, "Module"),
        Mode::Expression => (Class::Expression, "Expression"),
        Mode::Interactive => (Class::Interactive, "Interactive"),
        Mode::FunctionType => (Class::FunctionType, "FunctionType"),
    };
    let classes = Classes::get(vm)?;
    if vm.is_instance_of(object, &classes.node(class).class) {
        return Ok(());
    }
    Err(vm.type_error(format!("expected {name} node, got {}", object.type_of().name())))
}

native_module! {
    name: "_ast", doc: "",
    functions: [], types: [Ast],
    execute: |vm, module| {
        for (name, class) in &Classes::get(vm)?.named {
            module.set(vm, name, class.clone());
        }
        module.set_int(vm, "PyCF_ALLOW_TOP_LEVEL_AWAIT", i64::from(compile_flags::ALLOW_TOP_LEVEL_AWAIT));
        module.set_int(vm, "PyCF_ONLY_AST", i64::from(compile_flags::ONLY_AST));
        module.set_int(vm, "PyCF_OPTIMIZED_AST", i64::from(compile_flags::OPTIMIZED_AST));
        module.set_int(vm, "PyCF_TYPE_COMMENTS", i64::from(compile_flags::TYPE_COMMENTS));
        vm.interpreter.tree_hook.set(Some(compile_hook));
        Ok(())
    }
}

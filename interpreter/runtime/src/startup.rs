//! Starting an interpreter: from nothing to a thread that can import and run code, and ending it again.

use crate::exceptions::{Exception, PyResult};
use crate::import::Library;
use crate::import::frozen::{import_frozen, import_native};
use crate::native::NativeModule;
use crate::object::Payload;
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::none::none;
use crate::vm::{Configuration, Interpreter, Vm};

/// What the runtime itself offers as modules.
pub fn own_modules() -> Vec<&'static NativeModule> {
    vec![
        &crate::marshal::MODULE,
        &crate::import::frozen::MODULE,
        &crate::warnings::MODULE,
        &crate::codecs::MODULE,
        &crate::types::weakref::MODULE,
        &crate::abc::MODULE,
        &crate::types::exposed::MODULE,
        &crate::types::typing::MODULE,
        &crate::format::string_module::MODULE,
        &crate::types::exposed::MODULE,
        &crate::types::typing::MODULE,
        &crate::format::string_module::MODULE,
        &crate::abc::MODULE,
    ]
}

/// Makes an interpreter and runs its main thread with it. Modules beyond the runtime's own, and the frozen library,
/// come from the caller.
pub fn run<R>(
    configuration: Configuration,
    modules: &[&'static NativeModule],
    library: Option<Box<dyn Library>>,
    stack_limit: usize,
    main: impl FnOnce(&Vm) -> R,
) -> R {
    crate::types::string::hash::initialize(configuration.hash_seed);
    bind_statics();
    let bootstrap = Interpreter::new(configuration, Dict::new_untracked());
    bootstrap.library.set(library);
    let mut all = own_modules();
    all.extend_from_slice(modules);
    bootstrap.native_modules.set(all);
    let vm = Vm::new(bootstrap, crate::host::thread_identity(), stack_limit);
    vm.run_thread(main)
}

/// Gives the objects in statics their types and enters the names among the interned strings.
fn bind_statics() {
    crate::names::for_each(|name| {
        name.bind_static_type();
        crate::types::string::intern::enter(name);
    });
    crate::types::none::bind_types();
    crate::types::bool::bind_types();
}

/// Makes `builtins` and `sys` and starts `importlib`. The streams are not open yet.
///
/// # Errors
/// What the library's code raises.
pub fn initialize(vm: &Vm) -> PyResult<()> {
    for typ in [
        crate::types::object::BaseObject::static_type(),
        crate::types::typ::Type::static_type(),
        crate::types::string::Str::static_type(),
        crate::types::int::Int::static_type(),
        crate::types::tuple::Tuple::static_type(),
    ] {
        typ.ready(vm);
    }
    crate::types::ready_all(vm);
    let builtins = Module::from_native(vm, &crate::builtins::MODULE);
    vm.interpreter.builtins.set(Some(builtins.clone()));
    (crate::builtins::MODULE.execute)(vm, &builtins)?;
    let sys = Module::from_native(vm, &crate::sys::MODULE);
    vm.interpreter.sys.set(Some(sys.clone()));
    (crate::sys::MODULE.execute)(vm, &sys)?;
    let modules = &vm.interpreter.modules;
    modules.set_str(&vm.intern("builtins"), builtins.into_value());
    modules.set_str(&vm.intern("sys"), sys.clone().into_value());
    let importlib = import_frozen(vm, "_frozen_importlib")?;
    let imp = import_native(vm, "_imp")?.map_or_else(none, |module| module.into_value());
    modules.set_str(&vm.intern("_imp"), imp.clone());
    vm.call_method_str(&importlib, "_install", &[sys.into_value(), imp])?;
    vm.interpreter.importlib.set(Some(importlib.clone()));
    vm.call_method_str(&importlib, "_install_external_importers", &[])?;
    install_library_importer(vm)
}

/// Has the modules of the frozen library found by the path that they lie at.
fn install_library_importer(vm: &Vm) -> PyResult<()> {
    let source = include_str!("importer.py");
    let filename = vm.intern("<frozen rspy importer>");
    let request = crate::compile::CompileRequest {
        filename: &filename,
        mode: rspy_syntax::Mode::Module,
        flags: 0,
        optimize: 0,
        feature_version: 14,
    };
    let code = crate::compile::compile_source(vm, &rspy_syntax::Source::Text(source), &request)?;
    let names = Dict::new();
    names.set_str(&crate::names::__name__, vm.new_str("_rspy_importer"));
    crate::import::frozen::run_code(vm, code.value(), &names)?;
    Ok(())
}

/// Ends the interpreter: functions for the end run, modules go, streams are flushed. Answers whether that went well.
pub fn finalize(vm: &Vm) -> bool {
    wait_for_threads(vm);
    crate::exit::run_exit_functions(vm);
    let mut well = flush_streams(vm);
    vm.interpreter.finalizing.set(true);
    vm.interpreter.threads.finalize(vm);
    clear_modules(vm);
    vm.interpreter.collector.collect(vm, crate::gc::Generation::All);
    well &= flush_streams(vm);
    well
}

/// `threading._shutdown()`: threads that are not daemons are waited for.
fn wait_for_threads(vm: &Vm) {
    let Some(threading) = vm.interpreter.modules.get_str(&vm.intern("threading")) else { return };
    if let Err(error) = vm.call_method(&threading, &crate::names::_shutdown, &[]) {
        crate::exceptions::print::write_unraisable(vm, error, Some("Exception ignored on threading shutdown"), Some(&threading));
    }
}

fn flush_streams(vm: &Vm) -> bool {
    let mut well = true;
    for name in [&*crate::names::stdout, &*crate::names::stderr] {
        let Some(stream) = vm.sys_attribute(name) else { continue };
        if crate::types::none::is_none(&stream) {
            continue;
        }
        let closed = vm.get_attribute_optional(&stream, &crate::names::closed);
        if closed.is_ok_and(|closed| closed.is_some_and(|closed| vm.is_true(&closed).unwrap_or(false))) {
            continue;
        }
        if let Err(error) = vm.call_method(&stream, &crate::names::flush, &[])
            && name.equals_str("stdout")
        {
            crate::exceptions::print::write_unraisable(vm, error, Some("Exception ignored while flushing sys.stdout"), Some(&stream));
            well = false;
        }
    }
    well
}

/// Empties the modules, the main one first, so that finalisers run while the library still works.
fn clear_modules(vm: &Vm) {
    let sys = vm.interpreter.sys.get();
    if let Some(sys) = sys {
        for name in ["path", "argv", "ps1", "ps2", "last_exc", "last_type", "last_value", "last_traceback",
            "path_hooks", "path_importer_cache", "meta_path"]
        {
            let dict = sys.dict();
            let name = vm.intern(name);
            if dict.contains_str(&name) {
                dict.set_str(&name, none());
            }
        }
    }
    let main = vm.intern("__main__");
    if let Some(main) = vm.interpreter.modules.remove_str(&main)
        && let Some(module) = main.downcast::<Module>()
    {
        module.dict().clear();
    }
    vm.interpreter.collector.collect(vm, crate::gc::Generation::All);
}

/// The exit status that an exception which nobody handled ends the process with, after it was shown.
pub fn status_of(vm: &Vm, error: Exception) -> i32 {
    crate::exceptions::startup::exit_status(vm, &error)
}

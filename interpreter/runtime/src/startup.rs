//! Starting an interpreter: from nothing to a thread that can import and run code, and ending it again.

use std::ffi::{OsStr, OsString};

use crate::exceptions::{Exception, PyResult};
use crate::import::Library;
use crate::import::extension::{self, ExtensionFile};
use crate::import::frozen::{import_frozen, import_native};
use crate::native::NativeModule;
use crate::native_stack::NativeStack;
use crate::object::{Payload, Ref};
use crate::paths;
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::none::none;
use crate::types::string::Str;
use crate::value::Value;
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
    ]
}

/// The native modules beyond the runtime's own.
#[derive(Clone, Copy)]
pub struct NativeModules {
    /// Those that are built in.
    pub built_in: &'static [&'static NativeModule],
    /// Those that files stand for.
    pub files: &'static [ExtensionFile],
}

/// Makes an interpreter and runs its main thread with it. Modules beyond the runtime's own, and the frozen library,
/// come from the caller.
pub fn run<R>(
    configuration: Configuration,
    modules: NativeModules,
    library: Option<&'static dyn Library>,
    native_stack: NativeStack,
    main: impl FnOnce(&Vm) -> R,
) -> R {
    crate::types::string::hash::initialize(configuration.hash_seed);
    bind_statics();
    let bootstrap = Interpreter::new(configuration, Dict::new_untracked());
    bootstrap.library.set(library);
    if !bootstrap.configuration.disable_remote_debug {
        crate::host::accept_remote_calls(&bootstrap.requests, crate::vm::request::REMOTE);
    }
    let mut all = own_modules();
    all.extend_from_slice(modules.built_in);
    bootstrap.native_modules.set(all);
    bootstrap.extension_files.set(modules.files);
    let vm = Vm::new(bootstrap, crate::host::thread_identity(), native_stack);
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

/// Starts the library: `importlib`, the module `__main__`, streams, the path, `site`. Answers `__main__`.
///
/// # Errors
/// What the library's code raises.
pub fn start(vm: &Vm, interactive: bool) -> PyResult<Ref<Module>> {
    initialize(vm)?;
    let main = Module::new(vm, "__main__");
    vm.interpreter.modules.set_str(&crate::names::__main__, main.clone().into_value());
    if let Some(builtins) = vm.interpreter.builtins.get() {
        main.set(vm, "__builtins__", builtins.into_value());
    }
    prepare_library(vm, interactive)?;
    if let Some(first) = vm.interpreter.first_path.get() {
        add_first_path(vm, &first);
    }
    if let Some(importlib) = vm.interpreter.importlib.get() {
        main.set(vm, "__loader__", vm.get_attribute_str(&importlib, "BuiltinImporter")?);
    }
    Ok(main)
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
    let _ = vm.interpreter.common_constants.set(crate::eval::intrinsics::common_constants(vm));
    let sys = Module::from_native(vm, &crate::sys::MODULE);
    vm.interpreter.sys.set(Some(sys.clone()));
    (crate::sys::MODULE.execute)(vm, &sys)?;
    let modules = &vm.interpreter.modules;
    modules.set_str(&vm.intern("builtins"), builtins.into_value());
    modules.set_str(&vm.intern("sys"), sys.clone().into_value());
    // Until the streams are open, messages go straight to the descriptor.
    let printer = crate::sys::printer::Printer::new(vm, 2).into_value();
    vm.set_sys_attribute("stderr", printer.clone());
    vm.set_sys_attribute("__stderr__", printer);
    let importlib = import_frozen(vm, "_frozen_importlib")?;
    let imp = import_native(vm, "_imp")?.map_or_else(none, |module| module.into_value());
    modules.set_str(&vm.intern("_imp"), imp.clone());
    vm.interpreter.importlib.set(Some(importlib.clone()));
    vm.call_method_str(&importlib, "_install", &[sys.into_value(), imp])?;
    vm.call_method_str(&importlib, "_install_external_importers", &[])?;
    install_library_importer(vm)
}

/// Has the modules of the frozen library found by the path that they lie at.
fn install_library_importer(vm: &Vm) -> PyResult<()> {
    let library = vm.interpreter.library.borrow();
    let Some(importer) = library.as_ref().map(|library| library.importer()) else { return Ok(()) };
    let (code, _) = crate::marshal::load(vm, importer, true)?;
    drop(library);
    let names = Dict::new();
    names.set_str(&crate::names::__name__, vm.new_str("importlib._library"));
    crate::import::frozen::run_code(vm, &code, &names)?;
    Ok(())
}

/// What comes after `importlib`: the path, the standard streams, warnings, and `site` unless it is not wanted.
///
/// # Errors
/// What the library's code raises.
pub fn prepare_library(vm: &Vm, interactive: bool) -> PyResult<()> {
    let configuration = &vm.interpreter.configuration;
    let library = format!("{}/lib/python3.14", configuration.executable);
    let mut path: Vec<Value> = Vec::new();
    if !configuration.ignore_environment
        && let Ok(extra) = std::env::var("PYTHONPATH")
        && !extra.is_empty()
    {
        path.extend(extra.split(':').map(|folder| vm.new_str(folder)));
    }
    let before = path.clone();
    if let Some(application) = &configuration.application {
        path.extend(application.paths.iter().map(|folder| vm.new_str(folder)));
    }
    path.push(vm.new_str(&library));
    path.push(vm.new_str(&format!("{}/{}", configuration.executable, extension::FOLDER)));
    vm.set_sys_attribute("path", crate::types::list::List::from_vec(path).into_value());
    if let Ok(calls @ 1..) = u16::try_from(configuration.traced_calls)
        && vm.interpreter.is_main()
    {
        crate::allocations::start(vm, calls);
    }
    // Its import has `KeyboardInterrupt` raised where SIGINT arrives.
    crate::import::import_module(vm, "_signal")?;
    crate::import::import_module(vm, "encodings")?;
    add_zip_importer(vm, &before)?;
    open_streams(vm, interactive)?;
    if vm.interpreter.is_main() && wants_fault_handler(configuration) {
        let handler = crate::import::import_module(vm, "faulthandler")?;
        vm.call_method_str(&handler, "enable", &[])?;
    }
    if !configuration.warn_options.is_empty() {
        crate::import::import_module(vm, "warnings")?;
    }
    if !configuration.no_site {
        import_site(vm)?;
    }
    Ok(())
}

/// Imports `site`, which thereby adds what is installed. It takes a virtual environment around `sys.executable` for ours; an application has none,
/// wherever its file lies, and bears the name of the interpreter inside it meanwhile.
fn import_site(vm: &Vm) -> PyResult<()> {
    let configuration = &vm.interpreter.configuration;
    let inside = |_| vm.new_str(&format!("{}/bin/python3.14", configuration.executable));
    let executable =
        vm.sys_attribute(&vm.intern("executable")).filter(|_| configuration.application.is_some());
    if let Some(name) = executable.as_ref().map(inside) {
        vm.set_sys_attribute("executable", name);
    }
    let done = crate::import::import_module(vm, "site");
    if let Some(executable) = executable {
        vm.set_sys_attribute("executable", executable);
    }
    done.map(drop)
}

/// Has archives on the path looked into first, as CPython does. `before` is what stands on the path before the library: what
/// was imported so far has found no importer for archives there, which is forgotten.
fn add_zip_importer(vm: &Vm, before: &[Value]) -> PyResult<()> {
    let module = crate::import::import_module(vm, "zipimport")?;
    let importer = vm.get_attribute_str(&module, "zipimporter")?;
    if let Some(hooks) = vm.sys_attribute(&crate::names::path_hooks)
        && let Some(hooks) = hooks.downcast::<crate::types::list::List>()
    {
        hooks.items().borrow_mut().insert(0, importer);
    }
    if let Some(cache) = vm.sys_attribute(&vm.intern("path_importer_cache")) {
        for entry in before {
            vm.call_method_str(&cache, "pop", &[entry.clone(), crate::types::none::none()])?;
        }
    }
    Ok(())
}

/// Opens `sys.stdin`, `sys.stdout` and `sys.stderr`.
fn open_streams(vm: &Vm, interactive: bool) -> PyResult<()> {
    let io = crate::import::import_module(vm, "io")?;
    let open = vm.get_attribute_str(&io, "open")?;
    vm.builtins().set_str(&crate::names::open, open);
    let configuration = &vm.interpreter.configuration;
    for (descriptor, name, mode, errors) in
        [(0, "stdin", "rb", "strict"), (1, "stdout", "wb", "strict"), (2, "stderr", "wb", "backslashreplace")]
    {
        let stream = if crate::host::is_open(descriptor) {
            let unbuffered = configuration.unbuffered && descriptor != 0;
            let buffering = if unbuffered { 0 } else { -1 };
            let open = vm.get_attribute_str(&io, "open")?;
            let keywords =
                [("buffering", Value::int(buffering)), ("closefd", crate::types::bool::boolean(false))];
            let buffer =
                vm.call_with_keywords(&open, &[Value::int(descriptor), vm.new_str(mode)], &keywords)?;
            let raw = if unbuffered { buffer.clone() } else { vm.get_attribute_str(&buffer, "raw")? };
            vm.set_attribute_str(&raw, "name", &vm.new_str(&format!("<{name}>")))?;
            let is_terminal = vm.call_method_str(&raw, "isatty", &[])?;
            let lines = interactive || descriptor == 2 || vm.is_true(&is_terminal)?;
            let wrapper = vm.get_attribute_str(&io, "TextIOWrapper")?;
            let newline = vm.new_str("\n");
            let (encoding, errors) = stream_encoding(configuration, errors, descriptor);
            let keywords = [
                ("encoding", vm.new_str(&encoding)),
                ("errors", vm.new_str(&errors)),
                ("newline", if descriptor == 0 { none() } else { newline }),
                ("line_buffering", crate::types::bool::boolean(lines)),
                ("write_through", crate::types::bool::boolean(unbuffered)),
            ];
            let stream = vm.call_with_keywords(&wrapper, &[buffer], &keywords)?;
            let mode = if descriptor == 0 { "r" } else { "w" };
            vm.set_attribute_str(&stream, "mode", &vm.new_str(mode))?;
            stream
        } else {
            none()
        };
        vm.set_sys_attribute(name, stream.clone());
        vm.set_sys_attribute(&format!("__{name}__"), stream);
    }
    Ok(())
}

/// Encoding and error handler of a standard stream, as `PYTHONIOENCODING` and the locale have it.
fn stream_encoding(configuration: &Configuration, errors: &str, descriptor: i32) -> (String, String) {
    let wanted = if configuration.ignore_environment { None } else { std::env::var("PYTHONIOENCODING").ok() };
    let wanted = wanted.unwrap_or_default();
    let (encoding, handler) = wanted.split_once(':').unwrap_or((&wanted, ""));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    let plain = locale.is_empty() || locale == "C" || locale == "POSIX";
    let handler = match (handler, descriptor) {
        (_, 2) => errors,
        // Whoever names an encoding wants no others.
        ("", _) if !encoding.is_empty() => errors,
        ("", _) if plain && !configuration.utf8_mode || configuration.utf8_mode => "surrogateescape",
        ("", _) => errors,
        (given, _) => given,
    };
    let encoding = if encoding.is_empty() { "utf-8" } else { encoding };
    (encoding.to_owned(), handler.to_owned())
}

/// Puts a folder in front of `sys.path`, unless the path is to be safe.
pub fn add_first_path(vm: &Vm, folder: impl AsRef<OsStr>) {
    if !vm.interpreter.configuration.safe_path {
        add_path_of_program(vm, folder);
    }
}

/// Puts the folder or archive that is the program in front of `sys.path`.
pub fn add_path_of_program(vm: &Vm, folder: impl AsRef<OsStr>) {
    let folder = folder.as_ref();
    vm.interpreter.first_path.set(Some(folder.to_owned()));
    if let Some(path) = vm.sys_attribute(&crate::names::path)
        && let Some(path) = path.downcast::<crate::types::list::List>()
    {
        path.items().borrow_mut().insert(0, paths::from_os_string(folder).into_value());
    }
}

/// The folder of a script, links followed.
pub fn folder_of(path: &OsStr) -> OsString {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    real.parent().map(|folder| folder.as_os_str().to_owned()).unwrap_or_default()
}

/// Whether the program's fatal errors are to be reported with the Python stack.
fn wants_fault_handler(configuration: &Configuration) -> bool {
    let option = configuration.x_options.iter().any(|(name, _)| name == "faulthandler");
    let variable = !configuration.ignore_environment
        && std::env::var_os("PYTHONFAULTHANDLER").is_some_and(|value| !value.is_empty());
    option || variable || configuration.dev_mode
}

/// A path from the root on.
pub fn absolute(path: &OsStr) -> OsString {
    if path.as_encoded_bytes().starts_with(b"/") {
        return path.to_owned();
    }
    let Ok(mut folder) = std::env::current_dir().map(std::path::PathBuf::into_os_string) else {
        return path.to_owned();
    };
    if !path.is_empty() && path != "." {
        folder.push("/");
        folder.push(path);
    }
    folder
}

/// Whether something can be put on `sys.path` and imported from: a folder or a zip archive.
///
/// # Errors
/// What the path hooks raise, but for `ImportError`.
pub fn is_path_entry(vm: &Vm, path: &OsStr) -> PyResult<bool> {
    let hooks = vm.sys_attribute(&crate::names::path_hooks).unwrap_or_else(none);
    let text = paths::from_os_string(path).into_value();
    for hook in vm.collect(&hooks)? {
        match vm.call(&hook, std::slice::from_ref(&text)) {
            Ok(_) => return Ok(true),
            Err(error) if error.is_import_error() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Gives `__main__` the loader that its file would have.
///
/// # Errors
/// What `importlib` raises.
pub fn set_main_loader(vm: &Vm, main: &crate::object::Object<Module>, path: &Value) -> PyResult<()> {
    let external = vm.interpreter.modules.get_str(&crate::names::_frozen_importlib_external);
    let Some(external) = external else { return Ok(()) };
    let is_compiled = path.downcast::<Str>().is_some_and(|path| path.to_string_lossy().ends_with(".pyc"));
    let class = if is_compiled { "SourcelessFileLoader" } else { "SourceFileLoader" };
    let class = vm.get_attribute_str(&external, class)?;
    let loader = vm.call(&class, &[vm.new_str("__main__"), path.clone()])?;
    main.set(vm, "__loader__", loader);
    Ok(())
}

/// A `SystemExit` with a status.
pub fn exit_with(vm: &Vm, status: i32) -> Exception {
    exit(vm, Value::int(status))
}

/// What `sys.exit` raises for a value.
pub fn exit(vm: &Vm, value: Value) -> Exception {
    vm.exception_with_args(crate::exceptions::stop::SystemExit::static_type(), &[value])
}

/// Ends the interpreter: functions for the end run, modules go, streams are flushed. Answers whether that went well.
pub fn finalize(vm: &Vm) -> bool {
    wait_for_threads(vm);
    crate::exit::run_exit_functions(vm);
    if vm.interpreter.is_main() {
        crate::interpreters::destroy_others(vm);
    }
    let mut well = flush_streams(vm);
    vm.interpreter.finalizing.set(true);
    vm.interpreter.threads.finalize(vm);
    if vm.interpreter.is_main() {
        vm.interpreter.threads.signals.clear();
    }
    clear_modules(vm);
    vm.interpreter.collector.collect(vm, crate::gc::OLDEST);
    if vm.interpreter.is_main() {
        crate::gc::dump_shutdown_statistics(vm);
    }
    well &= flush_streams(vm);
    well
}

/// `threading._shutdown()`: threads that are not daemons are waited for.
fn wait_for_threads(vm: &Vm) {
    let Some(threading) = vm.interpreter.modules.get_str(&vm.intern("threading")) else { return };
    if let Err(error) = vm.call_method(&threading, &crate::names::_shutdown, &[]) {
        crate::exceptions::print::write_unraisable(
            vm,
            error,
            Some("Exception ignored on threading shutdown"),
            Some(&threading),
        );
    }
}

/// Flushes `sys.stdout` and `sys.stderr`; answers whether nothing of the former is lost.
pub fn flush_streams(vm: &Vm) -> bool {
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
            crate::exceptions::print::write_unraisable(
                vm,
                error,
                Some("Exception ignored while flushing sys.stdout"),
                None,
            );
            well = false;
        }
    }
    well
}

/// Lets go of the modules. What only they kept alive goes by the collector, so that its finalisers find the names of
/// their modules; modules that something else keeps alive are emptied after that.
fn clear_modules(vm: &Vm) {
    clear_sys(vm);
    let modules = &vm.interpreter.modules;
    let mut weak = Vec::new();
    for (_, module) in modules.pairs() {
        if module.downcast::<Module>().is_some()
            && let Ok(reference) = crate::types::weakref::new_reference(vm, &module, None)
        {
            weak.push(reference);
        }
    }
    modules.clear();
    vm.interpreter.collector.collect(vm, crate::gc::OLDEST);
    for reference in weak.into_iter().rev() {
        if let Some(Some(module)) = crate::types::weakref::referent(&reference) {
            clear_module(vm, &module);
        }
    }
}

/// Forgets what `sys` knows of the program and how to import.
fn clear_sys(vm: &Vm) {
    let Some(sys) = vm.interpreter.sys.get() else { return };
    let dict = sys.dict();
    for name in [
        "path",
        "argv",
        "ps1",
        "ps2",
        "last_exc",
        "last_type",
        "last_value",
        "last_traceback",
        "path_hooks",
        "path_importer_cache",
        "meta_path",
    ] {
        let name = vm.intern(name);
        if dict.contains_str(&name) {
            dict.set_str(&name, none());
        }
    }
    for (name, original) in [("stdin", "__stdin__"), ("stdout", "__stdout__"), ("stderr", "__stderr__")] {
        let original = dict.get_str(&vm.intern(original)).unwrap_or_else(none);
        dict.set_str(&vm.intern(name), original);
    }
}

/// Empties a module: names that begin with one underscore first, then the rest, so that what belongs to the module
/// alone goes before what others may look for. `sys` and `builtins` stay to the last.
fn clear_module(vm: &Vm, module: &Value) {
    let Some(module) = module.downcast::<Module>() else { return };
    let is = |kept: &Option<crate::object::Ref<Module>>| {
        kept.as_ref().is_some_and(|kept| kept.is(&module.as_value()))
    };
    if is(&vm.interpreter.sys.borrow()) || is(&vm.interpreter.builtins.borrow()) {
        return;
    }
    let dict = module.dict();
    for private in [true, false] {
        for name in dict.keys() {
            let Some(name) = name.downcast::<crate::types::string::Str>() else { continue };
            let characters = name.characters();
            let mut start = characters.iter().take(2).map(|c| c == u32::from('_'));
            let is_private = start.next() == Some(true) && start.next() != Some(true);
            if is_private == private && !name.equals_str("__builtins__") && dict.contains_str(name) {
                dict.set_str(name, none());
            }
        }
    }
}

/// The exit status when the library could not be started; the reason goes to the standard error descriptor, since the
/// streams may not be open yet.
pub fn failed(vm: &Vm, error: Exception) -> i32 {
    if error.is_system_exit() {
        return status_of(vm, error);
    }
    let text = crate::exceptions::print::plain_text(vm, &error);
    eprintln!(
        "Fatal Python error: init: the library did not start\nPython runtime state: core initialized\n{text}"
    );
    1
}

/// The status for a `KeyboardInterrupt` that nobody handled: no process ends with it, but by [`die_of_interrupt`].
pub const INTERRUPTED: i32 = -2;

/// Ends the process by SIGINT, so that whoever started it sees that it was interrupted; answers the status for where
/// that does not work.
pub fn die_of_interrupt() -> i32 {
    let interrupt = crate::host::c::SIGINT;
    if crate::host::set_disposition(interrupt, crate::host::Disposition::Default).is_ok() {
        // If it fails, the status tells the same.
        drop(crate::host::raise_signal(interrupt));
    }
    128 + interrupt
}

/// The exit status that an exception which nobody handled ends the process with, after it was shown.
pub fn status_of(vm: &Vm, error: Exception) -> i32 {
    crate::exceptions::startup::exit_status(vm, &error)
}

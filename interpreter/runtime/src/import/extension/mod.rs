//! Extension modules: files in the executable's folder `lib-dynload` that stand for modules linked in, and what `_imp`
//! does with such files.
//!
//! CPython has part of its library in shared objects. Programs see so by `__file__`, by loaders, and by their own modules
//! hiding those; so the same modules are files here too, though empty ones: the path is all that says which module is
//! meant. Real shared objects are refused with `ImportError`.
//!
//! What a file exports is as in C a function for each module in it, and modules are initialised in a single phase or in
//! several (PEP 489). [`single_phase`] has what holds for the former alone.

pub mod single_phase;

use std::cell::Cell;
use std::os::unix::ffi::OsStrExt;

use crate::codecs::registry;
use crate::exceptions::{Exception, PyResult};
use crate::host;
use crate::interpreters::PerInterpreter;
use crate::names;
use crate::native::NativeModule;
use crate::object::{Object, Ref};
use crate::types::module::Module;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// The folder of extension modules, as a path in the executable.
pub const FOLDER: &str = "lib/python3.14/lib-dynload";

macro_rules! of_platform {
    ($platform:literal) => {
        /// The platform that extension modules are for, as Debian calls it.
        pub const MULTIARCH: &str = $platform;

        /// What the names of the library's extension modules end in.
        pub const SUFFIX: &str = concat!(".cpython-314-", $platform, ".so");

        /// All suffixes that extension modules may have.
        pub const SUFFIXES: [&str; 4] = [SUFFIX, ".abi3.so", concat!(".abi3-", $platform, ".so"), ".so"];
    };
}

#[cfg(target_arch = "x86_64")]
of_platform!("x86_64-linux-gnu");
#[cfg(target_arch = "aarch64")]
of_platform!("aarch64-linux-gnu");

/// A file with extension modules.
pub enum ExtensionFile {
    /// One that holds a module of the library.
    Library(&'static NativeModule),
    /// One that exports several functions.
    Exports {
        /// The file's name without suffix.
        name: &'static str,
        /// What it exports, by symbol.
        symbols: &'static [(&'static str, Initialize)],
    },
}

/// What makes a module, or says how it is made.
pub type Initialize = fn(&Vm) -> Answer<Initialized>;

/// What initialising gives.
pub enum Initialized {
    /// A description, by which the module is made in several phases.
    Description(&'static NativeModule),
    /// A description that was not made ready.
    Raw,
    /// The module itself: it has a single phase.
    Module(Ref<Module>),
}

/// What a function of an extension module answers. In C a result and a raised exception are two things, of which there
/// should be exactly one.
pub struct Answer<T> {
    /// The result.
    pub result: Option<T>,
    /// The exception.
    pub raised: Option<Exception>,
}

impl<T> From<PyResult<T>> for Answer<T> {
    fn from(outcome: PyResult<T>) -> Self {
        match outcome {
            Ok(result) => Answer { result: Some(result), raised: None },
            Err(error) => Answer { result: None, raised: Some(error) },
        }
    }
}

impl<T> Answer<T> {
    /// The outcome; `what` names what was done, and `failed` says that it came to nothing and why is not known.
    fn check(self, vm: &Vm, what: &str, failed: &str) -> PyResult<T> {
        match (self.result, self.raised) {
            (Some(result), None) => Ok(result),
            (None, Some(error)) => Err(error),
            (None, None) => Err(vm.system_error(format!("{what} {failed}"))),
            (Some(_), Some(error)) => {
                Err(vm.system_error(format!("{what} raised unreported exception")).with_cause(error))
            }
        }
    }
}

/// What a description says beyond functions and types (`PyModuleDef_Slot`).
pub enum Slot {
    /// Makes the module, from its spec.
    Create(fn(&Vm, &Value, &'static NativeModule) -> Answer<Value>),
    /// Runs the module.
    Execute(fn(&Vm, &Object<Module>) -> Answer<()>),
    /// Where it can be imported.
    Interpreters(Interpreters),
    /// Anything else.
    Other(i32),
}

/// The interpreters that a module can be imported in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interpreters {
    /// The main one.
    Main,
    /// Those that share the main one's lock.
    SharedLock,
    /// All.
    Any,
}

impl ExtensionFile {
    /// The file's name without suffix.
    pub fn name(&self) -> &'static str {
        match self {
            ExtensionFile::Library(module) => module.name,
            ExtensionFile::Exports { name, .. } => name,
        }
    }

    fn initialize(&self, symbol: &str) -> Option<Initialize> {
        match self {
            ExtensionFile::Library(_) => None,
            ExtensionFile::Exports { symbols, .. } => {
                symbols.iter().find(|(name, _)| *name == symbol).map(|(_, initialize)| *initialize)
            }
        }
    }
}

/// The name of the file that lies at a path in the executable, without suffix.
pub fn file_name(inner: &str) -> Option<&str> {
    inner.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(SUFFIX)
}

/// What tests say of whether modules are refused that cannot be in several interpreters: yes, no, or nothing, by the sign.
static CHECK_OVERRIDE: PerInterpreter<Cell<i64>> = PerInterpreter::new(|| Cell::new(0));

/// Has the interpreter refuse such modules or not; answers what held before.
///
/// # Errors
/// `RuntimeError` in the main interpreter.
pub fn override_check(vm: &Vm, number: i64) -> PyResult<i64> {
    if vm.interpreter.is_main() {
        return Err(vm.runtime_error(
            "_imp._override_multi_interp_extensions_check() cannot be used in the main interpreter",
        ));
    }
    Ok(CHECK_OVERRIDE.of(vm).replace(number.signum()))
}

/// Refuses a module that cannot be in several interpreters, where that is not allowed.
fn check_interpreter(vm: &Vm, name: &str) -> PyResult<()> {
    let checks = match CHECK_OVERRIDE.of(vm).get() {
        0 => vm.interpreter.identity.features.check_multi_interp_extensions,
        number => number > 0,
    };
    if checks && !vm.interpreter.is_main() {
        let message = format!("module {name} does not support loading in subinterpreters");
        return Err(vm.import_error(message, None, None));
    }
    Ok(())
}

/// What is to be loaded.
struct Request {
    name: Ref<Str>,
    text: String,
    path: Ref<Str>,
}

/// `_imp.create_dynamic`.
///
/// # Errors
/// `ImportError` where there is no such module, and what the module raises.
pub fn create(vm: &Vm, spec: &Value) -> PyResult {
    let name = vm.get_attribute(spec, &names::name)?;
    let Some(name) = name.downcast::<Str>().map(Object::to_ref) else {
        return Err(vm.type_error("module name must be a string"));
    };
    let path = vm.get_attribute(spec, &names::origin)?;
    let text = c_text(vm, &name)?;
    let Some(path) = path.downcast::<Str>().map(Object::to_ref) else {
        return Err(vm.type_error("module filename must be a string"));
    };
    c_text(vm, &path)?;
    let request = Request { name, text, path };
    if let Some(module) = single_phase::find(vm, &request)? {
        return Ok(module);
    }
    let file = open(vm, &request)?;
    let symbol = symbol(vm, &request)?;
    if let ExtensionFile::Library(module) = file
        && symbol.strip_prefix("PyInit_") == Some(module.name)
    {
        return Ok(Module::from_native_as(vm, module, &request.name).into_value());
    }
    match file.initialize(&symbol) {
        Some(initialize) => run(vm, initialize, &request, spec),
        None => Err(refused(
            vm,
            &request,
            format!("dynamic module does not define module export function ({symbol})"),
        )),
    }
}

fn refused(vm: &Vm, request: &Request, message: String) -> Exception {
    vm.import_error(message, Some(request.name.value()), Some(request.path.value()))
}

/// A text as functions of C take it.
fn c_text(vm: &Vm, text: &Object<Str>) -> PyResult<String> {
    let encoded = vm.encode_utf8(text)?;
    if encoded.as_slice().contains(&0) {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text.to_string_lossy().into_owned())
}

/// The file at a path.
fn open(vm: &Vm, request: &Request) -> PyResult<&'static ExtensionFile> {
    let bytes = crate::paths::encode(vm, &request.path)?;
    if let Some(inner) = host::archive_path(&vm.interpreter.configuration.executable, &bytes)
        && let Some(name) = file_name(inner)
        && let Some(file) = vm.interpreter.extension_files.get().iter().find(|file| file.name() == name)
    {
        return Ok(file);
    }
    let shown = request.path.to_string_lossy();
    let shown = if shown.contains('/') { shown.into_owned() } else { format!("./{shown}") };
    let reason = match std::fs::File::open(std::ffi::OsStr::from_bytes(&bytes)) {
        Ok(_) => "rspy cannot load extension modules".to_owned(),
        Err(error) => {
            let reason = crate::exceptions::construct::error_message(error.raw_os_error().unwrap_or(0));
            format!("cannot open shared object file: {reason}")
        }
    };
    Err(refused(vm, request, format!("{shown}: {reason}")))
}

/// The most bytes of a module's name in a symbol.
const LONGEST_NAME: usize = 200;

/// The name of the function that initialises a module.
fn symbol(vm: &Vm, request: &Request) -> PyResult<String> {
    let last = request.text.rsplit('.').next().unwrap_or_default();
    let (prefix, name) = if last.is_ascii() {
        ("PyInit", last.to_owned())
    } else {
        let encoded = registry::encode_text(vm, &vm.new_str(last), Some(&vm.new_str("punycode")), None)?;
        let view = crate::buffer::view(vm, &encoded)?;
        ("PyInitU", String::from_utf8_lossy(view.as_slice()).replace('-', "_"))
    };
    Ok(format!("{prefix}_{}", &name[..name.len().min(LONGEST_NAME)]))
}

/// Initialises a module. That is done in the main interpreter, since only afterwards it is known whether the module has a
/// single phase, and what such a module makes may be kept for the rest of the process.
fn run(vm: &Vm, initialize: Initialize, request: &Request, spec: &Value) -> PyResult {
    let main = crate::interpreters::main();
    let elsewhere = main.filter(|_| !vm.interpreter.is_main());
    let first = |vm: &Vm| -> PyResult<(Option<&'static NativeModule>, Option<Ref<Module>>)> {
        match initialized(vm, initialize, &request.text)? {
            Initialized::Module(module) => {
                single_phase::remember(vm, request, initialize, &module);
                Ok((None, Some(module)))
            }
            Initialized::Description(description) => Ok((Some(description), None)),
            Initialized::Raw => {
                Err(vm
                    .system_error(format!("init function of {} returned uninitialized object", request.text)))
            }
        }
    };
    let (description, module) = match elsewhere {
        None => first(vm)?,
        Some(main) => {
            let outcome = crate::interpreters::run_in(vm, main, |main| {
                first(main).map(|(description, _)| description).map_err(|error| {
                    let doing = "Exception while importing from subinterpreter";
                    crate::exceptions::print::write_unraisable(main, error, Some(doing), None);
                })
            });
            let failed = "failed to import from subinterpreter due to exception";
            (outcome.map_err(|()| vm.import_error(failed, None, None))?, None)
        }
    };
    if let Some(description) = description {
        return from_description(vm, description, request, spec);
    }
    check_interpreter(vm, &request.text)?;
    match module {
        Some(module) => {
            single_phase::finish(vm, request, &module)?;
            Ok(module.into_value())
        }
        None => single_phase::find(vm, request)?
            .ok_or_else(|| vm.import_error(format!("module {} was not kept", request.text), None, None)),
    }
}

/// What an initialising function gives, checked.
fn initialized(vm: &Vm, initialize: Initialize, name: &str) -> PyResult<Initialized> {
    let what = format!("initialization of {name}");
    initialize(vm).check(vm, &what, "failed without raising an exception")
}

/// What the slots of a description say.
#[derive(Default)]
struct Slots {
    create: Option<fn(&Vm, &Value, &'static NativeModule) -> Answer<Value>>,
    executes: bool,
    interpreters: Option<Interpreters>,
}

impl Slots {
    fn of(vm: &Vm, description: &NativeModule, name: &str) -> PyResult<Slots> {
        let mut slots = Slots::default();
        for slot in description.slots {
            match *slot {
                Slot::Create(create) => {
                    if slots.create.replace(create).is_some() {
                        return Err(vm.system_error(format!("module {name} has multiple create slots")));
                    }
                }
                Slot::Execute(_) => slots.executes = true,
                Slot::Interpreters(interpreters) => {
                    if slots.interpreters.replace(interpreters).is_some() {
                        return Err(vm.system_error(format!(
                            "module {name} has more than one 'multiple interpreters' slots"
                        )));
                    }
                }
                Slot::Other(number) => {
                    return Err(vm.system_error(format!("module {name} uses unknown slot ID {number}")));
                }
            }
        }
        Ok(slots)
    }
}

/// A module by its description (`PyModule_FromDefAndSpec`).
fn from_description(
    vm: &Vm,
    description: &'static NativeModule,
    request: &Request,
    spec: &Value,
) -> PyResult {
    let name = &request.text;
    if description.state_size < 0 {
        return Err(vm.system_error(format!(
            "module {name}: m_size may not be negative for multi-phase initialization"
        )));
    }
    let slots = Slots::of(vm, description, name)?;
    let own_lock = vm.interpreter.identity.features.gil == "own";
    match slots.interpreters.unwrap_or(Interpreters::SharedLock) {
        Interpreters::Main => check_interpreter(vm, name)?,
        Interpreters::SharedLock if own_lock => check_interpreter(vm, name)?,
        _ => {}
    }
    let Some(create) = slots.create else {
        return Ok(Module::from_native_as(vm, description, &request.name).into_value());
    };
    let what = format!("creation of module {name}");
    let made = create(vm, spec, description).check(vm, &what, "failed without setting an exception")?;
    if made.downcast::<Module>().is_none() {
        if description.state_size > 0 {
            return Err(
                vm.system_error(format!("module {name} is not a module object, but requests module state"))
            );
        }
        if slots.executes {
            return Err(vm.system_error(format!(
                "module {name} specifies execution slots, but did not create a ModuleType instance"
            )));
        }
    }
    for (name, function) in crate::types::module::native_functions(vm, description, &made, &request.name) {
        vm.set_attribute(&made, &name, &function)?;
    }
    if !description.doc.is_empty() {
        vm.set_attribute(&made, &names::__doc__, &vm.new_str(description.doc))?;
    }
    Ok(made)
}

/// `_imp.exec_dynamic` and `_imp.exec_builtin`: runs a native module, once.
///
/// # Errors
/// What the module raises.
pub fn execute(vm: &Vm, module: &Value) -> PyResult<()> {
    let Some(module) = module.downcast::<Module>() else { return Ok(()) };
    let Some(description) = module.native().filter(|_| !module.is_executed()) else { return Ok(()) };
    module.set_executed();
    (description.execute)(vm, module)?;
    for slot in description.slots {
        if let Slot::Execute(execute) = slot {
            let what = format!("execution of module {}", module.name().unwrap_or_default());
            execute(vm, module).check(vm, &what, "failed without setting an exception")?;
        }
    }
    Ok(())
}

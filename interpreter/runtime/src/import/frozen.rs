//! `_imp`: what `importlib` needs from the interpreter, most of all the frozen modules.

use std::sync::atomic::{AtomicI64, Ordering};

use rspy_macros::pyfunctions;

use crate::exceptions::{Exception, PyResult};
use crate::frozen_code;
use crate::import::extension;
use crate::names;
use crate::native_module;
use crate::object::{Object, Ref};
use crate::types::bool::boolean;
use crate::types::bytes::Bytes;
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::none::none;
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::value::Value;
use crate::vm::Vm;

/// The modules that CPython itself freezes: for these the frozen importer comes first, and tracebacks name them
/// `<frozen …>`. The names on the right are those of the library where they differ.
const FROZEN: &[(&str, &str)] = &[
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
    ("zipimport", "zipimport"),
    ("abc", "abc"),
    ("codecs", "codecs"),
    ("io", "io"),
    ("_collections_abc", "_collections_abc"),
    ("_sitebuiltins", "_sitebuiltins"),
    ("genericpath", "genericpath"),
    ("ntpath", "ntpath"),
    ("posixpath", "posixpath"),
    ("os", "os"),
    ("site", "site"),
    ("stat", "stat"),
    ("importlib.util", "importlib.util"),
    ("importlib.machinery", "importlib.machinery"),
    ("runpy", "runpy"),
    ("__hello__", "__hello__"),
    ("__phello__", "__phello__"),
    ("__phello__.ham", "__phello__.ham"),
    ("__phello__.ham.eggs", "__phello__.ham.eggs"),
    ("__phello__.spam", "__phello__.spam"),
];

fn library_name(name: &str) -> Option<&'static str> {
    FROZEN.iter().find(|(frozen, _)| *frozen == name).map(|(_, library)| *library)
}

/// The code of a frozen module and whether it is a package.
///
/// # Errors
/// What unmarshalling raises.
pub fn frozen_code(vm: &Vm, name: &str) -> PyResult<Option<(Value, bool)>> {
    let Some(library_name) = library_name(name) else { return Ok(None) };
    let library = vm.interpreter.library.borrow();
    let Some(module) = library.as_ref().and_then(|library| library.module(library_name)) else {
        return Ok(None);
    };
    let code = frozen_code::load(vm, module.code, &format!("<frozen {library_name}>"))?;
    Ok(Some((code, module.is_package)))
}

/// The code of a module that lies in the executable at a path, with that path as file name. Nothing where it was compiled
/// with another optimisation level than what runs now.
///
/// # Errors
/// What unmarshalling raises.
pub fn code_at(vm: &Vm, name: &str, path: &str) -> PyResult<Option<Value>> {
    let configuration = &vm.interpreter.configuration;
    let Some(inner) = crate::host::archive_path(&configuration.executable, path.as_bytes()) else {
        return Ok(None);
    };
    let library = vm.interpreter.library.borrow();
    let Some(module) = library.as_ref().and_then(|library| library.module_at(name, inner)) else {
        return Ok(None);
    };
    if i32::from(module.optimize) != configuration.optimize.clamp(0, 2) {
        return Ok(None);
    }
    // Without its source, a module still bears the source's name.
    let file = if path.ends_with(".pyc") { &path[..path.len() - 1] } else { path };
    frozen_code::load(vm, module.code, file).map(Some)
}

/// Imports a frozen module without `importlib`, for start-up.
///
/// # Errors
/// What its code raises.
pub fn import_frozen(vm: &Vm, name: &str) -> PyResult {
    let Some((code, _)) = frozen_code(vm, name)? else {
        return Err(vm.import_error(format!("the frozen library has no module '{name}'"), None, None));
    };
    let module = Module::new(vm, name);
    module.set_str(vm, "__origname__", library_name(name).unwrap_or(name));
    vm.interpreter.modules.set_str(&vm.intern(name), module.clone().into_value());
    run_code(vm, &code, &module.dict())?;
    Ok(module.into_value())
}

/// Runs code with a dict as global and local names.
///
/// # Errors
/// What the code raises.
pub fn run_code(vm: &Vm, code: &Value, globals: &Ref<Dict>) -> PyResult {
    let Some(code) = code.downcast::<Code>() else { return Err(vm.type_error("no code to run")) };
    if !globals.contains_str(&names::__builtins__)
        && let Some(builtins) = &*vm.interpreter.builtins.borrow()
    {
        globals.set_str(&names::__builtins__, builtins.to_value());
    }
    let function = crate::types::function::Function::new(vm, code.to_ref(), globals.clone());
    crate::eval::call::run_with_locals(vm, function.value(), globals.clone().into_value())
}

fn native(vm: &Vm, name: &str) -> Option<&'static crate::native::NativeModule> {
    vm.interpreter.native_modules.borrow().iter().copied().find(|module| module.name == name)
}

/// Makes and runs a native module.
///
/// # Errors
/// What its own code raises.
pub fn import_native(vm: &Vm, name: &str) -> PyResult<Option<Ref<Module>>> {
    let Some(description) = native(vm, name) else { return Ok(None) };
    let module = Module::from_native(vm, description);
    (description.execute)(vm, &module)?;
    Ok(Some(module))
}

fn not_frozen(vm: &Vm, name: &Object<Str>) -> Exception {
    let text = format!("No such frozen object named '{}'", name.to_string_lossy());
    vm.import_error(text, Some(&name.to_value()), None)
}

/// What tests say of whether frozen modules are used: yes, no, or nothing, by the sign.
static OVERRIDE: AtomicI64 = AtomicI64::new(0);

/// The modules that must be frozen, since others are imported by them.
const ESSENTIAL: [&str; 3] = ["_frozen_importlib", "_frozen_importlib_external", "zipimport"];

/// Whether a frozen module is imported as one (`-X frozen_modules`). Otherwise it is found by its path in the library.
fn is_in_use(vm: &Vm, name: &str) -> bool {
    match OVERRIDE.load(Ordering::Relaxed) {
        0 => !vm.interpreter.configuration.no_frozen_modules || ESSENTIAL.contains(&name),
        number => number > 0 || ESSENTIAL.contains(&name),
    }
}

struct Imp;

#[pyfunctions]
impl Imp {
    /// Acquire the interpreter's import lock for the current thread.
    #[function("acquire_lock()")]
    fn acquire_lock(vm: &Vm) {
        vm.interpreter.import_lock.acquire(vm);
    }

    /// Release the interpreter's import lock.
    #[function("release_lock()")]
    fn release_lock(vm: &Vm) -> PyResult<()> {
        if vm.interpreter.import_lock.release(vm) {
            Ok(())
        } else {
            Err(vm.runtime_error("not holding the import lock"))
        }
    }

    /// Return True if the import lock is currently held, else False.
    #[function("lock_held()")]
    fn lock_held(vm: &Vm) -> bool {
        vm.interpreter.import_lock.is_held()
    }

    /// Create a builtin module.
    #[function("create_builtin(spec, /)")]
    fn create_builtin(vm: &Vm, spec: &Value) -> PyResult {
        let name = vm.get_attribute(spec, &names::name)?;
        let Some(text) = name.downcast::<Str>() else {
            return Err(vm.type_error(format!("name must be string, not {}", name.type_of().full_name())));
        };
        let text = text.to_string_lossy().into_owned();
        if text == "sys" || text == "builtins" {
            let known = if text == "sys" { vm.interpreter.sys.get() } else { vm.interpreter.builtins.get() };
            return Ok(known.map_or_else(none, Ref::into_value));
        }
        match native(vm, &text) {
            Some(description) => Ok(Module::from_native(vm, description).into_value()),
            None => Ok(none()),
        }
    }

    /// Initialize a built-in module.
    #[function("exec_builtin(mod, /)")]
    fn exec_builtin(vm: &Vm, module: &Value) -> PyResult<i32> {
        extension::execute(vm, module)?;
        Ok(0)
    }

    /// Make an extension module, from the file that its spec names.
    #[function("create_dynamic(spec, file=<unrepresentable>, /)")]
    fn create_dynamic(vm: &Vm, spec: &Value, file: Option<&Value>) -> PyResult {
        let _ = file;
        extension::create(vm, spec)
    }

    /// Run an extension module.
    #[function("exec_dynamic(mod, /)")]
    fn exec_dynamic(vm: &Vm, module: &Value) -> PyResult<i32> {
        extension::execute(vm, module)?;
        Ok(0)
    }

    /// Return the list of file suffixes used to identify extension modules.
    #[function("extension_suffixes()")]
    fn extension_suffixes(vm: &Vm) -> Ref<List> {
        List::from_vec(extension::SUFFIXES.iter().map(|suffix| vm.new_str(suffix)).collect())
    }

    /// Returns True if the module name corresponds to a built-in module.
    #[function("is_builtin(name, /)")]
    fn is_builtin(vm: &Vm, name: &Object<Str>) -> i32 {
        let name = name.to_string_lossy();
        if name == "sys" || name == "builtins" { -1 } else { i32::from(native(vm, &name).is_some()) }
    }

    /// Returns True if the module name corresponds to a frozen module.
    #[function("is_frozen(name, /)")]
    fn is_frozen(vm: &Vm, name: &Object<Str>) -> bool {
        let library = vm.interpreter.library.borrow();
        let name = name.to_string_lossy();
        library_name(&name)
            .filter(|_| is_in_use(vm, &name))
            .is_some_and(|name| library.as_ref().is_some_and(|library| library.contains(name)))
    }

    /// Returns True if the module name is of a frozen package.
    #[function("is_frozen_package(name, /)")]
    fn is_frozen_package(vm: &Vm, name: &Object<Str>) -> PyResult<bool> {
        let library = vm.interpreter.library.borrow();
        let found = library_name(&name.to_string_lossy())
            .and_then(|name| library.as_ref().and_then(|library| library.module(name)));
        match found {
            Some(module) => Ok(module.is_package),
            None => Err(not_frozen(vm, name)),
        }
    }

    /// Return info about the corresponding frozen module (if there is one) or None.
    #[function("find_frozen(name, /, *, withdata=False)")]
    fn find_frozen(vm: &Vm, name: &Object<Str>, withdata: bool) -> PyResult {
        let text = name.to_string_lossy().into_owned();
        let Some(original) = library_name(&text).filter(|_| is_in_use(vm, &text)) else { return Ok(none()) };
        let library = vm.interpreter.library.borrow();
        let Some(module) = library.as_ref().and_then(|library| library.module(original)) else {
            return Ok(none());
        };
        let data = if withdata { Bytes::new(&module.code.bytes[..]).into_value() } else { none() };
        Ok(Tuple::from_values([data, boolean(module.is_package), vm.new_str(original)]).into_value())
    }

    /// Create a code object for a frozen module.
    #[function("get_frozen_object(name, data=None, /)")]
    fn get_frozen_object(vm: &Vm, name: &Object<Str>, data: Option<&Value>) -> PyResult {
        if let Some(data) = data {
            return frozen_object(vm, name, data);
        }
        match frozen_code(vm, &name.to_string_lossy())? {
            Some((code, _)) => Ok(code),
            None => Err(not_frozen(vm, name)),
        }
    }

    /// Initializes a frozen module.
    #[function("init_frozen(name, /)")]
    fn init_frozen(vm: &Vm, name: &Object<Str>) -> PyResult {
        import_frozen(vm, &name.to_string_lossy())
    }

    /// The code of a module that lies in the executable, or None.
    #[function("_library_code(name, path, /)")]
    fn library_code(vm: &Vm, name: &Value, path: &Value) -> PyResult {
        // Loaders are made of anything.
        let (Some(name), Some(path)) = (name.downcast::<Str>(), path.downcast::<Str>()) else {
            return Ok(none());
        };
        Ok(code_at(vm, &name.to_string_lossy(), &path.to_string_lossy())?.unwrap_or_else(none))
    }

    /// Path and package flag of a module that a folder in the executable holds; False where nothing there has its name, and
    /// None where one has to look.
    #[function("_library_find(name, folder, /)")]
    fn library_find(vm: &Vm, name: &Object<Str>, folder: &Object<Str>) -> PyResult {
        let executable = &vm.interpreter.configuration.executable;
        let folder = folder.to_string_lossy();
        let name = name.to_string_lossy();
        let library = vm.interpreter.library.borrow();
        let inner = crate::host::archive_path(executable, folder.as_bytes());
        let Some((inner, library)) = inner.zip(library.as_ref()) else { return Ok(none()) };
        if let Some((path, package)) = library.module_in(&name, inner) {
            let path = format!("{executable}/{path}");
            return Ok(Tuple::from_values([vm.new_str(&path), boolean(package)]).into_value());
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_there = ["", ".py", ".pyc"]
            .iter()
            .any(|suffix| library.entry(&format!("{inner}/{last}{suffix}")).is_some());
        Ok(if is_there { none() } else { boolean(false) })
    }

    /// Changes code.co_filename to specify the passed-in file path.
    #[function("_fix_co_filename(code, path, /)")]
    fn fix_co_filename(code: &Object<Code>, path: &Object<Str>) {
        crate::types::code::rename_file(code, path);
    }

    /// The hash of source that hash-based .pyc files hold.
    #[function("source_hash(key, source)")]
    fn source_hash(vm: &Vm, key: i64, source: &Value) -> PyResult<Ref<Bytes>> {
        let view = crate::buffer::view(vm, source)?;
        let hash = crate::types::string::hash::siphash13(key as u64, 0, view.as_slice());
        Ok(Bytes::new(&hash.to_le_bytes()[..]))
    }

    /// (internal-only) Override PyConfig.use_frozen_modules.
    #[function("_override_frozen_modules_for_tests(override, /)")]
    fn override_frozen(number: i64) {
        OVERRIDE.store(number.signum(), Ordering::Relaxed);
    }

    /// (internal-only) Override PyInterpreterConfig.check_multi_interp_extensions.
    #[function("_override_multi_interp_extensions_check(override, /)")]
    fn override_extensions(vm: &Vm, number: i64) -> PyResult<i64> {
        extension::override_check(vm, number)
    }

    /// Names of the frozen modules.
    #[function("_frozen_module_names()")]
    fn frozen_module_names(vm: &Vm) -> Vec<Value> {
        FROZEN.iter().map(|(name, _)| vm.intern(name).into_value()).collect()
    }
}

native_module! {
    name: "_imp",
    doc: "(Extremely) low-level import machinery bits as used by importlib.",
    functions: [Imp::FUNCTIONS],
    types: [],
    execute: |vm, module| {
        let policy = vm.interpreter.configuration.check_hash_based_pycs.clone();
        module.set_str(vm, "check_hash_based_pycs", if policy.is_empty() { "default" } else { &policy });
        module.set_int(vm, "pyc_magic_number_token", i64::from(u32::from_le_bytes(rspy_code::pyc::MAGIC)));
        Ok(())
    },
}

/// The code object that bytes hold.
fn frozen_object(vm: &Vm, name: &Object<Str>, data: &Value) -> PyResult {
    let Some(bytes) = data.downcast::<crate::types::bytes::Bytes>() else {
        return Err(vm.type_error(format!(
            "get_frozen_object() argument 2 must be bytes, not {}",
            data.type_of().full_name()
        )));
    };
    let shown = name.to_string_lossy();
    match crate::marshal::load(vm, bytes.as_slice(), true) {
        Ok((code, _)) if code.downcast::<crate::types::code::Code>().is_some() => Ok(code),
        Ok(_) => Err(vm.type_error(format!("frozen object '{shown}' is not a code object"))),
        Err(_) => Err(vm.import_error(
            format!("Frozen object named '{shown}' is invalid"),
            Some(&name.as_value()),
            None,
        )),
    }
}

//! Imports as the evaluator sees them: from a name to a module, by way of `importlib`.

pub mod extension;
pub mod frozen;
pub mod shadowing;
pub mod timing;

use std::borrow::Cow;

use crate::audit;
use crate::eval::frame::Frame;
use crate::exceptions::PyResult;
use crate::frozen_code::OutlinedCode;
use crate::names;
use crate::object::{Object, Payload, Ref};
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// The frozen library and the application that the executable carries: modules, and the folder tree that the
/// executable is as well.
pub trait Library: Send + Sync {
    /// A module of the standard library.
    fn module(&self, name: &str) -> Option<FrozenModule>;
    /// The module, of the library or of the application, whose file is at a path in the containers.
    fn module_at(&self, name: &str, path: &str) -> Option<FrozenModule>;
    /// Where the module of a name lies whose file is in a folder of the import path, or is a folder in it, and whether it
    /// is a package. The module is not opened.
    fn module_in(&self, name: &str, folder: &str) -> Option<(String, bool)>;
    /// Whether the standard library has a module.
    fn contains(&self, name: &str) -> bool;
    /// What lies at a path in the containers.
    fn entry(&self, path: &str) -> Option<LibraryEntry>;
    /// The names in a folder.
    fn list(&self, path: &str) -> Option<Vec<String>>;
    /// A file's contents.
    fn read(&self, path: &str) -> Option<Cow<'_, [u8]>>;
    /// The names of all modules of the library.
    fn names(&self) -> Vec<String>;
    /// Ends what goes on in the background: the process is about to be doubled, with this thread alone.
    fn settle(&self);
    /// Code, marshalled, that has `importlib` find the modules.
    fn importer(&self) -> &[u8];
}

/// A frozen module.
pub struct FrozenModule {
    /// Its code.
    pub code: OutlinedCode,
    /// Whether it is a package.
    pub is_package: bool,
    /// Its path in the container, such as `lib/python3.14/json/__init__.py`.
    pub path: String,
    /// The optimisation level that it was compiled with.
    pub optimize: u8,
}

/// A file or folder of the frozen library.
#[derive(Clone, Copy, Debug)]
pub struct LibraryEntry {
    /// Whether it is a folder.
    pub is_folder: bool,
    /// A file's length.
    pub size: u64,
}

/// `import name`: what the instruction does.
///
/// # Errors
/// What `__import__` raises.
pub fn import_name(
    vm: &Vm,
    frame: &Frame,
    name: &Object<Str>,
    locals: &Value,
    from_list: &Value,
    level: &Value,
) -> PyResult {
    let Some(function) = frame.builtins().get_str(&names::__import__) else {
        return Err(vm.import_error("__import__ not found", None, None));
    };
    if crate::builtins::is_plain_import(&function) {
        let level = crate::types::int::small_value(level).unwrap_or(0);
        return import_level(vm, name, Some(&frame.globals().to_ref()), from_list, level);
    }
    let globals = frame.globals().to_value();
    vm.call(&function, &[name.to_value(), globals, locals.clone(), from_list.clone(), level.clone()])
}

/// `__import__` itself.
///
/// # Errors
/// `ImportError`, and what the module's code raises.
pub fn import_level(
    vm: &Vm,
    name: &Object<Str>,
    globals: Option<&Ref<Dict>>,
    from_list: &Value,
    level: i64,
) -> PyResult {
    import_with_importer(vm, name, globals, from_list, level)
        .inspect_err(|error| crate::exceptions::traceback::remove_importer_frames(vm, error))
}

fn import_with_importer(
    vm: &Vm,
    name: &Object<Str>,
    globals: Option<&Ref<Dict>>,
    from_list: &Value,
    level: i64,
) -> PyResult {
    if level < 0 {
        return Err(vm.value_error("level must be >= 0"));
    }
    let absolute = if level > 0 {
        resolve_relative(vm, name, globals, level)?
    } else {
        if name.length() == 0 {
            return Err(vm.value_error("Empty module name"));
        }
        name.to_ref()
    };
    let module = find_and_load(vm, &absolute)?;
    let wants_names = !is_none(from_list) && vm.is_true(from_list)?;
    if wants_names {
        let has_path = match module.downcast_exact::<Module>() {
            Some(plain) => plain.dict_ref().contains_str(&names::__path__),
            None => vm.get_attribute_optional(&module, &names::__path__)?.is_some(),
        };
        if !has_path {
            return Ok(module);
        }
        let importlib = importlib(vm)?;
        let handle = vm.get_attribute_str(&importlib, "_handle_fromlist")?;
        let find = vm.get_attribute_str(&importlib, "_gcd_import")?;
        return vm.call(&handle, &[module, from_list.clone(), find]);
    }
    // `import a.b` binds `a`.
    let text = name.to_string_lossy();
    let Some(dot) = text.find('.') else { return Ok(module) };
    if level == 0 {
        return find_and_load(vm, &vm.intern(&text[..dot]));
    }
    let cut = text.len() - dot;
    let full = absolute.to_string_lossy();
    let front = vm.intern(&full[..full.len() - cut]);
    match vm.interpreter.modules.get_str(&front) {
        Some(found) => Ok(found),
        None => {
            let shown = vm.repr(front.value())?;
            let message = format!("{} not in sys.modules as expected", shown.to_string_lossy());
            Err(vm.key_error(&vm.new_str(&message)))
        }
    }
}

fn importlib(vm: &Vm) -> PyResult {
    vm.interpreter.importlib.get().ok_or_else(|| vm.import_error("importlib is not running yet", None, None))
}

fn modules(vm: &Vm) -> Option<Value> {
    vm.sys_attribute(&names::modules)
}

/// The module of an absolute name, loaded if it is not yet.
fn find_and_load(vm: &Vm, name: &Object<Str>) -> PyResult {
    let mut found = known(vm, name)?;
    if let Some(module) = found.as_ref().filter(|module| !is_none(module))
        && wait_until_ready(vm, module, name)?
    {
        // The import may have failed meanwhile.
        let now = known(vm, name)?;
        if !now.as_ref().is_some_and(|now| now.is(module)) {
            found = now;
        }
    }
    match found {
        Some(module) if is_none(&module) => {
            let message = format!("import of {} halted; None in sys.modules", name.to_string_lossy());
            Err(vm.module_not_found_error(message, Some(&name.to_value())))
        }
        Some(module) => {
            timing::tell_cached(vm, name);
            Ok(module)
        }
        None => {
            audit::raise_event(vm, "import", || {
                let of_sys = |name| vm.sys_attribute(&vm.intern(name)).unwrap_or_else(none);
                vec![name.to_value(), none(), of_sys("path"), of_sys("meta_path"), of_sys("path_hooks")]
            })?;
            let importlib = importlib(vm)?;
            let find = vm.get_attribute(&importlib, &names::_find_and_load)?;
            let import = vm.get_attribute_str(&importlib, "_gcd_import")?;
            timing::timed(vm, name, || vm.call(&find, &[name.to_value(), import]))
        }
    }
}

/// What `sys.modules` has under a name.
fn known(vm: &Vm, name: &Object<Str>) -> PyResult<Option<Value>> {
    let Some(modules) = modules(vm) else { return Err(vm.runtime_error("unable to get sys.modules")) };
    match modules.downcast_exact::<Dict>() {
        Some(dict) => Ok(dict.get_str(name)),
        None => match vm.get_item(&modules, &name.as_value()) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_key_error() => Ok(None),
            Err(error) => Err(error),
        },
    }
}

/// Where another thread is importing the module, waits for it; answers whether one was.
fn wait_until_ready(vm: &Vm, module: &Value, name: &Object<Str>) -> PyResult<bool> {
    let spec = match module.downcast_exact::<Module>() {
        Some(plain) => plain.dict_ref().get_str(&names::__spec__),
        None => vm.get_attribute_optional(module, &names::__spec__)?,
    };
    let Some(spec) = spec.filter(|spec| !is_none(spec)) else { return Ok(false) };
    let Some(initializing) = vm.get_attribute_optional(&spec, &names::_initializing)? else {
        return Ok(false);
    };
    let initializing = vm.is_true(&initializing)?;
    if initializing {
        let importlib = importlib(vm)?;
        vm.call_method(&importlib, &names::_lock_unlock_module, &[name.to_value()])?;
    }
    Ok(initializing)
}

/// Warns where a module's `__package__` is not what its spec says.
fn check_parent(vm: &Vm, package: &Value, spec: &Value) -> PyResult<()> {
    let parent = vm.get_attribute(spec, &names::parent)?;
    if package.is(&parent) || vm.equal(package, &parent)? {
        return Ok(());
    }
    let category = crate::exceptions::hierarchy::DeprecationWarning::static_type();
    crate::warnings::warn(vm, category, "__package__ != __spec__.parent", 1)
}

/// The absolute name of a relative one.
fn resolve_relative(
    vm: &Vm,
    name: &Object<Str>,
    globals: Option<&Ref<Dict>>,
    level: i64,
) -> PyResult<Ref<Str>> {
    let Some(globals) = globals else { return Err(vm.key_error(&vm.new_str("'__name__' not in globals"))) };
    let package = globals.get_str(&names::__package__).filter(|value| !is_none(value));
    let spec = globals.get_str(&names::__spec__).filter(|value| !is_none(value));
    let package = match (package, spec) {
        (Some(package), Some(spec)) => {
            if package.downcast::<Str>().is_some() {
                check_parent(vm, &package, &spec)?;
            }
            package
        }
        (Some(package), None) => package,
        (None, Some(spec)) => vm.get_attribute(&spec, &names::parent)?,
        (None, None) => {
            crate::warnings::warn(
                vm,
                crate::exceptions::hierarchy::ImportWarning::static_type(),
                "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__",
                1,
            )?;
            let Some(own) = globals.get_str(&names::__name__) else {
                return Err(vm.key_error(&vm.new_str("'__name__' not in globals")));
            };
            let Some(text) = own.downcast::<Str>() else {
                return Err(vm.type_error("__name__ must be a string"));
            };
            if globals.contains_str(&names::__path__) {
                own.clone()
            } else {
                let text = text.to_string_lossy();
                let parent = text.rfind('.').map_or("", |dot| &text[..dot]);
                vm.intern(parent).into_value()
            }
        }
    };
    let Some(package) = package.downcast::<Str>() else {
        return Err(vm.type_error("package must be a string"));
    };
    let package = package.to_string_lossy().into_owned();
    if package.is_empty() {
        return Err(vm.import_error("attempted relative import with no known parent package", None, None));
    }
    let mut base = package.as_str();
    for _ in 1..level {
        match base.rfind('.') {
            Some(dot) => base = &base[..dot],
            None => {
                return Err(vm.import_error(
                    "attempted relative import beyond top-level package",
                    None,
                    None,
                ));
            }
        }
    }
    Ok(if name.length() == 0 {
        vm.intern(base)
    } else {
        vm.intern(&format!("{base}.{}", name.to_string_lossy()))
    })
}

/// `from module import name`, for one name.
///
/// # Errors
/// `ImportError` where the module does not have it.
pub fn import_from(vm: &Vm, module: &Value, name: &Object<Str>) -> PyResult {
    if let Some(value) = vm.get_attribute_optional(module, name)? {
        return Ok(value);
    }
    let package = vm.get_attribute_optional(module, &names::__name__)?;
    let package_text = package.as_ref().and_then(|package| package.downcast::<Str>());
    // A submodule may be there while its package does not know it yet.
    if let Some(package) = package_text
        && let Some(modules) = modules(vm)
    {
        let full = vm.intern(&format!("{}.{}", package.to_string_lossy(), name.to_string_lossy()));
        if let Some(dict) = modules.downcast::<Dict>()
            && let Some(found) = dict.get_str(&full)
        {
            return Ok(found);
        }
    }
    Err(cannot_import(vm, module, package.as_ref(), name).unwrap_or_else(|other| other))
}

/// The error for a name that cannot be imported, or what prevents it from being made.
fn cannot_import(
    vm: &Vm,
    module: &Value,
    package: Option<&Value>,
    name: &Object<Str>,
) -> PyResult<crate::exceptions::Exception> {
    let shown = name.to_string_lossy();
    let text = package.and_then(|package| package.downcast::<Str>());
    let package_shown =
        text.map_or_else(|| "<unknown module name>".to_owned(), |text| text.to_string_lossy().into_owned());
    let spec =
        vm.get_attribute_optional(module, &names::__spec__).ok().flatten().filter(|spec| !is_none(spec));
    let spec_origin = spec.as_ref().and_then(|spec| shadowing::file_origin(vm, spec));
    let found = shadowing::shadowing(vm, text.and(package), spec_origin.as_ref())?;
    let initializing = spec.as_ref().is_some_and(|spec| shadowing::is_initializing(vm, spec));
    let advice = shadowing::advice(found, &package_shown, spec_origin.as_ref(), initializing);
    let origin = spec_origin.or_else(|| vm.get_attribute_optional(module, &names::__file__).ok().flatten());
    let place = origin
        .as_ref()
        .and_then(|origin| origin.downcast::<Str>())
        .map_or_else(|| "unknown location".to_owned(), |origin| origin.to_string_lossy().into_owned());
    let message = match advice {
        Some(advice) => format!("cannot import name '{shown}' from '{package_shown}' ({advice})"),
        None if initializing => format!(
            "cannot import name '{shown}' from partially initialized module '{package_shown}' (most likely due to a \
             circular import) ({place})"
        ),
        None => format!("cannot import name '{shown}' from '{package_shown}' ({place})"),
    };
    Ok(vm.import_from_error(message, text.and(package), origin.as_ref(), name))
}

/// Imports a module by its absolute name.
///
/// # Errors
/// `ImportError`, and what the module's code raises.
pub fn import_module(vm: &Vm, name: &str) -> PyResult {
    let name = vm.intern(name);
    if let Some(found) = vm.interpreter.modules.get_str(&name).filter(|found| !is_none(found)) {
        return Ok(found);
    }
    find_and_load(vm, &name)
}

//! Extension modules that are initialised in a single phase: what of them is kept for the next import.
//!
//! A module without state that can be made anew (`m_size` of -1) is initialised once in the process. Every later import,
//! in whichever interpreter, takes over the names that it had then. One with state is initialised anew each time.

use super::{Initialize, Request, check_interpreter, initialized};
use crate::cell::GilCell;
use crate::exceptions::PyResult;
use crate::import::extension::Initialized;
use crate::interpreters::PerInterpreter;
use crate::names;
use crate::native::NativeModule;
use crate::object::{Object, Ref};
use crate::types::dict::Dict;
use crate::types::module::Module;
use crate::types::string::Str;
use crate::value::Value;
use crate::vm::Vm;

/// A module that was imported.
#[derive(Clone)]
struct Kept {
    path: String,
    name: String,
    description: &'static NativeModule,
    again: Again,
}

/// How it is imported again.
#[derive(Clone)]
enum Again {
    /// By the names that it had.
    Names(Ref<Dict>),
    /// By initialising it.
    Initialize(Initialize),
}

static KEPT: GilCell<Vec<Kept>> = GilCell::new(Vec::new());

/// The modules of an interpreter, by the address of their description.
static MODULES: PerInterpreter<GilCell<Vec<(usize, Ref<Module>)>>> = PerInterpreter::new(GilCell::default);

fn key(description: &'static NativeModule) -> usize {
    std::ptr::from_ref(description).addr()
}

/// The interpreter's module with a description (`PyState_FindModule`).
pub fn module_of(vm: &Vm, description: &'static NativeModule) -> Option<Ref<Module>> {
    let key = key(description);
    MODULES.of(vm).borrow().iter().find(|(known, _)| *known == key).map(|(_, module)| module.clone())
}

fn set_module(vm: &Vm, description: &'static NativeModule, module: Option<Ref<Module>>) {
    let key = key(description);
    let mut modules = MODULES.of(vm).borrow_mut();
    let place = modules.iter().position(|(known, _)| *known == key);
    let before = place.map(|place| modules.swap_remove(place));
    modules.extend(module.map(|module| (key, module)));
    drop(modules);
    // It may have finalisers.
    drop(before);
}

/// Keeps what the next import of a module needs, in the main interpreter.
pub(super) fn remember(vm: &Vm, request: &Request, initialize: Initialize, module: &Object<Module>) {
    module.dict().set_str(&names::__file__, vm.new_str(&request.path.to_string_lossy()));
    let Some(description) = module.native() else { return };
    let again = if description.state_size < 0 {
        Again::Names(module.dict().copy())
    } else {
        Again::Initialize(initialize)
    };
    let path = request.path.to_string_lossy().into_owned();
    let kept = Kept { path, name: request.text.clone(), description, again };
    let before = forget(&kept.name, &kept.path);
    KEPT.borrow_mut().push(kept);
    drop(before);
}

fn forget(name: &str, path: &str) -> Option<Kept> {
    let mut kept = KEPT.borrow_mut();
    let place = kept.iter().position(|kept| kept.name == name && kept.path == path)?;
    Some(kept.swap_remove(place))
}

/// Lists a new module where the interpreter looks for modules.
pub(super) fn finish(vm: &Vm, request: &Request, module: &Object<Module>) -> PyResult<()> {
    if let Some(description) = module.native() {
        set_module(vm, description, Some(module.to_ref()));
    }
    list(vm, &request.name, module)
}

fn list(vm: &Vm, name: &Object<Str>, module: &Object<Module>) -> PyResult<()> {
    match vm.sys_attribute(&names::modules) {
        Some(modules) => vm.set_item(&modules, &name.to_value(), &module.to_value()),
        None => Err(vm.runtime_error("unable to get sys.modules")),
    }
}

/// A module that was imported before, again.
pub(super) fn find(vm: &Vm, request: &Request) -> PyResult<Option<Value>> {
    let path = request.path.to_string_lossy();
    let found = KEPT.borrow().iter().find(|kept| kept.name == request.text && kept.path == path).cloned();
    let Some(Kept { description, again, .. }) = found else { return Ok(None) };
    check_interpreter(vm, &request.text)?;
    let module = match again {
        Again::Names(known) => {
            let module = listed(vm, &request.name)?;
            module.dict().merge(vm, &known, true)?;
            module
        }
        Again::Initialize(initialize) => {
            let Initialized::Module(module) = initialized(vm, initialize, &request.text)? else {
                return Ok(None);
            };
            module.dict().set_str(&names::__file__, request.path.to_value());
            list(vm, &request.name, &module)?;
            module
        }
    };
    set_module(vm, description, Some(module.clone()));
    Ok(Some(module.into_value()))
}

/// The module that `sys.modules` has, or a new one there.
fn listed(vm: &Vm, name: &Object<Str>) -> PyResult<Ref<Module>> {
    if let Some(modules) = vm.sys_attribute(&names::modules)
        && let Some(modules) = modules.downcast::<Dict>()
        && let Some(found) = modules.get_str(name)
        && let Ok(module) = found.downcast_into::<Module>()
    {
        return Ok(module);
    }
    let module = Module::new(vm, &name.to_string_lossy());
    list(vm, name, &module)?;
    Ok(module)
}

/// Forgets a module, for tests (`_testinternalcapi.clear_extension`).
pub fn clear(vm: &Vm, name: &str, path: &str) {
    if let Some(kept) = forget(name, path) {
        set_module(vm, kept.description, None);
    }
}

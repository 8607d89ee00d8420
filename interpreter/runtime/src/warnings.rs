//! Warnings: what filters make of them, who is told, and the module `_warnings`.
//!
//! The module `warnings` has the lists and functions that programs may replace; they are looked up there each time,
//! and the interpreter's own stand in until it is imported.

use std::cell::Cell;

use rspy_macros::pyfunctions;

use crate::cell::GilCell;
use crate::exceptions::hierarchy::{
    DeprecationWarning, ImportWarning, PendingDeprecationWarning, ResourceWarning, RuntimeWarning,
    UserWarning, Warning,
};
use crate::exceptions::{PyResult, prepare_raise, traceback};
use crate::import::import_module;
use crate::names;
use crate::native_module;
use crate::object::{Object, Payload, Ref, TypeObject};
use crate::types::bool::boolean;
use crate::types::dict::Dict;
use crate::types::frame::FrameObject;
use crate::types::int;
use crate::types::list::List;
use crate::types::module::Module;
use crate::types::none::{is_none, none};
use crate::types::string::Str;
use crate::types::tuple::Tuple;
use crate::types::typ::Type;
use crate::value::Value;
use crate::vm::{Vm, request};

/// The state of warnings filters.
#[derive(Default)]
pub struct State {
    filters: GilCell<Option<Ref<List>>>,
    once_registry: GilCell<Option<Ref<Dict>>>,
    default_action: GilCell<Option<Value>>,
    /// The context variable with the filters of `catch_warnings`.
    context: GilCell<Option<Value>>,
    /// Counts changes of the filters, so that registries know what is out of date.
    version: Cell<i64>,
    /// The thread that changes filters, and how often it has locked them.
    lock: Cell<(u64, u32)>,
}

impl State {
    /// Forgets the filters and what was shown.
    pub(crate) fn forget(&self) {
        drop(self.filters.take());
        drop(self.once_registry.take());
        drop(self.default_action.take());
        drop(self.context.take());
    }

    fn filters(&self, vm: &Vm) -> Ref<List> {
        if let Some(filters) = self.filters.get() {
            return filters;
        }
        let filters = List::from_vec(default_filters(vm));
        self.filters.set(Some(filters.clone()));
        filters
    }

    fn once_registry(&self) -> Ref<Dict> {
        if let Some(registry) = self.once_registry.get() {
            return registry;
        }
        let registry = Dict::new();
        self.once_registry.set(Some(registry.clone()));
        registry
    }

    fn default_action(&self, vm: &Vm) -> Value {
        if let Some(action) = self.default_action.get() {
            return action;
        }
        let action = vm.new_str("default");
        self.default_action.set(Some(action.clone()));
        action
    }

    fn acquire(&self, vm: &Vm) -> PyResult<()> {
        loop {
            let (owner, depth) = self.lock.get();
            if depth == 0 || owner == vm.thread_id {
                self.lock.set((vm.thread_id, depth + 1));
                return Ok(());
            }
            // The owner needs the interpreter to come to its end.
            vm.interpreter.request(request::YIELD);
            crate::attention::attend(vm)?;
        }
    }

    /// Unlocks the filters in the child of a fork, where the thread that locked them did not come along.
    pub(crate) fn unlock_in_child(&self, vm: &Vm) {
        if !self.is_held(vm) {
            self.lock.set((0, 0));
        }
    }

    fn is_held(&self, vm: &Vm) -> bool {
        let (owner, depth) = self.lock.get();
        depth > 0 && owner == vm.thread_id
    }

    fn release(&self, vm: &Vm) -> bool {
        let (owner, depth) = self.lock.get();
        if !self.is_held(vm) {
            return false;
        }
        self.lock.set((owner, depth - 1));
        true
    }
}

/// What is filtered unless the command line or the program says otherwise.
fn default_filters(vm: &Vm) -> Vec<Value> {
    let filter = |action: &str, category: &'static TypeObject, module: Option<&str>| {
        let module = module.map_or_else(none, |module| vm.intern(module).into_value());
        let action = vm.intern(action).into_value();
        Tuple::from_values([action, none(), category.to_value(), module, Value::int(0)]).into_value()
    };
    vec![
        filter("default", DeprecationWarning::static_type(), Some("__main__")),
        filter("ignore", DeprecationWarning::static_type(), None),
        filter("ignore", PendingDeprecationWarning::static_type(), None),
        filter("ignore", ImportWarning::static_type(), None),
        filter("ignore", ResourceWarning::static_type(), None),
    ]
}

/// A warning and where it is from.
struct Issue<'a> {
    category: Value,
    message: Value,
    filename: Value,
    line: i64,
    module: Option<Value>,
    registry: Option<Value>,
    source_line: Option<Value>,
    source: Option<&'a Value>,
}

/// Issues a warning at the line of Python code that is `stack_level` calls up.
///
/// # Errors
/// The warning itself where filters make it an error, and what showing it raises.
pub fn warn(vm: &Vm, category: &TypeObject, message: &str, stack_level: isize) -> PyResult<()> {
    issue(vm, vm.new_str(message), category.to_value(), stack_level, None, &[])
}

/// Issues a `ResourceWarning` about an object.
///
/// # Errors
/// As for [`warn`].
pub fn resource_warning(vm: &Vm, source: &Value, message: &str, stack_level: isize) -> PyResult<()> {
    let category = ResourceWarning::static_type().to_value();
    issue(vm, vm.new_str(message), category, stack_level, Some(source), &[])
}

/// Issues a warning at a place of one's own.
///
/// # Errors
/// As for [`warn`].
pub fn warn_explicit(
    vm: &Vm,
    category: &TypeObject,
    message: &Value,
    filename: &Value,
    line: i64,
    module: Option<&Value>,
    registry: Option<&Value>,
) -> PyResult<()> {
    locked(vm, |vm| {
        handle(
            vm,
            Issue {
                category: category.to_value(),
                message: message.clone(),
                filename: filename.clone(),
                line,
                module: module.cloned(),
                registry: registry.cloned(),
                source_line: None,
                source: None,
            },
        )
    })
}

/// Issues a warning at a line of a file that has no module yet, such as one being compiled.
///
/// # Errors
/// As for [`warn`].
pub fn warn_explicit_plain(
    vm: &Vm,
    category: &TypeObject,
    message: &str,
    filename: &Object<Str>,
    line: i32,
) -> PyResult<()> {
    warn_explicit(vm, category, &vm.new_str(message), &filename.as_value(), i64::from(line), None, None)
}

/// Warns that a coroutine ends which nothing has ever awaited. What goes wrong meanwhile is reported as unraisable.
pub fn warn_unawaited_coroutine(vm: &Vm, coroutine: &Value) {
    let shown = match library_attribute(vm, "_warn_unawaited_coroutine", true) {
        Ok(Some(function)) => vm.call(&function, std::slice::from_ref(coroutine)).map(drop),
        Ok(None) => unawaited(vm, coroutine),
        Err(error) => Err(error),
    };
    if let Err(error) = shown {
        let shown = vm.repr(coroutine).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let message = format!("Exception ignored while finalizing coroutine {shown}");
        crate::exceptions::print::write_unraisable(vm, error, Some(&message), None);
    }
}

fn unawaited(vm: &Vm, coroutine: &Value) -> PyResult<()> {
    let name = vm.get_attribute(coroutine, &names::__qualname__)?;
    let message = format!("coroutine '{}' was never awaited", vm.str(&name)?.to_string_lossy());
    warn(vm, RuntimeWarning::static_type(), &message, 1)
}

fn locked(vm: &Vm, run: impl FnOnce(&Vm) -> PyResult<()>) -> PyResult<()> {
    let state = &vm.interpreter.warnings;
    state.acquire(vm)?;
    let result = run(vm);
    state.release(vm);
    result
}

fn issue(
    vm: &Vm,
    message: Value,
    category: Value,
    stack_level: isize,
    source: Option<&Value>,
    skipped: &[Value],
) -> PyResult<()> {
    let frame = frame_at(vm, stack_level, skipped)?;
    let (globals, filename, line) = match &frame {
        Some(frame) => {
            let line = vm.get_attribute_str(frame, "f_lineno")?;
            let globals = vm.get_attribute_str(frame, "f_globals")?;
            let globals = globals.downcast_into::<Dict>().unwrap_or_else(|_| Dict::new());
            let filename = filename_of(frame);
            (globals, filename, int::small_value(&line).unwrap_or(0))
        }
        None => {
            let sys = vm.interpreter.sys.borrow().as_ref().map_or_else(Dict::new, |sys| sys.dict());
            (sys, vm.new_str("<sys>"), 0)
        }
    };
    let registry = match globals.get_str(&names::__warningregistry__) {
        Some(registry) => registry,
        None => {
            let registry = Dict::new().into_value();
            globals.set_str(&names::__warningregistry__, registry.clone());
            registry
        }
    };
    let module = globals
        .get_str(&names::__name__)
        .filter(|module| is_none(module) || module.downcast::<Str>().is_some())
        .unwrap_or_else(|| vm.new_str("<string>"));
    locked(vm, |vm| {
        let place = Issue {
            category,
            message,
            filename,
            line,
            module: Some(module),
            registry: Some(registry),
            source_line: None,
            source,
        };
        handle(vm, place)
    })
}

/// The frame that a warning is attributed to; none above the outermost.
fn frame_at(vm: &Vm, stack_level: isize, skipped: &[Value]) -> PyResult<Option<Value>> {
    let mut frame = traceback::current_frame(vm).map(Ref::into_value);
    let counts_all = stack_level <= 0
        || match &frame {
            Some(frame) => is_internal(&filename_of(frame)),
            None => false,
        };
    for _ in 1..stack_level {
        loop {
            let Some(inner) = frame else { return Ok(None) };
            let outer = vm.get_attribute_str(&inner, "f_back")?;
            frame = (!is_none(&outer)).then_some(outer);
            let Some(outer) = &frame else { return Ok(None) };
            if counts_all {
                break;
            }
            let filename = filename_of(outer);
            if !is_internal(&filename) && !is_skipped(&filename, skipped) {
                break;
            }
        }
    }
    Ok(frame)
}

fn filename_of(frame: &Value) -> Value {
    let code = frame.downcast::<FrameObject>().and_then(|frame| frame.code());
    code.map_or_else(none, |code| code.filename().into_value())
}

/// Whether a file is of the import system, whose frames do not count.
fn is_internal(filename: &Value) -> bool {
    filename.downcast::<Str>().is_some_and(|name| {
        let name = name.to_string_lossy();
        name.contains("importlib") && name.contains("_bootstrap")
    })
}

fn is_skipped(filename: &Value, prefixes: &[Value]) -> bool {
    let Some(filename) = filename.downcast::<Str>() else { return false };
    prefixes.iter().filter_map(|prefix| prefix.downcast::<Str>()).any(|prefix| {
        let length = prefix.length();
        length <= filename.length()
            && filename.characters().iter().take(length).eq(prefix.characters().iter())
    })
}

/// An attribute of the module `warnings`, if that is imported and has it.
fn library_attribute(vm: &Vm, name: &str, import: bool) -> PyResult<Option<Value>> {
    let module = if import && !vm.interpreter.finalizing.get() {
        match import_module(vm, "warnings") {
            Ok(module) => module,
            Err(error) if error.is_import_error() => return Ok(None),
            Err(error) => return Err(error),
        }
    } else {
        match vm.interpreter.modules.get_str(&names::warnings) {
            Some(module) if !is_none(&module) => module,
            _ => return Ok(None),
        }
    };
    vm.get_attribute_optional(&module, &vm.intern(name))
}

/// Does with a warning what the filters say.
fn handle(vm: &Vm, mut place: Issue<'_>) -> PyResult<()> {
    if place.module.as_ref().is_some_and(is_none) {
        // The interpreter shuts down, and the filters are gone.
        return Ok(());
    }
    let registry = place.registry.take().filter(|registry| !is_none(registry));
    if registry.as_ref().is_some_and(|registry| registry.downcast::<Dict>().is_none()) {
        return Err(vm.type_error("'registry' must be a dict or None"));
    }
    let registry = registry.and_then(|registry| registry.downcast_into::<Dict>().ok());
    let module = place.module.clone().unwrap_or_else(|| module_of_file(vm, &place.filename));
    let text = if vm.is_instance(&place.message, &Warning::static_type().to_value())? {
        place.category = place.message.type_of().to_value();
        vm.str(&place.message)?.into_value()
    } else {
        let text = place.message.clone();
        place.message = vm.call(&place.category, std::slice::from_ref(&text))?;
        text
    };
    let key = Tuple::from_values([text.clone(), place.category.clone(), int::new(place.line)]).into_value();
    if let Some(registry) = &registry
        && already_warned(vm, registry, &key, false)?
    {
        return Ok(());
    }
    let (action, item) = action_for(vm, &place, &text, &module)?;
    let shown_action = action.to_string_lossy();
    match &*shown_action {
        "error" => return Err(prepare_raise(vm, &place.message, None).unwrap_or_else(|error| error)),
        "ignore" => return Ok(()),
        "always" | "all" => {}
        other => {
            if let Some(registry) = &registry {
                registry.set(vm, &key, boolean(true))?;
            }
            let seen = match other {
                "once" => {
                    let registry = match &registry {
                        Some(registry) => registry.clone(),
                        None => once_registry(vm)?,
                    };
                    note(vm, &registry, &text, &place.category)?
                }
                "module" => match &registry {
                    Some(registry) => note(vm, registry, &text, &place.category)?,
                    None => false,
                },
                "default" => false,
                _ => {
                    let item = vm.repr(&item)?;
                    return Err(vm.runtime_error(format!(
                        "Unrecognized action ({}) in warnings.filters:\n {}",
                        vm.repr(action.value())?.to_string_lossy(),
                        item.to_string_lossy()
                    )));
                }
            };
            if seen {
                return Ok(());
            }
        }
    }
    show(vm, &place, &text)
}

/// The module that a file name stands for.
fn module_of_file(vm: &Vm, filename: &Value) -> Value {
    let Some(name) = filename.downcast::<Str>() else { return filename.clone() };
    let length = name.length();
    if length == 0 {
        return vm.new_str("<unknown>");
    }
    if name.to_string_lossy().ends_with(".py") {
        name.slice(0, length - 3).into_value()
    } else {
        name.to_value()
    }
}

/// Whether a registry knows a warning; registries that are older than the filters are emptied.
fn already_warned(vm: &Vm, registry: &Object<Dict>, key: &Value, remember: bool) -> PyResult<bool> {
    let version = vm.interpreter.warnings.version.get();
    let known = registry.get_str(&names::version).as_ref().and_then(int::small_value);
    if known == Some(version) {
        if let Some(seen) = registry.get(vm, key)?
            && vm.is_true(&seen)?
        {
            return Ok(true);
        }
    } else {
        registry.clear();
        registry.set_str(&names::version, int::new(version));
    }
    if remember {
        registry.set(vm, key, boolean(true))?;
    }
    Ok(false)
}

/// Remembers a warning without its line; answers whether it was known.
fn note(vm: &Vm, registry: &Object<Dict>, text: &Value, category: &Value) -> PyResult<bool> {
    let key = Tuple::from_values([text.clone(), category.clone()]).into_value();
    already_warned(vm, registry, &key, true)
}

fn once_registry(vm: &Vm) -> PyResult<Ref<Dict>> {
    let state = &vm.interpreter.warnings;
    let Some(registry) = library_attribute(vm, "onceregistry", false)? else {
        return Ok(state.once_registry());
    };
    match registry.downcast_into::<Dict>() {
        Ok(registry) => {
            state.once_registry.set(Some(registry.clone()));
            Ok(registry)
        }
        Err(other) => Err(vm.type_error(format!(
            "_warnings.onceregistry must be a dict, not '{}'",
            other.type_of().full_name()
        ))),
    }
}

fn default_action(vm: &Vm) -> PyResult {
    let state = &vm.interpreter.warnings;
    let Some(action) = library_attribute(vm, "defaultaction", false)? else {
        return Ok(state.default_action(vm));
    };
    if action.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "_warnings.defaultaction must be a string, not '{}'",
            action.type_of().full_name()
        )));
    }
    state.default_action.set(Some(action.clone()));
    Ok(action)
}

/// The filters of the running `catch_warnings` of this context, if there is one.
fn context_filters(vm: &Vm) -> PyResult<Option<Ref<List>>> {
    let Some(variable) = vm.interpreter.warnings.context.get() else { return Ok(None) };
    let context = vm.call_method_str(&variable, "get", &[none()])?;
    if is_none(&context) {
        return Ok(None);
    }
    let filters = vm.get_attribute_str(&context, "_filters")?;
    match filters.downcast_into::<List>() {
        Ok(filters) => Ok(Some(filters)),
        Err(_) => Err(vm.value_error("_filters of warnings._warnings_context must be a list")),
    }
}

/// The filters that `warnings.filters` names.
fn global_filters(vm: &Vm) -> PyResult<Ref<List>> {
    let state = &vm.interpreter.warnings;
    let Some(filters) = library_attribute(vm, "filters", false)? else { return Ok(state.filters(vm)) };
    match filters.downcast_into::<List>() {
        Ok(filters) => {
            state.filters.set(Some(filters.clone()));
            Ok(filters)
        }
        Err(_) => Err(vm.value_error("_warnings.filters must be a list")),
    }
}

/// What is to be done with a warning, and the filter that says so.
fn action_for(vm: &Vm, place: &Issue<'_>, text: &Value, module: &Value) -> PyResult<(Ref<Str>, Value)> {
    let mut found = None;
    if let Some(filters) = context_filters(vm)? {
        found = search(vm, &filters, "_warnings_context _filters", place, text, module)?;
    }
    if found.is_none() {
        found = search(vm, &*global_filters(vm)?, "filters", place, text, module)?;
    }
    if let Some(found) = found {
        return Ok(found);
    }
    let action = default_action(vm)?;
    Ok((vm.str(&action)?, none()))
}

fn search(
    vm: &Vm,
    filters: &Object<List>,
    list_name: &str,
    place: &Issue<'_>,
    text: &Value,
    module: &Value,
) -> PyResult<Option<(Ref<Str>, Value)>> {
    let mut index = 0;
    while let Some(item) = filters.get(index) {
        let parts = item.downcast::<Tuple>().map(|tuple| tuple.items());
        let Some([action, message, category, of_module, line]) = parts else {
            return Err(vm.value_error(format!("warnings.{list_name} item {index} isn't a 5-tuple")));
        };
        let Some(action) = action.downcast::<Str>() else {
            return Err(
                vm.type_error(format!("action must be a string, not '{}'", action.type_of().full_name()))
            );
        };
        let good_message = pattern_matches(vm, message, text)?;
        let good_module = pattern_matches(vm, of_module, module)?;
        let good_category = vm.is_subclass(&place.category, category)?;
        let line =
            vm.index_size(line, |vm| vm.overflow_error("Python int too large to convert to C ssize_t"))?;
        if good_message && good_category && good_module && (line == 0 || line as i64 == place.line) {
            return Ok(Some((action.to_ref(), item.clone())));
        }
        index += 1;
    }
    Ok(None)
}

/// `None` matches everything, a plain text itself, and anything else is a compiled regular expression.
fn pattern_matches(vm: &Vm, pattern: &Value, text: &Value) -> PyResult<bool> {
    if is_none(pattern) {
        return Ok(true);
    }
    if let Some(plain) = pattern.downcast_exact::<Str>() {
        return Ok(text.downcast::<Str>().is_some_and(|text| text.same_text(plain)));
    }
    let found = vm.call_method_str(pattern, "match", std::slice::from_ref(text))?;
    vm.is_true(&found)
}

/// Shows a warning with `warnings._showwarnmsg`, or plainly where there is no such function.
fn show(vm: &Vm, place: &Issue<'_>, text: &Value) -> PyResult<()> {
    let Some(function) = library_attribute(vm, "_showwarnmsg", true)? else {
        show_plainly(vm, place, text);
        return Ok(());
    };
    if !vm.is_callable(&function) {
        return Err(vm.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = library_attribute(vm, "WarningMessage", false)? else {
        return Err(vm.runtime_error("unable to get warnings.WarningMessage"));
    };
    let mut fields = vec![
        place.message.clone(),
        place.category.clone(),
        place.filename.clone(),
        int::new(place.line),
        none(),
        none(),
    ];
    fields.extend(place.source.filter(|source| !is_none(source)).cloned());
    let message = vm.call(&class, &fields)?;
    vm.call(&function, &[message])?;
    Ok(())
}

fn show_plainly(vm: &Vm, place: &Issue<'_>, text: &Value) {
    let Some(file) = vm.sys_attribute(&names::stderr).filter(|file| !is_none(file)) else { return };
    let show =
        |value: &Value| vm.str(value).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    let category = place.category.downcast::<Type>().map_or_else(String::new, |category| category.name());
    let filename = show(&place.filename);
    let mut out = format!("{filename}:{}: {category}: {}\n", place.line, show(text));
    let line = match &place.source_line {
        Some(line) => Some(show(line)),
        None => std::fs::read_to_string(&filename).ok().and_then(|source| {
            let index = usize::try_from(place.line - 1).ok()?;
            source.lines().nth(index).map(str::to_owned)
        }),
    };
    if let Some(line) = line {
        out.push_str(&format!("  {}\n", line.trim_matches([' ', '\t', '\x0c'])));
    }
    let _ = vm.call_method(&file, &names::write, &[vm.new_str(&out)]);
}

/// The class of a warning that is given as a message and, perhaps, a category.
fn category_of(vm: &Vm, message: &Value, category: Option<&Value>) -> PyResult {
    let warning = Warning::static_type().to_value();
    if vm.is_instance(message, &warning)? {
        return Ok(message.type_of().to_value());
    }
    let category = category
        .filter(|category| !is_none(category))
        .cloned()
        .unwrap_or_else(|| UserWarning::static_type().to_value());
    match vm.is_subclass(&category, &warning) {
        Ok(true) => Ok(category),
        _ => Err(vm.type_error(format!(
            "category must be a Warning subclass, not '{}'",
            category.type_of().full_name()
        ))),
    }
}

/// The line of a module's source that its loader gives.
fn source_line(vm: &Vm, globals: &Value, line: i64) -> PyResult<Option<Value>> {
    let Some(globals) = globals.downcast::<Dict>() else {
        return Err(
            vm.type_error(format!("module_globals must be a dict, not '{}'", globals.type_of().full_name()))
        );
    };
    let Some(import) = vm.interpreter.modules.get_str(&names::_frozen_importlib_external) else {
        return Ok(None);
    };
    // The import system decides between `__spec__.loader` and `__loader__`, and warns if they differ.
    let loader = vm.call_method_str(&import, "_bless_my_loader", &[globals.to_value()])?;
    let Some(name) = globals.get_str(&names::__name__) else { return Ok(None) };
    let Some(get_source) = vm.get_attribute_optional(&loader, &vm.intern("get_source"))? else {
        return Ok(None);
    };
    let source = vm.call(&get_source, &[name])?;
    if is_none(&source) {
        return Ok(None);
    }
    let lines = vm.call_method_str(&source, "splitlines", &[])?;
    vm.get_item(&lines, &int::new(line - 1)).map(Some)
}

native_module! {
    name: "_warnings",
    doc: "Basic warning filtering, at the side of the module warnings.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: execute
}

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    let state = &vm.interpreter.warnings;
    let set = |name: &str, value: Value| module.dict().set_str(&vm.intern(name), value);
    set("filters", state.filters(vm).into_value());
    set("_onceregistry", state.once_registry().into_value());
    set("_defaultaction", state.default_action(vm));
    // This runs before modules can be imported by name.
    let contextvars = crate::import::frozen::import_native(vm, "_contextvars")?
        .ok_or_else(|| vm.import_error("No module named '_contextvars'", None, None))?;
    let variable =
        vm.call_method_str(&contextvars.into_value(), "ContextVar", &[vm.new_str("_warnings_context")])?;
    state.context.set(Some(variable.clone()));
    set("_warnings_context", variable);
    Ok(())
}

struct Functions;

#[pyfunctions]
impl Functions {
    /// Issue a warning, or maybe ignore it or raise an exception.
    #[function("warn(message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())")]
    fn warn(
        vm: &Vm,
        message: &Value,
        category: Option<&Value>,
        stacklevel: isize,
        source: Option<&Value>,
        skip_file_prefixes: Option<&[Value]>,
    ) -> PyResult<()> {
        let category = category_of(vm, message, category)?;
        let skipped = skip_file_prefixes.unwrap_or(&[]);
        if let Some(other) = skipped.iter().find(|prefix| prefix.downcast::<Str>().is_none()) {
            return Err(vm.type_error(format!(
                "Found non-str '{}' in skip_file_prefixes.",
                other.type_of().full_name()
            )));
        }
        let stack_level = if skipped.is_empty() { stacklevel } else { stacklevel.max(2) };
        issue(vm, message.clone(), category, stack_level, source, skipped)
    }

    /// Issue a warning, or maybe ignore it or raise an exception.
    #[function(
        "warn_explicit(message, category, filename, lineno, module=<unrepresentable>, registry=None, module_globals=None, source=None)"
    )]
    fn warn_explicit(
        vm: &Vm,
        message: &Value,
        category: &Value,
        filename: &Object<Str>,
        lineno: i32,
        module: Option<&Value>,
        registry: Option<&Value>,
        module_globals: Option<&Value>,
        source: Option<&Value>,
    ) -> PyResult<()> {
        let line = i64::from(lineno);
        let source_line = match module_globals.filter(|globals| !is_none(globals)) {
            Some(globals) => source_line(vm, globals, line)?,
            None => None,
        };
        locked(vm, |vm| {
            let place = Issue {
                category: category.clone(),
                message: message.clone(),
                filename: filename.to_value(),
                line,
                module: module.cloned(),
                registry: registry.cloned(),
                source_line,
                source,
            };
            handle(vm, place)
        })
    }

    /// Tell that the filters have changed. The lock must be held.
    #[function("_filters_mutated_lock_held()")]
    fn filters_mutated_lock_held(vm: &Vm) -> PyResult<()> {
        let state = &vm.interpreter.warnings;
        if !state.is_held(vm) {
            return Err(vm.runtime_error("warnings lock is not held"));
        }
        state.version.set(state.version.get() + 1);
        Ok(())
    }

    /// Lock the filters.
    #[function("_acquire_lock()")]
    fn acquire_lock(vm: &Vm) -> PyResult<()> {
        vm.interpreter.warnings.acquire(vm)
    }

    /// Unlock the filters.
    #[function("_release_lock()")]
    fn release_lock(vm: &Vm) -> PyResult<()> {
        if vm.interpreter.warnings.release(vm) {
            return Ok(());
        }
        Err(vm.runtime_error("cannot release un-acquired lock"))
    }
}

//! `_interpreters`: several interpreters in one process (PEP 734), with what crosses between them in `crossing`, and
//! what carries it in `queues` and `channels`.

mod captured;
pub mod channels;
pub mod configuration;
pub mod crossing;
pub mod errors;
pub mod queues;
pub mod scripts;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::{Exception, PyResult, is_exception};
use rspy_runtime::import::frozen::run_code;
use rspy_runtime::interpreters::{self, Whence};
use rspy_runtime::marshal;
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::function::Function;
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::int;
use rspy_runtime::value::Value;
use rspy_runtime::vm::{Interpreter, Vm};

use crate::datetime::arguments::{Arguments, Parameters};
use captured::Captured;
use crossing::{Crossing, Fallback, SharedBuffer};
use errors::{InterpreterError, InterpreterNotFoundError, NotShareableError};
use scripts::Purity;

native_module! {
    name: "_interpreters",
    doc: "This module provides primitive operations to manage Python interpreters.\nThe 'interpreters' module provides a more convenient interface.",
    functions: [Functions::FUNCTIONS],
    types: [InterpreterError, InterpreterNotFoundError, NotShareableError, SharedBuffer],
    execute: |vm, module| {
        let kinds = ["UNKNOWN", "RUNTIME", "LEGACY_CAPI", "CAPI", "XI", "STDLIB"];
        for (kind, number) in kinds.into_iter().zip(0..) {
            module.set_int(vm, &format!("WHENCE_{kind}"), number);
        }
        Ok(())
    },
}

/// A number that stands for something, as the low-level modules take it.
pub fn number_of(vm: &Vm, value: &Value, what: &str) -> PyResult<i64> {
    if value.type_of().slots().index.get().is_none() {
        let class = value.type_of().full_name();
        return Err(vm.type_error(format!("{what} ID must be an int, got {class}")));
    }
    let index = vm.index(value)?;
    match int::small_value(&index) {
        Some(number) if number >= 0 => Ok(number),
        Some(_) => {
            let shown = vm.repr(value)?;
            let shown = shown.to_string_lossy();
            Err(vm.value_error(format!("{what} ID must be a non-negative int, got {shown}")))
        }
        None => Err(vm.overflow_error("int too big to convert")),
    }
}

fn find(vm: &Vm, id: &Value) -> PyResult<&'static Interpreter> {
    let id = number_of(vm, id, "interpreter")?;
    interpreters::find(id)
        .ok_or_else(|| InterpreterNotFoundError::error(vm, format!("unrecognized interpreter ID {id}")))
}

/// The interpreter with a number; with `restrict` it must be one that this module made.
fn resolve(vm: &Vm, id: &Value, restrict: bool, doing: &str) -> PyResult<&'static Interpreter> {
    let interpreter = find(vm, id)?;
    if restrict && interpreter.identity.whence != Whence::Library {
        let id = interpreter.identity.id;
        return Err(InterpreterError::error(vm, format!("cannot {doing} unrecognized interpreter {id}")));
    }
    Ok(interpreter)
}

/// The names of the interpreter's `__main__`.
pub fn main_names(vm: &Vm) -> PyResult<Ref<Dict>> {
    let main = vm.interpreter.modules.get_str(&vm.intern("__main__"));
    main.as_ref()
        .and_then(|main| main.downcast::<Module>())
        .map(|main| main.dict())
        .ok_or_else(|| InterpreterError::error(vm, "failed to get __main__ module"))
}

/// Runs in an interpreter what uses its `__main__`.
fn run_main<R>(vm: &Vm, interpreter: &'static Interpreter, run: impl FnOnce(&Vm) -> R) -> PyResult<R> {
    let runs = &interpreter.identity.runs_main;
    if runs.replace(true) {
        return Err(InterpreterError::error(vm, "interpreter already running"));
    }
    let result = interpreters::run_in(vm, interpreter, run);
    runs.set(false);
    Ok(result)
}

/// Names and values for a `__main__`, on their way there.
type Names = Vec<(rspy_code::Text, Crossing)>;

fn names_of(vm: &Vm, dict: &Dict) -> PyResult<Names> {
    let mut names = Vec::new();
    for (name, value) in dict.pairs() {
        let Some(name) = name.downcast::<Str>() else {
            return Err(vm.type_error("bad argument type for built-in operation"));
        };
        names.push((rspy_runtime::compile::text_of(name), Crossing::of(vm, &value, Fallback::Refuse)?));
    }
    Ok(names)
}

fn set_names(vm: &Vm, names: &Names) -> PyResult<()> {
    let dict = main_names(vm)?;
    for (name, value) in names {
        dict.set_str(&rspy_runtime::compile::str_of(name), value.load(vm)?);
    }
    Ok(())
}

/// Runs a script in an interpreter's `__main__`, with some names set there; answers a snapshot of what it raises, or
/// `None`.
fn execute(vm: &Vm, interpreter: &'static Interpreter, code: &Value, shared: Option<&Dict>) -> PyResult {
    let names = shared.map_or_else(|| Ok(Names::new()), |shared| names_of(vm, shared))?;
    let code = marshal::dump(vm, code, 5, true)?;
    let outcome = run_main(vm, interpreter, |inner| {
        let run = || {
            set_names(inner, &names)?;
            let (code, _) = marshal::load(inner, &code, true)?;
            run_code(inner, &code, &main_names(inner)?).map(drop)
        };
        run().map_err(|error| Captured::of(inner, &error))
    })?;
    match outcome {
        Ok(()) => Ok(none()),
        Err(captured) => captured.to_namespace(vm),
    }
}

/// How a call in another interpreter ends.
enum Ending {
    Value(Crossing),
    Raised(Captured),
    /// Something did not cross: what, and why.
    Unshareable(&'static str, Captured),
}

/// What a call takes there.
struct Call {
    callable: Crossing,
    arguments: Option<Crossing>,
    keywords: Option<Crossing>,
}

impl Call {
    fn run(&self, vm: &Vm) -> Ending {
        let unshareable = |what| move |error: Exception| Ending::Unshareable(what, Captured::of(vm, &error));
        let load = |crossing: &Option<Crossing>| crossing.as_ref().map(|crossing| crossing.load(vm)).transpose();
        let prepared = || {
            let callable = self.callable.load(vm).map_err(unshareable("func not shareable"))?;
            let arguments = load(&self.arguments).map_err(unshareable("args not shareable"))?;
            let keywords = load(&self.keywords).map_err(unshareable("kwargs not shareable"))?;
            Ok((callable, arguments, keywords))
        };
        let (callable, arguments, keywords) = match prepared() {
            Ok(prepared) => prepared,
            Err(ending) => return ending,
        };
        let arguments = arguments.as_ref().and_then(|arguments| arguments.downcast::<Tuple>());
        let arguments = arguments.map_or(&[][..], |arguments| arguments.items());
        let result = match keywords.as_ref().and_then(|keywords| keywords.downcast::<Dict>()) {
            Some(keywords) => vm.call_with_dict(&callable, arguments, keywords),
            None => vm.call(&callable, arguments),
        };
        match result {
            Err(error) => Ending::Raised(Captured::of(vm, &error)),
            Ok(value) => match Crossing::of(vm, &value, Fallback::Full) {
                Ok(value) => Ending::Value(value),
                Err(error) => {
                    let what = "object does not support cross-interpreter data";
                    Ending::Unshareable(what, Captured::of(vm, &error))
                }
            },
        }
    }
}

const fn parameters<const N: usize>(
    function: &'static str,
    names: [&'static str; N],
    required: usize,
) -> Parameters<N> {
    // The last one is keyword-only: `restrict`.
    Parameters { function, names, required, positional: N - 1 }
}

static EXEC: Parameters<4> = parameters("_interpreters.exec()", ["id", "code", "shared", "restrict"], 2);
static RUN_STRING: Parameters<4> =
    parameters("_interpreters.run_string()", ["id", "script", "shared", "restrict"], 2);
static RUN_FUNC: Parameters<4> = parameters("_interpreters.run_func()", ["id", "func", "shared", "restrict"], 2);
static CALL: Parameters<5> =
    parameters("_interpreters.call()", ["id", "callable", "args", "kwargs", "restrict"], 2);
static SET_NAMES: Parameters<3> =
    parameters("_interpreters.set___main___attrs()", ["id", "updates", "restrict"], 2);
static CREATE: Parameters<2> = parameters("create()", ["config", "reqrefs"], 0);
static DESTROY: Parameters<2> = parameters("destroy()", ["id", "restrict"], 1);
static IS_RUNNING: Parameters<2> = parameters("is_running()", ["id", "restrict"], 1);
static GET_CONFIG: Parameters<2> = parameters("get_config()", ["id", "restrict"], 1);
static INCREF: Parameters<3> =
    Parameters { function: "incref()", names: ["id", "implieslink", "restrict"], required: 1, positional: 1 };
static DECREF: Parameters<2> = parameters("decref()", ["id", "restrict"], 1);
static LIST_ALL: Parameters<1> =
    Parameters { function: "_interpreters.list_all()", names: ["require_ready"], required: 0, positional: 0 };
static CAPTURE: Parameters<1> =
    Parameters { function: "capture_exception()", names: ["exc"], required: 0, positional: 1 };
static WHENCE: Parameters<1> = Parameters { function: "whence()", names: ["id"], required: 1, positional: 1 };
static IS_SHAREABLE: Parameters<1> =
    Parameters { function: "is_shareable()", names: ["obj"], required: 1, positional: 1 };

fn flag<const N: usize>(vm: &Vm, bound: &Arguments<'_, N>, place: usize) -> PyResult<bool> {
    bound.get(place).map_or(Ok(false), |value| vm.is_true(value))
}

fn dict_at<'a, const N: usize>(
    vm: &Vm,
    bound: &Arguments<'a, N>,
    place: usize,
) -> PyResult<Option<&'a rspy_runtime::Object<Dict>>> {
    bound.get(place).map(|_| bound.object::<Dict>(vm, place)).transpose()
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// create([config], *, reqrefs=False) -> ID
    ///
    /// Create a new interpreter and return its number. It ends with destroy(), or with the last of the references that
    /// incref() and decref() count if "reqrefs" is true.
    ///
    /// "config" is a configuration or the name of one ("isolated" or "legacy"); the default is "isolated".
    #[function("create")]
    fn create(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<i64> {
        let bound = CREATE.bind(vm, args, names)?;
        let config = bound.get(0).filter(|config| !is_none(config));
        let counted = flag(vm, &bound, 1)?;
        bound.finish(vm)?;
        let features = configuration::of_object(vm, config)?;
        if !configuration::is_viable(&features) {
            let reason = InterpreterError::error(vm, "sub-interpreter creation failed");
            return Err(InterpreterError::error(vm, "interpreter creation failed").with_context(reason));
        }
        let interpreter = interpreters::create(vm, features, Whence::Library).map_err(|error| {
            InterpreterError::error(vm, "interpreter creation failed").with_context(error)
        })?;
        interpreter.identity.ends_unreferenced.set(counted);
        Ok(interpreter.identity.id)
    }

    /// destroy(id, *, restrict=False)
    ///
    /// Destroy the identified interpreter, which must be another one and not run.
    #[function("destroy")]
    fn destroy(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = DESTROY.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let restrict = flag(vm, &bound, 1)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "destroy")?;
        if std::ptr::eq(interpreter, vm.interpreter) {
            return Err(InterpreterError::error(vm, "cannot destroy the current interpreter"));
        }
        if interpreter.identity.runs_main.get() {
            return Err(InterpreterError::error(vm, "interpreter running"));
        }
        interpreters::destroy(vm, interpreter);
        Ok(())
    }

    /// list_all() -> [(ID, whence)]
    ///
    /// Return the number of every interpreter and where it was made.
    #[function("list_all")]
    fn list_all(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = LIST_ALL.bind(vm, args, names)?;
        flag(vm, &bound, 0)?;
        bound.finish(vm)?;
        Ok(List::from_vec(interpreters::all().into_iter().map(described).collect()).into_value())
    }

    /// get_current() -> (ID, whence)
    ///
    /// Return the current interpreter's number and where it was made.
    #[function("get_current()")]
    fn get_current(vm: &Vm) -> Value {
        described(vm.interpreter)
    }

    /// get_main() -> (ID, whence)
    ///
    /// Return the main interpreter's number and where it was made.
    #[function("get_main()")]
    fn get_main(vm: &Vm) -> Value {
        described(interpreters::find(0).unwrap_or(vm.interpreter))
    }

    /// is_running(id, *, restrict=False) -> bool
    ///
    /// Return whether or not the identified interpreter is running.
    #[function("is_running")]
    fn is_running(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
        let bound = IS_RUNNING.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let restrict = flag(vm, &bound, 1)?;
        bound.finish(vm)?;
        Ok(resolve(vm, id, restrict, "check if running for")?.identity.runs_main.get())
    }

    /// get_config(id, *, restrict=False) -> types.SimpleNamespace
    ///
    /// Return the configuration that the interpreter was made with.
    #[function("get_config")]
    fn get_config(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = GET_CONFIG.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let restrict = flag(vm, &bound, 1)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "get the config of")?;
        configuration::to_namespace(vm, &interpreter.identity.features)
    }

    /// new_config(name='isolated', /, **overrides) -> type.SimpleNamespace
    ///
    /// Return a configuration for create(): that of the name, which is "isolated", "legacy", "empty" or "default", with
    /// some of its fields replaced.
    #[function("new_config")]
    fn new_config(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let features = configuration::of_call(vm, args, names)?;
        configuration::to_namespace(vm, &features)
    }

    /// whence(id) -> int
    ///
    /// Return an identifier for where the interpreter was created.
    #[function("whence")]
    fn whence(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<i64> {
        let bound = WHENCE.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        bound.finish(vm)?;
        Ok(find(vm, id)?.identity.whence as i64)
    }

    #[function("incref")]
    fn incref(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = INCREF.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let (links, restrict) = (flag(vm, &bound, 1)?, flag(vm, &bound, 2)?);
        bound.finish(vm)?;
        let identity = &resolve(vm, id, restrict, "incref")?.identity;
        if links {
            identity.ends_unreferenced.set(true);
        }
        identity.references.set(identity.references.get() + 1);
        Ok(())
    }

    #[function("decref")]
    fn decref(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = DECREF.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let restrict = flag(vm, &bound, 1)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "decref")?;
        let identity = &interpreter.identity;
        identity.references.set(identity.references.get() - 1);
        let ends = identity.references.get() == 0 && identity.ends_unreferenced.get();
        if ends && !std::ptr::eq(interpreter, vm.interpreter) && !identity.runs_main.get() {
            interpreters::destroy(vm, interpreter);
        }
        Ok(())
    }

    /// exec(id, code, shared=None, *, restrict=False)
    ///
    /// Run code in the __main__ of the identified interpreter: source, a code object, or a function without arguments or
    /// closure, of which only the code matters. What it raises is returned as a snapshot.
    #[function("exec")]
    fn exec(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = EXEC.bind(vm, args, names)?;
        let (id, code) = (bound.require(vm, 0)?, bound.require(vm, 1)?);
        let shared = dict_at(vm, &bound, 2)?;
        let restrict = flag(vm, &bound, 3)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "exec code for")?;
        let code = scripts::code_of(vm, code, Purity::Any)?;
        execute(vm, interpreter, code.value(), shared.map(|shared| &**shared))
    }

    /// run_string(id, script, shared=None, *, restrict=False)
    ///
    /// Run source in the identified interpreter, as exec() does.
    #[function("run_string")]
    fn run_string(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = RUN_STRING.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let script = bound.object::<Str>(vm, 1)?;
        let shared = dict_at(vm, &bound, 2)?;
        let restrict = flag(vm, &bound, 3)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "run a string in")?;
        let code = scripts::code_of(vm, &script.as_value(), Purity::Any)?;
        execute(vm, interpreter, code.value(), shared.map(|shared| &**shared))
    }

    /// run_func(id, func, shared=None, *, restrict=False)
    ///
    /// Run the body of a function or a code object in the identified interpreter, as exec() does.
    #[function("run_func")]
    fn run_func(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = RUN_FUNC.bind(vm, args, names)?;
        let (id, function) = (bound.require(vm, 0)?, bound.require(vm, 1)?);
        let shared = dict_at(vm, &bound, 2)?;
        let restrict = flag(vm, &bound, 3)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "run a function in")?;
        if function.downcast::<Function>().is_none() && function.downcast::<Code>().is_none() {
            return Err(bound.wrong_type(vm, 1, "a function", function));
        }
        let code = scripts::code_of(vm, function, Purity::Any)?;
        execute(vm, interpreter, code.value(), shared.map(|shared| &**shared))
    }

    /// call(id, callable, args=None, kwargs=None, *, restrict=False)
    ///
    /// Call something in the identified interpreter. Return the result and a snapshot of what was raised.
    #[function("call")]
    fn call(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = CALL.bind(vm, args, names)?;
        let (id, callable) = (bound.require(vm, 0)?, bound.require(vm, 1)?);
        let arguments = bound.get(2).map(|_| bound.object::<Tuple>(vm, 2)).transpose()?;
        let keywords = dict_at(vm, &bound, 3)?;
        let restrict = flag(vm, &bound, 4)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "make a call in")?;
        if !vm.is_callable(callable) {
            let shown = vm.repr(callable)?;
            return Err(vm.type_error(format!("expected a callable, got {}", shown.to_string_lossy())));
        }
        let share = |value: &Value| Crossing::of(vm, value, Fallback::Full);
        let call = Call {
            callable: share(callable)?,
            arguments: arguments.map(|arguments| share(&arguments.as_value())).transpose()?,
            keywords: keywords.map(|keywords| share(&keywords.as_value())).transpose()?,
        };
        let (value, raised) = match run_main(vm, interpreter, |inner| call.run(inner))? {
            Ending::Value(value) => (value.load(vm)?, none()),
            Ending::Raised(captured) => (none(), captured.to_namespace(vm)?),
            Ending::Unshareable(what, captured) => {
                return Err(NotShareableError::error(vm, what).with_cause(captured.to_exception(vm)));
            }
        };
        Ok(Tuple::from_values([value, raised]).into_value())
    }

    /// set___main___attrs(id, ns, *, restrict=False)
    ///
    /// Bind the given attributes in the interpreter's __main__ module.
    #[function("set___main___attrs")]
    fn set_main_attributes(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = SET_NAMES.bind(vm, args, names)?;
        let id = bound.require(vm, 0)?;
        let updates = bound.object::<Dict>(vm, 1)?;
        let restrict = flag(vm, &bound, 2)?;
        bound.finish(vm)?;
        let interpreter = resolve(vm, id, restrict, "update __main__ for")?;
        if updates.is_empty() {
            return Err(vm.value_error("arg 2 must be a non-empty dict"));
        }
        let names = names_of(vm, updates)?;
        let outcome = run_main(vm, interpreter, |inner| {
            set_names(inner, &names).map_err(|error| Captured::of(inner, &error))
        })?;
        outcome.map_err(|captured| captured.to_exception(vm))
    }

    /// is_shareable(obj) -> bool
    ///
    /// Return whether objects of the type can cross between interpreters.
    #[function("is_shareable")]
    fn is_shareable(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
        let bound = IS_SHAREABLE.bind(vm, args, names)?;
        let object = bound.require(vm, 0)?;
        bound.finish(vm)?;
        Ok(crossing::is_shareable(vm, object))
    }

    /// capture_exception(exc=None) -> types.SimpleNamespace
    ///
    /// Return a snapshot of an exception, by default of the one being handled, as exec() returns it.
    #[function("capture_exception")]
    fn capture_exception(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let bound = CAPTURE.bind(vm, args, names)?;
        let given = bound.get(0).filter(|given| !is_none(given));
        bound.finish(vm)?;
        let exception = match given {
            None => vm.handled_exception(),
            Some(given) if is_exception(given) => Some(Exception::from_value(given.clone())),
            Some(given) => {
                let shown = vm.repr(given)?;
                return Err(vm.type_error(format!("expected exception, got {}", shown.to_string_lossy())));
            }
        };
        exception.map_or_else(|| Ok(none()), |exception| Captured::of(vm, &exception).to_namespace(vm))
    }
}

fn described(interpreter: &Interpreter) -> Value {
    let Interpreter { identity, .. } = interpreter;
    Tuple::from_values([int::new(identity.id), int::new(identity.whence as i64)]).into_value()
}

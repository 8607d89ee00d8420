//! `_testinternalcapi`, `_testcapi`: other interpreters, and values on their way between them.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::print;
use rspy_runtime::import::frozen::run_code;
use rspy_runtime::interpreters::{self, Features, Whence};
use rspy_runtime::object::Ref;
use rspy_runtime::types::capsule::Capsule;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::interpreters::crossing::{Crossing, Fallback};
use crate::interpreters::errors::{InterpreterError, NotShareableError};
use crate::interpreters::scripts::{Purity, code_of};
use crate::interpreters::{configuration, main_names};

const NAME: &str = "_testinternalcapi.crossing";

/// The functions.
pub struct Functions;

fn script(vm: &Vm, object: &Value, purity: Purity) -> PyResult<Crossing> {
    let code = code_of(vm, object, purity)
        .map_err(|cause| NotShareableError::error(vm, "object not a valid script").with_cause(cause))?;
    Crossing::code(vm, code.value())
}

#[pyfunctions]
impl Functions {
    #[function("get_crossinterp_data(obj, mode=None)")]
    fn get_crossinterp_data(vm: &Vm, obj: &Value, mode: Option<&Value>) -> PyResult<Ref<Capsule>> {
        let mode = mode.filter(|mode| !is_none(mode));
        let mode =
            mode.and_then(|mode| mode.downcast::<Str>()).map(|mode| mode.to_string_lossy().into_owned());
        let crossing = match mode.as_deref() {
            None | Some("xidata") => Crossing::of(vm, obj, Fallback::Refuse),
            Some("fallback") => Crossing::of(vm, obj, Fallback::Full),
            Some("pickle") => Crossing::pickled(vm, obj),
            Some("marshal") => Crossing::marshalled(vm, obj),
            Some("code") => Crossing::code(vm, obj),
            Some("func") => Crossing::function(vm, obj),
            Some("script") => script(vm, obj, Purity::Any),
            Some("script-pure") => script(vm, obj, Purity::Pure),
            Some(other) => Err(vm.value_error(format!("unsupported mode '{other}'"))),
        }?;
        Ok(Capsule::new(NAME, Box::new(crossing)))
    }

    #[function("run_in_subinterp_with_config(code, config, xi=False)")]
    fn run_in_subinterp_with_config(vm: &Vm, code: String, config: &Value, _xi: bool) -> PyResult<i32> {
        let features = configuration::of_object(vm, Some(config))?;
        if !configuration::is_viable(&features) {
            return Err(InterpreterError::error(vm, "sub-interpreter creation failed"));
        }
        run_in_new_interpreter(vm, features, Whence::Capi, &code)
    }

    #[function("restore_crossinterp_data(xid, /)")]
    fn restore_crossinterp_data(vm: &Vm, xid: &Value) -> PyResult {
        match xid.downcast::<Capsule>().and_then(|capsule| capsule.contents::<Crossing>()) {
            Some(crossing) => crossing.load(vm),
            None => Err(vm.value_error("PyCapsule_GetPointer called with invalid PyCapsule object")),
        }
    }
}

/// Runs a script in an interpreter made for it; what it raises is shown there. Answers 0 where it raises nothing.
pub fn run_in_new_interpreter(vm: &Vm, features: Features, whence: Whence, code: &str) -> PyResult<i32> {
    let interpreter = interpreters::create(vm, features, whence)?;
    interpreter.identity.runs_main.set(true);
    let status = interpreters::run_in(vm, interpreter, |inner| {
        let run = || {
            let code = code_of(inner, &inner.new_str(code), Purity::Any)?;
            run_code(inner, code.value(), &main_names(inner)?).map(drop)
        };
        match run() {
            Ok(()) => 0,
            Err(error) => {
                print::report(inner, &error);
                -1
            }
        }
    });
    interpreter.identity.runs_main.set(false);
    interpreters::destroy(vm, interpreter);
    Ok(status)
}

/// The functions of `_testcapi`.
pub struct LegacyFunctions;

#[pyfunctions]
impl LegacyFunctions {
    #[function("run_in_subinterp(code, /)")]
    fn run_in_subinterp(vm: &Vm, code: String) -> PyResult<i32> {
        run_in_new_interpreter(vm, Features::unrestricted("shared"), Whence::LegacyCapi, &code)
    }
}

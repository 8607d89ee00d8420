//! Events of `sys.monitoring` for code that is not Python's, and a trace function that is not written in Python.

use std::cell::Cell;

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{self, PyResult};
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::watch::{self, Event};

/// What stands for code: it keeps for each of some events which tools want to be told.
#[pyclass(name = "CodeLike", module = "monitoring", static_type)]
pub struct CodeLike {
    states: GilCell<Vec<State>>,
}

#[derive(Clone, Default)]
struct State {
    /// The tools, as bits.
    active: u8,
}

/// More events than there are kinds make no sense.
const MOST_EVENTS: usize = 256;

#[pymethods]
impl CodeLike {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        let count = match args {
            [count] => int::small_value(&vm.index(count)?),
            _ => {
                return Err(
                    vm.type_error(format!("function takes exactly 1 argument ({} given)", args.len()))
                );
            }
        };
        let count = count.and_then(|count| usize::try_from(count).ok()).filter(|&count| count <= MOST_EVENTS);
        let count = count.ok_or_else(|| vm.memory_error())?;
        let states = GilCell::new(vec![State::default(); count]);
        Ok(Object::with_type(cls, CodeLike { states }).into_value())
    }

    #[slot(str)]
    fn str(&self) -> String {
        let mut text = String::from("PyCodeLikeObject");
        for state in self.states.borrow().iter() {
            text.push_str(&format!(": (active={}, opaque=0)", state.active));
        }
        text
    }
}

/// The event of a number.
fn event_of(vm: &Vm, number: i64) -> PyResult<Event> {
    let event = usize::try_from(number).ok().and_then(|number| Event::ALL.get(number));
    event.copied().ok_or_else(|| vm.value_error(format!("there is no event {number}")))
}

/// Tells the tools that are active at a place of an event; answers which are active there afterwards.
fn fire(vm: &Vm, code: &Object<CodeLike>, offset: i64, event: Event, arguments: &[Value]) -> PyResult<u8> {
    let place = usize::try_from(offset).ok().filter(|&place| place < code.states.borrow().len());
    let Some(place) = place else { return Err(vm.value_error("the offset is out of range")) };
    let active = code.states.borrow()[place].active;
    if active == 0 {
        return Ok(0);
    }
    let mut all = vec![code.to_value(), int::new(offset)];
    all.extend_from_slice(arguments);
    let left = watch::tell_chosen(vm, event, active, &all)?;
    code.states.borrow_mut()[place].active = left;
    Ok(left)
}

/// As [`fire`], of an exception, without which there is no such event.
fn fire_exception(
    vm: &Vm,
    code: &Object<CodeLike>,
    offset: i64,
    event: Event,
    exception: &Value,
) -> PyResult<u8> {
    if !exceptions::is_exception(exception) {
        return Err(vm.value_error(format!("Firing event {} with no exception set", event as u8)));
    }
    fire(vm, code, offset, event, std::slice::from_ref(exception))
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function("fire_event_py_start(codelike, offset, /)")]
    fn fire_py_start(vm: &Vm, codelike: &Object<CodeLike>, offset: i64) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::PyStart, &[])
    }

    #[function("fire_event_py_resume(codelike, offset, /)")]
    fn fire_py_resume(vm: &Vm, codelike: &Object<CodeLike>, offset: i64) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::PyResume, &[])
    }

    #[function("fire_event_py_return(codelike, offset, retval, /)")]
    fn fire_py_return(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, retval: &Value) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::PyReturn, std::slice::from_ref(retval))
    }

    #[function("fire_event_c_return(codelike, offset, retval, /)")]
    fn fire_c_return(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, retval: &Value) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::CReturn, std::slice::from_ref(retval))
    }

    #[function("fire_event_py_yield(codelike, offset, retval, /)")]
    fn fire_py_yield(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, retval: &Value) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::PyYield, std::slice::from_ref(retval))
    }

    #[function("fire_event_call(codelike, offset, callable, arg0, /)")]
    fn fire_call(
        vm: &Vm,
        codelike: &Object<CodeLike>,
        offset: i64,
        callable: &Value,
        arg0: &Value,
    ) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::Call, &[callable.clone(), arg0.clone()])
    }

    #[function("fire_event_line(codelike, offset, lineno, /)")]
    fn fire_line(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, lineno: i64) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::Line, &[int::new(lineno)])
    }

    #[function("fire_event_jump(codelike, offset, target_offset, /)")]
    fn fire_jump(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, target_offset: i64) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::Jump, &[int::new(target_offset)])
    }

    #[function("fire_event_branch_right(codelike, offset, target_offset, /)")]
    fn fire_branch_right(
        vm: &Vm,
        codelike: &Object<CodeLike>,
        offset: i64,
        target_offset: i64,
    ) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::BranchRight, &[int::new(target_offset)])
    }

    #[function("fire_event_branch_left(codelike, offset, target_offset, /)")]
    fn fire_branch_left(
        vm: &Vm,
        codelike: &Object<CodeLike>,
        offset: i64,
        target_offset: i64,
    ) -> PyResult<u8> {
        fire(vm, codelike, offset, Event::BranchLeft, &[int::new(target_offset)])
    }

    #[function("fire_event_py_throw(codelike, offset, exception, /)")]
    fn fire_py_throw(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, exception: &Value) -> PyResult<u8> {
        fire_exception(vm, codelike, offset, Event::PyThrow, exception)
    }

    #[function("fire_event_raise(codelike, offset, exception, /)")]
    fn fire_raise(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, exception: &Value) -> PyResult<u8> {
        fire_exception(vm, codelike, offset, Event::Raise, exception)
    }

    #[function("fire_event_reraise(codelike, offset, exception, /)")]
    fn fire_reraise(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, exception: &Value) -> PyResult<u8> {
        fire_exception(vm, codelike, offset, Event::Reraise, exception)
    }

    #[function("fire_event_c_raise(codelike, offset, exception, /)")]
    fn fire_c_raise(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, exception: &Value) -> PyResult<u8> {
        fire_exception(vm, codelike, offset, Event::CRaise, exception)
    }

    #[function("fire_event_exception_handled(codelike, offset, exception, /)")]
    fn fire_exception_handled(
        vm: &Vm,
        codelike: &Object<CodeLike>,
        offset: i64,
        exception: &Value,
    ) -> PyResult<u8> {
        fire_exception(vm, codelike, offset, Event::ExceptionHandled, exception)
    }

    #[function("fire_event_py_unwind(codelike, offset, exception, /)")]
    fn fire_py_unwind(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, exception: &Value) -> PyResult<u8> {
        fire_exception(vm, codelike, offset, Event::PyUnwind, exception)
    }

    /// Tell of the end of an iterator, given its value or its exception.
    #[function("fire_event_stop_iteration(codelike, offset, value, /)")]
    fn fire_stop_iteration(vm: &Vm, codelike: &Object<CodeLike>, offset: i64, value: &Value) -> PyResult<u8> {
        let exception = if exceptions::is_exception(value) {
            value.clone()
        } else {
            vm.stop_iteration(value.clone()).into_value()
        };
        fire(vm, codelike, offset, Event::StopIteration, &[exception])
    }

    /// Note which tools want to be told of one or two events.
    #[function("monitoring_enter_scope(codelike, event1, event2=None, /)")]
    fn enter_scope(vm: &Vm, codelike: &Object<CodeLike>, event1: i64, event2: Option<i64>) -> PyResult<()> {
        for (place, number) in std::iter::once(event1).chain(event2).enumerate() {
            let active = watch::tools_wanting(vm, event_of(vm, number)?);
            if let Some(state) = codelike.states.borrow_mut().get_mut(place) {
                state.active = active;
            }
        }
        Ok(())
    }

    #[function("monitoring_exit_scope()")]
    fn exit_scope() {}

    /// Trace this thread: append what happens, where and with what, to a list.
    #[function("settrace_to_record(list, /)")]
    fn settrace_to_record(vm: &Vm, list: &Object<List>) {
        let recorder = Object::new(Recorder { list: list.to_ref(), is_at_work: Cell::new(false) });
        watch::set_functions(vm, Some(Some(recorder.into_value())), None);
    }
}

/// The kinds of events that trace functions are told of, in the order of their numbers.
const KINDS: [&str; 8] =
    ["call", "exception", "line", "return", "c_call", "c_exception", "c_return", "opcode"];

/// A trace function that appends what it is told of to a list.
#[pyclass(name = "recorder", module = "_testcapi", tracked)]
struct Recorder {
    list: Ref<List>,
    #[untraced]
    is_at_work: Cell<bool>,
}

#[pymethods]
impl Recorder {
    #[slot(call)]
    fn call(this: &Value, vm: &Vm, args: &[Value], _names: KeywordNames<'_>) -> PyResult {
        let (Some(recorder), [frame, event, argument]) = (this.downcast::<Recorder>(), args) else {
            return Err(vm.type_error("a trace function takes a frame, an event and an argument"));
        };
        if !recorder.is_at_work.replace(true) {
            let number = event
                .downcast::<Str>()
                .and_then(|event| KINDS.iter().position(|kind| event.to_string_lossy() == *kind));
            let line = vm.get_attribute_str(frame, "f_lineno")?;
            let number = int::new(number.map_or(-1, |number| number as i64));
            recorder.list.push(Tuple::from_values([number, line, argument.clone()]).into_value());
            recorder.is_at_work.set(false);
        }
        Ok(this.clone())
    }
}

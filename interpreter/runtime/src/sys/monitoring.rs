//! The module `sys.monitoring` (PEP 669).

use rspy_macros::pyfunctions;

use crate::audit;
use crate::exceptions::PyResult;
use crate::object::{Object, Payload, Ref};
use crate::types::code::Code;
use crate::types::dict::Dict;
use crate::types::int;
use crate::types::module::Module;
use crate::types::none::is_none;
use crate::types::object::BaseObject;
use crate::value::Value;
use crate::vm::Vm;
use crate::watch::{Event, TOOLS, Tool};

/// The events that tools can ask for; C_RETURN and C_RAISE come with CALL.
const ALL: u32 = (1 << Event::NAMES.len()) - 1;
const WITH_CALL: u32 = Event::CReturn.bit() | Event::CRaise.bit();
/// Events that can be asked for of single code objects.
const LOCAL: u32 = (1 << Event::Raise as u8) - 1 | Event::Branch.bit();

struct Monitoring;

fn tool_number(vm: &Vm, tool: i64) -> PyResult<usize> {
    usize::try_from(tool)
        .ok()
        .filter(|&number| number < TOOLS)
        .ok_or_else(|| vm.value_error(format!("invalid tool {tool} (must be between 0 and {})", TOOLS - 1)))
}

fn tool_in_use(vm: &Vm, tool: i64) -> PyResult<usize> {
    let number = tool_number(vm, tool)?;
    if vm.interpreter.monitoring.tools.borrow()[number].name.is_none() {
        return Err(vm.value_error(format!("tool {tool} is not in use")));
    }
    Ok(number)
}

/// A set of events as tools give it, with what belongs to `CALL`.
fn event_set(vm: &Vm, events: i64) -> PyResult<u32> {
    let invalid = || vm.value_error(format!("invalid event set 0x{events:x}"));
    let events = u32::try_from(events).ok().filter(|events| events & !ALL == 0).ok_or_else(invalid)?;
    if events & WITH_CALL != 0 && events & Event::Call.bit() == 0 {
        return Err(vm.value_error("cannot set C_RETURN or C_RAISE events independently"));
    }
    let branches = Event::BranchLeft.bit() | Event::BranchRight.bit();
    // The old event stands for both new ones.
    Ok(if events & branches != 0 { events & !Event::Branch.bit() } else { events })
}

/// A set of events as tools are told of it: the old event for branches is both new ones.
fn shown(events: u32) -> u32 {
    let events = events & !WITH_CALL;
    if events & Event::Branch.bit() == 0 {
        return events;
    }
    events & !Event::Branch.bit() | Event::BranchLeft.bit() | Event::BranchRight.bit()
}

fn code_argument<'a>(vm: &Vm, code: &'a Value) -> PyResult<&'a Object<Code>> {
    code.downcast::<Code>().ok_or_else(|| vm.type_error("code must be a code object"))
}

#[pyfunctions]
impl Monitoring {
    /// Take a tool number into use under a name.
    #[function("use_tool_id(tool_id, name, /)")]
    fn use_tool_id(vm: &Vm, tool_id: i64, name: &Value) -> PyResult<()> {
        let number = tool_number(vm, tool_id)?;
        if name.downcast::<crate::types::string::Str>().is_none() {
            return Err(vm.value_error("tool name must be a str"));
        }
        let mut tools = vm.interpreter.monitoring.tools.borrow_mut();
        if tools[number].name.is_some() {
            drop(tools);
            return Err(vm.value_error(format!("tool {tool_id} is already in use")));
        }
        tools[number].name = Some(name.clone());
        Ok(())
    }

    /// Remove a tool's callbacks and events.
    #[function("clear_tool_id(tool_id, /)")]
    fn clear_tool_id(vm: &Vm, tool_id: i64) -> PyResult<()> {
        let number = tool_number(vm, tool_id)?;
        let monitoring = &vm.interpreter.monitoring;
        if monitoring.tools.borrow()[number].name.is_none() {
            return Ok(());
        }
        let name = monitoring.tools.borrow()[number].name.clone();
        let old =
            std::mem::replace(&mut monitoring.tools.borrow_mut()[number], Tool { name, ..Tool::default() });
        drop(old);
        monitoring.clear_local_events(vm, number);
        Ok(())
    }

    /// Give a tool number back.
    #[function("free_tool_id(tool_id, /)")]
    fn free_tool_id(vm: &Vm, tool_id: i64) -> PyResult<()> {
        Self::clear_tool_id(vm, tool_id)?;
        let number = tool_number(vm, tool_id)?;
        let old = vm.interpreter.monitoring.tools.borrow_mut()[number].name.take();
        drop(old);
        Ok(())
    }

    /// Return the name of a tool, or None.
    #[function("get_tool(tool_id, /)")]
    fn get_tool(vm: &Vm, tool_id: i64) -> PyResult<Option<Value>> {
        let number = tool_number(vm, tool_id)?;
        Ok(vm.interpreter.monitoring.tools.borrow()[number].name.clone())
    }

    /// Set what a tool calls for an event; return what it called before.
    #[function("register_callback(tool_id, event, func, /)")]
    fn register_callback(vm: &Vm, tool_id: i64, event: i64, func: &Value) -> PyResult<Option<Value>> {
        let number = tool_number(vm, tool_id)?;
        let bits = u32::try_from(event).unwrap_or(0);
        if bits.count_ones() != 1 {
            return Err(vm.value_error("The callback can only be set for one event at a time"));
        }
        let index = bits.trailing_zeros() as usize;
        if index >= Event::NAMES.len() {
            return Err(vm.value_error(format!("invalid event {event}")));
        }
        audit::raise_event(vm, "sys.monitoring.register_callback", || vec![func.clone()])?;
        let new = (!is_none(func)).then(|| func.clone());
        Ok(std::mem::replace(&mut vm.interpreter.monitoring.tools.borrow_mut()[number].callbacks[index], new))
    }

    /// Return the events of a tool.
    #[function("get_events(tool_id, /)")]
    fn get_events(vm: &Vm, tool_id: i64) -> PyResult<u32> {
        let number = tool_number(vm, tool_id)?;
        Ok(shown(vm.interpreter.monitoring.tools.borrow()[number].events))
    }

    /// Set the events of a tool.
    #[function("set_events(tool_id, event_set, /)")]
    fn set_events(vm: &Vm, tool_id: i64, event_set: i64) -> PyResult<()> {
        let number = tool_number(vm, tool_id)?;
        let events = self::event_set(vm, event_set)?;
        tool_in_use(vm, tool_id)?;
        let monitoring = &vm.interpreter.monitoring;
        monitoring.tools.borrow_mut()[number].events = with_call(events);
        monitoring.refresh(vm);
        Ok(())
    }

    /// Return the events of a tool for one code object.
    #[function("get_local_events(tool_id, code, /)")]
    fn get_local_events(vm: &Vm, tool_id: i64, code: &Value) -> PyResult<u32> {
        let code = code_argument(vm, code)?;
        let number = tool_number(vm, tool_id)?;
        Ok(shown(vm.interpreter.monitoring.local_events(number, code)))
    }

    /// Set the events of a tool for one code object.
    #[function("set_local_events(tool_id, code, event_set, /)")]
    fn set_local_events(vm: &Vm, tool_id: i64, code: &Value, event_set: i64) -> PyResult<()> {
        let code = code_argument(vm, code)?;
        let number = tool_number(vm, tool_id)?;
        let events = self::event_set(vm, event_set)?;
        if events & !(LOCAL | WITH_CALL) != 0 {
            return Err(vm.value_error(format!("invalid local event set 0x{event_set:x}")));
        }
        tool_in_use(vm, tool_id)?;
        vm.interpreter.monitoring.set_local_events(vm, number, code, with_call(events));
        Ok(())
    }

    /// Tell again of events that were disabled.
    #[function("restart_events()")]
    fn restart_events(vm: &Vm) {
        vm.interpreter.monitoring.restart();
    }

    /// Return the tools that ask for each event, as a set of bits.
    #[function("_all_events()")]
    fn all_events(vm: &Vm) -> PyResult {
        let all = Dict::new();
        for (index, name) in Event::NAMES.iter().enumerate().take(Event::CReturn as usize) {
            let tools = vm.interpreter.monitoring.tools.borrow();
            let asking = (0..TOOLS).filter(|&tool| tools[tool].events >> index & 1 != 0);
            let bits = asking.fold(0, |bits, tool| bits | 1 << tool);
            drop(tools);
            if bits != 0 {
                all.set_str(&vm.intern(name), int::new(bits));
            }
        }
        Ok(all.into_value())
    }
}

fn with_call(events: u32) -> u32 {
    if events & Event::Call.bit() != 0 { events | WITH_CALL } else { events }
}

mod description {
    use super::Monitoring;

    crate::native_module! {
        name: "sys.monitoring",
        doc: "Telling tools of what a program does as it runs.",
        functions: [Monitoring::FUNCTIONS],
        types: [],
        execute: |vm, module| super::fill(vm, module),
    }
}

fn fill(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    let monitoring = &vm.interpreter.monitoring;
    let disable = vm.call(&BaseObject::static_type().to_value(), &[])?;
    let missing = vm.call(&BaseObject::static_type().to_value(), &[])?;
    monitoring.disable.set(Some(disable.clone()));
    monitoring.missing.set(Some(missing.clone()));
    module.set(vm, "DISABLE", disable);
    module.set(vm, "MISSING", missing);
    for (name, number) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        module.set_int(vm, name, number);
    }
    let events = Dict::new();
    for (index, name) in Event::NAMES.iter().enumerate() {
        events.set_str(&vm.intern(name), int::new(1 << index));
    }
    events.set_str(&vm.intern("NO_EVENTS"), int::new(0));
    module.set(vm, "events", crate::types::namespace::Namespace::from_dict(vm, &events)?);
    Ok(())
}

/// The module `sys.monitoring`.
///
/// # Errors
/// What making its objects raises.
pub fn module(vm: &Vm) -> PyResult<Ref<Module>> {
    let module = Module::from_native(vm, &description::MODULE);
    (description::MODULE.execute)(vm, &module)?;
    Ok(module)
}

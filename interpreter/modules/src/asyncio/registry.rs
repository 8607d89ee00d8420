//! Which tasks there are. Tasks of the module's own class are known weakly, by their addresses; objects of other
//! classes are kept in a `WeakSet`, and in a `set` while they start eagerly.
//!
//! # Safety argument
//!
//! An address is entered by [`Registration::enter`] for the task that the registration is part of, and taken out when
//! that registration is dropped, which is when the task's payload ends. So every address in the list is that of a task
//! whose memory is valid. A task may be on the list while its count is zero already, because it is just being ended or
//! put off; such a task is passed over.

use std::cell::Cell;

use rspy_runtime::cell::GilCell;
use rspy_runtime::interpreters::PerInterpreter;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::names;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::set::Set;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::task::Task;

/// The addresses of tasks, with gaps where tasks have gone.
struct Tasks {
    places: Vec<Option<*const Object<Task>>>,
    gaps: Vec<usize>,
}

static TASKS: GilCell<Tasks> = GilCell::new(Tasks { places: Vec::new(), gaps: Vec::new() });

/// Tasks of other classes: scheduled ones and those that are starting eagerly.
static OTHERS: PerInterpreter<GilCell<Option<(Value, Ref<Set>)>>> = PerInterpreter::new(GilCell::default);

/// A task's place on the list.
#[derive(Default)]
pub struct Registration(Cell<Option<usize>>);

impl Trace for Registration {
    fn trace(&self, _: &mut Visitor<'_>) {}
}

impl Registration {
    fn enter(task: &Object<Task>) {
        let place = &task.registration.0;
        if place.get().is_some() {
            return;
        }
        let mut tasks = TASKS.borrow_mut();
        let address = Some(std::ptr::from_ref(task));
        match tasks.gaps.pop() {
            Some(gap) => {
                tasks.places[gap] = address;
                place.set(Some(gap));
            }
            None => {
                place.set(Some(tasks.places.len()));
                tasks.places.push(address);
            }
        }
    }

    fn leave(&self) {
        if let Some(place) = self.0.take() {
            let mut tasks = TASKS.borrow_mut();
            tasks.places[place] = None;
            tasks.gaps.push(place);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Enters a task of the module's own class.
pub fn enter(task: &Object<Task>) {
    Registration::enter(task);
}

/// Takes a task of the module's own class off the list.
pub fn leave(task: &Task) {
    task.registration.leave();
}

/// Enters a scheduled task.
pub fn register(vm: &Vm, task: &Value) -> PyResult<()> {
    match task.downcast::<Task>() {
        Some(task) => {
            enter(task);
            Ok(())
        }
        None => vm.call_method(&others(vm)?.0, &names::add, std::slice::from_ref(task)).map(drop),
    }
}

/// Enters a task that starts eagerly.
pub fn register_eager(vm: &Vm, task: &Value) -> PyResult<()> {
    match task.downcast::<Task>() {
        Some(task) => {
            enter(task);
            Ok(())
        }
        None => others(vm)?.1.add(vm, task).map(drop),
    }
}

/// Takes a scheduled task off the list.
pub fn unregister(vm: &Vm, task: &Value) -> PyResult<()> {
    match task.downcast::<Task>() {
        Some(task) => {
            leave(task);
            Ok(())
        }
        None => vm.call_method(&others(vm)?.0, &names::discard, std::slice::from_ref(task)).map(drop),
    }
}

/// Takes a task that started eagerly off the list.
pub fn unregister_eager(vm: &Vm, task: &Value) -> PyResult<()> {
    match task.downcast::<Task>() {
        Some(task) => {
            leave(task);
            Ok(())
        }
        None => others(vm)?.1.discard(vm, task).map(drop),
    }
}

/// The tasks of an event loop that are not done.
pub fn all(vm: &Vm, event_loop: &Value) -> PyResult<Ref<Set>> {
    let found = Set::new();
    let (scheduled, eager) = others(vm)?;
    // The eager ones first: one that becomes an ordinary one meanwhile is not missed.
    let mut candidates = eager.to_vec();
    candidates.extend(alive());
    candidates.extend(vm.collect(&scheduled)?);
    for task in candidates {
        let done = match super::future::exact(&task) {
            Some(exact) => exact.is_done(),
            None => {
                let done = vm.call_method(&task, &names::done, &[])?;
                vm.is_true(&done)?
            }
        };
        if !done && super::loop_of(vm, &task)?.is(event_loop) {
            found.add(vm, &task)?;
        }
    }
    Ok(found)
}

/// The tasks of the module's own class.
fn alive() -> Vec<Value> {
    let tasks = TASKS.borrow();
    let alive = tasks.places.iter().flatten().filter_map(|&address| {
        // SAFETY: what is on the list has valid memory, see the head of the module.
        let task = unsafe { &*address };
        (task.header().reference_count() != 0).then(|| task.to_value())
    });
    alive.collect()
}

/// The containers of tasks of other classes.
fn others(vm: &Vm) -> PyResult<(Value, Ref<Set>)> {
    if let Some(others) = &*OTHERS.of(vm).borrow() {
        return Ok(others.clone());
    }
    let class = vm.get_attribute_str(&super::submodule(vm, "weakref")?, "WeakSet")?;
    let made = (vm.call(&class, &[])?, Set::new());
    OTHERS.of(vm).set(Some(made.clone()));
    Ok(made)
}

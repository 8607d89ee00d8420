//! `_interpqueues`: queues between interpreters.

use std::collections::VecDeque;

use rspy_macros::pyfunctions;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::exceptions::{Exception, PyResult, as_exception_class};
use rspy_runtime::import::import_module;
use rspy_runtime::interpreters::{self, PerInterpreter};
use rspy_runtime::native_module;
use rspy_runtime::object::Ref;
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::typ::Type;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::channels::Receipt;
use super::crossing::{Crossing, Fallback, register};
use crate::datetime::arguments::Parameters;
use crate::support::exception;

exception! {
    /// Indicates that a queue-related error happened.
    QueueError, "QueueError", "concurrent.interpreters", PlainException, weak
}

exception! {
    #[doc = ""]
    QueueNotFoundError, "QueueNotFoundError", "concurrent.interpreters", QueueError, weak
}

native_module! {
    name: "_interpqueues",
    doc: "This module provides primitive operations to manage Python interpreters.\nThe 'interpreters' module provides a more convenient interface.",
    functions: [Functions::FUNCTIONS],
    types: [QueueError, QueueNotFoundError],
    execute: |_, _| Ok(()),
}

/// What becomes of an item whose interpreter ends (`unboundop`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unbound {
    /// It goes.
    Remove = 1,
    /// Whoever gets it is told by an exception.
    Error = 2,
    /// Something else stands in its place.
    Replace = 3,
}

impl Unbound {
    /// The operation of a number; that of `default` for a negative one.
    ///
    /// # Errors
    /// `ValueError` where there is none.
    pub fn of(vm: &Vm, number: i32, default: Option<Unbound>) -> PyResult<Unbound> {
        match (number, default) {
            (1, _) => Ok(Unbound::Remove),
            (2, _) => Ok(Unbound::Error),
            (3, _) => Ok(Unbound::Replace),
            (..0, Some(default)) => Ok(default),
            _ => Err(vm.value_error(format!("unsupported unboundop {number}"))),
        }
    }
}

/// The number of a fallback in Python; negative ones stand for `default`.
pub(super) fn fallback_of(vm: &Vm, number: i32, default: Fallback) -> PyResult<Fallback> {
    match number {
        0 => Ok(Fallback::Refuse),
        1 => Ok(Fallback::Full),
        ..0 => Ok(default),
        _ => Err(vm.value_error(format!("unsupported fallback {number}"))),
    }
}

/// Something on its way, from an interpreter that may end before it arrives.
pub struct Item {
    sender: i64,
    content: Option<Crossing>,
    unbound: Unbound,
    /// Tells the sender, if it waits.
    receipt: Option<Receipt>,
}

impl Item {
    /// Something that the current interpreter sends.
    pub fn new(vm: &Vm, content: Crossing, unbound: Unbound) -> Item {
        Item { sender: vm.interpreter.identity.id, content: Some(content), unbound, receipt: None }
    }

    /// The same with somebody who waits for it to be received.
    #[must_use]
    pub fn with_receipt(self, receipt: Receipt) -> Item {
        Item { receipt: Some(receipt), ..self }
    }

    /// What tells the sender.
    pub fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_ref()
    }

    /// What Python gets: the value and `None`, or `None` and what to do about the value's loss.
    ///
    /// # Errors
    /// What making the value raises.
    pub fn received(self, vm: &Vm) -> PyResult {
        let pair = match &self.content {
            Some(content) => [content.load(vm)?, none()],
            None => [none(), int::new(self.unbound as i64)],
        };
        if let Some(receipt) = self.receipt {
            receipt.received();
        }
        Ok(Tuple::from_values(pair).into_value())
    }
}

/// Takes the contents of those items whose interpreter has ended; answers what is to be dropped.
pub fn lose_items_of_the_gone(items: &mut VecDeque<Item>) -> Vec<Item> {
    let mut lost = Vec::new();
    for mut item in std::mem::take(items) {
        if item.content.is_none() || interpreters::find(item.sender).is_some() {
            items.push_back(item);
        } else if item.unbound == Unbound::Remove {
            lost.push(item);
        } else {
            let (content, receipt) = (item.content.take(), item.receipt.take());
            lost.push(Item { sender: item.sender, content, unbound: item.unbound, receipt });
            items.push_back(item);
        }
    }
    lost
}

struct Queue {
    id: i64,
    most: i64,
    unbound: Unbound,
    fallback: Fallback,
    references: usize,
    items: VecDeque<Item>,
}

/// The queues of the process, the newest last.
static QUEUES: GilCell<(i64, Vec<Queue>)> = GilCell::new((0, Vec::new()));

/// Works on a queue after what came from interpreters that have ended was taken out.
fn with_queue<R>(vm: &Vm, id: i64, work: impl FnOnce(&mut Queue) -> R) -> PyResult<R> {
    let mut lost = Vec::new();
    let result = {
        let mut queues = QUEUES.borrow_mut();
        let queue = queues.1.iter_mut().find(|queue| queue.id == id);
        queue.map(|queue| {
            lost = lose_items_of_the_gone(&mut queue.items);
            work(queue)
        })
    };
    drop(lost);
    result.ok_or_else(|| QueueNotFoundError::error(vm, format!("queue {id} not found")))
}

/// Takes a queue off the list; it is dropped by the caller.
fn take_out(id: i64) -> Option<Queue> {
    let mut queues = QUEUES.borrow_mut();
    let place = queues.1.iter().position(|queue| queue.id == id)?;
    Some(queues.1.remove(place))
}

/// Keeps a queue alive while it is on its way between interpreters.
pub struct Reference(i64);

impl Reference {
    /// The queue that an object of the registered type stands for.
    fn of_object(vm: &Vm, object: &Value) -> PyResult<Crossing> {
        let id = vm.get_attribute_str(object, "_id")?;
        let id = super::number_of(vm, &id, "queue")?;
        with_queue(vm, id, |queue| queue.references += 1)?;
        Ok(Crossing::Queue(Reference(id)))
    }

    /// The object that stands for the queue in this interpreter.
    ///
    /// # Errors
    /// What `concurrent.interpreters` raises.
    pub fn load(&self, vm: &Vm) -> PyResult {
        let class = match TYPES.of(vm).get() {
            Some(types) => types.queue,
            None => {
                import_module(vm, "concurrent.interpreters._queues")?;
                let types = TYPES.of(vm).get();
                types.ok_or_else(|| vm.runtime_error("queue type could not be found"))?.queue
            }
        };
        vm.call(class.value(), &[int::new(self.0)])
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        release(self.0);
    }
}

/// Lets go of a reference; the queue goes with the last. Answers no where there was none.
fn release(id: i64) -> Option<bool> {
    let mut queues = QUEUES.borrow_mut();
    let queue = queues.1.iter_mut().find(|queue| queue.id == id)?;
    if queue.references == 0 {
        return Some(false);
    }
    queue.references -= 1;
    let last = queue.references == 0;
    drop(queues);
    if last {
        drop(take_out(id));
    }
    Some(true)
}

/// What `concurrent.interpreters` has made for this module.
#[derive(Clone)]
struct Types {
    queue: Ref<Type>,
    empty: Value,
    full: Value,
}

static TYPES: PerInterpreter<GilCell<Option<Types>>> = PerInterpreter::new(GilCell::default);

/// The exception of an empty or full queue: a class of Python.
fn state_error(vm: &Vm, which: fn(&Types) -> &Value, message: String) -> Exception {
    if TYPES.of(vm).borrow().is_none()
        && let Err(error) = import_module(vm, "concurrent.interpreters._queues")
    {
        return error;
    }
    let class = TYPES.of(vm).borrow().as_ref().map(|types| which(types).clone());
    match class.as_ref().and_then(as_exception_class) {
        Some(class) => vm.new_exception(class, message),
        None => QueueError::error(vm, message),
    }
}

const fn of_queue(function: &'static str) -> Parameters<1> {
    Parameters { function, names: ["qid"], required: 1, positional: 1 }
}

static CREATE: Parameters<3> = Parameters {
    function: "create()",
    names: ["maxsize", "unboundop", "fallback"],
    required: 1,
    positional: 3,
};
static PUT: Parameters<4> =
    Parameters { function: "put()", names: ["qid", "obj", "unboundop", "fallback"], required: 2, positional: 4 };
static REGISTER: Parameters<3> = Parameters {
    function: "_register_heap_types()",
    names: ["queuetype", "emptyerror", "fullerror"],
    required: 3,
    positional: 3,
};
static DESTROY: Parameters<1> = of_queue("destroy()");
static GET: Parameters<1> = of_queue("get()");
static BIND: Parameters<1> = of_queue("bind()");
static RELEASE: Parameters<1> = of_queue("release()");
static GET_MAXSIZE: Parameters<1> = of_queue("get_maxsize()");
static GET_DEFAULTS: Parameters<1> = of_queue("get_queue_defaults()");
static IS_FULL: Parameters<1> = of_queue("is_full()");
static GET_COUNT: Parameters<1> = of_queue("get_count()");

/// The only argument of most functions.
fn only_id(
    vm: &Vm,
    parameters: &'static Parameters<1>,
    args: &[Value],
    names: KeywordNames<'_>,
) -> PyResult<i64> {
    let bound = parameters.bind(vm, args, names)?;
    let id = super::number_of(vm, bound.require(vm, 0)?, "queue")?;
    bound.finish(vm)?;
    Ok(id)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// create(maxsize, unboundop, fallback) -> qid
    ///
    /// Create a queue and return its number. It lasts until the last reference is let go, or until destroy().
    #[function("create")]
    fn create(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<i64> {
        let bound = CREATE.bind(vm, args, names)?;
        let most = vm.index(bound.require(vm, 0)?)?;
        let most = int::small_value(&most)
            .ok_or_else(|| vm.overflow_error("cannot fit 'int' into an index-sized integer"))?;
        let optional = |place| bound.get(place).map_or(Ok(-1), |_| bound.int(vm, place));
        let (unbound, fallback) = (optional(1)?, optional(2)?);
        bound.finish(vm)?;
        let unbound = Unbound::of(vm, unbound, Some(Unbound::Replace))?;
        let fallback = fallback_of(vm, fallback, Fallback::Full)?;
        let mut queues = QUEUES.borrow_mut();
        queues.0 += 1;
        let id = queues.0;
        queues.1.push(Queue { id, most, unbound, fallback, references: 0, items: VecDeque::new() });
        Ok(id)
    }

    /// destroy(qid)
    ///
    /// Clear and destroy the queue, whoever still refers to it.
    #[function("destroy")]
    fn destroy(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let id = only_id(vm, &DESTROY, args, names)?;
        with_queue(vm, id, |_| ())?;
        drop(take_out(id));
        Ok(())
    }

    /// list_all() -> [(qid, unboundop, fallback)]
    ///
    /// Return the numbers of all queues, each with its defaults.
    #[function("list_all()")]
    fn list_all() -> Ref<List> {
        let queues = QUEUES.borrow();
        let all = queues.1.iter().rev().map(|queue| {
            let fallback = i64::from(queue.fallback == Fallback::Full);
            let numbers = [queue.id, queue.unbound as i64, fallback];
            Tuple::from_values(numbers.map(int::new)).into_value()
        });
        List::from_vec(all.collect())
    }

    /// put(qid, obj)
    ///
    /// Add the object's data to the queue.
    #[function("put")]
    fn put(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = PUT.bind(vm, args, names)?;
        let id = super::number_of(vm, bound.require(vm, 0)?, "queue")?;
        let object = bound.require(vm, 1)?;
        let optional = |place| bound.get(place).map_or(Ok(-1), |_| bound.int(vm, place));
        let (unbound, fallback) = (optional(2)?, optional(3)?);
        bound.finish(vm)?;
        let (default_unbound, default_fallback) = with_queue(vm, id, |queue| (queue.unbound, queue.fallback))?;
        let unbound = Unbound::of(vm, unbound, Some(default_unbound))?;
        let fallback = fallback_of(vm, fallback, default_fallback)?;
        let is_full = |queue: &Queue| queue.most > 0 && queue.items.len() as i64 >= queue.most;
        let full = |vm| state_error(vm, |types| &types.full, format!("queue {id} is full"));
        if with_queue(vm, id, |queue| is_full(queue))? {
            return Err(full(vm));
        }
        let item = Item::new(vm, Crossing::of(vm, object, fallback)?, unbound);
        // Taking the object apart may have let others in.
        let refused = with_queue(vm, id, |queue| {
            if is_full(queue) {
                return Some(item);
            }
            queue.items.push_back(item);
            None
        })?;
        if refused.is_some() { Err(full(vm)) } else { Ok(()) }
    }

    /// get(qid) -> (obj, unboundop)
    ///
    /// Return a new object from the data at the front of the queue, or what to do where its interpreter has ended.
    /// If there is nothing then raise QueueEmpty.
    #[function("get")]
    fn get(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let id = only_id(vm, &GET, args, names)?;
        match with_queue(vm, id, |queue| queue.items.pop_front())? {
            Some(item) => item.received(vm),
            None => Err(state_error(vm, |types| &types.empty, format!("queue {id} is empty"))),
        }
    }

    /// bind(qid)
    ///
    /// Take a reference to the identified queue.
    /// The queue is not destroyed until there are no references left.
    #[function("bind")]
    fn bind(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let id = only_id(vm, &BIND, args, names)?;
        with_queue(vm, id, |queue| queue.references += 1)
    }

    /// release(qid)
    ///
    /// Release a reference to the queue.
    /// The queue is destroyed once there are no references left.
    #[function("release")]
    fn release(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let id = only_id(vm, &RELEASE, args, names)?;
        match release(id) {
            Some(true) => Ok(()),
            Some(false) => Err(QueueError::error(vm, format!("queue {id} never bound"))),
            None => Err(QueueNotFoundError::error(vm, format!("queue {id} not found"))),
        }
    }

    /// get_maxsize(qid)
    ///
    /// Return the maximum number of items in the queue.
    #[function("get_maxsize")]
    fn get_maxsize(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<i64> {
        let id = only_id(vm, &GET_MAXSIZE, args, names)?;
        with_queue(vm, id, |queue| queue.most)
    }

    /// get_queue_defaults(qid)
    ///
    /// Return the queue's default values, set when it was created.
    #[function("get_queue_defaults")]
    fn get_queue_defaults(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let id = only_id(vm, &GET_DEFAULTS, args, names)?;
        let (unbound, fallback) = with_queue(vm, id, |queue| (queue.unbound, queue.fallback))?;
        let numbers = [unbound as i64, i64::from(fallback == Fallback::Full)];
        Ok(Tuple::from_values(numbers.map(int::new)).into_value())
    }

    /// is_full(qid)
    ///
    /// Return true if the queue has a maxsize and has reached it.
    #[function("is_full")]
    fn is_full(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<bool> {
        let id = only_id(vm, &IS_FULL, args, names)?;
        with_queue(vm, id, |queue| queue.most > 0 && queue.items.len() as i64 >= queue.most)
    }

    /// get_count(qid)
    ///
    /// Return the number of items in the queue.
    #[function("get_count")]
    fn get_count(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<usize> {
        let id = only_id(vm, &GET_COUNT, args, names)?;
        with_queue(vm, id, |queue| queue.items.len())
    }

    #[function("_register_heap_types")]
    fn register_heap_types(vm: &Vm, args: &[Value], names: KeywordNames<'_>) -> PyResult<()> {
        let bound = REGISTER.bind(vm, args, names)?;
        let (queue, empty, full) = (bound.require(vm, 0)?, bound.require(vm, 1)?, bound.require(vm, 2)?);
        bound.finish(vm)?;
        let Some(queue) = queue.downcast::<Type>() else {
            return Err(vm.type_error("expected a type for 'queuetype'"));
        };
        for (class, name) in [(empty, "emptyerror"), (full, "fullerror")] {
            if as_exception_class(class).is_none() {
                return Err(vm.type_error(format!("expected an exception type for '{name}'")));
            }
        }
        register(vm, queue, Reference::of_object);
        let types = Types { queue: queue.to_ref(), empty: empty.clone(), full: full.clone() };
        TYPES.of(vm).set(Some(types));
        Ok(())
    }
}

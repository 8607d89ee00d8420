//! `_queue`: a queue without bound that threads share.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::exceptions::hierarchy::PlainException;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, TypeObject};
use rspy_runtime::slots::KeywordNames;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::none::is_none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::support::exception;
use crate::time::{Rounding, nanoseconds_of};

exception! {
    /// Exception raised by Queue.get(block=0)/get_nowait().
    Empty, "Empty", "_queue", PlainException, weak
}

native_module! {
    name: "_queue",
    doc: "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.",
    functions: [],
    types: [SimpleQueue, Empty],
    execute: |_, _| Ok(()),
}

/// How long waiting goes on before signals are looked after.
const PATIENCE: Duration = Duration::from_millis(50);

/// Counts what was put, so that a waiting thread sees that something was since it looked.
#[derive(Default)]
struct Arrivals {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Arrivals {
    fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    fn wait(&self, seen: u64, patience: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(count, patience, |count| *count == seen);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Simple, unbounded, reentrant FIFO queue.
#[pyclass(name = "SimpleQueue", module = "_queue", tracked, subclassable, weak, signature = "()")]
pub struct SimpleQueue {
    items: GilCell<VecDeque<Value>>,
    #[untraced]
    arrivals: Arrivals,
}

impl SimpleQueue {
    fn take(&self, vm: &Vm, end: Option<Instant>) -> PyResult {
        loop {
            let seen = self.arrivals.count();
            let item = self.items.borrow_mut().pop_front();
            if let Some(item) = item {
                return Ok(item);
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(empty(vm));
            }
            let patience = left.map_or(PATIENCE, |left| left.min(PATIENCE));
            vm.allow_threads(|| self.arrivals.wait(seen, patience));
            vm.check_signals()?;
        }
    }

    fn add(&self, item: &Value) {
        self.items.borrow_mut().push_back(item.clone());
        self.arrivals.add();
    }
}

fn empty(vm: &Vm) -> rspy_runtime::exceptions::Exception {
    vm.exception_with_args(Empty::static_type(), &[])
}

#[pymethods]
impl SimpleQueue {
    #[slot(new)]
    fn new(vm: &Vm, cls: &TypeObject, args: &[Value], names: KeywordNames<'_>) -> PyResult {
        let own = std::ptr::eq(cls, SimpleQueue::static_type());
        if own && !args.is_empty() {
            crate::support::no_keywords(vm, "SimpleQueue", names)?;
            return Err(vm.type_error(format!("SimpleQueue() takes no arguments ({} given)", args.len())));
        }
        let queue = SimpleQueue { items: GilCell::default(), arrivals: Arrivals::default() };
        Ok(Object::with_type(cls, queue).into_value())
    }

    /// Put the item on the queue; block and timeout are ignored, since it never blocks.
    #[method("put(self, /, item, block=True, timeout=None)")]
    fn put(&self, item: &Value, block: bool, timeout: Option<&Value>) {
        let _ = (block, timeout);
        self.add(item);
    }

    /// Put an item into the queue without blocking.
    #[method("put_nowait(self, /, item)")]
    fn put_nowait(&self, item: &Value) {
        self.add(item);
    }

    /// Remove and return an item from the queue.
    #[method("get(self, /, block=True, timeout=None)")]
    fn get(&self, vm: &Vm, block: bool, timeout: Option<&Value>) -> PyResult {
        if !block {
            return self.take(vm, Some(Instant::now()));
        }
        let Some(timeout) = timeout.filter(|timeout| !is_none(timeout)) else { return self.take(vm, None) };
        let nanoseconds = nanoseconds_of(vm, timeout, Rounding::Up)?;
        match u64::try_from(nanoseconds) {
            Ok(time) => self.take(vm, Instant::now().checked_add(Duration::from_nanos(time))),
            Err(_) => Err(vm.value_error("'timeout' must be a non-negative number")),
        }
    }

    /// Remove and return an item from the queue without blocking.
    #[method("get_nowait(self, /)")]
    fn get_nowait(&self, vm: &Vm) -> PyResult {
        self.take(vm, Some(Instant::now()))
    }

    /// Return True if the queue is empty, False otherwise (not reliable!).
    #[method("empty(self, /)")]
    fn empty(&self) -> bool {
        self.items.borrow().is_empty()
    }

    /// Return the approximate size of the queue (not reliable!).
    #[method("qsize(self, /)")]
    fn qsize(&self) -> usize {
        self.items.borrow().len()
    }

    /// See PEP 585
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }
}

//! `select`: waiting until descriptors are ready.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rspy_macros::{pyclass, pyfunctions, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{PyResult, os_error};
use rspy_runtime::host::{self, DescriptorSet, Errno, PollDescriptor, c};
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref, TypeObject};
use rspy_runtime::paths::{FileDescriptor, OrRaise, as_descriptor};
use rspy_runtime::types::list::List;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::time::{Rounding, nanoseconds_of};

native_module! {
    name: "select",
    doc: "This module supports asynchronous I/O on multiple file descriptors.",
    functions: [Functions::FUNCTIONS],
    types: [Epoll],
    execute: execute,
}

const NUMBERS: &[(&str, i64)] = &[
    ("PIPE_BUF", 4096), ("POLLIN", 1), ("POLLPRI", 2), ("POLLOUT", 4), ("POLLERR", 8), ("POLLHUP", 16),
    ("POLLNVAL", 32), ("POLLRDNORM", 64), ("POLLRDBAND", 128), ("POLLWRNORM", 256), ("POLLWRBAND", 512),
    ("POLLMSG", 1024), ("POLLRDHUP", 8192), ("EPOLLIN", 1), ("EPOLLOUT", 4), ("EPOLLPRI", 2), ("EPOLLERR", 8),
    ("EPOLLHUP", 16), ("EPOLLRDHUP", 8192), ("EPOLLET", 1 << 31), ("EPOLLONESHOT", 1 << 30),
    ("EPOLLEXCLUSIVE", 1 << 28), ("EPOLLWAKEUP", 1 << 29), ("EPOLLRDNORM", 64), ("EPOLLRDBAND", 128),
    ("EPOLLWRNORM", 256), ("EPOLLWRBAND", 512), ("EPOLLMSG", 1024), ("EPOLL_CLOEXEC", 0o2_000_000),
];

fn execute(vm: &Vm, module: &Object<Module>) -> PyResult<()> {
    for (name, number) in NUMBERS {
        module.set_int(vm, name, *number);
    }
    module.set(vm, "error", os_error::OsError::static_type().to_value());
    Poll::static_type().ready(vm);
    Ok(())
}

/// The moment at which a wait ends; nothing for one without end.
struct End(Option<Instant>);

impl End {
    fn after(time: Option<Duration>) -> End {
        End(time.and_then(|time| Instant::now().checked_add(time)))
    }

    /// Milliseconds that are left, rounded up; -1 for ever.
    fn milliseconds(&self) -> i32 {
        match self.0 {
            None => -1,
            Some(end) => {
                let rest = end.saturating_duration_since(Instant::now());
                i32::try_from(rest.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
            }
        }
    }
}

/// A descriptor and what is waited for on it, ascending by descriptor.
type Registered = Vec<(i32, u16)>;

/// An object that waits for descriptors (`select.poll()`).
#[pyclass(name = "poll", module = "select", no_new)]
pub struct Poll {
    descriptors: GilCell<Registered>,
    running: Cell<bool>,
}

fn event_mask(vm: &Vm, mask: Option<&Value>, default: u16) -> PyResult<u16> {
    let Some(mask) = mask else { return Ok(default) };
    if int::is_int(mask) && int::sign(mask) < 0 {
        return Err(vm.value_error("value must be positive"));
    }
    int::to_fixed(vm, mask, "unsigned short")
}

/// The time of `poll`, in milliseconds; negative and `None` for ever.
fn poll_time(vm: &Vm, timeout: Option<&Value>) -> PyResult<Option<Duration>> {
    let Some(timeout) = timeout.filter(|timeout| !is_none(timeout)) else { return Ok(None) };
    let milliseconds = if let Some(number) = float::as_f64(timeout) {
        if number.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        if number < 0.0 { -1.0 } else { number.ceil() }
    } else if timeout.type_of().slots().index.get().is_some() {
        float::to_f64(vm, &vm.index(timeout)?)?
    } else {
        return Err(vm.type_error("timeout must be an integer or None"));
    };
    if milliseconds < 0.0 {
        return Ok(None);
    }
    if milliseconds > f64::from(i32::MAX) {
        return Err(vm.overflow_error("timeout is too large"));
    }
    Ok(Some(Duration::from_millis(milliseconds as u64)))
}

#[pymethods]
impl Poll {
    /// Register a file descriptor with the polling object.
    #[method("register(self, fd, eventmask=<unrepresentable>, /)")]
    fn register(&self, vm: &Vm, fd: FileDescriptor, eventmask: Option<&Value>) -> PyResult<()> {
        let mask = event_mask(vm, eventmask, (c::POLLIN | c::POLLPRI | c::POLLOUT) as u16)?;
        let mut descriptors = self.descriptors.borrow_mut();
        match descriptors.binary_search_by_key(&fd.0, |(descriptor, _)| *descriptor) {
            Ok(place) => descriptors[place].1 = mask,
            Err(place) => descriptors.insert(place, (fd.0, mask)),
        }
        Ok(())
    }

    /// Modify an already registered file descriptor.
    #[method("modify(self, fd, eventmask, /)")]
    fn modify(&self, vm: &Vm, fd: FileDescriptor, eventmask: &Value) -> PyResult<()> {
        let mask = event_mask(vm, Some(eventmask), 0)?;
        let mut descriptors = self.descriptors.borrow_mut();
        match descriptors.iter_mut().find(|(descriptor, _)| *descriptor == fd.0) {
            Some(found) => {
                found.1 = mask;
                Ok(())
            }
            None => Err(vm.os_error(c::ENOENT, None, None)),
        }
    }

    /// Remove a file descriptor being tracked by the polling object.
    #[method("unregister(self, fd, /)")]
    fn unregister(&self, vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        let mut descriptors = self.descriptors.borrow_mut();
        match descriptors.iter().position(|(descriptor, _)| *descriptor == fd.0) {
            Some(place) => {
                descriptors.remove(place);
                Ok(())
            }
            None => Err(vm.key_error(&Value::int(fd.0))),
        }
    }

    /// Polls the set of registered file descriptors.
    #[method("poll(self, timeout=None, /)")]
    fn poll(&self, vm: &Vm, timeout: Option<&Value>) -> PyResult<Vec<(i32, i32)>> {
        let time = poll_time(vm, timeout)?;
        if self.running.replace(true) {
            return Err(vm.runtime_error("concurrent poll() invocation"));
        }
        let mut waiting: Vec<PollDescriptor> = self
            .descriptors
            .borrow()
            .iter()
            .map(|&(fd, events)| PollDescriptor { fd, events: events as i16, revents: 0 })
            .collect();
        let end = End::after(time);
        let result = vm.blocking(|| host::poll(&mut waiting, end.milliseconds()));
        self.running.set(false);
        result?.or_raise(vm)?;
        let ready = waiting.iter().filter(|waiting| waiting.revents != 0);
        Ok(ready.map(|ready| (ready.fd, i32::from(ready.revents as u16))).collect())
    }
}

/// Returns an epolling object.
#[pyclass(name = "epoll", shows_get, module = "select", signature = "(sizehint=-1, flags=0)")]
pub struct Epoll {
    descriptor: Cell<i32>,
}

impl Epoll {
    fn open(&self, vm: &Vm) -> PyResult<i32> {
        match self.descriptor.get() {
            -1 => Err(vm.value_error("I/O operation on closed epoll object")),
            descriptor => Ok(descriptor),
        }
    }

    fn control(&self, vm: &Vm, operation: i32, descriptor: i32, events: u32) -> PyResult<()> {
        let own = self.open(vm)?;
        vm.allow_threads(|| host::epoll_control(own, operation, descriptor, events)).or_raise(vm)
    }

    fn close_now(&self) -> host::Result {
        match self.descriptor.replace(-1) {
            -1 => Ok(()),
            descriptor => host::close(descriptor),
        }
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        // Nobody is left to be told of an error.
        let _ = self.close_now();
    }
}

#[pymethods]
impl Epoll {
    #[new("epoll(sizehint=-1, flags=0)")]
    fn new(vm: &Vm, cls: &TypeObject, sizehint: i32, flags: i32) -> PyResult {
        if sizehint == -1 || sizehint > 0 {
            if flags & !c::EPOLL_CLOEXEC != 0 {
                return Err(vm.os_error_message("invalid flags"));
            }
            let descriptor = host::epoll_create(flags | c::EPOLL_CLOEXEC).or_raise(vm)?;
            return Ok(Object::with_type(cls, Epoll { descriptor: Cell::new(descriptor) }).into_value());
        }
        Err(vm.value_error("negative sizehint"))
    }

    /// Create an epoll object from a given control fd.
    #[classmethod("fromfd(cls, fd, /)")]
    fn fromfd(cls: &TypeObject, fd: i32) -> Value {
        Object::with_type(cls, Epoll { descriptor: Cell::new(fd) }).into_value()
    }

    /// True if the epoll handler is closed
    #[getter("closed")]
    fn closed(&self) -> bool {
        self.descriptor.get() == -1
    }

    /// Close the epoll control file descriptor.
    #[method("close(self, /)")]
    fn close(&self, vm: &Vm) -> PyResult<()> {
        self.close_now().or_raise(vm)
    }

    /// Return the epoll control file descriptor.
    #[method("fileno(self, /)")]
    fn fileno(&self, vm: &Vm) -> PyResult<i32> {
        self.open(vm)
    }

    /// Registers a new fd or raises an OSError if the fd is already registered.
    #[method("register(self, fd, eventmask=<unrepresentable>)")]
    fn register(&self, vm: &Vm, fd: FileDescriptor, eventmask: Option<u32>) -> PyResult<()> {
        let events = eventmask.unwrap_or((c::EPOLLIN | c::EPOLLPRI | c::EPOLLOUT) as u32);
        self.control(vm, c::EPOLL_CTL_ADD, fd.0, events)
    }

    /// Modify event mask for a registered file descriptor.
    #[method("modify(self, fd, eventmask)")]
    fn modify(&self, vm: &Vm, fd: FileDescriptor, eventmask: u32) -> PyResult<()> {
        self.control(vm, c::EPOLL_CTL_MOD, fd.0, eventmask)
    }

    /// Remove a registered file descriptor from the epoll object.
    #[method("unregister(self, fd)")]
    fn unregister(&self, vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        self.control(vm, c::EPOLL_CTL_DEL, fd.0, 0)
    }

    /// Wait for events on the epoll file descriptor.
    #[method("poll(self, timeout=None, maxevents=-1)")]
    fn poll(&self, vm: &Vm, timeout: Option<&Value>, maxevents: i32) -> PyResult<Vec<(i32, i64)>> {
        let own = self.open(vm)?;
        let time = match timeout.filter(|timeout| !is_none(timeout)) {
            None => None,
            Some(timeout) => {
                let nanoseconds = nanoseconds_of(vm, timeout, Rounding::Up).map_err(|error| {
                    if error.is_type_error() { vm.type_error("timeout must be an integer or None") } else { error }
                })?;
                u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
            }
        };
        let most = match maxevents {
            -1 => c::FD_SETSIZE - 1,
            most if most > 0 => most as usize,
            _ => return Err(vm.value_error(format!("maxevents must be greater than 0, got {maxevents}"))),
        };
        let end = End::after(time);
        let events = vm.blocking(|| host::epoll_wait(own, most, end.milliseconds()))?.or_raise(vm)?;
        Ok(events.into_iter().map(|(descriptor, events)| (descriptor, i64::from(events))).collect())
    }

    #[method("__enter__(self, /)")]
    fn enter(this: &Object<Epoll>, vm: &Vm) -> PyResult {
        this.open(vm)?;
        Ok(this.to_value())
    }

    #[method("__exit__(self, exc_type=None, exc_value=None, exc_tb=None, /)")]
    fn exit(
        this: &Value,
        vm: &Vm,
        exc_type: Option<&Value>,
        exc_value: Option<&Value>,
        exc_tb: Option<&Value>,
    ) -> PyResult {
        let _ = (exc_type, exc_value, exc_tb);
        vm.call_method_str(this, "close", &[])
    }
}

/// The objects of one list of `select`, each with its descriptor.
fn with_descriptors(vm: &Vm, list: &Value) -> PyResult<Vec<(Value, i32)>> {
    // A list is read as it is at each moment: asking an item for its descriptor may change it.
    let items = match list.downcast::<List>() {
        Some(list) => list.to_ref(),
        None => List::from_vec(vm.collect_or(list, || vm.type_error("arguments 1-3 must be sequences"))?),
    };
    let mut all = Vec::with_capacity(items.len());
    while let Some(item) = items.get(all.len()) {
        let descriptor = as_descriptor(vm, &item)?;
        if descriptor >= DescriptorSet::LIMIT {
            return Err(vm.value_error("filedescriptor out of range in select()"));
        }
        all.push((item, descriptor));
    }
    Ok(all)
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Returns a polling object.
    #[function("poll()")]
    fn poll() -> Ref<Poll> {
        Object::new(Poll { descriptors: GilCell::default(), running: Cell::new(false) })
    }

    /// Wait until one or more file descriptors are ready for some kind of I/O.
    #[function("select(rlist, wlist, xlist, timeout=None, /)")]
    fn select(vm: &Vm, rlist: &Value, wlist: &Value, xlist: &Value, timeout: Option<&Value>) -> PyResult<(Value, Value, Value)> {
        let time = match timeout.filter(|timeout| !is_none(timeout)) {
            None => None,
            Some(timeout) => {
                let nanoseconds = nanoseconds_of(vm, timeout, Rounding::Up).map_err(|error| {
                    if error.is_type_error() { vm.type_error("timeout must be a float or None") } else { error }
                })?;
                match u64::try_from(nanoseconds) {
                    Ok(time) => Some(Duration::from_nanos(time)),
                    Err(_) => return Err(vm.value_error("timeout must be non-negative")),
                }
            }
        };
        let lists = [with_descriptors(vm, rlist)?, with_descriptors(vm, wlist)?, with_descriptors(vm, xlist)?];
        let limit = lists.iter().flatten().map(|(_, descriptor)| descriptor + 1).max().unwrap_or(0);
        let mut wanted: [DescriptorSet; 3] = std::array::from_fn(|_| DescriptorSet::new());
        for (set, list) in wanted.iter_mut().zip(&lists) {
            list.iter().for_each(|(_, descriptor)| set.add(*descriptor));
        }
        let end = End::after(time);
        let mut ready = wanted.clone();
        vm.blocking(|| {
            ready.clone_from(&wanted);
            let rest = end.0.map(|end| {
                end.saturating_duration_since(Instant::now()).as_nanos().div_ceil(1000).try_into().unwrap_or(i64::MAX)
            });
            host::select(limit, &mut ready, rest)
        })?
        .map_err(|Errno(error)| vm.os_error(error, None, None))?;
        let mut results = lists.into_iter().zip(&ready).map(|(list, set)| {
            let ready = list.into_iter().filter(|(_, descriptor)| set.contains(*descriptor));
            List::from_vec(ready.map(|(item, _)| item).collect()).into_value()
        });
        let mut next = || results.next().unwrap_or_else(rspy_runtime::types::none::none);
        Ok((next(), next(), next()))
    }
}

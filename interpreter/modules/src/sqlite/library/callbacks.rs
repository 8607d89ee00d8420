//! The calls that come back from SQLite: functions, aggregates, collations and hooks of Python's.
//!
//! What SQLite is given along is a counted [`Callback`]. For functions and collations SQLite owns a count and gives it
//! back with its destructor; for hooks the database owns it, and tells SQLite of the new hook before it lets go of the
//! old one. Each call takes the interpreter's lock first, and holds a count of its own while it runs, as it may be
//! replaced meanwhile.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::rc::Rc;

use libsqlite3_sys as c;
use rspy_runtime::gc::{Trace, Visitor};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::super::hooks::{self, Pending};
use super::super::functions;
use super::{Database, Datum, Hook, Outcome, bytes_at, outcome};

/// What Python code is called from SQLite for.
pub struct Callback {
    /// What is called; of an aggregate, the class.
    pub callable: Value,
    /// Where an exception goes that SQLite cannot be told of.
    pub pending: Rc<Pending>,
}

impl Callback {
    /// Visits what it refers to.
    pub fn trace(&self, visitor: &mut Visitor<'_>) {
        self.callable.trace(visitor);
    }
}

/// What a function or aggregate is called for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A function is to answer.
    Call,
    /// A row comes into an aggregate.
    Step,
    /// A row leaves a window.
    Inverse,
    /// The value of a window so far is wanted.
    Value,
    /// The aggregate ends.
    Finalize,
}

/// The arguments of a function.
pub struct Arguments<'a> {
    values: &'a [*mut c::sqlite3_value],
    database: *mut c::sqlite3,
}

impl Arguments<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// One of them. Looking at it may change how it is kept, so that only one can be looked at.
    pub fn get(&mut self, index: usize) -> Datum<'_> {
        let value = self.values[index];
        // SAFETY: the values are valid for the time of the call, the text or blob until the next look at the same value.
        unsafe {
            match c::sqlite3_value_type(value) {
                c::SQLITE_INTEGER => Datum::Integer(c::sqlite3_value_int64(value)),
                c::SQLITE_FLOAT => Datum::Real(c::sqlite3_value_double(value)),
                kind @ (c::SQLITE_TEXT | c::SQLITE_BLOB) => {
                    let is_text = kind == c::SQLITE_TEXT;
                    let start = if is_text {
                        c::sqlite3_value_text(value)
                    } else {
                        c::sqlite3_value_blob(value).cast()
                    };
                    if start.is_null() && c::sqlite3_errcode(self.database) == c::SQLITE_NOMEM {
                        return Datum::NoMemory;
                    }
                    let bytes = bytes_at(start, c::sqlite3_value_bytes(value));
                    if is_text { Datum::Text(bytes) } else { Datum::Blob(bytes) }
                }
                _ => Datum::Null,
            }
        }
    }
}

/// Where a function's answer goes.
pub struct Context<'a> {
    handle: *mut c::sqlite3_context,
    of: PhantomData<&'a ()>,
}

impl Context<'_> {
    /// Answers a value, which is copied.
    pub fn answer(&self, value: Datum<'_>) {
        let (handle, transient) = (self.handle, c::SQLITE_TRANSIENT());
        // SAFETY: the context is valid for the time of the call; texts and blobs are as long as said.
        unsafe {
            match value {
                Datum::Null => c::sqlite3_result_null(handle),
                Datum::Integer(number) => c::sqlite3_result_int64(handle, number),
                Datum::Real(number) => c::sqlite3_result_double(handle, number),
                Datum::Text(text) => {
                    let length = text.len() as u64;
                    let encoding = c::SQLITE_UTF8 as u8;
                    c::sqlite3_result_text64(handle, text.as_ptr().cast(), length, transient, encoding);
                }
                Datum::Blob(blob) => {
                    c::sqlite3_result_blob64(handle, blob.as_ptr().cast(), blob.len() as u64, transient);
                }
                Datum::NoMemory => c::sqlite3_result_error_nomem(handle),
            }
        }
    }

    /// Answers that something went wrong.
    pub fn fail(&self, message: &str) {
        // SAFETY: as for `answer`; the message is copied.
        unsafe { c::sqlite3_result_error(self.handle, message.as_ptr().cast(), message.len() as c_int) }
    }

    /// Answers that the value is too large.
    pub fn fail_as_too_big(&self) {
        // SAFETY: as for `answer`.
        unsafe { c::sqlite3_result_error_toobig(self.handle) }
    }

    /// The word that an aggregate has for itself; 0 at first. `None` where there is no memory, or, unless it is made,
    /// where no row has come.
    fn word(&self, make: bool) -> Option<&std::cell::Cell<u64>> {
        let size = if make { size_of::<u64>() } else { 0 };
        // SAFETY: the memory is of that size where there is any, cleared at first, and stays until the aggregate ends.
        unsafe { c::sqlite3_aggregate_context(self.handle, size as c_int).cast::<std::cell::Cell<u64>>().as_ref() }
    }

    /// The instance of an aggregate.
    pub fn instance(&self) -> Option<Value> {
        let bits = self.word(false)?.get();
        // SAFETY: a word that is not 0 is a value which the aggregate owns.
        (bits != 0).then(|| (*std::mem::ManuallyDrop::new(unsafe { Value::from_bits(bits) })).clone())
    }

    /// Keeps the instance of an aggregate; gives it back where there is no memory.
    pub fn keep_instance(&self, instance: Value) -> Result<(), Value> {
        let Some(word) = self.word(true) else { return Err(instance) };
        drop(self.take_instance());
        word.set(instance.into_bits());
        Ok(())
    }

    /// Takes the instance of an aggregate that ends.
    pub fn take_instance(&self) -> Option<Value> {
        let bits = self.word(false)?.replace(0);
        // SAFETY: the aggregate owned the value.
        (bits != 0).then(|| unsafe { Value::from_bits(bits) })
    }
}

/// Runs with a count of a callback and the interpreter's lock.
///
/// # Safety
/// The pointer must be what [`Rc::into_raw`] or [`Rc::as_ptr`] answered, with a count alive.
unsafe fn locked<R>(data: *mut c_void, run: impl FnOnce(&Vm, &Callback) -> R) -> R {
    Vm::with_current(|vm| {
        vm.hold_lock(|vm| {
            let data = data.cast::<Callback>().cast_const();
            // SAFETY: as promised; counts are only touched with the lock held.
            let callback = unsafe {
                Rc::increment_strong_count(data);
                Rc::from_raw(data)
            };
            run(vm, &callback)
        })
    })
}

unsafe extern "C" fn destroy(data: *mut c_void) {
    Vm::with_current(|vm| {
        vm.hold_lock(|_| {
            // SAFETY: SQLite gives back the count that it was given.
            drop(unsafe { Rc::from_raw(data.cast::<Callback>().cast_const()) });
        });
    });
}

/// # Safety
/// The context must be that of a call that is under way, with its arguments.
unsafe fn invoke(context: *mut c::sqlite3_context, event: Event, count: c_int, values: *mut *mut c::sqlite3_value) {
    // SAFETY: as promised; the user data is what the function was made with.
    unsafe {
        let values = if count > 0 { std::slice::from_raw_parts(values, count as usize) } else { &[] };
        let mut arguments = Arguments { values, database: c::sqlite3_context_db_handle(context) };
        locked(c::sqlite3_user_data(context), |vm, callback| {
            let context = Context { handle: context, of: PhantomData };
            functions::run(vm, callback, event, &context, &mut arguments);
        });
    }
}

macro_rules! entry_points {
    ($($name:ident($event:ident $(, $count:ident, $values:ident)?);)*) => {$(
        unsafe extern "C" fn $name(
            context: *mut c::sqlite3_context $(, $count: c_int, $values: *mut *mut c::sqlite3_value)?
        ) {
            let (_count, _values): (c_int, *mut *mut c::sqlite3_value) = (0, ptr::null_mut());
            $(let (_count, _values) = ($count, $values);)?
            // SAFETY: SQLite calls with a context and arguments.
            unsafe { invoke(context, Event::$event, _count, _values) }
        }
    )*};
}
entry_points! {
    call(Call, count, values);
    step(Step, count, values);
    inverse(Inverse, count, values);
    value(Value);
    finalize(Finalize);
}

unsafe extern "C" fn compare(
    data: *mut c_void,
    left_length: c_int,
    left: *const c_void,
    right_length: c_int,
    right: *const c_void,
) -> c_int {
    // SAFETY: SQLite calls with what the collation was made with, and two texts of these lengths.
    unsafe {
        let (left, right) = (bytes_at(left.cast(), left_length), bytes_at(right.cast(), right_length));
        locked(data, |vm, callback| hooks::compare(vm, callback, left, right))
    }
}

unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    source: *const c_char,
) -> c_int {
    // SAFETY: SQLite calls with the hook that was set, and with texts or null pointers.
    unsafe {
        let names = [first, second, database, source]
            .map(|text| (!text.is_null()).then(|| CStr::from_ptr(text).to_bytes()));
        locked(data, |vm, callback| hooks::authorize(vm, callback, action, names))
    }
}

unsafe extern "C" fn progress(data: *mut c_void) -> c_int {
    // SAFETY: SQLite calls with the hook that was set.
    unsafe { locked(data, |vm, callback| c_int::from(hooks::progress(vm, callback))) }
}

unsafe extern "C" fn trace(_: c_uint, data: *mut c_void, statement: *mut c_void, text: *mut c_void) -> c_int {
    // SAFETY: SQLite calls with the hook that was set, a statement and its text; the expanded text is ours to free.
    unsafe {
        let expanded = c::sqlite3_expanded_sql(statement.cast());
        let whole = !expanded.is_null();
        let shown = CStr::from_ptr(if whole { expanded } else { text.cast() }).to_bytes();
        locked(data, |vm, callback| hooks::trace(vm, callback, shown, whole));
        c::sqlite3_free(expanded.cast());
    }
    0
}

/// The kinds of functions that can be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A function of a row, perhaps one that always answers the same.
    Function {
        /// Whether it does.
        deterministic: bool,
    },
    /// A function of many rows.
    Aggregate,
    /// A function of rows that come and go.
    Window,
}

fn given(callback: Option<Callback>) -> *mut c_void {
    callback.map_or(ptr::null_mut(), |callback| Rc::into_raw(Rc::new(callback)).cast_mut().cast())
}

impl Database {
    /// Makes a function, or removes it.
    pub fn create_function(&self, vm: &Vm, name: &CStr, count: c_int, kind: Kind, callback: Option<Callback>) -> Outcome {
        let there = callback.is_some();
        let data = given(callback);
        let end: Option<unsafe extern "C" fn(*mut c_void)> = if there { Some(destroy) } else { None };
        let (raw, name, utf8) = (self.raw(), name.as_ptr(), c::SQLITE_UTF8);
        // SAFETY: handle and name are valid; the data comes with its destructor, which is called where the call fails, too.
        vm.allow_threads(|| unsafe {
            outcome(match kind {
                Kind::Function { deterministic } => {
                    let flags = utf8 | if deterministic { c::SQLITE_DETERMINISTIC } else { 0 };
                    let function = there.then_some(call as _);
                    c::sqlite3_create_function_v2(raw, name, count, flags, data, function, None, None, end)
                }
                Kind::Aggregate => {
                    let (step, last) = (there.then_some(step as _), there.then_some(finalize as _));
                    c::sqlite3_create_function_v2(raw, name, count, utf8, data, None, step, last, end)
                }
                Kind::Window => {
                    let (step, last) = (there.then_some(step as _), there.then_some(finalize as _));
                    let (now, back) = (there.then_some(value as _), there.then_some(inverse as _));
                    c::sqlite3_create_window_function(raw, name, count, utf8, data, step, last, now, back, end)
                }
            })
        })
    }

    /// Makes a collation, or removes it.
    pub fn create_collation(&self, vm: &Vm, name: &CStr, callback: Option<Callback>) -> Outcome {
        let there = callback.is_some();
        let data = given(callback);
        let function: Option<unsafe extern "C" fn(_, _, _, _, _) -> _> = if there { Some(compare) } else { None };
        let end: Option<unsafe extern "C" fn(*mut c_void)> = if there { Some(destroy) } else { None };
        // SAFETY: as for functions; but where the call fails the data is still ours.
        let result = vm.allow_threads(|| unsafe {
            c::sqlite3_create_collation_v2(self.raw(), name.as_ptr(), c::SQLITE_UTF8, data, function, end)
        });
        if result != super::OK && there {
            // SAFETY: the count was made above and SQLite did not take it.
            unsafe { destroy(data) };
        }
        outcome(result)
    }

    /// Sets a hook, or removes it. That of progress is called after so many steps.
    pub fn set_hook(&self, vm: &Vm, hook: Hook, callback: Option<Callback>, steps: c_int) -> Outcome {
        let new = callback.map(Rc::new);
        let there = new.is_some();
        let data: *mut c_void = new.as_ref().map_or(ptr::null_mut(), |new| Rc::as_ptr(new).cast_mut().cast());
        let raw = self.raw();
        // SAFETY: the handle is valid. The hook is kept until SQLite was told of another, for which it waits until no
        // other thread is in a call of the database.
        let result = vm.allow_threads(|| unsafe {
            match hook {
                Hook::Authorizer => c::sqlite3_set_authorizer(raw, there.then_some(authorize as _), data),
                Hook::Progress => {
                    c::sqlite3_progress_handler(raw, steps, there.then_some(progress as _), data);
                    super::OK
                }
                Hook::Trace => {
                    let events = if there { c::SQLITE_TRACE_STMT as c_uint } else { 0 };
                    c::sqlite3_trace_v2(raw, events, there.then_some(trace as _), data)
                }
            }
        });
        if result == super::OK {
            let old = std::mem::replace(&mut self.hooks.borrow_mut()[hook as usize], new);
            drop(old);
        }
        outcome(result)
    }
}

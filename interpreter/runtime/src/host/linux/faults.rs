//! Handlers that run when a signal arrives, in the middle of whatever the thread does, and what brings such signals
//! about.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::call::check;
use super::signals::SIGNAL_COUNT;
use super::{Errno, Result};

/// Called with the signal; it may do only what a signal handler may do.
pub type FaultHandler = fn(i32);

/// Handlers by signal as addresses, 0 for none.
static HANDLERS: [AtomicUsize; SIGNAL_COUNT as usize] =
    [const { AtomicUsize::new(0) }; SIGNAL_COUNT as usize];

struct Actions(UnsafeCell<[MaybeUninit<libc::sigaction>; SIGNAL_COUNT as usize]>);

// SAFETY: an action is written before the handler that reads it is installed, by a thread that holds the
// interpreter's lock.
unsafe impl Sync for Actions {}

static PREVIOUS: Actions = Actions(UnsafeCell::new([const { MaybeUninit::uninit() }; SIGNAL_COUNT as usize]));

extern "C" fn on_signal(signal: libc::c_int) {
    let before = Errno::last();
    let handler = HANDLERS.get(signal as usize).map_or(0, |handler| handler.load(Ordering::Acquire));
    if handler != 0 {
        // SAFETY: the address is that of a function of this type.
        let handler = unsafe { std::mem::transmute::<usize, FaultHandler>(handler) };
        handler(signal);
    }
    // The thread's own error number is put back as it was.
    before.set_last();
}

/// Has a function called when a signal arrives; `nested` also while it runs.
pub fn install_fault_handler(signal: i32, handler: FaultHandler, nested: bool) -> Result {
    let Some(place) = HANDLERS.get(signal as usize) else { return Err(Errno(libc::EINVAL)) };
    let installed = place.swap(handler as *const () as usize, Ordering::AcqRel) != 0;
    // SAFETY: the action is initialised; what was before is written to its place unless it is there already.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
        libc::sigemptyset(&raw mut action.sa_mask);
        action.sa_flags = libc::SA_ONSTACK | if nested { libc::SA_NODEFER } else { libc::SA_RESTART };
        let mut previous: libc::sigaction = std::mem::zeroed();
        let result = check(libc::sigaction(signal, &raw const action, &raw mut previous)).map(drop);
        if !installed {
            (*PREVIOUS.0.get())[signal as usize].write(previous);
        }
        result
    }
}

/// Puts back what happened before when the signal arrives; answers whether a handler was there.
pub fn remove_fault_handler(signal: i32) -> bool {
    let Some(place) = HANDLERS.get(signal as usize) else { return false };
    if place.swap(0, Ordering::AcqRel) == 0 {
        return false;
    }
    // SAFETY: the previous action was written when the handler was installed.
    unsafe {
        let previous = (*PREVIOUS.0.get())[signal as usize].as_ptr();
        libc::sigaction(signal, previous, std::ptr::null_mut());
    }
    true
}

/// Has the signal do what it did before the handler was installed, and then calls the handler again next time.
pub fn pass_signal_on(signal: i32) {
    // SAFETY: as for `remove_fault_handler`; the handler's own action is put back afterwards.
    unsafe {
        let previous = (*PREVIOUS.0.get())[signal as usize].as_ptr();
        let mut own: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, previous, &raw mut own);
        libc::raise(signal);
        libc::sigaction(signal, &raw const own, std::ptr::null_mut());
    }
}

/// Sends the thread itself a signal.
pub fn raise_signal_here(signal: i32) {
    // SAFETY: the call takes a number only.
    unsafe { libc::raise(signal) };
}

/// Reads from where nothing is.
pub fn read_nothing() -> usize {
    // SAFETY: none: the process is meant to end here.
    unsafe { libc::strlen(std::ptr::null()) }
}

/// Calls with the name of a thread that is alive, as the system's tools show it; empty where there is none.
pub fn with_thread_name(thread: u64, with: impl FnOnce(&[u8])) {
    let mut name = [0u8; 16];
    // SAFETY: the buffer is as long as said.
    unsafe { libc::pthread_getname_np(thread as libc::pthread_t, name.as_mut_ptr().cast(), name.len()) };
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    with(&name[..end]);
}

//! Signals: what the handler notes down when one arrives, and the calls around them.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

use super::call::check;
use super::{Errno, Result};

/// One more than the largest signal number.
pub const SIGNAL_COUNT: i32 = 65;

static TRIPPED: [AtomicBool; SIGNAL_COUNT as usize] =
    [const { AtomicBool::new(false) }; SIGNAL_COUNT as usize];
static ANY_TRIPPED: AtomicBool = AtomicBool::new(false);
static WAKEUP: AtomicI32 = AtomicI32::new(-1);
static WAKEUP_WARNS: AtomicBool = AtomicBool::new(true);
static WAKEUP_ERROR: AtomicI32 = AtomicI32::new(0);
static REQUESTS: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());
static REQUEST_BIT: AtomicU32 = AtomicU32::new(0);

/// What the system does with a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// Its default action.
    Default,
    /// Nothing.
    Ignore,
    /// It is noted down, for the evaluation loop to see.
    Note,
    /// Something that was set elsewhere.
    Other,
}

/// Names the word in which an arriving signal sets a bit.
pub fn notify_of_signals(requests: &'static AtomicU32, bit: u32) {
    REQUEST_BIT.store(bit, Ordering::Relaxed);
    REQUESTS.store(std::ptr::from_ref(requests).cast_mut(), Ordering::Release);
}

/// Notes a signal down as if it had arrived. Does only what a signal handler may do.
pub fn trip_signal(signal: i32) {
    let Some(tripped) = TRIPPED.get(signal as usize) else { return };
    tripped.store(true, Ordering::Relaxed);
    ANY_TRIPPED.store(true, Ordering::Release);
    let requests = REQUESTS.load(Ordering::Acquire);
    if !requests.is_null() {
        // SAFETY: the word is a static or never freed.
        unsafe { (*requests).fetch_or(REQUEST_BIT.load(Ordering::Relaxed), Ordering::Relaxed) };
    }
    let wakeup = WAKEUP.load(Ordering::Relaxed);
    if wakeup != -1 {
        let byte = signal as u8;
        // SAFETY: one byte is written from a local.
        let written = unsafe { libc::write(wakeup, (&raw const byte).cast(), 1) };
        if written < 0 {
            let error = Errno::last().0;
            if WAKEUP_WARNS.load(Ordering::Relaxed) || (error != libc::EAGAIN && error != libc::EWOULDBLOCK) {
                WAKEUP_ERROR.store(error, Ordering::Relaxed);
                ANY_TRIPPED.store(true, Ordering::Release);
            }
        }
    }
}

/// The error of writing to the wake-up descriptor that has not been told of yet.
pub fn take_wakeup_error() -> Option<Errno> {
    match WAKEUP_ERROR.swap(0, Ordering::Relaxed) {
        0 => None,
        error => Some(Errno(error)),
    }
}

/// Whether any signal has been noted down.
#[inline]
pub fn signals_pending() -> bool {
    ANY_TRIPPED.load(Ordering::Acquire)
}

/// The signals noted down since the last time, by number.
pub fn take_signals() -> Vec<i32> {
    if !ANY_TRIPPED.swap(false, Ordering::AcqRel) {
        return Vec::new();
    }
    (1..SIGNAL_COUNT).filter(|&signal| TRIPPED[signal as usize].swap(false, Ordering::Relaxed)).collect()
}

/// Notes a signal down again, without waking anybody.
pub fn put_back_signal(signal: i32) {
    if let Some(tripped) = TRIPPED.get(signal as usize) {
        tripped.store(true, Ordering::Relaxed);
        ANY_TRIPPED.store(true, Ordering::Release);
    }
}

/// Forgets all signals noted down, in the child after a fork.
pub fn forget_signals() {
    take_signals();
}

/// Sets the descriptor that arriving signals are written to, -1 for none; answers the one before.
pub fn set_wakeup_descriptor(descriptor: i32, warn_when_full: bool) -> i32 {
    WAKEUP_WARNS.store(warn_when_full, Ordering::Relaxed);
    WAKEUP.swap(descriptor, Ordering::Relaxed)
}

extern "C" fn note(signal: libc::c_int) {
    let before = Errno::last();
    trip_signal(signal);
    // The thread's own error number is put back as it was.
    before.set_last();
}

fn action(handler: libc::sighandler_t, restart: bool) -> libc::sigaction {
    // SAFETY: a zeroed action is valid; the mask is emptied.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = if restart { libc::SA_RESTART } else { 0 } | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        action
    }
}

/// Says what is to happen when a signal arrives.
pub fn set_disposition(signal: i32, disposition: Disposition) -> Result {
    let handler = match disposition {
        Disposition::Default | Disposition::Other => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
        Disposition::Note => note as *const () as libc::sighandler_t,
    };
    let action = action(handler, false);
    // SAFETY: the action is initialised.
    check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }).map(drop)
}

/// What happens when a signal arrives.
pub fn disposition(signal: i32) -> Result<Disposition> {
    // SAFETY: a zeroed action is valid and written by the call.
    let handler = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        check(libc::sigaction(signal, std::ptr::null(), &raw mut action))?;
        action.sa_sigaction
    };
    Ok(match handler {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignore,
        handler if handler == note as *const () as libc::sighandler_t => Disposition::Note,
        _ => Disposition::Other,
    })
}

/// Makes system calls be restarted or interrupted when the signal arrives.
pub fn interrupt_on_signal(signal: i32, interrupt: bool) -> Result {
    // SAFETY: the action is read before it is written back changed.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        check(libc::sigaction(signal, std::ptr::null(), &raw mut action))?;
        if interrupt {
            action.sa_flags &= !libc::SA_RESTART;
        } else {
            action.sa_flags |= libc::SA_RESTART;
        }
        check(libc::sigaction(signal, &raw const action, std::ptr::null_mut())).map(drop)
    }
}

/// A set of signals.
#[derive(Clone, Copy)]
pub struct SignalSet(libc::sigset_t);

impl SignalSet {
    /// No signals.
    pub fn new() -> SignalSet {
        // SAFETY: the set is initialised by the call.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            SignalSet(set)
        }
    }

    /// All signals that programs may use.
    pub fn full() -> SignalSet {
        // SAFETY: the set is initialised by the call.
        unsafe {
            let mut set = std::mem::zeroed();
            libc::sigfillset(&raw mut set);
            SignalSet(set)
        }
    }

    /// Adds a signal.
    pub fn add(&mut self, signal: i32) -> Result {
        // SAFETY: the set is initialised.
        check(unsafe { libc::sigaddset(&raw mut self.0, signal) }).map(drop)
    }

    /// Whether a signal is in the set.
    pub fn contains(&self, signal: i32) -> bool {
        // SAFETY: the set is initialised.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }

    /// The signals by number.
    pub fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        (1..SIGNAL_COUNT).filter(|&signal| self.contains(signal))
    }

    pub(super) fn as_ptr(&self) -> *const libc::sigset_t {
        &raw const self.0
    }
}

impl Default for SignalSet {
    fn default() -> Self {
        SignalSet::new()
    }
}

/// What arrived with a signal (`signal.struct_siginfo`).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct SignalInformation {
    pub signal: i32,
    pub code: i32,
    pub error: i32,
    pub process: i32,
    pub user: u32,
    pub status: i32,
    pub band: i64,
}

fn information(info: &libc::siginfo_t) -> SignalInformation {
    // SAFETY: the fields overlap in the structure, but all of it is initialised.
    unsafe {
        SignalInformation {
            signal: info.si_signo,
            code: info.si_code,
            error: info.si_errno,
            process: info.si_pid(),
            user: info.si_uid(),
            status: info.si_status(),
            // The band lies where the process does.
            band: (&raw const *info).cast::<u8>().add(16).cast::<i64>().read_unaligned(),
        }
    }
}

/// Changes which signals the thread holds back; answers which it held back before.
pub fn change_signal_mask(how: i32, set: &SignalSet) -> Result<SignalSet> {
    let mut before = SignalSet::new();
    // SAFETY: both sets are initialised.
    match unsafe { libc::pthread_sigmask(how, set.as_ptr(), &raw mut before.0) } {
        0 => Ok(before),
        error => Err(Errno(error)),
    }
}

/// Starts a thread that no signal reaches: those are for the threads that know of Python.
pub fn spawn_without_signals(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<std::thread::JoinHandle<()>> {
    // The new thread holds back what this one does.
    let before = change_signal_mask(libc::SIG_SETMASK, &SignalSet::full())?;
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    change_signal_mask(libc::SIG_SETMASK, &before)?;
    thread.map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EAGAIN)))
}

/// The signals that have arrived and are held back.
pub fn held_signals() -> Result<SignalSet> {
    let mut set = SignalSet::new();
    // SAFETY: the set is initialised.
    check(unsafe { libc::sigpending(&raw mut set.0) })?;
    Ok(set)
}

/// Waits for one of the signals.
pub fn wait_for_signal(set: &SignalSet) -> Result<i32> {
    let mut signal = 0;
    // SAFETY: the set is initialised.
    match unsafe { libc::sigwait(set.as_ptr(), &raw mut signal) } {
        0 => Ok(signal),
        error => Err(Errno(error)),
    }
}

/// Waits for one of the signals and tells more about it.
pub fn wait_for_signal_information(set: &SignalSet, timeout: Option<Duration>) -> Result<SignalInformation> {
    // SAFETY: the information is written by the call before it is read.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        match timeout {
            None => check(libc::sigwaitinfo(set.as_ptr(), &raw mut info))?,
            Some(timeout) => {
                let timeout = super::timespec(timeout);
                check(libc::sigtimedwait(set.as_ptr(), &raw mut info, &raw const timeout))?
            }
        };
        Ok(information(&info))
    }
}

system_calls! {unit
    /// Sends a signal to the process itself.
    raise_signal(signal: i32) = libc::raise(signal);
    /// Sends a signal to a process.
    kill(process: i32, signal: i32) = libc::kill(process, signal);
    /// Sends a signal to a group of processes.
    kill_group(group: i32, signal: i32) = libc::killpg(group, signal);
    /// Sends a signal to the process that a descriptor stands for.
    send_signal_by_descriptor(descriptor: i32, signal: i32, flags: u32) =
        libc::syscall(libc::SYS_pidfd_send_signal, descriptor, signal, std::ptr::null::<libc::siginfo_t>(), flags);
}

/// Waits until a signal has been handled.
pub fn wait_for_any_signal() {
    // SAFETY: the call has no conditions.
    unsafe { libc::pause() };
}

/// Sets the alarm clock; answers the seconds it had left.
pub fn alarm(seconds: u32) -> u32 {
    // SAFETY: the call has no conditions.
    unsafe { libc::alarm(seconds) }
}

/// Time left and interval of an interval timer, in seconds.
pub type IntervalTimer = (f64, f64);

fn interval_timer(value: &libc::itimerval) -> IntervalTimer {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
    (seconds(value.it_value), seconds(value.it_interval))
}

/// Sets an interval timer, given in microseconds; answers what it was.
pub fn set_interval_timer(which: i32, value: i64, interval: i64) -> Result<IntervalTimer> {
    let time = |microseconds: i64| libc::timeval {
        tv_sec: microseconds.div_euclid(1_000_000),
        tv_usec: microseconds.rem_euclid(1_000_000),
    };
    let new = libc::itimerval { it_value: time(value), it_interval: time(interval) };
    // SAFETY: both structures are initialised.
    unsafe {
        let mut old: libc::itimerval = std::mem::zeroed();
        check(libc::setitimer(which as _, &raw const new, &raw mut old))?;
        Ok(interval_timer(&old))
    }
}

/// What an interval timer stands at.
pub fn get_interval_timer(which: i32) -> Result<IntervalTimer> {
    // SAFETY: the structure is initialised.
    unsafe {
        let mut value: libc::itimerval = std::mem::zeroed();
        check(libc::getitimer(which as _, &raw mut value))?;
        Ok(interval_timer(&value))
    }
}

/// The system's description of a signal.
pub fn signal_description(signal: i32) -> Option<String> {
    // SAFETY: the text is copied before another call can change it; callers hold the interpreter's lock.
    let text = unsafe {
        let text = libc::strsignal(signal);
        if text.is_null() {
            return None;
        }
        std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned()
    };
    (!text.starts_with("Unknown signal")).then_some(text)
}

/// The smallest and the largest number of the real-time signals.
pub fn real_time_signals() -> (i32, i32) {
    (libc::SIGRTMIN(), libc::SIGRTMAX())
}

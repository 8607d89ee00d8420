//! Identity and stack of the running thread.

use std::time::Duration;

/// What identifies the thread while it runs (`threading.get_ident()`).
pub fn thread_identity() -> u64 {
    // SAFETY: the call has no conditions.
    unsafe { libc::pthread_self() as u64 }
}

/// The kernel's number of the thread.
pub fn native_thread_id() -> i32 {
    // SAFETY: the call has no conditions.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

/// The lowest address that the native stack of the main thread may reach, as far as its limit says.
pub fn main_stack_end() -> usize {
    const UNLIMITED: usize = 64 << 20;
    const USUAL: usize = 8 << 20;
    let here = 0u8;
    let limit = super::get_resource_limit(libc::RLIMIT_STACK as i32).map_or(USUAL, |(soft, _)| soft as usize);
    // Arguments and environment lie above; they count against the limit.
    (&raw const here as usize).saturating_sub(limit.min(UNLIMITED)) + (256 << 10)
}

/// Names the thread for the system's tools; longer names are cut.
pub fn set_thread_name(name: &[u8]) {
    let mut short = [0u8; 16];
    let length = name.len().min(15);
    short[..length].copy_from_slice(&name[..length]);
    // SAFETY: the name ends with a zero byte.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), short.as_ptr().cast()) };
}

/// What identifies a thread that was started.
pub fn identity_of(thread: &std::thread::JoinHandle<()>) -> u64 {
    std::os::unix::thread::JoinHandleExt::as_pthread_t(thread) as u64
}

/// Lets other threads run.
pub fn yield_processor() {
    std::thread::yield_now();
}

/// Sends a signal to a thread of this process.
pub fn kill_thread(thread: u64, signal: i32) -> super::Result {
    // SAFETY: the C library checks the thread as far as it can; CPython passes it on unchecked too.
    match unsafe { libc::pthread_kill(thread as libc::pthread_t, signal) } {
        0 => Ok(()),
        error => Err(super::Errno(error)),
    }
}

/// Waits for a time that may be cut short by nothing.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The thread's name as the system's tools show it.
pub fn thread_name() -> Vec<u8> {
    let mut name = [0u8; 16];
    // SAFETY: the buffer is as long as said.
    unsafe { libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr().cast(), name.len()) };
    name.iter().copied().take_while(|&byte| byte != 0).collect()
}

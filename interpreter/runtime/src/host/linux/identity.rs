//! Who the process is: users, groups, its place among processes, limits, the machine and the environment.

use std::ffi::CStr;

use super::call::check;
use super::{Errno, Result};

macro_rules! plain_calls {
    ($($(#[$attribute:meta])* $name:ident() -> $result:ty = $call:expr;)*) => {$(
        $(#[$attribute])*
        pub fn $name() -> $result {
            // SAFETY: the call has no conditions.
            unsafe { $call }
        }
    )*};
}

plain_calls! {
    /// The process.
    process_identity() -> i32 = libc::getpid();
    /// The parent process.
    parent_identity() -> i32 = libc::getppid();
    /// The user who started the process.
    user() -> u32 = libc::getuid();
    /// The user whose rights the process has.
    effective_user() -> u32 = libc::geteuid();
    /// The group of the user who started the process.
    group() -> u32 = libc::getgid();
    /// The group whose rights the process has.
    effective_group() -> u32 = libc::getegid();
    /// The group of processes.
    process_group() -> i32 = libc::getpgrp();
}

system_calls! {
    /// The group that a process belongs to.
    process_group_of(process: i32) -> i32 = libc::getpgid(process);
    /// The session that a process belongs to.
    session_of(process: i32) -> i32 = libc::getsid(process);
    /// Makes the process the leader of a new session.
    new_session() -> i32 = libc::setsid();
}

system_calls! {unit
    /// Moves a process to a group.
    set_process_group(process: i32, group: i32) = libc::setpgid(process, group);
    /// Sets the user.
    set_user(user: u32) = libc::setuid(user);
    /// Sets the effective user.
    set_effective_user(user: u32) = libc::seteuid(user);
    /// Sets real and effective user.
    set_users(real: u32, effective: u32) = libc::setreuid(real, effective);
    /// Sets real, effective and saved user.
    set_all_users(real: u32, effective: u32, saved: u32) = libc::setresuid(real, effective, saved);
    /// Sets the group.
    set_group(group: u32) = libc::setgid(group);
    /// Sets the effective group.
    set_effective_group(group: u32) = libc::setegid(group);
    /// Sets real and effective group.
    set_groups_of_process(real: u32, effective: u32) = libc::setregid(real, effective);
    /// Sets real, effective and saved group.
    set_all_groups(real: u32, effective: u32, saved: u32) = libc::setresgid(real, effective, saved);
    /// Sets the further groups.
    set_groups(groups: &[u32]) = libc::setgroups(groups.len(), groups.as_ptr());
    /// Sets the further groups from the list of a user's groups.
    set_groups_of_user(user: &CStr, group: u32) = libc::initgroups(user.as_ptr(), group);
    /// Sets how much of the processor a process gets.
    set_priority(which: i32, who: u32, priority: i32) = libc::setpriority(which as _, who, priority);
}

/// The further groups.
pub fn groups() -> Result<Vec<u32>> {
    // SAFETY: the buffer is as long as said.
    unsafe {
        let count = check(libc::getgroups(0, std::ptr::null_mut()))?;
        let mut groups = vec![0; count as usize];
        let count = check(libc::getgroups(count, groups.as_mut_ptr()))?;
        groups.truncate(count as usize);
        Ok(groups)
    }
}

/// Real, effective and saved user.
pub fn all_users() -> Result<[u32; 3]> {
    let mut users = [0; 3];
    let [real, effective, saved] = &mut users;
    // SAFETY: three numbers are written.
    check(unsafe { libc::getresuid(real, effective, saved) })?;
    Ok(users)
}

/// Real, effective and saved group.
pub fn all_groups() -> Result<[u32; 3]> {
    let mut groups = [0; 3];
    let [real, effective, saved] = &mut groups;
    // SAFETY: three numbers are written.
    check(unsafe { libc::getresgid(real, effective, saved) })?;
    Ok(groups)
}

/// How much of the processor a process gets.
pub fn priority(which: i32, who: u32) -> Result<i32> {
    // SAFETY: -1 is a priority too, which the error number tells from an error.
    unsafe {
        *libc::__errno_location() = 0;
        let priority = libc::getpriority(which as _, who);
        if priority == -1 && Errno::last().0 != 0 { Err(Errno::last()) } else { Ok(priority) }
    }
}

/// Changes how much of the processor the process gets; answers the new number.
pub fn add_to_niceness(increment: i32) -> Result<i32> {
    // SAFETY: -1 is a result too, which the error number tells from an error.
    unsafe {
        *libc::__errno_location() = 0;
        let niceness = libc::nice(increment);
        if niceness == -1 && Errno::last().0 != 0 { Err(Errno::last()) } else { Ok(niceness) }
    }
}

/// The present and the highest limit of a resource.
pub fn get_resource_limit(resource: i32) -> Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is written by the call.
    check(unsafe { libc::getrlimit(resource as _, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// Sets the limits of a resource.
pub fn set_resource_limit(resource: i32, soft: u64, hard: u64) -> Result {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the structure is initialised.
    check(unsafe { libc::setrlimit(resource as _, &raw const limit) }).map(drop)
}

/// The limits of a resource for a process, which is this one where the number is 0; new ones are set where given.
pub fn process_resource_limit(process: i32, resource: i32, new: Option<(u64, u64)>) -> Result<(u64, u64)> {
    let new = new.map(|(soft, hard)| libc::rlimit { rlim_cur: soft, rlim_max: hard });
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the new limits are initialised or absent, the old ones are written by the call.
    check(unsafe { libc::prlimit(process, resource as _, new, &raw mut old) })?;
    Ok((old.rlim_cur, old.rlim_max))
}

/// Bytes of a page of memory.
pub fn page_size() -> i64 {
    // SAFETY: the call only asks.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }
}

/// What kind of system this is: system, node, release, version, machine.
pub fn system_name() -> Result<[Vec<u8>; 5]> {
    // SAFETY: the texts are written by the call and end with zero bytes.
    unsafe {
        let mut name: libc::utsname = std::mem::zeroed();
        check(libc::uname(&raw mut name))?;
        let text = |field: *const libc::c_char| CStr::from_ptr(field).to_bytes().to_vec();
        Ok([
            text(name.sysname.as_ptr()),
            text(name.nodename.as_ptr()),
            text(name.release.as_ptr()),
            text(name.version.as_ptr()),
            text(name.machine.as_ptr()),
        ])
    }
}

/// How many processes wanted to run over the last 1, 5 and 15 minutes.
pub fn load_average() -> Option<[f64; 3]> {
    let mut load = [0.0; 3];
    // SAFETY: three numbers are written.
    let count = unsafe { libc::getloadavg(load.as_mut_ptr(), 3) };
    (count == 3).then_some(load)
}

/// A number that the system is configured with, by its number; -1 for none.
pub fn system_limit(name: i32) -> Result<i64> {
    // SAFETY: the error number tells "no limit" from an error.
    unsafe {
        *libc::__errno_location() = 0;
        let limit = libc::sysconf(name);
        if limit == -1 && Errno::last().0 != 0 { Err(Errno::last()) } else { Ok(limit) }
    }
}

/// A text that the system is configured with, by its number.
pub fn system_text(name: i32) -> Result<Option<Vec<u8>>> {
    // SAFETY: the buffer is as long as said; the error number tells "no text" from an error.
    unsafe {
        *libc::__errno_location() = 0;
        let length = libc::confstr(name, std::ptr::null_mut(), 0);
        if length == 0 {
            return match Errno::last() {
                Errno(0) => Ok(None),
                error => Err(error),
            };
        }
        let mut text = vec![0u8; length];
        libc::confstr(name, text.as_mut_ptr().cast(), length);
        text.pop();
        Ok(Some(text))
    }
}

unsafe extern "C" {
    static mut environ: *const *const libc::c_char;
}

/// The variables of the environment, in its order.
pub fn environment() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut variables = Vec::new();
    // SAFETY: the array ends with a null pointer and its texts with zero bytes; callers hold the interpreter's lock.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            let text = CStr::from_ptr(*next).to_bytes();
            if let Some(equals) = text.iter().position(|&byte| byte == b'=') {
                variables.push((text[..equals].to_vec(), text[equals + 1..].to_vec()));
            }
            next = next.add(1);
        }
    }
    variables
}

system_calls! {unit
    /// Sets a variable of the environment. Callers hold the interpreter's lock.
    set_variable(name: &CStr, value: &CStr) = libc::setenv(name.as_ptr(), value.as_ptr(), 1);
    /// Removes a variable of the environment. Callers hold the interpreter's lock.
    remove_variable(name: &CStr) = libc::unsetenv(name.as_ptr());
}

/// The value of a variable of the environment.
pub fn variable(name: &CStr) -> Option<Vec<u8>> {
    // SAFETY: the value is copied at once; callers hold the interpreter's lock.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes().to_vec())
    }
}

unsafe extern "C" {
    fn getlogin_r(name: *mut libc::c_char, length: usize) -> libc::c_int;
}

/// The name of the user who logged in on the process's terminal.
pub fn login_name() -> Result<Vec<u8>> {
    unsafe extern "C" {
        fn getlogin_r(name: *mut libc::c_char, length: libc::size_t) -> libc::c_int;
    }
    let mut name = vec![0u8; 256];
    // SAFETY: the buffer is as long as said.
    match unsafe { getlogin_r(name.as_mut_ptr().cast(), name.len()) } {
        0 => {
            name.truncate(name.iter().position(|&byte| byte == 0).unwrap_or(0));
            Ok(name)
        }
        error => Err(Errno(error)),
    }
}

/// The limits of a resource for any process, before they are set to what is given.
pub fn process_limit(process: i32, resource: i32, limits: Option<(u64, u64)>) -> Result<(u64, u64)> {
    let new = limits.map(|(rlim_cur, rlim_max)| libc::rlimit { rlim_cur, rlim_max });
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let place = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the new structure is initialised, the old one is written by the call.
    check(unsafe { libc::prlimit(process, resource as _, place, &raw mut old) })?;
    Ok((old.rlim_cur, old.rlim_max))
}

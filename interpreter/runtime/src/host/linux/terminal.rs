//! Terminals.

use super::call::check;
use super::{Errno, Result};

/// Whether a descriptor is a terminal.
pub fn is_terminal(descriptor: i32) -> bool {
    // SAFETY: the call takes a number only.
    unsafe { libc::isatty(descriptor) == 1 }
}

/// Columns and lines of a terminal.
pub fn terminal_size(descriptor: i32) -> Result<(u16, u16)> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        check(libc::ioctl(descriptor, libc::TIOCGWINSZ, &raw mut size))?;
        Ok((size.ws_col, size.ws_row))
    }
}

fn name_by(ask: impl FnOnce(*mut libc::c_char, usize) -> i32) -> Result<Vec<u8>> {
    let mut name = vec![0u8; 1024];
    match ask(name.as_mut_ptr().cast(), name.len()) {
        0 => {
            let end = name.iter().position(|&byte| byte == 0).unwrap_or(0);
            name.truncate(end);
            Ok(name)
        }
        -1 => Err(Errno::last()),
        error => Err(Errno(error)),
    }
}

/// The path of a terminal.
pub fn terminal_name(descriptor: i32) -> Result<Vec<u8>> {
    // SAFETY: the buffer is as long as said.
    name_by(|name, length| unsafe { libc::ttyname_r(descriptor, name, length) })
}

/// The path of the terminal that a pseudo-terminal's master belongs to.
pub fn pseudo_terminal_name(descriptor: i32) -> Result<Vec<u8>> {
    // SAFETY: the buffer is as long as said.
    name_by(|name, length| unsafe { libc::ptsname_r(descriptor, name, length) })
}

/// A pseudo-terminal: master and terminal.
pub fn open_pseudo_terminal() -> Result<(i32, i32)> {
    let (mut master, mut terminal) = (0, 0);
    // SAFETY: two descriptors are written.
    check(unsafe {
        libc::openpty(
            &raw mut master,
            &raw mut terminal,
            std::ptr::null_mut(),
            std::ptr::null(),
            std::ptr::null(),
        )
    })?;
    Ok((master, terminal))
}

/// Forks with the child on a pseudo-terminal; answers the process and the master.
pub fn fork_on_terminal() -> Result<(i32, i32)> {
    let mut master = -1;
    // SAFETY: the caller holds the interpreter's lock, which the child goes on with.
    let process = check(unsafe {
        libc::forkpty(&raw mut master, std::ptr::null_mut(), std::ptr::null(), std::ptr::null())
    })?;
    Ok((process, master))
}

system_calls! {
    /// The master of a new pseudo-terminal.
    open_terminal_master(flags: i32) -> i32 = libc::posix_openpt(flags);
    /// The group of processes in a terminal's foreground.
    foreground_group(descriptor: i32) -> i32 = libc::tcgetpgrp(descriptor);
}

system_calls! {unit
    /// Sets the group of processes in a terminal's foreground.
    set_foreground_group(descriptor: i32, group: i32) = libc::tcsetpgrp(descriptor, group);
    /// Gives the terminal of a master to the user.
    grant_terminal(descriptor: i32) = libc::grantpt(descriptor);
    /// Unlocks the terminal of a master.
    unlock_terminal(descriptor: i32) = libc::unlockpt(descriptor);
    /// Makes a terminal that of the process: controlling, and standard input, output and error.
    log_in_on(descriptor: i32) = libc::login_tty(descriptor);
}

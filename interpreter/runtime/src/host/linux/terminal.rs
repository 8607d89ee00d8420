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

/// How a terminal treats what goes through it.
pub type TerminalMode = libc::termios;

/// How a terminal treats what goes through it.
pub fn terminal_mode(descriptor: i32) -> Result<TerminalMode> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut mode = std::mem::zeroed();
        check(libc::tcgetattr(descriptor, &raw mut mode))?;
        Ok(mode)
    }
}

/// Changes how a terminal treats what goes through it: at once, or when what was written is out.
pub fn set_terminal_mode(descriptor: i32, when: i32, mode: &TerminalMode) -> Result {
    // SAFETY: the structure is initialised.
    check(unsafe { libc::tcsetattr(descriptor, when, mode) }).map(drop)
}

/// Where control flags keep the speed of the line.
const SPEED: u32 = libc::CBAUD | libc::CBAUDEX;
/// The input flag that says that input has speed 0: that of output.
const NO_INPUT_SPEED: u32 = 0o20_000_000_000;

/// The speeds of input and output that a mode says.
pub fn terminal_speeds(mode: &TerminalMode) -> (u32, u32) {
    let output = mode.c_cflag & SPEED;
    (if mode.c_iflag & NO_INPUT_SPEED != 0 { 0 } else { output }, output)
}

/// Writes the speeds of input and output into a mode.
pub fn set_terminal_speeds(mode: &mut TerminalMode, input: u32, output: u32) -> Result {
    let known = |speed: u32| speed & !libc::CBAUD == 0 || (libc::B57600..=libc::B4000000).contains(&speed);
    if !known(input) || !known(output) {
        return Err(Errno(libc::EINVAL));
    }
    let set = |mode: &mut TerminalMode, speed| mode.c_cflag = mode.c_cflag & !SPEED | speed;
    mode.c_ispeed = input;
    if input == 0 {
        mode.c_iflag |= NO_INPUT_SPEED;
    } else {
        mode.c_iflag &= !NO_INPUT_SPEED;
        set(mode, input);
    }
    mode.c_ospeed = output;
    set(mode, output);
    Ok(())
}

/// Sets the columns and lines of a terminal.
pub fn set_terminal_size(descriptor: i32, columns: u16, lines: u16) -> Result {
    // SAFETY: the structure is initialised; what it says beside is kept.
    unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        check(libc::ioctl(descriptor, libc::TIOCGWINSZ, &raw mut size))?;
        size.ws_col = columns;
        size.ws_row = lines;
        check(libc::ioctl(descriptor, libc::TIOCSWINSZ, &raw const size)).map(drop)
    }
}

system_calls! {unit
    /// Waits until what was written is out.
    drain_terminal(descriptor: i32) = libc::tcdrain(descriptor);
    /// Throws away what was not yet read or written.
    flush_terminal(descriptor: i32, queue: i32) = libc::tcflush(descriptor, queue);
    /// Stops or goes on with input or output.
    control_terminal_flow(descriptor: i32, action: i32) = libc::tcflow(descriptor, action);
    /// Sends zeros for a while.
    send_break(descriptor: i32, duration: i32) = libc::tcsendbreak(descriptor, duration);
}

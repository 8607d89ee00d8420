//! Terminals and pseudo-terminals.

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, c};
use rspy_runtime::object::Ref;
use rspy_runtime::paths::{self, FileDescriptor, OrRaise};
use rspy_runtime::struct_sequence;
use rspy_runtime::types::string::Str;
use rspy_runtime::types::structseq;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

struct_sequence! {
    /// A tuple of (columns, lines) for holding terminal window size
    pub struct TerminalSize("os", "terminal_size") {
        visible {
            columns: "width of the terminal window in characters", lines: "height of the terminal window in characters",
        }
        unnamed 0
        hidden {}
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Return the size of the terminal window as (columns, lines).
    #[function("get_terminal_size(fd=<unrepresentable>, /)")]
    fn get_terminal_size(vm: &Vm, fd: Option<i32>) -> PyResult {
        let (columns, lines) = host::terminal_size(fd.unwrap_or(1)).or_raise(vm)?;
        let fields = vec![Value::int(i32::from(columns)), Value::int(i32::from(lines))];
        Ok(structseq::new::<TerminalSize>(fields))
    }

    /// Return the name of the terminal device connected to 'fd'.
    #[function("ttyname(fd, /)")]
    fn ttyname(vm: &Vm, fd: i32) -> PyResult<Ref<Str>> {
        Ok(paths::decode(&host::terminal_name(fd).or_raise(vm)?))
    }

    /// Return the name of the slave pseudo-terminal device.
    #[function("ptsname(fd, /)")]
    fn ptsname(vm: &Vm, fd: FileDescriptor) -> PyResult<Ref<Str>> {
        Ok(paths::decode(&host::pseudo_terminal_name(fd.0).or_raise(vm)?))
    }

    /// Open a pseudo-terminal.  Returns a tuple of (master_fd, slave_fd).
    #[function("openpty()")]
    fn openpty(vm: &Vm) -> PyResult<(i32, i32)> {
        let (master, terminal) = host::open_pseudo_terminal().or_raise(vm)?;
        host::set_inheritable(master, false).and(host::set_inheritable(terminal, false)).or_raise(vm)?;
        Ok((master, terminal))
    }

    /// Open and return a file descriptor for a master pseudo-terminal device.
    #[function("posix_openpt(oflag, /)")]
    fn posix_openpt(vm: &Vm, oflag: i32) -> PyResult<i32> {
        host::open_terminal_master(oflag | c::O_CLOEXEC).or_raise(vm)
    }

    /// Grant access to the slave pseudo-terminal device.
    #[function("grantpt(fd, /)")]
    fn grantpt(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        host::grant_terminal(fd.0).or_raise(vm)
    }

    /// Unlock a pseudo-terminal master/slave pair.
    #[function("unlockpt(fd, /)")]
    fn unlockpt(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        host::unlock_terminal(fd.0).or_raise(vm)
    }

    /// Prepare the tty of which fd is a file descriptor for a new login session.
    #[function("login_tty(fd, /)")]
    fn login_tty(vm: &Vm, fd: FileDescriptor) -> PyResult<()> {
        host::log_in_on(fd.0).or_raise(vm)
    }

    /// Return the process group associated with the terminal specified by fd.
    #[function("tcgetpgrp(fd, /)")]
    fn tcgetpgrp(vm: &Vm, fd: i32) -> PyResult<i32> {
        host::foreground_group(fd).or_raise(vm)
    }

    /// Set the process group associated with the terminal specified by fd.
    #[function("tcsetpgrp(fd, pgid, /)")]
    fn tcsetpgrp(vm: &Vm, fd: i32, pgid: i32) -> PyResult<()> {
        host::set_foreground_group(fd, pgid).or_raise(vm)
    }
}

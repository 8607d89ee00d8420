//! Making processes and waiting for them.

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::{PyResult, hierarchy};
use rspy_runtime::host::{self, Usage, c};
use rspy_runtime::object::Payload;
use rspy_runtime::paths::OrRaise;
use rspy_runtime::struct_sequence;
use rspy_runtime::types::none::none;
use rspy_runtime::types::structseq;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::{float, int};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

struct_sequence! {
    /// waitid_result: Result from waitid.
    ///
    /// This object may be accessed either as a tuple of
    ///   (si_pid, si_uid, si_signo, si_status, si_code),
    /// or via the attributes si_pid, si_uid, and so on.
    pub struct WaitidResult("posix", "waitid_result") {
        visible { si_pid: "", si_uid: "", si_signo: "", si_status: "", si_code: "", }
        unnamed 0
        hidden {}
    }
}

/// The functions.
pub struct Functions;

/// `resource.struct_rusage` of what a process has used.
fn usage_value(vm: &Vm, usage: &Usage) -> PyResult {
    let seconds = |time: c::timeval| float::new(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    let numbers = [
        usage.ru_maxrss,
        usage.ru_ixrss,
        usage.ru_idrss,
        usage.ru_isrss,
        usage.ru_minflt,
        usage.ru_majflt,
        usage.ru_nswap,
        usage.ru_inblock,
        usage.ru_oublock,
        usage.ru_msgsnd,
        usage.ru_msgrcv,
        usage.ru_nsignals,
        usage.ru_nvcsw,
        usage.ru_nivcsw,
    ];
    let mut fields = vec![seconds(usage.ru_utime), seconds(usage.ru_stime)];
    fields.extend(numbers.map(int::new));
    let resource = rspy_runtime::import::import_module(vm, "resource")?;
    let class = vm.get_attribute_str(&resource, "struct_rusage")?;
    vm.call(&class, &[Tuple::from_values(fields).into_value()])
}

fn wait_with_usage(vm: &Vm, process: i32, options: i32) -> PyResult {
    let (process, status, usage) = vm.blocking(|| host::wait_with_usage(process, options))?.or_raise(vm)?;
    let usage = usage_value(vm, &usage)?;
    Ok(Tuple::from_values([Value::int(process), Value::int(status), usage]).into_value())
}

/// Warns of a fork while other threads run.
fn warn_of_threads(vm: &Vm, function: &str) -> PyResult<()> {
    if vm.interpreter.threads.count() <= 1 {
        return Ok(());
    }
    let message = format!(
        "This process (pid={}) is multi-threaded, use of {function}() may lead to deadlocks in the child.",
        host::process_identity()
    );
    rspy_runtime::warnings::warn(vm, hierarchy::DeprecationWarning::static_type(), &message, 1)
}

fn check_forkable(vm: &Vm) -> PyResult<()> {
    if vm.interpreter.finalizing.get() {
        return Err(vm.finalization_error("can't fork at interpreter shutdown"));
    }
    if !vm.interpreter.identity.features.allow_fork {
        return Err(vm.runtime_error("fork not supported for isolated subinterpreters"));
    }
    Ok(())
}

#[pyfunctions]
impl Functions {
    /// Fork a child process.  Return 0 to child process and PID of child to parent process.
    #[function("fork()")]
    fn fork(vm: &Vm) -> PyResult<i32> {
        check_forkable(vm)?;
        audit::raise_event(vm, "os.fork", Vec::new)?;
        let process = vm.interpreter.threads.fork(vm, host::fork, |&process| process == 0).or_raise(vm)?;
        if process != 0 {
            warn_of_threads(vm, "fork")?;
        }
        Ok(process)
    }

    /// Fork a new process with a new pseudo-terminal as controlling tty.
    ///
    /// Returns a tuple of (pid, master_fd). Like fork(), return pid of 0 to the child process.
    #[function("forkpty()")]
    fn forkpty(vm: &Vm) -> PyResult<(i32, i32)> {
        check_forkable(vm)?;
        audit::raise_event(vm, "os.forkpty", Vec::new)?;
        let forked = vm.interpreter.threads.fork(vm, host::fork_on_terminal, |&(process, _)| process == 0);
        let (process, master) = forked.or_raise(vm)?;
        if process != 0 {
            warn_of_threads(vm, "forkpty")?;
        }
        Ok((process, master))
    }

    /// Register callables to be called when forking a new process.
    #[function("register_at_fork(*, before=<unrepresentable>, after_in_child=<unrepresentable>, after_in_parent=<unrepresentable>)")]
    fn register_at_fork(
        vm: &Vm,
        before: Option<&Value>,
        after_in_child: Option<&Value>,
        after_in_parent: Option<&Value>,
    ) -> PyResult<()> {
        let hooks = &vm.interpreter.threads.fork_hooks;
        let places = [
            ("before", before, &hooks.before),
            ("after_in_child", after_in_child, &hooks.in_child),
            ("after_in_parent", after_in_parent, &hooks.in_parent),
        ];
        if places.iter().all(|(_, hook, _)| hook.is_none()) {
            return Err(vm.type_error("At least one argument is required."));
        }
        for (name, hook, _) in &places {
            if let Some(hook) = hook
                && !vm.is_callable(hook)
            {
                let given = hook.type_of().full_name();
                return Err(vm.type_error(format!("'{name}' must be callable, not {given}")));
            }
        }
        for (_, hook, list) in places {
            list.borrow_mut().extend(hook.cloned());
        }
        Ok(())
    }

    /// Wait for completion of a child process.  Returns a tuple (pid, status).
    #[function("wait()")]
    fn wait(vm: &Vm) -> PyResult<(i32, i32)> {
        vm.blocking(|| host::wait(-1, 0))?.or_raise(vm)
    }

    /// Wait for completion of a given child process.  Returns a tuple (pid, status).
    #[function("waitpid(pid, options, /)")]
    fn waitpid(vm: &Vm, pid: i32, options: i32) -> PyResult<(i32, i32)> {
        vm.blocking(|| host::wait(pid, options))?.or_raise(vm)
    }

    /// Wait for completion of a child process.  Returns a tuple (pid, status, rusage).
    #[function("wait3(options)")]
    fn wait3(vm: &Vm, options: i32) -> PyResult {
        wait_with_usage(vm, -1, options)
    }

    /// Wait for completion of a specific child process.  Returns a tuple (pid, status, rusage).
    #[function("wait4(pid, options)")]
    fn wait4(vm: &Vm, pid: i32, options: i32) -> PyResult {
        wait_with_usage(vm, pid, options)
    }

    /// Wait for a change of state of one or more children.
    #[function("waitid(idtype, id, options, /)")]
    fn waitid(vm: &Vm, idtype: i32, id: i32, options: i32) -> PyResult {
        let change =
            vm.blocking(|| host::wait_for_change(idtype as u32, id as u32, options))?.or_raise(vm)?;
        Ok(match change {
            Some(fields) => structseq::new::<WaitidResult>(fields.map(int::new).to_vec()),
            None => none(),
        })
    }

    /// Convert a wait status to an exit code.
    #[function("waitstatus_to_exitcode(status)")]
    fn waitstatus_to_exitcode(vm: &Vm, status: i32) -> PyResult<i32> {
        if c::WIFEXITED(status) {
            return Ok(c::WEXITSTATUS(status));
        }
        if c::WIFSIGNALED(status) {
            let signal = c::WTERMSIG(status);
            if signal <= 0 {
                return Err(vm.value_error(format!("invalid WTERMSIG: {signal}")));
            }
            return Ok(-signal);
        }
        if c::WIFSTOPPED(status) {
            let signal = c::WSTOPSIG(status);
            return Err(vm.value_error(format!("process stopped by delivery of signal {signal}")));
        }
        Err(vm.value_error(format!("invalid wait status: {status}")))
    }

    /// Return True if the process returning status was dumped to a core file.
    #[function("WCOREDUMP(status, /)")]
    fn core_dump(status: i32) -> bool {
        c::WCOREDUMP(status)
    }

    /// Return True if a particular process was continued from a job control stop.
    #[function("WIFCONTINUED(status)")]
    fn is_continued(status: i32) -> bool {
        c::WIFCONTINUED(status)
    }

    /// Return True if the process returning status was stopped.
    #[function("WIFSTOPPED(status)")]
    fn is_stopped(status: i32) -> bool {
        c::WIFSTOPPED(status)
    }

    /// Return True if the process returning status was terminated by a signal.
    #[function("WIFSIGNALED(status)")]
    fn is_signaled(status: i32) -> bool {
        c::WIFSIGNALED(status)
    }

    /// Return True if the process returning status exited via the exit() system call.
    #[function("WIFEXITED(status)")]
    fn is_exited(status: i32) -> bool {
        c::WIFEXITED(status)
    }

    /// Return the process return code from status.
    #[function("WEXITSTATUS(status)")]
    fn exit_status(status: i32) -> i32 {
        c::WEXITSTATUS(status)
    }

    /// Return the signal that terminated the process that provided the status value.
    #[function("WTERMSIG(status)")]
    fn term_signal(status: i32) -> i32 {
        c::WTERMSIG(status)
    }

    /// Return the signal that stopped the process that provided the status value.
    #[function("WSTOPSIG(status)")]
    fn stop_signal(status: i32) -> i32 {
        c::WSTOPSIG(status)
    }

    /// Kill a process with a signal.
    #[function("kill(pid, signal, /)")]
    fn kill(vm: &Vm, pid: i32, signal: i32) -> PyResult<()> {
        audit::raise_event(vm, "os.kill", || vec![int::new(pid.into()), int::new(signal.into())])?;
        host::kill(pid, signal).or_raise(vm)?;
        // A signal to oneself is handled before the call returns, as far as it has arrived.
        vm.check_signals()
    }

    /// Kill a process group with a signal.
    #[function("killpg(pgid, signal, /)")]
    fn killpg(vm: &Vm, pgid: i32, signal: i32) -> PyResult<()> {
        audit::raise_event(vm, "os.killpg", || vec![int::new(pgid.into()), int::new(signal.into())])?;
        host::kill_group(pgid, signal).or_raise(vm)?;
        vm.check_signals()
    }

    /// Return a file descriptor referring to the process pid.
    #[function("pidfd_open(pid, flags=0)")]
    fn pidfd_open(vm: &Vm, pid: i32, flags: u32) -> PyResult<i32> {
        host::process_descriptor(pid, flags).or_raise(vm)
    }

    /// Move the calling thread into different namespaces.
    #[function("setns(fd, nstype=0)")]
    fn setns(vm: &Vm, fd: rspy_runtime::paths::FileDescriptor, nstype: i32) -> PyResult<()> {
        vm.allow_threads(|| host::join_namespace(fd.0, nstype)).or_raise(vm)
    }

    /// Disassociate parts of a process's execution context.
    #[function("unshare(flags)")]
    fn unshare(vm: &Vm, flags: i32) -> PyResult<()> {
        vm.allow_threads(|| host::unshare(flags)).or_raise(vm)
    }
}

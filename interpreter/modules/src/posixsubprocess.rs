//! `_posixsubprocess`: forking and executing for `subprocess`, with nothing unsafe in between.

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, ChildSetup, TextArray};
use rspy_runtime::native_module;
use rspy_runtime::paths::{OrRaise, to_system};
use rspy_runtime::types::int;
use rspy_runtime::types::none::is_none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::posix::identity_number;

native_module! {
    name: "_posixsubprocess",
    doc: "A POSIX helper for the subprocess module.",
    functions: [Functions::FUNCTIONS],
    types: [],
    execute: |_, _| Ok(()),
}

/// The descriptors that the child keeps: a tuple of ascending numbers.
fn kept_descriptors(vm: &Vm, tuple: &Value) -> PyResult<Vec<i32>> {
    let wrong = || vm.value_error("bad value(s) in fds_to_keep");
    let Some(tuple) = tuple.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "fork_exec() argument 4 must be tuple, not {}",
            tuple.type_of().full_name()
        )));
    };
    let mut kept: Vec<i32> = Vec::new();
    for item in tuple.items() {
        if !int::is_int(item) {
            return Err(wrong());
        }
        let descriptor = int::small_value(item).and_then(|number| i32::try_from(number).ok()).ok_or_else(wrong)?;
        if descriptor < 0 || kept.last().is_some_and(|&last| last >= descriptor) {
            return Err(wrong());
        }
        kept.push(descriptor);
    }
    Ok(kept)
}

fn texts(vm: &Vm, sequence: &Value) -> PyResult<Vec<CString>> {
    vm.collect(sequence)?.iter().map(|item| to_system(vm, item)).collect()
}

fn optional(value: &Value) -> Option<&Value> {
    (!is_none(value)).then_some(value)
}

fn group_list(vm: &Vm, groups: &Value) -> PyResult<Option<Vec<u32>>> {
    let Some(groups) = optional(groups) else { return Ok(None) };
    if groups.downcast::<rspy_runtime::types::list::List>().is_none() {
        return Err(vm.type_error("setgroups argument must be a list"));
    }
    let mut numbers = Vec::new();
    for item in vm.collect(groups)? {
        if !int::is_int(&item) {
            return Err(vm.type_error("groups must be integers"));
        }
        numbers.push(identity_number(vm, &item, "gid").map_err(|_| vm.value_error("invalid group id"))?);
    }
    Ok(Some(numbers))
}

fn identity(vm: &Vm, value: &Value, what: &str) -> PyResult<Option<u32>> {
    match optional(value) {
        None => Ok(None),
        Some(value) => identity_number(vm, value, what).map(Some),
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    /// Spawn a fresh new child process.
    ///
    /// Fork a child process, close parent file descriptors as appropriate in the child and duplicate the few that are
    /// needed before calling exec() in the child process.
    #[function("fork_exec(args, executable_list, close_fds, pass_fds, cwd, env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write, restore_signals, call_setsid, pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn, /)")]
    fn fork_exec(
        vm: &Vm,
        process_args: &Value,
        executable_list: &Value,
        close_fds: bool,
        pass_fds: &Value,
        cwd: &Value,
        env: &Value,
        p2cread: i32,
        p2cwrite: i32,
        c2pread: i32,
        c2pwrite: i32,
        errread: i32,
        errwrite: i32,
        errpipe_read: i32,
        errpipe_write: i32,
        restore_signals: bool,
        call_setsid: bool,
        pgid_to_set: i32,
        gid: &Value,
        extra_groups: &Value,
        uid: &Value,
        child_umask: i32,
        preexec_fn: &Value,
    ) -> PyResult<i32> {
        if vm.interpreter.finalizing.get() {
            return Err(vm.finalization_error("preexec_fn not supported at interpreter shutdown"));
        }
        if !is_none(preexec_fn) && !vm.interpreter.is_main() {
            return Err(vm.runtime_error("preexec_fn not supported within subinterpreters"));
        }
        if close_fds && errpipe_write < 3 {
            return Err(vm.value_error("errpipe_write must be >= 3"));
        }
        let kept = kept_descriptors(vm, pass_fds)?;
        let programs = texts(vm, executable_list)?;
        let arguments = match &programs[..] {
            [program] => crate::own_executable::arguments(vm, program.as_bytes(), texts(vm, process_args)?),
            // Searched along PATH.
            _ => texts(vm, process_args)?,
        };
        let arguments = TextArray::new(arguments);
        let environment = optional(env).map(|env| texts(vm, env).map(TextArray::new)).transpose()?;
        let folder = optional(cwd).map(|cwd| to_system(vm, cwd)).transpose()?;
        let groups = group_list(vm, extra_groups)?;
        let setup = ChildSetup {
            programs: &programs,
            arguments: Some(&arguments),
            environment: environment.as_ref(),
            folder: folder.as_deref(),
            pipes: [p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, errpipe_read, errpipe_write],
            close_descriptors: close_fds,
            kept: &kept,
            restore_signals,
            new_session: call_setsid,
            process_group: pgid_to_set,
            groups: groups.as_deref(),
            group: identity(vm, gid, "gid")?,
            user: identity(vm, uid, "uid")?,
            mask: child_umask,
        };
        let threads = &vm.interpreter.threads;
        let is_child = |&process: &i32| process == 0;
        let process = match optional(preexec_fn) {
            // Without Python code in the child nobody needs to be told of the fork.
            None => threads.fork_plainly(vm, host::fork, is_child).or_raise(vm)?,
            Some(_) => threads.fork(vm, host::fork, is_child).or_raise(vm)?,
        };
        if process == 0 {
            let mut before = || match optional(preexec_fn) {
                Some(function) => vm.call(function, &[]).is_ok(),
                None => true,
            };
            host::set_up_and_execute(&setup, &mut before);
        }
        Ok(process)
    }
}

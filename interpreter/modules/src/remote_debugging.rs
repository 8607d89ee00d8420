//! `_remote_debugging`: what the threads of another process of this executable are doing.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::host::RemoteError;
use rspy_runtime::inspection::{Choice, FrameInfo, Process, ThreadInfo};
use rspy_runtime::types::list::List;
use rspy_runtime::types::{int, structseq};
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;
use rspy_runtime::{native_module, struct_sequence};

struct_sequence! {
    /// Information about a frame
    pub struct FrameRecord("_remote_debugging", "FrameInfo") {
        visible {
            filename: "Source code filename", lineno: "Line number", funcname: "Function name",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// Information about a thread
    pub struct ThreadRecord("_remote_debugging", "ThreadInfo") {
        visible { thread_id: "Thread ID", frame_info: "Frame information" }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// Information about an asyncio task
    pub struct TaskRecord("_remote_debugging", "TaskInfo") {
        visible {
            task_id: "Task ID (memory address)", task_name: "Task name", coroutine_stack: "Coroutine call stack",
            awaited_by: "Tasks awaiting this task",
        }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// Information about a coroutine
    pub struct CoroutineRecord("_remote_debugging", "CoroInfo") {
        visible { call_stack: "Coroutine call stack", task_name: "Task name" }
        unnamed 0
        hidden {}
    }
}

struct_sequence! {
    /// Information about what a thread is awaiting
    pub struct AwaitedRecord("_remote_debugging", "AwaitedInfo") {
        visible { thread_id: "Thread ID", awaited_by: "List of tasks awaited by this thread" }
        unnamed 0
        hidden {}
    }
}

native_module! {
    name: "_remote_debugging",
    doc: "",
    functions: [],
    types: [RemoteUnwinder],
    execute: |vm, module| {
        structseq::publish::<TaskRecord>(vm, module);
        structseq::publish::<FrameRecord>(vm, module);
        structseq::publish::<CoroutineRecord>(vm, module);
        structseq::publish::<ThreadRecord>(vm, module);
        structseq::publish::<AwaitedRecord>(vm, module);
        module.set_int(vm, "PROCESS_VM_READV_SUPPORTED", 1);
        Ok(())
    },
}

/// What a `RemoteUnwinder` looks at.
struct Target {
    number: i32,
    process: Process,
    choice: Choice,
}

/// RemoteUnwinder(pid): Inspect stack of a remote Python process.
///
/// The process must run the same executable. Without all_threads only its main thread is looked at.
#[pyclass(name = "RemoteUnwinder", module = "_remote_debugging")]
#[derive(Default)]
pub struct RemoteUnwinder {
    target: GilCell<Option<Target>>,
}

fn cannot_read(vm: &Vm, number: i32, error: RemoteError) -> Exception {
    match error {
        RemoteError::System(error) => vm.os_error(error.0, None, None),
        RemoteError::Stranger | RemoteError::Refused => vm.runtime_error(format!(
            "Failed to find the PyRuntime section in process {number} on {} platform",
            if cfg!(target_os = "linux") { "Linux" } else { "this" }
        )),
    }
}

fn frame_value(vm: &Vm, frame: FrameInfo) -> Value {
    let fields = vec![vm.new_str(&frame.file), int::new(i64::from(frame.line)), vm.new_str(&frame.function)];
    structseq::new::<FrameRecord>(fields)
}

fn thread_value(vm: &Vm, thread: ThreadInfo) -> Value {
    let frames = thread.frames.into_iter().map(|frame| frame_value(vm, frame)).collect();
    structseq::new::<ThreadRecord>(vec![int::new(i64::from(thread.native)), List::from_vec(frames).into_value()])
}

#[pymethods]
impl RemoteUnwinder {
    #[init("RemoteUnwinder(pid, *, all_threads=False, only_active_thread=False, debug=False)")]
    fn init(
        &self,
        vm: &Vm,
        pid: i32,
        all_threads: bool,
        only_active_thread: bool,
        debug: bool,
    ) -> PyResult<()> {
        // What would be told besides the error is where in this process looking failed.
        let _ = debug;
        let choice = match (all_threads, only_active_thread) {
            (true, true) => return Err(vm.value_error("all_threads and only_active_thread cannot both be True")),
            (true, false) => Choice::All,
            (false, true) => Choice::Active,
            (false, false) => Choice::Main,
        };
        let process = Process::open(pid).map_err(|error| cannot_read(vm, pid, error))?;
        self.target.set(Some(Target { number: pid, process, choice }));
        Ok(())
    }

    /// Return a list of the process's threads, each with its frames, the innermost first.
    #[method("get_stack_trace(self, /)")]
    fn get_stack_trace(&self, vm: &Vm) -> PyResult {
        let target = self.target.borrow();
        let Some(target) = &*target else { return Err(vm.runtime_error("the unwinder has no process")) };
        let threads = target.process.threads(target.choice).map_err(|error| cannot_read(vm, target.number, error))?;
        Ok(List::from_vec(threads.into_iter().map(|thread| thread_value(vm, thread)).collect()).into_value())
    }
}

//! Processes: making, executing, waiting, scheduling.

use std::ffi::{CStr, CString};

use super::call::check;
use super::{Errno, Result};

/// Texts with a null pointer behind them, as `execve` takes them.
pub struct TextArray {
    pointers: Vec<*const libc::c_char>,
    _texts: Vec<CString>,
}

impl TextArray {
    /// The array of some texts.
    pub fn new(texts: Vec<CString>) -> TextArray {
        let pointers = texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        TextArray { pointers, _texts: texts }
    }

    fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }

    fn as_mut_ptr(&self) -> *const *mut libc::c_char {
        self.pointers.as_ptr().cast()
    }
}

// SAFETY: the pointers lead to texts that the array owns and nobody changes.
unsafe impl Send for TextArray {}
// SAFETY: as above.
unsafe impl Sync for TextArray {}

/// Makes a copy of the process that runs only the calling thread; answers 0 in the copy.
pub fn fork() -> Result<i32> {
    // SAFETY: the caller holds the interpreter's lock, which the child goes on with.
    check(unsafe { libc::fork() })
}

/// Executes a program in place of this one; returns only where that fails.
pub fn execute(path: &CStr, arguments: &TextArray, environment: Option<&TextArray>) -> Errno {
    // SAFETY: the arrays end with null pointers and their texts with zero bytes.
    unsafe {
        match environment {
            Some(environment) => libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()),
            None => libc::execv(path.as_ptr(), arguments.as_ptr()),
        };
    }
    Errno::last()
}

/// As `execute`, for the program that a descriptor stands for.
pub fn execute_descriptor(descriptor: i32, arguments: &TextArray, environment: &TextArray) -> Errno {
    // SAFETY: as for `execute`.
    unsafe { libc::fexecve(descriptor, arguments.as_ptr(), environment.as_ptr()) };
    Errno::last()
}

/// Ends the process at once.
pub fn exit_now(status: i32) -> ! {
    // SAFETY: the call does not return.
    unsafe { libc::_exit(status) }
}

/// Ends the process by a signal.
pub fn abort() -> ! {
    // SAFETY: the call does not return.
    unsafe { libc::abort() }
}

/// Has the shell run a command; answers its status.
pub fn run_in_shell(command: &CStr) -> i32 {
    // SAFETY: the command ends with a zero byte.
    unsafe { libc::system(command.as_ptr()) }
}

/// What a process has used.
pub type Usage = libc::rusage;

/// Waits for a child; answers which and its status.
pub fn wait(process: i32, options: i32) -> Result<(i32, i32)> {
    let mut status = 0;
    // SAFETY: the status is written by the call.
    let process = check(unsafe { libc::waitpid(process, &raw mut status, options) })?;
    Ok((process, status))
}

/// As `wait`, telling also what the child has used.
pub fn wait_with_usage(process: i32, options: i32) -> Result<(i32, i32, Usage)> {
    let mut status = 0;
    // SAFETY: status and usage are written by the call.
    unsafe {
        let mut usage = std::mem::zeroed();
        let process = check(libc::wait4(process, &raw mut status, options, &raw mut usage))?;
        Ok((process, status, usage))
    }
}

/// What became of a child: process, user, signal, status, code.
pub fn wait_for_change(kind: u32, id: u32, options: i32) -> Result<Option<[i64; 5]>> {
    // SAFETY: the information is written by the call before it is read.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        check(libc::waitid(kind as _, id, &raw mut info, options))?;
        if info.si_pid() == 0 {
            return Ok(None);
        }
        Ok(Some([
            i64::from(info.si_pid()),
            i64::from(info.si_uid()),
            i64::from(info.si_signo),
            i64::from(info.si_status()),
            i64::from(info.si_code),
        ]))
    }
}

/// What the process (or with -1 its children) has used.
pub fn usage(who: i32) -> Result<Usage> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut usage = std::mem::zeroed();
        check(libc::getrusage(who, &raw mut usage))?;
        Ok(usage)
    }
}

system_calls! {
    /// A descriptor that stands for a process.
    process_descriptor(process: i32, flags: u32) -> i32 = libc::syscall(libc::SYS_pidfd_open, process, flags);
    /// The smallest priority of a way of scheduling.
    least_scheduling_priority(policy: i32) -> i32 = libc::sched_get_priority_min(policy);
    /// The largest priority of a way of scheduling.
    most_scheduling_priority(policy: i32) -> i32 = libc::sched_get_priority_max(policy);
    /// The way in which a process is scheduled.
    scheduler(process: i32) -> i32 = libc::sched_getscheduler(process);
}

/// The priority with which a process is scheduled.
pub fn scheduling_priority(process: i32) -> Result<i32> {
    // SAFETY: the structure is written by the call before it is read.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        check(libc::sched_getparam(process, &raw mut parameters))?;
        Ok(parameters.sched_priority)
    }
}

fn parameters(priority: i32) -> libc::sched_param {
    // SAFETY: all zeros are valid.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    parameters
}

/// Sets the priority with which a process is scheduled.
pub fn set_scheduling_priority(process: i32, priority: i32) -> Result {
    let parameters = parameters(priority);
    // SAFETY: the structure is initialised.
    check(unsafe { libc::sched_setparam(process, &raw const parameters) }).map(drop)
}

/// Sets the way in which a process is scheduled.
pub fn set_scheduler(process: i32, policy: i32, priority: i32) -> Result {
    let parameters = parameters(priority);
    // SAFETY: the structure is initialised.
    check(unsafe { libc::sched_setscheduler(process, policy, &raw const parameters) }).map(drop)
}

/// The time that a process runs in turn with others, in seconds.
pub fn scheduling_interval(process: i32) -> Result<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is written by the call.
    check(unsafe { libc::sched_rr_get_interval(process, &raw mut time) })?;
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

const MOST_PROCESSORS: usize = 1 << 14;

/// The processors that a process may run on.
pub fn processors(process: i32) -> Result<Vec<usize>> {
    let mut mask = vec![0u64; MOST_PROCESSORS / 64];
    // SAFETY: the mask is as long as said.
    let size = check(unsafe {
        libc::syscall(libc::SYS_sched_getaffinity, process, mask.len() * 8, mask.as_mut_ptr())
    })?;
    Ok((0..size as usize * 8).filter(|&number| mask[number / 64] & 1 << (number % 64) != 0).collect())
}

/// Sets the processors that a process may run on.
pub fn set_processors(process: i32, numbers: &[usize]) -> Result {
    let mut mask = vec![0u64; MOST_PROCESSORS / 64];
    for &number in numbers {
        let Some(word) = mask.get_mut(number / 64) else { return Err(Errno(libc::EINVAL)) };
        *word |= 1 << (number % 64);
    }
    // SAFETY: the mask is as long as said.
    check(unsafe { libc::syscall(libc::SYS_sched_setaffinity, process, mask.len() * 8, mask.as_ptr()) })
        .map(drop)
}

/// Something that a process made by [`spawn`] does to its descriptors.
pub enum FileAction {
    /// Opens a file as a descriptor.
    Open(i32, CString, i32, u32),
    /// Closes a descriptor.
    Close(i32),
    /// Makes the second a descriptor of the first's file.
    Duplicate(i32, i32),
    /// Closes all descriptors from one on.
    CloseFrom(i32),
}

/// What a process made by [`spawn`] begins with.
#[derive(Default)]
pub struct SpawnOptions {
    /// What it does to its descriptors, in order.
    pub actions: Vec<FileAction>,
    /// The group of processes it moves to.
    pub group: Option<i32>,
    /// Whether effective user and group become the real ones.
    pub reset_identities: bool,
    /// Whether it leads a new session.
    pub new_session: bool,
    /// The signals it holds back.
    pub mask: Option<super::SignalSet>,
    /// The signals it treats as by default.
    pub defaults: Option<super::SignalSet>,
    /// How it is scheduled, and with which priority.
    pub scheduler: Option<(Option<i32>, i32)>,
    /// Whether the program is looked for along `PATH`.
    pub search: bool,
}

unsafe extern "C" {
    fn posix_spawn_file_actions_addclosefrom_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        from: libc::c_int,
    ) -> libc::c_int;
}

fn by_number(error: i32) -> Result {
    if error == 0 { Ok(()) } else { Err(Errno(error)) }
}

/// Makes a process that executes a program.
pub fn spawn(
    path: &CStr,
    arguments: &TextArray,
    environment: Option<&TextArray>,
    options: &SpawnOptions,
) -> Result<i32> {
    // SAFETY: both structures are initialised before they are used and destroyed once.
    unsafe {
        let mut actions = std::mem::zeroed();
        by_number(libc::posix_spawn_file_actions_init(&raw mut actions))?;
        let mut attributes = std::mem::zeroed();
        let result = by_number(libc::posix_spawnattr_init(&raw mut attributes)).and_then(|()| {
            let result = add_actions(&raw mut actions, &options.actions)
                .and_then(|()| set_attributes(&raw mut attributes, options))
                .and_then(|()| {
                    spawn_with(
                        path,
                        arguments,
                        environment,
                        &raw const actions,
                        &raw const attributes,
                        options.search,
                    )
                });
            libc::posix_spawnattr_destroy(&raw mut attributes);
            result
        });
        libc::posix_spawn_file_actions_destroy(&raw mut actions);
        result
    }
}

unsafe fn add_actions(actions: *mut libc::posix_spawn_file_actions_t, list: &[FileAction]) -> Result {
    for action in list {
        // SAFETY: the structure is initialised; paths are copied.
        by_number(unsafe {
            match action {
                FileAction::Open(descriptor, path, flags, mode) => {
                    libc::posix_spawn_file_actions_addopen(actions, *descriptor, path.as_ptr(), *flags, *mode)
                }
                FileAction::Close(descriptor) => {
                    libc::posix_spawn_file_actions_addclose(actions, *descriptor)
                }
                FileAction::Duplicate(from, to) => {
                    libc::posix_spawn_file_actions_adddup2(actions, *from, *to)
                }
                FileAction::CloseFrom(from) => posix_spawn_file_actions_addclosefrom_np(actions, *from),
            }
        })?;
    }
    Ok(())
}

unsafe fn set_attributes(attributes: *mut libc::posix_spawnattr_t, options: &SpawnOptions) -> Result {
    const SET_SESSION: i32 = 0x80;
    let mut flags = 0;
    // SAFETY: the structure is initialised.
    unsafe {
        if let Some(group) = options.group {
            by_number(libc::posix_spawnattr_setpgroup(attributes, group))?;
            flags |= libc::POSIX_SPAWN_SETPGROUP as i32;
        }
        if options.reset_identities {
            flags |= libc::POSIX_SPAWN_RESETIDS as i32;
        }
        if options.new_session {
            flags |= SET_SESSION;
        }
        if let Some(mask) = &options.mask {
            by_number(libc::posix_spawnattr_setsigmask(attributes, mask.as_ptr()))?;
            flags |= libc::POSIX_SPAWN_SETSIGMASK as i32;
        }
        if let Some(defaults) = &options.defaults {
            by_number(libc::posix_spawnattr_setsigdefault(attributes, defaults.as_ptr()))?;
            flags |= libc::POSIX_SPAWN_SETSIGDEF as i32;
        }
        if let Some((policy, priority)) = options.scheduler {
            if let Some(policy) = policy {
                by_number(libc::posix_spawnattr_setschedpolicy(attributes, policy))?;
                flags |= libc::POSIX_SPAWN_SETSCHEDULER as i32;
            }
            let parameters = parameters(priority);
            by_number(libc::posix_spawnattr_setschedparam(attributes, &raw const parameters))?;
            flags |= libc::POSIX_SPAWN_SETSCHEDPARAM as i32;
        }
        by_number(libc::posix_spawnattr_setflags(attributes, flags as _))
    }
}

unsafe fn spawn_with(
    path: &CStr,
    arguments: &TextArray,
    environment: Option<&TextArray>,
    actions: *const libc::posix_spawn_file_actions_t,
    attributes: *const libc::posix_spawnattr_t,
    search: bool,
) -> Result<i32> {
    unsafe extern "C" {
        static environ: *const *mut libc::c_char;
    }
    let mut process = 0;
    // SAFETY: the arrays end with null pointers and their texts with zero bytes; the caller holds the
    // interpreter's lock, so the environment does not change.
    by_number(unsafe {
        let environment = environment.map_or(environ, |environment| environment.as_mut_ptr());
        let spawn = if search { libc::posix_spawnp } else { libc::posix_spawn };
        spawn(&raw mut process, path.as_ptr(), actions, attributes, arguments.as_mut_ptr(), environment)
    })?;
    Ok(process)
}

/// What the child made by [`fork_and_execute`] does before it executes a program.
pub struct ChildSetup<'a> {
    /// The paths to try in turn.
    pub programs: &'a [CString],
    /// The arguments.
    pub arguments: Option<&'a TextArray>,
    /// The environment, the parent's own where there is none.
    pub environment: Option<&'a TextArray>,
    /// The folder to change to.
    pub folder: Option<&'a CStr>,
    /// Both ends of the pipes for input, output and errors, and of the one that tells the parent of a failure; -1
    /// for none.
    pub pipes: [i32; 8],
    /// Whether descriptors but for the standard and the kept ones are closed.
    pub close_descriptors: bool,
    /// The descriptors to be kept, ascending.
    pub kept: &'a [i32],
    /// Whether signals that the interpreter ignores are treated as by default.
    pub restore_signals: bool,
    /// Whether the child leads a new session.
    pub new_session: bool,
    /// The group of processes to move to; -1 for none.
    pub process_group: i32,
    /// The further groups.
    pub groups: Option<&'a [u32]>,
    /// The group.
    pub group: Option<u32>,
    /// The user.
    pub user: Option<u32>,
    /// The file mask; -1 for none.
    pub mask: i32,
}

/// Whom a child says it failed for.
enum Failure {
    /// A call before the program was executed.
    Setup(Errno),
    /// The folder could not be changed to.
    Folder(Errno),
    /// The function to be called before failed.
    Function,
    /// The program could not be executed.
    Execution(Errno),
}

/// In the child: sets it up and executes the program. Does only what is safe between `fork` and `exec`, unless a
/// function is to be called. Never returns; a failure is written to the pipe as `subprocess` reads it.
pub fn set_up_and_execute(setup: &ChildSetup<'_>, before: &mut dyn FnMut() -> bool) -> ! {
    let failure = match prepare(setup, before) {
        Ok(()) => Failure::Execution(execute_any(setup)),
        Err(failure) => failure,
    };
    let pipe = setup.pipes[7];
    let mut text = [0u8; 64];
    let message = match failure {
        Failure::Setup(error) => describe(&mut text, error, b"noexec"),
        Failure::Folder(error) => describe(&mut text, error, b"noexec:chdir"),
        Failure::Execution(error) => describe(&mut text, error, b""),
        Failure::Function => &b"SubprocessError:0:Exception occurred in preexec_fn."[..],
    };
    let _ = super::write(pipe, message);
    exit_now(255)
}

/// `OSError:<error number in hexadecimal>:<what>`, without allocating.
fn describe<'a>(text: &'a mut [u8; 64], error: Errno, what: &[u8]) -> &'a [u8] {
    let mut length = 0;
    let mut push = |bytes: &[u8]| {
        text[length..length + bytes.len()].copy_from_slice(bytes);
        length += bytes.len();
    };
    push(b"OSError:");
    let mut started = false;
    for shift in (0..8).rev() {
        let digit = (error.0 >> (shift * 4) & 15) as usize;
        if digit != 0 || started || shift == 0 {
            started = true;
            push(&b"0123456789abcdef"[digit..=digit]);
        }
    }
    push(b":");
    match what {
        b"noexec:chdir" => push(b"noexec:chdir"),
        other => push(other),
    }
    &text[..length]
}

fn execute_any(setup: &ChildSetup<'_>) -> Errno {
    let Some(arguments) = setup.arguments else { return Errno(libc::EFAULT) };
    let mut saved = None;
    let mut last = Errno(libc::ENOENT);
    for program in setup.programs {
        last = execute(program, arguments, setup.environment);
        if last.0 != libc::ENOENT && last.0 != libc::ENOTDIR && saved.is_none() {
            saved = Some(last);
        }
    }
    saved.unwrap_or(last)
}

fn prepare(setup: &ChildSetup<'_>, before: &mut dyn FnMut() -> bool) -> std::result::Result<(), Failure> {
    redirect(setup).map_err(Failure::Setup)?;
    if let Some(folder) = setup.folder {
        super::change_folder(folder).map_err(Failure::Folder)?;
    }
    identify(setup).map_err(Failure::Setup)?;
    if !before() {
        return Err(Failure::Function);
    }
    if setup.close_descriptors {
        close_all_but(setup.kept);
    }
    Ok(())
}

/// Puts the pipes to descriptors 0, 1 and 2.
fn redirect(setup: &ChildSetup<'_>) -> Result {
    let [input, input_parent, output_parent, mut output, error_parent, mut error, failure_parent, _] =
        setup.pipes;
    for &descriptor in setup.kept {
        if descriptor != setup.pipes[7] {
            super::set_inheritable(descriptor, true)?;
        }
    }
    for parent in [input_parent, output_parent, error_parent, failure_parent] {
        if parent >= 0 {
            super::close(parent)?;
        }
    }
    // Descriptors 0 to 2 must not be overwritten before they were used.
    if output == 0 {
        output = super::duplicate(output)?;
    }
    while error == 0 || error == 1 {
        error = super::duplicate(error)?;
    }
    for (from, to) in [(input, 0), (output, 1), (error, 2)] {
        if from == to {
            super::set_inheritable(from, true)?;
        } else if from >= 0 {
            super::duplicate_to(from, to)?;
        }
    }
    Ok(())
}

/// Sets mask, signals, session, groups and users.
fn identify(setup: &ChildSetup<'_>) -> Result {
    if setup.mask >= 0 {
        super::set_file_mask(setup.mask as u32);
    }
    if setup.restore_signals {
        for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
            super::set_disposition(signal, super::Disposition::Default)?;
        }
    }
    if setup.new_session {
        super::new_session()?;
    }
    if setup.process_group >= 0 {
        super::set_process_group(0, setup.process_group)?;
    }
    // The calls themselves, not the C library's wrappers: those synchronise with threads that the child lacks.
    // SAFETY: the array is as long as said; the others take numbers only.
    unsafe {
        if let Some(groups) = setup.groups {
            check(libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()))?;
        }
        if let Some(group) = setup.group {
            check(libc::syscall(libc::SYS_setregid, group, group))?;
        }
        if let Some(user) = setup.user {
            check(libc::syscall(libc::SYS_setreuid, user, user))?;
        }
    }
    Ok(())
}

/// Closes all descriptors from 3 on but for some, which ascend.
fn close_all_but(kept: &[i32]) {
    let mut from = 3;
    for &descriptor in kept.iter().filter(|&&descriptor| descriptor >= 3) {
        super::close_range(from, descriptor - 1);
        from = descriptor + 1;
    }
    super::close_range(from, i32::MAX);
}

/// The processors that are there.
pub fn processor_count() -> Option<usize> {
    super::system_limit(libc::_SC_NPROCESSORS_ONLN)
        .ok()
        .filter(|&count| count > 0)
        .map(|count| count as usize)
}

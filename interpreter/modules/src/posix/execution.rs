//! Executing programs: `execv`, `posix_spawn`, `system`.

use std::ffi::CString;

use rspy_macros::pyfunctions;
use rspy_runtime::audit;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::host::{self, Errno, FileAction, SignalSet, SpawnOptions, TextArray, c};
use rspy_runtime::paths::{self, OrRaise, PathName, PathOrDescriptor};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

/// The functions.
pub struct Functions;

/// The items of a list or tuple.
fn list_or_tuple(value: &Value) -> Option<Vec<Value>> {
    if let Some(list) = value.downcast::<List>() {
        return Some(list.to_vec());
    }
    value.downcast::<Tuple>().map(|tuple| tuple.items().to_vec())
}

/// The arguments of a program to be executed. `function` and `name` are how messages begin.
fn program_arguments(
    vm: &Vm,
    function: &str,
    name: &str,
    program: &[u8],
    argv: &Value,
) -> PyResult<TextArray> {
    let Some(items) = list_or_tuple(argv) else {
        return Err(vm.type_error(format!("{function}{name} must be a tuple or list")));
    };
    if items.is_empty() {
        return Err(vm.value_error(format!("{function}{name} must not be empty")));
    }
    let texts: Vec<CString> = items.iter().map(|item| paths::to_system(vm, item)).collect::<PyResult<_>>()?;
    if texts[0].is_empty() {
        return Err(vm.value_error(format!("{function}{name} first element cannot be empty")));
    }
    Ok(TextArray::new(crate::own_executable::arguments(vm, program, texts)))
}

/// An environment given as mapping.
fn program_environment(vm: &Vm, mapping: &Value) -> PyResult<TextArray> {
    let keys = vm.call_method_str(mapping, "keys", &[])?;
    let values = vm.call_method_str(mapping, "values", &[])?;
    let (keys, values) = (vm.collect(&keys)?, vm.collect(&values)?);
    let mut texts = Vec::with_capacity(keys.len());
    for (key, value) in keys.iter().zip(&values) {
        let (key, value) = (paths::to_system(vm, key)?, paths::to_system(vm, value)?);
        if key.is_empty() || key.as_bytes()[1..].contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        let text = [key.as_bytes(), b"=", value.as_bytes()].concat();
        texts.push(CString::new(text).map_err(|_| vm.value_error("embedded null byte"))?);
    }
    Ok(TextArray::new(texts))
}

fn file_action(vm: &Vm, action: &Value) -> PyResult<FileAction> {
    let items = action.downcast::<Tuple>().map(|tuple| tuple.items().to_vec()).unwrap_or_default();
    let Some(kind) = items.first() else {
        return Err(vm.type_error("Each file_actions element must be a non-empty tuple"));
    };
    let number = |value: &Value| int::to_fixed::<i32>(vm, value, "int");
    let wrong_length = |name: &str, count: usize| {
        vm.type_error(format!("A {name} file_action tuple must have {count} elements"))
    };
    match (number(kind)?, &items[1..]) {
        (0, [descriptor, path, flags, mode]) => Ok(FileAction::Open(
            number(descriptor)?,
            paths::to_system(vm, path)?,
            number(flags)?,
            int::to_fixed(vm, mode, "unsigned int")?,
        )),
        (0, _) => Err(wrong_length("open", 5)),
        (1, [descriptor]) => Ok(FileAction::Close(number(descriptor)?)),
        (1, _) => Err(wrong_length("close", 2)),
        (2, [from, to]) => Ok(FileAction::Duplicate(number(from)?, number(to)?)),
        (2, _) => Err(wrong_length("dup2", 3)),
        (3, [from]) => Ok(FileAction::CloseFrom(number(from)?)),
        (3, _) => Err(wrong_length("closefrom", 2)),
        _ => Err(vm.type_error("Unknown file_actions identifier")),
    }
}

/// The signals that an iterable yields.
pub(crate) fn signal_set(vm: &Vm, signals: &Value) -> PyResult<SignalSet> {
    let mut set = SignalSet::new();
    for item in vm.collect(signals)? {
        let number = vm.index(&item)?;
        // Numbers of any size are out of range as -1 is.
        match int::small_value(&number).unwrap_or(-1) {
            signal if (1..i64::from(host::SIGNAL_COUNT)).contains(&signal) => {
                // Numbers that the C library keeps for itself are left out.
                let _ = set.add(signal as i32);
            }
            signal => {
                return Err(vm.value_error(format!(
                    "signal number {signal} out of range [1; {}]",
                    host::SIGNAL_COUNT - 1
                )));
            }
        }
    }
    Ok(set)
}

fn schedule(vm: &Vm, scheduler: &Value) -> PyResult<(Option<i32>, i32)> {
    let Some(scheduler) = scheduler.downcast::<Tuple>() else {
        return Err(vm.type_error("scheduler must be a tuple or None"));
    };
    let [policy, parameters] = scheduler.items() else {
        return Err(vm.type_error("A scheduler tuple must have two elements"));
    };
    let policy = if is_none(policy) { None } else { Some(int::to_fixed(vm, policy, "int")?) };
    Ok((policy, super::scheduling::priority_of(vm, parameters)?))
}

/// What the keywords of `posix_spawn` ask for.
struct Wishes<'a> {
    file_actions: Option<&'a Value>,
    group: Option<&'a Value>,
    reset_identities: bool,
    new_session: bool,
    mask: Option<&'a Value>,
    defaults: Option<&'a Value>,
    scheduler: Option<&'a Value>,
}

impl Wishes<'_> {
    fn options(&self, vm: &Vm, search: bool) -> PyResult<SpawnOptions> {
        let mut options = SpawnOptions {
            search,
            reset_identities: self.reset_identities,
            new_session: self.new_session,
            ..SpawnOptions::default()
        };
        if let Some(actions) = self.file_actions.filter(|actions| !is_none(actions)) {
            for action in vm.collect(actions)? {
                options.actions.push(file_action(vm, &action)?);
            }
        }
        options.group = self.group.map(|group| int::to_fixed(vm, group, "int")).transpose()?;
        options.mask = self.mask.map(|signals| signal_set(vm, signals)).transpose()?;
        options.defaults = self.defaults.map(|signals| signal_set(vm, signals)).transpose()?;
        options.scheduler = self.scheduler.map(|scheduler| schedule(vm, scheduler)).transpose()?;
        Ok(options)
    }
}

fn spawn(vm: &Vm, function: &str, path: &PathName, argv: &Value, env: &Value, wishes: &Wishes<'_>) -> PyResult<i32> {
    if !is_none(env) && !is_mapping(env) {
        return Err(vm.type_error(format!("{function}: environment must be a mapping object or None")));
    }
    let arguments = program_arguments(vm, function, ": argv", path.bytes(), argv)?;
    let environment = if is_none(env) { None } else { Some(program_environment(vm, env)?) };
    let options = wishes.options(vm, function == "posix_spawnp")?;
    audit::raise_event(vm, "os.posix_spawn", || vec![path.object.clone(), argv.clone(), env.clone()])?;
    host::spawn(path.as_c_str(), &arguments, environment.as_ref(), &options).or_raise_for(vm, &path.object)
}

/// Whether an object can be indexed (`PyMapping_Check`).
fn is_mapping(value: &Value) -> bool {
    value.type_of().slots().get_item.get().is_some()
}

/// Whether the interpreter may replace the process.
fn check_may_execute(vm: &Vm) -> PyResult<()> {
    if vm.interpreter.identity.features.allow_exec {
        return Ok(());
    }
    Err(vm.runtime_error("exec not supported for isolated subinterpreters"))
}

#[pyfunctions]
impl Functions {
    /// Execute an executable path with arguments, replacing current process.
    #[function("execv(path, argv, /)")]
    fn execv(vm: &Vm, path: PathName, argv: &Value) -> PyResult<()> {
        check_may_execute(vm)?;
        let arguments = program_arguments(vm, "execv()", " arg 2", path.bytes(), argv)?;
        audit::raise_event(vm, "os.exec", || vec![path.object.clone(), argv.clone(), none()])?;
        let error = host::execute(path.as_c_str(), &arguments, None);
        Err(vm.os_error(error.0, None, None))
    }

    /// Execute an executable path with arguments and environment, replacing current process.
    #[function("execve(path, argv, env)")]
    fn execve(vm: &Vm, path: PathOrDescriptor, argv: &Value, env: &Value) -> PyResult<()> {
        check_may_execute(vm)?;
        let Some(_) = list_or_tuple(argv) else {
            return Err(vm.type_error("execve: argv must be a tuple or list"));
        };
        let arguments = program_arguments(vm, "execve:", " argv", path.bytes(), argv)?;
        if !is_mapping(env) {
            return Err(vm.type_error("execve: environment must be a mapping object"));
        }
        let environment = program_environment(vm, env)?;
        audit::raise_event(vm, "os.exec", || vec![path.object.clone(), argv.clone(), env.clone()])?;
        let error = match path.descriptor {
            Some(-1) => Errno(c::EFAULT),
            Some(descriptor) => host::execute_descriptor(descriptor, &arguments, &environment),
            None => host::execute(path.as_c_str(), &arguments, Some(&environment)),
        };
        Err(path.error(vm, error))
    }

    /// Execute the program specified by path in a new process.
    #[function("posix_spawn(path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)")]
    fn posix_spawn(
        vm: &Vm,
        path: PathName,
        argv: &Value,
        env: &Value,
        file_actions: Option<&Value>,
        group: Option<&Value>,
        reset_identities: bool,
        new_session: bool,
        mask: Option<&Value>,
        defaults: Option<&Value>,
        scheduler: Option<&Value>,
    ) -> PyResult<i32> {
        let wishes = Wishes { file_actions, group, reset_identities, new_session, mask, defaults, scheduler };
        spawn(vm, "posix_spawn", &path, argv, env, &wishes)
    }

    /// Execute the program specified by path, looked for along PATH, in a new process.
    #[function("posix_spawnp(path, argv, env, /, *, file_actions=(), setpgroup=None, resetids=False, setsid=False, setsigmask=(), setsigdef=(), scheduler=None)")]
    fn posix_spawnp(
        vm: &Vm,
        path: PathName,
        argv: &Value,
        env: &Value,
        file_actions: Option<&Value>,
        group: Option<&Value>,
        reset_identities: bool,
        new_session: bool,
        mask: Option<&Value>,
        defaults: Option<&Value>,
        scheduler: Option<&Value>,
    ) -> PyResult<i32> {
        let wishes = Wishes { file_actions, group, reset_identities, new_session, mask, defaults, scheduler };
        spawn(vm, "posix_spawnp", &path, argv, env, &wishes)
    }

    /// Execute the command in a subshell.
    #[function("system(command)")]
    fn system(vm: &Vm, command: &Value) -> PyResult<i32> {
        let command = paths::to_system(vm, command)?;
        audit::raise_event(vm, "os.system", || vec![Bytes::new(command.as_bytes()).into_value()])?;
        Ok(vm.allow_threads(|| host::run_in_shell(&command)))
    }

    /// Exit to the system with specified status, without normal exit processing.
    #[function("_exit(status)")]
    fn exit(status: i32) {
        host::exit_now(status)
    }

    /// Abort the interpreter immediately.
    #[function("abort()")]
    fn abort() {
        host::abort()
    }
}

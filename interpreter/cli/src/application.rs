//! The application that the executable carries: how it is started, and when the executable is the interpreter all the same.

use std::ffi::OsString;

use rspy_archive::{Application, Start};
use rspy_modules::own_executable::INTERPRETER;
use rspy_runtime::import::frozen::{code_at, run_code};
use rspy_runtime::object::Ref;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::none::none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::{ApplicationPlace, Configuration};
use rspy_runtime::{Exception, PyResult, Vm, startup};

use crate::options::{self, Arguments, Command, Options, UsageError};

/// How a process that `multiprocessing` starts is told to serve it.
const WORKER: &str = "--multiprocessing-fork";
/// What such a process runs.
const SERVE: &str = "from multiprocessing.spawn import freeze_support; freeze_support()\n";

/// What the process is to do. All words are the application's, unless it started itself as `sys.executable` to run Python
/// code: then the process has a name below the executable.
pub fn parse(application: Application, optimize: u8, words: &mut [OsString]) -> Result<Options, UsageError> {
    let place = ApplicationPlace { paths: application.paths.clone() };
    let isolated = application.isolated;
    let is_interpreter = words.first_mut().is_some_and(become_executable);
    let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut options = if !is_interpreter {
        run_application(application, optimize, words)?
    } else if texts.get(1).is_some_and(|word| word == WORKER) {
        let mut options = run_application(application, optimize, words)?;
        options.command = Command::Code(SERVE.to_owned());
        options
    } else {
        options::parse(&Arguments { words, texts: &texts }, |configuration| {
            isolate(configuration, isolated);
        })?
    };
    options.configuration.application = Some(place);
    Ok(options)
}

/// Takes the name of the interpreter off the path of the executable.
fn become_executable(word: &mut OsString) -> bool {
    let Some(path) = word.to_str().and_then(|word| word.strip_suffix(INTERPRETER)) else { return false };
    // A file of that name has a folder around it.
    if std::path::Path::new(path).is_dir() {
        return false;
    }
    *word = path.into();
    true
}

fn isolate(configuration: &mut Configuration, isolated: bool) {
    configuration.no_user_site = true;
    if isolated {
        configuration.isolated = true;
        configuration.ignore_environment = true;
        configuration.safe_path = true;
    }
}

fn run_application(
    application: Application,
    optimize: u8,
    words: &[OsString],
) -> Result<Options, UsageError> {
    let mut configuration = options::configuration(words);
    isolate(&mut configuration, application.isolated);
    configuration.optimize = i32::from(optimize);
    configuration.arguments = words.to_vec();
    options::apply_environment(&mut configuration)?;
    Ok(Options {
        command: Command::Application(application),
        configuration,
        skip_first_line: false,
        inspect: false,
    })
}

/// Runs the application as `__main__`.
pub fn run(vm: &Vm, application: &Application, main: &Ref<Module>) -> PyResult<()> {
    match &application.start {
        Start::Script(path) => run_script(vm, path, main),
        Start::Module(name) => run_module(vm, name, main),
        Start::Function { module, function } => call_function(vm, module, function),
    }
}

fn run_script(vm: &Vm, path: &str, main: &Ref<Module>) -> PyResult<()> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    let path = format!("{}/{path}", vm.interpreter.configuration.executable);
    let Some(code) = code_at(vm, name, &path)? else {
        return Err(vm.import_error(format!("the application lacks its own script '{file}'"), None, None));
    };
    main.set_str(vm, "__file__", &path);
    main.set(vm, "__cached__", none());
    if name == "__main__" {
        // It stands for its folder, which is no package.
        main.set_str(vm, "__package__", "");
    }
    startup::set_main_loader(vm, main, &vm.new_str(&path))?;
    run_code(vm, &code, &main.dict()).map(drop)
}

/// As `runpy` does for `-m`, but for the names of the program: it is called as the executable is, and so it says.
fn run_module(vm: &Vm, name: &str, main: &Ref<Module>) -> PyResult<()> {
    let runpy = rspy_runtime::import::import_module(vm, "runpy")?;
    let details = vm.call_method_str(&runpy, "_get_module_details", &[vm.new_str(name)])?;
    let details = vm.collect(&details)?;
    let [_, spec, code] = &details[..] else {
        return Err(vm.runtime_error("runpy does not say what to run"));
    };
    main.set(vm, "__spec__", spec.clone());
    for (name, attribute) in [("__file__", "origin"), ("__loader__", "loader"), ("__package__", "parent")] {
        main.set(vm, name, vm.get_attribute_str(spec, attribute)?);
    }
    main.set(vm, "__cached__", none());
    run_code(vm, code, &main.dict()).map(drop)
}

/// Calls the function of an entry point; what it returns is the exit status, as for `sys.exit()`.
fn call_function(vm: &Vm, module: &str, function: &str) -> PyResult<()> {
    let mut found = rspy_runtime::import::import_module(vm, module)?;
    for name in function.split('.') {
        found = vm.get_attribute_str(&found, name)?;
    }
    let status: Value = vm.call(&found, &[])?;
    Err(startup::exit(vm, status))
}

/// Says in an exception that nobody handled how a module that is missing comes into the application.
pub fn add_hint(vm: &Vm, error: &Exception) {
    if !error.is_module_not_found_error() {
        return;
    }
    let Ok(name) = vm.get_attribute_str(error.value(), "name").and_then(|name| vm.str(&name)) else { return };
    let name = name.to_string_lossy();
    let first = name.split('.').next().unwrap_or(&name);
    let text = if rspy_runtime::sys::is_library_name(first) {
        format!(
            "'{first}' belongs to the standard library; either rspy does not have it yet, or this application was \
             built without it: 'freezer build --keep {name}' keeps it."
        )
    } else {
        format!(
            "'{first}' is not in this application: 'freezer build' takes packages in with --wheel, --site or \
             --requirements, and modules that only run-time code names with --keep."
        )
    };
    error.add_note(vm, &text);
}

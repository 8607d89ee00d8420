//! Running what the command line asks for.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};

use rspy_runtime::compile::CompileRequest;
use rspy_runtime::import::frozen::run_code;
use rspy_runtime::native_stack::NativeStack;
use rspy_runtime::object::Ref;
use rspy_runtime::paths::from_os_string;
use rspy_runtime::types::code::Code;
use rspy_runtime::types::module::Module;
use rspy_runtime::types::string::Str;
use rspy_runtime::vm::Configuration;
use rspy_runtime::{Exception, PyResult, Vm, startup};
use rspy_syntax::{Mode, Source};

use crate::library::Frozen;
use crate::options::{Command, Options};

/// Runs the interpreter to its end and answers the exit status.
pub fn run(options: Options, library: &'static Frozen, native_stack: NativeStack) -> i32 {
    let Options { command, mut configuration, skip_first_line, inspect } = options;
    configuration.program = program(&first_word(&configuration));
    configuration.executable = executable(&configuration.program);
    match &mut configuration.application {
        None => configuration.environment = environment(&configuration.program),
        Some(application) => {
            for path in &mut application.paths {
                *path = format!("{}/{path}", configuration.executable);
            }
        }
    }
    startup::run(configuration, rspy_modules::modules(), Some(library), native_stack, |vm| {
        let status = match startup::start(vm, matches!(command, Command::Input)) {
            Ok(main) => {
                let outcome = execute(vm, &command, &main, skip_first_line, inspect);
                if !matches!(command, Command::Input) && prompt_follows(vm, inspect) {
                    if let Err(error) = outcome {
                        // Even what would end the program is only shown.
                        rspy_runtime::exceptions::print::report(vm, &error);
                    }
                    status_after(vm, prompt(vm, &main, true))
                } else {
                    status_after(vm, outcome)
                }
            }
            Err(error) => startup::failed(vm, error),
        };
        match startup::finalize(vm) {
            true if status == startup::INTERRUPTED => startup::die_of_interrupt(),
            true => status,
            false => 120,
        }
    })
}

/// Whether a prompt is wanted after the program, which may have asked for it itself, and there is somebody to answer.
fn prompt_follows(vm: &Vm, inspect: bool) -> bool {
    let configuration = &vm.interpreter.configuration;
    let asked = || {
        !configuration.ignore_environment
            && std::env::var_os("PYTHONINSPECT").is_some_and(|value| !value.is_empty())
    };
    (inspect || asked()) && (configuration.interactive > 0 || std::io::stdin().is_terminal())
}

fn status_after(vm: &Vm, outcome: PyResult<()>) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            if vm.interpreter.configuration.application.is_some() {
                crate::application::add_hint(vm, &error);
            }
            startup::status_of(vm, error)
        }
    }
}

/// The name that the process was started by.
fn first_word(configuration: &Configuration) -> String {
    configuration
        .original_arguments
        .first()
        .map_or_else(String::new, |word| word.to_string_lossy().into_owned())
}

/// The path that the process was started by: as given, or where the shell found it.
fn program(name: &str) -> String {
    let absolute = |path: &str| startup::absolute(path.as_ref()).to_string_lossy().into_owned();
    if name.contains('/') {
        let path = absolute(name);
        let parts: Vec<&str> = path.split('/').filter(|part| *part != ".").collect();
        return parts.join("/");
    }
    let folders = std::env::var("PATH").unwrap_or_default();
    folders
        .split(':')
        .map(|folder| absolute(&format!("{folder}/{name}")))
        .find(|path| !name.is_empty() && is_executable(path))
        .or_else(|| std::env::current_exe().ok().map(|path| path.to_string_lossy().into_owned()))
        .unwrap_or_default()
}

fn is_executable(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The file behind the program. Where `/proc` is missing, as in an empty container, the links are followed here.
fn executable(program: &str) -> String {
    std::env::current_exe()
        .or_else(|_| std::fs::canonicalize(program))
        .map_or_else(|_| program.to_owned(), |path| path.to_string_lossy().into_owned())
}

/// The virtual environment of a program: the folder above its own, marked by `pyvenv.cfg` in either.
fn environment(program: &str) -> Option<String> {
    let folder = std::path::Path::new(program).parent()?;
    let above = folder.parent()?;
    [folder, above]
        .into_iter()
        .find(|place| place.join("pyvenv.cfg").is_file())
        .map(|_| above.to_string_lossy().into_owned())
}

fn execute(
    vm: &Vm,
    command: &Command,
    main: &Ref<Module>,
    skip_first_line: bool,
    inspect: bool,
) -> PyResult<()> {
    match command {
        Command::Code(source) => {
            startup::add_first_path(vm, "");
            run_command(vm, &dedent(source), main)
        }
        Command::Undecodable(command) => {
            eprintln!("Unable to decode the command from the command line:");
            from_os_string(command).to_utf8(vm).map(drop)
        }
        Command::Module(name) => run_module(vm, name),
        Command::File(path) => run_file(vm, path, main, skip_first_line),
        Command::Input if inspect || std::io::stdin().is_terminal() => {
            startup::add_first_path(vm, "");
            interact(vm, main)
        }
        Command::Input => {
            startup::add_first_path(vm, "");
            let mut source = Vec::new();
            match std::io::Read::read_to_end(&mut std::io::stdin(), &mut source) {
                Ok(_) => run_source(vm, &source, "<stdin>", main),
                Err(error) => Err(vm.io_error(&error, None)),
            }
        }
        Command::Print(_) => Ok(()),
        Command::Application(application) => crate::application::run(vm, application, main),
    }
}

/// Runs the argument of `-c`. Tracebacks can show its lines, since `linecache` is told of them.
fn run_command(vm: &Vm, source: &str, main: &Ref<Module>) -> PyResult<()> {
    // It is text already, whatever a comment says of its encoding.
    let filename = vm.intern("<string>");
    let code = rspy_runtime::compile::compile_source(vm, &Source::Text(source), &request(vm, &filename))?;
    let linecache = rspy_runtime::import::import_module(vm, "linecache")?;
    let arguments = [code.value().clone(), vm.new_str(source), vm.new_str("<string>")];
    vm.call_method_str(&linecache, "_register_code", &arguments)?;
    run_code(vm, code.value(), &main.dict()).map(drop)
}

/// Takes away the white space that all lines of a command have in front, so that it can be indented as what surrounds
/// it in a script. Lines of nothing else are emptied.
fn dedent(source: &str) -> String {
    let is_blank = |line: &&str| line.trim_start_matches([' ', '\t']).is_empty();
    let margin = source
        .split('\n')
        .filter(|line| !is_blank(line))
        .map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
        .reduce(|margin, front| {
            let same = margin.bytes().zip(front.bytes()).take_while(|(left, right)| left == right).count();
            &margin[..same]
        })
        .unwrap_or("");
    if margin.is_empty() {
        return source.to_owned();
    }
    let lines: Vec<&str> =
        source.split('\n').map(|line| if is_blank(&line) { "" } else { &line[margin.len()..] }).collect();
    lines.join("\n")
}

fn run_source(vm: &Vm, source: &[u8], name: &str, main: &Ref<Module>) -> PyResult<()> {
    let code = compile(vm, source, name)?;
    run_code(vm, code.value(), &main.dict()).map(drop)
}

fn compile(vm: &Vm, source: &[u8], name: &str) -> PyResult<Ref<Code>> {
    let filename = vm.intern(name);
    rspy_runtime::compile::compile_source(vm, &Source::Bytes(source), &request(vm, &filename))
}

fn request<'a>(vm: &Vm, filename: &'a Ref<Str>) -> CompileRequest<'a> {
    CompileRequest {
        filename,
        mode: Mode::Module,
        flags: 0,
        optimize: vm.interpreter.configuration.optimize.clamp(0, 2) as u8,
        feature_version: 14,
    }
}

/// `runpy._run_module_as_main`.
fn run_module(vm: &Vm, name: &str) -> PyResult<()> {
    let runpy = rspy_runtime::import::import_module(vm, "runpy")?;
    startup::add_first_path(vm, std::env::current_dir().unwrap_or_default());
    if name == "pip" {
        offer_own_pip(vm)?;
    }
    let truth = rspy_runtime::types::bool::boolean(true);
    vm.call_method_str(&runpy, "_run_module_as_main", &[vm.new_str(name), truth]).map(drop)
}

/// Has pip found in the wheel that `ensurepip` comes with, behind all else on the path: one that is installed comes first.
fn offer_own_pip(vm: &Vm) -> PyResult<()> {
    const FOLDER: &str = "lib/python3.14/ensurepip/_bundled";
    let library = vm.interpreter.library.borrow();
    let names = library.as_ref().and_then(|library| library.list(FOLDER)).unwrap_or_default();
    drop(library);
    let path = vm.sys_attribute(&vm.intern("path")).unwrap_or_else(rspy_runtime::types::none::none);
    for name in names.iter().filter(|name| name.starts_with("pip-")) {
        let wheel = format!("{}/{FOLDER}/{name}", vm.interpreter.configuration.executable);
        vm.call_method_str(&path, "append", &[vm.new_str(&wheel)])?;
    }
    Ok(())
}

fn run_file(vm: &Vm, path: &OsStr, main: &Ref<Module>, skip_first_line: bool) -> PyResult<()> {
    if startup::is_path_entry(vm, path)? {
        let path = &startup::absolute(path);
        startup::add_path_of_program(vm, path);
        let runpy = rspy_runtime::import::import_module(vm, "runpy")?;
        let arguments = [vm.new_str("__main__"), rspy_runtime::types::bool::boolean(false)];
        return vm.call_method_str(&runpy, "_run_module_as_main", &arguments).map(drop);
    }
    let mut source = match std::fs::read(path) {
        Ok(source) => source,
        Err(error) => {
            let program = first_word(&vm.interpreter.configuration);
            let number = error.raw_os_error().unwrap_or(0);
            let text = rspy_runtime::exceptions::construct::error_message(number);
            let shown = vm.repr(&from_os_string(&startup::absolute(path)).into_value())?;
            eprintln!("{program}: can't open file {}: [Errno {number}] {text}", shown.to_string_lossy());
            return Err(startup::exit_with(vm, 2));
        }
    };
    if skip_first_line {
        let end = source.iter().position(|&byte| byte == b'\n').unwrap_or(source.len());
        source.drain(..end);
    }
    startup::add_first_path(vm, startup::folder_of(path));
    let path = &startup::absolute(path);
    let filename = from_os_string(path);
    main.set(vm, "__file__", filename.to_value());
    main.set(vm, "__cached__", rspy_runtime::types::none::none());
    startup::set_main_loader(vm, main, filename.value())?;
    let is_compiled = std::path::Path::new(path).extension().is_some_and(|extension| extension == "pyc");
    if is_compiled || source.starts_with(&rspy_code::pyc::MAGIC) {
        let magic = source.get(..rspy_code::pyc::MAGIC.len());
        if magic.is_some_and(|magic| magic != rspy_code::pyc::MAGIC) {
            return Err(vm.runtime_error("Bad magic number in .pyc file"));
        }
        let Some(code) = source.get(rspy_code::pyc::HEADER_LENGTH..) else {
            return Err(vm.eof_error("EOF read where not expected"));
        };
        return match rspy_runtime::marshal::load(vm, code, true) {
            Ok((code, _)) if code.downcast::<Code>().is_some() => run_code(vm, &code, &main.dict()).map(drop),
            _ => Err(vm.runtime_error("Bad code object in .pyc file")),
        };
    }
    let code = rspy_runtime::compile::compile_file(vm, &source, &request(vm, &filename))?;
    run_code(vm, code.value(), &main.dict()).map(drop)
}

/// The prompt of a program started without anything to run: greets, runs the start-up file, reads statements.
fn interact(vm: &Vm, main: &Ref<Module>) -> PyResult<()> {
    let configuration = &vm.interpreter.configuration;
    if configuration.quiet == 0 {
        let version = rspy_runtime::sys::version_text(&configuration.compiler);
        // Where it cannot be shown, nobody misses it.
        drop(writeln!(std::io::stderr(), "Python {version} on linux"));
        if !configuration.no_site {
            drop(writeln!(
                std::io::stderr(),
                "Type \"help\", \"copyright\", \"credits\" or \"license\" for more information."
            ));
        }
    }
    if !configuration.ignore_environment
        && let Some(path) = std::env::var("PYTHONSTARTUP").ok().filter(|path| !path.is_empty())
    {
        run_startup(vm, &path, main)?;
    }
    prompt(vm, main, false)
}

/// Reads, evaluates and prints until the input ends, in the names of `__main__`: with `_pyrepl` on a terminal, which may
/// have to run the start-up file.
fn prompt(vm: &Vm, main: &Ref<Module>, runs_startup: bool) -> PyResult<()> {
    if let Some(hook) = vm.sys_attribute(&vm.intern("__interactivehook__"))
        && let Err(error) = vm.call(&hook, &[])
    {
        // Output that waits comes before it.
        startup::flush_streams(vm);
        drop(writeln!(std::io::stderr(), "Failed calling sys.__interactivehook__"));
        show_unless_exit(vm, error)?;
    }
    let ignores_environment = vm.interpreter.configuration.ignore_environment;
    let is_plain =
        !ignores_environment && std::env::var_os("PYTHON_BASIC_REPL").is_some_and(|value| !value.is_empty());
    if is_plain || !std::io::stdin().is_terminal() {
        return rspy_runtime::sys::prompt::run(vm, &main.dict());
    }
    let console = rspy_runtime::import::import_module(vm, "_pyrepl.main")?;
    let start = vm.get_attribute_str(&console, "interactive_console")?;
    let runs_startup = rspy_runtime::types::bool::boolean(runs_startup && !ignores_environment);
    let keywords = [("mainmodule", main.clone().into_value()), ("pythonstartup", runs_startup)];
    vm.call_with_keywords(&start, &[], &keywords).map(drop)
}

/// Shows an exception, after which the session goes on, unless it ends the program.
fn show_unless_exit(vm: &Vm, error: Exception) -> PyResult<()> {
    if error.is_system_exit() {
        return Err(error);
    }
    startup::status_of(vm, error);
    Ok(())
}

/// Runs the file that `PYTHONSTARTUP` names; the session goes on if it fails.
fn run_startup(vm: &Vm, path: &str, main: &Ref<Module>) -> PyResult<()> {
    let source = match std::fs::read(path) {
        Ok(source) => source,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "Could not open PYTHONSTARTUP"));
            return show_unless_exit(vm, vm.io_error(&error, Some(&vm.new_str(path))));
        }
    };
    run_source(vm, &source, path, main).or_else(|error| show_unless_exit(vm, error))
}

#[cfg(test)]
mod tests {
    use super::dedent;

    #[test]
    fn commands_may_be_indented() {
        assert_eq!(dedent("  if a:\n    b\n"), "if a:\n  b\n");
        assert_eq!(dedent("\n\ta\n \n\tb"), "\na\n\nb");
        assert_eq!(dedent(" a\n\tb"), " a\n\tb");
        assert_eq!(dedent("a\n  "), "a\n  ");
    }
}

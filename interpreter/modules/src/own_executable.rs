//! When a packaged application starts `sys.executable`: is that the application again, or the interpreter?
//!
//! Programs start `sys.executable` for both. What follows it tells: options that only the interpreter has and that say what
//! it is to run (`-c`, `-m`, the path of a Python file), or what `multiprocessing` hands to its processes, mean the
//! interpreter; anything else is the application's. The new process gets to know by the name it is started under, so that
//! nothing in its environment has to tell it.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use rspy_runtime::vm::Vm;

/// What is put behind the executable's path to name the interpreter inside.
pub const INTERPRETER: &str = "/bin/python3.14";

/// Options of the interpreter without argument.
const FLAGS: &[u8] = b"bBdEiIOPqRsStuvx";
/// Options of the interpreter with an argument that does not say what to run.
const WITH_ARGUMENT: &[u8] = b"WX";

/// The arguments for a program, given what it is to be started with: different ones where it is this executable and carries
/// an application.
pub(crate) fn arguments(vm: &Vm, program: &[u8], mut arguments: Vec<CString>) -> Vec<CString> {
    let configuration = &vm.interpreter.configuration;
    let is_own = configuration.application.is_some()
        && (program == configuration.program.as_bytes() || program == configuration.executable.as_bytes());
    if !is_own {
        return arguments;
    }
    let started_by = configuration.original_arguments.first().map(|word| word.as_os_str().as_bytes());
    if arguments.len() > 1 && started_by == Some(arguments[1].as_bytes()) {
        // `[sys.executable, *sys.argv]` starts a script anew, and the application is its own script.
        arguments.remove(1);
    } else if names_code(&arguments[1..])
        && let Ok(name) = CString::new([program, INTERPRETER.as_bytes()].concat())
    {
        arguments[0] = name;
    }
    arguments
}

/// Whether arguments are the interpreter's and say which code it is to run.
fn names_code(arguments: &[CString]) -> bool {
    let mut words = arguments.iter().map(|word| word.as_bytes());
    while let Some(word) = words.next() {
        if word == b"--multiprocessing-fork" {
            return true;
        }
        let Some(letters) = word.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else {
            return is_python_file(word);
        };
        for (place, letter) in letters.iter().enumerate() {
            match letter {
                b'c' | b'm' => return true,
                _ if FLAGS.contains(letter) => {}
                _ if WITH_ARGUMENT.contains(letter) => {
                    if place + 1 == letters.len() {
                        words.next();
                    }
                    break;
                }
                _ => return false,
            }
        }
    }
    false
}

fn is_python_file(word: &[u8]) -> bool {
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(word));
    let is_python =
        path.extension().is_some_and(|end| ["py", "pyc", "pyz"].iter().any(|&known| end == known));
    is_python && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(words: &[&str]) -> bool {
        let words: Vec<CString> = words.iter().map(|&word| CString::new(word).unwrap()).collect();
        names_code(&words)
    }

    #[test]
    fn code_is_told_from_arguments_of_the_application() {
        for words in [
            &["-c", "pass"][..],
            &["-I", "-m", "pip"],
            &["-Wd", "-X", "dev", "-Bc", ""],
            &["--multiprocessing-fork"],
        ] {
            assert!(named(words), "{words:?}");
        }
        for words in
            [&[][..], &["-v"], &["--worker"], &["serve", "-c"], &["-"], &["missing.py"], &["-Xdev", "run"]]
        {
            assert!(!named(words), "{words:?}");
        }
    }
}

//! The `rspy` executable: command line, configuration, REPL start.

mod ahead;
mod application;
mod library;
mod options;
mod report;
mod run;

use std::ffi::OsString;
use std::io::Write;

use library::Frozen;
use options::{Arguments, Command, Options};
use rspy_runtime::host;
use rspy_runtime::native_stack::NativeStack;

/// The native stack that the main thread gets: nested calls of native code reach about as deep on it as they do in
/// CPython on the usual 8 MB.
const STACK_SIZE: usize = 16 << 20;

fn main() {
    host::close_reopened();
    report::install();
    let (frozen, application) = library::open();
    // Arguments that are no UTF-8 keep their bytes as lone surrogates once they are Python's; here they only have to
    // be recognised.
    let mut words: Vec<OsString> = std::env::args_os().collect();
    let arguments: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let parsed = match application {
        None => options::parse(&Arguments { words: &words, texts: &arguments }, |_| ()),
        Some(application) => application::parse(application, frozen.optimize(), &mut words),
    };
    let options = match parsed {
        Ok(options) => options,
        Err(error) => {
            let program = arguments.first().map_or("rspy", String::as_str);
            eprintln!(
                "{}\nusage: {program} [option] ... [-c cmd | -m mod | file | -] [arg] ...",
                error.message
            );
            eprintln!("Try `python -h' for more information.");
            std::process::exit(2);
        }
    };
    if let Command::Print(text) = &options.command {
        // A closed standard output is not worth a report.
        drop(std::io::stdout().write_all(text.as_bytes()));
        return;
    }
    std::process::exit(on_large_stack(options, frozen));
}

/// Runs the interpreter on a stack of its own: the one that the system gives is of a size unknown.
fn on_large_stack(options: Options, frozen: &'static Frozen) -> i32 {
    stacker::grow(STACK_SIZE, move || run::run(options, frozen, NativeStack::of_size(STACK_SIZE)))
}

//! The command line: what each task takes, and how it is told what came of it.

mod build;
mod container;
mod freeze;
mod inspect;
mod parity;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

/// Package Python applications in one file each, and look into such files.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make one executable of a script, a package or a project, with all that it needs
    Build(Box<build::BuildArguments>),
    /// Say what is in an application, how large it is and why it is there
    Inspect(inspect::InspectArguments),
    /// Check every byte of an application, or of a container
    Verify(container::VerifyArguments),
    /// Write the files of an application, or of a container, to a folder
    Extract(container::ExtractArguments),
    /// List what a container, or an executable that carries one, holds
    List(container::ListArguments),
    /// Compile files to .pyc files, in __pycache__ beside each unless -o says where
    Compile(freeze::CompileArguments),
    /// Freeze a folder into a container
    Freeze(freeze::FreezeArguments),
    /// Compare what the library compiles to with what CPython was recorded to make of it
    Parity(parity::ParityArguments),
    /// Compare what altered files give with what CPython was recorded to say of them
    Mutations(parity::ParityArguments),
}

/// What goes wrong, as the user is told it.
type Failure = Box<dyn std::error::Error>;

/// Does what the command line asks for.
pub fn run() -> ExitCode {
    let result = match Command::parse().task {
        Task::Build(arguments) => build::build(*arguments),
        Task::Inspect(arguments) => inspect::inspect(&arguments),
        Task::Verify(arguments) => container::verify(&arguments),
        Task::Extract(arguments) => container::extract(&arguments),
        Task::List(arguments) => container::list(&arguments),
        Task::Compile(arguments) => freeze::compile_files(&arguments),
        Task::Freeze(arguments) => freeze::freeze_folder(&arguments),
        Task::Parity(arguments) => parity::compare(&arguments),
        Task::Mutations(arguments) => parity::compare_mutations(&arguments),
    };
    match result {
        Ok(code) => code,
        // Whoever reads the list had enough of it.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("freezer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").unwrap_or(ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message("compiling")
}

/// The modification time that files show: that of the variable which builds agree on, if it is set.
fn modified() -> Result<u64, Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => Ok(seconds.parse().map_err(|_| "SOURCE_DATE_EPOCH is not a number of seconds")?),
        Err(_) => Ok(rspy_archive::Metadata::EARLIEST),
    }
}

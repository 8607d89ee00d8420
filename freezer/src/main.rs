//! The `freezer` command.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use clap::{Args, Parser, Subcommand};
use freezer::parity::{self, Outcome};
use freezer::{
    CompileFailure, Options, Progress, Purpose, cache_path, compile_source, freeze, mutation,
    write_atomically,
};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use rspy_archive::{Archive, ArchiveError, Compression, Entry, Metadata};
use rspy_code::pyc::{self, Validation};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compile Python files, freeze folders of them into containers, and look into containers.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compile files to .pyc files, in __pycache__ beside each unless -o says where
    Compile(CompileArguments),
    /// Freeze a folder into a container, or into an executable that carries it
    Freeze(FreezeArguments),
    /// List what a container, or an executable that carries one, holds
    List(ListArguments),
    /// Check every byte of a container
    Verify {
        /// The container, or the executable that carries it
        file: PathBuf,
    },
    /// Compare what the library compiles to with what CPython was recorded to make of it
    Parity(ParityArguments),
    /// Compare what altered files give with what CPython was recorded to say of them
    Mutations(ParityArguments),
}

#[derive(Args)]
struct CompileArguments {
    /// The source files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The .pyc file to write, for a single source
    #[arg(short)]
    output: Option<PathBuf>,
    /// The optimisation level: 0, 1 (no assertions) or 2 (no docstrings either)
    #[arg(short = 'O', long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    optimize: u8,
}

#[derive(Args)]
struct FreezeArguments {
    /// The folder whose contents are frozen
    folder: PathBuf,
    /// The file to write
    #[arg(short)]
    output: PathBuf,
    /// Where the folder's contents go in the container
    #[arg(long, default_value = "")]
    root: String,
    /// A path in the folder to leave out; may be repeated
    #[arg(long)]
    exclude: Vec<String>,
    /// The module that the application runs
    #[arg(long)]
    main: Option<String>,
    /// An executable to put the container behind, so that the output can be run
    #[arg(long)]
    onto: Option<PathBuf>,
    /// A file that names, a line each, the modules that every start-up imports
    #[arg(long)]
    startup: Option<PathBuf>,
    /// Leave the sources out: tracebacks will show no lines
    #[arg(long)]
    no_sources: bool,
    /// The optimisation level: 0, 1 (no assertions) or 2 (no docstrings either)
    #[arg(short = 'O', long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    optimize: u8,
    /// Keep a module that does not compile as a mere file, and go on
    #[arg(long)]
    keep_going: bool,
    /// Compress fast instead of small
    #[arg(long)]
    fast: bool,
}

#[derive(Args)]
struct ListArguments {
    /// The container, or the executable that carries it
    file: PathBuf,
    /// List modules, with the size of their code, instead of files
    #[arg(long)]
    modules: bool,
}

#[derive(Args)]
struct ParityArguments {
    /// The record
    record: PathBuf,
    /// The library's folder
    library: PathBuf,
    /// Fail when fewer than so many percent are identical
    #[arg(long, default_value_t = 0.0)]
    at_least: f64,
    /// Name each file that is not identical
    #[arg(long)]
    list: bool,
}

/// What goes wrong, as the user is told it.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let result = match Command::parse().task {
        Task::Compile(arguments) => compile_files(&arguments),
        Task::Freeze(arguments) => freeze_folder(&arguments),
        Task::List(arguments) => list(&arguments),
        Task::Verify { file } => verify(&file),
        Task::Parity(arguments) => compare(&arguments),
        Task::Mutations(arguments) => compare_mutations(&arguments),
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

fn compile_files(arguments: &CompileArguments) -> Result<ExitCode, Failure> {
    if arguments.output.is_some() && arguments.files.len() > 1 {
        return Err("-o names the output of a single file".into());
    }
    let compile = |path: &PathBuf| compile_one(path, arguments).map_err(|error| error.to_string());
    let results: Vec<Result<(), String>> = arguments.files.par_iter().map(compile).collect();
    let mut code = ExitCode::SUCCESS;
    for (path, result) in arguments.files.iter().zip(results) {
        if let Err(error) = result {
            eprintln!("freezer: {}: {error}", path.display());
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn compile_one(path: &Path, arguments: &CompileArguments) -> Result<(), Failure> {
    let source = fs::read(path)?;
    let code = compile_source(&source, &path.to_string_lossy(), arguments.optimize)?;
    let modified = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let validation = Validation::Timestamp { modified: modified.as_secs() as u32, size: source.len() as u32 };
    let pyc = [&pyc::write_header(validation)[..], &code].concat();
    let output = arguments.output.clone().unwrap_or_else(|| cache_path(path, arguments.optimize));
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(write_atomically(&output, &pyc, Purpose::Cache)?)
}

fn freeze_folder(arguments: &FreezeArguments) -> Result<ExitCode, Failure> {
    let startup = match &arguments.startup {
        None => Vec::new(),
        Some(path) => fs::read_to_string(path).map_err(at(path))?.lines().map(str::to_owned).collect(),
    };
    let modified = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds.parse().map_err(|_| "SOURCE_DATE_EPOCH is not a number of seconds")?,
        Err(_) => Metadata::EARLIEST,
    };
    let options = Options {
        root: arguments.root.clone(),
        exclude: arguments.exclude.clone(),
        startup,
        sources: !arguments.no_sources,
        optimize: arguments.optimize,
        python: "3.14.10".into(),
        main: arguments.main.clone(),
        modified,
        added: Vec::new(),
        keep_going: arguments.keep_going,
        compression: if arguments.fast { Compression::FAST } else { Compression::BEST },
    };
    let mut output = match &arguments.onto {
        None => Vec::new(),
        Some(path) => fs::read(path).map_err(at(path))?,
    };
    // An executable that carries a container already gets this one in its place.
    if let Some(range) = Archive::locate(&output, output.len() as u64) {
        output.truncate(range.start as usize);
    }
    let bar = progress_bar();
    let frozen = freeze(&arguments.folder, &options, compile_source, |progress| match progress {
        Progress::Found(files) => bar.set_length(files as u64),
        Progress::Done => bar.inc(1),
        Progress::Packing => bar.set_message("packing"),
    });
    bar.finish_and_clear();
    let frozen = frozen?;
    for (path, error) in &frozen.skipped {
        eprintln!("freezer: {}: {error}", path.display());
    }
    let purpose = if arguments.onto.is_some() { Purpose::Program } else { Purpose::Data };
    output.resize(output.len().next_multiple_of(rspy_archive::layout::ALIGNMENT), 0);
    output.extend(frozen.container);
    write_atomically(&arguments.output, &output, purpose).map_err(at(&arguments.output))?;
    Ok(if frozen.skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

/// Reads a file and opens the container that it is or carries.
fn with_archive<T>(
    path: &Path,
    use_it: impl FnOnce(&Archive<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let bytes = fs::read(path).map_err(at(path))?;
    let start = Archive::locate(&bytes, bytes.len() as u64)
        .map(|range| range.start as usize)
        .or_else(|| Archive::find(&bytes))
        .unwrap_or(0);
    let archive = Archive::open(&bytes[start..]).map_err(|error| format!("{}: {error}", path.display()))?;
    use_it(&archive)
}

fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    with_archive(&arguments.file, |archive| {
        let mut output = io::BufWriter::new(io::stdout().lock());
        if arguments.modules {
            for module in archive.all_modules() {
                writeln!(output, "{:>9} {}", module.code_length(), module.name)?;
            }
        } else if let Some(root) = archive.entry("") {
            list_folder(archive, &root, "", &mut output)?;
        }
        output.flush()?;
        Ok(ExitCode::SUCCESS)
    })
}

fn list_folder(
    archive: &Archive<'_>,
    folder: &Entry<'_>,
    prefix: &str,
    output: &mut impl Write,
) -> io::Result<()> {
    let children: Vec<Entry<'_>> = folder_children(archive, folder);
    for child in &children {
        let path = format!("{prefix}{}", child.name);
        if child.is_folder {
            list_folder(archive, child, &format!("{path}/"), output)?;
        } else {
            writeln!(output, "{:>9} {path}", child.size)?;
        }
    }
    Ok(())
}

/// A folder's children, unless the container is damaged: a child has a greater number than its folder.
fn folder_children<'a>(archive: &Archive<'a>, folder: &Entry<'_>) -> Vec<Entry<'a>> {
    let number = folder.number;
    archive
        .entry_at(number)
        .map(|folder| archive.children(&folder).filter(|child| child.number > number).collect())
        .unwrap_or_default()
}

fn verify(path: &Path) -> Result<ExitCode, Failure> {
    with_archive(path, |archive| {
        let describe = |error: ArchiveError| format!("{}: {error}", path.display());
        let summary = archive.verify().map_err(describe)?;
        let metadata = archive.metadata().map_err(describe)?;
        println!(
            "{}: sound, {} bytes: {} modules ({} bytes of code), {} files ({} bytes) in {} folders, {} blocks, Python {}",
            path.display(),
            archive.length(),
            summary.modules,
            summary.code,
            summary.files,
            summary.contents,
            summary.folders,
            summary.blocks,
            metadata.python,
        );
        Ok(ExitCode::SUCCESS)
    })
}

fn compare(arguments: &ParityArguments) -> Result<ExitCode, Failure> {
    let text = fs::read_to_string(&arguments.record).map_err(at(&arguments.record))?;
    let record =
        parity::parse_record(&text).ok_or("the record is not of the form that tests/parity/record writes")?;
    let outcomes = parity::compare(&record, &arguments.library);
    let (mut identical, mut different, mut failed, mut other) = (0, 0, 0, 0);
    let mut output = io::stdout().lock();
    for (file, outcome) in record.iter().zip(&outcomes) {
        let what = match outcome {
            Outcome::Identical => {
                identical += 1;
                continue;
            }
            Outcome::Different(variants) => {
                different += 1;
                let variants: Vec<String> = variants.iter().map(ToString::to_string).collect();
                format!("differs at {}", variants.join(", "))
            }
            Outcome::Refused(refusal) => {
                different += 1;
                format!("would be refused from outside: {} at unit {}", refusal.reason, refusal.unit)
            }
            Outcome::NotRefused => {
                failed += 1;
                "compiles, and should not".to_owned()
            }
            Outcome::Failed(failure) => {
                failed += 1;
                describe_failure(failure)
            }
            Outcome::OtherSource => {
                other += 1;
                "is not the source that was recorded".to_owned()
            }
            Outcome::Unreadable(error) => {
                other += 1;
                error.to_string()
            }
        };
        if arguments.list {
            writeln!(output, "{}: {what}", file.path)?;
        }
    }
    let compared = identical + different + failed;
    let percent = if compared == 0 { 0.0 } else { 100.0 * f64::from(identical) / f64::from(compared) };
    writeln!(
        output,
        "{identical} of {compared} files compile to CPython's bytes or error ({percent:.1} %); {different} differ, \
         {failed} do not compile, {other} could not be compared"
    )?;
    Ok(if percent < arguments.at_least { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn compare_mutations(arguments: &ParityArguments) -> Result<ExitCode, Failure> {
    let record = mutation::read_record(&arguments.record).map_err(at(&arguments.record))?;
    let outcomes = mutation::compare(&record, &arguments.library);
    let (mut equal, mut different) = (0, 0);
    let mut output = io::stdout().lock();
    for (mutation, outcome) in record.iter().zip(&outcomes) {
        match outcome {
            mutation::Outcome::Equal => equal += 1,
            mutation::Outcome::Incomparable => {}
            mutation::Outcome::Different(found) => {
                different += 1;
                if arguments.list {
                    let mutation::Mutation { path, start, end, replacement, expected } = mutation;
                    writeln!(output, "{path}[{start}:{end}] = {replacement:?}")?;
                    writeln!(output, "    {expected}\n    {found}")?;
                }
            }
        }
    }
    let compared = equal + different;
    let percent = if compared == 0 { 0.0 } else { 100.0 * f64::from(equal) / f64::from(compared) };
    writeln!(output, "{equal} of {compared} altered files give what CPython gives ({percent:.2} %)")?;
    Ok(if percent < arguments.at_least { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn describe_failure(failure: &CompileFailure) -> String {
    match failure.report() {
        Some(report) => format!("does not compile: {}", report.replace('\t', ", ")),
        None => format!("does not compile: {failure}"),
    }
}

//! `freezer compile` and `freezer freeze`: files and folders, without an application around them.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use clap::Args;
use freezer::{Options, Progress, Purpose, cache_path, compile_source, freeze, write_atomically};
use rayon::prelude::*;
use rspy_archive::Compression;
use rspy_code::pyc::{self, Validation};

use super::{Failure, at, modified, progress_bar};

#[derive(Args)]
pub struct CompileArguments {
    /// The source files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The .pyc file to write, for a single source
    #[arg(short)]
    pub output: Option<PathBuf>,
    /// The optimisation level: 0, 1 (no assertions) or 2 (no docstrings either)
    #[arg(short = 'O', long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub optimize: u8,
}

#[derive(Args)]
pub struct FreezeArguments {
    /// The folder whose contents are frozen
    pub folder: PathBuf,
    /// The file to write
    #[arg(short)]
    pub output: PathBuf,
    /// Where the folder's contents go in the container
    #[arg(long, default_value = "")]
    pub root: String,
    /// A path in the folder to leave out; may be repeated
    #[arg(long)]
    pub exclude: Vec<String>,
    /// A file that names, a line each, the modules that every start-up imports
    #[arg(long)]
    pub startup: Option<PathBuf>,
    /// Leave the sources out: tracebacks will show no lines
    #[arg(long)]
    pub no_sources: bool,
    /// The optimisation level: 0, 1 (no assertions) or 2 (no docstrings either)
    #[arg(short = 'O', long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub optimize: u8,
    /// Keep a module that does not compile as a mere file, and go on
    #[arg(long)]
    pub keep_going: bool,
    /// Compress fast instead of small
    #[arg(long)]
    pub fast: bool,
}

/// `freezer compile`
pub fn compile_files(arguments: &CompileArguments) -> Result<ExitCode, Failure> {
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

fn compile_one(path: &std::path::Path, arguments: &CompileArguments) -> Result<(), Failure> {
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

/// `freezer freeze`
pub fn freeze_folder(arguments: &FreezeArguments) -> Result<ExitCode, Failure> {
    let startup = match &arguments.startup {
        None => Vec::new(),
        Some(path) => fs::read_to_string(path).map_err(at(path))?.lines().map(str::to_owned).collect(),
    };
    let options = Options {
        root: arguments.root.clone(),
        exclude: arguments.exclude.clone(),
        startup,
        sources: !arguments.no_sources,
        optimize: arguments.optimize,
        python: "3.14.10".into(),
        modified: modified()?,
        added: Vec::new(),
        keep_going: arguments.keep_going,
        compression: if arguments.fast { Compression::FAST } else { Compression::BEST },
    };
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
    write_atomically(&arguments.output, &frozen.container, Purpose::Data).map_err(at(&arguments.output))?;
    Ok(if frozen.skipped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

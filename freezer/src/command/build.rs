//! `freezer build`: the options, from the command line and from `[tool.rspy]`, and what is said when it is done.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use freezer::application::{self, Built, Event, NativeModules, Project, Request};
use freezer::executable::Base;
use freezer::image::Image;
use freezer::store::Store;
use freezer::{Purpose, write_atomically};
use toml::{Table, Value};

use super::{Failure, at, modified, progress_bar};

#[derive(Args, Default)]
pub struct BuildArguments {
    /// A script, a package, a folder with __main__.py, or a project with pyproject.toml
    pub source: Option<PathBuf>,
    /// Run a module of what is included, as `python -m` does
    #[arg(short, value_name = "MODULE")]
    pub module: Option<String>,
    /// The executable to write; by default the application's name
    #[arg(short)]
    pub output: Option<PathBuf>,
    /// The function to run, or the name of a script that an included distribution installs
    #[arg(long, value_name = "MODULE:FUNCTION")]
    pub entry: Option<String>,
    /// Include a wheel; may be repeated
    #[arg(long, value_name = "FILE")]
    pub wheel: Vec<PathBuf>,
    /// Include what is installed in a folder: an environment, or what `pip install --target` filled; may be repeated
    #[arg(long, value_name = "FOLDER")]
    pub site: Vec<PathBuf>,
    /// Include what a requirements file asks for, installed by uv or pip; may be repeated
    #[arg(long, value_name = "FILE")]
    pub requirements: Vec<PathBuf>,
    /// Include files, named by a pattern seen from the source's folder; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub include_data: Vec<String>,
    /// Leave out a module, or a package with all that is in it; may be repeated
    #[arg(long, value_name = "MODULE")]
    pub exclude: Vec<String>,
    /// Keep only modules, of the library too, that the application's imports reach
    #[arg(long)]
    pub tree_shake: bool,
    /// Keep a module that only run-time code names, or PACKAGE.* for all of a package; may be repeated
    #[arg(long, value_name = "MODULE")]
    pub keep: Vec<String>,
    /// Optimise: -O leaves assertions out, -OO documentation too
    #[arg(short = 'O', action = clap::ArgAction::Count)]
    pub optimize: u8,
    /// Leave the sources out: tracebacks will show no lines
    #[arg(long)]
    pub no_source: bool,
    /// Let variables of the environment (PYTHONPATH and its like) count
    #[arg(long)]
    pub no_isolate: bool,
    /// Leave out compiled extension modules, for packages that work without theirs
    #[arg(long)]
    pub allow_missing_native: bool,
    /// The rspy to build upon, of this platform or another; by default the one beside the freezer
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Write a container image (an OCI archive) with the application and nothing else, as well
    #[arg(long, value_name = "FILE")]
    pub container: Option<PathBuf>,
    /// Put certificates of authorities into the image, from a file such as /etc/ssl/certs/ca-certificates.crt
    #[arg(long, value_name = "FILE", requires = "container")]
    pub certificates: Option<PathBuf>,
    /// Where compiled code is kept from build to build
    #[arg(long, value_name = "FOLDER", env = "RSPY_CACHE")]
    pub cache: Option<PathBuf>,
    /// Keep nothing from build to build
    #[arg(long)]
    pub no_cache: bool,
    /// Say only what goes wrong
    #[arg(short, long)]
    pub quiet: bool,
}

/// `freezer build`
pub fn build(mut arguments: BuildArguments) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let project = match &arguments.source {
        Some(folder) if folder.is_dir() => Project::read(folder)?,
        _ => None,
    };
    if let (Some(table), Some(folder)) =
        (project.as_ref().and_then(Project::options), arguments.source.clone())
    {
        arguments.add_options(table, &folder)?;
    }
    let installed = Installed::new(&arguments.requirements)?;
    arguments.site.extend(installed.folder.clone());
    let base_path = arguments.base.clone().map_or_else(base_beside, Ok)?;
    let base = Base::new(fs::read(&base_path).map_err(at(&base_path))?)
        .map_err(|error| format!("{}: {error}", base_path.display()))?;
    let folder = arguments.cache.clone().or_else(Store::usual_folder).filter(|_| !arguments.no_cache);
    let store = Store::new(folder);
    let request = Request { native: native_modules(&base_path), ..arguments.request()? };
    let bar = progress_bar();
    let built = application::build(&request, &base, &store, &|event| match event {
        Event::Compiling(modules) => bar.set_length(modules as u64),
        Event::Compiled => bar.inc(1),
        Event::Packing => bar.set_message("packing"),
    });
    bar.finish_and_clear();
    let built = built?;
    let output = arguments.output.clone().unwrap_or_else(|| PathBuf::from(&built.name));
    if output.is_dir() {
        return Err(format!(
            "{}: a folder of this name is there; name the executable with -o",
            output.display()
        )
        .into());
    }
    if let Some(folder) = output.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    write_atomically(&output, &built.executable, Purpose::Program).map_err(at(&output))?;
    if let Some(path) = &arguments.container {
        write_image(path, &output, &built.executable, arguments.certificates.as_deref())?;
    }
    for warning in &built.warnings {
        eprintln!("freezer: warning: {warning}");
    }
    if !arguments.quiet {
        summarise(&output, &built, started)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks an interpreter for its modules; one of another platform does not answer, and nothing but warnings is lost.
fn native_modules(base: &Path) -> Option<NativeModules> {
    // Files stand for some of them.
    const QUESTION: &str = "import os, sys; files = os.listdir(sys._stdlib_dir + '/lib-dynload'); \
        print(*sys.builtin_module_names, *(file.partition('.')[0] for file in files)); \
        print(*sorted(sys.stdlib_module_names))";
    let path = base.canonicalize().ok()?;
    let output = std::process::Command::new(path).args(["-I", "-S", "-c", QUESTION]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let (built_in, library) = text.split_once('\n')?;
    let names = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    Some(NativeModules { built_in: names(built_in), library: names(library) })
}

fn write_image(
    path: &Path,
    output: &Path,
    executable: &[u8],
    certificates: Option<&Path>,
) -> Result<(), Failure> {
    let name = output.file_name().map_or_else(|| "application".into(), |name| name.to_string_lossy());
    let certificates = certificates.map(|path| fs::read(path).map_err(at(path))).transpose()?;
    let image =
        Image { name: &name, executable, certificates: certificates.as_deref(), modified: modified()? };
    write_atomically(path, &image.archive()?, Purpose::Data).map_err(at(path))?;
    Ok(())
}

/// The interpreter that lies beside the freezer.
fn base_beside() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name("rspy");
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{}: not there; --base names the rspy to build upon", path.display()).into())
}

/// A folder with what requirement files ask for, which goes when it is no longer needed.
struct Installed {
    folder: Option<PathBuf>,
}

impl Installed {
    fn new(requirements: &[PathBuf]) -> Result<Self, Failure> {
        if requirements.is_empty() {
            return Ok(Installed { folder: None });
        }
        let folder = std::env::temp_dir().join(format!("freezer-requirements-{}", std::process::id()));
        let installed = Installed { folder: Some(folder.clone()) };
        application::install(requirements, &folder)?;
        Ok(installed)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // What is left in the folder for temporary files goes with the others there.
            drop(fs::remove_dir_all(folder));
        }
    }
}

impl BuildArguments {
    fn request(&self) -> Result<Request, Failure> {
        Ok(Request {
            source: self.source.clone(),
            module: self.module.clone(),
            entry: self.entry.clone(),
            wheels: self.wheel.clone(),
            sites: self.site.clone(),
            data: self.include_data.clone(),
            exclude: self.exclude.clone(),
            keep: self.keep.clone(),
            tree_shake: self.tree_shake,
            optimize: self.optimize.min(2),
            no_source: self.no_source,
            isolated: !self.no_isolate,
            allow_missing_native: self.allow_missing_native,
            modified: modified()?,
            native: None,
        })
    }

    /// Takes over what `[tool.rspy]` says; paths there are seen from the project's folder, and the command line comes first.
    fn add_options(&mut self, table: &Table, folder: &Path) -> Result<(), Failure> {
        for (name, value) in table {
            let wrong = |kind: &str| format!("pyproject.toml: [tool.rspy] {name} must be {kind}");
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong("a text"));
            let path = || text().map(|text| folder.join(text));
            let truth = || value.as_bool().ok_or_else(|| wrong("true or false"));
            let texts = || -> Result<Vec<String>, String> {
                let items = value.as_array().ok_or_else(|| wrong("a list of texts"))?;
                let texts = items.iter().map(|item| Value::as_str(item).map(str::to_owned));
                texts.collect::<Option<_>>().ok_or_else(|| wrong("a list of texts"))
            };
            let paths =
                || texts().map(|texts| texts.iter().map(|text| folder.join(text)).collect::<Vec<_>>());
            match name.as_str() {
                "module" if self.entry.is_none() => drop(self.module.get_or_insert(text()?)),
                "entry" if self.module.is_none() => drop(self.entry.get_or_insert(text()?)),
                "module" | "entry" => {}
                "output" => drop(self.output.get_or_insert(path()?)),
                "container" => drop(self.container.get_or_insert(path()?)),
                "certificates" => drop(self.certificates.get_or_insert(path()?)),
                "base" => drop(self.base.get_or_insert(path()?)),
                "wheel" => self.wheel.extend(paths()?),
                "site" => self.site.extend(paths()?),
                "requirements" => self.requirements.extend(paths()?),
                "include-data" => self.include_data.extend(texts()?),
                "exclude" => self.exclude.extend(texts()?),
                "keep" => self.keep.extend(texts()?),
                "tree-shake" => self.tree_shake |= truth()?,
                "no-source" => self.no_source |= truth()?,
                "isolate" => self.no_isolate |= !truth()?,
                "allow-missing-native" => self.allow_missing_native |= truth()?,
                "optimize" => {
                    let level = value.as_integer().and_then(|level| u8::try_from(level).ok());
                    let level = level.filter(|level| *level <= 2).ok_or_else(|| wrong("0, 1 or 2"))?;
                    self.optimize = self.optimize.max(level);
                }
                _ => return Err(format!("pyproject.toml: [tool.rspy] has no option {name:?}").into()),
            }
        }
        Ok(())
    }
}

/// Says what went into the application.
fn summarise(output: &Path, built: &Built, started: Instant) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let total = built.executable.len() as u64;
    let own: u64 = built.parts.iter().map(|part| part.stored).sum();
    let width = built.parts.iter().map(|part| part.name.chars().count()).max().unwrap_or(0).max(20);
    for part in &built.parts {
        let modules = format!("{} modules, {} other files", part.modules, part.files - part.modules);
        writeln!(out, "  {:width$}  {:>9}  {modules}", part.name, size(part.stored))?;
    }
    writeln!(out, "  {:width$}  {:>9}", "rspy and its library", size(total - own))?;
    if !built.dropped.is_empty() || !built.dropped_library.is_empty() {
        writeln!(out, "left out, since nothing imports them:")?;
        for (what, names) in [("library", &built.dropped_library), ("packages", &built.dropped)] {
            if !names.is_empty() {
                writeln!(out, "  {what}: {} modules: {}", names.len(), tops(names).join(" "))?;
            }
        }
    }
    let bold = if out.is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    writeln!(
        out,
        "{}{}{}: {} in {:.2} s",
        bold.0,
        output.display(),
        bold.1,
        size(total),
        started.elapsed().as_secs_f64()
    )
}

/// The names of modules, with those of a package that is left out as a whole under the package's name alone.
fn tops(names: &[String]) -> Vec<&str> {
    let is_covered =
        |name: &str| name.match_indices('.').any(|(dot, _)| names.iter().any(|other| *other == name[..dot]));
    names.iter().map(String::as_str).filter(|name| !is_covered(name)).collect()
}

/// A number of bytes for people to read.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

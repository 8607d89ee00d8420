//! `freezer list`, `verify` and `extract`: containers, and the executables that carry them.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rspy_archive::{Archive, ArchiveError, Directory, Entry};

use super::{Failure, at};

#[derive(Args)]
pub struct ListArguments {
    /// The container, or the executable that carries it
    pub file: PathBuf,
    /// List modules, with the size of their code, instead of files
    #[arg(long)]
    pub modules: bool,
}

#[derive(Args)]
pub struct VerifyArguments {
    /// The application, an rspy, or a container
    pub file: PathBuf,
}

#[derive(Args)]
pub struct ExtractArguments {
    /// The application, an rspy, or a container
    pub file: PathBuf,
    /// The folder to write to
    #[arg(short)]
    pub output: PathBuf,
    /// Write the standard library as well
    #[arg(long)]
    pub library: bool,
}

/// A file that is a container or carries some.
pub struct Carrier {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Each container's name and place.
    places: Vec<(&'static str, Range<usize>)>,
}

impl Carrier {
    /// Reads a file and finds the containers in it: the application first, if there is one, then the library.
    pub fn read(path: &Path) -> Result<Carrier, Failure> {
        let bytes = fs::read(path).map_err(at(path))?;
        let places = match Directory::find(&bytes) {
            None => vec![("container", 0..bytes.len())],
            Some((start, directory)) => {
                let place = |range: Range<u64>| {
                    start.saturating_add(range.start as usize)
                        ..start.saturating_add(range.end as usize).min(bytes.len())
                };
                let application = directory.application.map(|range| ("application", place(range)));
                application.into_iter().chain([("library", place(directory.library))]).collect()
            }
        };
        Ok(Carrier { path: path.to_owned(), bytes, places })
    }

    /// The containers, opened, each with its name.
    pub fn archives(&self) -> Result<Vec<(&'static str, Archive<'_>)>, Failure> {
        let open = |(name, range): &(&'static str, Range<usize>)| {
            let archive = Archive::open(self.bytes.get(range.clone()).unwrap_or_default());
            Ok((*name, archive.map_err(|error| self.describe(name, &error))?))
        };
        self.places.iter().map(open).collect()
    }

    /// The length of the whole file.
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn describe(&self, name: &str, error: &ArchiveError) -> String {
        format!("{}: {name}: {error}", self.path.display())
    }
}

/// `freezer list`
pub fn list(arguments: &ListArguments) -> Result<ExitCode, Failure> {
    let carrier = Carrier::read(&arguments.file)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    for (_, archive) in carrier.archives()? {
        if arguments.modules {
            for module in archive.all_modules() {
                writeln!(output, "{:>9} {}", module.code_length(), module.name)?;
            }
        } else if let Some(root) = archive.entry("") {
            list_folder(&archive, &root, "", &mut output)?;
        }
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
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

/// `freezer verify`
pub fn verify(arguments: &VerifyArguments) -> Result<ExitCode, Failure> {
    let carrier = Carrier::read(&arguments.file)?;
    for (name, archive) in carrier.archives()? {
        let summary = archive.verify().map_err(|error| carrier.describe(name, &error))?;
        let metadata = archive.metadata().map_err(|error| carrier.describe(name, &error))?;
        println!(
            "{}: {name}: sound, {} bytes: {} modules ({} bytes of code), {} files ({} bytes) in {} folders, {} blocks, \
             Python {}",
            arguments.file.display(),
            archive.length(),
            summary.modules,
            summary.code,
            summary.files,
            summary.contents,
            summary.folders,
            summary.blocks,
            metadata.python,
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// `freezer extract`
pub fn extract(arguments: &ExtractArguments) -> Result<ExitCode, Failure> {
    let carrier = Carrier::read(&arguments.file)?;
    let (mut files, mut bytes) = (0, 0);
    for (name, archive) in carrier.archives()? {
        if name == "library" && !arguments.library && carrier.places.len() > 1 {
            continue;
        }
        for number in 0..archive.entry_count() {
            let Some(entry) = archive.entry_at(number).filter(|entry| !entry.is_folder) else { continue };
            let contents = archive.read(&entry).map_err(|error| carrier.describe(name, &error))?;
            let path = archive.path(&entry);
            // A container that was made elsewhere must not write elsewhere.
            if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
                return Err(
                    format!("{}: a path in it leads elsewhere: {path:?}", arguments.file.display()).into()
                );
            }
            let place = arguments.output.join(path);
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder).map_err(at(folder))?;
            }
            fs::write(&place, &contents).map_err(at(&place))?;
            files += 1;
            bytes += contents.len();
        }
    }
    println!("{}: {files} files, {bytes} bytes", arguments.output.display());
    Ok(ExitCode::SUCCESS)
}

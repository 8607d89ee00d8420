//! Compiles Python files and writes their marshalled code.
//!
//! Usage: `compile_file [-O | -OO] [--root FOLDER --output FOLDER] FILE…`. With a root, code gets the file name that the
//! library has when it is frozen (`<frozen package.module>`) and is written below the output folder; without one, only
//! sizes and errors are shown.

use std::path::{Path, PathBuf};

use rspy_code::{Text, marshal};
use rspy_compiler::{CompileOptions, compile};
use rspy_syntax::{Mode, ParseOptions, Source};

fn main() {
    let mut options = CompileOptions::default();
    let mut root: Option<PathBuf> = None;
    let mut output: Option<PathBuf> = None;
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-O" => options.optimize = 1,
            "-OO" => options.optimize = 2,
            "--root" => root = arguments.next().map(PathBuf::from),
            "--output" => output = arguments.next().map(PathBuf::from),
            _ => files.push(PathBuf::from(argument)),
        }
    }
    let mut parsing = std::time::Duration::ZERO;
    let mut compiling = std::time::Duration::ZERO;
    let mut writing = std::time::Duration::ZERO;
    for file in &files {
        let name = root.as_deref().and_then(|root| file.strip_prefix(root).ok()).unwrap_or(file);
        let Ok(source) = std::fs::read(file) else {
            println!("{}: cannot be read", file.display());
            continue;
        };
        let start = std::time::Instant::now();
        let parsed = rspy_syntax::parse(&Source::Bytes(&source), Mode::Module, &ParseOptions::default());
        parsing += start.elapsed();
        let tree = match parsed {
            Ok(parsed) => parsed.tree,
            Err(error) => {
                println!("{}: {error}", file.display());
                continue;
            }
        };
        let filename = frozen_name(name);
        let start = std::time::Instant::now();
        let compiled = compile(&tree, &filename, &options);
        compiling += start.elapsed();
        match compiled {
            Ok(compiled) => {
                let start = std::time::Instant::now();
                let bytes = marshal::dump(&compiled.code, marshal::VERSION).unwrap_or_default();
                writing += start.elapsed();
                if let Some(output) = &output {
                    write(&output.join(name), &bytes);
                } else {
                    println!("{}: {} bytes", file.display(), bytes.len());
                }
            }
            Err(error) => println!("{}: {error}", file.display()),
        }
    }
    eprintln!("parsing {parsing:?}, compiling {compiling:?}, writing {writing:?}");
}

fn frozen_name(path: &Path) -> Text {
    let name = path.with_extension("").to_string_lossy().replace('/', ".");
    Text::from(format!("<frozen {name}>"))
}

fn write(path: &Path, bytes: &[u8]) {
    let path = PathBuf::from(format!("{}.m", path.display()));
    if let Some(folder) = path.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    if let Err(error) = std::fs::write(&path, bytes) {
        println!("{}: {error}", path.display());
    }
}

//! Freezes `Lib/python3.14` into the container that the crate embeds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::exit;

use freezer::{Options, Purpose, compile_source, freeze, write_atomically};
use rspy_archive::{Compression, Directory, Metadata};

/// What stays out: CPython's test suite, which is for testing rspy and is run from disk; the programs that need
/// Tk, of which rspy has no module (`turtle` itself stays, and says which module it lacks); the note of
/// `make lib` on what it got. Everything else is in, data files too: what a program finds beside CPython's
/// library it finds here.
const LEFT_OUT: &[&str] = &["test", "idlelib", "tkinter", "turtledemo", ".version"];

/// Where the library is in the container, as below an installation's prefix.
const ROOT: &str = "lib/python3.14";

fn main() {
    let crate_folder = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let lib = crate_folder.join("../../Lib");
    let library = lib.join("python3.14");
    // The library's files change only together with one of these.
    println!("cargo::rerun-if-changed={}", lib.join("lock").display());
    println!("cargo::rerun-if-changed={}", library.join(".version").display());
    println!("cargo::rerun-if-changed=startup");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");

    let version = read(&library.join(".version")).unwrap_or_else(|_| {
        fail("Lib/python3.14 is missing: run `make lib`, which gets CPython's library, and build again")
    });
    let startup = read(Path::new("startup")).unwrap_or_else(|error| fail(&format!("startup: {error}")));
    let modified = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let options = Options {
        root: ROOT.into(),
        exclude: LEFT_OUT.iter().map(|&path| path.to_owned()).collect(),
        startup: startup.lines().map(str::to_owned).collect(),
        sources: true,
        optimize: 0,
        python: version.trim().into(),
        modified: modified.unwrap_or(Metadata::EARLIEST),
        added: vec![added_for(&variable("CARGO_CFG_TARGET_ARCH"))],
        // A module that does not compile is missing from the build, and the crate's tests say so; the build itself
        // goes on, since the interpreter is what one finds the compiler's mistakes with.
        keep_going: true,
        // Tests want a build soon, releases want a small file.
        compression: if variable("PROFILE") == "release" { Compression::BEST } else { Compression::FAST },
    };
    let frozen =
        freeze(&library, &options, compile_source, |_| ()).unwrap_or_else(|error| fail(&error.to_string()));
    for (path, error) in frozen.skipped.iter().take(10) {
        println!("cargo::warning={}: {error}", path.display());
    }
    if !frozen.skipped.is_empty() {
        println!("cargo::warning={} modules of the library are not frozen", frozen.skipped.len());
    }

    let folder = PathBuf::from(variable("OUT_DIR")).join("frozen");
    let license =
        fs::read(library.join("LICENSE.txt")).unwrap_or_else(|error| fail(&format!("LICENSE.txt: {error}")));
    println!("cargo::rerun-if-changed=importer.py");
    println!("cargo::rerun-if-changed=added");
    let importer =
        read(Path::new("importer.py")).unwrap_or_else(|error| fail(&format!("importer.py: {error}")));
    let importer = compile_source(importer.as_bytes(), "<frozen rspy importer>", 0)
        .unwrap_or_else(|error| fail(&format!("importer.py: {error}")));
    let directory = Directory::of_library(frozen.container.len() as u64).to_bytes();
    // The zero makes a text of the container's end.
    let container = [&directory[..], &frozen.container, b"\0"].concat();
    // What an earlier build left there would be embedded too.
    drop(fs::remove_dir_all(&folder));
    let written = fs::create_dir_all(&folder)
        .and_then(|()| write_atomically(&folder.join("importer.marshal"), &importer, Purpose::Data))
        .and_then(|()| write_atomically(&folder.with_file_name("library.rspyar"), &container, Purpose::Data))
        .and_then(|()| write_atomically(&folder.join("LICENSE.txt"), &license, Purpose::Data));
    if let Err(error) = written {
        fail(&format!("{}: {error}", folder.display()));
    }
}

/// A folder with our own modules, whose names say which platform they are for.
fn added_for(architecture: &str) -> PathBuf {
    let folder = PathBuf::from(variable("OUT_DIR")).join("added");
    let copy_all = || -> std::io::Result<()> {
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        for file in fs::read_dir("added")? {
            let file = file?;
            let name =
                file.file_name().to_string_lossy().replace("MULTIARCH", &format!("{architecture}-linux-gnu"));
            fs::copy(file.path(), folder.join(name))?;
        }
        Ok(())
    };
    copy_all().unwrap_or_else(|error| fail(&format!("added: {error}")));
    folder
}

fn read(path: &Path) -> std::io::Result<String> {
    fs::read_to_string(path)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| fail(&format!("{name} is not set: this is for cargo to run")))
}

fn fail(message: &str) -> ! {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}

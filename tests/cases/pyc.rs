//! `.pyc` files both ways: a package compiled by rspy is run by CPython 3.14 from the `.pyc` files alone, and the other way
//! round. `CPYTHON` names CPython's executable, or else `python3.14` on the path; without one the test is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PACKAGE: &[(&str, &str)] = &[
    ("__init__.py", "from . import shapes\nfrom .tools import *\n__version__ = '1.0'\n"),
    (
        "shapes.py",
        "class Shape:\n    sides: int = 0\n\n    def __repr__(self):\n        return f'{type(self).__name__}({self.sides})'\n",
    ),
    (
        "tools.py",
        "__all__ = ['total']\n\n\ndef total(*numbers, start=0):\n    return sum(numbers, start) + len({'a', 'b'} & {'b'})\n",
    ),
    (
        "__main__.py",
        "from package import shapes, total\nfrom package import sample\n\nprint(total(1, 2, start=3), shapes.Shape())\nprint(sample.everything()[:10])\n",
    ),
];

/// Where an interpreter is, unless it is none of CPython 3.14.
fn cpython() -> Option<String> {
    let executable = std::env::var("CPYTHON").unwrap_or_else(|_| "python3.14".to_owned());
    let output = Command::new(&executable)
        .args(["-I", "-c", "import sys; print(sys.implementation.name, *sys.version_info[:2])"])
        .output()
        .ok()?;
    (output.stdout == b"cpython 3 14\n").then_some(executable)
}

fn make_package(folder: &Path) {
    let package = folder.join("package");
    fs::create_dir_all(&package).expect("the folder can be made");
    for (name, source) in PACKAGE {
        fs::write(package.join(name), source).expect("the source can be written");
    }
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bytecode/sample.py");
    fs::copy(sample, package.join("sample.py")).expect("the sample is there");
}

fn run(interpreter: &str, folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(interpreter)
        .current_dir(folder)
        .args(arguments)
        .env("PYTHONHASHSEED", "0")
        .output()
        .expect("the interpreter starts");
    assert!(
        output.status.success(),
        "{interpreter} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Compiles the package with one interpreter, takes the sources away, and runs it with another.
fn compile_and_run(compiler: &str, runner: &str, place: &Path) -> (Output, Vec<(PathBuf, Vec<u8>)>) {
    make_package(place);
    let reference = run(compiler, place, &["-B", "-m", "package"]);
    // With hashes of the sources instead of times, the files are the same whenever they are made.
    run(
        compiler,
        place,
        &["-m", "compileall", "-q", "-b", "--invalidation-mode", "unchecked-hash", "package"],
    );
    let package = place.join("package");
    let mut compiled = Vec::new();
    for (name, _) in PACKAGE.iter().copied().chain([("sample.py", "")]) {
        fs::remove_file(package.join(name)).expect("the source is there");
        let name = PathBuf::from(name).with_extension("pyc");
        compiled.push((name.clone(), fs::read(package.join(&name)).expect("the file was compiled")));
    }
    let output = run(runner, place, &["-B", "-m", "package"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&reference.stdout),
        "{runner} runs what {compiler} compiled"
    );
    compiled.sort();
    (output, compiled)
}

#[test]
fn compiled_files_run_in_both() {
    let Ok(rspy) = std::env::var("RSPY") else {
        eprintln!("skipped: RSPY names no interpreter");
        return;
    };
    let Some(cpython) = cpython() else {
        eprintln!("skipped: there is no CPython 3.14; CPYTHON may name one");
        return;
    };
    let place = std::env::temp_dir().join(format!("rspy-pyc-{}", std::process::id()));
    let (ours, our_files) = compile_and_run(&rspy, &cpython, &place.join("ours"));
    let (theirs, their_files) = compile_and_run(&cpython, &rspy, &place.join("theirs"));
    assert_eq!(ours.stdout, theirs.stdout);
    for ((name, ours), (_, theirs)) in our_files.iter().zip(&their_files) {
        assert!(ours == theirs, "{}: the two compile to other bytes", name.display());
    }
    fs::remove_dir_all(&place).expect("the folder can be removed");
}

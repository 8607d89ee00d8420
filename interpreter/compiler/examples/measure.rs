//! Compiles all files of a folder on one thread, several times over, and reports the least CPU seconds that each step
//! took and the most memory in use: `measure FOLDER [ROUNDS]`. The sources are read beforehand.
//!
//! Time and memory come from `/proc`, so it runs on Linux alone.

use std::fs;
use std::path::{Path, PathBuf};

use rspy_code::{Text, marshal};
use rspy_compiler::{CompileOptions, compile};
use rspy_syntax::{ParseOptions, Source, parse_module};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the folder to compile");
    let rounds: u32 = arguments.next().map_or(5, |rounds| rounds.parse().expect("a number of rounds"));
    let mut paths = Vec::new();
    find(Path::new(&folder), &mut paths);
    paths.sort();
    let sources: Vec<(Text, Vec<u8>)> = paths
        .iter()
        .filter_map(|path| Some((Text::from(path.to_string_lossy().as_ref()), fs::read(path).ok()?)))
        .collect();
    let mut least = [u64::MAX; 4];
    for _ in 0..rounds {
        let spent = compile_all(&sources);
        for (least, spent) in least.iter_mut().zip(spent) {
            *least = spent.min(*least);
        }
    }
    let bytes: usize = sources.iter().map(|(_, source)| source.len()).sum();
    println!("{} files, {bytes} bytes", sources.len());
    for (step, spent) in ["parse", "compile", "marshal", "all"].iter().zip(least) {
        println!("{step:8} {:.3} s", spent as f64 / 1e9);
    }
    println!("{:8} {}", "memory", peak_memory());
}

/// Nanoseconds spent to parse, to compile, to write, and for all of it.
fn compile_all(sources: &[(Text, Vec<u8>)]) -> [u64; 4] {
    let mut spent = [0; 4];
    let start = cpu_time();
    for (name, source) in sources {
        let begin = cpu_time();
        let parsed = parse_module(&Source::Bytes(source), &ParseOptions::default());
        let parsed_at = cpu_time();
        spent[0] += parsed_at - begin;
        let Ok(parsed) = parsed else { continue };
        let compiled = compile(&parsed.tree, name, &CompileOptions::default());
        drop(parsed);
        let compiled_at = cpu_time();
        spent[1] += compiled_at - parsed_at;
        if let Ok(compiled) = compiled {
            std::hint::black_box(marshal::dump_held(&compiled.code, marshal::VERSION).ok());
        }
        spent[2] += cpu_time() - compiled_at;
    }
    spent[3] = cpu_time() - start;
    spent
}

/// Python files below a folder, without those of tests.
fn find(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("test") {
                find(&path, paths);
            }
        } else if path.extension().is_some_and(|extension| extension == "py") {
            paths.push(path);
        }
    }
}

/// Nanoseconds that this thread has run.
fn cpu_time() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/schedstat").expect("the kernel's count of time");
    status.split(' ').next().and_then(|time| time.parse().ok()).expect("a number of nanoseconds")
}

fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or_default().trim().to_owned()
}

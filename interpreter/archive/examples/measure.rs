//! Times what the interpreter does with a container: `cargo run --release --example measure -p rspy-archive FILE`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rspy_archive::Archive;

/// The mean time of a call, over enough calls to trust it.
fn time<T>(mut call: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < Duration::from_millis(300) {
        black_box(call());
        calls += 1;
    }
    start.elapsed() / calls
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a container")?;
    let bytes = std::fs::read(&path)?;
    let start = Instant::now();
    let archive = Archive::open(&bytes)?;
    println!("open, first time           {:?}", start.elapsed());
    println!("open                       {:?}", time(|| Archive::open(black_box(&bytes)).map(|_| ())));

    let names: Vec<String> = archive.all_modules().map(|module| module.name.to_owned()).collect();
    let mut next = names.iter().cycle();
    println!(
        "find a module by name      {:?}",
        time(|| archive.module(next.next().map_or("", |name| name)).is_some())
    );
    let root = archive.metadata()?.root;
    let paths: Vec<String> = archive
        .all_modules()
        .filter_map(|module| module.path(&archive))
        .filter(|path| path.starts_with(&root))
        .collect();
    let mut next = paths.iter().cycle();
    println!(
        "find a path                {:?}",
        time(|| archive.entry(next.next().map_or("", |path| path)).is_some())
    );

    let start = Instant::now();
    let mut first = true;
    for (count, module) in archive.all_modules().enumerate() {
        black_box(archive.code(&module)?);
        if first {
            println!("unpack the first module    {:?}", start.elapsed());
            first = false;
        }
        if count + 1 == names.len() {
            println!("unpack each module's code  {:?}", start.elapsed() / names.len() as u32);
        }
    }
    let start = Instant::now();
    let mut size = 0;
    for path in &paths {
        if let Some(entry) = archive.entry(path) {
            size += archive.read(&entry)?.len();
        }
    }
    if !paths.is_empty() {
        println!(
            "unpack each source         {:?}, {} bytes each",
            start.elapsed() / paths.len() as u32,
            size / paths.len()
        );
    }
    let start = Instant::now();
    let mut startup = 0;
    for name in
        ["importlib._bootstrap", "importlib._bootstrap_external", "codecs", "os", "site", "abc", "stat"]
    {
        if let Some(module) = archive.module(name) {
            startup += archive.code(&module)?.len();
        }
    }
    println!("seven start-up modules     {:?}, {startup} bytes", start.elapsed());
    let start = Instant::now();
    archive.verify()?;
    println!("verify all {:9} bytes {:?}", archive.length(), start.elapsed());
    Ok(())
}

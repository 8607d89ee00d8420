//! Runs a target on altered files of a library: `mutate LIBRARY TARGET SECONDS [SEED]`, or on files:
//! `mutate LIBRARY TARGET FILE`.
//!
//! An input on which the target panics, or for which it takes too long, is written to `artifacts/TARGET`, and ends the run.
//! One on which the process ends is in `artifacts/TARGET/current`.

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rspy_fuzz::TARGETS;
use rspy_fuzz::mutation::{Corpus, Random};

/// How long an input may take, whatever its size, and in addition for each byte.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_micros(20));

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, target, what, rest @ ..] = &arguments[..] else { panic!("usage: mutate LIBRARY TARGET SECONDS [SEED]") };
    let Some(&(_, run)) = TARGETS.iter().find(|(name, _)| name == target) else { panic!("no target {target}") };
    let Ok(seconds) = what.parse() else {
        let input = fs::read(what).expect("a file that can be read");
        let start = Instant::now();
        run(&input);
        println!("{} bytes in {:?}", input.len(), start.elapsed());
        return ExitCode::SUCCESS;
    };
    let seed = rest.first().map_or(1, |seed| seed.parse().expect("a number"));
    let corpus = Corpus::read(Path::new(library));
    let folder = PathBuf::from("artifacts").join(target);
    fs::create_dir_all(&folder).expect("a folder to write to");
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut random = Random::new(seed);
    let mut count = 0u64;
    while Instant::now() < end {
        let input = corpus.make(target, &mut random);
        fs::write(folder.join("current"), &input).expect("the input can be written");
        let start = Instant::now();
        let outcome = panic::catch_unwind(|| run(&input));
        let is_slow = start.elapsed() > PATIENCE.0 + PATIENCE.1 * input.len() as u32;
        if outcome.is_err() || is_slow {
            let path = folder.join(format!("{}-{seed}-{count}", if is_slow { "slow" } else { "panic" }));
            fs::write(&path, &input).expect("the input can be written");
            println!("{target}: {} after {count} inputs: {}", if is_slow { "too slow" } else { "panic" }, path.display());
            return ExitCode::FAILURE;
        }
        count += 1;
    }
    println!("{target}: {count} inputs without a finding");
    ExitCode::SUCCESS
}

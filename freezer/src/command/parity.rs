//! `freezer parity` and `freezer mutations`: comparisons with what CPython was recorded to do.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use freezer::parity::{self, Outcome};
use freezer::{CompileFailure, mutation};

use super::{Failure, at};

#[derive(Args)]
pub struct ParityArguments {
    /// The record
    pub record: PathBuf,
    /// The library's folder
    pub library: PathBuf,
    /// Fail when fewer than so many percent are identical
    #[arg(long, default_value_t = 0.0)]
    pub at_least: f64,
    /// Name each file that is not identical
    #[arg(long)]
    pub list: bool,
}

/// `freezer parity`
pub fn compare(arguments: &ParityArguments) -> Result<ExitCode, Failure> {
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

/// `freezer mutations`
pub fn compare_mutations(arguments: &ParityArguments) -> Result<ExitCode, Failure> {
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

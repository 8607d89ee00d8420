//! `freezer inspect`: what is in an application.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Failure;
use super::container::Carrier;

#[derive(Args)]
pub struct InspectArguments {
    /// The application
    pub file: PathBuf,
}

/// `freezer inspect`
pub fn inspect(arguments: &InspectArguments) -> Result<ExitCode, Failure> {
    let carrier = Carrier::read(&arguments.file)?;
    println!("{}", carrier.length());
    Ok(ExitCode::SUCCESS)
}

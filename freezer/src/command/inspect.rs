//! `freezer inspect`: what is in an application, how large it is, and which import brought it in.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use freezer::application::contents::{Contents, Item};
use freezer::{Purpose, write_atomically};
use rspy_archive::Start;
use serde_json::{Value, json};

use super::build::size;
use super::container::Carrier;
use super::{Failure, at};

#[derive(Args)]
pub struct InspectArguments {
    /// The application, or an rspy
    pub file: PathBuf,
    /// Name every module, with the imports that lead to it
    #[arg(short, long)]
    pub modules: bool,
    /// Print everything as JSON
    #[arg(long, conflicts_with_all = ["modules", "sbom"])]
    pub json: bool,
    /// Print a list of the software in it, as CycloneDX in JSON
    #[arg(long, conflicts_with = "modules")]
    pub sbom: bool,
    /// Write a page with a map and a table of everything, for a browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// The page, with a place for what it shows.
const PAGE: &str = include_str!("inspect.html");
const PLACE: &str = "{{contents}}";

/// `freezer inspect`
pub fn inspect(arguments: &InspectArguments) -> Result<ExitCode, Failure> {
    let carrier = Carrier::read(&arguments.file)?;
    let contents = Contents::of(&carrier.archives()?)
        .map_err(|error| format!("{}: {error}", arguments.file.display()))?;
    if let Some(path) = &arguments.html {
        // Nothing in a text may end the script that it stands in.
        let data = as_json(&carrier, &contents).to_string().replace('<', "\\u003c");
        write_atomically(path, PAGE.replace(PLACE, &data).as_bytes(), Purpose::Data).map_err(at(path))?;
    }
    let mut output = io::BufWriter::new(io::stdout().lock());
    if arguments.json {
        writeln!(output, "{:#}", as_json(&carrier, &contents))?;
    } else if arguments.sbom {
        writeln!(output, "{:#}", bill_of_materials(&contents))?;
    } else if arguments.html.is_none() || arguments.modules {
        as_text(&carrier, &contents, arguments.modules, &mut output)?;
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn start_text(start: &Start) -> String {
    match start {
        Start::Script(path) => path.clone(),
        Start::Module(name) => format!("-m {name}"),
        Start::Function { module, function } => format!("{module}:{function}"),
    }
}

fn stored(items: &[Item]) -> u64 {
    items.iter().map(|item| item.stored).sum()
}

fn as_text(
    carrier: &Carrier,
    contents: &Contents,
    names_modules: bool,
    output: &mut impl Write,
) -> io::Result<()> {
    match &contents.application {
        Some(application) => {
            let isolated = if application.isolated { "isolated" } else { "not isolated" };
            writeln!(output, "{}: runs {}, {isolated}", application.name, start_text(&application.start))?;
        }
        None => writeln!(output, "no application")?,
    }
    let mut parts: Vec<_> = contents.parts.iter().collect();
    parts.sort_by_key(|(name, items)| (std::cmp::Reverse(stored(items)), *name));
    let width = parts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).max(11);
    writeln!(output, "  {:width$}  {:>9}  {:>9}", "", "in file", "unpacked")?;
    for (name, items) in &parts {
        let unpacked: u64 = items.iter().map(|item| item.size + item.code).sum();
        let modules = items.iter().filter(|item| item.module.is_some()).count();
        let rest = items.len() - modules;
        writeln!(
            output,
            "  {name:width$}  {:>9}  {:>9}  {modules} modules, {rest} other files",
            size(stored(items)),
            size(unpacked)
        )?;
        if names_modules {
            list_modules(items, output)?;
        }
    }
    let all: u64 = contents.parts.values().map(|items| stored(items)).sum();
    writeln!(output, "  {:width$}  {:>9}", "rspy itself", size(carrier.length().saturating_sub(all)))?;
    writeln!(output, "  {:width$}  {:>9}", "altogether", size(carrier.length()))
}

fn list_modules(items: &[Item], output: &mut impl Write) -> io::Result<()> {
    for item in items {
        let Some(module) = &item.module else { continue };
        let why = match &item.chain[..] {
            [] => "no import leads to it".to_owned(),
            [_] => "always".to_owned(),
            [before @ .., _] => format!("by {}", before.join(" > ")),
        };
        writeln!(output, "    {:>9}  {module}  ({why})", size(item.stored))?;
    }
    Ok(())
}

fn as_json(carrier: &Carrier, contents: &Contents) -> Value {
    let parts: Vec<Value> = contents
        .parts
        .iter()
        .map(|(name, items)| {
            let items: Vec<Value> = items
                .iter()
                .map(|item| {
                    let Item { path, module, size, code, stored, chain } = item;
                    json!({ "path": path, "module": module, "size": size, "code": code, "stored": stored, "chain": chain })
                })
                .collect();
            json!({ "name": name, "items": items })
        })
        .collect();
    let application = contents.application.as_ref().map(|application| {
        json!({
            "name": application.name,
            "start": start_text(&application.start),
            "isolated": application.isolated,
        })
    });
    json!({ "size": carrier.length(), "python": contents.python, "application": application, "parts": parts })
}

/// CycloneDX 1.6. What would differ from time to time, a number and a date, is optional there and left out.
fn bill_of_materials(contents: &Contents) -> Value {
    let name = contents.application.as_ref().map_or("rspy", |application| &application.name);
    let own = [
        json!({
            "type": "platform", "name": "rspy", "version": env!("CARGO_PKG_VERSION"),
            "licenses": [{ "license": { "id": "Apache-2.0" } }],
        }),
        json!({
            "type": "library", "name": "Python standard library", "version": contents.python,
            "licenses": [{ "license": { "id": "PSF-2.0" } }],
            "cpe": format!("cpe:2.3:a:python:python:{}:*:*:*:*:*:*:*", contents.python),
        }),
    ];
    let distributions = contents.distributions.iter().map(|found| {
        let normalised = freezer::application::distribution::normalised(&found.name);
        let url = format!("pkg:pypi/{normalised}@{}", found.version);
        let mut component = json!({
            "type": "library", "name": found.name, "version": found.version, "purl": url, "bom-ref": url,
        });
        if !found.license.is_empty() {
            component["licenses"] = json!([{ "license": { "name": found.license } }]);
        }
        component
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": name, "bom-ref": "application" } },
        "components": own.into_iter().chain(distributions).collect::<Vec<_>>(),
    })
}

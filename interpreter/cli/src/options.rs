//! The command line and the environment: what the interpreter is to do and how.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use rspy_archive::Application;
use rspy_runtime::vm::Configuration;

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `-c`
    Code(String),
    /// `-c` with something that is no text.
    Undecodable(OsString),
    /// `-m`
    Module(String),
    /// A file, folder or zip archive.
    File(OsString),
    /// Standard input, which may be a terminal.
    Input,
    /// Print a text and end.
    Print(String),
    /// The application that the executable carries.
    Application(Application),
}

/// The words of a command line: as they are, and for recognition.
pub struct Arguments<'a> {
    /// As they are.
    pub words: &'a [OsString],
    /// With U+FFFD for what is no UTF-8.
    pub texts: &'a [String],
}

/// A command line that cannot be followed.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError {
    /// What is wrong with it.
    pub message: String,
}

/// The parsed command line.
#[derive(Debug)]
pub struct Options {
    /// What to run.
    pub command: Command,
    /// How the interpreter is started.
    pub configuration: Configuration,
    /// `-x`: the first line of the source is skipped.
    pub skip_first_line: bool,
    /// `-i` or `PYTHONINSPECT`: go on interactively.
    pub inspect: bool,
}

const HELP: &str = include_str!("help/help.txt");
const HELP_ENVIRONMENT: &str = include_str!("help/help-env.txt");
const HELP_X_OPTIONS: &str = include_str!("help/help-xoptions.txt");

/// The name a process was started under decides which version it shows.
fn version_text(program: &str, long: bool) -> String {
    let (major, minor, micro) = rspy_runtime::sys::VERSION;
    let name = program.rsplit('/').next().unwrap_or(program);
    if name.starts_with("python") {
        return if long {
            format!("Python {}", rspy_runtime::sys::version_text(env!("RSPY_COMPILER")))
        } else {
            format!("Python {major}.{minor}.{micro}")
        };
    }
    format!(
        "rspy {} ({major}.{minor}.{micro}) [{} {}/{}]",
        env!("CARGO_PKG_VERSION"),
        env!("RSPY_COMPILER"),
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

/// A variable of the environment that counts: set, not empty, and not ignored.
fn variable(configuration: &Configuration, name: &str) -> Option<String> {
    if configuration.ignore_environment {
        return None;
    }
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that raises a flag: a number sets it, anything else means 1.
fn raised(configuration: &Configuration, name: &str, flag: i32) -> i32 {
    match variable(configuration, name) {
        None => flag,
        Some(value) => flag.max(value.parse().unwrap_or(1).max(1)),
    }
}

/// Walks over the arguments, letter by letter where options stand together.
struct Words<'a> {
    arguments: &'a [String],
    next: usize,
    letters: Vec<char>,
}

impl Words<'_> {
    /// The argument of an option: the rest of its word, or the next word.
    fn value(&mut self, option: char) -> Result<String, UsageError> {
        if !self.letters.is_empty() {
            return Ok(std::mem::take(&mut self.letters).into_iter().rev().collect());
        }
        match self.arguments.get(self.next) {
            Some(value) => {
                self.next += 1;
                Ok(value.clone())
            }
            None => Err(UsageError { message: format!("Argument expected for the -{option} option") }),
        }
    }
}

/// The configuration of a process that was started with some words, before anything is made of them.
pub fn configuration(words: &[OsString]) -> Configuration {
    Configuration {
        original_arguments: words.to_vec(),
        compiler: env!("RSPY_COMPILER").to_owned(),
        int_max_str_digits: -1,
        ..Configuration::default()
    }
}

/// Parses the command line. `adapt` has a last word before the environment counts.
///
/// # Errors
/// [`UsageError`] for options that do not exist or lack their argument.
pub fn parse(
    words_and_texts: &Arguments<'_>,
    adapt: impl FnOnce(&mut Configuration),
) -> Result<Options, UsageError> {
    let arguments = words_and_texts.texts;
    let program = arguments.first().cloned().unwrap_or_else(|| "rspy".to_owned());
    let mut configuration = configuration(words_and_texts.words);
    let mut words = Words { arguments, next: 1, letters: Vec::new() };
    let mut command = None;
    let (mut skip_first_line, mut versions, mut ignore_seed) = (false, 0, false);
    while command.is_none() {
        let letter = match words.letters.pop() {
            Some(letter) => letter,
            None => {
                let Some(word) = arguments.get(words.next) else { break };
                if word == "-" || !word.starts_with('-') {
                    break;
                }
                words.next += 1;
                if word == "--" {
                    break;
                }
                if let Some(long) = word.strip_prefix("--") {
                    command = long_option(long, &program, &mut words, &mut configuration)?;
                    continue;
                }
                words.letters = word[1..].chars().rev().collect();
                continue;
            }
        };
        match letter {
            'b' => configuration.bytes_warning += 1,
            'B' => configuration.dont_write_bytecode = true,
            'c' => {
                let stands_apart = words.letters.is_empty();
                let source = words.value('c')? + "\n";
                let word = words_and_texts.words[words.next - 1].as_bytes();
                let letter = if stands_apart { None } else { word.iter().position(|&byte| byte == b'c') };
                let start = letter.map_or(0, |letter| letter + 1);
                command = Some(match str::from_utf8(word) {
                    Ok(_) => Command::Code(source),
                    Err(_) => Command::Undecodable(OsStr::from_bytes(&word[start..]).to_owned()),
                });
            }
            'd' => configuration.debug += 1,
            'E' => configuration.ignore_environment = true,
            'h' | '?' => command = Some(Command::Print(HELP.replace("{program}", &program))),
            'i' => {
                configuration.inspect += 1;
                configuration.interactive += 1;
            }
            'I' => {
                configuration.isolated = true;
                configuration.ignore_environment = true;
                configuration.no_user_site = true;
                configuration.safe_path = true;
            }
            'm' => command = Some(Command::Module(words.value('m')?)),
            'O' => configuration.optimize += 1,
            'P' => configuration.safe_path = true,
            'q' => configuration.quiet += 1,
            'R' => ignore_seed = true,
            't' => {}
            's' => configuration.no_user_site = true,
            'S' => configuration.no_site = true,
            'u' => configuration.unbuffered = true,
            'v' => configuration.verbose += 1,
            'V' => versions += 1,
            'W' => {
                let option = words.value('W')?;
                configuration.warn_options.push(option);
            }
            'x' => skip_first_line = true,
            'X' => {
                let option = words.value('X')?;
                let (name, value) = match option.split_once('=') {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (option, None),
                };
                configuration.x_options.push((name, value));
            }
            'J' => return Err(UsageError { message: "-J is reserved for Jython".to_owned() }),
            other => return Err(UsageError { message: format!("Unknown option: -{other}") }),
        }
    }
    if versions > 0 {
        command = Some(Command::Print(version_text(&program, versions > 1) + "\n"));
    }
    let rest_from = words.next.min(arguments.len());
    let (rest, rest_words) = (&arguments[rest_from..], &words_and_texts.words[rest_from..]);
    let command = match command {
        Some(command) => {
            let first = match &command {
                Command::Code(_) | Command::Undecodable(_) => "-c",
                _ => "-m",
            };
            configuration.arguments.push(first.into());
            configuration.arguments.extend_from_slice(rest_words);
            command
        }
        None => match rest.first() {
            Some(file) => {
                configuration.arguments.extend_from_slice(rest_words);
                if file == "-" { Command::Input } else { Command::File(rest_words[0].clone()) }
            }
            None => {
                configuration.arguments.push(OsString::new());
                Command::Input
            }
        },
    };
    adapt(&mut configuration);
    apply_environment(&mut configuration)?;
    if ignore_seed {
        configuration.hash_seed = None;
    }
    let inspect = configuration.inspect > 0 || variable(&configuration, "PYTHONINSPECT").is_some();
    configuration.inspect = i32::from(inspect);
    Ok(Options { command, configuration, skip_first_line, inspect })
}

fn long_option(
    name: &str,
    program: &str,
    words: &mut Words<'_>,
    configuration: &mut Configuration,
) -> Result<Option<Command>, UsageError> {
    Ok(match name {
        "help" => Some(Command::Print(HELP.replace("{program}", program))),
        "help-env" => Some(Command::Print(HELP_ENVIRONMENT.to_owned())),
        "help-xoptions" => Some(Command::Print(HELP_X_OPTIONS.to_owned())),
        "help-all" => Some(Command::Print(format!(
            "{}\n{HELP_ENVIRONMENT}\n{HELP_X_OPTIONS}",
            HELP.replace("{program}", program)
        ))),
        "version" => Some(Command::Print(version_text(program, false) + "\n")),
        "copyright" => Some(Command::Print(format!(
            "{}\n\n{}\n",
            include_str!("help/notice.txt").trim_end(),
            rspy_runtime::sys::COPYRIGHT
        ))),
        "check-hash-based-pycs" => {
            let value = words.value('-').map_err(|_| UsageError {
                message: "Argument expected for the --check-hash-based-pycs option".to_owned(),
            })?;
            if !matches!(value.as_str(), "always" | "never" | "default") {
                return Err(UsageError {
                    message: "--check-hash-based-pycs must be one of 'default', 'always', or 'never'"
                        .to_owned(),
                });
            }
            configuration.check_hash_based_pycs = value;
            None
        }
        other => return Err(UsageError { message: format!("Unknown option: --{other}") }),
    })
}

/// Takes over what the environment and the `-X` options say.
pub fn apply_environment(configuration: &mut Configuration) -> Result<(), UsageError> {
    configuration.debug = raised(configuration, "PYTHONDEBUG", configuration.debug);
    configuration.optimize = raised(configuration, "PYTHONOPTIMIZE", configuration.optimize);
    configuration.verbose = raised(configuration, "PYTHONVERBOSE", configuration.verbose);
    configuration.dont_write_bytecode |= variable(configuration, "PYTHONDONTWRITEBYTECODE").is_some();
    configuration.no_user_site |= variable(configuration, "PYTHONNOUSERSITE").is_some();
    configuration.unbuffered |= variable(configuration, "PYTHONUNBUFFERED").is_some();
    configuration.safe_path |= variable(configuration, "PYTHONSAFEPATH").is_some();
    configuration.pycache_prefix = variable(configuration, "PYTHONPYCACHEPREFIX");
    configuration.dev_mode = variable(configuration, "PYTHONDEVMODE").is_some();
    configuration.utf8_mode = variable(configuration, "PYTHONUTF8").is_some_and(|value| value == "1");
    if let Some(level) = variable(configuration, "PYTHONPROFILEIMPORTTIME") {
        configuration.import_time = if level == "2" { 2 } else { 1 };
    }
    if let Some(options) = variable(configuration, "PYTHONWARNINGS") {
        let options: Vec<String> = options.split(',').map(str::to_owned).collect();
        configuration.warn_options.splice(0..0, options);
    }
    configuration.hash_seed = match variable(configuration, "PYTHONHASHSEED") {
        None => None,
        Some(value) if value == "random" => None,
        Some(value) => match value.parse::<u32>() {
            Ok(seed) => Some(seed),
            Err(_) => {
                return Err(UsageError {
                    message: "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]"
                        .to_owned(),
                });
            }
        },
    };
    if let Some(digits) = variable(configuration, "PYTHONINTMAXSTRDIGITS") {
        configuration.int_max_str_digits = digit_limit(&digits, "PYTHONINTMAXSTRDIGITS")?;
    }
    if let Some(count) = variable(configuration, "PYTHON_CPU_COUNT") {
        configuration.cpu_count = processor_count(&count, "PYTHON_CPU_COUNT=n")?;
    }
    if let Some(calls) = variable(configuration, "PYTHONTRACEMALLOC") {
        configuration.traced_calls = traced_calls(&calls, "PYTHONTRACEMALLOC")?;
    }
    configuration.disable_remote_debug = variable(configuration, "PYTHON_DISABLE_REMOTE_DEBUG").is_some();
    configuration.no_debug_ranges = variable(configuration, "PYTHONNODEBUGRANGES").is_some();
    if let Some(value) = variable(configuration, "PYTHON_FROZEN_MODULES") {
        configuration.no_frozen_modules = is_off(&value, "PYTHON_FROZEN_MODULES")?;
    }
    for (name, value) in configuration.x_options.clone() {
        match (name.as_str(), value.as_deref()) {
            ("dev", _) => configuration.dev_mode = true,
            ("utf8", None | Some("1")) => configuration.utf8_mode = true,
            ("utf8", Some("0")) => configuration.utf8_mode = false,
            ("importtime", value) => {
                configuration.import_time = match value.map_or(Ok(1), str::parse) {
                    Ok(level @ 1..=2) => level,
                    Err(_) => 1,
                    Ok(_) => {
                        return Err(UsageError {
                            message: "-X importtime: values other than 1 and 2 are reserved for future use."
                                .to_owned(),
                        });
                    }
                }
            }
            ("pycache_prefix", value) => {
                configuration.pycache_prefix = value.filter(|value| !value.is_empty()).map(str::to_owned);
            }
            ("cpu_count", value) => {
                configuration.cpu_count = processor_count(value.unwrap_or(""), "-X cpu_count=n option")?;
            }
            ("disable-remote-debug" | "disable_remote_debug", _) => configuration.disable_remote_debug = true,
            ("tracemalloc", value) => {
                configuration.traced_calls = match value {
                    Some(calls) => traced_calls(calls, "-X tracemalloc=NFRAME")?,
                    None => 1,
                };
            }
            ("frozen_modules", value) => {
                configuration.no_frozen_modules = is_off(value.unwrap_or(""), "option -X frozen_modules")?;
            }
            ("no_debug_ranges", _) => configuration.no_debug_ranges = true,
            ("warn_default_encoding", _) => configuration.warn_default_encoding = true,
            ("int_max_str_digits", value) => {
                configuration.int_max_str_digits = digit_limit(value.unwrap_or(""), "-X int_max_str_digits")?;
            }
            _ => {}
        }
    }
    if configuration.dev_mode {
        configuration.warn_options.insert(0, "default".to_owned());
    }
    match configuration.bytes_warning {
        ..=0 => {}
        1 => configuration.warn_options.push("default::BytesWarning".to_owned()),
        2.. => configuration.warn_options.push("error::BytesWarning".to_owned()),
    }
    Ok(())
}

/// Whether something is turned off by a word.
fn is_off(value: &str, what: &str) -> Result<bool, UsageError> {
    match value {
        "" | "on" => Ok(false),
        "off" => Ok(true),
        _ => Err(UsageError { message: format!("bad value for {what} (expected \"on\" or \"off\")") }),
    }
}

fn processor_count(value: &str, what: &str) -> Result<Option<i32>, UsageError> {
    match value.parse::<i32>() {
        Ok(count) if count > 0 => Ok(Some(count)),
        _ if value == "default" => Ok(None),
        _ => Err(UsageError {
            message: format!("{what}: n is missing or an invalid number, n must be greater than 0"),
        }),
    }
}

fn traced_calls(value: &str, what: &str) -> Result<i32, UsageError> {
    match value.parse::<i32>() {
        Ok(calls @ 0..=65535) => Ok(calls),
        Ok(65536..) => Err(UsageError {
            message: "ValueError: the number of frames must be in range [1; 65535]".to_owned(),
        }),
        _ if value.is_empty() => Ok(0),
        _ => Err(UsageError { message: format!("{what}: invalid number of frames") }),
    }
}

fn digit_limit(value: &str, what: &str) -> Result<i64, UsageError> {
    match value.parse::<i64>() {
        Ok(limit) if limit == 0 || limit >= 640 => Ok(limit),
        _ => {
            Err(UsageError { message: format!("{what}: invalid limit; must be >= 640 or 0 for unlimited.") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, UsageError> {
        let texts: Vec<String> =
            std::iter::once("rspy").chain(words.iter().copied()).map(str::to_owned).collect();
        let words: Vec<OsString> = texts.iter().map(OsString::from).collect();
        parse(&Arguments { words: &words, texts: &texts }, |_| ())
    }

    #[test]
    fn options_stand_together() {
        let options = parsed(&["-ISBc", "pass", "a", "-b"]).unwrap();
        assert_eq!(options.command, Command::Code("pass\n".to_owned()));
        assert!(options.configuration.isolated && options.configuration.no_site);
        assert_eq!(options.configuration.arguments, ["-c", "a", "-b"]);
    }

    #[test]
    fn files_end_the_options() {
        let options = parsed(&["-O", "x.py", "-O"]).unwrap();
        assert_eq!(options.command, Command::File("x.py".into()));
        assert_eq!(options.configuration.arguments, ["x.py", "-O"]);
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed(&["-c"]).unwrap_err().message, "Argument expected for the -c option");
        assert_eq!(parsed(&["-z"]).unwrap_err().message, "Unknown option: -z");
    }
}

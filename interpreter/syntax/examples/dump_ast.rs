//! Prints syntax trees in a form that any other implementation can print as well, for comparison.
//!
//! `dump_ast FILE…` prints `file<TAB>index<TAB>line<TAB>hash` for each top-level statement; with `--full FILE LINE`,
//! the dump of the statement starting at that line; with `--time FILE…`, only how long parsing took; with
//! `--errors FILE`, the error of each of the sources in a file that separates them by NUL bytes.
//!
//! A dump reads `Constructor(field=value,…)@line:column-line:column`; strings are hexadecimal UTF-8, floats the
//! hexadecimal bits.

use std::fmt::Write as _;
use std::time::Instant;

use rspy_syntax::ast::*;
use rspy_syntax::{Mode, ParseOptions, Source, for_each_node, parse};

trait Dump {
    fn dump(&self, out: &mut String);
}

macro_rules! dump_nodes {
    (
        enumerations { $( $enumeration_asdl:ident $enumeration:ident { $( $member:ident ),* } )* }
        sums { $( $sum_asdl:ident $sum:ident { $( $constructor:ident { $( $field:ident : $type:tt ),* } )* } )* }
        located_sums { $(
            $located_asdl:ident $located:ident $kind:ident {
                $( $located_constructor:ident { $( $located_field:ident : $located_type:tt ),* } )*
            }
            attributes $located_attributes:tt
        )* }
        products { $( $product_asdl:ident $product:ident { $( $product_field:ident : $product_type:tt ),* } )* }
        located_products { $(
            $place_asdl:ident $place:ident { $( $place_field:ident : $place_type:tt ),* }
            attributes $place_attributes:tt
        )* }
    ) => {
        $( impl Dump for $enumeration {
            fn dump(&self, out: &mut String) {
                out.push_str(match self { $( Self::$member => stringify!($member) ),* });
            }
        } )*
        $( impl Dump for $sum {
            fn dump(&self, out: &mut String) {
                match self { $( Self::$constructor { $( $field ),* } => {
                    out.push_str(concat!(stringify!($constructor), "("));
                    $( dump_field(stringify!($field), $field, out); )*
                    out.push(')');
                } )* }
            }
        } )*
        $( impl Dump for $located {
            fn dump(&self, out: &mut String) {
                match &self.kind { $( $kind::$located_constructor { $( $located_field ),* } => {
                    out.push_str(concat!(stringify!($located_constructor), "("));
                    $( dump_field(stringify!($located_field), $located_field, out); )*
                    out.push(')');
                } )* }
                self.span.dump(out);
            }
        } )*
        $( impl Dump for $product {
            fn dump(&self, out: &mut String) {
                out.push_str(concat!(stringify!($product_asdl), "("));
                $( dump_field(stringify!($product_field), &self.$product_field, out); )*
                out.push(')');
            }
        } )*
        $( impl Dump for $place {
            fn dump(&self, out: &mut String) {
                out.push_str(concat!(stringify!($place_asdl), "("));
                $( dump_field(stringify!($place_field), &self.$place_field, out); )*
                out.push(')');
                self.span.dump(out);
            }
        } )*
    };
}

for_each_node!(dump_nodes);

fn dump_field<T: Dump>(name: &str, value: &T, out: &mut String) {
    out.push_str(name.trim_start_matches("r#"));
    out.push('=');
    value.dump(out);
    out.push(',');
}

impl Dump for Span {
    fn dump(&self, out: &mut String) {
        let _ = write!(out, "@{}:{}-{}:{}", self.line, self.column, self.end_line, self.end_column);
    }
}

impl<T: Dump> Dump for Box<T> {
    fn dump(&self, out: &mut String) {
        (**self).dump(out);
    }
}

impl<T: Dump> Dump for Option<T> {
    fn dump(&self, out: &mut String) {
        match self {
            Some(value) => value.dump(out),
            None => out.push_str("None"),
        }
    }
}

impl<T: Dump> Dump for Vec<T> {
    fn dump(&self, out: &mut String) {
        out.push('[');
        for value in self {
            value.dump(out);
            out.push(',');
        }
        out.push(']');
    }
}

impl Dump for i32 {
    fn dump(&self, out: &mut String) {
        let _ = write!(out, "{self}");
    }
}

impl Dump for Name {
    fn dump(&self, out: &mut String) {
        out.push_str(self);
    }
}

impl Dump for Text {
    fn dump(&self, out: &mut String) {
        out.push('s');
        hexadecimal(self.as_bytes(), out);
    }
}

fn hexadecimal(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)] as char);
        out.push(DIGITS[usize::from(byte & 15)] as char);
    }
}

impl Dump for Constant {
    fn dump(&self, out: &mut String) {
        let _ = match self {
            Self::None => write!(out, "None"),
            Self::True => write!(out, "True"),
            Self::False => write!(out, "False"),
            Self::Ellipsis => write!(out, "Ellipsis"),
            Self::Int(value) => write!(out, "i{value:x}"),
            Self::BigInt(value) => write!(out, "i{:x}", **value),
            Self::Float(value) => write!(out, "f{:016x}", value.to_bits()),
            Self::Complex { real, imag } => write!(out, "c{:016x}{:016x}", real.to_bits(), imag.to_bits()),
            Self::Str(text) => return text.dump(out),
            Self::Bytes(bytes) => {
                out.push('b');
                return hexadecimal(bytes, out);
            }
            Self::Tuple(_) | Self::FrozenSet(_) => write!(out, "folded"),
        };
    }
}

/// CRC-32, which every language has.
fn hash(text: &str) -> u32 {
    let mut state = u32::MAX;
    for byte in text.bytes() {
        state ^= u32::from(byte);
        for _ in 0..8 {
            state = (state >> 1) ^ (0xEDB8_8320 & (state & 1).wrapping_neg());
        }
    }
    !state
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("--full") => full(&arguments[1], arguments[2].parse().unwrap_or_default()),
        Some("--time") => time(&arguments[1..]),
        Some("--errors") => errors(&arguments[1], &arguments[2]),
        Some("--list") => {
            arguments = std::fs::read_to_string(&arguments[1])
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect();
            hashes(&arguments);
        }
        _ => hashes(&arguments),
    }
}

fn statements(path: &str) -> Result<Vec<Stmt>, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let options = ParseOptions::default();
    match parse(&Source::Bytes(&bytes), Mode::Module, &options) {
        Ok(parsed) => match parsed.tree {
            Mod::Module { body, .. } => Ok(body),
            _ => Err("not a module".to_owned()),
        },
        Err(error) => Err(error.to_string()),
    }
}

fn hashes(paths: &[String]) {
    let mut out = String::new();
    for path in paths {
        match statements(path) {
            Ok(body) => {
                for (index, statement) in body.iter().enumerate() {
                    out.clear();
                    statement.dump(&mut out);
                    println!("{path}\t{index}\t{}\t{:08x}", statement.span.line, hash(&out));
                }
            }
            Err(error) => println!("{path}\t-\t{error}"),
        }
    }
}

fn full(path: &str, line: u32) {
    match statements(path) {
        Ok(body) => {
            for statement in body.iter().filter(|statement| statement.span.line == line) {
                let mut out = String::new();
                statement.dump(&mut out);
                println!("{out}");
            }
        }
        Err(error) => println!("{error}"),
    }
}

fn time(paths: &[String]) {
    let sources: Vec<Vec<u8>> = paths.iter().filter_map(|path| std::fs::read(path).ok()).collect();
    let size: usize = sources.iter().map(Vec::len).sum();
    let options = ParseOptions::default();
    for _ in 0..5 {
        let start = Instant::now();
        let good = sources
            .iter()
            .filter(|bytes| parse(&Source::Bytes(bytes), Mode::Module, &options).is_ok())
            .count();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{good} of {} files, {size} bytes, {seconds:.3} s, {:.1} MB/s",
            sources.len(),
            size as f64 / 1e6 / seconds
        );
    }
}

fn errors(mode: &str, path: &str) {
    let sources = std::fs::read(path).unwrap_or_default();
    let mut options = ParseOptions::default();
    let mode = match mode {
        "eval" => Mode::Expression,
        "single" => Mode::Interactive,
        "func_type" => Mode::FunctionType,
        "incomplete" => {
            options.allow_incomplete_input = true;
            options.dont_imply_dedent = true;
            Mode::Interactive
        }
        "type_comments" => {
            options.type_comments = true;
            Mode::Module
        }
        _ => {
            if let Some(minor) = mode.strip_prefix("3.") {
                options.feature_version = minor.parse().unwrap_or_default();
            }
            Mode::Module
        }
    };
    for source in sources.split(|&byte| byte == 0) {
        let (line, warnings) = match parse(&Source::Bytes(source), mode, &options) {
            Ok(parsed) => {
                let mut out = String::new();
                parsed.tree.dump(&mut out);
                (format!("ok {:08x}", hash(&out)), parsed.warnings)
            }
            Err(e) => {
                let text = e.text.as_deref().map_or("None".to_owned(), |text| format!("{text:?}"));
                let place = format!("{}\t{}\t{}\t{}", e.line, e.column, e.end_line, e.end_column);
                (format!("{:?}\t{:?}\t{place}\t{text}", e.kind, e.message), e.warnings)
            }
        };
        let warnings: Vec<String> =
            warnings.iter().map(|warning| format!("{}:{:?}", warning.line, warning.message)).collect();
        println!("{line}\t{}", warnings.join("|"));
    }
}

//! Code of unknown origin: what the fuzz targets, and a look at what they start from, have found.

use rspy_code::{CodeObject, Text, marshal, verify};
use rspy_compiler::{CompileOptions, compile};
use rspy_syntax::{ParseOptions, Source, parse_module};

fn code(source: &str) -> CodeObject {
    let parsed = parse_module(&Source::Text(source), &ParseOptions::default()).unwrap();
    let compiled = compile(&parsed.tree, &Text::from("x.py"), &CompileOptions::default()).unwrap();
    (*compiled.code).clone()
}

#[test]
fn counts_of_parameters_may_be_anything() {
    let code = CodeObject { arg_count: u32::MAX, keyword_only_arg_count: u32::MAX, ..code("x = 1") };
    assert!(code.total_arg_count() > u32::MAX as usize);
    let _ = verify::verify_code(&code);
}

#[test]
fn announced_items_take_no_memory() {
    // A thousand tuples, each in the one before, and each said to have as many items as there are bytes.
    let mut bytes = Vec::new();
    for _ in 0..1000 {
        bytes.push(b'(' | 0x80);
        bytes.extend_from_slice(&1_000_000_i32.to_le_bytes());
    }
    bytes.resize(1_000_000, b'N');
    assert!(marshal::load(&bytes).is_err());
}

#[test]
fn frozen_sets_are_written_in_linear_time() {
    let sets: String = (0..20_000).map(|number| format!("x in {{{number}, {number}.5}}\n")).collect();
    assert!(!marshal::dump(&code(&sets), marshal::VERSION).unwrap().is_empty());
}

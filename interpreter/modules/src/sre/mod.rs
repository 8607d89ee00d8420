//! The module `_sre`: the engine behind `re`.
//!
//! `re._compiler` turns a pattern into a list of numbers. [`program`] checks such a list and translates it,
//! [`engine`] runs the result over text; neither knows anything of Python objects. On top lie the types that Python
//! sees: [`pattern::Pattern`], [`found::Match`], [`scanner::Scanner`] and [`template::Template`].

pub mod analysis;
pub mod characters;
pub mod charset;
pub mod engine;
pub mod found;
pub mod pattern;
pub mod program;
pub mod scanner;
mod subject;
pub mod template;
pub mod words;

use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::native_module;
use rspy_runtime::object::{Object, Payload, Ref};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::int;
use rspy_runtime::types::list::List;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use found::Match;
use pattern::Pattern;
use scanner::Scanner;
use template::Template;

/// The functions of the module.
struct Sre;

#[pyfunctions]
impl Sre {
    /// Make a pattern from the code list of the library's compiler.
    #[function("compile(pattern, flags, code, groups, groupindex, indexgroup)")]
    fn compile(
        vm: &Vm,
        pattern: &Value,
        flags: i32,
        code: &Object<List>,
        groups: isize,
        groupindex: &Object<Dict>,
        indexgroup: &Object<Tuple>,
    ) -> PyResult<Ref<Pattern>> {
        let words = code.to_vec().iter().map(|word| code_word(vm, word)).collect::<PyResult<Vec<u32>>>()?;
        Pattern::compile(vm, pattern, flags, words, groups, groupindex, indexgroup)
    }

    /// Make a replacement template from literals and group numbers in turn.
    #[function("template(pattern, template, /)")]
    fn template(vm: &Vm, _pattern: &Value, template: &Object<List>) -> PyResult<Ref<Template>> {
        Template::from_list(vm, &template.to_vec())
    }

    /// The bytes of a word of a code list.
    #[function("getcodesize()")]
    fn getcodesize() -> i32 {
        4
    }

    /// Whether an ASCII character has two cases.
    #[function("ascii_iscased(character, /)")]
    fn ascii_iscased(character: i32) -> bool {
        u8::try_from(character).is_ok_and(|c| c.is_ascii_alphabetic())
    }

    /// The lower case of an ASCII character.
    #[function("ascii_tolower(character, /)")]
    fn ascii_tolower(character: i32) -> i32 {
        characters::lower_ascii(character as u32) as i32
    }

    /// Whether a character has two cases.
    #[function("unicode_iscased(character, /)")]
    fn unicode_iscased(character: i32) -> bool {
        let c = character as u32;
        characters::lower_unicode(c) != c || characters::upper_unicode(c) != c
    }

    /// The lower case of a character.
    #[function("unicode_tolower(character, /)")]
    fn unicode_tolower(character: i32) -> i32 {
        characters::lower_unicode(character as u32) as i32
    }
}

/// A word of a code list.
fn code_word(vm: &Vm, word: &Value) -> PyResult<u32> {
    if let Some(Ok(word)) = word.small_int().map(u32::try_from) {
        return Ok(word);
    }
    if !int::is_int(word) {
        return Err(vm.type_error("an integer is required"));
    }
    if int::sign(word) < 0 {
        return Err(vm.overflow_error("can't convert negative value to unsigned int"));
    }
    match int::small_value(word).map(u32::try_from) {
        Some(Ok(word)) => Ok(word),
        _ => Err(vm.overflow_error("regular expression code size limit exceeded")),
    }
}

native_module! {
    name: "_sre", doc: "",
    functions: [Sre::FUNCTIONS], types: [],
    execute: |vm, module| {
        for typ in [Pattern::static_type(), Match::static_type(), Scanner::static_type(), Template::static_type()] {
            typ.ready(vm);
        }
        module.set_int(vm, "MAGIC", i64::from(words::MAGIC));
        module.set_int(vm, "CODESIZE", 4);
        module.set_int(vm, "MAXREPEAT", i64::from(words::MAXREPEAT));
        module.set_int(vm, "MAXGROUPS", i64::from(words::MAXGROUPS));
        module.set_str(vm, "copyright", " SRE 2.2.2 Copyright (c) 1997-2002 by Secret Labs AB ");
        Ok(())
    }
}

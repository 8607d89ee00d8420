//! `_sre.SRE_Template`: a replacement text with references to groups.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer;
use rspy_runtime::exceptions::{Exception, PyResult};
use rspy_runtime::import;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::bytes::Bytes;
use rspy_runtime::types::int;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::found::Match;
use super::pattern::Pattern;
use super::subject::{Piece, Search, Subject, join};

/// A replacement text with references to groups.
#[pyclass(name = "SRE_Template", module = "_sre", tracked, no_new)]
pub struct Template {
    first: Value,
    /// Numbers of groups, each with the literal behind it, if there is one.
    #[untraced]
    numbers: Box<[usize]>,
    literals: Vec<Option<Value>>,
}

impl Template {
    /// A template from a list of literals and group numbers in turn.
    pub fn from_list(vm: &Vm, items: &[Value]) -> PyResult<Ref<Template>> {
        let invalid = || vm.type_error("invalid template");
        let Some((first, rest)) = items.split_first() else { return Err(invalid()) };
        if rest.len() % 2 != 0 {
            return Err(invalid());
        }
        let mut numbers = Vec::with_capacity(rest.len() / 2);
        let mut literals = Vec::with_capacity(rest.len() / 2);
        for pair in rest.chunks_exact(2) {
            if !int::is_int(&pair[0]) {
                return Err(vm.type_error("an integer is required"));
            }
            let number = int::to_fixed::<isize>(vm, &pair[0], "ssize_t")?;
            numbers.push(usize::try_from(number).map_err(|_| invalid())?);
            literals.push(if is_empty(&pair[1]) { None } else { Some(pair[1].clone()) });
        }
        Ok(Object::new(Template { first: first.clone(), numbers: numbers.into(), literals }))
    }

    /// The template of a replacement text, which the library compiles and remembers.
    pub fn compile(vm: &Vm, pattern: &Object<Pattern>, text: &Value) -> PyResult<Ref<Template>> {
        let function = vm.get_attribute_str(&import::import_module(vm, "re")?, "_compile_template")?;
        let compile = |text: Value| vm.call(&function, &[pattern.to_value(), text]);
        let made = match compile(text.clone()) {
            Err(error) if error.is_type_error() => compile(plain(vm, text, error)?)?,
            result => result?,
        };
        made.downcast_into::<Template>().map_err(|other| {
            vm.runtime_error(format!("the result of compiling a replacement string is {}", other.type_of().full_name()))
        })
    }

    /// The text, if there are no groups in it.
    pub fn as_literal(&self) -> Option<Value> {
        self.numbers.is_empty().then(|| self.first.clone())
    }

    /// The pieces with the groups of the match that a search has just found.
    pub fn expand_into(&self, vm: &Vm, search: &Search<'_>, pieces: &mut Vec<Piece>) -> PyResult<()> {
        if !is_empty(&self.first) {
            pieces.push(Piece::Object(self.first.clone()));
        }
        for (&number, literal) in self.numbers.iter().zip(&self.literals) {
            let region = match number {
                0 => Some((search.state.start, search.state.end)),
                _ if number > search.pattern.group_count() => return Err(vm.index_error("no such group")),
                _ => search.state.group(number - 1),
            };
            pieces.extend(region.map(|(start, end)| Piece::Part(start, end)));
            pieces.extend(literal.clone().map(Piece::Object));
        }
        Ok(())
    }

    /// The text with the groups of a match.
    pub fn expand(&self, vm: &Vm, found: &Match) -> PyResult {
        if let Some(literal) = self.as_literal() {
            return Ok(literal);
        }
        let mut pieces = Vec::new();
        if !is_empty(&self.first) {
            pieces.push(Piece::Object(self.first.clone()));
        }
        for (&number, literal) in self.numbers.iter().zip(&self.literals) {
            pieces.extend(found.group_by_number(vm, number)?.map(Piece::Object));
            pieces.extend(literal.clone().map(Piece::Object));
        }
        join(vm, &Subject::new(vm, found.subject())?, &pieces)
    }
}

#[pymethods]
impl Template {}

/// Whether a literal is empty.
fn is_empty(literal: &Value) -> bool {
    match literal.downcast::<Str>() {
        Some(text) => text.length() == 0,
        None => literal.downcast::<Bytes>().is_some_and(|bytes| bytes.is_empty()),
    }
}

/// The text as plain `str` or `bytes`, which can be hashed; where it is that already, the error stands.
fn plain(vm: &Vm, text: &Value, error: Exception) -> PyResult {
    if let Some(text) = text.downcast::<Str>() {
        return if text.as_value().downcast_exact::<Str>().is_some() { Err(error) } else { Ok(text.to_exact().into_value()) };
    }
    if text.downcast_exact::<Bytes>().is_some() || !buffer::has_buffer(text) {
        return Err(error);
    }
    Ok(Bytes::new(buffer::view(vm, text)?.to_vec()).into_value())
}

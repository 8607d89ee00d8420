//! `re.Pattern`: a compiled regular expression.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::buffer;
use rspy_runtime::cell::GilCell;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::slots::Comparison;
use rspy_runtime::types::bool::boolean;
use rspy_runtime::types::descriptors::MappingProxy;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::iterators::CallableIterator;
use rspy_runtime::types::list::List;
use rspy_runtime::types::none::{is_none, none, not_implemented};
use rspy_runtime::types::string::hash::hash_bytes;
use rspy_runtime::types::string::{Characters, Str};
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::types::generic_alias;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::engine::{Mode, State};
use super::found::Match;
use super::program::Program;
use super::scanner::Scanner;
use super::subject::{Piece, Search, Subject, join};
use super::template::Template;
use super::words::{MAXGROUPS, flag};

/// Compiled regular expression object.
#[pyclass(name = "Pattern", module = "re", tracked, weak, no_new)]
pub struct Pattern {
    pattern: Value,
    groupindex: Ref<Dict>,
    indexgroup: Ref<Tuple>,
    flags: i32,
    groups: usize,
    /// Whether it is made for bytes; nothing if it was made from no text at all.
    is_bytes: Option<bool>,
    code: Vec<u32>,
    #[untraced]
    program: Program,
    /// The stacks of the last match, to be used again.
    #[untraced]
    spare: GilCell<Option<Box<State>>>,
}

impl Pattern {
    /// A pattern from a code list.
    pub fn compile(
        vm: &Vm,
        pattern: &Value,
        flags: i32,
        code: Vec<u32>,
        groups: isize,
        groupindex: &Object<Dict>,
        indexgroup: &Object<Tuple>,
    ) -> PyResult<Ref<Pattern>> {
        let is_bytes = if is_none(pattern) { None } else { Some(Subject::new(vm, pattern)?.is_bytes()) };
        let invalid = || vm.runtime_error("invalid SRE code");
        let groups = usize::try_from(groups).ok().filter(|&groups| groups <= MAXGROUPS as usize).ok_or_else(invalid)?;
        let program = Program::new(&code, groups).map_err(|_| invalid())?;
        Ok(Object::new(Pattern {
            pattern: pattern.clone(),
            groupindex: groupindex.to_ref(),
            indexgroup: indexgroup.to_ref(),
            flags,
            groups,
            is_bytes,
            code,
            program,
            spare: GilCell::new(None),
        }))
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How many groups it has.
    pub fn group_count(&self) -> usize {
        self.groups
    }

    /// The numbers of named groups.
    pub fn group_numbers(&self) -> &Object<Dict> {
        &self.groupindex
    }

    /// The name of a group.
    pub fn group_name(&self, number: usize) -> Value {
        self.indexgroup.items().get(number).cloned().unwrap_or_else(none)
    }

    /// Stacks for a match.
    pub fn take_state(&self) -> Box<State> {
        self.spare.take().unwrap_or_default()
    }

    /// Keeps the stacks of a match for the next one.
    pub fn give_back_state(&self, state: Box<State>) {
        if state.is_small() {
            self.spare.set(Some(state));
        }
    }

    /// Whether the pattern can be applied to what there is.
    pub fn check_kind(&self, vm: &Vm, subject: &Subject) -> PyResult<()> {
        match (subject.is_bytes(), self.is_bytes) {
            (true, Some(false)) => Err(vm.type_error("cannot use a string pattern on a bytes-like object")),
            (false, Some(true)) => Err(vm.type_error("cannot use a bytes pattern on a string-like object")),
            _ => Ok(()),
        }
    }

    fn once(this: &Object<Pattern>, vm: &Vm, string: &Value, range: (isize, Option<isize>), mode: Mode) -> PyResult {
        let mut search = Search::new(vm, this, string, range.0, range.1.unwrap_or(isize::MAX))?;
        Ok(if search.run(vm, mode)? { Match::of_search(&search).into_value() } else { none() })
    }

    /// What replaces matches: an object as it is, a template, or a function.
    fn replacement(this: &Object<Pattern>, vm: &Vm, repl: &Value) -> PyResult<Replacement> {
        if vm.is_callable(repl) {
            return Ok(Replacement::Function(repl.clone()));
        }
        let literal = match repl.downcast::<Str>() {
            Some(text) => match text.characters() {
                Characters::One(data) => memchr::memchr(b'\\', data).is_none(),
                other => other.iter().all(|c| c != '\\' as u32),
            },
            None => match buffer::view(vm, repl) {
                Ok(view) => memchr::memchr(b'\\', view.as_slice()).is_none(),
                Err(_) => false,
            },
        };
        if literal {
            return Ok(Replacement::Literal(repl.clone()));
        }
        let template = Template::compile(vm, this, repl)?;
        Ok(match template.as_literal() {
            Some(literal) => Replacement::Literal(literal),
            None => Replacement::Template(template),
        })
    }

    /// The string with matches replaced, and how many there were.
    fn substitute(this: &Object<Pattern>, vm: &Vm, repl: &Value, string: &Value, count: isize) -> PyResult<(Value, usize)> {
        let replacement = Pattern::replacement(this, vm, repl)?;
        let mut search = Search::new(vm, this, string, 0, isize::MAX)?;
        let mut pieces = Vec::new();
        let mut done = 0;
        let mut number = 0usize;
        while (count == 0 || (number as isize) < count) && search.advance(vm)? {
            let (start, end) = (search.state.start, search.state.end);
            if done < start {
                pieces.push(Piece::Part(done, start));
            }
            match &replacement {
                Replacement::Literal(literal) => pieces.push(Piece::Object(literal.clone())),
                Replacement::Template(template) => template.expand_into(vm, &search, &mut pieces)?,
                Replacement::Function(function) => {
                    let item = vm.call(function, &[Match::of_search(&search).into_value()])?;
                    if !is_none(&item) {
                        pieces.push(Piece::Object(item));
                    }
                }
            }
            done = end;
            number += 1;
        }
        if number == 0 {
            return Ok((search.slice(0, search.end), 0));
        }
        if done < search.end {
            pieces.push(Piece::Part(done, search.end));
        }
        Ok((join(vm, &search.subject, &pieces)?, number))
    }
}

enum Replacement {
    Literal(Value),
    Template(Ref<Template>),
    Function(Value),
}

#[pymethods]
impl Pattern {
    /// The pattern string from which the RE object was compiled.
    #[getter("pattern", member)]
    fn pattern(&self) -> Value {
        self.pattern.clone()
    }

    /// The regex matching flags.
    #[getter("flags", member)]
    fn flags(&self) -> i32 {
        self.flags
    }

    /// The number of capturing groups in the pattern.
    #[getter("groups", member)]
    fn groups(&self) -> usize {
        self.groups
    }

    /// A dictionary mapping group names to group numbers.
    #[getter("groupindex")]
    fn groupindex(&self) -> Value {
        MappingProxy::new(self.groupindex.to_value())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult<String> {
        let mut flags = self.flags;
        // Text is matched as Unicode unless something else is said.
        if self.is_bytes == Some(false) && flags & (flag::LOCALE | flag::UNICODE | flag::ASCII) == flag::UNICODE {
            flags &= !flag::UNICODE;
        }
        let mut shown = Vec::new();
        for (bit, name) in [
            (flag::IGNORECASE, "re.IGNORECASE"),
            (flag::LOCALE, "re.LOCALE"),
            (flag::MULTILINE, "re.MULTILINE"),
            (flag::DOTALL, "re.DOTALL"),
            (flag::UNICODE, "re.UNICODE"),
            (flag::VERBOSE, "re.VERBOSE"),
            (flag::DEBUG, "re.DEBUG"),
            (flag::ASCII, "re.ASCII"),
        ] {
            if flags & bit != 0 {
                shown.push(name.to_owned());
                flags &= !bit;
            }
        }
        if flags != 0 {
            shown.push(format!("{flags:#x}"));
        }
        let pattern = vm.repr(&self.pattern)?;
        let pattern = pattern.slice(0, pattern.length().min(200));
        let pattern = pattern.to_string_lossy();
        Ok(if shown.is_empty() { format!("re.compile({pattern})") } else { format!("re.compile({pattern}, {})", shown.join("|")) })
    }

    #[slot(hash)]
    fn hash(&self, vm: &Vm) -> PyResult<i64> {
        let code: Vec<u8> = self.code.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let is_bytes = self.is_bytes.map_or(-1, i64::from);
        let hash = hash_bytes(&code) ^ vm.hash(&self.pattern)? ^ i64::from(self.flags) ^ is_bytes ^ self.groups as i64;
        Ok(if hash == -1 { -2 } else { hash })
    }

    #[slot(compare)]
    fn compare(this: &Object<Pattern>, vm: &Vm, other: &Value, comparison: Comparison) -> PyResult {
        let wanted = match comparison {
            Comparison::Equal => true,
            Comparison::NotEqual => false,
            _ => return Ok(not_implemented()),
        };
        let Some(other) = other.downcast_exact::<Pattern>() else { return Ok(not_implemented()) };
        let equal = std::ptr::eq(this, other)
            || (this.flags == other.flags
                && this.is_bytes == other.is_bytes
                && this.code == other.code
                // The text can differ where the code is the same.
                && vm.equal(&this.pattern, &other.pattern)?);
        Ok(boolean(equal == wanted))
    }

    /// Matches zero or more characters at the beginning of the string.
    #[method("match(self, string, pos=0, endpos=sys.maxsize)")]
    fn match_(this: &Object<Pattern>, vm: &Vm, string: &Value, pos: isize, endpos: Option<isize>) -> PyResult {
        Pattern::once(this, vm, string, (pos, endpos), Mode::Match)
    }

    /// Matches against all of the string.
    #[method("fullmatch(self, string, pos=0, endpos=sys.maxsize)")]
    fn fullmatch(this: &Object<Pattern>, vm: &Vm, string: &Value, pos: isize, endpos: Option<isize>) -> PyResult {
        Pattern::once(this, vm, string, (pos, endpos), Mode::Full)
    }

    /// Scan through string looking for a match, and return a corresponding match object instance.
    ///
    /// Return None if no position in the string matches.
    #[method("search(self, string, pos=0, endpos=sys.maxsize)")]
    fn search(this: &Object<Pattern>, vm: &Vm, string: &Value, pos: isize, endpos: Option<isize>) -> PyResult {
        Pattern::once(this, vm, string, (pos, endpos), Mode::Search)
    }

    /// Return the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the
    /// replacement repl.
    #[method("sub(self, repl, string, count=0)")]
    fn sub(this: &Object<Pattern>, vm: &Vm, repl: &Value, string: &Value, count: isize) -> PyResult {
        Pattern::substitute(this, vm, repl, string, count).map(|(string, _)| string)
    }

    /// Return the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping
    /// occurrences of pattern with the replacement repl.
    #[method("subn(self, repl, string, count=0)")]
    fn subn(this: &Object<Pattern>, vm: &Vm, repl: &Value, string: &Value, count: isize) -> PyResult<(Value, usize)> {
        Pattern::substitute(this, vm, repl, string, count)
    }

    /// Split string by the occurrences of pattern.
    #[method("split(self, string, maxsplit=0)")]
    fn split(this: &Object<Pattern>, vm: &Vm, string: &Value, maxsplit: isize) -> PyResult<Ref<List>> {
        let mut search = Search::new(vm, this, string, 0, isize::MAX)?;
        let mut parts = Vec::new();
        let mut done = 0;
        let mut number = 0;
        while (maxsplit == 0 || number < maxsplit) && search.advance(vm)? {
            parts.push(search.slice(done, search.state.start));
            for group in 1..=this.groups {
                parts.push(search.group(group).unwrap_or_else(none));
            }
            done = search.state.end;
            number += 1;
        }
        parts.push(search.slice(done, search.end));
        Ok(List::from_vec(parts))
    }

    /// Return a list of all non-overlapping matches of pattern in string.
    #[method("findall(self, string, pos=0, endpos=sys.maxsize)")]
    fn findall(this: &Object<Pattern>, vm: &Vm, string: &Value, pos: isize, endpos: Option<isize>) -> PyResult<Ref<List>> {
        let mut search = Search::new(vm, this, string, pos, endpos.unwrap_or(isize::MAX))?;
        let mut found = Vec::new();
        while search.advance(vm)? {
            let group = |number: usize| search.group(number).unwrap_or_else(|| search.subject.empty());
            found.push(match this.groups {
                0 => search.slice(search.state.start, search.state.end),
                1 => group(1),
                groups => Tuple::from_values((1..groups + 1).map(group)).into_value(),
            });
        }
        Ok(List::from_vec(found))
    }

    /// Return an iterator over all non-overlapping matches for the RE pattern in string.
    ///
    /// For each match, the iterator returns a match object.
    #[method("finditer(self, string, pos=0, endpos=sys.maxsize)")]
    fn finditer(this: &Object<Pattern>, vm: &Vm, string: &Value, pos: isize, endpos: Option<isize>) -> PyResult {
        let scanner = Scanner::new(vm, this, string, pos, endpos.unwrap_or(isize::MAX))?.into_value();
        let search = vm.get_attribute_str(&scanner, "search")?;
        Ok(CallableIterator::new(search, none()).into_value())
    }

    #[method("scanner(self, string, pos=0, endpos=sys.maxsize)")]
    fn scanner(this: &Object<Pattern>, vm: &Vm, string: &Value, pos: isize, endpos: Option<isize>) -> PyResult<Ref<Scanner>> {
        Scanner::new(vm, this, string, pos, endpos.unwrap_or(isize::MAX))
    }

    #[method("__copy__(self, /)")]
    fn copy(this: &Value) -> Value {
        this.clone()
    }

    #[method("__deepcopy__(self, memo, /)")]
    fn deepcopy(this: &Value, _memo: &Value) -> Value {
        this.clone()
    }

    /// Patterns are generic over the type of string they handle (str or bytes).
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }
}

//! `re.Match`: what a pattern has matched.

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref, TypeObject};
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::generic_alias;
use rspy_runtime::types::int;
use rspy_runtime::types::none::none;
use rspy_runtime::types::tuple::Tuple;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::pattern::Pattern;
use super::subject::{Search, Subject};
use super::template::Template;

/// The result of re.match() and re.search().
/// Match objects always have a boolean value of True.
#[pyclass(name = "Match", module = "re", tracked, no_new)]
pub struct Match {
    pattern: Ref<Pattern>,
    string: Value,
    pos: usize,
    endpos: usize,
    last_group: Option<usize>,
    /// Where the groups begin and end, -1 for those that have not matched; the first is the whole match.
    #[untraced]
    regions: Box<[(isize, isize)]>,
}

impl Match {
    /// The match that a search has just found.
    pub fn of_search(search: &Search<'_>) -> Ref<Match> {
        let state = &*search.state;
        let mut regions = Vec::with_capacity(search.pattern.group_count() + 1);
        regions.push((state.start as isize, state.end as isize));
        regions.extend((0..search.pattern.group_count()).map(|group| match state.group(group) {
            Some((start, end)) => (start as isize, end as isize),
            None => (-1, -1),
        }));
        Object::new(Match {
            pattern: search.pattern.to_ref(),
            string: search.string.clone(),
            pos: search.first,
            endpos: search.end,
            last_group: state.last_group().map(|group| group as usize),
            regions: regions.into_boxed_slice(),
        })
    }

    /// The number of the group that a number or name means.
    fn group_number(&self, vm: &Vm, group: &Value) -> PyResult<usize> {
        let number = if group.type_of().slots().index.get().is_some() {
            int::small_value(&vm.index(group)?)
        } else {
            match self.pattern.group_numbers().get(vm, group)? {
                Some(number) if int::is_int(&number) => int::small_value(&number),
                _ => None,
            }
        };
        number
            .and_then(|number| usize::try_from(number).ok())
            .filter(|&number| number < self.regions.len())
            .ok_or_else(|| vm.index_error("no such group"))
    }

    fn region(&self, vm: &Vm, group: Option<&Value>) -> PyResult<(isize, isize)> {
        Ok(self.regions[group.map_or(Ok(0), |group| self.group_number(vm, group))?])
    }

    /// What a group has matched.
    fn part(&self, vm: &Vm, number: usize) -> PyResult<Option<Value>> {
        let (start, end) = self.regions[number];
        if start < 0 {
            return Ok(None);
        }
        let subject = Subject::new(vm, &self.string)?;
        let length = subject.len();
        Ok(Some(subject.slice(&self.string, (start as usize).min(length), (end as usize).min(length))))
    }

    fn part_or(&self, vm: &Vm, number: usize, default: &Value) -> PyResult {
        Ok(self.part(vm, number)?.unwrap_or_else(|| default.clone()))
    }

    /// The object that was looked through.
    pub fn subject(&self) -> &Value {
        &self.string
    }

    /// What a group has matched, for a template.
    pub fn group_by_number(&self, vm: &Vm, number: usize) -> PyResult<Option<Value>> {
        if number >= self.regions.len() {
            return Err(vm.index_error("no such group"));
        }
        self.part(vm, number)
    }
}

#[pymethods]
impl Match {
    /// The string passed to match() or search().
    #[getter("string", member)]
    fn string(&self) -> Value {
        self.string.clone()
    }

    /// The regular expression object.
    #[getter("re", member)]
    fn re(&self) -> Ref<Pattern> {
        self.pattern.clone()
    }

    /// The index into the string at which the RE engine started looking for a match.
    #[getter("pos", member)]
    fn pos(&self) -> usize {
        self.pos
    }

    /// The index into the string beyond which the RE engine will not go.
    #[getter("endpos", member)]
    fn endpos(&self) -> usize {
        self.endpos
    }

    /// The integer index of the last matched capturing group.
    #[getter("lastindex")]
    fn lastindex(&self) -> Option<usize> {
        self.last_group
    }

    /// The name of the last matched capturing group.
    #[getter("lastgroup")]
    fn lastgroup(&self) -> Value {
        self.last_group.map_or_else(none, |number| self.pattern.group_name(number))
    }

    #[getter("regs")]
    fn regs(&self, vm: &Vm) -> Ref<Tuple> {
        use rspy_runtime::convert::IntoValue;
        Tuple::from_values(self.regions.iter().map(|&region| region.into_value(vm)).collect::<Vec<_>>())
    }

    #[slot(repr)]
    fn repr(&self, vm: &Vm) -> PyResult<String> {
        let (start, end) = self.regions[0];
        let matched = vm.repr(&self.part_or(vm, 0, &none())?)?;
        Ok(format!("<re.Match object; span=({start}, {end}), match={}>", matched.to_string_lossy()))
    }

    #[slot(get_item)]
    fn get_item(&self, vm: &Vm, group: &Value) -> PyResult {
        self.part_or(vm, self.group_number(vm, group)?, &none())
    }

    /// group([group1, ...]) -> str or tuple.
    ///     Return subgroup(s) of the match by indices or names.
    ///     For 0 returns the entire match.
    #[method("group")]
    fn group(&self, vm: &Vm, args: &[Value], names: rspy_runtime::slots::KeywordNames<'_>) -> PyResult {
        if names.is_some_and(|names| !names.items().is_empty()) {
            return Err(vm.type_error("re.Match.group() takes no keyword arguments"));
        }
        match args {
            [] => self.part_or(vm, 0, &none()),
            [group] => self.get_item(vm, group),
            groups => {
                let parts = groups.iter().map(|group| self.get_item(vm, group)).collect::<PyResult<Vec<_>>>()?;
                Ok(Tuple::from_values(parts).into_value())
            }
        }
    }

    /// Return a tuple containing all the subgroups of the match, from 1.
    #[method("groups(self, default=None)")]
    fn groups(&self, vm: &Vm, default: &Value) -> PyResult<Ref<Tuple>> {
        let parts = (1..self.regions.len()).map(|number| self.part_or(vm, number, default));
        Ok(Tuple::from_values(parts.collect::<PyResult<Vec<_>>>()?))
    }

    /// Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.
    #[method("groupdict(self, default=None)")]
    fn groupdict(&self, vm: &Vm, default: &Value) -> PyResult<Ref<Dict>> {
        let result = Dict::new();
        for name in self.pattern.group_numbers().keys() {
            let number = self.group_number(vm, &name)?;
            result.set(vm, &name, self.part_or(vm, number, default)?)?;
        }
        Ok(result)
    }

    /// Return index of the start of the substring matched by group.
    #[method("start(self, group=0, /)")]
    fn start(&self, vm: &Vm, group: Option<&Value>) -> PyResult<isize> {
        Ok(self.region(vm, group)?.0)
    }

    /// Return index of the end of the substring matched by group.
    #[method("end(self, group=0, /)")]
    fn end(&self, vm: &Vm, group: Option<&Value>) -> PyResult<isize> {
        Ok(self.region(vm, group)?.1)
    }

    /// For match object m, return the 2-tuple (m.start(group), m.end(group)).
    #[method("span(self, group=0, /)")]
    fn span(&self, vm: &Vm, group: Option<&Value>) -> PyResult<(isize, isize)> {
        self.region(vm, group)
    }

    /// Return the string obtained by doing backslash substitution on the string template, as done by the sub()
    /// method.
    #[method("expand(self, template)")]
    fn expand(this: &Object<Match>, vm: &Vm, template: &Value) -> PyResult {
        Template::compile(vm, &this.pattern, template)?.expand(vm, this)
    }

    #[method("__copy__(self, /)")]
    fn copy(this: &Value) -> Value {
        this.clone()
    }

    #[method("__deepcopy__(self, memo, /)")]
    fn deepcopy(this: &Value, _memo: &Value) -> Value {
        this.clone()
    }

    /// Matches are generic over the type of string which was matched (str or bytes).
    #[classmethod("__class_getitem__(type, object, /)")]
    fn class_getitem(vm: &Vm, cls: &TypeObject, object: &Value) -> Value {
        generic_alias::new(vm, &cls.to_value(), object)
    }
}

//! `_sre.SRE_Scanner`: applies a pattern again and again, each time behind the match before.

use std::cell::Cell;

use rspy_macros::{pyclass, pymethods};
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::none::none;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use super::engine::Mode;
use super::found::Match;
use super::pattern::Pattern;
use super::subject::Search;

/// Applies a pattern again and again, each time behind the match before.
#[pyclass(name = "SRE_Scanner", module = "_sre", tracked, no_new)]
pub struct Scanner {
    pattern: Ref<Pattern>,
    string: Value,
    first: usize,
    end: usize,
    /// Where to go on; nothing when no match was found.
    at: Cell<Option<usize>>,
    must_advance: Cell<bool>,
    running: Cell<bool>,
}

impl Scanner {
    /// A scanner between two positions.
    pub fn new(vm: &Vm, pattern: &Object<Pattern>, string: &Value, pos: isize, endpos: isize) -> PyResult<Ref<Scanner>> {
        let search = Search::new(vm, pattern, string, pos, endpos)?;
        Ok(Object::new(Scanner {
            pattern: pattern.to_ref(),
            string: string.clone(),
            first: search.first,
            end: search.end,
            at: Cell::new(Some(search.first)),
            must_advance: Cell::new(false),
            running: Cell::new(false),
        }))
    }

    fn step(&self, vm: &Vm, mode: Mode) -> PyResult {
        if self.running.replace(true) {
            return Err(vm.value_error("regular expression scanner already executing"));
        }
        let result = self.step_alone(vm, mode);
        self.running.set(false);
        result
    }

    fn step_alone(&self, vm: &Vm, mode: Mode) -> PyResult {
        let Some(at) = self.at.get() else { return Ok(none()) };
        let mut search = Search::new(vm, &self.pattern, &self.string, self.first as isize, self.end as isize)?;
        search.at = at;
        search.must_advance = self.must_advance.get();
        if !search.run(vm, mode)? {
            self.at.set(None);
            return Ok(none());
        }
        let found = Match::of_search(&search);
        search.go_on();
        self.at.set(Some(search.at));
        self.must_advance.set(search.must_advance);
        Ok(found.into_value())
    }
}

#[pymethods]
impl Scanner {
    #[getter("pattern", member)]
    fn pattern(&self) -> Ref<Pattern> {
        self.pattern.clone()
    }

    #[method("match(self, /)")]
    fn match_(&self, vm: &Vm) -> PyResult {
        self.step(vm, Mode::Match)
    }

    #[method("search(self, /)")]
    fn search(&self, vm: &Vm) -> PyResult {
        self.step(vm, Mode::Search)
    }
}

//! `_testinternalcapi`: how many variables of each kind a code object has, and whether it needs any of where it is from.

use rspy_code::Opcode;
use rspy_code::code_object::local_kind;
use rspy_macros::pyfunctions;
use rspy_runtime::exceptions::PyResult;
use rspy_runtime::object::{Object, Ref};
use rspy_runtime::types::code::Code;
use rspy_runtime::types::dict::Dict;
use rspy_runtime::types::function::Function;
use rspy_runtime::types::int;
use rspy_runtime::types::set::Set;
use rspy_runtime::types::string::Str;
use rspy_runtime::value::Value;
use rspy_runtime::vm::Vm;

use crate::interpreters::scripts::instructions;

/// The variables of a code object's frames.
#[derive(Default)]
struct Locals {
    total: i64,
    free: i64,
    arguments: i64,
    positional_only: i64,
    positional_or_keyword: i64,
    keyword_only: i64,
    variable_positional: i64,
    variable_keyword: i64,
    pure: i64,
    argument_cells: i64,
    other_cells: i64,
    hidden_pure: i64,
    hidden_cells: i64,
}

impl Locals {
    fn of(code: &Code) -> Locals {
        let mut counts = Locals::default();
        code.body().variable_kinds.iter().for_each(|&kind| counts.add(kind));
        counts
    }

    fn add(&mut self, kind: u8) {
        let is = |bits: u8| kind & bits != 0;
        if is(local_kind::FREE) {
            self.free += 1;
            return;
        }
        self.total += 1;
        let (positional, keyword) = (is(local_kind::ARG_POSITIONAL), is(local_kind::ARG_KEYWORD));
        if positional || keyword {
            self.arguments += 1;
            *match (is(local_kind::ARG_VARIABLE), positional, keyword) {
                (true, true, _) => &mut self.variable_positional,
                (true, false, _) => &mut self.variable_keyword,
                (false, true, true) => &mut self.positional_or_keyword,
                (false, true, false) => &mut self.positional_only,
                (false, false, _) => &mut self.keyword_only,
            } += 1;
            self.argument_cells += i64::from(is(local_kind::CELL));
        } else if is(local_kind::CELL) {
            self.other_cells += 1;
            self.hidden_cells += i64::from(is(local_kind::HIDDEN));
        } else {
            self.pure += 1;
            self.hidden_pure += i64::from(is(local_kind::HIDDEN));
        }
    }

    fn describe(&self, vm: &Vm) -> Ref<Dict> {
        let arguments = numbers(
            vm,
            &[
                ("total", self.arguments),
                ("numposonly", self.positional_only),
                ("numposorkw", self.positional_or_keyword),
                ("numkwonly", self.keyword_only),
                ("varargs", self.variable_positional),
                ("varkwargs", self.variable_keyword),
            ],
        );
        let cells = numbers(
            vm,
            &[
                ("total", self.argument_cells + self.other_cells),
                ("numargs", self.argument_cells),
                ("numothers", self.other_cells),
            ],
        );
        let hidden = numbers(
            vm,
            &[
                ("total", self.hidden_pure + self.hidden_cells),
                ("numpure", self.hidden_pure),
                ("numcells", self.hidden_cells),
            ],
        );
        let described = numbers(vm, &[("total", self.total)]);
        described.set_str(&vm.intern("args"), arguments.into_value());
        described.set_str(&vm.intern("numpure"), int::new(self.pure));
        described.set_str(&vm.intern("cells"), cells.into_value());
        described.set_str(&vm.intern("hidden"), hidden.into_value());
        described
    }
}

/// Where names are looked up, and the names that were met already.
struct Surroundings<'a> {
    globals: Option<Ref<Dict>>,
    builtins: Option<Ref<Dict>>,
    global_names: Option<&'a Object<Set>>,
    attribute_names: Option<&'a Object<Set>>,
}

/// The names that a code object looks up elsewhere.
#[derive(Default)]
struct Unbound {
    total: i64,
    attributes: i64,
    globals: i64,
    builtins: i64,
    unknown_globals: i64,
}

impl Unbound {
    fn of(vm: &Vm, code: &Object<Code>, surroundings: &Surroundings<'_>) -> PyResult<Unbound> {
        let (own_globals, own_attributes) = (Set::new(), Set::new());
        let globals = surroundings.global_names.map_or(own_globals, Object::to_ref);
        let attributes = surroundings.attribute_names.map_or(own_attributes, Object::to_ref);
        let mut counts = Unbound { total: code.body().names.items().len() as i64, ..Unbound::default() };
        for instruction in instructions(vm, code)? {
            let index = instruction.argument >> 1;
            let Some(name) = code.body().names.items().get(index) else { continue };
            let (own, other) = match instruction.opcode {
                Opcode::LoadAttr => (&attributes, &globals),
                Opcode::LoadGlobal => (&globals, &attributes),
                _ => continue,
            };
            if own.contains(vm, name)? {
                continue;
            }
            // A name may be that of an attribute and of a global.
            counts.total += i64::from(other.contains(vm, name)?);
            own.add(vm, name)?;
            if instruction.opcode == Opcode::LoadAttr {
                counts.attributes += 1;
                continue;
            }
            let name = name.downcast::<Str>();
            let knows = |names: &Option<Ref<Dict>>| {
                names.as_ref().zip(name).is_some_and(|(names, name)| names.contains_str(name))
            };
            *if knows(&surroundings.globals) {
                &mut counts.globals
            } else if knows(&surroundings.builtins) {
                &mut counts.builtins
            } else {
                &mut counts.unknown_globals
            } += 1;
        }
        Ok(counts)
    }

    fn all_globals(&self) -> i64 {
        self.globals + self.builtins + self.unknown_globals
    }

    fn describe(&self, vm: &Vm) -> Ref<Dict> {
        let globals = numbers(
            vm,
            &[
                ("total", self.all_globals()),
                ("numglobal", self.globals),
                ("numbuiltin", self.builtins),
                ("numunknown", self.unknown_globals),
            ],
        );
        let unknown = self.total - self.attributes - self.all_globals();
        let described =
            numbers(vm, &[("total", self.total), ("numattrs", self.attributes), ("numunknown", unknown)]);
        described.set_str(&vm.intern("globals"), globals.into_value());
        described
    }
}

fn numbers(vm: &Vm, pairs: &[(&str, i64)]) -> Ref<Dict> {
    let dict = Dict::new();
    for (name, number) in pairs {
        dict.set_str(&vm.intern(name), int::new(*number));
    }
    dict
}

/// The code of a code object or a function, and where a function's names are looked up if nothing else is said.
fn code_argument(
    vm: &Vm,
    object: &Value,
    globals: Option<Ref<Dict>>,
    builtins: Option<Ref<Dict>>,
) -> PyResult<(Ref<Code>, Option<Ref<Dict>>, Option<Ref<Dict>>)> {
    if let Some(function) = object.downcast::<Function>() {
        let globals = globals.unwrap_or_else(|| function.globals().to_ref());
        let builtins = builtins.unwrap_or_else(|| function.builtins().to_ref());
        return Ok((function.code().to_ref(), Some(globals), Some(builtins)));
    }
    match object.downcast::<Code>() {
        Some(code) => Ok((code.to_ref(), globals, builtins)),
        None => Err(vm.type_error("argument must be a code object or a function")),
    }
}

/// The functions.
pub struct Functions;

#[pyfunctions]
impl Functions {
    #[function(
        "get_code_var_counts(code, globalnames=None, attrnames=None, globalsns=None, builtinsns=None)"
    )]
    fn get_code_var_counts(
        vm: &Vm,
        code: &Value,
        globalnames: Option<&Object<Set>>,
        attrnames: Option<&Object<Set>>,
        globalsns: Option<Ref<Dict>>,
        builtinsns: Option<Ref<Dict>>,
    ) -> PyResult<Ref<Dict>> {
        let (code, globals, builtins) = code_argument(vm, code, globalsns, builtinsns)?;
        let surroundings =
            Surroundings { globals, builtins, global_names: globalnames, attribute_names: attrnames };
        let locals = Locals::of(&code);
        let unbound = Unbound::of(vm, &code, &surroundings)?;
        let counts = numbers(vm, &[("total", locals.total + locals.free + unbound.total)]);
        counts.set_str(&vm.intern("locals"), locals.describe(vm).into_value());
        counts.set_str(&vm.intern("numfree"), int::new(locals.free));
        counts.set_str(&vm.intern("unbound"), unbound.describe(vm).into_value());
        Ok(counts)
    }

    #[function("verify_stateless_code(code, globalnames=None, globalsns=None, builtinsns=None)")]
    fn verify_stateless_code(
        vm: &Vm,
        code: &Value,
        globalnames: Option<&Object<Set>>,
        globalsns: Option<Ref<Dict>>,
        builtinsns: Option<Ref<Dict>>,
    ) -> PyResult<()> {
        let (code, globals, builtins) = code_argument(vm, code, globalsns, builtinsns)?;
        if Locals::of(&code).free > 0 {
            return Err(vm.value_error("closures not supported"));
        }
        let surroundings =
            Surroundings { globals, builtins, global_names: globalnames, attribute_names: None };
        let unbound = Unbound::of(vm, &code, &surroundings)?;
        if unbound.globals > 0 || unbound.builtins > 0 && unbound.unknown_globals > 0 {
            return Err(vm.value_error("globals not supported"));
        }
        Ok(())
    }
}

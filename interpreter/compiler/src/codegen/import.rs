//! Imports.

use rspy_code::operation::UnaryIntrinsic;
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{Alias, ExprContext, Name};

use super::Generator;
use crate::names::{self, NameId};
use crate::op::Op;

impl Generator<'_> {
    pub(super) fn import(&mut self, aliases: &[Alias], place: Location) {
        for alias in aliases {
            self.load_constant(Constant::Int(0), place);
            self.load_constant(Constant::None, place);
            self.emit_name(Op::IMPORT_NAME, &alias.name, place);
            match &alias.asname {
                Some(bound) => self.bind_submodule(&alias.name, bound, place),
                None => {
                    let package = alias.name.split('.').next().unwrap_or_default();
                    let package = self.names.intern(package);
                    self.name(package, ExprContext::Store, place);
                }
            }
        }
    }

    /// `import a.b.c as name`: the import gives `a`, so `b` and `c` are taken from it.
    fn bind_submodule(&mut self, module: &Name, bound: &Name, place: Location) {
        let bound = self.intern(bound);
        let mut attributes = module.split('.').skip(1).peekable();
        if attributes.peek().is_none() {
            self.name(bound, ExprContext::Store, place);
            return;
        }
        while let Some(attribute) = attributes.next() {
            let attribute = self.names.intern(attribute);
            let index = self.unit().names.add(attribute);
            self.emit_argument(Op::IMPORT_FROM, index, place);
            if attributes.peek().is_some() {
                self.emit_argument(Op::SWAP, 2, place);
                self.emit(Op::POP_TOP, place);
            }
        }
        self.name(bound, ExprContext::Store, place);
        self.emit(Op::POP_TOP, place);
    }

    pub(super) fn import_from(
        &mut self,
        module: Option<&Name>,
        aliases: &[Alias],
        level: i32,
        place: Location,
    ) {
        self.load_constant(Constant::Int(i64::from(level)), place);
        let imported: Vec<NameId> = aliases.iter().map(|alias| self.names.intern(&alias.name)).collect();
        self.load_names(imported, place);
        let module = module.map_or(names::EMPTY, |module| self.names.intern(module));
        self.emit_name_shifted(Op::IMPORT_NAME, module, 0, 0, place);
        for (index, alias) in aliases.iter().enumerate() {
            if index == 0 && alias.name.starts_with('*') {
                self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::ImportStar as i32, place);
                self.emit(Op::POP_TOP, Location::NONE);
                return;
            }
            self.emit_name(Op::IMPORT_FROM, &alias.name, place);
            let bound = self.names.intern(alias.asname.as_ref().unwrap_or(&alias.name));
            self.name(bound, ExprContext::Store, place);
        }
        self.emit(Op::POP_TOP, place);
    }
}

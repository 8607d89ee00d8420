//! Future statements: which features they turn on, and which do not exist.

use rspy_code::Location;
use rspy_code::code_object::flags;
use rspy_syntax::ast::{Alias, Mod, StmtKind};

use crate::docstring::has_docstring;
use crate::error::{Result, syntax_error};
use crate::symtable::location;

/// The future features of a module.
#[derive(Clone, Copy, Debug)]
pub struct Futures {
    /// `from __future__ import annotations`
    pub annotations: bool,
    /// `from __future__ import barry_as_FLUFL`
    pub barry_as_flufl: bool,
    /// Where the last future statement stands.
    pub location: Location,
}

impl Futures {
    /// The features that the flags of a code object stand for.
    pub fn from_flags(code_flags: u32) -> Self {
        Self {
            annotations: code_flags & flags::FUTURE_ANNOTATIONS != 0,
            barry_as_flufl: code_flags & flags::FUTURE_BARRY_AS_BDFL != 0,
            location: Location::NONE,
        }
    }

    /// The flags that stand for these features.
    pub fn flags(self) -> u32 {
        let annotations = if self.annotations { flags::FUTURE_ANNOTATIONS } else { 0 };
        let barry = if self.barry_as_flufl { flags::FUTURE_BARRY_AS_BDFL } else { 0 };
        annotations | barry
    }

    /// Adds the features that a module's future statements turn on.
    pub fn collect(mut self, module: &Mod) -> Result<Self> {
        let (Mod::Module { body, .. } | Mod::Interactive { body }) = module else { return Ok(self) };
        for statement in body.iter().skip(usize::from(has_docstring(body, 0))) {
            let StmtKind::ImportFrom { module: Some(module), names, level } = &statement.kind else { break };
            if level.unwrap_or(0) != 0 || *module != "__future__" {
                break;
            }
            for alias in names {
                self.enable(alias)?;
            }
            self.location = location(statement.span);
        }
        Ok(self)
    }

    fn enable(&mut self, alias: &Alias) -> Result<()> {
        match alias.name.as_str() {
            "nested_scopes" | "generators" | "division" | "absolute_import" | "with_statement"
            | "print_function" | "unicode_literals" | "generator_stop" => {}
            "barry_as_FLUFL" => self.barry_as_flufl = true,
            "annotations" => self.annotations = true,
            "braces" => return Err(syntax_error(location(alias.span), "not a chance")),
            other => {
                let feature: String = other.chars().take(100).collect();
                let message = format!("future feature {feature} is not defined");
                return Err(syntax_error(location(alias.span), message));
            }
        }
        Ok(())
    }
}
